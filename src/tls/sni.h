/* SPDX-License-Identifier: MIT */
/*
 * Names to certificates: the index of one bind. Workers look up without a lock while one writer (under the store's
 * lock) adds and removes: a node is published at the head of its chain, or unlinked and retired; growing publishes a
 * new table and retires the old one whole.
 */
#ifndef WEIR_TLS_SNI_H
#define WEIR_TLS_SNI_H

#include "store_int.h"

struct tls_inst;
struct sni_table;

struct sni_index {
	_Atomic(struct sni_table *) table;
	size_t count; /* writer's */
};

#define SNI_NAME_MAX 255

/* What a name may be served with: of each key type the line that came first. */
struct sni_match {
	struct tls_inst *inst[TLS_KEY_N];
	struct tls_inst *first; /* of all; NULL: no match */
};

/* Room for that many names. 0 or -ENOMEM. */
int sni_init(struct sni_index *x, size_t expected);
/* No worker looks any more. */
void sni_done(struct sni_index *x);
/* name: lower case, "*.example.com" for a wildcard. 0 or -ENOMEM. */
int sni_add(struct sni_index *x, struct worker *w, struct slice name, struct tls_inst *inst);
void sni_remove(struct sni_index *x, struct worker *w, struct slice name, struct tls_inst *inst);
/* Any worker. Exact names first, then the wildcard over the first label. False: nothing serves it. */
bool sni_find(const struct sni_index *x, struct slice name, struct sni_match *ret);
/* Adds an instance to a match, if it has a certificate and comes before what is there. */
void sni_consider(struct sni_match *m, struct tls_inst *inst);
/* Calls fn for each node. Under the store's lock. */
int sni_each(
    struct sni_index *x, int (*fn)(void *arg, struct slice name, struct tls_inst *inst), void *arg);

#endif
