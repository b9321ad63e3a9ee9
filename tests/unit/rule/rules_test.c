/* SPDX-License-Identifier: MIT */
/* Unit tests of rule lists, actions and replies. */
#include "fixture.h"

static enum rule_verdict request_rules(struct fixture *f, const char *lines)
{
	f->sets[RULES_HTTP_REQ] = (struct ruleset){ .first = NULL };
	fx_load(f, lines);
	return fx_run(f, RULES_HTTP_REQ);
}

static void headers_change(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/",
	    "Host: h\nA: one, two\nA: three,  t\nCookie: a=foo; b\nX-1: x\nX-2: y\n");
	assert_int_equal(
	    request_rules(&f, "http-request add-header X-Src %[src]:%cp\n"
			      "http-request set-header X-1 \"new %[path]\"\n"
			      "http-request del-header X-2\n"
			      "http-request replace-header Cookie a=([^;]*);(.*) a=<\\1>;\\2\n"
			      "http-request replace-value A ^t(.*)$ T\\1\n"
			      "http-request replace-header Nope . x"),
	    RULES_NEXT);
	assert_string_equal(fx_fields(&f, &f.req),
	    "host: h\na: one,Two\na: Three,T\ncookie: a=<foo>; b\n"
	    "x-src: 10.1.2.3:40000\nx-1: new /\n");
	assert_int_equal(request_rules(&f, "http-request del-header x- -m beg\n"
					   "http-request del-header ^(a|cookie)$ -m reg"),
	    RULES_NEXT);
	assert_string_equal(fx_fields(&f, &f.req), "host: h\n");
	fx_free(&f);
}

static void conditions_see_what_the_rules_before_them_changed(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/a", "Host: one\nA: x\n");
	assert_int_equal(
	    request_rules(&f, "http-request set-header Host two if { hdr(host) one } { path /a }\n"
			      "http-request set-header W1 y if { hdr(host) one }\n"
			      "http-request set-header R1 y if { hdr(host) two } { path /a }\n"
			      "http-request set-path /b\n"
			      "http-request set-header W2 y if { path /a } || { path_beg -i /A }\n"
			      "http-request set-header R2 y if { path /b } { path_beg -i /B }\n"
			      "http-request add-header A y\n"
			      "http-request set-header R3 y if { hdr(a) x } { hdr(a) y }\n"
			      "http-request del-header A\n"
			      "http-request set-header W3 y if { hdr(a) -m found }"),
	    RULES_NEXT);
	assert_string_equal(fx_fields(&f, &f.req), "host: two\nr1: y\nr2: y\nr3: y\n");
	fx_free(&f);
}

static void a_full_header_table_is_an_error(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "Host: h\n");
	f.req.hdrs_max = 1;
	assert_int_equal(request_rules(&f, "http-request add-header a b"), RULES_ERROR);
	assert_int_equal(f.cx.failed_rewrites, 1);
	fx_free(&f);
}

static const char *target_after(const char *target, const char *rule)
{
	static char text[256];
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", target, "Host: h\n");
	enum rule_verdict v = request_rules(&f, rule);
	if (v == RULES_NEXT)
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(f.req.target));
	else
		snprintf(text, sizeof(text), "verdict %d", v);
	fx_free(&f);
	return text;
}

