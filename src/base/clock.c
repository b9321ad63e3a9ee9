/* SPDX-License-Identifier: MIT */
/*
 * Reading the kernel's clocks into a worker's struct clock.
 */
#include "weir/base/clock.h"

void clock_update(struct clock *c)
{
	struct timespec mono, wall;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	c->mono_us = (uint64_t)mono.tv_sec * 1000000 + (uint64_t)mono.tv_nsec / 1000;
	c->mono_ms = c->mono_us / 1000;
	c->wall_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000;
}
