/* SPDX-License-Identifier: MIT */
/*
 * Ticket keys. A set is shared by contexts and workers, with atomic references; its keys are under its lock, which a
 * handshake holds for copying one. Keys that nobody needs any more are overwritten.
 */
#include "weir/tls/ticket_keys.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "ticket_keep.h"
#include "weir/base/strbuf.h"

#define SEAL (TLS_TICKETS_NO - 2) /* of the keys from old to new */

struct ticket_key {
	unsigned char bytes[TLS_TICKET_KEY_MAX]; /* name, AES key, HMAC key */
};

struct tls_ticket_keys {
	atomic_uint refs;
	pthread_mutex_t lock;
	char *file; /* immutable, as all but the keys */
	size_t key_len;
	unsigned rotate_s;
	EVP_CIPHER *cipher; /* fetched once: fetching takes locks */
	int64_t rotate_at_s;
	struct ticket_key key[TLS_TICKETS_NO]; /* the oldest first */
	struct ticket_page *page;	       /* where the next process finds them, or NULL */
};

static int64_t mono_s(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static struct tls_ticket_keys *keys_new(size_t key_len, const char *file)
{
	struct tls_ticket_keys *k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	atomic_init(&k->refs, 1);
	pthread_mutex_init(&k->lock, NULL);
	k->key_len = key_len;
	k->file = file ? slice_dup(slice_str(file)) : NULL;
	k->cipher = EVP_CIPHER_fetch(
	    NULL, key_len == TLS_TICKET_KEY_MIN ? "AES-128-CBC" : "AES-256-CBC", NULL);
	if (!k->cipher || (file && !k->file)) {
		tls_ticket_keys_unref(k);
		return NULL;
	}
	return k;
}

struct tls_ticket_keys *tls_ticket_keys_ref(struct tls_ticket_keys *keys)
{
	atomic_fetch_add_explicit(&keys->refs, 1, memory_order_relaxed);
	return keys;
}

void tls_ticket_keys_unref(struct tls_ticket_keys *k)
{
	if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
		return;
	EVP_CIPHER_free(k->cipher);
	ticket_page_unmap(k->page);
	pthread_mutex_destroy(&k->lock);
	free(k->file);
	OPENSSL_cleanse(k->key, sizeof(k->key));
	free(k);
}

/* Those of the process before this one. The time is judged: a clock that makes no sense rotates at once. */
static bool keys_left(struct tls_ticket_keys *k, unsigned rotate_s)
{
	int64_t at_s, now = mono_s();
	if (!k->page || !ticket_page_read(k->page, (uint8_t *)k->key, &at_s))
		return false;
	k->rotate_at_s = at_s >= 0 && at_s <= now + rotate_s ? at_s : now;
	return true;
}

struct tls_ticket_keys *tls_ticket_keys_new(int kept_fd, unsigned rotate_s)
{
	struct tls_ticket_keys *k = keys_new(TLS_TICKET_KEY_MAX, NULL);
	if (!k)
		return NULL;
	k->rotate_s = rotate_s;
	k->page = ticket_page_map(kept_fd);
	if (keys_left(k, rotate_s))
		return k;
	if (RAND_bytes((unsigned char *)k->key, sizeof(k->key)) != 1) {
		tls_ticket_keys_unref(k);
		return NULL;
	}
	k->rotate_at_s = mono_s() + rotate_s;
	return k;
}

static void leave_locked(struct tls_ticket_keys *k)
{
	if (k->page)
		ticket_page_write(k->page, (const uint8_t *)k->key, k->rotate_at_s);
}

void tls_ticket_keys_leave(struct tls_ticket_keys *k)
{
	if (!k->page)
		return;
	pthread_mutex_lock(&k->lock);
	ticket_page_claim(k->page);
	leave_locked(k);
	pthread_mutex_unlock(&k->lock);
}

/* ---- texts ---- */

/* Length of the key, 48 or 80, or -EINVAL. */
static int decode_key(struct slice base64, struct ticket_key *ret)
{
	unsigned char out[TLS_TICKET_BASE64];
	size_t pad = 0;
	while (pad < 2 && pad < base64.len && base64.ptr[base64.len - 1 - pad] == '=')
		pad++;
	if (base64.len % 4 || base64.len / 4 * 3 > sizeof(out))
		return -EINVAL;
	int n = EVP_DecodeBlock(out, (const unsigned char *)base64.ptr, (int)base64.len);
	n -= (int)pad;
	if (n == TLS_TICKET_KEY_MIN || n == TLS_TICKET_KEY_MAX)
		memcpy(ret->bytes, out, (size_t)n);
	else
		n = -EINVAL;
	OPENSSL_cleanse(out, sizeof(out));
	return n;
}

/* The newest keys of a text, as many as a set holds, the oldest first. Length of a key or -EINVAL with err. */
static int parse_keys(
    struct slice text, struct ticket_key key[TLS_TICKETS_NO], char *err, size_t err_size)
{
	unsigned n = 0, line_no = 0;
	int len = 0;
	while (text.ptr && text.len) {
		struct slice line = slice_trim(slice_cut(&text, '\n'), " \t\r");
		struct ticket_key k;
		line_no++;
		if (!line.len)
			continue;
		int r = decode_key(line, &k);
		if (r < 0 || (len && r != len)) {
			snprintf(err, err_size,
			    r < 0 ? "line %u: not a key of %d or %d bytes in base64"
				  : "line %u: keys of %d and %d bytes cannot be mixed",
			    line_no, TLS_TICKET_KEY_MIN, TLS_TICKET_KEY_MAX);
			return -EINVAL;
		}
		len = r;
		if (n == TLS_TICKETS_NO)
			memmove(key, key + 1, (TLS_TICKETS_NO - 1) * sizeof(*key));
		key[MIN(n, TLS_TICKETS_NO - 1u)] = k;
		n = MIN(n + 1, (unsigned)TLS_TICKETS_NO);
		OPENSSL_cleanse(&k, sizeof(k));
	}
	if (n < TLS_TICKETS_NO) {
		snprintf(err, err_size, "%u keys, at least %d are needed", n, TLS_TICKETS_NO);
		return -EINVAL;
	}
	return len;
}

struct tls_ticket_keys *tls_ticket_keys_parse(
    const char *file, struct slice text, char *err, size_t err_size)
{
	struct ticket_key key[TLS_TICKETS_NO];
	struct tls_ticket_keys *k = NULL;
	int len = parse_keys(text, key, err, err_size);
	if (len > 0) {
		k = keys_new((size_t)len, file);
		if (k)
			memcpy(k->key, key, sizeof(key));
		else
			snprintf(err, err_size, "out of memory");
	}
	OPENSSL_cleanse(key, sizeof(key));
	return k;
}

struct tls_ticket_keys *tls_ticket_keys_load(const char *file, char *err, size_t err_size)
{
	char text[16384];
	FILE *f = fopen(file, "re");
	if (!f) {
		snprintf(err, err_size, "%s: %s", file, strerror(errno));
		return NULL;
	}
	size_t n = fread(text, 1, sizeof(text), f);
	bool whole = !ferror(f) && n < sizeof(text);
	fclose(f);
	struct tls_ticket_keys *k = NULL;
	if (whole)
		k = tls_ticket_keys_parse(file, slice_make(text, n), err, err_size);
	else
		snprintf(err, err_size, "%s: cannot be read, or too long", file);
	OPENSSL_cleanse(text, sizeof(text));
	return k;
}

const char *tls_ticket_keys_file(const struct tls_ticket_keys *keys)
{
	return keys->file;
}

/* ---- changes ---- */

static void push_locked(struct tls_ticket_keys *k, const struct ticket_key *newest)
{
	memmove(&k->key[0], &k->key[1], (TLS_TICKETS_NO - 1) * sizeof(k->key[0]));
	k->key[TLS_TICKETS_NO - 1] = *newest;
	leave_locked(k);
}

int tls_ticket_keys_push(struct tls_ticket_keys *k, struct slice base64)
{
	struct ticket_key key = { .bytes = { 0 } };
	int n = decode_key(base64, &key);
	if (n < 0 || (size_t)n != k->key_len)
		return -EINVAL;
	pthread_mutex_lock(&k->lock);
	push_locked(k, &key);
	pthread_mutex_unlock(&k->lock);
	OPENSSL_cleanse(&key, sizeof(key));
	return 0;
}

int tls_ticket_keys_take(struct tls_ticket_keys *k, const struct tls_ticket_keys *from)
{
	if (k->key_len != from->key_len)
		return -EINVAL;
	pthread_mutex_lock(&k->lock);
	memcpy(k->key, from->key, sizeof(k->key));
	leave_locked(k);
	pthread_mutex_unlock(&k->lock);
	return 0;
}

size_t tls_ticket_keys_show(
    const struct tls_ticket_keys *keys, unsigned i, char out[TLS_TICKET_BASE64])
{
	struct tls_ticket_keys *k = (struct tls_ticket_keys *)keys;
	if (i >= TLS_TICKETS_NO)
		return 0;
	pthread_mutex_lock(&k->lock);
	int n = EVP_EncodeBlock((unsigned char *)out, k->key[i].bytes, (int)k->key_len);
	pthread_mutex_unlock(&k->lock);
	return n < 0 ? 0 : (size_t)n;
}

/* ---- sealing and opening ---- */

static void rotate_locked(struct tls_ticket_keys *k)
{
	struct ticket_key fresh;
	int64_t now = mono_s();
	if (!k->rotate_s || now < k->rotate_at_s)
		return;
	k->rotate_at_s = now + k->rotate_s;
	if (RAND_bytes(fresh.bytes, sizeof(fresh.bytes)) == 1)
		push_locked(k, &fresh);
	OPENSSL_cleanse(&fresh, sizeof(fresh));
}

static int find_locked(const struct tls_ticket_keys *k, const unsigned char *name)
{
	for (int i = 0; i < TLS_TICKETS_NO; i++) {
		if (memcmp(k->key[i].bytes, name, TLS_TICKET_NAME) == 0)
			return i;
	}
	return -1;
}

static int init_crypto(const struct tls_ticket_keys *k, struct ticket_key *key,
    const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	size_t len = (k->key_len - TLS_TICKET_NAME) / 2;
	unsigned char *aes_key = key->bytes + TLS_TICKET_NAME, *hmac_key = aes_key + len;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, hmac_key, len),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};
	return EVP_MAC_CTX_set_params(mac, params) == 1 &&
	       EVP_CipherInit_ex(cipher, k->cipher, NULL, aes_key, iv, enc) == 1;
}

