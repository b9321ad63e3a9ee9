/* SPDX-License-Identifier: MIT */
/* Unit tests of patterns, ACLs and conditions. */
#include "fixture.h"
#include "weir/rule/acl_scope.h"

struct want {
	const char *cond;
	int value;
};

static void expect(struct fixture *f, const struct want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int got = fx_test(f, wants[i].cond);
		if (got != wants[i].value)
			fail_msg("'%s' gives %d", wants[i].cond, got);
	}
}

#define EXPECT(f, ...)                                                                             \
	do {                                                                                       \
		static const struct want wants_[] = { __VA_ARGS__ };                               \
		expect(f, wants_, ARRAY_SIZE(wants_));                                             \
	} while (0)

static void match_methods_on_strings(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/images/png/logo/32x32.png?q",
	    "Host: http://www1.dc-eu.example.com:80/blah\nUser-Agent: Curl\n");
	EXPECT(&f, { "if { path /images/png/logo/32x32.png }", 1 }, { "if { path /images }", 0 },
	    { "if { path_beg /images }", 1 }, { "if { path -m beg /IMAGES }", 0 },
	    { "if { path -m beg -i /IMAGES }", 1 }, { "if { path_end .png .gif }", 1 },
	    { "if { path_end .gif }", 0 }, { "if { path_sub logo }", 1 },
	    { "if { path_sub LOGO }", 0 }, { "if { path_sub -i LOGO }", 1 },
	    { "if { path_dir png }", 1 }, { "if { path_dir /png/logo }", 1 },
	    { "if { path_dir logo/32x32.png }", 1 }, { "if { path_dir 32x32 }", 0 },
	    { "if { path_dir pn }", 0 }, { "if { hdr_dom(host) dc-eu.example }", 1 },
	    { "if { hdr_dom(host) .www1 }", 1 }, { "if { hdr_dom(host) :80 }", 1 },
	    { "if { hdr_dom(host) dc }", 0 }, { "if { hdr_dom(host) eu }", 0 },
	    { "if { path_reg ^/images/.*\\\\.png$ }", 1 }, { "if { path_reg -i PNG$ }", 1 },
	    { "if { path_reg ^png }", 0 }, { "if { path_len 26 }", 1 },
	    { "if { path_len lt 26 }", 0 }, { "if { path -m len 10:30 }", 1 },
	    { "if { path -m found }", 1 }, { "if { hdr(nope) -m found }", 0 },
	    { "if { hdr(user-agent) -m str curl -i cURL }", 0 },
	    { "if { hdr(user-agent) -m str -i curl }", 1 }, { "if { str(-i) -- -i }", 1 },
	    { "if { hdr(user-agent),lower curl }", 1 },
	    { "if { hdr_sub(user-agent),length 4 }", 1 }, { "if { bin(4142) -m bin 4142 }", 1 },
	    { "if { bin(4142) -m str AB }", 1 }, { "if { str(AB) -m bin 4142 }", 1 });
	fx_free(&f);
}

static void integers_ranges_and_operators(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "N: 5\nN: 50\nV: 3.1\n");
	EXPECT(&f, { "if { int(5) 5 }", 1 }, { "if { int(5) 1:9 }", 1 }, { "if { int(5) :4 }", 0 },
	    { "if { int(5) 5: }", 1 }, { "if { int(5) gt 5 }", 0 }, { "if { int(5) ge 5 }", 1 },
	    { "if { int(5) lt 6 }", 1 }, { "if { int(5) le 4 }", 0 }, { "if { int(5) eq 4 5 }", 1 },
	    { "if { int(-3) lt 0 }", 1 }, { "if { int(5) 7 6 5 }", 1 },
	    { "if { hdr_val(n) gt 40 }", 1 }, { "if { hdr_val(n) 5 }", 1 },
	    { "if { hdr_val(n) 6 }", 0 }, { "if { hdr_cnt(n) ge 2 }", 1 },
	    { "if { bool(true) }", 1 }, { "if { int(0) -m bool }", 0 },
	    { "if { always_true -m int 1 }", 1 });
	fx_free(&f);
}

