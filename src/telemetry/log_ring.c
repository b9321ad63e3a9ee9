/* SPDX-License-Identifier: MIT */
/*
 * The ring: blocks of 64 bytes, a record in as many neighbours as it needs, and beside them one word a block that
 * says which record begins there. No locks:
 *
 * - A writer reserves blocks by moving head, which it may only do while they are free; when they are not it first
 *   moves tail behind the oldest record. Its blocks are its own until it commits the record.
 * - A record that is reserved and not committed cannot be evicted. When it is the oldest one of a full ring, its
 *   writer was stopped in the middle by the kernel: others drop their records rather than wait for it.
 * - A reader copies first and looks at tail afterwards: when tail passed the record meanwhile, the copy may be
 *   torn and is thrown away. All words of data are atomic, so that this is no data race.
 *
 * Positions count blocks and never go back. Head and tail are each one word of a position and, below it, the
 * number of the record, by which a reader that was overtaken knows how many it lost.
 */
#include "weir/telemetry/log_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK	    64u
#define BLOCK_WORDS (BLOCK / sizeof(uint64_t))
#define BLOCKS_MIN  16u
/* of a place: position << SHIFT | number */
#define SHIFT	   24
#define NUMBER_MAX ((1u << SHIFT) - 1)

struct log_ring {
	atomic_ullong head WEIR_CACHE_ALIGNED;	  /* where the next record begins */
	atomic_ullong tail WEIR_CACHE_ALIGNED;	  /* the oldest record */
	atomic_ullong waiting WEIR_CACHE_ALIGNED; /* a bit a slot that sleeps */
	atomic_ullong slots_used;
	atomic_ullong dropped;
	_Atomic(struct log_ring_waiter *) slots[LOG_RING_WAITERS_MAX];
	/* constant from here on */
	size_t blocks;	       /* a power of two */
	atomic_ullong *begins; /* position << SHIFT | length of the record that begins in a block */
	atomic_ullong *data;
	bool mapped; /* data is a file */
};

static uint64_t place_make(uint64_t position, uint64_t number)
{
	return position << SHIFT | (number & NUMBER_MAX);
}

static uint64_t place_after(uint64_t place, size_t blocks)
{
	return place_make((place >> SHIFT) + blocks, place + 1);
}

/* Blocks from b to a; positions have 40 bits. */
static int64_t place_diff(uint64_t a, uint64_t b)
{
	return (int64_t)(((a >> SHIFT) - (b >> SHIFT)) << SHIFT) >> SHIFT;
}

static size_t blocks_of(size_t len)
{
	return len ? (len + BLOCK - 1) / BLOCK : 1;
}

static atomic_ullong *begin_of(const struct log_ring *r, uint64_t place)
{
	return &r->begins[(place >> SHIFT) & (r->blocks - 1)];
}

/* Whether a word of begins is of the record at place. */
static bool is_committed(uint64_t begin, uint64_t place)
{
	return begin >> SHIFT == place >> SHIFT;
}

/* ---- memory ---- */

/* What an earlier process left is kept under another name; that it cannot be is no reason not to start. */
static void rotate(const char *file)
{
	char old[PATH_MAX];
	struct stat st;
	if (stat(file, &st) < 0 || st.st_size == 0 ||
	    snprintf(old, sizeof(old), "%s.bak", file) >= (int)sizeof(old))
		return;
	(void)rename(file, old);
}

/* Only data is in the file: whatever others do to that, positions stay right. */
static int map_file(struct log_ring *r, const char *file)
{
	size_t len = log_ring_size(r);
	rotate(file);
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* the blocks are taken now: a file system that fills up later would kill the process */
	int error = posix_fallocate(fd, 0, (off_t)len);
	void *at = error ? MAP_FAILED : mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!error && at == MAP_FAILED)
		error = errno;
	close(fd);
	if (error)
		return -error;
	r->data = at;
	r->mapped = true;
	return 0;
}

static int get_memory(struct log_ring *r, const char *file)
{
	r->begins = calloc(r->blocks, sizeof(r->begins[0]));
	if (!r->begins)
		return -ENOMEM;
	if (file)
		return map_file(r, file);
	r->data = calloc(r->blocks, BLOCK);
	return r->data ? 0 : -ENOMEM;
}

int log_ring_new(size_t size, const char *file, struct log_ring **ret)
{
	struct log_ring *r;
	size_t blocks = BLOCKS_MIN;
	if (size > SIZE_MAX / 4)
		return -EINVAL;
	while (blocks * BLOCK < size)
		blocks *= 2;
	r = aligned_alloc(WEIR_CACHELINE, sizeof(*r));
	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	r->blocks = blocks;
	int error = get_memory(r, file);
	if (error < 0) {
		log_ring_free(r);
		return error;
	}
	/* not 0, which is what unwritten words of begins say */
	atomic_init(&r->head, place_make(blocks, 0));
	atomic_init(&r->tail, place_make(blocks, 0));
	*ret = r;
	return 0;
}

