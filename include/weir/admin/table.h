/* SPDX-License-Identifier: MIT */
/*
 * Writers of tabular answers: rows of named fields as CSV, typed text (management manual 9.2) and JSON. The
 * caller fills fields, the writer knows the formats.
 */
#ifndef WEIR_ADMIN_TABLE_H
#define WEIR_ADMIN_TABLE_H

#include "weir/base/strbuf.h"

enum field_type { /* what the value is */
	FIELD_EMPTY,
	FIELD_U32,
	FIELD_S32,
	FIELD_U64,
	FIELD_S64,
	FIELD_STR,
	FIELD_FLT,
};

/* The four letters of the typed format: origin, nature, scope (management manual 9.2). */
struct field_desc {
	const char *name; /* "scur" */
	char origin;	  /* M P S K C ... */
	char nature;	  /* A a C D G L M m N O R T */
	char scope;	  /* C S P p */
	const char *help; /* "desc" */
};

struct field {
	enum field_type type;
	union {
		uint64_t u64;
		int64_t s64;
		double flt;
		const char *str; /* lives until the row is written */
	};
};

enum table_format {
	TABLE_CSV,
	TABLE_TYPED,
	TABLE_JSON,
};

#define FIELD_SET_U32(v) ((struct field){ .type = FIELD_U32, .u64 = (uint32_t)(v) })
#define FIELD_SET_U64(v) ((struct field){ .type = FIELD_U64, .u64 = (uint64_t)(v) })
#define FIELD_SET_S32(v) ((struct field){ .type = FIELD_S32, .s64 = (int32_t)(v) })
#define FIELD_SET_S64(v) ((struct field){ .type = FIELD_S64, .s64 = (v) })
#define FIELD_SET_FLT(v) ((struct field){ .type = FIELD_FLT, .flt = (v) })
#define FIELD_SET_STR(v) ((struct field){ .type = FIELD_STR, .str = (v) })

void field_write(struct strbuf *out, const struct field *f);
/* "# a,b,c,\n" */
void table_csv_header(struct strbuf *out, const struct field_desc *desc, size_t n);
/* Values with a comma behind each, quoted where they hold a comma, quote or line end, and a newline. */
void table_csv_row(struct strbuf *out, const struct field *f, size_t n);
/*
 * A line a field that is not empty. prefix is "F.2.0" and the like, written with ".index.name.process" behind
 * it; process is 1. With prefix NULL or "" the line begins with the index, as in "show info typed". The fourth
 * letter of the tags, persistence, is always V (volatile).
 */
void table_typed_row(struct strbuf *out, const char *prefix, const struct field_desc *desc,
    const struct field *f, size_t n, bool with_help);
/*
 * One JSON array with an object a field that is not empty, a comma in front of it unless it is the first. "show
 * stat json" puts brackets around all rows; "show info json" is one row, whose obj_type is NULL: objType,
 * proxyId and id are left out then.
 */
void table_json_row(struct strbuf *out, const char *obj_type, int proxy_id, int id,
    const struct field_desc *desc, const struct field *f, size_t n, bool first);
/* A string in JSON quotes. */
void json_string(struct strbuf *out, const char *str);

#endif
