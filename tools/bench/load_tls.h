/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.3 for the load generator: the client's end of one connection over a socket that does not block.
 * Errors are as recv()'s: 0 at the end, -1 and errno, EAGAIN when there is nothing yet.
 */
#ifndef LOAD_TLS_H
#define LOAD_TLS_H

#include <stdbool.h>
#include <sys/types.h>

struct ssl_session_st;
struct ssl_st;

struct tls {
	struct ssl_st *ssl;		/* NULL: the connection is in clear */
	struct ssl_session_st *session; /* the last one given, for resumption; outlives ssl */
	unsigned tickets;		/* received on this connection */
};

/* Once. alpn is the one protocol to be offered; resume offers the session of the last connection. */
void tls_setup(const char *alpn, bool resume);

/* Takes the connected socket and says hello. */
void tls_open(struct tls *t, int fd);

/* 1: the handshake is done; -1: see errno. A handshake that should have resumed and did not is an error. */
int tls_shake(struct tls *t);

ssize_t tls_read(struct tls *t, void *buf, size_t len);
ssize_t tls_write(struct tls *t, const void *buf, size_t len);

/* Says goodbye; the socket stays the caller's. */
void tls_close(struct tls *t);

#endif
