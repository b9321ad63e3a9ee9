/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 connections of clients: the mux hands out a stream for each request, and the client lives until the mux says
 * that nothing will come of it any more. Between requests the client's timer runs. Client's worker.
 */
#include "stream.h"

static struct client *client_of(const struct mux2 *m)
{
	return mux2_owner(m);
}

static bool on_request(struct mux2 *m, struct endpoint *ep)
{
	struct client *c = client_of(m);
	struct stream *s = stream_new(c, ep);
	if (!s) {
		proxy_local(c->m.conn.worker)->process->dropped_conns++;
		return false;
	}
	client_set_deadline(c, 0); /* the stream has a timer of its own */
	stream_log(s, LOG_STEP_ACCEPT);
	return true;
}

static void on_stream_left(struct mux2 *m, bool idle)
{
	struct client *c = client_of(m);
	client_request_over(c);
	if (idle)
		client_set_deadline(c, client_idle_timeout(c));
}

static void on_closed(struct mux2 *m)
{
	client_close(client_of(m));
}

static void log_error(const struct client *c, const char *what, const char *why)
{
	char addr[NET_ADDR_TEXT];
	log_emitf(c->m.conn.worker, &c->fe->logs, LOG_LV_NOTICE,
	    "HTTP/2 %s of %s to frontend %s ended: %s.", what, net_peer_text(&c->src, addr),
	    c->fe->name, why);
}

/* "timeout client" is for clients that are gone, those of requests are for the ones that ask nothing. */
static void refresh_timeout(struct client *c)
{
	const struct proxy_timeouts *t = &c->fe->timeout;
	if (!mux2_streams(c->h2) && !t->http_request && !(c->requests && t->http_keep_alive))
		client_set_deadline(c, t->client);
}

/*
 * A connection that was ended for what the client sent, or a stream that nobody saw: the log has the reason, unless
 * "tune.h2.log-errors" says otherwise.
 */
static void on_event(struct mux2 *m, enum mux2_event event, const char *text)
{
	struct client *c = client_of(m);
	enum h2_log wanted = c->fe->config->global.h2.log;
	if (event == MUX2_ALIVE)
		refresh_timeout(c);
	if (event == MUX2_CONN_ERROR && wanted >= H2_LOG_CONNECTION)
		log_error(c, "connection", text);
	if (event == MUX2_STREAM_ERROR && wanted >= H2_LOG_STREAM)
		log_error(c, "stream", text);
	if (event == MUX2_CONN_ERROR || event == MUX2_STREAM_ERROR)
		client_count(c, offsetof(struct counters, failed_req));
}

static const struct mux2_owner_ops h2_owner = {
	.request = on_request,
	.stream_left = on_stream_left,
	.closed = on_closed,
	.event = on_event,
};

void client_start_h2(struct client *c)
{
	struct proxy_local *l = proxy_local(c->m.conn.worker);
	const struct global_conf *g = &c->fe->config->global;
	c->h2 = mux2_new(&c->m.conn, true, &g->h2_fe, &c->fe->rt->h2[l->worker->id], &h2_owner, c,
	    mux1_bytes(&c->m));
	if (!c->h2) {
		l->process->dropped_conns++;
		client_close(c);
		return;
	}
	mux2_ping_idle(c->h2, c->bind->idle_ping_ms);
	mux1_drop(&c->m);
	c->state = CLIENT_H2;
	client_set_deadline(c, client_idle_timeout(c));
}

void client_h2_timeout(struct client *c)
{
	c->deadline_ms = 0;
	mux2_close(c->h2);
}
