/* SPDX-License-Identifier: MIT */
/*
 * Answers of "show ssl cert|ca-file|crl-file" and "dump ssl cert", line by line as the management manual has them.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "ca_store.h"
#include "ocsp_staple.h"

/* ---- pieces ---- */

/* What OpenSSL prints into a BIO. Takes the BIO. */
static void add_bio(struct strbuf *out, BIO *bio)
{
	char *text;
	long len = bio ? BIO_get_mem_data(bio, &text) : 0;
	if (len > 0)
		strbuf_add(out, text, (size_t)len);
	BIO_free(bio);
}

static void add_time(struct strbuf *out, const char *what, const ASN1_TIME *t)
{
	BIO *bio = BIO_new(BIO_s_mem());
	strbuf_addf(out, "%s: ", what);
	if (bio && t)
		ASN1_TIME_print(bio, t);
	add_bio(out, bio);
	strbuf_addc(out, '\n');
}

static void add_hex(struct strbuf *out, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		strbuf_addf(out, "%02X", bytes[i]);
}

static void add_serial(struct strbuf *out, X509 *x)
{
	const ASN1_INTEGER *n = X509_get0_serialNumber(x);
	strbuf_adds(out, "Serial: ");
	add_hex(out, ASN1_STRING_get0_data(n), (size_t)ASN1_STRING_length(n));
	strbuf_addc(out, '\n');
}

static void add_name(struct strbuf *out, const char *what, const X509_NAME *name)
{
	char *text = X509_NAME_oneline(name, NULL, 0);
	strbuf_addf(out, "%s: %s\n", what, text ? text : "");
	OPENSSL_free(text);
}

static void add_alt_names(struct strbuf *out, X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	strbuf_adds(out, "Subject Alternative Name: ");
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		BIO *bio = BIO_new(BIO_s_mem());
		if (bio)
			GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
		strbuf_adds(out, i ? ", " : "");
		add_bio(out, bio);
	}
	GENERAL_NAMES_free(names);
	strbuf_addc(out, '\n');
}

