/* SPDX-License-Identifier: MIT */
/*
 * Converters between encodings: hexadecimal, base64 (RFC 4648), percent encoding (RFC 3986 2.1).
 */
#include "tables.h"

static bool conv_hex(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	static const char digits[] = "0123456789ABCDEF";
	struct slice in = s->str;
	char *out = arena_bytes(cx->arena, in.len * 2 + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		out[2 * i] = digits[(unsigned char)in.ptr[i] >> 4];
		out[2 * i + 1] = digits[(unsigned char)in.ptr[i] & 15];
	}
	return ret_str(s, slice_make(out, in.len * 2));
}

static bool conv_hex2i(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint64_t v = 0;
	for (size_t i = 0; i < s->str.len; i++) {
		int digit = rule_hex_digit(s->str.ptr[i]);
		if (digit < 0 || i >= 16)
			return false;
		v = v << 4 | (unsigned)digit;
	}
	return ret_int(s, (int64_t)v);
}

static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char ub64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* data: the URL-safe alphabet, without padding. */
static bool conv_b64enc(
    struct rule_ctx *cx, const struct args *args, uintptr_t url, struct sample *s)
{
	const char *digits = url ? ub64_digits : b64_digits;
	const unsigned char *in = (const unsigned char *)s->str.ptr;
	size_t len = s->str.len, n = 0;
	char *out = arena_bytes(cx->arena, (len + 2) / 3 * 4 + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < len; i += 3) {
		size_t have = MIN(len - i, (size_t)3);
		unsigned v = (unsigned)in[i] << 16;
		v |= have > 1 ? (unsigned)in[i + 1] << 8 : 0;
		v |= have > 2 ? in[i + 2] : 0;
		for (size_t j = 0; j < 4; j++) {
			if (j <= have)
				out[n++] = digits[v >> (18 - 6 * j) & 63];
			else if (!url)
				out[n++] = '=';
		}
	}
	return ret_str(s, slice_make(out, n));
}

static int b64_value(char c, bool url)
{
	const char *digits = url ? ub64_digits : b64_digits;
	const char *at = c ? memchr(digits, c, 64) : NULL;
	return at ? (int)(at - digits) : -1;
}

static bool conv_b64dec(
    struct rule_ctx *cx, const struct args *args, uintptr_t url, struct sample *s)
{
	struct slice in = s->str;
	if (!url && in.len % 4)
		return false;
	for (int i = 0; i < 2 && in.len && in.ptr[in.len - 1] == '='; i++)
		in.len--;
	char *out = arena_bytes(cx->arena, in.len / 4 * 3 + 4);
	size_t n = 0;
	unsigned v = 0, bits = 0;
	if (!out || in.len % 4 == 1)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		int digit = b64_value(in.ptr[i], url != 0);
		if (digit < 0)
			return false;
		v = (v << 6 | (unsigned)digit) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(v >> bits);
		}
	}
	return ret_bin(s, slice_make(out, n));
}

static bool unreserved(char c)
{
	char l = ascii_lower(c);
	return (l >= 'a' && l <= 'z') || ascii_is_digit(c) || (c && strchr("-._~", c));
}

static int check_url_enc(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 0) || strcmp(args->v[0].str.ptr, "query") == 0)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: unknown type '%s'; 'query' is known", at->what,
	    args->v[0].str.ptr);
	return -1;
}

static bool conv_url_enc(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;
	char *out = arena_bytes(cx->arena, s->str.len * 3 + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < s->str.len; i++) {
		unsigned char c = (unsigned char)s->str.ptr[i];
		if (unreserved((char)c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return ret_str(s, slice_make(out, n));
}

/* in_form 1: "+" is a space everywhere; else only behind the "?". */
static bool conv_url_dec(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	bool plus = args_has(args, 0) && args->v[0].num;
	struct slice in = s->str;
	char *out = arena_bytes(cx->arena, in.len + 1);
	size_t n = 0;
	if (!out)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];
		if (c == '%') {
			int high = i + 2 < in.len ? rule_hex_digit(in.ptr[i + 1]) : -1;
			int low = high >= 0 ? rule_hex_digit(in.ptr[i + 2]) : -1;
			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '?') {
			plus = true;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[n++] = c;
	}
	return ret_str(s, slice_make(out, n));
}

const struct conv_row conv_code_rows[] = {
	{ .name = "hex",
	    .in = SMP_BIN,
	    .out = SMP_STR,
	    .eval = conv_hex,
	    .help = "two hexadecimal digits for each byte" },
	{ .name = "hex2i",
	    .in = SMP_STR,
	    .out = SMP_SINT,
	    .eval = conv_hex2i,
	    .help = "integer of hexadecimal digits" },
	{ .name = "base64",
	    .in = SMP_BIN,
	    .out = SMP_STR,
	    .eval = conv_b64enc,
	    .help = "in base64" },
	{ .name = "ub64enc",
	    .in = SMP_BIN,
	    .out = SMP_STR,
	    .eval = conv_b64enc,
	    .data = 1,
	    .help = "in base64url without padding" },
	{ .name = "b64dec",
	    .in = SMP_STR,
	    .out = SMP_BIN,
	    .eval = conv_b64dec,
	    .help = "bytes of base64" },
	{ .name = "ub64dec",
	    .in = SMP_STR,
	    .out = SMP_BIN,
	    .eval = conv_b64dec,
	    .data = 1,
	    .help = "bytes of base64url" },
	{ .name = "url_enc",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args = { ARG_STR },
	    .eval = conv_url_enc,
	    .check = check_url_enc,
	    .usage = "[<enc_type>]",
	    .help = "percent-encoded" },
	{ .name = "url_dec",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args = { ARG_SINT },
	    .eval = conv_url_dec,
	    .usage = "[<in_form>]",
	    .help = "percent encoding undone" },
	{ .name = NULL },
};
