/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.3 for the load generator, by OpenSSL. Certificates are not verified against anything: that is the client's
 * cost, not the proxy's.
 */
#include "load_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SSL_CTX *ctx;
static bool resuming;

static void die(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static int session_new(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = SSL_get_app_data(ssl);

	SSL_SESSION_free(t->session);
	t->session = session;
	return 1; /* its reference is ours now */
}

void tls_setup(const char *alpn, bool resume)
{
	unsigned char wire[32];
	size_t len = strlen(alpn);

	resuming = resume;
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || len >= sizeof(wire) || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION))
		die("no TLS context");
	wire[0] = (unsigned char)len;
	memcpy(wire + 1, alpn, len);
	SSL_CTX_set_alpn_protos(ctx, wire, (unsigned)len + 1);
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, session_new);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
}

void tls_open(struct tls *t, int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	t->ssl = SSL_new(ctx);
	if (!t->ssl || !SSL_set_fd(t->ssl, fd))
		die("no TLS connection");
	SSL_set_app_data(t->ssl, t);
	SSL_set_tlsext_host_name(t->ssl, "bench.example");
	SSL_set_connect_state(t->ssl);
	if (resuming && t->session)
		SSL_set_session(t->ssl, t->session);
	if (tls_shake(t) < 0 && errno != EAGAIN)
		die("no hello");
}

/* The result of an SSL_ call that has failed, as recv() would say it. */
static int failed(struct tls *t, int rc)
{
	int why = SSL_get_error(t->ssl, rc);

	ERR_clear_error();
	if (why == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
	return -1;
}

int tls_shake(struct tls *t)
{
	bool expected = resuming && t->session;
	int rc = SSL_do_handshake(t->ssl);

	if (rc != 1) {
		if (failed(t, rc) == 0)
			errno = EPROTO;
		return -1;
	}
	if (expected && !SSL_session_reused(t->ssl)) {
		errno = EPROTO;
		return -1;
	}
	return 1;
}

ssize_t tls_read(struct tls *t, void *buf, size_t len)
{
	int rc = SSL_read(t->ssl, buf, len > 1 << 30 ? 1 << 30 : (int)len);

	return rc > 0 ? rc : failed(t, rc);
}

ssize_t tls_write(struct tls *t, const void *buf, size_t len)
{
	int rc = SSL_write(t->ssl, buf, (int)len);

	return rc > 0 ? rc : failed(t, rc);
}

void tls_close(struct tls *t)
{
	if (!t->ssl)
		return;
	SSL_shutdown(t->ssl);
	ERR_clear_error();
	SSL_free(t->ssl);
	t->ssl = NULL;
}
