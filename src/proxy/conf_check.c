/* SPDX-License-Identifier: MIT */
/*
 * "option httpchk" and "http-check ...": health checks over HTTP. The upstream module parses and runs them; each
 * line makes it a new copy, so that what a defaults section said stays as it is.
 */
#include "conf_int.h"

static int option_httpchk(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	p->build->option_httpchk = call->negation == CONF_PLAIN;
	if (call->negation != CONF_PLAIN)
		return 0;
	return httpchk_parse(call->conf, call->line, call->arg, &p->httpchk);
}

/* The sub-keyword belongs to the row's name, and the parser wants to see it. */
static int http_check(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	return http_check_parse(call->conf, call->line, call->arg - 1, &p->httpchk);
}

const struct conf_keyword proxy_check_keywords[] = {
	{ "option httpchk", CONF_PROXY, KW_BE | CONF_MAY_NEGATE, 0, 4, option_httpchk, 0,
	    "[ [<method>] <uri> [<version>] ]", "health checks are HTTP requests" },
	{ "http-check expect", CONF_PROXY, KW_BE, 1, -1, http_check, 0,
	    "[options...] { status | rstatus | string | rstring } <value>",
	    "what the answer to a health check must be" },
	{ "http-check send", CONF_PROXY, KW_BE, 1, -1, http_check, 0,
	    "[meth <method>] [uri <uri>] [ver <version>] [hdr <name> <value>]... [body <text>]",
	    "the request of a health check" },
	{ "http-check disable-on-404", CONF_PROXY, KW_BE, 0, 0, http_check, 0, "",
	    "a check answered 404 leaves a server to its persistent clients" },
	{ "http-check set-var", CONF_PROXY, KW_BE | CONF_NOT_YET, 0, -1, NULL, 0, "", "" },
	{ "http-check set-var-fmt", CONF_PROXY, KW_BE | CONF_NOT_YET, 0, -1, NULL, 0, "", "" },
	{ "http-check unset-var", CONF_PROXY, KW_BE | CONF_NOT_YET, 0, -1, NULL, 0, "", "" },
	{ .name = NULL },
};
