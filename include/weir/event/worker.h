/* SPDX-License-Identifier: MIT */
/*
 * Workers: one thread each with an epoll instance, a timer wheel, a run queue and a mailbox. What a worker owns
 * is touched by that worker alone; others reach it by mail. Worker 0 runs on the main thread.
 *
 * Order of a turn: wait, read the clock, stop at a safe point if asked, events, timers, tasks. Inside a turn
 * pointers published to all workers (a configuration, a balance table) stay valid: worker_retire() frees an old
 * one only after every worker has begun another turn.
 */
#ifndef WEIR_EVENT_WORKER_H
#define WEIR_EVENT_WORKER_H

#include <stdatomic.h>
#include <sys/epoll.h>

#include "weir/base/clock.h"
#include "weir/base/list.h"
#include "weir/event/timer.h"

#define WORKER_MAX 64

struct worker;
struct io;
struct task;
struct mail;

/* events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. May close or free its own or any other io. */
typedef void io_fn(struct worker *w, struct io *io, uint32_t events);

/* A file descriptor that a worker watches; embedded in its owner. */
struct io {
	int fd; /* -1: none */
	io_fn *fn;
};

typedef void task_fn(struct worker *w, struct task *task);

/* Work for this or the next turn of the same worker. */
struct task {
	struct list link;
	task_fn *fn;
};

typedef void mail_fn(struct worker *w, struct mail *mail);

/* A message to another worker; belongs to the receiver from worker_post() on. */
struct mail {
	struct mail *next;
	mail_fn *fn;
};

/* Modules above this one hang their per-worker state here; the slot's name is its owner. */
enum worker_slot {
	WORKER_SLOT_TELEMETRY,
	WORKER_SLOT_TLS,
	WORKER_SLOT_MUX,
	WORKER_SLOT_RULE,
	WORKER_SLOT_UPSTREAM,
	WORKER_SLOT_PROXY,
	WORKER_SLOT_N,
};

struct worker {
	unsigned id; /* 0 .. workers - 1 */
	int epfd;
	bool running;
	struct clock clock;
	struct timer_wheel wheel;
	struct list runq;
	void *slot[WORKER_SLOT_N];
	struct worker_group *group;

	/* the batch of events that this turn is handing out */
	struct epoll_event *events;
	int events_n;
	int events_at;
	unsigned events_max;

	struct io wake_io; /* eventfd */
	struct list retired;
	uint64_t busy_us; /* thread CPU time of the last full second, in microseconds */
	uint64_t busy_mark_us;
	uint64_t busy_mark_ms;

	_Atomic(struct mail *) mail WEIR_CACHE_ALIGNED; /* any worker pushes */
	atomic_ullong turn
	    WEIR_CACHE_ALIGNED; /* written by its worker; odd while it waits for events */
};

/* All workers of the process. Created and freed by the main thread. */
struct worker_group;

/* events_max: events taken from the kernel at once (tune.maxpollevents). NULL when memory or fds are short. */
struct worker_group *worker_group_new(unsigned workers, unsigned events_max);
void worker_group_free(struct worker_group *g);
unsigned worker_count(const struct worker_group *g);
struct worker *worker_get(struct worker_group *g, unsigned id);
/*
 * Runs worker 0 on the calling thread and starts the others; returns when worker_group_stop() was called and
 * all have ended. on_start runs first on each thread (may be NULL). 0 or -errno.
 */
int worker_group_run(struct worker_group *g, void (*on_start)(struct worker *w));
/* Any thread. Every worker ends after its present turn. */
void worker_group_stop(struct worker_group *g);

/*
 * Registers fd, non-blocking. Edge: both directions, once for the life of the descriptor (connections).
 * Level: input only (listeners, eventfds). 0 or -errno.
 */
WEIR_NODISCARD int io_add_edge(struct worker *w, struct io *io, int fd, io_fn *fn);
WEIR_NODISCARD int io_add_level(struct worker *w, struct io *io, int fd, io_fn *fn);
/* As io_add_level for a descriptor that several workers watch: the kernel wakes one of them. */
WEIR_NODISCARD int io_add_shared(struct worker *w, struct io *io, int fd, io_fn *fn);
/* Stops watching and leaves fd open; events of this turn not handed out yet are dropped. */
void io_del(struct worker *w, struct io *io);
/* The same, and closes fd. Harmless when there is none. */
void io_close(struct worker *w, struct io *io);

static inline void task_init(struct task *task, task_fn *fn)
{
	list_init(&task->link);
	task->fn = fn;
}

/* Queues task for this worker unless it is queued already. Its own worker only. */
static inline void task_wake(struct worker *w, struct task *task)
{
	if (!list_is_linked(&task->link))
		list_add_tail(&w->runq, &task->link);
}

static inline void task_cancel(struct task *task)
{
	list_del(&task->link);
}

/* Any thread. The receiver runs fn in one of its next turns, in the order of posting. */
void worker_post(struct worker *to, struct mail *mail, mail_fn *fn);
/* Runs what is in the box now. For taking down workers that run no more: mail may carry what must be freed. */
void worker_run_mail(struct worker *w);

/*
 * Calls fn(arg) on this worker once every worker has begun a new turn: nobody can still hold a pointer that
 * was unpublished before the call. When memory is short it waits for them instead.
 */
void worker_retire(struct worker *w, void (*fn)(void *arg), void *arg);

/*
 * Stops all other workers between two turns and returns when they stand; they go on at worker_resume(). Keep
 * it to microseconds. Not nested.
 */
void worker_pause_others(struct worker *w);
void worker_resume_others(struct worker *w);

static inline uint64_t worker_now_ms(const struct worker *w)
{
	return w->clock.mono_ms;
}

static inline void worker_timer_arm(struct worker *w, struct timer *t, uint64_t delay_ms)
{
	timer_arm(&w->wheel, t, w->clock.mono_ms + delay_ms);
}

static inline void worker_timer_cancel(struct worker *w, struct timer *t)
{
	timer_cancel(&w->wheel, t);
}

/* Share of the last full second that the worker did not spend on the CPU, 0 to 100. */
unsigned worker_idle_pct(const struct worker *w);

#endif
