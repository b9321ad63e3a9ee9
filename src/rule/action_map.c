/* SPDX-License-Identifier: MIT */
/*
 * Actions that change maps and ACL files while traffic flows, as the admin socket does. They run in the turn of
 * the stream's worker and take the list's lock; what they replace outlives the turn of every worker.
 */
#include "action.h"
#include "pattern.h"

struct map_action {
	struct pattern_ref *list;
	const struct logfmt *key, *value; /* value NULL: none is set */
};

/* data: whether a value follows the key. */
static int parse_list(struct action_parse *p)
{
	struct map_action *a = action_args(p, sizeof(*a));
	if (!a)
		return -1;
	a->list = patterns_named(p->conf, p->line, p->arg - 1, slice_trim_ows(p->in_name));
	if (!a->list)
		return -1;
	a->key = action_fmt(p, "a key");
	if (!a->key)
		return -1;
	if (!p->row->data)
		return 0;
	a->value = action_fmt(p, "a value");
	return a->value ? 0 : -1;
}

/* What the list refuses (a key that is no address, a value that is no number) is left out, as in HAProxy. */
static bool run_put(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct map_action *a = rule->args;
	struct slice key = action_text(a->key, cx), value = SLICE_NULL;
	if (a->value) {
		value = action_text(a->value, cx);
		if (!value.ptr)
			return false;
	}
	if (key.ptr)
		(void)pattern_ref_put(a->list, cx->worker, key, value, NULL);
	return false;
}

static bool run_del(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct map_action *a = rule->args;
	struct slice key = action_text(a->key, cx);
	if (key.ptr)
		(void)pattern_ref_del(a->list, cx->worker, key);
	return false;
}

const struct action_row action_map_rows[] = {
	{ .name = "add-acl",
	    .kinds = ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_list,
	    .run = run_put,
	    .has_name = true,
	    .usage = "(<file-name>) <key fmt>",
	    .help = "adds a pattern to an ACL file unless it is there" },
	{ .name = "del-acl",
	    .kinds = ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_list,
	    .run = run_del,
	    .has_name = true,
	    .usage = "(<file-name>) <key fmt>",
	    .help = "deletes a pattern of an ACL file" },
	{ .name = "del-map",
	    .kinds = ON_HTTP,
	    .parse = parse_list,
	    .run = run_del,
	    .has_name = true,
	    .usage = "(<map-name>) <key fmt>",
	    .help = "deletes a key of a map" },
	{ .name = "set-map",
	    .kinds = ON_HTTP,
	    .parse = parse_list,
	    .run = run_put,
	    .data = true,
	    .has_name = true,
	    .usage = "(<map-name>) <key fmt> <value fmt>",
	    .help = "sets the value of a key of a map, or adds it" },
	{ .name = NULL },
};
