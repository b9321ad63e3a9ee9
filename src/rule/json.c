/* SPDX-License-Identifier: MIT */
/*
 * A scanner that follows one path through a JSON text, without building a tree. It counts nested brackets instead
 * of recursing, so depth costs nothing; a bracket that closes another kind is not noticed.
 */
#include "json.h"

#include "text.h"

/* Where the scanner stands. */
struct scan {
	struct slice s;
	size_t at;
};

static char peek(struct scan *sc)
{
	while (sc->at < sc->s.len && sc->s.ptr[sc->at] && strchr(" \t\r\n", sc->s.ptr[sc->at]))
		sc->at++;
	return sc->at < sc->s.len ? sc->s.ptr[sc->at] : '\0';
}

static bool take(struct scan *sc, char c)
{
	if (peek(sc) != c)
		return false;
	sc->at++;
	return true;
}

/* At the opening quote; ret: between the quotes. */
static bool take_string(struct scan *sc, struct slice *ret)
{
	if (!take(sc, '"'))
		return false;
	size_t start = sc->at;
	for (; sc->at < sc->s.len; sc->at++) {
		char c = sc->s.ptr[sc->at];
		if (c == '\\') {
			sc->at++;
		} else if (c == '"') {
			*ret = slice_sub(sc->s, start, sc->at++ - start);
			return true;
		} else if ((unsigned char)c < 0x20) {
			return false;
		}
	}
	return false;
}

/* Up to the bracket that closes the one at which it stands. */
static bool take_nested(struct scan *sc)
{
	struct slice ignored;
	size_t depth = 0;
	while (peek(sc)) {
		char c = sc->s.ptr[sc->at];
		if (c == '"') {
			if (!take_string(sc, &ignored))
				return false;
			continue;
		}
		sc->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return true;
	}
	return false;
}

static bool take_word(struct scan *sc, struct json_value *ret)
{
	static const struct {
		struct slice word;
		enum json_kind kind;
	} words[] = {
		{ { "true", 4 }, JSON_TRUE },
		{ { "false", 5 }, JSON_FALSE },
		{ { "null", 4 }, JSON_NULL },
	};
	size_t start = sc->at;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!slice_has_prefix(slice_sub(sc->s, start, SIZE_MAX), words[i].word))
			continue;
		sc->at += words[i].word.len;
		ret->kind = words[i].kind;
		ret->text = slice_sub(sc->s, start, words[i].word.len);
		return true;
	}
	return false;
}

static bool take_number(struct scan *sc, struct json_value *ret)
{
	size_t start = sc->at;
	bool digits = false;
	for (; sc->at < sc->s.len; sc->at++) {
		char c = sc->s.ptr[sc->at];
		if (ascii_is_digit(c))
			digits = true;
		else if (!c || !strchr("+-.eE", c))
			break;
	}
	ret->kind = JSON_NUMBER;
	ret->text = slice_sub(sc->s, start, sc->at - start);
	return digits;
}

/* The value at which it stands, whole; moves behind it. */
static bool take_value(struct scan *sc, struct json_value *ret)
{
	char c = peek(sc);
	size_t start = sc->at;
	if (c == '"') {
		ret->kind = JSON_STRING;
		return take_string(sc, &ret->text);
	}
	if (c == '{' || c == '[') {
		ret->kind = c == '{' ? JSON_OBJECT : JSON_ARRAY;
		if (!take_nested(sc))
			return false;
		ret->text = slice_sub(sc->s, start, sc->at - start);
		return true;
	}
	if (c == '-' || ascii_is_digit(c))
		return take_number(sc, ret);
	return take_word(sc, ret);
}

/* ---- paths ---- */

struct step {
	bool indexed;
	uint64_t index;
	struct slice name; /* with backslashes */
};

/* Takes one step off the path; false: it ends, or is wrong (*path is not empty then). */
static bool next_step(struct slice *path, struct step *ret)
{
	struct slice p = *path;
	*ret = (struct step){ .indexed = false };
	if (p.len && p.ptr[0] == '.') {
		size_t end = 1;
		while (end < p.len && p.ptr[end] != '.' && p.ptr[end] != '[')
			end += p.ptr[end] == '\\' ? 2 : 1;
		end = MIN(end, p.len);
		ret->name = slice_sub(p, 1, end - 1);
		*path = slice_sub(p, end, p.len);
		return true;
	}
	size_t close = slice_find(p, ']');
	if (p.len < 3 || p.ptr[0] != '[' || close == p.len)
		return false;
	struct slice in = slice_sub(p, 1, close - 1);
	if (in.len >= 2 && (in.ptr[0] == '\'' || in.ptr[0] == '"') &&
	    in.ptr[in.len - 1] == in.ptr[0]) {
		ret->name = slice_sub(in, 1, in.len - 2);
	} else {
		ret->indexed = true;
		if (slice_to_u64(in, UINT32_MAX, &ret->index) != 0)
			return false;
	}
	*path = slice_sub(p, close + 1, p.len);
	return true;
}

