/* SPDX-License-Identifier: MIT */
/*
 * Traffic counters. Each worker adds to a set of its own (struct counters, one a worker and object), so that
 * counting costs a plain add; readers sum all sets. One struct serves frontends, backends, servers and
 * listeners; each uses the fields that its CSV line shows (management manual 9.1).
 *
 * Fields are added to with counter_add() and counter_inc(), never by "++": any thread may be summing them, and
 * relaxed loads and stores keep that defined while they cost no more than a plain add.
 */
#ifndef WEIR_TELEMETRY_COUNTERS_H
#define WEIR_TELEMETRY_COUNTERS_H

#include <stdatomic.h>

#include "weir/base/compiler.h"

/* X(field): monotonic counters, cleared by "clear counters all". */
#define COUNTER_FIELDS(X)                                                                          \
	X(conn_tot) /* connections accepted, or established to servers */                          \
	X(sess_tot) /* sessions (streams handled by a backend or server) */                        \
	X(req_tot)  /* HTTP requests */                                                            \
	X(bytes_in)                                                                                \
	X(bytes_out)                                                                               \
	X(req_bytes_in)                                                                            \
	X(req_bytes_out)                                                                           \
	X(res_bytes_in)                                                                            \
	X(res_bytes_out)                                                                           \
	X(denied_req)                                                                              \
	X(denied_res)                                                                              \
	X(denied_conn)                                                                             \
	X(denied_sess)                                                                             \
	X(failed_req)	/* ereq: invalid or aborted by the client */                               \
	X(failed_conn)	/* econ */                                                                 \
	X(failed_res)	/* eresp */                                                                \
	X(retries)	/* wretr */                                                                \
	X(redispatches) /* wredis */                                                               \
	X(failed_rewrites)                                                                         \
	X(internal_errors)                                                                         \
	X(ssl_sess)                                                                                \
	X(ssl_reused)                                                                              \
	X(ssl_failed)                                                                              \
	X(cli_aborts)                                                                              \
	X(srv_aborts)                                                                              \
	X(intercepted)                                                                             \
	X(rsp_1xx)                                                                                 \
	X(rsp_2xx)                                                                                 \
	X(rsp_3xx)                                                                                 \
	X(rsp_4xx)                                                                                 \
	X(rsp_5xx)                                                                                 \
	X(rsp_other)                                                                               \
	X(lbtot)                                                                                   \
	X(connect_tot) /* new connections to servers */                                            \
	X(reuse_tot)   /* requests on idle connections */                                          \
	X(cache_lookups)                                                                           \
	X(cache_hits)                                                                              \
	X(comp_in)                                                                                 \
	X(comp_out)                                                                                \
	X(comp_byp)                                                                                \
	X(comp_rsp)                                                                                \
	X(qtime_sum) /* ms over the last sessions, see counters_times_add() */                     \
	X(ctime_sum)                                                                               \
	X(rtime_sum)                                                                               \
	X(ttime_sum)                                                                               \
	X(time_n)

/*
 * A per-second rate: the count of the running period of one second and of the one before. A period begins with
 * an event, not with the clock's second. Written by its worker alone, with atomic stores, so that any thread
 * may read it.
 */
struct rate {
	atomic_ullong start_ms; /* of the running period, monotonic clock */
	atomic_uint current;
	atomic_uint previous;
};

struct counters {
#define X(field) uint64_t field;
	COUNTER_FIELDS(X)
#undef X
	struct rate conn_rate;
	struct rate sess_rate;
	struct rate req_rate;
} WEIR_CACHE_ALIGNED;

/* What is kept beside the counters, shared by all workers. */
struct gauges {
	atomic_uint sess_cur; /* present sessions (frontend: connections, backend: streams) */
	atomic_uint sess_max;
	atomic_uint queue_cur;
	atomic_uint queue_max;
	atomic_uint conn_rate_max;
	atomic_uint sess_rate_max;
	atomic_uint req_rate_max;
	atomic_ullong last_session_s; /* wall clock of the last session; 0: never */
	atomic_uint qtime_max, ctime_max, rtime_max, ttime_max;
} WEIR_CACHE_ALIGNED;

