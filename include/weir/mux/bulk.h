/* SPDX-License-Identifier: MIT */
/*
 * Bulk payload between two plain connections through a pipe (splice(2)): it never enters user space. Used for
 * long bodies and busy tunnels where it costs less than copying; falls back to copying whenever no pipe can be
 * had.
 */
#ifndef WEIR_MUX_BULK_H
#define WEIR_MUX_BULK_H

#include "weir/mux/endpoint.h"

struct net_pipe;

/* One direction's state; zeroed to start. Lives in the stream. */
struct bulk {
	struct net_pipe *pipe; /* NULL while copying */
	bool refused;	       /* no pipe, or a descriptor that cannot be spliced: copy for good */
	uint64_t sent;	       /* bytes taken by the sink through the pipe */
};

/* Whether the payload that src expects next is worth a pipe, and dst can take it so. */
bool bulk_wanted(const struct bulk *b, const struct endpoint *src, const struct endpoint *dst);
/*
 * Moves what can be moved now. True when payload moved either way. Flags of both endpoints tell the rest
 * (EP_OUT_BLOCKED, EP_ERROR, EP_IN_END ...); while bulk_holds() the source's end must not be passed on.
 */
bool bulk_move(struct bulk *b, struct endpoint *src, struct endpoint *dst);
/* Bytes of the message are still in the pipe. */
bool bulk_holds(const struct bulk *b);
/* Gives the pipe back. */
void bulk_done(struct bulk *b, const struct endpoint *ep);

#endif
