/* SPDX-License-Identifier: MIT */
/*
 * Conditions of .if, .elif and -cc: a recursive descent over
 *
 *   or   = and { "||" and }
 *   and  = term { "&&" term }
 *   term = { "!" } ( "(" or ")" | integer | predicate [ "(" argument { "," argument } ")" ] )
 *
 * The whole text is parsed whatever the outcome, so that a mistake shows on every machine and not only on the
 * one where that part counts.
 */
#include "internal.h"

#include <errno.h>

#define DEPTH_MAX 64
#define ARGS_MAX  2

struct cond {
	struct conf *conf;
	const char *pos;
	unsigned depth;
	char *err; /* filled once, by the first error */
	size_t err_size;
};

struct predicate {
	const char *name;
	unsigned args;
	/* 1, 0, or -1 for an argument without meaning. */
	int (*eval)(const struct conf *conf, const char *const *args);
	const char *help;
};

static int cond_or(struct cond *c);

static int fail(struct cond *c, const char *fmt, ...) WEIR_PRINTF(2, 3);

static int fail(struct cond *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(c->err, c->err_size, fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- predicates ---- */

struct version {
	uint64_t part
	    [6]; /* major, minor, patch; kind (dev, rc, release), its number, commits behind it */
};

static const char *read_number(const char *p, uint64_t *ret)
{
	size_t n = strspn(p, "0123456789");
	if (slice_to_u64(slice_make(p, n), UINT64_MAX, ret) < 0)
		*ret = 0;
	return p + n;
}

/* "3.2", "2.4-dev19", "2.6.12-1+deb12u4", "1.1.1w": what follows the known parts is no part of the order. */
static bool parse_version(const char *text, struct version *v)
{
	enum { DEV, RC, RELEASE };
	*v = (struct version){ .part = { [3] = RELEASE } };
	if (!ascii_is_digit(*text))
		return false;
	const char *p = read_number(text, &v->part[0]);
	int parts = 1;
	while (parts < 3 && p[0] == '.' && ascii_is_digit(p[1]))
		p = read_number(p + 1, &v->part[parts++]);
	if (strncmp(p, "-dev", 4) == 0 || strncmp(p, "-rc", 3) == 0) {
		v->part[3] = p[1] == 'd' ? DEV : RC;
		p = read_number(p + (p[1] == 'd' ? 4 : 3), &v->part[4]);
	} else if (parts == 3 && *p >= 'a' && *p <= 'z') { /* OpenSSL's letter releases */
		v->part[4] = (uint64_t)*p++;
	}
	if (p[0] == '-' && ascii_is_digit(p[1]))
		p = read_number(p + 1, &v->part[5]);
	return *p == '\0' || strchr("-+ ", *p);
}

/* <0, 0, >0 in *ret_order, as present is older than, the same as or newer than wanted. */
static bool compare_versions(const char *present, const char *wanted, int *ret_order)
{
	struct version have, want;
	if (!parse_version(wanted, &want))
		return false;
	if (!present || !parse_version(present, &have))
		have = (struct version){ .part = { 0 } };
	*ret_order = 0;
	for (size_t i = 0; i < ARRAY_SIZE(have.part) && !*ret_order; i++)
		*ret_order = (have.part[i] > want.part[i]) - (have.part[i] < want.part[i]);
	return true;
}

static bool is_listed(const char *const *list, const char *word)
{
	for (; list && *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static int eval_defined(const struct conf *conf, const char *const *args)
{
	return conf_getenv(conf, args[0]) != NULL;
}

static int eval_feature(const struct conf *conf, const char *const *args)
{
	return is_listed(conf->setup.features, args[0]);
}

static int eval_enabled(const struct conf *conf, const char *const *args)
{
	return is_listed(conf->setup.enabled, args[0]);
}

static int eval_streq(const struct conf *conf, const char *const *args)
{
	return strcmp(args[0], args[1]) == 0;
}

static int eval_strneq(const struct conf *conf, const char *const *args)
{
	return strcmp(args[0], args[1]) != 0;
}

static int eval_strstr(const struct conf *conf, const char *const *args)
{
	return strstr(args[0], args[1]) != NULL;
}

static int eval_version_atleast(const struct conf *conf, const char *const *args)
{
	int order;
	return compare_versions(conf->setup.version, args[0], &order) ? order >= 0 : -1;
}

static int eval_version_before(const struct conf *conf, const char *const *args)
{
	int order;
	return compare_versions(conf->setup.version, args[0], &order) ? order < 0 : -1;
}

/* Without a library neither of the two holds: both are about one that is there. */
static int eval_openssl_atleast(const struct conf *conf, const char *const *args)
{
	int order;
	if (!compare_versions(conf->setup.ssl_version, args[0], &order))
		return -1;
	return conf->setup.ssl_version && order >= 0;
}

static int eval_openssl_before(const struct conf *conf, const char *const *args)
{
	int order;
	if (!compare_versions(conf->setup.ssl_version, args[0], &order))
		return -1;
	return conf->setup.ssl_version && order < 0;
}

static int eval_ssllib(const struct conf *conf, const char *const *args)
{
	return conf->setup.ssl_library &&
	       slice_has_prefix(slice_str(conf->setup.ssl_library), slice_str(args[0]));
}

static int eval_fips(const struct conf *conf, const char *const *args)
{
	return conf->setup.ssl_fips;
}

/* weir is never built with AWS-LC. */
static int eval_awslc(const struct conf *conf, const char *const *args)
{
	return 0;
}

static const struct predicate predicates[] = {
	{ "awslc_api_atleast", 1, eval_awslc, "AWS-LC's API number is at least that: never" },
	{ "awslc_api_before", 1, eval_awslc, "AWS-LC's API number is below that: never" },
	{ "defined", 1, eval_defined, "the environment variable exists, even empty" },
	{ "enabled", 1, eval_enabled, "the option is in use at run time" },
	{ "feature", 1, eval_feature, "the feature is built in, as -vv lists it" },
	{ "fips_mode", 0, eval_fips, "the TLS library runs in FIPS mode" },
	{ "openssl_version_atleast", 1, eval_openssl_atleast, "OpenSSL is that version or newer" },
	{ "openssl_version_before", 1, eval_openssl_before, "OpenSSL is older than that" },
	{ "ssllib_name_startswith", 1, eval_ssllib, "the TLS library's name begins so" },
	{ "streq", 2, eval_streq, "both strings are the same" },
	{ "strneq", 2, eval_strneq, "the strings differ" },
	{ "strstr", 2, eval_strstr, "the first string contains the second" },
	{ "version_atleast", 1, eval_version_atleast,
	    "the level of compatibility is that or newer" },
	{ "version_before", 1, eval_version_before, "the level of compatibility is below that" },
};

static const char *next_predicate(const void *names, size_t i)
{
	return i < ARRAY_SIZE(predicates) ? predicates[i].name : NULL;
}

/* ---- the grammar ---- */

static void skip_space(struct cond *c)
{
	while (*c->pos == ' ' || *c->pos == '\t')
		c->pos++;
}

static bool take(struct cond *c, const char *token)
{
	size_t len = strlen(token);
	skip_space(c);
	if (strncmp(c->pos, token, len) != 0)
		return false;
	c->pos += len;
	return true;
}

/* pos is behind the predicate's name. The arguments, NUL-terminated, lie one behind the other in buf. */
static int read_args(struct cond *c, const struct predicate *p, struct strbuf *buf)
{
	unsigned n = 0;
	if (*c->pos == '(') {
		do {
			ssize_t len = conf_parse_arg(++c->pos, buf);
			if (len < 0)
				return fail(c, "unmatched quote in an argument of '%s'", p->name);
			c->pos += len;
			strbuf_addc(buf, '\0');
			n++;
		} while (*c->pos == ',' && n < p->args);
		if (*c->pos == ',')
			return fail(c, "'%s' takes %u argument%s, ')' expected before '%.40s'",
			    p->name, p->args, p->args == 1 ? "" : "s", c->pos);
		if (*c->pos != ')')
			return fail(c, "')' expected behind the arguments of '%s'", p->name);
		c->pos++;
		if (!p->args && buf->len > 1)
			return fail(c, "'%s' takes no argument", p->name);
	}
	if (n < p->args)
		return fail(c, "'%s' expects %u argument%s, not %u", p->name, p->args,
		    p->args == 1 ? "" : "s", n);
	return 0;
}

static int cond_predicate(struct cond *c)
{
	struct strbuf buf = STRBUF_INIT;
	const char *args[ARGS_MAX];
	const struct predicate *p = NULL;
	char name[32];
	size_t len = 0;
	while ((c->pos[len] >= 'a' && c->pos[len] <= 'z') || c->pos[len] == '_' ||
	       ascii_is_digit(c->pos[len]))
		len++;
	snprintf(name, sizeof(name), "%.*s", (int)MIN(len, sizeof(name) - 1), c->pos);
	for (size_t i = 0; i < ARRAY_SIZE(predicates) && !p; i++)
		if (strcmp(predicates[i].name, name) == 0)
			p = &predicates[i];
	if (!p && (!len || c->pos[len] != '('))
		return fail(c, "unparsable conditional expression '%.100s'", c->pos);
	if (!p) {
		const char *near = conf_nearest(name, next_predicate, NULL);
		return fail(c, "unknown predicate '%s'%s%s%s", name, near ? "; did you mean '" : "",
		    near ? near : "", near ? "' ?" : "");
	}
	c->pos += len;
	int r = read_args(c, p, &buf);
	if (r == 0 && buf.failed)
		r = fail(c, "out of memory");
	if (r == 0) {
		const char *arg = strbuf_str(&buf);
		for (unsigned i = 0; i < p->args; i++, arg += strlen(arg) + 1)
			args[i] = arg;
		r = p->eval(c->conf, args);
		if (r < 0)
			fail(c, "'%.40s' is not a version, in '%s'", args[0], p->name);
	}
	strbuf_done(&buf);
	return r;
}

static int cond_term(struct cond *c)
{
	bool negate = false;
	while (take(c, "!"))
		negate = !negate;
	const char *from = c->pos;
	int r;
	if (take(c, "(")) {
		if (++c->depth > DEPTH_MAX)
			return fail(c, "more than %d nested parentheses", DEPTH_MAX);
		r = cond_or(c);
		c->depth--;
		if (r >= 0 && !take(c, ")"))
			return fail(c, "')' expected to close '%.40s'", from);
	} else {
		char *end;
		long long value = strtoll(c->pos, &end, 0);
		if (end != c->pos) {
			c->pos = end;
			r = value != 0;
		} else {
			r = cond_predicate(c);
		}
	}
	return r < 0 ? r : r != negate;
}

static int cond_and(struct cond *c)
{
	int r = cond_term(c);
	while (r >= 0 && take(c, "&&")) {
		int right = cond_term(c);
		r = right < 0 ? right : r && right;
	}
	return r;
}

static int cond_or(struct cond *c)
{
	int r = cond_and(c);
	while (r >= 0 && take(c, "||")) {
		int right = cond_and(c);
		r = right < 0 ? right : r || right;
	}
	return r;
}

int conf_condition_eval(struct conf *conf, const char *text, char *err, size_t err_size)
{
	struct cond c = { .conf = conf, .pos = text, .err = err, .err_size = err_size };
	skip_space(&c);
	if (!*c.pos)
		return 0;
	int r = cond_or(&c);
	skip_space(&c);
	if (r >= 0 && *c.pos)
		return fail(&c, "unexpected '%.40s' at the end of conditional expression '%.100s'",
		    c.pos, text);
	return r;
}

int conf_condition(struct conf *conf, const char *text, char *err, size_t err_size)
{
	struct lexer lx;
	struct strbuf joined = STRBUF_INIT;
	int r = -1;

	lexer_init(&lx, conf_lookup_var, conf);
	lexer_start(&lx, slice_str(text), false);
	if (lexer_next(&lx)) {
		for (size_t i = 0; i < lx.word_n; i++) {
			strbuf_adds(&joined, i ? " " : "");
			strbuf_adds(&joined, lx.argv[i]);
		}
	}
	if (lx.error)
		snprintf(err, err_size, "%s in '%.100s'", lexer_error_text(lx.error), text);
	else if (lx.pos != lx.end)
		snprintf(err, err_size, "a condition is a single line");
	else if (joined.failed)
		snprintf(err, err_size, "out of memory");
	else
		r = conf_condition_eval(conf, strbuf_str(&joined), err, err_size);
	strbuf_done(&joined);
	lexer_done(&lx);
	return r;
}
