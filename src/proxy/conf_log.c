/* SPDX-License-Identifier: MIT */
/*
 * Logs of a proxy and of the process: "log <target> ...", the formats, the tag. A set of targets that came from
 * a defaults section is shared; adding to it makes a new array and leaves the old one alone.
 */
#include "ring_conf.h"

#include "weir/proxy/log_profile.h"

/* ---- one target ---- */

/* A stream address: a ring of its own stands between the line and the server. */
static int parse_stream_target(struct conf *conf, const struct conf_line *line, int arg,
    struct log_target *t, const struct net_addr *to)
{
	struct config *c = conf_user(conf);
	const char *name = arena_printf(conf_arena(conf), "ring#%u", ++c->own_rings);
	const char *description =
	    arena_printf(conf_arena(conf), "created for the log target of %s:%u",
		line->pos.file ? line->pos.file : "", line->pos.line);
	struct ring_conf *rc =
	    name && description ? ring_conf_own(c, name, description, line->pos) : NULL;
	(void)arg;
	if (!rc)
		return no_memory(conf, line);
	rc->to = *to;
	return log_ref_add(conf, line, t, name, false);
}

static int parse_target_address(
    struct conf *conf, const struct conf_line *line, int arg, struct log_target *t)
{
	const char *text = line->argv[arg];
	struct net_spec spec;
	char err[256] = "";

	if (net_spec_parse(slice_str(text),
		NET_ALLOW_FD | NET_ALLOW_DATAGRAM | NET_ALLOW_UNIX | NET_ALLOW_NAME, &spec, err,
		sizeof(err)) < 0) {
		conf_error(conf, line, arg, "log target '%s' : %s", text, err);
		return -1;
	}
	if (spec.kind == NET_KIND_FD) {
		t->fd = spec.fd;
		return 0;
	}
	if (spec.kind == NET_KIND_SOCKPAIR || spec.quic || spec.mptcp) {
		conf_error(conf, line, arg, "log target '%s' : not an address for datagrams", text);
		return -1;
	}
	struct net_addr addr = spec.addr;
	if (spec.name.len && net_resolve(&spec, &addr) < 0) {
		conf_error(conf, line, arg, "log target '%s' : could not resolve '%.*s'", text,
		    SLICE_ARG(spec.name));
		return -1;
	}
	if (spec.kind == NET_KIND_IP && spec.port_mode == NET_PORT_NONE)
		net_addr_set_port(&addr, LOG_PORT_DEFAULT);
	if (spec.stream)
		return parse_stream_target(conf, line, arg, t, &addr);
	memcpy(&t->addr, &addr.sa, addr.len);
	t->addr_len = addr.len;
	return 0;
}

/* "stdout", "stderr", "ring@<name>", "backend@<name>", or an address */
static int parse_target(
    struct conf *conf, const struct conf_line *line, int arg, struct log_target *t)
{
	static const char ring[] = "ring@", backend[] = "backend@";
	const char *text = line->argv[arg];
	t->fd = -1;
	if (strncmp(text, ring, strlen(ring)) == 0)
		return log_ref_add(conf, line, t, text + strlen(ring), false);
	if (strncmp(text, backend, strlen(backend)) == 0)
		return log_ref_add(conf, line, t, text + strlen(backend), true);
	if (strcmp(line->argv[arg], "stdout") == 0)
		t->fd = 1;
	else if (strcmp(line->argv[arg], "stderr") == 0)
		t->fd = 2;
	else
		return parse_target_address(conf, line, arg, t);
	return 0;
}

static int parse_len(struct conf *conf, const struct conf_line *line, int arg, struct log_target *t)
{
	int64_t len;
	if (conf_int(conf, line, arg, 80, LOG_LEN_MAX, &len) < 0)
		return -1;
	t->len = (unsigned)len;
	return 0;
}

static int parse_format(
    struct conf *conf, const struct conf_line *line, int arg, struct log_target *t)
{
	static const char *const words[] = { "rfc3164", "rfc5424", "local", "priority", "short",
		"timed", "iso", "raw", NULL };
	int format;
	if (conf_enum(conf, line, arg, words, &format) < 0)
		return -1;
	int header = log_header_parse(words[format]);
	if (header < 0)
		return -1;
	t->header = (enum log_header)header;
	t->header_set = true;
	return 0;
}

static int parse_sample(
    struct conf *conf, const struct conf_line *line, int arg, struct log_target *t)
{
	if (log_sample_parse(t, slice_str(line->argv[arg]), conf_arena(conf)) == 0)
		return 0;
	conf_error(conf, line, arg,
	    "'sample' expects '<ranges>:<size>' as in 1,3-4:10, with numbers from 1 to the size, "
	    "not "
	    "'%s'",
	    line->argv[arg]);
	return -1;
}

