/* SPDX-License-Identifier: MIT */
/*
 * Summing the workers' sets of counters, and the per-second rates. Each set has one writer, its worker; sums
 * and rates are read by any thread at any time without a lock, so a sum may miss what is being counted at this
 * moment but never shows half a value.
 */
#include "weir/telemetry/counters.h"

#include "weir/event/worker.h"

#define PERIOD_MS 1000

struct counters *counters_new(unsigned workers)
{
	size_t size = workers * sizeof(struct counters);
	struct counters *c = aligned_alloc(WEIR_CACHELINE, size);
	if (c)
		memset(c, 0, size);
	return c;
}

void counters_free(struct counters *c)
{
	free(c);
}

void counters_sum(const struct counters *c, unsigned workers, struct counters *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < workers; i++) {
#define X(field) ret->field += __atomic_load_n(&c[i].field, __ATOMIC_RELAXED);
		COUNTER_FIELDS(X)
#undef X
	}
}

static void rate_clear(struct rate *r)
{
	atomic_store_explicit(&r->previous, 0, memory_order_relaxed);
	atomic_store_explicit(&r->current, 0, memory_order_relaxed);
	atomic_store_explicit(&r->start_ms, 0, memory_order_relaxed);
}

void counters_clear(struct counters *c, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++) {
#define X(field) __atomic_store_n(&c[i].field, 0, __ATOMIC_RELAXED);
		COUNTER_FIELDS(X)
#undef X
		rate_clear(&c[i].conn_rate);
		rate_clear(&c[i].sess_rate);
		rate_clear(&c[i].req_rate);
	}
}

/*
 * The counts are moved before the start: a reader that still sees the old start then reads too little for an
 * instant, never the same events twice.
 */
static void begin_period(struct rate *r, uint64_t now_ms, uint64_t age)
{
	bool follows = age < 2 * PERIOD_MS;
	unsigned passed = follows ? atomic_load_explicit(&r->current, memory_order_relaxed) : 0;
	atomic_store_explicit(&r->current, 0, memory_order_relaxed);
	atomic_store_explicit(&r->previous, passed, memory_order_relaxed);
	atomic_store_explicit(
	    &r->start_ms, follows ? now_ms - age + PERIOD_MS : now_ms, memory_order_release);
}

bool rate_add(struct rate *r, uint64_t now_ms)
{
	uint64_t age = now_ms - atomic_load_explicit(&r->start_ms, memory_order_relaxed);
	bool begins = age >= PERIOD_MS;
	if (begins)
		begin_period(r, now_ms, age);
	unsigned n = atomic_load_explicit(&r->current, memory_order_relaxed);
	atomic_store_explicit(&r->current, n + 1, memory_order_relaxed);
	return begins;
}

unsigned rate_read(const struct rate *r, uint64_t now_ms)
{
	uint64_t start = atomic_load_explicit(&r->start_ms, memory_order_acquire);
	unsigned current = atomic_load_explicit(&r->current, memory_order_relaxed);
	unsigned previous = atomic_load_explicit(&r->previous, memory_order_relaxed);
	/* the writer's clock may be a turn ahead of the reader's */
	uint64_t age = now_ms > start ? now_ms - start : 0;
	if (age >= PERIOD_MS) { /* nothing since the period ended: it is the one before by now */
		previous = age < 2 * PERIOD_MS ? current : 0;
		current = 0;
		age = MIN(age - PERIOD_MS, PERIOD_MS);
	}
	if (current == 0 && previous <= 1) /* a lone event shows for its two seconds */
		return previous;
	return current + (unsigned)((uint64_t)previous * (PERIOD_MS - age) / PERIOD_MS);
}

unsigned counters_rate(const struct counters *c, unsigned workers, size_t offset, uint64_t now_ms)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < workers; i++)
		sum += rate_read((const struct rate *)((const char *)&c[i] + offset), now_ms);
	return sum;
}

bool rate_is_over(const struct rate *r, uint64_t now_ms)
{
	return now_ms - atomic_load_explicit(&r->start_ms, memory_order_relaxed) >= PERIOD_MS;
}

unsigned rate_last(const struct rate *const *all, unsigned n)
{
	uint64_t newest = 0;
	unsigned sum = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t start = atomic_load_explicit(&all[i]->start_ms, memory_order_relaxed);
		newest = MAX(newest, start);
	}
	for (unsigned i = 0; i < n; i++) {
		uint64_t start = atomic_load_explicit(&all[i]->start_ms, memory_order_relaxed);
		if (start + PERIOD_MS > newest)
			sum += atomic_load_explicit(&all[i]->current, memory_order_relaxed);
	}
	return sum;
}

unsigned counters_rate_last(const struct counters *all, unsigned workers, size_t offset)
{
	const struct rate *rates[WORKER_MAX];
	for (unsigned i = 0; i < workers; i++)
		rates[i] = (const struct rate *)((const char *)&all[i] + offset);
	return rate_last(rates, workers);
}

void counters_rate_add(struct counters *all, unsigned workers, unsigned worker, size_t offset,
    atomic_uint *max, uint64_t now_ms)
{
	struct rate *r = (struct rate *)((char *)&all[worker] + offset);
	if (rate_is_over(r, now_ms))
		gauge_raise(max, counters_rate_last(all, workers, offset));
	rate_add(r, now_ms);
}
