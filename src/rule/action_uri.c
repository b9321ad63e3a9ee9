/* SPDX-License-Identifier: MIT */
/*
 * normalize-uri: URI normalisers, RFC 3986 6.2.2. Each takes the part of the target it works on and writes what
 * becomes of it; only fragment-encode makes a target longer. A target that does not change keeps its memory.
 */
#include "action.h"

/* What a normaliser found. */
enum found { FOUND_TEXT, FOUND_INVALID, FOUND_NO_MEMORY };

/* Writes to out, which has room for three times as many bytes. */
typedef enum found normaliser(struct slice in, bool flag, struct rule_ctx *cx, struct slice *out);

enum part { PART_PATH, PART_PATHQ, PART_QUERY };

struct normaliser_row {
	const char *name;
	normaliser *run;
	enum part part;
	const char *flag; /* "full", "strict", or NULL */
};

struct uri_args {
	const struct normaliser_row *row;
	bool flag;
};

static void put(struct slice *out, const char *bytes, size_t len)
{
	if (len)
		memmove((char *)out->ptr + out->len, bytes, len);
	out->len += len;
}

/* ---- paths ---- */

static enum found merge_slashes(struct slice in, bool flag, struct rule_ctx *cx, struct slice *out)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] != '/' || i == 0 || in.ptr[i - 1] != '/')
			put(out, in.ptr + i, 1);
	}
	return FOUND_TEXT;
}

/* Cuts "/segment" off the front; *ret_last when nothing follows. */
static struct slice cut_segment(struct slice *rest, bool *ret_last)
{
	size_t next = 1;
	while (next < rest->len && rest->ptr[next] != '/')
		next++;
	struct slice segment = slice_sub(*rest, 0, next);
	*rest = slice_sub(*rest, next, rest->len);
	*ret_last = rest->len == 0;
	return segment;
}

static enum found strip_dot(struct slice in, bool flag, struct rule_ctx *cx, struct slice *out)
{
	bool last;
	while (in.len) {
		struct slice segment = cut_segment(&in, &last);
		if (!slice_eq(segment, SLICE("/.")))
			put(out, segment.ptr, segment.len);
		else if (last)
			put(out, "/", 1);
	}
	return FOUND_TEXT;
}

/* flag: what cannot be merged with a segment in front of it goes too. */
static enum found strip_dotdot(struct slice in, bool flag, struct rule_ctx *cx, struct slice *out)
{
	unsigned depth = 0; /* segments in out that ".." may take back */
	bool last;
	while (in.len) {
		struct slice segment = cut_segment(&in, &last);
		if (!slice_eq(segment, SLICE("/.."))) {
			put(out, segment.ptr, segment.len);
			depth++;
			continue;
		}
		if (!depth && !flag) {
			put(out, segment.ptr, segment.len);
		} else if (depth) {
			depth--;
			while (out->ptr[--out->len] != '/')
				;
		}
		if (last)
			put(out, "/", 1);
	}
	return FOUND_TEXT;
}

