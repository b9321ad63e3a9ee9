/* SPDX-License-Identifier: MIT */
/*
 * A session's life, its table of streams, and what goes out beside heads: SETTINGS, acknowledgements, windows,
 * RST_STREAM and GOAWAY. Closed streams leave the table at once; a few numbers of those that we reset are remembered,
 * because frames for them are still on their way.
 */
#include <errno.h>

#include "frame.h"
#include "mem.h"

/* Replies that may wait for a peer that asks and does not read. */
#define REPLIES_MAX 1000

/* ---- the table ---- */

static struct h2_stream **bucket(const struct h2_session *s, uint32_t id)
{
	return &s->table[(id >> 1) % s->buckets];
}

struct h2_stream *h2_find(const struct h2_session *s, uint32_t id)
{
	struct h2_stream *st = *bucket(s, id);
	while (st && st->id != id)
		st = st->next;
	return st;
}

static void link_stream(struct h2_session *s, struct h2_stream *st)
{
	struct h2_stream **at = bucket(s, st->id);
	st->next = *at;
	*at = st;
}

/* Without memory the small one goes on, only slower. */
static void enlarge_table(struct h2_session *s)
{
	struct h2_stream **table = pool_get(&s->mem->tables);
	if (!table)
		return;
	memset(table, 0, H2_TABLE_BUCKETS * sizeof(struct h2_stream *));
	s->table = table;
	s->buckets = H2_TABLE_BUCKETS;
	for (unsigned i = 0; i < H2_TABLE_FEW; i++) {
		while (s->few[i]) {
			struct h2_stream *st = s->few[i];
			s->few[i] = st->next;
			link_stream(s, st);
		}
	}
}

/* Once it is empty. */
static void drop_table(struct h2_session *s)
{
	if (s->table != s->few)
		pool_put(&s->mem->tables, s->table);
	s->table = s->few;
	s->buckets = H2_TABLE_FEW;
}

void h2_table_add(struct h2_session *s, struct h2_stream *st, uint32_t id)
{
	if (s->streams_n == 2 * H2_TABLE_FEW && s->table == s->few)
		enlarge_table(s);
	st->id = id;
	st->send_window = (int32_t)s->peer_window;
	st->recv_window = (int32_t)s->conf.initial_window;
	link_stream(s, st);
	s->streams_n++;
}

void h2_close(struct h2_session *s, struct h2_stream *st, bool ours)
{
	struct h2_stream **at = bucket(s, st->id);
	if (st->state & H2_ST_CLOSED)
		return;
	st->state |= H2_ST_CLOSED;
	if (s->data_stream == st)
		s->data_stream = NULL;
	if (ours)
		h2_note_reset(s, st->id);
	while (*at && *at != st)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = st->next;
	if (--s->streams_n == 0)
		drop_table(s);
}

void h2_half_close(struct h2_session *s, struct h2_stream *st, unsigned bit)
{
	const unsigned both = H2_ST_LOCAL_END | H2_ST_REMOTE_END;
	st->state |= (uint8_t)bit;
	if ((st->state & both) == both)
		h2_close(s, st, false);
}

/* Without memory frames on their way for it look like those of a closed stream: the peer may lose the connection. */
void h2_note_reset(struct h2_session *s, uint32_t id)
{
	if (!s->resets)
		s->resets = calloc(1, sizeof(*s->resets));
	if (!s->resets)
		return;
	s->resets->ids[s->resets->at] = id;
	s->resets->at = (s->resets->at + 1) % H2_RECENTLY_CLOSED;
}

/* Once the ring has wrapped, those below it count as reset too: nobody knows any more. */
bool h2_was_reset(const struct h2_session *s, uint32_t id)
{
	uint32_t least = UINT32_MAX;
	for (unsigned i = 0; s->resets && i < H2_RECENTLY_CLOSED; i++) {
		if (s->resets->ids[i] == id)
			return true;
		least = MIN(least, s->resets->ids[i]);
	}
	return s->resets && id < least;
}

