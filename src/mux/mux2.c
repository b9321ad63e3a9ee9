/* SPDX-License-Identifier: MIT */
/*
 * The life of an HTTP/2 connection: reading, waking streams, sending at the end of the turn, and the ways in which it
 * ends (GOAWAY from either side, errors, limits). It owns its streams' memory and none of the conn's. Worker thread
 * only.
 *
 * Foreign code is called from three places: owner->request() while a head is decoded, ep->wake() once the input at
 * hand is decoded, and closed() last of all from the task. So nothing disappears under a decoder.
 */
#include "mux2_internal.h"

#include <errno.h>

/* Between an answer that came early and the reset of its stream. */
#define EARLY_MS 100
/* What a connection reads and decodes in one go, of which it has one a turn: then others have theirs. */
#define READS_A_GO    8
#define FRAMES_A_GO   512
#define REQUESTS_A_GO 8
#define WAKES_A_GO    16

/* ---- streams ---- */

struct mux2_stream *mux2_stream_new(struct mux2 *m)
{
	struct mux2_stream *st = pool_get(&mux2_local(m->conn->worker)->streams);
	if (!st)
		return NULL;
	*st = (struct mux2_stream){ .m = m };
	st->ep.ops = &mux_h2_ops;
	st->ep.conn = m->conn;
	st->heads_tail = &st->heads;
	list_init(&st->ready);
	list_init(&st->blocked);
	list_add_tail(&m->streams, &st->link);
	m->streams_n++;
	m->total++;
	m->counters->open_streams++;
	m->counters->total_streams++;
	return st;
}

/* It is nobody's any more; its memory stays. */
static void stream_leave(struct mux2_stream *st)
{
	struct mux2 *m = st->m;
	mux2_drop_input(st);
	list_del(&st->ready);
	list_del(&st->blocked);
	list_del(&st->link);
	m->streams_n--;
	m->counters->open_streams--;
}

void mux2_stream_free(struct mux2_stream *st)
{
	struct mux2 *m = st->m;
	stream_leave(st);
	pool_put(&mux2_local(m->conn->worker)->streams, st);
}

void mux2_make_ready(struct mux2_stream *st)
{
	if (!list_is_linked(&st->ready))
		list_add_tail(&st->m->ready, &st->ready);
	mux2_schedule(st->m);
}

/* True: not all had their turn. */
static bool wake_ready(struct mux2 *m)
{
	struct list now;
	list_init(&now);
	list_splice_tail(&now, &m->ready);
	for (unsigned i = 0; i < WAKES_A_GO && !list_is_empty(&now); i++) {
		struct mux2_stream *st = list_first(&now, struct mux2_stream, ready);
		list_del(&st->ready);
		if (st->attached)
			st->ep.wake(&st->ep); /* it may be gone then */
	}
	bool more = !list_is_empty(&now);
	list_splice_tail(&now, &m->ready); /* behind them those that became ready meanwhile */
	list_splice_tail(&m->ready, &now);
	return more;
}

/* Everything of the connection's that streams have to know of: its end, or that it is established. */
void mux2_tell_streams(struct mux2 *m, uint32_t set, uint32_t clear)
{
	list_for_each_entry (st, &m->streams, struct mux2_stream, link) {
		st->ep.flags = (st->ep.flags & ~clear) | set;
		if (st->attached)
			mux2_make_ready(st);
	}
}

/* A stream whose message was not complete: the peer shall not wait for the rest, nor send its own. */
static enum h2_error reset_code(const struct mux2_stream *st)
{
	uint32_t flags = st->ep.flags;
	if (flags & EP_IN_BAD)
		return H2_PROTOCOL_ERROR;
	return H2_CANCEL;
}

/* Whether the client has an answer that is complete, and still sends its request. */
static bool is_early_answer(const struct mux2_stream *st)
{
	return st->m->client_side &&
	       (st->ep.flags & (EP_OUT_END | EP_IN_BAD | EP_ERROR)) == EP_OUT_END && !st->in_done &&
	       !(st->h.state & H2_ST_CLOSED) && st->m->state < MUX2_CLOSING;
}

static timer_fn on_early_timer;

