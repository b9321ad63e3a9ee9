/* SPDX-License-Identifier: MIT */
/* The byte classes of the h1 parser and the texts of its errors: constant tables. */
#include "parser.h"
#include "scan.h"

#define ALL	     (H1_TOKEN | H1_TARGET | H1_VALUE | H1_HOST)
#define ALPHA	     ALL
#define HEX	     (ALL | H1_HEX)
#define TARGET_VALUE (H1_TARGET | H1_VALUE)

const uint8_t h1_class[256] = {
	['\t'] = H1_VALUE,
	[' '] = H1_VALUE,
	['!'] = ALL,
	['"'] = TARGET_VALUE,
	['#'] = H1_TOKEN | H1_VALUE,
	['$'] = ALL,
	['%'] = ALL,
	['&'] = ALL,
	['\''] = ALL,
	['('] = TARGET_VALUE | H1_HOST,
	[')'] = TARGET_VALUE | H1_HOST,
	['*'] = ALL,
	['+'] = ALL,
	[','] = TARGET_VALUE | H1_HOST,
	['-'] = ALL,
	['.'] = ALL,
	['/'] = TARGET_VALUE,
	['0' ... '9'] = HEX,
	[':'] = TARGET_VALUE,
	[';'] = TARGET_VALUE | H1_HOST,
	['<'] = TARGET_VALUE,
	['='] = TARGET_VALUE | H1_HOST,
	['>'] = TARGET_VALUE,
	['?'] = TARGET_VALUE,
	['@'] = TARGET_VALUE,
	['A' ... 'F'] = HEX,
	['G' ... 'Z'] = ALPHA,
	['['] = TARGET_VALUE,
	['\\'] = TARGET_VALUE,
	[']'] = TARGET_VALUE,
	['^'] = H1_TOKEN | TARGET_VALUE,
	['_'] = ALL,
	['`'] = H1_TOKEN | TARGET_VALUE,
	['a' ... 'f'] = HEX,
	['g' ... 'z'] = ALPHA,
	['{'] = TARGET_VALUE,
	['|'] = H1_TOKEN | TARGET_VALUE,
	['}'] = TARGET_VALUE,
	['~'] = ALL,
	[0x80 ... 0xff] = H1_VALUE,
};

static const char *const error_texts[H1_ERR_N] = {
	[H1_ERR_NONE] = "no error",
	[H1_ERR_METHOD] = "invalid method",
	[H1_ERR_TARGET] = "invalid request target",
	[H1_ERR_VERSION] = "invalid or unsupported HTTP version",
	[H1_ERR_STATUS] = "invalid status code",
	[H1_ERR_BARE_CR] = "CR without LF",
	[H1_ERR_BARE_LF] = "LF without CR",
	[H1_ERR_NAME] = "invalid character in a header name",
	[H1_ERR_VALUE] = "control character in a header value",
	[H1_ERR_FOLD] = "folded header line",
	[H1_ERR_TOO_MANY_HEADERS] = "too many header fields",
	[H1_ERR_TOO_LARGE] = "message head too large",
	[H1_ERR_CONTENT_LENGTH] = "invalid content-length",
	[H1_ERR_LENGTH_AND_CHUNKED] = "content-length together with transfer-encoding",
	[H1_ERR_TRANSFER_ENCODING] = "invalid transfer-encoding",
	[H1_ERR_HOST_MISSING] = "host is missing",
	[H1_ERR_HOST_DUPLICATE] = "more than one host field",
	[H1_ERR_HOST_INVALID] = "invalid host",
	[H1_ERR_HOST_MISMATCH] = "host differs from the target's authority",
	[H1_ERR_CHUNK_SIZE] = "invalid chunk size line",
	[H1_ERR_CHUNK_END] = "chunk data not followed by CRLF",
	[H1_ERR_UPGRADE] = "invalid upgrade request",
	[H1_ERR_CODING] = "transfer coding other than chunked",
	[H1_ERR_PAYLOAD] = "HTTP/1.0 body with a method that has none",
};

const char *h1_error_text(enum h1_error e)
{
	return (unsigned)e < H1_ERR_N ? error_texts[e] : "unknown error";
}

unsigned h1_error_status(enum h1_error e)
{
	switch (e) {
	case H1_ERR_CODING:
		return 422;
	case H1_ERR_PAYLOAD:
		return 413;
	default:
		return 400;
	}
}
