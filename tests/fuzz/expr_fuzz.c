/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of expressions, ACL conditions and the arguments of fetches and converters. The first byte picks
 * what the text is; the text is taken as it is, as one word (expressions) or cut at blanks (conditions). What
 * compiles is evaluated in every direction and cast to every type, and gives the same again the second time.
 */
#include "rule_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 32

struct run {
	struct world w;
	struct expr *expr;
	struct cond *cond;
	bool is_cond;
	char *text;
};

/* "if a b { c }" from one text; words share its memory. */
static int cut_words(char *text, char **argv)
{
	int n = 0;
	for (char *rest = NULL, *word = strtok_r(text, " ", &rest); word && n < WORDS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		argv[n++] = word;
	return n;
}

static int set_text(const struct conf_call *call)
{
	struct run *r = conf_user(call->conf);
	static char none[] = "", keyword[] = "x", with[] = "if";
	char *argv[WORDS_MAX + 12] = { keyword, with };
	unsigned cols[WORDS_MAX + 12] = { 0 };
	struct conf_line line = { .pos = call->line->pos, .argv = argv, .cols = cols };
	int arg = 1;
	bool ok;
	if (r->is_cond) {
		line.argc = 2 + cut_words(r->text, argv + 2);
	} else {
		argv[1] = r->text;
		line.argc = 2;
	}
	for (size_t i = (size_t)line.argc; i < ARRAY_SIZE(argv); i++)
		argv[i] = none;
	if (r->is_cond)
		r->cond = cond_parse(call->conf, &line, 1, r->w.scope, 0, &ok);
	else
		r->expr = expr_parse(call->conf, &line, &arg, 0);
	return 0;
}

static const struct conf_keyword rows[] = {
	{ "x", CONF_FRONTEND, 0, 0, -1, set_text, 0, "", "" },
	{ .name = NULL },
};
static const struct conf_keyword *const tables[] = { rows, NULL };

static const unsigned moments[] = { RULE_AT_CONN, RULE_AT_SESS, RULE_AT_REQ_BUF, RULE_AT_REQ_HTTP,
	RULE_AT_RES_BUF, RULE_AT_RES_HTTP, RULE_AT_LOG };

/* Without messages where there are none yet. */
static void set_moment(struct run *r, unsigned at, bool final)
{
	struct rule_ctx *cx = &r->w.cx;
	cx->at = at;
	cx->req = at & (RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ_BUF) ? NULL : &r->w.req;
	cx->res = at & (RULE_AT_RES_BUF | RULE_AT_RES_HTTP | RULE_AT_LOG) ? &r->w.res : NULL;
	cx->req_final = cx->res_final = final;
}

static void evaluate_expr(struct run *r)
{
	struct sample s;
	for (unsigned to = SMP_ANY; to < SMP_N; to++) {
		if (!expr_eval(r->expr, &r->w.cx, (enum sample_type)to, &s))
			continue;
		require(to == SMP_ANY || s.type == to);
		/* Reading all of it shows a slice that points astray. */
		if ((s.type == SMP_STR || s.type == SMP_BIN) && s.str.len)
			(void)hash_slice(s.str);
	}
}

static void evaluate(struct run *r)
{
	for (size_t i = 0; i < 2 * ARRAY_SIZE(moments); i++) {
		bool final = i % 2;
		set_moment(r, moments[i / 2], final);
		if (r->expr)
			evaluate_expr(r);
		int now = r->cond ? cond_eval(r->cond, &r->w.cx) : 0;
		require(!final || now >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run r;
	if (size < 2 || size > 1024)
		return 0;
	memset(&r, 0, sizeof(r));
	world_fill(&r.w);
	r.is_cond = data[0] & 1;
	r.text = arena_slice_dup(&r.w.conf_mem, slice_make((const char *)data + 1, size - 1));
	if (r.text && !names_a_file(r.text)) {
		world_read(&r.w, tables, &r, "frontend f\nx y\n");
		evaluate(&r);
	}
	world_done(&r.w);
	return 0;
}