static void addresses_and_networks(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "if { src 10.1.2.3 }", 1 }, { "if { src 10.0.0.0/8 192.168.0.0/16 }", 1 },
	    { "if { src 10.1.2.0/255.255.255.0 }", 1 }, { "if { src 10.2/16 }", 0 },
	    { "if { ipv4(127.0.0.1) 127.1 }", 1 }, { "if { src 192.168.0.0/16 }", 0 },
	    { "if { src 0.0.0.0/0 }", 1 }, { "if { ipv6(2001:db8::9) 2001:db8::/32 }", 1 },
	    { "if { ipv6(::ffff:10.1.1.1) 10.0.0.0/8 }", 1 },
	    { "if { ipv6(2002:a01:203::) 10.1.2.3 }", 1 }, { "if { src ::ffff:0:0/96 }", 1 },
	    { "if { ipv6(2001:db8::9) 10.0.0.0/8 }", 0 },
	    { "if { str(10.1.1.1) -m ip 10.0.0.0/8 }", 1 }, { "if { str(x) -m ip 10.0.0.0/8 }", 0 },
	    { "if { src 1.1.1.1 2.2.2.2 3.3.3.3 4.4.4.4 5.5.5.5 10.1.0.0/16 }", 1 },
	    { "if { src 1.1.1.1 2.2.2.2 3.3.3.3 4.4.4.4 5.5.5.5 10.1.0.0/24 ::1 }", 0 },
	    { "if { ipv6(::1) 1.1.1.1 2.2.2.2 3.3.3.3 4.4.4.4 5.5.5.5 ::1 }", 1 });
	fx_free(&f);
}

/* More patterns than are compared one by one. */
static void hashed_patterns_match_as_lists_do(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/static/img/a.css", "Host: WWW.example.com\n");
	EXPECT(&f, { "if { hdr(host) a b c d e www.example.com }", 0 },
	    { "if { hdr(host) -i a b c d e www.example.com }", 1 },
	    { "if { hdr(host) WWW.example.com -i a b c d e }", 1 },
	    { "if { path_beg /a /b /c /d /e /f /static }", 1 },
	    { "if { path_beg /a /b /c /d /e /f /stat/ }", 0 },
	    { "if { path_end .a .bb .ccc .js .png .css }", 1 },
	    { "if { path_end .a .bb .ccc .js .png .cs }", 0 },
	    { "if { path_beg -i /A /B /C /D /E /STATIC/ }", 1 },
	    { "if { path_beg /1 /2 /3 /4 /5 \"\" }", 1 });
	fx_free(&f);
}

static void conditions_join_acls(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "POST", "/a", "Host: h\n");
	fx_load(&f,
	    "acl yes always_true\nacl no always_false\nacl twice path /x\nacl twice path /a\n"
	    "acl My.acl-1:x method POST\n");
	EXPECT(&f, { "if yes", 1 }, { "if no", 0 }, { "unless no", 1 }, { "if yes no", 0 },
	    { "if no or yes", 1 }, { "if no || no yes || yes !no", 1 }, { "if !yes", 0 },
	    { "if ! no", 1 }, { "if !!yes", 1 }, { "unless yes no or no", 1 }, { "if twice", 1 },
	    { "if My.acl-1:x", 1 }, { "if !{ path /b } yes", 1 },
	    { "if { path /a } !{ method GET }", 1 }, { "if TRUE !FALSE", 1 }, { "if METH_POST", 1 },
	    { "if METH_GET", 0 }, { "if HTTP_1.1 HTTP_URL_SLASH", 1 },
	    { "if HTTP_URL_ABS or HTTP_URL_STAR", 0 }, { "if LOCALHOST", 0 },
	    { "if HTTP_CONTENT", 0 }, { "if WAIT_END", 1 }, { "if HTTP", 1 },
	    { "if { method POST GET }", 1 }, { "if { method post }", 0 }, { "", 1 });
	fx_free(&f);
}

