/* SPDX-License-Identifier: MIT */
/* OCSP from inside: IDs of certificates, responses as text. */
#ifndef WEIR_TLS_OCSP_STAPLE_H
#define WEIR_TLS_OCSP_STAPLE_H

#include "store_int.h"

/* The certificate ID of RFC 6960 4.1.1 (SHA-1) in hexadecimal. False: the issuer is not known. */
bool tls_ocsp_id_hex(struct tls_store *s, const struct tls_parts *p, struct strbuf *out);
/* The response of a certificate, or of a transaction with a star, as text. Under the store's lock. 0 or -ENOENT. */
int tls_ocsp_show_locked(struct tls_store *s, struct slice name, struct strbuf *out);

#endif
