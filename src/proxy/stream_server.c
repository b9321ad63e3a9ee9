/* SPDX-License-Identifier: MIT */
/*
 * The way to a server: persistence, balancing, the queue, an idle or a new connection, and what happens when
 * that fails. A stream holds a slot of its server from ST_CONNECT until stream_leave_server(). Client's worker.
 */
#include "stream.h"
#include "stream_facts.h"

#include "weir/tls/transport.h"
#include <errno.h>

#define PICK_TRIES 8

/* ---- choosing ---- */

static bool may_use(const struct stream *s, const struct server *srv)
{
	if (server_is_usable(srv))
		return true;
	return (s->flags & SF_FORCE_PERSIST) || (s->be->options & PR_O_PERSIST);
}

static bool any_true(struct stream *s, const struct switch_rule *rules)
{
	for (const struct switch_rule *r = rules; r; r = r->next) {
		if (cond_eval(r->cond, &s->cx) == 1)
			return true;
	}
	return false;
}

static struct server *by_use_server(struct stream *s)
{
	char name[256];
	for (const struct switch_rule *r = s->be->use_server; r; r = r->next) {
		if (r->cond && cond_eval(r->cond, &s->cx) != 1)
			continue;
		struct server *srv = r->server;
		if (r->dynamic) {
			size_t len = logfmt_write(r->dynamic, &s->cx, name, sizeof(name) - 1);
			name[len] = '\0';
			srv = backend_server(&s->be->be, name);
		}
		if (srv && may_use(s, srv))
			return srv;
	}
	return NULL;
}

static struct server *by_cookie(struct stream *s)
{
	if (!s->be->be.cookie || !stream_is_http(s))
		return NULL;
	persist_request(&s->be->be, &s->req, &s->arena, clock_wall_s(&s->worker->clock),
	    &s->persist, &s->rec.flags);
	if (s->flags & SF_IGNORE_PERSIST)
		persist_ignore(&s->persist, &s->rec.flags);
	struct server *srv = s->persist.server;
	if (!srv)
		return NULL;
	if (may_use(s, srv))
		return srv;
	s->rec.flags.cookie_in = 'D';
	return NULL;
}

static struct server *by_rdp_cookie(struct stream *s)
{
	struct sample smp;
	if (!s->be->rdp_persist_expr || (s->flags & SF_IGNORE_PERSIST))
		return NULL;
	if (!expr_eval(s->be->rdp_persist_expr, &s->cx, SMP_STR, &smp))
		return NULL;
	struct server *srv = persist_rdp(&s->be->be, smp.str);
	return srv && may_use(s, srv) ? srv : NULL;
}

/* "option prefer-last-server", as long as the server's queue is short enough for that. */
static struct server *by_last_server(const struct stream *s)
{
	struct server *srv = s->cli->last_server;
	if (!(s->be->options & PR_O_PREFER_LAST_SERVER) || !srv || srv->be != &s->be->be ||
	    !server_is_usable(srv))
		return NULL;
	if (!srv->maxconn || s->be->max_keep_alive_queue == UINT32_MAX ||
	    atomic_load_explicit(&srv->rt->served, memory_order_relaxed) < server_limit(srv))
		return srv;
	return queue_length(srv->rt->queue) < s->be->max_keep_alive_queue ? srv : NULL;
}

static struct server *by_persistence(struct stream *s)
{
	if (s->flags & SF_ASSIGNED)
		return NULL; /* a second choice: the first one failed */
	s->flags |= SF_ASSIGNED;
	if (s->be->force_persist && any_true(s, s->be->force_persist))
		s->flags |= SF_FORCE_PERSIST;
	if (s->be->ignore_persist && any_true(s, s->be->ignore_persist))
		s->flags |= SF_IGNORE_PERSIST;
	struct server *cookie = by_cookie(s);
	struct server *srv = s->be->use_server ? by_use_server(s) : NULL;
	if (!srv)
		srv = cookie ? cookie : by_rdp_cookie(s);
	if (!srv)
		return by_last_server(s);
	s->flags |= SF_BY_COOKIE;
	return srv;
}

