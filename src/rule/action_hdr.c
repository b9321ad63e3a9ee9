/* SPDX-License-Identifier: MIT */
/*
 * Actions on header fields. A field table that is full fails the rule, as "strict-mode on" says.
 */
#include "action.h"
#include "pattern.h"

struct hdr_args {
	struct slice name; /* lower case */
	struct logfmt *fmt;
	struct regex *re;
	struct patterns *patterns;
};

bool action_is_hdr_char(char lower)
{
	return (lower >= 'a' && lower <= 'z') || ascii_is_digit(lower) ||
	       (lower && strchr("!#$%&'*+-.^_`|~", lower));
}

static bool token(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (!action_is_hdr_char(ascii_lower(*c)))
			return false;
	}
	return name[0] != '\0';
}

struct slice action_hdr_name(struct action_parse *p, const char *name)
{
	if (!token(name)) {
		conf_error(p->conf, p->line, p->arg - 1, "'%s' is not a valid header name", name);
		return SLICE_NULL;
	}
	char *copy = arena_strdup(conf_arena(p->conf), name);
	for (char *c = copy; c && *c; c++)
		*c = ascii_lower(*c);
	return slice_str(copy);
}

static struct hdr_args *parse_name(struct action_parse *p, bool must_be_token)
{
	struct hdr_args *a = action_args(p, sizeof(*a));
	const char *name = action_word(p, "a header name");
	if (!a || !name)
		return NULL;
	if (must_be_token && !token(name)) {
		conf_error(p->conf, p->line, p->arg - 1, "'%s' is not a valid header name", name);
		return NULL;
	}
	char *copy = arena_strdup(conf_arena(p->conf), name);
	for (char *c = copy; c && *c; c++)
		*c = ascii_lower(*c);
	a->name = slice_str(copy);
	return copy ? a : NULL;
}

static int parse_set(struct action_parse *p)
{
	struct hdr_args *a = parse_name(p, true);
	if (!a)
		return -1;
	a->fmt = action_fmt(p, "a value");
	return a->fmt ? 0 : -1;
}

/* data: replaces all fields of the name. */
static bool run_set(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct hdr_args *a = rule->args;
	struct http_msg *m = action_msg(rule, cx);
	if (!m)
		return false;
	struct slice value = action_text(a->fmt, cx);
	if (!value.ptr || !action_takes_room(cx, a->name.len + value.len + 4))
		return action_rewrite_failed(cx, ret);
	if (rule->row->data)
		http_hdr_del_all(m, a->name);
	return http_hdr_add(m, a->name, value) < 0 ? action_rewrite_failed(cx, ret) : false;
}

static int parse_del(struct action_parse *p)
{
	struct hdr_args *a = parse_name(p, false);
	if (!a)
		return -1;
	if (!action_take(p, "-m"))
		return 0;
	const char *name = action_word(p, "a match method");
	enum match_method m = name ? match_parse(name) : MATCH_N;
	if (m != MATCH_STR && m != MATCH_BEG && m != MATCH_END && m != MATCH_SUB &&
	    m != MATCH_REG) {
		conf_error(p->conf, p->line, p->arg - 1,
		    "'del-header': match method 'str', 'beg', 'end', 'sub' or 'reg' is expected");
		return -1;
	}
	/* Names are in lower case, and regexes are told so. */
	a->patterns = patterns_new(p->conf, p->line, m, true, NULL);
	if (!a->patterns || patterns_add(a->patterns, p->conf, p->line, p->arg - 1,
				m == MATCH_REG ? p->line->argv[p->arg - 3] : a->name.ptr, "eq") < 0)
		return -1;
	return 0;
}

static bool run_del(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct hdr_args *a = rule->args;
	struct http_msg *m = action_msg(rule, cx);
	if (!m)
		return false;
	if (!a->patterns) {
		http_hdr_del_all(m, a->name);
		return false;
	}
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		struct http_hdr *h = &m->hdrs[i];
		struct sample name = { .type = SMP_STR, .str = http_hdr_name_of(h) };
		if (!(h->flags & HTTP_HDR_DELETED) && patterns_find(a->patterns, cx, &name))
			http_hdr_del(h);
	}
	return false;
}

static int parse_replace(struct action_parse *p)
{
	struct hdr_args *a = parse_name(p, true);
	const char *regex = a ? action_word(p, "a regex") : NULL;
	if (!regex)
		return -1;
	a->re = regex_compile(p->conf, p->line, p->arg - 1, regex, false);
	if (!a->re)
		return -1;
	a->fmt = action_fmt(p, "a replacement");
	return a->fmt ? 0 : -1;
}

