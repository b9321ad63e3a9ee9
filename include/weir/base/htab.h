/* SPDX-License-Identifier: MIT */
/*
 * Hash table with intrusive nodes and caller-computed 64-bit hashes; chains, grows by doubling. The caller
 * compares keys. Not thread safe.
 */
#ifndef WEIR_BASE_HTAB_H
#define WEIR_BASE_HTAB_H

#include "weir/base/slice.h"

struct htab_node {
	struct htab_node *next;
	uint64_t hash;
};

struct htab {
	struct htab_node **buckets;
	size_t mask; /* buckets - 1; 0 while empty */
	size_t count;
};

#define HTAB_INIT ((struct htab){ .buckets = NULL })

/* Frees the buckets, not the nodes. */
void htab_done(struct htab *t);
/* 0 or -ENOMEM. Duplicates are the caller's business. */
WEIR_NODISCARD int htab_insert(struct htab *t, struct htab_node *node, uint64_t hash);
void htab_remove(struct htab *t, struct htab_node *node);
/* First node of the chain that has this hash, then the next one with the same hash, or NULL. */
struct htab_node *htab_first(const struct htab *t, uint64_t hash);
struct htab_node *htab_next(const struct htab_node *node);

/*
 * Hash of bytes for tables: fast, seeded once a process from the kernel's randomness so that a peer cannot aim
 * at one chain. Its values are never shown or stored.
 */
uint64_t hash_bytes(const void *bytes, size_t len);
/* The same over ASCII lower case. */
uint64_t hash_bytes_fold(const void *bytes, size_t len);

static inline uint64_t hash_slice(struct slice s)
{
	return hash_bytes(s.ptr, s.len);
}

#endif
