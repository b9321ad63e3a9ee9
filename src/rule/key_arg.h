/* SPDX-License-Identifier: MIT */
/*
 * Arguments that are a text or the name of a variable: keys, nonces, tags, secrets. "txn.nonce" is a variable,
 * everything that does not begin with a scope is the text itself.
 */
#ifndef WEIR_RULE_KEY_ARG_H
#define WEIR_RULE_KEY_ARG_H

#include "rule_int.h"

struct key_arg {
	const struct var_name *var; /* NULL: text */
	struct slice text;	    /* base64 decoded where asked for */
	bool base64;
};

/* From args->v[i], "" when it was left out. 0, or -1 told. */
int key_arg_check(const struct arg_place *at, const struct args *args, unsigned i, bool base64,
    struct key_arg *ret);
/* A variable, so its bytes are not known when the configuration is read. */
bool key_arg_varies(const struct key_arg *k);
/* Its bytes now; false when the variable is not set or holds no base64. */
bool key_arg_get(const struct key_arg *k, struct rule_ctx *cx, struct slice *ret);

#endif
