/* SPDX-License-Identifier: MIT */
/*
 * What every SSL_CTX for accepting connections needs from the transport: buffering modes, session cache, ticket keys,
 * captures. The certificate store builds the context (certificates, versions, ciphers, verification) and calls
 * tls_server_setup() on it once, last.
 */
#ifndef WEIR_TLS_SERVER_H
#define WEIR_TLS_SERVER_H

#include "weir/base/slice.h"

struct ssl_ctx_st;
struct tls_session_cache;
struct tls_ticket_keys;

struct tls_server_setup {
	struct tls_session_cache
	    *cache; /* shared by all workers; NULL: TLS 1.2 session IDs are not resumed */
	struct tls_ticket_keys
	    *tickets;	     /* a reference is taken; NULL: no tickets (no-tls-tickets) */
	unsigned lifetime_s; /* of sessions and tickets (tune.ssl.lifetime) */
	/*
	 * Tells contexts apart whose clients must not take their session to another one: those that verify
	 * certificates differently. Any bytes; hashed.
	 */
	struct slice session_scope;
	bool
	    early_data; /* allow-0rtt; a session is then good for one resumption, and needs the cache */
	bool keylog;	     /* tune.ssl.keylog */
	unsigned capture;    /* tune.ssl.capture-buffer-size; 0: none */
	unsigned keyupdates; /* a second (tune.ssl.keyupdate-rate-limit); 0: any number */
};

/*
 * Takes the msg, keylog, session and ticket callbacks of the context and sets the number of tickets to 0, as the
 * transport sends them with the first answer. Leaves the callbacks for ClientHello, ALPN, OCSP and verification to the
 * caller. 0, -ENOMEM or -EINVAL.
 */
WEIR_NODISCARD int tls_server_setup(struct ssl_ctx_st *ctx, const struct tls_server_setup *setup);

#endif
