/* SPDX-License-Identifier: MIT */
/*
 * What the cli_*.c files of this module share. Commands run on worker 0, so the configuration they find stays
 * the present one for their whole run.
 */
#ifndef WEIR_SRC_PROXY_CLI_PROXY_H
#define WEIR_SRC_PROXY_CLI_PROXY_H

#include "stats.h"
#include "weir/admin/cli.h"
#include "weir/proxy/commands.h"

static inline struct process *cli_process(const struct cli_call *call)
{
	return call->user;
}

struct stats_view cli_stats_view(const struct cli_call *call);

/* By name, or number as "#id"; NULL: an error was written. */
struct proxy *cli_find_frontend(struct cli_call *call, const char *name);
/* "backend/server"; NULL: an error was written. */
struct server *cli_find_server(struct cli_call *call, const char *word);

#endif
