/* SPDX-License-Identifier: MIT */
/*
 * Inside of the certificate store: what a file says (tls_parts), what is made of it (tls_cert), and the table.
 *
 * Life of a certificate: parts are collected from files or a payload, tls_cert_new() freezes them, the slot owns the
 * result. tls_cert_live() makes the OpenSSL objects at first use; its X509 holds a reference to the certificate
 * (X509 ex_data), so that callbacks find names, staple and SCTs from what a connection presents. tls_cert_close()
 * lets go of the slot's share; the shell goes with the last connection.
 */
#ifndef WEIR_TLS_STORE_INT_H
#define WEIR_TLS_STORE_INT_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store_parse.h"
#include "weir/base/htab.h"
#include "weir/base/list.h"
#include "weir/event/worker.h"
#include "weir/tls/crt_list.h"
#include "weir/tls/store.h"

/* ---- messages ---- */

void tls_say(const struct tls_report *r, enum diag_level level, const char *fmt, ...)
    WEIR_PRINTF(3, 4);
/* The first error of OpenSSL's queue as a short text; empties the queue. */
const char *tls_openssl_error(void);

/* ---- certificates ---- */

/* A certificate that several chains share. Never changes; counted under the store's intern lock. */
struct tls_link {
	struct htab_node node;
	unsigned refs;
	_Atomic(X509 *) x509; /* made at first use */
	size_t len;
	uint8_t der[];
};

#define TLS_CHAIN_MAX 16

struct tls_blob {
	uint8_t *ptr;
	size_t len;
};

/* Mutable: what files or payloads said so far. Owns all it points at. */
struct tls_parts {
	struct tls_blob leaf; /* DER */
	struct tls_blob key;  /* DER of PKCS#8 or of a traditional form */
	struct tls_blob ocsp; /* DER of a response */
	struct tls_blob sctl;
	struct tls_link *chain[TLS_CHAIN_MAX];
	unsigned chain_n;
	struct tls_link *issuer; /* .issuer */
	EVP_PKEY *dh;
	int64_t ocsp_next; /* nextUpdate of ocsp, seconds since 1970; 0: not said */
	bool ocsp_file;	   /* there is an .ocsp, empty or not: stapling is wanted */
};

/* A response to staple; replaced whole. */
struct tls_staple {
	int64_t next_update; /* seconds since 1970; 0: not said */
	size_t len;
	uint8_t der[];
};

/* OpenSSL's objects; leaf is NULL when they could not be made. */
struct tls_live {
	X509 *leaf;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
};

struct tls_cert {
	atomic_uint refs;
	struct tls_store *store;
	char *name;
	enum tls_key_type type;
	int64_t not_before, not_after;
	struct slice serial;	/* in parts.leaf */
	struct tls_parts parts; /* frozen; parts.ocsp is what was loaded, staple what is sent */
	char *names;		/* lower case, each with its NUL, no duplicates */
	unsigned names_n;
	_Atomic(struct tls_live *) live;
	_Atomic(struct tls_staple *) staple;
};

void tls_parts_done(struct tls_store *s, struct tls_parts *p);
int tls_parts_copy(struct tls_store *s, struct tls_parts *to, const struct tls_parts *from);
/* Takes certificates, key and DH parameters of a PEM text; file is for messages. 0 or -errno, told. */
int tls_parts_pem(struct tls_store *s, struct tls_parts *p, struct slice text, const char *file,
    unsigned what, const struct tls_report *report);
#define TLS_PEM_CERTS  0x1u
#define TLS_PEM_KEY    0x2u
#define TLS_PEM_DH     0x4u
#define TLS_PEM_ISSUER 0x8u /* the first certificate is the issuer */
#define TLS_PEM_ALL    (TLS_PEM_CERTS | TLS_PEM_KEY | TLS_PEM_DH)

int tls_blob_set(struct tls_blob *b, const void *bytes, size_t len);

/* The issuer's certificate: .issuer, the chain's or issuers-chain-path's; NULL: unknown. A borrowed pointer. */
X509 *tls_parts_issuer(struct tls_store *s, const struct tls_parts *p);

/*
 * Freezes parts, which are empty afterwards; checks that certificate and key are there and fit. NULL with the error
 * told; parts are the caller's still.
 */
struct tls_cert *tls_cert_new(struct tls_store *s, const char *name, struct tls_parts *parts,
    const struct tls_report *report);
struct tls_cert *tls_cert_ref(struct tls_cert *c);
void tls_cert_unref(struct tls_cert *c);
/* The owner's end: drops the OpenSSL objects and the owner's reference. */
void tls_cert_close(struct tls_cert *c);
/* NULL: its key or chain is unusable, which is logged once. Any thread, no lock once made. */
const struct tls_live *tls_cert_live(struct tls_cert *c);
/* The certificate that an X509 was made of, or NULL. */
struct tls_cert *tls_cert_of(const X509 *x509);
int tls_cert_apply(struct tls_cert *c, SSL *ssl, bool replace);

