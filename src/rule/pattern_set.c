/* SPDX-License-Identifier: MIT */
/*
 * Versions of pattern lists. Readers see entries and patterns through atomic pointers only; writers publish an
 * object when it is complete and hand what they took out to pattern_retire(). An index is a list as long as it is
 * short; then what can be hashed moves to a hash.
 */
#include "pattern_set.h"

#include <errno.h>

#define FEW	 4 /* up to here a list beats a hash */
#define LIST_MIN 4

uint64_t pattern_order(const struct pattern *p)
{
	return p->entry->order;
}

/* ---- memory ---- */

static void *set_alloc(struct pattern_set *set, size_t size)
{
	return set->published ? malloc(size)
			      : arena_alloc_aligned(&set->arena, size, sizeof(void *));
}

static void set_release(struct pattern_set *set, void *ptr)
{
	if (set->published)
		free(ptr);
}

static struct pattern_text *text_new(struct pattern_set *set, struct slice s)
{
	struct pattern_text *t = set_alloc(set, sizeof(*t) + s.len + 1);
	if (!t)
		return NULL;
	t->len = s.len;
	t->pooled = !set->published;
	if (s.len)
		memcpy(t->text, s.ptr, s.len);
	t->text[s.len] = '\0';
	return t;
}

static void retire_text(struct worker *w, struct pattern_text *t)
{
	if (t && !t->pooled)
		pattern_retire(w, free, t);
}

static void free_regex_pattern(void *ptr)
{
	struct pattern *p = ptr;
	regex_free(p->re);
	free(p);
}

static void free_regex(void *re)
{
	regex_free(re);
}

static void retire_pattern(
    struct worker *w, const struct pattern_index *x, struct pattern *p, bool pooled)
{
	if (x->method != MATCH_REG) {
		if (!pooled)
			pattern_retire(w, free, p);
	} else if (pooled) {
		pattern_retire(w, free_regex, p->re);
	} else {
		pattern_retire(w, free_regex_pattern, p);
	}
}

/* ---- parsing ---- */

static struct pattern *pattern_new(struct pattern_set *set, const struct pattern_index *x,
    struct pattern_entry *e, const char *op, char *why)
{
	const struct match_row *row = match_row(x->method);
	struct pattern *p = set_alloc(set, row->size + (row->decoded ? e->len / 2 : 0));
	if (!p) {
		snprintf(why, MATCH_WHY, "out of memory");
		return NULL;
	}
	p->same = NULL;
	p->entry = e;
	p->key = slice_make(e->text, e->len);
	if (row->parse && row->parse(p, op, x->icase, why) < 0) {
		set_release(set, p);
		return NULL;
	}
	return p;
}

static bool is_hashable(const struct match_row *row, const struct pattern *p)
{
	return row->index != MATCH_BY_LIST && (!row->hashable || row->hashable(p));
}

static struct keyset *hash_of(struct pattern_index *x, const struct pattern *p)
{
	return &x->hash[x->method == MATCH_IP && p->ip.v4];
}

static unsigned hash_length(const struct pattern_index *x, const struct pattern *p)
{
	return x->method == MATCH_IP ? p->ip.bits : (unsigned)p->key.len;
}

/* ---- an index ---- */

static void index_init(struct pattern_index *x, struct pattern_way way)
{
	enum match_index by = match_row(way.method)->index;
	x->method = way.method;
	x->icase = way.icase;
	atomic_init(&x->list, NULL);
	for (unsigned i = 0; i < 2; i++)
		keyset_init(&x->hash[i], way.icase, by != MATCH_BY_KEY);
}

static struct pattern_list *list_new(size_t cap, bool hashed)
{
	struct pattern_list *l = malloc(sizeof(*l) + cap * sizeof(l->v[0]));
	if (!l)
		return NULL;
	atomic_init(&l->n, 0);
	l->cap = cap;
	l->hashed = hashed;
	return l;
}

static struct pattern_list *list_of(const struct pattern_index *x)
{
	return atomic_load_explicit(&x->list, memory_order_acquire);
}

static size_t list_len(const struct pattern_list *l)
{
	return l ? atomic_load_explicit(&l->n, memory_order_acquire) : 0;
}

static struct pattern *list_at(const struct pattern_list *l, size_t i)
{
	return atomic_load_explicit(&l->v[i], memory_order_acquire);
}

