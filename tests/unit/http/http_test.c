/* SPDX-License-Identifier: MIT */
/* Unit tests of the http module: the header table, lists, names, dates, targets, cookies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "weir/http/http.h"

static struct http_hdr table[8];
static struct http_msg msg;

static void assert_slice(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

static void add(const char *name, const char *value)
{
	assert_int_equal(http_hdr_add(&msg, slice_str(name), slice_str(value)), 0);
}

static int empty_message(void **state)
{
	http_msg_init(&msg, table, ARRAY_SIZE(table));
	return 0;
}

static void every_known_name_has_its_number_and_no_other_has(void **state)
{
	for (unsigned id = 1; id < HDR_N; id++) {
		struct slice name = http_hdr_name((enum http_hdr_id)id);
		char copy[64];
		assert_true(name.len > 0);
		assert_int_equal(http_hdr_id(name.ptr, name.len), id);
		for (size_t i = 0; i < name.len; i++) {
			memcpy(copy, name.ptr, name.len);
			copy[i] ^= 1;
			assert_int_equal(http_hdr_id(copy, name.len), HDR_OTHER);
		}
		assert_int_equal(http_hdr_id(name.ptr, name.len - 1), HDR_OTHER);
		memcpy(copy, name.ptr, name.len);
		copy[name.len] = name.ptr[name.len - 1];
		assert_int_equal(http_hdr_id(copy, name.len + 1), HDR_OTHER);
	}
	assert_slice(http_hdr_name(HDR_TE), "te");
	assert_slice(http_hdr_name(HDR_HOST), "host");
	assert_slice(http_hdr_name(HDR_X_ORIGINAL_TO), "x-original-to");
	assert_int_equal(http_hdr_name(HDR_OTHER).len, 0);
	assert_int_equal(http_hdr_name(HDR_N).len, 0);
	assert_int_equal(http_hdr_id("", 0), HDR_OTHER);
}

static void folded_number_ignores_case_and_nothing_else(void **state)
{
	static const char tchars[] = "!#$%&'*+-.^_`|~09AZaz";
	for (unsigned id = 1; id < HDR_N; id++) {
		struct slice name = http_hdr_name((enum http_hdr_id)id);
		char copy[64];
		for (size_t i = 0; i < name.len; i++) {
			for (size_t j = 0; j < sizeof(tchars) - 1; j++) {
				memcpy(copy, name.ptr, name.len);
				copy[i] = tchars[j];
				bool same = ascii_lower(tchars[j]) == name.ptr[i];
				assert_int_equal(
				    http_hdr_id_fold(copy, name.len), same ? id : HDR_OTHER);
			}
		}
		for (size_t i = 0; i < name.len; i++) {
			bool letter = name.ptr[i] >= 'a' && name.ptr[i] <= 'z';
			copy[i] = (char)(letter ? name.ptr[i] - 0x20 : name.ptr[i]);
		}
		assert_int_equal(http_hdr_id_fold(copy, name.len), id);
		assert_int_equal(http_hdr_id(copy, name.len), HDR_OTHER);
	}
}

static void find_walks_the_fields_of_one_name_in_order(void **state)
{
	add("x-a", "1");
	add("cookie", "c1");
	add("x-a", "2");
	add("x-b", "3");
	add("cookie", "c2");
	add("x-a", "4");
	http_hdr_del(&table[2]);

	struct http_hdr *h = http_hdr_find(&msg, SLICE("x-a"), NULL);
	assert_ptr_equal(h, &table[0]);
	h = http_hdr_find(&msg, SLICE("x-a"), h);
	assert_ptr_equal(h, &table[5]);
	assert_null(http_hdr_find(&msg, SLICE("x-a"), h));

	h = http_hdr_find(&msg, SLICE("cookie"), NULL);
	assert_ptr_equal(h, &table[1]);
	h = http_hdr_find_id(&msg, HDR_COOKIE, h);
	assert_ptr_equal(h, &table[4]);
	assert_null(http_hdr_find(&msg, SLICE("cookie"), h));
	assert_null(http_hdr_find(&msg, SLICE("host"), NULL));
}

static void full_table_refuses_a_field(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		add("a", "b");
	assert_int_equal(http_hdr_add(&msg, SLICE("a"), SLICE("b")), -ENOBUFS);
	assert_int_equal(msg.hdrs_n, ARRAY_SIZE(table));
}

static void deleting_marks_all_fields_of_a_name(void **state)
{
	add("te", "a");
	add("x", "b");
	add("te", "c");
	assert_int_equal(http_hdr_del_all(&msg, SLICE("te")), 2);
	assert_int_equal(http_hdr_del_all(&msg, SLICE("te")), 0);
	assert_null(http_hdr_find_id(&msg, HDR_TE, NULL));
	add("te", "d");
	assert_int_equal(http_hdr_del_id(&msg, HDR_TE), 1);
	assert_non_null(http_hdr_find(&msg, SLICE("x"), NULL));
	assert_int_equal(msg.hdrs_n, 4);
}

static void new_value_is_not_copied_from_the_old_bytes(void **state)
{
	add("x", "b");
	table[0].flags = HTTP_HDR_CANONICAL;
	http_hdr_set_value(&table[0], SLICE("new"));
	assert_slice(http_hdr_value_of(&table[0]), "new");
	assert_int_equal(table[0].flags, 0);
}

static void lists_are_walked_over_all_fields(void **state)
{
	static const char *const want[] = { "a", "b;q=\"x,y\"", "\"c\\\",\"", "d", "e" };
	add("accept", " a , b;q=\"x,y\",,");
	add("x", "no");
	add("accept", "");
	add("accept", "\"c\\\",\" ,d");
	add("accept", "e");
	struct http_list_walk walk = { .started = false };
	struct slice element;
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		assert_true(http_list_next(&msg, SLICE("accept"), &walk, &element));
		assert_slice(element, want[i]);
	}
	assert_ptr_equal(walk.hdr, &table[4]);
	assert_false(http_list_next(&msg, SLICE("accept"), &walk, &element));
	assert_false(http_list_next(&msg, SLICE("accept"), &walk, &element));
	walk = (struct http_list_walk){ .started = false };
	assert_false(http_list_next(&msg, SLICE("none"), &walk, &element));
}

static void list_tokens_are_found_in_any_case(void **state)
{
	add("connection", "x, Keep-Alive");
	add("connection", "close");
	assert_true(http_list_has(&msg, HDR_CONNECTION, SLICE("keep-alive")));
	assert_true(http_list_has(&msg, HDR_CONNECTION, SLICE("CLOSE")));
	assert_false(http_list_has(&msg, HDR_CONNECTION, SLICE("clos")));
	assert_false(http_list_has(&msg, HDR_TE, SLICE("close")));
}

static void methods_are_case_sensitive(void **state)
{
	static const struct {
		const char *name;
		enum http_method method;
	} rows[] = { { "GET", HTTP_GET }, { "HEAD", HTTP_HEAD }, { "POST", HTTP_POST },
		{ "PUT", HTTP_PUT }, { "DELETE", HTTP_DELETE }, { "OPTIONS", HTTP_OPTIONS },
		{ "TRACE", HTTP_TRACE }, { "CONNECT", HTTP_CONNECT }, { "PATCH", HTTP_PATCH },
		{ "get", HTTP_OTHER }, { "GETS", HTTP_OTHER }, { "GE", HTTP_OTHER },
		{ "PROPFIND", HTTP_OTHER }, { "", HTTP_OTHER } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(http_method_of(slice_str(rows[i].name)), rows[i].method);
}

static void reasons_are_found_by_status(void **state)
{
	assert_slice(http_reason(100), "Continue");
	assert_slice(http_reason(200), "OK");
	assert_slice(http_reason(404), "Not Found");
	assert_slice(http_reason(511), "Network Authentication Required");
	assert_slice(http_reason(0), "Other");
	assert_slice(http_reason(299), "Success");
	assert_slice(http_reason(999), "Other");
}

static void dates_agree_with_the_libc_and_come_back(void **state)
{
	static const int64_t times[] = { 0, -1, 784111777, 951782400, 951868800, 1709164800,
		4107542400, 253402300799, -62135596800, 1700000000 };
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		char got[32];
		char want[64];
		time_t t = (time_t)times[i];
		struct tm tm;
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(want, sizeof(want), "%a, %d %b ", &tm) > 0);
		size_t len = strlen(want);
		snprintf(want + len, sizeof(want) - len, "%04d %02d:%02d:%02d GMT",
		    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
		got[29] = '~';
		assert_int_equal(http_date(got, times[i]), 29);
		assert_memory_equal(got, want, 29);
		int64_t back;
		assert_int_equal(http_date_parse(slice_make(got, 29), &back), 0);
		assert_true(back == times[i]);
	}
}

static void three_date_formats_are_read(void **state)
{
	static const char *const forms[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" };
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		int64_t t;
		assert_int_equal(http_date_parse(slice_str(forms[i]), &t), 0);
		assert_true(t == 784111777);
		for (size_t len = 0; len < strlen(forms[i]); len++)
			assert_int_equal(http_date_parse(slice_make(forms[i], len), &t), -EINVAL);
	}
	static const char *const wrong[] = { "Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Feb 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun,  6 Nov 1994 08:49:37 GMT", "Xun, 06 Nov 1994 08:49:37 GMT", "784111777" };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int64_t t = 42;
		assert_int_equal(http_date_parse(slice_str(wrong[i]), &t), -EINVAL);
		assert_true(t == 42);
	}
}

static void targets_of_every_form_are_split(void **state)
{
	static const struct {
		const char *target, *scheme, *authority, *path, *query;
	} rows[] = {
		{ "/", "", "", "/", NULL },
		{ "/a/b?c=d?e", "", "", "/a/b", "c=d?e" },
		{ "/a?", "", "", "/a", "" },
		{ "//x/y", "", "", "//x/y", NULL },
		{ "/http://x/", "", "", "/http://x/", NULL },
		{ "*", "", "", "*", NULL },
		{ "http://h:1/p?q", "http", "h:1", "/p", "q" },
		{ "https://h", "https", "h", "", NULL },
		{ "http://h?q=/", "http", "h", "", "q=/" },
		{ "h:443", "", "h:443", "", NULL },
		{ "[::1]:443", "", "[::1]:443", "", NULL },
		{ "", "", "", "", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_target t;
		http_target_split(slice_str(rows[i].target), &t);
		assert_slice(t.scheme, rows[i].scheme);
		assert_slice(t.authority, rows[i].authority);
		assert_slice(t.path, rows[i].path);
		assert_int_equal(t.has_query, rows[i].query != NULL);
		assert_slice(t.query, rows[i].query ? rows[i].query : "");
	}
}

static void authorities_are_split_at_the_port(void **state)
{
	static const struct {
		const char *authority, *host, *port;
	} rows[] = { { "h", "h", "" }, { "h:80", "h", "80" }, { "h:", "h", "" },
		{ "[::1]", "[::1]", "" }, { "[::1]:80", "[::1]", "80" }, { "u:p@h:1", "h", "1" },
		{ "u@h", "h", "" }, { ":80", "", "80" }, { "", "", "" } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slice host, port;
		http_authority_split(slice_str(rows[i].authority), &host, &port);
		assert_slice(host, rows[i].host);
		assert_slice(port, rows[i].port);
	}
}

static void cookies_are_found_by_exact_name(void **state)
{
	struct slice header = SLICE("a=1; bb = two words ;c=x=y;flag; d=\"q\";a=2; e=");
	struct slice value;
	assert_true(http_cookie_find(header, SLICE("a"), &value));
	assert_slice(value, "1");
	assert_true(http_cookie_find(header, SLICE("bb"), &value));
	assert_slice(value, "two words");
	assert_true(http_cookie_find(header, SLICE("c"), &value));
	assert_slice(value, "x=y");
	assert_true(http_cookie_find(header, SLICE("d"), &value));
	assert_slice(value, "\"q\"");
	assert_true(http_cookie_find(header, SLICE("e"), &value));
	assert_slice(value, "");
	assert_false(http_cookie_find(header, SLICE("b"), &value));
	assert_false(http_cookie_find(header, SLICE("A"), &value));
	assert_false(http_cookie_find(header, SLICE("flag"), &value));
	assert_false(http_cookie_find(SLICE_NULL, SLICE("a"), &value));
}

#define table_test(f) cmocka_unit_test_setup(f, empty_message)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_known_name_has_its_number_and_no_other_has),
		cmocka_unit_test(folded_number_ignores_case_and_nothing_else),
		table_test(find_walks_the_fields_of_one_name_in_order),
		table_test(full_table_refuses_a_field),
		table_test(deleting_marks_all_fields_of_a_name),
		table_test(new_value_is_not_copied_from_the_old_bytes),
		table_test(lists_are_walked_over_all_fields),
		table_test(list_tokens_are_found_in_any_case),
		cmocka_unit_test(methods_are_case_sensitive),
		cmocka_unit_test(reasons_are_found_by_status),
		cmocka_unit_test(dates_agree_with_the_libc_and_come_back),
		cmocka_unit_test(three_date_formats_are_read),
		cmocka_unit_test(targets_of_every_form_are_split),
		cmocka_unit_test(authorities_are_split_at_the_port),
		cmocka_unit_test(cookies_are_found_by_exact_name),
	};
	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
