/* SPDX-License-Identifier: MIT */
/*
 * Making and ending HTTP/2 connections, a worker's memory for them, and what their owners ask. Worker thread only.
 */
#include "mux2_internal.h"

#define FREE_CONNS   1024
#define FREE_STREAMS 4096
#define FREE_READS   16
#define LINGER_MS    1000
#define DRAIN_MS     1000

/* ---- a worker's memory ---- */

struct mux2_local *mux2_local(struct worker *w)
{
	struct mux_local *ml = mux_local(w);
	struct mux2_local *l = ml->h2;
	if (l)
		return l;
	l = malloc(sizeof(*l));
	if (!l)
		return NULL;
	l->mem = h2_mem_new();
	if (!l->mem) {
		free(l);
		return NULL;
	}
	pool_init(&l->conns, "h2 connection", sizeof(struct mux2), FREE_CONNS);
	pool_init(&l->streams, "h2 stream", sizeof(struct mux2_stream), FREE_STREAMS);
	pool_init(&l->reads, "h2 input", MUX2_READ_SIZE, FREE_READS);
	ml->h2 = l;
	return l;
}

void mux2_local_free(struct mux2_local *l)
{
	if (!l)
		return;
	pool_trim(&l->conns);
	pool_trim(&l->streams);
	pool_trim(&l->reads);
	h2_mem_free(l->mem);
	free(l);
}

/* ---- life ---- */

/* A page that is left may take back all its streams at once: a few turns later they are gone as well. */
#define RESETS_AT_ONCE 10

void mux2_conf_default(struct mux2_conf *conf)
{
	*conf = (struct mux2_conf){
		.table_size = 4096,
		.initial_window = H2_WINDOW,
		.max_streams = 100,
		.max_frame = H2_FRAME_SIZE,
		.rxbuf = 100 * H2_FRAME_SIZE,
		.max_fields = 101,
		.resets = 500,
		.resets_at_once = RESETS_AT_ONCE,
		.continuations = 32,
		.floods = 10000,
	};
}

static struct h2_conf codec_conf(
    const struct mux2_conf *c, const struct mux_local *l, bool client_side)
{
	uint32_t list = c->header_list ? MIN(c->header_list, l->head_max) : l->head_max;
	uint32_t frame = MAX(c->max_frame, (uint32_t)H2_FRAME_SIZE);
	return (struct h2_conf){
		.table_size = c->table_size,
		.initial_window = MIN(c->initial_window, (uint32_t)H2_WINDOW_MAX),
		.max_streams = c->max_streams,
		.max_frame = MIN(frame, MUX2_READ_SIZE - H2_FRAME_HEAD),
		.conn_window = MIN(MAX(c->rxbuf, (uint32_t)H2_WINDOW), (uint32_t)H2_WINDOW_MAX),
		.head_max = list,
		.max_fields = c->max_fields,
		.continuations = c->continuations,
		.floods = c->floods,
		.client_side = client_side,
	};
}

/* False: no memory. */
static bool take_early(struct mux2 *m, struct slice early)
{
	if (!early.len)
		return true;
	if (early.len > MUX2_READ_SIZE || !mux2_make_room(m))
		return false;
	memcpy(m->rx, early.ptr, early.len);
	m->rx_end = (uint32_t)early.len;
	return true;
}

struct mux2 *mux2_new(struct conn *conn, bool client_side, const struct mux2_conf *conf,
    struct mux2_counters *counters, const struct mux2_owner_ops *ops, void *owner,
    struct slice early)
{
	struct mux2_local *l = mux2_local(conn->worker);
	struct mux2 *m = l ? pool_get(&l->conns) : NULL;
	if (!m)
		return NULL;
	memset(m, 0, offsetof(struct mux2, h2));
	memset(&m->rx, 0, sizeof(*m) - offsetof(struct mux2, rx));
	m->conn = conn;
	m->client_side = client_side;
	m->conf = conf;
	m->counters = counters;
	m->ops = ops;
	m->owner = owner;
	m->connecting = conn->flags & (CONN_CONNECTING | CONN_HANDSHAKE);
	list_init(&m->streams);
	list_init(&m->ready);
	list_init(&m->blocked);
	task_init(&m->task, mux2_on_task);
	list_init(&m->early);
	timer_init(&m->timer, mux2_on_timer);
	timer_init(&m->early_timer, mux2_on_early_timer);
	struct h2_conf codec = codec_conf(conf, mux_local(conn->worker), client_side);
	if (h2_session_init(&m->h2, &codec, &mux2_h2_ops, buffers_of(m), l->mem) < 0) {
		pool_put(&l->conns, m);
		return NULL;
	}
	if (!take_early(m, early)) {
		h2_session_done(&m->h2);
		pool_put(&l->conns, m);
		return NULL;
	}
	conn->on_event = mux2_on_event;
	conn->user = m;
	counters->open_connections++;
	counters->total_connections++;
	mux2_schedule(m);
	return m;
}

