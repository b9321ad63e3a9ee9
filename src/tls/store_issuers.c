/* SPDX-License-Identifier: MIT */
/*
 * "issuers-chain-path": a directory of chains that complete certificates which came without. A chain is found by the
 * subject of its first certificate, which must be the issuer of the one to complete. Read at start, unchanged after.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/x509v3.h>

#include "store_int.h"

struct issuer_chain {
	struct htab_node node;
	struct slice subject; /* in the first link */
	struct tls_link *links[TLS_CHAIN_MAX];
	unsigned n;
};

static void chain_free(struct tls_store *s, struct issuer_chain *c)
{
	while (c->n)
		tls_link_put(s, c->links[--c->n]);
	free(c);
}

/* Takes over the parts' leaf and chain. */
static int chain_add(struct tls_store *s, struct tls_parts *p)
{
	struct issuer_chain *c = calloc(1, sizeof(*c));
	struct der_cert cert;
	struct tls_link *first = tls_link_get(s, p->leaf.ptr, p->leaf.len);
	if (!c || !first || der_cert_parse(slice_make((char *)first->der, first->len), &cert) < 0) {
		tls_link_put(s, first);
		free(c);
		return -ENOMEM;
	}
	c->subject = cert.subject;
	c->links[c->n++] = first;
	for (unsigned i = 0; i < p->chain_n && c->n < TLS_CHAIN_MAX; i++)
		c->links[c->n++] = tls_link_ref(s, p->chain[i]);
	if (htab_insert(&s->issuers, &c->node, hash_slice(c->subject)) < 0) {
		chain_free(s, c);
		return -ENOMEM;
	}
	return 0;
}

static int load_chain(
    struct tls_store *s, const char *dir, const char *name, const struct tls_report *report)
{
	char *path, *text;
	size_t len;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	int err = tls_read_file(path, &text, &len);
	if (err == -EISDIR) {
		free(path);
		return 0;
	}
	if (err < 0) {
		tls_say(report, DIAG_ERROR, "issuers-chain-path: cannot read '%s': %s", path,
		    strerror(-err));
		free(path);
		return err;
	}
	struct tls_parts parts = { 0 };
	err = tls_parts_pem(s, &parts, slice_make(text, len), path, TLS_PEM_CERTS, report);
	if (err == 0)
		err = chain_add(s, &parts);
	tls_parts_done(s, &parts);
	free(text);
	free(path);
	return err;
}

int tls_issuers_load(struct tls_store *s, const struct tls_report *report)
{
	const char *dir = s->conf.issuers_chain_path;
	if (!dir)
		return 0;
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	if (n < 0) {
		int err = -errno;
		tls_say(report, DIAG_ERROR, "issuers-chain-path: cannot read '%s': %s", dir,
		    strerror(-err));
		return err;
	}
	int err = 0;
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && err == 0)
			err = load_chain(s, dir, names[i]->d_name, report);
		free(names[i]);
	}
	free(names);
	return err;
}

void tls_issuers_free(struct tls_store *s)
{
	for (size_t i = 0; s->issuers.buckets && i <= s->issuers.mask; i++)
		for (struct htab_node *n = s->issuers.buckets[i], *next; n; n = next) {
			next = n->next;
			chain_free(s, container_of(n, struct issuer_chain, node));
		}
	htab_done(&s->issuers);
}

/* CAs that renewed their key under the same name: the signature's key identifier tells. */
static bool is_issuer(struct issuer_chain *c, const struct tls_parts *p)
{
	const unsigned char *at = p->leaf.ptr;
	X509 *leaf = d2i_X509(NULL, &at, (long)p->leaf.len);
	X509 *ca = tls_link_x509(c->links[0]);
	bool is = leaf && ca && X509_check_issued(ca, leaf) == X509_V_OK;
	X509_free(leaf);
	return is;
}

static struct issuer_chain *find_chain(struct tls_store *s, const struct tls_parts *p)
{
	struct der_cert cert;
	if (!s->issuers.count ||
	    der_cert_parse(slice_make((char *)p->leaf.ptr, p->leaf.len), &cert) < 0 ||
	    slice_eq(cert.issuer, cert.subject))
		return NULL;
	struct htab_node *n = htab_first(&s->issuers, hash_slice(cert.issuer));
	struct issuer_chain *found = NULL;
	unsigned candidates = 0;
	for (; n; n = htab_next(n)) {
		struct issuer_chain *c = container_of(n, struct issuer_chain, node);
		if (!slice_eq(c->subject, cert.issuer))
			continue;
		if (candidates++ == 0 || is_issuer(c, p))
			found = c;
	}
	return found;
}

void tls_issuers_complete(struct tls_store *s, struct tls_parts *p)
{
	struct issuer_chain *c = p->chain_n ? NULL : find_chain(s, p);
	for (unsigned i = 0; c && i < c->n; i++)
		p->chain[p->chain_n++] = tls_link_ref(s, c->links[i]);
}

/* Whether a link's subject is the name. */
static bool has_subject(const struct tls_link *l, struct slice name)
{
	struct der_cert c;
	return der_cert_parse(slice_make((char *)l->der, l->len), &c) == 0 &&
	       slice_eq(c.subject, name);
}

X509 *tls_parts_issuer(struct tls_store *s, const struct tls_parts *p)
{
	struct der_cert leaf;
	if (p->issuer)
		return tls_link_x509(p->issuer);
	if (!p->leaf.ptr || der_cert_parse(slice_make((char *)p->leaf.ptr, p->leaf.len), &leaf) < 0)
		return NULL;
	for (unsigned i = 0; i < p->chain_n; i++)
		if (has_subject(p->chain[i], leaf.issuer))
			return tls_link_x509(p->chain[i]);
	struct issuer_chain *c = find_chain(s, p);
	return c ? tls_link_x509(c->links[0]) : NULL;
}
