/* SPDX-License-Identifier: MIT */
/*
 * Reads rules from a configuration text and evaluates them against one request, response and log record. The
 * text is the inside of a section with the keywords expr, cond, fmt (log), hfmt (header value), acl and the
 * rule keywords. One fixture a test.
 */
#ifndef WEIR_TESTS_UNIT_RULE_FIXTURE_H
#define WEIR_TESTS_UNIT_RULE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <unistd.h>

#include "weir/base/strbuf.h"
#include "weir/rule/acl_scope.h"
#include "weir/rule/patterns.h"
#include "weir/rule/rule.h"
#include "weir/rule/token.h"

struct fixture {
	struct arena conf_mem, mem;
	char *messages;
	struct acl_scope *scope;
	struct ruleset sets[RULES_KIND_N];
	struct expr *expr;
	struct cond *cond;
	struct logfmt *fmt;
	unsigned where; /* of expr, cond, fmt */
	struct http_hdr req_hdrs[64], res_hdrs[64];
	struct http_msg req, res;
	struct rule_ctx cx;
	struct rule_cursor cursor;
	struct net_peer src, dst, fc_src, fc_dst;
	int client_fd, server_fd; /* -1: none */
	struct slice tlvs;
	struct log_record record;
	struct worker worker;
	struct strbuf calls; /* of the host */
	unsigned captures;
	struct pattern_store *patterns;
};

static int fx_expr(const struct conf_call *call)
{
	struct fixture *f = conf_user(call->conf);
	int arg = call->arg;
	f->expr = expr_parse(call->conf, call->line, &arg, f->where);
	if (f->expr && arg != call->line->argc)
		conf_error(call->conf, call->line, arg, "left over");
	return 0;
}

static int fx_token(const struct conf_call *call)
{
	return rule_token_allow(call->conf, call->line, call->arg, call->row->data);
}

static int fx_cond(const struct conf_call *call)
{
	struct fixture *f = conf_user(call->conf);
	bool ok;
	f->cond = cond_parse(call->conf, call->line, call->arg, f->scope, f->where, &ok);
	return 0;
}

static int fx_fmt(const struct conf_call *call)
{
	struct fixture *f = conf_user(call->conf);
	f->fmt = logfmt_parse(call->conf, call->line, call->arg, call->line->argv[call->arg],
	    call->row->data & LOGFMT_LOG ? RULE_AT_LOG : f->where, (unsigned)call->row->data);
	return 0;
}

static int fx_acl(const struct conf_call *call)
{
	struct fixture *f = conf_user(call->conf);
	return acl_add(call->conf, call->line, call->arg, f->scope);
}

static int fx_rule(const struct conf_call *call)
{
	struct fixture *f = conf_user(call->conf);
	enum rules_kind kind = (enum rules_kind)call->row->data;
	return rule_add(call->conf, call->line, call->arg, kind, &f->sets[kind], f->scope,
	    RULES_FRONTEND | RULES_BACKEND);
}

static int fx_redirect(const struct conf_call *call)
{
	struct fixture *f = conf_user(call->conf);
	return rule_add_redirect(
	    call->conf, call->line, call->arg, &f->sets[RULES_HTTP_REQ], f->scope);
}

#define FX_ROW(word, fn, number)                                                                   \
	{                                                                                          \
		word, CONF_FRONTEND, 0, 0, -1, fn, number, "", ""                                  \
	}
