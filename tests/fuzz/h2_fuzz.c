/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of HTTP/2. The first byte chooses the role and the limits, the rest is a script: bytes from the peer, or
 * what streams do meanwhile (read, answer, leave, stop). The transport is memory and takes as much as the script says.
 * Beside memory errors it looks for broken promises: payload beyond a stream's window, bytes sent that are no frames,
 * and anything of the peer's that reads differently when it comes byte by byte.
 */
#include <errno.h>

#include "weir/h2/h2.h"
#include "weir/mux/mux1.h"
#include "weir/mux/mux2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define USERS_MAX 64
#define HDRS_MAX  24

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

struct user {
	struct endpoint *ep;
	struct http_msg msg, trailers;
	struct http_hdr hdrs[HDRS_MAX];
	struct inflow in;
	struct arena arena;
};

struct world {
	struct conn conn;
	struct mux2 *m;
	struct mux2_conf conf;
	struct mux2_counters counters;
	struct user users[USERS_MAX];
	bool closed;
	const uint8_t *input; /* what the transport has to read */
	size_t input_len;
	size_t takes; /* bytes that it takes before it is full */
	uint8_t head[9];
	size_t head_len, frame_left, preface_left;
};

static struct worker_group *group;
static struct worker *worker;
static struct world w;

/* ---- transport ---- */

static ssize_t fuzz_recv(struct conn *c, void *buf, size_t len)
{
	(void)c;
	size_t n = MIN(len, w.input_len);
	if (n == 0)
		return -EAGAIN;
	memcpy(buf, w.input, n);
	w.input += n;
	w.input_len -= n;
	return (ssize_t)n;
}

/* What goes out must be whole frames of known types. */
static void check_output(const uint8_t *b, size_t len)
{
	while (len) {
		size_t n;
		if (w.preface_left) {
			n = MIN(len, w.preface_left);
			w.preface_left -= n;
		} else if (w.frame_left) {
			n = MIN(len, w.frame_left);
			w.frame_left -= n;
		} else {
			n = 1;
			w.head[w.head_len++] = *b;
			if (w.head_len == 9) {
				w.head_len = 0;
				w.frame_left =
				    (size_t)w.head[0] << 16 | (size_t)w.head[1] << 8 | w.head[2];
				must(w.head[3] <= 9 && w.frame_left <= (1u << 24));
			}
		}
		b += n;
		len -= n;
	}
}

static ssize_t fuzz_send(struct conn *c, const struct iovec *iov, int n, bool more)
{
	size_t sent = 0;
	(void)c;
	(void)more;
	for (int i = 0; i < n && w.takes; i++) {
		size_t take = MIN(iov[i].iov_len, w.takes);
		check_output(iov[i].iov_base, take);
		sent += take;
		w.takes -= take;
	}
	return sent ? (ssize_t)sent : -EAGAIN;
}

static void fuzz_shut(struct conn *c)
{
	(void)c;
}

static const struct xprt_ops fuzz_xprt = {
	.name = "fuzz", .recv = fuzz_recv, .send = fuzz_send, .shut_write = fuzz_shut
};

/* ---- users ---- */

static void leave(struct user *u)
{
	struct endpoint *ep = u->ep;
	if (!ep)
		return;
	u->ep = NULL;
	ep->ops->detach(ep, true, false);
	arena_reset(&u->arena);
}

static void consume_all(struct user *u)
{
	size_t sum = 0;
	while (u->ep->ops->recv(u->ep))
		;
	for (unsigned i = u->in.first; i < u->in.n; i++)
		sum += u->in.seg[i].iov_len;
	must(sum == u->in.bytes);
	must(sum <= (8u << 20));
	if (sum)
		u->ep->ops->consume(u->ep, sum);
}

static void on_wake(struct endpoint *ep)
{
	struct user *u = ep->stream;
	if (ep->flags & EP_ERROR)
		leave(u);
}

static struct user *attach(struct endpoint *ep)
{
	for (unsigned i = 0; i < USERS_MAX; i++) {
		struct user *u = &w.users[i];
		if (u->ep)
			continue;
		memset(u, 0, sizeof(*u));
		u->ep = ep;
		http_msg_init(&u->msg, u->hdrs, HDRS_MAX);
		arena_init(&u->arena, 4096);
		ep->ops->attach(ep, u, on_wake, &u->msg, &u->in, &u->arena);
		ep->trailers = &u->trailers;
		return u;
	}
	return NULL;
}

static bool on_request(struct mux2 *m, struct endpoint *ep)
{
	(void)m;
	return attach(ep) != NULL;
}

