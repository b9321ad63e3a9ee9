/* SPDX-License-Identifier: MIT */
/*
 * Keys under a passphrase: tries the passphrases known, then asks the program of "ssl-passphrase-cmd".
 */
#ifndef WEIR_TLS_BUNDLE_PASS_H
#define WEIR_TLS_BUNDLE_PASS_H

#include "store_int.h"

/* pem: one block. *ret: DER of the key, malloc'ed. 0 or -errno, told. Loading threads. */
int tls_pass_decrypt(struct tls_store *s, struct slice pem, const char *file, struct tls_blob *ret,
    const struct tls_report *report);

#endif
