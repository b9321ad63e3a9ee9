/* SPDX-License-Identifier: MIT */
/*
 * 32-bit hashes of the configuration language: sdbm, djb2, wt6, crc32, and the avalanche step that may follow.
 * Not for hash tables: a peer can aim at them (see htab.h).
 */
#ifndef WEIR_BASE_HASH32_H
#define WEIR_BASE_HASH32_H

#include "weir/base/compiler.h"

uint32_t hash32_sdbm(const void *bytes, size_t len);
uint32_t hash32_djb2(const void *bytes, size_t len);
uint32_t hash32_wt6(const void *bytes, size_t len);
/* CRC-32 of Ethernet and gzip. */
uint32_t hash32_crc32(const void *bytes, size_t len);
uint32_t hash32_crc32c(const void *bytes, size_t len);
/* Scrambles a hash so that each bit reaches all others. */
uint32_t hash32_avalanche(uint32_t h);

#endif
