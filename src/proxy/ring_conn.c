/* SPDX-License-Identifier: MIT */
/*
 * A connection that feeds one log server from a ring: takes records, frames them (RFC 6587), sends them, waits for
 * more. When the server is away or does not read, nothing but this connection waits: the ring turns on, and what
 * is overwritten meanwhile is counted. It connects again by itself, with growing pauses; a record that was sent in
 * part is sent again from its beginning.
 *
 * Belongs to one worker. connection_run() is the only place that moves it on.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "ring_conf.h"
#include "weir/rule/rule.h"
#include "weir/tls/transport.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 10000
#define COUNT_MAX    6 /* "65535 " */
/* How often a stalled server's losses are counted. */
#define LOOK_MS 500u
/* Bytes and records that are framed together. */
#define OUT_SIZE	 (2 * (LOG_RING_RECORD_MAX + COUNT_MAX + 1))
#define BATCH_RECORDS	 64
#define BATCHES_PER_TURN 16

enum ring_state {
	RING_PAUSED,
	RING_CONNECTING, /* the handshake of TLS included */
	RING_UP,
};

struct ring_conn {
	struct ring_conn *next;
	const struct ring_conf *conf;
	const struct server *server; /* NULL: conf->to */
	struct worker *worker;
	struct conn conn;
	struct timer timer; /* end of the pause, of connecting, of a server's silence */
	struct task task;   /* goes on in the next turn */
	struct log_ring_waiter waiter;
	struct log_ring_cursor cursor;
	enum ring_state state;
	unsigned pause_ms;
	uint64_t deadline_ms; /* when the bytes in out must be gone; 0: none */
	unsigned records;     /* since it is up */
	/* framed records that are not sent yet */
	size_t out_len, out_at;
	size_t ends[BATCH_RECORDS]; /* of the records in out */
	unsigned ends_n;
	char out[OUT_SIZE];
};

/* ---- the batch ---- */

static void frame_record(struct ring_conn *rc, size_t len)
{
	char *to = rc->out + rc->out_len;
	char count[COUNT_MAX + 1];
	if (rc->server && rc->server->log_octet_count) {
		size_t n = (size_t)snprintf(count, sizeof(count), "%zu ", len);
		memmove(to + n, to + COUNT_MAX, len);
		memcpy(to, count, n);
		len += n;
	} else {
		memmove(to, to + COUNT_MAX, len);
		to[len++] = '\n';
	}
	rc->out_len += len;
	rc->ends[rc->ends_n++] = rc->out_len;
}

static void count_lost(struct ring_conn *rc, uint64_t lost)
{
	if (likely(!lost))
		return;
	log_ring_count_dropped(rc->conf->ring, lost);
	log_count_dropped(lost);
}

/* Takes records from the ring; false when there is none. */
static bool fill(struct ring_conn *rc)
{
	struct log_ring *ring = rc->conf->ring;
	uint64_t lost = 0;
	size_t len;
	rc->out_len = rc->out_at = 0;
	rc->ends_n = 0;
	while (rc->ends_n < BATCH_RECORDS &&
	       rc->out_len + COUNT_MAX + LOG_RING_RECORD_MAX < sizeof(rc->out) &&
	       log_ring_read(ring, &rc->cursor, rc->out + rc->out_len + COUNT_MAX, &len, &lost))
		frame_record(rc, len);
	count_lost(rc, lost);
	rc->records += rc->ends_n;
	return rc->ends_n > 0;
}

/* The next connection begins with the first record that did not go out whole. */
static void rewind_batch(struct ring_conn *rc)
{
	size_t start = 0;
	for (unsigned i = 0; i < rc->ends_n && rc->ends[i] <= rc->out_at; i++)
		start = rc->ends[i];
	rc->out_at = start;
}

/* ---- the connection ---- */

static void connection_run(struct ring_conn *rc);

static void pause_connection(struct ring_conn *rc, unsigned ms)
{
	conn_close(&rc->conn);
	task_cancel(&rc->task);
	rewind_batch(rc);
	rc->state = RING_PAUSED;
	rc->deadline_ms = 0;
	worker_timer_arm(rc->worker, &rc->timer, ms);
}

static void connection_failed(struct ring_conn *rc)
{
	pause_connection(rc, rc->pause_ms);
	rc->pause_ms = MIN(rc->pause_ms * 2, (unsigned)PAUSE_MAX_MS);
}

/* Log servers have nothing to say; what they say nevertheless is thrown away. False: it has gone. */
static bool read_waste(struct ring_conn *rc)
{
	char waste[1024];
	for (;;) {
		ssize_t n = conn_recv(&rc->conn, waste, sizeof(waste));
		if (n <= 0)
			return n == -EAGAIN;
	}
}

