/* SPDX-License-Identifier: MIT */
/*
 * The inside of tls_client: context and sessions. Sessions of a worker are touched by that worker alone, and found by
 * the hash of name and protocols.
 */
#ifndef WEIR_TLS_CLIENT_INT_H
#define WEIR_TLS_CLIENT_INT_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "weir/event/worker.h"
#include "weir/tls/client.h"

struct client_session {
	uint64_t key;  /* 0: free */
	uint64_t used; /* counter of uses, for the one to replace */
	SSL_SESSION *session;
	bool early_spent; /* a server takes early data of a session once */
};

struct client_sessions {
	uint64_t uses;
	unsigned n;
	struct client_session slot[];
};

struct tls_client {
	atomic_uint refs;
	SSL_CTX *ctx;
	char *verifyhost;
	bool verify;
	bool reuse;
	unsigned sessions_max;
	int (*give_crt)(void *arg, struct ssl_st *ssl);
	void *give_crt_arg;
	struct client_sessions *sessions[WORKER_MAX]; /* by worker; made at the first session */
};

void client_sessions_setup(struct tls_client *client);
void client_sessions_free(struct tls_client *client);
/* A session to resume with, the caller's reference; NULL: none. *early: wanted; left true if it is good for that. */
SSL_SESSION *client_sessions_get(
    struct tls_client *client, unsigned worker, uint64_t key, bool *early);
void client_sessions_drop(struct tls_client *client, unsigned worker, uint64_t key);

#endif
