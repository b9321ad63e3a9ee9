/* SPDX-License-Identifier: MIT */
/*
 * Lines of crt-lists and the words of options: text to data and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/x509_vfy.h>

#include "../../../src/tls/crt_list_int.h"

static char err[256];

static struct tls_crt_line *line(const char *text)
{
	struct tls_crt_line *l = NULL;
	int r = tls_line_read(slice_str(text), &l, err, sizeof(err));
	return r == 1 ? l : NULL;
}

static void a_line_has_certificate_options_and_filters(void **state)
{
	struct tls_crt_line *l =
	    line("\ta.pem  [alpn h2,http/1.1  verify none no-ca-names]\tB.Example !c.b *.b * !*\r");
	assert_non_null(l);
	assert_string_equal(l->crt, "a.pem");
	assert_string_equal(l->opt.alpn, "h2,http/1.1");
	assert_int_equal(l->opt.verify, TLS_VERIFY_NONE);
	assert_true(l->opt.no_ca_names);
	assert_int_equal(l->filters_n, 4);
	assert_string_equal(l->filters[0], "b.example");
	assert_string_equal(l->filters[1], "!c.b");
	assert_true(l->is_default && l->has_positive);
	tls_line_free(l);
}

static void files_in_brackets_are_for_the_loader(void **state)
{
	struct tls_crt_line *l = line("a.pem [key k ocsp o issuer i sctl s ocsp-update on]");
	assert_non_null(l);
	assert_true(l->has_files);
	assert_string_equal(l->files.key, "k");
	assert_string_equal(l->files.sctl, "s");
	assert_int_equal(l->files.ocsp_update, 1);
	assert_false(l->has_positive);
	tls_line_free(l);
}

/* Found by fuzzing: brackets once counted as words, and there were more filters than room for them. */
static void brackets_among_filters_are_names(void **state)
{
	struct tls_crt_line *l = line("a.pem x.example [[[[[[[[[[[[[[[[[[[[ ]]]]");
	assert_non_null(l);
	assert_int_equal(l->filters_n, 3);
	tls_line_free(l);
}

static void blanks_and_comments_are_no_lines(void **state)
{
	static const char *const texts[] = { "", " \t\r", "# a.pem", "  #" };
	struct tls_crt_line *l;
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(tls_line_read(slice_str(texts[i]), &l, err, sizeof(err)), 0);
}

static void every_cut_of_a_line_is_read_or_refused(void **state)
{
	static const char text[] =
	    "a.pem [alpn h2 ssl-min-ver TLSv1.2 ca-file ca.pem allow-0rtt] x.example !y *.z";
	for (size_t len = 0; len < sizeof(text); len++) {
		struct tls_crt_line *l;
		char *copy = strndup(text, len);
		err[0] = '\0';
		int r = tls_line_read(slice_make(copy, len), &l, err, sizeof(err));
		free(copy);
		assert_true(r >= 0 || err[0]);
		if (r == 1)
			tls_line_free(l);
	}
}

static void bad_lines_say_why(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "[alpn h2] a.pem", "the certificate is missing" },
		{ "a.pem [alpn h2", "']' is missing" },
		{ "a.pem [bogus x]", "unknown option 'bogus'" },
		{ "a.pem [verify maybe]", "'maybe'" },
		{ "a.pem [ssl-min-ver TLSv9]", "'TLSv9'" },
		{ "a.pem [alpn ]", "'alpn' expects a value" },
		{ "a.pem [ocsp-update maybe]", "'maybe'" },
		{ "a.pem *foo", "'*foo'" },
	};
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(line(bad[i].text));
		assert_non_null(strstr(err, bad[i].why));
	}
}

static void options_are_shown_as_they_are_read(void **state)
{
	static const char text[] = "alpn h2 verify optional no-ca-names allow-0rtt ca-file c "
				   "ciphers X curves P-256 ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3";
	struct strbuf b = STRBUF_INIT;
	strbuf_addf(&b, "a.pem [%s]", text);
	struct tls_crt_line *l = line(b.ptr);
	assert_non_null(l);
	strbuf_clear(&b);
	tls_options_text(&l->opt, &b);
	assert_string_equal(b.ptr, text);
	strbuf_done(&b);
	tls_line_free(l);
}

static void what_a_line_does_not_say_is_the_binds(void **state)
{
	struct tls_options bind = { .alpn = "h2", .verify = TLS_VERIFY_REQUIRED, .ca_file = "c" };
	struct tls_options o = { .alpn = "", .min_ver = TLS_VER_TLS13 };
	assert_false(tls_options_is_empty(&o));
	tls_options_inherit(&o, &bind);
	assert_string_equal(o.alpn, "");
	assert_string_equal(o.ca_file, "c");
	assert_int_equal(o.verify, TLS_VERIFY_REQUIRED);
	assert_int_equal(o.min_ver, TLS_VER_TLS13);
}

static void errors_to_ignore_have_numbers_and_names(void **state)
{
	struct tls_ignore set = { .ca = { 0 } };
	assert_int_equal(
	    tls_ignore_parse(set.crt, "10,X509_V_ERR_CERT_REVOKED", err, sizeof(err)), 0);
	assert_int_equal(set.crt[0], 1ull << 10 | 1ull << X509_V_ERR_CERT_REVOKED);
	assert_int_equal(tls_ignore_parse(set.ca, "all", err, sizeof(err)), 0);
	assert_true(set.ca[1] == UINT64_MAX);
	static const char *const bad[] = { "", "0", "128", "1,", "X509_V_ERR_NOPE", "ALL" };
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(tls_ignore_parse(set.ca, bad[i], err, sizeof(err)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_certificate_options_and_filters),
		cmocka_unit_test(files_in_brackets_are_for_the_loader),
		cmocka_unit_test(brackets_among_filters_are_names),
		cmocka_unit_test(blanks_and_comments_are_no_lines),
		cmocka_unit_test(every_cut_of_a_line_is_read_or_refused),
		cmocka_unit_test(bad_lines_say_why),
		cmocka_unit_test(options_are_shown_as_they_are_read),
		cmocka_unit_test(what_a_line_does_not_say_is_the_binds),
		cmocka_unit_test(errors_to_ignore_have_numbers_and_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
