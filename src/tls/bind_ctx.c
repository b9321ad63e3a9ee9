/* SPDX-License-Identifier: MIT */
/*
 * From options to an SSL_CTX. A context is made complete before it is published; a commit that changes what it was made
 * of makes a new one.
 */
#include <errno.h>
#include <openssl/err.h>

#include "bind_int.h"

/* ---- single options ---- */

static int refuse(const struct tls_report *report, const char *word, const char *value)
{
	tls_say(report, DIAG_ERROR, "'%s' cannot be '%s': %s", word, value, tls_openssl_error());
	return -EINVAL;
}

/* What is not said is TLS 1.2 and newer, or the newest alone that a lower maximum leaves. */
static int set_versions(struct tls_ctx_group *g, SSL_CTX *ctx, const struct tls_report *report)
{
	static const struct {
		unsigned bit;
		uint64_t option;
	} no[] = {
		{ 0, SSL_OP_NO_SSLv3 },
		{ 1, SSL_OP_NO_TLSv1 },
		{ 2, SSL_OP_NO_TLSv1_1 },
		{ 3, SSL_OP_NO_TLSv1_2 },
		{ 4, SSL_OP_NO_TLSv1_3 },
	};
	int max = g->opt.max_ver ? (int)g->opt.max_ver : TLS1_3_VERSION;
	int min = g->opt.min_ver ? (int)g->opt.min_ver : MIN(TLS1_2_VERSION, max);
	unsigned left = 0;
	for (int v = min; v <= max; v++)
		left += !(g->bind->conf.no_versions >> (v & 0xff) & 1);
	if (!left) {
		tls_say(report, DIAG_ERROR, "no version of TLS is left between %s and %s",
		    tls_version_text((enum tls_version)min),
		    tls_version_text((enum tls_version)max));
		return -EINVAL;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(no); i++)
		if (g->bind->conf.no_versions >> no[i].bit & 1)
			SSL_CTX_set_options(ctx, no[i].option);
	if (max == SSL3_VERSION)
		return refuse(report, "ssl-max-ver", "SSLv3");
	if (!SSL_CTX_set_min_proto_version(ctx, min) || !SSL_CTX_set_max_proto_version(ctx, max))
		return refuse(report, "ssl-min-ver", tls_version_text((enum tls_version)min));
	return 0;
}

static int set_ciphers(struct tls_ctx_group *g, SSL_CTX *ctx, const struct tls_report *report)
{
	const char *list = g->opt.ciphers ? g->opt.ciphers : TLS_CIPHERS_DEFAULT;
	if (!SSL_CTX_set_cipher_list(ctx, list))
		return refuse(report, "ciphers", list);
	list = g->opt.ciphersuites ? g->opt.ciphersuites : TLS_CIPHERSUITES_DEFAULT;
	if (!SSL_CTX_set_ciphersuites(ctx, list))
		return refuse(report, "ciphersuites", list);
	return 0;
}

static int set_curves(struct tls_ctx_group *g, SSL_CTX *ctx, const struct tls_report *report)
{
	const char *list = g->opt.curves ? g->opt.curves : g->opt.ecdhe;
	g->curves = list ? list : TLS_CURVES_DEFAULT;
	if (SSL_CTX_set1_groups_list(ctx, g->curves))
		return 0;
	return refuse(report, g->opt.curves ? "curves" : "ecdhe", g->curves);
}

static int set_sigalgs(struct tls_ctx_group *g, SSL_CTX *ctx, const struct tls_report *report)
{
	const struct tls_options *o = &g->opt;
	if (o->sigalgs && !SSL_CTX_set1_sigalgs_list(ctx, o->sigalgs))
		return refuse(report, "sigalgs", o->sigalgs);
	if (o->client_sigalgs && !SSL_CTX_set1_client_sigalgs_list(ctx, o->client_sigalgs))
		return refuse(report, "client-sigalgs", o->client_sigalgs);
	return 0;
}

static int set_dh(struct tls_ctx_group *g, SSL_CTX *ctx)
{
	EVP_PKEY *dh = g->bind->dh;
	if (!dh)
		return 0;
	if (!EVP_PKEY_up_ref(dh))
		return -ENOMEM;
	if (SSL_CTX_set0_tmp_dh_pkey(ctx, dh))
		return 0;
	EVP_PKEY_free(dh);
	return -EINVAL;
}

static int set_alpn(struct tls_ctx_group *g)
{
	const char *list = g->opt.alpn;
	if (!list)
		list = g->bind->conf.http && !g->opt.npn ? TLS_ALPN_HTTP : "";
	int n = *list ? tls_alpn_encode(slice_str(list), g->alpn, sizeof(g->alpn)) : 0;
	g->alpn_len = n > 0 ? (unsigned)n : 0;
	return n < 0 ? n : 0;
}

/* ---- a context ---- */

static int setup_transport(struct tls_ctx_group *g, SSL_CTX *ctx, const struct tls_report *report)
{
	const struct tls_options *o = &g->opt;
	struct tls_server_setup setup = g->bind->conf.server;
	struct strbuf scope = STRBUF_INIT;
	if (g->verify_mode != SSL_VERIFY_NONE) {
		/* whose CAs or CRLs change does not resume what the former ones let in */
		const struct group_ca *all[] = { &g->ca, &g->ca_verify, &g->crl };
		strbuf_addf(&scope, "%d", (int)o->verify);
		strbuf_add(
		    &scope, (const char *)&g->bind->conf.ignore, sizeof(g->bind->conf.ignore));
		for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
			if (all[i]->ca)
				strbuf_add(&scope, all[i]->ca->digest, sizeof(all[i]->ca->digest));
	}
	setup.session_scope = strbuf_slice(&scope);
	setup.early_data = o->allow_0rtt;
	if (g->bind->conf.no_tickets)
		setup.tickets = NULL;
	int err = scope.failed ? -ENOMEM : tls_server_setup(ctx, &setup);
	strbuf_done(&scope);
	if (err)
		tls_say(report, DIAG_ERROR, "cannot set up a TLS context: %s", strerror(-err));
	return err;
}

