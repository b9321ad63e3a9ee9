/* SPDX-License-Identifier: MIT */
/*
 * Socket options that listeners and outgoing connections share. Private to the net module.
 */
#ifndef WEIR_NET_SOCKOPT_H
#define WEIR_NET_SOCKOPT_H

#include "weir/net/addr.h"

struct net_tcp_opts {
	unsigned mss;
	unsigned tcp_ut_ms;
	const char *cc;
	unsigned rcvbuf, sndbuf;
	bool keepalive;
	unsigned ka_idle_s, ka_intvl_s, ka_count;
	unsigned save_syn;
	bool nolinger;
};

static inline bool net_is_ip(int family)
{
	return family == AF_INET || family == AF_INET6;
}

/* setsockopt() of an int; 0 or -errno. */
int net_set_int(int fd, int level, int name, int value);
/* A new stream socket, non-blocking and close-on-exec; in the namespace unless netns is NULL. fd or -errno. */
int net_stream_socket(int family, bool mptcp, const char *netns);
int net_bind_device(int fd, const char *interface);
/* Lets the socket bind to an address that is not local. 0 or -errno. */
int net_set_transparent(int fd, int family);
/* Applies all that is set; *ret_what names the option that failed. 0 or -errno. */
int net_set_tcp_opts(int fd, int family, const struct net_tcp_opts *o, const char **ret_what);

#endif
