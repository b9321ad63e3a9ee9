/* SPDX-License-Identifier: MIT */
/*
 * OCSP responses for stapling: whether one may be sent for a certificate (RFC 6960 3.2), and the syntax of SCT lists,
 * the other thing that is sent along with a certificate.
 */
#include <errno.h>
#include <openssl/ocsp.h>

#include "store_int.h"

#define CLOCK_SKEW_S 300

static int refuse(char *err, size_t err_size, const char *why)
{
	snprintf(err, err_size, "%s", why);
	tls_openssl_error();
	return -EINVAL;
}

static int64_t time_of(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;
	return t && ASN1_TIME_to_tm(t, &tm) ? timegm(&tm) : 0;
}

/* The ID of our certificate, hashed as in theirs, is theirs. */
static bool is_for(const OCSP_CERTID *theirs, X509 *leaf, X509 *issuer)
{
	ASN1_OBJECT *alg;
	OCSP_id_get0_info(NULL, &alg, NULL, NULL, (OCSP_CERTID *)(uintptr_t)theirs);
	const EVP_MD *md = EVP_get_digestbyobj(alg);
	OCSP_CERTID *ours = md ? OCSP_cert_to_id(md, leaf, issuer) : NULL;
	bool same = ours && OCSP_id_cmp(ours, theirs) == 0;
	OCSP_CERTID_free(ours);
	return same;
}

/* Signed by the issuer, or by a responder that it certified for this. */
static bool is_signed(OCSP_BASICRESP *basic, X509 *issuer)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool ok = store && certs && X509_STORE_add_cert(store, issuer) &&
		  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) &&
		  sk_X509_push(certs, issuer) &&
		  OCSP_basic_verify(basic, certs, store, OCSP_TRUSTOTHER) == 1;
	sk_X509_free(certs);
	X509_STORE_free(store);
	return ok;
}

static int check_basic(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, int64_t *ret_next_update,
    char *err, size_t err_size)
{
	if (OCSP_resp_count(basic) != 1)
		return refuse(err, err_size, "it has not exactly one response");
	OCSP_SINGLERESP *one = OCSP_resp_get0(basic, 0);
	ASN1_GENERALIZEDTIME *from, *to;
	int status = OCSP_single_get0_status(one, NULL, NULL, &from, &to);
	if (!is_for(OCSP_SINGLERESP_get0_id(one), leaf, issuer))
		return refuse(err, err_size, "it is for another certificate");
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return refuse(err, err_size,
		    status == V_OCSP_CERTSTATUS_REVOKED ? "it says that the certificate is revoked"
							: "it does not know the certificate");
	if (!OCSP_check_validity(from, to, CLOCK_SKEW_S, -1))
		return refuse(err, err_size, "it is not valid at this time");
	if (!is_signed(basic, issuer))
		return refuse(err, err_size, "its signature is not the issuer's");
	*ret_next_update = time_of(to);
	return 0;
}

int tls_ocsp_check(struct tls_store *s, const struct tls_parts *p, struct slice der,
    int64_t *ret_next_update, char *err, size_t err_size)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
	if (!resp)
		return refuse(err, err_size, "it is not an OCSP response");
	OCSP_BASICRESP *basic = OCSP_response_status(resp) == OCSP_RESPONSE_STATUS_SUCCESSFUL
				    ? OCSP_response_get1_basic(resp)
				    : NULL;
	at = p->leaf.ptr;
	X509 *leaf = d2i_X509(NULL, &at, (long)p->leaf.len);
	X509 *issuer = tls_parts_issuer(s, p);
	int r;
	if (!basic)
		r = refuse(err, err_size, "it says that the responder has failed");
	else if (!leaf || !issuer)
		r = refuse(err, err_size, "the certificate's issuer is not known");
	else
		r = check_basic(basic, leaf, issuer, ret_next_update, err, err_size);
	X509_free(leaf);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	return r;
}

struct tls_staple *tls_staple_new(struct slice der, int64_t next_update)
{
	struct tls_staple *st = malloc(sizeof(*st) + der.len);
	if (!st)
		return NULL;
	st->next_update = next_update;
	st->len = der.len;
	memcpy(st->der, der.ptr, der.len);
	return st;
}

bool tls_sctl_check(struct slice list)
{
	const unsigned char *p = (const unsigned char *)list.ptr;
	if (list.len < 4 || ((size_t)p[0] << 8 | p[1]) != list.len - 2)
		return false;
	size_t at = 2;
	while (at < list.len) {
		if (list.len - at < 2)
			return false;
		size_t len = (size_t)p[at] << 8 | p[at + 1];
		at += 2;
		if (len == 0 || len > list.len - at)
			return false;
		at += len;
	}
	return true;
}
