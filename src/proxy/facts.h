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
/* The row of a client's connection; reason: why it ended before its session, or empty. Row 0: no error. */
const struct conn_error *conn_error_of_client(const struct client *c, struct slice reason);
/* Of the last connection to a server that failed. */
const struct conn_error *conn_error_of_server(const struct stream *s);

#endif
