/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions: PCRE2 with JIT where it was built in, POSIX extended otherwise. A match takes
 * its scratch memory from the stream's arena, once a stream.
 */
#ifndef WEIR_RULE_REGEX_H
#define WEIR_RULE_REGEX_H

#include "weir/rule/rule.h"

#define REGEX_GROUPS 10

struct regex;

struct regex_span {
	size_t from, to; /* SIZE_MAX: the group took no part */
};

/* One that regex_free() ends; NULL with a text in why. */
struct regex *regex_new(struct slice text, bool icase, char *why, size_t why_size);
void regex_free(struct regex *re);
/* One that lives as long as the configuration; NULL after conf_error(). */
struct regex *regex_compile(
    struct conf *conf, const struct conf_line *line, int arg, const char *text, bool icase);
bool regex_match(const struct regex *re, struct rule_ctx *cx, struct slice text);
/* The same from an offset on, with the groups; returns how many of them (0: no match). */
unsigned regex_exec(const struct regex *re, struct rule_ctx *cx, struct slice text, size_t from,
    struct regex_span spans[REGEX_GROUPS]);
/*
 * Writes replacement to out with \0 .. \9 taken from the groups, "\\" a backslash, "\xHH" a byte. Returns the
 * length, or SIZE_MAX when cap is too small.
 */
size_t regex_expand(struct slice replacement, struct slice text, const struct regex_span *spans,
    unsigned spans_n, char *out, size_t cap);

#endif
