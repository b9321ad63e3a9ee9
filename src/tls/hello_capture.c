/* SPDX-License-Identifier: MIT */
/*
 * Keeps the lists of a ClientHello, for fingerprints (tune.ssl.capture-buffer-size). All lists share the configured
 * bytes, in the order of struct tls_hello_capture; what does not fit is cut.
 */
#include "transport_int.h"
#include "weir/base/xxhash.h"
#include "weir/tls/client_hello.h"

struct capture {
	struct tls_hello_capture pub; /* first: it is what is freed */
	size_t len, cap;
	char mem[];
};

static struct slice keep(struct capture *k, struct slice list)
{
	struct slice kept = slice_make(k->mem + k->len, MIN(list.len, k->cap - k->len));
	if (kept.len)
		memcpy(k->mem + k->len, list.ptr, kept.len);
	k->len += kept.len;
	return kept;
}

static struct slice keep_types(struct capture *k, struct slice extensions)
{
	struct slice kept = slice_make(k->mem + k->len, 0), value;
	while (extensions.len >= 4 && k->cap - k->len >= 2) {
		memcpy(k->mem + k->len, extensions.ptr, 2);
		k->len += 2;
		kept.len += 2;
		extensions = slice_sub(extensions, 2, extensions.len);
		if (!tls_cut_block(&extensions, 2, &value))
			break;
	}
	return kept;
}

/* The list inside an extension that has a length of its own in front. */
static struct slice keep_list(
    struct capture *k, const struct tls_client_hello *h, unsigned type, unsigned size)
{
	struct slice ext, list;
	if (!tls_client_hello_extension(h, type, &ext) || !tls_cut_block(&ext, size, &list))
		return SLICE_NULL;
	return keep(k, list);
}

void tls_hello_capture(struct tls_conn *t, struct slice body, unsigned cap)
{
	struct tls_client_hello h;
	if (t->info.hello || !tls_client_hello_parse(body, &h))
		return;
	struct capture *k = calloc(1, sizeof(*k) + cap);
	if (!k)
		return;
	k->cap = cap;
	k->pub.version = h.version;
	k->pub.cipher_hash = xxhash_64(h.ciphers.ptr, h.ciphers.len, 0);
	k->pub.ciphers = keep(k, h.ciphers);
	k->pub.extensions = keep_types(k, h.extensions);
	k->pub.groups = keep_list(k, &h, TLS_EXT_SUPPORTED_GROUPS, 2);
	k->pub.point_formats = keep_list(k, &h, TLS_EXT_POINT_FORMATS, 1);
	k->pub.versions = keep_list(k, &h, TLS_EXT_VERSIONS, 1);
	k->pub.sigalgs = keep_list(k, &h, TLS_EXT_SIGNATURES, 2);
	t->info.hello = &k->pub;
}
