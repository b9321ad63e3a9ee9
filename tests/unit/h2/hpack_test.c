/* SPDX-License-Identifier: MIT */
/*
 * HPACK: the examples of RFC 7541 Appendix C at every split, what a decoder must refuse, the table as it fills, and
 * both directions against another implementation (nghttp2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "weir/h2/hpack.h"
#include "weir/http/http.h"

#define BLOCK_MAX 32768

static struct hpack_scratch scratch;

struct bytes {
	uint8_t at[BLOCK_MAX];
	size_t len;
};

/* Fields as text, one a line. */
struct text {
	char at[4 * BLOCK_MAX];
	size_t len;
};

static void add_field(struct text *t, struct slice name, struct slice value, bool never)
{
	int n = snprintf(t->at + t->len, sizeof(t->at) - t->len, "%s%.*s: %.*s\n",
	    never ? "(never) " : "", SLICE_ARG(name), SLICE_ARG(value));
	assert_true(n > 0 && t->len + (size_t)n < sizeof(t->at));
	t->len += (size_t)n;
}

/* A block that comes in two pieces. False: refused. */
static bool decode_split(
    struct hpack_decoder *d, const uint8_t *block, size_t len, size_t split, struct text *out)
{
	struct hpack_field f;
	enum hpack_result got = HPACK_END;
	struct slice in = slice_make((const char *)block, split);
	out->len = 0;
	out->at[0] = 0;
	hpack_decoder_begin(d);
	for (unsigned piece = 0; piece < 2; piece++) {
		while ((got = hpack_decode(d, &scratch, &in, &f)) == HPACK_FIELD)
			add_field(out, f.name, f.value, f.never_indexed);
		if (got == HPACK_ERROR)
			return false;
		assert_true(got == (in.len ? HPACK_MORE : HPACK_END));
		in = slice_make(in.ptr, in.len + len - split);
	}
	return got == HPACK_END;
}

static bool decode(struct hpack_decoder *d, const uint8_t *block, size_t len, struct text *out)
{
	return decode_split(d, block, len, len, out);
}

static void from_hex(struct bytes *b, const char *hex)
{
	b->len = 0;
	for (; *hex; hex++) {
		unsigned digit = *hex <= '9' ? (unsigned)*hex - '0' : (unsigned)*hex - 'a' + 10;
		if (*hex == ' ')
			continue;
		if (b->len % 2 == 0)
			b->at[b->len / 2] = 0;
		b->at[b->len / 2] = (uint8_t)(b->at[b->len / 2] << 4 | digit);
		b->len++;
	}
	b->len /= 2;
}

/* The table by its indices, newest first. */
static void assert_table(struct hpack_decoder *d, const char *expected)
{
	static struct text all, one;
	all.len = 0;
	all.at[0] = 0;
	for (uint8_t i = 0xbe;; i++) {
		if (!decode(d, &i, 1, &one))
			break;
		memcpy(all.at + all.len, one.at, one.len + 1);
		all.len += one.len;
	}
	assert_string_equal(all.at, expected);
}

/* ---- Appendix C ---- */

struct example {
	const char *hex, *fields, *table;
};

#define WWW "www.example.com"
#define C5_1                                                                                       \
	"location: https://www.example.com\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n"                 \
	"cache-control: private\n"
#define C5_FIELDS(status, date)                                                                    \
	":status: " status "\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:" date          \
	" GMT\nlocation: https://www.example.com\n"
#define FOO "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"

static const struct example c2_1[] = {
	{ "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
	    "custom-key: custom-header\n", "custom-key: custom-header\n" },
	{ NULL },
};
static const struct example c2_rest[] = {
	{ "040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path\n", "" },
	{ "1008 7061 7373 776f 7264 0673 6563 7265 74", "(never) password: secret\n", "" },
	{ "82", ":method: GET\n", "" },
	{ NULL },
};

#define C3_1 ":method: GET\n:scheme: http\n:path: /\n:authority: " WWW "\n"
#define C3_2 C3_1 "cache-control: no-cache\n"
#define C3_3                                                                                       \
	":method: GET\n:scheme: https\n:path: /index.html\n:authority: " WWW                       \
	"\ncustom-key: custom-value\n"
