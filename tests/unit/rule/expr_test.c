/* SPDX-License-Identifier: MIT */
/* Unit tests of samples, fetches and converters. */
#include "fixture.h"
#include "weir/rule/list.h"

struct want {
	const char *expr, *value;
};

static void expect(struct fixture *f, const struct want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = fx_eval(f, wants[i].expr);
		if (strcmp(got, wants[i].value) != 0)
			fail_msg(
			    "%s gives '%s' instead of '%s'", wants[i].expr, got, wants[i].value);
	}
}

#define EXPECT(f, ...)                                                                             \
	do {                                                                                       \
		static const struct want wants_[] = { __VA_ARGS__ };                               \
		expect(f, wants_, ARRAY_SIZE(wants_));                                             \
	} while (0)

static void constants_have_their_types(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "");
	EXPECT(&f, { "int(-5)", "-5" }, { "str()", "" }, { "\"str(a b)\"", "a b" },
	    { "bool(true)", "1" }, { "bool(false)", "0" }, { "bin(48656c6C6f)", "Hello" },
	    { "ipv4(1.2.3.4)", "1.2.3.4" }, { "ipv6(::1)", "::1" }, { "meth(POST)", "POST" },
	    { "always_true", "1" }, { "always_false", "0" }, { "\"str(a\\\\,b)\"", "a,b" },
	    { "\"str('a,b)')\"", "a,b)" }, { "env(NO_SUCH_VARIABLE)", "<none>" },
	    { "date", "1700000000" }, { "date(5)", "1700000005" },
	    { "date(0,ms)", "1700000000123" }, { "date(-1,us)", "1700000000123455" },
	    { "date_us", "123456" }, { "proc", "1" }, { "thread", "0" }, { "rand(1)", "0" },
	    { "uuid,length", "36" }, { "uuid,bytes(14,1)", "4" });
	fx_free(&f);
}

static void converters_do_not_make_values_without_bound(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "");
	EXPECT(&f, { "str(abcdefgh),hex,hex,hex,length", "64" },
	    { "str(abcdefgh),hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,length", "65536" },
	    { "str(abcdefgh),hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,hex,length",
		"<none>" });
	f.cx.value_max = 100;
	EXPECT(&f, { "str(abcdefgh),hex,hex,hex,hex,length", "<none>" });
	fx_free(&f);
}

static void target_parts(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/a/b.gif?x=1&y=2&x=3&e=&Z=9", "Host: www.example.com:8080\n");
	EXPECT(&f, { "path", "/a/b.gif" }, { "query", "x=1&y=2&x=3&e=&Z=9" },
	    { "query(with_qm)", "?x=1&y=2&x=3&e=&Z=9" }, { "pathq", "/a/b.gif?x=1&y=2&x=3&e=&Z=9" },
	    { "url", "/a/b.gif?x=1&y=2&x=3&e=&Z=9" }, { "base", "www.example.com:8080/a/b.gif" },
	    { "urlp(x)", "1" }, { "url_param(y)", "2" }, { "urlp(e)", "" },
	    { "urlp(nope)", "<none>" }, { "urlp(z)", "<none>" }, { "urlp(z,,i)", "9" },
	    { "urlp_val(y),add(1)", "3" }, { "method", "GET" }, { "req.ver", "1.1" },
	    { "hdr(host),host_only", "www.example.com" }, { "hdr(host),port_only", "8080" },
	    { "base,sdbm(1)", "3605035665" }, { "base32", "3605035665" });
	fx_free(&f);
}

static void absolute_and_asterisk_targets(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "http://10.0.0.1:81/p/q?z", "Host: h\n");
	EXPECT(&f, { "path", "/p/q" }, { "url", "http://10.0.0.1:81/p/q?z" }, { "query", "z" },
	    { "url_ip", "10.0.0.1" }, { "url_port", "81" }, { "base", "h/p/q" });
	fx_request(&f, "OPTIONS", "*", "Host: h\n");
	EXPECT(&f, { "path", "<none>" }, { "url", "*" }, { "query", "" });
	fx_free(&f);
}

