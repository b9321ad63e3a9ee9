/* SPDX-License-Identifier: MIT */
/*
 * ACLs between their parser (acl.c) and the conditions that use them (cond.c).
 */
#ifndef WEIR_RULE_ACL_H
#define WEIR_RULE_ACL_H

#include "pattern.h"
#include "rule_int.h"
#include "weir/rule/acl_scope.h"

/* A set of a file, which other ACLs may share. */
struct acl_file {
	struct acl_file *next;
	const struct patterns *patterns;
};

/* One test: an expression against patterns. An ACL is true when one of its tests is. */
struct acl_test {
	struct acl_test *next;
	struct expr *expr;
	struct patterns *patterns; /* those of the line itself */
	struct acl_file *files;
	enum match_method method;
};

struct acl {
	struct acl *next;
	const char *name; /* NULL: anonymous */
	struct acl_test *tests;
	struct acl_test **last;
	bool used;	     /* by a condition or an expression */
	struct conf_pos pos; /* of its first line; line 0: predefined */
};

/* Reads "criterion flags patterns..." from argv[arg] up to argv[end]. NULL after conf_error(). */
struct acl_test *acl_test_parse(struct conf *conf, const struct conf_line *line, int arg, int end);
/* By name, to be used: the scope, its parents, then the predefined ones. NULL when there is none. */
struct acl *acl_find(
    struct conf *conf, const struct conf_line *line, struct acl_scope *scope, const char *name);
const char *acl_nearest(const struct acl_scope *scope, const char *name);
/* 1, 0, or -1: not known yet. */
int acl_eval(const struct acl *a, struct rule_ctx *cx);
/* An anonymous ACL of one test; NULL when memory is short. */
struct acl *acl_anonymous(struct conf *conf, struct acl_test *test);

/* What acl_scope_use() said last. */
struct acl_scope *acl_scope_used(struct conf *conf);

/* The slot of a new "capture ... len"; -1: there are none here. */
/* The http-errors section that line->argv[arg] names; NULL after conf_error(). */
const void *acl_scope_errors(
    const struct acl_scope *scope, struct conf *conf, const struct conf_line *line, int arg);
int acl_scope_capture(struct acl_scope *scope, bool response, unsigned len);

/* The log profile of that name; NULL: there are none here, or no memory. */
void *acl_scope_log_profile(struct acl_scope *scope, const char *name, struct conf_pos pos);

struct acl_predefined {
	const char *name, *text;
};
extern const struct acl_predefined acl_predefined[];

#endif
