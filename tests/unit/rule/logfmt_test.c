/* SPDX-License-Identifier: MIT */
/* Unit tests of log formats and their aliases. */
#include "fixture.h"

/* A request that went through, all times different. */
static void fill(struct fixture *f)
{
	static struct sockaddr_in server, own;
	static const struct slice req[] = { { "a|b\"", 4 }, { NULL, 0 }, { "c d", 3 } };
	setenv("TZ", "UTC-2", 1);
	tzset();
	server.sin_family = own.sin_family = AF_INET;
	server.sin_port = htons(8080);
	server.sin_addr.s_addr = htonl(0x0a000001);
	own.sin_port = htons(5555);
	own.sin_addr.s_addr = htonl(0x0a000002);
	f->record = (struct log_record){
		.t = { .accept = 1000000,
		    .handshake = 1001000,
		    .idle_end = 1003000,
		    .request = 1007000,
		    .queue = 1015000,
		    .connected = 1031000,
		    .response = 1063000,
		    .close = 1127000,
		    .accept_wall = 1700000000123456,
		    .request_wall = 1700000001007000 },
		.flags = { .cause = 'S', .phase = 'D', .cookie_in = 'N', .cookie_out = 'I' },
		.http = true,
		.status = 200,
		.retries = 1,
		.bytes_up = 100,
		.bytes_down = 2000,
		.act_conn = 1,
		.fe_conn = 2,
		.be_conn = 3,
		.srv_conn = 4,
		.srv_queue = 5,
		.be_queue = 6,
		.request_counter = 26,
		.frontend = SLICE("fe"),
		.backend = SLICE("be"),
		.server = SLICE("s1"),
		.method = SLICE("GET"),
		.uri = SLICE("/p?q=\x01\""),
		.path = SLICE("/p"),
		.version = SLICE("HTTP/1.1"),
		.req_captures = req,
		.req_captures_n = 3,
		.server_addr = (const struct sockaddr *)&server,
		.server_src = (const struct sockaddr *)&own,
	};
	f->cx.at = RULE_AT_LOG;
}

struct want {
	const char *fmt, *line;
};

static void expect(const struct want *wants, size_t n)
{
	struct fixture f;
	fx_new(&f);
	fill(&f);
	for (size_t i = 0; i < n; i++) {
		const char *got = fx_format(&f, arena_printf(&f.mem, "fmt '%s'", wants[i].fmt));
		if (strcmp(got, wants[i].line) != 0)
			fail_msg("%s gives '%s' instead of '%s'", wants[i].fmt, got, wants[i].line);
	}
	fx_free(&f);
}

#define EXPECT(...)                                                                                \
	do {                                                                                       \
		static const struct want wants_[] = { __VA_ARGS__ };                               \
		expect(wants_, ARRAY_SIZE(wants_));                                                \
	} while (0)

static void aliases_show_the_record(void **state)
{
	EXPECT({ "%ci:%cp %fi:%fp %bi:%bp %si:%sp",
		   "10.1.2.3:40000 10.9.9.9:80 10.0.0.2:5555 10.0.0.1:8080" },
	    { "%f %ft %b %s %ts %tsc", "fe fe be s1 SD SDNI" },
	    { "%ST %B %U %rc %rt", "200 2000 100 1 26" },
	    { "%ac/%fc/%bc/%sc %sq/%bq", "1/2/3/4 5/6" }, { "%t", "15/Nov/2023:00:13:20.123" },
	    { "%tr", "15/Nov/2023:00:13:21.007" }, { "%T", "14/Nov/2023:22:13:20 +0000" },
	    { "%Tl", "15/Nov/2023:00:13:20 +0200" }, { "%trg", "14/Nov/2023:22:13:21 +0000" },
	    { "%trl", "15/Nov/2023:00:13:21 +0200" }, { "%Ts.%ms", "1700000000.123" },
	    { "%Th %Ti %TR %Tw %Tc %Tr %Td", "1 2 4 8 16 32 64" },
	    { "%Tq %Ta %Tt %Tu", "7 124 127 125" },
	    { "%HM %HP %HPO %HU %HV", "GET /p /p /p?q=#01#22 HTTP/1.1" }, { "%HQ", "?q=#01#22" },
	    { "%r", "GET /p?q=#01#22 HTTP/1.1" }, { "%hr", "{a#7Cb#22||c d}" },
	    { "%hrl", "a#7Cb#22 - c d" }, { "%CC %CS %ID", "- - -" },
	    { "%lc %fm %OG", "0 HTTP unspec" }, { "100%%", "100%" });
}

