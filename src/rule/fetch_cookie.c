/* SPDX-License-Identifier: MIT */
/*
 * Fetches of cookies: those the client sends (Cookie, RFC 6265 4.2) and those the server sets (Set-Cookie, 4.1).
 */
#include "tables.h"

#define DIR_REQ	  0x1u
#define DIR_RES	  0x2u /* neither: by the place of evaluation */
#define VALUE_INT 0x4u

/* Up to the next semicolon that is not between quotes. */
static struct slice cut_pair(struct slice *rest)
{
	if (likely(!memchr(rest->ptr, '"', rest->len)))
		return slice_cut(rest, ';');
	bool quoted = false;
	size_t i = 0;
	for (; i < rest->len && (quoted || rest->ptr[i] != ';'); i++) {
		if (rest->ptr[i] == '"')
			quoted = !quoted;
		else if (rest->ptr[i] == '\\' && quoted && i + 1 < rest->len)
			i++;
	}
	struct slice pair = slice_sub(*rest, 0, i);
	*rest = i < rest->len ? slice_sub(*rest, i + 1, rest->len) : SLICE_NULL;
	return pair;
}

/*
 * Cuts the next "name=value" off *rest. Of a Set-Cookie field only the first pair is the cookie, the others are
 * its attributes.
 */
static bool next_pair(
    struct slice *rest, bool set_cookie, struct slice *ret_name, struct slice *ret_value)
{
	while (rest->ptr) {
		struct slice pair = slice_trim_ows(cut_pair(rest));
		if (set_cookie)
			*rest = SLICE_NULL;
		size_t eq = slice_find(pair, '=');
		if (eq == pair.len)
			continue;
		*ret_name = slice_trim_ows(slice_sub(pair, 0, eq));
		*ret_value = slice_trim_ows(slice_sub(pair, eq + 1, pair.len));
		return true;
	}
	return false;
}

static bool is_response(const struct rule_ctx *cx, uintptr_t data)
{
	if (data & (DIR_REQ | DIR_RES))
		return data & DIR_RES;
	return cx->at & AT_RES;
}

/* The next cookie of that name over all fields; any when there is no name. */
static bool next_cookie(const struct http_msg *m, bool res, struct slice name,
    struct fetch_walk *walk, struct slice *ret_name, struct slice *ret_value)
{
	for (;;) {
		while (next_pair(&walk->rest, res, ret_name, ret_value)) {
			if (!name.len || slice_eq(*ret_name, name))
				return true;
		}
		walk->hdr = http_hdr_find_id(m, res ? HDR_SET_COOKIE : HDR_COOKIE, walk->hdr);
		if (!walk->hdr)
			return false;
		walk->rest = http_hdr_value_of(walk->hdr);
	}
}

static const struct http_msg *msg_of(struct rule_ctx *cx, bool res, struct sample *ret)
{
	return res ? ctx_res(cx, ret) : ctx_req(cx, ret);
}

static bool fetch_cookie(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool res = is_response(cx, data);
	const struct http_msg *m = msg_of(cx, res, ret);
	struct slice wanted = args_has(args, 0) ? args->v[0].str : SLICE_NULL;
	struct slice name, value = SLICE_NULL;
	if (!m)
		return false;
	if (walk) {
		walk->more = next_cookie(m, res, wanted, walk, &name, &value);
		if (!walk->more)
			return false;
	} else {
		struct fetch_walk all = { .at = 0 };
		struct slice one;
		/* The last one of a name; the first one when any will do. */
		while (next_cookie(m, res, wanted, &all, &name, &one)) {
			value = one;
			if (!wanted.len)
				break;
		}
	}
	if (!value.ptr)
		return false;
	return data & VALUE_INT ? ret_str_int(ret, value) : ret_str(ret, value);
}

