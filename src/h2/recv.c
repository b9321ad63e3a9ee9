/* SPDX-License-Identifier: MIT */
/*
 * Frames in: one function a type (RFC 9113 6). DATA is passed on as its bytes come; any other frame is taken once it
 * is whole. Frames that ask for work and bring nothing are counted, and too many of them in a second end the
 * connection.
 */
#include "frame.h"
#include "mem.h"

/* What a frame costs of conf.floods. */
#define WEIGHT_LIGHT	1
#define WEIGHT_EMPTY	10
#define WEIGHT_SETTINGS 50
/* A window that opens by less is not worth the frame. */
#define TINY_UPDATE 64

struct frame {
	uint32_t len, id;
	uint8_t type, flags;
	const char *payload;
};

static void fail(struct h2_session *s, enum h2_error error, const char *why)
{
	h2_session_fail(s, error, why);
}

/* A stream that is neither open nor was it ever. */
static bool is_idle(const struct h2_session *s, uint32_t id)
{
	bool peers = (id & 1) == (s->conf.client_side ? 1u : 0u);
	return peers ? id > s->last_id : id >= s->next_id;
}

static void stream_error(
    struct h2_session *s, struct h2_stream *st, enum h2_error error, const char *why)
{
	h2_send_rst(s, st->id, error);
	h2_close(s, st, true);
	s->ops->reset(s, st, error, false, why);
}

/* ---- DATA ---- */

static void begin_data(struct h2_session *s, const struct frame *f, uint32_t padding)
{
	struct h2_stream *st = h2_find(s, f->id);
	uint32_t payload = f->len - padding;
	s->data_rcvd++;
	s->in_data = true;
	s->data_stream = NULL;
	s->data_end = f->flags & H2_FLAG_END_STREAM;
	s->data_left = payload;
	s->data_pad = padding ? padding - 1 : 0; /* its length has been read */
	if (f->id == 0 || is_idle(s, f->id)) {
		fail(s, H2_PROTOCOL_ERROR, "DATA on an idle stream");
	} else if ((int64_t)f->len > s->recv_window) {
		fail(s, H2_FLOW_CONTROL_ERROR, "connection window exceeded");
	} else if (!st) {
		if (!h2_was_reset(s, f->id)) {
			h2_send_rst(s, f->id, H2_STREAM_CLOSED);
			s->ops->glitch(s, "DATA on a closed stream");
		}
	} else if (st->state & H2_ST_REMOTE_END) {
		stream_error(s, st, H2_STREAM_CLOSED, "DATA behind the end of a stream");
	} else if (!(st->state & H2_ST_HEAD)) {
		stream_error(s, st, H2_PROTOCOL_ERROR, "DATA ahead of the head");
	} else if ((int64_t)f->len > st->recv_window) {
		stream_error(s, st, H2_FLOW_CONTROL_ERROR, "stream window exceeded");
	} else if ((st->state & H2_ST_LENGTH) && payload > st->body_left) {
		stream_error(s, st, H2_PROTOCOL_ERROR, "more content than content-length");
	} else {
		s->data_stream = st;
	}
	if (s->is_failed)
		return;
	s->recv_window -= (int32_t)f->len;
	h2_conn_credit(s, f->len);
	if (!s->data_stream)
		return;
	st->recv_window -= (int32_t)f->len;
	if (st->state & H2_ST_LENGTH)
		st->body_left -= payload;
	if (padding)
		h2_consumed(s, st, padding, 0);
	if (payload == 0 && !s->data_end && h2_useless(s, WEIGHT_EMPTY, "empty DATA frames"))
		s->ops->glitch(s, "empty DATA frame");
}