static void acls_that_are_used_or_only_grow_are_not_told(void **state)
{
	struct fixture f;
	fx_new(&f);
	assert_string_equal(fx_read(&f, "acl a path /x\ncond if a\nacl a path /y\n"
					"acl b path /x\nacl b src 1.2.3.4\ncond if b TRUE"),
	    "");
	fx_free(&f);
}

static void parents_lend_their_acls(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_load(&f, "acl base always_true\nacl both always_false");
	f.scope = acl_scope_new(&f.conf_mem, f.scope);
	fx_load(&f, "acl both always_true");
	EXPECT(&f, { "if base", 1 }, { "if both", 1 });
	fx_free(&f);
}

static void missing_bytes_leave_a_condition_open(void **state)
{
	struct fixture f;
	fx_new(&f);
	f.where = f.cx.at = RULE_AT_REQ_BUF;
	f.cx.req_final = false;
	f.cx.req_buf = SLICE("hel");
	EXPECT(&f, { "if { req.payload(0,5) -m sub hello }", -1 },
	    { "unless { req.payload(0,5) -m sub x }", -1 },
	    { "if { req.payload(0,5) -m found } or TRUE", 1 },
	    { "if FALSE { req.payload(0,5) -m found }", 0 },
	    { "if { req.payload(0,5) -m found } FALSE", 0 },
	    { "if !{ req.payload(0,5) -m found }", -1 }, { "if { req.len gt 2 }", 1 },
	    { "if { req.len gt 5 }", -1 }, { "if WAIT_END", -1 }, { "if { path / }", -1 },
	    { "if HTTP", -1 }, { "if { src 10.0.0.0/8 }", 1 });
	f.cx.req_final = true;
	EXPECT(&f, { "if { req.payload(0,5) -m sub hello }", 0 },
	    { "if !{ req.payload(0,5) -m found }", 1 }, { "if WAIT_END", 1 },
	    { "if { path / }", 0 });
	fx_free(&f);
}

static void pattern_files(void **state)
{
	char path[] = "/tmp/weir-rule-test-XXXXXX";
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/two", "");
	int fd = mkstemp(path);
	static const char text[] = "# comment\n\n  /one  \n/TWO\r\n #odd\n";
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(fx_test(&f, arena_printf(&f.mem, "if { path -f %s }", path)), 0);
	assert_int_equal(fx_test(&f, arena_printf(&f.mem, "if { path -i -f %s }", path)), 1);
	assert_int_equal(fx_test(&f, arena_printf(&f.mem, "if { path -f %s -i /two }", path)), 1);
	assert_int_equal(fx_test(&f, arena_printf(&f.mem, "if { path -f %s -i /TWO/ }", path)), 0);
	assert_int_equal(fx_test(&f, arena_printf(&f.mem, "if { path -m beg -i -f %s }", path)), 1);
	assert_int_equal(fx_test(&f, arena_printf(&f.mem, "if { str(\\#odd) -f %s }", path)), 1);
	unlink(path);
	fx_free(&f);
}

/* Read once: the second line sees no file any more. */
static int add_and_unlink(const struct conf_call *call)
{
	int ret = fx_acl(call);
	unlink(call->line->argv[call->line->argc - 1]);
	return ret;
}

