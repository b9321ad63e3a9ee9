/* SPDX-License-Identifier: MIT */
/*
 * The names that the rules of one proxy may use, ACLs first of all, while the configuration is read.
 */
#ifndef WEIR_RULE_ACL_SCOPE_H
#define WEIR_RULE_ACL_SCOPE_H

#include "weir/base/arena.h"
#include "weir/conf/conf.h"

/* Named ACLs of one proxy; those of a defaults section are found through parent. */
struct acl_scope;
struct acl_scope *acl_scope_new(struct arena *arena, const struct acl_scope *parent);
/*
 * How "capture ... len N" gets a slot: add() returns its number, or -1. Scopes without it refuse such rules.
 * Call before rules are added.
 */
void acl_scope_on_capture(
    struct acl_scope *scope, int (*add)(void *proxy, bool response, unsigned len), void *proxy);
/* How "errorfiles <section>" gets that section, which may stand further down; what it returns is a reply's errors. */
typedef const void *errors_find_fn(
    void *user, struct conf *conf, const struct conf_line *line, int arg);
void acl_scope_on_errors(struct acl_scope *scope, errors_find_fn *find, void *user);
/*
 * Expressions that name ACLs (fetch "acl", converter "when") look them up here from now on. Rules and ACLs that are
 * added do this by themselves.
 */
void acl_scope_use(struct conf *conf, struct acl_scope *scope);
/* How "do-log profile" gets its profile: find() returns what do_log() of the host is given; NULL: no memory. */
void acl_scope_on_log_profile(struct acl_scope *scope,
    void *(*find)(void *owner, const char *name, struct conf_pos pos), void *owner);
/* "acl NAME expr ..." from line->argv[arg] on. 0 or -1, told. */
int acl_add(struct conf *conf, const struct conf_line *line, int arg, struct acl_scope *scope);
/* When all is read: notices about those that nothing uses. */
void acl_scope_finish(struct conf *conf, const struct acl_scope *scope);

#endif
