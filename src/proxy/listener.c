/* SPDX-License-Identifier: MIT */
/*
 * Listeners: one socket a worker (SO_REUSEPORT), or one shared by all where that cannot be (unix sockets,
 * inherited descriptors). Accepting obeys the limits: when one is reached the listener leaves epoll, so that
 * waiting clients stay in the kernel's backlog, and comes back when a connection ends.
 *
 * struct listener is made by the main thread; each struct listener_local belongs to its worker.
 */
#include "weir/proxy/process.h"

#include <errno.h>
#include <unistd.h>

#include "client.h"
#include "weir/net/socket.h"
#include "weir/proxy/log_targets.h"

#define ACCEPT_BURST_MAX 64
#define RETRY_MS	 100
#define DRAIN_MAX	 4096 /* connections taken out of a backlog before it closes */

struct listener_local {
	struct io io;
	struct worker *worker;
	struct listener *listener;
	struct list paused; /* proxy_local.paused */
	struct timer retry; /* after a lack of descriptors, or until the rate allows */
	unsigned burst;	    /* connections accepted an event, while there are so many */
	int fd;		    /* -1: none on this worker */
	bool watched;
};

struct listener {
	struct bind_conf *bind;
	bool shared; /* one descriptor for all workers */
	unsigned workers;
	atomic_uint sharers; /* workers that listen */
	atomic_uint conns;
	struct listener_local local[];
};

static struct process *process_of(const struct worker *w)
{
	return proxy_local(w)->process;
}

/* ---- limits ---- */

/* Counts one in the present second, unless that many were counted already. limit 0: none. */
static bool rate_take(atomic_ullong *word, unsigned limit, uint64_t now_ms)
{
	uint64_t second = now_ms / 1000;
	unsigned long long present = atomic_load(word), next;
	if (!limit)
		return true;
	do {
		unsigned count = (present >> 32) == (uint32_t)second ? (unsigned)present : 0;
		if (count >= limit)
			return false;
		next = (second << 32) | (count + 1);
	} while (!atomic_compare_exchange_weak(word, &present, next));
	return true;
}

/* "rate-limit sessions" of the frontend; "maxconnrate" and "maxsessrate", which count the same here. */
static bool rate_allows(struct process *p, const struct bind_conf *b, uint64_t now_ms)
{
	struct proxy *fe = b->fe;
	const struct global_conf *g = &p->config->global;
	unsigned limit = g->maxconnrate;
	if (g->maxsessrate && (!limit || g->maxsessrate < limit))
		limit = g->maxsessrate;
	return rate_take(&fe->rt->rate_word, fe->rate_limit, now_ms) &&
	       (!b->tls || rate_take(&p->ssl_rate_word, g->ssl.maxrate, now_ms)) &&
	       rate_take(&p->rate_word, limit, now_ms);
}

static bool is_full(const struct listener *l)
{
	const struct proxy *fe = l->bind->fe;
	const struct process *p = process_of(l->local[0].worker);
	unsigned fe_max = atomic_load_explicit(&fe->rt->maxconn, memory_order_relaxed);
	if (fe_max && atomic_load_explicit(&fe->rt->fe_conns, memory_order_relaxed) >= fe_max)
		return true;
	if (l->bind->maxconn &&
	    atomic_load_explicit(&l->conns, memory_order_relaxed) >= l->bind->maxconn)
		return true;
	unsigned ssl_max = l->bind->tls ? p->config->global.ssl.maxconn : 0;
	if (ssl_max && atomic_load_explicit(&p->ssl_conns, memory_order_relaxed) >= ssl_max)
		return true;
	unsigned max = atomic_load_explicit(&p->maxconn, memory_order_relaxed);
	return max && atomic_load_explicit(&p->conns, memory_order_relaxed) >= max;
}

static void count_rate(struct worker *w, struct proxy *fe, size_t offset, atomic_uint *max)
{
	counters_rate_add(
	    fe->rt->counters, worker_count(w->group), w->id, offset, max, worker_now_ms(w));
}

