/* SPDX-License-Identifier: MIT */
/* Tokens in compact serialization: parts between dots (RFC 7515 7.1, RFC 7516 7.1). */
#ifndef WEIR_RULE_JWT_H
#define WEIR_RULE_JWT_H

#include "rule_int.h"

#define JWT_PARTS 5

struct jwt {
	struct slice part[JWT_PARTS]; /* as they came, base64url */
	unsigned n;
	struct slice signing_input; /* the first two with their dot, when there are three */
};

/* False unless there are 3 (signed) or 5 (encrypted) parts. */
static inline bool jwt_split(struct slice token, struct jwt *ret)
{
	struct slice rest = token;
	ret->n = 0;
	while (rest.ptr) {
		if (ret->n == JWT_PARTS)
			return false;
		ret->part[ret->n++] = slice_cut(&rest, '.');
	}
	if (ret->n == 3)
		ret->signing_input = slice_sub(token, 0, token.len - ret->part[2].len - 1);
	return ret->n == 3 || ret->n == 5;
}

#endif
