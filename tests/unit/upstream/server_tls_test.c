/* SPDX-License-Identifier: MIT */
/* Unit tests of the TLS options of servers: what they mean together, and the context that is made of them. */
#include "fixture.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "weir/tls/client.h"
#include "weir/tls/store.h"

#define NAMED "test-ca.pem"

static void done(struct fixture *f)
{
	for (unsigned i = 0; i < f->n; i++)
		for (struct server *s = f->sections[i].list; s; s = s->next)
			server_tls_done(f->w, s);
	fixture_free(f);
}

static SSL_CTX *ctx_of(struct server *s)
{
	struct tls_client *client = atomic_load(&s->tls.client);
	assert_non_null(client);
	return tls_client_ctx(client);
}

static void words_reach_the_context(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f,
		"backend b\n default-server ssl verify none\n"
		" server plain 127.0.0.1:1 ssl-max-ver TLSv1.2\n"
		" server newest 127.0.0.1:1 force-tlsv13 alpn h2,http/1.1 proto h2 ws h1\n"
		" server hole 127.0.0.1:1 no-tlsv12 no-renegotiate no-tls-tickets\n"),
	    0);
	struct server *s = srv_of(&f, "b", "plain");
	assert_int_equal(SSL_CTX_get_min_proto_version(ctx_of(s)), TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_get_max_proto_version(ctx_of(s)), TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_get_verify_mode(ctx_of(s)), SSL_VERIFY_NONE);
	s = srv_of(&f, "b", "newest");
	assert_int_equal(SSL_CTX_get_min_proto_version(ctx_of(s)), TLS1_3_VERSION);
	assert_true(slice_eq(s->tls.alpn, SLICE("\x02h2\x08http/1.1")));
	assert_true(server_alpn_has(s->tls.alpn, SLICE("http/1.1")));
	assert_false(server_alpn_has(s->tls.alpn, SLICE("http/1.0")));
	assert_int_equal(s->proto, SERVER_PROTO_H2);
	assert_int_equal(s->ws, SERVER_WS_H1);
	s = srv_of(&f, "b", "hole");
	uint64_t options = SSL_CTX_get_options(ctx_of(s));
	assert_true(options & SSL_OP_NO_TLSv1_2);
	assert_true(options & SSL_OP_NO_RENEGOTIATION);
	assert_true(options & SSL_OP_NO_TICKET);
	done(&f);
}

static void contexts_are_made_where_something_may_need_them(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f,
		"backend a\n default-server verify none\n server never 127.0.0.1:1\n"
		" server checked 127.0.0.1:1 check check-ssl\n"
		"backend b\n default-server ssl verify none check\n server off 127.0.0.1:1 no-ssl\n"
		" server on 127.0.0.1:1\n server elsewhere 127.0.0.1:1 port 2\n"),
	    0);
	assert_null(atomic_load(&srv_of(&f, "a", "never")->tls.client));
	assert_non_null(atomic_load(&srv_of(&f, "a", "checked")->tls.client));
	assert_true(srv_of(&f, "a", "checked")->check->tls);
	/* a command may switch it on */
	assert_non_null(atomic_load(&srv_of(&f, "b", "off")->tls.client));
	assert_false(srv_of(&f, "b", "off")->tls.on);
	assert_false(srv_of(&f, "b", "off")->check->tls);
	assert_true(srv_of(&f, "b", "on")->check->tls);
	assert_false(srv_of(&f, "b", "elsewhere")->check->tls);
	done(&f);
}

static void wrong_words_are_told(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "ssl", "there is no 'ca-file'" },
		{ "check check-ssl", "there is no 'ca-file'" },
		{ "ssl verify optional", "'none' or 'required'" },
		{ "ssl verify none ssl-min-ver TLSv1.3 ssl-max-ver TLSv1.2", "no version of TLS" },
		{ "ssl verify none force-sslv3", "no version of TLS" },
		{ "ssl verify none no-tlsv12 no-tlsv13", "no version of TLS" },
		{ "ssl verify none alpn h2,,h1", "protocols are expected" },
		{ "ssl verify none sni foo", "unknown fetch" },
		{ "ssl verify none sni", "expects <expr>" },
		{ "ssl verify none ciphers FOO", "FOO" },
		{ "ssl verify none proto h3", "h3" },
		{ "ssl verify none crt /nonexistent", "/nonexistent" },
	};
	char text[256];
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		snprintf(
		    text, sizeof(text), "backend b\n server a 127.0.0.1:1 %s\n", cases[i].text);
		if (fixture_read(&f, text) == 0)
			fail_msg("accepted: %s", cases[i].text);
		assert_contains(messages_of(&f), cases[i].message);
		done(&f);
	}
}

static void http_2_is_for_checks_that_make_requests(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f, "backend b\n server a 127.0.0.1:1 check check-proto h2\n"), -1);
	assert_contains(messages_of(&f), "'check-proto h2' is for checks that make requests");
	done(&f);
	assert_int_equal(
	    fixture_read(&f, "backend b\n option httpchk\n"
			     " server a 127.0.0.1:1 ssl verify none check check-alpn h2\n"
			     " server b 127.0.0.1:1 check check-proto h2\n"),
	    0);
	done(&f);
}