/* NULL: no memory. */
static struct mux2_early *early_of(struct mux2 *m)
{
	if (m->early)
		return m->early;
	struct mux2_early *e = pool_get(&mux2_local(m->conn->worker)->early);
	if (!e)
		return NULL;
	e->m = m;
	list_init(&e->streams);
	timer_init(&e->timer, on_early_timer);
	m->early = e;
	return e;
}

static void end_early(struct mux2_stream *st)
{
	struct mux2 *m = st->m;
	h2_reset(&m->h2, &st->h, H2_NO_ERROR);
	list_del(&st->link);
	pool_put(&mux2_local(m->conn->worker)->streams, st);
}

/*
 * A client that meets RST_STREAM while it sends may never look at the answer in front of it. So it has a moment to
 * read that; what comes of the request meanwhile, no more than its window, is dropped.
 */
static void reset_later(struct mux2_stream *st)
{
	struct mux2 *m = st->m;
	struct worker *w = m->conn->worker;
	struct mux2_early *e = early_of(m);
	stream_leave(st);
	if (!e) { /* no memory: at once */
		end_early(st);
		mux2_schedule(m);
		return;
	}
	list_add_tail(&e->streams, &st->link);
	st->until_ms = worker_now_ms(w) + EARLY_MS;
	if (!timer_is_armed(&e->timer))
		worker_timer_arm(w, &e->timer, EARLY_MS);
}

static void on_early_timer(struct worker *w, struct timer *t)
{
	struct mux2_early *e = container_of(t, struct mux2_early, timer);
	struct mux2 *m = e->m;
	mux2_schedule(m);
	list_for_each_entry_safe (st, &e->streams, struct mux2_stream, link) {
		if (st->until_ms > worker_now_ms(w)) {
			timer_arm(&w->wheel, t, st->until_ms);
			return;
		}
		end_early(st);
	}
	mux2_end_early(m);
}

void mux2_end_early(struct mux2 *m)
{
	struct worker *w = m->conn->worker;
	struct mux2_early *e = m->early;
	if (!e)
		return;
	list_for_each_entry_safe (st, &e->streams, struct mux2_stream, link)
		end_early(st);
	worker_timer_cancel(w, &e->timer);
	pool_put(&mux2_local(w)->early, e);
	m->early = NULL;
}

static void detach(struct endpoint *ep, bool keep, bool reset)
{
	struct mux2_stream *st = stream_of(ep);
	struct mux2 *m = st->m;
	(void)keep;
	(void)reset;
	st->attached = false;
	if (is_early_answer(st)) {
		reset_later(st);
	} else {
		if (st->h.id && !(st->h.state & H2_ST_CLOSED)) {
			h2_reset(&m->h2, &st->h, reset_code(st));
			mux2_schedule(m);
		}
		mux2_stream_free(st);
	}
	if (m->streams_n == 0)
		mux2_schedule(m);
	m->ops->stream_left(m, m->streams_n == 0);
}

static void tunnel(struct endpoint *ep)
{
	struct mux2_stream *st = stream_of(ep);
	st->tunnel = true;
	st->tunnel_wait = false;
	ep->flags &= ~(uint32_t)(EP_IN_END | EP_OUT_END | EP_IN_KEEP | EP_OUT_KEEP);
	if (st->stored || st->in_done)
		mux2_make_ready(st);
}

const struct mux_ops mux_h2_ops = {
	.name = "h2",
	.http = true,
	.attach = mux2_attach,
	.recv = mux2_recv,
	.consume = mux2_consume,
	.send_head = mux2_send_head,
	.send = mux2_send,
	.hold = mux2_hold,
	.rewind = mux2_rewind,
	.trailers = mux2_trailers,
	.tunnel = tunnel,
	.shut = mux2_shut,
	.detach = detach,
};

/* ---- reading ---- */

void mux2_drop_read(struct mux2 *m)
{
	if (m->rx)
		pool_put(&mux2_local(m->conn->worker)->reads, m->rx);
	m->rx = NULL;
	m->rx_at = m->rx_end = 0;
}

