/* SPDX-License-Identifier: MIT */
/*
 * What goes ahead of everything else on a new connection to a server: a SOCKS4 request (server option socks4),
 * then the PROXY header. Both leave with the first bytes of the stream; only the SOCKS4 answer is waited for.
 * Client's worker.
 */
#include "stream_facts.h"

#include <errno.h>

#include "weir/net/proxy_proto.h"

#define SOCKS4_REQUEST_MAX 64
#define SOCKS4_ANSWER	   8
#define PREFACE_MAX	   (SOCKS4_REQUEST_MAX + PP_V1_MAX + 768 + STREAM_PP_TLS_MAX)

/* The PROXY header; 0 when it does not fit. */
static size_t write_pp(struct stream *s, char *text, size_t cap)
{
	const struct server *srv = s->srv;
	struct pp_tlv tlvs[3];
	char facts[STREAM_PP_TLS_MAX];
	unsigned n = 0;
	const struct net_peer *dst = stream_rule_host.dst(s);
	struct net_peer none = { .sa.sa_family = AF_UNSPEC };
	if (srv->pp == SERVER_PP_V1)
		return pp_write_v1(s->cx.src, dst ? dst : &none, text);
	const char *sni = tls_sni(&s->cli->m.conn);
	if (srv->pp2_options & SERVER_PP2_AUTHORITY && sni)
		tlvs[n++] = (struct pp_tlv){ PP2_TYPE_AUTHORITY, slice_str(sni) };
	if (srv->pp2_options & SERVER_PP2_UNIQUE_ID) /* empty when there is none */
		tlvs[n++] = (struct pp_tlv){ PP2_TYPE_UNIQUE_ID, s->rec.unique_id };
	if (srv->pp2_options & SERVER_PP2_SSL)
		tlvs[n++] = (struct pp_tlv){ PP2_TYPE_SSL, stream_pp_tls(s, facts) };
	return pp_write_v2(s->cx.src, dst ? dst : &none, false, tlvs, n,
	    srv->pp2_options & SERVER_PP2_CRC32C, text, cap);
}

int stream_make_preface(struct stream *s, struct server_conn *sc, const struct net_addr *to)
{
	const struct server *srv = s->srv;
	size_t len = 0;
	sc->socks4_wait = srv->socks4.len != 0;
	if (srv->pp == SERVER_PP_NONE && !sc->socks4_wait)
		return 0;
	char *text = arena_bytes(&s->arena, PREFACE_MAX);
	if (!text)
		return -ENOMEM;
	if (sc->socks4_wait) {
		len = net_socks4_write(to, text);
		if (len == 0)
			return -EAFNOSUPPORT;
	}
	if (srv->pp != SERVER_PP_NONE) {
		size_t pp = write_pp(s, text + len, PREFACE_MAX - len);
		if (pp == 0)
			return -ENOMEM;
		len += pp;
	}
	sc->preface = slice_make(text, len);
	return 0;
}

/* Waits for the SOCKS4 answer: 1 granted, 0 not there yet, -errno refused. */
static int socks4_step(struct stream *s)
{
	struct mux1 *m = &s->sc->m;
	s->se->ops->send(s->se, NULL, 0, false, false);
	ssize_t n = mux1_fill(m);
	struct slice bytes = mux1_bytes(m);
	int answer = net_socks4_answer(bytes.ptr, bytes.len);
	if (answer == 0 && n <= 0 && n != -EAGAIN)
		return -ECONNREFUSED;
	if (answer <= 0)
		return answer;
	mux1_skip(m, SOCKS4_ANSWER);
	s->sc->socks4_wait = false;
	return 1;
}

int stream_preface_step(struct stream *s)
{
	struct server_conn *sc = s->sc;
	if (sc->preface.len) {
		mux1_preface(&sc->m, sc->preface);
		sc->preface = SLICE_NULL;
	}
	return sc->socks4_wait ? socks4_step(s) : 1;
}
