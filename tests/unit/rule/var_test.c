/* SPDX-License-Identifier: MIT */
/* Unit tests of variables: scopes, conditions, limits, memory, and what reads them. */
#include <pthread.h>

#include "fixture.h"

struct stores {
	struct var_list sess, txn, req, res;
	struct var_limits limits;
};

static void with_stores(struct fixture *f, struct stores *s)
{
	memset(s, 0, sizeof(*s));
	fx_new(f);
	fx_request(f, "GET", "/p", "Host: h\n");
	f->cx.vars.list[VAR_SESS] = &s->sess;
	f->cx.vars.list[VAR_TXN] = &s->txn;
	f->cx.vars.list[VAR_REQ] = &s->req;
	f->cx.vars.limits = &s->limits;
}

static void done(struct fixture *f, struct stores *s)
{
	var_list_end(&s->sess, VAR_SESS, &s->limits);
	var_list_end(&s->txn, VAR_TXN, &s->limits);
	var_list_end(&s->req, VAR_REQ, &s->limits);
	fx_free(f);
}

static void rules(struct fixture *f, const char *lines)
{
	f->sets[RULES_HTTP_REQ] = (struct ruleset){ .first = NULL };
	fx_load(f, lines);
	assert_int_equal(fx_run(f, RULES_HTTP_REQ), RULES_NEXT);
}

static void scopes_are_apart_and_types_are_kept(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	rules(&f, "http-request set-var(sess.a) str(one)\n"
		  "http-request set-var(txn.a) int(2)\n"
		  "http-request set-var(req.a) src\n"
		  "http-request set-var(res.a) str(nowhere)\n"
		  "http-request set-var(check.a) str(nowhere)\n"
		  "http-request set-var-fmt(txn.f) \"%[var(sess.a)]-%[var(txn.a)]\"");
	assert_string_equal(fx_eval(&f, "var(sess.a)"), "one");
	assert_string_equal(fx_eval(&f, "var(txn.a),add(1)"), "3");
	assert_string_equal(fx_eval(&f, "var(req.a),ipmask(8)"), "10.0.0.0");
	assert_string_equal(fx_eval(&f, "var(res.a)"), "<none>");
	assert_string_equal(fx_eval(&f, "var(check.a)"), "<none>");
	assert_string_equal(fx_eval(&f, "var(ptxn.a)"), "<none>");
	assert_string_equal(fx_eval(&f, "var(txn.f)"), "one-2");
	assert_string_equal(fx_eval(&f, "var(txn.b,else)"), "else");
	assert_string_equal(fx_eval(&f, "var(txn.b,)"), "");
	f.cx.vars.list[VAR_REQ] = NULL;
	f.cx.vars.list[VAR_RES] = &s.res;
	assert_string_equal(fx_eval(&f, "var(req.a)"), "<none>");
	assert_string_equal(fx_eval(&f, "str(x),set-var(res.a)"), "x");
	assert_string_equal(fx_eval(&f, "var(res.a)"), "x");
	done(&f, &s);
}

static void a_converter_that_may_not_set_gives_nothing(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	assert_string_equal(fx_eval(&f, "str(x),set-var(txn.a,ifexists)"), "<none>");
	assert_string_equal(fx_eval(&f, "str(x),set-var(txn.a,ifnotexists)"), "x");
	assert_string_equal(fx_eval(&f, "str(),set-var(txn.a,ifnotempty)"), "<none>");
	assert_string_equal(fx_eval(&f, "str(y),set-var(txn.a,ifset,ifnotempty)"), "y");
	assert_string_equal(fx_eval(&f, "str(z),unset-var(txn.a)"), "z");
	assert_string_equal(fx_eval(&f, "var(txn.a)"), "<none>");
	assert_string_equal(fx_eval(&f, "int(5),set-var(txn.n,iflt)"), "5");
	assert_string_equal(fx_eval(&f, "int(4),set-var(txn.n,iflt)"), "<none>");
	assert_string_equal(fx_eval(&f, "int(4),set-var(txn.n,ifgt)"), "4");
	done(&f, &s);
}

