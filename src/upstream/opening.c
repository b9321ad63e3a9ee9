/* SPDX-License-Identifier: MIT */
/*
 * Connections that are being established and may turn out to speak HTTP/2: requests that could share one wait for it
 * instead of opening their own. Each waits once: when the connection is there, speaks HTTP/1 or has failed, all of them
 * are told and see for themselves. Worker thread only.
 */
#include "weir/upstream/idle.h"

/* RFC 9113 6.5.2 recommends that servers take as many at least. */
#define STREAMS_EXPECTED 100u

static bool may_speak_h2(const struct server_local *sl, const struct server_wish *wish)
{
	if (wish->proto != SERVER_PROTO_AUTO)
		return wish->proto == SERVER_PROTO_H2;
	/* a server that has chosen HTTP/1 will do it again: nobody waits for that */
	return wish->tls && !sl->chose_h1 && server_alpn_has(wish->alpn, SLICE("h2"));
}

void server_conn_announce(struct server_conn *sc)
{
	struct server_local *sl = &sc->rt->local[sc->worker->id];
	if (sc->reusable && may_speak_h2(sl, &sc->wish))
		list_add_tail(&sl->opening, &sc->opening);
}

bool server_conn_await(struct worker *w, struct server *srv, const struct server_wish *wish,
    const struct reuse_rule *rule, struct server_wait *wait)
{
	struct server_local *sl = &srv->rt->local[w->id];
	uint32_t most = MIN(srv->rt->h2_conf.max_streams, STREAMS_EXPECTED);
	list_for_each_entry (sc, &sl->opening, struct server_conn, opening) {
		/* the one that opens it is a stream as well */
		if (sc->waiters_n + 1 >= MIN(most, sc->max_reuse) ||
		    !server_conn_suits(sc, wish, rule->owner, rule->shared))
			continue;
		list_add_tail(&sc->waiters, &wait->link);
		wait->sc = sc;
		sc->waiters_n++;
		return true;
	}
	return false;
}

void server_conn_await_end(struct server_wait *wait)
{
	if (!wait->sc)
		return;
	list_del(&wait->link);
	wait->sc->waiters_n--;
	wait->sc = NULL;
}

void server_conn_opened(struct server_conn *sc)
{
	const uint16_t unknown = CONN_ERROR | CONN_CONNECTING | CONN_HANDSHAKE;
	if (list_is_linked(&sc->opening) && !(sc->m.conn.flags & unknown))
		sc->rt->local[sc->worker->id].chose_h1 = !sc->h2;
	list_del(&sc->opening);
	list_for_each_entry_safe (wait, &sc->waiters, struct server_wait, link) {
		server_conn_await_end(wait);
		wait->told(wait);
	}
}
