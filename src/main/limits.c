/* SPDX-License-Identifier: MIT */
/*
 * Descriptors and memory (management manual 5): from "maxconn" to the descriptor limit that it needs, or from
 * the limit that the system grants to the connections it allows.
 */
#include <errno.h>
#include <sys/resource.h>

#include "program.h"

#define FD_HARD_LIMIT_DEFAULT 1048576u
/* standard descriptors, signalfd, notify socket, and room for files that are opened for a moment */
#define FDS_OF_PROCESS 32u
/* epoll, eventfd, log sockets of both families and a unix one */
#define FDS_OF_WORKER 8u

/* for splice() when maxpipes is not set; a full one holds 256 kB of kernel memory */
#define PIPES_OF_WORKER 64u

static const struct conf_pos nowhere;

/* Descriptors that are not for connections. */
static uint64_t overhead(const struct program *p)
{
	const struct global_conf *g = &p->config->global;
	unsigned workers = worker_count(p->process.workers);
	uint64_t n = FDS_OF_PROCESS + (uint64_t)workers * FDS_OF_WORKER + g->stats_maxconn;
	for (const struct bind_conf *b = g->stats_sockets; b; b = b->next)
		n++;
	for (const struct proxy *px = p->config->proxies; px; px = px->next) {
		for (const struct bind_conf *b = px->binds; b; b = b->next)
			n += b->fd < 0 ? workers : 1;
		for (unsigned i = 0; px->caps & PROXY_BE && i < px->be.servers_n; i++)
			n += px->be.servers[i]->check ? 1 : 0;
	}
	return n;
}

static unsigned pipes_of(const struct program *p, uint64_t maxconn)
{
	const struct global_conf *g = &p->config->global;
	unsigned most = PIPES_OF_WORKER * worker_count(p->process.workers);
	if (g->nosplice)
		return 0;
	return g->maxpipes ? g->maxpipes : (unsigned)MIN(maxconn / 4, (uint64_t)most);
}

/*
 * Client and server side of each connection, and the pipes that were asked for. Those that weir takes of its own
 * are not counted: when descriptors run out it copies instead.
 */
static uint64_t needed(const struct program *p, uint64_t maxconn)
{
	return 2 * maxconn + 2 * (uint64_t)p->config->global.maxpipes + overhead(p);
}

/* The most connections that fit into that many descriptors. */
static unsigned connections_for(const struct program *p, uint64_t fds)
{
	uint64_t low = 0, high = fds;
	while (low < high) {
		uint64_t middle = (low + high + 1) / 2;
		if (needed(p, middle) <= fds)
			low = middle;
		else
			high = middle - 1;
	}
	return (unsigned)low;
}

/* What may be used without asking for more than the system's hard limit. */
static uint64_t granted(const struct global_conf *g)
{
	struct rlimit fds;
	uint64_t most = g->fd_hard_limit ? g->fd_hard_limit : FD_HARD_LIMIT_DEFAULT;
	if (g->ulimit_n)
		return g->ulimit_n;
	if (getrlimit(RLIMIT_NOFILE, &fds) < 0)
		return 1024;
	return MIN(most, MAX((uint64_t)fds.rlim_cur, (uint64_t)fds.rlim_max));
}

/* Raises the limit to at least want. What is granted in the end, which may be less. */
static uint64_t raise_descriptors(uint64_t want)
{
	struct rlimit fds, wanted;
	if (getrlimit(RLIMIT_NOFILE, &fds) < 0)
		return 0;
	if (fds.rlim_cur >= want)
		return want;
	wanted.rlim_cur = want;
	wanted.rlim_max = MAX(fds.rlim_max, want);
	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		return want;
	fds.rlim_cur = fds.rlim_max;
	setrlimit(RLIMIT_NOFILE, &fds);
	return fds.rlim_cur;
}

static int limit_memory(struct program *p)
{
	rlim_t bytes = (rlim_t)p->args.memory_mb << 20;
	struct rlimit data = { bytes, bytes };
	if (!bytes || setrlimit(RLIMIT_DATA, &data) == 0)
		return 0;
	diag_add(p->diag, DIAG_ERROR, nowhere, "cannot limit memory to %u megabytes: %s",
	    p->args.memory_mb, strerror(errno));
	return -1;
}

int program_limits(struct program *p)
{
	struct global_conf *g = &p->config->global;
	unsigned maxconn = g->maxconn ? g->maxconn : connections_for(p, granted(g));
	if (!maxconn) {
		diag_add(p->diag, DIAG_ERROR, nowhere,
		    "a descriptor limit of %llu leaves none for connections",
		    (unsigned long long)granted(g));
		return -1;
	}
	if (!g->maxconn && (p->args.debug || p->args.verbose))
		fprintf(stderr, "Note: setting global.maxconn to %u.\n", maxconn);
	uint64_t want = needed(p, maxconn);
	uint64_t have = raise_descriptors(g->ulimit_n ? g->ulimit_n : want);
	if (have < want) {
		enum diag_level level = g->strict_limits ? DIAG_ERROR : DIAG_WARNING;
		diag_add(p->diag, level, nowhere,
		    "FD limit (%llu) too low for maxconn=%u/maxsock=%llu. Please raise 'ulimit-n' "
		    "to %llu or more to avoid any trouble.",
		    (unsigned long long)have, maxconn, (unsigned long long)want,
		    (unsigned long long)want);
		if (level == DIAG_ERROR)
			return -1;
	}
	p->process.maxconn = maxconn;
	p->process.maxsock = (unsigned)want;
	p->pipes = pipes_of(p, maxconn);
	return limit_memory(p);
}
