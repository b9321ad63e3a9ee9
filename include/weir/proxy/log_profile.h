/* SPDX-License-Identifier: MIT */
/*
 * Log profiles (configuration manual 8.3.5): what a line is made of at which step, by log target or by "do-log".
 * Immutable once the configuration is finished.
 */
#ifndef WEIR_PROXY_LOG_PROFILE_H
#define WEIR_PROXY_LOG_PROFILE_H

#include "weir/rule/rule.h"

/* When a line is written. The names are those of log_step_names[]. */
enum log_step {
	LOG_STEP_ACCEPT,
	LOG_STEP_REQUEST,
	LOG_STEP_CONNECT,
	LOG_STEP_RESPONSE,
	LOG_STEP_CLOSE,
	LOG_STEP_ERROR,	 /* instead of the step at which the session has failed */
	LOG_STEP_ANY,	 /* those without a row of their own */
	LOG_STEP_DO_LOG, /* and the next: by "do-log", one an enum rules_kind */
	LOG_STEP_N = LOG_STEP_DO_LOG + RULES_KIND_N,
};
extern const char *const log_step_names[LOG_STEP_N + 1]; /* NULL behind the last */

struct log_profile_step {
	bool set;
	bool drop;
	struct logfmt *format, *sd; /* NULL: the proxy's */
};

struct log_profile {
	struct log_profile *next;
	const char *name;
	bool defined;	     /* its section was read */
	struct conf_pos pos; /* of its section, or of the line that named it first */
	const char *tag;     /* NULL: the proxy's */
	struct log_profile_step steps[LOG_STEP_N];
};

struct config;

/* The profile of that name, made when it is not there yet: sections may come in any order. NULL: no memory. */
struct log_profile *log_profile_get(struct config *c, const char *name, struct conf_pos pos);

/* What the profile says of a step; NULL: nothing. */
const struct log_profile_step *log_profile_step(
    const struct log_profile *p, enum log_step step, bool failed);

extern const struct conf_section section_log_profile;

#endif
