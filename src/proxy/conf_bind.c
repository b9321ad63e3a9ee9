/* SPDX-License-Identifier: MIT */
/*
 * "bind" lines and "stats socket": a list of addresses and ranges of ports, each of which becomes a struct
 * bind_conf of its own, with the options behind them in common.
 */
#include "conf_bind.h"

#include <errno.h>

#include <grp.h>
#include <pwd.h>

#include "weir/admin/cli.h"

/* Addresses of one line: a range over all ports is likely a mistake. */
#define BIND_PORTS_MAX 65535u

/* ---- options ---- */

static int set_text(const struct conf_option_call *c, const char **ret)
{
	*ret = arena_strdup(conf_arena(c->conf), c->line->argv[c->arg]);
	return *ret ? 0 : no_memory(c->conf, c->line);
}

static int set_name(const struct conf_option_call *c)
{
	return set_text(c, &((struct bind_line *)c->object)->bind.name);
}

static int set_interface(const struct conf_option_call *c)
{
	return set_text(c, &((struct bind_line *)c->object)->bind.listen.interface);
}

static int set_namespace(const struct conf_option_call *c)
{
	return set_text(c, &((struct bind_line *)c->object)->bind.listen.netns);
}

/* data: offset of a bool in struct bind_conf */
static int set_flag(const struct conf_option_call *c)
{
	*(bool *)((char *)&((struct bind_line *)c->object)->bind + c->row->data) = !c->negated;
	return 0;
}

static int parse_number(const struct conf_option_call *c, int64_t min, int64_t max, int64_t *ret)
{
	return conf_int(c->conf, c->line, c->arg, min, max, ret);
}

static int set_id(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	int64_t n;
	if (parse_number(c, 1, INT32_MAX, &n) < 0)
		return -1;
	b->bind.id = (unsigned)n;
	return 0;
}

static int set_maxconn(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	int64_t n;
	if (parse_number(c, 0, INT32_MAX, &n) < 0)
		return -1;
	b->bind.maxconn = (unsigned)n;
	return 0;
}

static int set_backlog(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	int64_t n;
	if (parse_number(c, 0, INT32_MAX, &n) < 0)
		return -1;
	b->bind.listen.backlog = (int)n;
	return 0;
}

static int set_nice(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	int64_t n;
	if (parse_number(c, -1024, 1024, &n) < 0)
		return -1;
	b->bind.nice = (int)n;
	conf_notice(c->conf, c->line, c->arg - 1,
	    "option 'nice' has no effect: connections are served in turn");
	return 0;
}

/* Negative values are for both families by the manual: the kernel here has one value for all. */
static int set_mss(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	int64_t n;
	if (parse_number(c, -65535, 65535, &n) < 0)
		return -1;
	b->bind.listen.mss = (unsigned)(n < 0 ? -n : n);
	return 0;
}

static int set_tcp_ss(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	int64_t n;
	if (parse_number(c, 0, 2, &n) < 0)
		return -1;
	b->bind.listen.save_syn = (unsigned)n;
	return 0;
}

static int set_tcp_ut(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	return conf_time_ms(c->conf, c->line, c->arg, &b->bind.listen.tcp_ut_ms);
}

static int set_idle_ping(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	return conf_time_ms(c->conf, c->line, c->arg, &b->bind.idle_ping_ms);
}

static int set_cc(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	const char *name = c->line->argv[c->arg];
	int r = net_try_congestion(name);
	if (r < 0) {
		conf_warning(c->conf, c->line, c->arg,
		    "'cc %s' cannot be had here (%s): the system's algorithm stays", name,
		    strerror(-r));
		return 0;
	}
	b->bind.listen.cc = arena_strdup(conf_arena(c->conf), name);
	return b->bind.listen.cc ? 0 : -1;
}

