/* SPDX-License-Identifier: MIT */
/*
 * Encrypted tokens (JWE, RFC 7516; algorithms of RFC 7518 4 and 5): the key of the content is taken from a secret,
 * unwrapped, decrypted or agreed upon, then the content is decrypted and checked. Whatever goes wrong gives an
 * empty text, so that nothing is told apart.
 */
#include <errno.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "base64.h"
#include "crypto.h"
#include "json.h"
#include "jwt.h"
#include "key_arg.h"
#include "keystore.h"
#include "tables.h"
#include "weir/rule/token.h"

#define KEY_MAX 64

/* ---- algorithms ---- */

enum content { CONTENT_GCM, CONTENT_CBC };

static const struct enc {
	const char *name;
	enum content content;
	size_t key_len;
	const char *cipher, *digest;
} encs[] = {
	{ "A128GCM", CONTENT_GCM, 16, "AES-128-GCM", NULL },
	{ "A192GCM", CONTENT_GCM, 24, "AES-192-GCM", NULL },
	{ "A256GCM", CONTENT_GCM, 32, "AES-256-GCM", NULL },
	{ "A128CBC-HS256", CONTENT_CBC, 32, "AES-128-CBC", "sha256" },
	{ "A192CBC-HS384", CONTENT_CBC, 48, "AES-192-CBC", "sha384" },
	{ "A256CBC-HS512", CONTENT_CBC, 64, "AES-256-CBC", "sha512" },
};

enum how { HOW_DIRECT, HOW_WRAP, HOW_GCM, HOW_PKCS1, HOW_OAEP, HOW_AGREE };

static const struct alg {
	const char *name;
	enum how how;
	size_t key_len; /* of the key that wraps; 0: there is none */
	const char *cipher, *digest;
} algs[] = {
	{ "dir", HOW_DIRECT, 0, NULL, NULL },
	{ "A128KW", HOW_WRAP, 16, "AES-128-WRAP", NULL },
	{ "A192KW", HOW_WRAP, 24, "AES-192-WRAP", NULL },
	{ "A256KW", HOW_WRAP, 32, "AES-256-WRAP", NULL },
	{ "A128GCMKW", HOW_GCM, 16, "AES-128-GCM", NULL },
	{ "A192GCMKW", HOW_GCM, 24, "AES-192-GCM", NULL },
	{ "A256GCMKW", HOW_GCM, 32, "AES-256-GCM", NULL },
	{ "RSA1_5", HOW_PKCS1, 0, NULL, NULL },
	{ "RSA-OAEP", HOW_OAEP, 0, NULL, "sha1" },
	{ "RSA-OAEP-256", HOW_OAEP, 0, NULL, "sha256" },
	{ "ECDH-ES", HOW_AGREE, 0, NULL, "sha256" },
	{ "ECDH-ES+A128KW", HOW_AGREE, 16, "AES-128-WRAP", "sha256" },
	{ "ECDH-ES+A192KW", HOW_AGREE, 24, "AES-192-WRAP", "sha256" },
	{ "ECDH-ES+A256KW", HOW_AGREE, 32, "AES-256-WRAP", "sha256" },
};

/* A bit for each algorithm that is not allowed, by its place in the table; one for all of a configuration. */
struct denied {
	uint32_t algs, encs;
};

/* Fetched while a configuration is read, so that tokens find them without a lock. */
struct jwe {
	struct key_arg key;
	const struct denied *denied; /* whatever its lines stand behind */
	const EVP_CIPHER *alg_ciphers[ARRAY_SIZE(algs)];
	const EVP_MD *alg_digests[ARRAY_SIZE(algs)];
	const EVP_CIPHER *enc_ciphers[ARRAY_SIZE(encs)];
	const EVP_MD *enc_digests[ARRAY_SIZE(encs)];
	struct slice secret; /* of a constant key */
};

/* One token being decrypted. */
struct open {
	const struct jwe *jwe;
	struct arena *arena;
	struct jwt token;
	struct slice header; /* decoded */
	const struct alg *alg;
	const struct enc *enc;
	struct slice secret; /* symmetric key; .ptr NULL without */
	EVP_PKEY *pkey;	     /* or a private one */
	struct slice wrapped;
	uint8_t cek[KEY_MAX];
};

