/* SPDX-License-Identifier: MIT */
/*
 * What fetches ask of their surroundings and how they give back what they found.
 */
#ifndef WEIR_RULE_CTX_H
#define WEIR_RULE_CTX_H

#include "text.h"
#include "weir/rule/rule.h"

#define AT_ANY	  0xffffu
#define AT_STREAM (AT_ANY & ~RULE_AT_CLI)
#define AT_REQ	  (RULE_AT_REQ_BUF | RULE_AT_REQ_HTTP)
#define AT_RES	  (RULE_AT_RES_BUF | RULE_AT_RES_HTTP | RULE_AT_CHECK)
#define AT_HTTP	  (AT_REQ | AT_RES | RULE_AT_LOG)

/* More bytes may still come for the request (response) at this moment of evaluation. */
static inline bool ctx_req_open(const struct rule_ctx *cx)
{
	return (cx->at & RULE_AT_REQ_BUF) && !cx->req_final;
}

static inline bool ctx_res_open(const struct rule_ctx *cx)
{
	return (cx->at & RULE_AT_RES_BUF) && !cx->res_final;
}

/* The head that the bytes of a TCP connection begin with; NULL as ctx_req(). */
struct http_msg *ctx_sniff(struct rule_ctx *cx, struct sample *ret);

/* The request head, or NULL with ret->may_change saying whether it may still come. */
static inline struct http_msg *ctx_req(struct rule_ctx *cx, struct sample *ret)
{
	if (unlikely(!cx->req))
		return ctx_sniff(cx, ret);
	return cx->req;
}

static inline struct http_msg *ctx_res(const struct rule_ctx *cx, struct sample *ret)
{
	if (unlikely(!cx->res))
		ret->may_change = ctx_res_open(cx);
	return cx->res;
}

/* The request target's parts; split again only when a rule has changed the target. */
const struct http_target *ctx_target(struct rule_ctx *cx);
/* First Host header; NULL when there is none. */
const struct http_hdr *ctx_host(struct rule_ctx *cx);
/* Known without a search: no Host field follows this one. */
bool ctx_host_is_last(const struct rule_ctx *cx, const struct http_hdr *h);

int64_t ctx_wall_us(const struct rule_ctx *cx);
const struct log_record *ctx_record(const struct rule_ctx *cx);
struct slice ctx_name(const struct rule_ctx *cx, const char *what);
/* The arena's copy of the two, joined. .ptr NULL when memory is short. */
struct slice ctx_join(struct rule_ctx *cx, struct slice a, struct slice b);

/* ---- the value of a fetch ---- */

static inline bool ret_str(struct sample *ret, struct slice s)
{
	ret->type = SMP_STR;
	ret->str = s;
	return s.ptr != NULL;
}

static inline bool ret_bin(struct sample *ret, struct slice s)
{
	ret->type = SMP_BIN;
	ret->str = s;
	return s.ptr != NULL;
}

static inline bool ret_int(struct sample *ret, int64_t v)
{
	ret->type = SMP_SINT;
	ret->sint = v;
	return true;
}

/* The number that a text begins with; 0 when it begins with none. */
static inline bool ret_str_int(struct sample *ret, struct slice text)
{
	int64_t value = 0;
	rule_int_parse(text, &value);
	return ret_int(ret, value);
}

static inline bool ret_bool(struct sample *ret, bool v)
{
	ret->type = SMP_BOOL;
	ret->boolean = v;
	return true;
}

bool ret_peer_ip(struct sample *ret, const struct net_peer *peer);

#endif
