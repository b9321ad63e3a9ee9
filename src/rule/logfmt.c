/* SPDX-License-Identifier: MIT */
/*
 * Log formats (configuration manual 8.2.6), parsed into a flat array of items. Messages say which character of
 * the format they mean, as formats are long.
 */
#include "logfmt.h"

#include <stdarg.h>

struct fmt_parser {
	struct conf *conf;
	const struct conf_line *line;
	int arg;
	unsigned where;
	unsigned opts; /* for the items that follow: "%{+Q}o" */
	struct logfmt *fmt;
	unsigned room;
	const char *whole; /* the format */
	char *text;	   /* literal text being gathered */
	size_t text_len;
};

WEIR_PRINTF(3, 4)
static void fmt_error(struct fmt_parser *p, const char *at, const char *msg, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, msg);
	vsnprintf(text, sizeof(text), msg, ap);
	va_end(ap);
	conf_error(p->conf, p->line, p->arg, "log format, character %zu: %s",
	    (size_t)(at - p->whole) + 1, text);
}

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
	} known[] = { { "Q", OPT_QUOTE }, { "X", OPT_HEX }, { "E", OPT_ESCAPE },
		{ "json", OPT_JSON }, { "cbor", OPT_CBOR }, { "bin", OPT_BIN } };
	while (flags.ptr && flags.len) {
		struct slice one = slice_trim_ows(slice_cut(&flags, ','));
		bool minus = one.len && one.ptr[0] == '-';
		if (one.len && (one.ptr[0] == '-' || one.ptr[0] == '+'))
			one = slice_sub(one, 1, one.len);
		size_t i = 0;
		while (i < ARRAY_SIZE(known) && !slice_eq(one, slice_str(known[i].name)))
			i++;
		if (i == ARRAY_SIZE(known)) {
			fmt_error(p, one.ptr,
			    "unknown flag '%.*s'; there are Q, X, E, json, cbor and bin",
			    SLICE_ARG(one));
			return false;
		}
		/* one encoding takes the place of the other */
		if (known[i].opt & OPT_ENCODED)
			*opts &= ~OPT_ENCODED;
		*opts = minus ? *opts & ~known[i].opt : *opts | known[i].opt;
	}
	return true;
}

/* "name:type", either of which may be left out. */
static bool parse_name(struct fmt_parser *p, struct slice text, struct item *item)
{
	static const struct {
		const char *name;
		unsigned opt;
	} types[] = { { "str", OPT_AS_STR }, { "sint", OPT_AS_SINT }, { "bool", OPT_AS_BOOL } };
	struct slice name = slice_cut(&text, ':');
	if (name.len) {
		item->name = arena_slice(conf_arena(p->conf), name);
		if (!item->name.ptr)
			return false;
	}
	if (!text.ptr)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (slice_eq(text, slice_str(types[i].name))) {
			item->opts |= types[i].opt;
			return true;
		}
	}
	fmt_error(
	    p, text.ptr, "unknown type '%.*s'; there are str, sint and bool", SLICE_ARG(text));
	return false;
}

static const char *next_alias_name(const void *names, size_t i)
{
	return log_aliases[i].name;
}

/* "%{...}o": flags for what follows; an encoding is for the whole. */
static void set_global(struct fmt_parser *p, unsigned opts)
{
	p->opts = opts;
	if (opts & (OPT_ENCODED | OPT_BIN))
		p->fmt->opts = opts & (OPT_ENCODED | OPT_BIN);
}

