/* SPDX-License-Identifier: MIT */
/*
 * The options of "server", "default-server" and "server-template" lines (configuration manual 5.2), one row
 * each. Setters write to a struct server_defaults. Reading the configuration, one thread.
 */
#include "server_options.h"

#include <limits.h>

#include "weir/base/arena.h"

#define FIELD  SERVER_FIELD
#define TARGET SERVER_TARGET

int server_option_flag(const struct conf_option_call *call)
{
	*TARGET(call, bool) = !call->negated;
	return 0;
}

static int clear_flag(const struct conf_option_call *call)
{
	*TARGET(call, bool) = false;
	return 0;
}

static int set_count(const struct conf_option_call *call)
{
	int64_t v;
	if (conf_int(call->conf, call->line, call->arg, 0, INT_MAX, &v) < 0)
		return -1;
	*TARGET(call, unsigned) = (unsigned)v;
	return 0;
}

static int set_positive(const struct conf_option_call *call)
{
	int64_t v;
	if (conf_int(call->conf, call->line, call->arg, 1, INT_MAX, &v) < 0)
		return -1;
	*TARGET(call, unsigned) = (unsigned)v;
	return 0;
}

static int set_log_bufsize(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	uint64_t size;
	if (conf_size(call->conf, call->line, call->arg, 1, 1ull << 40, &size) < 0)
		return -1;
	d->s.log_bufsize = size;
	return 0;
}

/* RFC 6587: 3.4.2 and 3.4.1 */
static int set_log_proto(const struct conf_option_call *call)
{
	static const char *const words[] = { "legacy", "octet-count", NULL };
	struct server_defaults *d = call->object;
	int proto;
	if (conf_enum(call->conf, call->line, call->arg, words, &proto) < 0)
		return -1;
	d->s.log_octet_count = proto == 1;
	return 0;
}

/* -1: no limit. */
static int set_limit(const struct conf_option_call *call)
{
	int64_t v;
	if (conf_int(call->conf, call->line, call->arg, -1, INT_MAX, &v) < 0)
		return -1;
	*TARGET(call, unsigned) = v < 0 ? UINT_MAX : (unsigned)v;
	return 0;
}

static int set_ms(const struct conf_option_call *call)
{
	return conf_time_ms(call->conf, call->line, call->arg, TARGET(call, unsigned));
}

/* A time that must not be 0. */
static int set_delay(const struct conf_option_call *call)
{
	unsigned ms;
	if (conf_time_ms(call->conf, call->line, call->arg, &ms) < 0)
		return -1;
	if (ms == 0) {
		conf_error(call->conf, call->line, call->arg, "'%s' must be at least 1ms",
		    call->row->name);
		return -1;
	}
	*TARGET(call, unsigned) = ms;
	return 0;
}

int server_option_text(const struct conf_option_call *call)
{
	const char *word = call->line->argv[call->arg];
	if (!*word) {
		conf_error(
		    call->conf, call->line, call->arg, "'%s' needs a value", call->row->name);
		return -1;
	}
	char *copy = arena_strdup(conf_arena(call->conf), word);
	if (!copy) {
		conf_error(call->conf, call->line, call->arg, "out of memory");
		return -1;
	}
	*TARGET(call, const char *) = copy;
	return 0;
}

static int set_cc(const struct conf_option_call *call)
{
	const char *name = call->line->argv[call->arg];
	int r = net_try_congestion(name);
	if (r == 0)
		return server_option_text(call);
	conf_warning(call->conf, call->line, call->arg,
	    "'cc %s' cannot be had here (%s): the system's algorithm stays", name, strerror(-r));
	return 0;
}

static int set_weight(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	int64_t v;
	if (conf_int(call->conf, call->line, call->arg, 0, SERVER_WEIGHT_MAX, &v) < 0)
		return -1;
	d->s.weight = (unsigned)v;
	return 0;
}

