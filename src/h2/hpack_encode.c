/* SPDX-License-Identifier: MIT */
/*
 * Fields on their way out (RFC 7541 6): the static table and literals, coded by Huffman where that is shorter, and
 * never a table of our own. What was written depends on nothing that was written before, so a block may be thrown away
 * and begun again, an idle connection keeps nothing, and requests of different clients that share a connection to a
 * server cannot be told from each other by how well they compress.
 */
#include "hpack_int.h"
#include "weir/http/http.h"

#define INDEXED	      0x80
#define RESIZE	      0x20
#define NEVER_INDEXED 0x10
#define CODED	      0x80
/* Strings shorter than that have a length of one byte. */
#define SHORT_STRING 127

static uint8_t *put_integer(uint8_t *at, unsigned first, uint32_t mask, size_t value)
{
	if (value < mask) {
		*at++ = (uint8_t)(first | value);
		return at;
	}
	*at++ = (uint8_t)(first | mask);
	for (value -= mask; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put_string(uint8_t *at, struct slice s)
{
	bool is_short = s.len < SHORT_STRING;
	size_t coded = is_short ? hpack_huffman_encode(at + 1, s) : hpack_huffman_len(s);
	if (is_short && coded) {
		*at = (uint8_t)(CODED | coded);
		return at + 1 + coded;
	}
	if (!is_short && coded < s.len) {
		at = put_integer(at, CODED, 0x7f, coded);
		return at + hpack_huffman_encode(at, s);
	}
	at = put_integer(at, 0, 0x7f, s.len);
	if (s.len)
		memcpy(at, s.ptr, s.len);
	return at + s.len;
}

static bool has_room(struct hpack_writer *w, size_t len)
{
	if (likely((size_t)(w->end - w->at) >= len + HPACK_FIELD_EXTRA))
		return true;
	w->full = true;
	return false;
}

void hpack_put_table_size(struct hpack_writer *w, uint32_t size)
{
	if (has_room(w, 0))
		w->at = put_integer(w->at, RESIZE, 0x1f, size);
}

void hpack_put_pseudo(struct hpack_writer *w, enum hpack_pseudo name, struct slice value)
{
	if (!has_room(w, value.len))
		return;
	for (unsigned i = name;
	     i == name || slice_eq(hpack_static[i].name, hpack_static[name].name); i++) {
		if (slice_eq(hpack_static[i].value, value)) {
			*w->at++ = (uint8_t)(INDEXED | i);
			return;
		}
	}
	*w->at++ = (uint8_t)name;
	w->at = put_string(w->at, value);
}

/* What must not be guessed by whoever sees how it compresses (RFC 7541 7.1). */
static bool is_secret(unsigned id)
{
	return id == HDR_AUTHORIZATION || id == HDR_PROXY_AUTHORIZATION || id == HDR_COOKIE ||
	       id == HDR_SET_COOKIE;
}

void hpack_put(
    struct hpack_writer *w, unsigned id, struct slice name, struct slice value, bool never_indexed)
{
	if (!has_room(w, name.len + value.len))
		return;
	unsigned row = hpack_static_name(id, name);
	never_indexed |= is_secret(id);
	if (row && !never_indexed && slice_eq(hpack_static[row].value, value)) {
		*w->at++ = (uint8_t)(INDEXED | row);
		return;
	}
	w->at = put_integer(w->at, never_indexed ? NEVER_INDEXED : 0, 0x0f, row);
	if (!row)
		w->at = put_string(w->at, name);
	w->at = put_string(w->at, value);
}
