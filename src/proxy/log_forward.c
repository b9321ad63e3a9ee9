/* SPDX-License-Identifier: MIT */
/*
 * Receiving log lines of others. Each worker has its own sockets (SO_REUSEPORT) and serves what comes to them;
 * where that cannot be all share one. A connection is a buffer of one message: what is whole in it is sent on, and
 * a stream whose messages cannot be told apart any more is closed. Sending on never waits, so neither does this.
 */
#include "log_forward.h"

#include <errno.h>
#include <unistd.h>

#include "weir/tls/bind.h"
#include "weir/tls/transport.h"

#define DATAGRAMS_PER_TURN 64
#define READS_PER_TURN	   16
#define RETRY_MS	   50
/* Beside the message: its length in digits and a space, or CR LF. */
#define FRAME_MAX 16

struct log_socket {
	struct io io;
	struct log_forward *lf;
	const struct bind_conf *bind;
	struct worker *worker;
	struct timer retry; /* there are too many connections, or no descriptors */
	int fd;		    /* -1: none */
	bool shared;
	bool owner; /* closes fd */
};

struct log_conn {
	struct list link; /* lf->conns of its worker */
	struct conn conn;
	struct timer timer;
	struct task task; /* goes on in the next turn */
	struct log_forward *lf;
	struct worker *worker;
	uint64_t heard_ms;
	char sender[NET_ADDR_TEXT]; /* empty: has no address */
	size_t len;
	char buf[]; /* max_message + FRAME_MAX bytes */
};

/* ---- lines ---- */

static void take_line(
    struct worker *w, struct log_forward *lf, struct slice line, struct slice sender)
{
	struct syslog_message m;
	if (lf->leave)
		syslog_leave(line, &m);
	else
		syslog_parse(line, &m);
	atomic_fetch_add_explicit(&lf->process->recv_logs, 1, memory_order_relaxed);
	syslog_relay(w, &lf->px.logs, &m, lf->host, sender);
}

static void sender_text(const struct net_peer *peer, char out[NET_ADDR_TEXT])
{
	out[0] = '\0';
	if (peer->sa.sa_family == AF_INET || peer->sa.sa_family == AF_INET6)
		(void)net_peer_text(peer, out);
}

/* ---- datagrams ---- */

static void on_datagrams(struct worker *w, struct io *io, uint32_t events)
{
	struct log_socket *s = container_of(io, struct log_socket, io);
	char *buf = proxy_local(w)->log_line, sender[NET_ADDR_TEXT];
	(void)events;
	for (unsigned i = 0; i < DATAGRAMS_PER_TURN; i++) {
		struct net_peer peer = { .sa.sa_family = AF_UNSPEC };
		socklen_t peer_len = sizeof(peer);
		ssize_t n = recvfrom(s->fd, buf, LOG_LEN_MAX, MSG_DONTWAIT, &peer.sa, &peer_len);
		if (n < 0)
			return;
		sender_text(&peer, sender);
		take_line(w, s->lf, slice_make(buf, (size_t)n), slice_str(sender));
	}
}

/* ---- connections ---- */

static void log_conn_close(struct log_conn *c)
{
	atomic_fetch_sub(&c->lf->conns_n, 1);
	list_del(&c->link);
	worker_timer_cancel(c->worker, &c->timer);
	task_cancel(&c->task);
	conn_close(&c->conn);
	free(c);
}

/* False: the stream is broken. */
static bool take_lines(struct log_conn *c)
{
	size_t at = 0, used;
	struct slice message;
	enum syslog_frame f;
	while ((f = syslog_frame_next(slice_make(c->buf + at, c->len - at), c->lf->always_lf,
		    c->lf->max_message, &message, &used)) == SYSLOG_MESSAGE) {
		if (message.len)
			take_line(c->worker, c->lf, message, slice_str(c->sender));
		at += used;
	}
	memmove(c->buf, c->buf + at, c->len - at);
	c->len -= at;
	return f == SYSLOG_INCOMPLETE && c->len < c->lf->max_message + FRAME_MAX;
}