/* ---- percent-encoding ---- */

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%xx" at the front of s stands for, or -1. */
static int encoded_byte(struct slice s)
{
	int high = s.len > 2 ? hex_value(s.ptr[1]) : -1;
	int low = s.len > 2 ? hex_value(s.ptr[2]) : -1;
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_unreserved(int c)
{
	return c > 0 && (ascii_is_digit((char)c) || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || strchr("-._~", c));
}

/* flag: an invalid sequence is an error. */
static enum found decode_unreserved(
    struct slice in, bool flag, struct rule_ctx *cx, struct slice *out)
{
	for (size_t i = 0; i < in.len; i++) {
		struct slice rest = slice_sub(in, i, in.len);
		int byte = in.ptr[i] == '%' ? encoded_byte(rest) : 0;
		if (byte < 0 && flag)
			return FOUND_INVALID;
		if (!is_unreserved(byte)) {
			put(out, in.ptr + i, 1);
			continue;
		}
		char c = (char)byte;
		put(out, &c, 1);
		i += 2;
	}
	return FOUND_TEXT;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static enum found to_uppercase(struct slice in, bool flag, struct rule_ctx *cx, struct slice *out)
{
	for (size_t i = 0; i < in.len; i++) {
		int byte = in.ptr[i] == '%' ? encoded_byte(slice_sub(in, i, in.len)) : -1;
		if (in.ptr[i] == '%' && byte < 0 && flag)
			return FOUND_INVALID;
		put(out, in.ptr + i, 1);
		for (int k = 0; byte >= 0 && k < 2; k++) {
			char c = upper(in.ptr[++i]);
			put(out, &c, 1);
		}
	}
	return FOUND_TEXT;
}

/* ---- query ---- */

static int compare_names(struct slice a, struct slice b)
{
	a.len = slice_find(a, '=');
	b.len = slice_find(b, '=');
	int order = memcmp(a.ptr, b.ptr, MIN(a.len, b.len));
	if (order)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* Merges the sorted halves from and from+left_n into to; of equal names the earlier stays in front. */
static void merge(struct slice *from, size_t left_n, size_t n, struct slice *to)
{
	size_t l = 0, r = left_n;
	for (size_t i = 0; i < n; i++) {
		bool left = r == n || (l < left_n && compare_names(from[l], from[r]) <= 0);
		to[i] = left ? from[l++] : from[r++];
	}
}

/* Stable, and without a bad case that a client could ask for. */
static void sort_params(struct slice *params, struct slice *other, size_t n)
{
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t i = 0; i < n; i += 2 * width)
			merge(params + i, MIN(width, n - i), MIN(2 * width, n - i), other + i);
		memcpy(params, other, n * sizeof(*params));
	}
}

static enum found sort_query(struct slice in, bool flag, struct rule_ctx *cx, struct slice *out)
{
	size_t n = 1, i = 0;
	for (size_t k = 0; k < in.len; k++)
		n += in.ptr[k] == '&';
	struct slice *params = arena_array(cx->arena, struct slice, 2 * n);
	if (!params)
		return FOUND_NO_MEMORY;
	for (struct slice rest = in; rest.ptr && i < n;)
		params[i++] = slice_cut(&rest, '&');
	n = i;
	sort_params(params, params + n, n);
	for (i = 0; i < n; i++) {
		if (i)
			put(out, "&", 1);
		put(out, params[i].ptr, params[i].len);
	}
	return FOUND_TEXT;
}

/* ---- fragments ---- */

static enum found strip_fragment(struct slice in, bool flag, struct rule_ctx *cx, struct slice *out)
{
	put(out, in.ptr, slice_find(in, '#'));
	return FOUND_TEXT;
}

static enum found encode_fragment(
    struct slice in, bool flag, struct rule_ctx *cx, struct slice *out)
{
	for (size_t i = 0; i < in.len; i++) {
		bool mark = in.ptr[i] == '#';
		put(out, mark ? "%23" : in.ptr + i, mark ? 3 : 1);
	}
	return FOUND_TEXT;
}

static const struct normaliser_row normalisers[] = {
	{ "path-merge-slashes", merge_slashes, PART_PATH, NULL },
	{ "path-strip-dot", strip_dot, PART_PATH, NULL },
	{ "path-strip-dotdot", strip_dotdot, PART_PATH, "full" },
	{ "percent-decode-unreserved", decode_unreserved, PART_PATHQ, "strict" },
	{ "percent-to-uppercase", to_uppercase, PART_PATHQ, "strict" },
	{ "query-sort-by-name", sort_query, PART_QUERY, NULL },
	{ "fragment-strip", strip_fragment, PART_PATHQ, NULL },
	{ "fragment-encode", encode_fragment, PART_PATHQ, NULL },
};

/* ---- the action ---- */

static const char *next_name(const void *unused, size_t i)
{
	return i < ARRAY_SIZE(normalisers) ? normalisers[i].name : NULL;
}

static int parse_normaliser(struct action_parse *p)
{
	struct uri_args *a = action_args(p, sizeof(*a));
	const char *name = a ? action_word(p, "the name of a normalizer") : NULL;
	if (!name)
		return -1;
	if (!conf_experimental_allowed(p->conf)) {
		conf_error(p->conf, p->line, p->arg - 2,
		    "'normalize-uri' is experimental and needs 'expose-experimental-directives' "
		    "in the global section in front of it");
		return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(normalisers); i++) {
		if (strcmp(normalisers[i].name, name) == 0)
			a->row = &normalisers[i];
	}
	if (!a->row) {
		const char *near = conf_nearest(name, next_name, NULL);
		conf_error(p->conf, p->line, p->arg - 1, "unknown normalizer '%s'%s%s%s", name,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return -1;
	}
	a->flag = a->row->flag && action_take(p, a->row->flag);
	return 0;
}

/* The bytes of the target that a part covers; .ptr NULL: there is none. */
static struct slice covered(struct rule_ctx *cx, enum part part)
{
	struct slice target = cx->req->target;
	const struct http_target *t = ctx_target(cx);
	if (!t->path.len || t->path.ptr[0] != '/')
		return SLICE_NULL;
	size_t from = (size_t)(t->path.ptr - target.ptr);
	struct slice pathq = slice_sub(target, from, target.len);
	size_t path_len = slice_find(slice_sub(pathq, 0, t->path.len), '#');
	if (part == PART_PATHQ)
		return pathq;
	if (part == PART_PATH)
		return slice_sub(pathq, 0, path_len);
	if (path_len == pathq.len || pathq.ptr[path_len] != '?')
		return SLICE_NULL;
	struct slice query = slice_sub(pathq, path_len + 1, pathq.len);
	return slice_sub(query, 0, slice_find(query, '#'));
}

static bool run_normaliser(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct uri_args *a = rule->args;
	if (!cx->req)
		return false;
	struct slice target = cx->req->target, in = covered(cx, a->row->part);
	if (!in.ptr)
		return false;
	size_t head = (size_t)(in.ptr - target.ptr);
	char *text = arena_bytes(cx->arena, target.len + 2 * in.len + 1);
	if (!text)
		return action_rewrite_failed(cx, ret);
	struct slice out = slice_make(text, 0), made = slice_make(text + head, 0);
	put(&out, target.ptr, head);
	switch (a->row->run(in, a->flag, cx, &made)) {
	case FOUND_INVALID:
		*ret = RULES_INVALID;
		return true;
	case FOUND_NO_MEMORY:
		return action_rewrite_failed(cx, ret);
	case FOUND_TEXT:
		break;
	}
	if (slice_eq(made, in))
		return false;
	out.len += made.len;
	put(&out, in.ptr + in.len, target.len - head - in.len);
	cx->req->target = out;
	return false;
}

const struct action_row action_uri_rows[] = {
	{ .name = "normalize-uri",
	    .kinds = ON_HTTP_REQ,
	    .parse = parse_normaliser,
	    .run = run_normaliser,
	    .usage = "{ path-merge-slashes | path-strip-dot | path-strip-dotdot [ full ] | "
		     "percent-decode-unreserved [ strict ] | percent-to-uppercase [ strict ] | "
		     "query-sort-by-name | fragment-strip | fragment-encode }",
	    .help = "writes the request target in a normal form (RFC 3986 6.2.2)" },
	{ .name = NULL },
};
