/* SPDX-License-Identifier: MIT */
/*
 * The sections "defaults", "frontend", "backend" and "listen": their names, what they inherit, and the tables
 * of keywords that may stand in them. A defaults section is a struct proxy of its own, kept in config->defaults;
 * a proxy begins as a copy of one.
 */
#include "conf_int.h"

#include "weir/proxy/log_profile.h"
#include "weir/rule/acl_scope.h"

#include <stdarg.h>

const struct conf_keyword *const proxy_keyword_tables[] = {
	proxy_common_keywords,
	proxy_frontend_keywords,
	proxy_capture_keywords,
	proxy_certificate_keywords,
	proxy_backend_keywords,
	proxy_check_keywords,
	proxy_rule_keywords,
	proxy_option_keywords,
	proxy_error_keywords,
	proxy_log_keywords,
	proxy_later_keywords,
	proxy_removed_keywords,
	NULL,
};

/* ---- helpers of all setters ---- */

struct config *build_config(const struct conf_call *call)
{
	return conf_user(call->conf);
}

const char *proxy_kind(const struct proxy *p)
{
	if (p->build && p->build->is_defaults)
		return "defaults section";
	if (p->is_listen)
		return "proxy";
	return p->caps & PROXY_FE ? "frontend" : "backend";
}

bool wrong_side(const struct conf_call *call)
{
	const struct proxy *p = call->object;
	unsigned flags = call->row->flags;
	unsigned need = (flags & KW_FE ? PROXY_FE : 0) | (flags & KW_BE ? PROXY_BE : 0);
	if (!need || p->caps & need)
		return false;
	/* The two limits that are taken for each other most often. */
	const char *hint = "";
	if (strcmp(call->row->name, "maxconn") == 0)
		hint = " Maybe you want 'fullconn' instead ?";
	else if (strcmp(call->row->name, "fullconn") == 0)
		hint = " Maybe you want 'maxconn' instead ?";
	conf_warning(call->conf, call->line, call->negation == CONF_PLAIN ? 0 : 1,
	    "'%s' ignored because %s '%s' has no %s capability.%s", call->row->name, proxy_kind(p),
	    p->name, need == PROXY_FE ? "frontend" : "backend", hint);
	return true;
}

int no_memory(struct conf *conf, const struct conf_line *line)
{
	conf_error(conf, line, -1, "out of memory");
	return -1;
}

bool no_more_words(struct conf *conf, const struct conf_line *line, int from)
{
	if (line->argc <= from)
		return true;
	conf_error(conf, line, from, "'%s' cannot handle unexpected argument '%s'", line->argv[0],
	    line->argv[from]);
	return false;
}

const char *join_words(struct conf *conf, const struct conf_line *line, int arg)
{
	struct strbuf text = STRBUF_INIT;
	for (int i = arg; i < line->argc; i++)
		strbuf_addf(&text, "%s%s", i > arg ? " " : "", line->argv[i]);
	char *copy = text.failed ? NULL : arena_strdup(conf_arena(conf), strbuf_str(&text));
	strbuf_done(&text);
	if (!copy)
		(void)no_memory(conf, line);
	return copy;
}

struct slice lower_name(struct arena *arena, const char *name)
{
	char *copy = arena_strdup(arena, name);
	for (char *s = copy; s && *s; s++)
		*s = ascii_lower(*s);
	return slice_str(copy);
}

int save_line(struct conf *conf, struct saved_lines *to, const struct conf_line *line, int arg,
    enum rules_kind kind)
{
	/* Setters may look a few empty words ahead of the end. */
	enum { PAD = 8 };
	struct arena *arena = conf_arena(conf);
	size_t n = (size_t)line->argc;
	struct saved_line *s = arena_new(arena, struct saved_line);
	char **argv = arena_array(arena, char *, n + PAD);
	unsigned *cols = arena_array(arena, unsigned, n + PAD);
	unsigned *lines = line->lines ? arena_array(arena, unsigned, n + PAD) : NULL;
	if (!s || !argv || !cols || (line->lines && !lines))
		return no_memory(conf, line);
	for (size_t i = 0; i < n + PAD; i++) {
		argv[i] = arena_strdup(arena, i < n ? line->argv[i] : "");
		if (!argv[i])
			return no_memory(conf, line);
		cols[i] = i < n ? line->cols[i] : 0;
		if (lines)
			lines[i] = i < n ? line->lines[i] : 0;
	}
	s->line = (struct conf_line){
		.pos = line->pos, .argc = line->argc, .argv = argv, .cols = cols, .lines = lines
	};
	s->arg = arg;
	s->kind = kind;
	if (!to->last)
		to->last = &to->first;
	*to->last = s;
	to->last = &s->next;
	return 0;
}

