/* SPDX-License-Identifier: MIT */
/*
 * PEM (RFC 7468) cut into blocks, and base64. OpenSSL's reader is general and slow; a start with tens of thousands
 * of certificates spends its time here, so blocks are found in place and decoded in one pass.
 */
#include "store_parse.h"

#include <errno.h>
#include <pthread.h>

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";

/* Offset of mark, which begins with a dash, at the start of a line from at on, or text.len. Base64 has no dashes. */
static size_t find_line(struct slice text, size_t at, const char *mark, size_t mark_len)
{
	while (at < text.len) {
		const char *p = memchr(text.ptr + at, '-', text.len - at);
		size_t left = p ? (size_t)(text.ptr + text.len - p) : 0;
		if (left < mark_len)
			break;
		if (memcmp(p, mark, mark_len) == 0 &&
		    (p == text.ptr || p[-1] == '\n' || p[-1] == '\r' || p[-1] == ' '))
			return (size_t)(p - text.ptr);
		at = (size_t)(p - text.ptr) + 1;
	}
	return text.len;
}

/* Headers end with an empty line; there are some if the first line has a colon. */
static void split_headers(struct pem_block *b)
{
	struct slice body = b->body;
	size_t line = slice_find(body, '\n');
	if (slice_find(slice_sub(body, 0, line), ':') == line)
		return;
	size_t at = slice_search(body, SLICE("\n\n"));
	size_t skip = 2;
	if (at > body.len) {
		at = slice_search(body, SLICE("\n\r\n"));
		skip = 3;
	}
	if (at > body.len)
		return;
	b->headers = slice_sub(body, 0, at);
	b->body = slice_sub(body, at + skip, body.len);
}

int pem_next(struct slice *text, struct pem_block *ret)
{
	size_t from = find_line(*text, 0, begin_mark, sizeof(begin_mark) - 1);
	if (from == text->len) {
		*text = slice_sub(*text, text->len, 0);
		return 0;
	}
	size_t label_at = from + sizeof(begin_mark) - 1;
	struct slice rest = slice_sub(*text, label_at, text->len);
	size_t label_len = slice_search(rest, SLICE("-----"));
	size_t line = slice_find(rest, '\n');
	if (label_len > rest.len || label_len > line)
		return -EINVAL;
	size_t end = find_line(*text, label_at + label_len, end_mark, sizeof(end_mark) - 1);
	if (end == text->len)
		return -EINVAL;
	struct slice label = slice_sub(rest, 0, label_len);
	struct slice tail = slice_sub(*text, end + sizeof(end_mark) - 1, text->len);
	if (!slice_has_prefix(tail, label) ||
	    !slice_has_prefix(slice_sub(tail, label.len, tail.len), slice_str(dashes)))
		return -EINVAL;
	size_t body_at = label_at + line + 1;
	size_t next = end + sizeof(end_mark) - 1 + label.len + sizeof(dashes) - 1;
	*ret = (struct pem_block){
		.label = label,
		.body = slice_sub(*text, body_at, end - body_at),
		.whole = slice_sub(*text, from, next - from),
	};
	split_headers(ret);
	*text = slice_sub(*text, next, text->len);
	return 1;
}

bool pem_is_certificate(struct slice label)
{
	return slice_eq(label, SLICE("CERTIFICATE")) ||
	       slice_eq(label, SLICE("X509 CERTIFICATE")) ||
	       slice_eq(label, SLICE("TRUSTED CERTIFICATE"));
}

enum { B64_SPACE = 64, B64_PAD = 65, B64_BAD = 66 };

/* Value of a character, or one of the above. */
static unsigned base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26u;
	if (c >= '0' && c <= '9')
		return c - '0' + 52u;
	switch (c) {
	case '+':
		return 62;
	case '/':
		return 63;
	case '=':
		return B64_PAD;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return B64_SPACE;
	default:
		return B64_BAD;
	}
}

static uint8_t base64_table[256];
static pthread_once_t base64_once = PTHREAD_ONCE_INIT;

static void base64_init(void)
{
	for (unsigned i = 0; i < 256; i++)
		base64_table[i] = (uint8_t)base64_value((unsigned char)i);
}

int base64_read(struct slice text, uint8_t *out, size_t *ret_len)
{
	pthread_once(&base64_once, base64_init);
	const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len;
	uint8_t *o = out;
	uint32_t acc = 0;
	unsigned n = 0, pads = 0;
	while (p < end) {
		if (n == 0 && end - p >= 4) { /* the common case: four at once */
			uint32_t a = base64_table[p[0]], b = base64_table[p[1]];
			uint32_t c = base64_table[p[2]], d = base64_table[p[3]];
			if ((a | b | c | d) < 64 && !pads) {
				uint32_t v = a << 18 | b << 12 | c << 6 | d;
				*o++ = (uint8_t)(v >> 16);
				*o++ = (uint8_t)(v >> 8);
				*o++ = (uint8_t)v;
				p += 4;
				continue;
			}
		}
		unsigned v = base64_table[*p++];
		if (v == B64_SPACE)
			continue;
		if (v == B64_PAD) {
			pads++;
			continue;
		}
		if (v == B64_BAD || pads)
			return -EINVAL;
		acc = acc << 6 | v;
		if (++n < 4)
			continue;
		*o++ = (uint8_t)(acc >> 16);
		*o++ = (uint8_t)(acc >> 8);
		*o++ = (uint8_t)acc;
		acc = 0;
		n = 0;
	}
	if (n == 1 || pads > 2 || (pads && n + pads != 4))
		return -EINVAL;
	if (n >= 2)
		*o++ = (uint8_t)(acc >> (6 * n - 8));
	if (n == 3)
		*o++ = (uint8_t)(acc >> 2);
	*ret_len = (size_t)(o - out);
	return 0;
}
