/* SPDX-License-Identifier: MIT */
/*
 * OCSP responses at run time: set by a command or an updater, listed, shown. A response is published in its
 * certificate through one pointer; handshakes see the old or the new one.
 */
#include <errno.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "ocsp_staple.h"

static X509 *leaf_of(const struct tls_parts *p)
{
	const unsigned char *at = p->leaf.ptr;
	return at ? d2i_X509(NULL, &at, (long)p->leaf.len) : NULL;
}

static OCSP_CERTID *make_id(struct tls_store *s, const struct tls_parts *p)
{
	X509 *leaf = leaf_of(p), *issuer = tls_parts_issuer(s, p);
	OCSP_CERTID *id = leaf && issuer ? OCSP_cert_to_id(EVP_sha1(), leaf, issuer) : NULL;
	X509_free(leaf);
	return id;
}

bool tls_ocsp_id_hex(struct tls_store *s, const struct tls_parts *p, struct strbuf *out)
{
	OCSP_CERTID *id = make_id(s, p);
	unsigned char *der = NULL;
	int len = id ? i2d_OCSP_CERTID(id, &der) : 0;
	for (int i = 0; i < len; i++)
		strbuf_addf(out, "%02x", der[i]);
	OPENSSL_free(der);
	OCSP_CERTID_free(id);
	return len > 0;
}

/* ---- setting ---- */

/* The certificate ID of the only response, borrowed from *ret_resp's basic response. */
static OCSP_BASICRESP *open_response(struct slice der)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
	OCSP_BASICRESP *basic = resp ? OCSP_response_get1_basic(resp) : NULL;
	OCSP_RESPONSE_free(resp);
	if (basic && OCSP_resp_count(basic) == 1)
		return basic;
	OCSP_BASICRESP_free(basic);
	tls_openssl_error();
	return NULL;
}

static struct slice serial_of(OCSP_BASICRESP *basic)
{
	const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, 0));
	ASN1_INTEGER *serial = NULL;
	OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)(uintptr_t)id);
	return slice_make(
	    (const char *)ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
}

/* Serials in DER may have a zero in front that the integer has not. */
static bool has_serial(const struct tls_cert *c, struct slice serial)
{
	struct slice own = c->serial;
	while (own.len > 1 && own.ptr[0] == 0)
		own = slice_sub(own, 1, own.len);
	while (serial.len > 1 && serial.ptr[0] == 0)
		serial = slice_sub(serial, 1, serial.len);
	return slice_eq(own, serial);
}

static int put_staple(struct tls_cert *c, struct worker *w, struct slice der, int64_t next)
{
	struct tls_staple *st = tls_staple_new(der, next);
	if (!st)
		return -ENOMEM;
	c->parts.ocsp_file = true;
	struct tls_staple *old = atomic_exchange(&c->staple, st);
	if (old)
		tls_retire(w, free, old);
	return 0;
}

/* The same certificate may be loaded under several names: all get it. */
static int set_all(struct tls_store *s, struct worker *w, struct slice der, struct slice serial,
    struct strbuf *err)
{
	char why[160] = "there is no certificate that it is for";
	int r = -ENOENT;
	list_for_each_entry (slot, &s->slots, struct tls_slot, order) {
		struct tls_cert *c = atomic_load(&slot->cert);
		int64_t next;
		if (!c || !has_serial(c, serial))
			continue;
		if (tls_ocsp_check(s, &c->parts, der, &next, why, sizeof(why)) == 0) {
			r = put_staple(c, w, der, next);
			if (r < 0)
				break;
		} else if (r == -ENOENT)
			r = -EINVAL;
	}
	if (r < 0)
		strbuf_addf(err, "the OCSP response is refused: %s", why);
	return r;
}

int tls_store_set_ocsp(struct tls_store *s, struct worker *w, struct slice der, struct strbuf *err)
{
	OCSP_BASICRESP *basic = open_response(der);
	if (!basic) {
		strbuf_adds(err, "Unable to parse OCSP response.");
		return -EINVAL;
	}
	pthread_mutex_lock(&s->lock);
	int r = set_all(s, w, der, serial_of(basic), err);
	pthread_mutex_unlock(&s->lock);
	OCSP_BASICRESP_free(basic);
	return r;
}

/* ---- listing ---- */

/* The DER of a request without nonce, as caching responders like it; malloc'ed by OpenSSL. */
static unsigned char *make_request(OCSP_CERTID *id, size_t *ret_len)
{
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	unsigned char *der = NULL;
	OCSP_CERTID *copy = OCSP_CERTID_dup(id);
	int len = 0;
	if (req && copy && OCSP_request_add0_id(req, copy)) {
		copy = NULL;
		len = i2d_OCSP_REQUEST(req, &der);
	}
	OCSP_CERTID_free(copy);
	OCSP_REQUEST_free(req);
	*ret_len = len > 0 ? (size_t)len : 0;
	return der;
}

