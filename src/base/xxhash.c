/* SPDX-License-Identifier: MIT */
/*
 * xxHash after its specification. All three read little-endian words; XXH32 and XXH64 run four lanes over
 * stripes, XXH3 has a form for each range of lengths and eight lanes from 241 bytes on.
 */
#include "weir/base/xxhash.h"

#define P32_1 0x9E3779B1u
#define P32_2 0x85EBCA77u
#define P32_3 0xC2B2AE3Du
#define P32_4 0x27D4EB2Fu
#define P32_5 0x165667B1u
#define P64_1 0x9E3779B185EBCA87ull
#define P64_2 0xC2B2AE3D27D4EB4Full
#define P64_3 0x165667B19E3779F9ull
#define P64_4 0x85EBCA77C2B2AE63ull
#define P64_5 0x27D4EB2F165667C5ull

static uint32_t read32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t read64(const uint8_t *p)
{
	return read32(p) | (uint64_t)read32(p + 4) << 32;
}

static uint32_t rotl32(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static uint64_t rotl64(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

/* ---- XXH32 ---- */

uint32_t xxhash_32(const void *bytes, size_t len, uint32_t seed)
{
	const uint8_t *p = bytes;
	size_t left = len;
	uint32_t h = seed + P32_5;
	if (len >= 16) {
		uint32_t v[4] = { seed + P32_1 + P32_2, seed + P32_2, seed, seed - P32_1 };
		for (; left >= 16; left -= 16) {
			for (int i = 0; i < 4; i++, p += 4)
				v[i] = rotl32(v[i] + read32(p) * P32_2, 13) * P32_1;
		}
		h = rotl32(v[0], 1) + rotl32(v[1], 7) + rotl32(v[2], 12) + rotl32(v[3], 18);
	}
	h += (uint32_t)len;
	for (; left >= 4; left -= 4, p += 4)
		h = rotl32(h + read32(p) * P32_3, 17) * P32_4;
	for (; left; left--, p++)
		h = rotl32(h + *p * P32_5, 11) * P32_1;
	h = (h ^ h >> 15) * P32_2;
	h = (h ^ h >> 13) * P32_3;
	return h ^ h >> 16;
}

/* ---- XXH64 ---- */

static uint64_t round64(uint64_t acc, uint64_t input)
{
	return rotl64(acc + input * P64_2, 31) * P64_1;
}

static uint64_t avalanche64(uint64_t h)
{
	h = (h ^ h >> 33) * P64_2;
	h = (h ^ h >> 29) * P64_3;
	return h ^ h >> 32;
}

uint64_t xxhash_64(const void *bytes, size_t len, uint64_t seed)
{
	const uint8_t *p = bytes;
	size_t left = len;
	uint64_t h = seed + P64_5;
	if (len >= 32) {
		uint64_t v[4] = { seed + P64_1 + P64_2, seed + P64_2, seed, seed - P64_1 };
		for (; left >= 32; left -= 32) {
			for (int i = 0; i < 4; i++, p += 8)
				v[i] = round64(v[i], read64(p));
		}
		h = rotl64(v[0], 1) + rotl64(v[1], 7) + rotl64(v[2], 12) + rotl64(v[3], 18);
		for (int i = 0; i < 4; i++)
			h = (h ^ round64(0, v[i])) * P64_1 + P64_4;
	}
	h += len;
	for (; left >= 8; left -= 8, p += 8)
		h = rotl64(h ^ round64(0, read64(p)), 27) * P64_1 + P64_4;
	if (left >= 4) {
		h = rotl64(h ^ read32(p) * P64_1, 23) * P64_2 + P64_3;
		left -= 4;
		p += 4;
	}
	for (; left; left--, p++)
		h = rotl64(h ^ *p * P64_5, 11) * P64_1;
	return avalanche64(h);
}

/* ---- XXH3 ---- */

#define SECRET_LEN 192
#define STRIPE	   64
#define LANES	   8

static const uint8_t secret0[SECRET_LEN] = {
	0xb8,
	0xfe,
	0x6c,
	0x39,
	0x23,
	0xa4,
	0x4b,
	0xbe,
	0x7c,
	0x01,
	0x81,
	0x2c,
	0xf7,
	0x21,
	0xad,
	0x1c,
	0xde,
	0xd4,
	0x6d,
	0xe9,
	0x83,
	0x90,
	0x97,
	0xdb,
	0x72,
	0x40,
	0xa4,
	0xa4,
	0xb7,
	0xb3,
	0x67,
	0x1f,
	0xcb,
	0x79,
	0xe6,
	0x4e,
	0xcc,
	0xc0,
	0xe5,
	0x78,
	0x82,
	0x5a,
	0xd0,
	0x7d,
	0xcc,
	0xff,
	0x72,
	0x21,
	0xb8,
	0x08,
	0x46,
	0x74,
	0xf7,
	0x43,
	0x24,
	0x8e,
	0xe0,
	0x35,
	0x90,
	0xe6,
	0x81,
	0x3a,
	0x26,
	0x4c,
	0x3c,
	0x28,
	0x52,
	0xbb,
	0x91,
	0xc3,
	0x00,
	0xcb,
	0x88,
	0xd0,
	0x65,
	0x8b,
	0x1b,
	0x53,
	0x2e,
	0xa3,
	0x71,
	0x64,
	0x48,
	0x97,
	0xa2,
	0x0d,
	0xf9,
	0x4e,
	0x38,
	0x19,
	0xef,
	0x46,
	0xa9,
	0xde,
	0xac,
	0xd8,
	0xa8,
	0xfa,
	0x76,
	0x3f,
	0xe3,
	0x9c,
	0x34,
	0x3f,
	0xf9,
	0xdc,
	0xbb,
	0xc7,
	0xc7,
	0x0b,
	0x4f,
	0x1d,
	0x8a,
	0x51,
	0xe0,
	0x4b,
	0xcd,
	0xb4,
	0x59,
	0x31,
	0xc8,
	0x9f,
	0x7e,
	0xc9,
	0xd9,
	0x78,
	0x73,
	0x64,
	0xea,
	0xc5,
	0xac,
	0x83,
	0x34,
	0xd3,
	0xeb,
	0xc3,
	0xc5,
	0x81,
	0xa0,
	0xff,
	0xfa,
	0x13,
	0x63,
	0xeb,
	0x17,
	0x0d,
	0xdd,
	0x51,
	0xb7,
	0xf0,
	0xda,
	0x49,
	0xd3,
	0x16,
	0x55,
	0x26,
	0x29,
	0xd4,
	0x68,
	0x9e,
	0x2b,
	0x16,
	0xbe,
	0x58,
	0x7d,
	0x47,
	0xa1,
	0xfc,
	0x8f,
	0xf8,
	0xb8,
	0xd1,
	0x7a,
	0xd0,
	0x31,
	0xce,
	0x45,
	0xcb,
	0x3a,
	0x8f,
	0x95,
	0x16,
	0x04,
	0x28,
	0xaf,
	0xd7,
	0xfb,
	0xca,
	0xbb,
	0x4b,
	0x40,
	0x7e,
};

/* Both halves of the 128-bit product, folded into one. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t avalanche3(uint64_t h)
{
	h = (h ^ h >> 37) * 0x165667919E3779F9ull;
	return h ^ h >> 32;
}

static uint64_t short3(const uint8_t *p, size_t len, uint64_t seed)
{
	const uint8_t *s = secret0;
	if (len > 8) {
		uint64_t lo = read64(p) ^ ((read64(s + 24) ^ read64(s + 32)) + seed);
		uint64_t hi = read64(p + len - 8) ^ ((read64(s + 40) ^ read64(s + 48)) - seed);
		return avalanche3(len + __builtin_bswap64(lo) + hi + fold(lo, hi));
	}
	if (len >= 4) {
		seed ^= (uint64_t)__builtin_bswap32((uint32_t)seed) << 32;
		uint64_t in = read32(p + len - 4) + ((uint64_t)read32(p) << 32);
		uint64_t h = in ^ ((read64(s + 8) ^ read64(s + 16)) - seed);
		h ^= rotl64(h, 49) ^ rotl64(h, 24);
		h *= 0x9FB21C651E98DF25ull;
		h ^= (h >> 35) + len;
		h *= 0x9FB21C651E98DF25ull;
		return h ^ h >> 28;
	}
	if (len) {
		uint64_t in = (uint64_t)p[0] << 16 | (uint64_t)p[len >> 1] << 24 | p[len - 1] |
			      (uint64_t)len << 8;
		return avalanche64(in ^ ((read32(s) ^ read32(s + 4)) + seed));
	}
	return avalanche64(seed ^ read64(s + 56) ^ read64(s + 64));
}

static uint64_t mix16(const uint8_t *p, const uint8_t *s, uint64_t seed)
{
	return fold(read64(p) ^ (read64(s) + seed), read64(p + 8) ^ (read64(s + 8) - seed));
}

/* 17 to 128 bytes: pairs from both ends inwards. */
static uint64_t pairs3(const uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t acc = len * P64_1;
	for (size_t i = (len - 1) / 32 + 1; i-- > 0;) {
		acc += mix16(p + 16 * i, secret0 + 32 * i, seed);
		acc += mix16(p + len - 16 * (i + 1), secret0 + 32 * i + 16, seed);
	}
	return avalanche3(acc);
}

/* 129 to 240 bytes. */
static uint64_t middle3(const uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t acc = len * P64_1;
	for (size_t i = 0; i < 8; i++)
		acc += mix16(p + 16 * i, secret0 + 16 * i, seed);
	acc = avalanche3(acc);
	for (size_t i = 8; i < len / 16; i++)
		acc += mix16(p + 16 * i, secret0 + 16 * (i - 8) + 3, seed);
	acc += mix16(p + len - 16, secret0 + 136 - 17, seed);
	return avalanche3(acc);
}

static void accumulate(uint64_t acc[LANES], const uint8_t *p, const uint8_t *s)
{
	for (size_t i = 0; i < LANES; i++) {
		uint64_t v = read64(p + 8 * i), key = v ^ read64(s + 8 * i);
		acc[i ^ 1] += v;
		acc[i] += (key & 0xffffffff) * (key >> 32);
	}
}

static uint64_t long3(const uint8_t *p, size_t len, uint64_t seed)
{
	const size_t per_block = (SECRET_LEN - STRIPE) / 8;
	uint64_t acc[LANES] = { P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1 };
	uint8_t s[SECRET_LEN];
	for (size_t i = 0; i < SECRET_LEN; i += 8) {
		uint64_t word = read64(secret0 + i) + (i % 16 ? -seed : seed);
		for (unsigned b = 0; b < 8; b++)
			s[i + b] = (uint8_t)(word >> 8 * b);
	}
	/* The last stripe is always done apart, so the stripes before it begin below len - 1. */
	size_t stripes = (len - 1) / STRIPE;
	for (size_t n = 0; n < stripes; n++) {
		accumulate(acc, p + n * STRIPE, s + n % per_block * 8);
		if (n % per_block != per_block - 1)
			continue;
		for (size_t i = 0; i < LANES; i++) {
			acc[i] ^= acc[i] >> 47;
			acc[i] = (acc[i] ^ read64(s + SECRET_LEN - STRIPE + 8 * i)) * P32_1;
		}
	}
	accumulate(acc, p + len - STRIPE, s + SECRET_LEN - STRIPE - 7);
	uint64_t h = len * P64_1;
	for (size_t i = 0; i < LANES; i += 2)
		h += fold(acc[i] ^ read64(s + 11 + 8 * i), acc[i + 1] ^ read64(s + 19 + 8 * i));
	return avalanche3(h);
}

uint64_t xxhash_3(const void *bytes, size_t len, uint64_t seed)
{
	if (len <= 16)
		return short3(bytes, len, seed);
	if (len <= 128)
		return pairs3(bytes, len, seed);
	return len <= 240 ? middle3(bytes, len, seed) : long3(bytes, len, seed);
}
