/* SPDX-License-Identifier: MIT */
/*
 * A walk over the DER of certificates and private keys, for the few fields that loading needs: names, dates, type of
 * key, and whether the public parts agree. Anything surprising is an error here and left to OpenSSL's parser, whose
 * word counts. Reads untrusted bytes: every length is checked against what contains it.
 */
#include "store_parse.h"

#include <errno.h>

enum {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_UTC_TIME = 0x17,
	DER_GENERAL_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};

struct der_item {
	unsigned tag;
	struct slice value;
	struct slice whole; /* with tag and length */
};

/* Takes the next item off *s, which must not lie in ret. False at the end or when it is cut. */
static bool der_take(struct slice *s, struct der_item *ret)
{
	const unsigned char *p = (const unsigned char *)s->ptr;
	if (s->len < 2 || (p[0] & 0x1f) == 0x1f)
		return false;
	size_t len = p[1], head = 2;
	if (len & 0x80) {
		unsigned n = len & 0x7f;
		if (n == 0 || n > 4 || s->len < 2 + n)
			return false;
		len = 0;
		for (unsigned i = 0; i < n; i++)
			len = len << 8 | p[2 + i];
		head += n;
	}
	if (len > s->len - head)
		return false;
	ret->tag = p[0];
	ret->value = slice_make(s->ptr + head, len);
	ret->whole = slice_make(s->ptr, head + len);
	*s = slice_make(s->ptr + head + len, s->len - head - len);
	return true;
}

static bool der_expect(struct slice *s, unsigned tag, struct der_item *ret)
{
	return der_take(s, ret) && ret->tag == tag;
}

