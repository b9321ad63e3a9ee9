/* SPDX-License-Identifier: MIT */
/* Unit tests of the built-in error pages and of the store behind "show errors". */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/proxy/error_pages.h"
#include "weir/proxy/error_capture.h"
#include "weir/proxy/proxy.h"

#define WALL_US 1236181616081000LL

/* ---- pages ---- */

static void content_length_of_each_page_is_that_of_its_body(void **state)
{
	static const unsigned statuses[] = { 200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421,
		422, 425, 429, 500, 501, 502, 503, 504 };
	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct slice page = error_page(statuses[i]);
		char start[32];
		size_t body = slice_search(page, SLICE("\r\n\r\n")) + 4;
		size_t length = slice_search(page, SLICE("Content-length: "));
		snprintf(start, sizeof(start), "HTTP/1.1 %u ", statuses[i]);
		assert_true(slice_has_prefix(page, slice_str(start)));
		assert_true(body <= page.len && length < body);
		assert_int_equal(strtoul(page.ptr + length + 16, NULL, 10), page.len - body);
	}
}

static void page_is_what_clients_of_haproxy_know(void **state)
{
	(void)state;
	assert_true(
	    slice_eq(error_page(503), SLICE("HTTP/1.1 503 Service Unavailable\r\n"
					    "Content-length: 107\r\n"
					    "Cache-Control: no-cache\r\n"
					    "Content-Type: text/html\r\n"
					    "\r\n"
					    "<html><body><h1>503 Service Unavailable</h1>\n"
					    "No server is available to handle this request.\n"
					    "</body></html>\n")));
	assert_true(slice_search(error_page(408), SLICE("\r\nConnection: close\r\n")) <
		    error_page(408).len);
}

static void status_without_a_page_gets_that_of_500(void **state)
{
	(void)state;
	assert_ptr_equal(error_page(599).ptr, error_page(500).ptr);
}

/* ---- captures ---- */

static struct proxy fe = { .name = "fe-eth0", .id = 1 };
static struct proxy be = { .name = "http-in", .id = 2 };
static struct server srv = { .name = "s2", .id = 1 };
static struct error_store store;
static struct strbuf out;

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	store = (struct error_store){ .lock = PTHREAD_MUTEX_INITIALIZER };
	out = STRBUF_INIT;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	error_store_done(&store);
	strbuf_done(&out);
	return 0;
}

static void capture(const struct proxy *px, bool response, struct slice bytes, size_t at)
{
	struct net_peer src = { .in = { .sin_family = AF_INET, .sin_port = htons(4321) } };
	src.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	error_capture(&store, &(struct error_event){
				  .px = px,
				  .other = response ? &fe : NULL,
				  .server = response ? &srv : NULL,
				  .src = &src,
				  .bytes = bytes,
				  .at = at,
				  .room = 100,
				  .reason = "bad name",
				  .wall_us = WALL_US,
				  .response = response,
			      });
}

static void show(int id, unsigned which)
{
	strbuf_clear(&out);
	error_store_show(&store, id, which, WALL_US, &out);
}

#define ALL (ERROR_SHOW_REQUESTS | ERROR_SHOW_RESPONSES)

static void response_is_shown_with_parties_position_and_bytes(void **state)
{
	(void)state;
	capture(&be, true, SLICE("HTTP/1.0 200 OK\r\nheader/bizarre:blah\r\n\r\n"), 23);
	show(-1, ALL);
	assert_string_equal(strbuf_str(&out),
	    "Total events captured on [04/Mar/2009:15:46:56.081] : 1\n"
	    " \n"
	    "[04/Mar/2009:15:46:56.081] backend http-in (#2): invalid response\n"
	    "  frontend fe-eth0 (#1), server s2 (#1), event #0, src 127.0.0.1:4321\n"
	    "  buffer starts at 0 (including 0 out), 100 free,\n"
	    "  len 40, wraps at 140, error at position 23\n"
	    "  H1 error: bad name:\n"
	    "  \n"
	    "  00000  HTTP/1.0 200 OK\\r\\n\n"
	    "  00017  header/bizarre:blah\\r\\n\n"
	    "  00038  \\r\\n\n");
}

static void long_line_is_broken_at_79_columns_and_continued_with_a_plus(void **state)
{
	char bytes[81];
	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	bytes[69] = '\1'; /* four columns wide: goes to the next line */
	bytes[80] = '\n';
	capture(&fe, false, slice_make(bytes, sizeof(bytes)), 0);
	show(-1, ALL);
	const char *dump = strstr(strbuf_str(&out), "  00000  ");
	assert_non_null(dump);
	assert_int_equal(strchr(dump, '\n') - dump, 9 + 69);
	assert_non_null(strstr(dump, "\n  00069+ \\x01aaaaaaaaaa\\n\n"));
}

static void only_the_last_of_a_proxy_and_side_is_kept(void **state)
{
	(void)state;
	capture(&fe, false, SLICE("first\n"), 0);
	capture(&be, true, SLICE("other\n"), 0);
	capture(&fe, false, SLICE("second\n"), 0);
	show(-1, ALL);
	assert_non_null(strstr(strbuf_str(&out), ": 3\n"));
	assert_null(strstr(strbuf_str(&out), "first"));
	assert_non_null(strstr(strbuf_str(&out), "other"));
	assert_non_null(strstr(strbuf_str(&out), "second"));
	assert_int_equal(store.n, 2);
}

static void filters_take_one_proxy_or_one_side(void **state)
{
	(void)state;
	capture(&fe, false, SLICE("request\n"), 0);
	capture(&be, true, SLICE("response\n"), 0);
	show(-1, ERROR_SHOW_REQUESTS);
	assert_null(strstr(strbuf_str(&out), "response\\n"));
	show(2, ALL);
	assert_null(strstr(strbuf_str(&out), "  00000  request"));
	show(1, ERROR_SHOW_RESPONSES); /* the other side of the response */
	assert_non_null(strstr(strbuf_str(&out), "response\\n"));
	show(7, ALL);
	assert_null(strstr(strbuf_str(&out), "00000"));
}

static void store_keeps_no_more_than_its_bounds(void **state)
{
	static char names[ERROR_CAPTURE_MAX + 2][16];
	static char big[ERROR_CAPTURE_BYTES + 1000];
	(void)state;
	for (unsigned i = 0; i < ERROR_CAPTURE_MAX + 2; i++) {
		struct proxy px = { .name = names[i], .id = i + 1 };
		snprintf(names[i], sizeof(names[i]), "p%u", i);
		capture(&px, false, SLICE("x\n"), 0);
	}
	assert_int_equal(store.n, ERROR_CAPTURE_MAX);
	show(1, ALL);
	assert_null(strstr(strbuf_str(&out), "00000")); /* the oldest went */
	memset(big, '\n', sizeof(big));
	capture(&fe, false, slice_make(big, sizeof(big)), 0);
	show(1, ALL);
	assert_non_null(strstr(strbuf_str(&out), "  16383  \\n\n"));
	assert_null(strstr(strbuf_str(&out), "  16384"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_length_of_each_page_is_that_of_its_body),
		cmocka_unit_test(page_is_what_clients_of_haproxy_know),
		cmocka_unit_test(status_without_a_page_gets_that_of_500),
		cmocka_unit_test_setup_teardown(
		    response_is_shown_with_parties_position_and_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    long_line_is_broken_at_79_columns_and_continued_with_a_plus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    only_the_last_of_a_proxy_and_side_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    filters_take_one_proxy_or_one_side, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    store_keeps_no_more_than_its_bounds, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
