/* SPDX-License-Identifier: MIT */
/* Unit tests of conditions (.if, -cc), conditional blocks and the directives that speak. */
#include "fixture.h"

struct sample {
	const char *text;
	int value;
};

static void expect_values(const struct sample *samples, size_t n)
{
	struct fixture f;
	char err[256];
	fixture_new(&f);
	conf_setenv(f.conf, "ONE", "1");
	conf_setenv(f.conf, "EMPTY", "");
	conf_setenv(f.conf, "LIST", "a b");
	conf_unsetenv(f.conf, "NOPE");
	for (size_t i = 0; i < n; i++) {
		err[0] = '\0';
		int r = conf_condition(f.conf, samples[i].text, err, sizeof(err));
		if (r != samples[i].value)
			fail_msg("'%s' gives %d: %s", samples[i].text, r, err);
		assert_int_equal(r < 0, err[0] != '\0');
	}
	assert_string_equal(fixture_messages(&f), "");
	fixture_free(&f);
}

static void integers_and_nothing_have_a_value(void **state)
{
	static const struct sample samples[] = {
		{ "", 0 },
		{ "  ", 0 },
		{ "\"\"", 0 },
		{ "0", 0 },
		{ "00", 0 },
		{ "1", 1 },
		{ "-1", 1 },
		{ "+1", 1 },
		{ " 1 ", 1 },
		{ "99999999999999999999", 1 },
		{ "\"$ONE\"", 1 },
		{ "\"$EMPTY\"", 0 },
		{ "\"${NOPE-0}\"", 0 },
		{ "$ONE", -1 },
	};
	expect_values(samples, ARRAY_SIZE(samples));
}

static void operators_bind_as_documented(void **state)
{
	static const struct sample samples[] = {
		{ "1 || 0 && 0", 1 },
		{ "0 && 0 || 1", 1 },
		{ "(1 || 0) && 0", 0 },
		{ "1||0&&0", 1 },
		{ "1 && 1 && 0", 0 },
		{ "0 || 0 || 1", 1 },
		{ "!1", 0 },
		{ "!!1", 1 },
		{ "! 1 || 1", 1 },
		{ "!(1 || 1)", 0 },
		{ "!0 && !0", 1 },
		{ "( ( 1 ) )", 1 },
		{ "!streq(a,b) && (0 || defined(ONE))", 1 },
	};
	expect_values(samples, ARRAY_SIZE(samples));
}

static void predicates_answer(void **state)
{
	static const struct sample samples[] = {
		{ "defined(ONE)", 1 },
		{ "defined(EMPTY)", 1 },
		{ "defined(NOPE)", 0 },
		{ "defined( ONE )", 0 },
		{ "defined()", 0 },
		{ "feature(OPENSSL)", 1 },
		{ "feature(openssl)", 0 },
		{ "enabled(EPOLL)", 1 },
		{ "enabled(KQUEUE)", 0 },
		{ "streq(a,a)", 1 },
		{ "streq(a,b)", 0 },
		{ "streq(a, a)", 0 },
		{ "streq(a b,\"a b\")", 1 },
		{ "streq(\"${LIST[*]}\",\"a b\")", 1 },
		{ "streq(,)", 1 },
		{ "strneq(a,b)", 1 },
		{ "strneq(a,a)", 0 },
		{ "strstr(abc,bc)", 1 },
		{ "strstr(abc,cb)", 0 },
		{ "strstr(abc,)", 1 },
		{ "awslc_api_atleast(1)", 0 },
		{ "awslc_api_before(99)", 0 },
		{ "ssllib_name_startswith(OpenSSL)", 1 },
		{ "ssllib_name_startswith(wolfSSL)", 0 },
		{ "openssl_version_atleast(1.1.1)", 1 },
		{ "openssl_version_atleast(3.0.16)", 0 },
		{ "openssl_version_before(3.5.0)", 1 },
		{ "fips_mode()", 0 },
		{ "fips_mode", 0 },
	};
	expect_values(samples, ARRAY_SIZE(samples));
}

static void versions_are_ordered(void **state)
{
	static const struct sample samples[] = {
		{ "version_atleast(3.5.0)", 1 },
		{ "version_atleast(3.5)", 1 },
		{ "version_atleast(3)", 1 },
		{ "version_atleast(3.5.1)", 0 },
		{ "version_atleast(3.10)", 0 },
		{ "version_atleast(2.4-dev19)", 1 },
		{ "version_atleast(3.5-dev7)", 1 },
		{ "version_atleast(3.6-dev0)", 0 },
		{ "version_atleast(3.5.0-1)", 0 },
		{ "version_before(3.5.0)", 0 },
		{ "version_before(3.5.0-1)", 1 },
		{ "version_before(3.5-dev7)", 0 },
		{ "version_before(3.6-dev0)", 1 },
		{ "version_before(2.6.12-1+deb12u4)", 0 },
		{ "openssl_version_before(3.0.15a)", 1 },
		{ "version_atleast(abc)", -1 },
		{ "version_atleast()", -1 },
		{ "version_atleast(3.5x)", -1 },
	};
	expect_values(samples, ARRAY_SIZE(samples));
}

