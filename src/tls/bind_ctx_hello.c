/* SPDX-License-Identifier: MIT */
/*
 * What happens on a worker between ClientHello and ServerHello: options of the name's line, certificates of all its key
 * types, protocol, staple and SCTs. Nothing here locks or allocates but what OpenSSL's own calls do.
 */
#include <errno.h>
#include <pthread.h>

#include "bind_int.h"

/* ---- from context to group ---- */

/* Index of the group in a context's ex_data; process-wide by OpenSSL's design. */
static int group_index = -1;
static pthread_once_t group_index_once = PTHREAD_ONCE_INIT;

static void make_index(void)
{
	group_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

struct tls_ctx_group *tls_ctx_group_of(const SSL_CTX *ctx)
{
	return SSL_CTX_get_ex_data(ctx, group_index);
}

/* ---- finding ---- */

static void find_default(const struct tls_bind *b, struct sni_match *m)
{
	const struct tls_default_set *d = atomic_load_explicit(&b->defaults, memory_order_acquire);
	for (unsigned i = 0; d && i < d->n; i++)
		sni_consider(m, d->inst[i]);
}

/* name empty: the client sent none. What to present; with strict-sni nothing for a name that is not ours. */
static bool find_name(const struct tls_bind *b, struct slice name, struct sni_match *m)
{
	if (sni_find(&b->sni, name, m))
		return true;
	if (!b->conf.strict_sni)
		find_default(b, m);
	return m->first;
}

/* A list of two-byte codes in an extension has one with this last byte and that first one, or first alone. */
static bool client_takes_ecdsa(SSL *ssl)
{
	const unsigned char *p;
	size_t len;
	/* signature_algorithms (RFC 8446 4.2.3): ECDSA schemes end in 03, all of TLS 1.2's and 1.3's */
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_signature_algorithms, &p, &len) || len < 2)
		return true; /* without it, the ciphers decide: OpenSSL's business */
	for (size_t i = 2; i + 1 < len; i += 2)
		if (p[i + 1] == 0x03 && p[i] >= 0x02 && p[i] <= 0x06)
			return true;
	return false;
}

/* The line whose options hold: that of the key type which the client will get. */
static struct tls_inst *choose_line(SSL *ssl, const struct sni_match *m)
{
	struct tls_inst *ec = m->inst[TLS_KEY_ECDSA], *rsa = m->inst[TLS_KEY_RSA];
	if (!ec || !rsa || ec->group == rsa->group)
		return m->first;
	return client_takes_ecdsa(ssl) ? ec : rsa;
}

/* ---- the ClientHello: options that must hold before anything is negotiated ---- */

/* The first host name of the server_name extension (RFC 6066 3), which OpenSSL has not read yet. */
static struct slice hello_name(SSL *ssl)
{
	const unsigned char *p;
	size_t len;
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &len) || len < 5)
		return SLICE_NULL;
	size_t list = (size_t)p[0] << 8 | p[1], name = (size_t)p[3] << 8 | p[4];
	if (list != len - 2 || p[2] != TLSEXT_NAMETYPE_host_name || name > len - 5)
		return SLICE_NULL;
	return slice_make((const char *)p + 5, name);
}

