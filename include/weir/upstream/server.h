/* SPDX-License-Identifier: MIT */
/*
 * A server: what the configuration says of it (struct server, immutable, one a configuration) and what lives
 * on through reloads (struct server_rt: health, administrative state, weight, address, counters), found by
 * "backend/server" name.
 */
#ifndef WEIR_UPSTREAM_SERVER_H
#define WEIR_UPSTREAM_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "weir/event/worker.h"
#include "weir/net/addr.h"
#include "weir/net/socket.h"
#include "weir/telemetry/counters.h"

struct backend;
struct server_rt;
struct check_conf;

#define SERVER_WEIGHT_MAX 256
/* Effective weights are kept in these units per unit of weight, so that slow start has small steps. */
#define SERVER_WEIGHT_SCALE 16

enum server_oper { /* srv_op_state of "show servers state" */
	SERVER_STOPPED,
	SERVER_STARTING, /* slow start */
	SERVER_RUNNING,
	SERVER_STOPPING, /* up, answers 404 to the check: only persistent requests */
};

/* srv_admin_state of "show servers state". */
#define SERVER_FMAINT 0x01u /* forced by the admin */
#define SERVER_IMAINT 0x02u /* inherited from a tracked server */
#define SERVER_CMAINT 0x04u /* "disabled" in the configuration */
#define SERVER_FDRAIN 0x08u
#define SERVER_IDRAIN 0x10u
#define SERVER_RMAINT 0x20u /* name does not resolve */
#define SERVER_HMAINT 0x40u /* name was changed */
#define SERVER_MAINT  (SERVER_FMAINT | SERVER_IMAINT | SERVER_CMAINT | SERVER_RMAINT | SERVER_HMAINT)
#define SERVER_DRAIN  (SERVER_FDRAIN | SERVER_IDRAIN)

enum server_pp { /* PROXY protocol towards the server */
	SERVER_PP_NONE,
	SERVER_PP_V1,
	SERVER_PP_V2,
};

/* proxy-v2-options */
#define SERVER_PP2_CRC32C    0x01u
#define SERVER_PP2_UNIQUE_ID 0x02u
#define SERVER_PP2_AUTHORITY 0x04u

enum source_use { /* "source ... usesrc" */
	SOURCE_PLAIN,
	SOURCE_CLIENT,	 /* client: address and port */
	SOURCE_CLIENTIP, /* client address, any port */
	SOURCE_HDR_IP,	 /* hdr_ip(name,occ) */
};

/* Configuration; read by any worker, written by none. */
struct server {
	const char *name;
	unsigned id;  /* puid, from 1 */
	unsigned idx; /* in backend->servers */
	struct backend *be;
	struct server_rt *rt;
	struct server *next; /* in the order of the file, while the backend is being read */

	struct net_addr addr; /* port 0: the client's destination port */
	const char *fqdn;     /* name as written when it had to be resolved, or NULL */
	enum net_port_mode port_mode;
	unsigned port;	       /* or offset */
	bool addr_transparent; /* 0.0.0.0 or *: connect where the client wanted to go */

	unsigned weight; /* 0..256 */
	bool backup;
	bool disabled;
	unsigned maxconn; /* 0: none */
	unsigned minconn;
	unsigned maxqueue; /* 0: none */
	unsigned slowstart_ms;
	const char *cookie; /* persistence value, or NULL */
	const char *redir;  /* "redir <prefix>", or NULL */
	enum server_pp pp;
	unsigned pp2_options;		 /* SERVER_PP2_* */
	struct net_connect_opts connect; /* source, interface, mss ... */
	enum source_use source_use;
	const char *source_hdr;
	int source_hdr_occ;
	struct net_addr source_addr; /* connect.source points here when set */
	struct net_addr socks4;	     /* len 0: none */
	unsigned pool_max_conn;	     /* per process; UINT_MAX: no limit */
	unsigned pool_low_conn;
	unsigned pool_purge_delay_ms;
	unsigned max_reuse; /* requests a connection; UINT_MAX: no limit */
	const char *track;  /* "backend/server", resolved to: */
	struct server *tracked;
	const struct check_conf *check; /* NULL: no check */
	unsigned on_error, on_marked_down,
	    on_marked_up; /* step 1: on-marked-down shutdown-sessions and the like */
	const char *init_addr;
	struct conf_pos_copy {
		const char *file;
		unsigned line;
	} pos;
};

