/* SPDX-License-Identifier: MIT */
/*
 * Which server a stream goes to: persistence, balancing, and the queue where none is free. Client's worker.
 */
#include "stream.h"

#define PICK_TRIES 8

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

bool stream_client_gone(const struct stream *s)
{
	uint16_t flags = s->ce->conn->flags;
	if (flags & CONN_ERROR)
		return true;
	return (flags & CONN_PEER_CLOSED) &&
	       ((s->be->options | s->fe->options) & PR_O_ABORTONCLOSE) &&
	       (s->ce->flags & EP_IN_END);
}

enum step stream_client_aborted(struct stream *s, char phase)
{
	if (phase == 'Q')
		s->rec.t.queue = stream_now_us(s);
	counter_add(&fe_counters(s)->cli_aborts, 1);
	counter_add(&backend_counters(&s->be->be, s->worker)->cli_aborts, 1);
	return stream_error(s, 0, 'C', phase); /* nobody is there to read an answer */
}

enum step step_queue(struct stream *s)
{
	bool gone = stream_client_gone(s);
	if (!gone && !(s->flags & SF_TIMEOUT))
		return STEP_WAIT;
	queue_leave(s->worker, s->ticket);
	s->ticket = NULL;
	s->rec.t.queue = stream_now_us(s);
	if (gone)
		return stream_client_aborted(s, 'Q');
	counter_add(&backend_counters(&s->be->be, s->worker)->failed_conn, 1);
	return stream_error(s, 503, 's', 'Q');
}

enum step step_pause(struct stream *s)
{
	if (stream_client_gone(s))
		return stream_client_aborted(s, 'C');
	if (!(s->flags & SF_TIMEOUT))
		return STEP_WAIT;
	stream_enter(s, ST_CONNECT);
	return STEP_AGAIN;
}
