/* SPDX-License-Identifier: MIT */
/*
 * Heads between HTTP/2 and the form that the rest of weir knows: the request line, and upgrades, which HTTP/1 asks for by
 * Upgrade and 101 and HTTP/2 by an extended CONNECT and 200 (RFC 8441). The key of a WebSocket's handshake means
 * something to HTTP/1 alone: it is made up towards such a server, and answered on behalf of an HTTP/2 one.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include "mux2_internal.h"

#define WS_KEY_BYTES 16
#define WS_KEY_TEXT  24
#define WS_GUID	     "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static const struct slice ws_key_name = { "sec-websocket-key", 17 };
static const struct slice ws_accept_name = { "sec-websocket-accept", 20 };

/* RFC 6455 4.2.2 */
static void accept_of(struct slice key, char out[28])
{
	unsigned char digest[SHA_DIGEST_LENGTH], text[32];
	char joined[WS_KEY_TEXT + sizeof(WS_GUID)];
	size_t len = MIN(key.len, (size_t)WS_KEY_TEXT);
	memcpy(joined, key.ptr, len);
	memcpy(joined + len, WS_GUID, sizeof(WS_GUID) - 1);
	SHA1((unsigned char *)joined, len + sizeof(WS_GUID) - 1, digest);
	EVP_EncodeBlock(text, digest, sizeof(digest));
	memcpy(out, text, 28);
}

/* ---- in ---- */

static int add_websocket_key(struct mux2_stream *st, struct http_msg *msg)
{
	unsigned char nonce[WS_KEY_BYTES], text[WS_KEY_TEXT + 1];
	if (http_hdr_find(msg, ws_key_name, NULL))
		return 0;
	if (getrandom(nonce, sizeof(nonce), GRND_NONBLOCK) != sizeof(nonce))
		return -EAGAIN;
	EVP_EncodeBlock(text, nonce, sizeof(nonce));
	struct slice key = arena_slice(st->ep.arena, slice_make((const char *)text, WS_KEY_TEXT));
	return key.ptr ? http_hdr_add(msg, ws_key_name, key) : -ENOMEM;
}

/* An extended CONNECT as the Upgrade that it stands for. */
static int ask_upgrade(struct mux2_stream *st, struct http_msg *msg, struct slice protocol)
{
	struct slice name = arena_slice(st->ep.arena, protocol);
	if (!name.ptr)
		return -ENOMEM;
	int r = http_hdr_add(msg, http_hdr_name(HDR_UPGRADE), name);
	if (r == 0)
		r = http_hdr_add(msg, http_hdr_name(HDR_CONNECTION), SLICE("upgrade"));
	msg->flags |= HTTP_MSG_CONN_UPGRADE;
	st->upgrade = true;
	st->tunnel_wait = true;
	if (r < 0 || !slice_ieq(name, SLICE("websocket")))
		return r;
	msg->flags |= HTTP_MSG_UPGRADE_WS;
	return add_websocket_key(st, msg);
}

int mux2_take_request(struct mux2_stream *st)
{
	struct endpoint *ep = &st->ep;
	struct http_msg *msg = ep->msg;
	const struct h2_head *head = st->m->h2.head;
	int r = h2_head_copy(head, ep->arena, st->in_done, 0, msg);
	if (r == 0 && head->protocol.len)
		r = ask_upgrade(st, msg, head->protocol);
	if (r == -ENOBUFS) {
		ep->flags |= EP_IN_BAD;
		ep->bad_error = H1_ERR_TOO_MANY_HEADERS;
		return 0;
	}
	if (r < 0)
		return r;
	if (msg->method == HTTP_CONNECT)
		st->tunnel_wait = true;
	if (msg->method == HTTP_HEAD)
		st->h.state |= H2_ST_FOR_HEAD;
	st->head_given = true;
	ep->in_framing = msg->framing;
	ep->flags |= EP_IN_HEAD | EP_IN_ANY | EP_IN_KEEP;
	return 0;
}

int mux2_take_upgrade(struct mux2_stream *st, struct http_msg *msg)
{
	struct slice accept = SLICE_NULL;
	if (msg->status / 100 != 2)
		return 0;
	if (st->websocket) {
		accept =
		    arena_slice(st->ep.arena, slice_make(st->ws_accept, sizeof(st->ws_accept)));
		if (!accept.ptr)
			return -ENOMEM;
		msg->flags |= HTTP_MSG_UPGRADE_WS;
	}
	msg->status = 101;
	msg->reason = http_reason(101);
	msg->framing = HTTP_BODY_TUNNEL;
	msg->flags |= HTTP_MSG_CONN_UPGRADE;
	int r = http_hdr_add(msg, http_hdr_name(HDR_UPGRADE), st->protocol);
	if (r == 0)
		r = http_hdr_add(msg, http_hdr_name(HDR_CONNECTION), SLICE("upgrade"));
	return r < 0 || !st->websocket ? r : http_hdr_add(msg, ws_accept_name, accept);
}

