/* SPDX-License-Identifier: MIT */
/*
 * TLS on one worker: its buffers, and who may go on with a handshake now. A full handshake costs as much as hundreds
 * of requests on open connections; so a turn of the worker spends tls_tune.handshake_us on them, and the rest waits in
 * order of arrival. A handshake that was begun goes before new ones: there are never more of these than were let in.
 * Each turn carries at least one on, so that open traffic cannot starve them either.
 */
#include <errno.h>
#include <time.h>

#include "transport_int.h"

#define CONNS_FREE_MAX 1024

static void run_waiting(struct worker *w, struct task *task);

struct tls_worker *tls_worker_get(struct worker *w)
{
	struct tls_worker *tw = w->slot[WORKER_SLOT_TLS];
	if (likely(tw != NULL))
		return tw;
	tw = malloc(sizeof(*tw));
	if (!tw)
		return NULL;
	memset(tw, 0, offsetof(struct tls_worker, stage));
	tw->w = w;
	pool_init(&tw->conns, "tls_conn", sizeof(struct tls_conn), CONNS_FREE_MAX);
	list_init(&tw->waiting);
	task_init(&tw->task, run_waiting);
	__atomic_store_n(
	    &w->slot[WORKER_SLOT_TLS], tw, __ATOMIC_RELEASE); /* for rates.c of others */
	return tw;
}

void tls_worker_stop(struct worker *w)
{
	struct tls_worker *tw = w->slot[WORKER_SLOT_TLS];
	if (!tw)
		return;
	task_cancel(&tw->task);
	pool_done(&tw->conns);
	free(tw);
	w->slot[WORKER_SLOT_TLS] = NULL;
}

struct tls_counters tls_counters(const struct worker *w)
{
	const struct tls_worker *tw = w->slot[WORKER_SLOT_TLS];
	return tw ? tw->counters : (struct tls_counters){ .queued = 0 };
}

/* ---- time ---- */

/* The worker's clock stands still during a turn, so it cannot measure one. */
uint64_t tls_worker_spend_start(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void tls_worker_spend_end(struct tls_worker *tw, uint64_t start_us)
{
	tw->spent_us += tls_worker_spend_start() - start_us;
}

static void begin_turn(struct tls_worker *tw)
{
	if (tw->turn == tw->w->clock.mono_us)
		return;
	tw->turn = tw->w->clock.mono_us;
	tw->spent_us = 0;
}

/* ---- the queue ---- */

int tls_worker_admit(struct tls_conn *t)
{
	struct tls_worker *tw = t->tw;
	if (list_is_linked(&t->waiting))
		return -EAGAIN;
	if (t->granted || !t->tune.handshake_us)
		return 0;
	begin_turn(tw);
	bool others_first = !list_is_empty(&tw->waiting) && !t->started;
	if (tw->spent_us < t->tune.handshake_us && !others_first)
		return 0;
	if (t->tune.handshake_queue && tw->waiting_n >= t->tune.handshake_queue && !t->started)
		return -EBUSY;
	if (t->started)
		list_add_head(&tw->waiting, &t->waiting);
	else
		list_add_tail(&tw->waiting, &t->waiting);
	tw->waiting_n++;
	tw->counters.queued++;
	task_wake(tw->w, &tw->task);
	return -EAGAIN;
}

void tls_worker_forget(struct tls_conn *t)
{
	if (!list_is_linked(&t->waiting))
		return;
	list_del(&t->waiting);
	t->tw->waiting_n--;
}

static void run_waiting(struct worker *w, struct task *task)
{
	struct tls_worker *tw = container_of(task, struct tls_worker, task);
	uint64_t limit;
	begin_turn(tw);
	do {
		if (list_is_empty(&tw->waiting))
			return;
		struct tls_conn *t = list_first(&tw->waiting, struct tls_conn, waiting);
		limit = t->tune.handshake_us;
		tls_worker_forget(t);
		t->granted = true;
		conn_continue(t->c); /* may free t */
	} while (tw->spent_us < limit);
	if (!list_is_empty(&tw->waiting))
		task_wake(w, task);
}
