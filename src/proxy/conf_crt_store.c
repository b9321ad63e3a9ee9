/* SPDX-License-Identifier: MIT */
/*
 * Certificates that the configuration names apart from bind lines: "crt-store" sections (configuration manual 12.7)
 * and "ssl-f-use" of frontends. Both are kept as they are read; config_tls.c loads them once the global section is
 * known to be complete.
 */
#include "conf_int.h"

/* ---- the options of "load" ---- */

/* data: offset of a text in struct tls_load */
static int set_text(const struct conf_option_call *c)
{
	const char *text = arena_strdup(conf_arena(c->conf), c->line->argv[c->arg]);
	if (!text)
		return no_memory(c->conf, c->line);
	memcpy((char *)c->object + c->row->data, &text, sizeof(text));
	return 0;
}

/* data: offset of a bool in struct tls_load */
static int set_flag(const struct conf_option_call *c)
{
	return conf_on_off(c->conf, c->line, c->arg, (bool *)((char *)c->object + c->row->data));
}

static int set_ocsp_update(const struct conf_option_call *c)
{
	struct tls_load *load = c->object;
	bool on;
	if (conf_on_off(c->conf, c->line, c->arg, &on) < 0)
		return -1;
	load->ocsp_update = on;
	return 0;
}

static int set_bits(const struct conf_option_call *c)
{
	struct tls_load *load = c->object;
	int64_t bits;
	if (conf_int(c->conf, c->line, c->arg, 1024, 16384, &bits) < 0)
		return -1;
	load->bits = (unsigned)bits;
	return 0;
}

static int set_key_type(const struct conf_option_call *c)
{
	static const char *const words[] = { "RSA", "ECDSA", NULL };
	struct tls_load *load = c->object;
	int word;
	if (conf_enum(c->conf, c->line, c->arg, words, &word) < 0)
		return -1;
	load->key_type = words[word];
	return 0;
}

#define TEXT(name, field, usage, help)                                                             \
	{                                                                                          \
		name, 1, set_text, offsetof(struct tls_load, field), usage, help, 0                \
	}
#define LATER(name)                                                                                \
	{                                                                                          \
		name, 1, NULL, 0, "", "", CONF_NOT_YET                                             \
	}

static const struct conf_option load_options[] = {
	LATER("acme"),
	TEXT("alias", alias, "<name>", "name of the certificate, instead of its file's"),
	{ "bits", 1, set_bits, 0, "<number>", "size of a generated RSA key", 0 },
	TEXT("crt", crt, "<filename>", "the certificate, with its chain and maybe its key"),
	TEXT("curves", curve, "<curve>", "curve of a generated ECDSA key"),
	LATER("domains"),
	{ "generate-dummy", 1, set_flag, offsetof(struct tls_load, generate), "{ on | off }",
	    "makes a key and a self-signed certificate", 0 },
	LATER("ips"),
	TEXT("issuer", issuer, "<filename>", "certificate of the issuer"),
	{ "jwt", 1, set_flag, offsetof(struct tls_load, jwt), "{ on | off }",
	    "converters for tokens may use it", 0 },
	TEXT("key", key, "<filename>", "the private key"),
	{ "keytype", 1, set_key_type, 0, "{ RSA | ECDSA }", "kind of a generated key", 0 },
	TEXT("ocsp", ocsp, "<filename>", "an OCSP response to staple"),
	{ "ocsp-update", 1, set_ocsp_update, 0, "{ on | off }", "whether responses are renewed",
	    0 },
	TEXT("sctl", sctl, "<filename>", "signed certificate timestamps"),
	{ .name = NULL },
};

/* ---- the section ---- */

struct crt_store {
	struct config *config;
	const char *name;
	const char *crt_base, *key_base;
};

static void *open_store(const struct conf_call *call)
{
	const struct conf_line *line = call->line;
	struct crt_store *s = arena_new(conf_arena(call->conf), struct crt_store);
	if (!s) {
		(void)no_memory(call->conf, line);
		return NULL;
	}
	s->config = build_config(call);
	s->name = "";
	if (line->argc > 1 && conf_name(call->conf, line, 1, &s->name) < 0)
		return NULL;
	return no_more_words(call->conf, line, 2) ? s : NULL;
}

