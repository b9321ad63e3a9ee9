/* SPDX-License-Identifier: MIT */
/*
 * Networks for "except", "src" and the like (configuration manual 7.1.6), with its rules for matching IPv4 and
 * IPv6 with each other. No state, any thread.
 */
#include "weir/net/addr.h"

#include <arpa/inet.h>
#include <errno.h>

/*
 * IPv4 with all-zero octets before the last left out, as in inet_aton(3): "10.12" is 10.0.0.12. Unlike there,
 * octal and hexadecimal are refused: nobody means 8.0.0.1 by 010.0.0.1.
 */
static int parse_short_ipv4(struct slice text, struct net_addr *ret)
{
	uint8_t octets[4] = { 0 };
	unsigned n = 0;
	while (text.ptr) {
		struct slice part = slice_cut(&text, '.');
		uint64_t value;
		if (n == 4 || (part.len > 1 && part.ptr[0] == '0') ||
		    slice_to_u64(part, 255, &value) < 0)
			return -EINVAL;
		octets[n++] = (uint8_t)value;
	}
	if (n == 0)
		return -EINVAL;
	uint8_t last = octets[n - 1];
	octets[n - 1] = 0;
	octets[3] = last;
	memset(ret, 0, sizeof(*ret));
	ret->len = sizeof(ret->in);
	ret->in.sin_family = AF_INET;
	memcpy(&ret->in.sin_addr, octets, sizeof(octets));
	return 0;
}

/* A count of bits, or for IPv4 a dotted mask whose bits are contiguous. */
static int parse_mask(struct slice text, int family, unsigned *ret_bits)
{
	uint64_t value;
	struct net_addr dotted;
	if (slice_to_u64(text, family == AF_INET ? 32 : 128, &value) == 0) {
		*ret_bits = (unsigned)value;
		return 0;
	}
	if (family != AF_INET || net_ip_parse(text, &dotted) < 0 || dotted.sa.sa_family != AF_INET)
		return -EINVAL;
	uint32_t mask = ntohl(dotted.in.sin_addr.s_addr);
	unsigned bits = mask ? 32 - (unsigned)__builtin_ctz(mask) : 0;
	if (bits && mask != UINT32_MAX << (32 - bits))
		return -EINVAL;
	*ret_bits = bits;
	return 0;
}

int net_cidr_parse(struct slice text, struct net_cidr *ret)
{
	struct slice rest = text;
	struct slice ip = slice_cut(&rest, '/');
	struct net_cidr c;
	if (net_ip_parse(ip, &c.addr) < 0 && parse_short_ipv4(ip, &c.addr) < 0)
		return -EINVAL;
	c.bits = c.addr.sa.sa_family == AF_INET ? 32 : 128;
	if (rest.ptr && parse_mask(rest, c.addr.sa.sa_family, &c.bits) < 0)
		return -EINVAL;
	*ret = c;
	return 0;
}

static bool bits_match(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;
	if (memcmp(a, b, bytes) != 0)
		return false;
	return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

/* The IPv4 address inside ::ffff:IPV4, ::IPV4 or 2002:IPV4::, or NULL. */
static const uint8_t *embedded_ipv4(const struct in6_addr *in6)
{
	static const uint8_t zero[10];
	const uint8_t *b = in6->s6_addr;
	if (memcmp(b, zero, 10) == 0 && b[10] == b[11] && (b[10] == 0 || b[10] == 0xff))
		return b + 12;
	if (b[0] == 0x20 && b[1] == 0x02)
		return b + 2;
	return NULL;
}

bool net_cidr_has(const struct net_cidr *c, const struct net_peer *p)
{
	if (c->addr.sa.sa_family == AF_INET) {
		const uint8_t *net = (const uint8_t *)&c->addr.in.sin_addr;
		const uint8_t *ip = NULL;
		if (p->sa.sa_family == AF_INET)
			ip = (const uint8_t *)&p->in.sin_addr;
		else if (p->sa.sa_family == AF_INET6)
			ip = embedded_ipv4(&p->in6.sin6_addr);
		return ip && bits_match(net, ip, c->bits);
	}
	const uint8_t *net = c->addr.in6.sin6_addr.s6_addr;
	if (p->sa.sa_family == AF_INET6)
		return bits_match(net, p->in6.sin6_addr.s6_addr, c->bits);
	if (p->sa.sa_family != AF_INET)
		return false;
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	memcpy(mapped + 12, &p->in.sin_addr, 4);
	return bits_match(net, mapped, c->bits);
}
