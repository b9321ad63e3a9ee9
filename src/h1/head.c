/* SPDX-License-Identifier: MIT */
/*
 * The head parser: one pass over the bytes, one small function a grammar element. Each step returns the place
 * behind what it read, or NULL: then ps->error says why, and H1_ERR_NONE that more bytes are needed. Errors are
 * reported at the first byte that no valid continuation could have, so the result does not depend on how the
 * input was split. What the fields mean is looked at afterwards, in check.c.
 */
#include "parser.h"
#include "scan.h"

/* Longest method: nobody's is longer, and the token scan needs an end. */
#define METHOD_MAX 64

/* CRLF at p. Bare CR and bare LF are refused: parsers disagree on them (RFC 9112 2.2). */
static inline char *parse_crlf(struct h1_parser *ps, char *p, enum h1_error otherwise)
{
	if (unlikely(p >= ps->end))
		return NULL;
	if (unlikely(*p != '\r'))
		return h1_fail(ps, *p == '\n' ? H1_ERR_BARE_LF : otherwise, p);
	if (unlikely(p + 1 >= ps->end))
		return NULL;
	if (unlikely(p[1] != '\n'))
		return h1_fail(ps, H1_ERR_BARE_CR, p);
	return p + 2;
}

static inline char *parse_method(struct h1_parser *ps, char *p)
{
	char *start = p;
	while (p < ps->end && h1_is(*p, H1_TOKEN))
		p++;
	if (unlikely(p - start > METHOD_MAX))
		return h1_fail(ps, H1_ERR_METHOD, start + METHOD_MAX);
	if (unlikely(p == ps->end))
		return NULL;
	if (unlikely(*p != ' ' || p == start))
		return h1_fail(ps, H1_ERR_METHOD, p);
	ps->m->method_name = slice_make(start, (size_t)(p - start));
	ps->m->method = (uint8_t)http_method_of(ps->m->method_name);
	return p + 1;
}

/* Whether accept-unsafe lets that byte into a target: fragments and what is not ASCII. */
static bool unsafe_in_target(const struct h1_parser *ps, char c)
{
	return h1_unsafe(ps) && (c == '#' || (unsigned char)c >= 0x80);
}

/* The target up to the space behind it, which is left. */
static inline char *parse_target(struct h1_parser *ps, char *p)
{
	char *start = p;
	p = h1_scan_target(p, ps->end);
	while (p < ps->end && unlikely(*p != ' ')) {
		if (!unsafe_in_target(ps, *p))
			break;
		p = h1_scan_target(p + 1, ps->end);
	}
	if (unlikely(p == ps->end))
		return NULL;
	ps->m->target = slice_make(start, (size_t)(p - start));
	if (likely(*p == ' ' && p > start))
		return p;
	/* "GET /x CRLF" is HTTP/0.9, which only the unsafe mode knows. */
	if ((*p == '\r' || *p == '\n') && p > start)
		return h1_unsafe(ps) ? p : h1_fail(ps, H1_ERR_VERSION, p);
	return h1_fail(ps, H1_ERR_TARGET, p);
}

/* "HTTP/1." and a digit. A prefix of it at the end of the input is incomplete, not wrong. */
static WEIR_COLD char *parse_version_strict(struct h1_parser *ps, char *p)
{
	static const char pattern[] = "HTTP/1.";
	for (unsigned i = 0; i < sizeof(pattern) - 1; i++, p++) {
		if (p == ps->end)
			return NULL;
		if (*p != pattern[i])
			return h1_fail(ps, H1_ERR_VERSION, p);
	}
	if (p == ps->end)
		return NULL;
	if (!ascii_is_digit(*p))
		return h1_fail(ps, H1_ERR_VERSION, p);
	ps->m->version = *p == '0' ? 10 : 11;
	return p + 1;
}

/* Any "NAME/digits.digits" of accept-unsafe. What is not plainly HTTP/1.1 or later counts as HTTP/1.0. */
static WEIR_COLD char *parse_version_unsafe(struct h1_parser *ps, char *p)
{
	char *name = p;
	while (p < ps->end && *p >= 'A' && *p <= 'Z')
		p++;
	size_t name_len = (size_t)(p - name);
	if (p < ps->end && (*p != '/' || name_len == 0))
		return h1_fail(ps, H1_ERR_VERSION, p);
	if (p == ps->end)
		return NULL;
	char *major = ++p;
	while (p < ps->end && ascii_is_digit(*p))
		p++;
	size_t major_len = (size_t)(p - major);
	if (p < ps->end && (*p != '.' || major_len == 0))
		return h1_fail(ps, H1_ERR_VERSION, p);
	if (p == ps->end)
		return NULL;
	char *minor = ++p;
	while (p < ps->end && ascii_is_digit(*p))
		p++;
	if (p == ps->end)
		return NULL;
	if (p == minor)
		return h1_fail(ps, H1_ERR_VERSION, p);
	bool http = name_len == 4 && memcmp(name, "HTTP", 4) == 0;
	bool short_form = major_len == 1 && p - minor == 1;
	bool later = *major > '1' || (*major == '1' && *minor > '0');
	ps->m->version = http && short_form && later ? 11 : 10;
	return p;
}

