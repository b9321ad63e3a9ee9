/* SPDX-License-Identifier: MIT */
/*
 * "balance sticky" and "balance log-hash", which only backends of log servers have. A line is no request, so they
 * pick through backend_log_pick(), as do roundrobin and random there; weights count for random alone (configuration
 * manual "balance").
 */
#include "balance_internal.h"

/* A backend that is not in mode log never gets here: see fit_balance(). */
static struct server *pick(
    struct backend *be, const struct balance_table *t, struct balance_call *call)
{
	(void)be;
	(void)call;
	return t->servers[0];
}

const struct balance_ops balance_sticky = {
	.name = "sticky",
	.for_log = true,
	.only_log = true,
	.pick = pick,
};

const struct balance_ops balance_log_hash = {
	.name = "log-hash",
	.for_log = true,
	.only_log = true,
	.pick = pick,
};

/* Stays with the server it had; when that is gone, the next one in the order of the file, and round again. */
static struct server *stick(struct backend *be, const struct balance_table *t)
{
	unsigned last = atomic_load_explicit(&be->rt->rr, memory_order_relaxed);
	struct server *next = t->servers[0];
	for (unsigned i = 0; i < t->n; i++) {
		if (t->servers[i]->idx == last)
			return t->servers[i];
		if (next->idx < last && t->servers[i]->idx > last)
			next = t->servers[i];
	}
	atomic_store_explicit(&be->rt->rr, next->idx, memory_order_relaxed);
	return next;
}

/* Any number, well mixed (splitmix64). */
static uint64_t mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static struct server *draw(const struct balance_table *t, unsigned turn)
{
	uint32_t want = (uint32_t)((mix(turn) >> 32) * t->total_weight >> 32);
	unsigned i = 0;
	while (i + 1 < t->n && want >= t->weights[i])
		want -= t->weights[i++];
	return t->servers[i];
}

struct server *backend_log_pick(struct backend *be, uint32_t hash)
{
	const struct balance_table *t = atomic_load_explicit(&be->table, memory_order_acquire);
	const struct balance_ops *ops = be->balance.ops;
	if (!t || t->n == 0)
		return NULL;
	if (ops == &balance_sticky)
		return stick(be, t);
	if (ops == &balance_log_hash)
		return t->servers[hash % t->n];
	unsigned turn = atomic_fetch_add_explicit(&be->rt->rr, 1, memory_order_relaxed);
	return ops == &balance_random ? draw(t, turn) : t->servers[turn % t->n];
}
