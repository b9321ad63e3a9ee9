/* SPDX-License-Identifier: MIT */
/*
 * From the codec's events to a stream: heads, payload, ends and resets. Payload is copied out of the connection's
 * input, because streams consume at their own pace, and lent from there. What is stored is bounded by the stream's
 * window: it is given back as payload is consumed, and grows while the reader is faster than the peer.
 */
#include <errno.h>

#include "mux2_internal.h"

/* Interim heads that may wait for a stream; more are dropped, which RFC 9110 15.2 allows. */
#define INTERIMS_WAITING 8
/* Of rxbuf, for payload beyond the window that each stream has from the start. */
#define SHARED_EIGHTHS 7

static struct mux2 *mux_of(struct h2_session *s)
{
	return container_of(s, struct mux2, h2);
}

static struct mux2_stream *of_codec(struct h2_stream *h)
{
	return container_of(h, struct mux2_stream, h);
}

static void tell(struct mux2 *m, enum mux2_event event, const char *text)
{
	if (m->ops->event)
		m->ops->event(m, event, text);
}

/* Whether payload is expected of it: such streams share the common buffer. */
static void set_receiving(struct mux2_stream *st, bool receives)
{
	if (receives != st->receives)
		st->m->receiving += receives ? 1 : -1u;
	st->receives = receives;
}

/* ---- heads ---- */

void mux2_attach(struct endpoint *ep, void *stream, void (*wake)(struct endpoint *ep),
    struct http_msg *msg, struct inflow *in, struct arena *arena)
{
	struct mux2_stream *st = stream_of(ep);
	uint16_t conn = st->m->conn->flags;
	ep->stream = stream;
	ep->wake = wake;
	ep->msg = msg;
	ep->trailers = NULL;
	ep->in = in;
	ep->arena = arena;
	ep->flags &= EP_ERROR | EP_IN_CLOSED;
	ep->h1_flags = 0;
	st->attached = true;
	if (conn & (CONN_CONNECTING | CONN_HANDSHAKE))
		ep->flags |= EP_CONNECTING;
	if ((conn & CONN_ERROR) || st->m->state >= MUX2_CLOSING)
		ep->flags |= EP_ERROR;
	if (st->m->client_side && !(ep->flags & EP_ERROR) && mux2_take_request(st) < 0)
		ep->flags |= EP_NO_MEMORY | EP_ERROR;
}

static struct h2_stream *on_request(struct h2_session *s, bool end)
{
	struct mux2 *m = mux_of(s);
	/* reset ones that somebody still works on count too */
	if (m->streams_n >= 2 * m->conf->max_streams || m->state >= MUX2_CLOSING)
		return NULL;
	m->requests_now++;
	struct mux2_stream *st = mux2_stream_new(m);
	if (!st)
		return NULL;
	st->h.id = s->block.id;
	st->in_done = end;
	if (!m->ops->request(m, &st->ep) || !st->attached) {
		mux2_stream_free(st);
		return NULL;
	}
	set_receiving(st, !end);
	mux2_make_ready(st);
	if (m->conf->max_total && m->total >= m->conf->max_total + m->conf->max_streams) {
		m->counters->limit_streams++;
		h2_session_fail(s, H2_ENHANCE_YOUR_CALM, "more streams than allowed");
	} else if (m->conf->max_total && m->total >= m->conf->max_total) {
		mux2_goaway(m);
	}
	return &st->h;
}

static void on_response(struct h2_session *s, struct h2_stream *h, bool end)
{
	struct mux2_stream *st = of_codec(h);
	bool interim = s->head->status < 200;
	unsigned waiting = 0;
	if (!st->attached)
		return;
	st->ep.flags |= EP_IN_ANY;
	for (struct mux2_head *q = st->heads; q; q = q->next)
		waiting++;
	if (interim && waiting >= INTERIMS_WAITING)
		return;
	struct mux2_head *q = arena_new(st->ep.arena, struct mux2_head);
	struct http_hdr *table = arena_array(st->ep.arena, struct http_hdr, s->head->hdrs_n + 4u);
	if (q && table) {
		http_msg_init(&q->msg, table, s->head->hdrs_n + 4u);
		q->interim = interim;
		q->end = end;
	}
	if (!q || !table || h2_head_copy(s->head, st->ep.arena, end, h->state, &q->msg) < 0 ||
	    (st->protocol.len && !interim && mux2_take_upgrade(st, &q->msg) < 0)) {
		st->ep.flags |= EP_NO_MEMORY | EP_ERROR;
	} else {
		*st->heads_tail = q;
		st->heads_tail = &q->next;
	}
	set_receiving(st, !interim && !end);
	mux2_make_ready(st);
}

