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
	RING_CONNECTING,
	RING_UP,
};

struct ring_conn {
	struct ring_conn *next;
	const struct ring_conf *conf;
	const struct server *server; /* NULL: conf->to */
	struct worker *worker;
	struct io io;
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
	io_close(rc->worker, &rc->io);
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
		ssize_t n = recv(rc->io.fd, waste, sizeof(waste), MSG_DONTWAIT);
		if (n > 0 || (n < 0 && errno == EINTR))
			continue;
		return n < 0 && errno == EAGAIN;
	}
}

/* 0: all is sent; -EAGAIN; or another error. */
static int send_batch(struct ring_conn *rc)
{
	while (rc->out_at < rc->out_len) {
		ssize_t n = send(rc->io.fd, rc->out + rc->out_at, rc->out_len - rc->out_at,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
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

static void on_io(struct worker *w, struct io *io, uint32_t events);

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

static void start_connecting(struct ring_conn *rc)
{
	static const struct net_connect_opts plain = { .tos = -1 };
	struct net_addr to;
	int fd;
	destination(rc, &to);
	int r = to.len ? net_connect(&to, rc->server ? &rc->server->connect : &plain, &fd)
		       : -EDESTADDRREQ;
	if (r >= 0 && io_add_edge(rc->worker, &rc->io, fd, on_io) < 0) {
		close(fd);
		r = -ENOMEM;
	}
	if (r < 0) {
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

static void on_io(struct worker *w, struct io *io, uint32_t events)
{
	struct ring_conn *rc = container_of(io, struct ring_conn, io);
	if (rc->state == RING_CONNECTING) {
		if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
			return;
		if (net_socket_error(io->fd)) {
			connection_failed(rc);
			return;
		}
		worker_timer_cancel(w, &rc->timer);
		rc->state = RING_UP;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) && !read_waste(rc)) {
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
	rc->io.fd = -1;
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
	io_close(w, &rc->io);
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
