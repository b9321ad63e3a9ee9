/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of cookie persistence: what a request's cookie means, what happens to both directions' fields, and
 * the letters of the log. Each row was taken down from HAProxy 2.6 with the same configuration and request.
 */
#include "fixture.h"

#include "../../../src/upstream/persist_value.h"

#define NOW 1795425952ll /* a whole number of four-second units */

struct side {
	struct http_hdr hdrs[16];
	struct http_msg m;
};

static void side_init(struct side *s)
{
	http_msg_init(&s->m, s->hdrs, ARRAY_SIZE(s->hdrs));
	s->m.status = 200;
}

/* All fields of that name, joined by '|'. */
static const char *fields(struct side *s, const char *name, char *out)
{
	struct http_hdr *h = NULL;
	size_t n = 0;
	out[0] = 0;
	while ((h = http_hdr_find(&s->m, slice_str(name), h)))
		n += (size_t)snprintf(
		    out + n, 512 - n, "%s%.*s", n ? "|" : "", (int)h->value_len, h->value);
	return out;
}

struct row {
	const char *cookie;	/* the request's, NULL: none; '|' splits fields */
	const char *set_cookie; /* of the server's response, NULL: none */
	const char *letters;	/* request and response */
	const char *server;	/* that the cookie names, NULL: none */
	const char *seen;	/* Cookie that the server sees */
	const char *sent;	/* Set-Cookie that the client sees */
};

static void add_fields(struct side *s, const char *name, const char *values)
{
	struct slice rest = slice_str(values);
	while (rest.ptr)
		assert_int_equal(http_hdr_add(&s->m, slice_str(name), slice_cut(&rest, '|')), 0);
}

/* Dates hold '|', so rows of dated cookies have one field only. */
static void run_rows(const char *mode, const struct row *rows, size_t n, bool dated)
{
	struct fixture f;
	char text[512], got[512];
	snprintf(text, sizeof(text),
	    "backend b\n cookie SRV %s\n balance roundrobin\n server a 127.0.0.1:80 cookie A\n"
	    " server b 127.0.0.1:80 cookie B\n server d 127.0.0.1:80 cookie D disabled\n",
	    mode);
	fixture_start(&f, text, 1);
	struct backend *be = be_of(&f, "b");
	for (size_t i = 0; i < n; i++) {
		struct side req, res;
		struct arena arena;
		struct persist_state st;
		struct record_flags flags = { '-', '-', '-', '-' };
		arena_init(&arena, 4096);
		side_init(&req);
		side_init(&res);
		if (rows[i].cookie && dated)
			assert_int_equal(
			    http_hdr_add(&req.m, SLICE("cookie"), slice_str(rows[i].cookie)), 0);
		else if (rows[i].cookie)
			add_fields(&req, "cookie", rows[i].cookie);
		if (rows[i].set_cookie)
			add_fields(&res, "set-cookie", rows[i].set_cookie);
		persist_request(be, &req.m, &arena, NOW, &st, &flags);
		if (rows[i].server)
			assert_string_equal(st.server->name, rows[i].server);
		else
			assert_null(st.server);
		assert_string_equal(fields(&req, "cookie", got), rows[i].seen);
		struct server *served = st.server && !st.down ? st.server : be->servers[0];
		assert_int_equal(
		    persist_response(be, &res.m, &arena, NOW, served, false, &st, &flags), 0);
		assert_string_equal(fields(&res, "set-cookie", got), rows[i].sent);
		assert_int_equal(flags.cookie_in, rows[i].letters[0]);
		assert_int_equal(flags.cookie_out, rows[i].letters[1]);
		arena_reset(&arena);
	}
	fixture_free(&f);
}

#define RUN(mode, rows)	      run_rows(mode, rows, ARRAY_SIZE(rows), false)
#define RUN_DATED(mode, rows) run_rows(mode, rows, ARRAY_SIZE(rows), true)

