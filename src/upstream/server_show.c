/* SPDX-License-Identifier: MIT */
/*
 * "show servers state" and "show servers conn" (management manual 9.3). The first is also the format of state
 * files, version 1, so its columns do not change. Worker 0.
 */
#include "server_cli.h"
#include "upstream_internal.h"
#include "weir/upstream/idle.h"

/* srv_check_state */
#define STATE_INPROGRESS 0x01u
#define STATE_CONFIGURED 0x02u
#define STATE_ENABLED	 0x04u
#define STATE_PAUSED	 0x08u

/* What a line shows of a server, copied under its lock. */
struct snapshot {
	unsigned oper, admin, uweight;
	struct check check;
	bool has_check;
};

static struct snapshot take_snapshot(const struct server *s)
{
	struct server_rt *rt = s->rt;
	struct snapshot n;
	memset(&n, 0, sizeof(n));
	pthread_mutex_lock(&rt->lock);
	n.oper = rt->oper;
	n.admin = rt->admin;
	n.uweight = rt->uweight;
	n.has_check = s->check && rt->check;
	if (n.has_check)
		n.check = *rt->check;
	pthread_mutex_unlock(&rt->lock);
	return n;
}

static unsigned check_state(const struct snapshot *n)
{
	unsigned state = n->admin & SERVER_MAINT ? STATE_PAUSED : 0;
	if (!n->has_check)
		return state;
	state |= STATE_CONFIGURED;
	if (!n->check.paused)
		state |= STATE_ENABLED;
	if (n->check.running)
		state |= STATE_INPROGRESS;
	return state;
}

/* An address, "-" when there is none. */
static const char *addr_or_dash(const struct net_addr *a, char out[NET_ADDR_TEXT])
{
	return a->len ? net_addr_text(a, out) : "-";
}

static void state_line(
    struct strbuf *out, const struct backend *be, const struct server *s, int64_t now_s)
{
	const struct server_dest *d = atomic_load(&s->rt->dest);
	struct snapshot n = take_snapshot(s);
	char addr[NET_ADDR_TEXT], check_addr[NET_ADDR_TEXT];
	unsigned port = s->check ? s->check->port : 0;
	const struct net_addr *at = s->check ? &s->check->addr : NULL;
	if (n.has_check && n.check.port)
		port = n.check.port;
	if (n.has_check && n.check.addr.len)
		at = &n.check.addr;
	/* a server without checks shows the counters of one that was never checked */
	unsigned health = n.has_check ? n.check.health : n.oper == SERVER_STOPPED ? 0 : 2;
	strbuf_addf(out,
	    "%u %s %u %s %s %u %u %u %u %llu %u %u %u %u 0 %d %d %s %u - %d %u %s - 0\n", be->id,
	    be->name, s->id, s->name, addr_or_dash(&d->addr, addr), n.oper, n.admin, n.uweight,
	    s->weight, (unsigned long long)server_changed_s(s, now_s),
	    n.has_check ? (unsigned)n.check.status : (unsigned)CHECK_INI, (unsigned)n.check.result,
	    health, check_state(&n), be->id_set, s->id_set, s->fqdn ? s->fqdn : "-", d->port,
	    server_uses_tls(s), port, at ? addr_or_dash(at, check_addr) : "-");
}

static void conn_line(struct strbuf *out, const struct backend *be, const struct server *s)
{
	const struct server_dest *d = atomic_load(&s->rt->dest);
	unsigned workers = s->rt->workers, used = 0;
	char addr[NET_ADDR_TEXT];
	for (unsigned i = 0; i < workers; i++)
		used += __atomic_load_n(&s->rt->local[i].used_n, __ATOMIC_RELAXED);
	strbuf_addf(out, "%s/%s %u/%u %s %u - %u %u %u %u %u 0 0 %u %d %u", be->name, s->name,
	    be->id, s->id, addr_or_dash(&d->addr, addr), d->port, s->pool_purge_delay_ms,
	    atomic_load(&s->rt->served), used, atomic_load(&s->rt->g.sess_max), used,
	    server_idle_count(s, workers), (int)s->pool_max_conn, server_idle_count(s, workers));
	for (unsigned i = 0; i < workers; i++)
		strbuf_addf(out, " %u", __atomic_load_n(&s->rt->local[i].idle_n, __ATOMIC_RELAXED));
	strbuf_addc(out, '\n');
}

/* The backend a command names, or all. False when there is none of that name, told. */
static bool find_backend(struct cli_call *call, struct backend **ret)
{
	const struct upstream_dir *dir = upstream_cli_dir();
	*ret = NULL;
	if (!*call->argv[3])
		return true;
	if (dir)
		*ret = dir->find(dir->ctx, call->argv[3]);
	if (!*ret)
		cli_err(call, "Can't find backend.\n");
	return *ret;
}

static void each_backend(struct cli_call *call, struct backend *only,
    void (*fn)(struct cli_call *call, const struct backend *be))
{
	const struct upstream_dir *dir = upstream_cli_dir();
	struct backend *be = NULL;
	if (only)
		fn(call, only);
	while (!only && dir && (be = dir->next(dir->ctx, be)))
		fn(call, be);
}

static void state_lines(struct cli_call *call, const struct backend *be)
{
	for (unsigned i = 0; i < be->servers_n; i++)
		state_line(call->out, be, be->servers[i], clock_wall_s(&call->worker->clock));
}

static void conn_lines(struct cli_call *call, const struct backend *be)
{
	for (unsigned i = 0; i < be->servers_n; i++)
		conn_line(call->out, be, be->servers[i]);
}

void server_cli_show_state(struct cli_call *call)
{
	struct backend *only;
	if (!find_backend(call, &only))
		return;
	strbuf_adds(call->out,
	    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
	    "srv_iweight srv_time_since_last_change srv_check_status srv_check_result "
	    "srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id "
	    "srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr "
	    "srv_agent_port\n");
	each_backend(call, only, state_lines);
}

void server_cli_show_conn(struct cli_call *call)
{
	struct backend *only;
	if (!find_backend(call, &only))
		return;
	strbuf_addf(call->out,
	    "# bkname/svname bkid/svid addr port - purge_delay served used_cur used_max need_est "
	    "idle_sess unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[%u]\n",
	    worker_count(call->worker->group));
	each_backend(call, only, conn_lines);
}