void log_ring_free(struct log_ring *r)
{
	if (!r)
		return;
	if (r->mapped)
		munmap(r->data, log_ring_size(r));
	else
		free(r->data);
	free(r->begins);
	free(r);
}

size_t log_ring_size(const struct log_ring *r)
{
	return r->blocks * BLOCK;
}

void log_ring_count_dropped(struct log_ring *r, uint64_t n)
{
	atomic_fetch_add_explicit(&r->dropped, n, memory_order_relaxed);
}

uint64_t log_ring_dropped(const struct log_ring *r)
{
	return atomic_load_explicit(&r->dropped, memory_order_relaxed);
}

/* ---- waking readers ---- */

static void give_slot(struct log_ring_waiter *rw)
{
	atomic_fetch_and(&rw->ring->slots_used, ~(1ull << rw->slot));
}

static void on_wake(struct worker *w, struct mail *mail)
{
	struct log_ring_waiter *rw = container_of(mail, struct log_ring_waiter, mail);
	(void)w;
	rw->asleep = false;
	if (!rw->deleted) {
		rw->wake(rw);
		return;
	}
	give_slot(rw);
	rw->gone(rw);
}

/* Whoever clears a bit posts the mail; the waiter stays where it is until that has arrived. */
static void wake_readers(struct log_ring *r)
{
	if (likely(!atomic_load(&r->waiting)))
		return;
	uint64_t bits = atomic_exchange(&r->waiting, 0);
	for (; bits; bits &= bits - 1) {
		struct log_ring_waiter *rw = atomic_load(&r->slots[__builtin_ctzll(bits)]);
		worker_post(rw->worker, &rw->mail, on_wake);
	}
}

int log_ring_waiter_add(struct log_ring_waiter *rw)
{
	struct log_ring *r = rw->ring;
	unsigned long long used = atomic_load(&r->slots_used), free_bit;
	do {
		if (~used == 0)
			return -EBUSY;
		free_bit = ~used & -~used;
	} while (!atomic_compare_exchange_weak(&r->slots_used, &used, used | free_bit));
	rw->slot = (uint8_t)__builtin_ctzll(free_bit);
	rw->asleep = false;
	rw->deleted = false;
	atomic_store(&r->slots[rw->slot], rw);
	return 0;
}

/* The bit is taken back: true, unless a writer took it before. */
static bool unsleep(struct log_ring_waiter *rw)
{
	unsigned long long bit = 1ull << rw->slot;
	if (!(atomic_fetch_and(&rw->ring->waiting, ~bit) & bit))
		return false;
	rw->asleep = false;
	return true;
}

bool log_ring_waiter_sleep(struct log_ring_waiter *rw, struct log_ring_cursor c)
{
	struct log_ring *r = rw->ring;
	if (rw->asleep)
		return true;
	rw->asleep = true;
	atomic_fetch_or(&r->waiting, 1ull << rw->slot);
	/* a record that was committed before the bit was seen: its writer wakes nobody */
	bool there = is_committed(atomic_load(begin_of(r, c.at)), c.at) ||
		     place_diff(atomic_load(&r->tail), c.at) > 0;
	return !(there && unsleep(rw));
}

bool log_ring_waiter_del(struct log_ring_waiter *rw)
{
	bool free_now = !rw->asleep || unsleep(rw);
	rw->deleted = true;
	/* a writer that took the bit may not have looked into the slot yet */
	if (free_now)
		give_slot(rw);
	return free_now;
}

/* ---- writing ---- */

/* Packs bytes into words of consecutive blocks. */
struct packer {
	struct log_ring *r;
	size_t at; /* word */
	unsigned fill;
	uint64_t word;
};

static void pack_word(struct packer *p)
{
	size_t mask = p->r->blocks * BLOCK_WORDS - 1;
	/* release: a reader that sees it sees the tail that made room for it, too */
	atomic_store_explicit(&p->r->data[p->at++ & mask], p->word, memory_order_release);
	p->word = 0;
	p->fill = 0;
}

static void pack(struct packer *p, const char *bytes, size_t len)
{
	while (len) {
		size_t n = MIN(sizeof(p->word) - p->fill, len);
		memcpy((char *)&p->word + p->fill, bytes, n);
		p->fill += (unsigned)n;
		bytes += n;
		len -= n;
		if (p->fill == sizeof(p->word))
			pack_word(p);
	}
}

