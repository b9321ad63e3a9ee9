/* SPDX-License-Identifier: MIT */
/*
 * The store at run time: transactions as the admin commands use them, seen by a client that shakes hands before and
 * after, and the texts that the commands answer with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "test_cert.c"
#include "test_tls.h"
#include "weir/event/worker.h"

static struct strbuf answer;

static char *both_pem(const struct test_cert *c)
{
	char *cert = test_cert_pem(c), *key = test_key_pem(c, NULL), *all;
	assert_true(asprintf(&all, "%s%s", cert, key) > 0);
	free(cert);
	free(key);
	return all;
}

static int set(struct world *w, enum tls_obj kind, const char *name, const char *payload)
{
	strbuf_clear(&answer);
	return tls_store_set(w->store, kind, name, slice_str(payload), false, &answer);
}

static int commit(struct world *w, enum tls_obj kind, const char *name)
{
	strbuf_clear(&answer);
	return tls_store_commit(w->store, NULL, kind, name, &answer);
}

static const char *show(struct world *w, enum tls_obj kind, const char *name)
{
	strbuf_clear(&answer);
	assert_int_equal(tls_store_show(w->store, kind, name, &answer), 0);
	return strbuf_str(&answer);
}

static bool answered(const char *text)
{
	return strstr(strbuf_str(&answer), text);
}

/* ---- certificates ---- */

static void a_commit_swaps_certificate_and_names(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example", .san = "DNS:old.example" });
	put(w, "b.pem", &(struct test_spec){ .cn = "b.example" });
	build(w, "b.pem", "a.pem", NULL);
	const char *name = w->names[1];
	struct test_cert c = test_cert_make(
	    &(struct test_spec){ .cn = "a.example", .san = "DNS:new.example", .key = TEST_KEY_RSA },
	    NULL);
	char *pem = both_pem(&c);
	expect_crt(w, "old.example", "a.pem");
	assert_int_equal(set(w, TLS_OBJ_CERT, name, pem), 0);
	assert_true(tls_store_in_transaction(w->store, TLS_OBJ_CERT, name));
	expect_crt(w, "new.example", "b.pem");
	assert_int_equal(commit(w, TLS_OBJ_CERT, name), 0);
	assert_false(tls_store_in_transaction(w->store, TLS_OBJ_CERT, name));
	expect_crt(w, "new.example", "a.pem");
	expect_crt(w, "old.example", "b.pem");
	w->client.sigalgs = "RSA-PSS+SHA256";
	expect_crt(w, "a.example", "a.pem");
	free(pem);
	test_cert_free(&c);
}

static void an_unfit_payload_changes_nothing(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	build(w, "a.pem", NULL);
	const char *name = w->names[0];
	struct test_cert c = test_cert_make(&(struct test_spec){ .cn = "c.example" }, NULL);
	char *cert = test_cert_pem(&c);
	assert_int_equal(set(w, TLS_OBJ_CERT, name, "garbage"), -ENOENT);
	assert_false(tls_store_in_transaction(w->store, TLS_OBJ_CERT, name));
	assert_int_equal(set(w, TLS_OBJ_CERT, name, cert), 0);
	assert_int_equal(commit(w, TLS_OBJ_CERT, name), -EINVAL);
	assert_true(answered("does not belong"));
	assert_true(tls_store_in_transaction(w->store, TLS_OBJ_CERT, name));
	expect_crt(w, "a.example", "a.pem");
	assert_int_equal(set(w, TLS_OBJ_CERT, "other", cert), -EBUSY);
	assert_true(answered("ongoing transaction is about"));
	assert_int_equal(tls_store_abort(w->store, TLS_OBJ_CERT, name, &answer), 0);
	assert_int_equal(commit(w, TLS_OBJ_CERT, name), -ENOENT);
	assert_int_equal(set(w, TLS_OBJ_CERT, "other", cert), -ENOENT);
	free(cert);
	test_cert_free(&c);
}

