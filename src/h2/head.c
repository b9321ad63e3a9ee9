/* SPDX-License-Identifier: MIT */
/*
 * A header block as a message: the checks of RFC 9113 8.1 to 8.3 field by field, and the translation into the form
 * that the rest of weir knows. What an attacker could smuggle through a translation to HTTP/1 (line breaks,
 * connection fields, a second length, a host that differs) is refused here.
 */
#include "weir/h2/head.h"

#include <errno.h>

#include "weir/h2/h2.h"

#define LENGTH_MAX INT64_MAX

#define NAME	  0x01 /* tchar without upper case */
#define VALUE	  0x02 /* no control character but a tab */
#define TARGET	  0x04 /* 33..126 without '#' */
#define AUTHORITY 0x08 /* what host and port consist of; no '@' */
#define METHOD	  0x10 /* tchar */

#define ALL  (NAME | VALUE | TARGET | AUTHORITY | METHOD)
#define TEXT (VALUE | TARGET)

static const uint8_t class[256] = {
	['\t'] = VALUE,
	[' '] = VALUE,
	['!'] = ALL,
	['"'] = TEXT,
	['#'] = NAME | VALUE | METHOD,
	['$' ... '\''] = ALL,
	['('] = TEXT | AUTHORITY,
	[')'] = TEXT | AUTHORITY,
	['*'] = ALL,
	['+'] = ALL,
	[','] = TEXT | AUTHORITY,
	['-'] = ALL,
	['.'] = ALL,
	['/'] = TEXT,
	['0' ... '9'] = ALL,
	[':'] = TEXT | AUTHORITY,
	[';'] = TEXT | AUTHORITY,
	['<'] = TEXT,
	['='] = TEXT | AUTHORITY,
	['>'] = TEXT,
	['?'] = TEXT,
	['@'] = TEXT,
	['A' ... 'Z'] = TEXT | AUTHORITY | METHOD,
	['['] = TEXT | AUTHORITY,
	['\\'] = TEXT,
	[']'] = TEXT | AUTHORITY,
	['^'] = NAME | TEXT | METHOD,
	['_'] = ALL,
	['`'] = NAME | TEXT | METHOD,
	['a' ... 'z'] = ALL,
	['{'] = TEXT,
	['|'] = NAME | TEXT | METHOD,
	['}'] = TEXT,
	['~'] = ALL,
	[0x80 ... 0xff] = VALUE,
};

static bool consists_of(struct slice s, unsigned of)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!(class[(unsigned char)s.ptr[i]] & of))
			return false;
	}
	return true;
}

/* No whitespace at its ends either (RFC 9113 8.2.1). */
static bool is_value(struct slice v)
{
	if (v.len == 0)
		return true;
	char first = v.ptr[0], last = v.ptr[v.len - 1];
	return first != ' ' && first != '\t' && last != ' ' && last != '\t' &&
	       consists_of(v, VALUE);
}

void h2_head_init(
    struct h2_head *h, enum h2_head_kind kind, size_t size, uint32_t text_max, unsigned max_fields)
{
	char *mem = (char *)(h + 1);
	size -= sizeof(*h);
	size_t table = MIN(max_fields * sizeof(struct http_hdr), size / 2);
	size_t text = (size - table) & ~(size_t)15;
	*h = (struct h2_head){
		.mem = mem,
		.hdrs = (struct http_hdr *)(void *)(mem + text),
		.cap = MIN(text_max, (uint32_t)text),
		.hdrs_max = (uint16_t)MIN((size - text) / sizeof(struct http_hdr), UINT16_MAX),
		.kind = (uint8_t)kind,
	};
}

static void refuse(struct h2_head *h, const char *why)
{
	if (!h->why)
		h->why = why;
}

/* Keeps bytes in the text. The empty slice with too_large set: they do not fit. */
static struct slice store(struct h2_head *h, struct slice bytes)
{
	if (bytes.len > h->cap - h->len) {
		h->too_large = true;
		return SLICE_NULL;
	}
	char *at = h->mem + h->len;
	if (bytes.len)
		memcpy(at, bytes.ptr, bytes.len);
	h->len += (uint32_t)bytes.len;
	return slice_make(at, bytes.len);
}

