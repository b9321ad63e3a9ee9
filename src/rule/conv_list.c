/* SPDX-License-Identifier: MIT */
/*
 * Converters of lists in texts: languages with their preference, labels of host names.
 */
#include "tables.h"

/* ---- language ---- */

/* The name in the list "en;fr;de-at" that equals it; .ptr NULL: none. */
static struct slice listed(struct slice list, struct slice name)
{
	while (list.ptr) {
		struct slice one = slice_cut(&list, ';');
		if (slice_eq(one, name))
			return one;
	}
	return SLICE_NULL;
}

/* Weight in thousandths of the parameters behind a language (RFC 9110 12.4.2); -1: not a weight. */
static int weight(struct slice params)
{
	int value = 0, unit = 1000;
	params = slice_trim_ows(params);
	if (params.len < 3 || ascii_lower(params.ptr[0]) != 'q' || params.ptr[1] != '=')
		return params.len ? -1 : 1000;
	params = slice_sub(params, 2, params.len);
	for (size_t i = 0; i < params.len && unit; i++) {
		if (i == 1 && params.ptr[i] == '.')
			continue;
		if (!ascii_is_digit(params.ptr[i]))
			return -1;
		value += (params.ptr[i] - '0') * unit;
		unit /= 10;
	}
	return MIN(value, 1000);
}

/* The best weighted of the languages that the list knows, by its variant or by its base; the first of equals. */
static bool conv_language(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice rest = s->str, best = SLICE_NULL;
	int best_weight = 0;
	while (rest.ptr) {
		struct slice params = slice_cut(&rest, ',');
		struct slice name = slice_trim_ows(slice_cut(&params, ';'));
		int w = params.ptr ? weight(params) : 1000;
		if (w <= best_weight || !name.len)
			continue;
		struct slice hit = listed(args->v[0].str, name);
		if (!hit.ptr)
			hit = listed(args->v[0].str, slice_sub(name, 0, slice_find(name, '-')));
		if (!hit.ptr)
			continue;
		best = hit;
		best_weight = w;
	}
	if (!best.ptr && args_has(args, 1))
		best = args->v[1].str;
	return ret_str(s, best);
}

/* ---- reverse_dom ---- */

static bool conv_reverse_dom(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice in = s->str;
	if (in.len && in.ptr[in.len - 1] == '.')
		in.len--;
	char *out = arena_bytes(cx->arena, in.len + 1), *end = out + in.len;
	if (!out)
		return false;
	struct slice rest = in;
	while (rest.ptr) {
		struct slice label = slice_cut(&rest, '.');
		if (!label.len)
			return false;
		end -= label.len;
		memcpy(end, label.ptr, label.len);
		if (rest.ptr)
			*--end = '.';
	}
	return ret_str(s, slice_make(out, in.len));
}

const struct conv_row conv_list_rows[] = {
	{ .name = "language",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_language,
	    .usage = "<value>[,<default>]",
	    .help =
		"of these languages (\"en;fr\") the one that an Accept-Language field prefers" },
	{ .name = "reverse_dom",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .eval = conv_reverse_dom,
	    .help = "labels of a host name from last to first" },
	{ .name = NULL },
};
