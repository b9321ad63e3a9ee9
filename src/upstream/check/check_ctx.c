/* SPDX-License-Identifier: MIT */
/*
 * What formats and expressions of a health check may ask, and how the server is seen, for "http-check send-state".
 * The check's worker.
 */
#include "check_run.h"

#include "weir/upstream/queue.h"

static struct slice host_name(void *run, const char *what)
{
	const struct server *s = ((const struct check_run *)run)->s;
	if (strcmp(what, "be_name") == 0)
		return slice_str(s->be->name);
	if (strcmp(what, "srv_name") == 0)
		return slice_str(s->name);
	return SLICE_NULL;
}

static unsigned usable_servers(const struct backend *be)
{
	unsigned n = 0;
	for (unsigned i = 0; i < be->servers_n; i++)
		n += server_is_usable(be->servers[i]);
	return n;
}

static int64_t host_gauge(void *run, const char *fetch, const char *object)
{
	const struct server *s = ((const struct check_run *)run)->s;
	if (*object)
		return RULE_GAUGE_NONE;
	if (strcmp(fetch, "be_id") == 0)
		return s->be->id;
	if (strcmp(fetch, "srv_id") == 0)
		return s->id;
	if (strcmp(fetch, "nbsrv") == 0)
		return usable_servers(s->be);
	if (strcmp(fetch, "be_conn") == 0)
		return atomic_load(&s->be->rt->served);
	return RULE_GAUGE_NONE;
}

static struct conn *host_conn(void *run, bool server)
{
	struct check_run *r = run;
	return server && conn_is_open(&r->conn) ? &r->conn : NULL;
}

const struct rule_host check_rule_host = {
	.conn = host_conn,
	.name = host_name,
	.gauge = host_gauge,
};

/* "UP", "UP 2/3", "NOLB", "DOWN 1/2". */
static void state_word(const struct server *s, char *out, size_t size)
{
	struct server_rt *rt = s->rt;
	pthread_mutex_lock(&rt->lock);
	const struct check *k = rt->check;
	unsigned health = k->health, rise = k->rise, fall = k->fall;
	bool drains = rt->oper == SERVER_STOPPING;
	pthread_mutex_unlock(&rt->lock);
	const char *up = drains ? "NOLB" : "UP";
	if (health < rise && health == 0)
		snprintf(out, size, "DOWN");
	else if (health < rise)
		snprintf(out, size, "DOWN %u/%u", health, rise);
	else if (health == rise + fall - 1)
		snprintf(out, size, "%s", up);
	else
		snprintf(out, size, "%s %u/%u", up, health - rise + 1, fall);
}

static unsigned weight_of(const struct server *s)
{
	unsigned scaled = atomic_load_explicit(&s->rt->eweight, memory_order_relaxed);
	return (scaled + SERVER_WEIGHT_SCALE - 1) / SERVER_WEIGHT_SCALE;
}

void check_state_text(const struct server *s, char *out, size_t size)
{
	const struct server_dest *d = atomic_load_explicit(&s->rt->dest, memory_order_acquire);
	const struct backend *be = s->be;
	char word[32], addr[NET_ADDR_TEXT], port[16];
	unsigned weights = 0;
	bool local = d->addr.sa.sa_family != AF_INET && d->addr.sa.sa_family != AF_INET6;
	for (unsigned i = 0; i < be->servers_n; i++)
		if (server_is_usable(be->servers[i]))
			weights += weight_of(be->servers[i]);
	state_word(s, word, sizeof(word));
	snprintf(port, sizeof(port), local ? "unix" : "%u", d->port);
	snprintf(out, size,
	    "%s; address=%s; port=%s; name=%s/%s; node=%s; weight=%u/%u; scur=%u/%u; qcur=%u", word,
	    net_addr_text(&d->addr, addr), port, be->name, s->name, be->node ? be->node : "",
	    weight_of(s), weights, atomic_load(&s->rt->served), atomic_load(&be->rt->served),
	    queue_length(s->rt->queue));
}
