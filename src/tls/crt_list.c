/* SPDX-License-Identifier: MIT */
/*
 * crt-lists: a line a certificate, "file [options] filters". Reading goes in three steps, so that certificates load in
 * parallel: all lines to data, all certificates of them, then each line gets its slot. A directory becomes a list of
 * its files.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "crt_list_int.h"
#include "options.h"

/* ---- lines ---- */

struct tls_crt_line *tls_line_new(const char *crt)
{
	struct tls_crt_line *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	arena_init(&l->arena, 256);
	list_init(&l->link);
	list_init(&l->insts);
	l->files.ocsp_update = -1;
	l->crt = arena_strdup(&l->arena, crt);
	if (l->crt)
		return l;
	tls_line_free(l);
	return NULL;
}

void tls_line_free(struct tls_crt_line *l)
{
	if (!l)
		return;
	tls_line_detach(l);
	list_del(&l->link);
	arena_reset(&l->arena);
	free(l);
}

void tls_line_retired(void *line)
{
	tls_line_free(line);
}

void tls_line_attach(struct tls_crt_line *line, struct tls_slot *slot)
{
	tls_slot_hold(slot);
	line->slot = slot;
}

void tls_line_detach(struct tls_crt_line *line)
{
	tls_slot_release(line->slot);
	line->slot = NULL;
}

/* A copy of a line for another file: one key type of a bundle. */
static struct tls_crt_line *line_copy(const struct tls_crt_line *from, const char *crt)
{
	struct tls_crt_line *l = tls_line_new(crt);
	if (!l)
		return NULL;
	l->number = from->number;
	l->has_positive = from->has_positive;
	l->is_default = from->is_default;
	const char **filters = arena_array(&l->arena, const char *, from->filters_n + 1);
	bool ok = filters && tls_options_copy(&l->opt, &from->opt, &l->arena) == 0;
	for (unsigned i = 0; ok && i < from->filters_n; i++) {
		filters[i] = arena_strdup(&l->arena, from->filters[i]);
		ok = filters[i];
	}
	l->filters = filters;
	l->filters_n = from->filters_n;
	if (ok)
		return l;
	tls_line_free(l);
	return NULL;
}

/* ---- one line of text ---- */

struct line_reading {
	struct tls_crt_line *line;
	struct slice rest;
	char *err;
	size_t err_size;
};

#define WORD_END " \t\r\n"

/* The next word; brackets are words of their own where they open or close the options. */
static struct slice next_word(struct slice *rest, bool in_options)
{
	size_t at = 0;
	while (at < rest->len && strchr(WORD_END, rest->ptr[at]))
		at++;
	size_t end = at;
	if (end < rest->len && (rest->ptr[end] == '[' || (in_options && rest->ptr[end] == ']')))
		end++;
	else
		while (end < rest->len && !strchr(WORD_END, rest->ptr[end]) &&
		       !(in_options && rest->ptr[end] == ']'))
			end++;
	struct slice word = slice_sub(*rest, at, end - at);
	*rest = slice_sub(*rest, end, rest->len);
	return word;
}

/* before and behind: what stands around the word */
static int line_error(
    struct line_reading *r, const char *before, struct slice word, const char *behind)
{
	snprintf(r->err, r->err_size, "%s'%.*s'%s", before, SLICE_ARG(word), behind);
	return -EINVAL;
}

/* Words of "load" in a crt-store that lines may have. */
static int set_file(struct tls_load *f, struct slice word, const char *value)
{
	static const struct {
		struct slice word;
		size_t offset;
	} files[] = {
		{ { "crt", 3 }, offsetof(struct tls_load, crt) },
		{ { "key", 3 }, offsetof(struct tls_load, key) },
		{ { "ocsp", 4 }, offsetof(struct tls_load, ocsp) },
		{ { "issuer", 6 }, offsetof(struct tls_load, issuer) },
		{ { "sctl", 4 }, offsetof(struct tls_load, sctl) },
	};
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		if (slice_eq(word, files[i].word)) {
			*(const char **)((char *)f + files[i].offset) = value;
			return 0;
		}
	if (!slice_eq(word, SLICE("ocsp-update")))
		return -ENOENT;
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return -EINVAL;
	f->ocsp_update = strcmp(value, "on") == 0;
	return 0;
}