static void end_data(struct h2_session *s)
{
	struct h2_stream *st = s->data_stream;
	s->in_data = false;
	s->data_stream = NULL;
	if (!st || !s->data_end)
		return;
	if ((st->state & H2_ST_LENGTH) && st->body_left) {
		stream_error(s, st, H2_PROTOCOL_ERROR, "less content than content-length");
		return;
	}
	h2_half_close(s, st, H2_ST_REMOTE_END);
	s->ops->end(s, st);
}

/* The DATA frame goes on; returns the bytes used. */
static size_t take_data(struct h2_session *s, const char *buf, size_t len)
{
	size_t n = MIN(len, (size_t)s->data_left);
	if (n && s->data_stream)
		s->ops->data(s, s->data_stream, slice_make(buf, n));
	s->data_left -= (uint32_t)n;
	if (s->data_left)
		return n;
	size_t pad = MIN(len - n, (size_t)s->data_pad);
	s->data_pad -= (uint32_t)pad;
	if (s->data_pad == 0)
		end_data(s);
	return n + pad;
}

/* ---- the others ---- */

/* Takes padding and priority off; false: the frame is wrong. */
static bool strip_headers(struct h2_session *s, struct frame *f)
{
	uint32_t pad = 0, skip = 0;
	if (f->flags & H2_FLAG_PADDED) {
		if (f->len < 1) {
			fail(s, H2_FRAME_SIZE_ERROR, "short HEADERS");
			return false;
		}
		pad = (uint8_t)f->payload[0];
		skip = 1;
	}
	if (f->flags & H2_FLAG_PRIORITY) {
		if (f->len < skip + 5) {
			fail(s, H2_FRAME_SIZE_ERROR, "short HEADERS");
			return false;
		}
		if ((h2_get32(f->payload + skip) & INT32_MAX) == f->id) {
			fail(s, H2_PROTOCOL_ERROR, "a stream that depends on itself");
			return false;
		}
		skip += 5;
	}
	if (f->len < skip + pad) {
		fail(s, H2_PROTOCOL_ERROR, "padding longer than the frame");
		return false;
	}
	f->payload += skip;
	f->len -= skip + pad;
	return true;
}

static void on_headers(struct h2_session *s, struct frame *f)
{
	if (f->id == 0) {
		fail(s, H2_PROTOCOL_ERROR, "HEADERS on stream 0");
		return;
	}
	if (strip_headers(s, f) && h2_block_begin(s, f->id, f->flags & H2_FLAG_END_STREAM))
		h2_block_part(s, f->payload, f->len, f->flags & H2_FLAG_END_HEADERS);
}

static void on_continuation(struct h2_session *s, struct frame *f)
{
	if (!s->block.id || s->block.id != f->id) {
		fail(s, H2_PROTOCOL_ERROR, "CONTINUATION without HEADERS");
		return;
	}
	h2_block_part(s, f->payload, f->len, f->flags & H2_FLAG_END_HEADERS);
}

static void on_priority(struct h2_session *s, struct frame *f)
{
	if (f->id == 0) {
		fail(s, H2_PROTOCOL_ERROR, "PRIORITY on stream 0");
		return;
	}
	struct h2_stream *st = h2_find(s, f->id);
	enum h2_error error = H2_NO_ERROR;
	if (f->len != 5)
		error = H2_FRAME_SIZE_ERROR;
	else if ((h2_get32(f->payload) & INT32_MAX) == f->id)
		error = H2_PROTOCOL_ERROR;
	if (error && st)
		stream_error(s, st, error, "invalid PRIORITY");
	else if (error)
		fail(s, error, "invalid PRIORITY");
	else
		h2_useless(s, WEIGHT_LIGHT, "PRIORITY flood");
}

static void on_rst_stream(struct h2_session *s, struct frame *f)
{
	s->rst_rcvd++;
	if (f->id == 0 || is_idle(s, f->id)) {
		fail(s, H2_PROTOCOL_ERROR, "RST_STREAM on an idle stream");
		return;
	}
	if (f->len != 4) {
		fail(s, H2_FRAME_SIZE_ERROR, "RST_STREAM of wrong size");
		return;
	}
	struct h2_stream *st = h2_find(s, f->id);
	if (st) {
		h2_close(s, st, false);
		s->ops->reset(s, st, h2_get32(f->payload), true, "reset by the peer");
	} else {
		h2_useless(s, WEIGHT_LIGHT, "RST_STREAM flood");
	}
}

