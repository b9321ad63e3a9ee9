/* SPDX-License-Identifier: MIT */
/*
 * One version of a list of patterns: its entries in order, and an index for each way in which it is matched. The
 * version that is matched against may be searched by all workers while one writer, under the list's lock, changes
 * it; the others are seen by writers only.
 */
#ifndef WEIR_RULE_PATTERN_SET_H
#define WEIR_RULE_PATTERN_SET_H

#include "keyset.h"
#include "pattern_match.h"

struct pattern_text {
	size_t len;
	bool pooled; /* in the set's arena: freed with it */
	char text[]; /* and a NUL */
};

struct pattern_entry {
	struct pattern_entry *prev; /* writers only */
	_Atomic(struct pattern_entry *) next;
	uint64_t order;
	_Atomic(struct pattern_text *) value; /* NULL: none */
	unsigned line;			      /* of the file; 0: added later */
	bool pooled;			      /* in the set's arena */
	size_t len;
	char text[]; /* and a NUL */
};

/* Patterns that are looked at one after the other. */
struct pattern_list {
	atomic_size_t n;
	size_t cap;
	bool hashed;		       /* the rest of them is in the hash */
	_Atomic(struct pattern *) v[]; /* one that was taken out leaves a neighbour's repetition */
};

struct pattern_index {
	enum match_method method;
	bool icase;
	_Atomic(struct pattern_list *) list;
	struct keyset hash[2]; /* of networks: v6, v4; of others the first */
};

struct pattern_set {
	struct pattern_set *next; /* of versions that are prepared */
	uint32_t version;
	_Atomic(struct pattern_entry *) first;
	struct pattern_entry *last;
	atomic_size_t count;
	uint64_t orders;
	bool published;	    /* workers may see it: memory comes from malloc, piece by piece */
	struct arena arena; /* else from here */
	unsigned indexes_n;
	struct pattern_index indexes[];
};

/* What patterns of an index are like. */
struct pattern_way {
	enum match_method method;
	bool icase;
};

/* Blocks of its arena: few words, or files and what is prepared. */
#define PATTERN_SET_SMALL 512
#define PATTERN_SET_LARGE 65536

struct pattern_set *pattern_set_new(
    uint32_t version, const struct pattern_way *ways, unsigned n, size_t block);
/* Nobody reads it any more. */
void pattern_set_free(void *set);
/*
 * Adds one more index for the entries that are there; nobody may see *set yet, which moves. 0, or -1 with a text
 * in why, *ret_line being the line of the entry that it is about (0: none).
 */
int pattern_set_widen(
    struct pattern_set **set, struct pattern_way way, char *why, unsigned *ret_line);
int pattern_set_reserve(struct pattern_set *set, size_t entries);
/* value.ptr NULL: none. 0, or -1 with a text in why. */
int pattern_set_add(struct pattern_set *set, struct worker *w, struct slice text,
    struct slice value, const char *op, unsigned line, char *why);
void pattern_set_remove(struct pattern_set *set, struct worker *w, struct pattern_entry *e);
/* 0 or -ENOMEM. */
int pattern_set_value(
    struct pattern_set *set, struct worker *w, struct pattern_entry *e, struct slice value);
/* The entry at or behind e that has this text, by comparing them all. */
struct pattern_entry *pattern_set_seek(struct pattern_entry *e, struct slice text);

const struct pattern *pattern_index_find(
    const struct pattern_index *x, struct rule_ctx *cx, const struct sample *s);

static inline bool pattern_index_is_hashed(const struct pattern_index *x)
{
	const struct pattern_list *l = atomic_load_explicit(&x->list, memory_order_acquire);
	return l && l->hashed;
}

static inline struct pattern_entry *pattern_set_first(const struct pattern_set *set)
{
	return atomic_load_explicit(&set->first, memory_order_acquire);
}

static inline struct pattern_entry *pattern_entry_next(const struct pattern_entry *e)
{
	return atomic_load_explicit(&e->next, memory_order_acquire);
}

#endif