/* What the log calls it: the only server of "dispatch" is none that anybody has named. */
static struct slice logged_name(const struct stream *s, const struct server *srv)
{
	return s->be->has_dispatch ? SLICE("<NOSRV>") : slice_str(srv->name);
}

static void assigned(struct stream *s, struct server *srv)
{
	s->srv = srv;
	s->rec.server = logged_name(s, srv);
	s->flags |= SF_SLOT;
	s->rec.t.queue = stream_now_us(s);
	stream_enter(s, ST_CONNECT);
}

static void on_granted(void *stream, struct server *srv)
{
	struct stream *s = stream;
	s->ticket = NULL;
	if (srv)
		assigned(s, srv);
	else
		stream_enter(s, ST_ASSIGN);
	stream_run(s);
}

static enum step wait_in_queue(struct stream *s, struct server *srv)
{
	struct server *granted;
	if (srv && srv->maxqueue && queue_length(srv->rt->queue) >= srv->maxqueue) {
		/* a full queue is no place for a request that another server could take */
		if (!(s->flags & SF_BY_COOKIE) || (s->be->options & PR_O_REDISPATCH)) {
			s->flags &= ~SF_BY_COOKIE;
			s->srv_failed = srv;
			struct balance_call call = { .worker = s->worker, .avoid = srv };
			if (balance_pick(&s->be->be, &call, &granted) == BALANCE_OK &&
			    granted != srv && server_slot_take(granted)) {
				assigned(s, granted);
				return STEP_AGAIN;
			}
		}
		counter_add(&backend_counters(&s->be->be, s->worker)->failed_conn, 1);
		return stream_error(s, 503, 'S', 'Q');
	}
	s->rec.srv_queue = srv ? queue_length(srv->rt->queue) : 0;
	s->rec.be_queue = srv ? 0 : queue_length(s->be->be.rt->queue);
	s->ticket = queue_wait(s->worker, &s->be->be, srv, s, on_granted,
	    queue_order(s->prio_class, (int64_t)worker_now_ms(s->worker) + s->prio_offset_ms),
	    &granted);
	if (granted) {
		assigned(s, granted);
		return STEP_AGAIN;
	}
	if (!s->ticket)
		return stream_error(s, 503, 'R', 'Q');
	if (srv) {
		s->rec.srv_queue++;
		s->rec.server = logged_name(s, srv);
	} else {
		s->rec.be_queue++;
	}
	stream_enter(s, ST_QUEUE);
	return STEP_WAIT;
}

static enum step no_server(struct stream *s)
{
	counter_add(&backend_counters(&s->be->be, s->worker)->failed_conn, 1);
	return stream_error(s, 503, 'S', 'C');
}

static enum step balance(struct stream *s)
{
	struct backend *be = &s->be->be;
	struct balance_call call = { .worker = s->worker, .avoid = s->srv_failed };
	struct server *srv = NULL;
	if (be->balance.ops->key) {
		s->cx.wait_body = false;
		if (stream_is_http(s))
			stream_show_body(s);
		call.has_key = balance_key(be, &s->cx, &call.key);
		if (!call.has_key && s->cx.wait_body)
			return stream_wait_body(s, ST_ASSIGN);
	}
	for (unsigned tries = 0; tries < PICK_TRIES; tries++) {
		switch (balance_pick(be, &call, &srv)) {
		case BALANCE_NONE:
			return no_server(s);
		case BALANCE_FULL:
			return wait_in_queue(s, NULL);
		case BALANCE_OK:
			break;
		}
		if (server_slot_take(srv)) {
			counter_add(&server_counters(srv, s->worker)->lbtot, 1);
			counter_add(&backend_counters(be, s->worker)->lbtot, 1);
			assigned(s, srv);
			return STEP_AGAIN;
		}
		if (call.has_key)
			return wait_in_queue(s, srv);
	}
	return wait_in_queue(s, NULL);
}

enum step step_assign(struct stream *s)
{
	struct server *srv = by_persistence(s);
	if (!srv)
		return balance(s);
	if (server_slot_take(srv)) {
		assigned(s, srv);
		return STEP_AGAIN;
	}
	return wait_in_queue(s, srv);
}

