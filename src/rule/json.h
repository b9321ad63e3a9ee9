/* SPDX-License-Identifier: MIT */
/*
 * Finding one value in a JSON text (RFC 8259). The text is scanned from its beginning up to the value and no
 * further: nothing is allocated, a body that is not complete yet may already have the value, and what stands
 * behind it is not looked at. For decisions, not for checking documents.
 */
#ifndef WEIR_RULE_JSON_H
#define WEIR_RULE_JSON_H

#include "weir/base/arena.h"

enum json_kind {
	JSON_NONE,
	JSON_STRING, /* text: between the quotes, escapes as they are */
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
	JSON_ARRAY, /* text: with its brackets */
	JSON_OBJECT,
};

struct json_value {
	enum json_kind kind;
	struct slice text;
};

/* "$", then ".name" or "['name']" or "[number]"; in .name a backslash takes away the meaning of '.' and '['. */
bool rule_json_path_valid(struct slice path);
/* The first value at a valid path; false when there is none or the text is broken in front of it. */
bool rule_json_find(struct slice text, struct slice path, struct json_value *ret);
/* A string without its escapes; .ptr NULL when one is wrong or memory is short. */
struct slice rule_json_unescape(struct arena *arena, struct slice text);
/* The string of that name in an object; .ptr NULL when there is none. */
struct slice rule_json_string(struct arena *arena, struct slice object, const char *path);

#endif