int h2_stream_open(struct h2_session *s, struct h2_stream *st)
{
	if (s->next_id > H2_STREAM_ID_MAX || s->is_failed)
		return -ENOSPC;
	h2_table_add(s, st, s->next_id);
	s->next_id += 2;
	return 0;
}

/* ---- small frames ---- */

static void send_frame(struct h2_session *s, enum h2_frame_type type, unsigned flags, uint32_t id,
    const char *payload, size_t len)
{
	char frame[H2_FRAME_HEAD + 64];
	h2_put_frame_head(frame, len, type, flags, id);
	if (len)
		memcpy(frame + H2_FRAME_HEAD, payload, len);
	if (h2_out_add(&s->out, frame, H2_FRAME_HEAD + len) < 0 && !s->is_failed) {
		s->is_failed = true; /* what is not sent cannot be made good */
		s->failed = H2_INTERNAL_ERROR;
		s->why = "no memory";
	}
}

/* Something that the peer made us say. */
static void count_reply(struct h2_session *s)
{
	if (s->out.bytes == 0)
		s->replies = 0;
	if (++s->replies > REPLIES_MAX && !s->is_failed) {
		s->limit = H2_LIMIT_FLOOD;
		h2_session_fail(s, H2_ENHANCE_YOUR_CALM, "replies pile up");
	}
}

void h2_send_rst(struct h2_session *s, uint32_t id, enum h2_error error)
{
	char code[4];
	h2_put32(code, error);
	count_reply(s);
	s->rst_sent++;
	send_frame(s, H2_RST_STREAM, 0, id, code, 4);
}

void h2_send_ack(struct h2_session *s, enum h2_frame_type type, const char payload[8])
{
	count_reply(s);
	send_frame(s, type, H2_FLAG_ACK, 0, payload, payload ? 8 : 0);
}

void h2_send_ping(struct h2_session *s)
{
	s->pings++;
	send_frame(s, H2_PING, 0, 0, "weirweir", 8);
}

void h2_send_window(struct h2_session *s, uint32_t id, uint32_t n)
{
	char size[4];
	h2_put32(size, n);
	send_frame(s, H2_WINDOW_UPDATE, 0, id, size, 4);
}

void h2_send_goaway(struct h2_session *s, uint32_t last, enum h2_error error)
{
	char payload[8];
	h2_put32(payload, last);
	h2_put32(payload + 4, error);
	s->goaway_sent_n++;
	if (last != H2_STREAM_ID_MAX)
		s->goaway_sent = true;
	send_frame(s, H2_GOAWAY, 0, 0, payload, 8);
}

void h2_session_fail(struct h2_session *s, enum h2_error error, const char *why)
{
	if (s->is_failed)
		return;
	s->is_failed = true;
	s->failed = (uint8_t)error;
	s->why = why;
	h2_send_goaway(s, s->last_taken, error);
}

void h2_reset(struct h2_session *s, struct h2_stream *st, enum h2_error error)
{
	if ((st->state & H2_ST_CLOSED) || !st->id)
		return;
	s->rst_sent++;
	char code[4];
	h2_put32(code, error);
	send_frame(s, H2_RST_STREAM, 0, st->id, code, 4);
	h2_close(s, st, true);
}

bool h2_useless(struct h2_session *s, unsigned weight, const char *why)
{
	if (s->now_ms - s->useless_ms >= 1000) {
		s->useless_ms = s->now_ms;
		s->useless = 0;
	}
	s->useless += weight;
	if (!s->conf.floods || s->useless <= s->conf.floods)
		return true;
	s->limit = H2_LIMIT_FLOOD;
	h2_session_fail(s, H2_ENHANCE_YOUR_CALM, why);
	return false;
}

/* ---- windows ---- */

