/* SPDX-License-Identifier: MIT */
/*
 * Fetches of what the log record of the session holds: captures, times, termination, identifiers. They outlive
 * the request's buffer, so they serve in responses and in log lines too.
 */
#include "tables.h"

#define DIR_RES 0x1u

static bool fetch_capture(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	uint64_t slot = (uint64_t)args->v[0].num;
	if (!r || slot >= (data & DIR_RES ? r->res_captures_n : r->req_captures_n))
		return false;
	return ret_str(ret, (data & DIR_RES ? r->res_captures : r->req_captures)[slot]);
}

static bool fetch_capture_method(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	return r && r->method.len && ret_str(ret, r->method);
}

static bool fetch_capture_uri(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	struct http_target t;
	if (!r || !r->uri.len)
		return false;
	http_target_split(r->uri, &t);
	if (!t.path.len || t.path.ptr[0] != '/')
		return false;
	return ret_str(ret, slice_make(t.path.ptr, (size_t)(r->uri.ptr + r->uri.len - t.path.ptr)));
}

static bool fetch_capture_ver(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	if (data & DIR_RES)
		return cx->res &&
		       ret_str(ret, cx->res->version == 10 ? SLICE("HTTP/1.0") : SLICE("HTTP/1.1"));
	if (!r || !r->version.len)
		return false;
	/* an HTTP/2 request has the semantics of 1.1, and the manual knows two answers only */
	return ret_str(
	    ret, slice_eq(r->version, SLICE("HTTP/2.0")) ? SLICE("HTTP/1.1") : r->version);
}

static bool fetch_unique_id(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice id = ctx_name(cx, "unique_id");
	return id.len && ret_str(ret, id);
}

static bool fetch_txn_status(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	if (!r)
		return false;
	return ret_int(ret, r->status < 0 && cx->res ? cx->res->status : r->status);
}

static bool fetch_id32(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	return r && ret_int(ret, (int64_t)(r->request_counter & 0xffffffffu));
}

static bool fetch_retries(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	return r && ret_int(ret, r->retries);
}

static bool fetch_redispatched(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	return r && ret_bool(ret, r->redispatched);
}

static bool fetch_term_state(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	char state[2];
	if (!r)
		return false;
	state[0] = r->flags.cause ? r->flags.cause : '-';
	state[1] = r->flags.phase ? r->flags.phase : '-';
	return ret_str(ret, arena_slice(cx->arena, slice_make(state, 2)));
}

/* data: the name of the gauge. */
static bool fetch_count(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (!cx->host || !cx->host->gauge)
		return false;
	int64_t value = cx->host->gauge(cx->stream, (const char *)data, "");
	return value != RULE_GAUGE_NONE && ret_int(ret, value);
}

static int check_unit(const struct arg_place *at, struct args *args)
{
	static const char *const names[] = { "s", "ms", "us" };
	if (!args_has(args, 0))
		return 0;
	for (int u = 0; u < 3; u++) {
		if (strcmp(args->v[0].str.ptr, names[u]) == 0) {
			args->v[0].num = u;
			return 0;
		}
	}
	conf_error(at->conf, at->line, at->arg, "%s: unit '%s' is none of 's', 'ms', 'us'",
	    at->what, args->v[0].str.ptr);
	return -1;
}

/* data 0: when the connection was accepted, 1: when the request began. */
static bool fetch_when(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	static const int64_t per_unit[] = { 1000000, 1000, 1 };
	const struct log_record *r = ctx_record(cx);
	int64_t us = r ? (data ? r->t.request_wall : r->t.accept_wall) : 0;
	/* no record yet: tcp-request connection and session */
	if (!r && !data && cx->host && cx->host->gauge)
		us = cx->host->gauge(cx->stream, "accept_date", "");
	return us > 0 && ret_int(ret, us / per_unit[args_has(args, 0) ? args->v[0].num : 0]);
}

#define AT_TXN (AT_REQ | AT_RES | RULE_AT_LOG)
#define ROW(keyword, type, fn, number, text)                                                       \
	{                                                                                          \
		.name = keyword, .out = type, .at = AT_TXN, .eval = fn,                            \
		.data = (uintptr_t)(number), .help = text                                          \
	}

const struct fetch_row fetch_log_rows[] = {
	{ .name = "capture.req.hdr",
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_UINT },
	    .at = AT_TXN,
	    .eval = fetch_capture,
	    .usage = "<idx>",
	    .help = "captured request header of that position" },
	{ .name = "capture.res.hdr",
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_UINT },
	    .at = AT_TXN,
	    .eval = fetch_capture,
	    .data = DIR_RES,
	    .usage = "<idx>",
	    .help = "captured response header of that position" },
	ROW("capture.req.method", SMP_STR, fetch_capture_method, 0, "method as received"),
	ROW("capture.req.uri", SMP_STR, fetch_capture_uri, 0, "path and query as received"),
	ROW("capture.req.ver", SMP_STR, fetch_capture_ver, 0, "request version, with HTTP/"),
	ROW("capture.res.ver", SMP_STR, fetch_capture_ver, DIR_RES, "response version, with HTTP/"),
	ROW("unique-id", SMP_STR, fetch_unique_id, 0, "unique identifier of the request"),
	ROW("txn.status", SMP_SINT, fetch_txn_status, 0, "status sent to the client"),
	ROW("txn.id32", SMP_SINT, fetch_id32, 0, "counter of requests, 32 bits"),
	ROW("txn.conn_retries", SMP_SINT, fetch_retries, 0, "connections tried again"),
	ROW("txn.redispatched", SMP_BOOL, fetch_redispatched, 0, "sent to another server"),
	ROW("txn.sess_term_state", SMP_STR, fetch_term_state, 0, "termination state"),
	ROW("req.bytes_in", SMP_SINT, fetch_count, "req.bytes_in", "bytes from the client so far"),
	ROW("req.bytes_out", SMP_SINT, fetch_count, "req.bytes_out", "bytes to the server so far"),
	ROW("res.bytes_in", SMP_SINT, fetch_count, "res.bytes_in", "bytes from the server so far"),
	ROW("res.bytes_out", SMP_SINT, fetch_count, "res.bytes_out", "bytes to the client so far"),
	ROW("bytes_in", SMP_SINT, fetch_count, "req.bytes_in", "same as req.bytes_in"),
	ROW("bytes_out", SMP_SINT, fetch_count, "res.bytes_in", "same as res.bytes_in"),
	{ .name = "accept_date",
	    .out = SMP_SINT,
	    .args = { ARG_STR },
	    .at = AT_STREAM,
	    .eval = fetch_when,
	    .check = check_unit,
	    .usage = "[<unit>]",
	    .help = "time at which the connection was accepted" },
	{ .name = "request_date",
	    .out = SMP_SINT,
	    .args = { ARG_STR },
	    .at = AT_TXN,
	    .eval = fetch_when,
	    .data = 1,
	    .check = check_unit,
	    .usage = "[<unit>]",
	    .help = "time at which the request began" },
	{ .name = NULL },
};
