/* SPDX-License-Identifier: MIT */
/*
 * Fetches of certificates: the client's, the one that the frontend presented, the server's; and what verifying them
 * has found (configuration manual 7.3.4).
 */
#include <openssl/ssl.h>

#include "fetch_ssl.h"
#include "x509.h"

/* Whose certificate; in the data of a row. */
#define OF_CLIENT   SSL_FC
#define OF_FRONTEND 0x200u
#define OF_SERVER   SSL_BC
#define PART	    0xffu

static const X509 *cert_of(const struct rule_ctx *cx, uintptr_t data)
{
	const struct conn *c = ssl_conn(cx, data);
	if (!c)
		return NULL;
	return data & OF_FRONTEND ? SSL_get_certificate(tls_ssl(c)) : tls_peer_cert(c);
}

/* ---- names ---- */

enum name { NAME_SUBJECT, NAME_ISSUER, NAME_ROOT };

/* The root that the client's chain ended at; only a chain that was verified has one. */
static const X509 *root_of(const struct rule_ctx *cx)
{
	const SSL *ssl = ssl_of(cx, SSL_FC);
	STACK_OF(X509) *chain =
	    ssl && SSL_get_verify_result(ssl) == X509_V_OK ? SSL_get0_verified_chain(ssl) : NULL;
	int n = chain ? sk_X509_num(chain) : 0;
	return n > 0 ? sk_X509_value(chain, n - 1) : NULL;
}

static const X509_NAME *name_of(const struct rule_ctx *cx, uintptr_t data)
{
	bool root = (data & PART) == NAME_ROOT;
	const X509 *cert = root ? root_of(cx) : cert_of(cx, data);
	if (!cert)
		return NULL;
	return (data & PART) == NAME_ISSUER ? X509_get_issuer_name(cert)
					    : X509_get_subject_name(cert);
}

static int check_dn(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 2) || strcmp(args->v[2].str.ptr, "rfc2253") == 0)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: format '%s' is not known: only 'rfc2253' is",
	    at->what, args->v[2].str.ptr);
	return -1;
}

static bool fetch_dn(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const X509_NAME *name = name_of(cx, data);
	struct slice value;
	if (!name)
		return false;
	if (args_has(args, 0) && args->v[0].str.len)
		value = x509_dn_entry(name, args->v[0].str, args_has(args, 1) ? args->v[1].num : 1);
	else if (args_has(args, 2))
		value = x509_dn_rfc2253(name, cx->arena);
	else
		value = x509_dn(name, cx->arena);
	return value.len && ret_str(ret, value);
}

/* ---- parts ---- */

enum part {
	PART_SIG_ALG,
	PART_KEY_ALG,
	PART_NOT_BEFORE,
	PART_NOT_AFTER,
	PART_SAN,
};

static bool fetch_text(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const X509 *cert = cert_of(cx, data);
	if (!cert)
		return false;
	switch ((enum part)(data & PART)) {
	case PART_SIG_ALG:
		return ret_str(ret, x509_sig_alg(cert));
	case PART_KEY_ALG:
		return ret_str(ret, x509_key_alg(cert));
	case PART_NOT_BEFORE:
		return ret_str(ret, x509_time(X509_get0_notBefore(cert)));
	case PART_NOT_AFTER:
		return ret_str(ret, x509_time(X509_get0_notAfter(cert)));
	case PART_SAN:
		return ret_str(ret, x509_san(cert, cx->arena));
	}
	return false;
}

static bool fetch_version(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const X509 *cert = cert_of(cx, data);
	return cert && ret_int(ret, X509_get_version(cert) + 1); /* v1 is 0 on the wire */
}

static bool fetch_serial(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const X509 *cert = cert_of(cx, data);
	const ASN1_INTEGER *serial = cert ? X509_get0_serialNumber(cert) : NULL;
	int len = serial ? ASN1_STRING_length(serial) : 0;
	return len > 0 &&
	       ret_bin(ret, slice_make((const char *)ASN1_STRING_get0_data(serial), (size_t)len));
}

static bool fetch_sha1(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	const X509 *cert = cert_of(cx, data);
	return cert && X509_digest(cert, EVP_sha1(), digest, &len) == 1 &&
	       ret_bin(ret, arena_slice(cx->arena, slice_make((char *)digest, len)));
}

static bool fetch_der(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const X509 *cert = cert_of(cx, data);
	return cert && ret_bin(ret, x509_der(cert, cx->arena));
}

/* A session that is resumed has no chain. A client's chain comes without its own certificate, a server's with it. */
static bool fetch_chain(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const SSL *ssl = ssl_of(cx, data);
	STACK_OF(X509) *chain = ssl ? SSL_get_peer_cert_chain(ssl) : NULL;
	return chain && ret_bin(ret, x509_chain_der(chain, cx->arena));
}

/* ---- policies ---- */

static void free_object(void *object)
{
	ASN1_OBJECT_free(object);
}

static int check_policies(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 0))
		return 0;
	ASN1_OBJECT *one = OBJ_txt2obj(args->v[0].str.ptr, 1);
	if (!one) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: '%s' is no object identifier such as 0.4.0.1862.1.4", at->what,
		    args->v[0].str.ptr);
		return -1;
	}
	if (arena_defer(conf_arena(at->conf), free_object, one) < 0) {
		ASN1_OBJECT_free(one);
		conf_error(at->conf, at->line, at->arg, "%s: out of memory", at->what);
		return -1;
	}
	args->data = one;
	return 0;
}

static bool fetch_policies(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const X509 *cert = cert_of(cx, data);
	return cert && ret_str(ret, x509_policies(cert, args->data, cx->arena));
}

/* ---- verification of the client ---- */

