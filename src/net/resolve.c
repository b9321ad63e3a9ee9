/* SPDX-License-Identifier: MIT */
/*
 * Host names through the system's resolver. It blocks, so it belongs to the loading of a configuration on the
 * main thread, never to a worker's turn.
 */
#include "weir/net/addr.h"

#include <errno.h>
#include <netdb.h>

int net_resolve(const struct net_spec *spec, struct net_addr *ret)
{
	struct addrinfo hints = {
		.ai_family = spec->family,
		.ai_socktype = spec->datagram || spec->quic ? SOCK_DGRAM : SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	if (spec->name.len == 0) {
		if (spec->addr.len == 0)
			return -ENOENT;
		*ret = spec->addr;
		return 0;
	}
	char *name = slice_dup(spec->name);
	int r = name ? getaddrinfo(name, NULL, &hints, &found) : EAI_MEMORY;
	free(name);
	if (r != 0 || !found)
		return -ENOENT;
	memset(ret, 0, sizeof(*ret));
	ret->len = found->ai_addrlen;
	memcpy(&ret->sa, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	/* an offset is not a port yet */
	if (spec->port_mode == NET_PORT_FIXED || spec->port_mode == NET_PORT_RANGE)
		net_addr_set_port(ret, spec->port);
	return 0;
}
