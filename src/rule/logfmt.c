/* SPDX-License-Identifier: MIT */
/*
 * Log formats (configuration manual 8.2.6): parsed into a flat array of items, written without malloc into the
 * caller's memory.
 */
#include "logfmt.h"

enum item_kind { ITEM_TEXT, ITEM_BLANK, ITEM_ALIAS, ITEM_EXPR };

struct item {
	enum item_kind kind;
	unsigned opts;
	struct slice text;
	const struct log_alias *alias;
	const struct expr *expr;
};

struct logfmt {
	unsigned flags;
	unsigned items_n;
	struct item *items;
};

/* ---- parsing ---- */

struct fmt_parser {
	struct conf *conf;
	const struct conf_line *line;
	int arg;
	unsigned where;
	unsigned opts; /* for the items that follow: "%{+Q}o" */
	struct logfmt *fmt;
	unsigned room;
	char *text; /* literal text being gathered */
	size_t text_len;
};

static bool add_item(struct fmt_parser *p, struct item item)
{
	struct logfmt *f = p->fmt;
	if (f->items_n == p->room) {
		unsigned room = p->room ? p->room * 2 : 16;
		struct item *items = arena_array(conf_arena(p->conf), struct item, room);
		if (!items) {
			conf_error(p->conf, p->line, p->arg, "out of memory");
			return false;
		}
		if (f->items_n)
			memcpy(items, f->items, sizeof(*items) * f->items_n);
		f->items = items;
		p->room = room;
	}
	f->items[f->items_n++] = item;
	return true;
}

static bool flush_text(struct fmt_parser *p)
{
	if (p->text_len == 0)
		return true;
	struct slice text = slice_make(p->text, p->text_len);
	p->text += p->text_len;
	p->text_len = 0;
	return add_item(p, (struct item){ .kind = ITEM_TEXT, .text = text });
}

/* Flags in braces: "+Q,-X". */
static bool parse_flags(struct fmt_parser *p, struct slice flags, unsigned *opts)
{
	static const struct {
		const char *name;
		unsigned opt;
	} known[] = { { "Q", OPT_QUOTE }, { "X", OPT_HEX }, { "E", OPT_ESCAPE } };
	while (flags.ptr && flags.len) {
		struct slice one = slice_trim_ows(slice_cut(&flags, ','));
		bool minus = one.len && one.ptr[0] == '-';
		if (one.len && (one.ptr[0] == '-' || one.ptr[0] == '+'))
			one = slice_sub(one, 1, one.len);
		size_t i = 0;
		while (i < ARRAY_SIZE(known) && !slice_eq(one, slice_str(known[i].name)))
			i++;
		if (i == ARRAY_SIZE(known)) {
			conf_error(p->conf, p->line, p->arg,
			    "log format: flag '%.*s' is not supported; Q, X and E are",
			    SLICE_ARG(one));
			return false;
		}
		*opts = minus ? *opts & ~known[i].opt : *opts | known[i].opt;
	}
	return true;
}

static const char *next_alias_name(const void *names, size_t i)
{
	return log_aliases[i].name;
}

