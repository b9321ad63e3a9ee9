/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of the h1 codec. The first byte of the input chooses parser and flags, the second one how the rest
 * is split. Beside memory errors it looks for broken promises: a result that depends on the split, more consumed
 * than there is, slices outside the buffer, and a head that reads differently once written out again.
 */
#include "weir/h1/h1.h"

#define HDRS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

typedef enum h1_result parse_fn(char *, size_t, unsigned, struct http_msg *, struct h1_parsed *);

/* One run of a parser with all that it fills. */
struct run {
	struct http_hdr table[HDRS_MAX];
	struct http_msg m;
	struct h1_parsed parsed;
	enum h1_result result;
	char *buf;
	size_t len;
};

static void run_init(struct run *r, const uint8_t *bytes, size_t len)
{
	r->buf = malloc(len ? len : 1);
	must(r->buf != NULL);
	if (len)
		memcpy(r->buf, bytes, len);
	r->len = len;
	http_msg_init(&r->m, r->table, HDRS_MAX);
}

static void run_once(struct run *r, parse_fn *fn, size_t len, unsigned flags)
{
	r->result = fn(r->buf, len, flags, &r->m, &r->parsed);
	must(r->parsed.consumed <= len);
	must((r->result == H1_COMPLETE) == (r->parsed.consumed > 0));
	must((r->result == H1_ERROR) == (r->parsed.error != H1_ERR_NONE));
	must(r->result != H1_ERROR || r->parsed.error_at < len);
}

static void check_inside(const struct run *r, const char *ptr, size_t len)
{
	must(len == 0 || (ptr >= r->buf && ptr + len <= r->buf + r->parsed.consumed));
}

static void check_slices(const struct run *r)
{
	check_inside(r, r->m.method_name.ptr, r->m.method_name.len);
	check_inside(r, r->m.target.ptr, r->m.target.len);
	check_inside(r, r->m.reason.ptr, r->m.reason.len);
	must(r->m.hdrs_n <= HDRS_MAX);
	for (unsigned i = 0; i < r->m.hdrs_n; i++) {
		const struct http_hdr *h = &r->table[i];
		must(h->name_len > 0);
		check_inside(r, h->name, h->name_len);
		check_inside(r, h->value, h->value_len);
		must(h->id == http_hdr_id(h->name, h->name_len));
		for (unsigned j = 0; j < h->name_len; j++)
			must(h->name[j] == ascii_lower(h->name[j]));
	}
}

static const struct http_hdr *next_field(const struct http_msg *m, unsigned *i)
{
	while (*i < m->hdrs_n && (m->hdrs[*i].flags & HTTP_HDR_DELETED))
		(*i)++;
	return *i < m->hdrs_n ? &m->hdrs[(*i)++] : NULL;
}

static void check_same_fields(const struct http_msg *a, const struct http_msg *b)
{
	unsigned i = 0;
	unsigned j = 0;
	for (;;) {
		const struct http_hdr *x = next_field(a, &i);
		const struct http_hdr *y = next_field(b, &j);
		must((x == NULL) == (y == NULL));
		if (!x)
			return;
		must(slice_eq(http_hdr_name_of(x), http_hdr_name_of(y)));
		must(slice_eq(http_hdr_value_of(x), http_hdr_value_of(y)));
	}
}

static void check_same(const struct run *a, const struct run *b)
{
	must(a->result == b->result);
	must(a->parsed.error == b->parsed.error);
	must(a->parsed.error_at == b->parsed.error_at);
	must(a->parsed.consumed == b->parsed.consumed);
	if (a->result != H1_COMPLETE)
		return;
	must(a->m.framing == b->m.framing && a->m.flags == b->m.flags);
	must(a->m.version == b->m.version && a->m.status == b->m.status);
	must(a->m.content_length == b->m.content_length);
	check_same_fields(&a->m, &b->m);
}

static size_t write_again(parse_fn *fn, const struct http_msg *m, char *out, size_t cap)
{
	if (fn == h1_parse_request)
		return h1_write_request(m, true, out, cap);
	if (fn == h1_parse_response)
		return h1_write_response(m, true, out, cap);
	return h1_write_trailers(m, out, cap);
}

/*
 * What was written is accepted and means the same. In unsafe mode the fields must survive too; versions that
 * only that mode knows come out as HTTP/1.x, so there the version is not compared.
 */