static int parse_profile(
    struct conf *conf, const struct conf_line *line, int arg, struct log_target *t)
{
	struct conf_pos pos = line->pos;
	pos.col = line->cols[arg];
	t->profile = log_profile_get(conf_user(conf), line->argv[arg], pos);
	return t->profile ? 0 : no_memory(conf, line);
}

static const struct target_option {
	const char *name;
	int (*parse)(
	    struct conf *conf, const struct conf_line *line, int arg, struct log_target *t);
	const char *expects;
} target_options[] = {
	{ "len", parse_len, "a number of bytes" },
	{ "format", parse_format, "the name of a format" },
	{ "sample", parse_sample, "'<ranges>:<size>'" },
	{ "profile", parse_profile, "the name of a log-profile section" },
};

static const struct target_option *find_target_option(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(target_options); i++)
		if (strcmp(target_options[i].name, word) == 0)
			return &target_options[i];
	return NULL;
}

/* Options at arg; returns the index behind them, or -1. */
static int parse_target_options(
    struct conf *conf, const struct conf_line *line, int arg, struct log_target *t)
{
	const struct target_option *o;
	while ((o = find_target_option(line->argv[arg]))) {
		if (arg + 1 >= line->argc) {
			conf_error(conf, line, arg, "'%s' expects %s", o->name, o->expects);
			return -1;
		}
		if (o->parse(conf, line, arg + 1, t) < 0)
			return -1;
		arg += 2;
	}
	return arg;
}

/* ---- facility and levels ---- */

static const char *next_facility(const void *names, size_t i)
{
	(void)names;
	return i < 24 ? log_facility_name((int)i) : NULL;
}

static const char *next_level(const void *names, size_t i)
{
	(void)names;
	return i <= LOG_LV_DEBUG ? log_level_name((enum log_level)i) : NULL;
}

static void unknown_word(struct conf *conf, const struct conf_line *line, int arg, const char *what,
    const char *(*next)(const void *, size_t))
{
	const char *near = conf_nearest(line->argv[arg], next, NULL);
	conf_error(conf, line, arg, "unknown log %s '%s'%s%s%s", what, line->argv[arg],
	    near ? "; did you mean '" : "", near ? near : "", near ? "' ?" : "");
}

static int parse_level(
    struct conf *conf, const struct conf_line *line, int arg, enum log_level *ret)
{
	int level;
	if (arg >= line->argc)
		return 0;
	level = log_level_parse(line->argv[arg]);
	if (level < 0 || level > LOG_LV_DEBUG) {
		unknown_word(conf, line, arg, "level", next_level);
		return -1;
	}
	*ret = (enum log_level)level;
	return 0;
}

static int parse_facility(
    struct conf *conf, const struct conf_line *line, int arg, struct log_target *t)
{
	if (arg >= line->argc) {
		conf_error(
		    conf, line, -1, "'log' expects a facility behind the target, such as 'local0'");
		return -1;
	}
	int facility = log_facility_parse(line->argv[arg]);
	if (facility < 0) {
		unknown_word(conf, line, arg, "facility", next_facility);
		return -1;
	}
	t->facility = (uint8_t)facility;
	if (parse_level(conf, line, arg + 1, &t->max_level) < 0 ||
	    parse_level(conf, line, arg + 2, &t->min_level) < 0)
		return -1;
	return no_more_words(conf, line, arg + 3) ? 0 : -1;
}

static int append(
    struct conf *conf, const struct conf_line *line, struct log_set *set, struct log_target *t)
{
	struct log_target **all =
	    arena_array(conf_arena(conf), struct log_target *, set->targets_n + 1);
	if (!all)
		return no_memory(conf, line);
	if (set->targets_n)
		memcpy(all, set->targets, set->targets_n * sizeof(all[0]));
	all[set->targets_n++] = t;
	set->targets = all;
	return 0;
}

int log_conf_parse(struct conf *conf, const struct conf_line *line, int arg, struct log_set *set,
    bool *ret_global, bool is_global)
{
	if (arg >= line->argc) {
		conf_error(conf, line, -1, "'log' expects %sa target and a facility",
		    is_global ? "" : "'global', or ");
		return -1;
	}
	if (strcmp(line->argv[arg], "global") == 0) {
		if (is_global) {
			conf_error(
			    conf, line, arg, "'log global' makes no sense in the 'global' section");
			return -1;
		}
		if (!no_more_words(conf, line, arg + 1))
			return -1;
		*ret_global = true;
		return 0;
	}
	struct log_target *t = arena_new(conf_arena(conf), struct log_target);
	if (!t)
		return no_memory(conf, line);
	t->header = LOG_HEADER_LOCAL;
	t->len = LOG_LEN_DEFAULT;
	t->max_level = LOG_LV_DEBUG;
	t->min_level = LOG_LV_EMERG;
	if (parse_target(conf, line, arg, t) < 0)
		return -1;
	arg = parse_target_options(conf, line, arg + 1, t);
	if (arg < 0 || parse_facility(conf, line, arg, t) < 0)
		return -1;
	return append(conf, line, set, t);
}

