/* SPDX-License-Identifier: MIT */
/* Unit tests of the lexer: quotes, escapes, comments, continued lines, variables, and where errors point. */
#include "fixture.h"

struct sample {
	const char *text; /* behind "words " */
	const char *words;
};

static void expect_words(const char *text, const char *words)
{
	struct fixture f;
	struct strbuf file = STRBUF_INIT;
	struct strbuf want = STRBUF_INIT;
	fixture_new(&f);
	conf_setenv(f.conf, "V", "a b  c");
	conf_setenv(f.conf, "EDGES", " a\tb ");
	conf_setenv(f.conf, "EMPTY", "");
	conf_setenv(f.conf, "BLANK", " ");
	conf_setenv(f.conf, "SPECIAL", "x\"y #z\\ '$V");
	conf_unsetenv(f.conf, "NOPE");
	strbuf_addf(&file, "global\nwords %s\n", text);
	strbuf_addf(&want, "global{}\nwords(%s)\nend\n", words);
	fixture_read(&f, file.ptr);
	assert_string_equal(fixture_messages(&f), "");
	assert_string_equal(f.log.ptr, want.ptr);
	strbuf_done(&file);
	strbuf_done(&want);
	fixture_free(&f);
}

static void expect_all(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_words(samples[i].text, samples[i].words);
}

static void words_are_cut_at_unprotected_blanks_and_comments(void **state)
{
	static const struct sample samples[] = {
		{ "a b", "a|b" },
		{ " \t a \t b \t", "a|b" },
		{ "a#b c", "a" },
		{ "a # b 'unmatched", "a" },
		{ "", "" },
		{ "a\r", "a" },
		{ "a b\r\r", "a|b" },
	};
	expect_all(samples, ARRAY_SIZE(samples));
}

static void quotes_protect_and_join(void **state)
{
	static const struct sample samples[] = {
		{ "\"a b\" 'c d'", "a b|c d" },
		{ "a\"b c\"d'e f'g", "ab cde fg" },
		{ "\"it's\" 'say \"x\"'", "it's|say \"x\"" },
		{ "\"a#b\" 'c#d'", "a#b|c#d" },
		{ "\"\" '' x", "||x" },
		{ "'a\\b\\n$V' y", "a\\b\\n$V|y" },
		{ "\"%{+Q}o %t\"' %s'\\ %{-Q}r", "%{+Q}o %t %s %{-Q}r" },
	};
	expect_all(samples, ARRAY_SIZE(samples));
}

static void escapes_have_the_documented_meaning(void **state)
{
	static const struct sample samples[] = {
		{ "a\\ b \\#c \\\\d \\'e \\\"f", "a b|#c|\\d|'e|\"f" },
		{ "\"a\\ b\\#\\\\\\'\\\"\\$V\"", "a b#\\'\"$V" },
		{ "\\n\\r\\t \"\\n\\r\\t\"", "\n\r\t|\n\r\t" },
		{ "\\x41\\x7e \"\\x5C\\x0a\"", "A~|\\\n" },
		{ "\\x20 \"\\x22\"", " |\"" },
		{ "a\\\tb", "a\tb" },
	};
	expect_all(samples, ARRAY_SIZE(samples));
}

static void a_backslash_without_meaning_stays(void **state)
{
	static const struct sample samples[] = {
		{ "\\q \"\\q\" ^\\d+\\.x$", "\\q|\\q|^\\d+\\.x$" },
		{ "x\\$V $V ${V}", "x\\$V|$V|${V}" },
	};
	expect_all(samples, ARRAY_SIZE(samples));
}

static void a_backslash_before_the_line_feed_continues_the_line(void **state)
{
	static const struct sample samples[] = {
		{ "a \\\n b", "a|b" },
		{ "a\\\nb", "ab" },
		{ "a\\\r\nb", "ab" },
		{ "\"a \\\n b\" c", "a  b|c" },
		{ "a \\\n\\\n b", "a|b" },
		{ "a\\\\", "a\\" },
		{ "a # no \\", "a" },
	};
	expect_all(samples, ARRAY_SIZE(samples));
}