/* A field as "name: value CRLF" with its row in the table. */
static void add_field(struct h2_head *h, unsigned id, struct slice name, struct slice value)
{
	size_t len = name.len + value.len + 4;
	if (len > h->cap - h->len || h->hdrs_n == h->hdrs_max || name.len > UINT16_MAX) {
		h->too_large = true;
		return;
	}
	char *at = h->mem + h->len;
	memcpy(at, name.ptr, name.len);
	memcpy(at + name.len, ": ", 2);
	if (value.len)
		memcpy(at + name.len + 2, value.ptr, value.len);
	memcpy(at + len - 2, "\r\n", 2);
	h->len += (uint32_t)len;
	h->hdrs[h->hdrs_n++] = (struct http_hdr){
		.name = at,
		.value = at + name.len + 2,
		.value_len = (uint32_t)value.len,
		.name_len = (uint16_t)name.len,
		.id = (uint8_t)id,
		.flags = HTTP_HDR_CANONICAL,
	};
}

/* ---- pseudo fields ---- */

struct pseudo {
	struct slice name;
	uint8_t bit, kind;
};

enum { P_METHOD = 1, P_SCHEME = 2, P_AUTHORITY = 4, P_PATH = 8, P_PROTOCOL = 16, P_STATUS = 32 };

static const struct pseudo pseudos[] = {
	{ { ":method", 7 }, P_METHOD, H2_REQUEST },
	{ { ":path", 5 }, P_PATH, H2_REQUEST },
	{ { ":scheme", 7 }, P_SCHEME, H2_REQUEST },
	{ { ":authority", 10 }, P_AUTHORITY, H2_REQUEST },
	{ { ":protocol", 9 }, P_PROTOCOL, H2_REQUEST },
	{ { ":status", 7 }, P_STATUS, H2_RESPONSE },
};

static void set_status(struct h2_head *h, struct slice value)
{
	uint64_t status;
	if (value.len != 3 || slice_to_u64(value, 999, &status) < 0 || status < 100 ||
	    status == 101)
		refuse(h, "invalid :status");
	else
		h->status = (uint16_t)status;
}

/* As in an Upgrade field, whose tokens :protocol has (RFC 8441 4): a name, which a version may follow. */
static bool is_protocol(struct slice value)
{
	size_t name = slice_find(value, '/');
	struct slice version = slice_sub(value, name + 1, value.len);
	return name && consists_of(slice_sub(value, 0, name), METHOD) &&
	       (name == value.len || (version.len && consists_of(version, METHOD)));
}

static void set_pseudo(struct h2_head *h, unsigned bit, struct slice value)
{
	switch (bit) {
	case P_METHOD:
		if (value.len == 0 || !consists_of(value, METHOD))
			refuse(h, "invalid :method");
		h->method = store(h, value);
		return;
	case P_PATH:
		if (value.len == 0 || !consists_of(value, TARGET))
			refuse(h, "invalid :path");
		h->path = store(h, value);
		return;
	case P_SCHEME:
		if (value.len == 0 || !consists_of(value, NAME | METHOD))
			refuse(h, "invalid :scheme");
		h->scheme = store(h, value);
		return;
	case P_AUTHORITY:
		if (value.len == 0 || !consists_of(value, AUTHORITY))
			refuse(h, "invalid :authority");
		h->authority = store(h, value);
		return;
	case P_PROTOCOL:
		if (!is_protocol(value))
			refuse(h, "invalid :protocol");
		h->protocol = store(h, value);
		return;
	default:
		set_status(h, value);
	}
}

static void pseudo_field(struct h2_head *h, struct slice name, struct slice value)
{
	for (size_t i = 0; i < ARRAY_SIZE(pseudos); i++) {
		const struct pseudo *p = &pseudos[i];
		if (!slice_eq(p->name, name))
			continue;
		if (p->kind != h->kind)
			break;
		if (h->in_fields)
			refuse(h, "pseudo-header behind a regular one");
		if (h->pseudo & p->bit)
			refuse(h, "repeated pseudo-header");
		h->pseudo |= p->bit;
		set_pseudo(h, p->bit, value);
		return;
	}
	refuse(h, "unknown pseudo-header");
}

