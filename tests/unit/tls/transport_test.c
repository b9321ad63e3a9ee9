/* SPDX-License-Identifier: MIT */
/* The TLS transport between two connections of one worker: handshakes, transfers, ends and failures. */
#include <poll.h>

#include "pair.h"

static const struct tls_server_setup plain_setup = { .lifetime_s = 300 };

static char big[3 * 1024 * 1024];

static void fill_big(void)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 + i / 7919);
}

static bool client_has_big(void)
{
	return p.cl.got.len >= sizeof(big);
}

static bool server_has_big(void)
{
	return p.sv.got.len >= sizeof(big);
}

static bool client_has_any(void)
{
	return p.cl.got.len > 0;
}

static bool server_has_any(void)
{
	return p.sv.got.len > 0;
}

static bool server_end(void)
{
	return p.sv.end;
}

static bool client_end(void)
{
	return p.cl.end;
}

static void each_version(void (*fn)(SSL_CTX *ctx, struct tls_client *client))
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		SSL_CTX *ctx = server_ctx_new(&plain_setup, versions[i]);
		struct tls_client *client =
		    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
		fn(ctx, client);
		tls_client_unref(client);
		SSL_CTX_free(ctx);
	}
}

/* ---- */

static void exchange(SSL_CTX *ctx, struct tls_client *client)
{
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	assert_string_equal(tls_sni(&p.sv.c), "srv.example");
	assert_false(tls_info(&p.cl.c)->resumed);
	pair_settle();
	assert_true(p.cl.c.flags & CONN_WRITABLE);
	assert_true(p.cl.events > 0); /* told of the end of the handshake */
	end_send(&p.cl, SLICE("GET /"));
	pair_run(server_has_any);
	assert_string_equal(strbuf_str(&p.sv.got), "GET /");
	end_send(&p.sv, SLICE("200"));
	pair_run(client_has_any);
	assert_string_equal(strbuf_str(&p.cl.got), "200");
	pair_close();
}

static void both_ends_shake_hands_and_talk(void **state)
{
	each_version(exchange);
}

static void alpn(SSL_CTX *ctx, struct tls_client *client)
{
	struct tls_connect_opts opts = { .sni = "srv.example",
		.alpn = slice_make((const char *)h2_http, sizeof(h2_http) - 1) };
	pair_sockets(0);
	pair_open_opts(ctx, NULL, client, &opts);
	pair_run(both_handshaken);
	assert_true(slice_eq(tls_alpn(&p.cl.c), SLICE("h2")));
	assert_true(slice_eq(tls_alpn(&p.sv.c), SLICE("h2")));
	pair_close();
}

static void the_protocol_is_agreed_upon(void **state)
{
	each_version(alpn);
}

static void both_directions_at_once(SSL_CTX *ctx, struct tls_client *client)
{
	pair_open(ctx, client, 4096);
	pair_run(both_handshaken);
	p.sv.todo = p.cl.todo = slice_make(big, sizeof(big));
	end_work(&p.sv);
	end_work(&p.cl);
	pair_run(client_has_big);
	pair_run(server_has_big);
	assert_int_equal(p.cl.got.len, sizeof(big));
	assert_memory_equal(p.cl.got.ptr, big, sizeof(big));
	assert_memory_equal(p.sv.got.ptr, big, sizeof(big));
	assert_false(p.cl.c.flags & CONN_UNSENT);
	pair_close();
}

static void long_transfers_pass_tiny_socket_buffers(void **state)
{
	fill_big();
	each_version(both_directions_at_once);
}

static void small_reads(SSL_CTX *ctx, struct tls_client *client)
{
	pair_open(ctx, client, 0);
	p.cl.read_size = 777;
	pair_run(both_handshaken);
	end_send(&p.sv, slice_make(big, 100000));
	while (p.cl.got.len < 100000)
		assert_true(pair_turn(10000));
	assert_memory_equal(p.cl.got.ptr, big, 100000);
	pair_close();
}

