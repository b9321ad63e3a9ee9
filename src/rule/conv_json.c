/* SPDX-License-Identifier: MIT */
/*
 * JSON: escaping and queries.
 */
#include "tables.h"

const struct conv_row conv_json_rows[] = {
	{ .name = NULL },
};