static const struct conf_keyword fx_rows[] = {
	FX_ROW("expr", fx_expr, 0),
	FX_ROW("cond", fx_cond, 0),
	FX_ROW("algs", fx_token, false),
	FX_ROW("encs", fx_token, true),
	FX_ROW("fmt", fx_fmt, LOGFMT_LOG),
	FX_ROW("hfmt", fx_fmt, LOGFMT_HTTP),
	FX_ROW("tcpfmt", fx_fmt, LOGFMT_LOG | LOGFMT_TCP),
	FX_ROW("varfmt", fx_fmt, 0),
	FX_ROW("acl", fx_acl, 0),
	FX_ROW("redirect", fx_redirect, 0),
	FX_ROW("http-request", fx_rule, RULES_HTTP_REQ),
	FX_ROW("http-response", fx_rule, RULES_HTTP_RES),
	FX_ROW("http-after-response", fx_rule, RULES_HTTP_AFTER_RES),
	FX_ROW("tcp-request connection", fx_rule, RULES_TCP_CONNECTION),
	FX_ROW("tcp-request session", fx_rule, RULES_TCP_SESSION),
	FX_ROW("tcp-request content", fx_rule, RULES_TCP_REQ_CONTENT),
	FX_ROW("tcp-response content", fx_rule, RULES_TCP_RES_CONTENT),
	{ .name = NULL },
};

static void *fx_open(const struct conf_call *call)
{
	return conf_user(call->conf);
}

static const struct conf_keyword *const fx_tables[] = { fx_rows, NULL };
static const struct conf_section fx_section = {
	.name = "frontend", .scope = CONF_FRONTEND, .open = fx_open, .tables = fx_tables
};
static const struct conf_section *const fx_sections[] = { &fx_section, &section_userlist, NULL };

/* ---- the host ---- */

static const struct net_peer *fx_dst(void *stream)
{
	return &((struct fixture *)stream)->dst;
}

static const struct net_peer *fx_fc_peer(void *stream, bool dst)
{
	struct fixture *f = stream;
	return dst ? &f->fc_dst : &f->fc_src;
}

static int fx_fd(void *stream, bool server)
{
	struct fixture *f = stream;
	return server ? f->server_fd : f->client_fd;
}

static int64_t fx_gauge(void *stream, const char *fetch, const char *object)
{
	if (strcmp(fetch, "nbsrv") == 0)
		return *object ? 3 : RULE_GAUGE_NONE;
	if (strcmp(fetch, "srv_is_up") == 0)
		return strcmp(object, "b/up") == 0;
	return 7;
}

static struct slice fx_name(void *stream, const char *what)
{
	if (strcmp(what, "fc_pp_tlvs") == 0)
		return ((struct fixture *)stream)->tlvs;
	return strcmp(what, "fe_name") == 0 ? SLICE("front") : SLICE_NULL;
}

WEIR_UNUSED static void fx_capture(void *stream, bool response, unsigned slot, struct slice value)
{
	struct fixture *f = stream;
	strbuf_addf(&f->calls, "capture %d %u %.*s\n", response, slot, SLICE_ARG(value));
}

WEIR_UNUSED static void fx_level(void *stream, int level)
{
	strbuf_addf(&((struct fixture *)stream)->calls, "level %d\n", level);
}

WEIR_UNUSED static void fx_timeout(void *stream, const char *which, unsigned ms)
{
	strbuf_addf(&((struct fixture *)stream)->calls, "timeout %s %u\n", which, ms);
}

static const struct log_record *fx_record(void *stream)
{
	return &((struct fixture *)stream)->record;
}

WEIR_UNUSED static void fx_set_src(void *stream, const struct net_peer *peer, bool is_dst)
{
	char text[NET_ADDR_TEXT];
	strbuf_addf(&((struct fixture *)stream)->calls, "%s %s %u\n", is_dst ? "dst" : "src",
	    net_peer_text(peer, text), net_peer_port(peer));
}

WEIR_UNUSED static void fx_set(void *stream, enum rule_knob knob, int64_t value)
{
	strbuf_addf(
	    &((struct fixture *)stream)->calls, "set %d %lld\n", (int)knob, (long long)value);
}

WEIR_UNUSED static void fx_interim(void *stream, struct http_msg *m)
{
	struct fixture *f = stream;
	strbuf_addf(&f->calls, "%u", m->status);
	for (unsigned i = 0; i < m->hdrs_n; i++)
		strbuf_addf(&f->calls, " %.*s=%.*s", m->hdrs[i].name_len, m->hdrs[i].name,
		    (int)m->hdrs[i].value_len, m->hdrs[i].value);
	strbuf_adds(&f->calls, "\n");
}