#define VALUE_MAX 16384

/* The whole text as the replacement makes it, when the regex matches. */
static bool replaced(
    const struct hdr_args *a, struct rule_ctx *cx, struct slice text, char *out, size_t *ret_len)
{
	struct regex_span spans[REGEX_GROUPS];
	unsigned n = regex_exec(a->re, cx, text, 0, spans);
	if (!n)
		return false;
	struct slice fmt = action_text(a->fmt, cx);
	*ret_len = fmt.ptr ? regex_expand(fmt, text, spans, n, out, VALUE_MAX) : SIZE_MAX;
	return true;
}

static bool store(struct http_hdr *h, struct rule_ctx *cx, const char *out, size_t len)
{
	if (len == SIZE_MAX || (len > h->value_len && !action_takes_room(cx, len - h->value_len)))
		return false;
	struct slice value = arena_slice(cx->arena, slice_make(out, len));
	if (value.ptr)
		http_hdr_set_value(h, value);
	return value.ptr != NULL;
}

static bool run_replace_header(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct hdr_args *a = rule->args;
	struct http_msg *m = action_msg(rule, cx);
	char out[VALUE_MAX];
	size_t len;
	struct http_hdr *h = NULL;
	while (m && (h = http_hdr_find(m, a->name, h))) {
		if (replaced(a, cx, http_hdr_value_of(h), out, &len) && !store(h, cx, out, len))
			return action_rewrite_failed(cx, ret);
	}
	return false;
}

/* One element of a list at a time, those replaced without the blanks in front. False: no room. */
static bool replace_elements(const struct hdr_args *a, struct rule_ctx *cx, struct http_hdr *h)
{
	struct slice rest = http_hdr_value_of(h);
	char out[VALUE_MAX], element[VALUE_MAX];
	size_t len = 0;
	bool changed = false;
	while (rest.ptr) {
		struct slice piece = slice_cut(&rest, ',');
		struct slice one = slice_trim_ows(piece);
		size_t lead = one.len ? (size_t)(one.ptr - piece.ptr) : 0;
		size_t one_len = 0;
		struct slice put = one;
		if (one.len && replaced(a, cx, one, element, &one_len)) {
			if (one_len == SIZE_MAX)
				return false;
			put = slice_make(element, one_len);
			lead = 0;
			changed = true;
		}
		if (lead + put.len + 1 > sizeof(out) - len)
			return false;
		if (lead)
			memcpy(out + len, piece.ptr, lead);
		if (put.len)
			memcpy(out + len + lead, put.ptr, put.len);
		len += lead + put.len;
		if (rest.ptr)
			out[len++] = ',';
	}
	return !changed || store(h, cx, out, len);
}

static bool run_replace_value(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct hdr_args *a = rule->args;
	struct http_msg *m = action_msg(rule, cx);
	struct http_hdr *h = NULL;
	while (m && (h = http_hdr_find(m, a->name, h))) {
		if (!replace_elements(a, cx, h))
			return action_rewrite_failed(cx, ret);
	}
	return false;
}

const struct action_row action_hdr_rows[] = {
	{ .name = "add-header",
	    .kinds = ON_HTTP,
	    .parse = parse_set,
	    .run = run_set,
	    .usage = "<name> <fmt>",
	    .help = "adds a field behind the others" },
	{ .name = "set-header",
	    .kinds = ON_HTTP,
	    .parse = parse_set,
	    .run = run_set,
	    .data = 1,
	    .usage = "<name> <fmt>",
	    .help = "replaces all fields of the name by one" },
	{ .name = "del-header",
	    .kinds = ON_HTTP,
	    .parse = parse_del,
	    .run = run_del,
	    .usage = "<name> [ -m <meth> ]",
	    .help = "deletes the fields whose name matches" },
	{ .name = "replace-header",
	    .kinds = ON_HTTP,
	    .parse = parse_replace,
	    .run = run_replace_header,
	    .usage = "<name> <match-regex> <replace-fmt>",
	    .help = "replaces whole values that match" },
	{ .name = "replace-value",
	    .kinds = ON_HTTP,
	    .parse = parse_replace,
	    .run = run_replace_value,
	    .usage = "<name> <match-regex> <replace-fmt>",
	    .help = "replaces those elements of comma-separated values that match" },
	{ .name = NULL },
};