static int set_mode(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	const char *word = c->line->argv[c->arg];
	char *end;
	unsigned long mode = strtoul(word, &end, 8);
	if (!*word || *end || mode > 0777 || !ascii_is_digit(*word)) {
		conf_error(c->conf, c->line, c->arg,
		    "'mode' expects permissions in octal, such as 660, not '%s'", word);
		return -1;
	}
	b->bind.listen.mode = (unsigned)mode;
	return 0;
}

/* data: 1 for the group */
static int set_numeric_owner(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	int64_t n;
	if (parse_number(c, 0, INT32_MAX, &n) < 0)
		return -1;
	if (c->row->data)
		b->bind.listen.gid = (int)n;
	else
		b->bind.listen.uid = (int)n;
	return 0;
}

static int set_user(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	const struct passwd *pw = getpwnam(c->line->argv[c->arg]);
	if (!pw) {
		conf_error(c->conf, c->line, c->arg, "unknown user '%s'", c->line->argv[c->arg]);
		return -1;
	}
	b->bind.listen.uid = (int)pw->pw_uid;
	return 0;
}

static int set_group(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	const struct group *gr = getgrnam(c->line->argv[c->arg]);
	if (!gr) {
		conf_error(c->conf, c->line, c->arg, "unknown group '%s'", c->line->argv[c->arg]);
		return -1;
	}
	b->bind.listen.gid = (int)gr->gr_gid;
	return 0;
}

static int set_level(const struct conf_option_call *c)
{
	static const char *const words[] = { "user", "operator", "admin", NULL };
	struct bind_line *b = c->object;
	int level;
	if (conf_enum(c->conf, c->line, c->arg, words, &level) < 0)
		return -1;
	b->bind.cli_level = (uint8_t)(CLI_USER + level);
	return 0;
}

static int set_severity(const struct conf_option_call *c)
{
	static const char *const words[] = { "none", "number", "string", NULL };
	struct bind_line *b = c->object;
	int severity;
	if (conf_enum(c->conf, c->line, c->arg, words, &severity) < 0)
		return -1;
	b->bind.cli_severity = (uint8_t)(CLI_SEVERITY_NONE + severity);
	return 0;
}

static int set_expose_fd(const struct conf_option_call *c)
{
	if (strcmp(c->line->argv[c->arg], "listeners") != 0) {
		conf_error(c->conf, c->line, c->arg, "'expose-fd' only knows 'listeners', not '%s'",
		    c->line->argv[c->arg]);
		return -1;
	}
	conf_notice(c->conf, c->line, c->arg - 1,
	    "option 'expose-fd' has no effect: a new process binds beside the old one");
	return 0;
}

static int set_shards(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	const char *word = c->line->argv[c->arg];
	int64_t n;
	/* All threads are one group here. */
	if (strcmp(word, "by-thread") == 0 || strcmp(word, "by-group") == 0) {
		b->bind.shards = strcmp(word, "by-group") == 0;
		return 0;
	}
	if (!ascii_is_digit(*word)) {
		conf_error(c->conf, c->line, c->arg,
		    "'shards' expects a number, 'by-thread' or 'by-group', not '%s'", word);
		return -1;
	}
	if (parse_number(c, 1, 1000, &n) < 0)
		return -1;
	b->bind.shards = (unsigned)n;
	return 0;
}

/* ---- thread sets ---- */

/* "3" or "2-5": bits from 0 for thread 1. */
static int thread_range(struct slice s, uint64_t *mask)
{
	struct slice high_text = s;
	struct slice low_text = slice_cut(&high_text, '-');
	uint64_t low, high;
	if (slice_to_u64(low_text, WORKER_MAX, &low) < 0 || low == 0)
		return -EINVAL;
	high = low;
	if (high_text.ptr && !high_text.len)
		high = WORKER_MAX;
	else if (high_text.ptr && slice_to_u64(high_text, WORKER_MAX, &high) < 0)
		return -EINVAL;
	if (high < low)
		return -EINVAL;
	for (uint64_t t = low; t <= high; t++)
		*mask |= 1ull << (t - 1);
	return 0;
}