static void on_trailers(struct h2_session *s, struct h2_stream *h)
{
	struct mux2_stream *st = of_codec(h);
	struct http_msg *to = st->ep.trailers;
	if (!st->attached || !to || !s->head->hdrs_n)
		return;
	struct http_hdr *table = arena_array(st->ep.arena, struct http_hdr, s->head->hdrs_n);
	if (table)
		http_msg_init(to, table, s->head->hdrs_n);
	if (!table || h2_head_copy(s->head, st->ep.arena, true, 0, to) < 0)
		st->ep.flags |= EP_NO_MEMORY | EP_ERROR;
	else
		st->queued_trailers = true;
}

/* The next head, if the stream has taken the last one. */
static bool give_head(struct mux2_stream *st)
{
	struct endpoint *ep = &st->ep;
	struct mux2_head *q = st->heads;
	if (!q || (ep->flags & EP_IN_HEAD))
		return false;
	st->heads = q->next;
	if (!st->heads)
		st->heads_tail = &st->heads;
	if (q->msg.hdrs_n > ep->msg->hdrs_max) {
		ep->flags |= EP_IN_HEAD | EP_IN_BAD;
		ep->bad_error = H1_ERR_TOO_MANY_HEADERS;
		return true;
	}
	struct http_hdr *table = ep->msg->hdrs;
	uint16_t max = ep->msg->hdrs_max;
	memcpy(table, q->msg.hdrs, q->msg.hdrs_n * sizeof(*table));
	*ep->msg = q->msg;
	ep->msg->hdrs = table;
	ep->msg->hdrs_max = max;
	ep->flags |= EP_IN_HEAD | EP_IN_ANY;
	ep->in_framing = ep->msg->framing;
	if (!q->interim) {
		st->head_given = true;
		ep->flags |= EP_IN_KEEP;
	}
	return true;
}

/* ---- payload ---- */

static struct mux2_chunk *chunk_for(struct mux2_stream *st, size_t *ret_room)
{
	struct pool *pool = buffers_of(st->m);
	size_t cap = pool->size - sizeof(struct mux2_chunk);
	struct mux2_chunk *c = st->last;
	if (!c || c->end == cap) {
		c = pool_get(pool);
		if (!c)
			return NULL;
		*c = (struct mux2_chunk){ .next = NULL };
		if (st->last)
			st->last->next = c;
		else
			st->first = c;
		st->last = c;
	}
	*ret_room = cap - c->end;
	return c;
}

static void on_data(struct h2_session *s, struct h2_stream *h, struct slice bytes)
{
	struct mux2_stream *st = of_codec(h);
	if (!st->attached)
		return; /* its window shall close */
	if (st->ep.flags & EP_ERROR) {
		h2_consumed(s, h, bytes.len, 0);
		return;
	}
	st->ep.flags |= EP_IN_ANY;
	st->stored += bytes.len;
	while (bytes.len) {
		size_t room;
		struct mux2_chunk *c = chunk_for(st, &room);
		if (!c) {
			st->ep.flags |= EP_NO_MEMORY | EP_ERROR;
			break;
		}
		size_t n = MIN(room, bytes.len);
		memcpy(c->bytes + c->end, bytes.ptr, n);
		c->end += (uint32_t)n;
		bytes = slice_sub(bytes, n, bytes.len);
	}
	mux2_make_ready(st);
}

static bool give_payload(struct mux2_stream *st)
{
	struct endpoint *ep = &st->ep;
	bool any = false, all = true;
	for (struct mux2_chunk *c = st->first; c && all; c = c->next) {
		if (c->lent == c->end)
			continue;
		all = inflow_add(ep->in, slice_make(c->bytes + c->lent, c->end - c->lent));
		if (!all)
			break;
		c->lent = c->end;
		any = true;
	}
	/* the peer may send no more before some of it is consumed, or it is as much as rules may look at */
	bool closed = st->h.recv_window <= 0 && st->stored;
	if (!st->in_done && (!all || closed || st->stored >= buffers_of(st->m)->size))
		ep->flags |= EP_IN_FULL;
	return any;
}

static bool all_lent(const struct mux2_stream *st)
{
	return !st->last || st->last->lent == st->last->end;
}

