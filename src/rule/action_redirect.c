/* SPDX-License-Identifier: MIT */
/*
 * "redirect": a 3xx reply whose Location is a text, a prefix in front of the request's path, or a scheme in
 * front of its host and path.
 */
#include "action.h"

enum kind { KIND_NONE, KIND_LOCATION, KIND_PREFIX, KIND_SCHEME };

struct redirect {
	enum kind kind;
	struct logfmt *fmt;
	struct logfmt *cookie_fmt;
	struct slice cookie;
	unsigned code;
	bool drop_query, append_slash, ignore_empty, keep_query;
};

/* ---- words ---- */

static int parse_code(struct action_parse *p, struct redirect *r)
{
	static const char *const codes[] = { "301", "302", "303", "307", "308", NULL };
	int index;
	if (!action_word(p, "a status") ||
	    conf_enum(p->conf, p->line, p->arg - 1, codes, &index) < 0)
		return -1;
	r->code = (unsigned)((codes[index][1] - '0') * 10 + (codes[index][2] - '0') + 300);
	return 0;
}

/* "set-cookie NAME[=value]", "clear-cookie NAME[=]" */
static int parse_cookie(struct action_parse *p, struct redirect *r, bool clear)
{
	const char *text = action_word(p, "a cookie");
	if (!text)
		return -1;
	char *line =
	    arena_printf(conf_arena(p->conf), "%s; path=/;%s", text, clear ? " Max-Age=0;" : "");
	r->cookie = slice_str(line);
	return line ? 0 : -1;
}

static int parse_target(struct action_parse *p, struct redirect *r, enum kind kind)
{
	if (r->kind) {
		conf_error(p->conf, p->line, p->arg - 1,
		    "'redirect': one of location, prefix and scheme is enough");
		return -1;
	}
	if (p->arg < p->line->argc && !*p->line->argv[p->arg]) {
		conf_error(p->conf, p->line, p->arg, "'redirect': '%s' is followed by nothing",
		    p->line->argv[p->arg - 1]);
		return -1;
	}
	r->kind = kind;
	r->fmt = action_fmt(p, "a value");
	return r->fmt ? 0 : -1;
}

static bool take_flag(struct action_parse *p, struct redirect *r)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "drop-query", &r->drop_query },
		{ "append-slash", &r->append_slash },
		{ "ignore-empty", &r->ignore_empty },
		{ "keep-query", &r->keep_query },
	};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (action_take(p, flags[i].name)) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

static int parse_word(struct action_parse *p, struct redirect *r)
{
	if (action_take(p, "location"))
		return parse_target(p, r, KIND_LOCATION);
	if (action_take(p, "prefix"))
		return parse_target(p, r, KIND_PREFIX);
	if (action_take(p, "scheme"))
		return parse_target(p, r, KIND_SCHEME);
	if (action_take(p, "code"))
		return parse_code(p, r);
	if (action_take(p, "set-cookie"))
		return parse_cookie(p, r, false);
	if (action_take(p, "clear-cookie"))
		return parse_cookie(p, r, true);
	if (action_take(p, "set-cookie-fmt")) {
		r->cookie_fmt = action_fmt(p, "a cookie");
		return r->cookie_fmt ? 0 : -1;
	}
	if (take_flag(p, r))
		return 0;
	conf_error(p->conf, p->line, p->arg,
	    "'redirect': unexpected '%s'; known are location, prefix, scheme, code, set-cookie, "
	    "set-cookie-fmt, clear-cookie, drop-query, append-slash, ignore-empty, keep-query",
	    p->line->argv[p->arg]);
	return -1;
}

static int parse_redirect(struct action_parse *p)
{
	struct redirect *r = action_args(p, sizeof(*r));
	if (!r)
		return -1;
	r->code = 302;
	if (p->kind == RULES_HTTP_RES && p->arg < p->line->argc &&
	    (strcmp(p->line->argv[p->arg], "prefix") == 0 ||
		strcmp(p->line->argv[p->arg], "scheme") == 0)) {
		conf_error(p->conf, p->line, p->arg,
		    "'redirect': only 'location' may be used in 'http-response' rules");
		return -1;
	}
	while (!action_at_end(p)) {
		if (parse_word(p, r) < 0)
			return -1;
	}
	if (r->kind)
		return 0;
	conf_error(p->conf, p->line, p->arg, "'redirect' needs 'location', 'prefix' or 'scheme'");
	return -1;
}

