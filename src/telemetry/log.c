/* SPDX-License-Identifier: MIT */
/*
 * Sending log lines: level filter, sampling, header, and one sendmsg(), writev() or place in a ring a target. Each
 * worker has its own datagram sockets, one an address family, made when first needed, and its own cached dates. A line
 * that the kernel refuses is dropped and counted, so that a dead syslog server never slows traffic.
 *
 * The newline at the end goes to datagram targets too, as syslog servers get it from other proxies.
 */
#include "weir/telemetry/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log_header.h"
#include "log_out.h"
#include "weir/base/strbuf.h"
#include "weir/telemetry/log_ring.h"

/* Indices of the worker's sockets. */
enum log_socket {
	LOG_SOCKET_UNIX,
	LOG_SOCKET_IPV4,
	LOG_SOCKET_IPV6,
	LOG_SOCKET_N,
};

struct log_worker {
	int fds[LOG_SOCKET_N]; /* -1: not made yet */
	pid_t pid;
	struct log_dates dates;
	struct strbuf text; /* of log_emitf() */
};

/* Process-wide, as DroppedLogs is; touched only when a line is lost. */
static atomic_ullong dropped_total;

uint64_t log_dropped(void)
{
	return atomic_load_explicit(&dropped_total, memory_order_relaxed);
}

int log_worker_start(struct worker *w)
{
	struct log_worker *lw = calloc(1, sizeof(*lw));
	if (!lw)
		return -ENOMEM;
	for (unsigned i = 0; i < LOG_SOCKET_N; i++)
		lw->fds[i] = -1;
	lw->pid = getpid();
	tzset();
	w->slot[WORKER_SLOT_TELEMETRY] = lw;
	return 0;
}

void log_worker_stop(struct worker *w)
{
	struct log_worker *lw = w->slot[WORKER_SLOT_TELEMETRY];
	if (!lw)
		return;
	for (unsigned i = 0; i < LOG_SOCKET_N; i++) {
		if (lw->fds[i] >= 0)
			close(lw->fds[i]);
	}
	strbuf_done(&lw->text);
	free(lw);
	w->slot[WORKER_SLOT_TELEMETRY] = NULL;
}

/* The descriptor to send to an address of that family from, or -1. */
static int datagram_socket(struct log_worker *lw, int family)
{
	static const int families[LOG_SOCKET_N] = {
		[LOG_SOCKET_UNIX] = AF_UNIX,
		[LOG_SOCKET_IPV4] = AF_INET,
		[LOG_SOCKET_IPV6] = AF_INET6,
	};
	for (unsigned i = 0; i < LOG_SOCKET_N; i++) {
		if (families[i] != family)
			continue;
		if (lw->fds[i] < 0)
			lw->fds[i] =
			    socket(families[i], SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		return lw->fds[i];
	}
	return -1;
}

/* The parts of a line and its newline, in out; returns how many bytes they are. */
static size_t with_newline(const struct iovec *iov, unsigned n, struct iovec out[LOG_PARTS_MAX + 1])
{
	size_t total = 1;
	for (unsigned i = 0; i < n; i++) {
		out[i] = iov[i];
		total += iov[i].iov_len;
	}
	out[n] = (struct iovec){ .iov_base = (void *)"\n", .iov_len = 1 };
	return total;
}

bool log_send_datagram(struct worker *w, const struct sockaddr *addr, socklen_t addr_len,
    const struct iovec *iov, unsigned n)
{
	struct log_worker *lw = w->slot[WORKER_SLOT_TELEMETRY];
	struct iovec out[LOG_PARTS_MAX + 1];
	struct msghdr msg = {
		.msg_name = (void *)(uintptr_t)addr,
		.msg_namelen = addr_len,
		.msg_iov = out,
		.msg_iovlen = n + 1,
	};
	int fd = n <= LOG_PARTS_MAX && lw ? datagram_socket(lw, addr->sa_family) : -1;
	if (fd < 0)
		return false;
	size_t total = with_newline(iov, n, out);
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)total;
}

/* The descriptor may be shared with other processes (a terminal), so it is left alone until there is a line. */
static bool write_fd(struct log_target *t, const struct iovec *iov, unsigned n)
{
	struct iovec out[LOG_PARTS_MAX + 1];
	if (!atomic_load_explicit(&t->nonblocking, memory_order_relaxed)) {
		int flags = fcntl(t->fd, F_GETFL);
		if (flags >= 0 && !(flags & O_NONBLOCK))
			fcntl(t->fd, F_SETFL, flags | O_NONBLOCK);
		atomic_store_explicit(&t->nonblocking, true, memory_order_relaxed);
	}
	size_t total = with_newline(iov, n, out);
	return writev(t->fd, out, (int)n + 1) == (ssize_t)total;
}

bool log_deliver_ring(struct worker *w, struct log_target *t, const struct iovec *iov, unsigned n)
{
	(void)w;
	return t->deliver_to && log_ring_write(t->deliver_to, iov, n);
}

void log_count_dropped(uint64_t n)
{
	atomic_fetch_add_explicit(&dropped_total, n, memory_order_relaxed);
}

