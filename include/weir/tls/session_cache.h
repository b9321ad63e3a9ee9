/* SPDX-License-Identifier: MIT */
/*
 * TLS sessions by their ID, for clients that resume without tickets, and for early data. One cache serves all workers
 * and outlives configurations. Split into shards by the ID's hash, a lock a shard; memory is taken in blocks, all of
 * it at the start; a full shard drops what was longest unused.
 */
#ifndef WEIR_TLS_SESSION_CACHE_H
#define WEIR_TLS_SESSION_CACHE_H

#include "weir/base/slice.h"

struct tls_session_cache;

#define TLS_SESSION_BLOCK   256 /* bytes; an encoded session takes one or more */
#define TLS_SESSION_ID_MAX  32
#define TLS_SESSION_MAX	    (16 * 1024) /* bytes encoded; longer ones are not kept */
#define TLS_CACHE_BLOCKS    20000	/* the default of tune.ssl.cachesize */
#define TLS_SESSION_SECONDS 300		/* the default of tune.ssl.lifetime */

/* NULL when blocks is 0 or memory is short. */
struct tls_session_cache *tls_session_cache_new(unsigned blocks);
/* No context may use it any more; NULL is fine. */
void tls_session_cache_free(struct tls_session_cache *cache);

/* Keeps a copy of an encoded session until expires_s (CLOCK_MONOTONIC). Replaces one of the same ID. Any thread. */
void tls_session_cache_put(
    struct tls_session_cache *cache, struct slice id, struct slice session, int64_t expires_s);
/*
 * Copies a session into out (TLS_SESSION_MAX bytes): its length, 0 when there is none. take: it is gone afterwards, so
 * that of many callers one gets it. Any thread.
 */
size_t tls_session_cache_get(
    struct tls_session_cache *cache, struct slice id, int64_t now_s, bool take, unsigned char *out);
void tls_session_cache_remove(struct tls_session_cache *cache, struct slice id);

/* Since start, for "show info". Any thread. */
struct tls_cache_counters {
	uint64_t lookups, misses;
	uint64_t stored, evicted;
	uint64_t sessions; /* now */
};
struct tls_cache_counters tls_session_cache_counters(const struct tls_session_cache *cache);

#endif
