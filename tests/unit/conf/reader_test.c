/* SPDX-License-Identifier: MIT */
/* Unit tests of the reader: sections, keywords, their checks and suggestions, files and the environment. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect(const char *text, const char *log, const char *messages)
{
	struct fixture f;
	fixture_new(&f);
	int r = fixture_read(&f, text);
	assert_string_equal(fixture_messages(&f), messages);
	if (log)
		assert_string_equal(strbuf_str(&f.log), log);
	assert_int_equal(r, diag_count(f.diag, DIAG_ERROR) ? -1 : 0);
	fixture_free(&f);
}

/* One line of section "frontend": the message behind the file name, or "" for none. */
static void expect_line(const char *line, const char *message)
{
	struct strbuf text = STRBUF_INIT;
	struct strbuf want = STRBUF_INIT;
	strbuf_addf(&text, "frontend f\n  %s\n", line);
	if (*message)
		strbuf_addf(&want, "[ALERT]    (pid) : config : [t:2:%s\n", message);
	expect(text.ptr, NULL, strbuf_str(&want));
	strbuf_done(&text);
	strbuf_done(&want);
}

static void sections_open_and_close_around_their_lines(void **state)
{
	expect("global#this is the global section\n daemon#daemonize\n\n\tfrontend   foo\n maxconn "
	       " 5\n"
	       "backend b\nglobal\n",
	    "global{}\ndaemon()\nend\nfrontend{foo}\nmaxconn(5)\nend\nbackend{b}\nend\nglobal{}"
	    "\nend\n",
	    "");
	expect("", "", "");
	expect("# nothing\n\n \t\n", "", "");
}

static void keywords_of_two_words_are_found(void **state)
{
	expect("frontend f\n option httplog clf\n timeout client 5s\n http-request deny if x\n",
	    "frontend{f}\noption httplog(clf)\ntimeout client(5s)\nhttp-request(deny|if|x)\nend\n",
	    "");
}

static void no_and_default_reach_the_setter(void **state)
{
	expect("frontend f\n no option httplog\n default option httplog\n",
	    "frontend{f}\nno option httplog()\ndefault option httplog()\nend\n", "");
	expect_line("no maxconn 5", "3] : 'no' cannot stand in front of 'maxconn'");
	expect_line("no", "3] : unknown keyword 'no' in 'frontend' section");
	expect_line("no foo", "6] : unknown keyword 'foo' in 'frontend' section");
}

static void arguments_are_counted(void **state)
{
	expect_line("maxconn", "3] : 'maxconn' expects <number>");
	expect_line("maxconn 1 2", "13] : 'maxconn' cannot handle unexpected argument '2'");
	expect_line("timeout client", "11] : 'timeout client' expects <timeout>");
	expect_line(
	    "option httplog clf x", "22] : 'option httplog' cannot handle unexpected argument 'x'");
}

static void unknown_keywords_suggest_the_nearest(void **state)
{
	expect_line("maxcon 5",
	    "3] : unknown keyword 'maxcon' in 'frontend' section; did you mean 'maxconn' ?");
	expect_line("option htpplog",
	    "3] : unknown keyword 'option htpplog' in 'frontend' section; did you mean 'option "
	    "httplog' ?");
	expect_line("timout client 5s",
	    "3] : unknown keyword 'timout' in 'frontend' section; did you mean 'timeout client' ?");
	expect_line("xyzzy", "3] : unknown keyword 'xyzzy' in 'frontend' section");
	expect_line("timeout nothing 3",
	    "3] : unknown keyword 'timeout nothing' in 'frontend' section; 'timeout' may be "
	    "followed by 'client'");
	expect_line("timeout",
	    "3] : unknown keyword 'timeout' in 'frontend' section; 'timeout' may be followed by "
	    "'client'");
}

static void a_keyword_of_other_sections_says_which(void **state)
{
	expect_line("server s 127.0.0.1:80",
	    "3] : keyword 'server' is not permitted in 'frontend' section, only in 'backend'");
	expect_line("timeout server 3s",
	    "3] : keyword 'timeout server' is not permitted in 'frontend' section, only in "
	    "'defaults' and 'backend'");
	expect_line("daemon",
	    "3] : keyword 'daemon' is not permitted in 'frontend' section, only in 'global'");
}

