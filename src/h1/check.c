/* SPDX-License-Identifier: MIT */
/*
 * What the fields of a complete head mean together (RFC 9112 6 and 9, RFC 9110 7.8 and 10.1.1): framing,
 * persistence, upgrade. The parser has noted which known fields came, so a field is only looked at when it is
 * there. Everything that two hops could read differently is refused; fields that must not go on are deleted.
 */
#include "parser.h"
#include "scan.h"

#define LENGTH_MAX INT64_MAX

static bool has(const struct h1_parser *ps, enum http_hdr_id id)
{
	return (ps->seen & H1_BIT(id)) != 0;
}

/* The last field of an id that has() is true for. */
static struct http_hdr *last_of(const struct h1_parser *ps, enum http_hdr_id id)
{
	return &ps->m->hdrs[ps->last[id]];
}

static bool refuse(struct h1_parser *ps, enum h1_error error, enum http_hdr_id id)
{
	ps->error = error;
	ps->at = last_of(ps, id)->value;
	return false;
}

static void drop(struct h1_parser *ps, enum http_hdr_id id)
{
	if (has(ps, id))
		http_hdr_del_id(ps->m, id);
	ps->seen &= ~H1_BIT(id);
}

/* Every element of a list of lengths must be the same number (RFC 9112 6.3 item 5). */
static bool length_list(struct slice list, bool *have, uint64_t *length)
{
	do {
		uint64_t value;
		struct slice element = slice_trim_ows(slice_cut(&list, ','));
		if (slice_to_u64(element, LENGTH_MAX, &value) < 0 || (*have && value != *length))
			return false;
		*have = true;
		*length = value;
	} while (list.ptr);
	return true;
}

/* Leaves one field with one number. */
static bool check_content_length(struct h1_parser *ps)
{
	struct http_msg *m = ps->m;
	struct http_hdr *kept = NULL;
	uint64_t length = 0;
	bool have = false;
	for (struct http_hdr *h = http_hdr_find_id(m, HDR_CONTENT_LENGTH, NULL); h;
	     h = http_hdr_find_id(m, HDR_CONTENT_LENGTH, h)) {
		struct slice value = http_hdr_value_of(h);
		if (!length_list(value, &have, &length))
			return refuse(ps, H1_ERR_CONTENT_LENGTH, HDR_CONTENT_LENGTH);
		if (kept) {
			http_hdr_del(h);
			continue;
		}
		kept = h;
		size_t comma = slice_find(value, ',');
		if (comma < value.len)
			http_hdr_set_value(h, slice_trim_ows(slice_sub(value, 0, comma)));
	}
	m->content_length = length;
	m->flags |= HTTP_MSG_HAS_LENGTH;
	return true;
}

/*
 * Only "chunked", once, is understood; other codings in front of it are told apart, because they are legal and
 * only unsupported. accept-unsafe takes empty elements and repetitions in responses.
 */
static enum h1_error read_codings(struct h1_parser *ps, bool lenient)
{
	unsigned chunked = 0;
	unsigned others = 0;
	bool last_is_chunked = false;
	struct http_msg *m = ps->m;
	for (struct http_hdr *h = http_hdr_find_id(m, HDR_TRANSFER_ENCODING, NULL); h;
	     h = http_hdr_find_id(m, HDR_TRANSFER_ENCODING, h)) {
		struct slice list = http_hdr_value_of(h);
		do {
			struct slice coding = slice_trim_ows(slice_cut(&list, ','));
			if (coding.len == 0 && lenient)
				continue;
			last_is_chunked = slice_ieq(coding, SLICE("chunked"));
			chunked += last_is_chunked;
			others += !last_is_chunked;
		} while (list.ptr);
	}
	if (others)
		return last_is_chunked && chunked == 1 ? H1_ERR_CODING : H1_ERR_TRANSFER_ENCODING;
	if (chunked > 1 && !lenient)
		return H1_ERR_TRANSFER_ENCODING;
	if (chunked)
		m->flags |= HTTP_MSG_CHUNKED;
	return H1_ERR_NONE;
}

static bool check_transfer_encoding(struct h1_parser *ps, bool lenient)
{
	ps->m->flags |= HTTP_MSG_HAS_TE;
	enum h1_error error = read_codings(ps, lenient);
	return error == H1_ERR_NONE || refuse(ps, error, HDR_TRANSFER_ENCODING);
}

