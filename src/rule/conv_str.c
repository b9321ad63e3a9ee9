/* SPDX-License-Identifier: MIT */
/*
 * Converters that cut, replace and change text.
 */
#include "regex.h"
#include "tables.h"

static bool fold(struct rule_ctx *cx, struct sample *s, bool upper)
{
	struct slice in = s->str;
	char *out = arena_bytes(cx->arena, in.len + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];
		if (upper)
			out[i] = c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
		else
			out[i] = ascii_lower(c);
	}
	s->str = slice_make(out, in.len);
	return true;
}

/* data: to upper case. */
static bool conv_case(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	return fold(cx, s, data != 0);
}

static bool conv_length(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	return ret_int(s, (int64_t)s->str.len);
}

static bool in_set(struct slice set, char c)
{
	return set.len && memchr(set.ptr, c, set.len);
}

/* ---- field and word ---- */

/* End of the piece that begins at i: the next delimiter. */
static size_t piece_end(struct slice s, size_t i, struct slice delims)
{
	while (i < s.len && !in_set(delims, s.ptr[i]))
		i++;
	return i;
}

static size_t piece_start(struct slice s, size_t end, struct slice delims)
{
	while (end > 0 && !in_set(delims, s.ptr[end - 1]))
		end--;
	return end;
}

/* count pieces from the index-th on; words: delimiters in a row count as one. count 0: to the end. */
static bool cut_forward(struct slice s, struct slice delims, int64_t index, int64_t count,
    bool words, struct slice *ret)
{
	size_t i = 0, start = 0;
	for (int64_t n = 1;; n++) {
		while (words && i < s.len && in_set(delims, s.ptr[i]))
			i++;
		if (words && i == s.len)
			break;
		size_t end = piece_end(s, i, delims);
		if (n == index) {
			start = i;
			if (count == 0)
				end = s.len;
		}
		if (n >= index)
			*ret = slice_sub(s, start, end - start);
		if ((n >= index && (count == 0 || n == index + count - 1)) || end == s.len)
			return n >= index;
		i = end + 1;
	}
	/* Fewer words than asked for: all of the rest, as with count 0. */
	if (ret->ptr)
		*ret = slice_sub(s, start, s.len);
	return ret->ptr;
}

/* The same from the end: index 1 is the last piece, and further pieces lie to the left. */
static bool cut_backward(struct slice s, struct slice delims, int64_t index, int64_t count,
    bool words, struct slice *ret)
{
	size_t i = s.len, end = 0;
	for (int64_t n = 1;; n++) {
		while (words && i > 0 && in_set(delims, s.ptr[i - 1]))
			i--;
		if (words && i == 0)
			break;
		size_t start = piece_start(s, i, delims);
		if (n == index) {
			end = i;
			if (count == 0)
				start = 0;
		}
		if (n >= index)
			*ret = slice_sub(s, start, end - start);
		if ((n >= index && (count == 0 || n == index + count - 1)) || start == 0)
			return n >= index;
		i = start - 1;
	}
	if (ret->ptr)
		*ret = slice_sub(s, 0, end);
	return ret->ptr;
}

/* data: words. */
static bool conv_field(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	int64_t index = args->v[0].num;
	int64_t count = args_has(args, 2) ? args->v[2].num : 1;
	struct slice delims = args->v[1].str, ret = SLICE_NULL;
	bool found;
	if (index > 0)
		found = cut_forward(s->str, delims, index, count, data != 0, &ret);
	else
		found = cut_backward(s->str, delims, -index, count, data != 0, &ret);
	s->str = found ? ret : SLICE("");
	return found;
}

static int check_field(const struct arg_place *at, struct args *args)
{
	if (args->v[0].num != 0 && args->v[0].num > INT32_MIN && args->v[0].num < INT32_MAX &&
	    (!args_has(args, 2) || args->v[2].num < INT32_MAX))
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: indexes count from 1 or -1", at->what);
	return -1;
}

static bool conv_bytes(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	int64_t offset, length = INT64_MAX;
	if (!arg_int(cx, &args->v[0], &offset) ||
	    (args_has(args, 1) && !arg_int(cx, &args->v[1], &length)))
		return false;
	if (offset < 0 || length < 0)
		length = offset = 0;
	s->str = slice_sub(s->str, (size_t)offset, (size_t)length);
	return true;
}

