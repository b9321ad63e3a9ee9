/* SPDX-License-Identifier: MIT */
/*
 * A slice is a pointer and a length into memory somebody else owns: not NUL-terminated, never freed through
 * the slice. All comparisons are on bytes; the "i" variants fold ASCII case only, as HTTP asks for.
 */
#ifndef WEIR_BASE_SLICE_H
#define WEIR_BASE_SLICE_H

#include "weir/base/compiler.h"

struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){ .ptr = "" literal, .len = sizeof(literal) - 1 })
#define SLICE_NULL     ((struct slice){ .ptr = NULL, .len = 0 })
/* For printf: "%.*s" takes SLICE_ARG(s). */
#define SLICE_ARG(s) (int)(s).len, (s).ptr

static inline struct slice slice_make(const char *ptr, size_t len)
{
	return (struct slice){ .ptr = ptr, .len = len };
}

/* str may be NULL: the empty slice. */
static inline struct slice slice_str(const char *str)
{
	return (struct slice){ .ptr = str, .len = str ? strlen(str) : 0 };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_has_prefix(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool slice_has_suffix(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len &&
	       (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* The part from offset on, at most len bytes; out of range gives the empty slice. */
static inline struct slice slice_sub(struct slice s, size_t offset, size_t len)
{
	if (offset > s.len)
		offset = s.len;
	if (len > s.len - offset)
		len = s.len - offset;
	return slice_make(s.ptr + offset, len);
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool slice_ieq(struct slice a, struct slice b);
bool slice_has_iprefix(struct slice s, struct slice prefix);
int slice_cmp(struct slice a, struct slice b);

/* Offset of the first byte c, or s.len. */
size_t slice_find(struct slice s, char c);
/* Offset of the first occurrence of needle, or s.len + 1 when absent. */
size_t slice_search(struct slice s, struct slice needle);
size_t slice_isearch(struct slice s, struct slice needle);

/* Without the bytes of set at both ends. */
struct slice slice_trim(struct slice s, const char *set);
/* Without spaces and tabs at both ends (OWS, RFC 9110 5.6.3). */
struct slice slice_trim_ows(struct slice s);

/*
 * Cuts s at the first byte c: returns what is before it and leaves in *s what is behind it. Without c the whole
 * is returned and *s becomes the null slice, so `while (s.ptr)` walks a list.
 */
struct slice slice_cut(struct slice *s, char c);

/* Decimal digits only, the whole slice, no sign. 0, -EINVAL, or -ERANGE above max. */
WEIR_NODISCARD int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value);

/* A NUL-terminated copy with malloc, or NULL when memory is short. */
char *slice_dup(struct slice s);

#endif
