/* SPDX-License-Identifier: MIT */
/*
 * "option checkcache": a response that sets a cookie and that a shared cache may keep would give one client's session
 * to another. Says which responses do: by the directives that the manual lists, not by all of RFC 9111. Client's worker.
 */
#include "stream.h"

/* Kept by caches unless a field says otherwise. */
static bool is_cacheable_status(unsigned status)
{
	static const uint16_t cacheable[] = { 200, 203, 204, 206, 300, 301, 404, 405, 410, 414,
		501 };
	for (size_t i = 0; i < ARRAY_SIZE(cacheable); i++) {
		if (cacheable[i] == status)
			return true;
	}
	return false;
}

static bool is_cacheable_method(unsigned method)
{
	return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS ||
	       method == HTTP_TRACE;
}

/* Keeps the response, or its cookies, out of shared caches. */
static bool is_protecting(struct slice directive)
{
	static const char *const whole[] = { "private", "no-store", "no-cache", "max-age=0",
		"s-maxage=0", "no-cache=\"set-cookie\"" };
	const struct slice list = SLICE("no-cache=\"set-cookie,");
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		if (slice_ieq(directive, slice_str(whole[i])))
			return true;
	}
	return slice_ieq(slice_sub(directive, 0, list.len), list);
}

/* A cache keeps only what it knows the age of, or can ask the server about. */
static bool has_lifetime(const struct http_msg *m)
{
	return http_hdr_find_id(m, HDR_ETAG, NULL) ||
	       http_hdr_find_id(m, HDR_LAST_MODIFIED, NULL) ||
	       http_hdr_find(m, SLICE("expires"), NULL);
}

static bool is_lifetime(struct slice directive)
{
	struct slice name = slice_sub(directive, 0, slice_find(directive, '='));
	return slice_ieq(name, SLICE("max-age")) || slice_ieq(name, SLICE("s-maxage"));
}

/* The last word counts where directives contradict each other. */
bool stream_leaks_cookie(const struct stream *s)
{
	const struct http_msg *m = &s->res;
	struct http_list_walk walk = { .started = false };
	struct slice directive;
	bool lives = has_lifetime(m);
	bool shared = is_cacheable_status(m->status) && is_cacheable_method(s->req.method);
	if (!http_hdr_find_id(m, HDR_SET_COOKIE, NULL))
		return false;
	if (http_list_has(m, HDR_PRAGMA, SLICE("no-cache")))
		return false;
	while (http_list_next(m, http_hdr_name(HDR_CACHE_CONTROL), &walk, &directive)) {
		lives |= is_lifetime(directive);
		if (is_protecting(directive))
			shared = false;
		else if (slice_ieq(directive, SLICE("public")))
			shared = true;
	}
	return shared && lives;
}