static void header_values_are_list_elements(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/",
	    "Host: h\nX-A: one, two\nx-a: \"a,b\", three\nX-Ip: 10.1.1.1:99\nX-N: 42 apples\n"
	    "X-Forwarded-For: 1.1.1.1,2.2.2.2\n");
	EXPECT(&f, { "hdr(x-a)", "three" }, { "req.hdr(X-A,1)", "one" }, { "hdr(x-a,2)", "two" },
	    { "hdr(x-a,3)", "\"a,b\"" }, { "hdr(x-a,-2)", "\"a,b\"" }, { "hdr(x-a,5)", "<none>" },
	    { "hdr(x-a,-5)", "<none>" }, { "hdr_cnt(x-a)", "4" },
	    { "req.fhdr(x-a)", "\"a,b\", three" }, { "req.fhdr(x-a,1)", "one, two" },
	    { "req.fhdr_cnt(x-a)", "2" }, { "hdr_cnt(nope)", "0" }, { "hdr(nope)", "<none>" },
	    { "hdr_ip(x-ip)", "10.1.1.1" }, { "hdr_val(x-n)", "42" },
	    { "req.hdr_names", "host,x-a,x-a,x-ip,x-n,x-forwarded-for" },
	    { "req.hdr_names(;),length", "37" }, { "hdr_ip(x-forwarded-for)", "2.2.2.2" },
	    { "hdr(host)", "h" });
	fx_free(&f);
}

static void the_first_host_is_found_again_after_changes(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "A: b\n");
	EXPECT(&f, { "hdr(host)", "<none>" }, { "hdr(host)", "<none>" });
	assert_int_equal(http_hdr_add(&f.req, SLICE("host"), SLICE("one")), 0);
	EXPECT(&f, { "hdr(host)", "one" });
	http_hdr_del_all(&f.req, SLICE("host"));
	EXPECT(&f, { "hdr(host)", "<none>" });
	assert_int_equal(http_hdr_add(&f.req, SLICE("host"), SLICE("two")), 0);
	EXPECT(&f, { "hdr(host)", "two" });
	fx_free(&f);
}

static void cookies_of_both_sides(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "Cookie: a=1; b=2; a=3\nCookie: n=\"q\"\n");
	EXPECT(&f, { "req.cook(a)", "3" }, { "cook(b)", "2" }, { "req.cook(n)", "\"q\"" },
	    { "req.cook(x)", "<none>" }, { "req.cook", "1" }, { "req.cook_cnt(a)", "2" },
	    { "req.cook_val(b),add(1)", "3" }, { "req.cook_names", "a,b,a,n" });
	fx_response(&f, 200, "Set-Cookie: s=v; path=/; HttpOnly\nSet-Cookie: t=w\n");
	EXPECT(&f, { "res.cook(s)", "v" }, { "scook(t)", "w" }, { "res.cook(path)", "<none>" },
	    { "res.cook_cnt", "2" }, { "cookie(s)", "v" }, { "status", "200" },
	    { "res.ver", "1.1" });
	fx_free(&f);
}

static void connection_and_objects(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "src", "10.1.2.3" }, { "src_port", "40000" }, { "dst", "10.9.9.9" },
	    { "dst_port", "80" }, { "fe_name", "front" }, { "be_name", "<none>" },
	    { "fe_conn", "7" }, { "nbsrv(b)", "3" }, { "nbsrv", "<none>" },
	    { "srv_is_up(b/up)", "1" }, { "srv_is_up(b/down)", "0" },
	    { "str(b/up),srv_is_up", "1" }, { "fe_id", "7" });
	fx_free(&f);
}

static void payload_waits_until_it_is_there(void **state)
{
	struct fixture f;
	struct sample s;
	fx_new(&f);
	f.where = f.cx.at = RULE_AT_REQ_BUF;
	f.cx.req_final = false;
	f.cx.req_buf = SLICE("\x02hello");
	fx_load(&f, "expr req.payload(1,8)");
	assert_false(expr_eval(f.expr, &f.cx, SMP_ANY, &s));
	assert_true(s.may_change);
	f.cx.req_final = true;
	assert_false(expr_eval(f.expr, &f.cx, SMP_ANY, &s));
	assert_false(s.may_change);
	EXPECT(&f, { "req.payload(1,2)", "he" }, { "req.payload(0,0),hex", "0268656C6C6F" },
	    { "req.payload_lv(0,1)", "he" }, { "req.payload_lv(0,1,+1)", "el" },
	    { "req.payload_lv(0,1,4)", "lo" }, { "req.len", "6" },
	    { "req.payload(9,1)", "<none>" });
	fx_free(&f);
}

