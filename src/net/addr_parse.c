/* SPDX-License-Identifier: MIT */
/*
 * The address syntax of the configuration (manual 2.9): [type+]prefix@address[:port]. The text decides the
 * form; what the place accepts comes as flags, so that "bind", "server" and "source" share one parser and
 * their errors read alike. Nothing is resolved and no descriptor is looked at here.
 */
#include "weir/net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>

struct parser {
	struct slice text; /* the whole, for the errors */
	unsigned allow;
	struct net_spec spec;
	char *err;
	size_t err_size;
};

enum sock_type { TYPE_ANY, TYPE_STREAM, TYPE_DATAGRAM, TYPE_QUIC };

static const struct type_row {
	struct slice prefix;
	enum sock_type type;
} type_rows[] = {
	{ SLICE("stream+"), TYPE_STREAM },
	{ SLICE("dgram+"), TYPE_DATAGRAM },
	{ SLICE("quic+"), TYPE_QUIC },
};

static const struct prefix_row {
	struct slice prefix;
	enum net_kind kind;
	int family;
	enum sock_type type;
	bool mptcp;
} prefix_rows[] = {
	{ SLICE("ip@"), NET_KIND_IP, AF_UNSPEC, TYPE_ANY, false },
	{ SLICE("ipv4@"), NET_KIND_IP, AF_INET, TYPE_ANY, false },
	{ SLICE("ipv6@"), NET_KIND_IP, AF_INET6, TYPE_ANY, false },
	{ SLICE("tcp@"), NET_KIND_IP, AF_UNSPEC, TYPE_STREAM, false },
	{ SLICE("tcp4@"), NET_KIND_IP, AF_INET, TYPE_STREAM, false },
	{ SLICE("tcp6@"), NET_KIND_IP, AF_INET6, TYPE_STREAM, false },
	{ SLICE("udp@"), NET_KIND_IP, AF_UNSPEC, TYPE_DATAGRAM, false },
	{ SLICE("udp4@"), NET_KIND_IP, AF_INET, TYPE_DATAGRAM, false },
	{ SLICE("udp6@"), NET_KIND_IP, AF_INET6, TYPE_DATAGRAM, false },
	{ SLICE("mptcp@"), NET_KIND_IP, AF_UNSPEC, TYPE_STREAM, true },
	{ SLICE("mptcp4@"), NET_KIND_IP, AF_INET, TYPE_STREAM, true },
	{ SLICE("mptcp6@"), NET_KIND_IP, AF_INET6, TYPE_STREAM, true },
	{ SLICE("quic4@"), NET_KIND_IP, AF_INET, TYPE_QUIC, false },
	{ SLICE("quic6@"), NET_KIND_IP, AF_INET6, TYPE_QUIC, false },
	{ SLICE("unix@"), NET_KIND_UNIX, AF_UNSPEC, TYPE_ANY, false },
	{ SLICE("uxst@"), NET_KIND_UNIX, AF_UNSPEC, TYPE_STREAM, false },
	{ SLICE("uxdg@"), NET_KIND_UNIX, AF_UNSPEC, TYPE_DATAGRAM, false },
	{ SLICE("abns@"), NET_KIND_ABSTRACT, AF_UNSPEC, TYPE_ANY, false },
	{ SLICE("abnsz@"), NET_KIND_ABSTRACT, AF_UNSPEC, TYPE_ANY, false },
	{ SLICE("fd@"), NET_KIND_FD, AF_UNSPEC, TYPE_ANY, false },
	{ SLICE("sockpair@"), NET_KIND_SOCKPAIR, AF_UNSPEC, TYPE_STREAM, false },
};