/* A connection that lives for days sets its variables with each request. */
static void setting_again_takes_no_more_memory(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	rules(&f, "http-request set-var(txn.a) str(0123456789)\n"
		  "http-request set-var(sess.a) str(0123456789)");
	size_t before = f.mem.total;
	char *at = f.mem.pos;
	for (int i = 0; i < 10000; i++)
		assert_int_equal(fx_run(&f, RULES_HTTP_REQ), RULES_NEXT);
	assert_int_equal(f.mem.total, before);
	assert_ptr_equal(f.mem.pos, at);
	done(&f, &s);
}

static void a_value_outlives_what_it_was_copied_from(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	rules(&f, "http-request set-var(sess.h) req.hdr(host)");
	memset((char *)(uintptr_t)f.req_hdrs[0].value, '-', f.req_hdrs[0].value_len);
	assert_string_equal(fx_eval(&f, "var(sess.h)"), "h");
	assert_string_equal(fx_eval(&f, "var(sess.h),concat(x,sess.h,y),set-var(sess.h)"), "hxhy");
	assert_string_equal(fx_eval(&f, "var(sess.h),bytes(1,2),set-var(sess.h)"), "xh");
	assert_string_equal(fx_eval(&f, "var(sess.h)"), "xh");
	done(&f, &s);
}

static void limits_refuse_and_coarse_ones_include_fine_ones(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	s.limits.txn = 250;
	rules(&f,
	    "http-request set-var(req.a) str(short)\n"
	    "http-request set-var(txn.b) str(short)\n"
	    "http-request set-var(txn.c) str(does-not-fit-any-more-does-not-fit-any-more-at-all)\n"
	    "http-request set-var(sess.d) str(not-a-part-of-the-stream)");
	assert_string_equal(fx_eval(&f, "var(req.a)"), "short");
	assert_string_equal(fx_eval(&f, "var(txn.b)"), "short");
	assert_string_equal(fx_eval(&f, "var(txn.c)"), "<none>");
	assert_string_equal(fx_eval(&f, "var(sess.d)"), "not-a-part-of-the-stream");
	rules(&f, "http-request unset-var(req.a)\nhttp-request set-var(txn.c) str(fits)");
	assert_string_equal(fx_eval(&f, "var(txn.c)"), "fits");
	done(&f, &s);
}

static void the_process_limit_counts_what_streams_have(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	s.limits.proc = 150;
	rules(&f, "http-request set-var(txn.a) str(a)\nhttp-request set-var(txn.b) str(b)");
	assert_string_equal(fx_eval(&f, "var(txn.a)"), "a");
	assert_string_equal(fx_eval(&f, "var(txn.b)"), "<none>");
	var_list_end(&s.txn, VAR_TXN, &s.limits);
	assert_string_equal(fx_eval(&f, "str(b),set-var(txn.b)"), "b");
	done(&f, &s);
}

static void variables_of_the_process_exist_when_they_are_named(void **state)
{
	struct fixture f;
	struct stores s;
	struct sample value;
	with_stores(&f, &s);
	assert_string_equal(fx_eval(&f, "str(x),set-var(proc.t1,ifnotexists)"), "<none>");
	assert_string_equal(fx_eval(&f, "str(x),set-var(proc.t1,ifset)"), "<none>");
	assert_string_equal(fx_eval(&f, "str(x),set-var(proc.t1,ifexists)"), "x");
	assert_string_equal(fx_eval(&f, "var(proc.t1)"), "x");
	assert_true(var_proc_get(SLICE("proc.t1"), &f.mem, &value));
	assert_int_equal(value.type, SMP_STR);
	assert_false(var_proc_get(SLICE("txn.t1"), &f.mem, &value));
	assert_false(var_proc_get(SLICE("proc.t0"), &f.mem, &value));
	assert_string_equal(fx_eval(&f, "str(x),unset-var(proc.t1)"), "x");
	assert_string_equal(fx_eval(&f, "var(proc.t1)"), "<none>");
	assert_string_equal(fx_eval(&f, "ipv6(::5),set-var(proc.t1)"), "::5");
	assert_string_equal(fx_eval(&f, "var(proc.t1)"), "::5");
	done(&f, &s);
}

#define ROUNDS 20000

