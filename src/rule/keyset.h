/* SPDX-License-Identifier: MIT */
/*
 * Hash table of patterns by their keys, with the list of the lengths that occur. Any number of workers search it
 * while one writer (under its list's lock) changes it: a slot is one word, a table that became too small is
 * copied and replaced, and what was replaced is freed when all workers have begun another turn. Exact strings ask
 * once, prefixes, suffixes and networks once a length.
 */
#ifndef WEIR_RULE_KEYSET_H
#define WEIR_RULE_KEYSET_H

#include "pattern.h"

struct keyset_table;

struct keyset_lengths {
	unsigned n;
	unsigned v[]; /* distinct, longest first */
};

struct keyset {
	_Atomic(struct keyset_table *) table; /* NULL: empty */
	_Atomic(struct keyset_lengths *) lengths;
	size_t used; /* slots that are or were taken; writer only */
	size_t live; /* distinct keys; writer only */
	bool fold;   /* without regard to case */
	bool by_length;
};

void keyset_init(struct keyset *k, bool fold, bool by_length);
/* Frees the tables, not the patterns. Nobody searches any more. */
void keyset_done(struct keyset *k);
/* Room for n keys at once. 0 or -ENOMEM. w: the calling worker, NULL while nobody else can see k. */
int keyset_reserve(struct keyset *k, struct worker *w, size_t n);
/* length: of the key, for lengths; what an equal key holds stays in front. 0 or -ENOMEM. */
int keyset_add(struct keyset *k, struct worker *w, struct pattern *p, unsigned length);
/* Takes out the pattern of that entry; NULL: there is none. It may still be read in this turn. */
struct pattern *keyset_remove(struct keyset *k, const struct pattern_entry *e, struct slice key);
/* Calls fn for all patterns, which it may free. */
void keyset_each(struct keyset *k, void (*fn)(struct pattern *p, void *arg), void *arg);
const struct pattern *keyset_find(const struct keyset *k, struct slice key);
/* NULL: none. */
static inline const struct keyset_lengths *keyset_lengths(const struct keyset *k)
{
	return atomic_load_explicit(&k->lengths, memory_order_acquire);
}

/* Place of its entry in the list. */
uint64_t pattern_order(const struct pattern *p);
/* Frees ptr with fn when no worker can see it any more; at once without w. ptr may be NULL. */
void pattern_retire(struct worker *w, void (*fn)(void *ptr), void *ptr);

#endif
