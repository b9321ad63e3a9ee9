/* SPDX-License-Identifier: MIT */
/*
 * What rows of all types have in common: the column descriptions, counters, rates and averages; and the rows of
 * frontends and listeners. Counters of other workers are read while they count (telemetry/counters.h), so a
 * row is true to the moment and not a snapshot. Worker 0.
 */
#include "stats.h"

/* Which types a counter is shown for. */
#define ON_F 0x01u
#define ON_B 0x02u
#define ON_S 0x04u
#define ON_L 0x08u
/* Backends and servers: in HTTP mode only. */
#define ON_HTTP_BS 0x10u
/* Any type: in HTTP mode only. */
#define ON_HTTP 0x20u

#define ON_BS	(ON_B | ON_S)
#define ON_FB	(ON_F | ON_B)
#define ON_FBS	(ON_F | ON_B | ON_S)
#define ON_FBSL (ON_F | ON_B | ON_S | ON_L)

const struct field_desc stats_columns[STAT_N] = {
#define X(id, text, tags, about)                                                                   \
	[STAT_##id] = { .name = text,                                                              \
		.origin = (tags)[0],                                                               \
		.nature = (tags)[1],                                                               \
		.scope = (tags)[2],                                                                \
		.help = about },
	STAT_COLUMNS(X)
#undef X
};

struct counter_column {
	uint8_t column;
	uint8_t on;
	size_t offset;
};

#define ROW(col, field, where)                                                                     \
	{                                                                                          \
		STAT_##col, (where), offsetof(struct counters, field)                              \
	}

static const struct counter_column counter_columns[] = {
	ROW(STOT, sess_tot, ON_FBSL),
	ROW(BIN, bytes_in, ON_FBSL),
	ROW(BOUT, bytes_out, ON_FBSL),
	ROW(DREQ, denied_req, ON_FB | ON_L),
	ROW(DRESP, denied_res, ON_FBSL),
	ROW(EREQ, failed_req, ON_F | ON_L),
	ROW(ECON, failed_conn, ON_BS),
	ROW(ERESP, failed_res, ON_BS),
	ROW(WRETR, retries, ON_BS),
	ROW(WREDIS, redispatches, ON_BS),
	ROW(LBTOT, lbtot, ON_BS),
	ROW(HRSP_1XX, rsp_1xx, ON_FBS | ON_HTTP),
	ROW(HRSP_2XX, rsp_2xx, ON_FBS | ON_HTTP),
	ROW(HRSP_3XX, rsp_3xx, ON_FBS | ON_HTTP),
	ROW(HRSP_4XX, rsp_4xx, ON_FBS | ON_HTTP),
	ROW(HRSP_5XX, rsp_5xx, ON_FBS | ON_HTTP),
	ROW(HRSP_OTHER, rsp_other, ON_FBS | ON_HTTP),
	ROW(REQ_TOT, req_tot, ON_FBS | ON_HTTP_BS),
	ROW(CLI_ABRT, cli_aborts, ON_BS),
	ROW(SRV_ABRT, srv_aborts, ON_BS),
	ROW(COMP_IN, comp_in, ON_FB),
	ROW(COMP_OUT, comp_out, ON_FB),
	ROW(COMP_BYP, comp_byp, ON_FB),
	ROW(COMP_RSP, comp_rsp, ON_FB),
	ROW(CONN_TOT, conn_tot, ON_F),
	ROW(INTERCEPTED, intercepted, ON_FB | ON_HTTP),
	ROW(DCON, denied_conn, ON_F | ON_L),
	ROW(DSES, denied_sess, ON_F | ON_L),
	ROW(WREW, failed_rewrites, ON_FBSL),
	ROW(CONNECT, connect_tot, ON_BS),
	ROW(REUSE, reuse_tot, ON_BS),
	ROW(CACHE_LOOKUPS, cache_lookups, ON_FB | ON_HTTP),
	ROW(CACHE_HITS, cache_hits, ON_FB | ON_HTTP),
	ROW(EINT, internal_errors, ON_FBSL),
	ROW(SSL_SESS, ssl_sess, ON_F | ON_S | ON_L),
	ROW(SSL_REUSED_SESS, ssl_reused, ON_F | ON_S | ON_L),
	ROW(SSL_FAILED_HANDSHAKE, ssl_failed, ON_F | ON_S | ON_L),
};

