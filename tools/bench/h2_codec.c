/* SPDX-License-Identifier: MIT */
/*
 * What HTTP/2 costs beside the sockets: requests in and responses out through weir's codec, and the same bytes through
 * a session of nghttp2 with its own framing. Requests are compressed by nghttp2 for both. Prints nanoseconds of CPU a request.
 */
#include <nghttp2/nghttp2.h>

#include "weir/h2/h2.h"

#define ROUNDS	4000
#define STREAMS 50

static uint8_t input[STREAMS * 1024];
static size_t input_len;

static uint64_t cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static nghttp2_nv nv(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
		NGHTTP2_NV_FLAG_NONE };
}

/* Requests of a browser-like client on streams from first on. */
static void make_requests(nghttp2_hd_deflater *d, uint32_t first)
{
	input_len = 0;
	for (unsigned i = 0; i < STREAMS; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/assets/file-%u.css?v=12", i);
		nghttp2_nv fields[] = { nv(":method", "GET"), nv(":scheme", "https"),
			nv(":authority", "www.example.com"), nv(":path", path),
			nv("user-agent",
			    "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101"),
			nv("accept", "text/css,*/*;q=0.1"), nv("accept-language", "en-US,en;q=0.5"),
			nv("accept-encoding", "gzip, deflate, br"),
			nv("cookie", "session=0123456789abcdef0123456789abcdef"),
			nv("referer", "https://www.example.com/") };
		uint8_t *at = input + input_len;
		uint32_t id = first + 2 * i;
		ssize_t n = nghttp2_hd_deflate_hd(d, at + 9, 900, fields, ARRAY_SIZE(fields));
		uint8_t head[9] = { 0, (uint8_t)(n >> 8), (uint8_t)n, 1, 5, (uint8_t)(id >> 24),
			(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };
		memcpy(at, head, 9);
		input_len += 9 + (size_t)n;
	}
}

static const char *const answer[][2] = { { "content-type", "text/css" },
	{ "content-length", "100" }, { "server", "weir" }, { "cache-control", "max-age=3600" },
	{ "date", "Mon, 23 Nov 2026 15:00:00 GMT" } };
static char body[100];

/* ---- weir ---- */

static struct h2_stream streams[STREAMS];
static unsigned streams_n;

static struct h2_stream *on_request(struct h2_session *s, bool end)
{
	(void)s;
	(void)end;
	streams[streams_n] = (struct h2_stream){ .id = 0 };
	return &streams[streams_n++];
}

static void on_head(struct h2_session *s, struct h2_stream *st, bool end)
{
	(void)s;
	(void)st;
	(void)end;
}

static void on_stream(struct h2_session *s, struct h2_stream *st)
{
	(void)s;
	(void)st;
}

static void on_data(struct h2_session *s, struct h2_stream *st, struct slice bytes)
{
	(void)s;
	(void)st;
	(void)bytes;
}

static void on_reset(
    struct h2_session *s, struct h2_stream *st, uint32_t error, bool by_peer, const char *why)
{
	(void)s;
	(void)st;
	(void)error;
	(void)by_peer;
	(void)why;
	abort();
}

static void on_refused(struct h2_session *s, unsigned status, const char *why)
{
	(void)s;
	(void)status;
	(void)why;
	abort();
}

static void on_plain(struct h2_session *s)
{
	(void)s;
}

static void on_goaway(struct h2_session *s, uint32_t last, uint32_t error)
{
	(void)s;
	(void)last;
	(void)error;
}

static void on_glitch(struct h2_session *s, const char *why)
{
	(void)s;
	(void)why;
}

static const struct h2_ops ops = {
	.request = on_request,
	.response = on_head,
	.trailers = on_stream,
	.data = on_data,
	.end = on_stream,
	.reset = on_reset,
	.refused = on_refused,
	.window = on_stream,
	.settings = on_plain,
	.ping_ack = on_plain,
	.goaway = on_goaway,
	.glitch = on_glitch,
};

static double run_weir(void)
{
	static struct h2_session s;
	struct pool bufs;
	struct http_hdr hdrs[8];
	struct http_msg m;
	nghttp2_hd_deflater *d;
	char frame[H2_FRAME_HEAD];
	uint64_t spent = 0;
	struct h2_conf conf = { 4096, 65535, 100, 16384, 65535, 15360, 101, 32, 10000, true };
	pool_init(&bufs, "buffer", 18432, 16);
	if (h2_session_init(&s, &conf, &ops, &bufs, h2_mem_new()) < 0 ||
	    nghttp2_hd_deflate_new(&d, 4096) != 0)
		abort();
	h2_session_recv(&s, H2_PREFACE "\0\0\0\4\0\0\0\0\0", 33, 0);
	http_msg_init(&m, hdrs, 8);
	for (unsigned i = 0; i < ARRAY_SIZE(answer); i++) {
		if (http_hdr_add(&m, slice_str(answer[i][0]), slice_str(answer[i][1])) < 0)
			abort();
	}
	for (unsigned r = 0; r < ROUNDS; r++) {
		make_requests(d, 1 + r * STREAMS * 2);
		uint64_t start = cpu_ns();
		streams_n = 0;
		s.send_window = 1 << 30;
		h2_session_recv(&s, (char *)input, input_len, 0);
		for (unsigned i = 0; i < streams_n; i++) {
			if (h2_send_response(&s, &streams[i], 200, &m, false) < 0)
				abort();
			h2_data_head(&streams[i], sizeof(body), true, frame);
			if (h2_out_add(&s.out, frame, sizeof(frame)) < 0 ||
			    h2_out_add(&s.out, body, sizeof(body)) < 0)
				abort();
			h2_data_sent(&s, &streams[i], sizeof(body), true);
		}
		h2_out_drop(&s.out, s.out.bytes);
		spent += cpu_ns() - start;
		if (streams_n != STREAMS)
			abort();
	}
	return (double)spent / ROUNDS / STREAMS;
}

/* ---- nghttp2 ---- */

static unsigned answered;

static ssize_t read_body(nghttp2_session *s, int32_t id, uint8_t *buf, size_t len, uint32_t *flags,
    nghttp2_data_source *source, void *user)
{
	(void)s;
	(void)id;
	(void)len;
	(void)source;
	(void)user;
	memcpy(buf, body, sizeof(body));
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	return sizeof(body);
}

static char copied[32768];
static size_t copied_len;

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
	(void)s;
	(void)f;
	(void)flags;
	(void)user;
	/* as weir does: name and value are kept */
	if (copied_len + name_len + value_len > sizeof(copied))
		copied_len = 0;
	memcpy(copied + copied_len, name, name_len);
	memcpy(copied + copied_len + name_len, value, value_len);
	copied_len += name_len + value_len;
	return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
	(void)user;
	if (f->hd.type != NGHTTP2_HEADERS)
		return 0;
	nghttp2_nv fields[] = { nv(":status", "200"), nv(answer[0][0], answer[0][1]),
		nv(answer[1][0], answer[1][1]), nv(answer[2][0], answer[2][1]),
		nv(answer[3][0], answer[3][1]), nv(answer[4][0], answer[4][1]) };
	nghttp2_data_provider provider = { .read_callback = read_body };
	answered++;
	return nghttp2_submit_response(s, f->hd.stream_id, fields, ARRAY_SIZE(fields), &provider);
}