/* ---- the client meanwhile ---- */

/* A client that is gone for good; a mere FIN counts only under option abortonclose. */
static bool client_gone(const struct stream *s)
{
	uint16_t flags = s->ce->conn->flags;
	if (flags & CONN_ERROR)
		return true;
	return (flags & CONN_PEER_CLOSED) &&
	       ((s->be->options | s->fe->options) & PR_O_ABORTONCLOSE) &&
	       (s->ce->flags & EP_IN_END);
}

static enum step client_aborted(struct stream *s, char phase)
{
	if (phase == 'Q')
		s->rec.t.queue = stream_now_us(s);
	counter_add(&fe_counters(s)->cli_aborts, 1);
	counter_add(&backend_counters(&s->be->be, s->worker)->cli_aborts, 1);
	return stream_error(s, 0, 'C', phase); /* nobody is there to read an answer */
}

enum step step_queue(struct stream *s)
{
	bool gone = client_gone(s);
	if (!gone && !(s->flags & SF_TIMEOUT))
		return STEP_WAIT;
	queue_leave(s->worker, s->ticket);
	s->ticket = NULL;
	s->rec.t.queue = stream_now_us(s);
	if (gone)
		return client_aborted(s, 'Q');
	counter_add(&backend_counters(&s->be->be, s->worker)->failed_conn, 1);
	return stream_error(s, 503, 's', 'Q');
}

enum step step_pause(struct stream *s)
{
	if (client_gone(s))
		return client_aborted(s, 'C');
	if (!(s->flags & SF_TIMEOUT))
		return STEP_WAIT;
	stream_enter(s, ST_CONNECT);
	return STEP_AGAIN;
}

/* ---- connecting ---- */

/* What rules and logs can say of a connection to a server once it is gone. */
static void note_error(struct stream *s, const struct conn *c)
{
	const struct tls_info *tls = tls_info(c);
	s->bc_error = c->error;
	s->bc_fault = tls ? tls->fault : TLS_FAULT_NONE;
}

void stream_hold_connection(struct stream *s)
{
	if (!s->sc)
		return;
	server_conn_put(s->sc_left);
	s->sc_left = conn_is_tls(&s->sc->m.conn) ? server_conn_hold(s->sc) : NULL;
}

void stream_leave_server(struct stream *s, bool keep)
{
	bulk_done(&s->up_bulk, s->ce);
	bulk_done(&s->down_bulk, s->ce);
	if (s->se) {
		struct endpoint *se = s->se;
		if (se->conn->flags & CONN_ERROR)
			note_error(s, se->conn);
		bool close = (s->flags & SF_CLOSE_SERVER) || !keep;
		/* a server that is still at work shall learn that nobody wants the rest */
		bool unfinished = close && !(se->flags & (EP_IN_END | EP_IN_CLOSED)) &&
				  (stream_is_http(s) || endpoint_failed(s->ce));
		s->se_flags = se->flags | (endpoint_failed(se) ? EP_ERROR : 0);
		s->se_requests = s->sc ? s->sc->requests : 0;
		s->se = NULL;
		s->sc = NULL;
		se->ops->detach(se, !close, unfinished || (s->be->options & PR_O_NOLINGER));
	}
	list_del(&s->on_server);
	server_conn_await_end(&s->wait);
	if (s->flags & SF_SLOT) {
		s->flags &= ~SF_SLOT;
		server_slot_release(s->worker, s->srv);
	}
}

/*
 * Whether the retry that was just counted goes to another server: option redispatch [interval]; without one, or
 * with 0, only the last retry; a negative interval counts from the last one backwards.
 */
bool stream_wants_redispatch(const struct stream *s)
{
	int interval = s->be->redispatch_interval;
	if (!(s->be->options & PR_O_REDISPATCH))
		return false;
	if (interval > 0)
		return s->rec.retries % (unsigned)interval == 0;
	if (interval < 0)
		return (int)s->rec.retries == stream_retries(s) + interval + 1;
	return s->conn_tries == 0;
}

