/* SPDX-License-Identifier: MIT */
/*
 * Log formats between their parser and writer (logfmt.c) and the table of aliases (logfmt_alias.c).
 */
#ifndef WEIR_RULE_LOGFMT_H
#define WEIR_RULE_LOGFMT_H

#include "rule_int.h"

#define OPT_QUOTE     0x1u /* +Q */
#define OPT_HEX	      0x2u /* +X */
#define OPT_ESCAPE    0x4u /* +E */
#define OPT_MANDATORY 0x8u /* an empty value is logged as "-" */

/* Where a line is written; once it is full everything more is dropped. */
struct logfmt_out {
	char *at, *end;
	bool blank; /* the last thing written was a separator */
};

/* Bytes that a value may hold as they are; others become "#XX". */
enum logfmt_map {
	MAP_ALL, /* as it is */
	MAP_HDR, /* captured headers: no control bytes, '"', '#', '{', '|', '}' */
	MAP_URL, /* request lines: no control bytes, '"', '#' */
};

struct log_alias {
	const char *name;
	void (*put)(struct logfmt_out *o, unsigned opts, struct rule_ctx *cx,
	    const struct log_record *r, uintptr_t data);
	uintptr_t data;
	const char *help;
};
extern const struct log_alias log_aliases[];

void logfmt_char(struct logfmt_out *o, char c);
void logfmt_raw(struct logfmt_out *o, struct slice s);
void logfmt_int(struct logfmt_out *o, int64_t v);
/* A string value with quotes, escapes and "-" as the options say. */
void logfmt_value(struct logfmt_out *o, unsigned opts, struct slice s, enum logfmt_map map);

/* Milliseconds of a time in the record by the letter of its alias ("%Tr": 'r'); -1: not reached. */
int64_t record_timer(const struct log_record *r, char which);

#endif
