/* SPDX-License-Identifier: MIT */
/*
 * A connection that carries one message at a time and each way: HTTP/1, or raw bytes (TCP mode and tunnels),
 * on the client or the server side. It owns the connection and its buffers; buffers are there only while a
 * message is under way.
 */
#ifndef WEIR_MUX_MUX1_H
#define WEIR_MUX_MUX1_H

#include "weir/h1/h1.h"
#include "weir/mux/endpoint.h"
#include "weir/net/conn.h"

/* Per-worker memory of this module, WORKER_SLOT_MUX. */
struct net_pipe_pool;
struct mux2_local;
struct mux_local {
	struct pool buf;	     /* tune.bufsize */
	struct pool large;	     /* for bulk transfers; bounded, optional */
	uint32_t head_max;	     /* longest head that is accepted */
	struct net_pipe_pool *pipes; /* splice(2) */
	struct mux2_local *h2;	     /* of mux2.c; NULL before the first HTTP/2 connection */
};

struct mux_setup {
	unsigned bufsize;	/* tune.bufsize: payload that a buffer holds */
	unsigned maxrewrite;	/* tune.maxrewrite: a head must leave so much of it free */
	unsigned buffers_limit; /* tune.buffers.limit a worker; 0: none */
	unsigned maxpipes;	/* for splicing, a worker; 0: never splice */
	unsigned pipesize;	/* bytes of each; 0: the default */
};

/* 0 or -ENOMEM. */
int mux_worker_start(struct worker *w, const struct mux_setup *setup);
void mux_worker_stop(struct worker *w);

static inline struct mux_local *mux_local(const struct worker *w)
{
	return w->slot[WORKER_SLOT_MUX];
}

/* Bytes received and where decoding stands: start <= decoded <= end <= size. */
struct rxbuf {
	char *mem;
	uint32_t size;
	uint32_t base;	  /* bytes before are the head, kept for the stream */
	uint32_t decoded; /* bytes before are in the inflow or consumed */
	uint32_t end;	  /* bytes before were received */
};

struct mux1 {
	struct conn conn;
	struct endpoint ep;
	struct rxbuf rx;
	char *head_mem; /* the buffer with the head once rx.mem is another */
	struct h1_body body;
	/* bytes of ours that wait to be sent in front of payload: head, chunk framing, PROXY header */
	struct slice out;
	struct slice out_chunk;	       /* chunk framing to send behind out, in chunk_text */
	struct http_msg *out_trailers; /* fields to send behind the last chunk, or NULL */
	uint64_t out_chunk_left;       /* payload of the announced chunk still to send */
	uint8_t out_framing;	       /* enum http_framing of the message we send */
	uint8_t in_state;	       /* MUX1_IN_* */
	bool client_side : 1;	       /* requests come in; else responses do */
	bool large : 1;		       /* rx.mem is of the large pool */
	bool rx_keep_all : 1;	       /* keep consumed bytes: the request may be sent again */
	bool out_ended : 1;	       /* the last chunk is committed */
	uint8_t full_reads;	       /* reads in a row that filled their buffer */
	char chunk_text[H1_CHUNK_HEAD_MAX];
	/* The last stream is gone: the owner takes the connection back (idle), or closes it. */
	void (*released)(struct mux1 *m, bool keep);
	/* An event while no stream uses the connection. */
	void (*idle_event)(struct mux1 *m);
};

enum {
	MUX1_IN_IDLE, /* before the first byte of a message */
	MUX1_IN_HEAD,
	MUX1_IN_BODY,
	MUX1_IN_TRAILERS,
	MUX1_IN_DONE,
	MUX1_IN_TUNNEL, /* raw */
};

extern const struct mux_ops mux_h1_ops;
extern const struct mux_ops mux_raw_ops;

/* Fills in m around an open or connecting descriptor; ops decides h1 or raw. 0 or -errno: fd stays the caller's. */
WEIR_NODISCARD int mux1_start(
    struct mux1 *m, struct worker *w, int fd, bool client_side, const struct mux_ops *ops);
/* Closes and frees buffers; the memory of m stays the owner's. */
void mux1_close(struct mux1 *m);
/* Frees the receive buffer: whoever goes on with the connection has what was in it. */
void mux1_drop(struct mux1 *m);
/* Frees the receive buffer unless bytes of the next message are in it. */
void mux1_trim(struct mux1 *m);

static inline bool mux1_has_bytes(const struct mux1 *m)
{
	return m->rx.end > m->rx.decoded;
}

/* Reads into the buffer without decoding: what the PROXY header parser needs. Bytes now there, or -errno. */
ssize_t mux1_fill(struct mux1 *m);
static inline struct slice mux1_bytes(const struct mux1 *m)
{
	return slice_make(m->rx.mem + m->rx.decoded, m->rx.end - m->rx.decoded);
}
/*
 * A raw client connection goes on as HTTP/1: what came in and was not forwarded is decoded anew. Nothing may have
 * been consumed or sent.
 */
void mux1_become_h1(struct mux1 *m);
/* Drops n undecoded bytes from the front. */
void mux1_skip(struct mux1 *m, size_t n);

/* Bytes to send in front of everything else; memory lives until sent. */
static inline void mux1_preface(struct mux1 *m, struct slice bytes)
{
	m->out = bytes;
}

#endif
