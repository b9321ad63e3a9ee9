/* SPDX-License-Identifier: MIT */
/*
 * ACLs (configuration manual 7.1): parsing of criterion, flags and patterns, the scopes that names live in, the
 * predefined ones (7.4), and evaluation.
 */
#include "acl.h"

struct acl_scope {
	struct arena *arena;
	const struct acl_scope *parent;
	struct acl *acls;
	int (*add_capture)(void *proxy, bool response, unsigned len);
	void *proxy;
	errors_find_fn *find_errors;
	void *errors_user;
	void *(*find_profile)(void *owner, const char *name, struct conf_pos pos);
	void *profile_owner;
};

const struct acl_predefined acl_predefined[] = {
	{ "FALSE", "always_false" },
	{ "HTTP", "req.proto_http" },
	{ "HTTP_1.0", "req.ver 1.0" },
	{ "HTTP_1.1", "req.ver 1.1" },
	{ "HTTP_2.0", "req.ver 2.0" },
	{ "HTTP_3.0", "req.ver 3.0" },
	{ "HTTP_CONTENT", "req.hdr_val(content-length) gt 0" },
	{ "HTTP_URL_ABS", "url_reg ^[^/:]*://" },
	{ "HTTP_URL_SLASH", "url_beg /" },
	{ "HTTP_URL_STAR", "url *" },
	{ "LOCALHOST", "src 127.0.0.1/8 ::1" },
	{ "METH_CONNECT", "method CONNECT" },
	{ "METH_DELETE", "method DELETE" },
	{ "METH_GET", "method GET HEAD" },
	{ "METH_HEAD", "method HEAD" },
	{ "METH_OPTIONS", "method OPTIONS" },
	{ "METH_PATCH", "method PATCH" },
	{ "METH_POST", "method POST" },
	{ "METH_PUT", "method PUT" },
	{ "METH_TRACE", "method TRACE" },
	{ "RDP_COOKIE", "req.rdp_cookie_cnt gt 0" },
	{ "REQ_CONTENT", "req.len gt 0" },
	{ "TRUE", "always_true" },
	{ "WAIT_END", "wait_end" },
	{ NULL, NULL },
};

/* ---- parsing of one test ---- */

struct test_parser {
	struct conf *conf;
	const struct conf_line *line;
	int arg, end;
	struct acl_test *test;
	bool icase;
	int64_t id; /* of -u; -1: none */
	int id_arg;
	bool as_map;	/* -M */
	const char *op; /* integer operator */
};

static bool is_flag(const char *word, const char *flag)
{
	return strcmp(word, flag) == 0;
}

static int parse_match(struct test_parser *p)
{
	if (p->arg + 1 >= p->end) {
		conf_error(p->conf, p->line, p->arg, "'-m' needs a match method");
		return -1;
	}
	const char *name = p->line->argv[++p->arg];
	enum match_method m = match_parse(name);
	if (m == MATCH_N) {
		conf_error(p->conf, p->line, p->arg,
		    "unknown match method '%s'; known are found, bool, int, ip, bin, len, str, "
		    "sub, "
		    "reg, beg, end, dir, dom",
		    name);
		return -1;
	}
	if (p->test->files) {
		conf_error(
		    p->conf, p->line, p->arg, "'-m' must stand in front of patterns and files");
		return -1;
	}
	p->test->method = m;
	p->arg++;
	return 0;
}

static bool method_known(const struct test_parser *p)
{
	if (p->test->method < MATCH_N)
		return true;
	conf_error(p->conf, p->line, p->arg,
	    "the match method must be named with '-m' for a value of type %s",
	    sample_type_name(p->test->expr->out));
	return false;
}

static int parse_file(struct test_parser *p)
{
	if (p->arg + 1 >= p->end) {
		conf_error(p->conf, p->line, p->arg, "'-f' needs a file name");
		return -1;
	}
	if (!method_known(p))
		return -1;
	p->arg++;
	struct acl_file *file = arena_new(conf_arena(p->conf), struct acl_file);
	if (!file) {
		conf_error(p->conf, p->line, p->arg, "out of memory");
		return -1;
	}
	file->patterns = patterns_file(p->conf, p->line, p->arg, p->test->method,
	    p->line->argv[p->arg], p->icase, p->as_map, SMP_ANY);
	file->next = p->test->files;
	p->test->files = file;
	p->arg++;
	return file->patterns ? 0 : -1;
}

