/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of xxHash: known values for each form of the algorithms. The sums over all lengths were taken when
 * tests/differential had shown haproxy's values at every border between the forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weir/base/xxhash.h"

static void short_texts_have_their_known_values(void **state)
{
	assert_int_equal(xxhash_32("", 0, 0), 46947589);
	assert_int_equal(xxhash_32("abc", 3, 0), 852579327);
	assert_int_equal(xxhash_32("abc", 3, 1), 2856167679u);
	assert_true(xxhash_64("abc", 3, 0) == 4952883123889572249ull);
	assert_true(xxhash_64("abc", 3, 42) == 1423657621850124518ull);
	assert_true(xxhash_3("abc", 3, 0) == 8696274497037089104ull);
	assert_true((int64_t)xxhash_3("abc", 3, 42) == -2863288879874843453);
}

/* The hash of all hashes of the first n bytes of a fixed text, n from 0 to 1500. */
static void every_length_up_to_some_blocks_is_right(void **state)
{
	unsigned char text[1500];
	uint64_t all32 = 0, all64 = 0, all3 = 0;
	uint32_t v = 1;
	for (size_t i = 0; i < sizeof(text); i++) {
		v = v * 1664525 + 1013904223;
		text[i] = (unsigned char)(v >> 24);
	}
	for (size_t n = 0; n <= sizeof(text); n++) {
		all32 = all32 * 31 + xxhash_32(text, n, (uint32_t)n);
		all64 = all64 * 31 + xxhash_64(text, n, n);
		all3 = all3 * 31 + xxhash_3(text, n, n);
	}
	assert_true(all32 == 385101749281886062ull);
	assert_true(all64 == 12606848121562686879ull);
	assert_true(all3 == 6412028405283314319ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_texts_have_their_known_values),
		cmocka_unit_test(every_length_up_to_some_blocks_is_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
