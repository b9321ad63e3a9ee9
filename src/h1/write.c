/* SPDX-License-Identifier: MIT */
/*
 * The head writer. Neighbouring fields that lie in the buffer as they go out are copied in one piece, so that a
 * head that no rule touched costs one or two memcpy. Writes into the caller's buffer only and never beyond cap.
 */
#include "parser.h"

/* Where the output goes; at NULL it did not fit. */
struct out {
	char *at;
	const char *end;
};

static inline void put(struct out *o, const void *bytes, size_t len)
{
	if (unlikely(!o->at || (size_t)(o->end - o->at) < len)) {
		o->at = NULL;
		return;
	}
	if (len)
		memcpy(o->at, bytes, len);
	o->at += len;
}

static inline void put_slice(struct out *o, struct slice s)
{
	put(o, s.ptr, s.len);
}

static inline size_t field_len(const struct http_hdr *h)
{
	return (size_t)h->name_len + h->value_len + 4;
}

static inline bool is_copied(const struct http_hdr *h)
{
	return (h->flags & (HTTP_HDR_DELETED | HTTP_HDR_CANONICAL)) == HTTP_HDR_CANONICAL;
}

static void put_field(struct out *o, const struct http_hdr *h)
{
	size_t len = field_len(h);
	if (unlikely(!o->at || (size_t)(o->end - o->at) < len)) {
		o->at = NULL;
		return;
	}
	char *p = o->at;
	memcpy(p, h->name, h->name_len);
	p += h->name_len;
	*p++ = ':';
	*p++ = ' ';
	if (h->value_len)
		memcpy(p, h->value, h->value_len);
	p += h->value_len;
	*p++ = '\r';
	*p++ = '\n';
	o->at = p;
}

/* The fields and the empty line. */
static void put_fields(struct out *o, const struct http_msg *m)
{
	const struct http_hdr *h = m->hdrs;
	const struct http_hdr *end = h + m->hdrs_n;
	while (h < end) {
		if (is_copied(h)) {
			const char *from = h->name;
			size_t len = 0;
			do {
				len += field_len(h++);
			} while (h < end && is_copied(h) && h->name == from + len);
			put(o, from, len);
			continue;
		}
		if (!(h->flags & HTTP_HDR_DELETED))
			put_field(o, h);
		h++;
	}
	put(o, "\r\n", 2);
}

static bool is_version_10(const struct http_msg *m, bool keep_version)
{
	return keep_version && m->version <= 10;
}

static size_t written(const struct out *o, const char *start)
{
	return o->at ? (size_t)(o->at - start) : 0;
}

size_t h1_write_request(const struct http_msg *m, bool keep_version, char *out, size_t cap)
{
	struct out o = { .at = out, .end = out + cap };
	if (likely(m->target.ptr == m->method_name.ptr + m->method_name.len + 1 &&
		   m->target.ptr[-1] == ' ')) {
		/* Both where the parser found them. */
		put(&o, m->method_name.ptr, m->method_name.len + 1 + m->target.len);
	} else {
		put_slice(&o, m->method_name);
		put(&o, " ", 1);
		put_slice(&o, m->target);
	}
	put(&o, is_version_10(m, keep_version) ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n", 11);
	put_fields(&o, m);
	return written(&o, out);
}

size_t h1_write_response(const struct http_msg *m, bool keep_version, char *out, size_t cap)
{
	struct out o = { .at = out, .end = out + cap };
	char status[16];
	int len = 3;
	if (likely(m->status >= 100 && m->status <= 999)) {
		status[0] = (char)('0' + m->status / 100);
		status[1] = (char)('0' + m->status / 10 % 10);
		status[2] = (char)('0' + m->status % 10);
	} else {
		len = snprintf(status, sizeof(status), "%03u", (unsigned)m->status);
	}
	put(&o, is_version_10(m, keep_version) ? "HTTP/1.0 " : "HTTP/1.1 ", 9);
	put(&o, status, (size_t)len);
	put(&o, " ", 1);
	put_slice(&o, m->reason);
	put(&o, "\r\n", 2);
	put_fields(&o, m);
	return written(&o, out);
}

size_t h1_write_trailers(const struct http_msg *m, char *out, size_t cap)
{
	struct out o = { .at = out, .end = out + cap };
	put_fields(&o, m);
	return written(&o, out);
}

size_t h1_head_size(const struct http_msg *m)
{
	/* "HTTP/1.1", a status of at most five digits, two spaces, two CRLF. */
	size_t size = 8 + 5 + 2 + 4 + m->method_name.len + m->target.len + m->reason.len;
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		if (!(m->hdrs[i].flags & HTTP_HDR_DELETED))
			size += field_len(&m->hdrs[i]);
	}
	return size;
}

size_t h1_write_chunk_head(uint64_t size, char out[H1_CHUNK_HEAD_MAX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = size ? (unsigned)(67 - __builtin_clzll(size)) / 4 : 1;
	for (unsigned i = n; i > 0; i--) {
		out[i - 1] = digits[size & 15];
		size >>= 4;
	}
	out[n] = '\r';
	out[n + 1] = '\n';
	return n + 2;
}
