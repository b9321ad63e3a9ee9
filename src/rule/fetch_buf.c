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

/* ---- distcc: tokens of four letters, each with a number in eight hex digits ---- */

#define DISTCC_HEAD 12

static bool distcc_number(struct slice b, uint32_t *ret)
{
	*ret = 0;
	for (size_t i = 4; i < DISTCC_HEAD; i++) {
		int digit = rule_hex_digit(b.ptr[i]);
		if (digit < 0)
			return false;
		*ret = *ret << 4 | (unsigned)digit;
	}
	return true;
}

/* These say a number; with the others it is the length of what follows. */
static bool distcc_has_body(struct slice b)
{
	static const char plain[][5] = { "DIST", "DONE", "ARGC", "STAT", "NFIL" };
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		if (memcmp(b.ptr, plain[i], 4) == 0)
			return false;
	}
	return true;
}

/* data: the body is wanted, not the number. */
static bool fetch_distcc(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool res = cx->at & AT_RES, open = res ? ctx_res_open(cx) : ctx_req_open(cx);
	struct slice b = res ? cx->res_buf : cx->req_buf;
	int64_t left = args_has(args, 1) ? args->v[1].num : 1;
	uint32_t number;
	for (;;) {
		ret->may_change = open;
		if (b.len < DISTCC_HEAD)
			return false;
		if (!distcc_number(b, &number)) {
			ret->may_change = false;
			return false;
		}
		bool body = distcc_has_body(b);
		bool found = memcmp(b.ptr, args->v[0].str.ptr, 4) == 0 && --left <= 0;
		size_t len = body ? number : 0;
		b = slice_sub(b, DISTCC_HEAD, b.len);
		if (found && !data) {
			ret->may_change = false;
			return ret_int(ret, number);
		}
		if (len > b.len)
			return false;
		if (found) {
			ret->may_change = false;
			return ret_bin(ret, slice_sub(b, 0, len));
		}
		b = slice_sub(b, len, b.len);
	}
}

static int check_distcc(const struct arg_place *at, struct args *args)
{
	if (args->v[0].str.len == 4 && (!args_has(args, 1) || args->v[1].num >= 1))
		return 0;
	conf_error(at->conf, at->line, at->arg,
	    "%s: a token has four letters, and occurrences count from 1", at->what);
	return -1;
}

#define DISTCC(keyword, type, body, text)                                                          \
	{                                                                                          \
		.name = keyword, .out = type, .args_min = 1, .args = { ARG_STR, ARG_UINT },        \
		.at = RULE_AT_REQ_BUF | RULE_AT_RES_BUF, .eval = fetch_distcc, .data = body,       \
		.check = check_distcc, .usage = "<token>[,<occ>]", .help = text                    \
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
	SIMPLE(
	    "res.body_len", SMP_SINT, AT_RES, fetch_body_len, DIR_RES, "bytes of the body there"),
	SIMPLE(
	    "req.body_size", SMP_SINT, AT_REQ, fetch_body_size, 0, "bytes of the body announced"),
	SIMPLE("res.body_size", SMP_SINT, AT_RES, fetch_body_size, DIR_RES, "bytes announced"),
	RDP("req.rdp_cookie", SMP_STR, 0, "cookie of an RDP request"),
	RDP("rdp_cookie", SMP_STR, 0, "same as req.rdp_cookie"),
	RDP("req.rdp_cookie_cnt", SMP_SINT, 1, "1 when there is such an RDP cookie"),
	RDP("rdp_cookie_cnt", SMP_SINT, 1, "same as req.rdp_cookie_cnt"),
	DISTCC("distcc_param", SMP_SINT, 0, "number of a token in a distcc message"),
	DISTCC("distcc_body", SMP_BIN, 1, "what follows a token in a distcc message"),
	{ .name = NULL },
};
