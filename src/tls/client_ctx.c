/* SPDX-License-Identifier: MIT */
/*
 * Contexts for connecting to servers: built once from a tls_client_conf, each step with a text for the configuration
 * when it fails, and applied to each connection (name, expected name, protocols, session).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "client_int.h"
#include "transport_int.h"
#include "weir/base/htab.h"

struct build {
	const struct tls_client_conf *conf;
	SSL_CTX *ctx;
	char *err;
	size_t err_size;
};

/* What OpenSSL says of the last failure, behind what was tried. */
static bool fail(struct build *b, const char *what, const char *value)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;
	snprintf(b->err, b->err_size, "%s%s%s%s: %s", what, value ? " '" : "", value ? value : "",
	    value ? "'" : "",
	    reason ? reason
	    : e	   ? strerror(ERR_GET_REASON(e))
		   : "refused");
	ERR_clear_error();
	return false;
}

/* ---- trust ---- */

static bool load_ca(struct build *b, const char *file)
{
	struct stat st;
	if (strcmp(file, "@system-ca") == 0)
		return SSL_CTX_set_default_verify_paths(b->ctx) || fail(b, "ca-file", file);
	if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
		return SSL_CTX_load_verify_dir(b->ctx, file) || fail(b, "ca-file", file);
	return SSL_CTX_load_verify_file(b->ctx, file) || fail(b, "ca-file", file);
}

static bool load_crl(struct build *b, const char *file)
{
	X509_STORE *store = SSL_CTX_get_cert_store(b->ctx);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	if (!lookup || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) <= 0)
		return fail(b, "crl-file", file);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return true;
}

/* Keeps what was wrong with the server's chain for the connection's info. */
static int on_verify(int ok, X509_STORE_CTX *x)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_conn *t = ssl ? tls_state_of(ssl) : NULL;
	int error = X509_STORE_CTX_get_error(x), depth = X509_STORE_CTX_get_error_depth(x);
	if (ok || !t)
		return ok;
	if (depth == 0 && !t->info.crt_err) {
		t->info.crt_err = (uint16_t)error;
	} else if (depth > 0 && !t->info.ca_err) {
		t->info.ca_err = (uint16_t)error;
		t->info.ca_err_depth = (uint8_t)MIN(depth, UINT8_MAX);
	}
	return 0;
}

static bool set_trust(struct build *b)
{
	const struct tls_client_conf *conf = b->conf;
	SSL_CTX_set_verify(b->ctx, conf->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
	    conf->verify ? on_verify : NULL);
	if (conf->ca) {
		SSL_CTX_set1_cert_store(b->ctx, conf->ca);
		return true;
	}
	if (conf->ca_file && !load_ca(b, conf->ca_file))
		return false;
	if (conf->verify && !conf->ca_file) {
		snprintf(b->err, b->err_size, "verify required needs a ca-file");
		return false;
	}
	return !conf->crl_file || load_crl(b, conf->crl_file);
}

/* ---- our certificate ---- */

static bool load_crt(struct build *b, const char *file)
{
	char beside[4096];
	if (SSL_CTX_use_certificate_chain_file(b->ctx, file) != 1)
		return fail(b, "crt", file);
	if (SSL_CTX_use_PrivateKey_file(b->ctx, file, SSL_FILETYPE_PEM) != 1) {
		ERR_clear_error();
		int n = snprintf(beside, sizeof(beside), "%s.key", file);
		if (n < 0 || (size_t)n >= sizeof(beside) ||
		    SSL_CTX_use_PrivateKey_file(b->ctx, beside, SSL_FILETYPE_PEM) != 1)
			return fail(b, "key of crt", file);
	}
	return SSL_CTX_check_private_key(b->ctx) == 1 || fail(b, "key of crt", file);
}

/* OpenSSL's answers: 1 go on, 0 fail. */
static int on_crt(SSL *ssl, void *arg)
{
	const struct tls_client *client = arg;
	return client->give_crt(client->give_crt_arg, ssl) == 0;
}

