/* SPDX-License-Identifier: MIT */
/*
 * Header blocks that come in (RFC 7541 6). A field is taken once all of it is there, so there is no state within one:
 * what is wrong is found where it is, and a block reads the same however it was split. Lengths are looked at before
 * anything is decoded, so that a field that comes in many pieces is decoded once.
 */
#include "hpack_int.h"

/* Of an integer, behind its first byte (RFC 7541 5.1): enough for 32 bits. */
#define INTEGER_BYTES 5

struct reader {
	const uint8_t *at, *end;
};

/* A string as it stands in the block. */
struct text {
	struct slice bytes;
	bool coded;
};

void hpack_decoder_init(struct hpack_decoder *d, uint32_t limit)
{
	limit = MAX(limit, (uint32_t)HPACK_TABLE_SIZE);
	*d = (struct hpack_decoder){
		.limit = MIN(limit, (uint32_t)HPACK_TABLE_MAX),
		.size_max = HPACK_TABLE_SIZE,
	};
}

void hpack_decoder_done(struct hpack_decoder *d)
{
	free(d->table);
	d->table = NULL;
}

void hpack_decoder_begin(struct hpack_decoder *d)
{
	d->in_block = false;
}

size_t hpack_decoder_memory(const struct hpack_decoder *d)
{
	return hpack_table_memory(d->table);
}

