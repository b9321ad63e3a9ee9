/* SPDX-License-Identifier: MIT */
/*
 * The nearest known word, for "did you mean". The distance counts inserted, dropped and replaced characters
 * and swapped neighbours, over three rows of the usual table: words are short, and only errors come here.
 */
#include "internal.h"

#include <limits.h>

#define WORD_MAX 64u

unsigned conf_distance(const char *a, const char *b, unsigned limit)
{
	size_t la = strlen(a);
	size_t lb = strlen(b);
	unsigned rows[3][WORD_MAX + 1];
	if (la > WORD_MAX || lb > WORD_MAX || MAX(la, lb) - MIN(la, lb) > limit)
		return limit + 1;
	for (unsigned j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i - 1) % 3];
		const unsigned *two_above = rows[(i + 1) % 3];
		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned d = above[j - 1] + (a[i - 1] != b[j - 1]);
			d = MIN(d, above[j] + 1);
			d = MIN(d, row[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = MIN(d, two_above[j - 2] + 1);
			row[j] = d;
		}
	}
	return MIN(rows[la % 3][lb], limit + 1);
}

unsigned conf_near(const char *word, const char *candidate)
{
	size_t len = MIN(strlen(word), strlen(candidate));
	unsigned limit = len < 2 ? 0 : MAX(1, (unsigned)MIN(len / 3, 4));
	unsigned d = conf_distance(word, candidate, limit);
	return d <= limit ? d : UINT_MAX;
}

const char *conf_nearest(
    const char *word, const char *(*next)(const void *names, size_t i), const void *names)
{
	const char *best = NULL;
	unsigned best_distance = UINT_MAX;
	const char *name;
	for (size_t i = 0; (name = next(names, i)) != NULL; i++) {
		unsigned d = conf_near(word, name);
		if (d < best_distance) {
			best = name;
			best_distance = d;
		}
	}
	return best;
}
