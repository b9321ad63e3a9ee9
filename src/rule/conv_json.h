/* SPDX-License-Identifier: MIT */
/* JSON queries, for the converters of JSON and those of tokens. */
#ifndef WEIR_RULE_CONV_JSON_H
#define WEIR_RULE_CONV_JSON_H

#include "rule_int.h"

/* Arguments (path[, output_type]) of a row; both may be missing when nothing is asked for. */
int conv_json_check(const struct arg_place *at, struct args *args);
/* The type is that of the value, known at run time only. */
enum sample_type conv_json_out(const struct args *args);
/* The value at args' path in s->str, as json_query gives it. */
bool conv_json_query(struct rule_ctx *cx, const struct args *args, struct sample *s);

#endif