static inline char *parse_version(struct h1_parser *ps, char *p)
{
	if (likely(ps->end - p > 8 && memcmp(p, "HTTP/1.1", 8) == 0 && !ascii_is_digit(p[8]))) {
		ps->m->version = 11;
		return p + 8;
	}
	return h1_unsafe(ps) ? parse_version_unsafe(ps, p) : parse_version_strict(ps, p);
}

static char *parse_request_line(struct h1_parser *ps, char *p)
{
	p = parse_method(ps, p);
	if (unlikely(!p))
		return NULL;
	p = parse_target(ps, p);
	if (unlikely(!p))
		return NULL;
	if (unlikely(*p != ' ')) {
		if (ps->m->method != HTTP_GET)
			return h1_fail(ps, H1_ERR_VERSION, p);
		ps->m->version = 9;
		return parse_crlf(ps, p, H1_ERR_VERSION);
	}
	p = parse_version(ps, p + 1);
	return likely(p != NULL) ? parse_crlf(ps, p, H1_ERR_VERSION) : NULL;
}

/* Three digits 100..999; accept-unsafe takes more as long as they fit 16 bits. */
static char *parse_status(struct h1_parser *ps, char *p)
{
	unsigned status = 0;
	char *start = p;
	for (; p < ps->end && ascii_is_digit(*p); p++) {
		status = status * 10 + (unsigned)(*p - '0');
		if (status == 0 || status > UINT16_MAX || (p - start == 3 && !h1_unsafe(ps)))
			return h1_fail(ps, H1_ERR_STATUS, p);
	}
	if (p == ps->end)
		return NULL;
	if (p - start < 3)
		return h1_fail(ps, H1_ERR_STATUS, p);
	ps->m->status = (uint16_t)status;
	return p;
}

/* Past NUL and other controls that accept-unsafe lets into values; on the first byte that ends the value. */
static WEIR_COLD char *skip_unsafe_value(struct h1_parser *ps, char *p)
{
	while (p < ps->end && *p != '\r' && *p != '\n' && !h1_is(*p, H1_VALUE))
		p = h1_scan_value(p + 1, ps->end);
	return p;
}

/* Text up to its CRLF: *ret_end is the '\r'. The place behind the line is returned. */
static inline char *parse_text_line(struct h1_parser *ps, char *p, char **ret_end)
{
	p = h1_scan_value(p, ps->end);
	if (unlikely(h1_unsafe(ps)))
		p = skip_unsafe_value(ps, p);
	*ret_end = p;
	return parse_crlf(ps, p, H1_ERR_VALUE);
}

static char *parse_status_line(struct h1_parser *ps, char *p)
{
	p = parse_version(ps, p);
	if (unlikely(!p || p == ps->end))
		return NULL;
	if (unlikely(*p != ' '))
		return h1_fail(ps, H1_ERR_VERSION, p);
	p = parse_status(ps, p + 1);
	if (unlikely(!p))
		return NULL;
	if (unlikely(*p != ' '))
		return parse_crlf(ps, p, H1_ERR_STATUS);
	char *reason = p + 1;
	char *end;
	p = parse_text_line(ps, reason, &end);
	if (likely(p != NULL))
		ps->m->reason = slice_make(reason, (size_t)(end - reason));
	return p;
}

/* What the scan of a name met was no colon. accept-unsafe drops such a field, if it is one. */
static WEIR_COLD char *parse_bad_name(struct h1_parser *ps, char *name, char *p)
{
	if (*name == ' ' || *name == '\t')
		return h1_fail(ps, H1_ERR_FOLD, name);
	if (h1_unsafe(ps) && *p != ':') {
		while (p < ps->end && *p != ':' && *p != '\r' && *p != '\n')
			p++;
		if (p == ps->end)
			return NULL;
		char *end;
		if (*p == ':')
			return parse_text_line(ps, p, &end);
	}
	return h1_fail(ps, *p == '\n' ? H1_ERR_BARE_LF : H1_ERR_NAME, p);
}

static inline void note_field(struct h1_parser *ps, unsigned id, unsigned index)
{
	uint64_t bit = H1_BIT(id);
	ps->repeated |= ps->seen & bit;
	ps->seen |= bit;
	ps->last[id] = (uint16_t)index;
}