static void list_push(struct pattern_list *l, struct pattern *p)
{
	size_t n = list_len(l);
	atomic_store_explicit(&l->v[n], p, memory_order_release);
	atomic_store_explicit(&l->n, n + 1, memory_order_release);
}

static void list_swap(struct pattern_index *x, struct worker *w, struct pattern_list *l)
{
	struct pattern_list *old = list_of(x);
	atomic_store_explicit(&x->list, l, memory_order_release);
	pattern_retire(w, free, old);
}

/* Repetitions stay behind: see list_remove(). */
static int list_grow(struct pattern_index *x, struct worker *w)
{
	struct pattern_list *l = list_of(x);
	size_t n = list_len(l), distinct = 0;
	for (size_t i = 0; i < n; i++)
		distinct += i == 0 || list_at(l, i) != list_at(l, i - 1);
	struct pattern_list *grown = list_new(distinct ? distinct * 2 : LIST_MIN, l && l->hashed);
	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || list_at(l, i) != list_at(l, i - 1))
			list_push(grown, list_at(l, i));
	}
	list_swap(x, w, grown);
	return 0;
}

static int list_add(struct pattern_index *x, struct worker *w, struct pattern *p)
{
	const struct pattern_list *l = list_of(x);
	if (!l || list_len(l) == l->cap) {
		int r = list_grow(x, w);
		if (r < 0)
			return r;
	}
	list_push(list_of(x), p);
	return 0;
}

/*
 * Takes out the pattern of that entry. Searches go on meanwhile, so nothing moves: a neighbour is repeated in its
 * place, which changes no search.
 */
static struct pattern *list_remove(struct pattern_index *x, const struct pattern_entry *e)
{
	struct pattern_list *l = list_of(x);
	size_t n = list_len(l), at = 0, end;
	while (at < n && list_at(l, at)->entry != e)
		at++;
	for (end = at; end < n && list_at(l, end)->entry == e;)
		end++;
	if (at == n)
		return NULL;
	struct pattern *found = list_at(l, at);
	if (end == n) {
		/* At the end the list becomes shorter; what was there may still be read. */
		atomic_store_explicit(&l->n, at, memory_order_release);
		return found;
	}
	for (size_t i = at; i < end; i++)
		atomic_store_explicit(&l->v[i], list_at(l, end), memory_order_release);
	return found;
}

static int hash_add(struct pattern_index *x, struct worker *w, struct pattern *p)
{
	return keyset_add(hash_of(x, p), w, p, hash_length(x, p));
}

/* The list has become long: what can be hashed is, and a shorter list takes its place. */
static int index_to_hash(struct pattern_index *x, struct worker *w)
{
	const struct match_row *row = match_row(x->method);
	struct pattern_list *l = list_of(x), *rest = list_new(LIST_MIN + FEW, true);
	int r = rest ? 0 : -ENOMEM;
	size_t i = 0;
	for (; i < list_len(l) && r == 0; i++) {
		struct pattern *p = list_at(l, i);
		if (i > 0 && p == list_at(l, i - 1))
			continue;
		if (is_hashable(row, p))
			r = hash_add(x, w, p);
		else
			list_push(rest, p);
	}
	if (r == 0) {
		list_swap(x, w, rest);
		return 0;
	}
	while (i-- > 0) {
		struct pattern *p = list_at(l, i);
		if (is_hashable(row, p))
			(void)keyset_remove(hash_of(x, p), p->entry, p->key);
	}
	free(rest);
	return r;
}

static int index_add(struct pattern_index *x, struct worker *w, struct pattern *p)
{
	const struct match_row *row = match_row(x->method);
	const struct pattern_list *l = list_of(x);
	if (row->index != MATCH_BY_LIST && l && !l->hashed && list_len(l) >= FEW) {
		int r = index_to_hash(x, w);
		if (r < 0)
			return r;
		l = list_of(x);
	}
	if (l && l->hashed && is_hashable(row, p))
		return hash_add(x, w, p);
	return list_add(x, w, p);
}

static void index_remove(
    struct pattern_set *set, struct pattern_index *x, struct worker *w, struct pattern_entry *e)
{
	const struct pattern_list *l = list_of(x);
	struct pattern *found = NULL;
	char why[MATCH_WHY];
	if (l && l->hashed) {
		/* Parsed again for its key; one with an operator is in the list. */
		struct pattern *probe = pattern_new(set, x, e, "eq", why);
		if (probe && is_hashable(match_row(x->method), probe))
			found = keyset_remove(hash_of(x, probe), e, probe->key);
		if (probe)
			set_release(set, probe);
	}
	if (!found)
		found = list_remove(x, e);
	if (found)
		retire_pattern(w, x, found, e->pooled);
}

