/* SPDX-License-Identifier: MIT */
/*
 * JSON Web Tokens: queries, signatures (RFC 7515) and encryption (RFC 7516).
 */
#include "tables.h"

const struct conv_row conv_jwt_rows[] = {
	{ .name = NULL },
};
