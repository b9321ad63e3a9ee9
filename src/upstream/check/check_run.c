/* SPDX-License-Identifier: MIT */
/*
 * Running health checks: each server's check belongs to one worker, where a timer starts it and its steps are taken
 * one after the other: connections are made, bytes are sent, answers are read. What came out goes to check_report().
 * Starting and stopping happen while the other workers stand still, so no check needs a lock of its own.
 */
#include <errno.h>
#include <unistd.h>

#include "check_internal.h"
#include "weir/net/proxy_proto.h"
#include "weir/net/socket.h"

#define CHECK_ARENA_BLOCK 4096

enum run_state {
	RUN_IDLE,
	RUN_CONNECTING,
	RUN_PREFACE, /* the SOCKS4 proxy is to answer */
	RUN_SENDING,
	RUN_RECEIVING,
};

struct check_run {
	struct server *s;
	struct worker *worker;
	enum run_state state;
	struct timer next;     /* start of the next check */
	struct timer deadline; /* of the one under way */
	struct io io;
	uint64_t started_us;
	uint32_t random;	       /* for spread-checks */
	const struct check_step *step; /* the one under way; NULL: the check is over */
	struct strbuf out;
	size_t sent;
	struct check_response *in;  /* while there is an answer to read */
	struct check_verdict found; /* by the last step that found something */
	bool to_proxy;		    /* the connection goes to the SOCKS4 proxy */
	struct net_addr target;
	/* of the formats and variables of one check */
	struct arena arena;
	struct var_list sess_vars, check_vars;
	struct rule_ctx cx;
};

static void take_steps(struct worker *w, struct check_run *r);
static void start_check(struct worker *w, struct timer *t);

static uint32_t random_next(struct check_run *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 17;
	r->random ^= r->random << 5;
	return r->random;
}

/* Interval to the next start, spread by the configured percentage up and down. */
static uint64_t interval_ms(struct check_run *r)
{
	uint64_t ms = check_interval_ms(r->s);
	unsigned spread = r->s->be->spread_checks;
	if (spread) {
		uint64_t range = ms * spread / 50;
		ms = ms - range / 2 + (range ? random_next(r) % (range + 1) : 0);
	}
	return ms ? ms : 1;
}

/* The connection and what belongs to it. */
static void drop_connection(struct worker *w, struct check_run *r)
{
	io_close(w, &r->io);
	strbuf_done(&r->out);
	r->out = STRBUF_INIT;
	r->sent = 0;
	free(r->in);
	r->in = NULL;
	r->cx.res = NULL;
	r->cx.res_buf = SLICE_NULL;
}

/* Frees what one run of a check used. */
static void clean_up(struct worker *w, struct check_run *r)
{
	drop_connection(w, r);
	worker_timer_cancel(w, &r->deadline);
	var_list_end(&r->check_vars, VAR_CHECK, NULL);
	var_list_end(&r->sess_vars, VAR_SESS, NULL);
	arena_reset(&r->arena);
	r->step = NULL;
	r->state = RUN_IDLE;
}

static void plan_next(struct worker *w, struct check_run *r)
{
	uint64_t since = (w->clock.mono_us - r->started_us) / 1000, wait = interval_ms(r);
	worker_timer_arm(w, &r->next, since < wait ? wait - since : 1);
}

static void finish(struct worker *w, struct check_run *r, enum check_status status,
    enum check_result result, unsigned code, const char *desc)
{
	unsigned ms = (unsigned)((w->clock.mono_us - r->started_us) / 1000);
	clean_up(w, r);
	check_report(w, r->s, status, result, code, ms, desc);
	plan_next(w, r);
}

/* Fails at the present step, which a tcp-check names. */
static void fail(struct worker *w, struct check_run *r, enum check_status status, const char *text)
{
	char desc[128], where[112];
	check_where(r->s->check->http, r->step, where, sizeof(where));
	snprintf(desc, sizeof(desc), "%s%s", text, where);
	finish(w, r, status, CHECK_RES_FAILED, 0, desc);
}

