/* SPDX-License-Identifier: MIT */
/*
 * Options inside a line ("check inter 2s weight 10"): words in any order, each with a fixed or own number of
 * arguments, read against tables of rows.
 */
#include "internal.h"

struct options {
	const struct conf_option *const *tables;
};

/* All names of all tables, by index. */
static const char *next_option(const void *names, size_t i)
{
	const struct conf_option *const *tables = ((const struct options *)names)->tables;
	for (size_t t = 0; tables[t]; t++)
		for (const struct conf_option *row = tables[t]; row->name; row++)
			if (i-- == 0)
				return row->flags & CONF_NOT_YET ? "" : row->name;
	return NULL;
}

static void unknown_option(struct conf *conf, const struct conf_line *line, int arg,
    const struct conf_option *const *tables)
{
	struct options names = { .tables = tables };
	const char *near = conf_nearest(line->argv[arg], next_option, &names);
	conf_error(conf, line, arg, "unknown option '%s' for '%s'%s%s%s", line->argv[arg],
	    line->argv[0], near ? "; did you mean '" : "", near ? near : "", near ? "' ?" : "");
}

/* The row of word arg and whether it was its "no-" form; NULL when the error is told. */
static const struct conf_option *find_row(struct conf *conf, const struct conf_line *line, int arg,
    const struct conf_option *const *tables, bool *ret_negated)
{
	const struct conf_option *row = NULL;
	const char *word = line->argv[arg];

	*ret_negated = false;
	int r = conf_option_find(conf, tables, word, &row);
	if (r == 0 && strncmp(word, "no-", 3) == 0) {
		r = conf_option_find(conf, tables, word + 3, &row);
		*ret_negated = r > 0;
		if (r > 0 && !(row->flags & CONF_MAY_NEGATE)) {
			conf_error(conf, line, arg, "option '%s' has no 'no-' form", word + 3);
			return NULL;
		}
	}
	if (r > 0)
		return row;
	if (r < 0)
		conf_error(conf, line, arg, "out of memory");
	else
		unknown_option(conf, line, arg, tables);
	return NULL;
}

/* Words the option took behind its name, or -1 when what follows cannot be told apart any more. */
static int run_option(struct conf_option_call *call, int *status)
{
	const struct conf_option *row = call->row;
	const struct conf_line *line = call->line;
	int args = call->negated && row->args > 0 ? 0 : row->args;

	if (args > 0 && call->arg + args > line->argc) {
		conf_error(call->conf, line, call->arg - 1, "option '%s' expects %s", row->name,
		    row->usage && *row->usage ? row->usage : "an argument");
		return -1;
	}
	if (row->flags & CONF_NOT_YET || (!row->set && !(row->flags & CONF_NO_EFFECT))) {
		conf_error(call->conf, line, call->arg - 1,
		    "option '%s' is not supported by this version of weir", row->name);
		*status = -1;
		return args;
	}
	if (row->flags & CONF_EXPERIMENTAL && !call->conf->experimental) {
		conf_error(call->conf, line, call->arg - 1,
		    "option '%s' is experimental and needs 'expose-experimental-directives' in the "
		    "'global' section",
		    row->name);
		*status = -1;
		return args;
	}
	if (row->flags & CONF_DEPRECATED)
		conf_warning(call->conf, line, call->arg - 1, "option '%s' is deprecated: %s",
		    row->name, row->help ? row->help : "");
	if (row->flags & CONF_NO_EFFECT) {
		conf_notice(call->conf, line, call->arg - 1, "option '%s' has no effect: %s",
		    row->name, row->data ? (const char *)row->data : "");
		return args;
	}
	int r = row->set(call);
	if (r < 0)
		*status = -1;
	return args < 0 ? r : args;
}

int conf_options(struct conf *conf, const struct conf_line *line, int from,
    const struct conf_option *const *tables, void *object)
{
	int status = 0;
	while (from < line->argc) {
		bool negated;
		const struct conf_option *row = find_row(conf, line, from, tables, &negated);
		if (!row)
			return -1;
		struct conf_option_call call = {
			.conf = conf,
			.line = line,
			.object = object,
			.row = row,
			.arg = from + 1,
			.negated = negated,
		};
		int taken = run_option(&call, &status);
		if (taken < 0)
			return -1;
		from = call.arg + taken;
	}
	return status;
}
