/* SPDX-License-Identifier: MIT */
/*
 * The global section: from lines to struct global_conf.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/main/conf_global.h"
#include "../../../src/main/modules.h"
#include "../../../src/main/privileges.h"

struct fixture {
	struct config *config;
	struct diag *diag;
	struct conf *conf;
	int result;
};

static void read_lines(struct fixture *f, const char *lines)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text, "global\n%s\n", lines);
	f->config = config_new();
	f->diag = diag_new();
	f->conf = conf_new(&(struct conf_setup){
	    .sections = module_sections,
	    .keywords = module_keywords,
	    .diag = f->diag,
	    .arena = &f->config->arena,
	    .user = f->config,
	    .version = "3.5.0",
	});
	assert_non_null(f->conf);
	assert_int_equal(conf_add_text(f->conf, "test", strbuf_slice(&text)), 0);
	f->result = conf_read(f->conf);
	strbuf_done(&text);
}

static void done(struct fixture *f)
{
	conf_free(f->conf);
	diag_free(f->diag);
	config_unref(NULL, f->config);
}

/* Reads lines that must be good. */
static const struct global_conf *good(struct fixture *f, const char *lines)
{
	read_lines(f, lines);
	if (f->result < 0)
		diag_print(f->diag, DIAG_NOTICE, stderr);
	assert_int_equal(f->result, 0);
	return &f->config->global;
}

static void plain_values_reach_their_fields(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "maxconn 2000\n"
					       "nbthread 4\n"
					       "daemon\n"
					       "tune.bufsize 32k\n"
					       "hard-stop-after 30s\n"
					       "stats timeout 2m\n"
					       "description two words\n"
					       "pidfile /run/x.pid\n"
					       "no strict-limits\n"
					       "uid 12");
	assert_int_equal(g->maxconn, 2000);
	assert_int_equal(g->nbthread, 4);
	assert_true(g->daemon);
	assert_int_equal(g->bufsize, 32768);
	assert_int_equal(g->hard_stop_after_ms, 30000);
	assert_int_equal(g->stats_timeout_ms, 120000);
	assert_string_equal(g->description, "two words");
	assert_string_equal(g->pidfile, "/run/x.pid");
	assert_false(g->strict_limits);
	assert_int_equal(g->uid, 12);
	assert_int_equal(g->gid, -1);
	done(&f);
}

static void sections_add_up_and_the_later_value_counts(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "maxconn 1\nnode a\nglobal\nmaxconn 2");
	assert_int_equal(g->maxconn, 2);
	assert_string_equal(g->node, "a");
	done(&f);
}

static void bad_values_are_errors(void **state)
{
	static const char *const lines[] = { "nbthread 0", "nbthread 65", "maxconn -1", "maxconn x",
		"user nobody-of-that-name", "setcap cap_nonsense", "setcap ''", "node a/b",
		"stats timeout 0", "unix-bind mode 9", "unix-bind nonsense", "cpu-map 1/0 1",
		"cpu-map 1/2-1 0", "cpu-map 1/1 x", "cpu-map auto:1/1-4 0-2",
		"master-worker nonsense", "set-dumpable maybe", "tune.bufsize 1", "lua-load x",
		"spread-checks 51", "setenv a=b c", "maxconn", "quiet 1", "global x" };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct fixture f;
		read_lines(&f, lines[i]);
		if (f.result == 0)
			print_message("accepted: %s\n", lines[i]);
		assert_int_equal(f.result, -1);
		done(&f);
	}
}

static void keywords_without_effect_are_accepted_with_a_notice(void **state)
{
	struct fixture f;
	(void)state;
	good(&f, "noktls\nno numa-cpu-mapping\ntune.h2.zero-copy-fwd-send on\nbusy-polling");
	assert_int_equal(diag_count(f.diag, DIAG_NOTICE), 4);
	assert_int_equal(diag_count(f.diag, DIAG_WARNING), 0);
	done(&f);
}

static void environment_acts_on_later_lines(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "setenv NODE one\n"
					       "presetenv NODE two\n"
					       "node \"$NODE\"\n"
					       "unsetenv NODE\n"
					       "description \"${NODE-gone}\"");
	assert_string_equal(g->node, "one");
	assert_string_equal(g->description, "gone");
	done(&f);
}

static void cpu_map_pairs_threads_and_cpus(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "cpu-map auto:1/1-4 3 2,1 0\n"
					       "cpu-map 1/odd 8-\n"
					       "cpu-map 2/all 0");
	const struct cpu_map *map = g->cpu_maps;
	assert_true(map->automatic);
	assert_int_equal(map->threads, 0xf);
	assert_int_equal(map->cpus[0], 0xf);
	map = map->next;
	assert_int_equal(map->threads, 0x5555555555555555ull);
	assert_int_equal(map->cpus[0], ~0xffull);
	assert_null(map->next); /* there is no group 2 */
	done(&f);
}

static void admin_sockets_take_bind_options(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g =
	    good(&f, "stats socket /tmp/x.sock mode 600 level admin\nstats socket 127.0.0.1:1");
	assert_non_null(g->stats_sockets);
	assert_int_equal(g->stats_sockets->listen.mode, 0600);
	assert_int_equal(g->stats_sockets->cli_level, 2);
	assert_non_null(g->stats_sockets->next);
	assert_int_equal(g->stats_sockets->next->addr.sa.sa_family, AF_INET);
	done(&f);
}

static void capabilities_become_bits(void **state)
{
	const char *unknown = NULL;
	uint64_t mask = 0;
	(void)state;
	assert_int_equal(capabilities_parse("cap_net_raw,cap_net_admin", &mask, &unknown), 0);
	assert_int_equal(mask, 1ull << 13 | 1ull << 12);
	assert_int_equal(capabilities_parse("cap_net_raw,", &mask, &unknown), -EINVAL);
	assert_int_equal(capabilities_parse("", &mask, &unknown), -EINVAL);
}

/* A row twice would make one of them unreachable. */
static void no_keyword_stands_in_two_rows(void **state)
{
	(void)state;
	for (size_t t = 0; global_keyword_tables[t]; t++) {
		for (const struct conf_keyword *k = global_keyword_tables[t]; k->name; k++) {
			unsigned n = 0;
			for (size_t u = 0; global_keyword_tables[u]; u++)
				for (const struct conf_keyword *o = global_keyword_tables[u];
				     o->name; o++)
					n += strcmp(o->name, k->name) == 0;
			if (n != 1)
				print_message("twice: %s\n", k->name);
			assert_int_equal(n, 1);
			assert_non_null(k->usage);
			assert_true(k->help && *k->help);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_values_reach_their_fields),
		cmocka_unit_test(sections_add_up_and_the_later_value_counts),
		cmocka_unit_test(bad_values_are_errors),
		cmocka_unit_test(keywords_without_effect_are_accepted_with_a_notice),
		cmocka_unit_test(environment_acts_on_later_lines),
		cmocka_unit_test(cpu_map_pairs_threads_and_cpus),
		cmocka_unit_test(admin_sockets_take_bind_options),
		cmocka_unit_test(capabilities_become_bits),
		cmocka_unit_test(no_keyword_stands_in_two_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
