/* SPDX-License-Identifier: MIT */
/*
 * The load generator: N connections, one request in flight on each, a fixed count of requests. It drops body
 * bytes inside the kernel (MSG_TRUNC), so that large answers cost it little.
 *
 * usage: load MODE PORT CONNS WARMUP REQUESTS SIZE [OPTION=VALUE...]
 *   http   keep-alive, `GET /SIZE`          close  the same, a new connection a request
 *   tcp    100 bytes there, SIZE bytes back   idle   http, but each connection makes one request only
 *   shake  no request: a TLS handshake, then the end
 *   hosts=N    of that many hosts, a random one for each request
 *   tls=HOW    `tls`, `resume` (sessions of earlier connections) or `h2` (for idle only)
 *   rate=N     not as fast as can be: so many requests a second, late ones timed from when they were due
 *   sources=N  connections come from 127.0.0.2 and the N - 1 addresses behind it
 *
 * It speaks with the driver by lines: connects, does WARMUP requests, says "ready" and waits for a line; does
 * REQUESTS requests, prints one JSON object, and keeps its connections open until stdin ends.
 */
#include "load_h2.h"
#include "load_tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX      2048
#define DRAIN_MAX     (1u << 20)
#define TCP_REQUEST   100
#define EVENTS_A_TURN 256
#define STALL_NS      10000000000u
#define IDLE_WINDOW   16

enum mode { MODE_HTTP, MODE_CLOSE, MODE_TCP, MODE_IDLE, MODE_SHAKE };

struct conn {
	int fd;
	bool busy;
	bool shaking; /* the request waits for the end of the handshake */
	bool in_head;
	size_t body_left;
	size_t head_len;
	uint64_t started;
	struct tls tls;
	struct h2 h2;
	char head[HEAD_MAX];
};

struct load {
	enum mode mode;
	bool tls, h2;
	struct sockaddr_in target;
	size_t size;
	char request[256];
	size_t request_len;
	unsigned
	    hosts; /* 0: one host for all; else a random one of that many, h0.bench.example ... */
	unsigned rate;	  /* 0: a connection's next request follows its answer */
	unsigned sources; /* 0: the kernel chooses */
	uint64_t random;

	int ep;
	struct conn *conns;
	unsigned conn_count;

	/* the phase: warm-up or measurement */
	unsigned wanted;
	uint64_t since;
	unsigned started;
	unsigned finished;
	unsigned errors;
	uint32_t *latency; /* ns, by order of completion; NULL while warming up */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void conn_open(struct load *l, struct conn *c)
{
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (l->sources) {
		struct sockaddr_in from = { .sin_family = AF_INET };
		from.sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK + 1 + (unsigned)(c - l->conns) % l->sources);
		setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
			die("bind");
	}
	if (connect(c->fd, (struct sockaddr *)&l->target, sizeof(l->target)) < 0)
		die("connect");
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c };
	if (l->tls) {
		tls_open(&c->tls, c->fd);
		c->shaking = true;
		/* the server may have answered the hello within that call: this tells once in any case */
		ev.events |= EPOLLOUT;
	}
	if (epoll_ctl(l->ep, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		die("epoll_ctl");
}

static void conn_close(struct conn *c)
{
	tls_close(&c->tls);
	close(c->fd);
	c->fd = -1;
}

static void request_build(struct load *l, unsigned host)
{
	char name[32] = "bench.example";
	if (l->h2) {
		l->request_len = h2_request(l->request, sizeof(l->request), l->size);
		return;
	}
	if (l->mode == MODE_TCP) {
		memset(l->request, 'q', TCP_REQUEST);
		l->request_len = TCP_REQUEST;
		return;
	}
	if (l->hosts)
		snprintf(name, sizeof(name), "h%u.bench.example", host);
	l->request_len = (size_t)snprintf(l->request, sizeof(l->request),
	    "GET /%zu HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n%s\r\n", l->size,
	    name, l->mode == MODE_CLOSE ? "Connection: close\r\n" : "");
}

/* xorshift: the same hosts in every run. */
static unsigned next_host(struct load *l)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return (unsigned)(l->random % l->hosts);
}

static void conn_send(struct conn *c, const char *data, size_t len)
{
	ssize_t n =
	    c->tls.ssl ? tls_write(&c->tls, data, len) : send(c->fd, data, len, MSG_NOSIGNAL);

	if (n != (ssize_t)len)
		die("send");
}

/* When the next request is due. */
static uint64_t due(const struct load *l)
{
	return l->since + (uint64_t)l->started * 1000000000u / l->rate;
}

/* Begins the next request of the phase, if one is left. */
static void conn_start(struct load *l, struct conn *c)
{
	if (l->started == l->wanted)
		return;
	c->started = l->rate ? due(l) : now_ns();
	l->started++;
	c->busy = true;
	c->head_len = 0;
	c->in_head = l->mode != MODE_TCP;
	c->body_left = l->size;
	if (c->fd < 0)
		conn_open(l, c);
	if (l->hosts)
		request_build(l, next_host(l));
	if (!c->shaking)
		conn_send(c, l->request, l->request_len);
}

