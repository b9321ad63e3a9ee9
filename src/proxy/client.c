/* SPDX-License-Identifier: MIT */
/*
 * Client connections: PROXY header, the time between requests, lingering close. A client owns its connection
 * and is owned by its worker; while a request is under way its stream drives the connection.
 *
 *   accept -> PREFACE (accept-proxy) -> IDLE -> STREAM -> IDLE ... -> LINGER -> closed
 */
#include "client.h"

#include <errno.h>
#include <unistd.h>

#include "stream.h"
#include "weir/net/proxy_proto.h"
#include "weir/tls/bind.h"
#include "weir/tls/transport.h"

#define LINGER_MS    1000
#define LINGER_READS 16
#define PREFACE_MS   5000

static void next_request(struct client *c);

void client_set_deadline(struct client *c, uint64_t delay_ms)
{
	struct worker *w = c->m.conn.worker;
	c->deadline_ms = delay_ms ? worker_now_ms(w) + delay_ms : 0;
	if (delay_ms)
		timer_arm_sooner(&w->wheel, &c->timer, c->deadline_ms);
}

static void uncount(struct client *c)
{
	struct worker *w = c->m.conn.worker;
	if (!c->counted)
		return;
	c->counted = false;
	listener_connection_closed(w, c->bind);
}

void client_close(struct client *c)
{
	struct worker *w = c->m.conn.worker;
	struct proxy_local *l = proxy_local(w);
	struct config *config = c->fe->config;
	if (c->fe->options & PR_O_NOLINGER)
		c->m.conn.flags |= CONN_NOLINGER;
	var_list_end(&c->vars, VAR_SESS, &config->global.vars);
	worker_timer_cancel(w, &c->timer);
	task_cancel(&c->task);
	list_del(&c->link);
	free(c->extra);
	if (c->h2)
		mux2_free(c->h2);
	mux1_close(&c->m);
	uncount(c);
	pool_put(&l->clients, c);
	config_unref(w, config);
}

/* ---- lingering ---- */

/*
 * Closing a socket with unread bytes makes the kernel reset the connection, and the reset may overtake our last
 * answer. So after an answer that ended the connection early the rest of the request is read and dropped, for a
 * moment.
 */
static void linger_read(struct client *c)
{
	char dropped[4096];
	for (unsigned i = 0; i < LINGER_READS && (c->m.conn.flags & CONN_READABLE); i++) {
		ssize_t n = conn_recv(&c->m.conn, dropped, sizeof(dropped));
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			client_close(c);
			return;
		}
	}
}

static void linger(struct client *c)
{
	if (c->m.conn.flags & (CONN_ERROR | CONN_READ_END | CONN_NOLINGER)) {
		client_close(c);
		return;
	}
	c->state = CLIENT_LINGER;
	mux1_trim(&c->m);
	conn_shut_write(&c->m.conn);
	client_set_deadline(c, LINGER_MS);
	linger_read(c);
}

/* ---- between requests ---- */

static void start_stream(struct client *c)
{
	c->state = CLIENT_STREAM;
	c->stream = stream_new(c, &c->m.ep);
	if (!c->stream) {
		proxy_local(c->m.conn.worker)->process->dropped_conns++;
		client_close(c);
		return;
	}
	stream_log(c->stream, LOG_STEP_ACCEPT);
	stream_run(c->stream);
}

unsigned client_idle_timeout(const struct client *c)
{
	const struct proxy_timeouts *t = &c->fe->timeout;
	if (c->requests && t->http_keep_alive)
		return t->http_keep_alive;
	return t->http_request ? t->http_request : t->client;
}

/* Waits for the first byte of a request. */
static void go_idle(struct client *c)
{
	c->state = CLIENT_IDLE;
	client_set_deadline(c, client_idle_timeout(c));
}

static bool may_be_h2(const struct client *c)
{
	return c->requests == 0 && c->bind->proto != BIND_PROTO_H1 &&
	       !(c->fe->options & PR_O_NO_H2_UPGRADE);
}

/* The first bytes of a connection may be those of HTTP/2 (RFC 9113 3.4). */
static void start_message(struct client *c)
{
	if (may_be_h2(c)) {
		switch (h2_preface_match(mux1_bytes(&c->m))) {
		case H2_PREFACE_YES:
			client_start_h2(c);
			return;
		case H2_PREFACE_INCOMPLETE:
			if (c->m.conn.flags & (CONN_READ_END | CONN_ERROR))
				break;
			if (c->state != CLIENT_IDLE)
				go_idle(c);
			return;
		case H2_PREFACE_NO:
			break;
		}
	}
	start_stream(c);
}

