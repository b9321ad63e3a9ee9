/* SPDX-License-Identifier: MIT */
/*
 * Messages about a configuration: collected while it is read and built, sorted by place, printed once. Also
 * kept for "show startup-logs".
 */
#ifndef WEIR_CONF_DIAG_H
#define WEIR_CONF_DIAG_H

#include <stdarg.h>

#include "weir/base/slice.h"

/* A place in a file; file is NULL for messages about the whole. The name lives as long as the struct diag. */
struct conf_pos {
	const char *file;
	unsigned line; /* from 1; 0: the whole file */
	unsigned col;  /* from 1; 0: the whole line */
};

enum diag_level {
	DIAG_NOTICE,  /* shown with -dD, or unless -q */
	DIAG_WARNING, /* the configuration works, likely not as meant */
	DIAG_ERROR,   /* the configuration is refused */
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *d);

void diag_add(struct diag *d, enum diag_level level, struct conf_pos pos, const char *fmt, ...)
    WEIR_PRINTF(4, 5);
void diag_vadd(struct diag *d, enum diag_level level, struct conf_pos pos, const char *fmt,
    va_list ap) WEIR_PRINTF(4, 0);
unsigned diag_count(const struct diag *d, enum diag_level level);
/* Text of the first message, without its place; NULL when there is none. */
const char *diag_first(const struct diag *d);
/* Keeps a copy of a file name for positions. */
const char *diag_intern(struct diag *d, const char *file);

/*
 * Writes all messages of at least that level, in the order of their places:
 * "[ALERT] (1234) : config : [/etc/weir/weir.cfg:12] : unknown keyword 'foo' ...".
 */
void diag_print(const struct diag *d, enum diag_level least, FILE *out);
/* The same for those that came since its last call. */
void diag_print_new(struct diag *d, enum diag_level least, FILE *out);

#endif