/* Flags in front of the patterns. 0, or -1 told. */
static int parse_flags(struct test_parser *p)
{
	while (p->arg < p->end) {
		const char *word = p->line->argv[p->arg];
		if (is_flag(word, "--")) {
			p->arg++;
			return 0;
		}
		if (is_flag(word, "-m")) {
			if (parse_match(p) < 0)
				return -1;
		} else if (is_flag(word, "-f")) {
			if (parse_file(p) < 0)
				return -1;
		} else if (is_flag(word, "-i")) {
			p->icase = true;
			p->arg++;
		} else if (is_flag(word, "-n")) {
			/* Names are never resolved. */
			p->arg++;
		} else if (is_flag(word, "-M")) {
			p->as_map = true;
			p->arg++;
		} else if (is_flag(word, "-u")) {
			p->id_arg = p->arg + 1;
			if (conf_int(p->conf, p->line, p->id_arg, 0, INT32_MAX, &p->id) < 0)
				return -1;
			p->arg += 2;
		} else if (word[0] == '-' && word[1] && !word[2] && !ascii_is_digit(word[1])) {
			conf_error(p->conf, p->line, p->arg,
			    "unknown ACL flag '%s'; '--' ends the flags in front of such a pattern",
			    word);
			return -1;
		} else {
			return 0;
		}
	}
	return 0;
}

static int parse_patterns(struct test_parser *p)
{
	static const char *const ops[] = { "eq", "ge", "gt", "le", "lt", NULL };
	bool ints = p->test->method == MATCH_INT || p->test->method == MATCH_LEN;
	for (; p->arg < p->end; p->arg++) {
		const char *word = p->line->argv[p->arg];
		if (ints && rule_in_names(ops, word)) {
			p->op = word;
			continue;
		}
		if (patterns_add(p->test->patterns, p->conf, p->line, p->arg, word, p->op) < 0)
			return -1;
	}
	return 0;
}

/* found and bool look at no pattern; what is left without one can never be true. */
static void check_patterns(struct test_parser *p)
{
	bool none = p->test->method == MATCH_FOUND || p->test->method == MATCH_BOOL;
	if (!none && !p->test->files && patterns_count(p->test->patterns) == 0)
		conf_warning(p->conf, p->line, p->arg - 1,
		    "the ACL has no pattern to match: it will never be true");
}

/* The list of the line's own words, which the admin socket knows by the criterion's name. */
static int make_patterns(struct test_parser *p, const char *criterion)
{
	char name[64];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(criterion, "(,"), criterion);
	p->test->patterns = patterns_new(p->conf, p->line, p->test->method, p->icase, name);
	if (!p->test->patterns)
		return -1;
	return p->id < 0 ? 0
			 : patterns_set_id(
			       p->test->patterns, p->conf, p->line, p->id_arg, (uint32_t)p->id);
}

struct acl_test *acl_test_parse(struct conf *conf, const struct conf_line *line, int arg, int end)
{
	struct acl_test *test = arena_new(conf_arena(conf), struct acl_test);
	struct test_parser p = { .conf = conf,
		.line = line,
		.arg = arg,
		.end = end,
		.test = test,
		.op = "eq",
		.id = -1 };
	struct slice form = SLICE_NULL;
	if (!test || arg >= end) {
		conf_error(conf, line, arg, "a criterion is expected here");
		return NULL;
	}
	test->expr = expr_compile(conf, line, arg, line->argv[arg], NULL, 0, &form);
	if (!test->expr)
		return NULL;
	test->expr = expr_shared(conf, test->expr);
	test->method = match_default(test->expr->out);
	if (form.ptr)
		test->method = match_parse(form.ptr);
	p.arg++;
	if (parse_flags(&p) < 0 || !method_known(&p) || make_patterns(&p, line->argv[arg]) < 0 ||
	    parse_patterns(&p) < 0)
		return NULL;
	if (!sample_can_cast(test->expr->out, match_input(test->method))) {
		conf_error(conf, line, arg, "a value of type %s cannot be matched by '-m %s'",
		    sample_type_name(test->expr->out), match_name(test->method));
		return NULL;
	}
	check_patterns(&p);
	return test;
}

/* ---- names ---- */

