/* SPDX-License-Identifier: MIT */
/*
 * TLS hellos in raw bytes: every split point, every way of cutting them into records, and what the fetches give.
 */
#include "fixture.h"
#include "weir/tls/client_hello.h"

/* TLS 1.3 with server name, groups, signature algorithms, ALPN, an empty ticket, and one key. */
static const char hello_hex[] =
    "16030100890100008503035252525252525252525252525252525252525252525252525252525252"
    "5252520853455353494f4e2100041301c02f0100005000000014001200000f7777772e4578616d70"
    "6c652e6f7267000a00060004001d0017000d00060004040308040010000e000c0268320868747470"
    "2f312e31002300000033000a0008001d00044b455958";

struct bytes {
	char mem[2048];
	size_t len;
};

static void from_hex(struct bytes *b, const char *hex)
{
	b->len = strlen(hex) / 2;
	for (size_t i = 0; i < b->len; i++) {
		const char *digits = "0123456789abcdef";
		const char *high = strchr(digits, hex[2 * i]),
			   *low = strchr(digits, hex[2 * i + 1]);
		assert_true(high && low);
		b->mem[i] = (char)((high - digits) << 4 | (low - digits));
	}
}

static struct slice slice_of(const struct bytes *b)
{
	return slice_make(b->mem, b->len);
}

/* The same message in records of n bytes each. */
static void cut_records(const struct bytes *in, size_t n, struct bytes *out)
{
	out->len = 0;
	for (size_t at = 5; at < in->len; at += n) {
		size_t len = MIN(n, in->len - at);
		char *p = out->mem + out->len;
		assert_true(out->len + 5 + len <= sizeof(out->mem));
		memcpy(p, in->mem, 3);
		p[3] = (char)(len >> 8);
		p[4] = (char)len;
		memcpy(p + 5, in->mem + at, len);
		out->len += 5 + len;
	}
}

static void check_hello(const struct tls_hello_message *m)
{
	struct tls_client_hello h;
	struct slice ext;
	assert_int_equal(m->type, TLS_CLIENT_HELLO);
	assert_true(tls_client_hello_parse(m->body, &h));
	assert_int_equal(h.version, 0x0303);
	assert_true(slice_eq(h.session_id, SLICE("SESSION!")));
	assert_true(slice_eq(h.ciphers, SLICE("\x13\x01\xc0\x2f")));
	assert_true(tls_client_hello_extension(&h, TLS_EXT_SERVER_NAME, &ext));
	assert_true(slice_eq(slice_sub(ext, 5, ext.len), SLICE("www.Example.org")));
	assert_false(tls_client_hello_extension(&h, 999, &ext));
}

static void beginnings_wait_for_the_rest(void **state)
{
	struct bytes b;
	struct tls_hello_message m;
	struct arena mem;
	unsigned version;
	arena_init(&mem, 4096);
	from_hex(&b, hello_hex);
	for (size_t n = 0; n < b.len; n++) {
		struct slice part = slice_make(b.mem, n);
		assert_int_equal(tls_hello_message(part, &mem, &m), TLS_HELLO_PARTIAL);
		assert_int_equal(tls_hello_version(part, &version),
		    n < 11 ? TLS_HELLO_PARTIAL : TLS_HELLO_WHOLE);
	}
	assert_int_equal(tls_hello_message(slice_of(&b), &mem, &m), TLS_HELLO_WHOLE);
	check_hello(&m);
	assert_int_equal(version, 0x30003);
	arena_reset(&mem);
}

static void records_may_cut_a_message_anywhere(void **state)
{
	struct bytes b, cut;
	struct tls_hello_message m;
	struct arena mem;
	unsigned version;
	arena_init(&mem, 4096);
	from_hex(&b, hello_hex);
	for (size_t n = 1; n < b.len; n++) {
		cut_records(&b, n, &cut);
		assert_int_equal(tls_hello_message(slice_of(&cut), &mem, &m), TLS_HELLO_WHOLE);
		check_hello(&m);
		assert_int_equal(tls_hello_version(slice_of(&cut), &version), TLS_HELLO_WHOLE);
		assert_int_equal(version, 0x30003);
		assert_int_equal(tls_hello_message(slice_make(cut.mem, cut.len - 1), &mem, &m),
		    TLS_HELLO_PARTIAL);
		arena_reset(&mem);
		arena_init(&mem, 4096);
	}
	arena_reset(&mem);
}

static void what_is_not_tls_is_told_at_once(void **state)
{
	static const struct slice wrong[] = { SLICE("G"), SLICE("\x15"), SLICE("\x16\x02"),
		SLICE("\x16\x03\x01\x00\x00"), SLICE("\x16\x03\x01\x50\x00"),
		SLICE("\x16\x03\x01\x00\x01\x01\x17") };
	struct tls_hello_message m;
	struct arena mem;
	unsigned version;
	arena_init(&mem, 4096);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(tls_hello_message(wrong[i], &mem, &m), TLS_HELLO_NONE);
		assert_int_equal(tls_hello_version(wrong[i], &version), TLS_HELLO_NONE);
	}
	arena_reset(&mem);
}

