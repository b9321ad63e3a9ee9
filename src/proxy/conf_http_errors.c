/* SPDX-License-Identifier: MIT */
/*
 * Sections "http-errors": answers for statuses that proxies take by name. A proxy may name a section that stands
 * further down, so what is taken is settled when all files are read. Main thread; the configuration's arena.
 */
#include "conf_int.h"

static struct http_errors *by_name(struct config *c, const char *name)
{
	for (struct http_errors *e = c->http_errors; e; e = e->next) {
		if (strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static struct http_errors *get(
    struct config *c, struct conf *conf, const struct conf_line *line, int arg)
{
	struct http_errors *e = by_name(c, line->argv[arg]);
	if (e)
		return e;
	e = arena_new(&c->arena, struct http_errors);
	const char *name = arena_strdup(&c->arena, line->argv[arg]);
	if (!e || !name) {
		(void)no_memory(conf, line);
		return NULL;
	}
	e->name = name;
	e->pos = line->pos;
	e->next = c->http_errors;
	c->http_errors = e;
	return e;
}

const void *find_http_errors(void *user, struct conf *conf, const struct conf_line *line, int arg)
{
	return get(user, conf, line, arg);
}

/* ---- the section ---- */

static void *open_section(const struct conf_call *call)
{
	const struct conf_line *line = call->line;
	const char *name;
	if (conf_name(call->conf, line, 1, &name) < 0 || !no_more_words(call->conf, line, 2))
		return NULL;
	struct http_errors *e = get(build_config(call), call->conf, line, 1);
	if (e && e->is_there) {
		conf_error(call->conf, line, 1,
		    "the name '%s' is that of the http-errors section of %s:%u already", name,
		    e->pos.file, e->pos.line);
		return NULL;
	}
	if (e) {
		e->is_there = true;
		e->pos = line->pos;
	}
	return e;
}

static int add_file(const struct conf_call *call)
{
	struct http_errors *e = call->object;
	return set_error_file(
	    call->conf, call->line, call->arg, &build_config(call)->arena, e->errors);
}

static const struct conf_keyword http_errors_keywords[] = {
	{ "errorfile", CONF_OTHER, 0, 2, 2, add_file, 0, "<status> <file>",
	    "file with the complete answer for a status" },
	{ .name = NULL },
};

static const struct conf_keyword *const http_errors_tables[] = { http_errors_keywords, NULL };

const struct conf_section section_http_errors = {
	.name = "http-errors",
	.scope = CONF_OTHER,
	.open = open_section,
	.tables = http_errors_tables,
};

/* ---- when all is read ---- */

static const char *next_section(const void *config, size_t i)
{
	const struct config *c = config;
	for (const struct http_errors *e = c->http_errors; e; e = e->next) {
		if (e->is_there && i-- == 0)
			return e->name;
	}
	return NULL;
}

static struct error_reply settled(const struct error_reply *e, int i)
{
	while (e->from) {
		if (e->from->errors[i].raw.ptr)
			return e->from->errors[i];
		e = e->otherwise;
	}
	return *e;
}

void finish_errors(struct conf *conf, struct config *c)
{
	for (const struct http_errors *e = c->http_errors; e; e = e->next) {
		if (e->is_there)
			continue;
		const char *near = conf_nearest(e->name, next_section, c);
		diag_add(conf_diag(conf), DIAG_ERROR, e->pos,
		    "there is no http-errors section '%s'%s%s%s", e->name,
		    near ? "; did you mean '" : "", near ? near : "", near ? "' ?" : "");
	}
	for (struct proxy *p = c->proxies; p; p = p->next) {
		for (int i = 0; i < ERROR_REPLY_N; i++)
			p->errors[i] = settled(&p->errors[i], i);
	}
}
