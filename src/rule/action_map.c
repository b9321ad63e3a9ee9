/* SPDX-License-Identifier: MIT */
/*
 * Actions that change maps and ACL files while traffic flows.
 */
#include "action.h"

const struct action_row action_map_rows[] = {
	{ .name = NULL },
};
