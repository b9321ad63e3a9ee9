/* SPDX-License-Identifier: MIT */
/*
 * How a connection to a server begins when it is encrypted: the SOCKS4 request and the PROXY header go in the clear
 * ahead of TLS. A transport of its own sends them as if they were a handshake, waits for the SOCKS4 proxy's answer, and
 * gives its place to TLS, so that streams see one thing: a connection that is not there yet. Worker thread only.
 */
#include <errno.h>
#include <sys/socket.h>

#include "weir/tls/client.h"
#include "weir/tls/transport.h"
#include "weir/upstream/idle.h"

#define SOCKS4_ANSWER 8

static struct server_conn *conn_of(struct conn *c)
{
	return container_of(container_of(c, struct mux1, conn), struct server_conn, m);
}

static int start_tls(struct server_conn *sc)
{
	const struct server_wish *w = &sc->wish;
	const struct tls_connect_opts opts = {
		.tune = sc->tune,
		.sni = w->sni,
		.verifyhost = w->verifyhost,
		.alpn = w->alpn,
		.early = w->early,
	};
	return tls_connect(&sc->m.conn, w->tls, &opts);
}

/* 0: all of it is sent; -EAGAIN or -errno. */
static int send_preface(struct server_conn *sc)
{
	while (sc->preface.len) {
		struct iovec v = { (void *)sc->preface.ptr, sc->preface.len };
		ssize_t n = xprt_plain.send(&sc->m.conn, &v, 1, false);
		if (n < 0 && n != -EINTR)
			return (int)n;
		if (n > 0)
			sc->preface = slice_sub(sc->preface, (size_t)n, sc->preface.len);
	}
	return 0;
}

/* No byte behind the answer may be taken: it is the server's. 0, -EAGAIN or -errno. */
static int read_answer(struct conn *c)
{
	char answer[SOCKS4_ANSWER];
	ssize_t n = recv(c->io.fd, answer, sizeof(answer), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	int granted = n ? net_socks4_answer(answer, (size_t)n) : -ECONNREFUSED;
	if (granted <= 0)
		return granted ? granted : -EAGAIN;
	return recv(c->io.fd, answer, sizeof(answer), MSG_DONTWAIT) == SOCKS4_ANSWER ? 0 : -EIO;
}

static int begin_handshake(struct conn *c)
{
	struct server_conn *sc = conn_of(c);
	struct tls_client *client = sc->wish.tls;
	int r = send_preface(sc);
	if (r == 0 && sc->socks4_wait)
		r = read_answer(c);
	if (r < 0)
		return r;
	sc->socks4_wait = false;
	r = start_tls(sc);
	if (r < 0)
		return r;
	tls_client_unref(client);
	return c->xprt->handshake(c);
}

static ssize_t begin_recv(struct conn *c, void *buf, size_t len)
{
	(void)c;
	(void)buf;
	(void)len;
	return -EAGAIN;
}

static ssize_t begin_send(struct conn *c, const struct iovec *iov, int n, bool more)
{
	(void)c;
	(void)iov;
	(void)n;
	(void)more;
	return -EAGAIN;
}

static void begin_shut(struct conn *c)
{
	shutdown(c->io.fd, SHUT_WR);
}

static void begin_release(struct conn *c)
{
	tls_client_unref(conn_of(c)->wish.tls);
}

/* Nobody reads or writes before the handshake is done. */
static const struct xprt_ops xprt_begin = {
	.name = "begin",
	.recv = begin_recv,
	.send = begin_send,
	.handshake = begin_handshake,
	.shut_write = begin_shut,
	.release = begin_release,
};

int server_conn_secure(struct server_conn *sc)
{
	struct conn *c = &sc->m.conn;
	int r = 0;
	if (!sc->wish.tls)
		return 0;
	if (sc->preface.len) {
		/* a command may replace the server's client in the meantime */
		(void)tls_client_ref(sc->wish.tls);
		c->xprt = &xprt_begin;
		c->flags |= CONN_HANDSHAKE;
	} else {
		r = start_tls(sc);
	}
	/* a socket that is connected already gets no event for that; what fails here is told by the flags */
	if (r == 0)
		(void)conn_handshake(c);
	return r;
}