static bool fetch_used(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	return c && ret_bool(ret, tls_peer_cert(c) != NULL);
}

/* In this very handshake: a resumed session has its certificate from an earlier one. */
static bool fetch_has_crt(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	return c && ret_bool(ret, tls_peer_cert(c) && !SSL_session_reused(tls_ssl(c)));
}

/* Known once all of the handshake is. */
static bool fetch_verify(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	return c && tls_info(c)->handshaken && ret_int(ret, SSL_get_verify_result(tls_ssl(c)));
}

enum found { FOUND_CRT_ERR, FOUND_CA_ERR, FOUND_CA_DEPTH };

static bool fetch_found(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	const struct tls_info *info = c ? tls_info(c) : NULL;
	if (!info)
		return false;
	switch ((enum found)(data & PART)) {
	case FOUND_CRT_ERR:
		return ret_int(ret, info->crt_err);
	case FOUND_CA_ERR:
		return ret_int(ret, info->ca_err);
	case FOUND_CA_DEPTH:
		return ret_int(ret, info->ca_err_depth);
	}
	return false;
}

#define ROW(keyword, type, where, fn, number, text)                                                \
	{                                                                                          \
		.name = keyword, .out = type, .at = where, .eval = fn, .data = number,             \
		.help = text                                                                       \
	}
#define DN(keyword, where, number, text)                                                           \
	{                                                                                          \
		.name = keyword, .out = SMP_STR, .args = { ARG_STR, ARG_SINT, ARG_STR },           \
		.at = where, .eval = fetch_dn, .data = number, .check = check_dn,                  \
		.usage = "[<entry>[,<occ>[,<format>]]]", .help = text                              \
	}
/* The rows that each of the three certificates has. */
#define CERT(prefix, whose, where, text)                                                           \
	ROW(prefix "der", SMP_BIN, where, fetch_der, whose, text ", DER"),                         \
	    DN(prefix "s_dn", where, (whose) | NAME_SUBJECT,                                       \
		text ": subject, or one entry of it"),                                             \
	    DN(prefix "i_dn", where, (whose) | NAME_ISSUER, text ": issuer, or one entry of it"),  \
	    ROW(prefix "key_alg", SMP_STR, where, fetch_text, (whose) | PART_KEY_ALG,              \
		text ": algorithm of its key"),                                                    \
	    ROW(prefix "sig_alg", SMP_STR, where, fetch_text, (whose) | PART_SIG_ALG,              \
		text ": algorithm of its signature"),                                              \
	    ROW(prefix "notbefore", SMP_STR, where, fetch_text, (whose) | PART_NOT_BEFORE,         \
		text ": start as YYMMDDhhmmssZ"),                                                  \
	    ROW(prefix "notafter", SMP_STR, where, fetch_text, (whose) | PART_NOT_AFTER,           \
		text ": end as YYMMDDhhmmssZ"),                                                    \
	    ROW(prefix "serial", SMP_BIN, where, fetch_serial, whose, text ": serial number"),     \
	    ROW(prefix "sha1", SMP_BIN, where, fetch_sha1, whose, text ": SHA-1 of it"),           \
	    ROW(prefix "version", SMP_SINT, where, fetch_version, whose, text ": its version")

const struct fetch_row fetch_ssl_cert_rows[] = {
	CERT("ssl_c_", OF_CLIENT, AT_FC, "the client's certificate"),
	CERT("ssl_f_", OF_FRONTEND, AT_FC, "the certificate that the client got"),
	CERT("ssl_s_", OF_SERVER, AT_BC, "the server's certificate"),
	ROW("ssl_c_chain_der", SMP_BIN, AT_FC, fetch_chain, OF_CLIENT,
	    "certificates behind the client's, DER"),
	ROW("ssl_s_chain_der", SMP_BIN, AT_BC, fetch_chain, OF_SERVER,
	    "the server's certificate and those behind it, DER"),
	DN("ssl_c_r_dn", AT_FC, OF_CLIENT | NAME_ROOT,
	    "subject of the root above the client's certificate, or one entry of it"),
	ROW("ssl_c_san", SMP_STR, AT_FC, fetch_text, OF_CLIENT | PART_SAN,
	    "the client's certificate: its other names"),
	{ .name = "ssl_c_policies",
	    .out = SMP_STR,
	    .args = { ARG_STR },
	    .at = AT_FC,
	    .eval = fetch_policies,
	    .check = check_policies,
	    .data = OF_CLIENT,
	    .usage = "[<oid>]",
	    .help = "the client's certificate: its policies, or that one if it has it" },
	ROW("ssl_c_used", SMP_BOOL, AT_FC, fetch_used, OF_CLIENT,
	    "whether the session has a client's certificate"),
	ROW("ssl_fc_has_crt", SMP_BOOL, AT_FC, fetch_has_crt, OF_CLIENT,
	    "whether the client gave a certificate in this handshake"),
	ROW("ssl_c_verify", SMP_SINT, AT_FC, fetch_verify, OF_CLIENT,
	    "result of verifying the client's certificate, 0 without error"),
	ROW("ssl_c_err", SMP_SINT, AT_FC, fetch_found, OF_CLIENT | FOUND_CRT_ERR,
	    "first error of the client's certificate itself, 0 without"),
	ROW("ssl_c_ca_err", SMP_SINT, AT_FC, fetch_found, OF_CLIENT | FOUND_CA_ERR,
	    "first error of the certificates above it, 0 without"),
	ROW("ssl_c_ca_err_depth", SMP_SINT, AT_FC, fetch_found, OF_CLIENT | FOUND_CA_DEPTH,
	    "how far above it that was"),
	{ .name = NULL },
};