/* data: offset of a text in struct crt_store */
static int set_base(const struct conf_call *call)
{
	const char *text = arena_strdup(conf_arena(call->conf), call->line->argv[call->arg]);
	if (!text)
		return no_memory(call->conf, call->line);
	memcpy((char *)call->object + call->row->data, &text, sizeof(text));
	return 0;
}

static int add_load(const struct conf_call *call)
{
	static const struct conf_option *const tables[] = { load_options, NULL };
	const struct crt_store *s = call->object;
	struct tls_parts *parts = &s->config->tls;
	struct tls_load_line *l = arena_new(conf_arena(call->conf), struct tls_load_line);
	if (!l)
		return no_memory(call->conf, call->line);
	l->pos = conf_place(call->line, call->arg - 1);
	l->store = s->name;
	l->load.crt_base = s->crt_base;
	l->load.key_base = s->key_base;
	l->load.ocsp_update = -1;
	if (conf_options(call->conf, call->line, call->arg, tables, &l->load) < 0)
		return -1;
	if (!l->load.crt) {
		conf_error(call->conf, call->line, call->arg - 1, "'load' expects 'crt'");
		return -1;
	}
	*parts->loads_last = l;
	parts->loads_last = &l->next;
	return 0;
}

static const struct conf_keyword crt_store_keywords[] = {
	{ "crt-base", CONF_OTHER, 0, 1, 1, set_base, offsetof(struct crt_store, crt_base), "<dir>",
	    "where relative paths of certificates start, instead of the global one" },
	{ "key-base", CONF_OTHER, 0, 1, 1, set_base, offsetof(struct crt_store, key_base), "<dir>",
	    "where relative paths of keys start, instead of the global one" },
	{ "load", CONF_OTHER, 0, 2, -1, add_load, 0, "crt <filename> [<option>]...",
	    "a certificate with its files" },
	{ .name = NULL },
};
static const struct conf_keyword *const crt_store_tables[] = { crt_store_keywords, NULL };

const struct conf_section section_crt_store = {
	.name = "crt-store",
	.scope = CONF_OTHER,
	.open = open_store,
	.tables = crt_store_tables,
};

/* ---- ssl-f-use ---- */

/* A word as it stands inside the brackets of a crt-list. */
static void add_word(struct strbuf *out, const char *word)
{
	bool plain = *word && !word[strcspn(word, " \t\"'\\[]#")];
	strbuf_addf(out, plain ? " %s" : " \"%s\"", word);
}

/* "crt foo.pem alpn h2" becomes "foo.pem [alpn h2]". */
static int add_use(const struct conf_call *call)
{
	const struct conf_line *line = call->line;
	struct proxy *p = call->object;
	struct strbuf words = STRBUF_INIT;
	int crt = 0;
	if (wrong_side(call))
		return 0;
	for (int i = call->arg; i < line->argc; i++) {
		if (!crt && strcmp(line->argv[i], "crt") == 0 && i + 1 < line->argc)
			crt = ++i;
		else
			add_word(&words, line->argv[i]);
	}
	struct ssl_use *u = arena_new(conf_arena(call->conf), struct ssl_use);
	if (u && crt)
		u->text = words.len ? arena_printf(conf_arena(call->conf), "%s [%s]",
					  line->argv[crt], strbuf_str(&words) + 1)
				    : arena_strdup(conf_arena(call->conf), line->argv[crt]);
	bool failed = words.failed;
	strbuf_done(&words);
	if (!crt) {
		conf_error(call->conf, line, call->arg - 1, "'ssl-f-use' expects 'crt <cert>'");
		return -1;
	}
	if (failed || !u || !u->text)
		return no_memory(call->conf, line);
	u->pos = conf_place(line, crt);
	if (!p->ssl_uses)
		p->ssl_uses_last = &p->ssl_uses;
	*p->ssl_uses_last = u;
	p->ssl_uses_last = &u->next;
	return 0;
}

const struct conf_keyword proxy_certificate_keywords[] = {
	{ "ssl-f-use", CONF_FRONTEND | CONF_LISTEN, 0, 2, -1, add_use, 0,
	    "crt <cert> [<option>]...",
	    "a certificate for all bind lines of the frontend that have 'ssl'" },
	{ .name = NULL },
};
