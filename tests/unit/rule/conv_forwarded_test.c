/* SPDX-License-Identifier: MIT */
/* Unit tests of the Forwarded header's converters: the rules of RFC 7239 and the examples of the manual. */
/* covers: conv rfc7239_field, conv rfc7239_is_valid, conv rfc7239_n2nn, conv rfc7239_n2np, conv rfc7239_nn, conv rfc7239_np */
#include "fixture.h"

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

static void headers_are_right_or_wrong(void **state)
{
	static const struct {
		bool valid;
		const char *text;
	} headers[] = {
		{ true, "for=127.0.0.1;proto=http" },
		{ true, "for=192.0.2.43, for=\"[2001:db8:cafe::17]\"" },
		{ true, "For=\"[2001:db8:cafe::17]:4711\"" },
		{ true, "for=_gazonk" },
		{ true, "for=\"_SEVKISEK:_port\"" },
		{ true, "for=unknown" },
		{ true, "for=192.0.2.60;proto=https;by=203.0.113.43;host=example.com" },
		{ true, "for=192.0.2.43,for=198.51.100.17;by=203.0.113.60" },
		{ true, "secret=egah2CGj55fSJFs, for=10.1.2.3" },
		{ true, "for=_a;ext=\"a b\"" },
		{ true, "for=_a;" },
		{ false, "proto=custom" },
		{ false, "" },
		{ false, "for" },
		{ false, "for=" },
		{ false, "=a" },
		{ false, "for=127.0.0.1:80" },
		{ false, "for=[::1]" },
		{ false, "for=\"::1\"" },
		{ false, "for=\"[::1\"" },
		{ false, "for=\"[1.2.3.4]\"" },
		{ false, "for=\"1.2.3.4:99999\"" },
		{ false, "for=\"1.2.3.4:\"" },
		{ false, "for=1.2.3.456" },
		{ false, "for=name" },
		{ false, "for=_" },
		{ false, "for=_a;for=_b" },
		{ false, "for=_a by=_b" },
		{ false, "for=_a,,for=_b" },
		{ false, "for=_a; by=_b" },
		{ false, "host=\"a b\"" },
		{ false, "for=\"_a" },
	};
	struct fixture f;
	fx_new(&f);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		fx_request(
		    &f, "GET", "/", arena_printf(&f.mem, "Forwarded: %s\n", headers[i].text));
		const char *got = fx_eval(&f, "req.fhdr(forwarded),rfc7239_is_valid");
		if (strcmp(got, headers[i].valid ? "1" : "0") != 0)
			fail_msg("'%s': %s", headers[i].text, got);
	}
	fx_free(&f);
}

static void fields_are_taken_out(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/",
	    "Forwarded: proto=https;host=\"haproxy.org:80\";for=\"127.0.0.1:9999\";by=_me\n"
	    "Bad: for=_a;proto=x\n");
	EXPECT(&f, { "req.fhdr(forwarded),rfc7239_field(host)", "haproxy.org:80" },
	    { "req.fhdr(forwarded),rfc7239_field(for)", "127.0.0.1:9999" },
	    { "req.fhdr(forwarded),rfc7239_field(by)", "_me" },
	    { "req.fhdr(forwarded),rfc7239_field(proto)", "https" },
	    { "req.fhdr(bad),rfc7239_field(for)", "<none>" },
	    { "str(for=_a),rfc7239_field(by)", "<none>" });
	assert_non_null(strstr(fx_read(&f, "expr str(a),rfc7239_field(via)"), "none of for"));
	fx_free(&f);
}

static void nodes_are_taken_apart_and_made(void **state)
{
	struct fixture f;
	struct sample s;
	fx_new(&f);
	EXPECT(&f, { "str(127.0.0.1:9999),rfc7239_n2nn", "127.0.0.1" },
	    { "str(127.0.0.1:9999),rfc7239_n2np", "9999" },
	    { "str([ab:cd:ff:ff:ff:ff:ff:ff]:9998),rfc7239_n2nn", "ab:cd:ff:ff:ff:ff:ff:ff" },
	    { "str([ab:cd:ff:ff:ff:ff:ff:ff]:9998),rfc7239_n2np,add(1)", "9999" },
	    { "str(_name:_port),rfc7239_n2nn", "_name" },
	    { "str(_name:_port),rfc7239_n2np", "_port" },
	    { "str(unknown),rfc7239_n2nn", "unknown" }, { "str(1.2.3.4),rfc7239_n2np", "<none>" },
	    { "str(name),rfc7239_n2nn", "<none>" }, { "str([::1),rfc7239_n2nn", "<none>" },
	    { "ipv6(ab:cd:ff:ff:ff:ff:ff:ff),rfc7239_nn", "[ab:cd:ff:ff:ff:ff:ff:ff]" },
	    { "ipv4(1.2.3.4),rfc7239_nn", "1.2.3.4" }, { "str(test),rfc7239_nn", "_test" },
	    { "str(),rfc7239_nn", "unknown" }, { "\"str(a b)\",rfc7239_nn", "<none>" },
	    { "int(12),rfc7239_np", "12" }, { "int(65536),rfc7239_np", "<none>" },
	    { "str(test),rfc7239_np", "_test" }, { "str(),rfc7239_np", "<none>" });
	/* Names keep the type of an address. */
	fx_load(&f, "expr str(10.0.0.1:1),rfc7239_n2nn");
	assert_true(expr_eval(f.expr, &f.cx, SMP_ANY, &s));
	assert_int_equal(s.type, SMP_IPV4);
	fx_load(&f, "expr str([::1]),rfc7239_n2nn");
	assert_true(expr_eval(f.expr, &f.cx, SMP_ANY, &s));
	assert_int_equal(s.type, SMP_IPV6);
	fx_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_right_or_wrong),
		cmocka_unit_test(fields_are_taken_out),
		cmocka_unit_test(nodes_are_taken_apart_and_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