static void an_unknown_section_is_one_error(void **state)
{
	expect("fronted web\n bind :80\n foo\nbackend b\n maxconn 1\n",
	    "backend{b}\nmaxconn(1)\nend\n",
	    "[ALERT]    (pid) : config : [t:1:1] : unknown keyword 'fronted' out of section; did "
	    "you "
	    "mean 'frontend' ?\n");
	expect("global\n daemon\nfronted web\n bind :80\n foo\nbackend b\n",
	    "global{}\ndaemon()\nend\nbackend{b}\nend\n",
	    "[ALERT]    (pid) : config : [t:3:1] : unknown section 'fronted'; did you mean "
	    "'frontend' "
	    "?\n");
	expect(" maxconn 1\n maxconn 2\n", "",
	    "[ALERT]    (pid) : config : [t:1:2] : unknown keyword 'maxconn' out of section\n");
}

static void a_section_not_supported_is_one_error(void **state)
{
	expect("peers p\n peer a 1.2.3.4:5\n foo\nglobal\n", "global{}\nend\n",
	    "[ALERT]    (pid) : config : [t:1:1] : section 'peers' is not supported by this "
	    "version "
	    "of weir\n");
}

static void a_refused_section_still_has_its_keywords_checked(void **state)
{
	expect("frontend refused\n maxconn 1\n maxcon 2\n maxconn\nbackend b\n",
	    "backend{b}\nend\n",
	    "[ALERT]    (pid) : config : [t:1:10] : refused\n"
	    "[ALERT]    (pid) : config : [t:3:2] : unknown keyword 'maxcon' in 'frontend' section; "
	    "did "
	    "you mean 'maxconn' ?\n"
	    "[ALERT]    (pid) : config : [t:4:2] : 'maxconn' expects <number>\n");
}

static void flags_of_rows_are_told(void **state)
{
	expect_line(
	    "stick-table type ip", "3] : 'stick-table' is not supported by this version of weir");
	expect_line("shards 2", "3] : 'shards' is experimental and needs "
				"'expose-experimental-directives' in the 'global' section");
	expect("global\n expose-experimental-directives\nfrontend f\n shards 2\n",
	    "global{}\nend\nfrontend{f}\nshards(2)\nend\n", "");
	expect("frontend f\n clitimeout 5s\n", "frontend{f}\nclitimeout(5s)\nend\n",
	    "[WARNING]  (pid) : config : [t:2:2] : 'clitimeout' is deprecated: use 'timeout "
	    "client'\n");
	expect("global\n nbproc 2\n", "global{}\nend\n",
	    "[NOTICE]   (pid) : config : [t:2:2] : 'nbproc' has no effect: weir is one process "
	    "with "
	    "threads\n");
}

static void errors_of_continued_lines_name_the_line_of_the_word(void **state)
{
	expect("frontend f\n maxconn \\\n 1 \\\n   extra\n", NULL,
	    "[ALERT]    (pid) : config : [t:4:4] : 'maxconn' cannot handle unexpected argument "
	    "'extra'\n");
}

static void all_errors_are_told_in_one_run(void **state)
{
	struct fixture f;
	fixture_new(&f);
	conf_add_text(f.conf, "one", SLICE("global\n foo\n bar\n"));
	conf_add_text(f.conf, "two", SLICE("frontend f\n \"x\n maxconn\n"));
	assert_int_equal(conf_read(f.conf), -1);
	assert_int_equal(diag_count(f.diag, DIAG_ERROR), 4);
	fixture_free(&f);
}

static void a_flood_of_errors_ends(void **state)
{
	struct fixture f;
	struct strbuf text = STRBUF_INIT;
	fixture_new(&f);
	strbuf_adds(&text, "global\n");
	for (int i = 0; i < 5000; i++)
		strbuf_adds(&text, " foo\n");
	assert_int_equal(fixture_read(&f, text.ptr), -1);
	assert_int_equal(diag_count(f.diag, DIAG_ERROR), 1001);
	strbuf_done(&text);
	fixture_free(&f);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	expect_line("\"\\x1b[2J\"", "3] : unknown keyword '?[2J' in 'frontend' section");
}

