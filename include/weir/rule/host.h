/* SPDX-License-Identifier: MIT */
/*
 * What fetches and actions ask of the layer above, which has the connection and the stream.
 */
#ifndef WEIR_RULE_HOST_H
#define WEIR_RULE_HOST_H

#include "weir/http/http.h"
#include "weir/net/addr.h"
#include "weir/telemetry/record.h"

struct conn;

#define RULE_GAUGE_NONE INT64_MIN

/* What actions change of the way a stream is treated. */
enum rule_knob {
	RULE_SET_PRIO_CLASS,  /* -2047..2047: the lower the sooner */
	RULE_SET_PRIO_OFFSET, /* milliseconds, -524287..524287 */
	RULE_SET_RETRIES,     /* 0..100 */
	RULE_SET_FC_TOS,      /* of packets to the client */
	RULE_SET_FC_MARK,
	RULE_SET_BC_TOS, /* of packets to the server */
	RULE_SET_BC_MARK,
	RULE_SET_NO_L7_RETRY, /* only connection failures are tried again */
};

/* Numbers and facts about a stream that single fetches ask for. */
enum rule_fact {
	RULE_FACT_CALLS,  /* times the stream has run */
	RULE_FACT_CPU_NS, /* and for how long; 0 without profiling.tasks */
	RULE_FACT_LAT_NS, /* between an event and the stream's turn; the same */
	RULE_FACT_FIRST_REQ,
	RULE_FACT_FS_ID, /* number of the request on its connection, 0 in TCP mode */
	RULE_FACT_BS_ID,
	RULE_FACT_FS_ABORTED,
	RULE_FACT_BS_ABORTED,
	RULE_FACT_FAILED,    /* as option dontlog-normal sees it */
	RULE_FACT_FORWARDED, /* a server got it */
	RULE_FACT_STOPPING,  /* the process ends */
};

enum rules_kind {
	RULES_TCP_CONNECTION,
	RULES_TCP_SESSION,
	RULES_TCP_REQ_CONTENT,
	RULES_TCP_RES_CONTENT,
	RULES_HTTP_REQ,
	RULES_HTTP_RES,
	RULES_HTTP_AFTER_RES,
	RULES_KIND_N,
};

struct rule_ctx;

/* What the layer above answers for fetches and actions; any may be NULL: "not available here". */
struct rule_host {
	/* The destination the client connected to; looked up at first use. NULL when unknown. */
	const struct net_peer *(*dst)(void *stream);
	/* The ends of the client's connection as it came in, whatever rules made of src and dst. NULL: unknown. */
	const struct net_peer *(*fc_peer)(void *stream, bool dst);
	/* Of the client's or the server's connection, to ask the kernel about it. -1: there is none. */
	int (*fd)(void *stream, bool server);
	/* That connection, for what TLS knows of it. NULL: there is none. */
	struct conn *(*conn)(void *stream, bool server);
	/*
	 * Integers of objects by name, "" meaning the current one: fe_conn, be_conn, nbsrv, queue ...
	 * RULE_GAUGE_NONE: unknown.
	 */
	int64_t (*gauge)(void *stream, const char *fetch, const char *object);
	/* Names of the current frontend, backend, server; empty when none. */
	struct slice (*name)(void *stream, const char *what);
	/* Keeps a value for the logs: capture slot of a "declare capture"/"capture request header". */
	void (*capture)(void *stream, bool response, unsigned slot, struct slice value);
	void (*set_log_level)(void *stream, int level);
	void (*set_timeout)(void *stream, const char *which, unsigned ms);
	/* The log record so far, for aliases. */
	const struct log_record *(*record)(void *stream);
	void (*set_src)(void *stream, const struct net_peer *src, bool is_dst);
	void (*set)(void *stream, enum rule_knob knob, int64_t value);
	/* Sends an interim response ahead of all others; m lives as long as the stream. */
	void (*interim)(void *stream, struct http_msg *m);
	/* -1: not known. */
	int64_t (*fact)(void *stream, enum rule_fact fact);
	/* The state of one side's connection, for developers; empty when there is none. */
	struct slice (*debug)(void *stream, bool server, unsigned layers);
	/* A log line on the spot, for a rule of that kind; profile: of acl_scope_on_log_profile(), or NULL. */
	void (*do_log)(struct rule_ctx *cx, enum rules_kind kind, const void *profile);
};

#endif
