/* SPDX-License-Identifier: MIT */
/* Unit tests of the base module: slices, string buffers, lists, pools, arenas, hash table. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "weir/base/arena.h"
#include "weir/base/htab.h"
#include "weir/base/list.h"
#include "weir/base/strbuf.h"

static void assert_slice(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

static void slices_compare_bytes_and_fold_ascii_only(void **state)
{
	assert_true(slice_eq(SLICE_NULL, SLICE("")));
	assert_false(slice_eq(SLICE("a"), SLICE("A")));
	assert_true(slice_ieq(SLICE("Ab-9z"), SLICE("aB-9Z")));
	assert_false(slice_ieq(SLICE("@["), SLICE("`{")));
	assert_false(slice_ieq(SLICE("\xc4"), SLICE("\xe4")));
	assert_true(slice_has_prefix(SLICE("abc"), SLICE("ab")));
	assert_false(slice_has_prefix(SLICE("a"), SLICE("ab")));
	assert_true(slice_has_iprefix(SLICE("ABc"), SLICE("ab")));
	assert_true(slice_has_suffix(SLICE("abc"), SLICE("bc")));
	assert_false(slice_has_suffix(SLICE("c"), SLICE("bc")));
	assert_true(slice_cmp(SLICE("a"), SLICE("ab")) < 0);
	assert_true(slice_cmp(SLICE("b"), SLICE("ab")) > 0);
	assert_int_equal(slice_cmp(SLICE("ab"), SLICE("ab")), 0);
}

static void slices_search_and_cut(void **state)
{
	struct slice s = SLICE("one,two,,three");
	assert_int_equal(slice_find(s, ','), 3);
	assert_int_equal(slice_find(s, ';'), s.len);
	assert_int_equal(slice_search(s, SLICE("two")), 4);
	assert_int_equal(slice_search(s, SLICE("TWO")), s.len + 1);
	assert_int_equal(slice_isearch(s, SLICE("TWO")), 4);
	assert_int_equal(slice_isearch(s, SLICE("threes")), s.len + 1);
	assert_slice(slice_cut(&s, ','), "one");
	assert_slice(slice_cut(&s, ','), "two");
	assert_slice(slice_cut(&s, ','), "");
	assert_non_null(s.ptr);
	assert_slice(slice_cut(&s, ','), "three");
	assert_null(s.ptr);
	assert_slice(slice_sub(SLICE("abcdef"), 2, 3), "cde");
	assert_slice(slice_sub(SLICE("abcdef"), 4, 9), "ef");
	assert_slice(slice_sub(SLICE("abcdef"), 9, 1), "");
	assert_slice(slice_trim(SLICE("--a-b-"), "-"), "a-b");
	assert_slice(slice_trim_ows(SLICE(" \ta b\t ")), "a b");
	assert_slice(slice_trim_ows(SLICE(" \t")), "");
}

static void numbers_are_decimal_digits_only(void **state)
{
	uint64_t v = 7;
	assert_int_equal(slice_to_u64(SLICE("18446744073709551615"), UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(slice_to_u64(SLICE("18446744073709551616"), UINT64_MAX, &v), -ERANGE);
	assert_int_equal(slice_to_u64(SLICE("11"), 10, &v), -ERANGE);
	assert_int_equal(slice_to_u64(SLICE(""), 10, &v), -EINVAL);
	assert_int_equal(slice_to_u64(SLICE("+1"), 10, &v), -EINVAL);
	assert_int_equal(slice_to_u64(SLICE("1 "), 10, &v), -EINVAL);
	assert_true(v == UINT64_MAX);
}

static void slice_copies_are_terminated(void **state)
{
	char *copy = slice_dup(slice_make("abcdef", 3));
	assert_string_equal(copy, "abc");
	free(copy);
}

static void strbuf_grows_consumes_and_clears(void **state)
{
	struct strbuf b = STRBUF_INIT;
	for (unsigned i = 0; i < 1000; i++)
		strbuf_addf(&b, "%u,", i);
	strbuf_addc(&b, '!');
	strbuf_adds(&b, "end");
	strbuf_addslice(&b, SLICE("."));
	assert_false(b.failed);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 5);
	assert_int_equal(strlen(b.ptr), b.len);
	assert_memory_equal(b.ptr, "0,1,2,", 6);
	strbuf_consume(&b, b.len - 5);
	assert_string_equal(b.ptr, "!end.");
	strbuf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	strbuf_adds(&b, "x");
	strbuf_clear(&b);
	assert_string_equal(b.ptr, "");
	strbuf_done(&b);
	assert_null(b.ptr);
}

static void strbuf_remembers_that_memory_was_short(void **state)
{
	struct strbuf b = STRBUF_INIT;
	strbuf_adds(&b, "kept");
	assert_false(strbuf_reserve(&b, SIZE_MAX / 2));
	strbuf_adds(&b, "ignored");
	assert_true(b.failed);
	assert_string_equal(b.ptr, "kept");
	strbuf_done(&b);
}

struct item {
	struct list link;
	int n;
};

static void lists_keep_order_and_know_membership(void **state)
{
	struct list head = LIST_INIT(head);
	struct list other = LIST_INIT(other);
	struct item items[4];
	for (int i = 0; i < 4; i++) {
		items[i].n = i;
		list_add_tail(i < 2 ? &head : &other, &items[i].link);
	}
	list_splice_tail(&head, &other);
	assert_true(list_is_empty(&other));
	int want = 0;
	list_for_each_entry (it, &head, struct item, link)
		assert_int_equal(it->n, want++);
	assert_int_equal(want, 4);
	list_for_each_entry_safe (it, &head, struct item, link) {
		if (it->n % 2)
			list_del(&it->link);
	}
	assert_false(list_is_linked(&items[1].link));
	assert_true(list_is_linked(&items[2].link));
	assert_int_equal(list_last(&head, struct item, link)->n, 2);
	list_del(&items[1].link);
	list_add_head(&head, &items[3].link);
	assert_int_equal(list_first(&head, struct item, link)->n, 3);
}

static void pools_hand_out_the_last_object_first_and_keep_their_limit(void **state)
{
	struct pool p;
	pool_init(&p, "test", 100, 2);
	p.limit = 3;
	void *a = pool_get(&p);
	void *b = pool_get(&p);
	void *c = pool_get(&p);
	assert_true(a && b && c);
	assert_null(pool_get(&p));
	assert_int_equal(p.failed, 1);
	pool_put(&p, a);
	pool_put(&p, b);
	assert_ptr_equal(pool_get(&p), b);
	assert_ptr_equal(pool_get(&p), a);
	pool_put(&p, a);
	pool_put(&p, b);
	pool_put(&p, c);
	pool_put(&p, NULL);
	assert_int_equal(p.used, 0);
	assert_int_equal(p.free_n, 2);
	pool_trim(&p);
	assert_int_equal(p.free_n, 0);
	pool_set_failure_rate(100);
	assert_null(pool_get(&p));
	pool_set_failure_rate(0);
	pool_done(&p);
}

static void use_arena(struct arena *a)
{
	char *pieces[200];
	for (unsigned i = 0; i < 200; i++) {
		size_t align = (size_t)1 << (i % 6);
		size_t size = i % 50 == 49 ? 5000 : i;
		pieces[i] = arena_alloc_aligned(a, size, align);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % align, 0);
		memset(pieces[i], (int)i, size);
	}
	for (unsigned i = 1; i < 200; i++) {
		size_t size = i % 50 == 49 ? 5000 : i;
		assert_int_equal((unsigned char)pieces[i][0], i);
		assert_int_equal((unsigned char)pieces[i][size - 1], i);
	}
	assert_string_equal(arena_strdup(a, "text"), "text");
	assert_string_equal(arena_slice_dup(a, slice_make("abcdef", 2)), "ab");
	assert_string_equal(arena_printf(a, "%d-%s", 42, "x"), "42-x");
	assert_slice(arena_slice(a, SLICE("s")), "s");
	uint64_t *zeroed = arena_array(a, uint64_t, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_true(zeroed[i] == 0);
	assert_true(a->total > 0);
}

static void arenas_align_do_not_overlap_and_can_be_used_again(void **state)
{
	struct arena a;
	arena_init(&a, 1024);
	use_arena(&a);
	arena_reset(&a);
	assert_int_equal(a.total, 0);
	use_arena(&a);
	assert_null(arena_alloc(&a, SIZE_MAX - 8));
	arena_reset(&a);
}

static void pooled_arena_gives_its_blocks_back(void **state)
{
	struct pool p;
	struct arena a;
	pool_init(&p, "blocks", 2048, 100);
	arena_init_pool(&a, &p);
	use_arena(&a);
	assert_true(p.used > 1);
	arena_reset(&a);
	assert_int_equal(p.used, 0);
	p.limit = 1;
	assert_non_null(arena_alloc(&a, 400));
	while (a.end - a.pos >= 400)
		assert_non_null(arena_alloc(&a, 400));
	assert_null(arena_alloc(&a, 400));
	arena_reset(&a);
	pool_done(&p);
}

struct entry {
	struct htab_node node;
	unsigned key;
};

static struct entry *find_entry(const struct htab *t, unsigned key)
{
	uint64_t hash = hash_bytes(&key, sizeof(key));
	for (struct htab_node *n = htab_first(t, hash); n; n = htab_next(n)) {
		struct entry *e = container_of(n, struct entry, node);
		if (e->key == key)
			return e;
	}
	return NULL;
}

static void hash_table_finds_what_is_in_it_while_it_grows(void **state)
{
	struct htab t = HTAB_INIT;
	struct entry *entries = calloc(1000, sizeof(*entries));
	assert_non_null(entries);
	assert_null(find_entry(&t, 1));
	for (unsigned i = 0; i < 1000; i++) {
		entries[i].key = i;
		assert_int_equal(htab_insert(&t, &entries[i].node, hash_bytes(&i, sizeof(i))), 0);
	}
	for (unsigned i = 0; i < 1000; i += 2)
		htab_remove(&t, &entries[i].node);
	assert_int_equal(t.count, 500);
	for (unsigned i = 0; i < 1000; i++)
		assert_ptr_equal(find_entry(&t, i), i % 2 ? &entries[i] : NULL);
	htab_done(&t);
	free(entries);
}

static void equal_hashes_are_all_walked(void **state)
{
	struct htab t = HTAB_INIT;
	struct htab_node nodes[3];
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(htab_insert(&t, &nodes[i], i == 1 ? 16 : 32), 0);
	struct htab_node *n = htab_first(&t, 32);
	assert_ptr_equal(n, &nodes[2]);
	n = htab_next(n);
	assert_ptr_equal(n, &nodes[0]);
	assert_null(htab_next(n));
	htab_done(&t);
}

static void folding_hash_ignores_ascii_case_only(void **state)
{
	assert_true(
	    hash_bytes_fold("Host-NAME-longer", 16) == hash_bytes_fold("hOST-name-LONGER", 16));
	assert_true(hash_bytes_fold("@[", 2) != hash_bytes_fold("`{", 2));
	assert_true(hash_bytes_fold("\xc1", 1) != hash_bytes_fold("\xe1", 1));
	assert_true(hash_bytes("a", 1) != hash_bytes("A", 1));
	assert_true(hash_bytes("a", 1) != hash_bytes("a\0", 2));
	assert_true(hash_slice(SLICE("x")) == hash_bytes("x", 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_compare_bytes_and_fold_ascii_only),
		cmocka_unit_test(slices_search_and_cut),
		cmocka_unit_test(numbers_are_decimal_digits_only),
		cmocka_unit_test(slice_copies_are_terminated),
		cmocka_unit_test(strbuf_grows_consumes_and_clears),
		cmocka_unit_test(strbuf_remembers_that_memory_was_short),
		cmocka_unit_test(lists_keep_order_and_know_membership),
		cmocka_unit_test(pools_hand_out_the_last_object_first_and_keep_their_limit),
		cmocka_unit_test(arenas_align_do_not_overlap_and_can_be_used_again),
		cmocka_unit_test(pooled_arena_gives_its_blocks_back),
		cmocka_unit_test(hash_table_finds_what_is_in_it_while_it_grows),
		cmocka_unit_test(equal_hashes_are_all_walked),
		cmocka_unit_test(folding_hash_ignores_ascii_case_only),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