/* After a failed attempt: the same server after a pause, another one at once, or the end. */
static enum step connect_failed(struct stream *s, bool timeout)
{
	struct server *srv = s->srv;
	struct counters *sc = server_counters(srv, s->worker);
	struct counters *bc = backend_counters(&s->be->be, s->worker);
	s->flags |= SF_CLOSE_SERVER;
	if (s->se) {
		struct endpoint *se = s->se;
		note_error(s, se->conn);
		counter_add(&sc->ssl_failed, s->bc_fault != TLS_FAULT_NONE);
		if (timeout)
			s->bc_error = ETIMEDOUT;
		stream_hold_connection(s);
		s->se = NULL;
		s->sc = NULL;
		se->ops->detach(se, false, false);
		list_del(&s->on_server); /* the next connection puts it there again */
	}
	s->flags &= ~SF_CLOSE_SERVER;
	if (s->conn_tries == 0) {
		counter_add(&sc->failed_conn, 1);
		counter_add(&bc->failed_conn, 1);
		return stream_error(s, 503, timeout ? 's' : 'S', 'C');
	}
	s->conn_tries--;
	s->rec.retries++;
	bool redispatch = stream_wants_redispatch(s);
	if (redispatch || !server_is_usable(srv)) {
		counter_add(&sc->redispatches, 1);
		counter_add(&bc->redispatches, 1);
		s->flags |= SF_REDISPATCHED;
		s->flags &= ~SF_BY_COOKIE;
		if (s->rec.flags.cookie_in == 'V') /* the server it names does not answer */
			s->rec.flags.cookie_in = 'D';
		s->rec.redispatched = true;
		s->srv_failed = srv;
		stream_leave_server(s, false);
		stream_enter(s, ST_ASSIGN);
		return STEP_AGAIN;
	}
	counter_add(&sc->retries, 1);
	counter_add(&bc->retries, 1);
	stream_enter(s, timeout ? ST_CONNECT : ST_PAUSE);
	return timeout ? STEP_AGAIN : STEP_WAIT;
}

/* Configuration manual: http-reuse. */
static struct reuse_rule reuse_rule(const struct stream *s)
{
	enum reuse_scope idle = REUSE_OWN, shared = REUSE_OWN;
	switch (s->be->reuse) {
	case REUSE_ALWAYS:
		idle = shared = REUSE_ANY;
		break;
	case REUSE_AGGRESSIVE:
		idle = shared = s->cli->requests ? REUSE_ANY : REUSE_PROVEN;
		break;
	case REUSE_SAFE:
		/* who is slow shall not be in the way of others: one that is in use is its client's */
		idle = s->cli->requests ? REUSE_ANY : REUSE_OWN;
		break;
	default:
		break;
	}
	return (struct reuse_rule){ .owner = s->cli->id, .idle = idle, .shared = shared };
}

static bool closes_server(const struct stream *s)
{
	uint64_t options = s->fe->options | s->be->options;
	return options & (PR_O_HTTPCLOSE | PR_O_SERVER_CLOSE);
}

/* Where srv is for this client: its address, with the port the client wanted where the configuration says so. */
static int destination(struct stream *s, struct net_addr *ret)
{
	const struct server_dest *d = atomic_load_explicit(&s->srv->rt->dest, memory_order_acquire);
	const struct net_peer *dst;
	unsigned port;
	*ret = d->addr;
	if (s->srv->addr_transparent) {
		dst = stream_rule_host.dst(s);
		if (!dst)
			return -EADDRNOTAVAIL;
		unsigned own_port = d->port;
		net_addr_from_peer(ret, dst);
		if (own_port && d->port_mode == NET_PORT_FIXED)
			net_addr_set_port(ret, own_port);
		return 0;
	}
	if (d->port_mode == NET_PORT_FIXED || d->addr.sa.sa_family == AF_UNIX)
		return 0;
	dst = stream_rule_host.dst(s);
	port = dst ? net_peer_port(dst) : 0;
	if (d->port_mode == NET_PORT_PLUS)
		port += d->port;
	else if (d->port_mode == NET_PORT_MINUS)
		port -= d->port;
	net_addr_set_port(ret, port & 0xffff);
	return 0;
}