static void check_round_trip(parse_fn *fn, const struct run *r, unsigned flags)
{
	size_t cap = h1_head_size(&r->m);
	char *out = malloc(cap);
	must(out != NULL);
	size_t len = write_again(fn, &r->m, out, cap);
	must(len > 0 && len <= cap);
	must(write_again(fn, &r->m, out, len - 1) == 0);
	must(write_again(fn, &r->m, out, len) == len);

	struct run *again = calloc(1, sizeof(*again));
	must(again != NULL);
	run_init(again, (const uint8_t *)out, len);
	run_once(again, fn, len, flags);
	must(again->result == H1_COMPLETE && again->parsed.consumed == len);
	must(slice_eq(again->m.method_name, r->m.method_name));
	must(slice_eq(again->m.target, r->m.target));
	must(slice_eq(again->m.reason, r->m.reason));
	must(again->m.status == r->m.status);
	check_same_fields(&again->m, &r->m);
	if (!(flags & H1_ACCEPT_UNSAFE)) {
		must(again->m.version == r->m.version);
		/* A response whose two lengths were made one no longer asks for close. */
		if (fn == h1_parse_request)
			must(again->m.flags == r->m.flags);
		must(again->m.framing == r->m.framing);
	}
	free(again->buf);
	free(again);
	free(out);
}

static void fuzz_head(
    parse_fn *fn, const uint8_t *bytes, size_t len, unsigned flags, unsigned split)
{
	struct run *whole = calloc(1, sizeof(*whole));
	struct run *parts = calloc(1, sizeof(*parts));
	must(whole && parts);
	run_init(whole, bytes, len);
	run_once(whole, fn, len, flags);
	run_init(parts, bytes, len);
	size_t step = 1 + split % 37;
	for (size_t n = split % 5;; n = MIN(n + step, len)) {
		run_once(parts, fn, MIN(n, len), flags);
		if (parts->result != H1_INCOMPLETE || n >= len)
			break;
	}
	check_same(whole, parts);
	if (whole->result == H1_COMPLETE) {
		check_slices(whole);
		check_round_trip(fn, whole, flags);
	}
	free(whole->buf);
	free(parts->buf);
	free(whole);
	free(parts);
}

/* What a decoder made of its input. */
struct decoded {
	char *data;
	size_t len;
	size_t consumed;
	enum h1_body_event event;
	unsigned error;
};

static bool decode_piece(struct h1_body *b, const char *in, size_t len, struct decoded *d)
{
	size_t at = 0;
	for (;;) {
		size_t used = SIZE_MAX;
		struct slice payload;
		d->event = h1_body_decode(b, in + at, len - at, &used, &payload);
		must(used <= len - at);
		at += used;
		d->consumed += used;
		d->error = b->error;
		if (d->event != H1_BODY_DATA)
			break;
		must(payload.len > 0 && payload.ptr >= in && payload.ptr + payload.len == in + at);
		memcpy(d->data + d->len, payload.ptr, payload.len);
		d->len += payload.len;
	}
	must(d->event != H1_BODY_MORE || at == len);
	return d->event == H1_BODY_MORE;
}

static void decode_all(
    struct decoded *d, const struct http_msg *m, const char *in, size_t len, size_t step)
{
	struct h1_body b;
	*d = (struct decoded){ .data = malloc(len ? len : 1) };
	must(d->data != NULL);
	h1_body_init(&b, m);
	for (size_t i = 0;; i += step) {
		if (!decode_piece(&b, in + i, MIN(step, len - i), d) || step >= len - i)
			break;
	}
}

static void fuzz_body(const uint8_t *bytes, size_t len, unsigned flags, unsigned split)
{
	struct http_msg m = { .framing = HTTP_BODY_CHUNKED };
	if (flags & H1_FOR_HEAD) {
		m.framing = HTTP_BODY_LENGTH;
		m.content_length = split * 3;
	}
	struct run r;
	run_init(&r, bytes, len);
	struct decoded whole, parts;
	decode_all(&whole, &m, r.buf, len, len ? len : 1);
	decode_all(&parts, &m, r.buf, len, 1 + split % 37);
	must(whole.event == parts.event && whole.error == parts.error);
	must(whole.consumed == parts.consumed && whole.len == parts.len);
	must(memcmp(whole.data, parts.data, whole.len) == 0);
	free(whole.data);
	free(parts.data);
	free(r.buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	unsigned flags = data[0] >> 2 & 0x0f;
	const uint8_t *bytes = data + 2;
	size_t len = size - 2;
	switch (data[0] & 3) {
	case 0:
		fuzz_head(h1_parse_request, bytes, len, flags, data[1]);
		break;
	case 1:
		fuzz_head(h1_parse_response, bytes, len, flags, data[1]);
		break;
	case 2:
		fuzz_head(h1_parse_trailers, bytes, len, flags, data[1]);
		break;
	default:
		fuzz_body(bytes, len, flags, data[1]);
		break;
	}
	return 0;
}
