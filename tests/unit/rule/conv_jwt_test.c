/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of signed and encrypted tokens, with tokens that another implementation made and those of the RFCs.
 */
/* covers: conv jwt_decrypt_cert, conv jwt_decrypt_jwk, conv jwt_decrypt_secret, conv jwt_verify_cert */
#include "fixture.h"

#include "jwt_vectors.h"

static char dir[] = "/tmp/weir-jwt-XXXXXX";

static const char *file_of(struct fixture *f, const char *name)
{
	return arena_printf(&f->mem, "%s/%s", dir, name);
}

static void put_file(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static const struct {
	const char *name, *text;
} more_files[] = {
	{ "RSA1.pub", jwt_rsa_pkcs1 },
	{ "RSA.crt", jwt_rsa_cert },
	{ "nothing.pem", "no key\n" },
};

static int set_up(void **state)
{
	char name[32];
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(jwt_keys); i++) {
		snprintf(name, sizeof(name), "%s.pub", jwt_keys[i].name);
		put_file(name, jwt_keys[i].public_pem);
		snprintf(name, sizeof(name), "%s.pem", jwt_keys[i].name);
		put_file(name, jwt_keys[i].private_pem);
	}
	for (size_t i = 0; i < ARRAY_SIZE(more_files); i++)
		put_file(more_files[i].name, more_files[i].text);
	return 0;
}

