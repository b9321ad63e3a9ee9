/* SPDX-License-Identifier: MIT */
/*
 * The worker's loop and what other threads may ask of it: mail, a pause at a safe point, and the grace period
 * after which an unpublished object may be freed. Everything else in struct worker belongs to its own thread.
 *
 * A worker's turn counter is odd while it waits in epoll_wait(), when it holds no published pointer, and even
 * while it works. An object is free of readers when each worker either waits or has counted on since.
 */
#include "weir/event/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKER_EDGE_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

struct worker_group {
	unsigned count;
	atomic_bool stopping;
	void (*on_start)(struct worker *w);
	pthread_t threads[WORKER_MAX];
	unsigned started;

	/* the pause: one asker at a time */
	pthread_mutex_t pause_lock;
	pthread_cond_t pause_changed;
	atomic_bool pause_wanted; /* read at every turn */
	struct worker *pauser;	  /* under pause_lock */
	unsigned paused;	  /* under pause_lock */
	unsigned running;	  /* under pause_lock: workers inside their loop */

	struct worker workers[];
};

struct retired {
	struct list link;
	void (*fn)(void *arg);
	void *arg;
	unsigned long long turns[]; /* of each worker when it was retired */
};

static void wake(struct worker *w)
{
	uint64_t one = 1;
	ssize_t r = write(w->wake_io.fd, &one, sizeof(one));
	(void)r; /* EAGAIN: the counter is full, so a wake-up is on its way already */
}

void worker_run_mail(struct worker *w)
{
	struct mail *newest = atomic_exchange_explicit(&w->mail, NULL, memory_order_acquire);
	struct mail *oldest = NULL;
	while (newest) {
		struct mail *next = newest->next;
		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct mail *next = oldest->next;
		oldest->fn(w, oldest);
		oldest = next;
	}
}

static void on_wake(struct worker *w, struct io *io, uint32_t events)
{
	uint64_t count;
	(void)events;
	ssize_t r = read(io->fd, &count, sizeof(count));
	(void)r;
	worker_run_mail(w);
}

/*
 * What the wheel takes for now. Deadlines are reckoned from a clock cut to whole milliseconds, so a deadline has
 * surely passed only when the next millisecond begins: the wheel runs one behind, and no timeout is ever short.
 */
static uint64_t wheel_ms(const struct worker *w)
{
	return w->clock.mono_ms - 1;
}

static int worker_init(struct worker *w, struct worker_group *g, unsigned id, unsigned events_max)
{
	w->id = id;
	w->group = g;
	w->wake_io.fd = -1;
	w->events_max = events_max;
	list_init(&w->runq);
	list_init(&w->retired);
	atomic_init(&w->mail, NULL);
	atomic_init(&w->turn, 1);
	clock_update(&w->clock);
	timer_wheel_init(&w->wheel, wheel_ms(w));
	w->events = calloc(events_max, sizeof(*w->events));
	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (!w->events || w->epfd < 0)
		return -ENOMEM;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = io_add_level(w, &w->wake_io, fd, on_wake);
	if (r < 0)
		close(fd);
	return r;
}

static void worker_done(struct worker *w)
{
	io_close(w, &w->wake_io);
	if (w->epfd >= 0)
		close(w->epfd);
	free(w->events);
	list_for_each_entry_safe (r, &w->retired, struct retired, link) {
		r->fn(r->arg);
		free(r);
	}
}

struct worker_group *worker_group_new(unsigned workers, unsigned events_max)
{
	size_t size = sizeof(struct worker_group) + workers * sizeof(struct worker);
	size = (size + WEIR_CACHELINE - 1) & ~(size_t)(WEIR_CACHELINE - 1);
	struct worker_group *g = aligned_alloc(WEIR_CACHELINE, size);
	if (!g)
		return NULL;
	memset(g, 0, size);
	g->count = workers;
	pthread_mutex_init(&g->pause_lock, NULL);
	pthread_cond_init(&g->pause_changed, NULL);
	for (unsigned i = 0; i < workers; i++)
		g->workers[i].epfd = -1;
	for (unsigned i = 0; i < workers; i++) {
		if (worker_init(&g->workers[i], g, i, events_max) < 0) {
			worker_group_free(g);
			return NULL;
		}
	}
	return g;
}

void worker_group_free(struct worker_group *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < g->count; i++) {
		if (g->workers[i].group)
			worker_done(&g->workers[i]);
	}
	pthread_cond_destroy(&g->pause_changed);
	pthread_mutex_destroy(&g->pause_lock);
	free(g);
}

unsigned worker_count(const struct worker_group *g)
{
	return g->count;
}