/* 0: all is sent; -EAGAIN; or another error. */
static int send_batch(struct ring_conn *rc)
{
	while (rc->out_at < rc->out_len) {
		struct iovec v = { rc->out + rc->out_at, rc->out_len - rc->out_at };
		ssize_t n = conn_send(&rc->conn, &v, 1, false);
		if (n < 0)
			return (int)n;
		rc->out_at += (size_t)n;
		rc->deadline_ms = 0;
	}
	return 0;
}

static void wait_to_send(struct ring_conn *rc)
{
	unsigned ms = rc->conf->server_ms;
	if (ms && !rc->deadline_ms)
		rc->deadline_ms = worker_now_ms(rc->worker) + ms;
	if (!timer_is_armed(&rc->timer))
		worker_timer_arm(rc->worker, &rc->timer, ms ? MIN(ms, LOOK_MS) : LOOK_MS);
}

/* A server that takes nothing: what the ring forgets meanwhile is counted in time. */
static void look_after_stall(struct ring_conn *rc)
{
	uint64_t now = worker_now_ms(rc->worker), left = LOOK_MS;
	if (rc->out_at == rc->out_len)
		return;
	if (rc->deadline_ms && rc->deadline_ms <= now) {
		connection_failed(rc);
		return;
	}
	if (rc->deadline_ms)
		left = MIN(left, rc->deadline_ms - now);
	worker_timer_arm(rc->worker, &rc->timer, left);
}

/* "max-reuse": a connection that had its share makes place for another one. */
static bool is_used_up(const struct ring_conn *rc)
{
	return rc->server && rc->records > rc->server->max_reuse;
}

static void feed(struct ring_conn *rc)
{
	for (unsigned i = 0; i < BATCHES_PER_TURN; i++) {
		int r = send_batch(rc);
		if (r == -EAGAIN) {
			wait_to_send(rc);
			return;
		}
		if (r < 0) {
			connection_failed(rc);
			return;
		}
		if (rc->out_len)
			rc->pause_ms = PAUSE_MIN_MS;
		if (is_used_up(rc)) {
			pause_connection(rc, 0);
			return;
		}
		if (!fill(rc) && log_ring_waiter_sleep(&rc->waiter, rc->cursor))
			return;
	}
	task_wake(rc->worker, &rc->task);
}

static void on_event(struct conn *c);

static void destination(const struct ring_conn *rc, struct net_addr *ret)
{
	const struct server *s = rc->server;
	if (!s)
		*ret = rc->conf->to;
	else if (s->rt) /* of a log backend: commands may change it */
		*ret = atomic_load(&s->rt->dest)->addr;
	else
		*ret = s->addr;
}

/* NULL: the server is spoken to in the clear. */
static struct tls_client *tls_of(const struct ring_conn *rc)
{
	const struct server *s = rc->server;
	if (!s || !(s->rt ? server_uses_tls(s) : s->tls.on))
		return NULL;
	return atomic_load_explicit(&s->tls.client, memory_order_acquire);
}

/* TLS over a connection that is being made. There is no stream, so "sni" can be a constant, or of the process. */
static int start_tls(struct ring_conn *rc, struct tls_client *client)
{
	static const struct rule_host nobody;
	const struct server *s = rc->server;
	struct tls_connect_opts opts = { .tune = s->tls.env->tune };
	struct arena arena;
	struct sample name;
	arena_init_pool(&arena, &proxy_local(rc->worker)->blocks);
	struct rule_ctx cx = { .host = &nobody, .worker = rc->worker, .arena = &arena };
	if (s->tls.sni && expr_eval(s->tls.sni, &cx, SMP_STR, &name) && name.str.len)
		opts.sni = opts.verifyhost = arena_slice_dup(&arena, name.str);
	int r = tls_connect(&rc->conn, client, &opts);
	arena_reset(&arena);
	return r;
}

static int open_conn(struct ring_conn *rc)
{
	static const struct net_connect_opts plain = { .tos = -1 };
	struct tls_client *client = tls_of(rc);
	struct net_addr to;
	int fd;
	destination(rc, &to);
	int r = to.len ? net_connect(&to, rc->server ? &rc->server->connect : &plain, &fd)
		       : -EDESTADDRREQ;
	if (r < 0)
		return r;
	int started = conn_start(&rc->conn, rc->worker, fd, on_event);
	if (started < 0) {
		close(fd);
		return started;
	}
	if (r > 0)
		rc->conn.flags |= CONN_CONNECTING;
	return client ? start_tls(rc, client) : 0;
}

