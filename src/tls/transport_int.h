/* SPDX-License-Identifier: MIT */
/*
 * The inside of the TLS transport: state of a connection and of a worker, and the calls between its files. Bytes go
 * SSL_write -> wire_write (the BIO) -> the worker's stage -> one send(2); what the kernel refuses stays in the
 * connection's unsent. Nothing is staged between two calls of the transport.
 */
#ifndef WEIR_TLS_TRANSPORT_INT_H
#define WEIR_TLS_TRANSPORT_INT_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "weir/base/list.h"
#include "weir/base/pool.h"
#include "weir/tls/transport.h"

#define TLS_RECORD_MAX SSL3_RT_MAX_PLAIN_LENGTH
/* Encrypted bytes of one tls_send() that go out together. */
#define TLS_STAGE_SIZE (80u * 1024)
/* Plain bytes that one tls_send() takes: with the overhead of their records they fit into the stage. */
#define TLS_SEND_MAX (4u * TLS_RECORD_MAX)
/* Bytes at the start of a transfer that go out in records of tls_tune.first_record. */
#define TLS_FIRST_BYTES (16u * 1024)
/* Of one connection to a server; it is kept until the server has taken it. */
#define TLS_EARLY_MAX (16u * 1024)

struct tls_secrets; /* keylog.c */

/* Of one worker, made at its first TLS connection. */
struct tls_worker {
	struct worker *w;
	struct pool conns;
	struct list waiting; /* handshakes put off, struct tls_conn.waiting */
	unsigned waiting_n;
	struct task task;
	uint64_t turn;	   /* clock.mono_us of the turn that spent_us is of */
	uint64_t spent_us; /* on handshakes in that turn */
	struct tls_counters counters;
	size_t staged;
	char stage[TLS_STAGE_SIZE];
	char gather[TLS_RECORD_MAX]; /* small pieces of one record, joined */
};

/* Bytes of one connection, malloc'ed while there are any. */
struct tls_bytes {
	char *mem;
	uint32_t off; /* of the first one left */
	uint32_t len; /* left */
};

struct tls_conn {
	SSL *ssl;
	struct conn *c;
	struct tls_worker *tw;
	struct tls_client *client; /* NULL on the server side */
	struct list waiting;
	struct tls_tune tune;
	struct tls_info info;
	struct tls_bytes unsent; /* encrypted; while there are any, CONN_UNSENT */
	struct tls_bytes in;	 /* encrypted, read before TLS began */
	struct tls_bytes early;	 /* early data, decrypted */
	struct tls_secrets *secrets;
	struct tls_bytes resend; /* sent as early data, until the server has taken it */
	X509 *refused;	      /* the client's certificate, when verifying it ended the handshake */
	uint64_t session_key; /* of the client's sessions; 0: none are kept */
	uint64_t last_send_ms;
	uint32_t burst;		/* bytes sent since the last pause */
	uint32_t updates_s;	/* second in which updates were counted */
	uint32_t updates;	/* key updates of the peer */
	uint32_t early_left;	/* bytes that may still be sent as early data */
	uint16_t error;		/* errno of a failed system call or -EPROTO; 0: none */
	uint8_t tickets_due;	/* to be sent with the first payload */
	bool corked : 1;	/* the BIO stages; else its bytes are the last ones: send */
	bool more : 1;		/* MSG_MORE for what the BIO sends */
	bool got_bytes : 1;	/* the peer has sent something */
	bool started : 1;	/* a step of the handshake is behind us */
	bool granted : 1;	/* its turn has come: do not queue again */
	bool early_wanted : 1;	/* the context accepts early data, and it is not over */
	bool early_out : 1;	/* to a server: sends before the handshake is done */
	bool early_open : 1;	/* and may begin to */
	bool early_h2 : 1;	/* as HTTP/2 */
	bool read_end : 1;	/* close_notify or the end of the stream */
	bool eof : 1;		/* the end of the stream itself */
	bool fin_due : 1;	/* shutdown(2) once all is sent */
	bool by_verifyhost : 1; /* the certificate is to have the client's own name */
	bool bye_due : 1;	/* close_notify and FIN behind the handshake */
};

/* SSL_get_error() believes in errors of others; there hardly ever are any, and clearing walks the whole queue. */
static inline void tls_clear_errors(void)
{
	if (unlikely(ERR_peek_error()))
		ERR_clear_error();
}

static inline struct tls_conn *tls_state(const struct conn *c)
{
	return c->xprt_state;
}

/* ---- rates.c ---- */
/* A handshake is complete; side as in struct tls_counters. */
void tls_rates_count(struct tls_worker *tw, unsigned side, bool resumed);

/* ---- tls_worker.c ---- */
struct tls_worker *tls_worker_get(struct worker *w); /* NULL: no memory */
/* Whether the next step of a handshake must wait: 0 go on, -EAGAIN it was queued, -EBUSY the queue is full. */
int tls_worker_admit(struct tls_conn *t);
void tls_worker_forget(struct tls_conn *t);
uint64_t tls_worker_spend_start(void);
void tls_worker_spend_end(struct tls_worker *tw, uint64_t start_us);

/* ---- bio.c ---- */
/* Both return 0 or -errno. */
int tls_wire_attach(struct tls_conn *t);
/* Sends what is staged; what the kernel refuses becomes unsent. */
int tls_wire_push(struct tls_conn *t, bool more);
/* Sends unsent bytes. 0: all are gone; -EAGAIN; -errno. */
int tls_wire_flush(struct tls_conn *t);
void tls_bytes_free(struct tls_bytes *b);
WEIR_NODISCARD int tls_bytes_add(struct tls_bytes *b, const void *data, size_t len);
size_t tls_bytes_take(struct tls_bytes *b, void *out, size_t cap);

/* ---- transport.c ---- */
/* The server has refused early data: all of it again, into the stage. 0 or -errno. */
int tls_send_again(struct tls_conn *t);
/* close_notify and FIN, behind what is unsent. */
void tls_end_writing(struct tls_conn *t);

/* ---- handshake.c ---- */
int tls_handshake_step(struct tls_conn *t);
/* Reads early data, or what is behind it. As conn_recv. */
ssize_t tls_early_recv(struct tls_conn *t, void *buf, size_t len);
/* Keeps what OpenSSL says of a failure; -errno for the caller, which is kept too. */
int tls_failed(struct tls_conn *t, int ssl_error);
struct tls_conn *tls_state_of(const SSL *ssl);
int tls_state_attach(struct tls_conn *t);

/* ---- info.c ---- */
struct slice tls_session_alpn(const SSL_SESSION *session); /* the null slice: none */

/* ---- server_ctx.c ---- */
unsigned tls_server_tickets(const struct tls_conn *t); /* to send behind a handshake */

/* ---- keylog.c, hello_capture.c ---- */
void tls_secrets_free(struct tls_secrets *s);
void tls_keylog_cb(const SSL *ssl, const char *line);
void tls_hello_capture(struct tls_conn *t, struct slice body, unsigned cap);

/* ---- client_ctx.c, client_sessions.c ---- */
int tls_client_apply(struct tls_conn *t, const struct tls_connect_opts *opts);
void tls_client_resumed(struct tls_conn *t);
void tls_client_failed(struct tls_conn *t);

#endif
