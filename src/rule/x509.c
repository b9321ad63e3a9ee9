/* SPDX-License-Identifier: MIT */
/*
 * Parts of certificates as texts and bytes. Nothing here checks a certificate: that was the handshake's business.
 * What OpenSSL can only print goes through a memory BIO and is copied; the rest lies in the certificate.
 */
#include "x509.h"

#include <openssl/x509v3.h>

#define OID_MAX 128

static struct slice bytes_of(const ASN1_STRING *s)
{
	int len = ASN1_STRING_length(s);
	return slice_make((const char *)ASN1_STRING_get0_data(s), len > 0 ? (size_t)len : 0);
}

/* Everything that was printed, copied; frees the BIO. */
static struct slice printed(BIO *bio, bool ok, struct arena *arena)
{
	char *text;
	long len = bio ? BIO_get_mem_data(bio, &text) : 0;
	struct slice s =
	    ok && len > 0 ? arena_slice(arena, slice_make(text, (size_t)len)) : SLICE_NULL;
	BIO_free(bio);
	return s;
}

/* ---- distinguished names ---- */

/*
 * Readers of texts that end at a NUL would take "good\0.evil" for "good" (a known way to deceive): such a value is
 * none. NUL bytes at the end are only cut off.
 */
static struct slice entry_value(const X509_NAME_ENTRY *e)
{
	struct slice v = bytes_of(X509_NAME_ENTRY_get_data(e));
	while (v.len && v.ptr[v.len - 1] == '\0')
		v.len--;
	return v.len && memchr(v.ptr, '\0', v.len) ? SLICE_NULL : v;
}

static bool is_well_formed(const X509_NAME *name)
{
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		if (!entry_value(X509_NAME_get_entry(name, i)).ptr)
			return false;
	}
	return true;
}

/* "CN", or dotted numbers when it has no name. room: of the numbers. */
static struct slice entry_name(const X509_NAME_ENTRY *e, char room[OID_MAX])
{
	const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(e);
	int nid = OBJ_obj2nid(object);
	if (nid != NID_undef)
		return slice_str(OBJ_nid2sn(nid));
	int len = OBJ_obj2txt(room, OID_MAX, object, 1);
	return slice_make(room, len > 0 ? MIN((size_t)len, OID_MAX - 1) : 0);
}

/* out NULL: only the length. */
static size_t write_dn(const X509_NAME *name, char *out)
{
	size_t len = 0;
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		char room[OID_MAX];
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		struct slice key = entry_name(e, room), value = entry_value(e);
		if (out) {
			out[len] = '/';
			memcpy(out + len + 1, key.ptr, key.len);
			out[len + 1 + key.len] = '=';
			memcpy(out + len + key.len + 2, value.ptr, value.len);
		}
		len += key.len + value.len + 2;
	}
	return len;
}

struct slice x509_dn(const X509_NAME *name, struct arena *arena)
{
	if (!is_well_formed(name) || X509_NAME_entry_count(name) == 0)
		return SLICE_NULL;
	char *out = arena_bytes(arena, write_dn(name, NULL));
	return out ? slice_make(out, write_dn(name, out)) : SLICE_NULL;
}

struct slice x509_dn_rfc2253(const X509_NAME *name, struct arena *arena)
{
	BIO *bio = is_well_formed(name) ? BIO_new(BIO_s_mem()) : NULL;
	return printed(bio, bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0, arena);
}

struct slice x509_dn_entry(const X509_NAME *name, struct slice entry, int64_t nth)
{
	int n = X509_NAME_entry_count(name), step = nth < 0 ? -1 : 1;
	int64_t left = nth < 0 ? -nth : nth;
	for (int i = nth < 0 ? n - 1 : 0; left > 0 && i >= 0 && i < n; i += step) {
		char room[OID_MAX];
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		if (slice_ieq(entry_name(e, room), entry) && --left == 0)
			return entry_value(e);
	}
	return SLICE_NULL;
}

/* ---- times, algorithms ---- */

/* RFC 5280 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050 on. */
struct slice x509_time(const ASN1_TIME *time)
{
	struct slice text = bytes_of(time);
	if (ASN1_STRING_type(time) == V_ASN1_UTCTIME)
		return text.len >= 10 ? text : SLICE_NULL;
	if (text.len < 12 || !slice_has_prefix(text, SLICE("20")))
		return SLICE_NULL;
	return slice_sub(text, 2, text.len);
}

static struct slice short_name(const ASN1_OBJECT *object)
{
	int nid = object ? OBJ_obj2nid(object) : NID_undef;
	return nid != NID_undef ? slice_str(OBJ_nid2sn(nid)) : SLICE_NULL;
}

struct slice x509_sig_alg(const X509 *cert)
{
	const ASN1_OBJECT *object = NULL;
	X509_ALGOR_get0(&object, NULL, NULL, X509_get0_tbs_sigalg(cert));
	return short_name(object);
}

struct slice x509_key_alg(const X509 *cert)
{
	ASN1_OBJECT *object = NULL;
	X509_PUBKEY_get0_param(&object, NULL, NULL, NULL, X509_get_X509_PUBKEY(cert));
	return short_name(object);
}

/* ---- whole certificates ---- */

/* Writes it at *at and moves behind it; at NULL: only the length. */
static size_t write_der(const X509 *cert, unsigned char **at)
{
	int len = i2d_X509((X509 *)cert, at);
	return len > 0 ? (size_t)len : 0;
}

struct slice x509_der(const X509 *cert, struct arena *arena)
{
	size_t len = write_der(cert, NULL);
	unsigned char *out = arena_alloc(arena, len), *at = out;
	return len && out ? slice_make((char *)out, write_der(cert, &at)) : SLICE_NULL;
}

struct slice x509_chain_der(const STACK_OF(X509) * chain, struct arena *arena)
{
	size_t len = 0;
	for (int i = 0; i < sk_X509_num(chain); i++)
		len += write_der(sk_X509_value(chain, i), NULL);
	unsigned char *out = arena_alloc(arena, len), *at = out;
	if (!len || !out)
		return SLICE_NULL;
	for (int i = 0; i < sk_X509_num(chain); i++)
		write_der(sk_X509_value(chain, i), &at);
	return slice_make((char *)out, (size_t)(at - out));
}

/* ---- extensions ---- */

struct slice x509_san(const X509 *cert, struct arena *arena)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	X509_EXTENSION *ext = at >= 0 ? X509_get_ext(cert, at) : NULL;
	BIO *bio = ext ? BIO_new(BIO_s_mem()) : NULL;
	return printed(bio, bio && X509V3_EXT_print(bio, ext, 0, 0) == 1, arena);
}

struct slice x509_policies(const X509 *cert, const ASN1_OBJECT *one, struct arena *arena)
{
	CERTIFICATEPOLICIES *all = X509_get_ext_d2i(cert, NID_certificate_policies, NULL, NULL);
	BIO *bio = all ? BIO_new(BIO_s_mem()) : NULL;
	for (int i = 0; bio && i < sk_POLICYINFO_num(all); i++) {
		char room[OID_MAX];
		const ASN1_OBJECT *id = sk_POLICYINFO_value(all, i)->policyid;
		if (one && OBJ_cmp(id, one) != 0)
			continue;
		if (OBJ_obj2txt(room, sizeof(room), id, 1) > 0)
			BIO_printf(bio, "%s%s", BIO_pending(bio) ? "," : "", room);
		if (one)
			break;
	}
	CERTIFICATEPOLICIES_free(all);
	return printed(bio, bio != NULL, arena);
}