static void fail_errno(struct worker *w, struct check_run *r, int error)
{
	bool ours = error == EMFILE || error == ENFILE || error == EADDRNOTAVAIL ||
		    error == EAGAIN || error == ENOMEM || error == EPERM;
	enum check_status status = ours ? CHECK_SOCKERR : CHECK_L4CON;
	if (!ours && r->state == RUN_RECEIVING)
		status = CHECK_L7RSP;
	fail(w, r, status, strerror(error));
}

static void on_deadline(struct worker *w, struct timer *t)
{
	struct check_run *r = container_of(t, struct check_run, deadline);
	bool connected = r->state == RUN_SENDING || r->state == RUN_RECEIVING;
	enum check_status status = connected ? CHECK_L7TOUT : CHECK_L4TOUT;
	if (r->step && r->step->kind == STEP_EXPECT && r->step->expect.tout_status)
		status = r->step->expect.tout_status;
	fail(w, r, status, "");
}

/* The PROXY header of a check: the connection's own two ends, or LOCAL. */
static void add_preface(struct check_run *r)
{
	const struct server *s = r->s;
	char buf[PP_V1_MAX + 256];
	struct net_peer src = { .sa.sa_family = AF_UNSPEC }, dst = src;
	size_t len;
	const struct check_connect *c = &r->step->connect;
	if (!c->send_proxy && !(c->defaults && s->check->send_proxy))
		return;
	if (s->pp == SERVER_PP_V2) {
		len = pp_write_v2(&src, &dst, true, NULL, 0, s->pp2_options & SERVER_PP2_CRC32C,
		    buf, sizeof(buf));
	} else {
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof(peer);
		if (net_local_peer(r->io.fd, &src) == 0 &&
		    getpeername(r->io.fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
		    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
			memcpy(&dst, &peer, sizeof(dst));
		len = pp_write_v1(&src, &dst, buf);
	}
	strbuf_add(&r->out, buf, len);
}

/* Reads what there is. False: the connection failed, which was told. */
static bool read_more(struct worker *w, struct check_run *r)
{
	struct check_response *in = r->in;
	while (!check_response_over(in)) {
		ssize_t n = recv(r->io.fd, in->in + in->len, CHECK_RESPONSE_MAX - in->len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		/* what came ahead of a reset counts */
		if (n < 0 && in->len == 0) {
			fail_errno(w, r, errno);
			return false;
		}
		in->eof = n <= 0;
		in->len += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Whether the request that is answered was a HEAD. */
static bool asked_head(const struct check_run *r)
{
	const struct httpchk_conf *h = r->s->check->http;
	const char *method = h->method;
	for (const struct check_step *s = h->first; s && s != r->step; s = s->next)
		if (s->kind == STEP_SEND)
			method = s->send.method	       ? s->send.method
				 : s->send.from_option ? h->method
						       : "OPTIONS";
	return strcmp(method, "HEAD") == 0;
}

/* True: the step is done and good. */
static bool do_expect(struct worker *w, struct check_run *r)
{
	const struct httpchk_conf *h = r->s->check->http;
	r->state = RUN_RECEIVING;
	if (!r->in) {
		r->in = malloc(sizeof(*r->in));
		if (!r->in) {
			fail_errno(w, r, ENOMEM);
			return false;
		}
		r->in->len = 0;
		r->in->eof = false;
	}
	if (!read_more(w, r))
		return false;
	bool done = h->http ? check_http_judge(h, r->step, asked_head(r), r->in, &r->cx, &r->found)
			    : check_tcp_judge(r->step, r->in, &r->cx, &r->found);
	if (!done)
		return false;
	if (r->found.result == CHECK_RES_PASSED)
		return true;
	if (r->found.status == CHECK_L7OKC && r->step->expect.ok_status == CHECK_L7OKC)
		return true;
	finish(w, r, r->found.status, r->found.result, r->found.code, r->found.desc);
	return false;
}

/* The bytes of a "send" step. False: failed, which was told. */
static bool make_output(struct worker *w, struct check_run *r)
{
	const struct check_send *send = &r->step->send;
	const struct httpchk_conf *h = r->s->check->http;
	char state[512] = "";
	if (h->http) {
		if (h->send_state)
			check_state_text(r->s, state, sizeof(state));
		struct strbuf request = check_http_request(h, send, state, &r->cx);
		bool none = !request.ptr;
		strbuf_addslice(&r->out, strbuf_slice(&request));
		strbuf_done(&request);
		if (none) {
			fail(w, r, CHECK_SOCKERR, "the request cannot be made");
			return false;
		}
	} else {
		struct slice text = check_text_of(&send->body, &r->cx);
		if (send->hex && text.len)
			text = check_unhex(text, &r->arena);
		if (!text.ptr) {
			fail(w, r, CHECK_SOCKERR, "the text cannot be made");
			return false;
		}
		strbuf_addslice(&r->out, text);
	}
	if (!r->out.failed)
		return true;
	fail_errno(w, r, ENOMEM);
	return false;
}

/* True: all was sent. */
static bool send_out(struct worker *w, struct check_run *r)
{
	while (r->sent < r->out.len) {
		ssize_t n =
		    send(r->io.fd, r->out.ptr + r->sent, r->out.len - r->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				fail_errno(w, r, errno);
			return false;
		}
		r->sent += (size_t)n;
	}
	strbuf_clear(&r->out);
	r->sent = 0;
	return true;
}

/* True: the step is done. An answer to what was sent before is over. */
static bool do_send(struct worker *w, struct check_run *r)
{
	if (r->state != RUN_SENDING) {
		r->state = RUN_SENDING;
		if (r->in)
			r->in->len = 0;
		if (!make_output(w, r))
			return false;
	}
	if (!send_out(w, r))
		return false;
	r->found = (struct check_verdict){ .status = CHECK_L7OK, .result = CHECK_RES_PASSED };
	snprintf(r->found.desc, sizeof(r->found.desc), "%s",
	    r->s->check->http->http ? "" : "(tcp-check)");
	return true;
}

/* The connection is there: what goes ahead of all else was made, and is sent. True: the step is done. */
static bool say_hello(struct worker *w, struct check_run *r)
{
	r->state = RUN_SENDING;
	add_preface(r);
	if (r->out.failed) {
		fail_errno(w, r, ENOMEM);
		return false;
	}
	return send_out(w, r);
}

static void connected(struct worker *w, struct check_run *r)
{
	const struct backend *be = r->s->be;
	char request[64];
	if (be->check_timeout_ms && r->s->check->http->first->next)
		worker_timer_arm(w, &r->deadline, be->check_timeout_ms);
	if (r->to_proxy) {
		r->state = RUN_PREFACE;
		strbuf_add(&r->out, request, net_socks4_write(&r->target, request));
		(void)send_out(w, r);
	} else if (say_hello(w, r)) {
		take_steps(w, r);
	}
}

#define SOCKS4_ANSWER 8

/* The answer of the SOCKS4 proxy: 8 bytes, and no byte of the server behind it. */
static void read_socks4(struct worker *w, struct check_run *r)
{
	char answer[SOCKS4_ANSWER];
	ssize_t n = recv(r->io.fd, answer, sizeof(answer), MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	int granted = n > 0 ? net_socks4_answer(answer, (size_t)n) : -ECONNREFUSED;
	if (granted == 0)
		return;
	if (granted > 0 && recv(r->io.fd, answer, sizeof(answer), 0) != SOCKS4_ANSWER)
		granted = -ECONNREFUSED;
	r->to_proxy = false;
	if (granted < 0)
		fail_errno(w, r, -granted);
	else if (say_hello(w, r))
		take_steps(w, r);
}

static void on_io(struct worker *w, struct io *io, uint32_t events)
{
	struct check_run *r = container_of(io, struct check_run, io);
	if (r->state == RUN_CONNECTING) {
		int error = net_socket_error(io->fd);
		if (error)
			fail_errno(w, r, error);
		else if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			connected(w, r);
	} else if (r->state == RUN_PREFACE) {
		if (r->out.len == 0 || send_out(w, r))
			read_socks4(w, r);
	} else if (r->state == RUN_SENDING && r->step->kind == STEP_CONNECT) {
		if (send_out(w, r))
			take_steps(w, r);
	} else if (r->state == RUN_SENDING) {
		if (do_send(w, r))
			take_steps(w, r);
	} else if (r->state == RUN_RECEIVING) {
		if (do_expect(w, r))
			take_steps(w, r);
	}
}

/*
 * Where the check connects: what the step says, what commands set, what the server's line says about checks, or the
 * server's own place.
 */
static void check_target(struct check_run *r, const struct check_connect *c, struct net_addr *ret)
{
	const struct server *s = r->s;
	const struct server_dest *d = atomic_load_explicit(&s->rt->dest, memory_order_acquire);
	struct server_rt *rt = s->rt;
	struct sample number;
	pthread_mutex_lock(&rt->lock);
	unsigned port = rt->check->port ? rt->check->port : s->check->port;
	if (rt->check->addr.len)
		*ret = rt->check->addr;
	else
		*ret = s->check->addr.len ? s->check->addr : d->addr;
	pthread_mutex_unlock(&rt->lock);
	if (c->addr.len)
		*ret = c->addr;
	if (c->port)
		port = c->port;
	else if (c->port_expr && expr_eval(c->port_expr, &r->cx, SMP_SINT, &number) &&
		 number.sint > 0 && number.sint <= 65535)
		port = (unsigned)number.sint;
	net_addr_set_port(ret, port ? port : d->port);
}

static unsigned connect_timeout_ms(const struct server *s)
{
	const struct backend *be = s->be;
	if (be->check_timeout_ms && be->connect_timeout_ms)
		return MIN(be->connect_timeout_ms, s->check->inter_ms);
	return s->check->inter_ms;
}

/* Whether checks are to be made now; marks one as under way. */
static bool may_start(struct server_rt *rt)
{
	pthread_mutex_lock(&rt->lock);
	bool ok = !rt->check->paused && !(rt->admin & SERVER_MAINT);
	rt->check->running = ok;
	pthread_mutex_unlock(&rt->lock);
	return ok;
}

/* What is left of the time of a check without "timeout check", which bounds all its steps. */
static unsigned time_left_ms(const struct worker *w, const struct check_run *r)
{
	unsigned limit = connect_timeout_ms(r->s);
	uint64_t since = (w->clock.mono_us - r->started_us) / 1000;
	if (r->s->be->check_timeout_ms)
		return limit;
	return since < limit ? limit - (unsigned)since : 1;
}

static void do_connect(struct worker *w, struct check_run *r)
{
	const struct server *s = r->s;
	const struct check_connect *c = &r->step->connect;
	struct net_connect_opts opts = s->connect;
	int fd;
	drop_connection(w, r);
	r->found = (struct check_verdict){ .status = CHECK_L4OK, .result = CHECK_RES_PASSED };
	snprintf(r->found.desc, sizeof(r->found.desc), "%s", c->implicit ? "" : "(tcp-check)");
	check_target(r, c, &r->target);
	r->to_proxy = s->socks4.len && (c->via_socks4 || (c->defaults && s->check->via_socks4));
	opts.transparent = false;
	opts.tfo = false;
	opts.nolinger = !c->linger; /* leaves nothing behind in TIME_WAIT */
	r->state = RUN_CONNECTING;
	int status = net_connect(r->to_proxy ? &s->socks4 : &r->target, &opts, &fd);
	if (status < 0) {
		fail_errno(w, r, -status);
		return;
	}
	int error = io_add_edge(w, &r->io, fd, on_io);
	if (error < 0) {
		close(fd);
		r->io.fd = -1;
		fail_errno(w, r, -error);
		return;
	}
	worker_timer_arm(w, &r->deadline, time_left_ms(w, r));
	if (status == 0)
		connected(w, r);
}

/* From a step that is done to the next one that has to wait, or to the end. */
static void take_steps(struct worker *w, struct check_run *r)
{
	bool done = true;
	while (done) {
		r->step = r->state == RUN_IDLE ? r->s->check->http->first : r->step->next;
		if (!r->step) {
			finish(
			    w, r, r->found.status, r->found.result, r->found.code, r->found.desc);
			return;
		}
		if (r->state == RUN_IDLE || r->state == RUN_SENDING)
			r->state = RUN_RECEIVING; /* nothing is being sent */
		switch (r->step->kind) {
		case STEP_CONNECT:
			do_connect(w, r);
			return;
		case STEP_SEND:
			done = do_send(w, r);
			break;
		case STEP_EXPECT:
			done = do_expect(w, r);
			break;
		case STEP_VAR:
			var_line_run(r->step->var, &r->cx);
			break;
		case STEP_COMMENT:
			break;
		}
	}
}

static void start_check(struct worker *w, struct timer *t)
{
	struct check_run *r = container_of(t, struct check_run, next);
	r->started_us = w->clock.mono_us;
	if (!may_start(r->s->rt)) {
		plan_next(w, r);
		return;
	}
	r->cx = (struct rule_ctx){
		.host = &check_rule_host,
		.stream = r->s,
		.worker = w,
		.arena = &r->arena,
		.at = RULE_AT_CHECK,
		.req_final = true,
		.res_final = true,
	};
	r->cx.vars.list[VAR_SESS] = &r->sess_vars;
	r->cx.vars.list[VAR_CHECK] = &r->check_vars;
	take_steps(w, r);
}

int checks_start(struct worker *w, struct backend *be)
{
	struct clock now;
	unsigned n = 0, at = 0, workers = worker_count(w->group);
	for (unsigned i = 0; i < be->servers_n; i++)
		n += be->servers[i]->check != NULL;
	if (n == 0 || be->checks)
		return 0;
	be->checks = calloc(n, sizeof(*be->checks));
	if (!be->checks)
		return -ENOMEM;
	be->checks_n = n;
	clock_update(&now);
	worker_pause_others(w);
	for (unsigned i = 0; i < be->servers_n; i++) {
		struct server *s = be->servers[i];
		if (!s->check)
			continue;
		struct check_run *r = &be->checks[at];
		r->s = s;
		r->worker = worker_get(w->group, (be->id + at) % workers);
		r->io.fd = -1;
		r->random = (uint32_t)(now.mono_us + at * 2654435761u) | 1;
		r->out = STRBUF_INIT;
		arena_init(&r->arena, CHECK_ARENA_BLOCK);
		timer_init(&r->next, start_check);
		timer_init(&r->deadline, on_deadline);
		/* not all at once: the first round is spread over one interval, a second at most */
		uint64_t offset = (uint64_t)MIN(s->check->inter_ms, 1000u) * at / n;
		timer_arm(&r->worker->wheel, &r->next, now.mono_ms + 1 + offset);
		at++;
	}
	worker_resume_others(w);
	return 0;
}

void checks_stop(struct worker *w, struct backend *be)
{
	if (!be->checks)
		return;
	worker_pause_others(w);
	for (unsigned i = 0; i < be->checks_n; i++) {
		struct check_run *r = &be->checks[i];
		worker_timer_cancel(r->worker, &r->next);
		clean_up(r->worker, r);
		pthread_mutex_lock(&r->s->rt->lock);
		r->s->rt->check->running = false;
		pthread_mutex_unlock(&r->s->rt->lock);
	}
	worker_resume_others(w);
	free(be->checks);
	be->checks = NULL;
	be->checks_n = 0;
}
