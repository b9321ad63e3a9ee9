/* SPDX-License-Identifier: MIT */
/*
 * The options of "server", "default-server" and "server-template" lines that are about TLS and the protocol that is
 * spoken inside (configuration manual 5.2), one row each. Setters write to a struct server_defaults. Reading the configuration, one thread.
 */
#include "server_options.h"

#include "weir/rule/rule.h"
#include "weir/tls/client.h"

#define FIELD SERVER_FIELD

#define ALPN_MAX 255 /* bytes on the wire that are enough for any list */

static struct server_tls *tls_of(const struct conf_option_call *call)
{
	return &((struct server_defaults *)call->object)->s.tls;
}

static int set_ssl(const struct conf_option_call *call)
{
	struct server_tls *t = tls_of(call);
	t->on = !call->negated;
	t->prepared |= t->on;
	return 0;
}

/* The "no-" form is the field's true value. */
static int clear_flag(const struct conf_option_call *call)
{
	*SERVER_TARGET(call, bool) = call->negated;
	return 0;
}

/* 1 on, -1 off. */
static int set_choice(const struct conf_option_call *call)
{
	*SERVER_TARGET(call, int8_t) = call->negated ? -1 : 1;
	return 0;
}

/* A text that its "no-" form takes back. */
static int set_or_clear_text(const struct conf_option_call *call)
{
	if (!call->negated)
		return server_option_text(call);
	*SERVER_TARGET(call, const char *) = NULL;
	return 0;
}

/* ---- versions ---- */

static int set_version(const struct conf_option_call *call)
{
	static const char *const words[] = { "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3",
		NULL };
	int i;
	if (conf_enum(call->conf, call->line, call->arg, words, &i) < 0)
		return -1;
	*SERVER_TARGET(call, enum tls_version) = (enum tls_version)(TLS_VER_SSL30 + i);
	return 0;
}

static int force_version(const struct conf_option_call *call)
{
	struct tls_options *o = &tls_of(call)->words.opt;
	o->min_ver = o->max_ver = (enum tls_version)call->row->data;
	return 0;
}

static int exclude_version(const struct conf_option_call *call)
{
	tls_of(call)->words.no_versions |= (uint8_t)(1u << (call->row->data & 0xff));
	return 0;
}

/* ---- verification ---- */

static int set_verify(const struct conf_option_call *call)
{
	static const char *const words[] = { "none", "required", NULL };
	int i;
	if (conf_enum(call->conf, call->line, call->arg, words, &i) < 0)
		return -1;
	tls_of(call)->words.opt.verify = i ? TLS_VERIFY_REQUIRED : TLS_VERIFY_NONE;
	return 0;
}

/* ---- names and protocols ---- */

/* Returns the words taken. */
static int set_expr(const struct conf_option_call *call)
{
	int arg = call->arg;
	if (arg >= call->line->argc) {
		conf_error(call->conf, call->line, arg - 1, "option '%s' expects %s",
		    call->row->name, call->row->usage);
		return -1;
	}
	const struct expr *e = expr_parse(call->conf, call->line, &arg,
	    RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ | RULE_AT_BACKEND);
	if (!e)
		return -1;
	*SERVER_TARGET(call, const struct expr *) = e;
	return arg - call->arg;
}

int server_alpn_parse(struct conf *conf, const struct conf_line *line, int arg, struct slice *ret)
{
	unsigned char wire[ALPN_MAX];
	int len = tls_alpn_encode(slice_str(line->argv[arg]), wire, sizeof(wire));
	if (len <= 0) {
		conf_error(conf, line, arg,
		    "protocols are expected, with commas between them, as in 'h2,http/1.1'");
		return -1;
	}
	*ret = arena_slice(conf_arena(conf), slice_make((char *)wire, (size_t)len));
	return ret->ptr ? 0 : -1;
}

bool server_alpn_has(struct slice alpn, struct slice protocol)
{
	for (size_t at = 0; at < alpn.len; at += 1 + (size_t)(unsigned char)alpn.ptr[at])
		if (slice_eq(slice_sub(alpn, at + 1, (unsigned char)alpn.ptr[at]), protocol))
			return true;
	return false;
}

static int set_alpn(const struct conf_option_call *call)
{
	struct slice *alpn = SERVER_TARGET(call, struct slice);
	*alpn = SLICE_NULL;
	return call->negated ? 0 : server_alpn_parse(call->conf, call->line, call->arg, alpn);
}

static int choose(const struct conf_option_call *call, const char *const *words)
{
	int i;
	if (conf_enum(call->conf, call->line, call->arg, words, &i) < 0)
		return -1;
	*SERVER_TARGET(call, uint8_t) = (uint8_t)i;
	return 0;
}

/* The order is that of enum server_proto. */
static int set_proto(const struct conf_option_call *call)
{
	static const char *const words[] = { "none", "h1", "h2", NULL };
	return choose(call, words);
}

static int set_ws(const struct conf_option_call *call)
{
	static const char *const words[] = { "auto", "h1", "h2", NULL };
	return choose(call, words);
}

#define FORCE(word, version)                                                                       \
	{                                                                                          \
		word, 0, force_version, version, "", "speaks that version of TLS alone", 0         \
	}
#define EXCLUDE(word, version)                                                                     \
	{                                                                                          \
		word, 0, exclude_version, version, "", "does not speak that version", 0            \
	}
#define NO_NPN "OpenSSL has ALPN only"

