/* SPDX-License-Identifier: MIT */
/*
 * Fetches of the request and status line: method, target and its parts, versions, status (configuration
 * manual 7.3.6). Results are slices of the message wherever the value lies there in one piece.
 */
#include "tables.h"
#include "weir/base/hash32.h"

enum part { PART_URL, PART_PATH, PART_PATHQ, PART_QUERY, PART_BASE, PART_BASEQ };

/* Path with its query: they lie side by side in the target. */
static struct slice path_query(const struct http_target *t)
{
	if (!t->has_query)
		return t->path;
	return slice_make(t->path.ptr, t->path.len + 1 + t->query.len);
}

static struct slice host_value(struct rule_ctx *cx)
{
	const struct http_hdr *h = ctx_host(cx);
	return h ? http_hdr_value_of(h) : SLICE_NULL;
}

static struct slice url_part(struct rule_ctx *cx, uintptr_t part)
{
	const struct http_target *t = ctx_target(cx);
	bool slash = t->path.len && t->path.ptr[0] == '/';
	switch ((enum part)part) {
	case PART_URL:
		return cx->req->target;
	case PART_PATH:
		return slash ? t->path : SLICE_NULL;
	case PART_PATHQ:
		return slash ? path_query(t) : SLICE_NULL;
	case PART_QUERY:
		return t->has_query ? t->query : SLICE_NULL;
	case PART_BASE:
		return slash ? ctx_join(cx, host_value(cx), t->path) : host_value(cx);
	case PART_BASEQ:
		return slash ? ctx_join(cx, host_value(cx), path_query(t)) : host_value(cx);
	}
	return SLICE_NULL;
}

static bool fetch_part(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ctx_req(cx, ret) && ret_str(ret, url_part(cx, data));
}

/* "with_qm": the question mark comes along. */
static int check_query(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 0) || strcmp(args->v[0].str.ptr, "with_qm") == 0)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: unknown option '%s'; 'with_qm' is known",
	    at->what, args->v[0].str.ptr);
	return -1;
}

static bool fetch_query(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (!ctx_req(cx, ret))
		return false;
	const struct http_target *t = ctx_target(cx);
	if (!t->has_query)
		return ret_str(ret, SLICE(""));
	bool mark = args_has(args, 0) && t->query.len;
	return ret_str(ret, mark ? slice_make(t->query.ptr - 1, t->query.len + 1) : t->query);
}

static bool fetch_hash32(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (!ctx_req(cx, ret))
		return false;
	struct slice host = host_value(cx), rest = SLICE_NULL;
	const struct http_target *t = ctx_target(cx);
	if (t->path.len && t->path.ptr[0] == '/')
		rest = data == PART_BASE ? t->path : path_query(t);
	struct slice all = ctx_join(cx, host, rest);
	return all.ptr && ret_int(ret, hash32_avalanche(hash32_sdbm(all.ptr, all.len)));
}

/* The hash in network order, then the address. */
static bool fetch_hash32_src(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct sample src;
	if (!fetch_hash32(cx, args, data, walk, ret) || !ret_peer_ip(&src, cx->src))
		return false;
	uint32_t hash = __builtin_bswap32((uint32_t)ret->sint);
	struct slice ip = slice_make((const char *)&src.ipv6, src.type == SMP_IPV4 ? 4 : 16);
	return ret_bin(ret, ctx_join(cx, slice_make((const char *)&hash, 4), ip));
}

static bool fetch_method(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (!ctx_req(cx, ret))
		return false;
	ret->type = SMP_METH;
	ret->method = cx->req->method;
	ret->str = cx->req->method_name;
	return true;
}

static struct slice version_text(unsigned version)
{
	switch (version) {
	case 9:
		return SLICE("0.9");
	case 10:
		return SLICE("1.0");
	case 20:
		return SLICE("2.0");
	case 30:
		return SLICE("3.0");
	default:
		return SLICE("1.1");
	}
}

static bool fetch_req_ver(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ctx_req(cx, ret) && ret_str(ret, version_text(cx->req->version));
}

static bool fetch_res_ver(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ctx_res(cx, ret) && ret_str(ret, version_text(cx->res->version));
}

static bool fetch_status(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ctx_res(cx, ret) && ret_int(ret, cx->res->status);
}

