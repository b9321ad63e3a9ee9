/* SPDX-License-Identifier: MIT */
/*
 * The configuration files of tests/conf: those in good/ are read without an error, those in bad/ with exactly
 * the messages that comments in them ask for. "#! text" at the end of a line: an error of that line contains
 * the text; "#? text": a warning does. A line without marks has no message. Run from the top of the repository.
 */
#include "conf_fixture.h"

#include <dirent.h>

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	struct strbuf text = STRBUF_INIT;
	char part[4096];
	size_t n;
	while ((n = fread(part, 1, sizeof(part), in)) > 0)
		strbuf_add(&text, part, n);
	fclose(in);
	assert_false(text.failed);
	return text.ptr ? text.ptr : strdup("");
}

/* The messages of one line: those of that level are joined, so that a mark may be found in any of them. */
static void messages_of(
    const struct fixture *f, const char *file, unsigned line, const char *level, struct strbuf *out)
{
	char place[256];
	int len = snprintf(place, sizeof(place), "[%s:%u", file, line);
	struct slice rest = slice_make(f->messages, f->messages_len);
	while (rest.ptr) {
		struct slice m = slice_cut(&rest, '\n');
		size_t at = slice_search(m, slice_make(place, (size_t)len));
		if (at >= m.len || ascii_is_digit(m.ptr[at + (size_t)len]))
			continue;
		if (slice_has_prefix(m, slice_str(level))) {
			strbuf_addslice(out, m);
			strbuf_addc(out, '\n');
		}
	}
}

/* The text behind the mark, or the null slice. */
static struct slice mark_of(struct slice line, const char *mark)
{
	size_t at = slice_search(line, slice_str(mark));
	if (at >= line.len)
		return SLICE_NULL;
	struct slice text = slice_sub(line, at + strlen(mark), line.len);
	size_t other = slice_search(text, SLICE(" #"));
	return slice_trim_ows(other < text.len ? slice_sub(text, 0, other) : text);
}

static unsigned check_mark(const struct fixture *f, const char *file, unsigned no,
    struct slice line, const char *mark, const char *level)
{
	struct slice want = mark_of(line, mark);
	struct strbuf got = STRBUF_INIT;
	unsigned failed = 0;
	messages_of(f, file, no, level, &got);
	if (!want.ptr && got.len) {
		print_error("%s:%u: unexpected: %s", file, no, got.ptr);
		failed = 1;
	} else if (want.ptr && slice_search(strbuf_slice(&got), want) > got.len) {
		print_error("%s:%u: wanted %s '%.*s', got: %s\n", file, no, level, SLICE_ARG(want),
		    strbuf_str(&got));
		failed = 1;
	}
	strbuf_done(&got);
	return failed;
}

/* Errors that were asked for are counted in *marks. */
static unsigned check_file(const char *dir, const char *name, unsigned *marks)
{
	char path[512];
	struct fixture f;
	unsigned failed = 0, no = 0;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	char *text = read_file(path);
	fixture_read(&f, name, slice_str(text));
	struct slice rest = slice_str(text);
	bool wants_error = false;
	while (rest.ptr) {
		struct slice line = slice_cut(&rest, '\n');
		no++;
		bool error = mark_of(line, "#! ").ptr;
		*marks += error;
		wants_error |= error;
		failed += check_mark(&f, name, no, line, "#! ", "[ALERT]");
		failed += check_mark(&f, name, no, line, "#? ", "[WARNING]");
	}
	if (f.result != (wants_error ? -1 : 0)) {
		print_error("%s: result %d\n%s", path, f.result, f.messages);
		failed++;
	}
	fixture_done(&f);
	free(text);
	return failed;
}

static unsigned check_dir(const char *dir, unsigned *files, unsigned *marks)
{
	unsigned failed = 0;
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));) {
		if (!slice_has_suffix(slice_str(e->d_name), SLICE(".cfg")))
			continue;
		++*files;
		failed += check_file(dir, e->d_name, marks);
	}
	closedir(d);
	return failed;
}

static void good_files_are_read_without_an_error(void **state)
{
	unsigned files = 0, marks = 0;
	assert_int_equal(check_dir("tests/conf/good", &files, &marks), 0);
	assert_true(files > 0);
	assert_int_equal(marks, 0);
}

static void bad_files_give_the_messages_they_ask_for(void **state)
{
	unsigned files = 0, marks = 0;
	assert_int_equal(check_dir("tests/conf/bad", &files, &marks), 0);
	assert_true(files > 0);
	assert_true(marks >= 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_files_are_read_without_an_error),
		cmocka_unit_test(bad_files_give_the_messages_they_ask_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
