/* SPDX-License-Identifier: MIT */
/* Unit tests of HTTP/2 connections of clients: requests in, responses out, flow control, and their ends. */
#include "h2_peer.h"

static struct peer p;

static void request_arrives_the_same_wherever_it_is_split(void **state)
{
	static struct bytes all;
	(void)state;
	size_t len = 1;
	for (size_t at = 0; at < len; at++) {
		peer_init(&p, true);
		all.len = 0;
		memcpy(all.b, preface, sizeof(preface) - 1);
		all.len = sizeof(preface) - 1;
		add_frame(&all, SETTINGS, 0, 0, NULL, 0);
		add_head(&p, &all, 1, false,
		    (const char *const[]){ ":method: POST", ":scheme: https", ":path: /up?x=1",
			":authority: a.example:8443", "user-agent: t", "content-length: 11",
			"x-y: z", NULL });
		add_frame(&all, DATA, PADDED, 1, "\003hello---", 9);
		add_frame(&all, DATA, END_STREAM, 1, " world", 6);
		len = all.len;
		peer_start(&p, true, slice_make((const char *)all.b, MIN(at, (size_t)20)));
		give(&p, all.b + MIN(at, (size_t)20), at - MIN(at, (size_t)20));
		give(&p, all.b + at, len - at);
		assert_int_equal(p.users_n, 1);
		struct user *u = &p.users[0];
		assert_true(u->woken > 0);
		assert_true(slice_eq(payload(u), SLICE("hello world")));
		assert_int_equal(u->ep->flags & (EP_IN_HEAD | EP_IN_END | EP_IN_BAD | EP_ERROR),
		    EP_IN_HEAD | EP_IN_END);
		assert_int_equal(u->msg.method, HTTP_POST);
		assert_int_equal(u->msg.version, 20);
		assert_int_equal(u->msg.framing, HTTP_BODY_LENGTH);
		assert_int_equal(u->msg.content_length, 11);
		assert_true(u->msg.flags & HTTP_MSG_NORMALIZED);
		assert_true(slice_eq(u->msg.target, SLICE("https://a.example:8443/up?x=1")));
		struct http_hdr *host = http_hdr_find_id(&u->msg, HDR_HOST, NULL);
		assert_true(host && slice_eq(http_hdr_value_of(host), SLICE("a.example:8443")));
		assert_non_null(http_hdr_find(&u->msg, SLICE("x-y"), NULL));
		assert_int_equal(mux2_stream_id(u->ep), 1);
		peer_done(&p);
	}
}

static void response_is_headers_and_data(void **state)
{
	struct http_msg m;
	struct http_hdr hdrs[MAX_HDRS];
	struct iovec iov = { (char[]){ "hello" }, 5 };
	(void)state;
	open_client(&p);
	give_head(&p, 1, true, GET);
	struct user *u = &p.users[0];
	recv_all(u);
	assert_true(u->ep->flags & EP_IN_END);
	response(&m, hdrs, 200, HTTP_BODY_LENGTH);
	assert_int_equal(http_hdr_add(&m, SLICE("content-length"), SLICE("5")), 0);
	assert_int_equal(http_hdr_add(&m, SLICE("connection"), SLICE("keep-alive, x-hop")), 0);
	assert_int_equal(http_hdr_add(&m, SLICE("keep-alive"), SLICE("5")), 0);
	assert_int_equal(http_hdr_add(&m, SLICE("x-hop"), SLICE("1")), 0);
	assert_int_equal(http_hdr_add(&m, SLICE("x-end"), SLICE("2")), 0);
	for (unsigned i = 0; i < 5; i++)
		hdrs[i].id = (uint8_t)http_hdr_id(hdrs[i].name, hdrs[i].name_len);
	assert_int_equal(u->ep->ops->send_head(u->ep, &m, false), 0);
	assert_int_equal(u->ep->ops->send(u->ep, &iov, 1, true, false), 5);
	assert_true(u->ep->flags & EP_OUT_END);
	leave(u);
	run_tasks();
	const struct frame *h = find(&p, HEADERS, 1);
	assert_non_null(h);
	assert_int_equal(h->flags, END_HEADERS);
	assert_string_equal(expand(&p, h), ":status: 200\ncontent-length: 5\nx-end: 2\n");
	const struct frame *d = find(&p, DATA, 1);
	assert_int_equal(d->flags, END_STREAM);
	assert_memory_equal(d->payload, "hello", 5);
	assert_null(find(&p, RST_STREAM, 1));
	assert_int_equal(mux2_streams(p.m), 0);
	peer_done(&p);
}

