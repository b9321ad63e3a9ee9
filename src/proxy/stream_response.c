/* SPDX-License-Identifier: MIT */
/*
 * The response's way back: waiting for its head while the request's payload goes out, interim responses, the
 * rules, persistence, and handing the head to the client. Client's worker.
 */
#include "stream.h"

#include <errno.h>

#include "weir/tls/transport.h"

/* Interim responses passed on to a client in one stream, and taken before other streams get their turn. */
#define INTERIMS_PASSED 100
#define INTERIMS_A_TURN 16

static struct counters *srv_counters(const struct stream *s)
{
	return server_counters(s->srv, s->worker);
}

/* ---- trying again ---- */

static unsigned retry_bit_of_status(unsigned status)
{
	static const struct {
		unsigned status, bit;
	} bits[] = { { 401, RETRY_401 }, { 403, RETRY_403 }, { 404, RETRY_404 }, { 408, RETRY_408 },
		{ 421, RETRY_421 }, { 425, RETRY_425 }, { 429, RETRY_429 }, { 500, RETRY_500 },
		{ 501, RETRY_501 }, { 502, RETRY_502 }, { 503, RETRY_503 }, { 504, RETRY_504 } };
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (bits[i].status == status)
			return bits[i].bit;
	}
	return 0;
}

static bool is_idempotent(const struct stream *s)
{
	switch (s->req.method) {
	case HTTP_GET:
	case HTTP_HEAD:
	case HTTP_OPTIONS:
	case HTTP_TRACE:
	case HTTP_PUT:
	case HTTP_DELETE:
		return true;
	default:
		return false;
	}
}

/*
 * A connection that was idle may have been closed by the server while our request was on its way: no answer to
 * a request that it never read. RFC 9112 9.3.1 lets us repeat it when that is harmless; it costs no retry.
 */
static bool raced_with_close(const struct stream *s)
{
	return (s->flags & (SF_REUSED | SF_NO_L7_RETRY)) == SF_REUSED &&
	       !(s->se->flags & EP_IN_ANY) && is_idempotent(s);
}

static bool send_again(struct stream *s, bool same_server)
{
	struct server *srv = s->srv;
	if (!s->ce->ops->rewind(s->ce))
		return false;
	struct endpoint *se = s->se;
	s->se = NULL;
	s->sc = NULL;
	se->ops->detach(se, false, false);
	list_del(&s->on_server);
	s->down = (struct inflow){ .first = 0 };
	s->res.hdrs_n = 0;
	if (same_server) {
		server_idle_purge(s->worker, srv->rt); /* the others are as old */
		stream_enter(s, ST_CONNECT);
		return true;
	}
	stream_leave_server(s, false);
	s->srv_failed = srv;
	stream_enter(s, ST_ASSIGN);
	return true;
}

/* Tries again at the cost of a retry: true when the stream is on its way. */
static bool retry(struct stream *s)
{
	if (s->conn_tries == 0 || (s->flags & SF_NO_L7_RETRY))
		return false;
	struct counters *srv = srv_counters(s);
	s->conn_tries--;
	s->rec.retries++;
	bool redispatch = stream_wants_redispatch(s);
	if (!send_again(s, !redispatch)) {
		s->conn_tries++;
		s->rec.retries--;
		return false;
	}
	counter_add(&srv->retries, 1);
	counter_add(&backend_counters(&s->be->be, s->worker)->retries, 1);
	return true;
}

/* L7 retry (retry-on): true when the stream is on its way again. */
static bool try_retry(struct stream *s, unsigned why)
{
	return (s->be->retry_on & why) && retry(s);
}

/*
 * The server has not looked at the request: it says so (RFC 9113 8.7), or it was early data that the server refused. As
 * good as a connection that failed.
 */
static bool was_refused(const struct stream *s)
{
	const struct tls_info *tls = s->early ? tls_info(s->se->conn) : NULL;
	if (tls && tls->fault == TLS_FAULT_EARLY)
		return true;
	return s->sc->h2 && mux2_refused(s->se);
}

/*
 * The server calls it too early (RFC 8470 5.2): it comes again behind the handshake, unless the client's own handshake
 * is still under way or the client itself is told, for it has sent the field.
 */
