/* SPDX-License-Identifier: MIT */
/*
 * Variables: names, conditions, and the stores of sessions, streams and checks. A store is a list, for there are
 * few variables and a name is compared by its hash. A variable keeps the memory of its longest value: setting it
 * again and again costs nothing, and memory that cannot be given back piece by piece (an arena's) is bounded by
 * twice the longest value. Variables of a session outlive every arena at hand and are malloc'd, once a
 * connection and name.
 */
#include "var.h"

#include "weir/base/htab.h"
#include "weir/rule/var.h"

struct var {
	struct var *next;
	uint64_t hash;
	struct slice name;   /* the configuration's, which outlives the store */
	struct sample value; /* strings lie in buf */
	bool set;
	size_t room; /* of buf */
	char *buf;
};

/* ---- names ---- */

static const struct {
	const char *name;
	enum var_scope scope;
} scopes[] = {
	{ "proc", VAR_PROC },
	{ "sess", VAR_SESS },
	{ "txn", VAR_TXN },
	{ "req", VAR_REQ },
	{ "res", VAR_RES },
	{ "check", VAR_CHECK },
	{ "psess", VAR_PARENT },
	{ "ptxn", VAR_PARENT },
	{ "preq", VAR_PARENT },
	{ "pres", VAR_PARENT },
};

const char *var_scope_name(enum var_scope scope)
{
	size_t i = 0;
	while (scopes[i].scope != scope)
		i++;
	return scopes[i].name;
}

/* The scope's index; -1: none. *ret_text: what stands behind the dot. */
static int scope_of(struct slice text, struct slice *ret_text)
{
	size_t dot = slice_find(text, '.');
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		if (dot + 1 < text.len &&
		    slice_eq(slice_sub(text, 0, dot), slice_str(scopes[i].name))) {
			*ret_text = slice_sub(text, dot + 1, text.len);
			return (int)scopes[i].scope;
		}
	}
	return -1;
}

bool var_is_name(struct slice text)
{
	struct slice name;
	return scope_of(text, &name) >= 0;
}

static uint64_t hash_of(struct slice name)
{
	return hash_bytes(name.ptr, name.len);
}

static bool valid_char(char c)
{
	char l = ascii_lower(c);
	return (l >= 'a' && l <= 'z') || ascii_is_digit(c) || c == '_' || c == '.';
}

struct var_name *var_name_parse(const struct arg_place *at, struct slice text)
{
	struct slice name = SLICE_NULL;
	int scope = scope_of(text, &name);
	if (scope < 0) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: '%.*s' is not the name of a variable: a scope (proc, sess, txn, req, res, "
		    "check), a dot and a name are expected",
		    at->what, SLICE_ARG(text));
		return NULL;
	}
	for (size_t i = 0; i < name.len; i++) {
		if (valid_char(name.ptr[i]))
			continue;
		conf_error(at->conf, at->line, at->arg,
		    "%s: '%c' is not allowed in the name of a variable: letters, digits, '_' and "
		    "'.' are",
		    at->what, name.ptr[i]);
		return NULL;
	}
	struct var_name *n = arena_new(conf_arena(at->conf), struct var_name);
	if (!n)
		goto no_memory;
	n->scope = (enum var_scope)scope;
	n->text = arena_slice(conf_arena(at->conf), name);
	n->hash = hash_of(name);
	if (n->scope == VAR_PROC && n->text.ptr)
		n->cell = var_cell_get(name, n->hash);
	if (n->text.ptr && (n->scope != VAR_PROC || n->cell))
		return n;
no_memory:
	conf_error(at->conf, at->line, at->arg, "out of memory");
	return NULL;
}

int var_cond_parse(const struct arg_place *at, struct slice word, unsigned *conds)
{
	static const struct {
		const char *name;
		unsigned flag;
	} known[] = {
		{ "ifexists", VAR_IF_EXISTS },
		{ "ifnotexists", VAR_IF_NOT_EXISTS },
		{ "ifempty", VAR_IF_EMPTY },
		{ "ifnotempty", VAR_IF_NOT_EMPTY },
		{ "ifset", VAR_IF_SET },
		{ "ifnotset", VAR_IF_NOT_SET },
		{ "ifgt", VAR_IF_GT },
		{ "iflt", VAR_IF_LT },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (slice_eq(word, slice_str(known[i].name))) {
			*conds |= known[i].flag;
			return 0;
		}
	}
	conf_error(at->conf, at->line, at->arg,
	    "%s: unknown condition '%.*s'; known are ifexists, ifnotexists, ifempty, ifnotempty, "
	    "ifset, ifnotset, ifgt, iflt",
	    at->what, SLICE_ARG(word));
	return -1;
}

/* ---- lists ---- */

