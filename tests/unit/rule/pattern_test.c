/* SPDX-License-Identifier: MIT */
/*
 * Lists of patterns: what the indexes find is what comparing one by one finds, while entries come and go;
 * versions; references; refused values; files and names; rules that change lists; readers beside a writer.
 */
#include "fixture.h"

/* ---- a model: entries in order, compared one by one ---- */

#define MODEL_MAX 64

struct model {
	const char *method;
	unsigned n, added;
	struct {
		char text[24];
		char value[12];
	} e[MODEL_MAX];
};

static bool is_delimiter(char c, const char *set)
{
	return c == '\0' || strchr(set, c);
}

static bool has_part(const char *text, const char *part, const char *set)
{
	size_t n = strlen(part);
	while (n && strchr(set, *part))
		part++, n--;
	while (n && strchr(set, part[n - 1]))
		n--;
	for (const char *at = text; n && *at; at++) {
		if ((at == text || is_delimiter(at[-1], set)) && strncmp(at, part, n) == 0 &&
		    is_delimiter(at[n], set))
			return true;
	}
	return false;
}

static unsigned ip_of(const char *text, unsigned *bits)
{
	char plain[24];
	struct in_addr ip;
	size_t n = strcspn(text, "/");
	snprintf(plain, sizeof(plain), "%.*s", (int)n, text);
	assert_int_equal(inet_pton(AF_INET, plain, &ip), 1);
	*bits = text[n] ? (unsigned)strtoul(text + n + 1, NULL, 10) : 32;
	return ntohl(ip.s_addr);
}

/* 0: no match, else how fine it is. */
static unsigned one_matches(const char *method, const char *pattern, const char *text)
{
	size_t size = strlen(pattern), len = strlen(text);
	if (strcmp(method, "str") == 0)
		return strcmp(pattern, text) == 0;
	if (strcmp(method, "beg") == 0)
		return strncmp(pattern, text, size) == 0 ? 1 + (unsigned)size : 0;
	if (strcmp(method, "end") == 0)
		return len >= size && strcmp(text + len - size, pattern) == 0;
	if (strcmp(method, "sub") == 0)
		return strstr(text, pattern) != NULL;
	if (strcmp(method, "dir") == 0)
		return has_part(text, pattern, "/?");
	if (strcmp(method, "dom") == 0)
		return has_part(text, pattern, "/?.:");
	if (strcmp(method, "int") == 0) {
		char *end;
		long low = strtol(pattern, &end, 10), n = strtol(text, NULL, 10);
		long high = *end ? strtol(end + 1, NULL, 10) : low;
		return n >= low && n <= high;
	}
	unsigned bits, all, net = ip_of(pattern, &bits), addr = ip_of(text, &all);
	return bits == 0 || net >> (32 - bits) == addr >> (32 - bits) ? 1 + bits : 0;
}

static int model_find(const struct model *m, const char *text)
{
	int best = -1;
	unsigned finest = 0;
	for (unsigned i = 0; i < m->n; i++) {
		unsigned fine = one_matches(m->method, m->e[i].text, text);
		if (fine > finest) {
			finest = fine;
			best = (int)i;
		}
	}
	return best;
}

static void model_del(struct model *m, const char *text)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < m->n; i++) {
		if (strcmp(m->e[i].text, text) != 0)
			m->e[kept++] = m->e[i];
	}
	m->n = kept;
}

static unsigned random_below(unsigned n)
{
	static uint64_t state = 88172645463325252ULL;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % n);
}

/* Few letters, so that much overlaps. */
static void random_text(const char *method, bool pattern, char out[24])
{
	if (strcmp(method, "int") == 0) {
		unsigned a = random_below(30), b = random_below(9);
		snprintf(out, 24, pattern && b < 3 ? "%u:%u" : "%u", a, a + b);
		return;
	}
	if (strcmp(method, "ip") == 0) {
		unsigned a = random_below(3), b = random_below(3), bits = random_below(33);
		if (pattern && bits % 3)
			snprintf(out, 24, "10.%u.0.%u/%u", a, b, bits);
		else
			snprintf(out, 24, "10.%u.0.%u", a, b);
		return;
	}
	static const char letters[] = "ab/.";
	unsigned n = 1 + random_below(pattern ? 5 : 9);
	for (unsigned i = 0; i < n; i++)
		out[i] = letters[random_below(4)];
	out[n] = '\0';
}