static int check_bytes(const struct arg_place *at, struct args *args)
{
	for (unsigned i = 0; i < args->n; i++) {
		if (args->v[i].var || args->v[i].num >= 0)
			continue;
		conf_error(
		    at->conf, at->line, at->arg, "%s: argument %u is negative", at->what, i + 1);
		return -1;
	}
	return 0;
}

#define TRIM_LEFT  1u
#define TRIM_RIGHT 2u

static bool conv_trim(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice set = args->v[0].str;
	while ((data & TRIM_LEFT) && s->str.len && in_set(set, s->str.ptr[0]))
		s->str = slice_sub(s->str, 1, s->str.len);
	while ((data & TRIM_RIGHT) && s->str.len && in_set(set, s->str.ptr[s->str.len - 1]))
		s->str.len--;
	return true;
}

static bool conv_cut_crlf(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	s->str.len = MIN(slice_find(s->str, '\r'), slice_find(s->str, '\n'));
	return true;
}

static bool conv_reverse(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	char *out = arena_bytes(cx->arena, s->str.len + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < s->str.len; i++)
		out[i] = s->str.ptr[s->str.len - 1 - i];
	s->str.ptr = out;
	return true;
}

static bool conv_iif(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	return ret_str(s, args->v[s->boolean ? 0 : 1].str);
}

/* ---- regsub ---- */

struct regsub {
	struct regex *re;
	bool global;
};

static int check_regsub(const struct arg_place *at, struct args *args)
{
	struct regsub *sub = arena_new(conf_arena(at->conf), struct regsub);
	const char *flags = args_has(args, 2) ? args->v[2].str.ptr : "";
	if (!sub || flags[strspn(flags, "gi")]) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: unknown flags '%s'; 'g' and 'i' are known", at->what, flags);
		return -1;
	}
	sub->global = strchr(flags, 'g');
	sub->re = regex_compile(
	    at->conf, at->line, at->arg, args->v[0].str.ptr, strchr(flags, 'i') != NULL);
	args->data = sub;
	return sub->re ? 0 : -1;
}

static bool append(char *out, size_t cap, size_t *len, struct slice s)
{
	if (s.len > cap - *len)
		return false;
	if (s.len)
		memcpy(out + *len, s.ptr, s.len);
	*len += s.len;
	return true;
}

#define SUBST_MAX 16384

static bool conv_regsub(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct regsub *sub = args->data;
	struct regex_span spans[REGEX_GROUPS];
	struct slice in = s->str;
	char out[SUBST_MAX];
	size_t len = 0, at = 0;
	unsigned n;
	while (at <= in.len && (n = regex_exec(sub->re, cx, in, at, spans)) > 0) {
		if (!append(out, sizeof(out), &len, slice_sub(in, at, spans[0].from - at)))
			return false;
		size_t put =
		    regex_expand(args->v[1].str, in, spans, n, out + len, sizeof(out) - len);
		if (put == SIZE_MAX)
			return false;
		len += put;
		at = spans[0].to;
		if (!sub->global)
			break;
		/* An empty match: one byte goes on unchanged. */
		if (spans[0].to == spans[0].from) {
			if (!append(out, sizeof(out), &len, slice_sub(in, at, 1)))
				return false;
			at++;
		}
	}
	if (at < in.len && !append(out, sizeof(out), &len, slice_sub(in, at, in.len - at)))
		return false;
	s->str = arena_slice(cx->arena, slice_make(out, len));
	return s->str.ptr != NULL;
}

/* ---- hosts and parameters ---- */

/* data: the port instead of the host. */
static bool conv_host(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice host, port;
	http_authority_split(s->str, &host, &port);
	uint64_t number;
	if (data)
		return ret_int(
		    s, slice_to_u64(port, UINT32_MAX, &number) == 0 ? (int64_t)number : 0);
	s->str = host;
	return fold(cx, s, false);
}