/* ---- fields ---- */

/* An absent port is the scheme's. */
static bool same_host(struct slice a, struct slice b, struct slice scheme)
{
	struct slice name_a, port_a, name_b, port_b;
	struct slice usual = slice_ieq(scheme, SLICE("https")) ? SLICE("443") : SLICE("80");
	http_authority_split(a, &name_a, &port_a);
	http_authority_split(b, &name_b, &port_b);
	return slice_ieq(name_a, name_b) &&
	       slice_eq(port_a.len ? port_a : usual, port_b.len ? port_b : usual);
}

/* Host says what :authority says, or stands for it (RFC 9113 8.3.1). One of them stays. */
static void host_field(struct h2_head *h, struct slice value)
{
	if (h->kind != H2_REQUEST) {
		add_field(h, HDR_HOST, SLICE("host"), value);
		return;
	}
	if (h->has_host)
		refuse(h, "repeated host");
	h->has_host = true;
	if (value.len == 0 || !consists_of(value, AUTHORITY))
		refuse(h, "invalid host");
	else if (h->authority.len && !same_host(h->authority, value, h->scheme))
		refuse(h, "host differs from :authority");
	else if (!h->authority.len)
		add_field(h, HDR_HOST, SLICE("host"), value);
}

/* A list is let through if all its elements agree (RFC 9110 8.6), and one of them is kept. */
static void length_field(struct h2_head *h, struct slice value)
{
	struct slice list = value;
	do {
		uint64_t n;
		struct slice one = slice_trim_ows(slice_cut(&list, ','));
		if (slice_to_u64(one, LENGTH_MAX, &n) < 0 || (h->has_length && n != h->length)) {
			refuse(h, "invalid content-length");
			return;
		}
		if (!h->has_length)
			add_field(h, HDR_CONTENT_LENGTH, SLICE("content-length"), one);
		h->has_length = true;
		h->length = n;
	} while (list.ptr);
}

/* Fields that decide how a message is read must not come late (RFC 9110 6.5.1). */
static bool is_for_heads(unsigned id)
{
	return id == HDR_CONTENT_LENGTH || id == HDR_HOST || id == HDR_TE || id == HDR_TRAILER;
}

static void known_field(struct h2_head *h, unsigned id, struct slice name, struct slice value)
{
	switch (id) {
	case HDR_CONNECTION:
	case HDR_KEEP_ALIVE:
	case HDR_PROXY_CONNECTION:
	case HDR_TRANSFER_ENCODING:
	case HDR_UPGRADE:
		refuse(h, "connection-specific header");
		return;
	case HDR_TE:
		if (!slice_ieq(value, SLICE("trailers")))
			refuse(h, "te other than trailers");
		break;
	case HDR_HOST:
		host_field(h, value);
		return;
	case HDR_CONTENT_LENGTH:
		length_field(h, value);
		return;
	case HDR_COOKIE:
		h->cookies++;
		break;
	case HDR_EXPECT:
		h->expect |= slice_ieq(value, SLICE("100-continue"));
		break;
	default:
		break;
	}
	add_field(h, id, name, value);
}

static void first_field(struct h2_head *h)
{
	h->in_fields = true;
	if (h->authority.len)
		add_field(h, HDR_HOST, SLICE("host"), h->authority);
}

/* Its name and value, looked at once for all the times that a table's entry is referred to. */
static const char *check_field(struct hpack_field *f)
{
	const uint8_t both = HPACK_NAME_SEEN | HPACK_VALUE_SEEN;
	if (likely(f->memo.seen == both))
		return NULL;
	if (!(f->memo.seen & HPACK_NAME_SEEN)) {
		if (unlikely(f->name.len == 0 || !consists_of(f->name, NAME)))
			return "invalid header name";
		f->memo.id = (uint8_t)http_hdr_id(f->name.ptr, f->name.len);
	}
	if (unlikely(!is_value(f->value)))
		return "invalid header value";
	f->memo.seen = both;
	if (f->keep)
		*f->keep = f->memo;
	return NULL;
}