static int keys_index = -1; /* of contexts; set once for the process */
static pthread_once_t keys_once = PTHREAD_ONCE_INIT;

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb() wants it. Opening: 0 unknown key, 1 good, 2 good but to be renewed. */
static int ticket_cb(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int enc)
{
	struct tls_ticket_keys *k = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index);
	struct ticket_key key;
	int i = SEAL, result = 0;
	if (!k)
		return enc ? -1 : 0;
	pthread_mutex_lock(&k->lock);
	rotate_locked(k);
	if (!enc)
		i = find_locked(k, name);
	if (i >= 0)
		key = k->key[i];
	pthread_mutex_unlock(&k->lock);
	if (i < 0)
		return 0;
	if (enc) {
		memcpy(name, key.bytes, TLS_TICKET_NAME);
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(k->cipher)) != 1)
			goto out;
	}
	if (init_crypto(k, &key, iv, cipher, mac, enc))
		result = !enc && i < SEAL ? 2 : 1;
out:
	OPENSSL_cleanse(&key, sizeof(key));
	return result ? result : -1;
}

static void free_ex(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	tls_ticket_keys_unref(ptr);
}

static void make_index(void)
{
	keys_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_ex);
}

int tls_ticket_keys_attach(struct tls_ticket_keys *keys, struct ssl_ctx_st *ctx)
{
	pthread_once(&keys_once, make_index);
	if (keys_index < 0)
		return -ENOMEM;
	tls_ticket_keys_unref(SSL_CTX_get_ex_data(ctx, keys_index));
	if (!SSL_CTX_set_ex_data(ctx, keys_index, keys))
		return -ENOMEM;
	tls_ticket_keys_ref(keys);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_cb);
	return 0;
}
