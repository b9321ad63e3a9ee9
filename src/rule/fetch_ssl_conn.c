/* SPDX-License-Identifier: MIT */
/*
 * Fetches of the TLS connections with the client and the server: what was agreed upon, the session, secrets, errors
 * (configuration manual 7.3.4). A row exists for each side; its data says which.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "fetch_ssl.h"
#include "weir/tls/store.h"

#define FIELD 0xffu /* the other bits of a row's data */

static bool fetch_tls(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_bool(ret, ssl_conn(cx, data) != NULL);
}

/* ---- what was agreed upon ---- */

/* The bits of its key: that are used, or that the algorithm has. */
enum { KEY_USED, KEY_OF_ALGORITHM };

static bool fetch_keysize(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const SSL *ssl = ssl_of(cx, data);
	const SSL_CIPHER *cipher = ssl ? SSL_get_current_cipher(ssl) : NULL;
	int of_algorithm = 0, used = cipher ? SSL_CIPHER_get_bits(cipher, &of_algorithm) : 0;
	return used && ret_int(ret, (data & FIELD) == KEY_USED ? used : of_algorithm);
}

static bool fetch_cipher(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const SSL *ssl = ssl_of(cx, data);
	return ssl && ret_str(ret, slice_str(SSL_get_cipher_name(ssl)));
}

static bool fetch_protocol(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const SSL *ssl = ssl_of(cx, data);
	return ssl && ret_str(ret, slice_str(SSL_get_version(ssl)));
}

static bool fetch_curve(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	SSL *ssl = (SSL *)ssl_of(cx, data);
	long id = ssl ? SSL_get_negotiated_group(ssl) : NID_undef;
	const char *name = id != NID_undef ? SSL_group_to_name(ssl, (int)id) : NULL;
	return name && ret_str(ret, slice_str(name));
}

static bool fetch_alpn(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	struct slice proto = c ? tls_alpn(c) : SLICE_NULL;
	return proto.len && ret_str(ret, proto);
}

/* That extension is gone: nothing is ever agreed upon by it. */
static bool fetch_npn(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return false;
}

static bool fetch_sni(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	const char *sni = c ? tls_sni(c) : NULL;
	return sni && ret_str(ret, slice_str(sni));
}

static bool fetch_has_sni(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	return ret_bool(ret, c && tls_sni(c));
}

static bool fetch_crtname(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const SSL *ssl = ssl_of(cx, data);
	const char *name = ssl ? tls_crt_name(ssl) : NULL;
	return name && ret_str(ret, slice_str(name));
}

/* ---- the session ---- */

static bool fetch_resumed(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	return ret_bool(ret, c && SSL_session_reused(tls_ssl(c)));
}

static bool fetch_session_id(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const SSL *ssl = ssl_of(cx, data);
	const SSL_SESSION *session = ssl ? SSL_get_session(ssl) : NULL;
	unsigned len = 0;
	const unsigned char *id = session ? SSL_SESSION_get_id(session, &len) : NULL;
	return len && ret_bin(ret, slice_make((const char *)id, len));
}

static bool fetch_session_key(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned char key[SSL_MAX_MASTER_KEY_LENGTH];
	const SSL *ssl = ssl_of(cx, data);
	const SSL_SESSION *session = ssl ? SSL_get_session(ssl) : NULL;
	size_t len = session ? SSL_SESSION_get_master_key(session, key, sizeof(key)) : 0;
	return len && ret_bin(ret, arena_slice(cx->arena, slice_make((char *)key, len)));
}

/*
 * RFC 5929 3: the first Finished message. The client sends it, unless the session is resumed; which end we are
 * decides whether it is ours.
 */
static bool fetch_unique_id(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	char id[EVP_MAX_MD_SIZE];
	const SSL *ssl = ssl_of(cx, data);
	if (!ssl)
		return false;
	bool ours = SSL_is_server(ssl) == SSL_session_reused(ssl);
	size_t len = ours ? SSL_get_finished(ssl, id, sizeof(id))
			  : SSL_get_peer_finished(ssl, id, sizeof(id));
	return len && ret_bin(ret, arena_slice(cx->arena, slice_make(id, MIN(len, sizeof(id)))));
}

enum { RANDOM_CLIENT, RANDOM_SERVER };

static bool fetch_random(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned char bytes[SSL3_RANDOM_SIZE];
	const SSL *ssl = ssl_of(cx, data);
	if (!ssl)
		return false;
	size_t len = (data & FIELD) == RANDOM_CLIENT
			 ? SSL_get_client_random(ssl, bytes, sizeof(bytes))
			 : SSL_get_server_random(ssl, bytes, sizeof(bytes));
	return len && ret_bin(ret, arena_slice(cx->arena, slice_make((char *)bytes, len)));
}

/* data: enum tls_secret */
static bool fetch_secret(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	struct slice secret = c ? tls_secret(c, (enum tls_secret)(data & FIELD)) : SLICE_NULL;
	return secret.len && ret_str(ret, secret);
}

/* Early data has come and the handshake is not complete: it may be a replay (RFC 8446 8). */
static bool fetch_has_early(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	return c && ret_bool(ret, tls_info(c)->early && !tls_handshake_done(c));
}

static bool fetch_early_rcvd(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct conn *c = ssl_conn(cx, data);
	return c && ret_bool(ret, tls_info(c)->early);
}

/* ---- errors ---- */

