/* SPDX-License-Identifier: MIT */
/*
 * What a crt-store can do besides reading files: "generate-dummy", a key and a self-signed certificate for those that
 * have none yet.
 */
#include <errno.h>

#include "store_int.h"

#define DUMMY_DAYS 365

static EVP_PKEY *make_key(const struct tls_load *load)
{
	if (load->key_type && strcasecmp(load->key_type, "ECDSA") == 0)
		return EVP_EC_gen((char *)(uintptr_t)(load->curve ? load->curve : "P-384"));
	return EVP_RSA_gen(load->bits ? load->bits : 2048u);
}

static X509 *make_cert(EVP_PKEY *key)
{
	X509 *x = X509_new();
	if (!x)
		return NULL;
	X509_NAME *name = X509_get_subject_name(x);
	const unsigned char cn[] = "weir";
	if (X509_set_version(x, X509_VERSION_3) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), (long)time(NULL)) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), 0) &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * DUMMY_DAYS) &&
	    X509_set_pubkey(x, key) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, cn, -1, -1, 0) &&
	    X509_set_issuer_name(x, name) && X509_sign(x, key, EVP_sha256()))
		return x;
	X509_free(x);
	return NULL;
}

int tls_parts_generate(struct tls_store *s, struct tls_parts *p, const struct tls_load *load,
    const struct tls_report *report)
{
	EVP_PKEY *key = make_key(load);
	X509 *x = key ? make_cert(key) : NULL;
	unsigned char *cert_der = NULL, *key_der = NULL;
	int cert_len = x ? i2d_X509(x, &cert_der) : 0;
	int key_len = x ? i2d_PrivateKey(key, &key_der) : 0;
	int err = -EINVAL;
	if (cert_len > 0 && key_len > 0) {
		err = tls_blob_set(&p->leaf, cert_der, (size_t)cert_len);
		if (err == 0)
			err = tls_blob_set(&p->key, key_der, (size_t)key_len);
	}
	if (err == -EINVAL)
		tls_say(
		    report, DIAG_ERROR, "cannot generate a certificate: %s", tls_openssl_error());
	OPENSSL_free(cert_der);
	OPENSSL_clear_free(key_der, key_len > 0 ? (size_t)key_len : 0);
	X509_free(x);
	EVP_PKEY_free(key);
	return err;
}
