/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of balancing. Orders and placements were taken down from HAProxy 2.6 with the same servers and
 * keys: a fleet of which half is migrated must agree on them.
 */
#include "fixture.h"

static void roundrobin_takes_smooth_turns_by_weight(void **state)
{
	static const struct {
		const char *weights[6];
		const char *order;
	} cases[] = {
		{ { "1", "1", "1" }, "012012012012" },
		{ { "3", "2", "1" }, "010201010201" },
		{ { "1", "2", "3" }, "212021212021" },
		{ { "5", "1", "2" }, "0020010200200102" },
		{ { "10", "20", "30", "40" }, "32312303213231230321" },
		{ { "1", "7", "3", "2", "5" }, "141241314214101243141241314214101243" },
	};
	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct fixture f;
		struct strbuf text = STRBUF_INIT;
		char out[64];
		strbuf_adds(&text, "backend b\n balance roundrobin\n");
		for (unsigned i = 0; cases[c].weights[i]; i++)
			strbuf_addf(
			    &text, " server s%u 127.0.0.1:80 weight %s\n", i, cases[c].weights[i]);
		fixture_start(&f, strbuf_str(&text), 1);
		size_t n = strlen(cases[c].order);
		assert_string_equal(picks(&f, be_of(&f, "b"), (unsigned)n, out), cases[c].order);
		fixture_free(&f);
		strbuf_done(&text);
	}
}

static void static_rr_follows_the_static_map(void **state)
{
	struct fixture f;
	char out[64];
	(void)state;
	fixture_start(&f,
	    "backend b\n balance static-rr\n server a 127.0.0.1:80 weight 1\n"
	    " server b 127.0.0.1:80 weight 7\n server c 127.0.0.1:80 weight 3\n"
	    " server d 127.0.0.1:80 weight 2\n server e 127.0.0.1:80 weight 5\n",
	    1);
	assert_string_equal(
	    picks(&f, be_of(&f, "b"), 36, out), "011421243141124134011421243141124134");
	fixture_free(&f);
}

static void leastconn_fills_by_weight_and_takes_turns_among_equals(void **state)
{
	static const struct {
		unsigned weights[3];
		const char *held, *idle;
	} cases[] = {
		{ { 3, 2, 1 }, "0120100102100102100102100102100102100102", "012012" },
		{ { 1, 2, 3 }, "0122122120122120122120122120122120122120", "012012" },
		{ { 10, 30, 50 }, "0122212122122120122122120122122120122122", "012012" },
	};
	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct fixture f;
		char text[256], out[64];
		snprintf(text, sizeof(text),
		    "backend b\n balance leastconn\n server a 127.0.0.1:80 weight %u\n"
		    " server b 127.0.0.1:80 weight %u\n server c 127.0.0.1:80 weight %u\n",
		    cases[c].weights[0], cases[c].weights[1], cases[c].weights[2]);
		fixture_start(&f, text, 1);
		assert_string_equal(picks(&f, be_of(&f, "b"), 6, out), cases[c].idle);
		for (unsigned i = 0; cases[c].held[i]; i++) {
			assert_int_equal(picks(&f, be_of(&f, "b"), 1, out)[0], cases[c].held[i]);
			assert_true(server_slot_take(be_of(&f, "b")->servers[out[0] - '0']));
		}
		fixture_free(&f);
	}
}

static void first_takes_the_lowest_id_with_a_free_slot(void **state)
{
	struct fixture f;
	char out[8];
	(void)state;
	fixture_start(&f,
	    "backend b\n balance first\n server a 127.0.0.1:80 id 7 maxconn 1\n"
	    " server b 127.0.0.1:80 id 3 maxconn 2\n server c 127.0.0.1:80 id 500 maxconn 1\n",
	    1);
	struct backend *be = be_of(&f, "b");
	static const char order[] = "1102-";
	for (unsigned i = 0; order[i]; i++) {
		assert_int_equal(picks(&f, be, 1, out)[0], order[i]);
		if (order[i] != '-')
			assert_true(server_slot_take(be->servers[order[i] - '0']));
	}
	fixture_free(&f);
}

