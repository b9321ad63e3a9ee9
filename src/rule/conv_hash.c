/* SPDX-License-Identifier: MIT */
/*
 * Hashes as converters. Values are part of the configuration language: fleets compare them, so they never change.
 */
#include "rule_int.h"

uint32_t hash_sdbm_text(struct slice s)
{
	uint32_t h = 0;
	for (size_t i = 0; i < s.len; i++)
		h = (unsigned char)s.ptr[i] + (h << 6) + (h << 16) - h;
	return h;
}

static uint32_t hash_djb2_text(struct slice s)
{
	uint32_t h = 5381;
	for (size_t i = 0; i < s.len; i++)
		h = (h << 5) + h + (unsigned char)s.ptr[i];
	return h;
}

static uint32_t rotate(uint32_t v, unsigned by)
{
	by &= 31;
	return by ? v << by | v >> (32 - by) : v;
}

/* Two words that feed each other, rotated by amounts that depend on the data. */
static uint32_t hash_wt6_text(struct slice s)
{
	uint32_t a = 0xa53c965a, b = 0x5ca6953a;
	unsigned step_a = 6, step_b = 18;
	for (size_t i = 0; i < s.len; i++) {
		uint32_t c = (unsigned char)s.ptr[i];
		a = ~(a ^ c);
		b = ~(b + c);
		uint32_t t = rotate(b, step_a);
		b = rotate(a, step_b);
		a = t;
		t = (a >> 16 ^ b) & 0xffff;
		step_a = t & 0x1f;
		step_b = t >> 11;
	}
	return a ^ b;
}

static uint32_t crc_bits(struct slice s, uint32_t polynomial)
{
	uint32_t crc = ~0u;
	for (size_t i = 0; i < s.len; i++) {
		crc ^= (unsigned char)s.ptr[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
	}
	return ~crc;
}

static uint32_t hash_crc32_text(struct slice s)
{
	return crc_bits(s, 0xedb88320);
}

static uint32_t hash_crc32c_text(struct slice s)
{
	return crc_bits(s, 0x82f63b78);
}

/* Spreads every bit over all others: Bob Jenkins' 32-bit integer hash, times a prime near 3/4 of the range. */
uint32_t hash_avalanche(uint32_t a)
{
	a = (a + 0x7ed55d16) + (a << 12);
	a = (a ^ 0xc761c23c) ^ (a >> 19);
	a = (a + 0x165667b1) + (a << 5);
	a = (a + 0xd3a2646c) ^ (a << 9);
	a = (a + 0xfd7046c5) + (a << 3);
	a = (a ^ 0xb55a4f09) ^ (a >> 16);
	return a * 3221225473u;
}

enum hash { HASH_SDBM, HASH_DJB2, HASH_WT6, HASH_CRC32, HASH_CRC32C };

static uint32_t (*const functions[])(struct slice s) = {
	[HASH_SDBM] = hash_sdbm_text,
	[HASH_DJB2] = hash_djb2_text,
	[HASH_WT6] = hash_wt6_text,
	[HASH_CRC32] = hash_crc32_text,
	[HASH_CRC32C] = hash_crc32c_text,
};

static bool conv_hash(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint32_t h = functions[data](s->str);
	if (args_has(args, 0) && args->v[0].num)
		h = hash_avalanche(h);
	return ret_int(s, h);
}

#define HASH(keyword, number, text)                                                                \
	{                                                                                          \
		.name = keyword, .in = SMP_BIN, .out = SMP_SINT, .args = { ARG_UINT },             \
		.eval = conv_hash, .data = number, .usage = "[<avalanche>]", .help = text          \
	}

const struct conv_row conv_hash_rows[] = {
	HASH("sdbm", HASH_SDBM, "SDBM hash, 32 bits"),
	HASH("djb2", HASH_DJB2, "DJB2 hash, 32 bits"),
	HASH("wt6", HASH_WT6, "WT6 hash, 32 bits"),
	HASH("crc32", HASH_CRC32, "CRC-32 of Ethernet and gzip"),
	HASH("crc32c", HASH_CRC32C, "CRC-32C (Castagnoli)"),
	{ .name = NULL },
};
