/* SPDX-License-Identifier: MIT */
/*
 * Fetches of variables.
 */
#include "tables.h"
#include "var.h"

static bool fetch_var(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (var_get(cx, args->v[0].var, ret))
		return true;
	return args_has(args, 1) && ret_str(ret, args->v[1].str);
}

/* ---- dump_all_vars ---- */

#define DUMP_MAX 16384

struct dump {
	char *at, *end;
	struct rule_ctx *cx;
	enum var_scope scope;
	struct slice prefix, delim;
	bool some;
};

static bool put(struct dump *d, struct slice s)
{
	if ((size_t)(d->end - d->at) < s.len)
		return false;
	if (s.len)
		memcpy(d->at, s.ptr, s.len);
	d->at += s.len;
	return true;
}

static bool put_quoted(struct dump *d, struct slice s)
{
	static const char plain[] = "\"\\\r\n\b";
	static const char letters[] = "\"\\rnb";
	if (!put(d, SLICE("\"")))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		const char *hit = c ? strchr(plain, c) : NULL;
		char pair[2] = { '\\', hit ? letters[hit - plain] : '0' };
		if (!put(d, c && !hit ? slice_make(&c, 1) : slice_make(pair, 2)))
			return false;
	}
	return put(d, SLICE("\""));
}

static bool put_hex(struct dump *d, struct slice s)
{
	static const char digits[] = "0123456789abcdef";
	if (!put(d, SLICE("x")))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		char pair[2] = { digits[c >> 4], digits[c & 15] };
		if (!put(d, slice_make(pair, 2)))
			return false;
	}
	return true;
}

static bool put_value(struct dump *d, const struct sample *value)
{
	struct sample s = *value;
	switch (s.type) {
	case SMP_STR:
	case SMP_METH:
		return put_quoted(d, s.str);
	case SMP_BIN:
		return put_hex(d, s.str);
	case SMP_BOOL:
		return put(d, s.boolean ? SLICE("true") : SLICE("false"));
	default:
		return sample_cast(&s, SMP_STR, d->cx->arena) && put(d, s.str);
	}
}

static bool dump_one(void *arg, struct slice name, const struct sample *value)
{
	struct dump *d = arg;
	if (!slice_has_prefix(name, d->prefix))
		return true;
	if (d->some && !put(d, d->delim))
		return false;
	d->some = true;
	return put(d, slice_str(var_scope_name(d->scope))) && put(d, SLICE(".")) && put(d, name) &&
	       put(d, SLICE("=")) && put_value(d, value);
}

/* The scopes in the order of the dump; the argument chooses one of them. */
static const enum var_scope dumped[] = { VAR_SESS, VAR_TXN, VAR_REQ, VAR_RES, VAR_PROC };

static int check_dump(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 0) || args->v[0].str.len == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(dumped); i++) {
		if (slice_eq(args->v[0].str, slice_str(var_scope_name(dumped[i])))) {
			args->v[0].num = (int64_t)i + 1;
			return 0;
		}
	}
	conf_error(at->conf, at->line, at->arg,
	    "%s: scope '%s' is none of sess, txn, req, res, proc", at->what, args->v[0].str.ptr);
	return -1;
}

static bool fetch_dump(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	char text[DUMP_MAX];
	int64_t only = args_has(args, 0) ? args->v[0].num : 0;
	struct dump d = { .at = text,
		.end = text + sizeof(text),
		.cx = cx,
		.prefix = args_has(args, 1) ? args->v[1].str : SLICE(""),
		.delim = args_has(args, 2) ? args->v[2].str : SLICE(", ") };
	for (size_t i = 0; i < ARRAY_SIZE(dumped); i++) {
		d.scope = dumped[i];
		if ((!only || only == (int64_t)i + 1) && !var_walk(cx, d.scope, dump_one, &d))
			return false;
	}
	return ret_str(ret, arena_slice(cx->arena, slice_make(text, (size_t)(d.at - text))));
}

const struct fetch_row fetch_var_rows[] = {
	{ .name = "var",
	    .out = SMP_ANY,
	    .args_min = 1,
	    .args = { ARG_VAR, ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_var,
	    .usage = "<name>[,<default>]",
	    .help = "a variable, or the default when it is not set" },
	{ .name = "dump_all_vars",
	    .out = SMP_STR,
	    .args = { ARG_STR, ARG_STR, ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_dump,
	    .check = check_dump,
	    .usage = "[<scope>[,<prefix>[,<delimiter>]]]",
	    .help = "all variables as name=value" },
	{ .name = NULL },
};
