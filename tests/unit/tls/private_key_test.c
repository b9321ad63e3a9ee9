/* SPDX-License-Identifier: MIT */
/* Keys that are taken apart here are the same as those that OpenSSL reads; broken ones are nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/tls/private_key.h"
#include "../../../src/tls/store_parse.h"

static EVP_PKEY *generate(const char *kind)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048)
			: *kind == 'P'		 ? EVP_EC_gen(kind)
						 : EVP_PKEY_Q_keygen(NULL, NULL, kind);
	assert_non_null(key);
	return key;
}

static struct slice traditional(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int len = i2d_PrivateKey(key, &der);
	assert_true(len > 0);
	return slice_make((char *)der, (size_t)len);
}

static struct slice pkcs8(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert_true(len > 0);
	PKCS8_PRIV_KEY_INFO_free(info);
	return slice_make((char *)der, (size_t)len);
}

static void assert_signs_for(EVP_PKEY *key, EVP_PKEY *public)
{
	unsigned char sig[1024];
	size_t len = sizeof(sig);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(c, sig, &len, (const unsigned char *)"weir", 4), 1);
	EVP_MD_CTX_free(c);
	c = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, public), 1);
	assert_int_equal(EVP_DigestVerify(c, sig, len, (const unsigned char *)"weir", 4), 1);
	EVP_MD_CTX_free(c);
}

static void assert_reads(struct slice der, EVP_PKEY *key)
{
	struct der_key parts;
	assert_true(der_key_parse(der, &parts));
	EVP_PKEY *got = tls_private_key(der);
	assert_non_null(got);
	assert_int_equal(EVP_PKEY_eq(got, key), 1);
	assert_signs_for(got, key);
	EVP_PKEY_free(got);
}

static void common_keys_are_taken_apart(void **state)
{
	static const char *const kinds[] = { "RSA", "P-256", "P-384", "P-521" };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		EVP_PKEY *key = generate(kinds[i]);
		struct slice one = traditional(key), other = pkcs8(key);
		assert_reads(one, key);
		assert_reads(other, key);
		free((char *)one.ptr);
		free((char *)other.ptr);
		EVP_PKEY_free(key);
	}
}

static void others_are_read_by_openssl(void **state)
{
	(void)state;
	EVP_PKEY *key = generate("ED25519");
	struct slice der = pkcs8(key);
	struct der_key parts;
	assert_false(der_key_parse(der, &parts));
	EVP_PKEY *got = tls_private_key(der);
	assert_int_equal(EVP_PKEY_eq(got, key), 1);
	EVP_PKEY_free(got);
	free((char *)der.ptr);
	EVP_PKEY_free(key);
}

/* From a buffer of just that size, so that reading beyond it shows. */
static void key_that_is_cut_is_none(void **state)
{
	static const char *const kinds[] = { "RSA", "P-256" };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		EVP_PKEY *key = generate(kinds[i]);
		struct slice der = pkcs8(key);
		for (size_t len = 0; len < der.len; len += 7) {
			char *cut = malloc(len + !len);
			memcpy(cut, der.ptr, len);
			assert_null(tls_private_key(slice_make(cut, len)));
			free(cut);
		}
		ERR_clear_error();
		free((char *)der.ptr);
		EVP_PKEY_free(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_keys_are_taken_apart),
		cmocka_unit_test(others_are_read_by_openssl),
		cmocka_unit_test(key_that_is_cut_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
