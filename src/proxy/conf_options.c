/* SPDX-License-Identifier: MIT */
/*
 * "option ...": the words that switch something on or off, and the few with arguments of their own.
 */
#include "conf_int.h"

#include <limits.h>

/* Of these three the last one that is written counts. */
#define CONNECTION_MODES (PR_O_HTTPCLOSE | PR_O_SERVER_CLOSE | PR_O_KEEP_ALIVE)

/* struct conf_keyword.data holds a number of pointer size; flags above 32 bits are kept by their bit. */
#define BIT(flag) ((uintptr_t)__builtin_ctzll(flag))

/* data: number of the bit in proxy->options. All are off unless set, so "default" is as "no". */
static int set_flag(const struct conf_call *call)
{
	struct proxy *p = call->object;
	uint64_t flag = 1ull << call->row->data;
	if (wrong_side(call))
		return 0;
	if (call->negation != CONF_PLAIN) {
		p->options &= ~flag;
		return 0;
	}
	if (flag & CONNECTION_MODES)
		p->options &= ~CONNECTION_MODES;
	p->options |= flag;
	return 0;
}

static int set_tcpka(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (call->negation == CONF_PLAIN)
		p->options |= PR_O_CLITCPKA | PR_O_SRVTCPKA;
	else
		p->options &= ~(PR_O_CLITCPKA | PR_O_SRVTCPKA);
	return 0;
}

/* "option redispatch [<interval>]": 0 in the proxy means the last retry only, which -1 says too. */
static int set_redispatch(const struct conf_call *call)
{
	struct proxy *p = call->object;
	int64_t interval = -1;
	if (wrong_side(call))
		return 0;
	if (call->negation == CONF_PLAIN && call->arg < call->line->argc &&
	    conf_int(call->conf, call->line, call->arg, INT_MIN, INT_MAX, &interval) < 0)
		return -1;
	if (call->negation != CONF_PLAIN || interval == 0) {
		p->options &= ~PR_O_REDISPATCH;
		return 0;
	}
	p->options |= PR_O_REDISPATCH;
	p->redispatch_interval = interval == -1 ? 0 : (int)interval;
	return 0;
}

static int set_restrict_names(const struct conf_call *call)
{
	static const char *const words[] = { "preserve", "delete", "reject", NULL };
	struct proxy *p = call->object;
	int mode;
	if (conf_enum(call->conf, call->line, call->arg, words, &mode) < 0)
		return -1;
	p->header_names = (enum header_names)mode;
	return 0;
}

/* ---- headers about the client ---- */

static int parse_except(const struct conf_call *call, int arg, const struct net_cidr **ret)
{
	struct proxy *p = call->object;
	struct net_cidr *net = arena_new(p->arena, struct net_cidr);
	if (!net)
		return no_memory(call->conf, call->line);
	if (net_cidr_parse(slice_str(call->line->argv[arg]), net) < 0) {
		conf_error(call->conf, call->line, arg,
		    "'%s' is no network: an address, or an address and a mask as in 10.0.0.0/8",
		    call->line->argv[arg]);
		return -1;
	}
	*ret = net;
	return 0;
}

static int parse_header_name(const struct conf_call *call, int arg, struct slice *ret)
{
	struct proxy *p = call->object;
	if (!*call->line->argv[arg]) {
		conf_error(
		    call->conf, call->line, arg, "'header' expects a name that is not empty");
		return -1;
	}
	*ret = lower_name(p->arena, call->line->argv[arg]);
	return ret->ptr ? 0 : no_memory(call->conf, call->line);
}