/* SSL_set_SSL_CTX() brings certificates, ciphers, CAs and callbacks; the rest is copied at SSL_new() and set here. */
static bool switch_group(SSL *ssl, struct tls_ctx_group *g)
{
	SSL_CTX *ctx = atomic_load_explicit(&g->ctx, memory_order_acquire);
	if (SSL_get_SSL_CTX(ssl) == ctx)
		return true;
	if (!SSL_set_SSL_CTX(ssl, ctx))
		return false;
	SSL_set_verify(ssl, g->verify_mode, SSL_CTX_get_verify_callback(ctx));
	if (!SSL_set_min_proto_version(ssl, (int)SSL_CTX_get_min_proto_version(ctx)) ||
	    !SSL_set_max_proto_version(ssl, (int)SSL_CTX_get_max_proto_version(ctx)))
		return false;
	if (!SSL_set1_groups_list(ssl, g->curves))
		return false;
	SSL_set_max_early_data(ssl, SSL_CTX_get_max_early_data(ctx));
	SSL_set_recv_max_early_data(ssl, SSL_CTX_get_recv_max_early_data(ctx));
	return true;
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls_bind *b = arg;
	if (atomic_load_explicit(&b->groups_n, memory_order_relaxed) < 2)
		return SSL_CLIENT_HELLO_SUCCESS;
	struct sni_match m;
	if (!find_name(b, hello_name(ssl), &m))
		return SSL_CLIENT_HELLO_SUCCESS; /* on_server_name() refuses */
	if (switch_group(ssl, choose_line(ssl, &m)->group))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

static struct slice sent_name(SSL *ssl)
{
	return slice_str(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
}

/* ---- the certificates ---- */

static int apply_dh(struct tls_cert *c, SSL *ssl)
{
	EVP_PKEY *dh = c->parts.dh;
	if (likely(!dh))
		return 0;
	if (!EVP_PKEY_up_ref(dh))
		return -ENOMEM;
	if (SSL_set0_tmp_dh_pkey(ssl, dh))
		return 0;
	EVP_PKEY_free(dh);
	return -EINVAL;
}

static int apply_inst(struct tls_inst *inst, SSL *ssl)
{
	struct tls_cert *c = atomic_load_explicit(&inst->slot->cert, memory_order_acquire);
	if (!c)
		return -ENOENT;
	int err = tls_cert_apply(c, ssl, true);
	return err ? err : apply_dh(c, ssl);
}

/* All key types of the name whose line has the options that hold for the connection. */
static bool apply_match(const struct sni_match *m, SSL *ssl)
{
	struct tls_ctx_group *g = tls_ctx_group_of(SSL_get_SSL_CTX(ssl));
	bool any = false;
	for (unsigned i = 0; i < TLS_KEY_N; i++)
		if (m->inst[i] && m->inst[i]->group == g && apply_inst(m->inst[i], ssl) == 0)
			any = true;
	if (!any && m->first) /* its options changed since the ClientHello */
		any = apply_inst(m->first, ssl) == 0;
	return any;
}

static int on_certificate(SSL *ssl, void *arg)
{
	struct tls_bind *b = arg;
	struct sni_match m;
	struct slice name = sent_name(ssl);
	if (sni_find(&b->sni, name, &m))
		return apply_match(&m, ssl);
	if (b->forge && name.len && tls_forge_apply(b->forge, name, ssl) == 0)
		return 1;
	if (b->conf.strict_sni)
		return 0;
	find_default(b, &m);
	return apply_match(&m, ssl);
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	struct tls_bind *b = arg;
	struct sni_match m;
	struct slice name = sent_name(ssl);
	/* resuming up to TLS 1.2 asks for no certificate; fetches and logs do */
	if (SSL_session_reused(ssl) && SSL_version(ssl) < TLS1_3_VERSION)
		(void)on_certificate(ssl, b);
	if (!b->conf.strict_sni)
		return name.len ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
	if (find_name(b, name, &m) || (b->forge && name.len))
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- what goes along ---- */

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	const struct tls_ctx_group *g = arg;
	for (unsigned i = 0; i < g->alpn_len; i += 1u + g->alpn[i])
		for (unsigned k = 0; k < in_len; k += 1u + in[k])
			if (in[k] == g->alpn[i] && k + in[k] < in_len &&
			    memcmp(in + k, g->alpn + i, 1u + in[k]) == 0) {
				*out = in + k + 1;
				*out_len = in[k];
				return SSL_TLSEXT_ERR_OK;
			}
	return SSL_TLSEXT_ERR_NOACK;
}

static int on_status(SSL *ssl, void *arg)
{
	struct tls_cert *c = tls_cert_of(SSL_get_certificate(ssl));
	const struct tls_staple *st =
	    c ? atomic_load_explicit(&c->staple, memory_order_acquire) : NULL;
	if (!st || (st->next_update && st->next_update < time(NULL)))
		return SSL_TLSEXT_ERR_NOACK;
	unsigned char *copy = OPENSSL_memdup(st->der, st->len);
	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)st->len);
	return SSL_TLSEXT_ERR_OK;
}

/* Signed certificate timestamps (RFC 6962 3.3.1) of the leaf. */
static int add_scts(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
    size_t *out_len, X509 *x, size_t index, int *alert, void *arg)
{
	struct tls_cert *c = index == 0 ? tls_cert_of(x ? x : SSL_get_certificate(ssl)) : NULL;
	if (!c || !c->parts.sctl.len)
		return 0;
	*out = c->parts.sctl.ptr;
	*out_len = c->parts.sctl.len;
	return 1;
}

static int take_scts(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
    size_t in_len, X509 *x, size_t index, int *alert, void *arg)
{
	return 1; /* the client asks for them */
}

int tls_ctx_callbacks(struct tls_ctx_group *g, SSL_CTX *ctx)
{
	pthread_once(&group_index_once, make_index);
	if (!SSL_CTX_set_ex_data(ctx, group_index, g))
		return -ENOMEM;
	SSL_CTX_set_client_hello_cb(ctx, on_hello, g->bind);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, g->bind);
	SSL_CTX_set_cert_cb(ctx, on_certificate, g->bind);
	if (g->alpn_len)
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, g);
	SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	if (!SSL_CTX_add_custom_ext(ctx, TLSEXT_TYPE_signed_certificate_timestamp,
		SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE,
		add_scts, NULL, NULL, take_scts, NULL))
		return -ENOMEM;
	return 0;
}
