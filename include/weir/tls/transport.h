/* SPDX-License-Identifier: MIT */
/*
 * TLS as the transport of a connection. tls_accept() or tls_connect() puts it over an open struct conn, which then
 * shakes hands on its events, tells its user once, and reads and writes plain text as if it were a plain socket:
 *
 *	conn_start(c, w, fd, on_event);
 *	tls_accept(c, bind->ctx, &opts);	(sets CONN_HANDSHAKE)
 *	int r = conn_handshake(c);		(0: done; -EAGAIN: on_event comes when it is; else failed)
 *
 * A connection belongs to its worker; so does everything here that takes a conn. Handshakes share a worker's turn
 * with open traffic: what does not fit into tls_tune.handshake_us waits for the next turn in order of arrival.
 * conn_close() sends the close_notify of an orderly end, and frees all.
 */
#ifndef WEIR_TLS_TRANSPORT_H
#define WEIR_TLS_TRANSPORT_H

#include "weir/base/slice.h"
#include "weir/net/conn.h"
#include "weir/telemetry/counters.h"

struct ssl_st;
struct ssl_ctx_st;
struct x509_st;
struct tls_client;

/* What the global section says of all TLS connections; copied, so it may live on a stack. */
struct tls_tune {
	/* payload of a record at the start of a transfer and after a pause (tune.ssl.maxrecord); 0: no limit */
	uint32_t first_record;
	uint32_t hard_record;  /* of every record (tune.ssl.hard-maxrecord); 0: no limit */
	uint32_t idle_ms;      /* the pause (tune.idletimer); 0: a connection is never idle */
	uint32_t handshake_us; /* time of a worker's turn that handshakes may take; 0: no limit */
	/* handshakes that may wait for a worker's next turns; one more fails at once; 0: no limit */
	uint32_t handshake_queue;
};
#define TLS_FIRST_RECORD 4096u
#define TLS_TUNE_DEFAULT                                                                           \
	((struct tls_tune){                                                                        \
	    .first_record = TLS_FIRST_RECORD, .idle_ms = 1000, .handshake_us = 300 })

struct tls_accept_opts {
	const struct tls_tune *tune; /* NULL: the defaults */
	/* bytes read from the socket already, behind a PROXY header or while peeking; copied */
	struct slice early_bytes;
};

struct tls_connect_opts {
	const struct tls_tune *tune;
	const char *sni; /* NULL: none is sent */
	/* the name that the certificate must have; NULL: that of the client, or else sni */
	const char *verifyhost;
	struct slice alpn; /* protocols as on the wire; empty: those of the client */
	bool no_reuse;	   /* a full handshake, and no session kept of it (checks) */
	/*
	 * What is sent first may be sent as early data, where a session allows it: the connection is ready for sending at
	 * once, and for reading when the handshake is done. What the server refuses is sent again behind the handshake.
	 */
	bool early;
};

/*
 * Puts TLS over an open connection; the context is the caller's and is kept until conn_close(). The handshake has not
 * begun: conn_handshake() starts it, or the next event does. 0, -ENOMEM; then the connection is as it was.
 */
WEIR_NODISCARD int tls_accept(
    struct conn *c, struct ssl_ctx_st *ctx, const struct tls_accept_opts *opts);
/* As tls_accept for an open or connecting socket to a server; client is kept until conn_close(). */
WEIR_NODISCARD int tls_connect(
    struct conn *c, struct tls_client *client, const struct tls_connect_opts *opts);

extern const struct xprt_ops xprt_tls;
static inline bool conn_is_tls(const struct conn *c)
{
	return c->xprt == &xprt_tls;
}

/* Why a TLS connection has failed; the words of fc_err_str. */
enum tls_fault {
	TLS_FAULT_NONE,
	TLS_FAULT_CLOSED_EMPTY, /* closed before the peer had sent anything: a port check, mostly */
	TLS_FAULT_CLOSED,	/* "Connection closed during SSL handshake" */
	TLS_FAULT_SOCKET,	/* "Connection error during SSL handshake" */
	TLS_FAULT_BUSY,		/* tls_tune.handshake_queue is full: "Too many SSL connections" */
	TLS_FAULT_MEMORY,	/* "Out of memory when initializing an SSL connection" */
	TLS_FAULT_CA,		/* "SSL client CA chain cannot be verified" */
	TLS_FAULT_CRT,		/* "SSL client certificate not trusted" */
	/* "Server presented an SSL certificate different from the configured one": not that of tls_client_conf */
	TLS_FAULT_HOST,
	TLS_FAULT_NAME,	     /* "... from the expected one": not that of tls_connect_opts */
	TLS_FAULT_HANDSHAKE, /* "SSL handshake failure" */
	TLS_FAULT_EARLY, /* "Server refused early data", and to send it again would be another protocol */
	TLS_FAULT_FATAL, /* behind the handshake: "SSL fatal error" */
};