static void full_servers_are_passed_over_and_all_full_waits(void **state)
{
	static const char *const algorithms[] = { "roundrobin", "leastconn", "first", "static-rr",
		"random", "random(1)" };
	(void)state;
	for (size_t a = 0; a < ARRAY_SIZE(algorithms); a++) {
		struct fixture f;
		char text[256], out[8];
		snprintf(text, sizeof(text),
		    "backend b\n balance %s\n server a 127.0.0.1:80 maxconn 1\n"
		    " server b 127.0.0.1:80 maxconn 2\n server c 127.0.0.1:80 maxconn 3\n",
		    algorithms[a]);
		fixture_start(&f, text, 1);
		struct backend *be = be_of(&f, "b");
		for (unsigned i = 0; i < 6; i++) {
			picks(&f, be, 1, out);
			assert_in_range(out[0], '0', '2');
			assert_true(server_slot_take(be->servers[out[0] - '0']));
		}
		assert_string_equal(picks(&f, be, 1, out), "-");
		server_slot_release(f.w, be->servers[1]);
		assert_string_equal(picks(&f, be, 1, out), "1");
		fixture_free(&f);
	}
}

static char pick_key(struct backend *be, const char *key)
{
	struct balance_call call = { .has_key = true };
	struct server *s;
	call.key = balance_hash(&be->hash, key, strlen(key));
	assert_int_equal(balance_pick(be, &call, &s), BALANCE_OK);
	return (char)('0' + s->idx);
}

static void hashes_place_keys_where_they_always_were(void **state)
{
	static const struct {
		const char *type, *placed; /* keys "key0" to "key39" */
	} cases[] = {
		{ "map-based sdbm", "1411241340243141124124134011421421243141" },
		{ "consistent sdbm", "0000000000333333333333333333333333333333" },
		{ "map-based sdbm avalanche", "1324434411111340231122112123041322311421" },
		{ "consistent sdbm avalanche", "1422121124442444141131041444314342101114" },
		{ "consistent", "1422121124442444141131041444314342101114" },
		{ "map-based djb2", "4134011421112413401131411241341243141124" },
		{ "consistent djb2", "1111111111444444444444444444444444444444" },
		{ "map-based djb2 avalanche", "1210141123111343123412231411244013121214" },
		{ "consistent djb2 avalanche", "4441224421134444142221112113111430104111" },
		{ "map-based wt6", "1211144111141442141121144223214141310114" },
		{ "consistent wt6", "1111111111111112144222142111114144421422" },
		{ "map-based wt6 avalanche", "4231411123211120341113242111241111144423" },
		{ "consistent wt6 avalanche", "1311423134212440104014021414142143314301" },
		{ "map-based crc32", "1331112434111132044421431112124144303111" },
		{ "consistent crc32", "1101414144113132414111121141311022242241" },
		{ "map-based crc32 avalanche", "2102231401111113414414313424311114141304" },
		{ "consistent crc32 avalanche", "4344141122110431441443044111041140222141" },
	};
	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct fixture f;
		char text[320], got[64];
		snprintf(text, sizeof(text),
		    "backend b\n balance hdr(x)\n hash-type %s\n server a 127.0.0.1:80 weight 1\n"
		    " server b 127.0.0.1:80 weight 7\n server c 127.0.0.1:80 weight 3\n"
		    " server d 127.0.0.1:80 weight 2\n server e 127.0.0.1:80 weight 5\n",
		    cases[c].type);
		fixture_start(&f, text, 1);
		for (unsigned i = 0; i < 40; i++) {
			char key[16];
			snprintf(key, sizeof(key), "key%u", i);
			got[i] = pick_key(be_of(&f, "b"), key);
		}
		got[40] = 0;
		assert_string_equal(got, cases[c].placed);
		fixture_free(&f);
	}
}

/* Where a request lands, or '?' when it has no key. */
static char place(struct backend *be, struct rule_ctx *cx)
{
	struct balance_call call = { .has_key = true };
	struct server *s;
	if (!balance_key(be, cx, &call.key))
		return '?';
	assert_int_equal(balance_pick(be, &call, &s), BALANCE_OK);
	return (char)('0' + s->idx);
}

#define SEVEN                                                                                      \
	" server a 127.0.0.1:80\n server b 127.0.0.1:80\n server c 127.0.0.1:80\n"                 \
	" server d 127.0.0.1:80\n server e 127.0.0.1:80\n server f 127.0.0.1:80\n"                 \
	" server g 127.0.0.1:80\n"

