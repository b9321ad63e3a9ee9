/* SPDX-License-Identifier: MIT */
/*
 * Rows of "show stat": what is counted and configured of one frontend, listener, server or backend as fields in
 * the order of stats_columns.h. Reads counters of all workers and takes a server's lock; worker 0.
 */
#ifndef WEIR_SRC_PROXY_STATS_H
#define WEIR_SRC_PROXY_STATS_H

#include "stats_columns.h"
#include "weir/admin/table.h"
#include "weir/proxy/process.h"

extern const struct field_desc stats_columns[STAT_N];

enum stat_type { /* the column "type" */
	STAT_TYPE_FRONTEND,
	STAT_TYPE_BACKEND,
	STAT_TYPE_SERVER,
	STAT_TYPE_LISTENER,
};

#define STATS_TEXT SERVER_STATUS_TEXT

/* One row, with the texts that its fields point to. */
struct stats_row {
	struct field f[STAT_N];
	enum stat_type type;
	char status[STATS_TEXT];
	char addr[NET_ADDR_TEXT];
	char cookie[STATS_TEXT];
	char check_status[24];
	char check_text[STATS_TEXT];
	char svname[32];
};

struct stats_view {
	const struct process *process;
	unsigned workers;
	uint64_t now_ms;
	int64_t now_wall_s;
	bool legends; /* addresses, cookies and algorithms too */
};

void stats_frontend(const struct stats_view *v, const struct proxy *px, struct stats_row *row);
/* b has counters: its frontend has "option socket-stats". */
void stats_listener(const struct stats_view *v, const struct bind_conf *b, struct stats_row *row);
void stats_server(const struct stats_view *v, const struct proxy *px, const struct server *s,
    struct stats_row *row);
void stats_backend(const struct stats_view *v, const struct proxy *px, struct stats_row *row);

/* ---- shared by the files that fill rows ---- */

/* Empties the row and sets the columns every type has: names, numbers, mode. */
void stats_begin(const struct stats_view *v, const struct proxy *px, enum stat_type type,
    const char *name, unsigned sid, struct stats_row *row);
/* Adds the counters that this type shows; c: one set a worker. */
void stats_counters(const struct stats_view *v, const struct proxy *px, const struct counters *c,
    struct stats_row *row);
/* Averages and maxima of times, and the age of the last session. */
void stats_times(const struct stats_view *v, const struct counters *c, const struct gauges *g,
    struct stats_row *row);
/* A rate and the highest one seen. offset: of the rate in struct counters. */
void stats_rate(const struct stats_view *v, const struct counters *c, size_t offset,
    const atomic_uint *max, enum stat_column rate_at, enum stat_column max_at,
    struct stats_row *row);
/* stats_h2.c: the columns of HTTP/2. */
void stats_h2_frontend(const struct stats_view *v, const struct proxy *px, struct stats_row *row);
void stats_h2_backend(const struct stats_view *v, const struct backend *be, struct stats_row *row);
/* stats_check.c: the columns of the health check; the caller holds the server's lock. */
void stats_check(const struct server *s, struct stats_row *row);

static inline void stats_u32(struct stats_row *row, enum stat_column at, unsigned value)
{
	row->f[at] = FIELD_SET_U32(value);
}

static inline void stats_u64(struct stats_row *row, enum stat_column at, uint64_t value)
{
	row->f[at] = FIELD_SET_U64(value);
}

static inline void stats_str(struct stats_row *row, enum stat_column at, const char *text)
{
	row->f[at] = FIELD_SET_STR(text);
}

#endif