static const EVP_CIPHER *alg_cipher(const struct open *o)
{
	return o->jwe->alg_ciphers[o->alg - algs];
}

static struct slice header_bytes(const struct open *o, const char *path)
{
	struct slice text = rule_json_string(o->arena, o->header, path);
	return text.ptr ? base64_decode_in(o->arena, text, true) : SLICE_NULL;
}

/* ---- the key of the content ---- */

static bool cek_set(struct open *o, struct slice key)
{
	if (!key.ptr || key.len != o->enc->key_len)
		return false;
	memcpy(o->cek, key.ptr, key.len);
	return true;
}

/* Decrypts the wrapped key with a symmetric one. */
static bool cek_run(struct open *o, const struct crypto_job *job)
{
	char *out = arena_bytes(o->arena, o->wrapped.len + 2 * EVP_MAX_BLOCK_LENGTH);
	ssize_t n = out ? crypto_run(job, (uint8_t *)out) : -1;
	return n > 0 && cek_set(o, slice_make(out, (size_t)n));
}

/* RFC 3394. */
static bool cek_unwrap(struct open *o, struct slice key)
{
	const struct crypto_job job = { .cipher = alg_cipher(o),
		.key = key,
		.nonce = SLICE("\xa6\xa6\xa6\xa6\xa6\xa6\xa6\xa6"),
		.in = o->wrapped };
	return cek_run(o, &job);
}

static bool cek_gcm(struct open *o, struct slice key)
{
	struct slice tag = header_bytes(o, "$.tag");
	struct crypto_job job = { .cipher = alg_cipher(o),
		.key = key,
		.nonce = header_bytes(o, "$.iv"),
		.in = o->wrapped,
		.tag = (uint8_t *)tag.ptr,
		.tag_len = tag.len };
	return tag.ptr && tag.len == 16 && job.nonce.ptr && cek_run(o, &job);
}

/*
 * A key that cannot be decrypted is replaced by a random one, so that the token fails where all others do, at its
 * tag: who sends tokens must not learn which of them had the right padding (RFC 7516 11.5).
 */
static bool cek_pkcs1(struct open *o)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(o->pkey, NULL);
	size_t len = (size_t)EVP_PKEY_get_size(o->pkey);
	char *out = arena_bytes(o->arena, len);
	bool ready = ctx && out && RAND_bytes(o->cek, (int)o->enc->key_len) > 0 &&
		     EVP_PKEY_is_a(o->pkey, "RSA") && EVP_PKEY_decrypt_init(ctx) > 0 &&
		     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
	if (ready && EVP_PKEY_decrypt(ctx, (uint8_t *)out, &len, (const uint8_t *)o->wrapped.ptr,
			 o->wrapped.len) > 0)
		(void)cek_set(o, slice_make(out, len));
	EVP_PKEY_CTX_free(ctx);
	return ready;
}

static bool cek_oaep(struct open *o)
{
	const EVP_MD *md = o->jwe->alg_digests[o->alg - algs];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(o->pkey, NULL);
	size_t len = (size_t)EVP_PKEY_get_size(o->pkey);
	char *out = arena_bytes(o->arena, len);
	bool good = ctx && out && EVP_PKEY_is_a(o->pkey, "RSA") && EVP_PKEY_decrypt_init(ctx) > 0 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
		    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) > 0 &&
		    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0 &&
		    EVP_PKEY_decrypt(ctx, (uint8_t *)out, &len, (const uint8_t *)o->wrapped.ptr,
			o->wrapped.len) > 0;
	EVP_PKEY_CTX_free(ctx);
	return good && cek_set(o, slice_make(out, len));
}

/* What both sides of an ECDH agreement know; out holds 66 bytes. */
static size_t agreed_secret(struct open *o, uint8_t *out, size_t cap)
{
	struct json_value epk;
	size_t len = cap;
	if (!rule_json_find(o->header, SLICE("$.epk"), &epk) || epk.kind != JSON_OBJECT)
		return 0;
	EVP_PKEY *peer = jwk_key(o->arena, epk.text);
	EVP_PKEY_CTX *ctx = peer ? EVP_PKEY_CTX_new(o->pkey, NULL) : NULL;
	if (!ctx || !EVP_PKEY_is_a(o->pkey, "EC") || EVP_PKEY_derive_init(ctx) <= 0 ||
	    EVP_PKEY_derive_set_peer(ctx, peer) <= 0 || EVP_PKEY_derive(ctx, out, &len) <= 0)
		len = 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	return len;
}

