/* SPDX-License-Identifier: MIT */
/*
 * What a stream leaves behind in the counters. Also the answers that rules and log formats get
 * from a stream (struct rule_host). Client's worker.
 */
#include "facts.h"
#include "stream_facts.h"

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

/* Counted where the rules stand that failed, as far as that is known: at all sides of the stream. */
static void count_failed_rewrites(struct stream *s)
{
	unsigned n = s->cx.failed_rewrites;
	if (likely(!n))
		return;
	counter_add(&fe_counters(s)->failed_rewrites, n);
	if (s->be && s->be != s->fe)
		counter_add(&backend_counters(&s->be->be, s->worker)->failed_rewrites, n);
	if (s->srv)
		counter_add(&server_counters(s->srv, s->worker)->failed_rewrites, n);
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
	count_failed_rewrites(s);
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

static const struct net_peer *host_fc_peer(void *stream, bool dst)
{
	struct stream *s = stream;
	if (!dst)
		return client_fc_src(s->cli);
	/* the stream has room for it: an idle client shall stay small */
	if (s->cli->extra)
		return client_fc_dst(s->cli);
	if (s->dst.sa.sa_family == AF_UNSPEC && net_local_peer(s->cli->m.conn.io.fd, &s->dst) < 0)
		s->dst.sa.sa_family = AF_UNSPEC;
	return s->dst.sa.sa_family == AF_UNSPEC ? NULL : &s->dst;
}

static const struct net_peer *host_dst(void *stream)
{
	struct stream *s = stream;
	if (!s)
		return NULL;
	if (s->dst_set)
		return s->dst_set;
	return s->cli->extra ? client_dst(s->cli) : host_fc_peer(stream, true);
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
	if (strcmp(what, "unique_id") == 0)
		return stream_unique_id(stream);
	if (strcmp(what, "be_name") == 0)
		return slice_str(s->be ? s->be->name : s->fe->name);
	if (strcmp(what, "srv_name") == 0)
		return s->srv ? slice_str(s->srv->name) : SLICE_NULL;
	if (strcmp(what, "so_name") == 0)
		return listener_name(stream);
	if (strcmp(what, "bc_err_name") == 0)
		return slice_str(conn_error_of_server(s)->name);
	if (strcmp(what, "bc_err_str") == 0)
		return slice_str(conn_error_of_server(s)->text);
	if (strncmp(what, "fc_", 3) == 0)
		return client_text(s->cli, s->rec.error, what);
	if (strcmp(what, "fe_defbe") == 0 && s->fe->default_backend)
		return slice_str(s->fe->default_backend->name);
	return SLICE_NULL;
}

static void host_capture(void *stream, bool response, unsigned slot, struct slice value)
{
	struct stream *s = stream;
	const struct capture_conf *c = response ? s->fe->res_captures : s->fe->req_captures;
	while (c && c->slot != slot)
		c = c->next;
	if (c)
		s->captures[(response ? s->fe->req_captures_n : 0) + slot] =
		    arena_slice(&s->arena, slice_sub(value, 0, c->len));
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
	else if (strcmp(which, "connect") == 0)
		s->timeout.connect = ms;
	else if (strcmp(which, "queue") == 0)
		s->timeout.queue = ms;
	else if (strcmp(which, "tarpit") == 0)
		s->timeout.tarpit = ms;
}

static const struct log_record *host_record(void *stream)
{
	return stream ? &((struct stream *)stream)->rec : NULL;
}

/* For this stream alone: the next request of the connection has the addresses it came with. */
static void host_set_src(void *stream, const struct net_peer *src, bool is_dst)
{
	struct stream *s = stream;
	struct net_peer *kept = arena_new(&s->arena, struct net_peer);
	if (!kept)
		return;
	*kept = *src;
	if (is_dst)
		s->dst_set = kept;
	else
		s->cx.src = kept;
}

static void host_do_log(struct rule_ctx *cx, enum rules_kind kind, const void *profile)
{
	if (cx->stream)
		stream_do_log(cx->stream, kind, profile);
}

static int64_t host_gauge(void *stream, const char *fetch, const char *object)
{
	const struct stream *s = stream;
	return s ? fact_value(s->cli, s, fetch, object) : RULE_GAUGE_NONE;
}

static int host_fd(void *stream, bool server)
{
	const struct stream *s = stream;
	if (server)
		return s->se && !(s->se->flags & EP_CONNECTING) ? s->se->conn->io.fd : -1;
	return s->cli->m.conn.io.fd;
}

static struct conn *host_conn(void *stream, bool server)
{
	const struct stream *s = stream;
	if (!s)
		return NULL;
	if (!server)
		return &s->cli->m.conn;
	return s->se ? s->se->conn : s->sc_left ? &s->sc_left->m.conn : NULL;
}

const struct rule_host stream_rule_host = {
	.dst = host_dst,
	.fc_peer = host_fc_peer,
	.fd = host_fd,
	.conn = host_conn,
	.gauge = host_gauge,
	.name = host_name,
	.capture = host_capture,
	.set_log_level = host_set_log_level,
	.set_timeout = host_set_timeout,
	.record = host_record,
	.set_src = host_set_src,
	.set = stream_host_set,
	.interim = stream_host_interim,
	.fact = stream_fact,
	.debug = stream_debug,
	.do_log = host_do_log,
};
