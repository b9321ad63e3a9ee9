/* SPDX-License-Identifier: MIT */
/*
 * The last step of every line, whoever made its header: shared by the lines of our own (log.c) and those that are
 * relayed (syslog_relay.c).
 */
#ifndef WEIR_SRC_TELEMETRY_LOG_OUT_H
#define WEIR_SRC_TELEMETRY_LOG_OUT_H

#include "weir/telemetry/log.h"

/* Pieces of memory that a line is made of. */
#define LOG_PARTS_MAX 20

struct log_dates;
/* The dates of this moment; NULL before log_worker_start(). Worker thread. */
const struct log_dates *log_dates_now(struct worker *w);

/* Sends a line without its newline, or counts it as dropped. Worker thread. */
void log_put(struct worker *w, struct log_target *t, const struct iovec *iov, unsigned n);
/* Takes the next number of the target's sample; any worker. */
bool log_is_sampled(struct log_target *t);

#endif