static void insert_mode(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, "NI", NULL, "", "SRV=A; path=/" },
		{ "SRV=A", NULL, "VN", "a", "SRV=A", "" },
		{ "SRV=zz", NULL, "II", NULL, "SRV=zz", "SRV=A; path=/" },
		{ "SRV=D", NULL, "DI", "d", "SRV=D", "SRV=A; path=/" },
		{ "x=1; SRV=B; y=2", NULL, "VN", "b", "x=1; SRV=B; y=2", "" },
		{ "SRV=A~app", NULL, "II", NULL, "SRV=A~app", "SRV=A; path=/" },
		{ "SRV=", NULL, "II", NULL, "SRV=", "SRV=A; path=/" },
		{ "a=b", NULL, "NI", NULL, "a=b", "SRV=A; path=/" },
		{ "srv=A", NULL, "NI", NULL, "srv=A", "SRV=A; path=/" },
		{ NULL, "SRV=app; path=/", "NI", NULL, "", "SRV=A; path=/" },
		{ NULL, "other=1", "NI", NULL, "", "other=1|SRV=A; path=/" },
		{ "SRV=B", "SRV=app; path=/", "VD", "b", "SRV=B", "" },
	};
	(void)state;
	RUN("insert", rows);
}

static void insert_indirect_mode_hides_the_cookie_from_servers(void **state)
{
	static const struct row rows[] = {
		{ "SRV=A", NULL, "VN", "a", "", "" },
		{ "SRV=zz", NULL, "II", NULL, "", "SRV=A; path=/" },
		{ "SRV=D", NULL, "DI", "d", "", "SRV=A; path=/" },
		{ "x=1; SRV=B; y=2", NULL, "VN", "b", "x=1; y=2", "" },
		{ "SRV = A", NULL, "VN", "a", "", "" },
		{ "SRV=A;SRV=B", NULL, "VN", "a", "", "" },
		{ "x=1;SRV=A;y=2;SRV=B; z", NULL, "VN", "a", "x=1; y=2; z", "" },
		{ "SRV=B; x=1", NULL, "VN", "b", "x=1", "" },
		{ "x=1; SRV=B", NULL, "VN", "b", "x=1", "" },
		{ "SRV=zz|SRV=B", NULL, "VN", "b", "", "" },
		{ "a=1|SRV=B|b=2", NULL, "VN", "b", "a=1|b=2", "" },
		{ "SRV=B", "SRV=app; path=/", "VD", "b", "", "" },
	};
	(void)state;
	RUN("insert indirect", rows);
}

static void preserve_leaves_the_servers_own_cookie(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, "NI", NULL, "", "SRV=A; path=/" },
		{ NULL, "SRV=app; path=/", "NP", NULL, "", "SRV=app; path=/" },
		{ "SRV=B", "SRV=app; path=/", "VP", "b", "SRV=B", "SRV=app; path=/" },
		{ "SRV=B", "other=1", "VN", "b", "SRV=B", "other=1" },
	};
	(void)state;
	RUN("insert preserve", rows);
}

static void rewrite_mode(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, "NN", NULL, "", "" },
		{ "SRV=A", NULL, "VN", "a", "SRV=A", "" },
		{ NULL, "SRV=app; path=/", "NR", NULL, "", "SRV=A; path=/" },
		{ NULL, "SRV=app; Path=/x; HttpOnly", "NR", NULL, "", "SRV=A; Path=/x; HttpOnly" },
		{ NULL, "SRV=\"app\"", "NR", NULL, "", "SRV=A" },
		{ NULL, "SRV=; a", "NR", NULL, "", "SRV=A; a" },
		{ NULL, "srv=x", "NN", NULL, "", "srv=x" },
		{ "SRV=B", "SRV=app; path=/", "VR", "b", "SRV=B", "SRV=B; path=/" },
	};
	(void)state;
	RUN("rewrite", rows);
}

static void prefix_mode_shares_the_applications_cookie(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, "NN", NULL, "", "" },
		{ "SRV=A", NULL, "VN", "a", "SRV=A", "" },
		{ "SRV=A~app", NULL, "VN", "a", "SRV=app", "" },
		{ "SRV=zz~app", NULL, "IN", NULL, "SRV=app", "" },
		{ "SRV=D~app", NULL, "DN", "d", "SRV=app", "" },
		{ "SRV=A~", NULL, "VN", "a", "SRV=", "" },
		{ "SRV=A~x~y", NULL, "VN", "a", "SRV=x~y", "" },
		{ "SRV=A~x; SRV=B~y", NULL, "VN", "a", "SRV=x; SRV=y", "" },
		{ "k; SRV=B~y ; z=3", NULL, "VN", "b", "k; SRV=y ; z=3", "" },
		{ NULL, "SRV=app; path=/", "NR", NULL, "", "SRV=A~app; path=/" },
		{ NULL, "SRV=\"app\"; a", "NR", NULL, "", "SRV=A~\"app\"; a" },
		{ NULL, "SRV", "NN", NULL, "", "SRV" },
		{ "SRV=B", "SRV=app; path=/", "VR", "b", "SRV=B", "SRV=B~app; path=/" },
	};
	static const struct row indirect[] = {
		{ "SRV=B", "SRV=app; path=/", "VD", "b", "SRV=B", "" },
		{ NULL, "SRV=app; path=/", "NR", NULL, "", "SRV=A~app; path=/" },
	};
	(void)state;
	RUN("prefix", rows);
	RUN("prefix indirect", indirect);
}

