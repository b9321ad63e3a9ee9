/* SPDX-License-Identifier: MIT */
/*
 * The certificate store: every certificate, CA file and CRL file of the process, loaded once by name and shared by
 * all binds and servers.
 *
 * A name has a slot, a slot has its present certificate behind an atomic pointer. Certificates are immutable: a
 * commit swaps the pointer, so that whoever looks through the slot sees the old or the new one whole, and the
 * old one goes when no handshake can hold it. Loading happens on the main thread before workers start (helper
 * threads inside), changes on any one worker under the store's lock; workers that look never lock.
 *
 * Loading reads files and names only: keys and chains become OpenSSL objects at the first handshake that needs
 * them. A key that does not belong to its certificate is found at once nevertheless, by comparing public parts.
 */
#ifndef WEIR_TLS_STORE_H
#define WEIR_TLS_STORE_H

#include "weir/base/list.h"
#include "weir/base/strbuf.h"
#include "weir/conf/diag.h"

struct ssl_st;
struct worker;
struct tls_store;
struct tls_slot;
struct tls_cert;

/* Where errors and warnings go; the caller adds file and line of its configuration. One line without newline. */
struct tls_report {
	void (*say)(void *arg, enum diag_level level, const char *text);
	void *arg;
};

/* Side files looked for beside a certificate (ssl-load-extra-files). */
#define TLS_EXTRA_BUNDLE 0x01u
#define TLS_EXTRA_SCTL	 0x02u
#define TLS_EXTRA_OCSP	 0x04u
#define TLS_EXTRA_ISSUER 0x08u
#define TLS_EXTRA_KEY	 0x10u
#define TLS_EXTRA_ALL	 0x1fu

/* The global section's words. Strings outlive the store. */
struct tls_store_conf {
	const char *crt_base; /* NULL: paths as they are */
	const char *key_base;
	const char *ca_base;
	const char *issuers_chain_path;
	const char *dh_param_file;
	unsigned default_dh_param; /* bits; 0: no DHE without parameters of one's own */
	unsigned extra;		   /* TLS_EXTRA_* */
	bool extra_del_ext;	   /* ssl-load-extra-del-ext */
	bool skip_self_issued_ca;
	const char *const *passphrase_cmd; /* argv, NULL-terminated; NULL: none */
	bool check_all;			   /* make every OpenSSL object while loading (-c) */
	unsigned threads;		   /* that read; 0: as many as there are CPUs, at most 16 */
	bool ocsp_update;      /* ocsp-update.mode: of certificates that say nothing of it */
	bool ocsp_update_said; /* the configuration says so, it is not the default */
	int security_level;    /* ssl-security-level; -1: the library's */
};

#define TLS_STORE_CONF_INIT                                                                        \
	((struct tls_store_conf){ .extra = TLS_EXTRA_ALL, .security_level = -1 })

/* conf is copied, its strings are not. NULL with errors told. */
struct tls_store *tls_store_new(const struct tls_store_conf *conf, const struct tls_report *report);
/* All binds and clients must be gone. */
void tls_store_free(struct tls_store *s);
const struct tls_store_conf *tls_store_conf(const struct tls_store *s);
/* What is found wrong in a handshake is told here; NULL: standard error. Any worker calls it. */
void tls_store_set_log(struct tls_store *s, const struct tls_report *log);

/* ---- certificates ---- */

/* "load" of a crt-store, and the same words in brackets of a crt-list. */
struct tls_load {
	const char *crt; /* the name, unless there is an alias */
	const char *alias;
	const char *key; /* NULL: in crt, or looked for */
	const char *ocsp;
	const char *issuer;
	const char *sctl;
	const char *crt_base; /* of the crt-store; NULL: the global one */
	const char *key_base;
	int ocsp_update; /* 1 on, 0 off, -1 not said */
	bool jwt;
	/* generate-dummy: a key and a self-signed certificate instead of files */
	bool generate;
	const char *key_type; /* "RSA" (default), "ECDSA" */
	unsigned bits;	      /* 0: 2048 */
	const char *curve;    /* NULL: P-384 */
};

/* store: name of the crt-store, "" for the unnamed one. The certificate gets the name "@store/alias". */
int tls_store_load(struct tls_store *s, const char *store, const struct tls_load *load,
    const struct tls_report *report);

/*
 * The slot of a name as "crt" of a server takes it: loaded before, or now from that file. 0 or -errno, told.
 * A bundle is not one certificate: see tls_bind_conf for binds.
 */
int tls_store_get(
    struct tls_store *s, const char *name, struct tls_slot **ret, const struct tls_report *report);
