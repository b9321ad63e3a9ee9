/* SPDX-License-Identifier: MIT */
/*
 * The request's way in: its head, the rules of the frontend and the backend, waiting for a body, and what weir
 * itself adds to the request before it goes to a server. Client's worker.
 */
#include "stream_facts.h"

#include "weir/tls/transport.h"
#include <errno.h>

/* ---- the head ---- */

static void note_first_byte(struct stream *s)
{
	if (s->rec.t.idle_end || !(s->ce->flags & EP_IN_ANY))
		return;
	s->rec.t.idle_end = stream_now_us(s);
	s->rec.t.request_wall = s->worker->clock.wall_us;
}

static void count_request(struct stream *s)
{
	struct process *p = proxy_local(s->worker)->process;
	counter_inc(&fe_counters(s)->req_tot);
	counter_inc(&p->counters[s->worker->id].reqs);
	counters_rate_add(s->fe->rt->counters, worker_count(s->worker->group), s->worker->id,
	    offsetof(struct counters, req_rate), &s->fe->rt->g.req_rate_max,
	    worker_now_ms(s->worker));
}

/* What the log will show of the request, before rules change it. */
static void note_request(struct stream *s)
{
	struct http_target parts;
	struct log_record *r = &s->rec;
	r->t.request = stream_now_us(s);
	r->method = s->req.method_name;
	r->uri = s->req.target;
	http_target_split(s->req.target, &parts);
	r->path = parts.path;
	r->query = parts.query;
	r->version = s->req.version == 10   ? SLICE("HTTP/1.0")
		     : s->req.version == 20 ? SLICE("HTTP/2.0")
					    : SLICE("HTTP/1.1");
	count_request(s);
	stream_number(s);
}

static struct slice capture_of(
    struct stream *s, const struct http_msg *m, const struct capture_conf *conf)
{
	struct http_hdr *h = NULL, *last = NULL;
	while (conf->name.len && (h = http_hdr_find(m, conf->name, h)))
		last = h;
	if (!last)
		return SLICE_NULL;
	return arena_slice(&s->arena, slice_sub(http_hdr_value_of(last), 0, conf->len));
}

static void capture_request(struct stream *s)
{
	for (const struct capture_conf *c = s->fe->req_captures; c; c = c->next) {
		struct slice value = capture_of(s, &s->req, c);
		if (value.ptr)
			s->captures[c->slot] = value;
	}
}

static void capture_request_cookie(struct stream *s)
{
	struct http_hdr *h = NULL;
	while ((h = http_hdr_find_id(&s->req, HDR_COOKIE, h))) {
		struct slice rest = http_hdr_value_of(h);
		while (rest.ptr) {
			struct slice one = slice_trim_ows(slice_cut(&rest, ';'));
			if (!slice_has_prefix(one, s->fe->capture_cookie))
				continue;
			s->rec.cookie_req =
			    arena_slice(&s->arena, slice_sub(one, 0, s->fe->capture_cookie_len));
			return;
		}
	}
}

/* "monitor-uri": answered here, never logged, never forwarded. */
static bool is_monitor(const struct stream *s)
{
	struct slice target = s->req.target;
	if (!s->fe->monitor_uri.len)
		return false;
	if (s->req.flags &
	    HTTP_MSG_NORMALIZED) { /* made of an authority and what the client asked for */
		struct http_target parts;
		http_target_split(target, &parts);
		target = slice_sub(target, (size_t)(parts.path.ptr - target.ptr), target.len);
	}
	return slice_eq(target, s->fe->monitor_uri);
}

static enum step answer_monitor(struct stream *s)
{
	s->flags |= SF_NOLOG | SF_MONITOR;
	counter_inc(&fe_counters(s)->intercepted);
	for (struct switch_rule *r = s->fe->monitor_fail; r; r = r->next) {
		if (cond_eval(r->cond, &s->cx) == 1)
			return stream_error(s, 503, 'L', 'R');
	}
	return stream_error(s, 200, 'L', 'R');
}

/* As clients write targets to a proxy (RFC 9112 3.2.2, 3.2.3). */
static bool for_proxy(const struct http_msg *m)
{
	return m->target.len && m->target.ptr[0] != '/' && m->target.ptr[0] != '*';
}

/* What is left of a buffer behind the head that came in: rules may not make more of it. */
unsigned stream_rewrite_room(const struct stream *s, const struct http_msg *m)
{
	unsigned bufsize = s->fe->config->global.bufsize;
	return bufsize > m->head_len ? bufsize - m->head_len : 1;
}

