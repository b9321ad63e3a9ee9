/* SPDX-License-Identifier: MIT */
/*
 * The regex library behind one small face. Matching is bounded (match limit), because the text comes from a
 * peer: a match that exceeds the bound is no match.
 */
#include "regex.h"

#include "rule_int.h"

#ifdef USE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT 200000

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
};

static void *from_arena(size_t size, void *arena)
{
	return arena_alloc(arena, size);
}

/* The arena frees everything at its end. */
static void to_arena(void *ptr, void *arena)
{
}

struct regex *regex_new(struct slice text, bool icase, char *why, size_t why_size)
{
	struct regex *re = calloc(1, sizeof(*re));
	int err = 0;
	PCRE2_SIZE at = 0;
	if (!re)
		goto no_memory;
	re->code = pcre2_compile((PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len,
	    icase ? PCRE2_CASELESS : 0, &err, &at, NULL);
	if (!re->code) {
		PCRE2_UCHAR reason[128];
		pcre2_get_error_message(err, reason, sizeof(reason));
		snprintf(why, why_size, "regex '%.*s' is not valid at offset %zu: %s",
		    (int)MIN(text.len, 100), text.ptr, (size_t)at, (const char *)reason);
		free(re);
		return NULL;
	}
	re->limits = pcre2_match_context_create(NULL);
	if (!re->limits)
		goto no_memory;
	pcre2_set_match_limit(re->limits, MATCH_LIMIT);
	/* Without JIT (no executable memory) the interpreter serves. */
	(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	return re;
no_memory:
	regex_free(re);
	snprintf(why, why_size, "out of memory");
	return NULL;
}

void regex_free(struct regex *re)
{
	if (!re)
		return;
	pcre2_match_context_free(re->limits);
	pcre2_code_free(re->code);
	free(re);
}

unsigned regex_exec(const struct regex *re, struct rule_ctx *cx, struct slice text, size_t from,
    struct regex_span spans[REGEX_GROUPS])
{
	if (unlikely(!cx->regex_scratch)) {
		pcre2_general_context *memory =
		    pcre2_general_context_create(from_arena, to_arena, cx->arena);
		cx->regex_scratch = memory ? pcre2_match_data_create(REGEX_GROUPS, memory) : NULL;
		if (!cx->regex_scratch)
			return 0;
	}
	int n = pcre2_match(re->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from,
	    from ? PCRE2_NOTBOL : 0, cx->regex_scratch, re->limits);
	if (n < 0)
		return 0;
	if (n == 0)
		n = REGEX_GROUPS; /* there were more groups than room */
	if (spans) {
		const PCRE2_SIZE *at = pcre2_get_ovector_pointer(cx->regex_scratch);
		for (int i = 0; i < n; i++)
			spans[i] = (struct regex_span){ at[2 * i], at[2 * i + 1] };
	}
	return (unsigned)n;
}

#else /* POSIX */
#include <regex.h>

struct regex {
	regex_t code;
};

struct regex *regex_new(struct slice text, bool icase, char *why, size_t why_size)
{
	struct regex *re = calloc(1, sizeof(*re));
	char *copy = slice_dup(text);
	int err = REG_ESPACE;
	if (re && copy)
		err = regcomp(&re->code, copy, REG_EXTENDED | (icase ? REG_ICASE : 0));
	free(copy);
	if (err == 0)
		return re;
	char reason[128] = "out of memory";
	if (re)
		regerror(err, &re->code, reason, sizeof(reason));
	snprintf(why, why_size, "regex '%.*s' is not valid: %s", (int)MIN(text.len, 100), text.ptr,
	    reason);
	free(re);
	return NULL;
}

void regex_free(struct regex *re)
{
	if (!re)
		return;
	regfree(&re->code);
	free(re);
}

unsigned regex_exec(const struct regex *re, struct rule_ctx *cx, struct slice text, size_t from,
    struct regex_span spans[REGEX_GROUPS])
{
	regmatch_t m[REGEX_GROUPS];
	m[0] = (regmatch_t){ .rm_so = (regoff_t)from, .rm_eo = (regoff_t)text.len };
	if (regexec(&re->code, text.ptr ? text.ptr : "", REGEX_GROUPS, m,
		REG_STARTEND | (from ? REG_NOTBOL : 0)) != 0)
		return 0;
	unsigned n = 0;
	for (unsigned i = 0; i < REGEX_GROUPS; i++) {
		bool set = m[i].rm_so >= 0;
		if (spans)
			spans[i] = (struct regex_span){ set ? (size_t)m[i].rm_so : SIZE_MAX,
				set ? (size_t)m[i].rm_eo : SIZE_MAX };
		if (set)
			n = i + 1;
	}
	return n;
}
#endif

static void deferred_free(void *re)
{
	regex_free(re);
}

struct regex *regex_compile(
    struct conf *conf, const struct conf_line *line, int arg, const char *text, bool icase)
{
	char why[256];
	struct regex *re = regex_new(slice_str(text), icase, why, sizeof(why));
	if (!re) {
		conf_error(conf, line, arg, "%s", why);
		return NULL;
	}
	if (arena_defer(conf_arena(conf), deferred_free, re) < 0) {
		regex_free(re);
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	return re;
}

bool regex_match(const struct regex *re, struct rule_ctx *cx, struct slice text)
{
	return regex_exec(re, cx, text, 0, NULL) > 0;
}

/* What "\..." at r stands for: a group, a byte, or nothing special. Returns the bytes taken from r. */
static size_t escape_at(struct slice r, struct slice text, const struct regex_span *spans,
    unsigned spans_n, char *byte, struct slice *ret)
{
	*ret = slice_make(byte, 1);
	if (ascii_is_digit(r.ptr[1])) {
		unsigned group = (unsigned)(r.ptr[1] - '0');
		*ret = SLICE_NULL;
		if (group < spans_n && spans[group].from != SIZE_MAX)
			*ret =
			    slice_sub(text, spans[group].from, spans[group].to - spans[group].from);
		return 2;
	}
	if (r.ptr[1] == 'x' && r.len >= 4 && rule_hex_digit(r.ptr[2]) >= 0 &&
	    rule_hex_digit(r.ptr[3]) >= 0) {
		*byte = (char)(rule_hex_digit(r.ptr[2]) << 4 | rule_hex_digit(r.ptr[3]));
		return 4;
	}
	*byte = r.ptr[1];
	return 2;
}

size_t regex_expand(struct slice r, struct slice text, const struct regex_span *spans,
    unsigned spans_n, char *out, size_t cap)
{
	size_t len = 0;
	while (r.len) {
		char byte = r.ptr[0];
		struct slice piece = slice_make(&byte, 1);
		size_t took = 1;
		if (r.ptr[0] == '\\' && r.len > 1)
			took = escape_at(r, text, spans, spans_n, &byte, &piece);
		if (piece.len > cap - len)
			return SIZE_MAX;
		if (piece.len)
			memcpy(out + len, piece.ptr, piece.len);
		len += piece.len;
		r = slice_sub(r, took, r.len);
	}
	return len;
}
