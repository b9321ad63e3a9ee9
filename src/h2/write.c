/* SPDX-License-Identifier: MIT */
/*
 * Heads, trailers and the framing of payload on the way out. A head is compressed straight into the output, in the
 * order in which it will leave: the peer's table depends on it. What belongs to one HTTP/1 connection is left out
 * (RFC 9113 8.2.2).
 */
#include <errno.h>

#include "frame.h"

/* Room to begin a block with; most fit. */
#define BLOCK_ROOM 512
/* A block is no longer, whatever a message holds. */
#define BLOCK_MAX (16u << 20)

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

static void put_fields(struct hpack_writer *w, const struct http_msg *m, bool request)
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
		hpack_put(w, h->id, http_hdr_name_of(h), http_hdr_value_of(h),
		    h->flags & HTTP_HDR_NEVER_INDEXED);
	}
}

typedef void put_fn(struct hpack_writer *w, const void *arg);

/* A block from its beginning; -ENOBUFS: no room. */
static int put_block(
    const struct h2_session *s, struct hpack_writer *w, put_fn *put_all, const void *arg)
{
	if (unlikely(s->table_refusal_due))
		hpack_put_table_size(w, 0);
	put_all(w, arg);
	return w->full ? -ENOBUFS : 0;
}

static unsigned headers_flags(bool last, bool end)
{
	return (last ? H2_FLAG_END_HEADERS : 0) | (end ? H2_FLAG_END_STREAM : 0);
}

/* HEADERS, and CONTINUATIONs where the block is larger than a frame of the peer's. */
static int send_frames(
    struct h2_session *s, const uint8_t *block, size_t len, uint32_t id, bool end)
{
	char head[H2_FRAME_HEAD];
	size_t at = 0;
	int r;
	do {
		size_t n = MIN(len - at, (size_t)s->peer_frame);
		h2_put_frame_head(head, n, at ? H2_CONTINUATION : H2_HEADERS,
		    headers_flags(at + n == len, end && !at), id);
		r = h2_out_add(&s->out, head, sizeof(head));
		if (r == 0)
			r = h2_out_add(&s->out, (const char *)block + at, n);
		at += n;
	} while (r == 0 && at < len);
	return r;
}

/* A block that no buffer holds. */
static int send_large(struct h2_session *s, put_fn *put_all, const void *arg, uint32_t id, bool end)
{
	int r = -ENOBUFS;
	for (size_t size = h2_out_capacity(&s->out); r == -ENOBUFS && size < BLOCK_MAX; size *= 2) {
		uint8_t *block = malloc(size);
		struct hpack_writer w = { block, block + size, false };
		if (!block)
			return -ENOMEM;
		r = put_block(s, &w, put_all, arg);
		if (r == 0)
			r = send_frames(s, block, (size_t)(w.at - block), id, end);
		free(block);
	}
	return r;
}

/* Straight into the output, where there are least bytes of room. -ENOBUFS: they are too few. */
static int send_small(
    struct h2_session *s, size_t least, put_fn *put_all, const void *arg, uint32_t id, bool end)
{
	size_t n;
	char *room = h2_out_room(&s->out, least, &n);
	if (!room)
		return -ENOMEM;
	uint8_t *block = (uint8_t *)room + H2_FRAME_HEAD;
	struct hpack_writer w = { block, block + MIN(n - H2_FRAME_HEAD, (size_t)s->peer_frame),
		false };
	int r = put_block(s, &w, put_all, arg);
	if (r < 0)
		return r;
	size_t len = (size_t)(w.at - block);
	h2_put_frame_head(room, len, H2_HEADERS, headers_flags(true, end), id);
	h2_out_commit(&s->out, H2_FRAME_HEAD + len);
	return 0;
}

static int send_block(
    struct h2_session *s, put_fn *put_all, const void *arg, struct h2_stream *st, bool end)
{
	int r = send_small(s, BLOCK_ROOM, put_all, arg, st->id, end);
	if (unlikely(r == -ENOBUFS))
		r = send_small(s, h2_out_capacity(&s->out), put_all, arg, st->id, end);
	if (unlikely(r == -ENOBUFS))
		r = send_large(s, put_all, arg, st->id, end);
	if (r < 0) {
		/* a part of it may have been queued */
		h2_session_fail(s, H2_INTERNAL_ERROR, "no memory");
		return r;
	}
	s->table_refusal_due = false;
	if (end)
		h2_half_close(s, st, H2_ST_LOCAL_END);
	return 0;
}

struct request_arg {
	const struct h2_request_line *line;
	const struct http_msg *m;
};

static void put_request(struct hpack_writer *w, const void *arg)
{
	const struct request_arg *a = arg;
	const struct h2_request_line *l = a->line;
	hpack_put_pseudo(w, HPACK_METHOD, l->method);
	if (l->scheme.len)
		hpack_put_pseudo(w, HPACK_SCHEME, l->scheme);
	if (l->path.len)
		hpack_put_pseudo(w, HPACK_PATH, l->path);
	if (l->authority.len)
		hpack_put_pseudo(w, HPACK_AUTHORITY, l->authority);
	if (l->protocol.len)
		hpack_put(w, HDR_OTHER, SLICE(":protocol"), l->protocol, false);
	put_fields(w, a->m, true);
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

static void put_response(struct hpack_writer *w, const void *arg)
{
	const struct response_arg *a = arg;
	hpack_put_pseudo(w, HPACK_STATUS, slice_make(a->status, 3));
	put_fields(w, a->m, false);
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

static void put_trailers(struct hpack_writer *w, const void *arg)
{
	put_fields(w, arg, true);
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
