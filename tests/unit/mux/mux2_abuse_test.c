/* SPDX-License-Identifier: MIT */
/* Unit tests of what HTTP/2 clients must not do: broken frames and messages, floods, and the limits on each. */
#include "h2_peer.h"

static struct peer p;

static void expect_goaway(unsigned code)
{
	const struct frame *f = find(&p, GOAWAY, 0);
	assert_non_null(f);
	assert_int_equal(word(f, 4), code);
	assert_int_equal(p.counters.conn_errors, 1);
}

static void expect_reset(uint32_t id, unsigned code)
{
	const struct frame *f = find(&p, RST_STREAM, id);
	assert_non_null(f);
	assert_int_equal(word(f, 0), code);
	assert_null(find(&p, GOAWAY, 0));
}

/* ---- frames ---- */

struct bad_frame {
	unsigned type, flags;
	uint32_t id;
	const char *payload;
	size_t len;
	unsigned code; /* of the GOAWAY */
};

/* With no stream open. */
static const struct bad_frame on_idle[] = {
	{ DATA, 0, 0, "x", 1, NGHTTP2_PROTOCOL_ERROR },
	{ DATA, 0, 1, "x", 1, NGHTTP2_PROTOCOL_ERROR },
	{ HEADERS, END_HEADERS, 0, "\x82", 1, NGHTTP2_PROTOCOL_ERROR },
	{ HEADERS, END_HEADERS, 2, "\x82", 1, NGHTTP2_PROTOCOL_ERROR },
	{ HEADERS, END_HEADERS | PADDED, 1, "\x09\x82", 2, NGHTTP2_PROTOCOL_ERROR },
	{ HEADERS, END_HEADERS | PADDED, 1, "", 0, NGHTTP2_FRAME_SIZE_ERROR },
	{ HEADERS, END_HEADERS | 0x20, 1, "\0\0\0", 3, NGHTTP2_FRAME_SIZE_ERROR },
	{ HEADERS, END_HEADERS | 0x20, 1, "\0\0\0\1\1\x82", 6, NGHTTP2_PROTOCOL_ERROR },
	{ HEADERS, END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff", 6, NGHTTP2_COMPRESSION_ERROR },
	{ HEADERS, END_HEADERS, 1, "\xc6", 1, NGHTTP2_COMPRESSION_ERROR },
	{ PRIORITY, 0, 0, "\0\0\0\0\1", 5, NGHTTP2_PROTOCOL_ERROR },
	{ PRIORITY, 0, 1, "\0\0\0\0", 4, NGHTTP2_FRAME_SIZE_ERROR },
	{ PRIORITY, 0, 1, "\0\0\0\1\1", 5, NGHTTP2_PROTOCOL_ERROR },
	{ RST_STREAM, 0, 0, "\0\0\0\0", 4, NGHTTP2_PROTOCOL_ERROR },
	{ RST_STREAM, 0, 1, "\0\0\0\0", 4, NGHTTP2_PROTOCOL_ERROR },
	{ SETTINGS, 0, 1, "", 0, NGHTTP2_PROTOCOL_ERROR },
	{ SETTINGS, 0, 0, "\0\1\0", 3, NGHTTP2_FRAME_SIZE_ERROR },
	{ SETTINGS, ACK, 0, "\0\1\0\0\0\0", 6, NGHTTP2_FRAME_SIZE_ERROR },
	{ SETTINGS, 0, 0, "\0\2\0\0\0\2", 6, NGHTTP2_PROTOCOL_ERROR },
	{ SETTINGS, 0, 0, "\0\4\x80\0\0\0", 6, NGHTTP2_FLOW_CONTROL_ERROR },
	{ SETTINGS, 0, 0, "\0\5\0\0\x3f\xff", 6, NGHTTP2_PROTOCOL_ERROR },
	{ SETTINGS, 0, 0, "\0\5\1\0\0\0", 6, NGHTTP2_PROTOCOL_ERROR },
	{ PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2\x82", 5, NGHTTP2_PROTOCOL_ERROR },
	{ PING, 0, 1, "12345678", 8, NGHTTP2_PROTOCOL_ERROR },
	{ PING, 0, 0, "1234567", 7, NGHTTP2_FRAME_SIZE_ERROR },
	{ GOAWAY, 0, 1, "\0\0\0\0\0\0\0\0", 8, NGHTTP2_PROTOCOL_ERROR },
	{ GOAWAY, 0, 0, "\0\0\0\0", 4, NGHTTP2_FRAME_SIZE_ERROR },
	{ WINDOW_UPDATE, 0, 0, "\0\0\0\0", 4, NGHTTP2_PROTOCOL_ERROR },
	{ WINDOW_UPDATE, 0, 0, "\0\0\1", 3, NGHTTP2_FRAME_SIZE_ERROR },
	{ WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4, NGHTTP2_FLOW_CONTROL_ERROR },
	{ WINDOW_UPDATE, 0, 1, "\0\0\0\1", 4, NGHTTP2_PROTOCOL_ERROR },
	{ CONTINUATION, END_HEADERS, 1, "\x82", 1, NGHTTP2_PROTOCOL_ERROR },
};

static void broken_frame_ends_the_connection(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(on_idle); i++) {
		const struct bad_frame *b = &on_idle[i];
		open_client(&p);
		give_frame(&p, b->type, b->flags, b->id, b->payload, b->len);
		expect_goaway(b->code);
		peer_done(&p);
	}
}

/* With stream 1 open, its request complete or not. */
static const struct {
	struct bad_frame f;
	bool complete;
} on_open[] = {
	{ { DATA, 0, 1, "x", 1, NGHTTP2_STREAM_CLOSED }, true },
	{ { HEADERS, END_HEADERS | END_STREAM, 1, "\x82", 1, NGHTTP2_STREAM_CLOSED }, true },
	{ { HEADERS, END_HEADERS, 1, "\0\1a\1b", 5, NGHTTP2_PROTOCOL_ERROR }, false },
	{ { HEADERS, END_HEADERS | END_STREAM, 1, "\x82", 1, NGHTTP2_PROTOCOL_ERROR }, false },
	{ { WINDOW_UPDATE, 0, 1, "\0\0\0\0", 4, NGHTTP2_PROTOCOL_ERROR }, false },
	{ { WINDOW_UPDATE, 0, 1, "\x7f\xff\xff\xff", 4, NGHTTP2_FLOW_CONTROL_ERROR }, false },
	{ { PRIORITY, 0, 1, "\0\0\0\0", 4, NGHTTP2_FRAME_SIZE_ERROR }, false },
	{ { PRIORITY, 0, 1, "\0\0\0\1\1", 5, NGHTTP2_PROTOCOL_ERROR }, false },
};

static void broken_frame_of_a_stream_resets_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(on_open); i++) {
		const struct bad_frame *b = &on_open[i].f;
		open_client(&p);
		give_head(&p, 1, on_open[i].complete, POST);
		give_frame(&p, b->type, b->flags, b->id, b->payload, b->len);
		expect_reset(1, b->code);
		assert_true(p.users[0].ep->flags & EP_ERROR);
		assert_int_equal(mux2_glitches(p.m), 1);
		give_head(&p, 3, true, GET); /* the connection goes on */
		assert_int_equal(p.users_n, 2);
		peer_done(&p);
	}
}

