/* SPDX-License-Identifier: MIT */
/* Frames of RFC 9113 6, private to src/h2. */
#ifndef WEIR_SRC_H2_FRAME_H
#define WEIR_SRC_H2_FRAME_H

#include "weir/h2/h2.h"

enum h2_frame_type {
	H2_DATA,
	H2_HEADERS,
	H2_PRIORITY,
	H2_RST_STREAM,
	H2_SETTINGS,
	H2_PUSH_PROMISE,
	H2_PING,
	H2_GOAWAY,
	H2_WINDOW_UPDATE,
	H2_CONTINUATION,
};

#define H2_FLAG_END_STREAM  0x01u
#define H2_FLAG_ACK	    0x01u
#define H2_FLAG_END_HEADERS 0x04u
#define H2_FLAG_PADDED	    0x08u
#define H2_FLAG_PRIORITY    0x20u

enum h2_setting {
	H2_SET_TABLE_SIZE = 1,
	H2_SET_PUSH = 2,
	H2_SET_MAX_STREAMS = 3,
	H2_SET_WINDOW = 4,
	H2_SET_FRAME_SIZE = 5,
	H2_SET_HEADER_LIST = 6,
	H2_SET_CONNECT = 8, /* RFC 8441 */
};

static inline uint32_t h2_get32(const char *p)
{
	const uint8_t *b = (const uint8_t *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline void h2_put32(char *p, uint32_t v)
{
	p[0] = (char)(v >> 24);
	p[1] = (char)(v >> 16);
	p[2] = (char)(v >> 8);
	p[3] = (char)v;
}

static inline void h2_put_frame_head(
    char *p, size_t len, unsigned type, unsigned flags, uint32_t id)
{
	p[0] = (char)(len >> 16);
	p[1] = (char)(len >> 8);
	p[2] = (char)len;
	p[3] = (char)type;
	p[4] = (char)flags;
	h2_put32(p + 5, id);
}

/* session.c, for what comes in */
void h2_table_add(struct h2_session *s, struct h2_stream *st, uint32_t id);
/* Off the table; ours: the peer does not know yet, so its frames for it are no error for a while. */
void h2_close(struct h2_session *s, struct h2_stream *st, bool ours);
/* END_STREAM has passed one way: closes it when that was the second. */
void h2_half_close(struct h2_session *s, struct h2_stream *st, unsigned bit);
void h2_note_reset(struct h2_session *s, uint32_t id);
bool h2_was_reset(const struct h2_session *s, uint32_t id);
void h2_send_rst(struct h2_session *s, uint32_t id, enum h2_error error);
void h2_send_window(struct h2_session *s, uint32_t id, uint32_t n);
void h2_send_ack(struct h2_session *s, enum h2_frame_type type, const char payload[8]);
/* The connection's share of payload that has come. */
void h2_conn_credit(struct h2_session *s, uint32_t n);

/* block.c: header blocks. False: the session has failed. */
bool h2_block_begin(struct h2_session *s, uint32_t id, bool end);
bool h2_block_part(struct h2_session *s, const char *bytes, size_t len, bool last);
void h2_block_drop(struct h2_session *s);

/* Counts a frame that serves nobody; false: there were too many (failed). */
bool h2_useless(struct h2_session *s, unsigned weight, const char *why);

#endif
