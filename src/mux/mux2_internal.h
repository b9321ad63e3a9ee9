/* SPDX-License-Identifier: MIT */
/* What the files of the HTTP/2 mux share. */
#ifndef WEIR_SRC_MUX_MUX2_INTERNAL_H
#define WEIR_SRC_MUX_MUX2_INTERNAL_H

#include "mux1_internal.h"
#include "weir/h2/h2.h"
#include "weir/mux/mux2.h"

/* A worker's memory for HTTP/2; made with its first connection, hangs off struct mux_local. */
struct mux2_local {
	struct pool conns, streams;
	struct pool early;
	struct pool reads; /* what one read from the kernel fills */
	struct h2_mem *mem;
};

/* One read: two whole frames of the usual size. */
#define MUX2_READ_SIZE (32u * 1024 + 256)

/* NULL: no memory. */
struct mux2_local *mux2_local(struct worker *w);

/* A piece of payload that has come, of the pool of buffers: taken <= lent <= end. */
struct mux2_chunk {
	struct mux2_chunk *next;
	uint32_t taken, lent, end;
	char bytes[];
};

/* A response head that waits for the stream to take the one before it. */
struct mux2_head {
	struct mux2_head *next;
	bool interim, end;
	struct http_msg msg;
};

struct mux2_stream {
	struct endpoint ep;
	struct h2_stream h;
	struct mux2 *m;
	struct list link;    /* mux2.streams, or early */
	struct list ready;   /* mux2.ready: to be woken */
	struct list blocked; /* mux2.blocked: waits for the connection */
	struct mux2_chunk *first, *last;
	struct mux2_head *heads, **heads_tail;
	struct http_msg *out_trailers;
	struct http_msg *waiting; /* a request that waits for the server's SETTINGS */
	size_t stored;		  /* bytes of chunks that were not given back to the peer */
	size_t gone;		  /* consumed and let go: rewind() cannot bring them back */
	size_t kept;		  /* consumed and held */
	uint64_t until_ms;	  /* on mux2.early */
	uint32_t share;		  /* what the window has grown to */
	struct slice protocol; /* server side: asked for by an extended CONNECT; of the request */
	char ws_accept[28];    /* server side: what a WebSocket's 101 must say */
	bool attached : 1;
	bool receives : 1;
	bool head_given : 1; /* the final head is in ep->msg */
	bool in_done : 1;    /* the peer's message is complete */
	bool holds : 1;
	bool websocket : 1; /* server side: that is the protocol */
	bool upgrade : 1;   /* client side: the same */
	bool head_sent : 1;
	bool tunnel : 1;
	bool tunnel_wait : 1; /* payload is of the tunnel: not lent before there is one */
	bool refused : 1;
	bool shut_wanted : 1; /* END_STREAM as soon as there is room */
	bool queued_trailers : 1;
};

/* Streams that are answered and nobody's any more, to be reset in a moment. */
struct mux2_early {
	struct mux2 *m;
	struct list streams;
	struct timer timer;
};

enum mux2_state {
	MUX2_OPEN,
	MUX2_DRAINING, /* GOAWAY announced */
	MUX2_LAST,     /* the final GOAWAY is sent: no new streams */
	MUX2_CLOSING,  /* ends as soon as streams are gone and the output is sent */
	MUX2_LINGER,   /* our FIN is sent */
	MUX2_DEAD,     /* closed() is due */
};

struct mux2 {
	struct conn *conn;
	const struct mux2_conf *conf;
	const struct mux2_owner_ops *ops;
	void *owner;
	struct mux2_counters *counters;
	struct h2_session h2;
	char *rx; /* input that is not decoded yet */
	uint32_t rx_at, rx_end;
	struct list streams, ready, blocked;
	struct mux2_early *early;    /* NULL: there are none */
	struct mux2_stream *serving; /* its turn among the blocked */
	struct task task;
	struct timer timer; /* pings while OPEN; the end of each state behind it */
	unsigned streams_n, total, glitches;
	unsigned ping_ms;			       /* mux2_ping_idle() */
	unsigned receiving;			       /* streams that payload is expected of */
	uint32_t resets;			       /* by the peer, since resets_ms */
	unsigned requests_now, resets_now, frames_now; /* in this go */
	uint32_t resets_ms;
	uint64_t last_in_ms; /* the peer was heard of */
	uint8_t state;
	bool client_side : 1;
	bool peer_goaway : 1;
	bool connecting : 1;
	bool told_failure : 1;
	bool had_its_go : 1; /* in this turn, and there is more to do */
};

static inline struct mux2_stream *stream_of(const struct endpoint *ep)
{
	return container_of(ep, struct mux2_stream, ep);
}

static inline struct pool *buffers_of(const struct mux2 *m)
{
	return &mux_local(m->conn->worker)->buf;
}

/* ---- mux2.c ---- */
struct mux2_stream *mux2_stream_new(struct mux2 *m);
void mux2_stream_free(struct mux2_stream *st);
/* It is woken once the input at hand is decoded. */
void mux2_make_ready(struct mux2_stream *st);
/* The task runs: at the end of this turn, or in the next. */
void mux2_schedule(struct mux2 *m);
/* Room for input behind rx_end; false: none, or no memory. */
bool mux2_make_room(struct mux2 *m);
void mux2_drop_read(struct mux2 *m);
void mux2_update_counters(struct mux2 *m);
/* Flags of all streams, which are woken. */
void mux2_tell_streams(struct mux2 *m, uint32_t set, uint32_t clear);
void mux2_on_event(struct conn *c);
task_fn mux2_on_task;
timer_fn mux2_on_timer;
/* Resets those at once. */
void mux2_end_early(struct mux2 *m);

/* ---- mux2_life.c ---- */
/* The peer of an idle connection is asked, if it is time, or was asked in vain. */
void mux2_ping(struct mux2 *m);

/* ---- mux2_in.c ---- */
extern const struct h2_ops mux2_h2_ops;
void mux2_attach(struct endpoint *ep, void *stream, void (*wake)(struct endpoint *ep),
    struct http_msg *msg, struct inflow *in, struct arena *arena);
bool mux2_recv(struct endpoint *ep);
void mux2_consume(struct endpoint *ep, size_t n);
void mux2_hold(struct endpoint *ep, bool hold);
bool mux2_rewind(struct endpoint *ep);
void mux2_drop_input(struct mux2_stream *st);

/* ---- mux2_out.c ---- */
int mux2_send_head(struct endpoint *ep, struct http_msg *msg, bool close);
size_t mux2_send(struct endpoint *ep, const struct iovec *iov, unsigned n, bool end, bool more);
void mux2_trailers(struct endpoint *ep, struct http_msg *trailers);
void mux2_shut(struct endpoint *ep);
/* Sends what is queued. */
void mux2_flush(struct mux2 *m);
/* Lets streams that wait for the connection go on, one after the other. */
void mux2_serve_blocked(struct mux2 *m);

/* ---- mux2_head.c: a message of HTTP/2 and one as the rest of weir knows it ---- */

/* The request head in m->h2.head, for the stream that attaches. 0 or -errno. */
int mux2_take_request(struct mux2_stream *st);
/* RFC 8441's answer is a 200; the stream is told 101. */
int mux2_take_upgrade(struct mux2_stream *st, struct http_msg *msg);
int mux2_write_request(struct mux2_stream *st, struct http_msg *msg, bool end);
int mux2_write_response(struct mux2_stream *st, struct http_msg *msg, bool end);

#endif