static bool fetch_cookie_cnt(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool res = is_response(cx, data);
	const struct http_msg *m = msg_of(cx, res, ret);
	struct fetch_walk all = { .at = 0 };
	struct slice name, value;
	int64_t n = 0;
	if (!m)
		return false;
	while (next_cookie(
	    m, res, args_has(args, 0) ? args->v[0].str : SLICE_NULL, &all, &name, &value))
		n++;
	return ret_int(ret, n);
}

static bool fetch_cookie_names(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool res = is_response(cx, data);
	const struct http_msg *m = msg_of(cx, res, ret);
	struct fetch_walk all = { .at = 0 };
	struct slice name, value;
	struct slice delim = args_has(args, 0) ? args->v[0].str : SLICE(",");
	char text[4096];
	size_t len = 0;
	if (!m)
		return false;
	while (next_cookie(m, res, SLICE_NULL, &all, &name, &value)) {
		if (name.len + delim.len > sizeof(text) - len)
			return false;
		if (len) {
			memcpy(text + len, delim.ptr, delim.len);
			len += delim.len;
		}
		if (name.len)
			memcpy(text + len, name.ptr, name.len);
		len += name.len;
	}
	return len && ret_str(ret, arena_slice(cx->arena, slice_make(text, len)));
}

#define COOK(keyword, type, where, bits, text)                                                     \
	{                                                                                          \
		.name = keyword, .out = type, .args = { ARG_STR }, .acl_forms = type == SMP_STR,   \
		.at = where, .eval = fetch_cookie, .data = bits, .usage = "[<name>]", .help = text \
	}
#define COOK_CNT(keyword, where, bits, text)                                                       \
	{                                                                                          \
		.name = keyword, .out = SMP_SINT, .args = { ARG_STR }, .at = where,                \
		.eval = fetch_cookie_cnt, .data = bits, .usage = "[<name>]", .help = text          \
	}
#define COOK_NAMES(keyword, where, bits, text)                                                     \
	{                                                                                          \
		.name = keyword, .out = SMP_STR, .args = { ARG_STR }, .at = where,                 \
		.eval = fetch_cookie_names, .data = bits, .usage = "[<delim>]", .help = text       \
	}

const struct fetch_row fetch_cookie_rows[] = {
	COOK("req.cook", SMP_STR, AT_REQ, DIR_REQ, "cookie of the request"),
	COOK("cook", SMP_STR, AT_REQ, DIR_REQ, "same as req.cook"),
	COOK("cookie", SMP_STR, AT_REQ | AT_RES, 0, "cookie, of request or response by the place"),
	COOK("res.cook", SMP_STR, AT_RES, DIR_RES, "cookie set by the response"),
	COOK("scook", SMP_STR, AT_RES, DIR_RES, "same as res.cook"),
	COOK("set-cookie", SMP_STR, AT_RES, DIR_RES, "same as res.cook"),
	COOK("req.cook_val", SMP_SINT, AT_REQ, DIR_REQ | VALUE_INT, "request cookie as integer"),
	COOK("cook_val", SMP_SINT, AT_REQ, DIR_REQ | VALUE_INT, "same as req.cook_val"),
	COOK("res.cook_val", SMP_SINT, AT_RES, DIR_RES | VALUE_INT, "response cookie as integer"),
	COOK("scook_val", SMP_SINT, AT_RES, DIR_RES | VALUE_INT, "same as res.cook_val"),
	COOK_CNT("req.cook_cnt", AT_REQ, DIR_REQ, "number of request cookies"),
	COOK_CNT("cook_cnt", AT_REQ, DIR_REQ, "same as req.cook_cnt"),
	COOK_CNT("res.cook_cnt", AT_RES, DIR_RES, "number of cookies set by the response"),
	COOK_CNT("scook_cnt", AT_RES, DIR_RES, "same as res.cook_cnt"),
	COOK_NAMES("req.cook_names", AT_REQ, DIR_REQ, "names of all request cookies"),
	COOK_NAMES("res.cook_names", AT_RES, DIR_RES, "names of all cookies of the response"),
	{ .name = NULL },
};