/* "<what> in '<text>'"; always -EINVAL. */
WEIR_PRINTF(2, 3)
static int fail(struct parser *p, const char *fmt, ...)
{
	char what[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(p->err, p->err_size, "%s in '%.*s'", what, SLICE_ARG(p->text));
	return -EINVAL;
}

/* "fe80::1%eth0": the interface by name or number. */
static int parse_scope(struct slice scope, uint32_t *ret_id)
{
	char name[IF_NAMESIZE];
	uint64_t id;
	if (slice_to_u64(scope, UINT32_MAX, &id) < 0) {
		if (scope.len == 0 || scope.len >= sizeof(name))
			return -EINVAL;
		memcpy(name, scope.ptr, scope.len);
		name[scope.len] = '\0';
		id = if_nametoindex(name);
	}
	if (id == 0)
		return -EINVAL;
	*ret_id = (uint32_t)id;
	return 0;
}

int net_ip_parse(struct slice text, struct net_addr *ret)
{
	struct net_addr a = { .len = 0 };
	char ip[INET6_ADDRSTRLEN];
	struct slice scope = text;
	struct slice bare = slice_cut(&scope, '%');
	if (bare.len == 0 || bare.len >= sizeof(ip) || memchr(bare.ptr, '\0', bare.len))
		return -EINVAL;
	memcpy(ip, bare.ptr, bare.len);
	ip[bare.len] = '\0';
	if (inet_pton(AF_INET, ip, &a.in.sin_addr) == 1 && !scope.ptr) {
		a.in.sin_family = AF_INET;
		a.len = sizeof(a.in);
	} else if (memset(&a, 0, sizeof(a)), inet_pton(AF_INET6, ip, &a.in6.sin6_addr) == 1) {
		if (scope.ptr && parse_scope(scope, &a.in6.sin6_scope_id) < 0)
			return -EINVAL;
		a.in6.sin6_family = AF_INET6;
		a.len = sizeof(a.in6);
	} else {
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

static int set_type(struct parser *p, enum sock_type type)
{
	struct net_spec *s = &p->spec;
	bool forced = s->stream || s->datagram || s->quic;
	if (type == TYPE_ANY)
		return 0;
	if (forced && ((type == TYPE_STREAM) != s->stream || (type == TYPE_QUIC) != s->quic))
		return fail(p, "contradictory socket types");
	s->stream = type == TYPE_STREAM;
	s->datagram = type == TYPE_DATAGRAM;
	s->quic = type == TYPE_QUIC;
	return 0;
}

/* The letters before "@", when they look like a prefix rather than a part of a path or name. */
static struct slice unknown_prefix(struct slice s)
{
	size_t at = slice_find(s, '@');
	if (at == s.len || s.ptr[0] == '/')
		return SLICE_NULL;
	return slice_sub(s, 0, at);
}

/* Takes the prefixes off *rest. */
static int parse_prefixes(struct parser *p, struct slice *rest, bool *ret_padded)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_rows); i++) {
		const struct type_row *row = &type_rows[i];
		if (!slice_has_prefix(*rest, row->prefix))
			continue;
		if (set_type(p, row->type) < 0)
			return -EINVAL;
		*rest = slice_sub(*rest, row->prefix.len, rest->len);
		break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(prefix_rows); i++) {
		const struct prefix_row *row = &prefix_rows[i];
		if (!slice_has_prefix(*rest, row->prefix))
			continue;
		p->spec.kind = row->kind;
		p->spec.family = row->family;
		p->spec.mptcp = row->mptcp;
		*ret_padded = slice_eq(row->prefix, SLICE("abns@"));
		*rest = slice_sub(*rest, row->prefix.len, rest->len);
		return set_type(p, row->type);
	}
	p->spec.kind = rest->len && rest->ptr[0] == '/' ? NET_KIND_UNIX : NET_KIND_IP;
	struct slice unknown = unknown_prefix(*rest);
	if (unknown.len)
		return fail(p, "unknown address prefix '%.*s@'", SLICE_ARG(unknown));
	return 0;
}

