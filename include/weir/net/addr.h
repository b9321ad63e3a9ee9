/* SPDX-License-Identifier: MIT */
/*
 * Socket addresses, and the address syntax of the configuration (configuration manual 2.9).
 */
#ifndef WEIR_NET_ADDR_H
#define WEIR_NET_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "weir/base/slice.h"

/* Any address a socket may have. */
struct net_addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

/* An IP endpoint, or just the family for AF_UNIX and AF_UNSPEC: what a connection keeps of its two ends. */
struct net_peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

/* Longest text of an address with port: "[...]:65535", or a socket path. */
#define NET_ADDR_TEXT 128

/* The address without port, as the logs show it: "unix" for local sockets. Returns out. */
const char *net_addr_text(const struct net_addr *a, char out[NET_ADDR_TEXT]);
const char *net_peer_text(const struct net_peer *p, char out[NET_ADDR_TEXT]);
/* With port: "1.2.3.4:80", "[::1]:80", the path of a unix socket, "abns@name". */
const char *net_addr_text_port(const struct net_addr *a, char out[NET_ADDR_TEXT]);
/* 0 for families without ports. */
unsigned net_addr_port(const struct net_addr *a);
unsigned net_peer_port(const struct net_peer *p);
void net_addr_set_port(struct net_addr *a, unsigned port);
bool net_addr_eq(const struct net_addr *a, const struct net_addr *b);
bool net_addr_is_any(const struct net_addr *a);
void net_peer_from_addr(struct net_peer *p, const struct net_addr *a);
void net_addr_from_peer(struct net_addr *a, const struct net_peer *p);

/* A numeric IPv4 or IPv6 address without port or brackets. 0 or -EINVAL. */
WEIR_NODISCARD int net_ip_parse(struct slice text, struct net_addr *ret);

enum net_kind {
	NET_KIND_IP,	   /* addr, or name when it must be resolved */
	NET_KIND_UNIX,	   /* path in addr.un */
	NET_KIND_ABSTRACT, /* abns@, abnsz@ */
	NET_KIND_FD,	   /* inherited descriptor */
	NET_KIND_SOCKPAIR, /* sockpair@ */
};

enum net_port_mode {
	NET_PORT_NONE, /* none was written */
	NET_PORT_FIXED,
	NET_PORT_RANGE, /* port..port_high */
	NET_PORT_PLUS,	/* "+80": added to the client's destination port */
	NET_PORT_MINUS,
};

/* An address as written. Strings lie in the parsed text. */
struct net_spec {
	enum net_kind kind;
	bool datagram; /* udp@, dgram+: forced, else the place that takes the address decides */
	bool stream;   /* tcp@, uxst@, stream+: forced */
	bool quic;     /* quic4@, quic6@ */
	bool mptcp;    /* mptcp@ */
	int family;    /* AF_INET, AF_INET6 where forced, else AF_UNSPEC */
	struct net_addr addr; /* when resolved or not an IP; its port is port */
	struct slice name;    /* host name to resolve; empty when addr is set */
	enum net_port_mode port_mode;
	unsigned port;
	unsigned port_high;
	int fd;
};

/* What the place that takes the address allows. */
#define NET_ALLOW_NAME	      0x01 /* a host name */
#define NET_ALLOW_PORT_RANGE  0x02
#define NET_ALLOW_PORT_OFFSET 0x04
#define NET_ALLOW_FD	      0x08
#define NET_ALLOW_DATAGRAM    0x10
#define NET_NEED_PORT	      0x20 /* IP without port is an error */
#define NET_NO_PORT	      0x40 /* an address alone: a port is an error */
#define NET_ALLOW_UNIX	      0x80

/*
 * Parses one address: prefixes ipv4@ ipv6@ unix@ abns@ abnsz@ fd@ sockpair@ tcp@ tcp4@ tcp6@ udp@ udp4@ udp6@
 * uxst@ uxdg@ mptcp@ mptcp4@ mptcp6@ quic4@ quic6@ stream+ dgram+; "*", "", ":::80", "[::1]:80", "::1:80", a
 * path. Environment variables were expanded before. 0 or -EINVAL with a text in err.
 */
WEIR_NODISCARD int net_spec_parse(
    struct slice text, unsigned allow, struct net_spec *ret, char *err, size_t err_size);

/* Resolves a host name with the system's resolver; blocks. 0 or -ENOENT. Keeps the port of the spec. */
WEIR_NODISCARD int net_resolve(const struct net_spec *spec, struct net_addr *ret);

/* A network for "except", "src" and the like: "10.0.0.0/8", "::1". */
struct net_cidr {
	struct net_addr addr;
	unsigned bits;
};
WEIR_NODISCARD int net_cidr_parse(struct slice text, struct net_cidr *ret);
bool net_cidr_has(const struct net_cidr *c, const struct net_peer *p);

#endif
