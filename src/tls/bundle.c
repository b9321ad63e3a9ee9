/* SPDX-License-Identifier: MIT */
/*
 * From what files say to a certificate: PEM blocks are collected in struct tls_parts, tls_cert_new() checks that they
 * belong together and freezes them. No OpenSSL object is made here but for encrypted keys and DH parameters. Runs on
 * the loading threads and, for payloads of admin commands, on a worker.
 */
#include <errno.h>
#include <openssl/pem.h>

#include "bundle_pass.h"
#include "private_key.h"
#include "store_int.h"

int tls_blob_set(struct tls_blob *b, const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, len);
	free(b->ptr);
	*b = (struct tls_blob){ .ptr = copy, .len = len };
	return 0;
}

static void free_key(struct tls_blob *b)
{
	if (b->ptr)
		OPENSSL_cleanse(b->ptr, b->len);
	free(b->ptr);
	*b = (struct tls_blob){ 0 };
}

static void drop_chain(struct tls_store *s, struct tls_parts *p)
{
	while (p->chain_n)
		tls_link_put(s, p->chain[--p->chain_n]);
}

void tls_parts_done(struct tls_store *s, struct tls_parts *p)
{
	drop_chain(s, p);
	tls_link_put(s, p->issuer);
	EVP_PKEY_free(p->dh);
	free_key(&p->key);
	free(p->leaf.ptr);
	free(p->ocsp.ptr);
	free(p->sctl.ptr);
	*p = (struct tls_parts){ 0 };
}

int tls_parts_copy(struct tls_store *s, struct tls_parts *to, const struct tls_parts *from)
{
	*to = (struct tls_parts){ .ocsp_file = from->ocsp_file, .ocsp_next = from->ocsp_next };
	if ((from->leaf.ptr && tls_blob_set(&to->leaf, from->leaf.ptr, from->leaf.len) < 0) ||
	    (from->key.ptr && tls_blob_set(&to->key, from->key.ptr, from->key.len) < 0) ||
	    (from->ocsp.ptr && tls_blob_set(&to->ocsp, from->ocsp.ptr, from->ocsp.len) < 0) ||
	    (from->sctl.ptr && tls_blob_set(&to->sctl, from->sctl.ptr, from->sctl.len) < 0)) {
		tls_parts_done(s, to);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < from->chain_n; i++)
		to->chain[to->chain_n++] = tls_link_ref(s, from->chain[i]);
	if (from->issuer)
		to->issuer = tls_link_ref(s, from->issuer);
	if (from->dh && EVP_PKEY_up_ref(from->dh))
		to->dh = from->dh;
	return 0;
}

/* ---- PEM blocks ---- */

/* What a reading of one PEM text needs in its steps. */
struct pem_reading {
	struct tls_store *store;
	struct tls_parts *parts;
	const char *file;
	unsigned what;
	bool has_leaf; /* the first certificate of this text was seen */
	bool has_key;
	uint8_t *scratch; /* as long as the text */
	const struct tls_report *report;
};

static int bad_block(const struct pem_reading *r, const char *what)
{
	tls_say(r->report, DIAG_ERROR, "'%s' holds %s that cannot be read", r->file, what);
	return -EINVAL;
}

static int take_certificate(struct pem_reading *r, const struct pem_block *b)
{
	struct tls_parts *p = r->parts;
	struct der_cert c;
	size_t len;
	if (base64_read(b->body, r->scratch, &len) < 0 ||
	    der_cert_parse(slice_make((char *)r->scratch, len), &c) < 0)
		return bad_block(r, "a certificate");
	len = c.len; /* a "TRUSTED CERTIFICATE" has more behind it */
	if (r->what & TLS_PEM_ISSUER) {
		if (r->has_leaf)
			return 0;
		r->has_leaf = true;
		tls_link_put(r->store, p->issuer);
		p->issuer = tls_link_get(r->store, r->scratch, len);
		return p->issuer ? 0 : -ENOMEM;
	}
	if (!r->has_leaf) {
		r->has_leaf = true;
		drop_chain(r->store, p);
		return tls_blob_set(&p->leaf, r->scratch, len);
	}
	if (p->chain_n == TLS_CHAIN_MAX) {
		tls_say(r->report, DIAG_ERROR, "'%s' has a chain of more than %d certificates",
		    r->file, TLS_CHAIN_MAX);
		return -E2BIG;
	}
	struct tls_link *l = tls_link_get(r->store, r->scratch, len);
	if (!l)
		return -ENOMEM;
	p->chain[p->chain_n++] = l;
	return 0;
}