struct request {
	struct http_hdr hdrs[8];
	struct http_msg m;
	struct rule_ctx cx;
	struct net_peer src;
};

static struct rule_ctx *request(struct request *r, const char *target)
{
	memset(r, 0, sizeof(*r));
	http_msg_init(&r->m, r->hdrs, ARRAY_SIZE(r->hdrs));
	r->m.target = slice_str(target);
	r->m.method = HTTP_GET;
	r->m.framing = HTTP_BODY_NONE;
	r->cx.req = &r->m;
	r->cx.req_final = true;
	return &r->cx;
}

static uint32_t key_of(struct fixture *f, const char *backend, struct rule_ctx *cx)
{
	uint32_t key;
	assert_true(balance_key(be_of(f, backend), cx, &key));
	return key;
}

static void uri_is_hashed_up_to_query_length_or_depth(void **state)
{
	static const struct {
		const char *backend, *target, *same_as;
	} cases[] = {
		{ "uri", "/a/b/c?x=1", "/a/b/c" },
		{ "uri", "http://h.com/a?x", "http://h.com/a" },
		{ "path", "http://h.com/a/b?x", "/a/b" },
		{ "len5", "/abcdefg", "/abcd" },
		{ "len5", "/a?bcd", "/a" },
		{ "depth2", "/a/b/c", "/a/b" },
		{ "depth1", "/a/b/c", "/a" },
		{ "depth1", "//a", "/" },
	};
	struct fixture f;
	struct request r;
	(void)state;
	fixture_start(&f,
	    "backend uri\n balance uri\n" SEVEN "backend whole\n balance uri whole\n" SEVEN
	    "backend path\n balance uri path-only\n" SEVEN
	    "backend len5\n balance uri len 5\n" SEVEN
	    "backend depth1\n balance uri depth 1\n" SEVEN
	    "backend depth2\n balance uri depth 2\n" SEVEN,
	    1);
	const struct hash_conf sdbm = { .function = HASH_SDBM };
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		uint32_t want = balance_hash(&sdbm, cases[c].same_as, strlen(cases[c].same_as));
		assert_int_equal(key_of(&f, cases[c].backend, request(&r, cases[c].target)), want);
	}
	assert_int_equal(
	    key_of(&f, "whole", request(&r, "/a?x=1")), balance_hash(&sdbm, "/a?x=1", 6));
	fixture_free(&f);
}

static void url_param_is_found_in_query_and_then_in_a_posted_body(void **state)
{
	struct fixture f;
	struct request r;
	(void)state;
	fixture_start(&f,
	    "backend p\n balance url_param id\n" SEVEN
	    "backend post\n balance url_param id check_post\n" SEVEN,
	    1);
	struct backend *p = be_of(&f, "p"), *post = be_of(&f, "post");
	assert_int_equal(place(p, request(&r, "/?id=abc")), '1');
	assert_int_equal(place(p, request(&r, "/?idd=2&id=abc&id=z")), '1');
	assert_int_equal(place(p, request(&r, "/?id=abc;q=1")), '6');
	assert_int_equal(place(p, request(&r, "/a?id=a%20b&z")), '0');
	assert_int_equal(place(p, request(&r, "/?id=")), '0');
	assert_int_equal(place(p, request(&r, "/?id")), '?');
	assert_int_equal(place(p, request(&r, "/?ID=abc")), '?');
	assert_int_equal(place(p, request(&r, "/id=abc")), '?');

	struct rule_ctx *cx = request(&r, "/");
	r.m.method = HTTP_POST;
	r.m.framing = HTTP_BODY_LENGTH;
	cx->req_final = false;
	assert_int_equal(place(post, cx), '?');
	assert_true(cx->wait_body);
	cx->req_final = true;
	cx->req_buf = SLICE("q=&id=abc&z");
	assert_int_equal(place(post, cx), '1');
	cx->req_buf = SLICE("?id=abc");
	assert_int_equal(place(post, cx), '?');
	r.m.method = HTTP_PUT;
	cx->req_buf = SLICE("id=abc");
	assert_int_equal(place(post, cx), '?');
	fixture_free(&f);
}

