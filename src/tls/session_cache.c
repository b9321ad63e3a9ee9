/* SPDX-License-Identifier: MIT */
/*
 * The shared session cache. A shard is an array of blocks, linked by index: into the list of free ones, or into
 * entries, whose first block has the key and the links of its hash chain and of the order of use. Everything in a
 * shard is under its lock, held for the time of copying one session.
 */
#include "weir/tls/session_cache.h"

#include <pthread.h>

#include "weir/base/htab.h"

#define SHARDS_MAX 16
#define NONE	   UINT32_MAX
#define BODY	   (TLS_SESSION_BLOCK - sizeof(uint32_t))
#define HEAD	   (offsetof(struct block, head.data) - offsetof(struct block, data))

struct block {
	uint32_t next; /* of the entry, or of the free list */
	union {
		uint8_t data[BODY]; /* of a block behind the first */
		struct {
			uint32_t chain;	       /* next of the same bucket */
			uint32_t newer, older; /* by last use */
			uint32_t hash;
			int64_t expires_s __attribute__((packed));
			uint16_t len;
			uint8_t id_len;
			uint8_t id[TLS_SESSION_ID_MAX];
			uint8_t data[];
		} head;
	};
};

struct shard {
	pthread_mutex_t lock WEIR_CACHE_ALIGNED;
	struct block *blocks;
	uint32_t *buckets;
	uint32_t bucket_mask;
	uint32_t free, free_n;
	uint32_t newest, oldest;
	struct tls_cache_counters n;
};

struct tls_session_cache {
	unsigned shards; /* a power of two */
	struct shard shard[];
};

static bool shard_init(struct shard *s, uint32_t blocks)
{
	uint32_t buckets = 1;
	while (buckets < blocks)
		buckets *= 2;
	s->blocks = calloc(blocks, sizeof(struct block));
	s->buckets = malloc(buckets * sizeof(uint32_t));
	if (pthread_mutex_init(&s->lock, NULL) || !s->blocks || !s->buckets)
		return false;
	memset(s->buckets, 0xff, buckets * sizeof(uint32_t));
	s->bucket_mask = buckets - 1;
	for (uint32_t i = 0; i < blocks; i++)
		s->blocks[i].next = i + 1 < blocks ? i + 1 : NONE;
	s->free = 0;
	s->free_n = blocks;
	s->newest = s->oldest = NONE;
	return true;
}

struct tls_session_cache *tls_session_cache_new(unsigned blocks)
{
	/* each shard must hold a long session */
	unsigned shards = SHARDS_MAX;
	while (shards > 1 && blocks / shards < 2 * TLS_SESSION_MAX / TLS_SESSION_BLOCK)
		shards /= 2;
	if (!blocks)
		return NULL;
	size_t size = sizeof(struct tls_session_cache) + shards * sizeof(struct shard);
	struct tls_session_cache *c = aligned_alloc(
	    WEIR_CACHELINE, (size + WEIR_CACHELINE - 1) & ~(size_t)(WEIR_CACHELINE - 1));
	if (!c)
		return NULL;
	memset(c, 0, size);
	c->shards = shards;
	for (unsigned i = 0; i < shards; i++) {
		if (!shard_init(&c->shard[i], (blocks + shards - 1) / shards)) {
			tls_session_cache_free(c);
			return NULL;
		}
	}
	return c;
}

void tls_session_cache_free(struct tls_session_cache *c)
{
	for (unsigned i = 0; c && i < c->shards; i++) {
		free(c->shard[i].blocks);
		free(c->shard[i].buckets);
		pthread_mutex_destroy(&c->shard[i].lock);
	}
	free(c);
}

/* ---- within a shard, locked ---- */

static struct shard *shard_of(struct tls_session_cache *c, uint64_t hash)
{
	return &c->shard[(hash >> 32) & (c->shards - 1)];
}

static void lru_unlink(struct shard *s, uint32_t at)
{
	struct block *b = &s->blocks[at];
	if (b->head.newer == NONE)
		s->newest = b->head.older;
	else
		s->blocks[b->head.newer].head.older = b->head.older;
	if (b->head.older == NONE)
		s->oldest = b->head.newer;
	else
		s->blocks[b->head.older].head.newer = b->head.newer;
}

static void lru_push(struct shard *s, uint32_t at)
{
	struct block *b = &s->blocks[at];
	b->head.newer = NONE;
	b->head.older = s->newest;
	if (s->newest == NONE)
		s->oldest = at;
	else
		s->blocks[s->newest].head.newer = at;
	s->newest = at;
}

/* The index that leads to the entry in its bucket, so that it can be unlinked; it holds NONE when there is none. */
static uint32_t *find(struct shard *s, struct slice id, uint32_t hash)
{
	uint32_t *at = &s->buckets[hash & s->bucket_mask];
	for (; *at != NONE; at = &s->blocks[*at].head.chain) {
		const struct block *b = &s->blocks[*at];
		if (b->head.hash == hash && b->head.id_len == id.len &&
		    memcmp(b->head.id, id.ptr, id.len) == 0)
			break;
	}
	return at;
}

