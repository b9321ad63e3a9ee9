/* SPDX-License-Identifier: MIT */
/* Unit tests of the ring: order, wrap, eviction, readers that lag, waiting, and many writers at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/telemetry/log_ring.h"

static char buf[LOG_RING_RECORD_MAX];

static struct log_ring *new_ring(size_t size)
{
	struct log_ring *r = NULL;
	assert_int_equal(log_ring_new(size, NULL, &r), 0);
	return r;
}

static bool put(struct log_ring *r, const char *text)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
	return log_ring_write(r, &iov, 1);
}

static void assert_next(struct log_ring *r, struct log_ring_cursor *c, const char *text)
{
	uint64_t lost = 0;
	size_t len = 0;
	assert_true(log_ring_read(r, c, buf, &len, &lost));
	assert_int_equal(lost, 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(buf, text, len);
}

static void assert_empty(struct log_ring *r, struct log_ring_cursor *c)
{
	uint64_t lost = 0;
	size_t len;
	assert_false(log_ring_read(r, c, buf, &len, &lost));
	assert_int_equal(lost, 0);
}

static void records_come_out_as_they_went_in(void **state)
{
	struct log_ring *r = new_ring(4096);
	struct log_ring_cursor a = log_ring_oldest(r), b = a;
	(void)state;
	assert_empty(r, &a);
	assert_true(put(r, "one"));
	assert_true(put(r, ""));
	assert_true(put(r, "three"));
	assert_next(r, &a, "one");
	assert_next(r, &a, "");
	assert_next(r, &a, "three");
	assert_empty(r, &a);
	/* a second reader has its own place */
	assert_next(r, &b, "one");
	struct log_ring_cursor end = log_ring_end(r);
	assert_empty(r, &end);
	assert_true(put(r, "four"));
	assert_next(r, &end, "four");
	log_ring_free(r);
}

/* Every length around the ends of words and blocks, through many turns of the ring. */
static void lengths_and_wraps(void **state)
{
	struct log_ring *r = new_ring(1024);
	struct log_ring_cursor c = log_ring_oldest(r);
	char text[300], part[300];
	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (size_t len = 0; len < sizeof(text); len++) {
			uint64_t lost = 0;
			size_t got, cut = len / 3;
			struct iovec iov[] = { { text, cut }, { text, 0 },
				{ text + cut, len - cut } };
			assert_true(log_ring_write(r, iov, 3));
			memset(part, 0, sizeof(part));
			assert_true(log_ring_read(r, &c, buf, &got, &lost));
			assert_int_equal(got, len);
			assert_int_equal(lost, 0);
			assert_memory_equal(buf, text, len);
		}
	}
	log_ring_free(r);
}

static void full_ring_forgets_the_oldest(void **state)
{
	struct log_ring *r = new_ring(1024); /* 16 records of one block */
	struct log_ring_cursor slow = log_ring_oldest(r);
	char text[16];
	uint64_t lost = 0;
	size_t len;
	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_true(put(r, text));
	}
	struct log_ring_cursor oldest = log_ring_oldest(r);
	assert_next(r, &oldest, "84");
	assert_true(log_ring_read(r, &slow, buf, &len, &lost));
	assert_int_equal(lost, 84);
	assert_int_equal(len, 2);
	assert_memory_equal(buf, "84", 2);
	for (int i = 85; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_next(r, &slow, text);
	}
	assert_empty(r, &slow);
	assert_int_equal(log_ring_dropped(r), 0);
	log_ring_free(r);
}

/* A reader that stood at the end while the ring turned knows what it missed. */
static void reader_at_the_end_is_overtaken(void **state)
{
	struct log_ring *r = new_ring(1024);
	(void)state;
	struct log_ring_cursor c = log_ring_end(r);
	char text[16];
	uint64_t lost = 0;
	size_t len;
	for (int i = 0; i < 17; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_true(put(r, text));
	}
	assert_true(log_ring_read(r, &c, buf, &len, &lost));
	assert_int_equal(lost, 1);
	assert_memory_equal(buf, "1", 1);
	log_ring_free(r);
}

