/* SPDX-License-Identifier: MIT */
/*
 * A stream's life and its driver: making it, running its steps, its one timer, and its end. The steps are in
 * the stream_*.c files, one a phase.
 *
 * The timer is lazy: activity only notes the time; when the timer fires the deadline is computed afresh and the
 * timer armed for the rest. Client's worker only.
 */
#include "stream.h"
#include "stream_facts.h"

#include <errno.h>

static stream_step *const steps[ST_N] = {
	[ST_REQ_HEAD] = step_req_head,
	[ST_FE_CONTENT] = step_fe_content,
	[ST_FE_RULES] = step_fe_rules,
	[ST_ROUTE] = step_route,
	[ST_BE_CONTENT] = step_be_content,
	[ST_BE_RULES] = step_be_rules,
	[ST_REQ_BODY] = step_req_body,
	[ST_TARPIT] = step_tarpit,
	[ST_ASSIGN] = step_assign,
	[ST_QUEUE] = step_queue,
	[ST_PAUSE] = step_pause,
	[ST_AWAIT] = step_await,
	[ST_CONNECT] = step_connect,
	[ST_CONNECTING] = step_connecting,
	[ST_RES_HEAD] = step_res_head,
	[ST_RES_CONTENT] = step_res_content,
	[ST_RES_RULES] = step_res_rules,
	[ST_FORWARD] = step_forward,
	[ST_TUNNEL] = step_tunnel,
	[ST_REPLY] = step_reply,
};

static timer_fn on_timer;

static void on_again(struct worker *w, struct task *task)
{
	(void)w;
	stream_run(container_of(task, struct stream, again));
}

void stream_wake(struct endpoint *ep)
{
	stream_run(ep->stream);
}

void stream_enter(struct stream *s, enum stream_state state)
{
	s->state = (uint8_t)state;
	s->since_ms = worker_now_ms(s->worker);
	s->flags &= ~SF_TIMEOUT;
}

void stream_flag(struct stream *s, char cause, char phase)
{
	if (s->rec.flags.cause != '-')
		return;
	s->rec.flags.cause = cause;
	s->rec.flags.phase = phase;
}

/* ---- birth ---- */

void stream_number(struct stream *s)
{
	struct process *p = proxy_local(s->worker)->process;
	s->rec.request_counter = atomic_fetch_add_explicit(&p->sessions, 1, memory_order_relaxed);
}

static void init_record(struct stream *s)
{
	struct client *c = s->cli;
	struct record_times *t = &s->rec.t;
	s->rec.flags = (struct record_flags){ '-', '-', '-', '-' };
	s->rec.status = -1;
	s->rec.http = stream_is_http(s);
	s->rec.asap = s->fe->options & PR_O_LOGASAP;
	s->rec.frontend = slice_str(s->fe->name);
	s->rec.backend = s->rec.frontend;
	s->rec.server = SLICE("<NOSRV>");
	s->rec.listener_id = c->bind->id;
	client_note_tls(c, &s->rec);
	if (!s->rec.http)
		stream_number(s);
	t->accept = c->accept_us;
	t->accept_wall = c->accept_wall_us;
	t->handshake = c->handshake_us;
	if (stream_has_input(s) || !stream_is_http(s)) {
		t->idle_end = s->worker->clock.mono_us;
		t->request_wall = s->worker->clock.wall_us;
	}
}

static bool init_captures(struct stream *s)
{
	unsigned n = s->fe->req_captures_n + s->fe->res_captures_n;
	if (!n)
		return true;
	s->captures = arena_array(&s->arena, struct slice, n);
	if (!s->captures)
		return false;
	s->rec.req_captures = s->captures;
	s->rec.req_captures_n = s->fe->req_captures_n;
	s->rec.res_captures = s->captures + s->fe->req_captures_n;
	s->rec.res_captures_n = s->fe->res_captures_n;
	return true;
}

static void init_messages(struct stream *s)
{
	unsigned max = s->fe->config->global.maxhdr;
	s->hdrs = (struct http_hdr *)(s + 1);
	http_msg_init(&s->req, s->hdrs, max);
	http_msg_init(&s->res, s->hdrs + max, max);
	http_msg_init(&s->up_trailers, NULL, 0);
	http_msg_init(&s->down_trailers, NULL, 0);
}

static void init_rules(struct stream *s)
{
	s->cx.host = &stream_rule_host;
	s->cx.stream = s;
	s->cx.worker = s->worker;
	s->cx.arena = &s->arena;
	s->cx.src = &s->cli->src;
	s->cx.value_max = 4 * s->fe->config->global.bufsize;
	s->cx.vars.list[VAR_SESS] = &s->cli->vars;
	s->cx.vars.list[VAR_TXN] = &s->txn_vars;
	s->cx.vars.list[VAR_REQ] = &s->req_vars;
	s->cx.vars.limits = &s->fe->config->global.vars;
}