static int set_id(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	d->s.id_set = true;
	return set_positive(call);
}

static int set_port(const struct conf_option_call *call)
{
	int64_t v;
	if (conf_int(call->conf, call->line, call->arg, 1, 65535, &v) < 0)
		return -1;
	*TARGET(call, unsigned) = (unsigned)v;
	return 0;
}

/* data: enum server_pp. */
static int set_proxy_protocol(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	enum server_pp pp = (enum server_pp)call->row->data;
	if (!call->negated)
		d->s.pp = pp;
	else if (d->s.pp == pp)
		d->s.pp = SERVER_PP_NONE;
	return 0;
}

/* Version 2 with facts about the client's TLS; data: SERVER_PP2_*. */
static int set_proxy_tls(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	unsigned bits = (unsigned)call->row->data;
	if (!call->negated) {
		d->s.pp = SERVER_PP_V2;
		d->s.pp2_options |= bits;
	} else if ((d->s.pp2_options & bits) == bits) {
		d->s.pp = SERVER_PP_NONE;
		d->s.pp2_options &= ~bits;
	}
	return 0;
}

static int set_pp2_options(const struct conf_option_call *call)
{
	static const struct {
		const char *name;
		unsigned bits;
	} known[] = {
		{ "crc32c", SERVER_PP2_CRC32C },
		{ "unique-id", SERVER_PP2_UNIQUE_ID },
		{ "authority", SERVER_PP2_AUTHORITY },
		{ "ssl", SERVER_PP2_SSL },
		{ "cert-cn", SERVER_PP2_SSL | SERVER_PP2_CERT_CN },
		{ "ssl-cipher", SERVER_PP2_SSL | SERVER_PP2_CIPHER },
		{ "cert-sig", SERVER_PP2_SSL | SERVER_PP2_CERT_SIG },
		{ "cert-key", SERVER_PP2_SSL | SERVER_PP2_CERT_KEY },
	};
	struct server_defaults *d = call->object;
	struct slice rest = slice_str(call->line->argv[call->arg]);
	while (rest.ptr) {
		struct slice word = slice_cut(&rest, ',');
		size_t i = 0;
		while (i < ARRAY_SIZE(known) && !slice_eq(word, slice_str(known[i].name)))
			i++;
		if (i == ARRAY_SIZE(known)) {
			conf_error(call->conf, call->line, call->arg,
			    "'proxy-v2-options': option '%.*s' is unknown", SLICE_ARG(word));
			return -1;
		}
		d->s.pp2_options |= known[i].bits;
	}
	return 0;
}

/* One word of a list; its index is written to an int or a byte. */
static int choose(const struct conf_option_call *call, const char *const *words)
{
	int i;
	return conf_enum(call->conf, call->line, call->arg, words, &i) < 0 ? -1 : i;
}

static int set_hash_key(const struct conf_option_call *call)
{
	static const char *const words[] = { "id", "id32", "addr", "addr-port", "guid", NULL };
	int i = choose(call, words);
	((struct server_defaults *)call->object)->s.hash_key = (uint8_t)i;
	return i < 0 ? -1 : 0;
}

static int set_init_state(const struct conf_option_call *call)
{
	static const char *const words[] = { "none", "fully-up", "up", "down", "fully-down", NULL };
	int i = choose(call, words);
	((struct server_defaults *)call->object)->s.init_state = (uint8_t)i;
	return i < 0 ? -1 : 0;
}

static int set_prefer(const struct conf_option_call *call)
{
	static const char *const words[] = { "ipv4", "ipv6", NULL };
	int i = choose(call, words);
	((struct server_defaults *)call->object)->s.prefer_family = i == 0 ? AF_INET : AF_INET6;
	return i < 0 ? -1 : 0;
}

static int set_marked_down(const struct conf_option_call *call)
{
	static const char *const words[] = { "shutdown-sessions", NULL };
	((struct server_defaults *)call->object)->s.down_shuts_sessions = true;
	return choose(call, words) < 0 ? -1 : 0;
}

