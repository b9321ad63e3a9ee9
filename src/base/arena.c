/* SPDX-License-Identifier: MIT */
/*
 * Arenas: chained blocks, bump allocation in the newest. A piece larger than a quarter of a block gets a block
 * of its own behind the newest one, so that the rest of the newest stays usable. Blocks from the pool and from
 * malloc may be mixed in one arena; each remembers where it came from.
 */
#include "weir/base/arena.h"

#include <errno.h>
#include <stdarg.h>

struct arena_block {
	struct arena_block *next;
	size_t size;	  /* bytes of the block, this header included */
	bool from_malloc; /* else from the arena's pool */
};

struct arena_deferred {
	struct arena_deferred *next;
	void (*fn)(void *arg);
	void *arg;
};

void arena_init_pool(struct arena *a, struct pool *pool)
{
	*a = (struct arena){ .pool = pool, .block_size = pool->size };
}

void arena_init(struct arena *a, size_t block_size)
{
	*a = (struct arena){ .block_size = block_size };
}

int arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct arena_deferred *d = arena_alloc(a, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct arena_deferred){ a->deferred, fn, arg };
	a->deferred = d;
	return 0;
}

void arena_reset(struct arena *a)
{
	for (struct arena_deferred *d = a->deferred; d; d = d->next)
		d->fn(d->arg);
	a->deferred = NULL;
	struct arena_block *b = a->blocks;
	while (b) {
		struct arena_block *next = b->next;
		if (b->from_malloc)
			free(b);
		else
			pool_put(a->pool, b);
		b = next;
	}
	a->blocks = NULL;
	a->pos = NULL;
	a->end = NULL;
	a->total = 0;
}

static struct arena_block *block_new(struct arena *a, size_t size, bool ordinary)
{
	bool pooled = ordinary && a->pool;
	struct arena_block *b = pooled ? pool_get(a->pool) : malloc(size);
	if (!b)
		return NULL;
	b->size = size;
	b->from_malloc = !pooled;
	a->total += size;
	return b;
}

static void *align_up(void *ptr, size_t align)
{
	return (void *)(((uintptr_t)ptr + align - 1) & ~(uintptr_t)(align - 1));
}

void *arena_alloc_slow_(struct arena *a, size_t size, size_t align)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size_t need = sizeof(struct arena_block) + align + size;
	if (need > a->block_size / 4) {
		struct arena_block *b = block_new(a, need, false);
		if (!b)
			return NULL;
		if (a->blocks) {
			b->next = a->blocks->next;
			a->blocks->next = b;
		} else {
			b->next = NULL;
			a->blocks = b;
			a->pos = NULL;
			a->end = NULL;
		}
		return align_up(b + 1, align);
	}
	struct arena_block *b = block_new(a, a->block_size, true);
	if (!b)
		return NULL;
	b->next = a->blocks;
	a->blocks = b;
	a->end = (char *)b + b->size;
	char *at = align_up(b + 1, align);
	a->pos = at + size;
	return at;
}

void *arena_zalloc(struct arena *a, size_t size)
{
	void *p = arena_alloc(a, size);
	if (p)
		memset(p, 0, size);
	return p;
}

char *arena_slice_dup(struct arena *a, struct slice s)
{
	char *copy = arena_bytes(a, s.len + 1);
	if (!copy)
		return NULL;
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *str)
{
	return arena_slice_dup(a, slice_str(str));
}

struct slice arena_slice(struct arena *a, struct slice s)
{
	char *copy = arena_bytes(a, s.len ? s.len : 1);
	if (!copy)
		return SLICE_NULL;
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	return slice_make(copy, s.len);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	char *text = arena_bytes(a, (size_t)len + 1);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}
