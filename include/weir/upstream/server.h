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

#include "weir/base/htab.h"
#include "weir/event/worker.h"
#include "weir/mux/mux2.h"
#include "weir/net/addr.h"
#include "weir/net/socket.h"
#include "weir/telemetry/counters.h"
#include "weir/upstream/server_tls.h"

struct backend;
struct check;
struct check_conf;
struct server_rt;

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
#define SERVER_CMAINT                                                                              \
	0x04u /* "disabled" in the configuration: FMAINT came with it, this bit alone is a note */
#define SERVER_FDRAIN 0x08u
#define SERVER_IDRAIN 0x10u
#define SERVER_RMAINT 0x20u /* name does not resolve */
#define SERVER_HMAINT 0x40u /* name was changed */
#define SERVER_MAINT  (SERVER_FMAINT | SERVER_IMAINT | SERVER_RMAINT | SERVER_HMAINT)
#define SERVER_DRAIN  (SERVER_FDRAIN | SERVER_IDRAIN)

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
	bool id_set;	    /* "id" was written */
	uint8_t hash_key;   /* enum hash_key_by */
	uint8_t init_state; /* enum server_init_state */
	const char *cookie; /* persistence value, or NULL */
	const char *guid;
	const char *redir; /* "redir <prefix>", or NULL */
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
	unsigned idle_ping_ms; /* of HTTP/2 connections; 0: never */
	struct server_tls tls;
	uint8_t proto;			   /* enum server_proto */
	uint8_t ws;			   /* enum server_ws */
	const struct expr *pool_conn_name; /* NULL: the name that TLS asks for */
	unsigned max_reuse;		   /* requests a connection; UINT_MAX: no limit */
	const char *track;		   /* "backend/server", resolved to: */
	struct server *tracked;
	struct server *trackers; /* servers that track this one, linked by next_tracker */
	struct server *next_tracker;
	const struct check_conf *check; /* NULL: no check */
	bool down_shuts_sessions;	/* on-marked-down shutdown-sessions */
	bool up_shuts_backups;		/* on-marked-up shutdown-backup-sessions */
	bool non_stick;
	bool unresolved;       /* init-addr none: no address yet */
	bool datagram;	       /* udp@: of log backends only */
	bool log_octet_count;  /* log-proto octet-count; else lines end in a newline */
	size_t log_bufsize;    /* of the ring of a log backend's server; 0: tune.bufsize */
	int prefer_family;     /* resolve-prefer: AF_INET, AF_INET6 or AF_UNSPEC */
	const char *init_addr; /* as written, NULL: "last,libc" */
	struct conf_pos_copy {
		const char *file;
		unsigned line;
	} pos;
};

enum server_init_state {
	SERVER_INIT_NONE,
	SERVER_INIT_FULLY_UP,
	SERVER_INIT_UP,
	SERVER_INIT_DOWN,
	SERVER_INIT_FULLY_DOWN,
};

/* Where to connect: replaced as a whole when "set server addr" changes it; freed by worker_retire(). */
struct server_dest {
	struct net_addr addr;
	enum net_port_mode port_mode;
	unsigned port;
	char cookie[17]; /* dynamic cookie of this address: 16 hex digits, or "" */
};

/* Idle connections and the like of one server on one worker; owned by src/upstream/idle.c. */
struct server_local {
	struct list idle;	     /* most recently used first */
	struct list shared, opening; /* HTTP/2: in use and with room; being made */
	bool chose_h1;		     /* the last one did not, by ALPN */
	struct mux2_counters h2;
	unsigned idle_n;
	unsigned used_n;     /* in use now */
	struct list streams; /* streams that are using the server: "shutdown sessions server" */
} WEIR_CACHE_ALIGNED;

