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

#define ACCEPT_BURST_MAX 64
#define RETRY_MS	 100

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
	atomic_uint conns;
	struct listener_local local[];
};

static struct process *process_of(const struct worker *w)
{
	return proxy_local(w)->process;
}

/* ---- limits ---- */

/* Counts one session against "rate-limit sessions"; false when this second's are used up. */
static bool rate_allows(struct proxy *fe, uint64_t now_ms)
{
	uint64_t second = now_ms / 1000;
	unsigned long long word = atomic_load(&fe->rt->rate_word), next;
	if (!fe->rate_limit)
		return true;
	do {
		unsigned count = (word >> 32) == (uint32_t)second ? (unsigned)word : 0;
		if (count >= fe->rate_limit)
			return false;
		next = (second << 32) | (count + 1);
	} while (!atomic_compare_exchange_weak(&fe->rt->rate_word, &word, next));
	return true;
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
	unsigned max = atomic_load_explicit(&p->maxconn, memory_order_relaxed);
	return max && atomic_load_explicit(&p->conns, memory_order_relaxed) >= max;
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
	rate_add(&c->conn_rate, now);
	rate_add(&c->sess_rate, now);
	rate_add(&p->counters[w->id].conn_rate, now);
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

void listener_connection_closed(struct worker *w, struct bind_conf *bind)
{
	struct process *p = process_of(w);
	struct proxy *fe = bind->fe;
	atomic_fetch_sub_explicit(&bind->listener->conns, 1, memory_order_relaxed);
	atomic_fetch_sub(&fe->rt->fe_conns, 1);
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

static void on_accept(struct worker *w, struct io *io, uint32_t events)
{
	struct listener_local *ll = container_of(io, struct listener_local, io);
	struct listener *l = ll->listener;
	struct net_peer src;
	(void)events;
	for (unsigned i = 0; i < ll->burst; i++) {
		if (is_full(l)) {
			pause_full(ll);
			return;
		}
		if (!rate_allows(l->bind->fe, worker_now_ms(w))) {
			pause_for(ll, (unsigned)(1000 - worker_now_ms(w) % 1000));
			return;
		}
		int fd = net_accept(ll->fd, &src);
		if (fd < 0) {
			ll->burst = MAX(ll->burst / 2, 1u);
			if (fd != -EAGAIN)
				accept_failed(ll, fd);
			return;
		}
		count_connection(w, l);
		client_accept(w, l->bind, fd, &src);
	}
	ll->burst = MIN(ll->burst * 2, (unsigned)ACCEPT_BURST_MAX);
}

/* ---- opening ---- */

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

static int open_one(struct bind_conf *b, bool reuseport, struct diag *diag)
{
	char err[256] = "";
	struct net_listen_opts opts = b->listen;
	opts.reuseport = reuseport;
	if (!opts.backlog)
		opts.backlog = (int)(b->fe->backlog   ? b->fe->backlog
				     : b->fe->maxconn ? b->fe->maxconn
						      : 1024);
	int fd = b->fd >= 0 ? net_listen_fd(b->fd, &opts, err, sizeof(err))
			    : net_listen(&b->addr, &opts, err, sizeof(err));
	if (fd < 0)
		diag_add(diag, DIAG_ERROR, b->pos, "frontend '%s': %s", b->fe->name, err);
	return fd;
}

static int listener_open(
    struct process *p, struct config *c, struct bind_conf *b, struct diag *diag)
{
	struct listener *l = listener_new(p, c, b);
	int shared_fd = -1;
	if (!l)
		return -1;
	b->listener = l;
	for (unsigned i = 0; i < l->workers; i++) {
		if (!runs_on(b, i))
			continue;
		if (l->shared && shared_fd >= 0) {
			l->local[i].fd = shared_fd;
			continue;
		}
		int fd = open_one(b, !l->shared && can_reuseport(c, b), diag);
		if (fd < 0)
			return -1;
		l->local[i].fd = fd;
		shared_fd = fd;
	}
	return 0;
}

int listeners_open(struct process *p, struct config *c, struct diag *diag)
{
	int result = 0;
	for (struct proxy *px = c->proxies; px; px = px->next) {
		if (px->options & PR_O_DISABLED)
			continue;
		for (struct bind_conf *b = px->binds; b; b = b->next) {
			if (listener_open(p, c, b, diag) < 0)
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
			struct listener *l = b->listener;
			for (unsigned i = 0; l && i < l->workers; i++) {
				if (l->local[i].fd >= 0 && (!l->shared || i == 0))
					close(l->local[i].fd);
			}
			free(l);
			b->listener = NULL;
		}
	}
}

/* ---- frontend states ---- */

struct state_mail {
	struct mail mail;
	struct proxy *fe;
	enum proxy_state state;
};

static void apply_state(struct worker *w, struct proxy *fe, enum proxy_state state)
{
	for (struct bind_conf *b = fe->binds; b; b = b->next) {
		struct listener *l = b->listener;
		if (!l)
			continue;
		struct listener_local *ll = &l->local[w->id];
		if (state == PROXY_RUNNING) {
			watch(ll);
			continue;
		}
		unwatch(ll);
		worker_timer_cancel(w, &ll->retry);
		if (state == PROXY_STOPPED && ll->fd >= 0) {
			/* a shared descriptor is closed by the worker that opened it, once nobody listens */
			if (!l->shared || (w->id == 0))
				close(ll->fd);
			ll->fd = -1;
		}
	}
}

static void on_state_mail(struct worker *w, struct mail *mail)
{
	struct state_mail *m = container_of(mail, struct state_mail, mail);
	struct config *config = m->fe->config;
	apply_state(w, m->fe, m->state);
	free(m);
	config_unref(w, config);
}

static void set_state(struct worker *w, struct proxy *fe, enum proxy_state state)
{
	atomic_store(&fe->rt->state, state);
	apply_state(w, fe, state);
	for (unsigned i = 0; i < worker_count(w->group); i++) {
		struct worker *other = worker_get(w->group, i);
		struct state_mail *m = other == w ? NULL : malloc(sizeof(*m));
		if (!m)
			continue;
		m->fe = fe;
		m->state = state;
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

void process_soft_stop(struct worker *w, struct process *p)
{
	atomic_store(&p->stopping, true);
	for (struct proxy *px = p->config->proxies; px; px = px->next) {
		if (px->caps & PROXY_FE)
			set_state(w, px, PROXY_STOPPED);
	}
}
