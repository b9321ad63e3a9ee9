/* SPDX-License-Identifier: MIT */
/*
 * Private keys from DER. OpenSSL 3 asks all of its decoders what a key might be, which takes longer than a handshake;
 * the common kinds are taken apart here and handed over as numbers, whatever else there is goes its usual way. Keys
 * are the caller's; any thread.
 */
#include "private_key.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "store_parse.h"

static const char *curve_name(struct slice oid)
{
	static const struct {
		struct slice oid;
		const char *name;
	} curves[] = {
		{ SLICE("\x2a\x86\x48\xce\x3d\x03\x01\x07"), "prime256v1" },
		{ SLICE("\x2b\x81\x04\x00\x22"), "secp384r1" },
		{ SLICE("\x2b\x81\x04\x00\x23"), "secp521r1" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		if (slice_eq(oid, curves[i].oid))
			return curves[i].name;
	}
	return NULL;
}

static BIGNUM *number(struct slice s)
{
	BIGNUM *n = BN_secure_new();
	return n && BN_bin2bn((const unsigned char *)s.ptr, (int)s.len, n) ? n : NULL;
}

static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;
	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *make_rsa(const struct der_key *k, OSSL_PARAM_BLD *build)
{
	static const char *const names[DER_RSA_N] = {
		OSSL_PKEY_PARAM_RSA_N,
		OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_D,
		OSSL_PKEY_PARAM_RSA_FACTOR1,
		OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_EXPONENT1,
		OSSL_PKEY_PARAM_RSA_EXPONENT2,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
	};
	BIGNUM *numbers[DER_RSA_N] = { NULL };
	bool all = true;
	for (unsigned i = 0; i < DER_RSA_N && all; i++) {
		numbers[i] = number(k->rsa[i]);
		all = numbers[i] && OSSL_PARAM_BLD_push_BN(build, names[i], numbers[i]) == 1;
	}
	EVP_PKEY *key = all ? make("RSA", build) : NULL;
	for (unsigned i = 0; i < DER_RSA_N; i++)
		BN_clear_free(numbers[i]);
	return key;
}

static EVP_PKEY *make_ec(const struct der_key *k, OSSL_PARAM_BLD *build)
{
	const char *curve = curve_name(k->ec_curve);
	BIGNUM *secret = curve ? number(k->ec_private) : NULL;
	EVP_PKEY *key = NULL;
	if (secret &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(
		build, OSSL_PKEY_PARAM_PUB_KEY, k->ec_point.ptr, k->ec_point.len) == 1)
		key = make("EC", build);
	BN_clear_free(secret);
	return key;
}

EVP_PKEY *tls_private_key(struct slice der)
{
	struct der_key k;
	EVP_PKEY *key = NULL;
	OSSL_PARAM_BLD *build = der_key_parse(der, &k) ? OSSL_PARAM_BLD_new() : NULL;
	if (build)
		key = k.type == TLS_KEY_RSA ? make_rsa(&k, build) : make_ec(&k, build);
	OSSL_PARAM_BLD_free(build);
	const unsigned char *at = (const unsigned char *)der.ptr;
	return key ? key : d2i_AutoPrivateKey(NULL, &at, (long)der.len);
}