static void count_connection(struct worker *w, struct listener *l)
{
	struct process *p = process_of(w);
	struct proxy *fe = l->bind->fe;
	struct counters *c = frontend_counters(fe, w);
	uint64_t now = worker_now_ms(w);
	atomic_fetch_add_explicit(&l->conns, 1, memory_order_relaxed);
	unsigned cur = atomic_fetch_add_explicit(&fe->rt->fe_conns, 1, memory_order_relaxed) + 1;
	gauge_raise(&fe->rt->g.sess_max, cur);
	gauge_inc(&p->conns, &p->conns_max);
	counter_add(&c->conn_tot, 1);
	counter_add(&p->counters[w->id].conns, 1);
	if (l->bind->tls) {
		atomic_fetch_add_explicit(&p->ssl_conns, 1, memory_order_relaxed);
		counter_add(&p->counters[w->id].ssl_conns, 1);
	}
	count_rate(w, fe, offsetof(struct counters, conn_rate), &fe->rt->g.conn_rate_max);
	count_rate(w, fe, offsetof(struct counters, sess_rate), &fe->rt->g.sess_rate_max);
	if (rate_add(&p->counters[w->id].conn_rate, now))
		gauge_raise(&p->conn_rate_max, rate_read(&p->counters[w->id].conn_rate, now));
	if (l->bind->stats) {
		gauge_inc(&l->bind->stats->g.sess_cur, &l->bind->stats->g.sess_max);
		counter_inc(&l->bind->stats->counters[w->id].conn_tot);
	}
}

/* ---- watching ---- */

static io_fn on_accept;

static void watch(struct listener_local *ll)
{
	int r;
	if (ll->watched || ll->fd < 0)
		return;
	r = ll->listener->shared ? io_add_shared(ll->worker, &ll->io, ll->fd, on_accept)
				 : io_add_level(ll->worker, &ll->io, ll->fd, on_accept);
	ll->watched = r == 0;
}

static void unwatch(struct listener_local *ll)
{
	if (!ll->watched)
		return;
	io_del(ll->worker, &ll->io);
	ll->watched = false;
}

/* Until a connection ends. */
static void pause_full(struct listener_local *ll)
{
	struct proxy_local *l = proxy_local(ll->worker);
	unwatch(ll);
	if (list_is_linked(&ll->paused))
		return;
	list_add_tail(&l->paused, &ll->paused);
	atomic_fetch_add(&l->process->paused, 1);
}

static void resume_paused(struct worker *w)
{
	struct proxy_local *l = proxy_local(w);
	list_for_each_entry_safe (ll, &l->paused, struct listener_local, paused) {
		if (is_full(ll->listener))
			continue;
		list_del(&ll->paused);
		atomic_fetch_sub(&l->process->paused, 1);
		if (atomic_load(&ll->listener->bind->fe->rt->state) == PROXY_RUNNING)
			watch(ll);
	}
}

static void on_resume_mail(struct worker *w, struct mail *mail)
{
	struct proxy_local *l = container_of(mail, struct proxy_local, resume_mail);
	atomic_store(&l->resume_posted, false);
	resume_paused(w);
}

WEIR_COLD void listeners_wake(struct worker *w)
{
	resume_paused(w);
	for (unsigned i = 0; i < worker_count(w->group); i++) {
		struct worker *other = worker_get(w->group, i);
		struct proxy_local *l = proxy_local(other);
		if (other == w || !l || atomic_exchange(&l->resume_posted, true))
			continue;
		worker_post(other, &l->resume_mail, on_resume_mail);
	}
}

unsigned listener_conns(const struct bind_conf *bind)
{
	return atomic_load_explicit(&bind->listener->conns, memory_order_relaxed);
}

void listener_connection_closed(struct worker *w, struct bind_conf *bind)
{
	struct process *p = process_of(w);
	struct proxy *fe = bind->fe;
	atomic_fetch_sub_explicit(&bind->listener->conns, 1, memory_order_relaxed);
	if (bind->stats)
		gauge_dec(&bind->stats->g.sess_cur);
	atomic_fetch_sub(&fe->rt->fe_conns, 1);
	if (bind->tls)
		atomic_fetch_sub(&p->ssl_conns, 1);
	atomic_fetch_sub(&p->conns, 1);
	if (unlikely(atomic_load(&p->paused)))
		listeners_wake(w);
}

