/* SPDX-License-Identifier: MIT */
/*
 * Parts of certificates as the values of fetches. Functions give slices in an arena, or of the certificate itself,
 * which lives as long as the connection; .ptr NULL: there is no such part, or memory is short.
 */
#ifndef WEIR_RULE_X509_H
#define WEIR_RULE_X509_H

#include <openssl/x509.h>

#include "weir/base/arena.h"
#include "weir/base/slice.h"

/* "/C=FR/CN=a", entries in their order. Nothing when a value holds a NUL byte in front of other bytes. */
struct slice x509_dn(const X509_NAME *name, struct arena *arena);
/* As RFC 2253 writes it, for LDAP. */
struct slice x509_dn_rfc2253(const X509_NAME *name, struct arena *arena);
/* The value of the nth entry of that short name ("CN", in any case); counted from the end when negative. */
struct slice x509_dn_entry(const X509_NAME *name, struct slice entry, int64_t nth);
/* "YYMMDDhhmmssZ"; years of the 21st century, and those that have but two digits. */
struct slice x509_time(const ASN1_TIME *time);
struct slice x509_der(const X509 *cert, struct arena *arena);
/* The certificates one after the other. */
struct slice x509_chain_der(const STACK_OF(X509) * chain, struct arena *arena);
struct slice x509_sig_alg(const X509 *cert);
struct slice x509_key_alg(const X509 *cert);
/* "DNS:a, IP Address:127.0.0.1", as OpenSSL prints the extension. */
struct slice x509_san(const X509 *cert, struct arena *arena);
/* Identifiers of the certificate policies, separated by commas; with one only that one, if it is there. */
struct slice x509_policies(const X509 *cert, const ASN1_OBJECT *one, struct arena *arena);

#endif
