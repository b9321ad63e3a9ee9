/* SPDX-License-Identifier: MIT */
/*
 * "show info": facts about the process, in the order and under the names that exporters know. A field whose
 * value weir does not keep is left out, as the format allows ("holes are to be expected"). Worker 0.
 */
#include <inttypes.h>
#include <unistd.h>

#include "cli_memory.h"
#include "weir/tls/session_cache.h"
#include "weir/tls/transport.h"

#define RELEASE_DATE "2026/11/23"

/* clang-format off */
#define INFO_FIELDS(X) \
	X(NAME, "Name", "POS", "Name of the product") \
	X(VERSION, "Version", "POS", "Version of the product") \
	X(RELEASE_DATE, "Release_date", "POS", "Date of the release") \
	X(NBTHREAD, "Nbthread", "CGS", "Worker threads") \
	X(NBPROC, "Nbproc", "CGS", "Worker processes, always 1") \
	X(PROCESS_NUM, "Process_num", "KGP", "Number of this process, always 1") \
	X(PID, "Pid", "SGP", "Process id") \
	X(UPTIME, "Uptime", "MDP", "Time since start: days, hours, minutes, seconds") \
	X(UPTIME_SEC, "Uptime_sec", "MDP", "Seconds since start") \
	X(MEMMAX_MB, "Memmax_MB", "CLP", "Memory limit in MB (-m), 0 without") \
	X(POOLALLOC_MB, "PoolAlloc_MB", "MGP", "MB held by object pools") \
	X(POOLUSED_MB, "PoolUsed_MB", "MGP", "MB of them in use") \
	X(POOLFAILED, "PoolFailed", "MCP", "Allocations that were refused") \
	X(ULIMIT_N, "Ulimit-n", "CLP", "Limit of file descriptors") \
	X(MAXSOCK, "Maxsock", "CLP", "Limit of sockets") \
	X(MAXCONN, "Maxconn", "CLP", "Limit of client connections now") \
	X(HARD_MAXCONN, "Hard_maxconn", "CLP", "Limit of client connections at start") \
	X(CURRCONNS, "CurrConns", "MGP", "Client connections now") \
	X(CUMCONNS, "CumConns", "MCP", "Client connections since start") \
	X(CUMREQ, "CumReq", "MCP", "Requests since start") \
	X(MAXSSLCONNS, "MaxSslConns", "MMP", "Limit of TLS connections, 0 without") \
	X(CURRSSLCONNS, "CurrSslConns", "MGP", "TLS connections now") \
	X(CUMSSLCONNS, "CumSslConns", "MCP", "TLS connections since start") \
	X(MAXPIPES, "Maxpipes", "CLP", "Limit of pipes for splicing, 0 without") \
	X(PIPESUSED, "PipesUsed", "MGP", "Pipes in use") \
	X(PIPESFREE, "PipesFree", "MGP", "Pipes kept for the next use") \
	X(CONNRATE, "ConnRate", "MRP", "Client connections over the last second") \
	X(CONNRATELIMIT, "ConnRateLimit", "CLP", "Limit of connections a second (maxconnrate)") \
	X(MAXCONNRATE, "MaxConnRate", "MMP", "Most connections in one second") \
	X(SESSRATE, "SessRate", "MRP", "Sessions over the last second") \
	X(SESSRATELIMIT, "SessRateLimit", "CLP", "Limit of sessions a second (maxsessrate)") \
	X(MAXSESSRATE, "MaxSessRate", "MMP", "Most sessions in one second") \
	X(SSLRATE, "SslRate", "MRP", "TLS connections over the last second") \
	X(SSLRATELIMIT, "SslRateLimit", "CLP", "Limit of TLS connections a second") \
	X(MAXSSLRATE, "MaxSslRate", "MMP", "Most TLS connections in one second") \
	X(SSLFEKEYRATE, "SslFrontendKeyRate", "MRP", "TLS keys made for clients over the last second") \
	X(SSLFEMAXKEYRATE, "SslFrontendMaxKeyRate", "MMP", "Most of them in one second") \
	X(SSLFEREUSE, "SslFrontendSessionReuse_pct", "MRP", "Percentage of TLS clients without a new key") \
	X(SSLBEKEYRATE, "SslBackendKeyRate", "MRP", "TLS keys made for servers over the last second") \
	X(SSLBEMAXKEYRATE, "SslBackendMaxKeyRate", "MMP", "Most of them in one second") \
	X(SSLCACHELOOKUPS, "SslCacheLookups", "MCP", "TLS sessions looked up in the cache") \
	X(SSLCACHEMISSES, "SslCacheMisses", "MCP", "TLS sessions not found in the cache") \
	X(COMPIN, "CompressBpsIn", "MRP", "Bytes compressed over the last second") \
	X(COMPOUT, "CompressBpsOut", "MRP", "Bytes they became") \
	X(COMPLIM, "CompressBpsRateLim", "CLP", "Limit above which nothing is compressed") \
	X(ZLIBMEM, "ZlibMemUsage", "MGP", "Bytes used by zlib") \
	X(ZLIBMEMMAX, "MaxZlibMemUsage", "CLP", "Limit of bytes used by zlib") \
	X(TASKS, "Tasks", "MGP", "Streams now") \
	X(RUN_QUEUE, "Run_queue", "MGP", "Tasks waiting to run now") \
	X(IDLE_PCT, "Idle_pct", "MaP", "Percentage of the last second that the workers were idle") \
	X(NODE, "node", "COS", "Name of the node") \
	X(DESCRIPTION, "description", "COS", "Description of the node") \
	X(STOPPING, "Stopping", "MGP", "1 while the process is ending") \
	X(JOBS, "Jobs", "MGP", "What an ending process waits for") \
	X(UNSTOPPABLE, "Unstoppable Jobs", "MGP", "Jobs that an ending process does not wait for") \
	X(LISTENERS, "Listeners", "MGP", "Addresses that are listened on") \
	X(ACTIVEPEERS, "ActivePeers", "MGP", "Peers in contact") \
	X(CONNECTEDPEERS, "ConnectedPeers", "MGP", "Peers connected") \
	X(DROPPEDLOGS, "DroppedLogs", "MGP", "Log lines that could not be sent") \
	X(BUSYPOLLING, "BusyPolling", "MGP", "1 when workers poll without waiting") \
	X(FAILEDRESOLUTIONS, "FailedResolutions", "MGP", "Names that did not resolve") \
	X(BYTESOUT, "TotalBytesOut", "MGP", "Bytes sent to clients since start") \
	X(SPLICEDOUT, "TotalSplicdedBytesOut", "MGP", "Bytes of them that went through pipes") \
	X(BYTESOUTRATE, "BytesOutRate", "MRP", "Bytes sent over the last second") \
	X(DEBUGCOMMANDS, "DebugCommandsIssued", "MGP", "Debug commands run") \
	X(CUMRECVLOGS, "CumRecvLogs", "MCP", "Log lines received for forwarding") \
	X(BUILDINFO, "Build info", "POS", "Version of the build") \
	X(MEMMAX_BYTES, "Memmax_bytes", "CLP", "Memory limit in bytes (-m), 0 without") \
	X(POOLALLOC_BYTES, "PoolAlloc_bytes", "MGP", "Bytes held by object pools") \
	X(POOLUSED_BYTES, "PoolUsed_bytes", "MGP", "Bytes of them in use") \
	X(START_TIME, "Start_time_sec", "MDP", "Start, in seconds since the epoch") \
	X(TAINTED, "Tainted", "SGP", "Non-zero when something unsupported was used")