static void arguments_have_quotes_of_their_own(void **state)
{
	static const struct sample samples[] = {
		{ "streq(\\\"a,b\\\",\\\"a,b\\\")", 1 },
		{ "streq('\"a,b\"','\"a,b\"')", 1 },
		{ "streq('\"a)\"',\"a\\\\)\")", -1 },
		{ "streq('\"a\\\"b\"',a\\\\\\\"b)", 1 },
		{ "streq(\\\"a,a)", -1 },
	};
	expect_values(samples, ARRAY_SIZE(samples));
}

static void mistakes_are_told_whatever_the_outcome(void **state)
{
	static const struct sample samples[] = {
		{ "x", -1 },
		{ "1x", -1 },
		{ "1.5", -1 },
		{ "1 1", -1 },
		{ "()", -1 },
		{ "(1", -1 },
		{ "1)", -1 },
		{ "(1)(1)", -1 },
		{ "!", -1 },
		{ "1 &&", -1 },
		{ "|| 1", -1 },
		{ "1 & 1", -1 },
		{ "1 || || 1", -1 },
		{ "1 || foo(1)", -1 },
		{ "0 && foo", -1 },
		{ "streq", -1 },
		{ "streq(a)", -1 },
		{ "streq(a,b,c)", -1 },
		{ "streq(a,b", -1 },
		{ "defined(a,b)", -1 },
		{ "fips_mode(1)", -1 },
		{ "1 # no comment here", -1 },
		{ "'1", -1 },
		{ "1\n1", -1 },
	};
	expect_values(samples, ARRAY_SIZE(samples));
}

static void nesting_has_a_limit(void **state)
{
	struct fixture f;
	char err[256];
	struct strbuf text = STRBUF_INIT;
	fixture_new(&f);
	for (int i = 0; i < 100000; i++)
		strbuf_adds(&text, "(");
	assert_int_equal(conf_condition(f.conf, text.ptr, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "nested"));
	strbuf_done(&text);
	fixture_free(&f);
}

/* ---- blocks ---- */

/* Reads text inside "global"; the log without its first and last line. */
static void expect(const char *text, const char *log, const char *messages)
{
	struct fixture f;
	struct strbuf file = STRBUF_INIT;
	struct strbuf want = STRBUF_INIT;
	fixture_new(&f);
	strbuf_addf(&file, "global\n%s", text);
	strbuf_addf(&want, "global{}\n%send\n", log);
	fixture_read(&f, file.ptr);
	assert_string_equal(fixture_messages(&f), messages);
	assert_string_equal(f.log.ptr, want.ptr);
	strbuf_done(&file);
	strbuf_done(&want);
	fixture_free(&f);
}

static void one_branch_of_a_block_is_read(void **state)
{
	static const char *const expected[] = { "words(d)\n", "words(c)\n", "words(b)\n",
		"words(b)\n", "words(a)\n", "words(a)\n", "words(a)\n", "words(a)\n" };
	for (int bits = 0; bits < 8; bits++) {
		char text[256];
		snprintf(text, sizeof(text),
		    ".if %d\nwords a\n.elif %d # comment\nwords b\n.elif %d\nwords c\n.else\nwords "
		    "d\n"
		    ".endif\n",
		    bits >> 2 & 1, bits >> 1 & 1, bits & 1);
		expect(text, expected[bits], "");
	}
}

static void blocks_nest(void **state)
{
	expect(".if 1\n .if 0\n words a\n .else\n words b\n .endif\n words c\n.endif\nwords d\n",
	    "words(b)\nwords(c)\nwords(d)\n", "");
	/* a block inside a branch that is not read stays unread, and its conditions unevaluated */
	expect(".if 0\n .if nonsense\n words a\n .elif 1\n words b\n .else\n words c\n .endif\n"
	       " foo\n .foo\n .alert x\n.else\n words d\n.endif\n",
	    "words(d)\n", "");
	/* a later .elif of a block that was read is not evaluated */
	expect(".if 1\n words a\n.elif nonsense\n words b\n.endif\n", "words(a)\n", "");
}

static void a_block_may_hold_sections(void **state)
{
	expect(".if 0\nfrontend f\n.endif\nwords a\n", "words(a)\n", "");
	expect(".if 1\nfrontend f\n.endif\nwords a\n", "end\nfrontend{f}\nwords(a)\n", "");
}

