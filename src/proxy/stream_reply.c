/* SPDX-License-Identifier: MIT */
/*
 * Answers of weir's own: error pages, errorfiles, redirects, "return" and "deny". A reply becomes a response
 * message like a server's and goes out through the same endpoint. Client's worker.
 */
#include "stream.h"
#include "stream_facts.h"

#include <errno.h>

#include "error_pages.h"

/* ---- the end without words ---- */

static enum step end_silently(struct stream *s)
{
	s->flags |= SF_CLOSE_CLIENT | SF_CLOSE_SERVER;
	return STEP_DONE;
}

/* ---- building ---- */

/*
 * A complete response text becomes s->res and the payload; parsed on a copy, for the parser writes to it. What
 * its fields say of the connection holds: with no length the end of the connection ends the payload.
 */
static int from_raw(struct stream *s, struct slice raw)
{
	struct h1_parsed parsed;
	char *copy = arena_slice_dup(&s->arena, raw);
	if (!copy)
		return -ENOMEM;
	http_msg_init(&s->res, s->res.hdrs, s->res.hdrs_max);
	if (h1_parse_response(copy, raw.len, H1_ACCEPT_UNSAFE, &s->res, &parsed) != H1_COMPLETE)
		return -EINVAL;
	if (s->res.framing == HTTP_BODY_UNTIL_CLOSE || (s->res.flags & HTTP_MSG_CONN_CLOSE))
		s->flags |= SF_CLOSE_CLIENT;
	s->reply.body = slice_make(copy + parsed.consumed, raw.len - parsed.consumed);
	/* what was no request has no connection field or method that the answer would have to follow */
	if (s->rec.bad_request && (s->res.flags & HTTP_MSG_CONN_CLOSE)) {
		s->flags |= SF_VERBATIM;
		s->reply.body = raw;
	}
	return 0;
}

static int add_length(struct stream *s, size_t len)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%zu", len);
	struct slice value = arena_slice(&s->arena, slice_make(text, (size_t)n));
	return value.ptr ? http_hdr_add(&s->res, http_hdr_name(HDR_CONTENT_LENGTH), value)
			 : -ENOMEM;
}

static int add_reply_headers(struct stream *s, bool wanted)
{
	const struct rule_reply *r = &s->reply;
	int e = 0;
	for (unsigned i = 0; wanted && e == 0 && i < r->hdrs_n; i++)
		e = http_hdr_add(&s->res, r->hdrs[i].name, r->hdrs[i].value);
	return e;
}

/* From the fields of the reply ("return", "redirect"). */
static int from_fields(struct stream *s)
{
	const struct rule_reply *r = &s->reply;
	http_msg_init(&s->res, s->res.hdrs, s->res.hdrs_max);
	s->res.version = 11;
	s->res.status = (uint16_t)r->status;
	s->res.reason = http_reason(r->status);
	int e = add_reply_headers(s, r->hdrs_first);
	if (e == 0 && r->status >= 200 && r->status != 204 && r->status != 304)
		e = add_length(s, r->body.len);
	if (e == 0 && r->content_type.len && r->body.len)
		e = http_hdr_add(&s->res, http_hdr_name(HDR_CONTENT_TYPE), r->content_type);
	return e < 0 ? e : add_reply_headers(s, !r->hdrs_first);
}

/* What http-error makes for this request, or a file as it is. -ENODATA: nothing shall be said. */
static int from_error_reply(struct stream *s, const struct error_reply *e)
{
	struct rule_reply *made = e->spec ? reply_make(e->spec, &s->cx) : NULL;
	if (e->spec && !made)
		return -ENOMEM;
	if (!made)
		return e->raw.len ? from_raw(s, e->raw) : -ENODATA;
	if (made->plain) {
		const struct http_errors *errors = made->errors;
		int i = error_reply_index(made->status);
		if (!errors->errors[i].raw.ptr)
			return from_raw(s, error_page(made->status));
		return from_error_reply(s, &errors->errors[i]);
	}
	if (made->file_raw)
		return from_raw(s, slice_make(made->file_raw, made->file_raw_len));
	s->reply = *made;
	return from_fields(s);
}

static bool has_answer(const struct http_errors *errors, unsigned status)
{
	int i = error_reply_index(status);
	return i >= 0 && errors->errors[i].raw.ptr;
}