/* What is behind the payload. */
static bool give_end(struct mux2_stream *st)
{
	struct endpoint *ep = &st->ep;
	bool tunnel = st->tunnel || ep->in_framing == HTTP_BODY_TUNNEL;
	uint32_t flag = tunnel ? EP_IN_CLOSED : EP_IN_END;
	if (!st->in_done || (ep->flags & flag) || !all_lent(st))
		return false;
	if (st->queued_trailers)
		ep->flags |= EP_IN_TRAILERS;
	ep->flags |= flag;
	return true;
}

bool mux2_recv(struct endpoint *ep)
{
	struct mux2_stream *st = stream_of(ep);
	bool progress = give_head(st);
	if (!st->head_given || (ep->flags & EP_NO_MEMORY))
		return progress;
	if (st->tunnel_wait) {
		/* its request is complete as HTTP/1 sees it; what follows is of the tunnel */
		if (ep->flags & EP_IN_END)
			return progress;
		ep->flags |= EP_IN_END;
		return true;
	}
	progress = give_payload(st) || progress;
	return give_end(st) || progress;
}

static void drop_first(struct mux2_stream *st)
{
	struct mux2_chunk *c = st->first;
	st->first = c->next;
	if (!st->first)
		st->last = NULL;
	pool_put(buffers_of(st->m), c);
}

void mux2_drop_input(struct mux2_stream *st)
{
	set_receiving(st, false);
	while (st->first)
		drop_first(st);
}

/* Consumed bytes leave, and so do chunks; an empty one is filled from its beginning again. */
static void let_go(struct mux2_stream *st)
{
	while (st->first && st->first->taken == st->first->end) {
		if (st->first == st->last && st->first->end < buffers_of(st->m)->size / 2)
			break;
		drop_first(st);
	}
	if (st->first && st->first->taken == st->first->end && st->in_done)
		drop_first(st);
	else if (st->first && st->first->taken == st->first->end)
		st->first->taken = st->first->lent = st->first->end = 0;
}

/* What the window may grow by: while the reader waits for the peer, up to its share of the common buffer. */
static uint32_t growth(struct mux2_stream *st)
{
	struct mux2 *m = st->m;
	uint32_t common = m->conf->rxbuf / 8 * SHARED_EIGHTHS / MAX(m->receiving, 1u);
	uint32_t now = m->conf->initial_window + st->share;
	if (st->stored || st->in_done || now >= common ||
	    st->h.recv_window > (int32_t)(m->conf->initial_window / 2))
		return 0;
	uint32_t more = MIN(now, common - now);
	st->share += more;
	return more;
}

static void give_back(struct mux2_stream *st, size_t n)
{
	st->stored -= n;
	h2_consumed(&st->m->h2, &st->h, n, growth(st));
	if (st->m->h2.out.bytes)
		mux2_schedule(st->m);
}

void mux2_consume(struct endpoint *ep, size_t n)
{
	struct mux2_stream *st = stream_of(ep);
	size_t left = n;
	inflow_take(ep->in, n);
	for (struct mux2_chunk *c = st->first; c && left; c = c->next) {
		size_t take = MIN(left, (size_t)(c->lent - c->taken));
		c->taken += (uint32_t)take;
		left -= take;
	}
	ep->flags &= ~(uint32_t)EP_IN_FULL;
	if (st->holds) {
		st->kept += n;
		return;
	}
	st->gone += n;
	let_go(st);
	give_back(st, n);
}

void mux2_hold(struct endpoint *ep, bool hold)
{
	struct mux2_stream *st = stream_of(ep);
	if (st->holds == hold)
		return;
	st->holds = hold;
	if (hold || !st->kept)
		return;
	size_t n = st->kept;
	st->kept = 0;
	st->gone += n;
	ep->flags &= ~(uint32_t)EP_IN_FULL;
	let_go(st);
	give_back(st, n);
}

bool mux2_rewind(struct endpoint *ep)
{
	struct mux2_stream *st = stream_of(ep);
	if (st->gone)
		return false;
	for (struct mux2_chunk *c = st->first; c; c = c->next)
		c->taken = c->lent = 0;
	st->kept = 0;
	inflow_init(ep->in);
	ep->flags &= ~(uint32_t)(EP_IN_END | EP_IN_FULL);
	return true;
}

/* ---- ends ---- */

static void on_end(struct h2_session *s, struct h2_stream *h)
{
	struct mux2_stream *st = of_codec(h);
	(void)s;
	set_receiving(st, false);
	st->in_done = true;
	if (st->attached)
		mux2_make_ready(st);
}

