/* SPDX-License-Identifier: MIT */
/*
 * "tcp-request content" and "tcp-response content": rules about the first bytes, which may wait for more of
 * them up to the inspect delay. Client's worker.
 */
#include "stream.h"

static struct slice buffered(const struct inflow *f)
{
	if (inflow_is_empty(f))
		return SLICE_NULL;
	return slice_make(f->seg[f->first].iov_base, f->seg[f->first].iov_len);
}

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

static enum step run_content(struct stream *s, struct proxy *px, enum stream_state next)
{
	struct endpoint *ep = s->ce;
	if (!px->rules[RULES_TCP_REQ_CONTENT].first)
		return before_rules(s, px, next);
	if (!stream_is_http(s)) {
		ep->ops->recv(ep);
		s->cx.at = RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ_BUF;
		s->cx.req_buf = buffered(&s->up);
	}
	uint64_t waited = worker_now_ms(s->worker) - s->since_ms;
	s->cx.req_final = (s->flags & SF_TIMEOUT) || waited >= px->inspect_delay_ms ||
			  (ep->flags & (EP_IN_CLOSED | EP_IN_FULL | EP_ERROR | EP_IN_END));
	enum rule_verdict v = rules_run(&px->rules[RULES_TCP_REQ_CONTENT], &s->cx, &s->cursor);
	if (v == RULES_WAIT) {
		s->rule_until_ms = px->inspect_delay_ms ? s->since_ms + px->inspect_delay_ms : 0;
		return STEP_WAIT;
	}
	s->cursor = (struct rule_cursor){ .started = false };
	if (v != RULES_NEXT)
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
