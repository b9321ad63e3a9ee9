/* SPDX-License-Identifier: MIT */
/*
 * "option httpchk" and "http-check" lines. Each line writes a changed copy, so that what a defaults section
 * gave is never changed. Reading the configuration, one thread.
 */
#include "check_internal.h"

#include "weir/base/arena.h"
#include "weir/upstream/upstream_conf.h"

static struct httpchk_conf *copy_of(struct conf *conf, const struct httpchk_conf *old)
{
	struct httpchk_conf *h = arena_new(conf_arena(conf), struct httpchk_conf);
	if (!h)
		return NULL;
	if (old) {
		*h = *old;
	} else {
		h->method = "OPTIONS";
		h->uri = "/";
		h->version = "HTTP/1.0";
	}
	return h;
}

static const char *word_at(struct conf *conf, const struct conf_line *line, int arg)
{
	return arena_strdup(conf_arena(conf), line->argv[arg]);
}

/* Bytes that would break the request apart. */
static bool check_word(struct conf *conf, const struct conf_line *line, int arg, bool spaces)
{
	for (const char *p = line->argv[arg]; *p; p++) {
		if ((unsigned char)*p >= (spaces ? ' ' : '!') && *p != 0x7f)
			continue;
		conf_error(
		    conf, line, arg, "this word has a byte that cannot be sent in a request");
		return false;
	}
	return true;
}

int httpchk_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf **conf_ptr)
{
	struct httpchk_conf *h = copy_of(conf, *conf_ptr);
	int n = line->argc - arg;
	if (!h)
		return -1;
	if (n > 4) {
		conf_error(conf, line, arg + 4,
		    "'option httpchk' takes at most a method, a URI, a "
		    "version and a host");
		return -1;
	}
	for (int i = 0; i < n; i++)
		if (!check_word(conf, line, arg + i, i >= 2))
			return -1;
	h->enabled = true;
	if (n == 1)
		h->uri = word_at(conf, line, arg);
	if (n >= 2) {
		h->method = word_at(conf, line, arg);
		h->uri = word_at(conf, line, arg + 1);
	}
	if (n >= 3)
		h->version = word_at(conf, line, arg + 2);
	if (n >= 4)
		h->host = word_at(conf, line, arg + 3);
	*conf_ptr = h;
	return 0;
}

/* A format without variable parts: "%%" is "%". */
static const char *constant_format(struct conf *conf, const struct conf_line *line, int arg)
{
	char *text = arena_strdup(conf_arena(conf), line->argv[arg]);
	char *out = text;
	for (const char *p = text; p && *p; p++) {
		if (*p == '%' && *++p != '%') {
			conf_error(conf, line, arg,
			    "variables in health checks are not supported by this version of weir");
			return NULL;
		}
		*out++ = *p;
	}
	if (out)
		*out = 0;
	return text;
}

/* "hdr <name> <value>": two words at arg. */
static int add_header(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf *h)
{
	if (arg + 1 >= line->argc) {
		conf_error(conf, line, arg - 1, "'hdr' expects a name and a value");
		return -1;
	}
	if (!check_word(conf, line, arg, false) || !check_word(conf, line, arg + 1, true))
		return -1;
	const char *value = constant_format(conf, line, arg + 1);
	if (!value)
		return -1;
	struct slice name = slice_str(line->argv[arg]);
	if (slice_ieq(name, SLICE("content-length")) ||
	    slice_ieq(name, SLICE("transfer-encoding")) || slice_ieq(name, SLICE("connection")))
		return 0; /* the check knows these better */
	if (slice_ieq(name, SLICE("host"))) {
		h->host = value;
		return 0;
	}
	char *all = arena_printf(
	    conf_arena(conf), "%.*s%s: %s\r\n", SLICE_ARG(h->hdrs), line->argv[arg], value);
	h->hdrs = slice_str(all);
	return all ? 0 : -1;
}