/* Where to connect: replaced as a whole when "set server addr" changes it; freed by worker_retire(). */
struct server_dest {
	struct net_addr addr;
	enum net_port_mode port_mode;
	unsigned port;
};

/* Idle connections and the like of one server on one worker; owned by src/upstream/idle.c. */
struct server_local {
	struct list idle; /* most recently used first */
	unsigned idle_n;
	unsigned used_n;     /* in use now */
	struct list streams; /* streams that are using the server: "shutdown sessions server" */
} WEIR_CACHE_ALIGNED;

struct server_rt {
	char *key;		/* "backend/server" */
	struct server_rt *next; /* of the registry */
	atomic_uint refs;	/* configurations */
	_Atomic(struct server_dest *) dest;
	atomic_uint served WEIR_CACHE_ALIGNED; /* active streams, exact: checked against maxconn */
	atomic_uint maxconn;		       /* "set maxconn server" may change it */
	atomic_uint minconn;
	atomic_int usable
	    WEIR_CACHE_ALIGNED; /* enum server_oper != STOPPED and not in maintenance: any worker reads */
	atomic_int draining; /* takes persistent requests only */

	pthread_mutex_t lock; /* of all below up to the gauges */
	enum server_oper oper;
	unsigned admin;	     /* SERVER_FMAINT ... */
	unsigned uweight;    /* as configured or set, 0..256 */
	unsigned eweight;    /* in 1/SERVER_WEIGHT_SCALE: with slow start and weight percent */
	uint64_t changed_ms; /* monotonic time of the last up/down change */
	int64_t changed_wall_s;
	uint64_t downtime_s; /* total of ended downtimes */
	unsigned down_count, check_fail_count, last_up_rise;
	struct check *check; /* state of the health check, owned by check.c */

	struct gauges g;
	struct counters *counters;  /* one a worker */
	struct server_local *local; /* one a worker */
	struct server_queue *queue; /* requests waiting for this server, see queue.h */
};

/* The sessions a server takes now (manual: maxconn, minconn, fullconn): 0 for no limit. Any worker. */
unsigned server_limit(const struct server *s);
/* UP and not in maintenance: may get persistent requests. */
static inline bool server_is_usable(const struct server *s)
{
	return atomic_load_explicit(&s->rt->usable, memory_order_relaxed) != 0;
}
static inline bool server_is_draining(const struct server *s)
{
	return atomic_load_explicit(&s->rt->draining, memory_order_relaxed) != 0;
}
static inline struct counters *server_counters(const struct server *s, const struct worker *w)
{
	return &s->rt->counters[w->id];
}

/* "UP", "DOWN", "MAINT", "DRAIN", "NOLB", "UP 1/3", "DOWN 1/2", "MAINT (via x/y)", "no check" as the CSV shows. */
const char *server_status_text(const struct server *s, char out[64]);

/* ---- changes: worker 0 and check owners; each takes the lock, rebuilds the balance table, logs ---- */

/* The one place where the operational state changes; asserts legal steps. reason goes to the log line. */
void server_set_oper(struct worker *w, struct server *s, enum server_oper to, const char *reason);
void server_set_admin(struct worker *w, struct server *s, unsigned set, unsigned clear);
/* 0, or -EINVAL with a text in err. weight_text: "10", "50%". */
int server_set_weight(
    struct worker *w, struct server *s, const char *weight_text, char *err, size_t err_size);
int server_set_addr(struct worker *w, struct server *s, const struct net_addr *addr, int port);

#endif