/* clang-format on */

enum info_field {
#define X(id, name, tags, about) INFO_##id,
	INFO_FIELDS(X)
#undef X
	    INFO_N
};

static const struct field_desc info_fields[INFO_N] = {
#define X(id, text, tags, about)                                                                   \
	[INFO_##id] = { .name = text,                                                              \
		.origin = (tags)[0],                                                               \
		.nature = (tags)[1],                                                               \
		.scope = (tags)[2],                                                                \
		.help = about },
	INFO_FIELDS(X)
#undef X
};

/* Features that are not there count nothing, which is a true 0. */
static const uint8_t info_zero[] = { INFO_MEMMAX_MB, INFO_SSLCACHELOOKUPS, INFO_SSLCACHEMISSES,
	INFO_COMPIN, INFO_COMPOUT, INFO_COMPLIM, INFO_ACTIVEPEERS, INFO_CONNECTEDPEERS,
	INFO_FAILEDRESOLUTIONS, INFO_DEBUGCOMMANDS, INFO_MEMMAX_BYTES };

struct info {
	struct field f[INFO_N];
	char uptime[48];
	bool floats;
};

static void u32(struct info *i, enum info_field at, uint64_t value)
{
	i->f[at] = FIELD_SET_U32(value);
}

static void u64(struct info *i, enum info_field at, uint64_t value)
{
	i->f[at] = FIELD_SET_U64(value);
}

