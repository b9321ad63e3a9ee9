/* SPDX-License-Identifier: MIT */
/*
 * Connections to servers, and the pool of idle ones that each worker keeps for itself (configuration manual:
 * http-reuse, pool-max-conn, pool-low-conn, pool-purge-delay, max-reuse).
 */
#ifndef WEIR_UPSTREAM_IDLE_H
#define WEIR_UPSTREAM_IDLE_H

#include "weir/mux/mux1.h"
#include "weir/mux/mux2.h"
#include "weir/upstream/server.h"

/* The longest name (RFC 1035: a host name has 255 bytes at most). */
#define SERVER_CONN_NAME_MAX 255u

/* What a stream wants of its connection; those made for different wishes are not exchanged. */
struct server_wish {
	uint64_t key;	   /* source address, PROXY header, marks, TLS context, protocol */
	struct slice name; /* "pool-conn-name", else the name that TLS asks for */
	/* of a new connection; texts are the stream's and live until it is connected */
	struct tls_client *tls; /* NULL: in the clear */
	const char *sni;	/* NULL: none */
	const char *verifyhost; /* the certificate's name; NULL: as the client has it */
	struct slice alpn;	/* as on the wire */
	uint8_t proto;		/* enum server_proto */
	bool early;		/* the request may be sent as early data */
};

/*
 * One connection to a server. Owned by its worker: in use by a stream, or by several over HTTP/2, or idle in the
 * pool.
 */
struct server_conn {
	struct mux1 m;	 /* the connection, and its messages unless it speaks HTTP/2 */
	struct mux2 *h2; /* or NULL */
	struct list
	    link; /* in server_local.idle while idle, in .shared while it takes more streams */
	struct list opening; /* in server_local.opening, while it is being established for HTTP/2 */
	struct list waiters; /* requests that wait for that: struct server_wait */
	unsigned waiters_n;
	struct list all; /* in the worker's list of idle connections, or of those that end */
	struct server_rt *rt;
	struct worker *worker;
	uint64_t idle_since_ms;
	uint64_t key; /* of the wish that it was made for, and its name */
	uint16_t name_len;
	char name[SERVER_CONN_NAME_MAX];
	uint64_t owner;	    /* client that used it last */
	unsigned requests;  /* served so far, the present one included */
	unsigned max_reuse; /* the server's bounds when it was made */
	unsigned pool_max, pool_low, purge_ms;
	bool reusable;
	bool idle;
	bool closed;	      /* nobody uses it; the holders' last one frees it */
	uint8_t holds;	      /* streams that may ask what it was */
	bool socks4_wait;     /* the SOCKS4 proxy has not answered yet */
	struct slice preface; /* to be sent ahead of everything; of the stream that opened it */
	/* for TLS while it has not begun */
	struct server_wish wish;
	const struct tls_tune *tune;
};

/* 0 or -errno. */
int upstream_worker_start(struct worker *w);
void upstream_worker_stop(struct worker *w);

/* Which idle connections a request may take (configuration manual: http-reuse). */
enum reuse_scope {
	REUSE_OWN,    /* those that this client used last */
	REUSE_PROVEN, /* also others' that have been reused before */
	REUSE_ANY,
};

struct reuse_rule {
	uint64_t owner;		 /* the client */
	enum reuse_scope idle;	 /* of those that nobody uses */
	enum reuse_scope shared; /* of those of HTTP/2 that others are using */
};

/* A connection to srv as wished, or NULL. The caller ties a stream to it; detaching gives it back. */
struct server_conn *server_conn_reuse(struct worker *w, struct server *srv,
    const struct server_wish *wish, const struct reuse_rule *rule);
/* It is as wished, and within that scope. */
bool server_conn_suits(const struct server_conn *sc, const struct server_wish *wish, uint64_t owner,
    enum reuse_scope scope);

/* ---- opening.c: connections that are being established ---- */

/* A request that waits for one. */
struct server_wait {
	struct list link;
	struct server_conn *sc; /* NULL: does not wait */
	/* It was established, or failed; wait is no more. May not run the stream at once. */
	void (*told)(struct server_wait *wait);
};

/* Lists a new connection among them, where it may come to speak HTTP/2. */
void server_conn_announce(struct server_conn *sc);
/* Waits for one that the rule allows to share and that will have room. False: there is none. */
bool server_conn_await(struct worker *w, struct server *srv, const struct server_wish *wish,
    const struct reuse_rule *rule, struct server_wait *wait);
/* Waits no longer; harmless for one that does not. */
void server_conn_await_end(struct server_wait *wait);
/* What it speaks is known, or that it has failed: tells all who wait. */
void server_conn_opened(struct server_conn *sc);
/*
 * A new connection, connecting to `to`; http decides the mux. NULL with -errno in *ret_error. Counts in the
 * server's connections.
 */
struct server_conn *server_conn_open(struct worker *w, struct server *srv,
    const struct net_addr *to, const struct net_connect_opts *opts, bool http,
    const struct server_wish *wish, int *ret_error);
/* Where the next message of the connection begins. NULL: HTTP/2 and no memory, or no more streams. */
struct endpoint *server_conn_endpoint(struct server_conn *sc);
/*
 * An established connection goes on as HTTP/2 and takes more streams, as the wish it was made for allows. Nobody may
 * use its endpoint. 0 or -ENOMEM.
 */
int server_conn_start_h2(struct server_conn *sc);
/*
 * Starts TLS on a connection that was wished for with it, once its preface is known: what that holds goes ahead of TLS
 * in the clear. EP_CONNECTING of a stream that is tied to it later covers all of it. 0 or -errno.
 */
int server_conn_secure(struct server_conn *sc);
/* Closes it at once. */
void server_conn_close(struct server_conn *sc);
/*
 * What is known of its TLS can be asked until server_conn_put(), also when it is closed in the meantime. Null where too
 * many hold it already.
 */
struct server_conn *server_conn_hold(struct server_conn *sc);
/* NULL is fine. */
void server_conn_put(struct server_conn *sc);
/* Idle connections of a server on all workers, for the statistics. */
unsigned server_idle_count(const struct server *srv, unsigned workers);
/* Closes this worker's idle connections to rt. */
void server_idle_purge(struct worker *w, struct server_rt *rt);

#endif