static void on_left(struct mux2 *m, bool idle)
{
	(void)m;
	(void)idle;
}

static void on_closed(struct mux2 *m)
{
	w.closed = true;
	mux2_free(m);
	w.m = NULL;
}

static const struct mux2_owner_ops owner = {
	.request = on_request, .stream_left = on_left, .closed = on_closed
};

static void answer(struct user *u, size_t size, bool client_side)
{
	static char payload[70000];
	struct http_hdr table[4];
	struct http_msg m;
	struct iovec iov = { payload, MIN(size * 300, sizeof(payload)) };
	http_msg_init(&m, table, 4);
	m.status = client_side ? 200 : 0;
	m.method = HTTP_POST;
	m.method_name = SLICE("POST");
	m.target = SLICE("/x");
	m.version = 11;
	m.framing = size % 7 ? HTTP_BODY_CHUNKED : HTTP_BODY_NONE;
	if (u->ep->ops->send_head(u->ep, &m, false) == 0)
		u->ep->ops->send(u->ep, &iov, size % 7 ? 1 : 0, size % 2, false);
}

/* ---- turns ---- */

static void run_tasks(void)
{
	for (unsigned i = 0; i < 10000 && !list_is_empty(&worker->runq); i++) {
		struct task *t = list_first(&worker->runq, struct task, link);
		list_del(&t->link);
		t->fn(worker, t);
	}
	must(list_is_empty(&worker->runq));
}

static void feed(const uint8_t *bytes, size_t len)
{
	w.input = bytes;
	w.input_len = len;
	if (w.closed)
		return;
	w.conn.flags |= CONN_READABLE;
	w.conn.on_event(&w.conn);
	run_tasks();
}

static void act(unsigned op, unsigned arg, bool client_side)
{
	struct user *u = &w.users[arg % USERS_MAX];
	if (op == 1 && u->ep)
		consume_all(u);
	else if (op == 2 && u->ep)
		answer(u, arg, client_side);
	else if (op == 3)
		leave(u);
	else if (op == 4 && w.m && arg % 2)
		mux2_goaway(w.m);
	else if (op == 5 && w.m)
		w.takes = (size_t)arg * arg;
	else if (op == 6 && w.m && !client_side && mux2_can_open(w.m)) {
		struct endpoint *ep = mux2_open(w.m);
		if (ep && !attach(ep))
			ep->ops->detach(ep, false, false);
	} else if (op == 7 && w.m) {
		w.conn.flags |= CONN_WRITABLE;
		w.takes = 1 << 20;
		w.conn.on_event(&w.conn);
	}
	run_tasks();
}

static void run_mux(const uint8_t *data, size_t size, unsigned mode)
{
	bool client_side = mode & 1;
	memset(&w, 0, sizeof(w));
	mux2_conf_default(&w.conf);
	w.conf.max_fields = HDRS_MAX;
	if (mode & 2) {
		w.conf.initial_window = 100;
		w.conf.max_streams = 3;
		w.conf.max_total = 6;
		w.conf.frames_at_once = 2;
		w.conf.resets_at_once = 1;
		w.conf.glitches = 20;
		w.conf.header_list = 300;
	}
	w.takes = 1 << 20;
	w.preface_left = client_side ? 0 : 24;
	w.conn.io.fd = -1;
	w.conn.worker = worker;
	w.conn.xprt = &fuzz_xprt;
	w.conn.flags = CONN_WRITABLE;
	w.m = mux2_new(&w.conn, client_side, &w.conf, &w.counters, &owner, NULL, SLICE_NULL);
	must(w.m != NULL);
	run_tasks();
	if (client_side)
		feed((const uint8_t *)H2_PREFACE, H2_PREFACE_LEN);
	while (size >= 2) {
		unsigned op = data[0] & 7, arg = data[1];
		data += 2;
		size -= 2;
		if (op) {
			act(op, arg, client_side);
			continue;
		}
		size_t n = MIN(size, (size_t)arg);
		feed(data, n);
		data += n;
		size -= n;
	}
	for (unsigned i = 0; i < USERS_MAX; i++)
		leave(&w.users[i]);
	run_tasks();
	if (w.m)
		mux2_free(w.m);
	must(mux_local(worker)->buf.used == 0);
	must(w.counters.open_streams == 0);
}

/* ---- the codec, whole and byte by byte ---- */

struct record {
	struct h2_session s;
	struct h2_stream streams[USERS_MAX];
	unsigned n;
	uint64_t hash;
};

static void note(struct h2_session *s, const void *bytes, size_t len)
{
	struct record *r = container_of(s, struct record, s);
	const uint8_t *b = bytes;
	for (size_t i = 0; i < len; i++)
		r->hash = (r->hash ^ b[i]) * 1099511628211u;
}