/* data: number of the option's bit; forwardfor knows "if-none", originalto does not. */
static int set_forward_header(const struct conf_call *call)
{
	struct proxy *p = call->object;
	const struct conf_line *line = call->line;
	uint64_t flag = 1ull << call->row->data;
	bool is_for = flag == PR_O_FORWARDFOR;
	struct forward_header h = {
		.name = is_for ? SLICE("x-forwarded-for") : SLICE("x-original-to"),
	};

	for (int i = call->arg; i < line->argc; i++) {
		const char *word = line->argv[i];
		if (is_for && strcmp(word, "if-none") == 0) {
			h.if_none = true;
			continue;
		}
		bool except = strcmp(word, "except") == 0;
		if (!except && strcmp(word, "header") != 0) {
			conf_error(call->conf, line, i,
			    "'%s' only knows 'except', 'header'%s, not '%s'", call->row->name,
			    is_for ? " and 'if-none'" : "", word);
			return -1;
		}
		if (i + 1 >= line->argc) {
			conf_error(call->conf, line, i, "'%s' expects %s", word,
			    except ? "a network" : "the name of a header");
			return -1;
		}
		i++;
		if ((except ? parse_except(call, i, &h.except)
			    : parse_header_name(call, i, &h.name)) < 0)
			return -1;
	}
	if (is_for)
		p->forwardfor = h;
	else
		p->originalto = h;
	p->options |= flag;
	return 0;
}

/* ---- Forwarded (RFC 7239) ---- */

static const struct forwarded_word {
	const char *name;
	size_t flag;  /* offset of the bool in struct forwarded_conf */
	ssize_t expr; /* offset of the expression that must follow, or -1 */
} forwarded_words[] = {
	{ "proto", offsetof(struct forwarded_conf, proto), -1 },
	{ "host", offsetof(struct forwarded_conf, host), -1 },
	{ "host-expr", offsetof(struct forwarded_conf, host),
	    offsetof(struct forwarded_conf, host_expr) },
	{ "by", offsetof(struct forwarded_conf, by), -1 },
	{ "by-expr", offsetof(struct forwarded_conf, by),
	    offsetof(struct forwarded_conf, by_expr) },
	{ "by_port", offsetof(struct forwarded_conf, by_port), -1 },
	{ "by_port-expr", offsetof(struct forwarded_conf, by_port),
	    offsetof(struct forwarded_conf, by_port_expr) },
	{ "for", offsetof(struct forwarded_conf, for_), -1 },
	{ "for-expr", offsetof(struct forwarded_conf, for_),
	    offsetof(struct forwarded_conf, for_expr) },
	{ "for_port", offsetof(struct forwarded_conf, for_port), -1 },
	{ "for_port-expr", offsetof(struct forwarded_conf, for_port),
	    offsetof(struct forwarded_conf, for_port_expr) },
};

static const char *next_forwarded_word(const void *names, size_t i)
{
	(void)names;
	return i < ARRAY_SIZE(forwarded_words) ? forwarded_words[i].name : NULL;
}

static const struct forwarded_word *find_forwarded_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(forwarded_words); i++)
		if (strcmp(forwarded_words[i].name, word) == 0)
			return &forwarded_words[i];
	return NULL;
}

static int parse_forwarded_word(const struct conf_call *call, int *arg, struct forwarded_conf *f)
{
	const char *word = call->line->argv[*arg];
	const struct forwarded_word *w = find_forwarded_word(word);
	if (!w) {
		const char *near = conf_nearest(word, next_forwarded_word, NULL);
		conf_error(call->conf, call->line, *arg,
		    "'option forwarded' does not know '%s'%s%s%s", word,
		    near ? "; did you mean '" : "", near ? near : "", near ? "' ?" : "");
		return -1;
	}
	++*arg;
	*(bool *)((char *)f + w->flag) = true;
	if (w->expr < 0)
		return 0;
	if (*arg >= call->line->argc) {
		conf_error(
		    call->conf, call->line, *arg - 1, "'%s' expects a sample expression", word);
		return -1;
	}
	struct expr *e = expr_parse(call->conf, call->line, arg,
	    RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ_HTTP | RULE_AT_BACKEND);
	if (!e)
		return -1;
	*(struct expr **)((char *)f + w->expr) = e;
	return 0;
}