struct stream *stream_new(struct client *cli, struct endpoint *ep)
{
	struct worker *w = cli->m.conn.worker;
	struct proxy_local *l = proxy_local(w);
	struct stream *s = pool_get(&l->streams);
	if (!s)
		return NULL;
	memset(s, 0, offsetof(struct stream, up));
	inflow_init(&s->up);
	inflow_init(&s->down);
	s->worker = w;
	s->cli = cli;
	s->fe = cli->fe;
	s->ce = ep;
	s->id = ++l->stream_serial;
	s->timeout = s->fe->timeout;
	s->log_level = -1;
	s->retries = -1;
	s->bc_tos = -1;
	s->flags = s->fe->config->global.profiling_tasks ? SF_PROFILED : 0;
	arena_init_pool(&s->arena, &l->blocks);
	init_messages(s);
	init_record(s);
	init_rules(s);
	timer_init(&s->timer, on_timer);
	task_init(&s->again, on_again);
	list_init(&s->on_server);
	list_add_tail(&l->stream_list, &s->all);
	l->streams_n++;
	s->client_ms = s->server_ms = worker_now_ms(w);
	ep->ops->attach(ep, s, stream_wake, &s->req, &s->up, &s->arena);
	s->ce->trailers = &s->up_trailers;
	if (s->fe->options & PR_O_UNSAFE_REQ)
		s->ce->h1_flags |= H1_ACCEPT_UNSAFE;
	stream_enter(s, stream_is_http(s) ? ST_REQ_HEAD : ST_FE_CONTENT);
	atomic_fetch_add_explicit(&l->process->jobs, 1, memory_order_relaxed);
	if (!init_captures(s))
		s->ce->flags |= EP_NO_MEMORY;
	return s;
}

/* ---- end ---- */

static void end_vars(struct stream *s)
{
	const struct var_limits *limits = s->cx.vars.limits;
	var_list_end(&s->txn_vars, VAR_TXN, limits);
	var_list_end(&s->req_vars, VAR_REQ, limits);
	var_list_end(&s->res_vars, VAR_RES, limits);
}

static void stream_end(struct stream *s)
{
	struct proxy_local *l = proxy_local(s->worker);
	struct endpoint *ce = s->ce;
	bool reset = s->fe->options & PR_O_NOLINGER;
	s->rec.t.close = stream_now_us(s);
	stream_note_gauges(s, true);
	stream_count_end(s);
	stream_log(
	    s, LOG_STEP_CLOSE); /* may ask of the connection to the server, so before it is left */
	stream_leave_server(s, true);
	server_conn_put(s->sc_left);
	if (s->flags & SF_COUNTED_BE)
		atomic_fetch_sub_explicit(&s->be->be.rt->served, 1, memory_order_relaxed);
	queue_leave(s->worker, s->ticket);
	worker_timer_cancel(s->worker, &s->timer);
	task_cancel(&s->again);
	list_del(&s->all);
	l->streams_n--;
	bool keep = !(s->flags & SF_CLOSE_CLIENT);
	end_vars(s);
	struct arena arena = s->arena;
	atomic_fetch_sub_explicit(&l->process->jobs, 1, memory_order_relaxed);
	ce->ops->detach(ce, keep, reset);
	arena_reset(&arena);
	pool_put(&l->streams, s);
}

void stream_refused(struct stream *s, const char *why)
{
	s->rec.error = slice_str(why);
	s->flags |= SF_CLOSE_CLIENT;
	stream_end(s);
}

/* ---- deadlines ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return !a ? b : !b ? a : MIN(a, b);
}

static uint64_t after(uint64_t since, unsigned timeout_ms)
{
	return timeout_ms ? since + timeout_ms : 0;
}

static uint64_t connect_turnaround(const struct stream *s)
{
	unsigned connect = s->timeout.connect;
	return s->since_ms + (connect && connect < 1000 ? connect : 1000);
}

/* While payload may flow: each side's own clock, as far as that side is being waited for. */
static uint64_t forward_deadline(const struct stream *s)
{
	bool up_done = s->ce->flags & (EP_IN_END | EP_IN_CLOSED);
	bool down_done = !s->se || (s->se->flags & (EP_IN_END | EP_IN_CLOSED));
	bool up_blocked = s->se && (s->se->flags & EP_OUT_BLOCKED);
	bool down_blocked = s->ce->flags & EP_OUT_BLOCKED;
	uint64_t deadline = 0;
	if ((!up_done && !up_blocked) || down_blocked)
		deadline = after(s->client_ms, s->timeout.client);
	if ((!down_done && !down_blocked && (up_done || s->state != ST_RES_HEAD)) || up_blocked)
		deadline = sooner(deadline, after(s->server_ms, s->timeout.server));
	return deadline;
}

