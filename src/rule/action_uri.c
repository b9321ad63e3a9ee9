/* SPDX-License-Identifier: MIT */
/*
 * normalize-uri: URI normalisers, RFC 3986 6.
 */
#include "action.h"

const struct action_row action_uri_rows[] = {
	{ .name = NULL },
};
