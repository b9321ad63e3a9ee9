/* SPDX-License-Identifier: MIT */
/*
 * crt-lists at run time: a line comes or goes for every bind that uses the list, and the list is shown in the form in
 * which it could be read. Under the store's lock; what workers may still look at is retired.
 */
#include <errno.h>

#include "crt_list_int.h"

static void to_answer(void *arg, enum diag_level level, const char *text)
{
	struct strbuf *err = arg;
	if (level == DIAG_ERROR) {
		if (err->len)
			strbuf_addc(err, '\n');
		strbuf_adds(err, text);
	}
}

/* ---- add ---- */

static int add_to_uses(struct tls_crt_list *list, struct tls_crt_line *line, struct worker *w,
    const struct tls_report *report)
{
	list_for_each_entry (use, &list->uses, struct tls_list_use, link) {
		int r = use->add(use, line, w, report);
		if (r == 0)
			continue;
		list_for_each_entry (done, &list->uses, struct tls_list_use, link)
			done->remove(done, line, w);
		return r;
	}
	return 0;
}

static int add_locked(struct tls_store *s, struct worker *w, struct tls_crt_list *list,
    struct slice text, struct strbuf *err)
{
	struct tls_report report = { .say = to_answer, .arg = err };
	struct tls_crt_line *line;
	char why[256];
	int r = tls_line_read(text, &line, why, sizeof(why));
	if (r <= 0) {
		strbuf_addf(err, "Can't edit the crt-list: %s", r ? why : "the line is empty");
		return r ? r : -EINVAL;
	}
	char *path = tls_path(s->conf.crt_base, line->crt);
	struct tls_slot *slot = path ? tls_store_find(s, path) : NULL;
	if (!slot || !atomic_load(&slot->cert)) {
		strbuf_addf(err, "Can't edit the crt-list: certificate '%s' %s!",
		    path ? path : line->crt, slot ? "is empty" : "does not exist");
		r = -ENOENT;
	} else {
		line->path = arena_strdup(&line->arena, path);
		r = line->path ? 0 : -ENOMEM;
	}
	free(path);
	if (r >= 0) {
		if (!list_is_empty(&list->lines))
			line->number = list_last(&list->lines, struct tls_crt_line, link)->number;
		line->number++;
		tls_line_attach(line, slot);
		r = tls_line_set_ocsp(s, line, list->name, &report);
		if (r == 0)
			r = add_to_uses(list, line, w, &report);
	}
	if (r < 0) {
		tls_line_detach(line);
		tls_retire(w, tls_line_retired, line);
		return r;
	}
	list_add_tail(&list->lines, &line->link);
	return 0;
}

static struct tls_crt_list *find_list(struct tls_store *s, const char *name)
{
	size_t len = strlen(name);
	while (len > 1 && name[len - 1] == '/')
		len--;
	list_for_each_entry (l, &s->crt_lists, struct tls_crt_list, link) {
		if (strlen(l->name) == len && memcmp(l->name, name, len) == 0)
			return l;
	}
	return NULL;
}

int tls_crt_list_add(
    struct tls_store *s, struct worker *w, const char *name, struct slice line, struct strbuf *err)
{
	pthread_mutex_lock(&s->lock);
	struct tls_crt_list *list = find_list(s, name);
	int r = -ENOENT;
	if (list)
		r = add_locked(s, w, list, line, err);
	else
		strbuf_addf(err, "Can't edit the crt-list: crt-list '%s' does not exist!", name);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- del ---- */

/* The only line with that certificate, or the one with that number too. NULL with err filled. */
static struct tls_crt_line *find_line(
    struct tls_crt_list *list, const char *crt, unsigned number, struct strbuf *err)
{
	struct strbuf numbers = STRBUF_INIT;
	struct tls_crt_line *found = NULL;
	unsigned n = 0;
	list_for_each_entry (line, &list->lines, struct tls_crt_line, link) {
		if (strcmp(line->path, crt) != 0 || (number && line->number != number))
			continue;
		strbuf_addf(&numbers, "%s%u", n++ ? ", " : "", line->number);
		found = line;
	}
	if (n == 0)
		strbuf_addf(err, "certificate '%s' %s!", crt,
		    number ? "is not on that line" : "does not exist");
	if (n > 1) {
		strbuf_addf(err,
		    "found the certificate '%s' in several entries, please specify a line number "
		    "preceded by colons (%s)!",
		    crt, strbuf_str(&numbers));
		found = NULL;
	}
	strbuf_done(&numbers);
	return found;
}

static int del_locked(struct tls_store *s, struct worker *w, struct tls_crt_list *list,
    const char *asked, struct strbuf *err)
{
	uint64_t number = 0;
	char *crt = strdup(asked);
	if (!crt)
		return -ENOMEM;
	char *colon = strrchr(crt, ':');
	if (colon && slice_to_u64(slice_str(colon + 1), UINT32_MAX, &number) == 0)
		*colon = '\0';
	struct tls_crt_line *line = find_line(list, crt, (unsigned)number, err);
	free(crt);
	if (!line)
		return -ENOENT;
	list_for_each_entry (use, &list->uses, struct tls_list_use, link)
		use->remove(use, line, w);
	list_del(&line->link);
	tls_line_detach(line);
	tls_retire(w, tls_line_retired, line);
	return 0;
}

int tls_crt_list_del(
    struct tls_store *s, struct worker *w, const char *name, const char *crt, struct strbuf *err)
{
	pthread_mutex_lock(&s->lock);
	struct tls_crt_list *list = find_list(s, name);
	int r = -ENOENT;
	if (list)
		r = del_locked(s, w, list, crt, err);
	else
		strbuf_addf(err, "crt-list '%s' does not exist!", name);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- show ---- */

static void show_line(const struct tls_crt_line *line, bool numbers, struct strbuf *out)
{
	struct strbuf words = STRBUF_INIT;
	const struct {
		const char *word, *value;
	} files[] = {
		{ "key", line->files.key },
		{ "ocsp", line->files.ocsp },
		{ "issuer", line->files.issuer },
		{ "sctl", line->files.sctl },
	};
	strbuf_adds(out, line->path);
	if (numbers)
		strbuf_addf(out, ":%u", line->number);
	tls_options_text(&line->opt, &words);
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i].value)
			strbuf_addf(
			    &words, "%s%s %s", words.len ? " " : "", files[i].word, files[i].value);
	if (line->files.ocsp_update >= 0)
		strbuf_addf(&words, "%socsp-update %s", words.len ? " " : "",
		    line->files.ocsp_update ? "on" : "off");
	if (words.len)
		strbuf_addf(out, " [%s]", words.ptr);
	for (unsigned i = 0; i < line->filters_n; i++)
		strbuf_addf(out, " %s", line->filters[i]);
	strbuf_addc(out, '\n');
	strbuf_done(&words);
}

int tls_crt_list_show(struct tls_store *s, const char *name, bool numbers, struct strbuf *out)
{
	int r = 0;
	pthread_mutex_lock(&s->lock);
	struct tls_crt_list *list = name ? find_list(s, name) : NULL;
	if (!name) {
		list_for_each_entry (l, &s->crt_lists, struct tls_crt_list, link)
			strbuf_addf(out, "%s\n", l->name);
	} else if (list) {
		strbuf_addf(out, "# %s\n", list->name);
		list_for_each_entry (line, &list->lines, struct tls_crt_line, link)
			show_line(line, numbers, out);
	} else
		r = -ENOENT;
	pthread_mutex_unlock(&s->lock);
	return out->failed ? -ENOMEM : r;
}
