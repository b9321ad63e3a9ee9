/* SPDX-License-Identifier: MIT */
/*
 * Keywords of the global section about TLS (configuration manual 3.1 and 3.2): where certificates lie, what
 * "bind ... ssl" and "server ... ssl" lines have unless they say otherwise, sizes and times. The values stand in
 * struct global_tls; config_finish() brings them to the tls module. Providers of OpenSSL are loaded right away, as later
 * lines may need their algorithms.
 */
#include <errno.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "conf_global.h"

#define TLS_FIELD(field)	    GLOBAL_FIELD(ssl.field)
#define TLS_NUMBER(field, low, max) GLOBAL_NUMBER(ssl.field, low, max)

/* ---- files ---- */

/* A path that must be a directory. */
static int set_directory(const struct conf_call *call)
{
	const char *path = call->line->argv[call->arg];
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		conf_error(call->conf, call->line, call->arg, "'%s' expects a directory, not '%s'",
		    call->row->name, path);
		return -1;
	}
	return global_set_text(call);
}

static int set_extra_files(const struct conf_call *call)
{
	static const char *const words[] = { "none", "all", "bundle", "sctl", "ocsp", "issuer",
		"key", NULL };
	static const unsigned bits[] = { 0, TLS_EXTRA_ALL, TLS_EXTRA_BUNDLE, TLS_EXTRA_SCTL,
		TLS_EXTRA_OCSP, TLS_EXTRA_ISSUER, TLS_EXTRA_KEY };
	struct global_conf *g = call->object;
	unsigned files = 0;
	for (int i = call->arg; i < call->line->argc; i++) {
		int word;
		if (conf_enum(call->conf, call->line, i, words, &word) < 0)
			return -1;
		if (word <= 1 && call->line->argc > call->arg + 1) {
			conf_error(
			    call->conf, call->line, i, "'%s' can only be used alone", words[word]);
			return -1;
		}
		files |= bits[word];
	}
	g->ssl.store.extra = files;
	return 0;
}

/* A copy of the words, so that the command gets them as they were quoted. */
static int set_passphrase_cmd(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	struct arena *arena = conf_arena(call->conf);
	size_t n = (size_t)(call->line->argc - call->arg);
	const char **words = arena_alloc(arena, (n + 1) * sizeof(*words));
	for (size_t i = 0; words && i < n; i++) {
		words[i] = arena_strdup(arena, call->line->argv[(size_t)call->arg + i]);
		if (!words[i])
			words = NULL;
	}
	if (!words) {
		conf_error(call->conf, call->line, -1, "out of memory");
		return -1;
	}
	words[n] = NULL;
	g->ssl.store.passphrase_cmd = words;
	return 0;
}

const struct conf_keyword global_tls_file_keywords[] = {
	{ "ca-base", CONF_GLOBAL, 0, 1, 1, global_set_text, TLS_FIELD(store.ca_base), "<dir>",
	    "where relative paths of ca-file, ca-verify-file and crl-file start" },
	{ "crt-base", CONF_GLOBAL, 0, 1, 1, global_set_text, TLS_FIELD(store.crt_base), "<dir>",
	    "where relative paths of certificates start" },
	{ "key-base", CONF_GLOBAL, 0, 1, 1, global_set_text, TLS_FIELD(store.key_base), "<dir>",
	    "where relative paths of 'key' start" },
	{ "issuers-chain-path", CONF_GLOBAL, 0, 1, 1, set_directory,
	    TLS_FIELD(store.issuers_chain_path), "<dir>",
	    "certificates of issuers, to complete chains that end early" },
	{ "ssl-dh-param-file", CONF_GLOBAL, 0, 1, 1, global_set_text,
	    TLS_FIELD(store.dh_param_file), "<file>",
	    "parameters of DHE ciphers where a certificate's file has none" },
	{ "ssl-load-extra-del-ext", CONF_GLOBAL, 0, 0, 0, global_set_flag,
	    TLS_FIELD(store.extra_del_ext), "",
	    "extra files of foo.crt are foo.key and so on, not foo.crt.key" },
	{ "ssl-load-extra-files", CONF_GLOBAL, 0, 1, -1, set_extra_files, 0,
	    "{ none | all | { bundle | sctl | ocsp | issuer | key }... }",
	    "files that are looked for beside a certificate; all unless set" },
	{ "ssl-passphrase-cmd", CONF_GLOBAL, 0, 1, -1, set_passphrase_cmd, 0, "<cmd> [<arg>...]",
	    "program that prints the passphrase of an encrypted key, whose path it gets" },
	{ "ssl-skip-self-issued-ca", CONF_GLOBAL, 0, 0, 0, global_set_flag,
	    TLS_FIELD(store.skip_self_issued_ca), "",
	    "roots at the end of a certificate's chain are not sent" },
	{ .name = NULL },
};