/* A message that is cut short inside must not be read beyond its end. */
static void truncated_hellos_are_refused(void **state)
{
	struct bytes b;
	struct tls_client_hello h;
	from_hex(&b, hello_hex);
	struct slice body = slice_sub(slice_of(&b), 9, b.len);
	for (size_t n = 0; n < body.len; n++) {
		bool whole = tls_client_hello_parse(slice_sub(body, 0, n), &h);
		assert_int_equal(whole, n == 2 + 32 + 9 + 6 + 2); /* without extensions */
	}
	assert_true(tls_client_hello_parse(body, &h));
}

static void version_2_hellos_have_a_version(void **state)
{
	char v2[48] = "\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10";
	unsigned version;
	for (size_t n = 0; n < 11; n++)
		assert_int_equal(tls_hello_version(slice_make(v2, n), &version), TLS_HELLO_PARTIAL);
	assert_int_equal(tls_hello_version(slice_make(v2, 11), &version), TLS_HELLO_WHOLE);
	assert_int_equal(version, 0x30001);
	v2[6] = 0x14;
	assert_int_equal(tls_hello_version(slice_make(v2, 11), &version), TLS_HELLO_NONE);
	v2[6] = 0x15;
	v2[3] = 0;
	v2[4] = 2;
	assert_int_equal(tls_hello_version(slice_make(v2, 11), &version), TLS_HELLO_WHOLE);
	assert_int_equal(version, 0x20000);
}

/* ---- fetches ---- */

static void put_request(struct fixture *f, struct slice bytes, bool open)
{
	f->where = f->cx.at = RULE_AT_REQ_BUF;
	f->cx.req_buf = bytes;
	f->cx.req_final = !open;
}

static void fetches_read_a_hello(void **state)
{
	struct fixture f;
	struct bytes b;
	fx_new(&f);
	from_hex(&b, hello_hex);
	put_request(&f, slice_of(&b), true);
	static const struct {
		const char *expr, *value;
	} rows[] = {
		{ "req.ssl_hello_type", "1" },
		{ "req_ssl_hello_type", "1" },
		{ "req.ssl_ver", "196611" },
		{ "req_ssl_ver", "196611" },
		{ "req.ssl_sni", "www.Example.org" },
		{ "req_ssl_sni", "www.Example.org" },
		{ "req.ssl_alpn", "h2" },
		{ "req.ssl_cipherlist,hex", "1301C02F" },
		{ "req.ssl_ec_ext", "1" },
		{ "req.ssl_st_ext", "1" },
		{ "req.ssl_sigalgs,hex", "04030804" },
		{ "req.ssl_supported_groups,hex", "001D0017" },
		{ "req.ssl_keyshare_groups,hex", "001D" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(fx_eval(&f, rows[i].expr), rows[i].value);
	assert_int_equal(fx_test(&f, "if { req.ssl_ver 3.3 }"), 1);
	assert_int_equal(fx_test(&f, "if { req.ssl_ver 3.0:3.2 }"), 0);
	assert_int_equal(fx_test(&f, "if { req.ssl_sni -i www.example.ORG }"), 1);
	assert_int_equal(fx_test(&f, "if { req.ssl_alpn http/1.1 }"), 1);
	assert_int_equal(fx_test(&f, "if { req.ssl_alpn h3 }"), 0);
	fx_free(&f);
}

static void conditions_wait_for_a_hello_and_no_longer(void **state)
{
	struct fixture f;
	struct bytes b;
	fx_new(&f);
	from_hex(&b, hello_hex);
	put_request(&f, slice_make(b.mem, 40), true);
	assert_int_equal(fx_test(&f, "if { req.ssl_hello_type 1 }"), -1);
	assert_int_equal(fx_test(&f, "if { req.ssl_sni x }"), -1);
	assert_int_equal(fx_test(&f, "if { req.ssl_ver 3.3 }"), 1);
	put_request(&f, slice_make(b.mem, 40), false);
	assert_int_equal(fx_test(&f, "if { req.ssl_hello_type 1 }"), 0);
	put_request(&f, SLICE("GET / HTTP/1.0\r\n"), true);
	assert_int_equal(fx_test(&f, "if { req.ssl_hello_type 1 }"), 0);
	fx_free(&f);
}

static void a_server_hello_is_of_type_two(void **state)
{
	struct fixture f;
	fx_new(&f);
	f.where = f.cx.at = RULE_AT_RES_BUF;
	f.cx.res_buf = SLICE("\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03");
	assert_string_equal(fx_eval(&f, "res.ssl_hello_type"), "2");
	assert_string_equal(fx_eval(&f, "rep_ssl_hello_type"), "2");
	f.cx.res_buf.len--;
	assert_int_equal(fx_test(&f, "if { res.ssl_hello_type 2 }"), -1);
	fx_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beginnings_wait_for_the_rest),
		cmocka_unit_test(records_may_cut_a_message_anywhere),
		cmocka_unit_test(what_is_not_tls_is_told_at_once),
		cmocka_unit_test(truncated_hellos_are_refused),
		cmocka_unit_test(version_2_hellos_have_a_version),
		cmocka_unit_test(fetches_read_a_hello),
		cmocka_unit_test(conditions_wait_for_a_hello_and_no_longer),
		cmocka_unit_test(a_server_hello_is_of_type_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
