/* SPDX-License-Identifier: MIT */
/*
 * Actions on many header fields at once, which come as one binary string: names and values (del-headers-bin: names
 * alone), each behind its length, as req.hdrs_bin makes them. What would not be a field of a message fails the rule.
 */
#include "action.h"
#include "pattern.h"

struct bin_args {
	struct expr *expr;
	struct slice prefix;	  /* lower case; of the names that count */
	enum match_method method; /* of del-headers-bin */
};

static int parse_fields(struct action_parse *p)
{
	struct bin_args *a = action_args(p, sizeof(*a));
	if (!a)
		return -1;
	a->expr = expr_parse(p->conf, p->line, &p->arg, p->where);
	if (!a->expr)
		return -1;
	if (!action_take(p, "prefix"))
		return 0;
	const char *prefix = action_word(p, "a prefix of names");
	a->prefix = prefix ? action_hdr_name(p, prefix) : SLICE_NULL;
	return a->prefix.ptr ? 0 : -1;
}

static int parse_names(struct action_parse *p)
{
	struct bin_args *a = action_args(p, sizeof(*a));
	if (!a)
		return -1;
	a->method = MATCH_STR;
	a->expr = expr_parse(p->conf, p->line, &p->arg, p->where);
	if (!a->expr)
		return -1;
	if (!action_take(p, "-m"))
		return 0;
	const char *name = action_word(p, "a match method");
	a->method = name ? match_parse(name) : MATCH_N;
	if (a->method == MATCH_STR || a->method == MATCH_BEG || a->method == MATCH_END ||
	    a->method == MATCH_SUB)
		return 0;
	conf_error(p->conf, p->line, p->arg - 1,
	    "'del-headers-bin': match method 'str', 'beg', 'end' or 'sub' is expected");
	return -1;
}

/* ---- the string ---- */

/* An integer as SPOE has them; false: the string ends in it. */
static bool take_length(struct slice *s, uint64_t *ret)
{
	unsigned shift = 4;
	uint8_t byte;
	if (!s->len)
		return false;
	*ret = (uint8_t)s->ptr[0];
	*s = slice_sub(*s, 1, s->len);
	if (*ret < 240)
		return true;
	do {
		if (!s->len || shift > 32)
			return false;
		byte = (uint8_t)s->ptr[0];
		*ret += (uint64_t)byte << shift;
		*s = slice_sub(*s, 1, s->len);
		shift += 7;
	} while (byte >= 128);
	return true;
}

static bool take_block(struct slice *s, struct slice *ret)
{
	uint64_t len;
	if (!take_length(s, &len) || len > s->len)
		return false;
	*ret = slice_sub(*s, 0, (size_t)len);
	*s = slice_sub(*s, (size_t)len, s->len);
	return true;
}

/* The name in lower case in the stream's arena; .ptr NULL: it is none, or memory is short. */
static struct slice lower_name(struct rule_ctx *cx, struct slice name)
{
	char *copy = name.len && name.len <= UINT16_MAX ? arena_bytes(cx->arena, name.len) : NULL;
	for (size_t i = 0; copy && i < name.len; i++) {
		copy[i] = ascii_lower(name.ptr[i]);
		if (!action_is_hdr_char(copy[i]))
			return SLICE_NULL;
	}
	return copy ? slice_make(copy, name.len) : SLICE_NULL;
}

static bool is_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (strchr("\r\n", value.ptr[i])) /* and NUL, which strchr() finds at the end */
			return false;
	}
	return true;
}

enum took { TOOK_FIELD, TOOK_END, TOOK_BAD };

/* The next field of the string; TOOK_END: the empty name, or nothing more. */
static enum took take_field(
    struct rule_ctx *cx, struct slice *s, struct slice *ret_name, struct slice *ret_value)
{
	struct slice name, value;
	if (!s->len)
		return TOOK_END;
	if (!take_block(s, &name))
		return TOOK_BAD;
	if (!name.len)
		return TOOK_END;
	if (!take_block(s, &value) || !is_value(value))
		return TOOK_BAD;
	*ret_name = lower_name(cx, name);
	*ret_value = value;
	return ret_name->ptr ? TOOK_FIELD : TOOK_BAD;
}

