/* SPDX-License-Identifier: MIT */
/*
 * TLS of a bind line: from what the line says (struct tls_bind_conf) to what accepts connections (struct tls_bind):
 * contexts, SNI index, default certificates, client verification.
 *
 * There is one SSL_CTX for the bind and one for each distinct set of options in its crt-lists. Certificates are
 * given to a connection at its ClientHello, all key types of the name at once, so that OpenSSL takes what the client
 * can. Lookups take no lock and allocate nothing; admin commands publish new nodes and retire old ones.
 */
#ifndef WEIR_TLS_BIND_H
#define WEIR_TLS_BIND_H

#include "weir/tls/crt_list.h"
#include "weir/tls/server.h"
#include "weir/tls/store.h"

struct ssl_ctx_st;
struct tls_bind;

enum tls_crt_word {
	TLS_CRT,	 /* "crt": file, bundle, directory, "@store/alias" */
	TLS_CRT_DEFAULT, /* "default-crt" */
	TLS_CRT_LIST,	 /* "crt-list", or the "@frontend" list of ssl-f-use */
};

struct tls_bind_crt {
	enum tls_crt_word word;
	const char *name;
};

/* Strings and arrays outlive the bind. */
struct tls_bind_conf {
	struct tls_options opt; /* of the line, "ssl-default-bind-*" inherited by the caller */
	const struct tls_bind_crt *crts; /* in the order of the line */
	unsigned crt_n;
	bool strict_sni;
	bool http; /* mode http: alpn is "h2,http/1.1" unless said */
	bool prefer_client_ciphers;
	bool no_tickets;
	unsigned no_versions; /* no-sslv3 ...: 1u << (version & 0xff) */
	struct tls_ignore ignore;
	/*
	 * Cache, ticket keys, lifetime and capture for the transport: tls_server_setup() is called with it on every
	 * context, session_scope and early_data filled in here.
	 */
	struct tls_server_setup server;
	const char *ca_sign_file;
	const char *ca_sign_pass;
	bool generate;		 /* generate-certificates */
	unsigned generate_cache; /* tune.ssl.ssl-ctx-cache-size; 0: 1000 */
	unsigned early_data_max; /* bytes of 0-RTT data, with allow-0rtt; 0: 16384 */
};

/* conf is copied, what it points at is not. 0 or -errno, every error told. */
int tls_bind_build(const struct tls_bind_conf *conf, struct tls_store *store,
    const struct tls_report *report, struct tls_bind **ret);
/* No connection may use it any more. */
void tls_bind_free(struct tls_bind *b);

/* The context for a new connection; valid during the turn, SSL_new() keeps its own reference. */
struct ssl_ctx_st *tls_bind_ctx(const struct tls_bind *b);
const struct tls_bind_conf *tls_bind_conf(const struct tls_bind *b);

/* "show ssl sni": calls fn for each name of the index; pos: seconds since 1970 of the end of its certificate. */
struct tls_sni_row {
	const char *sni;       /* "*" for defaults */
	const char *negatives; /* "!a !b", or "-" */
	const char *type;      /* "rsa", "ecdsa", "dsa" ... */
	const char *crt;
	int64_t not_before, not_after; /* seconds since 1970 */
};
int tls_bind_each_sni(
    struct tls_bind *b, int (*fn)(void *arg, const struct tls_sni_row *row), void *arg);

/* Of the built-in policy, for "-vv" and the manual. */
#define TLS_CIPHERS_DEFAULT                                                                        \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                               \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
#define TLS_CIPHERSUITES_DEFAULT                                                                   \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define TLS_CURVES_DEFAULT "X25519:P-256:P-384"
#define TLS_ALPN_HTTP	   "h2,http/1.1"

#endif
