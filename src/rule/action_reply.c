/* SPDX-License-Identifier: MIT */
/*
 * Actions that answer the client themselves: return, deny, tarpit.
 */
#include "reply.h"

static int parse_return(struct action_parse *p)
{
	p->rule->args = reply_parse(p, 200, false);
	return p->rule->args ? 0 : -1;
}

/* A response that is refused was the server's fault. */
static int parse_deny(struct action_parse *p)
{
	p->rule->args = reply_parse(p, p->kind == RULES_HTTP_REQ ? 403 : 502, true);
	return p->rule->args ? 0 : -1;
}

static int parse_tarpit(struct action_parse *p)
{
	p->rule->args = reply_parse(p, 500, true);
	return p->rule->args ? 0 : -1;
}

/* data: the verdict. */
static bool run_reply(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	cx->reply = reply_make(rule->args, cx);
	*ret = cx->reply ? (enum rule_verdict)rule->row->data : RULES_ERROR;
	if (cx->reply && *ret == RULES_TARPIT)
		cx->tarpit_status = cx->reply->status;
	return true;
}

#define REPLY_USAGE                                                                                \
	"[ status <code> ] [ content-type <type> ] [ { default-errorfiles | errorfile <file> | "   \
	"errorfiles <section> | file <file> | lf-file <file> | string <str> | lf-string <fmt> } "  \
	"] "                                                                                       \
	"[ hdr <name> <fmt> ]*"

const struct action_row action_reply_rows[] = {
	{ .name = "return",
	    .kinds = ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_return,
	    .run = run_reply,
	    .data = RULES_REPLY,
	    .usage = REPLY_USAGE,
	    .help = "answers with this response" },
	{ .name = "deny",
	    .kinds = ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_deny,
	    .run = run_reply,
	    .data = RULES_DENY,
	    .usage = REPLY_USAGE,
	    .help = "refuses: 403, or 502 for a response" },
	{ .name = "tarpit",
	    .kinds = ON_HTTP_REQ,
	    .parse = parse_tarpit,
	    .run = run_reply,
	    .data = RULES_TARPIT,
	    .usage = REPLY_USAGE,
	    .help = "holds the client for \"timeout tarpit\", then refuses with 500" },
	{ .name = NULL },
};
