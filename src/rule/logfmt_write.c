/* SPDX-License-Identifier: MIT */
/*
 * Log formats written: into the caller's memory, without malloc, cut where it ends. A map in JSON or CBOR is
 * never cut inside: items that do not fit are left out, so that what comes out can always be decoded.
 */
#include "logfmt.h"

/* ---- bytes ---- */

void logfmt_char(struct logfmt_out *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
	else
		o->full = true;
	o->blank = false;
}

void logfmt_raw(struct logfmt_out *o, struct slice s)
{
	size_t n = MIN(s.len, (size_t)(o->end - o->at));
	if (n)
		memcpy(o->at, s.ptr, n);
	o->at += n;
	o->full |= n < s.len;
	o->blank = false;
}

void logfmt_int(struct logfmt_out *o, int64_t v)
{
	char text[RULE_INT_TEXT];
	logfmt_raw(o, slice_make(text, rule_int_text(text, v)));
}

static const char hex_digits[] = "0123456789ABCDEF";

static bool unsafe(unsigned char c, enum logfmt_map map)
{
	if (c < 32 || c > 126 || c == '"' || c == '#')
		return true;
	return map == MAP_HDR && (c == '{' || c == '|' || c == '}');
}

/* What "+E" puts a backslash in front of (RFC 5424 6.3.3). */
static bool is_escaped(char c)
{
	return c == '"' || c == '\\' || c == ']';
}

/* Room for n bytes that are never parted. */
static bool fits(struct logfmt_out *o, ptrdiff_t n)
{
	if (o->end - o->at >= n)
		return true;
	o->full = true;
	return false;
}

void logfmt_mapped(struct logfmt_out *o, unsigned opts, struct slice s, enum logfmt_map map)
{
	if (map == MAP_ALL && !(opts & OPT_ESCAPE)) {
		logfmt_raw(o, s);
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (map != MAP_ALL && unsafe((unsigned char)c, map)) {
			if (!fits(o, 3))
				return;
			*o->at++ = '#';
			*o->at++ = hex_digits[(unsigned char)c >> 4];
			c = hex_digits[(unsigned char)c & 15];
		} else if ((opts & OPT_ESCAPE) && is_escaped(c)) {
			if (!fits(o, 2))
				return;
			*o->at++ = '\\';
		}
		logfmt_char(o, c);
	}
}

/* ---- values ---- */

static bool is_true(struct slice s)
{
	int64_t v;
	if (rule_int_parse(s, &v))
		return v != 0;
	return slice_eq(s, SLICE("true")) || slice_eq(s, SLICE("yes")) || slice_eq(s, SLICE("on"));
}

/* A value that is a string, in the type that its item asks for. */
static void put_encoded(struct logfmt_out *o, unsigned opts, struct slice s)
{
	int64_t v;
	if (!s.ptr)
		logcode_null(o, opts);
	else if (opts & OPT_AS_BOOL)
		logcode_bool(o, opts, is_true(s));
	else if (!(opts & OPT_AS_SINT))
		logcode_str(o, opts, s);
	else if (rule_int_parse(s, &v))
		logcode_int(o, opts, v);
	else
		logcode_null(o, opts);
}

void logfmt_value(struct logfmt_out *o, unsigned opts, struct slice s, enum logfmt_map map)
{
	if (opts & OPT_ENCODED) {
		put_encoded(o, opts, s);
		return;
	}
	if (opts & OPT_QUOTE)
		logfmt_char(o, '"');
	if (s.len)
		logfmt_mapped(o, opts, s, map);
	else if ((opts & (OPT_QUOTE | OPT_MANDATORY)) == OPT_MANDATORY)
		logfmt_char(o, '-');
	if (opts & OPT_QUOTE)
		logfmt_char(o, '"');
	o->blank = false;
}

void logfmt_plain(struct logfmt_out *o, unsigned opts, struct slice s)
{
	if (opts & OPT_ENCODED)
		put_encoded(o, opts, s);
	else
		logfmt_raw(o, s);
}

void logfmt_number(struct logfmt_out *o, unsigned opts, int64_t v)
{
	char text[RULE_INT_TEXT];
	if (!(opts & OPT_ENCODED))
		logfmt_int(o, v);
	else if (opts & OPT_AS_BOOL)
		logcode_bool(o, opts, v != 0);
	else if (opts & OPT_AS_STR)
		logcode_str(o, opts, slice_make(text, rule_int_text(text, v)));
	else
		logcode_int(o, opts, v);
}

void logfmt_number_so_far(struct logfmt_out *o, unsigned opts, int64_t v)
{
	if (!(opts & OPT_ENCODED))
		logfmt_char(o, '+');
	logfmt_number(o, opts, v);
}

void logfmt_list(struct logfmt_out *o, unsigned opts, const struct slice *values, unsigned n,
    enum logfmt_map map)
{
	if (opts & OPT_ENCODED) {
		logcode_list(o, opts, values, n);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (i)
			logfmt_char(o, ' ');
		logfmt_value(o, opts | OPT_MANDATORY, values[i], map);
	}
}