/* The length alone tells which token it could be, so there is one comparison at most. */
static void read_connection_token(struct http_msg *m, struct slice token)
{
	switch (token.len) {
	case 5:
		if (slice_ieq(token, SLICE("close")))
			m->flags |= HTTP_MSG_CONN_CLOSE;
		break;
	case 7:
		if (slice_ieq(token, SLICE("upgrade")))
			m->flags |= HTTP_MSG_CONN_UPGRADE;
		break;
	case 10:
		if (slice_ieq(token, SLICE("keep-alive")))
			m->flags |= HTTP_MSG_CONN_KEEP_ALIVE;
		break;
	default:
		break;
	}
}

/* close wins over keep-alive, so that a reader of the flags need not know the order. */
static void read_connection(struct h1_parser *ps)
{
	struct http_msg *m = ps->m;
	for (struct http_hdr *h = http_hdr_find_id(m, HDR_CONNECTION, NULL); h;
	     h = http_hdr_find_id(m, HDR_CONNECTION, h)) {
		struct slice list = http_hdr_value_of(h);
		while (list.ptr)
			read_connection_token(m, slice_trim_ows(slice_cut(&list, ',')));
	}
	if (m->flags & HTTP_MSG_CONN_CLOSE)
		m->flags &= (uint16_t)~HTTP_MSG_CONN_KEEP_ALIVE;
}

static bool has_body(const struct http_msg *m)
{
	return (m->flags & HTTP_MSG_CHUNKED) || m->content_length > 0;
}

/* Base64 of 16 or 20 bytes: that many characters, padding included. */
static bool has_field_of_length(const struct http_msg *m, struct slice name, size_t len)
{
	const struct http_hdr *h = http_hdr_find(m, name, NULL);
	return h && h->value_len == len;
}

/*
 * Settles CONN_UPGRADE, which so far says only that connection asked for it. A request with a body, of HTTP/1.0,
 * or for h2c is served without the upgrade, which RFC 9110 7.8 allows: a body would have to be read in the old
 * protocol first, and h2c would carry requests past the rules.
 */
static bool check_upgrade(struct h1_parser *ps)
{
	struct http_msg *m = ps->m;
	bool asked = (m->flags & HTTP_MSG_CONN_UPGRADE) && has(ps, HDR_UPGRADE);
	m->flags &= (uint16_t)~HTTP_MSG_CONN_UPGRADE;
	if (!asked)
		return true;
	bool request = (m->flags & HTTP_MSG_REQUEST) != 0;
	if (m->version < 11 ||
	    (request && (has_body(m) || http_list_has(m, HDR_UPGRADE, SLICE("h2c"))))) {
		drop(ps, HDR_UPGRADE);
		return true;
	}
	m->flags |= HTTP_MSG_CONN_UPGRADE;
	if (!http_list_has(m, HDR_UPGRADE, SLICE("websocket")))
		return true;
	m->flags |= HTTP_MSG_UPGRADE_WS;
	if (h1_unsafe(ps))
		return true;
	bool keyed = request ? has_field_of_length(m, SLICE("sec-websocket-key"), 24)
			     : has_field_of_length(m, SLICE("sec-websocket-accept"), 28);
	if (!keyed && (request || m->status == 101))
		return refuse(ps, H1_ERR_UPGRADE, HDR_UPGRADE);
	return true;
}

static bool check_connection(struct h1_parser *ps)
{
	if (has(ps, HDR_CONNECTION))
		read_connection(ps);
	if (unlikely(has(ps, HDR_UPGRADE)))
		return check_upgrade(ps);
	ps->m->flags &= (uint16_t)~HTTP_MSG_CONN_UPGRADE;
	return true;
}

/* Methods whose HTTP/1.0 requests old servers never read a body of. */
static bool is_bodyless_method(unsigned method)
{
	return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_DELETE;
}

/* A CONNECT request ends with its head: bytes behind it belong to the tunnel, if there comes one. */
static bool check_connect_framing(struct h1_parser *ps)
{
	if (has(ps, HDR_TRANSFER_ENCODING))
		return refuse(ps, H1_ERR_TRANSFER_ENCODING, HDR_TRANSFER_ENCODING);
	if (ps->m->content_length > 0)
		return refuse(ps, H1_ERR_CONTENT_LENGTH, HDR_CONTENT_LENGTH);
	drop(ps, HDR_CONTENT_LENGTH);
	ps->m->flags &= (uint16_t)~HTTP_MSG_HAS_LENGTH;
	ps->m->framing = HTTP_BODY_NONE;
	return true;
}

