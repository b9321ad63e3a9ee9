/* SPDX-License-Identifier: MIT */
/*
 * Fetches that read a TLS ClientHello or ServerHello in raw bytes: routing by SNI without ending TLS.
 */
#include "tables.h"

const struct fetch_row fetch_hello_rows[] = {
	{ .name = NULL },
};
