/* SPDX-License-Identifier: MIT */
/*
 * Integers of the process, the connection, proxies and servers for fetches and converters: a row says of what
 * object a fact is, the look-up finds that object, the function reads. Any worker; what other workers write is
 * read as it is at that moment.
 */
#include "facts.h"

#include <stdlib.h>

#include "weir/h1/h1.h"
#include "weir/mux/mux2.h"

struct fact_call {
	const struct client *cli;
	const struct stream *s;
	const struct worker *w;
	const struct proxy *px; /* of OF_FRONTEND, OF_BACKEND */
	const struct server *srv;
	size_t data; /* of the row */
};

enum fact_of {
	OF_CLIENT,
	OF_STREAM,
	OF_FRONTEND,
	OF_BACKEND,
	OF_SERVER,
};

struct fact {
	const char *name;
	enum fact_of of;
	int64_t (*get)(const struct fact_call *c);
	size_t data;
};

static unsigned load(const atomic_uint *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

/* ---- the process ---- */

static int64_t act_conn(const struct fact_call *c)
{
	return load(&proxy_local(c->w)->process->conns);
}

static int64_t stopping(const struct fact_call *c)
{
	return atomic_load(&proxy_local(c->w)->process->stopping);
}

static int64_t uptime(const struct fact_call *c)
{
	uint64_t start = proxy_local(c->w)->process->start_ms, now = worker_now_ms(c->w);
	return now > start ? (int64_t)((now - start) / 1000) : 0;
}

/* ---- the client's connection ---- */

static int64_t accept_us(const struct fact_call *c)
{
	return c->cli->accept_wall_us;
}

static int64_t dst_conn(const struct fact_call *c)
{
	return listener_conns(c->cli->bind);
}

static int64_t so_id(const struct fact_call *c)
{
	return c->cli->bind->id;
}

static int64_t rcvd_proxy(const struct fact_call *c)
{
	return c->cli->rcvd_proxy;
}

static int64_t first_req(const struct fact_call *c)
{
	return c->cli->requests == 0;
}

static int64_t fc_err(const struct fact_call *c)
{
	struct slice reason = c->s ? c->s->rec.error : SLICE_NULL;
	return conn_error_of_client(c->cli, reason)->id;
}

/* ---- HTTP/1 and TCP carry one stream and count no glitches; NULL: it is one of these ---- */

static struct mux2 *fc_h2(const struct fact_call *c)
{
	return c->cli->h2;
}

static struct mux2 *bc_h2(const struct fact_call *c)
{
	return c->s->se && c->s->se->ops == &mux_h2_ops ? mux2_of(c->s->se) : NULL;
}

static int64_t fc_http_major(const struct fact_call *c)
{
	return fc_h2(c) ? 2 : 1;
}

/* Streams that use the connection. */
static int64_t fc_nb_streams(const struct fact_call *c)
{
	return fc_h2(c) ? mux2_streams(fc_h2(c)) : c->s != NULL;
}

static int64_t fc_streams_limit(const struct fact_call *c)
{
	return fc_h2(c) ? c->cli->fe->config->global.h2_fe.max_streams : 1;
}

static int64_t fc_glitches(const struct fact_call *c)
{
	return fc_h2(c) ? mux2_glitches(fc_h2(c)) : 0;
}

/* ---- the server's connection ---- */

static int64_t bc_err(const struct fact_call *c)
{
	return conn_error_of_server(c->s)->id;
}

static int64_t bc_reused(const struct fact_call *c)
{
	return (c->s->flags & SF_REUSED) != 0;
}

static int64_t bc_http_major(const struct fact_call *c)
{
	return !c->s->se ? RULE_GAUGE_NONE : bc_h2(c) ? 2 : 1;
}

static int64_t bc_nb_streams(const struct fact_call *c)
{
	return !c->s->se ? RULE_GAUGE_NONE : bc_h2(c) ? mux2_streams(bc_h2(c)) : 1;
}

/* What the server allows and we want. */
static int64_t bc_streams_limit(const struct fact_call *c)
{
	struct mux2 *h2 = bc_h2(c);
	return !c->s->se ? RULE_GAUGE_NONE : h2 ? mux2_streams(h2) + mux2_can_open(h2) : 1;
}

static int64_t bc_glitches(const struct fact_call *c)
{
	return !c->s->se ? RULE_GAUGE_NONE : bc_h2(c) ? mux2_glitches(bc_h2(c)) : 0;
}

static int64_t bc_be_queue(const struct fact_call *c)
{
	return c->s->rec.be_queue;
}

static int64_t bc_srv_queue(const struct fact_call *c)
{
	return c->s->rec.srv_queue;
}

/* ---- the stream ---- */

static int64_t prio_class(const struct fact_call *c)
{
	return c->s->prio_class;
}

static int64_t prio_offset(const struct fact_call *c)
{
	return c->s->prio_offset_ms;
}

static int64_t req_bytes_in(const struct fact_call *c)
{
	return (int64_t)(c->s->req.head_len + c->s->up.total);
}

/* The head as it was sent, and what has left of the payload. */
static int64_t req_bytes_out(const struct fact_call *c)
{
	const struct stream *s = c->s;
	size_t head = (s->flags & SF_REQ_SENT) && s->be ? h1_head_size(&s->req) : 0;
	return (int64_t)(head + s->up.total - s->up.bytes);
}

static int64_t res_bytes_in(const struct fact_call *c)
{
	const struct stream *s = c->s;
	return s->flags & (SF_FINAL_HEAD | SF_TUNNELLED)
		   ? (int64_t)(s->res.head_len + s->down.total)
		   : 0;
}

static int64_t res_bytes_out(const struct fact_call *c)
{
	const struct stream *s = c->s;
	size_t head = (s->flags & SF_REPLIED) && stream_is_http(s) ? h1_head_size(&s->res) : 0;
	return (int64_t)(head + s->down.total - s->down.bytes);
}

static int64_t cur_retries(const struct fact_call *c)
{
	return c->s->be ? stream_retries(c->s) : RULE_GAUGE_NONE;
}

/* ---- proxies ---- */

static int64_t proxy_id(const struct fact_call *c)
{
	return c->px->id;
}

static int64_t fe_conn(const struct fact_call *c)
{
	return load(&c->px->rt->fe_conns);
}

static int64_t fe_rate(const struct fact_call *c, size_t offset)
{
	return counters_rate(
	    c->px->rt->counters, worker_count(c->w->group), offset, worker_now_ms(c->w));
}

static int64_t fe_sess_rate(const struct fact_call *c)
{
	return fe_rate(c, offsetof(struct counters, sess_rate));
}

static int64_t fe_req_rate(const struct fact_call *c)
{
	return fe_rate(c, offsetof(struct counters, req_rate));
}

static int64_t be_conn(const struct fact_call *c)
{
	return load(&c->px->be.rt->served);
}

static int64_t be_sess_rate(const struct fact_call *c)
{
	const struct backend *be = &c->px->be;
	return counters_rate(be->rt->counters, be->workers, offsetof(struct counters, sess_rate),
	    worker_now_ms(c->w));
}

static int64_t max_retries(const struct fact_call *c)
{
	return c->px->retries;
}

/* Servers that would get a new request. */
static bool takes_requests(const struct server *s)
{
	return server_is_usable(s) && !server_is_draining(s) && load(&s->rt->eweight);
}

/* Whether the active servers serve; the backup ones do when there is none. */
static bool has_active(const struct backend *be)
{
	for (unsigned i = 0; i < be->servers_n; i++) {
		if (!be->servers[i]->backup && takes_requests(be->servers[i]))
			return true;
	}
	return false;
}

static int64_t nbsrv(const struct fact_call *c)
{
	const struct backend *be = &c->px->be;
	bool active = has_active(be);
	int64_t n = 0;
	for (unsigned i = 0; i < be->servers_n; i++)
		n += be->servers[i]->backup == !active && takes_requests(be->servers[i]);
	return n;
}

static int64_t queue(const struct fact_call *c)
{
	const struct backend *be = &c->px->be;
	int64_t n = queue_length(be->rt->queue);
	for (unsigned i = 0; i < be->servers_n; i++)
		n += queue_length(be->servers[i]->rt->queue);
	return n;
}

/* Without a server the manual's estimate is twice the queue. */
static int64_t avg_queue(const struct fact_call *c)
{
	int64_t n = queue(c), servers = nbsrv(c);
	return servers ? (n + servers - 1) / servers : 2 * n;
}

static int64_t slots_free(const struct server *s)
{
	unsigned max = s->maxconn ? server_limit(s) : 0, served = load(&s->rt->served);
	if (!max)
		return -1;
	return max > served ? max - served : 0;
}

/* Of the servers that serve; -1 when one of them has no limit. */
static int64_t be_conn_free(const struct fact_call *c)
{
	const struct backend *be = &c->px->be;
	bool active = has_active(be);
	int64_t sum = 0;
	for (unsigned i = 0; i < be->servers_n; i++) {
		const struct server *s = be->servers[i];
		if (s->backup == active || !takes_requests(s))
			continue;
		int64_t n = slots_free(s);
		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

/* Of all servers that are up, whatever their weight and role, and of their queues. */
static int64_t connslots(const struct fact_call *c)
{
	const struct backend *be = &c->px->be;
	int64_t sum = 0;
	for (unsigned i = 0; i < be->servers_n; i++) {
		const struct server *s = be->servers[i];
		if (!server_is_usable(s))
			continue;
		int64_t n = slots_free(s), waiting = queue_length(s->rt->queue);
		if (n < 0 || !s->maxqueue)
			return -1;
		sum += n + MAX((int64_t)s->maxqueue - waiting, 0);
	}
	return sum;
}

/* ---- servers ---- */

static int64_t srv_id(const struct fact_call *c)
{
	return c->srv->id;
}

static int64_t srv_conn(const struct fact_call *c)
{
	return load(&c->srv->rt->served);
}

static int64_t srv_conn_free(const struct fact_call *c)
{
	return slots_free(c->srv);
}

static int64_t srv_is_up(const struct fact_call *c)
{
	return server_is_usable(c->srv);
}

static int64_t srv_queue(const struct fact_call *c)
{
	return queue_length(c->srv->rt->queue);
}

static int64_t srv_sess_rate(const struct fact_call *c)
{
	return counters_rate(c->srv->rt->counters, c->srv->be->workers,
	    offsetof(struct counters, sess_rate), worker_now_ms(c->w));
}

static int64_t srv_weight(const struct fact_call *c)
{
	return (load(&c->srv->rt->eweight) + SERVER_WEIGHT_SCALE - 1) / SERVER_WEIGHT_SCALE;
}

static int64_t srv_uweight(const struct fact_call *c)
{
	return c->srv->rt->uweight;
}

static int64_t srv_iweight(const struct fact_call *c)
{
	return c->srv->weight;
}

/* ---- timeouts; data: the field ---- */

static int64_t timeout_at(const struct proxy_timeouts *t, size_t offset)
{
	unsigned ms;
	memcpy(&ms, (const char *)t + offset, sizeof(ms));
	return ms;
}

static int64_t px_timeout(const struct fact_call *c)
{
	return timeout_at(&c->px->timeout, c->data);
}

static int64_t cur_timeout(const struct fact_call *c)
{
	return timeout_at(&c->s->timeout, c->data);
}

#define MS(field) offsetof(struct proxy_timeouts, field)

/* In the order of strcmp(). */
static const struct fact facts[] = {
	{ "accept_date", OF_CLIENT, accept_us },
	{ "act_conn", OF_CLIENT, act_conn },
	{ "avg_queue", OF_BACKEND, avg_queue },
	{ "bc_be_queue", OF_STREAM, bc_be_queue },
	{ "bc_err", OF_STREAM, bc_err },
	{ "bc_glitches", OF_STREAM, bc_glitches },
	{ "bc_http_major", OF_STREAM, bc_http_major },
	{ "bc_nb_streams", OF_STREAM, bc_nb_streams },
	{ "bc_reused", OF_STREAM, bc_reused },
	{ "bc_settings_streams_limit", OF_STREAM, bc_streams_limit },
	{ "bc_srv_queue", OF_STREAM, bc_srv_queue },
	{ "be_conn", OF_BACKEND, be_conn },
	{ "be_conn_free", OF_BACKEND, be_conn_free },
	{ "be_connect_timeout", OF_BACKEND, px_timeout, MS(connect) },
	{ "be_id", OF_BACKEND, proxy_id },
	{ "be_max_retries", OF_BACKEND, max_retries },
	{ "be_queue_timeout", OF_BACKEND, px_timeout, MS(queue) },
	{ "be_server_timeout", OF_BACKEND, px_timeout, MS(server) },
	{ "be_sess_rate", OF_BACKEND, be_sess_rate },
	{ "be_tarpit_timeout", OF_BACKEND, px_timeout, MS(tarpit) },
	{ "be_tunnel_timeout", OF_BACKEND, px_timeout, MS(tunnel) },
	{ "connslots", OF_BACKEND, connslots },
	{ "cur_client_timeout", OF_STREAM, cur_timeout, MS(client) },
	{ "cur_connect_timeout", OF_STREAM, cur_timeout, MS(connect) },
	{ "cur_max_retries", OF_STREAM, cur_retries },
	{ "cur_queue_timeout", OF_STREAM, cur_timeout, MS(queue) },
	{ "cur_server_timeout", OF_STREAM, cur_timeout, MS(server) },
	{ "cur_tarpit_timeout", OF_STREAM, cur_timeout, MS(tarpit) },
	{ "cur_tunnel_timeout", OF_STREAM, cur_timeout, MS(tunnel) },
	{ "dst_conn", OF_CLIENT, dst_conn },
	{ "fc_err", OF_CLIENT, fc_err },
	{ "fc_glitches", OF_CLIENT, fc_glitches },
	{ "fc_http_major", OF_CLIENT, fc_http_major },
	{ "fc_nb_streams", OF_CLIENT, fc_nb_streams },
	{ "fc_rcvd_proxy", OF_CLIENT, rcvd_proxy },
	{ "fc_settings_streams_limit", OF_CLIENT, fc_streams_limit },
	{ "fe_client_timeout", OF_FRONTEND, px_timeout, MS(client) },
	{ "fe_conn", OF_FRONTEND, fe_conn },
	{ "fe_id", OF_FRONTEND, proxy_id },
	{ "fe_req_rate", OF_FRONTEND, fe_req_rate },
	{ "fe_sess_rate", OF_FRONTEND, fe_sess_rate },
	{ "fe_tarpit_timeout", OF_FRONTEND, px_timeout, MS(tarpit) },
	{ "http_first_req", OF_STREAM, first_req },
	{ "nbsrv", OF_BACKEND, nbsrv },
	{ "prio_class", OF_STREAM, prio_class },
	{ "prio_offset", OF_STREAM, prio_offset },
	{ "queue", OF_BACKEND, queue },
	{ "req.bytes_in", OF_STREAM, req_bytes_in },
	{ "req.bytes_out", OF_STREAM, req_bytes_out },
	{ "res.bytes_in", OF_STREAM, res_bytes_in },
	{ "res.bytes_out", OF_STREAM, res_bytes_out },
	{ "so_id", OF_CLIENT, so_id },
	{ "srv_conn", OF_SERVER, srv_conn },
	{ "srv_conn_free", OF_SERVER, srv_conn_free },
	{ "srv_id", OF_SERVER, srv_id },
	{ "srv_is_up", OF_SERVER, srv_is_up },
	{ "srv_iweight", OF_SERVER, srv_iweight },
	{ "srv_queue", OF_SERVER, srv_queue },
	{ "srv_sess_rate", OF_SERVER, srv_sess_rate },
	{ "srv_uweight", OF_SERVER, srv_uweight },
	{ "srv_weight", OF_SERVER, srv_weight },
	{ "stopping", OF_CLIENT, stopping },
	{ "uptime", OF_CLIENT, uptime },
};

static int by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct fact *)row)->name);
}

