/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the address syntax: the first byte chooses what is allowed. What is accepted must be consistent, and
 * an IP with port must be read back from its own text.
 */
#include <errno.h>

#include "weir/net/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_spec(const struct net_spec *s, struct slice text)
{
	char out[NET_ADDR_TEXT], err[128];
	struct net_spec again;
	check(s->port <= 65535 && s->port_high <= 65535);
	check(s->kind != NET_KIND_IP || (s->addr.len != 0) != (s->name.len != 0));
	check(s->name.len == 0 ||
	      (s->name.ptr >= text.ptr && s->name.ptr + s->name.len <= text.ptr + text.len));
	if (s->addr.len == 0)
		return;
	net_addr_text_port(&s->addr, out);
	if (s->kind != NET_KIND_IP || s->addr.in6.sin6_scope_id)
		return;
	check(net_spec_parse(slice_str(out), 0, &again, err, sizeof(err)) == 0);
	check(net_addr_eq(&again.addr, &s->addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_spec spec;
	struct net_cidr cidr;
	char err[64] = "";
	if (size == 0)
		return 0;
	struct slice text = slice_make((const char *)data + 1, size - 1);
	int r = net_spec_parse(text, data[0], &spec, err, sizeof(err));
	check(r == 0 || (r == -EINVAL && err[0]));
	if (r == 0)
		check_spec(&spec, text);
	if (net_cidr_parse(text, &cidr) == 0) {
		struct net_peer p;
		net_peer_from_addr(&p, &cidr.addr);
		check(net_cidr_has(&cidr, &p));
	}
	return 0;
}
