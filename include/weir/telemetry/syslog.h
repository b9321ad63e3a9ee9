/* SPDX-License-Identifier: MIT */
/*
 * Syslog messages of others, on their way through: taking them out of a stream (RFC 6587), reading their headers
 * (RFC 3164, RFC 5424), sending them on under another header. Reading is pure.
 */
#ifndef WEIR_TELEMETRY_SYSLOG_H
#define WEIR_TELEMETRY_SYSLOG_H

#include "weir/telemetry/log.h"

/* ---- streams ---- */

enum syslog_frame {
	SYSLOG_MESSAGE,
	SYSLOG_INCOMPLETE,
	SYSLOG_BROKEN, /* it cannot be told where the next message begins */
};

/*
 * The first message of in: one that begins with a digit has its length in front (3.4.1), one that begins with "<"
 * ends before a newline (3.4.2), where a carriage return is dropped. always_lf: all end in newlines, whatever they
 * begin with. Neither may be longer than max.
 */
enum syslog_frame syslog_frame_next(
    struct slice in, bool always_lf, size_t max, struct slice *ret_message, size_t *ret_consumed);

/* ---- messages ---- */

/* A missing part is the null slice. All lie in the message. */
struct syslog_message {
	int priority;	 /* facility * 8 + severity, as received; -1: none */
	bool is_rfc5424; /* the form of stamp */
	struct slice stamp;
	struct slice host, tag, pid, msgid, sd;
	struct slice text; /* what is behind the header, newlines at the end dropped */
};

/* Never fails: what is no header is text. */
void syslog_parse(struct slice in, struct syslog_message *ret);
/* All of it is text. */
void syslog_leave(struct slice in, struct syslog_message *ret);

/* "option host": what stands as host name in headers that have one */
enum syslog_host {
	SYSLOG_HOST_FILL, /* the sender's address when there is none */
	SYSLOG_HOST_KEEP,
	SYSLOG_HOST_REPLACE,
	SYSLOG_HOST_APPEND,
};

/*
 * Sends a message to every target of the set that takes its severity, with the header that it came with when the
 * target has none of its own. sender: its address as text, empty when it has none. Worker thread.
 */
void syslog_relay(struct worker *w, const struct log_set *set, const struct syslog_message *m,
    enum syslog_host host, struct slice sender);

#endif
