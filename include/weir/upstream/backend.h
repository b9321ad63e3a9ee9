/* SPDX-License-Identifier: MIT */
/*
 * A backend as balancing, health checks and persistence see it: its servers and how to choose one. The proxy
 * module embeds it in struct proxy.
 */
#ifndef WEIR_UPSTREAM_BACKEND_H
#define WEIR_UPSTREAM_BACKEND_H

#include "weir/telemetry/log.h"
#include "weir/upstream/balance.h"

struct cookie_conf;

/* Outlives configurations; found by the backend's name. */
struct backend_rt {
	char *name;
	struct htab_node node; /* in the registry, under its lock */
	unsigned refs;	       /* configurations; under the registry's lock */
	unsigned workers;
	struct list
	    users; /* struct backend.attached: those of all live configurations; under lock */
	atomic_uint rr WEIR_CACHE_ALIGNED;     /* round robin position, all workers */
	atomic_uint served WEIR_CACHE_ALIGNED; /* streams on servers of this backend */
	pthread_mutex_t lock;		       /* of rebuilding tables, and of users */
	struct server_queue *queue;	       /* requests waiting for any server */
	struct gauges g;
	struct counters *counters; /* one a worker */
	/* changes of health of the whole */
	atomic_uint usable_servers, usable_backups; /* that take new requests */
	unsigned down_count;			    /* this and below under lock */
	int64_t changed_wall_s;
	uint64_t downtime_s;
};

struct backend {
	const char *name;
	unsigned id;
	bool id_set;		 /* "id" was written */
	bool http;		 /* mode http */
	bool log;		 /* mode log */
	struct server **servers; /* in the order of the file */
	unsigned servers_n;
	struct balance_conf balance;
	struct hash_conf hash;
	bool allbackups;
	unsigned fullconn;	    /* 0: computed from the frontends that use it */
	struct cookie_conf *cookie; /* NULL: none */
	const char *dynamic_cookie_key;
	bool log_health_checks;
	const struct log_set *logs;
	const struct httpchk_conf *httpchk;	       /* NULL: connect checks */
	const struct server_tls_env *tls_env;	       /* NULL: nothing is said globally */
	const char *node;			       /* name of this host */
	unsigned check_timeout_ms, connect_timeout_ms; /* 0: not set */
	unsigned spread_checks;			       /* percent, of the global section */
	unsigned workers;			       /* of the process */
	const struct mux2_conf *h2;		       /* tune.h2.be.*; NULL: defaults */
	struct backend_rt *rt;
	struct check_run
	    *checks; /* one a checked server, while checks run; check_run.c owns them */
	unsigned checks_n;
	struct list attached; /* in rt->users, under rt->lock */
	_Atomic(struct balance_table *)
	    table; /* swapped whole; readers hold it for one turn at most */
};

static inline struct counters *backend_counters(const struct backend *be, const struct worker *w)
{
	return &be->rt->counters[w->id];
}

/* Server by name, or NULL. */
struct server *backend_server(const struct backend *be, const char *name);
/* Server by cookie value, or NULL. */
struct server *backend_server_by_cookie(const struct backend *be, struct slice value);

/*
 * Ties a backend of a new configuration to what runs: finds or makes the runtime objects of it and of its
 * servers, resolves names (init-addr), builds the table. Main thread at start, worker 0 in a reload. 0, or
 * -errno, told to diag.
 */
int backend_attach(struct worker *w, struct backend *be, struct diag *diag);
/* Gives the references back; what no configuration names any more is freed. */
void backend_detach(struct worker *w, struct backend *be);

/* Seconds down in all; up means at least one server takes requests. */
bool backend_is_up(const struct backend *be);
uint64_t backend_downtime_s(const struct backend *be, int64_t now_wall_s);

/* Where servers of other backends are found: by "track", and by commands. */
struct upstream_dir {
	struct backend *(*find)(void *ctx, const char *name);	  /* by name or "#id"; NULL: none */
	struct backend *(*next)(void *ctx, struct backend *prev); /* NULL starts, and ends */
	void *ctx;
};

/*
 * Starts and stops the health checks of a backend; each check runs on one worker. Main thread before the
 * workers run or after, or a worker's turn: the others are paused for it. 0 or -ENOMEM.
 */
int checks_start(struct worker *w, struct backend *be);
/* No check of be runs any more when it returns. */
void checks_stop(struct worker *w, struct backend *be);

#endif
