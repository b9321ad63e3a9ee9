/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of the configuration reader: any bytes as a file, over a small keyword table. Besides not
 * crashing it must keep three promises: an error is told or the file is taken, never both or neither; every
 * word ends within the line; and what a file that was taken dumps reads back to the same dump. The first
 * line is tried as a condition too.
 */
#include "weir/conf/conf.h"

#include <sys/types.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int touch(const struct conf_call *call)
{
	const struct conf_line *line = call->line;
	require(call->arg <= line->argc && line->pos.line > 0);
	for (int i = 0; i < line->argc; i++)
		require(strlen(line->argv[i]) <= (2u << 20) && line->cols[i] && line->lines[i]);
	require(!line->argv[line->argc][0] && !line->argv[line->argc + 1][0]);
	return 0;
}

static int set_variable(const struct conf_call *call)
{
	touch(call);
	return conf_setenv(call->conf, call->line->argv[1], call->line->argv[2]);
}

static int read_values(const struct conf_call *call)
{
	uint64_t value;
	int64_t number;
	unsigned ms;
	bool on;
	const char *name;
	static const char *const words[] = { "http", "tcp", NULL };
	int choice;
	(void)conf_time_ms(call->conf, call->line, call->arg, &ms);
	(void)conf_size(call->conf, call->line, call->arg + 1, 0, UINT64_MAX, &value);
	(void)conf_int(call->conf, call->line, call->arg + 2, INT64_MIN, INT64_MAX, &number);
	(void)conf_on_off(call->conf, call->line, call->arg + 3, &on);
	(void)conf_name(call->conf, call->line, call->arg + 4, &name);
	return conf_enum(call->conf, call->line, call->arg + 5, words, &choice);
}

static int set_option(const struct conf_option_call *call)
{
	require(call->arg + call->row->args <= call->line->argc || call->negated);
	return 0;
}

static const struct conf_option options[] = {
	{ "check", 0, set_option, 0, "", "", CONF_MAY_NEGATE },
	{ "weight", 1, set_option, 0, "<weight>", "", 0 },
	{ .name = NULL },
};
static const struct conf_option *const option_tables[] = { options, NULL };

static int read_options(const struct conf_call *call)
{
	touch(call);
	return conf_options(call->conf, call->line, call->arg, option_tables, call->object);
}

static const struct conf_keyword keywords[] = {
	{ "setenv", CONF_GLOBAL, 0, 2, 2, set_variable, 0, "<name> <value>", "" },
	{ "values", CONF_GLOBAL, 0, 0, -1, read_values, 0, "", "" },
	{ "bind", CONF_FRONTEND, 0, 1, -1, read_options, 0, "<address>", "" },
	{ "option httplog", CONF_FE, CONF_MAY_NEGATE, 0, 1, touch, 0, "", "" },
	{ "timeout client", CONF_FE, 0, 1, 1, touch, 0, "<timeout>", "" },
	{ "log", CONF_GLOBAL | CONF_PROXY, CONF_MAY_NEGATE, 0, -1, touch, 0, "", "" },
	{ "peers", CONF_FRONTEND, CONF_NOT_YET, 0, 0, NULL, 0, "", "" },
	{ .name = NULL },
};
static const struct conf_keyword *const tables[] = { keywords, NULL };

static void *open_any(const struct conf_call *call)
{
	touch(call);
	return conf_user(call->conf);
}

static const struct conf_section global = { "global", CONF_GLOBAL, open_any, NULL, tables };
static const struct conf_section frontend = { "frontend", CONF_FRONTEND, open_any, NULL, tables };
static const struct conf_section *const sections[] = { &global, &frontend, NULL };

/* Reads text and returns its dump, or NULL when it was refused. */
static char *read_once(struct slice text, bool condition)
{
	static const char *const features[] = { "OPENSSL", NULL };
	struct arena arena;
	struct diag *diag = diag_new();
	char *dump = NULL;
	char *sink = NULL;
	size_t size = 0;
	FILE *out;

	arena_init(&arena, 4096);
	const struct conf_setup setup = {
		.sections = sections,
		.keywords = tables,
		.diag = diag,
		.arena = &arena,
		.user = &arena,
		.features = features,
		.version = "3.5.0",
	};
	struct conf *conf = conf_new(&setup);
	conf_setenv(conf, "V", "a b  c");
	if (condition) {
		char err[128] = "";
		char *line = slice_dup(slice_sub(text, 0, slice_find(text, '\n')));
		int r = conf_condition(conf, line, err, sizeof(err));
		require((r < 0) == (err[0] != '\0'));
		free(line);
	}
	conf_add_text(conf, "fuzz", text);
	int r = conf_read(conf);
	require((r < 0) == (diag_count(diag, DIAG_ERROR) > 0));
	if (r == 0 && (out = open_memstream(&dump, &size))) {
		conf_dump(conf, out);
		fclose(out);
	}
	out = open_memstream(&sink, &size);
	diag_print(diag, DIAG_NOTICE, out);
	fclose(out);
	free(sink);
	conf_free(conf);
	diag_free(diag);
	arena_reset(&arena);
	return dump;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *dump = read_once(slice_make((const char *)data, size), true);
	if (!dump)
		return 0;
	char *again = read_once(slice_str(dump), false);
	require(again && strcmp(dump, again) == 0);
	free(dump);
	free(again);
	return 0;
}
