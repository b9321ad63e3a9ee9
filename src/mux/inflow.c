/* SPDX-License-Identifier: MIT */
/*
 * The slices of payload between a mux and its stream: added as they are decoded, taken off as they are forwarded.
 * The bytes belong to the mux. Its worker only.
 */
#include "weir/mux/endpoint.h"

bool inflow_add(struct inflow *f, struct slice bytes)
{
	struct iovec *last = inflow_is_empty(f) ? NULL : &f->seg[f->n - 1];
	if (last && (char *)last->iov_base + last->iov_len == bytes.ptr) {
		last->iov_len += bytes.len;
	} else {
		if (f->n == INFLOW_SEGMENTS) {
			if (f->first == 0)
				return false;
			f->n -= f->first;
			memmove(f->seg, f->seg + f->first, f->n * sizeof(f->seg[0]));
			f->first = 0;
		}
		f->seg[f->n++] = (struct iovec){ (void *)bytes.ptr, bytes.len };
	}
	f->bytes += bytes.len;
	f->total += bytes.len;
	return true;
}

void inflow_take(struct inflow *f, size_t n)
{
	f->bytes -= n;
	while (n) {
		struct iovec *seg = &f->seg[f->first];
		size_t take = MIN(n, seg->iov_len);
		seg->iov_base = (char *)seg->iov_base + take;
		seg->iov_len -= take;
		n -= take;
		if (seg->iov_len == 0)
			f->first++;
	}
	if (inflow_is_empty(f))
		f->first = f->n = 0;
}
