/* SPDX-License-Identifier: MIT */
/*
 * Questions to the kernel about connections and addresses. No state, any thread.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "weir/net/socket.h"

int net_remote_peer(int fd, struct net_peer *ret)
{
	socklen_t len = sizeof(*ret);
	memset(ret, 0, sizeof(*ret));
	return getpeername(fd, &ret->sa, &len) < 0 ? -errno : 0;
}

int net_tcp_info(int fd, struct net_tcp_info *ret)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	*ret = (struct net_tcp_info){ .rtt_us = info.tcpi_rtt,
		.rttvar_us = info.tcpi_rttvar,
		.unacked = info.tcpi_unacked,
		.sacked = info.tcpi_sacked,
		.lost = info.tcpi_lost,
		.retrans = info.tcpi_retrans,
		.fackets = info.tcpi_fackets,
		.reordering = info.tcpi_reordering };
	return 0;
}

size_t net_saved_syn(int fd, char *out, size_t cap)
{
	socklen_t len = (socklen_t)cap;
	return getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, out, &len) < 0 ? 0 : len;
}

/* ---- local addresses ---- */

struct route_query {
	struct nlmsghdr head;
	struct rtmsg route;
	struct rtattr attr;
	unsigned char addr[16];
};

/* "How do you reach this address?" 0 or -errno. */
static int send_query(int fd, const struct net_peer *addr)
{
	bool v4 = addr->sa.sa_family == AF_INET;
	unsigned char bytes = v4 ? 4 : 16;
	struct route_query q = {
		.head = { .nlmsg_len = (uint32_t)(offsetof(struct route_query, addr) + bytes),
		    .nlmsg_type = RTM_GETROUTE,
		    .nlmsg_flags = NLM_F_REQUEST },
		.route = { .rtm_family = (unsigned char)addr->sa.sa_family,
		    .rtm_dst_len = (unsigned char)(bytes * 8) },
		.attr = { .rta_len = (unsigned short)RTA_LENGTH(bytes), .rta_type = RTA_DST },
	};
	if (v4)
		memcpy(q.addr, &addr->in.sin_addr, 4);
	else
		memcpy(q.addr, &addr->in6.sin6_addr, 16);
	return send(fd, &q, q.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

bool net_is_local(const struct net_peer *addr)
{
	union {
		struct nlmsghdr head;
		char bytes[4096];
	} answer;
	if (addr->sa.sa_family != AF_INET && addr->sa.sa_family != AF_INET6)
		return false;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return false;
	/* the kernel answers within the call that asks: nothing is waited for */
	ssize_t n = send_query(fd, addr) < 0 ? -1 : recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
	close(fd);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct rtmsg)) ||
	    answer.head.nlmsg_type != RTM_NEWROUTE)
		return false;
	const struct rtmsg *route = NLMSG_DATA(&answer.head);
	return route->rtm_type == RTN_LOCAL;
}
