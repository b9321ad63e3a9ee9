/* SPDX-License-Identifier: MIT */
/* Unit tests of the one-message-at-a-time mux over socket pairs: no loop runs, readiness is set by hand. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/mux/bulk.h"
#include "weir/mux/mux1.h"

#define MAX_HDRS 32

struct side {
	struct mux1 m;
	int peer; /* the test's end */
	struct http_msg msg;
	struct http_hdr hdrs[MAX_HDRS];
	struct inflow in;
	struct arena arena;
	bool released, kept;
};

static struct worker_group *group;
static struct worker *worker;

static void on_released(struct mux1 *m, bool keep)
{
	struct side *s = container_of(m, struct side, m);
	s->released = true;
	s->kept = keep;
}

static void on_wake(struct endpoint *ep)
{
	(void)ep;
}

static void on_idle(struct mux1 *m)
{
	(void)m;
}

static void attach(struct side *s)
{
	s->in = (struct inflow){ .first = 0 };
	http_msg_init(&s->msg, s->hdrs, MAX_HDRS);
	s->m.ep.ops->attach(&s->m.ep, s, on_wake, &s->msg, &s->in, &s->arena);
}

static void open_side(struct side *s, bool client_side, const struct mux_ops *ops)
{
	int fd[2];
	memset(s, 0, sizeof(*s));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	s->peer = fd[1];
	assert_int_equal(mux1_start(&s->m, worker, fd[0], client_side, ops), 0);
	s->m.released = on_released;
	s->m.idle_event = on_idle;
	s->m.conn.flags |= CONN_WRITABLE;
	arena_init(&s->arena, 4096);
	attach(s);
}

static void close_side(struct side *s)
{
	mux1_close(&s->m);
	close(s->peer);
	arena_reset(&s->arena);
}

static void feed(struct side *s, const char *bytes, size_t len)
{
	assert_int_equal(write(s->peer, bytes, len), (ssize_t)len);
	s->m.conn.flags |= CONN_READABLE;
}

static bool recv_all(struct side *s)
{
	bool any = false;
	while (s->m.ep.ops->recv(&s->m.ep))
		any = true;
	return any;
}

/* Appends the payload to out and gives it back. */
static size_t take_payload(struct side *s, char *out)
{
	size_t n = 0;
	for (unsigned i = s->in.first; i < s->in.n; i++) {
		memcpy(out + n, s->in.seg[i].iov_base, s->in.seg[i].iov_len);
		n += s->in.seg[i].iov_len;
	}
	s->m.ep.ops->consume(&s->m.ep, n);
	return n;
}

static size_t drain_peer(struct side *s, char *out, size_t cap)
{
	ssize_t n = read(s->peer, out, cap);
	return n > 0 ? (size_t)n : 0;
}

static const char chunked_request[] =
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-T: 1\r\n\r\n";

static void request_arrives_the_same_wherever_it_is_split(void **state)
{
	size_t len = sizeof(chunked_request) - 1;
	(void)state;
	for (size_t at = 1; at < len; at++) {
		struct side s;
		char body[64];
		size_t got = 0;
		open_side(&s, true, &mux_h1_ops);
		feed(&s, chunked_request, at);
		recv_all(&s);
		if (s.m.ep.flags & EP_IN_HEAD)
			got += take_payload(&s, body + got);
		feed(&s, chunked_request + at, len - at);
		recv_all(&s);
		got += take_payload(&s, body + got);
		assert_true(s.m.ep.flags & EP_IN_HEAD);
		assert_true(s.m.ep.flags & EP_IN_END);
		assert_false(s.m.ep.flags & EP_IN_BAD);
		assert_int_equal(got, 11);
		assert_memory_equal(body, "hello world", 11);
		assert_int_equal(s.msg.method, HTTP_POST);
		close_side(&s);
	}
}

