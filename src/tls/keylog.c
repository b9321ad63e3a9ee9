/* SPDX-License-Identifier: MIT */
/*
 * Secrets of a connection, for fetches that write SSLKEYLOGFILE lines (tune.ssl.keylog). Contexts without the option
 * have no callback, and their connections no memory for it.
 */
#include <openssl/crypto.h>

#include "transport_int.h"

#define SECRET_HEX_MAX (2 * 64)

struct tls_secrets {
	uint8_t len[TLS_SECRET_N];
	char hex[TLS_SECRET_N][SECRET_HEX_MAX];
};

static const struct slice labels[TLS_SECRET_N] = {
	[TLS_SECRET_CLIENT_EARLY] = SLICE("CLIENT_EARLY_TRAFFIC_SECRET"),
	[TLS_SECRET_CLIENT_HANDSHAKE] = SLICE("CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
	[TLS_SECRET_SERVER_HANDSHAKE] = SLICE("SERVER_HANDSHAKE_TRAFFIC_SECRET"),
	[TLS_SECRET_CLIENT_TRAFFIC] = SLICE("CLIENT_TRAFFIC_SECRET_0"),
	[TLS_SECRET_SERVER_TRAFFIC] = SLICE("SERVER_TRAFFIC_SECRET_0"),
	[TLS_SECRET_EXPORTER] = SLICE("EXPORTER_SECRET"),
	[TLS_SECRET_EARLY_EXPORTER] = SLICE("EARLY_EXPORTER_SECRET"),
};

/* "<label> <client random> <secret>", in hexadecimal. */
void tls_keylog_cb(const SSL *ssl, const char *line)
{
	struct tls_conn *t = tls_state_of(ssl);
	struct slice rest = slice_str(line);
	struct slice label = slice_cut(&rest, ' ');
	slice_cut(&rest, ' ');
	if (!t || !rest.len || rest.len > SECRET_HEX_MAX)
		return;
	for (unsigned i = 0; i < TLS_SECRET_N; i++) {
		if (!slice_eq(label, labels[i]))
			continue;
		if (!t->secrets)
			t->secrets = calloc(1, sizeof(*t->secrets));
		if (!t->secrets)
			return;
		memcpy(t->secrets->hex[i], rest.ptr, rest.len);
		t->secrets->len[i] = (uint8_t)rest.len;
		return;
	}
}

struct slice tls_secret(const struct conn *c, enum tls_secret which)
{
	const struct tls_secrets *s = conn_is_tls(c) ? tls_state(c)->secrets : NULL;
	if (!s || which >= TLS_SECRET_N || !s->len[which])
		return SLICE_NULL;
	return slice_make(s->hex[which], s->len[which]);
}

void tls_secrets_free(struct tls_secrets *s)
{
	if (!s)
		return;
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}