static void start_connecting(struct ring_conn *rc)
{
	if (open_conn(rc) < 0) {
		connection_failed(rc);
		return;
	}
	rc->records = 0;
	rc->state = RING_CONNECTING;
	if (rc->conf->connect_ms)
		worker_timer_arm(rc->worker, &rc->timer, rc->conf->connect_ms);
}

static void connection_run(struct ring_conn *rc)
{
	if (rc->state == RING_PAUSED)
		start_connecting(rc);
	else if (rc->state == RING_UP)
		feed(rc);
}

static void on_event(struct conn *c)
{
	struct ring_conn *rc = container_of(c, struct ring_conn, conn);
	if (c->flags & CONN_ERROR) {
		connection_failed(rc);
		return;
	}
	if (c->flags & CONN_CONNECTING)
		return;
	if (rc->state == RING_CONNECTING) {
		worker_timer_cancel(rc->worker, &rc->timer);
		rc->state = RING_UP;
	}
	if (c->flags & CONN_READABLE && !read_waste(rc)) {
		connection_failed(rc);
		return;
	}
	connection_run(rc);
}

static void on_timer(struct worker *w, struct timer *t)
{
	struct ring_conn *rc = container_of(t, struct ring_conn, timer);
	uint64_t lost = 0;
	(void)w;
	log_ring_catch_up(rc->conf->ring, &rc->cursor, &lost);
	count_lost(rc, lost);
	if (rc->state == RING_PAUSED)
		connection_run(rc);
	else if (rc->state == RING_CONNECTING)
		connection_failed(rc);
	else
		look_after_stall(rc);
}

static void on_task(struct worker *w, struct task *task)
{
	(void)w;
	connection_run(container_of(task, struct ring_conn, task));
}

static void on_wake(struct log_ring_waiter *rw)
{
	struct ring_conn *rc = container_of(rw, struct ring_conn, waiter);
	if (rc->state == RING_UP)
		feed(rc);
}

static void on_gone(struct log_ring_waiter *rw)
{
	free(container_of(rw, struct ring_conn, waiter));
}

/* ---- life ---- */

static int ring_conn_new(
    struct process *p, struct ring_conf *conf, const struct server *s, unsigned turn)
{
	struct ring_conn *rc = malloc(sizeof(*rc));
	if (!rc)
		return -ENOMEM;
	memset(rc, 0, offsetof(struct ring_conn, out));
	rc->conf = conf;
	rc->server = s;
	rc->worker = worker_get(p->workers, turn % worker_count(p->workers));
	rc->conn.io.fd = -1;
	rc->pause_ms = PAUSE_MIN_MS;
	rc->cursor = log_ring_oldest(conf->ring);
	timer_init(&rc->timer, on_timer);
	task_init(&rc->task, on_task);
	rc->waiter = (struct log_ring_waiter){
		.ring = conf->ring,
		.worker = rc->worker,
		.wake = on_wake,
		.gone = on_gone,
	};
	int r = log_ring_waiter_add(&rc->waiter);
	if (r < 0) {
		free(rc);
		return r;
	}
	rc->next = conf->conns;
	conf->conns = rc;
	return 0;
}

int ring_conns_new(struct process *p, struct ring_conf *conf, unsigned *turn)
{
	int r = 0;
	if (conf->to.len || conf->only)
		r = ring_conn_new(p, conf, conf->only, (*turn)++);
	for (const struct server *s = conf->servers; s && r == 0; s = s->next)
		if (!s->disabled)
			r = ring_conn_new(p, conf, s, (*turn)++);
	return r;
}

void ring_conns_start(struct worker *w, struct ring_conf *conf)
{
	for (struct ring_conn *rc = conf->conns; rc; rc = rc->next)
		if (rc->worker == w)
			connection_run(rc);
}

/* What the socket takes at once; then the end. */
static void ring_conn_free(struct ring_conn *rc)
{
	struct worker *w = rc->worker;
	for (unsigned i = 0; i < BATCHES_PER_TURN && rc->state == RING_UP; i++)
		if (send_batch(rc) < 0 || !fill(rc))
			break;
	worker_timer_cancel(w, &rc->timer);
	task_cancel(&rc->task);
	conn_close(&rc->conn);
	rc->state = RING_PAUSED;
	if (log_ring_waiter_del(&rc->waiter))
		free(rc);
	else
		worker_run_mail(w);
}

void ring_conns_free(struct ring_conf *conf)
{
	while (conf->conns) {
		struct ring_conn *rc = conf->conns;
		conf->conns = rc->next;
		ring_conn_free(rc);
	}
}
