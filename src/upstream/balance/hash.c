/* SPDX-License-Identifier: MIT */
/* From a key's bytes to its hash, as "hash-type" says. Pure functions. */
#include "balance_internal.h"

/* Decimal digits as a number, as far as they go: the key was hashed by whoever wrote it. */
static uint32_t as_number(const uint8_t *p, size_t len)
{
	uint32_t v = 0;
	for (size_t i = 0; i < len && ascii_is_digit((char)p[i]); i++)
		v = v * 10 + (p[i] - '0');
	return v;
}

uint32_t hash_modify(const struct hash_conf *h, uint32_t hash)
{
	return h->avalanche ? hash32_avalanche(hash) : hash;
}

uint32_t balance_hash(const struct hash_conf *h, const void *bytes, size_t len)
{
	switch (h->function) {
	case HASH_SDBM:
		return hash_modify(h, hash32_sdbm(bytes, len));
	case HASH_DJB2:
		return hash_modify(h, hash32_djb2(bytes, len));
	case HASH_WT6:
		return hash_modify(h, hash32_wt6(bytes, len));
	case HASH_CRC32:
		return hash_modify(h, hash32_crc32(bytes, len));
	case HASH_NONE:
		return hash_modify(h, as_number(bytes, len));
	}
	return 0;
}