/* name ":" OWS value OWS CRLF (RFC 9112 5); name is not at the end of the input. */
static inline char *parse_field(struct h1_parser *ps, char *name)
{
	struct http_msg *m = ps->m;
	if (unlikely(m->hdrs_n >= m->hdrs_max))
		return h1_fail(ps, H1_ERR_TOO_MANY_HEADERS, name);

	char *p = h1_scan_name(name, ps->end);
	size_t name_len = (size_t)(p - name);
	if (unlikely(name_len > UINT16_MAX))
		return h1_fail(ps, H1_ERR_TOO_LARGE, name + UINT16_MAX);
	if (unlikely(p == ps->end))
		return NULL;
	if (unlikely(*p != ':' || name_len == 0))
		return parse_bad_name(ps, name, p);

	char *value = p + 1;
	while (value < ps->end && (*value == ' ' || *value == '\t'))
		value++;
	char *end;
	p = parse_text_line(ps, value, &end);
	if (unlikely(!p))
		return NULL;
	while (end > value && unlikely(end[-1] == ' ' || end[-1] == '\t'))
		end--;

	struct http_hdr *h = &m->hdrs[m->hdrs_n];
	h->name = name;
	h->value = value;
	h->name_len = (uint16_t)name_len;
	h->value_len = (uint32_t)(end - value);
	/* Looked up before the name is stored: loads that span fresh narrow stores are slow. */
	h->id = (uint8_t)http_hdr_id_fold(name, name_len);
	h1_lower_name(name, name_len);
	bool canonical = value == name + name_len + 2 && value[-1] == ' ' && end + 2 == p;
	h->flags = canonical ? HTTP_HDR_CANONICAL : 0;
	note_field(ps, h->id, m->hdrs_n++);
	return p;
}

/* Fields up to and with the empty line. */
static char *parse_fields(struct h1_parser *ps, char *p)
{
	while (likely(p < ps->end)) {
		if (*p == '\r' || unlikely(*p == '\n'))
			return parse_crlf(ps, p, H1_ERR_NAME);
		p = parse_field(ps, p);
		if (unlikely(!p))
			return NULL;
	}
	return NULL;
}

/* A fresh start: the message may hold what an earlier, incomplete run left. */
static void parser_init(
    struct h1_parser *ps, const char *buf, size_t len, unsigned flags, struct http_msg *m)
{
	struct http_hdr *hdrs = m->hdrs;
	uint16_t hdrs_max = m->hdrs_max;
	*m = (struct http_msg){ .hdrs = hdrs, .hdrs_max = hdrs_max };
	ps->m = m;
	ps->end = buf + len;
	ps->at = buf;
	ps->error = H1_ERR_NONE;
	ps->flags = flags;
	ps->seen = 0;
	ps->repeated = 0;
}

static enum h1_result finish(
    const struct h1_parser *ps, const char *buf, const char *p, struct h1_parsed *ret)
{
	ret->consumed = p ? (size_t)(p - buf) : 0;
	ret->error = ps->error;
	ret->error_at = (size_t)(ps->at - buf);
	if (ps->error != H1_ERR_NONE)
		return H1_ERROR;
	return p ? H1_COMPLETE : H1_INCOMPLETE;
}

enum h1_result h1_parse_request(
    char *buf, size_t len, unsigned flags, struct http_msg *m, struct h1_parsed *ret)
{
	struct h1_parser ps;
	parser_init(&ps, buf, len, flags, m);
	m->flags = HTTP_MSG_REQUEST;
	char *p = buf;
	if (unlikely(len && (*p == '\r' || *p == '\n')))
		p = parse_crlf(&ps, p, H1_ERR_METHOD);
	if (p)
		p = parse_request_line(&ps, p);
	if (p)
		p = parse_fields(&ps, p);
	if (p && !h1_check_request(&ps))
		p = NULL;
	return finish(&ps, buf, p, ret);
}

enum h1_result h1_parse_response(
    char *buf, size_t len, unsigned flags, struct http_msg *m, struct h1_parsed *ret)
{
	struct h1_parser ps;
	parser_init(&ps, buf, len, flags, m);
	char *p = parse_status_line(&ps, buf);
	if (p)
		p = parse_fields(&ps, p);
	if (p && !h1_check_response(&ps))
		p = NULL;
	return finish(&ps, buf, p, ret);
}

enum h1_result h1_parse_trailers(
    char *buf, size_t len, unsigned flags, struct http_msg *m, struct h1_parsed *ret)
{
	struct h1_parser ps;
	parser_init(&ps, buf, len, flags, m);
	char *p = parse_fields(&ps, buf);
	if (p)
		h1_drop_from_trailers(&ps);
	return finish(&ps, buf, p, ret);
}