static void a_reader_with_little_room_gets_all(void **state)
{
	fill_big();
	each_version(small_reads);
}

/* A reader that stops in the middle finds the rest without another event. */
static void paused_reader(SSL_CTX *ctx, struct tls_client *client)
{
	char first[100];
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	pair_settle();
	p.cl.hold = true;
	end_send(&p.sv, slice_make(big, 40000));
	pair_settle();
	assert_true(p.cl.c.flags & CONN_READABLE);
	assert_int_equal(conn_recv(&p.cl.c, first, sizeof(first)), sizeof(first));
	pair_settle();
	assert_true(p.cl.c.flags & CONN_READABLE);
	p.cl.hold = false;
	end_work(&p.cl);
	pair_settle();
	assert_int_equal(p.cl.got.len, 40000 - sizeof(first));
	assert_memory_equal(p.cl.got.ptr, big + sizeof(first), 40000 - sizeof(first));
	pair_close();
}

static void what_a_paused_reader_left_is_there(void **state)
{
	fill_big();
	each_version(paused_reader);
}

static void half_close(SSL_CTX *ctx, struct tls_client *client)
{
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	p.cl.shut_when_sent = true;
	end_send(&p.cl, SLICE("question"));
	pair_run(server_end);
	assert_string_equal(strbuf_str(&p.sv.got), "question");
	assert_true(p.sv.c.flags & CONN_READ_END);
	end_send(&p.sv, SLICE("answer"));
	pair_run(client_has_any);
	assert_string_equal(strbuf_str(&p.cl.got), "answer");
	pair_close();
}

static void an_answer_passes_behind_the_end_of_the_question(void **state)
{
	each_version(half_close);
}

/* The FIN of a shut connection goes behind bytes that the kernel has refused. */
static void shut_while_unsent(SSL_CTX *ctx, struct tls_client *client)
{
	pair_open(ctx, client, 4096);
	pair_run(both_handshaken);
	pair_settle();
	p.cl.hold = true;
	p.sv.shut_when_sent = true;
	struct iovec iov = { big, 60000 };
	assert_int_equal(conn_send(&p.sv.c, &iov, 1, false), 60000);
	assert_true(p.sv.c.flags & CONN_UNSENT);
	assert_false(p.sv.c.flags & CONN_WRITABLE);
	assert_int_equal(conn_send(&p.sv.c, &iov, 1, false), -EAGAIN);
	conn_shut_write(&p.sv.c);
	p.cl.hold = false;
	end_work(&p.cl);
	pair_run(client_end);
	assert_int_equal(p.cl.got.len, 60000);
	assert_memory_equal(p.cl.got.ptr, big, 60000);
	pair_close();
}

static void the_end_goes_behind_what_is_unsent(void **state)
{
	fill_big();
	each_version(shut_while_unsent);
}

/* What and the farewell arrive together: the end must be found without another event. */
static void close_notify(SSL_CTX *ctx, struct tls_client *client)
{
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	pair_settle();
	p.cl.hold = true;
	end_send(&p.sv, SLICE("bye"));
	SSL_shutdown(tls_ssl(&p.sv.c)); /* the alert alone, no FIN */
	char buf[64];
	assert_int_equal(conn_recv(&p.sv.c, buf, sizeof(buf)), -EAGAIN);
	pair_settle();
	struct conn *c = &p.cl.c;
	assert_int_equal(conn_recv(c, buf, sizeof(buf)), 3);
	assert_true(c->flags & CONN_READABLE);
	assert_int_equal(conn_recv(c, buf, sizeof(buf)), 0);
	assert_true(c->flags & CONN_READ_END);
	pair_close();
}

static void a_farewell_is_an_end_without_fin(void **state)
{
	each_version(close_notify);
}

