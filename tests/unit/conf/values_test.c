/* SPDX-License-Identifier: MIT */
/* Unit tests of typed values, of options inside a line, of the nearest word and of messages. */
#include "fixture.h"

#include <errno.h>

/* A line with one word, as a setter gets it. */
static struct conf_line line_of(const char *const *argv, const unsigned *cols, int argc)
{
	return (struct conf_line){
		.pos = { .file = "t", .line = 7, .col = 1 },
		.argc = argc,
		.argv = (char **)(uintptr_t)argv,
		.cols = cols,
	};
}

static void times_have_units_and_a_default(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t us;
	} samples[] = {
		{ "0", 0, 0 },
		{ "10", 0, 10000 },
		{ "10us", 0, 10 },
		{ "10ms", 0, 10000 },
		{ "10s", 0, 10000000 },
		{ "2m", 0, 120000000 },
		{ "1h", 0, 3600000000ULL },
		{ "1d", 0, 86400000000ULL },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "1.5s", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "1ss", -EINVAL, 0 },
		{ "1w", -EINVAL, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073709551615d", -ERANGE, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		uint64_t us = 0;
		assert_int_equal(conf_parse_time_us(samples[i].text, 1000, &us), samples[i].r);
		assert_int_equal(us, samples[i].us);
	}
}

static void sizes_have_units_of_either_case(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t size;
	} samples[] = {
		{ "0", 0, 0 },
		{ "17", 0, 17 },
		{ "16k", 0, 16384 },
		{ "16K", 0, 16384 },
		{ "1m", 0, 1048576 },
		{ "2G", 0, 2147483648ULL },
		{ "", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "1kb", -EINVAL, 0 },
		{ "1.5k", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "18446744073709551615k", -ERANGE, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		uint64_t size = 0;
		assert_int_equal(conf_parse_size(samples[i].text, &size), samples[i].r);
		assert_int_equal(size, samples[i].size);
	}
}

