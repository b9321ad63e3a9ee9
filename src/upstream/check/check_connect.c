/* SPDX-License-Identifier: MIT */
/*
 * The connections of health checks: where they go, what goes ahead of everything else (SOCKS4, PROXY header), TLS. A
 * connection that is there hands back to the steps. The check's worker.
 */
#include <errno.h>
#include <unistd.h>

#include "check_run.h"
#include "weir/net/proxy_proto.h"
#include "weir/net/socket.h"
#include "weir/tls/transport.h"

#define SOCKS4_ANSWER 8

/*
 * Where the check connects: what the step says, what commands set, what the server's line says about checks, or the
 * server's own place.
 */
static void check_target(struct check_run *r, const struct check_connect *c, struct net_addr *ret)
{
	const struct server *s = r->s;
	const struct server_dest *d = atomic_load_explicit(&s->rt->dest, memory_order_acquire);
	struct server_rt *rt = s->rt;
	struct sample number;
	pthread_mutex_lock(&rt->lock);
	unsigned port = rt->check->port ? rt->check->port : s->check->port;
	if (rt->check->addr.len)
		*ret = rt->check->addr;
	else
		*ret = s->check->addr.len ? s->check->addr : d->addr;
	pthread_mutex_unlock(&rt->lock);
	if (c->addr.len)
		*ret = c->addr;
	if (c->port)
		port = c->port;
	else if (c->port_expr && expr_eval(c->port_expr, &r->cx, SMP_SINT, &number) &&
		 number.sint > 0 && number.sint <= 65535)
		port = (unsigned)number.sint;
	net_addr_set_port(ret, port ? port : d->port);
}

static unsigned connect_timeout_ms(const struct server *s)
{
	const struct backend *be = s->be;
	if (be->check_timeout_ms && be->connect_timeout_ms)
		return MIN(be->connect_timeout_ms, s->check->inter_ms);
	return s->check->inter_ms;
}

/* What is left of the time of a check without "timeout check", which bounds all its steps. */
static unsigned time_left_ms(const struct worker *w, const struct check_run *r)
{
	unsigned limit = connect_timeout_ms(r->s);
	uint64_t since = (w->clock.mono_us - r->started_us) / 1000;
	if (r->s->be->check_timeout_ms)
		return limit;
	return since < limit ? limit - (unsigned)since : 1;
}

