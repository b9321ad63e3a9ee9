/* SPDX-License-Identifier: MIT */
/*
 * Fetches of the client's connection (configuration manual 7.3.3).
 */
#include <arpa/inet.h>

#include "tables.h"

static bool fetch_src(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_peer_ip(ret, cx->src);
}

static bool fetch_src_port(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned port = cx->src ? net_peer_port(cx->src) : 0;
	return port && ret_int(ret, port);
}

static const struct net_peer *peer_dst(struct rule_ctx *cx)
{
	return cx->host && cx->host->dst ? cx->host->dst(cx->stream) : NULL;
}

static bool fetch_dst(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_peer_ip(ret, peer_dst(cx));
}

static bool fetch_dst_port(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct net_peer *dst = peer_dst(cx);
	unsigned port = dst ? net_peer_port(dst) : 0;
	return port && ret_int(ret, port);
}

static bool fetch_http_major(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_int(ret, cx->req && cx->req->version >= 20 ? 2 : 1);
}

const struct fetch_row fetch_conn_rows[] = {
	{ .name = "src",
	    .out = SMP_IPV4,
	    .at = AT_STREAM,
	    .eval = fetch_src,
	    .help = "address of the client" },
	{ .name = "src_port",
	    .out = SMP_SINT,
	    .at = AT_STREAM,
	    .eval = fetch_src_port,
	    .help = "port of the client" },
	{ .name = "fc_src",
	    .out = SMP_IPV4,
	    .at = AT_STREAM,
	    .eval = fetch_src,
	    .help = "address of the client's end of the connection" },
	{ .name = "fc_src_port",
	    .out = SMP_SINT,
	    .at = AT_STREAM,
	    .eval = fetch_src_port,
	    .help = "port of the client's end of the connection" },
	{ .name = "dst",
	    .out = SMP_IPV4,
	    .at = AT_STREAM,
	    .eval = fetch_dst,
	    .help = "address the client connected to" },
	{ .name = "dst_port",
	    .out = SMP_SINT,
	    .at = AT_STREAM,
	    .eval = fetch_dst_port,
	    .help = "port the client connected to" },
	{ .name = "fc_dst",
	    .out = SMP_IPV4,
	    .at = AT_STREAM,
	    .eval = fetch_dst,
	    .help = "address of this end of the client's connection" },
	{ .name = "fc_dst_port",
	    .out = SMP_SINT,
	    .at = AT_STREAM,
	    .eval = fetch_dst_port,
	    .help = "port of this end of the client's connection" },
	{ .name = "fc_http_major",
	    .out = SMP_SINT,
	    .at = AT_STREAM,
	    .eval = fetch_http_major,
	    .help = "major HTTP version of the client's connection" },
	{ .name = NULL },
};