#define C3_T1 ":authority: " WWW "\n"
#define C3_T2 "cache-control: no-cache\n" C3_T1
#define C3_T3 "custom-key: custom-value\n" C3_T2

static const struct example c3[] = {
	{ "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", C3_1, C3_T1 },
	{ "8286 84be 5808 6e6f 2d63 6163 6865", C3_2, C3_T2 },
	{ "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", C3_3, C3_T3 },
	{ NULL },
};
static const struct example c4[] = {
	{ "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", C3_1, C3_T1 },
	{ "8286 84be 5886 a8eb 1064 9cbf", C3_2, C3_T2 },
	{ "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", C3_3, C3_T3 },
	{ NULL },
};

#define C5_R1 C5_FIELDS("302", "21")
#define C5_R2 C5_FIELDS("307", "21")
#define C5_R3                                                                                      \
	C5_FIELDS("200", "22")                                                                     \
	"content-encoding: gzip\nset-cookie: " FOO "\n"
#define C5_T1 C5_1 ":status: 302\n"
#define C5_T2 ":status: 307\n" C5_1
#define C5_T3 "set-cookie: " FOO "\ncontent-encoding: gzip\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n"

/* The table of 256 bytes that these assume is asked for in front of the first. */
static const struct example c5[] = {
	{ "3fe1 01 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 "
	  "2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 "
	  "2e63 6f6d",
	    C5_R1, C5_T1 },
	{ "4803 3330 37c1 c0bf", C5_R2, C5_T2 },
	{ "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 "
	  "5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 "
	  "5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
	    C5_R3, C5_T3 },
	{ NULL },
};
static const struct example c6[] = {
	{ "3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 "
	  "2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
	    C5_R1, C5_T1 },
	{ "4883 640e ffc1 c0bf", C5_R2, C5_T2 },
	{ "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad "
	  "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 "
	  "65c0 03ed 4ee5 b106 3d50 07",
	    C5_R3, C5_T3 },
	{ NULL },
};

static void run_examples(const struct example *examples, size_t split)
{
	static struct bytes b;
	static struct text t;
	struct hpack_decoder d;
	hpack_decoder_init(&d, HPACK_TABLE_SIZE);
	for (const struct example *e = examples; e->hex; e++) {
		from_hex(&b, e->hex);
		assert_true(decode_split(&d, b.at, b.len, MIN(split, b.len), &t));
		assert_string_equal(t.at, e->fields);
		assert_table(&d, e->table);
	}
	hpack_decoder_done(&d);
}

static void examples_of_the_rfc_decode_at_every_split(void **state)
{
	(void)state;
	for (size_t split = 0; split < 120; split++) {
		run_examples(c2_1, split);
		run_examples(c2_rest, split);
		run_examples(c3, split);
		run_examples(c4, split);
		run_examples(c5, split);
		run_examples(c6, split);
	}
}

/* ---- what is refused ---- */

struct refused {
	const char *what, *hex;
};

static const struct refused refused[] = {
	{ "index 0", "80" },
	{ "an index beyond both tables", "be" },
	{ "a large index", "ff80 01" },
	{ "an integer of more than 32 bits", "ffff ffff ff1f" },
	{ "an integer of more bytes than any needs", "ff80 8080 8080 00" },
	{ "a name beyond both tables", "7e01 61" },
	{ "a table larger than announced", "3fe2 1f" },
	{ "a table that changes behind a field", "8220" },
	{ "a string of Huffman's end of string", "0001 6184 ffff ffff" },
	{ "padding of zeros", "0001 6181 18" },
	{ "padding of eight ones", "0001 6182 1fff" },
	{ "an empty word with padding alone", "0001 6181 ff" },
	{ "a code that is cut off", "0001 6181 fe" },
	{ "a name that is not coded by the code", "0081 0001 61" },
	{ "a string longer than any", "0001 617f 81ff 03" },
	{ "a name without its value", "0001 61" },
	{ "half an integer", "ff80" },
};

