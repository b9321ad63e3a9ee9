/* SPDX-License-Identifier: MIT */
/*
 * Signed tokens (JWS, RFC 7515): what they say, and whether their signature is right. Verifying with public keys
 * allocates inside of libcrypto; everything else lives in the stream's arena.
 */
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "base64.h"
#include "conv_json.h"
#include "crypto.h"
#include "jwt.h"
#include "key_arg.h"
#include "keystore.h"
#include "tables.h"

/* ---- queries ---- */

/* data: the part, 0 or 1; the payload (1) exists in signed tokens only. */
static bool conv_part(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct jwt token;
	if (!jwt_split(s->str, &token) || (data && token.n != 3))
		return false;
	if (!ret_str(s, base64_decode_in(cx->arena, token.part[data], true)))
		return false;
	return !args_has(args, 0) || conv_json_query(cx, args, s);
}

/* ---- signatures ---- */

enum jwt_result {
	JWT_RIGHT = 1,
	JWT_WRONG = 0,
	JWT_UNKNOWN_ALG = -1,
	JWT_INVALID = -3,
	JWT_NO_MEMORY = -4,
	JWT_NO_KEY = -5,
	JWT_INTERNAL = -6,
};

enum family { FAMILY_NONE, FAMILY_HS, FAMILY_RS, FAMILY_PS, FAMILY_ES };

/* RFC 7518 3.1. */
static const struct alg {
	const char *name;
	enum family family;
	const char *digest;
	size_t coordinate; /* bytes of a number of the curve */
} algs[] = {
	{ "HS256", FAMILY_HS, "sha256", 0 },
	{ "HS384", FAMILY_HS, "sha384", 0 },
	{ "HS512", FAMILY_HS, "sha512", 0 },
	{ "RS256", FAMILY_RS, "sha256", 0 },
	{ "RS384", FAMILY_RS, "sha384", 0 },
	{ "RS512", FAMILY_RS, "sha512", 0 },
	{ "PS256", FAMILY_PS, "sha256", 0 },
	{ "PS384", FAMILY_PS, "sha384", 0 },
	{ "PS512", FAMILY_PS, "sha512", 0 },
	{ "ES256", FAMILY_ES, "sha256", 32 },
	{ "ES384", FAMILY_ES, "sha384", 48 },
	{ "ES512", FAMILY_ES, "sha512", 66 },
	{ "none", FAMILY_NONE, NULL, 0 },
};

static const struct alg *alg_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		if (slice_eq(slice_str(algs[i].name), name))
			return &algs[i];
	}
	return NULL;
}

struct verify {
	struct key_arg alg, key;
	enum key_kind kind;
	const EVP_MD *digests[ARRAY_SIZE(algs)]; /* beside algs */
};

/* The two numbers of a signature as ASN.1; its length, 0 when it is none. der holds 2 * 66 + 16 bytes. */
static size_t ecdsa_der(struct slice raw, size_t coordinate, uint8_t *der)
{
	const uint8_t *p = (const uint8_t *)raw.ptr;
	if (raw.len != 2 * coordinate)
		return 0;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(p, (int)coordinate, NULL);
	BIGNUM *s = BN_bin2bn(p + coordinate, (int)coordinate, NULL);
	if (!sig || !r || !s || !ECDSA_SIG_set0(sig, r, s)) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(sig);
		return 0;
	}
	int len = i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}

/* A key that belongs to another family or curve verifies nothing. */
static bool key_fits(const struct alg *alg, EVP_PKEY *key)
{
	static const int rsa_bits = 1024;
	if (alg->family == FAMILY_ES)
		return EVP_PKEY_is_a(key, "EC") &&
		       ((size_t)EVP_PKEY_get_bits(key) + 7) / 8 == alg->coordinate;
	return (EVP_PKEY_is_a(key, "RSA") ||
		   (alg->family == FAMILY_PS && EVP_PKEY_is_a(key, "RSA-PSS"))) &&
	       EVP_PKEY_get_bits(key) >= rsa_bits;
}

static int verify_with_key(
    const struct alg *alg, const EVP_MD *md, EVP_PKEY *key, struct slice input, struct slice sig)
{
	uint8_t der[2 * 66 + 16];
	EVP_PKEY_CTX *params = NULL;
	if (!key_fits(alg, key))
		return JWT_WRONG;
	if (alg->family == FAMILY_ES) {
		sig.len = ecdsa_der(sig, alg->coordinate, der);
		sig.ptr = (const char *)der;
		if (!sig.len)
			return JWT_INVALID;
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx)
		return JWT_NO_MEMORY;
	int ret = JWT_INTERNAL;
	if (EVP_DigestVerifyInit(ctx, &params, md, NULL, key) <= 0)
		goto out;
	if (alg->family == FAMILY_PS &&
	    (EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) <= 0 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(params, RSA_PSS_SALTLEN_DIGEST) <= 0))
		goto out;
	ret = EVP_DigestVerify(ctx, (const uint8_t *)sig.ptr, sig.len, (const uint8_t *)input.ptr,
		  input.len) == 1
		  ? JWT_RIGHT
		  : JWT_WRONG;
out:
	EVP_MD_CTX_free(ctx);
	return ret;
}

