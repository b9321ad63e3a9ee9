/* SPDX-License-Identifier: MIT */
/* Bytes that wait to be sent on one connection: a chain of buffers of a pool, none while there is nothing. */
#ifndef WEIR_H2_OUT_H
#define WEIR_H2_OUT_H

#include <sys/uio.h>

#include "weir/base/pool.h"
#include "weir/base/slice.h"

struct h2_buf {
	struct h2_buf *next;
	uint32_t start, end;
	char bytes[];
};

struct h2_out {
	struct pool *pool;
	struct h2_buf *first, *last;
	size_t bytes; /* in all of them */
};

void h2_out_init(struct h2_out *o, struct pool *pool);
void h2_out_clear(struct h2_out *o);
/* Room for n bytes in one piece at the end, or NULL: no memory, or more than a buffer holds. */
char *h2_out_reserve(struct h2_out *o, size_t n);
/* Room for at least n bytes at the end, *ret_n of them; n is at most h2_out_capacity(). NULL: no memory. */
char *h2_out_room(struct h2_out *o, size_t n, size_t *ret_n);
size_t h2_out_capacity(const struct h2_out *o);
/* n of the reserved bytes are filled. */
void h2_out_commit(struct h2_out *o, size_t n);
/* A copy of bytes, over several buffers if need be. 0, or -ENOMEM: then nothing was added. */
WEIR_NODISCARD int h2_out_add(struct h2_out *o, const char *bytes, size_t len);
/* The pieces from the front on, at most max; returns how many. */
unsigned h2_out_pieces(const struct h2_out *o, struct iovec *v, unsigned max);
/* The first n bytes have gone. */
void h2_out_drop(struct h2_out *o, size_t n);

#endif
