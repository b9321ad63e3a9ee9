/* SPDX-License-Identifier: MIT */
/*
 * TLS in a configuration: what the global section says of it, and what all of its binds and servers share: the
 * certificate store, the session cache, ticket keys. Made by config_finish() when anything speaks TLS, freed with
 * the configuration.
 */
#ifndef WEIR_PROXY_GLOBAL_TLS_H
#define WEIR_PROXY_GLOBAL_TLS_H

#include "weir/conf/conf.h"
#include "weir/tls/crt_list.h"
#include "weir/tls/store.h"

struct bind_ssl;
struct tls_session_cache;
struct tls_ticket_keys;

/* What lines have unless they say otherwise: ssl-default-bind-*, ssl-default-server-*. */
struct tls_defaults {
	struct tls_options opt;
	unsigned no_versions;	    /* as in struct tls_bind_conf */
	int8_t tickets, strict_sni; /* 1 on, -1 off, 0 not said */
	bool prefer_client_ciphers;
};

/* Sets what the option's name says: versions, tickets, ..., or one of struct tls_options. 0 or -1, told. */
int tls_defaults_set(const struct conf_option_call *call, struct tls_defaults *d);

struct global_tls {
	struct tls_store_conf store; /* files, DHE parameters, security level */
	struct tls_defaults bind, server;
	bool server_verify_none; /* ssl-server-verify none */
	unsigned maxconn;	 /* maxsslconn; 0: no limit */
	unsigned maxrate;	 /* maxsslrate; 0: no limit */
	unsigned cache_blocks;	 /* tune.ssl.cachesize; 0: no cache */
	unsigned lifetime_s;	 /* tune.ssl.lifetime */
	unsigned capture;	 /* tune.ssl.capture-buffer-size; 0: none */
	bool keylog;
	unsigned first_record, hard_record; /* tune.ssl.maxrecord, .hard-maxrecord; 0: no limit */
	unsigned keyupdates; /* a second (tune.ssl.keyupdate-rate-limit); 0: no limit */
	unsigned forged;     /* tune.ssl.ssl-ctx-cache-size */
	int keep_fd; /* memory in which ticket keys outlive the process, or -1; not a keyword */
};

/* "load" of a crt-store section, kept until the store is made. */
struct tls_load_line {
	struct tls_load_line *next;
	const char *store; /* name of the section, "" without */
	struct tls_load load;
	struct conf_pos pos;
};

/* Keys of a file that several binds may share; file NULL: random ones. */
struct tls_keys_file {
	struct tls_keys_file *next;
	const char *file;
	struct tls_ticket_keys *keys;
	unsigned id; /* as "show tls-keys" counts */
};

/* "ssl-f-use" of a frontend, as a line of a crt-list. */
struct ssl_use {
	struct ssl_use *next;
	const char *text;
	struct conf_pos pos;
};

struct tls_parts {
	struct tls_store *store; /* NULL: nothing speaks TLS */
	bool failed;		 /* it could not be made, which was told */
	struct tls_session_cache *sessions;
	struct tls_keys_file *keys;
	struct bind_ssl *binds; /* linked by next, a line each */
	struct tls_load_line *loads, **loads_last;
};

#endif