static int parse_unix(struct parser *p, struct slice path)
{
	struct sockaddr_un *un = &p->spec.addr.un;
	if (path.len == 0)
		return fail(p, "missing socket path");
	if (path.len >= sizeof(un->sun_path))
		return fail(p, "socket path too long (max %zu)", sizeof(un->sun_path) - 1);
	if (memchr(path.ptr, '\0', path.len))
		return fail(p, "invalid socket path");
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.ptr, path.len);
	p->spec.addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	return 0;
}

/*
 * abns@ names are padded with zeroes to the whole field, which is part of the name to the kernel; abnsz@ names
 * have exactly their own length, as socat and systemd make them.
 */
static int parse_abstract(struct parser *p, struct slice name, bool padded)
{
	struct sockaddr_un *un = &p->spec.addr.un;
	if (name.len == 0)
		return fail(p, "missing abstract socket name");
	if (name.len >= sizeof(un->sun_path))
		return fail(p, "abstract socket name too long (max %zu)", sizeof(un->sun_path) - 1);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path + 1, name.ptr, name.len);
	p->spec.addr.len = padded
			       ? sizeof(*un)
			       : (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + name.len);
	return 0;
}

static int parse_fd(struct parser *p, struct slice number)
{
	uint64_t fd;
	if (slice_to_u64(number, INT32_MAX, &fd) < 0)
		return fail(p, "file descriptor '%.*s' is not a valid integer", SLICE_ARG(number));
	p->spec.fd = (int)fd;
	return 0;
}

static int parse_port_number(struct parser *p, struct slice digits, unsigned *ret_port)
{
	uint64_t port;
	for (size_t i = 0; i < digits.len; i++) {
		if (!ascii_is_digit(digits.ptr[i]))
			return fail(p, "invalid character '%c' in port number '%.*s'",
			    digits.ptr[i], SLICE_ARG(digits));
	}
	if (slice_to_u64(digits, 65535, &port) < 0)
		return fail(p, "invalid port '%.*s'", SLICE_ARG(digits));
	*ret_port = (unsigned)port;
	return 0;
}

static int parse_port_range(struct parser *p, struct slice low, struct slice high)
{
	struct net_spec *s = &p->spec;
	if (!(p->allow & NET_ALLOW_PORT_RANGE))
		return fail(p, "port range not permitted here");
	if (parse_port_number(p, low, &s->port) < 0 ||
	    parse_port_number(p, high, &s->port_high) < 0)
		return -EINVAL;
	if (s->port == 0 || s->port > s->port_high)
		return fail(p, "invalid port range '%u-%u'", s->port, s->port_high);
	s->port_mode = NET_PORT_RANGE;
	return 0;
}

static int parse_port(struct parser *p, struct slice port)
{
	struct net_spec *s = &p->spec;
	if (port.len == 0) {
		if (p->allow & NET_NEED_PORT)
			return fail(p, "missing port specification");
		return 0;
	}
	if (p->allow & NET_NO_PORT)
		return fail(p, "port specification not permitted here");
	if (port.ptr[0] == '+' || port.ptr[0] == '-') {
		if (!(p->allow & NET_ALLOW_PORT_OFFSET))
			return fail(p, "port offset not permitted here");
		s->port_mode = port.ptr[0] == '+' ? NET_PORT_PLUS : NET_PORT_MINUS;
		return parse_port_number(p, slice_sub(port, 1, port.len), &s->port);
	}
	struct slice high = port;
	struct slice low = slice_cut(&high, '-');
	if (high.ptr)
		return parse_port_range(p, low, high);
	if (parse_port_number(p, low, &s->port) < 0)
		return -EINVAL;
	/* port 0 says the same as no port: the client's for a server, any for a source */
	s->port_mode = s->port ? NET_PORT_FIXED : NET_PORT_NONE;
	if (s->port == 0 && (p->allow & NET_NEED_PORT))
		return fail(p, "invalid port '%.*s'", SLICE_ARG(low));
	s->port_high = s->port;
	return 0;
}

