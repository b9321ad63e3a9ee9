/* SPDX-License-Identifier: MIT */
/*
 * Backends of log servers ("mode log", "log backend@name"): each line goes to one usable server, as a datagram from
 * the worker's own socket, or into the ring that a server with a stream address has of its own. A line that finds
 * no server is dropped and counted.
 */
#include "ring_conf.h"

#include "weir/base/strbuf.h"

struct log_backend {
	struct ring_conf **rings; /* by server; NULL: takes datagrams */
};

/* ---- the key of a line ---- */

/* Bytes of a line that "log-hash" looks at, at most; converters work on them as text. */
#define KEY_MAX 4096

/* 0 when the converters give nothing, as for any other line without a key. */
static uint32_t hash_line(struct worker *w, struct backend *be, const struct iovec *iov, unsigned n)
{
	char text[KEY_MAX];
	size_t len = 0;
	struct arena arena;
	uint32_t hash = 0;
	for (unsigned i = 0; i < n; i++) {
		size_t part = MIN(iov[i].iov_len, sizeof(text) - len);
		memcpy(text + len, iov[i].iov_base, part);
		len += part;
	}
	struct sample s = { .type = SMP_STR, .str = slice_make(text, len) };
	arena_init_pool(&arena, &proxy_local(w)->blocks);
	struct rule_ctx cx = { .worker = w, .arena = &arena, .at = RULE_AT_LOG };
	if (expr_convert(be->balance.expr, &cx, SMP_STR, &s))
		hash = balance_hash(&be->hash, s.str.ptr, s.str.len);
	arena_reset(&arena);
	return hash;
}

/* ---- delivering ---- */

static bool to_server(struct worker *w, const struct proxy *px, const struct server *s,
    const struct iovec *iov, unsigned n)
{
	if (!s->datagram) {
		struct log_ring *ring = px->log_backend->rings[s->idx]->ring;
		return ring && log_ring_write(ring, iov, n);
	}
	const struct server_dest *dest = atomic_load(&s->rt->dest);
	return dest && dest->addr.len &&
	       log_send_datagram(w, &dest->addr.sa, dest->addr.len, iov, n);
}

static bool deliver(struct worker *w, struct log_target *t, const struct iovec *iov, unsigned n)
{
	struct proxy *px = t->deliver_to;
	struct backend *be = px ? &px->be : NULL;
	uint32_t hash = 0;
	if (!be || !be->rt || !proxy_local(w))
		return false;
	if (be->balance.expr)
		hash = hash_line(w, be, iov, n);
	const struct server *s = backend_log_pick(be, hash);
	if (!s || !to_server(w, px, s, iov, n))
		return false;
	counter_inc(&backend_counters(be, w)->sess_tot);
	counter_inc(&server_counters(s, w)->sess_tot);
	counter_inc(&server_counters(s, w)->lbtot);
	return true;
}

/* ---- configuration ---- */

static struct ring_conf *ring_of(struct config *c, const struct proxy *px, struct server *s)
{
	struct conf_pos pos = { .file = s->pos.file, .line = s->pos.line };
	const char *name = arena_printf(&c->arena, "%s/%s", px->name, s->name);
	struct ring_conf *rc =
	    name ? ring_conf_own(c, name, "lines for a server of a log backend", pos) : NULL;
	if (!rc)
		return NULL;
	rc->only = s;
	rc->size = s->log_bufsize ? s->log_bufsize : c->global.bufsize;
	if (px->timeout.connect)
		rc->connect_ms = px->timeout.connect;
	if (px->timeout.server)
		rc->server_ms = px->timeout.server;
	return rc;
}

static int finish_backend(struct config *c, struct proxy *px)
{
	struct log_backend *lb = arena_new(&c->arena, struct log_backend);
	unsigned n = px->be.servers_n;
	if (!lb || !(lb->rings = arena_array(&c->arena, struct ring_conf *, n + 1)))
		return -1;
	for (unsigned i = 0; i < n; i++) {
		struct server *s = px->be.servers[i];
		if (!s->datagram && !(lb->rings[i] = ring_of(c, px, s)))
			return -1;
	}
	px->log_backend = lb;
	return 0;
}

static void tie_to_backend(struct conf *conf, struct config *c, struct log_ref *ref)
{
	struct proxy *px = config_backend(c, ref->name);
	if (!px || px->mode != PROXY_LOG) {
		diag_add(conf_diag(conf), DIAG_ERROR, ref->pos,
		    px ? "log target 'backend@%s' : the backend is not in 'mode log'"
		       : "log target 'backend@%s' : there is no backend of that name",
		    ref->name);
		return;
	}
	ref->target->deliver = deliver;
	ref->target->deliver_to = px;
}

void finish_log_backends(struct conf *conf, struct config *c)
{
	for (struct proxy *px = c->proxies; px; px = px->next) {
		bool is_log = px->mode == PROXY_LOG;
		if (is_log && px->caps & PROXY_FE)
			proxy_error(conf, px, "%s '%s' cannot be in 'mode log', only backends can.",
			    proxy_kind(px), px->name);
		else if (is_log && finish_backend(c, px) < 0)
			proxy_error(conf, px, "out of memory");
		for (unsigned i = 0; !is_log && i < px->be.servers_n; i++)
			if (px->be.servers[i]->datagram)
				proxy_error(conf, px,
				    "server '%s/%s' has a datagram address, which only servers of "
				    "backends in 'mode log' can have.",
				    px->name, px->be.servers[i]->name);
	}
	for (struct log_ref *ref = c->log_refs; ref; ref = ref->next)
		if (ref->is_backend)
			tie_to_backend(conf, c, ref);
}
