/* SPDX-License-Identifier: MIT */
/*
 * Socket addresses as values: their text, port and comparison, and the small form that a connection keeps of
 * its two ends. No state, any thread. The texts are written for the logs, so IPv4 avoids printf.
 */
#include "weir/net/addr.h"

#include <arpa/inet.h>

static char *put_byte(char *out, unsigned value)
{
	if (value >= 100)
		*out++ = (char)('0' + value / 100);
	if (value >= 10)
		*out++ = (char)('0' + value / 10 % 10);
	*out++ = (char)('0' + value % 10);
	return out;
}

static char *put_ipv4(char *out, struct in_addr in)
{
	uint8_t bytes[4];
	memcpy(bytes, &in, sizeof(bytes));
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*out++ = '.';
		out = put_byte(out, bytes[i]);
	}
	*out = '\0';
	return out;
}

static const char *sockaddr_text(const struct sockaddr *sa, char out[NET_ADDR_TEXT])
{
	switch (sa->sa_family) {
	case AF_INET:
		put_ipv4(out, ((const struct sockaddr_in *)sa)->sin_addr);
		break;
	case AF_INET6:
		inet_ntop(
		    AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, out, NET_ADDR_TEXT);
		break;
	case AF_UNIX:
		memcpy(out, "unix", 5);
		break;
	default:
		memcpy(out, "-", 2);
	}
	return out;
}

const char *net_addr_text(const struct net_addr *a, char out[NET_ADDR_TEXT])
{
	return sockaddr_text(&a->sa, out);
}

const char *net_peer_text(const struct net_peer *p, char out[NET_ADDR_TEXT])
{
	return sockaddr_text(&p->sa, out);
}

static void unix_text(const struct net_addr *a, char out[NET_ADDR_TEXT])
{
	size_t head = offsetof(struct sockaddr_un, sun_path);
	size_t len = a->len > head ? a->len - head : 0;
	if (len == 0) {
		memcpy(out, "unix", 5);
	} else if (a->un.sun_path[0]) {
		len = strnlen(a->un.sun_path, MIN(len, sizeof(a->un.sun_path)));
		snprintf(out, NET_ADDR_TEXT, "%.*s", (int)len, a->un.sun_path);
	} else {
		/* abns@ names fill the whole field, abnsz@ names end with their last byte */
		const char *prefix = len == sizeof(a->un.sun_path) ? "abns" : "abnsz";
		len = strnlen(a->un.sun_path + 1, MIN(len, sizeof(a->un.sun_path)) - 1);
		snprintf(out, NET_ADDR_TEXT, "%s@%.*s", prefix, (int)len, a->un.sun_path + 1);
	}
}

static void put_port(char *out, const char *end, unsigned port)
{
	snprintf(out, (size_t)(end - out), ":%u", port);
}

const char *net_addr_text_port(const struct net_addr *a, char out[NET_ADDR_TEXT])
{
	const char *end = out + NET_ADDR_TEXT;
	switch (a->sa.sa_family) {
	case AF_INET:
		put_port(put_ipv4(out, a->in.sin_addr), end, net_addr_port(a));
		break;
	case AF_INET6:
		out[0] = '[';
		inet_ntop(AF_INET6, &a->in6.sin6_addr, out + 1, INET6_ADDRSTRLEN);
		size_t len = strlen(out);
		out[len] = ']';
		put_port(out + len + 1, end, net_addr_port(a));
		break;
	case AF_UNIX:
		unix_text(a, out);
		break;
	default:
		memcpy(out, "-", 2);
	}
	return out;
}

static unsigned sockaddr_port(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)sa)->sin_port);
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
	return 0;
}

unsigned net_addr_port(const struct net_addr *a)
{
	return sockaddr_port(&a->sa);
}

unsigned net_peer_port(const struct net_peer *p)
{
	return sockaddr_port(&p->sa);
}

void net_addr_set_port(struct net_addr *a, unsigned port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons((uint16_t)port);
	else if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons((uint16_t)port);
}

bool net_addr_eq(const struct net_addr *a, const struct net_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_INET:
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr &&
		       a->in.sin_port == b->in.sin_port;
	case AF_INET6:
		return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) ==
			   0 &&
		       a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id;
	case AF_UNIX:
		return a->len == b->len && memcmp(&a->un, &b->un, a->len) == 0;
	default:
		return true;
	}
}

bool net_addr_is_any(const struct net_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == htonl(INADDR_ANY);
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
	return false;
}

void net_peer_from_addr(struct net_peer *p, const struct net_addr *a)
{
	memset(p, 0, sizeof(*p));
	if (a->sa.sa_family == AF_INET)
		p->in = a->in;
	else if (a->sa.sa_family == AF_INET6)
		p->in6 = a->in6;
	else
		p->sa.sa_family = a->sa.sa_family;
}

void net_addr_from_peer(struct net_addr *a, const struct net_peer *p)
{
	memset(a, 0, sizeof(*a));
	switch (p->sa.sa_family) {
	case AF_INET:
		a->in = p->in;
		a->len = sizeof(a->in);
		break;
	case AF_INET6:
		a->in6 = p->in6;
		a->len = sizeof(a->in6);
		break;
	default:
		a->sa.sa_family = p->sa.sa_family;
		a->len = sizeof(a->sa.sa_family);
	}
}
