/* SPDX-License-Identifier: MIT */
/*
 * The timer wheel: seven levels of 64 slots; a slot of level k covers 64^k ms. A timer sits on the level of the
 * highest 6-bit group in which its expiry differs from the present, so the lowest level in use holds the next
 * expiry. Passing a slot of a higher level redistributes it downwards. Owned by one worker.
 */
#include "weir/event/timer.h"

#define SLOT_BITS 6
#define SLOT_MASK (TIMER_SLOTS - 1)

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms)
{
	wheel->now = now_ms;
	list_init(&wheel->due);
	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		wheel->pending[level] = 0;
		for (unsigned slot = 0; slot < TIMER_SLOTS; slot++)
			list_init(&wheel->slots[level][slot]);
	}
}

static void place(struct timer_wheel *wheel, struct timer *t)
{
	uint64_t expire = MAX(t->expire, wheel->now + 1);
	unsigned high_bit = 63 - (unsigned)__builtin_clzll(expire ^ wheel->now);
	unsigned level = high_bit / SLOT_BITS;
	if (level >= TIMER_LEVELS) { /* beyond the wheel's 139 years: wait on its last slot */
		level = TIMER_LEVELS - 1;
		expire = wheel->now | ((1ULL << (SLOT_BITS * TIMER_LEVELS)) - 1);
	}
	unsigned slot = (expire >> (level * SLOT_BITS)) & SLOT_MASK;
	t->level = (uint8_t)level;
	t->slot = (uint8_t)slot;
	list_add_tail(&wheel->slots[level][slot], &t->link);
	wheel->pending[level] |= 1ULL << slot;
}

void timer_cancel(struct timer_wheel *wheel, struct timer *t)
{
	if (!timer_is_armed(t))
		return;
	list_del(&t->link);
	if (list_is_empty(&wheel->slots[t->level][t->slot]))
		wheel->pending[t->level] &= ~(1ULL << t->slot);
}

void timer_arm(struct timer_wheel *wheel, struct timer *t, uint64_t expire_ms)
{
	if (timer_is_armed(t)) {
		if (t->expire == expire_ms)
			return;
		timer_cancel(wheel, t);
	}
	t->expire = expire_ms;
	place(wheel, t);
}

void timer_arm_sooner(struct timer_wheel *wheel, struct timer *t, uint64_t expire_ms)
{
	if (!timer_is_armed(t) || expire_ms < t->expire)
		timer_arm(wheel, t, expire_ms);
}

/* The slots of one level that the hand passes or reaches on its way from `from` to `to`. */
static uint64_t slots_passed(uint64_t from, uint64_t to, unsigned level)
{
	unsigned shift = level * SLOT_BITS;
	if ((to >> shift) - (from >> shift) >= TIMER_SLOTS)
		return ~0ULL;
	unsigned first = ((from >> shift) + 1) & SLOT_MASK;
	unsigned count = (unsigned)((to >> shift) - (from >> shift));
	uint64_t run = (1ULL << count) - 1;
	return first ? (run << first) | (run >> (TIMER_SLOTS - first)) : run;
}

void timer_wheel_advance(struct timer_wheel *wheel, struct worker *w, uint64_t now_ms)
{
	if (now_ms <= wheel->now)
		return;
	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		uint64_t passed = slots_passed(wheel->now, now_ms, level);
		uint64_t hit = passed & wheel->pending[level];
		wheel->pending[level] &= ~hit;
		for (; hit; hit &= hit - 1)
			list_splice_tail(&wheel->due, &wheel->slots[level][__builtin_ctzll(hit)]);
		if (!passed)
			break;
	}
	wheel->now = now_ms;
	while (!list_is_empty(&wheel->due)) {
		struct timer *t = list_first(&wheel->due, struct timer, link);
		list_del(&t->link);
		if (t->expire <= now_ms)
			t->fn(w, t);
		else
			place(wheel, t);
	}
}

int64_t timer_wheel_next(const struct timer_wheel *wheel, uint64_t now_ms)
{
	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		if (!wheel->pending[level])
			continue;
		unsigned shift = level * SLOT_BITS;
		uint64_t slot = (uint64_t)__builtin_ctzll(wheel->pending[level]);
		uint64_t at = (((wheel->now >> shift) & ~(uint64_t)SLOT_MASK) | slot) << shift;
		return at > now_ms ? (int64_t)(at - now_ms) : 0;
	}
	return -1;
}