/* One read. 1: there may be more, 0: not now, -1: it is over. */
static int read_some(struct log_conn *c)
{
	size_t room = c->lf->max_message + FRAME_MAX - c->len;
	ssize_t n = conn_recv(&c->conn, c->buf + c->len, room);
	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	c->len += (size_t)n;
	c->heard_ms = worker_now_ms(c->worker);
	return take_lines(c) ? 1 : -1;
}

static void log_conn_run(struct log_conn *c)
{
	int r = 1;
	for (unsigned i = 0; i < READS_PER_TURN && r > 0; i++)
		r = read_some(c);
	if (r < 0)
		log_conn_close(c);
	else if (r > 0)
		task_wake(c->worker, &c->task);
}

static void on_conn_event(struct conn *conn)
{
	struct log_conn *c = container_of(conn, struct log_conn, conn);
	if (conn->flags & CONN_ERROR)
		log_conn_close(c);
	else
		log_conn_run(c);
}

static void on_conn_task(struct worker *w, struct task *task)
{
	(void)w;
	log_conn_run(container_of(task, struct log_conn, task));
}

static void on_conn_timer(struct worker *w, struct timer *t)
{
	struct log_conn *c = container_of(t, struct log_conn, timer);
	uint64_t deadline = c->heard_ms + c->lf->px.timeout.client;
	if (deadline <= worker_now_ms(w))
		log_conn_close(c);
	else
		timer_arm(&w->wheel, t, deadline);
}

static int start_tls(struct log_conn *c, const struct bind_conf *b)
{
	struct tls_accept_opts opts = { .tune = &c->lf->process->config->global.tls };
	return tls_accept(&c->conn, tls_bind_ctx(b->tls), &opts);
}

/* Owns fd from here on. 0 or -errno. */
static int log_conn_new(struct log_socket *s, int fd, const struct net_peer *peer)
{
	struct worker *w = s->worker;
	struct log_conn *c = malloc(sizeof(*c) + s->lf->max_message + FRAME_MAX);
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	memset(c, 0, sizeof(*c));
	c->lf = s->lf;
	c->worker = w;
	c->heard_ms = worker_now_ms(w);
	sender_text(peer, c->sender);
	timer_init(&c->timer, on_conn_timer);
	task_init(&c->task, on_conn_task);
	int r = conn_start(&c->conn, w, fd, on_conn_event);
	if (r < 0) {
		close(fd);
		free(c);
		return r;
	}
	if (s->bind->tls && (r = start_tls(c, s->bind)) < 0) {
		conn_close(&c->conn);
		free(c);
		return r;
	}
	atomic_fetch_add(&c->lf->conns_n, 1);
	list_add_tail(&c->lf->conns[w->id], &c->link);
	if (c->lf->px.timeout.client)
		worker_timer_arm(w, &c->timer, c->lf->px.timeout.client);
	return 0;
}

/* ---- sockets ---- */

static void watch(struct log_socket *s);

static void on_accept(struct worker *w, struct io *io, uint32_t events)
{
	struct log_socket *s = container_of(io, struct log_socket, io);
	unsigned max = s->lf->px.maxconn;
	struct net_peer peer;
	int r = 0;
	(void)events;
	while (!max || atomic_load(&s->lf->conns_n) < max) {
		int fd = net_accept(s->fd, &peer);
		r = fd < 0 ? fd : log_conn_new(s, fd, &peer);
		if (r == -EAGAIN)
			return;
		if (r < 0)
			break;
	}
	io_del(w, io);
	worker_timer_arm(w, &s->retry, RETRY_MS);
}

static void watch(struct log_socket *s)
{
	io_fn *fn = s->bind->datagram ? on_datagrams : on_accept;
	int r = s->shared ? io_add_shared(s->worker, &s->io, s->fd, fn)
			  : io_add_level(s->worker, &s->io, s->fd, fn);
	if (r < 0)
		worker_timer_arm(s->worker, &s->retry, RETRY_MS);
}

static void on_retry(struct worker *w, struct timer *t)
{
	struct log_socket *s = container_of(t, struct log_socket, retry);
	unsigned max = s->lf->px.maxconn;
	if (!s->bind->datagram && max && atomic_load(&s->lf->conns_n) >= max)
		worker_timer_arm(w, t, RETRY_MS);
	else
		watch(s);
}

