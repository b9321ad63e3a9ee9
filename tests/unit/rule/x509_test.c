/* SPDX-License-Identifier: MIT */
/*
 * Parts of certificates as texts: names in both spellings, entries by place, times of both kinds, algorithms,
 * extensions. The certificates are made here.
 */
#include "../../../src/rule/x509.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "fixture.h"

struct state {
	struct arena mem;
	X509_NAME *name;
	X509 *cert;
};

static int setup(void **state)
{
	struct state *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	arena_init(&s->mem, 4096);
	s->name = X509_NAME_new();
	s->cert = X509_new();
	*state = s;
	return s->name && s->cert ? 0 : -1;
}

static int teardown(void **state)
{
	struct state *s = *state;
	X509_NAME_free(s->name);
	X509_free(s->cert);
	arena_reset(&s->mem);
	free(s);
	return 0;
}

/* join: 0 an entry of its own, -1 beside the one in front. */
static void add(struct state *s, const char *key, const char *value, int len, int join)
{
	assert_int_equal(1, X509_NAME_add_entry_by_txt(s->name, key, MBSTRING_UTF8,
				(const unsigned char *)value, len, -1, join));
}

static void assert_text(struct slice got, const char *want)
{
	if (!want) {
		assert_null(got.ptr);
		return;
	}
	assert_non_null(got.ptr);
	if (!slice_eq(got, slice_str(want)))
		fail_msg("'%.*s' instead of '%s'", (int)got.len, got.ptr, want);
}

static void names_are_written_in_their_order(void **state)
{
	struct state *s = *state;
	add(s, "C", "FR", -1, 0);
	add(s, "O", "a/b, c", -1, 0);
	add(s, "1.2.3.4.5", "odd", -1, 0);
	add(s, "CN", "x", -1, 0);
	assert_text(x509_dn(s->name, &s->mem), "/C=FR/O=a/b, c/1.2.3.4.5=odd/CN=x");
}

static void rfc2253_turns_the_order_and_escapes(void **state)
{
	struct state *s = *state;
	add(s, "C", "FR", -1, 0);
	add(s, "O", "a, b", -1, 0);
	add(s, "OU", "u", -1, 0);
	add(s, "UID", "7", -1, -1);
	add(s, "CN", "\xc3\xae", -1, 0);
	assert_text(x509_dn_rfc2253(s->name, &s->mem), "CN=\\C3\\AE,UID=7+OU=u,O=a\\, b,C=FR");
}

static void an_empty_name_is_no_value(void **state)
{
	struct state *s = *state;
	assert_text(x509_dn(s->name, &s->mem), NULL);
	assert_text(x509_dn_rfc2253(s->name, &s->mem), NULL);
	assert_text(x509_dn_entry(s->name, SLICE("CN"), 1), NULL);
}

static void entries_are_counted_from_both_ends(void **state)
{
	struct state *s = *state;
	add(s, "OU", "one", -1, 0);
	add(s, "CN", "n", -1, 0);
	add(s, "OU", "two", -1, 0);
	add(s, "OU", "three", -1, 0);
	assert_text(x509_dn_entry(s->name, SLICE("OU"), 1), "one");
	assert_text(x509_dn_entry(s->name, SLICE("OU"), 3), "three");
	assert_text(x509_dn_entry(s->name, SLICE("OU"), 4), NULL);
	assert_text(x509_dn_entry(s->name, SLICE("ou"), -1), "three");
	assert_text(x509_dn_entry(s->name, SLICE("OU"), -3), "one");
	assert_text(x509_dn_entry(s->name, SLICE("OU"), -4), NULL);
	assert_text(x509_dn_entry(s->name, SLICE("OU"), 0), NULL);
	assert_text(x509_dn_entry(s->name, SLICE("commonName"), 1), NULL);
	assert_text(x509_dn_entry(s->name, SLICE("C"), 1), NULL);
}

/* "good\0.evil" must not be taken for "good" by whoever reads up to the NUL. */
static void a_nul_inside_a_value_makes_it_none(void **state)
{
	struct state *s = *state;
	add(s, "CN", "good\0.evil", 10, 0);
	add(s, "OU", "fine", -1, 0);
	assert_text(x509_dn_entry(s->name, SLICE("CN"), 1), NULL);
	assert_text(x509_dn_entry(s->name, SLICE("OU"), 1), "fine");
	assert_text(x509_dn(s->name, &s->mem), NULL);
	assert_text(x509_dn_rfc2253(s->name, &s->mem), NULL);
}

static void nul_bytes_at_the_end_of_a_value_are_cut_off(void **state)
{
	struct state *s = *state;
	add(s, "CN", "good\0\0", 6, 0);
	assert_text(x509_dn_entry(s->name, SLICE("CN"), 1), "good");
	assert_text(x509_dn(s->name, &s->mem), "/CN=good");
}

static void check_time(int type, const char *raw, const char *want)
{
	ASN1_TIME *t = ASN1_STRING_type_new(type);
	assert_non_null(t);
	assert_int_equal(1, ASN1_STRING_set(t, raw, -1));
	assert_text(x509_time(t), want);
	ASN1_STRING_free(t);
}

