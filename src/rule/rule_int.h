/* SPDX-License-Identifier: MIT */
/*
 * What the files of this module share: rows of the fetch and converter tables, their compiled arguments, and
 * small helpers for evaluation. A new fetch or converter is one row and one function; nothing else changes.
 */
#ifndef WEIR_RULE_INT_H
#define WEIR_RULE_INT_H

#include "ctx.h"
#include "weir/rule/memo.h"

/* ---- arguments ---- */

enum arg_type {
	ARG_NONE, /* ends a row's list; in a call: left out */
	ARG_STR,
	ARG_HDR,  /* header name: lower case in str, enum http_hdr_id in num */
	ARG_SINT, /* in num */
	ARG_UINT,
	ARG_IP4, /* in addr, v4 */
	ARG_IP6,
	ARG_MASK4,    /* bit count or dotted mask, in addr */
	ARG_MASK6,    /* bit count */
	ARG_PROXY,    /* name of a proxy, a server ("[backend/]server"): in str */
	ARG_VAR,      /* name of a variable: in var */
	ARG_SINT_VAR, /* integer, or the name of a variable, in var then: arg_int() */
	ARG_STR_VAR,  /* text, or the name of a variable, in var then: arg_str() */
};

#define ARGS_MAX 12

struct var_name;

struct arg {
	enum arg_type type;
	int64_t num;
	struct slice str; /* NUL-terminated */
	union {
		struct in_addr ipv4;
		struct in6_addr ipv6;
		const struct var_name *var; /* NULL: it is none */
	};
};

/* The arguments of one call, compiled. */
struct args {
	struct arg *v;
	unsigned n;
	void *data; /* what the row's check made of them */
};

static inline bool args_has(const struct args *a, unsigned i)
{
	return i < a->n && a->v[i].type != ARG_NONE;
}

/* Where arguments are being read, for messages. */
struct arg_place {
	struct conf *conf;
	const struct conf_line *line;
	int arg;
	const char *what; /* "fetch 'hdr'" */
};

/*
 * Reads "(a,b)" at *text and moves behind the closing parenthesis; without one there are no arguments. types
 * has row_n entries; from min on they may be left out. 0 or -1, told.
 */
int rule_args_parse(const struct arg_place *at, const char **text, const uint8_t *types,
    unsigned row_n, unsigned min, struct args *ret);

/* ---- rows ---- */

/* Walks the values of a multi-valued fetch while an ACL looks for one that matches. Zero to start. */
struct fetch_walk {
	bool more; /* set by the fetch: call again for the next value */
	struct http_hdr *hdr;
	struct slice rest;
	unsigned at;
};

/* walk: NULL outside ACLs. False: no value. */
typedef bool fetch_fn(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret);

struct fetch_row {
	const char *name;
	uint8_t out; /* enum sample_type */
	uint8_t args_min;
	uint8_t args[ARGS_MAX];
	bool acl_forms; /* name_beg, name_reg ... exist for ACLs */
	bool steady;	/* depends on the message and its arguments alone: see struct rule_memo */
	unsigned at;	/* RULE_AT_* where it is valid */
	fetch_fn *eval;
	uintptr_t data;
	int (*check)(const struct arg_place *at, struct args *args);
	const char *usage; /* arguments as the manual writes them */
	const char *help;
};

/* In place. False: the chain has no value. */
typedef bool conv_fn(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s);

struct conv_row {
	const char *name;
	uint8_t in, out; /* enum sample_type; out SMP_ANY: what came in */
	uint8_t args_min;
	uint8_t args[ARGS_MAX];
	conv_fn *eval;
	uintptr_t data;
	int (*check)(const struct arg_place *at, struct args *args);
	/* Of rows whose output depends on their arguments: returns it. NULL: out. */
	enum sample_type (*out_of)(const struct args *args);
	const char *usage;
	const char *help;
};

/* Tables (tables.h) end with a row without name. */

/* Keywords of the manual that this version does not bring: an error that says so. NULL-terminated. */
extern const char *const fetch_not_yet[];
extern const char *const conv_not_yet[];
extern const char *const action_not_yet[];
extern const char *const alias_not_yet[];
bool rule_in_names(const char *const *names, const char *name);

const struct fetch_row *fetch_find(struct slice name);
const struct conv_row *conv_find(struct slice name);
const struct fetch_row *fetch_at(size_t i);
const struct conv_row *conv_at(size_t i);

/* ---- compiled expressions ---- */

struct conv_call {
	const struct conv_row *row;
	struct args args;
};

struct expr {
	const struct fetch_row *fetch;
	struct args args;
	enum sample_type out;
	unsigned convs_n;
	struct conv_call *convs;
	unsigned memo; /* its place in a struct rule_memo, from 1 on; 0: its value is not kept */
};

/*
 * Compiles from text on. stop: where reading ended (NULL: anything left over is an error). where 0: no check.
 * default_match gets the "beg" of "path_beg" (ACLs only, NULL elsewhere).
 */
struct expr *expr_compile(struct conf *conf, const struct conf_line *line, int arg,
    const char *text, const char **stop, unsigned where, struct slice *default_match);
/* What ACLs before this one made of the same words, for expressions whose value can be kept; else e. */
struct expr *expr_shared(struct conf *conf, struct expr *e);
/* Makes the value of e, whose memo is not 0, and puts it into cx->memo; NULL: bytes are missing. */
const struct rule_memo_value *expr_memorize(const struct expr *e, struct rule_ctx *cx);

/* The same, unless it is there already. */
static inline const struct rule_memo_value *expr_recall(const struct expr *e, struct rule_ctx *cx)
{
	if (likely(cx->memo->of[e->memo - 1] == e))
		return &cx->memo->value[e->memo - 1];
	return expr_memorize(e, cx);
}

/* One value of the walk, converters applied; see fetch_walk. */
bool expr_next(
    const struct expr *e, struct rule_ctx *cx, struct fetch_walk *walk, struct sample *ret);
const char *rule_where_name(unsigned at);

/* ---- for evaluation ---- */

/* Value of an ARG_SINT_VAR, an ARG_STR_VAR; false: the variable is not set, or is nothing of the kind. */
bool arg_int(struct rule_ctx *cx, const struct arg *a, int64_t *ret);
bool arg_str(struct rule_ctx *cx, const struct arg *a, struct slice *ret);

#endif
