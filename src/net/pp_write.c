/* SPDX-License-Identifier: MIT */
/*
 * Writing a PROXY protocol header in front of a server's bytes. Where one end is IPv4 and the other IPv6 both
 * go out as IPv6, the IPv4 one mapped. No state, any thread.
 */
#include "pp_internal.h"

#include <arpa/inet.h>

static bool is_ip(const struct net_peer *p)
{
	return p->sa.sa_family == AF_INET || p->sa.sa_family == AF_INET6;
}

static void to_ipv6(const struct net_peer *p, struct net_peer *ret)
{
	*ret = *p;
	if (p->sa.sa_family == AF_INET6)
		return;
	memset(ret, 0, sizeof(*ret));
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = p->in.sin_port;
	ret->in6.sin6_addr.s6_addr[10] = ret->in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(ret->in6.sin6_addr.s6_addr + 12, &p->in.sin_addr, 4);
}

/* Both ends in one family: AF_INET, AF_INET6, or AF_UNSPEC when one has no IP address. */
static int common_family(
    const struct net_peer *src, const struct net_peer *dst, struct net_peer ret_ends[2])
{
	if (!is_ip(src) || !is_ip(dst))
		return AF_UNSPEC;
	if (src->sa.sa_family == AF_INET && dst->sa.sa_family == AF_INET) {
		ret_ends[0] = *src;
		ret_ends[1] = *dst;
		return AF_INET;
	}
	to_ipv6(src, &ret_ends[0]);
	to_ipv6(dst, &ret_ends[1]);
	return AF_INET6;
}

size_t pp_write_v1(const struct net_peer *src, const struct net_peer *dst, char out[PP_V1_MAX])
{
	struct net_peer ends[2];
	char text[2][NET_ADDR_TEXT];
	int family = common_family(src, dst, ends);
	int len;
	if (family == AF_UNSPEC)
		len = snprintf(out, PP_V1_MAX, "PROXY UNKNOWN\r\n");
	else
		len = snprintf(out, PP_V1_MAX, "PROXY TCP%c %.39s %.39s %u %u\r\n",
		    family == AF_INET ? '4' : '6', net_peer_text(&ends[0], text[0]),
		    net_peer_text(&ends[1], text[1]), net_peer_port(&ends[0]),
		    net_peer_port(&ends[1]));
	return (size_t)len;
}

static char *put_bytes(char *p, const void *bytes, size_t len)
{
	if (len)
		memcpy(p, bytes, len);
	return p + len;
}

static char *put_addresses(char *p, int family, const struct net_peer ends[2])
{
	if (family == AF_INET) {
		p = put_bytes(p, &ends[0].in.sin_addr, 4);
		p = put_bytes(p, &ends[1].in.sin_addr, 4);
		p = put_bytes(p, &ends[0].in.sin_port, 2);
		return put_bytes(p, &ends[1].in.sin_port, 2);
	}
	p = put_bytes(p, &ends[0].in6.sin6_addr, 16);
	p = put_bytes(p, &ends[1].in6.sin6_addr, 16);
	p = put_bytes(p, &ends[0].in6.sin6_port, 2);
	return put_bytes(p, &ends[1].in6.sin6_port, 2);
}

static char *put_tlv_head(char *p, unsigned type, size_t len)
{
	*p++ = (char)type;
	return pp_put_u16(p, len);
}

/* Bytes behind the fixed part. Also bounds what a 16-bit length can say. */
static size_t body_length(size_t addresses, const struct pp_tlv *tlvs, size_t tlvs_n, bool crc32c)
{
	size_t len = addresses;
	for (size_t i = 0; i < tlvs_n; i++) {
		if (tlvs[i].value.len > UINT16_MAX)
			return SIZE_MAX;
		len += PP2_TLV_HEAD + tlvs[i].value.len;
	}
	if (crc32c)
		len += PP2_TLV_HEAD + PP2_CRC_LENGTH;
	return len <= UINT16_MAX ? len : SIZE_MAX;
}

size_t pp_write_v2(const struct net_peer *src, const struct net_peer *dst, bool local,
    const struct pp_tlv *tlvs, size_t tlvs_n, bool crc32c, char *out, size_t cap)
{
	static const char zero[PP2_CRC_LENGTH];
	struct net_peer ends[2];
	int family = local ? AF_UNSPEC : common_family(src, dst, ends);
	size_t addresses = 0;
	unsigned family_byte = PP2_FAMILY_UNSPEC;
	if (family == AF_INET) {
		addresses = PP2_INET_LENGTH;
		family_byte = PP2_FAMILY_INET | PP2_STREAM;
	} else if (family == AF_INET6) {
		addresses = PP2_INET6_LENGTH;
		family_byte = PP2_FAMILY_INET6 | PP2_STREAM;
	}
	size_t body = body_length(addresses, tlvs, tlvs_n, crc32c);
	if (body == SIZE_MAX || cap < PP2_HEADER_LENGTH + body)
		return 0;
	char *p = put_bytes(out, PP2_SIGNATURE, PP2_SIGNATURE_LENGTH);
	*p++ = PP2_VERSION | (local ? PP2_CMD_LOCAL : PP2_CMD_PROXY);
	*p++ = (char)family_byte;
	p = pp_put_u16(p, body);
	if (family != AF_UNSPEC)
		p = put_addresses(p, family, ends);
	for (size_t i = 0; i < tlvs_n; i++) {
		p = put_tlv_head(p, tlvs[i].type, tlvs[i].value.len);
		p = put_bytes(p, tlvs[i].value.ptr, tlvs[i].value.len);
	}
	if (crc32c) {
		p = put_tlv_head(p, PP2_TYPE_CRC32C, PP2_CRC_LENGTH);
		p = put_bytes(p, zero, PP2_CRC_LENGTH);
		uint32_t sum = htonl(pp_crc32c(out, (size_t)(p - out)));
		memcpy(p - PP2_CRC_LENGTH, &sum, PP2_CRC_LENGTH);
	}
	return (size_t)(p - out);
}
