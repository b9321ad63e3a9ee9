/* SPDX-License-Identifier: MIT */
/*
 * Arguments that are a text or a variable.
 */
#include "key_arg.h"

#include "base64.h"
#include "var.h"

int key_arg_check(const struct arg_place *at, const struct args *args, unsigned i, bool base64,
    struct key_arg *ret)
{
	*ret = (struct key_arg){ .text = SLICE(""), .base64 = base64 };
	if (!args_has(args, i))
		return 0;
	ret->text = args->v[i].str;
	if (var_is_name(ret->text)) {
		ret->var = var_name_parse(at, ret->text);
		return ret->var ? 0 : -1;
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
	return k->var != NULL;
}

bool key_arg_get(const struct key_arg *k, struct rule_ctx *cx, struct slice *ret)
{
	struct sample s = { .type = SMP_ANY };
	if (!k->var) {
		*ret = k->text;
		return true;
	}
	if (!var_get_as(cx, k->var, SMP_STR, &s))
		return false;
	*ret = k->base64 ? base64_decode_in(cx->arena, s.str, false) : s.str;
	return ret->ptr != NULL;
}