enum step stream_switch_to_http(struct stream *s)
{
	mux1_become_h1(&s->cli->m);
	s->cli->http = true;
	s->rec.http = true;
	s->flags |= SF_SWITCHED;
	s->up = (struct inflow){ .first = 0 };
	s->cx.req = NULL;
	s->cx.target_of = NULL;
	s->cx.host_hdr = NULL;
	s->cx.host_seen = 0;
	s->cx.req_buf = SLICE_NULL;
	s->cx.req_final = false;
	s->rule_until_ms = 0;
	stream_enter(s, ST_REQ_HEAD);
	return STEP_AGAIN;
}

static enum step request_received(struct stream *s)
{
	note_request(s);
	s->cx.req = &s->req;
	s->cx.proxy_auth = unlikely(s->fe->options & PR_O_USE_PROXY_HEADER) && for_proxy(&s->req);
	s->cx.at = RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ;
	if (s->fe->req_captures)
		capture_request(s);
	if (s->fe->capture_cookie.len)
		capture_request_cookie(s);
	if (is_monitor(s))
		return answer_monitor(s);
	stream_log(s, LOG_STEP_REQUEST);
	s->cx.rewrite_room = stream_rewrite_room(s, &s->req);
	stream_enter(s, !(s->flags & SF_SWITCHED) ? ST_FE_CONTENT
			: s->be			  ? ST_BE_CONTENT
						  : ST_FE_RULES);
	return STEP_AGAIN;
}

static enum step bad_request(struct stream *s)
{
	s->rec.bad_request = true;
	stream_number(s);
	if (s->flags & SF_SWITCHED) /* that became nothing */
		s->rec.backend = slice_str(s->fe->name);
	if (!(s->ce->flags & EP_IN_HEAD))
		count_request(s);
	client_count(s->cli, offsetof(struct counters, failed_req));
	stream_capture_error(s, false);
	return stream_error(s, h1_error_status(s->ce->bad_error), 'P', 'R');
}

/* The client went away, or was silent for too long, before its request was complete. */
static enum step no_request(struct stream *s, bool timeout)
{
	bool nothing = !(s->ce->flags & EP_IN_ANY) && !stream_has_input(s);
	s->rec.bad_request = true;
	s->flags |= SF_CLOSE_CLIENT;
	if (nothing &&
	    ((s->fe->options & (PR_O_DONTLOGNULL | PR_O_IGNORE_PROBES)) || s->cli->requests)) {
		s->flags |= SF_NOLOG;
		if (timeout && !s->cli->requests && !(s->fe->options & PR_O_IGNORE_PROBES))
			return stream_error(s, 408, 'c', 'R');
		stream_flag(s, timeout ? 'c' : 'C', 'R');
		return STEP_DONE;
	}
	client_count(s->cli, offsetof(struct counters, failed_req));
	if (timeout)
		return stream_error(s, 408, 'c', 'R');
	counter_add(&fe_counters(s)->cli_aborts, 1);
	if (!nothing)
		return stream_error(s, 400, 'C', 'R');
	s->rec.status = 400; /* for the log: nobody is there to read it */
	stream_flag(s, 'C', 'R');
	return STEP_DONE;
}

/* Its connection carries other streams too. */
static bool is_multiplexed(const struct stream *s)
{
	return s->ce != &s->cli->m.ep;
}

/* A request that its client took back before anything was done for it costs nobody more than that. */
static enum step reset_at_once(struct stream *s)
{
	note_request(s);
	counter_add(&fe_counters(s)->cli_aborts, 1);
	return stream_error(s, 0, 'C', 'R');
}

enum step step_req_head(struct stream *s)
{
	struct endpoint *ep = s->ce;
	ep->ops->recv(ep);
	note_first_byte(s);
	if (ep->flags & EP_IN_BAD) /* in the head, or in what came of the body with it */
		return bad_request(s);
	if ((ep->flags & (EP_IN_HEAD | EP_ERROR)) == (EP_IN_HEAD | EP_ERROR) && is_multiplexed(s))
		return reset_at_once(s);
	if (ep->flags & EP_IN_HEAD)
		return request_received(s);
	if (ep->flags & EP_NO_MEMORY)
		return stream_error(s, 0, 'R', 'R');
	if (ep->flags & (EP_IN_CLOSED | EP_ERROR))
		return no_request(s, false);
	if (s->flags & SF_TIMEOUT ||
	    (s->cli->deadline_ms && !(ep->flags & EP_IN_ANY) && !stream_has_input(s) &&
		worker_now_ms(s->worker) >= s->cli->deadline_ms))
		return no_request(s, true);
	return STEP_WAIT;
}

/* ---- rules ---- */

static void send_continue(struct stream *s);

