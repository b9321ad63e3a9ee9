/* SPDX-License-Identifier: MIT */
/*
 * "userlist" sections (configuration manual 12.2): users, their passwords and groups. Built while the configuration
 * is read; afterwards any worker looks people up.
 */
#ifndef WEIR_RULE_USERLIST_H
#define WEIR_RULE_USERLIST_H

#include "weir/rule/rule.h"

struct userlist;
struct user;

/* The list of that name, which may be defined further down. NULL: no memory, told. */
struct userlist *userlist_named(
    struct conf *conf, const struct conf_line *line, int arg, const char *name);
/* NULL: unknown user or wrong password. May take milliseconds the first time a hashed password is right. */
const struct user *userlist_check(
    const struct userlist *list, struct slice name, struct slice password);
/* The i-th group of a user; .ptr NULL behind the last. */
struct slice user_group(const struct user *user, unsigned i);

#endif
