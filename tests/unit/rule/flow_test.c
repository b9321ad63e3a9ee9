/* SPDX-License-Identifier: MIT */
/* Unit tests of normalize-uri and of the actions on how a stream is treated. */
#include "fixture.h"

static enum rule_verdict request_rules(struct fixture *f, const char *lines)
{
	f->sets[RULES_HTTP_REQ] = (struct ruleset){ .first = NULL };
	fx_load(f, lines);
	return fx_run(f, RULES_HTTP_REQ);
}

static const char *normalised(const char *target, const char *how)
{
	static char text[256];
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", target, "Host: h\n");
	enum rule_verdict v =
	    request_rules(&f, arena_printf(&f.mem, "http-request normalize-uri %s", how));
	if (v == RULES_NEXT)
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(f.req.target));
	else
		snprintf(text, sizeof(text), "verdict %d", (int)v - RULES_INVALID);
	fx_free(&f);
	return text;
}

static void targets_are_normalised(void **state)
{
	static const char *const cases[][3] = {
		{ "//", "path-merge-slashes", "/" },
		{ "/foo//bar?x//y", "path-merge-slashes", "/foo/bar?x//y" },
		{ "http://h//a///b", "path-merge-slashes", "http://h/a/b" },
		{ "*", "path-merge-slashes", "*" },
		{ "/.", "path-strip-dot", "/" },
		{ "/./bar/", "path-strip-dot", "/bar/" },
		{ "/a/./a", "path-strip-dot", "/a/a" },
		{ "/a/.", "path-strip-dot", "/a/" },
		{ "/.well-known/", "path-strip-dot", "/.well-known/" },
		{ "/foo/../", "path-strip-dotdot", "/" },
		{ "/foo/..", "path-strip-dotdot", "/" },
		{ "/foo/bar/../", "path-strip-dotdot", "/foo/" },
		{ "/../bar/", "path-strip-dotdot", "/../bar/" },
		{ "/bar/../../", "path-strip-dotdot", "/../" },
		{ "/foo//../", "path-strip-dotdot", "/foo/" },
		{ "/foo/%2E%2E/", "path-strip-dotdot", "/foo/%2E%2E/" },
		{ "/../bar/", "path-strip-dotdot full", "/bar/" },
		{ "/bar/../../", "path-strip-dotdot full", "/" },
		{ "/a/b/c/./../../g", "path-strip-dotdot full", "/a/b/g" },
		{ "/%61dmin", "percent-decode-unreserved", "/admin" },
		{ "/foo%3Fbar=baz", "percent-decode-unreserved", "/foo%3Fbar=baz" },
		{ "/%%36%36", "percent-decode-unreserved", "/%66" },
		{ "/%ZZ?%7e%2D%2e%5f", "percent-decode-unreserved", "/%ZZ?~-._" },
		{ "/%00%41", "percent-decode-unreserved", "/%00A" },
		{ "/%%36%36", "percent-decode-unreserved strict", "verdict 0" },
		{ "/a%4", "percent-decode-unreserved strict", "verdict 0" },
		{ "/%6f%zz?%fa", "percent-to-uppercase", "/%6F%zz?%FA" },
		{ "/%zz", "percent-to-uppercase strict", "verdict 0" },
		{ "/?c=3&a=1&b=2", "query-sort-by-name", "/?a=1&b=2&c=3" },
		{ "/?aaa=3&a=1&aa=2", "query-sort-by-name", "/?a=1&aa=2&aaa=3" },
		{ "/?a=3&b=4&a=1&b=5&a=2", "query-sort-by-name", "/?a=3&a=1&a=2&b=4&b=5" },
		{ "/?b#c", "query-sort-by-name", "/?b#c" },
		{ "/?b&a#z&0", "query-sort-by-name", "/?a&b#z&0" },
		{ "/#foo", "fragment-strip", "/" },
		{ "/a?b#foo#x", "fragment-strip", "/a?b" },
		{ "/#foo#", "fragment-encode", "/%23foo%23" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = normalised(cases[i][0], cases[i][1]);
		if (strcmp(got, cases[i][2]) != 0)
			fail_msg("%s: %s gives %s", cases[i][0], cases[i][1], got);
	}
}

static void numbers_reach_the_host(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "N: 77\nBig: 999999\n");
	assert_int_equal(request_rules(&f, "http-request set-priority-class int(-9999)\n"
					   "http-request set-priority-offset hdr_val(big)\n"
					   "http-request set-retries 3\n"
					   "http-request set-retries hdr_val(big)\n"
					   "http-request set-fc-tos 0x10\n"
					   "http-request set-tos hdr_val(n)\n"
					   "http-request set-fc-tos hdr_val(big)\n"
					   "http-request set-mark 0xffffffff\n"
					   "http-request set-bc-tos 8\n"
					   "http-request set-bc-mark hdr_val(n)\n"
					   "http-request wait-for-handshake\n"
					   "http-request disable-l7-retry"),
	    RULES_NEXT);
	const char *want = arena_printf(&f.mem,
	    "set %d -2047\nset %d 524287\nset %d 3\nset %d 16\nset %d 77\n"
	    "set %d 4294967295\nset %d 8\nset %d 77\nset %d 1\n",
	    RULE_SET_PRIO_CLASS, RULE_SET_PRIO_OFFSET, RULE_SET_RETRIES, RULE_SET_FC_TOS,
	    RULE_SET_FC_TOS, RULE_SET_FC_MARK, RULE_SET_BC_TOS, RULE_SET_BC_MARK,
	    RULE_SET_NO_L7_RETRY);
	assert_string_equal(strbuf_str(&f.calls), want);
	fx_free(&f);
}

