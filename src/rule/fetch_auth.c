/* SPDX-License-Identifier: MIT */
/*
 * Basic authentication against userlists.
 */
#include "rule_int.h"

const struct fetch_row fetch_auth_rows[] = {
	{ .name = NULL },
};
