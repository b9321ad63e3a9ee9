/* SPDX-License-Identifier: MIT */
/*
 * Growable text buffer; the owner calls strbuf_done(). Doubles when full. One thread at a time.
 */
#include "weir/base/strbuf.h"

void strbuf_done(struct strbuf *b)
{
	free(b->ptr);
	*b = STRBUF_INIT;
}

bool strbuf_reserve(struct strbuf *b, size_t n)
{
	if (b->failed || n > SIZE_MAX / 4) {
		b->failed = true;
		return false;
	}
	if (b->len + n < b->cap)
		return true;
	size_t cap = MAX(b->cap * 2, b->len + n + 1);
	cap = MAX(cap, 64);
	char *ptr = realloc(b->ptr, cap);
	if (!ptr) {
		b->failed = true;
		return false;
	}
	b->ptr = ptr;
	b->cap = cap;
	return true;
}

void strbuf_add(struct strbuf *b, const void *bytes, size_t len)
{
	if (!strbuf_reserve(b, len))
		return;
	if (len)
		memcpy(b->ptr + b->len, bytes, len);
	b->len += len;
	b->ptr[b->len] = '\0';
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_adds(struct strbuf *b, const char *str)
{
	strbuf_add(b, str, strlen(str));
}

void strbuf_addslice(struct strbuf *b, struct slice s)
{
	strbuf_add(b, s.ptr, s.len);
}

void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0 || !strbuf_reserve(b, (size_t)len))
		return;
	vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, ap);
	b->len += (size_t)len;
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(b, fmt, ap);
	va_end(ap);
}

void strbuf_consume(struct strbuf *b, size_t n)
{
	n = MIN(n, b->len);
	b->len -= n;
	if (b->ptr) {
		memmove(b->ptr, b->ptr + n, b->len);
		b->ptr[b->len] = '\0';
	}
}

void strbuf_clear(struct strbuf *b)
{
	b->len = 0;
	if (b->ptr)
		b->ptr[0] = '\0';
}
