/* SPDX-License-Identifier: MIT */
/* What the object pools of all workers hold, summed by name. */
#ifndef WEIR_SRC_PROXY_CLI_MEMORY_H
#define WEIR_SRC_PROXY_CLI_MEMORY_H

#include "cli_proxy.h"

#define POOL_KINDS_MAX 8

struct pool_sum {
	const char *name;
	size_t size;
	uint64_t used, free, failed;
};

struct memory_sum {
	struct pool_sum pools[POOL_KINDS_MAX];
	unsigned n;
	uint64_t allocated, used, failed; /* bytes, bytes, refusals */
	uint64_t pipes_used, pipes_free;
};

/* Pools belong to their workers: call with the others paused. */
void cli_memory_sum(const struct cli_call *call, struct memory_sum *ret);

#endif
