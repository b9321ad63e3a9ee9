/* SPDX-License-Identifier: MIT */
/*
 * A small language for the tests of this module: sections "global", "frontend", "backend" and "defaults" whose
 * keywords write down what they were called with. One fixture a test.
 */
#ifndef WEIR_TESTS_UNIT_CONF_FIXTURE_H
#define WEIR_TESTS_UNIT_CONF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weir/base/strbuf.h"
#include "weir/conf/conf.h"

/* How an error begins in fixture_messages(). */
#define ALERT "[ALERT]    (pid) : config : "

struct fixture {
	struct conf *conf;
	struct diag *diag;
	struct arena arena;
	struct strbuf log; /* of calls: "maxconn(10)\n" */
	char *messages;	   /* what diag_print() wrote, pid taken out */
};

static inline struct strbuf *fixture_log(struct conf *conf)
{
	return &((struct fixture *)conf_user(conf))->log;
}

/* Writes "name(word|word)" and the negation in front. */
static int record(const struct conf_call *call)
{
	struct strbuf *log = fixture_log(call->conf);
	static const char *const prefix[] = { "", "no ", "default " };
	strbuf_addf(log, "%s%s(", prefix[call->negation], call->row->name);
	for (int i = call->arg; i < call->line->argc; i++)
		strbuf_addf(log, "%s%s", i > call->arg ? "|" : "", call->line->argv[i]);
	strbuf_adds(log, ")\n");
	return 0;
}

static int set_variable(const struct conf_call *call)
{
	char **argv = call->line->argv;
	int arg = call->arg;
	switch (call->row->data) {
	case 's':
		return conf_setenv(call->conf, argv[arg], argv[arg + 1]);
	case 'p':
		return conf_presetenv(call->conf, argv[arg], argv[arg + 1]);
	case 'u':
		conf_unsetenv(call->conf, argv[arg]);
		return 0;
	}
	conf_resetenv(
	    call->conf, (const char *const *)argv + arg, (size_t)(call->line->argc - arg));
	return 0;
}

static int allow(const struct conf_call *call)
{
	conf_allow_experimental(call->conf);
	return 0;
}

static const struct conf_keyword keywords[] = {
	{ "words", CONF_GLOBAL | CONF_PROXY, 0, 0, -1, record, 0, "", "" },
	{ "setenv", CONF_GLOBAL, 0, 2, 2, set_variable, 's', "<name> <value>", "" },
	{ "presetenv", CONF_GLOBAL, 0, 2, 2, set_variable, 'p', "<name> <value>", "" },
	{ "unsetenv", CONF_GLOBAL, 0, 1, 1, set_variable, 'u', "<name>", "" },
	{ "resetenv", CONF_GLOBAL, 0, 0, -1, set_variable, 'r', "[<name> ...]", "" },
	{ "expose-experimental-directives", CONF_GLOBAL, 0, 0, 0, allow, 0, "", "" },
	{ "daemon", CONF_GLOBAL, 0, 0, 0, record, 0, "", "" },
	{ "maxconn", CONF_GLOBAL | CONF_PROXY, 0, 1, 1, record, 0, "<number>", "" },
	{ "bind", CONF_FRONTEND, 0, 1, -1, record, 0, "<address> [options]", "" },
	{ "server", CONF_BACKEND, 0, 2, -1, record, 0, "<name> <address> [options]", "" },
	{ "option httplog", CONF_FE, CONF_MAY_NEGATE, 0, 1, record, 0, "[clf]", "" },
	{ "option redispatch", CONF_BE, CONF_MAY_NEGATE, 0, 1, record, 0, "[<interval>]", "" },
	{ "timeout client", CONF_FE, 0, 1, 1, record, 0, "<timeout>", "" },
	{ "timeout server", CONF_BE, 0, 1, 1, record, 0, "<timeout>", "" },
	{ "http-request", CONF_PROXY, 0, 1, -1, record, 0, "<action>", "" },
	{ "stick-table", CONF_FRONTEND, CONF_NOT_YET, 0, 0, NULL, 0, "", "" },
	{ "shards", CONF_FRONTEND, CONF_EXPERIMENTAL, 0, 1, record, 0, "", "" },
	{ "clitimeout", CONF_FRONTEND, CONF_DEPRECATED, 1, 1, record, 0, "<timeout>",
	    "use 'timeout client'" },
	{ "nbproc", CONF_GLOBAL, CONF_NO_EFFECT, 1, 1, NULL,
	    (uintptr_t) "weir is one process with threads", "<number>", "" },
	{ .name = NULL },
};

