/* SPDX-License-Identifier: MIT */
/*
 * Fetches of TLS connections, evaluated on one that has shaken hands over a socket pair with a plain OpenSSL client;
 * and those of what a hello offered, on one that was written by hand. Certificates are made here.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

#include "fixture.h"
#include "weir/net/conn.h"
#include "weir/tls/server.h"
#include "weir/tls/transport.h"

static struct worker_group *group;
static struct worker *worker;
static EVP_PKEY *key;
static X509 *cert;

struct pair {
	struct fixture f;
	struct tls_tune tune;
	struct conn conn; /* the server's side, weir's */
	int peer;	  /* the other end */
	SSL_CTX *server_ctx, *client_ctx;
	SSL *client;
};

static struct conn *pair_conn(void *stream, bool server)
{
	struct pair *p = container_of((struct fixture *)stream, struct pair, f);
	return server ? NULL : &p->conn;
}

static const struct rule_host pair_host = { .conn = pair_conn };

static int make_certificate(void **state)
{
	group = worker_group_new(1, 16);
	worker = worker_get(group, 0);
	key = EVP_EC_gen("P-256");
	cert = X509_new();
	assert_true(group && worker && key && cert);
	X509_NAME *name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(
	    name, "O", MBSTRING_UTF8, (const unsigned char *)"weir", -1, -1, 0);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_UTF8, (const unsigned char *)"own", -1, -1, 0);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x1234);
	X509_set_issuer_name(cert, name);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	return X509_sign(cert, key, EVP_sha256()) > 0 ? 0 : -1;
}

static int drop_certificate(void **state)
{
	X509_free(cert);
	EVP_PKEY_free(key);
	tls_worker_stop(worker);
	worker_group_free(group);
	return 0;
}

static void on_event(struct conn *c)
{
}

static int let_pass(int ok, X509_STORE_CTX *x)
{
	return 1;
}

static void open_pair(struct pair *p, unsigned capture)
{
	struct tls_server_setup setup = { .lifetime_s = 60, .keylog = true, .capture = capture };
	int fd[2];
	*p = (struct pair){ .tune = TLS_TUNE_DEFAULT };
	fx_new(&p->f);
	p->f.cx.host = &pair_host;
	p->server_ctx = SSL_CTX_new(TLS_server_method());
	assert_int_equal(1, SSL_CTX_use_certificate(p->server_ctx, cert));
	assert_int_equal(1, SSL_CTX_use_PrivateKey(p->server_ctx, key));
	SSL_CTX_set_verify(p->server_ctx, SSL_VERIFY_PEER, let_pass);
	assert_int_equal(0, tls_server_setup(p->server_ctx, &setup));
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
	p->peer = fd[1];
	assert_int_equal(0, conn_start(&p->conn, worker, fd[0], on_event));
	p->tune.handshake_us = 0; /* no turn is ever over here */
	assert_int_equal(
	    0, tls_accept(&p->conn, p->server_ctx, &(struct tls_accept_opts){ .tune = &p->tune }));
}

/* As an event would. */
static void readable(struct pair *p)
{
	p->conn.flags |= CONN_READABLE | CONN_WRITABLE;
	p->conn.flags &= (uint16_t)~CONN_DRAINED;
}

static void shake_hands(struct pair *p, bool with_cert, const char *sni)
{
	static const unsigned char alpn[] = "\x02h2\x08http/1.1";
	int mine = -EAGAIN, theirs = 0;
	p->client_ctx = SSL_CTX_new(TLS_client_method());
	if (with_cert) {
		SSL_CTX_use_certificate(p->client_ctx, cert);
		SSL_CTX_use_PrivateKey(p->client_ctx, key);
	}
	p->client = SSL_new(p->client_ctx);
	SSL_set_fd(p->client, p->peer);
	SSL_set_connect_state(p->client);
	SSL_set_alpn_protos(p->client, alpn, sizeof(alpn) - 1);
	if (sni)
		SSL_set_tlsext_host_name(p->client, sni);
	for (int i = 0; i < 20 && (mine != 0 || theirs != 1); i++) {
		theirs = SSL_do_handshake(p->client);
		readable(p);
		if (mine == -EAGAIN)
			mine = conn_handshake(&p->conn);
	}
	assert_int_equal(0, mine);
	assert_int_equal(1, theirs);
}

