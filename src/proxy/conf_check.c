/* SPDX-License-Identifier: MIT */
/*
 * "option httpchk", "http-check ...", "option tcp-check", "tcp-check ...": what health checks do. The upstream module
 * parses the lines and runs them.
 */
#include "conf_int.h"

static int option_httpchk(const struct conf_call *call)
{
	struct proxy *p = call->object;
	bool on = call->negation == CONF_PLAIN;
	if (wrong_side(call))
		return 0;
	if (on || p->build->check == CHECK_BY_HTTP)
		p->build->check = on ? CHECK_BY_HTTP : CHECK_BY_CONNECT;
	return on ? httpchk_parse(call->conf, call->line, call->arg, p, &p->httpchk) : 0;
}

static int option_tcp_check(const struct conf_call *call)
{
	struct proxy *p = call->object;
	bool on = call->negation == CONF_PLAIN;
	if (wrong_side(call))
		return 0;
	if (on || p->build->check == CHECK_BY_TCP)
		p->build->check = on ? CHECK_BY_TCP : CHECK_BY_CONNECT;
	return on ? tcpchk_parse(call->conf, call->line, p, &p->tcpchk) : 0;
}

/* The sub-keyword belongs to the row's name, and the parser wants to see it. */
static int http_check(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	return http_check_parse(call->conf, call->line, call->arg - 1, p, &p->httpchk);
}

static int tcp_check(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	return tcp_check_parse(call->conf, call->line, call->arg - 1, p, &p->tcpchk);
}

#define HTTP_CHECK(name, min, max, usage, help)                                                    \
	{                                                                                          \
		"http-check " name, CONF_PROXY, KW_BE, min, max, http_check, 0, usage, help        \
	}
#define TCP_CHECK(name, min, max, usage, help)                                                     \
	{                                                                                          \
		"tcp-check " name, CONF_PROXY, KW_BE, min, max, tcp_check, 0, usage, help          \
	}

const struct conf_keyword proxy_check_keywords[] = {
	{ "option httpchk", CONF_PROXY, KW_BE | CONF_MAY_NEGATE, 0, 4, option_httpchk, 0,
	    "[ [<method>] <uri> [<version>] ]", "health checks are HTTP requests" },
	HTTP_CHECK("comment", 1, 1, "<text>", "what the next step is about, for its messages"),
	HTTP_CHECK("connect", 0, -1,
	    "[default] [port <expr>] [addr <ip>] [send-proxy] [via-socks4] [linger] [comment "
	    "<text>]",
	    "opens a connection; a health check may have several"),
	HTTP_CHECK("expect", 1, -1,
	    "[options...] [!] { status | rstatus | hdr | fhdr | string | rstring | string-lf } "
	    "<value>",
	    "what the answer to a health check must be"),
	HTTP_CHECK("send", 1, -1,
	    "[meth <method>] [{ uri <uri> | uri-lf <fmt> }] [ver <version>] [hdr <name> <fmt>]... "
	    "[{ body <text> | body-lf <fmt> }] [comment <text>]",
	    "the request of a health check"),
	HTTP_CHECK("disable-on-404", 0, 0, "",
	    "a check answered 404 leaves a server to its persistent clients"),
	HTTP_CHECK("send-state", 0, 0, "", "requests say how the server is seen"),
	HTTP_CHECK(
	    "set-var", 1, -1, "(<name>[,<cond>...]) <expr>", "sets a variable in a health check"),
	HTTP_CHECK("set-var-fmt", 1, -1, "(<name>[,<cond>...]) <fmt>",
	    "sets a variable in a health check to a text"),
	HTTP_CHECK("unset-var", 0, 0, "(<name>)", "forgets a variable in a health check"),
	{ "option tcp-check", CONF_PROXY, KW_BE | CONF_MAY_NEGATE, 0, 0, option_tcp_check, 0, "",
	    "health checks are what the \"tcp-check\" lines say" },
	TCP_CHECK("comment", 1, 1, "<text>", "what the next step is about, for its messages"),
	TCP_CHECK("connect", 0, -1,
	    "[default] [port <expr>] [addr <ip>] [send-proxy] [via-socks4] [linger] [comment "
	    "<text>]",
	    "opens a connection; a health check may have several"),
	TCP_CHECK("expect", 1, -1,
	    "[options...] [!] { string | rstring | string-lf | binary | rbinary | binary-lf } "
	    "<value>",
	    "what the server must say"),
	TCP_CHECK("send", 1, 3, "<text> [comment <text>]", "sends a text"),
	TCP_CHECK("send-lf", 1, 3, "<fmt> [comment <text>]", "sends what a format gives"),
	TCP_CHECK("send-binary", 1, 3, "<hex> [comment <text>]", "sends bytes"),
	TCP_CHECK(
	    "send-binary-lf", 1, 3, "<fmt> [comment <text>]", "sends the bytes of hex digits"),
	TCP_CHECK(
	    "set-var", 1, -1, "(<name>[,<cond>...]) <expr>", "sets a variable in a health check"),
	TCP_CHECK("set-var-fmt", 1, -1, "(<name>[,<cond>...]) <fmt>",
	    "sets a variable in a health check to a text"),
	TCP_CHECK("unset-var", 0, 0, "(<name>)", "forgets a variable in a health check"),
	{ .name = NULL },
};
