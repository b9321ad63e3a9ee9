/* SPDX-License-Identifier: MIT */
/*
 * Userlists and what uses them: who is let in, what a wrong section says, that slow hashes are paid for once.
 */
#include "fixture.h"

#include <time.h>

#define LISTS                                                                                      \
	"userlist L\n group G1 users ann\n group G2\n user ann insecure-password one groups G2\n"  \
	"user bob password "                                                                       \
	"$6$abc$MtSdWSZbhct2oe.SOqOUM2M/GA/uj5.vyVtJgRHgKi9uqXuWuJqOYE7H/YlsYGVg/"                 \
	"YYzDV0xt3fEIwYt580.5.\n"                                                                  \
	"user sam password "                                                                       \
	"$6$rounds=300000$abc$6/"                                                                  \
	"qInaS5GLqI4I6NbnDGl05XhEoFoSUkrBrUm0gAmKUzmr.eZdsd.2skWpS7bWMMhCK5ppfO.Hx4bep3Z2lyY/\n"   \
	"user nopw\n"                                                                              \
	"frontend g\n"

/* "user:password", in base64 by the converter under test elsewhere. */
static void login(struct fixture *f, const char *credentials)
{
	const char *text = fx_eval(f, arena_printf(&f->mem, "str(%s),base64", credentials));
	fx_request(f, "GET", "/", arena_printf(&f->mem, "Authorization: Basic %s", text));
}

static int test(struct fixture *f, const char *condition)
{
	fx_load(f, arena_printf(&f->mem, LISTS "cond %s", condition));
	return cond_eval(f->cond, &f->cx);
}

static const char *eval(struct fixture *f, const char *expr)
{
	return fx_eval(f, arena_printf(&f->mem, "always_true\n" LISTS "expr %s", expr));
}

static void passwords_are_checked(void **state)
{
	static const struct {
		const char *credentials;
		int ok;
	} rows[] = { { "ann:one", 1 }, { "ann:two", 0 }, { "ann:", 0 }, { "ann:onex", 0 },
		{ "bob:pw", 1 }, { "bob:pX", 0 }, { "bob:", 0 }, { "nopw:", 0 }, { "zed:one", 0 } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;
		fx_new(&f);
		login(&f, rows[i].credentials);
		if (test(&f, "if { http_auth(L) }") != rows[i].ok)
			fail_msg("%s", rows[i].credentials);
		fx_free(&f);
	}
}

static void credentials_are_taken_apart(void **state)
{
	struct fixture f;
	fx_new(&f);
	login(&f, "ann:o:ne");
	assert_string_equal(fx_eval(&f, "http_auth_user"), "ann");
	assert_string_equal(fx_eval(&f, "http_auth_pass"), "o:ne");
	assert_string_equal(fx_eval(&f, "http_auth_type"), "Basic");
	assert_string_equal(eval(&f, "http_auth_group(L)"), "<none>");
	assert_string_equal(eval(&f, "http_auth(L)"), "0");
	login(&f, "ann:one");
	assert_string_equal(eval(&f, "http_auth_group(L)"), "ann");
	assert_string_equal(eval(&f, "http_auth(L)"), "1");
	fx_request(&f, "GET", "/", "Authorization: bearer  tok.en\nX-B: Bearer other");
	assert_string_equal(fx_eval(&f, "http_auth_bearer"), "tok.en");
	assert_string_equal(fx_eval(&f, "http_auth_bearer(x-b)"), "other");
	assert_string_equal(fx_eval(&f, "http_auth_type"), "Bearer");
	assert_string_equal(fx_eval(&f, "http_auth_user"), "<none>");
	fx_free(&f);
}

/* Users name groups and groups name users. */
static void groups_are_known_from_both_sides(void **state)
{
	struct fixture f;
	fx_new(&f);
	login(&f, "ann:one");
	assert_int_equal(test(&f, "if { http_auth_group(L) G1 }"), 1);
	assert_int_equal(test(&f, "if { http_auth_group(L) G2 }"), 1);
	assert_int_equal(test(&f, "if { http_auth_group(L) G3 }"), 0);
	login(&f, "bob:pw");
	assert_int_equal(test(&f, "if { http_auth_group(L) G1 G2 }"), 0);
	login(&f, "ann:two");
	assert_int_equal(test(&f, "if { http_auth_group(L) G1 }"), 0);
	fx_free(&f);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void a_slow_hash_is_paid_for_once(void **state)
{
	struct fixture f;
	fx_new(&f);
	login(&f, "sam:pw");
	uint64_t start = cpu_ns();
	assert_int_equal(test(&f, "if { http_auth(L) }"), 1);
	uint64_t first = cpu_ns() - start;
	start = cpu_ns();
	assert_int_equal(cond_eval(f.cond, &f.cx), 1);
	assert_true((cpu_ns() - start) * 10 < first);
	fx_request(&f, "GET", "/", "Authorization: Basic c2FtOnBX"); /* sam:pW */
	assert_int_equal(cond_eval(f.cond, &f.cx), 0);
	fx_free(&f);
}

static void auth_asks_with_a_challenge(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "");
	fx_load(&f, "http-request auth realm \"two \\\"words\"");
	assert_int_equal(fx_run(&f, RULES_HTTP_REQ), RULES_REPLY);
	assert_string_equal(
	    fx_reply(&f), "401 plain\nwww-authenticate: Basic realm=\"two \\\"words\"\n");
	f.cx.proxy_auth = true;
	assert_int_equal(fx_run(&f, RULES_HTTP_REQ), RULES_REPLY);
	assert_string_equal(
	    fx_reply(&f), "407 plain\nproxy-authenticate: Basic realm=\"two \\\"words\"\n");
	fx_free(&f);
}

static void wrong_lists_are_told(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "cond if { http_auth(nobody) }", "unable to find userlist 'nobody'" },
		{ "userlist U\n group G users zed", "no such user 'zed'" },
		{ "userlist U\n user a insecure-password x groups H", "no such group 'H'" },
		{ "userlist U\n user a insecure-password", "incomplete" },
		{ "userlist U\n user a secret x", "not 'secret'" },
		{ "userlist U\n group G members a", "not 'members'" },
		{ "userlist U\n group G\n group G", "duplicated group" },
		{ "userlist U\n user a\n user a", "duplicated user" },
		{ "userlist U\nuserlist U", "duplicated userlist" },
		{ "userlist U\n user a password plain!", "no password will match" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;
		fx_new(&f);
		const char *said = fx_read(&f, rows[i].text);
		if (!strstr(said, rows[i].said))
			fail_msg("%s: says '%s'", rows[i].text, said);
		fx_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_are_checked),
		cmocka_unit_test(credentials_are_taken_apart),
		cmocka_unit_test(groups_are_known_from_both_sides),
		cmocka_unit_test(a_slow_hash_is_paid_for_once),
		cmocka_unit_test(auth_asks_with_a_challenge),
		cmocka_unit_test(wrong_lists_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
