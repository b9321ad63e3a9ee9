/* SPDX-License-Identifier: MIT */
/*
 * The output of a connection that waits for the kernel: buffers are taken from the worker's pool as bytes come and
 * given back as they leave, so that an idle connection holds none.
 */
#include "weir/h2/out.h"

#include <errno.h>

void h2_out_init(struct h2_out *o, struct pool *pool)
{
	*o = (struct h2_out){ .pool = pool };
}

void h2_out_clear(struct h2_out *o)
{
	h2_out_drop(o, o->bytes);
	/* one that was reserved and never filled */
	pool_put(o->pool, o->first);
	o->first = o->last = NULL;
}

size_t h2_out_capacity(const struct h2_out *o)
{
	return o->pool->size - sizeof(struct h2_buf);
}

static struct h2_buf *new_buf(struct h2_out *o)
{
	struct h2_buf *b = pool_get(o->pool);
	if (b) {
		b->next = NULL;
		b->start = b->end = 0;
	}
	return b;
}

static void append(struct h2_out *o, struct h2_buf *b)
{
	if (o->last)
		o->last->next = b;
	else
		o->first = b;
	o->last = b;
}

char *h2_out_reserve(struct h2_out *o, size_t n)
{
	size_t cap = h2_out_capacity(o);
	if (o->last && cap - o->last->end >= n)
		return o->last->bytes + o->last->end;
	if (n > cap)
		return NULL;
	struct h2_buf *b = new_buf(o);
	if (!b)
		return NULL;
	append(o, b);
	return b->bytes;
}

char *h2_out_room(struct h2_out *o, size_t n, size_t *ret_n)
{
	char *at = h2_out_reserve(o, n);
	if (at)
		*ret_n = h2_out_capacity(o) - o->last->end;
	return at;
}

void h2_out_commit(struct h2_out *o, size_t n)
{
	o->last->end += (uint32_t)n;
	o->bytes += n;
}

/* A chain of empty buffers that hold len bytes, or NULL. */
static struct h2_buf *new_chain(struct h2_out *o, size_t len)
{
	struct h2_buf *chain = NULL;
	for (size_t got = 0; got < len; got += h2_out_capacity(o)) {
		struct h2_buf *b = new_buf(o);
		if (!b) {
			while ((b = chain)) {
				chain = b->next;
				pool_put(o->pool, b);
			}
			return NULL;
		}
		b->next = chain;
		chain = b;
	}
	return chain;
}

int h2_out_add(struct h2_out *o, const char *bytes, size_t len)
{
	size_t cap = h2_out_capacity(o), room = o->last ? cap - o->last->end : 0;
	struct h2_buf *more = NULL;
	if (len > room && !(more = new_chain(o, len - room)))
		return -ENOMEM;
	while (len) {
		if (room == 0) {
			struct h2_buf *b = more;
			more = b->next;
			b->next = NULL;
			append(o, b);
			room = cap;
		}
		size_t n = MIN(len, room);
		memcpy(o->last->bytes + o->last->end, bytes, n);
		h2_out_commit(o, n);
		bytes += n;
		len -= n;
		room -= n;
	}
	return 0;
}

unsigned h2_out_pieces(const struct h2_out *o, struct iovec *v, unsigned max)
{
	unsigned n = 0;
	for (struct h2_buf *b = o->first; b && n < max; b = b->next) {
		if (b->end > b->start)
			v[n++] = (struct iovec){ b->bytes + b->start, b->end - b->start };
	}
	return n;
}

void h2_out_drop(struct h2_out *o, size_t n)
{
	o->bytes -= n;
	while (o->first) {
		struct h2_buf *b = o->first;
		size_t take = MIN(n, (size_t)(b->end - b->start));
		b->start += (uint32_t)take;
		n -= take;
		if (b->start < b->end)
			return;
		o->first = b->next;
		if (!o->first)
			o->last = NULL;
		pool_put(o->pool, b);
	}
}
