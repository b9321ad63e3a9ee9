/* SPDX-License-Identifier: MIT */
/*
 * Hashes whose values are part of the configuration language (configuration manual: hash-type; the converters
 * sdbm, djb2, wt6, crc32, crc32c): stable for ever, not for tables that a peer can fill.
 */
#ifndef WEIR_BASE_KEYHASH_H
#define WEIR_BASE_KEYHASH_H

#include "weir/base/compiler.h"

uint32_t hash_sdbm(const void *bytes, size_t len);
uint32_t hash_djb2(const void *bytes, size_t len);
uint32_t hash_wt6(const void *bytes, size_t len);
uint32_t hash_crc32(const void *bytes, size_t len);
uint32_t hash_crc32c(const void *bytes, size_t len);
/* Spreads every bit of a hash over all others. */
uint32_t hash_avalanche(uint32_t h);

#endif
