/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the h1 head parser. Every input is parsed whole and again from a prefix of each length, in memory
 * of exactly that size, so that a read beyond the end is found under AddressSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "weir/h1/h1.h"

#define HDRS_MAX 12

typedef enum h1_result parse_fn(char *, size_t, unsigned, struct http_msg *, struct h1_parsed *);

static struct http_hdr table[HDRS_MAX];
static struct http_msg msg;
static struct h1_parsed parsed;
static char *memory;

static enum h1_result parse_prefix(parse_fn *fn, struct slice text, size_t len, unsigned flags)
{
	free(memory);
	memory = malloc(len ? len : 1);
	assert_non_null(memory);
	if (len)
		memcpy(memory, text.ptr, len);
	http_msg_init(&msg, table, HDRS_MAX);
	return fn(memory, len, flags, &msg, &parsed);
}

/* Leaves the outcome of the whole text in msg and parsed. */
static enum h1_result parse(parse_fn *fn, struct slice text, unsigned flags)
{
	enum h1_result whole = parse_prefix(fn, text, text.len, flags);
	struct h1_parsed want = parsed;
	for (size_t len = 0; len < text.len; len++) {
		enum h1_result r = parse_prefix(fn, text, len, flags);
		if (whole == H1_COMPLETE && len >= want.consumed) {
			assert_int_equal(r, H1_COMPLETE);
			assert_int_equal(parsed.consumed, want.consumed);
		} else if (r == H1_ERROR) {
			assert_int_equal(whole, H1_ERROR);
			assert_int_equal(parsed.error, want.error);
			assert_int_equal(parsed.error_at, want.error_at);
			assert_true(parsed.error_at < len);
		} else {
			assert_int_equal(r, H1_INCOMPLETE);
		}
	}
	/* The same memory with more bytes each time: names are in lower case already. */
	free(memory);
	memory = malloc(text.len ? text.len : 1);
	assert_non_null(memory);
	memcpy(memory, text.ptr, text.len);
	enum h1_result r = H1_INCOMPLETE;
	for (size_t len = 0; len <= text.len && r == H1_INCOMPLETE; len++) {
		r = fn(memory, len, flags, &msg, &parsed);
	}
	assert_int_equal(r, whole);
	assert_int_equal(parsed.error, want.error);
	assert_int_equal(parsed.error_at, want.error_at);
	assert_int_equal(parsed.consumed, want.consumed);
	return whole;
}

static enum h1_result request(struct slice text, unsigned flags)
{
	return parse(h1_parse_request, text, flags);
}

static enum h1_result response(struct slice text, unsigned flags)
{
	return parse(h1_parse_response, text, flags);
}

static void assert_slice(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

static void assert_value(const char *name, const char *want)
{
	struct http_hdr *h = http_hdr_find(&msg, slice_str(name), NULL);
	if (!want) {
		assert_null(h);
		return;
	}
	assert_non_null(h);
	assert_slice(http_hdr_value_of(h), want);
}

struct refusal {
	struct slice text;
	enum h1_error error;
	enum h1_error unsafe; /* with accept-unsafe; H1_ERR_NONE: let through */
};

#define ROW(text, error, unsafe)                                                                   \
	{                                                                                          \
		{ text, sizeof(text) - 1 }, error, unsafe                                          \
	}
#define ALWAYS(text, error) ROW(text, error, error)
#define STRICT(text, error) ROW(text, error, H1_ERR_NONE)
#define ACCEPTED(text)	    ROW(text, H1_ERR_NONE, H1_ERR_NONE)

static void check_refusal(
    parse_fn *fn, const struct refusal *row, enum h1_error want, unsigned flags)
{
	enum h1_result r = parse(fn, row->text, flags);
	if (parsed.error != want || r != (want ? H1_ERROR : H1_COMPLETE))
		fail_msg("flags %u: '%.*s' gives %d '%s', want '%s'", flags, SLICE_ARG(row->text),
		    r, h1_error_text(parsed.error), h1_error_text(want));
}

static void check_refusals(parse_fn *fn, const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check_refusal(fn, &rows[i], rows[i].error, 0);
		check_refusal(fn, &rows[i], rows[i].unsafe, H1_ACCEPT_UNSAFE);
	}
}

#define H "Host: a\r\n"