/* A peer that closes before it has read all: its kernel resets the connection behind the farewell. */
static void close_with_bytes_unread(bool farewell, ssize_t expected)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false });
	char buf[64];
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	pair_settle();
	p.cl.hold = p.sv.hold = true;
	end_send(&p.sv, SLICE("never read"));
	pair_settle();
	if (!farewell)
		p.cl.c.flags |= CONN_NOLINGER;
	conn_close(&p.cl.c);
	pair_settle();
	assert_true(p.sv.c.flags & CONN_ERROR);
	assert_int_equal(conn_recv(&p.sv.c, buf, sizeof(buf)), expected);
	assert_int_equal(!!(p.sv.c.flags & CONN_READ_END), farewell);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

static void a_reset_behind_a_farewell_is_an_end(void **state)
{
	close_with_bytes_unread(true, 0);
}

static void a_reset_without_farewell_is_an_error(void **state)
{
	close_with_bytes_unread(false, -ECONNRESET);
}

static void eof_without_farewell(SSL_CTX *ctx, struct tls_client *client)
{
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	end_send(&p.cl, SLICE("last words"));
	shutdown(p.cl.c.io.fd, SHUT_WR);
	pair_run(server_end);
	assert_string_equal(strbuf_str(&p.sv.got), "last words");
	assert_false(p.sv.failed);
	pair_close();
}

static void a_fin_without_farewell_is_an_end(void **state)
{
	each_version(eof_without_farewell);
}

/* ---- raw bytes against the server ---- */

