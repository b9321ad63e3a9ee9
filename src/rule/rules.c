/* SPDX-License-Identifier: MIT */
/*
 * Rule lists: the driver that runs them, resumable at any rule, and the parser that finds an action's row and
 * the condition behind it. The actions themselves are in action_*.c.
 */
#include "action.h"

static const struct action_row *const action_tables[] = {
	action_final_rows,
	action_reply_rows,
	action_redirect_rows,
	action_hdr_rows,
	action_hdrs_bin_rows,
	action_line_rows,
	action_misc_rows,
	action_var_rows,
	action_map_rows,
	action_flow_rows,
	action_uri_rows,
	action_auth_rows,
	action_log_rows,
};

static const struct {
	const char *name;
	unsigned where;
} kinds[RULES_KIND_N] = {
	[RULES_TCP_CONNECTION] = { "tcp-request connection", RULE_AT_CONN },
	[RULES_TCP_SESSION] = { "tcp-request session", RULE_AT_SESS },
	[RULES_TCP_REQ_CONTENT] = { "tcp-request content", RULE_AT_REQ_BUF },
	[RULES_TCP_RES_CONTENT] = { "tcp-response content", RULE_AT_RES_BUF },
	[RULES_HTTP_REQ] = { "http-request", RULE_AT_REQ_HTTP },
	[RULES_HTTP_RES] = { "http-response", RULE_AT_RES_HTTP },
	[RULES_HTTP_AFTER_RES] = { "http-after-response", RULE_AT_RES_HTTP },
};

const char *action_kind_name(enum rules_kind kind)
{
	return kinds[kind].name;
}

const struct action_row *action_at(enum rules_kind kind, size_t i)
{
	for (size_t t = 0; t < ARRAY_SIZE(action_tables); t++) {
		for (const struct action_row *row = action_tables[t]; row->name; row++) {
			if ((row->kinds & ON(kind)) && i-- == 0)
				return row;
		}
	}
	return NULL;
}

static const struct action_row *action_find(enum rules_kind kind, struct slice name)
{
	const struct action_row *row;
	for (size_t i = 0; (row = action_at(kind, i)); i++) {
		if (slice_eq(slice_str(row->name), name))
			return row;
	}
	return NULL;
}

static const char *next_action_name(const void *kind, size_t i)
{
	const struct action_row *row = action_at(*(const enum rules_kind *)kind, i);
	return row ? row->name : NULL;
}

/* ---- parsing ---- */

bool action_at_end(const struct action_parse *p)
{
	const char *word = p->line->argv[p->arg];
	return p->arg >= p->line->argc || strcmp(word, "if") == 0 || strcmp(word, "unless") == 0;
}

const char *action_word(struct action_parse *p, const char *what)
{
	if (p->arg < p->line->argc)
		return p->line->argv[p->arg++];
	bool rule = p->kind < RULES_KIND_N;
	conf_error(p->conf, p->line, p->arg, "'%s%s%s' needs %s", rule ? kinds[p->kind].name : "",
	    rule ? " " : "", p->row->name, what);
	return NULL;
}

bool action_take(struct action_parse *p, const char *word)
{
	if (p->arg >= p->line->argc || strcmp(p->line->argv[p->arg], word) != 0)
		return false;
	p->arg++;
	return true;
}

struct logfmt *action_fmt_text(struct action_parse *p, const char *text)
{
	return logfmt_parse(p->conf, p->line, p->arg - 1, text, p->where, LOGFMT_HTTP);
}

struct logfmt *action_fmt(struct action_parse *p, const char *what)
{
	const char *text = action_word(p, what);
	return text ? action_fmt_text(p, text) : NULL;
}

void *action_args(struct action_parse *p, size_t size)
{
	p->rule->args = arena_zalloc(conf_arena(p->conf), size);
	if (!p->rule->args)
		conf_error(p->conf, p->line, p->arg, "out of memory");
	return p->rule->args;
}

