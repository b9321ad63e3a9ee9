/* SPDX-License-Identifier: MIT */
/* Unit tests of server, balance, hash-type and cookie lines. */
#include "fixture.h"

#include <limits.h>

static void a_bare_server_has_the_documented_defaults(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(fixture_read(&f, "backend b\n server a 127.0.0.1:80\n"), 0);
	struct server *a = srv_of(&f, "b", "a");
	assert_int_equal(a->weight, 1);
	assert_int_equal(a->id, 1);
	assert_int_equal(a->maxconn, 0);
	assert_true(a->pool_max_conn == UINT_MAX);
	assert_int_equal(a->pool_purge_delay_ms, 5000);
	assert_true(a->max_reuse == UINT_MAX);
	assert_null(a->check);
	assert_false(a->backup || a->disabled);
	assert_string_equal(be_of(&f, "b")->balance.ops->name, "random");
	fixture_free(&f);
}

static void options_reach_their_fields(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f,
		"backend b\n server a 127.0.0.1:80 weight 7 backup maxconn 20 minconn 5 "
		"maxqueue 9 slowstart 2s send-proxy-v2 proxy-v2-options crc32c,unique-id "
		"cookie v1 id 44 disabled tfo pool-max-conn 3 pool-purge-delay 1s "
		"pool-low-conn 2 max-reuse 8 tcp-ut 3s check inter 1s "
		"fastinter 200 downinter 5s fall 4 rise 6 port 8080 addr 127.0.0.9 "
		"on-marked-down shutdown-sessions hash-key addr source 127.0.0.5:1000-1010 "
		"interface lo socks4 127.0.0.1:1080\n"),
	    0);
	struct server *a = srv_of(&f, "b", "a");
	assert_int_equal(a->weight, 7);
	assert_true(a->backup && a->disabled && a->connect.tfo && a->down_shuts_sessions);
	assert_int_equal(a->maxconn, 20);
	assert_int_equal(a->minconn, 5);
	assert_int_equal(a->maxqueue, 9);
	assert_int_equal(a->slowstart_ms, 2000);
	assert_int_equal(a->pp, SERVER_PP_V2);
	assert_int_equal(a->pp2_options, SERVER_PP2_CRC32C | SERVER_PP2_UNIQUE_ID);
	assert_string_equal(a->cookie, "v1");
	assert_int_equal(a->id, 44);
	assert_int_equal(a->pool_max_conn, 3);
	assert_int_equal(a->pool_purge_delay_ms, 1000);
	assert_int_equal(a->pool_low_conn, 2);
	assert_int_equal(a->max_reuse, 8);
	assert_int_equal(a->connect.tcp_ut_ms, 3000);
	assert_int_equal(a->check->inter_ms, 1000);
	assert_int_equal(a->check->fast_ms, 200);
	assert_int_equal(a->check->down_ms, 5000);
	assert_int_equal(a->check->fall, 4);
	assert_int_equal(a->check->rise, 6);
	assert_int_equal(a->check->port, 8080);
	assert_false(a->check->send_proxy); /* the check goes elsewhere */
	assert_int_equal(a->hash_key, HASH_KEY_ADDR);
	assert_int_equal(a->connect.source_port_low, 1000);
	assert_int_equal(a->connect.source_port_high, 1010);
	assert_ptr_equal(a->connect.source, &a->source_addr);
	assert_string_equal(a->connect.interface, "lo");
	assert_int_equal(net_addr_port(&a->socks4), 1080);
	fixture_free(&f);
}

