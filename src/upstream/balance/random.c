/* SPDX-License-Identifier: MIT */
/*
 * "balance random(<draws>)", and what serves where nothing was chosen: a few servers are drawn by weight, the
 * least loaded of them is taken. Two draws avoid most of the bad luck of one (the power of two choices).
 */
#include "balance_internal.h"

#include <sys/random.h>

/* Sums of weights up to and with each server. */
static int build(const struct backend *be, struct balance_table *t)
{
	uint32_t *sums = malloc(t->n * sizeof(*sums));
	uint32_t sum = 0;
	(void)be;
	if (!sums)
		return -1;
	for (unsigned i = 0; i < t->n; i++)
		sums[i] = sum += t->weights[i];
	t->data = sums;
	return 0;
}

/* xorshift64*; a state a thread, as any worker draws and none may wait for another. */
static uint32_t draw(void)
{
	static _Thread_local uint64_t state;
	while (!state)
		if (getrandom(&state, sizeof(state), GRND_NONBLOCK) != sizeof(state))
			state = (uintptr_t)&state;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * 0x2545f4914f6cdd1dull >> 32);
}

static unsigned draw_server(const struct balance_table *t)
{
	const uint32_t *sums = t->data;
	uint32_t want = (uint32_t)((uint64_t)draw() * t->total_weight >> 32);
	unsigned low = 0, high = t->n - 1;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (sums[mid] <= want)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool skip(const struct backend *be, const struct balance_table *t, unsigned i,
    const struct balance_call *call)
{
	const struct server *s = t->servers[i];
	if (skip_server(s, call))
		return true;
	if (!be->hash.balance_factor)
		return false;
	uint64_t all = atomic_load_explicit(&be->rt->served, memory_order_relaxed);
	return (uint64_t)server_load(s) * t->total_weight * 100 >
	       all * t->weights[i] * be->hash.balance_factor;
}

/* a has less to do for its weight than b; when both have as much, had its last turn earlier. */
static bool less_loaded(const struct balance_table *t, unsigned a, unsigned b)
{
	uint64_t la = (uint64_t)server_load(t->servers[a]) * t->weights[b];
	uint64_t lb = (uint64_t)server_load(t->servers[b]) * t->weights[a];
	if (la != lb)
		return la < lb;
	unsigned ta = atomic_load_explicit(&t->servers[a]->rt->turn, memory_order_relaxed);
	unsigned tb = atomic_load_explicit(&t->servers[b]->rt->turn, memory_order_relaxed);
	return (int)(ta - tb) < 0;
}

static struct server *pick(
    struct backend *be, const struct balance_table *t, struct balance_call *call)
{
	unsigned draws = be->balance.random_draws ? be->balance.random_draws : 2;
	int best = -1;
	for (unsigned i = 0; i < draws && t->n > 1; i++) {
		unsigned at = draw_server(t);
		if (!skip(be, t, at, call) && (best < 0 || less_loaded(t, at, (unsigned)best)))
			best = (int)at;
	}
	/* all drawn are full: the next one behind a last draw that is not */
	unsigned from = best < 0 ? draw_server(t) : 0;
	for (unsigned i = 0; i < t->n && best < 0; i++)
		if (!skip_server(t->servers[(from + i) % t->n], call))
			best = (int)((from + i) % t->n);
	if (best < 0)
		return NULL;
	/* on a tie of load the turn decides only among two or more: equal weights then share exactly */
	unsigned now = draws > 1 && t->n > 1
			   ? atomic_fetch_add_explicit(&be->rt->rr, 1, memory_order_relaxed) + 1
			   : 0;
	atomic_store_explicit(&t->servers[best]->rt->turn, now, memory_order_relaxed);
	return t->servers[best];
}

const struct balance_ops balance_random = {
	.name = "random",
	.for_log = true,
	.build = build,
	.pick = pick,
};
