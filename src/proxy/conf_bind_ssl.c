/* SPDX-License-Identifier: MIT */
/*
 * The options of "bind" lines about TLS and about the protocol behind it. All of a line go into its struct bind_ssl,
 * each with its place; config_finish() judges them together and makes contexts of them (config_tls.c).
 */
#include "conf_bind.h"

/* The TLS side of the line, made by its first such option. NULL, told. */
static struct bind_ssl *ssl_of(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	struct arena *arena = conf_arena(c->conf);
	if (!b->bind.ssl) {
		struct bind_ssl *s = arena_new(arena, struct bind_ssl);
		if (s)
			s->words_last = &s->words;
		b->bind.ssl = s;
	}
	struct bind_word *w = b->bind.ssl ? arena_new(arena, struct bind_word) : NULL;
	const char *value = c->row->args ? c->line->argv[c->arg] : "";
	if (!w || !(w->value = arena_strdup(arena, value))) {
		(void)no_memory(c->conf, c->line);
		return NULL;
	}
	w->name = c->row->name;
	w->pos = conf_place(c->line, c->row->args ? c->arg : c->arg - 1);
	*b->bind.ssl->words_last = w;
	b->bind.ssl->words_last = &w->next;
	return b->bind.ssl;
}

/* The word's value that ssl_of() has kept last. */
static const char *value_of(const struct bind_ssl *s)
{
	return container_of(s->words_last, struct bind_word, next)->value;
}

/* ---- versions and other words that have global defaults ---- */

static const struct {
	const char *name;
	enum { FORCE_VERSION, NO_VERSION, TICKETS, STRICT_SNI, CLIENT_CIPHERS } what;
	int value; /* a version, or 1 on and -1 off */
} default_words[] = {
	{ "force-sslv3", FORCE_VERSION, TLS_VER_SSL30 },
	{ "force-tlsv10", FORCE_VERSION, TLS_VER_TLS10 },
	{ "force-tlsv11", FORCE_VERSION, TLS_VER_TLS11 },
	{ "force-tlsv12", FORCE_VERSION, TLS_VER_TLS12 },
	{ "force-tlsv13", FORCE_VERSION, TLS_VER_TLS13 },
	{ "no-sslv3", NO_VERSION, TLS_VER_SSL30 },
	{ "no-tlsv10", NO_VERSION, TLS_VER_TLS10 },
	{ "no-tlsv11", NO_VERSION, TLS_VER_TLS11 },
	{ "no-tlsv12", NO_VERSION, TLS_VER_TLS12 },
	{ "no-tlsv13", NO_VERSION, TLS_VER_TLS13 },
	{ "no-tls-tickets", TICKETS, -1 },
	{ "tls-tickets", TICKETS, 1 },
	{ "no-strict-sni", STRICT_SNI, -1 },
	{ "strict-sni", STRICT_SNI, 1 },
	{ "prefer-client-ciphers", CLIENT_CIPHERS, 1 },
};

/* False: it is none of these. */
static bool set_default_word(struct tls_defaults *d, const char *name)
{
	size_t i = 0;
	while (i < ARRAY_SIZE(default_words) && strcmp(default_words[i].name, name) != 0)
		i++;
	if (i == ARRAY_SIZE(default_words))
		return false;
	int value = default_words[i].value;
	switch (default_words[i].what) {
	case FORCE_VERSION:
		d->opt.min_ver = d->opt.max_ver = (enum tls_version)value;
		break;
	case NO_VERSION:
		d->no_versions |= 1u << (value & 0xff);
		break;
	case TICKETS:
		d->tickets = (int8_t)value;
		break;
	case STRICT_SNI:
		d->strict_sni = (int8_t)value;
		break;
	case CLIENT_CIPHERS:
		d->prefer_client_ciphers = true;
		break;
	}
	return true;
}

int tls_defaults_set(const struct conf_option_call *call, struct tls_defaults *d)
{
	char err[256] = "";
	const char *value = NULL;
	if (set_default_word(d, call->row->name))
		return 0;
	if (call->row->args) {
		value = arena_strdup(conf_arena(call->conf), call->line->argv[call->arg]);
		if (!value)
			return no_memory(call->conf, call->line);
	}
	if (tls_option_set(&d->opt, call->row->name, value, err, sizeof(err)) == 0)
		return 0;
	conf_error(call->conf, call->line, call->arg, "%s", err);
	return -1;
}