static void without_a_mode_the_cookie_is_read_and_never_told(void **state)
{
	static const struct row rows[] = {
		{ "SRV=B", NULL, "--", "b", "SRV=B", "" },
		{ NULL, "SRV=app; path=/", "--", NULL, "", "SRV=app; path=/" },
	};
	(void)state;
	RUN("", rows);
}

static void attributes_stand_in_their_order(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, "NI", NULL, "",
		    "SRV=A; path=/; domain=.a.com; domain=b.org; HttpOnly; Secure; SameSite=Lax" },
	};
	(void)state;
	RUN("insert domain .a.com domain b.org httponly secure attr SameSite=Lax", rows);
}

static const char *dated(char *out, const char *server, int last, int first)
{
	char d[2][PERSIST_DATE_LEN];
	persist_date_write(NOW + last, d[0]);
	persist_date_write(NOW + first, d[1]);
	if (first == INT32_MAX)
		snprintf(out, 64, "SRV=%s|%.5s", server, d[0]);
	else
		snprintf(out, 64, "SRV=%s|%.5s|%.5s", server, d[0], d[1]);
	return out;
}

#define NO_FIRST INT32_MAX

static void dates_expire_and_are_refreshed(void **state)
{
	char in[16][64], out[3][64];
	char both[96], idle_only[96], kept[96];
	(void)state;
	snprintf(both, sizeof(both), "%s; path=/", dated(out[0], "A", 0, 0));
	snprintf(idle_only, sizeof(idle_only), "%s; path=/", dated(out[1], "A", 0, NO_FIRST));
	snprintf(kept, sizeof(kept), "%s; path=/", dated(out[2], "A", 0, -4));
	const struct row date[] = {
		{ NULL, NULL, "NI", NULL, "", both },
		{ "SRV=A", NULL, "VU", "a", "", both },
		{ "SRV=A|", NULL, "VU", "a", "", both },
		{ "SRV=A|!!!!!", NULL, "VU", "a", "", both },
		{ dated(in[0], "A", 0, NO_FIRST), NULL, "VU", "a", "", both },
		{ dated(in[1], "A", -16, NO_FIRST), NULL, "EI", NULL, "", both },
		{ dated(in[2], "A", 90000, NO_FIRST), NULL, "EI", NULL, "", both },
		{ dated(in[3], "A", 0, -16), NULL, "VN", "a", "", "" },
		{ dated(in[4], "A", 0, -32), NULL, "OI", NULL, "", both },
		{ dated(in[5], "A", 0, 90000), NULL, "OI", NULL, "", both },
		{ dated(in[6], "A", -4, -4), NULL, "VU", "a", "", kept },
		{ dated(in[7], "zz", 0, 0), NULL, "II", NULL, "", both },
		{ dated(in[8], "D", 0, 0), NULL, "DI", "d", "", both },
	};
	const struct row idle[] = {
		{ NULL, NULL, "NI", NULL, "", idle_only },
		{ dated(in[9], "A", 0, NO_FIRST), NULL, "VN", "a", "", "" },
		{ dated(in[10], "A", -8, NO_FIRST), NULL, "VU", "a", "", idle_only },
		{ dated(in[11], "A", 100, NO_FIRST), NULL, "VN", "a", "", "" },
		{ dated(in[12], "A", 0, 0), NULL, "VU", "a", "", idle_only },
	};
	const struct row life[] = {
		{ dated(in[13], "A", -100, NO_FIRST), NULL, "VU", "a", "", both },
		{ dated(in[14], "A", 0, -16), NULL, "VN", "a", "", "" },
		{ "SRV=A", NULL, "VU", "a", "", both },
	};
	const struct row none[] = {
		{ dated(in[15], "A", 0, 0), NULL, "VU", "a", "", "SRV=A; path=/" },
		{ "SRV=A|", NULL, "VN", "a", "", "" },
	};
	RUN_DATED("insert indirect maxidle 10 maxlife 20", date);
	RUN_DATED("insert indirect maxidle 10", idle);
	RUN_DATED("insert indirect maxlife 20", life);
	RUN_DATED("insert indirect", none);
}