static int open_one(const struct bind_conf *b, bool reuseport, char *err, size_t err_size)
{
	struct net_listen_opts opts = b->listen;
	opts.reuseport = reuseport;
	if (b->datagram)
		return net_listen_datagram(&b->addr, &opts, err, err_size);
	if (b->fd >= 0)
		return net_listen_fd(b->fd, &opts, err, err_size);
	return net_listen(&b->addr, &opts, err, err_size);
}

/* The sockets of one bind, one a worker. */
static int open_bind(
    struct log_forward *lf, const struct bind_conf *b, struct log_socket *first, struct diag *diag)
{
	struct process *p = lf->process;
	unsigned workers = worker_count(p->workers);
	bool own = b->fd < 0 && b->addr.sa.sa_family != AF_UNIX && !p->config->global.noreuseport;
	char err[256] = "";
	for (unsigned i = 0; i < workers; i++) {
		struct log_socket *s = &first[i];
		s->lf = lf;
		s->bind = b;
		s->worker = worker_get(p->workers, i);
		s->shared = !own && workers > 1;
		s->owner = own || i == 0;
		timer_init(&s->retry, on_retry);
		s->fd = s->owner ? open_one(b, own, err, sizeof(err)) : first[0].fd;
		if (s->fd < 0) {
			diag_add(
			    diag, DIAG_ERROR, b->pos, "log-forward '%s': %s", lf->px.name, err);
			return -1;
		}
	}
	return 0;
}

int log_forward_open(struct process *p, struct log_forward *lf, struct diag *diag)
{
	unsigned workers = worker_count(p->workers), binds = 0;
	int result = 0;
	for (const struct bind_conf *b = lf->px.binds; b; b = b->next)
		binds++;
	lf->process = p;
	lf->sockets = calloc((size_t)binds * workers + 1, sizeof(*lf->sockets));
	lf->conns = calloc(workers, sizeof(*lf->conns));
	if (!lf->sockets || !lf->conns)
		return -1;
	lf->sockets_n = binds * workers;
	for (unsigned i = 0; i < lf->sockets_n; i++)
		lf->sockets[i].io.fd = lf->sockets[i].fd = -1;
	for (unsigned i = 0; i < workers; i++)
		list_init(&lf->conns[i]);
	struct log_socket *at = lf->sockets;
	for (const struct bind_conf *b = lf->px.binds; b; b = b->next, at += workers)
		if (open_bind(lf, b, at, diag) < 0)
			result = -1;
	return result;
}

void log_forward_start(struct worker *w, struct log_forward *lf)
{
	for (unsigned i = 0; i < lf->sockets_n; i++)
		if (lf->sockets[i].worker == w)
			watch(&lf->sockets[i]);
}

/* ---- the end ---- */

/* What has come already is taken: the next process does not see it. */
static void socket_stop(struct worker *w, struct log_socket *s)
{
	io_del(w, &s->io);
	worker_timer_cancel(w, &s->retry);
	if (s->fd < 0)
		return;
	if (s->bind->datagram && proxy_local(w))
		on_datagrams(w, &s->io, 0);
	if (s->owner && !s->shared)
		close(s->fd);
	if (!s->shared)
		s->fd = -1;
}

void log_forward_soft_stop(struct worker *w, struct log_forward *lf)
{
	for (unsigned i = 0; i < lf->sockets_n; i++)
		if (lf->sockets[i].worker == w)
			socket_stop(w, &lf->sockets[i]);
	list_for_each_entry_safe (c, &lf->conns[w->id], struct log_conn, link) {
		if (!(c->conn.flags & CONN_HANDSHAKE))
			(void)read_some(c);
		log_conn_close(c);
	}
}

void log_forward_stop(struct log_forward *lf)
{
	if (!lf->process || !lf->sockets || !lf->conns)
		goto out;
	for (unsigned i = 0; i < worker_count(lf->process->workers); i++)
		log_forward_soft_stop(worker_get(lf->process->workers, i), lf);
	for (unsigned i = 0; i < lf->sockets_n; i++)
		if (lf->sockets[i].owner && lf->sockets[i].fd >= 0)
			close(lf->sockets[i].fd);
out:
	free(lf->sockets);
	free(lf->conns);
	lf->sockets = NULL;
	lf->conns = NULL;
	lf->sockets_n = 0;
}