void h2_head_field(struct h2_head *h, struct hpack_field *f)
{
	struct slice name = f->name, value = f->value;
	if (unlikely(h->why || h->too_large))
		return;
	if (name.len && name.ptr[0] == ':') {
		pseudo_field(h, name, value);
		return;
	}
	if (!h->in_fields)
		first_field(h);
	const char *why = check_field(f);
	if (unlikely(why)) {
		refuse(h, why);
		return;
	}
	unsigned id = f->memo.id, before = h->hdrs_n;
	if (h->kind == H2_TRAILERS && is_for_heads(id))
		return;
	if (id == HDR_OTHER)
		add_field(h, id, name, value);
	else
		known_field(h, id, name, value);
	if (unlikely(f->never_indexed) && h->hdrs_n > before)
		h->hdrs[before].flags |= HTTP_HDR_NEVER_INDEXED;
}

/* ---- the whole ---- */

/* Crumbs become one field (RFC 9113 8.2.3), where the first of them was. */
static void join_cookies(struct h2_head *h)
{
	struct http_hdr *first = NULL;
	unsigned kept = 0;
	size_t len = 0;
	for (unsigned i = 0; i < h->hdrs_n; i++)
		len += h->hdrs[i].id == HDR_COOKIE ? h->hdrs[i].value_len + 2u : 0;
	if (len + 10 > h->cap - h->len) {
		h->too_large = true;
		return;
	}
	struct slice name = store(h, SLICE("cookie: "));
	char *at = h->mem + h->len;
	for (unsigned i = 0; i < h->hdrs_n; i++) {
		struct http_hdr *f = &h->hdrs[i];
		if (f->id == HDR_COOKIE) {
			if (first)
				store(h, SLICE("; "));
			store(h, http_hdr_value_of(f));
			if (first)
				continue;
			first = &h->hdrs[kept];
		}
		h->hdrs[kept++] = *f;
	}
	first->name = name.ptr;
	first->value = at;
	first->value_len = (uint32_t)(h->mem + h->len - at);
	store(h, SLICE("\r\n"));
	h->hdrs_n = (uint16_t)kept;
}

static bool is_web(struct slice scheme)
{
	return slice_ieq(scheme, SLICE("http")) || slice_ieq(scheme, SLICE("https"));
}

/* scheme "://" authority path: the form in which rules and logs know it. */
static void make_target(struct h2_head *h)
{
	const struct http_hdr *host = h->hdrs_n && h->has_host ? h->hdrs : NULL;
	struct slice authority = h->authority;
	for (unsigned i = 0; !authority.len && host && i < h->hdrs_n; i++) {
		if (h->hdrs[i].id == HDR_HOST)
			authority = http_hdr_value_of(&h->hdrs[i]);
	}
	if (!authority.len) {
		if (is_web(h->scheme))
			refuse(h, "no :authority");
		h->target = h->path;
		return;
	}
	char *at = h->mem + h->len;
	store(h, h->scheme);
	store(h, SLICE("://"));
	store(h, authority);
	if (!slice_eq(h->path, SLICE("*")))
		store(h, h->path);
	h->target = slice_make(at, (size_t)(h->mem + h->len - at));
}

static void finish_request(struct h2_head *h)
{
	unsigned needed = P_METHOD | P_SCHEME | P_PATH;
	bool connect = slice_eq(h->method, SLICE("CONNECT"));
	if (connect && !(h->pseudo & P_PROTOCOL)) {
		struct slice host, port;
		http_authority_split(h->authority, &host, &port);
		if ((h->pseudo & (P_SCHEME | P_PATH)) || host.len == 0 || port.len == 0)
			refuse(h, "invalid CONNECT");
		h->target = h->authority;
		return;
	}
	if ((h->pseudo & needed) != needed) {
		refuse(h, "missing pseudo-header");
		return;
	}
	if ((h->pseudo & P_PROTOCOL) && (!connect || !h->authority.len))
		refuse(h, "invalid extended CONNECT");
	if (is_web(h->scheme) && h->path.ptr[0] != '/' &&
	    !(slice_eq(h->path, SLICE("*")) && slice_eq(h->method, SLICE("OPTIONS"))))
		refuse(h, "invalid :path");
	if (!h->why)
		make_target(h);
}

