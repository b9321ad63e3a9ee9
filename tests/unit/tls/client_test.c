/* SPDX-License-Identifier: MIT */
/* Contexts for servers: what is verified, what fails and with which words; early data; the queue of handshakes. */
#include "pair.h"

static const struct tls_server_setup plain_setup = { .lifetime_s = 300 };

static bool client_has_any(void)
{
	return p.cl.got.len > 0;
}

static bool server_has_any(void)
{
	return p.sv.got.len > 0;
}

static bool client_done(void)
{
	return p.cl.failed || tls_info(&p.cl.c)->handshaken;
}

/* Connects with a name to be found in the certificate; NULL: by the SNI srv.example. What went wrong. */
static enum tls_fault fault_with(struct tls_client *client, const char *sni, const char *verifyhost)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	pair_sockets(0);
	pair_open_opts(
	    ctx, NULL, client, &(struct tls_connect_opts){ .sni = sni, .verifyhost = verifyhost });
	pair_run(client_done);
	enum tls_fault fault = tls_info(&p.cl.c)->fault;
	pair_close();
	SSL_CTX_free(ctx);
	return fault;
}

static void the_name_in_the_certificate_is_checked(void **state)
{
	struct tls_client *client =
	    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
	assert_int_equal(fault_with(client, "srv.example", NULL), TLS_FAULT_NONE);
	assert_int_equal(fault_with(client, "a.w.example", NULL), TLS_FAULT_NONE);
	assert_int_equal(fault_with(client, "a.b.w.example", NULL), TLS_FAULT_NAME);
	assert_int_equal(fault_with(client, "other.example", NULL), TLS_FAULT_NAME);
	assert_int_equal(fault_with(client, "other.example", "srv.example"), TLS_FAULT_NONE);
	assert_int_equal(fault_with(client, "srv.example", "other.example"), TLS_FAULT_NAME);
	assert_int_equal(fault_with(client, NULL, NULL), TLS_FAULT_NONE);
	assert_int_equal(fault_with(client, NULL, "192.0.2.1"), TLS_FAULT_NAME);
	tls_client_unref(client);

	client = client_new(&(struct tls_client_conf){
	    .verify = true, .ca_file = p.ca_file, .verifyhost = "x.w.example" });
	assert_int_equal(fault_with(client, "other.example", NULL), TLS_FAULT_NONE);
	assert_int_equal(fault_with(client, "x.w.example", "other.example"), TLS_FAULT_NAME);
	tls_client_unref(client);

	client = client_new(&(struct tls_client_conf){
	    .verify = true, .ca_file = p.ca_file, .verifyhost = "other.example" });
	assert_int_equal(fault_with(client, NULL, NULL), TLS_FAULT_HOST);
	assert_int_equal(fault_with(client, NULL, "srv.example"), TLS_FAULT_NONE);
	tls_client_unref(client);
}

static void an_unknown_issuer_is_refused_unless_nothing_is_verified(void **state)
{
	struct test_cert other =
	    test_cert_make(&(struct test_spec){ .cn = "other", .ca = true }, NULL);
	test_write_pem(p.dir, "other.pem", &other, false, NULL);
	char *file = test_path(p.dir, "other.pem");
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client =
	    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = file });
	char text[100];
	pair_open(ctx, client, 0);
	pair_run(client_failed);
	const struct tls_info *info = tls_info(&p.cl.c);
	assert_int_equal(info->crt_err, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	assert_int_equal(info->fault, TLS_FAULT_HANDSHAKE);
	assert_true(tls_error_text(info, text, sizeof(text)) > 0);
	assert_string_equal(text, "unable to get local issuer certificate");
	/* the server hears of it by an alert */
	pair_run(server_failed);
	assert_int_equal(ERR_GET_REASON(tls_info(&p.sv.c)->err), SSL_R_TLSV1_ALERT_UNKNOWN_CA);
	pair_close();
	tls_client_unref(client);

	client = client_new(&(struct tls_client_conf){ .verify = false });
	assert_int_equal(fault_with(client, "any.example", NULL), TLS_FAULT_NONE);
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	free(file);
	test_cert_free(&other);
}

