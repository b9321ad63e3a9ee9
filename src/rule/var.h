/* SPDX-License-Identifier: MIT */
/*
 * Variables inside this module: names as they are compiled, reading, setting, conditions.
 */
#ifndef WEIR_SRC_RULE_VAR_H
#define WEIR_SRC_RULE_VAR_H

#include "rule_int.h"

struct var_cell;

/* A name that the configuration mentions. */
struct var_name {
	enum var_scope scope;
	struct slice text; /* behind the scope and its dot */
	uint64_t hash;
	struct var_cell *cell; /* of proc: the variable itself */
};

/* Conditions of set-var; all of those given must hold. */
#define VAR_IF_EXISTS	  0x01u
#define VAR_IF_NOT_EXISTS 0x02u
#define VAR_IF_EMPTY	  0x04u
#define VAR_IF_NOT_EMPTY  0x08u
#define VAR_IF_SET	  0x10u
#define VAR_IF_NOT_SET	  0x20u
#define VAR_IF_GT	  0x40u
#define VAR_IF_LT	  0x80u

/* Whether the text looks like a variable: a known scope and a dot. */
bool var_is_name(struct slice text);
/* "txn.x". NULL after conf_error(). */
struct var_name *var_name_parse(const struct arg_place *at, struct slice text);
/* One word of conditions added to *conds. 0 or -1, told. */
int var_cond_parse(const struct arg_place *at, struct slice word, unsigned *conds);

/* False: not set, or no such scope here. The string lies in the variable or, of proc, in cx->arena. */
bool var_get(struct rule_ctx *cx, const struct var_name *name, struct sample *ret);
/* The value as that type; false also when it cannot be one. */
bool var_get_as(
    struct rule_ctx *cx, const struct var_name *name, enum sample_type type, struct sample *ret);
/* Keeps a copy. False: no such scope here, a condition is not met, a limit is reached, memory is short. */
bool var_set(
    struct rule_ctx *cx, const struct var_name *name, unsigned conds, const struct sample *s);
void var_unset(struct rule_ctx *cx, const struct var_name *name);

/* Calls fn for each variable of the scope that is set; until it returns false. */
typedef bool var_walk_fn(void *arg, struct slice name, const struct sample *value);
bool var_walk(struct rule_ctx *cx, enum var_scope scope, var_walk_fn *fn, void *arg);
const char *var_scope_name(enum var_scope scope);

/* ---- var_proc.c: variables of the process ---- */

/* Finds or makes it; cells are never freed. NULL when memory is short. */
struct var_cell *var_cell_get(struct slice name, uint64_t hash);
struct var_cell *var_cell_find(struct slice name, uint64_t hash);
bool var_cell_read(const struct var_cell *cell, struct arena *arena, struct sample *ret);
/* SMP_ANY unsets. False: memory is short or a limit is reached. */
bool var_cell_write(struct var_cell *cell, const struct sample *s, const struct var_limits *limits);
bool var_cell_walk(struct arena *arena, var_walk_fn *fn, void *arg);

/* Bytes of all variables of the process, kept only while a global or proc limit is set. */
bool var_account_add(const struct var_limits *limits, size_t bytes);
void var_account_sub(const struct var_limits *limits, size_t bytes);

#endif
