/* SPDX-License-Identifier: MIT */
/*
 * Reading proxies: what the conf_*.c files of this module share. A proxy under construction carries a struct
 * proxy_build beside it with what only the reader needs. One thread.
 */
#ifndef WEIR_SRC_PROXY_CONF_INT_H
#define WEIR_SRC_PROXY_CONF_INT_H

#include "weir/proxy/config.h"
#include "weir/rule/acl_scope.h"

/*
 * Flags of this module's rows beside CONF_*: the side that gives the keyword its meaning. On a proxy without
 * that side the line is ignored with a warning; the scope of such rows is CONF_PROXY.
 */
#define KW_FE 0x1000u
#define KW_BE 0x2000u

/* What is processed when, so that a line that stands after what runs later can be told of. */
enum rule_stage {
	STAGE_TCP_CONNECTION,
	STAGE_TCP_SESSION,
	STAGE_TCP_CONTENT,
	STAGE_HTTP_REQUEST,
	STAGE_REDIRECT,
	STAGE_USE_BACKEND,
	STAGE_USE_SERVER,
	STAGE_N,
};

/* A line kept to be read again: rules of a defaults section for each proxy, redirects behind other rules. */
struct saved_line {
	struct saved_line *next;
	struct conf_line line;
	int arg;
	enum rules_kind kind;
};

struct saved_lines {
	struct saved_line *first, **last;
};

struct proxy_build {
	bool is_defaults;
	bool is_named;
	bool has_rules;		      /* a defaults section with rules, captures or delays */
	bool has_conn_rules;	      /* tcp-request connection or session among them */
	unsigned used_as;	      /* defaults: sides of the proxies that took them */
	bool used_by_name;	      /* "from" named it */
	bool used_as_last;	      /* a section took it as the last one */
	unsigned stages;	      /* bit a rule_stage that was seen */
	struct saved_lines rules;     /* of a defaults section */
	struct saved_lines redirects; /* read at the end of the section */
	enum {
		CHECK_BY_CONNECT,
		CHECK_BY_HTTP,
		CHECK_BY_TCP,
	} check; /* the option that came last */
};

/* ---- conf_section.c ---- */

struct config *build_config(const struct conf_call *call);
/* "frontend", "backend", "proxy" (listen) or "defaults section", for messages. */
const char *proxy_kind(const struct proxy *p);
/* True, with a warning, when the row means nothing on this proxy: the setter returns 0 then. */
bool wrong_side(const struct conf_call *call);
/* Keeps a copy of a line. 0 or -1, told. */
int save_line(struct conf *conf, struct saved_lines *to, const struct conf_line *line, int arg,
    enum rules_kind kind);
/* False, told: the words behind from are too many. */
bool no_more_words(struct conf *conf, const struct conf_line *line, int from);
/* -1, told. */
int no_memory(struct conf *conf, const struct conf_line *line);
/* All words from arg on with a space between, in the configuration's arena; NULL, told. */
const char *join_words(struct conf *conf, const struct conf_line *line, int arg);

/* A copy in lower case; .ptr NULL: no memory. */
struct slice lower_name(struct arena *arena, const char *name);

/* ---- conf_capture.c ---- */

/* A slot for a capture without a header, for acl_scope_on_capture(): its number, or -1. */
int capture_slot(void *proxy, bool response, unsigned len);

/* ---- conf_errors.c, conf_http_errors.c ---- */

/* "<status> <file>" at arg: the complete answer that errors shall have. 0 or -1, told. */
int set_error_file(struct conf *conf, const struct conf_line *line, int arg, struct arena *arena,
    struct error_reply *errors);
/* Index of the status at arg; -1, told. */
int error_index(struct conf *conf, const struct conf_line *line, int arg);
/* errors_find_fn; user is the struct config. */
const void *find_http_errors(void *user, struct conf *conf, const struct conf_line *line, int arg);
void finish_errors(struct conf *conf, struct config *c);

/* ---- conf_rules.c ---- */

/* Marks a stage and warns when something that is processed later stands above. */
void note_stage(const struct conf_call *call, enum rule_stage stage);
/* Reads the saved lines again into p, with acls of scope. */
void replay_rules(
    struct conf *conf, const struct saved_lines *from, struct proxy *p, struct acl_scope *scope);
void replay_redirects(struct conf *conf, struct proxy *p);
/* "<name> if ..." at arg; needs_condition: without one is an error. NULL, told. */
struct switch_rule *switch_rule_parse(
    const struct conf_call *call, bool has_name, bool needs_condition, unsigned where);
void switch_rule_append(
    struct switch_rule **first, struct switch_rule ***last, struct switch_rule *rule);

/* ---- config_rt.c ---- */

/* The running side of a frontend: found by name or made. Gives a reference. NULL: no memory. */
struct proxy_rt *proxy_rt_get(const char *name, unsigned workers);
void proxy_rt_put(struct proxy_rt *rt);

/* ---- config_names.c, config_ids.c, config_logs.c: parts of config_finish(); errors are told ---- */

void finish_names(struct conf *conf, struct config *c);
/* config_objects.c: names in expressions. */
void finish_objects(struct conf *conf, struct config *c);
void finish_ids(struct conf *conf, struct config *c);
/* Puts the global section's targets in front of p's own. 0 or -1, told. */
int add_global_targets(struct conf *conf, const struct global_conf *g, struct proxy *p);
void finish_logs(struct conf *conf, struct config *c);
void finish_modes(struct conf *conf, struct config *c);

/* ---- conf_log_profile.c ---- */

/* What formats of log lines may look at. */
#define LOG_SEES                                                                                   \
	(RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ | RULE_AT_RES_BUF | RULE_AT_RES_HTTP |          \
	    RULE_AT_LOG | RULE_AT_BACKEND)
#define LOG_STEPS_ALL 0x1fu
int set_log_steps(const struct conf_call *call);
void finish_log_profiles(struct conf *conf, struct config *c);

/* Messages about a proxy as a whole, at its section's line. */
void proxy_error(struct conf *conf, const struct proxy *p, const char *fmt, ...) WEIR_PRINTF(3, 4);
void proxy_warning(struct conf *conf, const struct proxy *p, const char *fmt, ...)
    WEIR_PRINTF(3, 4);

/* ---- tables ---- */

extern const struct conf_keyword proxy_common_keywords[], proxy_frontend_keywords[],
    proxy_backend_keywords[], proxy_option_keywords[], proxy_error_keywords[], proxy_log_keywords[],
    proxy_rule_keywords[], proxy_capture_keywords[], proxy_check_keywords[], proxy_later_keywords[],
    proxy_removed_keywords[], proxy_certificate_keywords[];

#endif
