/* SPDX-License-Identifier: MIT */
/*
 * Request targets (RFC 9112 3.2) and authorities (RFC 3986 3.2) taken apart. Pure functions over slices; they
 * check nothing: a target that no form fits still gives parts, and the codec decides whether it is valid.
 */
#include "weir/http/http.h"

/* Length of the scheme in front of "://" (RFC 3986 3.1), or 0. */
static size_t scheme_len(struct slice target)
{
	size_t i = 0;
	while (i < target.len) {
		char c = ascii_lower(target.ptr[i]);
		bool letter = c >= 'a' && c <= 'z';
		bool other = ascii_is_digit(c) || c == '+' || c == '-' || c == '.';
		if (!letter && (i == 0 || !other))
			break;
		i++;
	}
	return slice_has_prefix(slice_sub(target, i, 3), SLICE("://")) ? i : 0;
}

static size_t authority_len(struct slice s)
{
	size_t i = 0;
	while (i < s.len && s.ptr[i] != '/' && s.ptr[i] != '?' && s.ptr[i] != '#')
		i++;
	return i;
}

void http_target_split(struct slice target, struct http_target *ret)
{
	*ret = (struct http_target){ .has_query = false };
	if (target.len == 0)
		return;
	if (target.len == 1 && target.ptr[0] == '*') {
		ret->path = target;
		return;
	}
	if (target.ptr[0] != '/') {
		size_t scheme = scheme_len(target);
		if (scheme) {
			ret->scheme = slice_sub(target, 0, scheme);
			target = slice_sub(target, scheme + 3, target.len);
		}
		size_t authority = authority_len(target);
		ret->authority = slice_sub(target, 0, authority);
		target = slice_sub(target, authority, target.len);
	}
	size_t mark = slice_find(target, '?');
	ret->path = slice_sub(target, 0, mark);
	ret->has_query = mark < target.len;
	if (ret->has_query)
		ret->query = slice_sub(target, mark + 1, target.len);
}

void http_authority_split(struct slice authority, struct slice *ret_host, struct slice *ret_port)
{
	size_t user = slice_find(authority, '@');
	while (user < authority.len) {
		authority = slice_sub(authority, user + 1, authority.len);
		user = slice_find(authority, '@');
	}
	/* A colon inside the brackets of an IPv6 literal belongs to the address. */
	size_t colon = authority.len;
	while (colon > 0 && authority.ptr[colon - 1] != ':' && authority.ptr[colon - 1] != ']')
		colon--;
	if (colon == 0 || authority.ptr[colon - 1] != ':') {
		*ret_host = authority;
		*ret_port = SLICE_NULL;
		return;
	}
	*ret_host = slice_sub(authority, 0, colon - 1);
	*ret_port = slice_sub(authority, colon, authority.len);
}
