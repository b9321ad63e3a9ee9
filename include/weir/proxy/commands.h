/* SPDX-License-Identifier: MIT */
/*
 * The admin commands of this module: tables for struct cli_setup, whose user is the struct process.
 */
#ifndef WEIR_PROXY_COMMANDS_H
#define WEIR_PROXY_COMMANDS_H

#include "weir/admin/cli.h"
#include "weir/proxy/process.h"

extern const struct cli_command proxy_stat_commands[], proxy_info_commands[],
    proxy_session_commands[], proxy_frontend_commands[], proxy_debug_commands[],
    proxy_map_commands[], proxy_var_commands[], proxy_ssl_commands[], proxy_ssl_list_commands[];

/*
 * Lets the commands about servers find the backends of p's present configuration, and end streams. Main thread,
 * before the workers run.
 */
void proxy_commands_init(struct process *p);

#endif
