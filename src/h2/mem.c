/* SPDX-License-Identifier: MIT */
/* What the sessions of a worker share: room to put a field's text together, tables of streams while there are many. */
#include "mem.h"

#define FREE_TABLES 1024

struct h2_mem *h2_mem_new(void)
{
	struct h2_mem *m = calloc(1, sizeof(*m));
	if (m)
		pool_init(&m->tables, "h2 streams", H2_TABLE_BUCKETS * sizeof(struct h2_stream *),
		    FREE_TABLES);
	return m;
}

void h2_mem_free(struct h2_mem *m)
{
	if (!m)
		return;
	pool_trim(&m->tables);
	free(m->scratch.mem);
	free(m);
}
