/* SPDX-License-Identifier: MIT */
/*
 * A bind from inside: groups of options, each with its SSL_CTX; instances, which are lines as this bind presents them;
 * the index of names; the default certificates.
 */
#ifndef WEIR_TLS_BIND_INT_H
#define WEIR_TLS_BIND_INT_H

#include "ca_store.h"
#include "crt_list_int.h"
#include "options.h"
#include "sni.h"
#include "weir/tls/bind.h"

/* Lines with the same options. The first group is the bind's own. Lives as long as the bind. */
struct tls_ctx_group {
	struct list link;
	struct tls_bind *bind;
	struct arena arena;	/* of the options' texts */
	struct tls_options opt; /* merged with the bind's */
	char *key;		/* the options as text: finds the group */
	_Atomic(SSL_CTX *) ctx;
	unsigned char alpn[TLS_ALPN_MAX];
	unsigned alpn_len;
	const char *curves;
	int verify_mode; /* SSL_VERIFY_* */
	struct group_ca {
		struct tls_ca_user user;
		struct tls_ca *ca;
		struct tls_ctx_group *group;
	} ca, ca_verify, crl;
};

struct tls_inst {
	struct tls_bind *bind;
	struct tls_crt_line *line;
	struct tls_ctx_group *group;
	struct tls_slot *slot;
	unsigned order; /* of coming: the earlier line wins */
	struct list by_slot, by_bind, by_line;
};

/* Immutable, replaced whole. */
struct tls_default_set {
	unsigned n;
	struct tls_inst *inst[];
};

struct tls_forge;

struct tls_bind {
	struct tls_bind_conf conf;
	struct tls_store *store;
	struct list groups;
	atomic_uint groups_n;
	struct sni_index sni;
	_Atomic(struct tls_default_set *) defaults;
	struct list insts; /* in order */
	unsigned next_order;
	struct list own_lines; /* of "crt" that is no list */
	struct list uses;      /* of struct tls_list_use */
	EVP_PKEY *dh; /* for RSA certificates without parameters of their own; NULL: no DHE */
	struct tls_forge *forge;
};

/* The group for a line's options, made if there is none. NULL with the error told. Under the store's lock. */
struct tls_ctx_group *tls_group_get(
    struct tls_bind *b, const struct tls_options *line, const struct tls_report *report);
void tls_group_free(struct tls_ctx_group *g);
/* A new context of the group. 0 or -errno, told. */
int tls_ctx_make(struct tls_ctx_group *g, const struct tls_report *report, struct ssl_ctx_st **ret);
/* Verification of clients: CAs, CRLs, names. 0 or -errno, told. */
int tls_ctx_verify(struct tls_ctx_group *g, SSL_CTX *ctx, const struct tls_report *report);
/* Puts the callbacks of the handshake into a context. 0 or -ENOMEM. */
int tls_ctx_callbacks(struct tls_ctx_group *g, SSL_CTX *ctx);
struct tls_ctx_group *tls_ctx_group_of(const SSL_CTX *ctx);

/* Names that an instance serves, for its certificate c: calls fn for each. */
int tls_inst_names(
    struct tls_inst *inst, struct tls_cert *c, int (*fn)(void *arg, struct slice name), void *arg);
/* Names of a slot's certificate c, into and out of the indexes of all its instances. Under the store's lock. */
int tls_slot_add_names(struct tls_slot *slot, struct worker *w, struct tls_cert *c);
void tls_slot_remove_names(struct tls_slot *slot, struct worker *w, struct tls_cert *c);

/* generate-certificates */
struct tls_forge *tls_forge_new(
    const struct tls_bind_conf *conf, struct tls_store *s, const struct tls_report *report);
void tls_forge_free(struct tls_forge *f);
/* Gives ssl a certificate for the name, made or from the cache. 0 or -errno. Any worker. */
int tls_forge_apply(struct tls_forge *f, struct slice name, SSL *ssl);

#endif
