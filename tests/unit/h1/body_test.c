/* SPDX-License-Identifier: MIT */
/* Unit tests of the h1 body decoder: whole, byte by byte and in two pieces cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "weir/h1/h1.h"

struct outcome {
	enum h1_body_event event; /* the last one */
	enum h1_error error;
	size_t consumed;
	char data[256];
	size_t data_len;
};

/* Feeds one piece; true when the decoder wants more. */
static bool feed(struct h1_body *b, const char *in, size_t len, struct outcome *o)
{
	size_t at = 0;
	for (;;) {
		size_t used = SIZE_MAX;
		struct slice data;
		o->event = h1_body_decode(b, in + at, len - at, &used, &data);
		assert_true(used <= len - at);
		at += used;
		o->consumed += used;
		o->error = (enum h1_error)b->error;
		if (o->event != H1_BODY_DATA)
			break;
		assert_true(data.len > 0 && data.ptr >= in && data.ptr + data.len == in + at);
		assert_true(o->data_len + data.len <= sizeof(o->data));
		memcpy(o->data + o->data_len, data.ptr, data.len);
		o->data_len += data.len;
	}
	if (o->event == H1_BODY_MORE)
		assert_int_equal(at, len);
	return o->event == H1_BODY_MORE;
}

static struct outcome decode(const struct http_msg *m, struct slice text, size_t cut, size_t step)
{
	struct h1_body b;
	struct outcome o = { .data_len = 0 };
	h1_body_init(&b, m);
	if (feed(&b, text.ptr, cut, &o)) {
		for (size_t i = cut; i < text.len; i += step) {
			if (!feed(&b, text.ptr + i, MIN(step, text.len - i), &o))
				break;
		}
	}
	return o;
}

static struct outcome decode_every_way(const struct http_msg *m, struct slice text)
{
	struct outcome want = decode(m, text, text.len, 1);
	for (size_t cut = 0; cut <= text.len; cut++) {
		for (size_t step = 1; step <= text.len; step += 3) {
			struct outcome got = decode(m, text, cut, step);
			assert_int_equal(got.event, want.event);
			assert_int_equal(got.error, want.error);
			assert_int_equal(got.consumed, want.consumed);
			assert_int_equal(got.data_len, want.data_len);
			assert_memory_equal(got.data, want.data, want.data_len);
		}
	}
	return want;
}

static struct outcome decode_chunked(struct slice text)
{
	return decode_every_way(&(struct http_msg){ .framing = HTTP_BODY_CHUNKED }, text);
}

static void chunks_are_joined_and_the_trailer_section_is_left(void **state)
{
	struct slice text = SLICE("3\r\nabc\r\n00a;x=y;z=\"q;\"\r\n0123456789\r\n"
				  "1 \t; a\r\nZ\r\n0\r\nX: y\r\n\r\n");
	struct outcome o = decode_chunked(text);
	assert_int_equal(o.event, H1_BODY_TRAILERS);
	assert_int_equal(o.data_len, 14);
	assert_memory_equal(o.data, "abc0123456789Z", 14);
	assert_int_equal(o.consumed, slice_search(text, SLICE("X: y")));
}

static void sizes_are_hex_in_either_case(void **state)
{
	struct outcome o = decode_chunked(SLICE("aB\r\n"));
	assert_int_equal(o.event, H1_BODY_MORE);
	struct h1_body b;
	size_t used;
	struct slice data;
	h1_body_init(&b, &(struct http_msg){ .framing = HTTP_BODY_CHUNKED });
	assert_int_equal(
	    h1_body_decode(&b, "7fffFFFFffffffff\r\n", 18, &used, &data), H1_BODY_MORE);
	assert_int_equal(used, 18);
	assert_true(b.left == (uint64_t)INT64_MAX);
}

struct bad {
	struct slice text;
	enum h1_error error;
	size_t at;
};