static void blocks_that_break_the_rfc_are_refused_at_every_split(void **state)
{
	static struct bytes b;
	static struct text t;
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		from_hex(&b, refused[i].hex);
		for (size_t split = 0; split <= b.len; split++) {
			struct hpack_decoder d;
			hpack_decoder_init(&d, HPACK_TABLE_SIZE);
			if (decode_split(&d, b.at, b.len, split, &t))
				fail_msg("taken: %s", refused[i].what);
			hpack_decoder_done(&d);
		}
	}
}

static void integers_of_five_more_bytes_are_taken(void **state)
{
	static struct bytes b;
	static struct text t;
	struct hpack_decoder d;
	(void)state;
	hpack_decoder_init(&d, HPACK_TABLE_SIZE);
	from_hex(&b, "3f80 8080 8000"); /* size 31, padded */
	assert_true(decode(&d, b.at, b.len, &t));
	from_hex(&b, "207f 0001 62"); /* no table, then name 63 of none */
	assert_false(decode(&d, b.at, b.len, &t));
	hpack_decoder_done(&d);
}

/* ---- the table ---- */

static void put_literal(struct bytes *b, const char *name, size_t value_len, char fill)
{
	size_t len = strlen(name);
	b->at[b->len++] = 0x40;
	b->at[b->len++] = (uint8_t)len;
	memcpy(b->at + b->len, name, len);
	b->len += len;
	assert_true(value_len < 127);
	b->at[b->len++] = (uint8_t)value_len;
	memset(b->at + b->len, fill, value_len);
	b->len += value_len;
}

static void field_larger_than_the_table_empties_it(void **state)
{
	static struct bytes b;
	static struct text t;
	struct hpack_decoder d;
	(void)state;
	hpack_decoder_init(&d, HPACK_TABLE_SIZE);
	from_hex(&b, "3f21"); /* 64 bytes */
	put_literal(&b, "a", 10, 'x');
	assert_true(decode(&d, b.at, b.len, &t));
	assert_table(&d, "a: xxxxxxxxxx\n");
	b.len = 0;
	put_literal(&b, "b", 32, 'y');
	assert_true(decode(&d, b.at, b.len, &t));
	assert_table(&d, "");
	b.len = 0;
	put_literal(&b, "c", 31, 'z');
	assert_true(decode(&d, b.at, b.len, &t));
	assert_table(&d, "c: zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n");
	hpack_decoder_done(&d);
}

/* RFC 7541 4.4 */
static void name_of_the_entry_that_falls_out_is_kept(void **state)
{
	static struct bytes b;
	static struct text t;
	struct hpack_decoder d;
	(void)state;
	hpack_decoder_init(&d, HPACK_TABLE_SIZE);
	from_hex(&b, "3f21"); /* 64 bytes */
	put_literal(&b, "long-name", 20, 'x');
	for (unsigned i = 0; i < 3; i++) {
		static const uint8_t by_name[] = { 0x7e, 3, 'n', 'e', 'w' };
		memcpy(b.at + b.len, by_name, sizeof(by_name));
		b.len += sizeof(by_name);
	}
	assert_true(decode(&d, b.at, b.len, &t));
	assert_table(&d, "long-name: new\n");
	hpack_decoder_done(&d);
}

static void table_changes_its_size_ahead_of_a_block(void **state)
{
	static struct bytes b;
	static struct text t;
	struct hpack_decoder d;
	(void)state;
	hpack_decoder_init(&d, 8192);
	from_hex(&b, "3fe1 1f"); /* 4096 */
	put_literal(&b, "a", 3, 'x');
	put_literal(&b, "b", 3, 'y');
	assert_true(decode(&d, b.at, b.len, &t));
	from_hex(&b, "3f05 3fe1 3f"); /* 36: holds the last one alone; 8192 */
	assert_true(decode(&d, b.at, b.len, &t));
	assert_table(&d, "b: yyy\n");
	from_hex(&b, "20");
	assert_true(decode(&d, b.at, b.len, &t));
	assert_table(&d, "");
	from_hex(&b, "3fe2 3f"); /* 8193 */
	assert_false(decode(&d, b.at, b.len, &t));
	hpack_decoder_done(&d);
}