/* ---- OpenSSL ---- */

static int set_propquery(const struct conf_call *call)
{
	if (EVP_set_default_properties(NULL, call->line->argv[call->arg]))
		return 0;
	conf_error(call->conf, call->line, call->arg, "'ssl-propquery' : OpenSSL refuses '%s'",
	    call->line->argv[call->arg]);
	return -1;
}

static int load_provider(const struct conf_call *call)
{
	const char *name = call->line->argv[call->arg];
	if (OSSL_PROVIDER_load(NULL, name))
		return 0;
	conf_error(call->conf, call->line, call->arg, "'ssl-provider' : cannot load '%s'", name);
	return -1;
}

static int set_provider_path(const struct conf_call *call)
{
	const char *path = call->line->argv[call->arg];
	if (OSSL_PROVIDER_set_default_search_path(NULL, path))
		return 0;
	conf_error(
	    call->conf, call->line, call->arg, "'ssl-provider-path' : OpenSSL refuses '%s'", path);
	return -1;
}

static int tell_engines(const struct conf_call *call)
{
	conf_error(call->conf, call->line, call->arg - 1,
	    "'ssl-engine' : OpenSSL 3 has no engines; 'ssl-provider' loads what took their place");
	return -1;
}

const struct conf_keyword global_tls_library_keywords[] = {
	{ "ssl-engine", CONF_GLOBAL, CONF_REMOVED, 0, -1, tell_engines, 0, "<name> [algo <list>]",
	    "refused: OpenSSL 3 has providers instead" },
	{ "ssl-propquery", CONF_GLOBAL, 0, 1, 1, set_propquery, 0, "<query>",
	    "properties of the algorithms that OpenSSL takes by default" },
	{ "ssl-provider", CONF_GLOBAL, 0, 1, 1, load_provider, 0, "<name>",
	    "loads a provider of OpenSSL" },
	{ "ssl-provider-path", CONF_GLOBAL, 0, 1, 1, set_provider_path, 0, "<path>",
	    "where providers of the lines that follow are" },
	{ "ssl-security-level", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    TLS_NUMBER(store.security_level, 0, 5), "<0..5>",
	    "OpenSSL's security level; the library's unless set" },
	{ .name = NULL },
};

/* ---- what lines have unless they say otherwise ---- */

static int set_default_word(const struct conf_option_call *c)
{
	return tls_defaults_set(c, c->object);
}

#define WORD(name, args, usage, help)                                                              \
	{                                                                                          \
		name, args, set_default_word, 0, usage, help, 0                                    \
	}
#define VERSIONS "{ SSLv3 | TLSv1.0 | TLSv1.1 | TLSv1.2 | TLSv1.3 }"

/* Their meaning is that of the options of bind and server lines. */
static const struct conf_option common_options[] = {
	WORD("force-sslv3", 0, "", "SSL 3.0 only"),
	WORD("force-tlsv10", 0, "", "TLS 1.0 only"),
	WORD("force-tlsv11", 0, "", "TLS 1.1 only"),
	WORD("force-tlsv12", 0, "", "TLS 1.2 only"),
	WORD("force-tlsv13", 0, "", "TLS 1.3 only"),
	WORD("no-sslv3", 0, "", "not SSL 3.0"),
	WORD("no-tls-tickets", 0, "", "no session tickets"),
	WORD("no-tlsv10", 0, "", "not TLS 1.0"),
	WORD("no-tlsv11", 0, "", "not TLS 1.1"),
	WORD("no-tlsv12", 0, "", "not TLS 1.2"),
	WORD("no-tlsv13", 0, "", "not TLS 1.3"),
	WORD("ssl-max-ver", 1, VERSIONS, "newest version"),
	WORD("ssl-min-ver", 1, VERSIONS, "oldest version"),
	WORD("tls-tickets", 0, "", "session tickets"),
	{ .name = NULL },
};

