/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (RFC 3720, B.4), with the processor's instruction where there is one. The fallback takes four bits at
 * a time: headers are short and its table fits into one cache line.
 */
#include "pp_internal.h"

static uint32_t update_table(uint32_t crc, const uint8_t *p, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede,
		0x30e349b1, /* entry 8 is the reflected polynomial */
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, /**/
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, /**/
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75, /**/
	};
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t update_sse42(
    uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t state = crc;
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		state = __builtin_ia32_crc32di(state, word);
	}
	crc = (uint32_t)state;
	for (; len; p++, len--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#endif

uint32_t pp_crc32c_update(uint32_t crc, const void *bytes, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return update_sse42(crc, bytes, len);
#endif
	return update_table(crc, bytes, len);
}

uint32_t pp_crc32c_portable(const void *bytes, size_t len)
{
	return ~update_table(PP_CRC32C_START, bytes, len);
}

uint32_t pp_crc32c(const void *bytes, size_t len)
{
	return ~pp_crc32c_update(PP_CRC32C_START, bytes, len);
}
