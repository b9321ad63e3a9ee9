/* SPDX-License-Identifier: MIT */
/*
 * Actions on how a stream is treated: marks, priorities, retries, pauses.
 */
#include "action.h"

const struct action_row action_flow_rows[] = {
	{ .name = NULL },
};
