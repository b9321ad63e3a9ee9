/* SPDX-License-Identifier: MIT */
/*
 * Keywords that every kind of proxy knows: mode, identity, timeouts, TCP keep-alive counts.
 */
#include "conf_int.h"

#include <limits.h>

static int set_mode(const struct conf_call *call)
{
	static const char *const words[] = { "tcp", "http", "log", "spop", "health", NULL };
	static const enum proxy_mode modes[] = { PROXY_TCP, PROXY_HTTP, PROXY_LOG };
	struct proxy *p = call->object;
	int mode;
	if (conf_enum(call->conf, call->line, call->arg, words, &mode) < 0)
		return -1;
	if (mode == 4) {
		conf_error(call->conf, call->line, call->arg,
		    "'mode health' does not exist anymore; use 'http-request return status 200' "
		    "instead");
		return -1;
	}
	if (mode == 3) {
		conf_error(call->conf, call->line, call->arg,
		    "'mode %s' is not supported by this version of weir", words[mode]);
		return -1;
	}
	p->mode = modes[mode];
	return 0;
}

static int set_id(const struct conf_call *call)
{
	struct proxy *p = call->object;
	int64_t id;
	if (conf_int(call->conf, call->line, call->arg, 1, INT_MAX, &id) < 0)
		return -1;
	p->id = (unsigned)id;
	p->id_set = true;
	return 0;
}

static int set_description(const struct conf_call *call)
{
	struct proxy *p = call->object;
	p->description = join_words(call->conf, call->line, call->arg);
	return p->description ? 0 : -1;
}

static int set_disabled(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (call->row->data)
		p->options |= PR_O_DISABLED;
	else
		p->options &= ~PR_O_DISABLED;
	return 0;
}

/* data: offset of the value in struct proxy */
static int set_timeout(const struct conf_call *call)
{
	unsigned ms;
	if (wrong_side(call))
		return 0;
	if (conf_time_ms(call->conf, call->line, call->arg, &ms) < 0)
		return -1;
	memcpy((char *)call->object + call->row->data, &ms, sizeof(ms));
	return 0;
}

static int set_keepalive_seconds(const struct conf_call *call)
{
	uint64_t us;
	if (wrong_side(call))
		return 0;
	/* The kernel counts in seconds and takes up to 32767. */
	if (conf_time_us(call->conf, call->line, call->arg, 1000, 1000000, 32767000000ull, &us) < 0)
		return -1;
	unsigned s = (unsigned)((us + 999999) / 1000000);
	memcpy((char *)call->object + call->row->data, &s, sizeof(s));
	return 0;
}

static int set_keepalive_count(const struct conf_call *call)
{
	int64_t n;
	if (wrong_side(call))
		return 0;
	if (conf_int(call->conf, call->line, call->arg, 1, 127, &n) < 0)
		return -1;
	unsigned count = (unsigned)n;
	memcpy((char *)call->object + call->row->data, &count, sizeof(count));
	return 0;
}

#define TIMEOUT(field) offsetof(struct proxy, timeout.field)