/* Reset, or closed in the middle of its request. */
static bool client_has_left(const struct stream *s)
{
	uint32_t flags = s->ce->flags & (EP_IN_CLOSED | EP_IN_END);
	return endpoint_failed(s->ce) || flags == EP_IN_CLOSED;
}

/* A rule waits: for more of the body, or for time to pass. */
static enum step wait_for_rules(struct stream *s)
{
	struct endpoint *ep = s->ce;
	s->rule_until_ms = s->cx.wait_ms ? worker_now_ms(s->worker) + s->cx.wait_ms : 0;
	if (client_has_left(s)) {
		counter_add(&fe_counters(s)->cli_aborts, 1);
		return stream_error(s, 400, 'C', 'R');
	}
	if (!s->cx.wait_body)
		return STEP_WAIT;
	send_continue(s);
	if (ep->ops->recv(ep) && !(ep->flags & (EP_ERROR | EP_IN_BAD)))
		return STEP_AGAIN;
	return ep->flags & (EP_ERROR | EP_IN_BAD) ? bad_request(s) : STEP_WAIT;
}

struct slice stream_payload(struct stream *s, const struct inflow *in, struct slice *joined)
{
	if (inflow_is_empty(in))
		return SLICE_NULL;
	if (in->n - in->first == 1)
		return slice_make(in->seg[in->first].iov_base, in->seg[in->first].iov_len);
	if (joined->len == in->bytes)
		return *joined;
	char *text = arena_bytes(&s->arena, in->bytes);
	if (!text)
		return *joined;
	size_t len = 0;
	for (unsigned i = in->first; i < in->n; i++) {
		memcpy(text + len, in->seg[i].iov_base, in->seg[i].iov_len);
		len += in->seg[i].iov_len;
	}
	*joined = slice_make(text, len);
	return *joined;
}

void stream_show_body(struct stream *s)
{
	s->cx.req_buf = stream_payload(s, &s->up, &s->joined);
	/* where a rule named its own limit, it tells itself when that is over */
	s->cx.req_final = (s->ce->flags & (EP_IN_END | EP_IN_FULL | EP_IN_CLOSED)) ||
			  ((s->flags & SF_TIMEOUT) && !s->rule_until_ms);
}

static bool is_plain_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);
		if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && c != '-')
			return false;
	}
	return true;
}

/* "option http-restrict-req-hdr-names", behind the rules of its proxy. False: the request is to be refused. */
static bool restrict_names(struct stream *s, const struct proxy *px)
{
	for (unsigned i = 0; i < s->req.hdrs_n; i++) {
		struct http_hdr *h = &s->req.hdrs[i];
		if (h->id || (h->flags & HTTP_HDR_DELETED) || is_plain_name(http_hdr_name_of(h)))
			continue;
		if (px->header_names == HEADER_NAMES_REJECT)
			return false;
		http_hdr_del(h);
	}
	return true;
}

static enum step behind_rules(struct stream *s, const struct proxy *px, enum stream_state next)
{
	if (unlikely(px->header_names != HEADER_NAMES_PRESERVE) && !restrict_names(s, px)) {
		client_count(s->cli, offsetof(struct counters, denied_req));
		return stream_error(s, 403, 'P', 'R');
	}
	stream_enter(s, next);
	return STEP_AGAIN;
}

static enum step run_http_rules(struct stream *s, struct proxy *px, enum stream_state next)
{
	if (!px->rules[RULES_HTTP_REQ].first)
		return behind_rules(s, px, next);
	stream_show_body(s);
	/* conditions take what is there: only actions wait here */
	s->cx.at &= ~RULE_AT_REQ_BUF;
	enum rule_verdict v = rules_run(&px->rules[RULES_HTTP_REQ], &s->cx, &s->cursor);
	s->cx.at |= RULE_AT_REQ_BUF;
	if (v == RULES_WAIT)
		return wait_for_rules(s);
	s->rule_until_ms = 0;
	s->cursor = (struct rule_cursor){ .started = false };
	if (v != RULES_NEXT)
		return stream_verdict(s, v, false);
	return behind_rules(s, px, next);
}

enum step step_fe_rules(struct stream *s)
{
	return run_http_rules(s, s->fe, ST_ROUTE);
}

enum step step_be_rules(struct stream *s)
{
	if (!stream_is_http(s) || s->be == s->fe) { /* a listen section's rules have run */
		stream_enter(s, ST_ASSIGN);
		return STEP_AGAIN;
	}
	return run_http_rules(s, s->be, ST_ASSIGN);
}

/* ---- waiting for the body ---- */

