/* SPDX-License-Identifier: MIT */
/*
 * A "log-forward" section: what it says, and the sockets and connections that it receives lines with.
 */
#ifndef WEIR_SRC_PROXY_LOG_FORWARD_H
#define WEIR_SRC_PROXY_LOG_FORWARD_H

#include "conf_int.h"
#include "weir/proxy/log_targets.h"
#include "weir/telemetry/syslog.h"

struct log_socket;

struct log_forward {
	struct log_forward *next;
	struct proxy
	    px; /* for what it has in common: name, binds, limits, targets. In no list of proxies. */
	enum syslog_host host;
	bool leave;	/* option dont-parse-log */
	bool always_lf; /* option assume-rfc6587-ntf */
	unsigned max_message;

	/* from log_targets_open() on */
	struct process *process;
	struct log_socket *sockets; /* of all binds and workers */
	unsigned sockets_n;
	struct list *conns; /* a list a worker */
	atomic_uint conns_n;
};

#define LOG_FORWARD_MAXCONN 10

/* conf_log_forward.c: part of config_finish() */
void finish_log_forwards(struct conf *conf, struct config *c);

/* log_forward.c: see log_targets.h for when */
int log_forward_open(struct process *p, struct log_forward *lf, struct diag *diag);
void log_forward_start(struct worker *w, struct log_forward *lf);
void log_forward_soft_stop(struct worker *w, struct log_forward *lf);
void log_forward_stop(struct log_forward *lf);

#endif