static void record_larger_than_the_ring_is_dropped(void **state)
{
	struct log_ring *r = new_ring(1024);
	char text[2000];
	(void)state;
	assert_true(put(r, "kept"));
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_false(put(r, text));
	assert_int_equal(log_ring_dropped(r), 1);
	struct log_ring_cursor c = log_ring_oldest(r);
	assert_next(r, &c, "kept");
	/* one as large as the ring takes all of it */
	text[1024] = 0;
	assert_true(put(r, text));
	c = log_ring_oldest(r);
	assert_next(r, &c, text);
	assert_empty(r, &c);
	log_ring_free(r);
}

static void longest_record_is_cut(void **state)
{
	struct log_ring *r = new_ring(1 << 18);
	static char text[LOG_RING_RECORD_MAX + 100];
	uint64_t lost = 0;
	size_t len;
	(void)state;
	memset(text, 'y', sizeof(text));
	struct iovec iov[] = { { text, 1000 }, { text, sizeof(text) - 1000 } };
	assert_true(log_ring_write(r, iov, 2));
	struct log_ring_cursor c = log_ring_oldest(r);
	assert_true(log_ring_read(r, &c, buf, &len, &lost));
	assert_int_equal(len, LOG_RING_RECORD_MAX);
	log_ring_free(r);
}

/* ---- files ---- */

static void file_holds_the_records_and_the_old_one_is_kept(void **state)
{
	char path[] = "/tmp/weir-ring-XXXXXX", old[64], found[4096];
	struct log_ring *r = NULL;
	struct stat st;
	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
	assert_int_equal(log_ring_new(4096, path, &r), 0);
	assert_true(put(r, "a record that is much longer than one block of sixty-four bytes is"));
	assert_true(put(r, "in the file"));
	log_ring_free(r);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 4096);
	FILE *f = fopen(path, "r");
	assert_int_equal(fread(found, 1, sizeof(found), f), sizeof(found));
	fclose(f);
	assert_memory_equal(found, "a record that is much", 21);
	assert_string_equal(found + 128, "in the file");
	snprintf(old, sizeof(old), "%s.bak", path);
	f = fopen(old, "r");
	assert_non_null(f);
	assert_int_equal(fread(found, 1, sizeof(found), f), 3);
	fclose(f);
	unlink(path);
	unlink(old);
	assert_true(log_ring_new(4096, "/nonexistent/ring", &r) < 0);
}

/* ---- waiting ---- */

struct waiter {
	struct log_ring_waiter rw;
	unsigned woken, gone;
};

static void on_wake(struct log_ring_waiter *rw)
{
	container_of(rw, struct waiter, rw)->woken++;
}

static void on_gone(struct log_ring_waiter *rw)
{
	container_of(rw, struct waiter, rw)->gone++;
}

static void sleeper_is_woken_once(void **state)
{
	struct worker_group *g = worker_group_new(1, 8);
	struct worker *w = worker_get(g, 0);
	struct log_ring *r = new_ring(1024);
	struct waiter a = { .rw = { .ring = r, .worker = w, .wake = on_wake, .gone = on_gone } };
	(void)state;
	assert_int_equal(log_ring_waiter_add(&a.rw), 0);
	struct log_ring_cursor c = log_ring_end(r);
	assert_true(log_ring_waiter_sleep(&a.rw, c));
	worker_run_mail(w);
	assert_int_equal(a.woken, 0);
	put(r, "x");
	put(r, "y");
	worker_run_mail(w);
	assert_int_equal(a.woken, 1);
	/* what is there already is not waited for */
	assert_false(log_ring_waiter_sleep(&a.rw, c));
	assert_next(r, &c, "x");
	assert_next(r, &c, "y");
	assert_true(log_ring_waiter_sleep(&a.rw, c));
	/* deleted before anything comes */
	assert_true(log_ring_waiter_del(&a.rw));
	put(r, "z");
	worker_run_mail(w);
	assert_int_equal(a.woken, 1);
	assert_int_equal(a.gone, 0);
	/* deleted while the mail is on the way */
	assert_int_equal(log_ring_waiter_add(&a.rw), 0);
	assert_true(log_ring_waiter_sleep(&a.rw, log_ring_end(r)));
	put(r, "z");
	assert_false(log_ring_waiter_del(&a.rw));
	assert_int_equal(a.gone, 0);
	worker_run_mail(w);
	assert_int_equal(a.woken, 1);
	assert_int_equal(a.gone, 1);
	log_ring_free(r);
	worker_group_free(g);
}

