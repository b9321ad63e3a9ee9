/* SPDX-License-Identifier: MIT */
/*
 * 32-bit hashes whose values are visible: they place requests on servers ("hash-type") and come out of
 * converters. Fleets compare them, so they never change. Pure functions.
 */
#include "weir/base/hash32.h"

uint32_t hash32_sdbm(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t h = 0;
	for (size_t i = 0; i < len; i++)
		h = p[i] + (h << 6) + (h << 16) - h;
	return h;
}

uint32_t hash32_djb2(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t h = 5381;
	for (size_t i = 0; i < len; i++)
		h = h * 33 + p[i];
	return h;
}

static uint32_t rotl(uint32_t v, unsigned by)
{
	return v << (by & 31) | v >> (-by & 31);
}

/* Two words that swap places each round, turned by distances taken from their own bits. */
uint32_t hash32_wt6(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t a = 0xa53c965a, b = 0x5ca6953a;
	unsigned turn_a = 6, turn_b = 18;
	for (size_t i = 0; i < len; i++) {
		uint32_t next_a = rotl(~(b + p[i]), turn_a);
		b = rotl(~(a ^ p[i]), turn_b);
		a = next_a;
		uint32_t mix = (a >> 16 ^ b) & 0xffff;
		turn_a = mix & 31;
		turn_b = mix >> 11;
	}
	return a ^ b;
}

/* CRC-32 of Ethernet and gzip, reflected polynomial 0xedb88320, four bits at a time. */
uint32_t hash32_crc32(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	static const uint32_t nibble[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8,
		0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
	uint32_t h = 0xffffffff;
	for (size_t i = 0; i < len; i++) {
		h ^= p[i];
		h = h >> 4 ^ nibble[h & 15];
		h = h >> 4 ^ nibble[h & 15];
	}
	return ~h;
}

/*
 * Bob Jenkins' 4-byte integer hash with full avalanche, and a multiplication that carries the two lowest bits
 * to the top: maps divide by the low bits, rings order by the high ones.
 */
uint32_t hash32_avalanche(uint32_t h)
{
	h = (h + 0x7ed55d16) + (h << 12);
	h = (h ^ 0xc761c23c) ^ (h >> 19);
	h = (h + 0x165667b1) + (h << 5);
	h = (h + 0xd3a2646c) ^ (h << 9);
	h = (h + 0xfd7046c5) + (h << 3);
	h = (h ^ 0xb55a4f09) ^ (h >> 16);
	return h * 0xc0000001u;
}

uint32_t hash32_crc32c(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t h = 0xffffffff;
	for (size_t i = 0; i < len; i++) {
		h ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			h = h >> 1 ^ (h & 1 ? 0x82f63b78 : 0);
	}
	return ~h;
}