static void close_pair(struct pair *p)
{
	SSL_free(p->client);
	conn_close(&p->conn);
	SSL_CTX_free(p->client_ctx);
	SSL_CTX_free(p->server_ctx);
	close(p->peer);
	fx_free(&p->f);
}

/* The value as text; want NULL: there is none. */
static void check(struct pair *p, const char *expr, const char *want)
{
	struct sample s = { .type = SMP_ANY };
	char line[256];
	snprintf(line, sizeof(line), "expr %s", expr);
	fx_load(&p->f, line);
	if (!expr_eval(p->f.expr, &p->f.cx, SMP_STR, &s)) {
		if (want)
			fail_msg("%s has no value instead of '%s'", expr, want);
		return;
	}
	if (!want || !slice_eq(s.str, slice_str(want)))
		fail_msg(
		    "%s: '%.*s' instead of '%s'", expr, SLICE_ARG(s.str), want ? want : "(none)");
}

static void a_connection_tells_what_was_agreed_upon(void **state)
{
	struct pair p;
	open_pair(&p, 0);
	shake_hands(&p, false, "www.example.com");
	check(&p, "ssl_fc", "1");
	check(&p, "ssl_fc_protocol", "TLSv1.3");
	check(&p, "ssl_fc_cipher", SSL_get_cipher_name(p.client));
	check(&p, "ssl_fc_sni", "www.example.com");
	check(&p, "ssl_fc_has_sni", "1");
	check(&p, "ssl_fc_is_resumed", "0");
	check(&p, "ssl_fc_has_early", "0");
	check(&p, "ssl_fc_early_rcvd", "0");
	check(&p, "ssl_fc_err", "0");
	check(&p, "ssl_fc_err_str", NULL);
	check(&p, "ssl_fc_npn", NULL);
	check(&p, "ssl_fc_cipherlist_hex", NULL);
	check(&p, "ssl_fc_client_random,length", "32");
	check(&p, "ssl_fc_server_traffic_secret_0,length", "96");
	check(&p, "ssl_f_s_dn(CN)", "own");
	check(&p, "ssl_f_serial,hex", "1234");
	close_pair(&p);
}

static void both_ends_have_the_same_unique_id(void **state)
{
	struct pair p;
	char id[64], hex[2 * sizeof(id) + 1];
	open_pair(&p, 0);
	shake_hands(&p, false, NULL);
	size_t len = SSL_get_finished(p.client, id, sizeof(id)); /* the client's is the first */
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02X", (unsigned char)id[i]);
	check(&p, "ssl_fc_unique_id,hex", hex);
	check(&p, "ssl_fc_sni", NULL);
	check(&p, "ssl_fc_has_sni", "0");
	close_pair(&p);
}

static void a_client_without_a_certificate_has_no_parts_of_one(void **state)
{
	struct pair p;
	open_pair(&p, 0);
	shake_hands(&p, false, NULL);
	check(&p, "ssl_c_used", "0");
	check(&p, "ssl_fc_has_crt", "0");
	check(&p, "ssl_c_verify", "0");
	check(&p, "ssl_c_err", "0");
	check(&p, "ssl_c_s_dn", NULL);
	check(&p, "ssl_c_der", NULL);
	check(&p, "ssl_c_chain_der", NULL);
	check(&p, "ssl_c_r_dn", NULL);
	close_pair(&p);
}

