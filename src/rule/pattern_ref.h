/* SPDX-License-Identifier: MIT */
/*
 * Lists of patterns between their parts: pattern_ref.c keeps their versions, pattern.c the views that ACLs and
 * maps have of them, pattern_file.c fills them.
 */
#ifndef WEIR_RULE_PATTERN_REF_H
#define WEIR_RULE_PATTERN_REF_H

#include <pthread.h>

#include "pattern_set.h"

/* A list through one method: what lines keep. Made while the configuration is read. */
struct patterns {
	struct patterns *next;
	struct pattern_ref *ref;
	unsigned index; /* of its sets */
	struct pattern_way way;
};

/* A way in which lines use the list, for "get map" and "show map". */
struct pattern_use {
	struct pattern_use *next;
	const struct patterns *patterns;
	bool values;
	enum sample_type out; /* of values; SMP_ANY: not looked at */
};

/* A line that uses it. */
struct pattern_user {
	struct pattern_user *next;
	bool values;
	const char *file;
	unsigned line;
};

struct pattern_ref {
	struct pattern_ref *next; /* in the order of creation, then of ids */
	const char *name;	  /* NULL: words of a line */
	const char *what;	  /* of words: the ACL's criterion */
	unsigned id;
	bool has_id, loaded, listed, is_acl, is_map;
	bool wants_int, wants_ip; /* values must be readable as that */
	struct pattern_user *users, **users_last;
	struct pattern_use *uses, **uses_last;
	struct patterns *patterns;   /* all views */
	struct pattern_way ways[16]; /* of them, by index */
	unsigned ways_n;
	struct conf_pos pos; /* of the first action that names it */
	int exact;	     /* the view that finds entries by their texts, or -1 */

	pthread_mutex_t lock; /* of all writers */
	_Atomic(struct pattern_set *) current;
	struct pattern_set *prepared; /* under lock, or by worker 0: older ones first */
	atomic_uint next_version;
};

struct pattern_store {
	struct pattern_ref *refs, **refs_last;
	struct pattern_ref *hidden;
	const char *file; /* of the last line that used a list */
};

/* The store of this run, made at first use. NULL after conf_error(). */
struct pattern_store *pattern_store_of(struct conf *conf, const struct conf_line *line, int arg);
/* NULL after conf_error(). */
struct pattern_ref *pattern_ref_new(
    struct conf *conf, const struct conf_line *line, int arg, struct slice name, bool listed);
/* The view of that method, which indexes what is there already. NULL after conf_error(). */
struct patterns *pattern_ref_view(struct pattern_ref *r, struct conf *conf,
    const struct conf_line *line, int arg, struct pattern_way way);
/* Fills a list from its file. path: with its prefix. 0, or -1 told. */
int pattern_file_load(struct pattern_ref *r, struct conf *conf, const struct conf_line *line,
    int arg, const char *path, bool values);
/* Whether a value can be what the uses of the list make of it. */
bool pattern_ref_value_ok(const struct pattern_ref *r, struct slice value);

static inline struct pattern_set *pattern_ref_current(const struct pattern_ref *r)
{
	return atomic_load_explicit(&r->current, memory_order_acquire);
}

#endif