static bool is_key_label(struct slice label)
{
	return slice_eq(label, SLICE("PRIVATE KEY")) || slice_eq(label, SLICE("RSA PRIVATE KEY")) ||
	       slice_eq(label, SLICE("EC PRIVATE KEY")) ||
	       slice_eq(label, SLICE("DSA PRIVATE KEY"));
}

static int take_key(struct pem_reading *r, const struct pem_block *b)
{
	struct tls_blob *key = &r->parts->key;
	bool encrypted = slice_eq(b->label, SLICE("ENCRYPTED PRIVATE KEY")) ||
			 slice_search(b->headers, SLICE("ENCRYPTED")) < b->headers.len;
	if (r->has_key)
		return 0; /* the first one holds */
	r->has_key = true;
	if (encrypted) {
		struct tls_blob plain;
		int err = tls_pass_decrypt(r->store, b->whole, r->file, &plain, r->report);
		if (err < 0)
			return err;
		free_key(key);
		*key = plain;
		return 0;
	}
	size_t len;
	if (base64_read(b->body, r->scratch, &len) < 0 || len == 0)
		return bad_block(r, "a private key");
	free_key(key);
	int err = tls_blob_set(key, r->scratch, len);
	OPENSSL_cleanse(r->scratch, len);
	return err;
}

static int take_block(struct pem_reading *r, const struct pem_block *b)
{
	if (pem_is_certificate(b->label))
		return r->what & (TLS_PEM_CERTS | TLS_PEM_ISSUER) ? take_certificate(r, b) : 0;
	if (is_key_label(b->label) || slice_eq(b->label, SLICE("ENCRYPTED PRIVATE KEY")))
		return r->what & TLS_PEM_KEY ? take_key(r, b) : 0;
	if (slice_eq(b->label, SLICE("DH PARAMETERS")) && r->what & TLS_PEM_DH) {
		EVP_PKEY *dh = tls_dh_read_pem(b->whole);
		if (!dh)
			return bad_block(r, "DH parameters");
		EVP_PKEY_free(r->parts->dh);
		r->parts->dh = dh;
	}
	return 0;
}

int tls_parts_pem(struct tls_store *s, struct tls_parts *p, struct slice text, const char *file,
    unsigned what, const struct tls_report *report)
{
	struct pem_reading r = {
		.store = s, .parts = p, .file = file, .what = what, .report = report
	};
	struct pem_block b;
	r.scratch = malloc(text.len + 4);
	if (!r.scratch)
		return -ENOMEM;
	int more = 0, err = 0;
	while (err == 0 && (more = pem_next(&text, &b)) > 0)
		err = take_block(&r, &b);
	free(r.scratch);
	if (err == 0 && more < 0)
		err = bad_block(&r, "a PEM block");
	if (err == 0 && !r.has_leaf && what & (TLS_PEM_CERTS | TLS_PEM_ISSUER)) {
		tls_say(report, DIAG_ERROR, "there is no certificate in '%s'", file);
		err = -ENOENT;
	}
	return err;
}

/* ---- freezing ---- */

static bool has_name(const struct strbuf *b, struct slice name)
{
	for (const char *at = b->ptr; at && at < b->ptr + b->len; at += strlen(at) + 1)
		if (slice_ieq(slice_str(at), name))
			return true;
	return false;
}

