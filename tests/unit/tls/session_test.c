/* SPDX-License-Identifier: MIT */
/* Resumption between two connections: session IDs, tickets, keys that change, and the session cache itself. */
#include <fcntl.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../src/tls/transport_int.h"
#include "pair.h"

static bool client_has_any(void)
{
	return p.cl.got.len > 0;
}

/* One connection with an answer, so that the tickets have come; whether it was resumed. */
static bool connect_once(SSL_CTX *ctx, struct tls_client *client)
{
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	end_send(&p.sv, SLICE("answer"));
	pair_run(client_has_any);
	bool resumed = tls_info(&p.sv.c)->resumed;
	assert_int_equal(tls_info(&p.cl.c)->resumed, resumed);
	pair_close();
	return resumed;
}

static struct tls_client *trusting_client(bool no_tickets)
{
	return client_new(&(struct tls_client_conf){
	    .verify = true, .ca_file = p.ca_file, .no_tls_tickets = no_tickets });
}

/* ---- */

static void sessions_resume_by_id_from_the_shared_cache(void **state)
{
	struct tls_session_cache *cache = tls_session_cache_new(1000);
	struct tls_server_setup setup = { .cache = cache, .lifetime_s = 300 };
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
		/* two contexts: after a reload sessions are still good */
		SSL_CTX *a = server_ctx_new(&setup, versions[i]);
		SSL_CTX *b = server_ctx_new(&setup, versions[i]);
		struct tls_client *client = trusting_client(true);
		assert_false(connect_once(a, client));
		assert_true(connect_once(a, client));
		assert_true(connect_once(b, client));
		tls_client_unref(client);
		SSL_CTX_free(a);
		SSL_CTX_free(b);
	}
	assert_true(tls_session_cache_counters(cache).lookups >= 4);
	/* a client that could speak TLS 1.3 sends an ID that means nothing (RFC 8446 D.4) */
	assert_int_equal(tls_session_cache_counters(cache).misses, 1);
	assert_int_equal(tls_counters(p.w).handshakes[0], 6);
	assert_int_equal(tls_counters(p.w).resumed[0], 4);
	assert_int_equal(tls_counters(p.w).resumed[1], 4);
	tls_session_cache_free(cache);
}

/* "show info" may come long after them. */
static void the_most_handshakes_of_a_second_are_kept(void **state)
{
	struct tls_server_setup setup = { .lifetime_s = 300 };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	struct tls_client *client = trusting_client(true);
	const size_t rate = offsetof(struct tls_counters, rate);
	for (unsigned i = 0; i < 3; i++)
		assert_false(connect_once(ctx, client));
	unsigned n = tls_rate_last(p.w->group, rate);
	assert_true(n >= 1 && n <= 3);
	struct tls_counters *c = &((struct tls_worker *)p.w->slot[WORKER_SLOT_TLS])->counters;
	for (unsigned seconds = 1; seconds <= 5; seconds += 4) {
		atomic_fetch_sub(&c->rate[0].start_ms, seconds * 1000);
		atomic_fetch_sub(&c->keys[0].start_ms, seconds * 1000);
		assert_false(connect_once(ctx, client));
		assert_int_equal(tls_counters(p.w).rate_max[0], n);
		assert_int_equal(tls_counters(p.w).keys_max[0], n);
	}
	tls_client_unref(client);
	SSL_CTX_free(ctx);
}

static void sessions_of_another_scope_are_not_taken(void **state)
{
	struct tls_session_cache *cache = tls_session_cache_new(1000);
	struct tls_server_setup setup = { .cache = cache };
	SSL_CTX *a = server_ctx_new(&setup, TLS1_2_VERSION);
	setup.session_scope = SLICE("verify required ca-file x");
	SSL_CTX *b = server_ctx_new(&setup, TLS1_2_VERSION);
	struct tls_client *client = trusting_client(true);
	assert_false(connect_once(a, client));
	assert_false(connect_once(b, client));
	tls_client_unref(client);
	SSL_CTX_free(a);
	SSL_CTX_free(b);
	tls_session_cache_free(cache);
}

