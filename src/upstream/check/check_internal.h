/* SPDX-License-Identifier: MIT */
/*
 * What the files of src/upstream/check/ share: the HTTP check's configuration and how a response is judged.
 */
#ifndef WEIR_UPSTREAM_CHECK_INTERNAL_H
#define WEIR_UPSTREAM_CHECK_INTERNAL_H

#include "../upstream_internal.h"

/* Bytes of a response that a check looks at. */
#define CHECK_RESPONSE_MAX 16384u
#define CHECK_HEADERS_MAX  101u
#define CHECK_RANGES_MAX   16u

struct check_regex;

enum expect_kind {
	EXPECT_DEFAULT, /* 2xx and 3xx */
	EXPECT_STATUS,
	EXPECT_RSTATUS,
	EXPECT_STRING,
	EXPECT_RSTRING,
};

struct check_expect {
	enum expect_kind kind;
	bool negate;
	struct {
		unsigned low, high;
	} ranges[CHECK_RANGES_MAX];
	unsigned ranges_n;
	struct slice text;
	struct check_regex *regex;
	const char *comment;
};

/* Immutable; a line that changes one copies it, so a defaults section's stays as it is. */
struct httpchk_conf {
	bool enabled; /* "option httpchk" was there, and not only "http-check" */
	const char *method, *uri, *version;
	const char *host;  /* NULL: none */
	struct slice hdrs; /* "Name: value\r\n" each */
	struct slice body;
	bool disable_on_404;
	struct check_expect expect;
};

/* NULL after conf_error(). The expression lies in the configuration's arena. */
struct check_regex *check_regex_new(
    struct conf *conf, const struct conf_line *line, int arg, const char *pattern);
bool check_regex_match(const struct check_regex *re, struct slice text);

/* The whole request, with malloc. .ptr NULL when memory is short. */
struct strbuf check_http_request(const struct httpchk_conf *h);

struct check_verdict {
	enum check_status status;
	enum check_result result;
	unsigned code;
	char desc[128];
};
/*
 * Judges what was received so far; eof: no more comes. The head is parsed in place. False: more bytes are
 * needed.
 */
bool check_http_judge(const struct httpchk_conf *h, char *buf, size_t len, bool eof, bool full,
    struct check_verdict *ret);

#endif