static void a_revoked_certificate_is_refused(void **state)
{
	char *pem = test_crl_pem(&p.ca, &p.crt, 1);
	test_write(p.dir, "crl.pem", pem, strlen(pem));
	char *file = test_path(p.dir, "crl.pem");
	struct tls_client *client = client_new(
	    &(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file, .crl_file = file });
	assert_int_equal(fault_with(client, "srv.example", NULL), TLS_FAULT_HANDSHAKE);
	tls_client_unref(client);
	free(file);
	free(pem);
}

static void our_certificate_is_shown_when_asked_for(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), p.ca.x509);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	struct test_cert mine = test_cert_make(&(struct test_spec){ .cn = "client" }, &p.ca);
	test_write_pem(p.dir, "mine.pem", &mine, true, NULL);
	char *file = test_path(p.dir, "mine.pem");
	struct tls_client_conf conf = { .verify = true, .ca_file = p.ca_file, .crt = file };
	struct tls_client *client = client_new(&conf);
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	assert_non_null(SSL_get0_peer_certificate(tls_ssl(&p.sv.c)));
	pair_close();
	tls_client_unref(client);

	conf.crt = NULL;
	client = client_new(&conf);
	pair_open(ctx, client, 0);
	pair_run(server_failed);
	assert_int_equal(
	    ERR_GET_REASON(tls_info(&p.sv.c)->err), SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
	/* in TLS 1.3 the client learns of it when it reads */
	pair_run(client_failed);
	assert_int_equal(tls_info(&p.cl.c)->fault, TLS_FAULT_FATAL);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	free(file);
	test_cert_free(&mine);
}

static void wrong_words_are_told(void **state)
{
	static const struct {
		struct tls_client_conf conf;
		const char *text;
	} cases[] = {
		{ { .verify = true }, "verify required needs a ca-file" },
		{ { .ciphers = "NONSENSE" }, "ciphers 'NONSENSE': no cipher match" },
		{ { .curves = "NONSENSE" }, "curves 'NONSENSE': " },
		{ { .ca_file = "/nonexistent" }, "ca-file '/nonexistent': " },
		{ { .crt = "/nonexistent" }, "crt '/nonexistent': " },
		{ { .sigalgs = "NONSENSE" }, "sigalgs 'NONSENSE': " },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char err[200] = "";
		assert_null(tls_client_new(&cases[i].conf, err, sizeof(err)));
		if (!slice_has_prefix(slice_str(err), slice_str(cases[i].text)))
			fail_msg("%s", err);
	}
}

static void protocol_lists_are_encoded(void **state)
{
	unsigned char out[16];
	assert_int_equal(tls_alpn_encode(SLICE("h2,http/1.1"), out, sizeof(out)), 12);
	assert_memory_equal(out, h2_http, 12);
	assert_int_equal(tls_alpn_encode(SLICE("h2,"), out, sizeof(out)), -EINVAL);
	assert_int_equal(tls_alpn_encode(SLICE(""), out, sizeof(out)), -EINVAL);
	assert_int_equal(tls_alpn_encode(SLICE("h2,http/1.1,http/1.0"), out, sizeof(out)), -ENOSPC);
}

/* ---- early data ---- */

static const struct tls_connect_opts to_srv = { .sni = "srv.example" };

/* A first connection for the ticket, then one that writes early data; it is not handshaken yet. */
static void open_early(SSL_CTX *ctx, struct tls_client *client, struct slice data)
{
	size_t n;
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	end_send(&p.sv, SLICE("answer"));
	pair_run(client_has_any);
	pair_close();

	pair_sockets(0);
	assert_int_equal(tls_accept(&p.sv.c, ctx, NULL), 0);
	assert_int_equal(tls_connect(&p.cl.c, client, &to_srv), 0);
	SSL *ssl = tls_ssl(&p.cl.c);
	assert_int_equal(SSL_SESSION_get_max_early_data(SSL_get0_session(ssl)), 16384);
	assert_int_equal(SSL_write_early_data(ssl, data.ptr, data.len, &n), 1);
	/* the transport sends what is staged when it is asked for anything */
	assert_int_equal(conn_handshake(&p.cl.c), -EAGAIN);
}