static void drop(struct shard *s, uint32_t *link)
{
	uint32_t first = *link, last = first;
	*link = s->blocks[first].head.chain;
	lru_unlink(s, first);
	s->free_n++;
	while (s->blocks[last].next != NONE) {
		last = s->blocks[last].next;
		s->free_n++;
	}
	s->blocks[last].next = s->free;
	s->free = first;
	s->n.sessions--;
}

static void drop_oldest(struct shard *s)
{
	const struct block *b = &s->blocks[s->oldest];
	drop(s, find(s, slice_make((const char *)b->head.id, b->head.id_len), b->head.hash));
	s->n.evicted++;
}

static uint32_t blocks_for(size_t len)
{
	size_t first = BODY - HEAD;
	return len <= first ? 1 : (uint32_t)(1 + (len - first + BODY - 1) / BODY);
}

/* Takes n blocks, linked; there are enough. */
static uint32_t take_blocks(struct shard *s, uint32_t n)
{
	uint32_t first = s->free, last = first;
	for (uint32_t i = 1; i < n; i++)
		last = s->blocks[last].next;
	s->free = s->blocks[last].next;
	s->blocks[last].next = NONE;
	s->free_n -= n;
	return first;
}

/* Copies between the entry's blocks and flat memory. */
static void copy(struct shard *s, uint32_t at, unsigned char *out, const char *in, size_t len)
{
	uint8_t *part = s->blocks[at].head.data;
	size_t room = BODY - HEAD;
	for (size_t done = 0; done < len;) {
		size_t n = MIN(room, len - done);
		if (in)
			memcpy(part, in + done, n);
		else
			memcpy(out + done, part, n);
		done += n;
		at = s->blocks[at].next;
		if (at == NONE)
			break;
		part = s->blocks[at].data;
		room = BODY;
	}
}

/* ---- */

void tls_session_cache_put(
    struct tls_session_cache *c, struct slice id, struct slice session, int64_t expires_s)
{
	if (id.len == 0 || id.len > TLS_SESSION_ID_MAX || session.len > TLS_SESSION_MAX)
		return;
	uint64_t hash = hash_slice(id);
	struct shard *s = shard_of(c, hash);
	uint32_t need = blocks_for(session.len);
	pthread_mutex_lock(&s->lock);
	uint32_t *link = find(s, id, (uint32_t)hash);
	if (*link != NONE)
		drop(s, link);
	while (s->free_n < need && s->oldest != NONE)
		drop_oldest(s);
	if (s->free_n >= need) {
		uint32_t at = take_blocks(s, need);
		struct block *b = &s->blocks[at];
		b->head.hash = (uint32_t)hash;
		b->head.expires_s = expires_s;
		b->head.len = (uint16_t)session.len;
		b->head.id_len = (uint8_t)id.len;
		memcpy(b->head.id, id.ptr, id.len);
		copy(s, at, NULL, session.ptr, session.len);
		b->head.chain = s->buckets[(uint32_t)hash & s->bucket_mask];
		s->buckets[(uint32_t)hash & s->bucket_mask] = at;
		lru_push(s, at);
		s->n.sessions++;
		s->n.stored++;
	}
	pthread_mutex_unlock(&s->lock);
}

size_t tls_session_cache_get(
    struct tls_session_cache *c, struct slice id, int64_t now_s, bool take, unsigned char *out)
{
	size_t len = 0;
	if (id.len == 0 || id.len > TLS_SESSION_ID_MAX)
		return 0;
	uint64_t hash = hash_slice(id);
	struct shard *s = shard_of(c, hash);
	pthread_mutex_lock(&s->lock);
	uint32_t *link = find(s, id, (uint32_t)hash), at = *link;
	s->n.lookups++;
	if (at != NONE && s->blocks[at].head.expires_s <= now_s) {
		drop(s, link);
		at = NONE;
	}
	if (at == NONE) {
		s->n.misses++;
	} else {
		len = s->blocks[at].head.len;
		copy(s, at, out, NULL, len);
		if (take) {
			drop(s, link);
		} else {
			lru_unlink(s, at);
			lru_push(s, at);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return len;
}

void tls_session_cache_remove(struct tls_session_cache *c, struct slice id)
{
	if (id.len == 0 || id.len > TLS_SESSION_ID_MAX)
		return;
	uint64_t hash = hash_slice(id);
	struct shard *s = shard_of(c, hash);
	pthread_mutex_lock(&s->lock);
	uint32_t *link = find(s, id, (uint32_t)hash);
	if (*link != NONE)
		drop(s, link);
	pthread_mutex_unlock(&s->lock);
}

struct tls_cache_counters tls_session_cache_counters(const struct tls_session_cache *c)
{
	struct tls_cache_counters sum = { .lookups = 0 };
	for (unsigned i = 0; c && i < c->shards; i++) {
		struct shard *s = (struct shard *)&c->shard[i];
		pthread_mutex_lock(&s->lock);
		sum.lookups += s->n.lookups;
		sum.misses += s->n.misses;
		sum.stored += s->n.stored;
		sum.evicted += s->n.evicted;
		sum.sessions += s->n.sessions;
		pthread_mutex_unlock(&s->lock);
	}
	return sum;
}
