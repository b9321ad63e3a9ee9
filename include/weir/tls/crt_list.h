/* SPDX-License-Identifier: MIT */
/*
 * What "bind ... ssl" and lines of a crt-list both say about TLS (struct tls_options), and crt-lists: certificates
 * with options and SNI filters. A directory given to "crt" and the list that "ssl-f-use" makes are crt-lists too.
 *
 * A list belongs to the store and is shared by all binds that name it; the admin commands change it for all of them.
 */
#ifndef WEIR_TLS_CRT_LIST_H
#define WEIR_TLS_CRT_LIST_H

#include "weir/tls/store.h"

enum tls_verify { TLS_VERIFY_UNSET, TLS_VERIFY_NONE, TLS_VERIFY_OPTIONAL, TLS_VERIFY_REQUIRED };

/* Protocol versions as on the wire; 0: not said. */
enum tls_version {
	TLS_VER_UNSET = 0,
	TLS_VER_SSL30 = 0x0300,
	TLS_VER_TLS10 = 0x0301,
	TLS_VER_TLS11 = 0x0302,
	TLS_VER_TLS12 = 0x0303,
	TLS_VER_TLS13 = 0x0304,
};

/* NULL, 0 and false: not said, the wider scope's holds (line, bind, global default, built in). */
struct tls_options {
	const char *alpn; /* "h2,http/1.1"; "": none (no-alpn) */
	const char *npn;  /* accepted, without effect: OpenSSL 3 has it, clients no longer do */
	const char *ciphers;
	const char *ciphersuites;
	const char *curves;
	const char *ecdhe;
	const char *sigalgs;
	const char *client_sigalgs;
	const char *ca_file;
	const char *ca_verify_file;
	const char *crl_file;
	enum tls_version min_ver;
	enum tls_version max_ver;
	enum tls_verify verify;
	bool no_ca_names;
	bool allow_0rtt;
};

/*
 * One word of struct tls_options, "alpn" or "no-ca-names", for tables of keywords: how many words it takes, and
 * what it sets. NULL: not one of them.
 */
struct tls_option {
	const char *name;
	int args; /* 0 or 1 */
	int (*set)(struct tls_options *o, const struct tls_option *row, const char *value,
	    char *err, size_t err_size);
	size_t offset; /* of the field, for setters that serve several rows */
	const char *usage;
	const char *help;
};
const struct tls_option *tls_option_find(const char *name);
/* value outlives o. 0, or -EINVAL with a text in err. */
int tls_option_set(
    struct tls_options *o, const char *name, const char *value, char *err, size_t err_size);
/* "TLSv1.2" ...; TLS_VER_UNSET when it is none. */
enum tls_version tls_version_parse(const char *word);
const char *tls_version_text(enum tls_version v);
/* What is unset in o is taken from base. */
void tls_options_inherit(struct tls_options *o, const struct tls_options *base);
bool tls_options_is_empty(const struct tls_options *o);
/* "[alpn h2 verify none]" without the brackets. */
void tls_options_text(const struct tls_options *o, struct strbuf *out);

/* X509_V_ERR_* codes, a bit each, that do not fail a handshake. */
#define TLS_X509_ERR_MAX 128
struct tls_ignore {
	uint64_t ca[TLS_X509_ERR_MAX / 64];  /* depth 1 and above */
	uint64_t crt[TLS_X509_ERR_MAX / 64]; /* depth 0 */
};

/*
 * "crt-ignore-err" and "ca-ignore-err" into a set of struct tls_ignore: "all", or numbers and names (X509_V_ERR_...)
 * with commas between. 0, or -EINVAL with a text in err.
 */
int tls_ignore_parse(uint64_t *set, const char *text, char *err, size_t err_size);

/* ---- crt-lists ---- */

struct tls_crt_list;

/*
 * The list of a file, read once; a directory gives a list of what is in it. 0 or -errno, every error told with its
 * line.
 */
int tls_crt_list_get(struct tls_store *s, const char *path, struct tls_crt_list **ret,
    const struct tls_report *report);
/* An empty list with a name of its own ("@frontend" of ssl-f-use), or the one that has it. */
struct tls_crt_list *tls_crt_list_named(struct tls_store *s, const char *name);
/* Adds one line as it stands in a file, number: its line. 0 or -errno, told. */
int tls_crt_list_line(struct tls_store *s, struct tls_crt_list *list, const char *line,
    unsigned number, const struct tls_report *report);

/* ---- admin commands: as in store.h ---- */

int tls_crt_list_add(
    struct tls_store *s, struct worker *w, const char *list, struct slice line, struct strbuf *err);
/* crt: name, or name:line. */
int tls_crt_list_del(
    struct tls_store *s, struct worker *w, const char *list, const char *crt, struct strbuf *err);
/* list NULL: names of all; numbers: as "-n". */
int tls_crt_list_show(struct tls_store *s, const char *list, bool numbers, struct strbuf *out);

#endif
