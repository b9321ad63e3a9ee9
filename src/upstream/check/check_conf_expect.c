/* SPDX-License-Identifier: MIT */
/*
 * "http-check expect" and "tcp-check expect": options, then a match and its pattern. Reading the configuration, one
 * thread.
 */
#include "check_internal.h"

#include "weir/base/arena.h"

/* "200,204,300-310". */
static int parse_ranges(
    struct conf *conf, const struct conf_line *line, int arg, struct check_expect *e)
{
	struct slice rest = slice_str(line->argv[arg]);
	while (rest.ptr) {
		struct slice high = slice_cut(&rest, ',');
		struct slice low = slice_cut(&high, '-');
		uint64_t from, to;
		if (slice_to_u64(low, 999, &from) < 0 ||
		    slice_to_u64(high.ptr ? high : low, 999, &to) < 0 || from < 100 || from > to ||
		    e->ranges_n == CHECK_RANGES_MAX) {
			conf_error(conf, line, arg,
			    "'status' expects at most %u codes or ranges: 200,300-399",
			    CHECK_RANGES_MAX);
			return -1;
		}
		e->ranges[e->ranges_n].low = (unsigned)from;
		e->ranges[e->ranges_n++].high = (unsigned)to;
	}
	return 0;
}

/* ---- options in front of the match ---- */

enum option {
	OPT_COMMENT,
	OPT_MIN_RECV,
	OPT_OK,
	OPT_ERROR,
	OPT_TOUT,
	OPT_ON_SUCCESS,
	OPT_ON_ERROR,
	OPT_STATUS_CODE,
	OPT_N,
};

static const char *const option_words[OPT_N] = {
	[OPT_COMMENT] = "comment",
	[OPT_MIN_RECV] = "min-recv",
	[OPT_OK] = "ok-status",
	[OPT_ERROR] = "error-status",
	[OPT_TOUT] = "tout-status",
	[OPT_ON_SUCCESS] = "on-success",
	[OPT_ON_ERROR] = "on-error",
	[OPT_STATUS_CODE] = "status-code",
};

/* One of the statuses that an option allows; they end with CHECK_UNKNOWN. */
static int parse_status(struct conf *conf, const struct conf_line *line, int arg,
    const enum check_status *allowed, enum check_status *ret)
{
	char names[64] = "";
	for (; *allowed != CHECK_UNKNOWN; allowed++) {
		const char *name = check_status_name(*allowed);
		if (strcmp(line->argv[arg], name) == 0) {
			*ret = *allowed;
			return 0;
		}
		size_t len = strlen(names);
		snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "", name);
	}
	conf_error(conf, line, arg, "'%s' expects one of %s", line->argv[arg - 1], names);
	return -1;
}

/* The value of one option; *arg stands on it and is moved behind it. */
static int parse_option(struct conf *conf, const struct conf_line *line, int *arg,
    enum option option, struct check_step *step)
{
	static const enum check_status ok[] = { CHECK_L7OK, CHECK_L7OKC, CHECK_L6OK, CHECK_L4OK,
		CHECK_UNKNOWN };
	static const enum check_status bad[] = { CHECK_L7OKC, CHECK_L7RSP, CHECK_L7STS, CHECK_L6RSP,
		CHECK_L4CON, CHECK_UNKNOWN };
	static const enum check_status late[] = { CHECK_L7TOUT, CHECK_L6TOUT, CHECK_L4TOUT,
		CHECK_UNKNOWN };
	struct check_expect *e = &step->expect;
	int at = *arg;
	if (option == OPT_STATUS_CODE) {
		e->status_code = expr_parse(conf, line, arg, RULE_AT_CHECK);
		return e->status_code ? 0 : -1;
	}
	*arg = at + 1;
	switch (option) {
	case OPT_COMMENT:
		step->comment = arena_strdup(conf_arena(conf), line->argv[at]);
		return step->comment ? 0 : -1;
	case OPT_MIN_RECV:
		return conf_int(conf, line, at, -1, INT32_MAX, &e->min_recv);
	case OPT_OK:
		return parse_status(conf, line, at, ok, &e->ok_status);
	case OPT_ERROR:
		return parse_status(conf, line, at, bad, &e->error_status);
	case OPT_TOUT:
		return parse_status(conf, line, at, late, &e->tout_status);
	case OPT_ON_SUCCESS:
		return check_format(conf, line, at, 0, &e->on_success);
	default:
		return check_format(conf, line, at, 0, &e->on_error);
	}
}

/* All options at *arg. */
static int parse_options(
    struct conf *conf, const struct conf_line *line, int *arg, struct check_step *step)
{
	while (*arg < line->argc) {
		unsigned option = 0;
		while (option < OPT_N && strcmp(line->argv[*arg], option_words[option]) != 0)
			option++;
		if (option == OPT_N)
			return 0;
		if (++*arg >= line->argc) {
			conf_error(
			    conf, line, *arg - 1, "'%s' expects a value", option_words[option]);
			return -1;
		}
		if (parse_option(conf, line, arg, option, step) < 0)
			return -1;
	}
	return 0;
}

