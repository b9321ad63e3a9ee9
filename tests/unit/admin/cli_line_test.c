/* SPDX-License-Identifier: MIT */
/* Unit tests of the admin socket's grammar: lines and payloads at every split point, commands, words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/admin/cli_line.h"

struct want {
	const char *input;
	const char *line;
	const char *payload; /* NULL: none */
	size_t rest;	     /* bytes behind it */
};

static const struct want wants[] = {
	{ "show info\n", "show info", NULL, 0 },
	{ "\n", "", NULL, 0 },
	{ "show info\r\nquit\n", "show info", NULL, 5 },
	{ "add map #1 <<\na b\nc d\n\nquit\n", "add map #1 ", "a b\nc d\n", 5 },
	{ "add map #1 <<  \na b\n\n", "add map #1 ", "a b\n", 0 },
	{ "add map #1 <<\r\na b\r\n\r\nx", "add map #1 ", "a b\r\n", 1 },
	{ "add map #1 <<\n\n", "add map #1 ", "", 0 },
	{ "set x <<%EOF%\none\n\n%EOF\n%EOF%\n", "set x ", "one\n\n%EOF\n", 0 },
	{ "<<\nx\n\n", "", "x\n", 0 },
	{ "set x<<\nx\n", "set x<<", NULL, 2 },
	{ "set << x\nx\n", "set << x", NULL, 2 },
	{ "set x <\n", "set x <", NULL, 0 },
};

static void check(const struct want *want, const struct cli_scan *s)
{
	size_t len = strlen(want->input);
	assert_int_equal(s->used, len - want->rest);
	assert_true(slice_eq(slice_make(want->input, s->line_len), slice_str(want->line)));
	assert_int_equal(s->in_payload, want->payload != NULL);
	if (want->payload)
		assert_true(slice_eq(slice_make(want->input + s->payload_at, s->payload_len),
		    slice_str(want->payload)));
}

static void line_and_payload_are_found_at_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		size_t len = strlen(wants[i].input), whole = len - wants[i].rest;
		for (size_t a = 0; a <= len; a++) {
			for (size_t b = a; b <= len; b++) {
				struct cli_scan s = { .at = 0 };
				bool done = cli_scan(&s, wants[i].input, a);
				assert_int_equal(done, a >= whole);
				if (!done) {
					done = cli_scan(&s, wants[i].input, b);
					assert_int_equal(done, b >= whole);
				}
				if (!done)
					assert_true(cli_scan(&s, wants[i].input, len));
				check(&wants[i], &s);
			}
		}
	}
}

static void pattern_longer_than_64_bytes_is_no_payload(void **state)
{
	char line[128] = "set x <<";
	struct cli_scan s = { .at = 0 };
	(void)state;
	memset(line + 8, 'e', 64);
	line[72] = '\n';
	assert_false(cli_scan(&s, line, 73));
	assert_true(s.in_payload);
	s = (struct cli_scan){ .at = 0 };
	line[72] = 'e';
	line[73] = '\n';
	assert_true(cli_scan(&s, line, 74));
	assert_false(s.in_payload);
}

static void semicolons_separate_commands_unless_escaped(void **state)
{
	static const char *const want[] = { "a b", " c\\;d ", "", "e\\\\", "f\\" };
	struct slice line = SLICE("a b; c\\;d ;;e\\\\;f\\"), command;
	size_t pos = 0, n = 0;
	(void)state;
	while (cli_next_command(line, &pos, &command)) {
		assert_true(n < ARRAY_SIZE(want));
		assert_true(slice_eq(command, slice_str(want[n])));
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(want));
}

static void empty_line_is_one_empty_command(void **state)
{
	struct slice command;
	size_t pos = 0;
	(void)state;
	assert_true(cli_next_command(SLICE(""), &pos, &command));
	assert_int_equal(command.len, 0);
	assert_false(cli_next_command(SLICE(""), &pos, &command));
}

static void words_are_split_and_backslashes_taken_off(void **state)
{
	static const char input[] = "  set\tvar a\\ b \\\\ c\\;d \\";
	char text[sizeof(input)];
	char *argv[sizeof(input)];
	(void)state;
	assert_int_equal(cli_split(SLICE("  set\tvar a\\ b \\\\ c\\;d \\"), text, argv), 6);
	assert_string_equal(argv[0], "set");
	assert_string_equal(argv[1], "var");
	assert_string_equal(argv[2], "a b");
	assert_string_equal(argv[3], "\\");
	assert_string_equal(argv[4], "c;d");
	assert_string_equal(argv[5], "");
	assert_int_equal(cli_split(SLICE(" \t "), text, argv), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_and_payload_are_found_at_every_split),
		cmocka_unit_test(pattern_longer_than_64_bytes_is_no_payload),
		cmocka_unit_test(semicolons_separate_commands_unless_escaped),
		cmocka_unit_test(empty_line_is_one_empty_command),
		cmocka_unit_test(words_are_split_and_backslashes_taken_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
