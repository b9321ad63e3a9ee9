/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of log formats in JSON and CBOR. What is written is decoded again: JSON by jansson, CBOR by a small
 * reader that gives JSON's notation (byte strings as h'..').
 */
#include "fixture.h"

#include <jansson.h>

/* ---- CBOR to text ---- */

struct cbor {
	const uint8_t *at, *end;
	struct strbuf out;
};

static uint64_t cbor_argument(struct cbor *c, unsigned info)
{
	unsigned size = info < 24 ? 0 : 1u << (info - 24);
	uint64_t v = info < 24 ? info : 0;
	assert_true(info < 28);
	assert_true((size_t)(c->end - c->at) >= size);
	while (size--)
		v = v << 8 | *c->at++;
	return v;
}

static void cbor_string(struct cbor *c, unsigned major, uint64_t len)
{
	assert_true(len <= (uint64_t)(c->end - c->at));
	strbuf_adds(&c->out, major == 3 ? "\"" : "h'");
	for (; len; len--, c->at++) {
		if (major == 3)
			strbuf_addc(&c->out, (char)*c->at);
		else
			strbuf_addf(&c->out, "%02x", *c->at);
	}
	strbuf_adds(&c->out, major == 3 ? "\"" : "'");
}

static void cbor_value(struct cbor *c);

static void cbor_map(struct cbor *c)
{
	bool first = true;
	strbuf_addc(&c->out, '{');
	while (assert_true(c->at < c->end), *c->at != 0xff) {
		strbuf_adds(&c->out, first ? "" : ",");
		first = false;
		cbor_value(c);
		strbuf_addc(&c->out, ':');
		cbor_value(c);
	}
	c->at++;
	strbuf_addc(&c->out, '}');
}

static void cbor_array(struct cbor *c, uint64_t n)
{
	strbuf_addc(&c->out, '[');
	for (uint64_t i = 0; i < n; i++) {
		strbuf_adds(&c->out, i ? "," : "");
		cbor_value(c);
	}
	strbuf_addc(&c->out, ']');
}

static void cbor_value(struct cbor *c)
{
	assert_true(c->at < c->end);
	uint8_t first = *c->at++;
	if (first == 0xbf) {
		cbor_map(c);
	} else if (first >= 0xf4 && first <= 0xf6) {
		strbuf_adds(&c->out, first == 0xf4 ? "false" : first == 0xf5 ? "true" : "null");
	} else {
		unsigned major = first >> 5;
		uint64_t v = cbor_argument(c, first & 31);
		if (major == 0)
			strbuf_addf(&c->out, "%llu", (unsigned long long)v);
		else if (major == 1)
			strbuf_addf(&c->out, "-%llu", (unsigned long long)v + 1);
		else if (major == 2 || major == 3)
			cbor_string(c, major, v);
		else if (major == 4)
			cbor_array(c, v);
		else
			fail_msg("unexpected first byte %02x", first);
	}
}

static char *cbor_text(const uint8_t *bytes, size_t n)
{
	struct cbor c = { .at = bytes, .end = bytes + n };
	cbor_value(&c);
	assert_ptr_equal(c.at, c.end);
	char *text = strdup(strbuf_str(&c.out));
	strbuf_done(&c.out);
	return text;
}

static size_t unhex(const char *text, uint8_t *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = strlen(text);
	assert_int_equal(n % 2, 0);
	for (size_t i = 0; i < n; i++) {
		const char *digit = strchr(digits, text[i]);
		assert_non_null(digit);
		out[i / 2] =
		    (uint8_t)(i % 2 ? out[i / 2] | (digit - digits) : (digit - digits) << 4);
	}
	return n / 2;
}

/* ---- fixture ---- */

static void fill(struct fixture *f)
{
	static const struct slice req[] = { { "a|b\"", 4 }, { NULL, 0 }, { "c\x01", 2 } };
	f->record = (struct log_record){
		.flags = { .cause = 'S', .phase = 'D', .cookie_in = '-', .cookie_out = '-' },
		.http = true,
		.status = 200,
		.retries = 1,
		.redispatched = true,
		.asap = true,
		.bytes_down = 2000,
		.frontend = SLICE("fe"),
		.method = SLICE("GET"),
		.uri = SLICE("/\"\\\x01\xc3\xa9\xff"),
		.version = SLICE("HTTP/1.1"),
		.req_captures = req,
		.req_captures_n = 3,
	};
	f->cx.at = RULE_AT_LOG;
}

struct want {
	const char *fmt, *line;
};