/* ---- keywords of proxies ---- */

static int set_log(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (call->negation == CONF_PLAIN)
		return log_conf_parse(
		    call->conf, call->line, call->arg, &p->logs, &p->logs_global, false);
	if (!no_more_words(call->conf, call->line, call->arg))
		return -1;
	p->logs.targets = NULL;
	p->logs.targets_n = 0;
	p->logs_global = false;
	return 0;
}

/* Formats stand where the log lines are made: in frontends. */
static bool is_ignored(const struct conf_call *call)
{
	const struct proxy *p = call->object;
	if (p->caps & PROXY_FE)
		return false;
	conf_warning(call->conf, call->line, 0,
	    "backend '%s' : '%s' directive is ignored in backends.", p->name, call->row->name);
	return true;
}

/* The column too, as formats are compiled when all is read. */
static struct conf_pos word_pos(const struct conf_call *call)
{
	struct conf_pos pos = call->line->pos;
	pos.col = call->line->cols[call->arg];
	return pos;
}

struct format_field {
	size_t text, pos; /* offsets in struct proxy */
};
#define FORMAT_FIELD(name)                                                                         \
	{                                                                                          \
		offsetof(struct proxy, name##_text), offsetof(struct proxy, name##_pos)            \
	}
static const struct format_field format_fields[] = {
	FORMAT_FIELD(log_format),
	FORMAT_FIELD(log_format_sd),
	FORMAT_FIELD(error_log_format),
};

/* data: index of its fields */
static int set_format(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (is_ignored(call))
		return 0;
	const char *text = arena_strdup(p->arena, call->line->argv[call->arg]);
	if (!text)
		return no_memory(call->conf, call->line);
	const struct format_field *field = &format_fields[call->row->data];
	struct conf_pos pos = word_pos(call);
	memcpy((char *)p + field->text, &text, sizeof(text));
	memcpy((char *)p + field->pos, &pos, sizeof(pos));
	return 0;
}

static int set_known_format(const struct conf_call *call, const char *plain, const char *clf)
{
	struct proxy *p = call->object;
	bool wants_clf = call->arg < call->line->argc;
	if (wants_clf && (strcmp(call->line->argv[call->arg], "clf") != 0 || !clf)) {
		conf_error(call->conf, call->line, call->arg, "'%s' only knows 'clf', not '%s'",
		    call->row->name, call->line->argv[call->arg]);
		return -1;
	}
	if (is_ignored(call))
		return 0;
	p->log_format_text = wants_clf ? clf : plain;
	p->log_format_pos = call->line->pos;
	return 0;
}

static int set_httplog(const struct conf_call *call)
{
	return set_known_format(call, logfmt_text_http, logfmt_text_clf);
}

static int set_tcplog(const struct conf_call *call)
{
	return set_known_format(call, logfmt_text_tcp, logfmt_text_tcp_clf);
}

static int set_httpslog(const struct conf_call *call)
{
	return set_known_format(call, logfmt_text_https, NULL);
}

static int set_log_tag(const struct conf_call *call)
{
	struct proxy *p = call->object;
	p->log_tag = arena_strdup(p->arena, call->line->argv[call->arg]);
	return p->log_tag ? 0 : no_memory(call->conf, call->line);
}

const struct conf_keyword proxy_log_keywords[] = {
	{ "log", CONF_PROXY, CONF_MAY_NEGATE, 1, -1, set_log, 0,
	    "{ global | <target> [len <bytes>] [format <format>] [sample <ranges>:<size>] "
	    "[profile <log-profile>] <facility> "
	    "[<level> [<minlevel>]] }",
	    "where log lines go; 'no log' forgets all targets" },
	{ "log-format", CONF_PROXY, 0, 1, 1, set_format, 0, "<format>",
	    "what a log line is made of" },
	{ "log-format-sd", CONF_PROXY, 0, 1, 1, set_format, 1, "<format>",
	    "structured data of lines in format rfc5424" },
	{ "error-log-format", CONF_PROXY, 0, 1, 1, set_format, 2, "<format>",
	    "the line of a connection that failed before a request" },
	{ "log-steps", CONF_PROXY, KW_FE, 1, 1, set_log_steps, 0, "{ all | <step>[,...] }",
	    "when lines of a session are written" },
	{ "log-tag", CONF_PROXY, 0, 1, 1, set_log_tag, 0, "<text>",
	    "program name in the header of log lines" },
	{ "option httplog", CONF_PROXY, 0, 0, 1, set_httplog, 0, "[ clf ]",
	    "the HTTP log format, or the common log format" },
	{ "option tcplog", CONF_PROXY, 0, 0, 1, set_tcplog, 0, "[ clf ]",
	    "the TCP log format, or one like the common log format" },
	{ "option httpslog", CONF_PROXY, 0, 0, 0, set_httpslog, 0, "",
	    "the HTTP log format with fields about TLS" },
	{ .name = NULL },
};
