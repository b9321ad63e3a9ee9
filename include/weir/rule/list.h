/* SPDX-License-Identifier: MIT */
/*
 * The tables of this module as lists, for -dK.
 */
#ifndef WEIR_RULE_LIST_H
#define WEIR_RULE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct rule_keyword_name {
	const char *name, *usage, *help;
	const char *in, *out; /* types: of fetches the latter, of converters both */
	unsigned at;	      /* RULE_AT_* where a fetch is valid */
	bool acl_forms;	      /* <name>_beg and the like exist for ACLs */
};
/*
 * Walks a table by index until .name is NULL: "acl" (predefined ones), "fetch", "conv", "log-alias",
 * "http-request", "tcp-request content" and the other kinds of rules. What is known and refused: "fetch not
 * yet", "conv not yet", "log-alias not yet", "action not yet".
 */
struct rule_keyword_name rule_list(const char *table, size_t i);

#endif
