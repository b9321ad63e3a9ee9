/* SPDX-License-Identifier: MIT */
/*
 * Which host a request is for: the form of its target, its host field, and that both agree (RFC 9112 3.2, RFC 9110
 * 7.2). Two hops that disagree on the host route one request to two places, so doubt is an error. With
 * accept-unsafe the fields are taken as they come.
 */
#include "parser.h"
#include "scan.h"

static bool fail_at(struct h1_parser *ps, enum h1_error error, const char *at)
{
	ps->error = error;
	ps->at = at;
	return false;
}

static bool is_port(struct slice port)
{
	for (size_t i = 0; i < port.len; i++) {
		if (!ascii_is_digit(port.ptr[i]))
			return false;
	}
	return true;
}

/* "[" what an IP literal holds "]": returns its length, or 0. */
static size_t literal_len(struct slice s)
{
	size_t i = 1;
	while (i < s.len && (h1_is(s.ptr[i], H1_HOST) || s.ptr[i] == ':'))
		i++;
	return i > 1 && i < s.len && s.ptr[i] == ']' ? i + 1 : 0;
}

/* uri-host [ ":" port ]; the host may be empty (RFC 9110 7.2). */
static bool is_host(struct slice s)
{
	size_t i = 0;
	while (i < s.len && h1_is(s.ptr[i], H1_HOST))
		i++;
	if (i == 0 && s.len && s.ptr[0] == '[')
		i = literal_len(s);
	if (i == s.len)
		return true;
	return s.ptr[i] == ':' && is_port(slice_make(s.ptr + i + 1, s.len - i - 1));
}

static struct slice default_port(struct slice scheme)
{
	if (slice_ieq(scheme, SLICE("http")))
		return SLICE("80");
	if (slice_ieq(scheme, SLICE("https")))
		return SLICE("443");
	return SLICE_NULL;
}

/* An absent port is the scheme's; CONNECT has no scheme, so there it may stand for either of the two. */
static bool same_authority(struct slice authority, struct slice host, struct slice scheme)
{
	struct slice name_a, port_a, name_b, port_b;
	http_authority_split(authority, &name_a, &port_a);
	http_authority_split(host, &name_b, &port_b);
	if (!slice_ieq(name_a, name_b))
		return false;
	if (slice_eq(port_a, port_b))
		return true;
	if (scheme.len == 0)
		return port_b.len == 0 &&
		       (slice_eq(port_a, SLICE("80")) || slice_eq(port_a, SLICE("443")));
	struct slice implied = default_port(scheme);
	return slice_eq(port_a.len ? port_a : implied, port_b.len ? port_b : implied);
}

/* host ":" port, all there (RFC 9112 3.2.3). */
static bool is_connect_target(struct slice target)
{
	struct slice host, port;
	http_authority_split(target, &host, &port);
	return host.len && port.len && is_port(port) && slice_find(target, '/') == target.len;
}

/* Sets *ret for the absolute and the authority form, whose authority the host field must repeat. */
static bool check_form(struct h1_parser *ps, struct http_target *ret)
{
	struct slice target = ps->m->target;
	*ret = (struct http_target){ .has_query = false };
	if (ps->m->method == HTTP_CONNECT) {
		ret->authority = target;
		return is_connect_target(target);
	}
	if (slice_eq(target, SLICE("*")))
		return true;
	http_target_split(target, ret);
	if (ret->scheme.len == 0)
		return false;
	struct slice host, port;
	http_authority_split(ret->authority, &host, &port);
	/* An http URI without a host must be refused (RFC 9110 4.2.1). */
	return host.len || default_port(ret->scheme).len == 0;
}

/* Any other form than a path. h is the host field, NULL when there is none. */
static WEIR_COLD bool check_rare_form(struct h1_parser *ps, const struct http_hdr *h)
{
	struct http_target parts;
	if (!check_form(ps, &parts))
		return fail_at(ps, H1_ERR_TARGET, ps->m->target.ptr);
	if (h && parts.authority.len &&
	    !same_authority(parts.authority, http_hdr_value_of(h), parts.scheme))
		return fail_at(ps, H1_ERR_HOST_MISMATCH, h->value);
	return true;
}

bool h1_check_host(struct h1_parser *ps)
{
	struct http_msg *m = ps->m;
	const struct http_hdr *h = NULL;
	if (likely(ps->seen & H1_BIT(HDR_HOST)))
		h = &m->hdrs[ps->last[HDR_HOST]];
	if (unlikely(ps->repeated & H1_BIT(HDR_HOST)))
		return fail_at(ps, H1_ERR_HOST_DUPLICATE, h->name);
	if (unlikely(h1_unsafe(ps)))
		return true;
	if (unlikely(!h && m->version >= 11))
		return fail_at(ps, H1_ERR_HOST_MISSING, m->target.ptr);
	if (unlikely(h && !is_host(http_hdr_value_of(h))))
		return fail_at(ps, H1_ERR_HOST_INVALID, h->value);
	bool is_path = m->target.ptr[0] == '/' && m->method != HTTP_CONNECT;
	return likely(is_path) || check_rare_form(ps, h);
}