static void a_file_named_twice_is_read_once(void **state)
{
	static const struct conf_keyword once_rows[] = {
		{ "acl", CONF_FRONTEND, 0, 0, -1, add_and_unlink, 0, "", "" },
		{ .name = NULL },
	};
	static const struct conf_keyword *const once_tables[] = { once_rows, NULL };
	static const struct conf_section once = {
		.name = "frontend", .scope = CONF_FRONTEND, .open = fx_open, .tables = once_tables
	};
	static const struct conf_section *const once_sections[] = { &once, NULL };
	char path[] = "/tmp/weir-rule-test-XXXXXX";
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/b", "");
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "/a\n/b\n", 6), 6);
	close(fd);
	struct diag *diag = diag_new();
	const struct conf_setup setup = { .sections = once_sections,
		.keywords = once_tables,
		.diag = diag,
		.arena = &f.conf_mem,
		.user = &f,
		.version = "3.5.0" };
	struct conf *conf = conf_new(&setup);
	char *text = arena_printf(
	    &f.mem, "frontend f\nacl one path -f %s\nacl two path -f %s\n", path, path);
	assert_int_equal(conf_add_text(conf, "t", slice_str(text)), 0);
	assert_int_equal(conf_read(conf), 0);
	conf_free(conf);
	diag_free(diag);
	EXPECT(&f, { "if one two", 1 });
	fx_free(&f);
}

struct told {
	const char *lines, *message;
};

static void mistakes_are_told(void **state)
{
	static const struct told wrong[] = {
		{ "acl local src 127.0.0.1\ncond if locl",
		    "no such ACL: 'locl'; did you mean 'local'?" },
		{ "cond if METH_GTE", "did you mean 'METH_GET'?" },
		{ "cond when TRUE", "'if' or 'unless' is expected here instead of 'when'" },
		{ "cond if { path /", "'}' is missing" },
		{ "cond if", "an ACL is expected" },
		{ "cond if TRUE or", "an ACL is expected" },
		{ "cond if or TRUE", "an ACL is expected" },
		{ "cond if !", "an ACL is expected" },
		{ "cond if { }", "a criterion is expected" },
		{ "acl x", "needs a name and a criterion" },
		{ "acl a/b src 1.1.1.1", "not a valid ACL name" },
		{ "acl x src 1.1.1.1.1", "'1.1.1.1.1' is not a valid pattern" },
		{ "acl x src 1.1.1.1/33", "not a valid pattern" },
		{ "acl x src 1.1.1.1/255.0.255.x", "not a valid pattern" },
		{ "acl x path -m foo /", "unknown match method 'foo'" },
		{ "acl x path -z /", "unknown ACL flag '-z'" },
		{ "acl x hdr_cnt(a) x", "'x' is not a valid pattern for the match method 'int'" },
		{ "acl x path_reg (", "regex '(' is not valid" },
		{ "acl x req.payload(0,3) abc",
		    "must be named with '-m' for a value of type binary" },
		{ "acl x path", "has no pattern" },
		{ "cond if { status 200 }",
		    "will never match here: 'status' needs an HTTP response" },
		{ "acl s status 200\ncond if s", "ACL 's' will never match here" },
		{ "acl TRUE path /x", "ACL 'TRUE' hides the predefined ACL of that name" },
		{ "acl a path /x\ncond if a\nacl a src 1.2.3.4",
		    "ACL 'a' is declared again with another criterion behind its first use" },
		{ "http-request set-map(nope) k v",
		    "changes 'nope', which no ACL and no map loads" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture f;
		fx_new(&f);
		const char *said = fx_read(&f, wrong[i].lines);
		if (!strstr(said, wrong[i].message))
			fail_msg("%s: says '%s'", wrong[i].lines, said);
		fx_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match_methods_on_strings),
		cmocka_unit_test(integers_ranges_and_operators),
		cmocka_unit_test(addresses_and_networks),
		cmocka_unit_test(hashed_patterns_match_as_lists_do),
		cmocka_unit_test(conditions_join_acls),
		cmocka_unit_test(acls_that_are_used_or_only_grow_are_not_told),
		cmocka_unit_test(parents_lend_their_acls),
		cmocka_unit_test(missing_bytes_leave_a_condition_open),
		cmocka_unit_test(pattern_files),
		cmocka_unit_test(a_file_named_twice_is_read_once),
		cmocka_unit_test(mistakes_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