static void times_have_two_digits_of_the_year(void **state)
{
	check_time(V_ASN1_UTCTIME, "240229010203Z", "240229010203Z");
	check_time(V_ASN1_UTCTIME, "991231235959Z", "991231235959Z");
	check_time(V_ASN1_GENERALIZEDTIME, "20501231235959Z", "501231235959Z");
	check_time(V_ASN1_GENERALIZEDTIME, "21200101000000Z", NULL);
	check_time(V_ASN1_GENERALIZEDTIME, "19500101000000Z", NULL);
	check_time(V_ASN1_UTCTIME, "24", NULL);
	check_time(V_ASN1_GENERALIZEDTIME, "20", NULL);
}

static void sign(struct state *s, EVP_PKEY *key, const EVP_MD *md)
{
	assert_non_null(key);
	X509_set_version(s->cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(s->cert), 0x80);
	X509_gmtime_adj(X509_getm_notBefore(s->cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(s->cert), 3600);
	assert_int_equal(1, X509_set_pubkey(s->cert, key));
	assert_true(X509_sign(s->cert, key, md) > 0);
}

static void check_algorithms(
    void **state, EVP_PKEY *key, const EVP_MD *md, const char *key_alg, const char *sig_alg)
{
	struct state *s = *state;
	sign(s, key, md);
	assert_text(x509_key_alg(s->cert), key_alg);
	assert_text(x509_sig_alg(s->cert), sig_alg);
	EVP_PKEY_free(key);
}

static void algorithms_have_their_short_names(void **state)
{
	check_algorithms(
	    state, EVP_EC_gen("P-256"), EVP_sha384(), "id-ecPublicKey", "ecdsa-with-SHA384");
	check_algorithms(state, EVP_RSA_gen(1024), EVP_sha256(), "rsaEncryption", "RSA-SHA256");
	check_algorithms(
	    state, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "ED25519", "ED25519");
}

static void extend(struct state *s, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(ext);
	assert_int_equal(1, X509_add_ext(s->cert, ext, -1));
	X509_EXTENSION_free(ext);
}

static void other_names_are_listed(void **state)
{
	struct state *s = *state;
	assert_text(x509_san(s->cert, &s->mem), NULL);
	extend(s, NID_subject_alt_name, "DNS:a.example,IP:127.0.0.1,URI:urn:x");
	assert_text(x509_san(s->cert, &s->mem), "DNS:a.example, IP Address:127.0.0.1, URI:urn:x");
}

static void add_policies(struct state *s, const char *const ids[2])
{
	CERTIFICATEPOLICIES *all = CERTIFICATEPOLICIES_new();
	for (int i = 0; i < 2; i++) {
		POLICYINFO *one = POLICYINFO_new();
		one->policyid = OBJ_txt2obj(ids[i], 1);
		sk_POLICYINFO_push(all, one);
	}
	assert_int_equal(
	    1, X509_add1_ext_i2d(s->cert, NID_certificate_policies, all, 0, X509V3_ADD_DEFAULT));
	CERTIFICATEPOLICIES_free(all);
}

static void policies_are_listed_or_looked_for(void **state)
{
	struct state *s = *state;
	ASN1_OBJECT *there = OBJ_txt2obj("2.23.140.1.2.1", 1), *other = OBJ_txt2obj("1.2.3", 1);
	assert_text(x509_policies(s->cert, NULL, &s->mem), NULL);
	add_policies(s, (const char *const[]){ "1.3.6.1.4.1.99999.1", "2.23.140.1.2.1" });
	assert_text(x509_policies(s->cert, NULL, &s->mem), "1.3.6.1.4.1.99999.1,2.23.140.1.2.1");
	assert_text(x509_policies(s->cert, there, &s->mem), "2.23.140.1.2.1");
	assert_text(x509_policies(s->cert, other, &s->mem), NULL);
	ASN1_OBJECT_free(there);
	ASN1_OBJECT_free(other);
}

static void der_is_the_certificate_and_a_chain_one_behind_the_other(void **state)
{
	struct state *s = *state;
	STACK_OF(X509) *chain = sk_X509_new_null();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	sign(s, key, EVP_sha256());
	EVP_PKEY_free(key);
	struct slice one = x509_der(s->cert, &s->mem);
	const unsigned char *at = (const unsigned char *)one.ptr;
	X509 *again = d2i_X509(NULL, &at, (long)one.len);
	assert_non_null(again);
	assert_int_equal(0, X509_cmp(s->cert, again));
	assert_text(x509_chain_der(chain, &s->mem), NULL);
	sk_X509_push(chain, s->cert);
	sk_X509_push(chain, again);
	struct slice two = x509_chain_der(chain, &s->mem);
	assert_int_equal(two.len, 2 * one.len);
	assert_memory_equal(two.ptr + one.len, one.ptr, one.len);
	sk_X509_free(chain);
	X509_free(again);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_written_in_their_order),
		TEST(rfc2253_turns_the_order_and_escapes),
		TEST(an_empty_name_is_no_value),
		TEST(entries_are_counted_from_both_ends),
		TEST(a_nul_inside_a_value_makes_it_none),
		TEST(nul_bytes_at_the_end_of_a_value_are_cut_off),
		TEST(times_have_two_digits_of_the_year),
		TEST(algorithms_have_their_short_names),
		TEST(other_names_are_listed),
		TEST(policies_are_listed_or_looked_for),
		TEST(der_is_the_certificate_and_a_chain_one_behind_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
