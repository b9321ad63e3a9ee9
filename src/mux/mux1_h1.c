/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1 over one connection: heads and bodies in, heads out, and what the connection header says on each side
 * (RFC 9112 9). The connection fields of a message are spent here: they are read off the head that comes in
 * and written anew into the head that goes out. Worker thread only.
 */
#include "mux1_internal.h"

#include <errno.h>
#include <strings.h>

/* A trailer section has the same bound as a head's table. */
#define TRAILERS_MAX 101

static bool bad(struct mux1 *m, unsigned error, size_t at)
{
	m->ep.flags |= EP_IN_BAD;
	m->ep.bad_error = (uint8_t)error;
	m->ep.bad_at = (uint32_t)at;
	m->in_state = MUX1_IN_DONE;
	return true;
}

/* Whether the peer's head lets the connection live on behind this message. */
static bool peer_keeps(const struct http_msg *msg)
{
	if (msg->framing == HTTP_BODY_UNTIL_CLOSE || msg->framing == HTTP_BODY_TUNNEL)
		return false;
	if (msg->flags & HTTP_MSG_CONN_CLOSE)
		return false;
	return msg->version >= 11 || (msg->flags & HTTP_MSG_CONN_KEEP_ALIVE);
}

static bool is_interim(const struct http_msg *msg)
{
	return msg->status >= 100 && msg->status < 200 && msg->status != 101;
}

static bool head_done(struct mux1 *m, size_t consumed)
{
	struct endpoint *ep = &m->ep;
	m->rx.decoded += (uint32_t)consumed;
	m->rx.base = m->rx.decoded;
	ep->flags |= EP_IN_HEAD;
	ep->in_framing = ep->msg->framing;
	ep->msg->head_len = (uint32_t)consumed;
	if (!m->client_side && is_interim(ep->msg)) {
		m->in_state = MUX1_IN_IDLE; /* the final head follows */
		return true;
	}
	if (peer_keeps(ep->msg))
		ep->flags |= EP_IN_KEEP;
	h1_body_init(&m->body, ep->msg);
	m->in_state = MUX1_IN_BODY;
	return true;
}

static bool decode_head(struct mux1 *m)
{
	struct endpoint *ep = &m->ep;
	struct h1_parsed parsed;
	struct slice bytes = mux1_bytes(m);
	if (bytes.len == 0 || (ep->flags & EP_IN_HEAD))
		return false;
	char *at = m->rx.mem + m->rx.decoded;
	size_t head_max = mux_local(m->conn.worker)->head_max;
	m->in_state = MUX1_IN_HEAD;
	enum h1_result r = m->client_side
			       ? h1_parse_request(at, bytes.len, ep->h1_flags, ep->msg, &parsed)
			       : h1_parse_response(at, bytes.len, ep->h1_flags, ep->msg, &parsed);
	if (r == H1_COMPLETE && parsed.consumed <= head_max)
		return head_done(m, parsed.consumed);
	if (r == H1_ERROR)
		return bad(m, parsed.error, parsed.error_at);
	if (r == H1_COMPLETE || bytes.len > head_max)
		return bad(m, H1_ERR_TOO_LARGE, head_max);
	return false;
}

static bool message_done(struct mux1 *m)
{
	m->in_state = MUX1_IN_DONE;
	m->ep.flags |= EP_IN_END;
	return true;
}

/* Few messages have trailers: their table is made when they come. */
static bool new_trailers(struct mux1 *m)
{
	struct http_hdr *table = arena_array(m->ep.arena, struct http_hdr, TRAILERS_MAX);
	if (table)
		http_msg_init(m->ep.trailers, table, TRAILERS_MAX);
	else
		m->ep.flags |= EP_NO_MEMORY | EP_ERROR;
	return table;
}

static bool decode_trailers(struct mux1 *m)
{
	struct http_hdr table[TRAILERS_MAX];
	struct http_msg ignored, *trailers = m->ep.trailers;
	struct h1_parsed parsed;
	struct slice bytes = mux1_bytes(m);
	if (bytes.len == 0)
		return false;
	if (!trailers) {
		http_msg_init(&ignored, table, TRAILERS_MAX);
		trailers = &ignored;
	} else if (!trailers->hdrs && !new_trailers(m)) {
		return false;
	}
	enum h1_result r = h1_parse_trailers(
	    m->rx.mem + m->rx.decoded, bytes.len, m->ep.h1_flags, trailers, &parsed);
	if (r == H1_INCOMPLETE) {
		if (m->rx.end == m->rx.size && m->rx.decoded == m->rx.base)
			return bad(m, H1_ERR_TOO_LARGE, bytes.len);
		return false;
	}
	if (r == H1_ERROR)
		return bad(m, parsed.error, parsed.error_at);
	m->rx.decoded += (uint32_t)parsed.consumed;
	if (trailers != &ignored && trailers->hdrs_n)
		m->ep.flags |= EP_IN_TRAILERS;
	return message_done(m);
}