static void dates_are_five_digits_of_four_seconds(void **state)
{
	char d[PERSIST_DATE_LEN];
	(void)state;
	persist_date_write(1795425915, d);
	assert_memory_equal(d, "awQGf", 5);
	assert_int_equal(persist_date_read(SLICE("awQGf")), 448856479ll * 4);
	for (size_t n = 0; n < 5; n++)
		assert_int_equal(persist_date_read(slice_make("awQGf", n)), 0);
	assert_int_equal(persist_date_read(SLICE("aw-Gf")), 0);
}

/* One response to a fresh client; returns its Cache-Control fields. */
static const char *nocache_of(struct fixture *f, unsigned status, const char *name,
    const char *value, bool is_post, char *out)
{
	struct side req, res;
	struct arena arena;
	struct persist_state st;
	struct record_flags flags;
	static char text[512];
	arena_init(&arena, 4096);
	side_init(&req);
	side_init(&res);
	res.m.status = (uint16_t)status;
	if (name)
		assert_int_equal(http_hdr_add(&res.m, slice_str(name), slice_str(value)), 0);
	struct backend *be = be_of(f, "b");
	persist_request(be, &req.m, &arena, NOW, &st, &flags);
	assert_int_equal(
	    persist_response(be, &res.m, &arena, NOW, be->servers[0], is_post, &st, &flags), 0);
	snprintf(text, sizeof(text), "%s", fields(&res, "cache-control", out));
	arena_reset(&arena);
	return text;
}

static void nocache_marks_what_a_cache_might_keep(void **state)
{
	struct fixture f;
	char out[512];
	(void)state;
	fixture_start(
	    &f, "backend b\n cookie SRV insert nocache\n server a 127.0.0.1:80 cookie A\n", 1);
	assert_string_equal(nocache_of(&f, 200, NULL, NULL, false, out), "");
	assert_string_equal(nocache_of(&f, 200, "etag", "\"x\"", false, out), "private");
	assert_string_equal(nocache_of(&f, 200, "etag", "\"x\"", true, out), "");
	assert_string_equal(nocache_of(&f, 200, "expires", "x", false, out), "private");
	assert_string_equal(nocache_of(&f, 200, "last-modified", "x", false, out), "private");
	assert_string_equal(
	    nocache_of(&f, 200, "cache-control", "s-maxage=5", false, out), "s-maxage=5|private");
	assert_string_equal(
	    nocache_of(&f, 404, "cache-control", "max-age=9", false, out), "max-age=9|private");
	assert_string_equal(
	    nocache_of(&f, 500, "cache-control", "max-age=9", false, out), "max-age=9");
	static const char *const not_kept[] = { "no-cache", "private", "no-store", "max-age=0",
		"must-revalidate" };
	for (size_t i = 0; i < ARRAY_SIZE(not_kept); i++)
		assert_string_equal(
		    nocache_of(&f, 200, "cache-control", not_kept[i], false, out), not_kept[i]);
	fixture_free(&f);
}

static void postonly_inserts_in_answers_to_post(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(
	    &f, "backend b\n cookie SRV insert postonly\n server a 127.0.0.1:80 cookie A\n", 1);
	struct backend *be = be_of(&f, "b");
	for (int post = 0; post < 2; post++) {
		struct side req, res;
		struct arena arena;
		struct persist_state st;
		struct record_flags flags;
		char got[512];
		arena_init(&arena, 4096);
		side_init(&req);
		side_init(&res);
		persist_request(be, &req.m, &arena, NOW, &st, &flags);
		assert_int_equal(
		    persist_response(be, &res.m, &arena, NOW, be->servers[0], post, &st, &flags),
		    0);
		assert_string_equal(fields(&res, "set-cookie", got), post ? "SRV=A; path=/" : "");
		assert_int_equal(flags.cookie_out, post ? 'I' : 'N');
		arena_reset(&arena);
	}
	fixture_free(&f);
}