/* Raw lists of the client's hello (tune.ssl.capture-buffer-size); slices live as long as the connection. */
struct tls_hello_capture {
	unsigned version;	    /* legacy_version: 0x0303 of TLS 1.2 and later */
	uint64_t cipher_hash;	    /* xxh64 of the whole list, even when ciphers is cut short */
	struct slice ciphers;	    /* two bytes each */
	struct slice extensions;    /* types, two bytes each, in the order sent */
	struct slice groups;	    /* two bytes each */
	struct slice point_formats; /* a byte each */
	struct slice versions;	    /* supported_versions, two bytes each */
	struct slice sigalgs;	    /* two bytes each */
};

/* Secrets for SSLKEYLOGFILE (tune.ssl.keylog), in hexadecimal; empty: not there. */
enum tls_secret {
	TLS_SECRET_CLIENT_EARLY,     /* CLIENT_EARLY_TRAFFIC_SECRET */
	TLS_SECRET_CLIENT_HANDSHAKE, /* CLIENT_HANDSHAKE_TRAFFIC_SECRET */
	TLS_SECRET_SERVER_HANDSHAKE,
	TLS_SECRET_CLIENT_TRAFFIC, /* CLIENT_TRAFFIC_SECRET_0 */
	TLS_SECRET_SERVER_TRAFFIC,
	TLS_SECRET_EXPORTER,
	TLS_SECRET_EARLY_EXPORTER,
	TLS_SECRET_N,
};

struct tls_info {
	unsigned long err; /* OpenSSL's code: the last of the first stack raised; 0: none */
	/* X509_V_ERR_* of the peer's chain, first one each, also when it was ignored; 0: none */
	uint16_t crt_err, ca_err;
	uint8_t ca_err_depth;
	uint8_t fault;	  /* enum tls_fault */
	bool server_side; /* tls_accept() */
	bool handshaken;  /* the handshake is complete */
	bool early;	  /* early data (0-RTT) came, or was sent and accepted */
	bool resumed;
	const struct tls_hello_capture *hello; /* NULL: not captured */
};

/* NULL for a connection without TLS. What it points to lives until conn_close(). */
const struct tls_info *tls_info(const struct conn *c);
/* For what has no function here; not for reading, writing or closing. NULL for a connection without TLS. */
struct ssl_st *tls_ssl(const struct conn *c);
/* The peer's certificate, also one of a client that was refused for it; NULL: none. */
const struct x509_st *tls_peer_cert(const struct conn *c);
/* The protocol agreed upon; the null slice when there is none. */
struct slice tls_alpn(const struct conn *c);
/* The client's SNI on the server side, the one sent on the client side; NULL: none. */
const char *tls_sni(const struct conn *c);
struct slice tls_secret(const struct conn *c, enum tls_secret which);
/* A name for logs: "Connection closed during SSL handshake". */
const char *tls_fault_text(enum tls_fault fault);
/* Text of the OpenSSL code or, failing that, of the fault; cut to fit. Never empty behind a failure. */
size_t tls_error_text(const struct tls_info *info, char *out, size_t cap);

/*
 * After early data has been read, the handshake may still be under way: conn_handshake() answers 0 as soon as there
 * is some to read. True once requests that must not be replayed may be answered.
 */
bool tls_handshake_done(const struct conn *c);
/* Carries such a handshake on without reading payload. 0: done; -EAGAIN: ask again at the next event; or -errno. */
int tls_finish_handshake(struct conn *c);

/* ---- for the callbacks of contexts ---- */

/* The connection behind a handshake; NULL when it is none of ours. */
struct conn *tls_conn_of(const struct ssl_st *ssl);

/* ---- per worker ---- */

struct tls_counters {
	uint64_t handshakes[2]; /* complete; [0] with clients (tls_accept), [1] with servers */
	uint64_t resumed[2];	/* of these */
	uint64_t failed[2];
	uint64_t queued; /* handshake steps that had to wait for another turn */
	struct rate rate[2],
	    keys[2]; /* handshakes a second, and those of them that were not resumed */
	unsigned rate_max[2], keys_max[2]; /* the most of all workers, as this one has seen */
};
/* Zeroes when the worker has never had TLS. On it, or while it is paused. */
struct tls_counters tls_counters(const struct worker *w);
/* All workers in the last second in which there were any; offset of a rate in struct tls_counters. Any thread. */
unsigned tls_rate_last(struct worker_group *g, size_t offset);
/* Frees what TLS keeps on a worker; every connection is closed. Harmless when there was none. */
void tls_worker_stop(struct worker *w);

#endif
