/* SPDX-License-Identifier: MIT */
/*
 * Converters that take or set variables.
 */
#include "rule_int.h"

const struct conv_row conv_var_rows[] = {
	{ .name = NULL },
};