static struct var *list_find(const struct var_list *list, const struct var_name *name)
{
	for (struct var *v = list ? list->first : NULL; v; v = v->next) {
		if (v->hash == name->hash && slice_eq(v->name, name->text))
			return v;
	}
	return NULL;
}

static struct var_list *list_of(const struct rule_ctx *cx, const struct var_name *name)
{
	return cx->vars.list[name->scope];
}

static bool has_text(const struct sample *s)
{
	return s->type == SMP_STR || s->type == SMP_BIN || s->type == SMP_METH;
}

static size_t cost(const struct sample *s)
{
	return sizeof(struct var) + (has_text(s) ? s->str.len : 0);
}

static size_t list_bytes(const struct var_list *list)
{
	size_t bytes = 0;
	for (const struct var *v = list ? list->first : NULL; v; v = v->next)
		bytes += v->set ? cost(&v->value) : 0;
	return bytes;
}

void var_list_end(struct var_list *list, enum var_scope scope, const struct var_limits *limits)
{
	struct var *next;
	if (likely(!list->first))
		return;
	var_account_sub(limits, list_bytes(list));
	for (struct var *v = list->first; v && scope == VAR_SESS; v = next) {
		next = v->next;
		free(v->buf);
		free(v);
	}
	list->first = NULL;
}

/* ---- limits ---- */

static bool fits(unsigned limit, size_t bytes)
{
	return !limit || bytes <= limit;
}

/* Coarse limits include the finer scopes: sess has txn in it, txn has req and res. */
static bool within_limits(const struct rule_ctx *cx, enum var_scope scope, size_t more)
{
	const struct var_limits *l = cx->vars.limits;
	struct var_list *const *list = cx->vars.list;
	if (likely(!l || !(l->sess | l->txn | l->reqres)))
		return true;
	size_t reqres = list_bytes(list[VAR_REQ]) + list_bytes(list[VAR_RES]);
	size_t txn = reqres + list_bytes(list[VAR_TXN]);
	size_t sess = txn + list_bytes(list[VAR_SESS]);
	switch (scope) {
	case VAR_REQ:
	case VAR_RES:
		if (!fits(l->reqres, reqres + more))
			return false;
		__attribute__((fallthrough));
	case VAR_TXN:
		if (!fits(l->txn, txn + more))
			return false;
		__attribute__((fallthrough));
	case VAR_SESS:
		return fits(l->sess, sess + more);
	default:
		return true;
	}
}

/* ---- values ---- */

/* Room for len bytes in v->buf. What was there may be what is to be stored, so it stays readable until then. */
static bool make_room(struct rule_ctx *cx, struct var *v, enum var_scope scope, size_t len)
{
	size_t room = (MAX(len, v->room * 2) + 15) & ~(size_t)15;
	char *buf = scope == VAR_SESS ? malloc(room) : arena_bytes(cx->arena, room);
	if (!buf)
		return false;
	if (scope == VAR_SESS)
		free(v->buf); /* shorter than the new value, which is therefore not a part of it */
	v->buf = buf;
	v->room = room;
	return true;
}

static bool store(struct rule_ctx *cx, struct var *v, enum var_scope scope, const struct sample *s)
{
	if (has_text(s) && s->str.len > v->room && !make_room(cx, v, scope, s->str.len))
		return false;
	v->value = *s;
	v->value.may_change = false;
	if (has_text(s)) {
		if (s->str.len)
			memmove(v->buf, s->str.ptr, s->str.len);
		v->value.str = slice_make(v->buf ? v->buf : "", s->str.len);
	}
	v->set = true;
	return true;
}

static struct var *list_add(struct rule_ctx *cx, struct var_list *list, const struct var_name *name)
{
	struct var *v =
	    name->scope == VAR_SESS ? calloc(1, sizeof(*v)) : arena_new(cx->arena, struct var);
	if (!v)
		return NULL;
	v->hash = name->hash;
	v->name = name->text;
	v->next = list->first;
	list->first = v;
	return v;
}

static bool list_set(struct rule_ctx *cx, const struct var_name *name, const struct sample *s)
{
	struct var_list *list = list_of(cx, name);
	struct var *v = list_find(list, name);
	size_t before = v && v->set ? cost(&v->value) : 0, now = cost(s);
	if (!list || (now > before && !within_limits(cx, name->scope, now - before)))
		return false;
	if (now > before && !var_account_add(cx->vars.limits, now - before))
		return false;
	if (!v)
		v = list_add(cx, list, name);
	if (!v || !store(cx, v, name->scope, s)) {
		if (now > before)
			var_account_sub(cx->vars.limits, now - before);
		return false;
	}
	if (now < before)
		var_account_sub(cx->vars.limits, before - now);
	return true;
}

/* ---- conditions ---- */