static struct slice be32_text(uint8_t out[4], size_t value)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
	return slice_make((const char *)out, 4);
}

/* Concat KDF (RFC 7518 4.6.2): the key that wraps, or that of the content itself. */
static bool cek_agree(struct open *o)
{
	uint8_t z[80], key[2 * 32], numbers[5][4];
	size_t z_len = agreed_secret(o, z, sizeof(z));
	size_t want = o->alg->key_len ? o->alg->key_len : o->enc->key_len;
	struct slice id = slice_str(o->alg->key_len ? o->alg->name : o->enc->name);
	struct slice apu = header_bytes(o, "$.apu"), apv = header_bytes(o, "$.apv");
	if (!z_len)
		return false;
	for (size_t round = 0; round * 32 < want; round++) {
		const struct slice pieces[] = {
			be32_text(numbers[0], round + 1),
			slice_make((const char *)z, z_len),
			be32_text(numbers[1], id.len),
			id,
			be32_text(numbers[2], apu.len),
			apu,
			be32_text(numbers[3], apv.len),
			apv,
			be32_text(numbers[4], want * 8),
		};
		if (crypto_digest(o->jwe->alg_digests[o->alg - algs], pieces, ARRAY_SIZE(pieces),
			key + round * 32) != 32)
			return false;
	}
	struct slice agreed = slice_make((const char *)key, want);
	if (o->alg->key_len)
		return cek_unwrap(o, agreed);
	return o->wrapped.len == 0 && cek_set(o, agreed);
}

static bool cek_find(struct open *o)
{
	bool symmetric = o->alg->how <= HOW_GCM;
	if (symmetric ? !o->secret.ptr : !o->pkey)
		return false;
	switch (o->alg->how) {
	case HOW_DIRECT:
		return o->wrapped.len == 0 && cek_set(o, o->secret);
	case HOW_WRAP:
		return cek_unwrap(o, o->secret);
	case HOW_GCM:
		return cek_gcm(o, o->secret);
	case HOW_PKCS1:
		return cek_pkcs1(o);
	case HOW_OAEP:
		return cek_oaep(o);
	case HOW_AGREE:
		return cek_agree(o);
	}
	return false;
}

/* ---- the content ---- */

/* First half of the key authenticates, second half decrypts (RFC 7518 5.2.2). */
static bool mac_right(const struct open *o, const struct crypto_job *job, struct slice tag)
{
	uint8_t mac[EVP_MAX_MD_SIZE], bits[8];
	size_t half = o->enc->key_len / 2;
	uint64_t aad_bits = (uint64_t)job->aad.len * 8;
	for (unsigned i = 0; i < 8; i++)
		bits[i] = (uint8_t)(aad_bits >> (56 - 8 * i));
	const struct slice pieces[] = { job->aad, job->nonce, job->in,
		slice_make((const char *)bits, 8) };
	size_t len = crypto_hmac(o->jwe->enc_digests[o->enc - encs],
	    slice_make((const char *)o->cek, half), pieces, ARRAY_SIZE(pieces), mac);
	return len && tag.len == half && CRYPTO_memcmp(mac, tag.ptr, half) == 0;
}

static bool content(struct open *o, struct sample *s)
{
	struct slice tag = base64_decode_in(o->arena, o->token.part[4], true);
	struct crypto_job job = { .cipher = o->jwe->enc_ciphers[o->enc - encs],
		.key = slice_make((const char *)o->cek, o->enc->key_len),
		.nonce = base64_decode_in(o->arena, o->token.part[2], true),
		.aad = o->token.part[0],
		.in = base64_decode_in(o->arena, o->token.part[3], true) };
	if (!tag.ptr || !job.nonce.ptr || !job.in.ptr)
		return false;
	if (o->enc->content == CONTENT_GCM) {
		if (tag.len != 16 || job.nonce.len != 12)
			return false;
		job.tag = (uint8_t *)tag.ptr;
		job.tag_len = tag.len;
	} else {
		if (!mac_right(o, &job, tag))
			return false;
		job.key = slice_sub(job.key, o->enc->key_len / 2, SIZE_MAX);
		job.aad = SLICE("");
	}
	char *out = arena_bytes(o->arena, job.in.len + 2 * EVP_MAX_BLOCK_LENGTH);
	ssize_t n = out ? crypto_run(&job, (uint8_t *)out) : -1;
	return n >= 0 && ret_bin(s, slice_make(out, (size_t)n));
}

