/* SPDX-License-Identifier: MIT */
/*
 * The columns of "show stat" about HTTP/2. Counters are each worker's own and are read while it counts on, so a row is
 * exact only when nothing moves.
 */
#include "stats.h"

static const struct h2_column {
	uint8_t column;
	size_t offset;
} h2_columns[] = {
#define ROW(col, field)                                                                            \
	{                                                                                          \
		STAT_H2_##col, offsetof(struct mux2_counters, field)                               \
	}
	ROW(HEADERS_RCVD, headers_rcvd),
	ROW(DATA_RCVD, data_rcvd),
	ROW(SETTINGS_RCVD, settings_rcvd),
	ROW(RST_STREAM_RCVD, rst_stream_rcvd),
	ROW(GOAWAY_RCVD, goaway_rcvd),
	ROW(CONN_ERRORS, conn_errors),
	ROW(STRM_ERRORS, stream_errors),
	ROW(RST_STREAM_RESP, rst_stream_resp),
	ROW(GOAWAY_RESP, goaway_resp),
	ROW(OPEN_CONNS, open_connections),
	ROW(OPEN_STREAMS, open_streams),
	ROW(TOTAL_CONNS, total_connections),
	ROW(TOTAL_STREAMS, total_streams),
	ROW(GLITCHES, glitches),
	ROW(LIMIT_RESETS, limit_resets),
	ROW(LIMIT_CONTINUATIONS, limit_continuations),
	ROW(LIMIT_FLOODS, limit_floods),
	ROW(LIMIT_HEADER_LISTS, limit_header_lists),
	ROW(LIMIT_GLITCHES, limit_glitches),
	ROW(LIMIT_STREAMS, limit_streams),
#undef ROW
};

void stats_h2(const struct mux2_counters *c, struct stats_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(h2_columns); i++) {
		uint64_t value;
		memcpy(&value, (const char *)c + h2_columns[i].offset, sizeof(value));
		stats_u64(row, (enum stat_column)h2_columns[i].column, value);
	}
}

void stats_h2_add(struct mux2_counters *sum, const struct mux2_counters *one)
{
	for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++) {
		uint64_t *to = (uint64_t *)sum + i;
		*to += __atomic_load_n((const uint64_t *)one + i, __ATOMIC_RELAXED);
	}
}