static void plain_request_is_taken_apart(void **state)
{
	struct slice text =
	    SLICE("GET /a/b?c=d HTTP/1.1\r\nHost: example.org:8080\r\n"
		  "User-Agent:  curl/7.88 (x86; Linux)\t \r\nX-Empty:\r\n"
		  "X_Odd.Name!: y\r\nA-Very-Long-Header-Name-Indeed: z\r\n\r\nrest");
	assert_int_equal(request(text, 0), H1_COMPLETE);
	assert_int_equal(parsed.consumed, text.len - 4);
	assert_int_equal(msg.method, HTTP_GET);
	assert_slice(msg.method_name, "GET");
	assert_slice(msg.target, "/a/b?c=d");
	assert_int_equal(msg.version, 11);
	assert_int_equal(msg.status, 0);
	assert_int_equal(msg.framing, HTTP_BODY_NONE);
	assert_int_equal(msg.flags, HTTP_MSG_REQUEST);
	assert_int_equal(msg.hdrs_n, 5);
	assert_int_equal(table[0].id, HDR_HOST);
	assert_int_equal(table[1].id, HDR_USER_AGENT);
	assert_int_equal(table[2].id, HDR_OTHER);
	assert_value("host", "example.org:8080");
	assert_value("user-agent", "curl/7.88 (x86; Linux)");
	assert_value("x-empty", "");
	assert_value("x_odd.name!", "y");
	assert_value("a-very-long-header-name-indeed", "z");
}

static void canonical_marks_exactly_the_fields_that_can_be_copied(void **state)
{
	assert_int_equal(
	    request(SLICE("GET / HTTP/1.1\r\nHost: a\r\nB:b\r\nC:  c\r\nD: d \r\nE:\r\n"
			  "F: \r\nG:\tg\r\nh: h\r\n\r\n"),
		0),
	    H1_COMPLETE);
	static const bool canonical[] = { true, false, false, false, false, true, false, true };
	assert_int_equal(msg.hdrs_n, ARRAY_SIZE(canonical));
	for (unsigned i = 0; i < msg.hdrs_n; i++)
		assert_int_equal((table[i].flags & HTTP_HDR_CANONICAL) != 0, canonical[i]);
}

