/* SPDX-License-Identifier: MIT */
/* Unit tests of pipes and splicing, over pairs of loopback TCP sockets. */
#include <setjmp.h>
#include <stdarg.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/net/socket.h"
#include "weir/net/splice.h"

struct link {
	int near, far;
};

static struct link make_link(void)
{
	const struct net_listen_opts lo = { .uid = -1, .gid = -1 };
	const struct net_connect_opts co = { .tos = -1 };
	struct net_addr addr;
	struct net_peer peer;
	struct link l = { -1, -1 };
	char err[128];
	assert_int_equal(net_ip_parse(SLICE("127.0.0.1"), &addr), 0);
	int listener = net_listen(&addr, &lo, err, sizeof(err));
	assert_int_equal(net_local_peer(listener, &peer), 0);
	net_addr_from_peer(&addr, &peer);
	assert_true(net_connect(&addr, &co, &l.near) >= 0);
	struct pollfd pfd = { .fd = listener, .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	l.far = net_accept(listener, &peer);
	assert_true(l.far >= 0);
	close(listener);
	return l;
}

static void close_link(struct link l)
{
	close(l.near);
	close(l.far);
}

static void wait_for(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	assert_int_equal(poll(&pfd, 1, 5000), 1);
}

static char byte_at(size_t offset)
{
	return (char)(offset * 2654435761u >> 13);
}

/* Sends as much of the pattern from *at on as the socket takes. */
static void feed(int fd, size_t *at, size_t total)
{
	char buf[8192];
	while (*at < total) {
		size_t len = MIN(sizeof(buf), total - *at);
		for (size_t i = 0; i < len; i++)
			buf[i] = byte_at(*at + i);
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);
		if (n < 0)
			return;
		*at += (size_t)n;
	}
}

static void take(int fd, size_t *at)
{
	char buf[8192];
	ssize_t n;
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++, (*at)++)
			assert_int_equal(buf[i], byte_at(*at));
	}
}

static void bytes_arrive_in_order_and_complete(void **state)
{
	enum { TOTAL = 3 * 1024 * 1024 + 17 };
	struct net_pipe_pool pool;
	struct link in = make_link(), out = make_link();
	size_t fed = 0, got = 0, spliced = 0;
	net_pipe_pool_init(&pool, 1, 0);
	struct net_pipe *pipe = net_pipe_get(&pool);
	assert_non_null(pipe);
	while (got < TOTAL) {
		feed(in.far, &fed, TOTAL);
		ssize_t n = net_splice_in(pipe, in.near, TOTAL - spliced);
		assert_true(n > 0 || n == -EAGAIN || spliced == TOTAL);
		spliced += n > 0 ? (size_t)n : 0;
		n = net_splice_out(pipe, out.near, spliced < TOTAL);
		assert_true(n >= 0 || n == -EAGAIN);
		take(out.far, &got);
	}
	assert_int_equal(got, TOTAL);
	assert_int_equal(pipe->held, 0);
	net_pipe_put(&pool, pipe);
	net_pipe_pool_done(&pool);
	close_link(in);
	close_link(out);
}

static void splicing_never_takes_more_than_asked(void **state)
{
	struct net_pipe_pool pool;
	struct link in = make_link();
	char rest[8];
	net_pipe_pool_init(&pool, 1, 0);
	struct net_pipe *pipe = net_pipe_get(&pool);
	assert_int_equal(send(in.far, "bodyNEXT", 8, 0), 8);
	wait_for(in.near, POLLIN);
	assert_int_equal(net_splice_in(pipe, in.near, 4), 4);
	assert_int_equal(net_splice_in(pipe, in.near, 0), 0);
	assert_int_equal(pipe->held, 4);
	assert_int_equal(recv(in.near, rest, sizeof(rest), 0), 4);
	assert_memory_equal(rest, "NEXT", 4);
	net_pipe_put(&pool, pipe);
	net_pipe_pool_done(&pool);
	close_link(in);
}

static void idle_ended_and_broken_connections_are_told_apart(void **state)
{
	struct net_pipe_pool pool;
	struct link idle = make_link(), ended = make_link(), reset = make_link();
	net_pipe_pool_init(&pool, 1, 0);
	struct net_pipe *pipe = net_pipe_get(&pool);
	assert_int_equal(net_splice_out(pipe, idle.near, false), 0);
	assert_int_equal(net_splice_in(pipe, idle.near, 100), -EAGAIN);
	assert_int_equal(shutdown(ended.far, SHUT_WR), 0);
	wait_for(ended.near, POLLIN);
	assert_int_equal(net_splice_in(pipe, ended.near, 100), 0);
	net_set_nolinger(reset.far);
	close(reset.far);
	wait_for(reset.near, POLLIN);
	assert_int_equal(net_splice_in(pipe, reset.near, 100), -ECONNRESET);
	assert_int_equal(net_splice_in(pipe, -1, 100), -EBADF);
	assert_int_equal(pipe->held, 0);
	net_pipe_put(&pool, pipe);
	net_pipe_pool_done(&pool);
	close_link(idle);
	close_link(ended);
	close(reset.near);
}

