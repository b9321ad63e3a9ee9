/* SPDX-License-Identifier: MIT */
/*
 * "tcp-request content" and "tcp-response content": rules about the first bytes, which may wait for more of
 * them up to the inspect delay. Client's worker.
 */
#include "stream.h"

static enum step next_state(struct stream *s, enum stream_state next)
{
	stream_enter(s, next);
	return STEP_AGAIN;
}

/* "option http-buffer-request" of px: its rules are to see the body. */
static enum step before_rules(struct stream *s, const struct proxy *px, enum stream_state next)
{
	if (stream_is_http(s) && (px->options & PR_O_BUFFER_REQUEST) && !(s->ce->flags & EP_IN_END))
		return stream_wait_body(s, next);
	return next_state(s, next);
}

/* What the rules may look at: the request with its payload, or the bytes as they came. */
static void show_request(struct stream *s)
{
	if (stream_is_http(s)) {
		stream_show_body(s);
		return;
	}
	s->ce->ops->recv(s->ce);
	s->cx.at = RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ_BUF | (s->be ? RULE_AT_BACKEND : 0);
	s->cx.req_buf = stream_payload(s, &s->up, &s->joined);
}

/* Waits for bytes or for the end of the delay. */
static enum step wait_for_content(struct stream *s, struct endpoint *ep, unsigned delay_ms)
{
	s->rule_until_ms = delay_ms ? s->since_ms + delay_ms : 0;
	if (stream_is_http(s) && ep->ops->recv(ep))
		return STEP_AGAIN;
	return STEP_WAIT;
}

static enum step run_content(struct stream *s, struct proxy *px, enum stream_state next)
{
	struct endpoint *ep = s->ce;
	if (!px->rules[RULES_TCP_REQ_CONTENT].first)
		return before_rules(s, px, next);
	show_request(s);
	uint64_t waited = worker_now_ms(s->worker) - s->since_ms;
	s->cx.req_final = (s->flags & SF_TIMEOUT) || waited >= px->inspect_delay_ms ||
			  (ep->flags & (EP_IN_CLOSED | EP_IN_FULL | EP_ERROR | EP_IN_END));
	enum rule_verdict v = rules_run(&px->rules[RULES_TCP_REQ_CONTENT], &s->cx, &s->cursor);
	if (v == RULES_WAIT)
		return wait_for_content(s, ep, px->inspect_delay_ms);
	s->cursor = (struct rule_cursor){ .started = false };
	s->rule_until_ms = 0;
	if (v == RULES_HTTP && !stream_is_http(s))
		return stream_switch_to_http(s);
	if (v != RULES_NEXT && v != RULES_HTTP)
		return stream_verdict(s, v, false);
	return before_rules(s, px, next);
}

enum step step_fe_content(struct stream *s)
{
	return run_content(s, s->fe, stream_is_http(s) ? ST_FE_RULES : ST_ROUTE);
}

enum step step_be_content(struct stream *s)
{
	if (s->be == s->fe)
		return next_state(s, ST_BE_RULES);
	return run_content(s, s->be, ST_BE_RULES);
}

/* ---- responses ---- */

static enum rule_verdict run_response(struct stream *s)
{
	const struct proxy *be = s->be;
	uint64_t waited = worker_now_ms(s->worker) - s->since_ms;
	bool over = (s->flags & SF_TIMEOUT) && s->rule_until_ms;
	s->cx.res_final = over || waited >= be->res_inspect_delay_ms ||
			  (s->se->flags & (EP_IN_CLOSED | EP_IN_FULL | EP_ERROR | EP_IN_END |
					      EP_IN_BAD | EP_NO_MEMORY));
	enum rule_verdict v = rules_run(&be->rules[RULES_TCP_RES_CONTENT], &s->cx, &s->cursor);
	s->rule_until_ms = v == RULES_WAIT ? s->since_ms + be->res_inspect_delay_ms : 0;
	if (v != RULES_WAIT)
		s->cursor = (struct rule_cursor){ .started = false };
	return v;
}

/* As if the server had ended: what it sent is all there is, and it shall see a reset. */
static void close_server(struct stream *s)
{
	s->se->flags |= EP_IN_CLOSED;
	s->se->conn->flags |= CONN_NOLINGER;
	s->flags |= SF_CLOSE_SERVER;
	if (!stream_is_http(s))
		s->flags |= SF_UP_SHUT;
}

bool stream_inspect_response(struct stream *s, enum step *ret)
{
	struct endpoint *se = s->se;
	if (se->ops->recv(se))
		s->server_ms = worker_now_ms(s->worker);
	s->cx.at = RULE_AT_CONN | RULE_AT_SESS | RULE_AT_RES_BUF | RULE_AT_BACKEND;
	s->cx.res_buf = stream_payload(s, &s->down, &s->joined);
	enum rule_verdict v = run_response(s);
	if (v == RULES_WAIT)
		return true;
	s->flags &= ~SF_RES_INSPECT;
	if (v == RULES_CLOSE_SERVER)
		close_server(s);
	if (v == RULES_NEXT || v == RULES_CLOSE_SERVER)
		return true;
	*ret = stream_verdict(s, v, true);
	return false;
}

/* HTTP mode: the head has come, and the rules see what is there of the payload. */
enum step step_res_content(struct stream *s)
{
	stream_show_response(s);
	enum rule_verdict v = run_response(s);
	if (v == RULES_WAIT) {
		if (endpoint_failed(s->ce))
			return stream_client_left(s, 'C');
		if (!(s->se->flags & (EP_OUT_END | EP_ERROR)))
			stream_push_up(s);
		return s->se->ops->recv(s->se) ? STEP_AGAIN : STEP_WAIT;
	}
	if (v == RULES_CLOSE_SERVER)
		close_server(s);
	else if (v != RULES_NEXT)
		return stream_verdict(s, v, true);
	return next_state(s, ST_RES_RULES);
}
