/* SPDX-License-Identifier: MIT */
/*
 * Maps: "map_<match>_<output>(file[,default])" looks a value up in a file of patterns and gives the value beside
 * the one that matches. The file is read once, when the configuration is; its entries may change later,
 * so what is found is copied.
 */
#include "pattern.h"
#include "tables.h"

struct map {
	const struct patterns *patterns;
	struct sample fallback;
	bool has_fallback, key; /* key: the text that matched is the value */
	enum sample_type out;
};

static bool value_of(
    struct arena *arena, struct slice text, enum sample_type out, struct sample *ret)
{
	if (out == SMP_IPV4)
		return rule_ip_parse(text, ret);
	ret_str(ret, text.ptr ? text : SLICE(""));
	if (out == SMP_SINT && !rule_int_parse(text, &(int64_t){ 0 }))
		return false;
	return sample_cast(ret, out, arena);
}

/* out SMP_ANY: the key. */
static int check_map_as(
    const struct arg_place *at, struct args *args, enum match_method method, enum sample_type out)
{
	struct arena *arena = conf_arena(at->conf);
	struct map *map = arena_new(arena, struct map);
	if (!map) {
		conf_error(at->conf, at->line, at->arg, "out of memory");
		return -1;
	}
	map->key = out == SMP_ANY;
	map->out = map->key ? SMP_STR : out;
	map->patterns = patterns_file(
	    at->conf, at->line, at->arg, method, args->v[0].str.ptr, false, true, map->out);
	if (!map->patterns)
		return -1;
	if (args_has(args, 1)) {
		map->has_fallback = true;
		if (!value_of(arena, args->v[1].str, out, &map->fallback)) {
			conf_error(at->conf, at->line, at->arg,
			    "%s: default '%s' is not a valid %s", at->what, args->v[1].str.ptr,
			    sample_type_name(out));
			return -1;
		}
	}
	args->data = map;
	return 0;
}

#define MAP_CHECK(name, match, out)                                                                \
	static int check_##name(const struct arg_place *at, struct args *args)                     \
	{                                                                                          \
		return check_map_as(at, args, match, out);                                         \
	}
#define MAP_CHECKS(name, match)                                                                    \
	MAP_CHECK(name##_str, match, SMP_STR)                                                      \
	MAP_CHECK(name##_int, match, SMP_SINT)                                                     \
	MAP_CHECK(name##_ip, match, SMP_IPV4)                                                      \
	MAP_CHECK(name##_key, match, SMP_ANY)

MAP_CHECKS(str, MATCH_STR)
MAP_CHECKS(beg, MATCH_BEG)
MAP_CHECKS(sub, MATCH_SUB)
MAP_CHECKS(dir, MATCH_DIR)
MAP_CHECKS(dom, MATCH_DOM)
MAP_CHECKS(end, MATCH_END)
MAP_CHECKS(reg, MATCH_REG)
MAP_CHECKS(int, MATCH_INT)
MAP_CHECKS(ip, MATCH_IP)

#define EXPAND_MAX 16384

/* map_regm: \0 .. \9 of the value stand for the groups of the match. */
static bool expand(
    struct rule_ctx *cx, const struct pattern *hit, struct slice text, struct sample *s)
{
	struct regex_span spans[REGEX_GROUPS];
	char out[EXPAND_MAX];
	unsigned n = regex_exec(hit->re, cx, text, 0, spans);
	size_t len =
	    n ? regex_expand(pattern_value(hit), text, spans, n, out, sizeof(out)) : SIZE_MAX;
	return len != SIZE_MAX && ret_str(s, arena_slice(cx->arena, slice_make(out, len)));
}

/* Entries may go when the turn ends, streams go on: texts are copied. */
static bool found(
    struct rule_ctx *cx, const struct map *map, const struct pattern *hit, struct sample *s)
{
	struct slice text = map->key ? pattern_text(hit) : pattern_value(hit);
	if (map->out == SMP_STR) {
		text = arena_slice(cx->arena, text);
		return text.ptr && ret_str(s, text);
	}
	return value_of(cx->arena, text, map->out, s);
}

/* data: map_regm. */
static bool conv_map(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	const struct map *map = args->data;
	if (patterns_method(map->patterns) == MATCH_IP && s->type == SMP_STR) {
		struct sample ip = { .may_change = s->may_change };
		/* A cast that fails ends the chain: the default is for addresses only. */
		if (!rule_ip_parse(s->str, &ip))
			return false;
		*s = ip;
	}
	const struct pattern *hit = patterns_find(map->patterns, cx, s);
	if (hit && data)
		return expand(cx, hit, s->str, s);
	if (hit && found(cx, map, hit, s))
		return true;
	if (!map->has_fallback)
		return false;
	bool open = s->may_change;
	*s = map->fallback;
	s->may_change = open;
	return true;
}

#define MAP_ROW(keyword, input, output, check_fn, regm)                                            \
	{                                                                                          \
		.name = keyword, .in = input, .out = output, .args_min = 1,                        \
		.args = { ARG_STR, ARG_STR }, .eval = conv_map, .data = regm, .check = check_fn,   \
		.usage = "<map_name>[,<default_value>]",                                           \
		.help = "value beside the pattern that matches, in a file"                         \
	}
#define KEY_ROW(keyword, input, check_fn)                                                          \
	{                                                                                          \
		.name = keyword, .in = input, .out = SMP_STR, .args_min = 1, .args = { ARG_STR },  \
		.eval = conv_map, .check = check_fn, .usage = "<map_name>",                        \
		.help = "the pattern of a map file that matches"                                   \
	}
#define MAP_ROWS(match, input)                                                                     \
	MAP_ROW("map_" #match, input, SMP_STR, check_##match##_str, 0),                            \
	    MAP_ROW("map_" #match "_str", input, SMP_STR, check_##match##_str, 0),                 \
	    MAP_ROW("map_" #match "_int", input, SMP_SINT, check_##match##_int, 0),                \
	    MAP_ROW("map_" #match "_ip", input, SMP_IPV4, check_##match##_ip, 0),                  \
	    KEY_ROW("map_" #match "_key", input, check_##match##_key)

const struct conv_row conv_map_rows[] = {
	MAP_ROW("map", SMP_STR, SMP_STR, check_str_str, 0),
	MAP_ROWS(str, SMP_STR),
	MAP_ROWS(beg, SMP_STR),
	MAP_ROWS(sub, SMP_STR),
	MAP_ROWS(dir, SMP_STR),
	MAP_ROWS(dom, SMP_STR),
	MAP_ROWS(end, SMP_STR),
	MAP_ROWS(reg, SMP_STR),
	MAP_ROWS(int, SMP_SINT),
	MAP_ROWS(ip, SMP_ANY),
	MAP_ROW("map_regm", SMP_STR, SMP_STR, check_reg_str, 1),
	{ .name = NULL },
};