static int set_marked_up(const struct conf_option_call *call)
{
	static const char *const words[] = { "shutdown-backup-sessions", NULL };
	((struct server_defaults *)call->object)->s.up_shuts_backups = true;
	return choose(call, words) < 0 ? -1 : 0;
}

/* Each method is "last", "libc", "none" or an address. */
static int set_init_addr(const struct conf_option_call *call)
{
	struct slice rest = slice_str(call->line->argv[call->arg]);
	struct net_addr unused;
	while (rest.ptr) {
		struct slice m = slice_cut(&rest, ',');
		if (slice_eq(m, SLICE("last")) || slice_eq(m, SLICE("libc")) ||
		    slice_eq(m, SLICE("none")) || net_ip_parse(m, &unused) == 0)
			continue;
		conf_error(call->conf, call->line, call->arg,
		    "'init-addr': unknown method '%.*s', it takes 'last', 'libc', 'none' and IP "
		    "addresses",
		    SLICE_ARG(m));
		return -1;
	}
	return server_option_text(call);
}

static int set_namespace(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	const char *name = call->line->argv[call->arg];
	if (strcmp(name, "*") == 0) {
		conf_error(call->conf, call->line, call->arg,
		    "namespace '*' is not supported by this version of weir");
		return -1;
	}
	int r = net_netns_open(name);
	if (r < 0) {
		conf_error(call->conf, call->line, call->arg, "cannot open namespace '%s': %s",
		    name, strerror(-r));
		return -1;
	}
	d->s.connect.netns = arena_strdup(conf_arena(call->conf), name);
	return d->s.connect.netns ? 0 : -1;
}

/* One numeric address. */
static int parse_addr(
    const struct conf_option_call *call, int arg, unsigned allow, struct net_spec *ret)
{
	char err[128];
	if (net_spec_parse(slice_str(call->line->argv[arg]), allow, ret, err, sizeof(err)) < 0) {
		conf_error(call->conf, call->line, arg, "'%s': %s", call->row->name, err);
		return -1;
	}
	if (ret->addr.len == 0 && net_resolve(ret, &ret->addr) < 0) {
		conf_error(call->conf, call->line, arg, "'%s': could not resolve address '%.*s'",
		    call->row->name, SLICE_ARG(ret->name));
		return -1;
	}
	return 0;
}

static int set_check_addr(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	struct net_spec spec;
	if (parse_addr(call, call->arg, NET_ALLOW_NAME | NET_ALLOW_UNIX, &spec) < 0)
		return -1;
	d->check.addr = spec.addr;
	if (spec.port_mode == NET_PORT_FIXED)
		d->check.port = spec.port;
	return 0;
}

static int set_socks4(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	struct net_spec spec;
	if (parse_addr(call, call->arg, NET_ALLOW_NAME | NET_NEED_PORT, &spec) < 0)
		return -1;
	if (spec.addr.sa.sa_family != AF_INET && spec.addr.sa.sa_family != AF_INET6) {
		conf_error(call->conf, call->line, call->arg, "'socks4' needs an IP address");
		return -1;
	}
	d->s.socks4 = spec.addr;
	net_addr_set_port(&d->s.socks4, spec.port);
	return 0;
}