static bool fetch_proto_http(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ctx_req(cx, ret) && ret_bool(ret, true);
}

/* ---- parameters of the query string and of form bodies ---- */

static bool name_eq(struct slice a, struct slice b, bool icase)
{
	return icase ? slice_ieq(a, b) : slice_eq(a, b);
}

/* The next parameter of that name (any, when it is empty) in *rest. */
static bool param_next(
    struct slice *rest, char delim, struct slice name, bool icase, struct slice *ret_value)
{
	const char ends[] = { '&', ';', delim };
	while (rest->ptr) {
		struct slice one = *rest;
		for (size_t i = 0; i < sizeof(ends); i++)
			one.len = slice_find(one, ends[i]);
		*rest = one.len < rest->len ? slice_sub(*rest, one.len + 1, rest->len) : SLICE_NULL;
		size_t eq = slice_find(one, '=');
		if (eq == one.len)
			continue;
		if (name.len && !name_eq(slice_sub(one, 0, eq), name, icase))
			continue;
		*ret_value = slice_sub(one, eq + 1, one.len);
		return true;
	}
	return false;
}

static bool walk_params(const struct args *args, unsigned flag_arg, char delim, struct slice text,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice rest = walk && walk->at ? walk->rest : text;
	struct slice name = args_has(args, 0) ? args->v[0].str : SLICE_NULL;
	struct slice value;
	if (!param_next(&rest, delim, name, args_has(args, flag_arg), &value))
		return false;
	if (walk) {
		walk->rest = rest;
		walk->at = 1;
		walk->more = rest.ptr != NULL;
	}
	return ret_str(ret, value);
}

static int check_urlp(const struct arg_place *at, struct args *args)
{
	if (args_has(args, 1) && args->v[1].str.len > 1) {
		conf_error(
		    at->conf, at->line, at->arg, "%s: the delimiter is one character", at->what);
		return -1;
	}
	if (args_has(args, 1) && args->v[1].str.len == 0)
		args->v[1].type = ARG_NONE;
	if (args_has(args, 2) && strcmp(args->v[2].str.ptr, "i") != 0) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: unknown option '%s'; 'i' (ignore case) is known", at->what,
		    args->v[2].str.ptr);
		return -1;
	}
	return 0;
}

static bool fetch_urlp(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (!ctx_req(cx, ret))
		return false;
	char delim = args_has(args, 1) ? args->v[1].str.ptr[0] : '?';
	struct slice text = cx->req->target;
	size_t at = slice_find(text, delim);
	if (at == text.len)
		return false;
	if (!walk_params(args, 2, delim, slice_sub(text, at + 1, text.len), walk, ret))
		return false;
	return !data || ret_str_int(ret, ret->str);
}

static int check_body_param(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 1) || strcmp(args->v[1].str.ptr, "i") == 0)
		return 0;
	conf_error(at->conf, at->line, at->arg,
	    "%s: unknown option '%s'; 'i' (ignore case) is known", at->what, args->v[1].str.ptr);
	return -1;
}

static bool fetch_body_param(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (!ctx_req(cx, ret) || !cx->req_buf.ptr)
		return false;
	return walk_params(args, 1, '?', cx->req_buf, walk, ret);
}

/* The address and port in an absolute target. */
static bool fetch_url_host(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (!ctx_req(cx, ret))
		return false;
	struct slice host, port;
	const struct http_target *t = ctx_target(cx);
	if (!t->authority.len)
		return false;
	http_authority_split(t->authority, &host, &port);
	uint64_t number;
	/* Names are not resolved: neither has a value then. */
	if (!rule_ip_parse(host, ret))
		return false;
	if (data == 0)
		return true;
	if (slice_to_u64(port, 65535, &number) < 0)
		number = slice_ieq(t->scheme, SLICE("https")) ? 443 : 80;
	return ret_int(ret, (int64_t)number);
}

#define PART(keyword, part, text)                                                                  \
	{                                                                                          \
		.name = keyword, .out = SMP_STR, .acl_forms = true, .steady = true, .at = AT_REQ,  \
		.eval = fetch_part, .data = part, .help = text                                     \
	}
#define URLP(keyword, type, to_int, text)                                                          \
	{                                                                                          \
		.name = keyword, .out = type, .args = { ARG_STR, ARG_STR, ARG_STR },               \
		.acl_forms = true, .at = AT_REQ, .eval = fetch_urlp, .data = to_int,               \
		.check = check_urlp, .usage = "[<name>[,<delim>[,i]]]", .help = text               \
	}

