/* SPDX-License-Identifier: MIT */
/*
 * The connection to the server that was chosen: an idle one, one that another stream opens, or a new one, and what
 * happens when that fails. A stream holds a slot of its server from ST_CONNECT until stream_leave_server(). Client's
 * worker.
 */
#include "stream.h"
#include "stream_facts.h"

#include "weir/tls/transport.h"
#include <errno.h>

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
	bool gone = stream_client_gone(s);
	if (!gone && s->wait.sc && !(s->flags & SF_TIMEOUT))
		return STEP_WAIT;
	server_conn_await_end(&s->wait);
	if (gone)
		return stream_client_aborted(s, 'C');
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
	if (stream_client_gone(s))
		return stream_client_aborted(s, 'C');
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
