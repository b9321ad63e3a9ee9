/* SPDX-License-Identifier: MIT */
/*
 * Fetches of raw bytes in content rules and of bodies that were waited for (configuration manual 7.3.5). What
 * is not there yet makes the rule wait, until the end of the inspection delay.
 */
#include "tables.h"

#define DIR_RES 0x1u

static struct slice bytes_of(const struct rule_ctx *cx, uintptr_t dir, bool *ret_open)
{
	*ret_open = dir & DIR_RES ? ctx_res_open(cx) : ctx_req_open(cx);
	return dir & DIR_RES ? cx->res_buf : cx->req_buf;
}

static bool fetch_len(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool open;
	struct slice b = bytes_of(cx, data, &open);
	ret_int(ret, (int64_t)b.len);
	ret->may_change = open;
	return true;
}

static bool fetch_payload(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool open;
	struct slice b = bytes_of(cx, data, &open);
	size_t from = (size_t)args->v[0].num, len = (size_t)args->v[1].num;
	/* Length 0: whatever is there, as long as it lasts. */
	if (b.len < from || (len && b.len - from < len)) {
		ret->may_change = open;
		return false;
	}
	ret_bin(ret, slice_make(b.ptr ? b.ptr + from : "", len ? len : b.len - from));
	ret->may_change = open && len == 0;
	return true;
}

/* A block whose length stands in front of it: <len bytes> at offset1, the block at offset2. */
static bool fetch_payload_lv(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool open;
	struct slice b = bytes_of(cx, data, &open);
	size_t at = (size_t)args->v[0].num, size = (size_t)args->v[1].num, len = 0;
	ret->may_change = open;
	if (at > b.len || size > b.len - at)
		return false;
	for (size_t i = 0; i < size; i++)
		len = len << 8 | (unsigned char)b.ptr[at + i];
	size_t from = at + size;
	if (args_has(args, 2)) {
		bool relative = args->v[2].str.ptr[0] == '+' || args->v[2].str.ptr[0] == '-';
		from = (size_t)((relative ? (int64_t)from : 0) + args->v[2].num);
	}
	if (from > b.len || len > b.len - from)
		return false;
	ret_bin(ret, slice_sub(b, from, len));
	ret->may_change = false;
	return true;
}

static int check_payload_lv(const struct arg_place *at, struct args *args)
{
	if (args->v[1].num >= 1 && args->v[1].num <= 8)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: the length field has 1 to 8 bytes", at->what);
	return -1;
}

/* The body in HTTP rules, as far as it was waited for. */
static bool fetch_body(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool res = data & DIR_RES;
	if (!(res ? ctx_res(cx, ret) : ctx_req(cx, ret)))
		return false;
	struct slice b = res ? cx->res_buf : cx->req_buf;
	return ret_bin(ret, b.ptr ? b : SLICE(""));
}

static bool fetch_body_len(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return fetch_body(cx, args, data, walk, ret) && ret_int(ret, (int64_t)ret->str.len);
}

/* What is announced, or what is there when that is more. */
static bool fetch_body_size(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct http_msg *m = data & DIR_RES ? ctx_res(cx, ret) : ctx_req(cx, ret);
	if (!m)
		return false;
	uint64_t size = data & DIR_RES ? cx->res_buf.len : cx->req_buf.len;
	if ((m->flags & HTTP_MSG_HAS_LENGTH) && m->content_length > size)
		size = m->content_length;
	return ret_int(ret, (int64_t)MIN(size, (uint64_t)INT64_MAX));
}

/*
 * The cookie of an RDP connection request ([MS-RDPBCGR] 2.2.1.1): TPKT (4 bytes), X.224 (7 bytes), then
 * "Cookie: name=value\r\n". 1 found, 0 no, -1 not enough bytes.
 */
static int rdp_cookie(struct slice b, struct slice name, struct slice *ret)
{
	if (b.len < 11)
		return -1;
	const unsigned char *p = (const unsigned char *)b.ptr;
	size_t total = (size_t)p[2] << 8 | p[3];
	if (p[0] != 3 || p[1] != 0 || total < 11 || (p[5] & 0xf0) != 0xe0)
		return 0;
	struct slice rest = slice_sub(b, 11, MIN(total, b.len) - 11);
	if (!slice_has_iprefix(rest, SLICE("Cookie:")))
		return rest.len < 7 && b.len < total ? -1 : 0;
	size_t end = slice_find(rest, '\r');
	if (end == rest.len)
		return b.len < total ? -1 : 0;
	struct slice value = slice_trim_ows(slice_sub(rest, 7, end - 7));
	size_t eq = slice_find(value, '=');
	if (eq == value.len || (name.len && !slice_ieq(slice_sub(value, 0, eq), name)))
		return 0;
	*ret = slice_sub(value, eq + 1, value.len);
	return 1;
}

