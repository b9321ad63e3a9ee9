/* SPDX-License-Identifier: MIT */
/*
 * Conditions: "if" or "unless", then ACLs joined by "and" (implied) and "or" (configuration manual 7.2), as one
 * flat array of terms.
 */
#include "acl.h"

struct term {
	const struct acl *acl;
	bool negated;
	bool starts; /* first of its group: an "or" stands in front */
};

struct cond {
	bool unless;
	unsigned terms_n;
	struct term *terms;
};

struct cond_parser {
	struct conf *conf;
	const struct conf_line *line;
	int arg;
	struct acl_scope *scope;
	unsigned where;
	struct cond *cond;
};

static void check_where(const struct cond_parser *p, const struct acl *a, int arg)
{
	const char *fetch = NULL;
	unsigned at = 0;
	for (const struct acl_test *t = a->tests; t; t = t->next) {
		at |= t->expr->fetch->at;
		fetch = t->expr->fetch->name;
	}
	if (!fetch || !p->where || (at & p->where))
		return;
	conf_warning(p->conf, p->line, arg, "%s%s%s will never match here: '%s' needs %s",
	    a->name ? "ACL '" : "this anonymous ACL", a->name ? a->name : "", a->name ? "'" : "",
	    fetch, rule_where_name(at));
}

/* "{ criterion ... }" */
static const struct acl *parse_anonymous(struct cond_parser *p)
{
	int from = p->arg + 1, end = from;
	while (end < p->line->argc && strcmp(p->line->argv[end], "}") != 0)
		end++;
	if (end == p->line->argc) {
		conf_error(p->conf, p->line, p->arg, "'}' is missing behind this '{'");
		return NULL;
	}
	struct acl_test *test = acl_test_parse(p->conf, p->line, from, end);
	if (!test)
		return NULL;
	p->arg = end;
	return acl_anonymous(p->conf, test);
}

static const struct acl *parse_named(struct cond_parser *p, const char *name)
{
	size_t errors = diag_count(conf_diag(p->conf), DIAG_ERROR);
	struct acl *a = acl_find(p->conf, p->line, p->scope, name);
	if (a)
		return a;
	if (diag_count(conf_diag(p->conf), DIAG_ERROR) != errors)
		return NULL;
	const char *near = acl_nearest(p->scope, name);
	if (near)
		conf_error(
		    p->conf, p->line, p->arg, "no such ACL: '%s'; did you mean '%s'?", name, near);
	else
		conf_error(p->conf, p->line, p->arg, "no such ACL: '%s'", name);
	return NULL;
}

static bool is_or(const char *word)
{
	return strcmp(word, "or") == 0 || strcmp(word, "||") == 0;
}

/* One term; *starts: whether it begins a group. 0 or -1, told. */
static int parse_term(struct cond_parser *p, struct term *t)
{
	const char *word = p->line->argv[p->arg];
	while (*word == '!') {
		t->negated = !t->negated;
		word++;
		if (*word == '\0' && p->arg + 1 < p->line->argc)
			word = p->line->argv[++p->arg];
	}
	if (*word == '\0' || is_or(word)) {
		conf_error(p->conf, p->line, p->arg, "an ACL is expected here");
		return -1;
	}
	int at = p->arg;
	t->acl = strcmp(word, "{") == 0 ? parse_anonymous(p) : parse_named(p, word);
	if (!t->acl)
		return -1;
	check_where(p, t->acl, at);
	p->arg++;
	return 0;
}

static int parse_terms(struct cond_parser *p)
{
	int room = p->line->argc - p->arg;
	struct cond *c = p->cond;
	c->terms = arena_array(conf_arena(p->conf), struct term, room > 0 ? (size_t)room : 1);
	if (!c->terms) {
		conf_error(p->conf, p->line, p->arg, "out of memory");
		return -1;
	}
	bool starts = true;
	while (p->arg < p->line->argc) {
		if (is_or(p->line->argv[p->arg]) && !starts) {
			starts = true;
			p->arg++;
			continue;
		}
		struct term *t = &c->terms[c->terms_n];
		t->starts = starts;
		if (parse_term(p, t) < 0)
			return -1;
		c->terms_n++;
		starts = false;
	}
	if (c->terms_n && !starts)
		return 0;
	conf_error(p->conf, p->line, p->arg, "an ACL is expected at the end of the condition");
	return -1;
}

struct cond *cond_parse(struct conf *conf, const struct conf_line *line, int arg,
    struct acl_scope *scope, unsigned where, bool *ret_ok)
{
	*ret_ok = true;
	if (arg >= line->argc)
		return NULL;
	*ret_ok = false;
	const char *word = line->argv[arg];
	bool unless = strcmp(word, "unless") == 0;
	if (!unless && strcmp(word, "if") != 0) {
		conf_error(
		    conf, line, arg, "'if' or 'unless' is expected here instead of '%s'", word);
		return NULL;
	}
	struct cond *c = arena_new(conf_arena(conf), struct cond);
	struct cond_parser p = { .conf = conf,
		.line = line,
		.arg = arg + 1,
		.scope = scope,
		.where = where,
		.cond = c };
	if (!c) {
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	c->unless = unless;
	if (parse_terms(&p) < 0)
		return NULL;
	*ret_ok = true;
	return c;
}

int cond_eval(const struct cond *c, struct rule_ctx *cx)
{
	if (!c)
		return 1;
	int result = 0;
	for (unsigned i = 0; i < c->terms_n;) {
		int group = 1;
		do {
			const struct term *t = &c->terms[i++];
			if (group == 0)
				continue; /* the rest of a group that is false */
			int r = acl_eval(t->acl, cx);
			if (t->negated && r >= 0)
				r = !r;
			if (r == 0 || (r < 0 && group > 0))
				group = r;
		} while (i < c->terms_n && !c->terms[i].starts);
		if (group > 0) {
			result = 1;
			break;
		}
		if (group < 0)
			result = -1;
	}
	return c->unless && result >= 0 ? !result : result;
}
