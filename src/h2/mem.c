/* SPDX-License-Identifier: MIT */
/*
 * Memory for nghttp2's compression tables: every field that enters one is a small piece, every piece that falls out
 * is free again. A free list for each size, of one worker, so that neither calls malloc on a warm worker. Pieces
 * remember their list in front of them.
 */
#include "mem.h"

#define CLASSES	      6
#define SMALLEST      64u
#define KEPT_OF_CLASS 4096

/* In front of each piece; keeps it aligned for anything. */
struct piece {
	size_t size; /* of what follows */
	size_t class;
};

struct h2_mem {
	nghttp2_mem ops;
	struct pool classes[CLASSES];
};

static void *mem_malloc(size_t size, void *user)
{
	struct h2_mem *m = user;
	size_t class = 0;
	while (class < CLASSES && SMALLEST << class < size)
		class ++;
	struct piece *p =
	    class < CLASSES ? pool_get(&m->classes[class]) : malloc(sizeof(*p) + size);
	if (!p)
		return NULL;
	p->class = class;
	p->size = class < CLASSES ? SMALLEST << class : size;
	return p + 1;
}

static void mem_free(void *ptr, void *user)
{
	struct h2_mem *m = user;
	struct piece *p = ptr;
	if (!p)
		return;
	p--;
	if (p->class < CLASSES)
		pool_put(&m->classes[p->class], p);
	else
		free(p);
}

static void *mem_calloc(size_t n, size_t size, void *user)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	void *ptr = mem_malloc(bytes, user);
	if (ptr)
		memset(ptr, 0, bytes);
	return ptr;
}

static void *mem_realloc(void *ptr, size_t size, void *user)
{
	struct piece *old = ptr;
	if (!old)
		return mem_malloc(size, user);
	old--;
	if (size <= old->size)
		return ptr;
	void *moved = mem_malloc(size, user);
	if (!moved)
		return NULL;
	memcpy(moved, ptr, old->size);
	mem_free(ptr, user);
	return moved;
}

struct h2_mem *h2_mem_new(void)
{
	struct h2_mem *m = malloc(sizeof(*m));
	if (!m)
		return NULL;
	m->ops = (nghttp2_mem){ m, mem_malloc, mem_free, mem_calloc, mem_realloc };
	for (unsigned i = 0; i < CLASSES; i++)
		pool_init(&m->classes[i], "h2 table", sizeof(struct piece) + (SMALLEST << i),
		    KEPT_OF_CLASS >> i);
	return m;
}

void h2_mem_free(struct h2_mem *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < CLASSES; i++)
		pool_trim(&m->classes[i]);
	free(m);
}

nghttp2_mem *h2_mem_nghttp2(struct h2_mem *mem)
{
	return &mem->ops;
}