/* The client waits for a go-ahead that no server will send in time. */
static void send_continue(struct stream *s)
{
	struct http_msg go;
	if (!(s->req.flags & HTTP_MSG_EXPECT_CONTINUE) || (s->flags & SF_CONTINUED))
		return;
	s->flags |= SF_CONTINUED;
	http_hdr_del_id(&s->req, HDR_EXPECT);
	http_msg_init(&go, NULL, 0);
	go.status = 100;
	go.version = 11;
	go.reason = http_reason(100);
	if (s->ce->ops->send_head(s->ce, &go, false) == 0)
		s->ce->ops->send(s->ce, NULL, 0, false, false);
}

enum step stream_wait_body(struct stream *s, enum stream_state next)
{
	s->resume_state = (uint8_t)next;
	stream_enter(s, ST_REQ_BODY);
	return STEP_AGAIN;
}

/* The request never became complete: no time is given for it, and nobody's rules or servers saw it. */
static enum step body_failed(struct stream *s, unsigned status, char cause)
{
	s->rec.t.request = 0;
	return stream_error(s, status, cause, 'R');
}

enum step step_req_body(struct stream *s)
{
	struct endpoint *ep = s->ce;
	send_continue(s);
	while (!(ep->flags & (EP_IN_END | EP_IN_FULL | EP_IN_BAD | EP_ERROR)) && ep->ops->recv(ep))
		;
	if (ep->flags & EP_IN_BAD)
		return bad_request(s);
	if ((ep->flags & EP_ERROR) || ((ep->flags & (EP_IN_CLOSED | EP_IN_END)) == EP_IN_CLOSED)) {
		counter_add(&fe_counters(s)->cli_aborts, 1);
		return body_failed(s, 400, 'C');
	}
	bool enough = s->body_wait_bytes && s->up.bytes >= s->body_wait_bytes;
	if (enough || (ep->flags & (EP_IN_END | EP_IN_FULL))) {
		s->body_wait_ms = 0;
		s->body_wait_bytes = 0;
		stream_enter(s, (enum stream_state)s->resume_state);
		return STEP_AGAIN;
	}
	if (s->flags & SF_TIMEOUT)
		return body_failed(s, 408, 'c');
	return STEP_WAIT;
}

enum step step_tarpit(struct stream *s)
{
	if (s->ce->flags & (EP_ERROR | EP_IN_CLOSED) || endpoint_failed(s->ce)) {
		stream_flag(s, 'P', 'T');
		s->flags |= SF_CLOSE_CLIENT;
		return STEP_DONE;
	}
	if (!(s->flags & SF_TIMEOUT))
		return STEP_WAIT;
	return stream_rule_reply(s, 'P', 'T');
}

/* ---- what weir adds ---- */

static bool is_except(const struct forward_header *f, const struct net_peer *p)
{
	return f->except && net_cidr_has(f->except, p);
}

static int add_address(
    struct stream *s, const struct forward_header *f, bool if_none, const struct net_peer *p)
{
	char text[NET_ADDR_TEXT];
	if (!p || (p->sa.sa_family != AF_INET && p->sa.sa_family != AF_INET6) || is_except(f, p))
		return 0;
	if (if_none && http_hdr_find(&s->req, f->name, NULL))
		return 0;
	struct slice value = arena_slice(&s->arena, slice_str(net_peer_text(p, text)));
	return value.ptr ? http_hdr_add(&s->req, f->name, value) : -ENOMEM;
}

/* The proxy of the two sides that has an option; the backend's word comes first. */
static const struct proxy *who_has(const struct stream *s, uint64_t option)
{
	return s->be->options & option ? s->be : s->fe->options & option ? s->fe : NULL;
}

/* "if-none" holds only when each side that has the option says so. */
static bool forwardfor_if_none(const struct stream *s)
{
	bool fe = !(s->fe->options & PR_O_FORWARDFOR) || s->fe->forwardfor.if_none;
	bool be = !(s->be->options & PR_O_FORWARDFOR) || s->be->forwardfor.if_none;
	return fe && be;
}

struct forwarded_text {
	char text[512];
	size_t len;
};

static void forwarded_param(
    struct forwarded_text *t, const char *name, struct slice value, bool quoted)
{
	int n = snprintf(t->text + t->len, sizeof(t->text) - t->len,
	    quoted ? "%s%s=\"%.*s\"" : "%s%s=%.*s", t->len ? ";" : "", name, SLICE_ARG(value));
	if (n > 0 && (size_t)n < sizeof(t->text) - t->len)
		t->len += (size_t)n;
}