static void conditions_see_the_environment_set_above(void **state)
{
	expect("setenv A yes\n.if streq(\"$A\",yes)\nwords a\n.endif\nunsetenv A\n.if defined(A)\n"
	       "words b\n.endif\n",
	    "words(a)\n", "");
}

static void broken_blocks_are_told(void **state)
{
	expect(".else\nwords a\n", "words(a)\n",
	    ALERT "[t:2:1] : lone '.else' with no matching '.if'\n");
	expect(".endif\n", "", ALERT "[t:2:1] : lone '.endif' with no matching '.if'\n");
	expect(".elif 1\n", "", ALERT "[t:2:1] : lone '.elif' with no matching '.if'\n");
	expect(".if 1\n .if 1\n", "",
	    ALERT "[t:2:1] : '.if' without '.endif' before the end of the file\n" ALERT
		  "[t:3:2] : '.if' without '.endif' before the end of the file\n");
	expect(".if 0\n.else\n.else\n.endif\n", "",
	    ALERT "[t:4:1] : '.else' behind '.else' is not permitted\n");
	expect(".if 0\n.else\n.elif 1\n.endif\n", "",
	    ALERT "[t:4:1] : '.elif' behind '.else' is not permitted\n");
	expect(".if 1\n.endif x\nwords a\n", "words(a)\n",
	    ALERT "[t:3:8] : unexpected argument 'x' for '.endif'\n");
	expect(".fi\n", "", ALERT "[t:2:1] : unknown directive '.fi'; did you mean '.if' ?\n");
}

static void a_block_with_a_broken_condition_is_skipped(void **state)
{
	expect(".if defned(A)\n words a\n.else\n words b\n.endif\nwords c\n", "words(c)\n",
	    ALERT "[t:2:5] : unknown predicate 'defned'; did you mean 'defined' ? in '.if'\n");
}

static void too_many_nested_blocks_are_told_and_still_balanced(void **state)
{
	struct fixture f;
	struct strbuf text = STRBUF_INIT;
	fixture_new(&f);
	strbuf_adds(&text, "global\n");
	for (int i = 0; i < 200; i++)
		strbuf_adds(&text, ".if 1\n");
	for (int i = 0; i < 200; i++)
		strbuf_adds(&text, ".endif\n");
	strbuf_adds(&text, "words a\n");
	assert_int_equal(fixture_read(&f, text.ptr), -1);
	assert_int_equal(diag_count(f.diag, DIAG_ERROR), 1);
	assert_string_equal(f.log.ptr, "global{}\nwords(a)\nend\n");
	strbuf_done(&text);
	fixture_free(&f);
}

static void directives_speak_at_their_level(void **state)
{
	expect(".notice \"a notice\"\n.warning 'a warning'\n.diag \"silent\"\n.if 0\n.alert no\n"
	       ".endif\n",
	    "",
	    "[NOTICE]   (pid) : config : [t:2:1] : a notice\n"
	    "[WARNING]  (pid) : config : [t:3:1] : a warning\n");
	expect(".alert \"stop\"\n", "", ALERT "[t:2:1] : stop\n");
	expect(".notice two words\n", "",
	    ALERT
	    "[t:2:13] : unexpected argument 'words' for '.notice'; a message with spaces needs "
	    "quotes\n");
}

static void diag_speaks_in_diagnostic_mode_only(void **state)
{
	struct fixture f;
	fixture_new_with(&f, true);
	assert_int_equal(fixture_read(&f, "global\n.diag \"replace this\"\n"), 0);
	assert_string_equal(
	    fixture_messages(&f), "[NOTICE]   (pid) : config : [t:2:1] : replace this\n");
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_and_nothing_have_a_value),
		cmocka_unit_test(operators_bind_as_documented),
		cmocka_unit_test(predicates_answer),
		cmocka_unit_test(versions_are_ordered),
		cmocka_unit_test(arguments_have_quotes_of_their_own),
		cmocka_unit_test(mistakes_are_told_whatever_the_outcome),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(one_branch_of_a_block_is_read),
		cmocka_unit_test(blocks_nest),
		cmocka_unit_test(a_block_may_hold_sections),
		cmocka_unit_test(conditions_see_the_environment_set_above),
		cmocka_unit_test(broken_blocks_are_told),
		cmocka_unit_test(a_block_with_a_broken_condition_is_skipped),
		cmocka_unit_test(too_many_nested_blocks_are_told_and_still_balanced),
		cmocka_unit_test(directives_speak_at_their_level),
		cmocka_unit_test(diag_speaks_in_diagnostic_mode_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
