/* SPDX-License-Identifier: MIT */
/*
 * Actions that ask something of the layer above: captures, log level, timeouts, addresses, waiting for a body.
 */
#include <arpa/inet.h>

#include "acl.h"
#include "action.h"

/* ---- capture ---- */

struct capture_args {
	struct expr *expr;
	unsigned slot, len;
};

static int parse_capture(struct action_parse *p)
{
	struct capture_args *a = action_args(p, sizeof(*a));
	int64_t number;
	bool response = p->kind == RULES_HTTP_RES || p->kind == RULES_HTTP_AFTER_RES;
	if (!a)
		return -1;
	a->expr = expr_parse(p->conf, p->line, &p->arg, p->where);
	if (!a->expr)
		return -1;
	bool by_id = action_take(p, "id");
	if (!by_id && !action_take(p, "len")) {
		conf_error(p->conf, p->line, p->arg, "'capture' needs 'len <length>' or 'id <id>'");
		return -1;
	}
	if (conf_int(p->conf, p->line, p->arg++, by_id ? 0 : 1, 65535, &number) < 0)
		return -1;
	a->len = UINT16_MAX;
	a->slot = (unsigned)number;
	if (by_id)
		return 0;
	a->len = (unsigned)number;
	int slot = acl_scope_capture(p->scope, response, a->len);
	a->slot = (unsigned)slot;
	if (slot < 0)
		conf_error(p->conf, p->line, p->arg - 2,
		    "'capture ... len' needs a frontend; use 'declare capture' and 'id'");
	return slot < 0 ? -1 : 0;
}

static bool run_capture(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct capture_args *a = rule->args;
	struct sample s;
	if (!cx->host || !cx->host->capture || !expr_eval(a->expr, cx, SMP_STR, &s))
		return false;
	struct slice value = arena_slice(cx->arena, slice_sub(s.str, 0, a->len));
	if (value.ptr)
		cx->host->capture(cx->stream, cx->at & AT_RES, a->slot, value);
	return false;
}

/* ---- log level ---- */

static int parse_level(struct action_parse *p)
{
	static const char *const levels[] = { "emerg", "alert", "crit", "err", "warning", "notice",
		"info", "debug", "silent", NULL };
	int *level = action_args(p, sizeof(*level));
	if (!level || !action_word(p, "a log level"))
		return -1;
	return conf_enum(p->conf, p->line, p->arg - 1, levels, level);
}

static bool run_level(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	if (cx->host && cx->host->set_log_level)
		cx->host->set_log_level(cx->stream, *(const int *)rule->args);
	return false;
}

/* ---- timeouts ---- */

struct timeout_args {
	const char *which;
	unsigned ms;
	struct expr *expr; /* instead of ms */
};

static int parse_timeout(struct action_parse *p)
{
	static const char *const names[] = { "client", "connect", "queue", "server", "tarpit",
		"tunnel", NULL };
	struct timeout_args *a = action_args(p, sizeof(*a));
	int which;
	if (!a || !action_word(p, "the name of a timeout") ||
	    conf_enum(p->conf, p->line, p->arg - 1, names, &which) < 0)
		return -1;
	a->which = names[which];
	bool client = which == 0, either = which == 4;
	if (!either && !(p->sides & (client ? RULES_FRONTEND : RULES_BACKEND))) {
		conf_error(p->conf, p->line, p->arg - 1,
		    "'set-timeout %s' needs a proxy with a %s side", a->which,
		    client ? "frontend" : "backend");
		return -1;
	}
	if (p->arg >= p->line->argc || ascii_is_digit(p->line->argv[p->arg][0]))
		return conf_time_ms(p->conf, p->line, p->arg++, &a->ms);
	a->expr = expr_parse(p->conf, p->line, &p->arg, p->where);
	return a->expr ? 0 : -1;
}

static bool run_timeout(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct timeout_args *a = rule->args;
	unsigned ms = a->ms;
	struct sample s;
	if (a->expr) {
		if (!expr_eval(a->expr, cx, SMP_SINT, &s) || s.sint < 0 || s.sint > INT32_MAX)
			return false;
		ms = (unsigned)s.sint;
	}
	if (cx->host && cx->host->set_timeout)
		cx->host->set_timeout(cx->stream, a->which, ms);
	return false;
}

/* ---- addresses ---- */

#define DST  0x1u
#define PORT 0x2u

static int parse_expr(struct action_parse *p)
{
	p->rule->args = expr_parse(p->conf, p->line, &p->arg, p->where);
	return p->rule->args ? 0 : -1;
}

/* The address of an IP sample; the port stays as long as the family does. */
static bool peer_address(struct net_peer *peer, const struct sample *s, const struct net_peer *old)
{
	unsigned port = old ? net_peer_port(old) : 0;
	memset(peer, 0, sizeof(*peer));
	if (s->type == SMP_IPV4) {
		peer->in.sin_family = AF_INET;
		peer->in.sin_addr = s->ipv4;
		peer->in.sin_port = htons((uint16_t)port);
	} else {
		peer->in6.sin6_family = AF_INET6;
		peer->in6.sin6_addr = s->ipv6;
		peer->in6.sin6_port = htons((uint16_t)port);
	}
	return s->type == SMP_IPV4 || s->type == SMP_IPV6;
}

