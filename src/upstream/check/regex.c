/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions of "http-check expect". The compiled pattern lies in the configuration's arena, so it goes
 * with it. Matching happens a few times a second, so without JIT.
 */
#include "check_internal.h"

#include "weir/base/arena.h"
#include "weir/conf/conf.h"

#ifdef USE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct check_regex {
	pcre2_code *code;
};

static void *from_arena(size_t size, void *arena)
{
	return arena_alloc(arena, size);
}

static void leave_in_arena(void *ptr, void *arena)
{
	(void)ptr;
	(void)arena;
}

struct check_regex *check_regex_new(
    struct conf *conf, const struct conf_line *line, int arg, const char *pattern)
{
	struct arena *arena = conf_arena(conf);
	struct check_regex *re = arena_new(arena, struct check_regex);
	pcre2_general_context *general =
	    pcre2_general_context_create(from_arena, leave_in_arena, arena);
	pcre2_compile_context *cx = general ? pcre2_compile_context_create(general) : NULL;
	int error;
	size_t at;
	if (re && cx)
		re->code =
		    pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &error, &at, cx);
	if (re && re->code)
		return re;
	conf_error(conf, line, arg, "cannot compile the regular expression '%s'", pattern);
	return NULL;
}

bool check_regex_match(const struct check_regex *re, struct slice text)
{
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	if (!found)
		return false;
	int r = pcre2_match(re->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, found, NULL);
	pcre2_match_data_free(found);
	return r >= 0;
}

#else

struct check_regex *check_regex_new(
    struct conf *conf, const struct conf_line *line, int arg, const char *pattern)
{
	conf_error(
	    conf, line, arg, "regular expression '%s': this weir was built without PCRE2", pattern);
	return NULL;
}

bool check_regex_match(const struct check_regex *re, struct slice text)
{
	(void)re;
	(void)text;
	return false;
}

#endif