static void table_takes_memory_as_it_is_used(void **state)
{
	static struct bytes b;
	static struct text t;
	struct hpack_decoder d;
	(void)state;
	hpack_decoder_init(&d, HPACK_TABLE_SIZE);
	from_hex(&b, "8287 0401 2f 0f28 0161");
	assert_true(decode(&d, b.at, b.len, &t));
	assert_int_equal(hpack_decoder_memory(&d), 0);
	b.len = 0;
	put_literal(&b, "a", 100, 'x');
	assert_true(decode(&d, b.at, b.len, &t));
	assert_in_range(hpack_decoder_memory(&d), 100, 400);
	for (unsigned i = 0; i < 1000; i++) {
		b.len = 0;
		put_literal(&b, "b", i % 120, 'y');
		assert_true(decode(&d, b.at, b.len, &t));
	}
	assert_in_range(hpack_decoder_memory(&d), 2048, 6000);
	hpack_decoder_done(&d);
}

static void memo_stays_with_its_entry(void **state)
{
	static const uint8_t block[] = { 0x40, 1, 'a', 1, 'x', 0xbe, 0x7e, 1, 'y', 0xbe, 0xbf };
	struct slice in = slice_make((const char *)block, sizeof(block));
	struct hpack_decoder d;
	struct hpack_field f;
	(void)state;
	hpack_decoder_init(&d, HPACK_TABLE_SIZE);
	hpack_decoder_begin(&d);
	assert_int_equal(hpack_decode(&d, &scratch, &in, &f), HPACK_FIELD);
	assert_int_equal(f.memo.seen, 0);
	*f.keep = (struct hpack_memo){ 7, HPACK_NAME_SEEN | HPACK_VALUE_SEEN };
	assert_int_equal(hpack_decode(&d, &scratch, &in, &f), HPACK_FIELD);
	assert_int_equal(f.memo.seen, HPACK_NAME_SEEN | HPACK_VALUE_SEEN);
	assert_int_equal(f.memo.id, 7);
	/* a new value under a known name */
	assert_int_equal(hpack_decode(&d, &scratch, &in, &f), HPACK_FIELD);
	assert_int_equal(f.memo.seen, HPACK_NAME_SEEN);
	assert_int_equal(hpack_decode(&d, &scratch, &in, &f), HPACK_FIELD);
	assert_int_equal(f.memo.seen, HPACK_NAME_SEEN);
	assert_int_equal(hpack_decode(&d, &scratch, &in, &f), HPACK_FIELD);
	assert_int_equal(f.memo.seen, HPACK_NAME_SEEN | HPACK_VALUE_SEEN);
	hpack_decoder_done(&d);
}

/* ---- against another implementation ---- */

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

/* Few names and values, so that tables are used, of all lengths and bytes. */
static struct slice draw_text(char *room, unsigned kinds, unsigned longest)
{
	uint32_t kind = draw(kinds), len = kind * 7919 % longest;
	for (uint32_t i = 0; i < len; i++)
		room[i] = (char)(kind % 3 ? 'a' + (i + kind) % 26 : (i * 31 + kind) % 255 + 1);
	return slice_make(room, len);
}

static void run_against_deflater(uint32_t limit, unsigned longest)
{
	static struct bytes b;
	static struct text expected, got;
	nghttp2_hd_deflater *deflater;
	struct hpack_decoder d;
	hpack_decoder_init(&d, limit);
	assert_int_equal(nghttp2_hd_deflate_new(&deflater, limit), 0);
	nghttp2_hd_deflate_change_table_size(deflater, limit);
	for (unsigned round = 0; round < 2000; round++) {
		static char names[16][32], values[16][4096];
		nghttp2_nv nv[16];
		unsigned n = 1 + draw(16);
		expected.len = 0;
		for (unsigned i = 0; i < n; i++) {
			struct slice name = draw_text(names[i], 40, 30);
			struct slice value = draw_text(values[i], 200, longest);
			bool never = draw(10) == 0;
			nv[i] = (nghttp2_nv){ (uint8_t *)name.ptr, (uint8_t *)value.ptr, name.len,
				value.len,
				never ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE };
			add_field(&expected, name, value, never);
		}
		ssize_t len = nghttp2_hd_deflate_hd(deflater, b.at, sizeof(b.at), nv, n);
		assert_true(len > 0);
		assert_true(decode_split(&d, b.at, (size_t)len, draw((uint32_t)len + 1), &got));
		assert_string_equal(got.at, expected.at);
	}
	hpack_decoder_done(&d);
	nghttp2_hd_deflate_del(deflater);
}

