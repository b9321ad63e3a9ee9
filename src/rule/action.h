/* SPDX-License-Identifier: MIT */
/*
 * Rows of the action tables. An action is one row, one parser of its words and one function that does it; the
 * driver in rules.c knows none of them.
 */
#ifndef WEIR_RULE_ACTION_H
#define WEIR_RULE_ACTION_H

#include "regex.h"
#include "rule_int.h"

struct action_row;

/* One compiled rule. What args holds is the action's business. */
struct rule {
	struct rule *next;
	const struct action_row *row;
	struct cond *cond;
	void *args;
	struct conf_pos pos; /* file NULL: not told by last_rule_file and its kin */
};

/* Where a rule's words are read. */
struct action_parse {
	struct conf *conf;
	const struct conf_line *line;
	int arg; /* next word; the parser moves it behind its own */
	enum rules_kind kind;
	unsigned where;
	unsigned sides; /* RULES_FRONTEND, RULES_BACKEND: of the proxy */
	struct acl_scope *scope;
	const struct action_row *row;
	struct slice in_name; /* "set-var(x)": what stands in the parentheses */
	struct rule *rule;
};

/* True: evaluation of the list ends with *ret. */
typedef bool action_fn(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret);

struct action_row {
	const char *name;
	unsigned kinds; /* ON_* */
	/* 0, or -1 told. NULL: no words of its own. */
	int (*parse)(struct action_parse *p);
	action_fn *run;
	uintptr_t data;
	bool makes_hints; /* adds to cx->hints */
	bool has_name;	  /* written "name(...)": the parser gets p->in_name */
	const char *usage;
	const char *help;
};

#define ON(kind)	  (1u << (kind))
#define ON_TCP_CONNECTION ON(RULES_TCP_CONNECTION)
#define ON_TCP_SESSION	  ON(RULES_TCP_SESSION)
#define ON_TCP_REQ	  ON(RULES_TCP_REQ_CONTENT)
#define ON_TCP_RES	  ON(RULES_TCP_RES_CONTENT)
#define ON_HTTP_REQ	  ON(RULES_HTTP_REQ)
#define ON_HTTP_RES	  ON(RULES_HTTP_RES)
#define ON_HTTP_AFTER	  ON(RULES_HTTP_AFTER_RES)
#define ON_TCP_EARLY	  (ON_TCP_CONNECTION | ON_TCP_SESSION)
#define ON_HTTP		  (ON_HTTP_REQ | ON_HTTP_RES | ON_HTTP_AFTER)

/* Tables end with a row without name. */
extern const struct action_row action_final_rows[];
extern const struct action_row action_reply_rows[];
extern const struct action_row action_redirect_rows[];
extern const struct action_row action_hdr_rows[];
extern const struct action_row action_hdrs_bin_rows[];
extern const struct action_row action_line_rows[];
extern const struct action_row action_misc_rows[];
extern const struct action_row action_var_rows[];
extern const struct action_row action_map_rows[];
extern const struct action_row action_flow_rows[];
extern const struct action_row action_uri_rows[];
extern const struct action_row action_auth_rows[];
extern const struct action_row action_log_rows[];

/* ---- for parsers ---- */

/* The next word; NULL after conf_error() when the line or the rule's own words end. what: "a header name". */
const char *action_word(struct action_parse *p, const char *what);
/* Whether the next word is this; takes it then. */
bool action_take(struct action_parse *p, const char *word);
/* Behind the last word of the action: the line ends or a condition begins. */
bool action_at_end(const struct action_parse *p);
/* A log format for header values and bodies. */
struct logfmt *action_fmt(struct action_parse *p, const char *what);
struct logfmt *action_fmt_text(struct action_parse *p, const char *text);
/* A copy of a field name in lower case; .ptr NULL after conf_error() when it is none. */
struct slice action_hdr_name(struct action_parse *p, const char *name);
/* Whether a field name may have this character (RFC 9110 5.6.2), which is in lower case. */
bool action_is_hdr_char(char lower);
/* Zeroed memory in the configuration's arena, kept as the rule's args; NULL after conf_error(). */
void *action_args(struct action_parse *p, size_t size);

/* ---- for actions ---- */

/* Result of a format in the stream's arena; .ptr NULL when memory is short. */
struct slice action_text(const struct logfmt *f, struct rule_ctx *cx);
/* A rewrite for which there was no room; returns what the action returns: an error unless in lax mode. */
bool action_rewrite_failed(struct rule_ctx *cx, enum rule_verdict *ret);
/* Whether the head may grow by so many bytes; takes them off what is left. */
bool action_takes_room(struct rule_ctx *cx, size_t bytes);
/* The message that this kind of rule changes. */
struct http_msg *action_msg(const struct rule *rule, struct rule_ctx *cx);

/* The i-th action of that kind of rules; NULL behind the last. */
const struct action_row *action_at(enum rules_kind kind, size_t i);
const char *action_kind_name(enum rules_kind kind);

#endif
