/* SPDX-License-Identifier: MIT */
/*
 * Digests, HMAC and AES over libcrypto. Fetched algorithms are kept in a list of the process, written by the
 * thread that reads configurations only; contexts belong to their thread and are freed when it ends.
 */
#include "crypto.h"

#include <pthread.h>

/* Algorithms are reference-counted objects that cost a lookup under a lock: fetched once, kept for good. */
struct fetched {
	struct fetched *next;
	char name[32];
	EVP_MD *md;
	EVP_CIPHER *cipher;
};
static struct fetched *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct fetched *fetch(const char *name, bool digest)
{
	struct fetched *f;
	pthread_mutex_lock(&all_lock);
	for (f = all; f; f = f->next) {
		if (strcmp(f->name, name) == 0 && (f->md != NULL) == digest)
			goto found;
	}
	f = strlen(name) < sizeof(f->name) ? calloc(1, sizeof(*f)) : NULL;
	if (!f)
		goto found;
	memcpy(f->name, name, strlen(name) + 1);
	if (digest)
		f->md = EVP_MD_fetch(NULL, name, NULL);
	else
		f->cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	if (!f->md && !f->cipher) {
		free(f);
		f = NULL;
		goto found;
	}
	f->next = all;
	all = f;
found:
	pthread_mutex_unlock(&all_lock);
	return f;
}

const EVP_MD *crypto_md(const char *name)
{
	const struct fetched *f = fetch(name, true);
	return f ? f->md : NULL;
}

const EVP_CIPHER *crypto_cipher(const char *name)
{
	const struct fetched *f = fetch(name, false);
	return f ? f->cipher : NULL;
}

/* ---- contexts of the thread ---- */

struct contexts {
	EVP_MD_CTX *md;
	EVP_CIPHER_CTX *cipher;
};

/* The key only frees them at the end of the thread; use goes through the thread-local pointer. */
static _Thread_local struct contexts *mine;
static pthread_key_t mine_key;
static pthread_once_t mine_once = PTHREAD_ONCE_INIT;

static void contexts_free(void *arg)
{
	struct contexts *c = arg;
	if (!c)
		return;
	EVP_MD_CTX_free(c->md);
	EVP_CIPHER_CTX_free(c->cipher);
	free(c);
}

static void make_key(void)
{
	(void)pthread_key_create(&mine_key, contexts_free);
}

static const struct contexts *contexts(void)
{
	if (likely(mine))
		return mine;
	pthread_once(&mine_once, make_key);
	struct contexts *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->md = EVP_MD_CTX_new();
	c->cipher = EVP_CIPHER_CTX_new();
	if (!c->md || !c->cipher || pthread_setspecific(mine_key, c) != 0) {
		contexts_free(c);
		return NULL;
	}
	mine = c;
	return c;
}

/* ---- digests ---- */

size_t crypto_digest(const EVP_MD *md, const struct slice *pieces, size_t n, uint8_t *out)
{
	const struct contexts *c = contexts();
	unsigned len = 0;
	if (!c || !EVP_DigestInit_ex2(c->md, md, NULL))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!EVP_DigestUpdate(c->md, pieces[i].ptr, pieces[i].len))
			return 0;
	}
	return EVP_DigestFinal_ex(c->md, out, &len) ? len : 0;
}

/* Two digests of our own instead of EVP_MAC, which copies contexts on the heap for each message. */
size_t crypto_hmac(
    const EVP_MD *md, struct slice key, const struct slice *pieces, size_t n, uint8_t *out)
{
	uint8_t short_key[EVP_MAX_MD_SIZE], inner[EVP_MAX_MD_SIZE], pad[256];
	struct slice all_pieces[CRYPTO_PIECES + 1];
	int block = EVP_MD_get_block_size(md);
	if (block <= 0 || (size_t)block > sizeof(pad) || n > CRYPTO_PIECES)
		return 0;
	if (key.len > (size_t)block) {
		size_t len = crypto_digest(md, &key, 1, short_key);
		if (!len)
			return 0;
		key = slice_make((const char *)short_key, len);
	}
	for (size_t i = 0; i < (size_t)block; i++)
		pad[i] = 0x36 ^ (i < key.len ? (uint8_t)key.ptr[i] : 0);
	struct slice padded = slice_make((const char *)pad, (size_t)block);
	all_pieces[0] = padded;
	for (size_t i = 0; i < n; i++)
		all_pieces[i + 1] = pieces[i];
	size_t len = crypto_digest(md, all_pieces, n + 1, inner);
	if (!len)
		return 0;
	for (size_t i = 0; i < (size_t)block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	struct slice hashed = slice_make((const char *)inner, len);
	len = crypto_digest(md, (struct slice[]){ padded, hashed }, 2, out);
	OPENSSL_cleanse(pad, sizeof(pad));
	OPENSSL_cleanse(short_key, sizeof(short_key));
	return len;
}

/* ---- ciphers ---- */

static bool set_up(EVP_CIPHER_CTX *ctx, const struct crypto_job *job)
{
	bool gcm = EVP_CIPHER_get_mode(job->cipher) == EVP_CIPH_GCM_MODE;
	if ((int)job->key.len != EVP_CIPHER_get_key_length(job->cipher))
		return false;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (!EVP_CipherInit_ex2(ctx, job->cipher, NULL, NULL, job->encrypt, NULL))
		return false;
	if (gcm &&
	    (job->nonce.len == 0 || job->nonce.len > 64 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)job->nonce.len, NULL) <= 0))
		return false;
	if (!gcm && (int)job->nonce.len != EVP_CIPHER_get_iv_length(job->cipher))
		return false;
	return EVP_CipherInit_ex2(ctx, NULL, (const uint8_t *)job->key.ptr,
	    (const uint8_t *)job->nonce.ptr, job->encrypt, NULL);
}

ssize_t crypto_run(const struct crypto_job *job, uint8_t *out)
{
	const struct contexts *c = contexts();
	int n = 0, last = 0;
	if (!c || job->in.len > INT_MAX / 2 || job->aad.len > INT_MAX / 2 ||
	    !set_up(c->cipher, job))
		return -1;
	if (job->aad.len && !EVP_CipherUpdate(c->cipher, NULL, &n, (const uint8_t *)job->aad.ptr,
				(int)job->aad.len))
		return -1;
	n = 0;
	if (job->in.len &&
	    !EVP_CipherUpdate(c->cipher, out, &n, (const uint8_t *)job->in.ptr, (int)job->in.len))
		return -1;
	if (job->tag && !job->encrypt &&
	    EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_SET_TAG, (int)job->tag_len, job->tag) <= 0)
		return -1;
	if (EVP_CipherFinal_ex(c->cipher, out + n, &last) <= 0)
		return -1;
	if (job->tag && job->encrypt &&
	    EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_GET_TAG, (int)job->tag_len, job->tag) <= 0)
		return -1;
	return n + last;
}
