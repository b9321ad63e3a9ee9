/* SPDX-License-Identifier: MIT */
/*
 * One message at a time over one connection: the receive buffer, the way of payload slices, sending with the
 * message's framing, and what raw connections and HTTP/1 share. The HTTP/1 heads are in mux1_h1.c.
 *
 * The receive buffer is [head kept for the stream | payload and what follows]. Payload is lent out as slices;
 * once all of it is consumed the buffer is filled again from behind the head. Worker thread only.
 */
#include "mux1_internal.h"

#include <errno.h>

#include "weir/net/splice.h"

/* Beside bufsize bytes of payload a buffer holds the head in front of them: one read for a body of that size. */
#define HEAD_RESERVE 2048
/* Payload beyond this many buffers is read through a large buffer. */
#define LARGE_FACTOR  2
#define LARGE_BUFFER  (128u * 1024)
#define LARGE_BUFFERS 64
/* Reads in a row that filled their buffer: the stream is a bulk one. */
#define BULK_FULL_READS	 4
#define FREE_BUFFERS_MAX 256

int mux_worker_start(struct worker *w, const struct mux_setup *setup)
{
	struct mux_local *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	pool_init(&l->buf, "buffer", setup->bufsize + HEAD_RESERVE, FREE_BUFFERS_MAX);
	l->buf.limit = setup->buffers_limit;
	l->head_max = setup->bufsize - MIN(setup->maxrewrite, setup->bufsize / 2);
	pool_init(&l->large, "large buffer", LARGE_BUFFER, LARGE_BUFFERS / 4);
	l->large.limit = LARGE_BUFFERS;
	if (setup->maxpipes) {
		l->pipes = malloc(sizeof(*l->pipes));
		if (!l->pipes) {
			free(l);
			return -ENOMEM;
		}
		net_pipe_pool_init(l->pipes, setup->maxpipes, setup->pipesize);
	}
	w->slot[WORKER_SLOT_MUX] = l;
	return 0;
}

void mux_worker_stop(struct worker *w)
{
	struct mux_local *l = mux_local(w);
	if (!l)
		return;
	pool_trim(&l->buf);
	pool_trim(&l->large);
	mux2_local_free(l->h2);
	if (l->pipes)
		net_pipe_pool_done(l->pipes);
	free(l->pipes);
	free(l);
	w->slot[WORKER_SLOT_MUX] = NULL;
}

/* ---- the receive buffer ---- */

static void rx_release(struct mux1 *m)
{
	struct mux_local *l = mux_local(m->conn.worker);
	if (m->head_mem)
		pool_put(&l->buf, m->head_mem);
	if (m->rx.mem)
		pool_put(m->large ? &l->large : &l->buf, m->rx.mem);
	m->head_mem = NULL;
	m->rx = (struct rxbuf){ .mem = NULL };
	m->large = false;
}

static bool rx_get(struct mux1 *m)
{
	struct mux_local *l = mux_local(m->conn.worker);
	m->rx.mem = pool_get(&l->buf);
	if (!m->rx.mem) {
		m->ep.flags |= EP_NO_MEMORY;
		return false;
	}
	m->rx.size = (uint32_t)l->buf.size;
	m->rx.base = m->rx.decoded = m->rx.end = 0;
	return true;
}

static bool payload_is_bulk(const struct mux1 *m)
{
	if (m->body.framing == HTTP_BODY_LENGTH)
		return m->body.left > LARGE_FACTOR * (uint64_t)m->rx.size;
	/* of unknown length: once a whole buffer has come */
	return m->ep.in && m->ep.in->total >= m->rx.size;
}

/* The buffer with the head stays for the stream; payload goes on in another. The inflow must be empty. */
static void rx_switch(struct mux1 *m)
{
	struct mux_local *l = mux_local(m->conn.worker);
	bool large = payload_is_bulk(m);
	if (m->large || (m->head_mem && !large))
		return;
	char *mem = large ? pool_get(&l->large) : NULL;
	if (!mem) {
		large = false;
		if (m->head_mem || m->rx.base < m->rx.size / 2)
			return; /* room enough */
		mem = pool_get(&l->buf);
		if (!mem)
			return; /* go on with the little room there is */
	}
	if (m->head_mem || m->rx.base == 0)
		pool_put(&l->buf, m->rx.mem);
	else
		m->head_mem = m->rx.mem;
	m->rx =
	    (struct rxbuf){ .mem = mem, .size = (uint32_t)(large ? l->large.size : l->buf.size) };
	m->large = large;
}

