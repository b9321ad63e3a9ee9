/* SPDX-License-Identifier: MIT */
/*
 * A bind as a client sees it: handshakes in memory against contexts built from files that the test writes. What is
 * asserted is what went over the wire: which certificate, protocol, version, staple, or why it failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "test_cert.c"
#include "test_tls.h"
#include "weir/tls/ticket_keys.h"

/* ---- which certificate ---- */

static void the_name_selects_the_certificate(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	put(w, "b.pem", &(struct test_spec){ .cn = "b.example", .san = "DNS:*.w.example" });
	build(w, "a.pem", "b.pem", NULL);
	expect_crt(w, "a.example", "a.pem");
	expect_crt(w, "B.Example", "b.pem");
	expect_crt(w, "x.w.example", "b.pem");
	expect_crt(w, "x.y.w.example", "a.pem");
	expect_crt(w, "w.example", "a.pem");
	expect_crt(w, NULL, "a.pem");
}

static void strict_sni_refuses_other_names(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	w->conf.strict_sni = true;
	build(w, "a.pem", NULL);
	expect_crt(w, "a.example", "a.pem");
	expect_alert(w, "b.example", SSL_AD_UNRECOGNIZED_NAME);
	expect_alert(w, NULL, SSL_AD_UNRECOGNIZED_NAME);
}

static void the_key_type_follows_the_client(void **state)
{
	struct world *w = *state;
	put(w, "rsa.pem", &(struct test_spec){ .cn = "a.example", .key = TEST_KEY_RSA });
	put(w, "ec.pem", &(struct test_spec){ .cn = "a.example" });
	build(w, "rsa.pem", "ec.pem", NULL);
	w->client.sigalgs = "ECDSA+SHA256";
	expect_crt(w, "a.example", "ec.pem");
	w->client.sigalgs = "RSA-PSS+SHA256";
	expect_crt(w, "a.example", "rsa.pem");
	w->client.sigalgs = "RSA+SHA256";
	w->client.max = TLS1_2_VERSION;
	expect_crt(w, "a.example", "rsa.pem");
}

static void a_bundle_serves_all_its_key_types_by_default(void **state)
{
	struct world *w = *state;
	put(w, "site.pem.rsa", &(struct test_spec){ .cn = "a.example", .key = TEST_KEY_RSA });
	put(w, "site.pem.ecdsa", &(struct test_spec){ .cn = "a.example" });
	build(w, "site.pem", NULL);
	w->client.sigalgs = "ECDSA+SHA256";
	expect_crt(w, "a.example", "site.pem.ecdsa");
	expect_crt(w, "other.example", "site.pem.ecdsa");
	w->client.sigalgs = "RSA-PSS+SHA256";
	expect_crt(w, "other.example", "site.pem.rsa");
}

static void a_directory_is_read_in_order_without_side_files(void **state)
{
	struct world *w = *state;
	char *dir = test_path(w->dir, "d");
	assert_int_equal(mkdir(dir, 0700), 0);
	put(w, "d/2.pem", &(struct test_spec){ .cn = "two.example" });
	put(w, "d/1.pem", &(struct test_spec){ .cn = "one.example" });
	test_write(dir, ".hidden", "x", 1);
	test_write(dir, "1.pem.issuer", "x", 1);
	build(w, "d", NULL);
	expect_crt(w, NULL, "d/1.pem");
	expect_crt(w, "two.example", "d/2.pem");
	free(dir);
}

/* ---- crt-lists ---- */

static void filters_replace_the_names_of_a_certificate(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	put(w, "b.pem", &(struct test_spec){ .cn = "b.example" });
	list(w, "l", "# comment\n\n$D/a.pem\n$D/b.pem *.f.example !no.f.example x.g.example\n");
	build(w, "@l", NULL);
	expect_crt(w, "y.f.example", "b.pem");
	expect_crt(w, "no.f.example", "a.pem");
	expect_crt(w, "x.g.example", "b.pem");
	expect_crt(w, "b.example", "a.pem");
}