struct found {
	bool yes;
	char text[24], value[24];
};

/* The second use is the exact one that actions ask for, when the method is another. */
static void note_found(const struct pattern_lookup *l, void *arg)
{
	struct found *f = arg;
	f->yes = l->found;
	snprintf(f->text, sizeof(f->text), "%.*s", SLICE_ARG(l->text));
	snprintf(f->value, sizeof(f->value), "%.*s", SLICE_ARG(l->value));
}

static void compare(struct fixture *f, struct pattern_ref *r, const struct model *m)
{
	char text[24];
	struct found found = { .yes = false };
	random_text(m->method, false, text);
	pattern_ref_lookup(r, &f->cx, slice_str(text), note_found, &found);
	int want = model_find(m, text);
	if (found.yes != (want >= 0))
		fail_msg("%s '%s': found %d, wanted %d", m->method, text, found.yes, want);
	if (want < 0)
		return;
	/* Networks that are the same under other texts are one key: the first counts. */
	assert_string_equal(found.value, m->e[want].value);
	assert_string_equal(found.text, m->e[want].text);
}

static void change(struct pattern_ref *r, struct model *m)
{
	char text[24], value[12];
	unsigned what = random_below(10);
	random_text(m->method, true, text);
	snprintf(value, sizeof(value), "%u", m->added++);
	if (what < 5 && m->n < MODEL_MAX) {
		assert_int_equal(
		    pattern_ref_add(r, NULL, NULL, slice_str(text), slice_str(value), NULL),
		    PATTERN_OK);
		memcpy(m->e[m->n].text, text, sizeof(text));
		memcpy(m->e[m->n++].value, value, sizeof(value));
	} else if (what < 8 && m->n) {
		snprintf(text, sizeof(text), "%s", m->e[random_below(m->n)].text);
		assert_int_equal(pattern_ref_del(r, NULL, slice_str(text)), PATTERN_OK);
		model_del(m, text);
	} else if (m->n) {
		snprintf(text, sizeof(text), "%s", m->e[random_below(m->n)].text);
		assert_int_equal(
		    pattern_ref_set(r, NULL, slice_str(text), slice_str(value), NULL), PATTERN_OK);
		for (unsigned i = 0; i < m->n; i++) {
			if (strcmp(m->e[i].text, text) == 0)
				memcpy(m->e[i].value, value, sizeof(value));
		}
	}
}

static void run_model(const char *method, bool exact)
{
	struct fixture f;
	struct model m = { .method = method };
	fx_new(&f);
	if (exact)
		(void)fx_read(&f, "http-request set-map(virt@m) a b"); /* loaded by nothing yet */
	fx_load(&f, arena_printf(&f.mem, "%sexpr %s,map_%s(virt@m)",
			exact ? "http-request set-map(virt@m) a b\n" : "",
			strcmp(method, "int") == 0 ? "int(1)" : "str(a)", method));
	struct pattern_ref *r = pattern_ref_find(f.patterns, "virt@m");
	assert_non_null(r);
	for (unsigned i = 0; i < 3000; i++) {
		change(r, &m);
		compare(&f, r, &m);
		compare(&f, r, &m);
	}
	struct pattern_ref_info info;
	pattern_ref_info(r, &info);
	assert_int_equal(info.entries, m.n);
	fx_free(&f);
}

static void indexes_find_what_lists_find(void **state)
{
	static const char *const methods[] = { "str", "beg", "end", "sub", "dir", "dom", "int",
		"ip" };
	for (unsigned i = 0; i < ARRAY_SIZE(methods); i++) {
		run_model(methods[i], false);
		run_model(methods[i], true);
	}
}

