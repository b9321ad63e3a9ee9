/* SPDX-License-Identifier: MIT */
/*
 * Timers of one worker: a hierarchical wheel of 1 ms ticks, O(1) to arm, move and cancel. Owners whose
 * deadline moves with every activity do not re-arm: they leave the timer where it is, look at their own
 * deadline when it fires, and arm it again for the rest.
 */
#ifndef WEIR_EVENT_TIMER_H
#define WEIR_EVENT_TIMER_H

#include "weir/base/list.h"

#define TIMER_LEVELS 7
#define TIMER_SLOTS  64

struct worker;
struct timer;

/* Called once on the owner's worker, the timer already disarmed; may arm it again or free its owner. */
typedef void timer_fn(struct worker *w, struct timer *t);

struct timer {
	struct list link;
	uint64_t expire; /* ms of the worker's monotonic clock */
	timer_fn *fn;
	uint8_t level; /* where it is linked */
	uint8_t slot;
};

struct timer_wheel {
	uint64_t now; /* ms up to which timers have fired */
	uint64_t pending[TIMER_LEVELS];
	struct list slots[TIMER_LEVELS][TIMER_SLOTS];
	struct list due; /* taken off the wheel by the advance that is running */
};

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms);
/* Fires all that is due at now_ms. */
void timer_wheel_advance(struct timer_wheel *wheel, struct worker *w, uint64_t now_ms);
/* Milliseconds from now_ms until the wheel must advance next (never later than the next expiry); -1: never. */
int64_t timer_wheel_next(const struct timer_wheel *wheel, uint64_t now_ms);

static inline void timer_init(struct timer *t, timer_fn *fn)
{
	list_init(&t->link);
	t->expire = 0;
	t->fn = fn;
}

static inline bool timer_is_armed(const struct timer *t)
{
	return list_is_linked(&t->link);
}

/* Arms or moves; a time in the past fires at the next advance. */
void timer_arm(struct timer_wheel *wheel, struct timer *t, uint64_t expire_ms);
/* Arms so that it fires at expire_ms or earlier: does nothing when it is armed for an earlier time. */
void timer_arm_sooner(struct timer_wheel *wheel, struct timer *t, uint64_t expire_ms);
/* Harmless on a disarmed timer. */
void timer_cancel(struct timer_wheel *wheel, struct timer *t);

#endif