struct worker *worker_get(struct worker_group *g, unsigned id)
{
	return &g->workers[id];
}

/* ---- descriptors ---- */

static int io_add(struct worker *w, struct io *io, int fd, io_fn *fn, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };
	if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	io->fd = fd;
	io->fn = fn;
	return 0;
}

int io_add_edge(struct worker *w, struct io *io, int fd, io_fn *fn)
{
	return io_add(w, io, fd, fn, WORKER_EDGE_EVENTS);
}

int io_add_level(struct worker *w, struct io *io, int fd, io_fn *fn)
{
	return io_add(w, io, fd, fn, EPOLLIN);
}

int io_add_shared(struct worker *w, struct io *io, int fd, io_fn *fn)
{
	return io_add(w, io, fd, fn, EPOLLIN | EPOLLEXCLUSIVE);
}

/* An event of this turn must not reach an io that is gone. */
static void forget_events(struct worker *w, struct io *io)
{
	for (int i = w->events_at; i < w->events_n; i++) {
		if (w->events[i].data.ptr == io)
			w->events[i].data.ptr = NULL;
	}
}

void io_del(struct worker *w, struct io *io)
{
	if (io->fd < 0)
		return;
	epoll_ctl(w->epfd, EPOLL_CTL_DEL, io->fd, NULL);
	forget_events(w, io);
	io->fd = -1;
}

void io_close(struct worker *w, struct io *io)
{
	if (io->fd < 0)
		return;
	forget_events(w, io);
	close(io->fd); /* the kernel drops it from epoll with the last reference */
	io->fd = -1;
}

/* ---- mail ---- */

void worker_post(struct worker *to, struct mail *mail, mail_fn *fn)
{
	mail->fn = fn;
	struct mail *head = atomic_load_explicit(&to->mail, memory_order_relaxed);
	do {
		mail->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
	    &to->mail, &head, mail, memory_order_release, memory_order_relaxed));
	if (!head)
		wake(to);
}

/* ---- grace periods ---- */

static unsigned long long turn_of(const struct worker *w)
{
	return atomic_load_explicit(&w->turn, memory_order_seq_cst);
}

static bool has_passed(const struct worker *w, unsigned long long turn_then)
{
	unsigned long long turn = turn_of(w);
	return (turn & 1) || turn != turn_then;
}

static void reap_retired(struct worker *w)
{
	struct worker_group *g = w->group;
	list_for_each_entry_safe (r, &w->retired, struct retired, link) {
		for (unsigned i = 0; i < g->count; i++) {
			if (!has_passed(&g->workers[i], r->turns[i]))
				return; /* later ones were retired later */
		}
		list_del(&r->link);
		r->fn(r->arg);
		free(r);
	}
}

void worker_retire(struct worker *w, void (*fn)(void *arg), void *arg)
{
	struct worker_group *g = w->group;
	struct retired *r = malloc(sizeof(*r) + g->count * sizeof(r->turns[0]));
	if (!r) {
		worker_pause_others(w);
		worker_resume_others(w);
		fn(arg);
		return;
	}
	r->fn = fn;
	r->arg = arg;
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < g->count; i++)
		r->turns[i] = turn_of(&g->workers[i]);
	list_add_tail(&w->retired, &r->link);
}

/* ---- pause ---- */

/* Stands still while another worker has asked for it. */
static void safe_point(struct worker *w)
{
	struct worker_group *g = w->group;
	pthread_mutex_lock(&g->pause_lock);
	while (g->pauser && g->pauser != w) {
		g->paused++;
		pthread_cond_broadcast(&g->pause_changed);
		struct worker *pauser = g->pauser;
		while (g->pauser == pauser)
			pthread_cond_wait(&g->pause_changed, &g->pause_lock);
		g->paused--;
		pthread_cond_broadcast(&g->pause_changed);
	}
	pthread_mutex_unlock(&g->pause_lock);
}

void worker_pause_others(struct worker *w)
{
	struct worker_group *g = w->group;
	if (g->count == 1)
		return;
	for (;;) {
		safe_point(w);
		pthread_mutex_lock(&g->pause_lock);
		if (!g->pauser && g->paused == 0)
			break;
		pthread_mutex_unlock(&g->pause_lock);
	}
	g->pauser = w;
	atomic_store(&g->pause_wanted, true);
	for (unsigned i = 0; i < g->count; i++) {
		if (&g->workers[i] != w)
			wake(&g->workers[i]);
	}
	while (g->paused + 1 < g->running)
		pthread_cond_wait(&g->pause_changed, &g->pause_lock);
	pthread_mutex_unlock(&g->pause_lock);
}