static void header_key_is_the_first_value_or_its_main_domain(void **state)
{
	static const struct {
		const char *host;
		const char *label;
	} domains[] = {
		{ "www.example.com", "example" },
		{ "example.com", "example" },
		{ "a.b.c.example.co.uk", "co" },
		{ "localhost", "localhost" },
		{ "localhost:80", "localhost" },
		{ "example.com:8080", "example" },
		{ "1.2.3.4", "3" },
		{ "www.example.com.", "com" },
	};
	struct fixture f;
	struct request r;
	const struct hash_conf sdbm = { .function = HASH_SDBM };
	(void)state;
	fixture_start(&f,
	    "backend h\n balance hdr(X-Key)\n" SEVEN
	    "backend d\n balance hdr(host) use_domain_only\n" SEVEN,
	    1);
	struct rule_ctx *cx = request(&r, "/");
	assert_int_equal(place(be_of(&f, "h"), cx), '?');
	assert_int_equal(http_hdr_add(&r.m, SLICE("x-key"), SLICE("")), 0);
	assert_int_equal(place(be_of(&f, "h"), cx), '?');
	cx = request(&r, "/");
	assert_int_equal(http_hdr_add(&r.m, SLICE("x-key"), SLICE("abc, def")), 0);
	assert_int_equal(http_hdr_add(&r.m, SLICE("x-key"), SLICE("zz")), 0);
	assert_int_equal(key_of(&f, "h", cx), balance_hash(&sdbm, "abc", 3));
	for (size_t c = 0; c < ARRAY_SIZE(domains); c++) {
		cx = request(&r, "/");
		assert_int_equal(http_hdr_add(&r.m, SLICE("host"), slice_str(domains[c].host)), 0);
		assert_int_equal(key_of(&f, "d", cx),
		    balance_hash(&sdbm, domains[c].label, strlen(domains[c].label)));
	}
	fixture_free(&f);
}

static void source_key_is_the_address_itself(void **state)
{
	struct fixture f;
	struct request r;
	struct net_addr a;
	(void)state;
	fixture_start(&f, "backend s\n balance source\n hash-type map-based djb2\n" SEVEN, 1);
	struct rule_ctx *cx = request(&r, "/");
	cx->src = &r.src;
	assert_int_equal(net_ip_parse(SLICE("10.1.2.3"), &a), 0);
	net_peer_from_addr(&r.src, &a);
	assert_int_equal(key_of(&f, "s", cx), 0x0a010203);
	assert_int_equal(net_ip_parse(SLICE("2001:db8::1:2"), &a), 0);
	net_peer_from_addr(&r.src, &a);
	assert_int_equal(key_of(&f, "s", cx), 0x20010db8u ^ 0x00010002u);
	r.src.sa.sa_family = AF_UNIX;
	assert_int_equal(place(be_of(&f, "s"), cx), '?');
	fixture_free(&f);
}

static void rdp_cookie_is_read_behind_the_connect_header(void **state)
{
	static const char packet[] = "\x03\x00\x00\x27\x22\xe0\x00\x00\x00\x00\x00"
				     "Cookie: mstshash=user1\r\n\x01\x00\x08\x00";
	struct fixture f;
	struct request r;
	const struct hash_conf sdbm = { .function = HASH_SDBM };
	(void)state;
	fixture_start(&f, "backend r\n balance rdp-cookie\n" SEVEN, 1);
	struct rule_ctx *cx = request(&r, "/");
	cx->req = NULL;
	cx->req_buf = slice_make(packet, sizeof(packet) - 1);
	assert_int_equal(key_of(&f, "r", cx), balance_hash(&sdbm, "user1", 5));
	/* cut short anywhere before the line's end there is no key */
	for (size_t n = 0; n < 11 + strlen("Cookie: mstshash=user1"); n++) {
		cx->req_buf = slice_make(packet, n);
		assert_int_equal(place(be_of(&f, "r"), cx), '?');
	}
	fixture_free(&f);
}

static void a_server_leaving_the_ring_moves_only_its_own_keys(void **state)
{
	struct fixture f;
	char before[300];
	unsigned moved = 0;
	(void)state;
	fixture_start(&f, "backend b\n balance hdr(x)\n hash-type consistent\n" SEVEN, 1);
	struct backend *be = be_of(&f, "b");
	for (unsigned i = 0; i < 300; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%u", i);
		before[i] = pick_key(be, key);
	}
	server_set_admin(f.w, srv_of(&f, "b", "c"), SERVER_FMAINT, 0);
	for (unsigned i = 0; i < 300; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%u", i);
		char now = pick_key(be, key);
		assert_int_not_equal(now, '2');
		if (before[i] != '2')
			assert_int_equal(now, before[i]);
		else
			moved++;
	}
	assert_in_range(moved, 10, 120);
	fixture_free(&f);
}

