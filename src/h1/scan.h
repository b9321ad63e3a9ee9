/* SPDX-License-Identifier: MIT */
/*
 * Byte classes and scanners of the h1 parser, private to src/h1. Each scanner walks from p to the first byte that
 * ends its element, or to end. With SSE2, which every x86-64 has, 16 bytes a step; the last bytes of the buffer
 * and other machines go byte by byte over the same table, and both ways stop at the same byte.
 */
#ifndef WEIR_H1_SCAN_H
#define WEIR_H1_SCAN_H

#include "weir/base/slice.h"

#if defined(__SSE2__) && !defined(WEIR_NO_SIMD)
#include <emmintrin.h>
#define H1_SSE2 1
#endif

#define H1_TOKEN  0x01 /* tchar, RFC 9110 5.6.2 */
#define H1_TARGET 0x02 /* 33..126 without '#' */
#define H1_VALUE  0x04 /* no control character, or a tab */
#define H1_HOST	  0x08 /* what a host can hold: unreserved, sub-delims, '%', RFC 3986 3.2.2 */
#define H1_HEX	  0x10

/* Classes of each byte; one table for the whole process, constant. */
extern const uint8_t h1_class[256];

static inline bool h1_is(char c, unsigned class)
{
	return (h1_class[(unsigned char)c] & class) != 0;
}

static inline char *h1_skip_class(char *p, const char *end, unsigned class)
{
	while (p < end && h1_is(*p, class))
		p++;
	return p;
}

#ifdef H1_SSE2
/* Bytes below 0x20 or equal to 0x7f; those from 0x80 on are not among them. */
static inline __m128i h1_controls(__m128i x)
{
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
	return _mm_or_si128(low, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
}

/* Bytes of lo..hi, both below 0x80. */
static inline __m128i h1_range(__m128i x, char lo, char hi)
{
	__m128i ge = _mm_cmpgt_epi8(x, _mm_set1_epi8((char)(lo - 1)));
	__m128i le = _mm_cmplt_epi8(x, _mm_set1_epi8((char)(hi + 1)));
	return _mm_and_si128(ge, le);
}
#endif

/* To the first control character but a tab: the end of a field value or of a reason phrase. */
static inline char *h1_scan_value(char *p, const char *end)
{
#ifdef H1_SSE2
	while (end - p >= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		__m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
		unsigned stop = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(tab, h1_controls(x)));
		if (stop)
			return p + __builtin_ctz(stop);
		p += 16;
	}
#endif
	return h1_skip_class(p, end, H1_VALUE);
}

/* To the first byte that is not visible ASCII, or a '#'. */
static inline char *h1_scan_target(char *p, const char *end)
{
#ifdef H1_SSE2
	while (end - p >= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		__m128i hash = _mm_cmpeq_epi8(x, _mm_set1_epi8('#'));
		__m128i good = _mm_andnot_si128(hash, h1_range(x, '!', '~'));
		unsigned stop = (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
		if (stop)
			return p + __builtin_ctz(stop);
		p += 16;
	}
#endif
	return h1_skip_class(p, end, H1_TARGET);
}

/* To the first byte that is no token character. Letters, digits and '-' go fast. */
static inline char *h1_scan_name(char *p, const char *end)
{
#ifdef H1_SSE2
	while (end - p >= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		__m128i letters = h1_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z');
		__m128i others =
		    _mm_or_si128(h1_range(x, '0', '9'), _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
		unsigned common = (unsigned)_mm_movemask_epi8(_mm_or_si128(letters, others));
		if (likely(common != 0xffff)) {
			p += __builtin_ctz(~common);
			break;
		}
		p += 16;
	}
#endif
	return h1_skip_class(p, end, H1_TOKEN);
}

/* Eight ASCII bytes in lower case: bit 7 of a sum tells whether its byte is at or beyond 'A', or beyond 'Z'. */
static inline uint64_t h1_lower8(uint64_t word)
{
	uint64_t from_a = word + 0x3f3f3f3f3f3f3f3fULL;
	uint64_t beyond_z = word + 0x2525252525252525ULL;
	return word | (from_a & ~beyond_z & 0x8080808080808080ULL) >> 2;
}

/*
 * Turns a token to lower case in place, by words that end with it exactly: a store that reached into the value or
 * the next line would stall the wide loads there.
 */
static inline void h1_lower_name(char *p, size_t len)
{
	if (likely(len >= 8)) {
		uint64_t word, tail;
		memcpy(&tail, p + len - 8, 8);
		tail = h1_lower8(tail);
		for (size_t i = 0; i + 8 < len; i += 8) {
			memcpy(&word, p + i, 8);
			word = h1_lower8(word);
			memcpy(p + i, &word, 8);
		}
		memcpy(p + len - 8, &tail, 8);
	} else if (len >= 4) {
		uint32_t head, tail;
		memcpy(&head, p, 4);
		memcpy(&tail, p + len - 4, 4);
		head = (uint32_t)h1_lower8(head);
		tail = (uint32_t)h1_lower8(tail);
		memcpy(p, &head, 4);
		memcpy(p + len - 4, &tail, 4);
	} else {
		for (size_t i = 0; i < len; i++)
			p[i] = ascii_lower(p[i]);
	}
}

#endif