void worker_resume_others(struct worker *w)
{
	struct worker_group *g = w->group;
	if (g->count == 1)
		return;
	pthread_mutex_lock(&g->pause_lock);
	g->pauser = NULL;
	atomic_store(&g->pause_wanted, false);
	pthread_cond_broadcast(&g->pause_changed);
	pthread_mutex_unlock(&g->pause_lock);
}

/* ---- the loop ---- */

static int wait_ms(const struct worker *w)
{
	if (!list_is_empty(&w->runq))
		return 0;
	int64_t next = timer_wheel_next(&w->wheel, wheel_ms(w));
	if (!list_is_empty(&w->retired) && (next < 0 || next > 1))
		next = 1;
	return next > 60000 ? 60000 : (int)next;
}

static uint64_t thread_cpu_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Once a second at most: the only system call of the loop that is not epoll_wait. */
static void measure_busy(struct worker *w)
{
	uint64_t elapsed_ms = w->clock.mono_ms - w->busy_mark_ms;
	if (elapsed_ms < 1000)
		return;
	uint64_t cpu_us = thread_cpu_us();
	w->busy_us = (cpu_us - w->busy_mark_us) * 1000 / elapsed_ms;
	w->busy_mark_us = cpu_us;
	w->busy_mark_ms = w->clock.mono_ms;
}

unsigned worker_idle_pct(const struct worker *w)
{
	return w->busy_us >= 1000000 ? 0 : (unsigned)(100 - w->busy_us / 10000);
}

static void hand_out_events(struct worker *w)
{
	for (w->events_at = 0; w->events_at < w->events_n;) {
		struct epoll_event *ev = &w->events[w->events_at++];
		struct io *io = ev->data.ptr;
		if (io)
			io->fn(w, io, ev->events);
	}
	w->events_n = 0;
	w->events_at = 0;
}

/* Tasks that are woken meanwhile run in the next turn, so that no pair of them starves the sockets. */
static void run_tasks(struct worker *w)
{
	struct list now = LIST_INIT(now);
	list_splice_tail(&now, &w->runq);
	while (!list_is_empty(&now)) {
		struct task *task = list_first(&now, struct task, link);
		list_del(&task->link);
		task->fn(w, task);
	}
}

static void turn(struct worker *w)
{
	struct worker_group *g = w->group;
	int timeout = wait_ms(w);
	atomic_fetch_add_explicit(&w->turn, 1, memory_order_seq_cst); /* odd: waiting */
	int n = epoll_wait(w->epfd, w->events, (int)w->events_max, timeout);
	if (unlikely(atomic_load_explicit(&g->pause_wanted, memory_order_acquire)))
		safe_point(w);
	atomic_fetch_add_explicit(&w->turn, 1, memory_order_seq_cst); /* even: working */
	clock_update(&w->clock);
	measure_busy(w);
	w->events_n = n > 0 ? n : 0;
	hand_out_events(w);
	timer_wheel_advance(&w->wheel, w, wheel_ms(w));
	run_tasks(w);
	if (unlikely(!list_is_empty(&w->retired)))
		reap_retired(w);
}

static void run_loop(struct worker *w)
{
	struct worker_group *g = w->group;
	pthread_mutex_lock(&g->pause_lock);
	g->running++;
	pthread_mutex_unlock(&g->pause_lock);
	atomic_fetch_add_explicit(&w->turn, 1, memory_order_seq_cst); /* even: working */
	if (g->on_start)
		g->on_start(w);
	while (!atomic_load_explicit(&g->stopping, memory_order_relaxed))
		turn(w);
	atomic_fetch_add_explicit(&w->turn, 1, memory_order_seq_cst); /* odd: over */
	pthread_mutex_lock(&g->pause_lock);
	g->running--;
	pthread_cond_broadcast(&g->pause_changed);
	pthread_mutex_unlock(&g->pause_lock);
}

static void *thread_main(void *arg)
{
	run_loop(arg);
	return NULL;
}

int worker_group_run(struct worker_group *g, void (*on_start)(struct worker *w))
{
	sigset_t all, before;
	int r = 0;
	g->on_start = on_start;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals go to the main thread */
	for (g->started = 1; g->started < g->count; g->started++) {
		r = pthread_create(
		    &g->threads[g->started], NULL, thread_main, &g->workers[g->started]);
		if (r)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		worker_group_stop(g);
	run_loop(&g->workers[0]);
	for (unsigned i = 1; i < g->started; i++)
		pthread_join(g->threads[i], NULL);
	return -r;
}

void worker_group_stop(struct worker_group *g)
{
	atomic_store(&g->stopping, true);
	for (unsigned i = 0; i < g->count; i++)
		wake(&g->workers[i]);
}
