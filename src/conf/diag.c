/* SPDX-License-Identifier: MIT */
/*
 * Messages about a configuration. They are kept in the order they came and sorted by place when printed;
 * files rank in the order they were first named. Written by the one thread that reads the configuration;
 * once that is over any thread may print.
 */
#include "weir/conf/diag.h"

#include <limits.h>
#include <unistd.h>

#include "weir/base/strbuf.h"

#define TEXT_MAX 4096u /* bytes of one message; a longer one is cut */

struct message {
	enum diag_level level;
	struct conf_pos pos;
	size_t file_rank;
	size_t seq;
	char *text;
};

struct diag {
	struct message *messages;
	size_t n;
	size_t cap;
	size_t shown; /* messages that diag_print_new() has seen */
	char **files;
	size_t file_n;
	size_t file_cap;
	unsigned counts[DIAG_ERROR + 1];
};

struct diag *diag_new(void)
{
	return calloc(1, sizeof(struct diag));
}

void diag_free(struct diag *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		free(d->messages[i].text);
	for (size_t i = 0; i < d->file_n; i++)
		free(d->files[i]);
	free(d->messages);
	free(d->files);
	free(d);
}

const char *diag_intern(struct diag *d, const char *file)
{
	for (size_t i = 0; i < d->file_n; i++) {
		if (d->files[i] == file || strcmp(d->files[i], file) == 0)
			return d->files[i];
	}
	if (d->file_n == d->file_cap) {
		size_t cap = MAX(d->file_cap * 2, 8);
		char **files = reallocarray(d->files, cap, sizeof(*files));
		if (!files)
			return "";
		d->files = files;
		d->file_cap = cap;
	}
	char *copy = strdup(file);
	if (!copy)
		return "";
	d->files[d->file_n++] = copy;
	return copy;
}

static size_t rank_of(const struct diag *d, const char *file)
{
	size_t i = 0;
	while (i < d->file_n && d->files[i] != file)
		i++;
	return file ? i : SIZE_MAX;
}

/* Words of a file come into messages as they are: nothing of them may steer the reader's terminal. */
static void make_printable(struct strbuf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->ptr[i];
		if ((c < 0x20 && c != '\n') || c == 0x7f)
			b->ptr[i] = '?';
	}
	if (b->len > TEXT_MAX) {
		b->len = TEXT_MAX;
		strbuf_adds(b, "...");
	}
}

void diag_vadd(
    struct diag *d, enum diag_level level, struct conf_pos pos, const char *fmt, va_list ap)
{
	struct strbuf text = STRBUF_INIT;

	/* the counts decide whether a configuration is taken: they hold even when memory is short */
	d->counts[level]++;
	if (d->n == d->cap) {
		size_t cap = MAX(d->cap * 2, 16);
		struct message *messages = reallocarray(d->messages, cap, sizeof(*messages));
		if (!messages)
			return;
		d->messages = messages;
		d->cap = cap;
	}
	strbuf_vaddf(&text, fmt, ap);
	if (text.failed || !text.ptr)
		strbuf_done(&text);
	else
		make_printable(&text);
	if (pos.file)
		pos.file = diag_intern(d, pos.file);
	d->messages[d->n] = (struct message){
		.level = level,
		.pos = pos,
		.file_rank = rank_of(d, pos.file),
		.seq = d->n,
		.text = text.ptr,
	};
	d->n++;
}

void diag_add(struct diag *d, enum diag_level level, struct conf_pos pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	diag_vadd(d, level, pos, fmt, ap);
	va_end(ap);
}

const char *diag_first(const struct diag *d)
{
	return d->n ? d->messages[0].text : NULL;
}

unsigned diag_count(const struct diag *d, enum diag_level level)
{
	return d->counts[level];
}

static int by_place(const void *va, const void *vb)
{
	const struct message *a = *(const struct message *const *)va;
	const struct message *b = *(const struct message *const *)vb;
	if (a->file_rank != b->file_rank)
		return a->file_rank < b->file_rank ? -1 : 1;
	if (a->pos.line != b->pos.line)
		return a->pos.line < b->pos.line ? -1 : 1;
	if (a->pos.col != b->pos.col)
		return a->pos.col < b->pos.col ? -1 : 1;
	return a->seq < b->seq ? -1 : 1;
}

static void print_one(const struct message *m, FILE *out)
{
	static const char *const levels[] = {
		[DIAG_NOTICE] = "[NOTICE]",
		[DIAG_WARNING] = "[WARNING]",
		[DIAG_ERROR] = "[ALERT]",
	};
	fprintf(out, "%-10s (%d) : config : ", levels[m->level], (int)getpid());
	if (m->pos.file) {
		fprintf(out, "[%s", m->pos.file);
		if (m->pos.line)
			fprintf(out, ":%u", m->pos.line);
		if (m->pos.line && m->pos.col)
			fprintf(out, ":%u", m->pos.col);
		fputs("] : ", out);
	}
	fprintf(out, "%s\n", m->text ? m->text : "(out of memory)");
}

static void print_from(const struct diag *d, size_t first, enum diag_level least, FILE *out)
{
	size_t n = d->n - first;
	const struct message **order = n ? reallocarray(NULL, n, sizeof(*order)) : NULL;
	if (!order) { /* unsorted is better than silent */
		for (size_t i = first; i < d->n; i++)
			if (d->messages[i].level >= least)
				print_one(&d->messages[i], out);
		return;
	}
	for (size_t i = 0; i < n; i++)
		order[i] = &d->messages[first + i];
	qsort(order, n, sizeof(*order), by_place);
	for (size_t i = 0; i < n; i++)
		if (order[i]->level >= least)
			print_one(order[i], out);
	free(order);
}

void diag_print(const struct diag *d, enum diag_level least, FILE *out)
{
	print_from(d, 0, least, out);
}

void diag_print_new(struct diag *d, enum diag_level least, FILE *out)
{
	print_from(d, d->shown, least, out);
	d->shown = d->n;
}