static void on_task(struct worker *w, struct task *task)
{
	(void)w;
	next_request(container_of(task, struct client, task));
}

/* A whole keep-alive exchange is behind us, or the connection is new. */
static void next_request(struct client *c)
{
	struct proxy_local *l = proxy_local(c->m.conn.worker);
	if (!c->http) {
		start_stream(c);
		return;
	}
	if (mux1_has_bytes(&c->m)) {
		start_message(c);
		return;
	}
	if (c->m.conn.flags & (CONN_ERROR | CONN_PEER_CLOSED) ||
	    atomic_load(&l->process->stopping)) {
		if (c->requests) {
			client_close(c);
			return;
		}
	}
	go_idle(c);
	if (c->m.conn.flags & CONN_READABLE)
		c->m.idle_event(&c->m);
}

void client_request_over(struct client *c)
{
	const struct clock *clock = &c->m.conn.worker->clock;
	c->requests++;
	c->accept_us = clock->mono_us;
	c->accept_wall_us = clock->wall_us;
	c->handshake_us = c->accept_us;
}

/* The stream has left: another message may follow, or this was the last. */
static void released(struct mux1 *m, bool keep)
{
	struct client *c = container_of(m, struct client, m);
	bool unread = m->in_state != MUX1_IN_DONE || mux1_has_bytes(m);
	/* It did not ask for the end: its next request may be on the way (RFC 9112 9.6). */
	bool unaware = m->ep.flags & EP_IN_KEEP;
	/* The rest of its handshake follows early data. */
	bool shakes = conn_is_tls(&m->conn) && !tls_handshake_done(&m->conn);
	c->stream = NULL;
	client_request_over(c);
	if (!keep) {
		if (unread || unaware || shakes)
			linger(c);
		else
			client_close(c);
		return;
	}
	mux1_trim(m);
	if (mux1_has_bytes(m) || (m->conn.flags & CONN_READABLE)) {
		c->state = CLIENT_IDLE;
		task_wake(m->conn.worker, &c->task);
	} else {
		go_idle(c);
	}
}

/* ---- rules about connections ---- */

void client_set(struct client *c, enum rule_knob knob, int64_t value)
{
	int fd = c->m.conn.io.fd;
	if (knob == RULE_SET_FC_MARK)
		net_set_mark(fd, (uint32_t)value);
	else if (knob == RULE_SET_FC_TOS)
		net_set_tos(fd, c->src.sa.sa_family, (int)value);
}

void client_drop(struct client *c, unsigned ttl)
{
	c->m.conn.flags |= CONN_NOLINGER;
	net_silent_drop(c->m.conn.io.fd, c->src.sa.sa_family, ttl);
}

static bool rules_let_in(struct client *c, enum rules_kind kind)
{
	struct proxy_local *l = proxy_local(c->m.conn.worker);
	const struct ruleset *set = &c->fe->rules[kind];
	struct rule_cursor cursor = { .started = false };
	struct arena arena;
	if (likely(!set->first))
		return true;
	arena_init_pool(&arena, &l->blocks);
	struct rule_ctx cx = {
		.host = &client_rule_host,
		.stream = c,
		.worker = c->m.conn.worker,
		.arena = &arena,
		.src = &c->src,
		.at = kind == RULES_TCP_CONNECTION ? RULE_AT_CONN : RULE_AT_CONN | RULE_AT_SESS,
		.req_final = true,
		.vars = { .list[VAR_SESS] = &c->vars, .limits = &c->fe->config->global.vars },
	};
	enum rule_verdict v = rules_run(set, &cx, &cursor);
	c->expect_proxy |= cx.expect_proxy;
	if (v == RULES_DROP)
		client_drop(c, cx.rst_ttl);
	arena_reset(&arena);
	return v == RULES_NEXT;
}

/* ---- PROXY protocol ---- */

/* The PROXY header and the handshake, whichever there are, are done. */
static void begin_session(struct client *c)
{
	struct worker *w = c->m.conn.worker;
	c->handshake_us = w->clock.mono_us;
	if (!rules_let_in(c, RULES_TCP_SESSION)) {
		client_count(c, offsetof(struct counters, denied_sess));
		c->m.conn.flags |= CONN_NOLINGER;
		client_close(c);
		return;
	}
	client_count(c, offsetof(struct counters, sess_tot));
	if (c->http &&
	    (c->bind->proto == BIND_PROTO_H2 || slice_eq(tls_alpn(&c->m.conn), SLICE("h2"))))
		client_start_h2(c);
	else
		next_request(c);
}

