/* SPDX-License-Identifier: MIT */
/* Unit tests of the idle pool: what becomes of a server connection when its stream leaves. */
#include "fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define MAX_HDRS 16

struct exchange {
	struct fixture f;
	struct server *srv;
	struct server_conn *sc;
	struct server_wish wish;
	int listener, peer;
	struct http_msg msg;
	struct http_hdr hdrs[MAX_HDRS];
	struct inflow in;
	struct arena arena;
};

static const struct reuse_rule anybody = { .idle = REUSE_ANY, .shared = REUSE_ANY };

static void on_wake(struct endpoint *ep)
{
	(void)ep;
}

/* A connection to a listener of the test's own, attached to a stream that is not there. */
static void open_exchange(struct exchange *x)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	char text[128];
	int error;
	memset(x, 0, sizeof(*x));
	x->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(x->listener, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(x->listener, 4), 0);
	assert_int_equal(getsockname(x->listener, (struct sockaddr *)&sa, &len), 0);
	snprintf(text, sizeof(text), "backend b\n server a 127.0.0.1:%u\n", ntohs(sa.sin_port));
	fixture_start(&x->f, text, 1);
	assert_int_equal(mux_worker_start(x->f.w, &(struct mux_setup){ .bufsize = 16384 }), 0);
	assert_int_equal(upstream_worker_start(x->f.w), 0);
	x->srv = srv_of(&x->f, "b", "a");
	const struct server_dest *dest = atomic_load(&x->srv->rt->dest);
	x->sc =
	    server_conn_open(x->f.w, x->srv, &dest->addr, &x->srv->connect, true, &x->wish, &error);
	assert_non_null(x->sc);
	x->peer = accept(x->listener, NULL, NULL);
	assert_true(x->peer >= 0);
	x->sc->m.conn.flags = CONN_WRITABLE;
	arena_init(&x->arena, 4096);
	http_msg_init(&x->msg, x->hdrs, MAX_HDRS);
	x->sc->m.ep.ops->attach(&x->sc->m.ep, x, on_wake, &x->msg, &x->in, &x->arena);
}

static void close_exchange(struct exchange *x)
{
	upstream_worker_stop(x->f.w);
	mux_worker_stop(x->f.w);
	arena_reset(&x->arena);
	close(x->peer);
	close(x->listener);
	fixture_free(&x->f);
}

/* The whole response is received and the request sent; unread: whether the last read filled its buffer. */
static void finish(struct exchange *x, const char *response, bool unread)
{
	struct endpoint *ep = &x->sc->m.ep;
	size_t len = strlen(response);
	assert_int_equal(write(x->peer, response, len), (ssize_t)len);
	x->sc->m.conn.flags |= CONN_READABLE;
	while (ep->ops->recv(ep))
		;
	assert_true(ep->flags & EP_IN_END);
	ep->flags |= EP_OUT_END | EP_OUT_KEEP;
	if (unread)
		x->sc->m.conn.flags |= CONN_READABLE;
}

static struct server_conn *leave(struct exchange *x)
{
	struct endpoint *ep = &x->sc->m.ep;
	ep->ops->detach(ep, true, false);
	return server_conn_reuse(x->f.w, x->srv, &x->wish, &anybody);
}

#define RESPONSE "HTTP/1.1 204 No Content\r\n\r\n"

static void whole_exchange_leaves_the_connection_for_the_next(void **state)
{
	struct exchange x;
	(void)state;
	open_exchange(&x);
	finish(&x, RESPONSE, true);
	struct server_conn *sc = leave(&x);
	assert_ptr_equal(sc, x.sc);
	server_conn_close(sc);
	close_exchange(&x);
}

static void unread_bytes_behind_the_response_end_the_connection(void **state)
{
	struct exchange x;
	(void)state;
	open_exchange(&x);
	finish(&x, RESPONSE, true);
	assert_int_equal(write(x.peer, "HTTP/1.1 200", 12), 12);
	assert_null(leave(&x));
	close_exchange(&x);
}

static void received_bytes_behind_the_response_end_the_connection(void **state)
{
	struct exchange x;
	(void)state;
	open_exchange(&x);
	finish(&x, RESPONSE "HTTP/1.1 200", false);
	assert_null(leave(&x));
	close_exchange(&x);
}

static void connection_is_for_wishes_of_the_same_name_alone(void **state)
{
	struct exchange x;
	(void)state;
	open_exchange(&x);
	finish(&x, RESPONSE, true);
	x.wish.name = SLICE("other.example");
	assert_null(leave(&x));
	x.wish.name = SLICE_NULL;
	struct server_conn *sc = server_conn_reuse(x.f.w, x.srv, &x.wish, &anybody);
	assert_ptr_equal(sc, x.sc);
	server_conn_close(sc);
	close_exchange(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_exchange_leaves_the_connection_for_the_next),
		cmocka_unit_test(unread_bytes_behind_the_response_end_the_connection),
		cmocka_unit_test(connection_is_for_wishes_of_the_same_name_alone),
		cmocka_unit_test(received_bytes_behind_the_response_end_the_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
