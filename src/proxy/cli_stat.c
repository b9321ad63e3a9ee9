/* SPDX-License-Identifier: MIT */
/*
 * "show stat" and "clear counters": walks the proxies in the order of the configuration and writes the rows that
 * stats.h makes. Worker 0; clearing stops the other workers for the time it takes.
 */
#include "cli_proxy.h"
#include "stats.h"

/* Objects to show: the <type> of the command. */
#define SHOW_FRONTENDS 0x1
#define SHOW_BACKENDS  0x2
#define SHOW_SERVERS   0x4

struct stat_request {
	struct stats_view view;
	struct cli_call *call;
	enum table_format format;
	bool desc, only_up, no_maint;
	bool any; /* a row was written */
	int iid;  /* -1: all */
	int types;
	int sid; /* -1: all */
};

/* ---- arguments ---- */

static bool parse_int(const char *word, int *ret)
{
	char *end;
	long v = strtol(word, &end, 10);
	if (end == word || *end || v < INT32_MIN || v > INT32_MAX)
		return false;
	*ret = (int)v;
	return true;
}

/* A proxy's name, or its number, or -1 for all. */
static bool parse_proxy(struct cli_call *call, const char *word, int *ret)
{
	if (parse_int(word, ret))
		return true;
	const struct proxy *px = config_proxy(cli_process(call)->config, word, PROXY_FE | PROXY_BE);
	if (!px) {
		cli_err(call, "No such proxy.\n");
		return false;
	}
	*ret = (int)px->id;
	return true;
}

static bool parse_option(struct stat_request *rq, const char *word)
{
	if (strcmp(word, "typed") == 0)
		rq->format = TABLE_TYPED;
	else if (strcmp(word, "json") == 0)
		rq->format = TABLE_JSON;
	else if (strcmp(word, "desc") == 0)
		rq->desc = true;
	else if (strcmp(word, "up") == 0)
		rq->only_up = true;
	else if (strcmp(word, "no-maint") == 0)
		rq->no_maint = true;
	else
		return false;
	return true;
}

/* show stat [domain proxy] [<proxy> <type> <sid>] options... */
static bool parse_request(struct cli_call *call, struct stat_request *rq)
{
	char **word = call->argv + 2;
	if (strcmp(*word, "domain") == 0) {
		if (strcmp(word[1], "proxy") != 0) {
			cli_err(call, "Invalid statistics domain.\n");
			return false;
		}
		word += 2;
	}
	if (call->argv + call->argc - word >= 3 && !parse_option(rq, word[0])) {
		if (!parse_proxy(call, word[0], &rq->iid))
			return false;
		if (!parse_int(word[1], &rq->types) || !parse_int(word[2], &rq->sid)) {
			cli_err(call, "Expects <type> and <sid> as integers.\n");
			return false;
		}
		word += 3;
	}
	for (; **word; word++) {
		if (!parse_option(rq, *word)) {
			cli_err(call,
			    "Unknown argument '%s', expects [domain proxy] "
			    "[{<iid>|<proxy>} <type> <sid>] [typed|json] [desc] "
			    "[up|no-maint].\n",
			    *word);
			return false;
		}
	}
	return true;
}

/* ---- writing ---- */

static const char *type_name(enum stat_type type)
{
	static const char *const names[] = {
		[STAT_TYPE_FRONTEND] = "Frontend",
		[STAT_TYPE_BACKEND] = "Backend",
		[STAT_TYPE_SERVER] = "Server",
		[STAT_TYPE_LISTENER] = "Listener",
	};
	return names[type];
}

