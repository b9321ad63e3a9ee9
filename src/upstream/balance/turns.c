/* SPDX-License-Identifier: MIT */
/*
 * The order of weighted turns, computed when a table is built, so that taking a turn is one atomic addition and
 * exact over all workers.
 *
 * Each server has a position on a line of total-weight steps and moves on by total/weight after each turn. At
 * every step the server whose position is reached goes; while nobody's is, servers that had no turn yet come
 * in, heaviest first. The order repeats itself from the second round on; where the first differs, it is kept
 * as the head.
 */
#include "balance_internal.h"

/* Longest cycle that is written out. Weights of larger totals are scaled down to it. */
#define CYCLE_MAX 65536u

struct runner {
	unsigned weight;
	unsigned at;   /* position of the next turn */
	unsigned rest; /* of total / weight, carried along */
	unsigned seen; /* when it was placed: first placed goes first */
	bool placed;
};

unsigned weights_gcd(const uint32_t *weights, unsigned n)
{
	unsigned g = 0;
	for (unsigned i = 0; i < n; i++) {
		unsigned a = g, b = weights[i];
		while (b) {
			unsigned r = a % b;
			a = b;
			b = r;
		}
		g = a;
	}
	return g ? g : 1;
}

/* a goes before b when both are placed. */
static bool earlier(const struct runner *a, const struct runner *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	int ka = (int)a->rest - (int)a->weight, kb = (int)b->rest - (int)b->weight;
	if (ka != kb)
		return ka < kb;
	return (int)(a->seen - b->seen) < 0;
}

static void sift(const struct runner *r, uint16_t *heap, unsigned n, unsigned i)
{
	for (;;) {
		unsigned child = 2 * i + 1;
		if (child >= n)
			return;
		if (child + 1 < n && earlier(&r[heap[child + 1]], &r[heap[child]]))
			child++;
		if (!earlier(&r[heap[child]], &r[heap[i]]))
			return;
		uint16_t t = heap[i];
		heap[i] = heap[child];
		heap[child] = t;
		i = child;
	}
}

static void heap_add(const struct runner *r, uint16_t *heap, unsigned n, uint16_t v)
{
	unsigned i = n;
	heap[i] = v;
	while (i && earlier(&r[heap[i]], &r[heap[(i - 1) / 2]])) {
		uint16_t t = heap[i];
		heap[i] = heap[(i - 1) / 2];
		heap[(i - 1) / 2] = t;
		i = (i - 1) / 2;
	}
}

static void advance(struct runner *r, unsigned total, unsigned step)
{
	r->at += total / r->weight;
	r->rest += total % r->weight;
	if (r->rest >= r->weight) {
		r->rest -= r->weight;
		r->at++;
	}
	r->seen = step;
	r->placed = true;
}

/* Newcomers: heaviest first, then in the order of the file. */
static void order_newcomers(const struct runner *r, unsigned n, uint16_t *out)
{
	unsigned start[SERVER_WEIGHT_MAX + 2] = { 0 };
	unsigned max = 1;
	for (unsigned i = 0; i < n; i++)
		max = MAX(max, r[i].weight);
	/* counting sort over 257 classes of weight; exact while weights fit, else nearly */
	unsigned div = (max + SERVER_WEIGHT_MAX) / (SERVER_WEIGHT_MAX + 1);
	div = div ? div : 1;
	for (unsigned i = 0; i < n; i++)
		start[SERVER_WEIGHT_MAX - MIN(r[i].weight / div, SERVER_WEIGHT_MAX) + 1]++;
	for (unsigned c = 1; c < ARRAY_SIZE(start); c++)
		start[c] += start[c - 1];
	for (unsigned i = 0; i < n; i++)
		out[start[SERVER_WEIGHT_MAX - MIN(r[i].weight / div, SERVER_WEIGHT_MAX)]++] =
		    (uint16_t)i;
}

/* Writes `turns` turns to order. */
static void run(struct runner *r, unsigned n, unsigned total, uint16_t *heap, uint16_t *fresh,
    unsigned turns, uint16_t *order)
{
	unsigned placed = 0, next_fresh = 0;
	order_newcomers(r, n, fresh);
	for (unsigned step = 0; step < turns; step++) {
		uint16_t who;
		if (next_fresh < n && (!placed || r[heap[0]].at > step)) {
			who = fresh[next_fresh++];
			r[who].at = step;
		} else {
			who = heap[0];
			heap[0] = heap[--placed];
			sift(r, heap, placed, 0);
		}
		order[step] = who;
		advance(&r[who], total, step);
		heap_add(r, heap, placed++, who);
	}
}

/* Smallest whole weights of the same proportions, at most CYCLE_MAX in all. Returns their sum. */
static unsigned reduce(const uint32_t *weights, unsigned n, struct runner *r)
{
	unsigned gcd = weights_gcd(weights, n);
	uint64_t total = 0;
	unsigned sum = 0;
	for (unsigned i = 0; i < n; i++)
		total += weights[i] / gcd;
	for (unsigned i = 0; i < n; i++) {
		uint64_t v = weights[i] / gcd;
		if (total > CYCLE_MAX)
			v = v * CYCLE_MAX / total;
		r[i] = (struct runner){ .weight = v ? (unsigned)v : 1 };
		sum += r[i].weight;
	}
	return sum;
}

struct rr_sequence *rr_sequence_new(const uint32_t *weights, unsigned n)
{
	struct rr_sequence *q = NULL;
	struct runner *r = calloc(n, sizeof(*r));
	uint16_t *heap = malloc(n * 2 * sizeof(*heap));
	if (!r || !heap)
		goto out;
	unsigned total = reduce(weights, n, r);
	q = malloc(sizeof(*q) + 2 * (size_t)total * sizeof(q->order[0]));
	if (!q)
		goto out;
	run(r, n, total, heap, heap + n, 2 * total, q->order);
	q->cycle_n = total;
	q->head_n = memcmp(q->order, q->order + total, total * sizeof(q->order[0])) ? total : 0;
out:
	free(heap);
	free(r);
	return q;
}

static unsigned order_at(const struct rr_sequence *q, unsigned turn)
{
	if (turn < q->head_n)
		return q->order[turn];
	return q->order[q->head_n + (turn - q->head_n) % q->cycle_n];
}

struct server *rr_sequence_pick(
    struct backend *be, const struct balance_table *t, const struct balance_call *call)
{
	/* Who is full gives up his turn to the next; after one look at everybody's turn, all are full. */
	unsigned turn = atomic_fetch_add_explicit(&be->rt->rr, 1, memory_order_relaxed);
	unsigned first = order_at(t->turn, turn);
	if (likely(!skip_server(t->servers[first], call)))
		return t->servers[first];
	for (unsigned i = 1; i < t->n; i++) {
		struct server *s = t->servers[order_at(t->turn, turn + i)];
		if (!skip_server(s, call)) {
			atomic_fetch_add_explicit(&be->rt->rr, i, memory_order_relaxed);
			return s;
		}
	}
	for (unsigned i = 1; i < t->n; i++) {
		struct server *s = t->servers[(first + i) % t->n];
		if (!skip_server(s, call))
			return s;
	}
	return NULL;
}
