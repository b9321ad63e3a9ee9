/* SPDX-License-Identifier: MIT */
/*
 * Reading a ClientHello out of raw bytes. A handshake message may be spread over records at any byte (RFC 8446
 * 5.1) and records over reads; what is wrong is told as soon as a byte says so, so that nobody waits for the rest
 * of something that is not TLS.
 */
#include "weir/tls/client_hello.h"

#define RECORD_HEADER	 5
#define RECORD_HANDSHAKE 22
#define RECORD_MAX	 16384u /* of plain text */
#define MESSAGE_HEADER	 4	/* type, length */
#define RANDOM_LENGTH	 32
#define SSL2_HEADER	 11

static unsigned u8(struct slice s, size_t i)
{
	return (unsigned char)s.ptr[i];
}

static unsigned u16(struct slice s, size_t i)
{
	return u8(s, i) << 8 | u8(s, i + 1);
}

bool tls_cut_block(struct slice *rest, unsigned size, struct slice *ret)
{
	size_t len = 0;
	if (rest->len < size)
		return false;
	for (unsigned i = 0; i < size; i++)
		len = len << 8 | u8(*rest, i);
	if (len > rest->len - size)
		return false;
	*ret = slice_sub(*rest, size, len);
	*rest = slice_sub(*rest, size + len, rest->len);
	return true;
}

/* ---- records ---- */

/* The header of the record that in begins with, as far as it has arrived. */
static enum tls_hello_state check_record(struct slice in)
{
	if (in.len > 0 && u8(in, 0) != RECORD_HANDSHAKE)
		return TLS_HELLO_NONE;
	if (in.len > 1 && u8(in, 1) != 3)
		return TLS_HELLO_NONE;
	if (in.len < RECORD_HEADER)
		return TLS_HELLO_PARTIAL;
	unsigned len = u16(in, 3);
	return len == 0 || len > RECORD_MAX ? TLS_HELLO_NONE : TLS_HELLO_WHOLE;
}

/* Copies up to want bytes of the records' payload; fewer when they are not there. */
static size_t copy_payload(struct slice in, char *out, size_t want)
{
	size_t n = 0;
	while (n < want && check_record(in) == TLS_HELLO_WHOLE) {
		size_t len = u16(in, 3), here = MIN(len, in.len - RECORD_HEADER);
		size_t take = MIN(here, want - n);
		memcpy(out + n, in.ptr + RECORD_HEADER, take);
		n += take;
		if (here < len)
			break;
		in = slice_sub(in, RECORD_HEADER + len, in.len);
	}
	return n;
}

/* Whether want bytes of payload are there, could come, or not. */
static enum tls_hello_state count_payload(struct slice in, size_t want)
{
	for (size_t n = 0; n < want;) {
		enum tls_hello_state st = check_record(in);
		if (st != TLS_HELLO_WHOLE)
			return st;
		size_t len = u16(in, 3), here = MIN(len, in.len - RECORD_HEADER);
		n += here;
		if (here < len)
			return n < want ? TLS_HELLO_PARTIAL : TLS_HELLO_WHOLE;
		in = slice_sub(in, RECORD_HEADER + len, in.len);
	}
	return TLS_HELLO_WHOLE;
}

enum tls_hello_state tls_hello_message(
    struct slice in, struct arena *arena, struct tls_hello_message *ret)
{
	char head[MESSAGE_HEADER];
	enum tls_hello_state st = count_payload(in, sizeof(head));
	if (st != TLS_HELLO_WHOLE)
		return st;
	copy_payload(in, head, sizeof(head));
	struct slice h = slice_make(head, sizeof(head));
	size_t len = u8(h, 1) << 16 | u16(h, 2);
	st = count_payload(in, sizeof(head) + len);
	if (st != TLS_HELLO_WHOLE)
		return st;
	ret->type = u8(h, 0);
	if (u16(in, 3) >= sizeof(head) + len) {
		ret->body = slice_sub(in, RECORD_HEADER + sizeof(head), len);
		return TLS_HELLO_WHOLE;
	}
	char *whole = arena_bytes(arena, sizeof(head) + len);
	if (!whole)
		return TLS_HELLO_NONE;
	copy_payload(in, whole, sizeof(head) + len);
	ret->body = slice_make(whole + sizeof(head), len);
	return TLS_HELLO_WHOLE;
}

/* ---- the ClientHello ---- */

bool tls_client_hello_parse(struct slice body, struct tls_client_hello *ret)
{
	struct slice rest, compression, ext = SLICE("");
	if (body.len < 2 + RANDOM_LENGTH)
		return false;
	ret->version = u16(body, 0);
	rest = slice_sub(body, 2 + RANDOM_LENGTH, body.len);
	if (!tls_cut_block(&rest, 1, &ret->session_id) || !tls_cut_block(&rest, 2, &ret->ciphers) ||
	    !tls_cut_block(&rest, 1, &compression))
		return false;
	/* TLS 1.2 and older may end here. */
	if (rest.len && !tls_cut_block(&rest, 2, &ext))
		return false;
	ret->extensions = ext;
	return ret->version >> 8 == 3;
}

bool tls_client_hello_extension(const struct tls_client_hello *h, unsigned type, struct slice *ret)
{
	struct slice rest = h->extensions;
	while (rest.len >= 4) {
		unsigned found = u16(rest, 0);
		rest = slice_sub(rest, 2, rest.len);
		if (!tls_cut_block(&rest, 2, ret))
			return false;
		if (found == type)
			return true;
	}
	return false;
}

/* ---- versions ---- */

/* Clients of the last century announce SSL 3 and TLS in a hello of version 2 (RFC 5246 E.2). */
static enum tls_hello_state ssl2_version(struct slice in, unsigned *ret)
{
	if (in.len > 2 && u8(in, 2) != TLS_CLIENT_HELLO)
		return TLS_HELLO_NONE;
	if (in.len > 3 && u8(in, 3) != 3 && u8(in, 3) != 0)
		return TLS_HELLO_NONE;
	if (in.len < SSL2_HEADER)
		return TLS_HELLO_PARTIAL;
	size_t len = u16(in, 0) & 0x7fff;
	unsigned ciphers = u16(in, 5), session = u16(in, 7), challenge = u16(in, 9);
	bool fits = len == 9u + ciphers + session + challenge && ciphers && ciphers % 3 == 0;
	if (!fits || challenge < 16 || challenge > 32)
		return TLS_HELLO_NONE;
	/* version 2 itself was written the other way round */
	*ret = u8(in, 3) ? u8(in, 3) << 16 | u8(in, 4) : u8(in, 4) << 16;
	return TLS_HELLO_WHOLE;
}

enum tls_hello_state tls_hello_version(struct slice in, unsigned *ret)
{
	char head[MESSAGE_HEADER + 2];
	if (in.len && (u8(in, 0) & 0x80))
		return ssl2_version(in, ret);
	enum tls_hello_state st = count_payload(in, sizeof(head));
	if (st != TLS_HELLO_WHOLE)
		return st;
	copy_payload(in, head, sizeof(head));
	struct slice h = slice_make(head, sizeof(head));
	if (u8(h, 4) != 3)
		return TLS_HELLO_NONE;
	*ret = u8(h, 4) << 16 | u8(h, 5);
	return TLS_HELLO_WHOLE;
}