/* ---- hdr, fhdr ---- */

/* "<word>[-lf] [-m <meth>] <text>" at *arg. */
static int parse_match(
    struct conf *conf, const struct conf_line *line, int *arg, struct check_match *m)
{
	static const char *const methods[] = { "str", "beg", "end", "sub", "reg", NULL };
	bool format = slice_has_suffix(slice_str(line->argv[*arg]), SLICE("-lf"));
	int method = MATCH_STR;
	(*arg)++;
	if (*arg + 1 < line->argc && strcmp(line->argv[*arg], "-m") == 0) {
		if (conf_enum(conf, line, *arg + 1, methods, &method) < 0)
			return -1;
		*arg += 2;
	}
	if (*arg >= line->argc) {
		conf_error(conf, line, *arg - 1, "a name or a value is missing");
		return -1;
	}
	int at = (*arg)++;
	m->kind = (enum match_kind)method;
	if (m->kind == MATCH_REG && !format) {
		m->regex = check_regex_new(conf, line, at, line->argv[at]);
		return m->regex ? 0 : -1;
	}
	if (m->kind == MATCH_REG) {
		conf_error(conf, line, at, "a format cannot be a regular expression");
		return -1;
	}
	if (format)
		return check_format(conf, line, at, LOGFMT_HTTP, &m->text.fmt);
	m->text.text = slice_str(arena_strdup(conf_arena(conf), line->argv[at]));
	return m->text.text.ptr ? 0 : -1;
}

static bool is_word(const char *word, const char *plain, const char *format)
{
	return strcmp(word, plain) == 0 || strcmp(word, format) == 0;
}

static int parse_hdr(
    struct conf *conf, const struct conf_line *line, int *arg, struct check_expect *e)
{
	if (!is_word(line->argv[*arg], "name", "name-lf")) {
		conf_error(conf, line, *arg, "'name' or 'name-lf' is expected");
		return -1;
	}
	if (parse_match(conf, line, arg, &e->name) < 0)
		return -1;
	if (*arg >= line->argc || !is_word(line->argv[*arg], "value", "value-lf"))
		return 0;
	e->has_value = true;
	return parse_match(conf, line, arg, &e->value);
}

/* ---- the match ---- */

static const char *const http_kinds[] = { "status", "rstatus", "hdr", "fhdr", "string", "rstring",
	"string-lf", NULL };
static const char *const tcp_kinds[] = { "string", "rstring", "string-lf", "binary", "rbinary",
	"binary-lf", NULL };

/* The pattern at *arg, which is moved behind it. */
static int parse_pattern(
    struct conf *conf, const struct conf_line *line, int *arg, struct check_expect *e)
{
	int at = *arg;
	if (e->kind == EXPECT_HDR || e->kind == EXPECT_FHDR)
		return parse_hdr(conf, line, arg, e);
	(*arg)++;
	switch (e->kind) {
	case EXPECT_STATUS:
		return parse_ranges(conf, line, at, e);
	case EXPECT_STRING:
		e->text.text = slice_str(arena_strdup(conf_arena(conf), line->argv[at]));
		return e->text.text.ptr ? 0 : -1;
	case EXPECT_BINARY:
		e->text.text = check_unhex(slice_str(line->argv[at]), conf_arena(conf));
		if (e->text.text.ptr)
			return 0;
		conf_error(conf, line, at, "an even number of hex digits is expected");
		return -1;
	case EXPECT_STRING_LF:
	case EXPECT_BINARY_LF:
		return check_format(conf, line, at, 0, &e->text.fmt);
	default:
		e->regex = check_regex_new(conf, line, at, line->argv[at]);
		return e->regex ? 0 : -1;
	}
}

int check_expect_parse(
    struct conf *conf, const struct conf_line *line, int arg, bool http, struct check_step *step)
{
	struct check_expect *e = &step->expect;
	int kind;
	e->min_recv = -1;
	if (parse_options(conf, line, &arg, step) < 0)
		return -1;
	if (strcmp(line->argv[arg], "!") == 0) {
		e->negate = true;
		arg++;
	} else if (line->argv[arg][0] == '!') {
		e->negate = true;
		line->argv[arg]++;
	}
	if (arg + 1 >= line->argc) {
		conf_error(conf, line, line->argc - 1, "'expect' expects a match and a pattern");
		return -1;
	}
	if (conf_enum(conf, line, arg, http ? http_kinds : tcp_kinds, &kind) < 0)
		return -1;
	e->kind = (http ? EXPECT_STATUS : EXPECT_STRING) + (unsigned)kind;
	arg++;
	if (parse_pattern(conf, line, &arg, e) < 0 || parse_options(conf, line, &arg, step) < 0)
		return -1;
	if (arg >= line->argc)
		return 0;
	conf_error(conf, line, arg, "unexpected '%s'", line->argv[arg]);
	return -1;
}