/* ---- running ---- */

#define LOCATION_MAX 16384

struct text {
	char *ptr;
	size_t len;
	bool full;
};

static void put(struct text *t, struct slice s)
{
	if (s.len > LOCATION_MAX - t->len) {
		t->full = true;
		return;
	}
	if (s.len)
		memcpy(t->ptr + t->len, s.ptr, s.len);
	t->len += s.len;
}

/* The request's path and query, as far as the options leave them. */
static void put_path(struct text *t, const struct redirect *r, struct rule_ctx *cx)
{
	const struct http_target *target = ctx_target(cx);
	struct slice path = target->path;
	if (!path.len || path.ptr[0] != '/')
		path = SLICE("/");
	put(t, path);
	if (!r->drop_query && target->has_query) {
		put(t, SLICE("?"));
		put(t, target->query);
	}
	if (r->append_slash && t->len && t->ptr[t->len - 1] != '/')
		put(t, SLICE("/"));
}

static void put_query(struct text *t, struct rule_ctx *cx)
{
	const struct http_target *target = ctx_target(cx);
	if (!target->has_query)
		return;
	bool has = memchr(t->ptr, '?', t->len) != NULL;
	put(t, has ? SLICE("&") : SLICE("?"));
	put(t, target->query);
}

static void put_location(struct text *t, const struct redirect *r, struct rule_ctx *cx)
{
	struct slice text = action_text(r->fmt, cx);
	switch (r->kind) {
	case KIND_SCHEME: {
		const struct http_hdr *host = ctx_host(cx);
		put(t, text);
		put(t, SLICE("://"));
		put(t, host ? http_hdr_value_of(host) : SLICE(""));
		put_path(t, r, cx);
		return;
	}
	case KIND_PREFIX:
		if (!slice_eq(text, SLICE("/")))
			put(t, text);
		put_path(t, r, cx);
		return;
	default:
		put(t, text);
		if (r->keep_query)
			put_query(t, cx);
	}
}

static bool run_redirect(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct redirect *r = rule->args;
	char location[LOCATION_MAX];
	struct text t = { .ptr = location };
	struct rule_reply *reply = arena_new(cx->arena, struct rule_reply);
	struct rule_reply_hdr *hdrs = arena_array(cx->arena, struct rule_reply_hdr, 3);
	*ret = RULES_ERROR;
	if (!reply || !hdrs || !cx->req)
		return true;
	if (r->ignore_empty && action_text(r->fmt, cx).len == 0)
		return false;
	put_location(&t, r, cx);
	struct slice value = arena_slice(cx->arena, slice_make(location, t.len));
	if (t.full || !value.ptr)
		return true;
	reply->status = r->code;
	hdrs[reply->hdrs_n++] = (struct rule_reply_hdr){ SLICE("location"), value };
	/* Those that a cache would keep otherwise. */
	if (r->code == 302 || r->code == 303 || r->code == 307)
		hdrs[reply->hdrs_n++] =
		    (struct rule_reply_hdr){ SLICE("cache-control"), SLICE("no-cache") };
	struct slice cookie = r->cookie_fmt ? action_text(r->cookie_fmt, cx) : r->cookie;
	if (cookie.len)
		hdrs[reply->hdrs_n++] = (struct rule_reply_hdr){ SLICE("set-cookie"), cookie };
	reply->hdrs = hdrs;
	cx->reply = reply;
	*ret = RULES_REPLY;
	return true;
}

const struct action_row action_redirect_rows[] = {
	{ .name = "redirect",
	    .kinds = ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_redirect,
	    .run = run_redirect,
	    .usage = "{ location <loc> | prefix <pfx> | scheme <sch> } [code <code>] [<option>]*",
	    .help = "answers with a redirection" },
	{ .name = NULL },
};
