/* SPDX-License-Identifier: MIT */
/*
 * From the words of a server's line to the context of its TLS connections. The certificate and the authorities are of
 * the store, which other servers share: a new certificate is taken up at the next handshake, and new authorities make
 * a new context, which is swapped in while workers go on with the old one.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "server_options.h"
#include "upstream_internal.h"
#include "weir/base/arena.h"
#include "weir/tls/client.h"

#define ERROR_TEXT 256

/* What a client was made of; in the configuration's arena. */
struct server_tls_files {
	struct server *server;
	struct tls_slot *crt;
	struct tls_ca *ca, *crl;
	struct tls_ca_user ca_user, crl_user;
};

/* Numbers contexts, so that a connection of one is never taken for another's; of the process, hence file-static. */
static _Atomic uint64_t last_serial;

/* ---- making a context ---- */

/* The versions that are left, as OpenSSL takes them. False: none. */
static bool set_versions(const struct server_tls_words *w, struct tls_client_conf *c)
{
	static const uint64_t no[] = { SSL_OP_NO_SSLv3, SSL_OP_NO_TLSv1, SSL_OP_NO_TLSv1_1,
		SSL_OP_NO_TLSv1_2, SSL_OP_NO_TLSv1_3 };
	int low = w->opt.min_ver ? (int)w->opt.min_ver : TLS1_2_VERSION;
	int high = w->opt.max_ver ? (int)w->opt.max_ver : TLS1_3_VERSION;
	bool any = false;
	if (!w->opt.min_ver && high < low)
		low = high;
	for (int v = SSL3_VERSION; v <= TLS1_3_VERSION; v++) {
		bool excluded = w->no_versions >> (v & 0xff) & 1;
		any |= v >= low && v <= high && !excluded && v != SSL3_VERSION;
		if (excluded)
			c->ssl_options |= no[v & 0xff];
	}
	c->min_version = low;
	c->max_version = high;
	return any;
}