static void a_certificate_that_is_let_pass_tells_its_error(void **state)
{
	struct pair p;
	open_pair(&p, 0);
	shake_hands(&p, true, NULL);
	check(&p, "ssl_c_used", "1");
	check(&p, "ssl_fc_has_crt", "1");
	check(&p, "ssl_c_verify", "18");
	check(&p, "ssl_c_verify,x509_v_err_str", "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT");
	check(&p, "ssl_c_s_dn", "/O=weir/CN=own");
	check(&p, "ssl_c_s_dn(,0,rfc2253)", "CN=own,O=weir");
	check(&p, "ssl_c_i_dn(O)", "weir");
	check(&p, "ssl_c_r_dn", NULL); /* the chain was not verified */
	check(&p, "ssl_c_version", "3");
	close_pair(&p);
}

/*
 * Ciphers, extensions, groups, versions and signature algorithms with GREASE in each list; point formats. No key
 * share: the server answers with an alert or a request for another hello, and what it saw is kept.
 */
static const unsigned char grease_hello[] = {
	22,
	3,
	1,
	0,
	0x70,
	1,
	0,
	0,
	0x6c,
	3,
	3, /* record, message, version */
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	16, /* random */
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	16,
	0, /* no session */
	0,
	8,
	0x1a,
	0x1a,
	0x13,
	0x01,
	0xc0,
	0x2f,
	0x7b,
	0x7a,
	1,
	0, /* ciphers */
	0,
	0x3b,
	0x2a,
	0x2a,
	0,
	0, /* extensions: GREASE */
	0,
	10,
	0,
	8,
	0,
	6,
	0x3a,
	0x3a,
	0,
	29,
	0,
	23, /* groups */
	0,
	11,
	0,
	2,
	1,
	0, /* point formats */
	0,
	13,
	0,
	8,
	0,
	6,
	0x4a,
	0x4a,
	4,
	3,
	8,
	4, /* signatures */
	0,
	43,
	0,
	7,
	6,
	0x5a,
	0x5a,
	3,
	4,
	3,
	3, /* versions */
	0x6a,
	0x6a,
	0,
	1,
	0, /* GREASE with a value */
	0,
	23,
	0,
	0,
	0xff,
	1,
	0,
	1,
	0,
};

static void hello_by_hand(struct pair *p, unsigned capture)
{
	open_pair(p, capture);
	assert_int_equal(write(p->peer, grease_hello, sizeof(grease_hello)), sizeof(grease_hello));
	readable(p);
	(void)conn_handshake(&p->conn);
}

static void a_hello_gives_its_lists_with_and_without_grease(void **state)
{
	struct pair p;
	hello_by_hand(&p, 200);
	check(&p, "ssl_fc_protocol_hello_id", "771");
	check(&p, "ssl_fc_cipherlist_hex", "1A1A1301C02F7B7A");
	check(&p, "ssl_fc_cipherlist_hex(0)", "1A1A1301C02F7B7A");
	check(&p, "ssl_fc_cipherlist_hex(1)", "1301C02F7B7A");
	check(&p, "ssl_fc_cipherlist_str(1)",
	    "TLS_AES_128_GCM_SHA256,ECDHE-RSA-AES128-GCM-SHA256,UNKNOWN(7b7a)");
	check(&p, "ssl_fc_extlist_bin,hex", "2A2A000A000B000D002B6A6A0017FF01");
	check(&p, "ssl_fc_extlist_bin(1),hex", "000A000B000D002B0017FF01");
	check(&p, "ssl_fc_eclist_bin(1),hex", "001D0017");
	check(&p, "ssl_fc_ecformats_bin,hex", "00");
	check(&p, "ssl_fc_sigalgs_bin(1),hex", "04030804");
	check(&p, "ssl_fc_supported_versions_bin,hex", "5A5A03040303");
	check(&p, "ssl_fc_supported_versions_bin(1),be2dec(-,2)", "772-771");
	close_pair(&p);
}