static bool set_crt(struct build *b)
{
	const struct tls_client_conf *conf = b->conf;
	if (conf->crt)
		return load_crt(b, conf->crt);
	if (conf->cert)
		return SSL_CTX_use_cert_and_key(b->ctx, conf->cert, conf->key, conf->chain, 1) ==
			   1 ||
		       fail(b, "crt", NULL);
	return true;
}

/* ---- the rest ---- */

static bool set_lists(struct build *b)
{
	const struct tls_client_conf *conf = b->conf;
	SSL_CTX *ctx = b->ctx;
	if (conf->ciphers && SSL_CTX_set_cipher_list(ctx, conf->ciphers) != 1)
		return fail(b, "ciphers", conf->ciphers);
	if (conf->ciphersuites && SSL_CTX_set_ciphersuites(ctx, conf->ciphersuites) != 1)
		return fail(b, "ciphersuites", conf->ciphersuites);
	if (conf->curves && SSL_CTX_set1_curves_list(ctx, conf->curves) != 1)
		return fail(b, "curves", conf->curves);
	if (conf->sigalgs && SSL_CTX_set1_sigalgs_list(ctx, conf->sigalgs) != 1)
		return fail(b, "sigalgs", conf->sigalgs);
	if (conf->client_sigalgs &&
	    SSL_CTX_set1_client_sigalgs_list(ctx, conf->client_sigalgs) != 1)
		return fail(b, "client-sigalgs", conf->client_sigalgs);
	if (conf->alpn.len && SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)conf->alpn.ptr,
				  (unsigned)conf->alpn.len) != 0)
		return fail(b, "alpn", NULL);
	return true;
}

static bool set_versions(struct build *b)
{
	int min = b->conf->min_version ? b->conf->min_version : TLS1_2_VERSION;
	if (SSL_CTX_set_min_proto_version(b->ctx, min) != 1)
		return fail(b, "ssl-min-ver", NULL);
	if (SSL_CTX_set_max_proto_version(b->ctx, b->conf->max_version) != 1)
		return fail(b, "ssl-max-ver", NULL);
	return true;
}

static void set_modes(struct build *b)
{
	SSL_CTX_set_mode(b->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(b->ctx, 1);
	SSL_CTX_set_options(b->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
					SSL_OP_NO_COMPRESSION | b->conf->ssl_options |
					(b->conf->no_tls_tickets ? SSL_OP_NO_TICKET : 0));
	if (b->conf->keylog)
		SSL_CTX_set_keylog_callback(b->ctx, tls_keylog_cb);
}

static bool copy_conf(struct tls_client *client, const struct tls_client_conf *conf)
{
	client->verify = conf->verify;
	client->reuse = !conf->no_ssl_reuse;
	client->sessions_max = conf->sessions ? conf->sessions : TLS_CLIENT_SESSIONS;
	client->give_crt = conf->give_crt;
	client->give_crt_arg = conf->give_crt_arg;
	if (conf->verifyhost)
		client->verifyhost = slice_dup(slice_str(conf->verifyhost));
	return !conf->verifyhost || client->verifyhost;
}

struct tls_client *tls_client_new(const struct tls_client_conf *conf, char *err, size_t err_size)
{
	struct build b = { .conf = conf, .err = err, .err_size = err_size };
	struct tls_client *client = calloc(1, sizeof(*client));
	if (!client)
		goto no_memory;
	atomic_init(&client->refs, 1);
	b.ctx = client->ctx = SSL_CTX_new(TLS_client_method());
	if (!client->ctx || !copy_conf(client, conf))
		goto no_memory;
	ERR_clear_error();
	set_modes(&b);
	if (!set_versions(&b) || !set_trust(&b) || !set_crt(&b) || !set_lists(&b)) {
		tls_client_unref(client);
		return NULL;
	}
	if (conf->give_crt)
		SSL_CTX_set_cert_cb(client->ctx, on_crt, client);
	if (client->reuse)
		client_sessions_setup(client);
	else
		SSL_CTX_set_session_cache_mode(client->ctx, SSL_SESS_CACHE_OFF);
	return client;

no_memory:
	tls_client_unref(client);
	snprintf(err, err_size, "out of memory");
	return NULL;
}

struct tls_client *tls_client_ref(struct tls_client *client)
{
	atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
	return client;
}

void tls_client_unref(struct tls_client *client)
{
	if (!client || atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) != 1)
		return;
	client_sessions_free(client);
	SSL_CTX_free(client->ctx);
	free(client->verifyhost);
	free(client);
}