static void variables_expand_inside_weak_quotes_only(void **state)
{
	static const struct sample samples[] = {
		{ "\"$V\" \"${V}\" \"x${V}y\"", "a b  c|a b  c|xa b  cy" },
		{ "\"$V.x\" \"$V[*]\"", "a b  c.x|a b  c[*]" },
		{ "\"$NOPE\" \"a${NOPE}b\"", "|ab" },
		{ "\"${SPECIAL}\"", "x\"y #z\\ '$V" },
		{ "\"${NOPE-d e}\" \"${EMPTY-d}\" \"${NOPE-}\"", "d e||" },
		{ "\"${NOPE-a}b}\" \"${NOPE-\"q\"}\"", "ab}|\"q\"" },
		{ "\"${NOPE-$V \\x41}\"", "$V \\x41" },
	};
	expect_all(samples, ARRAY_SIZE(samples));
}

static void the_star_expands_to_several_words(void **state)
{
	static const struct sample samples[] = {
		{ "\"${V[*]}\"", "a|b|c" },
		{ "\"p${V[*]}s\" z", "pa|b|cs|z" },
		{ "\"p${EDGES[*]}s\"", "p|a|b|s" },
		{ "x \"${EDGES[*]}\" y", "x|a|b|y" },
		{ "x \"${EMPTY[*]}\" y", "x|y" },
		{ "x \"${BLANK[*]}\" \"p${BLANK[*]}s\" y", "x|p|s|y" },
		{ "x \"${NOPE[*]}\" y", "x|y" },
		{ "\"${NOPE[*]-d e}\" \"${V[*]-no}\"", "d|e|a|b|c" },
		{ "\"${NOPE-x y[*]}\"", "x y[*]" },
	};
	expect_all(samples, ARRAY_SIZE(samples));
}

static void pseudo_variables_tell_the_place(void **state)
{
	struct fixture f;
	fixture_new(&f);
	assert_int_equal(
	    fixture_read(&f, "global\n words \"${.FILE}:${.LINE}:$.SECTION\"\n"
			     "frontend web\n\n words \"${.SECTION}\" \\\n \"$.LINE\"\n"),
	    0);
	assert_string_equal(
	    f.log.ptr, "global{}\nwords(t:2:global)\nend\nfrontend{web}\nwords(web|6)\nend\n");
	fixture_free(&f);
}

static void expect_error(const char *text, const char *message)
{
	struct fixture f;
	struct strbuf want = STRBUF_INIT;
	fixture_new(&f);
	assert_int_equal(fixture_read(&f, text), -1);
	strbuf_addf(&want, "[ALERT]    (pid) : config : [t:%s\n", message);
	assert_string_equal(fixture_messages(&f), want.ptr);
	/* the line after the bad one is read again */
	assert_string_equal(f.log.ptr, "global{}\nwords(after)\nend\n");
	strbuf_done(&want);
	fixture_free(&f);
}

static void errors_point_at_their_byte(void **state)
{
	expect_error("global\n words \"abc\nwords after\n",
	    "2:8] : unmatched quote:\n   words \"abc\n         ^");
	expect_error("global\n words 'abc\nwords after\n",
	    "2:8] : unmatched quote:\n   words 'abc\n         ^");
	expect_error(
	    "global\nwords a \\\n \"abc\nwords after\n", "3:2] : unmatched quote:\n   \"abc\n   ^");
	expect_error("global\nwords \"${V\"\nwords after\n",
	    "2:9] : unmatched brace in environment variable name:\n  words \"${V\"\n          ^");
	expect_error("global\nwords \"${1}\"\nwords after\n",
	    "2:10] : not the name of an environment variable:\n  words \"${1}\"\n           ^");
	expect_error("global\nwords \"$.NO\"\nwords after\n",
	    "2:9] : not the name of an environment variable:\n  words \"$.NO\"\n          ^");
	expect_error("global\nwords \"${V[*}\"\nwords after\n",
	    "2:11] : truncated or invalid word expansion sequence, \"[*]\" expected:\n"
	    "  words \"${V[*}\"\n            ^");
	expect_error("global\nwords \\x4\nwords after\n",
	    "2:7] : truncated or invalid hexadecimal sequence:\n  words \\x4\n        ^");
	expect_error("global\nwords \\x00\nwords after\n",
	    "2:7] : a NUL byte cannot stand in a configuration:\n  words \\x00\n        ^");
	expect_error("global\nwords a\rb \\\n gone\nwords after\n",
	    "2:8] : carriage return in the middle of a line; write \\r for the character:\n"
	    "  words a b \\\n         ^");
}

