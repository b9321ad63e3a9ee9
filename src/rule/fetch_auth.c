/* SPDX-License-Identifier: MIT */
/*
 * Fetches of what the client says to authenticate itself (RFC 7235, 7617): Authorization, and for requests to a
 * proxy Proxy-Authorization.
 */
#include "base64.h"
#include "tables.h"
#include "userlist.h"

static bool ows(char c)
{
	return c == ' ' || c == '\t';
}

/* "<scheme> <rest>" of a field; the first field of that name counts. */
static bool auth_field(const struct http_hdr *h, struct slice *ret_scheme, struct slice *ret_rest)
{
	if (!h)
		return false;
	struct slice value = http_hdr_value_of(h);
	size_t n = 0;
	while (n < value.len && !ows(value.ptr[n]))
		n++;
	*ret_scheme = slice_sub(value, 0, n);
	*ret_rest = slice_trim_ows(slice_sub(value, n, value.len));
	return n > 0;
}

static const struct http_hdr *credentials(struct rule_ctx *cx, struct sample *ret)
{
	const struct http_msg *m = ctx_req(cx, ret);
	if (!m)
		return NULL;
	return cx->proxy_auth ? http_hdr_find(m, SLICE("proxy-authorization"), NULL)
			      : http_hdr_find_id(m, HDR_AUTHORIZATION, NULL);
}

struct basic {
	struct slice user, password;
};

/* Decoded into the stream's arena. */
static bool basic_of(struct rule_ctx *cx, struct sample *ret, struct basic *b)
{
	struct slice scheme, rest;
	const struct http_hdr *h = credentials(cx, ret);
	if (!auth_field(h, &scheme, &rest) || !slice_ieq(scheme, SLICE("basic")) || !rest.len)
		return false;
	struct slice text = base64_decode_in(cx->arena, rest, false);
	size_t colon = slice_find(text, ':');
	if (!text.ptr || colon == text.len)
		return false;
	b->user = slice_sub(text, 0, colon);
	b->password = slice_sub(text, colon + 1, text.len);
	return true;
}

static bool fetch_bearer(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct http_msg *m = ctx_req(cx, ret);
	struct slice scheme, rest;
	if (!m)
		return false;
	const struct http_hdr *h =
	    args_has(args, 0) ? http_hdr_find(m, args->v[0].str, NULL) : credentials(cx, ret);
	return auth_field(h, &scheme, &rest) && slice_ieq(scheme, SLICE("bearer")) &&
	       ret_str(ret, rest);
}

/* Schemes that are understood, with something in them. */
static bool fetch_type(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice scheme, rest;
	struct basic b;
	if (basic_of(cx, ret, &b))
		return ret_str(ret, SLICE("Basic"));
	return auth_field(credentials(cx, ret), &scheme, &rest) &&
	       slice_ieq(scheme, SLICE("bearer")) && rest.len && ret_str(ret, SLICE("Bearer"));
}

static bool fetch_user(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct basic b;
	return basic_of(cx, ret, &b) && ret_str(ret, b.user);
}

static bool fetch_pass(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct basic b;
	return basic_of(cx, ret, &b) && ret_str(ret, b.password);
}

static int check_list(const struct arg_place *at, struct args *args)
{
	args->data = userlist_named(at->conf, at->line, at->arg, args->v[0].str.ptr);
	return args->data ? 0 : -1;
}

static bool fetch_auth(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct basic b;
	return basic_of(cx, ret, &b) &&
	       ret_bool(ret, userlist_check(args->data, b.user, b.password) != NULL);
}

/* The user's name; in a condition each of the user's groups. */
static bool fetch_group(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct basic b;
	if (!basic_of(cx, ret, &b))
		return false;
	const struct user *user = userlist_check(args->data, b.user, b.password);
	if (!user)
		return false;
	if (!walk)
		return ret_str(ret, b.user);
	struct slice group = user_group(user, walk->at++);
	walk->more = group.ptr != NULL;
	return group.ptr && ret_str(ret, group);
}

#define ROW(keyword, fn, text)                                                                     \
	{                                                                                          \
		.name = keyword, .out = SMP_STR, .at = AT_REQ, .eval = fn, .help = text            \
	}

const struct fetch_row fetch_auth_rows[] = {
	{ .name = "http_auth",
	    .out = SMP_BOOL,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .at = AT_REQ,
	    .eval = fetch_auth,
	    .check = check_list,
	    .usage = "<userlist>",
	    .help = "whether user and password (Basic) are in the userlist" },
	{ .name = "http_auth_group",
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .at = AT_REQ,
	    .eval = fetch_group,
	    .check = check_list,
	    .usage = "<userlist>",
	    .help = "the user if the password is right; in conditions each group of the user" },
	ROW("http_auth_user", fetch_user, "user that the client names (Basic)"),
	ROW("http_auth_pass", fetch_pass, "password that the client gives (Basic)"),
	ROW("http_auth_type", fetch_type, "scheme that the client uses: Basic or Bearer"),
	{ .name = "http_auth_bearer",
	    .out = SMP_STR,
	    .args = { ARG_HDR },
	    .at = AT_REQ,
	    .eval = fetch_bearer,
	    .usage = "[<header>]",
	    .help = "bearer token of the client" },
	{ .name = NULL },
};