static int tear_down(void **state)
{
	char path[128];
	for (size_t i = 0; i < ARRAY_SIZE(jwt_keys) * 2; i++) {
		snprintf(path, sizeof(path), "%s/%s.%s", dir, jwt_keys[i / 2].name,
		    i % 2 ? "pub" : "pem");
		unlink(path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(more_files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, more_files[i].name);
		unlink(path);
	}
	return rmdir(dir);
}

/* An expression whose bytes the configuration language shall leave alone. */
static const char *eval_raw(struct fixture *f, const char *text)
{
	char *escaped = arena_alloc(&f->mem, strlen(text) * 2 + 1), *to = escaped;
	for (; *text; text++) {
		if (strchr("\\\"' #", *text))
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
	return fx_eval(f, escaped);
}

static const char *verify(
    struct fixture *f, const char *token, const char *converter, const char *alg, const char *key)
{
	return eval_raw(f, arena_printf(&f->mem, "str(%s),%s(%s,%s)", token, converter, alg, key));
}

/* The same token with another byte in that part. */
static const char *spoilt(struct fixture *f, const char *token, unsigned part)
{
	char *copy = arena_strdup(&f->mem, token), *at = copy;
	while (part--)
		at += strcspn(at, ".") + 1;
	assert_true(strcspn(at, ".") > 2);
	at[1] = at[1] == 'A' ? 'B' : 'A';
	return copy;
}

static void signatures_of_all_algorithms_verify(void **state)
{
	struct fixture f;
	fx_new(&f);
	for (size_t i = 0; i < ARRAY_SIZE(jws_vectors); i++) {
		const char *alg = jws_vectors[i].alg, *token = jws_vectors[i].token;
		const char *key = jws_vectors[i].key;
		if (alg[0] != 'H')
			key = file_of(&f, arena_printf(&f.mem, "%s.pub", key));
		assert_string_equal(verify(&f, token, "jwt_verify", alg, key), "1");
		for (unsigned part = 0; part < 3; part++)
			assert_string_equal(
			    verify(&f, spoilt(&f, token, part), "jwt_verify", alg, key), "0");
		assert_string_equal(
		    verify(&f, arena_printf(&f.mem, "%s.x", token), "jwt_verify", alg, key), "-3");
	}
	fx_free(&f);
}

static void the_algorithm_is_the_one_of_the_rule(void **state)
{
	struct fixture f;
	fx_new(&f);
	/* A public key is no secret: a token made with it as one must not pass. */
	for (size_t i = 0; i < ARRAY_SIZE(jws_vectors); i++) {
		const char *token = jws_vectors[i].token;
		const char *rsa = file_of(&f, "RSA.pub"), *ec = file_of(&f, "EC256.pub");
		const char *alg = jws_vectors[i].alg;
		if (strcmp(alg, "RS256") != 0)
			assert_string_equal(verify(&f, token, "jwt_verify", "RS256", rsa), "0");
		if (strcmp(alg, "ES256") != 0)
			assert_string_not_equal(verify(&f, token, "jwt_verify", "ES256", ec), "1");
		if (strcmp(alg, "PS256") != 0)
			assert_string_equal(verify(&f, token, "jwt_verify", "PS256", rsa), "0");
		assert_string_equal(verify(&f, token, "jwt_verify", "none", ""), "0");
	}
	fx_free(&f);
}

static void keys_come_in_several_files(void **state)
{
	struct fixture f;
	fx_new(&f);
	for (size_t i = 0; i < ARRAY_SIZE(jws_vectors); i++) {
		const char *alg = jws_vectors[i].alg, *token = jws_vectors[i].token;
		if (strcmp(jws_vectors[i].key, "RSA") != 0)
			continue;
		assert_string_equal(
		    verify(&f, token, "jwt_verify", alg, file_of(&f, "RSA1.pub")), "1");
		assert_string_equal(
		    verify(&f, token, "jwt_verify", alg, file_of(&f, "RSA.crt")), "1");
		assert_string_equal(
		    verify(&f, token, "jwt_verify_cert", alg, file_of(&f, "RSA.crt")), "1");
		assert_string_equal(verify(&f, spoilt(&f, token, 1), "jwt_verify_cert", alg,
					file_of(&f, "RSA.crt")),
		    "0");
	}
	fx_free(&f);
}

static void variables_name_algorithm_and_key(void **state)
{
	struct fixture f;
	struct var_list txn = { NULL };
	fx_new(&f);
	f.cx.vars.list[VAR_TXN] = &txn;
	const char *token = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(jws_vectors); i++) {
		if (strcmp(jws_vectors[i].alg, "ES256") == 0)
			token = jws_vectors[i].token;
	}
	const char *ec = file_of(&f, "EC256.pub");
	eval_raw(&f, "str(ES256),set-var(txn.alg)");
	eval_raw(&f, arena_printf(&f.mem, "str(%s),set-var(txn.key)", ec));
	assert_string_equal(verify(&f, token, "jwt_verify", "txn.alg", ec), "1");
	assert_string_equal(verify(&f, token, "jwt_verify", "ES256", "txn.key"), "1");
	assert_string_equal(verify(&f, token, "jwt_verify", "txn.alg", "txn.key"), "1");
	eval_raw(&f, "str(ES257),set-var(txn.alg)");
	assert_string_equal(verify(&f, token, "jwt_verify", "txn.alg", ec), "-1");
	/* Only files that the configuration names are there. */
	eval_raw(&f, "str(/no/such/key),set-var(txn.key)");
	assert_string_equal(verify(&f, token, "jwt_verify", "ES256", "txn.key"), "-5");
	assert_string_equal(verify(&f, token, "jwt_verify_cert", "ES256", "txn.key"), "-5");
	fx_free(&f);
}

static void wrong_arguments_are_told(void **state)
{
	struct fixture f;
	fx_new(&f);
	static const char *const wrong[] = {
		"str(a),jwt_verify(HS257,x)",
		"str(a),jwt_verify_cert(HS256,x)",
		"str(a),jwt_verify_cert(RS256,/no/such/file)",
		"str(a),jwt_decrypt_cert(/no/such/file)",
		"str(a),jwt_decrypt_secret(*)",
		"str(a),jwt_decrypt_jwk({})",
		"str(a),jwt_header_query(alg)",
		"str(a),jwt_payload_query($.a,float)",
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_string_not_equal(
		    fx_read(&f, arena_printf(&f.mem, "expr '%s'", wrong[i])), "");
	assert_non_null(strstr(
	    fx_read(&f, arena_printf(&f.mem, "expr str(a),jwt_verify(RS256,%s/nothing.pem)", dir)),
	    "no public key in it"));
	/* As in 2.6 this is no error: the file may belong to another host. */
	assert_non_null(
	    strstr(fx_read(&f, "expr str(a.b.cccc),jwt_verify(RS256,/no/such/file)"), "-5"));
	fx_free(&f);
}

static void parts_are_shown_and_asked(void **state)
{
	struct fixture f;
	fx_new(&f);
	const char *token = jws_vectors[0].token;
	struct {
		const char *converter, *value;
	} wants[] = {
		{ "jwt_header_query", "{\"alg\": \"HS256\"}" },
		{ "jwt_header_query($.alg)", "HS256" },
		{ "jwt_header_query($.nope)", "<none>" },
		{ "jwt_payload_query", "{\"iss\":\"joe\",\"n\":[1,2]}" },
		{ "jwt_payload_query($.iss)", "joe" },
		{ "jwt_payload_query($.n[1],int),add(1)", "3" },
		{ "jwt_payload_query($.n)", "[1,2]" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
		assert_string_equal(
		    eval_raw(&f, arena_printf(&f.mem, "str(%s),%s", token, wants[i].converter)),
		    wants[i].value);
	const char *encrypted = jwe_vectors[0].token;
	assert_string_equal(
	    eval_raw(&f, arena_printf(&f.mem, "str(%s),jwt_header_query($.alg)", encrypted)),
	    "dir");
	assert_string_equal(
	    eval_raw(&f, arena_printf(&f.mem, "str(%s),jwt_payload_query", encrypted)), "<none>");
	assert_string_equal(eval_raw(&f, "str(e30.e30),jwt_header_query"), "<none>");
	fx_free(&f);
}

/* ---- encrypted tokens ---- */

static const char plain[] = "Live long and prosper.";

static const char *decrypt(struct fixture *f, const char *token, const char *how, const char *key)
{
	const char *quote = strcmp(how, "jwk") == 0 ? "'" : "";
	return eval_raw(f,
	    arena_printf(&f->mem, "str(%s),jwt_decrypt_%s(%s%s%s)", token, how, quote, key, quote));
}

static const char *key_of(struct fixture *f, size_t i)
{
	if (strcmp(jwe_vectors[i].how, "cert") != 0)
		return jwe_vectors[i].key;
	return file_of(f, arena_printf(&f->mem, "%s.pem", jwe_vectors[i].key));
}

static void tokens_of_all_algorithms_are_decrypted(void **state)
{
	struct fixture f;
	fx_new(&f);
	for (size_t i = 0; i < ARRAY_SIZE(jwe_vectors); i++) {
		const char *got =
		    decrypt(&f, jwe_vectors[i].token, jwe_vectors[i].how, key_of(&f, i));
		if (strcmp(got, plain) != 0)
			fail_msg("token %zu (%.20s): '%s'", i, jwe_vectors[i].token, got);
	}
	fx_free(&f);
}

/* The first token is of dir and A128GCM. The lines hold for expressions in front of them, too. */
static void algorithms_can_be_taken_away(void **state)
{
	static const struct {
		const char *lines;
		bool allowed;
	} cases[] = {
		{ "algs ALL", true },
		{ "algs ALL:!RSA1_5", true },
		{ "algs ALL:!dir", false },
		{ "algs RSA1_5", false },
		{ "algs A128KW:dir", true },
		{ "encs A128GCM:A256GCM", true },
		{ "encs A128CBC-HS256", false },
		{ "algs dir\nencs ALL:!A128GCM", false },
	};
	struct fixture f;
	fx_new(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got =
		    fx_eval(&f, arena_printf(&f.mem, "str(%s),jwt_decrypt_secret(%s)\n%s",
				    jwe_vectors[0].token, jwe_vectors[0].key, cases[i].lines));
		if (strcmp(got, cases[i].allowed ? plain : "") != 0)
			fail_msg("%s: '%s'", cases[i].lines, got);
	}
	assert_non_null(strstr(fx_read(&f, "algs ALL:!foo"), "no algorithm '!foo'"));
	assert_non_null(strstr(fx_read(&f, "encs dir"), "no algorithm 'dir'"));
	fx_free(&f);
}

static void a_changed_part_gives_an_empty_text(void **state)
{
	struct fixture f;
	fx_new(&f);
	for (size_t i = 0; i < ARRAY_SIZE(jwe_vectors); i++) {
		for (unsigned part = 0; part < 5; part++) {
			const char *token = jwe_vectors[i].token;
			/* "dir" has no key in its second part */
			if (part == 1 && strstr(token, ".."))
				continue;
			assert_string_equal(
			    decrypt(&f, spoilt(&f, token, part), jwe_vectors[i].how, key_of(&f, i)),
			    "");
		}
	}
	fx_free(&f);
}

static void the_example_of_rfc_7516_a3(void **state)
{
	static const char token[] =
	    "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0."
	    "6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.AxY8DCtDaGlsbGljb3RoZQ."
	    "KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ";
	static const char key[] = "GawgguFyGrWKav7AX4VKUg";
	struct fixture f;
	struct var_list txn = { NULL };
	fx_new(&f);
	f.cx.vars.list[VAR_TXN] = &txn;
	assert_string_equal(decrypt(&f, token, "secret", key), plain);
	assert_string_equal(decrypt(&f, token, "secret", "txn.k"), "");
	eval_raw(&f, arena_printf(&f.mem, "str(%s),set-var(txn.k)", key));
	assert_string_equal(decrypt(&f, token, "secret", "txn.k"), plain);
	eval_raw(
	    &f, arena_printf(&f.mem, "str('{\"kty\":\"oct\",\"k\":\"%s\"}'),set-var(txn.k)", key));
	assert_string_equal(
	    eval_raw(&f, arena_printf(&f.mem, "str(%s),jwt_decrypt_jwk(txn.k)", token)), plain);
	assert_string_equal(decrypt(&f, "a.b.c", "secret", key), "");
	fx_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_of_all_algorithms_verify),
		cmocka_unit_test(the_algorithm_is_the_one_of_the_rule),
		cmocka_unit_test(keys_come_in_several_files),
		cmocka_unit_test(variables_name_algorithm_and_key),
		cmocka_unit_test(wrong_arguments_are_told),
		cmocka_unit_test(parts_are_shown_and_asked),
		cmocka_unit_test(tokens_of_all_algorithms_are_decrypted),
		cmocka_unit_test(algorithms_can_be_taken_away),
		cmocka_unit_test(a_changed_part_gives_an_empty_text),
		cmocka_unit_test(the_example_of_rfc_7516_a3),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