static int fx_add_capture(void *proxy, bool response, unsigned len)
{
	return (int)((struct fixture *)proxy)->captures++;
}

static const struct rule_host fx_host = {
	.dst = fx_dst,
	.fc_peer = fx_fc_peer,
	.fd = fx_fd,
	.gauge = fx_gauge,
	.name = fx_name,
	.capture = fx_capture,
	.set_log_level = fx_level,
	.set_timeout = fx_timeout,
	.record = fx_record,
	.set_src = fx_set_src,
	.set = fx_set,
	.interim = fx_interim,
};

/* ---- use ---- */

WEIR_UNUSED static void fx_peer(struct net_peer *p, const char *ip, unsigned port)
{
	memset(p, 0, sizeof(*p));
	if (strchr(ip, ':')) {
		p->in6.sin6_family = AF_INET6;
		p->in6.sin6_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET6, ip, &p->in6.sin6_addr), 1);
		return;
	}
	p->in.sin_family = AF_INET;
	p->in.sin_port = htons((uint16_t)port);
	assert_int_equal(inet_pton(AF_INET, ip, &p->in.sin_addr), 1);
}

WEIR_UNUSED static void fx_new(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	arena_init(&f->conf_mem, 16384);
	arena_init(&f->mem, 16384);
	f->scope = acl_scope_new(&f->conf_mem, NULL);
	acl_scope_on_capture(f->scope, fx_add_capture, f);
	f->where = RULE_AT_REQ_HTTP;
	fx_peer(&f->src, "10.1.2.3", 40000);
	fx_peer(&f->dst, "10.9.9.9", 80);
	fx_peer(&f->fc_src, "10.1.2.4", 40001);
	fx_peer(&f->fc_dst, "10.9.9.8", 81);
	f->client_fd = f->server_fd = -1;
	f->worker.clock.wall_us = 1700000000123456;
	f->worker.clock.mono_ms = 1000;
	f->cx = (struct rule_ctx){ .host = &fx_host,
		.stream = f,
		.worker = &f->worker,
		.arena = &f->mem,
		.src = &f->src,
		.at = RULE_AT_REQ_HTTP,
		.req_final = true };
}

WEIR_UNUSED static void fx_free(struct fixture *f)
{
	free(f->messages);
	strbuf_done(&f->calls);
	arena_reset(&f->conf_mem);
	arena_reset(&f->mem);
}

/* Reads lines; returns what was said about them, "" when nothing was. */
WEIR_UNUSED static const char *fx_read(struct fixture *f, const char *lines)
{
	struct diag *diag = diag_new();
	const struct conf_setup setup = { .sections = fx_sections,
		.keywords = fx_tables,
		.diag = diag,
		.arena = &f->conf_mem,
		.user = f,
		.version = "3.5.0" };
	struct conf *conf = conf_new(&setup);
	conf_allow_experimental(conf);
	char *text = arena_printf(&f->conf_mem, "frontend f\n%s\n", lines);
	size_t size;
	free(f->messages);
	f->messages = NULL;
	assert_int_equal(conf_add_text(conf, "t", slice_str(text)), 0);
	(void)conf_read(conf);
	f->patterns = patterns_finish(conf);
	(void)userlists_finish(conf);
	FILE *out = open_memstream(&f->messages, &size);
	diag_print(diag, DIAG_WARNING, out);
	fclose(out);
	conf_free(conf);
	diag_free(diag);
	return f->messages;
}

/* Reads lines that must be right. */
WEIR_UNUSED static void fx_load(struct fixture *f, const char *lines)
{
	const char *said = fx_read(f, lines);
	if (*said)
		fail_msg("%s", said);
}

WEIR_UNUSED static void fx_msg(
    struct http_msg *m, struct http_hdr *hdrs, struct arena *mem, const char *fields)
{
	http_msg_init(m, hdrs, 64);
	struct slice rest = slice_str(arena_strdup(mem, fields));
	while (rest.ptr && rest.len) {
		struct slice line = slice_cut(&rest, '\n');
		size_t colon = slice_find(line, ':');
		char *name = arena_slice_dup(mem, slice_sub(line, 0, colon));
		for (char *c = name; *c; c++)
			*c = ascii_lower(*c);
		assert_int_equal(http_hdr_add(m, slice_str(name),
				     slice_trim_ows(slice_sub(line, colon + 1, line.len))),
		    0);
	}
}

