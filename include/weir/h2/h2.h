/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/2 codec (RFC 9113): one connection's bytes in, events out, and frames back. No sockets. HPACK is
 * in hpack.h; the framing, the states of streams and both ways' flow control are here. Memory of streams is the
 * user's: it embeds a struct h2_stream in its own, and the session keeps a table of those that are not closed.
 *
 * A session never ends by itself: where the peer broke the protocol it queues GOAWAY, remembers why (failed, why) and
 * takes no more input.
 */
#ifndef WEIR_H2_H2_H
#define WEIR_H2_H2_H

#include "weir/h2/head.h"
#include "weir/h2/hpack.h"
#include "weir/h2/out.h"

struct h2_session;

/* RFC 9113 7 */
enum h2_error {
	H2_NO_ERROR,
	H2_PROTOCOL_ERROR,
	H2_INTERNAL_ERROR,
	H2_FLOW_CONTROL_ERROR,
	H2_SETTINGS_TIMEOUT,
	H2_STREAM_CLOSED,
	H2_FRAME_SIZE_ERROR,
	H2_REFUSED_STREAM,
	H2_CANCEL,
	H2_COMPRESSION_ERROR,
	H2_CONNECT_ERROR,
	H2_ENHANCE_YOUR_CALM,
	H2_INADEQUATE_SECURITY,
	H2_HTTP_1_1_REQUIRED,
};

#define H2_PREFACE	   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_PREFACE_LEN	   24
#define H2_FRAME_HEAD	   9
#define H2_FRAME_SIZE	   16384 /* what every peer takes */
#define H2_WINDOW	   65535 /* before any SETTINGS */
#define H2_WINDOW_MAX	   INT32_MAX
#define H2_STREAM_ID_MAX   INT32_MAX
#define H2_TABLE_BUCKETS   32
#define H2_TABLE_FEW	   4
#define H2_RECENTLY_CLOSED 32

#define H2_ST_LOCAL_END	 0x01u /* END_STREAM was sent */
#define H2_ST_REMOTE_END 0x02u /* and has come */
#define H2_ST_CLOSED	 0x04u /* off the table: nothing more may be sent */
#define H2_ST_HEAD	 0x08u /* the peer's final head has come */
#define H2_ST_LENGTH	 0x10u /* body_left counts */
#define H2_ST_FOR_HEAD                                                                             \
	0x20u /* its request is a HEAD, so that a length in the answer tells of no payload */
#define H2_ST_CONNECT 0x40u /* its request is a CONNECT: a 2xx answer begins a tunnel */

/* What the session knows of a stream; zeroed, then h2_stream_open() or by request(). */
struct h2_stream {
	struct h2_stream *next; /* in the table */
	uint32_t id;
	int32_t send_window;  /* below 0 after SETTINGS made it smaller */
	int32_t recv_window;  /* what the peer may still send */
	uint32_t recv_credit; /* consumed, not given back yet */
	uint64_t body_left;
	uint8_t state; /* H2_ST_* */
};

struct h2_conf {
	uint32_t table_size, initial_window, max_streams, max_frame;
	uint32_t conn_window; /* of the connection, given back as bytes arrive */
	uint32_t head_max;    /* bytes of a head's text */
	uint32_t max_fields;
	uint32_t continuations; /* frames of one head; 0: any number */
	uint32_t floods;	/* useless frames in a second; 0: any number */
	bool client_side;	/* we are the server of it */
};

/* What the peer may do wrong by itself without ending anything, or as the reason of an end. */
enum h2_limit {
	H2_LIMIT_NONE,
	H2_LIMIT_CONTINUATIONS,
	H2_LIMIT_FLOOD,
	H2_LIMIT_HEADER_LIST,
};

/* All of them must be there. Streams may not be closed or freed from within, nor the session. */
struct h2_ops {
	/*
	 * Client side: a valid request head; s->head tells it. The new stream, its id and windows are set by the
	 * session; NULL refuses it.
	 */
	struct h2_stream *(*request)(struct h2_session *s, bool end);
	/* Server side: a response head, interim ones included. end: no payload follows. */
	void (*response)(struct h2_session *s, struct h2_stream *st, bool end);
	void (*trailers)(struct h2_session *s, struct h2_stream *st);
	/* Payload; the bytes are the caller's of h2_session_recv(). */
	void (*data)(struct h2_session *s, struct h2_stream *st, struct slice bytes);
	/* The peer's message is complete. */
	void (*end)(struct h2_session *s, struct h2_stream *st);
	/* The stream is closed by an error, and off the table: the peer's, or ours (why: what was wrong). */
	void (*reset)(struct h2_session *s, struct h2_stream *st, uint32_t error, bool by_peer,
	    const char *why);
	/* A request was refused before there was a stream: status of an answer that was sent, or 0. */
	void (*refused)(struct h2_session *s, unsigned status, const char *why);
	/* A window of st, or of the connection (NULL), went from closed to open. */
	void (*window)(struct h2_session *s, struct h2_stream *st);
	/* SETTINGS were applied. */
	void (*settings)(struct h2_session *s);
	void (*ping_ack)(struct h2_session *s);
	/* The peer will take no stream above last. Those that are were reset with REFUSED_STREAM before. */
	void (*goaway)(struct h2_session *s, uint32_t last, uint32_t error);
	/* Something odd that costs more than it is worth. */
	void (*glitch)(struct h2_session *s, const char *why);
};

