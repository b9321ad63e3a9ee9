/* SPDX-License-Identifier: MIT */
/*
 * XXH64, as the xxHash specification describes it: the hash behind dynamic cookies. Cookies that another
 * balancer of the fleet issued must be understood, so it is exactly that function, little-endian. Cold path.
 */
#include "upstream_internal.h"

#define P1 0x9e3779b185ebca87ull
#define P2 0xc2b2ae3d27d4eb4full
#define P3 0x165667b19e3779f9ull
#define P4 0x85ebca77c2b2ae63ull
#define P5 0x27d4eb2f165667c5ull

static uint64_t rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

/* n little-endian bytes, n at most 8. */
static uint64_t read_le(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static uint64_t lane(uint64_t acc, uint64_t in)
{
	return rotl(acc + in * P2, 31) * P1;
}

static uint64_t merge(uint64_t h, uint64_t acc)
{
	return (h ^ lane(0, acc)) * P1 + P4;
}

/* Stripes of 32 bytes; *p moves behind them. */
static uint64_t stripes(const uint8_t **p, const uint8_t *end, uint64_t seed)
{
	uint64_t acc[4] = { seed + P1 + P2, seed + P2, seed, seed - P1 };
	while (end - *p >= 32) {
		for (unsigned i = 0; i < 4; i++)
			acc[i] = lane(acc[i], read_le(*p + 8 * i, 8));
		*p += 32;
	}
	uint64_t h = rotl(acc[0], 1) + rotl(acc[1], 7) + rotl(acc[2], 12) + rotl(acc[3], 18);
	for (unsigned i = 0; i < 4; i++)
		h = merge(h, acc[i]);
	return h;
}

uint64_t xxh64(const void *bytes, size_t len, uint64_t seed)
{
	const uint8_t *p = bytes, *end = p + len;
	uint64_t h = len >= 32 ? stripes(&p, end, seed) : seed + P5;
	h += len;
	for (; end - p >= 8; p += 8)
		h = rotl(h ^ lane(0, read_le(p, 8)), 27) * P1 + P4;
	for (; end - p >= 4; p += 4)
		h = rotl(h ^ read_le(p, 4) * P1, 23) * P2 + P3;
	for (; p < end; p++)
		h = rotl(h ^ *p * P5, 11) * P1;
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}