/* ---- accepting ---- */

static void on_retry(struct worker *w, struct timer *t)
{
	struct listener_local *ll = container_of(t, struct listener_local, retry);
	(void)w;
	if (atomic_load(&ll->listener->bind->fe->rt->state) == PROXY_RUNNING)
		watch(ll);
}

static void pause_for(struct listener_local *ll, unsigned ms)
{
	unwatch(ll);
	worker_timer_arm(ll->worker, &ll->retry, ms);
}

static void accept_failed(struct listener_local *ll, int error)
{
	struct worker *w = ll->worker;
	struct process *p = process_of(w);
	struct proxy *fe = ll->listener->bind->fe;
	if (error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM) {
		counter_add(&p->counters[w->id].fd_errors, 1);
		log_emitf(w, &fe->logs, LOG_LV_EMERG,
		    "Proxy %s reached %s limit (maxsock=%u). Retrying in %u ms.", fe->name,
		    error == -EMFILE   ? "process FD"
		    : error == -ENFILE ? "system FD"
				       : "system memory",
		    p->maxsock, RETRY_MS);
		pause_for(ll, RETRY_MS);
	}
}

/* 0, or -errno of net_accept(). */
static int accept_one(struct listener_local *ll)
{
	struct net_peer src;
	int fd = net_accept(ll->fd, &src);
	if (fd < 0)
		return fd;
	count_connection(ll->worker, ll->listener);
	client_accept(ll->worker, ll->listener->bind, fd, &src);
	return 0;
}

static void on_accept(struct worker *w, struct io *io, uint32_t events)
{
	struct listener_local *ll = container_of(io, struct listener_local, io);
	struct listener *l = ll->listener;
	(void)events;
	for (unsigned i = 0; i < ll->burst; i++) {
		if (is_full(l)) {
			pause_full(ll);
			return;
		}
		if (!rate_allows(process_of(w), l->bind, worker_now_ms(w))) {
			pause_for(ll, (unsigned)(1000 - worker_now_ms(w) % 1000));
			return;
		}
		int r = accept_one(ll);
		if (r < 0) {
			ll->burst = MAX(ll->burst / 2, 1u);
			if (r != -EAGAIN)
				accept_failed(ll, r);
			return;
		}
	}
	ll->burst = MIN(ll->burst * 2, (unsigned)ACCEPT_BURST_MAX);
}

/* ---- opening ---- */

static void bind_stats_free(struct bind_stats *st)
{
	if (!st)
		return;
	counters_free(st->counters);
	free(st);
}

/* "option socket-stats"; NULL, and no line in the statistics, when memory is short. */
static struct bind_stats *bind_stats_new(const struct bind_conf *b, unsigned workers)
{
	struct bind_stats *st;
	if (!(b->fe->options & PR_O_SOCKET_STATS))
		return NULL;
	st = aligned_alloc(WEIR_CACHELINE, sizeof(*st));
	if (!st)
		return NULL;
	memset(st, 0, sizeof(*st));
	st->counters = counters_new(workers);
	if (st->counters)
		return st;
	free(st);
	return NULL;
}

static bool runs_on(const struct bind_conf *b, unsigned worker)
{
	return !b->threads || (b->threads >> worker & 1);
}

/* A socket a worker needs SO_REUSEPORT; only IP sockets made by us have that. */
static bool can_reuseport(const struct config *c, const struct bind_conf *b)
{
	return b->fd < 0 && b->addr.sa.sa_family != AF_UNIX && !c->global.noreuseport &&
	       b->shards != 1;
}