static bool retry_too_early(struct stream *s)
{
	if (!s->early || s->res.status != 425 || !tls_handshake_done(&s->cli->m.conn))
		return false;
	if (!s->early_marked && http_hdr_find(&s->req, SLICE("early-data"), NULL))
		return false;
	s->no_early = true;
	if (!try_retry(s, RETRY_0RTT_REJECTED))
		return false;
	if (s->early_marked)
		http_hdr_del_all(&s->req, SLICE("early-data"));
	s->early_marked = false;
	return true;
}

/* ---- no response ---- */

static enum step response_failed(struct stream *s, unsigned status, char cause, unsigned why)
{
	if (raced_with_close(s) && status == 502 && send_again(s, true))
		return STEP_AGAIN;
	if ((was_refused(s) && retry(s)) || try_retry(s, why))
		return STEP_AGAIN;
	counter_add(&srv_counters(s)->failed_res, 1);
	counter_add(&backend_counters(&s->be->be, s->worker)->failed_res, 1);
	s->flags |= SF_CLOSE_SERVER;
	return stream_error(s, status, cause, 'H');
}

enum step stream_client_left(struct stream *s, char cause)
{
	counter_add(&fe_counters(s)->cli_aborts, 1);
	counter_add(&backend_counters(&s->be->be, s->worker)->cli_aborts, 1);
	counter_add(&srv_counters(s)->cli_aborts, 1);
	s->flags |= SF_CLOSE_SERVER | SF_CLOSE_CLIENT;
	/* with payload still to come it is the data phase of the request */
	char phase = (s->ce->flags & EP_IN_END) ? 'H' : 'D';
	return stream_error(s, cause == 'c' ? 408 : 400, cause, phase);
}

/* ---- heads ---- */

/*
 * 100, 102, 103: pass on and wait for the next head. A server may send any number of them, each costs memory until
 * the stream ends or, with a client that does not read, until it is sent: so the number passed on is bounded.
 */
static enum step interim(struct stream *s)
{
	bool wanted = s->req.version >= 11 && !(s->flags & SF_CONTINUED && s->res.status == 100) &&
		      s->interims < INTERIMS_PASSED && !(s->ce->flags & EP_OUT_PENDING);
	s->interims++;
	if (wanted && s->ce->ops->send_head(s->ce, &s->res, false) == 0)
		s->ce->ops->send(s->ce, NULL, 0, false, false);
	counter_add(&fe_counters(s)->rsp_1xx, wanted);
	s->se->flags &= ~(uint32_t)EP_IN_HEAD;
	http_msg_init(&s->res, s->res.hdrs, s->res.hdrs_max);
	if (s->interims % INTERIMS_A_TURN)
		return STEP_AGAIN;
	task_wake(s->worker, &s->again);
	return STEP_WAIT;
}

static void capture_response(struct stream *s)
{
	struct http_hdr *h = NULL;
	struct slice value;
	for (const struct capture_conf *c = s->fe->res_captures; c; c = c->next) {
		h = c->name.len ? http_hdr_find(&s->res, c->name, NULL) : NULL;
		if (h)
			s->captures[s->fe->req_captures_n + c->slot] =
			    arena_slice(&s->arena, slice_sub(http_hdr_value_of(h), 0, c->len));
	}
	if (!s->fe->capture_cookie.len)
		return;
	for (h = NULL; (h = http_hdr_find_id(&s->res, HDR_SET_COOKIE, h));) {
		value = http_hdr_value_of(h);
		if (slice_has_prefix(value, s->fe->capture_cookie)) {
			value.len = slice_find(value, ';');
			s->rec.cookie_res =
			    arena_slice(&s->arena, slice_sub(value, 0, s->fe->capture_cookie_len));
			return;
		}
	}
}

/* A protocol change that nobody asked for would open a tunnel behind the rules. */
static bool is_unasked_switch(const struct stream *s)
{
	return s->res.status == 101 && !(s->req.flags & HTTP_MSG_CONN_UPGRADE);
}

static enum step final_head(struct stream *s)
{
	unsigned why = s->be->retry_on ? retry_bit_of_status(s->res.status) : 0;
	if (why && (retry_too_early(s) || try_retry(s, why)))
		return STEP_AGAIN;
	s->flags |= SF_FINAL_HEAD;
	s->joined = SLICE_NULL;
	s->rec.t.response = stream_now_us(s);
	s->cx.res = &s->res;
	s->cx.at =
	    RULE_AT_CONN | RULE_AT_SESS | RULE_AT_RES_HTTP | RULE_AT_RES_BUF | RULE_AT_BACKEND;
	s->ce->ops->hold(s->ce, false);
	if (s->fe->res_captures || s->fe->capture_cookie.len)
		capture_response(s);
	s->cx.rewrite_room = stream_rewrite_room(s, &s->res);
	s->rule_until_ms = 0;
	stream_enter(s, s->be->rules[RULES_TCP_RES_CONTENT].first ? ST_RES_CONTENT : ST_RES_RULES);
	return STEP_AGAIN;
}

