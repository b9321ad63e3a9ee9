/* SPDX-License-Identifier: MIT */
/*
 * Converters that read or set variables.
 */
#include <openssl/crypto.h>

#include "tables.h"
#include "var.h"

/* ---- set-var, unset-var ---- */

static int check_set(const struct arg_place *at, struct args *args)
{
	unsigned *conds = arena_new(conf_arena(at->conf), unsigned);
	if (!conds)
		return -1;
	for (unsigned i = 1; i < args->n; i++) {
		if (var_cond_parse(at, args->v[i].str, conds) < 0)
			return -1;
	}
	args->data = conds;
	return 0;
}

static bool conv_set(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct var_name *name = args->v[0].var;
	if (!var_set(cx, name, *(const unsigned *)args->data, s))
		return false;
	/* what came in may have been a part of the old value, whose memory the new one has */
	return name->scope == VAR_PROC || var_get(cx, name, s);
}

static bool conv_unset(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	var_unset(cx, args->v[0].var);
	return true;
}

/* ---- comparing ---- */

/* The difference of the first bytes that differ: memcmp() promises no more than its sign. */
static int text_order(struct slice a, struct slice b)
{
	size_t common = MIN(a.len, b.len);
	for (size_t i = 0; i < common; i++) {
		if (a.ptr[i] != b.ptr[i])
			return (unsigned char)a.ptr[i] - (unsigned char)b.ptr[i];
	}
	return (a.len > b.len) - (a.len < b.len);
}

static bool conv_strcmp(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct sample other;
	if (!var_get_as(cx, args->v[0].var, SMP_STR, &other))
		return false;
	return ret_int(s, text_order(s->str, other.str));
}

static bool conv_memcmp(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct sample other;
	if (!var_get_as(cx, args->v[0].var, SMP_BIN, &other))
		return false;
	bool equal = s->str.len == other.str.len &&
		     (s->str.len == 0 || CRYPTO_memcmp(s->str.ptr, other.str.ptr, s->str.len) == 0);
	return ret_bool(s, equal);
}

/* ---- joining ---- */

/* Text of the variable of argument i; empty when there is none. */
static struct slice variable_text(struct rule_ctx *cx, const struct args *args, unsigned i)
{
	struct sample s;
	if (args_has(args, i) && var_get_as(cx, args->v[i].var, SMP_STR, &s))
		return s.str;
	return SLICE("");
}

static bool conv_concat(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	if (args_has(args, 0))
		s->str = ctx_join(cx, s->str, args->v[0].str);
	if (s->str.ptr && args_has(args, 1))
		s->str = ctx_join(cx, s->str, variable_text(cx, args, 1));
	if (s->str.ptr && args_has(args, 2))
		s->str = ctx_join(cx, s->str, args->v[2].str);
	return s->str.ptr != NULL;
}

static int check_add_item(const struct arg_place *at, struct args *args)
{
	if (args_has(args, 1) || (args_has(args, 2) && args->v[2].str.len))
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s needs a variable or a suffix", at->what);
	return -1;
}

/* The delimiter stands only between two things that are there. */
static bool conv_add_item(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice suffix = args_has(args, 2) ? args->v[2].str : SLICE("");
	struct slice item = ctx_join(cx, variable_text(cx, args, 1), suffix);
	if (!item.ptr)
		return false;
	if (s->str.len && item.len)
		s->str = ctx_join(cx, s->str, args->v[0].str);
	if (s->str.ptr)
		s->str = ctx_join(cx, s->str, item);
	return s->str.ptr != NULL;
}

const struct conv_row conv_var_rows[] = {
	{ .name = "set-var",
	    .in = SMP_ANY,
	    .out = SMP_ANY,
	    .args_min = 1,
	    .args = { ARG_VAR, ARG_STR, ARG_STR, ARG_STR, ARG_STR },
	    .eval = conv_set,
	    .check = check_set,
	    .usage = "<var>[,<cond>...]",
	    .help = "sets a variable to the value, which goes on" },
	{ .name = "unset-var",
	    .in = SMP_ANY,
	    .out = SMP_ANY,
	    .args_min = 1,
	    .args = { ARG_VAR },
	    .eval = conv_unset,
	    .usage = "<var>",
	    .help = "forgets a variable; the value goes on" },
	{ .name = "strcmp",
	    .in = SMP_STR,
	    .out = SMP_SINT,
	    .args_min = 1,
	    .args = { ARG_VAR },
	    .eval = conv_strcmp,
	    .usage = "<var>",
	    .help = "below, equal to or above 0, as the variable's text comes behind or in front" },
	{ .name = "secure_memcmp",
	    .in = SMP_BIN,
	    .out = SMP_BOOL,
	    .args_min = 1,
	    .args = { ARG_VAR },
	    .eval = conv_memcmp,
	    .usage = "<var>",
	    .help = "whether the variable has the same bytes; constant time for equal lengths" },
	{ .name = "concat",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args = { ARG_STR, ARG_VAR, ARG_STR },
	    .eval = conv_concat,
	    .usage = "[<start>[,<var>[,<end>]]]",
	    .help = "with a text, a variable and a text behind it" },
	{ .name = "add_item",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR, ARG_VAR, ARG_STR },
	    .eval = conv_add_item,
	    .check = check_add_item,
	    .usage = "<delim>[,<var>[,<suff>]]",
	    .help = "one more item of a list, behind the delimiter unless it is the first" },
	{ .name = NULL },
};