static void one_empty_line_ahead_of_a_request_is_skipped(void **state)
{
	assert_int_equal(request(SLICE("\r\nGET / HTTP/1.1\r\n" H "\r\n"), 0), H1_COMPLETE);
	assert_int_equal(parsed.consumed, 2 + 16 + 9 + 2);
	assert_int_equal(request(SLICE("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), 0), H1_ERROR);
	assert_int_equal(parsed.error, H1_ERR_METHOD);
}

static const struct refusal request_lines[] = {
	ACCEPTED("get / HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET / HTTP/1.9\r\n" H "\r\n"),
	ACCEPTED("GET /\"<>^`{|}*[]@: HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET * HTTP/1.1\r\n" H "\r\n"),
	ALWAYS("GET / HTTP/1.1\nHost: a\n\n", H1_ERR_BARE_LF),
	ALWAYS("\nGET / HTTP/1.1\r\n" H "\r\n", H1_ERR_BARE_LF),
	ALWAYS("\rGET / HTTP/1.1\r\n" H "\r\n", H1_ERR_BARE_CR),
	ALWAYS("GET / HTTP/1.1\r" H "\r\n", H1_ERR_BARE_CR),
	ALWAYS(" GET / HTTP/1.1\r\n" H "\r\n", H1_ERR_METHOD),
	ALWAYS("GET\t/ HTTP/1.1\r\n" H "\r\n", H1_ERR_METHOD),
	ALWAYS("G@T / HTTP/1.1\r\n" H "\r\n", H1_ERR_METHOD),
	ALWAYS("GET  / HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	ALWAYS("GET /  HTTP/1.1\r\n" H "\r\n", H1_ERR_VERSION),
	ALWAYS("GET / HTTP/1.1 \r\n" H "\r\n", H1_ERR_VERSION),
	ALWAYS("GET / http/1.1\r\n" H "\r\n", H1_ERR_VERSION),
	STRICT("GET / HTTP/2.0\r\n" H "\r\n", H1_ERR_VERSION),
	STRICT("GET / HTTP/0.9\r\n" H "\r\n", H1_ERR_VERSION),
	STRICT("GET / HTTP/1.10\r\n" H "\r\n", H1_ERR_VERSION),
	STRICT("GET / RTSP/1.0\r\n" H "\r\n", H1_ERR_VERSION),
	ALWAYS("GET / HTTP/1\r\n" H "\r\n", H1_ERR_VERSION),
	ALWAYS("GET / HTTP/.1\r\n" H "\r\n", H1_ERR_VERSION),
	ALWAYS("GET / HTTP/1.\r\n" H "\r\n", H1_ERR_VERSION),
	STRICT("GET /\r\n\r\n", H1_ERR_VERSION),
	ALWAYS("POST /\r\n\r\n", H1_ERR_VERSION),
	ALWAYS("GET /\0 HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	ALWAYS("GET /\x7f HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	ALWAYS("GET /0123456789abcdef\t HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("GET /\xe9 HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("GET /0123456789abcdef\xe9 HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("GET /#f HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("GET /0123456789abcdef#f HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("GET foo HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("GET ?a HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("GET *a HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("GET http:/// HTTP/1.1\r\nHost: \r\n\r\n", H1_ERR_TARGET),
	STRICT("CONNECT /x HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("CONNECT a HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("CONNECT a: HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("CONNECT a:x HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
	STRICT("CONNECT http://a/ HTTP/1.1\r\n" H "\r\n", H1_ERR_TARGET),
};

static void request_lines_are_strict(void **state)
{
	check_refusals(h1_parse_request, request_lines, ARRAY_SIZE(request_lines));
}

#define G "GET / HTTP/1.1\r\n"

static const struct refusal fields[] = {
	ACCEPTED(G H "X: y\xffz\tw\r\n\r\n"),
	ALWAYS(G H "X: y\n\r\n", H1_ERR_BARE_LF),
	ALWAYS(G H "X\n\r\n", H1_ERR_BARE_LF),
	ALWAYS(G H "\n", H1_ERR_BARE_LF),
	ALWAYS(G "Host: a\rX: y\r\n\r\n", H1_ERR_BARE_CR),
	ALWAYS(G H "\rX: y\r\n\r\n", H1_ERR_BARE_CR),
	ALWAYS(G H "X: y\r\n z\r\n\r\n", H1_ERR_FOLD),
	ALWAYS(G H "X:\r\n\tz\r\n\r\n", H1_ERR_FOLD),
	ALWAYS(G " Host: a\r\n\r\n", H1_ERR_FOLD),
	STRICT(G H "X : y\r\n\r\n", H1_ERR_NAME),
	STRICT(G H "X(: y\r\n\r\n", H1_ERR_NAME),
	STRICT(G H "(X: y\r\n\r\n", H1_ERR_NAME),
	STRICT(G H "X\0: y\r\n\r\n", H1_ERR_NAME),
	STRICT(G H "X\xe9: y\r\n\r\n", H1_ERR_NAME),
	STRICT(G H "0123456789abcdef\xe9: y\r\n\r\n", H1_ERR_NAME),
	ALWAYS(G H "X\r\nZ: 1\r\n\r\n", H1_ERR_NAME),
	ALWAYS(G H ": y\r\n\r\n", H1_ERR_NAME),
	STRICT(G H "X: y\0z\r\n\r\n", H1_ERR_VALUE),
	STRICT(G H "X: 0123456789abcdef\0z\r\n\r\n", H1_ERR_VALUE),
	STRICT(G H "X: y\x01z\r\n\r\n", H1_ERR_VALUE),
	STRICT(G H "X: 0123456789abcdef\x7f\r\n\r\n", H1_ERR_VALUE),
	ACCEPTED(G H "a:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n\r\n"),
	ALWAYS(G H "a:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n\r\n",
	    H1_ERR_TOO_MANY_HEADERS),
};

static void header_fields_are_strict(void **state)
{
	check_refusals(h1_parse_request, fields, ARRAY_SIZE(fields));
}

static void unsafe_drops_fields_with_invalid_names(void **state)
{
	assert_int_equal(
	    request(SLICE(G H "X y: z\r\n(: 1\r\nOk: 2\r\n\r\n"), H1_ACCEPT_UNSAFE), H1_COMPLETE);
	assert_int_equal(msg.hdrs_n, 2);
	assert_value("ok", "2");
}

static void every_control_character_is_found_at_every_offset(void **state)
{
	char text[] = G H "X: 0123456789abcdef0123456789abcdef0123456789abcdef\r\n\r\n";
	size_t first = sizeof(G H "X: ") - 1;
	for (size_t at = first; at < first + 48; at++) {
		for (unsigned c = 0; c < 256; c++) {
			char saved = text[at];
			text[at] = (char)c;
			enum h1_result r = parse_prefix(h1_parse_request, slice_str(NULL), 0, 0);
			assert_int_equal(r, H1_INCOMPLETE);
			r = parse_prefix(h1_parse_request, slice_make(text, sizeof(text) - 1),
			    sizeof(text) - 1, 0);
			bool good = (c >= 0x20 && c != 0x7f) || c == '\t';
			assert_int_equal(r, good ? H1_COMPLETE : H1_ERROR);
			if (!good)
				assert_int_equal(parsed.error_at, at);
			text[at] = saved;
		}
	}
}

static bool is_tchar(unsigned c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && c < 0x80 && strchr("!#$%&'*+-.^_`|~", (int)c));
}

static void every_token_character_makes_a_name_at_every_offset(void **state)
{
	char text[] = G H "x0123456789abcdef0123456789abcdefX: v\r\n\r\n";
	size_t first = sizeof(G H) - 1;
	for (size_t at = first + 1; at < first + 34; at++) {
		for (unsigned c = 0; c < 256; c++) {
			if (c == ':')
				continue;
			char saved = text[at];
			text[at] = (char)c;
			enum h1_result r = parse_prefix(h1_parse_request,
			    slice_make(text, sizeof(text) - 1), sizeof(text) - 1, 0);
			assert_int_equal(r, is_tchar(c) ? H1_COMPLETE : H1_ERROR);
			if (is_tchar(c)) {
				assert_int_equal(table[1].name_len, 34);
				assert_int_equal(table[1].name[at - first], ascii_lower((char)c));
			} else {
				assert_int_equal(parsed.error_at, at);
			}
			text[at] = saved;
		}
	}
}

static const struct refusal hosts[] = {
	ACCEPTED("GET / HTTP/1.0\r\n\r\n"),
	ACCEPTED(G "Host: \r\n\r\n"),
	ACCEPTED(G "Host: a,b\r\n\r\n"),
	ACCEPTED(G "Host: a_b:80\r\n\r\n"),
	ACCEPTED(G "Host: a:\r\n\r\n"),
	ACCEPTED(G "Host: [::1]:80\r\n\r\n"),
	STRICT(G "\r\n", H1_ERR_HOST_MISSING),
	STRICT("GET http://a/ HTTP/1.1\r\n\r\n", H1_ERR_HOST_MISSING),
	ALWAYS(G H H "\r\n", H1_ERR_HOST_DUPLICATE),
	ALWAYS("GET / HTTP/1.0\r\n" H "Host: b\r\n\r\n", H1_ERR_HOST_DUPLICATE),
	STRICT(G "Host: a b\r\n\r\n", H1_ERR_HOST_INVALID),
	STRICT(G "Host: a/b\r\n\r\n", H1_ERR_HOST_INVALID),
	STRICT(G "Host: u@b\r\n\r\n", H1_ERR_HOST_INVALID),
	STRICT(G "Host: a:b\r\n\r\n", H1_ERR_HOST_INVALID),
	STRICT(G "Host: ::1\r\n\r\n", H1_ERR_HOST_INVALID),
	STRICT(G "Host: [::1\r\n\r\n", H1_ERR_HOST_INVALID),
	STRICT(G "Host: [::1]a\r\n\r\n", H1_ERR_HOST_INVALID),
	STRICT(G "Host: a\xe9\r\n\r\n", H1_ERR_HOST_INVALID),
	ACCEPTED("GET http://a/ HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET http://A/ HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET http://a HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET http://a?q HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET http://u@a/ HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET http://a:80/ HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n"),
	ACCEPTED("GET https://a:443/ HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("GET ftp://a/ HTTP/1.1\r\n" H "\r\n"),
	STRICT("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", H1_ERR_HOST_MISMATCH),
	STRICT("GET http://a:8080/ HTTP/1.1\r\n" H "\r\n", H1_ERR_HOST_MISMATCH),
	STRICT("GET http://a/ HTTP/1.0\r\nHost: b\r\n\r\n", H1_ERR_HOST_MISMATCH),
	ACCEPTED("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
	ACCEPTED("CONNECT a:443 HTTP/1.1\r\n" H "\r\n"),
	ACCEPTED("CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
	STRICT("CONNECT a:8080 HTTP/1.1\r\n" H "\r\n", H1_ERR_HOST_MISMATCH),
	STRICT("CONNECT a:80 HTTP/1.1\r\nHost: b:80\r\n\r\n", H1_ERR_HOST_MISMATCH),
};

static void host_must_be_there_once_valid_and_the_targets(void **state)
{
	check_refusals(h1_parse_request, hosts, ARRAY_SIZE(hosts));
}

#define P  "POST / HTTP/1.1\r\n" H
#define CL "Content-Length: "
#define TE "Transfer-Encoding: "

static const struct refusal framings[] = {
	ACCEPTED(P CL "2\r\n\r\n"),
	ACCEPTED(P CL "02\r\n\r\n"),
	ACCEPTED(P CL "2\r\n" CL "2\r\n\r\n"),
	ACCEPTED(P CL "2, 2\r\n\r\n"),
	ACCEPTED(P CL "9223372036854775807\r\n\r\n"),
	ACCEPTED(P TE "Chunked\r\n\r\n"),
	ALWAYS(P CL "9223372036854775808\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "99999999999999999999\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "2\r\n" CL "3\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "2, 3\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "2,\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "+2\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "-2\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "0x2\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "2 3\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(P CL "2\r\n" TE "chunked\r\n\r\n", H1_ERR_LENGTH_AND_CHUNKED),
	ALWAYS(P TE "chunked\r\n" CL "2\r\n\r\n", H1_ERR_LENGTH_AND_CHUNKED),
	ALWAYS("POST / HTTP/1.0\r\n" TE "chunked\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "gzip\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "identity\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "xchunked\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "chunked;q=1\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "\"chunked\"\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "chunked,\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "chunked, chunked\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "chunked\r\n" TE "chunked\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "chunked, gzip\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(P TE "gzip, chunked\r\n\r\n", H1_ERR_CODING),
	ALWAYS(P TE "gzip\r\n" TE "chunked\r\n\r\n", H1_ERR_CODING),
	ALWAYS(P TE ",chunked\r\n\r\n", H1_ERR_CODING),
	ALWAYS("GET / HTTP/1.0\r\n" CL "2\r\n\r\n", H1_ERR_PAYLOAD),
	ALWAYS("DELETE / HTTP/1.0\r\n" CL "2\r\n\r\n", H1_ERR_PAYLOAD),
	ACCEPTED("GET / HTTP/1.0\r\n" CL "0\r\n\r\n"),
	ACCEPTED("OPTIONS / HTTP/1.0\r\n" CL "2\r\n\r\n"),
	ACCEPTED("GET / HTTP/1.1\r\n" H CL "2\r\n\r\n"),
	ALWAYS("CONNECT a:80 HTTP/1.1\r\n" H CL "2\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS("CONNECT a:80 HTTP/1.1\r\n" H TE "chunked\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
};

static void ambiguous_request_framing_is_refused(void **state)
{
	check_refusals(h1_parse_request, framings, ARRAY_SIZE(framings));
}

static void request_framing_follows_its_fields(void **state)
{
	assert_int_equal(request(SLICE(P CL "5\r\n\r\n"), 0), H1_COMPLETE);
	assert_int_equal(msg.framing, HTTP_BODY_LENGTH);
	assert_int_equal(msg.content_length, 5);
	assert_true(msg.flags & HTTP_MSG_HAS_LENGTH);

	assert_int_equal(request(SLICE(P CL "5 , 5\r\n" CL "5\r\n\r\n"), 0), H1_COMPLETE);
	struct http_hdr *h = http_hdr_find_id(&msg, HDR_CONTENT_LENGTH, NULL);
	assert_slice(http_hdr_value_of(h), "5");
	assert_null(http_hdr_find_id(&msg, HDR_CONTENT_LENGTH, h));
	assert_false(h->flags & HTTP_HDR_CANONICAL);

	assert_int_equal(request(SLICE(P TE "chunked\r\n\r\n"), 0), H1_COMPLETE);
	assert_int_equal(msg.framing, HTTP_BODY_CHUNKED);
	assert_true(msg.flags & HTTP_MSG_CHUNKED);
	assert_true(msg.flags & HTTP_MSG_HAS_TE);

	assert_int_equal(request(SLICE(P "\r\n"), 0), H1_COMPLETE);
	assert_int_equal(msg.framing, HTTP_BODY_NONE);

	assert_int_equal(request(SLICE("GET / HTTP/1.0\r\n" CL "2\r\n\r\n"), H1_PAYLOAD_ANY_METHOD),
	    H1_COMPLETE);
	assert_int_equal(msg.framing, HTTP_BODY_LENGTH);

	assert_int_equal(
	    request(SLICE("CONNECT a:80 HTTP/1.1\r\n" H CL "0\r\n\r\n"), 0), H1_COMPLETE);
	assert_int_equal(msg.framing, HTTP_BODY_NONE);
	assert_value("content-length", NULL);
	assert_false(msg.flags & HTTP_MSG_HAS_LENGTH);
}

struct flag_row {
	struct slice text;
	unsigned flags; /* wanted, without HTTP_MSG_REQUEST */
};

#define WS_KEY	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Connection: upgrade\r\nUpgrade: "

static const struct flag_row flag_rows[] = {
	{ SLICE(G H "Connection: close\r\n\r\n"), HTTP_MSG_CONN_CLOSE },
	{ SLICE(G H "Connection: Keep-Alive\r\n\r\n"), HTTP_MSG_CONN_KEEP_ALIVE },
	{ SLICE(G H "Connection: keep-alive, x,close\r\n\r\n"), HTTP_MSG_CONN_CLOSE },
	{ SLICE(G H "Connection: x\r\nConnection: ,close,\r\n\r\n"), HTTP_MSG_CONN_CLOSE },
	{ SLICE(G H "Connection: closed\r\n\r\n"), 0 },
	{ SLICE(G H "Connection: close keep-alive\r\n\r\n"), 0 },
	{ SLICE(G H "Connection: upgrade\r\n\r\n"), 0 },
	{ SLICE(G H "Upgrade: foo\r\n\r\n"), 0 },
	{ SLICE(G H UPGRADE "foo\r\n\r\n"), HTTP_MSG_CONN_UPGRADE },
	{ SLICE(G H UPGRADE "h2c\r\n\r\n"), 0 },
	{ SLICE("GET / HTTP/1.0\r\n" UPGRADE "foo\r\n\r\n"), 0 },
	{ SLICE(P UPGRADE "foo\r\n" CL "2\r\n\r\n"), HTTP_MSG_HAS_LENGTH },
	{ SLICE(P UPGRADE "foo\r\n" CL "0\r\n\r\n"), HTTP_MSG_HAS_LENGTH | HTTP_MSG_CONN_UPGRADE },
	{ SLICE(G H UPGRADE "WebSocket\r\n" WS_KEY "\r\n"),
	    HTTP_MSG_CONN_UPGRADE | HTTP_MSG_UPGRADE_WS },
	{ SLICE(G H "Expect: 100-Continue\r\n\r\n"), HTTP_MSG_EXPECT_CONTINUE },
	{ SLICE("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), 0 },
	{ SLICE(G H "Expect: x\r\n\r\n"), 0 },
};

static void flags_follow_connection_upgrade_and_expect(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_rows); i++) {
		assert_int_equal(request(flag_rows[i].text, 0), H1_COMPLETE);
		if (msg.flags != (flag_rows[i].flags | HTTP_MSG_REQUEST))
			fail_msg("%.*s: flags %x", SLICE_ARG(flag_rows[i].text), msg.flags);
	}
}

static const struct refusal websockets[] = {
	STRICT(G H UPGRADE "websocket\r\n\r\n", H1_ERR_UPGRADE),
	STRICT(G H UPGRADE "websocket\r\nSec-WebSocket-Key: x\r\n\r\n", H1_ERR_UPGRADE),
	ACCEPTED(G H UPGRADE "websocket\r\n" WS_KEY "\r\n"),
	ACCEPTED(G H "Upgrade: websocket\r\n\r\n"),
};

static void websocket_request_needs_a_key(void **state)
{
	check_refusals(h1_parse_request, websockets, ARRAY_SIZE(websockets));
}

static void upgrade_that_is_not_followed_is_not_passed_on(void **state)
{
	assert_int_equal(request(SLICE(P UPGRADE "foo\r\n" CL "2\r\n\r\n"), 0), H1_COMPLETE);
	assert_value("upgrade", NULL);
	assert_int_equal(request(SLICE(G H UPGRADE "h2c, websocket\r\n\r\n"), 0), H1_COMPLETE);
	assert_value("upgrade", NULL);
}

static void unsafe_versions_are_told_as_10_11_or_9(void **state)
{
	assert_int_equal(request(SLICE("GET /\r\n\r\n"), H1_ACCEPT_UNSAFE), H1_COMPLETE);
	assert_int_equal(msg.version, 9);
	assert_int_equal(request(SLICE("GET / RTSP/1.0\r\n\r\n"), H1_ACCEPT_UNSAFE), H1_COMPLETE);
	assert_int_equal(msg.version, 10);
	assert_int_equal(request(SLICE("GET / HTTP/1.0\r\n\r\n"), H1_ACCEPT_UNSAFE), H1_COMPLETE);
	assert_int_equal(msg.version, 10);
	assert_int_equal(request(SLICE("GET / HTTP/1.10\r\n\r\n"), H1_ACCEPT_UNSAFE), H1_COMPLETE);
	assert_int_equal(msg.version, 10);
	assert_int_equal(request(SLICE("GET / HTTP/1.1\r\n\r\n"), H1_ACCEPT_UNSAFE), H1_COMPLETE);
	assert_int_equal(msg.version, 11);
}

#define R "HTTP/1.1 200 OK\r\n"

static const struct refusal responses[] = {
	ACCEPTED(R "\r\n"),
	ACCEPTED("HTTP/1.1 200\r\n\r\n"),
	ACCEPTED("HTTP/1.1 200 \r\n\r\n"),
	ACCEPTED("HTTP/1.1 999 O\tK \xe9 and a long reason phrase\r\n\r\n"),
	ALWAYS("\r\n" R "\r\n", H1_ERR_VERSION),
	ALWAYS("HTTP/1.1  200 OK\r\n\r\n", H1_ERR_STATUS),
	ALWAYS("HTTP/1.1 20 OK\r\n\r\n", H1_ERR_STATUS),
	ALWAYS("HTTP/1.1 099 OK\r\n\r\n", H1_ERR_STATUS),
	STRICT("HTTP/1.1 2000 OK\r\n\r\n", H1_ERR_STATUS),
	ALWAYS("HTTP/1.1 65536 OK\r\n\r\n", H1_ERR_STATUS),
	ALWAYS("HTTP/1.1 20x OK\r\n\r\n", H1_ERR_STATUS),
	ALWAYS("HTTP/1.1 200OK\r\n\r\n", H1_ERR_STATUS),
	ALWAYS("HTTP/1.1\r\n\r\n", H1_ERR_VERSION),
	STRICT("ICY/1.0 200 OK\r\n\r\n", H1_ERR_VERSION),
	STRICT("HTTP/2.0 200 OK\r\n\r\n", H1_ERR_VERSION),
	STRICT("HTTP/1.1 200 O\0K\r\n\r\n", H1_ERR_VALUE),
	ALWAYS("HTTP/1.1 200 OK\n\n", H1_ERR_BARE_LF),
	ALWAYS("HTTP/1.1 200\n\n", H1_ERR_BARE_LF),
	ALWAYS("HTTP/1.1 200 O\rK\r\n\r\n", H1_ERR_BARE_CR),
	ALWAYS(R "X: y\r\n z\r\n\r\n", H1_ERR_FOLD),
	ALWAYS(R CL "2\r\n" CL "3\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(R CL "x\r\n\r\n", H1_ERR_CONTENT_LENGTH),
	ALWAYS(R TE "gzip\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	ALWAYS(R TE "gzip, chunked\r\n\r\n", H1_ERR_CODING),
	STRICT(R TE "\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	STRICT(R TE "chunked, chunked\r\n\r\n", H1_ERR_TRANSFER_ENCODING),
	STRICT("HTTP/1.1 101 S\r\n" UPGRADE "websocket\r\n\r\n", H1_ERR_UPGRADE),
	ACCEPTED("HTTP/1.1 426 U\r\n" UPGRADE "websocket\r\n\r\n"),
};

static void responses_are_strict(void **state)
{
	check_refusals(h1_parse_response, responses, ARRAY_SIZE(responses));
}

static void plain_response_is_taken_apart(void **state)
{
	assert_int_equal(
	    response(SLICE("HTTP/1.0 404 Not Found\r\nServer: x\r\nContent-Length: 7\r\n\r\n"), 0),
	    H1_COMPLETE);
	assert_int_equal(msg.status, 404);
	assert_int_equal(msg.version, 10);
	assert_slice(msg.reason, "Not Found");
	assert_int_equal(msg.framing, HTTP_BODY_LENGTH);
	assert_int_equal(msg.content_length, 7);
	assert_int_equal(msg.flags, HTTP_MSG_HAS_LENGTH);
	assert_value("server", "x");
}

struct framing_row {
	struct slice text;
	unsigned flags;
	enum http_framing framing;
};

static const struct framing_row response_framings[] = {
	{ SLICE(R "\r\n"), 0, HTTP_BODY_UNTIL_CLOSE },
	{ SLICE(R CL "2\r\n\r\n"), 0, HTTP_BODY_LENGTH },
	{ SLICE(R TE "chunked\r\n\r\n"), 0, HTTP_BODY_CHUNKED },
	{ SLICE(R CL "2\r\n\r\n"), H1_FOR_HEAD, HTTP_BODY_NONE },
	{ SLICE(R TE "chunked\r\n\r\n"), H1_FOR_HEAD, HTTP_BODY_NONE },
	{ SLICE(R "\r\n"), H1_FOR_HEAD, HTTP_BODY_NONE },
	{ SLICE("HTTP/1.1 100 C\r\n\r\n"), 0, HTTP_BODY_NONE },
	{ SLICE("HTTP/1.1 103 E\r\n" CL "2\r\n\r\n"), 0, HTTP_BODY_NONE },
	{ SLICE("HTTP/1.1 204 N\r\n" CL "2\r\n\r\n"), 0, HTTP_BODY_NONE },
	{ SLICE("HTTP/1.1 304 N\r\n" CL "2\r\n\r\n"), 0, HTTP_BODY_NONE },
	{ SLICE("HTTP/1.1 205 R\r\n" CL "2\r\n\r\n"), 0, HTTP_BODY_LENGTH },
	{ SLICE("HTTP/1.1 101 S\r\n" UPGRADE "x\r\n\r\n"), 0, HTTP_BODY_TUNNEL },
	{ SLICE(R CL "2\r\n\r\n"), H1_FOR_CONNECT, HTTP_BODY_TUNNEL },
	{ SLICE("HTTP/1.1 403 F\r\n" CL "2\r\n\r\n"), H1_FOR_CONNECT, HTTP_BODY_LENGTH },
	{ SLICE("HTTP/1.1 101 S\r\n" UPGRADE "x\r\n\r\n"), H1_FOR_HEAD, HTTP_BODY_TUNNEL },
	{ SLICE(R TE "\r\n\r\n"), H1_ACCEPT_UNSAFE, HTTP_BODY_UNTIL_CLOSE },
	{ SLICE(R TE ",chunked, chunked\r\n\r\n"), H1_ACCEPT_UNSAFE, HTTP_BODY_CHUNKED },
};

static void response_framing_follows_status_request_and_fields(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(response_framings); i++) {
		const struct framing_row *row = &response_framings[i];
		assert_int_equal(response(row->text, row->flags), H1_COMPLETE);
		if (msg.framing != row->framing)
			fail_msg("%.*s: framing %u", SLICE_ARG(row->text), msg.framing);
	}
}

static void framing_fields_of_responses_without_body_are_removed(void **state)
{
	assert_int_equal(response(SLICE("HTTP/1.1 204 N\r\n" CL "2\r\n\r\n"), 0), H1_COMPLETE);
	assert_value("content-length", NULL);
	assert_int_equal(response(SLICE("HTTP/1.1 304 N\r\n" CL "2\r\n\r\n"), 0), H1_COMPLETE);
	assert_value("content-length", "2");
	assert_int_equal(response(SLICE(R TE "chunked\r\n\r\n"), H1_FOR_CONNECT), H1_COMPLETE);
	assert_value("transfer-encoding", NULL);
	assert_false(msg.flags & (HTTP_MSG_CHUNKED | HTTP_MSG_HAS_TE));
}

static void doubtful_response_framing_closes_the_connection(void **state)
{
	assert_int_equal(
	    response(SLICE(R CL "2\r\n" TE "chunked\r\nConnection: keep-alive\r\n\r\n"), 0),
	    H1_COMPLETE);
	assert_int_equal(msg.framing, HTTP_BODY_CHUNKED);
	assert_value("content-length", NULL);
	assert_int_equal(msg.flags, HTTP_MSG_CHUNKED | HTTP_MSG_HAS_TE | HTTP_MSG_CONN_CLOSE);

	assert_int_equal(
	    response(SLICE("HTTP/1.0 200 OK\r\n" TE "chunked\r\n\r\n"), 0), H1_COMPLETE);
	assert_int_equal(msg.framing, HTTP_BODY_CHUNKED);
	assert_true(msg.flags & HTTP_MSG_CONN_CLOSE);
}

static void trailers_are_fields_without_those_of_framing(void **state)
{
	struct slice text = SLICE(
	    "X-Sum: 1\r\nContent-Length: 5\r\nHost: b\r\nConnection: close\r\nY: z\r\n\r\nnext");
	assert_int_equal(parse(h1_parse_trailers, text, 0), H1_COMPLETE);
	assert_int_equal(parsed.consumed, text.len - 4);
	assert_value("x-sum", "1");
	assert_value("y", "z");
	assert_value("content-length", NULL);
	assert_value("host", NULL);
	assert_value("connection", NULL);

	assert_int_equal(parse(h1_parse_trailers, SLICE("\r\n"), 0), H1_COMPLETE);
	assert_int_equal(parsed.consumed, 2);
	assert_int_equal(msg.hdrs_n, 0);
	assert_int_equal(parse(h1_parse_trailers, SLICE("X : y\r\n\r\n"), 0), H1_ERROR);
	assert_int_equal(parsed.error, H1_ERR_NAME);
}

static void names_longer_than_the_table_can_tell_are_refused(void **state)
{
	size_t start = sizeof(G) - 1;
	size_t len = start + 70000;
	char *text = malloc(len);
	assert_non_null(text);
	memset(text, 'A', len);
	memcpy(text, G, start);
	assert_int_equal(
	    parse_prefix(h1_parse_request, slice_make(text, len), start + 60000, 0), H1_INCOMPLETE);
	assert_int_equal(parse_prefix(h1_parse_request, slice_make(text, len), len, 0), H1_ERROR);
	assert_int_equal(parsed.error, H1_ERR_TOO_LARGE);
	memset(text, 'A', len);
	assert_int_equal(parse_prefix(h1_parse_request, slice_make(text, len), len, 0), H1_ERROR);
	assert_int_equal(parsed.error, H1_ERR_METHOD);
	free(text);
}

static void every_error_has_a_text_and_a_status(void **state)
{
	for (unsigned e = 0; e <= H1_ERR_N; e++) {
		assert_non_null(h1_error_text((enum h1_error)e));
		assert_true(strlen(h1_error_text((enum h1_error)e)) > 0);
	}
	assert_int_equal(h1_error_status(H1_ERR_BARE_LF), 400);
	assert_int_equal(h1_error_status(H1_ERR_CODING), 422);
	assert_int_equal(h1_error_status(H1_ERR_PAYLOAD), 413);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_request_is_taken_apart),
		cmocka_unit_test(canonical_marks_exactly_the_fields_that_can_be_copied),
		cmocka_unit_test(one_empty_line_ahead_of_a_request_is_skipped),
		cmocka_unit_test(request_lines_are_strict),
		cmocka_unit_test(header_fields_are_strict),
		cmocka_unit_test(unsafe_drops_fields_with_invalid_names),
		cmocka_unit_test(every_control_character_is_found_at_every_offset),
		cmocka_unit_test(every_token_character_makes_a_name_at_every_offset),
		cmocka_unit_test(host_must_be_there_once_valid_and_the_targets),
		cmocka_unit_test(ambiguous_request_framing_is_refused),
		cmocka_unit_test(request_framing_follows_its_fields),
		cmocka_unit_test(flags_follow_connection_upgrade_and_expect),
		cmocka_unit_test(websocket_request_needs_a_key),
		cmocka_unit_test(upgrade_that_is_not_followed_is_not_passed_on),
		cmocka_unit_test(unsafe_versions_are_told_as_10_11_or_9),
		cmocka_unit_test(responses_are_strict),
		cmocka_unit_test(plain_response_is_taken_apart),
		cmocka_unit_test(response_framing_follows_status_request_and_fields),
		cmocka_unit_test(framing_fields_of_responses_without_body_are_removed),
		cmocka_unit_test(doubtful_response_framing_closes_the_connection),
		cmocka_unit_test(trailers_are_fields_without_those_of_framing),
		cmocka_unit_test(names_longer_than_the_table_can_tell_are_refused),
		cmocka_unit_test(every_error_has_a_text_and_a_status),
	};
	int failed = cmocka_run_group_tests_name("h1 head", tests, NULL, NULL);
	free(memory);
	return failed;
}
