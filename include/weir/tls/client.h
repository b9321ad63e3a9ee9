/* SPDX-License-Identifier: MIT */
/*
 * The client side of TLS: what a "server ... ssl" line says, made into a context, and the sessions to resume with,
 * kept per worker and per server name. A tls_client is immutable but for the sessions; certificates changed at run
 * time make a new one.
 */
#ifndef WEIR_TLS_CLIENT_H
#define WEIR_TLS_CLIENT_H

#include "weir/base/slice.h"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_st;
struct x509_st;
struct evp_pkey_st;
struct stack_st_X509;
struct tls_client;
struct worker;

/* All texts and objects stay the caller's; objects are referenced where they are kept. */
struct tls_client_conf {
	bool verify;	     /* "verify required" */
	const char *ca_file; /* a file, a directory, or "@system-ca"; NULL: see ca */
	struct x509_store_st
	    *ca; /* instead of ca_file and crl_file: roots that are loaded already */
	const char *crl_file;
	const char *verifyhost;

	/* our own certificate: a PEM file with its key in it or beside it (.key), or the objects; NULL: none */
	const char *crt;
	struct x509_st *cert;
	struct evp_pkey_st *key;
	struct stack_st_X509 *chain;
	/*
	 * Or a function that gives each connection the certificate of the moment, when the server asks for one
	 * (SSL_CTX_set_cert_cb): 0 or -errno. arg lives as long as the client.
	 */
	int (*give_crt)(void *arg, struct ssl_st *ssl);
	void *give_crt_arg;

	const char *ciphers;	    /* TLS 1.2 and older; NULL: the library's */
	const char *ciphersuites;   /* TLS 1.3 */
	const char *curves;	    /* "X25519:P-256" */
	const char *sigalgs;	    /* accepted from the server */
	const char *client_sigalgs; /* offered for our certificate */
	/* TLS1_2_VERSION ... of OpenSSL, 0 for min: TLS 1.2; for max: no limit. force-x sets both, no-x is a bit SSL_OP_NO_x. */
	int min_version, max_version;
	uint64_t ssl_options; /* SSL_OP_* set besides ours */
	struct slice alpn;    /* protocols as on the wire; empty: none */

	bool no_ssl_reuse;
	bool no_tls_tickets;
	bool keylog;
	unsigned sessions; /* kept a worker, one a server name; 0: TLS_CLIENT_SESSIONS */
};
#define TLS_CLIENT_SESSIONS 64

/* One reference; NULL with a text in err. */
struct tls_client *tls_client_new(const struct tls_client_conf *conf, char *err, size_t err_size);
struct tls_client *tls_client_ref(struct tls_client *client);
/* Any thread, once no worker uses the sessions (worker_retire). NULL is fine. */
void tls_client_unref(struct tls_client *client);
/* The context, for dumps. */
struct ssl_ctx_st *tls_client_ctx(const struct tls_client *client);

/* "http/1.1,h2" as it goes on the wire. Its length; -EINVAL: an empty or too long name; -ENOSPC. */
int tls_alpn_encode(struct slice list, unsigned char *out, size_t cap);

#endif
