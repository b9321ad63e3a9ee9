/* SPDX-License-Identifier: MIT */
/*
 * HTTP checks: the request that is sent, and what a response means. Pure functions over buffers, but for cx->arena.
 */
#include "check_internal.h"

#include "weir/h1/h1.h"

/* False: a byte that would break the request apart. Spaces end a target and nothing else. */
static bool can_be_sent(struct slice s, bool spaces)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < (spaces ? ' ' : '!') || s.ptr[i] == 0x7f)
			return false;
	return s.ptr != NULL;
}

static bool add_field(
    struct strbuf *b, struct slice name, const struct check_text *value, struct rule_ctx *cx)
{
	struct slice text = check_text_of(value, cx);
	strbuf_addf(b, "%.*s: %.*s\r\n", SLICE_ARG(name), SLICE_ARG(text));
	return can_be_sent(text, true);
}

struct strbuf check_http_request(const struct httpchk_conf *h, const struct check_send *s,
    const char *state, struct rule_ctx *cx)
{
	struct strbuf b = STRBUF_INIT;
	bool option = s->from_option;
	struct slice uri = option ? slice_str(h->uri) : SLICE("/");
	const char *method = s->method ? s->method : option ? h->method : "OPTIONS";
	const char *version = s->version ? s->version : option ? h->version : "HTTP/1.0";
	struct slice body =
	    s->body.fmt || s->body.text.ptr ? check_text_of(&s->body, cx) : SLICE("");
	bool ok = body.ptr != NULL;
	if (s->uri.fmt || s->uri.text.ptr)
		uri = check_text_of(&s->uri, cx);
	strbuf_addf(&b, "%s %.*s %s\r\n", method, SLICE_ARG(uri), version);
	if (s->host.fmt || s->host.text.ptr)
		ok = add_field(&b, SLICE("host"), &s->host, cx) && ok;
	else if (option && h->host)
		strbuf_addf(&b, "host: %s\r\n", h->host);
	for (const struct check_hdr *f = s->hdrs; f; f = f->next)
		ok = add_field(&b, f->name, &f->value, cx) && ok;
	if (h->send_state)
		strbuf_addf(&b, "x-haproxy-server-state: %s\r\n", state);
	strbuf_adds(&b, "connection: close\r\n");
	if (body.len)
		strbuf_addf(&b, "content-length: %zu\r\n", body.len);
	strbuf_adds(&b, "\r\n");
	strbuf_addslice(&b, body);
	if (!ok || !can_be_sent(uri, false)) {
		strbuf_done(&b);
		b = STRBUF_INIT;
	}
	return b;
}

static bool set_verdict(
    struct check_verdict *v, enum check_status status, enum check_result result, struct slice desc)
{
	v->status = status;
	v->result = result;
	snprintf(v->desc, sizeof(v->desc), "%.*s", SLICE_ARG(desc));
	return true;
}

/* ---- head ---- */

static bool match_text(const struct check_match *m, struct slice s, bool icase, struct rule_ctx *cx)
{
	if (m->kind == MATCH_REG)
		return check_regex_match(m->regex, s);
	struct slice text = check_text_of(&m->text, cx);
	if (!text.ptr || text.len > s.len)
		return false;
	for (size_t i = 0; i + text.len <= s.len; i++) {
		struct slice part = slice_make(s.ptr + i, text.len);
		bool ends = i + text.len == s.len;
		if (m->kind == MATCH_END && !ends)
			continue;
		if (icase ? slice_ieq(part, text) : slice_eq(part, text))
			return m->kind != MATCH_STR || ends;
		if (m->kind == MATCH_STR || m->kind == MATCH_BEG)
			return false;
	}
	return false;
}

/* The value, or one of the elements of its list. */
static bool value_matches(const struct check_expect *e, struct slice value, struct rule_ctx *cx)
{
	if (e->kind == EXPECT_FHDR)
		return match_text(&e->value, value, false, cx);
	while (value.ptr)
		if (match_text(&e->value, slice_trim_ows(slice_cut(&value, ',')), false, cx))
			return true;
	return false;
}

static bool hdr_matches(const struct check_expect *e, const struct http_msg *m, struct rule_ctx *cx)
{
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		const struct http_hdr *h = &m->hdrs[i];
		if ((h->flags & HTTP_HDR_DELETED) ||
		    !match_text(&e->name, slice_make(h->name, h->name_len), true, cx))
			continue;
		if (!e->has_value || value_matches(e, http_hdr_value_of(h), cx))
			return true;
	}
	return false;
}

static bool head_matches(
    const struct check_expect *e, const struct http_msg *m, struct rule_ctx *cx)
{
	char text[16];
	switch (e->kind) {
	case EXPECT_DEFAULT:
		return m->status >= 200 && m->status < 400;
	case EXPECT_RSTATUS:
		snprintf(text, sizeof(text), "%u", m->status);
		return check_regex_match(e->regex, slice_str(text));
	case EXPECT_HDR:
	case EXPECT_FHDR:
		return hdr_matches(e, m, cx);
	default:
		break;
	}
	for (unsigned i = 0; i < e->ranges_n; i++)
		if (m->status >= e->ranges[i].low && m->status <= e->ranges[i].high)
			return true;
	return false;
}

