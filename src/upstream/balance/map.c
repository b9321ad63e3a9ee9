/* SPDX-License-Identifier: MIT */
/*
 * "hash-type map-based" and static-rr: an array of total-weight entries, each a server; a hash divided by its
 * length gives the entry. The order of entries decides who serves whom, so it never changes.
 *
 * Filling it, each server's credit grows by its weight per entry. An entry goes to the first server whose
 * credit is a whole total; else to the first one that has no debt. It costs the server a total.
 */
#include "balance_internal.h"

struct rr_sequence *map_new(const struct balance_table *t)
{
	unsigned gcd = weights_gcd(t->weights, t->n);
	int total = (int)(t->total_weight / gcd);
	struct rr_sequence *map = malloc(sizeof(*map) + (size_t)total * sizeof(map->order[0]));
	int *credit = calloc(t->n, sizeof(*credit));
	if (!map || !credit) {
		free(map);
		free(credit);
		return NULL;
	}
	for (int at = 0; at < total; at++) {
		unsigned best = 0;
		int best_class = -1;
		for (unsigned i = 0; i < t->n; i++) {
			credit[i] += (int)(t->weights[i] / gcd);
			int class = credit[i] >= total ? 2 : credit[i] >= 0 ? 1 : 0;
			if (class > best_class) {
				best_class = class;
				best = i;
			}
		}
		credit[best] -= total;
		map->order[at] = (uint16_t)best;
	}
	free(credit);
	map->head_n = 0;
	map->cycle_n = (unsigned)total;
	return map;
}

struct server *map_pick(const struct balance_table *t, const struct balance_call *call)
{
	const struct rr_sequence *map = t->data;
	unsigned at = call->key % map->cycle_n;
	for (unsigned i = 0; i < map->cycle_n; i++) {
		struct server *s = t->servers[map->order[(at + i) % map->cycle_n]];
		if (s != call->avoid)
			return s;
	}
	return t->servers[0];
}