WEIR_PRINTF(4, 0)
static void proxy_message(
    struct conf *conf, const struct proxy *p, enum diag_level level, const char *fmt, va_list ap)
{
	diag_vadd(conf_diag(conf), level, p->pos, fmt, ap);
}

void proxy_error(struct conf *conf, const struct proxy *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	proxy_message(conf, p, DIAG_ERROR, fmt, ap);
	va_end(ap);
}

void proxy_warning(struct conf *conf, const struct proxy *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	proxy_message(conf, p, DIAG_WARNING, fmt, ap);
	va_end(ap);
}

/* ---- what a section begins with ---- */

/* The manual's defaults, for proxies above the first defaults section and for each defaults section. */
static void set_manual_defaults(struct proxy *p)
{
	p->retries = 3;
	p->retry_on = RETRY_CONN_FAILURE;
	p->reuse = REUSE_SAFE;
	p->max_keep_alive_queue = UINT32_MAX;
	p->source.tos = -1;
	p->forwardfor.name = SLICE("x-forwarded-for");
	p->originalto.name = SLICE("x-original-to");
}

/* What belongs to a section itself and is never inherited; all else a copy of the defaults brings along. */
static void reset_own(struct proxy *p)
{
	p->name = NULL;
	p->id = 0;
	p->id_set = false;
	p->caps = 0;
	p->is_listen = false;
	p->next = NULL;
	p->description = NULL;
	p->binds = NULL;
	p->binds_last = &p->binds;
	p->ssl_uses = NULL;
	p->use_backend = NULL;
	p->use_backend_last = &p->use_backend;
	p->monitor_fail = NULL;
	p->monitor_fail_last = &p->monitor_fail;
	p->req_captures = p->res_captures = NULL;
	p->req_captures_n = p->res_captures_n = 0;
	p->capture_cookie = SLICE_NULL;
	p->capture_cookie_len = 0;
	p->acls = NULL;
	memset(p->rules, 0, sizeof(p->rules));
	p->servers = NULL;
	p->use_server = NULL;
	p->use_server_last = &p->use_server;
	p->force_persist = NULL;
	p->force_persist_last = &p->force_persist;
	p->ignore_persist = NULL;
	p->ignore_persist_last = &p->ignore_persist;
	p->has_dispatch = false;
	p->rt = NULL;
}

static void *find_log_profile(void *config, const char *name, struct conf_pos pos)
{
	return log_profile_get(config, name, pos);
}

static struct proxy *proxy_new(const struct conf_call *call, const struct proxy *from)
{
	struct config *c = build_config(call);
	struct arena *arena = conf_arena(call->conf);
	struct proxy *p = arena_new(arena, struct proxy);
	struct proxy_build *build = arena_new(arena, struct proxy_build);
	if (!p || !build)
		goto fail;
	if (from)
		*p = *from;
	else
		set_manual_defaults(p);
	reset_own(p);
	p->build = build;
	build->check = from ? from->build->check : CHECK_BY_CONNECT;
	p->config = c;
	p->arena = arena;
	p->pos = call->line->pos;
	p->acls = acl_scope_new(arena, NULL);
	if (p->acls)
		acl_scope_on_log_profile(p->acls, find_log_profile, c);
	p->server_defaults = server_defaults_new(arena, from ? from->server_defaults : NULL);
	if (p->has_source && p->source.source)
		p->source.source = &p->source_addr;
	if (p->acls && p->server_defaults)
		return p;
fail:
	(void)no_memory(call->conf, call->line);
	return NULL;
}

/* ---- finding the defaults ---- */

struct defaults_walk {
	const struct proxy *first;
};

static const char *next_defaults(const void *names, size_t i)
{
	const struct proxy *p = ((const struct defaults_walk *)names)->first;
	for (; p; p = p->next)
		if (p->build->is_named && i-- == 0)
			return p->name;
	return NULL;
}

