/* SPDX-License-Identifier: MIT */
/* Unit tests of the h1 head writer, most of them on heads that the parser made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "weir/h1/h1.h"

static struct http_hdr table[16];
static struct http_msg msg;
static char buffer[1024];

static void parse_request(const char *text)
{
	struct h1_parsed parsed;
	size_t len = strlen(text);
	memcpy(buffer, text, len);
	http_msg_init(&msg, table, ARRAY_SIZE(table));
	assert_int_equal(h1_parse_request(buffer, len, 0, &msg, &parsed), H1_COMPLETE);
}

static void parse_response(const char *text)
{
	struct h1_parsed parsed;
	size_t len = strlen(text);
	memcpy(buffer, text, len);
	http_msg_init(&msg, table, ARRAY_SIZE(table));
	assert_int_equal(h1_parse_response(buffer, len, 0, &msg, &parsed), H1_COMPLETE);
}

typedef size_t write_fn(const struct http_msg *, bool, char *, size_t);

/* Writes with every capacity: all that are too small give 0 and leave what is behind cap alone. */
static void assert_written(write_fn *fn, bool keep_version, const char *want)
{
	char out[1024];
	size_t len = strlen(want);
	assert_true(h1_head_size(&msg) >= len);
	assert_true(h1_head_size(&msg) <= len + 32);
	for (size_t cap = 0; cap < len; cap++) {
		memset(out, '~', sizeof(out));
		assert_int_equal(fn(&msg, keep_version, out, cap), 0);
		assert_int_equal(out[cap], '~');
	}
	memset(out, '~', sizeof(out));
	size_t got = fn(&msg, keep_version, out, len);
	if (got != len || memcmp(out, want, len) != 0)
		fail_msg("got %zu: %.*s", got, (int)len, out);
	assert_int_equal(out[len], '~');
}

static void untouched_request_comes_out_in_lower_case(void **state)
{
	parse_request("GET /x?y HTTP/1.1\r\nHost: a\r\nAccept:  */* \r\nX:\r\nCookie: c=d\r\n\r\n");
	assert_written(h1_write_request, true,
	    "GET /x?y HTTP/1.1\r\nhost: a\r\naccept: */*\r\nx: \r\ncookie: c=d\r\n\r\n");
}

static void deleted_changed_and_added_fields_break_the_runs(void **state)
{
	parse_request("PUT / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n");
	http_hdr_del(http_hdr_find(&msg, SLICE("b"), NULL));
	http_hdr_set_value(http_hdr_find(&msg, SLICE("d"), NULL), SLICE("four"));
	assert_int_equal(http_hdr_add(&msg, SLICE("via"), SLICE("weir")), 0);
	msg.target = SLICE("/new");
	assert_written(h1_write_request, true,
	    "PUT /new HTTP/1.1\r\nhost: a\r\na: 1\r\nc: 3\r\nd: four\r\ne: 5\r\nvia: weir\r\n\r\n");
}

static void fields_of_two_buffers_are_not_taken_for_neighbours(void **state)
{
	parse_request("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n");
	struct http_hdr first = table[1];
	table[1] = table[2];
	table[2] = first;
	assert_written(h1_write_request, true, "GET / HTTP/1.1\r\nhost: a\r\nb: 2\r\na: 1\r\n\r\n");
}

static void version_is_kept_only_when_asked_for(void **state)
{
	parse_request("GET / HTTP/1.0\r\nA: 1\r\n\r\n");
	assert_written(h1_write_request, true, "GET / HTTP/1.0\r\na: 1\r\n\r\n");
	assert_written(h1_write_request, false, "GET / HTTP/1.1\r\na: 1\r\n\r\n");
	parse_response("HTTP/1.0 200 OK\r\nA: 1\r\n\r\n");
	assert_written(h1_write_response, true, "HTTP/1.0 200 OK\r\na: 1\r\n\r\n");
	assert_written(h1_write_response, false, "HTTP/1.1 200 OK\r\na: 1\r\n\r\n");
}

static void message_made_by_hand_is_written(void **state)
{
	http_msg_init(&msg, table, ARRAY_SIZE(table));
	msg.status = 503;
	msg.version = 11;
	msg.reason = http_reason(503);
	assert_int_equal(http_hdr_add(&msg, SLICE("content-length"), SLICE("0")), 0);
	assert_written(h1_write_response, true,
	    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
	msg.status = 1234;
	msg.reason = SLICE_NULL;
	assert_written(h1_write_response, true, "HTTP/1.1 1234 \r\ncontent-length: 0\r\n\r\n");
}

static size_t write_trailers(const struct http_msg *m, bool keep_version, char *out, size_t cap)
{
	(void)keep_version;
	return h1_write_trailers(m, out, cap);
}

static void trailers_are_fields_and_an_empty_line(void **state)
{
	char text[] = "X: 1\r\nContent-Length: 4\r\ny: 2\r\n\r\n";
	struct h1_parsed parsed;
	http_msg_init(&msg, table, ARRAY_SIZE(table));
	assert_int_equal(h1_parse_trailers(text, sizeof(text) - 1, 0, &msg, &parsed), H1_COMPLETE);
	assert_written(write_trailers, true, "x: 1\r\ny: 2\r\n\r\n");
	http_msg_init(&msg, table, ARRAY_SIZE(table));
	assert_written(write_trailers, true, "\r\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(untouched_request_comes_out_in_lower_case),
		cmocka_unit_test(deleted_changed_and_added_fields_break_the_runs),
		cmocka_unit_test(fields_of_two_buffers_are_not_taken_for_neighbours),
		cmocka_unit_test(version_is_kept_only_when_asked_for),
		cmocka_unit_test(message_made_by_hand_is_written),
		cmocka_unit_test(trailers_are_fields_and_an_empty_line),
	};
	return cmocka_run_group_tests_name("h1 write", tests, NULL, NULL);
}
