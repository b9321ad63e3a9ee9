/* SPDX-License-Identifier: MIT */
/*
 * Actions on how a stream is treated: marks of packets, priorities, retries, pauses, strict mode, early hints,
 * the protocol. What they change lies with the layer above (rule_host.set).
 */
#include <errno.h>
#include <stdlib.h>

#include "action.h"
#include "weir/tls/transport.h"

/* ---- numbers ---- */

/* A number or an expression, and the range of both. */
struct number_args {
	struct expr *expr; /* instead of value */
	int64_t value;
	int64_t low, high;
	bool clamp; /* a result outside the range becomes its end; else the rule does nothing */
};

/* Decimal, or hexadecimal behind "0x". */
static bool plain_number(const char *text, int64_t *ret)
{
	char *end;
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	if (!ascii_is_digit(text[0]) && text[0] != '-')
		return false;
	errno = 0;
	*ret = strtoll(text, &end, base);
	return *end == '\0' && errno == 0;
}

static int parse_number(struct action_parse *p, int64_t low, int64_t high, bool only_expr)
{
	struct number_args *a = action_args(p, sizeof(*a));
	const char *word = a ? action_word(p, "a number or an expression") : NULL;
	if (!word)
		return -1;
	a->low = low;
	a->high = high;
	a->clamp = only_expr;
	if (only_expr || !plain_number(word, &a->value)) {
		p->arg--;
		a->expr = expr_parse(p->conf, p->line, &p->arg, p->where);
		return a->expr ? 0 : -1;
	}
	if (a->value >= low && a->value <= high)
		return 0;
	conf_error(p->conf, p->line, p->arg - 1, "'%s': '%s' is not between %lld and %lld",
	    p->row->name, word, (long long)low, (long long)high);
	return -1;
}

static int parse_tos(struct action_parse *p)
{
	return parse_number(p, 0, 255, false);
}

static int parse_mark(struct action_parse *p)
{
	return parse_number(p, 0, UINT32_MAX, false);
}

static int parse_retries(struct action_parse *p)
{
	if (p->sides & RULES_BACKEND)
		return parse_number(p, 0, 100, false);
	conf_error(p->conf, p->line, p->arg - 1,
	    "'set-retries' needs a proxy with a backend side: retries are the backend's");
	return -1;
}

static int parse_class(struct action_parse *p)
{
	return parse_number(p, -2047, 2047, true);
}

static int parse_offset(struct action_parse *p)
{
	return parse_number(p, -524287, 524287, true);
}

/* data: enum rule_knob */
static bool run_number(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct number_args *a = rule->args;
	int64_t value = a->value;
	struct sample s;
	if (a->expr) {
		if (!expr_eval(a->expr, cx, SMP_SINT, &s))
			return false;
		value = a->clamp ? MAX(a->low, MIN(a->high, s.sint)) : s.sint;
		if (value < a->low || value > a->high)
			return false;
	}
	if (cx->host && cx->host->set)
		cx->host->set(cx->stream, (enum rule_knob)rule->row->data, value);
	return false;
}

static int parse_nice(struct action_parse *p)
{
	int64_t nice;
	if (!action_word(p, "a number") ||
	    conf_int(p->conf, p->line, p->arg - 1, -1024, 1024, &nice) < 0)
		return -1;
	diag_add(conf_diag(p->conf), DIAG_NOTICE, p->line->pos,
	    "action 'set-nice' has no effect: connections are served in turn");
	return 0;
}

/* ---- wait-for-handshake ---- */

#define HANDSHAKE_MS	  10000 /* a client that does not go on in so long will not */
#define HANDSHAKE_LOOK_MS 20

/*
 * A request of early data waits until the client has shown that it is no replay (RFC 8446 8). Events of a connection
 * that many requests share wake none of them for this: it is looked at now and then.
 */
static bool run_handshake(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	struct conn *c = cx->host && cx->host->conn ? cx->host->conn(cx->stream, false) : NULL;
	if (!c || !conn_is_tls(c) || tls_handshake_done(c))
		return false;
	uint64_t now = cx->worker ? worker_now_ms(cx->worker) : 0;
	int r = tls_finish_handshake(c);
	if (r == 0)
		return false;
	if (!at->state) {
		at->state = 1;
		at->since_ms = now;
	}
	if (r != -EAGAIN) {
		*ret = RULES_CLOSE;
	} else if (now - at->since_ms >= HANDSHAKE_MS) {
		*ret = RULES_TIMEOUT;
	} else {
		cx->wait_body = false;
		cx->wait_ms = HANDSHAKE_LOOK_MS;
		*ret = RULES_WAIT;
	}
	return true;
}

