/* SPDX-License-Identifier: MIT */
/*
 * The dynamic table of a decoder (RFC 7541 2.3.2, 4): the entries' text in one ring of bytes, and a ring of slots that
 * say where each begins. Both are one piece of memory, which grows as it is used: a peer that puts nothing into its
 * table costs nothing, one that fills it no more than was announced. An entry that lies over the ring's end is put
 * together when somebody asks for it.
 */
#include "hpack_int.h"

#define ENTRY_OVERHEAD 32 /* RFC 7541 4.1 */
#define TEXT_MIN       256
#define SLOTS_MIN      8

struct slot {
	uint16_t at; /* of the name; the value is behind it */
	uint16_t name_len, value_len;
	struct hpack_memo memo;
};

struct hpack_table {
	uint32_t text_cap, text_at, text_len; /* of the ring of bytes; at: of the oldest */
	uint16_t slots_cap, slots_at, slots_n;
	struct slot slots[]; /* slots_cap; the text is behind them */
};

static char *text_of(struct hpack_table *t)
{
	return (char *)&t->slots[t->slots_cap];
}

/* By age: 0 is the oldest. */
static struct slot *slot_of(struct hpack_table *t, uint32_t age)
{
	uint32_t i = t->slots_at + age;
	return &t->slots[i < t->slots_cap ? i : i - t->slots_cap];
}

static uint32_t wrap(const struct hpack_table *t, uint32_t at)
{
	return at < t->text_cap ? at : at - t->text_cap;
}

static void copy_out(struct hpack_table *t, uint32_t at, uint32_t len, char *to)
{
	uint32_t first = MIN(len, t->text_cap - at);
	memcpy(to, text_of(t) + at, first);
	memcpy(to + first, text_of(t), len - first);
}

static void copy_in(struct hpack_table *t, uint32_t at, struct slice s)
{
	uint32_t first = MIN((uint32_t)s.len, t->text_cap - at);
	if (s.len == 0)
		return;
	memcpy(text_of(t) + at, s.ptr, first);
	memcpy(text_of(t), s.ptr + first, s.len - first);
}

bool hpack_scratch_reserve(struct hpack_scratch *s, size_t size)
{
	if (likely(size <= s->size))
		return true;
	size_t more = MAX(size, (size_t)4096);
	char *mem = malloc(more);
	if (!mem)
		return false;
	free(s->mem);
	*s = (struct hpack_scratch){ mem, more };
	return true;
}

enum hpack_result hpack_table_get(
    struct hpack_table *t, uint32_t number, struct hpack_scratch *scratch, struct hpack_entry *ret)
{
	if (!t || number >= t->slots_n)
		return HPACK_ERROR;
	struct slot *s = slot_of(t, t->slots_n - 1 - number);
	uint32_t len = (uint32_t)s->name_len + s->value_len;
	char *at = text_of(t) + s->at;
	if (unlikely(s->at + len > t->text_cap)) {
		if (!hpack_scratch_reserve(scratch, len))
			return HPACK_NO_MEMORY;
		at = scratch->mem;
		copy_out(t, s->at, len, at);
	}
	ret->name = slice_make(at, s->name_len);
	ret->value = slice_make(at + s->name_len, s->value_len);
	ret->memo = &s->memo;
	return HPACK_FIELD;
}

static uint32_t size_of(const struct hpack_table *t)
{
	return t->text_len + t->slots_n * (uint32_t)ENTRY_OVERHEAD;
}

static void drop_oldest(struct hpack_table *t)
{
	struct slot *s = slot_of(t, 0);
	uint32_t len = (uint32_t)s->name_len + s->value_len;
	t->text_at = wrap(t, t->text_at + len);
	t->text_len -= len;
	t->slots_at = (uint16_t)(t->slots_at + 1 < t->slots_cap ? t->slots_at + 1 : 0);
	t->slots_n--;
	if (t->slots_n == 0)
		t->text_at = t->slots_at = 0;
}

void hpack_table_shrink(struct hpack_table *t, uint32_t size_max)
{
	while (t && size_of(t) > size_max)
		drop_oldest(t);
}

/* Twice as much of what is short, in order from the oldest on. NULL: no memory. */
static struct hpack_table *grow(struct hpack_table *old, uint32_t text, uint32_t slots)
{
	uint32_t text_cap = old ? old->text_cap : TEXT_MIN;
	uint32_t slots_cap = old ? old->slots_cap : SLOTS_MIN;
	while (text_cap < text)
		text_cap *= 2;
	while (slots_cap < slots)
		slots_cap *= 2;
	struct hpack_table *t = malloc(sizeof(*t) + slots_cap * sizeof(struct slot) + text_cap);
	if (!t)
		return NULL;
	*t = (struct hpack_table){ .text_cap = text_cap, .slots_cap = (uint16_t)slots_cap };
	if (!old)
		return t;
	for (uint32_t i = 0; i < old->slots_n; i++) {
		struct slot *s = &t->slots[i];
		*s = *slot_of(old, i);
		s->at = (uint16_t)t->text_len;
		t->text_len += (uint32_t)s->name_len + s->value_len;
	}
	t->slots_n = old->slots_n;
	copy_out(old, old->text_at, old->text_len, text_of(t));
	free(old);
	return t;
}

bool hpack_table_add(struct hpack_table **table, uint32_t size_max, const struct hpack_field *f,
    struct hpack_memo **ret_memo)
{
	struct hpack_table *t = *table;
	size_t len = f->name.len + f->value.len;
	*ret_memo = NULL;
	if (len + ENTRY_OVERHEAD > size_max) {
		hpack_table_shrink(t, 0);
		return true;
	}
	hpack_table_shrink(t, size_max - ENTRY_OVERHEAD - (uint32_t)len);
	if (!t || t->text_len + len > t->text_cap || t->slots_n == t->slots_cap) {
		uint32_t text = (t ? t->text_len : 0) + (uint32_t)len;
		t = grow(t, text, t ? t->slots_n + 1u : 1u);
		if (!t)
			return false;
		*table = t;
	}
	uint32_t at = wrap(t, t->text_at + t->text_len);
	struct slot *s = slot_of(t, t->slots_n);
	*s = (struct slot){ (uint16_t)at, (uint16_t)f->name.len, (uint16_t)f->value.len, f->memo };
	copy_in(t, at, f->name);
	copy_in(t, wrap(t, at + (uint32_t)f->name.len), f->value);
	t->slots_n++;
	t->text_len += (uint32_t)len;
	*ret_memo = &s->memo;
	return true;
}

size_t hpack_table_memory(const struct hpack_table *t)
{
	return t ? sizeof(*t) + t->slots_cap * sizeof(struct slot) + t->text_cap : 0;
}