/* Worth a frame: half of the window that there is when nothing is consumed. */
void h2_conn_credit(struct h2_session *s, uint32_t n)
{
	s->recv_credit += n;
	if (s->recv_credit < s->conf.conn_window / 2)
		return;
	h2_send_window(s, 0, s->recv_credit);
	s->recv_window += (int32_t)s->recv_credit;
	s->recv_credit = 0;
}

void h2_consumed(struct h2_session *s, struct h2_stream *st, size_t len, uint32_t more)
{
	st->recv_credit += (uint32_t)len + more;
	if (st->state & (H2_ST_CLOSED | H2_ST_REMOTE_END) || st->recv_credit == 0)
		return;
	if (!more && st->recv_credit < s->conf.initial_window / 2 &&
	    st->recv_window > (int32_t)s->conf.initial_window / 4)
		return;
	if (st->recv_window > H2_WINDOW_MAX - (int32_t)st->recv_credit)
		return;
	h2_send_window(s, st->id, st->recv_credit);
	st->recv_window += (int32_t)st->recv_credit;
	st->recv_credit = 0;
}

/* ---- life ---- */

static void add_setting(char *payload, size_t *len, enum h2_setting id, uint32_t value)
{
	payload[*len] = 0;
	payload[*len + 1] = (char)id;
	h2_put32(payload + *len + 2, value);
	*len += 6;
}

static void send_settings(struct h2_session *s)
{
	char payload[48];
	size_t len = 0;
	const struct h2_conf *c = &s->conf;
	if (s->decoder.limit != HPACK_TABLE_SIZE)
		add_setting(payload, &len, H2_SET_TABLE_SIZE, s->decoder.limit);
	if (c->client_side)
		add_setting(payload, &len, H2_SET_CONNECT, 1);
	else
		add_setting(payload, &len, H2_SET_PUSH, 0);
	if (c->client_side)
		add_setting(payload, &len, H2_SET_MAX_STREAMS, c->max_streams);
	if (c->initial_window != H2_WINDOW)
		add_setting(payload, &len, H2_SET_WINDOW, c->initial_window);
	if (c->max_frame != H2_FRAME_SIZE)
		add_setting(payload, &len, H2_SET_FRAME_SIZE, c->max_frame);
	add_setting(payload, &len, H2_SET_HEADER_LIST, c->head_max);
	send_frame(s, H2_SETTINGS, 0, 0, payload, len);
}

int h2_session_init(struct h2_session *s, const struct h2_conf *conf, const struct h2_ops *ops,
    struct pool *bufs, struct h2_mem *mem)
{
	*s = (struct h2_session){
		.ops = ops,
		.mem = mem,
		.table = s->few,
		.conf = *conf,
		.next_id = 1,
		.send_window = H2_WINDOW,
		.recv_window = H2_WINDOW,
		.peer_window = H2_WINDOW,
		.peer_streams = UINT32_MAX,
		.peer_frame = H2_FRAME_SIZE,
		.preface_done = !conf->client_side,
	};
	h2_out_init(&s->out, bufs);
	drop_table(s);
	hpack_decoder_init(&s->decoder, conf->table_size);
	if (!conf->client_side && h2_out_add(&s->out, H2_PREFACE, H2_PREFACE_LEN) < 0) {
		h2_session_done(s);
		return -ENOMEM;
	}
	send_settings(s);
	if (conf->conn_window > H2_WINDOW) {
		h2_send_window(s, 0, conf->conn_window - H2_WINDOW);
		s->recv_window = (int32_t)conf->conn_window;
	}
	if (s->is_failed) {
		h2_session_done(s);
		return -ENOMEM;
	}
	return 0;
}

void h2_session_done(struct h2_session *s)
{
	h2_block_drop(s);
	h2_out_clear(&s->out);
	hpack_decoder_done(&s->decoder);
	drop_table(s);
	free(s->resets);
	s->resets = NULL;
}
