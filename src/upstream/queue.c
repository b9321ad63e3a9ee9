/* SPDX-License-Identifier: MIT */
/*
 * Slots and queues. The count of streams on a server is one atomic word, and nothing else is touched while
 * slots last. A stream that finds none first announces itself in the queue's length and then looks again; a
 * stream that leaves first gives its slot back and then looks at the length: so one of the two sees the other.
 *
 * A ticket belongs to its stream while queued, and to the mail that carries the grant afterwards; who takes it
 * off the queue, under the queue's lock, decides which. Any worker.
 */
#include "weir/upstream/queue.h"

#include <errno.h>

struct server_queue {
	pthread_mutex_t lock;
	struct list waiting; /* by order, then by arrival; under lock */
	atomic_uint length;  /* announced waiters */
};

struct queue_ticket {
	struct mail mail;
	struct list link; /* under the queue's lock; detached once granted */
	struct server_queue *queue;
	struct backend *be;
	struct server *granted_srv;
	struct worker *worker; /* of the stream */
	void *stream;	       /* NULL once it has left; its worker only */
	queue_granted_fn *granted;
	int64_t order;
};

struct server_queue *server_queue_new(void)
{
	struct server_queue *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	pthread_mutex_init(&q->lock, NULL);
	list_init(&q->waiting);
	return q;
}

void server_queue_free(struct server_queue *q)
{
	if (!q)
		return;
	pthread_mutex_destroy(&q->lock);
	free(q);
}

unsigned queue_length(const struct server_queue *q)
{
	return atomic_load_explicit(&q->length, memory_order_relaxed);
}

bool server_slot_take(struct server *srv)
{
	struct server_rt *rt = srv->rt;
	unsigned limit = server_limit(srv);
	if (!limit) {
		gauge_raise(&rt->g.sess_max, atomic_fetch_add(&rt->served, 1) + 1);
		return true;
	}
	unsigned now = atomic_load(&rt->served);
	do {
		if (now >= limit)
			return false;
	} while (!atomic_compare_exchange_weak(&rt->served, &now, now + 1));
	gauge_raise(&rt->g.sess_max, now + 1);
	return true;
}

static void on_grant(struct worker *w, struct mail *mail)
{
	struct queue_ticket *t = container_of(mail, struct queue_ticket, mail);
	if (t->stream)
		t->granted(t->stream, t->granted_srv);
	else if (t->granted_srv)
		server_slot_release(w, t->granted_srv); /* it left while the grant was on its way */
	free(t);
}

/* Sends the ticket off with its grant. The caller holds the queue's lock. */
static void grant(struct queue_ticket *t, struct server *srv)
{
	list_del(&t->link);
	atomic_fetch_sub(&t->queue->length, 1);
	t->granted_srv = srv;
	worker_post(t->worker, &t->mail, on_grant);
}

/* Gives a slot of srv, if there is one, to the first waiter of q. False when nobody got it. */
static bool serve_first(struct server_queue *q, struct server *srv)
{
	bool served = false;
	if (atomic_load(&q->length) == 0)
		return false;
	pthread_mutex_lock(&q->lock);
	if (!list_is_empty(&q->waiting) && server_slot_take(srv)) {
		grant(list_first(&q->waiting, struct queue_ticket, link), srv);
		served = true;
	}
	pthread_mutex_unlock(&q->lock);
	return served;
}

static bool takes_from_backend(const struct server *srv)
{
	return server_is_usable(srv) && !server_is_draining(srv);
}

void server_slot_release(struct worker *w, struct server *srv)
{
	(void)w;
	atomic_fetch_sub(&srv->rt->served, 1);
	if (!server_is_usable(srv))
		return;
	if (serve_first(srv->rt->queue, srv))
		return;
	if (takes_from_backend(srv))
		serve_first(srv->be->rt->queue, srv);
}

/* By order, behind those of the same one. */
static void enqueue(struct server_queue *q, struct queue_ticket *t)
{
	struct list *pos = q->waiting.prev;
	while (pos != &q->waiting && list_entry(pos, struct queue_ticket, link)->order > t->order)
		pos = pos->prev;
	list_add_head(pos, &t->link);
}

/* The second look, after the announcement. */
static struct server *find_free(struct backend *be, struct server *srv)
{
	struct balance_call call = { .worker = NULL };
	struct server *found;
	if (srv)
		return server_slot_take(srv) ? srv : NULL;
	for (unsigned tries = 0; tries < be->servers_n; tries++) {
		if (balance_pick(be, &call, &found) != BALANCE_OK)
			return NULL;
		if (server_slot_take(found))
			return found;
	}
	return NULL;
}

struct queue_ticket *queue_wait(struct worker *w, struct backend *be, struct server *srv,
    void *stream, queue_granted_fn *granted, int64_t order, struct server **ret_granted)
{
	struct queue_ticket *t = calloc(1, sizeof(*t));
	*ret_granted = NULL;
	if (!t)
		return NULL;
	t->queue = srv ? srv->rt->queue : be->rt->queue;
	t->be = be;
	t->worker = w;
	t->stream = stream;
	t->granted = granted;
	t->order = order;
	list_init(&t->link);
	pthread_mutex_lock(&t->queue->lock);
	unsigned length = atomic_fetch_add(&t->queue->length, 1) + 1;
	struct server *free_now = find_free(be, srv);
	if (free_now)
		atomic_fetch_sub(&t->queue->length, 1);
	else
		enqueue(t->queue, t);
	pthread_mutex_unlock(&t->queue->lock);
	if (free_now) {
		free(t);
		*ret_granted = free_now;
		return NULL;
	}
	gauge_raise(srv ? &srv->rt->g.queue_max : &be->rt->g.queue_max, length);
	return t;
}

void queue_leave(struct worker *w, struct queue_ticket *t)
{
	(void)w;
	if (!t)
		return;
	pthread_mutex_lock(&t->queue->lock);
	bool queued = list_is_linked(&t->link);
	if (queued) {
		list_del(&t->link);
		atomic_fetch_sub(&t->queue->length, 1);
	}
	pthread_mutex_unlock(&t->queue->lock);
	if (queued)
		free(t);
	else
		t->stream = NULL; /* the grant is in this worker's mailbox */
}

void queue_kick(struct worker *w, struct backend *be)
{
	(void)w;
	for (unsigned i = 0; i < be->servers_n; i++) {
		struct server *srv = be->servers[i];
		if (!server_is_usable(srv))
			continue;
		while (serve_first(srv->rt->queue, srv) ||
		       (takes_from_backend(srv) && serve_first(be->rt->queue, srv)))
			;
	}
}

void queue_drain(struct worker *w, struct server *srv)
{
	(void)w;
	struct server_queue *q = srv->rt->queue;
	pthread_mutex_lock(&q->lock);
	while (!list_is_empty(&q->waiting))
		grant(list_first(&q->waiting, struct queue_ticket, link), NULL);
	pthread_mutex_unlock(&q->lock);
}