static int read_option(struct line_reading *r, struct slice word)
{
	struct tls_crt_line *l = r->line;
	const char *name = arena_slice_dup(&l->arena, word);
	const struct tls_option *row = name ? tls_option_find(name) : NULL;
	if (!name)
		return -ENOMEM;
	if (row && row->args == 0)
		return tls_option_set(&l->opt, name, NULL, r->err, r->err_size);
	struct slice value = next_word(&r->rest, true);
	if (value.len == 0 || slice_eq(value, SLICE("]")))
		return row ? line_error(r, "", word, " expects a value")
			   : line_error(r, "unknown option ", word, "");
	const char *text = arena_slice_dup(&l->arena, value);
	if (!text)
		return -ENOMEM;
	if (row)
		return tls_option_set(&l->opt, name, text, r->err, r->err_size);
	int err = set_file(&l->files, word, text);
	if (err == -EINVAL)
		return line_error(r, "'ocsp-update' expects on or off, not ", value, "");
	if (err < 0)
		return line_error(r, "unknown option ", word, "");
	l->has_files |= !slice_eq(word, SLICE("ocsp-update"));
	return 0;
}

static int read_options(struct line_reading *r)
{
	for (;;) {
		struct slice word = next_word(&r->rest, true);
		if (word.len == 0)
			return line_error(r, "", SLICE("]"), " is missing");
		if (slice_eq(word, SLICE("]")))
			return 0;
		int err = read_option(r, word);
		if (err < 0)
			return err;
	}
}

/* "!*" says nothing; "*" makes a default. */
static int read_filters(struct line_reading *r, struct slice word)
{
	struct tls_crt_line *l = r->line;
	const char **filters = arena_array(&l->arena, const char *, r->rest.len / 2 + 2);
	if (!filters)
		return -ENOMEM;
	l->filters = filters;
	for (; word.len; word = next_word(&r->rest, false)) {
		if (word.ptr[0] == '!' && (word.len == 1 || word.ptr[1] == '*'))
			continue;
		if (word.len > 255 || (word.ptr[0] == '*' && word.len > 1 && word.ptr[1] != '.'))
			return line_error(
			    r, "", word, " is not a name or a wildcard like *.example.com");
		char *text = arena_slice_dup(&l->arena, word);
		if (!text)
			return -ENOMEM;
		for (char *p = text; *p; p++)
			*p = ascii_lower(*p);
		if (strcmp(text, "*") == 0)
			l->is_default = true;
		l->has_positive |= text[0] != '!';
		filters[l->filters_n++] = text;
	}
	return 0;
}

int tls_line_read(struct slice text, struct tls_crt_line **ret, char *err, size_t err_size)
{
	struct line_reading r = { .rest = text, .err = err, .err_size = err_size };
	struct slice word = next_word(&r.rest, false);
	snprintf(err, err_size, "out of memory");
	if (word.len == 0 || word.ptr[0] == '#')
		return 0;
	char *crt = slice_dup(word);
	r.line = crt ? tls_line_new(crt) : NULL;
	free(crt);
	if (!r.line)
		return -ENOMEM;
	int e = 0;
	if (word.ptr[0] == '[')
		e = line_error(&r, "the certificate is missing before ", word, "");
	word = next_word(&r.rest, false);
	if (e == 0 && slice_eq(word, SLICE("["))) {
		e = read_options(&r);
		word = e ? SLICE_NULL : next_word(&r.rest, false);
	}
	if (e == 0 && word.len)
		e = read_filters(&r, word);
	if (e < 0) {
		tls_line_free(r.line);
		return e;
	}
	*ret = r.line;
	return 1;
}

/* ---- lists ---- */

static struct tls_crt_list *list_new(struct tls_store *s, const char *name)
{
	struct tls_crt_list *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->name = strdup(name);
	if (!l->name) {
		free(l);
		return NULL;
	}
	list_init(&l->lines);
	list_init(&l->uses);
	list_add_tail(&s->crt_lists, &l->link);
	return l;
}

static void list_free(struct tls_crt_list *l)
{
	list_for_each_entry_safe (line, &l->lines, struct tls_crt_line, link)
		tls_line_free(line);
	list_del(&l->link);
	free(l->name);
	free(l);
}

void tls_crt_lists_free(struct tls_store *s)
{
	list_for_each_entry_safe (l, &s->crt_lists, struct tls_crt_list, link)
		list_free(l);
}

struct tls_crt_list *tls_crt_list_find(struct tls_store *s, const char *name)
{
	list_for_each_entry (l, &s->crt_lists, struct tls_crt_list, link) {
		if (strcmp(l->name, name) == 0)
			return l;
	}
	return NULL;
}