static int parse_send(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf *h)
{
	h->hdrs = SLICE_NULL;
	h->body = SLICE_NULL;
	while (arg < line->argc) {
		const char *word = line->argv[arg++];
		if (arg >= line->argc) {
			conf_error(conf, line, arg - 1, "'%s' expects a value", word);
			return -1;
		}
		if (strcmp(word, "hdr") == 0) {
			if (add_header(conf, line, arg, h) < 0)
				return -1;
			arg += 2;
			continue;
		}
		bool is_body = strcmp(word, "body") == 0;
		if (strcmp(word, "comment") == 0) {
			arg++;
			continue;
		}
		if (!is_body && !check_word(conf, line, arg, false))
			return -1;
		const char *value = word_at(conf, line, arg);
		if (!value)
			return -1;
		if (strcmp(word, "meth") == 0)
			h->method = value;
		else if (strcmp(word, "uri") == 0)
			h->uri = value;
		else if (strcmp(word, "ver") == 0)
			h->version = value;
		else if (is_body)
			h->body = slice_str(value);
		else {
			bool later = strcmp(word, "uri-lf") == 0 || strcmp(word, "body-lf") == 0;
			conf_error(conf, line, arg - 1,
			    later ? "'%s' is not supported by this version of weir"
				  : "'http-check send' does not know '%s'",
			    word);
			return -1;
		}
		arg++;
	}
	return 0;
}

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

static int parse_pattern(
    struct conf *conf, const struct conf_line *line, int arg, struct check_expect *e)
{
	static const char *const kinds[] = { "status", "rstatus", "string", "rstring", NULL };
	int kind;
	if (arg + 1 >= line->argc) {
		conf_error(conf, line, line->argc - 1,
		    "'http-check expect' expects a match and a pattern");
		return -1;
	}
	if (conf_enum(conf, line, arg, kinds, &kind) < 0)
		return -1;
	e->kind = EXPECT_STATUS + (unsigned)kind;
	arg++;
	switch (e->kind) {
	case EXPECT_STATUS:
		return parse_ranges(conf, line, arg, e);
	case EXPECT_STRING:
		e->text = slice_str(word_at(conf, line, arg));
		return e->text.ptr ? 0 : -1;
	default:
		e->regex = check_regex_new(conf, line, arg, line->argv[arg]);
		return e->regex ? 0 : -1;
	}
}

static int parse_expect(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf *h)
{
	static const char *const later[] = { "min-recv", "ok-status", "error-status", "tout-status",
		"on-success", "on-error", "status-code", "hdr", "fhdr", "string-lf" };
	h->expect = (struct check_expect){ .kind = EXPECT_DEFAULT };
	if (arg + 1 < line->argc && strcmp(line->argv[arg], "comment") == 0) {
		h->expect.comment = word_at(conf, line, arg + 1);
		arg += 2;
	}
	for (size_t i = 0; i < ARRAY_SIZE(later); i++) {
		if (strcmp(line->argv[arg], later[i]) == 0) {
			conf_error(conf, line, arg, "'%s' is not supported by this version of weir",
			    later[i]);
			return -1;
		}
	}
	if (strcmp(line->argv[arg], "!") == 0) {
		h->expect.negate = true;
		arg++;
	}
	return parse_pattern(conf, line, arg, &h->expect);
}

int http_check_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf **conf_ptr)
{
	static const char *const words[] = { "send", "expect", "disable-on-404", "comment",
		"connect", "send-state", "set-var", "unset-var", NULL };
	struct httpchk_conf *h = copy_of(conf, *conf_ptr);
	int word, r = 0;
	if (!h)
		return -1;
	if (arg >= line->argc) {
		conf_error(conf, line, arg - 1, "'http-check' expects an action");
		return -1;
	}
	if (conf_enum(conf, line, arg, words, &word) < 0)
		return -1;
	switch (word) {
	case 0:
		r = parse_send(conf, line, arg + 1, h);
		break;
	case 1:
		r = parse_expect(conf, line, arg + 1, h);
		break;
	case 2:
		h->disable_on_404 = true;
		break;
	case 3:
		break;
	default:
		conf_error(conf, line, arg,
		    "'http-check %s' is not supported by this version of weir", words[word]);
		r = -1;
	}
	if (r == 0)
		*conf_ptr = h;
	return r;
}

bool httpchk_enabled(const struct httpchk_conf *h)
{
	return h && h->enabled;
}