/* Every open stream's window moves with the setting; false: one of them overflows. */
static bool change_window(struct h2_session *s, uint32_t value)
{
	int64_t by = (int64_t)value - s->peer_window;
	s->peer_window = value;
	for (unsigned i = 0; i < s->buckets; i++) {
		for (struct h2_stream *st = s->table[i]; st; st = st->next) {
			int64_t now = st->send_window + by;
			bool opens = st->send_window <= 0 && now > 0;
			if (now > H2_WINDOW_MAX)
				return false;
			st->send_window = (int32_t)now;
			if (opens)
				s->ops->window(s, st);
		}
	}
	return true;
}

static void set_flag(struct h2_session *s, uint32_t value, bool *flag, const char *why)
{
	if (value > 1 || (*flag && !value))
		fail(s, H2_PROTOCOL_ERROR, why);
	else
		*flag = value;
}

static void apply_setting(struct h2_session *s, unsigned id, uint32_t value)
{
	switch (id) {
	case H2_SET_TABLE_SIZE:
		/* told once, that we use none: whatever it says later is no less (RFC 7541 4.2) */
		if (value < HPACK_TABLE_SIZE && !s->table_refused)
			s->table_refused = s->table_refusal_due = true;
		return;
	case H2_SET_PUSH:
		if (value > 1 || (value && !s->conf.client_side))
			fail(s, H2_PROTOCOL_ERROR, "invalid ENABLE_PUSH");
		return;
	case H2_SET_MAX_STREAMS:
		s->peer_streams = value;
		return;
	case H2_SET_WINDOW:
		if (value > H2_WINDOW_MAX || !change_window(s, value))
			fail(s, H2_FLOW_CONTROL_ERROR, "invalid INITIAL_WINDOW_SIZE");
		return;
	case H2_SET_FRAME_SIZE:
		if (value < H2_FRAME_SIZE || value > 0xffffff)
			fail(s, H2_PROTOCOL_ERROR, "invalid MAX_FRAME_SIZE");
		else
			s->peer_frame = value;
		return;
	case H2_SET_CONNECT:
		set_flag(s, value, &s->peer_connect, "invalid ENABLE_CONNECT_PROTOCOL");
		return;
	default:
		return; /* unknown ones are ignored (RFC 9113 6.5.2) */
	}
}

static void on_settings(struct h2_session *s, struct frame *f)
{
	s->settings_rcvd++;
	if (f->id) {
		fail(s, H2_PROTOCOL_ERROR, "SETTINGS on a stream");
		return;
	}
	if ((f->flags & H2_FLAG_ACK) ? f->len != 0 : f->len % 6 != 0) {
		fail(s, H2_FRAME_SIZE_ERROR, "SETTINGS of wrong size");
		return;
	}
	if (f->flags & H2_FLAG_ACK) {
		h2_useless(s, WEIGHT_LIGHT, "SETTINGS flood");
		return;
	}
	if (s->got_settings && !h2_useless(s, WEIGHT_SETTINGS, "SETTINGS flood"))
		return;
	for (uint32_t at = 0; at < f->len && !s->is_failed; at += 6) {
		const uint8_t *p = (const uint8_t *)f->payload + at;
		apply_setting(s, (unsigned)p[0] << 8 | p[1], h2_get32(f->payload + at + 2));
	}
	if (s->is_failed)
		return;
	s->got_settings = true;
	h2_send_ack(s, H2_SETTINGS, NULL);
	s->ops->settings(s);
}

