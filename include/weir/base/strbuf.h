/* SPDX-License-Identifier: MIT */
/*
 * Growable text buffer over malloc, for configuration, admin answers and other cold paths. Errors are sticky:
 * after a failed allocation every further add is ignored and `failed` stays set, so that a writer checks once,
 * at the end.
 */
#ifndef WEIR_BASE_STRBUF_H
#define WEIR_BASE_STRBUF_H

#include <stdarg.h>

#include "weir/base/slice.h"

struct strbuf {
	char *ptr;  /* NUL-terminated once anything was added; NULL before */
	size_t len; /* without the NUL */
	size_t cap;
	bool failed;
};

#define STRBUF_INIT ((struct strbuf){ .ptr = NULL })

void strbuf_done(struct strbuf *b);
void strbuf_add(struct strbuf *b, const void *bytes, size_t len);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_adds(struct strbuf *b, const char *str);
void strbuf_addslice(struct strbuf *b, struct slice s);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) WEIR_PRINTF(2, 3);
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap) WEIR_PRINTF(2, 0);
/* Drops the first n bytes. */
void strbuf_consume(struct strbuf *b, size_t n);
/* Empty, memory kept. */
void strbuf_clear(struct strbuf *b);
/* Room for at least n more bytes and the NUL; false when memory is short. */
bool strbuf_reserve(struct strbuf *b, size_t n);

static inline struct slice strbuf_slice(const struct strbuf *b)
{
	return slice_make(b->ptr, b->len);
}

/* Never NULL. */
static inline const char *strbuf_str(const struct strbuf *b)
{
	return b->ptr ? b->ptr : "";
}

#endif
