/* SPDX-License-Identifier: MIT */
/*
 * What converters need of libcrypto: algorithms fetched once while the configuration is read, and contexts that
 * each thread keeps, so that a digest or a cipher of an evaluation allocates nothing once it is warm.
 */
#ifndef WEIR_RULE_CRYPTO_H
#define WEIR_RULE_CRYPTO_H

#include <openssl/evp.h>

#include "weir/base/slice.h"

/* While the configuration is read: the algorithm, or NULL. It stays until the process ends. */
const EVP_MD *crypto_md(const char *name);
const EVP_CIPHER *crypto_cipher(const char *name);

/* Of the pieces one after the other; out holds EVP_MAX_MD_SIZE bytes. The length, 0 when it failed. */
size_t crypto_digest(const EVP_MD *md, const struct slice *pieces, size_t n, uint8_t *out);
/* RFC 2104; at most CRYPTO_PIECES. */
#define CRYPTO_PIECES 4
size_t crypto_hmac(
    const EVP_MD *md, struct slice key, const struct slice *pieces, size_t n, uint8_t *out);

/*
 * One pass over in with AES: CBC (padded), GCM or key wrap by the cipher; out holds in.len + 32 bytes. tag: 16 bytes,
 * written when encrypting, compared when decrypting; NULL for ciphers without one. The length, or -1 when it
 * failed: key or nonce of a wrong length, wrong padding, wrong tag.
 */
struct crypto_job {
	const EVP_CIPHER *cipher;
	struct slice key, nonce, aad, in;
	uint8_t *tag;
	size_t tag_len;
	bool encrypt;
};
ssize_t crypto_run(const struct crypto_job *job, uint8_t *out);

#endif