/* A header block that is coming in. */
struct h2_block {
	uint32_t id; /* 0: none */
	uint32_t frames;
	uint32_t size; /* bytes of its fields */
	bool end;      /* END_STREAM */
	bool ignored;  /* decoded for the compression's sake only */
	bool refuse;   /* REFUSED_STREAM behind it */
	char
	    *rest; /* the beginning of a field that goes on in the next frame, or NULL; malloc'ed */
	uint32_t rest_len;
};

/* Streams that we reset: frames for them are on their way. */
struct h2_resets {
	uint32_t ids[H2_RECENTLY_CLOSED];
	uint32_t at;
};

struct h2_session {
	const struct h2_ops *ops;
	struct h2_conf conf;
	struct h2_mem *mem;
	struct hpack_decoder decoder;
	struct h2_out out;
	struct h2_head *head; /* of the block that is coming in, in a buffer; else NULL */
	struct h2_block block;
	struct h2_stream *
	    *table; /* few, or H2_TABLE_BUCKETS of the worker's while there are many */
	struct h2_stream *few[H2_TABLE_FEW];
	uint32_t buckets;
	uint32_t streams_n;  /* in the table */
	uint32_t next_id;    /* of a stream of ours */
	uint32_t last_id;    /* highest of the peer's streams */
	uint32_t last_taken; /* highest of those that were handed to the user */
	int32_t send_window, recv_window;
	uint32_t recv_credit;
	/* the DATA frame that is coming in */
	struct h2_stream *data_stream; /* NULL: its payload is dropped */
	uint32_t data_left, data_pad;
	bool in_data, data_end;
	/* the peer's settings */
	uint32_t peer_window, peer_streams, peer_frame;
	bool peer_connect; /* RFC 8441 */
	bool got_settings, preface_done;
	bool table_refused;	/* the peer has made its table smaller than ours could be */
	bool table_refusal_due; /* and is to be told that we use none */
	bool goaway_sent;	/* the last one: streams above last_taken are ignored */
	uint8_t failed;		/* enum h2_error; H2_NO_ERROR: fine */
	uint8_t limit;		/* enum h2_limit, with failed */
	bool is_failed;
	const char *why;	     /* static text */
	uint32_t pings;		     /* of ours that were not answered */
	uint32_t replies;	     /* sent for the peer's sake since the output was last empty */
	uint32_t useless;	     /* frames since useless_ms */
	uint32_t now_ms, useless_ms; /* they wrap; now_ms is set by the user */
	struct h2_resets *resets;    /* NULL: we have reset no stream */
	/* frames that have come and gone */
	uint32_t headers_rcvd, data_rcvd, settings_rcvd, rst_rcvd, goaway_rcvd, rst_sent,
	    goaway_sent_n;
};

/* What sessions of a worker share. */
struct h2_mem;
struct h2_mem *h2_mem_new(void);
void h2_mem_free(struct h2_mem *mem);

/*
 * Starts a session and queues its preface and SETTINGS. bufs: of the output and the head being read; objects of at
 * least 2 KiB. 0 or -ENOMEM.
 */
WEIR_NODISCARD int h2_session_init(struct h2_session *s, const struct h2_conf *conf,
    const struct h2_ops *ops, struct pool *bufs, struct h2_mem *mem);
/* Streams still in the table are the user's. */
void h2_session_done(struct h2_session *s);
/*
 * Decodes, at most max_frames frames (0: all). Returns the bytes used up; what is left is part of a frame (of at most
 * H2_FRAME_HEAD + conf.max_frame bytes), or input behind the bound, and comes first in the next call.
 */
size_t h2_session_recv(struct h2_session *s, const char *buf, size_t len, unsigned max_frames);
/* Ends it with GOAWAY; why: static text. The first reason stays. */
void h2_session_fail(struct h2_session *s, enum h2_error error, const char *why);
struct h2_stream *h2_find(const struct h2_session *s, uint32_t id);

/* A stream of ours: gives it the next number. -ENOSPC: none are left. */
WEIR_NODISCARD int h2_stream_open(struct h2_session *s, struct h2_stream *st);
/* Ends it with RST_STREAM unless it is closed. */
void h2_reset(struct h2_session *s, struct h2_stream *st, enum h2_error error);
/* Heads out; fields of HTTP/1 connections are left out. 0 or -ENOMEM. */
struct h2_request_line {
	struct slice method, scheme, authority, path, protocol;
};
WEIR_NODISCARD int h2_send_request(struct h2_session *s, struct h2_stream *st,
    const struct h2_request_line *line, const struct http_msg *m, bool end);
WEIR_NODISCARD int h2_send_response(struct h2_session *s, struct h2_stream *st, unsigned status,
    const struct http_msg *m, bool end);
WEIR_NODISCARD int h2_send_trailers(
    struct h2_session *s, struct h2_stream *st, const struct http_msg *m);
/* Payload bytes that flow control lets pass on st now. */
size_t h2_send_room(const struct h2_session *s, const struct h2_stream *st);
/* The head of a DATA frame; h2_data_sent() once the frame is on its way for certain. */
void h2_data_head(const struct h2_stream *st, size_t len, bool end, char out[H2_FRAME_HEAD]);
void h2_data_sent(struct h2_session *s, struct h2_stream *st, size_t len, bool end);
/* Payload was consumed: gives the window back, in pieces worth a frame. more: beside that, let it grow by so much. */
void h2_consumed(struct h2_session *s, struct h2_stream *st, size_t len, uint32_t more);
/* last: H2_STREAM_ID_MAX announces the end, any other makes it so. */
void h2_send_goaway(struct h2_session *s, uint32_t last, enum h2_error error);
void h2_send_ping(struct h2_session *s);

#endif
