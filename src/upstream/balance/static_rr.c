/* SPDX-License-Identifier: MIT */
/*
 * "balance static-rr": turns over the static map, so in its order, and with weights that do not change while a
 * server is up.
 */
#include "balance_internal.h"

static int build(const struct backend *be, struct balance_table *t)
{
	(void)be;
	t->data = map_new(t);
	return t->data ? 0 : -1;
}

static struct server *pick(
    struct backend *be, const struct balance_table *t, struct balance_call *call)
{
	const struct rr_sequence *map = t->data;
	unsigned turn = atomic_fetch_add_explicit(&be->rt->rr, 1, memory_order_relaxed);
	for (unsigned i = 0; i < map->cycle_n; i++) {
		struct server *s = t->servers[map->order[(turn + i) % map->cycle_n]];
		if (!skip_server(s, call))
			return s;
	}
	return NULL;
}

const struct balance_ops balance_static_rr = {
	.name = "static-rr",
	.static_weights = true,
	.build = build,
	.pick = pick,
};
