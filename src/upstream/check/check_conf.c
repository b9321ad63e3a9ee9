/* SPDX-License-Identifier: MIT */
/*
 * "option httpchk", "option tcp-check" and the lines "http-check ..." and "tcp-check ...": a list of steps. Lines of
 * a section replace those that it inherited. Reading the configuration, one thread.
 */
#include "check_internal.h"

#include "weir/base/arena.h"
#include "weir/upstream/upstream_conf.h"

static int no_memory(struct conf *conf, const struct conf_line *line)
{
	conf_error(conf, line, -1, "out of memory");
	return -1;
}

struct httpchk_conf *check_own(
    struct conf *conf, const struct conf_line *line, const void *owner, struct httpchk_conf **ptr)
{
	const struct httpchk_conf *old = *ptr;
	if (old && old->owner == owner)
		return *ptr;
	struct httpchk_conf *h = arena_new(conf_arena(conf), struct httpchk_conf);
	if (!h) {
		(void)no_memory(conf, line);
		return NULL;
	}
	h->method = "OPTIONS";
	h->uri = "/";
	h->version = "HTTP/1.0";
	if (old)
		*h = *old;
	h->owner = owner;
	h->option_here = false;
	h->finished = false;
	h->first = NULL;
	h->last = &h->first;
	h->lines_n = 0;
	*ptr = h;
	return h;
}

struct check_step *check_step_add(struct conf *conf, const struct conf_line *line,
    struct httpchk_conf *h, enum check_step_kind kind)
{
	struct check_step *s = arena_new(conf_arena(conf), struct check_step);
	if (!s) {
		(void)no_memory(conf, line);
		return NULL;
	}
	s->kind = kind;
	s->number = ++h->lines_n;
	*h->last = s;
	h->last = &s->next;
	return s;
}

bool check_word(struct conf *conf, const struct conf_line *line, int arg, bool spaces)
{
	for (const char *p = line->argv[arg]; *p; p++) {
		if ((unsigned char)*p >= (spaces ? ' ' : '!') && *p != 0x7f)
			continue;
		conf_error(
		    conf, line, arg, "this word has a byte that cannot be sent in a request");
		return false;
	}
	return true;
}

int check_format(struct conf *conf, const struct conf_line *line, int arg, unsigned flags,
    const struct logfmt **ret)
{
	*ret = logfmt_parse(conf, line, arg, line->argv[arg], RULE_AT_CHECK, flags);
	return *ret ? 0 : -1;
}

int httpchk_parse(struct conf *conf, const struct conf_line *line, int arg, const void *owner,
    struct httpchk_conf **conf_ptr)
{
	struct arena *arena = conf_arena(conf);
	int n = line->argc - arg;
	struct httpchk_conf *h = check_own(conf, line, owner, conf_ptr);
	if (!h)
		return -1;
	if (n > 4) {
		conf_error(conf, line, arg + 4,
		    "'option httpchk' takes at most a method, a URI, a "
		    "version and a host");
		return -1;
	}
	for (int i = 0; i < n; i++)
		if (!check_word(conf, line, arg + i, i >= 2))
			return -1;
	h->http = true;
	h->option_here = true;
	h->method = n >= 2 ? arena_strdup(arena, line->argv[arg]) : "OPTIONS";
	h->uri = n ? arena_strdup(arena, line->argv[arg + (n >= 2)]) : "/";
	h->version = n >= 3 ? arena_strdup(arena, line->argv[arg + 2]) : "HTTP/1.0";
	h->host = n >= 4 ? arena_strdup(arena, line->argv[arg + 3]) : NULL;
	return h->method && h->uri && h->version ? 0 : no_memory(conf, line);
}

int tcpchk_parse(struct conf *conf, const struct conf_line *line, const void *owner,
    struct httpchk_conf **conf_ptr)
{
	return check_own(conf, line, owner, conf_ptr) ? 0 : -1;
}

/* ---- connect ---- */

static int parse_port(
    struct conf *conf, const struct conf_line *line, int *arg, struct check_connect *c)
{
	uint64_t port;
	struct slice text = slice_str(line->argv[*arg]);
	if (text.len && ascii_is_digit(text.ptr[0])) {
		if (slice_to_u64(text, 65535, &port) < 0 || port == 0) {
			conf_error(conf, line, *arg, "a port is expected, from 1 to 65535");
			return -1;
		}
		c->port = (unsigned)port;
		(*arg)++;
		return 0;
	}
	c->port_expr = expr_parse(conf, line, arg, RULE_AT_CHECK);
	return c->port_expr ? 0 : -1;
}

static int parse_addr(
    struct conf *conf, const struct conf_line *line, int arg, struct check_connect *c)
{
	struct net_spec spec;
	char err[128];
	if (net_spec_parse(slice_str(line->argv[arg]), NET_ALLOW_NAME | NET_ALLOW_UNIX, &spec, err,
		sizeof(err)) < 0) {
		conf_error(conf, line, arg, "'addr': %s", err);
		return -1;
	}
	if (spec.addr.len == 0 && net_resolve(&spec, &spec.addr) < 0) {
		conf_error(conf, line, arg, "'addr': could not resolve '%s'", line->argv[arg]);
		return -1;
	}
	c->addr = spec.addr;
	if (spec.port_mode == NET_PORT_FIXED && spec.port && !c->port)
		c->port = spec.port;
	return 0;
}