static void an_ignored_cookie_names_nobody_and_is_not_replaced(void **state)
{
	struct fixture f;
	struct side req, res;
	struct arena arena;
	struct persist_state st;
	struct record_flags flags = { '-', '-', '-', '-' };
	char got[512];
	(void)state;
	fixture_start(&f, "backend b\n cookie SRV insert\n server a 127.0.0.1:80 cookie A\n", 1);
	struct backend *be = be_of(&f, "b");
	arena_init(&arena, 4096);
	side_init(&req);
	side_init(&res);
	add_fields(&req, "cookie", "SRV=A");
	persist_request(be, &req.m, &arena, NOW, &st, &flags);
	persist_ignore(&st, &flags);
	assert_null(st.server);
	assert_int_equal(flags.cookie_in, 'U');
	assert_int_equal(
	    persist_response(be, &res.m, &arena, NOW, be->servers[0], false, &st, &flags), 0);
	assert_string_equal(fields(&res, "set-cookie", got), "");
	assert_int_equal(flags.cookie_out, 'N');
	arena_reset(&arena);
	fixture_free(&f);
}

static void dynamic_cookies_come_from_address_and_key(void **state)
{
	struct fixture f;
	char text[32];
	(void)state;
	fixture_start(&f,
	    "backend v4\n cookie SRV insert dynamic\n dynamic-cookie-key K\n"
	    " server a 127.0.0.1:21750\nbackend v6\n cookie SRV insert dynamic\n"
	    " dynamic-cookie-key mykey\n server a [::1]:21750\n"
	    " server b 127.0.0.1:21751 cookie stat\n",
	    1);
	struct slice c = server_cookie(srv_of(&f, "v4", "a"));
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(c));
	assert_string_equal(text, "79dce809b10a4e78");
	c = server_cookie(srv_of(&f, "v6", "a"));
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(c));
	assert_string_equal(text, "9fc65e4555ef67d4");
	assert_true(slice_eq(server_cookie(srv_of(&f, "v6", "b")), SLICE("stat")));
	assert_ptr_equal(backend_server_by_cookie(be_of(&f, "v4"), SLICE("79dce809b10a4e78")),
	    srv_of(&f, "v4", "a"));
	fixture_free(&f);
}

static void a_shared_value_goes_to_the_first_server_that_works(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f,
	    "backend b\n cookie SRV insert\n server a 127.0.0.1:80 cookie X\n"
	    " server b 127.0.0.1:80 cookie X backup\n",
	    1);
	struct backend *be = be_of(&f, "b");
	assert_ptr_equal(backend_server_by_cookie(be, SLICE("X")), be->servers[0]);
	server_set_admin(f.w, be->servers[0], SERVER_FMAINT, 0);
	assert_ptr_equal(backend_server_by_cookie(be, SLICE("X")), be->servers[1]);
	server_set_admin(f.w, be->servers[1], SERVER_FMAINT, 0);
	assert_ptr_equal(backend_server_by_cookie(be, SLICE("X")), be->servers[0]);
	fixture_free(&f);
}

static void rdp_cookie_names_an_address(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f, "backend b\n server a 10.0.0.1:3389\n server b 192.168.1.2:3389\n", 1);
	struct backend *be = be_of(&f, "b");
	/* 192.168.1.2 is 33663168 and port 3389 is 15629, both in the other byte order */
	assert_ptr_equal(persist_rdp(be, SLICE("33663168.15629.0000")), be->servers[1]);
	assert_null(persist_rdp(be, SLICE("33663168.15630.0000")));
	assert_null(persist_rdp(be, SLICE("33663168")));
	assert_null(persist_rdp(be, SLICE("")));
	assert_null(persist_rdp(be, SLICE("x.y.z")));
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(insert_mode),
		cmocka_unit_test(insert_indirect_mode_hides_the_cookie_from_servers),
		cmocka_unit_test(preserve_leaves_the_servers_own_cookie),
		cmocka_unit_test(rewrite_mode),
		cmocka_unit_test(prefix_mode_shares_the_applications_cookie),
		cmocka_unit_test(without_a_mode_the_cookie_is_read_and_never_told),
		cmocka_unit_test(attributes_stand_in_their_order),
		cmocka_unit_test(dates_expire_and_are_refreshed),
		cmocka_unit_test(dates_are_five_digits_of_four_seconds),
		cmocka_unit_test(nocache_marks_what_a_cache_might_keep),
		cmocka_unit_test(postonly_inserts_in_answers_to_post),
		cmocka_unit_test(an_ignored_cookie_names_nobody_and_is_not_replaced),
		cmocka_unit_test(dynamic_cookies_come_from_address_and_key),
		cmocka_unit_test(a_shared_value_goes_to_the_first_server_that_works),
		cmocka_unit_test(rdp_cookie_names_an_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
