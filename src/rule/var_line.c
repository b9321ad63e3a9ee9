/* SPDX-License-Identifier: MIT */
/*
 * "set-var(name,cond) <expr>", "set-var-fmt(name,cond) <fmt>" and "unset-var(name)" as steps of something that is no
 * rule list: health checks. Compiled once, run by whoever owns the stores.
 */
#include "var.h"

#define VAR_TEXT_MAX 16384

struct var_line {
	const struct var_name *name;
	unsigned conds;
	const struct expr *expr;  /* set-var, or */
	const struct logfmt *fmt; /* set-var-fmt; both NULL: unset-var */
};

static int parse_name(const struct arg_place *at, struct slice inside, struct var_line *v)
{
	struct slice rest = inside, name = slice_cut(&rest, ',');
	v->name = var_name_parse(at, slice_trim_ows(name));
	if (!v->name)
		return -1;
	while (rest.ptr) {
		if (var_cond_parse(at, slice_trim_ows(slice_cut(&rest, ',')), &v->conds) < 0)
			return -1;
	}
	return 0;
}

static int parse_value(struct conf *conf, const struct conf_line *line, int arg, bool format,
    unsigned where, struct var_line *v)
{
	if (arg >= line->argc) {
		conf_error(conf, line, arg - 1, "'%s' expects %s", line->argv[arg - 1],
		    format ? "a format" : "an expression");
		return -1;
	}
	if (format) {
		v->fmt = logfmt_parse(conf, line, arg, line->argv[arg], where, 0);
		arg++;
	} else {
		v->expr = expr_parse(conf, line, &arg, where);
	}
	if (!v->fmt && !v->expr)
		return -1;
	if (arg >= line->argc)
		return 0;
	conf_error(conf, line, arg, "unexpected '%s'", line->argv[arg]);
	return -1;
}

struct var_line *var_line_parse(
    struct conf *conf, const struct conf_line *line, int arg, unsigned where)
{
	struct slice word = slice_str(line->argv[arg]);
	size_t open = slice_find(word, '(');
	struct slice verb = slice_sub(word, 0, open);
	struct arg_place at = { conf, line, arg, line->argv[arg] };
	struct var_line *v = arena_new(conf_arena(conf), struct var_line);
	bool unset = slice_eq(verb, SLICE("unset-var"));
	if (!v)
		return NULL;
	if (open == word.len || word.ptr[word.len - 1] != ')') {
		conf_error(conf, line, arg, "'%.*s' expects the name of a variable in parentheses",
		    SLICE_ARG(verb));
		return NULL;
	}
	if (parse_name(&at, slice_sub(word, open + 1, word.len - open - 2), v) < 0)
		return NULL;
	if (!unset) {
		bool format = slice_eq(verb, SLICE("set-var-fmt"));
		return parse_value(conf, line, arg + 1, format, where, v) < 0 ? NULL : v;
	}
	if (!v->conds && arg + 1 == line->argc)
		return v;
	conf_error(conf, line, arg, "'unset-var' takes the name of a variable and nothing else");
	return NULL;
}

void var_line_run(const struct var_line *v, struct rule_ctx *cx)
{
	char text[VAR_TEXT_MAX];
	struct sample s = { .type = SMP_STR };
	if (v->fmt)
		s.str = slice_make(text, logfmt_write(v->fmt, cx, text, sizeof(text)));
	else if (!v->expr)
		var_unset(cx, v->name);
	if (v->fmt || (v->expr && expr_eval(v->expr, cx, SMP_ANY, &s)))
		(void)var_set(cx, v->name, v->conds, &s);
}
