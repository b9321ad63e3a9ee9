/* SPDX-License-Identifier: MIT */
/* Unit tests of relayed syslog messages: framing at every split point, headers, and what goes out per format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/base/strbuf.h"
#include "weir/telemetry/log_ring.h"
#include "weir/telemetry/syslog.h"

/* ---- framing ---- */

/* The messages of a stream that comes in pieces, joined by "|", and "!" when it breaks. */
static char *frames(struct slice stream, size_t piece, bool always_lf, size_t max)
{
	struct strbuf in = STRBUF_INIT, out = STRBUF_INIT;
	for (size_t at = 0; at < stream.len; at += piece) {
		enum syslog_frame f;
		struct slice m;
		size_t used;
		strbuf_addslice(&in, slice_sub(stream, at, piece));
		while ((f = syslog_frame_next(strbuf_slice(&in), always_lf, max, &m, &used)) ==
		       SYSLOG_MESSAGE) {
			assert_true(used <= in.len);
			strbuf_addslice(&out, m);
			strbuf_addc(&out, '|');
			strbuf_consume(&in, used);
		}
		if (f == SYSLOG_BROKEN) {
			strbuf_addc(&out, '!');
			break;
		}
	}
	strbuf_done(&in);
	return out.ptr ? out.ptr : strdup("");
}

static void assert_frames(const char *stream, bool always_lf, const char *want)
{
	for (size_t piece = 1; piece <= strlen(stream); piece++) {
		char *got = frames(slice_str(stream), piece, always_lf, 100);
		assert_string_equal(got, want);
		free(got);
	}
}

static void streams_are_cut_into_messages(void **state)
{
	(void)state;
	assert_frames("<1>a\n<2>b\n", false, "<1>a|<2>b|");
	assert_frames("4 <1>a10 <2>bcdefgh3 <3>", false, "<1>a|<2>bcdefgh|<3>|");
	assert_frames("4 <1>a<2>b\n4 <3>c", false, "<1>a|<2>b|<3>c|");
	assert_frames("6 <1>a\nb<2>c\r\n", false, "<1>a\nb|<2>c|");
	assert_frames("<1>unfinished", false, "");
	assert_frames("5 <1>a", false, "");
	assert_frames("5 nopri", false, "nopri|");
}

static void broken_streams_are_noticed(void **state)
{
	(void)state;
	assert_frames("4 <1>a\n<2>b\n", false, "<1>a|!");
	assert_frames("text\n", false, "!");
	assert_frames("0 <1>", false, "!");
	assert_frames("04 <1>a", false, "!");
	assert_frames("4<1>a", false, "!");
	assert_frames("101 <1>a", false, "!");
	assert_frames("99999999999999999999999 <1>a", false, "!");
}

static void lines_may_be_assumed(void **state)
{
	(void)state;
	assert_frames("text\n4 <1>a\n\n<2>b\r\n", true, "text|4 <1>a||<2>b|");
}

static void lines_have_a_bound(void **state)
{
	char line[200];
	(void)state;
	memset(line, 'x', sizeof(line));
	line[0] = '<';
	line[100] = '\n';
	line[101] = '\0';
	char *got = frames(slice_str(line), 7, false, 100);
	assert_int_equal(strlen(got), 101);
	free(got);
	line[100] = 'x';
	assert_frames(line, false, "!");
}

/* ---- what goes out ---- */

static struct worker_group *group;
static struct worker *w;
static struct log_ring *ring;
static struct log_target target;
static struct log_target *targets[] = { &target };
static struct log_set set = { .targets = targets, .targets_n = 1 };
static char buf[LOG_RING_RECORD_MAX + 1];

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	group = worker_group_new(1, 8);
	assert_non_null(group);
	w = worker_get(group, 0);
	w->clock.wall_us = 1793696291034540LL; /* 2026-11-03 08:58:11.034540 UTC */
	assert_int_equal(log_worker_start(w), 0);
	assert_int_equal(log_ring_new(1 << 18, NULL, &ring), 0);
	target = (struct log_target){
		.fd = -1,
		.deliver = log_deliver_ring,
		.deliver_to = ring,
		.facility = 23,
		.max_level = LOG_LV_DEBUG,
		.len = LOG_LEN_DEFAULT,
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_ring_free(ring);
	log_worker_stop(w);
	worker_group_free(group);
	return 0;
}

#define AS_IT_CAME -1

static const char *relayed(const char *in, int header, enum syslog_host host, const char *sender)
{
	struct log_ring_cursor c = log_ring_end(ring);
	struct syslog_message m;
	uint64_t lost = 0;
	size_t len = 0;
	target.header_set = header != AS_IT_CAME;
	target.header = target.header_set ? (enum log_header)header : LOG_HEADER_LOCAL;
	syslog_parse(slice_str(in), &m);
	syslog_relay(w, &set, &m, host, slice_str(sender));
	if (!log_ring_read(ring, &c, buf, &len, &lost))
		return NULL;
	buf[len] = '\0';
	return buf;
}

