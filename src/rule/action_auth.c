/* SPDX-License-Identifier: MIT */
/*
 * Action auth: refuses with 401, or 407 where the request is to a proxy, and asks for credentials (RFC 7235 2.1).
 */
#include "action.h"

struct auth_args {
	struct slice challenge; /* empty: the realm is the proxy's name */
};

static struct slice challenge_of(struct arena *arena, const char *realm)
{
	char *text = arena_bytes(arena, strlen(realm) * 2 + sizeof("Basic realm=\"\""));
	if (!text)
		return SLICE_NULL;
	size_t n = (size_t)snprintf(text, sizeof("Basic realm=\""), "Basic realm=\"");
	for (; *realm; realm++) {
		/* a quoted-string (RFC 9110 5.6.4) */
		if (*realm == '"' || *realm == '\\')
			text[n++] = '\\';
		text[n++] = *realm;
	}
	text[n++] = '"';
	return slice_make(text, n);
}

static int parse_auth(struct action_parse *p)
{
	struct auth_args *a = action_args(p, sizeof(*a));
	if (!a)
		return -1;
	if (!action_take(p, "realm"))
		return 0;
	const char *realm = action_word(p, "a realm");
	if (!realm)
		return -1;
	a->challenge = challenge_of(conf_arena(p->conf), realm);
	return a->challenge.ptr ? 0 : -1;
}

/* The proxy whose rules ask: the backend once there is one. */
static struct slice proxy_challenge(struct rule_ctx *cx)
{
	struct slice name = ctx_name(cx, "be_name");
	char *text = arena_slice_dup(cx->arena, name);
	return text ? challenge_of(cx->arena, text) : SLICE_NULL;
}

static bool run_auth(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct auth_args *a = rule->args;
	struct rule_reply *r = arena_new(cx->arena, struct rule_reply);
	struct rule_reply_hdr *h = arena_new(cx->arena, struct rule_reply_hdr);
	struct slice value = a->challenge.ptr ? a->challenge : proxy_challenge(cx);
	*ret = RULES_ERROR;
	if (!r || !h || !value.ptr)
		return true;
	h->name = cx->proxy_auth ? SLICE("proxy-authenticate") : SLICE("www-authenticate");
	h->value = value;
	r->status = cx->proxy_auth ? 407 : 401;
	r->plain = true;
	r->hdrs = h;
	r->hdrs_n = 1;
	cx->reply = r;
	*ret = RULES_REPLY;
	return true;
}

const struct action_row action_auth_rows[] = {
	{ .name = "auth",
	    .kinds = ON_HTTP_REQ,
	    .parse = parse_auth,
	    .run = run_auth,
	    .usage = "[realm <realm>]",
	    .help = "asks for user and password: 401, or 407 to the clients of a proxy" },
	{ .name = NULL },
};