static bool fetch_rdp(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice value;
	int found =
	    rdp_cookie(cx->req_buf, args_has(args, 0) ? args->v[0].str : SLICE_NULL, &value);
	if (found < 0)
		ret->may_change = ctx_req_open(cx);
	if (data) {
		ret_int(ret, found > 0);
		return true;
	}
	return found > 0 && ret_str(ret, value);
}

#define PAYLOAD(keyword, where, dir, text)                                                         \
	{                                                                                          \
		.name = keyword, .out = SMP_BIN, .args_min = 2, .args = { ARG_UINT, ARG_UINT },    \
		.at = where, .eval = fetch_payload, .data = dir, .usage = "<offset>,<length>",     \
		.help = text                                                                       \
	}
#define PAYLOAD_LV(keyword, where, dir, text)                                                      \
	{                                                                                          \
		.name = keyword, .out = SMP_BIN, .args_min = 2,                                    \
		.args = { ARG_UINT, ARG_UINT, ARG_SINT }, .at = where, .eval = fetch_payload_lv,   \
		.data = dir, .check = check_payload_lv, .usage = "<offset1>,<length>[,<offset2>]", \
		.help = text                                                                       \
	}
#define RDP(keyword, type, count, text)                                                            \
	{                                                                                          \
		.name = keyword, .out = type, .args = { ARG_STR }, .at = RULE_AT_REQ_BUF,          \
		.eval = fetch_rdp, .data = count, .usage = "[<name>]", .help = text                \
	}
#define SIMPLE(keyword, type, where, fn, dir, text)                                                \
	{                                                                                          \
		.name = keyword, .out = type, .at = where, .eval = fn, .data = dir, .help = text   \
	}

const struct fetch_row fetch_buf_rows[] = {
	SIMPLE("req.len", SMP_SINT, AT_REQ, fetch_len, 0, "bytes received from the client"),
	SIMPLE("req_len", SMP_SINT, AT_REQ, fetch_len, 0, "same as req.len"),
	SIMPLE("res.len", SMP_SINT, AT_RES, fetch_len, DIR_RES, "bytes received from the server"),
	PAYLOAD("req.payload", AT_REQ, 0, "bytes received from the client"),
	PAYLOAD("payload", AT_REQ, 0, "same as req.payload"),
	PAYLOAD("res.payload", AT_RES, DIR_RES, "bytes received from the server"),
	PAYLOAD_LV("req.payload_lv", AT_REQ, 0, "block of the request behind its length"),
	PAYLOAD_LV("payload_lv", AT_REQ, 0, "same as req.payload_lv"),
	PAYLOAD_LV("res.payload_lv", AT_RES, DIR_RES, "block of the response behind its length"),
	SIMPLE(
	    "req.body", SMP_BIN, AT_REQ, fetch_body, 0, "body of the request, as far as received"),
	SIMPLE("res.body", SMP_BIN, AT_RES, fetch_body, DIR_RES, "body of the response"),
	SIMPLE("req.body_len", SMP_SINT, AT_REQ, fetch_body_len, 0, "bytes of the body received"),
	SIMPLE("body_len", SMP_SINT, AT_REQ, fetch_body_len, 0, "same as req.body_len"),
	SIMPLE(
	    "res.body_len", SMP_SINT, AT_RES, fetch_body_len, DIR_RES, "bytes of the body there"),
	SIMPLE(
	    "req.body_size", SMP_SINT, AT_REQ, fetch_body_size, 0, "bytes of the body announced"),
	SIMPLE("res.body_size", SMP_SINT, AT_RES, fetch_body_size, DIR_RES, "bytes announced"),
	RDP("req.rdp_cookie", SMP_STR, 0, "cookie of an RDP request"),
	RDP("rdp_cookie", SMP_STR, 0, "same as req.rdp_cookie"),
	RDP("req.rdp_cookie_cnt", SMP_SINT, 1, "1 when there is such an RDP cookie"),
	RDP("rdp_cookie_cnt", SMP_SINT, 1, "same as req.rdp_cookie_cnt"),
	{ .name = NULL },
};