static bool decode_body(struct mux1 *m)
{
	bool progress = false;
	for (;;) {
		struct slice bytes = mux1_bytes(m), data;
		struct h1_body before = m->body;
		size_t consumed;
		enum h1_body_event ev =
		    h1_body_decode(&m->body, bytes.ptr, bytes.len, &consumed, &data);
		if (ev == H1_BODY_DATA && !inflow_add(m->ep.in, data)) {
			m->body = before; /* the table of slices is full: later */
			m->ep.flags |= EP_IN_FULL;
			return progress;
		}
		m->rx.decoded += (uint32_t)consumed;
		switch (ev) {
		case H1_BODY_DATA:
			progress = true;
			break;
		case H1_BODY_MORE:
			return progress;
		case H1_BODY_TRAILERS:
			m->in_state = MUX1_IN_TRAILERS;
			return decode_trailers(m) || progress;
		case H1_BODY_END:
			return message_done(m);
		case H1_BODY_ERROR:
			return bad(m, m->body.error, m->rx.decoded);
		}
	}
}

static bool decode(struct mux1 *m)
{
	switch (m->in_state) {
	case MUX1_IN_IDLE:
	case MUX1_IN_HEAD:
		if (!decode_head(m))
			return false;
		if (m->in_state == MUX1_IN_BODY)
			decode_body(m);
		return true;
	case MUX1_IN_BODY:
		return decode_body(m);
	case MUX1_IN_TRAILERS:
		return decode_trailers(m);
	case MUX1_IN_TUNNEL:
		return mux1_decode_raw(m);
	default:
		return false;
	}
}

/* A head is parsed again only once a line was completed, so that a byte a packet does not cost a head each. */
static bool worth_decoding(const struct mux1 *m, size_t new_bytes)
{
	if (m->in_state != MUX1_IN_HEAD || mux1_bytes(m).len > mux_local(m->conn.worker)->head_max)
		return true;
	return memchr(m->rx.mem + m->rx.end - new_bytes, '\n', new_bytes) != NULL;
}

static bool h1_recv(struct endpoint *ep)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	bool progress = m->in_state != MUX1_IN_HEAD && decode(m);
	while (!progress && m->in_state != MUX1_IN_DONE && (m->conn.flags & CONN_READABLE)) {
		if (!mux1_make_room(m)) {
			if (!(ep->flags & EP_NO_MEMORY))
				ep->flags |= EP_IN_FULL;
			return false;
		}
		ssize_t n = mux1_read(m);
		if (n == -EAGAIN)
			return false;
		if (n < 0)
			return true;
		if (n == 0) {
			mux1_peer_closed(m);
			return true;
		}
		if (worth_decoding(m, (size_t)n))
			progress = decode(m);
	}
	return progress;
}

/* ---- heads out ---- */

/* What the peer understands: of a client its request says so, of a server the request that it gets. */
static unsigned peer_version(const struct mux1 *m, const struct http_msg *out)
{
	return m->client_side ? m->ep.msg->version : out->version;
}

/* Where the client's version knows no chunks, the end of the connection is the end of the body. */
static void choose_framing(struct mux1 *m, struct http_msg *msg)
{
	m->out_framing = msg->framing;
	if (msg->framing == HTTP_BODY_CHUNKED && m->client_side && peer_version(m, msg) < 11) {
		http_hdr_del_id(msg, HDR_TRANSFER_ENCODING);
		m->out_framing = HTTP_BODY_UNTIL_CLOSE;
	}
}

/* One connection field that says "upgrade" and no more may stay where it is. */
static bool says_only_upgrade(const struct http_msg *msg)
{
	struct http_hdr *h = http_hdr_find_id(msg, HDR_CONNECTION, NULL);
	return h && h->value_len == 7 && strncasecmp(h->value, "upgrade", 7) == 0 &&
	       !http_hdr_find_id(msg, HDR_CONNECTION, h);
}

