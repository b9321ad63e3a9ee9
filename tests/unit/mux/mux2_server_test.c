/* SPDX-License-Identifier: MIT */
/* Unit tests of HTTP/2 connections to servers: requests out, responses in, and requests that may be sent elsewhere. */
#include "h2_peer.h"

static struct peer p;
static struct http_msg req;
static struct http_hdr req_hdrs[MAX_HDRS];

static void request(
    enum http_method method, struct slice name, struct slice target, unsigned framing)
{
	http_msg_init(&req, req_hdrs, MAX_HDRS);
	req.flags = HTTP_MSG_REQUEST;
	req.version = 11;
	req.method = (uint8_t)method;
	req.method_name = name;
	req.target = target;
	req.framing = (uint8_t)framing;
	assert_int_equal(http_hdr_add(&req, SLICE("host"), SLICE("a.example")), 0);
	req_hdrs[0].id = HDR_HOST;
}

static void get(struct slice target)
{
	request(HTTP_GET, SLICE("GET"), target, HTTP_BODY_NONE);
}

/* Takes the preface off what the mux has sent. */
static void open_server(void)
{
	char got[24];
	peer_init(&p, false);
	peer_start(&p, false, SLICE_NULL);
	event(&p, CONN_WRITABLE);
	assert_int_equal(read(p.fd, got, 24), 24);
	assert_memory_equal(got, preface, 24);
	give_frame(&p, SETTINGS, 0, 0, NULL, 0);
	assert_non_null(find(&p, SETTINGS, 0));
	forget(&p);
}

static struct user *send_request(void)
{
	struct endpoint *ep = mux2_open(p.m);
	assert_non_null(ep);
	struct user *u = new_user(&p, ep);
	assert_int_equal(ep->ops->send_head(ep, &req, false), 0);
	bool end = req.framing == HTTP_BODY_NONE;
	ep->ops->send(ep, NULL, 0, end, false);
	assert_int_equal(ep->flags & EP_OUT_END, end ? EP_OUT_END : 0);
	run_tasks();
	return u;
}

static void request_goes_out_and_response_comes_in(void **state)
{
	(void)state;
	open_server();
	get(SLICE("/x?y"));
	assert_int_equal(http_hdr_add(&req, SLICE("x-y"), SLICE("z")), 0);
	struct user *u = send_request();
	const struct frame *f = find(&p, HEADERS, 1);
	assert_int_equal(f->flags, END_HEADERS | END_STREAM);
	assert_string_equal(expand(&p, f),
	    ":method: GET\n:scheme: http\n:path: /x?y\n:authority: a.example\nx-y: z\n");
	give_head(&p, 1, false,
	    (const char *const[]){ ":status: 200", "content-length: 2", "server: t", NULL });
	give_frame(&p, DATA, END_STREAM, 1, "ok", 2);
	assert_true(slice_eq(payload(u), SLICE("ok")));
	assert_int_equal(u->msg.status, 200);
	assert_int_equal(u->msg.framing, HTTP_BODY_LENGTH);
	assert_true(slice_eq(u->msg.reason, SLICE("OK")));
	assert_int_equal(
	    u->ep->flags & (EP_IN_HEAD | EP_IN_END | EP_ERROR), EP_IN_HEAD | EP_IN_END);
	leave(u);
	run_tasks();
	assert_null(find(&p, RST_STREAM, 1));
	assert_int_equal(mux2_can_open(p.m), 100);
	peer_done(&p);
}

