/* SPDX-License-Identifier: MIT */
/*
 * Backends for the tests of this module: read from configuration text, finished, linked and attached to a
 * group of workers that need not run. Log lines go to a pipe that the test reads.
 */
#ifndef WEIR_TESTS_UNIT_UPSTREAM_FIXTURE_H
#define WEIR_TESTS_UNIT_UPSTREAM_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/admin/cli.h"
#include "weir/conf/conf.h"
#include "weir/upstream/balance.h"
#include "weir/upstream/check.h"
#include "weir/upstream/idle.h"
#include "weir/upstream/persist.h"
#include "weir/upstream/queue.h"
#include "weir/upstream/upstream_cli.h"
#include "weir/upstream/upstream_conf.h"

#define FIXTURE_BACKENDS 8

struct section {
	struct backend be;
	struct server *list;
	struct server_defaults *defaults;
	struct httpchk_conf *httpchk;
};

struct fixture {
	struct conf *conf;
	struct diag *diag;
	struct arena arena;
	struct worker_group *g;
	struct worker *w; /* worker 0 */
	struct section sections[FIXTURE_BACKENDS];
	unsigned n;
	struct upstream_dir dir;
	int log_in; /* where lines are read */
	struct log_target target;
	struct log_target *targets[1];
	struct log_set logs;
	char *messages;
	char lines[8192];
};

enum fixture_word {
	W_SERVER,
	W_DEFAULT_SERVER,
	W_TEMPLATE,
	W_BALANCE,
	W_HASH_TYPE,
	W_FACTOR,
	W_COOKIE,
	W_COOKIE_KEY,
	W_HTTPCHK,
	W_HTTP_CHECK,
	W_TCP_CHECK,
	W_LOG_HEALTH,
	W_MODE_TCP,
	W_ALLBACKUPS,
	W_FULLCONN,
};

static int fixture_set(const struct conf_call *call)
{
	struct section *s = call->object;
	struct backend *be = &s->be;
	struct conf *conf = call->conf;
	const struct conf_line *line = call->line;
	switch ((enum fixture_word)call->row->data) {
	case W_SERVER:
		return server_parse(conf, line, call->arg, s->defaults, &s->list);
	case W_DEFAULT_SERVER:
		return server_defaults_parse(conf, line, call->arg, s->defaults);
	case W_TEMPLATE:
		return server_template_parse(conf, line, call->arg, s->defaults, &s->list);
	case W_BALANCE:
		return balance_parse(conf, line, call->arg, &be->balance);
	case W_HASH_TYPE:
		return hash_type_parse(conf, line, call->arg, &be->hash);
	case W_FACTOR:
		return hash_balance_factor_parse(conf, line, call->arg, &be->hash);
	case W_COOKIE:
		return cookie_parse(conf, line, call->arg, &be->cookie);
	case W_COOKIE_KEY:
		be->dynamic_cookie_key = arena_strdup(conf_arena(conf), line->argv[call->arg]);
		return 0;
	case W_HTTPCHK:
		return httpchk_parse(conf, line, call->arg, s, &s->httpchk);
	case W_HTTP_CHECK:
		return http_check_parse(conf, line, call->arg, s, &s->httpchk);
	case W_TCP_CHECK:
		return tcp_check_parse(conf, line, call->arg, s, &s->httpchk);
	case W_LOG_HEALTH:
		be->log_health_checks = true;
		return 0;
	case W_MODE_TCP:
		be->http = false;
		return 0;
	case W_ALLBACKUPS:
		be->allbackups = true;
		return 0;
	case W_FULLCONN:
		be->fullconn = (unsigned)strtoul(line->argv[call->arg], NULL, 10);
		return 0;
	}
	return -1;
}

#define FIXTURE_ROW(name, min, max, word)                                                          \
	{                                                                                          \
		name, CONF_BACKEND, 0, min, max, fixture_set, word, "", ""                         \
	}
static const struct conf_keyword fixture_keywords[] = {
	FIXTURE_ROW("server", 2, -1, W_SERVER),
	FIXTURE_ROW("default-server", 1, -1, W_DEFAULT_SERVER),
	FIXTURE_ROW("server-template", 3, -1, W_TEMPLATE),
	FIXTURE_ROW("balance", 1, -1, W_BALANCE),
	FIXTURE_ROW("hash-type", 1, -1, W_HASH_TYPE),
	FIXTURE_ROW("hash-balance-factor", 1, 1, W_FACTOR),
	FIXTURE_ROW("cookie", 1, -1, W_COOKIE),
	FIXTURE_ROW("dynamic-cookie-key", 1, 1, W_COOKIE_KEY),
	FIXTURE_ROW("option httpchk", 0, -1, W_HTTPCHK),
	FIXTURE_ROW("http-check", 1, -1, W_HTTP_CHECK),
	FIXTURE_ROW("tcp-check", 1, -1, W_TCP_CHECK),
	FIXTURE_ROW("option log-health-checks", 0, 0, W_LOG_HEALTH),
	FIXTURE_ROW("option allbackups", 0, 0, W_ALLBACKUPS),
	FIXTURE_ROW("mode-tcp", 0, 0, W_MODE_TCP),
	FIXTURE_ROW("fullconn", 1, 1, W_FULLCONN),
	{ .name = NULL },
};
static const struct conf_keyword *const fixture_tables[] = { fixture_keywords, NULL };