/* Room behind rx_end: what is left of a frame moves to the front. */
bool mux2_make_room(struct mux2 *m)
{
	if (!m->rx)
		m->rx = pool_get(&mux2_local(m->conn->worker)->reads);
	if (!m->rx)
		return false;
	if (m->rx_at) {
		memmove(m->rx, m->rx + m->rx_at, m->rx_end - m->rx_at);
		m->rx_end -= m->rx_at;
		m->rx_at = 0;
	}
	return m->rx_end < MUX2_READ_SIZE;
}

static void failed(struct mux2 *m)
{
	struct mux2_counters *n = m->counters;
	if (m->told_failure)
		return;
	m->told_failure = true;
	n->conn_errors++;
	n->limit_continuations += m->h2.limit == H2_LIMIT_CONTINUATIONS;
	n->limit_floods += m->h2.limit == H2_LIMIT_FLOOD;
	n->limit_header_lists += m->h2.limit == H2_LIMIT_HEADER_LIST;
	if (m->ops->event)
		m->ops->event(m, MUX2_CONN_ERROR, m->h2.why);
	mux2_close(m);
}

/* tune.h2.*.glitches-threshold: a friendly end first, then a hard one. */
static void check_glitches(struct mux2 *m)
{
	unsigned most = m->conf->glitches;
	if (!most || m->h2.is_failed)
		return;
	if (m->glitches >= most) {
		m->counters->limit_glitches++;
		h2_session_fail(&m->h2, H2_ENHANCE_YOUR_CALM, "too many glitches");
	} else if (m->glitches >= most - most / 4) {
		mux2_goaway(m);
	}
}

/* Whether it has had its share of the turn. */
static bool has_had_enough(const struct mux2 *m)
{
	const struct mux2_conf *c = m->conf;
	return m->requests_now >= REQUESTS_A_GO ||
	       (c->resets_at_once && m->resets_now >= c->resets_at_once) ||
	       m->frames_now >= (c->frames_at_once ? c->frames_at_once : FRAMES_A_GO);
}

/* Decodes what has been read; false: it is not all because of a bound on one go. */
static bool decode(struct mux2 *m)
{
	while (m->rx_at < m->rx_end && !m->h2.is_failed) {
		if (has_had_enough(m))
			return false;
		size_t used = h2_session_recv(&m->h2, m->rx + m->rx_at, m->rx_end - m->rx_at, 1);
		m->rx_at += (uint32_t)used;
		check_glitches(m);
		if (used == 0)
			break;
		m->frames_now++;
	}
	return true;
}

static void peer_closed(struct mux2 *m)
{
	mux2_tell_streams(m, EP_ERROR | EP_IN_CLOSED, 0);
	m->peer_goaway = true;
	mux2_close(m);
}

/* Nothing is read that could not be kept: windows bound it. True: there is more to do. */
static bool read_input(struct mux2 *m)
{
	const uint16_t not_yet = CONN_CONNECTING | CONN_HANDSHAKE;
	m->requests_now = m->resets_now = m->frames_now = 0;
	m->h2.now_ms = (uint32_t)worker_now_ms(m->conn->worker);
	if (!decode(m))
		return true;
	for (unsigned i = 0; (m->conn->flags & CONN_READABLE) && m->state < MUX2_CLOSING; i++) {
		if ((m->conn->flags & not_yet) || m->h2.is_failed)
			return false;
		if (i == READS_A_GO)
			return true;
		if (!mux2_make_room(m)) {
			h2_session_fail(&m->h2, H2_INTERNAL_ERROR, "no memory");
			return false;
		}
		ssize_t n = conn_recv(m->conn, m->rx + m->rx_end, MUX2_READ_SIZE - m->rx_end);
		if (n <= 0) {
			if (n == 0)
				peer_closed(m);
			return false;
		}
		m->last_in_ms = m->h2.now_ms;
		m->rx_end += (uint32_t)n;
		if (!decode(m))
			return true;
	}
	return false;
}

/* ---- a turn ---- */

void mux2_schedule(struct mux2 *m)
{
	task_wake(m->conn->worker, &m->task);
}

static void move(uint64_t *to, uint32_t *from)
{
	*to += *from;
	*from = 0;
}

