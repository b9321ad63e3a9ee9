/* SPDX-License-Identifier: MIT */
/*
 * The admin commands about servers: a table for struct cli_setup.
 */
#ifndef WEIR_UPSTREAM_UPSTREAM_CLI_H
#define WEIR_UPSTREAM_UPSTREAM_CLI_H

#include "weir/admin/cli.h"
#include "weir/upstream/backend.h"

extern const struct cli_command upstream_commands[];

/* Where the commands find backends: those of the present configuration. Once, before the first command. */
void upstream_cli_set_dir(const struct upstream_dir *dir);

#endif
