/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/2 connection (RFC 9113) and its streams, on the client or the server side. Every stream is a struct
 * endpoint of its own, so whoever uses it does not see that others share the connection.
 *
 * The mux takes over conn->on_event and reads as soon as there is something: flow control bounds what it stores.
 * Streams are woken (ep->wake) after all that one read brought was decoded; what they send is collected and leaves
 * at the end of the worker's turn. Nothing of the owner's is called from within one of the calls below, except
 * where it says so; the mux is gone only once closed() was called.
 *
 * What an endpoint of it does differently from HTTP/1:
 *  - ep->conn is shared: its flags tell of the whole connection. One stream's failure is EP_ERROR in ep->flags.
 *  - a reset by the peer: EP_ERROR, and EP_IN_CLOSED unless its message was complete; mux2_refused() tells whether
 *    the peer promises that it has not looked at the request.
 *  - send_head(close) closes nothing; detach() ends the stream alone, with RST_STREAM where it was not complete.
 *  - a request's target is absolute and HTTP_MSG_NORMALIZED is set; framing CHUNKED: of unknown length.
 *  - a WebSocket of RFC 8441 comes in as a GET with "upgrade: websocket", and is answered by 101; and the other way
 *    round on the server side.
 */
#ifndef WEIR_MUX_MUX2_H
#define WEIR_MUX_MUX2_H

#include "weir/mux/endpoint.h"
#include "weir/net/conn.h"

struct mux2;

/* Counts of a proxy's HTTP/2 side, a worker's own; names as in the statistics ("h2_headers_rcvd" ...). */
struct mux2_counters {
	uint64_t headers_rcvd, data_rcvd, settings_rcvd, rst_stream_rcvd, goaway_rcvd;
	uint64_t conn_errors, stream_errors; /* protocol errors found in what came in */
	uint64_t rst_stream_resp, goaway_resp;
	uint64_t open_connections, open_streams; /* gauges */
	uint64_t total_connections, total_streams;
	uint64_t glitches;
	/* connections ended because of a limit below, by what was too much */
	uint64_t limit_resets, limit_continuations, limit_floods, limit_header_lists,
	    limit_glitches, limit_streams;
};

/* Limits and sizes; of the configuration, lives longer than the connection. */
struct mux2_conf {
	uint32_t table_size;	 /* tune.h2.header-table-size */
	uint32_t initial_window; /* tune.h2.(fe|be.)initial-window-size: of a stream */
	uint32_t max_streams;	 /* tune.h2.(fe|be.)max-concurrent-streams; never 0 */
	uint32_t max_frame;	 /* tune.h2.max-frame-size */
	uint32_t rxbuf;	    /* tune.h2.(fe|be).rxbuf: payload stored for all streams together */
	uint32_t max_total; /* tune.h2.fe.max-total-streams; 0: no limit */
	uint32_t glitches;  /* tune.h2.(fe|be).glitches-threshold; 0: none */
	uint32_t frames_at_once; /* tune.h2.(fe|be).max-frames-at-once; 0: no limit */
	uint32_t resets_at_once; /* tune.h2.fe.max-rst-at-once; 0: no limit */
	uint32_t header_list;	 /* bytes of a head, RFC 9113 6.5.2; 0: what a buffer holds */
	uint32_t max_fields;	 /* tune.http.maxhdr */
	/* attacks: 0 switches the check off */
	uint32_t resets;	/* streams that the peer may reset unanswered in a second */
	uint32_t continuations; /* CONTINUATION frames of one head */
	uint32_t floods; /* frames without use in a second (PING, SETTINGS, empty DATA ...) */
};

/* The defaults of the manual. */
void mux2_conf_default(struct mux2_conf *conf);

enum mux2_event {
	MUX2_SETTINGS, /* the peer's first SETTINGS have come: mux2_can_open() is the peer's word now */
	MUX2_GOAWAY,	   /* the peer takes no more streams */
	MUX2_ALIVE,	   /* an idle peer has answered, see mux2_ping_idle() */
	MUX2_GLITCH,	   /* the peer did something odd; text says what */
	MUX2_STREAM_ERROR, /* a stream was refused before it was anybody's; text says why */
	MUX2_CONN_ERROR, /* the connection is ended because of what the peer sent; text says why */
};

