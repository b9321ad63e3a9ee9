/* SPDX-License-Identifier: MIT */
/*
 * The columns of HTTP/2 in "show stat": of a frontend's client connections, and of a backend's server connections.
 * The sets are those of the workers, read while they count. Worker 0.
 */
#include "stats.h"

static const struct {
	uint8_t column;
	size_t offset;
} h2_columns[] = {
	{ STAT_H2_HEADERS_RCVD, offsetof(struct mux2_counters, headers_rcvd) },
	{ STAT_H2_DATA_RCVD, offsetof(struct mux2_counters, data_rcvd) },
	{ STAT_H2_SETTINGS_RCVD, offsetof(struct mux2_counters, settings_rcvd) },
	{ STAT_H2_RST_STREAM_RCVD, offsetof(struct mux2_counters, rst_stream_rcvd) },
	{ STAT_H2_GOAWAY_RCVD, offsetof(struct mux2_counters, goaway_rcvd) },
	{ STAT_H2_CONN_ERRORS, offsetof(struct mux2_counters, conn_errors) },
	{ STAT_H2_STREAM_ERRORS, offsetof(struct mux2_counters, stream_errors) },
	{ STAT_H2_RST_STREAM_RESP, offsetof(struct mux2_counters, rst_stream_resp) },
	{ STAT_H2_GOAWAY_RESP, offsetof(struct mux2_counters, goaway_resp) },
	{ STAT_H2_OPEN_CONNS, offsetof(struct mux2_counters, open_connections) },
	{ STAT_H2_OPEN_STREAMS, offsetof(struct mux2_counters, open_streams) },
	{ STAT_H2_TOTAL_CONNS, offsetof(struct mux2_counters, total_connections) },
	{ STAT_H2_TOTAL_STREAMS, offsetof(struct mux2_counters, total_streams) },
	{ STAT_H2_GLITCHES, offsetof(struct mux2_counters, glitches) },
	{ STAT_H2_LIMIT_RESETS, offsetof(struct mux2_counters, limit_resets) },
	{ STAT_H2_LIMIT_CONTINUATIONS, offsetof(struct mux2_counters, limit_continuations) },
	{ STAT_H2_LIMIT_FLOODS, offsetof(struct mux2_counters, limit_floods) },
	{ STAT_H2_LIMIT_HEADER_LISTS, offsetof(struct mux2_counters, limit_header_lists) },
	{ STAT_H2_LIMIT_GLITCHES, offsetof(struct mux2_counters, limit_glitches) },
	{ STAT_H2_LIMIT_STREAMS, offsetof(struct mux2_counters, limit_streams) },
};

/* Adds one worker's set to the row. */
static void add(struct stats_row *row, const struct mux2_counters *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(h2_columns); i++) {
		const char *at = (const char *)c + h2_columns[i].offset;
		row->f[h2_columns[i].column].u64 +=
		    __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_RELAXED);
	}
}

static void begin(struct stats_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(h2_columns); i++)
		stats_u64(row, (enum stat_column)h2_columns[i].column, 0);
}

void stats_h2_frontend(const struct stats_view *v, const struct proxy *px, struct stats_row *row)
{
	begin(row);
	for (unsigned i = 0; px->rt->h2 && i < v->workers; i++)
		add(row, &px->rt->h2[i]);
}

void stats_h2_backend(const struct stats_view *v, const struct backend *be, struct stats_row *row)
{
	begin(row);
	for (unsigned n = 0; n < be->servers_n; n++)
		for (unsigned i = 0; i < v->workers; i++)
			add(row, &be->servers[n]->rt->local[i].h2);
}