static void answer_to_head_ends_with_its_head(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, true,
	    (const char *const[]){
		":method: HEAD", ":scheme: http", ":path: /", ":authority: a", NULL });
	recv_all(&p.users[0]);
	answer(&p.users[0], 200, "not for HEAD");
	assert_int_equal(find(&p, HEADERS, 1)->flags, END_HEADERS | END_STREAM);
	assert_null(find(&p, DATA, 1));
	peer_done(&p);
}

static void window_update(uint32_t id, uint32_t by)
{
	uint8_t b[4] = { (uint8_t)(by >> 24), (uint8_t)(by >> 16), (uint8_t)(by >> 8),
		(uint8_t)by };
	give_frame(&p, WINDOW_UPDATE, 0, id, b, 4);
}

static size_t data_bytes(uint32_t id)
{
	size_t sum = 0;
	collect(&p);
	for (unsigned i = 0; i < p.frames_n; i++)
		sum += p.frames[i].type == DATA && p.frames[i].id == id ? p.frames[i].len : 0;
	return sum;
}

static char big[300000];

/* As much of big as goes now. */
static void send_on(struct user *u, size_t *sent, size_t size)
{
	for (unsigned i = 0; i < 100 && !(u->ep->flags & (EP_OUT_END | EP_ERROR)); i++) {
		struct iovec iov[2] = { { big + *sent, MIN((size - *sent) / 2, (size_t)7000) },
			{ 0 } };
		iov[1].iov_base = big + *sent + iov[0].iov_len;
		iov[1].iov_len = MIN(size - *sent - iov[0].iov_len, (size_t)20000);
		bool end = *sent + iov[0].iov_len + iov[1].iov_len == size;
		size_t n = u->ep->ops->send(u->ep, iov, 2, end, false);
		*sent += n;
		if (u->ep->flags & EP_OUT_BLOCKED)
			return;
	}
}

static void payload_keeps_within_both_windows(void **state)
{
	struct http_msg m;
	struct http_hdr hdrs[MAX_HDRS];
	size_t sent = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 + i / 251);
	open_client(&p);
	give_head(&p, 1, true, GET);
	struct user *u = &p.users[0];
	recv_all(u);
	response(&m, hdrs, 200, HTTP_BODY_CHUNKED);
	assert_int_equal(u->ep->ops->send_head(u->ep, &m, false), 0);
	send_on(u, &sent, sizeof(big));
	run_tasks();
	assert_int_equal(sent, 65535);
	assert_int_equal(data_bytes(1), 65535);
	assert_true(u->ep->flags & EP_OUT_BLOCKED);
	u->woken = 0;
	window_update(1, 100000); /* the connection's is still closed */
	send_on(u, &sent, sizeof(big));
	assert_int_equal(sent, 65535);
	window_update(0, 50000);
	assert_true(u->woken > 0);
	send_on(u, &sent, sizeof(big));
	run_tasks();
	assert_int_equal(sent, 65535 + 50000);
	window_update(0, 1000000);
	send_on(u, &sent, sizeof(big));
	window_update(1, 1000000);
	send_on(u, &sent, sizeof(big));
	for (unsigned i = 0; i < 50 && !(u->ep->flags & EP_OUT_END); i++) {
		collect(&p);
		send_on(u, &sent, sizeof(big));
		run_tasks();
	}
	assert_true(u->ep->flags & EP_OUT_END);
	assert_int_equal(data_bytes(1), sizeof(big));
	size_t at = 0;
	for (unsigned i = 0; i < p.frames_n; i++) {
		const struct frame *f = &p.frames[i];
		if (f->type != DATA)
			continue;
		assert_true(f->len <= 16384);
		assert_memory_equal(f->payload, big + at, f->len);
		at += f->len;
		assert_int_equal(f->flags & END_STREAM, at == sizeof(big) ? END_STREAM : 0);
	}
	peer_done(&p);
}

static void window_is_given_back_as_payload_is_consumed(void **state)
{
	static char piece[16384];
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, POST);
	struct user *u = &p.users[0];
	for (unsigned i = 0; i < 3; i++)
		give_frame(&p, DATA, 0, 1, piece, sizeof(piece));
	assert_null(find(&p, WINDOW_UPDATE, 1)); /* nobody has read it */
	size_t got = 0;
	while (got < 3 * sizeof(piece)) {
		struct slice s = payload(u);
		assert_true(s.len > 0);
		got += s.len;
	}
	const struct frame *f = find(&p, WINDOW_UPDATE, 1);
	assert_non_null(f);
	assert_true(word(f, 0) >= 3 * sizeof(piece)); /* the reader keeps up: more than it took */
	peer_done(&p);
}

