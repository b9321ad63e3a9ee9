/* SPDX-License-Identifier: MIT */
/*
 * Arena: memory that is handed out piece by piece and freed all at once. With a pool its blocks come from
 * there (a stream's arena on a worker: no malloc once warm); without one they come from malloc (a
 * configuration's arena: lives as long as the configuration). One thread at a time.
 */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include "weir/base/pool.h"
#include "weir/base/slice.h"

struct arena_block;
struct arena_deferred;

struct arena {
	struct arena_block *blocks; /* newest first */
	char *pos;		    /* free bytes of the newest block: pos..end */
	char *end;
	struct pool *pool; /* of blocks, or NULL for malloc */
	size_t block_size; /* without a pool: bytes of an ordinary block */
	size_t total;	   /* bytes of all blocks */
	struct arena_deferred *deferred;
};

/* Blocks come from pool, whose object size is the block size; a larger piece is malloc'd for itself. */
void arena_init_pool(struct arena *a, struct pool *pool);
/* Blocks of block_size bytes come from malloc. */
void arena_init(struct arena *a, size_t block_size);
/* Frees everything; the arena may be used again. */
void arena_reset(struct arena *a);

/*
 * Calls fn(arg) when the arena is reset, the last one first, while its memory is still there: for what an object
 * in the arena holds outside of it. 0 or -ENOMEM.
 */
WEIR_NODISCARD int arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);

void *arena_alloc_slow_(struct arena *a, size_t size, size_t align);

/* Uninitialised, aligned to align (a power of two). NULL when memory is short. */
WEIR_NODISCARD static inline void *arena_alloc_aligned(struct arena *a, size_t size, size_t align)
{
	uintptr_t at = ((uintptr_t)a->pos + align - 1) & ~(uintptr_t)(align - 1);
	if (unlikely(!a->pos || at > (uintptr_t)a->end || size > (uintptr_t)a->end - at))
		return arena_alloc_slow_(a, size, align);
	a->pos = (char *)at + size;
	return (void *)at;
}

WEIR_NODISCARD static inline void *arena_alloc(struct arena *a, size_t size)
{
	return arena_alloc_aligned(a, size, sizeof(void *) * 2);
}

/* Zeroed. NULL when memory is short. */
WEIR_NODISCARD void *arena_zalloc(struct arena *a, size_t size);
/* Bytes without alignment. */
WEIR_NODISCARD static inline char *arena_bytes(struct arena *a, size_t size)
{
	return arena_alloc_aligned(a, size, 1);
}

/* NUL-terminated copies; NULL when memory is short. */
char *arena_strdup(struct arena *a, const char *str);
char *arena_slice_dup(struct arena *a, struct slice s);
char *arena_printf(struct arena *a, const char *fmt, ...) WEIR_PRINTF(2, 3);
/* A copy as a slice (no NUL promised); .ptr is NULL when memory is short. */
struct slice arena_slice(struct arena *a, struct slice s);

#define arena_new(a, type)	((type *)arena_zalloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_zalloc((a), sizeof(type) * (n)))

#endif