static int verify_with_secret(
    const EVP_MD *md, struct slice secret, struct slice input, struct slice sig)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t len = crypto_hmac(md, secret, &input, 1, mac);
	if (!len)
		return JWT_INTERNAL;
	return sig.len == len && CRYPTO_memcmp(mac, sig.ptr, len) == 0 ? JWT_RIGHT : JWT_WRONG;
}

static int verify(const struct verify *v, struct rule_ctx *cx, struct slice text)
{
	struct slice name, key;
	struct jwt token;
	if (!key_arg_get(&v->alg, cx, &name) || !key_arg_get(&v->key, cx, &key))
		return JWT_UNKNOWN_ALG;
	const struct alg *alg = alg_find(name);
	if (!alg || (alg->family == FAMILY_HS && v->kind == KEY_CERT))
		return JWT_UNKNOWN_ALG;
	if (!jwt_split(text, &token) || token.n != 3)
		return JWT_INVALID;
	if (alg->family == FAMILY_NONE)
		return token.part[2].len == 0 ? JWT_RIGHT : JWT_WRONG;
	struct slice sig = base64_decode_in(cx->arena, token.part[2], true);
	if (!sig.ptr || sig.len == 0)
		return JWT_INVALID;
	const EVP_MD *md = v->digests[alg - algs];
	if (alg->family == FAMILY_HS)
		return verify_with_secret(md, key, token.signing_input, sig);
	EVP_PKEY *pkey = keystore_find(v->kind, key);
	return pkey ? verify_with_key(alg, md, pkey, token.signing_input, sig) : JWT_NO_KEY;
}

static bool conv_verify(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	return ret_int(s, verify(args->data, cx, s->str));
}

/* Reads the file that a constant key names. When the algorithm is a variable the key may be a secret as well. */
static int load_key(const struct arg_place *at, const struct verify *v, const struct alg *alg)
{
	if (alg && (alg->family == FAMILY_HS || alg->family == FAMILY_NONE))
		return 0;
	int err = keystore_load(v->kind, v->key.text.ptr);
	if (err == 0 || (!alg && v->kind == KEY_PUBLIC))
		return 0;
	if (err == -ENOENT && v->kind == KEY_PUBLIC) {
		conf_warning(at->conf, at->line, at->arg,
		    "%s: there is no file '%s': every token will give -5", at->what,
		    v->key.text.ptr);
		return 0;
	}
	conf_error(at->conf, at->line, at->arg, "%s: '%s': %s", at->what, v->key.text.ptr,
	    err == -EBADMSG ? (v->kind == KEY_CERT ? "no certificate in it" : "no public key in it")
			    : strerror(-err));
	return -1;
}

static int check_verify(const struct arg_place *at, struct args *args, enum key_kind kind)
{
	struct verify *v = arena_new(conf_arena(at->conf), struct verify);
	args->data = v;
	if (!v || key_arg_check(at, args, 0, false, &v->alg) < 0 ||
	    key_arg_check(at, args, 1, false, &v->key) < 0)
		return -1;
	v->kind = kind;
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		v->digests[i] = algs[i].digest ? crypto_md(algs[i].digest) : NULL;
	const struct alg *alg = alg_find(v->alg.text);
	if (!key_arg_varies(&v->alg) && (!alg || (alg->family == FAMILY_HS && kind == KEY_CERT))) {
		conf_error(at->conf, at->line, at->arg, "%s: unknown algorithm '%s'", at->what,
		    v->alg.text.ptr);
		return -1;
	}
	return key_arg_varies(&v->key) ? 0 : load_key(at, v, alg);
}

static int check_jwt_verify(const struct arg_place *at, struct args *args)
{
	return check_verify(at, args, KEY_PUBLIC);
}

static int check_jwt_verify_cert(const struct arg_place *at, struct args *args)
{
	return check_verify(at, args, KEY_CERT);
}

const struct conv_row conv_jwt_rows[] = {
	{ .name = "jwt_header_query",
	    .in = SMP_STR,
	    .out = SMP_ANY,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_part,
	    .data = 0,
	    .check = conv_json_check,
	    .out_of = conv_json_out,
	    .usage = "[<json_path>[,<output_type>]]",
	    .help = "header of a token, or a value in it" },
	{ .name = "jwt_payload_query",
	    .in = SMP_STR,
	    .out = SMP_ANY,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_part,
	    .data = 1,
	    .check = conv_json_check,
	    .out_of = conv_json_out,
	    .usage = "[<json_path>[,<output_type>]]",
	    .help = "payload of a signed token, or a value in it" },
	{ .name = "jwt_verify",
	    .in = SMP_STR,
	    .out = SMP_SINT,
	    .args_min = 2,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_verify,
	    .check = check_jwt_verify,
	    .usage = "<alg>,<key>",
	    .help = "1 when the signature of the token is right; a secret or a public key's file" },
	{ .name = "jwt_verify_cert",
	    .in = SMP_STR,
	    .out = SMP_SINT,
	    .args_min = 2,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_verify,
	    .check = check_jwt_verify_cert,
	    .usage = "<alg>,<cert>",
	    .help = "1 when the signature of the token is right; a certificate's file" },
	{ .name = NULL },
};
