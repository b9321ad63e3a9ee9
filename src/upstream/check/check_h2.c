/* SPDX-License-Identifier: MIT */
/*
 * HTTP checks over HTTP/2: a check is one stream of a connection of its own. The request was made as HTTP/1 and is told
 * to the mux from there; the answer is written down as HTTP/1, so that it is judged like any other. What the mux tells
 * is looked at in a task: the end of a check takes the mux away. The check's worker.
 */
#include <errno.h>

#include "check_run.h"
#include "weir/h1/h1.h"
#include "weir/mux/mux2.h"
#include "weir/tls/transport.h"

struct check_h2 {
	struct check_run *r;
	struct mux2 *mux;
	struct endpoint *ep; /* NULL: no request yet */
	struct task task;
	struct mux2_counters counters; /* nobody's: checks are not traffic */
	struct inflow in;
	struct http_msg req, res;
	struct slice body; /* of the request, what is left of it */
	bool head_given;   /* to whoever judges */
	struct http_hdr req_hdrs[CHECK_HEADERS_MAX], res_hdrs[CHECK_HEADERS_MAX];
};

bool check_speaks_h2(const struct check_run *r)
{
	const struct check_connect *c = &r->step->connect;
	const struct server *s = r->s;
	uint8_t proto = c->proto;
	if (!s->check->http->http)
		return false;
	if (!proto && c->defaults)
		proto = s->check->proto ? s->check->proto : s->proto;
	if (proto)
		return proto == SERVER_PROTO_H2;
	return slice_eq(tls_alpn(&r->conn), SLICE("h2"));
}

/* ---- the mux ---- */

static void on_task(struct worker *w, struct task *task)
{
	(void)w;
	struct check_h2 *h = container_of(task, struct check_h2, task);
	check_on_event(&h->r->conn);
}

static void on_wake(struct endpoint *ep)
{
	struct check_h2 *h = ep->stream;
	task_wake(h->r->worker, &h->task);
}

static void on_stream_left(struct mux2 *m, bool idle)
{
	(void)m;
	(void)idle;
}

static void on_closed(struct mux2 *m)
{
	(void)m; /* the stream was told before; it takes the mux away */
}

static const struct mux2_owner_ops owner = {
	.stream_left = on_stream_left,
	.closed = on_closed,
};

int check_h2_start(struct check_run *r)
{
	struct check_h2 *h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->r = r;
	task_init(&h->task, on_task);
	inflow_init(&h->in);
	http_msg_init(&h->res, h->res_hdrs, CHECK_HEADERS_MAX);
	h->mux = mux2_new(&r->conn, false, &r->s->rt->h2_conf, &h->counters, &owner, h, SLICE_NULL);
	if (!h->mux) {
		free(h);
		return -ENOMEM;
	}
	r->h2 = h;
	return 0;
}

void check_h2_drop(struct check_run *r)
{
	struct check_h2 *h = r->h2;
	if (!h)
		return;
	r->h2 = NULL;
	task_cancel(&h->task);
	if (h->ep)
		h->ep->ops->detach(h->ep, false, false);
	mux2_free(h->mux);
	free(h);
}

/* ---- the request ---- */

/* RFC 9113 8.3.1: a request says whom it is for. Without a Host field: where it goes. 0 or -errno. */
static int add_host(struct check_h2 *h)
{
	const struct net_addr *to = &h->r->target;
	char text[NET_ADDR_TEXT] = "localhost";
	if (http_hdr_find_id(&h->req, HDR_HOST, NULL))
		return 0;
	if (to->sa.sa_family == AF_INET || to->sa.sa_family == AF_INET6)
		net_addr_text_port(to, text);
	struct slice host = arena_slice(&h->r->arena, slice_str(text));
	return host.ptr ? http_hdr_add(&h->req, http_hdr_name(HDR_HOST), host) : -ENOMEM;
}