static void waiters_have_a_bound_and_slots_come_back(void **state)
{
	static struct waiter all[LOG_RING_WAITERS_MAX + 1];
	struct log_ring *r = new_ring(1024);
	(void)state;
	for (unsigned i = 0; i <= LOG_RING_WAITERS_MAX; i++)
		all[i].rw.ring = r;
	for (unsigned i = 0; i < LOG_RING_WAITERS_MAX; i++)
		assert_int_equal(log_ring_waiter_add(&all[i].rw), 0);
	assert_int_not_equal(log_ring_waiter_add(&all[LOG_RING_WAITERS_MAX].rw), 0);
	assert_true(log_ring_waiter_del(&all[7].rw));
	assert_int_equal(log_ring_waiter_add(&all[LOG_RING_WAITERS_MAX].rw), 0);
	log_ring_free(r);
}

/* ---- many threads ---- */

#define WRITERS	 4
#define READERS	 2
#define MESSAGES 20000

static struct log_ring *shared;
static atomic_uint writers_left;

/* A record names its writer and its number, and repeats a byte so that a torn one shows. */
static void *write_many(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg;
	char text[200];
	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = 8 + (i * 7 + id * 31) % 180;
		memset(text, (int)('a' + (i + id) % 26), sizeof(text));
		memcpy(text, &id, 4);
		memcpy(text + 4, &i, 4);
		struct iovec iov = { text, len };
		log_ring_write(shared, &iov, 1);
	}
	atomic_fetch_sub(&writers_left, 1);
	return NULL;
}

struct tally {
	struct log_ring_cursor from; /* taken before the first record */
	uint64_t got, lost;
	bool wrong;
};

static void check_record(struct tally *t, const char *rec, size_t len, int64_t *last)
{
	unsigned id, i;
	memcpy(&id, rec, 4);
	memcpy(&i, rec + 4, 4);
	if (id >= WRITERS || len != 8 + (i * 7 + id * 31) % 180 || (int64_t)i <= last[id]) {
		t->wrong = true;
		return;
	}
	last[id] = i;
	for (size_t k = 8; k < len; k++)
		if (rec[k] != (char)('a' + (i + id) % 26))
			t->wrong = true;
}

static void *read_many(void *arg)
{
	struct tally *t = arg;
	struct log_ring_cursor c = t->from;
	char *rec = malloc(LOG_RING_RECORD_MAX);
	int64_t last[WRITERS];
	size_t len;
	for (unsigned i = 0; i < WRITERS; i++)
		last[i] = -1;
	for (;;) {
		bool over = atomic_load(&writers_left) == 0;
		while (log_ring_read(shared, &c, rec, &len, &t->lost)) {
			check_record(t, rec, len, last);
			t->got++;
		}
		if (over)
			break;
	}
	free(rec);
	return NULL;
}

static void writers_and_readers_at_once(void **state)
{
	pthread_t threads[WRITERS + READERS];
	struct tally tally[READERS] = { { .got = 0 } };
	(void)state;
	shared = new_ring(8192);
	atomic_store(&writers_left, WRITERS);
	for (unsigned i = 0; i < READERS; i++) {
		tally[i].from = log_ring_oldest(shared);
		assert_int_equal(
		    pthread_create(&threads[WRITERS + i], NULL, read_many, &tally[i]), 0);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, write_many, (void *)(uintptr_t)i), 0);
	for (unsigned i = 0; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < READERS; i++) {
		assert_false(tally[i].wrong);
		assert_int_equal(
		    tally[i].got + tally[i].lost + log_ring_dropped(shared), WRITERS * MESSAGES);
	}
	log_ring_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_out_as_they_went_in),
		cmocka_unit_test(lengths_and_wraps),
		cmocka_unit_test(full_ring_forgets_the_oldest),
		cmocka_unit_test(reader_at_the_end_is_overtaken),
		cmocka_unit_test(record_larger_than_the_ring_is_dropped),
		cmocka_unit_test(longest_record_is_cut),
		cmocka_unit_test(file_holds_the_records_and_the_old_one_is_kept),
		cmocka_unit_test(sleeper_is_woken_once),
		cmocka_unit_test(waiters_have_a_bound_and_slots_come_back),
		cmocka_unit_test(writers_and_readers_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
