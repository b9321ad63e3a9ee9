/* SPDX-License-Identifier: MIT */
/*
 * The configuration as an object: its birth, its references, and finding proxies in it. Everything that it
 * points to lies in its arena or, where it outlives it, in the runtime objects it holds references on.
 */
#include "conf_int.h"
#include "ring_conf.h"

#include <errno.h>

#include "config_tls.h"
#include "weir/proxy/log_targets.h"
#include "weir/tls/session_cache.h"
#include "weir/tls/transport.h"

#define CONFIG_ARENA_BLOCK 65536

void global_conf_init(struct global_conf *g)
{
	*g = (struct global_conf){
		.uid = -1,
		.gid = -1,
		.unix_bind_uid = -1,
		.unix_bind_gid = -1,
		.log_tag = "weir",
		.stats_maxconn = 10,
		.stats_timeout_ms = 10000,
		.strict_limits = true,
		.bufsize = 16384,
		.maxrewrite = 1024,
		.maxhdr = 101,
		.maxpollevents = 200,
		.maxaccept = 4,
		.logurilen = 1024,
		.cookielen = 63,
		.runqueue_depth = 200,
		.cli_payload = 128 * 1024,
		.idletimer_ms = 1000,
		.pool_high_fd_ratio = 25,
		.pool_low_fd_ratio = 20,
		.h1_zero_copy = true,
		.tls = TLS_TUNE_DEFAULT,
		.ocsp = { .min_s = 300, .max_s = 3600 },
		.ssl = {
			.store = TLS_STORE_CONF_INIT,
			.cache_blocks = TLS_CACHE_BLOCKS,
			.lifetime_s = TLS_SESSION_SECONDS,
			.first_record = TLS_FIRST_RECORD,
			.keyupdates = 100,
			.forged = 1000,
			.keep_fd = -1,
		},
	};
	global_h2_init(&g->h2);
}

struct config *config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	arena_init(&c->arena, CONFIG_ARENA_BLOCK);
	global_conf_init(&c->global);
	c->global.stats_sockets_last = &c->global.stats_sockets;
	c->proxies_last = &c->proxies;
	c->rings_last = &c->rings;
	c->log_forwards_last = &c->log_forwards;
	c->tls.loads_last = &c->tls.loads;
	return c;
}

struct config *config_ref(struct config *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

static void config_detach(struct worker *w, struct config *c)
{
	for (struct proxy *p = c->proxies; p; p = p->next) {
		proxy_rt_put(p->rt);
		p->rt = NULL;
		if (p->caps & PROXY_BE && p->be.rt)
			backend_detach(w, &p->be);
	}
}

static void drop_server_tls(struct worker *w, struct config *c)
{
	for (struct proxy *p = c->proxies; p; p = p->next)
		for (struct server *s = p->servers; s; s = s->next)
			server_tls_done(w, s);
	for (struct ring_conf *rc = c->rings; rc; rc = rc->next)
		for (struct server *s = rc->servers; s; s = s->next)
			server_tls_done(w, s);
}

void config_unref(struct worker *w, struct config *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (c->attached)
		config_detach(w, c);
	log_targets_free(c);
	drop_server_tls(w, c);
	tls_parts_free(c);
	htab_done(&c->frontends);
	htab_done(&c->backends);
	arena_reset(&c->arena);
	free(c);
}

int config_attach(struct worker_group *g, struct config *c, struct diag *diag)
{
	c->workers = worker_count(g);
	c->attached = true;
	for (struct proxy *p = c->proxies; p; p = p->next) {
		if (p->caps & PROXY_FE) {
			p->rt = proxy_rt_get(p->name, c->workers);
			if (!p->rt) {
				diag_add(diag, DIAG_ERROR, p->pos, "frontend '%s' : out of memory",
				    p->name);
				return -ENOMEM;
			}
			atomic_store(&p->rt->maxconn, p->maxconn);
		}
		if (!(p->caps & PROXY_BE))
			continue;
		p->be.workers = c->workers;
		p->be.h2 = &c->global.h2_be;
		int r = backend_attach(worker_get(g, 0), &p->be, diag);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- finding proxies ---- */

struct proxy *config_frontend(const struct config *c, const char *name)
{
	uint64_t hash = hash_slice(slice_str(name));
	for (struct htab_node *n = htab_first(&c->frontends, hash); n; n = htab_next(n)) {
		struct proxy *p = container_of(n, struct proxy, node);
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

struct proxy *config_backend(const struct config *c, const char *name)
{
	uint64_t hash = hash_slice(slice_str(name));
	for (struct htab_node *n = htab_first(&c->backends, hash); n; n = htab_next(n)) {
		struct proxy *p = container_of(n, struct proxy, be_node);
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

static struct proxy *proxy_by_id(const struct config *c, const char *digits, unsigned caps)
{
	uint64_t id;
	if (slice_to_u64(slice_str(digits), UINT32_MAX, &id) < 0)
		return NULL;
	for (struct proxy *p = c->proxies; p; p = p->next)
		if (p->id == id && p->caps & caps)
			return p;
	return NULL;
}

struct proxy *config_proxy(const struct config *c, const char *name, unsigned caps)
{
	struct proxy *p = NULL;
	if (*name == '#')
		return proxy_by_id(c, name + 1, caps);
	if (caps & PROXY_BE)
		p = config_backend(c, name);
	if (!p && caps & PROXY_FE)
		p = config_frontend(c, name);
	return p;
}
