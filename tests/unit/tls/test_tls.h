/* SPDX-License-Identifier: MIT */
/*
 * A store and a bind over a temporary directory, and a client that shakes hands with it in memory: what the tests of
 * binds, crt-lists and the store have in common. Include test_cert.c and cmocka first.
 */
#ifndef WEIR_TESTS_TEST_TLS_H
#define WEIR_TESTS_TEST_TLS_H

#include <sys/stat.h>

#include "weir/tls/bind.h"

struct world {
	char *dir;
	struct tls_store_conf store_conf;
	struct tls_bind_conf conf;
	struct tls_store *store;
	struct tls_bind *bind;
	char *names[8]; /* of crts */
	struct tls_bind_crt crts[8];
	char said[4096]; /* all messages of the last build, a line each */
	struct {
		const char *sigalgs, *ciphers, *alpn;
		int max;
		const struct test_cert *crt;
		bool resume; /* keeps the session of a handshake for the next one */
		SSL_SESSION *session;
	} client;
};

/* What the client saw of a handshake. */
struct seen {
	bool ok, resumed;
	int alert; /* that the server sent, or -1 */
	int version, group;
	int chain;   /* certificates sent */
	long staple; /* bytes */
	size_t scts;
	int ca_names;
	char alpn[32], cn[64];
	char crt[256]; /* name of the slot, as the server knows it */
};

static void take_message(void *arg, enum diag_level level, const char *text)
{
	struct world *w = arg;
	size_t len = strlen(w->said);
	snprintf(w->said + len, sizeof(w->said) - len, "%s\n", text);
}

static int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	w->dir = test_dir_make();
	w->store_conf = TLS_STORE_CONF_INIT;
	*state = w;
	return 0;
}

static void close_all(struct world *w)
{
	tls_bind_free(w->bind);
	tls_store_free(w->store);
	w->bind = NULL;
	w->store = NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(w->names); i++) {
		free(w->names[i]);
		w->names[i] = NULL;
	}
}

static int world_teardown(void **state)
{
	struct world *w = *state;
	close_all(w);
	SSL_SESSION_free(w->client.session);
	test_dir_remove(w->dir);
	free(w);
	return 0;
}

/* A self-signed certificate with its key in a file. */
static inline void put(struct world *w, const char *name, const struct test_spec *spec)
{
	struct test_cert c = test_cert_make(spec, NULL);
	test_write_pem(w->dir, name, &c, true, NULL);
	test_cert_free(&c);
}

/* A crt-list; $D is the directory. */
static inline void list(struct world *w, const char *name, const char *text)
{
	struct strbuf b = STRBUF_INIT;
	for (; *text; text++)
		if (strncmp(text, "$D", 2) == 0) {
			strbuf_adds(&b, w->dir);
			text++;
		} else
			strbuf_addc(&b, *text);
	test_write(w->dir, name, b.ptr, b.len);
	strbuf_done(&b);
}

/* crts: files in the directory, "@name" for a crt-list. */
static int try_build(struct world *w, const char *crt, va_list more)
{
	struct tls_report report = { .say = take_message, .arg = w };
	unsigned n = 0;
	close_all(w);
	w->said[0] = '\0';
	for (; crt; crt = va_arg(more, const char *), n++) {
		bool is_list = *crt == '@';
		w->names[n] = test_path(w->dir, crt + is_list);
		w->crts[n] = (struct tls_bind_crt){ is_list ? TLS_CRT_LIST : TLS_CRT, w->names[n] };
	}
	w->conf.crts = w->crts;
	w->conf.crt_n = n;
	w->store = tls_store_new(&w->store_conf, &report);
	assert_non_null(w->store);
	return tls_bind_build(&w->conf, w->store, &report, &w->bind);
}

static inline void build(struct world *w, const char *crt, ...)
{
	va_list ap;
	va_start(ap, crt);
	int r = try_build(w, crt, ap);
	va_end(ap);
	if (r)
		fprintf(stderr, "%s", w->said);
	assert_int_equal(r, 0);
}

static inline void build_fails(struct world *w, const char *crt, ...)
{
	va_list ap;
	va_start(ap, crt);
	int r = try_build(w, crt, ap);
	va_end(ap);
	assert_true(r < 0);
	assert_true(w->said[0]);
	w->bind = NULL;
}

/* ---- the client ---- */

static _Thread_local size_t scts_seen; /* of the handshake under way */

static int take_sct(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t len,
    X509 *x, size_t index, int *alert, void *arg)
{
	scts_seen = len;
	return 1;
}

