/* SPDX-License-Identifier: MIT */
/*
 * Arguments that are a text or a variable.
 */
#include "key_arg.h"

#include "base64.h"

static bool names_variable(struct slice text)
{
	static const char *const scopes[] = { "proc.", "sess.", "txn.", "req.", "res.", "check." };
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		if (slice_has_prefix(text, slice_str(scopes[i])))
			return true;
	}
	return false;
}

int key_arg_check(const struct arg_place *at, const struct args *args, unsigned i, bool base64,
    struct key_arg *ret)
{
	*ret = (struct key_arg){ .text = SLICE(""), .base64 = base64 };
	if (!args_has(args, i))
		return 0;
	ret->text = args->v[i].str;
	if (names_variable(ret->text)) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: argument %u: variables are not supported in this version", at->what,
		    i + 1);
		return -1;
	}
	if (!base64)
		return 0;
	ret->text = base64_decode_in(conf_arena(at->conf), ret->text, false);
	if (ret->text.ptr)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: argument %u is neither base64 nor a variable",
	    at->what, i + 1);
	return -1;
}

bool key_arg_varies(const struct key_arg *k)
{
	return false;
}

bool key_arg_get(const struct key_arg *k, struct rule_ctx *cx, struct slice *ret)
{
	*ret = k->text;
	return true;
}