/* clang-format off */
const struct conf_option server_tls_options[] = {
	{ "allow-0rtt", 0, server_option_flag, FIELD(s.tls.early), "", "requests may be sent as TLS early data", CONF_MAY_NEGATE },
	{ "alpn", 1, set_alpn, FIELD(s.tls.alpn), "<protocols>", "protocols offered by TLS ALPN", CONF_MAY_NEGATE },
	{ "ca-file", 1, server_option_text, FIELD(s.tls.words.opt.ca_file), "<file>", "authorities that verify the server", 0 },
	{ "check-alpn", 1, set_alpn, FIELD(check.alpn), "<protocols>", "protocols that checks offer by TLS ALPN", CONF_MAY_NEGATE },
	{ "check-proto", 1, set_proto, FIELD(check.proto), "h1 | h2 | none", "protocol of checks", 0 },
	{ "check-sni", 1, server_option_text, FIELD(check.sni), "<name>", "name that checks ask for by TLS SNI", 0 },
	{ "check-sni-auto", 0, clear_flag, FIELD(check.no_sni_auto), "", "checks ask for the name in their Host field", CONF_MAY_NEGATE },
	{ "check-ssl", 0, server_option_flag, FIELD(check.tls), "", "checks over TLS, whatever the server's connections are", CONF_MAY_NEGATE },
	{ "ciphers", 1, server_option_text, FIELD(s.tls.words.opt.ciphers), "<ciphers>", "ciphers up to TLS 1.2", 0 },
	{ "ciphersuites", 1, server_option_text, FIELD(s.tls.words.opt.ciphersuites), "<suites>", "ciphers of TLS 1.3", 0 },
	{ "client-sigalgs", 1, server_option_text, FIELD(s.tls.words.opt.client_sigalgs), "<sigalgs>", "signature algorithms for our own certificate", 0 },
	{ "crl-file", 1, server_option_text, FIELD(s.tls.words.opt.crl_file), "<file>", "revoked certificates", 0 },
	{ "crt", 1, server_option_text, FIELD(s.tls.crt), "<file>", "our certificate, for servers that ask for one", 0 },
	{ "curves", 1, server_option_text, FIELD(s.tls.words.opt.curves), "<curves>", "groups for the key exchange", 0 },
	FORCE("force-sslv3", TLS_VER_SSL30),
	FORCE("force-tlsv10", TLS_VER_TLS10),
	FORCE("force-tlsv11", TLS_VER_TLS11),
	FORCE("force-tlsv12", TLS_VER_TLS12),
	FORCE("force-tlsv13", TLS_VER_TLS13),
	EXCLUDE("no-sslv3", TLS_VER_SSL30),
	EXCLUDE("no-tlsv10", TLS_VER_TLS10),
	EXCLUDE("no-tlsv11", TLS_VER_TLS11),
	EXCLUDE("no-tlsv12", TLS_VER_TLS12),
	EXCLUDE("no-tlsv13", TLS_VER_TLS13),
	{ "npn", 1, NULL, (uintptr_t)NO_NPN, "<protocols>", "the predecessor of ALPN", CONF_NO_EFFECT },
	{ "pool-conn-name", -1, set_expr, FIELD(s.pool_conn_name), "<expr>", "which requests share connections", 0 },
	{ "proto", 1, set_proto, FIELD(s.proto), "h1 | h2 | none", "protocol of connections", 0 },
	{ "renegotiate", 0, set_choice, FIELD(s.tls.words.renegotiation), "", "the server may renegotiate", CONF_MAY_NEGATE },
	{ "sigalgs", 1, server_option_text, FIELD(s.tls.words.opt.sigalgs), "<sigalgs>", "signature algorithms taken from the server", 0 },
	{ "sni", -1, set_expr, FIELD(s.tls.sni), "<expr>", "name that is asked for by TLS SNI", 0 },
	{ "sni-auto", 0, clear_flag, FIELD(s.tls.no_sni_auto), "", "the name is that of the Host field", CONF_MAY_NEGATE },
	{ "ssl", 0, set_ssl, 0, "", "TLS to the server", CONF_MAY_NEGATE },
	{ "ssl-max-ver", 1, set_version, FIELD(s.tls.words.opt.max_ver), "SSLv3 | TLSv1.0 | TLSv1.1 | TLSv1.2 | TLSv1.3", "newest version of TLS", 0 },
	{ "ssl-min-ver", 1, set_version, FIELD(s.tls.words.opt.min_ver), "SSLv3 | TLSv1.0 | TLSv1.1 | TLSv1.2 | TLSv1.3", "oldest version of TLS", 0 },
	{ "ssl-reuse", 0, clear_flag, FIELD(s.tls.no_reuse), "", "TLS sessions are resumed", CONF_MAY_NEGATE },
	{ "tls-tickets", 0, set_choice, FIELD(s.tls.words.tickets), "", "TLS sessions may be resumed by tickets", CONF_MAY_NEGATE },
	{ "verify", 1, set_verify, 0, "none | required", "whether the server's certificate is verified", 0 },
	{ "verifyhost", 1, set_or_clear_text, FIELD(s.tls.verifyhost), "<name>", "name in the server's certificate where none is asked for", CONF_MAY_NEGATE },
	{ "ws", 1, set_ws, FIELD(s.ws), "auto | h1 | h2", "protocol that websockets are relayed over", 0 },
	{ .name = NULL },
};
/* clang-format on */