static void the_key_may_come_by_itself(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	build(w, "a.pem", NULL);
	const char *name = w->names[0];
	char *key_name = test_path(w->dir, "a.pem.key");
	struct test_cert c = test_cert_make(&(struct test_spec){ .cn = "c.example" }, NULL);
	char *cert = test_cert_pem(&c), *key = test_key_pem(&c, NULL);
	assert_int_equal(set(w, TLS_OBJ_CERT, name, cert), 0);
	assert_int_equal(set(w, TLS_OBJ_CERT, key_name, key), 0);
	assert_int_equal(commit(w, TLS_OBJ_CERT, name), 0);
	expect_crt(w, "c.example", "a.pem");
	assert_string_equal(shake(w, "c.example").cn, "c.example");
	free(cert);
	free(key);
	free(key_name);
	test_cert_free(&c);
}

static void a_new_certificate_is_used_by_a_crt_list(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	list(w, "l", "$D/a.pem\n");
	build(w, "@l", NULL);
	const char *l = w->names[0];
	struct test_cert c = test_cert_make(&(struct test_spec){ .cn = "c.example" }, NULL);
	char *pem = both_pem(&c);
	assert_int_equal(tls_store_new_entry(w->store, TLS_OBJ_CERT, "new", &answer), 0);
	assert_int_equal(tls_store_new_entry(w->store, TLS_OBJ_CERT, "new", &answer), -EEXIST);
	assert_non_null(strstr(show(w, TLS_OBJ_CERT, "new"), "Status: Empty\n"));
	assert_int_equal(tls_crt_list_add(w->store, NULL, l, SLICE("new"), &answer), -ENOENT);
	assert_true(answered("is empty"));
	assert_int_equal(set(w, TLS_OBJ_CERT, "new", pem), 0);
	assert_int_equal(commit(w, TLS_OBJ_CERT, "new"), 0);
	assert_non_null(strstr(show(w, TLS_OBJ_CERT, "new"), "Status: Unused\n"));
	assert_int_equal(tls_crt_list_add(w->store, NULL, l, SLICE("new"), &answer), 0);
	assert_int_equal(tls_crt_list_add(w->store, NULL, l,
			     SLICE("new [ssl-max-ver TLSv1.2] *.l.example !x.l.example"), &answer),
	    0);
	struct seen s = shake(w, "c.example");
	assert_string_equal(s.crt, "new");
	assert_int_equal(s.version, TLS1_3_VERSION);
	s = shake(w, "y.l.example");
	assert_string_equal(s.crt, "new");
	assert_int_equal(s.version, TLS1_2_VERSION);
	expect_crt(w, "x.l.example", "a.pem");

	strbuf_clear(&answer);
	assert_int_equal(tls_crt_list_show(w->store, l, true, &answer), 0);
	assert_true(answered("a.pem:1\nnew:2\n"));
	assert_true(answered("new:3 [ssl-max-ver TLSv1.2] *.l.example !x.l.example\n"));
	assert_int_equal(tls_store_del(w->store, NULL, TLS_OBJ_CERT, "new", &answer), -EBUSY);
	strbuf_clear(&answer);
	assert_int_equal(tls_crt_list_del(w->store, NULL, l, "new", &answer), -ENOENT);
	assert_true(answered("several entries"));
	assert_true(answered("(2, 3)"));
	assert_int_equal(tls_crt_list_del(w->store, NULL, l, "new:2", &answer), 0);
	expect_crt(w, "c.example", "a.pem");
	assert_int_equal(tls_crt_list_del(w->store, NULL, l, "new", &answer), 0);
	expect_crt(w, "y.l.example", "a.pem");
	assert_int_equal(tls_store_del(w->store, NULL, TLS_OBJ_CERT, "new", &answer), 0);
	assert_int_equal(tls_store_del(w->store, NULL, TLS_OBJ_CERT, "new", &answer), -ENOENT);
	free(pem);
	test_cert_free(&c);
}

