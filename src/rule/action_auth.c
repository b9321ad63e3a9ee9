/* SPDX-License-Identifier: MIT */
/*
 * Action auth: asks for credentials.
 */
#include "action.h"

const struct action_row action_auth_rows[] = {
	{ .name = NULL },
};