/* The delimiter in num: one character, or its code as 0xHH. */
static int check_param(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 1) || args->v[1].str.len == 0)
		return 0;
	struct slice d = args->v[1].str;
	args->v[1].num = (unsigned char)d.ptr[0];
	if (d.len == 1)
		return 0;
	int high = d.len == 4 && slice_has_iprefix(d, SLICE("0x")) ? rule_hex_digit(d.ptr[2]) : -1;
	int low = high >= 0 ? rule_hex_digit(d.ptr[3]) : -1;
	if (low >= 0) {
		args->v[1].num = high << 4 | low;
		return 0;
	}
	conf_error(at->conf, at->line, at->arg,
	    "%s: the delimiter '%s' is neither one character nor 0xHH", at->what, d.ptr);
	return -1;
}

static bool conv_param(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice rest = s->str, name = args->v[0].str;
	char delim = args_has(args, 1) && args->v[1].str.len ? (char)args->v[1].num : '&';
	while (rest.ptr) {
		struct slice one = slice_cut(&rest, delim);
		size_t eq = slice_find(one, '=');
		if (!slice_eq(slice_sub(one, 0, eq), name))
			continue;
		s->str = slice_sub(one, eq + 1, one.len);
		return true;
	}
	return false;
}

#define STR_ROW(keyword, type, fn, number, text)                                                   \
	{                                                                                          \
		.name = keyword, .in = SMP_STR, .out = type, .eval = fn, .data = number,           \
		.help = text                                                                       \
	}

const struct conv_row conv_str_rows[] = {
	STR_ROW("lower", SMP_STR, conv_case, 0, "in lower case"),
	STR_ROW("upper", SMP_STR, conv_case, 1, "in upper case"),
	STR_ROW("length", SMP_SINT, conv_length, 0, "length of the text"),
	STR_ROW("host_only", SMP_STR, conv_host, 0, "host of \"host:port\", in lower case"),
	STR_ROW("port_only", SMP_SINT, conv_host, 1, "port of \"host:port\", 0 when there is none"),
	STR_ROW("reverse", SMP_STR, conv_reverse, 0, "back to front"),
	STR_ROW(
	    "cut_crlf", SMP_STR, conv_cut_crlf, 0, "up to the first carriage return or newline"),
	{ .name = "ltrim",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .eval = conv_trim,
	    .data = TRIM_LEFT,
	    .usage = "<chars>",
	    .help = "without these characters at the beginning" },
	{ .name = "rtrim",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .eval = conv_trim,
	    .data = TRIM_RIGHT,
	    .usage = "<chars>",
	    .help = "without these characters at the end" },
	{ .name = "field",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 2,
	    .args = { ARG_SINT, ARG_STR, ARG_UINT },
	    .eval = conv_field,
	    .check = check_field,
	    .usage = "<index>,<delimiters>[,<count>]",
	    .help = "piece between delimiters, empty pieces counted" },
	{ .name = "word",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 2,
	    .args = { ARG_SINT, ARG_STR, ARG_UINT },
	    .eval = conv_field,
	    .data = 1,
	    .check = check_field,
	    .usage = "<index>,<delimiters>[,<count>]",
	    .help = "piece between delimiters, empty pieces skipped" },
	{ .name = "bytes",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args_min = 1,
	    .args = { ARG_SINT_VAR, ARG_SINT_VAR },
	    .eval = conv_bytes,
	    .check = check_bytes,
	    .usage = "<offset>[,<length>]",
	    .help = "part of the bytes" },
	{ .name = "regsub",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 2,
	    .args = { ARG_STR, ARG_STR, ARG_STR },
	    .eval = conv_regsub,
	    .check = check_regsub,
	    .usage = "<regex>,<subst>[,<flags>]",
	    .help = "first (g: every) match replaced" },
	{ .name = "param",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_param,
	    .check = check_param,
	    .usage = "<name>[,<delim>]",
	    .help = "value of \"name=value\" in a list" },
	{ .name = "iif",
	    .in = SMP_BOOL,
	    .out = SMP_STR,
	    .args_min = 2,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_iif,
	    .usage = "<true>,<false>",
	    .help = "one of two texts" },
	{ .name = NULL },
};