static void tickets_resume_across_contexts(void **state)
{
	struct tls_ticket_keys *keys = tls_ticket_keys_new(-1, 0);
	struct tls_server_setup setup = { .tickets = keys };
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
		SSL_CTX *a = server_ctx_new(&setup, versions[i]);
		SSL_CTX *b = server_ctx_new(&setup, versions[i]);
		struct tls_client *client = trusting_client(false);
		assert_false(connect_once(a, client));
		assert_true(connect_once(b, client));
		assert_true(connect_once(a, client));
		tls_client_unref(client);
		SSL_CTX_free(a);
		SSL_CTX_free(b);
	}
	tls_ticket_keys_unref(keys);
}

static void without_tickets_and_cache_nothing_resumes(void **state)
{
	struct tls_server_setup setup = { .lifetime_s = 300 };
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
		SSL_CTX *ctx = server_ctx_new(&setup, versions[i]);
		struct tls_client *client = trusting_client(false);
		assert_false(connect_once(ctx, client));
		assert_false(connect_once(ctx, client));
		tls_client_unref(client);
		SSL_CTX_free(ctx);
	}
}

static void no_ssl_reuse_shakes_hands_in_full(void **state)
{
	struct tls_ticket_keys *keys = tls_ticket_keys_new(-1, 0);
	struct tls_server_setup setup = { .tickets = keys };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	struct tls_client *client = client_new(&(struct tls_client_conf){
	    .verify = true, .ca_file = p.ca_file, .no_ssl_reuse = true });
	assert_false(connect_once(ctx, client));
	assert_false(connect_once(ctx, client));
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	tls_ticket_keys_unref(keys);
}

/* Tickets leave with the first answer, not before it. */
static void tickets_wait_for_the_answer(void **state)
{
	struct tls_ticket_keys *keys = tls_ticket_keys_new(-1, 0);
	struct tls_server_setup setup = { .tickets = keys };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_3_VERSION);
	struct tls_client *client = trusting_client(false);
	char byte;
	pair_open(ctx, client, 0);
	p.cl.hold = true;
	pair_run(both_handshaken);
	pair_settle();
	assert_int_equal(recv(p.cl.c.io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	end_send(&p.sv, SLICE("answer"));
	assert_int_equal(recv(p.cl.c.io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), 1);
	p.cl.hold = false;
	pair_run(client_has_any);
	assert_string_equal(strbuf_str(&p.cl.got), "answer");
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	tls_ticket_keys_unref(keys);
}

/* ---- ticket keys ---- */

/* 108 characters: a key of 80 bytes, all of them n. */
static const char *key_text(unsigned n)
{
	static char text[4][112];
	unsigned char raw[TLS_TICKET_KEY_MAX];
	memset(raw, (int)n, sizeof(raw));
	EVP_EncodeBlock((unsigned char *)text[n % 4], raw, sizeof(raw));
	return text[n % 4];
}

static struct tls_ticket_keys *keys_of_file(unsigned first, unsigned n)
{
	struct strbuf b = STRBUF_INIT;
	char err[200];
	for (unsigned i = 0; i < n; i++)
		strbuf_addf(&b, "%s\n", key_text(first + i));
	struct tls_ticket_keys *k =
	    tls_ticket_keys_parse("keys.txt", strbuf_slice(&b), err, sizeof(err));
	strbuf_done(&b);
	return k;
}

static bool same_keys(const struct tls_ticket_keys *a, const struct tls_ticket_keys *b)
{
	char x[TLS_TICKET_BASE64], y[TLS_TICKET_BASE64];
	for (unsigned i = 0; i < TLS_TICKETS_NO; i++) {
		tls_ticket_keys_show(a, i, x);
		tls_ticket_keys_show(b, i, y);
		if (strcmp(x, y) != 0)
			return false;
	}
	return true;
}

static void the_penultimate_key_seals_and_all_open(void **state)
{
	struct tls_ticket_keys *keys = keys_of_file(1, 5); /* 3, 4 and 5 are kept; 4 seals */
	struct tls_server_setup setup = { .tickets = keys };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_2_VERSION);
	struct tls_client *client = trusting_client(false);
	char shown[TLS_TICKET_BASE64];
	assert_int_equal(tls_ticket_keys_show(keys, 0, shown), 108);
	assert_string_equal(shown, key_text(3));
	assert_string_equal(tls_ticket_keys_file(keys), "keys.txt");
	assert_false(connect_once(ctx, client));
	/* the key that sealed becomes the oldest: it opens, and the ticket is renewed */
	assert_int_equal(tls_ticket_keys_push(keys, slice_str(key_text(6))), 0);
	assert_true(connect_once(ctx, client));
	assert_int_equal(tls_ticket_keys_push(keys, slice_str(key_text(7))), 0);
	assert_true(connect_once(ctx, client));
	/* three new keys: nobody knows the old one */
	for (unsigned i = 8; i < 11; i++)
		assert_int_equal(tls_ticket_keys_push(keys, slice_str(key_text(i))), 0);
	assert_false(connect_once(ctx, client));
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	tls_ticket_keys_unref(keys);
}

