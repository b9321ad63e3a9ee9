/* SPDX-License-Identifier: MIT */
/*
 * The "global" section and the setters of plain values. Several global sections add up; what a later one says
 * again counts.
 */
#include "conf_global.h"

const struct conf_keyword *const global_keyword_tables[] = {
	global_process_keywords,
	global_identity_keywords,
	global_environment_keywords,
	global_stats_keywords,
	global_limit_keywords,
	global_tune_keywords,
	global_var_keywords,
	global_ignored_keywords,
	global_tune_ignored_keywords,
	global_later_keywords,
	global_tls_file_keywords,
	global_tls_library_keywords,
	global_tls_default_keywords,
	global_tls_tune_keywords,
	global_h2_keywords,
	NULL,
};

static void *open_global(const struct conf_call *call)
{
	struct config *config = conf_user(call->conf);
	if (call->arg < call->line->argc) {
		conf_error(call->conf, call->line, call->arg,
		    "'global' cannot handle unexpected argument '%s'", call->line->argv[call->arg]);
		return NULL;
	}
	return &config->global;
}

const struct conf_section section_global = {
	.name = "global",
	.scope = CONF_GLOBAL,
	.open = open_global,
	.tables = global_keyword_tables,
};

static void *field(const struct conf_call *call, size_t offset)
{
	return (char *)call->object + offset;
}

int global_set_flag(const struct conf_call *call)
{
	*(bool *)field(call, call->row->data) = call->negation != CONF_NO;
	return 0;
}

int global_set_number(const struct conf_call *call)
{
	const struct global_number *number = (const struct global_number *)call->row->data;
	int64_t n;
	if (conf_int(call->conf, call->line, call->arg, number->min, number->max, &n) < 0)
		return -1;
	*(unsigned *)field(call, number->offset) = (unsigned)n;
	return 0;
}

int global_set_size(const struct conf_call *call)
{
	const struct global_number *number = (const struct global_number *)call->row->data;
	uint64_t n;
	if (conf_size(call->conf, call->line, call->arg, (uint64_t)number->min,
		(uint64_t)number->max, &n) < 0)
		return -1;
	*(unsigned *)field(call, number->offset) = (unsigned)n;
	return 0;
}

int global_set_time(const struct conf_call *call)
{
	return conf_time_ms(call->conf, call->line, call->arg, field(call, call->row->data));
}

int global_set_text(const struct conf_call *call)
{
	char *text = arena_strdup(conf_arena(call->conf), call->line->argv[call->arg]);
	if (!text) {
		conf_error(call->conf, call->line, -1, "out of memory");
		return -1;
	}
	*(const char **)field(call, call->row->data) = text;
	return 0;
}

int global_set_words(const struct conf_call *call)
{
	struct strbuf words = STRBUF_INIT;
	for (int i = call->arg; i < call->line->argc; i++)
		strbuf_addf(&words, "%s%s", i > call->arg ? " " : "", call->line->argv[i]);
	char *text = words.failed ? NULL : arena_strdup(conf_arena(call->conf), strbuf_str(&words));
	strbuf_done(&words);
	if (!text) {
		conf_error(call->conf, call->line, -1, "out of memory");
		return -1;
	}
	*(const char **)field(call, call->row->data) = text;
	return 0;
}