#define HDR_IP_ELEMENTS 16

/* The address that "usesrc hdr_ip(name,occ)" names: occ counts from 1, or from the last one backwards from -1. */
static bool header_address(const struct stream *s, struct net_addr *ret)
{
	const struct server *srv = s->srv;
	struct http_list_walk walk = { .started = false };
	struct slice element, last[HDR_IP_ELEMENTS];
	int n = 0, occ = srv->source_hdr_occ ? srv->source_hdr_occ : -1;
	while (http_list_next(&s->req, slice_str(srv->source_hdr), &walk, &element)) {
		last[n++ % HDR_IP_ELEMENTS] = element;
		if (n == occ)
			return net_ip_parse(element, ret) == 0;
	}
	if (occ > 0 || n + occ < 0 || -occ > HDR_IP_ELEMENTS)
		return false;
	return net_ip_parse(last[(n + occ) % HDR_IP_ELEMENTS], ret) == 0;
}

/* The source address of the connection where it depends on the client. */
static void choose_source(struct stream *s, struct net_connect_opts *opts, struct net_addr *source)
{
	const struct server *srv = s->srv;
	*opts = srv->connect;
	if (s->bc_tos >= 0)
		opts->tos = s->bc_tos;
	if (s->flags & SF_BC_MARK)
		opts->mark = s->bc_mark;
	if (srv->source_use == SOURCE_PLAIN)
		return;
	opts->transparent = true;
	if (srv->source_use == SOURCE_HDR_IP) {
		if (!stream_is_http(s) || !header_address(s, source))
			return;
	} else {
		net_addr_from_peer(source, s->cx.src);
		if (srv->source_use == SOURCE_CLIENTIP)
			net_addr_set_port(source, 0);
	}
	opts->source = source;
}

/* Ties an endpoint of the connection to the stream. */
static void use_endpoint(struct stream *s, struct endpoint *ep)
{
	s->se = ep;
	ep->ops->attach(ep, s, stream_wake, &s->res, &s->down, &s->arena);
}

static int use_connection(struct stream *s, struct server_conn *sc)
{
	s->sc = sc;
	s->server_ms = worker_now_ms(s->worker);
	s->res.hdrs_n = 0;
	struct endpoint *ep = server_conn_endpoint(sc);
	if (!ep)
		return -ENOMEM;
	use_endpoint(s, ep);
	list_add_tail(&s->srv->rt->local[s->worker->id].streams, &s->on_server);
	return 0;
}

/* Hands the request head to the connection, which is established. */
static int start_request(struct stream *s)
{
	http_msg_init(&s->down_trailers, s->down_trailers.hdrs, s->down_trailers.hdrs_max);
	if (!(s->fe->options & PR_O_DROP_RES_TRAILERS))
		s->se->trailers = &s->down_trailers;
	if (!(s->be->options & PR_O_DROP_REQ_TRAILERS))
		s->se->ops->trailers(s->se, &s->up_trailers);
	if (s->req.method == HTTP_HEAD)
		s->se->h1_flags |= H1_FOR_HEAD;
	else if (s->req.method == HTTP_CONNECT)
		s->se->h1_flags |= H1_FOR_CONNECT;
	if (s->be->options & PR_O_UNSAFE_RES)
		s->se->h1_flags |= H1_ACCEPT_UNSAFE;
	if (s->be->send_name_header.len) {
		http_hdr_del_all(&s->req, s->be->send_name_header);
		if (http_hdr_add(&s->req, s->be->send_name_header, slice_str(s->srv->name)) < 0)
			return -ENOBUFS;
	}
	s->sc->reusable = !closes_server(s);
	bool close = closes_server(s) && !(s->be->options & PR_O_PRETEND_KEEPALIVE);
	return s->se->ops->send_head(s->se, &s->req, close);
}

static void note_session(struct gauges *g, uint64_t now_s)
{
	if (atomic_load_explicit(&g->last_session_s, memory_order_relaxed) != now_s)
		atomic_store_explicit(&g->last_session_s, now_s, memory_order_relaxed);
}

