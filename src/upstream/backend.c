/* SPDX-License-Identifier: MIT */
/*
 * A backend of a configuration and what runs: tying them together at start and in a reload, letting go, and
 * looking servers up. Worker 0 (or the main thread before the workers run).
 */
#include <errno.h>

#include "upstream_internal.h"

struct server *backend_server(const struct backend *be, const char *name)
{
	for (unsigned i = 0; i < be->servers_n; i++)
		if (strcmp(be->servers[i]->name, name) == 0)
			return be->servers[i];
	return NULL;
}

struct server *backend_server_by_cookie(const struct backend *be, struct slice value)
{
	struct server *down = NULL;
	if (value.len == 0)
		return NULL;
	for (unsigned i = 0; i < be->servers_n; i++) {
		struct server *s = be->servers[i];
		if (!slice_eq(server_cookie(s), value))
			continue;
		if (server_is_usable(s))
			return s; /* the first that works: a backup may share the value */
		if (!down)
			down = s;
	}
	return down;
}

static unsigned first_health(const struct server *s)
{
	const struct check_conf *c = s->check;
	switch ((enum server_init_state)s->init_state) {
	case SERVER_INIT_FULLY_UP:
		return c->rise + c->fall - 1;
	case SERVER_INIT_DOWN:
		return c->rise - 1;
	case SERVER_INIT_FULLY_DOWN:
		return 0;
	default:
		return c->rise; /* up, and down at the first failure */
	}
}

static int attach_check(struct server *s)
{
	struct server_rt *rt = s->rt;
	struct check *fresh = rt->check ? NULL : calloc(1, sizeof(*fresh));
	if (!rt->check && !fresh)
		return -ENOMEM;
	pthread_mutex_lock(&rt->lock);
	if (fresh) {
		fresh->status = CHECK_INI;
		fresh->health = rt->admin & SERVER_MAINT ? 0 : first_health(s);
		rt->check = fresh;
	}
	rt->check->rise = s->check->rise;
	rt->check->fall = s->check->fall;
	rt->check->health = MIN(rt->check->health, s->check->rise + s->check->fall - 1);
	pthread_mutex_unlock(&rt->lock);
	return 0;
}

/* The configured destination, unless the running one was set at run time and the line did not change. */
static int attach_dest(struct worker *w, struct server *s)
{
	struct server_rt *rt = s->rt;
	struct server_dest *old = atomic_load(&rt->dest);
	struct server_dest *d = server_dest_new(s, &s->addr, s->port_mode, s->port);
	if (!d)
		return -ENOMEM;
	bool unchanged = rt->seen_dest && net_addr_eq(&rt->seen_dest->addr, &d->addr) &&
			 rt->seen_dest->port == d->port && rt->seen_dest->port_mode == d->port_mode;
	if (old && unchanged) {
		free(d);
		return 0;
	}
	struct server_dest *seen = malloc(sizeof(*seen));
	if (!seen) {
		free(d);
		return -ENOMEM;
	}
	*seen = *d;
	free(rt->seen_dest);
	rt->seen_dest = seen;
	atomic_store_explicit(&rt->dest, d, memory_order_release);
	if (old)
		worker_retire(w, free, old);
	return 0;
}

static int attach_server(struct worker *w, struct server *s, struct diag *diag)
{
	bool fresh;
	s->rt = server_rt_get(s->be->name, s->name, worker_count(w->group), &fresh);
	if (!s->rt)
		return -ENOMEM;
	if (server_resolve(s, diag) < 0)
		return -ENOENT;
	if (s->be->h2)
		s->rt->h2_conf = *s->be->h2;
	s->rt->idle_ping_ms = s->idle_ping_ms;
	if (attach_dest(w, s) < 0)
		return -ENOMEM;
	server_apply_conf(w, s, fresh);
	if (s->check && attach_check(s) < 0)
		return -ENOMEM;
	return 0;
}

int backend_attach(struct worker *w, struct backend *be, struct diag *diag)
{
	int r = 0;
	list_init(&be->attached);
	be->workers = worker_count(w->group);
	be->rt = backend_rt_get(be->name, be->workers);
	if (!be->rt)
		r = -ENOMEM;
	for (unsigned i = 0; i < be->servers_n && r != -ENOMEM; i++) {
		int one = attach_server(w, be->servers[i], diag);
		r = one < 0 ? one : r;
	}
	if (r < 0) {
		if (r == -ENOMEM)
			diag_add(diag, DIAG_ERROR, (struct conf_pos){ .file = NULL },
			    "backend '%s': out of memory", be->name);
		return r; /* backend_detach() takes back what was done */
	}
	pthread_mutex_lock(&be->rt->lock);
	list_add_tail(&be->rt->users, &be->attached);
	if (!be->rt->changed_wall_s)
		be->rt->changed_wall_s = clock_wall_s(&w->clock);
	pthread_mutex_unlock(&be->rt->lock);
	backend_recount(w, be);
	return 0;
}

static void put_server(void *arg)
{
	server_rt_put(arg);
}

static void put_backend(void *arg)
{
	backend_rt_put(arg);
}

void backend_detach(struct worker *w, struct backend *be)
{
	if (!be->rt)
		return;
	pthread_mutex_lock(&be->rt->lock);
	list_del(&be->attached);
	pthread_mutex_unlock(&be->rt->lock);
	balance_drop(w, be);
	for (unsigned i = 0; i < be->servers_n; i++) {
		struct server *s = be->servers[i];
		if (!s->rt)
			continue;
		pthread_mutex_lock(&s->rt->lock);
		if (s->rt->current == s) {
			s->rt->current = NULL;
			worker_timer_cancel(worker_get(w->group, 0), &s->rt->slow_timer);
		}
		pthread_mutex_unlock(&s->rt->lock);
		worker_retire(w, put_server, s->rt);
		s->rt = NULL;
	}
	worker_retire(w, put_backend, be->rt);
	be->rt = NULL;
}
