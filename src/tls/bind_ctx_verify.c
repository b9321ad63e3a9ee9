/* SPDX-License-Identifier: MIT */
/*
 * Verification of client certificates: which CAs, which revocation lists, which names are told to the client.
 */
#include <errno.h>

#include "bind_int.h"
#include "transport_int.h"

static bool is_ignored(const uint64_t *set, int error)
{
	return error > 0 && error < TLS_X509_ERR_MAX && (set[error / 64] >> (error % 64) & 1);
}

/* Keeps the first error of each kind for the connection's info, and lets pass what the bind ignores. */
static int on_verify(int ok, X509_STORE_CTX *x)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	int error = X509_STORE_CTX_get_error(x), depth = X509_STORE_CTX_get_error_depth(x);
	if (ok || !ssl)
		return ok;
	struct tls_conn *t = tls_state_of(ssl);
	if (t && depth == 0 && !t->info.crt_err) {
		t->info.crt_err = (uint16_t)error;
	} else if (t && depth > 0 && !t->info.ca_err) {
		t->info.ca_err = (uint16_t)error;
		t->info.ca_err_depth = (uint8_t)MIN(depth, UINT8_MAX);
	}
	const struct tls_ignore *ignore =
	    &tls_ctx_group_of(SSL_get_SSL_CTX(ssl))->bind->conf.ignore;
	bool pass = is_ignored(depth > 0 ? ignore->ca : ignore->crt, error);
	/* OpenSSL forgets it, and the log shall say whose it was */
	X509 *cert = pass || !t || t->refused ? NULL : X509_STORE_CTX_get0_cert(x);
	if (cert && X509_up_ref(cert))
		t->refused = cert;
	return pass;
}

/* A store of references: CAs, further CAs and CRLs in one, as a context wants them. */
static X509_STORE *make_store(const struct tls_ctx_group *g)
{
	X509_STORE *store = X509_STORE_new();
	if (!store)
		return NULL;
	const struct group_ca *parts[] = { &g->ca, &g->ca_verify, &g->crl };
	int err = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(parts) && err == 0; i++)
		if (parts[i]->ca)
			err = tls_ca_fill(parts[i]->ca, store);
	if (err == 0 && g->crl.ca)
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	if (err == 0)
		return store;
	X509_STORE_free(store);
	return NULL;
}

int tls_ctx_verify(struct tls_ctx_group *g, SSL_CTX *ctx, const struct tls_report *report)
{
	switch (g->opt.verify) {
	case TLS_VERIFY_UNSET:
	case TLS_VERIFY_NONE:
		g->verify_mode = SSL_VERIFY_NONE;
		break;
	case TLS_VERIFY_OPTIONAL:
		g->verify_mode = SSL_VERIFY_PEER;
		break;
	case TLS_VERIFY_REQUIRED:
		g->verify_mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
		break;
	}
	SSL_CTX_set_verify(ctx, g->verify_mode, on_verify);
	if (g->verify_mode == SSL_VERIFY_NONE)
		return 0;
	if (!g->ca.ca && !g->ca_verify.ca) {
		tls_say(report, DIAG_ERROR, "'verify' needs a 'ca-file'");
		return -EINVAL;
	}
	X509_STORE *store = make_store(g);
	if (!store) {
		tls_say(report, DIAG_ERROR, "cannot use the CAs: %s", tls_openssl_error());
		return -ENOMEM;
	}
	SSL_CTX_set_cert_store(ctx, store); /* takes it */
	if (g->ca.ca && !g->opt.no_ca_names) {
		STACK_OF(X509_NAME) *names = tls_ca_names(g->ca.ca);
		if (!names)
			return -ENOMEM;
		SSL_CTX_set_client_CA_list(ctx, names); /* takes them */
	}
	return 0;
}
