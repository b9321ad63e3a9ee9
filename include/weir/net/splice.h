/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes from socket to socket through a pipe with splice(2), without bringing them into user space, and
 * a cache of such pipes. One pool a worker; nothing here is shared. The process must ignore SIGPIPE: splice(2)
 * has no flag against it.
 */
#ifndef WEIR_NET_SPLICE_H
#define WEIR_NET_SPLICE_H

#include <sys/types.h>

#include "weir/base/list.h"

/* Bytes asked for a pipe when the configuration says nothing (tune.pipesize). */
#define NET_PIPE_SIZE_DEFAULT (256 * 1024)

struct net_pipe {
	struct list link; /* the pool's, while it lies there */
	int rd, wr;
	size_t held; /* bytes inside */
	size_t cap;  /* what the kernel granted; how many bytes fit depends on how they arrived */
};

struct net_pipe_pool {
	struct list free;
	unsigned free_n;
	unsigned used;
	unsigned max; /* used and free together (maxpipes); 0: none at all */
	size_t pipe_size;
	unsigned long failed; /* gets that gave none */
};

/* pipe_size 0: NET_PIPE_SIZE_DEFAULT. */
void net_pipe_pool_init(struct net_pipe_pool *pool, unsigned max, size_t pipe_size);
/* Closes the free pipes; all must have come back. */
void net_pipe_pool_done(struct net_pipe_pool *pool);
/* Closes the free pipes: their memory and descriptors are wanted elsewhere. */
void net_pipe_pool_trim(struct net_pipe_pool *pool);

/* An empty pipe, or NULL: the bound is reached, or descriptors are short. The caller then copies instead. */
struct net_pipe *net_pipe_get(struct net_pipe_pool *pool);
/* Back for the next one; closed when it still holds data. NULL is harmless. */
void net_pipe_put(struct net_pipe_pool *pool, struct net_pipe *pipe);

/*
 * Fills the pipe with up to max bytes of the socket, in one system call. The number of bytes; 0 at the end of
 * the stream or when max is 0; -EAGAIN when the socket has nothing or the pipe no room (held > 0 with a full
 * pipe: drain it first, then ask again); another -errno when the connection is broken; -EINVAL when this
 * descriptor cannot be spliced.
 */
WEIR_NODISCARD ssize_t net_splice_in(struct net_pipe *pipe, int fd, size_t max);
/*
 * Empties the pipe into the socket, as far as it takes it, in one system call. more: further data follows at
 * once, so the kernel may wait to fill a segment. The number of bytes (0: the pipe was empty), or -errno.
 */
WEIR_NODISCARD ssize_t net_splice_out(struct net_pipe *pipe, int fd, bool more);

#endif
