/* SPDX-License-Identifier: MIT */
/*
 * What a stream leaves behind in the counters. Also the answers that rules and log formats get
 * from a stream (struct rule_host). Client's worker.
 */
#include "stream.h"

/* ---- counts ---- */

static void count_times(struct counters *c, struct gauges *g, const struct record_times *t)
{
	uint64_t ready = t->request ? t->request : t->handshake; /* TCP has no request */
	uint64_t queue = t->queue > ready ? (t->queue - ready) / 1000 : 0;
	uint64_t connect = t->connected && t->queue ? (t->connected - t->queue) / 1000 : 0;
	uint64_t response = t->response && t->connected ? (t->response - t->connected) / 1000 : 0;
	uint64_t total = t->idle_end ? (t->close - t->idle_end) / 1000 : 0;
	counters_times_add(c, queue, connect, response, total);
	gauge_raise(&g->qtime_max, (unsigned)queue);
	gauge_raise(&g->ctime_max, (unsigned)connect);
	gauge_raise(&g->rtime_max, (unsigned)response);
	gauge_raise(&g->ttime_max, (unsigned)total);
}

static void count_bytes(struct counters *c, const struct stream *s)
{
	counter_add(&c->bytes_in, s->rec.bytes_up);
	counter_add(&c->bytes_out, s->rec.bytes_down);
}

void stream_count_end(struct stream *s)
{
	struct counters *fe = fe_counters(s);
	s->rec.bytes_up = s->req.head_len + s->up.total;
	s->rec.bytes_down =
	    s->rec.status > 0 || !stream_is_http(s) ? s->res.head_len + s->down.total : 0;
	count_bytes(fe, s);
	if (s->cli->bind->stats)
		count_bytes(&s->cli->bind->stats->counters[s->worker->id], s);
	counter_add(
	    &proxy_local(s->worker)->process->counters[s->worker->id].bytes_out, s->rec.bytes_down);
	bool http = stream_is_http(s) && s->rec.status > 0;
	if (http)
		counters_status(fe, (unsigned)s->rec.status);
	if (!s->be)
		return;
	struct counters *be = backend_counters(&s->be->be, s->worker);
	count_bytes(be, s);
	if (http) {
		counter_add(&be->req_tot, 1);
		counters_status(be, (unsigned)s->rec.status);
	}
	if (!s->srv || !(s->rec.t.connected))
		return;
	struct counters *srv = server_counters(s->srv, s->worker);
	count_bytes(srv, s);
	/* what never reached a server would say nothing of its speed */
	count_times(be, &s->be->be.rt->g, &s->rec.t);
	count_times(srv, &s->srv->rt->g, &s->rec.t);
	if (http) {
		counter_add(&srv->req_tot, 1);
		if (s->flags & SF_FINAL_HEAD)
			counters_status(srv, (unsigned)s->rec.status);
	}
}

void stream_note_gauges(struct stream *s, bool ending)
{
	struct log_record *r = &s->rec;
	unsigned own = ending && (s->flags & SF_COUNTED_BE);
	unsigned own_slot = ending && (s->flags & SF_SLOT);
	struct process *p = proxy_local(s->worker)->process;
	r->act_conn = atomic_load_explicit(&p->conns, memory_order_relaxed);
	r->fe_conn = atomic_load_explicit(&s->fe->rt->fe_conns, memory_order_relaxed);
	r->be_conn =
	    s->be ? atomic_load_explicit(&s->be->be.rt->served, memory_order_relaxed) - own : 0;
	r->srv_conn =
	    s->srv ? atomic_load_explicit(&s->srv->rt->served, memory_order_relaxed) - own_slot : 0;
}

/* ---- what rules ask ---- */

/* The address the client connected to: asked of the kernel once, and only when somebody wants it. */
static const struct net_peer *host_dst(void *stream)
{
	struct stream *s = stream;
	if (!s)
		return NULL;
	if (s->cli->has_dst)
		return &s->cli->dst;
	if (s->dst_state == 0)
		s->dst_state = net_local_peer(s->cli->m.conn.io.fd, &s->dst) == 0 ? 1 : 2;
	return s->dst_state == 1 ? &s->dst : NULL;
}

/* Lines about failed connections name every listener, the others those with a name. */
static struct slice listener_name(struct stream *s)
{
	const struct bind_conf *bind = s->cli->bind;
	char text[16];
	if (bind->name || !s->rec.error.len)
		return slice_str(bind->name);
	snprintf(text, sizeof(text), "%u", bind->id);
	return arena_slice(&s->arena, slice_str(text));
}

static struct slice host_name(void *stream, const char *what)
{
	const struct stream *s = stream;
	if (!s)
		return SLICE_NULL;
	if (strcmp(what, "fe_name") == 0)
		return slice_str(s->fe->name);
	if (strcmp(what, "be_name") == 0)
		return s->be ? slice_str(s->be->name) : SLICE_NULL;
	if (strcmp(what, "srv_name") == 0)
		return s->srv ? slice_str(s->srv->name) : SLICE_NULL;
	if (strcmp(what, "so_name") == 0)
		return listener_name(stream);
	if (strcmp(what, "fe_defbe") == 0 && s->fe->default_backend)
		return slice_str(s->fe->default_backend->name);
	return SLICE_NULL;
}

static void host_capture(void *stream, bool response, unsigned slot, struct slice value)
{
	struct stream *s = stream;
	unsigned n = response ? s->fe->res_captures_n : s->fe->req_captures_n;
	if (slot < n)
		s->captures[(response ? s->fe->req_captures_n : 0) + slot] =
		    arena_slice(&s->arena, value);
}

