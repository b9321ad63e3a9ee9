/* SPDX-License-Identifier: MIT */
/*
 * CA and CRL files by name, loaded once and shared: a file, a directory of them, or "@system-ca". An entry is the list
 * of what is in it; each context builds an X509_STORE of its own from references, so that CAs, further CAs and CRLs
 * combine freely and a commit can replace any of them.
 */
#include "ca_store.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

struct tls_ca *tls_ca_new(enum tls_ca_kind kind, const char *name)
{
	struct tls_ca *ca = calloc(1, sizeof(*ca));
	if (!ca)
		return NULL;
	list_init(&ca->link);
	list_init(&ca->users);
	ca->kind = kind;
	ca->name = strdup(name);
	ca->certs = sk_X509_new_null();
	ca->crls = sk_X509_CRL_new_null();
	if (ca->name && ca->certs && ca->crls)
		return ca;
	tls_ca_free(ca);
	return NULL;
}

void tls_ca_free(struct tls_ca *ca)
{
	if (!ca)
		return;
	list_del(&ca->link);
	sk_X509_pop_free(ca->certs, X509_free);
	sk_X509_CRL_pop_free(ca->crls, X509_CRL_free);
	free(ca->name);
	free(ca);
}

void tls_cas_free(struct tls_store *s)
{
	list_for_each_entry_safe (ca, &s->cas, struct tls_ca, link)
		tls_ca_free(ca);
}

struct tls_ca *tls_ca_find(struct tls_store *s, enum tls_ca_kind kind, const char *name)
{
	list_for_each_entry (ca, &s->cas, struct tls_ca, link)
		if (ca->kind == kind && strcmp(ca->name, name) == 0)
			return ca;
	return NULL;
}

/* ---- content ---- */

/* CA files of CAs often hold CRLs as well and the other way round: what is not of the kind is passed over. */
static int add_block(struct tls_ca *ca, const struct pem_block *b, uint8_t *scratch)
{
	bool is_crl = slice_eq(b->label, SLICE("X509 CRL"));
	size_t len;
	if (ca->kind == TLS_CA_CRLS ? !is_crl : !pem_is_certificate(b->label))
		return 0;
	if (base64_read(b->body, scratch, &len) < 0)
		return -EINVAL;
	const unsigned char *at = scratch;
	if (ca->kind == TLS_CA_CRLS) {
		X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)len);
		if (crl && sk_X509_CRL_push(ca->crls, crl))
			return 1;
		X509_CRL_free(crl);
	} else {
		X509 *x = d2i_X509(NULL, &at, (long)len);
		if (x && sk_X509_push(ca->certs, x)) {
			X509_check_purpose(x, -1, 0); /* fills its caches while one thread has it */
			return 1;
		}
		X509_free(x);
	}
	tls_openssl_error();
	return -EINVAL;
}

int tls_ca_add_pem(struct tls_ca *ca, struct slice pem)
{
	uint8_t *scratch = malloc(pem.len + 4);
	struct pem_block b;
	int more = 0, n = 0, r = 0;
	if (!scratch)
		return -ENOMEM;
	while (r >= 0 && (more = pem_next(&pem, &b)) > 0) {
		r = add_block(ca, &b, scratch);
		n += r > 0;
	}
	free(scratch);
	if (r < 0 || more < 0)
		return -EINVAL;
	return n ? 0 : -ENOENT;
}

void tls_ca_add_digest(struct tls_ca *ca)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char one[EVP_MAX_MD_SIZE];
	unsigned len;
	memset(ca->digest, 0, sizeof(ca->digest));
	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL)) {
		EVP_MD_CTX_free(md);
		return;
	}
	for (int i = 0; i < sk_X509_num(ca->certs); i++)
		if (X509_digest(sk_X509_value(ca->certs, i), EVP_sha256(), one, &len))
			EVP_DigestUpdate(md, one, len);
	for (int i = 0; i < sk_X509_CRL_num(ca->crls); i++)
		if (X509_CRL_digest(sk_X509_CRL_value(ca->crls, i), EVP_sha256(), one, &len))
			EVP_DigestUpdate(md, one, len);
	EVP_DigestFinal_ex(md, ca->digest, &len);
	EVP_MD_CTX_free(md);
}

int tls_ca_copy(struct tls_ca *to, const struct tls_ca *from)
{
	sk_X509_pop_free(to->certs, X509_free);
	sk_X509_CRL_pop_free(to->crls, X509_CRL_free);
	to->certs = X509_chain_up_ref(from->certs);
	to->crls = sk_X509_CRL_dup(from->crls);
	for (int i = 0; i < sk_X509_CRL_num(to->crls); i++)
		X509_CRL_up_ref(sk_X509_CRL_value(to->crls, i));
	return to->certs && to->crls ? 0 : -ENOMEM;
}

void tls_ca_swap(struct tls_ca *a, struct tls_ca *b)
{
	STACK_OF(X509) *certs = a->certs;
	STACK_OF(X509_CRL) *crls = a->crls;
	unsigned char digest[sizeof(a->digest)];
	memcpy(digest, a->digest, sizeof(digest));
	a->certs = b->certs;
	a->crls = b->crls;
	memcpy(a->digest, b->digest, sizeof(digest));
	b->certs = certs;
	b->crls = crls;
	memcpy(b->digest, digest, sizeof(digest));
}

