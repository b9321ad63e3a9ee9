/* SPDX-License-Identifier: MIT */
/*
 * Actions on the request and status line. A new target is new memory: the parts kept in the context are found
 * stale by its address.
 */
#include "action.h"

struct line_args {
	struct logfmt *fmt;
	struct regex *re; /* replace-... */
	unsigned status;
	struct slice reason;
};

enum part { PART_METHOD, PART_PATH, PART_PATHQ, PART_QUERY, PART_URI };

static int parse_fmt(struct action_parse *p)
{
	struct line_args *a = action_args(p, sizeof(*a));
	if (!a)
		return -1;
	a->fmt = action_fmt(p, "a value");
	return a->fmt ? 0 : -1;
}

static int parse_replace(struct action_parse *p)
{
	struct line_args *a = action_args(p, sizeof(*a));
	const char *regex = a ? action_word(p, "a regex") : NULL;
	if (!regex)
		return -1;
	a->re = regex_compile(p->conf, p->line, p->arg - 1, regex, false);
	if (!a->re)
		return -1;
	a->fmt = action_fmt(p, "a replacement");
	return a->fmt ? 0 : -1;
}

/* The bytes of the target that a part covers; *ret_from behind the authority when there are none. */
static struct slice covered(struct rule_ctx *cx, enum part part)
{
	struct slice target = cx->req->target;
	const struct http_target *t = ctx_target(cx);
	const char *end = target.ptr + target.len;
	const char *path = t->path.ptr ? t->path.ptr : end;
	const char *path_end = path + t->path.len;
	switch (part) {
	case PART_PATH:
		return slice_make(path, t->path.len);
	case PART_PATHQ:
		return slice_make(path, (size_t)(end - path));
	case PART_QUERY: /* with its question mark */
		return slice_make(path_end, (size_t)(end - path_end));
	default:
		return target;
	}
}

static bool set_target(struct rule_ctx *cx, struct slice old, struct slice mark, struct slice value)
{
	struct slice target = cx->req->target;
	size_t head = (size_t)(old.ptr - target.ptr);
	struct slice tail = slice_sub(target, head + old.len, target.len);
	char *out = arena_bytes(cx->arena, head + mark.len + value.len + tail.len + 1);
	if (!out)
		return false;
	size_t len = 0;
	const struct slice pieces[] = { slice_sub(target, 0, head), mark, value, tail };
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		if (pieces[i].len)
			memcpy(out + len, pieces[i].ptr, pieces[i].len);
		len += pieces[i].len;
	}
	cx->req->target = slice_make(out, len);
	return true;
}

/* Blanks and control bytes would end the request line: a rule must not make another request. */
static bool fits_line(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
			return false;
	}
	return s.ptr != NULL;
}

/* The host field says what the authority of an absolute target says (RFC 9112 3.2.2). */
static void follow_authority(struct rule_ctx *cx)
{
	const struct http_target *t = ctx_target(cx);
	struct http_hdr *host = http_hdr_find_id(cx->req, HDR_HOST, NULL);
	if (host && t->scheme.len && t->authority.len)
		http_hdr_set_value(host, t->authority);
}

static bool run_set(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct line_args *a = rule->args;
	enum part part = (enum part)rule->row->data;
	if (!cx->req)
		return false;
	struct slice value = action_text(a->fmt, cx);
	if (!fits_line(value) || !action_takes_room(cx, value.len))
		return action_rewrite_failed(cx, ret);
	if (part == PART_METHOD) {
		if (value.len == 0)
			return action_rewrite_failed(cx, ret);
		cx->req->method_name = value;
		cx->req->method = http_method_of(value);
		return false;
	}
	struct slice old = covered(cx, part);
	bool mark = part == PART_QUERY && (value.len || old.len); /* a '?' that was there stays */
	if (!set_target(cx, old, mark ? SLICE("?") : SLICE(""), value))
		return action_rewrite_failed(cx, ret);
	if (part == PART_URI)
		follow_authority(cx);
	return false;
}

static bool run_replace(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct line_args *a = rule->args;
	struct regex_span spans[REGEX_GROUPS];
	char out[16384];
	if (!cx->req)
		return false;
	struct slice old = covered(cx, (enum part)rule->row->data);
	unsigned n = regex_exec(a->re, cx, old, 0, spans);
	if (!n)
		return false;
	struct slice fmt = action_text(a->fmt, cx);
	size_t len = fmt.ptr ? regex_expand(fmt, old, spans, n, out, sizeof(out)) : SIZE_MAX;
	if (len == SIZE_MAX || !fits_line(slice_make(out, len)) || !action_takes_room(cx, len) ||
	    !set_target(cx, old, SLICE(""), slice_make(out, len)))
		return action_rewrite_failed(cx, ret);
	if (rule->row->data == PART_URI)
		follow_authority(cx);
	return false;
}

static int parse_status(struct action_parse *p)
{
	struct line_args *a = action_args(p, sizeof(*a));
	int64_t status;
	if (!a || !action_word(p, "a status"))
		return -1;
	if (conf_int(p->conf, p->line, p->arg - 1, 100, 999, &status) < 0)
		return -1;
	a->status = (unsigned)status;
	a->reason = http_reason(a->status);
	if (!action_take(p, "reason"))
		return 0;
	const char *reason = action_word(p, "a reason");
	if (reason)
		a->reason = slice_str(arena_strdup(conf_arena(p->conf), reason));
	return reason ? 0 : -1;
}

static bool run_status(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct line_args *a = rule->args;
	if (cx->res) {
		cx->res->status = (uint16_t)a->status;
		cx->res->reason = a->reason;
	}
	return false;
}

#define SET(keyword, part, text)                                                                   \
	{                                                                                          \
		.name = keyword, .kinds = ON_HTTP_REQ, .parse = parse_fmt, .run = run_set,         \
		.data = part, .usage = "<fmt>", .help = text                                       \
	}
#define REPLACE(keyword, part, text)                                                               \
	{                                                                                          \
		.name = keyword, .kinds = ON_HTTP_REQ, .parse = parse_replace, .run = run_replace, \
		.data = part, .usage = "<match-regex> <replace-fmt>", .help = text                 \
	}

const struct action_row action_line_rows[] = {
	SET("set-method", PART_METHOD, "sets the method"),
	SET("set-path", PART_PATH, "sets the path, the query stays"),
	SET("set-pathq", PART_PATHQ, "sets path and query"),
	SET("set-query", PART_QUERY, "sets the query; a question mark stays"),
	SET("set-uri", PART_URI, "sets the whole request target"),
	REPLACE("replace-path", PART_PATH, "replaces a path that matches"),
	REPLACE("replace-pathq", PART_PATHQ, "replaces a path with query that matches"),
	REPLACE("replace-uri", PART_URI, "replaces a request target that matches"),
	{ .name = "set-status",
	    .kinds = ON_HTTP_RES | ON_HTTP_AFTER,
	    .parse = parse_status,
	    .run = run_status,
	    .usage = "<status> [reason <str>]",
	    .help = "sets the status" },
	{ .name = NULL },
};