/* The order is that of enum server_proto. */
static int connect_proto(
    struct conf *conf, const struct conf_line *line, int arg, struct check_connect *c)
{
	static const char *const protocols[] = { "none", "h1", "h2", NULL };
	int word;
	if (conf_enum(conf, line, arg, protocols, &word) < 0)
		return -1;
	c->proto = (uint8_t)word;
	return 0;
}

/* One option of "connect"; *arg stands on its word and is moved behind it. */
static int connect_option(
    struct conf *conf, const struct conf_line *line, int *arg, struct check_step *step)
{
	static const char *const words[] = { "default", "send-proxy", "via-socks4", "linger", "ssl",
		"port", "addr", "comment", "sni", "alpn", "proto", NULL };
	struct check_connect *c = &step->connect;
	int word, at = *arg;
	if (conf_enum(conf, line, at, words, &word) < 0)
		return -1;
	if (word >= 5 && at + 1 >= line->argc) {
		conf_error(conf, line, at, "'%s' expects a value", words[word]);
		return -1;
	}
	*arg = at + 1 + (word >= 6);
	switch (word) {
	case 0:
		c->defaults = true;
		return 0;
	case 1:
		c->send_proxy = true;
		return 0;
	case 2:
		c->via_socks4 = true;
		return 0;
	case 3:
		c->linger = true;
		return 0;
	case 4:
		c->tls = true;
		return 0;
	case 5:
		return parse_port(conf, line, arg, c);
	case 6:
		return parse_addr(conf, line, at + 1, c);
	case 8:
		c->sni = arena_strdup(conf_arena(conf), line->argv[at + 1]);
		return c->sni ? 0 : no_memory(conf, line);
	case 9:
		return server_alpn_parse(conf, line, at + 1, &c->alpn);
	case 10:
		return connect_proto(conf, line, at + 1, c);
	default:
		step->comment = arena_strdup(conf_arena(conf), line->argv[at + 1]);
		return step->comment ? 0 : no_memory(conf, line);
	}
}

static int parse_connect(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf *h)
{
	for (const struct check_step *s = h->first; s; s = s->next) {
		if (s->kind == STEP_CONNECT)
			break;
		if (s->kind == STEP_VAR || s->kind == STEP_COMMENT)
			continue;
		conf_error(conf, line, -1,
		    "a check with a 'connect' must begin with one; only variables and comments may "
		    "stand in front of it");
		return -1;
	}
	struct check_step *step = check_step_add(conf, line, h, STEP_CONNECT);
	if (!step)
		return -1;
	while (arg < line->argc)
		if (connect_option(conf, line, &arg, step) < 0)
			return -1;
	return 0;
}

/* ---- the lines ---- */

/* "http-check send": not twice on one connection. */
static int parse_http_send(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf *h)
{
	bool sent = false;
	for (const struct check_step *s = h->first; s; s = s->next) {
		if (s->kind == STEP_CONNECT)
			sent = false;
		else if (s->kind == STEP_SEND || s->kind == STEP_EXPECT)
			sent = true;
	}
	if (sent) {
		conf_error(conf, line, -1,
		    "a request of a health check must be the first on its connection: 'http-check "
		    "connect' is missing in front of it");
		return -1;
	}
	struct check_step *step = check_step_add(conf, line, h, STEP_SEND);
	return step ? check_send_parse(conf, line, arg, step) : -1;
}

static int parse_var(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf *h)
{
	const struct var_line *var = var_line_parse(conf, line, arg, RULE_AT_CHECK);
	struct check_step *step = var ? check_step_add(conf, line, h, STEP_VAR) : NULL;
	if (!step)
		return -1;
	step->var = var;
	return 0;
}

static int parse_comment(
    struct conf *conf, const struct conf_line *line, int arg, struct httpchk_conf *h)
{
	if (arg + 1 != line->argc) {
		conf_error(conf, line, -1, "'comment' expects one text");
		return -1;
	}
	struct check_step *step = check_step_add(conf, line, h, STEP_COMMENT);
	if (!step)
		return -1;
	step->comment = arena_strdup(conf_arena(conf), line->argv[arg]);
	return step->comment ? 0 : no_memory(conf, line);
}

/* A comment line belongs to what follows it. */
static void inherit_comment(struct httpchk_conf *h)
{
	struct check_step *before = NULL, *s = h->first;
	for (; s && s->next; s = s->next)
		before = s;
	if (before && before->kind == STEP_COMMENT && s->kind < STEP_VAR && !s->comment)
		s->comment = before->comment;
}