static void str(struct info *i, enum info_field at, const char *text)
{
	i->f[at] = FIELD_SET_STR(text);
}

/* ---- filling ---- */

static void fill_product(struct info *i, const struct process *p, unsigned workers)
{
	const struct global_conf *g = &p->config->global;
	str(i, INFO_NAME, "weir");
	str(i, INFO_VERSION, WEIR_VERSION);
	str(i, INFO_RELEASE_DATE, RELEASE_DATE);
	str(i, INFO_BUILDINFO, WEIR_VERSION);
	str(i, INFO_TAINTED, "0");
	u32(i, INFO_NBTHREAD, workers);
	u32(i, INFO_NBPROC, 1);
	u32(i, INFO_PROCESS_NUM, 1);
	u32(i, INFO_PID, (unsigned)getpid());
	str(i, INFO_NODE, p->node ? p->node : g->node ? g->node : "");
	str(i, INFO_DESCRIPTION, g->description ? g->description : "");
	u32(i, INFO_BUSYPOLLING, g->busy_polling);
}

static void fill_time(struct info *i, const struct process *p, uint64_t now_ms)
{
	uint64_t up_ms = now_ms > p->start_ms ? now_ms - p->start_ms : 0, up = up_ms / 1000;
	snprintf(i->uptime, sizeof(i->uptime),
	    "%" PRIu64 "d %" PRIu64 "h%02" PRIu64 "m%02" PRIu64 "s", up / 86400, up % 86400 / 3600,
	    up % 3600 / 60, up % 60);
	str(i, INFO_UPTIME, i->uptime);
	u32(i, INFO_UPTIME_SEC, up);
	u32(i, INFO_START_TIME, (uint64_t)p->start_wall_s);
	if (i->floats)
		i->f[INFO_UPTIME_SEC] = FIELD_SET_FLT((double)up_ms / 1000);
}

static void fill_limits(struct info *i, const struct process *p)
{
	const struct global_conf *g = &p->config->global;
	unsigned maxconn = atomic_load(&p->maxconn);
	u32(i, INFO_ULIMIT_N, g->ulimit_n ? g->ulimit_n : p->maxsock);
	u32(i, INFO_MAXSOCK, p->maxsock);
	u32(i, INFO_MAXCONN, maxconn);
	u32(i, INFO_HARD_MAXCONN, p->hard_maxconn ? p->hard_maxconn : maxconn);
	u32(i, INFO_MAXPIPES, g->maxpipes);
	u32(i, INFO_CONNRATELIMIT, g->maxconnrate);
	u32(i, INFO_SESSRATELIMIT, g->maxsessrate);
	u32(i, INFO_MAXSSLCONNS, g->ssl.maxconn);
	u32(i, INFO_SSLRATELIMIT, g->ssl.maxrate);
}

static unsigned listeners_running(const struct config *c)
{
	unsigned n = 0;
	for (const struct proxy *px = c->proxies; px; px = px->next) {
		if (!px->rt || atomic_load(&px->rt->state) != PROXY_RUNNING)
			continue;
		for (const struct bind_conf *b = px->binds; b; b = b->next)
			n += b->listener != NULL;
	}
	return n;
}

static void fill_rates(struct info *i, struct process *p, unsigned workers, uint64_t now_ms)
{
	unsigned conns = 0, sessions = 0;
	for (unsigned w = 0; w < workers; w++)
		conns += rate_read(&p->counters[w].conn_rate, now_ms);
	for (const struct proxy *px = p->config->proxies; px; px = px->next) {
		if (px->rt && px->rt->counters)
			sessions += counters_rate(px->rt->counters, workers,
			    offsetof(struct counters, sess_rate), now_ms);
	}
	gauge_raise(&p->conn_rate_max, conns);
	gauge_raise(&p->sess_rate_max, sessions);
	u32(i, INFO_CONNRATE, conns);
	u32(i, INFO_SESSRATE, sessions);
	u32(i, INFO_MAXCONNRATE, atomic_load(&p->conn_rate_max));
	u32(i, INFO_MAXSESSRATE, atomic_load(&p->sess_rate_max));
}