static void target_becomes_path_and_authority(void **state)
{
	static const struct {
		struct slice target;
		const char *path;
	} cases[] = { { { "http://b.example/p?q", 20 }, "/p?q" },
		{ { "http://b.example", 16 }, "/" } };
	(void)state;
	open_server();
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char want[128];
		get(cases[i].target);
		send_request();
		snprintf(want, sizeof(want),
		    ":method: GET\n:scheme: http\n:path: %s\n:authority: a.example\n",
		    cases[i].path);
		assert_string_equal(expand(&p, find(&p, HEADERS, 1 + 2 * i)), want);
	}
	request(HTTP_CONNECT, SLICE("CONNECT"), SLICE("b:443"), HTTP_BODY_NONE);
	struct endpoint *ep = mux2_open(p.m);
	new_user(&p, ep);
	assert_int_equal(ep->ops->send_head(ep, &req, false), 0);
	run_tasks();
	const struct frame *f = find(&p, HEADERS, 5);
	assert_int_equal(f->flags, END_HEADERS);
	assert_string_equal(expand(&p, f), ":method: CONNECT\n:authority: b:443\n");
	give_head(&p, 5, false, (const char *const[]){ ":status: 200", NULL });
	ep->ops->recv(ep);
	assert_int_equal(p.users[2].msg.framing, HTTP_BODY_TUNNEL);
	peer_done(&p);
}

static void interim_heads_come_one_by_one(void **state)
{
	static struct bytes all;
	(void)state;
	open_server();
	get(SLICE("/"));
	struct user *u = send_request();
	all.len = 0;
	add_head(&p, &all, 1, false, (const char *const[]){ ":status: 103", "link: x", NULL });
	add_head(&p, &all, 1, false, (const char *const[]){ ":status: 102", NULL });
	add_head(&p, &all, 1, false, (const char *const[]){ ":status: 204", NULL });
	add_frame(&all, DATA, END_STREAM, 1, "", 0);
	give(&p, all.b, all.len);
	static const unsigned statuses[] = { 103, 102, 204 };
	for (unsigned i = 0; i < 3; i++) {
		recv_all(u);
		assert_true(u->ep->flags & EP_IN_HEAD);
		assert_int_equal(u->msg.status, statuses[i]);
		assert_int_equal(u->ep->flags & EP_IN_END, i == 2 ? EP_IN_END : 0);
		u->ep->flags &= ~(uint32_t)EP_IN_HEAD;
	}
	peer_done(&p);
}

static void answer_to_head_has_a_length_and_no_content(void **state)
{
	(void)state;
	open_server();
	request(HTTP_HEAD, SLICE("HEAD"), SLICE("/"), HTTP_BODY_NONE);
	struct user *u = send_request();
	give_head(&p, 1, true, (const char *const[]){ ":status: 200", "content-length: 5", NULL });
	recv_all(u);
	assert_int_equal(u->msg.framing, HTTP_BODY_NONE);
	assert_int_equal(u->msg.content_length, 5);
	assert_int_equal(u->ep->flags & (EP_IN_END | EP_ERROR), EP_IN_END);
	peer_done(&p);
}

static const char *const malformed[][4] = {
	{ "server: x" },
	{ ":status: 20" },
	{ ":status: 99" },
	{ ":status: 101" },
	{ ":status: 200", ":status: 200" },
	{ ":status: 200", ":path: /" },
	{ ":status: 200", "connection: close" },
	{ ":status: 200", "content-length: x" },
	{ ":status: 200", "A: b" },
};

static void malformed_response_is_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		open_server();
		get(SLICE("/"));
		struct user *u = send_request();
		give_head(&p, 1, false, malformed[i]);
		recv_all(u);
		assert_int_equal(
		    u->ep->flags & (EP_IN_BAD | EP_ERROR | EP_IN_HEAD), EP_IN_BAD | EP_ERROR);
		assert_int_equal(word(find(&p, RST_STREAM, 1), 0), NGHTTP2_PROTOCOL_ERROR);
		assert_false(mux2_refused(u->ep));
		peer_done(&p);
	}
}

