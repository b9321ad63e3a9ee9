/* SPDX-License-Identifier: MIT */
/*
 * What the whole process shares at run time: the present configuration, the workers, process-wide counts. One
 * object, made by main and reached through the workers; it outlives every configuration.
 */
#ifndef WEIR_PROXY_PROCESS_H
#define WEIR_PROXY_PROCESS_H

#include "weir/proxy/config.h"
#include "weir/proxy/error_capture.h"

struct cli;

struct process {
	struct config *config; /* present; replaced by worker 0 while the others are paused */
	struct worker_group *workers;
	struct cli *cli;
	struct ocsp_updater *ocsp; /* NULL: nothing is renewed; worker 0 */
	struct diag *diag;	   /* of the last load, for "show startup-logs" */
	int64_t start_wall_s;
	uint64_t start_ms;
	atomic_uint maxconn;   /* limit of client connections; "set maxconn global" */
	unsigned hard_maxconn; /* as it was at start; 0 until it is changed */
	unsigned maxsock;      /* descriptor limit */
	atomic_uint conns WEIR_CACHE_ALIGNED; /* present client connections */
	atomic_uint conns_max;
	atomic_uint conn_rate_max, sess_rate_max;
	atomic_uint ssl_conns; /* of conns, those on bind lines with "ssl" */
	atomic_uint ssl_rate_max,
	    ssl_keys_max[2];	 /* as "show info" has shown; [0] clients, [1] servers */
	atomic_ullong rate_word; /* maxconnrate, maxsessrate: second << 32 | connections in it */
	atomic_ullong ssl_rate_word; /* maxsslrate, in the same way */
	atomic_ullong tls_log_word;  /* lines about certificates, in the same way */
	atomic_ullong dropped_conns; /* refused for lack of descriptors or memory */
	atomic_uint jobs;	 /* what a soft stop waits for: connections and checks under way */
	atomic_ullong recv_logs; /* log lines received by log-forward sections */
	atomic_ullong sessions;	 /* requests, and sessions of TCP: %rt */
	atomic_uint paused;	 /* listeners that wait for a free connection, all workers */
	atomic_bool stopping;	 /* soft stop: keep-alive ends, idle ones are closed */
	atomic_uint unstoppable;
	struct process_counters {
		uint64_t conns, ssl_conns, reqs, bytes_out, fd_errors;
		struct rate conn_rate, sess_rate;
	} WEIR_CACHE_ALIGNED *counters; /* one a worker */
	struct error_store errors;	/* for "show errors" */
	const char *node, *program;
};

/* Per-worker state of this module: WORKER_SLOT_PROXY. */
struct proxy_local {
	struct process *process;
	struct worker *worker;
	struct pool clients, streams, blocks; /* blocks: of stream arenas */
	struct list client_list;	      /* all client connections of this worker */
	struct list stream_list;	      /* all streams */
	unsigned streams_n;
	uint64_t stream_serial;
	char *log_line;	    /* scratch for one log line, LOG_LEN_MAX bytes */
	struct list paused; /* listeners of this worker that wait for a free connection */
	struct mail resume_mail;
	atomic_bool resume_posted;
};

static inline struct proxy_local *proxy_local(const struct worker *w)
{
	return w->slot[WORKER_SLOT_PROXY];
}

/* 0 or -ENOMEM. On each worker's thread. */
int proxy_worker_start(struct worker *w, struct process *p);
/* Ends what is under way, for a worker that runs no more; its mail is to be run before it is stopped. */
void proxy_worker_end_streams(struct worker *w);
void proxy_worker_stop(struct worker *w);

/* Errors of certificates found from now on go to the logs: before threads run, then on each of them. */
void tls_log_open(struct process *p);
void tls_log_start(struct worker *w);

/* Opens the sockets of every bind of c. Main thread, before privileges go. 0 or -1, told to diag. */
int listeners_open(struct process *p, struct config *c, struct diag *diag);
/* Starts accepting: on each worker for its own sockets. */
void listeners_start(struct worker *w, struct config *c);
/* A limit was raised: listeners that wait for a free connection look again. Any worker. */
void listeners_wake(struct worker *w);
/* Frontend states: "disable frontend", "enable frontend", "shutdown frontend". Any worker. */
void frontend_pause(struct worker *w, struct proxy *fe);
int frontend_resume(struct worker *w, struct proxy *fe);
void frontend_shutdown(struct worker *w, struct proxy *fe);
/* All frontends stop listening; idle clients are closed; the process ends when nothing is left to do. */
void process_soft_stop(struct worker *w, struct process *p);
/* Closes and frees all listeners of c (end of the process). Workers have stopped. */
void listeners_close(struct config *c);

#endif