#define ALL(flags)                                                                                 \
	"fmt '%{" flags "}o text %(st)ST %(b)B %(rc)rc %(ts)ts %(cc)CC %(hl)hrl %(none)hs %ci "    \
	"%(t)[always_true] %(n)[int(-7)] %(s)[str(a)] %(ip)[src] %(no)[capture.req.hdr(1)]'"

static void json_has_the_named_items_in_their_types(void **state)
{
	static const char want[] =
	    "{\"st\": 200, \"b\": 2000, \"rc\": 1, \"ts\": \"SD\", \"cc\": null, \"hl\": "
	    "[\"a|b\\\"\", null, \"c\\u0001\"], \"none\": null, \"t\": true, \"n\": -7, \"s\": "
	    "\"a\", \"ip\": \"10.1.2.3\", \"no\": null}";
	struct fixture f;
	fx_new(&f);
	fill(&f);
	assert_string_equal(fx_format(&f, ALL("+json")), want);
	assert_string_equal(fx_format(&f, ALL("+Q,+E,+json")), want);
	fx_free(&f);
}

static void cbor_has_the_named_items_in_their_types(void **state)
{
	static const char want[] =
	    "{\"st\":200,\"b\":2000,\"rc\":1,\"ts\":\"SD\",\"cc\":null,\"hl\":[\"a|b\"\",null,"
	    "\"c\x01\"],\"none\":null,\"t\":true,\"n\":-7,\"s\":\"a\",\"ip\":\"10.1.2.3\",\"no\":"
	    "null}";
	uint8_t bytes[1024], hex[1024];
	struct fixture f;
	fx_new(&f);
	fill(&f);
	size_t n = unhex(fx_format(&f, ALL("+cbor")), hex);
	char *text = cbor_text(hex, n);
	assert_string_equal(text, want);
	free(text);
	fx_load(&f, ALL("+cbor,+bin"));
	assert_int_equal(logfmt_write(f.fmt, &f.cx, (char *)bytes, sizeof(bytes)), n);
	assert_memory_equal(bytes, hex, n);
	fx_free(&f);
}

static void json_strings_decode_to_what_was_logged(void **state)
{
	struct fixture f;
	fx_new(&f);
	fill(&f);
	const char *line = fx_format(&f, "fmt '%{+json}o %(uri)HU'");
	for (const char *c = line; *c; c++)
		assert_true(*c >= 32 && *c < 127);
	json_t *o = json_loads(line, 0, NULL);
	assert_non_null(o);
	/* the byte that is no UTF-8 is the code point of its number */
	assert_string_equal(
	    json_string_value(json_object_get(o, "uri")), "/\"\\\x01\xc3\xa9\xc3\xbf");
	json_decref(o);
	fx_free(&f);
}

static void code_points_beyond_16_bits_are_pairs(void **state)
{
	struct fixture f;
	fx_new(&f);
	fill(&f);
	f.record.uri = SLICE("\xf0\x9f\x98\x80\xed\xa0\x80\xc0\x80");
	const char *line = fx_format(&f, "fmt '%{+json}o %(uri)HU'");
	assert_string_equal(line, "{\"uri\": "
				  "\"\\uD83D\\uDE00\\u00ED\\u00A0\\u0080\\u00C0\\u0080\"}");
	fx_free(&f);
}

static void cbor_strings_that_are_no_utf8_are_bytes(void **state)
{
	struct fixture f;
	fx_new(&f);
	fill(&f);
	assert_string_equal(fx_format(&f, "fmt '%{+cbor}o %(u)HU'"), "BF6175472F225C01C3A9FFFF");
	f.record.uri = SLICE("/\xc3\xa9");
	assert_string_equal(fx_format(&f, "fmt '%{+cbor}o %(u)HU'"), "BF6175632FC3A9FF");
	fx_free(&f);
}

static void cbor_numbers_are_as_short_as_can_be(void **state)
{
	/* RFC 8949 appendix A */
	static const struct want numbers[] = { { "0", "00" }, { "23", "17" }, { "24", "1818" },
		{ "100", "1864" }, { "255", "18FF" }, { "256", "190100" }, { "1000", "1903E8" },
		{ "1000000", "1A000F4240" }, { "1000000000000", "1B000000E8D4A51000" },
		{ "-1", "20" }, { "-10", "29" }, { "-1000", "3903E7" },
		{ "-9223372036854775808", "3B7FFFFFFFFFFFFFFF" } };
	struct fixture f;
	fx_new(&f);
	fill(&f);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const char *got = fx_format(
		    &f, arena_printf(&f.mem, "fmt '%%(n){+cbor}[int(%s)]'", numbers[i].fmt));
		assert_string_equal(got, numbers[i].line);
	}
	fx_free(&f);
}