static void rdp_cookies_are_found_at_every_split(void **state)
{
	static const char packet[] = "\x03\x00\x00\x25\x20\xe0\x00\x00\x00\x00\x00"
				     "Cookie: mstshash=user\r\n\r\n";
	struct fixture f;
	struct sample s;
	fx_new(&f);
	f.where = f.cx.at = RULE_AT_REQ_BUF;
	f.cx.req_final = false;
	fx_load(&f, "expr req.rdp_cookie(mstshash)");
	for (size_t n = 0; n < sizeof(packet) - 1; n++) {
		f.cx.req_buf = slice_make(packet, n);
		bool got = expr_eval(f.expr, &f.cx, SMP_STR, &s);
		assert_true(got || s.may_change);
		if (got)
			assert_true(slice_eq(s.str, SLICE("user")));
		assert_int_equal(got, n >= 33);
	}
	f.cx.req_buf = SLICE("GET / HTTP/1.1\r\n");
	assert_false(expr_eval(f.expr, &f.cx, SMP_STR, &s));
	assert_false(s.may_change);
	fx_free(&f);
}

static void arithmetic_saturates(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "int(7),add(3),mul(2),sub(1),div(2)", "9" }, { "int(7),mod(4)", "3" },
	    { "int(7),div(0)", "9223372036854775807" }, { "int(7),mod(0)", "0" },
	    { "int(9223372036854775807),add(1)", "9223372036854775807" },
	    { "int(-9223372036854775808),sub(1)", "-9223372036854775808" },
	    { "int(9223372036854775807),mul(-2)", "-9223372036854775808" }, { "int(5),neg", "-5" },
	    { "int(12),and(10)", "8" }, { "int(12),or(3)", "15" }, { "int(12),xor(10)", "6" },
	    { "int(0),cpl", "-1" }, { "int(0),not", "1" }, { "int(3),bool", "1" },
	    { "int(3),odd", "1" }, { "int(3),even", "0" }, { "int(1),htonl,hex", "00000001" },
	    { "str(12abc),add(1)", "13" }, { "int(3),bool,iif(yes,no)", "yes" });
	fx_free(&f);
}

static void fields_and_words_count_from_both_ends(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "str(f1_f2_f3__f5),field(5,_)", "f5" },
	    { "str(f1_f2_f3__f5),field(2,_,0)", "f2_f3__f5" },
	    { "str(f1_f2_f3__f5),field(2,_,2)", "f2_f3" },
	    { "str(f1_f2_f3__f5),field(-2,_,3)", "f2_f3_" },
	    { "str(f1_f2_f3__f5),field(-3,_,0)", "f1_f2_f3" },
	    { "str(f1_f2_f3__f5),field(4,_)", "" }, { "str(f1_f2_f3__f5),word(4,_)", "f5" },
	    { "str(f1_f2_f3__f5),word(2,_,0)", "f2_f3__f5" },
	    { "str(f1_f2_f3__f5),word(3,_,2)", "f3__f5" },
	    { "str(f1_f2_f3__f5),word(-2,_,3)", "f1_f2_f3" },
	    { "str(f1_f2_f3__f5),word(-3,_,0)", "f1_f2" }, { "str(/f1/f2/f3/f4),word(1,/)", "f1" },
	    { "str(/f1/f2/f3/f4),word(1,/,2)", "f1/f2" }, { "str(a),field(1,/)", "a" });
	fx_free(&f);
}

static void text_is_changed(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "str(AbC),lower", "abc" }, { "str(AbC),upper", "ABC" },
	    { "str(abc),length", "3" }, { "str(abcdef),bytes(2,3)", "cde" },
	    { "str(abc),concat(<,,>)", "abc<>" }, { "str(xxabxx),ltrim(x),rtrim(x)", "ab" },
	    { "str(abc),reverse", "cba" }, { "str(a.b.c),regsub(\\.,-)", "a-b.c" },
	    { "str(a.b.c),regsub(\\.,-,g)", "a-b-c" }, { "str(xABx),regsub(ab,<\\0>,i)", "x<AB>x" },
	    { "str(ab),regsub(x*,-,g)", "-a-b-" }, { "\"str(a=1;b=2),param(b,;)\"", "2" },
	    { "\"str([::1]:80),host_only\"", "[::1]" });
	fx_free(&f);
}

