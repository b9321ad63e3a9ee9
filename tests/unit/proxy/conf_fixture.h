/* SPDX-License-Identifier: MIT */
/*
 * Reads configurations as the program does, with a small "global" section that knows logs and admin sockets
 * only, and keeps the messages.
 */
#ifndef WEIR_TESTS_CONF_FIXTURE_H
#define WEIR_TESTS_CONF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "weir/base/strbuf.h"
#include "weir/proxy/config.h"
#include "weir/proxy/log_profile.h"

struct fixture {
	struct diag *diag;
	struct config *config;
	struct conf *conf;
	char *messages; /* all of warnings and errors */
	size_t messages_len;
	int result;
};

static int global_log(const struct conf_call *call)
{
	struct config *c = conf_user(call->conf);
	bool unused;
	return log_conf_parse(call->conf, call->line, call->arg, &c->global.logs, &unused, true);
}

static int global_send_hostname(const struct conf_call *call)
{
	struct config *c = conf_user(call->conf);
	c->global.log_send_hostname = true;
	c->global.log_hostname = arena_strdup(&c->arena, call->line->argv[call->arg]);
	return 0;
}

static int global_stats_socket(const struct conf_call *call)
{
	struct config *c = conf_user(call->conf);
	return bind_parse(call->conf, call->line, call->arg, NULL, &c->global.stats_sockets_last);
}

static int global_maxconn(const struct conf_call *call)
{
	struct config *c = conf_user(call->conf);
	int64_t n;
	if (conf_int(call->conf, call->line, call->arg, 1, 1000000, &n) < 0)
		return -1;
	c->global.maxconn = (unsigned)n;
	return 0;
}

static const struct conf_keyword global_keywords[] = {
	{ "log", CONF_GLOBAL, 0, 1, -1, global_log, 0, "", "" },
	{ "log-send-hostname", CONF_GLOBAL, 0, 1, 1, global_send_hostname, 0, "", "" },
	{ "stats socket", CONF_GLOBAL, 0, 1, -1, global_stats_socket, 0, "", "" },
	{ "maxconn", CONF_GLOBAL, 0, 1, 1, global_maxconn, 0, "", "" },
	{ .name = NULL },
};

static const struct conf_keyword *const global_tables[] = { global_keywords, NULL };

static void *open_global(const struct conf_call *call)
{
	return conf_user(call->conf);
}

static const struct conf_section section_global = {
	.name = "global", .scope = CONF_GLOBAL, .open = open_global, .tables = global_tables
};

static const struct conf_section *const fixture_sections[] = { &section_global, &section_defaults,
	&section_frontend, &section_backend, &section_listen, &section_log_profile,
	&section_crt_store, NULL };

static inline void fixture_read(struct fixture *f, const char *name, struct slice text)
{
	f->diag = diag_new();
	f->config = config_new();
	assert_non_null(f->diag);
	assert_non_null(f->config);
	struct conf_setup setup = {
		.sections = fixture_sections,
		.keywords = proxy_keyword_tables,
		.diag = f->diag,
		.arena = &f->config->arena,
		.user = f->config,
		.version = "3.5.0",
	};
	f->conf = conf_new(&setup);
	assert_non_null(f->conf);
	assert_int_equal(conf_add_text(f->conf, name, text), 0);
	int read = conf_read(f->conf);
	int finish = config_finish(f->conf, f->config);
	f->result = read < 0 || finish < 0 ? -1 : 0;
	FILE *out = open_memstream(&f->messages, &f->messages_len);
	assert_non_null(out);
	diag_print(f->diag, DIAG_WARNING, out);
	assert_int_equal(fclose(out), 0);
}

static inline void fixture_text(struct fixture *f, const char *text)
{
	fixture_read(f, "t", slice_str(text));
}

static inline void fixture_done(struct fixture *f)
{
	conf_free(f->conf);
	config_unref(NULL, f->config);
	diag_free(f->diag);
	free(f->messages);
}

#endif