static void free_pattern(struct pattern *p, void *index)
{
	retire_pattern(NULL, index, p, p->entry->pooled);
}

/* With its patterns, whose entries are still there. */
static void index_done(struct pattern_index *x)
{
	struct pattern_list *l = list_of(x);
	for (size_t i = list_len(l); i-- > 0;) {
		if (i == 0 || list_at(l, i) != list_at(l, i - 1))
			free_pattern(list_at(l, i), x);
	}
	free(l);
	for (unsigned i = 0; i < 2; i++) {
		keyset_each(&x->hash[i], free_pattern, x);
		keyset_done(&x->hash[i]);
	}
}

/* ---- searching ---- */

/* Which of two matches counts. */
static const struct pattern *better(
    enum match_method m, const struct pattern *a, const struct pattern *b)
{
	if (!a || !b)
		return a ? a : b;
	if (m == MATCH_BEG && a->key.len != b->key.len)
		return a->key.len > b->key.len ? a : b;
	if (m == MATCH_IP && a->ip.bits != b->ip.bits)
		return a->ip.bits > b->ip.bits ? a : b;
	return pattern_order(a) <= pattern_order(b) ? a : b;
}

/* What most lists of a configuration are: a few whole texts, most of which differ in length. */
static const struct pattern *list_find_text(
    const struct pattern_index *x, const struct pattern_list *l, struct slice text)
{
	size_t n = list_len(l);
	for (size_t i = 0; i < n; i++) {
		const struct pattern *p = list_at(l, i);
		if (p->key.len == text.len &&
		    (x->icase ? slice_ieq(p->key, text) : slice_eq(p->key, text)))
			return p;
	}
	return NULL;
}

static const struct pattern *list_find(const struct pattern_index *x, const struct pattern_list *l,
    struct rule_ctx *cx, const struct sample *s)
{
	const struct match_row *row = match_row(x->method);
	bool all = x->method == MATCH_BEG || x->method == MATCH_IP;
	const struct pattern *best = NULL;
	size_t n = list_len(l);
	for (size_t i = 0; i < n; i++) {
		const struct pattern *p = list_at(l, i);
		if (!row->match(p, x->icase, cx, s))
			continue;
		if (!all)
			return p;
		best = better(x->method, best, p);
	}
	return best;
}

static const struct pattern *find_key(const struct pattern_index *x, const struct sample *s)
{
	if (x->method == MATCH_INT)
		return keyset_find(
		    &x->hash[0], slice_make((const char *)&s->sint, sizeof(s->sint)));
	if (x->method == MATCH_LEN) {
		int64_t len = (int64_t)s->str.len;
		return keyset_find(&x->hash[0], slice_make((const char *)&len, sizeof(len)));
	}
	return keyset_find(&x->hash[0], s->str);
}

static const struct pattern *find_prefix(const struct pattern_index *x, struct slice text)
{
	const struct keyset_lengths *lengths = keyset_lengths(&x->hash[0]);
	for (unsigned i = 0; lengths && i < lengths->n; i++) {
		if (lengths->v[i] > text.len)
			continue;
		const struct pattern *hit =
		    keyset_find(&x->hash[0], slice_make(text.ptr, lengths->v[i]));
		if (hit)
			return hit;
	}
	return NULL;
}

static const struct pattern *find_suffix(const struct pattern_index *x, struct slice text)
{
	const struct keyset_lengths *lengths = keyset_lengths(&x->hash[0]);
	const struct pattern *first = NULL;
	for (unsigned i = 0; lengths && i < lengths->n; i++) {
		size_t n = lengths->v[i];
		if (n <= text.len)
			first = better(x->method, first,
			    keyset_find(&x->hash[0], slice_make(text.ptr + text.len - n, n)));
	}
	return first;
}

static const struct pattern *find_part(
    const struct pattern_index *x, struct slice text, const char *delimiters)
{
	const struct keyset_lengths *lengths = keyset_lengths(&x->hash[0]);
	const struct pattern *first = NULL;
	for (size_t at = 0; lengths && at < text.len; at++) {
		if (at > 0 && !strchr(delimiters, text.ptr[at - 1]))
			continue;
		for (unsigned i = 0; i < lengths->n; i++) {
			size_t end = at + lengths->v[i];
			if (end < text.len ? !strchr(delimiters, text.ptr[end]) : end > text.len)
				continue;
			first = better(x->method, first,
			    keyset_find(&x->hash[0], slice_sub(text, at, lengths->v[i])));
		}
	}
	return first;
}

