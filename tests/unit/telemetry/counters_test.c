/* SPDX-License-Identifier: MIT */
/* Unit tests of counters and rates, alone and with readers in other threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weir/telemetry/counters.h"

#define WORKERS 3
#define ROUNDS	20000

static void sum_adds_all_workers_and_clear_zeroes_them(void **state)
{
	struct counters *c = counters_new(WORKERS), sum;
	(void)state;
	assert_non_null(c);
	assert_int_equal((uintptr_t)&c[1] % WEIR_CACHELINE, 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		counter_inc(&c[i].conn_tot);
		counter_add(&c[i].time_n, 10 + i);
	}
	counters_sum(c, WORKERS, &sum);
	assert_int_equal(sum.conn_tot, 3);
	assert_int_equal(sum.time_n, 33);
	assert_int_equal(sum.bytes_in, 0);
	rate_add(&c[2].req_rate, 5000);
	counters_clear(c, WORKERS);
	counters_sum(c, WORKERS, &sum);
	assert_int_equal(sum.conn_tot + sum.time_n, 0);
	assert_int_equal(counters_rate(c, WORKERS, offsetof(struct counters, req_rate), 5000), 0);
	counters_free(c);
}

static void status_is_counted_in_its_class(void **state)
{
	struct counters c = { .conn_tot = 0 };
	(void)state;
	counters_status(&c, 100);
	counters_status(&c, 204);
	counters_status(&c, 299);
	counters_status(&c, 302);
	counters_status(&c, 404);
	counters_status(&c, 503);
	counters_status(&c, 0);
	counters_status(&c, 600);
	assert_int_equal(c.rsp_1xx, 1);
	assert_int_equal(c.rsp_2xx, 2);
	assert_int_equal(c.rsp_3xx, 1);
	assert_int_equal(c.rsp_4xx, 1);
	assert_int_equal(c.rsp_5xx, 1);
	assert_int_equal(c.rsp_other, 2);
}

static void add_n(struct rate *r, unsigned n, uint64_t at)
{
	while (n--)
		rate_add(r, at);
}

static void rate_counts_at_once_and_slides_out_over_the_next_second(void **state)
{
	struct rate r = { .start_ms = 0 };
	(void)state;
	add_n(&r, 10, 100200);
	assert_int_equal(rate_read(&r, 100200), 10);
	assert_int_equal(rate_read(&r, 101199), 10);
	assert_int_equal(rate_read(&r, 101260), 9);
	assert_int_equal(rate_read(&r, 101700), 5);
	assert_int_equal(rate_read(&r, 102150), 0);
	assert_int_equal(rate_read(&r, 102200), 0);
	assert_int_equal(rate_read(&r, 100200 + 40ULL * 86400 * 1000), 0);
}

static void steady_rate_reads_steady(void **state)
{
	struct rate r = { .start_ms = 0 };
	(void)state;
	for (uint64_t ms = 50000; ms < 60000; ms += 10) {
		rate_add(&r, ms);
		if (ms >= 51000) {
			assert_true(rate_read(&r, ms) >= 99);
			assert_true(rate_read(&r, ms) <= 101);
		}
	}
}

static void lone_event_shows_for_two_seconds(void **state)
{
	struct rate r = { .start_ms = 0 };
	(void)state;
	rate_add(&r, 7000);
	assert_int_equal(rate_read(&r, 7000), 1);
	assert_int_equal(rate_read(&r, 8900), 1);
	assert_int_equal(rate_read(&r, 9000), 0);
}

static void rate_add_tells_when_a_period_begins(void **state)
{
	struct rate r = { .start_ms = 0 };
	(void)state;
	assert_true(rate_add(&r, 5000));
	assert_false(rate_add(&r, 5999));
	assert_true(rate_add(&r, 6000));
	assert_false(rate_add(&r, 6999));
	assert_true(rate_add(&r, 20000));
	assert_int_equal(rate_read(&r, 20000), 1);
}

static void reader_behind_the_writer_sees_a_sane_rate(void **state)
{
	struct rate r = { .start_ms = 0 };
	(void)state;
	add_n(&r, 5, 9000);
	add_n(&r, 3, 10001);
	assert_int_equal(rate_read(&r, 9998), 8);
}

static void gauges_keep_their_maximum(void **state)
{
	struct gauges g = { .sess_cur = 0 };
	(void)state;
	assert_int_equal(gauge_inc(&g.sess_cur, &g.sess_max), 1);
	assert_int_equal(gauge_inc(&g.sess_cur, &g.sess_max), 2);
	gauge_dec(&g.sess_cur);
	assert_int_equal(atomic_load(&g.sess_cur), 1);
	assert_int_equal(atomic_load(&g.sess_max), 2);
	gauge_raise(&g.sess_max, 1);
	assert_int_equal(atomic_load(&g.sess_max), 2);
}

struct writer {
	struct counters *own;
	struct gauges *gauges;
};

static void *count(void *arg)
{
	struct writer *wr = arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		counter_inc(&wr->own->req_tot);
		counters_status(wr->own, 200);
		rate_add(&wr->own->req_rate, 1000000 + i / 8);
		gauge_inc(&wr->gauges->sess_cur, &wr->gauges->sess_max);
		gauge_dec(&wr->gauges->sess_cur);
	}
	return NULL;
}

static void sums_may_be_read_while_workers_count(void **state)
{
	struct counters *c = counters_new(WORKERS), sum;
	struct gauges gauges = { .sess_cur = 0 };
	struct writer writers[WORKERS];
	pthread_t threads[WORKERS];
	uint64_t last = 0;
	(void)state;
	for (unsigned i = 0; i < WORKERS; i++) {
		writers[i] = (struct writer){ .own = &c[i], .gauges = &gauges };
		assert_int_equal(pthread_create(&threads[i], NULL, count, &writers[i]), 0);
	}
	for (unsigned i = 0; i < 1000; i++) {
		counters_sum(c, WORKERS, &sum);
		assert_true(sum.req_tot >= last);
		last = sum.req_tot;
		assert_true(counters_rate(c, WORKERS, offsetof(struct counters, req_rate),
				1000000) <= WORKERS * ROUNDS);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	counters_sum(c, WORKERS, &sum);
	assert_int_equal(sum.req_tot, WORKERS * ROUNDS);
	assert_int_equal(sum.rsp_2xx, WORKERS * ROUNDS);
	assert_int_equal(atomic_load(&gauges.sess_cur), 0);
	assert_true(atomic_load(&gauges.sess_max) <= WORKERS);
	counters_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sum_adds_all_workers_and_clear_zeroes_them),
		cmocka_unit_test(status_is_counted_in_its_class),
		cmocka_unit_test(rate_counts_at_once_and_slides_out_over_the_next_second),
		cmocka_unit_test(steady_rate_reads_steady),
		cmocka_unit_test(lone_event_shows_for_two_seconds),
		cmocka_unit_test(rate_add_tells_when_a_period_begins),
		cmocka_unit_test(reader_behind_the_writer_sees_a_sane_rate),
		cmocka_unit_test(gauges_keep_their_maximum),
		cmocka_unit_test(sums_may_be_read_while_workers_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