static const struct conf_keyword *const tables[] = { keywords, NULL };

static void *open_any(const struct conf_call *call)
{
	struct strbuf *log = fixture_log(call->conf);
	const char *name = call->line->argv[1];
	if (strcmp(name, "refused") == 0) {
		conf_error(call->conf, call->line, 1, "refused");
		return NULL;
	}
	strbuf_addf(log, "%s{%s}\n", call->line->argv[0], name);
	return conf_user(call->conf);
}

static int close_any(struct conf *conf, void *object)
{
	assert_ptr_equal(object, conf_user(conf));
	strbuf_adds(fixture_log(conf), "end\n");
	return 0;
}

static const struct conf_section section_global = { "global", CONF_GLOBAL, open_any, close_any,
	tables };
static const struct conf_section section_defaults = { "defaults", CONF_DEFAULTS, open_any,
	close_any, tables };
static const struct conf_section section_frontend = { "frontend", CONF_FRONTEND, open_any,
	close_any, tables };
static const struct conf_section section_backend = { "backend", CONF_BACKEND, open_any, close_any,
	tables };
static const struct conf_section section_peers = { "peers", CONF_OTHER, NULL, NULL, NULL };
static const struct conf_section *const sections[] = { &section_global, &section_defaults,
	&section_frontend, &section_backend, &section_peers, NULL };

/* diagnostics: as -dD. */
static inline void fixture_new_with(struct fixture *f, bool diagnostics)
{
	static const char *const features[] = { "OPENSSL", "PCRE2", NULL };
	static const char *const enabled[] = { "EPOLL", NULL };
	*f = (struct fixture){ .log = STRBUF_INIT };
	f->diag = diag_new();
	arena_init(&f->arena, 4096);
	const struct conf_setup setup = {
		.sections = sections,
		.keywords = tables,
		.diag = f->diag,
		.arena = &f->arena,
		.user = f,
		.features = features,
		.enabled = enabled,
		.version = "3.5.0",
		.ssl_library = "OpenSSL 3.0.15",
		.ssl_version = "3.0.15",
		.diagnostics = diagnostics,
	};
	f->conf = conf_new(&setup);
	assert_non_null(f->conf);
}

static inline void fixture_new(struct fixture *f)
{
	fixture_new_with(f, false);
}

static inline void fixture_free(struct fixture *f)
{
	conf_free(f->conf);
	diag_free(f->diag);
	arena_reset(&f->arena);
	strbuf_done(&f->log);
	free(f->messages);
}

/* All messages as printed, with the pid replaced by "pid". */
static inline const char *fixture_messages(struct fixture *f)
{
	char *raw = NULL;
	size_t size = 0;
	struct strbuf clean = STRBUF_INIT;
	FILE *out = open_memstream(&raw, &size);
	assert_non_null(out);
	diag_print(f->diag, DIAG_NOTICE, out);
	fclose(out);
	for (char *p = raw; *p;) {
		if (*p == '(' && ascii_is_digit(p[1])) {
			strbuf_adds(&clean, "(pid");
			p += 1 + strspn(p + 1, "0123456789");
		} else {
			strbuf_addc(&clean, *p++);
		}
	}
	free(raw);
	free(f->messages);
	f->messages = clean.ptr ? clean.ptr : strdup("");
	return f->messages;
}

/* Reads text as file "t"; what conf_read() says. */
static inline int fixture_read(struct fixture *f, const char *text)
{
	assert_int_equal(conf_add_text(f->conf, "t", slice_str(text)), 0);
	return conf_read(f->conf);
}

#endif
