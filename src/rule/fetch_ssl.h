/* SPDX-License-Identifier: MIT */
/* What the fetches of TLS connections share: which connection a row is about, and what TLS knows of it. */
#ifndef WEIR_RULE_FETCH_SSL_H
#define WEIR_RULE_FETCH_SSL_H

#include "tables.h"
#include "weir/tls/transport.h"

#define SSL_FC 0x0u   /* in the data of a row: of the client's connection */
#define SSL_BC 0x100u /* of the server's */

/* From the end of the handshake on. */
#define AT_FC (AT_STREAM & ~RULE_AT_CONN & ~RULE_AT_CHECK)
#define AT_BC (AT_RES | RULE_AT_LOG)

/* NULL: there is none, or it has no TLS. */
static inline struct conn *ssl_conn(const struct rule_ctx *cx, uintptr_t data)
{
	struct conn *c =
	    cx->host && cx->host->conn ? cx->host->conn(cx->stream, data & SSL_BC) : NULL;
	return c && conn_is_tls(c) ? c : NULL;
}

static inline const struct ssl_st *ssl_of(const struct rule_ctx *cx, uintptr_t data)
{
	const struct conn *c = ssl_conn(cx, data);
	return c ? tls_ssl(c) : NULL;
}

#endif
