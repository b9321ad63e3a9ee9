/* SPDX-License-Identifier: MIT */
/* CA and CRL files from inside. */
#ifndef WEIR_TLS_CA_STORE_H
#define WEIR_TLS_CA_STORE_H

#include "store_int.h"

struct tls_ca {
	struct list link;
	enum tls_ca_kind kind;
	char *name;
	STACK_OF(X509) * certs;
	STACK_OF(X509_CRL) * crls;
	unsigned char digest
	    [32]; /* of all that is in it: sessions verified with another content do not resume */
	struct list users;
};

void tls_ca_free(struct tls_ca *ca);
void tls_cas_free(struct tls_store *s);
struct tls_ca *tls_ca_find(struct tls_store *s, enum tls_ca_kind kind, const char *name);
/* An entry that is in no table. NULL without memory. */
struct tls_ca *tls_ca_new(enum tls_ca_kind kind, const char *name);
/* Adds what a PEM text holds. 0, -ENOENT: nothing of the kind is in it, or -EINVAL. */
int tls_ca_add_pem(struct tls_ca *ca, struct slice pem);
void tls_ca_add_digest(struct tls_ca *ca);
/* References to all that from holds. 0 or -ENOMEM. */
int tls_ca_copy(struct tls_ca *to, const struct tls_ca *from);
/* Exchanges the contents of two entries; names and users stay. */
void tls_ca_swap(struct tls_ca *a, struct tls_ca *b);
/* Names of the CAs for the client, without duplicates. */
STACK_OF(X509_NAME) * tls_ca_names(const struct tls_ca *ca);

#endif
