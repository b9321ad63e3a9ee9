/* SPDX-License-Identifier: MIT */
/*
 * Heads, trailers and the framing of payload on the way out. A head is compressed straight into the output, in the
 * order in which it will leave: the peer's table depends on it. What belongs to one HTTP/1 connection is left out
 * (RFC 9113 8.2.2).
 */
#include <errno.h>

#include "frame.h"
#include "mem.h"

#define BATCH 32
/* Most bytes that a field needs beside its own, and a block beside its fields (RFC 7541 5.1, 6). */
#define FIELD_EXTRA 16
#define BLOCK_EXTRA 16

/* Fields on their way into the compressor. */
struct encoder {
	struct h2_session *s;
	char *at; /* NULL: only the bound is asked for */
	size_t room, len;
	size_t bound;
	unsigned n;
	bool failed;
	nghttp2_nv nv[BATCH];
};

static void flush(struct encoder *e)
{
	if (e->n == 0 || !e->at)
		return;
	nghttp2_vec v = { (uint8_t *)e->at + e->len, e->room - e->len };
	ssize_t n = nghttp2_hd_deflate_hd_vec(e->s->deflater, &v, 1, e->nv, e->n);
	e->n = 0;
	if (n < 0)
		e->failed = true;
	else
		e->len += (size_t)n;
}

static void put(struct encoder *e, struct slice name, struct slice value)
{
	if (!e->at) {
		e->bound += name.len + value.len + FIELD_EXTRA;
		return;
	}
	if (e->n == BATCH)
		flush(e);
	e->nv[e->n++] = (nghttp2_nv){ (uint8_t *)name.ptr, (uint8_t *)value.ptr, name.len,
		value.len, NGHTTP2_NV_FLAG_NONE };
}

/* Whether a Connection field names that one (RFC 9110 7.6.1). */
static bool is_nominated(const struct http_msg *m, struct slice name)
{
	struct http_hdr *h = NULL;
	while ((h = http_hdr_find_id(m, HDR_CONNECTION, h))) {
		struct slice list = http_hdr_value_of(h);
		while (list.ptr) {
			if (slice_ieq(slice_trim_ows(slice_cut(&list, ',')), name))
				return true;
		}
	}
	return false;
}

static bool is_left_out(const struct http_hdr *h, bool request)
{
	switch (h->id) {
	case HDR_CONNECTION:
	case HDR_KEEP_ALIVE:
	case HDR_PROXY_CONNECTION:
	case HDR_TRANSFER_ENCODING:
	case HDR_UPGRADE:
		return true;
	case HDR_HOST:
		return request;
	case HDR_TE:
		return !slice_ieq(http_hdr_value_of(h), SLICE("trailers"));
	case HDR_OTHER:
		return h->name_len == 14 && memcmp(h->name, "http2-settings", 14) == 0;
	default:
		return false;
	}
}

static void put_fields(struct encoder *e, const struct http_msg *m, bool request)
{
	bool nominating = false;
	for (unsigned i = 0; i < m->hdrs_n && !nominating; i++)
		nominating = m->hdrs[i].id == HDR_CONNECTION;
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		const struct http_hdr *h = &m->hdrs[i];
		if ((h->flags & HTTP_HDR_DELETED) || is_left_out(h, request))
			continue;
		if (unlikely(nominating) && h->id != HDR_TE && is_nominated(m, http_hdr_name_of(h)))
			continue;
		put(e, http_hdr_name_of(h), http_hdr_value_of(h));
	}
}

typedef void put_fn(struct encoder *e, const void *arg);

/* HEADERS, and CONTINUATIONs where the block is larger than a frame of the peer's. */
static int send_large(struct encoder *e, put_fn *put_all, const void *arg, uint32_t id, bool end)
{
	struct h2_session *s = e->s;
	char head[H2_FRAME_HEAD];
	int r = 0;
	char *text = malloc(e->bound);
	if (!text)
		return -ENOMEM;
	e->at = text;
	e->room = e->bound;
	put_all(e, arg);
	flush(e);
	for (size_t at = 0; !e->failed && r == 0 && (at < e->len || at == 0);) {
		size_t n = MIN(e->len - at, (size_t)s->peer_frame);
		unsigned flags = at + n == e->len ? H2_FLAG_END_HEADERS : 0;
		if (at == 0 && end)
			flags |= H2_FLAG_END_STREAM;
		h2_put_frame_head(head, n, at ? H2_CONTINUATION : H2_HEADERS, flags, id);
		r = h2_out_add(&s->out, head, sizeof(head));
		if (r == 0)
			r = h2_out_add(&s->out, text + at, n);
		at += n;
	}
	free(text);
	return e->failed ? -ENOMEM : r;
}

