/* SPDX-License-Identifier: MIT */
/*
 * Server connections and their idle pool. A worker keeps its idle connections per server, the most recently
 * used in front; any event on an idle one (the server closed it, or spoke out of turn) ends it. Old ones are
 * given up from the back by a timer that runs only while there are idle connections. An HTTP/2 connection in use is
 * listed beside them as long as it takes more streams. Worker thread only.
 */
#include "weir/upstream/idle.h"

#include <errno.h>
#include <unistd.h>

#include "weir/upstream/backend.h"

#define CONNS_FREE_MAX 1024
#define PURGE_TICK_MS  1000

struct upstream_local {
	struct pool conns;
	struct timer purge;
	struct list idle;   /* of all servers, oldest last: struct server_conn.all */
	struct list ending; /* HTTP/2 connections that say goodbye */
	unsigned idle_n;
	struct mail give_up; /* another worker needs descriptors */
	atomic_bool give_up_sent;
};

/* Counts of this worker that others read for the statistics. */
static void adjust(unsigned *count, int by)
{
	__atomic_store_n(count, *count + (unsigned)by, __ATOMIC_RELAXED);
}

static struct upstream_local *local_of(const struct worker *w)
{
	return w->slot[WORKER_SLOT_UPSTREAM];
}

static struct server_local *server_local(const struct server_conn *sc)
{
	return &sc->rt->local[sc->worker->id];
}

static void unlink_idle(struct server_conn *sc)
{
	list_del(&sc->link);
	list_del(&sc->all);
	sc->idle = false;
	adjust(&server_local(sc)->idle_n, -1);
	local_of(sc->worker)->idle_n--;
}

/* Ends a connection that nobody uses; over HTTP/2 with a word to the server. */
static void end_idle(struct server_conn *sc)
{
	unlink_idle(sc);
	if (!sc->h2) {
		server_conn_close(sc);
		return;
	}
	list_add_tail(&local_of(sc->worker)->ending, &sc->all);
	mux2_close(sc->h2);
}

static void idle_event(struct mux1 *m)
{
	struct server_conn *sc = container_of(m, struct server_conn, m);
	if (!(m->conn.flags & (CONN_READABLE | CONN_PEER_CLOSED | CONN_ERROR)))
		return; /* only writable: nothing new */
	/* after a splice the flag may be left over from the last response: ask the kernel */
	if (!(m->conn.flags & (CONN_PEER_CLOSED | CONN_ERROR)) && mux1_fill(m) == -EAGAIN) {
		mux1_trim(m);
		return;
	}
	unlink_idle(sc);
	server_conn_close(sc);
}

static void on_purge(struct worker *w, struct timer *t)
{
	struct upstream_local *l = container_of(t, struct upstream_local, purge);
	uint64_t now = worker_now_ms(w);
	list_for_each_entry_safe (sc, &l->idle, struct server_conn, all) {
		if (now - sc->idle_since_ms < sc->purge_ms ||
		    server_local(sc)->idle_n <= sc->pool_low / worker_count(w->group))
			continue;
		end_idle(sc);
	}
	if (l->idle_n)
		worker_timer_arm(w, t, PURGE_TICK_MS);
}

int upstream_worker_start(struct worker *w)
{
	struct upstream_local *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	pool_init(&l->conns, "server connection", sizeof(struct server_conn), CONNS_FREE_MAX);
	timer_init(&l->purge, on_purge);
	list_init(&l->idle);
	list_init(&l->ending);
	w->slot[WORKER_SLOT_UPSTREAM] = l;
	return 0;
}

void upstream_worker_stop(struct worker *w)
{
	struct upstream_local *l = local_of(w);
	if (!l)
		return;
	worker_timer_cancel(w, &l->purge);
	list_for_each_entry_safe (sc, &l->idle, struct server_conn, all) {
		unlink_idle(sc);
		server_conn_close(sc);
	}
	list_for_each_entry_safe (sc, &l->ending, struct server_conn, all)
		server_conn_close(sc);
	pool_trim(&l->conns);
	free(l);
	w->slot[WORKER_SLOT_UPSTREAM] = NULL;
}

/*
 * Bytes behind the response, still in the kernel, would be taken for the answer to the next request. Only where the
 * last read or splice did not prove the queue empty is there something to ask.
 */
static bool has_unread(struct mux1 *m)
{
	char byte;
	return (m->conn.flags & CONN_READABLE) && conn_recv(&m->conn, &byte, 1) != -EAGAIN;
}

/* Whether a connection that nobody uses any more is worth keeping. */
static bool is_worth_keeping(const struct server_conn *sc)
{
	unsigned workers = worker_count(sc->worker->group);
	unsigned most =
	    sc->pool_max == UINT32_MAX ? UINT32_MAX : (sc->pool_max + workers - 1) / workers;
	return sc->reusable && sc->requests < sc->max_reuse &&
	       !(sc->m.conn.flags & (CONN_PEER_CLOSED | CONN_ERROR)) &&
	       server_local(sc)->idle_n < most;
}