static void closed_stream_takes_no_more(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, true, GET);
	answer(&p.users[0], 200, "x");
	give_frame(&p, DATA, 0, 1, "x", 1);
	expect_reset(1, NGHTTP2_STREAM_CLOSED);
	give_frame(&p, RST_STREAM, 0, 1, "\0\0\0\0", 4);
	give_frame(&p, WINDOW_UPDATE, 0, 1, "\0\0\4\0", 4);
	give_frame(&p, PRIORITY, 0, 1, "\0\0\0\0\1", 5);
	assert_null(find(&p, GOAWAY, 0));
	give_head(&p, 1, true, GET);
	expect_goaway(NGHTTP2_STREAM_CLOSED);
	peer_done(&p);
}

static void header_block_must_not_be_interrupted(void **state)
{
	(void)state;
	open_client(&p);
	give_frame(&p, HEADERS, END_STREAM, 1, "\x82", 1);
	give_frame(&p, PING, 0, 0, "12345678", 8);
	expect_goaway(NGHTTP2_PROTOCOL_ERROR);
	peer_done(&p);
	open_client(&p);
	give_frame(&p, HEADERS, END_STREAM, 1, "\x82", 1);
	give_frame(&p, CONTINUATION, END_HEADERS, 3, "\x84", 1);
	expect_goaway(NGHTTP2_PROTOCOL_ERROR);
	peer_done(&p);
}

