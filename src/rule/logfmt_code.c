/* SPDX-License-Identifier: MIT */
/*
 * Values of log formats as JSON (RFC 8259) and CBOR (RFC 8949). JSON is written in ASCII alone, so that no value can
 * alter a terminal or end a line. CBOR is written in hexadecimal unless "+bin" wants it as it is.
 */
#include "logfmt.h"

static const char hex_digits[] = "0123456789ABCDEF";

/* ---- UTF-8 ---- */

/* The code point at *at and its length, or -1 for a byte that begins none. */
static int32_t code_point(struct slice s, size_t at, size_t *ret_len)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)s.ptr[at];
	unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	*ret_len = 1;
	if (c < 0x80)
		return c;
	if (c < 0xc2 || c > 0xf4 || s.len - at <= more)
		return -1;
	uint32_t v = c & (0x3fu >> more);
	for (unsigned i = 1; i <= more; i++) {
		unsigned char next = (unsigned char)s.ptr[at + i];
		if ((next & 0xc0) != 0x80)
			return -1;
		v = v << 6 | (next & 0x3f);
	}
	if (v < least[more] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return -1;
	*ret_len = more + 1;
	return (int32_t)v;
}

static bool is_utf8(struct slice s)
{
	size_t len;
	for (size_t at = 0; at < s.len; at += len) {
		if (code_point(s, at, &len) < 0)
			return false;
	}
	return true;
}

/* ---- JSON ---- */

static void put_unit(struct logfmt_out *o, unsigned v)
{
	const char text[] = { '\\', 'u', hex_digits[v >> 12 & 15], hex_digits[v >> 8 & 15],
		hex_digits[v >> 4 & 15], hex_digits[v & 15] };
	logfmt_raw(o, slice_make(text, sizeof(text)));
}

static void put_code_point(struct logfmt_out *o, uint32_t v)
{
	if (v >= 0x10000) {
		put_unit(o, 0xd800 + (v - 0x10000) / 0x400);
		v = 0xdc00 + (v - 0x10000) % 0x400;
	}
	put_unit(o, v);
}

static void put_json_char(struct logfmt_out *o, uint32_t v)
{
	static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	const char *form = short_forms;
	while (*form && (uint32_t)(unsigned char)*form != v)
		form += 2;
	if (*form && v) {
		logfmt_char(o, '\\');
		logfmt_char(o, form[1]);
	} else if (v >= 32 && v < 127) {
		logfmt_char(o, (char)v);
	} else {
		put_code_point(o, v);
	}
}

/* A byte that is no UTF-8 shows as the code point of the same number. */
static void put_json_str(struct logfmt_out *o, struct slice s)
{
	size_t len;
	logfmt_char(o, '"');
	for (size_t at = 0; at < s.len; at += len) {
		int32_t v = code_point(s, at, &len);
		put_json_char(o, v < 0 ? (unsigned char)s.ptr[at] : (uint32_t)v);
	}
	logfmt_char(o, '"');
}

/* ---- CBOR ---- */

enum cbor_major {
	CBOR_UINT = 0,
	CBOR_NEGATIVE = 1,
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
};

#define CBOR_FALSE     0xf4
#define CBOR_TRUE      0xf5
#define CBOR_NULL      0xf6
#define CBOR_MAP_BEGIN 0xbf /* of indefinite length: the items are not counted beforehand */
#define CBOR_BREAK     0xff

static void put_byte(struct logfmt_out *o, unsigned opts, unsigned char c)
{
	if (opts & OPT_BIN) {
		logfmt_char(o, (char)c);
		return;
	}
	logfmt_char(o, hex_digits[c >> 4]);
	logfmt_char(o, hex_digits[c & 15]);
}

static void put_bytes(struct logfmt_out *o, unsigned opts, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		put_byte(o, opts, (unsigned char)s.ptr[i]);
}

/* Major type and argument in the shortest form (RFC 8949 3, 4.2.1). */
static void put_head(struct logfmt_out *o, unsigned opts, enum cbor_major major, uint64_t v)
{
	unsigned char first = (unsigned char)(major << 5);
	unsigned size = v < 24		  ? 0
			: v <= UINT8_MAX  ? 1
			: v <= UINT16_MAX ? 2
			: v <= UINT32_MAX ? 4
					  : 8;
	static const unsigned char info[] = { [1] = 24, [2] = 25, [4] = 26, [8] = 27 };
	put_byte(o, opts, (unsigned char)(first | (size ? info[size] : v)));
	while (size--)
		put_byte(o, opts, (unsigned char)(v >> (8 * size)));
}

/* ---- values ---- */

void logcode_null(struct logfmt_out *o, unsigned opts)
{
	if (opts & OPT_CBOR)
		put_byte(o, opts, CBOR_NULL);
	else
		logfmt_raw(o, SLICE("null"));
}

void logcode_bool(struct logfmt_out *o, unsigned opts, bool v)
{
	if (opts & OPT_CBOR)
		put_byte(o, opts, v ? CBOR_TRUE : CBOR_FALSE);
	else
		logfmt_raw(o, v ? SLICE("true") : SLICE("false"));
}

void logcode_int(struct logfmt_out *o, unsigned opts, int64_t v)
{
	if (!(opts & OPT_CBOR))
		logfmt_int(o, v);
	else if (v < 0)
		put_head(o, opts, CBOR_NEGATIVE, (uint64_t) - (v + 1));
	else
		put_head(o, opts, CBOR_UINT, (uint64_t)v);
}

void logcode_str(struct logfmt_out *o, unsigned opts, struct slice s)
{
	if (!(opts & OPT_CBOR)) {
		put_json_str(o, s);
		return;
	}
	/* text strings have to be UTF-8 (RFC 8949 3.1) */
	put_head(o, opts, is_utf8(s) ? CBOR_TEXT : CBOR_BYTES, s.len);
	put_bytes(o, opts, s);
}

void logcode_bytes(struct logfmt_out *o, unsigned opts, struct slice s)
{
	put_head(o, opts, CBOR_BYTES, s.len);
	put_bytes(o, opts, s);
}

void logcode_list(struct logfmt_out *o, unsigned opts, const struct slice *values, unsigned n)
{
	bool json = !(opts & OPT_CBOR);
	if (json)
		logfmt_char(o, '[');
	else
		put_head(o, opts, CBOR_ARRAY, n);
	for (unsigned i = 0; i < n; i++) {
		if (json && i)
			logfmt_raw(o, SLICE(", "));
		if (values[i].ptr)
			logcode_str(o, opts, values[i]);
		else
			logcode_null(o, opts);
	}
	if (json)
		logfmt_char(o, ']');
}

/* ---- the whole ---- */

void logcode_map_begin(struct logfmt_out *o, unsigned opts)
{
	if (opts & OPT_CBOR)
		put_byte(o, opts, CBOR_MAP_BEGIN);
	else
		logfmt_char(o, '{');
}

void logcode_key(struct logfmt_out *o, unsigned opts, struct slice name, bool first)
{
	if (!first && !(opts & OPT_CBOR))
		logfmt_raw(o, SLICE(", "));
	logcode_str(o, opts, name);
	if (!(opts & OPT_CBOR))
		logfmt_raw(o, SLICE(": "));
}

void logcode_map_end(struct logfmt_out *o, unsigned opts)
{
	if (opts & OPT_CBOR)
		put_byte(o, opts, CBOR_BREAK);
	else
		logfmt_char(o, '}');
}

size_t logcode_map_end_size(unsigned opts)
{
	return (opts & OPT_CBOR) && !(opts & OPT_BIN) ? 2 : 1;
}
