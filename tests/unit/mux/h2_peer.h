/* SPDX-License-Identifier: MIT */
/*
 * The other end of an HTTP/2 connection for unit tests: frames made by hand, heads by nghttp2's own compressor, and
 * what the mux answers taken apart. The mux runs on one end of a socket pair; no loop runs: events and tasks are
 * driven by hand, so that every test is the same each time.
 */
#ifndef WEIR_TESTS_H2_PEER_H
#define WEIR_TESTS_H2_PEER_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "weir/mux/mux1.h"
#include "weir/mux/mux2.h"

#define MAX_HDRS   32
#define MAX_USERS  256
#define MAX_FRAMES 8192

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	WINDOW_UPDATE,
	CONTINUATION
};
#define END_STREAM  0x01
#define ACK	    0x01
#define END_HEADERS 0x04
#define PADDED	    0x08

/* A stream's user, as the proxy is one. */
struct user {
	struct endpoint *ep;
	struct http_msg msg, trailers;
	struct http_hdr hdrs[MAX_HDRS];
	struct inflow in;
	struct arena arena;
	unsigned woken;
	bool left;
};

struct frame {
	unsigned type, flags;
	uint32_t id;
	size_t len;
	const uint8_t *payload;
};

struct peer {
	struct conn conn;
	struct mux2 *m;
	int fd; /* the test's end */
	struct mux2_conf conf;
	struct mux2_counters counters;
	nghttp2_hd_deflater *deflater;
	nghttp2_hd_inflater *inflater;
	struct user users[MAX_USERS];
	unsigned users_n, errors;
	const char *why;
	bool closed, eof, refuse, settings;
	uint8_t out[1 << 20]; /* bytes that came, not taken apart yet */
	size_t out_len;
	struct frame frames[MAX_FRAMES];
	unsigned frames_n;
	uint8_t kept[1 << 20]; /* payload of frames */
	size_t kept_len;
};

static struct worker_group *group;
static struct worker *worker;
static void (*work)(struct user *u); /* what users do when woken; NULL: nothing */

/* ---- the owner ---- */

static inline void on_wake(struct endpoint *ep)
{
	struct user *u = ep->stream;
	u->woken++;
	if (work)
		work(u);
}

static inline struct user *new_user(struct peer *p, struct endpoint *ep)
{
	struct user *u = &p->users[p->users_n++];
	memset(u, 0, sizeof(*u));
	u->ep = ep;
	http_msg_init(&u->msg, u->hdrs, MAX_HDRS);
	arena_init(&u->arena, 4096);
	ep->ops->attach(ep, u, on_wake, &u->msg, &u->in, &u->arena);
	ep->trailers = &u->trailers;
	return u;
}

static inline bool on_request(struct mux2 *m, struct endpoint *ep)
{
	struct peer *p = mux2_owner(m);
	if (p->refuse || p->users_n == MAX_USERS)
		return false;
	new_user(p, ep);
	return true;
}

static inline void on_left(struct mux2 *m, bool idle)
{
	(void)m;
	(void)idle;
}

static inline void on_closed(struct mux2 *m)
{
	struct peer *p = mux2_owner(m);
	p->closed = true;
	mux2_free(m);
	p->m = NULL;
}

static inline void on_mux_event(struct mux2 *m, enum mux2_event event, const char *text)
{
	struct peer *p = mux2_owner(m);
	if (event == MUX2_SETTINGS)
		p->settings = true;
	if (event == MUX2_STREAM_ERROR || event == MUX2_CONN_ERROR) {
		p->errors++;
		p->why = text;
	}
}

static const struct mux2_owner_ops owner_ops = {
	.request = on_request, .stream_left = on_left, .closed = on_closed, .event = on_mux_event
};

static inline void leave(struct user *u)
{
	if (u->left)
		return;
	u->left = true;
	u->ep->ops->detach(u->ep, true, false);
	arena_reset(&u->arena);
}

/* ---- turns ---- */

static inline void run_tasks(void)
{
	for (unsigned i = 0; i < 1000 && !list_is_empty(&worker->runq); i++) {
		struct task *t = list_first(&worker->runq, struct task, link);
		list_del(&t->link);
		t->fn(worker, t);
	}
	assert_true(list_is_empty(&worker->runq));
}

static inline void pass_time(uint64_t ms)
{
	worker->clock.mono_ms += ms;
	timer_wheel_advance(&worker->wheel, worker, worker->clock.mono_ms);
	run_tasks();
}

/* What the loop would tell the connection. */
static inline void event(struct peer *p, uint16_t flags)
{
	if (p->closed)
		return;
	p->conn.flags |= flags;
	p->conn.on_event(&p->conn);
	run_tasks();
}

