/* SPDX-License-Identifier: MIT */
/*
 * Messages at a word of a line, and the small accessors of struct conf.
 */
#include "internal.h"

/* Where word arg stands; for one behind the last, the last, because that is what lacks something. */
struct conf_pos conf_place(const struct conf_line *line, int arg)
{
	if (!line)
		return (struct conf_pos){ .file = NULL };
	struct conf_pos pos = line->pos;
	if (line->argc > 0 && line->cols) {
		arg = MAX(0, MIN(arg, line->argc - 1));
		pos.col = line->cols[arg];
		if (line->lines)
			pos.line = line->lines[arg];
	}
	return pos;
}

void conf_error(struct conf *conf, const struct conf_line *line, int arg, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	diag_vadd(conf->setup.diag, DIAG_ERROR, conf_place(line, arg), fmt, ap);
	va_end(ap);
}

void conf_warning(struct conf *conf, const struct conf_line *line, int arg, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	diag_vadd(conf->setup.diag, DIAG_WARNING, conf_place(line, arg), fmt, ap);
	va_end(ap);
}

void conf_notice(struct conf *conf, const struct conf_line *line, int arg, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	diag_vadd(conf->setup.diag, DIAG_NOTICE, conf_place(line, arg), fmt, ap);
	va_end(ap);
}

void **conf_slot(struct conf *conf, enum conf_slot slot)
{
	return &conf->slots[slot];
}

void *conf_user(const struct conf *conf)
{
	return conf->setup.user;
}

struct arena *conf_arena(const struct conf *conf)
{
	return conf->setup.arena;
}

struct diag *conf_diag(const struct conf *conf)
{
	return conf->setup.diag;
}

bool conf_experimental_allowed(const struct conf *conf)
{
	return conf->experimental;
}

void conf_allow_experimental(struct conf *conf)
{
	conf->experimental = true;
}
