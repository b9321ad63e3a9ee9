/* SPDX-License-Identifier: MIT */
/*
 * Accepting, and what a connection can say about its two ends. Worker thread, hot path: accepting is one
 * system call, because the options come with the listener.
 */
#include "sockopt.h"

#include <errno.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "weir/net/socket.h"

/*
 * Errors that concern the connection that was waiting: it is gone, the next one may be fine. EPERM is not among
 * them: a security module may answer so for ever.
 */
static bool is_of_one_connection(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

int net_accept(int listener, struct net_peer *ret_peer)
{
	struct net_addr addr;
	for (;;) {
		addr.sa.sa_family = AF_UNSPEC;
		addr.len = sizeof(addr) - offsetof(struct net_addr, sa);
		int fd = accept4(listener, &addr.sa, &addr.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			net_peer_from_addr(ret_peer, &addr);
			return fd;
		}
		if (!is_of_one_connection(errno))
			return -errno;
	}
}

int net_local_peer(int fd, struct net_peer *ret)
{
	struct net_addr addr;
	addr.len = sizeof(addr) - offsetof(struct net_addr, sa);
	if (getsockname(fd, &addr.sa, &addr.len) < 0)
		return -errno;
	net_peer_from_addr(ret, &addr);
	return 0;
}

int net_original_dst(int fd, struct net_peer *ret)
{
	struct net_peer peer, local;
	socklen_t len = sizeof(peer);
	int r = net_local_peer(fd, &local);
	if (r < 0)
		return r;
	if (!net_is_ip(local.sa.sa_family))
		return -EAFNOSUPPORT;
	memset(&peer, 0, sizeof(peer));
	/* a v4-mapped connection was redirected by the IPv4 tables */
	bool mapped = local.sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&local.in6.sin6_addr);
	if (local.sa.sa_family == AF_INET || mapped)
		r = getsockopt(fd, IPPROTO_IP, SO_ORIGINAL_DST, &peer, &len);
	else
		r = getsockopt(fd, IPPROTO_IPV6, IP6T_SO_ORIGINAL_DST, &peer, &len);
	if (r < 0)
		return -errno;
	*ret = peer;
	return 0;
}
