/* SPDX-License-Identifier: MIT */
/*
 * "capture ..." and "declare capture ...": what is kept of a request and response for the logs. Each capture
 * has a slot; slots count from 0 in the order of the file, separately for requests and responses.
 */
#include "conf_int.h"

#include <limits.h>

/* Longest value that one capture may keep: it lives in the stream's arena. */
#define CAPTURE_LEN_MAX 65535

/* "len <length>" at arg */
static int parse_len(const struct conf_call *call, int arg, unsigned *ret)
{
	int64_t len;
	if (strcmp(call->line->argv[arg], "len") != 0 || arg + 1 >= call->line->argc) {
		conf_error(
		    call->conf, call->line, arg, "'%s' expects 'len <length>'", call->row->name);
		return -1;
	}
	if (conf_int(call->conf, call->line, arg + 1, 1, CAPTURE_LEN_MAX, &len) < 0)
		return -1;
	*ret = (unsigned)len;
	return no_more_words(call->conf, call->line, arg + 2) ? 0 : -1;
}

/* The new capture, or NULL when memory is short. name may be NULL. */
static struct capture_conf *append(struct proxy *p, bool response, const char *name, unsigned len)
{
	struct capture_conf *c = arena_new(p->arena, struct capture_conf);
	struct capture_conf **at = response ? &p->res_captures : &p->req_captures;
	if (!c)
		return NULL;
	while (*at)
		at = &(*at)->next;
	if (name) {
		c->name = lower_name(p->arena, name);
		if (!c->name.ptr)
			return NULL;
	}
	c->len = len;
	c->slot = response ? p->res_captures_n++ : p->req_captures_n++;
	*at = c;
	return c;
}

int capture_slot(void *proxy, bool response, unsigned len)
{
	const struct capture_conf *c = append(proxy, response, NULL, len);
	return c ? (int)c->slot : -1;
}

/* data: 1 for responses */
static int capture_header(const struct conf_call *call)
{
	const struct conf_line *line = call->line;
	unsigned len;
	if (wrong_side(call))
		return 0;
	if (strcmp(line->argv[call->arg], "header") != 0) {
		conf_error(call->conf, line, call->arg, "'%s' expects 'header <name> len <length>'",
		    call->row->name);
		return -1;
	}
	if (parse_len(call, call->arg + 2, &len) < 0)
		return -1;
	return append(call->object, call->row->data, line->argv[call->arg + 1], len)
		   ? 0
		   : no_memory(call->conf, line);
}

static int capture_cookie(const struct conf_call *call)
{
	struct proxy *p = call->object;
	unsigned len;
	if (wrong_side(call))
		return 0;
	if (parse_len(call, call->arg + 1, &len) < 0)
		return -1;
	p->capture_cookie = arena_slice(p->arena, slice_str(call->line->argv[call->arg]));
	p->capture_cookie_len = len;
	return p->capture_cookie.ptr ? 0 : no_memory(call->conf, call->line);
}

static int declare_capture(const struct conf_call *call)
{
	static const char *const sides[] = { "request", "response", NULL };
	struct proxy *p = call->object;
	unsigned len;
	int side;
	if (!(p->caps & PROXY_FE)) {
		conf_error(call->conf, call->line, 0,
		    "'declare capture' is only available in frontend and listen sections");
		return -1;
	}
	if (conf_enum(call->conf, call->line, call->arg, sides, &side) < 0 ||
	    parse_len(call, call->arg + 1, &len) < 0)
		return -1;
	return append(p, side == 1, NULL, len) ? 0 : no_memory(call->conf, call->line);
}

#define NOT_DEFAULTS (CONF_FRONTEND | CONF_BACKEND | CONF_LISTEN)

const struct conf_keyword proxy_capture_keywords[] = {
	{ "capture request", NOT_DEFAULTS, KW_FE, 4, 4, capture_header, 0,
	    "header <name> len <length>", "keeps a request header for the logs" },
	{ "capture response", NOT_DEFAULTS, KW_FE, 4, 4, capture_header, 1,
	    "header <name> len <length>", "keeps a response header for the logs" },
	{ "capture cookie", NOT_DEFAULTS, KW_FE, 3, 3, capture_cookie, 0, "<name> len <length>",
	    "keeps a cookie of request and response for the logs" },
	{ "declare capture", NOT_DEFAULTS, 0, 3, 3, declare_capture, 0,
	    "{ request | response } len <length>", "reserves a slot for the action 'capture'" },
	{ .name = NULL },
};