static void a_star_makes_a_default(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example", .key = TEST_KEY_RSA });
	put(w, "b.pem", &(struct test_spec){ .cn = "b.example" });
	list(w, "l", "$D/a.pem\n$D/b.pem b.example *\n");
	build(w, "@l", NULL);
	w->client.sigalgs = "ECDSA+SHA256";
	expect_crt(w, "other.example", "b.pem");
	w->client.sigalgs = "RSA-PSS+SHA256";
	expect_crt(w, "other.example", "a.pem");
}

static void options_of_a_line_hold_for_its_names_only(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	put(w, "b.pem", &(struct test_spec){ .cn = "b.example" });
	list(w, "l",
	    "$D/a.pem [alpn h2,http/1.1 curves P-384]\n$D/b.pem [ssl-max-ver TLSv1.2 no-alpn]\n");
	build(w, "@l", NULL);
	w->client.alpn = "http/1.1,h2";
	struct seen s = shake(w, "a.example");
	assert_string_equal(s.alpn, "h2");
	assert_int_equal(s.version, TLS1_3_VERSION);
	assert_int_equal(s.group, NID_secp384r1);
	s = shake(w, "b.example");
	assert_string_equal(s.alpn, "");
	assert_int_equal(s.version, TLS1_2_VERSION);
	s = shake(w, NULL);
	assert_string_equal(s.alpn, "h2");
}

static void bad_lines_are_told_with_their_number(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	list(w, "l", "$D/a.pem\n$D/a.pem [bogus 1]\n$D/a.pem [alpn\n$D/a.pem *x\n");
	build_fails(w, "@l", NULL);
	assert_non_null(strstr(w->said, "line 2: unknown option 'bogus'"));
	assert_non_null(strstr(w->said, "line 3: 'alpn' expects a value"));
	assert_non_null(strstr(w->said, "line 4: '*x' is not"));
}

/* ---- what is refused, what is warned of ---- */

static void a_key_of_another_certificate_is_refused(void **state)
{
	static const enum test_key types[] = { TEST_KEY_EC, TEST_KEY_RSA, TEST_KEY_ED25519 };
	struct world *w = *state;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		struct test_cert a =
		    test_cert_make(&(struct test_spec){ .cn = "a", .key = types[i] }, NULL);
		struct test_cert b =
		    test_cert_make(&(struct test_spec){ .cn = "b", .key = types[i] }, NULL);
		char *key = test_key_pem(&b, NULL);
		test_write_pem(w->dir, "a.pem", &a, false, NULL);
		test_write(w->dir, "a.pem.key", key, strlen(key));
		build_fails(w, "a.pem", NULL);
		assert_non_null(strstr(w->said, "does not belong to its certificate"));
		free(key);
		test_cert_free(&a);
		test_cert_free(&b);
	}
}

static void a_certificate_without_key_is_refused(void **state)
{
	struct world *w = *state;
	struct test_cert a = test_cert_make(&(struct test_spec){ .cn = "a" }, NULL);
	test_write_pem(w->dir, "a.pem", &a, false, NULL);
	build_fails(w, "a.pem", NULL);
	assert_non_null(strstr(w->said, "no private key"));
	test_cert_free(&a);
}

static void an_expired_certificate_is_warned_of(void **state)
{
	struct world *w = *state;
	put(w, "a.pem",
	    &(struct test_spec){ .cn = "a.example", .not_before = -1000, .not_after = -10 });
	build(w, "a.pem", NULL);
	assert_non_null(strstr(w->said, "has expired"));
}

static void no_certificate_at_all_is_an_error(void **state)
{
	struct world *w = *state;
	build_fails(w, NULL, NULL);
	assert_non_null(strstr(w->said, "no certificate"));
	build_fails(w, "missing.pem", NULL);
	assert_non_null(strstr(w->said, "missing.pem"));
}