static void a_small_capture_is_cut_and_hashed_whole(void **state)
{
	struct pair p, whole;
	struct sample a, b;
	hello_by_hand(&p, 6);
	hello_by_hand(&whole, 200);
	check(&p, "ssl_fc_cipherlist_hex", "1A1A1301C02F");
	check(&p, "ssl_fc_sigalgs_bin,length", "0");
	fx_load(&p.f, "expr ssl_fc_cipherlist_xxh");
	fx_load(&whole.f, "expr ssl_fc_cipherlist_xxh");
	assert_true(expr_eval(p.f.expr, &p.f.cx, SMP_SINT, &a));
	assert_true(expr_eval(whole.f.expr, &whole.f.cx, SMP_SINT, &b));
	assert_true(a.sint == b.sint);
	close_pair(&p);
	close_pair(&whole);
}

static void a_failed_handshake_tells_its_error(void **state)
{
	struct pair p;
	open_pair(&p, 0);
	assert_int_equal(write(p.peer, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	readable(&p);
	assert_true(conn_handshake(&p.conn) < 0);
	check(&p, "ssl_fc", "1");
	check(&p, "ssl_fc_err_str", "error:0A00009C:SSL routines::http request");
	check(&p, "ssl_fc_err,hex", "000000000A00009C");
	close_pair(&p);
}

static void without_tls_most_have_no_value(void **state)
{
	struct fixture f;
	struct pair p = { .peer = -1 };
	fx_new(&p.f);
	p.f.cx.host = &pair_host;
	p.conn.xprt = &xprt_plain;
	check(&p, "ssl_fc", "0");
	check(&p, "ssl_fc_has_sni", "0");
	check(&p, "ssl_fc_is_resumed", "0");
	check(&p, "ssl_fc_has_crt", NULL);
	check(&p, "ssl_fc_protocol", NULL);
	check(&p, "ssl_fc_err", NULL);
	check(&p, "ssl_c_used", NULL);
	check(&p, "ssl_c_verify", NULL);
	check(&p, "ssl_fc_cipherlist_xxh", NULL);
	fx_free(&p.f);
	/* nor where nobody knows of connections */
	fx_new(&f);
	fx_load(&f, "expr ssl_fc_alpn");
	struct sample s;
	assert_false(expr_eval(f.expr, &f.cx, SMP_STR, &s));
	fx_free(&f);
}

static void check_refused(const char *expr, const char *why)
{
	struct fixture f;
	fx_new(&f);
	const char *said = fx_read(&f, arena_printf(&f.conf_mem, "expr %s", expr));
	if (!strstr(said, why))
		fail_msg("%s: '%s' does not say '%s'", expr, said, why);
	fx_free(&f);
}

static void arguments_are_checked_when_the_configuration_is_read(void **state)
{
	check_refused("ssl_c_s_dn(CN,1,rfc4514)", "only 'rfc2253'");
	check_refused("ssl_c_s_dn(CN,x)", "ssl_c_s_dn");
	check_refused("ssl_c_policies(1.2.x)", "no object identifier");
	check_refused("ssl_bc_protocol", "ssl_bc_protocol"); /* in a request rule */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_tells_what_was_agreed_upon),
		cmocka_unit_test(both_ends_have_the_same_unique_id),
		cmocka_unit_test(a_client_without_a_certificate_has_no_parts_of_one),
		cmocka_unit_test(a_certificate_that_is_let_pass_tells_its_error),
		cmocka_unit_test(a_hello_gives_its_lists_with_and_without_grease),
		cmocka_unit_test(a_small_capture_is_cut_and_hashed_whole),
		cmocka_unit_test(a_failed_handshake_tells_its_error),
		cmocka_unit_test(without_tls_most_have_no_value),
		cmocka_unit_test(arguments_are_checked_when_the_configuration_is_read),
	};
	return cmocka_run_group_tests(tests, make_certificate, drop_certificate);
}
