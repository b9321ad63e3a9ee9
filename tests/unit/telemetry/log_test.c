/* SPDX-License-Identifier: MIT */
/* Unit tests of log lines: header formats, levels, lengths, sampling, targets, losses. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/telemetry/log.h"

/* 2026-11-03 08:58:11.034540 UTC */
#define WALL_US 1793696291034540LL

static struct worker_group *group;
static struct worker *w;
static struct log_target target;
static struct log_target *targets[] = { &target };
static struct log_set set;
static int receiver;

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	log_worker_stop(w);
	assert_int_equal(log_worker_start(w), 0);
}

/* A target on a loopback receiver. */
static int set_up(void **state)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&target.addr;
	(void)state;
	group = worker_group_new(1, 8);
	assert_non_null(group);
	w = worker_get(group, 0);
	w->clock.wall_us = WALL_US;
	target = (struct log_target){
		.fd = -1,
		.header = LOG_HEADER_LOCAL,
		.facility = 19,
		.max_level = LOG_LV_DEBUG,
		.len = LOG_LEN_DEFAULT,
		.addr_len = sizeof(*in),
	};
	*in = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(receiver, (struct sockaddr *)in, sizeof(*in)), 0);
	assert_int_equal(getsockname(receiver, (struct sockaddr *)in, &target.addr_len), 0);
	set = (struct log_set){ .targets = targets, .targets_n = 1, .tag = "weir" };
	set_zone("UTC0");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_worker_stop(w);
	worker_group_free(group);
	close(receiver);
	return 0;
}

static const char *received(void)
{
	static char line[LOG_LEN_MAX + 2];
	ssize_t n = recv(receiver, line, sizeof(line) - 1, 0);
	line[n < 0 ? 0 : n] = '\0';
	return line;
}

/* after_pid NULL: no process id in the line. */
static void expect_line(const char *before_pid, const char *after_pid)
{
	char want[2048];
	if (after_pid)
		snprintf(want, sizeof(want), "%s%d%s", before_pid, (int)getpid(), after_pid);
	else
		snprintf(want, sizeof(want), "%s", before_pid);
	assert_string_equal(received(), want);
}

static void emit(enum log_header header)
{
	target.header = header;
	log_emit(w, &set, LOG_LV_INFO, SLICE("hello"));
}

static void each_header_format_is_as_documented(void **state)
{
	(void)state;
	emit(LOG_HEADER_RFC3164);
	expect_line("<158>Nov  3 08:58:11 localhost weir[", "]: hello\n");
	emit(LOG_HEADER_LOCAL);
	expect_line("<158>Nov  3 08:58:11 weir[", "]: hello\n");
	emit(LOG_HEADER_RFC5424);
	expect_line("<158>1 2026-11-03T08:58:11.034540+00:00 - weir ", " - - hello\n");
	emit(LOG_HEADER_PRIORITY);
	expect_line("<158>hello\n", NULL);
	emit(LOG_HEADER_SHORT);
	expect_line("<6>hello\n", NULL);
	emit(LOG_HEADER_TIMED);
	expect_line("<6>2026-11-03T08:58:11.034540+00:00 hello\n", NULL);
	emit(LOG_HEADER_ISO);
	expect_line("2026-11-03T08:58:11.034540+00:00 hello\n", NULL);
	emit(LOG_HEADER_RAW);
	expect_line("hello\n", NULL);
}

static void host_name_stands_where_the_format_has_one(void **state)
{
	(void)state;
	set.hostname = "lb1";
	emit(LOG_HEADER_RFC3164);
	expect_line("<158>Nov  3 08:58:11 lb1 weir[", "]: hello\n");
	emit(LOG_HEADER_RFC5424);
	expect_line("<158>1 2026-11-03T08:58:11.034540+00:00 lb1 weir ", " - - hello\n");
	emit(LOG_HEADER_LOCAL);
	expect_line("<158>Nov  3 08:58:11 weir[", "]: hello\n");
}