static struct listener *listener_new(struct process *p, struct config *c, struct bind_conf *b)
{
	unsigned workers = worker_count(p->workers);
	struct listener *l = calloc(1, sizeof(*l) + workers * sizeof(l->local[0]));
	if (!l)
		return NULL;
	l->bind = b;
	b->stats = bind_stats_new(b, workers);
	l->workers = workers;
	l->shared = workers > 1 && !can_reuseport(c, b);
	for (unsigned i = 0; i < workers; i++) {
		struct listener_local *ll = &l->local[i];
		ll->io.fd = -1;
		ll->fd = -1;
		ll->burst = 1;
		ll->worker = worker_get(p->workers, i);
		ll->listener = l;
		list_init(&ll->paused);
		timer_init(&ll->retry, on_retry);
	}
	return l;
}

static int backlog_of(const struct bind_conf *b)
{
	if (b->listen.backlog)
		return b->listen.backlog;
	if (b->fe->backlog)
		return (int)b->fe->backlog;
	return b->fe->maxconn ? (int)b->fe->maxconn : 1024;
}

static int open_one(struct bind_conf *b, bool reuseport, struct diag *diag)
{
	char err[256] = "";
	struct net_listen_opts opts = b->listen;
	opts.reuseport = reuseport;
	opts.backlog = backlog_of(b);
	int fd = b->fd >= 0 ? net_listen_fd(b->fd, &opts, err, sizeof(err))
			    : net_listen(&b->addr, &opts, err, sizeof(err));
	if (fd < 0)
		diag_add(diag, DIAG_ERROR, b->pos, "frontend '%s': %s", b->fe->name, err);
	return fd;
}

/* A descriptor that workers share is closed once. */
static void listener_free(struct listener *l)
{
	int closed = -1;
	for (unsigned i = 0; l && i < l->workers; i++) {
		int fd = l->local[i].fd;
		if (fd >= 0 && fd != closed)
			close(fd);
		closed = l->shared && fd >= 0 ? fd : closed;
	}
	free(l);
}

/* All sockets of a bind line, or none. */
static int listener_open(
    struct process *p, struct config *c, struct bind_conf *b, struct diag *diag)
{
	struct listener *l = listener_new(p, c, b);
	int shared_fd = -1;
	if (!l)
		return -1;
	for (unsigned i = 0; i < l->workers; i++) {
		if (!runs_on(b, i))
			continue;
		atomic_fetch_add(&l->sharers, 1);
		if (l->shared && shared_fd >= 0) {
			l->local[i].fd = shared_fd;
			continue;
		}
		int fd = open_one(b, !l->shared && can_reuseport(c, b), diag);
		if (fd < 0) {
			listener_free(l);
			return -1;
		}
		l->local[i].fd = fd;
		shared_fd = fd;
	}
	b->listener = l;
	return 0;
}

int listeners_open(struct process *p, struct config *c, struct diag *diag)
{
	int result = 0;
	for (struct proxy *px = c->proxies; px; px = px->next) {
		if (px->options & PR_O_DISABLED)
			continue;
		for (struct bind_conf *b = px->binds; b; b = b->next) {
			if (!b->listener && listener_open(p, c, b, diag) < 0)
				result = -1;
		}
	}
	return result;
}

void listeners_start(struct worker *w, struct config *c)
{
	for (struct proxy *px = c->proxies; px; px = px->next) {
		for (struct bind_conf *b = px->binds; b; b = b->next) {
			if (b->listener)
				watch(&b->listener->local[w->id]);
		}
	}
}

void listeners_close(struct config *c)
{
	for (struct proxy *px = c->proxies; px; px = px->next) {
		for (struct bind_conf *b = px->binds; b; b = b->next) {
			listener_free(b->listener);
			b->listener = NULL;
			bind_stats_free(b->stats);
			b->stats = NULL;
		}
	}
}

/* ---- frontend states ---- */

struct state_mail {
	struct mail mail;
	struct proxy *fe;
	enum proxy_state state, before;
};

/*
 * What waits in the backlog has a connection already: it is taken before the socket goes, or the kernel would
 * reset it.
 */
static void drain(struct listener_local *ll)
{
	for (unsigned i = 0; i < DRAIN_MAX && !is_full(ll->listener); i++) {
		if (accept_one(ll) < 0)
			return;
	}
}

