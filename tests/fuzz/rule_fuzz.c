/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of the rule languages: the first byte picks expression, condition, log format, rule or ACL, the
 * rest is the text of one line. What compiles is evaluated against a fixed request, response and record, so
 * that fetches, converters, patterns and actions run on whatever arguments the fuzzer found.
 */
#include "rule_world.h"
#include "weir/rule/acl_scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct world w;
	struct ruleset set;
	struct expr *expr;
	struct cond *cond;
	struct logfmt *fmt;
};

static int set_line(const struct conf_call *call)
{
	struct run *r = conf_user(call->conf);
	int arg = call->arg;
	bool ok;
	if (arg >= call->line->argc)
		return 0;
	switch (call->row->data) {
	case 'e':
		r->expr = expr_parse(call->conf, call->line, &arg, 0);
		return 0;
	case 'c':
		r->cond = cond_parse(call->conf, call->line, arg, r->w.scope, 0, &ok);
		return 0;
	case 'f':
		r->fmt =
		    logfmt_parse(call->conf, call->line, arg, call->line->argv[arg], 0, LOGFMT_LOG);
		return 0;
	case 'h':
		r->fmt = logfmt_parse(
		    call->conf, call->line, arg, call->line->argv[arg], 0, LOGFMT_HTTP);
		return 0;
	case 'a':
		return acl_add(call->conf, call->line, arg, r->w.scope);
	default:
		return rule_add(call->conf, call->line, arg, (enum rules_kind)call->row->data,
		    &r->set, r->w.scope, true);
	}
}

#define ROW(word, what)                                                                            \
	{                                                                                          \
		word, CONF_FRONTEND, 0, 0, -1, set_line, what, "", ""                              \
	}
static const struct conf_keyword rows[] = {
	ROW("expr", 'e'),
	ROW("cond", 'c'),
	ROW("fmt", 'f'),
	ROW("hfmt", 'h'),
	ROW("acl", 'a'),
	ROW("http-request", RULES_HTTP_REQ),
	ROW("http-response", RULES_HTTP_RES),
	{ .name = NULL },
};
static const struct conf_keyword *const tables[] = { rows, NULL };
static void evaluate(struct run *r)
{
	char out[512];
	struct sample s;
	struct rule_cursor at = { .rule = NULL };
	for (unsigned to = SMP_ANY; r->expr && to < SMP_N; to++) {
		if (!expr_eval(r->expr, &r->w.cx, (enum sample_type)to, &s))
			continue;
		require(to == SMP_ANY || s.type == to);
		/* Reading all of it shows a slice that points astray. */
		if ((s.type == SMP_STR || s.type == SMP_BIN) && s.str.len)
			(void)hash_slice(s.str);
	}
	if (r->cond)
		require(cond_eval(r->cond, &r->w.cx) >= 0);
	for (size_t cap = 0; r->fmt && cap <= sizeof(out); cap += 64)
		require(logfmt_write(r->fmt, &r->w.cx, out, cap) <= cap);
	(void)rules_run(&r->set, &r->w.cx, &at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run r;
	if (size < 2 || size > 4096)
		return 0;
	memset(&r, 0, sizeof(r));
	world_fill(&r.w);
	char *rest = arena_slice_dup(&r.w.conf_mem, slice_make((const char *)data + 1, size - 1));
	const char *word = rows[data[0] % (ARRAY_SIZE(rows) - 1)].name;
	char *text = arena_printf(&r.w.conf_mem, "frontend f\n%s %s\n", word, rest);
	if (text && !names_a_file(rest)) {
		world_read(&r.w, tables, &r, text);
		evaluate(&r);
	}
	world_done(&r.w);
	return 0;
}
