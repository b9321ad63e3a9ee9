/* SPDX-License-Identifier: MIT */
/*
 * Lists of patterns while the configuration is read: who uses which list in which way, and their numbers at the
 * end. And the search, through the view that an ACL or a map was compiled to.
 */
#include "pattern_ref.h"

#include "rule_int.h"

/* ---- the lists of a configuration ---- */

static void free_refs(struct pattern_ref *r)
{
	for (; r; r = r->next) {
		pattern_set_free(pattern_ref_current(r));
		for (struct pattern_set *set = r->prepared, *next; set; set = next) {
			next = set->next;
			pattern_set_free(set);
		}
		pthread_mutex_destroy(&r->lock);
	}
}

static void store_free(void *ptr)
{
	const struct pattern_store *store = ptr;
	free_refs(store->refs);
	free_refs(store->hidden);
}

struct pattern_store *pattern_store_of(struct conf *conf, const struct conf_line *line, int arg)
{
	void **slot = conf_slot(conf, CONF_SLOT_RULE);
	struct pattern_store *store = *slot;
	if (store)
		return store;
	store = arena_new(conf_arena(conf), struct pattern_store);
	if (!store || arena_defer(conf_arena(conf), store_free, store) < 0) {
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	store->refs_last = &store->refs;
	*slot = store;
	return store;
}

struct pattern_ref *pattern_ref_new(
    struct conf *conf, const struct conf_line *line, int arg, struct slice name, bool listed)
{
	struct pattern_store *store = pattern_store_of(conf, line, arg);
	struct pattern_ref *r = store ? arena_new(conf_arena(conf), struct pattern_ref) : NULL;
	size_t block = name.ptr ? PATTERN_SET_LARGE : PATTERN_SET_SMALL;
	struct pattern_set *set = r ? pattern_set_new(0, NULL, 0, block) : NULL;
	if (set && name.ptr)
		r->name = arena_slice_dup(conf_arena(conf), name);
	if (!set || (name.ptr && !r->name)) {
		if (set)
			pattern_set_free(set);
		if (store)
			conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	r->listed = listed;
	r->exact = -1;
	r->users_last = &r->users;
	r->uses_last = &r->uses;
	pthread_mutex_init(&r->lock, NULL);
	atomic_init(&r->current, set);
	atomic_init(&r->next_version, 0);
	if (listed) {
		*store->refs_last = r;
		store->refs_last = &r->next;
	} else {
		r->next = store->hidden;
		store->hidden = r;
	}
	return r;
}

struct patterns *pattern_ref_view(struct pattern_ref *r, struct conf *conf,
    const struct conf_line *line, int arg, struct pattern_way way)
{
	char why[MATCH_WHY];
	unsigned entry_line;
	for (struct patterns *p = r->patterns; p; p = p->next) {
		if (p->way.method == way.method && p->way.icase == way.icase)
			return p;
	}
	struct patterns *p = arena_new(conf_arena(conf), struct patterns);
	if (!p || r->ways_n == ARRAY_SIZE(r->ways)) {
		conf_error(
		    conf, line, arg, p ? "too many ways to match one file" : "out of memory");
		return NULL;
	}
	struct pattern_set *set = pattern_ref_current(r);
	int err = pattern_set_widen(&set, way, why, &entry_line);
	atomic_store_explicit(&r->current, set, memory_order_relaxed);
	if (err < 0) {
		if (entry_line)
			conf_error(conf, line, arg, "%s at line %u of file '%s'", why, entry_line,
			    r->name);
		else
			conf_error(conf, line, arg, "%s", why);
		return NULL;
	}
	*p = (struct patterns){ r->patterns, r, r->ways_n, way };
	r->patterns = p;
	if (way.method == MATCH_STR && !way.icase)
		r->exact = (int)r->ways_n;
	r->ways[r->ways_n++] = way;
	return p;
}

/* Places a list by its number. */
static void insert_by_id(struct pattern_ref **list, struct pattern_ref *r)
{
	while (*list && (*list)->id < r->id)
		list = &(*list)->next;
	r->next = *list;
	*list = r;
}

static bool id_taken(const struct pattern_ref *list, unsigned id)
{
	while (list && !(list->has_id && list->id == id))
		list = list->next;
	return list;
}

struct pattern_store *patterns_finish(struct conf *conf)
{
	struct pattern_store *store = *conf_slot(conf, CONF_SLOT_RULE);
	unsigned id = 0;
	if (!store)
		return NULL;
	for (struct pattern_ref *r = store->refs; r; r = r->next) {
		pattern_ref_current(r)->published = true;
		if (r->has_id || !r->users)
			continue;
		while (id_taken(store->refs, id))
			id++;
		r->id = id++;
	}
	for (struct pattern_ref *r = store->hidden; r; r = r->next)
		pattern_ref_current(r)->published = true;
	struct pattern_ref *r = store->refs;
	store->refs = NULL;
	while (r) {
		struct pattern_ref *next = r->next;
		if (r->users) {
			insert_by_id(&store->refs, r);
		} else {
			/* As in HAProxy the rules stay, without effect. */
			diag_add(conf_diag(conf), DIAG_WARNING, r->pos,
			    "this rule changes '%s', which no ACL and no map loads", r->name);
			r->next = store->hidden;
			store->hidden = r;
		}
		r = next;
	}
	return store;
}

/* ---- words of a line ---- */

/* The name as long as the configuration; most lines stand in the same file. */
static const char *keep_file(struct conf *conf, const struct conf_line *line)
{
	struct pattern_store *store = *conf_slot(conf, CONF_SLOT_RULE);
	const char *file = line->pos.file ? line->pos.file : "";
	if (!store->file || strcmp(store->file, file) != 0)
		store->file = arena_strdup(conf_arena(conf), file);
	return store->file;
}

static int add_user(
    struct pattern_ref *r, struct conf *conf, const struct conf_line *line, int arg, bool values)
{
	struct pattern_user *u = arena_new(conf_arena(conf), struct pattern_user);
	const char *file = keep_file(conf, line);
	if (!u || !file) {
		conf_error(conf, line, arg, "out of memory");
		return -1;
	}
	u->values = values;
	u->file = file;
	u->line = line->pos.line;
	*r->users_last = u;
	r->users_last = &u->next;
	return 0;
}

static int add_use(struct pattern_ref *r, struct conf *conf, const struct conf_line *line, int arg,
    const struct patterns *p, bool values, enum sample_type out)
{
	for (const struct pattern_use *u = r->uses; u; u = u->next) {
		if (u->patterns == p && u->values == values && u->out == out)
			return 0;
	}
	struct pattern_use *u = arena_new(conf_arena(conf), struct pattern_use);
	if (!u) {
		conf_error(conf, line, arg, "out of memory");
		return -1;
	}
	*u = (struct pattern_use){ NULL, p, values, out };
	*r->uses_last = u;
	r->uses_last = &u->next;
	return 0;
}

struct patterns *patterns_new(struct conf *conf, const struct conf_line *line,
    enum match_method method, bool icase, const char *what)
{
	struct pattern_ref *r = pattern_ref_new(conf, line, -1, SLICE_NULL, what);
	struct pattern_way way = { method, icase };
	struct patterns *p = r ? pattern_ref_view(r, conf, line, -1, way) : NULL;
	if (!p || !what)
		return p;
	r->is_acl = true;
	r->what = arena_strdup(conf_arena(conf), what);
	if (!r->what || add_user(r, conf, line, -1, false) < 0 ||
	    add_use(r, conf, line, -1, p, false, SMP_ANY) < 0)
		return NULL;
	return p;
}

int patterns_set_id(
    struct patterns *p, struct conf *conf, const struct conf_line *line, int arg, uint32_t id)
{
	const struct pattern_store *store = pattern_store_of(conf, line, arg);
	if (id_taken(store->refs, id)) {
		conf_error(conf, line, arg, "another ACL has the id %u already", id);
		return -1;
	}
	p->ref->id = id;
	p->ref->has_id = true;
	return 0;
}

int patterns_add(struct patterns *p, struct conf *conf, const struct conf_line *line, int arg,
    const char *text, const char *op)
{
	char why[MATCH_WHY];
	if (pattern_set_add(
		pattern_ref_current(p->ref), NULL, slice_str(text), SLICE_NULL, op, 0, why) == 0)
		return 0;
	conf_error(conf, line, arg, "'%s' is not a valid pattern for the match method '%s': %s",
	    text, match_name(p->way.method) ? match_name(p->way.method) : "method", why);
	return -1;
}

enum match_method patterns_method(const struct patterns *p)
{
	return p->way.method;
}

size_t patterns_count(const struct patterns *p)
{
	return atomic_load_explicit(&pattern_ref_current(p->ref)->count, memory_order_relaxed);
}

/* ---- files ---- */

static struct pattern_ref *find_named(
    struct conf *conf, const struct conf_line *line, int arg, struct slice name)
{
	const struct pattern_store *store = pattern_store_of(conf, line, arg);
	for (struct pattern_ref *r = store ? store->refs : NULL; r; r = r->next) {
		if (r->name && slice_eq(slice_str(r->name), name))
			return r;
	}
	return store ? pattern_ref_new(conf, line, arg, name, true) : NULL;
}

/* "file@" and "opt@" are no part of a name, "virt@" is. */
static struct slice name_of(const char *path)
{
	if (strncmp(path, "file@", 5) == 0)
		return slice_str(path + 5);
	return slice_str(strncmp(path, "opt@", 4) == 0 ? path + 4 : path);
}

struct pattern_ref *patterns_named(
    struct conf *conf, const struct conf_line *line, int arg, struct slice name)
{
	struct pattern_way exact = { MATCH_STR, false };
	char *path = arena_slice_dup(conf_arena(conf), name);
	struct pattern_ref *r = path ? find_named(conf, line, arg, name_of(path)) : NULL;
	if (!r || !pattern_ref_view(r, conf, line, arg, exact))
		return NULL;
	if (!r->pos.line) {
		r->pos = line->pos;
		r->pos.file = diag_intern(conf_diag(conf), line->pos.file);
	}
	return r;
}

/* Numbers go by the first line that uses a list, not by an action that names it before. */
static void to_end(struct pattern_store *store, struct pattern_ref *r)
{
	struct pattern_ref **p = &store->refs;
	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	if (store->refs_last == &r->next)
		store->refs_last = p;
	r->next = NULL;
	*store->refs_last = r;
	store->refs_last = &r->next;
}

/* One column or two: all that use a file must agree. */
static bool same_columns(const struct pattern_ref *r, struct conf *conf,
    const struct conf_line *line, int arg, bool values)
{
	if (!r->loaded || r->is_map == values)
		return true;
	conf_error(conf, line, arg,
	    "The file \"%s\" is already used as %s column file and cannot be used by as %s column "
	    "file.",
	    r->name, values ? "one" : "two", values ? "two" : "one");
	return false;
}

/* The values that are there must suit one more use. */
static bool values_suit(
    const struct pattern_ref *r, struct conf *conf, const struct conf_line *line, int arg)
{
	const struct pattern_entry *e = pattern_set_first(pattern_ref_current(r));
	if (!r->wants_int && !r->wants_ip)
		return true;
	for (; e; e = pattern_entry_next(e)) {
		const struct pattern_text *v =
		    atomic_load_explicit(&e->value, memory_order_relaxed);
		if (v && !pattern_ref_value_ok(r, slice_make(v->text, v->len))) {
			conf_error(conf, line, arg, "unable to parse '%s' at line %u of file '%s'",
			    v->text, e->line, r->name);
			return false;
		}
	}
	return true;
}

struct patterns *patterns_file(struct conf *conf, const struct conf_line *line, int arg,
    enum match_method method, const char *path, bool icase, bool values, enum sample_type out)
{
	struct pattern_ref *r = find_named(conf, line, arg, name_of(path));
	struct pattern_way way = { method, icase };
	if (!r || !same_columns(r, conf, line, arg, values))
		return NULL;
	if (!r->users)
		to_end(pattern_store_of(conf, line, arg), r);
	r->is_acl |= out == SMP_ANY;
	r->is_map |= values;
	r->wants_int |= out == SMP_SINT;
	r->wants_ip |= out == SMP_IPV4;
	struct patterns *p = pattern_ref_view(r, conf, line, arg, way);
	if (!p || add_user(r, conf, line, arg, values) < 0 ||
	    add_use(r, conf, line, arg, p, values, out) < 0)
		return NULL;
	if (!r->loaded && pattern_file_load(r, conf, line, arg, path, values) < 0)
		return NULL;
	r->loaded = true;
	return values_suit(r, conf, line, arg) ? p : NULL;
}

/* ---- searching ---- */

const struct pattern *patterns_find(
    const struct patterns *p, struct rule_ctx *cx, const struct sample *s)
{
	return pattern_index_find(&pattern_ref_current(p->ref)->indexes[p->index], cx, s);
}