static void balance_factor_keeps_a_hot_key_from_one_server(void **state)
{
	struct fixture f;
	unsigned load[7] = { 0 };
	(void)state;
	fixture_start(&f,
	    "backend b\n balance hdr(x)\n hash-type consistent\n hash-balance-factor 125\n" SEVEN,
	    1);
	struct backend *be = be_of(&f, "b");
	for (unsigned i = 0; i < 70; i++) {
		unsigned at = (unsigned)(pick_key(be, "the same") - '0');
		assert_true(server_slot_take(be->servers[at]));
		atomic_fetch_add(&be->rt->served, 1);
		load[at]++;
	}
	/* nobody has more than 125% of 10, rounded up */
	for (unsigned i = 0; i < 7; i++)
		assert_in_range(load[i], 0, 13);
	fixture_free(&f);
}

static void backups_serve_when_all_others_are_out(void **state)
{
	struct fixture f;
	char out[16];
	(void)state;
	fixture_start(&f,
	    "backend one\n balance roundrobin\n server a 127.0.0.1:80\n"
	    " server b 127.0.0.1:80 backup\n server c 127.0.0.1:80 backup\n"
	    "backend all\n balance roundrobin\n option allbackups\n server a 127.0.0.1:80\n"
	    " server b 127.0.0.1:80 backup\n server c 127.0.0.1:80 backup\n",
	    1);
	assert_string_equal(picks(&f, be_of(&f, "one"), 3, out), "000");
	server_set_admin(f.w, srv_of(&f, "one", "a"), SERVER_FMAINT, 0);
	assert_string_equal(picks(&f, be_of(&f, "one"), 3, out), "111");
	server_set_admin(f.w, srv_of(&f, "one", "b"), SERVER_FMAINT, 0);
	assert_string_equal(picks(&f, be_of(&f, "one"), 3, out), "222");
	server_set_admin(f.w, srv_of(&f, "one", "c"), SERVER_FMAINT, 0);
	assert_string_equal(picks(&f, be_of(&f, "one"), 3, out), "xxx");
	server_set_admin(f.w, srv_of(&f, "all", "a"), SERVER_FDRAIN, 0);
	picks(&f, be_of(&f, "all"), 4, out);
	assert_true(strcmp(out, "1212") == 0 || strcmp(out, "2121") == 0);
	fixture_free(&f);
}

static void the_server_to_avoid_comes_only_when_it_is_the_last(void **state)
{
	static const char *const algorithms[] = { "roundrobin", "leastconn", "first", "static-rr",
		"random", "source" };
	(void)state;
	for (size_t a = 0; a < ARRAY_SIZE(algorithms); a++) {
		struct fixture f;
		char text[256];
		snprintf(text, sizeof(text),
		    "backend b\n balance %s\n server a 127.0.0.1:80\n server b 127.0.0.1:80\n",
		    algorithms[a]);
		fixture_start(&f, text, 1);
		struct backend *be = be_of(&f, "b");
		struct server *s;
		for (unsigned i = 0; i < 20; i++) {
			struct balance_call call = {
				.avoid = be->servers[1], .has_key = true, .key = i
			};
			assert_int_equal(balance_pick(be, &call, &s), BALANCE_OK);
			assert_ptr_equal(s, be->servers[0]);
		}
		server_set_admin(f.w, be->servers[0], SERVER_FMAINT, 0);
		struct balance_call call = { .avoid = be->servers[1] };
		assert_int_equal(balance_pick(be, &call, &s), BALANCE_OK);
		assert_ptr_equal(s, be->servers[1]);
		fixture_free(&f);
	}
}