static int raw_peer(SSL_CTX *ctx, const struct tls_accept_opts *opts)
{
	int fd[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	end_start(&p.sv, fd[1]);
	assert_int_equal(tls_accept(&p.sv.c, ctx, opts), 0);
	return fd[0];
}

static void garbage_fails_the_handshake_with_an_alert(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	char alert[64];
	int fd = raw_peer(ctx, NULL);
	assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	pair_run(server_failed);
	const struct tls_info *info = tls_info(&p.sv.c);
	assert_int_equal(info->fault, TLS_FAULT_HANDSHAKE);
	assert_int_equal(ERR_GET_REASON(info->err), SSL_R_HTTP_REQUEST);
	assert_int_equal(p.sv.events, 1);
	end_close(&p.sv);
	close(fd);

	fd = raw_peer(ctx, NULL);
	assert_int_equal(write(fd, "\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff", 10), 10);
	pair_run(server_failed);
	assert_int_equal(read(fd, alert, sizeof(alert)), 7);
	assert_int_equal(alert[0], SSL3_RT_ALERT);
	end_close(&p.sv);
	close(fd);
	SSL_CTX_free(ctx);
}

static void an_early_close_says_whether_anything_came(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	int fd = raw_peer(ctx, NULL);
	close(fd);
	pair_run(server_failed);
	assert_int_equal(tls_info(&p.sv.c)->fault, TLS_FAULT_CLOSED_EMPTY);
	end_close(&p.sv);

	fd = raw_peer(ctx, NULL);
	assert_int_equal(write(fd, "\x16\x03\x01\x02", 4), 4);
	pair_settle();
	close(fd);
	pair_run(server_failed);
	assert_int_equal(tls_info(&p.sv.c)->fault, TLS_FAULT_CLOSED);
	assert_string_equal(
	    tls_fault_text(TLS_FAULT_CLOSED), "Connection closed during SSL handshake");
	end_close(&p.sv);
	SSL_CTX_free(ctx);
}

/* ---- a wire that is cut in pieces ---- */

/* Carries bytes between a client and a server of the pair, n at a time. */
static size_t carry(int from, int to, size_t n)
{
	char buf[16384];
	ssize_t got = read(from, buf, MIN(n, sizeof(buf)));
	if (got > 0)
		assert_int_equal(write(to, buf, (size_t)got), got);
	return got > 0 ? (size_t)got : 0;
}

static void byte_by_byte(SSL_CTX *ctx, struct tls_client *client)
{
	int a[2], b[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
	end_start(&p.cl, a[0]);
	end_start(&p.sv, b[0]);
	pair_open_opts(ctx, NULL, client, &(struct tls_connect_opts){ .sni = "srv.example" });
	p.cl.todo = SLICE("one byte after another");
	while (!both_handshaken() || p.sv.got.len < p.cl.got.len + 22) {
		size_t n = carry(a[1], b[1], 1) + carry(b[1], a[1], 1);
		bool any = false;
		while (pair_turn(0))
			any = true;
		assert_true(n || any);
	}
	assert_string_equal(strbuf_str(&p.sv.got), "one byte after another");
	pair_close();
	close(a[1]);
	close(b[1]);
}

static void a_handshake_may_come_byte_by_byte(void **state)
{
	each_version(byte_by_byte);
}

static void bytes_read_before_come_first(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client =
	    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
	for (unsigned taken = 1; taken < 400; taken += 57) {
		char hello[512];
		pair_sockets(0);
		assert_int_equal(tls_connect(&p.cl.c, client, NULL), 0);
		assert_int_equal(conn_handshake(&p.cl.c), -EAGAIN);
		p.sv.hold = true;
		pair_settle(); /* a busy machine puts the client's handshake off to its task */
		p.sv.hold = false;
		struct pollfd arrives = { .fd = p.sv.c.io.fd, .events = POLLIN };
		assert_int_equal(poll(&arrives, 1, 5000), 1);
		ssize_t n = read(p.sv.c.io.fd, hello, MIN(taken, sizeof(hello)));
		assert_true(n > 0);
		struct tls_accept_opts opts = { .early_bytes = slice_make(hello, (size_t)n) };
		assert_int_equal(tls_accept(&p.sv.c, ctx, &opts), 0);
		assert_int_equal(conn_handshake(&p.sv.c), -EAGAIN);
		/* the client does not know the name, so it is not verified: see expect_name() */
		pair_run(both_handshaken);
		pair_close();
	}
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

/* A changed byte anywhere is found, and never passes as payload. */
static void changed_bytes(SSL_CTX *ctx, struct tls_client *client)
{
	for (unsigned at = 0; at < 60; at += 3) {
		int a[2], b[2];
		char buf[4096];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
		end_start(&p.cl, a[0]);
		end_start(&p.sv, b[0]);
		pair_open_opts(ctx, NULL, client, NULL);
		while (carry(a[1], b[1], 16384) + carry(b[1], a[1], 16384) || pair_turn(0)) {
		}
		assert_true(both_handshaken());
		end_send(&p.cl, SLICE("a message that must not be changed on its way"));
		ssize_t n = read(a[1], buf, sizeof(buf));
		assert_true(n > 0);
		buf[at % (unsigned)n] ^= 0x20;
		assert_int_equal(write(b[1], buf, (size_t)n), n);
		pair_settle();
		/* a changed length may make it wait for more, until the end */
		close(a[1]);
		close(b[1]);
		pair_settle();
		assert_int_equal(p.sv.got.len, 0);
		assert_true(p.sv.failed || p.sv.end);
		pair_close();
	}
}

static void a_changed_record_fails(void **state)
{
	each_version(changed_bytes);
}

static void a_reset_fails_both_ways(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false });
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	pair_settle();
	conn_close(&p.cl.c);
	struct iovec iov = { big, 1000 };
	assert_true(conn_send(&p.sv.c, &iov, 1, false) < 0);
	assert_true(p.sv.c.flags & CONN_ERROR);
	assert_int_equal(p.sv.c.error, EPIPE);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

static void renegotiation_is_refused(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_2_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false });
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	pair_settle();
	SSL_clear_options(tls_ssl(&p.cl.c), SSL_OP_NO_RENEGOTIATION);
	assert_int_equal(SSL_renegotiate(tls_ssl(&p.cl.c)), 1);
	end_send(&p.cl, SLICE("x"));
	while (pair_turn(0) && !p.cl.failed)
		end_work(&p.cl);
	assert_int_equal(p.sv.got.len, 0);
	assert_true(p.cl.failed || p.sv.failed || p.sv.c.flags);
	assert_int_equal(SSL_num_renegotiations(tls_ssl(&p.sv.c)), 0);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

/* A short send without CONN_UNSENT would wait for an event that never comes. */
static void a_send_takes_all_that_the_kernel_takes(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false });
	struct iovec iov = { big, 150000 };
	int size = 1 << 20;
	fill_big();
	pair_open(ctx, client, 0);
	setsockopt(p.sv.c.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	pair_run(both_handshaken);
	pair_settle();
	assert_int_equal(conn_send(&p.sv.c, &iov, 1, false), 150000);
	assert_false(p.sv.c.flags & CONN_UNSENT);
	assert_true(p.sv.c.flags & CONN_WRITABLE);
	while (p.cl.got.len < 150000)
		assert_true(pair_turn(10000));
	assert_memory_equal(p.cl.got.ptr, big, 150000);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

/* ---- records ---- */

static unsigned count_records(int fd)
{
	char buf[200000];
	size_t len = 0, at = 0;
	unsigned n = 0;
	for (ssize_t got; len < sizeof(buf) && (got = read(fd, buf + len, sizeof(buf) - len)) > 0;)
		len += (size_t)got;
	while (at + 5 <= len) {
		at += 5u + ((unsigned char)buf[at + 3] << 8 | (unsigned char)buf[at + 4]);
		n++;
	}
	assert_int_equal(at, len);
	return n;
}

static void records_start_small_and_grow(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false });
	struct tls_tune tune = { .first_record = 2048, .idle_ms = 1000 };
	struct iovec iov[3] = { { big, 10000 }, { big, 6000 }, { big, 384 } };
	pair_sockets(0);
	pair_open_opts(ctx, &(struct tls_accept_opts){ .tune = &tune }, client, NULL);
	pair_run(both_handshaken);
	pair_settle();
	io_del(p.w, &(struct io){ .fd = -1 });
	p.cl.hold = true;
	assert_int_equal(conn_send(&p.sv.c, iov, 3, false), 16384);
	assert_int_equal(count_records(p.cl.c.io.fd), 8);
	assert_int_equal(conn_send(&p.sv.c, iov, 3, false), 16384);
	assert_int_equal(count_records(p.cl.c.io.fd), 1);
	p.w->clock.mono_ms += 1000; /* a pause */
	assert_int_equal(conn_send(&p.sv.c, iov, 1, false), 10000);
	assert_int_equal(count_records(p.cl.c.io.fd), 5);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

