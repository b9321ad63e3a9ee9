/* SPDX-License-Identifier: MIT */
/* Unit tests of converters that are newer than what the differential tests can show, and of rarer arguments. */
/* covers: conv x509_v_err_str */
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

static void parameters_have_any_delimiter(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "str(a=b&c=d&a=r),param(a)", "b" }, { "str(a&b=c),param(a)", "" },
	    { "str(a=&b&c=a),param(b)", "" }, { "\"str(a=1;b=2;c=4),param(b,;)\"", "2" },
	    { "str(a=1&b=2),param(b,0x26)", "2" }, { "\"str(a=1;b=2),param(b,0x3B)\"", "2" },
	    { "str(aa=1&a=2),param(a)", "2" }, { "str(a=1),param(b)", "<none>" });
	assert_non_null(strstr(fx_read(&f, "expr str(a),param(a,ab)"), "one character"));
	assert_non_null(strstr(fx_read(&f, "expr str(a),param(a,0x2)"), "one character"));
	fx_free(&f);
}

static void fractions_have_up_to_nine_digits(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "int(1700000000123),ms_utime(%H%M%S.%N)", "221320.123000000" },
	    { "int(1700000000123),ms_utime(%3N)", "123" },
	    { "int(1700000000123),ms_ltime(%3N)", "123" },
	    { "int(1700000000123),ms_utime(%3N,-24)", "099" },
	    { "int(1700000000123456),us_utime(%6N)", "123456" },
	    { "int(1700000000123456),us_ltime(%6N,4)", "123460" },
	    { "int(1700000000123456),us_utime(%N)", "123456000" },
	    { "int(1700000000123456),us_utime(%1N)", "1" },
	    { "int(1700000000123456),us_utime(%9N)", "123456000" });
	fx_free(&f);
}

static void bytes_may_be_named_by_variables(void **state)
{
	struct fixture f;
	struct var_list txn = { NULL };
	fx_new(&f);
	f.cx.vars.list[VAR_TXN] = &txn;
	EXPECT(&f, { "int(1),set-var(txn.from)", "1" }, { "int(3),set-var(txn.len)", "3" },
	    { "int(-1),set-var(txn.neg)", "-1" }, { "str(012345),bytes(txn.from,txn.len)", "123" },
	    { "str(012345),bytes(txn.from)", "12345" }, { "str(012345),bytes(2,txn.len)", "234" },
	    { "str(012345),bytes(txn.neg)", "" }, { "str(012345),bytes(1,txn.neg)", "" },
	    { "str(012345),bytes(txn.none)", "<none>" }, { "str(012345),bytes(6)", "" },
	    { "str(012345),bytes(5,9)", "5" });
	assert_non_null(strstr(fx_read(&f, "expr str(a),bytes(-1)"), "negative"));
	fx_free(&f);
}

static void verification_results_have_names(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "int(0),x509_v_err_str", "X509_V_OK" },
	    { "int(10),x509_v_err_str", "X509_V_ERR_CERT_HAS_EXPIRED" },
	    { "int(23),x509_v_err_str", "X509_V_ERR_CERT_REVOKED" },
	    { "int(12345),x509_v_err_str", "12345" });
	fx_free(&f);
}

static void json_arrays_are_texts(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f,
	    { "\"str('{\\\"a\\\":[1,{\\\"b\\\":\\\"]\\\"}]}'),json_query(\\$.a)\"",
		"[1,{\"b\":\"]\"}]" },
	    { "\"str('{\\\"a\\\":[1,{\\\"b\\\":\\\"]\\\"}]}'),json_query(\\$.a[1].b)\"", "]" },
	    { "\"str('{\\\"a b\\\":7}'),json_query('\\$[\\\"a b\\\"]')\"", "7" },
	    { "\"str('{\\\"a\\\":1234567890123456789}'),json_query(\\$.a,int)\"",
		"1234567890123456789" },
	    { "bin(7b2261223a225c7564383364227d),json_query($.a)", "<none>" },
	    { "bin(7b2261223a225c75643833645c7564653030227d),json_query($.a),hex", "F09F9880" },
	    { "bin(7b2261223a225c78227d),json_query($.a)", "<none>" });
	fx_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_have_any_delimiter),
		cmocka_unit_test(fractions_have_up_to_nine_digits),
		cmocka_unit_test(bytes_may_be_named_by_variables),
		cmocka_unit_test(verification_results_have_names),
		cmocka_unit_test(json_arrays_are_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