static void blocks_of_another_encoder_decode_as_they_were(void **state)
{
	(void)state;
	seed = 1;
	run_against_deflater(4096, 60);
	run_against_deflater(4096, 900);
	run_against_deflater(65536, 1500);
}

/* What another decoder makes of a block. */
static void inflate(const uint8_t *in, size_t len, struct text *out)
{
	nghttp2_hd_inflater *inflater;
	assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
	out->len = 0;
	out->at[0] = 0;
	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, in, len, 1);
		assert_true(n >= 0);
		in += n;
		len -= (size_t)n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			add_field(out, slice_make((char *)nv.name, nv.namelen),
			    slice_make((char *)nv.value, nv.valuelen),
			    nv.flags & NGHTTP2_NV_FLAG_NO_INDEX);
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			break;
	}
	nghttp2_hd_inflate_del(inflater);
}

static void what_is_encoded_reads_the_same_elsewhere(void **state)
{
	static struct bytes b;
	static struct text expected, got;
	(void)state;
	seed = 7;
	for (unsigned round = 0; round < 2000; round++) {
		struct hpack_writer w = { b.at, b.at + sizeof(b.at), false };
		expected.len = 0;
		for (unsigned i = 1 + draw(12); i; i--) {
			char name_room[32], value_room[1024];
			struct slice name = draw_text(name_room, 40, 30);
			struct slice value = draw_text(value_room, 200, 1000);
			unsigned id = HDR_OTHER;
			bool secret = false;
			if (draw(2)) {
				id = 1 + draw(HDR_N - 1);
				name = http_hdr_name(id);
				secret = id == HDR_COOKIE || id == HDR_SET_COOKIE ||
					 id == HDR_AUTHORIZATION || id == HDR_PROXY_AUTHORIZATION;
			}
			if (id == HDR_OTHER && name.len == 0)
				name = SLICE("x");
			bool never = draw(10) == 0;
			hpack_put(&w, id, name, value, never);
			add_field(&expected, name, value, never || secret);
		}
		assert_false(w.full);
		inflate(b.at, (size_t)(w.at - b.at), &got);
		assert_string_equal(got.at, expected.at);
	}
}

static void each_byte_goes_through_both_directions(void **state)
{
	(void)state;
	for (unsigned c = 1; c < 256; c++) {
		static struct text got;
		uint8_t block[512];
		char value[100], back[400];
		for (unsigned len = 1; len < 40; len++) {
			memset(value, (int)c, len);
			memset(value + len, 'a', 60);
			struct slice s = slice_make(value, len + 60);
			size_t n = hpack_huffman_encode(block, s);
			if (n) {
				assert_int_equal(n, hpack_huffman_len(s));
				assert_int_equal(hpack_huffman_decode(back, block, n), s.len);
				assert_memory_equal(back, value, s.len);
			} else {
				assert_true(hpack_huffman_len(s) >= s.len);
			}
		}
		struct hpack_writer w = { block, block + sizeof(block), false };
		hpack_put(&w, HDR_OTHER, SLICE("x"), slice_make(value, 99), false);
		inflate(block, (size_t)(w.at - block), &got);
		assert_int_equal(got.len, 99 + 4);
		assert_memory_equal(got.at + 3, value, 99);
	}
}

static void assert_written(const struct hpack_writer *w, const uint8_t *block, const char *hex)
{
	static struct bytes b;
	from_hex(&b, hex);
	assert_int_equal(w->at - block, b.len);
	assert_memory_equal(block, b.at, b.len);
}