static void fill_traffic(struct info *i, struct process *p, unsigned workers)
{
	uint64_t conns = 0, reqs = 0, bytes = 0;
	for (unsigned w = 0; w < workers; w++) {
		conns += __atomic_load_n(&p->counters[w].conns, __ATOMIC_RELAXED);
		reqs += __atomic_load_n(&p->counters[w].reqs, __ATOMIC_RELAXED);
		bytes += __atomic_load_n(&p->counters[w].bytes_out, __ATOMIC_RELAXED);
	}
	u32(i, INFO_CURRCONNS, atomic_load(&p->conns));
	u32(i, INFO_CUMCONNS, conns);
	u32(i, INFO_CUMREQ, reqs);
	u64(i, INFO_BYTESOUT, bytes);
	u32(i, INFO_STOPPING, atomic_load(&p->stopping));
	u32(i, INFO_JOBS, atomic_load(&p->jobs));
	u32(i, INFO_UNSTOPPABLE, atomic_load(&p->unstoppable));
	u32(i, INFO_LISTENERS, listeners_running(p->config));
	u32(i, INFO_DROPPEDLOGS, log_dropped());
	u64(i, INFO_CUMRECVLOGS, atomic_load(&p->recv_logs));
}

/* Handshakes of all workers in the last second, and in how many of them keys were made; [0] clients, [1] servers. */
struct tls_rates {
	unsigned all[2], keys[2], all_max[2], keys_max[2];
};

static void add_tls_rates(struct tls_rates *sum, const struct worker *w, uint64_t now_ms)
{
	struct tls_counters c = tls_counters(w);
	for (unsigned side = 0; side < 2; side++) {
		sum->all[side] += rate_read(&c.rate[side], now_ms);
		sum->keys[side] += rate_read(&c.keys[side], now_ms);
		sum->all_max[side] = MAX(sum->all_max[side], c.rate_max[side]);
		sum->keys_max[side] = MAX(sum->keys_max[side], c.keys_max[side]);
	}
}

/* What no worker has looked back at yet. */
static void add_last_second(struct tls_rates *sum, struct worker_group *g)
{
	const size_t all = offsetof(struct tls_counters, rate);
	const size_t keys = offsetof(struct tls_counters, keys);
	for (unsigned side = 0; side < 2; side++) {
		size_t at = side * sizeof(struct rate);
		sum->all_max[side] = MAX(sum->all_max[side], tls_rate_last(g, all + at));
		sum->keys_max[side] = MAX(sum->keys_max[side], tls_rate_last(g, keys + at));
	}
}

static void fill_tls(struct info *i, struct process *p, unsigned workers, const struct tls_rates *r)
{
	uint64_t conns = 0;
	for (unsigned w = 0; w < workers; w++)
		conns += __atomic_load_n(&p->counters[w].ssl_conns, __ATOMIC_RELAXED);
	gauge_raise(&p->ssl_rate_max, MAX(r->all[0], r->all_max[0]));
	gauge_raise(&p->ssl_keys_max[0], MAX(r->keys[0], r->keys_max[0]));
	gauge_raise(&p->ssl_keys_max[1], MAX(r->keys[1], r->keys_max[1]));
	u32(i, INFO_CURRSSLCONNS, atomic_load(&p->ssl_conns));
	u32(i, INFO_CUMSSLCONNS, conns);
	u32(i, INFO_SSLRATE, r->all[0]);
	u32(i, INFO_MAXSSLRATE, atomic_load(&p->ssl_rate_max));
	u32(i, INFO_SSLFEKEYRATE, r->keys[0]);
	u32(i, INFO_SSLFEMAXKEYRATE, atomic_load(&p->ssl_keys_max[0]));
	u32(i, INFO_SSLFEREUSE, r->all[0] ? 100 - r->keys[0] * 100 / r->all[0] : 0);
	u32(i, INFO_SSLBEKEYRATE, r->keys[1]);
	u32(i, INFO_SSLBEMAXKEYRATE, atomic_load(&p->ssl_keys_max[1]));
	if (p->config->tls.sessions) {
		struct tls_cache_counters c = tls_session_cache_counters(p->config->tls.sessions);
		u32(i, INFO_SSLCACHELOOKUPS, c.lookups);
		u32(i, INFO_SSLCACHEMISSES, c.misses);
	}
}