struct tls_crt_list *tls_crt_list_named(struct tls_store *s, const char *name)
{
	struct tls_crt_list *l = tls_crt_list_find(s, name);
	return l ? l : list_new(s, name);
}

/* All lines of a text; every bad one is told. */
static int read_text(struct tls_crt_list *list, struct slice text, const struct tls_report *report)
{
	unsigned number = 0;
	int err = 0;
	while (text.ptr) {
		struct slice one = slice_cut(&text, '\n');
		struct tls_crt_line *line;
		char why[256];
		number++;
		int r = tls_line_read(one, &line, why, sizeof(why));
		if (r < 0) {
			tls_say(report, DIAG_ERROR, "crt-list '%s', line %u: %s", list->name,
			    number, why);
			err = r;
		} else if (r > 0) {
			line->number = number;
			list_add_tail(&list->lines, &line->link);
		}
	}
	return err;
}

static int read_list(
    struct tls_store *s, struct tls_crt_list *list, const struct tls_report *report)
{
	char *text;
	size_t len;
	int err = tls_read_file(list->name, &text, &len);
	if (err < 0) {
		tls_say(report, DIAG_ERROR, "cannot read the crt-list '%s': %s", list->name,
		    strerror(-err));
		return err;
	}
	err = memchr(text, '\0', len) ? -EINVAL : read_text(list, slice_make(text, len), report);
	free(text);
	if (err == 0 && list_is_empty(&list->lines)) {
		tls_say(report, DIAG_ERROR, "the crt-list '%s' is empty", list->name);
		err = -ENOENT;
	}
	return err;
}

/* ---- directories ---- */

static int is_certificate_file(const struct dirent *e)
{
	static const struct slice reserved[] = {
		{ ".key", 4 },
		{ ".issuer", 7 },
		{ ".ocsp", 5 },
		{ ".sctl", 5 },
	};
	struct slice name = slice_str(e->d_name);
	if (e->d_name[0] == '.')
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(reserved); i++)
		if (slice_has_suffix(name, reserved[i]))
			return 0;
	return 1;
}

static int read_dir(struct tls_crt_list *list, const struct tls_report *report)
{
	struct dirent **names;
	int n = scandir(list->name, &names, is_certificate_file, alphasort);
	if (n < 0) {
		int err = -errno;
		tls_say(report, DIAG_ERROR, "cannot read the directory '%s': %s", list->name,
		    strerror(-err));
		return err;
	}
	int err = 0;
	unsigned number = 0;
	for (int i = 0; i < n; i++) {
		char *path = err ? NULL : tls_path(list->name, names[i]->d_name);
		struct stat st;
		bool file = names[i]->d_type == DT_REG ||
			    (path && stat(path, &st) == 0 && S_ISREG(st.st_mode));
		struct tls_crt_line *line = path && file ? tls_line_new(path) : NULL;
		if (line) {
			line->number = ++number;
			list_add_tail(&list->lines, &line->link);
		} else if (file)
			err = -ENOMEM;
		free(path);
		free(names[i]);
	}
	free(names);
	return err;
}

bool tls_is_directory(const struct tls_store *s, const char *name)
{
	char *path = tls_path(s->conf.crt_base, name);
	struct stat st;
	bool is = path && *path != '@' && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	free(path);
	return is;
}

int tls_crt_list_get(struct tls_store *s, const char *path, struct tls_crt_list **ret,
    const struct tls_report *report)
{
	bool is_dir = tls_is_directory(s, path);
	char *name = is_dir ? tls_path(s->conf.crt_base, path) : strdup(path);
	if (!name)
		return -ENOMEM;
	while (strlen(name) > 1 && name[strlen(name) - 1] == '/')
		name[strlen(name) - 1] = '\0';
	struct tls_crt_list *l = tls_crt_list_find(s, name);
	if (l || *name == '@') {
		free(name);
		*ret = l;
		return l ? 0 : -ENOENT;
	}
	l = list_new(s, name);
	free(name);
	if (!l)
		return -ENOMEM;
	l->is_dir = is_dir;
	int err = is_dir ? read_dir(l, report) : read_list(s, l, report);
	if (err == 0)
		err = tls_lines_load(s, &l->lines, is_dir ? NULL : l->name, report);
	if (err) {
		list_free(l);
		return err;
	}
	*ret = l;
	return 0;
}

