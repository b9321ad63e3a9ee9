/* SPDX-License-Identifier: MIT */
/* Early data to servers: sent with the hello, as much as fits; what the server refuses comes again, once. */
#include "pair.h"

#define LONG 40000

static struct tls_session_cache *cache;
static struct tls_client *client;
static char text[LONG + 1];

static const struct tls_connect_opts early_opts = {
	.sni = "srv.example",
	.alpn = { (char *)h2_http, sizeof(h2_http) - 1 },
	.early = true,
};

static int setup(void **state)
{
	pair_setup(state);
	cache = tls_session_cache_new(1000);
	client = client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
	for (size_t i = 0; i < LONG; i++)
		text[i] = (char)('a' + i % 26);
	return 0;
}

static int teardown(void **state)
{
	pair_close();
	tls_client_unref(client);
	tls_session_cache_free(cache);
	return pair_teardown(state);
}

static SSL_CTX *new_server(bool early)
{
	return server_ctx_new(
	    &(struct tls_server_setup){ .cache = cache, .early_data = early }, TLS1_3_VERSION);
}

static bool client_has_any(void)
{
	return p.cl.got.len > 0;
}

static bool server_has_all(void)
{
	return p.sv.got.len >= LONG;
}

/* A connection whose answer brings a session. */
static void get_session(SSL_CTX *ctx)
{
	pair_sockets(0);
	pair_open_opts(ctx, NULL, client, &early_opts);
	pair_run(both_handshaken);
	end_send(&p.sv, SLICE("answer"));
	pair_run(client_has_any);
	pair_close();
}

/* Ready at once, and sends. */
static void open_early(SSL_CTX *ctx, size_t len)
{
	pair_sockets(0);
	assert_int_equal(tls_accept(&p.sv.c, ctx, NULL), 0);
	assert_int_equal(tls_connect(&p.cl.c, client, &early_opts), 0);
	assert_int_equal(conn_handshake(&p.cl.c), 0);
	assert_true(slice_eq(tls_alpn(&p.cl.c), SLICE("h2")));
	end_send(&p.cl, slice_make(text, len));
}

static void the_first_flight_has_the_request(void **state)
{
	SSL_CTX *ctx = new_server(true);
	get_session(ctx);
	open_early(ctx, 10);
	assert_false(tls_info(&p.cl.c)->handshaken);
	assert_int_equal(p.cl.todo.len, 0);
	while (!p.sv.got.len)
		assert_true(pair_turn(10000));
	assert_string_equal(strbuf_str(&p.sv.got), "abcdefghij");
	assert_true(tls_info(&p.sv.c)->early);
	assert_false(tls_info(&p.sv.c)->handshaken);
	end_send(&p.sv, SLICE("200"));
	pair_run(client_has_any);
	pair_run(both_handshaken);
	assert_true(tls_info(&p.cl.c)->early);
	assert_true(tls_info(&p.cl.c)->resumed);
	/* the next answer brings another session */
	p.cl.got.len = 0;
	end_send(&p.sv, SLICE("200"));
	pair_run(client_has_any);
	pair_close();
	open_early(ctx, 10);
	SSL_CTX_free(ctx);
}

static void what_does_not_fit_follows_the_handshake(void **state)
{
	SSL_CTX *ctx = new_server(true);
	get_session(ctx);
	open_early(ctx, LONG);
	assert_in_range(p.cl.todo.len, LONG - 16384, LONG - 16000);
	pair_run(server_has_all);
	pair_settle();
	assert_true(tls_info(&p.cl.c)->early);
	assert_int_equal(p.sv.got.len, LONG);
	assert_memory_equal(p.sv.got.ptr, text, LONG);
	SSL_CTX_free(ctx);
}

static void a_session_is_for_early_data_once(void **state)
{
	SSL_CTX *ctx = new_server(true);
	get_session(ctx);
	open_early(ctx, 10);
	pair_close();
	pair_sockets(0);
	pair_open_opts(ctx, NULL, client, &early_opts);
	pair_run(both_handshaken);
	assert_false(tls_info(&p.cl.c)->early);
	SSL_CTX_free(ctx);
}

/* Whatever the reason, the server reads it once, behind the handshake. */
static void what_is_refused_comes_again(void **state)
{
	SSL_CTX *first = new_server(true), *other = new_server(false);
	get_session(first);
	open_early(other, LONG);
	pair_run(server_has_all);
	pair_settle();
	assert_false(tls_info(&p.cl.c)->early);
	assert_int_equal(p.sv.got.len, LONG);
	assert_memory_equal(p.sv.got.ptr, text, LONG);
	end_send(&p.sv, SLICE("200"));
	pair_run(client_has_any);
	SSL_CTX_free(first);
	SSL_CTX_free(other);
}

static int choose_http(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	(void)ssl;
	(void)in;
	(void)in_len;
	(void)arg;
	*out = h2_http + 4;
	*out_len = 8;
	return SSL_TLSEXT_ERR_OK;
}

static void refused_by_another_protocol_it_is_a_failure(void **state)
{
	SSL_CTX *first = new_server(true), *other = new_server(true);
	SSL_CTX_set_alpn_select_cb(other, choose_http, NULL);
	get_session(first);
	open_early(other, 10);
	pair_run(client_failed);
	assert_int_equal(tls_info(&p.cl.c)->fault, TLS_FAULT_EARLY);
	assert_int_equal(p.sv.got.len, 0);
	pair_close();
	/* the session is forgotten */
	pair_sockets(0);
	pair_open_opts(other, NULL, client, &early_opts);
	pair_run(both_handshaken);
	assert_false(tls_info(&p.cl.c)->resumed);
	SSL_CTX_free(first);
	SSL_CTX_free(other);
}

static void a_server_that_goes_is_a_failure(void **state)
{
	SSL_CTX *ctx = new_server(true);
	get_session(ctx);
	open_early(ctx, 10);
	end_close(&p.sv);
	pair_run(client_failed);
	SSL_CTX_free(ctx);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_first_flight_has_the_request),
		T(what_does_not_fit_follows_the_handshake),
		T(a_session_is_for_early_data_once),
		T(what_is_refused_comes_again),
		T(refused_by_another_protocol_it_is_a_failure),
		T(a_server_that_goes_is_a_failure),
	};
	return cmocka_run_group_tests_name("client_early", tests, NULL, NULL);
}
