/* SPDX-License-Identifier: MIT */
/*
 * Rules of a proxy: "acl", "tcp-request ...", "http-request ..." and their kin, and the lines that name a
 * backend or server under a condition. The rule module compiles them; here they get their place.
 *
 * Rules of a named defaults section are read twice: once there, so that errors are told in their place, and
 * once again at the head of each proxy that inherits them, with the ACLs of the defaults section.
 */
#include "conf_int.h"
#include "weir/rule/acl_scope.h"

static const char *const stage_names[STAGE_N] = {
	[STAGE_TCP_CONNECTION] = "tcp-request connection",
	[STAGE_TCP_SESSION] = "tcp-request session",
	[STAGE_TCP_CONTENT] = "tcp-request content",
	[STAGE_HTTP_REQUEST] = "http-request",
	[STAGE_REDIRECT] = "redirect",
	[STAGE_USE_BACKEND] = "use_backend",
	[STAGE_USE_SERVER] = "use-server",
};

void note_stage(const struct conf_call *call, enum rule_stage stage)
{
	struct proxy *p = call->object;
	unsigned later = p->build->stages >> stage >> 1;
	if (later) {
		const char *other = stage_names[(int)stage + 1 + __builtin_ctz(later)];
		conf_warning(call->conf, call->line, 0,
		    "a '%s' rule placed after %s '%s' rule will still be processed before.",
		    stage_names[stage], *other == 'h' ? "an" : "a", other);
	}
	p->build->stages |= 1u << stage;
}

/* Rules, and what goes with them, stand in defaults sections only when these have a name. */
static bool allowed_here(const struct conf_call *call)
{
	struct proxy_build *b = ((struct proxy *)call->object)->build;
	if (!b->is_defaults)
		return true;
	if (!b->is_named) {
		conf_error(call->conf, call->line, 0,
		    "'%s' not allowed in anonymous 'defaults' section.", call->row->name);
		return false;
	}
	b->has_rules = true;
	return true;
}

static int add_acl(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (p->build->is_defaults && !p->build->is_named) {
		conf_error(call->conf, call->line, 0,
		    "'acl' not allowed in anonymous 'defaults' section.");
		return -1;
	}
	return acl_add(call->conf, call->line, call->arg, p->acls);
}

/* ---- rules ---- */

static const struct rules_place {
	int stage;    /* -1: no order to keep */
	bool content; /* what needs bytes of the connection */
} places[RULES_KIND_N] = {
	[RULES_TCP_CONNECTION] = { STAGE_TCP_CONNECTION, false },
	[RULES_TCP_SESSION] = { STAGE_TCP_SESSION, false },
	[RULES_TCP_REQ_CONTENT] = { STAGE_TCP_CONTENT, true },
	[RULES_TCP_RES_CONTENT] = { -1, true },
	[RULES_HTTP_REQ] = { STAGE_HTTP_REQUEST, false },
	[RULES_HTTP_RES] = { -1, false },
	[RULES_HTTP_AFTER_RES] = { -1, false },
};

static bool is_connection_kind(enum rules_kind kind)
{
	return kind == RULES_TCP_CONNECTION || kind == RULES_TCP_SESSION;
}

/* data: enum rules_kind */
static int add_rule(const struct conf_call *call)
{
	struct proxy *p = call->object;
	enum rules_kind kind = (enum rules_kind)call->row->data;

	if (!allowed_here(call))
		return -1;
	if (is_connection_kind(kind) && !(p->caps & PROXY_FE)) {
		conf_error(call->conf, call->line, 0,
		    "'%s' is not allowed because %s '%s' is not a frontend", call->row->name,
		    proxy_kind(p), p->name);
		return -1;
	}
	if (kind == RULES_TCP_RES_CONTENT && !(p->caps & PROXY_BE)) {
		conf_error(call->conf, call->line, 0,
		    "'%s' is not allowed because %s '%s' is not a backend", call->row->name,
		    proxy_kind(p), p->name);
		return -1;
	}
	if (places[kind].stage >= 0)
		note_stage(call, (enum rule_stage)places[kind].stage);
	if (rule_add(call->conf, call->line, call->arg, kind, &p->rules[kind], p->acls, p->caps) <
	    0)
		return -1;
	if (!p->build->is_defaults)
		return 0;
	p->build->has_conn_rules |= is_connection_kind(kind);
	return save_line(call->conf, &p->build->rules, call->line, call->arg, kind);
}

