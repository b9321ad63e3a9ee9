/* SPDX-License-Identifier: MIT */
/*
 * "balance leastconn": the server with the fewest streams, running and waiting, for its weight; among equals
 * the one whose last turn is longest ago. A server may be chosen while it is at its maxconn as long as its
 * queue is shorter than an explicit maxqueue.
 */
#include "balance_internal.h"

/* Nothing to do is best whatever the weight; else the load with this stream added, for the weight. */
static uint64_t cost(unsigned load, uint32_t weight)
{
	return load ? (uint64_t)(load + 1) * SERVER_WEIGHT_MAX * SERVER_WEIGHT_SCALE / weight : 0;
}

static bool skip(const struct server *s, const struct balance_call *call, unsigned load)
{
	unsigned limit = server_limit(s);
	if (s == call->avoid)
		return true;
	return limit && load >= limit + s->maxqueue;
}

static struct server *pick(
    struct backend *be, const struct balance_table *t, struct balance_call *call)
{
	struct server *best = NULL;
	uint64_t best_cost = 0;
	unsigned best_turn = 0;
	for (unsigned i = 0; i < t->n; i++) {
		struct server *s = t->servers[i];
		unsigned load = server_load(s);
		if (skip(s, call, load))
			continue;
		uint64_t c = cost(load, t->weights[i]);
		unsigned turn = atomic_load_explicit(&s->rt->turn, memory_order_relaxed);
		if (best && (c > best_cost || (c == best_cost && (int)(turn - best_turn) >= 0)))
			continue;
		best = s;
		best_cost = c;
		best_turn = turn;
	}
	if (best) {
		unsigned now = atomic_fetch_add_explicit(&be->rt->rr, 1, memory_order_relaxed);
		atomic_store_explicit(&best->rt->turn, now + 1, memory_order_relaxed);
	}
	return best;
}

const struct balance_ops balance_leastconn = {
	.name = "leastconn",
	.pick = pick,
};
