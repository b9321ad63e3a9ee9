/* SPDX-License-Identifier: MIT */
/*
 * The global section's words about TLS and HTTP/2: from lines to struct global_tls, struct tls_tune and struct
 * mux2_conf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/main/conf_global.h"
#include "../../../src/main/modules.h"

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
	if (config_finish(f->conf, f->config) < 0)
		f->result = -1;
	strbuf_done(&text);
}

static void done(struct fixture *f)
{
	conf_free(f->conf);
	diag_free(f->diag);
	config_unref(NULL, f->config);
}

static const struct global_conf *good(struct fixture *f, const char *lines)
{
	read_lines(f, lines);
	if (f->result < 0)
		diag_print(f->diag, DIAG_NOTICE, stderr);
	assert_int_equal(f->result, 0);
	return &f->config->global;
}

static void files_and_their_kinds_reach_the_store(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "ca-base /a\n"
					       "crt-base /b\n"
					       "key-base /c\n"
					       "issuers-chain-path /\n"
					       "ssl-load-extra-files key ocsp\n"
					       "ssl-load-extra-del-ext\n"
					       "ssl-skip-self-issued-ca\n"
					       "ssl-passphrase-cmd /bin/echo \"two words\"\n"
					       "tune.ssl.default-dh-param 2048\n"
					       "ssl-security-level 3");
	const struct tls_store_conf *s = &g->ssl.store;
	assert_string_equal(s->ca_base, "/a");
	assert_string_equal(s->crt_base, "/b");
	assert_string_equal(s->key_base, "/c");
	assert_string_equal(s->issuers_chain_path, "/");
	assert_int_equal(s->extra, TLS_EXTRA_KEY | TLS_EXTRA_OCSP);
	assert_true(s->extra_del_ext);
	assert_true(s->skip_self_issued_ca);
	assert_string_equal(s->passphrase_cmd[1], "two words");
	assert_null(s->passphrase_cmd[2]);
	assert_int_equal(s->default_dh_param, 2048);
	assert_int_equal(s->security_level, 3);
	done(&f);
}

static void without_words_the_manual_holds(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "");
	assert_int_equal(g->ssl.store.extra, TLS_EXTRA_ALL);
	assert_int_equal(g->ssl.store.security_level, -1);
	assert_int_equal(g->ssl.cache_blocks, 20000);
	assert_int_equal(g->ssl.lifetime_s, 300);
	assert_int_equal(g->ssl.capture, 0);
	assert_false(g->ssl.keylog);
	assert_false(g->ssl.server_verify_none);
	assert_int_equal(g->tls.idle_ms, 1000);
	assert_int_equal(g->h2_fe.max_streams, 100);
	assert_int_equal(g->h2_be.initial_window, 65535);
	assert_int_equal(g->h2_fe.resets, 500);
	assert_int_equal(g->h2_fe.glitches, 0);
	assert_int_equal(g->h2.log, H2_LOG_STREAM);
	done(&f);
}

static void defaults_of_lines_are_kept_for_each_side(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g =
	    good(&f, "ssl-default-bind-ciphers A\n"
		     "ssl-default-bind-curves X25519\n"
		     "ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets strict-sni\n"
		     "ssl-default-server-ciphersuites B\n"
		     "ssl-default-server-options force-tlsv12 no-tlsv11\n"
		     "ssl-server-verify none");
	assert_string_equal(g->ssl.bind.opt.ciphers, "A");
	assert_string_equal(g->ssl.bind.opt.curves, "X25519");
	assert_int_equal(g->ssl.bind.opt.min_ver, TLS_VER_TLS13);
	assert_int_equal(g->ssl.bind.tickets, -1);
	assert_int_equal(g->ssl.bind.strict_sni, 1);
	assert_null(g->ssl.server.opt.ciphers);
	assert_string_equal(g->ssl.server.opt.ciphersuites, "B");
	assert_int_equal(g->ssl.server.opt.min_ver, TLS_VER_TLS12);
	assert_int_equal(g->ssl.server.opt.max_ver, TLS_VER_TLS12);
	assert_int_equal(g->ssl.server.no_versions, 1u << 2);
	assert_true(g->ssl.server_verify_none);
	done(&f);
}

static void sizes_and_times_reach_the_transport(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "tune.ssl.maxrecord 1419\n"
					       "tune.ssl.hard-maxrecord 8000\n"
					       "tune.idletimer 2s\n"
					       "tune.ssl.lifetime 10m\n"
					       "tune.ssl.cachesize 0\n"
					       "tune.ssl.capture-buffer-size 96\n"
					       "tune.ssl.keylog on\n"
					       "maxsslconn 5\n"
					       "maxsslrate 6");
	assert_int_equal(g->tls.first_record, 1419);
	assert_int_equal(g->tls.hard_record, 8000);
	assert_int_equal(g->tls.idle_ms, 2000);
	assert_int_equal(g->ssl.lifetime_s, 600);
	assert_int_equal(g->ssl.cache_blocks, 0);
	assert_int_equal(g->ssl.capture, 96);
	assert_true(g->ssl.keylog);
	assert_int_equal(g->ssl.maxconn, 5);
	assert_int_equal(g->ssl.maxrate, 6);
	done(&f);
}

static void a_sides_own_h2_value_has_precedence(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "tune.h2.fe.max-concurrent-streams 7\n"
					       "tune.h2.max-concurrent-streams 9\n"
					       "tune.h2.initial-window-size 64k\n"
					       "tune.h2.be.initial-window-size 1m\n"
					       "tune.h2.fe.glitches-threshold 11\n"
					       "tune.h2.header-table-size 8192\n"
					       "tune.h2.log-errors connection\n"
					       "tune.h2.reset-rate-limit 0");
	assert_int_equal(g->h2_fe.max_streams, 7);
	assert_int_equal(g->h2_be.max_streams, 9);
	assert_int_equal(g->h2_fe.initial_window, 65536);
	assert_int_equal(g->h2_be.initial_window, 1 << 20);
	assert_int_equal(g->h2_fe.glitches, 11);
	assert_int_equal(g->h2_be.glitches, 0);
	assert_int_equal(g->h2_be.table_size, 8192);
	assert_int_equal(g->h2.log, H2_LOG_CONNECTION);
	assert_int_equal(g->h2_fe.resets, 0);
	done(&f);
}

static void no_limit_of_streams_is_the_protocols_own(void **state)
{
	struct fixture f;
	(void)state;
	const struct global_conf *g = good(&f, "tune.h2.max-concurrent-streams 0");
	assert_int_equal(g->h2_fe.max_streams, INT32_MAX);
	done(&f);
}

static void bad_values_are_errors(void **state)
{
	static const char *const lines[] = { "issuers-chain-path /nonexistent",
		"ssl-load-extra-files", "ssl-load-extra-files none key",
		"ssl-load-extra-files certs", "tune.ssl.default-dh-param 512",
		"tune.ssl.cachesize -1", "tune.ssl.lifetime x", "tune.ssl.keylog maybe",
		"ssl-server-verify optional", "ssl-engine rdrand",
		"ssl-provider no-such-provider-anywhere",
		"ssl-propquery ===", "ssl-security-level 6", "ssl-default-bind-options verify none",
		"ssl-default-bind-options ssl-min-ver TLSv9",
		"ssl-default-server-options strict-sni", "tune.h2.max-frame-size 100",
		"tune.h2.header-table-size 100000", "tune.h2.max-concurrent-streams -1",
		"tune.h2.log-errors all", "tune.h2.fe.max-concurrent-streams 5 rq-load",
		"tune.h2.fe.max-concurrent-streams 5 load 3" };
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_their_kinds_reach_the_store),
		cmocka_unit_test(without_words_the_manual_holds),
		cmocka_unit_test(defaults_of_lines_are_kept_for_each_side),
		cmocka_unit_test(sizes_and_times_reach_the_transport),
		cmocka_unit_test(a_sides_own_h2_value_has_precedence),
		cmocka_unit_test(no_limit_of_streams_is_the_protocols_own),
		cmocka_unit_test(bad_values_are_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