static void encodings_round_trip(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "str(hello),base64", "aGVsbG8=" },
	    { "str(aGVsbG8=),b64dec,hex", "68656C6C6F" }, { "str(aGVsbG8),b64dec", "<none>" },
	    { "bin(fbff),ub64enc", "-_8" }, { "str(-_8),ub64dec,hex", "FBFF" },
	    { "bin(fbff),base64", "+/8=" }, { "\"str(a b/c)\",url_enc", "a%20b%2Fc" },
	    { "str(a%20b+c?d+e),url_dec", "a b+c?d e" }, { "str(a+b),url_dec(1)", "a b" },
	    { "str(%zz),url_dec", "<none>" }, { "str(ff),hex2i", "255" },
	    { "str(AB),hex", "4142" });
	fx_free(&f);
}

/* Values of other implementations of the same functions. */
static void hashes_have_their_published_values(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "str(123456789),crc32", "3421780262" },
	    { "str(123456789),crc32c", "3808858755" }, { "str(hello),sdbm", "684824882" },
	    { "str(hello),sdbm(1)", "2061535398" }, { "str(hello),djb2", "261238937" },
	    { "\"str(hello world)\",wt6", "1866899626" }, { "str(x),wt6", "1898969189" },
	    { "str(hello),crc32", "907060870" });
	fx_free(&f);
}

static void dates_and_masks(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "date,http_date", "Tue, 14 Nov 2023 22:13:20 GMT" },
	    { "date(0,ms),http_date(0,ms)", "Tue, 14 Nov 2023 22:13:20.123 GMT" },
	    { "date,utime(%Y-%m-%d)", "2023-11-14" }, { "date(0,ms),ms_utime(%S.%3N)", "20.123" },
	    { "date(0,us),us_utime(%6N)", "123456" }, { "int(0),utime(%H,3600)", "01" },
	    { "src,ipmask(24)", "10.1.2.0" }, { "src,ipmask(255.0.0.0)", "10.0.0.0" },
	    { "ipv6(2001:db8::1),ipmask(24,32)", "2001:db8::" },
	    { "\"str('Sun, 06 Nov 1994 08:49:37 GMT'),date\"", "784111777" });
	fx_free(&f);
}

static char map_path[] = "/tmp/weir-rule-test-XXXXXX";

