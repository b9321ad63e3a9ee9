/* SPDX-License-Identifier: MIT */
/*
 * What streams send. Heads and small pieces of payload are collected in the session's output and leave together at
 * the end of the turn; large pieces go straight from the buffers they were read into. Payload is taken only as far
 * as both windows are open and the connection is not behind; a stream that must wait for the connection stands in
 * line, and each has a bounded piece when it is its turn.
 */
#include <errno.h>

#include "mux2_internal.h"

/* Bytes that may wait in the output before streams have to. */
#define OUT_MAX (32u * 1024)
/* Payload from which a system call of its own costs less than a copy. */
#define DIRECT_MIN (8u * 1024)
/* What a stream may send in one go while others wait. */
#define QUANTUM (32u * 1024)
/* Frames of one system call. */
#define FRAMES_AT_ONCE 8
#define OUT_PIECES     8
#define PIECES_MAX     (OUT_PIECES + FRAMES_AT_ONCE * 2 + INFLOW_SEGMENTS)

static void block(struct mux2_stream *st)
{
	st->ep.flags |= EP_OUT_BLOCKED;
	if (!list_is_linked(&st->blocked))
		list_add_tail(&st->m->blocked, &st->blocked);
}

/* Nothing can be sent on it any more; what the stream thinks it has to say is of no use. */
static bool is_over(const struct mux2_stream *st)
{
	return (st->ep.flags & EP_ERROR) || st->m->h2.is_failed || st->m->state >= MUX2_CLOSING ||
	       (st->h.state & H2_ST_CLOSED && !(st->h.state & H2_ST_LOCAL_END));
}

/* ---- heads ---- */

static bool is_interim(const struct http_msg *msg)
{
	return msg->status >= 100 && msg->status < 200 && msg->status != 101;
}

int mux2_send_head(struct endpoint *ep, struct http_msg *msg, bool close)
{
	struct mux2_stream *st = stream_of(ep);
	bool bodyless = msg->framing == HTTP_BODY_NONE;
	int r;
	(void)close; /* of one stream of many */
	if (is_over(st)) {
		ep->flags |= EP_ERROR;
		return 0;
	}
	if (st->h.state & H2_ST_LOCAL_END)
		return 0;
	if (st->m->client_side) {
		bool interim = is_interim(msg);
		bool end = !interim && (bodyless || (st->h.state & H2_ST_FOR_HEAD));
		r = mux2_write_response(st, msg, end);
		st->head_sent = st->head_sent || !interim;
	} else if (st->h.id || st->waiting) {
		return -EALREADY; /* a stream has one request */
	} else {
		r = mux2_write_request(st, msg, bodyless);
		st->head_sent = !st->waiting;
	}
	mux2_schedule(st->m);
	if (r < 0) {
		ep->flags |= EP_ERROR;
		return r;
	}
	ep->flags |= EP_OUT_PENDING | EP_OUT_KEEP;
	return 0;
}

void mux2_trailers(struct endpoint *ep, struct http_msg *trailers)
{
	stream_of(ep)->out_trailers = trailers;
}

/* ---- payload ---- */

/* Frames of one send, and where their pieces are. */
struct batch {
	struct mux2_stream *st;
	const struct iovec *iov; /* the caller's payload */
	unsigned n;
	size_t len; /* bytes of payload to be sent */
	bool end;   /* with END_STREAM on the last frame */
	unsigned frames;
	struct {
		char head[H2_FRAME_HEAD];
		uint32_t len;
	} frame[FRAMES_AT_ONCE];
};

/* Cuts the payload into frames of a size that the peer takes. */
static void make_frames(struct batch *b)
{
	size_t most = b->st->m->h2.peer_frame, left = b->len;
	do {
		size_t n = MIN(left, most);
		bool last = n == left;
		b->frame[b->frames].len = (uint32_t)n;
		h2_data_head(&b->st->h, n, b->end && last, b->frame[b->frames].head);
		b->frames++;
		left -= n;
	} while (left && b->frames < FRAMES_AT_ONCE);
	if (left) {
		b->len -= left;
		b->end = false;
	}
}

/* Payload pieces from offset on, len bytes. */
static unsigned payload_pieces(
    const struct batch *b, size_t offset, size_t len, struct iovec *v, unsigned max)
{
	unsigned k = 0;
	for (unsigned i = 0; i < b->n && len && k < max; i++) {
		if (offset >= b->iov[i].iov_len) {
			offset -= b->iov[i].iov_len;
			continue;
		}
		size_t n = MIN(len, b->iov[i].iov_len - offset);
		v[k++] = (struct iovec){ (char *)b->iov[i].iov_base + offset, n };
		len -= n;
		offset = 0;
	}
	return k;
}