static bool is_host_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.ptr[i]);
		if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && c != '.' && c != '-' &&
		    c != '_')
			return false;
	}
	return s.len > 0 && s.len <= 255;
}

static int parse_host(struct parser *p, struct slice host)
{
	struct net_spec *s = &p->spec;
	struct slice ip = host;
	bool bracketed = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	if (bracketed)
		ip = slice_sub(host, 1, host.len - 2);
	if (host.len == 0 || slice_eq(host, SLICE("*")))
		ip = s->family == AF_INET6 ? SLICE("::") : SLICE("0.0.0.0");
	if (net_ip_parse(ip, &s->addr) == 0) {
		if (s->family != AF_UNSPEC && s->family != s->addr.sa.sa_family)
			return fail(p, "'%.*s' is not an IPv%c address", SLICE_ARG(host),
			    s->family == AF_INET ? '4' : '6');
		if (s->port_mode == NET_PORT_FIXED || s->port_mode == NET_PORT_RANGE)
			net_addr_set_port(&s->addr, s->port);
		return 0;
	}
	struct net_addr whole;
	if (net_ip_parse(p->text, &whole) == 0)
		return fail(p,
		    "invalid address: '%.*s' (an IPv6 address without port needs brackets)",
		    SLICE_ARG(host));
	if (!(p->allow & NET_ALLOW_NAME) || bracketed || !is_host_name(host))
		return fail(p, "invalid address: '%.*s'", SLICE_ARG(host));
	s->name = host;
	return 0;
}

/* The port is what follows the last colon, also behind an IPv6 address without brackets. */
static int parse_ip(struct parser *p, struct slice rest)
{
	struct net_addr alone;
	size_t colon = rest.len;
	while (colon > 0 && rest.ptr[colon - 1] != ':')
		colon--;
	bool in_brackets = rest.len && rest.ptr[rest.len - 1] == ']';
	bool whole = (p->allow & NET_NO_PORT) && net_ip_parse(rest, &alone) == 0;
	struct slice host = rest, port = SLICE_NULL;
	if (colon > 0 && !in_brackets && !whole) {
		host = slice_sub(rest, 0, colon - 1);
		port = slice_sub(rest, colon, rest.len);
	}
	if (parse_port(p, port) < 0)
		return -EINVAL;
	return parse_host(p, host);
}

static int check_allowed(struct parser *p)
{
	const struct net_spec *s = &p->spec;
	bool unix_kind = s->kind == NET_KIND_UNIX || s->kind == NET_KIND_ABSTRACT;
	bool fd_kind = s->kind == NET_KIND_FD || s->kind == NET_KIND_SOCKPAIR;
	if (s->datagram && !(p->allow & NET_ALLOW_DATAGRAM))
		return fail(p, "dgram-type address not acceptable");
	if (unix_kind && !(p->allow & NET_ALLOW_UNIX))
		return fail(p, "a unix socket is not acceptable here");
	if (fd_kind && !(p->allow & NET_ALLOW_FD))
		return fail(p, "a file descriptor is not acceptable here");
	return 0;
}

int net_spec_parse(
    struct slice text, unsigned allow, struct net_spec *ret, char *err, size_t err_size)
{
	struct parser p = {
		.text = text, .allow = allow, .spec.fd = -1, .err = err, .err_size = err_size
	};
	struct slice rest = text;
	bool padded = false;
	int r;
	if (parse_prefixes(&p, &rest, &padded) < 0 || check_allowed(&p) < 0)
		return -EINVAL;
	switch (p.spec.kind) {
	case NET_KIND_UNIX:
		r = parse_unix(&p, rest);
		break;
	case NET_KIND_ABSTRACT:
		r = parse_abstract(&p, rest, padded);
		break;
	case NET_KIND_FD:
	case NET_KIND_SOCKPAIR:
		r = parse_fd(&p, rest);
		break;
	default:
		r = parse_ip(&p, rest);
	}
	if (r == 0)
		*ret = p.spec;
	return r;
}