static int two_digits(const char *p)
{
	return ascii_is_digit(p[0]) && ascii_is_digit(p[1]) ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

/* Days from 1970 to that one, in the calendar without an end; libc's way there reads the time zone each time. */
static int64_t days_to(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* RFC 5280 4.1.2.5: both forms with seconds and "Z". */
static int der_time(const struct der_item *t, int64_t *ret)
{
	int part[7], n = t->tag == DER_GENERAL_TIME ? 7 : 6;
	if ((t->tag != DER_GENERAL_TIME && t->tag != DER_UTC_TIME) ||
	    t->value.len != (size_t)n * 2 + 1 || t->value.ptr[t->value.len - 1] != 'Z')
		return -EINVAL;
	for (int i = 0; i < n; i++) {
		part[i] = two_digits(t->value.ptr + (size_t)i * 2);
		if (part[i] < 0)
			return -EINVAL;
	}
	const int *p = part;
	int year;
	if (n == 7) {
		year = p[0] * 100 + p[1];
		p += 2;
	} else {
		year = p[0] + (p[0] < 50 ? 2000 : 1900);
		p += 1;
	}
	if (p[0] < 1 || p[0] > 12)
		return -EINVAL;
	*ret = ((days_to(year, p[0], p[1]) * 24 + p[2]) * 60 + p[3]) * 60 + p[4];
	return 0;
}

static enum tls_key_type key_type(struct slice oid)
{
	if (slice_has_prefix(oid, SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01")))
		return TLS_KEY_RSA; /* 1.2.840.113549.1.1: PKCS #1 */
	if (slice_eq(oid, SLICE("\x2a\x86\x48\xce\x3d\x02\x01")))
		return TLS_KEY_ECDSA; /* 1.2.840.10045.2.1 */
	if (slice_eq(oid, SLICE("\x2a\x86\x48\xce\x38\x04\x01")))
		return TLS_KEY_DSA; /* 1.2.840.10040.4.1 */
	return TLS_KEY_OTHER;
}

/* SubjectPublicKeyInfo */
static bool parse_spki(struct slice spki, struct der_cert *ret)
{
	struct der_item alg, oid, bits;
	if (!der_expect(&spki, DER_SEQUENCE, &alg) || !der_expect(&alg.value, DER_OID, &oid) ||
	    !der_expect(&spki, DER_BIT_STRING, &bits) || bits.value.len < 1 || bits.value.ptr[0])
		return false;
	ret->type = key_type(oid.value);
	ret->spki_bits = slice_sub(bits.value, 1, bits.value.len);
	return true;
}

int der_cert_parse(struct slice der, struct der_cert *ret)
{
	struct der_item cert, tbs, item, validity, exts;
	struct der_cert c = { .len = der.len };
	if (!der_expect(&der, DER_SEQUENCE, &cert) || !der_expect(&cert.value, DER_SEQUENCE, &tbs))
		return -EINVAL;
	c.len = cert.whole.len;
	struct slice t = tbs.value;
	if (!der_take(&t, &item))
		return -EINVAL;
	if (item.tag == 0xa0 && !der_take(&t, &item)) /* [0] version */
		return -EINVAL;
	if (item.tag != DER_INTEGER)
		return -EINVAL;
	c.serial = item.value;
	if (!der_expect(&t, DER_SEQUENCE, &item)) /* signature algorithm */
		return -EINVAL;
	if (!der_expect(&t, DER_SEQUENCE, &item))
		return -EINVAL;
	c.issuer = item.whole;
	if (!der_expect(&t, DER_SEQUENCE, &validity))
		return -EINVAL;
	if (!der_take(&validity.value, &item) || der_time(&item, &c.not_before) < 0 ||
	    !der_take(&validity.value, &item) || der_time(&item, &c.not_after) < 0)
		return -EINVAL;
	if (!der_expect(&t, DER_SEQUENCE, &item))
		return -EINVAL;
	c.subject = item.whole;
	if (!der_expect(&t, DER_SEQUENCE, &item) || !parse_spki(item.value, &c))
		return -EINVAL;
	while (der_take(&t, &item))
		if (item.tag == 0xa3 && der_expect(&item.value, DER_SEQUENCE, &exts))
			c.extensions = exts.value;
	*ret = c;
	return 0;
}

/* ---- names ---- */

static bool is_name_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
			return false;
	return s.len > 0 && s.len <= 255;
}

static int common_names(struct slice subject, int (*fn)(void *, struct slice), void *arg)
{
	struct der_item name, rdn, pair, oid, text;
	if (!der_expect(&subject, DER_SEQUENCE, &name))
		return 0;
	while (der_expect(&name.value, DER_SET, &rdn)) {
		while (der_expect(&rdn.value, DER_SEQUENCE, &pair)) {
			if (!der_expect(&pair.value, DER_OID, &oid) ||
			    !slice_eq(oid.value, SLICE("\x55\x04\x03")) || /* 2.5.4.3 */
			    !der_take(&pair.value, &text) || !is_name_text(text.value))
				continue;
			int r = fn(arg, text.value);
			if (r)
				return r;
		}
	}
	return 0;
}

/* GeneralNames: dNSName is [2]. */
static int alt_names(struct slice general, int (*fn)(void *, struct slice), void *arg)
{
	struct der_item names, item;
	if (!der_expect(&general, DER_SEQUENCE, &names))
		return 0;
	while (der_take(&names.value, &item)) {
		if (item.tag != 0x82 || !is_name_text(item.value))
			continue;
		int r = fn(arg, item.value);
		if (r)
			return r;
	}
	return 0;
}

int der_cert_names(const struct der_cert *c, int (*fn)(void *arg, struct slice name), void *arg)
{
	int r = common_names(c->subject, fn, arg);
	struct slice exts = c->extensions;
	struct der_item ext, oid, item;
	while (r == 0 && der_expect(&exts, DER_SEQUENCE, &ext)) {
		if (!der_expect(&ext.value, DER_OID, &oid) ||
		    !slice_eq(oid.value, SLICE("\x55\x1d\x11"))) /* 2.5.29.17 */
			continue;
		if (!der_take(&ext.value, &item))
			continue;
		if (item.tag != DER_OCTET_STRING && !der_take(&ext.value, &item)) /* critical */
			continue;
		if (item.tag == DER_OCTET_STRING)
			r = alt_names(item.value, fn, arg);
	}
	return r;
}

/* ---- keys ---- */

/* The modulus of RSAPublicKey, or of RSAPrivateKey behind its version. */
static bool rsa_modulus(struct slice key, bool is_private, struct slice *ret)
{
	struct der_item seq, n;
	if (!der_expect(&key, DER_SEQUENCE, &seq) || !der_expect(&seq.value, DER_INTEGER, &n))
		return false;
	if (is_private && !der_expect(&seq.value, DER_INTEGER, &n))
		return false;
	*ret = n.value;
	return true;
}

/* The optional public point of ECPrivateKey (RFC 5915): [1] BIT STRING. */
static bool ec_point(struct slice key, struct slice *ret)
{
	struct der_item seq, item, bits;
	if (!der_expect(&key, DER_SEQUENCE, &seq))
		return false;
	while (der_take(&seq.value, &item)) {
		if (item.tag != 0xa1)
			continue;
		if (!der_expect(&item.value, DER_BIT_STRING, &bits) || bits.value.len < 1)
			return false;
		*ret = slice_sub(bits.value, 1, bits.value.len);
		return true;
	}
	return false;
}

/*
 * Unwraps PKCS #8: what is inside, its type, and the parameters of the algorithm or nothing. A traditional RSA or EC
 * key has no name of its own.
 */
static bool key_inside(
    struct slice key, struct slice *ret, enum tls_key_type *ret_type, struct slice *ret_params)
{
	struct slice whole = key;
	struct der_item seq, version, item, oid;
	if (!der_expect(&key, DER_SEQUENCE, &seq) ||
	    !der_expect(&seq.value, DER_INTEGER, &version) || !der_take(&seq.value, &item))
		return false;
	*ret = whole;
	*ret_params = SLICE_NULL;
	if (item.tag == DER_INTEGER) { /* DSA starts like RSA, told apart by the version's value */
		*ret_type = TLS_KEY_RSA;
		return true;
	}
	if (item.tag == DER_OCTET_STRING) {
		*ret_type = TLS_KEY_ECDSA;
		return true;
	}
	if (item.tag != DER_SEQUENCE || !der_expect(&item.value, DER_OID, &oid))
		return false;
	*ret_type = key_type(oid.value);
	*ret_params = item.value;
	if (!der_expect(&seq.value, DER_OCTET_STRING, &item))
		return false;
	*ret = item.value;
	return true;
}

/* RSAPrivateKey (RFC 8017 A.1.2) of two primes. */
static bool rsa_key(struct slice key, struct der_key *ret)
{
	struct der_item seq, item;
	if (!der_expect(&key, DER_SEQUENCE, &seq) || !der_expect(&seq.value, DER_INTEGER, &item) ||
	    !slice_eq(item.value, SLICE("\0")))
		return false;
	for (unsigned i = 0; i < DER_RSA_N; i++) {
		if (!der_expect(&seq.value, DER_INTEGER, &item))
			return false;
		ret->rsa[i] = item.value;
	}
	return seq.value.len == 0;
}

/* ECPrivateKey (RFC 5915); params: of PKCS #8 around it, which then names the curve. */
static bool ec_key(struct slice key, struct slice params, struct der_key *ret)
{
	struct slice fields = key;
	struct der_item seq, item, oid;
	if (!der_expect(&fields, DER_SEQUENCE, &seq) ||
	    !der_expect(&seq.value, DER_INTEGER, &item) ||
	    !der_expect(&seq.value, DER_OCTET_STRING, &item) || !ec_point(key, &ret->ec_point))
		return false;
	ret->ec_private = item.value;
	if (!params.len && der_take(&seq.value, &item) && item.tag == 0xa0)
		params = item.value;
	if (!der_expect(&params, DER_OID, &oid))
		return false;
	ret->ec_curve = oid.value;
	return true;
}

bool der_key_parse(struct slice key, struct der_key *ret)
{
	struct slice inside, params;
	if (!key_inside(key, &inside, &ret->type, &params))
		return false;
	if (ret->type == TLS_KEY_RSA)
		return rsa_key(inside, ret);
	return ret->type == TLS_KEY_ECDSA && ec_key(inside, params, ret);
}

int der_key_matches(const struct der_cert *c, struct slice key)
{
	struct slice inside, params, mine, theirs;
	enum tls_key_type type;
	if (!key_inside(key, &inside, &type, &params) || c->type == TLS_KEY_DSA)
		return -1;
	if (type != c->type)
		return type == TLS_KEY_OTHER || type == TLS_KEY_DSA ? -1 : 0;
	if (type == TLS_KEY_RSA) {
		if (!rsa_modulus(inside, true, &mine) || !rsa_modulus(c->spki_bits, false, &theirs))
			return -1;
		return slice_eq(mine, theirs);
	}
	if (type == TLS_KEY_ECDSA && ec_point(inside, &mine) && mine.len == c->spki_bits.len)
		return slice_eq(mine, c->spki_bits);
	return -1;
}