/* ---- setters ---- */

static int set_word(const struct conf_option_call *c)
{
	struct bind_ssl *s = ssl_of(c);
	return s ? tls_defaults_set(c, &s->own) : -1;
}

static int set_ssl(const struct conf_option_call *c)
{
	struct bind_ssl *s = ssl_of(c);
	if (!s)
		return -1;
	s->on = true;
	return 0;
}

/* crt, default-crt and crt-list stay among the words, in their order. */
static int keep_word(const struct conf_option_call *c)
{
	return ssl_of(c) ? 0 : -1;
}

/* data: offset of a text in struct bind_ssl */
static int set_text(const struct conf_option_call *c)
{
	struct bind_ssl *s = ssl_of(c);
	if (!s)
		return -1;
	const char *value = value_of(s);
	memcpy((char *)s + c->row->data, &value, sizeof(value));
	return 0;
}

static int set_generate(const struct conf_option_call *c)
{
	struct bind_ssl *s = ssl_of(c);
	if (!s)
		return -1;
	s->conf.generate = true;
	return 0;
}

/* data: offset of a set of struct tls_ignore in struct bind_ssl */
static int set_ignored(const struct conf_option_call *c)
{
	char err[256] = "";
	struct bind_ssl *s = ssl_of(c);
	if (!s)
		return -1;
	uint64_t *set = (uint64_t *)((char *)s + c->row->data);
	if (tls_ignore_parse(set, value_of(s), err, sizeof(err)) == 0)
		return 0;
	conf_error(c->conf, c->line, c->arg, "'%s' : %s", c->row->name, err);
	return -1;
}

static int set_ktls(const struct conf_option_call *c)
{
	bool on;
	if (conf_on_off(c->conf, c->line, c->arg, &on) < 0)
		return -1;
	if (on)
		conf_notice(c->conf, c->line, c->arg - 1,
		    "option 'ktls' has no effect: weir encrypts by itself");
	return 0;
}

static int set_proto(const struct conf_option_call *c)
{
	static const char *const words[] = { "h1", "h2", "none", NULL };
	struct bind_line *b = c->object;
	int word;
	if (conf_enum(c->conf, c->line, c->arg, words, &word) < 0)
		return -1;
	b->bind.proto = (enum bind_proto)(BIND_PROTO_H1 + word);
	return 0;
}

/* ---- the line as a whole ---- */

/* The mode of the proxy may still change, so this is for config_finish(); addresses are known here only. */
int bind_ssl_check(struct conf *conf, const struct conf_line *line, int arg,
    const struct bind_line *b, bool broken)
{
	struct bind_ssl *s = b->bind.ssl;
	struct config *c = conf_user(conf);
	if (!s || !c)
		return 0;
	s->fe = b->bind.fe;
	s->broken = broken;
	s->config = c;
	s->address = arena_strdup(conf_arena(conf), line->argv[arg]);
	if (!s->address)
		return no_memory(conf, line);
	s->next = c->tls.binds;
	c->tls.binds = s;
	return 0;
}

#define WORD(name, args, usage, help)                                                              \
	{                                                                                          \
		name, args, set_word, 0, usage, help, 0                                            \
	}
#define VERSIONS "{ SSLv3 | TLSv1.0 | TLSv1.1 | TLSv1.2 | TLSv1.3 }"

