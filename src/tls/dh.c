/* SPDX-License-Identifier: MIT */
/*
 * Parameters of finite-field Diffie-Hellman: the groups of RFC 7919 by size, and those of PEM files.
 */
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "store_int.h"

static const struct {
	unsigned bits;
	const char *group;
} groups[] = {
	{ 8192, "ffdhe8192" },
	{ 6144, "ffdhe6144" },
	{ 4096, "ffdhe4096" },
	{ 3072, "ffdhe3072" },
	{ 2048, "ffdhe2048" },
};

EVP_PKEY *tls_dh_group(unsigned bits)
{
	unsigned i = 0;
	while (i < ARRAY_SIZE(groups) - 1 && groups[i].bits > bits)
		i++;
	char *name = (char *)(uintptr_t)groups[i].group;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *dh = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &dh, EVP_PKEY_KEY_PARAMETERS, params) <= 0)
		dh = NULL;
	EVP_PKEY_CTX_free(ctx);
	return dh;
}

EVP_PKEY *tls_dh_read_pem(struct slice text)
{
	BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
	EVP_PKEY *dh = bio ? PEM_read_bio_Parameters(bio, NULL) : NULL;
	BIO_free(bio);
	if (dh && !EVP_PKEY_is_a(dh, "DH") && !EVP_PKEY_is_a(dh, "DHX")) {
		EVP_PKEY_free(dh);
		dh = NULL;
	}
	return dh;
}