static void a_pause_ends_by_itself(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "N: 50\n");
	fx_load(&f, "http-request pause 200ms\n"
		    "http-request set-header passed 1\n"
		    "http-request pause hdr_val(n)\n"
		    "http-request pause hdr_val(none)\n"
		    "http-request pause 0\n"
		    "http-request deny");
	const struct ruleset *set = &f.sets[RULES_HTTP_REQ];
	f.cursor = (struct rule_cursor){ .rule = NULL };
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	assert_int_equal(f.cx.wait_ms, 200);
	f.worker.clock.mono_ms += 199;
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	assert_int_equal(f.cx.wait_ms, 1);
	f.worker.clock.mono_ms += 1;
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	assert_int_equal(f.cx.wait_ms, 50);
	assert_string_equal(fx_fields(&f, &f.req), "n: 50\npassed: 1\n");
	f.worker.clock.mono_ms += 60;
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_DENY);
	fx_free(&f);
}

static void lax_rewrites_fail_silently_until_the_list_ends(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "Host: h\n");
	f.cx.rewrite_room = 10;
	assert_int_equal(request_rules(&f, "http-request strict-mode off\n"
					   "http-request set-header long %[str(abcdefghijkl)]\n"
					   "http-request set-path /abcdefghijkl\n"
					   "http-request replace-header host h abcdefghijkl\n"
					   "http-request set-header s 1"),
	    RULES_NEXT);
	assert_string_equal(fx_fields(&f, &f.req), "host: h\ns: 1\n");
	assert_int_equal(f.cx.failed_rewrites, 3);
	assert_int_equal(
	    request_rules(&f, "http-request set-header long abcdefghijkl"), RULES_ERROR);
	assert_int_equal(request_rules(&f, "http-request strict-mode off\n"
					   "http-request strict-mode on\n"
					   "http-request set-path /abcdefghijkl"),
	    RULES_ERROR);
	fx_free(&f);
}

static void hints_of_neighbours_leave_together(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "Host: h\n");
	assert_int_equal(request_rules(&f, "http-request early-hint Link </a>\n"
					   "http-request early-hint link \"</%[hdr(host)]>\"\n"
					   "http-request early-hint x y if FALSE\n"
					   "http-request set-header s 1 if FALSE\n"
					   "http-request early-hint X-3 3\n"
					   "http-request set-header s 1\n"
					   "http-request early-hint X-4 4"),
	    RULES_NEXT);
	assert_string_equal(strbuf_str(&f.calls), "103 link=</a> link=</h> x-3=3\n103 x-4=4\n");
	fx_free(&f);
}

