/* SPDX-License-Identifier: MIT */
/*
 * The algorithms that take a key from the request: source, uri, url_param, hdr, rdp-cookie, hash. Each finds
 * its bytes; "hash-type" turns them into a number and that into a server. A request without the key takes a
 * turn. Worker thread, no allocation but in the request's arena.
 */
#include <arpa/inet.h>

#include "balance_internal.h"

/* The address as one word (IPv6: its four words added up bit by bit); "hash-type" gives only the modifier. */
static bool source_key(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key)
{
	uint32_t h = 0;
	if (!cx->src)
		return false;
	if (cx->src->sa.sa_family == AF_INET) {
		h = ntohl(cx->src->in.sin_addr.s_addr);
	} else if (cx->src->sa.sa_family == AF_INET6) {
		for (unsigned i = 0; i < 4; i++) {
			uint32_t word;
			memcpy(&word, cx->src->in6.sin6_addr.s6_addr + 4 * i, sizeof(word));
			h ^= ntohl(word);
		}
	} else {
		return false;
	}
	*ret_key = hash_modify(&be->hash, h);
	return true;
}

/* The absolute form without scheme and authority; no slice when there is no path ("*"). */
static struct slice from_path(struct slice target)
{
	struct http_target parts;
	http_target_split(target, &parts);
	if (parts.path.len == 0 || parts.path.ptr[0] != '/')
		return SLICE_NULL;
	return slice_make(parts.path.ptr, (size_t)(target.ptr + target.len - parts.path.ptr));
}

/* "len" counts bytes, "depth" slashes; the query ends it unless "whole". */
static struct slice uri_part(const struct balance_conf *b, struct slice uri)
{
	size_t end = b->uri_len && b->uri_len < uri.len ? b->uri_len : uri.len;
	unsigned slashes = 0;
	size_t i;
	for (i = 0; i < end; i++) {
		if (uri.ptr[i] == '/' && b->uri_depth && slashes++ == b->uri_depth)
			break;
		if (uri.ptr[i] == '?' && !b->uri_whole)
			break;
	}
	return slice_make(uri.ptr, i);
}

static bool uri_key(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key)
{
	if (!cx->req)
		return false;
	struct slice uri = cx->req->target;
	if (be->balance.uri_path_only)
		uri = from_path(uri);
	if (!uri.ptr)
		return false;
	uri = uri_part(&be->balance, uri);
	*ret_key = balance_hash(&be->hash, uri.ptr, uri.len);
	return true;
}

/* "name=value" among parameters that '&' separates. */
static bool find_param(struct slice params, struct slice name, struct slice *ret_value)
{
	while (params.ptr) {
		struct slice one = slice_cut(&params, '&');
		if (one.len > name.len && one.ptr[name.len] == '=' && slice_has_prefix(one, name)) {
			*ret_value = slice_sub(one, name.len + 1, one.len);
			return true;
		}
	}
	return false;
}

/* A body is text of parameters only up to the first byte that cannot be in one. */
static struct slice param_text(struct slice body)
{
	size_t i = 0;
	while (i < body.len && (unsigned char)body.ptr[i] > ' ')
		i++;
	return slice_make(body.ptr, i);
}

static bool url_param_key(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key)
{
	const struct balance_conf *b = &be->balance;
	struct slice name = slice_make(b->param, b->param_len), value;
	if (!cx->req)
		return false;
	struct slice query = cx->req->target;
	slice_cut(&query, '?');
	bool found = query.ptr && find_param(query, name, &value);
	if (!found && b->check_post && cx->req->method == HTTP_POST) {
		if (!cx->req_final && cx->req->framing != HTTP_BODY_NONE) {
			cx->wait_body = true;
			return false;
		}
		found = find_param(param_text(cx->req_buf), name, &value);
	}
	if (found)
		*ret_key = balance_hash(&be->hash, value.ptr, value.len);
	return found;
}

/* Of "www.example.com" the "example": the label before the last dot. */
static struct slice main_domain(struct slice host)
{
	size_t end = host.len, start;
	size_t colon = slice_find(host, ':');
	host = slice_sub(host, 0, colon);
	end = host.len;
	while (end > 0 && host.ptr[end - 1] != '.')
		end--;
	if (end == 0)
		return host;
	end--;
	start = end;
	while (start > 0 && host.ptr[start - 1] != '.')
		start--;
	return slice_make(host.ptr + start, end - start);
}

static bool hdr_key(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key)
{
	const struct balance_conf *b = &be->balance;
	struct http_list_walk walk = { .started = false };
	struct slice value;
	if (!cx->req)
		return false;
	if (!http_list_next(cx->req, slice_make(b->param, b->param_len), &walk, &value) ||
	    value.len == 0)
		return false;
	if (b->use_domain_only)
		value = main_domain(value);
	*ret_key = balance_hash(&be->hash, value.ptr, value.len);
	return true;
}

/* "Cookie: name=value\r\n" behind the TPKT (4 bytes) and X.224 (7 bytes) headers of an RDP connect request. */
static bool rdp_cookie(struct slice buf, struct slice name, struct slice *ret_value)
{
	static const struct slice label = SLICE("Cookie:");
	if (buf.len <= 11 || buf.ptr[0] != 3)
		return false;
	struct slice line = slice_sub(buf, 11, buf.len);
	size_t end = slice_find(line, '\r');
	if (end == line.len || !slice_has_iprefix(line, label))
		return false;
	line = slice_trim_ows(slice_sub(line, label.len, end - label.len));
	if (line.len <= name.len || line.ptr[name.len] != '=' || !slice_has_iprefix(line, name))
		return false;
	*ret_value = slice_sub(line, name.len + 1, line.len);
	return true;
}

static bool rdp_cookie_key(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key)
{
	const struct balance_conf *b = &be->balance;
	struct slice value;
	if (!rdp_cookie(cx->req_buf, slice_make(b->param, b->param_len), &value) || !value.len)
		return false;
	*ret_key = balance_hash(&be->hash, value.ptr, value.len);
	return true;
}

static bool expr_key(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key)
{
	struct sample s;
	enum sample_type to = be->hash.function == HASH_NONE ? SMP_STR : SMP_BIN;
	if (!expr_eval(be->balance.expr, cx, to, &s))
		return false;
	*ret_key = balance_hash(&be->hash, s.str.ptr, s.str.len);
	return true;
}

const struct balance_ops balance_source = {
	.name = "source",
	.has_key = true,
	.key = source_key,
	.build = hashed_build,
	.pick = hashed_pick,
};

const struct balance_ops balance_uri = {
	.name = "uri",
	.needs_http = true,
	.has_key = true,
	.key = uri_key,
	.build = hashed_build,
	.pick = hashed_pick,
};

const struct balance_ops balance_url_param = {
	.name = "url_param",
	.needs_http = true,
	.has_key = true,
	.key = url_param_key,
	.build = hashed_build,
	.pick = hashed_pick,
};

const struct balance_ops balance_hdr = {
	.name = "hdr",
	.needs_http = true,
	.has_key = true,
	.key = hdr_key,
	.build = hashed_build,
	.pick = hashed_pick,
};

const struct balance_ops balance_rdp_cookie = {
	.name = "rdp-cookie",
	.has_key = true,
	.key = rdp_cookie_key,
	.build = hashed_build,
	.pick = hashed_pick,
};

const struct balance_ops balance_hash_expr = {
	.name = "hash",
	.has_key = true,
	.key = expr_key,
	.build = hashed_build,
	.pick = hashed_pick,
};