static void pipelined_request_stays_for_the_next_stream(void **state)
{
	static const char two[] =
	    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
	struct side s;
	(void)state;
	open_side(&s, true, &mux_h1_ops);
	feed(&s, two, sizeof(two) - 1);
	recv_all(&s);
	assert_true(slice_eq(s.msg.target, SLICE("/1")));
	assert_true(s.m.ep.flags & EP_IN_END);
	s.m.ep.flags |= EP_OUT_END | EP_OUT_KEEP;
	s.m.ep.ops->detach(&s.m.ep, true, false);
	assert_true(s.released);
	assert_true(s.kept);
	mux1_trim(&s.m);
	assert_true(mux1_has_bytes(&s.m));
	attach(&s);
	recv_all(&s);
	assert_true(slice_eq(s.msg.target, SLICE("/2")));
	close_side(&s);
}

static void idle_connection_holds_no_buffer(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, true, &mux_h1_ops);
	feed(&s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
	recv_all(&s);
	assert_non_null(s.m.rx.mem);
	s.m.ep.flags |= EP_OUT_END | EP_OUT_KEEP;
	s.m.ep.ops->detach(&s.m.ep, true, false);
	mux1_trim(&s.m);
	assert_null(s.m.rx.mem);
	assert_int_equal(mux_local(worker)->buf.used, 0);
	close_side(&s);
}

/* Sends a response with that framing in many small pieces through a tiny socket buffer. */
static size_t send_response(struct side *s, bool chunked, size_t size, char *out, size_t cap)
{
	struct http_hdr hdrs[8];
	struct http_msg res;
	size_t sent = 0, got = 0;
	static char payload[200000];
	memset(payload, 'p', sizeof(payload));
	http_msg_init(&res, hdrs, 8);
	res.version = 11;
	res.status = 200;
	res.reason = SLICE("OK");
	res.framing = chunked ? HTTP_BODY_CHUNKED : HTTP_BODY_LENGTH;
	if (chunked)
		assert_int_equal(
		    http_hdr_add(&res, SLICE("transfer-encoding"), SLICE("chunked")), 0);
	assert_int_equal(s->m.ep.ops->send_head(&s->m.ep, &res, false), 0);
	for (unsigned turn = 0; !(s->m.ep.flags & EP_OUT_END); turn++) {
		size_t piece = MIN(size - sent, (size_t)(turn % 7) * 1000 + 1);
		struct iovec iov = { payload + sent, piece };
		s->m.conn.flags |= CONN_WRITABLE;
		sent +=
		    s->m.ep.ops->send(&s->m.ep, &iov, piece ? 1 : 0, sent + piece == size, false);
		assert_false(s->m.ep.flags & EP_ERROR);
		got += drain_peer(s, out + got, MIN(cap - got, (size_t)3000));
		assert_true(turn < 100000);
	}
	for (size_t n; (n = drain_peer(s, out + got, cap - got));)
		got += n;
	return got;
}

