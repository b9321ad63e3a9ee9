/* SPDX-License-Identifier: MIT */
/*
 * "hash-type consistent": each server has 16 points a unit of weight on a ring of 2^32, at places that depend
 * on its key and the point's number alone; a hash goes to the server of the nearest point. So a server that
 * comes or goes moves only its own share. With hash-balance-factor, servers that have more than their share of
 * the present load are passed over.
 */
#include "balance_internal.h"
#include "weir/base/hash32.h"

struct point {
	uint32_t at;
	uint32_t server; /* index in the table */
};

struct hash_ring {
	unsigned n;
	struct point points[];
};

/* Numbers of points of one server lie in a range of their own. */
#define POINTS_OF_SERVER 4096u

static uint32_t mix(uint32_t h, const void *bytes, size_t len)
{
	return hash32_avalanche(h ^ hash32_crc32(bytes, len));
}

/* Where the server's range begins: from its id, or what "hash-key" names. */
static uint32_t ring_key(const struct server *s)
{
	const struct server_dest *dest = atomic_load_explicit(&s->rt->dest, memory_order_acquire);
	const struct net_addr *a = &dest->addr;
	uint32_t h = 0;
	if (s->hash_key == HASH_KEY_ID32)
		return s->id;
	if (s->hash_key == HASH_KEY_GUID && s->guid)
		return mix(0, s->guid, strlen(s->guid));
	if (s->hash_key != HASH_KEY_ADDR && s->hash_key != HASH_KEY_ADDR_PORT)
		return s->id * POINTS_OF_SERVER;
	if (a->sa.sa_family == AF_INET)
		h = mix(0, &a->in.sin_addr, sizeof(a->in.sin_addr));
	else if (a->sa.sa_family == AF_INET6)
		h = mix(0, &a->in6.sin6_addr, sizeof(a->in6.sin6_addr));
	else
		return s->id * POINTS_OF_SERVER;
	if (s->hash_key == HASH_KEY_ADDR_PORT)
		h = mix(h, &dest->port, sizeof(dest->port));
	return h;
}

static int by_place(const void *a, const void *b)
{
	const struct point *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->server < y->server ? -1 : x->server > y->server;
}

struct hash_ring *hash_ring_new(const struct backend *be, const struct balance_table *t)
{
	struct hash_ring *ring = malloc(sizeof(*ring) + t->total_weight * sizeof(ring->points[0]));
	(void)be;
	if (!ring)
		return NULL;
	ring->n = 0;
	for (unsigned i = 0; i < t->n; i++) {
		uint32_t key = ring_key(t->servers[i]);
		/* weights count in 1/SERVER_WEIGHT_SCALE: one point each */
		for (uint32_t j = 0; j < t->weights[i]; j++)
			ring->points[ring->n++] =
			    (struct point){ .at = hash32_avalanche(key + j), .server = i };
	}
	qsort(ring->points, ring->n, sizeof(ring->points[0]), by_place);
	return ring;
}

/* The nearest point, the one before when both are equally far. */
static unsigned nearest(const struct hash_ring *ring, uint32_t key)
{
	unsigned low = 0, high = ring->n;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (ring->points[mid].at < key)
			low = mid + 1;
		else
			high = mid;
	}
	unsigned next = low % ring->n, prev = (low + ring->n - 1) % ring->n;
	return key - ring->points[prev].at < ring->points[next].at - key ? prev : next;
}

/*
 * Whether server i has its share of the backend's streams, or more. The streams (this one is among them already)
 * times the factor, rounded up, are places; they are dealt out by weight in the order of the servers, each
 * getting the whole places up to where its weights end. (This is how HAProxy deals, as its choices show.)
 */
static bool has_its_share(
    const struct backend *be, const struct balance_table *t, const struct server *s, unsigned i)
{
	uint64_t all = atomic_load_explicit(&be->rt->served, memory_order_relaxed);
	uint64_t places = (all * be->hash.balance_factor + 99) / 100;
	uint64_t before = 0;
	for (unsigned k = 0; k < i; k++)
		before += t->weights[k];
	uint64_t share =
	    places * (before + t->weights[i]) / t->total_weight - places * before / t->total_weight;
	return server_load(s) >= MAX(share, (uint64_t)1);
}

/* at: the point to begin with. */
static struct server *pick_from(const struct backend *be, const struct balance_table *t,
    const struct balance_call *call, unsigned at)
{
	const struct hash_ring *ring = t->data;
	struct server *chosen = t->servers[ring->points[at].server];
	if (likely(chosen != call->avoid && !be->hash.balance_factor))
		return chosen;
	for (unsigned i = 0; i < ring->n; i++) {
		unsigned idx = ring->points[(at + i) % ring->n].server;
		struct server *s = t->servers[idx];
		if (s == call->avoid)
			continue;
		if (!be->hash.balance_factor || !has_its_share(be, t, s, idx))
			return s;
	}
	return chosen;
}

struct server *ring_pick(
    const struct backend *be, const struct balance_table *t, const struct balance_call *call)
{
	return pick_from(be, t, call, nearest(t->data, call->key));
}

/* Without a key: once around the ring gives every server as many turns as it has points. */
static struct server *ring_turn(
    struct backend *be, const struct balance_table *t, const struct balance_call *call)
{
	const struct hash_ring *ring = t->data;
	unsigned turn = atomic_fetch_add_explicit(&be->rt->rr, 1, memory_order_relaxed);
	return pick_from(be, t, call, turn % ring->n);
}

int hashed_build(const struct backend *be, struct balance_table *t)
{
	if (be->hash.consistent)
		t->data = hash_ring_new(be, t);
	else
		t->data = map_new(t);
	return t->data ? 0 : -1;
}

struct server *hashed_pick(
    struct backend *be, const struct balance_table *t, struct balance_call *call)
{
	if (call->has_key)
		return be->hash.consistent ? ring_pick(be, t, call) : map_pick(t, call);
	if (be->hash.consistent)
		return ring_turn(be, t, call);
	struct balance_call turn = *call;
	turn.key = atomic_fetch_add_explicit(&be->rt->rr, 1, memory_order_relaxed);
	return map_pick(t, &turn);
}