/* "client", "clientip" or "hdr_ip(name[,occ])". */
static int set_usesrc(const struct conf_option_call *call, int arg)
{
	struct server_defaults *d = call->object;
	struct slice word = slice_str(call->line->argv[arg]);
	d->s.connect.transparent = true;
	if (slice_eq(word, SLICE("client"))) {
		d->s.source_use = SOURCE_CLIENT;
		return 0;
	}
	if (slice_eq(word, SLICE("clientip"))) {
		d->s.source_use = SOURCE_CLIENTIP;
		return 0;
	}
	if (!slice_has_prefix(word, SLICE("hdr_ip(")) || !slice_has_suffix(word, SLICE(")"))) {
		conf_error(call->conf, call->line, arg,
		    "'usesrc' expects 'client', 'clientip' or 'hdr_ip(<name>[,<occ>])'; a fixed "
		    "address is written as the source itself");
		return -1;
	}
	struct slice rest = slice_sub(word, 7, word.len - 8);
	struct slice name = slice_cut(&rest, ',');
	int64_t occ = -1;
	char *text = arena_slice_dup(conf_arena(call->conf), name);
	char *number = rest.ptr ? arena_slice_dup(conf_arena(call->conf), rest) : NULL;
	if (!text || !name.len || (number && conf_parse_int(number, &occ) < 0)) {
		conf_error(call->conf, call->line, arg, "'hdr_ip' expects a header name");
		return -1;
	}
	for (char *p = text; *p; p++)
		*p = ascii_lower(*p);
	d->s.source_use = SOURCE_HDR_IP;
	d->s.source_hdr = text;
	d->s.source_hdr_occ = (int)occ;
	return 0;
}

/* "source <addr>[:<port>[-<port>]] [usesrc ...] [interface <name>]": returns the words taken. */
static int set_source(const struct conf_option_call *call)
{
	struct server_defaults *d = call->object;
	const struct conf_line *line = call->line;
	int arg = call->arg;
	struct net_spec spec;
	if (arg >= line->argc) {
		conf_error(
		    call->conf, line, arg - 1, "option 'source' expects %s", call->row->usage);
		return -1;
	}
	if (parse_addr(call, arg++, NET_ALLOW_NAME | NET_ALLOW_PORT_RANGE, &spec) < 0)
		return -1;
	d->s.source_addr = spec.addr;
	d->s.source_use = SOURCE_PLAIN;
	d->s.connect.source_port_low = d->s.connect.source_port_high = 0;
	if (spec.port_mode == NET_PORT_RANGE) {
		d->s.connect.source_port_low = spec.port;
		d->s.connect.source_port_high = spec.port_high;
	} else if (spec.port_mode == NET_PORT_FIXED) {
		net_addr_set_port(&d->s.source_addr, spec.port);
	}
	while (arg + 1 < line->argc) {
		if (strcmp(line->argv[arg], "usesrc") == 0) {
			if (set_usesrc(call, arg + 1) < 0)
				return -1;
		} else if (strcmp(line->argv[arg], "interface") == 0) {
			d->s.connect.interface =
			    arena_strdup(conf_arena(call->conf), line->argv[arg + 1]);
		} else {
			break;
		}
		arg += 2;
	}
	return arg - call->arg;
}

#define NOT_YET(word, n, use, text)                                                                \
	{                                                                                          \
		word, n, NULL, 0, use, text, CONF_NOT_YET                                          \
	}
#define NO_EFFECT(word, why)                                                                       \
	{                                                                                          \
		word, 0, NULL, (uintptr_t)why, "", "nothing to switch off", CONF_NO_EFFECT         \
	}
#define NO_AGENT "there are no agent checks in this version"