static void *read_race(void *arg)
{
	atomic_bool *stop = arg;
	struct arena mem;
	struct sample v;
	uintptr_t torn = 0;
	arena_init(&mem, 4096);
	while (!atomic_load(stop)) {
		if (!var_proc_get(SLICE("proc.race"), &mem, &v))
			continue;
		for (size_t i = 1; i < v.str.len; i++)
			torn += v.str.ptr[i] != v.str.ptr[0];
		torn += v.str.len != (v.str.ptr[0] == 'a' ? 4u : 42u);
		arena_reset(&mem);
	}
	arena_reset(&mem);
	return (void *)torn;
}

static void a_reader_sees_one_value_whole(void **state)
{
	struct fixture f;
	struct stores s;
	pthread_t reader;
	atomic_bool stop = false;
	void *torn;
	with_stores(&f, &s);
	rules(&f,
	    "http-request set-var(proc.race) str(aaaa)\n"
	    "http-request set-var(proc.race) str(bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb)");
	assert_int_equal(pthread_create(&reader, NULL, read_race, &stop), 0);
	for (int i = 0; i < ROUNDS; i++)
		fx_run(&f, RULES_HTTP_REQ);
	atomic_store(&stop, true);
	pthread_join(reader, &torn);
	assert_ptr_equal(torn, NULL);
	done(&f, &s);
}

static void all_variables_are_dumped(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	rules(&f, "http-request set-var(txn.user_b) bin(0041)\n"
		  "http-request set-var(txn.user_a) str(\"a\\\\\\\"b\")\n"
		  "http-request set-var(sess.n) int(-4)\n"
		  "http-request set-var(req.t) bool(true)\n"
		  "http-request set-var(req.m) method\n"
		  "http-request set-var(req.ip) src");
	assert_string_equal(fx_eval(&f, "dump_all_vars(sess)"), "sess.n=-4");
	assert_string_equal(
	    fx_eval(&f, "dump_all_vars(req,,|)"), "req.ip=10.1.2.3|req.m=\"GET\"|req.t=true");
	assert_string_equal(fx_eval(&f, "dump_all_vars(txn,user_b)"), "txn.user_b=x0041");
	assert_string_equal(fx_eval(&f, "dump_all_vars(res)"), "");
	done(&f, &s);
}

static void rules_that_ended_the_list_are_known(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	assert_string_equal(fx_eval(&f, "last_rule_line"), "<none>");
	fx_load(&f, "http-request set-var(txn.a) str(x)\nhttp-request deny if { path /p }");
	assert_int_equal(fx_run(&f, RULES_HTTP_REQ), RULES_DENY);
	assert_string_equal(fx_eval(&f, "last_rule_file"), "t");
	assert_string_equal(fx_eval(&f, "last_rule_line"), "3");
	assert_string_equal(fx_eval(&f, "last_entity"), "t:3");
	assert_string_equal(fx_eval(&f, "waiting_entity"), "<none>");
	f.cx.req_final = false;
	f.cx.at = RULE_AT_REQ_BUF;
	fx_load(&f, "tcp-request content accept if WAIT_END");
	assert_int_equal(fx_run(&f, RULES_TCP_REQ_CONTENT), RULES_WAIT);
	assert_string_equal(fx_eval(&f, "waiting_entity"), "t:2");
	f.cx.req_final = true;
	assert_int_equal(fx_run(&f, RULES_TCP_REQ_CONTENT), RULES_NEXT);
	assert_string_equal(fx_eval(&f, "waiting_entity"), "<none>");
	assert_string_equal(fx_eval(&f, "last_entity"), "t:2");
	done(&f, &s);
}

/* Names are looked up where the last ACL or rule was added. */
static const char *eval_here(struct fixture *f, const char *text)
{
	struct sample v;
	fx_load(f, arena_printf(&f->mem, "acl any always_true\nexpr %s", text));
	return expr_eval(f->expr, &f->cx, SMP_STR, &v) ? arena_slice_dup(&f->mem, v.str) : "<none>";
}

static void acls_are_named_in_expressions(void **state)
{
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	fx_load(&f, "acl is_p path /p\nacl is_q path /q\nacl both acl(is_p,!is_q)");
	assert_string_equal(eval_here(&f, "acl(is_p)"), "1");
	assert_string_equal(eval_here(&f, "acl(is_p,is_q)"), "0");
	assert_string_equal(eval_here(&f, "acl(both)"), "1");
	assert_string_equal(eval_here(&f, "str(x),when(acl,is_p)"), "x");
	assert_string_equal(eval_here(&f, "str(x),when(!acl,is_p)"), "<none>");
	assert_non_null(strstr(fx_read(&f, "acl any always_true\nexpr acl(nope)"), "no such ACL"));
	fx_load(&f, "acl loop path /never\nacl loop acl(loop)");
	assert_string_equal(eval_here(&f, "acl(loop)"), "0");
	done(&f, &s);
}

