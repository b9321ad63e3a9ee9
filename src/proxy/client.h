/* SPDX-License-Identifier: MIT */
/*
 * A client connection: from accept to close, over all its requests. Owns the mux and, while idle, nothing
 * else. Shared by the files of this module.
 */
#ifndef WEIR_SRC_PROXY_CLIENT_H
#define WEIR_SRC_PROXY_CLIENT_H

#include "weir/mux/mux1.h"
#include "weir/proxy/process.h"

struct stream;

enum client_state {
	CLIENT_PREFACE, /* waiting for the PROXY header */
	CLIENT_IDLE,	/* between requests: no buffer, no stream */
	CLIENT_STREAM,	/* a stream is at work */
	CLIENT_LINGER, /* all is sent; reading what the client still sends, so that it sees our answer */
};

struct client {
	struct mux1 m;
	struct list link; /* proxy_local.client_list */
	struct bind_conf *bind;
	struct proxy *fe;
	struct stream *stream;
	struct timer timer;
	struct task task;      /* the next request is in the buffer already */
	uint64_t deadline_ms;  /* of the present state; 0: none */
	uint64_t accept_us;    /* or when the last response ended */
	uint64_t handshake_us; /* PROXY header done */
	int64_t accept_wall_us;
	uint64_t id;
	struct server *last_server; /* option prefer-last-server */
	struct var_list vars;	    /* of scope sess */
	struct net_peer src;
	struct net_peer dst; /* from the PROXY header, when has_dst */
	uint32_t requests;
	uint8_t state;
	bool has_dst;
	bool expect_proxy; /* a PROXY header comes first */
	bool counted;	   /* in the frontend's and the process's counts */
};

/* An idle client connection costs this and libc's 16 bytes: 512 in all. */
#define CLIENT_SIZE_MAX 496
_Static_assert(
    sizeof(struct client) <= CLIENT_SIZE_MAX, "an idle client connection has outgrown its budget");

/* Takes over an accepted descriptor. The connection was counted by the listener. */
void client_accept(struct worker *w, struct bind_conf *bind, int fd, const struct net_peer *src);
void client_close(struct client *c);
/* Closes idle clients of this worker (soft stop); those at work end with their request. */
void clients_close_idle(struct worker *w);

/* Adds one to a field (its offset in struct counters) of the frontend and, if it is counted, the listener. */
static inline void client_count(const struct client *c, size_t field)
{
	const struct worker *w = c->m.conn.worker;
	struct bind_stats *st = c->bind->stats;
	counter_inc((uint64_t *)((char *)frontend_counters(c->fe, w) + field));
	if (unlikely(st))
		counter_inc((uint64_t *)((char *)&st->counters[w->id] + field));
}

/* listener.c: one connection less; lets a full frontend accept again. */
void listener_connection_closed(struct worker *w, struct bind_conf *bind);

#endif