static char *first_uri(X509 *leaf)
{
	STACK_OF(OPENSSL_STRING) *uris = leaf ? X509_get1_ocsp(leaf) : NULL;
	char *uri =
	    sk_OPENSSL_STRING_num(uris) > 0 ? strdup(sk_OPENSSL_STRING_value(uris, 0)) : NULL;
	X509_email_free(uris);
	return uri;
}

static bool wants_update(const struct tls_store *s, const struct tls_slot *slot)
{
	return slot->ocsp_update < 0 ? s->conf.ocsp_update : slot->ocsp_update;
}

static int tell_one(struct tls_store *s, struct tls_slot *slot, struct tls_cert *c,
    int (*fn)(void *arg, const struct tls_ocsp_info *info), void *arg)
{
	const struct tls_staple *st = atomic_load(&c->staple);
	struct strbuf hex = STRBUF_INIT;
	OCSP_CERTID *id = make_id(s, &c->parts);
	X509 *leaf = leaf_of(&c->parts);
	size_t len = 0;
	unsigned char *request = id ? make_request(id, &len) : NULL;
	char *uri = first_uri(leaf);
	tls_ocsp_id_hex(s, &c->parts, &hex);
	struct tls_ocsp_info info = {
		.name = slot->name,
		.id = hex.ptr,
		.uri = uri,
		.request = slice_make((char *)request, len),
		.response = st ? slice_make((const char *)st->der, st->len) : SLICE_NULL,
		.next_update = st ? st->next_update : 0,
		.has_issuer = id,
		.ocsp_update = wants_update(s, slot),
	};
	int r = fn(arg, &info);
	OPENSSL_free(request);
	free(uri);
	X509_free(leaf);
	OCSP_CERTID_free(id);
	strbuf_done(&hex);
	return r;
}

int tls_store_each_ocsp(
    struct tls_store *s, int (*fn)(void *arg, const struct tls_ocsp_info *info), void *arg)
{
	int r = 0;
	pthread_mutex_lock(&s->lock);
	list_for_each_entry (slot, &s->slots, struct tls_slot, order) {
		struct tls_cert *c = atomic_load(&slot->cert);
		if (c && (c->parts.ocsp_file || wants_update(s, slot)))
			r = tell_one(s, slot, c, fn, arg);
		if (r)
			break;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- showing ---- */

static int show_der(const uint8_t *der, size_t len, bool base64, struct strbuf *out)
{
	if (base64) {
		char *text = malloc(len / 3 * 4 + 5);
		if (!text)
			return -ENOMEM;
		int n = EVP_EncodeBlock((unsigned char *)text, der, (int)len);
		strbuf_add(out, text, (size_t)n);
		strbuf_addc(out, '\n');
		free(text);
		return 0;
	}
	const unsigned char *at = der;
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &at, (long)len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	if (bio && resp && OCSP_RESPONSE_print(bio, resp, 0)) {
		long n = BIO_get_mem_data(bio, &text);
		strbuf_add(out, text, (size_t)n);
	}
	BIO_free(bio);
	OCSP_RESPONSE_free(resp);
	return 0;
}

int tls_ocsp_show_locked(struct tls_store *s, struct slice name, struct strbuf *out)
{
	const struct tls_pending *p = &s->pending[TLS_OBJ_CERT];
	char *text = slice_dup(name);
	if (!text)
		return -ENOMEM;
	int r = -ENOENT;
	struct tls_slot *slot = tls_store_find(s, text);
	struct tls_cert *c = slot ? atomic_load(&slot->cert) : NULL;
	const struct tls_staple *st = c ? atomic_load(&c->staple) : NULL;
	if (*text == '*' && p->name && strcmp(p->name, text + 1) == 0)
		r = p->parts.ocsp.ptr ? show_der(p->parts.ocsp.ptr, p->parts.ocsp.len, false, out)
				      : 0;
	else if (slot)
		r = st ? show_der(st->der, st->len, false, out) : 0;
	free(text);
	return r;
}

struct search {
	const char *id;
	bool base64;
	struct strbuf *out;
	int result;
};

static int show_match(void *arg, const struct tls_ocsp_info *info)
{
	struct search *f = arg;
	if (strcmp(info->name, f->id) != 0 && (!info->id || strcmp(info->id, f->id) != 0))
		return 0;
	f->result = info->response.ptr ? show_der((const uint8_t *)info->response.ptr,
					     info->response.len, f->base64, f->out)
				       : 0;
	return 1;
}

int tls_store_show_ocsp(struct tls_store *s, const char *id, bool base64, struct strbuf *out)
{
	struct search f = { .id = id, .base64 = base64, .out = out, .result = -ENOENT };
	tls_store_each_ocsp(s, show_match, &f);
	return f.result;
}