/* One more session on the server; an attempt to connect that fails was one too. */
static void count_session(struct stream *s)
{
	struct server_rt *rt = s->srv->rt;
	uint64_t now_s = (uint64_t)clock_wall_s(&s->worker->clock);
	note_session(&rt->g, now_s);
	note_session(&s->be->be.rt->g, now_s);
	counter_inc(&rt->counters[s->worker->id].sess_tot);
	counters_rate_add(rt->counters, worker_count(s->worker->group), s->worker->id,
	    offsetof(struct counters, sess_rate), &rt->g.sess_rate_max, worker_now_ms(s->worker));
}

/* ---- a connection that another stream opens ---- */

static void told(struct server_wait *wait)
{
	struct stream *s = container_of(wait, struct stream, wait);
	task_wake(s->worker, &s->again);
}

static bool await(struct stream *s, const struct server_wish *wish, const struct reuse_rule *rule)
{
	if (s->has_waited || list_is_empty(&s->srv->rt->local[s->worker->id].opening))
		return false;
	s->wait.told = told;
	return server_conn_await(s->worker, s->srv, wish, rule, &s->wait);
}

/* Whatever became of it, the stream looks for itself, and waits no second time. */
enum step step_await(struct stream *s)
{
	bool gone = client_gone(s);
	if (!gone && s->wait.sc && !(s->flags & SF_TIMEOUT))
		return STEP_WAIT;
	server_conn_await_end(&s->wait);
	if (gone)
		return client_aborted(s, 'C');
	s->has_waited = true;
	stream_enter(s, ST_CONNECT);
	return STEP_AGAIN;
}

static struct server_conn *get_connection(struct stream *s, int *ret_error)
{
	struct server_conn *sc = NULL;
	struct net_connect_opts opts;
	struct net_addr to, source;
	struct server_wish wish;
	*ret_error = stream_wish(s, &wish);
	if (*ret_error < 0)
		return NULL;
	if (stream_is_http(s) && !closes_server(s) && !(s->flags & SF_CLOSE_SERVER)) {
		struct reuse_rule rule = reuse_rule(s);
		sc = server_conn_reuse(s->worker, s->srv, &wish, &rule);
		if (!sc && await(s, &wish, &rule)) {
			*ret_error = -EALREADY;
			return NULL;
		}
	}
	if (sc) {
		s->flags |= SF_REUSED;
		count_session(s);
		counter_add(&server_counters(s->srv, s->worker)->reuse_tot, 1);
		counter_add(&backend_counters(&s->be->be, s->worker)->reuse_tot, 1);
		return sc;
	}
	s->flags &= ~SF_REUSED;
	*ret_error = destination(s, &to);
	if (*ret_error < 0)
		return NULL;
	choose_source(s, &opts, &source);
	const struct net_addr *via = s->srv->socks4.len ? &s->srv->socks4 : &to;
	sc = server_conn_open(s->worker, s->srv, via, &opts, stream_is_http(s), &wish, ret_error);
	if (!sc)
		return NULL;
	count_session(s);
	counter_add(&backend_counters(&s->be->be, s->worker)->connect_tot, 1);
	sc->owner = s->cli->id;
	*ret_error = stream_make_preface(s, sc, &to);
	if (*ret_error == 0)
		*ret_error = server_conn_secure(sc);
	if (*ret_error < 0) {
		server_conn_close(sc);
		return NULL;
	}
	if (!closes_server(s))
		server_conn_announce(sc);
	return sc;
}

/* Another attempt: of the failed ones only the last counts. */
static void forget_left(struct stream *s)
{
	server_conn_put(s->sc_left);
	s->sc_left = NULL;
	s->bc_error = 0;
	s->bc_fault = TLS_FAULT_NONE;
	s->early = false;
}

