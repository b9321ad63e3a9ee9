/* SPDX-License-Identifier: MIT */
/*
 * Log formats between their parser (logfmt.c), their writers (logfmt_write.c as text, logfmt_code.c as JSON and
 * CBOR) and the table of aliases (logfmt_alias.c and its helpers).
 */
#ifndef WEIR_RULE_LOGFMT_INT_H
#define WEIR_RULE_LOGFMT_INT_H

#include "rule_int.h"

#define OPT_QUOTE     0x01u  /* +Q */
#define OPT_HEX	      0x02u  /* +X */
#define OPT_ESCAPE    0x04u  /* +E */
#define OPT_MANDATORY 0x08u  /* an empty value is logged as "-" */
#define OPT_JSON      0x10u  /* +json */
#define OPT_CBOR      0x20u  /* +cbor: in hexadecimal, or with OPT_BIN as it is */
#define OPT_BIN	      0x40u  /* +bin */
#define OPT_AS_STR    0x100u /* "%(name:str)": the type in an encoding */
#define OPT_AS_SINT   0x200u
#define OPT_AS_BOOL   0x400u
#define OPT_ENCODED   (OPT_JSON | OPT_CBOR)

enum item_kind { ITEM_TEXT, ITEM_BLANK, ITEM_ALIAS, ITEM_EXPR };

struct log_alias;

struct item {
	enum item_kind kind;
	unsigned opts;
	struct slice text;
	struct slice name; /* the key in an encoding; empty: none */
	const struct log_alias *alias;
	const struct expr *expr;
};

struct logfmt {
	unsigned flags;
	unsigned opts; /* OPT_ENCODED: the whole is a map of the named items; OPT_BIN */
	unsigned items_n;
	struct item *items;
};

/* Where a line is written; once it is full everything more is dropped. */
struct logfmt_out {
	char *at, *end;
	bool blank; /* the last thing written was a separator */
	bool full;  /* something did not fit */
};

/* Bytes that a value may hold as they are; others become "#XX". */
enum logfmt_map {
	MAP_ALL, /* as it is */
	MAP_HDR, /* captured headers: no control bytes, '"', '#', '{', '|', '}' */
	MAP_URL, /* request lines: no control bytes, '"', '#' */
};

struct log_alias {
	const char *name;
	/* Writes one value, by one call of the functions for values below. */
	void (*put)(struct logfmt_out *o, unsigned opts, struct rule_ctx *cx,
	    const struct log_record *r, uintptr_t data);
	uintptr_t data;
	const char *help;
	unsigned flags;
};
#define ALIAS_HTTP	  0x1u /* means nothing in TCP mode, where it is refused */
#define ALIAS_END	  0x4u /* is final only when the session has ended */
#define ALIAS_SERVER_ENDS 0x2u /* shows an address of the connection to the server */
extern const struct log_alias log_aliases[];

#define ALIAS(fn)                                                                                  \
	void fn(struct logfmt_out *o, unsigned opts, struct rule_ctx *cx,                          \
	    const struct log_record *r, uintptr_t data)

/* ---- bytes ---- */

void logfmt_char(struct logfmt_out *o, char c);
void logfmt_raw(struct logfmt_out *o, struct slice s);
void logfmt_int(struct logfmt_out *o, int64_t v);
/* The bytes of s as a log line may hold them. */
void logfmt_mapped(struct logfmt_out *o, unsigned opts, struct slice s, enum logfmt_map map);

/* ---- values: as text, or encoded when the options say so ---- */

/* A string with quotes, escapes and "-" as the options say. .ptr NULL: there is none. */
void logfmt_value(struct logfmt_out *o, unsigned opts, struct slice s, enum logfmt_map map);
/* Digits and letters, without quotes. */
void logfmt_plain(struct logfmt_out *o, unsigned opts, struct slice s);
void logfmt_number(struct logfmt_out *o, unsigned opts, int64_t v);
/* A number that may still grow: '+' in front, except in an encoding. */
void logfmt_number_so_far(struct logfmt_out *o, unsigned opts, int64_t v);
void logfmt_list(struct logfmt_out *o, unsigned opts, const struct slice *values, unsigned n,
    enum logfmt_map map);
void logfmt_sample(struct logfmt_out *o, unsigned opts, const struct sample *s, struct arena *a);

/* ---- encodings (logfmt_code.c) ---- */

void logcode_null(struct logfmt_out *o, unsigned opts);
void logcode_int(struct logfmt_out *o, unsigned opts, int64_t v);
void logcode_bool(struct logfmt_out *o, unsigned opts, bool v);
void logcode_str(struct logfmt_out *o, unsigned opts, struct slice s);
void logcode_bytes(struct logfmt_out *o, unsigned opts, struct slice s);
void logcode_list(struct logfmt_out *o, unsigned opts, const struct slice *values, unsigned n);
/* The map of a whole format: what stands before the first, a later, and behind the last item. */
void logcode_map_begin(struct logfmt_out *o, unsigned opts);
void logcode_key(struct logfmt_out *o, unsigned opts, struct slice name, bool first);
void logcode_map_end(struct logfmt_out *o, unsigned opts);
/* Bytes that logcode_map_end() takes. */
size_t logcode_map_end_size(unsigned opts);

/* ---- aliases of logfmt_time.c and logfmt_http.c; what data means stands there ---- */

enum date_form { DATE_MS, DATE_GMT, DATE_LOCAL };
#define OF_REQUEST 0x100u
ALIAS(logalias_date);
ALIAS(logalias_timestamp);
ALIAS(logalias_ms);
ALIAS(logalias_timer);

ALIAS(logalias_request);
ALIAS(logalias_part);
ALIAS(logalias_path);
ALIAS(logalias_uri_path);
ALIAS(logalias_uri_query);
ALIAS(logalias_captures);
ALIAS(logalias_capture_list);

/* Milliseconds of a time in the record by the letter of its alias ("%Tr": 'r'); -1: not reached. */
int64_t record_timer(const struct log_record *r, char which);

#endif