static void converters_of_bytes_and_lists(void **state)
{
	static const char *const cases[][2] = {
		{ "bin(01020304050607),le2dec(:,2)", "513:1027:1541:7" },
		{ "bin(01020304050607),be2dec(-,2,1)", "258-772-1286" },
		{ "bin(c0),base2", "11000000" },
		{ "bin(41094a),has_ctl", "0" },
		{ "bin(41094a),has_ctl(any)", "1" },
		{ "bin(410d),has_ctl(http)", "1" },
		{ "bin(417f),has_ctl(0x100000000)", "1" },
		{ "bin(417f),has_ctl(0x2401)", "0" },
		{ "str(mail.example.com.),reverse_dom", "com.example.mail" },
		{ "str(example),reverse_dom", "example" },
		{ "str(a..b),reverse_dom", "<none>" },
		{ "str(),reverse_dom", "<none>" },
		{ "\"str('en;q=0.5,fr-ca;q=0.6,de'),language(en;fr)\"", "fr" },
		{ "\"str('en;q=0'),language(en)\"", "<none>" },
		{ "quic_enabled", "0" },
		{ "tgroup", "0" },
		{ "str(x),when(toapplet)", "<none>" },
		{ "str(x),when(!toapplet)", "x" },
	};
	struct fixture f;
	struct stores s;
	with_stores(&f, &s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(fx_eval(&f, cases[i][0]), cases[i][1]);
	done(&f, &s);
}

static void mistakes_are_told(void **state)
{
	static const char *const wrong[][2] = {
		{ "http-request set-var(foo) str(x)", "not the name of a variable" },
		{ "http-request set-var(txn.) str(x)", "not the name of a variable" },
		{ "http-request set-var() str(x)", "not the name of a variable" },
		{ "http-request set-var(txn.a-b) str(x)", "'-' is not allowed" },
		{ "http-request set-var(txn.a,ifnope) str(x)", "unknown condition 'ifnope'" },
		{ "http-request unset-var(txn.a,ifset)", "takes no conditions" },
		{ "http-request set-var(txn.a)", "an expression is expected" },
		{ "expr var()", "needs at least 1 argument" },
		{ "expr int(1),add(foo)", "not a valid integer or name of a variable" },
		{ "expr str(a),add_item(:)", "needs a variable or a suffix" },
		{ "expr dump_all_vars(foo)", "none of sess" },
		{ "expr bin(00),be2dec(.,9)", "1 to 8" },
		{ "expr bin(00),be2hex(.)", "needs the size" },
		{ "expr bin(00),has_ctl(0xfffffffff)", "no mask" },
		{ "expr str(x),when(foo)", "unknown condition" },
		{ "expr str(x),debug(p,nowhere)", "no destination" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture f;
		fx_new(&f);
		const char *said = fx_read(&f, wrong[i][0]);
		if (!strstr(said, wrong[i][1]))
			fail_msg("%s: says '%s'", wrong[i][0], said);
		fx_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scopes_are_apart_and_types_are_kept),
		cmocka_unit_test(a_converter_that_may_not_set_gives_nothing),
		cmocka_unit_test(setting_again_takes_no_more_memory),
		cmocka_unit_test(a_value_outlives_what_it_was_copied_from),
		cmocka_unit_test(limits_refuse_and_coarse_ones_include_fine_ones),
		cmocka_unit_test(the_process_limit_counts_what_streams_have),
		cmocka_unit_test(variables_of_the_process_exist_when_they_are_named),
		cmocka_unit_test(a_reader_sees_one_value_whole),
		cmocka_unit_test(all_variables_are_dumped),
		cmocka_unit_test(rules_that_ended_the_list_are_known),
		cmocka_unit_test(acls_are_named_in_expressions),
		cmocka_unit_test(converters_of_bytes_and_lists),
		cmocka_unit_test(mistakes_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