const struct conf_keyword proxy_common_keywords[] = {
	{ "mode", CONF_PROXY, 0, 1, 1, set_mode, 0, "{ tcp | http | log }",
	    "protocol of the proxy; tcp unless set" },
	{ "id", CONF_FRONTEND | CONF_BACKEND | CONF_LISTEN, 0, 1, 1, set_id, 0, "<number>",
	    "numeric id, from 1; given automatically unless set" },
	{ "description", CONF_FRONTEND | CONF_BACKEND | CONF_LISTEN, 0, 1, -1, set_description, 0,
	    "<text>", "text shown with the proxy in statistics" },
	{ "disabled", CONF_PROXY, 0, 0, 0, set_disabled, 1, "",
	    "the proxy is read and checked, and not started" },
	{ "enabled", CONF_PROXY, 0, 0, 0, set_disabled, 0, "",
	    "undoes 'disabled' of a defaults section" },

	{ "timeout client", CONF_PROXY, KW_FE, 1, 1, set_timeout, TIMEOUT(client), "<time>",
	    "longest silence of a client that has to send or to read" },
	{ "timeout client-fin", CONF_PROXY, KW_FE, 1, 1, set_timeout, TIMEOUT(client_fin), "<time>",
	    "the same once one direction was closed" },
	{ "timeout client-hs", CONF_PROXY, KW_FE, 1, 1, set_timeout, TIMEOUT(client_hs), "<time>",
	    "longest handshake of a client (PROXY header); 5s unless set" },
	{ "timeout server", CONF_PROXY, KW_BE, 1, 1, set_timeout, TIMEOUT(server), "<time>",
	    "longest silence of a server that has to send or to read" },
	{ "timeout server-fin", CONF_PROXY, KW_BE, 1, 1, set_timeout, TIMEOUT(server_fin), "<time>",
	    "the same once one direction was closed" },
	{ "timeout connect", CONF_PROXY, KW_BE, 1, 1, set_timeout, TIMEOUT(connect), "<time>",
	    "longest wait for a connection to a server" },
	{ "timeout queue", CONF_PROXY, KW_BE, 1, 1, set_timeout, TIMEOUT(queue), "<time>",
	    "longest wait in a queue; 'timeout connect' unless set" },
	{ "timeout check", CONF_PROXY, KW_BE, 1, 1, set_timeout, TIMEOUT(check), "<time>",
	    "longest wait for the answer to a health check" },
	{ "timeout tunnel", CONF_PROXY, KW_BE, 1, 1, set_timeout, TIMEOUT(tunnel), "<time>",
	    "longest silence of both sides once a tunnel is open" },
	{ "timeout http-request", CONF_PROXY, 0, 1, 1, set_timeout, TIMEOUT(http_request), "<time>",
	    "time a client has for a complete request head" },
	{ "timeout http-keep-alive", CONF_PROXY, 0, 1, 1, set_timeout, TIMEOUT(http_keep_alive),
	    "<time>", "longest wait for the next request of a connection" },
	{ "timeout tarpit", CONF_PROXY, 0, 1, 1, set_timeout, TIMEOUT(tarpit), "<time>",
	    "how long a tarpitted request is held; 'timeout connect' unless set" },

	{ "clitcpka-cnt", CONF_PROXY, KW_FE, 1, 1, set_keepalive_count,
	    offsetof(struct proxy, clitcpka_cnt), "<count>",
	    "TCP keep-alive probes without an answer that end a client connection" },
	{ "clitcpka-idle", CONF_PROXY, KW_FE, 1, 1, set_keepalive_seconds,
	    offsetof(struct proxy, clitcpka_idle_s), "<time>",
	    "silence before the first TCP keep-alive probe to a client" },
	{ "clitcpka-intvl", CONF_PROXY, KW_FE, 1, 1, set_keepalive_seconds,
	    offsetof(struct proxy, clitcpka_intvl_s), "<time>",
	    "time between TCP keep-alive probes to a client" },
	{ "srvtcpka-cnt", CONF_PROXY, KW_BE, 1, 1, set_keepalive_count,
	    offsetof(struct proxy, srvtcpka_cnt), "<count>",
	    "TCP keep-alive probes without an answer that end a server connection" },
	{ "srvtcpka-idle", CONF_PROXY, KW_BE, 1, 1, set_keepalive_seconds,
	    offsetof(struct proxy, srvtcpka_idle_s), "<time>",
	    "silence before the first TCP keep-alive probe to a server" },
	{ "srvtcpka-intvl", CONF_PROXY, KW_BE, 1, 1, set_keepalive_seconds,
	    offsetof(struct proxy, srvtcpka_intvl_s), "<time>",
	    "time between TCP keep-alive probes to a server" },
	{ .name = NULL },
};