/* Streams that are reset as fast as they are opened cost us all the work and the peer none. */
static void count_reset(struct mux2 *m)
{
	uint32_t now = (uint32_t)worker_now_ms(m->conn->worker);
	m->resets_now++;
	if (now - m->resets_ms >= 1000) {
		m->resets_ms = now;
		m->resets = 0;
	}
	if (++m->resets <= m->conf->resets || !m->conf->resets || m->h2.is_failed)
		return;
	m->counters->limit_resets++;
	h2_session_fail(&m->h2, H2_ENHANCE_YOUR_CALM, "rapid reset");
}

static void on_reset(
    struct h2_session *s, struct h2_stream *h, uint32_t error, bool by_peer, const char *why)
{
	struct mux2 *m = mux_of(s);
	struct mux2_stream *st = of_codec(h);
	struct endpoint *ep = &st->ep;
	set_receiving(st, false);
	st->refused = by_peer && error == H2_REFUSED_STREAM;
	/* an answer that is complete stands, whatever becomes of the request (RFC 9113 8.1) */
	if (!m->client_side && st->in_done && error == H2_NO_ERROR)
		ep->flags |= EP_OUT_END;
	else
		ep->flags |= EP_ERROR;
	if (!st->in_done)
		ep->flags |= EP_IN_CLOSED;
	if (!by_peer) {
		m->counters->stream_errors++;
		m->glitches++;
		m->counters->glitches++;
		ep->flags |= EP_IN_BAD;
		ep->bad_error = H1_ERR_NONE;
		tell(m, MUX2_STREAM_ERROR, why);
	} else if (m->client_side) {
		count_reset(m);
	}
	if (st->attached)
		mux2_make_ready(st);
}

static void on_refused(struct h2_session *s, unsigned status, const char *why)
{
	struct mux2 *m = mux_of(s);
	(void)status;
	m->counters->stream_errors++;
	m->glitches++;
	m->counters->glitches++;
	tell(m, MUX2_STREAM_ERROR, why);
}

static void on_glitch(struct h2_session *s, const char *why)
{
	struct mux2 *m = mux_of(s);
	m->glitches++;
	m->counters->glitches++;
	tell(m, MUX2_GLITCH, why);
}

/* ---- the connection ---- */

static void on_window(struct h2_session *s, struct h2_stream *h)
{
	struct mux2 *m = mux_of(s);
	if (h) {
		struct mux2_stream *st = of_codec(h);
		if (!list_is_linked(&st->blocked) && (st->ep.flags & EP_OUT_BLOCKED)) {
			st->ep.flags &= ~(uint32_t)EP_OUT_BLOCKED;
			mux2_make_ready(st);
		}
	} else {
		mux2_schedule(m);
	}
}

/* What waited to know whether the server takes extended CONNECTs. */
static void send_waiting(struct mux2 *m)
{
	list_for_each_entry (st, &m->streams, struct mux2_stream, link) {
		if (!st->waiting)
			continue;
		st->head_sent = mux2_write_request(st, st->waiting, false) == 0;
		st->ep.flags &= ~(uint32_t)EP_OUT_BLOCKED;
		if (!st->head_sent)
			st->ep.flags |= EP_ERROR;
		mux2_make_ready(st);
	}
}

static void on_settings(struct h2_session *s)
{
	struct mux2 *m = mux_of(s);
	if (s->settings_rcvd > 1)
		return;
	send_waiting(m);
	mux2_schedule(m);
	tell(m, MUX2_SETTINGS, NULL);
}

static void on_ping_ack(struct h2_session *s)
{
	struct mux2 *m = mux_of(s);
	if (m->state == MUX2_OPEN)
		tell(m, MUX2_ALIVE, NULL);
	if (m->state != MUX2_DRAINING || s->pings)
		return;
	m->state = MUX2_LAST;
	h2_send_goaway(s, s->last_taken, H2_NO_ERROR);
	mux2_schedule(m);
}

static void on_goaway(struct h2_session *s, uint32_t last, uint32_t error)
{
	struct mux2 *m = mux_of(s);
	(void)last;
	(void)error;
	if (m->peer_goaway)
		return;
	m->peer_goaway = true;
	tell(m, MUX2_GOAWAY, NULL);
	mux2_schedule(m);
}

const struct h2_ops mux2_h2_ops = {
	.request = on_request,
	.response = on_response,
	.trailers = on_trailers,
	.data = on_data,
	.end = on_end,
	.reset = on_reset,
	.refused = on_refused,
	.window = on_window,
	.settings = on_settings,
	.ping_ack = on_ping_ack,
	.goaway = on_goaway,
	.glitch = on_glitch,
};