static void a_blocked_receiver_leaves_the_data_in_the_pipe(void **state)
{
	struct net_pipe_pool pool;
	struct link in = make_link(), out = make_link();
	size_t fed = 0, got = 0, moved = 0;
	ssize_t n;
	net_pipe_pool_init(&pool, 1, 65536);
	struct net_pipe *pipe = net_pipe_get(&pool);
	/* nobody reads at the far end: sooner or later the socket refuses */
	do {
		feed(in.far, &fed, SIZE_MAX / 2);
		n = net_splice_in(pipe, in.near, 1 << 20);
		if (n < 0 && pipe->held == 0)
			wait_for(in.near, POLLIN);
		n = net_splice_out(pipe, out.near, false);
		moved += n > 0 ? (size_t)n : 0;
	} while (n != -EAGAIN);
	assert_true(pipe->held > 0);
	size_t held = pipe->held;
	while (got < moved + held) {
		take(out.far, &got);
		if (net_splice_out(pipe, out.near, false) == -EAGAIN)
			wait_for(out.far, POLLIN);
	}
	assert_int_equal(pipe->held, 0);
	net_pipe_put(&pool, pipe);
	net_pipe_pool_done(&pool);
	close_link(in);
	close_link(out);
}

static void a_vanished_receiver_is_an_error_and_the_pipe_is_not_used_again(void **state)
{
	struct net_pipe_pool pool;
	struct link in = make_link(), out = make_link();
	signal(SIGPIPE, SIG_IGN);
	net_pipe_pool_init(&pool, 2, 0);
	struct net_pipe *pipe = net_pipe_get(&pool);
	int rd = pipe->rd;
	assert_int_equal(send(in.far, "secret", 6, 0), 6);
	wait_for(in.near, POLLIN);
	assert_int_equal(net_splice_in(pipe, in.near, 100), 6);
	assert_int_equal(shutdown(out.near, SHUT_WR), 0);
	assert_int_equal(net_splice_out(pipe, out.near, false), -EPIPE);
	assert_int_equal(pipe->held, 6);
	net_pipe_put(&pool, pipe);
	assert_int_equal(pool.free_n, 0);
	assert_int_equal(fcntl(rd, F_GETFD), -1);
	net_pipe_pool_done(&pool);
	close_link(in);
	close_link(out);
}

static void the_pool_reuses_and_keeps_its_bound(void **state)
{
	struct net_pipe_pool pool;
	net_pipe_pool_init(&pool, 2, 0);
	struct net_pipe *a = net_pipe_get(&pool), *b = net_pipe_get(&pool);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(net_pipe_get(&pool));
	assert_int_equal(pool.failed, 1);
	net_pipe_put(&pool, a);
	assert_ptr_equal(net_pipe_get(&pool), a);
	net_pipe_put(&pool, b);
	net_pipe_put(&pool, a);
	net_pipe_put(&pool, NULL);
	assert_int_equal(pool.free_n, 2);
	assert_int_equal(pool.used, 0);
	int rd = a->rd;
	net_pipe_pool_trim(&pool);
	assert_int_equal(pool.free_n, 0);
	assert_int_equal(fcntl(rd, F_GETFD), -1);
	net_pipe_pool_done(&pool);
	net_pipe_pool_init(&pool, 0, 0);
	assert_null(net_pipe_get(&pool));
	net_pipe_pool_done(&pool);
}

static void the_size_asked_for_is_what_the_kernel_gives_if_it_can(void **state)
{
	struct net_pipe_pool pool;
	net_pipe_pool_init(&pool, 1, 128 * 1024);
	struct net_pipe *pipe = net_pipe_get(&pool);
	assert_int_equal(fcntl(pipe->wr, F_GETPIPE_SZ), pipe->cap);
	assert_true(pipe->cap >= 128 * 1024 || getuid() != 0);
	assert_true(fcntl(pipe->rd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(pipe->wr, F_GETFD) & FD_CLOEXEC);
	net_pipe_put(&pool, pipe);
	net_pipe_pool_done(&pool);
	/* more than any system allows */
	net_pipe_pool_init(&pool, 1, SIZE_MAX);
	pipe = net_pipe_get(&pool);
	assert_non_null(pipe);
	assert_true(pipe->cap > 0);
	net_pipe_put(&pool, pipe);
	net_pipe_pool_done(&pool);
}

static void without_descriptors_there_is_no_pipe(void **state)
{
	struct net_pipe_pool pool;
	struct rlimit old, low;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = 4; /* standard streams and one more: a pipe takes two */
	net_pipe_pool_init(&pool, 1, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	struct net_pipe *pipe = net_pipe_get(&pool);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_null(pipe);
	assert_int_equal(pool.failed, 1);
	assert_int_equal(pool.used, 0);
	net_pipe_pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_arrive_in_order_and_complete),
		cmocka_unit_test(splicing_never_takes_more_than_asked),
		cmocka_unit_test(idle_ended_and_broken_connections_are_told_apart),
		cmocka_unit_test(a_blocked_receiver_leaves_the_data_in_the_pipe),
		cmocka_unit_test(a_vanished_receiver_is_an_error_and_the_pipe_is_not_used_again),
		cmocka_unit_test(the_pool_reuses_and_keeps_its_bound),
		cmocka_unit_test(the_size_asked_for_is_what_the_kernel_gives_if_it_can),
		cmocka_unit_test(without_descriptors_there_is_no_pipe),
	};
	return cmocka_run_group_tests_name("net/splice", tests, NULL, NULL);
}