static void each_file_begins_and_ends_its_own_sections(void **state)
{
	struct fixture f;
	fixture_new(&f);
	conf_add_text(f.conf, "one", SLICE("global\n daemon"));
	conf_add_text(f.conf, "two", SLICE("maxconn 1\n"));
	assert_int_equal(conf_read(f.conf), -1);
	assert_string_equal(f.log.ptr, "global{}\ndaemon()\nend\n");
	assert_string_equal(fixture_messages(&f),
	    "[ALERT]    (pid) : config : [two:1:1] : unknown keyword 'maxconn' out of section\n");
	fixture_free(&f);
}

/* ---- files ---- */

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void remove_tree(const char *dir, const char *const *names)
{
	char path[256];
	for (; *names; names++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *names);
		assert_int_equal(remove(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void a_directory_gives_its_cfg_files_in_order(void **state)
{
	static const char *const names[] = { "a.cfg", "B.cfg", ".c.cfg", "d.txt", "e.cfg", NULL };
	char dir[] = "/tmp/weir-conf-XXXXXX";
	char sub[64];
	struct fixture f;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "a.cfg", "frontend a\n");
	write_file(dir, "B.cfg", "frontend b\n");
	write_file(dir, ".c.cfg", "frontend hidden\n");
	write_file(dir, "d.txt", "frontend other\n");
	snprintf(sub, sizeof(sub), "%s/e.cfg", dir);
	assert_int_equal(mkdir(sub, 0700), 0);

	fixture_new(&f);
	assert_int_equal(conf_add_path(f.conf, dir), 0);
	assert_int_equal(conf_read(f.conf), 0);
	assert_string_equal(f.log.ptr, "frontend{b}\nend\nfrontend{a}\nend\n");
	fixture_free(&f);
	remove_tree(dir, names);
}

static void a_file_without_its_last_line_feed_is_refused(void **state)
{
	static const char *const names[] = { "cut.cfg", NULL };
	char dir[] = "/tmp/weir-conf-XXXXXX";
	char path[64];
	struct fixture f;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "cut.cfg", "global\n daemon");
	snprintf(path, sizeof(path), "%s/cut.cfg", dir);

	fixture_new(&f);
	assert_int_equal(conf_add_path(f.conf, path), 0);
	assert_int_equal(conf_read(f.conf), -1);
	assert_non_null(strstr(fixture_messages(&f),
	    "cut.cfg:2:8] : missing LF on last line, file might have been truncated\n"));
	fixture_free(&f);
	remove_tree(dir, names);
}

static void a_path_that_is_not_there_is_told(void **state)
{
	struct fixture f;
	fixture_new(&f);
	assert_true(conf_add_path(f.conf, "/nonexistent/weir.cfg") < 0);
	assert_int_equal(conf_read(f.conf), -1);
	assert_string_equal(fixture_messages(&f),
	    "[ALERT]    (pid) : config : [/nonexistent/weir.cfg] : cannot open the configuration "
	    "file "
	    "or directory: No such file or directory\n");
	fixture_free(&f);
}

static void a_dash_reads_standard_input(void **state)
{
	struct fixture f;
	static const char text[] = "global\n daemon\n foo\n";
	int ends[2];
	int saved = dup(STDIN_FILENO);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
	close(ends[1]);
	assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
	close(ends[0]);

	fixture_new(&f);
	assert_int_equal(conf_add_path(f.conf, "-"), 0);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
	assert_int_equal(conf_read(f.conf), -1);
	assert_string_equal(fixture_messages(&f),
	    ALERT "[<stdin>:3:2] : unknown keyword 'foo' in 'global' section\n");
	assert_string_equal(f.log.ptr, "global{}\ndaemon()\nend\n");
	fixture_free(&f);
}

/* ---- environment, dump ---- */

static void the_environment_changes_for_later_lines_only(void **state)
{
	setenv("WEIR_TEST_OUTSIDE", "kept", 1);
	expect(
	    "global\n words \"${A-none}\"\n setenv A one\n words \"$A\"\n presetenv A two\n"
	    " presetenv B three\n words \"$A$B\"\n setenv A \"${A}1\"\n words \"$A\"\n unsetenv A\n"
	    " words \"${A-gone}\" \"$WEIR_TEST_OUTSIDE\"\n resetenv B NOT_SET\n"
	    " words \"$B${WEIR_TEST_OUTSIDE-dropped}\"\n",
	    "global{}\nwords(none)\nwords(one)\nwords(onethree)\nwords(one1)\nwords(gone|kept)\n"
	    "words(threedropped)\nend\n",
	    "");
	assert_string_equal(getenv("WEIR_TEST_OUTSIDE"), "kept");
	assert_null(getenv("A"));
}

static void the_environment_can_be_handed_on(void **state)
{
	struct fixture f;
	fixture_new(&f);
	conf_resetenv(f.conf, NULL, 0);
	assert_int_equal(conf_setenv(f.conf, "A", "1"), 0);
	assert_int_equal(conf_setenv(f.conf, "B", "x=y"), 0);
	assert_int_equal(conf_setenv(f.conf, "A", "2"), 0);
	assert_true(conf_setenv(f.conf, "A=B", "2") < 0);
	assert_true(conf_setenv(f.conf, "", "2") < 0);
	char **list = conf_environ(f.conf, &f.arena);
	assert_string_equal(list[0], "B=x=y");
	assert_string_equal(list[1], "A=2");
	assert_null(list[2]);
	fixture_free(&f);
}

static char *dump(struct fixture *f)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	assert_int_equal(conf_dump(f->conf, out), 0);
	fclose(out);
	return text;
}