static void flags_change_values(void **state)
{
	EXPECT({ "%{+Q}r", "\"GET /p?q=#01#22 HTTP/1.1\"" },
	    { "%{+X}ci %{+X}cp %{+X}rt", "0A010203 9C40 001A" }, { "%{+X}Ts", "6553F100" },
	    { "%{+Q}o %f %{-Q}b %CC", "\"fe\" be \"\"" },
	    { "%{+Q}hrl", "\"a#7Cb#22\" \"\" \"c d\"" },
	    { "%{+Q,+E}[str(a\\\"b]c)]", "\"a\\\"b\\]c\"" },
	    { "%(name)f %(n:str)[src]", "fe 10.1.2.3" });
}

static void blanks_are_merged_and_empty_values_marked(void **state)
{
	EXPECT({ "a   b", "a b" }, { "a %hs %hsl b", "a b" }, { "%[be_name]", "-" }, { " a", "a" },
	    { "", "" });
}

static void a_missing_time_is_minus_one(void **state)
{
	struct fixture f;
	fx_new(&f);
	fill(&f);
	f.record.t.queue = f.record.t.connected = f.record.t.response = 0;
	assert_string_equal(fx_format(&f, "fmt '%TR/%Tw/%Tc/%Tr/%Ta'"), "4/-1/-1/-1/124");
	f.record.t.request = 0;
	f.record.bad_request = true;
	f.record.status = 400;
	f.record.server = SLICE_NULL;
	assert_string_equal(
	    fx_format(&f, "fmt '%TR/%Tw/%s %{+Q}r %HM'"), "-1/-1/<NOSRV> \"<BADREQ>\" <BADREQ>");
	assert_string_equal(fx_format(&f, "fmt '[%hr]'"), "[]");
	f.record.bad_request = false;
	f.record.path = SLICE("*");
	assert_string_equal(fx_format(&f, "fmt '[%HPO]'"), "[]");
	f.record.redispatched = true;
	f.record.asap = true;
	assert_string_equal(fx_format(&f, "fmt '%rc %B %Ta %Tt'"), "+1 +2000 +124 +127");
	fx_free(&f);
}

static void the_named_formats(void **state)
{
	struct fixture f;
	fx_new(&f);
	fill(&f);
	const char *const texts[] = { logfmt_text_tcp, logfmt_text_http, logfmt_text_clf,
		logfmt_text_connect, logfmt_text_error };
	const char *const lines[] = {
		"10.1.2.3:40000 [15/Nov/2023:00:13:20.123] fe be/s1 8/16/127 2000 SD 1/2/3/4/1 5/6",
		"10.1.2.3:40000 [15/Nov/2023:00:13:21.007] fe be/s1 4/8/16/32/124 200 2000 - - "
		"SDNI "
		"1/2/3/4/1 5/6 {a#7Cb#22||c d} \"GET /p?q=#01#22 HTTP/1.1\"",
		"10.1.2.3 - - [14/Nov/2023:22:13:21 +0000] \"GET /p?q=#01#22 HTTP/1.1\" 200 2000 "
		"\"\" \"\" "
		"40000 123 \"fe\" \"be\" \"s1\" 4 8 16 32 124 SDNI 1 2 3 4 1 5 6 \"\" \"\" "
		"\"a#7Cb#22\" \"\" \"c d\" ",
		"Connect from 10.1.2.3:40000 to 10.9.9.9:80 (fe/HTTP)",
		"10.1.2.3:40000 [15/Nov/2023:00:13:20.123] fe/-: -",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *got = fx_format(&f, arena_printf(&f.mem, "fmt '%s'", texts[i]));
		assert_string_equal(got, lines[i]);
	}
	fx_free(&f);
}