static unsigned bit_of(enum stat_type type)
{
	static const unsigned bits[] = {
		[STAT_TYPE_FRONTEND] = ON_F,
		[STAT_TYPE_BACKEND] = ON_B,
		[STAT_TYPE_SERVER] = ON_S,
		[STAT_TYPE_LISTENER] = ON_L,
	};
	return bits[type];
}

static bool is_shown(const struct counter_column *c, const struct proxy *px, enum stat_type type)
{
	bool http = px->mode == PROXY_HTTP;
	if (!(c->on & bit_of(type)))
		return false;
	if (c->on & ON_HTTP)
		return http;
	return !(c->on & ON_HTTP_BS) || type == STAT_TYPE_FRONTEND || http;
}

void stats_counters(const struct stats_view *v, const struct proxy *px, const struct counters *c,
    struct stats_row *row)
{
	struct counters sum;
	counters_sum(c, v->workers, &sum);
	for (size_t i = 0; i < ARRAY_SIZE(counter_columns); i++) {
		const struct counter_column *cc = &counter_columns[i];
		uint64_t value;
		if (!is_shown(cc, px, row->type))
			continue;
		memcpy(&value, (const char *)&sum + cc->offset, sizeof(value));
		stats_u64(row, (enum stat_column)cc->column, value);
	}
}

void stats_begin(const struct stats_view *v, const struct proxy *px, enum stat_type type,
    const char *name, unsigned sid, struct stats_row *row)
{
	static const char *const modes[] = {
		[PROXY_TCP] = "tcp",
		[PROXY_HTTP] = "http",
		[PROXY_CLI] = "cli",
		[PROXY_LOG] = "log",
	};
	memset(row->f, 0, sizeof(row->f));
	row->type = type;
	stats_str(row, STAT_PXNAME, px->name);
	stats_str(row, STAT_SVNAME, name);
	stats_u32(row, STAT_PID, 1);
	stats_u32(row, STAT_IID, px->id);
	stats_u32(row, STAT_SID, sid);
	stats_u32(row, STAT_TYPE, type);
	stats_str(row, STAT_MODE, modes[px->mode]);
	stats_str(row, STAT_END, "-");
}