static void peer_port(struct net_peer *peer, int64_t port, const struct net_peer *old)
{
	memset(peer, 0, sizeof(*peer));
	peer->in.sin_family = AF_INET;
	if (old && (old->sa.sa_family == AF_INET || old->sa.sa_family == AF_INET6))
		*peer = *old;
	if (peer->sa.sa_family == AF_INET)
		peer->in.sin_port = htons((uint16_t)port);
	else
		peer->in6.sin6_port = htons((uint16_t)port);
}

static bool run_addr(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	uintptr_t what = rule->row->data;
	struct net_peer *peer = arena_new(cx->arena, struct net_peer);
	struct sample s;
	if (!peer || !cx->host || !cx->host->set_src ||
	    !expr_eval(rule->args, cx, what & PORT ? SMP_SINT : SMP_ANY, &s))
		return false;
	const struct net_peer *old = cx->src;
	if (what & DST)
		old = cx->host->dst ? cx->host->dst(cx->stream) : NULL;
	if (what & PORT) {
		if (s.sint < 0 || s.sint > 65535)
			return false;
		peer_port(peer, s.sint, old);
	} else {
		struct sample ip = { .type = SMP_ANY };
		if (s.type == SMP_STR && rule_ip_parse(s.str, &ip))
			s = ip;
		if (!peer_address(peer, &s, old))
			return false;
	}
	cx->host->set_src(cx->stream, peer, (what & DST) != 0);
	if (!(what & DST))
		cx->src = peer;
	return false;
}

/* ---- wait-for-body ---- */

struct body_args {
	unsigned ms;
	uint64_t at_least; /* 0: all of it */
};

static int parse_body(struct action_parse *p)
{
	struct body_args *a = action_args(p, sizeof(*a));
	if (!a)
		return -1;
	while (!action_at_end(p)) {
		if (action_take(p, "time")) {
			if (conf_time_ms(p->conf, p->line, p->arg++, &a->ms) < 0)
				return -1;
		} else if (action_take(p, "at-least")) {
			if (conf_size(p->conf, p->line, p->arg++, 1, UINT32_MAX, &a->at_least) < 0)
				return -1;
		} else {
			conf_error(p->conf, p->line, p->arg,
			    "'wait-for-body': 'time' or 'at-least' is expected instead of '%s'",
			    p->line->argv[p->arg]);
			return -1;
		}
	}
	if (a->ms)
		return 0;
	conf_error(p->conf, p->line, p->arg, "'wait-for-body' needs 'time <time>'");
	return -1;
}

static bool run_body(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct body_args *a = rule->args;
	bool res = cx->at & AT_RES;
	const struct http_msg *m = res ? cx->res : cx->req;
	size_t have = res ? cx->res_buf.len : cx->req_buf.len;
	cx->wait_body = false;
	if (!m || m->framing == HTTP_BODY_NONE || m->framing == HTTP_BODY_TUNNEL)
		return false;
	if ((res ? cx->res_final : cx->req_final) || (a->at_least && have >= a->at_least) ||
	    ((m->flags & HTTP_MSG_HAS_LENGTH) && have >= m->content_length))
		return false;
	uint64_t now = cx->worker ? worker_now_ms(cx->worker) : 0;
	uint64_t waited = at->rule == rule && at->since_ms ? now - at->since_ms : 0;
	if (waited >= a->ms) {
		*ret = RULES_TIMEOUT;
		return true;
	}
	cx->wait_body = true;
	cx->wait_ms = a->ms - waited;
	*ret = RULES_WAIT;
	return true;
}

#define ON_ADDR (ON_TCP_EARLY | ON_TCP_REQ | ON_HTTP_REQ)
#define ON_FLOW (ON_TCP_REQ | ON_TCP_RES | ON_HTTP)

const struct action_row action_misc_rows[] = {
	{ .name = "capture",
	    .kinds = ON_TCP_REQ | ON_HTTP,
	    .parse = parse_capture,
	    .run = run_capture,
	    .usage = "<sample> [ len <length> | id <id> ]",
	    .help = "keeps a value for the logs" },
	{ .name = "set-log-level",
	    .kinds = ON_FLOW,
	    .parse = parse_level,
	    .run = run_level,
	    .usage = "<level>",
	    .help = "level of this session's log line; silent: none" },
	{ .name = "set-timeout",
	    .kinds = ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_timeout,
	    .run = run_timeout,
	    .usage =
		"{ client | connect | queue | server | tarpit | tunnel } { <timeout> | <expr> }",
	    .help = "timeout of this stream" },
	{ .name = "set-src",
	    .kinds = ON_ADDR,
	    .parse = parse_expr,
	    .run = run_addr,
	    .usage = "<expr>",
	    .help = "address of the client" },
	{ .name = "set-src-port",
	    .kinds = ON_ADDR,
	    .parse = parse_expr,
	    .run = run_addr,
	    .data = PORT,
	    .usage = "<expr>",
	    .help = "port of the client" },
	{ .name = "set-dst",
	    .kinds = ON_ADDR,
	    .parse = parse_expr,
	    .run = run_addr,
	    .data = DST,
	    .usage = "<expr>",
	    .help = "address the client connected to" },
	{ .name = "set-dst-port",
	    .kinds = ON_ADDR,
	    .parse = parse_expr,
	    .run = run_addr,
	    .data = DST | PORT,
	    .usage = "<expr>",
	    .help = "port the client connected to" },
	{ .name = "wait-for-body",
	    .kinds = ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_body,
	    .run = run_body,
	    .usage = "time <time> [ at-least <bytes> ]",
	    .help = "waits for the body, or so many bytes of it" },
	{ .name = NULL },
};
