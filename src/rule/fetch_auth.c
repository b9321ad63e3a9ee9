/* SPDX-License-Identifier: MIT */
/*
 * Basic authentication against userlists.
 */
#include "tables.h"

const struct fetch_row fetch_auth_rows[] = {
	{ .name = NULL },
};