/* ---- versions and references ---- */

static bool append_entry(const struct pattern_entry_info *e, void *arg)
{
	struct strbuf *out = arg;
	strbuf_addslice(out, e->text);
	if (e->has_value) {
		strbuf_addc(out, '=');
		strbuf_addslice(out, e->value);
	}
	strbuf_addc(out, ' ');
	return true;
}

static const char *entries(struct fixture *f, struct pattern_ref *r, const uint32_t *version)
{
	struct strbuf out = STRBUF_INIT;
	pattern_ref_each(r, version, append_entry, &out);
	const char *copy = arena_strdup(&f->mem, strbuf_str(&out));
	strbuf_done(&out);
	return copy;
}

static struct pattern_ref *new_map(struct fixture *f)
{
	fx_new(f);
	fx_load(f, "expr path,map(virt@m)");
	struct pattern_ref *r = pattern_ref_find(f->patterns, "virt@m");
	assert_non_null(r);
	return r;
}

#define ADD(r, version, text, value)                                                               \
	pattern_ref_add((r), NULL, (version), SLICE(text), SLICE(value), NULL)

static void prepared_version_is_unseen_until_it_is_committed(void **state)
{
	struct fixture f;
	struct pattern_ref *r = new_map(&f);
	assert_int_equal(ADD(r, NULL, "a", "old"), PATTERN_OK);
	uint32_t next = 1, later = 2, third = 3;
	assert_int_equal(ADD(r, &next, "a", "new"), PATTERN_FUTURE);
	assert_int_equal(pattern_ref_commit(r, NULL, 1), PATTERN_FUTURE);
	assert_int_equal(pattern_ref_prepare(r), 1);
	assert_int_equal(pattern_ref_prepare(r), 2);
	assert_int_equal(pattern_ref_prepare(r), 3);
	assert_int_equal(ADD(r, &next, "a", "new"), PATTERN_OK);
	assert_int_equal(ADD(r, &later, "b", "two"), PATTERN_OK);
	assert_int_equal(ADD(r, &third, "c", "three"), PATTERN_OK);
	assert_string_equal(entries(&f, r, NULL), "a=old ");
	assert_string_equal(entries(&f, r, &next), "a=new ");
	struct pattern_ref_info info;
	pattern_ref_info(r, &info);
	assert_int_equal(info.entries, 4);
	assert_int_equal(pattern_ref_commit(r, NULL, 2), PATTERN_OK);
	assert_string_equal(entries(&f, r, NULL), "b=two ");
	assert_string_equal(entries(&f, r, &next), "");
	assert_string_equal(entries(&f, r, &third), "c=three ");
	assert_int_equal(pattern_ref_commit(r, NULL, 1), PATTERN_FUTURE);
	assert_int_equal(pattern_ref_clear(r, NULL, &third), PATTERN_OK);
	assert_int_equal(pattern_ref_commit(r, NULL, 3), PATTERN_OK);
	assert_string_equal(entries(&f, r, NULL), "");
	fx_free(&f);
}

static bool remember_id(const struct pattern_entry_info *e, void *arg)
{
	uintptr_t *ids = arg;
	while (*ids)
		ids++;
	*ids = e->id;
	return true;
}

