/* SPDX-License-Identifier: MIT */
/*
 * Integers that rules may ask for, by the name of the fetch: one row each in facts.c.
 */
#ifndef WEIR_SRC_PROXY_FACTS_H
#define WEIR_SRC_PROXY_FACTS_H

#include "stream.h"

/* cli or s may be NULL where there is none yet. RULE_GAUGE_NONE: unknown, or there is no such object. */
int64_t fact_value(
    const struct client *cli, const struct stream *s, const char *fetch, const char *object);

/* ---- connection errors, as the table of "fc_err_str" numbers them (configuration manual 7.3.3) ---- */

struct conn_error {
	unsigned id;
	const char *name, *text;
};
/* The row of a connection that failed with this errno, or before its session for that reason; row 0: no error. */
const struct conn_error *conn_error_of(int error, struct slice reason);

#endif
