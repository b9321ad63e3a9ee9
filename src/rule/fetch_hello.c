/* SPDX-License-Identifier: MIT */
/*
 * Fetches of TLS hellos that pass undeciphered (configuration manual 7.3.5): what is needed to route by SNI or ALPN
 * in TCP mode. A hello that is not complete yet makes the rule wait, until the end of the inspection delay.
 */
#include "tables.h"
#include "weir/tls/client_hello.h"

#define DIR_RES 0x1u

static bool partial(enum tls_hello_state st, bool open, struct sample *ret)
{
	ret->may_change = st == TLS_HELLO_PARTIAL && open;
	return st == TLS_HELLO_WHOLE;
}

/* HTTP proxies have no raw bytes: there the buffer is a body. */
static struct slice raw_bytes(const struct rule_ctx *cx, bool response)
{
	if (response)
		return cx->res ? SLICE_NULL : cx->res_buf;
	return cx->req ? SLICE_NULL : cx->req_buf;
}

static bool fetch_hello_type(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct tls_hello_message m;
	bool open = data & DIR_RES ? ctx_res_open(cx) : ctx_req_open(cx);
	enum tls_hello_state st = tls_hello_message(raw_bytes(cx, data & DIR_RES), cx->arena, &m);
	return partial(st, open, ret) && ret_int(ret, m.type);
}

static bool fetch_hello_ver(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned version;
	enum tls_hello_state st = tls_hello_version(raw_bytes(cx, false), &version);
	return partial(st, ctx_req_open(cx), ret) && ret_int(ret, version);
}

static bool client_hello(struct rule_ctx *cx, struct sample *ret, struct tls_client_hello *h)
{
	struct tls_hello_message m;
	enum tls_hello_state st = tls_hello_message(raw_bytes(cx, false), cx->arena, &m);
	return partial(st, ctx_req_open(cx), ret) && m.type == TLS_CLIENT_HELLO &&
	       tls_client_hello_parse(m.body, h);
}

static bool extension(
    struct rule_ctx *cx, unsigned type, struct sample *ret, struct slice *ret_value)
{
	struct tls_client_hello h;
	return client_hello(cx, ret, &h) && tls_client_hello_extension(&h, type, ret_value);
}

/* The first host_name (RFC 6066 3). */
static bool fetch_sni(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice ext, list, name;
	if (!extension(cx, TLS_EXT_SERVER_NAME, ret, &ext) || !tls_cut_block(&ext, 2, &list))
		return false;
	while (list.len) {
		bool host = list.ptr[0] == 0;
		list = slice_sub(list, 1, list.len);
		if (!tls_cut_block(&list, 2, &name))
			return false;
		if (host)
			return name.len && ret_str(ret, name);
	}
	return false;
}

/* The first protocol; ACLs look at each (RFC 7301 3.1). */
static bool fetch_alpn(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice ext, rest, name;
	if (walk && walk->at) {
		rest = walk->rest;
	} else if (!extension(cx, TLS_EXT_ALPN, ret, &ext) || !tls_cut_block(&ext, 2, &rest)) {
		return false;
	}
	if (!tls_cut_block(&rest, 1, &name) || !name.len)
		return false;
	if (walk) {
		walk->at = 1;
		walk->rest = rest;
		walk->more = rest.len > 0;
	}
	return ret_str(ret, name);
}

static bool fetch_ciphers(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct tls_client_hello h;
	return client_hello(cx, ret, &h) && ret_bin(ret, h.ciphers);
}

static bool fetch_ec(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice ext;
	return extension(cx, TLS_EXT_SUPPORTED_GROUPS, ret, &ext) && ret_bool(ret, true);
}

static bool fetch_ticket(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct tls_client_hello h;
	struct slice ext;
	if (!client_hello(cx, ret, &h))
		return false;
	if (!tls_client_hello_extension(&h, TLS_EXT_SESSION_TICKET, &ext))
		return ret_int(ret, 0);
	return ret_int(ret, ext.len ? 2 : 1);
}

/* data: an extension that is a list of two-byte numbers. */
static bool fetch_list(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice ext, list;
	return extension(cx, (unsigned)data, ret, &ext) && tls_cut_block(&ext, 2, &list) &&
	       ret_bin(ret, list);
}

/* The groups for which the client has sent keys (RFC 8446 4.2.8), without the keys. */
static bool fetch_key_shares(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice ext, list, key;
	if (!extension(cx, TLS_EXT_KEY_SHARE, ret, &ext) || !tls_cut_block(&ext, 2, &list))
		return false;
	char *out = arena_bytes(cx->arena, list.len / 4 * 2 + 1);
	size_t len = 0;
	while (out && list.len >= 4) {
		memcpy(out + len, list.ptr, 2);
		list = slice_sub(list, 2, list.len);
		if (!tls_cut_block(&list, 2, &key))
			return false;
		len += 2;
	}
	return ret_bin(ret, slice_make(out, len));
}

#define ROW(keyword, type, fn, number, text)                                                       \
	{                                                                                          \
		.name = keyword, .out = type, .at = RULE_AT_REQ_BUF, .eval = fn, .data = number,   \
		.help = text                                                                       \
	}
#define ROW_RES(keyword, text)                                                                     \
	{                                                                                          \
		.name = keyword, .out = SMP_SINT, .at = RULE_AT_RES_BUF, .eval = fetch_hello_type, \
		.data = DIR_RES, .help = text                                                      \
	}

const struct fetch_row fetch_hello_rows[] = {
	ROW("req.ssl_hello_type", SMP_SINT, fetch_hello_type, 0,
	    "type of the TLS handshake message, 1 for a ClientHello"),
	ROW("req_ssl_hello_type", SMP_SINT, fetch_hello_type, 0, "same as req.ssl_hello_type"),
	ROW_RES(
	    "res.ssl_hello_type", "type of the server's handshake message, 2 for a ServerHello"),
	ROW_RES("rep_ssl_hello_type", "same as res.ssl_hello_type"),
	ROW("req.ssl_ver", SMP_SINT, fetch_hello_ver, 0,
	    "TLS version of the client, major * 65536 + minor; matched as 3.3"),
	ROW("req_ssl_ver", SMP_SINT, fetch_hello_ver, 0, "same as req.ssl_ver"),
	ROW("req.ssl_sni", SMP_STR, fetch_sni, 0, "server name in the ClientHello"),
	ROW("req_ssl_sni", SMP_STR, fetch_sni, 0, "same as req.ssl_sni"),
	ROW("req.ssl_alpn", SMP_STR, fetch_alpn, 0,
	    "first protocol of ALPN in the ClientHello; conditions look at each"),
	ROW("req.ssl_cipherlist", SMP_BIN, fetch_ciphers, 0, "ciphers of the ClientHello"),
	ROW("req.ssl_ec_ext", SMP_BOOL, fetch_ec, 0, "whether the client named elliptic curves"),
	ROW("req.ssl_st_ext", SMP_SINT, fetch_ticket, 0,
	    "session ticket: 0 without that extension, 1 without a ticket, 2 with one"),
	ROW("req.ssl_sigalgs", SMP_BIN, fetch_list, TLS_EXT_SIGNATURES,
	    "signature algorithms of the ClientHello"),
	ROW("req.ssl_supported_groups", SMP_BIN, fetch_list, TLS_EXT_SUPPORTED_GROUPS,
	    "groups for key exchange of the ClientHello"),
	ROW("req.ssl_keyshare_groups", SMP_BIN, fetch_key_shares, 0,
	    "groups for which the ClientHello has keys"),
	{ .name = NULL },
};