static void conn_finish(struct load *l, struct conn *c)
{
	uint64_t ns = now_ns() - c->started;

	if (l->latency)
		l->latency[l->finished] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
	l->finished++;
	c->busy = false;
	if (l->mode == MODE_CLOSE || l->mode == MODE_SHAKE)
		conn_close(c);
	if (l->rate)
		return;
	if (l->mode != MODE_IDLE)
		conn_start(l, c);
	else if (l->started < l->wanted)
		conn_start(l, &l->conns[l->started]);
}

static void conn_fail(struct load *l, struct conn *c)
{
	l->errors++;
	conn_close(c);
	if (l->errors > 100) {
		fprintf(stderr, "load: too many failed requests\n");
		exit(1);
	}
	if (c->busy)
		conn_finish(l, c);
}

/* False when the head is not an answer of the size asked for. */
static bool conn_parse_head(struct load *l, struct conn *c, const char *end)
{
	size_t head = (size_t)(end + 4 - c->head);
	size_t extra = c->head_len - head;

	c->head[head - 1] = '\0';
	const char *len = strcasestr(c->head, "\r\ncontent-length:");
	if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !len ||
	    strtoul(len + 17, NULL, 10) != l->size || extra > l->size)
		return false;
	c->in_head = false;
	c->body_left = l->size - extra;
	return true;
}

static ssize_t conn_recv(struct conn *c, void *buf, size_t len, int flags)
{
	return c->tls.ssl ? tls_read(&c->tls, buf, len)
			  : recv(c->fd, buf, len, MSG_DONTWAIT | flags);
}

/* What conn_read() does on a connection that speaks HTTP/2. */
static ssize_t conn_read_h2(struct conn *c, bool *ret_done)
{
	char ack[H2_HEAD];
	ssize_t n = conn_recv(c, c->head, HEAD_MAX, 0);

	if (n <= 0)
		return n;
	if (!h2_read(&c->h2, (const unsigned char *)c->head, (size_t)n))
		return -EPROTO;
	if (c->h2.ack_due) {
		h2_ack(ack);
		conn_send(c, ack, sizeof(ack));
		c->h2.ack_due = false;
	}
	*ret_done = c->busy && c->h2.answered;
	return n;
}

/* One recv(); its result as recv()'s, or -EPROTO. Sets *done when the answer is complete. */
static ssize_t conn_read(struct load *l, struct conn *c, bool *ret_done)
{
	static char sink[DRAIN_MAX];
	ssize_t n;

	if (l->h2)
		return conn_read_h2(c, ret_done);
	if (c->in_head) {
		n = conn_recv(c, c->head + c->head_len, HEAD_MAX - c->head_len, 0);
		if (n <= 0)
			return n;
		c->head_len += (size_t)n;
		const char *end = memmem(c->head, c->head_len, "\r\n\r\n", 4);
		if (!end)
			return c->head_len < HEAD_MAX ? n : -EPROTO;
		if (!conn_parse_head(l, c, end))
			return -EPROTO;
	} else {
		n = conn_recv(c, sink, sizeof(sink), MSG_TRUNC);
		if (n <= 0)
			return n;
		if ((size_t)n > c->body_left)
			return -EPROTO;
		c->body_left -= (size_t)n;
	}
	*ret_done = !c->in_head && c->body_left == 0;
	return n;
}

/* False when the connection waits for more, or is done with. */
static bool conn_shake(struct load *l, struct conn *c)
{
	if (tls_shake(&c->tls) < 0) {
		if (errno != EAGAIN)
			conn_fail(l, c);
		return false;
	}
	c->shaking = false;
	if (l->mode == MODE_SHAKE) {
		conn_finish(l, c);
		return false;
	}
	conn_send(c, l->request, l->request_len);
	return true;
}

static void conn_work(struct load *l, struct conn *c)
{
	if (c->shaking && !conn_shake(l, c))
		return;
	for (;;) {
		bool done = false;
		ssize_t n = conn_read(l, c, &done);
		if (n < 0 && n != -EPROTO && errno == EAGAIN)
			return;
		/* A client that asked for the close waits for it; another one is not to see any. */
		bool complete = c->busy && !c->in_head && c->body_left == 0;
		if (n == 0 && l->mode == MODE_CLOSE && complete) {
			conn_finish(l, c);
			return;
		}
		if (n <= 0) {
			conn_fail(l, c);
			return;
		}
		if (done && l->mode != MODE_CLOSE) {
			conn_finish(l, c);
			return;
		}
	}
}

/* Starts what is due, each on a connection without one; returns the ns until there is more to start. */
static uint64_t start_due(struct load *l)
{
	uint64_t now = now_ns();
	unsigned next = 0;

	for (; l->started < l->wanted && due(l) <= now; next++) {
		while (next < l->conn_count && l->conns[next].busy)
			next++;
		if (next == l->conn_count)
			return STALL_NS; /* an answer makes room */
		conn_start(l, &l->conns[next]);
	}
	return l->started < l->wanted ? due(l) - now : STALL_NS;
}

