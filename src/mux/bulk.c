/* SPDX-License-Identifier: MIT */
/*
 * Splicing between two connections. The pipe belongs to one direction of one stream while payload flows and
 * goes back to its worker's pool when the message ends. A short splice does not prove that the socket is empty
 * (the pipe's slots may have run out), so reading goes on until the kernel says EAGAIN. Worker thread only.
 */
#include "weir/mux/bulk.h"

#include <errno.h>

#include "weir/mux/mux1.h"
#include "weir/net/splice.h"

/* Payload left from which a pipe costs less than copying through a buffer, measured on loopback. */
#define BULK_MIN    (192u * 1024)
#define BULK_ROUNDS 8

bool bulk_holds(const struct bulk *b)
{
	return b->pipe && b->pipe->held;
}

bool bulk_wanted(const struct bulk *b, const struct endpoint *src, const struct endpoint *dst)
{
	if (bulk_holds(b))
		return true;
	if (b->refused || !src->ops->bulk_left || !dst->ops->bulk_sink ||
	    !src->conn->xprt->splices || !dst->conn->xprt->splices)
		return false;
	return src->ops->bulk_left(src) >= BULK_MIN && dst->ops->bulk_sink(dst);
}

static bool get_pipe(struct bulk *b, const struct endpoint *ep)
{
	struct mux_local *l = mux_local(ep->conn->worker);
	if (!b->pipe && l->pipes)
		b->pipe = net_pipe_get(l->pipes);
	b->refused = !b->pipe;
	return b->pipe != NULL;
}

static bool fill(struct bulk *b, struct endpoint *src)
{
	struct conn *c = src->conn;
	uint64_t left = src->ops->bulk_left(src);
	if (!left || !(c->flags & CONN_READABLE))
		return false;
	ssize_t n = net_splice_in(b->pipe, c->io.fd, (size_t)MIN(left, (uint64_t)b->pipe->cap));
	if (n > 0) {
		src->ops->bulk_moved(src, (uint64_t)n);
		return true;
	}
	if (n <= 0 &&
	    (c->flags & CONN_ERROR)) { /* a reset looks like an end once its error was read */
		src->flags |= EP_ERROR;
	} else if (n == 0) {
		c->flags |= CONN_READ_END | CONN_PEER_CLOSED;
		c->flags &= (uint16_t)~CONN_READABLE;
		src->ops->bulk_moved(src, 0); /* the mux sees the end */
	} else if (n == -EAGAIN) {
		if (b->pipe->held == 0)
			c->flags &= (uint16_t)~CONN_READABLE;
	} else if (n == -EINVAL) {
		b->refused = true;
	} else {
		c->flags |= CONN_ERROR;
		c->error = (uint16_t)-n;
		src->flags |= EP_ERROR;
	}
	return false;
}

static bool drain(struct bulk *b, struct endpoint *dst)
{
	struct conn *c = dst->conn;
	size_t held = b->pipe->held;
	if (!held)
		return false;
	if (!(c->flags & CONN_WRITABLE)) {
		dst->flags |= EP_OUT_BLOCKED;
		return false;
	}
	ssize_t n = net_splice_out(b->pipe, c->io.fd, false);
	if (n < 0 && n != -EAGAIN) {
		c->flags |= CONN_ERROR;
		c->error = (uint16_t)-n;
		dst->flags |= EP_ERROR;
		return false;
	}
	if (b->pipe->held) {
		c->flags &= (uint16_t)~CONN_WRITABLE;
		dst->flags |= EP_OUT_BLOCKED;
	}
	if (n > 0)
		b->sent += (uint64_t)n;
	return n > 0;
}

bool bulk_move(struct bulk *b, struct endpoint *src, struct endpoint *dst)
{
	bool any = false;
	if (!b->pipe && !get_pipe(b, src))
		return false;
	for (unsigned round = 0; round < BULK_ROUNDS; round++) {
		bool in = !b->refused && fill(b, src);
		bool out = drain(b, dst);
		any = any || in || out;
		if ((!in && !out) || (dst->flags & (EP_OUT_BLOCKED | EP_ERROR)))
			break;
	}
	return any;
}

void bulk_done(struct bulk *b, const struct endpoint *ep)
{
	if (!b->pipe)
		return;
	net_pipe_put(mux_local(ep->conn->worker)->pipes, b->pipe);
	b->pipe = NULL;
}