/* One element of the list, with or without the number of a group: weir has the one group 1. */
static int thread_set(struct slice s, uint64_t *mask)
{
	size_t slash = slice_find(s, '/');
	if (slash < s.len) {
		struct slice group = slice_sub(s, 0, slash);
		if (!slice_eq(group, SLICE("1")) && !slice_eq(group, SLICE("all")))
			return -ERANGE;
		s = slice_sub(s, slash + 1, s.len);
	}
	if (slice_eq(s, SLICE("all")))
		*mask = UINT64_MAX;
	else if (slice_eq(s, SLICE("odd")))
		*mask |= 0x5555555555555555ull;
	else if (slice_eq(s, SLICE("even")))
		*mask |= 0xaaaaaaaaaaaaaaaaull;
	else
		return thread_range(s, mask);
	return 0;
}

static int set_thread(const struct conf_option_call *c)
{
	struct bind_line *b = c->object;
	struct slice rest = slice_str(c->line->argv[c->arg]);
	uint64_t mask = 0;
	while (rest.ptr) {
		struct slice s = slice_cut(&rest, ',');
		int r = thread_set(s, &mask);
		if (r == -ERANGE) {
			conf_error(c->conf, c->line, c->arg,
			    "thread set '%.*s' : weir's threads all are in group 1", SLICE_ARG(s));
			return -1;
		}
		if (r < 0) {
			conf_error(c->conf, c->line, c->arg,
			    "thread set '%.*s' : expects 'all', 'odd', 'even', a number from 1 to "
			    "%d "
			    "or a range of them",
			    SLICE_ARG(s), WORKER_MAX);
			return -1;
		}
	}
	/* All of them is no restriction, whatever their number. */
	b->bind.threads = mask == UINT64_MAX ? 0 : mask;
	return 0;
}

#define BIND_FLAG(field) set_flag, offsetof(struct bind_conf, field)
#define LATER(name, args)                                                                          \
	{                                                                                          \
		name, args, NULL, 0, "", "", CONF_NOT_YET                                          \
	}