static void default_server_is_taken_over_and_taken_back(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f,
		"backend b\n default-server check backup send-proxy disabled weight 9\n"
		" server a 127.0.0.1:80\n"
		" server b 127.0.0.1:80 no-check no-backup no-send-proxy enabled weight 2\n"
		" default-server no-check no-send-proxy\n server c 127.0.0.1:80\n"
		" server d 127.0.0.1:80 no-ssl no-verifyhost no-send-proxy-v2\n"),
	    0);
	struct server *a = srv_of(&f, "b", "a"), *b = srv_of(&f, "b", "b"),
		      *c = srv_of(&f, "b", "c");
	assert_true(a->check && a->backup && a->disabled);
	assert_int_equal(a->pp, SERVER_PP_V1);
	assert_true(a->check->send_proxy);
	assert_int_equal(a->weight, 9);
	assert_true(!b->check && !b->backup && !b->disabled);
	assert_int_equal(b->pp, SERVER_PP_NONE);
	assert_int_equal(b->weight, 2);
	assert_true(!c->check && c->backup);
	assert_int_equal(c->pp, SERVER_PP_NONE);
	fixture_free(&f);
}

static void templates_make_numbered_servers(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f, "backend b\n server-template s 3 localhost:80 weight 4 check\n"
			     " server-template t 2-3 127.0.0.1:81\n"),
	    0);
	struct backend *be = be_of(&f, "b");
	static const char *const names[] = { "s1", "s2", "s3", "t2", "t3" };
	assert_int_equal(be->servers_n, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_string_equal(be->servers[i]->name, names[i]);
		assert_int_equal(be->servers[i]->id, i + 1);
		assert_int_equal(be->servers[i]->idx, i);
	}
	assert_int_equal(be->servers[2]->weight, 4);
	assert_string_equal(be->servers[2]->fqdn, "localhost");
	fixture_free(&f);
}

static void addresses_take_every_form(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f,
		"backend b\n server a 127.0.0.1\n server b 127.0.0.1:+80\n"
		" server c 127.0.0.1:-5\n server d [::1]:90\n server e *:80\n"
		" server f unix@/tmp/s\n server g 0.0.0.0\n server h ipv4@localhost:80\n"),
	    0);
	assert_int_equal(srv_of(&f, "b", "a")->port_mode, NET_PORT_NONE);
	assert_int_equal(srv_of(&f, "b", "b")->port_mode, NET_PORT_PLUS);
	assert_int_equal(srv_of(&f, "b", "b")->port, 80);
	assert_int_equal(srv_of(&f, "b", "c")->port_mode, NET_PORT_MINUS);
	assert_int_equal(srv_of(&f, "b", "d")->addr.sa.sa_family, AF_INET6);
	assert_true(srv_of(&f, "b", "e")->addr_transparent);
	assert_int_equal(srv_of(&f, "b", "f")->addr.sa.sa_family, AF_UNIX);
	assert_true(srv_of(&f, "b", "g")->addr_transparent);
	assert_int_equal(srv_of(&f, "b", "h")->prefer_family, AF_INET);
	fixture_free(&f);
}

static void ids_fill_the_gaps(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f, "backend b\n server a 127.0.0.1:80\n server b 127.0.0.1:80 id 1\n"
			     " server c 127.0.0.1:80 id 3\n server d 127.0.0.1:80\n"),
	    0);
	assert_int_equal(srv_of(&f, "b", "a")->id, 2);
	assert_int_equal(srv_of(&f, "b", "d")->id, 4);
	fixture_free(&f);
}