static void targets_change_part_by_part(void **state)
{
	static const char *const cases[][3] = {
		{ "/a?b", "http-request set-path /x%[path]", "/x/a?b" },
		{ "http://h/a?b", "http-request set-path /x", "http://h/x?b" },
		{ "/a?b", "http-request set-query c=%[query]", "/a?c=b" },
		{ "/a", "http-request set-query c", "/a?c" },
		{ "/a?b", "http-request set-query %[hdr(nope)]", "/a?" },
		{ "/a", "http-request set-query %[hdr(nope)]", "/a" },
		{ "/a?b", "http-request set-pathq /z?y", "/z?y" },
		{ "http://h/a?b", "http-request set-uri /new", "/new" },
		{ "/foo/bar?q", "http-request replace-path ^/foo/(.*) /\\1/x", "/bar/x?q" },
		{ "/foo?a=1", "http-request replace-pathq ([^?]*)\\\\?(.*) \\1/\\2", "/foo/a=1" },
		{ "http://h/a", "http-request replace-uri ^http://(.*) https://\\1",
		    "https://h/a" },
		{ "/a", "http-request replace-path /b /c", "/a" },
		{ "/a", "http-request set-path \"/b c\"", "verdict 7" },
		{ "/a?b", "http-request set-path /x\nhttp-request set-path %[path]y", "/xy?b" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = target_after(cases[i][0], cases[i][1]);
		if (strcmp(got, cases[i][2]) != 0)
			fail_msg("%s: %s gives %s", cases[i][0], cases[i][1], got);
	}
}

static void method_and_status_change(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "");
	assert_int_equal(request_rules(&f, "http-request set-method POST"), RULES_NEXT);
	assert_int_equal(f.req.method, HTTP_POST);
	fx_response(&f, 200, "A: b\n");
	fx_load(&f, "http-response set-status 503 reason \"Not now\"\nhttp-response del-header a");
	assert_int_equal(fx_run(&f, RULES_HTTP_RES), RULES_NEXT);
	assert_int_equal(f.res.status, 503);
	assert_true(slice_eq(f.res.reason, SLICE("Not now")));
	fx_load(&f, "http-after-response set-status 200");
	assert_int_equal(fx_run(&f, RULES_HTTP_AFTER_RES), RULES_NEXT);
	assert_true(slice_eq(f.res.reason, SLICE("OK")));
	assert_string_equal(fx_fields(&f, &f.res), "");
	fx_free(&f);
}

struct answer {
	const char *rule;
	enum rule_verdict verdict;
	const char *reply;
};

static void rules_answer(void **state)
{
	static const struct answer answers[] = {
		{ "http-request deny", RULES_DENY, "403 plain\n" },
		{ "http-request deny deny_status 429", RULES_DENY, "429 plain\n" },
		{ "http-request deny status 400 content-type text/plain string no hdr X-Y "
		  "%[method]",
		    RULES_DENY, "400\ntext/plain\nx-y: GET\nno" },
		{ "http-request tarpit", RULES_TARPIT, "500 plain\n" },
		{ "http-request return", RULES_REPLY, "200\n" },
		{ "http-request return status 204 hdr A b hdr C d", RULES_REPLY,
		    "204\na: b\nc: d\n" },
		{ "http-request return content-type text/plain lf-string \"hi %[src]%%\"",
		    RULES_REPLY, "200\ntext/plain\nhi 10.1.2.3%" },
		{ "http-request return status 404 default-errorfiles", RULES_REPLY, "404 plain\n" },
		{ "http-request redirect location /x", RULES_REPLY,
		    "302\nlocation: /x\ncache-control: no-cache\n" },
		{ "http-request redirect code 301 location http://%[hdr(host)]/ keep-query",
		    RULES_REPLY, "301\nlocation: http://h:81/?q=1\n" },
		{ "http-request redirect location /x?a keep-query", RULES_REPLY,
		    "302\nlocation: /x?a&q=1\ncache-control: no-cache\n" },
		{ "http-request redirect code 308 prefix https://m.com", RULES_REPLY,
		    "308\nlocation: https://m.com/p/a?q=1\n" },
		{ "http-request redirect prefix / drop-query append-slash", RULES_REPLY,
		    "302\nlocation: /p/a/\ncache-control: no-cache\n" },
		{ "http-request redirect prefix / append-slash", RULES_REPLY,
		    "302\nlocation: /p/a?q=1/\ncache-control: no-cache\n" },
		{ "http-request redirect scheme https", RULES_REPLY,
		    "302\nlocation: https://h:81/p/a?q=1\ncache-control: no-cache\n" },
		{ "http-request redirect location / set-cookie SEEN=1", RULES_REPLY,
		    "302\nlocation: /\ncache-control: no-cache\nset-cookie: SEEN=1; path=/;\n" },
		{ "redirect location / clear-cookie U=", RULES_REPLY,
		    "302\nlocation: /\ncache-control: no-cache\nset-cookie: U=; path=/; "
		    "Max-Age=0;\n" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct fixture f;
		fx_new(&f);
		fx_request(&f, "GET", "/p/a?q=1", "Host: h:81\n");
		enum rule_verdict v = request_rules(&f, answers[i].rule);
		if (v != answers[i].verdict || strcmp(fx_reply(&f), answers[i].reply) != 0)
			fail_msg("%s: verdict %d, '%s'", answers[i].rule, v,
			    f.cx.reply ? fx_reply(&f) : "");
		fx_free(&f);
	}
}

static void an_empty_location_can_be_skipped(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "");
	assert_int_equal(
	    request_rules(&f, "http-request redirect location %[hdr(x)] ignore-empty"), RULES_NEXT);
	assert_int_equal(
	    request_rules(&f, "http-request redirect location %[hdr(x)]"), RULES_REPLY);
	fx_free(&f);
}

