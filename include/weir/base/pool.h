/* SPDX-License-Identifier: MIT */
/*
 * Pool of objects of one size for one thread: a free list over malloc. The last object put back is the first
 * handed out, so that a warm worker reuses the memory that is still in its cache, and a warm request calls
 * malloc not once. Not for sharing: each worker has pools of its own, and an object goes back to the pool it
 * came from.
 */
#ifndef WEIR_BASE_POOL_H
#define WEIR_BASE_POOL_H

#include "weir/base/compiler.h"

struct pool_item {
	struct pool_item *next;
};

struct pool {
	const char *name; /* static text, for "show pools" */
	struct pool_item *free;
	size_t size;	   /* bytes an object */
	unsigned used;	   /* handed out now */
	unsigned free_n;   /* on the free list now */
	unsigned free_max; /* objects kept on the free list; more are given back to libc */
	unsigned limit;	   /* most objects handed out at a time; 0: no limit */
	uint64_t failed;   /* refusals since start */
};

void pool_init(struct pool *p, const char *name, size_t size, unsigned free_max);
/* Frees what is on the free list. All objects must be back. */
void pool_done(struct pool *p);

/* Uninitialised memory, or NULL when memory or the limit is reached: an ordinary error, to be handled. */
WEIR_NODISCARD void *pool_get(struct pool *p);
/* obj may be NULL. */
void pool_put(struct pool *p, void *obj);
/* Gives all free objects back to libc. */
void pool_trim(struct pool *p);

/*
 * Failure injection for tests (tune.fail-alloc): makes that percentage of all pool_get() calls of the process
 * fail. Set before the workers start.
 */
void pool_set_failure_rate(unsigned percent);

#endif