static void early_data_is_read_before_the_handshake_ends(void **state)
{
	struct tls_session_cache *cache = tls_session_cache_new(1000);
	struct tls_server_setup setup = { .cache = cache, .early_data = true };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	struct tls_client *client =
	    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
	open_early(ctx, client, SLICE("GET /early"));
	pair_run(server_has_any);
	assert_string_equal(strbuf_str(&p.sv.got), "GET /early");
	assert_true(tls_info(&p.sv.c)->early);
	pair_settle();
	pair_run(both_handshaken);
	assert_true(tls_handshake_done(&p.sv.c));
	assert_true(tls_info(&p.sv.c)->resumed);
	end_send(&p.cl, SLICE(" and later"));
	while (p.sv.got.len < 20)
		assert_true(pair_turn(10000));
	assert_string_equal(strbuf_str(&p.sv.got), "GET /early and later");
	end_send(&p.sv, SLICE("200"));
	pair_run(client_has_any);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	tls_session_cache_free(cache);
}

/* The server does not read: it is told of early data, answers it, and carries the handshake on by itself. */
static void a_handshake_is_finished_without_reading(void **state)
{
	struct tls_session_cache *cache = tls_session_cache_new(1000);
	struct tls_server_setup setup = { .cache = cache, .early_data = true };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	struct tls_client *client =
	    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
	open_early(ctx, client, SLICE("GET /early"));
	p.sv.hold = true;
	p.sv.c.flags &= (uint16_t)~CONN_DRAINED; /* as an event does */
	assert_int_equal(conn_handshake(&p.sv.c), 0);
	assert_false(tls_handshake_done(&p.sv.c));
	assert_int_equal(tls_finish_handshake(&p.sv.c), -EAGAIN);
	end_send(&p.sv, SLICE("half a round trip")); /* before the client's Finished */
	pair_run(client_has_any);
	pair_settle();
	assert_int_equal(tls_finish_handshake(&p.sv.c), 0);
	assert_true(tls_handshake_done(&p.sv.c));
	p.sv.hold = false;
	end_work(&p.sv);
	assert_string_equal(strbuf_str(&p.sv.got), "GET /early");
	assert_string_equal(strbuf_str(&p.cl.got), "half a round trip");
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	tls_session_cache_free(cache);
}

/* An answer to early data and the end behind it: the farewell waits for the client's last flight. */
static void the_end_behind_early_data_is_orderly(void **state)
{
	struct tls_session_cache *cache = tls_session_cache_new(1000);
	struct tls_server_setup setup = { .cache = cache, .early_data = true };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	struct tls_client *client =
	    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
	open_early(ctx, client, SLICE("GET /early"));
	p.sv.c.flags &= (uint16_t)~CONN_DRAINED;
	assert_int_equal(conn_handshake(&p.sv.c), 0);
	p.sv.shut_when_sent = true;
	end_send(&p.sv, SLICE("answer"));
	assert_false(tls_handshake_done(&p.sv.c));
	SSL_clear_options(tls_ssl(&p.cl.c), SSL_OP_IGNORE_UNEXPECTED_EOF);
	while (!p.cl.end && !p.cl.failed)
		assert_true(pair_turn(10000));
	assert_false(p.cl.failed);
	assert_string_equal(strbuf_str(&p.cl.got), "answer");
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	tls_session_cache_free(cache);
}

/* What was recorded on the wire and is sent once more gets a full handshake, and its early data is dropped. */
static void replayed_early_data_is_not_read(void **state)
{
	struct tls_session_cache *cache = tls_session_cache_new(1000);
	struct tls_server_setup setup = { .cache = cache, .early_data = true };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	struct tls_client *client =
	    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
	char recorded[4096];
	int fd[2];
	open_early(ctx, client, SLICE("POST /pay"));
	ssize_t n = recv(p.sv.c.io.fd, recorded, sizeof(recorded), MSG_PEEK);
	assert_true(n > 0);
	pair_run(server_has_any);
	pair_close();

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	end_start(&p.sv, fd[1]);
	assert_int_equal(tls_accept(&p.sv.c, ctx, NULL), 0);
	assert_int_equal(write(fd[0], recorded, (size_t)n), n);
	pair_settle();
	assert_false(tls_info(&p.sv.c)->early);
	assert_int_equal(p.sv.got.len, 0);
	pair_close();
	close(fd[0]);
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	tls_session_cache_free(cache);
}

