/* SPDX-License-Identifier: MIT */
/*
 * Chained hash table and the keyed hash behind it. The table is owned by one thread at a time; the hash's seed
 * is drawn once, at first use.
 */
#include "weir/base/htab.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#define MIN_BUCKETS 16

static uint64_t seed = 0x9ae16a3b2f90404fULL;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void draw_seed(void)
{
	uint64_t drawn;
	if (getrandom(&drawn, sizeof(drawn), GRND_NONBLOCK) == sizeof(drawn))
		seed = drawn;
}

void htab_done(struct htab *t)
{
	free(t->buckets);
	*t = HTAB_INIT;
}

static int grow(struct htab *t)
{
	size_t n = t->buckets ? (t->mask + 1) * 2 : MIN_BUCKETS;
	struct htab_node **buckets = calloc(n, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; t->buckets && i <= t->mask; i++) {
		struct htab_node *node = t->buckets[i];
		while (node) {
			struct htab_node *next = node->next;
			struct htab_node **slot = &buckets[node->hash & (n - 1)];
			node->next = *slot;
			*slot = node;
			node = next;
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->mask = n - 1;
	return 0;
}

int htab_insert(struct htab *t, struct htab_node *node, uint64_t hash)
{
	if (!t->buckets || t->count > t->mask) {
		int r = grow(t);
		if (r < 0)
			return r;
	}
	struct htab_node **slot = &t->buckets[hash & t->mask];
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	t->count++;
	return 0;
}

void htab_remove(struct htab *t, struct htab_node *node)
{
	if (!t->buckets)
		return;
	for (struct htab_node **p = &t->buckets[node->hash & t->mask]; *p; p = &(*p)->next) {
		if (*p == node) {
			*p = node->next;
			t->count--;
			return;
		}
	}
}

struct htab_node *htab_first(const struct htab *t, uint64_t hash)
{
	if (!t->buckets)
		return NULL;
	struct htab_node *node = t->buckets[hash & t->mask];
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct htab_node *htab_next(const struct htab_node *node)
{
	uint64_t hash = node->hash;
	node = node->next;
	while (node && node->hash != hash)
		node = node->next;
	return (struct htab_node *)node;
}

/* Multiply and fold: the 128-bit product's halves xored, the mixing step of the wyhash family. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const unsigned char *p, size_t n)
{
	uint64_t word = 0;
	memcpy(&word, p, n);
	return word;
}

/* Sets 0x20 in every byte that is an upper-case ASCII letter. */
static uint64_t fold_case(uint64_t word)
{
	uint64_t low7 = word & 0x7f7f7f7f7f7f7f7fULL;
	uint64_t ge_a = low7 + 0x3f3f3f3f3f3f3f3fULL; /* high bit: low7 >= 'A' */
	uint64_t gt_z = low7 + 0x2525252525252525ULL; /* high bit: low7 > 'Z' */
	uint64_t upper = (ge_a & ~gt_z & ~word) & 0x8080808080808080ULL;
	return word | (upper >> 2);
}

static uint64_t hash_words(const unsigned char *p, size_t len, bool fold)
{
	pthread_once(&seed_once, draw_seed);
	uint64_t h = seed ^ mix(len, 0xa0761d6478bd642fULL);
	while (len) {
		size_t n = MIN(len, (size_t)8);
		uint64_t word = load(p, n);
		if (fold)
			word = fold_case(word);
		h = mix(h ^ word, 0xe7037ed1a0b428dbULL);
		p += n;
		len -= n;
	}
	return mix(h, 0x8ebc6af09c88c6e3ULL);
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
	return hash_words(bytes, len, false);
}

uint64_t hash_bytes_fold(const void *bytes, size_t len)
{
	return hash_words(bytes, len, true);
}
