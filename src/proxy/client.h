/* SPDX-License-Identifier: MIT */
/*
 * A client connection: from accept to close, over all its requests. Owns the mux and, while idle, nothing
 * else. Shared by the files of this module.
 */
#ifndef WEIR_SRC_PROXY_CLIENT_H
#define WEIR_SRC_PROXY_CLIENT_H

#include "weir/mux/mux1.h"
#include "weir/mux/mux2.h"
#include "weir/proxy/process.h"

struct stream;
struct log_profile;

/*
 * What few connections have: a PROXY header, or rules that asked where it was going. From malloc(), freed with the
 * client.
 */
struct client_extra {
	struct net_peer dst;	/* of the PROXY header or a rule; AF_UNSPEC: fc_dst */
	struct net_peer fc_src; /* of the connection, AF_UNSPEC: the client's src */
	struct net_peer fc_dst; /* of the connection, AF_UNSPEC: the kernel knows */
	size_t tlvs_len;	/* of the PROXY header, as they came */
	char tlvs[];
};

enum client_state {
	CLIENT_PREFACE,	  /* waiting for the PROXY header */
	CLIENT_HANDSHAKE, /* the transport's handshake is under way */
	CLIENT_IDLE,	  /* between requests: no buffer, no stream */
	CLIENT_STREAM,	  /* a stream is at work */
	CLIENT_H2,	  /* HTTP/2: any number of streams */
	CLIENT_LINGER, /* all is sent; reading what the client still sends, so that it sees our answer */
};

struct client {
	struct mux1 m;
	struct list link; /* proxy_local.client_list */
	struct bind_conf *bind;
	struct proxy *fe;
	struct stream *stream;
	struct mux2 *h2; /* or NULL */
	struct timer timer;
	struct task task;      /* the next request is in the buffer already */
	uint64_t deadline_ms;  /* of the present state; 0: none */
	uint64_t accept_us;    /* or when the last response ended */
	uint64_t handshake_us; /* PROXY header done */
	int64_t accept_wall_us;
	uint64_t id;
	struct server *last_server; /* option prefer-last-server */
	struct client_extra *extra; /* or NULL */
	struct var_list vars;	    /* of scope sess */
	struct net_peer src;
	uint32_t requests;
	uint8_t state;
	bool rcvd_proxy : 1;   /* a PROXY header has come */
	bool expect_proxy : 1; /* a PROXY header comes first */
	bool counted : 1;      /* in the frontend's and the process's counts */
	bool http : 1;	       /* speaks HTTP: by the frontend's mode, or upgraded */
};

/* An idle client connection costs this and libc's 16 bytes: 512 in all. */
#define CLIENT_SIZE_MAX 496
_Static_assert(
    sizeof(struct client) <= CLIENT_SIZE_MAX, "an idle client connection has outgrown its budget");

/* Takes over an accepted descriptor. The connection was counted by the listener. */
void client_accept(struct worker *w, struct bind_conf *bind, int fd, const struct net_peer *src);
void client_close(struct client *c);
/* Until the present state has lasted too long; 0: for ever. */
void client_set_deadline(struct client *c, uint64_t delay_ms);
/* How long it may wait for a request: the manual's timeouts http-request and http-keep-alive, milliseconds. */
unsigned client_idle_timeout(const struct client *c);
/* One more exchange is behind it; times of the next one begin now. */
void client_request_over(struct client *c);
/* client_h2.c: the connection goes on as HTTP/2, with the bytes of it that have come. May close it. */
void client_start_h2(struct client *c);
/* It was idle for too long. */
void client_h2_timeout(struct client *c);
/* Marks its packets (RULE_SET_FC_*). */
void client_set(struct client *c, enum rule_knob knob, int64_t value);
/* Before it is closed: the client shall hear nothing of it; ttl: of the reset that is sent all the same, or 0. */
void client_drop(struct client *c, unsigned ttl);
/* A line for "do-log" while there is no stream; cx is that of the rules. */
void client_do_log(struct client *c, const struct rule_ctx *cx, enum rules_kind kind,
    const struct log_profile *profile);
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

/* What rules ask while there is no stream yet: tcp-request connection and session. */
extern const struct rule_host client_rule_host;
/* Where it connected to, by the PROXY header or the kernel. NULL: unknown. */
const struct net_peer *client_dst(struct client *c);
/* The ends of the connection itself, whatever a PROXY header says. */
const struct net_peer *client_fc_src(const struct client *c);
const struct net_peer *client_fc_dst(struct client *c);
/* Texts by the name of their fetch: fc_err_name, fc_err_str; raw TLVs as fc_pp_tlvs. error: of the session. */
struct slice client_text(const struct client *c, struct slice error, const char *what);
/* Notes version and cipher of its TLS connection, if it is one. */
void client_note_tls(const struct client *c, struct log_record *r);

/* listener.c: connections that this listener has now. */
unsigned listener_conns(const struct bind_conf *bind);
/* One connection less; lets a full frontend accept again. */
void listener_connection_closed(struct worker *w, struct bind_conf *bind);

#endif
