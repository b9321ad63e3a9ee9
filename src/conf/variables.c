/* SPDX-License-Identifier: MIT */
/*
 * Variables inside weak quotes: "$V", "${V}", "${V-default}", "${V[*]}" and the pseudo-variables that begin
 * with a dot. A default is taken as it stands, up to the first closing brace.
 */
#include "internal.h"

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads the name at pos; an empty slice is an error that was told. */
static struct slice lex_name(struct lexer *lx)
{
	static const char *const pseudo[] = { ".FILE", ".LINE", ".SECTION" };
	const char *from = lx->pos;
	const char *p = from;
	if (p < lx->end && *p == '.')
		p++;
	if (p < lx->end && is_name_start(*p)) {
		while (p < lx->end && (is_name_start(*p) || ascii_is_digit(*p)))
			p++;
		struct slice name = slice_make(from, (size_t)(p - from));
		bool known = *from != '.';
		for (size_t i = 0; i < ARRAY_SIZE(pseudo) && !known; i++)
			known = slice_eq(name, slice_str(pseudo[i]));
		if (known) {
			lx->pos = p;
			return name;
		}
	}
	lex_fail(lx, LEX_NAME, from);
	return SLICE_NULL;
}

/* Adds a value as words of their own; its first and last one join what stands beside the reference. */
static void add_split(struct lexer *lx, const char *at, const char *value)
{
	lx->split = true;
	while (*value && !lx->error) {
		size_t len = 0;
		while (value[len] && !is_space(value[len]))
			len++;
		lex_word_begin(lx, at);
		lex_add(lx, value, len);
		value += len;
		if (!*value)
			break;
		while (is_space(*value))
			value++;
		lx->split = true;
		lex_word_end(lx);
		lex_word_begin(lx, at);
		lx->split = true;
	}
}

/* pos is behind the name: "[*]", "-default" and "}". False when the error is set. */
static bool lex_braced_rest(struct lexer *lx, const char *brace, bool *ret_split, struct slice *def)
{
	if (lx->pos < lx->end && *lx->pos == '[') {
		if (lx->end - lx->pos < 3 || memcmp(lx->pos, "[*]", 3) != 0) {
			lex_fail(lx, LEX_EXPANSION, lx->pos);
			return false;
		}
		*ret_split = true;
		lx->pos += 3;
	}
	if (lx->pos < lx->end && *lx->pos == '-') {
		const char *from = ++lx->pos;
		while (lx->pos < lx->end && *lx->pos != '}' && *lx->pos != '\n' && *lx->pos)
			lx->pos++;
		*def = slice_make(from, (size_t)(lx->pos - from));
	}
	if (lx->pos == lx->end || *lx->pos != '}') {
		lex_fail(lx, LEX_BRACE, brace);
		return false;
	}
	lx->pos++;
	return true;
}

void lex_variable(struct lexer *lx)
{
	const char *at = lx->pos++;
	const char *brace = lx->pos;
	bool braced = lx->pos < lx->end && *lx->pos == '{';
	bool split = false;
	struct slice def = SLICE_NULL;

	if (braced)
		lx->pos++;
	struct slice name = lex_name(lx);
	if (lx->error || (braced && !lex_braced_rest(lx, brace, &split, &def)))
		return;
	const char *value = lx->var(lx->var_ctx, name);
	if (!split) {
		struct slice text = value ? slice_str(value) : def;
		lex_add(lx, text.ptr, text.len);
		return;
	}
	char *copy = value ? NULL : slice_dup(def);
	if (!value && !copy)
		lex_fail(lx, LEX_MEMORY, at);
	else
		add_split(lx, at, value ? value : copy);
	free(copy);
}
