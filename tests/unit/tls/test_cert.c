/* SPDX-License-Identifier: MIT */
/*
 * Certificates for tests; see test_cert.h. Included by the tests that need it, as there is one program a test file.
 */
#include "test_cert.h"

#include <dirent.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

static void need(bool holds)
{
	if (!holds) {
		fprintf(stderr, "test_cert: a step failed\n");
		abort();
	}
}

static EVP_PKEY *make_key(enum test_key kind)
{
	switch (kind) {
	case TEST_KEY_RSA:
		return EVP_RSA_gen(2048);
	case TEST_KEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case TEST_KEY_P384:
		return EVP_EC_gen("P-384");
	case TEST_KEY_EC:
		break;
	}
	return EVP_EC_gen("P-256");
}

static void add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX v3;
	X509V3_set_ctx(&v3, x, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &v3, nid, value);
	need(e && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static const EVP_MD *digest_of(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
}

struct test_cert test_cert_make(const struct test_spec *spec, const struct test_cert *issuer)
{
	static long serial = 1000;
	struct test_cert c = { .x509 = X509_new(), .key = make_key(spec->key) };
	need(c.x509 && c.key);
	X509 *x = c.x509;
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), spec->serial ? spec->serial : ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), spec->not_before ? spec->not_before : -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), spec->not_after ? spec->not_after : 86400L * 365);
	X509_set_pubkey(x, c.key);
	if (spec->cn)
		need(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		    (const unsigned char *)spec->cn, -1, -1, 0));
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer->x509 : x));
	add_ext(x, NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (spec->ca)
		add_ext(x, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
	if (spec->san)
		add_ext(x, NID_subject_alt_name, spec->san);
	if (spec->ocsp_uri) {
		char text[256];
		snprintf(text, sizeof(text), "OCSP;URI:%s", spec->ocsp_uri);
		add_ext(x, NID_info_access, text);
	}
	EVP_PKEY *by = issuer ? issuer->key : c.key;
	need(X509_sign(x, by, digest_of(by)) > 0);
	return c;
}

void test_cert_free(struct test_cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	*c = (struct test_cert){ 0 };
}

/* Takes over bio. */
static char *bio_text(BIO *bio)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);
	char *text = strndup(at, (size_t)len);
	need(text);
	BIO_free(bio);
	return text;
}

char *test_cert_pem(const struct test_cert *c)
{
	BIO *bio = BIO_new(BIO_s_mem());
	need(PEM_write_bio_X509(bio, c->x509));
	return bio_text(bio);
}

char *test_key_pem(const struct test_cert *c, const char *pass)
{
	BIO *bio = BIO_new(BIO_s_mem());
	need(PEM_write_bio_PKCS8PrivateKey(bio, c->key, pass ? EVP_aes_256_cbc() : NULL, pass,
	    pass ? (int)strlen(pass) : 0, NULL, NULL));
	return bio_text(bio);
}

char *test_crl_pem(const struct test_cert *ca, const struct test_cert *revoked, unsigned n)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, -3600);
	need(crl && t);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x509));
	X509_CRL_set1_lastUpdate(crl, t);
	for (unsigned i = 0; i < n; i++) {
		X509_REVOKED *r = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked[i].x509));
		X509_REVOKED_set_revocationDate(r, t);
		need(X509_CRL_add0_revoked(crl, r));
	}
	X509_gmtime_adj(t, 86400L * 30);
	X509_CRL_set1_nextUpdate(crl, t);
	ASN1_TIME_free(t);
	need(X509_CRL_sort(crl) && X509_CRL_sign(crl, ca->key, digest_of(ca->key)) > 0);
	BIO *bio = BIO_new(BIO_s_mem());
	need(PEM_write_bio_X509_CRL(bio, crl));
	X509_CRL_free(crl);
	return bio_text(bio);
}

unsigned char *test_ocsp_der(const struct test_cert *leaf, const struct test_cert *ca, bool revoked,
    long seconds, size_t *ret_len)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf->x509, ca->x509);
	ASN1_TIME *from = X509_gmtime_adj(NULL, seconds < 0 ? 2 * seconds : 0);
	ASN1_TIME *to = X509_gmtime_adj(NULL, seconds);
	need(basic && id && from && to);
	need(OCSP_basic_add1_status(basic, id,
	    revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD, 0, revoked ? from : NULL,
	    from, to));
	need(OCSP_basic_sign(basic, ca->x509, ca->key, EVP_sha256(), NULL, 0));
	OCSP_RESPONSE *resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	unsigned char *der = NULL;
	int len = i2d_OCSP_RESPONSE(resp, &der);
	need(len > 0);
	*ret_len = (size_t)len;
	OCSP_RESPONSE_free(resp);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return der;
}

char *test_dir_make(void)
{
	char *dir = strdup("/tmp/weir-tls-XXXXXX");
	need(dir && mkdtemp(dir));
	return dir;
}

void test_dir_remove(char *dir)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		char *path = test_path(dir, e->d_name);
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			test_dir_remove(path);
		else {
			unlink(path);
			free(path);
		}
	}
	if (d)
		closedir(d);
	rmdir(dir);
	free(dir);
}

char *test_path(const char *dir, const char *name)
{
	char *path;
	need(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

void test_write(const char *dir, const char *name, const void *bytes, size_t len)
{
	char *path = test_path(dir, name);
	FILE *f = fopen(path, "w");
	need(f && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
	free(path);
}

void test_write_pem(const char *dir, const char *name, const struct test_cert *c, bool with_key,
    const struct test_cert *chain)
{
	char *cert = test_cert_pem(c), *key = with_key ? test_key_pem(c, NULL) : NULL;
	char *rest = chain ? test_cert_pem(chain) : NULL;
	char *all;
	need(asprintf(&all, "%s%s%s", cert, key ? key : "", rest ? rest : "") > 0);
	test_write(dir, name, all, strlen(all));
	free(all);
	free(cert);
	free(key);
	free(rest);
}