static bool parse_alias(struct fmt_parser *p, const char **at, struct item *item)
{
	char name[16];
	const char *start = *at;
	size_t len =
	    strspn(start, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
	snprintf(name, sizeof(name), "%.*s", (int)MIN(len, sizeof(name)), start);
	*at += len;
	if (strcmp(name, "o") == 0) {
		set_global(p, item->opts);
		return true;
	}
	for (const struct log_alias *a = log_aliases; a->name; a++) {
		if (strcmp(a->name, name) != 0)
			continue;
		if ((a->flags & ALIAS_HTTP) && (p->fmt->flags & LOGFMT_TCP)) {
			fmt_error(p, start, "alias '%%%s' needs 'mode http'", name);
			return false;
		}
		item->kind = ITEM_ALIAS;
		item->alias = a;
		return add_item(p, *item);
	}
	const char *near = conf_nearest(name, next_alias_name, NULL);
	if (rule_in_names(alias_not_yet, name))
		fmt_error(p, start, "alias '%%%s' is not supported in this version", name);
	else if (near)
		fmt_error(p, start, "unknown alias '%%%s'; did you mean '%%%s'?", name, near);
	else
		fmt_error(p, start, "unknown alias '%%%s'", name);
	return false;
}

static bool parse_expr(struct fmt_parser *p, const char **at, struct item *item)
{
	const char *start = *at + 1, *stop;
	item->kind = ITEM_EXPR;
	item->expr = expr_compile(p->conf, p->line, p->arg, start, &stop, p->where, NULL);
	if (!item->expr)
		return false;
	if (*stop != ']') {
		fmt_error(p, stop, "']' is missing behind the expression '%.*s'",
		    (int)(stop - start), start);
		return false;
	}
	*at = stop + 1;
	return add_item(p, *item);
}

/* What stands between opening and its closing; *at moves behind it. .ptr NULL: it is not closed. */
static struct slice bracketed(const char **at, char closing)
{
	const char *end = strchr(*at, closing);
	if (!end)
		return SLICE_NULL;
	struct slice inside = slice_make(*at + 1, (size_t)(end - *at - 1));
	*at = end + 1;
	return inside;
}

/* Behind a '%': name in parentheses, flags in braces, then an expression or an alias. */
static bool parse_item(struct fmt_parser *p, const char **at)
{
	const char *start = *at;
	struct item item = { .opts = p->opts };
	struct slice inside;
	if (**at == '(') {
		inside = bracketed(at, ')');
		if (!inside.ptr)
			goto broken;
		if (!parse_name(p, inside, &item))
			return false;
	}
	if (**at == '{') {
		inside = bracketed(at, '}');
		if (!inside.ptr)
			goto broken;
		if (!parse_flags(p, inside, &item.opts))
			return false;
	}
	if (**at == '[')
		return parse_expr(p, at, &item);
	if (ascii_is_digit(**at) || (ascii_lower(**at) >= 'a' && ascii_lower(**at) <= 'z'))
		return parse_alias(p, at, &item);
broken:
	fmt_error(p, start,
	    "'%%' must be followed by an alias, '[', '{', '(' or another '%%' (near '%%%.16s')",
	    start);
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

/* The encoding of the whole is that of each item, and "+bin" is for the whole alone. */
static void spread_encoding(struct logfmt *f)
{
	for (unsigned i = 0; i < f->items_n; i++) {
		struct item *item = &f->items[i];
		item->opts &= ~OPT_BIN;
		if (f->opts & OPT_ENCODED)
			item->opts &= ~OPT_ENCODED;
		item->opts |= f->opts;
	}
}

struct logfmt *logfmt_parse(struct conf *conf, const struct conf_line *line, int arg,
    const char *text, unsigned where, unsigned flags)
{
	struct fmt_parser p = {
		.conf = conf, .line = line, .arg = arg, .where = where, .whole = text
	};
	p.fmt = arena_new(conf_arena(conf), struct logfmt);
	p.text = arena_bytes(conf_arena(conf), strlen(text) + 1);
	if (!p.fmt || !p.text) {
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	p.fmt->flags = flags;
	if ((flags & LOGFMT_LOG) && !(flags & LOGFMT_HTTP))
		p.opts |= OPT_MANDATORY;
	if (!parse_text(&p, text))
		return NULL;
	spread_encoding(p.fmt);
	return p.fmt;
}

/* Fetches of what a session has done until its end; others have their value when the response begins. */
static bool fetch_needs_end(const struct fetch_row *row)
{
	static const char *const names[] = { "bytes_in", "bytes_out", "req.bytes_in",
		"req.bytes_out", "res.bytes_in", "res.bytes_out", "txn.sess_term_state",
		"txn.conn_retries", "txn.redispatched", NULL };
	return rule_in_names(names, row->name) || strstr(row->name, ".timer.");
}

static unsigned item_needs(const struct item *item)
{
	unsigned needs = 0;
	if (item->kind == ITEM_EXPR)
		return fetch_needs_end(item->expr->fetch) ? LOGFMT_NEEDS_END : 0;
	if (item->kind != ITEM_ALIAS)
		return 0;
	if (item->alias->flags & ALIAS_SERVER_ENDS)
		needs |= LOGFMT_NEEDS_SERVER_ENDS;
	if (item->alias->flags & ALIAS_END)
		needs |= LOGFMT_NEEDS_END;
	return needs;
}

unsigned logfmt_needs(const struct logfmt *f)
{
	unsigned needs = 0;
	for (unsigned i = 0; f && i < f->items_n; i++)
		needs |= item_needs(&f->items[i]);
	return needs;
}
