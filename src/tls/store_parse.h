/* SPDX-License-Identifier: MIT */
/*
 * Reading of PEM, base64 and the few fields of DER that loading needs. Pure: no state, any thread; slices point into
 * what was given.
 */
#ifndef WEIR_TLS_STORE_PARSE_H
#define WEIR_TLS_STORE_PARSE_H

#include "weir/base/slice.h"

/* ---- PEM ---- */

struct pem_block {
	struct slice label;   /* "CERTIFICATE" */
	struct slice headers; /* "Proc-Type: ..." lines, or empty */
	struct slice body;    /* base64 with line ends */
	struct slice whole;   /* with its BEGIN and END lines */
};

/* The next block of *text, which moves behind it. 1, 0: there is none, -EINVAL: it has no end. */
int pem_next(struct slice *text, struct pem_block *ret);
bool pem_is_certificate(struct slice label);
/* Decodes base64, white space skipped, into out (3/4 of the length suffices). 0 or -EINVAL. */
int base64_read(struct slice text, uint8_t *out, size_t *ret_len);

/* ---- DER ---- */

enum tls_key_type {
	TLS_KEY_RSA,
	TLS_KEY_ECDSA,
	TLS_KEY_DSA,
	TLS_KEY_OTHER, /* EdDSA and what comes */
	TLS_KEY_N,
};

/* What the loader needs of a certificate; slices point into it. */
struct der_cert {
	struct slice serial, issuer, subject; /* contents; names with their header */
	struct slice spki_bits;		      /* the key without unused-bits byte */
	struct slice extensions;	      /* contents of the SEQUENCE, or empty */
	enum tls_key_type type;
	int64_t not_before, not_after; /* seconds since 1970 */
	size_t len;		       /* of the certificate within what was given */
};

/* The numbers of an RSA key, in the order of its encoding. */
enum { DER_RSA_MODULUS, DER_RSA_PUBLIC, DER_RSA_PRIVATE, DER_RSA_N = 8 };

/* A private key taken apart; slices point into it. */
struct der_key {
	enum tls_key_type type;
	struct slice rsa[DER_RSA_N];
	struct slice ec_curve; /* OID */
	struct slice ec_private, ec_point;
};

int der_cert_parse(struct slice der, struct der_cert *ret);
/* Calls fn for the common names and the DNS names, ends at a nonzero result and returns it. */
int der_cert_names(const struct der_cert *c, int (*fn)(void *arg, struct slice name), void *arg);
/* 1: the private key's public part is the certificate's, 0: it is not, -1: cannot be told from here. */
int der_key_matches(const struct der_cert *c, struct slice key);

/* RSA with two primes, or EC with a named curve and its public point, both also within PKCS #8; false: another key. */
bool der_key_parse(struct slice key, struct der_key *ret);

#endif