/* Without a body there is nothing to hold; with one it must lie whole in the buffer to be sent again. */
static void hold_request(struct stream *s)
{
	bool wanted = (s->be->retry_on & ~(RETRY_CONN_FAILURE | RETRY_0RTT_REJECTED)) || s->early ||
		      ((s->flags & SF_REUSED) && is_idempotent(s));
	s->ce->ops->hold(s->ce, wanted && s->ce->in_framing != HTTP_BODY_NONE);
}

enum step step_res_head(struct stream *s)
{
	struct endpoint *se = s->se;
	if (!(se->flags & EP_OUT_END)) {
		if (s->up.total == s->up.bytes)
			hold_request(s);
		stream_push_up(s);
		if (s->ce->flags & EP_IN_FULL) { /* too large to be repeated */
			s->ce->ops->hold(s->ce, false);
			if (inflow_is_empty(&s->up)) /* it was waiting for room only */
				stream_push_up(s);
		}
	}
	if (se->ops->recv(se))
		s->server_ms = worker_now_ms(s->worker);
	if ((se->flags & EP_IN_HEAD) && (se->flags & EP_IN_BAD)) { /* nothing went out yet */
		stream_capture_error(s, true);
		return response_failed(s, 502, 'P', RETRY_JUNK_RESPONSE);
	}
	if ((se->flags & EP_IN_HEAD) && is_unasked_switch(s))
		return response_failed(s, 502, 'P', RETRY_JUNK_RESPONSE);
	if (se->flags & EP_IN_HEAD) {
		unsigned status = s->res.status;
		return status >= 100 && status < 200 && status != 101 ? interim(s) : final_head(s);
	}
	if (se->flags & EP_IN_BAD) {
		stream_capture_error(s, true);
		return response_failed(s, 502, 'P', RETRY_JUNK_RESPONSE);
	}
	if (se->flags & EP_NO_MEMORY)
		return stream_error(s, 500, 'R', 'H');
	if (se->flags & (EP_IN_CLOSED | EP_ERROR))
		return response_failed(s, 502, 'S',
		    se->flags & EP_IN_ANY ? RETRY_JUNK_RESPONSE : RETRY_EMPTY_RESPONSE);
	if (s->ce->flags & EP_IN_BAD)
		return stream_client_left(s, 'P');
	if (endpoint_failed(s->ce) || ((s->ce->flags & (EP_IN_CLOSED | EP_IN_END)) == EP_IN_CLOSED))
		return stream_client_left(s, 'C');
	if ((s->ce->conn->flags & CONN_PEER_CLOSED) &&
	    ((s->fe->options | s->be->options) & PR_O_ABORTONCLOSE) && (s->ce->flags & EP_IN_END))
		return stream_client_left(s, 'C');
	if (s->flags & SF_TIMEOUT) {
		if (!(s->ce->flags & EP_IN_END) && !(se->flags & EP_OUT_BLOCKED))
			return stream_client_left(s, 'c');
		return response_failed(s, 504, 's', RETRY_RESPONSE_TIMEOUT);
	}
	return STEP_WAIT;
}

/* ---- rules ---- */

static enum rule_verdict run(struct stream *s, struct proxy *px, enum rules_kind kind)
{
	if (!px->rules[kind].first)
		return RULES_NEXT;
	return rules_run(&px->rules[kind], &s->cx, &s->cursor);
}

/* The backend's rules, then the frontend's; the cursor's proxy is remembered in resume_state. */
static enum rule_verdict response_rules(struct stream *s)
{
	enum rule_verdict v = RULES_NEXT;
	if (s->resume_state != ST_RES_RULES) {
		v = run(s, s->be, RULES_HTTP_RES);
		if (v == RULES_WAIT)
			return v;
		s->cursor = (struct rule_cursor){ .started = false };
		s->resume_state = ST_RES_RULES;
	}
	if (v == RULES_NEXT && s->fe != s->be)
		v = run(s, s->fe, RULES_HTTP_RES);
	return v;
}