STACK_OF(X509_NAME) * tls_ca_names(const struct tls_ca *ca)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new(NULL);
	for (int i = 0; names && i < sk_X509_num(ca->certs); i++) {
		X509_NAME *n = X509_get_subject_name(sk_X509_value(ca->certs, i));
		bool known = false;
		for (int k = 0; k < sk_X509_NAME_num(names) && !known; k++)
			known = X509_NAME_cmp(sk_X509_NAME_value(names, k), n) == 0;
		X509_NAME *copy = known ? NULL : X509_NAME_dup(n);
		if (copy && !sk_X509_NAME_push(names, copy))
			X509_NAME_free(copy);
	}
	return names;
}

/* ---- loading ---- */

static int load_file(struct tls_ca *ca, const char *path, const struct tls_report *report)
{
	char *text;
	size_t len;
	int err = tls_read_file(path, &text, &len);
	if (err < 0) {
		tls_say(report, DIAG_ERROR, "cannot read '%s': %s", path, strerror(-err));
		return err;
	}
	err = tls_ca_add_pem(ca, slice_make(text, len));
	free(text);
	if (err == -EINVAL)
		tls_say(report, DIAG_ERROR, "'%s' holds something that cannot be read", path);
	return err;
}

static int is_ca_file(const struct dirent *e)
{
	static const struct slice endings[] = {
		{ ".pem", 4 },
		{ ".crt", 4 },
		{ ".cer", 4 },
		{ ".crl", 4 },
	};
	struct slice name = slice_str(e->d_name);
	for (unsigned i = 0; e->d_name[0] != '.' && i < ARRAY_SIZE(endings); i++)
		if (slice_has_suffix(name, endings[i]))
			return 1;
	return 0;
}

/* "try to load every": a file without anything of the kind does not matter here. */
static int load_dir(struct tls_ca *ca, const char *dir, const struct tls_report *report)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_ca_file, alphasort);
	int err = n < 0 ? -errno : 0;
	for (int i = 0; i < n; i++) {
		char *path = err ? NULL : tls_path(dir, names[i]->d_name);
		if (path) {
			int e = load_file(ca, path, report);
			if (e < 0 && e != -ENOENT)
				err = e;
		}
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return err;
}

/* What OpenSSL was built with, or SSL_CERT_FILE and SSL_CERT_DIR. */
static int load_system(struct tls_ca *ca, const struct tls_report *report)
{
	const char *file = getenv(X509_get_default_cert_file_env());
	const char *dir = getenv(X509_get_default_cert_dir_env());
	struct tls_report quiet = { .say = NULL };
	int a = load_file(ca, file ? file : X509_get_default_cert_file(), &quiet);
	int b = sk_X509_num(ca->certs)
		    ? 0
		    : load_dir(ca, dir ? dir : X509_get_default_cert_dir(), &quiet);
	return sk_X509_num(ca->certs) ? 0 : a ? a : b;
}

static bool is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int load(struct tls_ca *ca, const struct tls_report *report)
{
	int err;
	if (strcmp(ca->name, "@system-ca") == 0)
		err = load_system(ca, report);
	else if (is_dir(ca->name))
		err = load_dir(ca, ca->name, report);
	else
		err = load_file(ca, ca->name, report);
	if (err == 0 && !sk_X509_num(ca->certs) && !sk_X509_CRL_num(ca->crls))
		err = -ENOENT;
	if (err == -ENOENT)
		tls_say(report, DIAG_ERROR, "there is no %s in '%s'",
		    ca->kind == TLS_CA_CRLS ? "revocation list" : "CA certificate", ca->name);
	if (err == 0)
		tls_ca_add_digest(ca);
	return err;
}

int tls_ca_get(struct tls_store *s, enum tls_ca_kind kind, const char *name, struct tls_ca **ret,
    const struct tls_report *report)
{
	char *path = tls_path(s->conf.ca_base, name);
	if (!path)
		return -ENOMEM;
	struct tls_ca *ca = tls_ca_find(s, kind, path);
	int err = 0;
	if (!ca) {
		ca = tls_ca_new(kind, path);
		err = ca ? load(ca, report) : -ENOMEM;
		if (err == 0)
			list_add_tail(&s->cas, &ca->link);
		else
			tls_ca_free(ca);
	}
	free(path);
	if (err == 0)
		*ret = ca;
	return err;
}

int tls_ca_fill(struct tls_ca *ca, X509_STORE *to)
{
	for (int i = 0; i < sk_X509_num(ca->certs); i++)
		if (!X509_STORE_add_cert(to, sk_X509_value(ca->certs, i)))
			return -ENOMEM;
	for (int i = 0; i < sk_X509_CRL_num(ca->crls); i++)
		if (!X509_STORE_add_crl(to, sk_X509_CRL_value(ca->crls, i)))
			return -ENOMEM;
	return 0;
}

void tls_ca_add_user(struct tls_ca *ca, struct tls_ca_user *user)
{
	list_add_tail(&ca->users, &user->link);
}

void tls_ca_del_user(struct tls_ca_user *user)
{
	list_del(&user->link);
}
