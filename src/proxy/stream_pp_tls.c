/* SPDX-License-Identifier: MIT */
/*
 * What a PROXY header of version 2 tells a server about the client's TLS (proxy-protocol.txt 2.2.6, PP2_TYPE_SSL):
 * version, name in the client's certificate, cipher, algorithms of our own certificate. Client's worker.
 */
#include <openssl/ssl.h>

#include "stream_facts.h"

#define SUBTYPE_VERSION 0x21
#define SUBTYPE_CN	0x22
#define SUBTYPE_CIPHER	0x23
#define SUBTYPE_SIG	0x24
#define SUBTYPE_KEY	0x25

#define CLIENT_SSL	 0x01 /* over TLS */
#define CLIENT_CERT_CONN 0x02 /* showed a certificate on this connection */
#define CLIENT_CERT_SESS 0x04 /* or on the one whose session it resumed */

#define FACTS_HEAD 5 /* client bits, result of verification */
#define FACT_MAX   255u
#define KEY_TEXT   16

/* A TLV behind len bytes of out; longer values are cut. Returns the new length. */
static size_t add(char *out, size_t len, unsigned type, struct slice value)
{
	size_t n = MIN(value.len, FACT_MAX);
	if (!value.ptr)
		return len;
	out[len++] = (char)type;
	out[len++] = 0;
	out[len++] = (char)n;
	memcpy(out + len, value.ptr, n);
	return len + n;
}

static struct slice text(const char *s)
{
	return s ? slice_str(s) : SLICE_NULL;
}

/* The last common name of the subject; the null slice: there is none. */
static struct slice common_name(const X509 *cert)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	int at = -1, next;
	while ((next = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
		at = next;
	if (at < 0)
		return SLICE_NULL;
	const ASN1_STRING *cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	return slice_make((const char *)ASN1_STRING_get0_data(cn), (size_t)ASN1_STRING_length(cn));
}

/* "RSA2048", "EC256". */
static struct slice key_algorithm(const X509 *cert, char out[KEY_TEXT])
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);
	int id = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	const char *name = id == EVP_PKEY_RSA	? "RSA"
			   : id == EVP_PKEY_EC	? "EC"
			   : id == EVP_PKEY_DSA ? "DSA"
						: NULL;
	if (!name)
		return SLICE_NULL;
	int n = snprintf(out, KEY_TEXT, "%s%d", name, EVP_PKEY_get_bits(key));
	return slice_make(out, (size_t)MIN(n, KEY_TEXT - 1));
}

static struct slice signature_algorithm(const X509 *cert)
{
	int id = X509_get_signature_nid(cert);
	return id == NID_undef ? SLICE_NULL : text(OBJ_nid2sn(id));
}

static size_t add_own_certificate(const SSL *ssl, unsigned options, char *out, size_t len)
{
	char key[KEY_TEXT];
	const X509 *own = SSL_get_certificate(ssl);
	if (!own)
		return len;
	if (options & SERVER_PP2_CERT_KEY)
		len = add(out, len, SUBTYPE_KEY, key_algorithm(own, key));
	if (options & SERVER_PP2_CERT_SIG)
		len = add(out, len, SUBTYPE_SIG, signature_algorithm(own));
	return len;
}

struct slice stream_pp_tls(const struct stream *s, char out[STREAM_PP_TLS_MAX])
{
	const SSL *ssl = tls_ssl(&s->cli->m.conn);
	unsigned options = s->srv->pp2_options;
	size_t len = FACTS_HEAD;
	memset(out, 0, FACTS_HEAD);
	if (!ssl)
		return slice_make(out, len);
	const X509 *cert = SSL_get0_peer_certificate(ssl);
	unsigned long verified = (unsigned long)SSL_get_verify_result(ssl);
	out[0] = CLIENT_SSL;
	if (cert)
		out[0] |= CLIENT_CERT_SESS | (SSL_session_reused(ssl) ? 0 : CLIENT_CERT_CONN);
	for (unsigned i = 0; i < 4; i++)
		out[1 + i] = (char)(verified >> (24 - 8 * i));
	len = add(out, len, SUBTYPE_VERSION, text(SSL_get_version(ssl)));
	if (cert && options & SERVER_PP2_CERT_CN)
		len = add(out, len, SUBTYPE_CN, common_name(cert));
	len = add_own_certificate(ssl, options, out, len);
	if (options & SERVER_PP2_CIPHER)
		len = add(out, len, SUBTYPE_CIPHER, text(SSL_get_cipher_name(ssl)));
	return slice_make(out, len);
}
