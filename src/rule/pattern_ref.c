/* SPDX-License-Identifier: MIT */
/*
 * Lists of patterns and their versions. All writers of a list go through its lock; what they replace is freed
 * when every worker has begun another turn. A version that is not current is filled without anybody seeing it
 * and becomes current by one store.
 */
#include "pattern_ref.h"

#include "rule_int.h"

/* ---- versions ---- */

/* Versions wrap: a is behind b. */
static bool is_behind(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static struct pattern_set *find_prepared(const struct pattern_ref *r, uint32_t version)
{
	struct pattern_set *set = r->prepared;
	while (set && set->version != version)
		set = set->next;
	return set;
}

/* The set of a version, made when it is a prepared one that nobody has filled; NULL: there is none. */
static struct pattern_set *set_to_fill(
    struct pattern_ref *r, const uint32_t *version, enum pattern_result *ret)
{
	struct pattern_set *current = pattern_ref_current(r);
	uint32_t next = atomic_load_explicit(&r->next_version, memory_order_relaxed);
	if (!version || *version == current->version)
		return current;
	*ret = PATTERN_FUTURE;
	if (is_behind(*version, next) || !is_behind(*version, current->version))
		return NULL;
	struct pattern_set *set = find_prepared(r, *version);
	if (set)
		return set;
	*ret = PATTERN_REFUSED;
	set = pattern_set_new(*version, r->ways, r->ways_n, PATTERN_SET_LARGE);
	if (!set)
		return NULL;
	set->next = r->prepared;
	r->prepared = set;
	return set;
}

static void swap_current(struct pattern_ref *r, struct worker *w, struct pattern_set *set)
{
	struct pattern_set *old = pattern_ref_current(r);
	set->published = true;
	atomic_store_explicit(&r->current, set, memory_order_release);
	pattern_retire(w, pattern_set_free, old);
}

static void drop_until(struct pattern_ref *r, struct worker *w, uint32_t version)
{
	struct pattern_set **p = &r->prepared;
	while (*p) {
		struct pattern_set *set = *p;
		if (is_behind(set->version, version)) {
			p = &set->next;
			continue;
		}
		*p = set->next;
		pattern_retire(w, pattern_set_free, set);
	}
}

uint32_t pattern_ref_prepare(struct pattern_ref *r)
{
	return atomic_fetch_add_explicit(&r->next_version, 1, memory_order_relaxed) + 1;
}

enum pattern_result pattern_ref_commit(struct pattern_ref *r, struct worker *w, uint32_t version)
{
	enum pattern_result result = PATTERN_FUTURE;
	pthread_mutex_lock(&r->lock);
	struct pattern_set *current = pattern_ref_current(r);
	struct pattern_set *set =
	    version == current->version ? NULL : set_to_fill(r, &version, &result);
	if (set) {
		struct pattern_set **p = &r->prepared;
		while (*p != set)
			p = &(*p)->next;
		*p = set->next;
		set->next = NULL;
		swap_current(r, w, set);
		drop_until(r, w, version);
		result = PATTERN_OK;
	}
	pthread_mutex_unlock(&r->lock);
	return result;
}

enum pattern_result pattern_ref_clear(
    struct pattern_ref *r, struct worker *w, const uint32_t *version)
{
	enum pattern_result result = PATTERN_OK;
	pthread_mutex_lock(&r->lock);
	struct pattern_set *current = pattern_ref_current(r);
	if (!version || *version == current->version) {
		struct pattern_set *empty =
		    pattern_set_new(current->version, r->ways, r->ways_n, PATTERN_SET_SMALL);
		if (empty)
			swap_current(r, w, empty);
		else
			result = PATTERN_REFUSED;
	} else {
		struct pattern_set **p = &r->prepared;
		while (*p && (*p)->version != *version)
			p = &(*p)->next;
		struct pattern_set *set = *p;
		if (set) {
			*p = set->next;
			pattern_retire(w, pattern_set_free, set);
		}
	}
	pthread_mutex_unlock(&r->lock);
	return result;
}

/* ---- entries ---- */

bool pattern_ref_value_ok(const struct pattern_ref *r, struct slice value)
{
	int64_t n;
	struct sample ip;
	if (r->wants_int && !rule_int_parse(value, &n))
		return false;
	return !r->wants_ip || rule_ip_parse(value, &ip);
}

static bool value_refused(const struct pattern_ref *r, struct slice value, struct strbuf *err)
{
	if (!value.ptr || pattern_ref_value_ok(r, value))
		return false;
	if (err)
		strbuf_addf(err, "unable to parse '%.*s'.", SLICE_ARG(value));
	return true;
}

static enum pattern_result add_to(struct pattern_set *set, struct worker *w, struct slice text,
    struct slice value, struct strbuf *err)
{
	char why[MATCH_WHY];
	if (pattern_set_add(set, w, text, value, "eq", 0, why) == 0)
		return PATTERN_OK;
	if (err)
		strbuf_adds(err, why);
	return PATTERN_REFUSED;
}

enum pattern_result pattern_ref_add(struct pattern_ref *r, struct worker *w,
    const uint32_t *version, struct slice text, struct slice value, struct strbuf *err)
{
	enum pattern_result result = PATTERN_REFUSED;
	if (value_refused(r, value, err))
		return result;
	pthread_mutex_lock(&r->lock);
	struct pattern_set *set = set_to_fill(r, version, &result);
	if (set)
		result = add_to(set, w, text, value, err);
	pthread_mutex_unlock(&r->lock);
	return result;
}

/* Walks the entries of a text: through the index of exact texts when there is one. */
struct entry_walk {
	struct pattern_set *set;
	struct slice text;
	const struct pattern *hit;
	struct pattern_entry *at;
	bool indexed;
};

static struct pattern_entry *walk_first(struct entry_walk *walk, const struct pattern_ref *r,
    struct pattern_set *set, struct slice text)
{
	*walk = (struct entry_walk){ .set = set, .text = text };
	const struct pattern_index *x = r->exact >= 0 ? &set->indexes[r->exact] : NULL;
	if (x && pattern_index_is_hashed(x)) {
		walk->indexed = true;
		walk->hit = keyset_find(&x->hash[0], text);
		return walk->hit ? walk->hit->entry : NULL;
	}
	walk->at = pattern_set_seek(pattern_set_first(set), text);
	return walk->at;
}

static struct pattern_entry *walk_next(struct entry_walk *walk)
{
	if (walk->indexed) {
		walk->hit = walk->hit->same;
		return walk->hit ? walk->hit->entry : NULL;
	}
	walk->at = pattern_set_seek(pattern_entry_next(walk->at), walk->text);
	return walk->at;
}

static enum pattern_result set_all(struct pattern_ref *r, struct pattern_set *set, struct worker *w,
    struct slice text, struct slice value)
{
	struct entry_walk walk;
	struct pattern_entry *e = walk_first(&walk, r, set, text);
	if (!e)
		return PATTERN_MISSING;
	for (; e; e = walk_next(&walk)) {
		if (pattern_set_value(set, w, e, value) < 0)
			return PATTERN_REFUSED;
	}
	return PATTERN_OK;
}

enum pattern_result pattern_ref_set(struct pattern_ref *r, struct worker *w, struct slice text,
    struct slice value, struct strbuf *err)
{
	if (value_refused(r, value, err))
		return PATTERN_REFUSED;
	pthread_mutex_lock(&r->lock);
	enum pattern_result result = set_all(r, pattern_ref_current(r), w, text, value);
	pthread_mutex_unlock(&r->lock);
	return result;
}

enum pattern_result pattern_ref_put(struct pattern_ref *r, struct worker *w, struct slice text,
    struct slice value, struct strbuf *err)
{
	struct entry_walk walk;
	enum pattern_result result = PATTERN_OK;
	if (value_refused(r, value, err))
		return PATTERN_REFUSED;
	pthread_mutex_lock(&r->lock);
	struct pattern_set *set = pattern_ref_current(r);
	if (value.ptr)
		result = set_all(r, set, w, text, value);
	else if (!walk_first(&walk, r, set, text))
		result = PATTERN_MISSING;
	if (result == PATTERN_MISSING)
		result = add_to(set, w, text, value, err);
	pthread_mutex_unlock(&r->lock);
	return result;
}

enum pattern_result pattern_ref_del(struct pattern_ref *r, struct worker *w, struct slice text)
{
	struct entry_walk walk;
	pthread_mutex_lock(&r->lock);
	struct pattern_set *set = pattern_ref_current(r);
	struct pattern_entry *e = walk_first(&walk, r, set, text);
	enum pattern_result result = e ? PATTERN_OK : PATTERN_MISSING;
	while (e) {
		/* Removing changes the order of those with the same key. */
		struct pattern_entry *next = walk.indexed ? NULL : walk_next(&walk);
		pattern_set_remove(set, w, e);
		e = walk.indexed ? walk_first(&walk, r, set, text) : next;
	}
	pthread_mutex_unlock(&r->lock);
	return result;
}

static struct pattern_entry *find_id(const struct pattern_set *set, uintptr_t id)
{
	struct pattern_entry *e = pattern_set_first(set);
	while (e && (uintptr_t)e != id)
		e = pattern_entry_next(e);
	return e;
}

enum pattern_result pattern_ref_set_id(
    struct pattern_ref *r, struct worker *w, uintptr_t id, struct slice value, struct strbuf *err)
{
	enum pattern_result result = PATTERN_MISSING;
	if (value_refused(r, value, err))
		return PATTERN_REFUSED;
	pthread_mutex_lock(&r->lock);
	struct pattern_set *set = pattern_ref_current(r);
	struct pattern_entry *e = find_id(set, id);
	if (e)
		result = pattern_set_value(set, w, e, value) < 0 ? PATTERN_REFUSED : PATTERN_OK;
	pthread_mutex_unlock(&r->lock);
	return result;
}

enum pattern_result pattern_ref_del_id(struct pattern_ref *r, struct worker *w, uintptr_t id)
{
	pthread_mutex_lock(&r->lock);
	struct pattern_set *set = pattern_ref_current(r);
	struct pattern_entry *e = find_id(set, id);
	if (e)
		pattern_set_remove(set, w, e);
	pthread_mutex_unlock(&r->lock);
	return e ? PATTERN_OK : PATTERN_MISSING;
}

/* ---- looking ---- */

void pattern_ref_info(struct pattern_ref *r, struct pattern_ref_info *ret)
{
	const struct pattern_set *set = pattern_ref_current(r);
	*ret = (struct pattern_ref_info){
		.id = r->id,
		.name = r->name ? r->name : "",
		.is_acl = r->is_acl,
		.is_map = r->is_map,
		.current = set->version,
		.next = atomic_load_explicit(&r->next_version, memory_order_relaxed),
		.entries = atomic_load_explicit(&set->count, memory_order_relaxed),
	};
	pthread_mutex_lock(&r->lock);
	for (set = r->prepared; set; set = set->next)
		ret->entries += atomic_load_explicit(&set->count, memory_order_relaxed);
	pthread_mutex_unlock(&r->lock);
}

void pattern_ref_describe(const struct pattern_ref *r, struct strbuf *out)
{
	const struct pattern_user *u = r->users;
	if (!r->name) {
		strbuf_addf(out, "acl '%s' file '%s' line %u", r->what, u->file, u->line);
		return;
	}
	strbuf_addf(out, "pattern loaded from file '%s'", r->name);
	for (; u; u = u->next)
		strbuf_addf(out, "%s by %s at file '%s' line %u", u == r->users ? " used" : ",",
		    u->values ? "map" : "acl", u->file, u->line);
}

static struct slice value_of(const struct pattern_entry *e)
{
	const struct pattern_text *t = atomic_load_explicit(&e->value, memory_order_acquire);
	return t ? slice_make(t->text, t->len) : SLICE_NULL;
}

struct slice pattern_value(const struct pattern *p)
{
	return value_of(p->entry);
}

struct slice pattern_text(const struct pattern *p)
{
	return slice_make(p->entry->text, p->entry->len);
}

/*
 * Prepared versions are only emptied and committed by the admin socket, which is who calls this; so one of them
 * cannot go away meanwhile.
 */
void pattern_ref_each(struct pattern_ref *r, const uint32_t *version,
    bool (*fn)(const struct pattern_entry_info *e, void *arg), void *arg)
{
	const struct pattern_set *set = pattern_ref_current(r);
	if (version && *version != set->version) {
		pthread_mutex_lock(&r->lock);
		set = find_prepared(r, *version);
		pthread_mutex_unlock(&r->lock);
	}
	const struct pattern_entry *e = set ? pattern_set_first(set) : NULL;
	for (; e; e = pattern_entry_next(e)) {
		struct slice value = value_of(e);
		struct pattern_entry_info info = { .id = (uintptr_t)e,
			.text = slice_make(e->text, e->len),
			.value = value,
			.has_value = value.ptr };
		if (!fn(&info, arg))
			return;
	}
}

/* A text as the sample that a method matches. */
static bool sample_of(
    struct slice text, enum match_method method, struct rule_ctx *cx, struct sample *ret)
{
	*ret = (struct sample){ .type = SMP_STR, .str = text };
	if (method == MATCH_IP)
		return rule_ip_parse(text, ret);
	enum sample_type input = match_input(method);
	int64_t n;
	if (input == SMP_SINT && !rule_int_parse(text, &n))
		return false;
	return sample_cast(ret, input, cx->arena);
}

void pattern_ref_lookup(struct pattern_ref *r, struct rule_ctx *cx, struct slice text,
    void (*fn)(const struct pattern_lookup *l, void *arg), void *arg)
{
	for (const struct pattern_use *u = r->uses; u; u = u->next) {
		const struct pattern_way *way = &u->patterns->way;
		enum match_index by = match_row(way->method)->index;
		struct pattern_lookup l = {
			.method = match_name(way->method) ? match_name(way->method) : "meth",
			.icase = way->icase,
			.tree = !way->icase && (way->method == MATCH_STR || by == MATCH_BY_PREFIX ||
						   by == MATCH_BY_NETWORK),
			.type = u->out == SMP_SINT   ? "sint"
				: u->out == SMP_IPV4 ? "ipv4"
						     : "str",
		};
		struct sample s;
		const struct pattern *hit = sample_of(text, way->method, cx, &s)
						? patterns_find(u->patterns, cx, &s)
						: NULL;
		if (hit) {
			l.found = true;
			l.text = pattern_text(hit);
			l.value = u->values && u->out != SMP_ANY ? pattern_value(hit) : SLICE_NULL;
			l.has_value = l.value.ptr;
		}
		fn(&l, arg);
	}
}

struct pattern_ref *pattern_ref_next(const struct pattern_store *store, struct pattern_ref *prev)
{
	if (prev)
		return prev->next;
	return store ? store->refs : NULL;
}

struct pattern_ref *pattern_ref_find(const struct pattern_store *store, const char *word)
{
	uint64_t id = UINT64_MAX;
	if (*word == '#' && slice_to_u64(slice_str(word + 1), UINT32_MAX, &id) < 0)
		return NULL;
	for (struct pattern_ref *r = store ? store->refs : NULL; r; r = r->next) {
		if (*word == '#' ? r->id == id : r->name && strcmp(r->name, word) == 0)
			return r;
	}
	return NULL;
}