/* The errorfile of the backend, then of the frontend, then the built-in page. */
static int from_status(struct stream *s, unsigned status)
{
	int i = error_reply_index(status);
	struct proxy *side[] = { s->be, s->fe };
	const struct http_errors *named = s->reply.errors;
	s->reply.status = status;
	if (named && i >= 0 && named->errors[i].raw.ptr)
		return from_error_reply(s, &named->errors[i]);
	for (size_t k = 0; i >= 0 && k < ARRAY_SIZE(side); k++) {
		const struct error_reply *e = side[k] ? &side[k]->errors[i] : NULL;
		if (e && (e->raw.ptr || e->spec))
			return from_error_reply(s, e);
	}
	return from_raw(s, error_page(status));
}

/* ---- sending ---- */

static bool may_keep(const struct stream *s)
{
	uint64_t options = s->fe->options | (s->be ? s->be->options : 0);
	if ((s->flags & SF_CLOSE_CLIENT) || s->reply.close || (options & PR_O_HTTPCLOSE))
		return false;
	if ((s->ce->flags & (EP_IN_KEEP | EP_IN_BAD)) != EP_IN_KEEP)
		return false;
	/* payload that nobody reads any more would be taken for the next request */
	if (!(s->ce->flags & EP_IN_END))
		return false;
	return !atomic_load_explicit(
	    &proxy_local(s->worker)->process->stopping, memory_order_relaxed);
}

static void run_after_response(struct stream *s)
{
	struct proxy *side[] = { s->be, s->fe };
	stream_response_vars(s);
	s->cx.res = &s->res;
	s->cx.at |= RULE_AT_RES_HTTP;
	for (size_t i = s->be == s->fe; i < ARRAY_SIZE(side); i++) {
		struct rule_cursor cursor = { .started = false };
		if (side[i] && side[i]->rules[RULES_HTTP_AFTER_RES].first)
			rules_run(&side[i]->rules[RULES_HTTP_AFTER_RES], &s->cx, &cursor);
	}
}

static enum step send_verbatim(struct stream *s)
{
	s->rec.status = s->res.status;
	s->res.head_len = 0; /* counted with the rest */
	s->down = (struct inflow){ .first = 0 };
	s->ce->ops->tunnel(s->ce);
	s->flags |= SF_CLOSE_CLIENT | SF_REPLIED;
	s->client_ms = worker_now_ms(s->worker);
	stream_enter(s, ST_REPLY);
	return STEP_AGAIN;
}

static enum step send_reply(struct stream *s)
{
	stream_hold_connection(s);
	stream_leave_server(s, false);
	queue_leave(s->worker, s->ticket);
	s->ticket = NULL;
	if (s->flags & (SF_REPLIED) || endpoint_failed(s->ce))
		return end_silently(s);
	if (s->flags & SF_VERBATIM)
		return send_verbatim(s);
	unsigned sent = s->res.status;
	run_after_response(s);
	s->rec.t.response = 0; /* the server's answer is not what the client gets */
	/* logged is what it is about, even if an error file or a redirection stands for it */
	s->rec.status = s->res.status == sent ? (int)s->reply.status : s->res.status;
	s->down = (struct inflow){ .first = 0 };
	s->res.framing = HTTP_BODY_LENGTH;
	s->res.head_len = (uint32_t)h1_head_size(&s->res);
	if (s->req.method == HTTP_HEAD)
		s->reply.body = SLICE_NULL;
	bool close = !may_keep(s);
	if (close)
		s->flags |= SF_CLOSE_CLIENT;
	if (s->ce->ops->send_head(s->ce, &s->res, close) < 0)
		return end_silently(s);
	s->flags |= SF_REPLIED;
	s->client_ms = worker_now_ms(s->worker);
	stream_enter(s, ST_REPLY);
	return STEP_AGAIN;
}

enum step step_reply(struct stream *s)
{
	struct endpoint *ce = s->ce;
	struct iovec iov = { (void *)s->reply.body.ptr, s->reply.body.len };
	size_t taken = ce->ops->send(ce, &iov, iov.iov_len ? 1 : 0, true, false);
	s->reply.body.ptr += taken;
	s->reply.body.len -= taken;
	s->down.total += taken;
	if (taken)
		s->client_ms = worker_now_ms(s->worker);
	if (ce->flags & EP_OUT_END)
		return STEP_DONE;
	if ((ce->flags & EP_ERROR) || (s->flags & SF_TIMEOUT)) {
		stream_flag(s, ce->flags & EP_ERROR ? 'C' : 'c', 'L');
		return end_silently(s);
	}
	return STEP_WAIT;
}

