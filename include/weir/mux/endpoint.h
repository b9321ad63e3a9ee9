/* SPDX-License-Identifier: MIT */
/*
 * The narrow interface between a stream and each of its two connections. A mux turns the bytes of a connection
 * into one message at a time for a stream (head, payload, end), and a stream's message into bytes. The stream
 * sees only this; whether HTTP/1, HTTP/2 or raw TCP is behind it is the mux's affair.
 *
 * Payload is never copied: a mux lends slices of the buffer it read into (struct inflow); the stream hands
 * them to the other endpoint's send(), and gives back what was taken by consume().
 */
#ifndef WEIR_MUX_ENDPOINT_H
#define WEIR_MUX_ENDPOINT_H

#include <sys/uio.h>

#include "weir/base/arena.h"
#include "weir/http/http.h"
#include "weir/net/conn.h"

struct endpoint;

#define INFLOW_SEGMENTS 24

/* Payload that was received and not forwarded yet, oldest first. Lives in the stream. */
struct inflow {
	unsigned first; /* index of the oldest */
	unsigned n;	/* behind the newest */
	size_t bytes;	/* sum */
	uint64_t total; /* payload bytes since the head */
	struct iovec seg[INFLOW_SEGMENTS];
};

/* Leaves the segments as they are: most of them are never used. */
static inline void inflow_init(struct inflow *f)
{
	f->first = f->n = 0;
	f->bytes = 0;
	f->total = 0;
}

static inline bool inflow_is_empty(const struct inflow *f)
{
	return f->first == f->n;
}

/* Adds bytes behind the newest, which they may continue. False: the table is full. */
bool inflow_add(struct inflow *f, struct slice bytes);
/* Takes n of the oldest bytes off. */
void inflow_take(struct inflow *f, size_t n);

/* What has come in, and what went wrong; set by the mux, read by the stream. */
#define EP_IN_HEAD     0x0001u /* the head is complete: *msg is filled */
#define EP_IN_END      0x0002u /* the message is complete; payload may still lie in the inflow */
#define EP_IN_CLOSED   0x0004u /* the peer sends no more (FIN), all of it decoded */
#define EP_IN_BAD      0x0008u /* the peer broke the protocol: bad_error, bad_at */
#define EP_IN_FULL     0x0010u /* no room to read before payload is consumed */
#define EP_ERROR       0x0020u /* the connection failed: see conn->error */
#define EP_OUT_BLOCKED 0x0040u /* the kernel took less than given: wait */
#define EP_OUT_END     0x0080u /* our message is sent whole */
#define EP_OUT_CLOSED  0x0100u /* we have sent our FIN */
#define EP_NO_MEMORY   0x0200u /* a buffer was refused */
#define EP_IN_ANY      0x0400u /* at least one byte of this message has come */
#define EP_CONNECTING  0x0800u /* not established yet (server side) */
#define EP_IN_TRAILERS 0x1000u /* trailers were received into ep->trailers */
#define EP_OUT_PENDING 0x8000u /* bytes of ours wait to be sent: a head */
#define EP_OUT_KEEP    0x2000u /* the head we sent allows another message behind it */
#define EP_IN_KEEP     0x4000u /* so does the head that came in */

struct mux_ops {
	const char *name;
	bool http;
	/* Ties a stream to ep for the next message; the pointers are the stream's. */
	void (*attach)(struct endpoint *ep, void *stream, void (*wake)(struct endpoint *ep),
	    struct http_msg *msg, struct inflow *in, struct arena *arena);
	/*
	 * Reads what is there and decodes it: flags, msg, inflow. Returns true when something new came. A short
	 * read ends it: no second system call without need.
	 */
	bool (*recv)(struct endpoint *ep);
	/* The stream has forwarded n payload bytes of the inflow. */
	void (*consume)(struct endpoint *ep, size_t n);
	/*
	 * Encodes a head into the endpoint's pending bytes; sent with the next send(). close: announce that the
	 * connection ends behind this message. 0 or -ENOMEM.
	 */
	int (*send_head)(struct endpoint *ep, struct http_msg *m, bool close);
	/*
	 * Sends pending bytes and payload. end: this is all of the message. Returns the payload bytes taken;
	 * EP_OUT_BLOCKED and EP_ERROR tell the rest. more: the caller has further bytes at hand.
	 */
	size_t (*send)(
	    struct endpoint *ep, const struct iovec *iov, unsigned n, bool end, bool more);
	/* Keep consumed payload, so that rewind() can bring it back; off: let it go. */
	void (*hold)(struct endpoint *ep, bool hold);
	/* Puts the payload back to its beginning, for another try. False when bytes are gone. */
	bool (*rewind)(struct endpoint *ep);
	/* Fields to send behind the last chunk; of the stream. */
	void (*trailers)(struct endpoint *ep, struct http_msg *trailers);
	/* From now on bytes pass as they are (CONNECT, Upgrade). */
	void (*tunnel)(struct endpoint *ep);
	/*
	 * For splicing, all NULL where a mux cannot: payload bytes that come next on the source's descriptor
	 * and may bypass decoding (UINT64_MAX: until it closes); that so many did (0: the end was seen);
	 * whether raw payload may be written to the sink's descriptor now.
	 */
	uint64_t (*bulk_left)(const struct endpoint *src);
	void (*bulk_moved)(struct endpoint *src, uint64_t n);
	bool (*bulk_sink)(const struct endpoint *dst);
	/* Sends FIN behind everything. */
	void (*shut)(struct endpoint *ep);
	/*
	 * The stream leaves. keep: the connection may carry another message if the protocol allows; else it is
	 * closed (reset: at once, with RST). ep is not the stream's any more.
	 */
	void (*detach)(struct endpoint *ep, bool keep, bool reset);
};

struct endpoint {
	const struct mux_ops *ops;
	struct conn *conn;
	void *stream;			   /* the user; NULL while nobody uses it */
	void (*wake)(struct endpoint *ep); /* something happened on the connection */
	struct http_msg *msg;		   /* of the stream: filled by recv */
	struct http_msg *trailers;	   /* of the stream; NULL: dropped */
	struct inflow *in;		   /* of the stream */
	struct arena *arena;		   /* of the stream */
	uint32_t flags;			   /* EP_* */
	uint8_t bad_error;		   /* enum h1_error, with EP_IN_BAD */
	uint8_t in_framing;		   /* of the message that comes in */
	uint16_t h1_flags;		   /* H1_* for the parser: HEAD, CONNECT, unsafe */
	uint32_t bad_at;		   /* offset in the head */
};

/* The peer is gone for good: of this message, or with the connection. */
static inline bool endpoint_failed(const struct endpoint *ep)
{
	return (ep->flags & EP_ERROR) || (ep->conn->flags & CONN_ERROR);
}

#endif
