/* SPDX-License-Identifier: MIT */
/*
 * Keys of files: a list of the process that only grows. The thread that reads configurations puts new keys in
 * front; workers walk it.
 */
#include "keystore.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdatomic.h>

struct key {
	struct key *next;
	enum key_kind kind;
	char *path;
	EVP_PKEY *key;
};
/* Written by keystore_load() alone; entries never change or go away. */
static struct key *_Atomic all;

EVP_PKEY *keystore_find(enum key_kind kind, struct slice path)
{
	struct key *k = atomic_load_explicit(&all, memory_order_acquire);
	for (; k; k = k->next) {
		if (k->kind == kind && slice_eq(slice_str(k->path), path))
			return k->key;
	}
	return NULL;
}

/* A passphrase would be asked for on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	return -1;
}

static EVP_PKEY *read_cert(FILE *f)
{
	X509 *cert = PEM_read_X509(f, NULL, no_passphrase, NULL);
	EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;
	X509_free(cert);
	return key;
}

static EVP_PKEY *read_key(FILE *f, enum key_kind kind)
{
	if (kind == KEY_PRIVATE)
		return PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
	if (kind == KEY_CERT)
		return read_cert(f);
	/* SPKI and PKCS#1 alike. */
	EVP_PKEY *key = PEM_read_PUBKEY(f, NULL, no_passphrase, NULL);
	if (key)
		return key;
	rewind(f);
	return read_cert(f);
}

int keystore_load(enum key_kind kind, const char *path)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return -errno;
	EVP_PKEY *key = read_key(f, kind);
	(void)fclose(f);
	if (!key)
		return -EBADMSG;
	EVP_PKEY *known = keystore_find(kind, slice_str(path));
	if (known && EVP_PKEY_eq(known, key) == 1) {
		EVP_PKEY_free(key);
		return 0;
	}
	struct key *k = calloc(1, sizeof(*k));
	if (k)
		k->path = strdup(path);
	if (!k || !k->path) {
		free(k);
		EVP_PKEY_free(key);
		return -ENOMEM;
	}
	k->kind = kind;
	k->key = key;
	k->next = atomic_load_explicit(&all, memory_order_relaxed);
	atomic_store_explicit(&all, k, memory_order_release);
	return 0;
}