static void rows_of_the_static_table_are_one_byte(void **state)
{
	uint8_t block[256];
	struct hpack_writer w = { block, block + sizeof(block), false };
	(void)state;
	hpack_put_pseudo(&w, HPACK_METHOD, SLICE("GET"));
	hpack_put_pseudo(&w, HPACK_METHOD, SLICE("POST"));
	hpack_put_pseudo(&w, HPACK_PATH, SLICE("/"));
	hpack_put_pseudo(&w, HPACK_PATH, SLICE("/index.html"));
	hpack_put_pseudo(&w, HPACK_SCHEME, SLICE("https"));
	hpack_put_pseudo(&w, HPACK_STATUS, SLICE("200"));
	hpack_put_pseudo(&w, HPACK_STATUS, SLICE("500"));
	hpack_put(&w, HDR_ACCEPT_ENCODING, SLICE("accept-encoding"), SLICE("gzip, deflate"), false);
	hpack_put(&w, HDR_VIA, SLICE("via"), SLICE(""), false);
	assert_written(&w, block, "82 83 84 85 87 88 8e 90 bc");
}

static void other_fields_are_literals_of_the_shorter_form(void **state)
{
	uint8_t block[256];
	struct hpack_writer w = { block, block + sizeof(block), false };
	(void)state;
	hpack_put_pseudo(&w, HPACK_AUTHORITY, SLICE(WWW)); /* Huffman, as in C.4.1 */
	hpack_put(&w, HDR_OTHER, SLICE("accept-language"), SLICE("\xff"), false);
	hpack_put(&w, HDR_CACHE_CONTROL, SLICE("cache-control"), SLICE("no-cache"), true);
	hpack_put(&w, HDR_COOKIE, SLICE("cookie"), SLICE(""), false);
	hpack_put(&w, HDR_OTHER, SLICE("x!"), SLICE("1"), false);
	assert_written(&w, block,
	    "01 8c f1 e3 c2 e5 f2 3a 6b a0 ab 90 f4 ff  0f 02 01 ff  1f 09 86 a8 eb 10 64 9c bf "
	    "1f 11 00  00 02 78 21 01 31");
}

static void writer_without_room_says_so(void **state)
{
	uint8_t block[64];
	(void)state;
	for (size_t room = 0; room < sizeof(block); room++) {
		struct hpack_writer w = { block, block + room, false };
		memset(block, 0xa5, sizeof(block));
		hpack_put(&w, HDR_OTHER, SLICE("name"), SLICE("value"), false);
		assert_int_equal(w.full, room < 9 + HPACK_FIELD_EXTRA);
		for (size_t i = room; i < sizeof(block); i++)
			assert_int_equal(block[i], 0xa5);
	}
}

static void size_of_the_table_is_told(void **state)
{
	uint8_t block[64];
	struct hpack_writer w = { block, block + sizeof(block), false };
	(void)state;
	hpack_put_table_size(&w, 0);
	hpack_put_table_size(&w, 4096);
	assert_written(&w, block, "20 3f e1 1f");
}

static int free_scratch(void **state)
{
	(void)state;
	free(scratch.mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_of_the_rfc_decode_at_every_split),
		cmocka_unit_test(blocks_that_break_the_rfc_are_refused_at_every_split),
		cmocka_unit_test(integers_of_five_more_bytes_are_taken),
		cmocka_unit_test(field_larger_than_the_table_empties_it),
		cmocka_unit_test(name_of_the_entry_that_falls_out_is_kept),
		cmocka_unit_test(table_changes_its_size_ahead_of_a_block),
		cmocka_unit_test(table_takes_memory_as_it_is_used),
		cmocka_unit_test(memo_stays_with_its_entry),
		cmocka_unit_test(blocks_of_another_encoder_decode_as_they_were),
		cmocka_unit_test(what_is_encoded_reads_the_same_elsewhere),
		cmocka_unit_test(each_byte_goes_through_both_directions),
		cmocka_unit_test(rows_of_the_static_table_are_one_byte),
		cmocka_unit_test(other_fields_are_literals_of_the_shorter_form),
		cmocka_unit_test(writer_without_room_says_so),
		cmocka_unit_test(size_of_the_table_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, free_scratch);
}
