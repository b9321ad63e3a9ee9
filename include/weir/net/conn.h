/* SPDX-License-Identifier: MIT */
/*
 * A transport connection on one worker: descriptor, transport (plain, or TLS from a higher layer) and what the
 * kernel last said about readiness. Registered once, edge-triggered, both directions: an event sets flags, and
 * only a refused or short operation clears them.
 *
 * A transport with a handshake sets CONN_HANDSHAKE when it is installed. Events then carry the handshake on, and the
 * connection's user hears of it once: when it is done, or has failed (CONN_ERROR). A transport that transforms bytes
 * may take more than the kernel does: CONN_UNSENT says so, and the connection is not writable until they are gone.
 */
#ifndef WEIR_NET_CONN_H
#define WEIR_NET_CONN_H

#include <sys/uio.h>

#include "weir/event/worker.h"

struct conn;

/* How bytes cross a connection. Results: bytes, 0 for end of stream, or -errno; -EAGAIN: wait for an event. */
struct xprt_ops {
	const char *name;
	ssize_t (*recv)(struct conn *c, void *buf, size_t len);
	/* more: further bytes follow at once (MSG_MORE). */
	ssize_t (*send)(struct conn *c, const struct iovec *iov, int n, bool more);
	/* Carries the handshake on. 0: done; -EAGAIN: wait for an event; else it has failed. NULL: none. */
	int (*handshake)(struct conn *c);
	/* Sends bytes taken before (CONN_UNSENT). 0: all are gone, -EAGAIN or -errno. NULL: there never are any. */
	int (*flush)(struct conn *c);
	/* Says that nothing more will be sent; behind what is unsent. */
	void (*shut_write)(struct conn *c);
	/* Ends the connection in good order; the descriptor is closed by the caller. NULL: there is nothing to say. */
	void (*leave)(struct conn *c);
	/* Frees the transport's state; without `leave` before, ends the connection as well. May be NULL. */
	void (*release)(struct conn *c);
	bool splices; /* bytes may bypass it: splice(2) on the descriptor */
};

#define CONN_READABLE	 0x01u /* the kernel may have bytes */
#define CONN_WRITABLE	 0x02u /* the kernel may take bytes */
#define CONN_PEER_CLOSED 0x04u /* a FIN has arrived; bytes may still be in front of it */
#define CONN_ERROR	 0x08u /* reset or failed; see conn.error */
#define CONN_CONNECTING	 0x10u
#define CONN_SHUT_WRITE	 0x20u	/* we have sent our FIN */
#define CONN_READ_END	 0x40u	/* recv has returned 0 */
#define CONN_NOLINGER	 0x80u	/* close with a reset */
#define CONN_HANDSHAKE	 0x100u /* the transport's handshake is under way */
#define CONN_UNSENT	 0x200u /* bytes that the transport took wait for the kernel */
#define CONN_DRAINED	 0x400u /* a transport's: the kernel has no bytes; the next event clears it */
#define CONN_FAREWELL	 0x800u /* a transport's: the peer has said its end; a reset behind is none */

struct conn {
	struct io io;
	struct worker *worker;
	const struct xprt_ops *xprt;
	void *xprt_state;
	void (*on_event)(struct conn *c); /* after the flags were updated */
	void *user;			  /* of on_event, where the conn is not part of it */
	uint16_t flags;
	uint16_t error; /* errno of CONN_ERROR */
};

extern const struct xprt_ops xprt_plain;

/* Registers fd with the worker; plain transport. 0 or -errno: then fd stays the caller's. */
WEIR_NODISCARD int conn_start(
    struct conn *c, struct worker *w, int fd, void (*on_event)(struct conn *c));
/*
 * After a transport with a handshake was installed: starts it, on what has come already. 0: done, -EAGAIN: events will
 * carry it on, -errno: failed (CONN_ERROR). on_event is not called.
 */
int conn_handshake(struct conn *c);
/* Goes on as after an event: for a transport that has put off its handshake. May close c. */
void conn_continue(struct conn *c);
/* Closes the descriptor and frees the transport's state; harmless on a closed one. */
void conn_close(struct conn *c);
/* Closes the descriptor, but keeps the transport's state for questions, until conn_close(). No more events. */
void conn_hang_up(struct conn *c);

static inline bool conn_is_open(const struct conn *c)
{
	return c->io.fd >= 0;
}

/*
 * As the transport's, with the flags kept: a short read clears CONN_READABLE (unless a FIN is known to be
 * behind), a refused write clears CONN_WRITABLE, failures set CONN_ERROR.
 */
ssize_t conn_recv(struct conn *c, void *buf, size_t len);
ssize_t conn_send(struct conn *c, const struct iovec *iov, int n, bool more);
void conn_shut_write(struct conn *c);

#endif
