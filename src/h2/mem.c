/* SPDX-License-Identifier: MIT */
/* What the sessions of a worker share: room to put a field's text together. */
#include "mem.h"

struct h2_mem *h2_mem_new(void)
{
	return calloc(1, sizeof(struct h2_mem));
}

void h2_mem_free(struct h2_mem *m)
{
	if (!m)
		return;
	free(m->scratch.mem);
	free(m);
}
