/* SPDX-License-Identifier: MIT */
/*
 * Timers of the stream as fetches, and its timeouts as they are now.
 */
#include "tables.h"

const struct fetch_row fetch_timer_rows[] = {
	{ .name = NULL },
};
