/* SPDX-License-Identifier: MIT */
/*
 * The xxHash family (XXH32, XXH64, XXH3 with 64 bits), after its published specification. Fast and well mixed,
 * not for security. Values are the same on every machine.
 */
#ifndef WEIR_BASE_XXHASH_H
#define WEIR_BASE_XXHASH_H

#include "weir/base/compiler.h"

uint32_t xxhash_32(const void *bytes, size_t len, uint32_t seed);
uint64_t xxhash_64(const void *bytes, size_t len, uint64_t seed);
uint64_t xxhash_3(const void *bytes, size_t len, uint64_t seed);

#endif