static void more_than_the_window_is_refused(void **state)
{
	static char piece[16384];
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, POST);
	struct user *u = &p.users[0];
	for (unsigned i = 0; i < 4; i++)
		give_frame(&p, DATA, 0, 1, piece, 16383);
	recv_all(u);
	assert_true(u->ep->flags & EP_IN_FULL);
	give_frame(&p, DATA, 0, 1, piece, 100);
	const struct frame *f = find(&p, RST_STREAM, 1);
	assert_non_null(f);
	assert_int_equal(word(f, 0), NGHTTP2_FLOW_CONTROL_ERROR);
	assert_true(u->ep->flags & EP_ERROR);
	peer_done(&p);
}

static void held_request_can_be_taken_back(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, POST);
	struct user *u = &p.users[0];
	give_frame(&p, DATA, END_STREAM, 1, "again", 5);
	u->ep->ops->hold(u->ep, true);
	assert_true(slice_eq(payload(u), SLICE("again")));
	assert_true(u->ep->flags & EP_IN_END);
	assert_true(u->ep->ops->rewind(u->ep));
	assert_true(slice_eq(payload(u), SLICE("again")));
	assert_true(u->ep->flags & EP_IN_END);
	u->ep->ops->hold(u->ep, false);
	assert_false(u->ep->ops->rewind(u->ep));
	peer_done(&p);
}

static void trailers_pass_both_ways(void **state)
{
	struct http_msg m, t;
	struct http_hdr hdrs[MAX_HDRS], th[MAX_HDRS];
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, POST);
	struct user *u = &p.users[0];
	give_frame(&p, DATA, 0, 1, "x", 1);
	give_head(&p, 1, true, (const char *const[]){ "grpc-x: 1", NULL });
	assert_true(slice_eq(payload(u), SLICE("x")));
	recv_all(u);
	assert_true((u->ep->flags & EP_IN_TRAILERS) && (u->ep->flags & EP_IN_END));
	assert_non_null(http_hdr_find(&u->trailers, SLICE("grpc-x"), NULL));
	response(&m, hdrs, 200, HTTP_BODY_CHUNKED);
	assert_int_equal(u->ep->ops->send_head(u->ep, &m, false), 0);
	http_msg_init(&t, th, MAX_HDRS);
	assert_int_equal(http_hdr_add(&t, SLICE("grpc-status"), SLICE("0")), 0);
	u->ep->ops->trailers(u->ep, &t);
	struct iovec iov = { (char[]){ "y" }, 1 };
	assert_int_equal(u->ep->ops->send(u->ep, &iov, 1, true, false), 1);
	assert_true(u->ep->flags & EP_OUT_END);
	run_tasks();
	collect(&p);
	unsigned seen = 0;
	for (unsigned i = 0; i < p.frames_n; i++) {
		const struct frame *f = &p.frames[i];
		if (f->type == HEADERS && seen++ == 1) {
			assert_int_equal(f->flags, END_HEADERS | END_STREAM);
			assert_string_equal(expand(&p, f), "grpc-status: 0\n");
		} else if (f->type == HEADERS) {
			expand(&p, f);
		}
	}
	assert_int_equal(seen, 2);
	peer_done(&p);
}

static void stream_that_leaves_early_is_reset(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, POST);
	give_head(&p, 3, false, POST);
	answer(&p.users[0], 413, "no");
	assert_non_null(find(&p, DATA, 1));
	assert_null(find(&p, RST_STREAM, 1)); /* it has a moment to read that */
	give_frame(&p, DATA, 0, 1, "more", 4);
	pass_time(200);
	assert_int_equal(word(find(&p, RST_STREAM, 1), 0), NGHTTP2_NO_ERROR);
	leave(&p.users[1]);
	run_tasks();
	assert_int_equal(word(find(&p, RST_STREAM, 3), 0), NGHTTP2_CANCEL);
	/* what was on its way for them is no error */
	give_frame(&p, DATA, 0, 1, "late", 4);
	give_head(&p, 3, true, (const char *const[]){ "late: 1", NULL });
	give_head(&p, 5, true, GET);
	assert_int_equal(p.users_n, 3);
	assert_null(find(&p, GOAWAY, 0));
	peer_done(&p);
}