void mux2_free(struct mux2 *m)
{
	if (!m)
		return;
	struct worker *w = m->conn->worker;
	mux2_end_early(m);
	worker_timer_cancel(w, &m->timer);
	task_cancel(&m->task);
	conn_close(m->conn);
	mux2_update_counters(m);
	m->counters->open_connections--;
	mux2_drop_read(m);
	h2_session_done(&m->h2);
	pool_put(&mux2_local(w)->conns, m);
}

void mux2_goaway(struct mux2 *m)
{
	if (m->state != MUX2_OPEN)
		return;
	if (m->client_side) {
		m->state = MUX2_DRAINING;
		h2_send_goaway(&m->h2, H2_STREAM_ID_MAX, H2_NO_ERROR);
		h2_send_ping(&m->h2); /* its answer: what was on its way has come */
		worker_timer_arm(m->conn->worker, &m->timer, DRAIN_MS);
	} else {
		m->state = MUX2_LAST; /* the peer opens none */
	}
	mux2_schedule(m);
}

void mux2_close(struct mux2 *m)
{
	if (m->state >= MUX2_CLOSING)
		return;
	mux2_end_early(m);
	bool told = m->h2.is_failed || (m->state == MUX2_LAST && m->client_side);
	if (!told)
		h2_send_goaway(&m->h2, m->h2.last_taken, H2_NO_ERROR);
	m->state = MUX2_CLOSING;
	mux2_tell_streams(m, EP_ERROR, 0);
	worker_timer_arm(m->conn->worker, &m->timer, LINGER_MS);
	mux2_schedule(m);
}

/* ---- is anybody there? ---- */

void mux2_ping_idle(struct mux2 *m, unsigned interval_ms)
{
	m->ping_ms = interval_ms;
	m->last_in_ms = worker_now_ms(m->conn->worker);
	if (interval_ms)
		worker_timer_arm(m->conn->worker, &m->timer, interval_ms);
}

void mux2_ping(struct mux2 *m)
{
	struct worker *w = m->conn->worker;
	uint64_t now = worker_now_ms(w), due = m->last_in_ms + m->ping_ms;
	if (m->streams_n == 0 && now >= due) {
		if (m->h2.pings) {
			mux2_close(m);
			return;
		}
		h2_send_ping(&m->h2);
		mux2_schedule(m);
	}
	timer_arm(&w->wheel, &m->timer, due > now ? due : now + m->ping_ms);
}

/* ---- what owners ask ---- */

void *mux2_owner(const struct mux2 *m)
{
	return m->owner;
}

struct conn *mux2_conn(const struct mux2 *m)
{
	return m->conn;
}

struct mux2 *mux2_of(const struct endpoint *ep)
{
	return stream_of(ep)->m;
}

unsigned mux2_can_open(const struct mux2 *m)
{
	uint32_t most = MIN(m->conf->max_streams, m->h2.peer_streams);
	if (m->client_side || m->state != MUX2_OPEN || m->peer_goaway || m->h2.is_failed ||
	    (m->conn->flags & (CONN_ERROR | CONN_READ_END | CONN_PEER_CLOSED)) ||
	    m->h2.next_id > H2_STREAM_ID_MAX - 2 * m->streams_n)
		return 0;
	return most > m->streams_n ? most - m->streams_n : 0;
}

struct endpoint *mux2_open(struct mux2 *m)
{
	struct mux2_stream *st = mux2_can_open(m) ? mux2_stream_new(m) : NULL;
	return st ? &st->ep : NULL;
}

unsigned mux2_streams(const struct mux2 *m)
{
	return m->streams_n;
}

unsigned mux2_total(const struct mux2 *m)
{
	return m->total;
}

unsigned mux2_glitches(const struct mux2 *m)
{
	return m->glitches;
}

uint32_t mux2_stream_id(const struct endpoint *ep)
{
	return stream_of(ep)->h.id;
}

bool mux2_refused(const struct endpoint *ep)
{
	return stream_of(ep)->refused;
}

enum h2_preface h2_preface_match(struct slice bytes)
{
	size_t n = MIN(bytes.len, (size_t)H2_PREFACE_LEN);
	if (n && memcmp(bytes.ptr, H2_PREFACE, n) != 0)
		return H2_PREFACE_NO;
	return n < H2_PREFACE_LEN ? H2_PREFACE_INCOMPLETE : H2_PREFACE_YES;
}
