/* SPDX-License-Identifier: MIT */
/*
 * What fetches ask of their surroundings: the message, the clock, the log record, names. Parts that many rules
 * of one request look at are computed once and kept in the context.
 */
#include <arpa/inet.h>

#include "rule_int.h"
#include "weir/h1/h1.h"

const struct http_target *ctx_target(struct rule_ctx *cx)
{
	/* Rules never change a target in place: a new one has a new address. */
	if (cx->target_of != cx->req->target.ptr || !cx->target_of) {
		http_target_split(cx->req->target, &cx->target);
		cx->target_of = cx->req->target.ptr;
	}
	return &cx->target;
}

#define SNIFF_HDRS 101

/* Parsed on a copy, for the bytes are another's; again only when there are more of them. */
struct http_msg *ctx_sniff(struct rule_ctx *cx, struct sample *ret)
{
	struct slice bytes = cx->req_buf;
	struct h1_parsed parsed;
	enum h1_result r = H1_INCOMPLETE;
	if (!(cx->at & RULE_AT_REQ_BUF) || cx->sniffed_bad)
		return NULL;
	if (bytes.len > cx->sniffed) {
		struct http_msg *m = arena_new(cx->arena, struct http_msg);
		struct http_hdr *hdrs = arena_array(cx->arena, struct http_hdr, SNIFF_HDRS);
		char *copy = arena_slice_dup(cx->arena, bytes);
		if (!m || !hdrs || !copy)
			return NULL;
		http_msg_init(m, hdrs, SNIFF_HDRS);
		r = h1_parse_request(copy, bytes.len, 0, m, &parsed);
		cx->sniffed = bytes.len;
		if (r == H1_COMPLETE)
			cx->req = m;
		else if (r == H1_ERROR)
			cx->sniffed_bad = true;
	}
	ret->may_change = r == H1_INCOMPLETE && ctx_req_open(cx);
	return cx->req;
}

const struct http_hdr *ctx_host(struct rule_ctx *cx)
{
	const struct http_msg *m = cx->req;
	/* Fields are appended and marked deleted, never moved: the first stays the first. */
	if (cx->host_hdr && !(cx->host_hdr->flags & HTTP_HDR_DELETED) &&
	    cx->host_hdr->id == HDR_HOST)
		return cx->host_hdr;
	if (!cx->host_hdr && cx->host_seen == m->hdrs_n && cx->host_seen)
		return NULL;
	struct http_hdr *host = http_hdr_find_id(m, HDR_HOST, NULL);
	cx->host_alone = !host || !http_hdr_find_id(m, HDR_HOST, host);
	cx->host_hdr = host;
	cx->host_seen = m->hdrs_n;
	return host;
}

bool ctx_host_is_last(const struct rule_ctx *cx, const struct http_hdr *h)
{
	return h == cx->host_hdr && cx->host_alone && cx->host_seen == cx->req->hdrs_n;
}

int64_t ctx_wall_us(const struct rule_ctx *cx)
{
	if (cx->worker)
		return cx->worker->clock.wall_us;
	struct clock c;
	clock_update(&c);
	return c.wall_us;
}

const struct log_record *ctx_record(const struct rule_ctx *cx)
{
	return cx->host && cx->host->record ? cx->host->record(cx->stream) : NULL;
}

struct slice ctx_name(const struct rule_ctx *cx, const char *what)
{
	return cx->host && cx->host->name ? cx->host->name(cx->stream, what) : SLICE_NULL;
}

struct slice ctx_join(struct rule_ctx *cx, struct slice a, struct slice b)
{
	char *out = arena_bytes(cx->arena, a.len + b.len + 1);
	if (!out)
		return SLICE_NULL;
	if (a.len)
		memcpy(out, a.ptr, a.len);
	if (b.len)
		memcpy(out + a.len, b.ptr, b.len);
	return slice_make(out, a.len + b.len);
}

bool ret_peer_ip(struct sample *ret, const struct net_peer *peer)
{
	if (!peer)
		return false;
	if (peer->sa.sa_family == AF_INET) {
		ret->type = SMP_IPV4;
		ret->ipv4 = peer->in.sin_addr;
		return true;
	}
	if (peer->sa.sa_family == AF_INET6) {
		ret->type = SMP_IPV6;
		ret->ipv6 = peer->in6.sin6_addr;
		return true;
	}
	return false;
}
