/* SPDX-License-Identifier: MIT */
/*
 * The Forwarded header, RFC 7239.
 */
#include "tables.h"

const struct conv_row conv_forwarded_rows[] = {
	{ .name = NULL },
};