static void rx_move_down(struct mux1 *m, uint32_t to)
{
	uint32_t len = m->rx.end - m->rx.decoded;
	memmove(m->rx.mem + to, m->rx.mem + m->rx.decoded, len);
	m->rx.decoded = to;
	m->rx.end = to + len;
}

/* Makes room behind rx.end. False: none now (full, or memory refused). */
bool mux1_make_room(struct mux1 *m)
{
	bool payload_out = m->ep.in && !inflow_is_empty(m->ep.in);
	if (!m->rx.mem)
		return rx_get(m);
	if (!payload_out && !m->rx_keep_all && m->rx.decoded == m->rx.end) {
		m->rx.decoded = m->rx.end = m->rx.base;
		if (m->in_state == MUX1_IN_BODY || m->in_state == MUX1_IN_TUNNEL)
			rx_switch(m);
	}
	if (m->rx.end < m->rx.size)
		return true;
	if (m->in_state <= MUX1_IN_HEAD) {
		if (m->rx.decoded == 0 || payload_out)
			return false;
		rx_move_down(m, 0);
		m->rx.base = 0;
	} else if (!payload_out && !m->rx_keep_all && m->rx.decoded > m->rx.base) {
		rx_move_down(m, m->rx.base);
	}
	return m->rx.end < m->rx.size;
}

/* One read into the buffer: bytes, 0 for the end, -errno. */
ssize_t mux1_read(struct mux1 *m)
{
	ssize_t n = conn_recv(&m->conn, m->rx.mem + m->rx.end, m->rx.size - m->rx.end);
	if (n > 0) {
		bool full = (uint32_t)n == m->rx.size - m->rx.end;
		m->full_reads = full ? (uint8_t)MIN(m->full_reads + 1, BULK_FULL_READS) : 0;
		m->rx.end += (uint32_t)n;
		m->ep.flags |= EP_IN_ANY;
	} else if (n < 0 && n != -EAGAIN) {
		m->ep.flags |= EP_ERROR;
	}
	return n;
}

ssize_t mux1_fill(struct mux1 *m)
{
	if (!(m->conn.flags & CONN_READABLE))
		return -EAGAIN;
	if (!mux1_make_room(m))
		return -ENOBUFS;
	return mux1_read(m);
}

void mux1_skip(struct mux1 *m, size_t n)
{
	m->rx.decoded += (uint32_t)n;
	if (m->rx.decoded == m->rx.end)
		m->rx.decoded = m->rx.end = m->rx.base = 0;
}

/* ---- payload in ---- */

void mux1_consume(struct endpoint *ep, size_t n)
{
	inflow_take(ep->in, n);
	ep->flags &= ~(uint32_t)EP_IN_FULL;
}

/* The peer's FIN: the regular end of a body without length, an abrupt one for anything else. */
void mux1_peer_closed(struct mux1 *m)
{
	m->ep.flags |= EP_IN_CLOSED;
	if (m->in_state == MUX1_IN_BODY && m->body.framing == HTTP_BODY_UNTIL_CLOSE) {
		m->in_state = MUX1_IN_DONE;
		m->ep.flags |= EP_IN_END;
	}
}

/* ---- splicing ---- */

uint64_t mux1_bulk_left(const struct endpoint *src)
{
	const struct mux1 *m = container_of(src, const struct mux1, ep);
	if (!inflow_is_empty(src->in) || mux1_has_bytes(m) || m->rx_keep_all ||
	    (src->flags & (EP_IN_END | EP_IN_CLOSED | EP_IN_BAD | EP_ERROR)))
		return 0;
	if (m->in_state == MUX1_IN_BODY && m->body.framing == HTTP_BODY_LENGTH)
		return m->body.left;
	bool endless = m->in_state == MUX1_IN_TUNNEL ||
		       (m->in_state == MUX1_IN_BODY && m->body.framing == HTTP_BODY_UNTIL_CLOSE);
	/* of unknown length: only a stream that has filled whole buffers is worth it */
	return endless && m->full_reads >= BULK_FULL_READS ? UINT64_MAX : 0;
}

void mux1_bulk_moved(struct endpoint *src, uint64_t n)
{
	struct mux1 *m = container_of(src, struct mux1, ep);
	if (n == 0) {
		mux1_peer_closed(m);
		return;
	}
	src->in->total += n;
	src->flags |= EP_IN_ANY;
	if (m->body.framing != HTTP_BODY_LENGTH)
		return;
	m->body.left -= n;
	if (m->body.left == 0) {
		m->in_state = MUX1_IN_DONE;
		src->flags |= EP_IN_END;
	}
}

