/* SPDX-License-Identifier: MIT */
/*
 * Digests, MACs and ciphers, by libcrypto.
 */
#include "tables.h"

const struct conv_row conv_digest_rows[] = {
	{ .name = NULL },
};
