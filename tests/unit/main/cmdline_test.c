/* SPDX-License-Identifier: MIT */
/*
 * The command line as data.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/main/cmdline.h"

static char err[256];

/* Words of a command line, NULL-terminated, behind the program's name. */
static int parse(struct cmdline *a, const char *const *words)
{
	char *argv[32] = { (char *)"weir" };
	int argc = 1;
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	return cmdline_parse(a, argc, argv, err, sizeof(err));
}

#define PARSE(a, ...) parse((a), (const char *const[]){ __VA_ARGS__, NULL })

static void files_come_in_order_of_f_and_double_dash(void **state)
{
	struct cmdline a;
	(void)state;
	assert_int_equal(PARSE(&a, "-f", "one", "-D", "-f", "two", "--", "three", "-f"), 0);
	assert_int_equal(a.paths_n, 4);
	assert_string_equal(a.paths[0], "one");
	assert_string_equal(a.paths[1], "two");
	assert_string_equal(a.paths[2], "three");
	assert_string_equal(a.paths[3], "-f");
	assert_true(a.daemon);
	cmdline_done(&a);
}

static void old_pids_end_at_the_next_option(void **state)
{
	struct cmdline a;
	(void)state;
	assert_int_equal(PARSE(&a, "-sf", "12", "345", "-W", "-f", "x"), 0);
	assert_int_equal(a.old_signal, SIGUSR1);
	assert_int_equal(a.old_pids_n, 2);
	assert_int_equal(a.old_pids[1], 345);
	assert_true(a.master);
	cmdline_done(&a);
}

static void list_of_old_pids_may_be_empty(void **state)
{
	struct cmdline a;
	(void)state;
	assert_int_equal(PARSE(&a, "-f", "x", "-st"), 0);
	assert_int_equal(a.old_signal, SIGTERM);
	assert_int_equal(a.old_pids_n, 0);
	cmdline_done(&a);
}

static void wrong_pids_and_numbers_are_refused(void **state)
{
	static const char *const bad[][3] = { { "-sf", "1x" }, { "-sf", "0" }, { "-n", "0" },
		{ "-n", "-1" }, { "-n", "many" }, { "-m", "99999999999" }, { "-dM300" }, { "-n" },
		{ "-cc" }, { "-dx" }, { "f" }, { "" } };
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cmdline a;
		assert_int_equal(parse(&a, bad[i]), -1);
		assert_true(*err);
		cmdline_done(&a);
	}
}

static void last_of_quiet_and_verbose_counts(void **state)
{
	struct cmdline a;
	(void)state;
	assert_int_equal(PARSE(&a, "-q", "-V"), 0);
	assert_true(a.verbose && !a.quiet);
	cmdline_done(&a);
	assert_int_equal(PARSE(&a, "-V", "-q"), 0);
	assert_true(!a.verbose && a.quiet);
	cmdline_done(&a);
}

static void attached_values_are_told_from_plain_options(void **state)
{
	struct cmdline a;
	(void)state;
	assert_int_equal(PARSE(&a, "-dKcfg,cli", "-dM7", "-dD", "-db"), 0);
	assert_string_equal(a.list_classes, "cfg,cli");
	assert_int_equal(a.poison, 7);
	assert_true(a.diagnostics && a.foreground && !a.debug);
	assert_true(cmdline_stay(&a));
	cmdline_done(&a);
	assert_int_equal(PARSE(&a, "-dM"), 0);
	assert_int_equal(a.poison, 'P');
	cmdline_done(&a);
}

static void options_of_later_features_leave_a_notice(void **state)
{
	struct cmdline a;
	(void)state;
	assert_int_equal(PARSE(&a, "-x", "sock", "-f", "y"), 0);
	assert_non_null(strstr(strbuf_str(&a.notices), "'-x'"));
	assert_int_equal(a.paths_n, 1);
	cmdline_done(&a);
}

static void nothing_at_all_is_an_error_without_text(void **state)
{
	struct cmdline a;
	const char *const none[] = { NULL };
	(void)state;
	assert_int_equal(parse(&a, none), -1);
	assert_string_equal(err, "");
	cmdline_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_in_order_of_f_and_double_dash),
		cmocka_unit_test(old_pids_end_at_the_next_option),
		cmocka_unit_test(list_of_old_pids_may_be_empty),
		cmocka_unit_test(wrong_pids_and_numbers_are_refused),
		cmocka_unit_test(last_of_quiet_and_verbose_counts),
		cmocka_unit_test(attached_values_are_told_from_plain_options),
		cmocka_unit_test(options_of_later_features_leave_a_notice),
		cmocka_unit_test(nothing_at_all_is_an_error_without_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
