/* SPDX-License-Identifier: MIT */
/*
 * Where a server is: names resolved at start by the methods of "init-addr", destinations published for
 * connecting and replaced by "set server addr", dynamic cookies that follow the address. Worker 0.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "upstream_internal.h"
#include "weir/upstream/persist.h"

#define INIT_ADDR_DEFAULT "last,libc"

/* 16 hex digits of XXH64 over key, address and port (four bytes, network order). */
static void make_cookie(const char *key, struct server_dest *d)
{
	uint8_t buf[1024 + 16 + 4];
	size_t len = strlen(key);
	uint32_t port = htonl(d->port);
	d->cookie[0] = 0;
	if (len > 1024)
		return;
	memcpy(buf, key, len);
	if (d->addr.sa.sa_family == AF_INET) {
		memcpy(buf + len, &d->addr.in.sin_addr, 4);
		len += 4;
	} else if (d->addr.sa.sa_family == AF_INET6) {
		memcpy(buf + len, &d->addr.in6.sin6_addr, 16);
		len += 16;
	} else {
		return;
	}
	memcpy(buf + len, &port, 4);
	snprintf(
	    d->cookie, sizeof(d->cookie), "%016llx", (unsigned long long)xxh64(buf, len + 4, 0));
}

struct server_dest *server_dest_new(const struct server *s, const struct net_addr *addr,
    enum net_port_mode port_mode, unsigned port)
{
	const struct backend *be = s->be;
	struct server_dest *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->addr = *addr;
	d->port_mode = port_mode;
	d->port = port;
	if (port_mode == NET_PORT_FIXED)
		net_addr_set_port(&d->addr, port);
	if (be->cookie && be->cookie->dynamic && be->dynamic_cookie_key)
		make_cookie(be->dynamic_cookie_key, d);
	return d;
}

int server_set_addr(struct worker *w, struct server *s, const struct net_addr *addr,
    enum net_port_mode port_mode, unsigned port)
{
	struct server_rt *rt = s->rt;
	const struct server_dest *old = atomic_load(&rt->dest);
	if (port_mode == NET_PORT_NONE) {
		port_mode = old->port_mode;
		port = old->port;
	}
	struct server_dest *d = server_dest_new(s, addr, port_mode, port);
	if (!d)
		return -ENOMEM;
	d = atomic_exchange_explicit(&rt->dest, d, memory_order_acq_rel);
	worker_retire(w, free, d);
	pthread_mutex_lock(&rt->lock);
	bool was_unresolved = rt->admin & SERVER_RMAINT;
	pthread_mutex_unlock(&rt->lock);
	if (was_unresolved)
		server_set_admin(w, s, 0, SERVER_RMAINT);
	else if (s->hash_key == HASH_KEY_ADDR || s->hash_key == HASH_KEY_ADDR_PORT)
		(void)balance_rebuild(w, s->be->rt);
	return 0;
}

static int by_libc(struct server *s)
{
	struct net_spec spec = { .kind = NET_KIND_IP,
		.family = s->prefer_family,
		.name = slice_str(s->fqdn),
		.port_mode = s->port_mode,
		.port = s->port };
	if (net_resolve(&spec, &s->addr) == 0)
		return 0;
	if (s->prefer_family == AF_UNSPEC)
		return -ENOENT;
	spec.family = AF_UNSPEC;
	return net_resolve(&spec, &s->addr);
}

/* One method of init-addr: 0 when the address is known. */
static int by_method(struct server *s, struct slice method)
{
	if (slice_eq(method, SLICE("libc")))
		return by_libc(s);
	if (slice_eq(method, SLICE("none"))) {
		s->addr = (struct net_addr){ .len = 0 };
		s->unresolved = true;
		return 0;
	}
	if (slice_eq(method, SLICE("last"))) {
		const struct server_dest *d = atomic_load(&s->rt->dest);
		if (!d || d->addr.len == 0)
			return -ENOENT;
		s->addr = d->addr;
		return 0;
	}
	return net_ip_parse(method, &s->addr);
}

int server_resolve(struct server *s, struct diag *diag)
{
	struct slice methods = slice_str(s->init_addr ? s->init_addr : INIT_ADDR_DEFAULT);
	if (!s->fqdn)
		return 0;
	while (methods.ptr) {
		if (by_method(s, slice_cut(&methods, ',')) == 0) {
			if (s->port_mode == NET_PORT_FIXED && s->addr.len)
				net_addr_set_port(&s->addr, s->port);
			return 0;
		}
	}
	diag_add(diag, DIAG_ERROR, (struct conf_pos){ .file = s->pos.file, .line = s->pos.line },
	    "server '%s/%s': could not resolve address '%s'", s->be->name, s->name, s->fqdn);
	return -1;
}
