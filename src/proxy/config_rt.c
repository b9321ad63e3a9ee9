/* SPDX-License-Identifier: MIT */
/*
 * What runs of frontends and outlives configurations: counters, the present number of connections, the admin's
 * state. Found by name, so that a frontend of a new configuration goes on where the old one was; freed with the
 * last configuration that names it.
 */
#include "conf_int.h"

#include <pthread.h>

/*
 * The registry. File-static because runtime objects belong to the process, not to a configuration; touched only
 * when a configuration comes or goes, under its lock.
 */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry {
	struct proxy_rt rt;
	struct entry *next;
} * registry;

static void entry_free(struct entry *e)
{
	free(e->rt.name);
	counters_free(e->rt.counters);
	free(e->rt.h2);
	free(e);
}

static struct entry *entry_new(const char *name, unsigned workers)
{
	struct entry *e = aligned_alloc(
	    WEIR_CACHELINE, (sizeof(*e) + WEIR_CACHELINE - 1) & ~(size_t)(WEIR_CACHELINE - 1));
	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->rt.name = strdup(name);
	e->rt.counters = counters_new(workers);
	e->rt.h2 = calloc(workers, sizeof(*e->rt.h2));
	if (e->rt.name && e->rt.counters && e->rt.h2)
		return e;
	entry_free(e);
	return NULL;
}

struct proxy_rt *proxy_rt_get(const char *name, unsigned workers)
{
	pthread_mutex_lock(&registry_lock);
	struct entry *e = registry;
	while (e && strcmp(e->rt.name, name) != 0)
		e = e->next;
	if (!e) {
		e = entry_new(name, workers);
		if (e) {
			e->next = registry;
			registry = e;
		}
	}
	if (e)
		atomic_fetch_add(&e->rt.refs, 1);
	pthread_mutex_unlock(&registry_lock);
	return e ? &e->rt : NULL;
}

void proxy_rt_put(struct proxy_rt *rt)
{
	if (!rt)
		return;
	struct entry *e = container_of(rt, struct entry, rt);
	pthread_mutex_lock(&registry_lock);
	bool last = atomic_fetch_sub(&rt->refs, 1) == 1;
	if (last) {
		struct entry **at = &registry;
		while (*at != e)
			at = &(*at)->next;
		*at = e->next;
	}
	pthread_mutex_unlock(&registry_lock);
	if (last)
		entry_free(e);
}