static void a_passphrase_is_asked_of_the_command(void **state)
{
	struct world *w = *state;
	struct test_cert a = test_cert_make(&(struct test_spec){ .cn = "a.example" }, NULL);
	char *key = test_key_pem(&a, "secret"), *path = test_path(w->dir, "pass");
	test_write_pem(w->dir, "a.pem", &a, false, NULL);
	test_write(w->dir, "a.pem.key", key, strlen(key));
	build_fails(w, "a.pem", NULL);
	assert_non_null(strstr(w->said, "ssl-passphrase-cmd"));
	static const char script[] =
	    "#!/bin/sh\ncase $1:$2 in */a.pem.key:x) echo secret;; *) echo wrong;; esac\n";
	test_write(w->dir, "pass", script, sizeof(script) - 1);
	assert_int_equal(chmod(path, 0700), 0);
	const char *cmd[] = { path, "x", NULL };
	w->store_conf.passphrase_cmd = cmd;
	build(w, "a.pem", NULL);
	expect_crt(w, "a.example", "a.pem");
	test_cert_free(&a);
	free(key);
	free(path);
}

/* ---- chains, staples, SCTs ---- */

static void an_issuers_chain_completes_a_certificate(void **state)
{
	struct world *w = *state;
	char *dir = test_path(w->dir, "issuers");
	assert_int_equal(mkdir(dir, 0700), 0);
	struct test_cert ca = test_cert_make(&(struct test_spec){ .cn = "CA", .ca = true }, NULL);
	struct test_cert a = test_cert_make(&(struct test_spec){ .cn = "a.example" }, &ca);
	test_write_pem(w->dir, "a.pem", &a, true, NULL);
	test_write_pem(dir, "ca.pem", &ca, false, NULL);
	build(w, "a.pem", NULL);
	assert_int_equal(shake(w, "a.example").chain, 1);
	w->store_conf.issuers_chain_path = dir;
	build(w, "a.pem", NULL);
	assert_int_equal(shake(w, "a.example").chain, 2);
	w->store_conf.skip_self_issued_ca = true;
	build(w, "a.pem", NULL);
	assert_int_equal(shake(w, "a.example").chain, 1);
	test_cert_free(&ca);
	test_cert_free(&a);
	free(dir);
}

static void a_valid_ocsp_response_is_stapled(void **state)
{
	struct world *w = *state;
	struct test_cert ca = test_cert_make(&(struct test_spec){ .cn = "CA", .ca = true }, NULL);
	struct test_cert a = test_cert_make(&(struct test_spec){ .cn = "a.example" }, &ca);
	test_write_pem(w->dir, "a.pem", &a, true, &ca);
	size_t len;
	unsigned char *der = test_ocsp_der(&a, &ca, false, 3600, &len);
	test_write(w->dir, "a.pem.ocsp", der, len);
	build(w, "a.pem", NULL);
	assert_int_equal(shake(w, "a.example").staple, len);
	OPENSSL_free(der);

	der = test_ocsp_der(&a, &ca, true, 3600, &len);
	test_write(w->dir, "a.pem.ocsp", der, len);
	build(w, "a.pem", NULL);
	assert_int_equal(shake(w, "a.example").staple, 0);
	assert_non_null(strstr(w->said, "revoked"));
	OPENSSL_free(der);

	der = test_ocsp_der(&a, &ca, false, -3600, &len);
	test_write(w->dir, "a.pem.ocsp", der, len);
	build(w, "a.pem", NULL);
	assert_non_null(strstr(w->said, "not valid at this time"));
	OPENSSL_free(der);
	test_cert_free(&ca);
	test_cert_free(&a);
}

static void scts_go_along_with_the_certificate(void **state)
{
	struct world *w = *state;
	static const unsigned char scts[] = { 0, 5, 0, 3, 1, 2, 3 };
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	test_write(w->dir, "a.pem.sctl", scts, sizeof(scts));
	build(w, "a.pem", NULL);
	assert_int_equal(shake(w, "a.example").scts, sizeof(scts));
	w->client.max = TLS1_2_VERSION;
	assert_int_equal(shake(w, "a.example").scts, sizeof(scts));
	test_write(w->dir, "a.pem.sctl", scts, sizeof(scts) - 1);
	build_fails(w, "a.pem", NULL);
	assert_non_null(strstr(w->said, "SCT"));
}

/* ---- sessions ---- */