static void goaway_gives_requests_back(void **state)
{
	(void)state;
	open_server();
	get(SLICE("/"));
	struct user *a = send_request(), *b = send_request();
	give_frame(&p, GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
	assert_false(mux2_refused(a->ep));
	assert_true(mux2_refused(b->ep));
	assert_true(b->ep->flags & EP_ERROR);
	assert_int_equal(mux2_can_open(p.m), 0);
	assert_null(mux2_open(p.m));
	give_head(&p, 1, true, (const char *const[]){ ":status: 204", NULL });
	recv_all(a);
	assert_true(a->ep->flags & EP_IN_END);
	leave(a);
	leave(b);
	run_tasks();
	close(p.fd);
	p.fd = -1;
	event(&p, CONN_READABLE | CONN_PEER_CLOSED);
	assert_true(p.closed);
	peer_done(&p);
}

static void refused_stream_may_be_sent_elsewhere(void **state)
{
	(void)state;
	open_server();
	get(SLICE("/"));
	struct user *a = send_request(), *b = send_request();
	give_frame(&p, RST_STREAM, 0, 1, "\0\0\0\7", 4);
	assert_true(mux2_refused(a->ep) && (a->ep->flags & EP_ERROR));
	give_frame(&p, RST_STREAM, 0, 3, "\0\0\0\2", 4);
	assert_false(mux2_refused(b->ep));
	assert_true(b->ep->flags & EP_ERROR);
	peer_done(&p);
}

static void peers_limit_on_streams_is_kept(void **state)
{
	(void)state;
	open_server();
	give_frame(&p, SETTINGS, 0, 0, "\0\3\0\0\0\2", 6);
	assert_true(p.settings);
	assert_int_equal(mux2_can_open(p.m), 2);
	get(SLICE("/"));
	struct user *u = send_request();
	send_request();
	assert_null(mux2_open(p.m));
	leave(u);
	run_tasks();
	assert_int_equal(mux2_can_open(p.m), 1);
	peer_done(&p);
}

static void answer_ahead_of_the_request_stands(void **state)
{
	(void)state;
	open_server();
	request(HTTP_POST, SLICE("POST"), SLICE("/"), HTTP_BODY_CHUNKED);
	struct user *u = send_request();
	give_head(&p, 1, true, (const char *const[]){ ":status: 413", NULL });
	give_frame(&p, RST_STREAM, 0, 1, "\0\0\0\0", 4);
	recv_all(u);
	assert_int_equal(
	    u->ep->flags & (EP_IN_HEAD | EP_IN_END | EP_ERROR), EP_IN_HEAD | EP_IN_END);
	peer_done(&p);
}

static void websocket_becomes_an_extended_connect(void **state)
{
	(void)state;
	open_server();
	get(SLICE("/chat"));
	req.flags |= HTTP_MSG_CONN_UPGRADE | HTTP_MSG_UPGRADE_WS;
	assert_int_equal(http_hdr_add(&req, SLICE("upgrade"), SLICE("websocket")), 0);
	assert_int_equal(http_hdr_add(&req, SLICE("connection"), SLICE("upgrade")), 0);
	assert_int_equal(
	    http_hdr_add(&req, SLICE("sec-websocket-key"), SLICE("dGhlIHNhbXBsZSBub25jZQ==")), 0);
	req_hdrs[1].id = HDR_UPGRADE;
	req_hdrs[2].id = HDR_CONNECTION;
	struct endpoint *ep = mux2_open(p.m);
	new_user(&p, ep);
	assert_int_equal(ep->ops->send_head(ep, &req, false), -EPROTONOSUPPORT);
	leave(&p.users[0]);
	give_frame(&p, SETTINGS, 0, 0, "\0\010\0\0\0\1", 6);
	ep = mux2_open(p.m);
	struct user *u = new_user(&p, ep);
	assert_int_equal(ep->ops->send_head(ep, &req, false), 0);
	run_tasks();
	assert_string_equal(expand(&p, find(&p, HEADERS, 1)),
	    ":method: CONNECT\n:scheme: http\n:path: /chat\n:authority: a.example\n"
	    ":protocol: websocket\n");
	assert_int_equal(ep->ops->send(ep, NULL, 0, true, false), 0);
	assert_true(ep->flags & EP_OUT_END);
	run_tasks();
	assert_null(find(&p, DATA, 1)); /* the tunnel is open still */
	give_head(&p, 1, false, (const char *const[]){ ":status: 200", NULL });
	recv_all(u);
	assert_int_equal(u->msg.status, 101);
	assert_int_equal(u->msg.framing, HTTP_BODY_TUNNEL);
	struct http_hdr *h = http_hdr_find(&u->msg, SLICE("sec-websocket-accept"), NULL);
	assert_true(h && slice_eq(http_hdr_value_of(h), SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
	assert_false(req_hdrs[3].flags & HTTP_HDR_DELETED);
	peer_done(&p);
}

/* GET /x with "upgrade: protocols" towards a server that takes extended CONNECTs. */
static struct user *ask_for_upgrade(struct slice protocols)
{
	get(SLICE("/x"));
	req.flags |= HTTP_MSG_CONN_UPGRADE;
	assert_int_equal(http_hdr_add(&req, SLICE("upgrade"), protocols), 0);
	assert_int_equal(http_hdr_add(&req, SLICE("connection"), SLICE("upgrade")), 0);
	req_hdrs[1].id = HDR_UPGRADE;
	req_hdrs[2].id = HDR_CONNECTION;
	struct endpoint *ep = mux2_open(p.m);
	struct user *u = new_user(&p, ep);
	assert_int_equal(ep->ops->send_head(ep, &req, false), 0);
	ep->ops->send(ep, NULL, 0, true, false);
	run_tasks();
	return u;
}

static void any_upgrade_becomes_an_extended_connect(void **state)
{
	(void)state;
	open_server();
	give_frame(&p, SETTINGS, 0, 0, "\0\010\0\0\0\1", 6);
	struct user *u = ask_for_upgrade(SLICE("foo/2, bar"));
	assert_string_equal(expand(&p, find(&p, HEADERS, 1)),
	    ":method: CONNECT\n:scheme: http\n:path: /x\n:authority: a.example\n"
	    ":protocol: foo/2\n");
	assert_null(find(&p, DATA, 1));
	give_head(&p, 1, false, (const char *const[]){ ":status: 200", NULL });
	recv_all(u);
	assert_int_equal(u->msg.status, 101);
	assert_int_equal(u->msg.framing, HTTP_BODY_TUNNEL);
	struct http_hdr *h = http_hdr_find(&u->msg, SLICE("upgrade"), NULL);
	assert_true(h && slice_eq(http_hdr_value_of(h), SLICE("foo/2")));
	assert_null(http_hdr_find(&u->msg, SLICE("sec-websocket-accept"), NULL));
	peer_done(&p);
}

/* As if it had not been asked for: h2c, and where the server does not know of it. */
static void an_upgrade_that_cannot_be_is_left_out(void **state)
{
	static const char plain[] =
	    ":method: GET\n:scheme: http\n:path: /x\n:authority: a.example\n";
	(void)state;
	open_server();
	(void)ask_for_upgrade(SLICE("foo"));
	assert_string_equal(expand(&p, find(&p, HEADERS, 1)), plain);
	assert_true(find(&p, DATA, 1) || p.users[0].ep->flags & EP_OUT_END);
	give_frame(&p, SETTINGS, 0, 0, "\0\010\0\0\0\1", 6);
	(void)ask_for_upgrade(SLICE("h2c"));
	assert_string_equal(expand(&p, find(&p, HEADERS, 3)), plain);
	peer_done(&p);
}

static void websocket_and_payload_wait_for_settings(void **state)
{
	static char body[3000];
	(void)state;
	peer_init(&p, false);
	peer_start(&p, false, SLICE_NULL);
	request(HTTP_POST, SLICE("POST"), SLICE("/"), HTTP_BODY_CHUNKED);
	struct user *post = send_request();
	struct iovec iov = { body, sizeof(body) };
	assert_int_equal(post->ep->ops->send(post->ep, &iov, 1, true, false), 0);
	assert_true(post->ep->flags & EP_OUT_BLOCKED);
	get(SLICE("/chat"));
	req.flags |= HTTP_MSG_CONN_UPGRADE | HTTP_MSG_UPGRADE_WS;
	struct endpoint *ep = mux2_open(p.m);
	struct user *chat = new_user(&p, ep);
	assert_int_equal(ep->ops->send_head(ep, &req, false), 0);
	ep->ops->send(ep, NULL, 0, true, false);
	assert_false(ep->flags & (EP_OUT_END | EP_ERROR));
	post->woken = chat->woken = 0;
	uint8_t settings[] = { 0, 8, 0, 0, 0, 1, 0, 4, 0, 0, 3, 0xe8 };
	char got[24];
	assert_int_equal(read(p.fd, got, 24), 24);
	give_frame(&p, SETTINGS, 0, 0, settings, sizeof(settings));
	assert_true(post->woken && chat->woken);
	assert_int_equal(post->ep->ops->send(post->ep, &iov, 1, true, false), 1000);
	ep->ops->send(ep, NULL, 0, true, false);
	assert_true(ep->flags & EP_OUT_END);
	run_tasks();
	expand(&p, find(&p, HEADERS, 1));
	assert_non_null(strstr(expand(&p, find(&p, HEADERS, 3)), ":protocol: websocket"));
	peer_done(&p);
}

static void request_payload_waits_for_the_server(void **state)
{
	static char body[100000];
	(void)state;
	open_server();
	request(HTTP_POST, SLICE("POST"), SLICE("/"), HTTP_BODY_CHUNKED);
	struct user *u = send_request();
	struct iovec iov = { body, sizeof(body) };
	assert_int_equal(u->ep->ops->send(u->ep, &iov, 1, true, false), 65535);
	assert_true(u->ep->flags & EP_OUT_BLOCKED);
	u->woken = 0;
	give_frame(&p, SETTINGS, 0, 0, "\0\4\0\2\0\0", 6); /* all streams' windows */
	give_frame(&p, WINDOW_UPDATE, 0, 0, "\0\2\0\0", 4);
	assert_true(u->woken > 0);
	iov = (struct iovec){ body, sizeof(body) - 65535 };
	assert_int_equal(u->ep->ops->send(u->ep, &iov, 1, true, false), iov.iov_len);
	assert_true(u->ep->flags & EP_OUT_END);
	peer_done(&p);
}

static void streams_wait_for_a_connection_that_is_made(void **state)
{
	(void)state;
	peer_init(&p, false);
	p.conn.flags = CONN_CONNECTING;
	peer_start(&p, false, SLICE_NULL);
	struct endpoint *ep = mux2_open(p.m);
	struct user *u = new_user(&p, ep);
	assert_true(ep->flags & EP_CONNECTING);
	p.conn.flags = 0;
	event(&p, CONN_WRITABLE);
	assert_true(u->woken > 0);
	assert_false(ep->flags & EP_CONNECTING);
	peer_done(&p);
}

static void dead_connection_fails_its_streams(void **state)
{
	(void)state;
	open_server();
	get(SLICE("/"));
	struct user *u = send_request();
	close(p.fd);
	p.fd = -1;
	event(&p, CONN_READABLE | CONN_PEER_CLOSED);
	assert_int_equal(u->ep->flags & (EP_ERROR | EP_IN_CLOSED), EP_ERROR | EP_IN_CLOSED);
	assert_null(mux2_open(p.m));
	assert_false(p.closed);
	leave(u);
	run_tasks();
	assert_true(p.closed);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_goes_out_and_response_comes_in),
		cmocka_unit_test(target_becomes_path_and_authority),
		cmocka_unit_test(interim_heads_come_one_by_one),
		cmocka_unit_test(answer_to_head_has_a_length_and_no_content),
		cmocka_unit_test(malformed_response_is_bad),
		cmocka_unit_test(goaway_gives_requests_back),
		cmocka_unit_test(refused_stream_may_be_sent_elsewhere),
		cmocka_unit_test(peers_limit_on_streams_is_kept),
		cmocka_unit_test(answer_ahead_of_the_request_stands),
		cmocka_unit_test(websocket_becomes_an_extended_connect),
		cmocka_unit_test(any_upgrade_becomes_an_extended_connect),
		cmocka_unit_test(an_upgrade_that_cannot_be_is_left_out),
		cmocka_unit_test(websocket_and_payload_wait_for_settings),
		cmocka_unit_test(request_payload_waits_for_the_server),
		cmocka_unit_test(streams_wait_for_a_connection_that_is_made),
		cmocka_unit_test(dead_connection_fails_its_streams),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
