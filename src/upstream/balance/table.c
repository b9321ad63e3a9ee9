/* SPDX-License-Identifier: MIT */
/*
 * Balance tables: built aside from the present states of the servers, swapped in with one store, and freed when
 * no worker can hold the old one any more. Every live configuration's backend has a table of its own servers;
 * all of them follow the same runtime states.
 */
#include <errno.h>

#include "balance_internal.h"

static void table_free(void *arg)
{
	struct balance_table *t = arg;
	if (!t)
		return;
	free(t->turn);
	free(t->data);
	free(t);
}

/* Takes requests now: up, not draining, weight above 0. */
static bool takes_requests(const struct server *s)
{
	return server_is_usable(s) && !server_is_draining(s) &&
	       atomic_load_explicit(&s->rt->eweight, memory_order_relaxed) > 0;
}

static unsigned count(const struct backend *be, bool backups)
{
	unsigned n = 0;
	for (unsigned i = 0; i < be->servers_n; i++)
		if (be->servers[i]->backup == backups && takes_requests(be->servers[i]))
			n++;
	return n;
}

/* NULL when memory is short. With no server at all, an empty table. */
static struct balance_table *table_new(const struct backend *be)
{
	unsigned n = count(be, false);
	bool backups = n == 0;
	if (backups)
		n = count(be, true);
	if (backups && n > 1 && !be->allbackups)
		n = 1;
	size_t head = sizeof(struct balance_table);
	struct balance_table *t =
	    calloc(1, head + n * (sizeof(struct server *) + sizeof(uint32_t)));
	if (!t)
		return NULL;
	t->ops = be->balance.ops ? be->balance.ops : &balance_random;
	t->of_backups = backups;
	t->servers = (struct server **)((char *)t + head);
	uint32_t *weights = (uint32_t *)(t->servers + n);
	t->weights = weights;
	for (unsigned i = 0; i < be->servers_n && t->n < n; i++) {
		struct server *s = be->servers[i];
		if (s->backup != backups || !takes_requests(s))
			continue;
		weights[t->n] = atomic_load_explicit(&s->rt->eweight, memory_order_relaxed);
		if (!weights[t->n])
			continue; /* changed since: its own rebuild follows */
		t->total_weight += weights[t->n];
		t->servers[t->n++] = s;
	}
	if (t->n == 0)
		return t;
	t->turn = rr_sequence_new(t->weights, t->n);
	if (!t->turn || (t->ops->build && t->ops->build(be, t) < 0)) {
		table_free(t);
		return NULL;
	}
	return t;
}

bool balance_is_static(const struct backend *be)
{
	const struct balance_ops *ops = be->balance.ops;
	return ops && (ops->static_weights || (ops->has_key && !be->hash.consistent));
}

int balance_rebuild(struct worker *w, struct backend_rt *rt)
{
	int r = 0;
	pthread_mutex_lock(&rt->lock);
	list_for_each_entry (be, &rt->users, struct backend, attached) {
		struct balance_table *t = table_new(be);
		if (!t) {
			r = -ENOMEM;
			continue;
		}
		t = atomic_exchange_explicit(&be->table, t, memory_order_acq_rel);
		if (t)
			worker_retire(w, table_free, t);
	}
	pthread_mutex_unlock(&rt->lock);
	return r;
}

void balance_drop(struct worker *w, struct backend *be)
{
	struct balance_table *t = atomic_exchange_explicit(&be->table, NULL, memory_order_acq_rel);
	if (t)
		worker_retire(w, table_free, t);
}

bool balance_key(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key)
{
	const struct balance_ops *ops = be->balance.ops;
	return ops && ops->has_key && ops->key(be, cx, ret_key);
}

enum balance_result balance_pick(struct backend *be, struct balance_call *call, struct server **ret)
{
	const struct balance_table *t = atomic_load_explicit(&be->table, memory_order_acquire);
	if (!t || t->n == 0)
		return BALANCE_NONE;
	if (t->n == 1 && call->avoid)
		call->avoid = NULL; /* there is no other */
	struct server *s = t->ops->pick(be, t, call);
	if (!s && call->avoid) {
		call->avoid = NULL;
		s = t->ops->pick(be, t, call);
	}
	if (!s)
		return BALANCE_FULL;
	*ret = s;
	return BALANCE_OK;
}