static void files_are_replies(void **state)
{
	char path[] = "/tmp/weir-rule-test-XXXXXX";
	static const char raw[] = "HTTP/1.0 200 OK\r\n\r\nx";
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "");
	int fd = mkstemp(path);
	assert_int_equal(write(fd, raw, sizeof(raw) - 1), sizeof(raw) - 1);
	close(fd);
	assert_int_equal(
	    request_rules(&f, arena_printf(&f.mem, "http-request return errorfile %s", path)),
	    RULES_REPLY);
	assert_int_equal(f.cx.reply->file_raw_len, sizeof(raw) - 1);
	assert_int_equal(
	    request_rules(
		&f, arena_printf(&f.mem, "http-request return content-type a/b file %s", path)),
	    RULES_REPLY);
	assert_true(slice_eq(f.cx.reply->body, slice_str(raw)));
	unlink(path);
	fx_free(&f);
}

static void the_first_final_rule_ends_a_list(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "");
	assert_int_equal(request_rules(&f, "http-request deny if { path /x }\nhttp-request allow\n"
					   "http-request deny"),
	    RULES_NEXT);
	assert_int_equal(request_rules(&f, "http-request reject"), RULES_CLOSE);
	assert_int_equal(request_rules(&f, "http-request silent-drop unless FALSE"), RULES_DROP);
	fx_load(&f, "tcp-request connection reject if { src 10.0.0.0/8 }\n"
		    "tcp-request session accept\ntcp-response content close");
	f.cx.at = RULE_AT_CONN;
	assert_int_equal(fx_run(&f, RULES_TCP_CONNECTION), RULES_CLOSE);
	assert_int_equal(fx_run(&f, RULES_TCP_SESSION), RULES_NEXT);
	assert_int_equal(fx_run(&f, RULES_TCP_RES_CONTENT), RULES_CLOSE_SERVER);
	fx_free(&f);
}

/* Rules in front of the one that waits see the bytes it waited for, too. */
static void content_rules_wait_and_start_again(void **state)
{
	struct fixture f;
	fx_new(&f);
	f.cx.at = RULE_AT_REQ_BUF;
	f.cx.req_final = false;
	fx_load(&f, "tcp-request content capture src len 20\n"
		    "tcp-request content reject if { req.payload(0,3) -m str bad }\n"
		    "tcp-request content capture dst_port len 9\n"
		    "tcp-request content reject if WAIT_END");
	f.cursor = (struct rule_cursor){ .rule = NULL };
	const struct ruleset *set = &f.sets[RULES_TCP_REQ_CONTENT];
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	assert_string_equal(strbuf_str(&f.calls), "capture 0 0 10.1.2.3\n");
	strbuf_clear(&f.calls);
	f.cx.req_buf = SLICE("ba");
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	assert_string_equal(strbuf_str(&f.calls), "capture 0 0 10.1.2.3\n");
	strbuf_clear(&f.calls);
	f.cx.req_buf = SLICE("bat");
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	assert_string_equal(strbuf_str(&f.calls), "capture 0 0 10.1.2.3\ncapture 0 1 80\n");
	f.cx.req_final = true;
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_CLOSE);
	f.cx.req_buf = SLICE("bad");
	assert_int_equal(fx_run(&f, RULES_TCP_REQ_CONTENT), RULES_CLOSE);
	fx_free(&f);
}

static void a_body_is_waited_for(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "POST", "/", "");
	fx_load(&f, "http-request wait-for-body time 2s at-least 5 if METH_POST\n"
		    "http-request deny if { req.body -m sub evil }");
	const struct ruleset *set = &f.sets[RULES_HTTP_REQ];
	f.req.framing = HTTP_BODY_CHUNKED;
	f.cx.req_final = false;
	f.cursor = (struct rule_cursor){ .rule = NULL };
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	assert_true(f.cx.wait_body);
	assert_int_equal(f.cx.wait_ms, 2000);
	f.worker.clock.mono_ms += 500;
	f.cx.req_buf = SLICE("evi");
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	assert_int_equal(f.cx.wait_ms, 1500);
	f.cx.req_buf = SLICE("evil1");
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_DENY);
	assert_false(f.cx.wait_body);
	/* The time goes by. */
	f.cx.req_buf = SLICE("e");
	f.cursor = (struct rule_cursor){ .rule = NULL };
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_WAIT);
	f.worker.clock.mono_ms += 2000;
	assert_int_equal(rules_run(set, &f.cx, &f.cursor), RULES_TIMEOUT);
	/* Nothing to wait for. */
	f.req.framing = HTTP_BODY_NONE;
	assert_int_equal(fx_run(&f, RULES_HTTP_REQ), RULES_NEXT);
	fx_free(&f);
}

