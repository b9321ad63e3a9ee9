/* SPDX-License-Identifier: MIT */
/*
 * JSON Web Keys (RFC 7517, members after RFC 7518 6) as keys of libcrypto.
 */
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base64.h"
#include "json.h"
#include "keystore.h"

/* A member as bytes; .ptr NULL when it is not there or no base64url. */
static struct slice member(struct arena *arena, struct slice jwk, const char *path)
{
	struct slice text = rule_json_string(arena, jwk, path);
	return text.ptr ? base64_decode_in(arena, text, true) : SLICE_NULL;
}

/* One number of a key under construction. BIGNUMs live until the parameters are made. */
struct build {
	struct arena *arena;
	struct slice jwk;
	OSSL_PARAM_BLD *params;
	BIGNUM *numbers[8];
	size_t n;
};

/* False when the member is missing. */
static bool add_number(struct build *b, const char *path, const char *param)
{
	struct slice bytes = member(b->arena, b->jwk, path);
	if (!bytes.ptr || bytes.len == 0 || bytes.len > 2048 || b->n >= ARRAY_SIZE(b->numbers))
		return false;
	BIGNUM *number = BN_bin2bn((const uint8_t *)bytes.ptr, (int)bytes.len, NULL);
	if (!number)
		return false;
	b->numbers[b->n++] = number;
	return OSSL_PARAM_BLD_push_BN(b->params, param, number) == 1;
}

static EVP_PKEY *finish(struct build *b, const char *type, int selection)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b->params);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, selection, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *rsa_key(struct build *b)
{
	if (!add_number(b, "$.n", OSSL_PKEY_PARAM_RSA_N) ||
	    !add_number(b, "$.e", OSSL_PKEY_PARAM_RSA_E))
		return NULL;
	if (!add_number(b, "$.d", OSSL_PKEY_PARAM_RSA_D))
		return finish(b, "RSA", EVP_PKEY_PUBLIC_KEY);
	/* The primes come all or not at all. */
	if (add_number(b, "$.p", OSSL_PKEY_PARAM_RSA_FACTOR1) &&
	    !(add_number(b, "$.q", OSSL_PKEY_PARAM_RSA_FACTOR2) &&
		add_number(b, "$.dp", OSSL_PKEY_PARAM_RSA_EXPONENT1) &&
		add_number(b, "$.dq", OSSL_PKEY_PARAM_RSA_EXPONENT2) &&
		add_number(b, "$.qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1)))
		return NULL;
	return finish(b, "RSA", EVP_PKEY_KEYPAIR);
}

static EVP_PKEY *ec_key(struct build *b)
{
	static const struct {
		const char *curve, *group;
		size_t len;
	} curves[] = {
		{ "P-256", "prime256v1", 32 },
		{ "P-384", "secp384r1", 48 },
		{ "P-521", "secp521r1", 66 },
	};
	struct slice name = rule_json_string(b->arena, b->jwk, "$.crv");
	struct slice x = member(b->arena, b->jwk, "$.x"), y = member(b->arena, b->jwk, "$.y");
	uint8_t point[1 + 2 * 66] = { 4 }; /* uncompressed */
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		size_t len = curves[i].len;
		if (!slice_eq(name, slice_str(curves[i].curve)))
			continue;
		if (!x.ptr || !y.ptr || x.len != len || y.len != len)
			return NULL;
		memcpy(point + 1, x.ptr, len);
		memcpy(point + 1 + len, y.ptr, len);
		if (!OSSL_PARAM_BLD_push_utf8_string(
			b->params, OSSL_PKEY_PARAM_GROUP_NAME, curves[i].group, 0) ||
		    !OSSL_PARAM_BLD_push_octet_string(
			b->params, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len))
			return NULL;
		bool is_private = add_number(b, "$.d", OSSL_PKEY_PARAM_PRIV_KEY);
		return finish(b, "EC", is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY);
	}
	return NULL;
}

EVP_PKEY *jwk_key(struct arena *arena, struct slice jwk)
{
	struct build b = { .arena = arena, .jwk = jwk, .params = OSSL_PARAM_BLD_new() };
	struct slice type = rule_json_string(arena, jwk, "$.kty");
	EVP_PKEY *key = NULL;
	if (b.params && slice_eq(type, SLICE("RSA")))
		key = rsa_key(&b);
	else if (b.params && slice_eq(type, SLICE("EC")))
		key = ec_key(&b);
	OSSL_PARAM_BLD_free(b.params);
	while (b.n)
		BN_clear_free(b.numbers[--b.n]);
	return key;
}