static void note_head(struct h2_session *s)
{
	note(s, s->head->mem, s->head->len);
	note(s, s->head->target.ptr, s->head->target.len);
}

static struct h2_stream *r_request(struct h2_session *s, bool end)
{
	struct record *r = container_of(s, struct record, s);
	note_head(s);
	note(s, &end, 1);
	if (r->n == USERS_MAX)
		return NULL;
	return &r->streams[r->n++];
}

static void r_response(struct h2_session *s, struct h2_stream *st, bool end)
{
	note_head(s);
	note(s, &st->id, 4);
	note(s, &end, 1);
}

static void r_trailers(struct h2_session *s, struct h2_stream *st)
{
	note_head(s);
	note(s, &st->id, 4);
}

static void r_data(struct h2_session *s, struct h2_stream *st, struct slice bytes)
{
	(void)st;
	note(s, bytes.ptr, bytes.len);
}

static void r_stream(struct h2_session *s, struct h2_stream *st)
{
	if (st)
		note(s, &st->id, 4);
}

static void r_reset(
    struct h2_session *s, struct h2_stream *st, uint32_t error, bool by_peer, const char *why)
{
	note(s, &st->id, 4);
	note(s, &error, 4);
	note(s, &by_peer, 1);
	note(s, why, strlen(why));
}

static void r_refused(struct h2_session *s, unsigned status, const char *why)
{
	note(s, &status, sizeof(status));
	note(s, why, strlen(why));
}

static void r_plain(struct h2_session *s)
{
	note(s, "p", 1);
}

static void r_goaway(struct h2_session *s, uint32_t last, uint32_t error)
{
	note(s, &last, 4);
	note(s, &error, 4);
}

static void r_glitch(struct h2_session *s, const char *why)
{
	note(s, why, strlen(why));
}

static const struct h2_ops record_ops = {
	.request = r_request,
	.response = r_response,
	.trailers = r_trailers,
	.data = r_data,
	.end = r_stream,
	.reset = r_reset,
	.refused = r_refused,
	.window = r_stream,
	.settings = r_plain,
	.ping_ack = r_plain,
	.goaway = r_goaway,
	.glitch = r_glitch,
};

static void record(
    struct record *r, const uint8_t *data, size_t size, size_t piece, bool client_side)
{
	struct h2_mem *mem = h2_mem_new();
	struct h2_conf conf = { .table_size = 4096,
		.initial_window = 65535,
		.max_streams = 10,
		.max_frame = H2_FRAME_SIZE,
		.conn_window = 65535,
		.head_max = 1000,
		.max_fields = HDRS_MAX,
		.continuations = 8,
		.floods = 100,
		.client_side = client_side };
	size_t at = 0;
	memset(r, 0, sizeof(*r));
	must(h2_session_init(&r->s, &conf, &record_ops, &mux_local(worker)->buf, mem) == 0);
	if (client_side)
		must(h2_session_recv(&r->s, H2_PREFACE, H2_PREFACE_LEN, 0) == H2_PREFACE_LEN);
	for (unsigned i = 0; !client_side && i < 4; i++)
		must(h2_stream_open(&r->s, &r->streams[r->n++]) == 0);
	for (size_t given = 0; at < size && !r->s.is_failed;) {
		given = MIN(size, given + piece);
		size_t used = h2_session_recv(&r->s, (const char *)data + at, given - at, 0);
		must(used <= given - at);
		at += used;
		if (given == size && used == 0)
			break;
	}
	if (r->s.is_failed)
		note(&r->s, r->s.why, strlen(r->s.why));
	note(&r->s, &r->s.out.bytes, sizeof(r->s.out.bytes));
	h2_session_done(&r->s);
	h2_mem_free(mem);
}

static void run_codec(const uint8_t *data, size_t size, unsigned mode)
{
	static struct record whole, bytewise;
	record(&whole, data, size, SIZE_MAX / 2, mode & 1);
	record(&bytewise, data, size, 1, mode & 1);
	must(whole.hash == bytewise.hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 32768)
		return 0;
	if (!group)
		group = worker_group_new(1, 16);
	must(group != NULL);
	worker = worker_get(group, 0);
	must(mux_worker_start(
		 worker, &(struct mux_setup){ .bufsize = 16384, .maxrewrite = 1024 }) == 0);
	if (data[0] & 4)
		run_codec(data + 1, size - 1, data[0]);
	else
		run_mux(data + 1, size - 1, data[0]);
	mux_worker_stop(worker);
	return 0;
}