bool mux1_bulk_sink(const struct endpoint *dst)
{
	const struct mux1 *m = container_of(dst, const struct mux1, ep);
	return m->out.len == 0 && m->out_framing != HTTP_BODY_CHUNKED &&
	       !(dst->flags & EP_CONNECTING);
}

/* ---- raw ---- */

/* All that was received and not decoded is payload. */
bool mux1_decode_raw(struct mux1 *m)
{
	struct slice bytes = mux1_bytes(m);
	if (bytes.len == 0 || !inflow_add(m->ep.in, bytes))
		return false;
	m->rx.decoded = m->rx.end;
	return true;
}

static bool raw_recv(struct endpoint *ep)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	bool progress = mux1_decode_raw(m);
	if (progress || !(m->conn.flags & CONN_READABLE) || (ep->flags & (EP_ERROR | EP_IN_CLOSED)))
		return progress;
	if (!mux1_make_room(m)) {
		ep->flags |= EP_IN_FULL;
		return false;
	}
	ssize_t n = mux1_read(m);
	if (n == 0)
		mux1_peer_closed(m);
	else if (n > 0)
		mux1_decode_raw(m);
	return n != -EAGAIN;
}

static int raw_send_head(struct endpoint *ep, struct http_msg *m, bool close)
{
	(void)ep;
	(void)m;
	(void)close;
	return 0; /* a raw connection has no heads */
}

/* ---- out ---- */

/* Takes the bytes that went out away from one pending piece; returns what is left of sent. */
static size_t take_sent(struct slice *pending, size_t sent)
{
	size_t take = MIN(sent, pending->len);
	pending->ptr += take;
	pending->len -= take;
	return sent - take;
}

/* The chunk head in front of new payload. */
static void open_chunk(struct mux1 *m, size_t payload)
{
	m->out_chunk = slice_make(m->chunk_text, h1_write_chunk_head(payload, m->chunk_text));
	m->out_chunk_left = payload;
}

/* What ends a chunk, a message, or both. */
static struct slice tail_text(struct mux1 *m, bool chunk_ends, bool message_ends)
{
	struct slice both = SLICE("\r\n0\r\n\r\n");
	size_t skip = chunk_ends ? 0 : 2;
	if (!message_ends)
		return SLICE("\r\n");
	if (m->out_trailers && m->out_trailers->hdrs_n) {
		size_t cap = 5 + h1_head_size(m->out_trailers);
		char *text = arena_bytes(m->ep.arena, cap);
		if (text) {
			memcpy(text, "\r\n0\r\n", 5);
			size_t len = 5 + h1_write_trailers(m->out_trailers, text + 5, cap - 5);
			return slice_make(text + skip, len - skip);
		}
	}
	return slice_sub(both, skip, both.len);
}

/* Gathers own bytes and payload; returns the number of pieces, *ret_payload what of the payload is in them. */
static unsigned gather(
    struct mux1 *m, const struct iovec *iov, unsigned n, struct iovec *v, size_t *ret_payload)
{
	unsigned k = 0;
	size_t payload = 0, most = SIZE_MAX;
	if (m->out.len)
		v[k++] = (struct iovec){ (void *)m->out.ptr, m->out.len };
	if (m->out_framing == HTTP_BODY_CHUNKED) {
		if (m->out_chunk_left == 0 && n) {
			size_t sum = 0;
			for (unsigned i = 0; i < n; i++)
				sum += iov[i].iov_len;
			if (sum)
				open_chunk(m, sum);
		}
		if (m->out_chunk.len)
			v[k++] = (struct iovec){ (void *)m->out_chunk.ptr, m->out_chunk.len };
		most = m->out_chunk_left;
	}
	for (unsigned i = 0; i < n && most; i++) {
		size_t len = MIN(iov[i].iov_len, most);
		if (len == 0)
			continue;
		v[k++] = (struct iovec){ iov[i].iov_base, len };
		payload += len;
		most -= len;
	}
	*ret_payload = payload;
	return k;
}

/* The framing behind the payload of one send. */
struct tail {
	struct slice text; /* empty: none */
	bool ends_message;
};

/* A chunk's CRLF goes out with the chunk, the last chunk with the last payload. */
static struct tail make_tail(struct mux1 *m, size_t payload, bool end)
{
	bool chunk_ends = payload && payload == m->out_chunk_left;
	struct tail tail = { .text = SLICE_NULL };
	if (m->out_framing != HTTP_BODY_CHUNKED)
		return tail;
	tail.ends_message = end && !m->out_ended && (chunk_ends || m->out_chunk_left == 0);
	if (chunk_ends || tail.ends_message)
		tail.text = tail_text(m, chunk_ends, tail.ends_message);
	return tail;
}

