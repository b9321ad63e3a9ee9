/* SPDX-License-Identifier: MIT */
/*
 * Keywords that only a backend gives a meaning: servers, balancing, persistence, retries. The upstream module
 * parses what is its own.
 */
#include "conf_int.h"

#include <limits.h>

/* ---- servers ---- */

/* data: 0 server, 1 server-template, 2 default-server. These are errors elsewhere, not warnings. */
static int add_server(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (!(p->caps & PROXY_BE)) {
		conf_error(call->conf, call->line, 0,
		    "'%s' not allowed because %s '%s' has no backend capability.", call->row->name,
		    proxy_kind(p), p->name);
		return -1;
	}
	if (call->row->data == 2)
		return server_defaults_parse(call->conf, call->line, call->arg, p->server_defaults);
	if (call->row->data == 1)
		return server_template_parse(
		    call->conf, call->line, call->arg, p->server_defaults, &p->servers);
	return server_parse(call->conf, call->line, call->arg, p->server_defaults, &p->servers);
}

static int parse_address(const struct conf_call *call, int arg, unsigned allow,
    struct net_spec *spec, struct net_addr *ret)
{
	char err[256] = "";
	if (net_spec_parse(slice_str(call->line->argv[arg]), allow, spec, err, sizeof(err)) < 0) {
		conf_error(call->conf, call->line, arg, "'%s' : %s", call->row->name, err);
		return -1;
	}
	*ret = spec->addr;
	if (spec->name.len && net_resolve(spec, ret) < 0) {
		conf_error(call->conf, call->line, arg, "'%s' : could not resolve '%.*s'",
		    call->row->name, SLICE_ARG(spec->name));
		return -1;
	}
	return 0;
}

static int set_dispatch(const struct conf_call *call)
{
	struct proxy *p = call->object;
	struct net_spec spec;
	if (wrong_side(call))
		return 0;
	if (parse_address(call, call->arg, NET_ALLOW_NAME | NET_NEED_PORT, &spec, &p->dispatch) < 0)
		return -1;
	p->has_dispatch = true;
	return 0;
}

/* "hdr_ip(<name>[,<occurrence>])" */
static int parse_hdr_ip(const struct conf_call *call, int arg)
{
	struct proxy *p = call->object;
	struct slice s = slice_str(call->line->argv[arg] + strlen("hdr_ip("));
	int64_t occ = -1;
	if (!slice_has_suffix(s, SLICE(")"))) {
		conf_error(call->conf, call->line, arg, "missing ')' behind 'hdr_ip('");
		return -1;
	}
	s.len--;
	struct slice rest = s;
	struct slice name = slice_cut(&rest, ',');
	if (rest.ptr) {
		char text[16];
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(rest));
		if (conf_parse_int(text, &occ) < 0 || occ == 0 || occ < -20 || occ > 20) {
			conf_error(call->conf, call->line, arg,
			    "'%s' is no occurrence of a header: -20 to 20 and not 0", text);
			return -1;
		}
	}
	if (!name.len) {
		conf_error(call->conf, call->line, arg, "'hdr_ip' expects the name of a header");
		return -1;
	}
	p->source_hdr = arena_slice_dup(p->arena, name);
	p->source_hdr_occ = (int)occ;
	p->source_use = SOURCE_HDR_IP;
	return p->source_hdr ? 0 : no_memory(call->conf, call->line);
}

static int parse_usesrc(const struct conf_call *call, int arg)
{
	struct proxy *p = call->object;
	const char *word = call->line->argv[arg];
	p->source.transparent = true;
	if (strcmp(word, "client") == 0) {
		p->source_use = SOURCE_CLIENT;
		return 0;
	}
	if (strcmp(word, "clientip") == 0) {
		p->source_use = SOURCE_CLIENTIP;
		return 0;
	}
	if (strncmp(word, "hdr_ip(", 7) == 0)
		return parse_hdr_ip(call, arg);
	/* An address of its own: connections come from there, whoever has it. */
	struct net_spec spec;
	if (parse_address(call, arg, NET_ALLOW_NAME, &spec, &p->source_addr) < 0)
		return -1;
	p->source.source = &p->source_addr;
	return 0;
}