bool rule_json_path_valid(struct slice path)
{
	struct step step;
	if (path.len == 0 || path.ptr[0] != '$')
		return false;
	path = slice_sub(path, 1, path.len);
	while (next_step(&path, &step))
		;
	return path.len == 0;
}

/* A name of the path against a key of the text: backslashes of the path take a meaning away. */
static bool name_is(struct slice name, struct slice key)
{
	size_t n = 0;
	for (size_t i = 0; i < name.len; i++, n++) {
		if (name.ptr[i] == '\\' && i + 1 < name.len)
			i++;
		if (n >= key.len || key.ptr[n] != name.ptr[i])
			return false;
	}
	return n == key.len;
}

/* To the value of that name, from the brace on. */
static bool enter_object(struct scan *sc, struct slice name)
{
	struct json_value skipped;
	struct slice key;
	if (!take(sc, '{'))
		return false;
	do {
		if (!take_string(sc, &key) || !take(sc, ':'))
			return false;
		if (name_is(name, key))
			return true;
	} while (take_value(sc, &skipped) && take(sc, ','));
	return false;
}

static bool enter_array(struct scan *sc, uint64_t index)
{
	struct json_value skipped;
	if (!take(sc, '['))
		return false;
	while (index--) {
		if (!take_value(sc, &skipped) || !take(sc, ','))
			return false;
	}
	return peek(sc) != ']';
}

bool rule_json_find(struct slice text, struct slice path, struct json_value *ret)
{
	struct scan sc = { .s = text };
	struct step step;
	path = slice_sub(path, 1, path.len);
	while (next_step(&path, &step)) {
		if (!(step.indexed ? enter_array(&sc, step.index) : enter_object(&sc, step.name)))
			return false;
	}
	return take_value(&sc, ret);
}

/* ---- strings ---- */

static bool hex4(struct slice s, size_t at, unsigned *ret)
{
	*ret = 0;
	for (size_t i = at; i < at + 4; i++) {
		int digit = i < s.len ? rule_hex_digit(s.ptr[i]) : -1;
		if (digit < 0)
			return false;
		*ret = *ret << 4 | (unsigned)digit;
	}
	return true;
}

static size_t put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char heads[] = { 0, 0xc0, 0xe0, 0xf0 };
	out[0] = (char)(heads[more] | c >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
	return more + 1;
}

/* "\uXXXX" at at (the 'u'), or two of them for one character. Returns how many bytes it took, 0: wrong. */
static size_t take_unicode(struct slice s, size_t at, unsigned *ret)
{
	unsigned low;
	if (!hex4(s, at + 1, ret) || (*ret >= 0xdc00 && *ret < 0xe000))
		return 0;
	if (*ret < 0xd800 || *ret >= 0xe000)
		return 5;
	if (at + 7 >= s.len || s.ptr[at + 5] != '\\' || s.ptr[at + 6] != 'u' ||
	    !hex4(s, at + 7, &low) || low < 0xdc00 || low >= 0xe000)
		return 0;
	*ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
	return 11;
}

struct slice rule_json_unescape(struct arena *arena, struct slice text)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (slice_find(text, '\\') == text.len)
		return text.len ? text : SLICE("");
	char *out = arena_bytes(arena, text.len);
	size_t n = 0;
	if (!out)
		return SLICE_NULL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\\') {
			out[n++] = text.ptr[i];
			continue;
		}
		char c = ++i < text.len ? text.ptr[i] : '\0';
		const char *known = c ? strchr(from, c) : NULL;
		unsigned code;
		size_t took = c == 'u' ? take_unicode(text, i, &code) : 0;
		if (known)
			out[n++] = to[known - from];
		else if (took)
			n += put_utf8(out + n, code);
		else
			return SLICE_NULL;
		i += took ? took - 1 : 0;
	}
	return slice_make(out, n);
}

struct slice rule_json_string(struct arena *arena, struct slice object, const char *path)
{
	struct json_value v;
	if (!rule_json_find(object, slice_str(path), &v) || v.kind != JSON_STRING)
		return SLICE_NULL;
	return rule_json_unescape(arena, v.text);
}
