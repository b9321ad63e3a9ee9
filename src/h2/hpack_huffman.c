/* SPDX-License-Identifier: MIT */
/*
 * Huffman's code of HPACK (RFC 7541 5.2). Words of up to eight bits, which are all that text commonly consists of, are
 * found by one look-up; 64 bits are loaded at a time, so that seven of them need no look at the input's end.
 */
#include <endian.h>

#include "hpack_int.h"

/* What a symbol takes at most; with fewer bits at hand the input may end within one. */
#define SYMBOL_BITS_MAX 30

/* The next bits are at the upper end of acc, n of them are certain; what is below them is either right or zero. */
struct bits {
	uint64_t acc;
	unsigned n;
};

/* A word of more than eight bits. False: none begins so, or not in n bits. */
static bool take_long(struct bits *b, char *ret)
{
	uint32_t v = (uint32_t)(b->acc >> 32);
	for (unsigned i = 0; i < HPACK_LONG_LENGTHS; i++) {
		const struct hpack_long *l = &hpack_longs[i];
		if (v >= l->end)
			continue;
		if (l->bits > b->n)
			return false;
		*ret = (char)hpack_long_symbols[l->at + (v >> (32 - l->bits)) - l->first];
		b->acc <<= l->bits;
		b->n -= l->bits;
		return true;
	}
	return false;
}

static const uint8_t *refill(struct bits *b, const uint8_t *in, const uint8_t *end)
{
	if (likely(end - in >= 8)) {
		uint64_t next;
		memcpy(&next, in, sizeof(next));
		b->acc |= be64toh(next) >> b->n;
		in += (63 - b->n) >> 3;
		b->n |= 56;
		return in;
	}
	while (b->n <= 56 && in < end) {
		b->acc |= (uint64_t)*in++ << (56 - b->n);
		b->n += 8;
	}
	return in;
}

/* The last bits: whole words, then at most seven ones (RFC 7541 5.2). NULL: neither. */
static char *take_last(struct bits *b, char *out)
{
	while (b->n) {
		uint64_t ones = UINT64_MAX >> b->n;
		if ((b->acc | ones) == UINT64_MAX)
			return b->n < 8 ? out : NULL;
		const struct hpack_short *s = &hpack_shorts[(b->acc | ones) >> 56];
		if (s->bits > b->n || (!s->bits && !take_long(b, out)))
			return NULL;
		if (s->bits) {
			*out = (char)s->symbol;
			b->acc <<= s->bits;
			b->n -= s->bits;
		}
		out++;
	}
	return out;
}

ssize_t hpack_huffman_decode(char *out, const uint8_t *in, size_t len)
{
	const uint8_t *end = in + len;
	struct bits b = { .n = 0 };
	char *at = out;
	for (;;) {
		in = refill(&b, in, end);
		if (b.n < SYMBOL_BITS_MAX)
			break;
		while (b.n >= SYMBOL_BITS_MAX) {
			const struct hpack_short *s = &hpack_shorts[b.acc >> 56];
			if (unlikely(!s->bits)) {
				if (!take_long(&b, at++))
					return -1;
				continue;
			}
			*at++ = (char)s->symbol;
			b.acc <<= s->bits;
			b.n -= s->bits;
		}
	}
	at = take_last(&b, at);
	return at ? at - out : -1;
}

size_t hpack_huffman_len(struct slice s)
{
	size_t bits = 0;
	for (size_t i = 0; i < s.len; i++)
		bits += hpack_codes[(uint8_t)s.ptr[i]].bits;
	return (bits + 7) / 8;
}

size_t hpack_huffman_encode(uint8_t *out, struct slice s)
{
	uint64_t acc = 0;
	unsigned n = 0;
	uint8_t *at = out;
	const uint8_t *limit = out + s.len;
	for (size_t i = 0; i < s.len; i++) {
		const struct hpack_code *c = &hpack_codes[(uint8_t)s.ptr[i]];
		acc = acc << c->bits | c->code;
		n += c->bits;
		if (n < 32)
			continue;
		n -= 32;
		uint32_t word = htobe32((uint32_t)(acc >> n));
		memcpy(at, &word, sizeof(word));
		at += sizeof(word);
		if (at >= limit)
			return 0;
	}
	unsigned fill = -n & 7;
	acc = acc << fill | ((1u << fill) - 1);
	for (n += fill; n; n -= 8)
		*at++ = (uint8_t)(acc >> (n - 8));
	return at < limit ? (size_t)(at - out) : 0;
}
