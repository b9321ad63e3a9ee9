/* SPDX-License-Identifier: MIT */
/*
 * Running health checks: each server's check belongs to one worker, where a timer starts it, a non-blocking
 * connection is made, the PROXY header and the request are sent and the response is read. What came out goes
 * to check_report(). Starting and stopping happen while the other workers stand still, so no check needs a
 * lock of its own.
 */
#include <errno.h>
#include <unistd.h>

#include "check_internal.h"
#include "weir/net/proxy_proto.h"
#include "weir/net/socket.h"

enum run_state {
	RUN_IDLE,
	RUN_CONNECTING,
	RUN_SENDING,
	RUN_RECEIVING,
};

struct check_run {
	struct server *s;
	struct worker *worker;
	enum run_state state;
	struct timer next;     /* start of the next check */
	struct timer deadline; /* of the one under way */
	struct io io;
	uint64_t started_us;
	uint32_t random; /* for spread-checks */
	struct strbuf out;
	size_t sent;
	char *in; /* CHECK_RESPONSE_MAX bytes while receiving */
	size_t in_len;
};

static void start_check(struct worker *w, struct timer *t);

static uint32_t random_next(struct check_run *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 17;
	r->random ^= r->random << 5;
	return r->random;
}

/* Interval to the next start, spread by the configured percentage up and down. */
static uint64_t interval_ms(struct check_run *r)
{
	uint64_t ms = check_interval_ms(r->s);
	unsigned spread = r->s->be->spread_checks;
	if (spread) {
		uint64_t range = ms * spread / 50;
		ms = ms - range / 2 + (range ? random_next(r) % (range + 1) : 0);
	}
	return ms ? ms : 1;
}

/* Frees what one run of a check used. */
static void clean_up(struct worker *w, struct check_run *r)
{
	io_close(w, &r->io);
	worker_timer_cancel(w, &r->deadline);
	strbuf_done(&r->out);
	free(r->in);
	r->in = NULL;
	r->in_len = r->sent = 0;
	r->out = STRBUF_INIT;
	r->state = RUN_IDLE;
}

static void plan_next(struct worker *w, struct check_run *r)
{
	uint64_t since = (w->clock.mono_us - r->started_us) / 1000, wait = interval_ms(r);
	worker_timer_arm(w, &r->next, since < wait ? wait - since : 1);
}

static void finish(struct worker *w, struct check_run *r, enum check_status status,
    enum check_result result, unsigned code, const char *desc)
{
	unsigned ms = (unsigned)((w->clock.mono_us - r->started_us) / 1000);
	clean_up(w, r);
	check_report(w, r->s, status, result, code, ms, desc);
	plan_next(w, r);
}

static void fail_errno(struct worker *w, struct check_run *r, int error)
{
	bool ours = error == EMFILE || error == ENFILE || error == EADDRNOTAVAIL ||
		    error == EAGAIN || error == ENOMEM || error == EPERM;
	enum check_status status = ours ? CHECK_SOCKERR : CHECK_L4CON;
	if (!ours && r->state == RUN_RECEIVING)
		status = CHECK_L7RSP;
	finish(w, r, status, CHECK_RES_FAILED, 0, strerror(error));
}

static void on_deadline(struct worker *w, struct timer *t)
{
	struct check_run *r = container_of(t, struct check_run, deadline);
	bool connected = r->state != RUN_CONNECTING && r->s->check->http;
	finish(w, r, connected ? CHECK_L7TOUT : CHECK_L4TOUT, CHECK_RES_FAILED, 0, "");
}