static void set_policy(const struct tls_bind *b, SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_SSLv3);
	if (!b->conf.prefer_client_ciphers)
		SSL_CTX_set_options(
		    ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	if (b->conf.no_tickets)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	if (b->store->conf.security_level >= 0)
		SSL_CTX_set_security_level(ctx, b->store->conf.security_level);
}

int tls_ctx_make(struct tls_ctx_group *g, const struct tls_report *report, SSL_CTX **ret)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int err = ctx ? 0 : -ENOMEM;
	ERR_clear_error();
	if (err == 0) {
		set_policy(g->bind, ctx);
		err = set_versions(g, ctx, report);
	}
	if (err == 0)
		err = set_ciphers(g, ctx, report);
	if (err == 0)
		err = set_curves(g, ctx, report);
	if (err == 0)
		err = set_sigalgs(g, ctx, report);
	if (err == 0)
		err = set_dh(g, ctx);
	if (err == 0)
		err = tls_ctx_verify(g, ctx, report);
	if (err == 0)
		err = set_alpn(g);
	if (err == 0)
		err = tls_ctx_callbacks(g, ctx);
	if (err == 0)
		err = setup_transport(g, ctx, report);
	if (err == 0) {
		uint32_t max = g->bind->conf.early_data_max;
		/* without the cache nothing would tell a replay */
		if (g->opt.allow_0rtt && g->bind->conf.server.cache)
			SSL_CTX_set_max_early_data(ctx, max ? max : 16384);
		*ret = ctx;
		return 0;
	}
	SSL_CTX_free(ctx);
	return err;
}

/* ---- groups ---- */

void tls_group_free(struct tls_ctx_group *g)
{
	if (!g)
		return;
	list_del(&g->link);
	tls_ca_del_user(&g->ca.user);
	tls_ca_del_user(&g->ca_verify.user);
	tls_ca_del_user(&g->crl.user);
	SSL_CTX_free(atomic_load(&g->ctx));
	arena_reset(&g->arena);
	free(g->key);
	free(g);
}

static void free_ctx(void *arg)
{
	SSL_CTX_free(arg);
}

/* What the group was made of has changed: connections from now on use a new context. */
static int ca_changed(struct tls_ca_user *user, struct worker *w)
{
	struct tls_ctx_group *g = container_of(user, struct group_ca, user)->group;
	SSL_CTX *made;
	int err = tls_ctx_make(g, &g->bind->store->log, &made);
	if (err)
		return err;
	SSL_CTX *old = atomic_exchange(&g->ctx, made);
	tls_retire(w, free_ctx, old);
	return 0;
}

static int use_ca(struct tls_ctx_group *g, struct group_ca *slot, enum tls_ca_kind kind,
    const char *name, const struct tls_report *report)
{
	if (!name)
		return 0;
	int err = tls_ca_get(g->bind->store, kind, name, &slot->ca, report);
	if (err == 0)
		tls_ca_add_user(slot->ca, &slot->user);
	return err;
}

static struct tls_ctx_group *group_new(struct tls_bind *b, const struct tls_options *opt)
{
	struct tls_ctx_group *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	arena_init(&g->arena, 512);
	list_init(&g->link);
	struct group_ca *cas[] = { &g->ca, &g->ca_verify, &g->crl };
	for (unsigned i = 0; i < ARRAY_SIZE(cas); i++) {
		list_init(&cas[i]->user.link);
		cas[i]->user.changed = ca_changed;
		cas[i]->group = g;
	}
	g->bind = b;
	if (tls_options_copy(&g->opt, opt, &g->arena) == 0)
		return g;
	tls_group_free(g);
	return NULL;
}

struct tls_ctx_group *tls_group_get(
    struct tls_bind *b, const struct tls_options *line, const struct tls_report *report)
{
	struct tls_options opt = *line;
	tls_options_inherit(&opt, &b->conf.opt);
	struct strbuf key = STRBUF_INIT;
	tls_options_text(&opt, &key);
	if (!key.ptr)
		strbuf_adds(&key, "");
	list_for_each_entry (g, &b->groups, struct tls_ctx_group, link) {
		if (strcmp(g->key, strbuf_str(&key)) == 0) {
			strbuf_done(&key);
			return g;
		}
	}
	struct tls_ctx_group *g = group_new(b, &opt);
	SSL_CTX *ctx = NULL;
	int err = g ? 0 : -ENOMEM;
	if (err == 0) {
		g->key = strdup(strbuf_str(&key));
		err = g->key ? 0 : -ENOMEM;
	}
	strbuf_done(&key);
	if (err == 0)
		err = use_ca(g, &g->ca, TLS_CA_CERTS, opt.ca_file, report);
	if (err == 0)
		err = use_ca(g, &g->ca_verify, TLS_CA_CERTS, opt.ca_verify_file, report);
	if (err == 0)
		err = use_ca(g, &g->crl, TLS_CA_CRLS, opt.crl_file, report);
	if (err == 0)
		err = tls_ctx_make(g, report, &ctx);
	if (err) {
		tls_group_free(g);
		return NULL;
	}
	atomic_init(&g->ctx, ctx);
	list_add_tail(&b->groups, &g->link);
	atomic_fetch_add(&b->groups_n, 1);
	return g;
}
