/* SPDX-License-Identifier: MIT */
/*
 * Making sockets: listeners with the options that accepted sockets inherit, and outgoing connections. All
 * descriptors are non-blocking and close-on-exec; TCP sockets of both kinds have TCP_NODELAY set.
 */
#ifndef WEIR_NET_SOCKET_H
#define WEIR_NET_SOCKET_H

#include "weir/net/addr.h"

struct net_listen_opts {
	const char *interface; /* SO_BINDTODEVICE, or NULL */
	const char *netns;     /* network namespace, or NULL */
	int backlog;
	unsigned mss;	    /* TCP_MAXSEG; 0: the kernel's */
	unsigned tcp_ut_ms; /* TCP_USER_TIMEOUT; 0: the kernel's */
	const char *cc;	    /* TCP_CONGESTION; NULL: the system's */
	unsigned rcvbuf;    /* SO_RCVBUF; 0: the kernel's */
	unsigned sndbuf;
	bool reuseport; /* one socket a worker */
	bool v6only;
	bool v4v6;
	bool transparent; /* IP_TRANSPARENT / IP_FREEBIND */
	bool defer_accept;
	bool mptcp;	   /* mptcp@ */
	unsigned save_syn; /* TCP_SAVE_SYN: 1 from the IP header on, 2 with the link layer; 0: no */
	bool tfo;
	bool keepalive; /* option clitcpka, with: */
	unsigned ka_idle_s, ka_intvl_s, ka_count;
	bool nolinger;
	/* unix sockets; uid and gid -1: unchanged; mode 0: unchanged */
	unsigned mode;
	int uid, gid;
};

/*
 * A listening socket on addr. An existing unix socket is replaced by renaming a new one over it, so that no
 * client finds it missing. The descriptor, or -errno with a text in err (what failed and why).
 */
WEIR_NODISCARD int net_listen(
    const struct net_addr *addr, const struct net_listen_opts *opts, char *err, size_t err_size);
/* A datagram socket on an IP address, of opts as far as they have a meaning for one. The same answers. */
WEIR_NODISCARD int net_listen_datagram(
    const struct net_addr *addr, const struct net_listen_opts *opts, char *err, size_t err_size);
/* Takes over an inherited descriptor: makes it non-blocking, and listening if it is not. fd or -errno. */
WEIR_NODISCARD int net_listen_fd(
    int fd, const struct net_listen_opts *opts, char *err, size_t err_size);

struct net_connect_opts {
	const struct net_addr *source; /* bind before connecting, or NULL */
	unsigned source_port_low,
	    source_port_high; /* "source addr:low-high": tried in turn; 0: none */
	const char *interface;
	const char *netns;
	unsigned mss;
	unsigned tcp_ut_ms;
	const char *cc;
	unsigned rcvbuf, sndbuf;
	bool transparent; /* bind to a foreign source address */
	bool mptcp;	  /* mptcp@ */
	bool tfo;
	bool keepalive;
	unsigned ka_idle_s, ka_intvl_s, ka_count;
	bool nolinger;
	bool smart_connect; /* no immediate ACK: data follows */
	uint32_t mark;	    /* SO_MARK; 0: none */
	int tos;	    /* -1: none */
};

/*
 * Starts connecting: *ret_fd is the socket; returns 0 when connected already, 1 while in progress, or -errno
 * (then there is no socket). -EAGAIN and -EADDRNOTAVAIL: no local port free.
 */
WEIR_NODISCARD int net_connect(
    const struct net_addr *to, const struct net_connect_opts *opts, int *ret_fd);

/*
 * Accepts one connection: the descriptor, or -errno (-EAGAIN: none waiting; -EMFILE, -ENFILE: out of
 * descriptors). *ret_peer is the client's end.
 */
int net_accept(int listener, struct net_peer *ret_peer);
/* The local end of a socket. 0 or -errno. */
int net_local_peer(int fd, struct net_peer *ret);
/* Where a connection was going before the firewall redirected it (SO_ORIGINAL_DST). 0 or -errno. */
int net_original_dst(int fd, struct net_peer *ret);
/* The pending error of a socket (SO_ERROR), 0 when none. */
int net_socket_error(int fd);
/* The other end of a connection. 0 or -errno. */
int net_remote_peer(int fd, struct net_peer *ret);
/* Whether this host owns the address, by its routing tables: a few system calls. */
bool net_is_local(const struct net_peer *addr);
/* What the kernel measures of a connection (TCP_INFO). 0 or -errno: not TCP. */
struct net_tcp_info {
	unsigned rtt_us, rttvar_us;
	unsigned unacked, sacked, lost, retrans, fackets, reordering; /* segments */
};
int net_tcp_info(int fd, struct net_tcp_info *ret);
/* The SYN of an accepted connection, once (TCP_SAVED_SYN, bind option tcp-ss). Its length, 0: none left. */
size_t net_saved_syn(int fd, char *out, size_t cap);
/* Closing it will send a reset at once instead of lingering. */
void net_set_nolinger(int fd);
void net_set_nodelay(int fd, bool on);
void net_set_quickack(int fd, bool on);
void net_set_cork(int fd, bool on);
void net_set_tos(int fd, int family, int tos);
void net_set_mark(int fd, uint32_t mark);
/* Whether this process may use that TCP congestion control algorithm. 0 or -errno. */
int net_try_congestion(const char *algorithm);
/*
 * Closing it will tell the peer nothing, by TCP_REPAIR where that is allowed; else, and with ttl not 0, a reset of
 * that time to live (1) is sent.
 */
void net_silent_drop(int fd, int family, unsigned ttl);

/*
 * Opens a namespace of /run/netns, which stays open until the process ends: for the configuration, before
 * chroot() and while the rights are there. Any thread. 0 or -errno.
 */
WEIR_NODISCARD int net_netns_open(const char *name);
/* Runs the caller's next socket() in a namespace: enter, then leave with what enter gave. Any thread. */
int net_netns_enter(const char *name);
void net_netns_leave(int cookie);

/* SOCKS4 CONNECT request for an IPv4 destination (server option socks4); returns its length. */
size_t net_socks4_write(const struct net_addr *to, char out[64]);
/* The 8-byte answer: 1 granted, 0 more bytes needed, -ECONNREFUSED otherwise. */
int net_socks4_answer(const char *in, size_t len);

#endif
