/* SPDX-License-Identifier: MIT */
/*
 * What is spoken to servers: PROXY protocol, HTTP, and TLS: what a server's line says of it, and the client context
 * that is made of it when all is read. The words are immutable; the context is swapped whole when a command changes an authority's file.
 */
#ifndef WEIR_UPSTREAM_SERVER_TLS_H
#define WEIR_UPSTREAM_SERVER_TLS_H

#include <stdatomic.h>

#include "weir/conf/conf.h"
#include "weir/tls/crt_list.h"

struct expr;
struct server;
struct server_tls_files;
struct tls_client;
struct tls_tune;
struct worker;

/* Words that the global section has defaults for. Zero: not said. */
struct server_tls_words {
	struct tls_options opt;
	int8_t tickets;	      /* "tls-tickets": 1 on, -1 off */
	int8_t renegotiation; /* "renegotiate": the same */
	uint8_t no_versions;  /* no-tlsv10 ...: 1u << (version & 0xff) */
};

/* What the global section says of all servers. Lives as long as they do. */
struct server_tls_env {
	/* The certificate store, while the configuration is finished. NULL: none can be had, which was told. */
	struct tls_store *(*open_store)(void *source);
	void *source;
	struct server_tls_words words;
	bool verify_none;	     /* "ssl-server-verify none" */
	bool keylog;		     /* tune.ssl.keylog */
	const struct tls_tune *tune; /* NULL: the defaults */
};

enum server_pp { /* PROXY protocol towards the server */
	SERVER_PP_NONE,
	SERVER_PP_V1,
	SERVER_PP_V2,
};

/* proxy-v2-options */
#define SERVER_PP2_CRC32C    0x01u
#define SERVER_PP2_UNIQUE_ID 0x02u
#define SERVER_PP2_AUTHORITY 0x04u
#define SERVER_PP2_SSL	     0x08u
#define SERVER_PP2_CERT_CN   0x10u
#define SERVER_PP2_CIPHER    0x20u
#define SERVER_PP2_CERT_SIG  0x40u
#define SERVER_PP2_CERT_KEY  0x80u

enum server_proto {	   /* what is spoken over a connection */
	SERVER_PROTO_AUTO, /* what ALPN says; HTTP/1 without it */
	SERVER_PROTO_H1,
	SERVER_PROTO_H2,
};

enum server_ws {	/* "ws": what websockets are relayed over */
	SERVER_WS_AUTO, /* HTTP/1 where ALPN leaves the choice */
	SERVER_WS_H1,
	SERVER_WS_H2,
};

struct server_tls {
	bool on;       /* "ssl"; at run time: server_uses_tls() */
	bool prepared; /* "ssl" stood somewhere: a command may switch it on */
	bool no_reuse; /* "no-ssl-reuse" */
	bool no_sni_auto;
	bool early; /* "allow-0rtt" */
	struct server_tls_words words;
	const char *crt, *verifyhost;
	const struct expr *sni;
	struct slice alpn;	 /* as on the wire */
	_Atomic uint64_t serial; /* of this context: connections are not exchanged with others */
	const struct server_tls_env *env;
	_Atomic(struct tls_client *) client; /* NULL: nothing needs it */
	struct server_tls_files *files;	     /* that the client was made of */
};

extern const struct conf_option server_tls_options[];

/*
 * Makes the client context of s, when it, its checks (checks: one speaks TLS) or a command may need one; env outlives
 * it. Reading the configuration. 0 or -1, told.
 */
int server_tls_finish(
    struct conf *conf, struct server *s, const struct server_tls_env *env, bool checks);
/* Lets go of it. w NULL: no worker runs. */
void server_tls_done(struct worker *w, struct server *s);

/*
 * A protocol list as on the wire, in the configuration's arena. 0 or -1, told at word arg of the line.
 */
int server_alpn_parse(struct conf *conf, const struct conf_line *line, int arg, struct slice *ret);
/* Whether a list as on the wire has that protocol. */
bool server_alpn_has(struct slice alpn, struct slice protocol);

#endif
