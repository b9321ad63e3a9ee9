/* SPDX-License-Identifier: MIT */
/*
 * Handshakes a second, and the most there have been: each worker counts its own and, when one of its periods is over,
 * looks at what all workers had in it. Counters of others are read without a lock; their rates are atomic.
 */
#include "transport_int.h"

static struct tls_worker *worker_tls(const struct worker *w)
{
	return __atomic_load_n(&w->slot[WORKER_SLOT_TLS], __ATOMIC_ACQUIRE);
}

unsigned tls_rate_last(struct worker_group *g, size_t offset)
{
	const struct rate *all[WORKER_MAX];
	unsigned n = 0;
	for (unsigned i = 0; i < worker_count(g); i++) {
		struct tls_worker *tw = worker_tls(worker_get(g, i));
		if (tw)
			all[n++] = (const struct rate *)((const char *)&tw->counters + offset);
	}
	return rate_last(all, n);
}

/* offset: of the rate in struct tls_counters */
static void count(struct tls_worker *tw, size_t offset, unsigned *max)
{
	struct rate *own = (struct rate *)((char *)&tw->counters + offset);
	uint64_t now_ms = worker_now_ms(tw->w);
	if (rate_is_over(own, now_ms))
		*max = MAX(*max, tls_rate_last(tw->w->group, offset));
	(void)rate_add(own, now_ms);
}

void tls_rates_count(struct tls_worker *tw, unsigned side, bool resumed)
{
	struct tls_counters *c = &tw->counters;
	count(tw, offsetof(struct tls_counters, rate) + side * sizeof(struct rate),
	    &c->rate_max[side]);
	if (!resumed)
		count(tw, offsetof(struct tls_counters, keys) + side * sizeof(struct rate),
		    &c->keys_max[side]);
}