/* These three return HPACK_FIELD where they have read what they should. */
static enum hpack_result read_long_integer(struct reader *r, uint32_t base, uint32_t *ret)
{
	uint64_t value = base;
	for (unsigned i = 0; i < INTEGER_BYTES; i++) {
		if (r->at == r->end)
			return HPACK_MORE;
		uint8_t byte = *r->at++;
		value += (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		if (value > UINT32_MAX)
			return HPACK_ERROR;
		*ret = (uint32_t)value;
		return HPACK_FIELD;
	}
	return HPACK_ERROR;
}

/* The first byte is there. */
static inline enum hpack_result read_integer(struct reader *r, uint32_t mask, uint32_t *ret)
{
	uint32_t value = *r->at++ & mask;
	if (unlikely(value == mask))
		return read_long_integer(r, mask, ret);
	*ret = value;
	return HPACK_FIELD;
}

static enum hpack_result read_text(struct reader *r, struct text *ret)
{
	uint32_t len;
	if (r->at == r->end)
		return HPACK_MORE;
	ret->coded = *r->at & 0x80;
	enum hpack_result got = read_integer(r, 0x7f, &len);
	if (got != HPACK_FIELD)
		return got;
	if (len > HPACK_STRING_MAX)
		return HPACK_ERROR;
	if (len > (size_t)(r->end - r->at))
		return HPACK_MORE;
	ret->bytes = slice_make((const char *)r->at, len);
	r->at += len;
	return HPACK_FIELD;
}

static enum hpack_result look_up(
    struct hpack_decoder *d, uint32_t index, struct hpack_scratch *scratch, struct hpack_field *f)
{
	struct hpack_entry e;
	if (index == 0)
		return HPACK_ERROR;
	if (index <= HPACK_STATIC_N) {
		const struct hpack_static *s = &hpack_static[index];
		f->name = s->name;
		f->value = s->value;
		f->memo.id = s->id;
		f->memo.seen = HPACK_NAME_SEEN | HPACK_VALUE_SEEN;
		f->keep = NULL;
		return HPACK_FIELD;
	}
	enum hpack_result got = hpack_table_get(d->table, index - HPACK_STATIC_N - 1, scratch, &e);
	if (got != HPACK_FIELD)
		return got;
	f->name = e.name;
	f->value = e.value;
	f->memo = *e.memo;
	f->keep = e.memo;
	return HPACK_FIELD;
}

static enum hpack_result change_size(struct hpack_decoder *d, uint32_t size)
{
	if (d->in_block || size > d->limit)
		return HPACK_ERROR;
	d->size_max = size;
	hpack_table_shrink(d->table, size);
	return HPACK_FIELD;
}

/* The text itself; what is coded goes to *at, which moves on. False: not by the code. */
static bool take_text(const struct text *t, char **at, struct slice *ret)
{
	if (!t->coded) {
		*ret = t->bytes;
		return true;
	}
	ssize_t len = hpack_huffman_decode(*at, (const uint8_t *)t->bytes.ptr, t->bytes.len);
	if (len < 0)
		return false;
	*ret = slice_make(*at, (size_t)len);
	*at += len;
	return true;
}

static size_t room_for(const struct text *t)
{
	return t->coded ? HPACK_UNCODED_MAX(t->bytes.len) : 0;
}

/* The name by its row. One of the dynamic table is copied: the field may push that row out. */
static enum hpack_result name_by_index(struct hpack_decoder *d, uint32_t index,
    struct hpack_scratch *scratch, struct hpack_field *f, char **at)
{
	enum hpack_result got = look_up(d, index, scratch, f);
	if (got != HPACK_FIELD)
		return got;
	f->memo.seen &= HPACK_NAME_SEEN;
	if (index <= HPACK_STATIC_N)
		return HPACK_FIELD;
	if (f->name.len && f->name.ptr != *at)
		memcpy(*at, f->name.ptr, f->name.len);
	f->name.ptr = *at;
	*at += f->name.len;
	return HPACK_FIELD;
}

static enum hpack_result take_literal(struct hpack_decoder *d, struct hpack_scratch *scratch,
    struct reader *r, uint32_t mask, struct hpack_field *f)
{
	struct text name = { .coded = false }, value;
	char *at;
	uint32_t index;
	enum hpack_result got = read_integer(r, mask, &index);
	if (got == HPACK_FIELD && index == 0)
		got = read_text(r, &name);
	if (got == HPACK_FIELD)
		got = read_text(r, &value);
	if (got != HPACK_FIELD)
		return got;
	/* at once, so that it does not move: a name of the table is no longer than that */
	if (!hpack_scratch_reserve(
		scratch, (index ? d->size_max : room_for(&name)) + room_for(&value)))
		return HPACK_NO_MEMORY;
	at = scratch->mem;
	f->memo = (struct hpack_memo){ 0, 0 };
	if (index)
		got = name_by_index(d, index, scratch, f, &at);
	else if (!take_text(&name, &at, &f->name))
		got = HPACK_ERROR;
	if (got != HPACK_FIELD)
		return got;
	f->keep = NULL;
	return take_text(&value, &at, &f->value) ? HPACK_FIELD : HPACK_ERROR;
}

static enum hpack_result take_one(
    struct hpack_decoder *d, struct hpack_scratch *scratch, struct reader *r, struct hpack_field *f)
{
	uint8_t first = *r->at;
	uint32_t index;
	enum hpack_result got;
	f->never_indexed = false;
	if (first & 0x80) {
		got = read_integer(r, 0x7f, &index);
		return got == HPACK_FIELD ? look_up(d, index, scratch, f) : got;
	}
	if (!(first & 0x40)) {
		f->never_indexed = first & 0x10;
		return take_literal(d, scratch, r, 0x0f, f);
	}
	got = take_literal(d, scratch, r, 0x3f, f);
	if (got == HPACK_FIELD && !hpack_table_add(&d->table, d->size_max, f, &f->keep))
		return HPACK_NO_MEMORY;
	return got;
}

enum hpack_result hpack_decode(struct hpack_decoder *d, struct hpack_scratch *scratch,
    struct slice *block, struct hpack_field *ret_field)
{
	const uint8_t *begin = (const uint8_t *)block->ptr;
	struct reader r = { begin, begin + block->len };
	enum hpack_result got = HPACK_END;
	while (r.at < r.end) {
		const uint8_t *at = r.at;
		uint32_t size;
		bool resize = (*at & 0xe0) == 0x20;
		if (unlikely(resize)) {
			got = read_integer(&r, 0x1f, &size);
			if (got == HPACK_FIELD)
				got = change_size(d, size);
		} else {
			got = take_one(d, scratch, &r, ret_field);
			d->in_block |= got == HPACK_FIELD;
		}
		if (got == HPACK_MORE)
			r.at = at;
		if (got != HPACK_FIELD || !resize)
			break;
		got = HPACK_END;
	}
	*block = slice_make((const char *)r.at, (size_t)(r.end - r.at));
	return got;
}
