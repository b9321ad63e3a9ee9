/* SPDX-License-Identifier: MIT */
/*
 * Where the text comes from: files, directories, standard input, strings. Text is read whole when it is
 * added, so that a run sees one state of its files, and freed with the struct conf.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static int tell(struct conf *conf, const char *path, int error, const char *what)
{
	struct conf_pos pos = { .file = diag_intern(conf->setup.diag, path) };
	diag_add(conf->setup.diag, DIAG_ERROR, pos, "%s: %s", what, strerror(-error));
	return error;
}

/* Owns text, also on error. */
static int add_source(struct conf *conf, const char *name, char *text, size_t len, bool is_file)
{
	if (conf->source_n == conf->source_cap) {
		size_t cap = MAX(conf->source_cap * 2, 8);
		struct conf_source *sources =
		    reallocarray(conf->sources, cap, sizeof(struct conf_source));
		if (!sources) {
			free(text);
			return -ENOMEM;
		}
		conf->sources = sources;
		conf->source_cap = cap;
	}
	conf->sources[conf->source_n++] = (struct conf_source){
		.name = diag_intern(conf->setup.diag, name),
		.text = text,
		.len = len,
		.is_file = is_file,
	};
	return 0;
}

int conf_add_text(struct conf *conf, const char *name, struct slice text)
{
	/* no NUL behind it: a sanitizer then sees a lexer that reads too far */
	char *copy = malloc(MAX(text.len, 1));
	if (!copy)
		return -ENOMEM;
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	return add_source(conf, name, copy, text.len, false);
}

static int read_all(int fd, struct strbuf *out)
{
	for (;;) {
		if (!strbuf_reserve(out, 65536))
			return -ENOMEM;
		ssize_t n = read(fd, out->ptr + out->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > CONF_FILE_MAX)
			return -EFBIG;
	}
}

static int add_fd(struct conf *conf, const char *name, int fd)
{
	struct strbuf text = STRBUF_INIT;
	int r = read_all(fd, &text);
	if (r < 0) {
		strbuf_done(&text);
		return tell(conf, name, r, "cannot read the configuration file");
	}
	r = add_source(conf, name, text.ptr, text.len, true);
	return r < 0 ? tell(conf, name, r, "cannot keep the configuration file") : 0;
}

static int add_file(struct conf *conf, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return tell(conf, path, -errno, "cannot open the configuration file");
	int r = add_fd(conf, path, fd);
	close(fd);
	return r;
}

static int is_config(const struct dirent *entry)
{
	struct slice name = slice_str(entry->d_name);
	return entry->d_name[0] != '.' && slice_has_suffix(name, SLICE(".cfg"));
}

/* alphasort() follows the locale; the order of files must not. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_entry(struct conf *conf, const char *dir, const char *name)
{
	struct stat st;
	struct strbuf path = STRBUF_INIT;
	size_t len = strlen(dir);
	int r = 0;

	strbuf_addf(&path, "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", name);
	if (path.failed)
		r = tell(conf, dir, -ENOMEM, "cannot read the configuration directory");
	else if (stat(path.ptr, &st) < 0)
		r = tell(conf, path.ptr, -errno, "cannot open the configuration file");
	else if (S_ISREG(st.st_mode))
		r = add_file(conf, path.ptr);
	strbuf_done(&path);
	return r;
}

static int add_directory(struct conf *conf, const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_config, by_bytes);
	int r = 0;
	if (n < 0)
		return tell(conf, path, -errno, "cannot read the configuration directory");
	for (int i = 0; i < n; i++) {
		int this = add_entry(conf, path, entries[i]->d_name);
		r = r < 0 ? r : this;
		free(entries[i]);
	}
	free(entries);
	return r;
}

int conf_add_path(struct conf *conf, const char *path)
{
	struct stat st;
	if (strcmp(path, "-") == 0)
		return add_fd(conf, "<stdin>", STDIN_FILENO);
	if (stat(path, &st) < 0)
		return tell(conf, path, -errno, "cannot open the configuration file or directory");
	return S_ISDIR(st.st_mode) ? add_directory(conf, path) : add_file(conf, path);
}