static void keep_idle(struct server_conn *sc)
{
	struct upstream_local *l = local_of(sc->worker);
	struct server_local *sl = server_local(sc);
	sc->idle = true;
	sc->idle_since_ms = worker_now_ms(sc->worker);
	list_add_head(&sl->idle, &sc->link);
	list_add_head(&l->idle, &sc->all);
	adjust(&sl->idle_n, 1);
	l->idle_n++;
	if (!timer_is_armed(&l->purge))
		worker_timer_arm(sc->worker, &l->purge, PURGE_TICK_MS);
}

/* The stream is done with the connection: keep it idle, or close it. */
static void released(struct mux1 *m, bool keep)
{
	struct server_conn *sc = container_of(m, struct server_conn, m);
	adjust(&server_local(sc)->used_n, -1);
	if (!keep || !is_worth_keeping(sc) || mux1_has_bytes(m) || has_unread(m)) {
		server_conn_close(sc);
		return;
	}
	mux1_trim(m);
	keep_idle(sc);
}

/* ---- HTTP/2 ---- */

/* Lists it among those that take more streams, or not. */
static void offer(struct server_conn *sc)
{
	bool takes_more = sc->reusable && sc->requests < sc->max_reuse && mux2_can_open(sc->h2);
	if (!takes_more)
		list_del(&sc->link);
	else if (!list_is_linked(&sc->link))
		list_add_tail(&server_local(sc)->shared, &sc->link);
}

static void on_stream_left(struct mux2 *m, bool idle)
{
	struct server_conn *sc = mux2_owner(m);
	if (!idle) {
		offer(sc);
		return;
	}
	list_del(&sc->link);
	adjust(&server_local(sc)->used_n, -1);
	if (is_worth_keeping(sc) && mux2_can_open(m)) {
		keep_idle(sc);
		return;
	}
	list_add_tail(&local_of(sc->worker)->ending, &sc->all);
	mux2_close(m);
}

static void on_closed(struct mux2 *m)
{
	struct server_conn *sc = mux2_owner(m);
	if (sc->idle)
		unlink_idle(sc);
	server_conn_close(sc);
}

/* How many streams it takes changes with the server's settings and with GOAWAY. */
static void on_mux2_event(struct mux2 *m, enum mux2_event event, const char *text)
{
	struct server_conn *sc = mux2_owner(m);
	(void)text;
	if ((event == MUX2_SETTINGS || event == MUX2_GOAWAY) && !sc->idle)
		offer(sc);
}

static const struct mux2_owner_ops h2_owner = {
	.stream_left = on_stream_left,
	.closed = on_closed,
	.event = on_mux2_event,
};

int server_conn_start_h2(struct server_conn *sc)
{
	sc->h2 = mux2_new(&sc->m.conn, false, &sc->rt->h2_conf, &server_local(sc)->h2, &h2_owner,
	    sc, mux1_bytes(&sc->m));
	if (!sc->h2)
		return -ENOMEM;
	mux2_ping_idle(sc->h2, sc->rt->idle_ping_ms);
	mux1_drop(&sc->m);
	return 0;
}

struct endpoint *server_conn_endpoint(struct server_conn *sc)
{
	if (!sc->h2)
		return &sc->m.ep;
	struct endpoint *ep = mux2_open(sc->h2);
	if (!ep && !mux2_streams(sc->h2))
		on_stream_left(sc->h2, true);
	else
		offer(sc);
	return ep;
}

static bool in_scope(const struct server_conn *sc, uint64_t owner, enum reuse_scope scope)
{
	return sc->owner == owner || scope == REUSE_ANY ||
	       (scope == REUSE_PROVEN && sc->requests > 1);
}

/* The hash of a wish decides nothing alone: names are compared, so that no host gets another one's connection. */
static bool is_as_wished(const struct server_conn *sc, const struct server_wish *wish)
{
	return sc->key == wish->key && slice_eq(slice_make(sc->name, sc->name_len), wish->name);
}

bool server_conn_suits(const struct server_conn *sc, const struct server_wish *wish, uint64_t owner,
    enum reuse_scope scope)
{
	return is_as_wished(sc, wish) && in_scope(sc, owner, scope);
}

/* A name that is too long to be kept matches no other wish: such a connection serves one stream. */
static void keep_wish(struct server_conn *sc, const struct server_wish *wish)
{
	sc->key = wish->key;
	sc->name_len = 0;
	if (wish->name.len > sizeof(sc->name)) {
		sc->max_reuse = 1;
		return;
	}
	sc->name_len = (uint16_t)wish->name.len;
	if (sc->name_len)
		memcpy(sc->name, wish->name.ptr, sc->name_len);
}

struct server_conn *server_conn_reuse(struct worker *w, struct server *srv,
    const struct server_wish *wish, const struct reuse_rule *rule)
{
	struct server_local *sl = &srv->rt->local[w->id];
	list_for_each_entry (sc, &sl->idle, struct server_conn, link) {
		if (!server_conn_suits(sc, wish, rule->owner, rule->idle))
			continue;
		if (sc->h2 && !mux2_can_open(sc->h2))
			continue;
		unlink_idle(sc);
		adjust(&sl->used_n, 1);
		sc->requests++;
		sc->owner = rule->owner;
		return sc;
	}
	list_for_each_entry (sc, &sl->shared, struct server_conn, link) {
		if (!server_conn_suits(sc, wish, rule->owner, rule->shared))
			continue;
		if (!mux2_can_open(sc->h2))
			continue;
		sc->requests++;
		return sc;
	}
	return NULL;
}

