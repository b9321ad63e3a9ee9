/* SPDX-License-Identifier: MIT */
/*
 * The index of names; see sni.h. Wildcards are kept under their own text, "*.example.com", so that both kinds of look-up
 * are one hash and one chain.
 */
#include "sni.h"

#include <errno.h>

#include "bind_int.h"

struct sni_node {
	_Atomic(struct sni_node *) next;
	uint64_t hash;
	struct tls_inst *inst;
	unsigned len;
	char name[];
};

struct sni_table {
	size_t mask;
	_Atomic(struct sni_node *) chain[];
};

#define CHAINS_MIN 16

static struct sni_table *table_new(size_t expected)
{
	size_t n = CHAINS_MIN;
	while (n < expected)
		n *= 2;
	struct sni_table *t = calloc(1, sizeof(*t) + n * sizeof(t->chain[0]));
	if (t)
		t->mask = n - 1;
	return t;
}

/* With all nodes in it. */
static void table_free(void *arg)
{
	struct sni_table *t = arg;
	for (size_t i = 0; t && i <= t->mask; i++)
		for (struct sni_node *n = atomic_load(&t->chain[i]), *next; n; n = next) {
			next = atomic_load(&n->next);
			free(n);
		}
	free(t);
}

int sni_init(struct sni_index *x, size_t expected)
{
	struct sni_table *t = table_new(expected);
	atomic_init(&x->table, t);
	x->count = 0;
	return t ? 0 : -ENOMEM;
}

void sni_done(struct sni_index *x)
{
	table_free(atomic_load(&x->table));
	atomic_store(&x->table, NULL);
}

static int insert(struct sni_table *t, uint64_t hash, struct slice name, struct tls_inst *inst)
{
	struct sni_node *n = malloc(sizeof(*n) + name.len);
	if (!n)
		return -ENOMEM;
	_Atomic(struct sni_node *) *head = &t->chain[hash & t->mask];
	n->hash = hash;
	n->inst = inst;
	n->len = (unsigned)name.len;
	memcpy(n->name, name.ptr, name.len);
	atomic_init(&n->next, atomic_load_explicit(head, memory_order_relaxed));
	atomic_store_explicit(head, n, memory_order_release);
	return 0;
}

static int grow(struct sni_index *x, struct worker *w)
{
	struct sni_table *old = atomic_load(&x->table);
	struct sni_table *t = table_new((old->mask + 1) * 4);
	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i <= old->mask; i++)
		for (struct sni_node *n = atomic_load(&old->chain[i]); n; n = atomic_load(&n->next))
			if (insert(t, n->hash, slice_make(n->name, n->len), n->inst) < 0) {
				table_free(t);
				return -ENOMEM;
			}
	atomic_store_explicit(&x->table, t, memory_order_release);
	tls_retire(w, table_free, old);
	return 0;
}

int sni_add(struct sni_index *x, struct worker *w, struct slice name, struct tls_inst *inst)
{
	struct sni_table *t = atomic_load(&x->table);
	if (x->count > t->mask * 2) {
		int err = grow(x, w);
		if (err < 0)
			return err;
		t = atomic_load(&x->table);
	}
	int err = insert(t, hash_slice(name), name, inst);
	if (err == 0)
		x->count++;
	return err;
}

static bool is_name(const struct sni_node *n, uint64_t hash, struct slice name)
{
	return n->hash == hash && slice_eq(slice_make(n->name, n->len), name);
}

void sni_remove(struct sni_index *x, struct worker *w, struct slice name, struct tls_inst *inst)
{
	struct sni_table *t = atomic_load(&x->table);
	uint64_t hash = hash_slice(name);
	_Atomic(struct sni_node *) *at = &t->chain[hash & t->mask];
	for (struct sni_node *n; (n = atomic_load(at)); at = &n->next) {
		if (n->inst != inst || !is_name(n, hash, name))
			continue;
		/* who stands on n still finds the rest of the chain behind it */
		atomic_store_explicit(at, atomic_load(&n->next), memory_order_release);
		tls_retire(w, free, n);
		x->count--;
		return;
	}
}

void sni_consider(struct sni_match *m, struct tls_inst *inst)
{
	struct tls_cert *c = atomic_load_explicit(&inst->slot->cert, memory_order_acquire);
	if (!c)
		return;
	struct tls_inst **best = &m->inst[c->type];
	if (!*best || inst->order < (*best)->order)
		*best = inst;
	if (!m->first || inst->order < m->first->order)
		m->first = inst;
}

/* "!name" on the line of a wildcard takes the name out of it. */
static bool is_excluded(const struct tls_crt_line *line, struct slice name)
{
	for (unsigned i = 0; i < line->filters_n; i++)
		if (line->filters[i][0] == '!' && slice_eq(slice_str(line->filters[i] + 1), name))
			return true;
	return false;
}

static void find_in(
    const struct sni_table *t, struct slice key, const struct slice *wild_for, struct sni_match *m)
{
	uint64_t hash = hash_slice(key);
	const struct sni_node *n =
	    atomic_load_explicit(&t->chain[hash & t->mask], memory_order_acquire);
	for (; n; n = atomic_load_explicit(&n->next, memory_order_acquire)) {
		if (!is_name(n, hash, key))
			continue;
		if (!wild_for || !is_excluded(n->inst->line, *wild_for))
			sni_consider(m, n->inst);
	}
}

bool sni_find(const struct sni_index *x, struct slice name, struct sni_match *ret)
{
	char low[SNI_NAME_MAX];
	*ret = (struct sni_match){ .first = NULL };
	if (name.len == 0 || name.len > sizeof(low) || name.ptr[0] == '*')
		return false;
	for (size_t i = 0; i < name.len; i++)
		low[i] = ascii_lower(name.ptr[i]);
	name.ptr = low;
	const struct sni_table *t = atomic_load_explicit(&x->table, memory_order_acquire);
	find_in(t, name, NULL, ret);
	size_t dot = slice_find(name, '.');
	if (ret->first || dot == name.len || dot == 0)
		return ret->first;
	char wild[SNI_NAME_MAX];
	size_t len = name.len - dot + 1;
	wild[0] = '*';
	memcpy(wild + 1, name.ptr + dot, len - 1);
	find_in(t, slice_make(wild, len), &name, ret);
	return ret->first;
}

int sni_each(
    struct sni_index *x, int (*fn)(void *arg, struct slice name, struct tls_inst *inst), void *arg)
{
	struct sni_table *t = atomic_load(&x->table);
	int r = 0;
	for (size_t i = 0; i <= t->mask && r == 0; i++)
		for (struct sni_node *n = atomic_load(&t->chain[i]); n && r == 0;
		     n = atomic_load(&n->next))
			r = fn(arg, slice_make(n->name, n->len), n->inst);
	return r;
}