static void start_request(struct side *s)
{
	int small = 2048;
	open_side(s, true, &mux_h1_ops);
	setsockopt(s->m.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	feed(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
	recv_all(s);
}

static void chunked_response_is_whole_through_partial_writes(void **state)
{
	static char out[400000];
	struct h1_body body;
	struct h1_parsed parsed;
	struct http_hdr hdrs[8];
	struct http_msg res;
	struct side s;
	size_t payload = 0;
	(void)state;
	start_request(&s);
	size_t got = send_response(&s, true, 150000, out, sizeof(out));
	http_msg_init(&res, hdrs, 8);
	assert_int_equal(h1_parse_response(out, got, 0, &res, &parsed), H1_COMPLETE);
	h1_body_init(&body, &res);
	size_t at = parsed.consumed;
	for (;;) {
		size_t used;
		struct slice data;
		enum h1_body_event ev = h1_body_decode(&body, out + at, got - at, &used, &data);
		at += used;
		if (ev == H1_BODY_DATA) {
			payload += data.len;
			continue;
		}
		assert_int_equal(ev, H1_BODY_TRAILERS);
		break;
	}
	assert_int_equal(payload, 150000);
	assert_int_equal(got - at, 2);
	assert_memory_equal(out + at, "\r\n", 2);
	close_side(&s);
}

static void plain_response_is_whole_through_partial_writes(void **state)
{
	static char out[400000];
	struct side s;
	(void)state;
	start_request(&s);
	size_t got = send_response(&s, false, 150000, out, sizeof(out));
	const char *end = memmem(out, got, "\r\n\r\n", 4);
	assert_non_null(end);
	assert_int_equal(got - (size_t)(end + 4 - out), 150000);
	close_side(&s);
}

static void body_without_length_ends_with_the_connection(void **state)
{
	struct side s;
	char body[16];
	(void)state;
	open_side(&s, false, &mux_h1_ops);
	feed(&s, "HTTP/1.1 200 OK\r\n\r\nabc", 22);
	recv_all(&s);
	assert_false(s.m.ep.flags & EP_IN_END);
	shutdown(s.peer, SHUT_WR);
	s.m.conn.flags |= CONN_READABLE | CONN_PEER_CLOSED;
	recv_all(&s);
	assert_true(s.m.ep.flags & EP_IN_END);
	assert_int_equal(take_payload(&s, body), 3);
	close_side(&s);
}

static void connection_cut_in_a_body_is_no_end(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, false, &mux_h1_ops);
	feed(&s, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 42);
	shutdown(s.peer, SHUT_WR);
	s.m.conn.flags |= CONN_PEER_CLOSED;
	recv_all(&s);
	assert_false(s.m.ep.flags & EP_IN_END);
	assert_true(s.m.ep.flags & EP_IN_CLOSED);
	close_side(&s);
}

static void held_request_can_be_taken_back(void **state)
{
	struct side s;
	char body[16];
	(void)state;
	open_side(&s, true, &mux_h1_ops);
	feed(&s, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 51);
	recv_all(&s);
	s.m.ep.ops->hold(&s.m.ep, true);
	assert_int_equal(take_payload(&s, body), 5);
	assert_true(s.m.ep.ops->rewind(&s.m.ep));
	recv_all(&s);
	memset(body, 0, sizeof(body));
	assert_int_equal(take_payload(&s, body), 5);
	assert_memory_equal(body, "hello", 5);
	assert_true(s.m.ep.flags & EP_IN_END);
	close_side(&s);
}

static void refused_buffer_is_an_ordinary_error(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, true, &mux_h1_ops);
	pool_set_failure_rate(100);
	feed(&s, "GET / HTTP/1.1\r\n", 16);
	recv_all(&s);
	pool_set_failure_rate(0);
	assert_true(s.m.ep.flags & EP_NO_MEMORY);
	close_side(&s);
}

/* The error of a reset is read once; behind it the descriptor looks as if the peer had closed in order. */
static void reset_while_splicing_is_no_end(void **state)
{
	struct side s, sink;
	struct bulk b = { .pipe = NULL };
	(void)state;
	open_side(&s, false, &mux_raw_ops);
	open_side(&sink, true, &mux_raw_ops);
	shutdown(s.peer, SHUT_WR);
	s.m.conn.flags |= CONN_READABLE | CONN_ERROR;
	s.m.conn.error = ECONNRESET;
	s.m.full_reads = UINT8_MAX; /* busy enough for a pipe */
	bulk_move(&b, &s.m.ep, &sink.m.ep);
	assert_true(s.m.ep.flags & EP_ERROR);
	assert_false(s.m.ep.flags & EP_IN_CLOSED);
	bulk_done(&b, &s.m.ep);
	close_side(&s);
	close_side(&sink);
}

static int setup(void **state)
{
	(void)state;
	group = worker_group_new(1, 16);
	if (!group)
		return -1;
	worker = worker_get(group, 0);
	return mux_worker_start(
	    worker, &(struct mux_setup){ .bufsize = 16384, .maxrewrite = 1024, .maxpipes = 8 });
}

static int teardown(void **state)
{
	(void)state;
	mux_worker_stop(worker);
	worker_group_free(group);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_arrives_the_same_wherever_it_is_split),
		cmocka_unit_test(pipelined_request_stays_for_the_next_stream),
		cmocka_unit_test(idle_connection_holds_no_buffer),
		cmocka_unit_test(chunked_response_is_whole_through_partial_writes),
		cmocka_unit_test(plain_response_is_whole_through_partial_writes),
		cmocka_unit_test(body_without_length_ends_with_the_connection),
		cmocka_unit_test(connection_cut_in_a_body_is_no_end),
		cmocka_unit_test(held_request_can_be_taken_back),
		cmocka_unit_test(refused_buffer_is_an_ordinary_error),
		cmocka_unit_test(reset_while_splicing_is_no_end),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