static bool run_nothing(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	return false;
}

static bool run_no_retry(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	if (cx->host && cx->host->set)
		cx->host->set(cx->stream, RULE_SET_NO_L7_RETRY, 1);
	return false;
}

/* ---- pause ---- */

struct pause_args {
	struct expr *expr; /* instead of ms */
	unsigned ms;
};

static int parse_pause(struct action_parse *p)
{
	struct pause_args *a = action_args(p, sizeof(*a));
	const char *word = a ? action_word(p, "a time or an expression") : NULL;
	if (!word)
		return -1;
	if (ascii_is_digit(word[0]))
		return conf_time_ms(p->conf, p->line, p->arg - 1, &a->ms);
	p->arg--;
	a->expr = expr_parse(p->conf, p->line, &p->arg, p->where);
	return a->expr ? 0 : -1;
}

/* The cursor's state is the time to wait, so that an expression is asked once. */
static bool run_pause(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct pause_args *a = rule->args;
	uint64_t now = cx->worker ? worker_now_ms(cx->worker) : 0;
	struct sample s;
	if (!at->state) {
		if (a->expr && (!expr_eval(a->expr, cx, SMP_SINT, &s) || s.sint < 0))
			return false;
		at->state = (uintptr_t)(a->expr ? MIN(s.sint, INT32_MAX) : a->ms);
		at->since_ms = now;
	}
	uint64_t waited = now - at->since_ms;
	if (waited >= at->state)
		return false;
	cx->wait_body = false;
	cx->wait_ms = at->state - waited;
	*ret = RULES_WAIT;
	return true;
}

/* ---- strict-mode ---- */

static int parse_strict(struct action_parse *p)
{
	static const char *const words[] = { "on", "off", NULL };
	int *lax = action_args(p, sizeof(*lax));
	if (!lax || !action_word(p, "'on' or 'off'"))
		return -1;
	return conf_enum(p->conf, p->line, p->arg - 1, words, lax);
}

static bool run_strict(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	cx->lax = *(const int *)rule->args;
	return false;
}

/* ---- early-hint ---- */

#define HINTS_MAX 32 /* fields of one 103 response */

struct hint_args {
	struct slice name;
	struct logfmt *fmt;
};

static int parse_hint(struct action_parse *p)
{
	struct hint_args *a = action_args(p, sizeof(*a));
	const char *name = a ? action_word(p, "a header name") : NULL;
	if (!name)
		return -1;
	a->name = action_hdr_name(p, name);
	a->fmt = a->name.ptr ? action_fmt(p, "a value") : NULL;
	return a->fmt ? 0 : -1;
}

static struct http_msg *new_hints(struct arena *arena)
{
	struct http_msg *m = arena_new(arena, struct http_msg);
	struct http_hdr *hdrs = arena_array(arena, struct http_hdr, HINTS_MAX);
	if (!m || !hdrs)
		return NULL;
	http_msg_init(m, hdrs, HINTS_MAX);
	m->version = 11;
	m->status = 103;
	m->reason = http_reason(103);
	return m;
}

static bool run_hint(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	const struct hint_args *a = rule->args;
	struct slice value = action_text(a->fmt, cx);
	if (!cx->hints)
		cx->hints = new_hints(cx->arena);
	if (!value.ptr || !cx->hints || http_hdr_add(cx->hints, a->name, value) < 0)
		return action_rewrite_failed(cx, ret);
	return false;
}

/* ---- switch-mode, use-service ---- */

static int parse_switch(struct action_parse *p)
{
	if (!(p->sides & RULES_FRONTEND)) {
		conf_error(p->conf, p->line, p->arg - 1,
		    "'switch-mode' needs a proxy with a frontend side");
		return -1;
	}
	if (!action_take(p, "http")) {
		conf_error(p->conf, p->line, p->arg, "'switch-mode' expects 'http'");
		return -1;
	}
	if (!action_take(p, "proto"))
		return 0;
	const char *proto = action_word(p, "a protocol");
	if (proto && strcmp(proto, "h1") != 0)
		conf_error(p->conf, p->line, p->arg - 1,
		    "'switch-mode http proto %s' is not supported in this version: only 'h1' is",
		    proto);
	return proto && strcmp(proto, "h1") == 0 ? 0 : -1;
}

static bool run_switch(
    const struct rule *rule, struct rule_ctx *cx, struct rule_cursor *at, enum rule_verdict *ret)
{
	*ret = RULES_HTTP;
	return true;
}