struct server_rt {
	char *key;	       /* "backend/server" */
	struct htab_node node; /* in the registry, under its lock */
	unsigned refs;	       /* configurations and mail under way; under the registry's lock */
	unsigned workers;
	_Atomic(struct server_dest *) dest;
	atomic_uint served WEIR_CACHE_ALIGNED; /* active streams, exact: checked against maxconn */
	atomic_uint maxconn;		       /* "set maxconn server" may change it */
	atomic_uint minconn;
	struct mux2_conf h2_conf; /* set before the workers run, like */
	unsigned idle_ping_ms;	  /* "idle-ping" */
	atomic_uint slow_pct;	  /* slow start: share of weight and maxconn, 1..100 */
	atomic_uint turn;	  /* when leastconn chose it last */
	atomic_int usable
	    WEIR_CACHE_ALIGNED; /* enum server_oper != STOPPED and not in maintenance: any worker reads */
	atomic_int draining; /* takes persistent requests only */
	atomic_bool use_tls; /* "set server ssl" may change it */
	atomic_uint eweight; /* in 1/SERVER_WEIGHT_SCALE: with slow start and weight percent */

	pthread_mutex_t lock; /* of all below up to the gauges */
	enum server_oper oper;
	unsigned admin;	     /* SERVER_FMAINT ... */
	unsigned uweight;    /* as configured or set, 0..256 */
	uint64_t changed_ms; /* monotonic time of the last up/down change */
	int64_t changed_wall_s;
	uint64_t downtime_s; /* total of ended downtimes */
	unsigned down_count, check_fail_count;
	struct check *check;	 /* health; NULL without a check. The pointer is set at attach */
	struct timer slow_timer; /* worker 0's */
	struct mail slow_mail;	 /* to worker 0, to arm it */
	bool slow_posted;
	struct server *current; /* of the newest configuration that has it */
	struct server_seen { /* what that configuration says: a reload applies only what changed */
		unsigned weight, maxconn, minconn;
		bool disabled, use_tls;
	} seen;
	struct server_dest *seen_dest; /* worker 0 only */

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
/* Connections to it are encrypted. */
static inline bool server_uses_tls(const struct server *s)
{
	return atomic_load_explicit(&s->rt->use_tls, memory_order_relaxed) &&
	       atomic_load_explicit(&s->tls.client, memory_order_relaxed);
}
static inline struct counters *server_counters(const struct server *s, const struct worker *w)
{
	return &s->rt->counters[w->id];
}

/* The value that the persistence cookie has for this server; empty: none. */
struct slice server_cookie(const struct server *s);
/* No more streams now: at its limit, or others wait for it already. */
bool server_is_full(const struct server *s);
/* Streams on the server and waiting for it. */
unsigned server_load(const struct server *s);

/* The status of the CSV: "UP", "DOWN 1/2", "MAINT (via x/y)", "no check" ... Returns out. */
#define SERVER_STATUS_TEXT 192
const char *server_status_text(const struct server *s, char out[SERVER_STATUS_TEXT]);
/* Seconds since the last change of state, and spent down in all. */
uint64_t server_changed_s(const struct server *s, int64_t now_wall_s);
uint64_t server_downtime_s(const struct server *s, int64_t now_wall_s);

/*
 * ---- changes: any worker; each takes the lock, rebuilds the balance table, logs, and passes on to servers
 * that track this one ----
 */

/* The one place where the operational state changes; asserts legal steps. reason goes to the log line. */
void server_set_oper(struct worker *w, struct server *s, enum server_oper to, const char *reason);
void server_set_admin(struct worker *w, struct server *s, unsigned set, unsigned clear);
/* 0, or -EINVAL with a text in err. weight_text: "10", "50%". */
int server_set_weight(
    struct worker *w, struct server *s, const char *weight_text, char *err, size_t err_size);
/* port_mode NET_PORT_NONE: the port stays. The old struct server_dest is retired. 0 or -ENOMEM. */
int server_set_addr(struct worker *w, struct server *s, const struct net_addr *addr,
    enum net_port_mode port_mode, unsigned port);

/* Ends every stream on the server, on all workers. cause: 'D' it went down, 'U' a better one came up, 'K' admin. */
void server_shut_sessions(struct worker *w, struct server *s, char cause);
/* How: called on each worker for the streams in local->streams. Set once, before the workers start. */
typedef void server_shut_fn(struct worker *w, struct server_local *local, char cause);
void server_set_shut_hook(server_shut_fn *fn);

#endif