static double run_nghttp2(void)
{
	nghttp2_session_callbacks *cb;
	nghttp2_session *s;
	nghttp2_hd_deflater *d;
	nghttp2_option *option;
	uint64_t spent = 0;
	if (nghttp2_session_callbacks_new(&cb) != 0 || nghttp2_option_new(&option) != 0 ||
	    nghttp2_hd_deflate_new(&d, 4096) != 0)
		abort();
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_no_auto_window_update(option, 1);
	if (nghttp2_session_server_new2(&s, cb, NULL, option) != 0)
		abort();
	/* without priorities, which weir does not have either */
	nghttp2_settings_entry settings = { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 };
	nghttp2_submit_settings(s, NGHTTP2_FLAG_NONE, &settings, 1);
	nghttp2_session_mem_recv(s, (const uint8_t *)H2_PREFACE "\0\0\0\4\0\0\0\0\0", 33);
	static const uint8_t window[] = "\0\0\4\10\0\0\0\0\0\0\0\x13\x88"; /* 5,000 bytes */
	for (unsigned r = 0; r < ROUNDS; r++) {
		const uint8_t *out;
		ssize_t n;
		make_requests(d, 1 + r * STREAMS * 2);
		nghttp2_session_mem_recv(s, window, 13);
		uint64_t start = cpu_ns();
		answered = 0;
		nghttp2_session_mem_recv(s, input, input_len);
		while ((n = nghttp2_session_mem_send(s, &out)) > 0) {
			static char sink[32768];
			memcpy(sink, out, MIN((size_t)n, sizeof(sink)));
		}
		spent += cpu_ns() - start;
		if (answered != STREAMS)
			abort();
	}
	return (double)spent / ROUNDS / STREAMS;
}

int main(void)
{
	for (unsigned i = 0; i < 3; i++)
		printf(
		    "weir %.0f ns, nghttp2 session %.0f ns a request\n", run_weir(), run_nghttp2());
	return 0;
}