static void show_tells_what_a_certificate_is(void **state)
{
	struct world *w = *state;
	put(w, "a.pem",
	    &(struct test_spec){
		.cn = "a.example", .san = "DNS:a.example,DNS:b", .serial = 0x1f2e });
	build(w, "a.pem", NULL);
	const char *text = show(w, TLS_OBJ_CERT, NULL);
	assert_non_null(strstr(text, "# filename\n/"));
	text = show(w, TLS_OBJ_CERT, w->names[0]);
	static const char *const lines[] = { "Status: Used\n", "Serial: 1F2E\n",
		"notBefore: ", "Subject Alternative Name: DNS:a.example, DNS:b\n",
		"Algorithm: EC256\n", "SHA1 FingerPrint: ", "Subject: /CN=a.example\n",
		"Issuer: /CN=a.example\n" };
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		assert_non_null(strstr(text, lines[i]));
	strbuf_clear(&answer);
	assert_int_equal(tls_store_show(w->store, TLS_OBJ_CERT, "nope", &answer), -ENOENT);
	assert_int_equal(tls_store_dump(w->store, w->names[0], &answer), 0);
	assert_true(
	    answered("-----BEGIN PRIVATE KEY-----") && answered("-----BEGIN CERTIFICATE-----"));
}

static int count_row(void *arg, const struct tls_sni_row *row)
{
	struct strbuf *b = arg;
	strbuf_addf(b, "%s %s %s\n", row->sni, row->negatives, row->type);
	return 0;
}

static void names_of_a_bind_are_listed(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	list(w, "l", "$D/a.pem *.w.example !n.w.example\n");
	build(w, "@l", NULL);
	strbuf_clear(&answer);
	assert_int_equal(tls_bind_each_sni(w->bind, count_row, &answer), 0);
	assert_true(answered("* !n.w.example ecdsa\n"));
	assert_true(answered("*.w.example !n.w.example ecdsa\n"));
}

/* ---- CA and CRL files ---- */

static void a_new_ca_or_crl_holds_for_the_next_handshake(void **state)
{
	struct world *w = *state;
	struct test_cert one = test_cert_make(&(struct test_spec){ .cn = "One", .ca = true }, NULL);
	struct test_cert two = test_cert_make(&(struct test_spec){ .cn = "Two", .ca = true }, NULL);
	struct test_cert user = test_cert_make(&(struct test_spec){ .cn = "user" }, &two);
	char *ca = test_path(w->dir, "ca.pem"), *crl = test_path(w->dir, "crl.pem");
	char *pem_two = test_cert_pem(&two), *revoked = test_crl_pem(&two, &user, 1);
	char *none = test_crl_pem(&two, NULL, 0);
	test_write_pem(w->dir, "ca.pem", &one, false, NULL);
	test_write(w->dir, "crl.pem", none, strlen(none));
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	w->conf.opt =
	    (struct tls_options){ .verify = TLS_VERIFY_REQUIRED, .ca_file = ca, .crl_file = crl };
	build(w, "a.pem", NULL);
	w->client.crt = &user;
	assert_false(shake(w, "a.example").ok);
	assert_int_equal(
	    tls_store_set(w->store, TLS_OBJ_CA, ca, slice_str(pem_two), true, &answer), 0);
	assert_non_null(strstr(show(w, TLS_OBJ_CA, NULL), "ca.pem - 2 certificate(s)\n# filename"));
	assert_int_equal(commit(w, TLS_OBJ_CA, ca), 0);
	assert_true(shake(w, "a.example").ok);
	assert_int_equal(shake(w, "a.example").ca_names, 2);
	assert_non_null(strstr(show(w, TLS_OBJ_CA, ca), "Certificate #2:\n"));
	assert_int_equal(set(w, TLS_OBJ_CRL, crl, revoked), 0);
	assert_int_equal(commit(w, TLS_OBJ_CRL, crl), 0);
	assert_false(shake(w, "a.example").ok);
	assert_non_null(strstr(show(w, TLS_OBJ_CRL, crl), "Revoked Certificates:\n"));
	assert_int_equal(tls_store_del(w->store, NULL, TLS_OBJ_CRL, crl, &answer), -EBUSY);
	assert_int_equal(set(w, TLS_OBJ_CA, ca, "junk"), -ENOENT);
	assert_int_equal(tls_store_new_entry(w->store, TLS_OBJ_CA, "x", &answer), 0);
	assert_int_equal(tls_store_del(w->store, NULL, TLS_OBJ_CA, "x", &answer), 0);
	free(ca);
	free(crl);
	free(pem_two);
	free(revoked);
	free(none);
	test_cert_free(&one);
	test_cert_free(&two);
	test_cert_free(&user);
}

