/* SPDX-License-Identifier: MIT */
/*
 * Two connections of one worker that speak TLS with each other, over a socket pair or loopback TCP. No loop runs:
 * pair_run() hands out events one at a time until what is waited for holds. Each end reads all it can into `got` and
 * sends what `todo` holds. One pair at a time.
 */
#ifndef WEIR_TESTS_UNIT_TLS_PAIR_H
#define WEIR_TESTS_UNIT_TLS_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_cert.c"
#include "weir/base/strbuf.h"
#include "weir/tls/client.h"
#include "weir/tls/server.h"
#include "weir/tls/session_cache.h"
#include "weir/tls/ticket_keys.h"
#include "weir/tls/transport.h"

struct end {
	struct conn c;
	struct strbuf got;
	struct slice todo;
	unsigned events;
	size_t read_size; /* of one conn_recv() */
	bool hold;	  /* does not read */
	bool shut_when_sent;
	bool end, failed;
};

struct pair {
	struct worker_group *group;
	struct worker *w;
	struct test_cert ca, crt;
	char *dir, *ca_file;
	struct end cl, sv;
};

static struct pair p;

static int pair_setup(void **state)
{
	(void)state;
	memset(&p, 0, sizeof(p));
	p.cl.c.io.fd = p.sv.c.io.fd = -1;
	p.group = worker_group_new(1, 16);
	p.w = worker_get(p.group, 0);
	p.ca = test_cert_make(&(struct test_spec){ .cn = "test CA", .ca = true }, NULL);
	p.crt = test_cert_make(
	    &(struct test_spec){ .cn = "srv", .san = "DNS:srv.example,DNS:*.w.example" }, &p.ca);
	p.dir = test_dir_make();
	test_write_pem(p.dir, "ca.pem", &p.ca, false, NULL);
	p.ca_file = test_path(p.dir, "ca.pem");
	return 0;
}

/* ---- contexts ---- */

static const unsigned char h2_http[] = "\x02h2\x08http/1.1";

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	(void)ssl;
	(void)arg;
	return SSL_select_next_proto((unsigned char **)out, out_len, h2_http, sizeof(h2_http) - 1,
		   in, in_len) == OPENSSL_NPN_NEGOTIATED
		   ? SSL_TLSEXT_ERR_OK
		   : SSL_TLSEXT_ERR_NOACK;
}

static SSL_CTX *server_ctx_new(const struct tls_server_setup *setup, int max_version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(ctx, p.crt.x509), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, p.crt.key), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, max_version), 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	assert_int_equal(tls_server_setup(ctx, setup), 0);
	return ctx;
}

static struct tls_client *client_new(const struct tls_client_conf *conf)
{
	char err[256] = "";
	struct tls_client *client = tls_client_new(conf, err, sizeof(err));
	if (!client)
		fail_msg("tls_client_new: %s", err);
	return client;
}

/* ---- connections ---- */

static void end_read(struct end *e)
{
	char buf[65536];
	while (!e->hold && (e->c.flags & CONN_READABLE)) {
		size_t size = e->read_size ? MIN(e->read_size, sizeof(buf)) : 16384;
		ssize_t n = conn_recv(&e->c, buf, size);
		if (n == -EAGAIN)
			return;
		e->end = e->end || n == 0;
		e->failed = e->failed || n < 0;
		if (n <= 0)
			return;
		strbuf_add(&e->got, buf, (size_t)n);
	}
}

static void end_write(struct end *e)
{
	while (e->todo.len && (e->c.flags & CONN_WRITABLE)) {
		size_t n = MIN(e->todo.len, 200000u);
		struct iovec iov[2] = {
			{ (void *)e->todo.ptr, n / 3 },
			{ (void *)(e->todo.ptr + n / 3), n - n / 3 },
		};
		ssize_t sent = conn_send(&e->c, iov, 2, false);
		if (sent < 0 && sent != -EAGAIN)
			e->failed = true;
		if (sent < 0)
			return;
		e->todo = slice_sub(e->todo, (size_t)sent, e->todo.len);
	}
	if (e->shut_when_sent && !e->todo.len && !e->failed) {
		e->shut_when_sent = false;
		conn_shut_write(&e->c);
	}
}

