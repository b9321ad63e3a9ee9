/* SPDX-License-Identifier: MIT */
/* What the sessions of a worker share, private to src/h2. */
#ifndef WEIR_SRC_H2_MEM_H
#define WEIR_SRC_H2_MEM_H

#include "weir/h2/h2.h"

struct h2_mem {
	struct hpack_scratch scratch;
	struct pool tables; /* of streams, H2_TABLE_BUCKETS each */
};

#endif
