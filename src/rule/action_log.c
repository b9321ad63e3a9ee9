/* SPDX-License-Identifier: MIT */
/*
 * The action that writes a log line on the spot, beside those that sessions write by themselves.
 */
#include "acl.h"
#include "action.h"

static int parse_do_log(struct action_parse *p)
{
	if (!action_take(p, "profile"))
		return 0;
	struct conf_pos pos = p->line->pos;
	pos.col = p->line->cols[p->arg];
	const char *name = action_word(p, "the name of a log-profile section");
	if (!name)
		return -1;
	p->rule->args = acl_scope_log_profile(p->scope, name, pos);
	if (!p->rule->args)
		conf_error(p->conf, p->line, p->arg - 1, "there are no log profiles here");
	return p->rule->args ? 0 : -1;
}

static bool run_do_log(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	if (cx->host && cx->host->do_log)
		cx->host->do_log(cx, (enum rules_kind)rule->row->data, rule->args);
	return false;
}

/* One row a kind, so that the action knows where it stands. */
#define ROW(kind)                                                                                  \
	{                                                                                          \
		.name = "do-log", .kinds = ON(kind), .parse = parse_do_log, .run = run_do_log,     \
		.data = (kind), .usage = "[ profile <log-profile> ]",                              \
		.help = "writes a log line now"                                                    \
	}

const struct action_row action_log_rows[] = {
	ROW(RULES_TCP_CONNECTION),
	ROW(RULES_TCP_SESSION),
	ROW(RULES_TCP_REQ_CONTENT),
	ROW(RULES_TCP_RES_CONTENT),
	ROW(RULES_HTTP_REQ),
	ROW(RULES_HTTP_RES),
	ROW(RULES_HTTP_AFTER_RES),
	{ .name = NULL },
};