static void a_resumed_connection_knows_its_certificate(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	w->conf.server.tickets = tls_ticket_keys_new(-1, 0);
	w->conf.server.lifetime_s = 300;
	build(w, "a.pem", NULL);
	w->client.max = TLS1_2_VERSION;
	w->client.resume = true;
	assert_false(shake(w, "a.example").resumed);
	struct seen s = shake(w, "a.example");
	assert_true(s.resumed);
	assert_string_equal(s.crt, w->names[0]);
	tls_ticket_keys_unref(w->conf.server.tickets);
}

static void a_session_does_not_cross_to_a_bind_that_verifies(void **state)
{
	struct world *w = *state;
	struct test_cert ca = test_cert_make(&(struct test_spec){ .cn = "CA", .ca = true }, NULL);
	char *path = test_path(w->dir, "ca.pem");
	test_write_pem(w->dir, "ca.pem", &ca, false, NULL);
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	put(w, "b.pem", &(struct test_spec){ .cn = "b.example" });
	list(w, "l", "$D/a.pem\n$D/b.pem [verify required ca-file $D/ca.pem]\n");
	w->conf.server.tickets = tls_ticket_keys_new(-1, 0);
	w->conf.server.lifetime_s = 300;
	build(w, "@l", NULL);
	w->client.resume = true;
	w->client.max = TLS1_2_VERSION;
	assert_true(shake(w, "a.example").ok);
	assert_true(shake(w, "a.example").resumed);
	assert_false(shake(w, "b.example").ok);
	tls_ticket_keys_unref(w->conf.server.tickets);
	test_cert_free(&ca);
	free(path);
}

/* ---- clients' certificates ---- */

static void a_required_client_certificate_is_verified(void **state)
{
	struct world *w = *state;
	struct test_cert ca = test_cert_make(&(struct test_spec){ .cn = "CA", .ca = true }, NULL);
	struct test_cert good = test_cert_make(&(struct test_spec){ .cn = "user" }, &ca);
	struct test_cert bad = test_cert_make(&(struct test_spec){ .cn = "user" }, NULL);
	char *ca_path = test_path(w->dir, "ca.pem"), *crl_path = test_path(w->dir, "crl.pem");
	test_write_pem(w->dir, "ca.pem", &ca, false, NULL);
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	w->conf.opt.verify = TLS_VERIFY_REQUIRED;
	build_fails(w, "a.pem", NULL);
	w->conf.opt.ca_file = ca_path;
	build(w, "a.pem", NULL);
	assert_false(shake(w, "a.example").ok);
	w->client.crt = &good;
	struct seen s = shake(w, "a.example");
	assert_true(s.ok);
	assert_int_equal(s.ca_names, 1);
	w->client.crt = &bad;
	assert_false(shake(w, "a.example").ok);

	char *crl = test_crl_pem(&ca, &good, 1);
	test_write(w->dir, "crl.pem", crl, strlen(crl));
	w->conf.opt.crl_file = crl_path;
	build(w, "a.pem", NULL);
	w->client.crt = &good;
	assert_false(shake(w, "a.example").ok);
	char err[64];
	assert_int_equal(
	    tls_ignore_parse(w->conf.ignore.crt, "X509_V_ERR_CERT_REVOKED", err, 64), 0);
	build(w, "a.pem", NULL);
	assert_true(shake(w, "a.example").ok);

	w->conf.opt.verify = TLS_VERIFY_OPTIONAL;
	w->conf.opt.no_ca_names = true;
	build(w, "a.pem", NULL);
	w->client.crt = NULL;
	s = shake(w, "a.example");
	assert_true(s.ok);
	assert_int_equal(s.ca_names, 0);
	w->client.crt = &bad;
	assert_false(shake(w, "a.example").ok);
	free(crl);
	free(ca_path);
	free(crl_path);
	test_cert_free(&ca);
	test_cert_free(&good);
	test_cert_free(&bad);
}

/* ---- policy ---- */

