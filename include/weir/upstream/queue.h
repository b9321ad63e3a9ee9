/* SPDX-License-Identifier: MIT */
/*
 * Slots and queues: a server takes as many streams as its maxconn; the others wait, at the server when only
 * that one will do, else at the backend. Slots are one atomic word; the queues are touched only when slots are
 * out, under a lock of their own (configuration manual: maxconn, maxqueue, timeout queue,
 * http-request set-priority-class).
 */
#ifndef WEIR_UPSTREAM_QUEUE_H
#define WEIR_UPSTREAM_QUEUE_H

#include "weir/upstream/backend.h"

struct queue_ticket;

/* On the waiting stream's worker: a slot of srv is the stream's now. The ticket is gone. */
typedef void queue_granted_fn(void *stream, struct server *srv);

/* The place in a queue: by class, then by time in milliseconds; the lower is served first. */
static inline int64_t queue_order(int prio_class, int64_t at_ms)
{
	return prio_class * ((int64_t)1 << 48) + at_ms;
}

struct server_queue *server_queue_new(void);
void server_queue_free(struct server_queue *q);

/* Takes a slot of srv; false when it is at its limit. Any worker, one atomic operation when there is none. */
bool server_slot_take(struct server *srv);
/* Gives it back and lets the next waiting stream of the server or its backend have it. */
void server_slot_release(struct worker *w, struct server *srv);

/*
 * Waits in srv's queue, or in be's when srv is NULL. NULL when memory is short or, with *ret_granted, when a
 * slot came free meanwhile: then the stream has it. be is the backend either way. order: queue_order().
 */
struct queue_ticket *queue_wait(struct worker *w, struct backend *be, struct server *srv,
    void *stream, queue_granted_fn *granted, int64_t order, struct server **ret_granted);
/* The stream does not wait any more (timeout, client gone). Safe at any moment before granted() ran. */
void queue_leave(struct worker *w, struct queue_ticket *t);
/* Streams waiting now. */
unsigned queue_length(const struct server_queue *q);
/* Lets waiting streams of be have the free slots of its servers: after a server came up or its limit rose. */
void queue_kick(struct worker *w, struct backend *be);
/* Every stream waiting at srv goes back to choose again (granted with srv NULL): the server went down. */
void queue_drain(struct worker *w, struct server *srv);

#endif