static void on_ping(struct h2_session *s, struct frame *f)
{
	if (f->id) {
		fail(s, H2_PROTOCOL_ERROR, "PING on a stream");
	} else if (f->len != 8) {
		fail(s, H2_FRAME_SIZE_ERROR, "PING of wrong size");
	} else if (f->flags & H2_FLAG_ACK) {
		if (s->pings) {
			s->pings--;
			s->ops->ping_ack(s);
		} else {
			h2_useless(s, WEIGHT_LIGHT, "PING flood");
		}
	} else if (h2_useless(s, WEIGHT_LIGHT, "PING flood")) {
		h2_send_ack(s, H2_PING, f->payload);
	}
}

/* Streams of ours that the peer has not looked at, and will not. */
static void refuse_above(struct h2_session *s, uint32_t last)
{
	for (unsigned i = 0; i < s->buckets; i++) {
		struct h2_stream *next;
		for (struct h2_stream *st = s->table[i]; st; st = next) {
			next = st->next;
			if (st->id <= last || s->conf.client_side)
				continue;
			h2_close(s, st, false);
			s->ops->reset(s, st, H2_REFUSED_STREAM, true, "GOAWAY");
		}
	}
}

static void on_goaway(struct h2_session *s, struct frame *f)
{
	s->goaway_rcvd++;
	if (f->id) {
		fail(s, H2_PROTOCOL_ERROR, "GOAWAY on a stream");
		return;
	}
	if (f->len < 8) {
		fail(s, H2_FRAME_SIZE_ERROR, "GOAWAY of wrong size");
		return;
	}
	if (!h2_useless(s, WEIGHT_EMPTY, "GOAWAY flood"))
		return;
	uint32_t last = h2_get32(f->payload) & INT32_MAX;
	refuse_above(s, last);
	s->ops->goaway(s, last, h2_get32(f->payload + 4));
}

static void open_window(struct h2_session *s, struct h2_stream *st, uint32_t by)
{
	int32_t *window = st ? &st->send_window : &s->send_window;
	bool opens = *window <= 0;
	if ((int64_t)*window + by > H2_WINDOW_MAX) {
		if (st)
			stream_error(s, st, H2_FLOW_CONTROL_ERROR, "window too large");
		else
			fail(s, H2_FLOW_CONTROL_ERROR, "window too large");
		return;
	}
	*window += (int32_t)by;
	if (opens && *window > 0)
		s->ops->window(s, st);
}