static void write_row(struct stat_request *rq, struct stats_row *row)
{
	struct strbuf *out = rq->call->out;
	unsigned iid = (unsigned)row->f[STAT_IID].u64, sid = (unsigned)row->f[STAT_SID].u64;
	char prefix[48];
	if (rq->format != TABLE_CSV)
		row->f[STAT_END].type = FIELD_EMPTY;
	switch (rq->format) {
	case TABLE_CSV:
		table_csv_row(out, row->f, STAT_N);
		break;
	case TABLE_TYPED:
		snprintf(prefix, sizeof(prefix), "%c.%u.%u", *type_name(row->type), iid, sid);
		table_typed_row(out, prefix, stats_columns, row->f, STAT_N, rq->desc);
		break;
	case TABLE_JSON:
		table_json_row(out, type_name(row->type), (int)iid, (int)sid, stats_columns, row->f,
		    STAT_N, !rq->any);
		break;
	}
	rq->any = true;
}

static void show_frontend(struct stat_request *rq, const struct proxy *px, struct stats_row *row)
{
	if (rq->sid <= 0) {
		stats_frontend(&rq->view, px, row);
		write_row(rq, row);
	}
	for (const struct bind_conf *b = px->binds; b; b = b->next) {
		if (!b->stats || (rq->sid >= 0 && (unsigned)rq->sid != b->id))
			continue;
		stats_listener(&rq->view, b, row);
		write_row(rq, row);
	}
}

static bool is_hidden(const struct stat_request *rq, const struct server *s)
{
	pthread_mutex_lock(&s->rt->lock);
	bool maint = s->rt->admin & SERVER_MAINT;
	pthread_mutex_unlock(&s->rt->lock);
	if (maint)
		return rq->no_maint || rq->only_up;
	return rq->only_up && !server_is_usable(s);
}

static void show_servers(struct stat_request *rq, const struct proxy *px, struct stats_row *row)
{
	for (unsigned i = 0; i < px->be.servers_n; i++) {
		const struct server *s = px->be.servers[i];
		if ((rq->sid >= 0 && (unsigned)rq->sid != s->id) || is_hidden(rq, s))
			continue;
		stats_server(&rq->view, px, s, row);
		write_row(rq, row);
	}
}

static void show_proxy(struct stat_request *rq, const struct proxy *px, struct stats_row *row)
{
	bool fe = (px->caps & PROXY_FE) && px->rt, be = (px->caps & PROXY_BE) && px->be.rt;
	if ((px->options & PR_O_DISABLED) || (rq->iid >= 0 && (unsigned)rq->iid != px->id))
		return;
	if (fe && (rq->types & SHOW_FRONTENDS))
		show_frontend(rq, px, row);
	if (be && (rq->types & SHOW_SERVERS))
		show_servers(rq, px, row);
	if (be && (rq->types & SHOW_BACKENDS) && rq->sid <= 0) {
		stats_backend(&rq->view, px, row);
		write_row(rq, row);
	}
}

struct stats_view cli_stats_view(const struct cli_call *call)
{
	return (struct stats_view){
		.process = cli_process(call),
		.workers = worker_count(call->worker->group),
		.now_ms = worker_now_ms(call->worker),
		.now_wall_s = clock_wall_s(&call->worker->clock),
		.legends = call->level >= CLI_OPERATOR,
	};
}

static void run_show_stat(struct cli_call *call)
{
	struct stat_request rq = {
		.view = cli_stats_view(call), .call = call, .iid = -1, .types = -1, .sid = -1
	};
	struct stats_row row;
	if (!parse_request(call, &rq))
		return;
	if (rq.format == TABLE_CSV)
		table_csv_header(call->out, stats_columns, STAT_N);
	if (rq.format == TABLE_JSON)
		strbuf_addc(call->out, '[');
	for (const struct proxy *px = rq.view.process->config->proxies; px; px = px->next)
		show_proxy(&rq, px, &row);
	if (rq.format == TABLE_JSON)
		strbuf_adds(call->out, "]\n");
}

/* ---- clear counters ---- */

static void clear_max(atomic_uint *max, unsigned present)
{
	atomic_store_explicit(max, present, memory_order_relaxed);
}

