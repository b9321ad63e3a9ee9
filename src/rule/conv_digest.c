/* SPDX-License-Identifier: MIT */
/*
 * Digests, MACs and ciphers, by libcrypto.
 */
#include "rule_int.h"

const struct conv_row conv_digest_rows[] = {
	{ .name = NULL },
};
