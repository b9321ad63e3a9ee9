/* SPDX-License-Identifier: MIT */
/*
 * Digests, message authentication codes and AES through libcrypto. Algorithms are fetched when the configuration
 * is read; nothing here allocates but from the stream's arena.
 */
#include "base64.h"
#include "crypto.h"
#include "key_arg.h"
#include "tables.h"
#include "var.h"

/* ---- digests ---- */

static bool ret_copy(struct rule_ctx *cx, struct sample *s, const uint8_t *bytes, size_t len)
{
	return len && ret_bin(s, arena_slice(cx->arena, slice_make((const char *)bytes, len)));
}

/* args->data is the algorithm. */
static bool conv_digest(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint8_t out[EVP_MAX_MD_SIZE];
	return ret_copy(cx, s, out, crypto_digest(args->data, &s->str, 1, out));
}

static int check_sha1(const struct arg_place *at, struct args *args)
{
	args->data = (void *)crypto_md("sha1");
	if (args->data)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: libcrypto has no SHA-1", at->what);
	return -1;
}

static int check_sha2(const struct arg_place *at, struct args *args)
{
	char name[16];
	int64_t bits = args_has(args, 0) ? args->v[0].num : 256;
	if (bits == 224 || bits == 256 || bits == 384 || bits == 512) {
		snprintf(name, sizeof(name), "sha%d", (int)bits);
		args->data = (void *)crypto_md(name);
	}
	if (args->data)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: bits are 224, 256, 384 or 512", at->what);
	return -1;
}

static const EVP_MD *known_md(const struct arg_place *at, const char *name)
{
	const EVP_MD *md = crypto_md(name);
	if (!md)
		conf_error(at->conf, at->line, at->arg, "%s: libcrypto knows no digest '%s'",
		    at->what, name);
	return md;
}

static int check_digest(const struct arg_place *at, struct args *args)
{
	args->data = (void *)known_md(at, args->v[0].str.ptr);
	return args->data ? 0 : -1;
}

struct hmac {
	const EVP_MD *md;
	struct key_arg key;
};

static int check_hmac(const struct arg_place *at, struct args *args)
{
	struct hmac *h = arena_new(conf_arena(at->conf), struct hmac);
	args->data = h;
	if (!h)
		return -1;
	h->md = known_md(at, args->v[0].str.ptr);
	return h->md ? key_arg_check(at, args, 1, true, &h->key) : -1;
}

static bool conv_hmac(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct hmac *h = args->data;
	uint8_t out[EVP_MAX_MD_SIZE];
	struct slice key;
	return key_arg_get(&h->key, cx, &key) &&
	       ret_copy(cx, s, out, crypto_hmac(h->md, key, &s->str, 1, out));
}

/* ---- AES ---- */

#define GCM_TAG 16

struct aes {
	const EVP_CIPHER *cipher;
	struct key_arg nonce, key, tag, aad;
	bool gcm, encrypt;
};

/* (bits, nonce, key[, tag][, aad]); the tag with GCM only. */
static int aes_check(const struct arg_place *at, struct args *args, bool gcm, bool encrypt)
{
	struct aes *a = arena_new(conf_arena(at->conf), struct aes);
	int64_t bits = args->v[0].num;
	char name[32];
	args->data = a;
	if (!a)
		return -1;
	if (bits != 128 && bits != 192 && bits != 256) {
		conf_error(at->conf, at->line, at->arg, "%s: bits are 128, 192 or 256", at->what);
		return -1;
	}
	snprintf(name, sizeof(name), "AES-%d-%s", (int)bits, gcm ? "GCM" : "CBC");
	a->cipher = crypto_cipher(name);
	a->gcm = gcm;
	a->encrypt = encrypt;
	if (!a->cipher) {
		conf_error(at->conf, at->line, at->arg, "%s: libcrypto has no %s", at->what, name);
		return -1;
	}
	if (key_arg_check(at, args, 1, true, &a->nonce) < 0 ||
	    key_arg_check(at, args, 2, true, &a->key) < 0 ||
	    key_arg_check(at, args, gcm ? 4 : 12, true, &a->aad) < 0)
		return -1;
	if (!gcm && args_has(args, 3))
		conf_warning(at->conf, at->line, at->arg,
		    "%s: CBC authenticates nothing, so <aad> has no effect", at->what);
	return gcm ? key_arg_check(at, args, 3, true, &a->tag) : 0;
}

static int check_gcm_enc(const struct arg_place *at, struct args *args)
{
	if (var_is_name(args->v[3].str))
		return aes_check(at, args, true, true);
	conf_error(at->conf, at->line, at->arg,
	    "%s: <aead_tag> is the variable that gets the tag, not '%s'", at->what,
	    args->v[3].str.ptr);
	return -1;
}

