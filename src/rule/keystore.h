/* SPDX-License-Identifier: MIT */
/*
 * Public and private keys for tokens. Files are read while a configuration is read and found by their path
 * afterwards, by any worker and without a lock; keys stay until the process ends, so that a configuration that is
 * replaced can go on with those it had.
 */
#ifndef WEIR_RULE_KEYSTORE_H
#define WEIR_RULE_KEYSTORE_H

#include <openssl/evp.h>

#include "weir/base/arena.h"

enum key_kind {
	KEY_PUBLIC,  /* a public key, or the one in a certificate */
	KEY_CERT,    /* the public key of a certificate */
	KEY_PRIVATE, /* a private key, beside its certificate or alone */
};

/* While the configuration is read. 0, -errno of the file, or -EBADMSG: nothing of that kind in it. */
int keystore_load(enum key_kind kind, const char *path);
/* The key that was read last from that path; NULL: none. */
EVP_PKEY *keystore_find(enum key_kind kind, struct slice path);

/*
 * The key of a JSON Web Key (RFC 7517) of type RSA or EC, private where its members are there. The caller frees
 * it. NULL when it is none. arena: for scratch memory.
 */
EVP_PKEY *jwk_key(struct arena *arena, struct slice jwk);

#endif
