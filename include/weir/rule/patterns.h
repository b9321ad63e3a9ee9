/* SPDX-License-Identifier: MIT */
/*
 * Lists of patterns as operators see them: files and virtual files shared by name, and the words of ACL lines,
 * each with a number, versions and entries that can change while traffic flows. They belong to one configuration
 * and go with it. Looking needs no lock; changes take the list's own, for as long as they last.
 */
#ifndef WEIR_RULE_PATTERNS_H
#define WEIR_RULE_PATTERNS_H

#include "weir/base/strbuf.h"
#include "weir/conf/conf.h"
#include "weir/event/worker.h"

struct pattern_ref;
struct pattern_store;
struct pattern_entry;
struct rule_ctx;

/* Numbers the lists; after the last line was read. NULL when there are none. Lives in the configuration's arena. */
struct pattern_store *patterns_finish(struct conf *conf);

/* ---- looking ---- */

struct pattern_ref_info {
	unsigned id;
	const char *name; /* "" without one */
	bool is_acl, is_map;
	uint32_t current, next; /* versions */
	uint64_t entries;	/* of all versions */
};

/* In the order of their numbers; prev NULL: the first. NULL behind the last. store may be NULL. */
struct pattern_ref *pattern_ref_next(const struct pattern_store *store, struct pattern_ref *prev);
/* By name or "#id"; NULL: there is none. */
struct pattern_ref *pattern_ref_find(const struct pattern_store *store, const char *word);
void pattern_ref_info(struct pattern_ref *r, struct pattern_ref_info *ret);
/* What it is, and who uses it, as "show map" says it. */
void pattern_ref_describe(const struct pattern_ref *r, struct strbuf *out);

struct pattern_entry_info {
	uintptr_t id; /* stays until the entry goes */
	struct slice text, value;
	bool has_value;
};

/*
 * Calls fn for the entries of a version (NULL: the one that is matched against) until it returns false. What it
 * gets stays for this turn of the worker.
 */
void pattern_ref_each(struct pattern_ref *r, const uint32_t *version,
    bool (*fn)(const struct pattern_entry_info *e, void *arg), void *arg);

/* One way in which the list is used, and what it finds for a text. */
struct pattern_lookup {
	const char *method;
	bool icase, tree;
	bool found;
	struct slice text, value;
	bool has_value;	  /* the use asks for values, and there is one */
	const char *type; /* of the value: "str", "sint", "ipv4" */
};
void pattern_ref_lookup(struct pattern_ref *r, struct rule_ctx *cx, struct slice text,
    void (*fn)(const struct pattern_lookup *l, void *arg), void *arg);

/* ---- changing: any worker, which is w; w NULL: nobody else runs ---- */

enum pattern_result {
	PATTERN_OK,
	PATTERN_MISSING, /* no such entry */
	PATTERN_FUTURE,	 /* a version that was not prepared, or that is over */
	PATTERN_REFUSED, /* err says why */
};

/* value.ptr NULL: none. err (may be NULL) gets the reason of PATTERN_REFUSED. */
enum pattern_result pattern_ref_add(struct pattern_ref *r, struct worker *w,
    const uint32_t *version, struct slice text, struct slice value, struct strbuf *err);
/* Of the current version, all entries of that text. */
enum pattern_result pattern_ref_set(struct pattern_ref *r, struct worker *w, struct slice text,
    struct slice value, struct strbuf *err);
enum pattern_result pattern_ref_del(struct pattern_ref *r, struct worker *w, struct slice text);
/* Sets the value of the entries of that text, or adds one. value.ptr NULL: only adds. */
enum pattern_result pattern_ref_put(struct pattern_ref *r, struct worker *w, struct slice text,
    struct slice value, struct strbuf *err);
/* One entry, by the id that pattern_ref_each() gave. */
enum pattern_result pattern_ref_set_id(
    struct pattern_ref *r, struct worker *w, uintptr_t id, struct slice value, struct strbuf *err);
enum pattern_result pattern_ref_del_id(struct pattern_ref *r, struct worker *w, uintptr_t id);
/* A version's entries; NULL: the current one's. */
enum pattern_result pattern_ref_clear(
    struct pattern_ref *r, struct worker *w, const uint32_t *version);
/* Hands out the number of a new version. */
uint32_t pattern_ref_prepare(struct pattern_ref *r);
/* Makes a version current and drops those before it. */
enum pattern_result pattern_ref_commit(struct pattern_ref *r, struct worker *w, uint32_t version);

#endif
