/* SPDX-License-Identifier: MIT */
/*
 * generate-certificates: a certificate for any name that a client asks for, signed by "ca-sign-file". Names are kept in
 * a cache, the longest unused goes first; one lock, held for a look-up and not while a certificate is made.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "bind_int.h"

#define CACHE_DEFAULT 1000
#define FORGED_DAYS   365

struct forged {
	struct htab_node node;
	struct list lru;
	X509 *cert;
	unsigned len;
	char name[];
};

struct tls_forge {
	X509 *ca;
	EVP_PKEY *ca_key;
	EVP_PKEY *key; /* of all forged ones */
	pthread_mutex_t lock;
	struct htab by_name;
	struct list lru; /* the last used first */
	unsigned max;
	atomic_ulong serial;
};

static int give_passphrase(char *buf, int size, int rwflag, void *arg)
{
	const char *pass = arg;
	size_t len = pass ? strlen(pass) : 0;
	if (!pass || len > (size_t)size)
		return -1;
	memcpy(buf, pass, len);
	return (int)len;
}

static int read_ca(struct tls_forge *f, const char *path, const char *pass)
{
	BIO *bio = BIO_new_file(path, "r");
	void *arg = (void *)(uintptr_t)pass;
	if (!bio)
		return -ENOENT;
	f->ca = PEM_read_bio_X509(bio, NULL, give_passphrase, arg);
	if (BIO_reset(bio) == 0)
		f->ca_key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, arg);
	BIO_free(bio);
	return f->ca && f->ca_key && X509_check_private_key(f->ca, f->ca_key) == 1 ? 0 : -EINVAL;
}

struct tls_forge *tls_forge_new(
    const struct tls_bind_conf *conf, struct tls_store *s, const struct tls_report *report)
{
	if (!conf->ca_sign_file) {
		tls_say(report, DIAG_ERROR, "'generate-certificates' needs a 'ca-sign-file'");
		return NULL;
	}
	char *path = tls_path(s->conf.ca_base, conf->ca_sign_file);
	struct tls_forge *f = path ? calloc(1, sizeof(*f)) : NULL;
	if (!f) {
		free(path);
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	list_init(&f->lru);
	f->max = conf->generate_cache ? conf->generate_cache : CACHE_DEFAULT;
	atomic_init(&f->serial, (unsigned long)time(NULL) << 20);
	int err = read_ca(f, path, conf->ca_sign_pass);
	if (err == 0)
		f->key = EVP_EC_gen("P-256");
	if (err || !f->key) {
		tls_say(report, DIAG_ERROR,
		    "ca-sign-file: '%s' has not a CA certificate and its key: %s", path,
		    tls_openssl_error());
		tls_forge_free(f);
		f = NULL;
	}
	free(path);
	return f;
}

static void forged_free(struct forged *e)
{
	list_del(&e->lru);
	X509_free(e->cert);
	free(e);
}

void tls_forge_free(struct tls_forge *f)
{
	if (!f)
		return;
	list_for_each_entry_safe (e, &f->lru, struct forged, lru)
		forged_free(e);
	htab_done(&f->by_name);
	X509_free(f->ca);
	EVP_PKEY_free(f->ca_key);
	EVP_PKEY_free(f->key);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Under the lock. */
static struct forged *find(struct tls_forge *f, struct slice name)
{
	for (struct htab_node *n = htab_first(&f->by_name, hash_slice(name)); n; n = htab_next(n)) {
		struct forged *e = container_of(n, struct forged, node);
		if (slice_eq(slice_make(e->name, e->len), name))
			return e;
	}
	return NULL;
}

static X509 *look_up(struct tls_forge *f, struct slice name)
{
	X509 *x = NULL;
	pthread_mutex_lock(&f->lock);
	struct forged *e = find(f, name);
	if (e && X509_up_ref(e->cert)) {
		x = e->cert;
		list_del(&e->lru);
		list_add_head(&f->lru, &e->lru);
	}
	pthread_mutex_unlock(&f->lock);
	return x;
}

static void remember(struct tls_forge *f, struct slice name, X509 *x)
{
	struct forged *e = malloc(sizeof(*e) + name.len);
	if (!e)
		return;
	*e = (struct forged){ .len = (unsigned)name.len };
	memcpy(e->name, name.ptr, name.len);
	list_init(&e->lru);
	pthread_mutex_lock(&f->lock);
	if (find(f, name) || htab_insert(&f->by_name, &e->node, hash_slice(name)) < 0)
		free(e);
	else {
		X509_up_ref(x);
		e->cert = x;
		list_add_head(&f->lru, &e->lru);
		if (f->by_name.count > f->max) {
			struct forged *old = list_last(&f->lru, struct forged, lru);
			htab_remove(&f->by_name, &old->node);
			forged_free(old);
		}
	}
	pthread_mutex_unlock(&f->lock);
}

static int add_ext(X509 *x, X509 *ca, int nid, const char *value)
{
	X509V3_CTX v3;
	X509V3_set_ctx(&v3, ca, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &v3, nid, value);
	int ok = e && X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	return ok;
}

/* Bytes of a name that mean something in OpenSSL's extension syntax must not reach it. */
static bool is_host_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);
		if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '.' &&
		    c != '_')
			return false;
	}
	return name.len > 0 && name.len <= SNI_NAME_MAX;
}

static X509 *forge(struct tls_forge *f, struct slice name)
{
	char san[SNI_NAME_MAX + 8];
	unsigned long serial = atomic_fetch_add(&f->serial, 1);
	X509 *x = X509_new();
	if (!x)
		return NULL;
	snprintf(san, sizeof(san), "DNS:%.*s", SLICE_ARG(name));
	/* RFC 5280 bounds the common name to 64 bytes; the alternative name is the one that counts */
	int cn_len = name.len <= 64 ? (int)name.len : 0;
	if (X509_set_version(x, X509_VERSION_3) &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -86400) &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * FORGED_DAYS) &&
	    X509_set_pubkey(x, f->key) && X509_set_issuer_name(x, X509_get_subject_name(f->ca)) &&
	    (!cn_len || X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
			    (const unsigned char *)name.ptr, cn_len, -1, 0)) &&
	    add_ext(x, f->ca, NID_basic_constraints, "CA:FALSE") &&
	    add_ext(x, f->ca, NID_ext_key_usage, "serverAuth") &&
	    add_ext(x, f->ca, NID_subject_alt_name, san) && X509_sign(x, f->ca_key, EVP_sha256()))
		return x;
	X509_free(x);
	return NULL;
}

int tls_forge_apply(struct tls_forge *f, struct slice name, SSL *ssl)
{
	char low[SNI_NAME_MAX];
	if (!is_host_name(name))
		return -EINVAL;
	for (size_t i = 0; i < name.len; i++)
		low[i] = ascii_lower(name.ptr[i]);
	name.ptr = low;
	X509 *x = look_up(f, name);
	if (!x) {
		x = forge(f, name);
		if (!x) {
			tls_openssl_error();
			return -EINVAL;
		}
		remember(f, name, x);
	}
	int ok = SSL_use_cert_and_key(ssl, x, f->key, NULL, 1) == 1;
	X509_free(x);
	return ok ? 0 : -EINVAL;
}
