/* SPDX-License-Identifier: MIT */
/*
 * Keywords that only a frontend gives a meaning: where it listens, how much it takes, and the default backend.
 */
#include "conf_int.h"

#include <limits.h>

static int set_bind(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	return bind_parse(call->conf, call->line, call->arg, p, &p->binds_last);
}

/* data: offset of an unsigned in struct proxy */
static int set_number(const struct conf_call *call)
{
	int64_t n;
	if (wrong_side(call))
		return 0;
	if (conf_int(call->conf, call->line, call->arg, 0, INT_MAX, &n) < 0)
		return -1;
	unsigned value = (unsigned)n;
	memcpy((char *)call->object + call->row->data, &value, sizeof(value));
	return 0;
}

static int set_default_backend(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	return conf_name(call->conf, call->line, call->arg, &p->default_backend_name);
}

static int set_monitor_uri(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	p->monitor_uri = arena_slice(p->arena, slice_str(call->line->argv[call->arg]));
	return p->monitor_uri.ptr ? 0 : no_memory(call->conf, call->line);
}

static int set_unique_id_format(const struct conf_call *call)
{
	struct proxy *p = call->object;
	/* The id may be asked for at any time from the request on; it is made of what is known then. */
	p->unique_id_format =
	    logfmt_parse(call->conf, call->line, call->arg, call->line->argv[call->arg],
		RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ, LOGFMT_HTTP | LOGFMT_LOG);
	return p->unique_id_format ? 0 : -1;
}

static int set_unique_id_header(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	p->unique_id_header = lower_name(p->arena, call->line->argv[call->arg]);
	return p->unique_id_header.ptr ? 0 : no_memory(call->conf, call->line);
}

const struct conf_keyword proxy_frontend_keywords[] = {
	{ "bind", CONF_FRONTEND | CONF_LISTEN | CONF_BACKEND, KW_FE, 1, -1, set_bind, 0,
	    "<address>[:<port>[-<port>]][,...] [options...]", "where clients are accepted" },
	{ "maxconn", CONF_PROXY, KW_FE, 1, 1, set_number, offsetof(struct proxy, maxconn),
	    "<connections>", "client connections at once; 0 for the process's limit" },
	{ "backlog", CONF_PROXY, KW_FE, 1, 1, set_number, offsetof(struct proxy, backlog),
	    "<connections>", "connections that the kernel keeps waiting; maxconn unless set" },
	{ "rate-limit sessions", CONF_PROXY, KW_FE, 1, 1, set_number,
	    offsetof(struct proxy, rate_limit), "<per second>",
	    "new connections a second above which the next ones wait; 0 for no limit" },
	{ "default_backend", CONF_PROXY, KW_FE, 1, 1, set_default_backend, 0, "<backend>",
	    "backend of what no use_backend line takes" },
	{ "monitor-uri", CONF_PROXY, KW_FE, 1, 1, set_monitor_uri, 0, "<path>",
	    "path that weir answers itself with 200: the health of this frontend" },
	{ "unique-id-format", CONF_PROXY, 0, 1, 1, set_unique_id_format, 0, "<format>",
	    "how the id of a request is made" },
	{ "unique-id-header", CONF_PROXY, KW_FE, 1, 1, set_unique_id_header, 0, "<name>",
	    "header that carries the id to the server" },
	{ .name = NULL },
};
