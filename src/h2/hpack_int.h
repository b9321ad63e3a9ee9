/* SPDX-License-Identifier: MIT */
/* Tables of HPACK, private to src/h2. */
#ifndef WEIR_SRC_H2_HPACK_INT_H
#define WEIR_SRC_H2_HPACK_INT_H

#include "weir/h2/hpack.h"

/* ---- hpack_static.c ---- */

#define HPACK_STATIC_N 61

struct hpack_static {
	struct slice name, value;
	uint8_t id; /* enum http_hdr_id */
};

extern const struct hpack_static hpack_static[HPACK_STATIC_N + 1]; /* from 1 on */
/* First row with that name; 0: none. */
unsigned hpack_static_name(unsigned id, struct slice name);

/* ---- hpack_table.c: the dynamic table ---- */

struct hpack_entry {
	struct slice name, value;
	struct hpack_memo *memo;
};

/* Number 0 is the newest. Text that is in two pieces is put together in scratch. HPACK_FIELD, or what is wrong. */
enum hpack_result hpack_table_get(
    struct hpack_table *t, uint32_t number, struct hpack_scratch *scratch, struct hpack_entry *ret);
/*
 * Adds an entry, which must not lie in the table, and lets old ones go so that all are at most size_max. Makes the
 * table when there is none. *ret_memo is NULL where it is too large and the table now empty. False: no memory.
 */
bool hpack_table_add(struct hpack_table **t, uint32_t size_max, const struct hpack_field *f,
    struct hpack_memo **ret_memo);
void hpack_table_shrink(struct hpack_table *t, uint32_t size_max);
size_t hpack_table_memory(const struct hpack_table *t);
/* Room for so many bytes; false: no memory. What was in it is lost. */
bool hpack_scratch_reserve(struct hpack_scratch *s, size_t size);

/* ---- hpack_codes.c ---- */

struct hpack_code {
	uint32_t code;
	uint8_t bits;
};

extern const struct hpack_code hpack_codes[256];

/* By the next eight bits: a symbol whose code is no longer than that; bits 0: it is longer. */
struct hpack_short {
	uint8_t symbol, bits;
};

extern const struct hpack_short hpack_shorts[256];

/* Longer codes are consecutive numbers among those of their length. */
struct hpack_long {
	uint32_t end; /* the first code beyond them, at the upper end of 32 bits */
	uint32_t first;
	uint8_t bits;
	uint8_t at; /* of their symbols, in hpack_long_symbols */
};

#define HPACK_LONG_LENGTHS 17
extern const struct hpack_long hpack_longs[HPACK_LONG_LENGTHS];
extern const uint8_t hpack_long_symbols[];

#endif
