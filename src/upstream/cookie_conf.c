/* SPDX-License-Identifier: MIT */
/* "cookie <name> ..." lines. Reading the configuration, one thread. */
#include "weir/base/arena.h"
#include "weir/upstream/persist.h"
#include "weir/upstream/upstream_conf.h"

/* Rows with data set a flag of that offset. */
static int set_flag(const struct conf_option_call *call)
{
	*(bool *)((char *)call->object + call->row->data) = true;
	return 0;
}

/* Seconds. */
static int set_seconds(const struct conf_option_call *call)
{
	uint64_t us;
	if (conf_time_us(call->conf, call->line, call->arg, 1000000, 1000000,
		(uint64_t)INT32_MAX * 1000000, &us) < 0)
		return -1;
	*(unsigned *)((char *)call->object + call->row->data) = (unsigned)(us / 1000000);
	return 0;
}

/* Appends "; prefix value". */
static int append(const struct conf_option_call *call, struct slice *to, const char *prefix)
{
	const char *word = call->line->argv[call->arg];
	for (const char *p = word; *p; p++) {
		if (*p == ';' || (unsigned char)*p < ' ' || *p == 0x7f) {
			conf_error(call->conf, call->line, call->arg,
			    "'%s' must not hold ';' or control characters", call->row->name);
			return -1;
		}
	}
	char *text =
	    arena_printf(conf_arena(call->conf), "%.*s; %s%s", SLICE_ARG(*to), prefix, word);
	if (!text)
		return -1;
	*to = slice_str(text);
	return 0;
}

static int add_domain(const struct conf_option_call *call)
{
	struct cookie_conf *c = call->object;
	return append(call, &c->domains, "domain=");
}

static int add_attr(const struct conf_option_call *call)
{
	struct cookie_conf *c = call->object;
	return append(call, &c->attrs, "");
}

#define FLAG(member) set_flag, offsetof(struct cookie_conf, member)

static const struct conf_option cookie_options[] = {
	{ "rewrite", 0, FLAG(rewrite), "", "changes the server's cookie", 0 },
	{ "insert", 0, FLAG(insert), "", "adds a cookie of its own", 0 },
	{ "prefix", 0, FLAG(prefix), "", "puts the server in front of the application's cookie",
	    0 },
	{ "indirect", 0, FLAG(indirect), "", "hides the cookie from servers", 0 },
	{ "nocache", 0, FLAG(nocache), "", "keeps responses with a cookie out of caches", 0 },
	{ "postonly", 0, FLAG(postonly), "", "adds it to responses to POST only", 0 },
	{ "preserve", 0, FLAG(preserve), "", "leaves a cookie that the server sets", 0 },
	{ "httponly", 0, FLAG(httponly), "", "adds HttpOnly", 0 },
	{ "secure", 0, FLAG(secure), "", "adds Secure", 0 },
	{ "dynamic", 0, FLAG(dynamic), "", "values made from addresses and dynamic-cookie-key", 0 },
	{ "domain", 1, add_domain, 0, "<domain>", "adds a domain", 0 },
	{ "maxidle", 1, set_seconds, offsetof(struct cookie_conf, maxidle_s), "<time>",
	    "ignores it after that time without use", 0 },
	{ "maxlife", 1, set_seconds, offsetof(struct cookie_conf, maxlife_s), "<time>",
	    "ignores it after that time", 0 },
	{ "attr", 1, add_attr, 0, "<text>", "adds an attribute", 0 },
	{ .name = NULL },
};
static const struct conf_option *const cookie_tables[] = { cookie_options, NULL };

/* What excludes what. */
static const char *conflict(const struct cookie_conf *c)
{
	if (c->rewrite + c->insert + c->prefix > 1)
		return "'rewrite', 'insert' and 'prefix' exclude each other";
	if (c->rewrite && c->indirect)
		return "'rewrite' and 'indirect' exclude each other";
	if (c->prefix && c->dynamic)
		return "'prefix' and 'dynamic' exclude each other";
	if (c->preserve && !c->insert && !c->indirect)
		return "'preserve' needs 'insert' or 'indirect'";
	if ((c->maxidle_s || c->maxlife_s) && !c->insert)
		return "'maxidle' and 'maxlife' need 'insert'";
	return NULL;
}

int cookie_parse(struct conf *conf, const struct conf_line *line, int arg, struct cookie_conf **ret)
{
	if (arg >= line->argc) {
		conf_error(conf, line, arg - 1, "'cookie' expects a name");
		return -1;
	}
	struct cookie_conf *c = arena_new(conf_arena(conf), struct cookie_conf);
	if (!c)
		return -1;
	c->name = arena_slice(conf_arena(conf), slice_str(line->argv[arg]));
	for (size_t i = 0; i < c->name.len; i++) {
		if (strchr("=;, \t\"", c->name.ptr[i]) || (unsigned char)c->name.ptr[i] <= ' ') {
			conf_error(conf, line, arg, "'%s' is not a cookie's name", line->argv[arg]);
			return -1;
		}
	}
	if (!c->name.ptr || !c->name.len || conf_options(conf, line, arg + 1, cookie_tables, c) < 0)
		return -1;
	const char *what = conflict(c);
	if (what) {
		conf_error(conf, line, arg, "%s", what);
		return -1;
	}
	*ret = c;
	return 0;
}