static int send_block(
    struct h2_session *s, put_fn *put_all, const void *arg, struct h2_stream *st, bool end)
{
	struct encoder e = { .s = s };
	e.bound = BLOCK_EXTRA;
	put_all(&e, arg);
	char *room =
	    e.bound <= s->peer_frame ? h2_out_reserve(&s->out, e.bound + H2_FRAME_HEAD) : NULL;
	int r = 0;
	if (room) {
		e.at = room + H2_FRAME_HEAD;
		e.room = e.bound;
		put_all(&e, arg);
		flush(&e);
		h2_put_frame_head(room, e.len, H2_HEADERS,
		    H2_FLAG_END_HEADERS | (end ? H2_FLAG_END_STREAM : 0), st->id);
		h2_out_commit(&s->out, e.failed ? 0 : H2_FRAME_HEAD + e.len);
		r = e.failed ? -ENOMEM : 0;
	} else {
		r = send_large(&e, put_all, arg, st->id, end);
	}
	if (r < 0) {
		/* the compressor may have moved on without the peer */
		h2_session_fail(s, H2_INTERNAL_ERROR, "no memory");
		return r;
	}
	if (end)
		h2_half_close(s, st, H2_ST_LOCAL_END);
	return 0;
}

struct request_arg {
	const struct h2_request_line *line;
	const struct http_msg *m;
};

static void put_request(struct encoder *e, const void *arg)
{
	const struct request_arg *a = arg;
	const struct h2_request_line *l = a->line;
	put(e, SLICE(":method"), l->method);
	if (l->scheme.len)
		put(e, SLICE(":scheme"), l->scheme);
	if (l->path.len)
		put(e, SLICE(":path"), l->path);
	if (l->authority.len)
		put(e, SLICE(":authority"), l->authority);
	if (l->protocol.len)
		put(e, SLICE(":protocol"), l->protocol);
	put_fields(e, a->m, true);
}

int h2_send_request(struct h2_session *s, struct h2_stream *st, const struct h2_request_line *line,
    const struct http_msg *m, bool end)
{
	struct request_arg arg = { line, m };
	return send_block(s, put_request, &arg, st, end);
}

struct response_arg {
	const struct http_msg *m;
	char status[3];
};

static void put_response(struct encoder *e, const void *arg)
{
	const struct response_arg *a = arg;
	put(e, SLICE(":status"), slice_make(a->status, 3));
	put_fields(e, a->m, false);
}

int h2_send_response(
    struct h2_session *s, struct h2_stream *st, unsigned status, const struct http_msg *m, bool end)
{
	struct response_arg arg = { .m = m };
	arg.status[0] = (char)('0' + status / 100 % 10);
	arg.status[1] = (char)('0' + status / 10 % 10);
	arg.status[2] = (char)('0' + status % 10);
	return send_block(s, put_response, &arg, st, end);
}

static void put_trailers(struct encoder *e, const void *arg)
{
	put_fields(e, arg, true);
}

int h2_send_trailers(struct h2_session *s, struct h2_stream *st, const struct http_msg *m)
{
	return send_block(s, put_trailers, m, st, true);
}

/* ---- payload ---- */

size_t h2_send_room(const struct h2_session *s, const struct h2_stream *st)
{
	int32_t room = MIN(s->send_window, st->send_window);
	return room > 0 && !(st->state & H2_ST_CLOSED) ? (size_t)room : 0;
}

void h2_data_head(const struct h2_stream *st, size_t len, bool end, char out[H2_FRAME_HEAD])
{
	h2_put_frame_head(out, len, H2_DATA, end ? H2_FLAG_END_STREAM : 0, st->id);
}

void h2_data_sent(struct h2_session *s, struct h2_stream *st, size_t len, bool end)
{
	s->send_window -= (int32_t)len;
	st->send_window -= (int32_t)len;
	if (end)
		h2_half_close(s, st, H2_ST_LOCAL_END);
}