static void the_host_is_asked(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "X: 30\nIp: 9.8.7.6\nLong: abcdefgh\n");
	assert_int_equal(request_rules(&f, "http-request set-log-level silent\n"
					   "http-request set-timeout server 5s\n"
					   "http-request set-timeout tunnel hdr_val(x),mul(1000)\n"
					   "http-request capture req.hdr(long) len 3\n"
					   "http-request capture req.hdr(long) id 4\n"
					   "http-request set-src hdr_ip(ip)\n"
					   "http-request set-src-port int(99)\n"
					   "http-request set-dst ipv6(::1)\n"
					   "http-request set-header s %[src]"),
	    RULES_NEXT);
	assert_string_equal(strbuf_str(&f.calls),
	    "level 8\ntimeout server 5000\ntimeout tunnel 30000\ncapture 0 0 abc\n"
	    "capture 0 4 abcdefgh\nsrc 9.8.7.6 40000\nsrc 9.8.7.6 99\ndst ::1 80\n");
	fx_free(&f);
}

struct told {
	const char *lines, *message;
};

static void mistakes_are_told(void **state)
{
	static const struct told wrong[] = {
		{ "http-request set-heade a b", "did you mean 'set-header'?" },
		{ "http-request", "needs an action" },
		{ "http-request set-var txn.x src", "is written 'set-var(...)'" },
		{ "http-request set-var(txn.x src", "is written 'set-var(...)'" },
		{ "http-request deny(x)", "takes nothing in parentheses" },
		{ "http-request cache-use c", "action 'cache-use' is not supported" },
		{ "http-request set-status 200", "may not be used in 'http-request' rules" },
		{ "tcp-request connection set-header a b",
		    "may not be used in 'tcp-request connection'" },
		{ "http-request set-header a", "needs a value" },
		{ "http-request set-header a: b", "not a valid header name" },
		{ "http-request deny foo", "unexpected 'foo'" },
		{ "http-request allow foo", "unexpected 'foo'" },
		{ "http-request deny status 700", "" },
		{ "http-request deny deny_status 299", "has no error file" },
		{ "http-request return string x", "a 'content-type' is needed" },
		{ "http-request return content-type a string x file y", "given twice" },
		{ "http-request return errorfile /no/such", "cannot read file" },
		{ "http-request return errorfiles x", "may not be used here" },
		{ "http-request redirect code 301", "needs 'location'" },
		{ "http-request redirect location / code 305", "305" },
		{ "http-request wait-for-body", "needs 'time" },
		{ "http-request set-timeout foo 1s", "foo" },
		{ "http-request set-header a %[foo]", "unknown fetch 'foo'" },
		{ "http-request set-header a %zz", "unknown alias '%zz'" },
		{ "http-request set-header a %[path", "']' is missing" },
		{ "http-response set-header a %[path]", "may not be used here" },
		{ "http-request capture path", "needs 'len" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture f;
		fx_new(&f);
		const char *said = fx_read(&f, wrong[i].lines);
		if (!*said || !strstr(said, wrong[i].message))
			fail_msg("%s: says '%s'", wrong[i].lines, said);
		fx_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_change),
		cmocka_unit_test(conditions_see_what_the_rules_before_them_changed),
		cmocka_unit_test(a_full_header_table_is_an_error),
		cmocka_unit_test(targets_change_part_by_part),
		cmocka_unit_test(method_and_status_change),
		cmocka_unit_test(rules_answer),
		cmocka_unit_test(an_empty_location_can_be_skipped),
		cmocka_unit_test(files_are_replies),
		cmocka_unit_test(the_first_final_rule_ends_a_list),
		cmocka_unit_test(content_rules_wait_and_start_again),
		cmocka_unit_test(a_body_is_waited_for),
		cmocka_unit_test(the_host_is_asked),
		cmocka_unit_test(mistakes_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