static bool open_token(struct open *o, struct slice text)
{
	if (!jwt_split(text, &o->token) || o->token.n != 5)
		return false;
	o->header = base64_decode_in(o->arena, o->token.part[0], true);
	o->wrapped = base64_decode_in(o->arena, o->token.part[1], true);
	if (!o->header.ptr || !o->wrapped.ptr)
		return false;
	struct slice alg = rule_json_string(o->arena, o->header, "$.alg");
	struct slice enc = rule_json_string(o->arena, o->header, "$.enc");
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		if (!(o->jwe->denied->algs >> i & 1) && slice_eq(slice_str(algs[i].name), alg))
			o->alg = &algs[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(encs); i++) {
		if (!(o->jwe->denied->encs >> i & 1) && slice_eq(slice_str(encs[i].name), enc))
			o->enc = &encs[i];
	}
	return o->alg && o->enc;
}

static bool decrypt(struct open *o, struct sample *s)
{
	bool good = open_token(o, s->str) && cek_find(o) && content(o, s);
	OPENSSL_cleanse(o->cek, sizeof(o->cek));
	return good || ret_bin(s, SLICE(""));
}

/* ---- the three converters ---- */

static bool conv_secret(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct jwe *jwe = args->data;
	struct open o = { .jwe = jwe, .arena = cx->arena, .secret = jwe->secret };
	struct slice text;
	if (key_arg_varies(&jwe->key)) {
		if (!key_arg_get(&jwe->key, cx, &text))
			return ret_bin(s, SLICE(""));
		o.secret = base64_decode_in(cx->arena, text, true);
	}
	return decrypt(&o, s);
}

static bool conv_cert(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct jwe *jwe = args->data;
	struct open o = { .jwe = jwe, .arena = cx->arena };
	struct slice path;
	if (key_arg_get(&jwe->key, cx, &path))
		o.pkey = keystore_find(KEY_PRIVATE, path);
	return decrypt(&o, s);
}

static bool is_oct(struct arena *arena, struct slice jwk)
{
	return slice_eq(rule_json_string(arena, jwk, "$.kty"), SLICE("oct"));
}

static struct slice oct_secret(struct arena *arena, struct slice jwk)
{
	struct slice k = rule_json_string(arena, jwk, "$.k");
	return k.ptr ? base64_decode_in(arena, k, true) : SLICE_NULL;
}

/* Keys are made for each token: they are private, and their owner may change the variable. */
static bool conv_jwk(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct jwe *jwe = args->data;
	struct open o = { .jwe = jwe, .arena = cx->arena };
	struct slice jwk;
	EVP_PKEY *made = NULL;
	if (!key_arg_get(&jwe->key, cx, &jwk))
		return ret_bin(s, SLICE(""));
	if (is_oct(cx->arena, jwk))
		o.secret = oct_secret(cx->arena, jwk);
	else
		o.pkey = made = jwk_key(cx->arena, jwk);
	bool ret = decrypt(&o, s);
	EVP_PKEY_free(made);
	return ret;
}

/* NULL: no memory. */
static struct denied *denied_of(struct conf *conf)
{
	void **slot = conf_slot(conf, CONF_SLOT_JWE);
	if (!*slot)
		*slot = arena_new(conf_arena(conf), struct denied);
	return *slot;
}

static const char *table_name(bool enc, size_t i)
{
	if (enc)
		return i < ARRAY_SIZE(encs) ? encs[i].name : NULL;
	return i < ARRAY_SIZE(algs) ? algs[i].name : NULL;
}

/* One word of a list. False: unknown. */
static bool apply(struct slice word, bool enc, uint32_t *allowed)
{
	bool off = slice_has_prefix(word, SLICE("!"));
	struct slice name = off ? slice_sub(word, 1, word.len) : word;
	const char *known;
	if (slice_eq(name, SLICE("ALL"))) {
		*allowed = off ? 0 : UINT32_MAX;
		return true;
	}
	for (size_t i = 0; (known = table_name(enc, i)); i++) {
		if (!slice_eq(slice_str(known), name))
			continue;
		*allowed = off ? *allowed & ~(1u << i) : *allowed | 1u << i;
		return true;
	}
	return false;
}