static inline void give(struct peer *p, const void *bytes, size_t len)
{
	assert_int_equal(write(p->fd, bytes, len), (ssize_t)len);
	event(p, CONN_READABLE | CONN_WRITABLE);
}

static inline void take_output(struct peer *p)
{
	for (;;) {
		ssize_t n = read(p->fd, p->out + p->out_len, sizeof(p->out) - p->out_len);
		if (n > 0) {
			p->out_len += (size_t)n;
			event(p, CONN_WRITABLE);
			continue;
		}
		p->eof = p->eof || n == 0 || (n < 0 && errno != EAGAIN);
		return;
	}
}

/* All frames that have come by now, behind those that were there. */
static inline void collect(struct peer *p)
{
	size_t at = 0;
	take_output(p);
	while (p->out_len - at >= 9) {
		const uint8_t *b = p->out + at;
		size_t len = (size_t)b[0] << 16 | (size_t)b[1] << 8 | b[2];
		if (p->out_len - at < 9 + len)
			break;
		assert_true(p->frames_n < MAX_FRAMES);
		assert_true(p->kept_len + len <= sizeof(p->kept));
		struct frame *f = &p->frames[p->frames_n++];
		memcpy(p->kept + p->kept_len, b + 9, len);
		*f = (struct frame){ b[3], b[4],
			((uint32_t)b[5] << 24 | (uint32_t)b[6] << 16 | (uint32_t)b[7] << 8 | b[8]) &
			    0x7fffffff,
			len, p->kept + p->kept_len };
		p->kept_len += len;
		at += 9 + len;
	}
	memmove(p->out, p->out + at, p->out_len - at);
	p->out_len -= at;
}

static inline void forget(struct peer *p)
{
	p->frames_n = 0;
	p->kept_len = 0;
}

static inline const struct frame *find(struct peer *p, unsigned type, uint32_t id)
{
	collect(p);
	for (unsigned i = 0; i < p->frames_n; i++) {
		if (p->frames[i].type == type && p->frames[i].id == id)
			return &p->frames[i];
	}
	return NULL;
}

static inline uint32_t word(const struct frame *f, size_t at)
{
	const uint8_t *b = f->payload + at;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* ---- frames ---- */

struct bytes {
	uint8_t b[1 << 17];
	size_t len;
};

static inline void add_frame(
    struct bytes *o, unsigned type, unsigned flags, uint32_t id, const void *payload, size_t len)
{
	uint8_t head[9] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)type,
		(uint8_t)flags, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
		(uint8_t)id };
	assert_true(o->len + 9 + len <= sizeof(o->b));
	memcpy(o->b + o->len, head, 9);
	if (len)
		memcpy(o->b + o->len + 9, payload, len);
	o->len += 9 + len;
}

static inline void give_frame(
    struct peer *p, unsigned type, unsigned flags, uint32_t id, const void *payload, size_t len)
{
	static struct bytes o;
	o.len = 0;
	add_frame(&o, type, flags, id, payload, len);
	give(p, o.b, o.len);
}

/* "name: value" lines as a block. */
static inline size_t compress(struct peer *p, const char *const *fields, uint8_t *out, size_t cap)
{
	nghttp2_nv nv[64];
	size_t n = 0;
	for (; fields[n]; n++) {
		const char *colon = strchr(fields[n] + 1, ':');
		const char *value = colon + 1 + (colon[1] == ' ');
		nv[n] = (nghttp2_nv){ (uint8_t *)fields[n], (uint8_t *)value,
			(size_t)(colon - fields[n]), strlen(value), NGHTTP2_NV_FLAG_NONE };
	}
	ssize_t len = nghttp2_hd_deflate_hd(p->deflater, out, cap, nv, n);
	assert_true(len >= 0);
	return (size_t)len;
}

static inline void add_head(
    struct peer *p, struct bytes *o, uint32_t id, bool end, const char *const *fields)
{
	static uint8_t block[1 << 16];
	size_t len = compress(p, fields, block, sizeof(block));
	add_frame(o, HEADERS, END_HEADERS | (end ? END_STREAM : 0), id, block, len);
}

static inline void give_head(struct peer *p, uint32_t id, bool end, const char *const *fields)
{
	static struct bytes o;
	o.len = 0;
	add_head(p, &o, id, end, fields);
	give(p, o.b, o.len);
}

/* The fields of a HEADERS frame as "name: value\n" lines. */
static inline const char *expand(struct peer *p, const struct frame *f)
{
	static char text[65536];
	size_t len = 0, left = f->len;
	const uint8_t *in = f->payload;
	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(p->inflater, &nv, &flags, in, left, 1);
		assert_true(n >= 0);
		in += n;
		left -= (size_t)n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s: %.*s\n",
			    (int)nv.namelen, nv.name, (int)nv.valuelen, nv.value);
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			break;
	}
	nghttp2_hd_inflate_end_headers(p->inflater);
	text[len] = '\0';
	return text;
}