/* What r->out has, for the mux. 0 or -errno. */
static int open_stream(struct check_h2 *h)
{
	struct check_run *r = h->r;
	struct h1_parsed parsed;
	char *eol = memchr(r->out.ptr, '\r', r->out.len);
	if (eol && eol > r->out.ptr)
		eol[-1] = '0'; /* the version means nothing here, and HTTP/1.0 needs no host */
	http_msg_init(&h->req, h->req_hdrs, CHECK_HEADERS_MAX);
	if (h1_parse_request(r->out.ptr, r->out.len, 0, &h->req, &parsed) != H1_COMPLETE)
		return -EINVAL;
	int e = add_host(h);
	if (e < 0)
		return e;
	h->body = slice_sub(strbuf_slice(&r->out), parsed.consumed, r->out.len);
	struct endpoint *ep = mux2_open(h->mux);
	if (!ep)
		return -ENOMEM;
	h->ep = ep;
	ep->ops->attach(ep, h, on_wake, &h->res, &h->in, &r->arena);
	if (h->req.method == HTTP_HEAD)
		ep->h1_flags |= H1_FOR_HEAD;
	return ep->ops->send_head(ep, &h->req, false);
}

int check_h2_send(struct check_run *r)
{
	struct check_h2 *h = r->h2;
	int e = h->ep ? 0 : open_stream(h);
	if (e < 0)
		return e;
	struct iovec v = { (void *)h->body.ptr, h->body.len };
	size_t taken = h->ep->ops->send(h->ep, &v, h->body.len ? 1 : 0, true, false);
	h->body = slice_sub(h->body, taken, h->body.len);
	if (h->ep->flags & EP_OUT_END)
		return 0;
	if (!endpoint_failed(h->ep))
		return -EAGAIN;
	return h->ep->conn->error ? -(int)h->ep->conn->error : -ECONNRESET;
}

/* ---- the answer ---- */

static void add(struct check_response *in, struct slice s)
{
	size_t n = MIN(s.len, CHECK_RESPONSE_MAX - in->len);
	if (n)
		memcpy(in->in + in->len, s.ptr, n);
	in->len += n;
}

static void write_head(struct check_response *in, const struct http_msg *m)
{
	char line[32];
	snprintf(line, sizeof(line), "HTTP/1.1 %u ", m->status);
	add(in, slice_str(line));
	add(in, m->reason);
	add(in, SLICE("\r\n"));
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		const struct http_hdr *f = &m->hdrs[i];
		add(in, slice_make(f->name, f->name_len));
		add(in, SLICE(": "));
		add(in, http_hdr_value_of(f));
		add(in, SLICE("\r\n"));
	}
	add(in, SLICE("\r\n"));
}

/* The next head, if it is there. */
static bool take_head(struct check_h2 *h, struct check_response *in)
{
	if (h->head_given || !(h->ep->flags & EP_IN_HEAD))
		return false;
	write_head(in, &h->res);
	h->head_given = h->res.status >= 200;
	if (!h->head_given) { /* interim: another one follows */
		h->ep->flags &= ~(uint32_t)EP_IN_HEAD;
		http_msg_init(&h->res, h->res_hdrs, CHECK_HEADERS_MAX);
	}
	return true;
}

int check_h2_read(struct check_run *r)
{
	struct check_h2 *h = r->h2;
	struct check_response *in = r->in;
	struct endpoint *ep = h->ep;
	if (!ep)
		return -EPROTO;
	do {
		(void)ep->ops->recv(ep);
	} while (take_head(h, in) && !h->head_given);
	for (unsigned i = h->in.first; i < h->in.n; i++)
		add(in, slice_make(h->in.seg[i].iov_base, h->in.seg[i].iov_len));
	if (h->in.bytes)
		ep->ops->consume(ep, h->in.bytes);
	bool failed = endpoint_failed(ep) || (ep->flags & (EP_IN_BAD | EP_IN_CLOSED));
	in->eof = (ep->flags & EP_IN_END) || failed;
	if (!failed || in->len)
		return 0;
	return ep->conn->error ? -(int)ep->conn->error : -EPROTO;
}
