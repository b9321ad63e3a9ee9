/* SPDX-License-Identifier: MIT */
/*
 * Fetches of header fields (configuration manual 7.3.6). "hdr" sees the elements of comma-separated lists over
 * all fields of a name, "fhdr" whole fields. Outside ACLs they give the occurrence that was asked for, the last
 * one by default; an ACL walks over all.
 */
#include "tables.h"

/* Bits of a row's data. */
#define DIR_REQ	   0x1u
#define DIR_RES	   0x2u /* neither: by the place of evaluation */
#define WHOLE	   0x4u /* whole fields */
#define VALUE_INT  0x8u
#define VALUE_IP   0x10u
#define NAMES_ONLY 0x20u

static struct http_msg *msg_of(struct rule_ctx *cx, uintptr_t data, struct sample *ret)
{
	bool res = data & DIR_RES;
	if (!(data & (DIR_REQ | DIR_RES)))
		res = cx->at & AT_RES;
	return res ? ctx_res(cx, ret) : ctx_req(cx, ret);
}

/* The next field of that name; any field without a name. */
static struct http_hdr *next_field(
    struct rule_ctx *cx, const struct http_msg *m, const struct args *args, struct http_hdr *prev)
{
	if (unlikely(!args_has(args, 0))) {
		struct http_hdr *h = prev ? prev + 1 : m->hdrs;
		for (; h < m->hdrs + m->hdrs_n; h++) {
			if (!(h->flags & HTTP_HDR_DELETED))
				return h;
		}
		return NULL;
	}
	const struct arg *name = &args->v[0];
	if (name->num == HDR_OTHER)
		return http_hdr_find(m, name->str, prev);
	if (name->num == HDR_HOST && !prev && m == cx->req)
		return (struct http_hdr *)ctx_host(cx);
	return http_hdr_find_id(m, (enum http_hdr_id)name->num, prev);
}

/* Cuts the next list element off *rest; commas inside quoted strings do not separate (RFC 9110 5.6.1). */
static struct slice next_element(struct slice *rest)
{
	bool quoted = false;
	size_t i = 0;
	if (likely(!memchr(rest->ptr, '"', rest->len))) {
		i = slice_find(*rest, ',');
	} else {
		for (; i < rest->len; i++) {
			char c = rest->ptr[i];
			if (c == '"')
				quoted = !quoted;
			else if (c == '\\' && quoted)
				i++;
			else if (c == ',' && !quoted)
				break;
		}
		i = MIN(i, rest->len);
	}
	struct slice one = slice_trim_ows(slice_sub(*rest, 0, i));
	*rest = i < rest->len ? slice_sub(*rest, i + 1, rest->len) : SLICE_NULL;
	return one;
}

/* Moves walk to the next value. */
static bool next_value(struct rule_ctx *cx, const struct http_msg *m, const struct args *args,
    uintptr_t data, struct fetch_walk *walk, struct slice *ret)
{
	if (!walk->rest.ptr) {
		walk->hdr = next_field(cx, m, args, walk->hdr);
		if (!walk->hdr)
			return false;
		walk->rest = http_hdr_value_of(walk->hdr);
		if (!walk->rest.ptr)
			walk->rest = SLICE("");
	}
	if (data & WHOLE) {
		*ret = walk->rest;
		walk->rest = SLICE_NULL;
		return true;
	}
	*ret = next_element(&walk->rest);
	return true;
}

/* The occurrence that was asked for: from the first (1...) or from the last (-1...). */
static bool value_at(struct rule_ctx *cx, const struct http_msg *m, const struct args *args,
    uintptr_t data, int64_t occ, struct slice *ret)
{
	struct slice last[10];
	struct fetch_walk walk = { .at = 0 };
	uint64_t n = 0;
	struct slice value;
	if (occ < -(int64_t)ARRAY_SIZE(last) || occ == 0)
		return false;
	while (next_value(cx, m, args, data, &walk, &value)) {
		last[n % ARRAY_SIZE(last)] = value;
		n++;
		if (occ > 0 && n == (uint64_t)occ) {
			*ret = value;
			return true;
		}
	}
	if (occ > 0 || n < (uint64_t)-occ)
		return false;
	*ret = last[(n - (uint64_t)-occ) % ARRAY_SIZE(last)];
	return true;
}

/* An address, or a node as RFC 7239 6 writes it: "10.0.0.1:1234", "[2001:db8::1]", "[2001:db8::1]:80". */
static bool node_address(struct slice value, struct sample *ret)
{
	struct slice host = value, port;
	uint64_t number;
	if (rule_ip_parse(value, ret))
		return true;
	http_authority_split(value, &host, &port);
	if (host.len < value.len && slice_to_u64(port, 65535, &number) < 0)
		return false;
	return rule_ip_parse(host, ret);
}