struct name_list {
	struct strbuf text;
	unsigned n;
};

static int add_name(void *arg, struct slice name)
{
	struct name_list *l = arg;
	/* quadratic, so what has very many names may name some twice; looking up bears that */
	if (l->n < 256 && has_name(&l->text, name))
		return 0;
	for (size_t i = 0; i < name.len; i++)
		strbuf_addc(&l->text, ascii_lower(name.ptr[i]));
	strbuf_addc(&l->text, '\0');
	l->n++;
	return l->text.failed ? -ENOMEM : 0;
}

/* When the walk over DER cannot tell: OpenSSL does. */
static bool key_fits(const struct tls_parts *p)
{
	const unsigned char *at = p->leaf.ptr;
	X509 *x = d2i_X509(NULL, &at, (long)p->leaf.len);
	EVP_PKEY *key = tls_private_key(slice_make((const char *)p->key.ptr, p->key.len));
	bool fits = x && key && X509_check_private_key(x, key) == 1;
	X509_free(x);
	EVP_PKEY_free(key);
	return fits;
}

static int check_parts(const char *name, const struct tls_parts *p, const struct der_cert *c,
    const struct tls_report *report)
{
	struct slice key = slice_make((char *)p->key.ptr, p->key.len);
	if (!p->key.ptr) {
		tls_say(report, DIAG_ERROR, "there is no private key for '%s'", name);
		return -ENOENT;
	}
	int fits = der_key_matches(c, key);
	if (fits < 0)
		fits = key_fits(p);
	if (!fits) {
		tls_openssl_error();
		tls_say(report, DIAG_ERROR,
		    "the private key of '%s' does not belong to its certificate", name);
		return -EINVAL;
	}
	if (c->type == TLS_KEY_RSA && c->spki_bits.len < 2048 / 8)
		tls_say(report, DIAG_WARNING,
		    "the RSA key of '%s' is shorter than 2048 bits: handshakes refuse it at "
		    "OpenSSL's usual security level",
		    name);
	int64_t now = time(NULL);
	if (c->not_after < now)
		tls_say(report, DIAG_WARNING, "the certificate '%s' has expired", name);
	else if (c->not_before > now)
		tls_say(report, DIAG_WARNING, "the certificate '%s' is not valid yet", name);
	return 0;
}

struct tls_cert *tls_cert_new(
    struct tls_store *s, const char *name, struct tls_parts *parts, const struct tls_report *report)
{
	struct der_cert c;
	if (!parts->leaf.ptr ||
	    der_cert_parse(slice_make((char *)parts->leaf.ptr, parts->leaf.len), &c) < 0) {
		tls_say(report, DIAG_ERROR, "there is no certificate in '%s'", name);
		return NULL;
	}
	if (check_parts(name, parts, &c, report) < 0)
		return NULL;
	struct name_list names = { .text = STRBUF_INIT };
	struct tls_cert *cert = calloc(1, sizeof(*cert));
	int err = cert ? der_cert_names(&c, add_name, &names) : -ENOMEM;
	if (cert)
		cert->name = strdup(name);
	if (err || !cert->name) {
		tls_say(report, DIAG_ERROR, "out of memory for the certificate '%s'", name);
		strbuf_done(&names.text);
		free(cert);
		return NULL;
	}
	tls_issuers_complete(s, parts);
	atomic_init(&cert->refs, 1);
	cert->store = s;
	cert->type = c.type;
	cert->not_before = c.not_before;
	cert->not_after = c.not_after;
	cert->serial = c.serial;
	cert->names = names.text.ptr;
	cert->names_n = names.n;
	if (parts->ocsp.ptr)
		cert->staple = tls_staple_new(
		    slice_make((char *)parts->ocsp.ptr, parts->ocsp.len), parts->ocsp_next);
	cert->parts = *parts;
	*parts = (struct tls_parts){ 0 };
	return cert;
}