/* ---- body ---- */

/* Payload received so far, chunk frames taken out in place. *ret_whole: the body is over. */
static struct slice body_so_far(const struct http_msg *m, char *buf, size_t len, bool *ret_whole)
{
	struct h1_body b;
	size_t in = 0, out = 0;
	h1_body_init(&b, m);
	*ret_whole = false;
	while (true) {
		struct slice data;
		size_t used;
		enum h1_body_event ev = h1_body_decode(&b, buf + in, len - in, &used, &data);
		if (ev == H1_BODY_DATA) {
			memmove(buf + out, data.ptr, data.len);
			out += data.len;
		}
		in += used;
		if (ev != H1_BODY_DATA) {
			*ret_whole = ev != H1_BODY_MORE;
			return slice_make(buf, out);
		}
		if (used == 0)
			return slice_make(buf, out);
	}
}

/* The body so far in in->body: the next call decodes from the received bytes again. */
static bool decode_body(
    struct check_response *in, const char *bytes, size_t len, struct rule_ctx *cx)
{
	bool whole;
	memcpy(in->body, bytes, len);
	cx->res_buf = body_so_far(&in->msg, in->body, len, &whole);
	return whole || check_response_over(in);
}

static bool judge_body(
    const struct check_step *step, bool whole, struct rule_ctx *cx, struct check_verdict *ret)
{
	const struct check_expect *e = &step->expect;
	struct slice body = cx->res_buf;
	if (check_bytes_short(e, body, whole))
		return false;
	int found = check_bytes_match(e, body, cx);
	if (found == 0 && !whole && e->min_recv < 0)
		return false; /* it may be in what is still to come */
	const char *reason = found < 0	 ? "log-format string evaluated to an empty string"
			     : e->negate ? "HTTP check matched unwanted content"
					 : "HTTP content check did not match";
	bool good = found >= 0 && (found != 0) != e->negate;
	check_verdict_set(step, good, good ? "" : reason, cx, ret);
	return true;
}

/* Past interim responses to the one that counts; its head is parsed. Moves *buf and *len. */
static enum h1_result final_head(
    unsigned flags, char **buf, size_t *len, struct http_msg *m, struct h1_parsed *p)
{
	struct http_hdr *hdrs = m->hdrs;
	for (;;) {
		http_msg_init(m, hdrs, CHECK_HEADERS_MAX);
		enum h1_result r = h1_parse_response(*buf, *len, flags, m, p);
		if (r != H1_COMPLETE || m->status >= 200 || m->status == 101)
			return r;
		*buf += p->consumed;
		*len -= p->consumed;
	}
}

/* Formats may ask for the body whatever the pattern looks at: it is waited for then, too. */
static bool wants_body(const struct check_expect *e)
{
	return e->kind >= EXPECT_STRING || e->on_success || e->on_error || e->status_code;
}

static bool judge_message(const struct check_step *step, bool whole, struct check_response *in,
    struct rule_ctx *cx, struct check_verdict *ret)
{
	const struct check_expect *e = &step->expect;
	char reason[128] = "";
	if (e->kind >= EXPECT_STRING)
		return judge_body(step, whole, cx, ret);
	if (wants_body(e) && !whole)
		return false;
	bool good = head_matches(e, &in->msg, cx) != e->negate;
	if (!good)
		snprintf(reason, sizeof(reason), "%.*s", SLICE_ARG(in->msg.reason));
	check_verdict_set(step, good, reason, cx, ret);
	return true;
}

bool check_http_judge(const struct httpchk_conf *h, const struct check_step *step, bool for_head,
    struct check_response *in, struct rule_ctx *cx, struct check_verdict *ret)
{
	struct h1_parsed p;
	char *buf = in->in;
	size_t len = in->len;
	bool full = in->len == CHECK_RESPONSE_MAX;
	ret->code = 0;
	in->msg.hdrs = in->hdrs;
	switch (final_head(for_head ? H1_FOR_HEAD : 0, &buf, &len, &in->msg, &p)) {
	case H1_INCOMPLETE:
		if (check_response_over(in))
			return set_verdict(ret, CHECK_L7RSP, CHECK_RES_FAILED,
			    full ? SLICE("response head too large") : SLICE("connection closed"));
		return false;
	case H1_ERROR:
		return set_verdict(
		    ret, CHECK_L7RSP, CHECK_RES_FAILED, slice_str(h1_error_text(p.error)));
	case H1_COMPLETE:
		break;
	}
	ret->code = in->msg.status;
	if (in->msg.status == 404 && h->disable_on_404)
		return set_verdict(ret, CHECK_L7OKC, CHECK_RES_CONDPASS, SLICE(""));
	cx->res = &in->msg;
	bool whole = decode_body(in, buf + p.consumed, len - p.consumed, cx);
	return judge_message(step, whole, in, cx, ret);
}