static void unknown_action(struct conf *conf, const struct conf_line *line, int arg,
    enum rules_kind kind, struct slice name)
{
	char shown[128];
	snprintf(shown, sizeof(shown), "%.*s", SLICE_ARG(name));
	bool elsewhere = false;
	for (unsigned k = 0; k < RULES_KIND_N && !elsewhere; k++)
		elsewhere = action_find((enum rules_kind)k, name) != NULL;
	if (elsewhere) {
		conf_error(conf, line, arg, "action '%s' may not be used in '%s' rules", shown,
		    kinds[kind].name);
		return;
	}
	if (rule_in_names(action_not_yet, shown)) {
		conf_error(conf, line, arg, "action '%s' is not supported in this version", shown);
		return;
	}
	const char *near = conf_nearest(shown, next_action_name, &kind);
	if (near)
		conf_error(conf, line, arg, "unknown '%s' action '%s'; did you mean '%s'?",
		    kinds[kind].name, shown, near);
	else
		conf_error(conf, line, arg, "unknown '%s' action '%s'", kinds[kind].name, shown);
}

static int rule_compile(struct action_parse *p, struct ruleset *set)
{
	struct rule *rule = arena_new(conf_arena(p->conf), struct rule);
	bool ok;
	if (!rule) {
		conf_error(p->conf, p->line, p->arg, "out of memory");
		return -1;
	}
	rule->row = p->row;
	rule->pos = p->line->pos;
	rule->pos.file = arena_strdup(conf_arena(p->conf), rule->pos.file);
	p->rule = rule;
	if (p->row->parse && p->row->parse(p) < 0)
		return -1;
	if (!action_at_end(p)) {
		conf_error(p->conf, p->line, p->arg,
		    "unexpected '%s' in a '%s %s' rule: 'if', 'unless' or the end is expected",
		    p->line->argv[p->arg], kinds[p->kind].name, p->row->name);
		return -1;
	}
	rule->cond = cond_parse(p->conf, p->line, p->arg, p->scope, p->where, &ok);
	if (!ok)
		return -1;
	if (!set->last)
		set->last = &set->first;
	*set->last = rule;
	set->last = &rule->next;
	set->count++;
	return 0;
}

/* "(name)" behind the action's own name, when that is how it is written. */
static int take_name(struct action_parse *p, int arg, struct slice rest)
{
	if (!p->row->has_name && rest.len == 0)
		return 0;
	if (!p->row->has_name) {
		conf_error(p->conf, p->line, arg, "action '%s' takes nothing in parentheses",
		    p->row->name);
		return -1;
	}
	if (rest.len < 2 || rest.ptr[rest.len - 1] != ')') {
		conf_error(
		    p->conf, p->line, arg, "'%s' is written '%s(...)'", p->row->name, p->row->name);
		return -1;
	}
	p->in_name = slice_sub(rest, 1, rest.len - 2);
	return 0;
}

int rule_add(struct conf *conf, const struct conf_line *line, int arg, enum rules_kind kind,
    struct ruleset *set, struct acl_scope *scope, unsigned sides)
{
	if (arg >= line->argc) {
		conf_error(conf, line, arg, "'%s' needs an action", kinds[kind].name);
		return -1;
	}
	struct slice word = slice_str(line->argv[arg]);
	struct slice name = slice_sub(word, 0, slice_find(word, '('));
	struct action_parse p = { .conf = conf,
		.line = line,
		.arg = arg + 1,
		.kind = kind,
		.where = kinds[kind].where | (sides & RULES_FRONTEND ? 0 : RULE_AT_BACKEND),
		.sides = sides,
		.scope = scope,
		.row = action_find(kind, name) };
	acl_scope_use(conf, scope);
	if (!p.row) {
		unknown_action(conf, line, arg, kind, name);
		return -1;
	}
	return take_name(&p, arg, slice_sub(word, name.len, word.len)) < 0 ? -1
									   : rule_compile(&p, set);
}

int rule_add_redirect(struct conf *conf, const struct conf_line *line, int arg, struct ruleset *set,
    struct acl_scope *scope)
{
	struct action_parse p = { .conf = conf,
		.line = line,
		.arg = arg,
		.kind = RULES_HTTP_REQ,
		.where = kinds[RULES_HTTP_REQ].where,
		.sides = RULES_FRONTEND | RULES_BACKEND,
		.scope = scope,
		.row = action_find(RULES_HTTP_REQ, SLICE("redirect")) };
	acl_scope_use(conf, scope);
	if (rule_compile(&p, set) < 0)
		return -1;
	p.rule->pos.file = NULL;
	return 0;
}