/* What only its worker may look at, while it stands. */
static void fill_workers(struct info *i, const struct cli_call *call, unsigned workers)
{
	struct memory_sum m;
	struct tls_rates tls = { .all = { 0 } };
	unsigned streams = 0, queued = 0, idle = 0;
	worker_pause_others(call->worker);
	cli_memory_sum(call, &m);
	for (unsigned n = 0; n < workers; n++) {
		const struct worker *w = worker_get(call->worker->group, n);
		streams += proxy_local(w) ? proxy_local(w)->streams_n : 0;
		idle += worker_idle_pct(w);
		add_tls_rates(&tls, w, worker_now_ms(call->worker));
		list_for_each (link, &w->runq)
			queued++;
	}
	worker_resume_others(call->worker);
	add_last_second(&tls, call->worker->group);
	fill_tls(i, cli_process(call), workers, &tls);
	u32(i, INFO_TASKS, streams);
	u32(i, INFO_RUN_QUEUE, queued);
	u32(i, INFO_IDLE_PCT, idle / workers);
	u32(i, INFO_POOLALLOC_MB, m.allocated >> 20);
	u32(i, INFO_POOLUSED_MB, m.used >> 20);
	u64(i, INFO_POOLALLOC_BYTES, m.allocated);
	u64(i, INFO_POOLUSED_BYTES, m.used);
	u32(i, INFO_POOLFAILED, m.failed);
	u32(i, INFO_PIPESUSED, m.pipes_used);
	u32(i, INFO_PIPESFREE, m.pipes_free);
}

static void fill(struct info *i, const struct cli_call *call)
{
	struct process *p = cli_process(call);
	unsigned workers = worker_count(call->worker->group);
	uint64_t now_ms = worker_now_ms(call->worker);
	for (size_t n = 0; n < ARRAY_SIZE(info_zero); n++)
		u32(i, (enum info_field)info_zero[n], 0);
	fill_product(i, p, workers);
	fill_time(i, p, now_ms);
	fill_limits(i, p);
	fill_rates(i, p, workers, now_ms);
	fill_traffic(i, p, workers);
	fill_workers(i, call, workers);
}

/* ---- writing ---- */

static void write_plain(struct strbuf *out, const struct info *i, bool desc)
{
	for (size_t n = 0; n < INFO_N; n++) {
		if (i->f[n].type == FIELD_EMPTY)
			continue;
		strbuf_addf(out, "%s: ", info_fields[n].name);
		field_write(out, &i->f[n]);
		if (desc)
			strbuf_addf(out, ":\"%s\"", info_fields[n].help);
		strbuf_addc(out, '\n');
	}
}

static void run_show_info(struct cli_call *call)
{
	struct info i = { .floats = false };
	enum table_format format = TABLE_CSV;
	bool desc = false;
	for (char **word = call->argv + 2; **word; word++) {
		if (strcmp(*word, "typed") == 0)
			format = TABLE_TYPED;
		else if (strcmp(*word, "json") == 0)
			format = TABLE_JSON;
		else if (strcmp(*word, "desc") == 0)
			desc = true;
		else if (strcmp(*word, "float") == 0)
			i.floats = true;
	}
	fill(&i, call);
	switch (format) {
	case TABLE_CSV:
		write_plain(call->out, &i, desc);
		break;
	case TABLE_TYPED:
		table_typed_row(call->out, NULL, info_fields, i.f, INFO_N, desc);
		break;
	case TABLE_JSON:
		table_json_row(call->out, NULL, 0, 0, info_fields, i.f, INFO_N, true);
		strbuf_addc(call->out, '\n');
		break;
	}
}

const struct cli_command proxy_info_commands[] = {
	{ "show info", CLI_USER, run_show_info, "[typed|json] [desc] [float]",
	    "show facts about the process" },
	{ .name = NULL },
};