static const struct conf_option only_bind_options[] = {
	WORD("no-strict-sni", 0, "", "default certificates are used"),
	WORD("prefer-client-ciphers", 0, "", "the client's order of ciphers counts"),
	WORD("strict-sni", 0, "", "refuses clients that ask for no known name"),
	{ .name = NULL },
};

static int set_bind_options(const struct conf_call *call)
{
	static const struct conf_option *const tables[] = { common_options, only_bind_options,
		NULL };
	struct global_conf *g = call->object;
	return conf_options(call->conf, call->line, call->arg, tables, &g->ssl.bind);
}

static int set_server_options(const struct conf_call *call)
{
	static const struct conf_option *const tables[] = { common_options, NULL };
	struct global_conf *g = call->object;
	return conf_options(call->conf, call->line, call->arg, tables, &g->ssl.server);
}

static int set_server_verify(const struct conf_call *call)
{
	static const char *const words[] = { "required", "none", NULL };
	struct global_conf *g = call->object;
	int word;
	if (conf_enum(call->conf, call->line, call->arg, words, &word) < 0)
		return -1;
	g->ssl.server_verify_none = word == 1;
	return 0;
}

#define DEFAULT(side, word, field, usage, help)                                                    \
	{                                                                                          \
		"ssl-default-" #side "-" word, CONF_GLOBAL, 0, 1, 1, global_set_text,              \
		    TLS_FIELD(side.opt.field), usage, help " of " #side " lines without their own" \
	}

const struct conf_keyword global_tls_default_keywords[] = {
	DEFAULT(bind, "ciphers", ciphers, "<ciphers>", "ciphers up to TLS 1.2"),
	DEFAULT(bind, "ciphersuites", ciphersuites, "<ciphersuites>", "ciphers of TLS 1.3"),
	DEFAULT(bind, "client-sigalgs", client_sigalgs, "<sigalgs>",
	    "signature algorithms of client certificates"),
	DEFAULT(bind, "curves", curves, "<curves>", "groups for the key exchange"),
	{ "ssl-default-bind-options", CONF_GLOBAL, 0, 1, -1, set_bind_options, 0, "<option>...",
	    "versions, tickets, strict-sni and order of ciphers of bind lines without their own" },
	DEFAULT(bind, "sigalgs", sigalgs, "<sigalgs>", "signature algorithms"),
	DEFAULT(server, "ciphers", ciphers, "<ciphers>", "ciphers up to TLS 1.2"),
	DEFAULT(server, "ciphersuites", ciphersuites, "<ciphersuites>", "ciphers of TLS 1.3"),
	DEFAULT(server, "client-sigalgs", client_sigalgs, "<sigalgs>",
	    "signature algorithms of client certificates"),
	DEFAULT(server, "curves", curves, "<curves>", "groups for the key exchange"),
	{ "ssl-default-server-options", CONF_GLOBAL, 0, 1, -1, set_server_options, 0, "<option>...",
	    "versions and tickets of server lines without their own" },
	DEFAULT(server, "sigalgs", sigalgs, "<sigalgs>", "signature algorithms"),
	{ "ssl-server-verify", CONF_GLOBAL, 0, 1, 1, set_server_verify, 0, "{ none | required }",
	    "whether certificates of servers are verified; required unless set" },
	{ .name = NULL },
};

/* ---- OCSP ---- */

/* data: offset of a bool in struct global_conf; without a word it is on. */
static int set_ocsp_flag(const struct conf_call *call)
{
	bool *flag = (bool *)((char *)call->object + call->row->data);
	*flag = true;
	if (call->arg >= call->line->argc)
		return 0;
	return conf_on_off(call->conf, call->line, call->arg, flag);
}

static int set_ocsp_mode(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	g->ssl.store.ocsp_update_said = true;
	return set_ocsp_flag(call);
}

static int set_ocsp_proxy(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	g->ocsp.proxy = arena_strdup(conf_arena(call->conf), call->line->argv[call->arg]);
	return g->ocsp.proxy ? 0 : -1;
}

/* ---- sizes and times ---- */

static int set_keylog(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	return conf_on_off(call->conf, call->line, call->arg, &g->ssl.keylog);
}

static int set_lifetime(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	uint64_t us;
	if (conf_time_us(call->conf, call->line, call->arg, 1000000, 1000000,
		(uint64_t)INT32_MAX * 1000000, &us) < 0)
		return -1;
	g->ssl.lifetime_s = (unsigned)(us / 1000000);
	return 0;
}