static void phase_run(struct load *l, unsigned requests, uint32_t *latency)
{
	struct epoll_event events[EVENTS_A_TURN];
	uint64_t wait = STALL_NS;

	l->wanted = requests;
	l->started = l->finished = 0;
	l->latency = latency;
	l->since = now_ns();
	/* Idle connections come in a few at a time, so that the proxy needs few server connections. */
	unsigned first = l->mode == MODE_IDLE ? IDLE_WINDOW : l->conn_count;
	for (unsigned i = 0; i < first && i < l->conn_count && !l->rate; i++)
		conn_start(l, &l->conns[i]);
	while (l->finished < l->wanted) {
		if (l->rate)
			wait = start_due(l);
		const struct timespec ts = { .tv_sec = (time_t)(wait / 1000000000u),
			.tv_nsec = (long)(wait % 1000000000u) };
		int n = epoll_pwait2(l->ep, events, EVENTS_A_TURN, &ts, NULL);
		if (n == 0 && wait == STALL_NS) {
			fprintf(stderr, "load: stalled at %u of %u\n", l->finished, l->wanted);
			exit(1);
		}
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			/* An idle keep-alive connection the proxy has closed is opened anew. */
			if (c->fd >= 0)
				conn_work(l, c);
		}
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report(const struct load *l, uint32_t *latency, uint64_t ns)
{
	qsort(latency, l->finished, sizeof(*latency), by_value);
	unsigned last = l->finished - 1;
	printf("{\"requests\": %u, \"errors\": %u, \"seconds\": %.6f, \"rate\": %.1f, "
	       "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
	    l->finished, l->errors, (double)ns / 1e9, l->finished / ((double)ns / 1e9),
	    latency[last / 2] / 1e3, latency[(uint64_t)last * 99 / 100] / 1e3, latency[last] / 1e3);
	fflush(stdout);
}

static bool mode_parse(struct load *l, const char *name)
{
	static const char *const names[] = { "http", "close", "tcp", "idle", "shake" };

	for (unsigned i = 0; i < 5; i++)
		if (strcmp(name, names[i]) == 0) {
			l->mode = (enum mode)i;
			return true;
		}
	return false;
}

static bool tls_parse(struct load *l, const char *how)
{
	bool resume = strcmp(how, "resume") == 0;

	if (strcmp(how, "clear") == 0)
		return true;
	l->h2 = strcmp(how, "h2") == 0;
	l->tls = true;
	tls_setup(l->h2 ? "h2" : "http/1.1", resume);
	return l->h2 || resume || strcmp(how, "tls") == 0;
}

static bool option_parse(struct load *l, const char *option)
{
	const char *value = strchr(option, '=');

	if (!value++)
		return false;
	unsigned number = (unsigned)strtoul(value, NULL, 10);
	if (strncmp(option, "hosts=", 6) == 0)
		l->hosts = number;
	else if (strncmp(option, "rate=", 5) == 0)
		l->rate = number;
	else if (strncmp(option, "sources=", 8) == 0)
		l->sources = number;
	else
		return strncmp(option, "tls=", 4) == 0 && tls_parse(l, value);
	return true;
}

static void usage(const char *program)
{
	fprintf(stderr,
	    "usage: %s http|close|tcp|idle|shake PORT CONNS WARMUP REQUESTS SIZE "
	    "[hosts=N] [tls=tls|resume|h2] [rate=N] [sources=N]\n",
	    program);
	exit(2);
}

int main(int argc, char **argv)
{
	static struct load l;
	char line[16];

	if (argc < 7 || !mode_parse(&l, argv[1]))
		usage(argv[0]);
	for (int i = 7; i < argc; i++)
		if (!option_parse(&l, argv[i]))
			usage(argv[0]);
	l.target.sin_family = AF_INET;
	l.target.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	l.target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l.conn_count = (unsigned)strtoul(argv[3], NULL, 10);
	unsigned warmup = (unsigned)strtoul(argv[4], NULL, 10);
	unsigned requests = (unsigned)strtoul(argv[5], NULL, 10);
	l.size = strtoul(argv[6], NULL, 10);
	l.random = 0x9e3779b97f4a7c15ULL;
	request_build(&l, 0);

	l.ep = epoll_create1(EPOLL_CLOEXEC);
	l.conns = calloc(l.conn_count, sizeof(*l.conns));
	uint32_t *latency = calloc(requests ? requests : 1, sizeof(*latency));
	if (!l.conns || !latency)
		die("calloc");
	for (unsigned i = 0; i < l.conn_count; i++)
		l.conns[i].fd = -1;

	phase_run(&l, warmup, NULL);
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	if (requests) {
		uint64_t start = now_ns();
		phase_run(&l, requests, latency);
		report(&l, latency, now_ns() - start);
	}
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
