/* SPDX-License-Identifier: MIT */
/* What the files of the one-message-at-a-time mux share. */
#ifndef WEIR_SRC_MUX_MUX1_INTERNAL_H
#define WEIR_SRC_MUX_MUX1_INTERNAL_H

#include "weir/mux/mux1.h"

void mux1_attach(struct endpoint *ep, void *stream, void (*wake)(struct endpoint *ep),
    struct http_msg *msg, struct inflow *in, struct arena *arena);
bool mux1_make_room(struct mux1 *m);
ssize_t mux1_read(struct mux1 *m);
bool mux1_decode_raw(struct mux1 *m);
void mux1_consume(struct endpoint *ep, size_t n);
size_t mux1_send(struct endpoint *ep, const struct iovec *iov, unsigned n, bool end, bool more);
void mux1_shut(struct endpoint *ep);
void mux1_tunnel(struct endpoint *ep);
uint64_t mux1_bulk_left(const struct endpoint *src);
void mux1_bulk_moved(struct endpoint *src, uint64_t n);
bool mux1_bulk_sink(const struct endpoint *dst);
void mux1_peer_closed(struct mux1 *m);
void mux1_hold(struct endpoint *ep, bool hold);
bool mux1_rewind(struct endpoint *ep);
void mux1_trailers(struct endpoint *ep, struct http_msg *trailers);
void mux1_detach(struct endpoint *ep, bool keep, bool reset);
/* mux2.c; l may be NULL */
void mux2_local_free(struct mux2_local *l);

#endif
