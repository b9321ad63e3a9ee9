/* SPDX-License-Identifier: MIT */
/*
 * Hashes as converters. Values are part of the configuration language: fleets compare them, so they never change.
 */
#include "tables.h"
#include "weir/base/hash32.h"
#include "weir/base/xxhash.h"

enum hash { HASH_SDBM, HASH_DJB2, HASH_WT6, HASH_CRC32, HASH_CRC32C };

static uint32_t (*const functions[])(const void *bytes, size_t len) = {
	[HASH_SDBM] = hash32_sdbm,
	[HASH_DJB2] = hash32_djb2,
	[HASH_WT6] = hash32_wt6,
	[HASH_CRC32] = hash32_crc32,
	[HASH_CRC32C] = hash32_crc32c,
};

static bool conv_hash(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint32_t h = functions[data](s->str.ptr, s->str.len);
	if (args_has(args, 0) && args->v[0].num)
		h = hash32_avalanche(h);
	return ret_int(s, h);
}

/* data: 32, 64, or 3; the 64-bit ones are shown as signed integers. */
static bool conv_xxhash(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint64_t seed = args_has(args, 0) ? (uint64_t)args->v[0].num : 0;
	if (data == 32)
		return ret_int(s, xxhash_32(s->str.ptr, s->str.len, (uint32_t)seed));
	if (data == 64)
		return ret_int(s, (int64_t)xxhash_64(s->str.ptr, s->str.len, seed));
	return ret_int(s, (int64_t)xxhash_3(s->str.ptr, s->str.len, seed));
}

#define XXHASH(keyword, number, text)                                                              \
	{                                                                                          \
		.name = keyword, .in = SMP_BIN, .out = SMP_SINT, .args = { ARG_SINT },             \
		.eval = conv_xxhash, .data = number, .usage = "[<seed>]", .help = text             \
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
	XXHASH("xxh32", 32, "xxHash, 32 bits"),
	XXHASH("xxh64", 64, "xxHash, 64 bits, as a signed integer"),
	XXHASH("xxh3", 3, "XXH3, 64 bits, as a signed integer"),
	{ .name = NULL },
};