static void header_values_hold_no_line_ends(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_request(&f, "GET", "/", "X: y\n");
	assert_string_equal(
	    fx_format(&f, "hfmt 'a  b %[bin(0d0a41)] %[hdr(no)] %[hdr(x)]'"), "a  b %0D%0AA  y");
	assert_int_equal(http_hdr_add(&f.req, SLICE("z"), SLICE("1\r\n2\x7f\t3\xe9")), 0);
	assert_string_equal(fx_format(&f, "hfmt '%[hdr(z)]'"), "1%0D%0A2%7F\t3\xe9");
	fx_free(&f);
}

static void output_is_cut_at_the_end(void **state)
{
	struct fixture f;
	char out[64];
	fx_new(&f);
	fill(&f);
	fx_load(&f, "fmt '%{+Q}r %t %hr %ci %cp'");
	char whole[256];
	size_t len = logfmt_write(f.fmt, &f.cx, whole, sizeof(whole));
	for (size_t cap = 0; cap < sizeof(out); cap++) {
		memset(out, '~', sizeof(out));
		size_t n = logfmt_write(f.fmt, &f.cx, out, cap);
		assert_true(n <= cap && n <= len);
		if (cap < sizeof(out))
			assert_int_equal(out[cap], '~');
	}
	fx_free(&f);
}

static void constants_are_known(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_load(&f, "hfmt 'just text 100%%'");
	assert_true(slice_eq(logfmt_constant(f.fmt), SLICE("just text 100%")));
	assert_string_equal(fx_format(&f, "hfmt '%{+Q}[src]'"), "10.1.2.3");
	fx_load(&f, "hfmt 'x%[src]'");
	assert_null(logfmt_constant(f.fmt).ptr);
	fx_load(&f, "hfmt ''");
	assert_non_null(logfmt_constant(f.fmt).ptr);
	fx_free(&f);
}

static void needs_are_known(void **state)
{
	static const struct {
		const char *line;
		unsigned needs;
	} wants[] = {
		{ "fmt '%ci %ST %r %[txn.status]'", 0 },
		{ "fmt '%ci %B'", LOGFMT_NEEDS_END },
		{ "fmt '%[bytes_out]'", LOGFMT_NEEDS_END },
		{ "fmt '%(x){+Q}si'", LOGFMT_NEEDS_SERVER_ENDS },
		{ "fmt '%bp %Ta'", LOGFMT_NEEDS_END | LOGFMT_NEEDS_SERVER_ENDS },
	};
	assert_int_equal(logfmt_needs(NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		struct fixture f;
		fx_new(&f);
		fx_load(&f, wants[i].line);
		assert_int_equal(logfmt_needs(f.fmt), wants[i].needs);
		fx_free(&f);
	}
}

static void mistakes_are_told(void **state)
{
	static const struct want wrong[] = {
		{ "fmt %Tz", "unknown alias '%Tz'; did you mean '%T" },
		{ "fmt 'a %b %nothing'", "character 7: unknown alias '%nothing'" },
		{ "fmt %{+Q,+jsn}o", "character 7: unknown flag 'jsn'" },
		{ "fmt %(a:int)ci", "character 5: unknown type 'int'" },
		{ "fmt %(a", "must be followed" },
		{ "fmt '%[src'", "']' is missing" },
		{ "tcpfmt %r", "alias '%r' needs 'mode http'" },
		{ "fmt '%{+Q'", "must be followed" },
		{ "fmt 'a % b'", "must be followed" },
		{ "fmt %[path]", "may not be used here" },
		{ "fmt %[src,foo]", "unknown converter 'foo'" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture f;
		fx_new(&f);
		const char *said = fx_read(&f, wrong[i].fmt);
		if (!strstr(said, wrong[i].line))
			fail_msg("%s: says '%s'", wrong[i].fmt, said);
		fx_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aliases_show_the_record),
		cmocka_unit_test(flags_change_values),
		cmocka_unit_test(blanks_are_merged_and_empty_values_marked),
		cmocka_unit_test(a_missing_time_is_minus_one),
		cmocka_unit_test(the_named_formats),
		cmocka_unit_test(header_values_hold_no_line_ends),
		cmocka_unit_test(output_is_cut_at_the_end),
		cmocka_unit_test(constants_are_known),
		cmocka_unit_test(needs_are_known),
		cmocka_unit_test(mistakes_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