static void preface_and_settings_come_first(void **state)
{
	(void)state;
	peer_init(&p, true);
	peer_start(&p, true, SLICE_NULL);
	give(&p, "GET / HTTP/1.1\r\n", 16);
	expect_goaway(NGHTTP2_PROTOCOL_ERROR);
	peer_done(&p);
	peer_init(&p, true);
	peer_start(&p, true, SLICE_NULL);
	give(&p, preface, sizeof(preface) - 1);
	give_frame(&p, PING, 0, 0, "12345678", 8);
	expect_goaway(NGHTTP2_PROTOCOL_ERROR);
	peer_done(&p);
}

static void frame_beyond_the_size_is_refused(void **state)
{
	static const char head[9] = { 0, 0x40, 1, DATA, 0, 0, 0, 0, 1 };
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, POST);
	give(&p, head, 9);
	expect_goaway(NGHTTP2_FRAME_SIZE_ERROR);
	peer_done(&p);
}

/* ---- messages ---- */

#define USUAL ":method: GET", ":scheme: http", ":path: /", ":authority: a"

static const char *const malformed[][8] = {
	{ ":method: GET", ":scheme: http", ":authority: a" },
	{ ":method: GET", ":path: /", ":authority: a" },
	{ ":scheme: http", ":path: /", ":authority: a" },
	{ ":method: GET", ":scheme: http", ":path: " },
	{ ":method: GET", ":scheme: http", ":path: x", ":authority: a" },
	{ ":method: GET", ":scheme: http", ":path: *", ":authority: a" },
	{ ":method: GET", ":scheme: http", ":path: /#f", ":authority: a" },
	{ ":method: GET", ":scheme: http", ":path: /a b", ":authority: a" },
	{ ":method: GET", ":scheme: http", ":path: /" },
	{ ":method: G T", ":scheme: http", ":path: /", ":authority: a" },
	{ ":method: GET", ":scheme: http", ":path: /", ":authority: u@a" },
	{ ":method: CONNECT", ":scheme: http", ":path: /", ":authority: a:1" },
	{ ":method: CONNECT", ":authority: a" },
	{ ":method: CONNECT" },
	{ ":method: GET", ":scheme: http", ":path: /", ":authority: a", ":protocol: websocket" },
	{ ":method: CONNECT", ":protocol: websocket", ":scheme: http", ":authority: a" },
	{ USUAL, ":method: GET" },
	{ USUAL, ":path: /" },
	{ USUAL, ":status: 200" },
	{ USUAL, ":other: 1" },
	{ ":method: GET", ":scheme: http", ":path: /", "x: 1", ":authority: a" },
	{ USUAL, "Upper: 1" },
	{ USUAL, "a b: 1" },
	{ USUAL, "x: a\nb" },
	{ USUAL, "x: a\rb" },
	{ USUAL, "x:  leading" },
	{ USUAL, "x: trailing " },
	{ USUAL, "x: \tleading" },
	{ USUAL, "connection: close" },
	{ USUAL, "transfer-encoding: chunked" },
	{ USUAL, "keep-alive: 1" },
	{ USUAL, "proxy-connection: close" },
	{ USUAL, "upgrade: h2c" },
	{ USUAL, "te: gzip" },
	{ USUAL, "content-length: -1" },
	{ USUAL, "content-length: 1, 2" },
	{ USUAL, "content-length: 0", "content-length: 1" },
	{ USUAL, "content-length: 5" }, /* and END_STREAM */
	{ USUAL, "host: b" },
	{ USUAL, "host: a", "host: a" },
	{ ":method: GET", ":scheme: http", ":path: /", "host: a/b" },
};

static void malformed_request_is_reset_and_nobody_sees_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		open_client(&p);
		give_head(&p, 1, true, malformed[i]);
		if (p.users_n)
			print_error("case %zu was let through\n", i);
		assert_int_equal(p.users_n, 0);
		expect_reset(1, NGHTTP2_PROTOCOL_ERROR);
		assert_int_equal(p.errors, 1);
		give_head(&p, 3, true, GET);
		assert_int_equal(p.users_n, 1);
		peer_done(&p);
	}
}