enum step step_connect(struct stream *s)
{
	int error = 0;
	if (unlikely(s->sc_left || s->bc_error || s->early))
		forget_left(s);
	if (stream_is_http(s) && !(s->flags & SF_REQ_SENT)) {
		if (stream_finish_request(s) < 0)
			return stream_error(s, 500, 'I', 'C');
		s->flags |= SF_REQ_SENT;
	}
	stream_response_vars(s);
	struct server_conn *sc = get_connection(s, &error);
	if (error == -EALREADY) {
		stream_enter(s, ST_AWAIT);
		return STEP_WAIT;
	}
	if (!sc) {
		s->bc_error = (uint16_t)-error;
		if (error == -EMFILE || error == -ENFILE || error == -ENOMEM ||
		    error == -EADDRNOTAVAIL) {
			counter_add(&backend_counters(&s->be->be, s->worker)->failed_conn, 1);
			return stream_error(s, 503, 'R', 'C');
		}
		return connect_failed(s, false);
	}
	if (use_connection(s, sc) < 0)
		return stream_error(s, 500, 'R', 'C');
	stream_enter(s, ST_CONNECTING);
	return STEP_AGAIN;
}

/* Both ends of the connection to the server, for logs that show them: one of them costs a system call. */
static void note_ends(struct stream *s)
{
	struct net_addr *to = arena_new(&s->arena, struct net_addr);
	struct net_peer *from = arena_new(&s->arena, struct net_peer);
	if (to && destination(s, to) == 0)
		s->rec.server_addr = &to->sa;
	if (from && net_local_peer(s->se->conn->io.fd, from) == 0)
		s->rec.server_src = &from->sa;
}

/* The connection was established for this stream: what it speaks is known now. 0 or -ENOMEM. */
static int start_h2(struct stream *s)
{
	struct endpoint *ep;
	s->se->stream = NULL;
	s->se = &s->sc->m.ep;
	if (server_conn_start_h2(s->sc) < 0 || !(ep = server_conn_endpoint(s->sc)))
		return -ENOMEM;
	use_endpoint(s, ep);
	return 0;
}

static bool speaks_h2(const struct stream *s)
{
	return stream_is_http(s) && !s->sc->h2 &&
	       (s->sc->wish.proto == SERVER_PROTO_H2 ||
		   slice_eq(tls_alpn(&s->sc->m.conn), SLICE("h2")));
}

static void count_handshake(struct stream *s)
{
	const struct tls_info *info = tls_info(s->se->conn);
	struct counters *c = server_counters(s->srv, s->worker);
	if (!info || (s->flags & SF_REUSED))
		return;
	/* early data goes ahead of a handshake that resumes */
	s->early = !info->handshaken;
	counter_add(&c->ssl_sess, 1);
	counter_add(&c->ssl_reused, info->resumed || s->early);
}

static enum step connected(struct stream *s)
{
	count_handshake(s);
	if (speaks_h2(s) && start_h2(s) < 0)
		return stream_error(s, 500, 'R', 'C');
	if (unlikely(list_is_linked(&s->sc->opening)))
		server_conn_opened(s->sc);
	s->rec.t.connected = stream_now_us(s);
	if (s->fe->logs_server_ends)
		note_ends(s);
	stream_log(s, LOG_STEP_CONNECT);
	s->cli->last_server = s->srv;
	s->server_ms = s->client_ms = worker_now_ms(s->worker);
	if (stream_is_http(s)) {
		int r = start_request(s);
		if (r == -EPROTONOSUPPORT) /* an upgrade that the server does not know of */
			return stream_error(s, 502, 'S', 'H');
		if (r < 0)
			return stream_error(s, 500, 'I', 'C');
		stream_enter(s, ST_RES_HEAD);
	} else {
		s->flags |= SF_TUNNELLED;
		if (s->be->rules[RULES_TCP_RES_CONTENT].first)
			s->flags |= SF_RES_INSPECT;
		stream_enter(s, ST_TUNNEL);
	}
	return STEP_AGAIN;
}

enum step step_connecting(struct stream *s)
{
	if (client_gone(s))
		return client_aborted(s, 'C');
	if (endpoint_failed(s->se))
		return connect_failed(s, false);
	if (!(s->se->flags & EP_CONNECTING)) {
		int ready = stream_preface_step(s);
		if (ready)
			return ready < 0 ? connect_failed(s, false) : connected(s);
	}
	if (s->flags & SF_TIMEOUT)
		return connect_failed(s, true);
	return STEP_WAIT;
}