static void clear_gauges(struct gauges *g, unsigned sessions, unsigned queued)
{
	clear_max(&g->sess_max, sessions);
	clear_max(&g->queue_max, queued);
	clear_max(&g->conn_rate_max, 0);
	clear_max(&g->sess_rate_max, 0);
	clear_max(&g->req_rate_max, 0);
	clear_max(&g->qtime_max, 0);
	clear_max(&g->ctime_max, 0);
	clear_max(&g->rtime_max, 0);
	clear_max(&g->ttime_max, 0);
}

static void clear_server(struct server *s, unsigned workers, bool all)
{
	struct server_rt *rt = s->rt;
	clear_gauges(&rt->g, atomic_load(&rt->served), 0);
	if (!all)
		return;
	counters_clear(rt->counters, workers);
	pthread_mutex_lock(&rt->lock);
	rt->check_fail_count = 0;
	rt->down_count = 0;
	pthread_mutex_unlock(&rt->lock);
}

static void clear_proxy(const struct proxy *px, unsigned workers, bool all)
{
	if ((px->caps & PROXY_FE) && px->rt) {
		clear_gauges(&px->rt->g, atomic_load(&px->rt->fe_conns), 0);
		if (all)
			counters_clear(px->rt->counters, workers);
		for (const struct bind_conf *b = px->binds; b; b = b->next) {
			if (!b->stats)
				continue;
			clear_gauges(&b->stats->g, atomic_load(&b->stats->g.sess_cur), 0);
			if (all)
				counters_clear(b->stats->counters, workers);
		}
	}
	if (!(px->caps & PROXY_BE) || !px->be.rt)
		return;
	clear_gauges(&px->be.rt->g, atomic_load(&px->be.rt->served), 0);
	if (all)
		counters_clear(px->be.rt->counters, workers);
	for (unsigned i = 0; i < px->be.servers_n; i++)
		clear_server(px->be.servers[i], workers, all);
}

static void clear_process(struct process *p, unsigned workers, bool all)
{
	clear_max(&p->conns_max, atomic_load(&p->conns));
	clear_max(&p->conn_rate_max, 0);
	clear_max(&p->sess_rate_max, 0);
	for (unsigned i = 0; all && i < workers; i++) {
		__atomic_store_n(&p->counters[i].conns, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&p->counters[i].reqs, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&p->counters[i].bytes_out, 0, __ATOMIC_RELAXED);
	}
}

static void clear_counters(struct cli_call *call, bool all)
{
	struct process *p = cli_process(call);
	unsigned workers = worker_count(call->worker->group);
	/* each counter has one writer: with the others standing, that is this thread */
	worker_pause_others(call->worker);
	clear_process(p, workers, all);
	for (const struct proxy *px = p->config->proxies; px; px = px->next)
		clear_proxy(px, workers, all);
	worker_resume_others(call->worker);
}

static void run_clear_counters(struct cli_call *call)
{
	if (*call->argv[2])
		cli_err(call, "Expects nothing, 'all' or 'server <backend>/<server>'.\n");
	else
		clear_counters(call, false);
}

static void run_clear_counters_all(struct cli_call *call)
{
	clear_counters(call, true);
}

static void run_clear_counters_server(struct cli_call *call)
{
	struct server *s = cli_find_server(call, call->argv[3]);
	if (!s)
		return;
	worker_pause_others(call->worker);
	clear_server(s, worker_count(call->worker->group), true);
	worker_resume_others(call->worker);
}

const struct cli_command proxy_stat_commands[] = {
	{ "clear counters", CLI_OPERATOR, run_clear_counters, NULL,
	    "reset the highest values of the statistics" },
	{ "clear counters all", CLI_ADMIN, run_clear_counters_all, NULL, "reset all statistics" },
	{ "clear counters server", CLI_ADMIN, run_clear_counters_server,
	    "<backend>/<server> [force]", "reset the statistics of one server" },
	{ "show stat", CLI_USER, run_show_stat,
	    "[domain proxy] [{<iid>|<proxy>} <type> <sid>] [typed|json] [desc] [up|no-maint]",
	    "show the statistics of every proxy and server" },
	{ .name = NULL },
};