static unsigned load(const atomic_uint *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

void stats_rate(const struct stats_view *v, const struct counters *c, size_t offset,
    const atomic_uint *max, enum stat_column rate_at, enum stat_column max_at,
    struct stats_row *row)
{
	unsigned now = counters_rate(c, v->workers, offset, v->now_ms);
	unsigned last = counters_rate_last(c, v->workers, offset);
	stats_u32(row, rate_at, now);
	stats_u32(row, max_at, MAX(MAX(now, last), load(max)));
}

static unsigned average(uint64_t sum, uint64_t n)
{
	return n ? (unsigned)(sum / n) : 0;
}

void stats_times(const struct stats_view *v, const struct counters *c, const struct gauges *g,
    struct stats_row *row)
{
	struct counters sum;
	uint64_t last = atomic_load_explicit(&g->last_session_s, memory_order_relaxed);
	int64_t age = last ? v->now_wall_s - (int64_t)last : -1;
	counters_sum(c, v->workers, &sum);
	stats_u32(row, STAT_QTIME, average(sum.qtime_sum, sum.time_n));
	stats_u32(row, STAT_CTIME, average(sum.ctime_sum, sum.time_n));
	stats_u32(row, STAT_RTIME, average(sum.rtime_sum, sum.time_n));
	stats_u32(row, STAT_TTIME, average(sum.ttime_sum, sum.time_n));
	stats_u32(row, STAT_QTIME_MAX, load(&g->qtime_max));
	stats_u32(row, STAT_CTIME_MAX, load(&g->ctime_max));
	stats_u32(row, STAT_RTIME_MAX, load(&g->rtime_max));
	stats_u32(row, STAT_TTIME_MAX, load(&g->ttime_max));
	row->f[STAT_LASTSESS] = FIELD_SET_S32(last && age < 0 ? 0 : age);
}

/* ---- frontends ---- */

static const char *frontend_status(const struct proxy *px)
{
	switch ((enum proxy_state)atomic_load_explicit(&px->rt->state, memory_order_relaxed)) {
	case PROXY_PAUSED:
		return "PAUSED";
	case PROXY_STOPPED:
		return "STOP";
	case PROXY_RUNNING:
		break;
	}
	return "OPEN";
}

/* The counts of several workers may be of different moments. */
static uint64_t less(uint64_t all, uint64_t some)
{
	return all > some ? all - some : 0;
}

/* Sessions and requests by protocol version: HTTP/1 is what is not HTTP/2. */
static void by_version(const struct proxy *px, struct stats_row *row)
{
	bool http = px->mode == PROXY_HTTP;
	uint64_t h2_conns = row->f[STAT_H2_TOTAL_CONNS].u64;
	uint64_t h2_streams = row->f[STAT_H2_TOTAL_STREAMS].u64;
	stats_u64(row, STAT_SESS_OTHER, http ? 0 : row->f[STAT_STOT].u64);
	stats_u64(row, STAT_H1_SESS, http ? less(row->f[STAT_STOT].u64, h2_conns) : 0);
	stats_u64(row, STAT_H2_SESS, h2_conns);
	stats_u64(row, STAT_H3_SESS, 0);
	stats_u64(row, STAT_REQ_OTHER, 0);
	stats_u64(row, STAT_H1REQ, less(row->f[STAT_REQ_TOT].u64, h2_streams));
	stats_u64(row, STAT_H2REQ, h2_streams);
	stats_u64(row, STAT_H3REQ, 0);
}

void stats_frontend(const struct stats_view *v, const struct proxy *px, struct stats_row *row)
{
	const struct proxy_rt *rt = px->rt;
	unsigned limit = load(&rt->maxconn);
	stats_begin(v, px, STAT_TYPE_FRONTEND, "FRONTEND", 0, row);
	stats_counters(v, px, rt->counters, row);
	stats_u32(row, STAT_SCUR, load(&rt->fe_conns));
	stats_u32(row, STAT_SMAX, load(&rt->g.sess_max));
	stats_u32(row, STAT_SLIM, limit ? limit : load(&v->process->maxconn));
	stats_str(row, STAT_STATUS, frontend_status(px));
	stats_u32(row, STAT_RATE_LIM, px->rate_limit);
	stats_rate(v, rt->counters, offsetof(struct counters, sess_rate), &rt->g.sess_rate_max,
	    STAT_RATE, STAT_RATE_MAX, row);
	stats_rate(v, rt->counters, offsetof(struct counters, req_rate), &rt->g.req_rate_max,
	    STAT_REQ_RATE, STAT_REQ_RATE_MAX, row);
	stats_rate(v, rt->counters, offsetof(struct counters, conn_rate), &rt->g.conn_rate_max,
	    STAT_CONN_RATE, STAT_CONN_RATE_MAX, row);
	if (px->mode == PROXY_HTTP)
		stats_u64(row, STAT_CACHE_HINT_HITS, 0);
	stats_h2_frontend(v, px, row);
	by_version(px, row);
}

/* ---- listeners ---- */

static const char *protocol(const struct net_addr *a)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		return "tcpv4";
	case AF_INET6:
		return "tcpv6";
	default:
		return "unix_stream";
	}
}

void stats_listener(const struct stats_view *v, const struct bind_conf *b, struct stats_row *row)
{
	const struct proxy *px = b->fe;
	const struct bind_stats *st = b->stats;
	const char *status = frontend_status(px);
	snprintf(row->svname, sizeof(row->svname), "sock-%u", b->id);
	stats_begin(v, px, STAT_TYPE_LISTENER, b->name ? b->name : row->svname, b->id, row);
	stats_counters(v, px, st->counters, row);
	stats_u32(row, STAT_SCUR, load(&st->g.sess_cur));
	stats_u32(row, STAT_SMAX, load(&st->g.sess_max));
	stats_u32(row, STAT_SLIM, b->maxconn);
	if (b->maxconn && load(&st->g.sess_cur) >= b->maxconn && strcmp(status, "OPEN") == 0)
		status = "FULL";
	stats_str(row, STAT_STATUS, status);
	stats_str(row, STAT_PROTO, protocol(&b->addr));
	if (v->legends)
		stats_str(row, STAT_ADDR,
		    b->addr.sa.sa_family == AF_UNIX ? "unix"
						    : net_addr_text_port(&b->addr, row->addr));
}
