/* SPDX-License-Identifier: MIT */
/*
 * Contexts for accepting connections, as far as the transport and sessions go. What callbacks need hangs off the
 * context and is freed with it; the session cache is the process's and outlives both.
 */
#include "weir/tls/server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "transport_int.h"
#include "weir/tls/client_hello.h"
#include "weir/tls/session_cache.h"
#include "weir/tls/ticket_keys.h"

#define EARLY_DATA_MAX 16384u
#define TICKETS_FULL   2 /* behind a full handshake, for clients that open two connections at once */

struct server_ctx {
	struct tls_session_cache *cache;
	unsigned lifetime_s;
	unsigned capture;
	unsigned keyupdates;
	bool tickets;	 /* stateless ones */
	bool single_use; /* sessions of TLS 1.3: each is good for one resumption */
};

static int server_index = -1; /* set once for the process */
static pthread_once_t server_once = PTHREAD_ONCE_INIT;

static void free_ex(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	free(ptr);
}

static void make_index(void)
{
	server_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_ex);
}

static struct server_ctx *server_ctx(const SSL_CTX *ctx)
{
	return server_index < 0 ? NULL : SSL_CTX_get_ex_data(ctx, server_index);
}

unsigned tls_server_tickets(const struct tls_conn *t)
{
	const struct server_ctx *sc =
	    t->info.server_side ? server_ctx(SSL_get_SSL_CTX(t->ssl)) : NULL;
	if (!sc || SSL_version(t->ssl) != TLS1_3_VERSION || (!sc->tickets && !sc->cache))
		return 0;
	return t->info.resumed && !sc->single_use ? 1 : TICKETS_FULL;
}

/* ---- the session cache ---- */

static int64_t now_s(const SSL *ssl)
{
	const struct tls_conn *t = tls_state_of(ssl);
	return t ? (int64_t)(worker_now_ms(t->c->worker) / 1000) : 0;
}

static struct slice session_id(const SSL_SESSION *session)
{
	unsigned len;
	const unsigned char *id = SSL_SESSION_get_id(session, &len);
	return slice_make((const char *)id, len);
}

/* Never keeps the object: workers share bytes. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	const struct server_ctx *sc = server_ctx(SSL_get_SSL_CTX(ssl));
	unsigned char mem[TLS_SESSION_MAX], *at = mem;
	if (!sc || !sc->cache || (sc->tickets && SSL_version(ssl) == TLS1_3_VERSION))
		return 0;
	int len = i2d_SSL_SESSION(session, NULL);
	if (len <= 0 || (size_t)len > sizeof(mem))
		return 0;
	len = i2d_SSL_SESSION(session, &at);
	tls_session_cache_put(sc->cache, session_id(session),
	    slice_make((const char *)mem, (size_t)len), now_s(ssl) + sc->lifetime_s);
	OPENSSL_cleanse(mem, (size_t)len);
	return 0;
}

static SSL_SESSION *on_get_session(SSL *ssl, const unsigned char *id, int id_len, int *ret_copy)
{
	const struct server_ctx *sc = server_ctx(SSL_get_SSL_CTX(ssl));
	unsigned char mem[TLS_SESSION_MAX];
	const unsigned char *at = mem;
	*ret_copy = 0;
	if (!sc || !sc->cache || id_len <= 0)
		return NULL;
	bool take = sc->single_use && SSL_version(ssl) == TLS1_3_VERSION;
	size_t len = tls_session_cache_get(
	    sc->cache, slice_make((const char *)id, (size_t)id_len), now_s(ssl), take, mem);
	SSL_SESSION *session = len ? d2i_SSL_SESSION(NULL, &at, (long)len) : NULL;
	OPENSSL_cleanse(mem, len);
	return session;
}

static void on_remove_session(SSL_CTX *ctx, SSL_SESSION *session)
{
	const struct server_ctx *sc = server_ctx(ctx);
	if (sc && sc->cache)
		tls_session_cache_remove(sc->cache, session_id(session));
}

static void setup_cache(SSL_CTX *ctx, const struct tls_server_setup *setup)
{
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (!setup->cache)
		return;
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
	SSL_CTX_sess_set_new_cb(ctx, on_new_session);
	SSL_CTX_sess_set_get_cb(ctx, on_get_session);
	SSL_CTX_sess_set_remove_cb(ctx, on_remove_session);
}

/* ---- key updates ---- */

