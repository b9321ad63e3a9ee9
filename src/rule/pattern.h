/* SPDX-License-Identifier: MIT */
/*
 * Patterns of ACLs and maps. A list of patterns (struct pattern_ref, weir/rule/patterns.h) is a file or the words
 * of one line; a struct patterns is that list seen through one match method. Filled while the configuration is
 * read, searched by all workers without a lock, changed at any time by the admin socket and by rules.
 */
#ifndef WEIR_RULE_PATTERN_H
#define WEIR_RULE_PATTERN_H

#include "regex.h"
#include "weir/rule/patterns.h"
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

struct pattern_entry;

/* One entry as one method sees it. */
struct pattern {
	struct pattern *same; /* others with the same key, for writers */
	struct pattern_entry *entry;
	struct slice key; /* what is hashed or compared */
	/* From here on only as much as the method needs. */
	union {
		struct {
			int64_t low, high;
		} range;
		struct pattern_ip {
			uint8_t v4;
			uint8_t bits;	   /* PATTERN_IP_HOLES: mask4 is no network */
			uint8_t bytes[16]; /* masked */
			uint8_t mask4[4];
		} ip;
		struct regex *re;
		uint8_t method;
	};
};

#define PATTERN_IP_HOLES 255

struct patterns;

/* Name of a -m argument; MATCH_N when unknown. */
enum match_method match_parse(const char *name);
const char *match_name(enum match_method m);
/* The method of a value of this type when none is named; MATCH_N: there is none. */
enum match_method match_default(enum sample_type type);
/* What a sample is cast to before it is matched; SMP_ANY: as it is. */
enum sample_type match_input(enum match_method m);

/* ---- while the configuration is read ---- */

/* What the words of one line say; it is listed as the ACL `what` of that line, or (NULL) not at all. */
struct patterns *patterns_new(struct conf *conf, const struct conf_line *line,
    enum match_method method, bool icase, const char *what);
/* Forces the number that it is listed by. 0, or -1 told. */
int patterns_set_id(
    struct patterns *p, struct conf *conf, const struct conf_line *line, int arg, uint32_t id);
/* op is '=' or one of the integer operators (see acl.c). 0, or -1 told. */
int patterns_add(struct patterns *p, struct conf *conf, const struct conf_line *line, int arg,
    const char *text, const char *op);
/*
 * The patterns of a file; values: also the texts beside them, which must be of type out (SMP_ANY: nobody asks
 * for them). Read once however many lines name it. NULL after conf_error().
 */
struct patterns *patterns_file(struct conf *conf, const struct conf_line *line, int arg,
    enum match_method method, const char *path, bool icase, bool values, enum sample_type out);
/* The list of that name, which some other line may load later. NULL after conf_error(). */
struct pattern_ref *patterns_named(
    struct conf *conf, const struct conf_line *line, int arg, struct slice name);

enum match_method patterns_method(const struct patterns *p);
size_t patterns_count(const struct patterns *p);

/* ---- at any time, any worker ---- */

/*
 * The entry that matches: the finest one for beg and ip, else the first in order; or NULL. s was cast to
 * match_input(). What is returned stays until the worker's turn ends.
 */
const struct pattern *patterns_find(
    const struct patterns *p, struct rule_ctx *cx, const struct sample *s);
/* The value beside it; .ptr NULL: none. Stays until the worker's turn ends. */
struct slice pattern_value(const struct pattern *p);
struct slice pattern_text(const struct pattern *p);

#endif