/* ---- objects ---- */

/* The stream's backend; before there is one, and without a name, the frontend stands for it. */
static const struct proxy *backend_of(const struct fact_call *c, const char *object)
{
	const struct proxy *fe = c->cli->fe;
	if (*object)
		return config_backend(fe->config, object);
	return c->s && c->s->be ? c->s->be : fe;
}

/* "backend/server" or, in the present backend, "server". */
static const struct server *server_of(const struct fact_call *c, const char *object)
{
	char be_name[256];
	const char *slash = strchr(object, '/');
	if (!*object)
		return c->s ? c->s->srv : NULL;
	if (slash)
		snprintf(be_name, sizeof(be_name), "%.*s", (int)(slash - object), object);
	const struct proxy *be = backend_of(c, slash ? be_name : "");
	return be && (be->caps & PROXY_BE) ? backend_server(&be->be, slash ? slash + 1 : object)
					   : NULL;
}

/* Of a frontend that stands for its backend only what every proxy has is known. */
static bool has_backend(const struct fact_call *c, const struct fact *f)
{
	return c->px && ((c->px->caps & PROXY_BE) || f->get == proxy_id);
}

int64_t fact_value(
    const struct client *cli, const struct stream *s, const char *fetch, const char *object)
{
	const struct fact *f = bsearch(fetch, facts, ARRAY_SIZE(facts), sizeof(facts[0]), by_name);
	struct fact_call c = { .cli = cli, .s = s };
	if (!f || !cli)
		return RULE_GAUGE_NONE;
	c.w = cli->m.conn.worker;
	c.data = f->data;
	switch (f->of) {
	case OF_CLIENT:
		break;
	case OF_STREAM:
		if (!s)
			return RULE_GAUGE_NONE;
		break;
	case OF_FRONTEND:
		c.px = *object ? config_frontend(cli->fe->config, object) : cli->fe;
		if (!c.px)
			return RULE_GAUGE_NONE;
		break;
	case OF_BACKEND:
		c.px = backend_of(&c, object);
		if (!has_backend(&c, f))
			return RULE_GAUGE_NONE;
		break;
	case OF_SERVER:
		c.srv = server_of(&c, object);
		if (!c.srv)
			return RULE_GAUGE_NONE;
		break;
	}
	return f->get(&c);
}