/* With the sender's address left out, as nothing but the message counts then. */
static void assert_relayed(const char *in, int header, const char *want)
{
	const char *got = relayed(in, header, SYSLOG_HOST_KEEP, "10.0.0.9");
	assert_non_null(got);
	assert_string_equal(got, want);
}

struct formats {
	const char *in;
	const char *out[9]; /* as it came, then enum log_header */
};

#define OLD "<13>Oct  1 02:04:05 host app[123]: hello"
#define NEW "<13>1 2003-10-01T02:04:05.003+02:00 host app 111 ID47 [a@1 b=\"\\]c\"][d] text"
#define NOW "2026-11-03T08:58:11.034540+00:00"

static void headers_are_made_anew(void **state)
{
	static const struct formats all[] = {
		{ OLD, { OLD, OLD, "<13>1 2026-10-01T02:04:05-00:00 host app 123 - - hello",
			   "<13>Oct  1 02:04:05 app[123]: hello", "<13>hello", "<5>hello",
			   "<5>2026-10-01T02:04:05-00:00 hello", "2026-10-01T02:04:05-00:00 hello",
			   "hello" } },
		{ NEW, { NEW, "<13>Oct  1 02:04:05 host app[111]: text", NEW,
			   "<13>Oct  1 02:04:05 app[111]: text", "<13>text", "<5>text",
			   "<5>2003-10-01T02:04:05.003+02:00 text",
			   "2003-10-01T02:04:05.003+02:00 text", "text" } },
		{ "<13>plain",
		    { "<13>plain", "<13>Nov  3 08:58:11 localhost plain",
			"<13>1 " NOW " - - - - - plain", "<13>Nov  3 08:58:11 plain", "<13>plain",
			"<5>plain", "<5>" NOW " plain", NOW " plain", "plain" } },
		{ "nothing", { "nothing", "<184>Nov  3 08:58:11 localhost nothing",
				 "<184>1 " NOW " - - - - - nothing", "<184>Nov  3 08:58:11 nothing",
				 "<184>nothing", "<0>nothing", "<0>" NOW " nothing", NOW " nothing",
				 "nothing" } },
		{ "<13>1 - - - - ID47 - text",
		    { "<13>text", "<13>Nov  3 08:58:11 localhost text", "<13>1 - - - - ID47 - text",
			"<13>Nov  3 08:58:11 text", "<13>text", "<5>text", "<5>" NOW " text",
			NOW " text", "text" } },
		{ "<13>1 2003-10-01T02:04:05Z - app - - - m",
		    { "<13>Oct  1 02:04:05 app: m", "<13>Oct  1 02:04:05 localhost app: m",
			"<13>1 2003-10-01T02:04:05Z - app - - - m", "<13>Oct  1 02:04:05 app: m",
			"<13>m", "<5>m", "<5>2003-10-01T02:04:05Z m", "2003-10-01T02:04:05Z m",
			"m" } },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (int f = -1; f < 8; f++)
			assert_relayed(all[i].in, f, all[i].out[f + 1]);
}

/* What is not quite a header is text: in RFC 5424 it stands behind one of our own. */
static void half_headers_are_text(void **state)
{
	static const char *const texts[] = { "Oct 1 02:04:05 host app: x", "oct 11 02:04:05 host x",
		"Xxx 11 02:04:05 host x", "Oct 11 02:04:05", "Oct 11 02:04:05 ",
		"Oct 11 02:04:05 host", "Oct 11 02:04:05  host x", "Oct 11 02:04:05.1 host x",
		"2 2003-10-01T02:04:05Z h a 1 - - x", "1 2003-10-01T02:04:05Z h a 1",
		"1 2003-10-01 h a 1 - - x", "1 today h a 1 - - x",
		"1 2003-10-01T02:04:05Z h a 1 2 [x y", "1 2003-10-01T02:04:05Z h a 1 2 sd x",
		"1 2003-10-01T02:04:05Z h a 1 2 [x y=\"z\\\"] w",
		"1 2003-10-01T02:04:05Z h a 1 2 [x]y", "1 ", "1", "" };
	char in[128], want[192];
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		snprintf(in, sizeof(in), "<13>%s", texts[i]);
		snprintf(want, sizeof(want), "<13>1 " NOW " - - - - - %s", texts[i]);
		assert_relayed(in, LOG_HEADER_RFC5424, want);
		assert_relayed(in, AS_IT_CAME, in);
	}
}

