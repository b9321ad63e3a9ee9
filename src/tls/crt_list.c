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

static const struct {
	struct slice ext;
	unsigned extra;
} side_files[] = {
	{ { ".key", 4 }, TLS_EXTRA_KEY },
	{ { ".issuer", 7 }, TLS_EXTRA_ISSUER },
	{ { ".ocsp", 5 }, TLS_EXTRA_OCSP },
	{ { ".sctl", 5 }, TLS_EXTRA_SCTL },
};

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* TLS_EXTRA_* of the ending; 0: it is no side file. */
static unsigned side_file(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(side_files); i++)
		if (slice_has_suffix(slice_str(name), side_files[i].ext))
			return side_files[i].extra;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
	    (*(const struct dirent *const *)a)->d_name, (*(const struct dirent *const *)b)->d_name);
}

static int name_against(const void *name, const void *entry)
{
	return strcmp(name, (*(const struct dirent *const *)entry)->d_name);
}

/*
 * Which of a certificate's side files the listing has: the others need no system call to be found missing. any: those
 * that some certificate has.
 */
static unsigned side_files_of(
    const struct tls_store *s, struct dirent **sorted, size_t n, unsigned any, const char *name)
{
	unsigned extra = 0;
	if (s->conf.extra_del_ext)
		return TLS_EXTRA_ALL;
	for (unsigned i = 0; i < ARRAY_SIZE(side_files); i++) {
		char side[512];
		if (!(any & side_files[i].extra))
			continue;
		snprintf(side, sizeof(side), "%s%s", name, side_files[i].ext.ptr);
		if (bsearch(side, sorted, n, sizeof(struct dirent *), name_against))
			extra |= side_files[i].extra;
	}
	return extra;
}

static struct tls_crt_line *dir_line(const char *dir, const struct dirent *e)
{
	char *path = tls_path(dir, e->d_name);
	struct stat st;
	struct tls_crt_line *line = NULL;
	if (path && (e->d_type == DT_REG || (stat(path, &st) == 0 && S_ISREG(st.st_mode))))
		line = tls_line_new(path);
	free(path);
	return line;
}

/* In the order of bytes, whatever the locale. */
static int read_dir(struct tls_store *s, struct tls_crt_list *list, const struct tls_report *report)
{
	struct dirent **names;
	int n = scandir(list->name, &names, is_visible, NULL);
	if (n < 0) {
		int err = -errno;
		tls_say(report, DIAG_ERROR, "cannot read the directory '%s': %s", list->name,
		    strerror(-err));
		return err;
	}
	if (n > 1)
		qsort(names, (size_t)n, sizeof(*names), by_name);
	unsigned number = 0, any = 0;
	for (int i = 0; i < n; i++)
		any |= side_file(names[i]->d_name);
	for (int i = 0; i < n; i++) {
		struct tls_crt_line *line =
		    side_file(names[i]->d_name) ? NULL : dir_line(list->name, names[i]);
		if (!line)
			continue;
		line->number = ++number;
		line->is_there = line->of_bind = true;
		line->extra = side_files_of(s, names, (size_t)n, any, names[i]->d_name);
		list_add_tail(&list->lines, &line->link);
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return 0;
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
	int err = is_dir ? read_dir(s, l, report) : read_list(s, l, report);
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
	    line->is_there || tls_store_find(s, line->path) || file_exists(line->path))
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
		struct tls_crt_line *part = there ? tls_line_copy(line, crt) : NULL;
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

static int attach_slots(
    struct tls_store *s, struct list *lines, const char *where, const struct tls_report *report)
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
		int e = tls_line_set_ocsp(s, line, where, report);
		if (e)
			err = e;
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
		job->extra = s->conf.extra & line->extra;
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
	int missing = attach_slots(s, lines, where, report);
	return err ? err : missing;
}