static void reset_by_the_client_reaches_the_stream(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, true, GET);
	struct user *u = &p.users[0];
	recv_all(u);
	u->woken = 0;
	give_frame(&p, RST_STREAM, 0, 1, "\0\0\0\010", 4);
	assert_true(u->woken > 0);
	assert_true(u->ep->flags & EP_ERROR);
	leave(u);
	run_tasks();
	assert_null(find(&p, RST_STREAM, 1));
	peer_done(&p);
}

static size_t sent_of[4];

static void send_when_woken(struct user *u)
{
	send_on(u, &sent_of[u - p.users], 200000);
}

static void streams_share_a_slow_connection_fairly(void **state)
{
	struct http_msg m;
	struct http_hdr hdrs[MAX_HDRS];
	int small = 4096;
	(void)state;
	open_client(&p);
	setsockopt(p.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	window_update(0, 1 << 24);
	for (unsigned i = 0; i < 4; i++) {
		give_head(&p, 1 + 2 * i, true, GET);
		window_update(1 + 2 * i, 1 << 24);
		recv_all(&p.users[i]);
		response(&m, hdrs, 200, HTTP_BODY_CHUNKED);
		assert_int_equal(p.users[i].ep->ops->send_head(p.users[i].ep, &m, false), 0);
	}
	work = send_when_woken;
	for (unsigned i = 0; i < 4; i++)
		send_when_woken(&p.users[i]);
	for (unsigned turn = 0; turn < 1000; turn++) {
		char sink[3000];
		if (read(p.fd, sink, sizeof(sink)) > 0)
			event(&p, CONN_WRITABLE);
		size_t least = MIN(MIN(sent_of[0], sent_of[1]), MIN(sent_of[2], sent_of[3]));
		size_t most = MAX(MAX(sent_of[0], sent_of[1]), MAX(sent_of[2], sent_of[3]));
		assert_true(most - least <= 65536 || most == 200000);
	}
	work = NULL;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(sent_of[i], 200000);
	peer_done(&p);
}

static void goaway_lets_streams_end(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, true, GET);
	mux2_goaway(p.m);
	run_tasks();
	assert_int_equal(word(find(&p, GOAWAY, 0), 0), 0x7fffffff);
	give_head(&p, 3, true, GET); /* was on its way */
	assert_int_equal(p.users_n, 2);
	const struct frame *ping = find(&p, PING, 0);
	assert_non_null(ping);
	uint8_t data[8];
	memcpy(data, ping->payload, 8);
	forget(&p);
	give_frame(&p, PING, ACK, 0, data, 8);
	const struct frame *last = find(&p, GOAWAY, 0);
	assert_non_null(last);
	assert_int_equal(word(last, 0), 3);
	give_head(&p, 5, true, GET); /* too late */
	assert_int_equal(p.users_n, 2);
	answer(&p.users[0], 200, "a");
	answer(&p.users[1], 200, "b");
	assert_non_null(find(&p, DATA, 3));
	assert_false(p.closed); /* until it has read that */
	close(p.fd);
	p.fd = -1;
	event(&p, CONN_READABLE | CONN_PEER_CLOSED);
	assert_true(p.closed);
	peer_done(&p);
}

static void idle_peer_is_asked_whether_it_is_there(void **state)
{
	(void)state;
	open_client(&p);
	mux2_ping_idle(p.m, 1000);
	give_head(&p, 1, true, GET);
	pass_time(2100);
	assert_null(find(&p, PING, 0)); /* it is not idle */
	answer(&p.users[0], 200, "ok");
	pass_time(1000);
	const struct frame *ping = find(&p, PING, 0);
	assert_non_null(ping);
	uint8_t data[8];
	memcpy(data, ping->payload, 8);
	give_frame(&p, PING, ACK, 0, data, 8);
	forget(&p);
	pass_time(1000);
	assert_non_null(find(&p, PING, 0)); /* and is asked again */
	assert_null(find(&p, GOAWAY, 0));
	pass_time(1000);
	assert_non_null(find(&p, GOAWAY, 0));
	peer_done(&p);
}

