/* SPDX-License-Identifier: MIT */
/*
 * Operations on byte slices that are too long to inline. No state, any thread.
 */
#include "weir/base/slice.h"

#include <errno.h>

bool slice_ieq(struct slice a, struct slice b)
{
	return a.len == b.len && slice_has_iprefix(a, b);
}

bool slice_has_iprefix(struct slice s, struct slice prefix)
{
	if (s.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++) {
		if (ascii_lower(s.ptr[i]) != ascii_lower(prefix.ptr[i]))
			return false;
	}
	return true;
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t n = MIN(a.len, b.len);
	int r = n ? memcmp(a.ptr, b.ptr, n) : 0;
	if (r)
		return r;
	return a.len < b.len ? -1 : a.len > b.len;
}

size_t slice_find(struct slice s, char c)
{
	const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
	return hit ? (size_t)(hit - s.ptr) : s.len;
}

size_t slice_search(struct slice s, struct slice needle)
{
	if (needle.len == 0)
		return 0;
	const char *hit = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
	return hit ? (size_t)(hit - s.ptr) : s.len + 1;
}

size_t slice_isearch(struct slice s, struct slice needle)
{
	for (size_t i = 0; i + needle.len <= s.len; i++) {
		if (slice_has_iprefix(slice_sub(s, i, s.len), needle))
			return i;
	}
	return s.len + 1;
}

static bool in_set(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

struct slice slice_trim(struct slice s, const char *set)
{
	while (s.len && in_set(s.ptr[0], set)) {
		s.ptr++;
		s.len--;
	}
	while (s.len && in_set(s.ptr[s.len - 1], set))
		s.len--;
	return s;
}

struct slice slice_trim_ows(struct slice s)
{
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

struct slice slice_cut(struct slice *s, char c)
{
	size_t at = slice_find(*s, c);
	struct slice head = slice_make(s->ptr, at);
	if (at == s->len)
		*s = SLICE_NULL;
	else
		*s = slice_make(s->ptr + at + 1, s->len - at - 1);
	return head;
}

int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.ptr[i]))
			return -EINVAL;
		unsigned digit = (unsigned)(s.ptr[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

char *slice_dup(struct slice s)
{
	char *copy = malloc(s.len + 1);
	if (!copy)
		return NULL;
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}