static void host_set_log_level(void *stream, int level)
{
	((struct stream *)stream)->log_level = level;
}

static void host_set_timeout(void *stream, const char *which, unsigned ms)
{
	struct stream *s = stream;
	if (strcmp(which, "client") == 0)
		s->timeout.client = ms;
	else if (strcmp(which, "server") == 0)
		s->timeout.server = ms;
	else if (strcmp(which, "tunnel") == 0)
		s->timeout.tunnel = ms;
}

static const struct log_record *host_record(void *stream)
{
	return stream ? &((struct stream *)stream)->rec : NULL;
}

static void host_set_src(void *stream, const struct net_peer *src, bool is_dst)
{
	struct stream *s = stream;
	if (!s)
		return;
	if (is_dst) {
		s->cli->dst = *src;
		s->cli->has_dst = true;
	} else {
		s->cli->src = *src;
	}
}

static void host_do_log(struct rule_ctx *cx, enum rules_kind kind, const void *profile)
{
	if (cx->stream)
		stream_do_log(cx->stream, kind, profile);
}

/* ---- integers of proxies and servers ---- */

static struct proxy *backend_named(const struct stream *s, const char *object)
{
	return *object ? config_backend(s->fe->config, object) : s->be;
}

/* "backend/server" or, in the present backend, "server". */
static struct server *server_named(const struct stream *s, const char *object)
{
	char be_name[256];
	const char *slash = strchr(object, '/');
	if (!slash)
		return s->be ? backend_server(&s->be->be, object) : NULL;
	snprintf(be_name, sizeof(be_name), "%.*s", (int)(slash - object), object);
	struct proxy *be = config_backend(s->fe->config, be_name);
	return be ? backend_server(&be->be, slash + 1) : NULL;
}

static int64_t backend_gauge(const struct stream *s, const struct proxy *be, const char *fetch)
{
	unsigned workers = be->be.workers, usable = 0;
	int64_t slots = 0, queue = queue_length(be->be.rt->queue);
	for (unsigned i = 0; i < be->be.servers_n; i++) {
		struct server *srv = be->be.servers[i];
		queue += queue_length(srv->rt->queue);
		if (!server_is_usable(srv))
			continue;
		usable++;
		unsigned max = server_limit(srv), served = atomic_load(&srv->rt->served);
		slots = !max || slots < 0 ? -1 : slots + (max > served ? max - served : 0);
	}
	if (strcmp(fetch, "nbsrv") == 0)
		return usable;
	if (strcmp(fetch, "connslots") == 0)
		return slots;
	if (strcmp(fetch, "be_conn") == 0)
		return atomic_load(&be->be.rt->served);
	if (strcmp(fetch, "be_sess_rate") == 0)
		return counters_rate(be->be.rt->counters, workers,
		    offsetof(struct counters, sess_rate), worker_now_ms(s->worker));
	if (strcmp(fetch, "be_id") == 0)
		return be->id;
	if (strcmp(fetch, "queue") == 0)
		return queue;
	if (strcmp(fetch, "avg_queue") == 0)
		return usable ? (queue + usable - 1) / usable : queue * 1000;
	return -1;
}

static int64_t frontend_gauge(const struct stream *s, const struct proxy *fe, const char *fetch)
{
	uint64_t now = worker_now_ms(s->worker);
	if (strcmp(fetch, "fe_conn") == 0)
		return atomic_load(&fe->rt->fe_conns);
	if (strcmp(fetch, "fe_id") == 0)
		return fe->id;
	size_t offset = strcmp(fetch, "fe_req_rate") == 0 ? offsetof(struct counters, req_rate)
							  : offsetof(struct counters, sess_rate);
	return counters_rate(fe->rt->counters, worker_count(s->worker->group), offset, now);
}

static int64_t server_gauge(const struct stream *s, const struct server *srv, const char *fetch)
{
	if (strcmp(fetch, "srv_is_up") == 0)
		return server_is_usable(srv);
	if (strcmp(fetch, "srv_conn") == 0)
		return atomic_load(&srv->rt->served);
	if (strcmp(fetch, "srv_queue") == 0)
		return queue_length(srv->rt->queue);
	if (strcmp(fetch, "srv_id") == 0)
		return srv->id;
	if (strcmp(fetch, "srv_sess_rate") == 0)
		return counters_rate(srv->rt->counters, srv->be->workers,
		    offsetof(struct counters, sess_rate), worker_now_ms(s->worker));
	return -1;
}

static int64_t host_gauge(void *stream, const char *fetch, const char *object)
{
	const struct stream *s = stream;
	if (!s)
		return -1;
	if (strcmp(fetch, "so_id") == 0)
		return s->cli->bind->id;
	if (strncmp(fetch, "fe_", 3) == 0) {
		const struct proxy *fe = *object ? config_frontend(s->fe->config, object) : s->fe;
		return fe ? frontend_gauge(s, fe, fetch) : -1;
	}
	if (strncmp(fetch, "srv_", 4) == 0) {
		const struct server *srv = *object ? server_named(s, object) : s->srv;
		return srv ? server_gauge(s, srv, fetch) : -1;
	}
	const struct proxy *be = backend_named(s, object);
	return be ? backend_gauge(s, be, fetch) : -1;
}

const struct rule_host stream_rule_host = {
	.dst = host_dst,
	.gauge = host_gauge,
	.name = host_name,
	.capture = host_capture,
	.set_log_level = host_set_log_level,
	.set_timeout = host_set_timeout,
	.record = host_record,
	.set_src = host_set_src,
	.do_log = host_do_log,
};
