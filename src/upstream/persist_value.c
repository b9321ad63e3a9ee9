/* SPDX-License-Identifier: MIT */
/* Dates in persistence cookies; see persist_value.h for the format. */
#include "persist_value.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void persist_date_write(int64_t seconds, char out[PERSIST_DATE_LEN])
{
	uint64_t units = (uint64_t)(seconds + 3) >> 2;
	for (int i = PERSIST_DATE_LEN - 1; i >= 0; i--) {
		out[i] = digits[units & 63];
		units >>= 6;
	}
}

int64_t persist_date_read(struct slice text)
{
	int64_t units = 0;
	if (text.len < PERSIST_DATE_LEN)
		return 0;
	for (unsigned i = 0; i < PERSIST_DATE_LEN; i++) {
		const char *at = text.ptr[i] ? strchr(digits, text.ptr[i]) : NULL;
		if (!at)
			return 0;
		units = units << 6 | (at - digits);
	}
	return units << 2;
}

struct slice persist_value_split(struct slice value, int64_t *ret_last_s, int64_t *ret_first_s)
{
	struct slice rest = value;
	struct slice name = slice_cut(&rest, '|');
	*ret_last_s = *ret_first_s = 0;
	if (!rest.ptr)
		return name;
	struct slice last = slice_cut(&rest, '|');
	*ret_last_s = persist_date_read(last);
	if (rest.ptr)
		*ret_first_s = persist_date_read(rest);
	return name;
}