int rule_token_allow(struct conf *conf, const struct conf_line *line, int arg, bool enc)
{
	struct denied *denied = denied_of(conf);
	struct slice rest = slice_str(line->argv[arg]);
	uint32_t allowed = 0;
	if (!denied) {
		conf_error(conf, line, arg, "out of memory");
		return -1;
	}
	for (bool more = true; more;) {
		size_t end = slice_find(rest, ':');
		struct slice word = slice_sub(rest, 0, end);
		more = end < rest.len;
		rest = slice_sub(rest, end + 1, rest.len);
		if (apply(word, enc, &allowed))
			continue;
		conf_error(conf, line, arg, "'%s' knows no algorithm '%.*s'", line->argv[arg - 1],
		    SLICE_ARG(word));
		return -1;
	}
	*(enc ? &denied->encs : &denied->algs) = ~allowed;
	return 0;
}

static struct jwe *check_common(const struct arg_place *at, struct args *args)
{
	struct jwe *jwe = arena_new(conf_arena(at->conf), struct jwe);
	args->data = jwe;
	if (!jwe || key_arg_check(at, args, 0, false, &jwe->key) < 0)
		return NULL;
	jwe->denied = denied_of(at->conf);
	if (!jwe->denied)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		jwe->alg_ciphers[i] = algs[i].cipher ? crypto_cipher(algs[i].cipher) : NULL;
		jwe->alg_digests[i] = algs[i].digest ? crypto_md(algs[i].digest) : NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(encs); i++) {
		jwe->enc_ciphers[i] = crypto_cipher(encs[i].cipher);
		jwe->enc_digests[i] = encs[i].digest ? crypto_md(encs[i].digest) : NULL;
	}
	return jwe;
}

static int check_secret(const struct arg_place *at, struct args *args)
{
	struct jwe *jwe = check_common(at, args);
	if (!jwe || key_arg_varies(&jwe->key))
		return jwe ? 0 : -1;
	jwe->secret = base64_decode_in(conf_arena(at->conf), jwe->key.text, true);
	if (jwe->secret.ptr)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: the secret is no base64url", at->what);
	return -1;
}

static int check_cert(const struct arg_place *at, struct args *args)
{
	struct jwe *jwe = check_common(at, args);
	if (!jwe || key_arg_varies(&jwe->key))
		return jwe ? 0 : -1;
	int err = keystore_load(KEY_PRIVATE, jwe->key.text.ptr);
	if (err == 0)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: '%s': %s", at->what, jwe->key.text.ptr,
	    err == -EBADMSG ? "no private key in it" : strerror(-err));
	return -1;
}

static int check_jwk(const struct arg_place *at, struct args *args)
{
	struct jwe *jwe = check_common(at, args);
	struct arena *arena = conf_arena(at->conf);
	if (!jwe || key_arg_varies(&jwe->key))
		return jwe ? 0 : -1;
	if (is_oct(arena, jwe->key.text) && oct_secret(arena, jwe->key.text).ptr)
		return 0;
	EVP_PKEY *key = jwk_key(arena, jwe->key.text);
	EVP_PKEY_free(key);
	if (key)
		return 0;
	conf_error(
	    at->conf, at->line, at->arg, "%s: no JSON Web Key of type oct, RSA or EC", at->what);
	return -1;
}

const struct conv_row conv_jwe_rows[] = {
	{ .name = "jwt_decrypt_secret",
	    .in = SMP_STR,
	    .out = SMP_BIN,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .eval = conv_secret,
	    .check = check_secret,
	    .usage = "<secret>",
	    .help = "content of an encrypted token; the secret in base64url" },
	{ .name = "jwt_decrypt_cert",
	    .in = SMP_STR,
	    .out = SMP_BIN,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .eval = conv_cert,
	    .check = check_cert,
	    .usage = "<cert>",
	    .help = "content of an encrypted token; a file with the private key" },
	{ .name = "jwt_decrypt_jwk",
	    .in = SMP_STR,
	    .out = SMP_BIN,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .eval = conv_jwk,
	    .check = check_jwk,
	    .usage = "<jwk>",
	    .help = "content of an encrypted token; a JSON Web Key" },
	{ .name = NULL },
};
