/* SPDX-License-Identifier: MIT */
/*
 * What a stream wants of its connection to a server, so that it gets an idle one of the same kind or a new one: name
 * and protocol that TLS asks for, and what ties a connection to this client. Client's worker.
 */
#include "stream.h"
#include "stream_facts.h"

#include <errno.h>

#include "weir/base/xxhash.h"
#include "weir/tls/transport.h"

/* All that connections must have in common beside their name; hashed. */
struct kind {
	uint64_t client; /* whose address it shows; 0: nobody's */
	uint64_t tls;	 /* the context; 0: none */
	uint32_t mark;
	int32_t tos; /* -1: none set */
	uint8_t has_mark, proto, alpn, zero[5];
};

static bool shows_client(const struct server *srv)
{
	/* the port is the client's where none was written; addresses without ports have none to show */
	bool clients_port = srv->port_mode != NET_PORT_FIXED && srv->addr.sa.sa_family != AF_UNIX;
	return srv->addr_transparent || clients_port || srv->pp != SERVER_PP_NONE ||
	       srv->source_use != SOURCE_PLAIN;
}

/* Plain connections that anybody may have are of key 0. */
static uint64_t key_of(const struct stream *s, const struct server_wish *wish, bool other_alpn)
{
	const struct server *srv = s->srv;
	struct kind k = {
		.client = shows_client(srv) ? s->cli->id : 0,
		.tls = wish->tls ? atomic_load_explicit(&srv->tls.serial, memory_order_relaxed) : 0,
		.mark = s->bc_mark,
		.tos = s->bc_tos,
		.has_mark = (s->flags & SF_BC_MARK) != 0,
		.proto = wish->proto,
		.alpn = other_alpn,
	};
	if (!k.client && !k.tls && k.tos < 0 && !k.has_mark && !k.proto)
		return 0;
	return xxhash_3(&k, sizeof(k), 0);
}

/* ---- the name ---- */

/* The text of an expression, which may have variables of the request; the null slice: it gives none. */
static struct slice text_of(struct stream *s, const struct expr *e)
{
	struct sample smp;
	struct var_list *vars = s->cx.vars.list[VAR_REQ];
	s->cx.vars.list[VAR_REQ] = &s->req_vars;
	bool there = expr_eval(e, &s->cx, SMP_STR, &smp) && smp.str.len;
	s->cx.vars.list[VAR_REQ] = vars;
	return there ? smp.str : SLICE_NULL;
}

/* The Host field without its port, which a name in TLS does not have. */
static struct slice host_of(const struct stream *s)
{
	const struct http_hdr *h = http_hdr_find_id(&s->req, HDR_HOST, NULL);
	struct slice host = h ? http_hdr_value_of(h) : SLICE_NULL;
	if (host.len && host.ptr[0] == '[')
		return slice_sub(host, 0, slice_find(host, ']') + 1);
	return slice_sub(host, 0, slice_find(host, ':')); /* all of it when there is no port */
}

/* An IPv6 address without its brackets, as certificates have it. */
static struct slice without_brackets(struct slice host)
{
	bool has = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	return has ? slice_sub(host, 1, host.len - 2) : host;
}

/* RFC 6066 3: addresses are no names; a certificate may have them nevertheless. */
static bool is_address(struct slice host)
{
	struct net_addr unused;
	return net_ip_parse(host, &unused) == 0;
}

/* 0, -ENOMEM, or -ENAMETOOLONG: no server can be asked for such a name. */
static int wish_name(struct stream *s, struct server_wish *ret)
{
	const struct server_tls *t = &s->srv->tls;
	struct slice name = SLICE_NULL;
	if (t->sni)
		name = text_of(s, t->sni);
	else if (stream_is_http(s) && !t->no_sni_auto)
		name = without_brackets(host_of(s));
	if (!name.len)
		return 0;
	if (name.len > SERVER_CONN_NAME_MAX)
		return -ENAMETOOLONG;
	const char *text = arena_slice_dup(&s->arena, name);
	if (!text)
		return -ENOMEM;
	ret->name = name;
	ret->verifyhost = text;
	if (t->sni || !is_address(name))
		ret->sni = text;
	else if (t->verifyhost)
		ret->verifyhost = NULL; /* nothing is asked for, so that name counts */
	return 0;
}

/* ---- the protocol ---- */

static bool is_websocket(const struct stream *s)
{
	return stream_is_http(s) && http_list_has(&s->req, HDR_UPGRADE, SLICE("websocket"));
}

/* What websockets are relayed over (manual: "ws"). True: it is not what other streams ask for. */
static bool wish_for_websocket(const struct server *srv, struct server_wish *ret)
{
	bool over_h1 = srv->ws == SERVER_WS_H1;
	if (srv->ws == SERVER_WS_AUTO)
		over_h1 = ret->proto == SERVER_PROTO_AUTO &&
			  server_alpn_has(ret->alpn, SLICE("http/1.1"));
	else
		ret->proto = over_h1 ? SERVER_PROTO_H1 : SERVER_PROTO_H2;
	if (!ret->alpn.len || (srv->ws == SERVER_WS_AUTO && !over_h1))
		return false;
	ret->alpn = over_h1 ? SLICE("\x08http/1.1") : SLICE("\x02h2");
	return true;
}

/* ---- early data ---- */

static bool is_safe(const struct stream *s)
{
	return s->req.method == HTTP_GET || s->req.method == HTTP_HEAD ||
	       s->req.method == HTTP_OPTIONS || s->req.method == HTTP_TRACE;
}

/*
 * The client took the risk of a replay itself, and the server is told of it (Early-Data, RFC 8470 5.1); else only
 * methods that change nothing may be replayed (RFC 8470 4).
 */
static bool wish_early(const struct stream *s)
{
	const struct conn *c = &s->cli->m.conn;
	if (likely(!s->srv->tls.early) || s->no_early || !stream_is_http(s))
		return false;
	bool early = conn_is_tls(c) && tls_info(c)->early;
	if (early && !tls_handshake_done(c))
		return true;
	return is_safe(s) && (early || (s->be->retry_on & RETRY_0RTT_REJECTED));
}

int stream_wish(struct stream *s, struct server_wish *ret)
{
	struct server *srv = s->srv;
	bool other_alpn = false;
	*ret = (struct server_wish){ .proto = srv->proto };
	if (server_uses_tls(srv)) {
		ret->tls = atomic_load_explicit(&srv->tls.client, memory_order_acquire);
		ret->alpn = srv->tls.alpn;
		ret->early = wish_early(s);
		int r = wish_name(s, ret);
		if (r < 0)
			return r;
	}
	if (unlikely(srv->proto || ret->alpn.len || srv->ws) && is_websocket(s))
		other_alpn = wish_for_websocket(srv, ret);
	if (unlikely(srv->pool_conn_name))
		ret->name = text_of(s, srv->pool_conn_name);
	ret->key = key_of(s, ret, other_alpn);
	return 0;
}