static void references_name_one_entry_of_several(void **state)
{
	struct fixture f;
	struct pattern_ref *r = new_map(&f);
	uintptr_t ids[16] = { 0 };
	static const char *const more[] = { "b", "c", "d", "e", "f" };
	assert_int_equal(ADD(r, NULL, "a", "1"), PATTERN_OK);
	for (unsigned i = 0; i < ARRAY_SIZE(more); i++)
		assert_int_equal(
		    pattern_ref_add(r, NULL, NULL, slice_str(more[i]), SLICE("x"), NULL),
		    PATTERN_OK);
	assert_int_equal(ADD(r, NULL, "a", "2"), PATTERN_OK);
	assert_int_equal(ADD(r, NULL, "a", "3"), PATTERN_OK);
	pattern_ref_each(r, NULL, remember_id, ids);
	struct found found;
	assert_int_equal(pattern_ref_del_id(r, NULL, ids[0]), PATTERN_OK);
	pattern_ref_lookup(r, &f.cx, SLICE("a"), note_found, &found);
	assert_string_equal(found.value, "2");
	assert_int_equal(pattern_ref_set_id(r, NULL, ids[7], SLICE("33"), NULL), PATTERN_OK);
	assert_int_equal(pattern_ref_del_id(r, NULL, ids[6]), PATTERN_OK);
	pattern_ref_lookup(r, &f.cx, SLICE("a"), note_found, &found);
	assert_string_equal(found.value, "33");
	assert_int_equal(pattern_ref_del_id(r, NULL, 12345), PATTERN_MISSING);
	assert_int_equal(pattern_ref_del(r, NULL, SLICE("a")), PATTERN_OK);
	assert_int_equal(pattern_ref_del(r, NULL, SLICE("a")), PATTERN_MISSING);
	assert_string_equal(entries(&f, r, NULL), "b=x c=x d=x e=x f=x ");
	fx_free(&f);
}

static void values_must_suit_all_that_use_the_list(void **state)
{
	struct fixture f;
	struct strbuf why = STRBUF_INIT;
	fx_new(&f);
	fx_load(&f, "expr int(1),map_int_int(virt@m)");
	struct pattern_ref *r = pattern_ref_find(f.patterns, "virt@m");
	assert_int_equal(
	    pattern_ref_add(r, NULL, NULL, SLICE("5"), SLICE("x"), &why), PATTERN_REFUSED);
	assert_string_equal(strbuf_str(&why), "unable to parse 'x'.");
	strbuf_clear(&why);
	assert_int_equal(
	    pattern_ref_add(r, NULL, NULL, SLICE("k"), SLICE("1"), &why), PATTERN_REFUSED);
	assert_string_equal(strbuf_str(&why), "'k' is not a number.");
	assert_int_equal(ADD(r, NULL, "5", "1"), PATTERN_OK);
	assert_int_equal(pattern_ref_set(r, NULL, SLICE("5"), SLICE("x"), NULL), PATTERN_REFUSED);
	assert_string_equal(entries(&f, r, NULL), "5=1 ");
	strbuf_done(&why);
	fx_free(&f);
}

/* ---- names ---- */

static void lists_have_names_and_numbers(void **state)
{
	struct fixture f;
	struct strbuf text = STRBUF_INIT;
	struct pattern_ref_info info;
	fx_new(&f);
	fx_load(&f, "acl a path /x\nacl b path -u 7 /y /z\nacl c hdr(host) -f virt@h\n"
		    "expr path,map(opt@/nonexistent/m)\ncond if { method GET }");
	struct pattern_ref *r = NULL;
	while ((r = pattern_ref_next(f.patterns, r))) {
		pattern_ref_info(r, &info);
		strbuf_addf(&text, "%u%s%s(%s) ", info.id, info.is_acl ? "a" : "",
		    info.is_map ? "m" : "", info.name);
	}
	assert_string_equal(
	    strbuf_str(&text), "0a() 1a(virt@h) 2a() 3m(/nonexistent/m) 4a() 7a() ");
	assert_string_equal(entries(&f, pattern_ref_find(f.patterns, "#7"), NULL), "/y /z ");
	assert_ptr_equal(
	    pattern_ref_find(f.patterns, "virt@h"), pattern_ref_find(f.patterns, "#1"));
	assert_null(pattern_ref_find(f.patterns, "#9"));
	assert_null(pattern_ref_find(f.patterns, "#x"));
	strbuf_clear(&text);
	pattern_ref_describe(pattern_ref_find(f.patterns, "#1"), &text);
	assert_string_equal(
	    strbuf_str(&text), "pattern loaded from file 'virt@h' used by acl at file 't' line 4");
	strbuf_clear(&text);
	pattern_ref_describe(pattern_ref_find(f.patterns, "#7"), &text);
	assert_string_equal(strbuf_str(&text), "acl 'path' file 't' line 3");
	strbuf_done(&text);
	fx_free(&f);
}

