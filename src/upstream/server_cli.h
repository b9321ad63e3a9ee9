/* SPDX-License-Identifier: MIT */
/* What the files of the commands share. */
#ifndef WEIR_UPSTREAM_SERVER_CLI_H
#define WEIR_UPSTREAM_SERVER_CLI_H

#include "weir/upstream/upstream_cli.h"

const struct upstream_dir *upstream_cli_dir(void);
void server_cli_show_state(struct cli_call *call);
void server_cli_show_conn(struct cli_call *call);

#endif
