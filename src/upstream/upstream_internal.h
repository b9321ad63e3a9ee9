/* SPDX-License-Identifier: MIT */
/*
 * What the files of src/upstream/ share and nobody else needs.
 */
#ifndef WEIR_UPSTREAM_INTERNAL_H
#define WEIR_UPSTREAM_INTERNAL_H

#include "weir/conf/diag.h"
#include "weir/upstream/backend.h"
#include "weir/upstream/check.h"

/* ---- registry.c: what outlives configurations, by name; any thread ---- */

/* A reference to the object of that name, made when there is none. NULL when memory is short. */
struct backend_rt *backend_rt_get(const char *name, unsigned workers);
struct server_rt *server_rt_get(
    const char *backend, const char *server, unsigned workers, bool *ret_new);
struct server_rt *server_rt_ref(struct server_rt *rt);
/* The last reference frees it; no worker may hold a pointer to it any more. NULL is fine. */
void backend_rt_put(struct backend_rt *rt);
void server_rt_put(struct server_rt *rt);

/* ---- server_state.c ---- */

/* Derives usable, draining and eweight from the rest. The caller holds rt->lock. */
void server_settle(struct server *s);
/*
 * Takes over what s says: all of it for a server that did not run before, else what changed since the last
 * configuration, so that a reload keeps what operators set at run time.
 */
void server_apply_conf(struct worker *w, struct server *s, bool fresh);

/* ---- state_log.c ---- */

struct server_change {
	enum server_oper from, to;
	unsigned admin_from, admin_to;
	const char *reason; /* behind "Server x/y is DOWN", or NULL */
	unsigned requeued;
	bool tracked; /* the cause is the server that this one tracks */
};
void server_log_change(struct worker *w, struct server *s, const struct server_change *c);
void server_log(struct worker *w, const struct server *s, enum log_level level, const char *fmt,
    ...) WEIR_PRINTF(4, 5);

/*
 * Counts again who takes requests, rebuilds tables, lets waiting streams go on. True when nobody is left who
 * did before: to be told by backend_log_gone(), behind the line that says why.
 */
bool backend_recount(struct worker *w, struct backend *be);
void backend_log_gone(struct worker *w, const struct backend *be);

/* ---- server_addr.c ---- */

/* The address of s at start: numbers as they are, names by init-addr. 0, or -1 told to diag. */
int server_resolve(struct server *s, struct diag *diag);
/* A destination to publish; NULL when memory is short. */
struct server_dest *server_dest_new(const struct server *s, const struct net_addr *addr,
    enum net_port_mode port_mode, unsigned port);

/* "option httpchk" is on. */

/* XXH64, seed 0 (the xxHash specification): the dynamic cookie's hash. */
uint64_t xxh64(const void *bytes, size_t len, uint64_t seed);

#endif
