/* SPDX-License-Identifier: MIT */
/*
 * Converters that let a value pass or not, or show it on its way; and whether a frontend exists.
 */
#include <errno.h>
#include <unistd.h>

#include "acl.h"
#include "tables.h"
#include "weir/rule/acl_scope.h"

/* ---- when ---- */

enum when_kind { WHEN_ERROR, WHEN_FORWARDED, WHEN_STOPPING, WHEN_NEVER, WHEN_ACL };

struct when {
	enum when_kind kind;
	bool negated;
	const struct acl *acl;
};

static int when_acl(const struct arg_place *at, const struct args *args, struct when *w)
{
	if (!args_has(args, 1)) {
		conf_error(
		    at->conf, at->line, at->arg, "%s: 'acl' needs the name of an ACL", at->what);
		return -1;
	}
	const char *name = args->v[1].str.ptr;
	struct acl *a = acl_find(at->conf, at->line, acl_scope_used(at->conf), name);
	if (!a) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: no such ACL: '%s'; it must be declared above", at->what, name);
		return -1;
	}
	a->used = true;
	w->acl = a;
	return 0;
}

static int check_when(const struct arg_place *at, struct args *args)
{
	static const struct {
		const char *name;
		enum when_kind kind;
		bool negated;
	} known[] = {
		{ "error", WHEN_ERROR, false },
		{ "normal", WHEN_ERROR, true },
		{ "forwarded", WHEN_FORWARDED, false },
		/* nothing but servers answers requests that were not answered by rules */
		{ "processed", WHEN_FORWARDED, false },
		{ "toapplet", WHEN_NEVER, false },
		{ "stopping", WHEN_STOPPING, false },
		{ "acl", WHEN_ACL, false },
	};
	struct when *w = arena_new(conf_arena(at->conf), struct when);
	const char *word = args->v[0].str.ptr;
	bool negated = *word == '!';
	if (!w)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(word + negated, known[i].name) != 0)
			continue;
		w->kind = known[i].kind;
		w->negated = negated != known[i].negated;
		args->data = w;
		return w->kind == WHEN_ACL ? when_acl(at, args, w) : 0;
	}
	conf_error(at->conf, at->line, at->arg,
	    "%s: unknown condition '%s'; known are error, normal, forwarded, processed, toapplet, "
	    "stopping, acl",
	    at->what, word);
	return -1;
}

static bool fact(const struct rule_ctx *cx, enum rule_fact what)
{
	return cx->host && cx->host->fact && cx->host->fact(cx->stream, what) > 0;
}

static bool conv_when(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct when *w = args->data;
	bool met = false;
	switch (w->kind) {
	case WHEN_ERROR:
		met = fact(cx, RULE_FACT_FAILED);
		break;
	case WHEN_FORWARDED:
		met = fact(cx, RULE_FACT_FORWARDED);
		break;
	case WHEN_STOPPING:
		met = fact(cx, RULE_FACT_STOPPING);
		break;
	case WHEN_ACL:
		met = acl_eval(w->acl, cx) == 1;
		break;
	case WHEN_NEVER:
		break;
	}
	return met != w->negated;
}

/* ---- debug ---- */

static int check_debug(const struct arg_place *at, struct args *args)
{
	const char *to = args_has(args, 1) ? args->v[1].str.ptr : "buf0";
	if (strcmp(to, "stdout") == 0)
		args->v[1].num = STDOUT_FILENO;
	else if (strcmp(to, "stderr") == 0 || strcmp(to, "buf0") == 0) {
		if (args_has(args, 1))
			args->v[1].num = STDERR_FILENO;
	} else {
		conf_error(at->conf, at->line, at->arg,
		    "%s: '%s' is no destination: 'stderr' or 'stdout' is expected", at->what, to);
		return -1;
	}
	return 0;
}

#define DEBUG_LINE_MAX 1024

/* What cannot be printed becomes '.'. */
static struct slice printable(struct rule_ctx *cx, const struct sample *value)
{
	struct sample s = *value;
	if (!sample_cast(&s, SMP_STR, cx->arena))
		return SLICE("?");
	char *out = arena_bytes(cx->arena, s.str.len + 1);
	if (!out)
		return SLICE("?");
	for (size_t i = 0; i < s.str.len; i++) {
		unsigned char c = (unsigned char)s.str.ptr[i];
		out[i] = c < 32 || c > 126 ? '.' : (char)c;
	}
	return slice_make(out, s.str.len);
}

/* One write, so that lines of several threads do not mix. What cannot be written at once is lost. */
static bool conv_debug(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	char line[DEBUG_LINE_MAX];
	struct slice text = printable(cx, s);
	int fd = args_has(args, 1) ? (int)args->v[1].num : STDERR_FILENO;
	int n = snprintf(line, sizeof(line) - 1, "[debug]%s%s: type=%s <%.*s>",
	    args_has(args, 0) && args->v[0].str.len ? " " : "",
	    args_has(args, 0) ? args->v[0].str.ptr : "", sample_type_short(s->type),
	    SLICE_ARG(text));
	size_t len = MIN((size_t)MAX(n, 0), sizeof(line) - 2);
	line[len++] = '\n';
	if (write(fd, line, len) < 0 && errno == EINTR)
		return true;
	return true;
}

/* ---- fe_exists ---- */

static bool conv_fe_exists(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const char *name = arena_slice_dup(cx->arena, s->str);
	if (!name || !cx->host || !cx->host->gauge)
		return false;
	return ret_bool(s, s->str.len && cx->host->gauge(cx->stream, "fe_id", name) >= 0);
}

const struct conv_row conv_debug_rows[] = {
	{ .name = "when",
	    .in = SMP_ANY,
	    .out = SMP_ANY,
	    .args_min = 1,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_when,
	    .check = check_when,
	    .usage = "[!]<condition>[,<acl>]",
	    .help = "the value while the condition holds, else none" },
	{ .name = "debug",
	    .in = SMP_ANY,
	    .out = SMP_ANY,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_debug,
	    .check = check_debug,
	    .usage = "[<prefix>[,<destination>]]",
	    .help = "shows the value on stderr, or stdout; the value goes on" },
	{ .name = "fe_exists",
	    .in = SMP_STR,
	    .out = SMP_BOOL,
	    .eval = conv_fe_exists,
	    .help = "whether there is a frontend of that name" },
	{ .name = NULL },
};