static void structured_data_goes_to_rfc5424_alone(void **state)
{
	(void)state;
	target.header = LOG_HEADER_RFC5424;
	log_emit_sd(w, &set, LOG_LV_INFO, SLICE("[ex a=\"1\"]"), SLICE("hello"));
	expect_line("<158>1 2026-11-03T08:58:11.034540+00:00 - weir ", " - [ex a=\"1\"] hello\n");
	target.header = LOG_HEADER_SHORT;
	log_emit_sd(w, &set, LOG_LV_INFO, SLICE("[ex a=\"1\"]"), SLICE("hello"));
	expect_line("<6>hello\n", NULL);
}

static void dates_are_in_local_time_and_follow_the_clock(void **state)
{
	(void)state;
	set_zone("XXX5:30");
	emit(LOG_HEADER_TIMED);
	expect_line("<6>2026-11-03T03:28:11.034540-05:30 hello\n", NULL);
	w->clock.wall_us += 999999;
	emit(LOG_HEADER_TIMED);
	expect_line("<6>2026-11-03T03:28:12.034539-05:30 hello\n", NULL);
	set_zone("XXX-2");
	emit(LOG_HEADER_LOCAL);
	expect_line("<158>Nov  3 10:58:12 weir[", "]: hello\n");
}

static void levels_filter_and_cap(void **state)
{
	(void)state;
	target.header = LOG_HEADER_SHORT;
	target.max_level = LOG_LV_NOTICE;
	target.min_level = LOG_LV_ERR;
	log_emit(w, &set, LOG_LV_INFO, SLICE("too quiet"));
	log_emit(w, &set, LOG_LV_SILENT, SLICE("silent"));
	log_emit(w, &set, LOG_LV_NOTICE, SLICE("a"));
	log_emit(w, &set, LOG_LV_EMERG, SLICE("b"));
	assert_string_equal(received(), "<5>a\n");
	assert_string_equal(received(), "<3>b\n");
	assert_string_equal(received(), "");
}

/* As the Debian haproxy cuts: the newline comes on top, but not in raw format. */
static void long_lines_are_cut(void **state)
{
	char text[200];
	(void)state;
	memset(text, 'x', sizeof(text));
	target.len = 80;
	target.header = LOG_HEADER_SHORT;
	log_emit(w, &set, LOG_LV_INFO, slice_make(text, sizeof(text)));
	assert_int_equal(strlen(received()), 81);
	target.header = LOG_HEADER_RAW;
	log_emit(w, &set, LOG_LV_INFO, slice_make(text, sizeof(text)));
	const char *line = received();
	assert_int_equal(strlen(line), 80);
	assert_int_equal(line[79], '\n');
}

static void overlong_tag_is_cut_too(void **state)
{
	char tag[3000];
	(void)state;
	memset(tag, 't', sizeof(tag) - 1);
	tag[sizeof(tag) - 1] = '\0';
	set.tag = tag;
	log_emit(w, &set, LOG_LV_INFO, SLICE("x"));
	assert_int_equal(strlen(received()), 512 + 2);
}

static void longest_line_passes_whole(void **state)
{
	static char text[60000];
	(void)state;
	memset(text, 'x', sizeof(text));
	target.len = LOG_LEN_MAX;
	target.header = LOG_HEADER_RAW;
	log_emit(w, &set, LOG_LV_INFO, slice_make(text, sizeof(text)));
	assert_int_equal(strlen(received()), sizeof(text) + 1);
}

static void sample_sends_the_ranges_of_each_round(void **state)
{
	struct arena a;
	char want[16];
	(void)state;
	arena_init(&a, 256);
	assert_int_equal(log_sample_parse(&target, SLICE("1,3-4:5"), &a), 0);
	target.header = LOG_HEADER_RAW;
	for (unsigned i = 0; i < 12; i++)
		log_emitf(w, &set, LOG_LV_INFO, "%u", i);
	static const unsigned sent[] = { 0, 2, 3, 5, 7, 8, 10 };
	for (size_t i = 0; i < ARRAY_SIZE(sent); i++) {
		snprintf(want, sizeof(want), "%u\n", sent[i]);
		assert_string_equal(received(), want);
	}
	assert_string_equal(received(), "");
	arena_reset(&a);
}