/* ---- out ---- */

static void set_path(struct h2_request_line *line, const struct http_msg *msg)
{
	struct http_target parts;
	http_target_split(msg->target, &parts);
	if (parts.scheme.len == 0) {
		line->path = msg->target;
		return;
	}
	const char *end = msg->target.ptr + msg->target.len;
	if (parts.path.len)
		line->path = slice_make(parts.path.ptr, (size_t)(end - parts.path.ptr));
	else
		line->path = msg->method == HTTP_OPTIONS ? SLICE("*") : SLICE("/");
	if (!line->authority.len)
		line->authority = parts.authority;
}

static bool is_websocket(const struct http_msg *msg)
{
	const uint16_t both = HTTP_MSG_CONN_UPGRADE | HTTP_MSG_UPGRADE_WS;
	return (msg->flags & both) == both;
}

/*
 * The protocol that the request wants to change to: the first one that it names, for an extended CONNECT asks for one. An
 * extended CONNECT stands for a GET; and HTTP/2 itself is spoken already.
 */
static struct slice upgrade_of(const struct http_msg *msg)
{
	struct http_list_walk walk = { .started = false };
	struct slice name;
	if (is_websocket(msg))
		return SLICE("websocket");
	if (!(msg->flags & HTTP_MSG_CONN_UPGRADE) || msg->method != HTTP_GET ||
	    !http_list_next(msg, http_hdr_name(HDR_UPGRADE), &walk, &name) ||
	    slice_ieq(name, SLICE("h2c")))
		return SLICE_NULL;
	return name;
}

/* The request line of an extended CONNECT. */
static void write_upgrade(
    struct mux2_stream *st, struct h2_request_line *line, struct slice protocol)
{
	line->method = SLICE("CONNECT");
	line->protocol = st->protocol = protocol;
	st->h.state |= H2_ST_CONNECT;
}

int mux2_write_request(struct mux2_stream *st, struct http_msg *msg, bool end)
{
	struct mux2 *m = st->m;
	struct h2_request_line line = { .method = msg->method_name };
	struct http_hdr *host = http_hdr_find_id(msg, HDR_HOST, NULL), *key = NULL;
	struct slice upgrade = upgrade_of(msg);
	st->waiting = NULL;
	if (upgrade.len && !m->h2.got_settings) {
		st->waiting = msg; /* they say whether it can be asked for */
		return 0;
	}
	st->websocket = is_websocket(msg);
	if (st->websocket && !m->h2.peer_connect)
		return -EPROTONOSUPPORT;
	/* others are requests that a server may answer without the change (RFC 9110 7.8) */
	if (upgrade.len && m->h2.peer_connect) {
		write_upgrade(st, &line, upgrade);
		end = false;
	}
	if (st->websocket) {
		key = http_hdr_find(msg, ws_key_name, NULL);
		if (key)
			accept_of(http_hdr_value_of(key), st->ws_accept);
	}
	if (host)
		line.authority = http_hdr_value_of(host);
	if (msg->method == HTTP_CONNECT) {
		line.authority = msg->target;
		st->h.state |= H2_ST_CONNECT;
		end = false;
	} else {
		set_path(&line, msg);
		line.scheme = m->conn->xprt == &xprt_plain ? SLICE("http") : SLICE("https");
	}
	if (msg->method == HTTP_HEAD)
		st->h.state |= H2_ST_FOR_HEAD;
	/* the message stays as it is: it may be sent again, to a server of HTTP/1 */
	if (key)
		key->flags |= HTTP_HDR_DELETED;
	int r = h2_stream_open(&m->h2, &st->h);
	if (r == 0)
		r = h2_send_request(&m->h2, &st->h, &line, msg, end);
	if (key)
		key->flags &= (uint8_t)~HTTP_HDR_DELETED;
	return r;
}

int mux2_write_response(struct mux2_stream *st, struct http_msg *msg, bool end)
{
	unsigned status = msg->status;
	struct http_hdr *accept = NULL;
	if (status == 101) {
		if (!st->upgrade)
			return -EPROTO;
		status = 200;
		accept = http_hdr_find(msg, ws_accept_name, NULL);
	}
	if (accept)
		accept->flags |= HTTP_HDR_DELETED;
	int r = h2_send_response(&st->m->h2, &st->h, status, msg, end);
	if (accept)
		accept->flags &= (uint8_t)~HTTP_HDR_DELETED;
	return r;
}
