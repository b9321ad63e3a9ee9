/* SPDX-License-Identifier: MIT */
/*
 * Header blocks that come in: HEADERS and its CONTINUATIONs, decompressed field by field into s->head-> A block is
 * always decoded, even if nobody wants its message, because the tables of both sides must stay the same. Until its
 * end it holds a buffer, so its frames and its size are bounded.
 */
#include "frame.h"
#include "mem.h"

/* A head larger than allowed is answered; one that is so many times larger is an attack. */
#define TOO_LARGE_FACTOR 4
/* What a field costs beside its bytes (RFC 9113 6.5.2). */
#define FIELD_OVERHEAD 32

static bool fail(struct h2_session *s, enum h2_error error, const char *why)
{
	h2_session_fail(s, error, why);
	return false;
}

static void drop_rest(struct h2_block *b)
{
	free(b->rest);
	b->rest = NULL;
	b->rest_len = 0;
}

void h2_block_drop(struct h2_session *s)
{
	pool_put(s->out.pool, s->head);
	s->head = NULL;
	drop_rest(&s->block);
	s->block = (struct h2_block){ .id = 0 };
}

/* A stream that the peer opens: the block's fate by its number and the limits. */
static bool new_stream(struct h2_session *s, uint32_t id)
{
	struct h2_block *b = &s->block;
	s->last_id = id;
	if (s->goaway_sent)
		b->ignored = true;
	else if (s->streams_n >= s->conf.max_streams)
		b->refuse = true;
	else
		s->last_taken = id;
	return true;
}

/* A second block of a stream: trailers, or a late one. */
static bool known_stream(struct h2_session *s, struct h2_stream *st, bool end)
{
	struct h2_block *b = &s->block;
	const char *why = NULL;
	enum h2_error error = H2_PROTOCOL_ERROR;
	if (st->state & H2_ST_REMOTE_END) {
		why = "HEADERS behind the end of a stream";
		error = H2_STREAM_CLOSED;
	} else if ((st->state & H2_ST_HEAD) && !end) {
		why = "trailers without END_STREAM";
	}
	if (!why)
		return true;
	h2_send_rst(s, st->id, error);
	h2_close(s, st, true);
	s->ops->reset(s, st, error, false, why);
	b->ignored = true;
	return true;
}

bool h2_block_begin(struct h2_session *s, uint32_t id, bool end)
{
	struct h2_stream *st = h2_find(s, id);
	enum h2_head_kind kind = st && (st->state & H2_ST_HEAD) ? H2_TRAILERS
				 : s->conf.client_side		? H2_REQUEST
								: H2_RESPONSE;
	bool ours = (id & 1) != (s->conf.client_side ? 1u : 0u);
	s->block = (struct h2_block){ .id = id, .end = end };
	if (st) {
		known_stream(s, st, end);
	} else if (!s->conf.client_side && (!ours || id >= s->next_id)) {
		return fail(s, H2_PROTOCOL_ERROR, "HEADERS on an idle stream");
	} else if (s->conf.client_side && ours) {
		return fail(s, H2_PROTOCOL_ERROR, "HEADERS on a stream of even number");
	} else if (s->conf.client_side && id > s->last_id) {
		new_stream(s, id);
	} else if (h2_was_reset(s, id)) {
		s->block.ignored = true;
	} else {
		return fail(s, H2_STREAM_CLOSED, "HEADERS on a closed stream");
	}
	s->head = pool_get(s->out.pool);
	if (!s->head)
		return fail(s, H2_INTERNAL_ERROR, "no memory");
	hpack_decoder_begin(&s->decoder);
	h2_head_init(s->head, kind, s->out.pool->size, s->conf.head_max, s->conf.max_fields);
	return true;
}

/* ---- its end ---- */

static void reset(struct h2_session *s, struct h2_stream *st, const char *why)
{
	h2_send_rst(s, st->id, H2_PROTOCOL_ERROR);
	h2_close(s, st, true);
	s->ops->reset(s, st, H2_PROTOCOL_ERROR, false, why);
}

/* Refused before it was a stream. */
static void refuse_request(struct h2_session *s, enum h2_error error, const char *why)
{
	h2_send_rst(s, s->block.id, error);
	h2_note_reset(s, s->block.id);
	s->ops->refused(s, 0, why);
}

/* RFC 6585 5: told in words, which a reset cannot. */
static void answer_too_large(struct h2_session *s)
{
	struct h2_stream st = { .id = 0 };
	struct http_msg m;
	http_msg_init(&m, NULL, 0);
	h2_table_add(s, &st, s->block.id);
	if (s->block.end)
		st.state |= H2_ST_REMOTE_END;
	if (h2_send_response(s, &st, 431, &m, true) == 0)
		h2_reset(s, &st, H2_NO_ERROR);
	h2_close(s, &st, true);
	s->ops->refused(s, 431, "header list too large");
}

static void set_length(struct h2_session *s, struct h2_stream *st, bool counts)
{
	if (!counts || !s->head->has_length)
		return;
	st->state |= H2_ST_LENGTH;
	st->body_left = s->head->length;
}

static void request_done(struct h2_session *s)
{
	bool end = s->block.end;
	if (s->block.refuse) {
		refuse_request(s, H2_REFUSED_STREAM, "too many streams");
		return;
	}
	if (!h2_head_finish(s->head)) {
		if (s->head->too_large && !s->head->why)
			answer_too_large(s);
		else
			refuse_request(s, H2_PROTOCOL_ERROR, s->head->why);
		return;
	}
	if (end && s->head->has_length && s->head->length) {
		refuse_request(s, H2_PROTOCOL_ERROR, "content-length without content");
		return;
	}
	struct h2_stream *st = s->ops->request(s, end);
	if (!st) {
		refuse_request(s, H2_REFUSED_STREAM, "stream refused");
		return;
	}
	h2_table_add(s, st, s->block.id);
	st->state |= H2_ST_HEAD;
	set_length(s, st, true);
	if (end)
		h2_half_close(s, st, H2_ST_REMOTE_END);
}