static int set_forwarded(const struct conf_call *call)
{
	struct proxy *p = call->object;
	struct forwarded_conf f = { .proto = false };
	int arg = call->arg;
	if (wrong_side(call))
		return 0;
	if (call->negation != CONF_PLAIN) {
		p->options &= ~PR_O_FORWARDED;
		return 0;
	}
	while (arg < call->line->argc)
		if (parse_forwarded_word(call, &arg, &f) < 0)
			return -1;
	if (call->arg == call->line->argc)
		f.proto = f.for_ = true;
	/* A port is written behind a name or not at all. */
	if ((f.by_port && !f.by) || (f.for_port && !f.for_))
		conf_warning(call->conf, call->line, call->arg,
		    "'%s' is ignored without '%s' or '%s-expr'",
		    f.by_port && !f.by ? "by_port" : "for_port", f.by_port && !f.by ? "by" : "for",
		    f.by_port && !f.by ? "by" : "for");
	p->forwarded = f;
	p->options |= PR_O_FORWARDED;
	return 0;
}

#define FLAG CONF_MAY_NEGATE
#define FLAG_ROW(name, side, flag, help)                                                           \
	{                                                                                          \
		"option " name, CONF_PROXY, (side) | CONF_MAY_NEGATE, 0, 0, set_flag, BIT(flag),   \
		    "", help                                                                       \
	}

