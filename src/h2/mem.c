/* SPDX-License-Identifier: MIT */
/*
 * Memory for nghttp2's compression tables: every field that enters one is a small piece, every piece that falls out
 * is free again. A free list for each size, of one worker, so that neither calls malloc on a warm worker. Pieces
 * remember their list in front of them.
 */
#include "mem.h"

/* Sizes of pieces: steps of 16 bytes for fields, and those of the tables and of what holds them. */
#define SMALL_STEP    16u
#define SMALL_CLASSES 16u
#define KEPT_BYTES    (256u * 1024) /* of a class, on its free list */

static const uint16_t large_sizes[] = { 384, 512, 768, 1024, 1120, 2048 };

#define CLASSES (SMALL_CLASSES + ARRAY_SIZE(large_sizes))

/* In front of each piece; keeps it aligned for pointers, which is all that nghttp2 stores. */
struct piece {
	uint32_t size; /* of what follows */
	uint32_t class;
};

struct h2_mem {
	nghttp2_mem ops;
	struct pool classes[CLASSES];
};

static size_t size_of_class(size_t class)
{
	return class < SMALL_CLASSES ? (class + 1) * SMALL_STEP
				     : large_sizes[class - SMALL_CLASSES];
}

static size_t class_for(size_t size)
{
	size_t class = size ? (size - 1) / SMALL_STEP : 0;
	if (class < SMALL_CLASSES)
		return class;
	for (class = SMALL_CLASSES; class < CLASSES && size_of_class(class) < size;)
		class ++;
	return class;
}

static void *mem_malloc(size_t size, void *user)
{
	struct h2_mem *m = user;
	size_t class = class_for(size);
	if (size > UINT32_MAX)
		return NULL;
	struct piece *p =
	    class < CLASSES ? pool_get(&m->classes[class]) : malloc(sizeof(*p) + size);
	if (!p)
		return NULL;
	p->class = (uint32_t) class;
	p->size = (uint32_t)(class < CLASSES ? size_of_class(class) : size);
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
		pool_init(&m->classes[i], "h2 table", sizeof(struct piece) + size_of_class(i),
		    (unsigned)(KEPT_BYTES / size_of_class(i)));
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
