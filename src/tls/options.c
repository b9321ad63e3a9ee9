/* SPDX-License-Identifier: MIT */
/*
 * The words of struct tls_options: one row each, used by the tables of bind lines, global defaults and crt-lists
 * alike, so that a word means the same everywhere.
 */
#include <errno.h>
#include <openssl/x509_vfy.h>

#include "options.h"
#include "weir/base/arena.h"

/* ---- setters ---- */

static int set_text(struct tls_options *o, const struct tls_option *row, const char *value,
    char *err, size_t err_size)
{
	*(const char **)((char *)o + row->offset) = value;
	return 0;
}

static int set_flag(struct tls_options *o, const struct tls_option *row, const char *value,
    char *err, size_t err_size)
{
	*(bool *)((char *)o + row->offset) = true;
	return 0;
}

static int set_no_alpn(struct tls_options *o, const struct tls_option *row, const char *value,
    char *err, size_t err_size)
{
	o->alpn = "";
	return 0;
}

static int set_alpn(struct tls_options *o, const struct tls_option *row, const char *value,
    char *err, size_t err_size)
{
	unsigned char wire[TLS_ALPN_MAX];
	if (tls_alpn_encode(slice_str(value), wire, sizeof(wire)) < 0) {
		snprintf(err, err_size, "'%s' expects names with commas between, not '%s'",
		    row->name, value);
		return -EINVAL;
	}
	return set_text(o, row, value, err, err_size);
}

static const struct {
	const char *text;
	enum tls_version version;
} versions[] = {
	{ "SSLv3", TLS_VER_SSL30 },
	{ "TLSv1.0", TLS_VER_TLS10 },
	{ "TLSv1.1", TLS_VER_TLS11 },
	{ "TLSv1.2", TLS_VER_TLS12 },
	{ "TLSv1.3", TLS_VER_TLS13 },
};

enum tls_version tls_version_parse(const char *word)
{
	for (unsigned i = 0; i < ARRAY_SIZE(versions); i++)
		if (strcmp(word, versions[i].text) == 0)
			return versions[i].version;
	return TLS_VER_UNSET;
}

const char *tls_version_text(enum tls_version v)
{
	for (unsigned i = 0; i < ARRAY_SIZE(versions); i++)
		if (v == versions[i].version)
			return versions[i].text;
	return "";
}

static int set_version(struct tls_options *o, const struct tls_option *row, const char *value,
    char *err, size_t err_size)
{
	enum tls_version v = tls_version_parse(value);
	if (v == TLS_VER_UNSET) {
		snprintf(err, err_size,
		    "'%s' expects SSLv3, TLSv1.0, TLSv1.1, TLSv1.2 or TLSv1.3, not '%s'", row->name,
		    value);
		return -EINVAL;
	}
	*(enum tls_version *)((char *)o + row->offset) = v;
	return 0;
}

static const char *const verify_words[] = {
	[TLS_VERIFY_NONE] = "none",
	[TLS_VERIFY_OPTIONAL] = "optional",
	[TLS_VERIFY_REQUIRED] = "required",
};

static int set_verify(struct tls_options *o, const struct tls_option *row, const char *value,
    char *err, size_t err_size)
{
	for (unsigned i = TLS_VERIFY_NONE; i < ARRAY_SIZE(verify_words); i++)
		if (strcmp(value, verify_words[i]) == 0) {
			o->verify = (enum tls_verify)i;
			return 0;
		}
	snprintf(err, err_size, "'verify' expects none, optional or required, not '%s'", value);
	return -EINVAL;
}

/* ---- the table ---- */

#define TEXT(word, field, use, about)                                                              \
	{                                                                                          \
		.name = word, .args = 1, .set = set_text,                                          \
		.offset = offsetof(struct tls_options, field), .usage = use, .help = about         \
	}

static const struct tls_option options[] = {
	{ .name = "allow-0rtt",
	    .set = set_flag,
	    .offset = offsetof(struct tls_options, allow_0rtt),
	    .usage = "",
	    .help = "takes early data of TLS 1.3" },
	{ .name = "alpn",
	    .args = 1,
	    .set = set_alpn,
	    .offset = offsetof(struct tls_options, alpn),
	    .usage = "<protocols>",
	    .help = "protocols offered, the preferred one first" },
	TEXT("ca-file", ca_file, "<cafile>", "CAs that client certificates are verified with"),
	TEXT("ca-verify-file", ca_verify_file, "<cafile>", "further CAs, not named to the client"),
	TEXT("ciphers", ciphers, "<ciphers>", "cipher suites up to TLS 1.2"),
	TEXT("ciphersuites", ciphersuites, "<ciphersuites>", "cipher suites of TLS 1.3"),
	TEXT("client-sigalgs", client_sigalgs, "<sigalgs>", "signatures of client certificates"),
	TEXT("crl-file", crl_file, "<crlfile>", "revocation lists for client certificates"),
	TEXT("curves", curves, "<curves>", "groups of the key exchange"),
	TEXT("ecdhe", ecdhe, "<named curve>", "the one curve of the key exchange"),
	{ .name = "no-alpn", .set = set_no_alpn, .usage = "", .help = "offers no protocol" },
	{ .name = "no-ca-names",
	    .set = set_flag,
	    .offset = offsetof(struct tls_options, no_ca_names),
	    .usage = "",
	    .help = "does not name the CAs to the client" },
	TEXT("npn", npn, "<protocols>", "obsolete, without effect"),
	TEXT("sigalgs", sigalgs, "<sigalgs>", "signatures that the handshake may use"),
	{ .name = "ssl-max-ver",
	    .args = 1,
	    .set = set_version,
	    .offset = offsetof(struct tls_options, max_ver),
	    .usage = "<version>",
	    .help = "newest version of TLS" },
	{ .name = "ssl-min-ver",
	    .args = 1,
	    .set = set_version,
	    .offset = offsetof(struct tls_options, min_ver),
	    .usage = "<version>",
	    .help = "oldest version of TLS" },
	{ .name = "verify",
	    .args = 1,
	    .set = set_verify,
	    .usage = "none | optional | required",
	    .help = "whether clients show a certificate" },
};