static void integers_are_decimal_and_whole(void **state)
{
	int64_t v = 0;
	assert_int_equal(conf_parse_int("-9223372036854775808", &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(conf_parse_int("9223372036854775807", &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(conf_parse_int("9223372036854775808", &v), -ERANGE);
	assert_int_equal(conf_parse_int("-9223372036854775809", &v), -ERANGE);
	assert_int_equal(conf_parse_int("1x", &v), -EINVAL);
	assert_int_equal(conf_parse_int("--1", &v), -EINVAL);
	assert_int_equal(conf_parse_int("", &v), -EINVAL);
	assert_int_equal(conf_parse_int("+5", &v), 0);
	assert_int_equal(v, 5);
}

static void values_of_a_line_tell_their_errors(void **state)
{
	struct fixture f;
	static const char *const argv[] = { "key", "3000000000", "abc", "1b!", "offf", "leastcon",
		"", "" };
	static const unsigned cols[] = { 1, 5, 16, 20, 24, 29 };
	static const char *const balance[] = { "roundrobin", "leastconn", NULL };
	struct conf_line line = line_of(argv, cols, 6);
	unsigned ms = 1;
	uint64_t size = 1;
	int64_t number = 1;
	bool on = true;
	int choice = 1;
	const char *name = NULL;

	fixture_new(&f);
	assert_int_equal(conf_time_ms(f.conf, &line, 1, &ms), -1);
	assert_int_equal(conf_size(f.conf, &line, 1, 0, 100, &size), -1);
	assert_int_equal(conf_int(f.conf, &line, 2, 0, 100, &number), -1);
	assert_int_equal(conf_name(f.conf, &line, 3, &name), -1);
	assert_int_equal(conf_on_off(f.conf, &line, 4, &on), -1);
	assert_int_equal(conf_enum(f.conf, &line, 5, balance, &choice), -1);
	assert_int_equal(conf_int(f.conf, &line, 6, 0, 100, &number), -1);
	assert_true(ms == 1 && size == 1 && number == 1 && on && choice == 1 && !name);
	assert_string_equal(fixture_messages(&f),
	    ALERT
	    "[t:7:5] : 'key': '3000000000' is not between 0 and 2147483647ms\n" //
	    ALERT "[t:7:5] : 'key': '3000000000' is not between 0 and 100 bytes\n" ALERT
	    "[t:7:16] : 'abc' is not an integer\n" ALERT
	    "[t:7:20] : character '!' is not permitted in the name '1b!': only letters, digits "
	    "and '-_.:'\n" ALERT "[t:7:24] : 'on' or 'off' expected, not 'offf'\n" ALERT
	    "[t:7:29] : 'roundrobin' or 'leastconn' expected, not 'leastcon'; did you mean "
	    "'leastconn' ?\n" ALERT "[t:7:29] : an integer expected behind 'leastcon'\n");
	fixture_free(&f);
}

static void values_of_a_line_are_read(void **state)
{
	struct fixture f;
	static const char *const argv[] = { "5s", "100us", "2k", "-7", "on", "b", "web-1.a:b_C",
		"" };
	static const unsigned cols[] = { 1, 2, 3, 4, 5, 6, 7 };
	static const char *const letters[] = { "a", "b", NULL };
	struct conf_line line = line_of(argv, cols, 7);
	unsigned ms;
	uint64_t size;
	int64_t number;
	bool on;
	int choice;
	const char *name;

	fixture_new(&f);
	assert_int_equal(conf_time_ms(f.conf, &line, 0, &ms), 0);
	assert_int_equal(ms, 5000);
	assert_int_equal(conf_time_ms(f.conf, &line, 1, &ms), 0);
	assert_int_equal(ms, 1); /* never down to none */
	assert_int_equal(conf_size(f.conf, &line, 2, 0, 4096, &size), 0);
	assert_int_equal(size, 2048);
	assert_int_equal(conf_int(f.conf, &line, 3, -10, 10, &number), 0);
	assert_int_equal(number, -7);
	assert_int_equal(conf_on_off(f.conf, &line, 4, &on), 0);
	assert_true(on);
	assert_int_equal(conf_enum(f.conf, &line, 5, letters, &choice), 0);
	assert_int_equal(choice, 1);
	assert_int_equal(conf_name(f.conf, &line, 6, &name), 0);
	assert_string_equal(name, "web-1.a:b_C");
	assert_ptr_not_equal(name, argv[6]);
	assert_string_equal(fixture_messages(&f), "");
	fixture_free(&f);
}

/* ---- options ---- */

static int option_record(const struct conf_option_call *call)
{
	struct strbuf *log = call->object;
	strbuf_addf(log, "%s%s", call->negated ? "no-" : "", call->row->name);
	for (int i = 0; i < call->row->args && !call->negated; i++)
		strbuf_addf(log, "=%s", call->line->argv[call->arg + i]);
	strbuf_adds(log, ";");
	return 0;
}

/* Takes all words up to "end", and that one. */
static int option_until_end(const struct conf_option_call *call)
{
	int taken = 0;
	while (call->arg + taken < call->line->argc) {
		if (strcmp(call->line->argv[call->arg + taken++], "end") == 0) {
			strbuf_addf(call->object, "list%d;", taken);
			return taken;
		}
	}
	conf_error(call->conf, call->line, call->arg, "no end");
	return -1;
}

static int option_refuse(const struct conf_option_call *call)
{
	conf_error(call->conf, call->line, call->arg, "refused");
	return -1;
}

static const struct conf_option options_one[] = {
	{ "check", 0, option_record, 0, "", "", CONF_MAY_NEGATE },
	{ "inter", 1, option_record, 0, "<delay>", "", 0 },
	{ "list", -1, option_until_end, 0, "", "", 0 },
	{ .name = NULL },
};
static const struct conf_option options_two[] = {
	{ "weight", 1, option_record, 0, "<weight>", "", 0 },
	{ "bad", 1, option_refuse, 0, "<x>", "", 0 },
	{ "no-tls", 0, option_record, 0, "", "", 0 },
	{ "agent", 1, NULL, 0, "<x>", "", CONF_NOT_YET },
	{ "tfo", 0, NULL, (uintptr_t) "always on", "", "", CONF_NO_EFFECT },
	{ .name = NULL },
};
static const struct conf_option *const option_tables[] = { options_one, options_two, NULL };

static int read_options(const struct conf_call *call)
{
	return conf_options(
	    call->conf, call->line, call->arg + 1, option_tables, fixture_log(call->conf));
}

/* Reads "server <text>" with a fixture whose "server" takes options. */
static void expect_options(const char *text, const char *log, const char *messages)
{
	static const struct conf_keyword rows[] = {
		{ "server", CONF_BACKEND, 0, 1, -1, read_options, 0, "", "" },
		{ .name = NULL },
	};
	static const struct conf_keyword *const row_tables[] = { rows, NULL };
	static const struct conf_section backend = { "backend", CONF_BACKEND, open_any, NULL,
		row_tables };
	static const struct conf_section *const only[] = { &backend, NULL };
	struct fixture f;
	struct strbuf file = STRBUF_INIT;

	fixture_new(&f);
	conf_free(f.conf);
	const struct conf_setup setup = {
		.sections = only, .diag = f.diag, .arena = &f.arena, .user = &f
	};
	f.conf = conf_new(&setup);
	strbuf_addf(&file, "backend b\nserver s %s\n", text);
	fixture_read(&f, file.ptr);
	assert_string_equal(fixture_messages(&f), messages);
	assert_string_equal(f.log.ptr + strlen("backend{b}\n"), log);
	strbuf_done(&file);
	fixture_free(&f);
}

static void options_are_read_in_any_order(void **state)
{
	expect_options("check inter 2s weight 10", "check;inter=2s;weight=10;", "");
	expect_options("weight 10 check", "weight=10;check;", "");
	expect_options("list a b end check", "list3;check;", "");
	expect_options("list end", "list1;", "");
	expect_options("no-check no-tls", "no-check;no-tls;", "");
	expect_options("", "", "");
}

static void options_tell_their_errors(void **state)
{
	expect_options("check weigth 10", "check;",
	    ALERT "[t:2:16] : unknown option 'weigth' for 'server'; did you mean 'weight' ?\n");
	expect_options("inter", "", ALERT "[t:2:10] : option 'inter' expects <delay>\n");
	expect_options("no-inter 3", "", ALERT "[t:2:10] : option 'inter' has no 'no-' form\n");
	expect_options("no-such", "", ALERT "[t:2:10] : unknown option 'no-such' for 'server'\n");
	expect_options("list a b", "", ALERT "[t:2:15] : no end\n");
	/* an option whose length is known does not stop the ones behind it */
	expect_options("bad 1 agent x check bad 2", "check;",
	    ALERT "[t:2:14] : refused\n" ALERT
		  "[t:2:16] : option 'agent' is not supported by this version of weir\n" ALERT
		  "[t:2:34] : refused\n");
	expect_options("tfo check", "check;",
	    "[NOTICE]   (pid) : config : [t:2:10] : option 'tfo' has no effect: always on\n");
}

/* ---- nearest word, messages, arguments ---- */

static const char *next_name(const void *names, size_t i)
{
	return ((const char *const *)names)[i];
}

static void the_nearest_word_is_found_when_it_is_near(void **state)
{
	static const char *const names[] = { "maxconn", "mode", "timeout client", "log", "id",
		NULL };
	static const struct {
		const char *word;
		const char *nearest;
	} samples[] = {
		{ "maxcon", "maxconn" },
		{ "mxaconn", "maxconn" },
		{ "maxconnn", "maxconn" },
		{ "maxcomn", "maxconn" },
		{ "mod", "mode" },
		{ "logg", "log" },
		{ "timeout cleint", "timeout client" },
		{ "di", "id" },
		{ "xyzzy", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "maximum", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const char *got = conf_nearest(samples[i].word, next_name, names);
		if (!samples[i].nearest)
			assert_null(got);
		else
			assert_string_equal(got, samples[i].nearest);
	}
}

static void messages_are_sorted_by_place(void **state)
{
	struct fixture f;
	fixture_new(&f);
	const char *b = diag_intern(f.diag, "b");
	const char *a = diag_intern(f.diag, "a");
	diag_add(f.diag, DIAG_WARNING, (struct conf_pos){ .file = NULL }, "whole");
	diag_add(f.diag, DIAG_ERROR, (struct conf_pos){ a, 1, 0 }, "second file");
	diag_add(f.diag, DIAG_ERROR, (struct conf_pos){ b, 10, 2 }, "later column");
	diag_add(f.diag, DIAG_ERROR, (struct conf_pos){ b, 10, 1 }, "column");
	diag_add(f.diag, DIAG_NOTICE, (struct conf_pos){ b, 9, 0 }, "earlier %d", 9);
	diag_add(f.diag, DIAG_NOTICE, (struct conf_pos){ b, 0, 0 }, "file");
	assert_string_equal(fixture_messages(&f),
	    "[NOTICE]   (pid) : config : [b] : file\n"
	    "[NOTICE]   (pid) : config : [b:9] : earlier 9\n"
	    "[ALERT]    (pid) : config : [b:10:1] : column\n"
	    "[ALERT]    (pid) : config : [b:10:2] : later column\n"
	    "[ALERT]    (pid) : config : [a:1] : second file\n"
	    "[WARNING]  (pid) : config : whole\n");
	assert_int_equal(diag_count(f.diag, DIAG_ERROR), 3);
	fixture_free(&f);
}

static void a_level_hides_what_is_below(void **state)
{
	char *text = NULL;
	size_t size = 0;
	struct diag *d = diag_new();
	diag_add(d, DIAG_NOTICE, (struct conf_pos){ .file = NULL }, "hidden");
	diag_add(d, DIAG_WARNING, (struct conf_pos){ .file = NULL }, "shown");
	FILE *out = open_memstream(&text, &size);
	diag_print(d, DIAG_WARNING, out);
	fclose(out);
	assert_null(strstr(text, "hidden"));
	assert_non_null(strstr(text, "shown"));
	free(text);
	diag_free(d);
}

static void a_long_message_is_cut(void **state)
{
	struct fixture f;
	char word[10000];
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	fixture_new(&f);
	diag_add(f.diag, DIAG_ERROR, (struct conf_pos){ .file = NULL }, "%s", word);
	assert_true(strlen(fixture_messages(&f)) < 4200);
	fixture_free(&f);
}

static void arguments_in_parentheses_end_at_their_delimiter(void **state)
{
	static const struct {
		const char *text;
		const char *arg;
		int taken;
	} samples[] = {
		{ "a,b)", "a", 1 },
		{ ")", "", 0 },
		{ "", "", 0 },
		{ "\"a,b)\"c,", "a,b)c", 7 },
		{ "'a\\'b)", "a\\b", 5 },
		{ "\\\"a\\\\\\n,", "\"a\\\n", 7 },
		{ "\\d\\x41\\#\\$,", "\\d\\x41\\#\\$", 10 },
		{ "a b ,", "a b ", 4 },
		{ "\"a", NULL, -EINVAL },
		{ "'a", NULL, -EINVAL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct strbuf out = STRBUF_INIT;
		assert_int_equal(conf_parse_arg(samples[i].text, &out), samples[i].taken);
		if (samples[i].arg)
			assert_string_equal(strbuf_str(&out), samples[i].arg);
		strbuf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_have_units_and_a_default),
		cmocka_unit_test(sizes_have_units_of_either_case),
		cmocka_unit_test(integers_are_decimal_and_whole),
		cmocka_unit_test(values_of_a_line_tell_their_errors),
		cmocka_unit_test(values_of_a_line_are_read),
		cmocka_unit_test(options_are_read_in_any_order),
		cmocka_unit_test(options_tell_their_errors),
		cmocka_unit_test(the_nearest_word_is_found_when_it_is_near),
		cmocka_unit_test(messages_are_sorted_by_place),
		cmocka_unit_test(a_level_hides_what_is_below),
		cmocka_unit_test(a_long_message_is_cut),
		cmocka_unit_test(arguments_in_parentheses_end_at_their_delimiter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
