/* SPDX-License-Identifier: MIT */
/*
 * Fills a directory with certificates for measuring how they load: gen_certs DIR COUNT [rsa]. Each file has a leaf for
 * siteN.example and www.siteN.example, its key and the certificate of the CA. RSA leaves share one key, which takes
 * long to make and loads as any other.
 *
 *	cc -O1 -Iinclude -D_GNU_SOURCE -o gen_certs tests/tls/gen_certs.c -lcrypto
 */
#include "../unit/tls/test_cert.c"

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: gen_certs DIR COUNT [rsa]\n");
		return 2;
	}
	bool rsa = argc > 3 && strcmp(argv[3], "rsa") == 0;
	long count = strtol(argv[2], NULL, 10);
	struct test_cert ca =
	    test_cert_make(&(struct test_spec){ .cn = "Test CA", .ca = true }, NULL);
	EVP_PKEY *shared = rsa ? EVP_RSA_gen(2048) : NULL;
	for (long i = 0; i < count; i++) {
		char cn[64], san[160], name[64];
		snprintf(cn, sizeof(cn), "site%ld.example", i);
		snprintf(san, sizeof(san), "DNS:%s,DNS:www.%s", cn, cn);
		snprintf(name, sizeof(name), "site%06ld.pem", i);
		struct test_cert c =
		    test_cert_make(&(struct test_spec){ .cn = cn, .san = san }, &ca);
		if (shared) {
			EVP_PKEY_free(c.key);
			EVP_PKEY_up_ref(shared);
			c.key = shared;
			X509_set_pubkey(c.x509, shared);
			X509_sign(c.x509, ca.key, EVP_sha256());
		}
		test_write_pem(argv[1], name, &c, true, &ca);
		test_cert_free(&c);
	}
	EVP_PKEY_free(shared);
	test_cert_free(&ca);
	return 0;
}
