/* SPDX-License-Identifier: MIT */
/*
 * What is known of a TLS connection, for fetches and logs.
 */
#include <openssl/err.h>

#include "transport_int.h"

const struct tls_info *tls_info(const struct conn *c)
{
	return conn_is_tls(c) ? &tls_state(c)->info : NULL;
}

struct ssl_st *tls_ssl(const struct conn *c)
{
	return conn_is_tls(c) ? tls_state(c)->ssl : NULL;
}

const struct x509_st *tls_peer_cert(const struct conn *c)
{
	if (!conn_is_tls(c))
		return NULL;
	const struct tls_conn *t = tls_state(c);
	const X509 *cert = SSL_get0_peer_certificate(t->ssl);
	return cert ? cert : t->refused;
}

struct slice tls_session_alpn(const SSL_SESSION *session)
{
	const unsigned char *name = NULL;
	size_t len = 0;
	SSL_SESSION_get0_alpn_selected(session, &name, &len);
	return name ? slice_make((const char *)name, len) : SLICE_NULL;
}

struct slice tls_alpn(const struct conn *c)
{
	const unsigned char *name = NULL;
	unsigned len = 0;
	const struct tls_conn *t = conn_is_tls(c) ? tls_state(c) : NULL;
	/* early data is of the protocol that the session had (RFC 8446 4.2.10) */
	if (t && t->early_out && !t->info.handshaken)
		return tls_session_alpn(SSL_get0_session(t->ssl));
	if (t)
		SSL_get0_alpn_selected(t->ssl, &name, &len);
	return name ? slice_make((const char *)name, len) : SLICE_NULL;
}

const char *tls_sni(const struct conn *c)
{
	return conn_is_tls(c) ? SSL_get_servername(tls_state(c)->ssl, TLSEXT_NAMETYPE_host_name)
			      : NULL;
}

const char *tls_fault_text(enum tls_fault fault)
{
	static const char *const texts[] = {
		[TLS_FAULT_NONE] = "Success",
		[TLS_FAULT_CLOSED_EMPTY] = "Connection closed during SSL handshake",
		[TLS_FAULT_CLOSED] = "Connection closed during SSL handshake",
		[TLS_FAULT_SOCKET] = "Connection error during SSL handshake",
		[TLS_FAULT_BUSY] = "Too many SSL connections",
		[TLS_FAULT_MEMORY] = "Out of memory when initializing an SSL connection",
		[TLS_FAULT_CA] = "SSL client CA chain cannot be verified",
		[TLS_FAULT_CRT] = "SSL client certificate not trusted",
		[TLS_FAULT_HOST] =
		    "Server presented an SSL certificate different from the configured one",
		[TLS_FAULT_NAME] =
		    "Server presented an SSL certificate different from the expected one",
		[TLS_FAULT_HANDSHAKE] = "SSL handshake failure",
		[TLS_FAULT_EARLY] = "Server refused early data",
		[TLS_FAULT_FATAL] = "SSL fatal error",
	};
	return fault < ARRAY_SIZE(texts) ? texts[fault] : "SSL fatal error";
}

size_t tls_error_text(const struct tls_info *info, char *out, size_t cap)
{
	const char *text = tls_fault_text(info->fault);
	if (info->crt_err || info->ca_err)
		text = X509_verify_cert_error_string(info->ca_err ? info->ca_err : info->crt_err);
	else if (info->err && ERR_reason_error_string(info->err))
		text = ERR_reason_error_string(info->err);
	int n = snprintf(out, cap, "%s", text);
	return n < 0 || cap == 0 ? 0 : MIN((size_t)n, cap - 1);
}