static void *fixture_open(const struct conf_call *call)
{
	struct fixture *f = conf_user(call->conf);
	assert_true(f->n < FIXTURE_BACKENDS);
	struct section *s = &f->sections[f->n++];
	s->be.name = arena_strdup(&f->arena, call->line->argv[1]);
	s->be.id = f->n + 1;
	s->be.http = true;
	s->be.logs = &f->logs;
	s->defaults = server_defaults_new(&f->arena, NULL);
	return s;
}

static const struct conf_section fixture_backend = { "backend", CONF_BACKEND, fixture_open, NULL,
	fixture_tables };
static const struct conf_section *const fixture_sections[] = { &fixture_backend, NULL };

static inline struct backend *fixture_backend_named(void *ctx, const char *name)
{
	struct fixture *f = ctx;
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->sections[i].be.name, name) == 0)
			return &f->sections[i].be;
	return NULL;
}

static inline struct backend *fixture_next(void *ctx, struct backend *prev)
{
	struct fixture *f = ctx;
	unsigned i = 0;
	while (prev && &f->sections[i++].be != prev)
		;
	return i < f->n ? &f->sections[i].be : NULL;
}

/* Reads and finishes; 0 or -1 as the configuration says. Nothing runs yet. */
static inline int fixture_read(struct fixture *f, const char *text)
{
	*f = (struct fixture){ .n = 0 };
	f->diag = diag_new();
	arena_init(&f->arena, 4096);
	const struct conf_setup setup = {
		.sections = fixture_sections,
		.keywords = fixture_tables,
		.diag = f->diag,
		.arena = &f->arena,
		.user = f,
		.version = "3.5.0",
	};
	f->dir = (struct upstream_dir){ fixture_backend_named, fixture_next, f };
	f->conf = conf_new(&setup);
	assert_non_null(f->conf);
	assert_int_equal(conf_add_text(f->conf, "t", slice_str(text)), 0);
	int r = conf_read(f->conf);
	for (unsigned i = 0; r == 0 && i < f->n; i++) {
		f->sections[i].be.httpchk = f->sections[i].httpchk;
		r = backend_finish(f->conf, &f->sections[i].be, f->sections[i].list);
	}
	for (unsigned i = 0; r == 0 && i < f->n; i++)
		r = backend_link(f->conf, &f->sections[i].be, &f->dir);
	return r;
}

static inline void fixture_attach(struct fixture *f)
{
	for (unsigned i = 0; i < f->n; i++)
		assert_int_equal(backend_attach(f->w, &f->sections[i].be, f->diag), 0);
}

static inline void fixture_start(struct fixture *f, const char *text, unsigned workers)
{
	int fds[2];
	assert_int_equal(fixture_read(f, text), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	f->log_in = fds[0];
	f->target = (struct log_target){
		.fd = fds[1],
		.header = LOG_HEADER_PRIORITY,
		.facility = 16,
		.max_level = LOG_LV_DEBUG,
		.len = LOG_LEN_DEFAULT,
	};
	f->targets[0] = &f->target;
	f->logs = (struct log_set){ .targets = f->targets, .targets_n = 1 };
	f->g = worker_group_new(workers, 64);
	assert_non_null(f->g);
	f->w = worker_get(f->g, 0);
	clock_update(&f->w->clock);
	for (unsigned i = 0; i < workers; i++)
		assert_int_equal(log_worker_start(worker_get(f->g, i)), 0);
	fixture_attach(f);
}

static inline void fixture_free(struct fixture *f)
{
	for (unsigned i = 0; i < f->n && f->g; i++) {
		checks_stop(f->w, &f->sections[i].be);
		backend_detach(f->w, &f->sections[i].be);
	}
	for (unsigned i = 0; f->g && i < worker_count(f->g); i++)
		log_worker_stop(worker_get(f->g, i));
	if (f->g) {
		worker_group_free(f->g);
		close(f->log_in);
		close(f->target.fd);
	}
	conf_free(f->conf);
	diag_free(f->diag);
	arena_reset(&f->arena);
	free(f->messages);
}

static inline struct backend *be_of(struct fixture *f, const char *name)
{
	struct backend *be = fixture_backend_named(f, name);
	assert_non_null(be);
	return be;
}

static inline struct server *srv_of(struct fixture *f, const char *backend, const char *name)
{
	struct server *s = backend_server(be_of(f, backend), name);
	assert_non_null(s);
	return s;
}

/* What was logged since the last call, as "<priority>text" lines; 128 is emergency, 129 alert, 133 notice. */
static inline const char *logged(struct fixture *f)
{
	ssize_t n = read(f->log_in, f->lines, sizeof(f->lines) - 1);
	f->lines[n > 0 ? n : 0] = 0;
	return f->lines;
}

static inline const char *messages_of(struct fixture *f)
{
	size_t size;
	free(f->messages);
	f->messages = NULL;
	FILE *out = open_memstream(&f->messages, &size);
	assert_non_null(out);
	diag_print(f->diag, DIAG_NOTICE, out);
	fclose(out);
	return f->messages;
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

/* n picks without a key, as digits of the servers' indices; '-' full, 'x' none. */
static inline const char *picks(struct fixture *f, struct backend *be, unsigned n, char *out)
{
	for (unsigned i = 0; i < n; i++) {
		struct balance_call call = { .worker = f->w };
		struct server *s = NULL;
		enum balance_result r = balance_pick(be, &call, &s);
		out[i] = r == BALANCE_OK ? (char)('0' + s->idx) : r == BALANCE_FULL ? '-' : 'x';
	}
	out[n] = 0;
	return out;
}

#endif