static bool parse_alias(struct fmt_parser *p, const char **at, unsigned opts)
{
	char name[16];
	size_t len = strspn(*at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
	snprintf(name, sizeof(name), "%.*s", (int)len, *at);
	*at += len;
	if (strcmp(name, "o") == 0) {
		p->opts = opts;
		return true;
	}
	for (const struct log_alias *a = log_aliases; a->name; a++) {
		if (strcmp(a->name, name) == 0)
			return add_item(
			    p, (struct item){ .kind = ITEM_ALIAS, .alias = a, .opts = opts });
	}
	const char *near = conf_nearest(name, next_alias_name, NULL);
	if (rule_in_names(alias_not_yet, name))
		conf_error(p->conf, p->line, p->arg,
		    "log format: alias '%%%s' is not supported in this version", name);
	else if (near)
		conf_error(p->conf, p->line, p->arg,
		    "log format: unknown alias '%%%s'; did you mean '%%%s'?", name, near);
	else
		conf_error(p->conf, p->line, p->arg, "log format: unknown alias '%%%s'", name);
	return false;
}

static bool parse_expr(struct fmt_parser *p, const char **at, unsigned opts)
{
	const char *start = *at + 1, *stop;
	struct expr *e = expr_compile(p->conf, p->line, p->arg, start, &stop, p->where, NULL);
	if (!e)
		return false;
	if (*stop != ']') {
		conf_error(p->conf, p->line, p->arg,
		    "log format: ']' is missing behind the expression '%.*s'", (int)(stop - start),
		    start);
		return false;
	}
	*at = stop + 1;
	return add_item(p, (struct item){ .kind = ITEM_EXPR, .expr = e, .opts = opts });
}

/* Behind a '%': name in parentheses, flags in braces, then an expression or an alias. */
static bool parse_item(struct fmt_parser *p, const char **at)
{
	unsigned opts = p->opts;
	const char *c = *at;
	if (*c == '(') {
		const char *end = strchr(c, ')');
		if (!end)
			goto broken;
		c = end + 1;
	}
	if (*c == '{') {
		const char *end = strchr(c, '}');
		if (!end)
			goto broken;
		if (!parse_flags(p, slice_make(c + 1, (size_t)(end - c - 1)), &opts))
			return false;
		c = end + 1;
	}
	*at = c;
	if (*c == '[')
		return parse_expr(p, at, opts);
	if (ascii_is_digit(*c) || (ascii_lower(*c) >= 'a' && ascii_lower(*c) <= 'z'))
		return parse_alias(p, at, opts);
broken:
	conf_error(p->conf, p->line, p->arg,
	    "log format: '%%' must be followed by an alias, '[', '{', '(' or another '%%' (near "
	    "'%%%.16s')",
	    *at);
	return false;
}

static bool parse_text(struct fmt_parser *p, const char *text)
{
	while (*text) {
		if (*text == '%' && text[1] != '%') {
			text++;
			if (!flush_text(p) || !parse_item(p, &text))
				return false;
			continue;
		}
		if (*text == '%')
			text++;
		else if (*text == ' ' && (p->fmt->flags & LOGFMT_LOG)) {
			text += strspn(text, " ");
			if (!flush_text(p) || !add_item(p, (struct item){ .kind = ITEM_BLANK }))
				return false;
			continue;
		}
		p->text[p->text_len++] = *text++;
	}
	return flush_text(p);
}

struct logfmt *logfmt_parse(struct conf *conf, const struct conf_line *line, int arg,
    const char *text, unsigned where, unsigned flags)
{
	struct fmt_parser p = { .conf = conf, .line = line, .arg = arg, .where = where };
	p.fmt = arena_new(conf_arena(conf), struct logfmt);
	p.text = arena_bytes(conf_arena(conf), strlen(text) + 1);
	if (!p.fmt || !p.text) {
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	p.fmt->flags = flags;
	if ((flags & LOGFMT_LOG) && !(flags & LOGFMT_HTTP))
		p.opts |= OPT_MANDATORY;
	return parse_text(&p, text) ? p.fmt : NULL;
}

struct slice logfmt_constant(const struct logfmt *f)
{
	if (f->items_n == 0)
		return SLICE("");
	return f->items_n == 1 && f->items[0].kind == ITEM_TEXT ? f->items[0].text : SLICE_NULL;
}

/* ---- writing ---- */

void logfmt_char(struct logfmt_out *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
	o->blank = false;
}

void logfmt_raw(struct logfmt_out *o, struct slice s)
{
	size_t n = MIN(s.len, (size_t)(o->end - o->at));
	if (n)
		memcpy(o->at, s.ptr, n);
	o->at += n;
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

static void put_mapped(struct logfmt_out *o, unsigned opts, struct slice s, enum logfmt_map map)
{
	if (map == MAP_ALL && !(opts & OPT_ESCAPE)) {
		logfmt_raw(o, s);
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		/* "#XX" is never cut in half. */
		if (map != MAP_ALL && unsafe((unsigned char)c, map)) {
			if (o->end - o->at < 3)
				return;
			*o->at++ = '#';
			*o->at++ = hex_digits[(unsigned char)c >> 4];
			c = hex_digits[(unsigned char)c & 15];
		} else if ((opts & OPT_ESCAPE) && (c == '"' || c == '\\' || c == ']')) {
			if (o->end - o->at < 2)
				return;
			*o->at++ = '\\';
		}
		logfmt_char(o, c);
	}
}

void logfmt_value(struct logfmt_out *o, unsigned opts, struct slice s, enum logfmt_map map)
{
	if (opts & OPT_QUOTE)
		logfmt_char(o, '"');
	if (s.len)
		put_mapped(o, opts, s, map);
	else if ((opts & (OPT_QUOTE | OPT_MANDATORY)) == OPT_MANDATORY)
		logfmt_char(o, '-');
	if (opts & OPT_QUOTE)
		logfmt_char(o, '"');
	o->blank = false;
}

/* Control bytes never get into a header field: "%XX" instead. */
static void put_http(struct logfmt_out *o, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (likely((c >= 32 && c != 127) || c == '\t')) {
			logfmt_char(o, (char)c);
			continue;
		}
		if (o->end - o->at < 3)
			return;
		logfmt_char(o, '%');
		logfmt_char(o, hex_digits[c >> 4]);
		logfmt_char(o, hex_digits[c & 15]);
	}
}

static void put_expr(
    struct logfmt_out *o, const struct item *item, struct rule_ctx *cx, unsigned flags)
{
	struct sample s;
	bool got = expr_eval(item->expr, cx, SMP_STR, &s);
	if (flags & LOGFMT_HTTP) {
		/* Quotes are for log lines. */
		if (got)
			put_http(o, s.str);
		return;
	}
	logfmt_value(o, item->opts, got ? s.str : SLICE_NULL, MAP_ALL);
}

size_t logfmt_write(const struct logfmt *f, struct rule_ctx *cx, char *out, size_t cap)
{
	static const struct log_record nothing = { .status = -1 };
	struct logfmt_out o = { .at = out, .end = out + cap, .blank = true };
	const struct log_record *r = ctx_record(cx);
	if (!r)
		r = &nothing;
	for (unsigned i = 0; i < f->items_n; i++) {
		const struct item *item = &f->items[i];
		switch (item->kind) {
		case ITEM_TEXT:
			logfmt_raw(&o, item->text);
			break;
		case ITEM_BLANK:
			if (o.blank)
				break;
			logfmt_char(&o, ' ');
			o.blank = true;
			break;
		case ITEM_ALIAS:
			item->alias->put(&o, item->opts, cx, r, item->alias->data);
			break;
		case ITEM_EXPR:
			put_expr(&o, item, cx, f->flags);
			break;
		}
	}
	return (size_t)(o.at - out);
}