/* Queues what is left of frame i when skip bytes of it are out. False: no memory. */
static bool queue_frame(struct batch *b, unsigned i, size_t payload_at, size_t skip)
{
	struct h2_out *out = &b->st->m->h2.out;
	struct iovec v[INFLOW_SEGMENTS];
	size_t head = skip < H2_FRAME_HEAD ? H2_FRAME_HEAD - skip : 0;
	size_t done = skip > H2_FRAME_HEAD ? skip - H2_FRAME_HEAD : 0;
	unsigned n =
	    payload_pieces(b, payload_at + done, b->frame[i].len - done, v, INFLOW_SEGMENTS);
	if (head && h2_out_add(out, b->frame[i].head + skip, head) < 0)
		return false;
	for (unsigned k = 0; k < n; k++) {
		if (h2_out_add(out, v[k].iov_base, v[k].iov_len) < 0)
			return false;
	}
	return true;
}

static void no_memory(struct mux2_stream *st)
{
	/* a frame of which a part is missing cannot be made good */
	st->ep.flags |= EP_ERROR | EP_NO_MEMORY;
	h2_session_fail(&st->m->h2, H2_INTERNAL_ERROR, "no memory");
}

/* Copies the frames into the output. Returns the payload taken. */
static size_t queue_batch(struct batch *b)
{
	size_t at = 0;
	for (unsigned i = 0; i < b->frames; i++) {
		if (!queue_frame(b, i, at, 0)) {
			no_memory(b->st);
			return 0;
		}
		at += b->frame[i].len;
	}
	h2_data_sent(&b->st->m->h2, &b->st->h, b->len, b->end);
	return b->len;
}

/* What the kernel took of the frames; the rest of one that has begun is queued. Returns the payload taken. */
static size_t settle(struct batch *b, size_t sent)
{
	struct mux2 *m = b->st->m;
	size_t at = 0;
	for (unsigned i = 0; i < b->frames && sent; i++) {
		size_t whole = H2_FRAME_HEAD + b->frame[i].len;
		bool last = i + 1 == b->frames;
		if (sent < whole && !queue_frame(b, i, at, sent)) {
			no_memory(b->st);
			return 0;
		}
		h2_data_sent(&m->h2, &b->st->h, b->frame[i].len, b->end && last);
		at += b->frame[i].len;
		sent -= MIN(sent, whole);
	}
	return at;
}

/* One system call for what is queued and the frames behind it. Returns the payload taken. */
static size_t send_direct(struct batch *b)
{
	struct mux2 *m = b->st->m;
	struct iovec v[PIECES_MAX];
	size_t at = 0, queued = m->h2.out.bytes;
	unsigned k = h2_out_pieces(&m->h2.out, v, OUT_PIECES);
	size_t seen = 0;
	for (unsigned i = 0; i < k; i++)
		seen += v[i].iov_len;
	if (seen < queued)
		return queue_batch(b);
	for (unsigned i = 0; i < b->frames; i++) {
		v[k++] = (struct iovec){ b->frame[i].head, H2_FRAME_HEAD };
		k += payload_pieces(b, at, b->frame[i].len, v + k, PIECES_MAX - k);
		at += b->frame[i].len;
	}
	ssize_t sent = conn_send(m->conn, v, (int)k, false);
	if (sent < 0 && sent != -EAGAIN) {
		b->st->ep.flags |= EP_ERROR;
		return 0;
	}
	size_t out = sent > 0 ? (size_t)sent : 0;
	h2_out_drop(&m->h2.out, MIN(out, queued));
	return settle(b, out - MIN(out, queued));
}