static void bad_chunks_are_refused_at_the_byte_that_is_wrong(void **state)
{
	static const struct bad rows[] = {
		{ SLICE("0x2\r\nok\r\n"), H1_ERR_CHUNK_SIZE, 1 },
		{ SLICE("+2\r\nok\r\n"), H1_ERR_CHUNK_SIZE, 0 },
		{ SLICE("-2\r\nok\r\n"), H1_ERR_CHUNK_SIZE, 0 },
		{ SLICE(" 2\r\nok\r\n"), H1_ERR_CHUNK_SIZE, 0 },
		{ SLICE("\r\nok\r\n"), H1_ERR_CHUNK_SIZE, 0 },
		{ SLICE(";a\r\nok\r\n"), H1_ERR_CHUNK_SIZE, 0 },
		{ SLICE("2 3\r\nok\r\n"), H1_ERR_CHUNK_SIZE, 2 },
		{ SLICE("g\r\n"), H1_ERR_CHUNK_SIZE, 0 },
		{ SLICE("00000000000000002\r\nok"), H1_ERR_CHUNK_SIZE, 16 },
		{ SLICE("8000000000000000\r\nok"), H1_ERR_CHUNK_SIZE, 15 },
		{ SLICE("2\nok\r\n"), H1_ERR_BARE_LF, 1 },
		{ SLICE("2 \nok\r\n"), H1_ERR_BARE_LF, 2 },
		{ SLICE("2\rok\r\n"), H1_ERR_BARE_CR, 2 },
		{ SLICE("2;a\nb\r\nok\r\n"), H1_ERR_BARE_LF, 3 },
		{ SLICE("2;a\rb\r\nok\r\n"), H1_ERR_BARE_CR, 4 },
		{ SLICE("2;\0\r\nok\r\n"), H1_ERR_CHUNK_SIZE, 2 },
		{ SLICE("2\r\nok\n0\r\n\r\n"), H1_ERR_CHUNK_END, 5 },
		{ SLICE("2\r\nok!\r\n0\r\n\r\n"), H1_ERR_CHUNK_END, 5 },
		{ SLICE("2\r\nok\rx"), H1_ERR_CHUNK_END, 6 },
		{ SLICE("0\nX: y\r\n\r\n"), H1_ERR_BARE_LF, 1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outcome o = decode_chunked(rows[i].text);
		if (o.event != H1_BODY_ERROR || o.error != rows[i].error ||
		    o.consumed != rows[i].at)
			fail_msg(
			    "row %zu: event %d error %d at %zu", i, o.event, o.error, o.consumed);
	}
}

static void chunk_extensions_are_bounded_per_chunk(void **state)
{
	char line[2048];
	struct h1_body b;
	size_t used;
	struct slice data;
	memset(line, 'a', sizeof(line));
	line[0] = '1';
	line[1] = ';';
	h1_body_init(&b, &(struct http_msg){ .framing = HTTP_BODY_CHUNKED });
	assert_int_equal(h1_body_decode(&b, line, sizeof(line), &used, &data), H1_BODY_ERROR);
	assert_int_equal(b.error, H1_ERR_CHUNK_SIZE);
	assert_int_equal(h1_body_decode(&b, "1", 1, &used, &data), H1_BODY_ERROR);
	assert_int_equal(used, 0);

	/* Many chunks with a permitted extension each never add up to an error. */
	h1_body_init(&b, &(struct http_msg){ .framing = HTTP_BODY_CHUNKED });
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(h1_body_decode(&b, line, 600, &used, &data), H1_BODY_MORE);
		assert_int_equal(h1_body_decode(&b, "\r\nx", 3, &used, &data), H1_BODY_DATA);
		assert_int_equal(h1_body_decode(&b, "\r\n", 2, &used, &data), H1_BODY_MORE);
	}
}

static void length_body_ends_after_its_bytes(void **state)
{
	struct http_msg m = { .framing = HTTP_BODY_LENGTH, .content_length = 5 };
	struct outcome o = decode_every_way(&m, SLICE("helloGET /"));
	assert_int_equal(o.event, H1_BODY_END);
	assert_int_equal(o.consumed, 5);
	assert_int_equal(o.data_len, 5);
	o = decode_every_way(&m, SLICE("hell"));
	assert_int_equal(o.event, H1_BODY_MORE);

	m.content_length = 0;
	o = decode_every_way(&m, SLICE("x"));
	assert_int_equal(o.event, H1_BODY_END);
	assert_int_equal(o.consumed, 0);
}

static void other_framings(void **state)
{
	struct outcome o =
	    decode_every_way(&(struct http_msg){ .framing = HTTP_BODY_NONE }, SLICE("GET"));
	assert_int_equal(o.event, H1_BODY_END);
	assert_int_equal(o.consumed, 0);
	o = decode_every_way(
	    &(struct http_msg){ .framing = HTTP_BODY_UNTIL_CLOSE }, SLICE("all of it"));
	assert_int_equal(o.event, H1_BODY_MORE);
	assert_int_equal(o.data_len, 9);
	o = decode_every_way(&(struct http_msg){ .framing = HTTP_BODY_TUNNEL }, SLICE("\0\r\n"));
	assert_int_equal(o.event, H1_BODY_MORE);
	assert_int_equal(o.data_len, 3);
}

static void chunk_heads_are_the_shortest_hex(void **state)
{
	static const struct {
		uint64_t size;
		const char *text;
	} rows[] = { { 0, "0\r\n" }, { 1, "1\r\n" }, { 15, "f\r\n" }, { 16, "10\r\n" },
		{ 0xabcdef, "abcdef\r\n" }, { UINT64_MAX, "ffffffffffffffff\r\n" } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[H1_CHUNK_HEAD_MAX];
		size_t len = h1_write_chunk_head(rows[i].size, out);
		assert_int_equal(len, strlen(rows[i].text));
		assert_memory_equal(out, rows[i].text, len);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_are_joined_and_the_trailer_section_is_left),
		cmocka_unit_test(sizes_are_hex_in_either_case),
		cmocka_unit_test(bad_chunks_are_refused_at_the_byte_that_is_wrong),
		cmocka_unit_test(chunk_extensions_are_bounded_per_chunk),
		cmocka_unit_test(length_body_ends_after_its_bytes),
		cmocka_unit_test(other_framings),
		cmocka_unit_test(chunk_heads_are_the_shortest_hex),
	};
	return cmocka_run_group_tests_name("h1 body", tests, NULL, NULL);
}
