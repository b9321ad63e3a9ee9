/* SPDX-License-Identifier: MIT */
/*
 * Pattern files of ACLs and maps (configuration manual 2.7): read whole, cut in lines, each line an entry. The
 * text is given back; the entries lie in the arena of the first version.
 */
#include <errno.h>

#include "pattern_ref.h"

struct file_parser {
	struct pattern_ref *ref;
	struct conf *conf;
	const struct conf_line *line;
	int arg;
	const char *path;
	bool values;
	unsigned number;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice trim_left(struct slice s)
{
	while (s.len && is_blank(s.ptr[0]))
		s = slice_sub(s, 1, s.len);
	return s;
}

/* "key", or "key value": blanks in front do not count, those behind a key alone do, as in HAProxy. */
static int load_line(struct file_parser *p, struct slice text)
{
	char why[MATCH_WHY];
	struct slice value = SLICE_NULL;
	p->number++;
	if (text.len && text.ptr[text.len - 1] == '\r')
		text.len--;
	if (text.len == 0 || text.ptr[0] == '#')
		return 0;
	text = trim_left(text);
	if (text.len == 0)
		return 0;
	if (p->values) {
		size_t n = 0;
		while (n < text.len && !is_blank(text.ptr[n]))
			n++;
		value = trim_left(slice_sub(text, n, text.len));
		while (value.len && is_blank(value.ptr[value.len - 1]))
			value.len--;
		text.len = n;
	}
	/* A NUL would end it for one reader and not for the other. */
	if (memchr(text.ptr, '\0', text.len) ||
	    memchr(value.ptr ? value.ptr : "", '\0', value.len)) {
		snprintf(why, sizeof(why), "a NUL byte");
	} else if (value.ptr && !pattern_ref_value_ok(p->ref, value)) {
		snprintf(why, sizeof(why), "unable to parse '%.*s'", (int)MIN(value.len, 100),
		    value.ptr);
	} else if (pattern_set_add(
		       pattern_ref_current(p->ref), NULL, text, value, "eq", p->number, why) == 0) {
		return 0;
	}
	conf_error(p->conf, p->line, p->arg, "%s at line %u of file '%s'", why, p->number, p->path);
	return -1;
}

static int load_text(struct file_parser *p, struct slice text)
{
	size_t lines = 1;
	for (const char *at = text.ptr; at; lines++) {
		at = memchr(at, '\n', (size_t)(text.ptr + text.len - at));
		at = at ? at + 1 : NULL;
	}
	if (pattern_set_reserve(pattern_ref_current(p->ref), lines) < 0) {
		conf_error(p->conf, p->line, p->arg, "out of memory");
		return -1;
	}
	while (text.ptr) {
		if (load_line(p, slice_cut(&text, '\n')) < 0)
			return -1;
	}
	return 0;
}

/* With malloc. 0 or -errno. */
static int read_file(const char *path, struct strbuf *ret)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	int r = -ENOMEM;
	while (strbuf_reserve(ret, 65536)) {
		size_t got = fread(ret->ptr + ret->len, 1, 65536, file);
		ret->len += got;
		if (got == 0) {
			r = ferror(file) ? -EIO : 0;
			break;
		}
	}
	fclose(file);
	return r;
}

int pattern_file_load(struct pattern_ref *r, struct conf *conf, const struct conf_line *line,
    int arg, const char *path, bool values)
{
	struct file_parser p = { r, conf, line, arg, r->name, values, 0 };
	struct strbuf text = STRBUF_INIT;
	bool optional = strncmp(path, "opt@", 4) == 0;
	if (strncmp(path, "virt@", 5) == 0)
		return 0;
	int err = read_file(r->name, &text);
	int result = 0;
	if (err < 0 && !(optional && err == -ENOENT)) {
		conf_error(conf, line, arg, "cannot read file '%s': %s", r->name, strerror(-err));
		result = -1;
	} else if (text.len) {
		result = load_text(&p, strbuf_slice(&text));
	}
	strbuf_done(&text);
	return result;
}