/* The PROXY header of a check: the connection's own two ends, or LOCAL. */
static void add_preface(struct check_run *r)
{
	const struct server *s = r->s;
	char buf[PP_V1_MAX + 256];
	struct net_peer src = { .sa.sa_family = AF_UNSPEC }, dst = src;
	size_t len;
	if (!s->check->send_proxy)
		return;
	if (s->pp == SERVER_PP_V2) {
		len = pp_write_v2(&src, &dst, true, NULL, 0, s->pp2_options & SERVER_PP2_CRC32C,
		    buf, sizeof(buf));
	} else {
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof(peer);
		if (net_local_peer(r->io.fd, &src) == 0 &&
		    getpeername(r->io.fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
		    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
			memcpy(&dst, &peer, sizeof(dst));
		len = pp_write_v1(&src, &dst, buf);
	}
	strbuf_add(&r->out, buf, len);
}

static void receive(struct worker *w, struct check_run *r)
{
	const struct httpchk_conf *h = r->s->check->http;
	bool eof = false;
	while (r->in_len < CHECK_RESPONSE_MAX) {
		ssize_t n = recv(r->io.fd, r->in + r->in_len, CHECK_RESPONSE_MAX - r->in_len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			fail_errno(w, r, errno);
			return;
		}
		if (n < 0)
			break;
		if (n == 0) {
			eof = true;
			break;
		}
		r->in_len += (size_t)n;
	}
	struct check_verdict v;
	if (check_http_judge(h, r->in, r->in_len, eof, r->in_len == CHECK_RESPONSE_MAX, &v))
		finish(w, r, v.status, v.result, v.code, v.desc);
}

static void send_out(struct worker *w, struct check_run *r)
{
	while (r->sent < r->out.len) {
		ssize_t n =
		    send(r->io.fd, r->out.ptr + r->sent, r->out.len - r->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				fail_errno(w, r, errno);
			return;
		}
		r->sent += (size_t)n;
	}
	if (!r->s->check->http) {
		finish(w, r, CHECK_L4OK, CHECK_RES_PASSED, 0, "");
		return;
	}
	r->state = RUN_RECEIVING;
	r->in = malloc(CHECK_RESPONSE_MAX);
	if (!r->in) {
		fail_errno(w, r, ENOMEM);
		return;
	}
	receive(w, r);
}

static void connected(struct worker *w, struct check_run *r)
{
	const struct backend *be = r->s->be;
	r->state = RUN_SENDING;
	add_preface(r);
	if (r->s->check->http) {
		struct strbuf request = check_http_request(r->s->check->http);
		if (request.failed)
			r->out.failed = true;
		else
			strbuf_addslice(&r->out, strbuf_slice(&request));
		strbuf_done(&request);
		if (be->check_timeout_ms)
			worker_timer_arm(w, &r->deadline, be->check_timeout_ms);
	}
	if (r->out.failed)
		fail_errno(w, r, ENOMEM);
	else
		send_out(w, r);
}

static void on_io(struct worker *w, struct io *io, uint32_t events)
{
	struct check_run *r = container_of(io, struct check_run, io);
	if (r->state == RUN_CONNECTING) {
		int error = net_socket_error(io->fd);
		if (error)
			fail_errno(w, r, error);
		else if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			connected(w, r);
	} else if (r->state == RUN_SENDING) {
		send_out(w, r);
	} else if (r->state == RUN_RECEIVING) {
		receive(w, r);
	}
}

/* Where the check connects: what commands set, what the line says, or the server's own place. */
static void check_target(const struct server *s, struct net_addr *ret)
{
	const struct server_dest *d = atomic_load_explicit(&s->rt->dest, memory_order_acquire);
	struct server_rt *rt = s->rt;
	pthread_mutex_lock(&rt->lock);
	unsigned port = rt->check->port ? rt->check->port : s->check->port;
	if (rt->check->addr.len)
		*ret = rt->check->addr;
	else
		*ret = s->check->addr.len ? s->check->addr : d->addr;
	pthread_mutex_unlock(&rt->lock);
	net_addr_set_port(ret, port ? port : d->port);
}

static unsigned connect_timeout_ms(const struct server *s)
{
	const struct backend *be = s->be;
	if (be->check_timeout_ms && be->connect_timeout_ms)
		return MIN(be->connect_timeout_ms, s->check->inter_ms);
	return s->check->inter_ms;
}

/* Whether checks are to be made now; marks one as under way. */
static bool may_start(struct server_rt *rt)
{
	pthread_mutex_lock(&rt->lock);
	bool ok = !rt->check->paused && !(rt->admin & SERVER_MAINT);
	rt->check->running = ok;
	pthread_mutex_unlock(&rt->lock);
	return ok;
}

static void start_check(struct worker *w, struct timer *t)
{
	struct check_run *r = container_of(t, struct check_run, next);
	struct server *s = r->s;
	struct net_connect_opts opts = s->connect;
	struct net_addr to;
	int fd;
	r->started_us = w->clock.mono_us;
	if (!may_start(s->rt)) {
		plan_next(w, r);
		return;
	}
	check_target(s, &to);
	opts.transparent = false;
	opts.tfo = false;
	opts.nolinger = true; /* leaves nothing behind in TIME_WAIT */
	r->state = RUN_CONNECTING;
	int status = net_connect(&to, &opts, &fd);
	if (status < 0) {
		fail_errno(w, r, -status);
		return;
	}
	int error = io_add_edge(w, &r->io, fd, on_io);
	if (error < 0) {
		close(fd);
		r->io.fd = -1;
		fail_errno(w, r, -error);
		return;
	}
	worker_timer_arm(w, &r->deadline, connect_timeout_ms(s));
	if (status == 0)
		connected(w, r);
}

int checks_start(struct worker *w, struct backend *be)
{
	struct clock now;
	unsigned n = 0, at = 0, workers = worker_count(w->group);
	for (unsigned i = 0; i < be->servers_n; i++)
		n += be->servers[i]->check != NULL;
	if (n == 0 || be->checks)
		return 0;
	be->checks = calloc(n, sizeof(*be->checks));
	if (!be->checks)
		return -ENOMEM;
	be->checks_n = n;
	clock_update(&now);
	worker_pause_others(w);
	for (unsigned i = 0; i < be->servers_n; i++) {
		struct server *s = be->servers[i];
		if (!s->check)
			continue;
		struct check_run *r = &be->checks[at];
		r->s = s;
		r->worker = worker_get(w->group, (be->id + at) % workers);
		r->io.fd = -1;
		r->random = (uint32_t)(now.mono_us + at * 2654435761u) | 1;
		r->out = STRBUF_INIT;
		timer_init(&r->next, start_check);
		timer_init(&r->deadline, on_deadline);
		/* not all at once: the first round is spread over one interval, a second at most */
		uint64_t offset = (uint64_t)MIN(s->check->inter_ms, 1000u) * at / n;
		timer_arm(&r->worker->wheel, &r->next, now.mono_ms + 1 + offset);
		at++;
	}
	worker_resume_others(w);
	return 0;
}

void checks_stop(struct worker *w, struct backend *be)
{
	if (!be->checks)
		return;
	worker_pause_others(w);
	for (unsigned i = 0; i < be->checks_n; i++) {
		struct check_run *r = &be->checks[i];
		worker_timer_cancel(r->worker, &r->next);
		clean_up(r->worker, r);
		pthread_mutex_lock(&r->s->rt->lock);
		r->s->rt->check->running = false;
		pthread_mutex_unlock(&r->s->rt->lock);
	}
	worker_resume_others(w);
	free(be->checks);
	be->checks = NULL;
	be->checks_n = 0;
}
