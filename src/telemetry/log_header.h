/* SPDX-License-Identifier: MIT */
/*
 * The header in front of a log line. Dates cost a localtime_r() only once a second: the parts that stay the
 * same within a second are kept in struct log_dates, one a worker.
 */
#ifndef WEIR_TELEMETRY_LOG_HEADER_H
#define WEIR_TELEMETRY_LOG_HEADER_H

#include <sys/types.h>

#include "weir/telemetry/log.h"

/* A longer header (its tag or host name) is cut. */
#define LOG_HEADER_MAX 512

struct log_dates {
	int64_t second;	  /* that the texts are of; wall clock */
	char rfc3164[16]; /* Mon dd hh:mm:ss, local time */
	char iso[20];	  /* yyyy-mm-ddThh:mm:ss, local time */
	char offset[7];	  /* +hh:mm */
};

/* Brings the texts up to the second of wall_us. */
void log_dates_update(struct log_dates *d, int64_t wall_us);

/*
 * Writes the header of one line, up to where the structured data or the text begins; d is up to date. Returns
 * its length, at most LOG_HEADER_MAX. No NUL.
 */
size_t log_header_write(char *out, const struct log_target *t, const struct log_set *set,
    enum log_level level, const struct log_dates *d, int64_t wall_us, pid_t pid);

#endif
