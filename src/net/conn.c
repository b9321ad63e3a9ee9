/* SPDX-License-Identifier: MIT */
/*
 * Connections and the plain transport. A connection and all its callbacks belong to one worker. Readiness flags
 * follow edge-triggered epoll: set by events, cleared only by an operation that met the kernel's limit, so that
 * the usual read costs one system call and not a second one that says EAGAIN.
 */
#include "weir/net/conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "weir/net/socket.h"

static ssize_t plain_recv(struct conn *c, void *buf, size_t len)
{
	ssize_t n = recv(c->io.fd, buf, len, 0);
	return n < 0 ? -errno : n;
}

static ssize_t plain_send(struct conn *c, const struct iovec *iov, int n, bool more)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
	ssize_t sent;
	if (n == 1) {
		sent = send(c->io.fd, iov[0].iov_base, iov[0].iov_len, flags);
	} else {
		struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
		sent = sendmsg(c->io.fd, &msg, flags);
	}
	return sent < 0 ? -errno : sent;
}

static void plain_shut_write(struct conn *c)
{
	shutdown(c->io.fd, SHUT_WR);
}

const struct xprt_ops xprt_plain = {
	.name = "plain",
	.recv = plain_recv,
	.send = plain_send,
	.shut_write = plain_shut_write,
	.splices = true,
};

/* getsockopt(SO_ERROR) clears the error, so conn.error keeps it for whoever reads or writes next. */
static void take_error(struct conn *c)
{
	int error = net_socket_error(c->io.fd);
	c->error = (uint16_t)(error ? error : ECONNRESET);
	c->flags |= CONN_ERROR;
}

static ssize_t failed(struct conn *c, ssize_t error)
{
	if (!(c->flags & CONN_ERROR))
		c->error = (uint16_t)-error;
	c->flags |= CONN_ERROR;
	return -(ssize_t)c->error;
}

int conn_handshake(struct conn *c)
{
	if (c->flags & CONN_CONNECTING)
		return -EAGAIN;
	int r = c->flags & CONN_ERROR ? -(int)c->error : c->xprt->handshake(c);
	if (r == -EAGAIN)
		return r;
	c->flags &= (uint16_t)~CONN_HANDSHAKE;
	if (r < 0)
		return (int)failed(c, r);
	/* what came behind the handshake may lie in the transport, and no event will tell */
	c->flags |= CONN_READABLE | CONN_WRITABLE;
	return 0;
}

static void flush(struct conn *c)
{
	int r = c->xprt->flush(c);
	if (r == 0)
		c->flags &= (uint16_t)~CONN_UNSENT;
	else
		c->flags &= (uint16_t)~CONN_WRITABLE;
	if (r < 0 && r != -EAGAIN)
		failed(c, r);
}

void conn_continue(struct conn *c)
{
	if (unlikely(c->flags & CONN_HANDSHAKE) && conn_handshake(c) == -EAGAIN)
		return;
	if (unlikely((c->flags & (CONN_UNSENT | CONN_WRITABLE)) == (CONN_UNSENT | CONN_WRITABLE)))
		flush(c);
	c->on_event(c);
}

static void on_io(struct worker *w, struct io *io, uint32_t events)
{
	struct conn *c = container_of(io, struct conn, io);
	(void)w;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->flags = (uint16_t)((c->flags | CONN_READABLE) & ~CONN_DRAINED);
	if (events & (EPOLLRDHUP | EPOLLHUP))
		c->flags |= CONN_PEER_CLOSED;
	if (events & EPOLLERR)
		take_error(c);
	if (events & EPOLLOUT)
		c->flags |= CONN_WRITABLE;
	if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		c->flags &= (uint16_t)~CONN_CONNECTING;
	conn_continue(c);
}

int conn_start(struct conn *c, struct worker *w, int fd, void (*on_event)(struct conn *c))
{
	c->worker = w;
	c->xprt = &xprt_plain;
	c->xprt_state = NULL;
	c->on_event = on_event;
	c->flags = 0;
	c->error = 0;
	return io_add_edge(w, &c->io, fd, on_io);
}

static void close_fd(struct conn *c)
{
	if (c->flags & CONN_NOLINGER)
		net_set_nolinger(c->io.fd);
	io_close(c->worker, &c->io);
}

void conn_hang_up(struct conn *c)
{
	if (!conn_is_open(c))
		return;
	if (c->xprt->leave)
		c->xprt->leave(c);
	close_fd(c);
}

void conn_close(struct conn *c)
{
	/* one that was never started has no transport */
	if (c->xprt && c->xprt->release)
		c->xprt->release(c);
	c->xprt = &xprt_plain;
	if (conn_is_open(c))
		close_fd(c);
}

ssize_t conn_recv(struct conn *c, void *buf, size_t len)
{
	ssize_t n;
	do {
		n = c->xprt->recv(c, buf, len);
	} while (n == -EINTR);
	if (n > 0) {
		/* A short read means the queue is empty; a FIN behind it must still be read. */
		if ((size_t)n < len && !(c->flags & CONN_PEER_CLOSED))
			c->flags &= (uint16_t)~CONN_READABLE;
		return n;
	}
	c->flags &= (uint16_t)~CONN_READABLE;
	if (n == -EAGAIN && !(c->flags & CONN_ERROR))
		return n;
	if (n < 0 || (c->flags & (CONN_ERROR | CONN_FAREWELL)) == CONN_ERROR)
		return failed(c, n ? n : -ECONNRESET);
	c->flags |= CONN_READ_END | CONN_PEER_CLOSED;
	return 0;
}

ssize_t conn_send(struct conn *c, const struct iovec *iov, int n, bool more)
{
	ssize_t sent;
	size_t len = 0;
	if (c->flags & CONN_ERROR)
		return -(ssize_t)c->error;
	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	do {
		sent = c->xprt->send(c, iov, n, more);
	} while (sent == -EINTR);
	if (sent == -EAGAIN || (sent >= 0 && (size_t)sent < len) || (c->flags & CONN_UNSENT))
		c->flags &= (uint16_t)~CONN_WRITABLE;
	if (sent < 0 && sent != -EAGAIN)
		return failed(c, sent);
	return sent;
}

void conn_shut_write(struct conn *c)
{
	if (c->flags & (CONN_SHUT_WRITE | CONN_ERROR))
		return;
	c->flags |= CONN_SHUT_WRITE;
	c->xprt->shut_write(c);
}
