/* SPDX-License-Identifier: MIT */
/*
 * Variables (configuration manual 2.8): where the stores of each scope live and how long. A store is a list that
 * its owner keeps: a client (sess), a stream (txn, req, res), a health check (check). The variables of the whole
 * process (proc) are one registry behind this module, for all workers and all configurations.
 */
#ifndef WEIR_RULE_VAR_H
#define WEIR_RULE_VAR_H

#include "weir/conf/conf.h"
#include "weir/rule/sample.h"

enum var_scope {
	VAR_PROC,
	VAR_SESS,
	VAR_TXN,
	VAR_REQ,
	VAR_RES,
	VAR_CHECK,
	VAR_PARENT, /* psess, ptxn, preq, pres: of a parent stream, which no stream has */
	VAR_SCOPE_N,
};

struct var;

/* The variables of one scope and one owner; zeroed is empty. One pointer: an idle client keeps one. */
struct var_list {
	struct var *first;
};

/* "tune.vars.*-max-size" in bytes; 0: no limit. */
struct var_limits {
	unsigned global, proc, sess, txn, reqres;
};

/*
 * What one evaluation can reach. list[VAR_PROC] is not used. NULL: there are no variables of that scope at this
 * moment; reading one finds nothing and setting one does nothing.
 */
struct var_stores {
	struct var_list *list[VAR_SCOPE_N];
	const struct var_limits *limits; /* NULL: none */
};

/*
 * The owner ends. Memory of sess lists is freed; that of the others lies in the arena they were set in and is
 * only taken off the account. The list is empty then.
 */
void var_list_end(struct var_list *list, enum var_scope scope, const struct var_limits *limits);

/* ---- variables of the process, by name ("proc.x"), for the global section and the admin socket ---- */

struct rule_ctx;

/* False: there is none, or it is not set. Strings are copied to arena. Any thread. */
bool var_proc_get(struct slice name, struct arena *arena, struct sample *ret);
/* "set-var proc.x <expr>" and "set-var-fmt proc.x <fmt>", evaluated at once. 0 or -1, told. */
int var_proc_set_line(struct conf *conf, const struct conf_line *line, int arg, bool is_format,
    const struct var_limits *limits);

/* ---- steps that set variables, outside of rule lists ---- */

struct var_line;
/* "set-var(...) ...", "set-var-fmt(...) ...", "unset-var(...)" at arg to the end of the line. NULL after conf_error(). */
struct var_line *var_line_parse(
    struct conf *conf, const struct conf_line *line, int arg, unsigned where);
void var_line_run(const struct var_line *v, struct rule_ctx *cx);

#endif