void replay_rules(
    struct conf *conf, const struct saved_lines *from, struct proxy *p, struct acl_scope *scope)
{
	/* Captures of these rules are the proxy's, not the defaults section's. */
	acl_scope_on_capture(scope, p->caps & PROXY_FE ? capture_slot : NULL, p);
	for (const struct saved_line *s = from->first; s; s = s->next)
		(void)rule_add(conf, &s->line, s->arg, s->kind, &p->rules[s->kind], scope, p->caps);
}

/* Redirects run behind all http-request rules, so they are compiled when the section ends. */
static int add_redirect(const struct conf_call *call)
{
	struct proxy *p = call->object;
	note_stage(call, STAGE_REDIRECT);
	return save_line(call->conf, &p->build->redirects, call->line, call->arg, RULES_HTTP_REQ);
}

void replay_redirects(struct conf *conf, struct proxy *p)
{
	for (const struct saved_line *s = p->build->redirects.first; s; s = s->next)
		(void)rule_add_redirect(conf, &s->line, s->arg, &p->rules[RULES_HTTP_REQ], p->acls);
}

/* data: offset of the milliseconds in struct proxy */
static int set_inspect_delay(const struct conf_call *call)
{
	struct proxy *p = call->object;
	unsigned ms;
	bool response = call->row->data == offsetof(struct proxy, res_inspect_delay_ms);
	if (!allowed_here(call))
		return -1;
	if (response && !(p->caps & PROXY_BE)) {
		conf_error(call->conf, call->line, 0,
		    "'%s' is not allowed because %s '%s' is not a backend", call->row->name,
		    proxy_kind(p), p->name);
		return -1;
	}
	if (conf_time_ms(call->conf, call->line, call->arg, &ms) < 0)
		return -1;
	memcpy((char *)p + call->row->data, &ms, sizeof(ms));
	return 0;
}

/* ---- names under a condition ---- */

struct switch_rule *switch_rule_parse(
    const struct conf_call *call, bool has_name, bool needs_condition, unsigned where)
{
	struct proxy *p = call->object;
	struct switch_rule *r = arena_new(conf_arena(call->conf), struct switch_rule);
	int arg = call->arg;
	bool ok;

	if (!r) {
		(void)no_memory(call->conf, call->line);
		return NULL;
	}
	r->pos = call->line->pos;
	if (has_name) {
		const char *text = call->line->argv[arg];
		r->name = arena_strdup(conf_arena(call->conf), text);
		if (!r->name) {
			(void)no_memory(call->conf, call->line);
			return NULL;
		}
		if (strchr(text, '%')) {
			r->dynamic = logfmt_parse(call->conf, call->line, arg, text, where, 0);
			if (!r->dynamic)
				return NULL;
		}
		arg++;
	}
	const char *word = call->line->argv[arg];
	bool has_condition = strcmp(word, "if") == 0 || strcmp(word, "unless") == 0;
	if (!has_condition && (needs_condition || *word)) {
		conf_error(call->conf, call->line, *word ? arg : -1,
		    "'%s' expects 'if' or 'unless' followed by a condition%s%s%s", call->row->name,
		    *word ? ", not '" : "", word, *word ? "'" : "");
		return NULL;
	}
	r->cond = cond_parse(call->conf, call->line, arg, p->acls, where, &ok);
	return ok ? r : NULL;
}

void switch_rule_append(
    struct switch_rule **first, struct switch_rule ***last, struct switch_rule *rule)
{
	if (!*last)
		*last = first;
	**last = rule;
	*last = &rule->next;
}

#define SEES_REQUEST (RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ)

static int add_use_backend(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	note_stage(call, STAGE_USE_BACKEND);
	struct switch_rule *r = switch_rule_parse(call, true, false, SEES_REQUEST);
	if (!r)
		return -1;
	switch_rule_append(&p->use_backend, &p->use_backend_last, r);
	return 0;
}

static int add_use_server(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	note_stage(call, STAGE_USE_SERVER);
	struct switch_rule *r = switch_rule_parse(call, true, true, SEES_REQUEST | RULE_AT_BACKEND);
	if (!r)
		return -1;
	switch_rule_append(&p->use_server, &p->use_server_last, r);
	return 0;
}

/* data: 1 force-persist, 0 ignore-persist */
static int add_persist_rule(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	struct switch_rule *r =
	    switch_rule_parse(call, false, true, SEES_REQUEST | RULE_AT_BACKEND);
	if (!r)
		return -1;
	if (call->row->data)
		switch_rule_append(&p->force_persist, &p->force_persist_last, r);
	else
		switch_rule_append(&p->ignore_persist, &p->ignore_persist_last, r);
	return 0;
}

static int add_force_switch(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	struct switch_rule *r = switch_rule_parse(call, false, true, SEES_REQUEST);
	if (!r)
		return -1;
	switch_rule_append(&p->force_be_switch, &p->force_be_switch_last, r);
	return 0;
}

