/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1 codec (RFC 9112): bytes in, messages out, and the way back. Pure functions over buffers; no
 * sockets, no allocation. Strict wherever leniency would let two implementations disagree on where a message
 * ends. Every parser returns complete, incomplete or an error, gives the same result wherever the input was
 * split, and may be called again from the start of the message with more bytes.
 */
#ifndef WEIR_H1_H1_H
#define WEIR_H1_H1_H

#include "weir/http/http.h"

enum h1_result {
	H1_COMPLETE,
	H1_INCOMPLETE,
	H1_ERROR,
};

/* Why a head or body was refused: each has a text for logs and "show errors". */
enum h1_error {
	H1_ERR_NONE,
	H1_ERR_METHOD,		   /* not a token, or too long */
	H1_ERR_TARGET,		   /* invalid byte or form */
	H1_ERR_VERSION,		   /* not HTTP/1.x */
	H1_ERR_STATUS,		   /* not three digits 100..999 */
	H1_ERR_BARE_CR,		   /* CR without LF */
	H1_ERR_BARE_LF,		   /* LF without CR */
	H1_ERR_NAME,		   /* header name is not a token, whitespace before the colon */
	H1_ERR_VALUE,		   /* control character in a value */
	H1_ERR_FOLD,		   /* obs-fold */
	H1_ERR_TOO_MANY_HEADERS,   /* more than hdrs_max */
	H1_ERR_TOO_LARGE,	   /* head does not fit the buffer */
	H1_ERR_CONTENT_LENGTH,	   /* not a number, too large, or fields that differ */
	H1_ERR_LENGTH_AND_CHUNKED, /* both content-length and transfer-encoding */
	H1_ERR_TRANSFER_ENCODING,  /* unknown coding, chunked not last or twice, or in HTTP/1.0 */
	H1_ERR_HOST_MISSING,	   /* HTTP/1.1 request without host */
	H1_ERR_HOST_DUPLICATE,	   /* more than one host field */
	H1_ERR_HOST_INVALID,	   /* bytes that no host has */
	H1_ERR_HOST_MISMATCH,	   /* host differs from the target's authority */
	H1_ERR_CHUNK_SIZE,	   /* bad chunk size line */
	H1_ERR_CHUNK_END,	   /* chunk data not followed by CRLF */
	H1_ERR_UPGRADE,		   /* malformed upgrade request */
	H1_ERR_CODING,		   /* codings in front of chunked, which weir does not undo */
	H1_ERR_PAYLOAD,		   /* HTTP/1.0 GET, HEAD or DELETE with a body */
	H1_ERR_N,
};

/* Static text; never NULL. */
const char *h1_error_text(enum h1_error e);
/* The status that a request refused for e is answered with: 400, 413 or 422. */
unsigned h1_error_status(enum h1_error e);

/* option accept-unsafe-violations-in-http-*: what that option documents is let through. */
#define H1_ACCEPT_UNSAFE 0x01
/* The response answers a HEAD request, or a CONNECT one: decides its framing. */
#define H1_FOR_HEAD    0x02
#define H1_FOR_CONNECT 0x04
/* h1-accept-payload-with-any-method: a GET, HEAD, DELETE of HTTP/1.0 may have a body. */
#define H1_PAYLOAD_ANY_METHOD 0x08

struct h1_parsed {
	size_t consumed;     /* bytes of the head, its empty line included */
	enum h1_error error; /* with H1_ERROR */
	size_t error_at;     /* offset of the offending byte */
};

/*
 * Parses a head that starts at buf. Header names are turned to lower case in place, so buf is written to; m's
 * slices point into it. m must have been given a table by http_msg_init(). Fills start line, table, framing
 * and flags. Up to one empty line (CRLF) ahead of a request is skipped (RFC 9112 2.2) and counts as consumed.
 */
enum h1_result h1_parse_request(
    char *buf, size_t len, unsigned flags, struct http_msg *m, struct h1_parsed *ret);
enum h1_result h1_parse_response(
    char *buf, size_t len, unsigned flags, struct http_msg *m, struct h1_parsed *ret);
/*
 * The trailer section behind the last chunk, its empty line included. m is a message of its own: its table is
 * filled from the start. Fields that a trailer must not hold (framing, host, connection) are deleted.
 */
enum h1_result h1_parse_trailers(
    char *buf, size_t len, unsigned flags, struct http_msg *m, struct h1_parsed *ret);

/*
 * Decoder of one message's body. Holds only the position, so that it survives any split; the payload stays
 * where it is and comes back as slices of the input.
 */
struct h1_body {
	uint64_t left;	 /* payload bytes left of the body or of the present chunk */
	uint8_t framing; /* enum http_framing */
	uint8_t state;
	uint8_t error;	    /* enum h1_error */
	uint8_t digits;	    /* of the chunk size read so far */
	uint16_t extension; /* bytes of the chunk's extensions so far */
};

enum h1_body_event {
	H1_BODY_MORE,	  /* all input consumed, body goes on */
	H1_BODY_DATA,	  /* *ret_data holds payload */
	H1_BODY_TRAILERS, /* last chunk read: the trailer section starts behind what was consumed */
	H1_BODY_END,	  /* body is over (never for UNTIL_CLOSE and TUNNEL) */
	H1_BODY_ERROR,
};

void h1_body_init(struct h1_body *b, const struct http_msg *m);
/*
 * Decodes from in; *ret_consumed says how much of it was used up, payload included; call again with the rest
 * until MORE, TRAILERS, END or ERROR. After TRAILERS the caller parses the section itself and is done.
 */
enum h1_body_event h1_body_decode(
    struct h1_body *b, const char *in, size_t len, size_t *ret_consumed, struct slice *ret_data);

/*
 * Write a head, empty line included, as HTTP/1.1 (or 1.0 where m->version says so and keep_version is set).
 * Return the bytes written, or 0 when cap is too small. Nothing is added: connection, length and encoding
 * fields must be in the table.
 */
size_t h1_write_request(const struct http_msg *m, bool keep_version, char *out, size_t cap);
size_t h1_write_response(const struct http_msg *m, bool keep_version, char *out, size_t cap);
/* Fields of a table as a trailer section, empty line included. */
size_t h1_write_trailers(const struct http_msg *m, char *out, size_t cap);
/* An upper bound of what h1_write_*() needs for m. */
size_t h1_head_size(const struct http_msg *m);

#define H1_CHUNK_HEAD_MAX 18
/* "SIZE\r\n" in hex; returns its length. */
size_t h1_write_chunk_head(uint64_t size, char out[H1_CHUNK_HEAD_MAX]);

#endif