/* Authorities and revocations as OpenSSL wants them. NULL: no memory. */
static X509_STORE *make_roots(const struct server_tls_files *f)
{
	X509_STORE *roots = X509_STORE_new();
	if (!roots)
		return NULL;
	if ((f->ca && tls_ca_fill(f->ca, roots) < 0) ||
	    (f->crl && tls_ca_fill(f->crl, roots) < 0)) {
		X509_STORE_free(roots);
		return NULL;
	}
	if (f->crl)
		X509_STORE_set_flags(roots, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return roots;
}

/* The server asks for a certificate: the store's present one. */
static int on_certificate(SSL *ssl, void *slot)
{
	return tls_slot_apply(slot, ssl) == 0;
}

/* NULL with a text in err. */
static struct tls_client *make_client(const struct server *s, char *err, size_t err_size)
{
	const struct server_tls *t = &s->tls;
	const struct server_tls_files *f = t->files;
	const struct tls_options *o = &t->words.opt;
	struct tls_client_conf c = {
		.verify = o->verify == TLS_VERIFY_REQUIRED,
		.ca_file = f->ca ? NULL : o->ca_file,
		.crl_file = f->ca || f->crl ? NULL : o->crl_file,
		.verifyhost = t->verifyhost,
		.crt = f->crt ? NULL : t->crt,
		.ciphers = o->ciphers,
		.ciphersuites = o->ciphersuites,
		.curves = o->curves,
		.sigalgs = o->sigalgs,
		.client_sigalgs = o->client_sigalgs,
		.no_ssl_reuse = t->no_reuse,
		.no_tls_tickets = t->words.tickets < 0,
		.keylog = t->env->keylog,
	};
	if (t->words.renegotiation < 0)
		c.ssl_options |= SSL_OP_NO_RENEGOTIATION;
	if (!set_versions(&t->words, &c)) {
		snprintf(err, err_size, "no version of TLS is left to speak");
		return NULL;
	}
	if (f->ca && !(c.ca = make_roots(f))) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	struct tls_client *client = tls_client_new(&c, err, err_size);
	X509_STORE_free(c.ca);
	if (client && f->crt)
		SSL_CTX_set_cert_cb(tls_client_ctx(client), on_certificate, f->crt);
	return client;
}

static void publish(struct server_tls *t, struct tls_client *client)
{
	atomic_store(&t->serial, atomic_fetch_add(&last_serial, 1) + 1);
	atomic_store_explicit(&t->client, client, memory_order_release);
}

static void unref_client(void *client)
{
	tls_client_unref(client);
}

static void drop_client(struct worker *w, struct tls_client *client)
{
	if (client && w)
		worker_retire(w, unref_client, client);
	else
		tls_client_unref(client);
}

/* An authority's file or a list of revocations was changed by a command. */
static int renew_client(struct server *s, struct worker *w)
{
	char err[ERROR_TEXT];
	struct tls_client *old = atomic_load(&s->tls.client);
	struct tls_client *client = old ? make_client(s, err, sizeof(err)) : NULL;
	if (!client)
		return old ? -EINVAL : 0;
	publish(&s->tls, client);
	drop_client(w, old);
	return 0;
}

static int ca_changed(struct tls_ca_user *user, struct worker *w)
{
	return renew_client(container_of(user, struct server_tls_files, ca_user)->server, w);
}

static int crl_changed(struct tls_ca_user *user, struct worker *w)
{
	return renew_client(container_of(user, struct server_tls_files, crl_user)->server, w);
}

/* ---- when all is read ---- */

struct complaint {
	struct conf *conf;
	const struct server *server;
};

static void complain(const struct complaint *c, enum diag_level level, const char *text)
{
	const struct server *s = c->server;
	diag_add(conf_diag(c->conf), level,
	    (struct conf_pos){ .file = s->pos.file, .line = s->pos.line }, "server '%s%s%s': %s",
	    s->be ? s->be->name : "", s->be ? "/" : "", s->name, text);
}

static void say(void *arg, enum diag_level level, const char *text)
{
	complain(arg, level, text);
}

/* What the line does not say is as the global section has it; of two bounds that cross, the line's counts. */
static void inherit(struct server_tls_words *w, const struct server_tls_env *env)
{
	const struct server_tls_words *d = &env->words;
	struct tls_options *o = &w->opt;
	bool own_min = o->min_ver != TLS_VER_UNSET, own_max = o->max_ver != TLS_VER_UNSET;
	if (!own_min && !own_max)
		w->no_versions |= d->no_versions;
	tls_options_inherit(o, &d->opt);
	if (o->max_ver && o->min_ver > o->max_ver && own_min != own_max)
		*(own_min ? &o->max_ver : &o->min_ver) = own_min ? o->min_ver : o->max_ver;
	if (!w->tickets)
		w->tickets = d->tickets;
	if (!w->renegotiation)
		w->renegotiation = d->renegotiation;
	if (w->opt.verify == TLS_VERIFY_UNSET)
		w->opt.verify = env->verify_none ? TLS_VERIFY_NONE : TLS_VERIFY_REQUIRED;
}

/* What the line's words mean together. False: refused, told. */
static bool check_words(const struct complaint *c, struct server_tls *t)
{
	struct tls_options *o = &t->words.opt;
	if (t->words.no_versions && (o->min_ver || o->max_ver)) {
		t->words.no_versions = 0;
		complain(c, DIAG_WARNING,
		    "'no-sslv3' and 'no-tlsv1x' are ignored, 'ssl-min-ver' and 'ssl-max-ver' "
		    "count");
	}
	if (o->verify != TLS_VERIFY_REQUIRED || o->ca_file)
		return true;
	complain(c, DIAG_ERROR,
	    "its certificate is to be verified, but there is no 'ca-file' to do it with: name one "
	    "('@system-ca' for the authorities of this system), or say 'verify none' on the line "
	    "or "
	    "'ssl-server-verify none' in the global section");
	return false;
}

/* Certificate and authorities from the store; where there is none the client reads them itself. */
static int get_files(struct complaint *c, struct server_tls *t)
{
	struct server_tls_files *f = t->files;
	const struct tls_options *o = &t->words.opt;
	const struct tls_report report = { .say = say, .arg = c };
	int r = 0;
	if (!t->env->open_store || (!t->crt && !o->ca_file && !o->crl_file))
		return 0;
	struct tls_store *store = t->env->open_store(t->env->source);
	if (!store)
		return -EINVAL;
	if (t->crt) {
		r = tls_store_get(store, t->crt, &f->crt, &report);
		if (r == 0)
			tls_slot_hold(f->crt);
	}
	if (o->ca_file && r == 0)
		r = tls_ca_get(store, TLS_CA_CERTS, o->ca_file, &f->ca, &report);
	if (o->crl_file && r == 0)
		r = tls_ca_get(store, TLS_CA_CRLS, o->crl_file, &f->crl, &report);
	return r;
}

static void watch_files(struct server_tls_files *f)
{
	f->ca_user.changed = ca_changed;
	f->crl_user.changed = crl_changed;
	if (f->ca)
		tls_ca_add_user(f->ca, &f->ca_user);
	if (f->crl)
		tls_ca_add_user(f->crl, &f->crl_user);
}

int server_tls_finish(
    struct conf *conf, struct server *s, const struct server_tls_env *env, bool checks)
{
	static const struct server_tls_env none;
	struct server_tls *t = &s->tls;
	struct complaint c = { .conf = conf, .server = s };
	char err[ERROR_TEXT];
	if (!t->prepared && !checks)
		return 0;
	t->env = env ? env : &none;
	t->files = arena_new(conf_arena(conf), struct server_tls_files);
	if (!t->files)
		return -1;
	t->files->server = s;
	inherit(&t->words, t->env);
	if (!check_words(&c, t) || get_files(&c, t) < 0)
		return -1;
	struct tls_client *client = make_client(s, err, sizeof(err));
	if (!client) {
		complain(&c, DIAG_ERROR, err);
		return -1;
	}
	publish(t, client);
	watch_files(t->files);
	return 0;
}

void server_tls_done(struct worker *w, struct server *s)
{
	struct server_tls_files *f = s->tls.files;
	if (!f)
		return;
	if (f->ca_user.changed && f->ca)
		tls_ca_del_user(&f->ca_user);
	if (f->crl_user.changed && f->crl)
		tls_ca_del_user(&f->crl_user);
	if (f->crt)
		tls_slot_release(f->crt);
	drop_client(w, atomic_exchange(&s->tls.client, NULL));
	s->tls.files = NULL;
}