struct acl_scope *acl_scope_new(struct arena *arena, const struct acl_scope *parent)
{
	struct acl_scope *scope = arena_new(arena, struct acl_scope);
	if (!scope)
		return NULL;
	scope->arena = arena;
	scope->parent = parent;
	return scope;
}

void acl_scope_on_capture(
    struct acl_scope *scope, int (*add)(void *proxy, bool response, unsigned len), void *proxy)
{
	scope->add_capture = add;
	scope->proxy = proxy;
}

void acl_scope_on_errors(struct acl_scope *scope, errors_find_fn *find, void *user)
{
	scope->find_errors = find;
	scope->errors_user = user;
}

const void *acl_scope_errors(
    const struct acl_scope *scope, struct conf *conf, const struct conf_line *line, int arg)
{
	if (scope && scope->find_errors)
		return scope->find_errors(scope->errors_user, conf, line, arg);
	conf_error(conf, line, arg, "'errorfiles' may not be used here");
	return NULL;
}

void acl_scope_on_log_profile(struct acl_scope *scope,
    void *(*find)(void *owner, const char *name, struct conf_pos pos), void *owner)
{
	scope->find_profile = find;
	scope->profile_owner = owner;
}

void *acl_scope_log_profile(struct acl_scope *scope, const char *name, struct conf_pos pos)
{
	if (!scope || !scope->find_profile)
		return NULL;
	return scope->find_profile(scope->profile_owner, name, pos);
}

int acl_scope_capture(struct acl_scope *scope, bool response, unsigned len)
{
	return scope && scope->add_capture ? scope->add_capture(scope->proxy, response, len) : -1;
}

void acl_scope_use(struct conf *conf, struct acl_scope *scope)
{
	*conf_slot(conf, CONF_SLOT_ACLS) = scope;
}

struct acl_scope *acl_scope_used(struct conf *conf)
{
	return *conf_slot(conf, CONF_SLOT_ACLS);
}