static int set_unpublished(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (!wrong_side(call))
		atomic_init(&p->unpublished, true);
	return 0;
}

static int add_monitor_fail(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	struct switch_rule *r = switch_rule_parse(call, false, true, SEES_REQUEST);
	if (!r)
		return -1;
	switch_rule_append(&p->monitor_fail, &p->monitor_fail_last, r);
	return 0;
}

#define NOT_DEFAULTS (CONF_FRONTEND | CONF_BACKEND | CONF_LISTEN)

const struct conf_keyword proxy_rule_keywords[] = {
	{ "acl", CONF_PROXY, 0, 2, -1, add_acl, 0,
	    "<name> <criterion> [flags] [operator] <value> ...",
	    "names a test for conditions; lines of one name are alternatives" },
	{ "tcp-request connection", CONF_PROXY, 0, 1, -1, add_rule, RULES_TCP_CONNECTION,
	    "<action> [ { if | unless } <condition> ]", "rule for each new client connection" },
	{ "tcp-request session", CONF_PROXY, 0, 1, -1, add_rule, RULES_TCP_SESSION,
	    "<action> [ { if | unless } <condition> ]",
	    "rule for each client connection behind its PROXY header" },
	{ "tcp-request content", CONF_PROXY, 0, 1, -1, add_rule, RULES_TCP_REQ_CONTENT,
	    "<action> [ { if | unless } <condition> ]",
	    "rule for the first bytes that a client sends" },
	{ "tcp-request inspect-delay", CONF_PROXY, 0, 1, 1, set_inspect_delay,
	    offsetof(struct proxy, inspect_delay_ms), "<time>",
	    "longest wait of tcp-request content rules for bytes" },
	{ "tcp-response content", CONF_PROXY, 0, 1, -1, add_rule, RULES_TCP_RES_CONTENT,
	    "<action> [ { if | unless } <condition> ]",
	    "rule for the first bytes that a server sends" },
	{ "tcp-response inspect-delay", CONF_PROXY, 0, 1, 1, set_inspect_delay,
	    offsetof(struct proxy, res_inspect_delay_ms), "<time>",
	    "longest wait of tcp-response content rules for bytes" },
	{ "http-request", CONF_PROXY, 0, 1, -1, add_rule, RULES_HTTP_REQ,
	    "<action> [options...] [ { if | unless } <condition> ]", "rule for each HTTP request" },
	{ "http-response", CONF_PROXY, 0, 1, -1, add_rule, RULES_HTTP_RES,
	    "<action> [options...] [ { if | unless } <condition> ]",
	    "rule for each HTTP response of a server" },
	{ "http-after-response", CONF_PROXY, 0, 1, -1, add_rule, RULES_HTTP_AFTER_RES,
	    "<action> [options...] [ { if | unless } <condition> ]",
	    "rule for each HTTP response on its way out, those of weir's own too" },
	{ "redirect", NOT_DEFAULTS, 0, 2, -1, add_redirect, 0,
	    "{ location | prefix | scheme } <to> [code <code>] [options...] [ { if | unless } "
	    "<condition> ]",
	    "answers with a redirection; behind all http-request rules" },
	{ "use_backend", NOT_DEFAULTS, KW_FE, 1, -1, add_use_backend, 0,
	    "<backend> [ { if | unless } <condition> ]",
	    "backend for the requests that fit; the first line that does decides" },
	{ "force-be-switch", NOT_DEFAULTS, KW_FE, 2, -1, add_force_switch, 0,
	    "{ if | unless } <condition>",
	    "requests that fit may go to backends that are disabled or unpublished" },
	{ "be-unpublished", CONF_BACKEND | CONF_LISTEN, KW_BE, 0, 0, set_unpublished, 0, "",
	    "other proxies do not switch to the backend until 'publish backend'" },
	{ "use-server", NOT_DEFAULTS, KW_BE, 3, -1, add_use_server, 0,
	    "<server> { if | unless } <condition>", "server for the requests that fit" },
	{ "force-persist", NOT_DEFAULTS, KW_BE, 2, -1, add_persist_rule, 1,
	    "{ if | unless } <condition>", "persistence is kept even to a server that is down" },
	{ "ignore-persist", NOT_DEFAULTS, KW_BE, 2, -1, add_persist_rule, 0,
	    "{ if | unless } <condition>", "persistence is not looked at" },
	{ "monitor fail", NOT_DEFAULTS, KW_FE, 2, -1, add_monitor_fail, 0,
	    "{ if | unless } <condition>", "when 'monitor-uri' answers 503" },
	{ .name = NULL },
};