static struct proxy *named_defaults(const struct conf_call *call, int arg, const char *of)
{
	struct config *c = build_config(call);
	const char *name = call->line->argv[arg];
	struct proxy *p = c->defaults;
	while (p && !(p->build->is_named && strcmp(p->name, name) == 0))
		p = p->next;
	if (!p) {
		struct defaults_walk walk = { .first = c->defaults };
		const char *near = conf_nearest(name, next_defaults, &walk);
		conf_error(call->conf, call->line, arg,
		    "defaults section '%s' not found for %s '%s'%s%s%s", name, of,
		    call->line->argv[1], near ? "; did you mean '" : "", near ? near : "",
		    near ? "' ?" : "");
		return NULL;
	}
	for (const struct proxy *q = p->next; q; q = q->next) {
		if (!q->build->is_named || strcmp(q->name, name) != 0)
			continue;
		conf_error(call->conf, call->line, arg,
		    "defaults section name '%s' is ambiguous: it is declared at %s:%u and %s:%u",
		    name, q->pos.file ? q->pos.file : "", q->pos.line,
		    p->pos.file ? p->pos.file : "", p->pos.line);
		return NULL;
	}
	return p;
}

/* Both ways of taking the same section make the order of sections matter: told once a section. */
static void note_use(const struct conf_call *call, struct proxy *from, bool by_name, unsigned caps)
{
	struct proxy_build *b = from->build;
	bool was_mixed = b->used_by_name && b->used_as_last;
	if (by_name)
		b->used_by_name = true;
	else
		b->used_as_last = true;
	if (!was_mixed && b->used_by_name && b->used_as_last && b->is_named)
		conf_warning(call->conf, call->line, 0,
		    "defaults section '%s' (declared at %s:%u) is used both by name and as the "
		    "last "
		    "one; better name it with 'from' in every section that means it",
		    from->name, from->pos.file ? from->pos.file : "", from->pos.line);
	b->used_as |= caps;
}

/* Rules in defaults serve one side only, as their order against the proxies' own would be unclear. */
static bool rules_fit(const struct conf_call *call, const struct proxy *from, unsigned caps)
{
	const struct proxy_build *b = from->build;
	const char *why = NULL;
	if (!b->has_rules)
		return true;
	if (!caps)
		why = "a defaults section cannot inherit from a defaults section defining TCP/HTTP "
		      "rules";
	else if ((b->used_as | caps) == (PROXY_FE | PROXY_BE))
		why = "frontends and backends cannot inherit from the same defaults section if it "
		      "defines TCP/HTTP rules";
	else if (caps == PROXY_BE && b->has_conn_rules)
		why = "a backend section cannot inherit from a defaults section defining "
		      "'tcp-request "
		      "connection' or 'tcp-request session' rules";
	if (!why)
		return true;
	conf_error(call->conf, call->line, 0, "%s (defaults section at %s:%u)", why,
	    from->pos.file ? from->pos.file : "", from->pos.line);
	return false;
}

/* "[from <defaults>]" at arg. False, told; *ret_from is NULL when there are no defaults. */
static bool parse_from(
    const struct conf_call *call, int arg, const char *of, unsigned caps, struct proxy **ret_from)
{
	const struct conf_line *line = call->line;
	struct proxy *from = NULL;
	bool by_name = arg < line->argc;

	if (by_name && strcmp(line->argv[arg], "from") != 0) {
		conf_error(call->conf, line, arg,
		    "unexpected argument '%s' in '%s' section, only 'from <defaults>' may follow "
		    "the name",
		    line->argv[arg], line->argv[0]);
		return false;
	}
	if (by_name && arg + 1 >= line->argc) {
		conf_error(call->conf, line, arg, "'from' expects the name of a defaults section");
		return false;
	}
	if (by_name && !no_more_words(call->conf, line, arg + 2))
		return false;
	/* A defaults section starts from the manual's values unless it names another. */
	if (by_name)
		from = named_defaults(call, arg + 1, of);
	else if (caps)
		from = build_config(call)->defaults;
	if (by_name && !from)
		return false;
	if (from && !rules_fit(call, from, caps))
		return false;
	if (from)
		note_use(call, from, by_name, caps);
	*ret_from = from;
	return true;
}

static void *open_defaults(const struct conf_call *call)
{
	struct config *c = build_config(call);
	const struct conf_line *line = call->line;
	bool named = line->argc > 1 && strcmp(line->argv[1], "from") != 0;
	struct proxy *from;

	if (!parse_from(call, named ? 2 : 1, "defaults", 0, &from))
		return NULL;
	struct proxy *p = proxy_new(call, from);
	if (!p)
		return NULL;
	p->name = named ? arena_strdup(p->arena, line->argv[1]) : "";
	if (!p->name) {
		(void)no_memory(call->conf, line);
		return NULL;
	}
	p->caps = PROXY_FE | PROXY_BE;
	acl_scope_on_capture(p->acls, capture_slot, p);
	acl_scope_on_errors(p->acls, find_http_errors, p->config);
	p->build->is_defaults = true;
	p->build->is_named = named;
	p->next = c->defaults;
	c->defaults = p;
	acl_scope_use(call->conf, p->acls);
	return p;
}