static void add_algorithm(struct strbuf *out, X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	const char *type = "";
	int bits = key ? EVP_PKEY_get_bits(key) : 0;
	if (key && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")))
		type = "RSA";
	else if (key && EVP_PKEY_is_a(key, "EC"))
		type = "EC";
	else if (key && EVP_PKEY_is_a(key, "DSA"))
		type = "DSA";
	if (*type)
		strbuf_addf(out, "Algorithm: %s%d\n", type, bits);
	else
		strbuf_addf(out, "Algorithm: %s\n", key ? EVP_PKEY_get0_type_name(key) : "");
}

static void add_certificate(struct strbuf *out, X509 *x)
{
	unsigned char sha1[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	add_serial(out, x);
	add_time(out, "notBefore", X509_get0_notBefore(x));
	add_time(out, "notAfter", X509_get0_notAfter(x));
	add_alt_names(out, x);
	add_algorithm(out, x);
	X509_digest(x, EVP_sha1(), sha1, &len);
	strbuf_adds(out, "SHA1 FingerPrint: ");
	add_hex(out, sha1, len);
	strbuf_addc(out, '\n');
	add_name(out, "Subject", X509_get_subject_name(x));
	add_name(out, "Issuer", X509_get_issuer_name(x));
}

/* ---- certificates ---- */

static X509 *leaf_of(const struct tls_parts *p)
{
	const unsigned char *at = p->leaf.ptr;
	return at ? d2i_X509(NULL, &at, (long)p->leaf.len) : NULL;
}

static void show_parts(struct tls_store *s, const struct tls_parts *p, struct strbuf *out)
{
	X509 *x = leaf_of(p);
	if (x) {
		add_certificate(out, x);
		for (unsigned i = 0; i < p->chain_n; i++) {
			X509 *link = tls_link_x509(p->chain[i]);
			if (!link)
				continue;
			add_name(out, "Chain Subject", X509_get_subject_name(link));
			add_name(out, "Chain Issuer", X509_get_issuer_name(link));
		}
	}
	strbuf_adds(out, "OCSP Response Key: ");
	if (x && p->ocsp_file)
		tls_ocsp_id_hex(s, p, out);
	strbuf_addc(out, '\n');
	X509_free(x);
}

static int show_cert(struct tls_store *s, const char *name, struct strbuf *out)
{
	struct tls_pending *p = &s->pending[TLS_OBJ_CERT];
	if (*name == '*' && p->name && strcmp(p->name, name + 1) == 0) {
		strbuf_addf(out, "Filename: *%s\nStatus: Unused\n", p->name);
		show_parts(s, &p->parts, out);
		return 0;
	}
	struct tls_slot *slot = tls_store_find(s, *name == '\\' ? name + 1 : name);
	if (!slot)
		return -ENOENT;
	struct tls_cert *c = atomic_load(&slot->cert);
	const char *used = atomic_load(&slot->users) ? "Used" : "Unused";
	strbuf_addf(out, "Filename: %s\nStatus: %s\n", slot->name, c ? used : "Empty");
	if (c)
		show_parts(s, &c->parts, out);
	else
		strbuf_adds(out, "OCSP Response Key: \n");
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, with what show_name adds behind each. */
static int list_names(struct tls_store *s, const char **names, size_t n, struct strbuf *out)
{
	qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(out, "%s\n", names[i]);
	return 0;
}

static int list_certs(struct tls_store *s, struct strbuf *out)
{
	const char *open = s->pending[TLS_OBJ_CERT].name;
	const char **names = calloc(s->by_name.count + 1, sizeof(*names));
	size_t n = 0;
	if (!names)
		return -ENOMEM;
	if (open)
		strbuf_addf(out, "# transaction\n*%s\n", open);
	strbuf_adds(out, "# filename\n");
	list_for_each_entry (slot, &s->slots, struct tls_slot, order)
		names[n++] = slot->name;
	list_names(s, names, n, out);
	free(names);
	return 0;
}

/* ---- CA and CRL files ---- */

static void show_crl(X509_CRL *crl, struct strbuf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int nid = X509_CRL_get_signature_nid(crl);
	strbuf_addf(out, "Version %ld\n", X509_CRL_get_version(crl) + 1);
	strbuf_addf(out, "Signature Algorithm: %s\n", OBJ_nid2ln(nid));
	add_name(out, "Issuer", X509_CRL_get_issuer(crl));
	add_time(out, "Last Update", X509_CRL_get0_lastUpdate(crl));
	add_time(out, "Next Update", X509_CRL_get0_nextUpdate(crl));
	STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(crl);
	if (bio && sk_X509_REVOKED_num(revoked) > 0) {
		BIO_printf(bio, "Revoked Certificates:\n");
		for (int i = 0; i < sk_X509_REVOKED_num(revoked); i++) {
			const X509_REVOKED *r = sk_X509_REVOKED_value(revoked, i);
			BIO_printf(bio, "    Serial Number: ");
			i2a_ASN1_INTEGER(bio, X509_REVOKED_get0_serialNumber(r));
			BIO_printf(bio, "\n        Revocation Date: ");
			ASN1_TIME_print(bio, X509_REVOKED_get0_revocationDate(r));
			BIO_printf(bio, "\n");
		}
	} else if (bio)
		BIO_printf(bio, "No Revoked Certificates.\n");
	add_bio(out, bio);
}

static int count_of(const struct tls_ca *ca)
{
	return ca->kind == TLS_CA_CRLS ? sk_X509_CRL_num(ca->crls) : sk_X509_num(ca->certs);
}

static void show_entry(
    const struct tls_ca *ca, const char *star, unsigned index, struct strbuf *out)
{
	int n = count_of(ca);
	const char *used = list_is_empty(&ca->users) ? "Unused" : "Used";
	strbuf_addf(out, "Filename: %s%s\nStatus: %s\n", star, ca->name,
	    *star ? "Unused"
	    : n	  ? used
		  : "Empty");
	for (int i = 0; i < n; i++) {
		if (index && (unsigned)i + 1 != index)
			continue;
		if (ca->kind == TLS_CA_CRLS) {
			strbuf_addf(out, " \nCertificate Revocation List #%d:\n", i + 1);
			show_crl(sk_X509_CRL_value(ca->crls, i), out);
		} else {
			strbuf_addf(out, " \nCertificate #%d:\n", i + 1);
			add_certificate(out, sk_X509_value(ca->certs, i));
		}
	}
}

static void list_ca(const struct tls_ca *ca, const char *star, struct strbuf *out)
{
	if (ca->kind == TLS_CA_CRLS)
		strbuf_addf(out, "%s%s\n", star, ca->name);
	else
		strbuf_addf(out, "%s%s - %d certificate(s)\n", star, ca->name, count_of(ca));
}

static int list_cas(struct tls_store *s, enum tls_obj obj, struct strbuf *out)
{
	enum tls_ca_kind kind = obj == TLS_OBJ_CRL ? TLS_CA_CRLS : TLS_CA_CERTS;
	const struct tls_pending *p = &s->pending[obj];
	if (p->ca) {
		strbuf_adds(out, "# transaction\n");
		list_ca(p->ca, "*", out);
	}
	strbuf_adds(out, "# filename\n");
	list_for_each_entry (ca, &s->cas, struct tls_ca, link) {
		if (ca->kind == kind)
			list_ca(ca, "", out);
	}
	return 0;
}

/* "name" or "name:3". */
static int show_ca(struct tls_store *s, enum tls_obj obj, const char *asked, struct strbuf *out)
{
	enum tls_ca_kind kind = obj == TLS_OBJ_CRL ? TLS_CA_CRLS : TLS_CA_CERTS;
	const struct tls_pending *p = &s->pending[obj];
	uint64_t index = 0;
	char *name = strdup(asked);
	if (!name)
		return -ENOMEM;
	char *colon = strrchr(name, ':');
	if (colon && slice_to_u64(slice_str(colon + 1), UINT32_MAX, &index) == 0)
		*colon = '\0';
	int r = -ENOENT;
	if (*name == '*' && p->ca && strcmp(p->name, name + 1) == 0) {
		show_entry(p->ca, "*", (unsigned)index, out);
		r = 0;
	} else {
		const struct tls_ca *ca = tls_ca_find(s, kind, *name == '\\' ? name + 1 : name);
		if (ca) {
			show_entry(ca, "", (unsigned)index, out);
			r = 0;
		}
	}
	free(name);
	return r;
}

/* ---- the commands ---- */

static int show_locked(struct tls_store *s, enum tls_obj kind, const char *name, struct strbuf *out)
{
	bool all = !name || !*name;
	if (kind != TLS_OBJ_CERT)
		return all ? list_cas(s, kind, out) : show_ca(s, kind, name, out);
	if (all)
		return list_certs(s, out);
	int r = show_cert(s, name, out);
	struct slice base = slice_str(name);
	if (r != -ENOENT || !slice_has_suffix(base, SLICE(".ocsp")))
		return r;
	base.len -= 5;
	return tls_ocsp_show_locked(s, base, out);
}

int tls_store_show(struct tls_store *s, enum tls_obj kind, const char *name, struct strbuf *out)
{
	pthread_mutex_lock(&s->lock);
	int r = show_locked(s, kind, name, out);
	pthread_mutex_unlock(&s->lock);
	return out->failed ? -ENOMEM : r;
}

int tls_store_dump(struct tls_store *s, const char *name, struct strbuf *out)
{
	const struct tls_pending *p = &s->pending[TLS_OBJ_CERT];
	const struct tls_parts *parts = NULL;
	pthread_mutex_lock(&s->lock);
	if (*name == '*' && p->name && strcmp(p->name, name + 1) == 0)
		parts = &p->parts;
	struct tls_slot *slot = parts ? NULL : tls_store_find(s, *name == '\\' ? name + 1 : name);
	struct tls_cert *c = slot ? atomic_load(&slot->cert) : NULL;
	if (c)
		parts = &c->parts;
	X509 *x = parts ? leaf_of(parts) : NULL;
	BIO *bio = x ? BIO_new(BIO_s_mem()) : NULL;
	if (bio) {
		const unsigned char *at = parts->key.ptr;
		EVP_PKEY *key = at ? d2i_AutoPrivateKey(NULL, &at, (long)parts->key.len) : NULL;
		if (key)
			PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
		EVP_PKEY_free(key);
		PEM_write_bio_X509(bio, x);
		for (unsigned i = 0; i < parts->chain_n; i++)
			PEM_write_bio_X509(bio, tls_link_x509(parts->chain[i]));
	}
	bool found = bio;
	add_bio(out, bio);
	X509_free(x);
	pthread_mutex_unlock(&s->lock);
	return out->failed ? -ENOMEM : found ? 0 : -ENOENT;
}