const struct conf_option bind_ssl_options[] = {
	WORD("allow-0rtt", 0, "", "takes early data of TLS 1.3, which can be replayed"),
	WORD("alpn", 1, "<protocols>", "protocols offered by ALPN, with commas between"),
	WORD("ca-file", 1, "<cafile>", "authorities of client certificates"),
	{ "ca-ignore-err", 1, set_ignored, offsetof(struct bind_ssl, conf.ignore.ca),
	    "{ all | <error>[,...] }", "errors of authorities' certificates that do no harm", 0 },
	{ "ca-sign-file", 1, set_text, offsetof(struct bind_ssl, conf.ca_sign_file), "<cafile>",
	    "authority, with its key, of generated certificates", 0 },
	{ "ca-sign-pass", 1, set_text, offsetof(struct bind_ssl, conf.ca_sign_pass), "<passphrase>",
	    "passphrase of that key", 0 },
	WORD("ca-verify-file", 1, "<cafile>",
	    "authorities of client certificates that are not announced"),
	WORD("ciphers", 1, "<ciphers>", "ciphers up to TLS 1.2"),
	WORD("ciphersuites", 1, "<ciphersuites>", "ciphers of TLS 1.3"),
	WORD("client-sigalgs", 1, "<sigalgs>", "signature algorithms of client certificates"),
	WORD("crl-file", 1, "<crlfile>", "revoked client certificates"),
	{ "crt", 1, keep_word, 0, "<cert>", "a certificate, or a directory of them", 0 },
	{ "crt-ignore-err", 1, set_ignored, offsetof(struct bind_ssl, conf.ignore.crt),
	    "{ all | <error>[,...] }", "errors of clients' certificates that do no harm", 0 },
	{ "crt-list", 1, keep_word, 0, "<file>", "certificates with options and names of hosts",
	    0 },
	WORD("curves", 1, "<curves>", "groups for the key exchange"),
	{ "default-crt", 1, keep_word, 0, "<cert>",
	    "a certificate for clients that ask for no name or for an unknown one", 0 },
	WORD("ecdhe", 1, "<named curve>", "one group for the key exchange"),
	WORD("force-sslv3", 0, "", "SSL 3.0 only"),
	WORD("force-tlsv10", 0, "", "TLS 1.0 only"),
	WORD("force-tlsv11", 0, "", "TLS 1.1 only"),
	WORD("force-tlsv12", 0, "", "TLS 1.2 only"),
	WORD("force-tlsv13", 0, "", "TLS 1.3 only"),
	{ "generate-certificates", 0, set_generate, 0, "",
	    "makes a certificate for a name that has none", 0 },
	{ "ktls", 1, set_ktls, 0, "{ on | off }", "accepted: weir encrypts by itself",
	    CONF_EXPERIMENTAL },
	WORD("no-alpn", 0, "", "offers no protocols by ALPN"),
	WORD("no-ca-names", 0, "", "clients are not told names of authorities"),
	WORD("no-sslv3", 0, "", "not SSL 3.0; ssl-min-ver is clearer"),
	WORD("no-strict-sni", 0, "", "default certificates are used; the default"),
	WORD("no-tls-tickets", 0, "", "sessions up to TLS 1.2 are resumed without tickets"),
	WORD("no-tlsv10", 0, "", "not TLS 1.0; ssl-min-ver is clearer"),
	WORD("no-tlsv11", 0, "", "not TLS 1.1; ssl-min-ver is clearer"),
	WORD("no-tlsv12", 0, "", "not TLS 1.2; ssl-min-ver is clearer"),
	WORD("no-tlsv13", 0, "", "not TLS 1.3; ssl-max-ver is clearer"),
	{ "npn", 1, NULL, (uintptr_t) "clients negotiate by ALPN, see 'alpn'", "<protocols>",
	    "no effect: clients negotiate by ALPN", CONF_NO_EFFECT },
	WORD("prefer-client-ciphers", 0, "", "the client's order of ciphers counts"),
	{ "proto", 1, set_proto, 0, "{ h1 | h2 | none }", "the protocol, whatever ALPN says", 0 },
	WORD("sigalgs", 1, "<sigalgs>", "signature algorithms"),
	{ "ssl", 0, set_ssl, 0, "", "speaks TLS", 0 },
	WORD("ssl-max-ver", 1, VERSIONS, "newest version"),
	WORD("ssl-min-ver", 1, VERSIONS, "oldest version; TLSv1.2 unless set"),
	WORD("strict-sni", 0, "", "refuses clients that ask for no known name"),
	{ "tls-ticket-keys", 1, set_text, offsetof(struct bind_ssl, ticket_file), "<keyfile>",
	    "keys that session tickets are sealed with", 0 },
	WORD("tls-tickets", 0, "", "undoes a global no-tls-tickets"),
	WORD("verify", 1, "{ none | optional | required }",
	    "whether clients show a certificate; none unless set"),
	{ .name = NULL },
};