const struct fetch_row fetch_http_rows[] = {
	{ .name = "method",
	    .out = SMP_METH,
	    .at = AT_REQ,
	    .eval = fetch_method,
	    .help = "method of the request" },
	PART("path", PART_PATH, "path of the request, without host and query"),
	PART("pathq", PART_PATHQ, "path of the request with its query"),
	PART("url", PART_URL, "request target as it was received"),
	PART("base", PART_BASE, "first Host field and path"),
	PART("baseq", PART_BASEQ, "first Host field, path and query"),
	{ .name = "query",
	    .out = SMP_STR,
	    .args = { ARG_STR },
	    .at = AT_REQ,
	    .eval = fetch_query,
	    .check = check_query,
	    .usage = "[with_qm]",
	    .help = "query of the request, behind the '?'" },
	{ .name = "base32",
	    .out = SMP_SINT,
	    .at = AT_REQ,
	    .eval = fetch_hash32,
	    .data = PART_BASE,
	    .help = "32-bit hash of base" },
	{ .name = "base32+src",
	    .out = SMP_BIN,
	    .at = AT_REQ,
	    .eval = fetch_hash32_src,
	    .data = PART_BASE,
	    .help = "base32 and the client's address" },
	{ .name = "url32",
	    .out = SMP_SINT,
	    .at = AT_REQ,
	    .eval = fetch_hash32,
	    .data = PART_BASEQ,
	    .help = "32-bit hash of first Host field, path and query" },
	{ .name = "url32+src",
	    .out = SMP_BIN,
	    .at = AT_REQ,
	    .eval = fetch_hash32_src,
	    .data = PART_BASEQ,
	    .help = "url32 and the client's address" },
	{ .name = "url_ip",
	    .out = SMP_IPV4,
	    .at = AT_REQ,
	    .eval = fetch_url_host,
	    .help = "address in an absolute request target" },
	{ .name = "url_port",
	    .out = SMP_SINT,
	    .at = AT_REQ,
	    .eval = fetch_url_host,
	    .data = 1,
	    .help = "port in an absolute request target" },
	URLP("urlp", SMP_STR, 0, "parameter of the query"),
	URLP("url_param", SMP_STR, 0, "parameter of the query"),
	URLP("urlp_val", SMP_SINT, 1, "parameter of the query as an integer"),
	{ .name = "req.body_param",
	    .out = SMP_STR,
	    .args = { ARG_STR, ARG_STR },
	    .at = AT_REQ,
	    .eval = fetch_body_param,
	    .check = check_body_param,
	    .usage = "[<name>[,i]]",
	    .help = "parameter of a form in the body that was waited for" },
	{ .name = "req.ver",
	    .out = SMP_STR,
	    .at = AT_REQ,
	    .eval = fetch_req_ver,
	    .help = "version of the request: 1.0, 1.1, 2.0" },
	{ .name = "req_ver",
	    .out = SMP_STR,
	    .at = AT_REQ,
	    .eval = fetch_req_ver,
	    .help = "same as req.ver" },
	{ .name = "res.ver",
	    .out = SMP_STR,
	    .at = AT_RES,
	    .eval = fetch_res_ver,
	    .help = "version of the response" },
	{ .name = "resp_ver",
	    .out = SMP_STR,
	    .at = AT_RES,
	    .eval = fetch_res_ver,
	    .help = "same as res.ver" },
	{ .name = "status",
	    .out = SMP_SINT,
	    .at = AT_RES,
	    .eval = fetch_status,
	    .help = "status of the response" },
	{ .name = "server_status",
	    .out = SMP_SINT,
	    .at = AT_RES,
	    .eval = fetch_status,
	    .help = "status of the response as the server gave it" },
	{ .name = "req.proto_http",
	    .out = SMP_BOOL,
	    .at = AT_REQ,
	    .eval = fetch_proto_http,
	    .help = "true when the request is HTTP" },
	{ .name = "req_proto_http",
	    .out = SMP_BOOL,
	    .at = AT_REQ,
	    .eval = fetch_proto_http,
	    .help = "same as req.proto_http" },
	{ .name = NULL },
};