bool h2_head_finish(struct h2_head *h)
{
	if (h->why || h->too_large)
		return false;
	if (!h->in_fields)
		first_field(h);
	if (h->cookies > 1 && h->kind == H2_REQUEST)
		join_cookies(h);
	if (h->too_large)
		return false;
	if (h->kind == H2_REQUEST)
		finish_request(h);
	else if (h->kind == H2_RESPONSE && !h->status)
		refuse(h, "no :status");
	return !h->why && !h->too_large;
}

/* ---- as a message ---- */

static void request_line(const struct h2_head *h, ptrdiff_t moved, struct http_msg *m)
{
	m->flags = HTTP_MSG_REQUEST;
	m->method_name = slice_make(h->method.ptr + moved, h->method.len);
	if (h->protocol.len)
		m->method_name = SLICE("GET"); /* as HTTP/1 asks for it */
	m->method = (uint8_t)http_method_of(m->method_name);
	m->target = slice_make(h->target.ptr + moved, h->target.len);
	if (m->method != HTTP_CONNECT && h->target.ptr != h->path.ptr)
		m->flags |= HTTP_MSG_NORMALIZED;
	if (h->expect)
		m->flags |= HTTP_MSG_EXPECT_CONTINUE;
}

static void set_framing(const struct h2_head *h, bool end, unsigned st_flags, struct http_msg *m)
{
	bool tunnel = (st_flags & H2_ST_CONNECT) && h->status / 100 == 2;
	if (h->has_length) {
		m->flags |= HTTP_MSG_HAS_LENGTH;
		m->content_length = h->length;
	}
	if (h->kind == H2_RESPONSE && tunnel && !end)
		m->framing = HTTP_BODY_TUNNEL;
	else if (end ||
		 (h->kind == H2_RESPONSE && (h->status < 200 || h->status == 204 ||
						h->status == 304 || (st_flags & H2_ST_FOR_HEAD))))
		m->framing = HTTP_BODY_NONE;
	else
		m->framing = h->has_length ? HTTP_BODY_LENGTH : HTTP_BODY_CHUNKED;
	/* what a CONNECT brings behind its head is of the tunnel, if there comes one */
	if (h->kind == H2_REQUEST && (h->protocol.len || m->method == HTTP_CONNECT))
		m->framing = HTTP_BODY_NONE;
}

int h2_head_copy(
    const struct h2_head *h, struct arena *arena, bool end, unsigned st_flags, struct http_msg *m)
{
	if (h->hdrs_n > m->hdrs_max)
		return -ENOBUFS;
	char *text = arena_bytes(arena, h->len ? h->len : 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, h->mem, h->len);
	ptrdiff_t moved = text - h->mem;
	struct http_hdr *hdrs = m->hdrs;
	uint16_t max = m->hdrs_max;
	*m = (struct http_msg){ .hdrs = hdrs,
		.hdrs_max = max,
		.hdrs_n = h->hdrs_n,
		.version = 20,
		.head_len = h->len };
	for (unsigned i = 0; i < h->hdrs_n; i++) {
		hdrs[i] = h->hdrs[i];
		hdrs[i].name += moved;
		hdrs[i].value += moved;
	}
	if (h->kind == H2_REQUEST) {
		request_line(h, moved, m);
	} else if (h->kind == H2_RESPONSE) {
		m->status = h->status;
		m->reason = http_reason(h->status);
	}
	if (h->kind != H2_TRAILERS)
		set_framing(h, end, st_flags, m);
	return 0;
}
