/* SPDX-License-Identifier: MIT */
/*
 * Time as a worker sees it: read once a turn of its loop, so that everything decided in one turn agrees and
 * the hot path makes no clock call. A test sets the fields by hand.
 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include "weir/base/compiler.h"

struct clock {
	uint64_t mono_us; /* microseconds, never goes back */
	uint64_t mono_ms; /* mono_us / 1000 */
	int64_t wall_us;  /* microseconds since the epoch */
};

/* Reads the kernel's clocks (two vDSO calls). */
void clock_update(struct clock *c);

static inline int64_t clock_wall_s(const struct clock *c)
{
	return c->wall_us / 1000000;
}

#endif
