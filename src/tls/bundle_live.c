/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL's objects of a certificate, made at the first handshake that wants them, and the links that chains share.
 * Several workers may make them at once: one wins, the others' go. The X509 of the leaf carries a reference to its
 * struct tls_cert, so that callbacks find it from a connection and it lives as long as the last one.
 */
#include <errno.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "private_key.h"
#include "store_int.h"

/* ---- from X509 to certificate ---- */

/* Index of the reference in an X509's ex_data; process-wide by OpenSSL's design. */
static int cert_index = -1;
static pthread_once_t cert_index_once = PTHREAD_ONCE_INIT;

static void drop_reference(
    void *parent, void *ptr, CRYPTO_EX_DATA *data, int idx, long argl, void *argp)
{
	tls_cert_unref(ptr);
}

static void make_index(void)
{
	cert_index = X509_get_ex_new_index(0, NULL, NULL, NULL, drop_reference);
}

struct tls_cert *tls_cert_of(const X509 *x509)
{
	pthread_once(&cert_index_once, make_index);
	return x509 ? X509_get_ex_data(x509, cert_index) : NULL;
}

/* ---- links of chains ---- */

static struct tls_link *link_find(
    struct tls_store *s, uint64_t hash, const uint8_t *der, size_t len)
{
	struct htab_node *n = htab_first(&s->links, hash);
	for (; n; n = htab_next(n)) {
		struct tls_link *l = container_of(n, struct tls_link, node);
		if (l->len == len && memcmp(l->der, der, len) == 0)
			return l;
	}
	return NULL;
}

struct tls_link *tls_link_get(struct tls_store *s, const uint8_t *der, size_t len)
{
	uint64_t hash = hash_bytes(der, len);
	pthread_mutex_lock(&s->intern_lock);
	struct tls_link *l = link_find(s, hash, der, len);
	if (!l) {
		l = malloc(sizeof(*l) + len);
		if (l) {
			*l = (struct tls_link){ .len = len };
			memcpy(l->der, der, len);
			if (htab_insert(&s->links, &l->node, hash) < 0) {
				free(l);
				l = NULL;
			}
		}
	}
	if (l)
		l->refs++;
	pthread_mutex_unlock(&s->intern_lock);
	return l;
}

struct tls_link *tls_link_ref(struct tls_store *s, struct tls_link *l)
{
	pthread_mutex_lock(&s->intern_lock);
	l->refs++;
	pthread_mutex_unlock(&s->intern_lock);
	return l;
}

void tls_link_put(struct tls_store *s, struct tls_link *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&s->intern_lock);
	bool last = --l->refs == 0;
	if (last)
		htab_remove(&s->links, &l->node);
	pthread_mutex_unlock(&s->intern_lock);
	if (last) {
		X509_free(atomic_load(&l->x509));
		free(l);
	}
}

X509 *tls_link_x509(struct tls_link *l)
{
	X509 *x = atomic_load_explicit(&l->x509, memory_order_acquire);
	if (x)
		return x;
	const unsigned char *at = l->der;
	X509 *made = d2i_X509(NULL, &at, (long)l->len);
	if (!made)
		return NULL;
	if (atomic_compare_exchange_strong(&l->x509, &x, made))
		return made;
	X509_free(made);
	return x;
}

/* ---- the objects ---- */

static void live_free(struct tls_live *live)
{
	if (!live)
		return;
	sk_X509_pop_free(live->chain, X509_free);
	EVP_PKEY_free(live->key);
	X509_free(live->leaf); /* may free the certificate */
	free(live);
}

static STACK_OF(X509) * make_chain(struct tls_cert *c)
{
	STACK_OF(X509) *chain = sk_X509_new_reserve(NULL, (int)c->parts.chain_n);
	for (unsigned i = 0; chain && i < c->parts.chain_n; i++) {
		X509 *x = tls_link_x509(c->parts.chain[i]);
		if (!x || !X509_up_ref(x) || !sk_X509_push(chain, x)) {
			sk_X509_pop_free(chain, X509_free);
			return NULL;
		}
	}
	/* ssl-skip-self-issued-ca: the root alone is of no use to a client, which must have it */
	if (chain && c->store->conf.skip_self_issued_ca && sk_X509_num(chain) == 1) {
		X509 *only = sk_X509_value(chain, 0);
		if (X509_get_extension_flags(only) & EXFLAG_SS)
			X509_free(sk_X509_pop(chain));
	}
	return chain;
}

/* Never NULL but without memory; leaf NULL: unusable. */
static struct tls_live *live_make(struct tls_cert *c)
{
	struct tls_live *live = calloc(1, sizeof(*live));
	if (!live)
		return NULL;
	const unsigned char *at = c->parts.leaf.ptr;
	X509 *leaf = d2i_X509(NULL, &at, (long)c->parts.leaf.len);
	live->key = tls_private_key(slice_make((const char *)c->parts.key.ptr, c->parts.key.len));
	live->chain = make_chain(c);
	if (leaf && live->key && live->chain && X509_check_private_key(leaf, live->key) == 1) {
		X509_check_purpose(leaf, -1, 0); /* fills its caches while nobody else has it */
		live->leaf = leaf;
		return live;
	}
	tls_say(&c->store->log, DIAG_ERROR, "the certificate '%s' cannot be used: %s", c->name,
	    tls_openssl_error());
	X509_free(leaf);
	return live;
}

const struct tls_live *tls_cert_live(struct tls_cert *c)
{
	struct tls_live *live = atomic_load_explicit(&c->live, memory_order_acquire);
	if (unlikely(!live)) {
		struct tls_live *made = live_make(c);
		if (!made)
			return NULL;
		pthread_once(&cert_index_once, make_index);
		if (made->leaf && X509_set_ex_data(made->leaf, cert_index, c))
			tls_cert_ref(c);
		if (atomic_compare_exchange_strong(&c->live, &live, made))
			live = made;
		else
			live_free(made);
	}
	return live->leaf ? live : NULL;
}

struct tls_cert *tls_cert_ref(struct tls_cert *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void tls_cert_unref(struct tls_cert *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(atomic_load(&c->staple));
	free(c->parts.sctl.ptr);
	free(c->names);
	free(c->name);
	free(c);
}

void tls_cert_close(struct tls_cert *c)
{
	if (!c)
		return;
	struct tls_live *live = atomic_exchange(&c->live, NULL);
	/* SCTs are what a handshake under way may still ask for */
	struct tls_blob sctl = c->parts.sctl;
	c->parts.sctl = (struct tls_blob){ 0 };
	tls_parts_done(c->store, &c->parts);
	c->parts.sctl = sctl;
	live_free(live);
	tls_cert_unref(c);
}

int tls_cert_apply(struct tls_cert *c, SSL *ssl, bool replace)
{
	const struct tls_live *live = tls_cert_live(c);
	if (!live)
		return -EINVAL;
	if (SSL_use_cert_and_key(ssl, live->leaf, live->key, live->chain, replace) != 1)
		return -EINVAL;
	return 0;
}