static void note_alert(const SSL *ssl, int where, int ret)
{
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
		*(int *)SSL_get_app_data(ssl) = ret & 0xff;
}

static SSL_CTX *client_ctx(const struct world *w)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(ctx);
	if (w->client.sigalgs)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(ctx, w->client.sigalgs), 1);
	if (w->client.ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(ctx, w->client.ciphers), 1);
	if (w->client.max) {
		SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(ctx, w->client.max);
	}
	if (w->client.crt) {
		SSL_CTX_use_certificate(ctx, w->client.crt->x509);
		SSL_CTX_use_PrivateKey(ctx, w->client.crt->key);
	}
	assert_int_equal(
	    SSL_CTX_add_custom_ext(ctx, TLSEXT_TYPE_signed_certificate_timestamp,
		SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE,
		NULL, NULL, NULL, take_sct, NULL),
	    1);
	SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
	SSL_CTX_set_info_callback(ctx, note_alert);
	return ctx;
}

static void set_alpn(SSL *ssl, const char *protocols)
{
	unsigned char wire[64];
	size_t n = 0;
	for (struct slice rest = slice_str(protocols); rest.ptr;) {
		struct slice one = slice_cut(&rest, ',');
		wire[n++] = (unsigned char)one.len;
		memcpy(wire + n, one.ptr, one.len);
		n += one.len;
	}
	assert_int_equal(SSL_set_alpn_protos(ssl, wire, (unsigned)n), 0);
}

static void note(struct seen *s, SSL *client, SSL *server)
{
	const unsigned char *p;
	unsigned len;
	s->version = SSL_version(client);
	s->resumed = SSL_session_reused(server);
	s->group = (int)SSL_get_shared_group(server, 0);
	if (s->version == TLS1_3_VERSION)
		s->group = (int)SSL_get_negotiated_group(client);
	s->chain = sk_X509_num(SSL_get_peer_cert_chain(client));
	s->staple = SSL_get_tlsext_status_ocsp_resp(client, &p);
	if (s->staple < 0)
		s->staple = 0;
	s->scts = scts_seen;
	SSL_get0_alpn_selected(client, &p, &len);
	snprintf(s->alpn, sizeof(s->alpn), "%.*s", (int)len, len ? (const char *)p : "");
	X509 *x = SSL_get0_peer_certificate(client);
	if (x)
		X509_NAME_get_text_by_NID(
		    X509_get_subject_name(x), NID_commonName, s->cn, sizeof(s->cn));
	const char *crt = tls_crt_name(server);
	snprintf(s->crt, sizeof(s->crt), "%s", crt ? crt : "");
	const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(client);
	s->ca_names = names ? sk_X509_NAME_num(names) : 0;
}

/* A handshake with that name; NULL: none is sent. */
static inline struct seen shake(struct world *w, const char *name)
{
	struct seen s = { .alert = -1 };
	SSL_CTX *ctx = client_ctx(w);
	SSL *client = SSL_new(ctx), *server = SSL_new(tls_bind_ctx(w->bind));
	BIO *a, *b;
	assert_true(client && server && BIO_new_bio_pair(&a, 0, &b, 0));
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	SSL_set_app_data(client, &s.alert);
	if (name)
		assert_int_equal(SSL_set_tlsext_host_name(client, name), 1);
	if (w->client.alpn)
		set_alpn(client, w->client.alpn);
	if (w->client.session)
		assert_int_equal(SSL_set_session(client, w->client.session), 1);
	scts_seen = 0;
	int c = 0, d = 0;
	for (int i = 0; i < 20 && (c <= 0 || d <= 0); i++) {
		char byte;
		ERR_clear_error();
		c = SSL_do_handshake(client);
		d = SSL_do_handshake(server);
		if (c > 0 && d <= 0)
			SSL_read(client, &byte, 1); /* takes a late alert */
	}
	s.ok = c > 0 && d > 0;
	if (s.ok)
		note(&s, client, server);
	if (s.ok && w->client.resume) {
		SSL_SESSION_free(w->client.session);
		w->client.session = SSL_get1_session(client);
		SSL_shutdown(client); /* or the session is taken for a failed one */
	}
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return s;
}

static inline void expect_crt(struct world *w, const char *name, const char *file)
{
	struct seen s = shake(w, name);
	char *path = test_path(w->dir, file);
	assert_true(s.ok);
	assert_string_equal(s.crt, path);
	free(path);
}

static inline void expect_alert(struct world *w, const char *name, int alert)
{
	struct seen s = shake(w, name);
	assert_false(s.ok);
	assert_int_equal(s.alert, alert);
}

#endif