static void a_file_is_one_list_with_or_without_values(void **state)
{
	static const struct {
		const char *lines, *message;
	} wrong[] = {
		{ "acl a path -f virt@m\nexpr path,map(virt@m)",
		    "already used as one column file and cannot be used by as two column file" },
		{ "expr path,map(virt@m)\nacl a path -f virt@m",
		    "already used as two column file and cannot be used by as one column file" },
		{ "acl a path -u 3 x\nacl b path -u 3 y", "another ACL has the id 3" },
		{ "acl a path -f /nonexistent/f", "cannot read file '/nonexistent/f'" },
		{ "expr path,map_str_int(virt@m,x)", "default 'x' is not a valid" },
	};
	struct fixture f;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		fx_new(&f);
		const char *said = fx_read(&f, wrong[i].lines);
		if (!strstr(said, wrong[i].message))
			fail_msg("%s: says '%s'", wrong[i].lines, said);
		fx_free(&f);
	}
	fx_new(&f);
	fx_load(&f, "expr path,map(virt@m)\nacl a path -M -f virt@m");
	fx_free(&f);
}

/* ---- rules ---- */

/*
 * covers: action http-response add-acl, action http-response del-acl, action http-response set-map,
 * covers: action http-response del-map, action http-after-response set-map, action http-after-response del-map
 */
static void rules_change_lists(void **state)
{
	struct fixture f;
	fx_new(&f);
	fx_load(&f, "expr path,map(virt@m)\nacl blocked path -f virt@b\n"
		    "http-request set-map(virt@m) %[path] one-%[method] if { method GET }\n"
		    "http-request add-acl(virt@b) %[path]\n"
		    "http-request add-acl(virt@b) %[path]\n"
		    "http-response del-acl(virt@b) /p\n"
		    "http-response add-acl(virt@b) /r\n"
		    "http-response set-map(virt@m) /r res\n"
		    "http-response del-map(virt@m) /p\n"
		    "http-after-response set-map(virt@m) /a after\n"
		    "http-after-response del-map(virt@m) /r");
	struct http_hdr hdrs[2][8];
	http_msg_init(&f.req, hdrs[0], 8);
	http_msg_init(&f.res, hdrs[1], 8);
	f.req.method = HTTP_GET;
	f.req.method_name = SLICE("GET");
	f.req.target = SLICE("/p");
	f.cx.req = &f.req;
	struct pattern_ref *m = pattern_ref_find(f.patterns, "virt@m");
	struct pattern_ref *b = pattern_ref_find(f.patterns, "virt@b");
	assert_int_equal(fx_run(&f, RULES_HTTP_REQ), RULES_NEXT);
	assert_string_equal(entries(&f, m, NULL), "/p=one-GET ");
	assert_string_equal(entries(&f, b, NULL), "/p ");
	assert_int_equal(fx_run(&f, RULES_HTTP_REQ), RULES_NEXT);
	assert_string_equal(entries(&f, m, NULL), "/p=one-GET ");
	f.cx.res = &f.res;
	f.cx.at = RULE_AT_RES_HTTP;
	assert_int_equal(fx_run(&f, RULES_HTTP_RES), RULES_NEXT);
	assert_string_equal(entries(&f, b, NULL), "/r ");
	assert_string_equal(entries(&f, m, NULL), "/r=res ");
	assert_int_equal(fx_run(&f, RULES_HTTP_AFTER_RES), RULES_NEXT);
	assert_string_equal(entries(&f, m, NULL), "/a=after ");
	fx_free(&f);
}

/* ---- readers beside writers ---- */

#define READERS	    2
#define READER_KEYS 40
#define WRITES	    3000

