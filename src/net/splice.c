/* SPDX-License-Identifier: MIT */
/*
 * Pipes for splice(2) and their cache. A pool belongs to one worker. A pipe that comes back with data is
 * closed: the next user would send bytes of another connection.
 */
#include "weir/net/splice.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void net_pipe_pool_init(struct net_pipe_pool *pool, unsigned max, size_t pipe_size)
{
	*pool = (struct net_pipe_pool){
		.max = max,
		.pipe_size = pipe_size ? pipe_size : NET_PIPE_SIZE_DEFAULT,
	};
	list_init(&pool->free);
}

static void destroy(struct net_pipe *pipe)
{
	close(pipe->rd);
	close(pipe->wr);
	free(pipe);
}

void net_pipe_pool_trim(struct net_pipe_pool *pool)
{
	while (!list_is_empty(&pool->free)) {
		struct net_pipe *pipe = list_first(&pool->free, struct net_pipe, link);
		list_del(&pipe->link);
		pool->free_n--;
		destroy(pipe);
	}
}

void net_pipe_pool_done(struct net_pipe_pool *pool)
{
	assert(pool->used == 0);
	net_pipe_pool_trim(pool);
}

static struct net_pipe *create(size_t size)
{
	int ends[2];
	struct net_pipe *pipe = malloc(sizeof(*pipe));
	if (!pipe)
		return NULL;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) {
		free(pipe);
		return NULL;
	}
	/* beyond the system's limits the kernel refuses; a pipe of its own size still works */
	int cap = fcntl(ends[1], F_SETPIPE_SZ, (int)MIN(size, (size_t)INT32_MAX));
	if (cap < 0)
		cap = fcntl(ends[1], F_GETPIPE_SZ);
	*pipe = (struct net_pipe){ .rd = ends[0], .wr = ends[1], .cap = cap > 0 ? (size_t)cap : 0 };
	list_init(&pipe->link);
	return pipe;
}

struct net_pipe *net_pipe_get(struct net_pipe_pool *pool)
{
	struct net_pipe *pipe;
	if (!list_is_empty(&pool->free)) {
		/* the one used last: its pages are the most likely to be in the cache */
		pipe = list_first(&pool->free, struct net_pipe, link);
		list_del(&pipe->link);
		pool->free_n--;
	} else {
		pipe = pool->used < pool->max ? create(pool->pipe_size) : NULL;
		if (!pipe) {
			pool->failed++;
			return NULL;
		}
	}
	pool->used++;
	return pipe;
}

void net_pipe_put(struct net_pipe_pool *pool, struct net_pipe *pipe)
{
	if (!pipe)
		return;
	assert(pool->used > 0);
	pool->used--;
	if (pipe->held) {
		destroy(pipe);
		return;
	}
	list_add_head(&pool->free, &pipe->link);
	pool->free_n++;
}

ssize_t net_splice_in(struct net_pipe *pipe, int fd, size_t max)
{
	if (max == 0)
		return 0;
	ssize_t n = splice(fd, NULL, pipe->wr, NULL, max, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	pipe->held += (size_t)n;
	return n;
}

ssize_t net_splice_out(struct net_pipe *pipe, int fd, bool more)
{
	unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
	if (pipe->held == 0)
		return 0;
	ssize_t n = splice(pipe->rd, NULL, fd, NULL, pipe->held, flags);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	pipe->held -= (size_t)n;
	return n;
}
