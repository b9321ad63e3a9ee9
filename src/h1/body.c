/* SPDX-License-Identifier: MIT */
/*
 * The body decoder (RFC 9112 6 and 7.1). It keeps a position and nothing else; payload is handed out as slices
 * of the input. Chunk extensions are checked, bounded and skipped: nobody downstream gets them. The owner is the
 * reader of the message.
 */
#include "parser.h"
#include "scan.h"

/* Hex digits of a chunk size, leading zeros included. */
#define SIZE_DIGITS_MAX 16
/* Bytes of one chunk's extensions: more only makes a peer's chunks expensive to skip. */
#define EXTENSION_MAX 1024

enum state {
	SIZE,	   /* digits of a chunk size */
	SPACE,	   /* blanks behind them */
	EXTENSION, /* behind the ';' */
	SIZE_LF,   /* the LF of the size line */
	DATA,	   /* left bytes of payload */
	DATA_CR,   /* the CRLF behind them */
	DATA_LF,
	TRAILERS,
	END,
	FAILED,
};

void h1_body_init(struct h1_body *b, const struct http_msg *m)
{
	*b = (struct h1_body){ .framing = m->framing };
	switch ((enum http_framing)m->framing) {
	case HTTP_BODY_NONE:
		b->state = END;
		break;
	case HTTP_BODY_LENGTH:
		b->left = m->content_length;
		b->state = b->left ? DATA : END;
		break;
	case HTTP_BODY_CHUNKED:
		b->state = SIZE;
		break;
	case HTTP_BODY_UNTIL_CLOSE:
	case HTTP_BODY_TUNNEL:
		b->state = DATA;
		break;
	}
}

static enum state fail(struct h1_body *b, enum h1_error error)
{
	b->error = (uint8_t)error;
	return FAILED;
}

static unsigned hex_value(char c)
{
	return ascii_is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

static enum state behind_size(struct h1_body *b, char c)
{
	if (c == '\r')
		return SIZE_LF;
	if (c == ';')
		return EXTENSION;
	if ((c == ' ' || c == '\t') && ++b->extension <= EXTENSION_MAX)
		return SPACE;
	return fail(b, c == '\n' ? H1_ERR_BARE_LF : H1_ERR_CHUNK_SIZE);
}

static enum state read_size(struct h1_body *b, char c)
{
	if (!h1_is(c, H1_HEX))
		return b->digits ? behind_size(b, c) : fail(b, H1_ERR_CHUNK_SIZE);
	if (++b->digits > SIZE_DIGITS_MAX || b->left > (uint64_t)INT64_MAX >> 4)
		return fail(b, H1_ERR_CHUNK_SIZE);
	b->left = b->left << 4 | hex_value(c);
	return SIZE;
}

static enum state read_extension(struct h1_body *b, char c)
{
	if (c == '\r')
		return SIZE_LF;
	if (h1_is(c, H1_VALUE) && ++b->extension <= EXTENSION_MAX)
		return EXTENSION;
	return fail(b, c == '\n' ? H1_ERR_BARE_LF : H1_ERR_CHUNK_SIZE);
}

static enum state read_size_lf(struct h1_body *b, char c)
{
	b->digits = 0;
	b->extension = 0;
	if (c != '\n')
		return fail(b, H1_ERR_BARE_CR);
	return b->left ? DATA : TRAILERS;
}

/* One byte that is no payload. */
static enum state step(struct h1_body *b, char c)
{
	switch ((enum state)b->state) {
	case SIZE:
		return read_size(b, c);
	case SPACE:
		return behind_size(b, c);
	case EXTENSION:
		return read_extension(b, c);
	case SIZE_LF:
		return read_size_lf(b, c);
	case DATA_CR:
		return c == '\r' ? DATA_LF : fail(b, H1_ERR_CHUNK_END);
	case DATA_LF:
		return c == '\n' ? SIZE : fail(b, H1_ERR_CHUNK_END);
	case DATA:
	case TRAILERS:
	case END:
	case FAILED:
		break;
	}
	return FAILED;
}

static bool is_between_chunks(unsigned state)
{
	return state < DATA || state == DATA_CR || state == DATA_LF;
}

/* Hands out the payload that starts at in. */
static size_t take_data(struct h1_body *b, const char *in, size_t len, struct slice *ret_data)
{
	if (b->framing == HTTP_BODY_LENGTH || b->framing == HTTP_BODY_CHUNKED) {
		len = (size_t)MIN((uint64_t)len, b->left);
		b->left -= len;
		if (b->left == 0)
			b->state = b->framing == HTTP_BODY_LENGTH ? END : DATA_CR;
	}
	*ret_data = slice_make(in, len);
	return len;
}

enum h1_body_event h1_body_decode(
    struct h1_body *b, const char *in, size_t len, size_t *ret_consumed, struct slice *ret_data)
{
	size_t i = 0;
	while (i < len && is_between_chunks(b->state)) {
		b->state = (uint8_t)step(b, in[i]);
		/* The offending byte is not consumed, so *ret_consumed tells where it is. */
		if (b->state != FAILED)
			i++;
	}
	enum h1_body_event event = H1_BODY_MORE;
	if (b->state == DATA && i < len) {
		i += take_data(b, in + i, len - i, ret_data);
		event = H1_BODY_DATA;
	} else if (b->state == TRAILERS) {
		event = H1_BODY_TRAILERS;
	} else if (b->state == END) {
		event = H1_BODY_END;
	} else if (b->state == FAILED) {
		event = H1_BODY_ERROR;
	}
	*ret_consumed = i;
	return event;
}