static int parse_source_options(const struct conf_call *call, int arg)
{
	struct proxy *p = call->object;
	const struct conf_line *line = call->line;
	for (; arg < line->argc; arg += 2) {
		bool usesrc = strcmp(line->argv[arg], "usesrc") == 0;
		if (!usesrc && strcmp(line->argv[arg], "interface") != 0) {
			conf_error(call->conf, line, arg,
			    "'source' knows 'usesrc' and 'interface' behind the address, not '%s'",
			    line->argv[arg]);
			return -1;
		}
		if (arg + 1 >= line->argc) {
			conf_error(call->conf, line, arg, "'%s' expects %s", line->argv[arg],
			    usesrc ? "an address, 'client', 'clientip' or 'hdr_ip(<name>)'"
				   : "the name of a network interface");
			return -1;
		}
		if (usesrc && parse_usesrc(call, arg + 1) < 0)
			return -1;
		if (usesrc)
			continue;
		p->source.interface = arena_strdup(p->arena, line->argv[arg + 1]);
		if (!p->source.interface)
			return no_memory(call->conf, line);
	}
	return 0;
}

static int set_source(const struct conf_call *call)
{
	struct proxy *p = call->object;
	struct net_spec spec;
	if (wrong_side(call))
		return 0;
	p->source = (struct net_connect_opts){ .tos = -1 };
	p->source_use = SOURCE_PLAIN;
	if (parse_address(
		call, call->arg, NET_ALLOW_NAME | NET_ALLOW_PORT_RANGE, &spec, &p->source_addr) < 0)
		return -1;
	if (spec.port_mode == NET_PORT_RANGE) {
		p->source.source_port_low = spec.port;
		p->source.source_port_high = spec.port_high;
	}
	/* "0.0.0.0" alone leaves the choice to the kernel, and is there for what follows it. */
	bool any = net_addr_is_any(&p->source_addr) && spec.port_mode == NET_PORT_NONE;
	p->source.source = any ? NULL : &p->source_addr;
	p->has_source = true;
	return parse_source_options(call, call->arg + 1);
}

/* ---- balancing ---- */

static int set_balance(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	return balance_parse(call->conf, call->line, call->arg, &p->be.balance);
}

static int set_hash_type(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	return hash_type_parse(call->conf, call->line, call->arg, &p->be.hash);
}

static int set_hash_balance_factor(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	return hash_balance_factor_parse(call->conf, call->line, call->arg, &p->be.hash);
}

/* data: offset of an unsigned in struct proxy */
static int set_number(const struct conf_call *call)
{
	int64_t n;
	if (wrong_side(call))
		return 0;
	if (conf_int(call->conf, call->line, call->arg, 0, INT_MAX, &n) < 0)
		return -1;
	unsigned value = (unsigned)n;
	memcpy((char *)call->object + call->row->data, &value, sizeof(value));
	return 0;
}

/* ---- persistence ---- */

static int set_cookie(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	p->be.cookie = NULL;
	return cookie_parse(call->conf, call->line, call->arg, &p->be.cookie);
}

static int set_dynamic_cookie_key(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	p->be.dynamic_cookie_key = arena_strdup(p->arena, call->line->argv[call->arg]);
	return p->be.dynamic_cookie_key ? 0 : no_memory(call->conf, call->line);
}

/* "persist rdp-cookie" and "persist rdp-cookie(<name>)" */
static int set_persist(const struct conf_call *call)
{
	struct proxy *p = call->object;
	struct slice s = slice_str(call->line->argv[call->arg]);
	if (wrong_side(call))
		return 0;
	if (slice_eq(s, SLICE("rdp-cookie"))) {
		p->rdp_persist = "msts";
		return 0;
	}
	if (!slice_has_prefix(s, SLICE("rdp-cookie(")) || !slice_has_suffix(s, SLICE(")"))) {
		conf_error(call->conf, call->line, call->arg,
		    "'persist' expects 'rdp-cookie' or 'rdp-cookie(<name>)', not '%s'",
		    call->line->argv[call->arg]);
		return -1;
	}
	s = slice_sub(s, strlen("rdp-cookie("), s.len - strlen("rdp-cookie()"));
	p->rdp_persist = s.len ? arena_slice_dup(p->arena, s) : "msts";
	return p->rdp_persist ? 0 : no_memory(call->conf, call->line);
}

