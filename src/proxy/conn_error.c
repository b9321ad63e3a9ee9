/* SPDX-License-Identifier: MIT */
/*
 * Errors of connections, numbered and named as the configuration manual's table of "fc_err_str" has them.
 */
#include "facts.h"

#include <errno.h>

#include "weir/tls/transport.h"

static const struct conn_error none = { 0, "", "Success" };

/* Why a connection ended before its session had begun; the texts are those of the log line. */
static const struct conn_error by_text[] = {
	{ 11, "PRX_EMPTY", "Connection closed while waiting for PROXY protocol header" },
	{ 12, "PRX_ABORT", "Connection error while waiting for PROXY protocol header" },
	{ 13, "PRX_TIMEOUT", "Timeout while waiting for PROXY protocol header" },
	{ 14, "PRX_TRUNCATED", "Truncated PROXY protocol header received" },
	{ 15, "PRX_NOT_HDR",
	    "Received something which does not look like a PROXY protocol header" },
	{ 16, "PRX_BAD_HDR", "Received an invalid PROXY protocol header" },
	{ 17, "PRX_BAD_PROTO", "Received an unhandled protocol in the PROXY protocol header" },
	{ 24, "SSL_EMPTY", "Connection closed during SSL handshake" },
	{ 25, "SSL_ABORT", "Connection error during SSL handshake" },
	{ 26, "SSL_TIMEOUT", "Timeout during SSL handshake" },
	{ 27, "SSL_TOO_MANY", "Too many SSL connections" },
	{ 28, "SSL_NO_MEM", "Out of memory when initializing an SSL connection" },
	{ 29, "SSL_RENEG", "Rejected a client-initiated SSL renegotiation attempt" },
	{ 30, "SSL_CA_FAIL", "SSL client CA chain cannot be verified" },
	{ 31, "SSL_CRT_FAIL", "SSL client certificate not trusted" },
	{ 32, "SSL_MISMATCH",
	    "Server presented an SSL certificate different from the configured one" },
	{ 33, "SSL_MISMATCH_SNI",
	    "Server presented an SSL certificate different from the expected one" },
	{ 34, "SSL_HANDSHAKE", "SSL handshake failure" },
	{ 38, "SSL_EARLY_FAILED", "Server refused early data" },
	{ 41, "SOCKS4_DENY", "SOCKS4 Proxy deny the request" },
	{ 42, "SOCKS4_ABORT", "SOCKS4 Proxy handshake aborted by server" },
	{ 43, "SSL_FATAL", "SSL fatal error" },
};

static const struct {
	int error;
	struct conn_error row;
} by_errno[] = {
	{ EMFILE, { 2, "PROC_FDLIM", "Too many sockets on the process" } },
	{ ENFILE, { 3, "SYS_FDLIM", "Too many sockets on the system" } },
	{ EAFNOSUPPORT, { 5, "NOPROTO", "Protocol or address family not supported" } },
	{ EPROTONOSUPPORT, { 5, "NOPROTO", "Protocol or address family not supported" } },
	{ EADDRNOTAVAIL, { 9, "FREE_PORTS", "Out of local source ports on the system" } },
	{ EADDRINUSE, { 10, "ADDR_INUSE", "Local source address already in use" } },
	{ ECONNREFUSED, { 46, "EREFUSED", "ECONNREFUSED returned by OS" } },
	{ ECONNRESET, { 47, "ERESET", "ECONNRESET returned by OS" } },
	{ ENETUNREACH, { 48, "EUNREACH", "ENETUNREACH returned by OS" } },
	{ EHOSTUNREACH, { 48, "EUNREACH", "ENETUNREACH returned by OS" } },
	{ ENOMEM, { 49, "ENOMEM", "ENOMEM returned by OS" } },
	{ EBADF, { 50, "EBADF", "EBADF returned by OS" } },
	{ EFAULT, { 51, "EFAULT", "EFAULT returned by OS" } },
	{ EINVAL, { 52, "EINVAL", "EINVAL returned by OS" } },
	{ ENOTCONN, { 53, "ENCONN", "ENCONN returned by OS" } },
	{ ENOTSOCK, { 54, "ENSOCK", "ENSOCK returned by OS" } },
	{ ENOBUFS, { 55, "ENOBUFS", "ENOBUFS returned by OS" } },
	{ EPIPE, { 56, "EPIPE", "EPIPE returned by OS" } },
};

static const struct conn_error other = { 6, "SOCK_ERR", "General socket error" };

static const struct conn_error *row_of(int error, struct slice reason)
{
	for (size_t i = 0; reason.len && i < ARRAY_SIZE(by_text); i++) {
		if (slice_eq(reason, slice_str(by_text[i].text)))
			return &by_text[i];
	}
	if (error == 0)
		return &none;
	for (size_t i = 0; i < ARRAY_SIZE(by_errno); i++) {
		if (by_errno[i].error == error)
			return &by_errno[i].row;
	}
	return &other;
}

/* TLS knows better than the errno; its words are those of the table. */
static const struct conn_error *row_with_tls(int error, enum tls_fault fault, struct slice reason)
{
	if (!reason.len && fault != TLS_FAULT_NONE)
		reason = slice_str(tls_fault_text(fault));
	return row_of(error, reason);
}

const struct conn_error *conn_error_of_client(const struct client *c, struct slice reason)
{
	const struct tls_info *tls = tls_info(&c->m.conn);
	return row_with_tls(
	    c->m.conn.error, tls ? (enum tls_fault)tls->fault : TLS_FAULT_NONE, reason);
}

const struct conn_error *conn_error_of_server(const struct stream *s)
{
	return row_with_tls(s->bc_error, (enum tls_fault)s->bc_fault, SLICE_NULL);
}
