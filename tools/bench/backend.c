/* SPDX-License-Identifier: MIT */
/*
 * The server behind the proxies under measurement. It answers `GET /N` with N bytes, and on its two TCP ports
 * every 100 bytes received with 100 bytes or with 1 MiB. It costs one recv() and one send() a request, so that
 * it never is the slowest of the three on its CPU.
 *
 * usage: backend HTTP_PORT TCP_PORT BULK_PORT. It says "ready" once it listens, and ends when stdin does.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX   4096
#define TCP_REQUEST   100
#define TCP_BULK      (1u << 20)
#define REPLY_KINDS   16
#define REPLY_LIMIT   (64u << 20)
#define EVENTS_A_TURN 256

/* One answer, head and body in one piece, built at its first use. */
struct reply {
	size_t body_len;
	size_t len;
	char *bytes;
};

struct conn {
	int fd;
	const struct reply *fixed;   /* what a TCP port answers; NULL for HTTP */
	const struct reply *sending; /* NULL between answers */
	size_t sent;
	size_t filled;
	char request[REQUEST_MAX];
};

struct listener {
	int fd;
	const struct reply *fixed;
};

static struct reply replies[REPLY_KINDS];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static bool reply_build(struct reply *r, size_t body_len, bool http)
{
	char head[160] = "";

	if (http)
		snprintf(head, sizeof(head),
		    "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\n"
		    "Content-Length: %zu\r\n\r\n",
		    body_len);
	size_t head_len = strlen(head);
	r->bytes = malloc(head_len + body_len);
	if (!r->bytes)
		return false;
	memcpy(r->bytes, head, head_len);
	memset(r->bytes + head_len, 'x', body_len);
	r->body_len = body_len;
	r->len = head_len + body_len;
	return true;
}

/* The HTTP answer with a body of that size; NULL when there are too many sizes or it is too large. */
static const struct reply *reply_get(size_t body_len)
{
	if (body_len > REPLY_LIMIT)
		return NULL;
	for (size_t i = 0; i < REPLY_KINDS; i++) {
		struct reply *r = &replies[i];
		if (!r->bytes && !reply_build(r, body_len, true))
			return NULL;
		if (r->body_len == body_len)
			return r;
	}
	return NULL;
}

/* False when the connection has to be closed. */
static bool conn_flush(struct conn *c)
{
	while (c->sent < c->sending->len) {
		ssize_t n = send(c->fd, c->sending->bytes + c->sent, c->sending->len - c->sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
	}
	c->sending = NULL;
	return true;
}

/* Takes one request off the front of the buffer; 0 when it is not all there, -1 when it is none. */
static int conn_next_request(struct conn *c)
{
	size_t used = TCP_REQUEST;

	if (c->fixed) {
		if (c->filled < used)
			return 0;
		c->sending = c->fixed;
	} else {
		char *end = memmem(c->request, c->filled, "\r\n\r\n", 4);
		if (!end)
			return c->filled == REQUEST_MAX ? -1 : 0;
		if (memcmp(c->request, "GET /", 5) != 0)
			return -1;
		c->sending = reply_get(strtoul(c->request + 5, NULL, 10));
		if (!c->sending)
			return -1;
		used = (size_t)(end + 4 - c->request);
	}
	c->sent = 0;
	c->filled -= used;
	memmove(c->request, c->request + used, c->filled);
	return 1;
}

/* Reads and answers until the socket has no more to say. False when the connection has to be closed. */
static bool conn_work(struct conn *c)
{
	for (;;) {
		if (c->sending && !conn_flush(c))
			return false;
		if (c->sending)
			return true;

		int rc = c->filled ? conn_next_request(c) : 0;
		if (rc < 0)
			return false;
		if (rc > 0)
			continue;

		size_t room = REQUEST_MAX - c->filled;
		ssize_t n = recv(c->fd, c->request + c->filled, room, MSG_DONTWAIT);
		if (n == 0)
			return false;
		if (n < 0)
			return errno == EAGAIN;
		c->filled += (size_t)n;
		if (conn_next_request(c) < 0)
			return false;
		if (c->sending && !conn_flush(c))
			return false;
		/* A short read has emptied the socket: more will be announced by its own event. */
		if (!c->sending && c->filled == 0 && (size_t)n < room)
			return true;
	}
}

static void conn_accept(int ep, const struct listener *l)
{
	for (;;) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		struct conn *c = calloc(1, sizeof(*c));
		if (!c) {
			close(fd);
			return;
		}
		c->fd = fd;
		c->fixed = l->fixed;
		struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
			.data.ptr = c };
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			die("epoll_ctl");
	}
}

static void listener_open(struct listener *l, const char *port, const struct reply *fixed)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	l->fixed = fixed;
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		die("socket");
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* Accepted sockets inherit it. */
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(l->fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 || listen(l->fd, 4096) < 0)
		die(port);
}

int main(int argc, char **argv)
{
	static struct reply tcp_small, tcp_bulk;
	static struct listener listeners[3];
	static struct epoll_event events[EVENTS_A_TURN];

	if (argc != 4) {
		fprintf(stderr, "usage: %s HTTP_PORT TCP_PORT BULK_PORT\n", argv[0]);
		return 2;
	}
	if (!reply_build(&tcp_small, TCP_REQUEST, false) ||
	    !reply_build(&tcp_bulk, TCP_BULK, false))
		die("malloc");

	int ep = epoll_create1(EPOLL_CLOEXEC);
	const struct reply *const fixed[3] = { NULL, &tcp_small, &tcp_bulk };
	for (int i = 0; i < 3; i++) {
		listener_open(&listeners[i], argv[i + 1], fixed[i]);
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &listeners[i] };
		epoll_ctl(ep, EPOLL_CTL_ADD, listeners[i].fd, &ev);
	}
	struct epoll_event stdin_ev = { .events = EPOLLIN, .data.ptr = NULL };
	epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &stdin_ev);
	puts("ready");
	fflush(stdout);

	for (;;) {
		int n = epoll_wait(ep, events, EVENTS_A_TURN, -1);
		for (int i = 0; i < n; i++) {
			void *who = events[i].data.ptr;
			if (!who)
				return 0;
			if (who >= (void *)listeners && who < (void *)(listeners + 3)) {
				conn_accept(ep, who);
				continue;
			}
			struct conn *c = who;
			if (!conn_work(c)) {
				close(c->fd);
				free(c);
			}
		}
	}
}
