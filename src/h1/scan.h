/* SPDX-License-Identifier: MIT */
/*
 * Byte classes and scanners of the h1 parser, private to src/h1. Each scanner walks from p to the first byte that
 * ends its element, or to end. With SSE2, which every x86-64 has, 16 bytes a step; the last bytes of the buffer
 * and other machines go byte by byte over the same table, and both ways stop at the same byte.
 */
#ifndef WEIR_H1_SCAN_H
#define WEIR_H1_SCAN_H

#include "weir/base/compiler.h"

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

static inline char *h1_scan_name_bytes(char *p, const char *end)
{
	for (; p < end && h1_is(*p, H1_TOKEN); p++)
		*p = ascii_lower(*p);
	return p;
}

/* To the first byte that is no token character; what lies before is turned to lower case in place. */
static inline char *h1_scan_name(char *p, const char *end)
{
#ifdef H1_SSE2
	while (end - p >= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		__m128i upper = h1_range(x, 'A', 'Z');
		__m128i lower = _mm_or_si128(x, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
		__m128i common = _mm_or_si128(h1_range(lower, 'a', 'z'),
		    _mm_or_si128(h1_range(x, '0', '9'), _mm_cmpeq_epi8(x, _mm_set1_epi8('-'))));
		unsigned rare = (unsigned)_mm_movemask_epi8(common) ^ 0xffff;
		unsigned len = rare ? (unsigned)__builtin_ctz(rare) : 16;
		unsigned capitals = (unsigned)_mm_movemask_epi8(upper) & ((1u << len) - 1);
		/* One store a capital: a wide one would stall the loads that overlap it. */
		while (capitals) {
			p[__builtin_ctz(capitals)] |= 0x20;
			capitals &= capitals - 1;
		}
		p += len;
		if (rare)
			break;
	}
#endif
	return h1_scan_name_bytes(p, end);
}

#endif
