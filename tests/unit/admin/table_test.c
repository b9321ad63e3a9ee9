/* SPDX-License-Identifier: MIT */
/* Unit tests of the table writers: CSV, typed and JSON forms of a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weir/admin/table.h"

static const struct field_desc desc[] = {
	{ "pxname", 'K', 'N', 'S', "Proxy name" },
	{ "scur", 'M', 'G', 'P', "Sessions now" },
	{ "smax", 'M', 'M', 'P', "Most sessions" },
	{ "last_chk", 'S', 'O', 'P', "Last check" },
	{ "stot", 'M', 'C', 'P', "Sessions" },
	{ "gone", 'M', 'A', 'P', "Seconds since" },
	{ "load", 'M', 'a', 'P', "Share" },
};

static const struct field row[] = {
	{ .type = FIELD_STR, .str = "web" },
	FIELD_SET_U32(7),
	{ .type = FIELD_EMPTY },
	{ .type = FIELD_STR, .str = "said \"no\", left" },
	FIELD_SET_U64(18446744073709551615ULL),
	FIELD_SET_S32(-3),
	{ .type = FIELD_FLT, .flt = 0.25 },
};

static void csv_header_names_each_column_with_a_comma_behind(void **state)
{
	struct strbuf b = STRBUF_INIT;
	(void)state;
	table_csv_header(&b, desc, 3);
	assert_string_equal(b.ptr, "# pxname,scur,smax,\n");
	strbuf_done(&b);
}

static void csv_quotes_only_what_is_ambiguous(void **state)
{
	static const struct field odd[] = { FIELD_SET_STR("a b"), FIELD_SET_STR("a,b"),
		FIELD_SET_STR("a\nb"), FIELD_SET_STR(NULL), FIELD_SET_STR("\"") };
	struct strbuf b = STRBUF_INIT;
	(void)state;
	table_csv_row(&b, row, ARRAY_SIZE(row));
	assert_string_equal(
	    b.ptr, "web,7,,\"said \"\"no\"\", left\",18446744073709551615,-3,0.250000,\n");
	strbuf_clear(&b);
	table_csv_row(&b, odd, ARRAY_SIZE(odd));
	assert_string_equal(b.ptr, "a b,\"a,b\",\"a\nb\",,\"\"\"\",\n");
	strbuf_done(&b);
}

static void typed_rows_skip_empty_fields_and_keep_positions(void **state)
{
	struct strbuf b = STRBUF_INIT;
	(void)state;
	table_typed_row(&b, "F.2.0", desc, row, ARRAY_SIZE(row), false);
	assert_string_equal(b.ptr, "F.2.0.0.pxname.1:KNSV:str:web\n"
				   "F.2.0.1.scur.1:MGPV:u32:7\n"
				   "F.2.0.3.last_chk.1:SOPV:str:said \"no\", left\n"
				   "F.2.0.4.stot.1:MCPV:u64:18446744073709551615\n"
				   "F.2.0.5.gone.1:MAPV:s32:-3\n"
				   "F.2.0.6.load.1:MaPV:flt:0.250000\n");
	strbuf_clear(&b);
	table_typed_row(&b, NULL, desc, row, 2, true);
	assert_string_equal(b.ptr, "0.pxname.1:KNSV:str:web:\"Proxy name\"\n"
				   "1.scur.1:MGPV:u32:7:\"Sessions now\"\n");
	strbuf_done(&b);
}

static void json_rows_are_arrays_of_objects(void **state)
{
	struct strbuf b = STRBUF_INIT;
	(void)state;
	table_json_row(&b, NULL, 0, 0, desc, row, 1, true);
	assert_string_equal(b.ptr,
	    "[{\"field\":{\"pos\":0,\"name\":\"pxname\"},\"processNum\":1,"
	    "\"tags\":{\"origin\":\"Key\",\"nature\":\"Name\",\"scope\":\"Service\"},"
	    "\"value\":{\"type\":\"str\",\"value\":\"web\"}}]");
	strbuf_clear(&b);
	table_json_row(&b, "Frontend", 2, 5, desc + 1, row + 1, 2, false);
	assert_string_equal(b.ptr,
	    ",[{\"objType\":\"Frontend\",\"proxyId\":2,\"id\":5,"
	    "\"field\":{\"pos\":0,\"name\":\"scur\"},\"processNum\":1,"
	    "\"tags\":{\"origin\":\"Metric\",\"nature\":\"Gauge\",\"scope\":\"Process\"},"
	    "\"value\":{\"type\":\"u32\",\"value\":7}}]");
	strbuf_done(&b);
}

static void json_strings_escape_what_json_forbids(void **state)
{
	struct strbuf b = STRBUF_INIT;
	(void)state;
	json_string(&b, "a\"b\\c\n\r\t\x01\xc3\xa9");
	assert_string_equal(b.ptr, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\xc3\xa9\"");
	strbuf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_header_names_each_column_with_a_comma_behind),
		cmocka_unit_test(csv_quotes_only_what_is_ambiguous),
		cmocka_unit_test(typed_rows_skip_empty_fields_and_keep_positions),
		cmocka_unit_test(json_rows_are_arrays_of_objects),
		cmocka_unit_test(json_strings_escape_what_json_forbids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