static void tags(void **state)
{
	static const char *const pairs[][2] = {
		{ "app: x", "app - - - x" },
		{ "app[]: x", "app - - - x" },
		{ "a/b.c-d[e]: x", "a/b.c-d e - - x" },
		{ "a]b: x", "a]b - - - x" },
		{ "a[1]:  x", "a 1 - -  x" },
		{ ": x", "- - - - x" },
		{ "app:", "- - - - app:" },
		{ "app:x", "- - - - app:x" },
		{ "app : x", "- - - - app : x" },
		{ "a b: x", "- - - - a b: x" },
		{ "app", "- - - - app" },
		{ "[1]: x", "- - - - [1]: x" },
	};
	char in[128], want[192];
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		snprintf(in, sizeof(in), "<13>Oct 11 22:14:15 h %s", pairs[i][0]);
		snprintf(want, sizeof(want), "<13>1 2026-10-11T22:14:15-00:00 h %s", pairs[i][1]);
		assert_relayed(in, LOG_HEADER_RFC5424, want);
	}
}

static void priorities(void **state)
{
	(void)state;
	assert_relayed("<013>x", LOG_HEADER_PRIORITY, "<13>x");
	assert_relayed("<>x", LOG_HEADER_PRIORITY, "<0>x");
	assert_relayed("<999>x", LOG_HEADER_SHORT, "<7>x");
	assert_relayed("<13", LOG_HEADER_PRIORITY, "<184><13");
	assert_relayed("<1234>x", LOG_HEADER_PRIORITY, "<184><1234>x");
	assert_relayed("<1x>x", LOG_HEADER_PRIORITY, "<184><1x>x");
	assert_relayed("<13>a\nb\n\n", LOG_HEADER_RAW, "a\nb");
}

static void levels_filter_and_cap(void **state)
{
	(void)state;
	target.max_level = LOG_LV_NOTICE;
	assert_null(relayed("<14>info", AS_IT_CAME, SYSLOG_HOST_KEEP, ""));
	assert_relayed("<13>notice", AS_IT_CAME, "<13>notice");
	assert_relayed("no priority", AS_IT_CAME, "no priority");
	target.min_level = LOG_LV_WARNING;
	assert_relayed("<8>emerg", AS_IT_CAME, "<12>emerg");
	assert_relayed("<8>emerg", LOG_HEADER_SHORT, "<4>emerg");
}

static void lines_are_cut(void **state)
{
	char in[400] = "<13>1 2003-10-11T22:14:15.003Z host app 111 ID47 [a@1 b=\"";
	(void)state;
	target.len = 80;
	memset(in + strlen(in), 'c', 100);
	memcpy(in + strlen(in), "\"] text", 8);
	/* a field that does not fit ends the line */
	assert_relayed(in, AS_IT_CAME, "<13>1 2003-10-11T22:14:15.003Z host app 111 ID47 ");
	memset(in, 'm', 200);
	in[200] = '\0';
	assert_int_equal(strlen(relayed(in, LOG_HEADER_RAW, SYSLOG_HOST_KEEP, "")), 80);
	assert_int_equal(strlen(relayed(in, LOG_HEADER_RFC5424, SYSLOG_HOST_KEEP, "")), 80);
}

static void host_names_follow_the_strategy(void **state)
{
	static const struct {
		enum syslog_host mode;
		const char *in, *sender, *want;
	} all[] = {
		{ SYSLOG_HOST_FILL, "<13>x", "10.0.0.9", "<13>Nov  3 08:58:11 10.0.0.9 x" },
		{ SYSLOG_HOST_FILL, OLD, "10.0.0.9", OLD },
		{ SYSLOG_HOST_FILL, "<13>x", "", "<13>Nov  3 08:58:11 localhost x" },
		{ SYSLOG_HOST_KEEP, "<13>x", "10.0.0.9", "<13>Nov  3 08:58:11 localhost x" },
		{ SYSLOG_HOST_REPLACE, OLD, "10.0.0.9",
		    "<13>Oct  1 02:04:05 10.0.0.9 app[123]: hello" },
		{ SYSLOG_HOST_REPLACE, OLD, "", OLD },
		{ SYSLOG_HOST_APPEND, OLD, "10.0.0.9",
		    "<13>Oct  1 02:04:05 host,10.0.0.9 app[123]: hello" },
		{ SYSLOG_HOST_APPEND, "<13>x", "10.0.0.9", "<13>Nov  3 08:58:11 10.0.0.9 x" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_string_equal(
		    relayed(all[i].in, LOG_HEADER_RFC3164, all[i].mode, all[i].sender),
		    all[i].want);
}

static void unparsed_messages_stay_as_they_are(void **state)
{
	struct syslog_message m;
	(void)state;
	syslog_leave(slice_str(OLD "\n"), &m);
	assert_int_equal(m.priority, -1);
	assert_null(m.stamp.ptr);
	assert_true(slice_eq(m.text, slice_str(OLD)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_cut_into_messages),
		cmocka_unit_test(broken_streams_are_noticed),
		cmocka_unit_test(lines_may_be_assumed),
		cmocka_unit_test(lines_have_a_bound),
		cmocka_unit_test_setup_teardown(headers_are_made_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_headers_are_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(priorities, set_up, tear_down),
		cmocka_unit_test_setup_teardown(levels_filter_and_cap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lines_are_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(host_names_follow_the_strategy, set_up, tear_down),
		cmocka_unit_test(unparsed_messages_stay_as_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