/* The PROXY header of a check: the connection's own two ends, or LOCAL. */
static void add_preface(struct check_run *r)
{
	const struct server *s = r->s;
	char buf[PP_V1_MAX + 256];
	struct net_peer src = { .sa.sa_family = AF_UNSPEC }, dst = src;
	size_t len;
	const struct check_connect *c = &r->step->connect;
	if (!c->send_proxy && !(c->defaults && s->check->send_proxy))
		return;
	if (s->pp == SERVER_PP_V2) {
		len = pp_write_v2(&src, &dst, true, NULL, 0, s->pp2_options & SERVER_PP2_CRC32C,
		    buf, sizeof(buf));
	} else {
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof(peer);
		if (net_local_peer(r->conn.io.fd, &src) == 0 &&
		    getpeername(r->conn.io.fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
		    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
			memcpy(&dst, &peer, sizeof(dst));
		len = pp_write_v1(&src, &dst, buf);
	}
	strbuf_add(&r->out, buf, len);
}

/* ---- TLS ---- */

static bool wants_tls(const struct check_run *r)
{
	const struct check_connect *c = &r->step->connect;
	return c->tls || (c->defaults && r->s->check->tls);
}

/* The Host field of the request that follows, without its port: the name that TLS asks for where none was said. */
static const char *name_of_host(struct check_run *r)
{
	const struct httpchk_conf *h = r->s->check->http;
	const struct check_step *s = r->step;
	while (s && s->kind != STEP_SEND)
		s = s->next;
	if (!h->http || !s)
		return NULL;
	bool said = s->send.host.fmt || s->send.host.text.ptr;
	struct slice host = SLICE_NULL;
	if (said)
		host = check_text_of(&s->send.host, &r->cx);
	else if (s->send.from_option && h->host)
		host = slice_str(h->host);
	host = slice_sub(host, 0, slice_find(host, ':'));
	struct net_addr address;
	if (!host.len || host.ptr[0] == '[' || net_ip_parse(host, &address) == 0)
		return NULL;
	return arena_slice_dup(&r->arena, host);
}

static const char *server_name(struct check_run *r)
{
	const struct check_connect *c = &r->step->connect;
	const struct check_conf *check = r->s->check;
	if (c->sni)
		return c->sni;
	if (c->defaults && check->sni)
		return check->sni;
	return c->implicit && !check->no_sni_auto ? name_of_host(r) : NULL;
}

static struct slice protocols(const struct check_run *r)
{
	const struct check_connect *c = &r->step->connect;
	const struct server *s = r->s;
	if (c->alpn.len || !c->defaults)
		return c->alpn;
	return s->check->alpn.len ? s->check->alpn : s->tls.alpn;
}

static void handshake_failed(struct worker *w, struct check_run *r)
{
	const struct tls_info *info = tls_info(&r->conn);
	const char *text = info ? tls_fault_text((enum tls_fault)info->fault) : "";
	check_fail(w, r, CHECK_L6RSP, text);
}

/* ---- the way to a connection ---- */

/* It is there: the steps that follow have a time of their own. */
static void established(struct worker *w, struct check_run *r)
{
	const struct backend *be = r->s->be;
	if (be->check_timeout_ms && r->s->check->http->first->next)
		worker_timer_arm(w, &r->deadline, be->check_timeout_ms);
	r->state = RUN_SENDING; /* nothing is waited for */
	r->conn.on_event = check_on_event;
	if (check_speaks_h2(r) && check_h2_start(r) < 0) {
		check_fail_errno(w, r, ENOMEM);
		return;
	}
	check_take_steps(w, r);
}

static void handshake_done(struct worker *w, struct check_run *r)
{
	if (r->conn.flags & CONN_ERROR) {
		handshake_failed(w, r);
		return;
	}
	r->found.status = CHECK_L6OK;
	established(w, r);
}

static void start_tls(struct worker *w, struct check_run *r)
{
	struct server *s = r->s;
	struct tls_client *client = atomic_load_explicit(&s->tls.client, memory_order_acquire);
	const char *sni = server_name(r);
	const struct tls_connect_opts opts = {
		.tune = s->tls.env->tune,
		.sni = sni,
		.verifyhost = sni,
		.alpn = protocols(r),
		.no_reuse = true,
	};
	r->state = RUN_HANDSHAKE;
	if (tls_connect(&r->conn, client, &opts) < 0)
		check_fail_errno(w, r, ENOMEM);
	else if (conn_handshake(&r->conn) != -EAGAIN)
		handshake_done(w, r);
}

/* What goes ahead of everything else is sent. */
static void hello_is_out(struct worker *w, struct check_run *r)
{
	if (wants_tls(r))
		start_tls(w, r);
	else
		established(w, r);
}

/* The connection is there, or the SOCKS4 proxy has made it. */
static void say_hello(struct worker *w, struct check_run *r)
{
	r->state = RUN_SENDING;
	add_preface(r);
	if (r->out.failed)
		check_fail_errno(w, r, ENOMEM);
	else if (check_send_out(w, r))
		hello_is_out(w, r);
}

static void connected(struct worker *w, struct check_run *r)
{
	char request[64];
	if (!r->to_proxy) {
		say_hello(w, r);
		return;
	}
	r->state = RUN_PREFACE;
	strbuf_add(&r->out, request, net_socks4_write(&r->target, request));
	(void)check_send_out(w, r);
}

/* The answer of the SOCKS4 proxy: 8 bytes, and no byte of the server behind it. */
static void read_socks4(struct worker *w, struct check_run *r)
{
	char answer[SOCKS4_ANSWER];
	ssize_t n = recv(r->conn.io.fd, answer, sizeof(answer), MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	int granted = n > 0 ? net_socks4_answer(answer, (size_t)n) : -ECONNREFUSED;
	if (granted == 0)
		return;
	if (granted > 0 && recv(r->conn.io.fd, answer, sizeof(answer), 0) != SOCKS4_ANSWER)
		granted = -ECONNREFUSED;
	r->to_proxy = false;
	if (granted < 0)
		check_fail_errno(w, r, -granted);
	else
		say_hello(w, r);
}

static void on_event(struct conn *c)
{
	struct check_run *r = container_of(c, struct check_run, conn);
	struct worker *w = r->worker;
	if (r->state == RUN_HANDSHAKE)
		handshake_done(w, r);
	else if (c->flags & CONN_ERROR)
		check_fail_errno(w, r, c->error);
	else if (c->flags & CONN_CONNECTING)
		return;
	else if (r->state == RUN_CONNECTING)
		connected(w, r);
	else if (r->out.len && !check_send_out(w, r))
		return;
	else if (r->state == RUN_PREFACE)
		read_socks4(w, r);
	else
		hello_is_out(w, r);
}

void check_connect(struct worker *w, struct check_run *r)
{
	const struct server *s = r->s;
	const struct check_connect *c = &r->step->connect;
	struct net_connect_opts opts = s->connect;
	int fd;
	check_drop_connection(r);
	r->found = (struct check_verdict){ .status = CHECK_L4OK, .result = CHECK_RES_PASSED };
	snprintf(r->found.desc, sizeof(r->found.desc), "%s", c->implicit ? "" : "(tcp-check)");
	check_target(r, c, &r->target);
	r->to_proxy = s->socks4.len && (c->via_socks4 || (c->defaults && s->check->via_socks4));
	opts.transparent = false;
	opts.tfo = false;
	opts.nolinger = !c->linger; /* leaves nothing behind in TIME_WAIT */
	r->state = RUN_CONNECTING;
	int status = net_connect(r->to_proxy ? &s->socks4 : &r->target, &opts, &fd);
	if (status < 0) {
		check_fail_errno(w, r, -status);
		return;
	}
	int error = conn_start(&r->conn, w, fd, on_event);
	if (error < 0) {
		close(fd);
		r->conn.io.fd = -1;
		check_fail_errno(w, r, -error);
		return;
	}
	worker_timer_arm(w, &r->deadline, time_left_ms(w, r));
	if (status == 0)
		connected(w, r);
	else
		r->conn.flags |= CONN_CONNECTING;
}