void mux2_update_counters(struct mux2 *m)
{
	move(&m->counters->headers_rcvd, &m->h2.headers_rcvd);
	move(&m->counters->data_rcvd, &m->h2.data_rcvd);
	move(&m->counters->settings_rcvd, &m->h2.settings_rcvd);
	move(&m->counters->rst_stream_rcvd, &m->h2.rst_rcvd);
	move(&m->counters->goaway_rcvd, &m->h2.goaway_rcvd);
	move(&m->counters->rst_stream_resp, &m->h2.rst_sent);
	move(&m->counters->goaway_resp, &m->h2.goaway_sent_n);
}

static void drop_and_wait(struct mux2 *m)
{
	char dropped[4096];
	while (m->conn->flags & CONN_READABLE) {
		ssize_t n = conn_recv(m->conn, dropped, sizeof(dropped));
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			m->state = MUX2_DEAD;
			return;
		}
	}
}

/* Steps towards the end, as far as they can be taken now. */
static void wind_up(struct mux2 *m)
{
	bool broken = m->conn->flags & CONN_ERROR;
	bool none = m->streams_n == 0;
	if (m->state == MUX2_LAST && none)
		mux2_close(m);
	else if (m->state <= MUX2_DRAINING && none && m->peer_goaway)
		mux2_close(m);
	if (m->state == MUX2_CLOSING && none) {
		mux2_flush(m);
		if (broken || (m->conn->flags & (CONN_READ_END | CONN_NOLINGER | CONN_CONNECTING |
						    CONN_HANDSHAKE))) {
			m->state = MUX2_DEAD;
		} else if (m->h2.out.bytes == 0 && !(m->conn->flags & CONN_UNSENT)) {
			conn_shut_write(m->conn);
			m->state = MUX2_LINGER;
		}
	}
	if (m->state == MUX2_LINGER)
		drop_and_wait(m);
	if (m->state == MUX2_LINGER && (m->conn->flags & CONN_ERROR))
		m->state = MUX2_DEAD;
}

/* Reads and lets streams work; what they send leaves by the task. True: there is more to read. */
static bool work(struct mux2 *m)
{
	if (m->had_its_go)
		return true;
	bool more = m->state < MUX2_CLOSING && read_input(m);
	if (m->h2.is_failed)
		failed(m);
	if ((m->conn->flags & CONN_ERROR) && m->state < MUX2_CLOSING) {
		mux2_tell_streams(m, EP_ERROR | EP_IN_CLOSED, 0);
		mux2_close(m);
	}
	if (m->rx && m->rx_at == m->rx_end)
		mux2_drop_read(m);
	return wake_ready(m) || more;
}

void mux2_on_event(struct conn *c)
{
	struct mux2 *m = c->user;
	const uint16_t not_yet = CONN_CONNECTING | CONN_HANDSHAKE;
	if (m->connecting && !(c->flags & not_yet)) {
		m->connecting = false;
		mux2_tell_streams(m, 0, EP_CONNECTING);
	}
	if (c->flags & CONN_WRITABLE) {
		mux2_flush(m);
		mux2_serve_blocked(m);
	}
	m->had_its_go = work(m);
	mux2_schedule(m);
}

void mux2_on_task(struct worker *w, struct task *task)
{
	struct mux2 *m = container_of(task, struct mux2, task);
	bool more = work(m);
	m->had_its_go = false;
	mux2_flush(m);
	mux2_serve_blocked(m);
	mux2_flush(m);
	if (m->h2.is_failed)
		failed(m);
	wind_up(m);
	mux2_update_counters(m);
	if (more)
		mux2_schedule(m);
	if (m->state != MUX2_DEAD || m->streams_n)
		return;
	worker_timer_cancel(w, &m->timer);
	task_cancel(&m->task);
	conn_close(m->conn);
	m->ops->closed(m);
}

void mux2_on_timer(struct worker *w, struct timer *t)
{
	struct mux2 *m = container_of(t, struct mux2, timer);
	(void)w;
	if (m->state == MUX2_OPEN) {
		mux2_ping(m);
	} else if (m->state == MUX2_DRAINING) {
		m->state = MUX2_LAST;
		h2_send_goaway(&m->h2, m->h2.last_taken, H2_NO_ERROR);
	} else if (m->state >= MUX2_CLOSING) {
		m->state = MUX2_DEAD;
	}
	mux2_schedule(m);
}