static void on_window_update(struct h2_session *s, struct frame *f)
{
	if (f->len != 4) {
		fail(s, H2_FRAME_SIZE_ERROR, "WINDOW_UPDATE of wrong size");
		return;
	}
	uint32_t by = h2_get32(f->payload) & INT32_MAX;
	struct h2_stream *st = f->id ? h2_find(s, f->id) : NULL;
	if (f->id && is_idle(s, f->id))
		fail(s, H2_PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
	else if (by == 0 && st)
		stream_error(s, st, H2_PROTOCOL_ERROR, "WINDOW_UPDATE of zero");
	else if (by == 0 && !f->id)
		fail(s, H2_PROTOCOL_ERROR, "WINDOW_UPDATE of zero");
	else if ((by >= TINY_UPDATE || h2_useless(s, WEIGHT_LIGHT, "WINDOW_UPDATE flood")) &&
		 (st || !f->id))
		open_window(s, st, by);
}

static void on_push_promise(struct h2_session *s, struct frame *f)
{
	(void)f;
	fail(s, H2_PROTOCOL_ERROR, "PUSH_PROMISE"); /* switched off by our SETTINGS */
}

typedef void frame_fn(struct h2_session *s, struct frame *f);

static frame_fn *const handlers[] = {
	[H2_HEADERS] = on_headers,
	[H2_PRIORITY] = on_priority,
	[H2_RST_STREAM] = on_rst_stream,
	[H2_SETTINGS] = on_settings,
	[H2_PUSH_PROMISE] = on_push_promise,
	[H2_PING] = on_ping,
	[H2_GOAWAY] = on_goaway,
	[H2_WINDOW_UPDATE] = on_window_update,
	[H2_CONTINUATION] = on_continuation,
};

/* ---- the input ---- */

/* What must come in front, and in between. */
static bool is_in_place(struct h2_session *s, const struct frame *f)
{
	if (f->len > s->conf.max_frame)
		fail(s, H2_FRAME_SIZE_ERROR, "frame too large");
	else if (!s->got_settings && (f->type != H2_SETTINGS || (f->flags & H2_FLAG_ACK)))
		fail(s, H2_PROTOCOL_ERROR, "no SETTINGS in front");
	else if (s->block.id && f->type != H2_CONTINUATION)
		fail(s, H2_PROTOCOL_ERROR, "header block interrupted");
	return !s->is_failed;
}

/* The head of a DATA frame, with the length of its padding. Bytes used; 0: more are needed. */
static size_t take_data_head(struct h2_session *s, struct frame *f, size_t len)
{
	uint32_t padding = 0;
	if (f->flags & H2_FLAG_PADDED) {
		if (f->len == 0) {
			fail(s, H2_FRAME_SIZE_ERROR, "short DATA");
			return H2_FRAME_HEAD;
		}
		if (len <= H2_FRAME_HEAD)
			return 0;
		padding = 1u + (uint8_t)f->payload[0];
		if (padding > f->len) {
			fail(s, H2_PROTOCOL_ERROR, "padding longer than the frame");
			return H2_FRAME_HEAD;
		}
	}
	begin_data(s, f, padding);
	if (s->data_left == 0 && s->data_pad == 0)
		end_data(s);
	return H2_FRAME_HEAD + (padding ? 1 : 0);
}

/* One frame, or the head of a DATA frame. Bytes used; 0: more are needed. */
static size_t take_frame(struct h2_session *s, const char *buf, size_t len)
{
	if (len < H2_FRAME_HEAD)
		return 0;
	struct frame f = {
		.len = h2_get32(buf) >> 8,
		.type = (uint8_t)buf[3],
		.flags = (uint8_t)buf[4],
		.id = h2_get32(buf + 5) & INT32_MAX,
		.payload = buf + H2_FRAME_HEAD,
	};
	if (!is_in_place(s, &f))
		return H2_FRAME_HEAD;
	if (f.type == H2_DATA)
		return take_data_head(s, &f, len);
	if (len < H2_FRAME_HEAD + f.len)
		return 0;
	size_t used = H2_FRAME_HEAD + f.len;
	if (f.type < ARRAY_SIZE(handlers))
		handlers[f.type](s, &f);
	else
		h2_useless(s, WEIGHT_LIGHT, "flood of unknown frames");
	return used;
}

/* The client's first 24 bytes. Bytes used; 0: more are needed. */
static size_t take_preface(struct h2_session *s, const char *buf, size_t len)
{
	size_t n = MIN(len, (size_t)H2_PREFACE_LEN);
	if (memcmp(buf, H2_PREFACE, n) != 0)
		fail(s, H2_PROTOCOL_ERROR, "invalid preface");
	if (n < H2_PREFACE_LEN)
		return 0;
	s->preface_done = true;
	return n;
}

size_t h2_session_recv(struct h2_session *s, const char *buf, size_t len, unsigned max_frames)
{
	size_t used = 0;
	unsigned frames = 0;
	while (used < len && !s->is_failed) {
		size_t n;
		if (!s->preface_done)
			n = take_preface(s, buf + used, len - used);
		else if (s->in_data)
			n = take_data(s, buf + used, len - used);
		else if (max_frames && frames++ == max_frames)
			break;
		else
			n = take_frame(s, buf + used, len - used);
		if (n == 0)
			break;
		used += n;
	}
	return used;
}
