/* SPDX-License-Identifier: MIT */
/*
 * HTTP checks: the request that is sent, and what a response means. Pure functions over buffers.
 */
#include "check_internal.h"

#include "weir/h1/h1.h"

struct strbuf check_http_request(const struct httpchk_conf *h)
{
	struct strbuf b = STRBUF_INIT;
	strbuf_addf(&b, "%s %s %s\r\n", h->method, h->uri, h->version);
	if (h->host)
		strbuf_addf(&b, "host: %s\r\n", h->host);
	strbuf_addslice(&b, h->hdrs);
	strbuf_adds(&b, "connection: close\r\n");
	if (h->body.len)
		strbuf_addf(&b, "content-length: %zu\r\n", h->body.len);
	strbuf_adds(&b, "\r\n");
	strbuf_addslice(&b, h->body);
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

static bool status_matches(const struct check_expect *e, unsigned status)
{
	char text[16];
	if (e->kind == EXPECT_DEFAULT)
		return status >= 200 && status < 400;
	if (e->kind == EXPECT_RSTATUS) {
		snprintf(text, sizeof(text), "%u", status);
		return check_regex_match(e->regex, slice_str(text));
	}
	for (unsigned i = 0; i < e->ranges_n; i++)
		if (status >= e->ranges[i].low && status <= e->ranges[i].high)
			return true;
	return false;
}

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

static bool judge_body(
    const struct check_expect *e, struct slice body, bool whole, struct check_verdict *v)
{
	struct slice reason = slice_str(e->comment);
	bool found = e->kind == EXPECT_STRING ? slice_search(body, e->text) <= body.len
					      : check_regex_match(e->regex, body);
	if (!found && !whole)
		return false; /* it may be in what is still to come */
	if (found != e->negate)
		return set_verdict(v, CHECK_L7OK, CHECK_RES_PASSED, SLICE(""));
	if (!e->comment)
		reason = e->negate ? SLICE("HTTP check matched unwanted content")
				   : SLICE("HTTP content check did not match");
	return set_verdict(v, CHECK_L7RSP, CHECK_RES_FAILED, reason);
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

static bool judge_content(const struct check_expect *e, const struct http_msg *m, const char *bytes,
    size_t len, bool over, struct check_verdict *ret)
{
	bool whole;
	/* only a copy of what is behind the head changes: the next call decodes from the start again */
	char *copy = malloc(len + 1);
	if (!copy)
		return set_verdict(ret, CHECK_SOCKERR, CHECK_RES_FAILED, SLICE("out of memory"));
	memcpy(copy, bytes, len);
	struct slice body = body_so_far(m, copy, len, &whole);
	bool done = judge_body(e, body, whole || over, ret);
	free(copy);
	return done;
}

bool check_http_judge(const struct httpchk_conf *h, char *buf, size_t len, bool eof, bool full,
    struct check_verdict *ret)
{
	struct http_hdr hdrs[CHECK_HEADERS_MAX];
	struct http_msg m = { .hdrs = hdrs };
	struct h1_parsed p;
	const struct check_expect *e = &h->expect;
	unsigned flags = strcmp(h->method, "HEAD") == 0 ? H1_FOR_HEAD : 0;
	ret->code = 0;
	switch (final_head(flags, &buf, &len, &m, &p)) {
	case H1_INCOMPLETE:
		if (eof || full)
			return set_verdict(ret, CHECK_L7RSP, CHECK_RES_FAILED,
			    full ? SLICE("response head too large") : SLICE("connection closed"));
		return false;
	case H1_ERROR:
		return set_verdict(
		    ret, CHECK_L7RSP, CHECK_RES_FAILED, slice_str(h1_error_text(p.error)));
	case H1_COMPLETE:
		break;
	}
	ret->code = m.status;
	if (m.status == 404 && h->disable_on_404)
		return set_verdict(ret, CHECK_L7OKC, CHECK_RES_CONDPASS, SLICE(""));
	if (e->kind == EXPECT_STRING || e->kind == EXPECT_RSTRING)
		return judge_content(e, &m, buf + p.consumed, len - p.consumed, eof || full, ret);
	if (status_matches(e, m.status) != e->negate)
		return set_verdict(ret, CHECK_L7OK, CHECK_RES_PASSED, SLICE(""));
	return set_verdict(
	    ret, CHECK_L7STS, CHECK_RES_FAILED, e->comment ? slice_str(e->comment) : m.reason);
}