/* ---- running ---- */

/* Takes off m what the fields of the string replace, so that several of one name stay several. */
static void delete_old(
    const struct bin_args *a, struct rule_ctx *cx, struct http_msg *m, struct slice all)
{
	struct slice name, value;
	while (take_field(cx, &all, &name, &value) == TOOK_FIELD) {
		if (slice_has_prefix(name, a->prefix))
			http_hdr_del_all(m, name);
	}
}

static bool add_field(
    struct rule_ctx *cx, struct http_msg *m, struct slice name, struct slice value)
{
	if (!action_takes_room(cx, name.len + value.len + 4))
		return false;
	struct slice copy = value.len ? arena_slice(cx->arena, value) : SLICE("");
	return copy.ptr && http_hdr_add(m, name, copy) == 0;
}

/* data: the fields take the place of those of their names. */
static bool run_fields(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct bin_args *a = rule->args;
	struct http_msg *m = action_msg(rule, cx);
	struct slice name, value;
	struct sample s;
	enum took took;
	if (!m || !expr_eval(a->expr, cx, SMP_BIN, &s))
		return false;
	if (rule->row->data)
		delete_old(a, cx, m, s.str);
	while ((took = take_field(cx, &s.str, &name, &value)) == TOOK_FIELD) {
		if (slice_has_prefix(name, a->prefix) && !add_field(cx, m, name, value))
			return action_rewrite_failed(cx, ret);
	}
	return took == TOOK_BAD ? action_rewrite_failed(cx, ret) : false;
}

static bool name_matches(enum match_method method, struct slice name, struct slice wanted)
{
	switch (method) {
	case MATCH_BEG:
		return slice_has_prefix(name, wanted);
	case MATCH_END:
		return slice_has_suffix(name, wanted);
	case MATCH_SUB:
		return memmem(name.ptr, name.len, wanted.ptr, wanted.len) != NULL;
	default:
		return slice_eq(name, wanted);
	}
}

static void delete_matching(struct http_msg *m, enum match_method method, struct slice wanted)
{
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		struct http_hdr *h = &m->hdrs[i];
		if (!(h->flags & HTTP_HDR_DELETED) &&
		    name_matches(method, http_hdr_name_of(h), wanted))
			http_hdr_del(h);
	}
}

static bool run_names(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct bin_args *a = rule->args;
	struct http_msg *m = action_msg(rule, cx);
	struct slice name;
	struct sample s;
	if (!m || !expr_eval(a->expr, cx, SMP_BIN, &s))
		return false;
	while (s.str.len) {
		if (!take_block(&s.str, &name))
			return action_rewrite_failed(cx, ret);
		if (!name.len)
			return false;
		name = lower_name(cx, name);
		if (!name.ptr)
			return action_rewrite_failed(cx, ret);
		delete_matching(m, a->method, name);
	}
	return false;
}

const struct action_row action_hdrs_bin_rows[] = {
	{ .name = "add-headers-bin",
	    .kinds = ON_HTTP,
	    .parse = parse_fields,
	    .run = run_fields,
	    .usage = "<expr> [ prefix <str> ]",
	    .help = "adds all fields of a binary string, as req.hdrs_bin makes it" },
	{ .name = "set-headers-bin",
	    .kinds = ON_HTTP,
	    .parse = parse_fields,
	    .run = run_fields,
	    .data = 1,
	    .usage = "<expr> [ prefix <str> ]",
	    .help = "the same, in place of the fields of these names" },
	{ .name = "del-headers-bin",
	    .kinds = ON_HTTP,
	    .parse = parse_names,
	    .run = run_names,
	    .usage = "<expr> [ -m <meth> ]",
	    .help = "deletes the fields whose names match one of a binary string" },
	{ .name = NULL },
};
