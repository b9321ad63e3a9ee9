/* SPDX-License-Identifier: MIT */
/*
 * Certificates for tests, made by libcrypto when the test runs: a CA, leaves of any key type, CRLs, OCSP
 * responses, and a temporary directory to put them into. All functions abort the program when something fails, so
 * that tests need not check.
 */
#ifndef WEIR_TESTS_TEST_CERT_H
#define WEIR_TESTS_TEST_CERT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "weir/base/slice.h"

enum test_key { TEST_KEY_EC, TEST_KEY_RSA, TEST_KEY_ED25519, TEST_KEY_P384 };

/* What a certificate is to say; zero is a sensible default for each field. */
struct test_spec {
	const char *cn;	   /* NULL: no common name */
	const char *san;   /* "DNS:a.example,DNS:*.b.example"; NULL: none */
	enum test_key key; /* EC keys are quick to make */
	bool ca;
	long serial;	 /* 0: a number that no other certificate of the test has */
	long not_before; /* seconds from now; 0: a day ago */
	long not_after;	 /* seconds from now; 0: in a year */
	const char *ocsp_uri;
};

struct test_cert {
	X509 *x509;
	EVP_PKEY *key;
};

/* issuer NULL: self-signed. Free with test_cert_free(). */
struct test_cert test_cert_make(const struct test_spec *spec, const struct test_cert *issuer);
void test_cert_free(struct test_cert *c);

/* PEM texts, malloc'ed. pass NULL: not encrypted. */
char *test_cert_pem(const struct test_cert *c);
char *test_key_pem(const struct test_cert *c, const char *pass);
char *test_crl_pem(const struct test_cert *ca, const struct test_cert *revoked, unsigned n);
/* DER of a response that says good (or revoked), valid from now on for seconds; length in ret_len. */
unsigned char *test_ocsp_der(const struct test_cert *leaf, const struct test_cert *ca, bool revoked,
    long seconds, size_t *ret_len);

/* A directory under /tmp that test_dir_remove() removes with the files in it. Its path is malloc'ed. */
char *test_dir_make(void);
void test_dir_remove(char *dir);
/* dir/name, malloc'ed */
char *test_path(const char *dir, const char *name);
void test_write(const char *dir, const char *name, const void *bytes, size_t len);
/* Certificate, key and then chain (each may be NULL but the first) in one file. */
void test_write_pem(const char *dir, const char *name, const struct test_cert *c, bool with_key,
    const struct test_cert *chain);

#endif
