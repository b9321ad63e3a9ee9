/* SPDX-License-Identifier: MIT */
/*
 * Fetches of what the client's hello offered, for fingerprints such as JA3 (configuration manual 7.3.4). The lists
 * were kept at the handshake when tune.ssl.capture-buffer-size allows it; without that there are no values.
 */
#include <openssl/ssl.h>

#include "fetch_ssl.h"

static const struct tls_hello_capture *hello_of(const struct rule_ctx *cx)
{
	const struct conn *c = ssl_conn(cx, SSL_FC);
	return c ? tls_info(c)->hello : NULL;
}

/* Values that clients strew in to see whether servers tolerate them (RFC 8701): 0x0a0a, 0x1a1a ... 0xfafa. */
static bool is_grease(const char *pair)
{
	return (pair[0] & 0x0f) == 0x0a && pair[0] == pair[1];
}

/* data: which slice of the capture. The list, in full or without GREASE as the argument says; .ptr NULL: none. */
static struct slice list_of(const struct rule_ctx *cx, const struct args *args, uintptr_t data)
{
	const struct tls_hello_capture *hello = hello_of(cx);
	struct slice list;
	if (!hello)
		return SLICE_NULL;
	memcpy(&list, (const char *)hello + data, sizeof(list));
	if (!list.ptr || !args_has(args, 0) || args->v[0].num != 1)
		return list;
	char *out = arena_bytes(cx->arena, list.len + 1);
	size_t len = 0;
	for (size_t i = 0; out && i + 1 < list.len; i += 2) {
		if (!is_grease(list.ptr + i)) {
			memcpy(out + len, list.ptr + i, 2);
			len += 2;
		}
	}
	return slice_make(out, len);
}

static bool fetch_list(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_bin(ret, list_of(cx, args, data));
}

static bool fetch_hex(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	static const char digits[] = "0123456789ABCDEF";
	struct slice list = list_of(cx, args, data);
	char *out = list.ptr ? arena_bytes(cx->arena, list.len * 2 + 1) : NULL;
	for (size_t i = 0; out && i < list.len; i++) {
		out[2 * i] = digits[(unsigned char)list.ptr[i] >> 4];
		out[2 * i + 1] = digits[(unsigned char)list.ptr[i] & 15];
	}
	return ret_str(ret, slice_make(out, list.len * 2));
}

#define CIPHER_NAME_MAX 64

/* Names as OpenSSL has them, "UNKNOWN(xxxx)" for those that it does not know. */
static bool fetch_names(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice list = list_of(cx, args, data);
	SSL *ssl = (SSL *)ssl_of(cx, SSL_FC);
	if (!ssl || !list.ptr)
		return false;
	size_t cap = list.len / 2 * CIPHER_NAME_MAX, len = 0;
	char *out = arena_bytes(cx->arena, cap + 1);
	for (size_t i = 0; out && i + 1 < list.len; i += 2) {
		const unsigned char *id = (const unsigned char *)list.ptr + i;
		const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, id);
		char number[CIPHER_NAME_MAX];
		snprintf(number, sizeof(number), "UNKNOWN(%02x%02x)", id[0], id[1]);
		struct slice name = slice_str(cipher ? SSL_CIPHER_get_name(cipher) : number);
		if (len + name.len + 1 > cap)
			break;
		if (i)
			out[len++] = ',';
		memcpy(out + len, name.ptr, name.len);
		len += name.len;
	}
	return ret_str(ret, slice_make(out, len));
}

static bool fetch_hash(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct tls_hello_capture *hello = hello_of(cx);
	return hello && ret_int(ret, (int64_t)hello->cipher_hash);
}

static bool fetch_version(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct tls_hello_capture *hello = hello_of(cx);
	return hello && ret_int(ret, hello->version);
}

#define CAPTURE(field) offsetof(struct tls_hello_capture, field)

#define LIST(keyword, type, fn, field, text)                                                       \
	{                                                                                          \
		.name = keyword, .out = type, .args = { ARG_UINT }, .at = AT_FC, .eval = fn,       \
		.data = CAPTURE(field), .usage = "[<filter>]", .help = text "; 1: without GREASE"  \
	}
#define PLAIN(keyword, type, fn, number, text)                                                     \
	{                                                                                          \
		.name = keyword, .out = type, .at = AT_FC, .eval = fn, .data = number,             \
		.help = text                                                                       \
	}

const struct fetch_row fetch_ssl_hello_rows[] = {
	LIST("ssl_fc_cipherlist_bin", SMP_BIN, fetch_list, ciphers, "ciphers of the ClientHello"),
	LIST("ssl_fc_cipherlist_hex", SMP_STR, fetch_hex, ciphers, "the same in hexadecimal"),
	LIST("ssl_fc_cipherlist_str", SMP_STR, fetch_names, ciphers, "the same by name"),
	PLAIN("ssl_fc_cipherlist_xxh", SMP_SINT, fetch_hash, 0, "XXH64 of the whole list"),
	LIST("ssl_fc_extlist_bin", SMP_BIN, fetch_list, extensions,
	    "types of the extensions of the ClientHello"),
	LIST("ssl_fc_eclist_bin", SMP_BIN, fetch_list, groups, "groups of the ClientHello"),
	PLAIN("ssl_fc_ecformats_bin", SMP_BIN, fetch_list, CAPTURE(point_formats),
	    "point formats of the ClientHello, a byte each"),
	LIST("ssl_fc_supported_versions_bin", SMP_BIN, fetch_list, versions,
	    "versions in that extension of the ClientHello"),
	LIST("ssl_fc_sigalgs_bin", SMP_BIN, fetch_list, sigalgs,
	    "signature algorithms of the ClientHello"),
	PLAIN("ssl_fc_protocol_hello_id", SMP_SINT, fetch_version, 0,
	    "version number of the ClientHello"),
	{ .name = NULL },
};
