/* SPDX-License-Identifier: MIT */
/*
 * Sets of patterns for ACLs and maps: filled while the configuration is read, sealed, then only searched.
 * Exact strings, prefixes and suffixes are hashed by their lengths, addresses by their prefix lengths, so that
 * a set of a million costs what one of ten costs; the other methods look at one pattern after the other.
 */
#ifndef WEIR_RULE_PATTERN_H
#define WEIR_RULE_PATTERN_H

#include "regex.h"
#include "weir/rule/rule.h"

enum match_method {
	MATCH_FOUND,
	MATCH_BOOL,
	MATCH_INT,
	MATCH_IP,
	MATCH_BIN,
	MATCH_LEN,
	MATCH_STR,
	MATCH_SUB,
	MATCH_REG,
	MATCH_BEG,
	MATCH_END,
	MATCH_DIR,
	MATCH_DOM,
	MATCH_METHOD, /* of the fetch "method": no -m name */
	MATCH_N,
};

struct pattern {
	struct pattern *next; /* in the order of the configuration */
	bool icase;
	struct slice text;  /* STR ... DOM, BIN (decoded), METHOD */
	struct slice value; /* of a map */
	union {
		struct {
			int64_t low, high;
		} range;
		struct {
			bool v4;
			uint8_t bits;
			uint8_t bytes[16]; /* masked */
		} ip;
		const struct regex *re;
		uint8_t method;
	};
};

struct patterns;

/* Name of a -m argument; MATCH_N when unknown. */
enum match_method match_parse(const char *name);
const char *match_name(enum match_method m);
/* The method of a value of this type when none is named; MATCH_N: there is none. */
enum match_method match_default(enum sample_type type);
/* What a sample is cast to before it is matched; SMP_ANY: as it is. */
enum sample_type match_input(enum match_method m);

struct patterns *patterns_new(struct arena *arena, enum match_method method);
enum match_method patterns_method(const struct patterns *p);
size_t patterns_count(const struct patterns *p);
/*
 * Adds one. text must stay; op is '=' or one of the integer operators (see acl.c). Returns the entry, whose value
 * the caller may set, or NULL after conf_error().
 */
struct pattern *patterns_add(struct patterns *p, struct conf *conf, const struct conf_line *line,
    int arg, const char *text, bool icase, const char *op);
/*
 * The patterns of a file, or patterns and values, sealed. One set a file, method and case for all that name it.
 * NULL after conf_error().
 */
const struct patterns *patterns_file(struct conf *conf, const struct conf_line *line, int arg,
    enum match_method method, const char *path, bool icase, bool with_values);
/* Builds the indexes; nothing may be added afterwards. 0 or -1, told. */
int patterns_seal(struct patterns *p, struct conf *conf, const struct conf_line *line, int arg);
/* The entry that matches (the longest one for prefixes and networks), or NULL. s was cast to match_input(). */
const struct pattern *patterns_find(
    const struct patterns *p, struct rule_ctx *cx, const struct sample *s);

#endif
