/* SPDX-License-Identifier: MIT */
/*
 * Converters that write bytes as digits, and that look for control characters.
 */
#include <inttypes.h>

#include "tables.h"

/* ---- be2dec, le2dec, be2hex ---- */

/* Arguments: separator, bytes a chunk, whether a shorter last chunk is left out. */
static int check_chunks(const struct arg_place *at, struct args *args, int64_t max)
{
	if (args_has(args, 1) && (args->v[1].num < 1 || args->v[1].num > max)) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: chunks have 1 to %" PRId64 " bytes, not %" PRId64, at->what, max,
		    args->v[1].num);
		return -1;
	}
	if (!args_has(args, 2) || args->v[2].num == 0 || args->v[2].num == 1)
		return 0;
	conf_error(
	    at->conf, at->line, at->arg, "%s: 0 or 1 is expected behind the chunk size", at->what);
	return -1;
}

static int check_dec(const struct arg_place *at, struct args *args)
{
	return check_chunks(at, args, 8);
}

static int check_hex(const struct arg_place *at, struct args *args)
{
	if (args_has(args, 0) && args->v[0].str.len && !args_has(args, 1)) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: a separator needs the size of the chunks", at->what);
		return -1;
	}
	return check_chunks(at, args, INT32_MAX);
}

static uint64_t chunk_value(struct slice chunk, bool little)
{
	uint64_t value = 0;
	for (size_t i = 0; i < chunk.len; i++) {
		size_t at = little ? chunk.len - 1 - i : i;
		value = value << 8 | (unsigned char)chunk.ptr[at];
	}
	return value;
}

#define DEC_MAX 20 /* digits of 64 bits */

/* data: little-endian */
static bool conv_dec(
    struct rule_ctx *cx, const struct args *args, uintptr_t little, struct sample *s)
{
	struct slice sep = args->v[0].str;
	size_t size = (size_t)args->v[1].num, len = s->str.len;
	if (args_has(args, 2) && args->v[2].num)
		len -= len % size;
	size_t chunks = (len + size - 1) / size;
	char *out = arena_bytes(cx->arena, chunks * (DEC_MAX + sep.len) + 1), *at = out;
	if (!out)
		return false;
	for (size_t i = 0; i < len; i += size) {
		if (i && sep.len)
			at = (char *)memcpy(at, sep.ptr, sep.len) + sep.len;
		struct slice chunk = slice_sub(s->str, i, MIN(size, len - i));
		at += snprintf(at, DEC_MAX + 1, "%" PRIu64, chunk_value(chunk, little));
	}
	return ret_str(s, slice_make(out, (size_t)(at - out)));
}

static bool conv_be2hex(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	static const char digits[] = "0123456789ABCDEF";
	struct slice sep = args_has(args, 0) ? args->v[0].str : SLICE("");
	size_t len = s->str.len, size = args_has(args, 1) ? (size_t)args->v[1].num : len;
	if (size && args_has(args, 2) && args->v[2].num)
		len -= len % size;
	char *out = arena_bytes(cx->arena, len * (2 + sep.len) + 1), *at = out;
	if (!out)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (i && sep.len && i % size == 0)
			at = (char *)memcpy(at, sep.ptr, sep.len) + sep.len;
		unsigned char c = (unsigned char)s->str.ptr[i];
		*at++ = digits[c >> 4];
		*at++ = digits[c & 15];
	}
	return ret_str(s, slice_make(out, (size_t)(at - out)));
}

static bool conv_base2(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	char *out = arena_bytes(cx->arena, s->str.len * 8 + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < s->str.len * 8; i++)
		out[i] = (unsigned char)s->str.ptr[i / 8] >> (7 - i % 8) & 1 ? '1' : '0';
	return ret_str(s, slice_make(out, s->str.len * 8));
}

/* ---- has_ctl ---- */

#define CTL_ANY	    0x1ffffffffull
#define CTL_NOT_TAB 0x1fffffdffull
#define CTL_HTTP    0x2401ull

static bool hex_parse(struct slice text, uint64_t *ret)
{
	uint64_t value = 0;
	for (size_t i = 0; i < text.len; i++) {
		int digit = rule_hex_digit(text.ptr[i]);
		if (digit < 0 || value >> 56)
			return false;
		value = value << 4 | (unsigned)digit;
	}
	*ret = value;
	return text.len > 0;
}

static int check_ctl(const struct arg_place *at, struct args *args)
{
	uint64_t mask = CTL_NOT_TAB;
	uint64_t *kept = arena_new(conf_arena(at->conf), uint64_t);
	struct slice text = args_has(args, 0) ? args->v[0].str : SLICE_NULL;
	bool ok = true;
	if (!kept)
		return -1;
	if (slice_eq(text, SLICE("any")))
		mask = CTL_ANY;
	else if (slice_eq(text, SLICE("http")))
		mask = CTL_HTTP;
	else if (slice_has_iprefix(text, SLICE("0x")))
		ok = hex_parse(slice_sub(text, 2, text.len), &mask);
	else if (text.len)
		ok = slice_to_u64(text, CTL_ANY, &mask) == 0;
	*kept = mask;
	args->data = kept;
	if (ok && mask <= CTL_ANY)
		return 0;
	conf_error(at->conf, at->line, at->arg,
	    "%s: '%.*s' is no mask of 33 bits; 'any' and 'http' are known, too", at->what,
	    SLICE_ARG(text));
	return -1;
}

/* Bit n of the mask is character n, bit 32 is DEL. */
static bool conv_has_ctl(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint64_t mask = *(const uint64_t *)args->data;
	bool found = false;
	for (size_t i = 0; i < s->str.len && !found; i++) {
		unsigned char c = (unsigned char)s->str.ptr[i];
		found = (c < 32 && (mask >> c & 1)) || (c == 127 && mask >> 32);
	}
	return ret_bool(s, found);
}

#define DEC(keyword, little, text)                                                                 \
	{                                                                                          \
		.name = keyword, .in = SMP_BIN, .out = SMP_STR, .args_min = 2,                     \
		.args = { ARG_STR, ARG_SINT, ARG_SINT }, .eval = conv_dec, .data = little,         \
		.check = check_dec, .usage = "<separator>,<chunk_size>[,<truncate>]", .help = text \
	}

const struct conv_row conv_binary_rows[] = {
	DEC("be2dec", 0, "each chunk of bytes as a big-endian number"),
	DEC("le2dec", 1, "each chunk of bytes as a little-endian number"),
	{ .name = "be2hex",
	    .in = SMP_BIN,
	    .out = SMP_STR,
	    .args = { ARG_STR, ARG_SINT, ARG_SINT },
	    .eval = conv_be2hex,
	    .check = check_hex,
	    .usage = "[<separator>[,<chunk_size>[,<truncate>]]]",
	    .help = "hexadecimal digits, with the separator between chunks of bytes" },
	{ .name = "base2",
	    .in = SMP_BIN,
	    .out = SMP_STR,
	    .eval = conv_base2,
	    .help = "eight binary digits for each byte" },
	{ .name = "has_ctl",
	    .in = SMP_BIN,
	    .out = SMP_BOOL,
	    .args = { ARG_STR },
	    .eval = conv_has_ctl,
	    .check = check_ctl,
	    .usage = "[<mask>]",
	    .help = "whether there are control characters, other than tabs unless the mask says" },
	{ .name = NULL },
};