static void types_can_be_forced(void **state)
{
	static const struct want wants[] = {
		{ "%(:str){+json}ST %(:bool){+json}ST %(:sint){+json}ST", "\"200\" true 200" },
		{ "%(a:str){+json}[always_true] %(a:sint){+json}[always_false]", "\"1\" 0" },
		{ "%(:sint){+json}[str(42)] %(:sint){+json}[str(4x)]", "42 null" },
		{ "%(:bool){+json}[str(true)] %(:bool){+json}[str(no)]", "true false" },
		{ "%(:str)ST %(name:bool)f", "200 fe" },
		{ "%{+cbor}[str(a)]", "6161" },
		{ "%{+cbor,+json}[str(a)] %{+json,-json}[str(a)]", "\"a\" a" },
		{ "%{+X,+json}ci %{+Q,+json}f %{+json}hr",
		    "\"0A010203\" \"fe\" \"{a|b\\\"||c\\u0001}\"" },
	};
	struct fixture f;
	fx_new(&f);
	fill(&f);
	f.record.req_captures_n = 0;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(wants); i++) {
		const char *got = fx_format(&f, arena_printf(&f.mem, "fmt '%s'", wants[i].fmt));
		assert_string_equal(got, wants[i].line);
	}
	fx_free(&f);
}

static void captures_in_braces_are_one_string(void **state)
{
	struct fixture f;
	fx_new(&f);
	fill(&f);
	json_t *o = json_loads(fx_format(&f, "fmt '%{+json}o %(h)hr'"), 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "h")), "{a#7Cb#22||c#01}");
	json_decref(o);
	fx_free(&f);
}

static void bin_keeps_binary_samples(void **state)
{
	char out[64];
	struct fixture f;
	fx_new(&f);
	fill(&f);
	fx_load(&f, "varfmt '%{+bin}o<%[bin(00ff0a)]>'");
	assert_int_equal(logfmt_write(f.fmt, &f.cx, out, sizeof(out)), 5);
	assert_memory_equal(out, "<\x00\xff\x0a>", 5);
	/* on an item alone it is ignored, and a header never gets control bytes */
	assert_string_equal(fx_format(&f, "varfmt '%{+bin}[str(a)]'"), "a");
	assert_string_equal(fx_format(&f, "hfmt '%{+bin}o%[bin(0d0a)]'"), "%0D%0A");
	assert_string_equal(fx_format(&f, "fmt '%{+cbor}o %(b)[bin(ff)]'"), "BF616241FFFF");
	fx_free(&f);
}

/* Whatever room there is, what comes out is a map of the first items. */
static void a_map_that_is_cut_still_decodes(void **state)
{
	static const char *const formats[] = { ALL("+json"), ALL("+cbor"), ALL("+cbor,+bin") };
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct fixture f;
		char out[512];
		uint8_t bytes[512];
		fx_new(&f);
		fill(&f);
		fx_load(&f, formats[i]);
		for (size_t cap = 0; cap < sizeof(out) - 1; cap++) {
			size_t n = logfmt_write(f.fmt, &f.cx, out, cap);
			assert_true(n <= cap);
			out[n] = '\0';
			if (n == 0) {
				assert_true(cap < 4);
				continue;
			}
			if (i == 0) {
				json_t *o = json_loads(out, 0, NULL);
				assert_non_null(o);
				json_decref(o);
				continue;
			}
			if (i == 1)
				n = unhex(out, bytes);
			else
				memcpy(bytes, out, n);
			free(cbor_text(bytes, n));
		}
		fx_free(&f);
	}
}

static void an_encoded_format_is_never_constant(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_load(&f, "hfmt '%{+json}o'");
	assert_null(logfmt_constant(f.fmt).ptr);
	assert_string_equal(fx_format(&f, "hfmt '%{+json}o text'"), "{}");
	fx_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_the_named_items_in_their_types),
		cmocka_unit_test(cbor_has_the_named_items_in_their_types),
		cmocka_unit_test(json_strings_decode_to_what_was_logged),
		cmocka_unit_test(code_points_beyond_16_bits_are_pairs),
		cmocka_unit_test(cbor_strings_that_are_no_utf8_are_bytes),
		cmocka_unit_test(cbor_numbers_are_as_short_as_can_be),
		cmocka_unit_test(types_can_be_forced),
		cmocka_unit_test(captures_in_braces_are_one_string),
		cmocka_unit_test(bin_keeps_binary_samples),
		cmocka_unit_test(a_map_that_is_cut_still_decodes),
		cmocka_unit_test(an_encoded_format_is_never_constant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
