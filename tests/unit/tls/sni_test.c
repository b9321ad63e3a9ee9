/* SPDX-License-Identifier: MIT */
/*
 * The index of names by itself: what is found, in which order, while it grows and while names go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "../../../src/tls/bind_int.h"

/* An instance with a certificate of a key type, which is all that the index looks at. */
struct fake {
	struct tls_cert cert;
	struct tls_slot slot;
	struct tls_crt_line line;
	struct tls_inst inst;
};

static struct tls_inst *fake(struct fake *f, unsigned order, enum tls_key_type type)
{
	f->cert.type = type;
	atomic_init(&f->slot.cert, &f->cert);
	f->inst = (struct tls_inst){ .slot = &f->slot, .line = &f->line, .order = order };
	return &f->inst;
}

static void add(struct sni_index *x, const char *name, struct tls_inst *inst)
{
	assert_int_equal(sni_add(x, NULL, slice_str(name), inst), 0);
}

static struct tls_inst *find(struct sni_index *x, const char *name)
{
	struct sni_match m;
	bool found = sni_find(x, slice_str(name), &m);
	assert_int_equal(found, m.first != NULL);
	return m.first;
}

static void an_exact_name_wins_over_a_wildcard(void **state)
{
	struct fake a = { 0 }, b = { 0 };
	struct sni_index x;
	assert_int_equal(sni_init(&x, 0), 0);
	add(&x, "*.example.com", fake(&a, 1, TLS_KEY_RSA));
	add(&x, "www.example.com", fake(&b, 2, TLS_KEY_RSA));
	assert_ptr_equal(find(&x, "WWW.example.COM"), &b.inst);
	assert_ptr_equal(find(&x, "mail.example.com"), &a.inst);
	assert_null(find(&x, "a.mail.example.com"));
	assert_null(find(&x, "example.com"));
	assert_null(find(&x, ".example.com"));
	assert_null(find(&x, "*.example.com"));
	assert_null(find(&x, ""));
	sni_done(&x);
}

static void the_first_line_of_each_key_type_is_found(void **state)
{
	struct fake f[4] = { 0 };
	struct sni_index x;
	struct sni_match m;
	assert_int_equal(sni_init(&x, 0), 0);
	add(&x, "a.example", fake(&f[0], 3, TLS_KEY_RSA));
	add(&x, "a.example", fake(&f[1], 1, TLS_KEY_RSA));
	add(&x, "a.example", fake(&f[2], 2, TLS_KEY_ECDSA));
	add(&x, "a.example", fake(&f[3], 0, TLS_KEY_OTHER));
	atomic_store(&f[3].slot.cert, NULL); /* "new ssl cert", not committed */
	assert_true(sni_find(&x, SLICE("a.example"), &m));
	assert_ptr_equal(m.inst[TLS_KEY_RSA], &f[1].inst);
	assert_ptr_equal(m.inst[TLS_KEY_ECDSA], &f[2].inst);
	assert_null(m.inst[TLS_KEY_OTHER]);
	assert_ptr_equal(m.first, &f[1].inst);
	sni_done(&x);
}

static void names_that_a_line_excludes_do_not_match_its_wildcard(void **state)
{
	static const char *const filters[] = { "*.example.com", "!no.example.com" };
	struct fake a = { 0 };
	struct sni_index x;
	assert_int_equal(sni_init(&x, 0), 0);
	a.line.filters = filters;
	a.line.filters_n = 2;
	add(&x, filters[0], fake(&a, 1, TLS_KEY_RSA));
	assert_null(find(&x, "NO.example.com"));
	assert_ptr_equal(find(&x, "yes.example.com"), &a.inst);
	sni_done(&x);
}

static void names_survive_growth_and_go_one_by_one(void **state)
{
	enum { NAMES = 5000 };
	struct fake a = { 0 }, b = { 0 };
	struct sni_index x;
	char name[32];
	assert_int_equal(sni_init(&x, 0), 0);
	fake(&a, 1, TLS_KEY_RSA);
	fake(&b, 2, TLS_KEY_RSA);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		add(&x, name, &a.inst);
		add(&x, name, &b.inst);
	}
	assert_int_equal(x.count, 2 * NAMES);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		assert_ptr_equal(find(&x, name), &a.inst);
		sni_remove(&x, NULL, slice_str(name), &a.inst);
		assert_ptr_equal(find(&x, name), &b.inst);
		if (i % 2)
			sni_remove(&x, NULL, slice_str(name), &b.inst);
	}
	assert_int_equal(x.count, NAMES / 2);
	assert_null(find(&x, "n1.example"));
	assert_ptr_equal(find(&x, "n0.example"), &b.inst);
	sni_remove(&x, NULL, SLICE("absent.example"), &a.inst);
	assert_int_equal(x.count, NAMES / 2);
	sni_done(&x);
}

static void a_name_of_any_length_is_safe(void **state)
{
	struct fake a = { 0 };
	struct sni_index x;
	struct sni_match m;
	char name[400];
	assert_int_equal(sni_init(&x, 0), 0);
	add(&x, "*.x", fake(&a, 1, TLS_KEY_RSA));
	memset(name, 'y', sizeof(name));
	for (size_t len = 3; len < sizeof(name); len++) {
		memcpy(name + len - 2, ".x", 2);
		assert_int_equal(sni_find(&x, slice_make(name, len), &m), len <= SNI_NAME_MAX);
		memset(name + len - 2, 'y', 2);
	}
	sni_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exact_name_wins_over_a_wildcard),
		cmocka_unit_test(the_first_line_of_each_key_type_is_found),
		cmocka_unit_test(names_that_a_line_excludes_do_not_match_its_wildcard),
		cmocka_unit_test(names_survive_growth_and_go_one_by_one),
		cmocka_unit_test(a_name_of_any_length_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