static void tls_1_2_and_newer_by_default(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example", .key = TEST_KEY_RSA });
	build(w, "a.pem", NULL);
	w->client.ciphers = "ALL@SECLEVEL=0";
	w->client.max = TLS1_1_VERSION;
	expect_alert(w, "a.example", SSL_AD_PROTOCOL_VERSION);
	w->client.max = TLS1_2_VERSION;
	assert_true(shake(w, "a.example").ok);
	w->client.ciphers = "AES128-GCM-SHA256"; /* no forward secrecy */
	assert_false(shake(w, "a.example").ok);
	w->client.ciphers = "ECDHE-RSA-AES128-SHA256"; /* CBC */
	assert_false(shake(w, "a.example").ok);
	w->client.ciphers = "DHE-RSA-AES128-GCM-SHA256"; /* no parameters */
	assert_false(shake(w, "a.example").ok);
	w->store_conf.default_dh_param = 2048;
	build(w, "a.pem", NULL);
	assert_true(shake(w, "a.example").ok);
}

static void the_server_prefers_its_order_of_protocols(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	w->client.alpn = "http/1.1,h2";
	build(w, "a.pem", NULL);
	assert_string_equal(shake(w, "a.example").alpn, "");
	w->conf.http = true;
	build(w, "a.pem", NULL);
	assert_string_equal(shake(w, "a.example").alpn, "h2");
	w->client.alpn = "ftp";
	assert_string_equal(shake(w, "a.example").alpn, "");
	assert_true(shake(w, "a.example").ok);
}

static void bad_options_are_told(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	w->conf.opt.ciphers = "NOSUCH";
	build_fails(w, "a.pem", NULL);
	assert_non_null(strstr(w->said, "NOSUCH"));
	w->conf.opt = (struct tls_options){ .curves = "P-999" };
	build_fails(w, "a.pem", NULL);
	assert_non_null(strstr(w->said, "P-999"));
	w->conf.opt = (struct tls_options){ .min_ver = TLS_VER_TLS13, .max_ver = TLS_VER_TLS12 };
	build_fails(w, "a.pem", NULL);
	assert_non_null(strstr(w->said, "no version"));
}

static void a_forged_certificate_has_the_name_asked_for(void **state)
{
	struct world *w = *state;
	struct test_cert ca = test_cert_make(&(struct test_spec){ .cn = "CA", .ca = true }, NULL);
	test_write_pem(w->dir, "sign.pem", &ca, true, NULL);
	char *path = test_path(w->dir, "sign.pem");
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	w->conf.generate = true;
	w->conf.ca_sign_file = path;
	w->conf.generate_cache = 2;
	build(w, "a.pem", NULL);
	expect_crt(w, "a.example", "a.pem");
	for (int i = 0; i < 6; i++) {
		char name[32];
		snprintf(name, sizeof(name), "host%d.example", i % 4);
		struct seen s = shake(w, name);
		assert_true(s.ok);
		assert_string_equal(s.cn, name);
	}
	expect_crt(w, NULL, "a.pem");
	expect_crt(w, "bad,DNS:evil.example", "a.pem");
	free(path);
	test_cert_free(&ca);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(the_name_selects_the_certificate),
		T(strict_sni_refuses_other_names),
		T(the_key_type_follows_the_client),
		T(a_bundle_serves_all_its_key_types_by_default),
		T(a_directory_is_read_in_order_without_side_files),
		T(filters_replace_the_names_of_a_certificate),
		T(a_star_makes_a_default),
		T(options_of_a_line_hold_for_its_names_only),
		T(bad_lines_are_told_with_their_number),
		T(a_key_of_another_certificate_is_refused),
		T(a_certificate_without_key_is_refused),
		T(an_expired_certificate_is_warned_of),
		T(no_certificate_at_all_is_an_error),
		T(a_passphrase_is_asked_of_the_command),
		T(an_issuers_chain_completes_a_certificate),
		T(a_valid_ocsp_response_is_stapled),
		T(scts_go_along_with_the_certificate),
		T(a_resumed_connection_knows_its_certificate),
		T(a_session_does_not_cross_to_a_bind_that_verifies),
		T(a_required_client_certificate_is_verified),
		T(tls_1_2_and_newer_by_default),
		T(the_server_prefers_its_order_of_protocols),
		T(bad_options_are_told),
		T(a_forged_certificate_has_the_name_asked_for),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
