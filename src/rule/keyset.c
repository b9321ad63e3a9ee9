/* SPDX-License-Identifier: MIT */
/*
 * Open addressing with linear probing at up to half load. A slot holds the pattern's address with the upper
 * bits of its key's hash in the 16 bits that addresses leave free, so that a search follows a pointer only when
 * it has very likely found what it looks for.
 */
#include "keyset.h"

#include <errno.h>

#include "weir/base/htab.h"

#define ADDRESS_BITS 48
#define ADDRESS_MASK ((1ULL << ADDRESS_BITS) - 1)
#define SLOT_EMPTY   0
#define SLOT_DEAD    1 /* was taken: searches go on behind it */
#define SLOTS_MIN    16

struct keyset_table {
	size_t mask;
	atomic_ullong slots[];
};

void pattern_retire(struct worker *w, void (*fn)(void *ptr), void *ptr)
{
	if (!ptr)
		return;
	if (w && w->group)
		worker_retire(w, fn, ptr);
	else
		fn(ptr);
}

static uint64_t key_hash(const struct keyset *k, struct slice key)
{
	return k->fold ? hash_bytes_fold(key.ptr, key.len) : hash_bytes(key.ptr, key.len);
}

static bool key_eq(const struct keyset *k, struct slice a, struct slice b)
{
	return a.len == b.len && (k->fold ? slice_ieq(a, b) : slice_eq(a, b));
}

static struct pattern *slot_pattern(unsigned long long slot)
{
	return (struct pattern *)(uintptr_t)(slot & ADDRESS_MASK);
}

static unsigned long long slot_make(struct pattern *p, uint64_t hash)
{
	return (uintptr_t)p | (hash & ~ADDRESS_MASK);
}

static bool slot_is_taken(unsigned long long slot)
{
	return slot != SLOT_EMPTY && slot != SLOT_DEAD;
}

void keyset_init(struct keyset *k, bool fold, bool by_length)
{
	atomic_init(&k->table, NULL);
	atomic_init(&k->lengths, NULL);
	k->used = 0;
	k->live = 0;
	k->fold = fold;
	k->by_length = by_length;
}

void keyset_done(struct keyset *k)
{
	free(atomic_load_explicit(&k->table, memory_order_relaxed));
	free(atomic_load_explicit(&k->lengths, memory_order_relaxed));
}

/* The slot that holds the key, or NULL. */
static atomic_ullong *slot_of(
    const struct keyset *k, struct keyset_table *t, uint64_t hash, struct slice key)
{
	for (size_t i = hash & t->mask;; i = (i + 1) & t->mask) {
		unsigned long long slot = atomic_load_explicit(&t->slots[i], memory_order_acquire);
		if (slot == SLOT_EMPTY)
			return NULL;
		if (((slot ^ hash) & ~ADDRESS_MASK) || slot == SLOT_DEAD)
			continue;
		if (key_eq(k, slot_pattern(slot)->key, key))
			return &t->slots[i];
	}
}

const struct pattern *keyset_find(const struct keyset *k, struct slice key)
{
	struct keyset_table *t = atomic_load_explicit(&k->table, memory_order_acquire);
	if (!t)
		return NULL;
	const atomic_ullong *slot = slot_of(k, t, key_hash(k, key), key);
	/* It may have been emptied or given to another pattern of the same key since. */
	unsigned long long found = slot ? atomic_load_explicit(slot, memory_order_acquire) : 0;
	return slot_is_taken(found) ? slot_pattern(found) : NULL;
}

/* ---- writer ---- */

static void put_free(struct keyset_table *t, unsigned long long slot, uint64_t hash)
{
	size_t i = hash & t->mask;
	while (atomic_load_explicit(&t->slots[i], memory_order_relaxed) != SLOT_EMPTY)
		i = (i + 1) & t->mask;
	atomic_store_explicit(&t->slots[i], slot, memory_order_release);
}

