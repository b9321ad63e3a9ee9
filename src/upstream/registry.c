/* SPDX-License-Identifier: MIT */
/*
 * What outlives configurations, found by name: runtime objects of backends and of servers. A reload looks its
 * servers up here and so keeps their health, counters, connections and queues. References are configurations,
 * and mail under way.
 *
 * The tables belong to the process, hence the file-static state; the lock is taken at attach, detach and by
 * mail, never per request.
 */
#include <errno.h>

#include "upstream_internal.h"
#include "weir/upstream/queue.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct htab backends; /* struct backend_rt.node */
static struct htab servers;  /* struct server_rt.node */

static void backend_rt_free(struct backend_rt *rt)
{
	if (!rt)
		return;
	server_queue_free(rt->queue);
	counters_free(rt->counters);
	pthread_mutex_destroy(&rt->lock);
	free(rt->name);
	free(rt);
}

static struct backend_rt *backend_rt_new(const char *name, unsigned workers)
{
	struct backend_rt *rt = aligned_alloc(WEIR_CACHELINE, sizeof(*rt));
	if (!rt)
		return NULL;
	memset(rt, 0, sizeof(*rt));
	pthread_mutex_init(&rt->lock, NULL);
	list_init(&rt->users);
	rt->workers = workers;
	rt->refs = 1;
	rt->name = strdup(name);
	rt->counters = counters_new(workers);
	rt->queue = server_queue_new();
	if (!rt->name || !rt->counters || !rt->queue) {
		backend_rt_free(rt);
		return NULL;
	}
	return rt;
}

static void server_rt_free(struct server_rt *rt)
{
	if (!rt)
		return;
	server_queue_free(rt->queue);
	counters_free(rt->counters);
	free(rt->local);
	free(rt->check);
	free(atomic_load(&rt->dest));
	free(rt->seen_dest);
	pthread_mutex_destroy(&rt->lock);
	free(rt->key);
	free(rt);
}

static struct server_rt *server_rt_new(const char *key, unsigned workers)
{
	struct server_rt *rt = aligned_alloc(WEIR_CACHELINE, sizeof(*rt));
	if (!rt)
		return NULL;
	memset(rt, 0, sizeof(*rt));
	pthread_mutex_init(&rt->lock, NULL);
	rt->workers = workers;
	rt->refs = 1;
	rt->key = strdup(key);
	rt->counters = counters_new(workers);
	rt->local = aligned_alloc(WEIR_CACHELINE, workers * sizeof(*rt->local));
	rt->queue = server_queue_new();
	if (!rt->key || !rt->counters || !rt->local || !rt->queue) {
		server_rt_free(rt);
		return NULL;
	}
	memset(rt->local, 0, workers * sizeof(*rt->local));
	for (unsigned i = 0; i < workers; i++) {
		list_init(&rt->local[i].idle);
		list_init(&rt->local[i].shared);
		list_init(&rt->local[i].opening);
		list_init(&rt->local[i].streams);
	}
	return rt;
}

/* Under the lock. */
static struct backend_rt *find_backend(const char *name, uint64_t hash)
{
	for (struct htab_node *n = htab_first(&backends, hash); n; n = htab_next(n)) {
		struct backend_rt *rt = container_of(n, struct backend_rt, node);
		if (strcmp(rt->name, name) == 0)
			return rt;
	}
	return NULL;
}

static struct server_rt *find_server(const char *key, uint64_t hash)
{
	for (struct htab_node *n = htab_first(&servers, hash); n; n = htab_next(n)) {
		struct server_rt *rt = container_of(n, struct server_rt, node);
		if (strcmp(rt->key, key) == 0)
			return rt;
	}
	return NULL;
}

struct backend_rt *backend_rt_get(const char *name, unsigned workers)
{
	uint64_t hash = hash_slice(slice_str(name));
	pthread_mutex_lock(&registry_lock);
	struct backend_rt *rt = find_backend(name, hash);
	if (rt) {
		rt->refs++;
	} else {
		rt = backend_rt_new(name, workers);
		if (rt && htab_insert(&backends, &rt->node, hash) < 0) {
			backend_rt_free(rt);
			rt = NULL;
		}
	}
	pthread_mutex_unlock(&registry_lock);
	return rt;
}

struct server_rt *server_rt_get(
    const char *backend, const char *server, unsigned workers, bool *ret_new)
{
	struct strbuf key = STRBUF_INIT;
	struct server_rt *rt = NULL;
	strbuf_addf(&key, "%s/%s", backend, server);
	if (key.failed)
		goto out;
	uint64_t hash = hash_slice(strbuf_slice(&key));
	pthread_mutex_lock(&registry_lock);
	rt = find_server(key.ptr, hash);
	*ret_new = !rt;
	if (rt) {
		rt->refs++;
	} else {
		rt = server_rt_new(key.ptr, workers);
		if (rt && htab_insert(&servers, &rt->node, hash) < 0) {
			server_rt_free(rt);
			rt = NULL;
		}
	}
	pthread_mutex_unlock(&registry_lock);
out:
	strbuf_done(&key);
	return rt;
}

struct server_rt *server_rt_ref(struct server_rt *rt)
{
	pthread_mutex_lock(&registry_lock);
	rt->refs++;
	pthread_mutex_unlock(&registry_lock);
	return rt;
}

void backend_rt_put(struct backend_rt *rt)
{
	if (!rt)
		return;
	pthread_mutex_lock(&registry_lock);
	bool last = --rt->refs == 0;
	if (last) {
		htab_remove(&backends, &rt->node);
		if (backends.count == 0)
			htab_done(&backends);
	}
	pthread_mutex_unlock(&registry_lock);
	if (last)
		backend_rt_free(rt);
}

void server_rt_put(struct server_rt *rt)
{
	if (!rt)
		return;
	pthread_mutex_lock(&registry_lock);
	bool last = --rt->refs == 0;
	if (last) {
		htab_remove(&servers, &rt->node);
		if (servers.count == 0)
			htab_done(&servers);
	}
	pthread_mutex_unlock(&registry_lock);
	if (last)
		server_rt_free(rt);
}