X509 *tls_link_x509(struct tls_link *l);
/* intern: takes DER; a counted reference, NULL without memory. */
struct tls_link *tls_link_get(struct tls_store *s, const uint8_t *der, size_t len);
struct tls_link *tls_link_ref(struct tls_store *s, struct tls_link *l);
void tls_link_put(struct tls_store *s, struct tls_link *l);

/* ---- OCSP ---- */

/*
 * Checks a response for the leaf of parts: a good status, one response, valid now, signed by or for the issuer. 0 or
 * -EINVAL with a text in err.
 */
int tls_ocsp_check(struct tls_store *s, const struct tls_parts *p, struct slice der,
    int64_t *ret_next_update, char *err, size_t err_size);
struct tls_staple *tls_staple_new(struct slice der, int64_t next_update);
/* Syntax of a SignedCertificateTimestampList (RFC 6962 3.3). */
bool tls_sctl_check(struct slice list);
/* generate-dummy: a new key and a self-signed certificate. 0 or -errno, told. */
int tls_parts_generate(struct tls_store *s, struct tls_parts *p, const struct tls_load *load,
    const struct tls_report *report);

/* ---- the table ---- */

struct tls_slot {
	struct htab_node node;
	char *name;
	_Atomic(struct tls_cert *) cert; /* NULL: "new ssl cert", nothing committed yet */
	atomic_uint users;
	struct list insts; /* of struct tls_inst; under the store's lock */
	struct list order; /* of s->slots, in order of loading */
	struct tls_store *store;
	int ocsp_update;   /* 1 on, 0 off, -1 not said */
	char *ocsp_where;  /* who said it, for messages */
	bool ocsp_by_list; /* a crt-list did */
	bool jwt;
};

struct tls_pending {
	char *name; /* NULL: no transaction */
	struct tls_parts parts;
	struct tls_ca *ca;
};

struct tls_store {
	atomic_uint refs; /* the owner's, and one for each object that waits to be retired */
	struct tls_store_conf conf;
	struct tls_report log;
	pthread_mutex_t lock; /* changes by admin commands */
	struct htab by_name;
	struct list slots;
	struct list crt_lists;
	struct list cas;
	struct tls_pending pending[3]; /* by enum tls_obj */

	pthread_mutex_t intern_lock; /* links, passphrases: helper threads of loading */
	struct htab links;
	char **passphrases;
	unsigned passphrases_n;
	struct htab issuers; /* chains of issuers-chain-path, by hash of the first one's subject */
	EVP_PKEY *dh_file;   /* ssl-dh-param-file */
};

/* One certificate to load: name and, unless they follow from it, the files. */
struct tls_load_job {
	const char *name;
	struct tls_load files; /* files.crt NULL: the name is the file */
	bool exact;	       /* no side files but those of files */
	unsigned extra;	       /* TLS_EXTRA_*: side files that may exist */
	const char *where;     /* crt-list that asks, with its line; NULL: none */
	unsigned line;
	struct tls_cert *cert; /* result */
	int error;
	struct strbuf said; /* messages: level byte, text, NUL */
};

/* Loads jobs on several threads; messages are told in their order. 0, or the first error. */
int tls_store_load_jobs(
    struct tls_store *s, struct tls_load_job *jobs, unsigned n, const struct tls_report *report);
void tls_load_job_run(struct tls_store *s, struct tls_load_job *job);
/* Puts a certificate in a new slot of that name. NULL without memory; then cert is the caller's. */
struct tls_slot *tls_slot_add(struct tls_store *s, const char *name, struct tls_cert *cert);
void tls_store_ref(struct tls_store *s);
void tls_store_unref(struct tls_store *s);
/* where: who says so, copied. 0 or -ENOMEM. */
int tls_slot_set_ocsp(struct tls_slot *slot, int on, const char *where);
void tls_slot_free(struct tls_slot *slot);
/* path in base unless it is absolute; malloc'ed. */
char *tls_path(const char *base, const char *path);
/* Whole file, malloc'ed with a NUL behind. -errno; at most TLS_FILE_MAX bytes. */
int tls_read_file(const char *path, char **ret, size_t *ret_len);
#define TLS_FILE_MAX (64u << 20)
/* Adds the chain that issuers-chain-path has for the leaf, when it has none. */
int tls_issuers_load(struct tls_store *s, const struct tls_report *report);
void tls_issuers_complete(struct tls_store *s, struct tls_parts *p);
void tls_issuers_free(struct tls_store *s);

/* What becomes of a replaced object: freed when no worker can hold it; w NULL: now. */
void tls_retire(struct worker *w, void (*fn)(void *arg), void *arg);

/* ---- DH (dh.c) ---- */

/* RFC 7919 group of at most that many bits (2048 at least). NULL: OpenSSL's error queue says why. */
EVP_PKEY *tls_dh_group(unsigned bits);
EVP_PKEY *tls_dh_read_pem(struct slice text);

#endif