struct mux2_owner_ops {
	/*
	 * Client side: a request's head is there. The owner ties a stream to ep (ep->ops->attach()) before it returns
	 * true, and does not run it: ep->wake() follows. False: refused with REFUSED_STREAM. Called while bytes are
	 * decoded: nothing but attach() may be called back.
	 */
	bool (*request)(struct mux2 *m, struct endpoint *ep);
	/* A stream was detached, or an opened one has found no use; idle: it was the last one. May call mux2_close(). */
	void (*stream_left)(struct mux2 *m, bool idle);
	/* Nothing will happen any more, the conn is closed: the owner calls mux2_free() and frees itself. */
	void (*closed)(struct mux2 *m);
	/* For logs, counts and pools; may be NULL. Called while bytes are decoded. */
	void (*event)(struct mux2 *m, enum mux2_event event, const char *text);
};

extern const struct mux_ops mux_h2_ops;

/* Whether bytes start with the client's connection preface. */
enum h2_preface { H2_PREFACE_NO, H2_PREFACE_YES, H2_PREFACE_INCOMPLETE };
enum h2_preface h2_preface_match(struct slice bytes);

/*
 * Makes conn, open or connecting, an HTTP/2 connection. early: bytes that were read from it already; copied. The
 * memory of conn, conf and counters is the caller's. NULL: no memory, and conn is as it was. Decoding starts in a task
 * of the same turn. A conn that is connecting or shaking hands: streams may be opened, and see EP_CONNECTING.
 */
struct mux2 *mux2_new(struct conn *conn, bool client_side, const struct mux2_conf *conf,
    struct mux2_counters *counters, const struct mux2_owner_ops *ops, void *owner,
    struct slice early);
void *mux2_owner(const struct mux2 *m);
struct conn *mux2_conn(const struct mux2 *m);
/* The connection that a stream's endpoint belongs to. */
struct mux2 *mux2_of(const struct endpoint *ep);

/* Server side: an endpoint for one request, to be attached and in the end detached. NULL: mux2_can_open() says no. */
struct endpoint *mux2_open(struct mux2 *m);
/* How many streams may be opened now; 0: limit reached, GOAWAY, error, no memory. */
unsigned mux2_can_open(const struct mux2 *m);
/* Streams that are somebody's. */
unsigned mux2_streams(const struct mux2 *m);
/* Streams that there have been. */
unsigned mux2_total(const struct mux2 *m);
unsigned mux2_glitches(const struct mux2 *m);
/* The number of a stream on its connection; 0: its head was not sent yet. */
uint32_t mux2_stream_id(const struct endpoint *ep);
/* The peer has not processed the request (REFUSED_STREAM, or above the last stream of its GOAWAY): try elsewhere. */
bool mux2_refused(const struct endpoint *ep);

/*
 * From now on a connection without streams is asked every interval_ms whether the peer still answers (PING), and closed
 * when it has not done so by the next time. Once, right after mux2_new(). 0: never.
 */
void mux2_ping_idle(struct mux2 *m, unsigned interval_ms);

/*
 * Soft stop: tells the peer to open no more streams (twice, so that none on its way is lost); streams end by
 * themselves, then the connection: closed() follows.
 */
void mux2_goaway(struct mux2 *m);
/*
 * Ends it now: streams in use see EP_ERROR; GOAWAY is sent, and what the peer still sends is dropped for a moment so
 * that it can read it. closed() follows once all streams are detached, in a task of its own.
 */
void mux2_close(struct mux2 *m);
/*
 * Takes it down at once without a word: from closed(), or when the worker ends. All streams must be detached. Closes
 * the conn if it is open still; its memory stays the owner's.
 */
void mux2_free(struct mux2 *m);

#endif