static void bad_samples_are_refused(void **state)
{
	static const char *const bad[] = { "", "1", "1:", ":5", "0:5", "6:5", "3-2:5", "1-6:5",
		"1,:5", "1,x:5", "1-:5", "a:5", "1:0", "1,9:5" };
	struct arena a;
	(void)state;
	arena_init(&a, 256);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(log_sample_parse(&target, slice_str(bad[i]), &a), -EINVAL);
	assert_int_equal(target.sample_size, 0);
	arena_reset(&a);
}

static void every_target_of_the_set_gets_the_line(void **state)
{
	int pipe_fds[2];
	char line[64] = "";
	struct log_target second = {
		.header = LOG_HEADER_SHORT, .max_level = LOG_LV_DEBUG, .len = LOG_LEN_DEFAULT
	};
	struct log_target *both[] = { &target, &second };
	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	second.fd = pipe_fds[1];
	set.targets = both;
	set.targets_n = 2;
	emit(LOG_HEADER_RAW);
	assert_string_equal(received(), "hello\n");
	assert_int_equal(read(pipe_fds[0], line, sizeof(line) - 1), 9);
	assert_string_equal(line, "<6>hello\n");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void full_pipe_drops_and_counts_without_blocking(void **state)
{
	int pipe_fds[2];
	uint64_t before = log_dropped();
	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096);
	target.fd = pipe_fds[1];
	for (unsigned i = 0; i < 10; i++)
		log_emitf(w, &set, LOG_LV_INFO, "%01000u", i);
	assert_true(atomic_load(&target.dropped) >= 6);
	assert_int_equal(log_dropped() - before, atomic_load(&target.dropped));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void missing_unix_listener_drops_and_counts(void **state)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&target.addr;
	(void)state;
	*un = (struct sockaddr_un){ .sun_family = AF_UNIX, .sun_path = "/nonexistent/log" };
	target.addr_len = sizeof(*un);
	log_emit(w, &set, LOG_LV_INFO, SLICE("lost"));
	assert_int_equal(atomic_load(&target.dropped), 1);
}

static void unix_datagram_target_gets_the_line(void **state)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&target.addr;
	(void)state;
	close(receiver);
	receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_int_equal(bind(receiver, (struct sockaddr *)un, sizeof(sa_family_t)), 0);
	target.addr_len = sizeof(*un);
	assert_int_equal(getsockname(receiver, (struct sockaddr *)un, &target.addr_len), 0);
	emit(LOG_HEADER_SHORT);
	assert_string_equal(received(), "<6>hello\n");
}

#define LINES_A_WORKER 1000

static void *emit_many(void *arg)
{
	struct worker *own = arg;
	for (unsigned i = 0; i < LINES_A_WORKER; i++) {
		own->clock.wall_us += 1500; /* passes into another second on the way */
		log_emitf(own, &set, LOG_LV_INFO, "%u", i);
	}
	return NULL;
}

