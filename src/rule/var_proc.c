/* SPDX-License-Identifier: MIT */
/*
 * Variables of the whole process. By the language's definition there is one set of them, which outlives every
 * configuration, so the registry is this file's state and not an object handed through every parser.
 *
 * A cell is made when a configuration or a command names it and stays to the end of the process; compiled names
 * point to it. Readers take no lock: a cell's value is words behind a sequence number, odd while it is being
 * written. Loads of words are acquiring and stores releasing, so that a reader that saw any word of a new value
 * sees the new number too and tries again. Writers hold the registry's lock. A buffer that a longer value has
 * outgrown stays behind the new one, for a reader may still be in it; sizes double, so that is bounded.
 */
#include <pthread.h>
#include <sched.h>

#include "var.h"
#include "weir/base/htab.h"

/* word[0] is the head: type, method, length. */
struct words {
	struct words *outgrown;
	size_t n;
	atomic_ullong word[];
};

struct var_cell {
	struct htab_node node;
	struct var_cell *next; /* never changes once the cell is published */
	struct slice name;
	atomic_uint seq;
	_Atomic(struct words *) words; /* NULL: never set */
	size_t bytes;		       /* on the account; under the lock */
};

static struct {
	pthread_mutex_t lock;
	struct htab cells;		  /* under lock */
	_Atomic(struct var_cell *) first; /* all of them, for walks */
	atomic_size_t bytes;
} registry = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- the account ---- */

static size_t process_limit(const struct var_limits *l)
{
	if (!l || !l->global || !l->proc)
		return l ? l->global | l->proc : 0;
	return MIN(l->global, l->proc);
}

bool var_account_add(const struct var_limits *limits, size_t bytes)
{
	size_t limit = process_limit(limits);
	if (!limit)
		return true;
	size_t before = atomic_fetch_add_explicit(&registry.bytes, bytes, memory_order_relaxed);
	if (before + bytes <= limit)
		return true;
	atomic_fetch_sub_explicit(&registry.bytes, bytes, memory_order_relaxed);
	return false;
}

void var_account_sub(const struct var_limits *limits, size_t bytes)
{
	if (process_limit(limits))
		atomic_fetch_sub_explicit(&registry.bytes, bytes, memory_order_relaxed);
}

/* ---- cells ---- */

static struct var_cell *find_locked(struct slice name, uint64_t hash)
{
	for (struct htab_node *n = htab_first(&registry.cells, hash); n; n = htab_next(n)) {
		struct var_cell *c = container_of(n, struct var_cell, node);
		if (slice_eq(c->name, name))
			return c;
	}
	return NULL;
}

static struct var_cell *make_locked(struct slice name, uint64_t hash)
{
	struct var_cell *c = calloc(1, sizeof(*c) + name.len + 1);
	if (!c)
		return NULL;
	memcpy(c + 1, name.ptr, name.len);
	c->name = slice_make((char *)(c + 1), name.len);
	if (htab_insert(&registry.cells, &c->node, hash) < 0) {
		free(c);
		return NULL;
	}
	c->next = atomic_load_explicit(&registry.first, memory_order_relaxed);
	atomic_store_explicit(&registry.first, c, memory_order_release);
	return c;
}

struct var_cell *var_cell_find(struct slice name, uint64_t hash)
{
	pthread_mutex_lock(&registry.lock);
	struct var_cell *c = find_locked(name, hash);
	pthread_mutex_unlock(&registry.lock);
	return c;
}

struct var_cell *var_cell_get(struct slice name, uint64_t hash)
{
	pthread_mutex_lock(&registry.lock);
	struct var_cell *c = find_locked(name, hash);
	if (!c)
		c = make_locked(name, hash);
	pthread_mutex_unlock(&registry.lock);
	return c;
}

/* ---- values as words ---- */

#define HEAD(type, method, len)                                                                    \
	((unsigned long long)(len) << 16 | (unsigned)(method) << 8 | (unsigned)(type))
#define HEAD_TYPE(head)	  ((enum sample_type)((head)&0xff))
#define HEAD_METHOD(head) ((uint8_t)((head) >> 8))
#define HEAD_LEN(head)	  ((size_t)((head) >> 16))

static bool is_text(enum sample_type type)
{
	return type == SMP_STR || type == SMP_BIN || type == SMP_METH;
}

static size_t words_of(size_t bytes)
{
	return 1 + (bytes + 7) / 8;
}

/* The bytes that stand for a value, and how many. Not of texts: up to 16. */
static size_t plain_bytes(const struct sample *s, unsigned char out[16])
{
	switch (s->type) {
	case SMP_BOOL:
		out[0] = s->boolean;
		return 1;
	case SMP_SINT:
		memcpy(out, &s->sint, 8);
		return 8;
	case SMP_IPV4:
		memcpy(out, &s->ipv4, 4);
		return 4;
	case SMP_IPV6:
		memcpy(out, &s->ipv6, 16);
		return 16;
	default:
		return 0;
	}
}