static const char *const legal[][8] = {
	{ USUAL, "te: trailers" },
	{ USUAL, "host: a" },
	{ USUAL, "host: A:80" },
	{ USUAL, "content-length: 0" },
	{ USUAL, "content-length: 0", "content-length: 0" },
	{ USUAL, "x:" },
	{ USUAL, "x: a\tb \x80" },
	{ ":method: OPTIONS", ":scheme: http", ":path: *", ":authority: a" },
	{ ":method: GET", ":scheme: http", ":path: /", "host: a" },
	{ ":method: CONNECT", ":authority: a:443" },
	{ ":path: /", ":authority: [::1]:80", ":scheme: https", ":method: FOO-BAR" },
};

static void unusual_request_is_let_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(legal); i++) {
		open_client(&p);
		give_head(&p, 1, true, legal[i]);
		if (p.users_n != 1)
			print_error("case %zu: %s\n", i, p.why);
		assert_int_equal(p.users_n, 1);
		recv_all(&p.users[0]);
		assert_false(p.users[0].ep->flags & EP_IN_BAD);
		peer_done(&p);
	}
}

static void cookie_crumbs_become_one_field(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, true,
	    (const char *const[]){
		USUAL, "cookie: a=1", "x: y", "cookie: b=2", "cookie: c=3", NULL });
	struct user *u = &p.users[0];
	recv_all(u);
	struct http_hdr *h = http_hdr_find_id(&u->msg, HDR_COOKIE, NULL);
	assert_true(slice_eq(http_hdr_value_of(h), SLICE("a=1; b=2; c=3")));
	assert_null(http_hdr_find_id(&u->msg, HDR_COOKIE, h));
	assert_non_null(http_hdr_find(&u->msg, SLICE("x"), NULL));
	assert_memory_equal(h->name, "cookie: a=1; b=2; c=3\r\n", 23);
	peer_done(&p);
}

static void content_must_be_as_long_as_said(void **state)
{
	static const char *const five[] = { ":method: POST", ":scheme: http", ":path: /",
		":authority: a", "content-length: 5", NULL };
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, five);
	give_frame(&p, DATA, END_STREAM, 1, "four", 4);
	expect_reset(1, NGHTTP2_PROTOCOL_ERROR);
	recv_all(&p.users[0]);
	assert_false(p.users[0].ep->flags & EP_IN_END);
	give_head(&p, 3, false, five);
	give_frame(&p, DATA, 0, 3, "longer", 6);
	expect_reset(3, NGHTTP2_PROTOCOL_ERROR);
	give_head(&p, 5, false, five);
	give_frame(&p, DATA, 0, 5, "x", 1);
	give_head(&p, 5, true, (const char *const[]){ "t: 1", NULL });
	expect_reset(5, NGHTTP2_PROTOCOL_ERROR);
	peer_done(&p);
}

/* ---- limits ---- */

static void large_head_is_answered_with_431(void **state)
{
	static char field[9000];
	(void)state;
	memset(field, 'a', sizeof(field) - 1);
	field[1] = ':';
	open_client(&p);
	give_head(&p, 1, false, (const char *const[]){ USUAL, field, field, NULL });
	assert_int_equal(p.users_n, 0);
	assert_string_equal(expand(&p, find(&p, HEADERS, 1)), ":status: 431\n");
	assert_int_equal(find(&p, HEADERS, 1)->flags, END_HEADERS | END_STREAM);
	expect_reset(1, NGHTTP2_NO_ERROR);
	give_head(&p, 3, true, GET);
	assert_int_equal(p.users_n, 1);
	peer_done(&p);
}

static void too_many_fields_are_answered_with_431(void **state)
{
	const char *fields[MAX_HDRS + 8] = { USUAL };
	(void)state;
	for (unsigned i = 4; i < MAX_HDRS + 5; i++)
		fields[i] = "x: y";
	open_client(&p);
	give_head(&p, 1, true, fields);
	assert_int_equal(p.users_n, 0);
	assert_string_equal(expand(&p, find(&p, HEADERS, 1)), ":status: 431\n");
	peer_done(&p);
}