static struct acl *scope_find(const struct acl_scope *scope, const char *name)
{
	for (struct acl *a = scope ? scope->acls : NULL; a; a = a->next) {
		if (strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}

static struct acl *scope_add(struct acl_scope *scope, const char *name)
{
	struct acl *a = arena_new(scope->arena, struct acl);
	if (!a)
		return NULL;
	a->name = arena_strdup(scope->arena, name);
	a->last = &a->tests;
	a->next = scope->acls;
	scope->acls = a;
	return a->name ? a : NULL;
}

static void acl_append(struct acl *a, struct acl_test *test)
{
	*a->last = test;
	a->last = &test->next;
}

struct acl *acl_anonymous(struct conf *conf, struct acl_test *test)
{
	struct acl *a = arena_new(conf_arena(conf), struct acl);
	if (!a)
		return NULL;
	a->last = &a->tests;
	acl_append(a, test);
	return a;
}

/* Compiles a predefined ACL at its first use; the words stand in the line that uses it, for messages. */
static struct acl *predefine(struct conf *conf, const struct conf_line *line,
    struct acl_scope *scope, const struct acl_predefined *row)
{
	char text[64];
	char *argv[8];
	unsigned cols[8] = { 0 };
	struct conf_line words = { .pos = line->pos, .argv = argv, .cols = cols };
	snprintf(text, sizeof(text), "%s", row->text);
	for (char *at = text; at && words.argc < 7;) {
		argv[words.argc++] = at;
		at = strchr(at, ' ');
		if (at)
			*at++ = '\0';
	}
	argv[words.argc] = text + strlen(row->text);
	struct acl_test *test = acl_test_parse(conf, &words, 0, words.argc);
	if (!test || !scope)
		return test ? acl_anonymous(conf, test) : NULL;
	struct acl *a = scope_add(scope, row->name);
	if (a)
		acl_append(a, test);
	return a;
}

struct acl *acl_find(
    struct conf *conf, const struct conf_line *line, struct acl_scope *scope, const char *name)
{
	for (const struct acl_scope *s = scope; s; s = s->parent) {
		struct acl *a = scope_find(s, name);
		if (a)
			return a;
	}
	for (const struct acl_predefined *row = acl_predefined; row->name; row++) {
		if (strcmp(row->name, name) == 0)
			return predefine(conf, line, scope, row);
	}
	return NULL;
}

static const char *next_acl_name(const void *names, size_t i)
{
	for (const struct acl_scope *s = names; s; s = s->parent) {
		for (const struct acl *a = s->acls; a; a = a->next) {
			if (i-- == 0)
				return a->name;
		}
	}
	size_t n = 0;
	while (acl_predefined[n].name)
		n++;
	return i < n ? acl_predefined[i].name : NULL;
}

const char *acl_nearest(const struct acl_scope *scope, const char *name)
{
	return conf_nearest(name, next_acl_name, scope);
}

static bool name_valid(const char *name)
{
	for (const char *p = name; *p; p++) {
		char c = ascii_lower(*p);
		if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && !strchr("-_.:", c))
			return false;
	}
	return name[0] != '\0';
}

int acl_add(struct conf *conf, const struct conf_line *line, int arg, struct acl_scope *scope)
{
	if (arg + 1 >= line->argc) {
		conf_error(conf, line, arg, "'acl' needs a name and a criterion");
		return -1;
	}
	const char *name = line->argv[arg];
	if (!name_valid(name) || strcmp(name, "or") == 0) {
		conf_error(conf, line, arg,
		    "'%s' is not a valid ACL name: letters, digits and '-_.:' are", name);
		return -1;
	}
	acl_scope_use(conf, scope);
	struct acl_test *test = acl_test_parse(conf, line, arg + 1, line->argc);
	if (!test)
		return -1;
	struct acl *a = scope_find(scope, name);
	if (!a)
		a = scope_add(scope, name);
	if (!a) {
		conf_error(conf, line, arg, "out of memory");
		return -1;
	}
	acl_append(a, test);
	return 0;
}

/* ---- evaluation ---- */

static bool find_pattern(const struct acl_test *t, struct rule_ctx *cx, const struct sample *s)
{
	if (patterns_find(t->patterns, cx, s))
		return true;
	for (const struct acl_file *f = t->files; f; f = f->next) {
		if (patterns_find(f->patterns, cx, s))
			return true;
	}
	return false;
}

static bool test_sample(const struct acl_test *t, struct rule_ctx *cx, struct sample *s)
{
	if (t->method == MATCH_FOUND)
		return true;
	enum sample_type input = match_input(t->method);
	if (t->method == MATCH_IP && s->type != SMP_IPV4 && s->type != SMP_IPV6) {
		struct sample ip = { .may_change = s->may_change };
		if (s->type != SMP_STR || !rule_ip_parse(s->str, &ip))
			return false;
		*s = ip;
	}
	if (!sample_cast(s, input, cx->arena))
		return false;
	if (t->method == MATCH_BOOL)
		return s->boolean;
	return find_pattern(t, cx, s);
}

static __attribute__((noinline)) bool test_copy(
    const struct acl_test *t, struct rule_ctx *cx, struct sample s)
{
	return test_sample(t, cx, &s);
}

static bool test_kept(
    const struct acl_test *t, struct rule_ctx *cx, const struct rule_memo_value *v)
{
	if (v->values == MEMO_NONE)
		return false;
	if (v->s.type == SMP_STR && match_input(t->method) == SMP_STR)
		return find_pattern(t, cx, &v->s);
	return test_copy(t, cx, v->s);
}

/* All values, one after the other. Not inlined: what is kept needs none of its room. */
static __attribute__((noinline)) int test_walk(const struct acl_test *t, struct rule_ctx *cx)
{
	struct fetch_walk walk = { .more = false };
	struct sample s;
	bool open = false;
	do {
		walk.more = false;
		bool got = expr_next(t->expr, cx, &walk, &s);
		/* Casts and converters keep the mark: what was matched may still change. */
		open = open || s.may_change;
		if (got && test_sample(t, cx, &s))
			return 1;
	} while (walk.more);
	return open ? -1 : 0;
}

static inline int test_eval(const struct acl_test *t, struct rule_ctx *cx)
{
	const struct rule_memo_value *v = NULL;
	if (t->expr->memo && cx->memo)
		v = expr_recall(t->expr, cx);
	return v && v->values != MEMO_MANY ? test_kept(t, cx, v) : test_walk(t, cx);
}

int acl_eval(const struct acl *a, struct rule_ctx *cx)
{
	int best = 0;
	for (const struct acl_test *t = a->tests; t; t = t->next) {
		int r = test_eval(t, cx);
		if (r > 0)
			return 1;
		if (r < 0)
			best = -1;
	}
	return best;
}
