/* SPDX-License-Identifier: MIT */
/* Private keys, for this module. */
#ifndef WEIR_TLS_PRIVATE_KEY_H
#define WEIR_TLS_PRIVATE_KEY_H

#include <openssl/evp.h>

#include "weir/base/slice.h"

/* A key in DER, of whatever kind. NULL: OpenSSL's errors say why. It may not belong to its certificate. */
EVP_PKEY *tls_private_key(struct slice der);

#endif
