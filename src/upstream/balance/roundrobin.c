/* SPDX-License-Identifier: MIT */
/* "balance roundrobin": smooth weighted turns, exact over all workers. */
#include "balance_internal.h"

static struct server *pick(
    struct backend *be, const struct balance_table *t, struct balance_call *call)
{
	return rr_sequence_pick(be, t, call);
}

const struct balance_ops balance_roundrobin = {
	.name = "roundrobin",
	.for_log = true,
	.pick = pick,
};