static void wrong_lines_are_told(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "server a 127.0.0.1:80 wieght 3", "did you mean 'weight'" },
		{ "server a 127.0.0.1:80 weight 257", "257" },
		{ "server a 127.0.0.1:80 ssl", "there is no 'ca-file'" },
		{ "server a 127.0.0.1:80 init-addr foo", "unknown method 'foo'" },
		{ "server a 127.0.0.1:80 init-addr 300.1.1.1", "unknown method" },
		{ "server a 127.0.0.1:80\n server a 127.0.0.1:81", "same name" },
		{ "server a 127.0.0.1:80 id 3\n server b 127.0.0.1:81 id 3", "has id 3" },
		{ "server a 127.0.0.1 check", "check port" },
		{ "server a *:80 check", "has no address of its own" },
		{ "server a 127.0.0.1:80 check track x", "exclude each other" },
		{ "server a 127.0.0.1:80 track x", "does not exist" },
		{ "server a 127.0.0.1:80 track a", "tracks itself" },
		{ "server a 127.0.0.1:80 track b\n server b 127.0.0.1:80",
		    "without health checks" },
		{ "server a 127.0.0.1:80 inter 0", "at least 1ms" },
		{ "server a 127.0.0.1:80 proxy-v2-options foo", "unknown" },
		{ "server a 127.0.0.1:80 source 127.0.0.1 usesrc foo", "'usesrc' expects" },
		{ "server-template s 5-2 127.0.0.1:80", "number or a range" },
		{ "server-template s x 127.0.0.1:80", "number or a range" },
		{ "balance roundrobbin", "did you mean 'roundrobin'" },
		{ "balance uri depth", "expects a number" },
		{ "balance uri length 3", "not 'length'" },
		{ "balance hdr", "hdr(<name>)" },
		{ "balance random(0)", "1 or more draws" },
		{ "balance log-hash x", "unknown converter" },
		{ "balance roundrobin now", "takes no argument" },
		{ "hash-type ring", "ring" },
		{ "hash-type consistent md5", "md5" },
		{ "hash-type consistent sdbm avalanche x", "does not know 'x'" },
		{ "hash-balance-factor 100", "greater than 100" },
		{ "cookie", "expects" },
		{ "cookie a insert rewrite", "exclude each other" },
		{ "cookie a rewrite indirect", "exclude each other" },
		{ "cookie a prefix maxidle 10", "need 'insert'" },
		{ "cookie a=b insert", "not a cookie's name" },
		{ "cookie a insert domain a;b", "must not hold" },
		{ "http-check expect status 2xx", "codes or ranges" },
		{ "http-check expect rstring (", "regular expression" },
		{ "http-check send hdr X %[foo]", "unknown fetch" },
		{ "http-check connect sni", "expects a value" },
		{ "option httpchk a b c d e", "at most" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char text[256];
		snprintf(text, sizeof(text), "backend b\n %s\n", cases[i].text);
		assert_int_equal(fixture_read(&f, text), -1);
		assert_contains(messages_of(&f), cases[i].message);
		fixture_free(&f);
	}
}

static void balancing_that_needs_http_falls_back_in_tcp(void **state)
{
	struct fixture f;
	(void)state;
	assert_int_equal(
	    fixture_read(&f, "backend b\n mode-tcp\n balance uri\n server a 127.0.0.1:80\n"), 0);
	assert_string_equal(be_of(&f, "b")->balance.ops->name, "roundrobin");
	assert_contains(messages_of(&f), "needs 'mode http'");
	fixture_free(&f);
}

static void hash_type_forms(void **state)
{
	static const struct {
		const char *text;
		struct hash_conf want;
	} cases[] = {
		{ "consistent", { true, HASH_SDBM, true, 0 } },
		{ "consistent sdbm", { true, HASH_SDBM, false, 0 } },
		{ "map-based", { false, HASH_SDBM, false, 0 } },
		{ "map-based wt6 avalanche", { false, HASH_WT6, true, 0 } },
		{ "map-based none", { false, HASH_NONE, false, 0 } },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char text[128];
		snprintf(text, sizeof(text), "backend b\n hash-type %s\n", cases[i].text);
		assert_int_equal(fixture_read(&f, text), 0);
		const struct hash_conf *h = &be_of(&f, "b")->hash;
		assert_int_equal(h->consistent, cases[i].want.consistent);
		assert_int_equal(h->function, cases[i].want.function);
		assert_int_equal(h->avalanche, cases[i].want.avalanche);
		fixture_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_server_has_the_documented_defaults),
		cmocka_unit_test(options_reach_their_fields),
		cmocka_unit_test(default_server_is_taken_over_and_taken_back),
		cmocka_unit_test(templates_make_numbered_servers),
		cmocka_unit_test(addresses_take_every_form),
		cmocka_unit_test(ids_fill_the_gaps),
		cmocka_unit_test(wrong_lines_are_told),
		cmocka_unit_test(balancing_that_needs_http_falls_back_in_tcp),
		cmocka_unit_test(hash_type_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
