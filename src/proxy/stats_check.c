/* SPDX-License-Identifier: MIT */
/*
 * The columns that tell of a server's health check. The caller holds the server's lock.
 */
#include "stats.h"

#include "weir/upstream/check.h"

void stats_check(const struct server *s, struct stats_row *row)
{
	const struct check *c = s->rt->check;
	if (!c)
		return;
	snprintf(row->check_status, sizeof(row->check_status), "%s%s", c->running ? "* " : "",
	    check_status_name(c->status));
	snprintf(row->check_text, sizeof(row->check_text), "%s", c->desc);
	stats_str(row, STAT_CHECK_STATUS, row->check_status);
	stats_str(row, STAT_CHECK_DESC, check_status_text(c->status));
	stats_str(row, STAT_LAST_CHK, row->check_text);
	if (c->status >= CHECK_L4OK) {
		if (c->code)
			stats_u32(row, STAT_CHECK_CODE, c->code);
		stats_u64(row, STAT_CHECK_DURATION, c->duration_ms);
	}
	stats_u32(row, STAT_CHECK_RISE, c->rise);
	stats_u32(row, STAT_CHECK_FALL, c->fall);
	stats_u32(row, STAT_CHECK_HEALTH, c->health);
}