/* An array of one set a worker, zeroed; NULL when memory is short. */
struct counters *counters_new(unsigned workers);
void counters_free(struct counters *c);
/* Sums the sets of all workers into *ret (rates left zero). */
void counters_sum(const struct counters *c, unsigned workers, struct counters *ret);
/* Back to zero, rates included. Called while the other workers are paused, or before they start. */
void counters_clear(struct counters *c, unsigned workers);

/* Adds to a field of this worker's own set; no other thread writes it. */
static inline void counter_add(uint64_t *field, uint64_t n)
{
	__atomic_store_n(field, __atomic_load_n(field, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void counter_inc(uint64_t *field)
{
	counter_add(field, 1);
}

/* Adds one response of that status. */
static inline void counters_status(struct counters *c, unsigned status)
{
	uint64_t *first = &c->rsp_1xx;
	unsigned class = status / 100;
	counter_inc(&first[class >= 1 && class <= 5 ? class - 1 : 5]);
}

/* Counts one event at now_ms (its own worker); true when a new period began with it. */
bool rate_add(struct rate *r, uint64_t now_ms);
/*
 * Events a second, slid over the last two periods: the running one counts in full, the one before in the share
 * that still lies within the last second. Any thread.
 */
unsigned rate_read(const struct rate *r, uint64_t now_ms);
/* The period of the last event is over: the next one begins another. */
bool rate_is_over(const struct rate *r, uint64_t now_ms);
/* Events that rates of several workers had in the last period in which there were any. Any thread. */
unsigned rate_last(const struct rate *const *all, unsigned n);
/* The sum of one rate (offset of it in struct counters) over all workers. */
unsigned counters_rate(const struct counters *c, unsigned workers, size_t offset, uint64_t now_ms);

/*
 * Counts one event at now_ms in the rate at offset of worker's own set, and keeps in *max the most events that
 * all workers counted in one period. What a period saw is known when it is over: the next event tells.
 */
void counters_rate_add(struct counters *all, unsigned workers, unsigned worker, size_t offset,
    atomic_uint *max, uint64_t now_ms);
/* The most events a second that can still be seen: those of the last period in which there were any. Any thread. */
unsigned counters_rate_last(const struct counters *all, unsigned workers, size_t offset);

/* Samples that the time averages look back on. */
#define COUNTERS_TIME_SAMPLES 1024

/*
 * Adds one session's times in milliseconds to this worker's sums. Once there are enough samples each new one
 * takes the place of an average one, so that sum over time_n slides.
 */
static inline void counters_times_add(
    struct counters *c, uint64_t queue, uint64_t connect, uint64_t response, uint64_t total)
{
	uint64_t *sums[] = { &c->qtime_sum, &c->ctime_sum, &c->rtime_sum, &c->ttime_sum };
	const uint64_t value[] = { queue, connect, response, total };
	uint64_t n = __atomic_load_n(&c->time_n, __ATOMIC_RELAXED);
	for (size_t i = 0; i < 4; i++) {
		uint64_t sum = __atomic_load_n(sums[i], __ATOMIC_RELAXED);
		if (n >= COUNTERS_TIME_SAMPLES)
			sum -= (sum + n / 2) / n;
		__atomic_store_n(sums[i], sum + value[i], __ATOMIC_RELAXED);
	}
	if (n < COUNTERS_TIME_SAMPLES)
		counter_inc(&c->time_n);
}

/* Raises *max to at least value. */
static inline void gauge_raise(atomic_uint *max, unsigned value)
{
	unsigned seen = atomic_load_explicit(max, memory_order_relaxed);
	while (value > seen && !atomic_compare_exchange_weak_explicit(
				   max, &seen, value, memory_order_relaxed, memory_order_relaxed))
		;
}

/* One more in *cur, its maximum kept; returns the new value. */
static inline unsigned gauge_inc(atomic_uint *cur, atomic_uint *max)
{
	unsigned now = atomic_fetch_add_explicit(cur, 1, memory_order_relaxed) + 1;
	gauge_raise(max, now);
	return now;
}

static inline void gauge_dec(atomic_uint *cur)
{
	atomic_fetch_sub_explicit(cur, 1, memory_order_relaxed);
}

#endif
