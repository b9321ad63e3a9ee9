/* SPDX-License-Identifier: MIT */
/*
 * Outgoing connections. Worker thread; the caller owns the socket returned. A failing option fails the
 * connection: traffic that leaves by the wrong interface or source is worse than none.
 */
#include "sockopt.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "weir/net/socket.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static int set_ip_opts(int fd, int family, const struct net_connect_opts *o)
{
	int r = 0;
	/* a mark that may not be set costs no connection */
	if (o->mark)
		net_set_mark(fd, o->mark);
	if (o->tos >= 0)
		net_set_tos(fd, family, o->tos);
	if (o->interface)
		r = net_bind_device(fd, o->interface);
	if (r == 0 && o->tfo)
		r = net_set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	if (r == 0 && o->smart_connect)
		net_set_quickack(fd, false);
	return r;
}

static int set_opts(int fd, int family, const struct net_connect_opts *o)
{
	struct net_tcp_opts tcp = {
		.mss = o->mss,
		.tcp_ut_ms = o->tcp_ut_ms,
		.cc = o->cc,
		.rcvbuf = o->rcvbuf,
		.sndbuf = o->sndbuf,
		.keepalive = o->keepalive,
		.ka_idle_s = o->ka_idle_s,
		.ka_intvl_s = o->ka_intvl_s,
		.ka_count = o->ka_count,
		.nolinger = o->nolinger,
	};
	const char *what;
	int r = net_set_tcp_opts(fd, family, &tcp, &what);
	return r < 0 || !net_is_ip(family) ? r : set_ip_opts(fd, family, o);
}

/* port 0: the one of the source address. */
static int bind_source(int fd, int to_family, const struct net_connect_opts *o, unsigned port)
{
	struct net_addr source = *o->source;
	int family = source.sa.sa_family;
	int r;
	if (family != to_family)
		return 0;
	if (port)
		net_addr_set_port(&source, port);
	if (o->transparent && (r = net_set_transparent(fd, family)) < 0)
		return r;
	if (net_addr_port(&source)) {
		/* shared with connections to other servers */
		if ((r = net_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1)) < 0)
			return r;
	} else if (net_is_ip(family)) {
		/* connect() knows the destination too, so it can give one port to many servers; without this
		 * option bind() takes a port of its own, which works as well */
		(void)net_set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	}
	return bind(fd, &source.sa, source.len) < 0 ? -errno : 0;
}

/* One socket, one attempt. The same answers as net_connect(). */
static int connect_from(
    const struct net_addr *to, const struct net_connect_opts *o, unsigned port, int *ret_fd)
{
	int fd = net_stream_socket(to->sa.sa_family, o->mptcp, o->netns);
	if (fd < 0)
		return fd;
	int r = set_opts(fd, to->sa.sa_family, o);
	if (r == 0 && o->source)
		r = bind_source(fd, to->sa.sa_family, o, port);
	if (r == 0 && connect(fd, &to->sa, to->len) < 0)
		r = errno == EINPROGRESS || errno == EINTR ? 1 : -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return r;
}

/* Each port of the range once, starting behind the one used last on this thread. */
static int connect_from_range(
    const struct net_addr *to, const struct net_connect_opts *o, int *ret_fd)
{
	static _Thread_local unsigned next; /* spreads the ports; any value is right */
	unsigned count = o->source_port_high - o->source_port_low + 1;
	int r = -EADDRNOTAVAIL;
	for (unsigned i = 0; i < count; i++) {
		r = connect_from(to, o, o->source_port_low + next++ % count, ret_fd);
		if (r != -EADDRINUSE && r != -EADDRNOTAVAIL)
			return r;
	}
	return -EADDRNOTAVAIL;
}

int net_connect(const struct net_addr *to, const struct net_connect_opts *opts, int *ret_fd)
{
	if (opts->source && opts->source_port_low &&
	    opts->source_port_high >= opts->source_port_low)
		return connect_from_range(to, opts, ret_fd);
	return connect_from(to, opts, 0, ret_fd);
}
