/* SPDX-License-Identifier: MIT */
/*
 * Actions that end a list with nothing but a verdict.
 */
#include "action.h"

/* data: the verdict. */
static bool run_verdict(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	*ret = (enum rule_verdict)rule->row->data;
	return true;
}

/* The connection begins with a PROXY header, as if its bind line said so. */
static bool run_expect_proxy(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	cx->expect_proxy = true;
	return false;
}

static int parse_expect_proxy(struct action_parse *p)
{
	if (action_take(p, "layer4"))
		return 0;
	conf_error(p->conf, p->line, p->arg - 1, "'expect-proxy' expects 'layer4'");
	return -1;
}

static int parse_drop(struct action_parse *p)
{
	unsigned *ttl = action_args(p, sizeof(*ttl));
	int64_t n;
	if (!ttl || !action_take(p, "rst-ttl"))
		return ttl ? 0 : -1;
	if (!action_word(p, "a TTL") || conf_int(p->conf, p->line, p->arg - 1, 1, 255, &n) < 0)
		return -1;
	*ttl = (unsigned)n;
	return 0;
}

static bool run_drop(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	cx->rst_ttl = *(const unsigned *)rule->args;
	*ret = RULES_DROP;
	return true;
}

const struct action_row action_final_rows[] = {
	{ .name = "accept",
	    .kinds = ON_TCP_EARLY | ON_TCP_REQ | ON_TCP_RES,
	    .run = run_verdict,
	    .data = RULES_NEXT,
	    .help = "goes on behind the list" },
	{ .name = "allow",
	    .kinds = ON_HTTP,
	    .run = run_verdict,
	    .data = RULES_NEXT,
	    .help = "goes on behind the list" },
	{ .name = "reject",
	    .kinds = ON_TCP_EARLY | ON_TCP_REQ | ON_TCP_RES | ON_HTTP_REQ,
	    .run = run_verdict,
	    .data = RULES_CLOSE,
	    .help = "closes without an answer" },
	{ .name = "expect-proxy",
	    .kinds = ON_TCP_CONNECTION,
	    .parse = parse_expect_proxy,
	    .run = run_expect_proxy,
	    .usage = "layer4",
	    .help = "waits for a PROXY header in front of everything" },
	{ .name = "close",
	    .kinds = ON_TCP_RES,
	    .run = run_verdict,
	    .data = RULES_CLOSE_SERVER,
	    .help = "closes the connection to the server" },
	{ .name = "silent-drop",
	    .kinds = ON_TCP_EARLY | ON_TCP_REQ | ON_TCP_RES | ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_drop,
	    .run = run_drop,
	    .usage = "[ rst-ttl <ttl> ]",
	    .help = "forgets the connection without a word to the client" },
	{ .name = NULL },
};
