/* SPDX-License-Identifier: MIT */
/*
 * Object pools: one owner thread each. Under AddressSanitizer free objects are poisoned, so that a use after
 * pool_put() is found as surely as one after free().
 */
#include "weir/base/pool.h"

#include <assert.h>

#ifdef WEIR_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif

static unsigned failure_percent; /* written before the workers start */
static _Thread_local uint32_t failure_seed = 0x9e3779b9;

void pool_set_failure_rate(unsigned percent)
{
	failure_percent = percent;
}

static bool must_fail(void)
{
	failure_seed ^= failure_seed << 13;
	failure_seed ^= failure_seed >> 17;
	failure_seed ^= failure_seed << 5;
	return failure_seed % 100 < failure_percent;
}

void pool_init(struct pool *p, const char *name, size_t size, unsigned free_max)
{
	*p = (struct pool){
		.name = name,
		.size = MAX(size, sizeof(struct pool_item)),
		.free_max = free_max,
	};
}

void pool_done(struct pool *p)
{
	assert(p->used == 0);
	pool_trim(p);
}

static WEIR_COLD void *get_slow(struct pool *p)
{
	void *obj = malloc(p->size);
	if (!obj) {
		p->failed++;
		return NULL;
	}
	p->used++;
	return obj;
}

void *pool_get(struct pool *p)
{
	if (unlikely((failure_percent && must_fail()) || (p->limit && p->used >= p->limit))) {
		p->failed++;
		return NULL;
	}
	struct pool_item *item = p->free;
	if (unlikely(!item))
		return get_slow(p);
	ASAN_UNPOISON_MEMORY_REGION(item, p->size);
	p->free = item->next;
	p->free_n--;
	p->used++;
	return item;
}

void pool_put(struct pool *p, void *obj)
{
	struct pool_item *item = obj;
	if (!item)
		return;
	assert(p->used > 0);
	p->used--;
	if (unlikely(p->free_n >= p->free_max)) {
		free(item);
		return;
	}
	item->next = p->free;
	p->free = item;
	p->free_n++;
	ASAN_POISON_MEMORY_REGION(item, p->size);
}

void pool_trim(struct pool *p)
{
	while (p->free) {
		struct pool_item *item = p->free;
		ASAN_UNPOISON_MEMORY_REGION(item, p->size);
		p->free = item->next;
		p->free_n--;
		free(item);
	}
}