int tls_crt_list_line(struct tls_store *s, struct tls_crt_list *list, const char *text,
    unsigned number, const struct tls_report *report)
{
	struct tls_crt_line *line;
	struct list one = LIST_INIT(one);
	char why[256];
	int r = tls_line_read(slice_str(text), &line, why, sizeof(why));
	if (r == 0)
		return 0;
	if (r < 0) {
		tls_say(report, DIAG_ERROR, "%s", why);
		return r;
	}
	line->number = number;
	list_add_tail(&one, &line->link);
	r = tls_lines_load(s, &one, NULL, report);
	if (r == 0)
		list_splice_tail(&list->lines, &one);
	else
		list_for_each_entry_safe (l, &one, struct tls_crt_line, link)
			tls_line_free(l);
	return r;
}

/* ---- certificates of lines ---- */

static const char *const bundle_types[] = { "rsa", "ecdsa", "dsa" };

static bool file_exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

/* Puts a line for each file of the bundle that is there before the line. 1: it was one; 0 or -ENOMEM. */
static int split_bundle(struct tls_store *s, struct tls_crt_line *line)
{
	int n = 0;
	if (!(s->conf.extra & TLS_EXTRA_BUNDLE) || line->has_files || *line->path == '@' ||
	    tls_store_find(s, line->path) || file_exists(line->path))
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(bundle_types); i++) {
		char *path, *crt;
		if (asprintf(&path, "%s.%s", line->path, bundle_types[i]) < 0)
			return -ENOMEM;
		if (asprintf(&crt, "%s.%s", line->crt, bundle_types[i]) < 0) {
			free(path);
			return -ENOMEM;
		}
		bool there = file_exists(path);
		struct tls_crt_line *part = there ? line_copy(line, crt) : NULL;
		if (part) {
			part->path = arena_strdup(&part->arena, path);
			list_add_tail(&line->link, &part->link);
			n++;
		}
		free(crt);
		free(path);
		if (there && (!part || !part->path))
			return -ENOMEM;
	}
	return n > 0;
}

/* Gives each line the name of its slot, and splits bundles, whose parts have theirs already. */
static int name_lines(struct tls_store *s, struct list *lines)
{
	list_for_each_entry_safe (line, lines, struct tls_crt_line, link) {
		if (line->path)
			continue;
		char *path = tls_path(s->conf.crt_base, line->crt);
		line->path = path ? arena_strdup(&line->arena, path) : NULL;
		free(path);
		int r = line->path ? split_bundle(s, line) : -ENOMEM;
		if (r < 0)
			return r;
		if (r > 0)
			tls_line_free(line);
	}
	return 0;
}

static unsigned count_lines(const struct list *lines)
{
	unsigned n = 0;
	list_for_each (at, lines)
		n++;
	return n;
}

static int attach_slots(struct tls_store *s, struct list *lines)
{
	int err = 0;
	list_for_each_entry (line, lines, struct tls_crt_line, link) {
		if (line->slot)
			continue;
		struct tls_slot *slot = tls_store_find(s, line->path);
		if (!slot) {
			err = -ENOENT;
			continue;
		}
		tls_line_attach(line, slot);
		if (line->files.ocsp_update >= 0)
			slot->ocsp_update = line->files.ocsp_update;
	}
	return err;
}

int tls_lines_load(
    struct tls_store *s, struct list *lines, const char *where, const struct tls_report *report)
{
	unsigned jobs_n = 0;
	int err = name_lines(s, lines);
	struct tls_load_job *jobs = err == 0 ? calloc(count_lines(lines) + 1, sizeof(*jobs)) : NULL;
	if (!jobs)
		return err ? err : -ENOMEM;
	list_for_each_entry (line, lines, struct tls_crt_line, link) {
		if (line->slot || tls_store_find(s, line->path))
			continue;
		struct tls_load_job *job = &jobs[jobs_n++];
		job->name = line->path;
		job->extra = s->conf.extra;
		job->where = where;
		job->line = line->number;
		if (line->has_files) {
			job->files = line->files;
			job->files.crt_base = s->conf.crt_base;
			job->files.key_base = s->conf.key_base;
			job->exact = true;
			if (!job->files.crt)
				job->files.crt = line->crt;
		}
	}
	err = tls_store_load_jobs(s, jobs, jobs_n, report);
	free(jobs);
	int missing = attach_slots(s, lines);
	return err ? err : missing;
}