static int set_connection(struct http_msg *msg, unsigned version, bool close)
{
	bool upgrade = (msg->flags & HTTP_MSG_CONN_UPGRADE) || msg->status == 101;
	bool request = msg->status == 0;
	http_hdr_del_id(msg, HDR_KEEP_ALIVE);
	http_hdr_del_id(msg, HDR_PROXY_CONNECTION);
	if (upgrade && says_only_upgrade(msg))
		return 0;
	http_hdr_del_id(msg, HDR_CONNECTION);
	if (upgrade)
		return http_hdr_add(msg, http_hdr_name(HDR_CONNECTION), SLICE("upgrade"));
	if (close && request && version < 11)
		return 0; /* nobody would keep it */
	if (close)
		return http_hdr_add(msg, http_hdr_name(HDR_CONNECTION), SLICE("close"));
	if (version < 11)
		return http_hdr_add(msg, http_hdr_name(HDR_CONNECTION), SLICE("keep-alive"));
	return 0;
}

/* Whether that response must say how long it is, even where it is empty. */
static bool wants_length(const struct mux1 *m, const struct http_msg *msg)
{
	return m->out_framing == HTTP_BODY_NONE && msg->status >= 200 && msg->status != 204 &&
	       msg->status != 304 && m->ep.msg->method != HTTP_HEAD &&
	       !http_hdr_find_id(msg, HDR_CONTENT_LENGTH, NULL);
}

/* What HTTP/2 says by its framing, and HTTP/1 in fields. */
static WEIR_COLD int say_framing(struct mux1 *m, struct http_msg *msg)
{
	if (m->out_framing == HTTP_BODY_CHUNKED &&
	    !http_hdr_find_id(msg, HDR_TRANSFER_ENCODING, NULL))
		return http_hdr_add(msg, http_hdr_name(HDR_TRANSFER_ENCODING), SLICE("chunked"));
	if (m->client_side && wants_length(m, msg))
		return http_hdr_add(msg, http_hdr_name(HDR_CONTENT_LENGTH), SLICE("0"));
	return 0;
}

/* The origin form of a target that was made of its parts (RFC 9112 3.2.1). */
static struct slice origin_form(const struct http_msg *msg)
{
	struct http_target parts;
	http_target_split(msg->target, &parts);
	if (parts.scheme.len == 0)
		return msg->target;
	if (parts.path.len == 0)
		return msg->method == HTTP_OPTIONS ? SLICE("*") : SLICE("/");
	const char *end = msg->target.ptr + msg->target.len;
	return slice_make(parts.path.ptr, (size_t)(end - parts.path.ptr));
}

static size_t write_request(struct http_msg *msg, char *out, size_t cap)
{
	struct slice target = msg->target;
	if (msg->flags & HTTP_MSG_NORMALIZED)
		msg->target = origin_form(msg);
	size_t len = h1_write_request(msg, true, out, cap);
	msg->target = target;
	return len;
}

static int h1_send_head(struct endpoint *ep, struct http_msg *msg, bool close)
{
	struct mux1 *m = container_of(ep, struct mux1, ep);
	bool interim = m->client_side && is_interim(msg);
	if (!interim) {
		choose_framing(m, msg);
		if (msg->version >= 20 && say_framing(m, msg) < 0)
			return -ENOBUFS;
		close = close || m->out_framing == HTTP_BODY_UNTIL_CLOSE;
		if (set_connection(msg, peer_version(m, msg), close) < 0)
			return -ENOBUFS;
	}
	size_t cap = m->out.len + h1_head_size(msg);
	char *text = arena_bytes(ep->arena, cap);
	if (!text)
		return -ENOMEM;
	/* a PROXY header or an interim head may still wait in front */
	if (m->out.len)
		memcpy(text, m->out.ptr, m->out.len);
	size_t len = m->client_side
			 ? h1_write_response(msg, false, text + m->out.len, cap - m->out.len)
			 : write_request(msg, text + m->out.len, cap - m->out.len);
	if (len == 0)
		return -ENOMEM;
	m->out = slice_make(text, m->out.len + len);
	ep->flags |= EP_OUT_PENDING;
	if (!interim && !close && m->out_framing != HTTP_BODY_TUNNEL)
		ep->flags |= EP_OUT_KEEP;
	return 0;
}

const struct mux_ops mux_h1_ops = {
	.name = "h1",
	.http = true,
	.attach = mux1_attach,
	.recv = h1_recv,
	.consume = mux1_consume,
	.send_head = h1_send_head,
	.send = mux1_send,
	.tunnel = mux1_tunnel,
	.shut = mux1_shut,
	.bulk_left = mux1_bulk_left,
	.bulk_moved = mux1_bulk_moved,
	.bulk_sink = mux1_bulk_sink,
	.hold = mux1_hold,
	.rewind = mux1_rewind,
	.trailers = mux1_trailers,
	.detach = mux1_detach,
};