static void websocket_is_an_upgrade(void **state)
{
	struct http_msg m;
	struct http_hdr hdrs[MAX_HDRS];
	(void)state;
	open_client(&p);
	give_head(&p, 1, false,
	    (const char *const[]){ ":method: CONNECT", ":protocol: websocket", ":scheme: https",
		":path: /chat", ":authority: a", "sec-websocket-version: 13", NULL });
	struct user *u = &p.users[0];
	recv_all(u);
	assert_true(u->ep->flags & EP_IN_END);
	assert_int_equal(u->msg.method, HTTP_GET);
	assert_int_equal(u->msg.framing, HTTP_BODY_NONE);
	assert_true(u->msg.flags & HTTP_MSG_UPGRADE_WS);
	assert_int_equal(http_hdr_find(&u->msg, SLICE("sec-websocket-key"), NULL)->value_len, 24);
	give_frame(&p, DATA, 0, 1, "early", 5);
	recv_all(u);
	assert_true(inflow_is_empty(&u->in));
	response(&m, hdrs, 101, HTTP_BODY_TUNNEL);
	assert_int_equal(http_hdr_add(&m, SLICE("sec-websocket-accept"), SLICE("whatever")), 0);
	assert_int_equal(u->ep->ops->send_head(u->ep, &m, false), 0);
	u->ep->ops->tunnel(u->ep);
	run_tasks();
	assert_string_equal(expand(&p, find(&p, HEADERS, 1)), ":status: 200\n");
	assert_true(slice_eq(payload(u), SLICE("early")));
	struct iovec iov = { (void *)"frame", 5 };
	assert_int_equal(u->ep->ops->send(u->ep, &iov, 1, false, false), 5);
	give_frame(&p, DATA, END_STREAM, 1, NULL, 0);
	recv_all(u);
	assert_true(u->ep->flags & EP_IN_CLOSED);
	u->ep->ops->shut(u->ep);
	run_tasks();
	collect(&p);
	assert_int_equal(p.frames[p.frames_n - 1].flags, END_STREAM);
	peer_done(&p);
}

static void interim_heads_go_ahead(void **state)
{
	struct http_msg m;
	struct http_hdr hdrs[MAX_HDRS];
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, POST);
	recv_all(&p.users[0]);
	response(&m, hdrs, 100, HTTP_BODY_NONE);
	assert_int_equal(p.users[0].ep->ops->send_head(p.users[0].ep, &m, false), 0);
	p.users[0].ep->ops->send(p.users[0].ep, NULL, 0, false, false);
	run_tasks();
	const struct frame *f = find(&p, HEADERS, 1);
	assert_int_equal(f->flags, END_HEADERS);
	assert_string_equal(expand(&p, f), ":status: 100\n");
	forget(&p);
	give_frame(&p, DATA, END_STREAM, 1, "x", 1);
	payload(&p.users[0]);
	answer(&p.users[0], 200, "");
	assert_string_equal(expand(&p, find(&p, HEADERS, 1)), ":status: 200\n");
	assert_int_equal(find(&p, DATA, 1)->flags, END_STREAM);
	peer_done(&p);
}

static void idle_connection_holds_no_buffer(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, false, POST);
	give_frame(&p, DATA, END_STREAM, 1, "x", 1);
	payload(&p.users[0]);
	answer(&p.users[0], 200, "y");
	assert_int_equal(mux_local(worker)->buf.used, 0);
	assert_int_equal(mux2_streams(p.m), 0);
	peer_done(&p);
}

static void client_that_leaves_closes_the_mux(void **state)
{
	(void)state;
	open_client(&p);
	give_head(&p, 1, true, GET);
	close(p.fd);
	p.fd = -1;
	event(&p, CONN_READABLE | CONN_PEER_CLOSED);
	assert_false(p.closed); /* the stream is still there */
	assert_true(p.users[0].ep->flags & EP_ERROR);
	leave(&p.users[0]);
	run_tasks();
	assert_true(p.closed);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_arrives_the_same_wherever_it_is_split),
		cmocka_unit_test(response_is_headers_and_data),
		cmocka_unit_test(answer_to_head_ends_with_its_head),
		cmocka_unit_test(payload_keeps_within_both_windows),
		cmocka_unit_test(window_is_given_back_as_payload_is_consumed),
		cmocka_unit_test(more_than_the_window_is_refused),
		cmocka_unit_test(held_request_can_be_taken_back),
		cmocka_unit_test(trailers_pass_both_ways),
		cmocka_unit_test(stream_that_leaves_early_is_reset),
		cmocka_unit_test(reset_by_the_client_reaches_the_stream),
		cmocka_unit_test(streams_share_a_slow_connection_fairly),
		cmocka_unit_test(goaway_lets_streams_end),
		cmocka_unit_test(idle_peer_is_asked_whether_it_is_there),
		cmocka_unit_test(websocket_is_an_upgrade),
		cmocka_unit_test(interim_heads_go_ahead),
		cmocka_unit_test(idle_connection_holds_no_buffer),
		cmocka_unit_test(client_that_leaves_closes_the_mux),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
