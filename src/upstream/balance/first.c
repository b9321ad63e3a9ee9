/* SPDX-License-Identifier: MIT */
/* "balance first": the server with the lowest id that has a free slot, so that the last ones stay idle. */
#include "balance_internal.h"

static int by_id(const void *a, const void *b)
{
	const struct server *x = *(struct server *const *)a, *y = *(struct server *const *)b;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int build(const struct backend *be, struct balance_table *t)
{
	struct server **sorted = malloc(t->n * sizeof(*sorted));
	(void)be;
	if (!sorted)
		return -1;
	memcpy(sorted, t->servers, t->n * sizeof(*sorted));
	qsort(sorted, t->n, sizeof(*sorted), by_id);
	t->data = sorted;
	return 0;
}

static struct server *pick(
    struct backend *be, const struct balance_table *t, struct balance_call *call)
{
	struct server **sorted = t->data;
	(void)be;
	for (unsigned i = 0; i < t->n; i++)
		if (!skip_server(sorted[i], call))
			return sorted[i];
	return NULL;
}

const struct balance_ops balance_first = {
	.name = "first",
	.build = build,
	.pick = pick,
};
