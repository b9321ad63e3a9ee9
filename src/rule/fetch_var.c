/* SPDX-License-Identifier: MIT */
/*
 * Fetches of variables, and of what the rules themselves are doing.
 */
#include "tables.h"

const struct fetch_row fetch_var_rows[] = {
	{ .name = NULL },
};
