/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of HPACK, against nghttp2. The first byte chooses the direction and the size of the table. Decoding: the
 * rest is header blocks, each with its length in front; both decoders must take and refuse the same ones and read the
 * same fields, and so must ours when each block comes in two pieces. Encoding: the rest is names and values, which
 * nghttp2 must read back.
 */
#include <nghttp2/nghttp2.h>

#include "weir/h2/hpack.h"
#include "weir/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT 16384

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static struct hpack_scratch scratch;

/* What a decoder has said. */
struct result {
	uint64_t hash;
	unsigned fields;
	bool refused;
};

static void note_bytes(struct result *r, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	r->hash = (r->hash ^ len) * 0x100000001b3u;
	for (size_t i = 0; i < len; i++)
		r->hash = (r->hash ^ b[i]) * 0x100000001b3u;
}

static void note_field(struct result *r, struct slice name, struct slice value, bool never)
{
	r->fields++;
	note_bytes(r, name.ptr, name.len);
	note_bytes(r, value.ptr, value.len);
	note_bytes(r, &never, 1);
}

static void run_theirs(
    nghttp2_hd_inflater *inflater, const uint8_t *in, size_t len, struct result *r)
{
	*r = (struct result){ .hash = 1 };
	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, in, len, 1);
		if (n < 0) {
			r->refused = true;
			return;
		}
		in += n;
		len -= (size_t)n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			note_field(r, slice_make((char *)nv.name, nv.namelen),
			    slice_make((char *)nv.value, nv.valuelen),
			    nv.flags & NGHTTP2_NV_FLAG_NO_INDEX);
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			break;
	}
	nghttp2_hd_inflate_end_headers(inflater);
}

static void run_ours(
    struct hpack_decoder *d, const uint8_t *block, size_t len, size_t split, struct result *r)
{
	enum hpack_result got = HPACK_END;
	*r = (struct result){ .hash = 1 };
	/* of its own, so that reading beyond it is found */
	char *copy = malloc(len + 1);
	must(copy);
	memcpy(copy + 1, block, len);
	struct slice in = slice_make(copy + 1, MIN(split, len));
	hpack_decoder_begin(d);
	for (unsigned piece = 0; piece < 2 && got != HPACK_ERROR; piece++) {
		struct hpack_field f;
		while ((got = hpack_decode(d, &scratch, &in, &f)) == HPACK_FIELD)
			note_field(r, f.name, f.value, f.never_indexed);
		must(got == HPACK_ERROR || got == (in.len ? HPACK_MORE : HPACK_END));
		in = slice_make(in.ptr, (size_t)(copy + 1 + len - in.ptr));
	}
	r->refused = got != HPACK_END;
	free(copy);
	must(hpack_decoder_memory(d) <= 3 * (size_t)d->limit);
}

static void run_decoders(const uint8_t *data, size_t size, uint32_t limit)
{
	nghttp2_hd_inflater *inflater;
	struct hpack_decoder whole, pieces;
	must(nghttp2_hd_inflate_new(&inflater) == 0);
	if (limit != HPACK_TABLE_SIZE)
		must(nghttp2_hd_inflate_change_table_size(inflater, limit) == 0);
	hpack_decoder_init(&whole, limit);
	hpack_decoder_init(&pieces, limit);
	while (size > 2) {
		size_t len = MIN(((size_t)data[0] & 0x0f) << 8 | data[1], size - 2);
		struct result a, b, c;
		run_theirs(inflater, data + 2, len, &a);
		run_ours(&whole, data + 2, len, len, &b);
		run_ours(&pieces, data + 2, len, (data[0] >> 4) * len / 15, &c);
		must(a.refused == b.refused && a.refused == c.refused);
		must(b.hash == c.hash && b.fields == c.fields);
		must(a.hash == b.hash && a.fields == b.fields);
		if (a.refused)
			break;
		data += 2 + len;
		size -= 2 + len;
	}
	nghttp2_hd_inflate_del(inflater);
	hpack_decoder_done(&whole);
	hpack_decoder_done(&pieces);
}

/* A block of fields out of the input; which of them are secret is asked of the bytes themselves. */
static void run_encoder(const uint8_t *data, size_t size)
{
	static uint8_t block[4 * SIZE_LIMIT];
	struct hpack_writer w = { block, block + sizeof(block), false };
	struct result expected = { .hash = 1 }, got;
	nghttp2_hd_inflater *inflater;
	while (size > 3) {
		unsigned id = data[0] % HDR_N;
		bool never = data[0] & 0x80;
		size_t value_len = MIN((size_t)data[2] * 8, size - 3);
		struct slice value = slice_make((const char *)data + 3, value_len);
		struct slice name = id ? http_hdr_name(id) : value;
		name.len = id ? name.len : MIN(name.len, (size_t)data[1]);
		bool secret = id == HDR_COOKIE || id == HDR_SET_COOKIE || id == HDR_AUTHORIZATION ||
			      id == HDR_PROXY_AUTHORIZATION;
		hpack_put(&w, id, name, value, never);
		note_field(&expected, name, value, never || secret);
		data += 3 + value_len;
		size -= 3 + value_len;
	}
	must(!w.full);
	must(nghttp2_hd_inflate_new(&inflater) == 0);
	run_theirs(inflater, block, (size_t)(w.at - block), &got);
	nghttp2_hd_inflate_del(inflater);
	must(!got.refused && got.hash == expected.hash && got.fields == expected.fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t limits[] = { 4096, 4096, 8192, 65536 };
	if (size < 1 || size > SIZE_LIMIT)
		return 0;
	if (data[0] & 4)
		run_encoder(data + 1, size - 1);
	else
		run_decoders(data + 1, size - 1, limits[data[0] & 3]);
	return 0;
}