static void drops_and_switches_are_verdicts(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "");
	assert_int_equal(request_rules(&f, "http-request silent-drop rst-ttl 7"), RULES_DROP);
	assert_int_equal(f.cx.rst_ttl, 7);
	assert_int_equal(request_rules(&f, "http-request silent-drop"), RULES_DROP);
	assert_int_equal(f.cx.rst_ttl, 0);
	fx_load(&f, "tcp-request content switch-mode http proto h1\ntcp-request content reject");
	f.cx.at = RULE_AT_REQ_BUF;
	assert_int_equal(fx_run(&f, RULES_TCP_REQ_CONTENT), RULES_HTTP);
	assert_true(ruleset_has(&f.sets[RULES_TCP_REQ_CONTENT], "switch-mode"));
	assert_false(ruleset_has(&f.sets[RULES_TCP_REQ_CONTENT], "accept"));
	fx_free(&f);
}

/* Rules about HTTP in a TCP connection wait for the head, at every point where it may be split. */
static void a_request_is_seen_in_raw_bytes(void **state)
{
	static const char head[] = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
	struct fixture f;
	fx_new(&f);
	f.cx.at = RULE_AT_REQ_BUF;
	f.where = RULE_AT_REQ_BUF;
	f.cx.req_final = false;
	for (size_t len = 0; len < sizeof(head) - 1; len++) {
		f.cx.req_buf = slice_make(head, len);
		assert_int_equal(fx_test(&f, "if { hdr(host) a }"), -1);
	}
	f.cx.req_buf = slice_make(head, sizeof(head) - 1);
	assert_int_equal(fx_test(&f, "if HTTP { hdr(host) a } { path /x }"), 1);
	fx_free(&f);
	fx_new(&f);
	f.cx.at = RULE_AT_REQ_BUF;
	f.where = RULE_AT_REQ_BUF;
	f.cx.req_final = false;
	f.cx.req_buf = SLICE("no\x01 request");
	assert_int_equal(fx_test(&f, "if HTTP"), 0);
	fx_free(&f);
}

/* covers: action http-request use-service, action tcp-request content use-service */
static void mistakes_are_told(void **state)
{
	static const char *const wrong[][2] = {
		{ "http-request normalize-uri path-strip", "unknown normalizer 'path-strip'" },
		{ "http-request normalize-uri path-strip-dot full", "unexpected 'full'" },
		{ "http-request set-fc-tos 256", "'256' is not between 0 and 255" },
		{ "http-request set-retries 101", "is not between 0 and 100" },
		{ "http-request set-retries nope", "unknown fetch 'nope'" },
		{ "http-request set-nice 2000", "2000" },
		{ "http-request pause", "needs a time" },
		{ "http-request strict-mode maybe", "maybe" },
		{ "http-request early-hint a: b", "not a valid header name" },
		{ "http-request silent-drop rst-ttl 0", "0" },
		{ "http-request use-service prometheus-exporter", "unknown service" },
		{ "tcp-request content use-service none", "unknown service" },
		{ "tcp-request content switch-mode tcp", "expects 'http'" },
		{ "tcp-request content switch-mode http proto h2", "only 'h1'" },
		{ "http-request switch-mode http", "may not be used in 'http-request'" },
		{ "http-response set-retries 1", "may not be used in 'http-response'" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture f;
		fx_new(&f);
		const char *said = fx_read(&f, wrong[i][0]);
		if (!strstr(said, wrong[i][1]))
			fail_msg("%s: %s", wrong[i][0], said);
		fx_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_normalised),
		cmocka_unit_test(numbers_reach_the_host),
		cmocka_unit_test(a_pause_ends_by_itself),
		cmocka_unit_test(lax_rewrites_fail_silently_until_the_list_ends),
		cmocka_unit_test(hints_of_neighbours_leave_together),
		cmocka_unit_test(drops_and_switches_are_verdicts),
		cmocka_unit_test(a_request_is_seen_in_raw_bytes),
		cmocka_unit_test(mistakes_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
