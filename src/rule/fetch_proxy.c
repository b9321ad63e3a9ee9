/* SPDX-License-Identifier: MIT */
/*
 * Fetches of frontends, backends and servers: counts and names that the layer above keeps, asked by the name of
 * the fetch (configuration manual 7.3.2, 7.3.3).
 */
#include "tables.h"

static bool gauge(struct rule_ctx *cx, const struct args *args, const char *name, int64_t *ret)
{
	if (!cx->host || !cx->host->gauge)
		return false;
	*ret = cx->host->gauge(cx->stream, name, args_has(args, 0) ? args->v[0].str.ptr : "");
	return *ret != RULE_GAUGE_NONE;
}

/* data: the name of the gauge. */
static bool fetch_gauge(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	int64_t value;
	return gauge(cx, args, (const char *)data, &value) && ret_int(ret, value);
}

static bool fetch_flag(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	int64_t value;
	return gauge(cx, args, (const char *)data, &value) && ret_bool(ret, value != 0);
}

static bool fetch_name(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice name = ctx_name(cx, (const char *)data);
	return name.len && ret_str(ret, name);
}

#define AT_BACK (RULE_AT_BACKEND | AT_REQ | AT_RES | RULE_AT_LOG)
#define AT_SRV	(AT_RES | RULE_AT_LOG | RULE_AT_BACKEND)

#define GAUGE(keyword, kind, arg_usage, text)                                                      \
	{                                                                                          \
		.name = keyword, .out = SMP_SINT, .args = { kind }, .at = AT_ANY,                  \
		.eval = fetch_gauge, .data = (uintptr_t)keyword, .usage = arg_usage, .help = text  \
	}
#define GAUGE_SRV(keyword, text)                                                                   \
	{                                                                                          \
		.name = keyword, .out = SMP_SINT, .args_min = 1, .args = { ARG_SERVER },           \
		.at = AT_ANY, .eval = fetch_gauge, .data = (uintptr_t)keyword,                     \
		.usage = "[<backend>/]<server>", .help = text                                      \
	}
#define GAUGE_HERE(keyword, where, text)                                                           \
	{                                                                                          \
		.name = keyword, .out = SMP_SINT, .at = where, .eval = fetch_gauge,                \
		.data = (uintptr_t)keyword, .help = text                                           \
	}
#define NAME(keyword, where, text)                                                                 \
	{                                                                                          \
		.name = keyword, .out = SMP_STR, .at = where, .eval = fetch_name,                  \
		.data = (uintptr_t)keyword, .help = text                                           \
	}