static enum rule_verdict after_response_rules(struct stream *s)
{
	enum rule_verdict v = RULES_NEXT;
	s->cursor = (struct rule_cursor){ .started = false };
	if (s->be && s->be != s->fe)
		v = run(s, s->be, RULES_HTTP_AFTER_RES);
	s->cursor = (struct rule_cursor){ .started = false };
	return v == RULES_NEXT ? run(s, s->fe, RULES_HTTP_AFTER_RES) : v;
}

static bool closes_client(const struct stream *s)
{
	uint64_t options = s->fe->options | (s->be ? s->be->options : 0);
	if ((options & PR_O_HTTPCLOSE) || (s->flags & SF_CLOSE_CLIENT))
		return true;
	if (!(s->ce->flags & EP_IN_KEEP))
		return true;
	return atomic_load_explicit(
	    &proxy_local(s->worker)->process->stopping, memory_order_relaxed);
}

void stream_show_response(struct stream *s)
{
	s->cx.res_buf = stream_payload(s, &s->down, &s->joined);
	s->cx.res_final = s->se->flags & (EP_IN_END | EP_IN_FULL | EP_IN_CLOSED | EP_IN_BAD |
					     EP_ERROR | EP_NO_MEMORY);
}

/* A rule waits: for more of the body, or for time to pass. The request goes on meanwhile. */
static enum step wait_for_rules(struct stream *s)
{
	struct endpoint *se = s->se;
	s->rule_until_ms = s->cx.wait_ms ? worker_now_ms(s->worker) + s->cx.wait_ms : 0;
	if (endpoint_failed(s->ce))
		return stream_client_left(s, 'C');
	if (!(se->flags & (EP_OUT_END | EP_ERROR)))
		stream_push_up(s);
	if (s->cx.wait_body && se->ops->recv(se)) {
		s->server_ms = worker_now_ms(s->worker);
		return STEP_AGAIN;
	}
	return STEP_WAIT;
}

/* Hands the final head to the client; from here on only the payload is left. */
static enum step send_response(struct stream *s)
{
	bool tunnel = s->res.framing == HTTP_BODY_TUNNEL;
	if (after_response_rules(s) != RULES_NEXT)
		return stream_error(s, 500, 'I', 'H');
	s->rec.status = s->res.status;
	if (s->ce->ops->send_head(s->ce, &s->res, !tunnel && closes_client(s)) < 0)
		return stream_error(s, 500, 'R', 'H');
	s->ce->ops->trailers(s->ce, &s->down_trailers);
	s->flags |= SF_REPLIED;
	s->client_ms = s->server_ms = worker_now_ms(s->worker);
	if (tunnel) {
		s->ce->ops->tunnel(s->ce);
		s->se->ops->tunnel(s->se);
		s->flags |= SF_TUNNELLED;
		stream_enter(s, ST_TUNNEL);
	} else {
		stream_enter(s, ST_FORWARD);
	}
	stream_log(s, LOG_STEP_RESPONSE);
	return STEP_AGAIN;
}

static enum step refuse_cacheable(struct stream *s)
{
	log_emitf(s->worker, &s->be->logs, LOG_LV_ALERT,
	    "Blocking cacheable cookie in response from instance %s, server %s.", s->be->name,
	    s->srv->name);
	s->flags |= SF_CLOSE_SERVER;
	return stream_error(s, 502, 'P', 'H');
}

enum step step_res_rules(struct stream *s)
{
	if (s->be->has_res_rules || s->fe->has_res_rules) {
		stream_show_response(s);
		s->cx.at &= ~RULE_AT_RES_BUF;
		enum rule_verdict v = response_rules(s);
		s->cx.at |= RULE_AT_RES_BUF;
		if (v == RULES_WAIT)
			return wait_for_rules(s);
		s->rule_until_ms = 0;
		if (v != RULES_NEXT)
			return stream_verdict(s, v, true);
	}
	if (unlikely(s->be->options & PR_O_CHECKCACHE) && stream_leaks_cookie(s))
		return refuse_cacheable(s);
	if (s->be->be.cookie &&
	    persist_response(&s->be->be, &s->res, &s->arena, clock_wall_s(&s->worker->clock),
		s->srv, s->req.method == HTTP_POST, &s->persist, &s->rec.flags) < 0)
		return stream_error(s, 500, 'R', 'H');
	return send_response(s);
}