struct ssl_ctx_st *tls_client_ctx(const struct tls_client *client)
{
	return client->ctx;
}

/* ---- a connection ---- */

static bool is_ip(const char *name)
{
	unsigned char addr[16];
	return inet_pton(AF_INET, name, addr) == 1 || inet_pton(AF_INET6, name, addr) == 1;
}

static bool expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	if (is_ip(name))
		return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

/* One session a name, expected name and list of protocols. */
static uint64_t session_key(const struct tls_connect_opts *opts, const char *expected)
{
	uint64_t part[3] = {
		hash_slice(slice_str(opts->sni ? opts->sni : "")),
		hash_slice(slice_str(expected ? expected : "")),
		hash_slice(opts->alpn),
	};
	uint64_t key = hash_bytes(part, sizeof(part));
	return key ? key : 1;
}

static void prepare_early(struct tls_conn *t, const SSL_SESSION *session)
{
	t->early_out = true;
	t->early_left = MIN(SSL_SESSION_get_max_early_data(session), TLS_EARLY_MAX);
	t->early_h2 = slice_eq(tls_session_alpn(session), SLICE("h2"));
}

int tls_client_apply(struct tls_conn *t, const struct tls_connect_opts *opts)
{
	struct tls_client *client = t->client;
	SSL *ssl = t->ssl;
	const char *expected = opts->verifyhost	    ? opts->verifyhost
			       : client->verifyhost ? client->verifyhost
						    : opts->sni;
	t->by_verifyhost = !opts->verifyhost && client->verifyhost;
	if (opts->sni && !is_ip(opts->sni) && SSL_set_tlsext_host_name(ssl, opts->sni) != 1)
		return -EINVAL;
	if (client->verify && expected && !expect_name(ssl, expected))
		return -EINVAL;
	if (opts->alpn.len && SSL_set_alpn_protos(ssl, (const unsigned char *)opts->alpn.ptr,
				  (unsigned)opts->alpn.len) != 0)
		return -EINVAL;
	if (!client->reuse || opts->no_reuse)
		return 0;
	t->session_key = session_key(opts, expected);
	bool early = opts->early;
	SSL_SESSION *session =
	    client_sessions_get(client, t->c->worker->id, t->session_key, &early);
	if (session) {
		SSL_set_session(ssl, session);
		if (early)
			prepare_early(t, session);
		SSL_SESSION_free(session);
	}
	return 0;
}

/* What made one handshake fail must not make the next one fail too. */
void tls_client_failed(struct tls_conn *t)
{
	if (t->session_key)
		client_sessions_drop(t->client, t->c->worker->id, t->session_key);
}

int tls_alpn_encode(struct slice list, unsigned char *out, size_t cap)
{
	size_t len = 0;
	while (list.ptr) {
		struct slice name = slice_trim_ows(slice_cut(&list, ','));
		if (!name.len || name.len > 255)
			return -EINVAL;
		if (len + 1 + name.len > cap)
			return -ENOSPC;
		out[len++] = (unsigned char)name.len;
		memcpy(out + len, name.ptr, name.len);
		len += name.len;
	}
	return len ? (int)len : -EINVAL;
}