static struct race {
	struct pattern_ref *list;
	struct worker_group *group;
	struct task tasks[READERS + 1];
	struct rule_ctx cx[READERS + 1];
	struct arena mem[READERS + 1];
	unsigned writes;
	atomic_uint wrong, lookups;
} race; /* one test at a time: on_start() of workers has no argument */

/* A value always names its key: "key:number". */
static void check_value(const struct pattern_lookup *l, void *arg)
{
	if (l->found && (!l->has_value || !slice_has_prefix(l->value, l->text) ||
			    l->value.len <= l->text.len || l->value.ptr[l->text.len] != ':'))
		atomic_fetch_add(&race.wrong, 1);
}

static void key_text(char out[16], unsigned i)
{
	snprintf(out, 16, "/k%u", i);
}

static void read_some(struct worker *w, struct task *task)
{
	char key[16];
	for (unsigned i = 0; i < READER_KEYS; i++) {
		key_text(key, i);
		pattern_ref_lookup(race.list, &race.cx[w->id], slice_str(key), check_value, NULL);
	}
	atomic_fetch_add(&race.lookups, 1);
	arena_reset(&race.mem[w->id]);
	task_wake(w, task);
}

static void write_some(struct worker *w, struct task *task)
{
	char key[16], value[32];
	unsigned n = race.writes++;
	key_text(key, n % READER_KEYS);
	snprintf(value, sizeof(value), "%s:%u", key, n);
	struct slice k = slice_str(key), v = slice_str(value);
	switch (n / 7 % 5) {
	case 0:
		(void)pattern_ref_del(race.list, w, k);
		break;
	case 1:
		(void)pattern_ref_add(race.list, w, NULL, k, v, NULL);
		break;
	default:
		(void)pattern_ref_put(race.list, w, k, v, NULL);
	}
	if (n % 501 == 500) {
		uint32_t version = pattern_ref_prepare(race.list);
		(void)pattern_ref_add(race.list, w, &version, k, v, NULL);
		(void)pattern_ref_commit(race.list, w, version);
	}
	if (n % 1007 == 1006)
		(void)pattern_ref_clear(race.list, w, NULL);
	if (race.writes < WRITES || atomic_load(&race.lookups) < 50)
		task_wake(w, task);
	else
		worker_group_stop(race.group);
}

static void start_worker(struct worker *w)
{
	task_init(&race.tasks[w->id], w->id == 0 ? write_some : read_some);
	task_wake(w, &race.tasks[w->id]);
}

static void readers_see_whole_entries_beside_a_writer(void **state)
{
	static const char *const uses[] = { "map", "map_beg", "map_end", "map_dir", "map_sub",
		"map_reg" };
	for (unsigned i = 0; i < ARRAY_SIZE(uses); i++) {
		struct fixture f;
		fx_new(&f);
		fx_load(&f, arena_printf(&f.mem, "expr path,%s(virt@m)", uses[i]));
		race = (struct race){ .list = pattern_ref_find(f.patterns, "virt@m"),
			.group = worker_group_new(READERS + 1, 8) };
		assert_non_null(race.group);
		for (unsigned n = 0; n <= READERS; n++) {
			arena_init(&race.mem[n], 4096);
			race.cx[n] = (struct rule_ctx){ .arena = &race.mem[n] };
		}
		assert_int_equal(worker_group_run(race.group, start_worker), 0);
		assert_int_equal(atomic_load(&race.wrong), 0);
		for (unsigned n = 0; n <= READERS; n++)
			arena_reset(&race.mem[n]);
		worker_group_free(race.group);
		fx_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indexes_find_what_lists_find),
		cmocka_unit_test(prepared_version_is_unseen_until_it_is_committed),
		cmocka_unit_test(references_name_one_entry_of_several),
		cmocka_unit_test(values_must_suit_all_that_use_the_list),
		cmocka_unit_test(lists_have_names_and_numbers),
		cmocka_unit_test(a_file_is_one_list_with_or_without_values),
		cmocka_unit_test(rules_change_lists),
		cmocka_unit_test(readers_see_whole_entries_beside_a_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
