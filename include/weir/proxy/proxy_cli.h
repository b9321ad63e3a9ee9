/* SPDX-License-Identifier: MIT */
/*
 * The admin commands of this module: tables for struct cli_setup, whose user must be the struct process.
 */
#ifndef WEIR_PROXY_PROXY_CLI_H
#define WEIR_PROXY_PROXY_CLI_H

#include "weir/admin/cli.h"

extern const struct cli_command cli_stat_rows[], cli_info_rows[], cli_session_rows[],
    cli_frontend_rows[], cli_debug_rows[];

#endif
