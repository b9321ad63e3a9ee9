/* SPDX-License-Identifier: MIT */
/*
 * Index of patterns by bytes: a hash table plus the list of the lengths that occur. Exact strings ask once,
 * prefixes, suffixes and networks once a length, longest first. Built once, then read by all workers.
 */
#ifndef WEIR_RULE_KEYSET_H
#define WEIR_RULE_KEYSET_H

#include "pattern.h"

struct keyset {
	struct pattern **slots; /* NULL: empty */
	size_t mask;
	unsigned *lengths; /* distinct, longest first */
	unsigned lengths_n;
	bool fold;
};

typedef struct slice pattern_key_fn(const struct pattern *p);

/*
 * Indexes those of the list that pick() takes (the first of equal keys stays); fold: without regard to case.
 * 0 or -ENOMEM.
 */
int keyset_build(struct keyset *k, struct arena *arena, const struct pattern *list, bool which,
    bool (*pick)(const struct pattern *p, bool which), bool fold, pattern_key_fn *key,
    unsigned (*length)(const struct pattern *p));
const struct pattern *keyset_find(const struct keyset *k, struct slice key, pattern_key_fn *key_of);

#endif