static int check_gcm_dec(const struct arg_place *at, struct args *args)
{
	return aes_check(at, args, true, false);
}

static int check_cbc_dec(const struct arg_place *at, struct args *args)
{
	return aes_check(at, args, false, false);
}

static int check_cbc_enc(const struct arg_place *at, struct args *args)
{
	return aes_check(at, args, false, true);
}

/* The tag goes to its variable in base64. */
static bool keep_tag(struct rule_ctx *cx, const struct aes *a, const uint8_t tag[GCM_TAG])
{
	char text[BASE64_TEXT(GCM_TAG)];
	struct sample s = { .type = SMP_STR };
	s.str =
	    slice_make(text, base64_encode(slice_make((const char *)tag, GCM_TAG), false, text));
	return var_set(cx, a->tag.var, 0, &s);
}

static bool conv_aes(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct aes *a = args->data;
	struct crypto_job job = { .cipher = a->cipher, .in = s->str, .encrypt = a->encrypt };
	struct slice tag;
	uint8_t tag_bytes[GCM_TAG];
	if (!key_arg_get(&a->nonce, cx, &job.nonce) || !key_arg_get(&a->key, cx, &job.key) ||
	    !key_arg_get(&a->aad, cx, &job.aad))
		return false;
	if (a->gcm && !a->encrypt) {
		if (!key_arg_get(&a->tag, cx, &tag) || tag.len != GCM_TAG)
			return false;
		memcpy(tag_bytes, tag.ptr, GCM_TAG);
	}
	if (a->gcm) {
		job.tag = tag_bytes;
		job.tag_len = GCM_TAG;
	}
	char *out = arena_bytes(cx->arena, s->str.len + 2 * EVP_MAX_BLOCK_LENGTH);
	ssize_t n = out ? crypto_run(&job, (uint8_t *)out) : -1;
	if (n < 0 || (a->gcm && a->encrypt && !keep_tag(cx, a, tag_bytes)))
		return false;
	return ret_bin(s, slice_make(out, (size_t)n));
}

const struct conv_row conv_digest_rows[] = {
	{ .name = "sha1",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .eval = conv_digest,
	    .check = check_sha1,
	    .help = "SHA-1 digest" },
	{ .name = "sha2",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args = { ARG_SINT },
	    .eval = conv_digest,
	    .check = check_sha2,
	    .usage = "[<bits>]",
	    .help = "SHA-2 digest of 224, 256 (the default), 384 or 512 bits" },
	{ .name = "digest",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .eval = conv_digest,
	    .check = check_digest,
	    .usage = "<algorithm>",
	    .help = "digest of any algorithm that libcrypto has" },
	{ .name = "hmac",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args_min = 2,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_hmac,
	    .check = check_hmac,
	    .usage = "<algorithm>,<key>",
	    .help = "message authentication code; the key in base64" },
	{ .name = "aes_gcm_dec",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args_min = 4,
	    .args = { ARG_SINT, ARG_STR, ARG_STR, ARG_STR, ARG_STR },
	    .eval = conv_aes,
	    .check = check_gcm_dec,
	    .usage = "<bits>,<nonce>,<key>,<aead_tag>[,<aad>]",
	    .help = "decrypted with AES-GCM; no value when the tag is wrong" },
	{ .name = "aes_gcm_enc",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args_min = 4,
	    .args = { ARG_SINT, ARG_STR, ARG_STR, ARG_STR, ARG_STR },
	    .eval = conv_aes,
	    .check = check_gcm_enc,
	    .usage = "<bits>,<nonce>,<key>,<aead_tag>[,<aad>]",
	    .help = "encrypted with AES-GCM; the tag goes to a variable in base64" },
	{ .name = "aes_cbc_dec",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args_min = 3,
	    .args = { ARG_SINT, ARG_STR, ARG_STR, ARG_STR },
	    .eval = conv_aes,
	    .check = check_cbc_dec,
	    .usage = "<bits>,<nonce>,<key>[,<aad>]",
	    .help = "decrypted with AES-CBC; no value when the padding is wrong" },
	{ .name = "aes_cbc_enc",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args_min = 3,
	    .args = { ARG_SINT, ARG_STR, ARG_STR, ARG_STR },
	    .eval = conv_aes,
	    .check = check_cbc_enc,
	    .usage = "<bits>,<nonce>,<key>[,<aad>]",
	    .help = "encrypted with AES-CBC and PKCS#7 padding" },
	{ .name = NULL },
};