/* ---- with a store ---- */

static void say(void *arg, enum diag_level level, const char *text)
{
	(void)arg;
	(void)level;
	fail_msg("%s", text);
}

static struct tls_store *store_of(void *source)
{
	return source;
}

/* A self-signed authority, as PEM. */
static char *authority(const char *name, char out[4096])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE");
	X509_add_ext(cert, ca, -1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	PEM_write_bio_X509(bio, cert);
	int n = BIO_read(bio, out, 4095);
	assert_true(n > 0);
	out[n] = 0;
	X509_EXTENSION_free(ca);
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	return out;
}

static void put_authority(struct tls_store *store, const char *name, bool first)
{
	char pem[4096];
	struct strbuf err = STRBUF_INIT;
	if (first)
		assert_int_equal(tls_store_new_entry(store, TLS_OBJ_CA, NAMED, &err), 0);
	assert_int_equal(
	    tls_store_set(store, TLS_OBJ_CA, NAMED, slice_str(authority(name, pem)), false, &err),
	    0);
	assert_int_equal(tls_store_commit(store, NULL, TLS_OBJ_CA, NAMED, &err), 0);
	strbuf_done(&err);
}

static unsigned roots_of(struct server *s, char *name, size_t size)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx_of(s)));
	unsigned n = 0;
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		const X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
		if (!cert)
			continue;
		n++;
		X509_NAME_get_text_by_NID(
		    X509_get_subject_name(cert), NID_commonName, name, (int)size);
	}
	return n;
}

static void changed_authorities_make_a_new_context(void **state)
{
	struct fixture f;
	char name[64] = "";
	const struct tls_store_conf conf = TLS_STORE_CONF_INIT;
	const struct tls_report report = { .say = say };
	struct tls_store *store = tls_store_new(&conf, &report);
	const struct server_tls_env env = { .open_store = store_of, .source = store };
	(void)state;
	assert_non_null(store);
	put_authority(store, "before", true);
	assert_int_equal(
	    fixture_read(&f, "backend b\n server a 127.0.0.1:1 ca-file " NAMED "\n"), 0);
	struct server *s = srv_of(&f, "b", "a");
	s->tls.prepared = s->tls.on = true;
	assert_int_equal(server_tls_finish(f.conf, s, &env, false), 0);
	assert_int_equal(roots_of(s, name, sizeof(name)), 1);
	assert_string_equal(name, "before");
	uint64_t serial = atomic_load(&s->tls.serial);
	put_authority(store, "after", false);
	assert_int_equal(roots_of(s, name, sizeof(name)), 1);
	assert_string_equal(name, "after");
	/* connections that were verified by the old one are not taken any more */
	assert_int_not_equal(atomic_load(&s->tls.serial), serial);
	done(&f);
	tls_store_free(store);
}

static void what_the_line_says_counts_before_the_global_section(void **state)
{
	struct fixture f;
	const struct server_tls_env env = {
		.words = {
			.opt = { .min_ver = TLS_VER_TLS13, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256" },
			.tickets = -1,
		},
		.verify_none = true,
	};
	(void)state;
	assert_int_equal(
	    fixture_read(&f, "backend b\n server a 127.0.0.1:1\n server b 127.0.0.1:1 tls-tickets "
			     "ssl-max-ver TLSv1.2 ciphers ECDHE-RSA-AES256-GCM-SHA384\n"),
	    0);
	struct server *a = srv_of(&f, "b", "a"), *b = srv_of(&f, "b", "b");
	a->tls.prepared = b->tls.prepared = true;
	assert_int_equal(server_tls_finish(f.conf, a, &env, false), 0);
	assert_int_equal(server_tls_finish(f.conf, b, &env, false), 0);
	assert_int_equal(SSL_CTX_get_min_proto_version(ctx_of(a)), TLS1_3_VERSION);
	assert_true(SSL_CTX_get_options(ctx_of(a)) & SSL_OP_NO_TICKET);
	assert_string_equal(a->tls.words.opt.ciphers, "ECDHE-RSA-AES128-GCM-SHA256");
	assert_int_equal(SSL_CTX_get_min_proto_version(ctx_of(b)), TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_get_max_proto_version(ctx_of(b)), TLS1_2_VERSION);
	assert_false(SSL_CTX_get_options(ctx_of(b)) & SSL_OP_NO_TICKET);
	assert_string_equal(b->tls.words.opt.ciphers, "ECDHE-RSA-AES256-GCM-SHA384");
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_reach_the_context),
		cmocka_unit_test(contexts_are_made_where_something_may_need_them),
		cmocka_unit_test(wrong_words_are_told),
		cmocka_unit_test(http_2_is_for_checks_that_make_requests),
		cmocka_unit_test(changed_authorities_make_a_new_context),
		cmocka_unit_test(what_the_line_says_counts_before_the_global_section),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