static void map_file(const char *text)
{
	memcpy(map_path + sizeof(map_path) - 7, "XXXXXX", 6);
	int fd = mkstemp(map_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char *map_eval(
    struct fixture *f, const char *input, const char *conv, const char *more)
{
	return fx_eval(f, arena_printf(&f->mem, "%s,%s(%s%s)", input, conv, map_path, more));
}

static void maps_are_looked_up(void **state)
{
	struct fixture f;
	fx_new(&f);
	map_file("# hosts\n\nwww.a.com   alpha one\n  b.com beta\nc.com\n/x px\n"
		 "/x/y pxy\nABC upper\n");
	assert_string_equal(map_eval(&f, "str(www.a.com)", "map", ""), "alpha one");
	assert_string_equal(map_eval(&f, "str(b.com)", "map_str", ",none"), "beta");
	assert_string_equal(map_eval(&f, "str(zzz)", "map", ",none"), "none");
	assert_string_equal(map_eval(&f, "str(zzz)", "map", ""), "<none>");
	assert_string_equal(map_eval(&f, "str(c.com)", "map", ""), "");
	assert_string_equal(map_eval(&f, "str(/x/y/z)", "map_beg", ""), "pxy");
	assert_string_equal(map_eval(&f, "str(/x/z)", "map_beg", ""), "px");
	assert_string_equal(map_eval(&f, "str(sub.b.com)", "map_end", ""), "beta");
	assert_string_equal(map_eval(&f, "str(xx.b.com.yy)", "map_dom", ""), "beta");
	assert_string_equal(map_eval(&f, "str(/x/z)", "map_beg_key", ""), "/x");
	unlink(map_path);
	map_file("gamma 12\n");
	assert_string_equal(map_eval(&f, "str(gamma)", "map_str_int", ",0"), "12");
	unlink(map_path);
	map_file("d 1.2.3.4\n");
	assert_string_equal(map_eval(&f, "str(d)", "map_str_ip", ""), "1.2.3.4");
	unlink(map_path);
	map_file("10.0.0.0/8 ten\n10.1.0.0/16 tenone\n10.1.2.0/24 net\n11.0.0.0/8 e\n12.0.0.0/8 t\n"
		 "::1 six\n13.1.1.1 host\n");
	assert_string_equal(map_eval(&f, "src", "map_ip", ""), "net");
	assert_string_equal(map_eval(&f, "ipv4(10.2.2.2)", "map_ip", ""), "ten");
	assert_string_equal(map_eval(&f, "ipv4(13.1.1.2)", "map_ip", ",no"), "no");
	assert_string_equal(map_eval(&f, "ipv6(::1)", "map_ip", ""), "six");
	assert_string_equal(map_eval(&f, "ipv6(::ffff:10.2.2.2)", "map_ip", ""), "ten");
	unlink(map_path);
	map_file("^/u/([0-9]+) user-\\1\n");
	assert_string_equal(map_eval(&f, "str(/u/42/x)", "map_regm", ""), "user-42");
	assert_string_equal(map_eval(&f, "str(/u/42/x)", "map_reg", ""), "user-\\1");
	unlink(map_path);
	map_file("100:199 info\n200:299 good\n");
	assert_string_equal(map_eval(&f, "int(204)", "map_int", ",bad"), "good");
	assert_string_equal(map_eval(&f, "int(404)", "map_int", ",bad"), "bad");
	unlink(map_path);
	fx_free(&f);
}

static void wrong_expressions_are_told(void **state)
{
	static const struct want wrong[] = {
		{ "expr pathh", "unknown fetch 'pathh'; did you mean 'path" },
		{ "expr path,lowr", "unknown converter 'lowr'; did you mean 'lower'?" },
		{ "expr sc0_key", "fetch 'sc0_key' is not supported in this version" },
		{ "expr path,51d.single(a)",
		    "converter '51d.single' is not supported in this version" },
		{ "expr status", "may not be used here: it needs an HTTP response" },
		{ "expr int(x)", "'x' is not a valid integer" },
		{ "expr int", "needs 1 argument" },
		{ "expr path(a)", "takes at most 0 argument" },
		{ "expr str(a", "')' is missing" },
		{ "expr src,htonl,add(1),foo", "unknown converter 'foo'" },
		{ "expr always_true,ipmask(24)x", "unexpected 'x'" },
		{ "expr str(x),map(/no/such/file)", "cannot read file '/no/such/file'" },
		{ "expr path,regsub(\"(\",x)", "is not valid" },
		{ "expr ipv4(1.2.3)", "not a valid IPv4 address" },
		{ "expr method,add(1)", "cannot be applied to a value of type method" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture f;
		fx_new(&f);
		const char *said = fx_read(&f, wrong[i].expr);
		if (!strstr(said, wrong[i].value))
			fail_msg("%s: says '%s'", wrong[i].expr, said);
		fx_free(&f);
	}
}

static void every_row_is_listed_with_help(void **state)
{
	static const char *const tables[] = { "fetch", "conv", "log-alias", "http-request",
		"http-response", "http-after-response", "tcp-request connection",
		"tcp-request session", "tcp-request content", "tcp-response content", "acl" };
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		size_t n = 0;
		for (; rule_list(tables[t], n).name; n++)
			assert_true(rule_list(tables[t], n).help[0]);
		assert_true(n > 3);
	}
	assert_null(rule_list("nothing", 0).name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_have_their_types),
		cmocka_unit_test(converters_do_not_make_values_without_bound),
		cmocka_unit_test(target_parts),
		cmocka_unit_test(absolute_and_asterisk_targets),
		cmocka_unit_test(header_values_are_list_elements),
		cmocka_unit_test(the_first_host_is_found_again_after_changes),
		cmocka_unit_test(cookies_of_both_sides),
		cmocka_unit_test(connection_and_objects),
		cmocka_unit_test(payload_waits_until_it_is_there),
		cmocka_unit_test(rdp_cookies_are_found_at_every_split),
		cmocka_unit_test(arithmetic_saturates),
		cmocka_unit_test(fields_and_words_count_from_both_ends),
		cmocka_unit_test(text_is_changed),
		cmocka_unit_test(encodings_round_trip),
		cmocka_unit_test(hashes_have_their_published_values),
		cmocka_unit_test(dates_and_masks),
		cmocka_unit_test(maps_are_looked_up),
		cmocka_unit_test(wrong_expressions_are_told),
		cmocka_unit_test(every_row_is_listed_with_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