/* Settles what went out: own bytes first, then payload, then the tail. Returns the payload part. */
static size_t settle(struct mux1 *m, size_t sent, size_t payload, struct tail tail)
{
	sent = take_sent(&m->out, sent);
	sent = take_sent(&m->out_chunk, sent);
	size_t taken = MIN(sent, payload);
	sent -= taken;
	if (m->out_framing == HTTP_BODY_CHUNKED)
		m->out_chunk_left -= taken;
	if (tail.text.len && taken == payload && m->out.len == 0 && m->out_chunk.len == 0) {
		/* committed: what is left of the tail is now own bytes */
		take_sent(&tail.text, sent);
		m->out = tail.text;
		m->out_ended = tail.ends_message;
	}
	return taken;
}

static bool all_sent(const struct mux1 *m)
{
	return m->out.len == 0 && m->out_chunk.len == 0 &&
	       (m->out_ended || m->out_framing != HTTP_BODY_CHUNKED);
}

size_t mux1_send(struct endpoint *ep, const struct iovec *iov, unsigned n, bool end, bool more)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	struct iovec v[INFLOW_SEGMENTS + 4];
	size_t payload, given = 0, len = 0;
	if (!(m->conn.flags & CONN_WRITABLE)) {
		ep->flags |= EP_OUT_BLOCKED;
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		given += iov[i].iov_len;
	unsigned k = gather(m, iov, n, v, &payload);
	struct tail tail = make_tail(m, payload, end && payload == given);
	if (tail.text.len)
		v[k++] = (struct iovec){ (void *)tail.text.ptr, tail.text.len };
	for (unsigned i = 0; i < k; i++)
		len += v[i].iov_len;
	ssize_t sent = k ? conn_send(&m->conn, v, (int)k, more) : 0;
	if (sent < 0 && sent != -EAGAIN) {
		ep->flags |= EP_ERROR;
		return 0;
	}
	size_t taken = settle(m, sent > 0 ? (size_t)sent : 0, payload, tail);
	if (m->out.len == 0)
		ep->flags &= ~(uint32_t)EP_OUT_PENDING;
	bool unsent = m->conn.flags & CONN_UNSENT;
	if (sent < 0 || (size_t)sent < len || unsent)
		ep->flags |= EP_OUT_BLOCKED;
	if (end && taken == given && all_sent(m) && !unsent)
		ep->flags |= EP_OUT_END;
	return taken;
}

void mux1_shut(struct endpoint *ep)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	conn_shut_write(&m->conn);
	ep->flags |= EP_OUT_CLOSED;
}

void mux1_tunnel(struct endpoint *ep)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	m->in_state = MUX1_IN_TUNNEL;
	m->out_framing = HTTP_BODY_TUNNEL;
	m->body.framing = HTTP_BODY_TUNNEL;
	ep->ops = &mux_raw_ops;
	ep->flags &= ~(uint32_t)(EP_IN_END | EP_OUT_END | EP_IN_KEEP | EP_OUT_KEEP);
}

void mux1_become_h1(struct mux1 *m)
{
	struct inflow *in = m->ep.in;
	/* what is not consumed lies in one piece: a buffer with payload in it is never left */
	if (in && !inflow_is_empty(in))
		m->rx.decoded = (uint32_t)((char *)in->seg[in->first].iov_base - m->rx.mem);
	if (in)
		*in = (struct inflow){ .first = 0 };
	m->rx.base = m->rx.decoded;
	m->in_state = MUX1_IN_IDLE;
	m->out_framing = HTTP_BODY_NONE;
	m->body = (struct h1_body){ .framing = HTTP_BODY_NONE };
	m->ep.ops = &mux_h1_ops;
	m->ep.flags &= ~(uint32_t)EP_IN_FULL;
}

const struct mux_ops mux_raw_ops = {
	.name = "raw",
	.http = false,
	.attach = mux1_attach,
	.recv = raw_recv,
	.consume = mux1_consume,
	.send_head = raw_send_head,
	.send = mux1_send,
	.tunnel = mux1_tunnel,
	.shut = mux1_shut,
	.bulk_left = mux1_bulk_left,
	.bulk_moved = mux1_bulk_moved,
	.bulk_sink = mux1_bulk_sink,
	.hold = mux1_hold,
	.rewind = mux1_rewind,
	.trailers = mux1_trailers,
	.detach = mux1_detach,
};

/* ---- life ---- */

