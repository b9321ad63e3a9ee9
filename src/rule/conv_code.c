/* SPDX-License-Identifier: MIT */
/*
 * Converters between encodings: hexadecimal, base64 (RFC 4648), percent encoding (RFC 3986 2.1).
 */
#include "base64.h"
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
		if (digit < 0)
			return false;
		v = v << 4 | (unsigned)digit;
	}
	return ret_int(s, (int64_t)v);
}

/* data: the URL-safe alphabet, without padding. */
static bool conv_b64enc(
    struct rule_ctx *cx, const struct args *args, uintptr_t url, struct sample *s)
{
	char *out = arena_bytes(cx->arena, BASE64_TEXT(s->str.len) + 1);
	return out && ret_str(s, slice_make(out, base64_encode(s->str, url != 0, out)));
}

static bool conv_b64dec(
    struct rule_ctx *cx, const struct args *args, uintptr_t url, struct sample *s)
{
	return ret_bin(s, base64_decode_in(cx->arena, s->str, url != 0));
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