static void a_nul_byte_is_an_error_wherever_it_stands(void **state)
{
	static const char *const lines[] = { "words a%b\n", "words 'a%b'\n", "words \"a%b\"\n",
		"words a # %\n", "words \"${V-%}\"\n" };
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct fixture f;
		char text[64];
		int len = snprintf(text, sizeof(text), "global\n%s", lines[i]);
		*strchr(text, '%') = '\0';
		fixture_new(&f);
		conf_add_text(f.conf, "t", slice_make(text, (size_t)len));
		assert_int_equal(conf_read(f.conf), -1);
		assert_int_equal(diag_count(f.diag, DIAG_ERROR), 1);
		fixture_free(&f);
	}
}

static void a_line_may_have_many_words_and_bytes(void **state)
{
	struct fixture f;
	struct strbuf text = STRBUF_INIT;
	struct strbuf want = STRBUF_INIT;
	fixture_new(&f);
	strbuf_adds(&text, "global\nwords");
	strbuf_adds(&want, "global{}\nwords(");
	for (int i = 0; i < 100000; i++) {
		strbuf_addf(&text, " w%d", i);
		strbuf_addf(&want, "%sw%d", i ? "|" : "", i);
	}
	strbuf_adds(&text, "\n");
	strbuf_adds(&want, ")\nend\n");
	assert_int_equal(fixture_read(&f, text.ptr), 0);
	assert_string_equal(f.log.ptr, want.ptr);
	strbuf_done(&text);
	strbuf_done(&want);
	fixture_free(&f);
}

static void a_line_above_the_limit_is_one_error(void **state)
{
	struct fixture f;
	struct strbuf text = STRBUF_INIT;
	fixture_new(&f);
	strbuf_adds(&text, "global\nwords ");
	while (text.len < (2u << 20) + 100)
		strbuf_adds(&text, "0123456789");
	strbuf_adds(&text, "\nwords after\n");
	assert_int_equal(fixture_read(&f, text.ptr), -1);
	assert_int_equal(diag_count(f.diag, DIAG_ERROR), 1);
	assert_non_null(strstr(fixture_messages(&f), "longer than 2 MiB"));
	assert_string_equal(f.log.ptr, "global{}\nwords(after)\nend\n");
	strbuf_done(&text);
	fixture_free(&f);
}

static void expansion_counts_for_the_limit(void **state)
{
	struct fixture f;
	struct strbuf text = STRBUF_INIT;
	char value[4096];
	fixture_new(&f);
	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	conf_setenv(f.conf, "BIG", value);
	strbuf_adds(&text, "global\nwords \"");
	for (int i = 0; i < 600; i++)
		strbuf_adds(&text, "$BIG ");
	strbuf_adds(&text, "\"\n");
	assert_int_equal(fixture_read(&f, text.ptr), -1);
	assert_non_null(strstr(fixture_messages(&f), "longer than 2 MiB"));
	strbuf_done(&text);
	fixture_free(&f);
}

/* A text cut anywhere must be read or refused, never run beyond its end. */
static void a_text_may_end_at_any_byte(void **state)
{
	static const char whole[] =
	    "global\n words a\\x41 \"${V-d}$V${V[*]}\\n\" 'q' \\\n b # c\r\n";
	for (size_t len = 0; len < sizeof(whole); len++) {
		struct fixture f;
		char *exact = malloc(len ? len : 1); /* so that the sanitizer sees the end */
		assert_non_null(exact);
		memcpy(exact, whole, len);
		fixture_new(&f);
		conf_add_text(f.conf, "t", slice_make(exact, len));
		int r = conf_read(f.conf);
		assert_int_equal(r<0, diag_count(f.diag, DIAG_ERROR)> 0);
		fixture_free(&f);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_cut_at_unprotected_blanks_and_comments),
		cmocka_unit_test(quotes_protect_and_join),
		cmocka_unit_test(escapes_have_the_documented_meaning),
		cmocka_unit_test(a_backslash_without_meaning_stays),
		cmocka_unit_test(a_backslash_before_the_line_feed_continues_the_line),
		cmocka_unit_test(variables_expand_inside_weak_quotes_only),
		cmocka_unit_test(the_star_expands_to_several_words),
		cmocka_unit_test(pseudo_variables_tell_the_place),
		cmocka_unit_test(errors_point_at_their_byte),
		cmocka_unit_test(a_nul_byte_is_an_error_wherever_it_stands),
		cmocka_unit_test(a_line_may_have_many_words_and_bytes),
		cmocka_unit_test(a_line_above_the_limit_is_one_error),
		cmocka_unit_test(expansion_counts_for_the_limit),
		cmocka_unit_test(a_text_may_end_at_any_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