/* Loaded already under this name, or NULL. Not told. */
struct tls_slot *tls_store_find(struct tls_store *s, const char *name);

const char *tls_slot_name(const struct tls_slot *slot);
/* A user keeps the slot from being deleted ("Used"). Any thread. */
void tls_slot_hold(struct tls_slot *slot);
void tls_slot_release(struct tls_slot *slot);
/*
 * Gives ssl the slot's present certificate, key and chain: for a server connection from the callback of
 * SSL_CTX_set_cert_cb(), so that a commit needs to touch no context. No lock. 0 or -errno.
 */
int tls_slot_apply(struct tls_slot *slot, struct ssl_st *ssl);
/* Name of the slot whose certificate ssl presented ("ssl_fc_crtname"); NULL: none. */
const char *tls_crt_name(const struct ssl_st *ssl);

/* ---- CA and CRL files ---- */

enum tls_ca_kind { TLS_CA_CERTS, TLS_CA_CRLS };

struct tls_ca; /* a named file, or directory, or "@system-ca" */
struct x509_store_st;

int tls_ca_get(struct tls_store *s, enum tls_ca_kind kind, const char *name, struct tls_ca **ret,
    const struct tls_report *report);
/* Adds what the entry holds now to an X509_STORE. 0 or -errno. */
int tls_ca_fill(struct tls_ca *ca, struct x509_store_st *to);

/* Told after a commit: rebuild what was made of the entry. Runs on the committing thread, under the store's lock. */
struct tls_ca_user {
	struct list link;
	int (*changed)(struct tls_ca_user *user, struct worker *w);
};
void tls_ca_add_user(struct tls_ca *ca, struct tls_ca_user *user);
void tls_ca_del_user(struct tls_ca_user *user);

/* ---- admin commands: any one worker. err gets one line, as the command answers it ---- */

enum tls_obj { TLS_OBJ_CERT, TLS_OBJ_CA, TLS_OBJ_CRL };

/*
 * A transaction on a name: "new" makes an unused empty entry; "set" and "add" put PEM (or what an extension .key,
 * .ocsp, .sctl, .issuer says; OCSP and SCTL in base64) into its pending copy; "commit" swaps it in; "abort" drops it.
 * w: who retires what is replaced; NULL: nobody else runs, it is freed at once. 0 or -errno with err filled.
 */
int tls_store_new_entry(
    struct tls_store *s, enum tls_obj kind, const char *name, struct strbuf *err);
int tls_store_set(struct tls_store *s, enum tls_obj kind, const char *name, struct slice payload,
    bool add, struct strbuf *err);
int tls_store_commit(
    struct tls_store *s, struct worker *w, enum tls_obj kind, const char *name, struct strbuf *err);
int tls_store_abort(struct tls_store *s, enum tls_obj kind, const char *name, struct strbuf *err);
int tls_store_del(
    struct tls_store *s, struct worker *w, enum tls_obj kind, const char *name, struct strbuf *err);

/* Answers of "show ssl cert|ca-file|crl-file" as lines; name "" or NULL: the list; "*name": the transaction. */
int tls_store_show(struct tls_store *s, enum tls_obj kind, const char *name, struct strbuf *out);
/* "dump ssl cert": PEM of certificate, chain and key, as the command gives it. */
int tls_store_dump(struct tls_store *s, const char *name, struct strbuf *out);
bool tls_store_in_transaction(struct tls_store *s, enum tls_obj kind, const char *name);

/* ---- OCSP responses ---- */

/* Puts a DER response into the certificate it is for, whichever that is. 0, -ENOENT, -EINVAL ...; err says why. */
int tls_store_set_ocsp(struct tls_store *s, struct worker *w, struct slice der, struct strbuf *err);

/* What an updater and "show ssl ocsp-response" need to know; strings live as long as the slot's certificate. */
struct tls_ocsp_info {
	const char *name;      /* of the certificate */
	char *id;	       /* hex of the certificate ID */
	char *uri;	       /* first OCSP responder, or NULL */
	struct slice request;  /* DER of an OCSP request for it */
	struct slice response; /* DER; ptr NULL: none yet */
	int64_t next_update;   /* seconds since 1970; 0: not said */
	bool has_issuer;
	bool ocsp_update; /* it is to be renewed */
};
/* Calls fn for each certificate that has a response or is to be given one. Under the store's lock; a nonzero result ends it. */
int tls_store_each_ocsp(
    struct tls_store *s, int (*fn)(void *arg, const struct tls_ocsp_info *info), void *arg);
/* The response as text or base64, id: hex ID or name of the certificate. 0 or -ENOENT. */
int tls_store_show_ocsp(struct tls_store *s, const char *id, bool base64, struct strbuf *out);

#endif