static void hard_records_stay_small(void **state)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false });
	struct tls_tune tune = { .hard_record = 1000 };
	struct iovec iov = { big, 40000 };
	pair_sockets(0);
	pair_open_opts(ctx, &(struct tls_accept_opts){ .tune = &tune }, client, NULL);
	pair_run(both_handshaken);
	pair_settle();
	p.cl.hold = true;
	assert_int_equal(conn_send(&p.sv.c, &iov, 1, false), 40000);
	assert_int_equal(count_records(p.cl.c.io.fd), 40);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

/* ---- what is told ---- */

static void the_hello_is_captured(void **state)
{
	struct tls_server_setup setup = { .capture = 200, .keylog = true };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){ .verify = false,
	    .ciphersuites = "TLS_AES_128_GCM_SHA256",
	    .min_version = TLS1_3_VERSION,
	    .curves = "X25519:P-256" });
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	const struct tls_hello_capture *h = tls_info(&p.sv.c)->hello;
	assert_non_null(h);
	assert_int_equal(h->version, 0x0303);
	assert_memory_equal(h->ciphers.ptr, "\x13\x01", 2);
	assert_int_equal(h->groups.len, 4);
	assert_memory_equal(h->groups.ptr, "\x00\x1d\x00\x17", 4);
	assert_true(h->extensions.len >= 8 && h->extensions.len % 2 == 0);
	assert_int_equal(tls_secret(&p.sv.c, TLS_SECRET_CLIENT_TRAFFIC).len, 64);
	assert_int_equal(tls_secret(&p.sv.c, TLS_SECRET_CLIENT_EARLY).len, 0);
	assert_int_equal(tls_secret(&p.cl.c, TLS_SECRET_CLIENT_TRAFFIC).len, 0);
	pair_close();
	SSL_CTX_free(ctx);

	setup = (struct tls_server_setup){ .capture = 3 };
	ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	h = tls_info(&p.sv.c)->hello;
	assert_int_equal(h->ciphers.len + h->extensions.len, 3 - (3 - h->ciphers.len) % 2);
	assert_int_equal(h->groups.len, h->ciphers.len + h->extensions.len == 3 ? 0 : 1);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