const struct tls_option *tls_option_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

int tls_option_set(
    struct tls_options *o, const char *name, const char *value, char *err, size_t err_size)
{
	const struct tls_option *row = tls_option_find(name);
	if (!row) {
		snprintf(err, err_size, "unknown option '%s'", name);
		return -EINVAL;
	}
	return row->set(o, row, value, err, err_size);
}

/* ---- whole sets ---- */

/* Texts of struct tls_options, in the order in which they are shown. */
static const struct {
	const char *word;
	size_t offset;
} texts[] = {
	{ "alpn", offsetof(struct tls_options, alpn) },
	{ "npn", offsetof(struct tls_options, npn) },
	{ "verify", SIZE_MAX }, /* placeholders: shown here */
	{ "no-ca-names", SIZE_MAX },
	{ "allow-0rtt", SIZE_MAX },
	{ "ca-file", offsetof(struct tls_options, ca_file) },
	{ "ca-verify-file", offsetof(struct tls_options, ca_verify_file) },
	{ "crl-file", offsetof(struct tls_options, crl_file) },
	{ "ciphers", offsetof(struct tls_options, ciphers) },
	{ "ciphersuites", offsetof(struct tls_options, ciphersuites) },
	{ "curves", offsetof(struct tls_options, curves) },
	{ "ecdhe", offsetof(struct tls_options, ecdhe) },
	{ "sigalgs", offsetof(struct tls_options, sigalgs) },
	{ "client-sigalgs", offsetof(struct tls_options, client_sigalgs) },
};

static const char **text_at(struct tls_options *o, size_t offset)
{
	return (const char **)((char *)o + offset);
}

static const char *text_of(const struct tls_options *o, size_t offset)
{
	return *(const char *const *)((const char *)o + offset);
}

void tls_options_inherit(struct tls_options *o, const struct tls_options *base)
{
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].offset != SIZE_MAX && !text_of(o, texts[i].offset))
			*text_at(o, texts[i].offset) = text_of(base, texts[i].offset);
	if (!o->min_ver)
		o->min_ver = base->min_ver;
	if (!o->max_ver)
		o->max_ver = base->max_ver;
	if (!o->verify)
		o->verify = base->verify;
	o->no_ca_names |= base->no_ca_names;
	o->allow_0rtt |= base->allow_0rtt;
}

bool tls_options_is_empty(const struct tls_options *o)
{
	static const struct tls_options none;
	return memcmp(o, &none, sizeof(none)) == 0;
}

int tls_options_copy(struct tls_options *to, const struct tls_options *from, struct arena *arena)
{
	*to = *from;
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].offset == SIZE_MAX || !text_of(from, texts[i].offset))
			continue;
		const char *copy = arena_strdup(arena, text_of(from, texts[i].offset));
		if (!copy)
			return -ENOMEM;
		*text_at(to, texts[i].offset) = copy;
	}
	return 0;
}

static void add_word(struct strbuf *out, const char *word, const char *value)
{
	if (out->len)
		strbuf_addc(out, ' ');
	strbuf_adds(out, word);
	if (value)
		strbuf_addf(out, " %s", value);
}

void tls_options_text(const struct tls_options *o, struct strbuf *out)
{
	struct strbuf b = STRBUF_INIT;
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *word = texts[i].word;
		if (texts[i].offset != SIZE_MAX) {
			const char *value = text_of(o, texts[i].offset);
			if (value && !*value)
				add_word(&b, "no-alpn", NULL);
			else if (value)
				add_word(&b, word, value);
		} else if (strcmp(word, "verify") == 0 && o->verify)
			add_word(&b, word, verify_words[o->verify]);
		else if (strcmp(word, "no-ca-names") == 0 && o->no_ca_names)
			add_word(&b, word, NULL);
		else if (strcmp(word, "allow-0rtt") == 0 && o->allow_0rtt)
			add_word(&b, word, NULL);
	}
	if (o->min_ver)
		add_word(&b, "ssl-min-ver", tls_version_text(o->min_ver));
	if (o->max_ver)
		add_word(&b, "ssl-max-ver", tls_version_text(o->max_ver));
	strbuf_addslice(out, strbuf_slice(&b));
	strbuf_done(&b);
}