/* Ends a connection before its session has begun; the log says why. */
static void refuse_session(struct client *c, const char *why)
{
	c->state = CLIENT_STREAM;
	c->stream = stream_new(c, &c->m.ep);
	if (c->stream)
		stream_refused(c->stream, why);
	else
		client_close(c);
}

static void bad_preface(struct client *c, const char *why)
{
	client_count(c, offsetof(struct counters, denied_conn));
	c->m.conn.flags |= CONN_NOLINGER;
	refuse_session(c, why);
}

/* ---- TLS ---- */

static void handshake_over(struct client *c)
{
	const struct tls_info *info = tls_info(&c->m.conn);
	enum tls_fault fault = (enum tls_fault)info->fault;
	if (!(c->m.conn.flags & CONN_ERROR)) {
		client_count(c, offsetof(struct counters, ssl_sess));
		if (info->resumed)
			client_count(c, offsetof(struct counters, ssl_reused));
		begin_session(c);
		return;
	}
	client_count(c, offsetof(struct counters, ssl_failed));
	if (fault == TLS_FAULT_CLOSED_EMPTY &&
	    (c->fe->options & (PR_O_DONTLOGNULL | PR_O_IGNORE_PROBES)))
		client_close(c);
	else
		refuse_session(c, tls_fault_text(fault));
}

static void start_handshake(struct client *c)
{
	const struct proxy_timeouts *t = &c->fe->timeout;
	struct slice early = mux1_bytes(&c->m);
	struct tls_accept_opts opts = { .tune = &c->fe->config->global.tls, .early_bytes = early };
	if (tls_accept(&c->m.conn, tls_bind_ctx(c->bind->tls), &opts) < 0) {
		proxy_local(c->m.conn.worker)->process->dropped_conns++;
		client_close(c);
		return;
	}
	if (early.len)
		mux1_skip(&c->m, early.len);
	mux1_trim(&c->m);
	c->state = CLIENT_HANDSHAKE;
	client_set_deadline(c, t->client_hs ? t->client_hs : t->client);
	if ((early.len || (c->m.conn.flags & CONN_READABLE)) &&
	    conn_handshake(&c->m.conn) != -EAGAIN)
		handshake_over(c);
}

static void after_preface(struct client *c)
{
	if (c->bind->tls)
		start_handshake(c);
	else
		begin_session(c);
}

/* The client left while its header was waited for. */
static void left_in_preface(struct client *c)
{
	if (mux1_has_bytes(&c->m))
		bad_preface(c, "Truncated PROXY protocol header received");
	else if (c->fe->options & (PR_O_DONTLOGNULL | PR_O_IGNORE_PROBES))
		client_close(c);
	else
		bad_preface(c, "Connection closed while waiting for PROXY protocol header");
}

/* False: no memory. */
static bool keep_header(struct client *c, const struct pp_header *h)
{
	c->rcvd_proxy = true;
	if (h->local && !h->tlvs.len)
		return true;
	struct client_extra *x = malloc(sizeof(*x) + h->tlvs.len);
	if (!x)
		return false;
	x->fc_src = c->src;
	if (!h->local)
		c->src = h->src;
	x->fc_dst = (struct net_peer){ .sa = { .sa_family = AF_UNSPEC } };
	if (c->extra)
		x->fc_dst = c->extra->fc_dst;
	x->dst = h->dst; /* AF_UNSPEC when it is local */
	x->tlvs_len = h->tlvs.len;
	if (h->tlvs.len)
		memcpy(x->tlvs, h->tlvs.ptr, h->tlvs.len);
	free(c->extra); /* of rules ahead of the header */
	c->extra = x;
	return true;
}

static void read_preface(struct client *c)
{
	struct pp_header header;
	ssize_t n = mux1_fill(&c->m);
	if (n == 0 || (n < 0 && n != -EAGAIN)) {
		left_in_preface(c);
		return;
	}
	struct slice bytes = mux1_bytes(&c->m);
	switch (pp_parse(bytes.ptr, bytes.len, &header)) {
	case PP_INCOMPLETE:
		if (bytes.len >= PP_HEADER_MAX)
			bad_preface(c, "Received an invalid PROXY protocol header");
		return;
	case PP_ERROR:
		bad_preface(c, header.error);
		return;
	case PP_COMPLETE:
		break;
	}
	if (!keep_header(c, &header)) {
		proxy_local(c->m.conn.worker)->process->dropped_conns++;
		client_close(c);
		return;
	}
	mux1_skip(&c->m, header.consumed);
	after_preface(c);
}