/* ---- OCSP ---- */

static int take_info(void *arg, const struct tls_ocsp_info *info)
{
	char *copy = arg;
	assert_true(info->has_issuer && info->request.len > 0);
	assert_string_equal(info->uri, "http://ocsp.example/");
	snprintf(copy, 256, "%s", info->id);
	return 0;
}

static void an_ocsp_response_finds_its_certificate(void **state)
{
	struct world *w = *state;
	struct test_cert ca = test_cert_make(&(struct test_spec){ .cn = "CA", .ca = true }, NULL);
	struct test_cert a = test_cert_make(
	    &(struct test_spec){ .cn = "a.example", .ocsp_uri = "http://ocsp.example/" }, &ca);
	struct test_cert b = test_cert_make(&(struct test_spec){ .cn = "b.example" }, &ca);
	test_write_pem(w->dir, "a.pem", &a, true, &ca);
	test_write(w->dir, "a.pem.ocsp", "", 0);
	build(w, "a.pem", NULL);
	size_t len, other_len;
	unsigned char *der = test_ocsp_der(&a, &ca, false, 3600, &len);
	unsigned char *other = test_ocsp_der(&b, &ca, false, 3600, &other_len);
	struct slice s = slice_make((char *)der, len);
	assert_int_equal(shake(w, "a.example").staple, 0);
	assert_int_equal(tls_store_set_ocsp(w->store, NULL, s, &answer), 0);
	assert_int_equal(shake(w, "a.example").staple, len);
	assert_int_equal(
	    tls_store_set_ocsp(w->store, NULL, slice_make((char *)other, other_len), &answer),
	    -ENOENT);
	assert_int_equal(tls_store_set_ocsp(w->store, NULL, SLICE("xx"), &answer), -EINVAL);
	char id[256] = "";
	assert_int_equal(tls_store_each_ocsp(w->store, take_info, id), 0);
	strbuf_clear(&answer);
	assert_int_equal(tls_store_show_ocsp(w->store, id, false, &answer), 0);
	assert_true(answered("Cert Status: good"));
	assert_int_equal(tls_store_show_ocsp(w->store, "nope", false, &answer), -ENOENT);

	/* another certificate under the name: the response was not for it */
	char *cert = test_cert_pem(&b), *key = test_key_pem(&b, NULL), *pem;
	assert_true(asprintf(&pem, "%s%s", cert, key) > 0);
	assert_int_equal(set(w, TLS_OBJ_CERT, w->names[0], pem), 0);
	assert_int_equal(commit(w, TLS_OBJ_CERT, w->names[0]), 0);
	assert_int_equal(shake(w, "b.example").staple, 0);
	free(cert);
	free(key);
	free(pem);
	OPENSSL_free(der);
	OPENSSL_free(other);
	test_cert_free(&ca);
	test_cert_free(&a);
	test_cert_free(&b);
}

/* ---- crt-stores, servers ---- */