void logfmt_sample(struct logfmt_out *o, unsigned opts, const struct sample *s, struct arena *a)
{
	struct sample text = *s;
	bool as_it_is = !(opts & (OPT_AS_STR | OPT_AS_SINT | OPT_AS_BOOL));
	if (s->type == SMP_BOOL && (as_it_is || (opts & OPT_AS_BOOL)))
		logcode_bool(o, opts, s->boolean);
	else if (s->type == SMP_SINT)
		logfmt_number(o, opts, s->sint);
	else if (s->type == SMP_BIN && as_it_is && (opts & OPT_CBOR) && (opts & OPT_BIN))
		logcode_bytes(o, opts, s->str);
	else
		put_encoded(o, opts, sample_cast(&text, SMP_STR, a) ? text.str : SLICE_NULL);
}

/* ---- items ---- */

/* Control bytes never get into a header field: "%XX" instead. */
static void put_http(struct logfmt_out *o, unsigned opts, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (likely((c >= 32 && c != 127) || c == '\t')) {
			if ((opts & OPT_ESCAPE) && is_escaped((char)c))
				logfmt_char(o, '\\');
			logfmt_char(o, (char)c);
			continue;
		}
		if (!fits(o, 3))
			return;
		logfmt_char(o, '%');
		logfmt_char(o, hex_digits[c >> 4]);
		logfmt_char(o, hex_digits[c & 15]);
	}
}

static void put_expr(
    struct logfmt_out *o, const struct logfmt *f, const struct item *item, struct rule_ctx *cx)
{
	struct sample s;
	if (item->opts & OPT_ENCODED) {
		if (expr_eval(item->expr, cx, SMP_ANY, &s))
			logfmt_sample(o, item->opts, &s, cx->arena);
		else
			logcode_null(o, item->opts);
		return;
	}
	bool bytes = f->opts & OPT_BIN;
	bool got = expr_eval(item->expr, cx, bytes ? SMP_ANY : SMP_STR, &s);
	if (got && bytes && s.type != SMP_BIN)
		got = sample_cast(&s, SMP_STR, cx->arena);
	if (f->flags & LOGFMT_HTTP) {
		/* Quotes are for log lines. */
		if (got)
			put_http(o, item->opts, s.str);
		return;
	}
	logfmt_value(o, item->opts, got ? s.str : SLICE_NULL, MAP_ALL);
}

static void put_item(struct logfmt_out *o, const struct logfmt *f, const struct item *item,
    struct rule_ctx *cx, const struct log_record *r)
{
	switch (item->kind) {
	case ITEM_TEXT:
		logfmt_raw(o, item->text);
		break;
	case ITEM_BLANK:
		if (o->blank)
			break;
		logfmt_char(o, ' ');
		o->blank = true;
		break;
	case ITEM_ALIAS:
		item->alias->put(o, item->opts, cx, r, item->alias->data);
		break;
	case ITEM_EXPR:
		put_expr(o, f, item, cx);
		break;
	}
}

/* Named items alone; one that does not fit is left out, with all behind it. */
static void put_map(
    struct logfmt_out *o, const struct logfmt *f, struct rule_ctx *cx, const struct log_record *r)
{
	size_t tail = logcode_map_end_size(f->opts);
	if ((size_t)(o->end - o->at) < 2 * tail)
		return;
	o->end -= tail;
	logcode_map_begin(o, f->opts);
	bool first = true;
	for (unsigned i = 0; i < f->items_n; i++) {
		const struct item *item = &f->items[i];
		if (!item->name.len)
			continue;
		char *before = o->at;
		logcode_key(o, f->opts, item->name, first);
		put_item(o, f, item, cx, r);
		if (o->full) {
			o->at = before;
			break;
		}
		first = false;
	}
	o->end += tail;
	logcode_map_end(o, f->opts);
}

size_t logfmt_write(const struct logfmt *f, struct rule_ctx *cx, char *out, size_t cap)
{
	static const struct log_record nothing = { .status = -1 };
	struct logfmt_out o = { .at = out, .end = out + cap, .blank = true };
	const struct log_record *r = ctx_record(cx);
	if (!r)
		r = &nothing;
	if (f->opts & OPT_ENCODED)
		put_map(&o, f, cx, r);
	else
		for (unsigned i = 0; i < f->items_n; i++)
			put_item(&o, f, &f->items[i], cx, r);
	return (size_t)(o.at - out);
}

struct slice logfmt_constant(const struct logfmt *f)
{
	if (f->opts & OPT_ENCODED)
		return SLICE_NULL;
	if (f->items_n == 0)
		return SLICE("");
	return f->items_n == 1 && f->items[0].kind == ITEM_TEXT ? f->items[0].text : SLICE_NULL;
}