/* As other programs that share the file do it: name, AES key, HMAC key; HMAC-SHA256 behind the ticket. */
/* A reload: the process that comes opens what the one that goes has sealed. */
static void keys_are_left_to_the_next_process(void **state)
{
	int fd = tls_kept_open();
	assert_true(fd >= 0);
	struct tls_ticket_keys *old = tls_ticket_keys_new(fd, 3600);
	struct tls_ticket_keys *early = tls_ticket_keys_new(fd, 3600);
	assert_false(same_keys(old, early)); /* nothing was left yet */
	tls_ticket_keys_leave(old);
	struct tls_ticket_keys *next = tls_ticket_keys_new(fd, 3600);
	assert_true(same_keys(old, next));
	assert_int_equal(tls_ticket_keys_push(old, slice_str(key_text(7))), 0);
	struct tls_ticket_keys *later = tls_ticket_keys_new(fd, 3600);
	assert_false(same_keys(later, next));
	assert_true(same_keys(later, old));
	tls_ticket_keys_unref(old);
	tls_ticket_keys_unref(early);
	tls_ticket_keys_unref(next);
	tls_ticket_keys_unref(later);
	close(fd);
}

/* A process that serves no more keeps its changes to itself. */
static void only_the_last_to_serve_leaves_keys(void **state)
{
	int fd = tls_kept_open(), status;
	struct tls_ticket_keys *mine = tls_ticket_keys_new(fd, 3600);
	tls_ticket_keys_leave(mine);
	pid_t child = fork();
	if (child == 0) {
		struct tls_ticket_keys *next = tls_ticket_keys_new(fd, 3600);
		if (next)
			tls_ticket_keys_leave(next);
		_exit(!next || !same_keys(mine, next));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(tls_ticket_keys_push(mine, slice_str(key_text(8))), 0);
	struct tls_ticket_keys *found = tls_ticket_keys_new(fd, 3600);
	assert_false(same_keys(found, mine));
	tls_ticket_keys_unref(mine);
	tls_ticket_keys_unref(found);
	close(fd);
}

static void memory_of_another_kind_is_not_taken(void **state)
{
	int fds[3] = { memfd_create("short", 0), memfd_create("long", 0),
		open("/dev/null", O_RDWR) };
	char byte = 1;
	assert_int_equal(pwrite(fds[1], &byte, 1, 65535), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		struct tls_ticket_keys *k = tls_ticket_keys_new(fds[i], 3600);
		assert_non_null(k);
		tls_ticket_keys_leave(k);
		tls_ticket_keys_unref(k);
		close(fds[i]);
	}
}

static void tickets_are_sealed_as_others_do_it(void **state)
{
	unsigned char raw[TLS_TICKET_KEY_MAX], mac[32];
	struct tls_ticket_keys *keys = keys_of_file(1, 3);
	struct tls_server_setup setup = { .tickets = keys };
	SSL_CTX *ctx = server_ctx_new(&setup, TLS1_2_VERSION);
	struct tls_client *client = trusting_client(false);
	char text[112];
	const unsigned char *ticket;
	size_t len;
	for (unsigned i = 0; i < 3; i++) {
		memset(raw, 'n', 16);
		memset(raw + 16, 'a', 32);
		memset(raw + 48, 'h', 32);
		EVP_EncodeBlock((unsigned char *)text, raw, sizeof(raw));
		assert_int_equal(tls_ticket_keys_push(keys, slice_str(text)), 0);
	}
	pair_open(ctx, client, 0);
	pair_run(both_handshaken);
	SSL_SESSION_get0_ticket(SSL_get0_session(tls_ssl(&p.cl.c)), &ticket, &len);
	assert_true(len > 80);
	assert_memory_equal(ticket, "nnnnnnnnnnnnnnnn", 16);
	HMAC(EVP_sha256(), raw + 48, 32, ticket, len - 32, mac, NULL);
	assert_memory_equal(ticket + len - 32, mac, 32);
	pair_close();
	tls_client_unref(client);
	SSL_CTX_free(ctx);
	tls_ticket_keys_unref(keys);
}

static void wrong_key_files_are_refused(void **state)
{
	char err[200];
	struct strbuf b = STRBUF_INIT;
	assert_null(keys_of_file(1, 2)); /* too few */
	assert_null(tls_ticket_keys_parse("f", SLICE("abc\nabc\nabc\n"), err, sizeof(err)));
	assert_string_equal(err, "line 1: not a key of 48 or 80 bytes in base64");
	strbuf_addf(&b, "%s\r\n\n%s\n%.64s\n", key_text(1), key_text(2), key_text(3));
	assert_null(tls_ticket_keys_parse("f", strbuf_slice(&b), err, sizeof(err)));
	assert_string_equal(err, "line 4: keys of 48 and 80 bytes cannot be mixed");
	assert_null(tls_ticket_keys_load("/nonexistent/keys", err, sizeof(err)));
	strbuf_done(&b);

	struct tls_ticket_keys *keys = keys_of_file(1, 3);
	assert_int_equal(tls_ticket_keys_push(keys, slice_make(key_text(1), 64)), -EINVAL);
	assert_int_equal(tls_ticket_keys_push(keys, SLICE("x")), -EINVAL);
	assert_int_equal(tls_ticket_keys_push(keys, SLICE_NULL), -EINVAL);
	tls_ticket_keys_unref(keys);
}

/* ---- the cache ---- */

static void put(struct tls_session_cache *c, unsigned id, size_t len, int64_t expires_s)
{
	static char bytes[TLS_SESSION_MAX];
	memset(bytes, (int)id, len);
	tls_session_cache_put(
	    c, slice_make((char *)&id, sizeof(id)), slice_make(bytes, len), expires_s);
}

/* The length of a session that must be all id. */
static size_t get(struct tls_session_cache *c, unsigned id, int64_t now_s, bool take)
{
	static unsigned char out[TLS_SESSION_MAX];
	size_t len =
	    tls_session_cache_get(c, slice_make((char *)&id, sizeof(id)), now_s, take, out);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(out[i], id & 0xff);
	return len;
}

static void cached_sessions_come_back_in_any_length(void **state)
{
	struct tls_session_cache *c = tls_session_cache_new(4096);
	for (unsigned len = 1; len < 2000; len += 13) {
		put(c, len, len, 100);
		assert_int_equal(get(c, len, 0, false), len);
	}
	put(c, 7, TLS_SESSION_MAX, 100);
	assert_int_equal(get(c, 7, 99, false), TLS_SESSION_MAX);
	put(c, 7, 10, 100); /* replaced */
	assert_int_equal(get(c, 7, 99, false), 10);
	assert_int_equal(get(c, 7, 100, false), 0); /* over */
	assert_int_equal(get(c, 7, 99, false), 0);  /* and gone */
	put(c, 8, 300, 100);
	assert_int_equal(get(c, 8, 0, true), 300); /* once */
	assert_int_equal(get(c, 8, 0, true), 0);
	tls_session_cache_free(c);
	assert_null(tls_session_cache_new(0));
}

static void a_full_cache_drops_what_was_longest_unused(void **state)
{
	struct tls_session_cache *c = tls_session_cache_new(100); /* one shard */
	for (unsigned id = 1; id <= 100; id++)
		put(c, id, 100, 1000);
	assert_int_equal(tls_session_cache_counters(c).evicted, 0);
	assert_int_equal(get(c, 1, 0, false), 100); /* used */
	put(c, 101, 100, 1000);
	assert_int_equal(tls_session_cache_counters(c).evicted, 1);
	assert_int_equal(get(c, 1, 0, false), 100);
	assert_int_equal(get(c, 2, 0, false), 0);
	put(c, 102, 5000, 1000); /* takes many blocks */
	assert_int_equal(get(c, 102, 0, false), 5000);
	assert_int_equal(get(c, 1, 0, false), 100);
	for (unsigned id = 1000; id < 30000; id++)
		put(c, id, id % 700 + 1, 1000);
	struct tls_cache_counters n = tls_session_cache_counters(c);
	assert_true(n.sessions > 20 && n.sessions <= 100);
	for (unsigned id = 29999; id > 29990; id--)
		assert_int_equal(get(c, id, 0, true), id % 700 + 1);
	tls_session_cache_free(c);
}

/* ---- threads ---- */

static void *hammer(void *arg)
{
	struct tls_session_cache *c = arg;
	unsigned char out[TLS_SESSION_MAX];
	char bytes[700];
	uintptr_t wrong = 0;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned id = i % 997;
		struct slice key = slice_make((char *)&id, sizeof(id));
		memset(bytes, (int)id, sizeof(bytes));
		if (i % 3 == 0)
			tls_session_cache_put(c, key, slice_make(bytes, 1 + id % 700), 100);
		size_t len = tls_session_cache_get(c, key, 0, i % 7 == 0, out);
		wrong += len && (len != 1 + id % 700 || out[len - 1] != (id & 0xff));
	}
	return (void *)wrong;
}

