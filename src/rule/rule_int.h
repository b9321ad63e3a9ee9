/* SPDX-License-Identifier: MIT */
/*
 * What the files of this module share: rows of the fetch and converter tables, their compiled arguments, and
 * small helpers for evaluation. A new fetch or converter is one row and one function; nothing else changes.
 */
#ifndef WEIR_RULE_INT_H
#define WEIR_RULE_INT_H

#include "text.h"
#include "weir/rule/rule.h"

/* ---- arguments ---- */

enum arg_type {
	ARG_NONE, /* ends a row's list; in a call: left out */
	ARG_STR,
	ARG_HDR,  /* header name: lower case in str, enum http_hdr_id in num */
	ARG_SINT, /* in num */
	ARG_UINT,
	ARG_IP4, /* in addr, v4 */
	ARG_IP6,
	ARG_MASK4,    /* bit count or dotted mask, in addr */
	ARG_MASK6,    /* bit count */
	ARG_PROXY,    /* name of a proxy, a server ("[backend/]server"): in str */
	ARG_VAR,      /* name of a variable: in var */
	ARG_SINT_VAR, /* integer, or the name of a variable, in var then: arg_int() */
	ARG_STR_VAR,  /* text, or the name of a variable, in var then: arg_str() */
};

#define ARGS_MAX 12

struct var_name;

struct arg {
	enum arg_type type;
	int64_t num;
	struct slice str; /* NUL-terminated */
	union {
		struct in_addr ipv4;
		struct in6_addr ipv6;
		const struct var_name *var; /* NULL: it is none */
	};
};

/* The arguments of one call, compiled. */
struct args {
	struct arg *v;
	unsigned n;
	void *data; /* what the row's check made of them */
};

static inline bool args_has(const struct args *a, unsigned i)
{
	return i < a->n && a->v[i].type != ARG_NONE;
}

/* Where arguments are being read, for messages. */
struct arg_place {
	struct conf *conf;
	const struct conf_line *line;
	int arg;
	const char *what; /* "fetch 'hdr'" */
};

/*
 * Reads "(a,b)" at *text and moves behind the closing parenthesis; without one there are no arguments. types
 * has row_n entries; from min on they may be left out. 0 or -1, told.
 */
int rule_args_parse(const struct arg_place *at, const char **text, const uint8_t *types,
    unsigned row_n, unsigned min, struct args *ret);

/* ---- rows ---- */

/* Walks the values of a multi-valued fetch while an ACL looks for one that matches. Zero to start. */
struct fetch_walk {
	bool more; /* set by the fetch: call again for the next value */
	struct http_hdr *hdr;
	struct slice rest;
	unsigned at;
};

/* walk: NULL outside ACLs. False: no value. */
typedef bool fetch_fn(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret);

struct fetch_row {
	const char *name;
	uint8_t out; /* enum sample_type */
	uint8_t args_min;
	uint8_t args[ARGS_MAX];
	bool acl_forms; /* name_beg, name_reg ... exist for ACLs */
	unsigned at;	/* RULE_AT_* where it is valid */
	fetch_fn *eval;
	uintptr_t data;
	int (*check)(const struct arg_place *at, struct args *args);
	const char *usage; /* arguments as the manual writes them */
	const char *help;
};

/* In place. False: the chain has no value. */
typedef bool conv_fn(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s);

struct conv_row {
	const char *name;
	uint8_t in, out; /* enum sample_type; out SMP_ANY: what came in */
	uint8_t args_min;
	uint8_t args[ARGS_MAX];
	conv_fn *eval;
	uintptr_t data;
	int (*check)(const struct arg_place *at, struct args *args);
	/* Of rows whose output depends on their arguments: returns it. NULL: out. */
	enum sample_type (*out_of)(const struct args *args);
	const char *usage;
	const char *help;
};

/* Tables (tables.h) end with a row without name. */

/* Keywords of the manual that this version does not bring: an error that says so. NULL-terminated. */
extern const char *const fetch_not_yet[];
extern const char *const conv_not_yet[];
extern const char *const action_not_yet[];
extern const char *const alias_not_yet[];
bool rule_in_names(const char *const *names, const char *name);

const struct fetch_row *fetch_find(struct slice name);
const struct conv_row *conv_find(struct slice name);
const struct fetch_row *fetch_at(size_t i);
const struct conv_row *conv_at(size_t i);

/* ---- compiled expressions ---- */

struct conv_call {
	const struct conv_row *row;
	struct args args;
};

struct expr {
	const struct fetch_row *fetch;
	struct args args;
	enum sample_type out;
	unsigned convs_n;
	struct conv_call *convs;
};

/*
 * Compiles from text on. stop: where reading ended (NULL: anything left over is an error). where 0: no check.
 * default_match gets the "beg" of "path_beg" (ACLs only, NULL elsewhere).
 */
struct expr *expr_compile(struct conf *conf, const struct conf_line *line, int arg,
    const char *text, const char **stop, unsigned where, struct slice *default_match);
/* One value of the walk, converters applied; see fetch_walk. */
bool expr_next(
    const struct expr *e, struct rule_ctx *cx, struct fetch_walk *walk, struct sample *ret);
const char *rule_where_name(unsigned at);

/* ---- for fetches ---- */

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

/* Value of an ARG_SINT_VAR, an ARG_STR_VAR; false: the variable is not set, or is nothing of the kind. */
bool arg_int(struct rule_ctx *cx, const struct arg *a, int64_t *ret);
bool arg_str(struct rule_ctx *cx, const struct arg *a, struct slice *ret);

bool ret_peer_ip(struct sample *ret, const struct net_peer *peer);
#endif