static void response_done(struct h2_session *s, struct h2_stream *st)
{
	bool end = s->block.end;
	bool ok = h2_head_finish(s->head);
	unsigned status = s->head->status;
	bool interim = status >= 100 && status < 200;
	bool bodyless = (st->state & H2_ST_FOR_HEAD) || status == 204 || status == 304 ||
			((st->state & H2_ST_CONNECT) && status / 100 == 2);
	const char *why = s->head->why ? s->head->why : "header list too large";
	if (ok && interim && end) {
		ok = false;
		why = "interim response with END_STREAM";
	} else if (ok && end && s->head->has_length && s->head->length && !bodyless) {
		ok = false;
		why = "content-length without content";
	}
	if (!ok) {
		reset(s, st, why);
		return;
	}
	if (!interim) {
		st->state |= H2_ST_HEAD;
		set_length(s, st, !(st->state & H2_ST_CONNECT));
		if (bodyless)
			st->body_left = 0;
	}
	s->ops->response(s, st, end);
	if (!end)
		return;
	h2_half_close(s, st, H2_ST_REMOTE_END);
	s->ops->end(s, st);
}

static void trailers_done(struct h2_session *s, struct h2_stream *st)
{
	if (!h2_head_finish(s->head)) {
		reset(s, st, s->head->why ? s->head->why : "trailers too large");
		return;
	}
	if ((st->state & H2_ST_LENGTH) && st->body_left) {
		reset(s, st, "less content than content-length");
		return;
	}
	s->ops->trailers(s, st);
	h2_half_close(s, st, H2_ST_REMOTE_END);
	s->ops->end(s, st);
}

static void block_done(struct h2_session *s)
{
	struct h2_stream *st = h2_find(s, s->block.id);
	if (!s->block.ignored) {
		if (s->head->kind == H2_REQUEST)
			request_done(s);
		else if (st && s->head->kind == H2_RESPONSE)
			response_done(s, st);
		else if (st)
			trailers_done(s, st);
	}
	h2_block_drop(s);
}

/* ---- its parts ---- */

static bool take_field(struct h2_session *s, struct hpack_field *f)
{
	struct h2_block *b = &s->block;
	b->size += (uint32_t)(f->name.len + f->value.len + FIELD_OVERHEAD);
	if (b->size > TOO_LARGE_FACTOR * s->conf.head_max) {
		s->limit = H2_LIMIT_HEADER_LIST;
		return fail(s, H2_ENHANCE_YOUR_CALM, "header list far too large");
	}
	if (!b->ignored && !b->refuse)
		h2_head_field(s->head, f);
	return true;
}

/* The bytes on the wire are bounded too: table size updates and empty strings make no fields. */
static bool within_limits(struct h2_session *s, size_t len)
{
	struct h2_block *b = &s->block;
	b->frames++;
	b->size += b->frames > 1 ? (uint32_t)len / 2 + 1 : 0;
	if (s->conf.continuations && b->frames > s->conf.continuations + 1) {
		s->limit = H2_LIMIT_CONTINUATIONS;
		return fail(s, H2_ENHANCE_YOUR_CALM, "too many CONTINUATION frames");
	}
	if (b->size > TOO_LARGE_FACTOR * s->conf.head_max) {
		s->limit = H2_LIMIT_HEADER_LIST;
		return fail(s, H2_ENHANCE_YOUR_CALM, "header list far too large");
	}
	return true;
}

/* A field that began in the frame before goes on: the two pieces as one. False: no memory. */
static bool join(struct h2_block *b, struct slice *in)
{
	if (likely(!b->rest_len))
		return true;
	char *both = realloc(b->rest, b->rest_len + in->len);
	if (!both)
		return false;
	if (in->len)
		memcpy(both + b->rest_len, in->ptr, in->len);
	*in = slice_make(both, b->rest_len + in->len);
	b->rest = both;
	return true;
}

/* in: of the frame, or of rest itself where there is one. False: no memory. */
static bool keep_rest(struct h2_block *b, struct slice in)
{
	b->rest_len = (uint32_t)in.len;
	if (!b->rest)
		b->rest = malloc(in.len);
	if (b->rest)
		memmove(b->rest, in.ptr, in.len);
	return b->rest;
}

bool h2_block_part(struct h2_session *s, const char *bytes, size_t len, bool last)
{
	struct slice in = slice_make(bytes, len);
	struct hpack_field field;
	enum hpack_result got;
	if (!within_limits(s, len))
		return false;
	if (!join(&s->block, &in))
		return fail(s, H2_INTERNAL_ERROR, "no memory");
	while ((got = hpack_decode(&s->decoder, &s->mem->scratch, &in, &field)) == HPACK_FIELD) {
		if (!take_field(s, &field))
			return false;
	}
	if (got == HPACK_ERROR || (got == HPACK_MORE && last))
		return fail(s, H2_COMPRESSION_ERROR, "header block cannot be decoded");
	if (got == HPACK_NO_MEMORY || (got == HPACK_MORE && !keep_rest(&s->block, in)))
		return fail(s, H2_INTERNAL_ERROR, "no memory");
	if (got == HPACK_END)
		drop_rest(&s->block);
	if (!last)
		return true;
	s->headers_rcvd++;
	block_done(s);
	return !s->is_failed;
}