static void workers_share_a_sampled_target(void **state)
{
	struct worker_group *pair = worker_group_new(2, 8);
	int pipe_fds[2];
	pthread_t threads[2];
	char buf[65536];
	size_t lines = 0;
	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	target.fd = pipe_fds[1];
	target.header = LOG_HEADER_ISO;
	target.sample_low = target.sample_high = 2;
	target.sample_size = 10;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(log_worker_start(worker_get(pair, i)), 0);
		assert_int_equal(
		    pthread_create(&threads[i], NULL, emit_many, worker_get(pair, i)), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		log_worker_stop(worker_get(pair, i));
	}
	ssize_t n = read(pipe_fds[0], buf, sizeof(buf));
	for (ssize_t i = 0; i < n; i++)
		lines += buf[i] == '\n';
	assert_int_equal(lines, 2 * LINES_A_WORKER / 10);
	assert_int_equal(atomic_load(&target.dropped), 0);
	worker_group_free(pair);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void words_of_the_log_keyword_are_known(void **state)
{
	(void)state;
	assert_int_equal(log_facility_parse("kern"), 0);
	assert_int_equal(log_facility_parse("cron2"), 15);
	assert_int_equal(log_facility_parse("local7"), 23);
	assert_int_equal(log_facility_parse("local8"), -1);
	assert_int_equal(log_level_parse("emerg"), LOG_LV_EMERG);
	assert_int_equal(log_level_parse("debug"), LOG_LV_DEBUG);
	assert_int_equal(log_level_parse("silent"), -1);
	assert_int_equal(log_header_parse("rfc5424"), LOG_HEADER_RFC5424);
	assert_int_equal(log_header_parse("raw"), LOG_HEADER_RAW);
	assert_int_equal(log_header_parse("RAW"), -1);
	assert_string_equal(log_facility_name(19), "local3");
	assert_string_equal(log_level_name(LOG_LV_WARNING), "warning");
}

/* The first target gets a tag of its own, the second one nothing. */
static bool text_of(void *arg, const struct log_target *t, struct log_text *ret)
{
	unsigned *asked = arg;
	ret->tag = "other";
	ret->text = SLICE("text");
	ret->sd = SLICE("[s@1]");
	return (*asked)++ == 0;
}

static void each_target_can_have_a_text_of_its_own(void **state)
{
	struct log_target second = target;
	struct log_target *two[] = { &target, &second };
	struct log_set both = { .targets = two, .targets_n = 2, .tag = "weir" };
	unsigned asked = 0;
	(void)state;
	target.header = LOG_HEADER_RFC5424;
	log_emit_each(w, &both, LOG_LV_INFO, text_of, &asked);
	assert_int_equal(asked, 2);
	expect_line("<158>1 2026-11-03T08:58:11.034540+00:00 - other ", " - [s@1] text\n");
	assert_string_equal(received(), "");
	target.max_level = second.max_level = LOG_LV_ERR;
	log_emit_each(w, &both, LOG_LV_INFO, text_of, &asked);
	assert_int_equal(asked, 2);
}

/* A syslog daemon that is there and does not read. */
static void full_unix_listener_drops_and_counts_without_blocking(void **state)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&target.addr;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	(void)state;
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path + 1, sizeof(un->sun_path) - 1, "weir-log-test-%d", (int)getpid());
	target.addr_len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(un->sun_path + 1));
	assert_int_equal(bind(fd, (struct sockaddr *)un, target.addr_len), 0);
	for (unsigned i = 0; i < 5000; i++)
		emit(LOG_HEADER_LOCAL);
	assert_true(atomic_load(&target.dropped) > 0);
	assert_true(atomic_load(&target.dropped) < 5000);
	close(fd);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_header_format_is_as_documented),
		CASE(host_name_stands_where_the_format_has_one),
		CASE(structured_data_goes_to_rfc5424_alone),
		CASE(dates_are_in_local_time_and_follow_the_clock),
		CASE(levels_filter_and_cap),
		CASE(long_lines_are_cut),
		CASE(overlong_tag_is_cut_too),
		CASE(longest_line_passes_whole),
		CASE(sample_sends_the_ranges_of_each_round),
		CASE(bad_samples_are_refused),
		CASE(every_target_of_the_set_gets_the_line),
		CASE(full_pipe_drops_and_counts_without_blocking),
		CASE(missing_unix_listener_drops_and_counts),
		CASE(each_target_can_have_a_text_of_its_own),
		CASE(full_unix_listener_drops_and_counts_without_blocking),
		CASE(unix_datagram_target_gets_the_line),
		CASE(workers_share_a_sampled_target),
		CASE(words_of_the_log_keyword_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
