/* SPDX-License-Identifier: MIT */
/*
 * What a proxy's mode and its other lines do not allow: told once all is read, as the mode may stand anywhere in
 * a section. What is ignored is taken out, so that nothing behind has to ask again.
 */
#include "conf_int.h"

/* Options that mean something to HTTP alone and are told of elsewhere. */
static const struct http_option {
	uint64_t flag;
	const char *name;
} http_options[] = {
	{ PR_O_FORWARDFOR, "forwardfor" },
	{ PR_O_ORIGINALTO, "originalto" },
	{ PR_O_FORWARDED, "forwarded" },
	{ PR_O_BUFFER_REQUEST, "http-buffer-request" },
};

static const struct http_rules {
	enum rules_kind kind;
	const char *name;
} http_rules[] = {
	{ RULES_HTTP_REQ, "http-request" },
	{ RULES_HTTP_RES, "http-response" },
	{ RULES_HTTP_AFTER_RES, "http-after-response" },
};

/* A tcp proxy ignores what HTTP would do. */
static void ignore_http(struct conf *conf, struct proxy *p)
{
	const char *kind = proxy_kind(p);
	for (size_t i = 0; i < ARRAY_SIZE(http_rules); i++) {
		struct ruleset *set = &p->rules[http_rules[i].kind];
		const char *name = http_rules[i].name;
		if (!set->count)
			continue;
		if (http_rules[i].kind == RULES_HTTP_REQ && p->build->redirects.first &&
		    !(p->build->stages >> STAGE_HTTP_REQUEST & 1))
			name = "redirect";
		proxy_warning(conf, p, "'%s' rules ignored for %s '%s' as they require HTTP mode.",
		    name, kind, p->name);
		*set = (struct ruleset){ .first = NULL };
	}
	for (size_t i = 0; i < ARRAY_SIZE(http_options); i++) {
		if (!(p->options & http_options[i].flag))
			continue;
		proxy_warning(conf, p, "'option %s' ignored for %s '%s' as it requires HTTP mode.",
		    http_options[i].name, kind, p->name);
		p->options &= ~http_options[i].flag;
	}
	if (p->monitor_uri.len && p->caps & PROXY_FE) {
		proxy_warning(conf, p,
		    "monitor-uri will be ignored for %s '%s' (needs 'mode http').", kind, p->name);
		p->monitor_uri = SLICE_NULL;
	}
	if (p->be.cookie && p->caps & PROXY_BE) {
		proxy_warning(conf, p, "cookie will be ignored for %s '%s' (needs 'mode http').",
		    kind, p->name);
		p->be.cookie = NULL;
	}
	if (p->capture_cookie.len) {
		proxy_warning(conf, p,
		    "'capture cookie' ignored for %s '%s' as it requires HTTP mode.", kind,
		    p->name);
		p->capture_cookie = SLICE_NULL;
	}
}

static void check_balance(struct conf *conf, const struct proxy *p)
{
	bool other = p->has_dispatch || p->options & PR_O_TRANSPARENT;
	if (other && p->be.servers_n > 1)
		proxy_error(conf, p, "%s '%s' cannot use both %s and servers.", proxy_kind(p),
		    p->name, p->has_dispatch ? "'dispatch'" : "'option transparent'");
}

static void check_timeouts(struct conf *conf, const struct proxy *p)
{
	const struct proxy_timeouts *t = &p->timeout;
	bool fe = p->caps & PROXY_FE && p->binds && !t->client;
	bool be = p->caps & PROXY_BE && p->be.servers_n && (!t->connect || !t->server);
	if (!fe && !be)
		return;
	proxy_warning(conf, p,
	    "missing timeouts for %s '%s'.\n"
	    "   | While not properly invalid, you will certainly encounter various problems\n"
	    "   | with such a configuration. To fix this, please ensure that all following\n"
	    "   | timeouts are set to a non-zero value: 'client', 'connect', 'server'.",
	    proxy_kind(p), p->name);
}

static void check_binds(struct conf *conf, const struct proxy *p)
{
	if (p->caps & PROXY_FE && !p->binds)
		proxy_warning(conf, p,
		    "%s '%s' has no 'bind' directive. Please declare it as a backend if this was "
		    "intended.",
		    proxy_kind(p), p->name);
}

/* Content rules without a delay see whatever happens to be there when the connection comes. */
static void check_inspection(struct conf *conf, const struct proxy *p)
{
	if (p->mode == PROXY_TCP && p->rules[RULES_TCP_REQ_CONTENT].count && !p->inspect_delay_ms)
		diag_add(conf_diag(conf), DIAG_NOTICE, p->pos,
		    "%s '%s' has 'tcp-request content' rules and no 'tcp-request inspect-delay': "
		    "they will not wait for the client's first bytes",
		    proxy_kind(p), p->name);
}

/* "persist rdp-cookie(name)" is an expression like any other by now. */
static void compile_rdp(struct conf *conf, struct proxy *p)
{
	static char word[] = "persist", none[] = "";
	char *argv[] = { word, word, none, none, none, none, none, none, none, none };
	unsigned cols[ARRAY_SIZE(argv)] = { 0 };
	struct conf_line line = { .pos = p->pos, .argc = 2, .argv = argv, .cols = cols };
	if (!p->rdp_persist || !(p->caps & PROXY_BE))
		return;
	char *text = arena_printf(p->arena, "req.rdp_cookie(%s)", p->rdp_persist);
	if (text)
		p->rdp_persist_expr = expr_parse_text(
		    conf, &line, 1, text, RULE_AT_REQ | RULE_AT_SESS | RULE_AT_BACKEND);
}

void finish_modes(struct conf *conf, struct config *c)
{
	for (struct proxy *p = c->proxies; p; p = p->next) {
		if (p->options & PR_O_DISABLED)
			continue;
		check_binds(conf, p);
		if (p->mode == PROXY_TCP &&
		    !ruleset_has(&p->rules[RULES_TCP_REQ_CONTENT], "switch-mode"))
			ignore_http(conf, p);
		if (p->caps & PROXY_BE)
			check_balance(conf, p);
		if (p->mode != PROXY_LOG)
			check_timeouts(conf, p);
		check_inspection(conf, p);
		compile_rdp(conf, p);
	}
}
