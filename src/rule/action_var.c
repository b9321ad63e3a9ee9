/* SPDX-License-Identifier: MIT */
/*
 * Actions that set and unset variables.
 */
#include "action.h"
#include "var.h"

struct var_action {
	const struct var_name *name;
	unsigned conds;
	const struct expr *expr; /* or */
	const struct logfmt *fmt;
};

/* "name,cond,cond" from the parentheses. */
static struct var_action *parse_name(struct action_parse *p)
{
	struct var_action *a = action_args(p, sizeof(*a));
	struct arg_place at = { p->conf, p->line, p->arg - 1, p->row->name };
	struct slice rest = p->in_name, name = slice_cut(&rest, ',');
	if (!a)
		return NULL;
	a->name = var_name_parse(&at, slice_trim_ows(name));
	if (!a->name)
		return NULL;
	while (rest.ptr) {
		if (var_cond_parse(&at, slice_trim_ows(slice_cut(&rest, ',')), &a->conds) < 0)
			return NULL;
	}
	return a;
}

static int parse_set(struct action_parse *p)
{
	struct var_action *a = parse_name(p);
	if (!a)
		return -1;
	a->expr = expr_parse(p->conf, p->line, &p->arg, p->where);
	return a->expr ? 0 : -1;
}

static bool run_set(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct var_action *a = rule->args;
	struct sample s;
	if (expr_eval(a->expr, cx, SMP_ANY, &s))
		var_set(cx, a->name, a->conds, &s);
	return false;
}

static int parse_set_fmt(struct action_parse *p)
{
	struct var_action *a = parse_name(p);
	if (!a)
		return -1;
	const char *text = action_word(p, "a format");
	if (!text)
		return -1;
	/* a variable keeps all bytes: they are made fit for a header when they get into one */
	a->fmt = logfmt_parse(p->conf, p->line, p->arg - 1, text, p->where, 0);
	return a->fmt ? 0 : -1;
}

static bool run_set_fmt(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct var_action *a = rule->args;
	struct sample s = { .type = SMP_STR, .str = action_text(a->fmt, cx) };
	if (s.str.ptr)
		var_set(cx, a->name, a->conds, &s);
	return false;
}

static int parse_unset(struct action_parse *p)
{
	struct var_action *a = parse_name(p);
	if (a && !a->conds)
		return 0;
	if (a)
		conf_error(p->conf, p->line, p->arg - 1, "'unset-var' takes no conditions");
	return -1;
}

static bool run_unset(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct var_action *a = rule->args;
	var_unset(cx, a->name);
	return false;
}

#define ON_ALL (ON_TCP_EARLY | ON_TCP_REQ | ON_TCP_RES | ON_HTTP)

const struct action_row action_var_rows[] = {
	{ .name = "set-var",
	    .kinds = ON_ALL,
	    .parse = parse_set,
	    .run = run_set,
	    .has_name = true,
	    .usage = "(<name>[,<cond>...]) <expr>",
	    .help = "sets a variable to a value" },
	{ .name = "set-var-fmt",
	    .kinds = ON_ALL,
	    .parse = parse_set_fmt,
	    .run = run_set_fmt,
	    .has_name = true,
	    .usage = "(<name>[,<cond>...]) <fmt>",
	    .help = "sets a variable to a text" },
	{ .name = "unset-var",
	    .kinds = ON_ALL,
	    .parse = parse_unset,
	    .run = run_unset,
	    .has_name = true,
	    .usage = "(<name>)",
	    .help = "forgets a variable" },
	{ .name = NULL },
};
