/* SPDX-License-Identifier: MIT */
/*
 * base64 and base64url, for converters and tokens. Decoding is strict: no blanks, no foreign characters.
 */
#include "base64.h"

#include <errno.h>

static const char std_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64_encode(struct slice in, bool url, char *out)
{
	const char *digits = url ? url_digits : std_digits;
	const unsigned char *p = (const unsigned char *)in.ptr;
	size_t n = 0;
	for (size_t i = 0; i < in.len; i += 3) {
		size_t have = MIN(in.len - i, (size_t)3);
		unsigned v = (unsigned)p[i] << 16;
		v |= have > 1 ? (unsigned)p[i + 1] << 8 : 0;
		v |= have > 2 ? p[i + 2] : 0;
		for (size_t j = 0; j < 4; j++) {
			if (j <= have)
				out[n++] = digits[v >> (18 - 6 * j) & 63];
			else if (!url)
				out[n++] = '=';
		}
	}
	return n;
}

static int digit_value(char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	return c == (url ? '_' : '/') ? 63 : -1;
}

ssize_t base64_decode(struct slice in, bool url, char *out)
{
	if (!url && in.len % 4)
		return -EINVAL;
	for (int i = 0; i < 2 && in.len && in.ptr[in.len - 1] == '='; i++)
		in.len--;
	if (in.len % 4 == 1)
		return -EINVAL;
	size_t n = 0;
	unsigned v = 0, bits = 0;
	for (size_t i = 0; i < in.len; i++) {
		int digit = digit_value(in.ptr[i], url);
		if (digit < 0)
			return -EINVAL;
		v = (v << 6 | (unsigned)digit) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(v >> bits);
		}
	}
	return (ssize_t)n;
}

struct slice base64_decode_in(struct arena *arena, struct slice in, bool url)
{
	char *out = arena_bytes(arena, BASE64_BYTES(in.len));
	ssize_t n = out ? base64_decode(in, url, out) : -ENOMEM;
	return n < 0 ? SLICE_NULL : slice_make(out, (size_t)n);
}
