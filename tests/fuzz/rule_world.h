/* SPDX-License-Identifier: MIT */
/*
 * A fixed request, response, connection and log record for fuzz targets of the rule languages, and a configuration
 * reader for one line of text. Included by each of them once.
 */
#ifndef WEIR_TESTS_FUZZ_RULE_WORLD_H
#define WEIR_TESTS_FUZZ_RULE_WORLD_H

#include <arpa/inet.h>
#include <sys/types.h>

#include "weir/base/htab.h"
#include "weir/rule/acl_scope.h"
#include "weir/rule/rule.h"

struct world {
	struct arena conf_mem, mem;
	struct acl_scope *scope;
	struct log_record record;
	struct net_peer peer;
	struct slice captures[3];
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

static const struct log_record *record_of(void *stream)
{
	return &((struct world *)stream)->record;
}

static const struct net_peer *dst_of(void *stream)
{
	return &((struct world *)stream)->peer;
}

static int64_t gauge_of(void *stream, const char *fetch, const char *object)
{
	return (int64_t)strlen(object);
}

static const struct rule_host host = { .dst = dst_of, .gauge = gauge_of, .record = record_of };

static void world_fill(struct world *r)
{
	static const char body[] = "a=1&b=%41+c\0\x05hello\x03\x00\x00\x25";
	arena_init(&r->conf_mem, 65536);
	arena_init(&r->mem, 65536);
	r->scope = acl_scope_new(&r->conf_mem, NULL);
	r->peer.in.sin_family = AF_INET;
	r->peer.in.sin_addr.s_addr = htonl(0x0a010203);
	r->captures[0] = SLICE("a|b\x01\"");
	r->captures[2] = SLICE("\xf0\x9f\x98\x80\xff");
	r->record = (struct log_record){ .http = true,
		.status = 200,
		.bytes_down = 70000,
		.method = SLICE("GET"),
		.uri = SLICE("/a/b?c=d"),
		.path = SLICE("/a/b"),
		.version = SLICE("HTTP/1.1"),
		.frontend = SLICE("fe"),
		.req_captures = r->captures,
		.req_captures_n = 3,
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

static void world_done(struct world *r)
{
	arena_reset(&r->conf_mem);
	arena_reset(&r->mem);
}

static void *open_section(const struct conf_call *call)
{
	return conf_user(call->conf);
}

/* Reads text, lines of a section with these keywords; their setters find user by conf_user(). */
static void world_read(
    struct world *r, const struct conf_keyword *const *tables, void *user, const char *text)
{
	const struct conf_section section = {
		.name = "frontend", .scope = CONF_FRONTEND, .open = open_section, .tables = tables
	};
	const struct conf_section *const sections[] = { &section, NULL };
	struct diag *diag = diag_new();
	const struct conf_setup setup = { .sections = sections,
		.keywords = tables,
		.diag = diag,
		.arena = &r->conf_mem,
		.user = user,
		.version = "3.5.0" };
	struct conf *conf = conf_new(&setup);
	require(conf_add_text(conf, "t", slice_str(text)) == 0);
	int err = conf_read(conf);
	require((err == 0) == (diag_count(diag, DIAG_ERROR) == 0));
	conf_free(conf);
	diag_free(diag);
}

/* Files would let the fuzzer read whatever it names. */
static bool names_a_file(const char *text)
{
	return strstr(text, "file") || strstr(text, "map") || strstr(text, "-f") ||
	       strchr(text, '\n');
}

#endif