/* "GET /path" and fields, one a line. */
WEIR_UNUSED static void fx_request(
    struct fixture *f, const char *method, const char *target, const char *fields)
{
	fx_msg(&f->req, f->req_hdrs, &f->mem, fields);
	f->req.flags |= HTTP_MSG_REQUEST;
	f->req.method_name = slice_str(method);
	f->req.method = http_method_of(f->req.method_name);
	f->req.target = slice_str(arena_strdup(&f->mem, target));
	f->req.version = 11;
	f->cx.req = &f->req;
	f->cx.target_of = NULL;
	f->cx.host_hdr = NULL;
	f->cx.host_seen = 0;
}

WEIR_UNUSED static void fx_response(struct fixture *f, unsigned status, const char *fields)
{
	fx_msg(&f->res, f->res_hdrs, &f->mem, fields);
	f->res.status = (uint16_t)status;
	f->res.reason = http_reason(status);
	f->res.version = 11;
	f->cx.res = &f->res;
	f->cx.at = RULE_AT_RES_HTTP;
	f->where = RULE_AT_RES_HTTP;
}

/* The value of an expression as text; "<none>" without one. In the fixture's memory. */
WEIR_UNUSED static const char *fx_eval(struct fixture *f, const char *text)
{
	struct sample s;
	fx_load(f, arena_printf(&f->mem, "expr %s", text));
	if (!expr_eval(f->expr, &f->cx, SMP_STR, &s))
		return "<none>";
	return arena_slice_dup(&f->mem, s.str);
}

WEIR_UNUSED static int fx_test(struct fixture *f, const char *condition)
{
	fx_load(f, arena_printf(&f->mem, "cond %s", condition));
	return cond_eval(f->cond, &f->cx);
}

WEIR_UNUSED static const char *fx_format(struct fixture *f, const char *line)
{
	char out[4096];
	fx_load(f, line);
	size_t n = logfmt_write(f->fmt, &f->cx, out, sizeof(out));
	return arena_slice_dup(&f->mem, slice_make(out, n));
}

WEIR_UNUSED static enum rule_verdict fx_run(struct fixture *f, enum rules_kind kind)
{
	f->cursor = (struct rule_cursor){ .rule = NULL };
	return rules_run(&f->sets[kind], &f->cx, &f->cursor);
}

/* All fields of a message, "name: value\n" each. */
WEIR_UNUSED static const char *fx_fields(struct fixture *f, const struct http_msg *m)
{
	char *text = arena_strdup(&f->mem, "");
	for (unsigned i = 0; i < m->hdrs_n; i++) {
		const struct http_hdr *h = &m->hdrs[i];
		if (h->flags & HTTP_HDR_DELETED)
			continue;
		text = arena_printf(&f->mem, "%s%.*s: %.*s\n", text, h->name_len, h->name,
		    (int)h->value_len, h->value);
	}
	return text;
}

/* The status and fields of the reply, then its body. */
WEIR_UNUSED static const char *fx_reply(struct fixture *f)
{
	const struct rule_reply *r = f->cx.reply;
	char *text = arena_printf(&f->mem, "%u%s\n", r->status, r->plain ? " plain" : "");
	if (r->content_type.len)
		text = arena_printf(&f->mem, "%s%.*s\n", text, SLICE_ARG(r->content_type));
	for (unsigned i = 0; i < r->hdrs_n; i++)
		text = arena_printf(&f->mem, "%s%.*s: %.*s\n", text, SLICE_ARG(r->hdrs[i].name),
		    SLICE_ARG(r->hdrs[i].value));
	return arena_printf(&f->mem, "%s%.*s", text, SLICE_ARG(r->body));
}

#endif