/* Makes the oldest record go. False: it is being written yet. */
static bool evict(struct log_ring *r, unsigned long long tail)
{
	uint64_t begin = atomic_load_explicit(begin_of(r, tail), memory_order_acquire);
	if (!is_committed(begin, tail)) /* or somebody else has evicted it */
		return atomic_load_explicit(&r->tail, memory_order_acquire) != tail;
	atomic_compare_exchange_strong_explicit(&r->tail, &tail,
	    place_after(tail, blocks_of(begin & NUMBER_MAX)), memory_order_acq_rel,
	    memory_order_relaxed);
	return true;
}

/* Blocks for a record of its own; false when there is no room. */
static bool reserve(struct log_ring *r, size_t blocks, unsigned long long *ret_place)
{
	if (blocks > r->blocks)
		return false;
	for (;;) {
		/* in this order: a head that is too old makes the exchange fail */
		unsigned long long head = atomic_load_explicit(&r->head, memory_order_acquire);
		unsigned long long tail = atomic_load_explicit(&r->tail, memory_order_acquire);
		int64_t used = place_diff(head, tail);
		if (used < 0)
			continue;
		if ((size_t)used + blocks > r->blocks) {
			if (!evict(r, tail))
				return false;
			continue;
		}
		if (atomic_compare_exchange_weak_explicit(&r->head, &head,
			place_after(head, blocks), memory_order_acq_rel, memory_order_relaxed)) {
			*ret_place = head;
			return true;
		}
	}
}

bool log_ring_write(struct log_ring *r, const struct iovec *iov, unsigned n)
{
	unsigned long long place;
	size_t len = 0, rest;
	for (unsigned i = 0; i < n; i++)
		len += iov[i].iov_len;
	len = MIN(len, (size_t)LOG_RING_RECORD_MAX);
	if (!reserve(r, blocks_of(len), &place)) {
		log_ring_count_dropped(r, 1);
		return false;
	}
	struct packer p = { .r = r, .at = (place >> SHIFT) * BLOCK_WORDS };
	rest = len;
	for (unsigned i = 0; i < n; i++) {
		size_t part = MIN(iov[i].iov_len, rest);
		pack(&p, iov[i].iov_base, part);
		rest -= part;
	}
	if (p.fill)
		pack_word(&p);
	/* so that the file shows no ends of older records behind newer ones */
	while (r->mapped && p.at % BLOCK_WORDS)
		pack_word(&p);
	/* sequentially consistent, as is the look at who waits: see log_ring_waiter_sleep() */
	atomic_store(begin_of(r, place), (place >> SHIFT) << SHIFT | len);
	wake_readers(r);
	return true;
}

/* ---- reading ---- */

struct log_ring_cursor log_ring_oldest(const struct log_ring *r)
{
	return (struct log_ring_cursor){ atomic_load_explicit(&r->tail, memory_order_acquire) };
}

struct log_ring_cursor log_ring_end(const struct log_ring *r)
{
	return (struct log_ring_cursor){ atomic_load_explicit(&r->head, memory_order_acquire) };
}

uint64_t log_ring_distance(struct log_ring_cursor from, struct log_ring_cursor to)
{
	return (to.at - from.at) & NUMBER_MAX;
}

/* Steps to the oldest record when the one at the cursor is gone. */
static bool catch_up(const struct log_ring *r, struct log_ring_cursor *c, uint64_t *lost)
{
	struct log_ring_cursor tail = log_ring_oldest(r);
	if (likely(place_diff(tail.at, c->at) <= 0))
		return false;
	*lost += log_ring_distance(*c, tail);
	*c = tail;
	return true;
}

void log_ring_catch_up(const struct log_ring *r, struct log_ring_cursor *c, uint64_t *lost)
{
	(void)catch_up(r, c, lost);
}

static void unpack(const struct log_ring *r, uint64_t place, char *buf, size_t len)
{
	size_t mask = r->blocks * BLOCK_WORDS - 1;
	size_t at = (place >> SHIFT) * BLOCK_WORDS;
	for (size_t done = 0; done < len; done += sizeof(uint64_t)) {
		uint64_t word = atomic_load_explicit(&r->data[at++ & mask], memory_order_acquire);
		memcpy(buf + done, &word, MIN(sizeof(word), len - done));
	}
}

bool log_ring_read(
    const struct log_ring *r, struct log_ring_cursor *c, char *buf, size_t *ret_len, uint64_t *lost)
{
	for (;;) {
		(void)catch_up(r, c, lost);
		uint64_t begin = atomic_load_explicit(begin_of(r, c->at), memory_order_acquire);
		if (!is_committed(begin, c->at)) {
			if (catch_up(r, c, lost))
				continue;
			return false;
		}
		size_t len = MIN(begin & NUMBER_MAX, (uint64_t)LOG_RING_RECORD_MAX);
		unpack(r, c->at, buf, len);
		if (catch_up(r, c, lost))
			continue;
		c->at = place_after(c->at, blocks_of(len));
		*ret_len = len;
		return true;
	}
}