static void a_dump_reads_back_as_the_same_words(void **state)
{
	struct fixture f, again;
	fixture_new(&f);
	conf_setenv(f.conf, "V", "it's \"v\" $x");
	fixture_read(&f,
	    "global # comment\n.if 1\n words \"$V\" 'a b' \\n \"\" '#' \\\\ plain\n.else\n"
	    " daemon\n.endif\nfrontend f\n  maxconn   3\n");
	char *first = dump(&f);
	assert_string_equal(first,
	    "global\n"
	    "\twords \"it's \\\"v\\\" \\$x\" 'a b' \"\\x0a\" '' '#' '\\' plain\n"
	    "\nfrontend f\n\tmaxconn 3\n");
	fixture_new(&again);
	assert_int_equal(fixture_read(&again, first), 0);
	assert_string_equal(again.log.ptr, f.log.ptr);
	free(first);
	fixture_free(&f);
	fixture_free(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_open_and_close_around_their_lines),
		cmocka_unit_test(keywords_of_two_words_are_found),
		cmocka_unit_test(no_and_default_reach_the_setter),
		cmocka_unit_test(arguments_are_counted),
		cmocka_unit_test(unknown_keywords_suggest_the_nearest),
		cmocka_unit_test(a_keyword_of_other_sections_says_which),
		cmocka_unit_test(an_unknown_section_is_one_error),
		cmocka_unit_test(a_section_not_supported_is_one_error),
		cmocka_unit_test(a_refused_section_still_has_its_keywords_checked),
		cmocka_unit_test(flags_of_rows_are_told),
		cmocka_unit_test(errors_of_continued_lines_name_the_line_of_the_word),
		cmocka_unit_test(all_errors_are_told_in_one_run),
		cmocka_unit_test(a_flood_of_errors_ends),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(each_file_begins_and_ends_its_own_sections),
		cmocka_unit_test(a_directory_gives_its_cfg_files_in_order),
		cmocka_unit_test(a_file_without_its_last_line_feed_is_refused),
		cmocka_unit_test(a_path_that_is_not_there_is_told),
		cmocka_unit_test(a_dash_reads_standard_input),
		cmocka_unit_test(the_environment_changes_for_later_lines_only),
		cmocka_unit_test(the_environment_can_be_handed_on),
		cmocka_unit_test(a_dump_reads_back_as_the_same_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