static int parse_service(struct action_parse *p)
{
	const char *name = action_word(p, "the name of a service");
	if (name)
		conf_error(p->conf, p->line, p->arg - 1,
		    "unknown service '%s': this version has none for '%s'", name,
		    action_kind_name(p->kind));
	return -1;
}

#define ON_REQUEST (ON_TCP_REQ | ON_HTTP_REQ)
#define ON_CLIENT  (ON_TCP_EARLY | ON_TCP_REQ | ON_TCP_RES | ON_HTTP_REQ | ON_HTTP_RES)
#define ON_STREAM  (ON_TCP_REQ | ON_TCP_RES | ON_HTTP_REQ | ON_HTTP_RES)

#define NUMBER(keyword, where, parser, knob, args, text)                                           \
	{                                                                                          \
		.name = keyword, .kinds = where, .parse = parser, .run = run_number, .data = knob, \
		.usage = args, .help = text                                                        \
	}

const struct action_row action_flow_rows[] = {
	NUMBER("set-fc-tos", ON_CLIENT, parse_tos, RULE_SET_FC_TOS, "{ <tos> | <expr> }",
	    "IP TOS of packets to the client"),
	NUMBER("set-fc-mark", ON_CLIENT, parse_mark, RULE_SET_FC_MARK, "{ <mark> | <expr> }",
	    "netfilter mark of packets to the client"),
	NUMBER("set-tos", ON_CLIENT, parse_tos, RULE_SET_FC_TOS, "{ <tos> | <expr> }",
	    "old name of set-fc-tos"),
	NUMBER("set-mark", ON_CLIENT, parse_mark, RULE_SET_FC_MARK, "{ <mark> | <expr> }",
	    "old name of set-fc-mark"),
	NUMBER("set-bc-tos", ON_REQUEST, parse_tos, RULE_SET_BC_TOS, "{ <tos> | <expr> }",
	    "IP TOS of packets to the server"),
	NUMBER("set-bc-mark", ON_REQUEST, parse_mark, RULE_SET_BC_MARK, "{ <mark> | <expr> }",
	    "netfilter mark of packets to the server"),
	NUMBER("set-priority-class", ON_REQUEST, parse_class, RULE_SET_PRIO_CLASS, "<expr>",
	    "class in queues, -2047 to 2047: lower ones are served first"),
	NUMBER("set-priority-offset", ON_REQUEST, parse_offset, RULE_SET_PRIO_OFFSET, "<expr>",
	    "milliseconds that the place in queues is later, or earlier when negative"),
	NUMBER("set-retries", ON_REQUEST, parse_retries, RULE_SET_RETRIES, "{ <number> | <expr> }",
	    "retries of this stream, 0 to 100"),
	{ .name = "set-nice",
	    .kinds = ON_STREAM,
	    .parse = parse_nice,
	    .run = run_nothing,
	    .usage = "<-1024..1024>",
	    .help = "no effect: connections are served in turn" },
	{ .name = "disable-l7-retry",
	    .kinds = ON_HTTP_REQ,
	    .run = run_no_retry,
	    .help = "only failed connections are tried again" },
	{ .name = "wait-for-handshake",
	    .kinds = ON_HTTP_REQ,
	    .run = run_handshake,
	    .help = "waits until the handshake behind early data is complete" },
	{ .name = "pause",
	    .kinds = ON_HTTP_REQ | ON_HTTP_RES,
	    .parse = parse_pause,
	    .run = run_pause,
	    .usage = "{ <time> | <expr> }",
	    .help = "waits so long, in milliseconds, before the next rule" },
	{ .name = "strict-mode",
	    .kinds = ON_HTTP,
	    .parse = parse_strict,
	    .run = run_strict,
	    .usage = "{ on | off }",
	    .help = "whether a failed rewrite of the rules behind is an error" },
	{ .name = "early-hint",
	    .kinds = ON_HTTP_REQ,
	    .parse = parse_hint,
	    .run = run_hint,
	    .makes_hints = true,
	    .usage = "<name> <fmt>",
	    .help = "field of a 103 response ahead of the final one" },
	{ .name = "switch-mode",
	    .kinds = ON_TCP_REQ,
	    .parse = parse_switch,
	    .run = run_switch,
	    .usage = "http [ proto h1 ]",
	    .help = "the connection goes on as HTTP; ends the list" },
	{ .name = "use-service",
	    .kinds = ON_REQUEST,
	    .parse = parse_service,
	    .usage = "<service>",
	    .help = "answers by a service; this version has none" },
	{ .name = NULL },
};
