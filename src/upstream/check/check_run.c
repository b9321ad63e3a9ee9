/* SPDX-License-Identifier: MIT */
/*
 * Running health checks: each server's check belongs to one worker, where a timer starts it and its steps are taken
 * one after the other: connections are made, bytes are sent, answers are read. What came out goes to check_report().
 * Starting and stopping happen while the other workers stand still, so no check needs a lock of its own.
 */
#include <errno.h>

#include "check_run.h"

#define CHECK_ARENA_BLOCK 4096

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
void check_drop_connection(struct check_run *r)
{
	check_h2_drop(r);
	conn_close(&r->conn);
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
	check_drop_connection(r);
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
void check_fail(struct worker *w, struct check_run *r, enum check_status status, const char *text)
{
	char desc[128], where[112];
	check_where(r->s->check->http, r->step, where, sizeof(where));
	snprintf(desc, sizeof(desc), "%s%s", text, where);
	finish(w, r, status, CHECK_RES_FAILED, 0, desc);
}

void check_fail_errno(struct worker *w, struct check_run *r, int error)
{
	bool ours = error == EMFILE || error == ENFILE || error == EADDRNOTAVAIL ||
		    error == EAGAIN || error == ENOMEM || error == EPERM;
	enum check_status status = ours ? CHECK_SOCKERR : CHECK_L4CON;
	if (!ours && r->state == RUN_RECEIVING)
		status = CHECK_L7RSP;
	check_fail(w, r, status, strerror(error));
}

static void on_deadline(struct worker *w, struct timer *t)
{
	struct check_run *r = container_of(t, struct check_run, deadline);
	bool connected = r->state == RUN_SENDING || r->state == RUN_RECEIVING;
	enum check_status status = connected ? CHECK_L7TOUT : CHECK_L4TOUT;
	if (r->state == RUN_HANDSHAKE)
		status = CHECK_L6TOUT;
	if (r->step && r->step->kind == STEP_EXPECT && r->step->expect.tout_status)
		status = r->step->expect.tout_status;
	check_fail(w, r, status, "");
}

/* Reads what there is. False: the connection failed, which was told. */
static bool read_more(struct worker *w, struct check_run *r)
{
	struct check_response *in = r->in;
	int h2 = r->h2 ? check_h2_read(r) : 0;
	if (h2 < 0) {
		check_fail_errno(w, r, -h2);
		return false;
	}
	while (!r->h2 && !check_response_over(in)) {
		ssize_t n = conn_recv(&r->conn, in->in + in->len, CHECK_RESPONSE_MAX - in->len);
		if (n == -EAGAIN)
			break;
		/* what came ahead of a reset counts */
		if (n < 0 && in->len == 0) {
			check_fail_errno(w, r, (int)-n);
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
			check_fail_errno(w, r, ENOMEM);
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
			check_fail(w, r, CHECK_SOCKERR, "the request cannot be made");
			return false;
		}
	} else {
		struct slice text = check_text_of(&send->body, &r->cx);
		if (send->hex && text.len)
			text = check_unhex(text, &r->arena);
		if (!text.ptr) {
			check_fail(w, r, CHECK_SOCKERR, "the text cannot be made");
			return false;
		}
		strbuf_addslice(&r->out, text);
	}
	if (!r->out.failed)
		return true;
	check_fail_errno(w, r, ENOMEM);
	return false;
}

static bool send_h2(struct worker *w, struct check_run *r)
{
	int e = check_h2_send(r);
	if (e == -EINVAL)
		check_fail(w, r, CHECK_SOCKERR, "the request cannot be made");
	else if (e < 0 && e != -EAGAIN)
		check_fail_errno(w, r, -e);
	return e == 0;
}

bool check_send_out(struct worker *w, struct check_run *r)
{
	if (r->h2)
		return send_h2(w, r);
	while (r->sent < r->out.len) {
		struct iovec v = { r->out.ptr + r->sent, r->out.len - r->sent };
		ssize_t n = conn_send(&r->conn, &v, 1, false);
		if (n < 0) {
			if (n != -EAGAIN)
				check_fail_errno(w, r, (int)-n);
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
	if (!check_send_out(w, r))
		return false;
	r->found = (struct check_verdict){ .status = CHECK_L7OK, .result = CHECK_RES_PASSED };
	snprintf(r->found.desc, sizeof(r->found.desc), "%s",
	    r->s->check->http->http ? "" : "(tcp-check)");
	return true;
}

void check_on_event(struct conn *c)
{
	struct check_run *r = container_of(c, struct check_run, conn);
	bool done = false;
	if (r->state == RUN_SENDING)
		done = do_send(r->worker, r);
	else if (r->state == RUN_RECEIVING)
		done = do_expect(r->worker, r);
	if (done)
		check_take_steps(r->worker, r);
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

void check_take_steps(struct worker *w, struct check_run *r)
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
			check_connect(w, r);
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
		.stream = r,
		.worker = w,
		.arena = &r->arena,
		.at = RULE_AT_CHECK,
		.req_final = true,
		.res_final = true,
	};
	r->cx.vars.list[VAR_SESS] = &r->sess_vars;
	r->cx.vars.list[VAR_CHECK] = &r->check_vars;
	check_take_steps(w, r);
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
		r->conn.io.fd = -1;
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
