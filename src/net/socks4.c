/* SPDX-License-Identifier: MIT */
/*
 * The client's side of SOCKS4 (server option "socks4"): one request, one answer, IPv4 only. No state, any
 * thread.
 */
#include <errno.h>

#include "weir/net/socket.h"

#define SOCKS4_VERSION	     4
#define SOCKS4_CONNECT	     1
#define SOCKS4_GRANTED	     90
#define SOCKS4_ANSWER_LENGTH 8

size_t net_socks4_write(const struct net_addr *to, char out[64])
{
	static const char user[] = "weir"; /* sent with its NUL */
	if (to->sa.sa_family != AF_INET)
		return 0;
	out[0] = SOCKS4_VERSION;
	out[1] = SOCKS4_CONNECT;
	memcpy(out + 2, &to->in.sin_port, 2);
	memcpy(out + 4, &to->in.sin_addr, 4);
	memcpy(out + 8, user, sizeof(user));
	return 8 + sizeof(user);
}

int net_socks4_answer(const char *in, size_t len)
{
	if ((len >= 1 && in[0] != 0) || (len >= 2 && in[1] != SOCKS4_GRANTED))
		return -ECONNREFUSED;
	return len >= SOCKS4_ANSWER_LENGTH;
}