static const struct pattern *find_network(
    const struct keyset *k, bool v4, const void *bytes, unsigned size)
{
	const struct keyset_lengths *lengths = keyset_lengths(k);
	for (unsigned i = 0; lengths && i < lengths->n; i++) {
		struct pattern_ip probe = { .v4 = v4, .bits = (uint8_t)lengths->v[i] };
		memcpy(probe.bytes, bytes, size);
		match_mask(probe.bytes, size, lengths->v[i]);
		const struct pattern *hit = keyset_find(
		    k, slice_make((const char *)&probe, offsetof(struct pattern_ip, mask4)));
		if (hit)
			return hit;
	}
	return NULL;
}

/* In the address's own family first. */
static const struct pattern *find_address(const struct pattern_index *x, const struct sample *s)
{
	struct match_addr a;
	const struct pattern *hit = NULL;
	match_addr_of(s, &a);
	if (a.is_v6)
		hit = find_network(&x->hash[0], false, &a.v6, 16);
	if (!hit && a.has_v4)
		hit = find_network(&x->hash[1], true, &a.v4, 4);
	if (!hit && !a.is_v6)
		hit = find_network(&x->hash[0], false, &a.v6, 16);
	return hit;
}

static const struct pattern *hash_find(const struct pattern_index *x, const struct sample *s)
{
	const struct match_row *row = match_row(x->method);
	switch (row->index) {
	case MATCH_BY_KEY:
		return find_key(x, s);
	case MATCH_BY_PREFIX:
		return find_prefix(x, s->str);
	case MATCH_BY_SUFFIX:
		return find_suffix(x, s->str);
	case MATCH_BY_PART:
		return find_part(x, s->str, row->delimiters);
	case MATCH_BY_NETWORK:
		return find_address(x, s);
	default:
		return NULL;
	}
}

const struct pattern *pattern_index_find(
    const struct pattern_index *x, struct rule_ctx *cx, const struct sample *s)
{
	const struct pattern_list *l = list_of(x);
	if (l && x->method == MATCH_STR && !l->hashed)
		return list_find_text(x, l, s->str);
	if (!l || (x->method == MATCH_IP && s->type != SMP_IPV4 && s->type != SMP_IPV6))
		return NULL;
	const struct pattern *hit = list_find(x, l, cx, s);
	return l->hashed ? better(x->method, hit, hash_find(x, s)) : hit;
}

/* ---- sets ---- */

struct pattern_set *pattern_set_new(
    uint32_t version, const struct pattern_way *ways, unsigned n, size_t block)
{
	struct pattern_set *set = calloc(1, sizeof(*set) + n * sizeof(set->indexes[0]));
	if (!set)
		return NULL;
	set->version = version;
	set->indexes_n = n;
	arena_init(&set->arena, block);
	for (unsigned i = 0; i < n; i++)
		index_init(&set->indexes[i], ways[i]);
	return set;
}

void pattern_set_free(void *ptr)
{
	struct pattern_set *set = ptr;
	for (unsigned i = 0; i < set->indexes_n; i++)
		index_done(&set->indexes[i]);
	for (struct pattern_entry *e = pattern_set_first(set), *next; e; e = next) {
		next = pattern_entry_next(e);
		retire_text(NULL, atomic_load_explicit(&e->value, memory_order_relaxed));
		if (!e->pooled)
			free(e);
	}
	arena_reset(&set->arena);
	free(set);
}

int pattern_set_widen(
    struct pattern_set **ret_set, struct pattern_way way, char *why, unsigned *ret_line)
{
	unsigned n = (*ret_set)->indexes_n;
	struct pattern_set *set =
	    realloc(*ret_set, sizeof(*set) + (n + 1) * sizeof(set->indexes[0]));
	*ret_line = 0;
	if (!set) {
		snprintf(why, MATCH_WHY, "out of memory");
		return -1;
	}
	*ret_set = set;
	struct pattern_index *x = &set->indexes[n];
	index_init(x, way);
	set->indexes_n++;
	for (struct pattern_entry *e = pattern_set_first(set); e; e = pattern_entry_next(e)) {
		struct pattern *p = pattern_new(set, x, e, "eq", why);
		if (!p || index_add(x, NULL, p) < 0) {
			*ret_line = e->line;
			return -1;
		}
	}
	return 0;
}