bool ruleset_has(const struct ruleset *set, const char *action)
{
	for (const struct rule *r = set->first; r; r = r->next) {
		if (strcmp(r->row->name, action) == 0)
			return true;
	}
	return false;
}

/* ---- running ---- */

struct slice action_text(const struct logfmt *f, struct rule_ctx *cx)
{
	struct slice constant = logfmt_constant(f);
	char text[16384];
	if (constant.ptr)
		return constant;
	return arena_slice(cx->arena, slice_make(text, logfmt_write(f, cx, text, sizeof(text))));
}

struct http_msg *action_msg(const struct rule *rule, struct rule_ctx *cx)
{
	return cx->at & AT_RES ? cx->res : cx->req;
}

static uint64_t now_ms(const struct rule_ctx *cx)
{
	return cx->worker ? worker_now_ms(cx->worker) : 0;
}

/* Leaves the list in this rule's action, which goes on when it is called again. */
static enum rule_verdict wait_in_action(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at)
{
	if (at->rule != rule || !at->since_ms)
		at->since_ms = now_ms(cx);
	at->rule = rule;
	if (!at->state)
		at->state = 1;
	return RULES_WAIT;
}

/*
 * Leaves the list because of a condition that is not known yet. It is run again from its first rule: those that
 * look at the same bytes and stand in front of the one that waits for them (set-var, track) are to see them too.
 */
static enum rule_verdict wait_for_bytes(struct rule_cursor *at)
{
	*at = (struct rule_cursor){ .started = false };
	return RULES_WAIT;
}

bool action_rewrite_failed(struct rule_ctx *cx, enum rule_verdict *ret)
{
	cx->failed_rewrites++;
	*ret = RULES_ERROR;
	return !cx->lax;
}

bool action_takes_room(struct rule_ctx *cx, size_t bytes)
{
	if (!cx->rewrite_room)
		return true;
	if (bytes >= cx->rewrite_room)
		return false;
	cx->rewrite_room -= (unsigned)bytes;
	return true;
}

/* Early hints leave together: when the rules that add to them have come to an end. */
static void send_hints(struct rule_ctx *cx)
{
	struct http_msg *m = cx->hints;
	cx->hints = NULL;
	if (cx->host && cx->host->interim)
		cx->host->interim(cx->stream, m);
}

static enum rule_verdict run_from(
    const struct ruleset *set, struct rule_ctx *cx, struct rule_cursor *at)
{
	struct rule_memo memo;
	const struct rule *rule = at->started ? at->rule : set->first;
	if (!at->started) {
		at->since_ms = 0;
		at->state = 0;
		cx->lax = false;
	}
	at->started = true;
	rule_memo_start(cx, &memo);
	for (; rule; rule = rule->next) {
		/* An action that waits has met its condition already. */
		bool resumed = at->rule == rule && at->state;
		int met = resumed ? 1 : cond_eval(rule->cond, cx);
		cx->waiting = rule;
		if (met < 0)
			return wait_for_bytes(at);
		enum rule_verdict verdict = RULES_NEXT;
		if (unlikely(cx->hints) && met && !rule->row->makes_hints)
			send_hints(cx);
		bool final = false;
		if (met) { /* the action may change the message */
			rule_memo_stop(cx);
			final = rule->row->run(rule, cx, at, &verdict);
			rule_memo_start(cx, &memo);
		}
		if (final && verdict == RULES_WAIT)
			return wait_in_action(rule, cx, at);
		cx->waiting = NULL;
		if (final && rule->pos.file)
			cx->last_final = rule;
		at->since_ms = 0;
		at->state = 0;
		at->rule = NULL;
		if (final)
			return verdict;
	}
	at->rule = NULL;
	if (unlikely(cx->hints))
		send_hints(cx);
	return RULES_NEXT;
}

enum rule_verdict rules_run(const struct ruleset *set, struct rule_ctx *cx, struct rule_cursor *at)
{
	enum rule_verdict v = run_from(set, cx, at);
	rule_memo_stop(cx);
	return v;
}