/* ---- connections to servers ---- */

static int set_retries(const struct conf_call *call)
{
	struct proxy *p = call->object;
	int64_t n;
	if (wrong_side(call))
		return 0;
	if (conf_int(call->conf, call->line, call->arg, 0, 100, &n) < 0)
		return -1;
	p->retries = (int)n;
	return 0;
}

static const struct retry_word {
	const char *name;
	unsigned bits;
} retry_words[] = {
	{ "none", 0 },
	{ "conn-failure", RETRY_CONN_FAILURE },
	{ "empty-response", RETRY_EMPTY_RESPONSE },
	{ "junk-response", RETRY_JUNK_RESPONSE },
	{ "response-timeout", RETRY_RESPONSE_TIMEOUT },
	{ "0rtt-rejected", RETRY_0RTT_REJECTED },
	{ "401", RETRY_STATUS | RETRY_401 },
	{ "403", RETRY_STATUS | RETRY_403 },
	{ "404", RETRY_STATUS | RETRY_404 },
	{ "408", RETRY_STATUS | RETRY_408 },
	{ "421", RETRY_STATUS | RETRY_421 },
	{ "425", RETRY_STATUS | RETRY_425 },
	{ "429", RETRY_STATUS | RETRY_429 },
	{ "500", RETRY_STATUS | RETRY_500 },
	{ "501", RETRY_STATUS | RETRY_501 },
	{ "502", RETRY_STATUS | RETRY_502 },
	{ "503", RETRY_STATUS | RETRY_503 },
	{ "504", RETRY_STATUS | RETRY_504 },
	{ "all-retryable-errors", RETRY_ALL_RETRYABLE },
};

static const char *next_retry_word(const void *names, size_t i)
{
	(void)names;
	return i < ARRAY_SIZE(retry_words) ? retry_words[i].name : NULL;
}

static const struct retry_word *find_retry_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(retry_words); i++)
		if (strcmp(retry_words[i].name, word) == 0)
			return &retry_words[i];
	return NULL;
}

static int set_retry_on(const struct conf_call *call)
{
	struct proxy *p = call->object;
	const struct conf_line *line = call->line;
	unsigned bits = 0;
	if (wrong_side(call))
		return 0;
	for (int i = call->arg; i < line->argc; i++) {
		const struct retry_word *w = find_retry_word(line->argv[i]);
		if (!w) {
			const char *near = conf_nearest(line->argv[i], next_retry_word, NULL);
			conf_error(call->conf, line, i, "'retry-on' does not know '%s'%s%s%s",
			    line->argv[i], near ? "; did you mean '" : "", near ? near : "",
			    near ? "' ?" : "");
			return -1;
		}
		if (w->bits == 0 && line->argc - call->arg > 1) {
			conf_error(
			    call->conf, line, i, "'none' must be the only word of 'retry-on'");
			return -1;
		}
		bits |= w->bits;
	}
	p->retry_on = bits;
	return 0;
}

static int set_http_reuse(const struct conf_call *call)
{
	static const char *const words[] = { "safe", "never", "aggressive", "always", NULL };
	struct proxy *p = call->object;
	int mode;
	if (wrong_side(call))
		return 0;
	if (conf_enum(call->conf, call->line, call->arg, words, &mode) < 0)
		return -1;
	p->reuse = (enum reuse_mode)mode;
	return 0;
}

static int set_send_name_header(const struct conf_call *call)
{
	struct proxy *p = call->object;
	if (wrong_side(call))
		return 0;
	p->send_name_header = SLICE_NULL;
	if (call->negation != CONF_PLAIN || call->arg >= call->line->argc)
		return 0;
	p->send_name_header = lower_name(p->arena, call->line->argv[call->arg]);
	return p->send_name_header.ptr ? 0 : no_memory(call->conf, call->line);
}