/* ---- proxies ---- */

static void tell_duplicates(const struct conf_call *call, const struct proxy *p)
{
	const struct config *c = p->config;
	const struct proxy *fe = config_frontend(c, p->name);
	const struct proxy *be = config_backend(c, p->name);
	const struct proxy *other = fe ? fe : be;
	if (!other)
		return;
	bool clash = (fe && p->caps & PROXY_FE) || (be && p->caps & PROXY_BE);
	if (clash && be && p->caps & PROXY_BE && !(fe && p->caps & PROXY_FE))
		other = be;
	/* Names of both sides are one space by the manual; older files break that, and it works. */
	if (clash)
		conf_error(call->conf, call->line, 1,
		    "%s '%s' has the same name as %s '%s' declared at %s:%u.", proxy_kind(p),
		    p->name, proxy_kind(other), other->name, other->pos.file ? other->pos.file : "",
		    other->pos.line);
	else
		conf_warning(call->conf, call->line, 1,
		    "%s '%s' has the same name as %s '%s' declared at %s:%u; logs, statistics and "
		    "commands can hardly tell them apart, better give each a name of its own.",
		    proxy_kind(p), p->name, proxy_kind(other), other->name,
		    other->pos.file ? other->pos.file : "", other->pos.line);
}

static int add_proxy(struct config *c, struct proxy *p)
{
	uint64_t hash = hash_slice(slice_str(p->name));
	if (p->caps & PROXY_FE && htab_insert(&c->frontends, &p->node, hash) < 0)
		return -1;
	if (p->caps & PROXY_BE && htab_insert(&c->backends, &p->be_node, hash) < 0)
		return -1;
	*c->proxies_last = p;
	c->proxies_last = &p->next;
	c->proxies_n++;
	return 0;
}

static void *open_proxy(const struct conf_call *call, unsigned caps)
{
	const struct conf_line *line = call->line;
	const char *name;
	struct proxy *from, *p;

	if (line->argc < 2) {
		conf_error(call->conf, line, 0,
		    "'%s' expects a name, then optionally 'from <defaults>'", line->argv[0]);
		return NULL;
	}
	if (conf_name(call->conf, line, 1, &name) < 0 ||
	    !parse_from(call, 2, line->argv[0], caps, &from))
		return NULL;
	p = proxy_new(call, from);
	if (!p)
		return NULL;
	p->name = name;
	p->caps = caps;
	p->is_listen = caps == (PROXY_FE | PROXY_BE);
	if (caps & PROXY_FE)
		acl_scope_on_capture(p->acls, capture_slot, p);
	acl_scope_on_errors(p->acls, find_http_errors, p->config);
	tell_duplicates(call, p);
	if (add_proxy(p->config, p) < 0) {
		(void)no_memory(call->conf, line);
		return NULL;
	}
	if (from)
		replay_rules(call->conf, &from->build->rules, p, from->acls);
	acl_scope_use(call->conf, p->acls);
	return p;
}

static void *open_frontend(const struct conf_call *call)
{
	return open_proxy(call, PROXY_FE);
}

static void *open_backend(const struct conf_call *call)
{
	return open_proxy(call, PROXY_BE);
}

static void *open_listen(const struct conf_call *call)
{
	return open_proxy(call, PROXY_FE | PROXY_BE);
}

static int close_proxy(struct conf *conf, void *object)
{
	replay_redirects(conf, object);
	return 0;
}

const struct conf_section section_defaults = {
	.name = "defaults",
	.scope = CONF_DEFAULTS,
	.open = open_defaults,
	.tables = proxy_keyword_tables,
};

const struct conf_section section_frontend = {
	.name = "frontend",
	.scope = CONF_FRONTEND,
	.open = open_frontend,
	.close = close_proxy,
	.tables = proxy_keyword_tables,
};

const struct conf_section section_backend = {
	.name = "backend",
	.scope = CONF_BACKEND,
	.open = open_backend,
	.close = close_proxy,
	.tables = proxy_keyword_tables,
};

const struct conf_section section_listen = {
	.name = "listen",
	.scope = CONF_LISTEN,
	.open = open_listen,
	.close = close_proxy,
	.tables = proxy_keyword_tables,
};