int keyset_reserve(struct keyset *k, struct worker *w, size_t n)
{
	struct keyset_table *old = atomic_load_explicit(&k->table, memory_order_relaxed);
	if (old && (k->used + n) * 2 <= old->mask + 1)
		return 0;
	/* A table that grew once is likely to change on: it gets more room for that. */
	size_t size = SLOTS_MIN, want = (k->live + n) * (old ? 3 : 2);
	while (size < want)
		size *= 2;
	struct keyset_table *t = calloc(1, sizeof(*t) + size * sizeof(t->slots[0]));
	if (!t)
		return -ENOMEM;
	t->mask = size - 1;
	for (size_t i = 0; old && i <= old->mask; i++) {
		unsigned long long slot =
		    atomic_load_explicit(&old->slots[i], memory_order_relaxed);
		if (slot_is_taken(slot))
			put_free(t, slot, key_hash(k, slot_pattern(slot)->key));
	}
	k->used = k->live;
	atomic_store_explicit(&k->table, t, memory_order_release);
	pattern_retire(w, free, old);
	return 0;
}

/* Lengths never go away again: an extra look-up does no harm. */
static int add_length(struct keyset *k, struct worker *w, unsigned length)
{
	struct keyset_lengths *old = atomic_load_explicit(&k->lengths, memory_order_relaxed);
	unsigned n = old ? old->n : 0, at = 0;
	while (at < n && old->v[at] > length)
		at++;
	if (at < n && old->v[at] == length)
		return 0;
	struct keyset_lengths *l = malloc(sizeof(*l) + (n + 1) * sizeof(l->v[0]));
	if (!l)
		return -ENOMEM;
	l->n = n + 1;
	for (unsigned i = 0; i < n; i++)
		l->v[i + (i >= at)] = old->v[i];
	l->v[at] = length;
	atomic_store_explicit(&k->lengths, l, memory_order_release);
	pattern_retire(w, free, old);
	return 0;
}

int keyset_add(struct keyset *k, struct worker *w, struct pattern *p, unsigned length)
{
	uint64_t hash = key_hash(k, p->key);
	struct keyset_table *t = atomic_load_explicit(&k->table, memory_order_relaxed);
	atomic_ullong *slot = t ? slot_of(k, t, hash, p->key) : NULL;
	if (slot) {
		struct pattern *head =
		    slot_pattern(atomic_load_explicit(slot, memory_order_relaxed));
		p->same = head->same;
		head->same = p;
		return 0;
	}
	int r = k->by_length ? add_length(k, w, length) : 0;
	if (r == 0)
		r = keyset_reserve(k, w, 1);
	if (r < 0)
		return r;
	p->same = NULL;
	put_free(atomic_load_explicit(&k->table, memory_order_relaxed), slot_make(p, hash), hash);
	k->used++;
	k->live++;
	return 0;
}

/* Takes the oldest pattern out of a list. */
static struct pattern *take_oldest(struct pattern **list)
{
	struct pattern **oldest = list;
	for (struct pattern **p = list; *p; p = &(*p)->same) {
		if (pattern_order(*p) < pattern_order(*oldest))
			oldest = p;
	}
	struct pattern *taken = *oldest;
	if (taken)
		*oldest = taken->same;
	return taken;
}

struct pattern *keyset_remove(struct keyset *k, const struct pattern_entry *e, struct slice key)
{
	struct keyset_table *t = atomic_load_explicit(&k->table, memory_order_relaxed);
	uint64_t hash = key_hash(k, key);
	atomic_ullong *slot = t ? slot_of(k, t, hash, key) : NULL;
	if (!slot)
		return NULL;
	struct pattern *head = slot_pattern(atomic_load_explicit(slot, memory_order_relaxed));
	if (head->entry != e) {
		struct pattern **p = &head->same;
		while (*p && (*p)->entry != e)
			p = &(*p)->same;
		struct pattern *found = *p;
		if (found)
			*p = found->same;
		return found;
	}
	struct pattern *rest = head->same, *next = take_oldest(&rest);
	if (next)
		next->same = rest;
	else
		k->live--;
	atomic_store_explicit(slot, next ? slot_make(next, hash) : SLOT_DEAD, memory_order_release);
	return head;
}

void keyset_each(struct keyset *k, void (*fn)(struct pattern *p, void *arg), void *arg)
{
	struct keyset_table *t = atomic_load_explicit(&k->table, memory_order_relaxed);
	for (size_t i = 0; t && i <= t->mask; i++) {
		unsigned long long slot = atomic_load_explicit(&t->slots[i], memory_order_relaxed);
		struct pattern *p = slot_is_taken(slot) ? slot_pattern(slot) : NULL;
		while (p) {
			struct pattern *next = p->same;
			fn(p, arg);
			p = next;
		}
	}
}