static int parse_step(
    struct conf *conf, const struct conf_line *line, int arg, bool http, struct httpchk_conf *h)
{
	const char *word = line->argv[arg];
	struct check_step *step;
	int r;
	if (strcmp(word, "connect") == 0) {
		r = parse_connect(conf, line, arg + 1, h);
	} else if (strcmp(word, "expect") == 0) {
		step = check_step_add(conf, line, h, STEP_EXPECT);
		r = step ? check_expect_parse(conf, line, arg + 1, http, step) : -1;
	} else if (strcmp(word, "comment") == 0) {
		return parse_comment(conf, line, arg + 1, h);
	} else if (http && strcmp(word, "send") == 0) {
		r = parse_http_send(conf, line, arg + 1, h);
	} else if (!http && slice_has_prefix(slice_str(word), SLICE("send"))) {
		step = check_step_add(conf, line, h, STEP_SEND);
		r = step ? check_data_parse(conf, line, arg, step) : -1;
	} else {
		return parse_var(conf, line, arg, h);
	}
	if (r == 0)
		inherit_comment(h);
	return r;
}

int http_check_parse(struct conf *conf, const struct conf_line *line, int arg, const void *owner,
    struct httpchk_conf **conf_ptr)
{
	bool drains = strcmp(line->argv[arg], "disable-on-404") == 0;
	bool state = strcmp(line->argv[arg], "send-state") == 0;
	struct httpchk_conf *h;
	if (drains || state) {
		/* these two say nothing about the steps, so inherited ones stay */
		struct check_step **end;
		h = arena_new(conf_arena(conf), struct httpchk_conf);
		if (!h)
			return no_memory(conf, line);
		if (!*conf_ptr && !check_own(conf, line, NULL, conf_ptr))
			return -1;
		*h = **conf_ptr;
		for (end = &h->first; *end; end = &(*end)->next)
			;
		h->last = end;
		h->http = true;
		h->disable_on_404 |= drains;
		h->send_state |= state;
		*conf_ptr = h;
		return 0;
	}
	h = check_own(conf, line, owner, conf_ptr);
	if (!h)
		return -1;
	h->http = true;
	return parse_step(conf, line, arg, true, h);
}

int tcp_check_parse(struct conf *conf, const struct conf_line *line, int arg, const void *owner,
    struct httpchk_conf **conf_ptr)
{
	struct httpchk_conf *h = check_own(conf, line, owner, conf_ptr);
	return h ? parse_step(conf, line, arg, false, h) : -1;
}

/* ---- when all is read ---- */

/* What no line says: the connection, the request of "option httpchk", the answer it wants. */
static int add_implicit(struct arena *arena, struct httpchk_conf *h)
{
	struct check_step **at = &h->first, *s;
	bool asked = false;
	while (*at && ((*at)->kind == STEP_VAR || (*at)->kind == STEP_COMMENT))
		at = &(*at)->next;
	if (!*at || (*at)->kind != STEP_CONNECT) {
		s = arena_new(arena, struct check_step);
		if (!s)
			return -1;
		s->kind = STEP_CONNECT;
		s->connect.implicit = true;
		s->connect.defaults = true;
		s->next = *at;
		*at = s;
	}
	if (!h->http)
		return 0;
	for (s = h->first; s; s = s->next)
		asked |= s->kind == STEP_SEND;
	/* the first request takes what it does not say from the option */
	at = &(*at)->next;
	if (!asked) {
		s = arena_new(arena, struct check_step);
		if (!s)
			return -1;
		s->kind = STEP_SEND;
		s->send.from_option = true;
		s->next = *at;
		*at = s;
	} else if (h->option_here) {
		for (s = h->first; s->kind != STEP_SEND; s = s->next)
			;
		s->send.from_option = true;
	}
	for (at = &h->first, s = NULL; *at; at = &(*at)->next)
		s = *at;
	if (s && s->kind == STEP_EXPECT)
		return 0;
	*at = arena_new(arena, struct check_step);
	if (!*at)
		return -1;
	(*at)->kind = STEP_EXPECT;
	(*at)->expect.min_recv = -1;
	return 0;
}

bool check_script_is_http(const struct httpchk_conf *h)
{
	return h->http;
}

bool check_script_has_tls(const struct httpchk_conf *h)
{
	for (const struct check_step *s = h->first; s; s = s->next)
		if (s->kind == STEP_CONNECT && s->connect.tls)
			return true;
	return false;
}

const struct httpchk_conf *check_script_finish(struct conf *conf, const struct httpchk_conf *h)
{
	struct arena *arena = conf_arena(conf);
	struct httpchk_conf *whole = arena_new(arena, struct httpchk_conf);
	if (!whole)
		return NULL;
	if (h)
		*whole = *h;
	whole->first = NULL;
	whole->last = &whole->first;
	/* a copy: a defaults section's steps serve many proxies */
	for (const struct check_step *s = h ? h->first : NULL; s; s = s->next) {
		struct check_step *copy = arena_new(arena, struct check_step);
		if (!copy)
			return NULL;
		*copy = *s;
		copy->next = NULL;
		*whole->last = copy;
		whole->last = &copy->next;
	}
	whole->finished = true;
	return add_implicit(arena, whole) < 0 ? NULL : whole;
}
