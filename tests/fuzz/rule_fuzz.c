/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of the rule languages: the first byte picks expression, condition, log format, rule or ACL, the
 * rest is the text of one line. What compiles is evaluated against a fixed request, response and record, so
 * that fetches, converters, patterns and actions run on whatever arguments the fuzzer found.
 */
#include <arpa/inet.h>
#include <sys/types.h>

#include "weir/base/htab.h"
#include "weir/rule/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct arena conf_mem, mem;
	struct acl_scope *scope;
	struct ruleset set;
	struct expr *expr;
	struct cond *cond;
	struct logfmt *fmt;
	struct log_record record;
	struct net_peer peer;
	struct rule_ctx cx;
	struct http_msg req, res;
	struct http_hdr hdrs[2][16];
	struct worker worker;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int set_line(const struct conf_call *call)
{
	struct run *r = conf_user(call->conf);
	int arg = call->arg;
	bool ok;
	if (arg >= call->line->argc)
		return 0;
	switch (call->row->data) {
	case 'e':
		r->expr = expr_parse(call->conf, call->line, &arg, 0);
		return 0;
	case 'c':
		r->cond = cond_parse(call->conf, call->line, arg, r->scope, 0, &ok);
		return 0;
	case 'f':
		r->fmt =
		    logfmt_parse(call->conf, call->line, arg, call->line->argv[arg], 0, LOGFMT_LOG);
		return 0;
	case 'h':
		r->fmt = logfmt_parse(
		    call->conf, call->line, arg, call->line->argv[arg], 0, LOGFMT_HTTP);
		return 0;
	case 'a':
		return acl_add(call->conf, call->line, arg, r->scope);
	default:
		return rule_add(call->conf, call->line, arg, (enum rules_kind)call->row->data,
		    &r->set, r->scope, true);
	}
}

static void *open_section(const struct conf_call *call)
{
	return conf_user(call->conf);
}

#define ROW(word, what)                                                                            \
	{                                                                                          \
		word, CONF_FRONTEND, 0, 0, -1, set_line, what, "", ""                              \
	}
static const struct conf_keyword rows[] = {
	ROW("expr", 'e'),
	ROW("cond", 'c'),
	ROW("fmt", 'f'),
	ROW("hfmt", 'h'),
	ROW("acl", 'a'),
	ROW("http-request", RULES_HTTP_REQ),
	ROW("http-response", RULES_HTTP_RES),
	{ .name = NULL },
};
static const struct conf_keyword *const tables[] = { rows, NULL };
static const struct conf_section section = {
	.name = "frontend", .scope = CONF_FRONTEND, .open = open_section, .tables = tables
};
static const struct conf_section *const sections[] = { &section, NULL };

static const struct log_record *record_of(void *stream)
{
	return &((struct run *)stream)->record;
}

static const struct net_peer *dst_of(void *stream)
{
	return &((struct run *)stream)->peer;
}

static int64_t gauge_of(void *stream, const char *fetch, const char *object)
{
	return (int64_t)strlen(object);
}

static const struct rule_host host = { .dst = dst_of, .gauge = gauge_of, .record = record_of };

static void fill(struct run *r)
{
	static const char body[] = "a=1&b=%41+c\0\x05hello\x03\x00\x00\x25";
	r->peer.in.sin_family = AF_INET;
	r->peer.in.sin_addr.s_addr = htonl(0x0a010203);
	r->record = (struct log_record){ .http = true,
		.method = SLICE("GET"),
		.uri = SLICE("/a/b?c=d"),
		.t = { .accept = 1000, .accept_wall = 1700000000000000 } };
	http_msg_init(&r->req, r->hdrs[0], 16);
	http_msg_init(&r->res, r->hdrs[1], 16);
	r->req.method_name = SLICE("GET");
	r->req.method = HTTP_GET;
	r->req.version = 11;
	r->req.target = SLICE("http://h.example:80/p/q.css?x=1&y=%20&x=");
	r->res.status = 200;
	require(http_hdr_add(&r->req, SLICE("host"), SLICE("h.example:80")) == 0);
	require(http_hdr_add(&r->req, SLICE("cookie"), SLICE("a=b; c=\"d\"; =; e")) == 0);
	require(http_hdr_add(&r->req, SLICE("x"), SLICE("a, \"b,c\",, d\x7f\xff")) == 0);
	require(http_hdr_add(&r->res, SLICE("set-cookie"), SLICE("s=1; path=/")) == 0);
	r->cx = (struct rule_ctx){ .host = &host,
		.stream = r,
		.worker = &r->worker,
		.arena = &r->mem,
		.src = &r->peer,
		.req = &r->req,
		.res = &r->res,
		.req_buf = slice_make(body, sizeof(body) - 1),
		.res_buf = slice_make(body, sizeof(body) - 1),
		.at = RULE_AT_REQ_HTTP,
		.req_final = true,
		.res_final = true };
}

static void evaluate(struct run *r)
{
	char out[512];
	struct sample s;
	struct rule_cursor at = { .rule = NULL };
	for (unsigned to = SMP_ANY; r->expr && to < SMP_N; to++) {
		if (!expr_eval(r->expr, &r->cx, (enum sample_type)to, &s))
			continue;
		require(to == SMP_ANY || s.type == to);
		/* Reading all of it shows a slice that points astray. */
		if ((s.type == SMP_STR || s.type == SMP_BIN) && s.str.len)
			(void)hash_slice(s.str);
	}
	if (r->cond)
		require(cond_eval(r->cond, &r->cx) >= 0);
	for (size_t cap = 0; r->fmt && cap <= sizeof(out); cap += 64)
		require(logfmt_write(r->fmt, &r->cx, out, cap) <= cap);
	(void)rules_run(&r->set, &r->cx, &at);
}

/* Files would let the fuzzer read whatever it names. */
static bool names_a_file(const char *text)
{
	return strstr(text, "file") || strstr(text, "map") || strstr(text, "-f") ||
	       strchr(text, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run r;
	if (size < 2 || size > 4096)
		return 0;
	memset(&r, 0, sizeof(r));
	arena_init(&r.conf_mem, 65536);
	arena_init(&r.mem, 65536);
	fill(&r);
	r.scope = acl_scope_new(&r.conf_mem, NULL);
	struct diag *diag = diag_new();
	const struct conf_setup setup = { .sections = sections,
		.keywords = tables,
		.diag = diag,
		.arena = &r.conf_mem,
		.user = &r,
		.version = "3.5.0" };
	struct conf *conf = conf_new(&setup);
	char *rest = arena_slice_dup(&r.conf_mem, slice_make((const char *)data + 1, size - 1));
	const char *word = rows[data[0] % (ARRAY_SIZE(rows) - 1)].name;
	char *text = arena_printf(&r.conf_mem, "frontend f\n%s %s\n", word, rest);
	if (text && !names_a_file(rest)) {
		require(conf_add_text(conf, "t", slice_str(text)) == 0);
		int err = conf_read(conf);
		require((err == 0) == (diag_count(diag, DIAG_ERROR) == 0));
		evaluate(&r);
	}
	conf_free(conf);
	diag_free(diag);
	arena_reset(&r.conf_mem);
	arena_reset(&r.mem);
	return 0;
}