const struct conf_option bind_options[] = {
	{ "accept-proxy", 0, BIND_FLAG(accept_proxy), "",
	    "every connection begins with a PROXY header (v1 or v2) and is refused without", 0 },
	{ "backlog", 1, set_backlog, 0, "<connections>",
	    "connections that the kernel keeps waiting; the frontend's unless set", 0 },
	{ "cc", 1, set_cc, 0, "<algorithm>", "TCP congestion control of accepted connections", 0 },
	{ "defer-accept", 0, BIND_FLAG(listen.defer_accept), "",
	    "a connection is seen when its first byte is there", 0 },
	{ "expose-fd", 1, set_expose_fd, 0, "listeners",
	    "admin socket: accepted; descriptors are not handed over yet", 0 },
	{ "gid", 1, set_numeric_owner, 1, "<gid>", "group of a unix socket, by number", 0 },
	{ "group", 1, set_group, 0, "<group>", "group of a unix socket", 0 },
	{ "id", 1, set_id, 0, "<number>", "numeric id of the socket, from 1", 0 },
	{ "idle-ping", 1, set_idle_ping, 0, "<time>",
	    "HTTP/2: asks an idle client for a sign of life, and closes when none comes by the "
	    "next "
	    "time",
	    0 },
	{ "interface", 1, set_interface, 0, "<interface>",
	    "takes only what comes in by this network interface", 0 },
	{ "level", 1, set_level, 0, "{ user | operator | admin }",
	    "admin socket: what its clients may do; operator unless set", 0 },
	{ "maxconn", 1, set_maxconn, 0, "<connections>",
	    "client connections of this socket at once", 0 },
	{ "mode", 1, set_mode, 0, "<mode>", "permissions of a unix socket, in octal", 0 },
	{ "mss", 1, set_mss, 0, "<bytes>", "largest TCP segment", 0 },
	{ "name", 1, set_name, 0, "<name>", "name of the socket in logs and statistics", 0 },
	{ "namespace", 1, set_namespace, 0, "<name>", "network namespace of the socket", 0 },
	{ "nice", 1, set_nice, 0, "<-1024..1024>", "no effect: connections are served in turn", 0 },
	{ "process", 1, NULL,
	    (uintptr_t) "weir is one process; 'thread' says which threads serve a socket", "<set>",
	    "had a meaning when there were several processes", CONF_NO_EFFECT },
	{ "severity-output", 1, set_severity, 0, "{ none | number | string }",
	    "admin socket: how messages show their severity; none unless set", 0 },
	{ "shards", 1, set_shards, 0, "{ <number> | by-thread | by-group }",
	    "sockets for one address; one a thread unless set", 0 },
	{ "tcp-ss", 1, set_tcp_ss, 0, "<mode>",
	    "keep SYN packets for fc_saved_syn: 1 from the IP header on, 2 with the link layer, 0 "
	    "not",
	    0 },
	{ "tcp-ut", 1, set_tcp_ut, 0, "<time>", "how long sent data may go without acknowledgement",
	    0 },
	{ "tfo", 0, BIND_FLAG(listen.tfo), "", "TCP fast open", 0 },
	{ "thread", 1, set_thread, 0, "[<group>/]<set>[,...]", "threads that serve the socket", 0 },
	{ "transparent", 0, BIND_FLAG(listen.transparent), "",
	    "the address need not be of this machine", 0 },
	{ "uid", 1, set_numeric_owner, 0, "<uid>", "owner of a unix socket, by number", 0 },
	{ "user", 1, set_user, 0, "<user>", "owner of a unix socket", 0 },
	{ "v4v6", 0, BIND_FLAG(listen.v4v6), "", "an IPv6 socket takes IPv4 too", 0 },
	{ "v6only", 0, BIND_FLAG(listen.v6only), "", "an IPv6 socket takes IPv6 only", 0 },

	LATER("accept-netscaler-cip", 1),
	LATER("ech", 1),
	LATER("guid-prefix", 1),
	LATER("label", 1),
	LATER("nbconn", 1),
	LATER("quic-cc-algo", 1),
	LATER("quic-force-retry", 0),
	LATER("quic-socket", 1),
	LATER("tcp-md5sig", 1),
	{ .name = NULL },
};

/* ---- addresses ---- */

/* "unix-bind prefix" of the global section stands in front of paths, not of abstract names. */
static int add_prefix(
    struct conf *conf, const struct conf_line *line, int arg, struct net_addr *addr)
{
	const struct config *c = conf_user(conf);
	const char *prefix = c ? c->global.unix_bind_prefix : NULL;
	if (!prefix)
		return 0;
	char path[sizeof(addr->un.sun_path)];
	int n = snprintf(path, sizeof(path), "%s%s", prefix, addr->un.sun_path);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		conf_error(
		    conf, line, arg, "socket path '%s%s' is too long", prefix, addr->un.sun_path);
		return -1;
	}
	memcpy(addr->un.sun_path, path, (size_t)n + 1);
	addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1);
	return 0;
}

static int append_bind(struct conf *conf, const struct conf_line *line, struct bind_line *b,
    const struct net_addr *addr, struct bind_conf ***last)
{
	struct bind_conf *copy = arena_new(conf_arena(conf), struct bind_conf);
	if (!copy)
		return no_memory(conf, line);
	*copy = b->bind;
	copy->addr = *addr;
	**last = copy;
	*last = &copy->next;
	return 0;
}