/* RFC 7239 4: a node is an address, bracketed and quoted for IPv6, with or without a port. */
static void forwarded_node(struct stream *s, struct forwarded_text *t, const char *name,
    const struct net_peer *p, struct expr *host, struct expr *port, bool with_port)
{
	char text[NET_ADDR_TEXT + 16], addr[NET_ADDR_TEXT];
	struct sample smp;
	bool v6 = p && p->sa.sa_family == AF_INET6;
	if (host) {
		if (!expr_eval(host, &s->cx, SMP_STR, &smp))
			return;
		snprintf(addr, sizeof(addr), "%.*s", SLICE_ARG(smp.str));
		v6 = strchr(addr, ':') != NULL;
	} else if (p && (v6 || p->sa.sa_family == AF_INET)) {
		net_peer_text(p, addr);
	} else {
		return;
	}
	int n = snprintf(text, sizeof(text), v6 ? "[%s]" : "%s", addr);
	if (with_port && n > 0) {
		if (port && expr_eval(port, &s->cx, SMP_STR, &smp))
			snprintf(text + n, sizeof(text) - (size_t)n, ":%.*s", SLICE_ARG(smp.str));
		else if (!port && p)
			snprintf(text + n, sizeof(text) - (size_t)n, ":%u", net_peer_port(p));
	}
	forwarded_param(t, name, slice_str(text), v6 || with_port);
}

static int add_forwarded(struct stream *s, const struct forwarded_conf *f)
{
	struct forwarded_text t = { .len = 0 };
	struct sample smp;
	const struct net_peer *dst = f->by && !f->by_expr ? stream_rule_host.dst(s) : NULL;
	if (f->proto)
		forwarded_param(&t, "proto",
		    conn_is_tls(&s->cli->m.conn) ? SLICE("https") : SLICE("http"), false);
	if (f->host && f->host_expr) {
		if (expr_eval(f->host_expr, &s->cx, SMP_STR, &smp))
			forwarded_param(&t, "host", smp.str, true);
	} else if (f->host) {
		struct http_hdr *h = http_hdr_find_id(&s->req, HDR_HOST, NULL);
		if (h)
			forwarded_param(&t, "host", http_hdr_value_of(h), true);
	}
	if (f->by)
		forwarded_node(s, &t, "by", dst, f->by_expr, f->by_port_expr, f->by_port);
	if (f->for_)
		forwarded_node(s, &t, "for", s->cx.src, f->for_expr, f->for_port_expr, f->for_port);
	struct slice value = arena_slice(&s->arena, slice_make(t.text, t.len));
	if (!value.ptr)
		return -ENOMEM;
	return t.len ? http_hdr_add(&s->req, http_hdr_name(HDR_FORWARDED), value) : 0;
}

/* Made when a rule first asks for it, at the latest when the request is complete. */
struct slice stream_unique_id(struct stream *s)
{
	char text[1024];
	if (s->fe->unique_id_format && !s->rec.unique_id.ptr) {
		s->rec.unique_id = SLICE(""); /* should the format ask for itself */
		size_t len = logfmt_write(s->fe->unique_id_format, &s->cx, text, sizeof(text));
		s->rec.unique_id = arena_slice(&s->arena, slice_make(text, len));
	}
	return s->rec.unique_id;
}

static int add_unique_id(struct stream *s)
{
	if (!s->fe->unique_id_format)
		return 0;
	if (!stream_unique_id(s).ptr)
		return -ENOMEM;
	return s->fe->unique_id_header.len
		   ? http_hdr_add(&s->req, s->fe->unique_id_header, s->rec.unique_id)
		   : 0;
}

/* RFC 8470 5.1: the server decides whether it takes a request that may be a replay. */
static int add_early_data(struct stream *s)
{
	const struct conn *c = &s->cli->m.conn;
	if (likely(!conn_is_tls(c)) || !tls_info(c)->early || tls_handshake_done(c))
		return 0;
	if (http_hdr_find(&s->req, SLICE("early-data"), NULL))
		return 0;
	s->early_marked = true;
	return http_hdr_add(&s->req, SLICE("early-data"), SLICE("1"));
}

int stream_finish_request(struct stream *s)
{
	const struct proxy *px;
	int r = add_unique_id(s);
	if (r == 0)
		r = add_early_data(s);
	px = who_has(s, PR_O_FORWARDED);
	if (px && r == 0)
		r = add_forwarded(s, &px->forwarded);
	px = who_has(s, PR_O_FORWARDFOR);
	if (px && r == 0)
		r = add_address(s, &px->forwardfor, forwardfor_if_none(s), s->cx.src);
	px = who_has(s, PR_O_ORIGINALTO);
	if (px && r == 0)
		r = add_address(s, &px->originalto, false, stream_rule_host.dst(s));
	return r;
}