const struct log_dates *log_dates_now(struct worker *w)
{
	struct log_worker *lw = w->slot[WORKER_SLOT_TELEMETRY];
	if (!lw)
		return NULL;
	log_dates_update(&lw->dates, w->clock.wall_us);
	return &lw->dates;
}

static void lose(struct log_target *t)
{
	atomic_fetch_add_explicit(&t->dropped, 1, memory_order_relaxed);
	log_count_dropped(1);
}

void log_put(struct worker *w, struct log_target *t, const struct iovec *iov, unsigned n)
{
	bool sent;
	if (t->deliver)
		sent = t->deliver(w, t, iov, n);
	else if (t->fd >= 0)
		sent = write_fd(t, iov, n);
	else
		sent = log_send_datagram(w, (const struct sockaddr *)&t->addr, t->addr_len, iov, n);
	if (unlikely(!sent))
		lose(t);
}

static size_t room_of(const struct log_target *t)
{
	bool counts_newline = t->header == LOG_HEADER_RAW && t->deliver != log_deliver_ring;
	return counts_newline ? t->len - 1 : t->len;
}

/*
 * Appends as much of s as the line has room for. A line takes len bytes and its newline, but in raw format the
 * newline is counted in.
 */
static void add_part(struct iovec *iov, unsigned *n, size_t *room, const char *ptr, size_t len)
{
	len = MIN(len, *room);
	if (len == 0)
		return;
	iov[*n].iov_base = (void *)ptr;
	iov[*n].iov_len = len;
	(*n)++;
	*room -= len;
}

static void send_line(struct worker *w, struct log_target *t, const struct log_set *set,
    enum log_level level, struct slice sd, struct slice text)
{
	struct log_worker *lw = w->slot[WORKER_SLOT_TELEMETRY];
	char header[LOG_HEADER_MAX];
	struct iovec iov[LOG_PARTS_MAX];
	unsigned n = 0;
	size_t room = room_of(t);

	if (unlikely(!lw)) {
		lose(t);
		return;
	}
	log_dates_update(&lw->dates, w->clock.wall_us);
	size_t header_len =
	    log_header_write(header, t, set, level, &lw->dates, w->clock.wall_us, lw->pid);
	add_part(iov, &n, &room, header, header_len);
	if (t->header == LOG_HEADER_RFC5424) {
		struct slice data = sd.len ? sd : SLICE("-");
		add_part(iov, &n, &room, data.ptr, data.len);
		add_part(iov, &n, &room, " ", 1);
	}
	add_part(iov, &n, &room, text.ptr, text.len);
	log_put(w, t, iov, n);
}

static bool in_range(unsigned at, unsigned low, unsigned high)
{
	return at >= low && at <= high;
}

/* Takes the next number of the sample; any worker. */
bool log_is_sampled(struct log_target *t)
{
	unsigned at, next;
	if (likely(t->sample_size == 0))
		return true;
	at = atomic_load_explicit(&t->sample_at, memory_order_relaxed);
	do {
		next = at >= t->sample_size ? 1 : at + 1;
	} while (!atomic_compare_exchange_weak_explicit(
	    &t->sample_at, &at, next, memory_order_relaxed, memory_order_relaxed));
	if (in_range(next, t->sample_low, t->sample_high))
		return true;
	for (unsigned i = 0; i < t->sample_more_n; i++) {
		if (in_range(next, t->sample_more[i].low, t->sample_more[i].high))
			return true;
	}
	return false;
}

void log_emit_each(
    struct worker *w, const struct log_set *set, enum log_level level, log_text_fn *make, void *arg)
{
	if (level >= LOG_LV_SILENT)
		return;
	for (unsigned i = 0; i < set->targets_n; i++) {
		struct log_target *t = set->targets[i];
		struct log_text line = { .tag = NULL };
		if (level > t->max_level || !make(arg, t, &line) || !log_is_sampled(t))
			continue;
		struct log_set as = { .tag = line.tag ? line.tag : set->tag,
			.hostname = set->hostname };
		send_line(w, t, &as, MAX(level, t->min_level), line.sd, line.text);
	}
}

void log_emit_sd(struct worker *w, const struct log_set *set, enum log_level level, struct slice sd,
    struct slice text)
{
	if (level >= LOG_LV_SILENT)
		return;
	for (unsigned i = 0; i < set->targets_n; i++) {
		struct log_target *t = set->targets[i];
		if (level <= t->max_level && log_is_sampled(t))
			send_line(w, t, set, MAX(level, t->min_level), sd, text);
	}
}

void log_emit(struct worker *w, const struct log_set *set, enum log_level level, struct slice text)
{
	log_emit_sd(w, set, level, SLICE_NULL, text);
}

void log_emitf(
    struct worker *w, const struct log_set *set, enum log_level level, const char *fmt, ...)
{
	struct log_worker *lw = w->slot[WORKER_SLOT_TELEMETRY];
	va_list ap;
	if (!lw || set->targets_n == 0)
		return;
	strbuf_clear(&lw->text);
	va_start(ap, fmt);
	strbuf_vaddf(&lw->text, fmt, ap);
	va_end(ap);
	log_emit(w, set, level, strbuf_slice(&lw->text));
	if (lw->text.failed)
		strbuf_done(&lw->text);
}
