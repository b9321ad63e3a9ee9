/* SPDX-License-Identifier: MIT */
/*
 * "log-forward" sections (configuration manual 12.6): lines come in by its binds and go out to its targets.
 */
#include "log_forward.h"

static struct log_forward *find(const struct config *c, const char *name)
{
	struct log_forward *lf = c->log_forwards;
	while (lf && strcmp(lf->px.name, name) != 0)
		lf = lf->next;
	return lf;
}

static void *open_section(const struct conf_call *call)
{
	struct config *c = build_config(call);
	const struct conf_line *line = call->line;
	const char *name;
	if (line->argc < 2) {
		conf_error(call->conf, line, 0, "'log-forward' expects a name");
		return NULL;
	}
	if (!no_more_words(call->conf, line, 2) || conf_name(call->conf, line, 1, &name) < 0)
		return NULL;
	const struct log_forward *other = find(c, name);
	if (other) {
		conf_error(call->conf, line, 1,
		    "log-forward section '%s' exists already, declared at %s:%u.", name,
		    other->px.pos.file ? other->px.pos.file : "", other->px.pos.line);
		return NULL;
	}
	struct log_forward *lf = arena_new(&c->arena, struct log_forward);
	if (!lf) {
		(void)no_memory(call->conf, line);
		return NULL;
	}
	lf->px.name = name;
	lf->px.pos = line->pos;
	lf->px.caps = PROXY_FE;
	lf->px.mode = PROXY_SYSLOG;
	lf->px.config = c;
	lf->px.arena = &c->arena;
	lf->px.maxconn = LOG_FORWARD_MAXCONN;
	lf->px.binds_last = &lf->px.binds;
	*c->log_forwards_last = lf;
	c->log_forwards_last = &lf->next;
	return lf;
}

static int set_number(const struct conf_call *call)
{
	int64_t n;
	if (conf_int(call->conf, call->line, call->arg, 0, INT32_MAX, &n) < 0)
		return -1;
	*(unsigned *)((char *)call->object + call->row->data) = (unsigned)n;
	return 0;
}

static int set_timeout(const struct conf_call *call)
{
	struct log_forward *lf = call->object;
	return conf_time_ms(call->conf, call->line, call->arg, &lf->px.timeout.client);
}

static int add_bind(const struct conf_call *call)
{
	struct log_forward *lf = call->object;
	return bind_parse(call->conf, call->line, call->arg, &lf->px, &lf->px.binds_last);
}

static int add_dgram_bind(const struct conf_call *call)
{
	struct log_forward *lf = call->object;
	struct bind_conf **first = lf->px.binds_last;
	int r = bind_parse(call->conf, call->line, call->arg, &lf->px, &lf->px.binds_last);
	for (struct bind_conf *b = *first; b; b = b->next) {
		b->datagram = true;
		if (b->fd >= 0 || b->addr.sa.sa_family == AF_UNIX) {
			conf_error(call->conf, call->line, call->arg,
			    "'dgram-bind' expects an IPv4 or IPv6 address with a port");
			r = -1;
		}
	}
	return r;
}

static int add_log(const struct conf_call *call)
{
	struct log_forward *lf = call->object;
	return log_conf_parse(
	    call->conf, call->line, call->arg, &lf->px.logs, &lf->px.logs_global, false);
}

/* data: offset of a bool */
static int set_flag(const struct conf_call *call)
{
	*(bool *)((char *)call->object + call->row->data) = call->negation == CONF_PLAIN;
	return 0;
}

static int set_host(const struct conf_call *call)
{
	static const char *const words[] = { [SYSLOG_HOST_FILL] = "fill",
		[SYSLOG_HOST_KEEP] = "keep",
		[SYSLOG_HOST_REPLACE] = "replace",
		[SYSLOG_HOST_APPEND] = "append",
		NULL };
	struct log_forward *lf = call->object;
	int mode;
	if (conf_enum(call->conf, call->line, call->arg, words, &mode) < 0)
		return -1;
	lf->host = (enum syslog_host)mode;
	return 0;
}

#define FIELD(name) offsetof(struct log_forward, name)

static const struct conf_keyword log_forward_keywords[] = {
	{ "backlog", CONF_OTHER, 0, 1, 1, set_number, FIELD(px.backlog), "<conns>",
	    "connections that may wait to be accepted" },
	{ "bind", CONF_OTHER, 0, 1, -1, add_bind, 0, "<address>:<port> [options...]",
	    "where lines come in by TCP, or by UDP from udp@" },
	{ "dgram-bind", CONF_OTHER, 0, 1, -1, add_dgram_bind, 0, "<address>:<port> [options...]",
	    "where lines come in by UDP" },
	{ "log", CONF_OTHER, 0, 1, -1, add_log, 0,
	    "{ global | <target> [len <bytes>] [format <format>] [sample <ranges>:<size>] "
	    "<facility> [<level> [<minlevel>]] }",
	    "where lines go" },
	{ "maxconn", CONF_OTHER, 0, 1, 1, set_number, FIELD(px.maxconn), "<conns>",
	    "most connections at the same time; 10 unless set, 0: any number" },
	{ "option assume-rfc6587-ntf", CONF_OTHER, CONF_MAY_NEGATE, 0, 0, set_flag,
	    FIELD(always_lf), "",
	    "every line of a stream ends in a newline, whatever it begins with" },
	{ "option dont-parse-log", CONF_OTHER, CONF_MAY_NEGATE, 0, 0, set_flag, FIELD(leave), "",
	    "lines have no header, whatever they look like" },
	{ "option host", CONF_OTHER, 0, 1, 1, set_host, 0, "{ replace | fill | keep | append }",
	    "what stands as host name in headers; fill unless set" },
	{ "timeout client", CONF_OTHER, 0, 1, 1, set_timeout, 0, "<timeout>",
	    "longest silence of a connection" },
	{ .name = NULL },
};

static const struct conf_keyword *const log_forward_tables[] = { log_forward_keywords, NULL };

const struct conf_section section_log_forward = {
	.name = "log-forward",
	.scope = CONF_OTHER,
	.open = open_section,
	.tables = log_forward_tables,
};

void finish_log_forwards(struct conf *conf, struct config *c)
{
	for (struct log_forward *lf = c->log_forwards; lf; lf = lf->next) {
		struct proxy *px = &lf->px;
		lf->max_message = c->global.bufsize;
		if (px->logs_global && add_global_targets(conf, &c->global, px) < 0)
			return;
		if (!px->binds)
			diag_add(conf_diag(conf), DIAG_WARNING, px->pos,
			    "log-forward '%s' has no 'bind' and no 'dgram-bind'.", px->name);
		if (!px->logs.targets_n)
			diag_add(conf_diag(conf), DIAG_WARNING, px->pos,
			    "log-forward '%s' has no 'log' line: what it receives is lost.",
			    px->name);
		for (struct bind_conf *b = px->binds; b; b = b->next) {
			b->listen.backlog = (int)px->backlog;
			b->listen.rcvbuf = c->global.rcvbuf_client;
		}
	}
}