/* -1: there is no TLS. */
static int64_t error_of(const struct rule_ctx *cx, uintptr_t data)
{
	const struct conn *c = ssl_conn(cx, data);
	return c ? (int64_t)tls_info(c)->err : -1;
}

static bool fetch_err(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	int64_t err = error_of(cx, data);
	return err >= 0 && ret_int(ret, err);
}

static bool fetch_err_str(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	char text[256];
	int64_t err = error_of(cx, data);
	if (err <= 0)
		return false;
	ERR_error_string_n((unsigned long)err, text, sizeof(text));
	return ret_str(ret, arena_slice(cx->arena, slice_str(text)));
}

#define ROW(keyword, type, where, fn, number, text)                                                \
	{                                                                                          \
		.name = keyword, .out = type, .at = where, .eval = fn, .data = number,             \
		.help = text                                                                       \
	}
#define FC(keyword, type, fn, number, text)                                                        \
	ROW("ssl_fc_" keyword, type, AT_FC, fn, SSL_FC | (number), text " (client's connection)")
#define BC(keyword, type, fn, number, text)                                                        \
	ROW("ssl_bc_" keyword, type, AT_BC, fn, SSL_BC | (number), text " (server's connection)")
#define BOTH(keyword, type, fn, number, text)                                                      \
	FC(keyword, type, fn, number, text), BC(keyword, type, fn, number, text)
#define SECRET(keyword, which, text) BOTH(keyword, SMP_STR, fetch_secret, which, text)

const struct fetch_row fetch_ssl_conn_rows[] = {
	ROW("ssl_fc", SMP_BOOL, AT_FC, fetch_tls, SSL_FC,
	    "whether the client's connection has TLS"),
	ROW("ssl_bc", SMP_BOOL, AT_BC, fetch_tls, SSL_BC,
	    "whether the server's connection has TLS"),
	BOTH("alg_keysize", SMP_SINT, fetch_keysize, KEY_OF_ALGORITHM,
	    "bits of the key that the cipher's algorithm has"),
	BOTH("use_keysize", SMP_SINT, fetch_keysize, KEY_USED,
	    "bits of the key that the cipher uses"),
	BOTH("alpn", SMP_STR, fetch_alpn, 0, "protocol agreed upon by ALPN"),
	BOTH("npn", SMP_STR, fetch_npn, 0, "never anything: NPN is gone"),
	BOTH("cipher", SMP_STR, fetch_cipher, 0, "name of the cipher"),
	BOTH("curve", SMP_STR, fetch_curve, 0, "group of the key exchange"),
	BOTH("protocol", SMP_STR, fetch_protocol, 0, "TLS version"),
	BOTH("is_resumed", SMP_BOOL, fetch_resumed, 0, "whether a session was resumed"),
	BOTH("session_id", SMP_BIN, fetch_session_id, 0, "identifier of the session"),
	BOTH("session_key", SMP_BIN, fetch_session_key, 0, "master key of the session"),
	BOTH("unique_id", SMP_BIN, fetch_unique_id, 0, "channel binding tls-unique"),
	BOTH("client_random", SMP_BIN, fetch_random, RANDOM_CLIENT, "random of the ClientHello"),
	BOTH("server_random", SMP_BIN, fetch_random, RANDOM_SERVER, "random of the ServerHello"),
	BOTH("err", SMP_SINT, fetch_err, 0, "OpenSSL's number of the first error, 0 without"),
	BOTH("err_str", SMP_STR, fetch_err_str, 0, "text of the first error"),
	SECRET("client_early_traffic_secret", TLS_SECRET_CLIENT_EARLY,
	    "CLIENT_EARLY_TRAFFIC_SECRET in hexadecimal"),
	SECRET("client_handshake_traffic_secret", TLS_SECRET_CLIENT_HANDSHAKE,
	    "CLIENT_HANDSHAKE_TRAFFIC_SECRET in hexadecimal"),
	SECRET("server_handshake_traffic_secret", TLS_SECRET_SERVER_HANDSHAKE,
	    "SERVER_HANDSHAKE_TRAFFIC_SECRET in hexadecimal"),
	SECRET("client_traffic_secret_0", TLS_SECRET_CLIENT_TRAFFIC,
	    "CLIENT_TRAFFIC_SECRET_0 in hexadecimal"),
	SECRET("server_traffic_secret_0", TLS_SECRET_SERVER_TRAFFIC,
	    "SERVER_TRAFFIC_SECRET_0 in hexadecimal"),
	SECRET("exporter_secret", TLS_SECRET_EXPORTER, "EXPORTER_SECRET in hexadecimal"),
	SECRET("early_exporter_secret", TLS_SECRET_EARLY_EXPORTER,
	    "EARLY_EXPORTER_SECRET in hexadecimal"),
	BC("sni", SMP_STR, fetch_sni, 0, "server name that was sent"),
	{ .name = "ssl_fc_sni",
	    .out = SMP_STR,
	    .acl_forms = true,
	    .at = AT_FC,
	    .eval = fetch_sni,
	    .data = SSL_FC,
	    .help = "server name that the client sent" },
	FC("has_sni", SMP_BOOL, fetch_has_sni, 0, "whether a server name was sent"),
	FC("crtname", SMP_STR, fetch_crtname, 0, "name of the certificate that was presented"),
	FC("has_early", SMP_BOOL, fetch_has_early, 0,
	    "whether early data has come and the handshake is not complete"),
	FC("early_rcvd", SMP_BOOL, fetch_early_rcvd, 0, "whether early data has come"),
	{ .name = NULL },
};