/* ---- what the other phases call ---- */

enum step stream_error(struct stream *s, unsigned status, char cause, char phase)
{
	stream_flag(s, cause, phase);
	if (!status || !stream_is_http(s) || (s->flags & SF_REPLIED))
		return end_silently(s);
	int e = from_status(s, status);
	if (e < 0) { /* an empty errorfile means: say nothing */
		s->rec.status = (int)status;
		stream_hold_connection(s);
		stream_leave_server(s, false);
		return end_silently(s);
	}
	if (cause == 'R' || cause == 'I')
		s->flags |= SF_CLOSE_CLIENT;
	return send_reply(s);
}

/* Fields of a reply that stands on an error page take the place of the page's own. */
static int replace_headers(struct stream *s, const struct rule_reply *r)
{
	int e = 0;
	for (unsigned i = 0; i < r->hdrs_n && e == 0; i++) {
		http_hdr_del_all(&s->res, r->hdrs[i].name);
		e = http_hdr_add(&s->res, r->hdrs[i].name, r->hdrs[i].value);
	}
	return e;
}

enum step stream_rule_reply(struct stream *s, char cause, char phase)
{
	const struct rule_reply *r = &s->reply;
	int e;
	stream_flag(s, cause, phase);
	if (s->cx.reply)
		s->reply = *s->cx.reply;
	if (!stream_is_http(s))
		return end_silently(s);
	if (r->plain && (!r->errors || has_answer(r->errors, r->status)))
		e = from_status(s, r->status);
	else if (r->file_raw)
		e = from_raw(s, slice_make(r->file_raw, r->file_raw_len));
	else
		e = from_fields(s);
	if (e == 0 && r->plain)
		e = replace_headers(s, r);
	if (e < 0) {
		s->rec.status = (int)r->status;
		return end_silently(s);
	}
	return send_reply(s);
}

static enum step denied(struct stream *s, bool response)
{
	struct counters *fe = fe_counters(s);
	struct counters *be = s->be ? backend_counters(&s->be->be, s->worker) : NULL;
	if (response) {
		counter_add(&fe->denied_res, 1);
		counter_add(&be->denied_res, 1);
		counter_add(&server_counters(s->srv, s->worker)->denied_res, 1);
		s->flags |= SF_CLOSE_SERVER;
	} else {
		client_count(s->cli, offsetof(struct counters, denied_req));
		if (be && s->be != s->fe)
			counter_add(&be->denied_req, 1);
	}
	return stream_rule_reply(s, 'P', response ? 'H' : 'R');
}

/* Rules that could not be run to their end: the request never became complete, so no time is given for it. */
static enum step rules_failed(
    struct stream *s, bool response, unsigned status, char cause, char phase)
{
	if (!response) {
		s->rec.t.request = 0;
		client_count(s->cli, offsetof(struct counters, failed_req));
	}
	return stream_error(s, status, cause, phase);
}

/* By "tcp-response content": the log shows what the server answered, though it never counted as a response. */
static enum step response_rejected(struct stream *s)
{
	stream_flag(s, 'P', 'D');
	if (stream_is_http(s))
		s->rec.status = s->res.status;
	s->rec.t.response = 0;
	return end_silently(s);
}

enum step stream_verdict(struct stream *s, enum rule_verdict v, bool response)
{
	char phase = !response ? 'R' : stream_is_http(s) ? 'H' : 'D';
	switch (v) {
	case RULES_REPLY:
		counter_add(&fe_counters(s)->intercepted, 1);
		return stream_rule_reply(s, 'L', phase);
	case RULES_DENY:
		return denied(s, response);
	case RULES_TARPIT:
		client_count(s->cli, offsetof(struct counters, denied_req));
		stream_enter(s, ST_TARPIT);
		return STEP_WAIT;
	case RULES_CLOSE:
		counter_add(
		    response ? &fe_counters(s)->denied_res : &fe_counters(s)->denied_req, 1);
		if (response)
			return response_rejected(s);
		stream_flag(s, 'P', phase);
		return end_silently(s);
	case RULES_DROP:
		stream_flag(s, 'P', phase);
		client_drop(s->cli, s->cx.rst_ttl);
		return end_silently(s);
	case RULES_INVALID:
		return rules_failed(s, response, 400, 'P', phase);
	case RULES_TIMEOUT:
		return rules_failed(s, response, response ? 504 : 408, response ? 's' : 'c', 'R');
	default:
		return rules_failed(s, response, 500, 'P', phase);
	}
}