int pattern_set_reserve(struct pattern_set *set, size_t entries)
{
	for (unsigned i = 0; i < set->indexes_n; i++) {
		struct pattern_index *x = &set->indexes[i];
		enum match_index by = match_row(x->method)->index;
		if (entries <= FEW || by == MATCH_BY_LIST)
			continue;
		/* Networks: likely v4. */
		int r = keyset_reserve(&x->hash[x->method == MATCH_IP], NULL, entries);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct pattern_entry *entry_new(
    struct pattern_set *set, struct slice text, struct slice value, unsigned line)
{
	struct pattern_entry *e = set_alloc(set, sizeof(*e) + text.len + 1);
	struct pattern_text *v = NULL;
	if (!e)
		return NULL;
	if (value.ptr) {
		v = text_new(set, value);
		if (!v) {
			set_release(set, e);
			return NULL;
		}
	}
	e->prev = NULL;
	atomic_init(&e->next, NULL);
	e->order = set->orders++;
	atomic_init(&e->value, v);
	e->line = line;
	e->pooled = !set->published;
	e->len = text.len;
	if (text.len)
		memcpy(e->text, text.ptr, text.len);
	e->text[text.len] = '\0';
	return e;
}

static void link_entry(struct pattern_set *set, struct pattern_entry *e)
{
	e->prev = set->last;
	if (set->last)
		atomic_store_explicit(&set->last->next, e, memory_order_release);
	else
		atomic_store_explicit(&set->first, e, memory_order_release);
	set->last = e;
	atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed);
}

int pattern_set_add(struct pattern_set *set, struct worker *w, struct slice text,
    struct slice value, const char *op, unsigned line, char *why)
{
	struct pattern_entry *e = entry_new(set, text, value, line);
	if (!e) {
		snprintf(why, MATCH_WHY, "out of memory");
		return -1;
	}
	for (unsigned i = 0; i < set->indexes_n; i++) {
		struct pattern_index *x = &set->indexes[i];
		struct pattern *p = pattern_new(set, x, e, op, why);
		if (p && index_add(x, w, p) == 0)
			continue;
		if (p) {
			snprintf(why, MATCH_WHY, "out of memory");
			retire_pattern(NULL, x, p, e->pooled);
		}
		/* Searches may have seen it in the ways before: it leaves like any other. */
		while (i-- > 0)
			index_remove(set, &set->indexes[i], w, e);
		retire_text(w, atomic_load_explicit(&e->value, memory_order_relaxed));
		if (!e->pooled)
			pattern_retire(w, free, e);
		return -1;
	}
	link_entry(set, e);
	return 0;
}

void pattern_set_remove(struct pattern_set *set, struct worker *w, struct pattern_entry *e)
{
	struct pattern_entry *next = pattern_entry_next(e);
	for (unsigned i = 0; i < set->indexes_n; i++)
		index_remove(set, &set->indexes[i], w, e);
	if (e->prev)
		atomic_store_explicit(&e->prev->next, next, memory_order_release);
	else
		atomic_store_explicit(&set->first, next, memory_order_release);
	if (next)
		next->prev = e->prev;
	else
		set->last = e->prev;
	atomic_fetch_sub_explicit(&set->count, 1, memory_order_relaxed);
	retire_text(w, atomic_load_explicit(&e->value, memory_order_relaxed));
	if (!e->pooled)
		pattern_retire(w, free, e);
}

int pattern_set_value(
    struct pattern_set *set, struct worker *w, struct pattern_entry *e, struct slice value)
{
	struct pattern_text *old = atomic_load_explicit(&e->value, memory_order_relaxed);
	struct pattern_text *t;
	if (old && old->len == value.len && memcmp(old->text, value.ptr, value.len) == 0)
		return 0;
	t = text_new(set, value);
	if (!t)
		return -ENOMEM;
	atomic_store_explicit(&e->value, t, memory_order_release);
	retire_text(w, old);
	return 0;
}

struct pattern_entry *pattern_set_seek(struct pattern_entry *e, struct slice text)
{
	while (e && !slice_eq(slice_make(e->text, e->len), text))
		e = pattern_entry_next(e);
	return e;
}