static void certificates_of_a_crt_store_have_names(void **state)
{
	struct world *w = *state;
	struct tls_report report = { .say = take_message, .arg = w };
	struct test_cert a = test_cert_make(&(struct test_spec){ .cn = "a.example" }, NULL);
	char *key = test_key_pem(&a, NULL);
	test_write_pem(w->dir, "a.crt", &a, false, NULL);
	test_write(w->dir, "private", key, strlen(key));
	put(w, "b.pem", &(struct test_spec){ .cn = "b.example" });
	build(w, "b.pem", NULL);
	struct tls_load load = { .crt = "a.crt",
		.alias = "site",
		.key = "private",
		.crt_base = w->dir,
		.key_base = w->dir,
		.ocsp_update = -1 };
	assert_int_equal(tls_store_load(w->store, "web", &load, &report), 0);
	assert_int_equal(tls_store_load(w->store, "web", &load, &report), -EEXIST);
	assert_non_null(tls_store_find(w->store, "@web/site"));
	struct tls_bind_crt crt = { TLS_CRT, "@web/site" };
	struct tls_bind_conf conf = { .crts = &crt, .crt_n = 1 };
	struct tls_bind *kept = w->bind, *bind;
	assert_int_equal(tls_bind_build(&conf, w->store, &report, &bind), 0);
	w->bind = bind;
	assert_string_equal(shake(w, "a.example").crt, "@web/site");
	w->bind = kept;
	tls_bind_free(bind);
	load = (struct tls_load){ .alias = "dummy", .generate = true, .key_type = "ECDSA" };
	assert_int_equal(tls_store_load(w->store, "", &load, &report), 0);
	assert_non_null(tls_store_find(w->store, "@/dummy"));
	free(key);
	test_cert_free(&a);
}

/* ---- under load ---- */

struct client_thread {
	pthread_t thread;
	struct world world;
	atomic_bool *stop;
	atomic_uint ok, failed;
};

static void *shake_on(void *arg)
{
	struct client_thread *c = arg;
	while (!atomic_load(c->stop)) {
		struct seen s = shake(&c->world, "a.example");
		if (s.ok && (strcmp(s.cn, "a.example") == 0))
			c->ok++;
		else
			c->failed++;
	}
	return NULL;
}

/* What is replaced is kept until the clients have ended, as workers would have it. */
static void no_handshake_fails_while_certificates_are_swapped(void **state)
{
	struct world *w = *state;
	put(w, "a.pem", &(struct test_spec){ .cn = "a.example" });
	build(w, "a.pem", NULL);
	struct test_cert c[2] = { test_cert_make(&(struct test_spec){ .cn = "a.example" }, NULL),
		test_cert_make(&(struct test_spec){ .cn = "a.example", .san = "DNS:x" }, NULL) };
	char *pem[2] = { both_pem(&c[0]), both_pem(&c[1]) };
	struct worker_group *g = worker_group_new(2, 64);
	assert_non_null(g);
	atomic_bool stop = false;
	struct client_thread t[2] = { { .stop = &stop }, { .stop = &stop } };
	for (unsigned i = 0; i < 2; i++) {
		t[i].world.bind = w->bind;
		assert_int_equal(pthread_create(&t[i].thread, NULL, shake_on, &t[i]), 0);
	}
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(set(w, TLS_OBJ_CERT, w->names[0], pem[i % 2]), 0);
		assert_int_equal(tls_store_commit(w->store, worker_get(g, 0), TLS_OBJ_CERT,
				     w->names[0], &answer),
		    0);
	}
	while (t[0].ok + t[1].ok < 20)
		sched_yield();
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(t[i].thread, NULL);
		assert_int_equal(t[i].failed, 0);
	}
	worker_group_free(g);
	for (unsigned i = 0; i < 2; i++) {
		free(pem[i]);
		test_cert_free(&c[i]);
	}
}

static int done(void **state)
{
	strbuf_done(&answer);
	return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(a_commit_swaps_certificate_and_names),
		T(an_unfit_payload_changes_nothing),
		T(the_key_may_come_by_itself),
		T(a_new_certificate_is_used_by_a_crt_list),
		T(show_tells_what_a_certificate_is),
		T(names_of_a_bind_are_listed),
		T(a_new_ca_or_crl_holds_for_the_next_handshake),
		T(an_ocsp_response_finds_its_certificate),
		T(certificates_of_a_crt_store_have_names),
		T(no_handshake_fails_while_certificates_are_swapped),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, done);
}