/* ---- events ---- */

static void idle_event(struct mux1 *m)
{
	struct client *c = container_of(m, struct client, m);
	uint16_t flags = m->conn.flags;
	switch (c->state) {
	case CLIENT_PREFACE:
		if (flags & CONN_READABLE)
			read_preface(c);
		return;
	case CLIENT_HANDSHAKE:
		handshake_over(c);
		return;
	case CLIENT_LINGER:
		linger_read(c);
		return;
	case CLIENT_IDLE:
		if (!(flags & CONN_READABLE))
			return;
		break;
	default:
		return;
	}
	task_cancel(&c->task);
	/* Nothing but a FIN, or a reset: gone without a request. */
	ssize_t n = mux1_fill(m);
	if (n > 0) {
		start_message(c);
	} else if (n == 0 || (n != -EAGAIN && n != -ENOBUFS)) {
		if (c->requests == 0 && !(c->fe->options & (PR_O_DONTLOGNULL | PR_O_IGNORE_PROBES)))
			start_stream(c); /* logs the empty connection */
		else
			client_close(c);
	} else {
		mux1_trim(m);
		if (n == -ENOBUFS)
			client_close(c);
	}
}

static void on_timer(struct worker *w, struct timer *t)
{
	struct client *c = container_of(t, struct client, timer);
	if (c->state == CLIENT_STREAM || !c->deadline_ms)
		return;
	if (worker_now_ms(w) < c->deadline_ms) {
		timer_arm(&w->wheel, t, c->deadline_ms);
		return;
	}
	if (c->state == CLIENT_IDLE && c->requests == 0 && c->http &&
	    !(c->fe->options & PR_O_IGNORE_PROBES)) {
		start_stream(c); /* answers 408 and logs */
		return;
	}
	switch (c->state) {
	case CLIENT_HANDSHAKE:
		refuse_session(c, "Timeout during SSL handshake");
		return;
	case CLIENT_H2:
		client_h2_timeout(c);
		return;
	default:
		client_close(c);
	}
}

void clients_close_idle(struct worker *w)
{
	struct proxy_local *l = proxy_local(w);
	list_for_each_entry_safe (c, &l->client_list, struct client, link) {
		if (c->h2)
			mux2_goaway(c->h2);
		else if (c->state == CLIENT_IDLE && c->requests)
			client_close(c);
	}
}

/* ---- accept ---- */

void client_accept(struct worker *w, struct bind_conf *bind, int fd, const struct net_peer *src)
{
	struct proxy_local *l = proxy_local(w);
	struct client *c = pool_get(&l->clients);
	struct proxy *fe = bind->fe;
	if (!c || mux1_start(&c->m, w, fd, true,
		      fe->mode == PROXY_HTTP ? &mux_h1_ops : &mux_raw_ops) < 0) {
		close(fd);
		pool_put(&l->clients, c);
		l->process->dropped_conns++;
		listener_connection_closed(w, bind);
		return;
	}
	/* the fields behind the mux */
	memset((char *)c + sizeof(c->m), 0, sizeof(*c) - sizeof(c->m));
	c->m.conn.flags |= CONN_WRITABLE;
	c->m.released = released;
	c->m.idle_event = idle_event;
	c->bind = bind;
	c->fe = fe;
	c->http = fe->mode == PROXY_HTTP;
	config_ref(fe->config);
	c->src = *src;
	c->counted = true;
	c->id = ++l->stream_serial;
	c->accept_us = w->clock.mono_us;
	c->accept_wall_us = w->clock.wall_us;
	c->handshake_us = c->accept_us;
	c->expect_proxy = bind->accept_proxy;
	timer_init(&c->timer, on_timer);
	task_init(&c->task, on_task);
	list_add_tail(&l->client_list, &c->link);
	if (!rules_let_in(c, RULES_TCP_CONNECTION)) {
		client_count(c, offsetof(struct counters, denied_conn));
		c->m.conn.flags |= CONN_NOLINGER;
		client_close(c);
		return;
	}
	if (c->expect_proxy) {
		c->state = CLIENT_PREFACE;
		client_set_deadline(c, fe->timeout.client_hs ? fe->timeout.client_hs : PREFACE_MS);
		return; /* the first event brings the header */
	}
	after_preface(c);
}
