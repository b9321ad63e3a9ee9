/* SPDX-License-Identifier: MIT */
/*
 * JSON: escaping texts and asking for values.
 */
#include "conv_json.h"

#include <errno.h>

#include "json.h"
#include "tables.h"

/* ---- json_query ---- */

int conv_json_check(const struct arg_place *at, struct args *args)
{
	if (args_has(args, 0) && !rule_json_path_valid(args->v[0].str)) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: '%s' is not a JSON path: '$', then '.name' or '[number]'", at->what,
		    args->v[0].str.ptr);
		return -1;
	}
	if (!args_has(args, 1) || strcmp(args->v[1].str.ptr, "int") == 0)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: unknown output type '%s'; 'int' is known",
	    at->what, args->v[1].str.ptr);
	return -1;
}

/* Whole numbers within what a double holds exactly are integers, others a text of six digits. */
static bool ret_number(struct rule_ctx *cx, struct sample *s, struct slice text, bool as_int)
{
	const double exact = 9007199254740992.0;
	char copy[64], shown[64];
	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (as_int) {
		errno = 0;
		long long value = strtoll(copy, NULL, 10);
		return errno == 0 && ret_int(s, value);
	}
	double value = strtod(copy, NULL);
	if (value >= -exact && value <= exact && value == (double)(int64_t)value)
		return ret_int(s, (int64_t)value);
	int len = snprintf(shown, sizeof(shown), "%g", value);
	return ret_str(s, arena_slice(cx->arena, slice_make(shown, (size_t)len)));
}

bool conv_json_query(struct rule_ctx *cx, const struct args *args, struct sample *s)
{
	struct json_value v;
	if (!rule_json_find(s->str, args->v[0].str, &v))
		return false;
	switch (v.kind) {
	case JSON_STRING:
		return ret_str(s, rule_json_unescape(cx->arena, v.text));
	case JSON_NUMBER:
		return ret_number(cx, s, v.text, args_has(args, 1));
	case JSON_TRUE:
	case JSON_FALSE:
		return ret_bool(s, v.kind == JSON_TRUE);
	case JSON_ARRAY:
		return ret_str(s, v.text);
	default:
		return false;
	}
}

enum sample_type conv_json_out(const struct args *args)
{
	return SMP_ANY;
}

static bool conv_query(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	return conv_json_query(cx, args, s);
}

/* ---- json ---- */

#define UTF8	   1u
#define PERMISSIVE 2u /* overlong forms are taken */
#define SILENT	   4u /* what is wrong is left out */

static int check_json(const struct arg_place *at, struct args *args)
{
	static const struct {
		const char *name;
		unsigned mode;
	} codes[] = {
		{ "ascii", 0 },
		{ "utf8", UTF8 },
		{ "utf8s", UTF8 | SILENT },
		{ "utf8p", UTF8 | PERMISSIVE },
		{ "utf8ps", UTF8 | PERMISSIVE | SILENT },
	};
	if (!args_has(args, 0))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (strcmp(args->v[0].str.ptr, codes[i].name) == 0) {
			args->v[0].num = codes[i].mode;
			return 0;
		}
	}
	conf_error(at->conf, at->line, at->arg,
	    "%s: unknown input code '%s'; ascii, utf8, utf8s, utf8p, utf8ps are known", at->what,
	    args->v[0].str.ptr);
	return -1;
}

/* One character of the old UTF-8 with up to six bytes. Returns its bytes; *wrong: bad or overlong. */
static size_t take_utf8(struct slice s, size_t at, uint32_t *ret, bool *bad, bool *overlong)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000 };
	unsigned char c = (unsigned char)s.ptr[at];
	*bad = *overlong = false;
	*ret = c;
	if (c < 0x80)
		return 1;
	size_t len = 0;
	while (len < 7 && (c & 0x80 >> len))
		len++;
	if (len < 2 || len > 6) {
		*bad = true;
		return 1;
	}
	*ret = c & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		unsigned char next = at + i < s.len ? (unsigned char)s.ptr[at + i] : 0;
		if ((next & 0xc0) != 0x80) {
			*bad = true;
			return i;
		}
		*ret = *ret << 6 | (next & 0x3f);
	}
	*overlong = *ret < least[len];
	*bad = (*ret >= 0xd800 && *ret < 0xe000) || *ret == 0xfffe || *ret == 0xffff;
	return len;
}

static size_t put_escaped(char *out, uint32_t c)
{
	static const char from[] = "\"\\/\b\f\n\r\t", to[] = "\"\\/bfnrt";
	static const char digits[] = "0123456789abcdef";
	const char *known = c && c < 0x80 ? strchr(from, (char)c) : NULL;
	if (known) {
		out[0] = '\\';
		out[1] = to[known - from];
		return 2;
	}
	if (c >= 0x20 && c < 0x7f) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'u';
	for (size_t i = 0; i < 4; i++)
		out[2 + i] = digits[c >> (12 - 4 * i) & 15];
	return 6;
}

static bool conv_json(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	unsigned mode = args_has(args, 0) ? (unsigned)args->v[0].num : 0;
	struct slice in = s->str;
	char *out = arena_bytes(cx->arena, in.len * 6 + 1);
	size_t n = 0;
	if (!out)
		return false;
	for (size_t i = 0; i < in.len;) {
		uint32_t c = (unsigned char)in.ptr[i];
		bool bad = false, overlong = false;
		i += mode & UTF8 ? take_utf8(in, i, &c, &bad, &overlong) : 1;
		if (bad || c > 0xffff || (overlong && !(mode & PERMISSIVE))) {
			if (!(mode & SILENT))
				return false;
			continue;
		}
		n += put_escaped(out + n, c);
	}
	return ret_str(s, slice_make(out, n));
}

const struct conv_row conv_json_rows[] = {
	{ .name = "json",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args = { ARG_STR },
	    .eval = conv_json,
	    .check = check_json,
	    .usage = "[<input-code>]",
	    .help = "escaped for a JSON string; input ascii, utf8, utf8s, utf8p, utf8ps" },
	{ .name = "json_query",
	    .in = SMP_STR,
	    .out = SMP_ANY,
	    .args_min = 1,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_query,
	    .check = conv_json_check,
	    .out_of = conv_json_out,
	    .usage = "<json_path>[,<output_type>]",
	    .help = "value at a path like $.a.b[2]; int: numbers as integers" },
	{ .name = NULL },
};
