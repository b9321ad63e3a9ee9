/* SPDX-License-Identifier: MIT */
/*
 * Rows of servers and backends. A server's states are read under its lock, one server at a time, so the row of
 * a backend may be a moment younger than those of its servers. Worker 0.
 */
#include "stats.h"

#include "weir/upstream/idle.h"
#include "weir/upstream/queue.h"

static unsigned load(const atomic_uint *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

/* Weights are kept in fractions; what is left of one still counts as one. */
static unsigned whole_weight(unsigned eweight)
{
	return (eweight + SERVER_WEIGHT_SCALE - 1) / SERVER_WEIGHT_SCALE;
}

static unsigned age_s(const struct stats_view *v, int64_t since_wall_s)
{
	return v->now_wall_s > since_wall_s ? (unsigned)(v->now_wall_s - since_wall_s) : 0;
}

/* ---- servers ---- */

static void server_health(const struct stats_view *v, const struct server *s, struct stats_row *row)
{
	struct server_rt *rt = s->rt;
	stats_str(row, STAT_STATUS, server_status_text(s, row->status));
	pthread_mutex_lock(&rt->lock);
	unsigned eweight = load(&rt->eweight), full = rt->uweight * SERVER_WEIGHT_SCALE;
	unsigned since = age_s(v, rt->changed_wall_s);
	bool down = rt->oper == SERVER_STOPPED || (rt->admin & SERVER_MAINT);
	stats_u32(row, STAT_WEIGHT, whole_weight(eweight));
	stats_u32(row, STAT_UWEIGHT, rt->uweight);
	stats_u32(row, STAT_LASTCHG, since);
	if (rt->oper == SERVER_STARTING && full)
		stats_u32(row, STAT_THROTTLE, eweight * 100 / full);
	if (s->check) {
		stats_u64(row, STAT_CHKFAIL, rt->check_fail_count);
		stats_u64(row, STAT_CHKDOWN, rt->down_count);
		stats_u32(row, STAT_DOWNTIME, (unsigned)rt->downtime_s + (down ? since : 0));
		stats_check(s, row);
	}
	pthread_mutex_unlock(&rt->lock);
}

static void server_connections(
    const struct stats_view *v, const struct server *s, struct stats_row *row)
{
	unsigned idle = server_idle_count(s, v->workers), used = 0;
	for (unsigned i = 0; i < v->workers; i++)
		used += __atomic_load_n(&s->rt->local[i].used_n, __ATOMIC_RELAXED);
	stats_u32(row, STAT_SRV_ICUR, idle);
	stats_u32(row, STAT_IDLE_CONN_CUR, idle);
	stats_u32(row, STAT_SAFE_CONN_CUR, 0);
	stats_u32(row, STAT_USED_CONN_CUR, used);
	if (s->pool_max_conn != UINT32_MAX)
		stats_u32(row, STAT_SRC_ILIM, s->pool_max_conn);
}

static void server_legends(const struct server *s, struct stats_row *row)
{
	const struct server_dest *d = atomic_load_explicit(&s->rt->dest, memory_order_acquire);
	struct slice cookie = server_cookie(s);
	if (cookie.len) {
		snprintf(row->cookie, sizeof(row->cookie), "%.*s", SLICE_ARG(cookie));
		stats_str(row, STAT_COOKIE, row->cookie);
	}
	if (!d)
		return;
	stats_str(row, STAT_ADDR,
	    d->addr.sa.sa_family == AF_UNIX ? "unix" : net_addr_text_port(&d->addr, row->addr));
}

void stats_server(const struct stats_view *v, const struct proxy *px, const struct server *s,
    struct stats_row *row)
{
	const struct server_rt *rt = s->rt;
	unsigned limit = load(&rt->maxconn);
	stats_begin(v, px, STAT_TYPE_SERVER, s->name, s->id, row);
	stats_counters(v, px, rt->counters, row);
	stats_u32(row, STAT_QCUR, queue_length(rt->queue));
	stats_u32(row, STAT_QMAX, load(&rt->g.queue_max));
	stats_u32(row, STAT_SCUR, load(&rt->served));
	stats_u32(row, STAT_SMAX, load(&rt->g.sess_max));
	if (limit)
		stats_u32(row, STAT_SLIM, limit);
	if (s->maxqueue)
		stats_u32(row, STAT_QLIMIT, s->maxqueue);
	stats_u32(row, STAT_ACT, !s->backup);
	stats_u32(row, STAT_BCK, s->backup);
	if (s->track)
		stats_str(row, STAT_TRACKED, s->track);
	stats_rate(v, rt->counters, offsetof(struct counters, sess_rate), &rt->g.sess_rate_max,
	    STAT_RATE, STAT_RATE_MAX, row);
	stats_times(v, rt->counters, &rt->g, row);
	server_health(v, s, row);
	server_connections(v, s, row);
	stats_u32(row, STAT_SRID, 0);
	if (v->legends)
		server_legends(s, row);
}

/* ---- backends ---- */

struct usable {
	unsigned active, backup;
	unsigned active_weight, backup_weight; /* effective, in fractions */
	unsigned active_uweight, backup_uweight;
};

static void add_server(struct usable *u, const struct server *s)
{
	struct server_rt *rt = s->rt;
	pthread_mutex_lock(&rt->lock);
	unsigned eweight = load(&rt->eweight), uweight = rt->uweight;
	pthread_mutex_unlock(&rt->lock);
	if (!server_is_usable(s) || !eweight)
		return;
	if (s->backup) {
		u->backup++;
		u->backup_weight += eweight;
		u->backup_uweight += uweight;
	} else {
		u->active++;
		u->active_weight += eweight;
		u->active_uweight += uweight;
	}
}

static void backend_health(
    const struct stats_view *v, const struct backend *be, struct stats_row *row)
{
	struct usable u = { 0 };
	for (unsigned i = 0; i < be->servers_n; i++)
		add_server(&u, be->servers[i]);
	bool up = !be->servers_n || backend_is_up(be);
	stats_str(row, STAT_STATUS, up ? "UP" : "DOWN");
	stats_u32(row, STAT_WEIGHT, whole_weight(u.active ? u.active_weight : u.backup_weight));
	stats_u32(row, STAT_UWEIGHT, u.active ? u.active_uweight : u.backup_uweight);
	stats_u32(row, STAT_ACT, u.active);
	stats_u32(row, STAT_BCK, u.backup);
	if (be->servers_n)
		stats_u32(row, STAT_DOWNTIME, (unsigned)backend_downtime_s(be, v->now_wall_s));
	pthread_mutex_lock(&be->rt->lock);
	stats_u64(row, STAT_CHKDOWN, be->rt->down_count);
	stats_u32(row, STAT_LASTCHG, age_s(v, be->rt->changed_wall_s));
	pthread_mutex_unlock(&be->rt->lock);
}

static void backend_legends(const struct backend *be, struct stats_row *row)
{
	if (be->cookie) {
		snprintf(row->cookie, sizeof(row->cookie), "%.*s", SLICE_ARG(be->cookie->name));
		stats_str(row, STAT_COOKIE, row->cookie);
	}
	if (be->balance.ops)
		stats_str(row, STAT_ALGO, be->balance.ops->name);
}

void stats_backend(const struct stats_view *v, const struct proxy *px, struct stats_row *row)
{
	const struct backend *be = &px->be;
	const struct backend_rt *rt = be->rt;
	stats_begin(v, px, STAT_TYPE_BACKEND, "BACKEND", 0, row);
	stats_counters(v, px, rt->counters, row);
	stats_u32(row, STAT_QCUR, queue_length(rt->queue));
	stats_u32(row, STAT_QMAX, load(&rt->g.queue_max));
	stats_u32(row, STAT_SCUR, load(&rt->served));
	stats_u32(row, STAT_SMAX, load(&rt->g.sess_max));
	stats_u32(row, STAT_SLIM, be->fullconn);
	stats_rate(v, rt->counters, offsetof(struct counters, sess_rate), &rt->g.sess_rate_max,
	    STAT_RATE, STAT_RATE_MAX, row);
	stats_times(v, rt->counters, &rt->g, row);
	backend_health(v, be, row);
	stats_u32(row, STAT_AGG_SERVER_STATUS, 0);
	stats_u32(row, STAT_AGG_SERVER_CHECK_STATUS, 0);
	stats_u32(row, STAT_AGG_CHECK_STATUS, 0);
	if (px->mode == PROXY_HTTP)
		stats_u64(row, STAT_CACHE_HINT_HITS, 0);
	stats_h2_backend(v, be, row);
	if (v->legends)
		backend_legends(be, row);
}