static void from_plain(struct sample *s, const unsigned char *bytes)
{
	switch (s->type) {
	case SMP_BOOL:
		s->boolean = bytes[0] != 0;
		break;
	case SMP_SINT:
		memcpy(&s->sint, bytes, 8);
		break;
	case SMP_IPV4:
		memcpy(&s->ipv4, bytes, 4);
		break;
	case SMP_IPV6:
		memcpy(&s->ipv6, bytes, 16);
		break;
	default:
		break;
	}
}

/* Room for n words; the old buffer stays alive behind the new one. */
static struct words *room_for(struct var_cell *c, size_t n)
{
	struct words *old = atomic_load_explicit(&c->words, memory_order_relaxed);
	if (old && old->n >= n)
		return old;
	size_t room = MAX(n, old ? old->n * 2 : 4);
	struct words *w = calloc(1, sizeof(*w) + room * sizeof(w->word[0]));
	if (!w)
		return NULL;
	w->n = room;
	w->outgrown = old;
	return w;
}

static void store_bytes(struct words *w, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	for (size_t i = 0; i < len; i += 8) {
		unsigned long long word = 0;
		memcpy(&word, p + i, MIN(len - i, (size_t)8));
		atomic_store_explicit(&w->word[1 + i / 8], word, memory_order_release);
	}
}

static bool write_locked(
    struct var_cell *c, const struct sample *s, const struct var_limits *limits)
{
	unsigned char plain[16];
	const void *bytes = is_text(s->type) ? (const void *)s->str.ptr : plain;
	size_t len = is_text(s->type) ? s->str.len : plain_bytes(s, plain);
	size_t cost = s->type == SMP_ANY ? 0 : sizeof(*c) + len;
	struct words *w = room_for(c, words_of(len));
	if (!w)
		return false;
	if (cost > c->bytes && !var_account_add(limits, cost - c->bytes)) {
		if (w != atomic_load_explicit(&c->words, memory_order_relaxed))
			free(w);
		return false;
	}
	if (cost < c->bytes)
		var_account_sub(limits, c->bytes - cost);
	c->bytes = cost;
	unsigned seq = atomic_load_explicit(&c->seq, memory_order_relaxed);
	atomic_store_explicit(&c->seq, seq + 1, memory_order_relaxed);
	store_bytes(w, bytes, len);
	atomic_store_explicit(&w->word[0], HEAD(s->type, s->method, len), memory_order_release);
	atomic_store_explicit(&c->words, w, memory_order_release);
	atomic_store_explicit(&c->seq, seq + 2, memory_order_release);
	return true;
}

bool var_cell_write(struct var_cell *cell, const struct sample *s, const struct var_limits *limits)
{
	pthread_mutex_lock(&registry.lock);
	bool done = write_locked(cell, s, limits);
	pthread_mutex_unlock(&registry.lock);
	return done;
}

/* ---- reading ---- */

/* What the words said at that moment; the caller checks that nobody wrote meanwhile. */
static bool read_words(const struct words *w, struct arena *arena, struct sample *ret)
{
	unsigned long long plain[2] = { 0, 0 }, *out = plain;
	unsigned long long head = atomic_load_explicit(&w->word[0], memory_order_acquire);
	size_t n = words_of(HEAD_LEN(head)) - 1;
	*ret = (struct sample){ .type = HEAD_TYPE(head), .method = HEAD_METHOD(head) };
	if (n + 1 > w->n || (!is_text(ret->type) && n > 2))
		return true; /* of two values: the caller finds out */
	if (is_text(ret->type)) {
		out = arena_alloc_aligned(arena, n * 8 + 1, 8);
		if (!out)
			return false;
		ret->str = slice_make((const char *)out, HEAD_LEN(head));
	}
	for (size_t i = 0; i < n; i++)
		out[i] = atomic_load_explicit(&w->word[1 + i], memory_order_acquire);
	from_plain(ret, (const unsigned char *)plain);
	return true;
}

bool var_cell_read(const struct var_cell *cell, struct arena *arena, struct sample *ret)
{
	for (;;) {
		unsigned seq = atomic_load_explicit(&cell->seq, memory_order_acquire);
		const struct words *w = atomic_load_explicit(&cell->words, memory_order_acquire);
		if (!w)
			return false;
		if (seq & 1) {
			sched_yield(); /* its writer was interrupted, or is on another CPU */
			continue;
		}
		if (!read_words(w, arena, ret))
			return false;
		if (atomic_load_explicit(&cell->seq, memory_order_relaxed) == seq)
			return ret->type != SMP_ANY;
	}
}

bool var_cell_walk(struct arena *arena, var_walk_fn *fn, void *arg)
{
	const struct var_cell *c = atomic_load_explicit(&registry.first, memory_order_acquire);
	struct sample s;
	for (; c; c = c->next) {
		if (var_cell_read(c, arena, &s) && !fn(arg, c->name, &s))
			return false;
	}
	return true;
}