static size_t sum_of(const struct iovec *iov, unsigned n)
{
	size_t sum = 0;
	for (unsigned i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

/* How much may go now; 0: it was put in line, or waits for its window. */
static size_t allowance(struct mux2_stream *st, size_t given)
{
	struct mux2 *m = st->m;
	bool in_line = !list_is_empty(&m->blocked) && m->serving != st;
	/* a server's windows are known by its SETTINGS, which are on their way */
	in_line = in_line || (!m->client_side && !m->h2.got_settings);
	size_t room = h2_send_room(&m->h2, &st->h);
	if (in_line || m->h2.out.bytes >= OUT_MAX || (room == 0 && m->h2.send_window <= 0)) {
		block(st);
		return 0;
	}
	if (room == 0) {
		st->ep.flags |= EP_OUT_BLOCKED; /* its window's update wakes it */
		return 0;
	}
	size_t most = MIN(given, room);
	return list_is_empty(&m->blocked) ? most : MIN(most, (size_t)QUANTUM);
}

/* END_STREAM, by itself or by trailers. */
static void send_end(struct mux2_stream *st)
{
	struct mux2 *m = st->m;
	if (st->out_trailers && st->out_trailers->hdrs_n) {
		if (h2_send_trailers(&m->h2, &st->h, st->out_trailers) < 0)
			st->ep.flags |= EP_ERROR | EP_NO_MEMORY;
	} else {
		struct batch b = { .st = st, .end = true };
		make_frames(&b);
		queue_batch(&b);
	}
	mux2_schedule(m);
}

static size_t send_payload(
    struct mux2_stream *st, const struct iovec *iov, unsigned n, size_t given, bool end)
{
	struct mux2 *m = st->m;
	bool trailers = st->out_trailers && st->out_trailers->hdrs_n;
	size_t most = allowance(st, given);
	if (!most)
		return 0;
	struct batch b = { .st = st, .iov = iov, .n = n, .len = most };
	b.end = end && most == given && !trailers;
	make_frames(&b);
	bool direct = b.len >= DIRECT_MIN && (m->conn->flags & CONN_WRITABLE) &&
		      !(m->conn->flags & (CONN_CONNECTING | CONN_HANDSHAKE));
	size_t taken = direct ? send_direct(&b) : queue_batch(&b);
	mux2_schedule(m);
	if (taken < given && !(st->ep.flags & EP_ERROR)) {
		if (st->h.send_window > 0)
			block(st);
		else
			st->ep.flags |= EP_OUT_BLOCKED;
	}
	return taken;
}

static bool asks_for_tunnel(const struct mux2_stream *st)
{
	return !st->m->client_side && (st->h.state & H2_ST_CONNECT) && !st->tunnel;
}

size_t mux2_send(struct endpoint *ep, const struct iovec *iov, unsigned n, bool end, bool more)
{
	struct mux2_stream *st = stream_of(ep);
	size_t given = sum_of(iov, n), taken = 0;
	(void)more; /* the end of the turn is soon enough for all */
	ep->flags &= ~(uint32_t)(EP_OUT_PENDING | EP_OUT_BLOCKED);
	if (is_over(st)) {
		ep->flags |= EP_ERROR;
		return 0;
	}
	if (st->h.state & H2_ST_LOCAL_END) { /* payload of an answer to HEAD goes nowhere */
		if (end)
			ep->flags |= EP_OUT_END;
		return given;
	}
	if (!st->head_sent) {
		/* bytes without a head cannot be sent, but one may still come */
		ep->flags |= st->tunnel ? EP_ERROR : st->waiting ? EP_OUT_BLOCKED : 0;
		return 0;
	}
	if (end && asks_for_tunnel(st)) { /* its request is complete, the stream is not */
		ep->flags |= EP_OUT_END;
		return given;
	}
	if (given)
		taken = send_payload(st, iov, n, given, end);
	if (end && taken == given && !(st->h.state & H2_ST_LOCAL_END) && !(ep->flags & EP_ERROR))
		send_end(st);
	if (st->h.state & H2_ST_LOCAL_END)
		ep->flags |= EP_OUT_END;
	return taken;
}

void mux2_shut(struct endpoint *ep)
{
	struct mux2_stream *st = stream_of(ep);
	ep->flags |= EP_OUT_CLOSED;
	if (!is_over(st) && st->head_sent && !(st->h.state & H2_ST_LOCAL_END))
		send_end(st);
}

/* ---- the connection ---- */

void mux2_flush(struct mux2 *m)
{
	const uint16_t not_yet = CONN_CONNECTING | CONN_HANDSHAKE | CONN_ERROR | CONN_SHUT_WRITE;
	while (m->h2.out.bytes && (m->conn->flags & CONN_WRITABLE) && !(m->conn->flags & not_yet)) {
		struct iovec v[OUT_PIECES * 4];
		unsigned k = h2_out_pieces(&m->h2.out, v, ARRAY_SIZE(v));
		ssize_t sent = conn_send(m->conn, v, (int)k, false);
		if (sent <= 0)
			return;
		h2_out_drop(&m->h2.out, (size_t)sent);
	}
}

void mux2_serve_blocked(struct mux2 *m)
{
	unsigned rounds = 0;
	list_for_each (link, &m->blocked)
		rounds++;
	if (!m->h2.got_settings)
		return;
	while (rounds-- && !list_is_empty(&m->blocked) && m->h2.send_window > 0 &&
	       m->h2.out.bytes < OUT_MAX && (m->conn->flags & CONN_WRITABLE)) {
		struct mux2_stream *st = list_first(&m->blocked, struct mux2_stream, blocked);
		list_del(&st->blocked);
		st->ep.flags &= ~(uint32_t)EP_OUT_BLOCKED;
		if (!st->attached)
			continue;
		m->serving = st;
		st->ep.wake(&st->ep); /* it may be gone then */
		m->serving = NULL;
	}
}
