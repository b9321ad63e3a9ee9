/* SPDX-License-Identifier: MIT */
/*
 * Actions that set and unset variables.
 */
#include "action.h"

const struct action_row action_var_rows[] = {
	{ .name = NULL },
};