/* ---- the queue ---- */

#define CROWD 40

static struct end crowd[2 * CROWD];

static void open_crowd(SSL_CTX *ctx, struct tls_client *client, const struct tls_tune *tune)
{
	for (unsigned i = 0; i < CROWD; i++) {
		int fd[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		end_start(&crowd[2 * i], fd[0]);
		end_start(&crowd[2 * i + 1], fd[1]);
		struct tls_accept_opts opts = { .tune = tune };
		assert_int_equal(tls_accept(&crowd[2 * i + 1].c, ctx, &opts), 0);
		struct tls_connect_opts to = { .tune = &(struct tls_tune){ .handshake_us = 0 } };
		assert_int_equal(tls_connect(&crowd[2 * i].c, client, &to), 0);
		assert_int_equal(conn_handshake(&crowd[2 * i].c), -EAGAIN);
	}
}

static unsigned crowd_done(bool failed)
{
	unsigned n = 0;
	for (unsigned i = 0; i < CROWD; i++) {
		const struct end *e = &crowd[2 * i + 1];
		n += failed ? e->failed : tls_info(&e->c)->handshaken;
	}
	return n;
}

static void close_crowd(void)
{
	for (unsigned i = 0; i < 2 * CROWD; i++)
		end_close(&crowd[i]);
}

static void a_crowd_of_handshakes_waits_in_turn(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false });
	struct tls_tune tune = { .handshake_us = 1 };
	open_crowd(ctx, client, &tune);
	/* all that have come are events of one turn: one of them goes on at once */
	clock_update(&p.w->clock);
	for (unsigned i = 0; i < CROWD; i++)
		conn_continue(&crowd[2 * i + 1].c);
	assert_int_equal(tls_counters(p.w).queued, CROWD - 1);
	while (crowd_done(false) < CROWD)
		assert_true(pair_turn(10000));
	assert_int_equal(crowd_done(true), 0);
	close_crowd();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

static void a_full_queue_refuses_and_a_lost_client_is_dropped(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false });
	struct tls_tune tune = { .handshake_us = 1, .handshake_queue = 10 };
	open_crowd(ctx, client, &tune);
	clock_update(&p.w->clock);
	for (unsigned i = 0; i < CROWD; i++)
		conn_continue(&crowd[2 * i + 1].c);
	assert_int_equal(crowd_done(true), CROWD - 11);
	assert_int_equal(tls_info(&crowd[2 * CROWD - 1].c)->fault, TLS_FAULT_BUSY);
	/* the second one waits, and its client goes away */
	conn_close(&crowd[2].c);
	crowd[3].c.flags |= CONN_PEER_CLOSED;
	conn_continue(&crowd[3].c);
	assert_true(crowd[3].failed);
	assert_int_equal(tls_info(&crowd[3].c)->fault, TLS_FAULT_CLOSED_EMPTY);
	/* one that is closed while it waits is not asked again */
	end_close(&crowd[5]);
	crowd[5].c.xprt_state = NULL;
	pair_settle();
	assert_true(tls_info(&crowd[1].c)->handshaken);
	assert_true(tls_info(&crowd[7].c)->handshaken);
	close_crowd();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

static int setup(void **state)
{
	for (unsigned i = 0; i < 2 * CROWD; i++)
		crowd[i].c.io.fd = -1;
	return pair_setup(state);
}

static int teardown(void **state)
{
	close_crowd(); /* of a test that has failed */
	return pair_teardown(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_name_in_the_certificate_is_checked),
		T(an_unknown_issuer_is_refused_unless_nothing_is_verified),
		T(a_revoked_certificate_is_refused),
		T(our_certificate_is_shown_when_asked_for),
		T(wrong_words_are_told),
		T(protocol_lists_are_encoded),
		T(early_data_is_read_before_the_handshake_ends),
		T(a_handshake_is_finished_without_reading),
		T(the_end_behind_early_data_is_orderly),
		T(replayed_early_data_is_not_read),
		T(a_crowd_of_handshakes_waits_in_turn),
		T(a_full_queue_refuses_and_a_lost_client_is_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