const struct conf_keyword proxy_option_keywords[] = {
	/* connections of clients and servers */
	FLAG_ROW("httpclose", 0, PR_O_HTTPCLOSE, "both connections end with each exchange"),
	FLAG_ROW("http-server-close", 0, PR_O_SERVER_CLOSE,
	    "the server's connection ends with each exchange"),
	FLAG_ROW("http-keep-alive", 0, PR_O_KEEP_ALIVE, "both connections stay; the default"),
	FLAG_ROW("http-pretend-keepalive", KW_BE, PR_O_PRETEND_KEEPALIVE,
	    "servers are not told that their connection will be closed"),
	FLAG_ROW("prefer-last-server", KW_BE, PR_O_PREFER_LAST_SERVER,
	    "a connection's next request goes to the server of its last one"),
	FLAG_ROW("abortonclose", 0, PR_O_ABORTONCLOSE,
	    "a client that closed while it waits is dropped from the queue"),
	FLAG_ROW("nolinger", 0, PR_O_NOLINGER, "connections are closed with a reset"),
	FLAG_ROW("clitcpka", KW_FE, PR_O_CLITCPKA, "TCP keep-alive towards clients"),
	FLAG_ROW("srvtcpka", KW_BE, PR_O_SRVTCPKA, "TCP keep-alive towards servers"),
	{ "option tcpka", CONF_PROXY, FLAG, 0, 0, set_tcpka, 0, "",
	    "TCP keep-alive towards clients and servers" },
	FLAG_ROW("tcp-smart-connect", KW_BE, PR_O_TCP_SMART_CONNECT,
	    "a server's SYN-ACK is acknowledged together with the request"),
	FLAG_ROW("transparent", KW_BE, PR_O_TRANSPARENT,
	    "connects to the address that the client wanted"),

	/* messages */
	FLAG_ROW("http-buffer-request", 0, PR_O_BUFFER_REQUEST,
	    "the body is waited for before rules and balancing"),
	FLAG_ROW("http-ignore-probes", KW_FE, PR_O_IGNORE_PROBES,
	    "connections without a byte are closed without a word or a log line"),
	FLAG_ROW("disable-h2-upgrade", KW_FE, PR_O_NO_H2_UPGRADE,
	    "HTTP/2 is not recognised by its preface, only by 'proto h2' and ALPN"),
	FLAG_ROW("accept-unsafe-violations-in-http-request", KW_FE, PR_O_UNSAFE_REQ,
	    "some malformed requests are let through"),
	FLAG_ROW("accept-unsafe-violations-in-http-response", KW_BE, PR_O_UNSAFE_RES,
	    "some malformed responses are let through"),
	{ "option accept-invalid-http-request", CONF_PROXY, KW_FE | FLAG | CONF_DEPRECATED, 0, 0,
	    set_flag, BIT(PR_O_UNSAFE_REQ), "",
	    "use 'option accept-unsafe-violations-in-http-request'" },
	{ "option accept-invalid-http-response", CONF_PROXY, KW_BE | FLAG | CONF_DEPRECATED, 0, 0,
	    set_flag, BIT(PR_O_UNSAFE_RES), "",
	    "use 'option accept-unsafe-violations-in-http-response'" },
	FLAG_ROW("http-drop-request-trailers", KW_BE, PR_O_DROP_REQ_TRAILERS,
	    "trailers of requests are not passed on"),
	FLAG_ROW("http-drop-response-trailers", KW_FE, PR_O_DROP_RES_TRAILERS,
	    "trailers of responses are not passed on"),
	FLAG_ROW("checkcache", KW_BE, PR_O_CHECKCACHE,
	    "responses with a cookie that a cache may keep are refused"),
	{ "option http-restrict-req-hdr-names", CONF_PROXY, 0, 1, 1, set_restrict_names, 0,
	    "{ preserve | delete | reject }",
	    "request headers with other than letters, digits and '-' in their names" },
	{ "option forwardfor", CONF_PROXY, 0, 0, 5, set_forward_header, BIT(PR_O_FORWARDFOR),
	    "[ except <network> ] [ header <name> ] [ if-none ]",
	    "adds X-Forwarded-For with the client's address" },
	{ "option originalto", CONF_PROXY, 0, 0, 4, set_forward_header, BIT(PR_O_ORIGINALTO),
	    "[ except <network> ] [ header <name> ]",
	    "adds X-Original-To with the address that the client wanted" },
	{ "option forwarded", CONF_PROXY, KW_BE | FLAG, 0, -1, set_forwarded, 0,
	    "[proto] [host | host-expr <expr>] [by | by-expr <expr>] [by_port | by_port-expr "
	    "<expr>] "
	    "[for | for-expr <expr>] [for_port | for_port-expr <expr>]",
	    "adds Forwarded (RFC 7239)" },

	/* servers */
	FLAG_ROW("allbackups", KW_BE, PR_O_ALLBACKUPS,
	    "all backup servers serve when the others are down, not the first one only"),
	FLAG_ROW("persist", KW_BE, PR_O_PERSIST, "persistence is kept to a server that is down"),
	{ "option redispatch", CONF_PROXY, KW_BE | FLAG, 0, 1, set_redispatch, 0, "[<interval>]",
	    "a retry may go to another server; without a number the last one only" },
	FLAG_ROW("log-health-checks", KW_BE, PR_O_LOG_HEALTH,
	    "each change of a check's result is logged"),

	/* logs and statistics */
	FLAG_ROW("http-use-proxy-header", KW_FE, PR_O_USE_PROXY_HEADER,
	    "requests with a whole URL are to a proxy: authentication with 407"),
	FLAG_ROW("dontlognull", KW_FE, PR_O_DONTLOGNULL, "no line for connections without a byte"),
	FLAG_ROW("dontlog-normal", KW_FE, PR_O_DONTLOG_NORMAL, "no line for what went well"),
	FLAG_ROW("logasap", KW_FE, PR_O_LOGASAP, "the line is written when the response begins"),
	FLAG_ROW("log-separate-errors", KW_FE, PR_O_LOG_SEPARATE_ERRORS,
	    "lines of what went wrong have level err"),
	FLAG_ROW("socket-stats", KW_FE, PR_O_SOCKET_STATS, "statistics of each listener"),
	{ .name = NULL },
};