static bool check_request_framing(struct h1_parser *ps)
{
	struct http_msg *m = ps->m;
	if (has(ps, HDR_CONTENT_LENGTH) && !check_content_length(ps))
		return false;
	if (has(ps, HDR_TRANSFER_ENCODING)) {
		if (!check_transfer_encoding(ps, false))
			return false;
		if (m->version < 11)
			return refuse(ps, H1_ERR_TRANSFER_ENCODING, HDR_TRANSFER_ENCODING);
		if (has(ps, HDR_CONTENT_LENGTH))
			return refuse(ps, H1_ERR_LENGTH_AND_CHUNKED, HDR_CONTENT_LENGTH);
		m->framing = HTTP_BODY_CHUNKED;
	} else if (m->flags & HTTP_MSG_HAS_LENGTH) {
		m->framing = HTTP_BODY_LENGTH;
	}
	if (unlikely(m->method == HTTP_CONNECT))
		return check_connect_framing(ps);
	if (unlikely(m->version < 11 && m->content_length > 0 && is_bodyless_method(m->method) &&
		     !(ps->flags & H1_PAYLOAD_ANY_METHOD)))
		return refuse(ps, H1_ERR_PAYLOAD, HDR_CONTENT_LENGTH);
	return true;
}

bool h1_check_request(struct h1_parser *ps)
{
	struct http_msg *m = ps->m;
	if (!h1_check_host(ps) || !check_request_framing(ps) || !check_connection(ps))
		return false;
	if (unlikely(has(ps, HDR_EXPECT)) && m->version >= 11 &&
	    http_list_has(m, HDR_EXPECT, SLICE("100-continue")))
		m->flags |= HTTP_MSG_EXPECT_CONTINUE;
	return true;
}

/* Framing fields that a message without a body must not carry (RFC 9112 6.1 and 6.2). */
static void drop_framing(struct h1_parser *ps)
{
	drop(ps, HDR_CONTENT_LENGTH);
	drop(ps, HDR_TRANSFER_ENCODING);
	ps->m->flags &= (uint16_t) ~(HTTP_MSG_HAS_LENGTH | HTTP_MSG_HAS_TE | HTTP_MSG_CHUNKED);
	ps->m->content_length = 0;
}

/* The order of RFC 9112 6.3. */
static void settle_response_framing(struct h1_parser *ps)
{
	struct http_msg *m = ps->m;
	unsigned status = m->status;
	if (status == 101 || ((ps->flags & H1_FOR_CONNECT) && status / 100 == 2)) {
		drop_framing(ps);
		m->framing = HTTP_BODY_TUNNEL;
	} else if (status / 100 == 1 || status == 204) {
		drop_framing(ps);
		m->framing = HTTP_BODY_NONE;
	} else if (status == 304 || (ps->flags & H1_FOR_HEAD)) {
		m->framing = HTTP_BODY_NONE;
	} else if (m->flags & HTTP_MSG_CHUNKED) {
		m->framing = HTTP_BODY_CHUNKED;
	} else if (m->flags & HTTP_MSG_HAS_LENGTH) {
		m->framing = HTTP_BODY_LENGTH;
	} else {
		m->framing = HTTP_BODY_UNTIL_CLOSE;
	}
}

/*
 * A server that sends both lengths, or chunks in HTTP/1.0, cannot be trusted with the end of its message:
 * transfer-encoding decides and the connection is not used again (RFC 9112 6.1 and 6.3 item 3).
 */
static void distrust_framing(struct h1_parser *ps)
{
	struct http_msg *m = ps->m;
	if (has(ps, HDR_CONTENT_LENGTH)) {
		drop(ps, HDR_CONTENT_LENGTH);
		m->flags &= (uint16_t)~HTTP_MSG_HAS_LENGTH;
		m->content_length = 0;
	} else if (m->version >= 11) {
		return;
	}
	m->flags |= HTTP_MSG_CONN_CLOSE;
	m->flags &= (uint16_t)~HTTP_MSG_CONN_KEEP_ALIVE;
}

bool h1_check_response(struct h1_parser *ps)
{
	if (has(ps, HDR_CONTENT_LENGTH) && !check_content_length(ps))
		return false;
	if (has(ps, HDR_TRANSFER_ENCODING) && !check_transfer_encoding(ps, h1_unsafe(ps)))
		return false;
	if (!check_connection(ps))
		return false;
	if (has(ps, HDR_TRANSFER_ENCODING))
		distrust_framing(ps);
	settle_response_framing(ps);
	return true;
}

/* Fields that decide how a message is read or sent on must not come late (RFC 9110 6.5.1). */
void h1_drop_from_trailers(struct h1_parser *ps)
{
	static const uint8_t unwanted[] = { HDR_CONTENT_LENGTH, HDR_TRANSFER_ENCODING, HDR_HOST,
		HDR_CONNECTION, HDR_PROXY_CONNECTION, HDR_KEEP_ALIVE, HDR_UPGRADE, HDR_TE,
		HDR_TRAILER };
	for (unsigned i = 0; i < ARRAY_SIZE(unwanted); i++)
		drop(ps, (enum http_hdr_id)unwanted[i]);
}