static bool conds_met(
    struct rule_ctx *cx, const struct var_name *name, unsigned conds, const struct sample *s)
{
	struct sample old;
	bool set = var_get(cx, name, &old);
	bool exists = set || name->scope == VAR_PROC;
	bool empty = (s->type == SMP_STR || s->type == SMP_BIN) && s->str.len == 0;
	bool ints = set && old.type == SMP_SINT && s->type == SMP_SINT;
	if (((conds & VAR_IF_EXISTS) && !exists) || ((conds & VAR_IF_NOT_EXISTS) && exists))
		return false;
	if (((conds & VAR_IF_EMPTY) && !empty) || ((conds & VAR_IF_NOT_EMPTY) && empty))
		return false;
	if (((conds & VAR_IF_SET) && !set) || ((conds & VAR_IF_NOT_SET) && set))
		return false;
	if (ints && (conds & VAR_IF_GT) && old.sint <= s->sint)
		return false;
	return !(ints && (conds & VAR_IF_LT) && old.sint >= s->sint);
}

/* ---- what the rest of the module calls ---- */

bool var_get(struct rule_ctx *cx, const struct var_name *name, struct sample *ret)
{
	if (name->scope == VAR_PROC)
		return var_cell_read(name->cell, cx->arena, ret);
	const struct var *v = list_find(list_of(cx, name), name);
	if (!v || !v->set)
		return false;
	*ret = v->value;
	return true;
}

bool var_get_as(
    struct rule_ctx *cx, const struct var_name *name, enum sample_type type, struct sample *ret)
{
	return var_get(cx, name, ret) && sample_cast(ret, type, cx->arena);
}

bool var_set(
    struct rule_ctx *cx, const struct var_name *name, unsigned conds, const struct sample *s)
{
	if (conds && !conds_met(cx, name, conds, s))
		return false;
	if (name->scope == VAR_PROC)
		return var_cell_write(name->cell, s, cx->vars.limits);
	return list_set(cx, name, s);
}

void var_unset(struct rule_ctx *cx, const struct var_name *name)
{
	static const struct sample nothing = { .type = SMP_ANY };
	if (name->scope == VAR_PROC) {
		var_cell_write(name->cell, &nothing, cx->vars.limits);
		return;
	}
	struct var *v = list_find(list_of(cx, name), name);
	if (!v || !v->set)
		return;
	var_account_sub(cx->vars.limits, cost(&v->value));
	v->set = false;
}

bool var_walk(struct rule_ctx *cx, enum var_scope scope, var_walk_fn *fn, void *arg)
{
	const struct var_list *list = cx->vars.list[scope];
	if (scope == VAR_PROC)
		return var_cell_walk(cx->arena, fn, arg);
	for (const struct var *v = list ? list->first : NULL; v; v = v->next) {
		if (v->set && !fn(arg, v->name, &v->value))
			return false;
	}
	return true;
}

/* ---- without a stream: the global section, the admin socket ---- */

bool var_proc_get(struct slice name, struct arena *arena, struct sample *ret)
{
	struct slice text;
	if (scope_of(name, &text) != VAR_PROC)
		return false;
	const struct var_cell *cell = var_cell_find(text, hash_of(text));
	return cell && var_cell_read(cell, arena, ret);
}

static bool format_value(struct conf *conf, const struct conf_line *line, int arg,
    struct rule_ctx *cx, struct sample *ret)
{
	char text[16384];
	struct logfmt *f = logfmt_parse(conf, line, arg, line->argv[arg], RULE_AT_CLI, 0);
	if (!f)
		return false;
	*ret = (struct sample){ .type = SMP_STR };
	ret->str =
	    arena_slice(cx->arena, slice_make(text, logfmt_write(f, cx, text, sizeof(text))));
	return ret->str.ptr != NULL;
}

int var_proc_set_line(struct conf *conf, const struct conf_line *line, int arg, bool is_format,
    const struct var_limits *limits)
{
	struct arg_place at = { conf, line, arg, "'set-var'" };
	struct rule_ctx cx = { .arena = conf_arena(conf),
		.at = RULE_AT_CLI,
		.req_final = true,
		.res_final = true,
		.vars.limits = limits };
	struct sample s;
	struct var_name *name = var_name_parse(&at, slice_str(line->argv[arg++]));
	if (!name)
		return -1;
	if (name->scope != VAR_PROC) {
		conf_error(conf, line, arg - 1,
		    "cannot set variable '%s': only those of scope 'proc' can be set here",
		    line->argv[arg - 1]);
		return -1;
	}
	if (is_format) {
		if (!format_value(conf, line, arg, &cx, &s))
			return -1;
	} else {
		const struct expr *e = expr_parse(conf, line, &arg, RULE_AT_CLI);
		if (!e)
			return -1;
		if (!expr_eval(e, &cx, SMP_ANY, &s))
			return 0; /* as an action: nothing is set */
	}
	if (var_set(&cx, name, 0, &s))
		return 0;
	conf_error(conf, line, -1, "the variable does not fit into the limits");
	return -1;
}