static uint64_t tunnel_deadline(const struct stream *s)
{
	unsigned client = s->timeout.client, server = s->timeout.server;
	if (s->timeout.tunnel)
		client = server = s->timeout.tunnel;
	if ((s->flags & (SF_UP_SHUT | SF_DOWN_SHUT))) {
		if (s->timeout.client_fin && (s->flags & SF_DOWN_SHUT))
			client = s->timeout.client_fin;
		if (s->timeout.server_fin && (s->flags & SF_UP_SHUT))
			server = s->timeout.server_fin;
	}
	uint64_t at = sooner(after(s->client_ms, client), after(s->server_ms, server));
	return s->flags & SF_RES_INSPECT ? sooner(at, s->rule_until_ms) : at;
}

static uint64_t deadline(const struct stream *s)
{
	const struct proxy_timeouts *t = &s->timeout;
	unsigned head = t->http_request ? t->http_request : t->client;
	switch ((enum stream_state)s->state) {
	case ST_REQ_HEAD:
		return after(s->since_ms, head);
	case ST_FE_CONTENT:
	case ST_FE_RULES:
	case ST_BE_CONTENT:
	case ST_BE_RULES:
		return s->rule_until_ms ? s->rule_until_ms : after(s->since_ms, t->client);
	case ST_RES_CONTENT:
	case ST_RES_RULES:
		return s->rule_until_ms ? s->rule_until_ms : after(s->since_ms, t->server);
	case ST_REQ_BODY:
		return s->body_wait_ms ? s->since_ms + s->body_wait_ms : after(s->since_ms, head);
	case ST_TARPIT:
		return after(s->since_ms, t->tarpit ? t->tarpit : t->connect);
	case ST_QUEUE:
		return after(s->since_ms, t->queue ? t->queue : t->connect);
	case ST_PAUSE:
		return connect_turnaround(s);
	case ST_AWAIT:
	case ST_CONNECTING:
		return after(s->since_ms, t->connect);
	case ST_RES_HEAD:
	case ST_FORWARD:
		return forward_deadline(s);
	case ST_TUNNEL:
		return tunnel_deadline(s);
	case ST_REPLY:
		return after(s->client_ms, t->client);
	default:
		return 0;
	}
}

static void on_timer(struct worker *w, struct timer *t)
{
	struct stream *s = container_of(t, struct stream, timer);
	uint64_t at = deadline(s);
	if (!at)
		return;
	if (at > worker_now_ms(w)) {
		timer_arm(&w->wheel, t, at);
		return;
	}
	s->flags |= SF_TIMEOUT;
	stream_run(s);
}

/* ---- driver ---- */

/* Runs steps from that result on, until one waits or the stream is over. */
static void drive(struct stream *s, enum step next)
{
	while (next == STEP_AGAIN)
		next = steps[s->state](s);
	s->flags &= ~(SF_RUNNING | SF_TIMEOUT);
	if (next == STEP_DONE) {
		stream_end(s);
		return;
	}
	if (unlikely(s->flags & SF_PROFILED))
		stream_profile_stop(s);
	uint64_t at = deadline(s);
	if (at)
		timer_arm_sooner(&s->worker->wheel, &s->timer, at);
}

void stream_run(struct stream *s)
{
	if (s->flags & SF_RUNNING)
		return;
	s->flags |= SF_RUNNING;
	s->calls++;
	if (unlikely(s->flags & SF_PROFILED))
		stream_profile_start(s);
	drive(s, STEP_AGAIN);
}

/* The phase of the termination state in which a stream is that something outside ends. */
static char phase_of(const struct stream *s)
{
	static const char phase[ST_N] = { [ST_REQ_HEAD] = 'R',
		[ST_QUEUE] = 'Q',
		[ST_AWAIT] = 'C',
		[ST_CONNECTING] = 'C',
		[ST_RES_HEAD] = 'H',
		[ST_FORWARD] = 'D',
		[ST_TUNNEL] = 'D',
		[ST_REPLY] = 'L' };
	return phase[s->state] ? phase[s->state] : 'R';
}

void stream_abort(struct stream *s, char cause)
{
	unsigned status = s->state >= ST_RES_HEAD ? 502 : s->state >= ST_ASSIGN ? 503 : 0;
	if ((s->flags & SF_RUNNING) || s->state == ST_REPLY)
		return;
	s->flags |= SF_RUNNING | SF_CLOSE_CLIENT | SF_CLOSE_SERVER;
	drive(s, stream_error(s, status, cause, phase_of(s)));
}

void stream_kill(struct stream *s, char cause)
{
	if (s->flags & SF_RUNNING)
		return;
	stream_flag(s, cause, phase_of(s));
	s->flags |= SF_CLOSE_CLIENT | SF_CLOSE_SERVER;
	stream_end(s);
}