static void random_respects_weights(void **state)
{
	struct fixture f;
	unsigned n[3] = { 0 };
	char out[8];
	(void)state;
	fixture_start(&f,
	    "backend b\n balance random(1)\n server a 127.0.0.1:80 weight 10\n"
	    " server b 127.0.0.1:80 weight 30\n server c 127.0.0.1:80 weight 60\n",
	    1);
	for (unsigned i = 0; i < 20000; i++)
		n[picks(&f, be_of(&f, "b"), 1, out)[0] - '0']++;
	assert_in_range(n[0], 1700, 2300);
	assert_in_range(n[1], 5600, 6400);
	assert_in_range(n[2], 11500, 12500);
	fixture_free(&f);
}

/* Readers on other threads while tables are rebuilt: what TSan looks at. */
struct reader {
	struct fixture *f;
	atomic_bool *stop;
	unsigned picked[3];
};

static struct reader readers[2];
static struct task reader_task[2];
static atomic_uint readers_done;

static void read_on(struct worker *w, struct task *t)
{
	struct reader *r = &readers[w->id - 1];
	for (unsigned i = 0; i < 200; i++) {
		struct balance_call call = { .worker = w };
		struct server *s;
		if (balance_pick(be_of(r->f, "b"), &call, &s) == BALANCE_OK)
			r->picked[s->idx]++;
	}
	if (atomic_load(r->stop))
		atomic_fetch_add(&readers_done, 1);
	else
		task_wake(w, t);
}

static void on_start(struct worker *w)
{
	if (w->id == 0)
		return;
	task_init(&reader_task[w->id - 1], read_on);
	task_wake(w, &reader_task[w->id - 1]);
}

struct changer {
	struct timer timer;
	struct fixture *f;
	unsigned steps;
	atomic_bool *stop;
};

static void change(struct worker *w, struct timer *t)
{
	struct changer *c = container_of(t, struct changer, timer);
	struct server *s = srv_of(c->f, "b", c->steps & 1 ? "a" : "b");
	if (c->steps < 200)
		server_set_admin(
		    w, s, c->steps & 2 ? 0 : SERVER_FMAINT, c->steps & 2 ? SERVER_FMAINT : 0);
	else
		atomic_store(c->stop, true);
	c->steps++;
	if (atomic_load(&readers_done) == 2)
		worker_group_stop(w->group);
	else
		worker_timer_arm(w, t, 1);
}

static void tables_are_swapped_under_readers(void **state)
{
	struct fixture f;
	atomic_bool stop = false;
	(void)state;
	fixture_start(&f,
	    "backend b\n balance roundrobin\n server a 127.0.0.1:80\n server b 127.0.0.1:80\n"
	    " server c 127.0.0.1:80 backup\n",
	    3);
	atomic_store(&readers_done, 0);
	readers[0] = readers[1] = (struct reader){ .f = &f, .stop = &stop };
	struct changer c = { .f = &f, .stop = &stop };
	timer_init(&c.timer, change);
	worker_timer_arm(f.w, &c.timer, 1);
	assert_int_equal(worker_group_run(f.g, on_start), 0);
	assert_true(readers[0].picked[0] > 0);
	assert_true(readers[1].picked[1] > 0);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roundrobin_takes_smooth_turns_by_weight),
		cmocka_unit_test(static_rr_follows_the_static_map),
		cmocka_unit_test(leastconn_fills_by_weight_and_takes_turns_among_equals),
		cmocka_unit_test(first_takes_the_lowest_id_with_a_free_slot),
		cmocka_unit_test(full_servers_are_passed_over_and_all_full_waits),
		cmocka_unit_test(hashes_place_keys_where_they_always_were),
		cmocka_unit_test(uri_is_hashed_up_to_query_length_or_depth),
		cmocka_unit_test(url_param_is_found_in_query_and_then_in_a_posted_body),
		cmocka_unit_test(header_key_is_the_first_value_or_its_main_domain),
		cmocka_unit_test(source_key_is_the_address_itself),
		cmocka_unit_test(rdp_cookie_is_read_behind_the_connect_header),
		cmocka_unit_test(a_server_leaving_the_ring_moves_only_its_own_keys),
		cmocka_unit_test(balance_factor_keeps_a_hot_key_from_one_server),
		cmocka_unit_test(backups_serve_when_all_others_are_out),
		cmocka_unit_test(the_server_to_avoid_comes_only_when_it_is_the_last),
		cmocka_unit_test(random_respects_weights),
		cmocka_unit_test(tables_are_swapped_under_readers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
