/* SPDX-License-Identifier: MIT */
/*
 * Open addressing with linear probing at half load; the table never changes once built.
 */
#include "keyset.h"

#include <errno.h>

#include "weir/base/htab.h"

static uint64_t key_hash(const struct keyset *k, struct slice key)
{
	return k->fold ? hash_bytes_fold(key.ptr, key.len) : hash_bytes(key.ptr, key.len);
}

static bool key_eq(const struct keyset *k, struct slice a, struct slice b)
{
	return k->fold ? slice_ieq(a, b) : slice_eq(a, b);
}

const struct pattern *keyset_find(const struct keyset *k, struct slice key, pattern_key_fn *key_of)
{
	if (!k->slots)
		return NULL;
	for (size_t i = key_hash(k, key) & k->mask;; i = (i + 1) & k->mask) {
		const struct pattern *p = k->slots[i];
		if (!p)
			return NULL;
		if (key_eq(k, key_of(p), key))
			return p;
	}
}

static int longest_first(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Sorts and drops repeated lengths. */
static void lengths_pack(struct keyset *k)
{
	unsigned n = 0;
	qsort(k->lengths, k->lengths_n, sizeof(*k->lengths), longest_first);
	for (unsigned i = 0; i < k->lengths_n; i++) {
		if (n == 0 || k->lengths[n - 1] != k->lengths[i])
			k->lengths[n++] = k->lengths[i];
	}
	k->lengths_n = n;
}

int keyset_build(struct keyset *k, struct arena *arena, const struct pattern *list, bool which,
    bool (*pick)(const struct pattern *p, bool which), bool fold, pattern_key_fn *key,
    unsigned (*length)(const struct pattern *p))
{
	size_t count = 0, size = 8;
	*k = (struct keyset){ .fold = fold };
	for (const struct pattern *p = list; p; p = p->next)
		count += pick(p, which);
	if (count == 0)
		return 0;
	while (size < count * 2)
		size *= 2;
	struct pattern **slots = arena_array(arena, struct pattern *, size);
	k->lengths = arena_array(arena, unsigned, count);
	if (!slots || !k->lengths)
		return -ENOMEM;
	k->mask = size - 1;
	k->slots = slots;
	for (const struct pattern *p = list; p; p = p->next) {
		if (!pick(p, which) || keyset_find(k, key(p), key))
			continue;
		size_t i = key_hash(k, key(p)) & k->mask;
		while (slots[i])
			i = (i + 1) & k->mask;
		slots[i] = (struct pattern *)p;
		k->lengths[k->lengths_n++] = length(p);
	}
	lengths_pack(k);
	return 0;
}