/* ---- users ---- */

static inline bool recv_all(struct user *u)
{
	bool any = false;
	while (u->ep->ops->recv(u->ep))
		any = true;
	return any;
}

/* The payload that is there, consumed; a static copy. */
static inline struct slice payload(struct user *u)
{
	static char text[1 << 18];
	size_t len = 0;
	recv_all(u);
	for (unsigned i = u->in.first; i < u->in.n; i++) {
		memcpy(text + len, u->in.seg[i].iov_base, u->in.seg[i].iov_len);
		len += u->in.seg[i].iov_len;
	}
	if (len)
		u->ep->ops->consume(u->ep, len);
	run_tasks();
	return slice_make(text, len);
}

static inline void response(
    struct http_msg *m, struct http_hdr *hdrs, unsigned status, unsigned framing)
{
	http_msg_init(m, hdrs, MAX_HDRS);
	m->version = 11;
	m->status = (uint16_t)status;
	m->reason = http_reason(status);
	m->framing = (uint8_t)framing;
}

/* Answers with that text and leaves. */
static inline void answer(struct user *u, unsigned status, const char *text)
{
	struct http_msg m;
	struct http_hdr hdrs[MAX_HDRS];
	struct iovec iov = { (void *)text, strlen(text) };
	response(&m, hdrs, status, HTTP_BODY_CHUNKED);
	assert_int_equal(u->ep->ops->send_head(u->ep, &m, false), 0);
	assert_int_equal(
	    u->ep->ops->send(u->ep, &iov, iov.iov_len ? 1 : 0, true, false), iov.iov_len);
	assert_true(u->ep->flags & EP_OUT_END);
	leave(u);
	run_tasks();
}

/* ---- life ---- */

static inline void peer_init(struct peer *p, bool client_side)
{
	int fd[2], size = 1 << 20;
	memset(p, 0, offsetof(struct peer, out));
	p->out_len = 0;
	p->frames_n = 0;
	p->kept_len = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	p->fd = fd[1];
	assert_int_equal(nghttp2_hd_deflate_new(&p->deflater, 4096), 0);
	assert_int_equal(nghttp2_hd_inflate_new(&p->inflater), 0);
	mux2_conf_default(&p->conf);
	p->conf.max_fields = MAX_HDRS - 4;
	assert_int_equal(conn_start(&p->conn, worker, fd[0], NULL), 0);
	p->conn.flags |= CONN_WRITABLE;
	(void)client_side;
}

static inline void peer_start(struct peer *p, bool client_side, struct slice early)
{
	p->m = mux2_new(&p->conn, client_side, &p->conf, &p->counters, &owner_ops, p, early);
	assert_non_null(p->m);
	run_tasks();
}

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* A client's connection behind its preface and SETTINGS. */
static inline void open_client(struct peer *p)
{
	peer_init(p, true);
	peer_start(p, true, SLICE_NULL);
	give(p, preface, sizeof(preface) - 1);
	give_frame(p, SETTINGS, 0, 0, NULL, 0);
	collect(p);
	forget(p);
}

static inline void peer_done(struct peer *p)
{
	for (unsigned i = 0; i < p->users_n; i++)
		leave(&p->users[i]);
	run_tasks();
	if (p->m)
		mux2_free(p->m);
	conn_close(&p->conn);
	close(p->fd);
	nghttp2_hd_deflate_del(p->deflater);
	nghttp2_hd_inflate_del(p->inflater);
	assert_int_equal(mux_local(worker)->buf.used, 0);
	assert_int_equal(p->counters.open_streams, 0);
	assert_int_equal(p->counters.open_connections, 0);
}

static inline int setup(void **state)
{
	(void)state;
	group = worker_group_new(1, 16);
	if (!group)
		return -1;
	worker = worker_get(group, 0);
	return mux_worker_start(
	    worker, &(struct mux_setup){ .bufsize = 16384, .maxrewrite = 1024 });
}

static inline int teardown(void **state)
{
	(void)state;
	mux_worker_stop(worker);
	worker_group_free(group);
	return 0;
}

#define GET                                                                                        \
	(const char *const[])                                                                      \
	{                                                                                          \
		":method: GET", ":scheme: http", ":path: /a?b=c", ":authority: a.example", NULL    \
	}
#define POST                                                                                       \
	(const char *const[])                                                                      \
	{                                                                                          \
		":method: POST", ":scheme: http", ":path: /up", ":authority: a.example", NULL      \
	}

#endif
