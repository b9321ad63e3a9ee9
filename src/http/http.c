/* SPDX-License-Identifier: MIT */
/*
 * The header table of a message: finding, adding, changing and deleting fields, and walking the comma-separated
 * lists in their values. The table's storage, the names and the values belong to the caller; one thread at a
 * time. Nothing here allocates.
 */
#include "weir/http/http.h"

#include <assert.h>
#include <errno.h>

void http_msg_init(struct http_msg *m, struct http_hdr *hdrs, unsigned hdrs_max)
{
	*m = (struct http_msg){
		.hdrs = hdrs,
		.hdrs_max = (uint16_t)MIN(hdrs_max, (unsigned)UINT16_MAX),
	};
}

static struct http_hdr *first_behind(const struct http_msg *m, struct http_hdr *prev)
{
	return prev ? prev + 1 : m->hdrs;
}

struct http_hdr *http_hdr_find_id(
    const struct http_msg *m, enum http_hdr_id id, struct http_hdr *prev)
{
	struct http_hdr *end = m->hdrs + m->hdrs_n;
	for (struct http_hdr *h = first_behind(m, prev); h < end; h++) {
		if (h->id == id && !(h->flags & HTTP_HDR_DELETED))
			return h;
	}
	return NULL;
}

struct http_hdr *http_hdr_find(const struct http_msg *m, struct slice name, struct http_hdr *prev)
{
	enum http_hdr_id id = http_hdr_id(name.ptr, name.len);
	if (id != HDR_OTHER)
		return http_hdr_find_id(m, id, prev);

	struct http_hdr *end = m->hdrs + m->hdrs_n;
	for (struct http_hdr *h = first_behind(m, prev); h < end; h++) {
		if (h->id == HDR_OTHER && !(h->flags & HTTP_HDR_DELETED) &&
		    slice_eq(http_hdr_name_of(h), name))
			return h;
	}
	return NULL;
}

int http_hdr_add(struct http_msg *m, struct slice name, struct slice value)
{
	assert(name.len <= UINT16_MAX && value.len <= UINT32_MAX);
	if (m->hdrs_n >= m->hdrs_max)
		return -ENOBUFS;
	m->hdrs[m->hdrs_n++] = (struct http_hdr){
		.name = name.ptr,
		.value = value.ptr,
		.value_len = (uint32_t)value.len,
		.name_len = (uint16_t)name.len,
		.id = (uint8_t)http_hdr_id(name.ptr, name.len),
	};
	return 0;
}

void http_hdr_set_value(struct http_hdr *h, struct slice value)
{
	h->value = value.ptr;
	h->value_len = (uint32_t)value.len;
	h->flags &= (uint8_t)~HTTP_HDR_CANONICAL;
}

void http_hdr_del(struct http_hdr *h)
{
	h->flags |= HTTP_HDR_DELETED;
}

unsigned http_hdr_del_all(struct http_msg *m, struct slice name)
{
	unsigned n = 0;
	for (struct http_hdr *h = http_hdr_find(m, name, NULL); h; h = http_hdr_find(m, name, h)) {
		http_hdr_del(h);
		n++;
	}
	return n;
}

unsigned http_hdr_del_id(struct http_msg *m, enum http_hdr_id id)
{
	unsigned n = 0;
	for (struct http_hdr *h = http_hdr_find_id(m, id, NULL); h;
	     h = http_hdr_find_id(m, id, h)) {
		http_hdr_del(h);
		n++;
	}
	return n;
}

/* Offset of the comma that ends the first element; commas in quoted strings do not count. */
static size_t element_end(struct slice list)
{
	bool quoted = false;
	for (size_t i = 0; i < list.len; i++) {
		char c = list.ptr[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == ',' && !quoted)
			return i;
	}
	return list.len;
}

/* The next element of *rest that is not empty; the empty slice at the end. */
static struct slice next_element(struct slice *rest)
{
	while (rest->len) {
		size_t end = element_end(*rest);
		struct slice element = slice_trim_ows(slice_sub(*rest, 0, end));
		*rest = slice_sub(*rest, end + 1, rest->len);
		if (element.len)
			return element;
	}
	return SLICE_NULL;
}

bool http_list_next(const struct http_msg *m, struct slice name, struct http_list_walk *walk,
    struct slice *ret_element)
{
	for (;;) {
		struct slice element = next_element(&walk->rest);
		if (element.len) {
			*ret_element = element;
			return true;
		}
		if (walk->started && !walk->hdr)
			return false;
		walk->started = true;
		walk->hdr = http_hdr_find(m, name, walk->hdr);
		if (!walk->hdr)
			return false;
		walk->rest = http_hdr_value_of(walk->hdr);
	}
}

bool http_list_has(const struct http_msg *m, enum http_hdr_id id, struct slice token)
{
	for (struct http_hdr *h = http_hdr_find_id(m, id, NULL); h;
	     h = http_hdr_find_id(m, id, h)) {
		struct slice rest = http_hdr_value_of(h);
		for (struct slice e = next_element(&rest); e.len; e = next_element(&rest)) {
			if (slice_ieq(e, token))
				return true;
		}
	}
	return false;
}

bool http_cookie_find(struct slice header, struct slice name, struct slice *ret_value)
{
	while (header.ptr) {
		struct slice value = slice_trim_ows(slice_cut(&header, ';'));
		size_t equals = slice_find(value, '=');
		if (equals == value.len)
			continue;
		if (!slice_eq(slice_trim_ows(slice_sub(value, 0, equals)), name))
			continue;
		*ret_value = slice_trim_ows(slice_sub(value, equals + 1, value.len));
		return true;
	}
	return false;
}