/* clang-format off */
const struct conf_option server_options[] = {
	{ "addr", 1, set_check_addr, 0, "<ip>", "where health checks connect to", 0 },
	{ "backup", 0, server_option_flag, FIELD(s.backup), "", "serves only when all others are out", CONF_MAY_NEGATE },
	{ "check", 0, server_option_flag, FIELD(checked), "", "check the server's health", CONF_MAY_NEGATE },
	{ "check-send-proxy", 0, server_option_flag, FIELD(check.send_proxy), "", "checks send a PROXY header too", CONF_MAY_NEGATE },
	{ "cc", 1, set_cc, FIELD(s.connect.cc), "<algorithm>", "TCP congestion control", 0 },
	{ "cookie", 1, server_option_text, FIELD(s.cookie), "<value>", "value of the persistence cookie", 0 },
	{ "disabled", 0, server_option_flag, FIELD(s.disabled), "", "starts in maintenance", 0 },
	{ "downinter", 1, set_delay, FIELD(check.down_ms), "<delay>", "check interval while down", 0 },
	{ "enabled", 0, clear_flag, FIELD(s.disabled), "", "takes 'disabled' back", 0 },
	{ "fall", 1, set_positive, FIELD(check.fall), "<count>", "failed checks until it is down", 0 },
	{ "fastinter", 1, set_delay, FIELD(check.fast_ms), "<delay>", "check interval between two states", 0 },
	{ "guid", 1, server_option_text, FIELD(s.guid), "<text>", "identifier that does not depend on the order", 0 },
	{ "hash-key", 1, set_hash_key, 0, "id | id32 | addr | addr-port | guid", "what places it on the hash ring", 0 },
	{ "id", 1, set_id, FIELD(s.id), "<number>", "number in statistics and hashes", 0 },
	{ "idle-ping", 1, set_ms, FIELD(s.idle_ping_ms), "<delay>", "HTTP/2: asks idle connections for a sign of life, and closes those without", 0 },
	{ "init-addr", 1, set_init_addr, FIELD(s.init_addr), "last | libc | none | <ip>, ...", "how its name is resolved at start", 0 },
	{ "init-state", 1, set_init_state, 0, "fully-up | up | down | fully-down | none", "health before the first checks", 0 },
	{ "inter", 1, set_delay, FIELD(check.inter_ms), "<delay>", "check interval", 0 },
	{ "log-bufsize", 1, set_log_bufsize, 0, "<size>", "bytes that wait for a log server at most", 0 },
	{ "log-proto", 1, set_log_proto, 0, "legacy | octet-count", "framing of lines to a log server", 0 },
	{ "max-reuse", 1, set_limit, FIELD(s.max_reuse), "<count>", "requests a connection may be reused for; -1: any", 0 },
	{ "maxconn", 1, set_count, FIELD(s.maxconn), "<number>", "most concurrent requests; 0: no limit", 0 },
	{ "maxqueue", 1, set_count, FIELD(s.maxqueue), "<number>", "most waiting requests; 0: no limit", 0 },
	{ "minconn", 1, set_count, FIELD(s.minconn), "<number>", "limit while the backend's load is low", 0 },
	{ "namespace", 1, set_namespace, 0, "<name>", "network namespace of connections", 0 },
	{ "non-stick", 0, server_option_flag, FIELD(s.non_stick), "", "never enters stick tables", 0 },
	{ "on-marked-down", 1, set_marked_down, 0, "shutdown-sessions", "what happens when it goes down", 0 },
	{ "on-marked-up", 1, set_marked_up, 0, "shutdown-backup-sessions", "what happens when it comes up", 0 },
	{ "pool-low-conn", 1, set_count, FIELD(s.pool_low_conn), "<number>", "idle connections that are always kept", 0 },
	{ "pool-max-conn", 1, set_limit, FIELD(s.pool_max_conn), "<number>", "most idle connections; -1: any", 0 },
	{ "pool-purge-delay", 1, set_ms, FIELD(s.pool_purge_delay_ms), "<delay>", "how long a connection stays idle", 0 },
	{ "port", 1, set_port, FIELD(check.port), "<port>", "port of health checks", 0 },
	{ "proxy-v2-options", 1, set_pp2_options, 0, "crc32c | unique-id | authority | ssl | cert-cn | ssl-cipher | cert-sig | cert-key, ...", "what the PROXY header holds", 0 },
	{ "redir", 1, server_option_text, FIELD(s.redir), "<prefix>", "redirects GET and HEAD there", CONF_NOT_YET },
	{ "resolve-prefer", 1, set_prefer, 0, "ipv4 | ipv6", "family that is taken first", 0 },
	{ "rise", 1, set_positive, FIELD(check.rise), "<count>", "good checks until it is up", 0 },
	{ "send-proxy", 0, set_proxy_protocol, SERVER_PP_V1, "", "PROXY protocol version 1", CONF_MAY_NEGATE },
	{ "send-proxy-v2", 0, set_proxy_protocol, SERVER_PP_V2, "", "PROXY protocol version 2", CONF_MAY_NEGATE },
	{ "send-proxy-v2-ssl", 0, set_proxy_tls, SERVER_PP2_SSL, "", "PROXY protocol version 2 with facts of the client's TLS", CONF_MAY_NEGATE },
	{ "send-proxy-v2-ssl-cn", 0, set_proxy_tls, SERVER_PP2_SSL | SERVER_PP2_CERT_CN, "", "the same, and the name of the client's certificate", CONF_MAY_NEGATE },
	{ "slowstart", 1, set_ms, FIELD(s.slowstart_ms), "<time>", "time to full weight after a failure", 0 },
	{ "socks4", 1, set_socks4, 0, "<addr>:<port>", "connects through a SOCKS4 proxy", 0 },
	{ "source", -1, set_source, 0, "<addr>[:<port>[-<port>]] [usesrc ...] [interface <name>]", "source address of connections", 0 },
	{ "stick", 0, clear_flag, FIELD(s.non_stick), "", "takes 'non-stick' back", 0 },
	{ "tcp-ut", 1, set_ms, FIELD(s.connect.tcp_ut_ms), "<delay>", "TCP user timeout", 0 },
	{ "tfo", 0, server_option_flag, FIELD(s.connect.tfo), "", "TCP fast open", CONF_MAY_NEGATE },
	{ "track", 1, server_option_text, FIELD(s.track), "[<backend>/]<server>", "takes its state from another server", 0 },
	{ "weight", 1, set_weight, 0, "<0..256>", "share of the load", 0 },

	NO_EFFECT("no-agent-check", NO_AGENT),
	NO_EFFECT("no-check-reuse-pool", "checks never use pooled connections"),

	NOT_YET("agent-addr", 1, "<addr>", "address of agent checks"),
	NOT_YET("agent-check", 0, "", "asks an agent on the server for its state"),
	NOT_YET("agent-inter", 1, "<delay>", "interval of agent checks"),
	NOT_YET("agent-port", 1, "<port>", "port of agent checks"),
	NOT_YET("agent-send", 1, "<text>", "what agent checks send"),
	NOT_YET("check-pool-conn-name", 1, "<name>", "name of pooled connections for checks"),
	NOT_YET("check-reuse-pool", 0, "", "checks use idle connections"),
	NOT_YET("check-via-socks4", 0, "", "checks through the SOCKS4 proxy"),
	NOT_YET("error-limit", 1, "<count>", "errors that 'on-error' waits for"),
	NOT_YET("from", 1, "<origin>", "options of another default-server"),
	NOT_YET("healthcheck", 1, "<name>", "a 'healthcheck' section"),
	NOT_YET("ktls", 1, "on | off", "TLS in the kernel"),
	NOT_YET("observe", 1, "layer4 | layer7", "health from what traffic shows"),
	NOT_YET("on-error", 1, "<mode>", "what observed errors do"),
	NOT_YET("quic-cc-algo", 1, "<algorithm>", "QUIC congestion control"),
	NOT_YET("resolve-net", 1, "<network>", "networks preferred in DNS answers"),
	NOT_YET("resolve-opts", 1, "<options>", "options of DNS resolution"),
	NOT_YET("resolvers", 1, "<id>", "DNS resolution at run time"),
	NOT_YET("shard", 1, "<shard>", "shard of a peer"),
	NOT_YET("strict-maxconn", 0, "", "maxconn counts connections"),
	NOT_YET("tcp-md5sig", 1, "<password>", "TCP MD5 signatures"),
	{ .name = NULL },
};
/* clang-format on */
