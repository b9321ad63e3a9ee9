/* SPDX-License-Identifier: MIT */
/*
 * "balance", "hash-type" and "hash-balance-factor" lines. Reading the configuration, one thread.
 */
#include "balance_internal.h"

#include <limits.h>

/* In the order of the manual. */
static const struct balance_ops *const algorithms[] = {
	&balance_roundrobin,
	&balance_static_rr,
	&balance_leastconn,
	&balance_first,
	&balance_hash_expr,
	&balance_source,
	&balance_uri,
	&balance_url_param,
	&balance_hdr,
	&balance_random,
	&balance_rdp_cookie,
	&balance_log_hash,
	&balance_sticky,
};

const char *const balance_names[] = { "roundrobin", "static-rr", "leastconn", "first", "hash",
	"source", "uri", "url_param", "hdr", "random", "rdp-cookie", "log-hash", "sticky", NULL };

void balance_conf_set(struct balance_conf *b, const char *name)
{
	*b = (struct balance_conf){ .random_draws = 2 };
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (strcmp(algorithms[i]->name, name) == 0)
			b->ops = algorithms[i];
}

bool balance_is_supported(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (strcmp(algorithms[i]->name, name) == 0)
			return true;
	return false;
}

void balance_conf_init(struct balance_conf *b)
{
	balance_conf_set(b, "random");
}

static const char *next_name(const void *names, size_t i)
{
	(void)names;
	return balance_names[i];
}

/* "name(argument)": the argument without quotes, NULL without parentheses. False when they do not match. */
static bool split_argument(
    struct conf *conf, const char *word, struct slice *ret_name, char **ret_argument)
{
	struct slice w = slice_str(word);
	size_t open = slice_find(w, '(');
	*ret_name = slice_sub(w, 0, open);
	*ret_argument = NULL;
	if (open == w.len)
		return true;
	struct strbuf text = STRBUF_INIT;
	ssize_t took = conf_parse_arg(w.ptr + open + 1, &text);
	bool ok = took >= 0 && strcmp(w.ptr + open + 1 + took, ")") == 0;
	if (ok)
		*ret_argument = arena_strdup(conf_arena(conf), strbuf_str(&text));
	strbuf_done(&text);
	return ok && *ret_argument;
}

static void set_param(struct balance_conf *b, const char *param)
{
	b->param = param;
	b->param_len = strlen(param);
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = ascii_lower(*text);
}

/* "len <n>", "depth <n>", "whole", "path-only". */
static int parse_uri(
    struct conf *conf, const struct conf_line *line, int arg, struct balance_conf *b)
{
	for (; arg < line->argc; arg++) {
		const char *word = line->argv[arg];
		bool is_len = strcmp(word, "len") == 0;
		int64_t v;
		if (is_len || strcmp(word, "depth") == 0) {
			if (++arg >= line->argc) {
				conf_error(conf, line, arg - 1, "'%s' expects a number", word);
				return -1;
			}
			if (conf_int(conf, line, arg, 1, INT_MAX, &v) < 0)
				return -1;
			*(is_len ? &b->uri_len : &b->uri_depth) = (unsigned)v;
		} else if (strcmp(word, "whole") == 0) {
			b->uri_whole = true;
		} else if (strcmp(word, "path-only") == 0) {
			b->uri_path_only = true;
		} else {
			conf_error(conf, line, arg,
			    "'balance uri' knows 'len', 'depth', 'whole' and 'path-only', not '%s'",
			    word);
			return -1;
		}
	}
	return 0;
}

static int parse_url_param(
    struct conf *conf, const struct conf_line *line, int arg, struct balance_conf *b)
{
	if (arg >= line->argc) {
		conf_error(conf, line, arg - 1, "'balance url_param' expects a parameter name");
		return -1;
	}
	char *param = arena_strdup(conf_arena(conf), line->argv[arg]);
	if (!param)
		return -1;
	set_param(b, param);
	if (++arg >= line->argc)
		return 0;
	if (strcmp(line->argv[arg], "check_post") != 0) {
		conf_error(conf, line, arg, "'balance url_param' knows 'check_post', not '%s'",
		    line->argv[arg]);
		return -1;
	}
	b->check_post = true; /* a number behind it was once a bound; it means nothing any more */
	return 0;
}

static int parse_hdr(struct conf *conf, const struct conf_line *line, int arg, char *argument,
    struct balance_conf *b)
{
	if (!argument || !*argument) {
		conf_error(conf, line, arg - 1, "'balance hdr' expects a header name: hdr(<name>)");
		return -1;
	}
	lower(argument);
	set_param(b, argument);
	if (arg >= line->argc)
		return 0;
	if (strcmp(line->argv[arg], "use_domain_only") != 0) {
		conf_error(conf, line, arg, "'balance hdr' knows 'use_domain_only', not '%s'",
		    line->argv[arg]);
		return -1;
	}
	b->use_domain_only = true;
	return 0;
}