const struct conf_keyword global_tls_tune_keywords[] = {
	{ "maxsslconn", CONF_GLOBAL, 0, 1, 1, global_set_number, TLS_NUMBER(maxconn, 0, INT32_MAX),
	    "<number>", "most TLS connections of the process at a time; no limit unless set" },
	{ "maxsslrate", CONF_GLOBAL, 0, 1, 1, global_set_number, TLS_NUMBER(maxrate, 0, INT32_MAX),
	    "<number>", "most new TLS connections a second of the process; no limit unless set" },
	{ "tune.ssl.cachesize", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    TLS_NUMBER(cache_blocks, 0, INT32_MAX), "<number>",
	    "blocks of 200 bytes in the session cache, 0 for none; default 20000" },
	{ "tune.ssl.capture-buffer-size", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    TLS_NUMBER(capture, 0, 65536), "<bytes>",
	    "bytes kept of a client's hello for fetches; default 0, nothing is kept" },
	{ "tune.ssl.capture-cipherlist-size", CONF_GLOBAL, CONF_DEPRECATED, 1, 1, global_set_number,
	    TLS_NUMBER(capture, 0, 65536), "<bytes>",
	    "the former name of tune.ssl.capture-buffer-size" },
	{ "tune.ssl.default-dh-param", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    TLS_NUMBER(store.default_dh_param, 1024, 16384), "<bits>",
	    "most bits of predefined parameters of DHE ciphers; without, these have none" },
	{ "tune.ssl.hard-maxrecord", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    TLS_NUMBER(hard_record, 0, INT32_MAX), "<bytes>",
	    "most bytes of a record, always; default 0, no limit" },
	{ "tune.ssl.keylog", CONF_GLOBAL, 0, 1, 1, set_keylog, 0, "{ on | off }",
	    "keeps the secrets of connections for fetches, to decipher captures; default off" },
	{ "tune.ssl.keyupdate-rate-limit", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    TLS_NUMBER(keyupdates, 0, INT32_MAX), "<number>",
	    "key updates a second above which a connection is closed, 0 for none; default 100" },
	{ "tune.ssl.lifetime", CONF_GLOBAL, 0, 1, 1, set_lifetime, 0, "<time>",
	    "how long a session may be resumed, in seconds unless with a unit; default 300" },
	{ "tune.ssl.maxrecord", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    TLS_NUMBER(first_record, 0, INT32_MAX), "<bytes>",
	    "most bytes of the first records of a transfer; weir's own choice unless set" },
	{ "tune.ssl.ssl-ctx-cache-size", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    TLS_NUMBER(forged, 1, INT32_MAX), "<number>",
	    "generated certificates that are kept; default 1000" },
	{ "ocsp-update.disable", CONF_GLOBAL, 0, 0, 1, set_ocsp_flag,
	    offsetof(struct global_conf, ocsp.disable), "[ on | off ]",
	    "no OCSP response is renewed, whatever else says so; default off" },
	{ "ocsp-update.httpproxy", CONF_GLOBAL, 0, 1, 1, set_ocsp_proxy, 0, "<address>[:port]",
	    "HTTP proxy that OCSP responders are asked through" },
	{ "ocsp-update.maxdelay", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(ocsp.max_s, 1, INT32_MAX), "<number>",
	    "seconds until a response is renewed at the latest; default 3600" },
	{ "ocsp-update.mindelay", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(ocsp.min_s, 1, INT32_MAX), "<number>",
	    "seconds between two requests for one response at least; default 300" },
	{ "ocsp-update.mode", CONF_GLOBAL, 0, 0, 1, set_ocsp_mode,
	    offsetof(struct global_conf, ssl.store.ocsp_update), "[ on | off ]",
	    "whether responses of certificates that say nothing of it are renewed; default off" },
	{ "tune.ssl.ocsp-update.maxdelay", CONF_GLOBAL, CONF_DEPRECATED, 1, 1, global_set_number,
	    GLOBAL_NUMBER(ocsp.max_s, 1, INT32_MAX), "<number>",
	    "the former name of ocsp-update.maxdelay" },
	{ "tune.ssl.ocsp-update.mindelay", CONF_GLOBAL, CONF_DEPRECATED, 1, 1, global_set_number,
	    GLOBAL_NUMBER(ocsp.min_s, 1, INT32_MAX), "<number>",
	    "the former name of ocsp-update.mindelay" },
	{ .name = NULL },
};
