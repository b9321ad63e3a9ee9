/* SPDX-License-Identifier: MIT */
/*
 * Converters that take or set variables.
 */
#include "tables.h"

const struct conv_row conv_var_rows[] = {
	{ .name = NULL },
};