static int set_keep_alive_queue(const struct conf_call *call)
{
	struct proxy *p = call->object;
	int64_t n;
	if (wrong_side(call))
		return 0;
	if (conf_int(call->conf, call->line, call->arg, -1, INT_MAX, &n) < 0)
		return -1;
	p->max_keep_alive_queue = n < 0 ? UINT32_MAX : (unsigned)n;
	return 0;
}

#define SERVER_SCOPE  (CONF_FRONTEND | CONF_BACKEND | CONF_LISTEN)
#define NUMBER(field) set_number, offsetof(struct proxy, field)

const struct conf_keyword proxy_backend_keywords[] = {
	{ "server", SERVER_SCOPE, 0, 2, -1, add_server, 0, "<name> <address>[:<port>] [options...]",
	    "a server of the backend" },
	{ "server-template", SERVER_SCOPE, 0, 3, -1, add_server, 1,
	    "<prefix> <number | range> <name>[:<port>] [options...]",
	    "servers that differ in their number only" },
	{ "default-server", CONF_PROXY, 0, 1, -1, add_server, 2, "[options...]",
	    "options of all servers below" },
	{ "dispatch", SERVER_SCOPE, KW_BE, 1, 1, set_dispatch, 0, "<address>:<port>",
	    "one address that gets everything, when there are no servers" },
	{ "source", CONF_PROXY, KW_BE, 1, -1, set_source, 0,
	    "<address>[:<port>[-<port>]] [usesrc { <address> | client | clientip | "
	    "hdr_ip(<name>[,<n>]) "
	    "}] [interface <name>]",
	    "local address of connections to servers" },
	{ "balance", CONF_PROXY, KW_BE, 1, -1, set_balance, 0, "<algorithm> [arguments...]",
	    "how a server is chosen" },
	{ "hash-type", CONF_PROXY, KW_BE, 1, 3, set_hash_type, 0,
	    "{ map-based | consistent } [ sdbm | djb2 | wt6 | crc32 | none ] [avalanche]",
	    "how a hash becomes a server" },
	{ "hash-balance-factor", CONF_PROXY, KW_BE, 1, 1, set_hash_balance_factor, 0, "<percent>",
	    "load of a server over the average above which a hash goes to the next; 0: off" },
	{ "fullconn", CONF_PROXY, KW_BE, 1, 1, NUMBER(be.fullconn), "<connections>",
	    "load of the backend at which servers take their full maxconn; a tenth of the "
	    "frontends' maxconn unless set" },
	{ "max-keep-alive-queue", CONF_PROXY, KW_BE, 1, 1, set_keep_alive_queue, 0, "<requests>",
	    "queue of a server from which on 'option prefer-last-server' does not hold; -1: none" },
	{ "cookie", CONF_PROXY, KW_BE, 1, -1, set_cookie, 0,
	    "<name> [ rewrite | insert | prefix ] [options...]", "persistence by cookie" },
	{ "dynamic-cookie-key", CONF_PROXY, KW_BE, 1, 1, set_dynamic_cookie_key, 0, "<text>",
	    "secret that cookies made of server addresses contain" },
	{ "persist", CONF_PROXY, KW_BE, 1, 1, set_persist, 0, "rdp-cookie[(<name>)]",
	    "persistence by the cookie of remote desktop clients" },
	{ "retries", CONF_PROXY, KW_BE, 1, 1, set_retries, 0, "<number>",
	    "attempts behind the first, 0 to 100; 3 unless set" },
	{ "retry-on", CONF_PROXY, KW_BE, 1, -1, set_retry_on, 0, "<condition> ...",
	    "what makes a request be tried again; conn-failure unless set" },
	{ "http-reuse", CONF_PROXY, KW_BE, 1, 1, set_http_reuse, 0,
	    "{ never | safe | aggressive | always }",
	    "which idle server connections requests of other clients may take" },
	{ "http-send-name-header", CONF_PROXY, KW_BE | CONF_MAY_NEGATE, 0, 1, set_send_name_header,
	    0, "[<header>]", "header that tells a server its name" },
	{ .name = NULL },
};