static void on_event(struct conn *c)
{
	struct mux1 *m = container_of(c, struct mux1, conn);
	if (c->flags & CONN_WRITABLE)
		m->ep.flags &= ~(uint32_t)EP_OUT_BLOCKED;
	if (!(c->flags & (CONN_CONNECTING | CONN_HANDSHAKE)))
		m->ep.flags &= ~(uint32_t)EP_CONNECTING;
	if (m->ep.stream)
		m->ep.wake(&m->ep);
	else
		m->idle_event(m);
}

int mux1_start(
    struct mux1 *m, struct worker *w, int fd, bool client_side, const struct mux_ops *ops)
{
	memset(m, 0, sizeof(*m));
	m->conn.io.fd = -1;
	m->client_side = client_side;
	m->ep.ops = ops;
	m->ep.conn = &m->conn;
	if (!ops->http) {
		m->in_state = MUX1_IN_TUNNEL;
		m->out_framing = HTTP_BODY_TUNNEL;
		m->body.framing = HTTP_BODY_TUNNEL;
	}
	return conn_start(&m->conn, w, fd, on_event);
}

void mux1_attach(struct endpoint *ep, void *stream, void (*wake)(struct endpoint *ep),
    struct http_msg *msg, struct inflow *in, struct arena *arena)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	ep->stream = stream;
	ep->wake = wake;
	ep->msg = msg;
	ep->trailers = NULL;
	ep->in = in;
	ep->arena = arena;
	ep->flags &= EP_CONNECTING | EP_ERROR;
	ep->h1_flags = 0;
	if (m->conn.flags & (CONN_CONNECTING | CONN_HANDSHAKE))
		ep->flags |= EP_CONNECTING;
	if (m->conn.flags & CONN_READ_END)
		ep->flags |= EP_IN_CLOSED;
	if (m->conn.flags & CONN_ERROR)
		ep->flags |= EP_ERROR;
	m->out = SLICE_NULL;
	m->out_chunk = SLICE_NULL;
	m->out_trailers = NULL;
	m->out_chunk_left = 0;
	m->out_ended = false;
	m->rx_keep_all = false;
	if (ep->ops->http) {
		m->in_state = MUX1_IN_IDLE;
		m->rx.base = m->rx.decoded;
	}
}

void mux1_drop(struct mux1 *m)
{
	rx_release(m);
}

void mux1_trim(struct mux1 *m)
{
	if (!m->rx.mem)
		return;
	if (!mux1_has_bytes(m)) {
		rx_release(m);
		return;
	}
	/* Bytes of the next message: keep just their buffer. */
	if (m->head_mem) {
		pool_put(&mux_local(m->conn.worker)->buf, m->head_mem);
		m->head_mem = NULL;
	}
	rx_move_down(m, 0);
	m->rx.base = 0;
}

void mux1_close(struct mux1 *m)
{
	conn_close(&m->conn);
	rx_release(m);
}

void mux1_hold(struct endpoint *ep, bool hold)
{
	container_of(ep, struct mux1, ep)->rx_keep_all = hold;
}

void mux1_trailers(struct endpoint *ep, struct http_msg *trailers)
{
	container_of(ep, struct mux1, ep)->out_trailers = trailers;
}

bool mux1_rewind(struct endpoint *ep)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	struct inflow *in = m->ep.in;
	if (ep->in_framing == HTTP_BODY_NONE)
		return true;
	if (!m->rx_keep_all || m->head_mem)
		return false;
	m->rx.decoded = m->rx.base;
	*in = (struct inflow){ .first = 0 };
	h1_body_init(&m->body, m->ep.msg);
	m->body.framing = ep->in_framing;
	m->in_state = MUX1_IN_BODY;
	m->ep.flags &= ~(uint32_t)(EP_IN_END | EP_IN_FULL);
	return true;
}

void mux1_detach(struct endpoint *ep, bool keep, bool reset)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	bool whole = (ep->flags & (EP_IN_END | EP_OUT_END)) == (EP_IN_END | EP_OUT_END);
	bool wanted = (ep->flags & (EP_IN_KEEP | EP_OUT_KEEP)) == (EP_IN_KEEP | EP_OUT_KEEP);
	bool broken = ep->flags & (EP_ERROR | EP_IN_BAD | EP_IN_CLOSED | EP_OUT_CLOSED);
	ep->stream = NULL;
	ep->msg = NULL;
	ep->in = NULL;
	ep->arena = NULL;
	if (reset)
		m->conn.flags |= CONN_NOLINGER;
	m->released(m, keep && whole && wanted && !broken);
}
