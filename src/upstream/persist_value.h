/* SPDX-License-Identifier: MIT */
/*
 * The value of a persistence cookie with dates: "server|last|first", each date five base64 digits that count
 * units of four seconds. Pure functions.
 */
#ifndef WEIR_UPSTREAM_PERSIST_VALUE_H
#define WEIR_UPSTREAM_PERSIST_VALUE_H

#include "weir/base/slice.h"

#define PERSIST_DATE_LEN 5

/* Seconds, rounded up to the next unit. */
void persist_date_write(int64_t seconds, char out[PERSIST_DATE_LEN]);
/* 0 when text does not begin with a date. */
int64_t persist_date_read(struct slice text);
/* Splits the value: what is before the first '|', and the dates, 0 where there is none. */
struct slice persist_value_split(struct slice value, int64_t *ret_last_s, int64_t *ret_first_s);

#endif