const struct fetch_row fetch_proxy_rows[] = {
	GAUGE("fe_conn", ARG_FRONTEND, "[<frontend>]", "present connections of the frontend"),
	GAUGE("fe_sess_rate", ARG_FRONTEND, "[<frontend>]",
	    "new sessions of the frontend per second"),
	GAUGE("fe_req_rate", ARG_FRONTEND, "[<frontend>]",
	    "HTTP requests of the frontend per second"),
	GAUGE("be_conn", ARG_BACKEND, "[<backend>]", "present connections of the backend"),
	GAUGE("be_conn_free", ARG_BACKEND, "[<backend>]",
	    "free connection slots of the backend's servers"),
	GAUGE("be_sess_rate", ARG_BACKEND, "[<backend>]", "new sessions of the backend per second"),
	GAUGE("nbsrv", ARG_BACKEND, "[<backend>]", "usable servers of the backend"),
	GAUGE("connslots", ARG_BACKEND, "[<backend>]",
	    "free connection and queue slots of the backend"),
	GAUGE("queue", ARG_BACKEND, "[<backend>]", "requests waiting in the backend's queues"),
	GAUGE("avg_queue", ARG_BACKEND, "[<backend>]",
	    "requests waiting, divided by the usable servers"),
	GAUGE_SRV("srv_conn", "present connections of the server"),
	GAUGE_SRV("srv_conn_free", "free connection slots of the server"),
	GAUGE_SRV("srv_queue", "requests waiting for this server"),
	GAUGE_SRV("srv_sess_rate", "new sessions of the server per second"),
	GAUGE_SRV("srv_weight", "present weight of the server"),
	GAUGE_SRV("srv_iweight", "weight of the server as configured"),
	GAUGE_SRV("srv_uweight", "weight of the server as set"),
	{ .name = "srv_is_up",
	    .out = SMP_BOOL,
	    .args_min = 1,
	    .args = { ARG_SERVER },
	    .at = AT_ANY,
	    .eval = fetch_flag,
	    .data = (uintptr_t) "srv_is_up",
	    .usage = "[<backend>/]<server>",
	    .help = "whether the server is usable" },
	GAUGE_HERE("fe_client_timeout", AT_STREAM, "\"timeout client\" of the frontend in ms"),
	GAUGE_HERE("fe_tarpit_timeout", AT_STREAM, "\"timeout tarpit\" of the frontend in ms"),
	GAUGE_HERE("be_connect_timeout", AT_BACK, "\"timeout connect\" of the backend in ms"),
	GAUGE_HERE("be_queue_timeout", AT_BACK, "\"timeout queue\" of the backend in ms"),
	GAUGE_HERE("be_server_timeout", AT_BACK, "\"timeout server\" of the backend in ms"),
	GAUGE_HERE("be_tarpit_timeout", AT_BACK, "\"timeout tarpit\" of the backend in ms"),
	GAUGE_HERE("be_tunnel_timeout", AT_BACK, "\"timeout tunnel\" of the backend in ms"),
	GAUGE_HERE("be_max_retries", AT_BACK, "\"retries\" of the backend"),
	GAUGE_HERE("cur_client_timeout", AT_STREAM, "client timeout of this session in ms"),
	GAUGE_HERE("cur_connect_timeout", AT_BACK, "connect timeout of this session in ms"),
	GAUGE_HERE("cur_queue_timeout", AT_BACK, "queue timeout of this session in ms"),
	GAUGE_HERE("cur_server_timeout", AT_BACK, "server timeout of this session in ms"),
	GAUGE_HERE("cur_tarpit_timeout", AT_STREAM, "tarpit timeout of this session in ms"),
	GAUGE_HERE("cur_tunnel_timeout", AT_BACK, "tunnel timeout of this session in ms"),
	GAUGE_HERE("cur_max_retries", AT_BACK, "retries that this session may have"),
	GAUGE_HERE("prio_class", AT_STREAM, "priority class in the queues, 0 unless it was set"),
	GAUGE_HERE("prio_offset", AT_STREAM, "priority offset in the queues, in ms"),
	GAUGE_HERE("act_conn", AT_ANY, "present connections of the process"),
	GAUGE_HERE("dst_conn", AT_STREAM, "present connections of the listener"),
	GAUGE_HERE("fe_id", AT_STREAM, "number of the frontend"),
	GAUGE_HERE("be_id", AT_BACK, "number of the backend"),
	GAUGE_HERE("srv_id", AT_SRV, "number of the server"),
	GAUGE_HERE("so_id", AT_STREAM, "number of the listener"),
	NAME("fe_name", AT_STREAM, "name of the frontend"),
	NAME("be_name", AT_BACK, "name of the backend"),
	NAME("srv_name", AT_SRV, "name of the server"),
	NAME("so_name", AT_STREAM, "name of the listener"),
	NAME("fe_defbe", AT_STREAM, "name of the frontend's default backend"),
	{ .name = "stopping",
	    .out = SMP_BOOL,
	    .at = AT_ANY,
	    .eval = fetch_flag,
	    .data = (uintptr_t) "stopping",
	    .help = "whether the process is stopping" },
	{ .name = "http_first_req",
	    .out = SMP_BOOL,
	    .at = AT_HTTP,
	    .eval = fetch_flag,
	    .data = (uintptr_t) "http_first_req",
	    .help = "whether the request is the first of its connection" },
	GAUGE_HERE("uptime", AT_ANY, "seconds since the process started"),
	{ .name = NULL },
};