/*
 * A paused TCP socket gives its port free without being closed: shutdown() ends its listening, listen() begins it
 * again. Others only stop accepting.
 */
static void set_listening(struct listener_local *ll, bool listening)
{
	const struct bind_conf *b = ll->listener->bind;
	if (ll->fd < 0 || b->fd >= 0 || b->addr.sa.sa_family == AF_UNIX)
		return;
	if (!listening)
		shutdown(ll->fd, SHUT_RD);
	else if (listen(ll->fd, backlog_of(b)) < 0)
		log_emitf(ll->worker, &b->fe->logs, LOG_LV_WARNING,
		    "Proxy %s cannot listen again: %s.", b->fe->name, strerror(errno));
}

/* A descriptor that workers share is closed by the last of them. */
static void stop_listening(struct listener_local *ll)
{
	struct listener *l = ll->listener;
	if (ll->fd < 0)
		return;
	drain(ll);
	if (!l->shared || atomic_fetch_sub(&l->sharers, 1) == 1)
		close(ll->fd);
	ll->fd = -1;
}

static void apply_state(
    struct worker *w, struct proxy *fe, enum proxy_state state, enum proxy_state before)
{
	for (struct bind_conf *b = fe->binds; b; b = b->next) {
		if (!b->listener)
			continue;
		struct listener_local *ll = &b->listener->local[w->id];
		if (state == PROXY_RUNNING) {
			if (before == PROXY_PAUSED)
				set_listening(ll, true);
			watch(ll);
			continue;
		}
		unwatch(ll);
		worker_timer_cancel(w, &ll->retry);
		if (state == PROXY_PAUSED)
			set_listening(ll, false);
		else
			stop_listening(ll);
	}
}

static void on_state_mail(struct worker *w, struct mail *mail)
{
	struct state_mail *m = container_of(mail, struct state_mail, mail);
	struct config *config = m->fe->config;
	apply_state(w, m->fe, m->state, m->before);
	free(m);
	config_unref(w, config);
}

static void set_state(struct worker *w, struct proxy *fe, enum proxy_state state)
{
	enum proxy_state before = atomic_exchange(&fe->rt->state, state);
	if (before == state)
		return;
	apply_state(w, fe, state, before);
	for (unsigned i = 0; i < worker_count(w->group); i++) {
		struct worker *other = worker_get(w->group, i);
		struct state_mail *m = other == w ? NULL : malloc(sizeof(*m));
		if (!m)
			continue;
		m->fe = fe;
		m->state = state;
		m->before = before;
		config_ref(fe->config);
		worker_post(other, &m->mail, on_state_mail);
	}
}

void frontend_pause(struct worker *w, struct proxy *fe)
{
	set_state(w, fe, PROXY_PAUSED);
}

int frontend_resume(struct worker *w, struct proxy *fe)
{
	if (atomic_load(&fe->rt->state) == PROXY_STOPPED)
		return -EINVAL;
	set_state(w, fe, PROXY_RUNNING);
	return 0;
}

void frontend_shutdown(struct worker *w, struct proxy *fe)
{
	set_state(w, fe, PROXY_STOPPED);
}

/* Comes behind the mails of all frontends: this worker has closed its listeners. */
static void on_idle_mail(struct worker *w, struct mail *mail)
{
	free(mail);
	log_targets_soft_stop(w, process_of(w)->config);
	clients_close_idle(w);
	atomic_fetch_sub(&process_of(w)->jobs, 1);
}

void process_soft_stop(struct worker *w, struct process *p)
{
	atomic_store(&p->stopping, true);
	for (struct proxy *px = p->config->proxies; px; px = px->next) {
		if (px->caps & PROXY_FE)
			set_state(w, px, PROXY_STOPPED);
	}
	for (unsigned i = 0; i < worker_count(w->group); i++) {
		struct mail *m = malloc(sizeof(*m));
		if (!m) /* they are closed by their timeouts */
			continue;
		atomic_fetch_add(&p->jobs, 1);
		worker_post(worker_get(w->group, i), m, on_idle_mail);
	}
}