static bool value_typed(struct rule_ctx *cx, uintptr_t data, struct slice value, struct sample *ret)
{
	if (data & VALUE_IP)
		return node_address(value, ret);
	return data & VALUE_INT ? ret_str_int(ret, value) : ret_str(ret, value);
}

static bool fetch_hdr(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct http_msg *m = msg_of(cx, data, ret);
	struct slice value;
	if (!m)
		return false;
	if (walk && !args_has(args, 1)) {
		walk->more = false;
		while (next_value(cx, m, args, data, walk, &value)) {
			if (!value_typed(cx, data, value, ret))
				continue;
			walk->more =
			    walk->rest.ptr || m != cx->req || !ctx_host_is_last(cx, walk->hdr);
			return true;
		}
		return false;
	}
	int64_t occ = args_has(args, 1) ? args->v[1].num : -1;
	return value_at(cx, m, args, data, occ, &value) && value_typed(cx, data, value, ret);
}

static bool fetch_hdr_cnt(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct http_msg *m = msg_of(cx, data, ret);
	struct fetch_walk all = { .at = 0 };
	struct slice value;
	int64_t n = 0;
	if (!m)
		return false;
	while (next_value(cx, m, args, data, &all, &value))
		n++;
	return ret_int(ret, n);
}

/* Names, or whole fields as "name: value\r\n" and the empty line, in one text. */
static bool fetch_hdrs(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct http_msg *m = msg_of(cx, data, ret);
	if (!m)
		return false;
	struct slice delim = args_has(args, 0) ? args->v[0].str : SLICE(",");
	size_t size = 2, len = 0;
	for (unsigned i = 0; i < m->hdrs_n; i++)
		size += m->hdrs[i].name_len + m->hdrs[i].value_len + delim.len + 4;
	char *out = arena_bytes(cx->arena, size);
	if (!out)
		return false;
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		const struct http_hdr *h = &m->hdrs[i];
		if (h->flags & HTTP_HDR_DELETED)
			continue;
		if ((data & NAMES_ONLY) && len) {
			memcpy(out + len, delim.ptr, delim.len);
			len += delim.len;
		}
		memcpy(out + len, h->name, h->name_len);
		len += h->name_len;
		if (data & NAMES_ONLY)
			continue;
		memcpy(out + len, ": ", 2);
		if (h->value_len)
			memcpy(out + len + 2, h->value, h->value_len);
		len += 2 + h->value_len;
		memcpy(out + len, "\r\n", 2);
		len += 2;
	}
	if (!(data & NAMES_ONLY)) {
		memcpy(out + len, "\r\n", 2);
		len += 2;
	}
	return ret_str(ret, slice_make(out, len));
}

/* Integers as SPOE has them: below 240 one byte, else more by seven bits each. */
static size_t put_varint(char *out, uint64_t v)
{
	size_t n = 0;
	if (v < 240) {
		out[n++] = (char)v;
		return n;
	}
	out[n++] = (char)(v | 240);
	v = (v - 240) >> 4;
	while (v >= 128) {
		out[n++] = (char)(v | 128);
		v = (v - 128) >> 7;
	}
	out[n++] = (char)v;
	return n;
}

static size_t put_block(char *out, const char *bytes, size_t len)
{
	size_t n = put_varint(out, len);
	if (len)
		memcpy(out + n, bytes, len);
	return n + len;
}

/* Names and values, each behind its length, and two empty ones at the end. */
static bool fetch_hdrs_bin(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct http_msg *m = msg_of(cx, data, ret);
	size_t size = 2, len = 0;
	if (!m)
		return false;
	for (unsigned i = 0; i < m->hdrs_n; i++)
		size += m->hdrs[i].name_len + m->hdrs[i].value_len + 2 * 10u;
	char *out = arena_bytes(cx->arena, size);
	if (!out)
		return false;
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		const struct http_hdr *h = &m->hdrs[i];
		if (h->flags & HTTP_HDR_DELETED)
			continue;
		len += put_block(out + len, h->name, h->name_len);
		len += put_block(out + len, h->value, h->value_len);
	}
	out[len++] = 0;
	out[len++] = 0;
	return ret_bin(ret, slice_make(out, len));
}

#define HDRS_BIN(keyword, where, bits, text)                                                       \
	{                                                                                          \
		.name = keyword, .out = SMP_BIN, .at = where, .eval = fetch_hdrs_bin,              \
		.data = bits, .help = text                                                         \
	}
