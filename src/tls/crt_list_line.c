/* SPDX-License-Identifier: MIT */
/*
 * One line of a crt-list: "file [options] filters" from text to data. Nothing is loaded here.
 */
#include <errno.h>

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
	l->extra = TLS_EXTRA_ALL;
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

struct tls_crt_line *tls_line_copy(const struct tls_crt_line *from, const char *crt)
{
	struct tls_crt_line *l = tls_line_new(crt);
	if (!l)
		return NULL;
	l->number = from->number;
	l->has_positive = from->has_positive;
	l->is_default = from->is_default;
	l->of_bind = from->of_bind;
	l->files.ocsp_update = from->files.ocsp_update;
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

/* The next word. bracket, '[' or ']', is a word of its own at the start of one, and ']' ends one; 0: neither. */
static struct slice next_word(struct slice *rest, char bracket)
{
	size_t at = 0;
	while (at < rest->len && strchr(WORD_END, rest->ptr[at]))
		at++;
	size_t end = at;
	if (end < rest->len && bracket && rest->ptr[end] == bracket)
		end++;
	else
		while (end < rest->len && !strchr(WORD_END, rest->ptr[end]) &&
		       !(bracket == ']' && rest->ptr[end] == ']'))
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
	struct slice value = next_word(&r->rest, ']');
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
		struct slice word = next_word(&r->rest, ']');
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
	for (; word.len; word = next_word(&r->rest, 0)) {
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
	struct slice word = next_word(&r.rest, '[');
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
	word = next_word(&r.rest, '[');
	if (e == 0 && slice_eq(word, SLICE("["))) {
		e = read_options(&r);
		word = e ? SLICE_NULL : next_word(&r.rest, 0);
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