/* One entry of the table, named thousands of times: a byte each. */
static void compression_bomb_ends_the_connection(void **state)
{
	static uint8_t bomb[16000];
	static char value[4001];
	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	memcpy(bomb, "\x82\x86\x84\x40\1x\x7f\xa1\x1e", 9); /* x: 4000 bytes */
	memcpy(bomb + 9, value, 4000);
	memset(bomb + 4009, 0xbe, sizeof(bomb) - 4009);
	open_client(&p);
	give_frame(&p, HEADERS, END_HEADERS, 1, bomb, sizeof(bomb));
	expect_goaway(NGHTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(p.counters.limit_header_lists, 1);
	peer_done(&p);
}

static void continuation_flood_ends_the_connection(void **state)
{
	(void)state;
	open_client(&p);
	give_frame(&p, HEADERS, 0, 1, "\x82", 1);
	for (unsigned i = 0; i < 100 && !p.errors; i++)
		give_frame(&p, CONTINUATION, 0, 1, "", 0);
	expect_goaway(NGHTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(p.counters.limit_continuations, 1);
	peer_done(&p);
}

static void rapid_reset_ends_the_connection(void **state)
{
	unsigned opened = 0;
	(void)state;
	open_client(&p);
	p.conf.resets = 50;
	for (; opened < 200 && !p.errors; opened++) {
		give_head(&p, 1 + 2 * opened, true, GET);
		give_frame(&p, RST_STREAM, 0, 1 + 2 * opened, "\0\0\0\010", 4);
		if (p.users_n)
			leave(&p.users[p.users_n - 1]);
		run_tasks();
	}
	assert_int_equal(opened, 51);
	expect_goaway(NGHTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(p.counters.limit_resets, 1);
	peer_done(&p);
}

static const struct bad_frame floods[] = {
	{ PING, 0, 0, "12345678", 8, 0 },
	{ SETTINGS, 0, 0, "", 0, 0 },
	{ DATA, 0, 1, "", 0, 0 },
	{ PRIORITY, 0, 1, "\0\0\0\0\1", 5, 0 },
	{ WINDOW_UPDATE, 0, 1, "\0\0\0\1", 4, 0 },
	{ 0xef, 0, 0, "", 0, 0 },
};

static void flood_of_useless_frames_ends_the_connection(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(floods); i++) {
		const struct bad_frame *b = &floods[i];
		peer_init(&p, true);
		p.conf.floods = 200;
		peer_start(&p, true, SLICE_NULL);
		give(&p, preface, sizeof(preface) - 1);
		give_frame(&p, SETTINGS, 0, 0, NULL, 0);
		give_head(&p, 1, false, POST);
		unsigned n = 0;
		for (; n < 1000 && !p.errors; n++)
			give_frame(&p, b->type, b->flags, b->id, b->payload, b->len);
		assert_true(n >= 4 && n <= 201);
		expect_goaway(NGHTTP2_ENHANCE_YOUR_CALM);
		assert_int_equal(p.counters.limit_floods, 1);
		peer_done(&p);
	}
}

static void peer_that_asks_and_does_not_read_is_ended(void **state)
{
	static struct bytes pings;
	int small = 4096;
	(void)state;
	open_client(&p);
	setsockopt(p.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	pings.len = 0;
	for (unsigned i = 0; i < 500; i++)
		add_frame(&pings, PING, 0, 0, "12345678", 8);
	for (unsigned i = 0; i < 10 && !p.errors; i++)
		give(&p, pings.b, pings.len);
	assert_int_equal(p.counters.limit_floods, 1);
	expect_goaway(NGHTTP2_ENHANCE_YOUR_CALM);
	peer_done(&p);
}

static void streams_above_the_limit_are_refused(void **state)
{
	(void)state;
	peer_init(&p, true);
	p.conf.max_streams = 2;
	peer_start(&p, true, SLICE_NULL);
	give(&p, preface, sizeof(preface) - 1);
	give_frame(&p, SETTINGS, 0, 0, NULL, 0);
	give_head(&p, 1, true, GET);
	give_head(&p, 3, true, GET);
	give_head(&p, 5, true, GET);
	assert_int_equal(p.users_n, 2);
	expect_reset(5, NGHTTP2_REFUSED_STREAM);
	answer(&p.users[0], 200, "x");
	give_head(&p, 7, true, GET);
	assert_int_equal(p.users_n, 3);
	peer_done(&p);
}

static void connection_ends_behind_its_last_stream(void **state)
{
	(void)state;
	open_client(&p);
	p.conf.max_total = 3;
	for (unsigned i = 0; i < 3; i++) {
		give_head(&p, 1 + 2 * i, true, GET);
		answer(&p.users[i], 200, "x");
	}
	assert_int_equal(word(find(&p, GOAWAY, 0), 0), 0x7fffffff);
	give_frame(&p, PING, ACK, 0, "weirweir", 8);
	collect(&p);
	assert_true(p.eof);
	peer_done(&p);
}

static void glitches_end_the_connection_at_their_threshold(void **state)
{
	uint32_t id = 1;
	(void)state;
	open_client(&p);
	p.conf.glitches = 8;
	for (; id < 13; id += 2)
		give_head(&p, id, true, malformed[0]);
	const struct frame *f = find(&p, GOAWAY, 0);
	assert_int_equal(word(f, 0), 0x7fffffff); /* at three quarters */
	forget(&p);
	for (; id < 17; id += 2)
		give_head(&p, id, true, malformed[0]);
	expect_goaway(NGHTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(p.counters.limit_glitches, 1);
	peer_done(&p);
}

static void bound_on_frames_at_once_loses_none(void **state)
{
	static struct bytes all;
	(void)state;
	open_client(&p);
	p.conf.frames_at_once = 3;
	p.conf.resets_at_once = 2;
	all.len = 0;
	for (unsigned i = 0; i < 20; i++) {
		add_head(&p, &all, 1 + 2 * i, true, GET);
		if (i % 2)
			add_frame(&all, RST_STREAM, 0, 1 + 2 * i, "\0\0\0\010", 4);
	}
	give(&p, all.b, all.len);
	assert_int_equal(p.users_n, 20);
	assert_int_equal(p.counters.rst_stream_rcvd, 10);
	peer_done(&p);
}

/* One go of the connection, as a turn of the worker gives it. */
static void one_go(void)
{
	struct task *t = list_first(&worker->runq, struct task, link);
	list_del(&t->link);
	t->fn(worker, t);
}

static void many_requests_are_spread_over_turns(void **state)
{
	static struct bytes all;
	(void)state;
	open_client(&p);
	all.len = 0;
	for (unsigned i = 0; i < 50; i++)
		add_head(&p, &all, 1 + 2 * i, true, GET);
	assert_int_equal(write(p.fd, all.b, all.len), (ssize_t)all.len);
	p.conn.flags |= CONN_READABLE;
	p.conn.on_event(&p.conn);
	assert_int_equal(p.users_n, 8);
	one_go(); /* the task of the same turn sends only */
	assert_int_equal(p.users_n, 8);
	one_go();
	assert_int_equal(p.users_n, 16);
	run_tasks();
	assert_int_equal(p.users_n, 50);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_frame_ends_the_connection),
		cmocka_unit_test(broken_frame_of_a_stream_resets_it),
		cmocka_unit_test(closed_stream_takes_no_more),
		cmocka_unit_test(header_block_must_not_be_interrupted),
		cmocka_unit_test(preface_and_settings_come_first),
		cmocka_unit_test(frame_beyond_the_size_is_refused),
		cmocka_unit_test(malformed_request_is_reset_and_nobody_sees_it),
		cmocka_unit_test(unusual_request_is_let_through),
		cmocka_unit_test(cookie_crumbs_become_one_field),
		cmocka_unit_test(content_must_be_as_long_as_said),
		cmocka_unit_test(large_head_is_answered_with_431),
		cmocka_unit_test(too_many_fields_are_answered_with_431),
		cmocka_unit_test(compression_bomb_ends_the_connection),
		cmocka_unit_test(continuation_flood_ends_the_connection),
		cmocka_unit_test(rapid_reset_ends_the_connection),
		cmocka_unit_test(flood_of_useless_frames_ends_the_connection),
		cmocka_unit_test(peer_that_asks_and_does_not_read_is_ended),
		cmocka_unit_test(streams_above_the_limit_are_refused),
		cmocka_unit_test(connection_ends_behind_its_last_stream),
		cmocka_unit_test(glitches_end_the_connection_at_their_threshold),
		cmocka_unit_test(bound_on_frames_at_once_loses_none),
		cmocka_unit_test(many_requests_are_spread_over_turns),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