/* A peer that has the keys changed all the time makes work for nothing; only TLS 1.3 has such messages. */
static void on_state(const SSL *ssl, int where, int result)
{
	const struct server_ctx *sc = server_ctx(SSL_get_SSL_CTX(ssl));
	struct tls_conn *t = tls_state_of(ssl);
	if (where != SSL_CB_ACCEPT_LOOP || !sc || !t || !sc->keyupdates ||
	    SSL_get_state(ssl) != TLS_ST_SR_KEY_UPDATE)
		return;
	uint32_t now = (uint32_t)now_s(ssl);
	if (t->updates_s != now)
		t->updates = 0;
	t->updates_s = now;
	if (++t->updates > sc->keyupdates && !t->error) {
		t->error = EPROTO;
		t->info.fault = TLS_FAULT_FATAL;
	}
}

/* ---- captures ---- */

static void on_message(
    int written, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
	const struct server_ctx *sc = arg;
	struct slice message = slice_make(bytes, len);
	if (written || type != SSL3_RT_HANDSHAKE || len < SSL3_HM_HEADER_LENGTH ||
	    message.ptr[0] != TLS_CLIENT_HELLO)
		return;
	struct tls_conn *t = tls_state_of(ssl);
	if (t)
		tls_hello_capture(t, slice_sub(message, SSL3_HM_HEADER_LENGTH, len), sc->capture);
}

/* ---- */

static int set_scope(SSL_CTX *ctx, struct slice scope)
{
	unsigned char id[EVP_MAX_MD_SIZE];
	unsigned len;
	struct slice text = scope.len ? scope : SLICE("weir");
	if (EVP_Digest(text.ptr, text.len, id, &len, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	return SSL_CTX_set_session_id_context(ctx, id, MIN(len, SSL_MAX_SID_CTX_LENGTH)) ? 0
											 : -EINVAL;
}

int tls_server_setup(struct ssl_ctx_st *ctx, const struct tls_server_setup *setup)
{
	pthread_once(&server_once, make_index);
	struct server_ctx *sc = server_index < 0 ? NULL : calloc(1, sizeof(*sc));
	if (!sc)
		return -ENOMEM;
	free(server_ctx(ctx));
	if (!SSL_CTX_set_ex_data(ctx, server_index, sc)) {
		free(sc);
		return -ENOMEM;
	}
	/* early data must not be replayed: a session is then kept here, and taken out by the one that uses it */
	bool early = setup->early_data && setup->cache;
	sc->cache = setup->cache;
	sc->lifetime_s = setup->lifetime_s ? setup->lifetime_s : TLS_SESSION_SECONDS;
	sc->capture = setup->capture;
	sc->keyupdates = setup->keyupdates;
	sc->tickets = setup->tickets && !early;
	sc->single_use = early;

	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
				     SSL_OP_NO_COMPRESSION | SSL_OP_NO_ANTI_REPLAY);
	SSL_CTX_set_max_early_data(ctx, early ? EARLY_DATA_MAX : 0);
	/* what is not taken is skipped: a client may remember that it was, of another configuration */
	SSL_CTX_set_recv_max_early_data(ctx, EARLY_DATA_MAX);
	SSL_CTX_set_timeout(ctx, (long)sc->lifetime_s);
	SSL_CTX_set_num_tickets(ctx, 0);
	setup_cache(ctx, setup);
	if (setup->keylog)
		SSL_CTX_set_keylog_callback(ctx, tls_keylog_cb);
	if (setup->keyupdates)
		SSL_CTX_set_info_callback(ctx, on_state);
	if (setup->capture) {
		SSL_CTX_set_msg_callback(ctx, on_message);
		SSL_CTX_set_msg_callback_arg(ctx, sc);
	}
	int r = set_scope(ctx, setup->session_scope);
	if (r == 0 && sc->tickets)
		r = tls_ticket_keys_attach(setup->tickets, ctx);
	else if (r == 0)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	return r;
}
