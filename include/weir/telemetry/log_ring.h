/* SPDX-License-Identifier: MIT */
/*
 * A bounded ring of records in memory: all workers write, none ever waits. When it is full the oldest records
 * make room. Any number of readers follow at their own pace, each with a cursor of its own; one that is too slow
 * learns how many records it missed.
 */
#ifndef WEIR_TELEMETRY_LOG_RING_H
#define WEIR_TELEMETRY_LOG_RING_H

#include <stdatomic.h>
#include <sys/uio.h>

#include "weir/base/slice.h"
#include "weir/event/worker.h"

/* The longest record. */
#define LOG_RING_RECORD_MAX 65535u
/* Readers that can wait for records of one ring at the same time. */
#define LOG_RING_WAITERS_MAX 64

struct log_ring;

/*
 * A ring of about size bytes, rounded up to a power of two. With a file what is written lies there, mode 0600;
 * one that is there already and not empty is renamed to "<file>.bak" before. 0 or -errno.
 */
WEIR_NODISCARD int log_ring_new(size_t size, const char *file, struct log_ring **ret);
/* No reader waits and no worker writes any more. Harmless on NULL. */
void log_ring_free(struct log_ring *r);

/* Adds one record, cut at LOG_RING_RECORD_MAX bytes. Any thread. False when it was dropped, which is counted. */
bool log_ring_write(struct log_ring *r, const struct iovec *iov, unsigned n);
/* Counts records that a reader that matters could not take in time. Any thread. */
void log_ring_count_dropped(struct log_ring *r, uint64_t n);
uint64_t log_ring_dropped(const struct log_ring *r);
/* Bytes of records it holds at most. */
size_t log_ring_size(const struct log_ring *r);

/* A place between two records. */
struct log_ring_cursor {
	uint64_t at;
};

/* The oldest record that is there; the end, behind all that have been begun. */
struct log_ring_cursor log_ring_oldest(const struct log_ring *r);
struct log_ring_cursor log_ring_end(const struct log_ring *r);
/*
 * Copies the record at the cursor to buf, LOG_RING_RECORD_MAX bytes, and steps behind it. False: there is none yet.
 * Records that were overwritten before they could be read are added to *lost. Any thread.
 */
bool log_ring_read(const struct log_ring *r, struct log_ring_cursor *c, char *buf, size_t *ret_len,
    uint64_t *lost);
/* Steps over records that were overwritten before they could be read, and adds them to *lost. Any thread. */
void log_ring_catch_up(const struct log_ring *r, struct log_ring_cursor *c, uint64_t *lost);
/* Records between two cursors, modulo this. */
#define LOG_RING_DISTANCE_MAX (1u << 24)
uint64_t log_ring_distance(struct log_ring_cursor from, struct log_ring_cursor to);

/*
 * A reader that wants to be called when there is something to read. Belongs to the reader and to one worker; all
 * calls on that worker's thread.
 */
struct log_ring_waiter {
	struct mail mail;
	struct log_ring *ring;
	struct worker *worker;
	/* Called once for each time it slept. */
	void (*wake)(struct log_ring_waiter *rw);
	/* Called instead once log_ring_waiter_del() said false: frees the owner. */
	void (*gone)(struct log_ring_waiter *rw);
	uint8_t slot;
	bool asleep; /* its bit is set, or mail is on the way */
	bool deleted;
};

/* ring, worker, wake and gone are set. 0, or -EBUSY when too many wait. */
WEIR_NODISCARD int log_ring_waiter_add(struct log_ring_waiter *rw);
/* Falls asleep before the record at c; false when it is there already. Harmless when asleep. */
bool log_ring_waiter_sleep(struct log_ring_waiter *rw, struct log_ring_cursor c);
/* True: it may be freed at once. False: a wake is on the way, gone() will be called in its place. */
WEIR_NODISCARD bool log_ring_waiter_del(struct log_ring_waiter *rw);

#endif