#define AT_BOTH (AT_REQ | AT_RES)

#define HDR(keyword, type, where, bits, text)                                                      \
	{                                                                                          \
		.name = keyword, .out = type, .args = { ARG_HDR, ARG_SINT },                       \
		.acl_forms = type == SMP_STR, .steady = true, .at = where, .eval = fetch_hdr,      \
		.data = bits, .usage = "[<name>[,<occ>]]", .help = text                            \
	}
#define HDR_CNT(keyword, where, bits, text)                                                        \
	{                                                                                          \
		.name = keyword, .out = SMP_SINT, .args = { ARG_HDR }, .at = where,                \
		.eval = fetch_hdr_cnt, .data = bits, .usage = "[<name>]", .help = text             \
	}
#define HDRS(keyword, where, bits, text)                                                           \
	{                                                                                          \
		.name = keyword, .out = SMP_STR, .at = where, .eval = fetch_hdrs, .data = bits,    \
		.help = text                                                                       \
	}
#define HDR_NAMES(keyword, where, bits, text)                                                      \
	{                                                                                          \
		.name = keyword, .out = SMP_STR, .args = { ARG_STR }, .at = where,                 \
		.eval = fetch_hdrs, .data = (bits) | NAMES_ONLY, .usage = "[<delim>]",             \
		.help = text                                                                       \
	}

const struct fetch_row fetch_hdr_rows[] = {
	HDR("hdr", SMP_STR, AT_BOTH, 0, "header value, of request or response by the place"),
	HDR("req.hdr", SMP_STR, AT_REQ, DIR_REQ, "header value of the request"),
	HDR("res.hdr", SMP_STR, AT_RES, DIR_RES, "header value of the response"),
	HDR("shdr", SMP_STR, AT_RES, DIR_RES, "same as res.hdr"),
	HDR("hdr_val", SMP_SINT, AT_BOTH, VALUE_INT, "header value as an integer"),
	HDR("req.hdr_val", SMP_SINT, AT_REQ, DIR_REQ | VALUE_INT, "request header as an integer"),
	HDR("res.hdr_val", SMP_SINT, AT_RES, DIR_RES | VALUE_INT, "response header as an integer"),
	HDR("shdr_val", SMP_SINT, AT_RES, DIR_RES | VALUE_INT, "same as res.hdr_val"),
	HDR("hdr_ip", SMP_IPV4, AT_BOTH, VALUE_IP, "header value as an address"),
	HDR("req.hdr_ip", SMP_IPV4, AT_REQ, DIR_REQ | VALUE_IP, "request header as an address"),
	HDR("res.hdr_ip", SMP_IPV4, AT_RES, DIR_RES | VALUE_IP, "response header as an address"),
	HDR("shdr_ip", SMP_IPV4, AT_RES, DIR_RES | VALUE_IP, "same as res.hdr_ip"),
	HDR("req.fhdr", SMP_STR, AT_REQ, DIR_REQ | WHOLE, "whole request field"),
	HDR("res.fhdr", SMP_STR, AT_RES, DIR_RES | WHOLE, "whole response field"),
	HDR_CNT("hdr_cnt", AT_BOTH, 0, "number of values of a header"),
	HDR_CNT("req.hdr_cnt", AT_REQ, DIR_REQ, "number of values of a request header"),
	HDR_CNT("res.hdr_cnt", AT_RES, DIR_RES, "number of values of a response header"),
	HDR_CNT("shdr_cnt", AT_RES, DIR_RES, "same as res.hdr_cnt"),
	HDR_CNT("req.fhdr_cnt", AT_REQ, DIR_REQ | WHOLE, "number of request fields of a name"),
	HDR_CNT("res.fhdr_cnt", AT_RES, DIR_RES | WHOLE, "number of response fields of a name"),
	HDR_NAMES("req.hdr_names", AT_REQ, DIR_REQ, "names of all request fields"),
	HDR_NAMES("res.hdr_names", AT_RES, DIR_RES, "names of all response fields"),
	HDRS("req.hdrs", AT_REQ, DIR_REQ, "all request fields in one text"),
	HDRS("res.hdrs", AT_RES, DIR_RES, "all response fields in one text"),
	HDRS_BIN("req.hdrs_bin", AT_REQ, DIR_REQ, "request fields, each behind its length"),
	HDRS_BIN("res.hdrs_bin", AT_RES, DIR_RES, "response fields, each behind its length"),
	{ .name = NULL },
};
