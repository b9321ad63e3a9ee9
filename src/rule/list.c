/* SPDX-License-Identifier: MIT */
/*
 * The tables of this module as lists, for "-dK" and for the check that the manual names every row.
 */
#include "weir/rule/list.h"
#include "acl.h"
#include "action.h"
#include "logfmt.h"

static struct rule_keyword_name list_fetch(size_t i)
{
	const struct fetch_row *row = fetch_at(i);
	if (!row)
		return (struct rule_keyword_name){ .name = NULL };
	return (struct rule_keyword_name){ row->name, row->usage, row->help,
		.out = sample_type_short((enum sample_type)row->out), .at = row->at,
		.acl_forms = row->acl_forms };
}

static struct rule_keyword_name list_conv(size_t i)
{
	const struct conv_row *row = conv_at(i);
	if (!row)
		return (struct rule_keyword_name){ .name = NULL };
	return (struct rule_keyword_name){ row->name, row->usage, row->help,
		.in = sample_type_short((enum sample_type)row->in),
		.out = sample_type_short((enum sample_type)row->out) };
}

static struct rule_keyword_name list_action(enum rules_kind kind, size_t i)
{
	const struct action_row *row = action_at(kind, i);
	if (!row)
		return (struct rule_keyword_name){ .name = NULL };
	return (struct rule_keyword_name){ row->name, row->usage, row->help };
}

/* Names alone; a list ends with NULL. */
static const struct {
	const char *table;
	const char *const *names;
} not_yet[] = {
	{ "fetch not yet", fetch_not_yet },
	{ "conv not yet", conv_not_yet },
	{ "action not yet", action_not_yet },
	{ "log-alias not yet", alias_not_yet },
};

struct rule_keyword_name rule_list(const char *table, size_t i)
{
	for (size_t n = 0; n < ARRAY_SIZE(not_yet); n++) {
		if (strcmp(table, not_yet[n].table) == 0)
			return (struct rule_keyword_name){ .name = not_yet[n].names[i] };
	}
	if (strcmp(table, "fetch") == 0)
		return list_fetch(i);
	if (strcmp(table, "conv") == 0)
		return list_conv(i);
	if (strcmp(table, "acl") == 0)
		return (struct rule_keyword_name){ acl_predefined[i].name, NULL,
			acl_predefined[i].text };
	if (strcmp(table, "log-alias") == 0)
		return (struct rule_keyword_name){ log_aliases[i].name, NULL, log_aliases[i].help };
	for (unsigned k = 0; k < RULES_KIND_N; k++) {
		if (strcmp(table, action_kind_name((enum rules_kind)k)) == 0)
			return list_action((enum rules_kind)k, i);
	}
	return (struct rule_keyword_name){ .name = NULL };
}