static void threads_share_the_cache(void **state)
{
	struct tls_session_cache *c = tls_session_cache_new(600);
	pthread_t thread[4];
	for (unsigned i = 0; i < ARRAY_SIZE(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, c), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(thread); i++) {
		void *wrong;
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(tls_session_cache_counters(c).lookups, 80000);
	tls_session_cache_free(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sessions_resume_by_id_from_the_shared_cache),
		T(the_most_handshakes_of_a_second_are_kept),
		T(sessions_of_another_scope_are_not_taken),
		T(tickets_resume_across_contexts),
		T(without_tickets_and_cache_nothing_resumes),
		T(no_ssl_reuse_shakes_hands_in_full),
		T(tickets_wait_for_the_answer),
		T(the_penultimate_key_seals_and_all_open),
		T(tickets_are_sealed_as_others_do_it),
		cmocka_unit_test(keys_are_left_to_the_next_process),
		cmocka_unit_test(only_the_last_to_serve_leaves_keys),
		cmocka_unit_test(memory_of_another_kind_is_not_taken),
		T(wrong_key_files_are_refused),
		cmocka_unit_test(cached_sessions_come_back_in_any_length),
		cmocka_unit_test(threads_share_the_cache),
		cmocka_unit_test(a_full_cache_drops_what_was_longest_unused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