static int parse_spec(struct conf *conf, const struct conf_line *line, int arg, struct slice text,
    const struct bind_line *b, struct net_spec *spec)
{
	bool is_stats = b->is_stats;
	bool takes_datagrams = b->bind.fe && b->bind.fe->mode == PROXY_SYSLOG;
	unsigned allow =
	    NET_ALLOW_NAME | NET_ALLOW_PORT_RANGE | NET_ALLOW_FD | NET_ALLOW_UNIX | NET_NEED_PORT;
	char err[256] = "";
	if (takes_datagrams)
		allow |= NET_ALLOW_DATAGRAM;
	if (net_spec_parse(text, allow, spec, err, sizeof(err)) < 0) {
		conf_error(conf, line, arg, "'%s' : address '%.*s' : %s",
		    is_stats ? "stats socket" : "bind", SLICE_ARG(text), err);
		return -1;
	}
	if ((spec->datagram && !takes_datagrams) || spec->quic || spec->kind == NET_KIND_SOCKPAIR) {
		conf_error(conf, line, arg,
		    "'%s' : address '%.*s' : %s is not supported by this version of weir",
		    is_stats ? "stats socket" : "bind", SLICE_ARG(text),
		    spec->quic	     ? "QUIC"
		    : spec->datagram ? "a datagram socket"
				     : "sockpair@");
		return -1;
	}
	return 0;
}

static int add_address(struct conf *conf, const struct conf_line *line, int arg, struct slice text,
    struct bind_line *b, struct bind_conf ***last)
{
	struct net_spec spec;
	if (parse_spec(conf, line, arg, text, b, &spec) < 0)
		return -1;
	struct net_addr addr = spec.addr;
	b->bind.listen.mptcp = spec.mptcp;
	b->bind.fd = -1;
	b->bind.datagram = spec.datagram;
	if (spec.kind == NET_KIND_FD) {
		b->bind.fd = spec.fd;
		return append_bind(conf, line, b, &(struct net_addr){ .len = 0 }, last);
	}
	if (spec.kind == NET_KIND_UNIX && add_prefix(conf, line, arg, &addr) < 0)
		return -1;
	if (spec.kind != NET_KIND_IP)
		return append_bind(conf, line, b, &addr, last);
	if (spec.name.len && net_resolve(&spec, &addr) < 0) {
		conf_error(conf, line, arg, "'bind' : could not resolve address '%.*s'",
		    SLICE_ARG(spec.name));
		return -1;
	}
	unsigned high = spec.port_mode == NET_PORT_RANGE ? spec.port_high : spec.port;
	if (spec.port == 0) {
		conf_error(conf, line, arg, "'%s' : missing port number in '%.*s'",
		    b->is_stats ? "stats socket" : "bind", SLICE_ARG(text));
		return -1;
	}
	for (unsigned port = spec.port; port <= high; port++) {
		net_addr_set_port(&addr, port);
		if (append_bind(conf, line, b, &addr, last) < 0)
			return -1;
	}
	return 0;
}

int bind_parse(struct conf *conf, const struct conf_line *line, int arg, struct proxy *fe,
    struct bind_conf ***last)
{
	static const struct conf_option *const tables[] = { bind_options, bind_ssl_options, NULL };
	struct config *c = conf_user(conf);
	struct bind_line b = {
		.is_stats = !fe,
		.bind = {
			.fe = fe,
			.fd = -1,
			.listen = { .uid = -1, .gid = -1 },
			.cli_level = CLI_OPERATOR,
			.cli_severity = CLI_SEVERITY_NONE,
			.pos = line->pos,
		},
	};
	if (arg >= line->argc) {
		conf_error(conf, line, -1, "'%s' expects an address", fe ? "bind" : "stats socket");
		return -1;
	}
	if (c) {
		b.bind.listen.mode = c->global.unix_bind_mode;
		b.bind.listen.uid = c->global.unix_bind_uid;
		b.bind.listen.gid = c->global.unix_bind_gid;
	}
	int status = conf_options(conf, line, arg + 1, tables, &b);
	if (bind_ssl_check(conf, line, arg, &b, status < 0) < 0)
		status = -1;
	struct slice rest = slice_str(line->argv[arg]);
	struct bind_conf **first = *last;
	while (rest.ptr)
		if (add_address(conf, line, arg, slice_cut(&rest, ','), &b, last) < 0)
			status = -1;
	if (b.bind.id && *first && (*first)->next) {
		conf_error(conf, line, -1, "'id' can only be used with a single socket");
		status = -1;
	}
	return status;
}