static int parse_random(struct conf *conf, const struct conf_line *line, int arg,
    const char *argument, struct balance_conf *b)
{
	int64_t draws = 2;
	if (argument && (conf_parse_int(argument, &draws) < 0 || draws < 1 || draws > 1000)) {
		conf_error(conf, line, arg - 1, "'balance random' expects 1 or more draws");
		return -1;
	}
	b->random_draws = (unsigned)draws;
	return 0;
}

/* Converters, whose input is the line. Without any all of it is the key. */
static int parse_log_hash(
    struct conf *conf, const struct conf_line *line, int arg, struct balance_conf *b)
{
	bool has = arg < line->argc;
	char *text = arena_printf(
	    conf_arena(conf), "str(line)%s%s", has ? "," : "", has ? line->argv[arg] : "");
	b->expr = text ? expr_parse_text(conf, line, arg, text, RULE_AT_LOG) : NULL;
	return b->expr ? 0 : -1;
}

/* What stands behind the algorithm's word at arg. */
static int parse_arguments(struct conf *conf, const struct conf_line *line, int arg, char *argument,
    struct balance_conf *b)
{
	const struct balance_ops *ops = b->ops;
	if (ops == &balance_uri)
		return parse_uri(conf, line, arg, b);
	if (ops == &balance_url_param)
		return parse_url_param(conf, line, arg, b);
	if (ops == &balance_hdr)
		return parse_hdr(conf, line, arg, argument, b);
	if (ops == &balance_random)
		return parse_random(conf, line, arg, argument, b);
	if (ops == &balance_rdp_cookie) {
		set_param(b, argument && *argument ? argument : "mstshash");
		return 0;
	}
	if (ops == &balance_log_hash)
		return parse_log_hash(conf, line, arg, b);
	if (ops == &balance_hash_expr) {
		b->expr = expr_parse(conf, line, &arg, RULE_AT_REQ | RULE_AT_BACKEND);
		return b->expr ? 0 : -1;
	}
	if (arg < line->argc) {
		conf_error(conf, line, arg, "'balance %s' takes no argument '%s'", ops->name,
		    line->argv[arg]);
		return -1;
	}
	return 0;
}

int balance_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct balance_conf *ret)
{
	struct slice name;
	char *argument;
	if (arg >= line->argc) {
		conf_error(conf, line, arg - 1, "'balance' expects an algorithm");
		return -1;
	}
	const char *word = line->argv[arg];
	if (!split_argument(conf, word, &name, &argument)) {
		conf_error(conf, line, arg, "cannot read the argument of '%s'", word);
		return -1;
	}
	struct balance_conf b = { .random_draws = 2 };
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (slice_eq(name, slice_str(algorithms[i]->name)))
			b.ops = algorithms[i];
	if (!b.ops) {
		const char *near = conf_nearest(word, next_name, NULL);
		conf_error(conf, line, arg, "unknown balancing algorithm '%s'%s%s%s", word,
		    near ? "; did you mean '" : "", near ? near : "", near ? "' ?" : "");
		return -1;
	}
	if (parse_arguments(conf, line, arg + 1, argument, &b) < 0)
		return -1;
	*ret = b;
	return 0;
}

const char *const hash_type_names[] = { "map-based", "consistent", NULL };
/* In the order of enum hash_function. */
const char *const hash_function_names[] = { "sdbm", "djb2", "wt6", "crc32", "none", NULL };

int hash_type_parse(struct conf *conf, const struct conf_line *line, int arg, struct hash_conf *ret)
{
	struct hash_conf h = { .balance_factor = ret->balance_factor };
	int method, function;
	if (arg >= line->argc) {
		conf_error(conf, line, arg - 1, "'hash-type' expects 'map-based' or 'consistent'");
		return -1;
	}
	if (conf_enum(conf, line, arg, hash_type_names, &method) < 0)
		return -1;
	h.consistent = method == 1;
	/* the older form "consistent" alone means sdbm with avalanche */
	h.avalanche = h.consistent && arg + 1 >= line->argc;
	if (arg + 1 < line->argc && strcmp(line->argv[arg + 1], "avalanche") == 0) {
		h.avalanche = true;
		arg++;
	} else if (arg + 1 < line->argc) {
		if (conf_enum(conf, line, ++arg, hash_function_names, &function) < 0)
			return -1;
		h.function = (enum hash_function)function;
		if (arg + 1 < line->argc && strcmp(line->argv[arg + 1], "avalanche") == 0) {
			h.avalanche = true;
			arg++;
		}
	}
	if (arg + 1 < line->argc) {
		conf_error(
		    conf, line, arg + 1, "'hash-type' does not know '%s'", line->argv[arg + 1]);
		return -1;
	}
	*ret = h;
	return 0;
}

int hash_balance_factor_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct hash_conf *ret)
{
	int64_t v;
	if (arg >= line->argc) {
		conf_error(conf, line, arg - 1, "'hash-balance-factor' expects a percentage");
		return -1;
	}
	if (conf_int(conf, line, arg, 0, INT_MAX, &v) < 0)
		return -1;
	if (v != 0 && v <= 100) {
		conf_error(conf, line, arg, "'hash-balance-factor' must be 0 or greater than 100");
		return -1;
	}
	ret->balance_factor = (unsigned)v;
	return 0;
}