static void end_work(struct end *e)
{
	if (e->c.flags & CONN_HANDSHAKE)
		return;
	if (e->c.flags & CONN_ERROR)
		e->failed = true;
	else
		end_read(e);
	if (!e->failed)
		end_write(e);
}

static void on_pair_event(struct conn *c)
{
	struct end *e = container_of(c, struct end, c);
	e->events++;
	assert_false(c->flags & CONN_HANDSHAKE);
	end_work(e);
}

static void end_start(struct end *e, int fd)
{
	memset(e, 0, sizeof(*e));
	assert_int_equal(conn_start(&e->c, p.w, fd, on_pair_event), 0);
}

/* Both ends plain; buf: bytes of socket buffers, 0: the kernel's. */
static void pair_sockets(int buf)
{
	int fd[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	for (int i = 0; buf && i < 2; i++)
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &buf, sizeof(buf));
	end_start(&p.cl, fd[0]);
	end_start(&p.sv, fd[1]);
}

static void pair_open_opts(SSL_CTX *ctx, const struct tls_accept_opts *accept,
    struct tls_client *client, const struct tls_connect_opts *connect)
{
	assert_int_equal(tls_accept(&p.sv.c, ctx, accept), 0);
	assert_int_equal(tls_connect(&p.cl.c, client, connect), 0);
	assert_int_equal(conn_handshake(&p.cl.c), -EAGAIN);
}

static WEIR_UNUSED void pair_open(SSL_CTX *ctx, struct tls_client *client, int buf)
{
	pair_sockets(buf);
	pair_open_opts(ctx, NULL, client, &(struct tls_connect_opts){ .sni = "srv.example" });
}

static void end_close(struct end *e)
{
	conn_close(&e->c);
	strbuf_done(&e->got);
}

static void pair_close(void)
{
	end_close(&p.cl);
	end_close(&p.sv);
}

static int pair_teardown(void **state)
{
	(void)state;
	pair_close(); /* of a test that has failed */
	tls_worker_stop(p.w);
	worker_group_free(p.group);
	test_cert_free(&p.crt);
	test_cert_free(&p.ca);
	free(p.ca_file);
	test_dir_remove(p.dir);
	return 0;
}

/* ---- the loop ---- */

/* One event, or the tasks that are due. False: nothing happens any more. */
static bool pair_turn(int wait_ms)
{
	struct epoll_event ev;
	bool tasks = !list_is_empty(&p.w->runq);
	int n = epoll_wait(p.w->epfd, &ev, 1, tasks ? 0 : wait_ms);
	clock_update(&p.w->clock);
	if (n == 1) {
		struct io *io = ev.data.ptr;
		io->fn(p.w, io, ev.events);
	}
	struct list now = LIST_INIT(now);
	list_splice_tail(&now, &p.w->runq);
	while (!list_is_empty(&now)) {
		struct task *task = list_first(&now, struct task, link);
		list_del(&task->link);
		task->fn(p.w, task);
	}
	return n == 1 || tasks;
}

/* Until cond() holds; the test fails when nothing happens for ten seconds. */
static void pair_run(bool (*cond)(void))
{
	while (!cond()) {
		if (!pair_turn(10000))
			fail_msg("nothing happens any more");
	}
}

static void pair_settle(void)
{
	while (pair_turn(0)) {
	}
}

static bool both_handshaken(void)
{
	return tls_info(&p.cl.c)->handshaken && tls_info(&p.sv.c)->handshaken;
}

static WEIR_UNUSED bool server_failed(void)
{
	return p.sv.failed;
}

static WEIR_UNUSED bool client_failed(void)
{
	return p.cl.failed;
}

static void end_send(struct end *e, struct slice s)
{
	e->todo = s;
	end_work(e);
}

#endif