/* What holds a key of OpenSSL 3 has its provider. */
static void assert_empty(EVP_PKEY *key)
{
	assert_null(EVP_PKEY_get0_provider(key));
	EVP_PKEY_free(key);
}

/* Keys change later all the same, and bytes go on. */
static void keys_with_group(const char *group)
{
	SSL_CTX *ctx = server_ctx_new(&plain_setup, TLS1_3_VERSION);
	struct tls_client *client =
	    client_new(&(struct tls_client_conf){ .verify = true, .ca_file = p.ca_file });
	EVP_PKEY *key;
	assert_int_equal(SSL_CTX_set1_groups_list(ctx, group), 1);
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	struct ssl_st *ends[] = { tls_ssl(&p.sv.c), tls_ssl(&p.cl.c) };
	for (unsigned i = 0; i < 2; i++) {
		if (SSL_get_tmp_key(ends[i], &key))
			assert_empty(key);
		assert_int_equal(SSL_get_peer_tmp_key(ends[i], &key), 1);
		assert_empty(key);
		assert_int_equal(SSL_key_update(ends[i], SSL_KEY_UPDATE_REQUESTED), 1);
	}
	end_send(&p.cl, SLICE("GET /"));
	pair_run(server_has_any);
	end_send(&p.sv, SLICE("200"));
	pair_run(client_has_any);
	assert_string_equal(strbuf_str(&p.cl.got), "200");
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

static void keys_of_the_exchange_do_not_outlive_it(void **state)
{
	keys_with_group("X25519");
	keys_with_group("P-256");
}

static void a_plain_connection_has_no_tls(void **state)
{
	pair_sockets(0);
	assert_null(tls_info(&p.sv.c));
	assert_null(tls_ssl(&p.sv.c));
	assert_null(tls_sni(&p.sv.c));
	assert_null(tls_alpn(&p.sv.c).ptr);
	assert_true(tls_handshake_done(&p.sv.c));
	assert_int_equal(tls_finish_handshake(&p.sv.c), 0);
	pair_close();
}

#define T(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_ends_shake_hands_and_talk),
		T(the_protocol_is_agreed_upon),
		T(long_transfers_pass_tiny_socket_buffers),
		T(a_reader_with_little_room_gets_all),
		T(what_a_paused_reader_left_is_there),
		T(an_answer_passes_behind_the_end_of_the_question),
		T(the_end_goes_behind_what_is_unsent),
		T(a_farewell_is_an_end_without_fin),
		T(a_reset_behind_a_farewell_is_an_end),
		T(a_reset_without_farewell_is_an_error),
		T(a_fin_without_farewell_is_an_end),
		T(garbage_fails_the_handshake_with_an_alert),
		T(an_early_close_says_whether_anything_came),
		T(a_handshake_may_come_byte_by_byte),
		T(bytes_read_before_come_first),
		T(a_changed_record_fails),
		T(a_reset_fails_both_ways),
		T(renegotiation_is_refused),
		T(a_send_takes_all_that_the_kernel_takes),
		T(records_start_small_and_grow),
		T(hard_records_stay_small),
		T(the_hello_is_captured),
		T(keys_of_the_exchange_do_not_outlive_it),
		T(a_plain_connection_has_no_tls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
