/* SPDX-License-Identifier: MIT */
/*
 * Socket options: those that listeners and connections share, and the small setters for a socket in use, which
 * ignore errors because a connection is worth more than a hint to the kernel. No state, any thread.
 */
#include "sockopt.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "weir/net/socket.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

int net_set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

int net_stream_socket(int family, bool mptcp, const char *netns)
{
	int home = -1;
	if (netns) {
		home = net_netns_enter(netns);
		if (home < 0)
			return home;
	}
	int protocol = mptcp && net_is_ip(family) ? IPPROTO_MPTCP : 0;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	int r = fd < 0 ? -errno : fd;
	if (netns)
		net_netns_leave(home);
	return r;
}

int net_bind_device(int fd, const char *interface)
{
	size_t len = strlen(interface) + 1;
	if (len > IF_NAMESIZE)
		return -ENODEV;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)len) < 0 ? -errno
											  : 0;
}

int net_set_transparent(int fd, int family)
{
	/* IP_FREEBIND needs no privilege and is enough for an address that will become local later */
	if (family == AF_INET) {
		if (net_set_int(fd, IPPROTO_IP, IP_TRANSPARENT, 1) == 0)
			return 0;
		return net_set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	}
	if (family == AF_INET6) {
		if (net_set_int(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1) == 0)
			return 0;
		return net_set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	}
	return 0;
}

static int clamp_int(unsigned value)
{
	return value > INT_MAX ? INT_MAX : (int)value;
}

static int set_congestion(int fd, const char *algorithm)
{
	size_t len = strlen(algorithm);
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithm, (socklen_t)len) < 0 ? -errno
											  : 0;
}

int net_try_congestion(const char *algorithm)
{
	int fd = net_stream_socket(AF_INET, false, NULL);
	if (fd == -EAFNOSUPPORT)
		fd = net_stream_socket(AF_INET6, false, NULL);
	if (fd < 0)
		return fd;
	int r = set_congestion(fd, algorithm);
	close(fd);
	return r;
}

int net_set_tcp_opts(int fd, int family, const struct net_tcp_opts *o, const char **ret_what)
{
	const struct {
		const char *what;
		int level, name;
		unsigned value; /* 0: leave the kernel's */
		bool tcp;
	} rows[] = {
		{ "receive buffer", SOL_SOCKET, SO_RCVBUF, o->rcvbuf, false },
		{ "send buffer", SOL_SOCKET, SO_SNDBUF, o->sndbuf, false },
		{ "segment size", IPPROTO_TCP, TCP_MAXSEG, o->mss, true },
		{ "saving of SYN packets", IPPROTO_TCP, TCP_SAVE_SYN, o->save_syn, true },
		{ "user timeout", IPPROTO_TCP, TCP_USER_TIMEOUT, o->tcp_ut_ms, true },
		{ "keepalive", SOL_SOCKET, SO_KEEPALIVE, o->keepalive, true },
		{ "keepalive idle time", IPPROTO_TCP, TCP_KEEPIDLE, o->ka_idle_s, true },
		{ "keepalive interval", IPPROTO_TCP, TCP_KEEPINTVL, o->ka_intvl_s, true },
		{ "keepalive count", IPPROTO_TCP, TCP_KEEPCNT, o->ka_count, true },
		/* a proxy writes whole messages: Nagle's delay has nothing to collect */
		{ "no delay", IPPROTO_TCP, TCP_NODELAY, 1, true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].value == 0 || (rows[i].tcp && !net_is_ip(family)))
			continue;
		int r = net_set_int(fd, rows[i].level, rows[i].name, clamp_int(rows[i].value));
		if (r < 0) {
			*ret_what = rows[i].what;
			return r;
		}
	}
	/* a preference: it was there when the configuration was read */
	if (o->cc && net_is_ip(family))
		(void)set_congestion(fd, o->cc);
	if (o->nolinger)
		net_set_nolinger(fd);
	return 0;
}

int net_socket_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return errno;
	return error;
}

void net_set_nolinger(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void net_set_nodelay(int fd, bool on)
{
	(void)net_set_int(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

void net_set_quickack(int fd, bool on)
{
	(void)net_set_int(fd, IPPROTO_TCP, TCP_QUICKACK, on);
}

void net_set_cork(int fd, bool on)
{
	(void)net_set_int(fd, IPPROTO_TCP, TCP_CORK, on);
}

void net_set_tos(int fd, int family, int tos)
{
	if (family == AF_INET)
		(void)net_set_int(fd, IPPROTO_IP, IP_TOS, tos);
	else if (family == AF_INET6)
		(void)net_set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
}

void net_silent_drop(int fd, int family, unsigned ttl)
{
	if (!ttl && net_set_int(fd, IPPROTO_TCP, TCP_REPAIR, 1) == 0)
		return;
	int hops = ttl ? (int)ttl : 1;
	if (family == AF_INET6)
		(void)net_set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
	else
		(void)net_set_int(fd, IPPROTO_IP, IP_TTL, hops);
}

void net_set_mark(int fd, uint32_t mark)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}