static void on_give_up(struct worker *w, struct mail *mail)
{
	struct upstream_local *l = container_of(mail, struct upstream_local, give_up);
	(void)w;
	atomic_store(&l->give_up_sent, false);
	list_for_each_entry_safe (sc, &l->idle, struct server_conn, all)
		end_idle(sc);
}

/*
 * No descriptor is left: an idle connection is worth less than a request. Frees one of our own at once, or asks the
 * other workers for theirs, which helps whoever comes next. True when it is worth another try.
 */
static bool find_descriptor(struct worker *w)
{
	struct upstream_local *l = local_of(w);
	if (l->idle_n) {
		struct server_conn *oldest = list_entry(l->idle.prev, struct server_conn, all);
		end_idle(oldest);
		return true;
	}
	for (unsigned i = 0; i < worker_count(w->group); i++) {
		struct worker *other = worker_get(w->group, i);
		struct upstream_local *o = local_of(other);
		if (other != w && o && !atomic_exchange(&o->give_up_sent, true))
			worker_post(other, &o->give_up, on_give_up);
	}
	return false;
}

struct server_conn *server_conn_open(struct worker *w, struct server *srv,
    const struct net_addr *to, const struct net_connect_opts *opts, bool http,
    const struct server_wish *wish, int *ret_error)
{
	struct upstream_local *l = local_of(w);
	int fd;
	struct server_conn *sc = pool_get(&l->conns);
	if (!sc) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	int r = net_connect(to, opts, &fd);
	if ((r == -EMFILE || r == -ENFILE) && find_descriptor(w))
		r = net_connect(to, opts, &fd);
	if (r < 0) {
		pool_put(&l->conns, sc);
		*ret_error = r;
		return NULL;
	}
	int started = mux1_start(&sc->m, w, fd, false, http ? &mux_h1_ops : &mux_raw_ops);
	if (started < 0) {
		close(fd);
		pool_put(&l->conns, sc);
		*ret_error = started;
		return NULL;
	}
	sc->m.conn.flags |= r == 0 ? CONN_WRITABLE : CONN_CONNECTING;
	sc->m.released = released;
	sc->m.idle_event = idle_event;
	sc->rt = srv->rt;
	sc->h2 = NULL;
	sc->idle = false;
	sc->closed = false;
	sc->holds = 0;
	sc->worker = w;
	sc->requests = 1;
	sc->max_reuse = srv->max_reuse == UINT32_MAX ? UINT32_MAX : srv->max_reuse + 1;
	sc->pool_max = srv->pool_max_conn;
	sc->pool_low = srv->pool_low_conn;
	sc->purge_ms = srv->pool_purge_delay_ms;
	keep_wish(sc, wish);
	sc->reusable = http;
	sc->preface = SLICE_NULL;
	sc->socks4_wait = false;
	sc->wish = *wish;
	sc->tune = srv->tls.env ? srv->tls.env->tune : NULL;
	list_init(&sc->link);
	list_init(&sc->all);
	list_init(&sc->opening);
	list_init(&sc->waiters);
	sc->waiters_n = 0;
	adjust(&srv->rt->local[w->id].used_n, 1);
	counter_add(&server_counters(srv, w)->connect_tot, 1);
	return sc;
}

void server_conn_close(struct server_conn *sc)
{
	struct upstream_local *l = local_of(sc->worker);
	if (unlikely(list_is_linked(&sc->opening)))
		server_conn_opened(sc);
	list_del(&sc->all);
	if (sc->h2)
		mux2_free(sc->h2);
	sc->h2 = NULL;
	if (sc->holds)
		conn_hang_up(&sc->m.conn);
	sc->closed = sc->holds;
	if (sc->closed)
		return;
	mux1_close(&sc->m);
	pool_put(&l->conns, sc);
}

struct server_conn *server_conn_hold(struct server_conn *sc)
{
	if (sc->holds == UINT8_MAX)
		return NULL;
	sc->holds++;
	return sc;
}

void server_conn_put(struct server_conn *sc)
{
	if (!sc || --sc->holds || !sc->closed)
		return;
	mux1_close(&sc->m);
	pool_put(&local_of(sc->worker)->conns, sc);
}

unsigned server_idle_count(const struct server *srv, unsigned workers)
{
	unsigned n = 0;
	for (unsigned i = 0; i < workers; i++)
		n += __atomic_load_n(&srv->rt->local[i].idle_n, __ATOMIC_RELAXED);
	return n;
}

void server_idle_purge(struct worker *w, struct server_rt *rt)
{
	list_for_each_entry_safe (sc, &rt->local[w->id].idle, struct server_conn, link)
		end_idle(sc);
}
