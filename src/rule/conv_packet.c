/* SPDX-License-Identifier: MIT */
/*
 * Ethernet frames, IP packets and TCP headers as fc_saved_syn gives them: headers, addresses, options. A header
 * that is cut short has no value. "eth.data", "ip.data" lead from one layer to the next.
 */
#include "tables.h"

static unsigned byte_at(struct slice s, size_t i)
{
	return (unsigned char)s.ptr[i];
}

static unsigned be16(struct slice s, size_t i)
{
	return byte_at(s, i) << 8 | byte_at(s, i + 1);
}

static uint32_t be32(struct slice s, size_t i)
{
	return (uint32_t)be16(s, i) << 16 | be16(s, i + 2);
}

static bool ret_part(struct sample *s, size_t from, size_t len)
{
	return ret_bin(s, slice_sub(s->str, from, len));
}

/* ---- Ethernet ---- */

#define ETH_ADDRS 12
#define ETH_VLAN  0x8100
#define ETH_QINQ  0x88a8

/* Length of the header with its VLAN tags; 0 when it is cut short. vlan: the last one, -1 without. */
static size_t eth_header(struct slice s, int *vlan)
{
	size_t at = ETH_ADDRS;
	*vlan = -1;
	for (; at + 2 <= s.len; at += 4) {
		unsigned type = be16(s, at);
		if (type != ETH_VLAN && type != ETH_QINQ)
			return at + 2;
		if (at + 4 > s.len)
			return 0;
		*vlan = (int)(be16(s, at + 2) & 0xfff);
	}
	return 0;
}

enum eth { ETH_DATA, ETH_DST, ETH_HDR, ETH_PROTO, ETH_SRC, ETH_LAST_VLAN };

static bool conv_eth(struct rule_ctx *cx, const struct args *args, uintptr_t what, struct sample *s)
{
	int vlan;
	size_t header = eth_header(s->str, &vlan);
	if (!header)
		return false;
	switch ((enum eth)what) {
	case ETH_DATA:
		return ret_part(s, header, SIZE_MAX);
	case ETH_DST:
		return ret_part(s, 0, 6);
	case ETH_SRC:
		return ret_part(s, 6, 6);
	case ETH_HDR:
		return ret_part(s, 0, header);
	case ETH_PROTO:
		return ret_int(s, be16(s->str, header - 2));
	case ETH_LAST_VLAN:
		return vlan >= 0 && ret_int(s, vlan);
	}
	return false;
}

/* ---- IP ---- */

#define IP6_HEADER 40

struct ip {
	unsigned version;
	size_t header; /* with options or extension headers */
	unsigned proto;
	bool options;
};

/* Extension headers of RFC 8200 4 that have a length; the authentication header counts in words. */
static bool is_extension(unsigned proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60 ||
	       proto == 135;
}

static bool ip6_parse(struct slice s, struct ip *ret)
{
	if (s.len < IP6_HEADER)
		return false;
	ret->proto = byte_at(s, 6);
	ret->header = IP6_HEADER;
	ret->options = is_extension(ret->proto);
	while (is_extension(ret->proto)) {
		if (s.len - ret->header < 8)
			return false;
		size_t units = byte_at(s, ret->header + 1);
		size_t len = ret->proto == 51 ? (units + 2) * 4 : (units + 1) * 8;
		if (ret->proto == 44)
			len = 8;
		ret->proto = byte_at(s, ret->header);
		if (len > s.len - ret->header)
			return false;
		ret->header += len;
	}
	return true;
}

static bool ip_parse(struct slice s, struct ip *ret)
{
	if (s.len == 0)
		return false;
	ret->version = byte_at(s, 0) >> 4;
	if (ret->version == 6)
		return ip6_parse(s, ret);
	if (ret->version != 4)
		return false;
	ret->header = (size_t)(byte_at(s, 0) & 15) * 4;
	if (ret->header < 20 || ret->header > s.len)
		return false;
	ret->proto = byte_at(s, 9);
	ret->options = ret->header > 20;
	return true;
}

static unsigned ip_tos(struct slice s, const struct ip *ip)
{
	return ip->version == 4 ? byte_at(s, 1) : be16(s, 0) >> 4 & 0xff;
}

/* IPv6 does not fragment on the way: always 1. */
static unsigned ip_df(struct slice s, const struct ip *ip)
{
	return ip->version == 6 || (byte_at(s, 6) & 0x40);
}

static unsigned ip_ttl(struct slice s, const struct ip *ip)
{
	return byte_at(s, ip->version == 4 ? 8 : 7);
}

static struct slice ip_addr(struct slice s, const struct ip *ip, bool dst)
{
	size_t len = ip->version == 4 ? 4 : 16, from = ip->version == 4 ? 12 : 8;
	return slice_sub(s, from + (dst ? len : 0), len);
}

static bool ret_addr(struct sample *s, struct slice bytes)
{
	s->type = bytes.len == 4 ? SMP_IPV4 : SMP_IPV6;
	memcpy(&s->ipv6, bytes.ptr, bytes.len);
	return true;
}

enum ip_what { GET_DATA, GET_DF, GET_DST, GET_HDR, GET_PROTO, GET_SRC, GET_TOS, GET_TTL, GET_VER };

static bool conv_ip(struct rule_ctx *cx, const struct args *args, uintptr_t what, struct sample *s)
{
	struct ip ip;
	if (!ip_parse(s->str, &ip))
		return false;
	switch ((enum ip_what)what) {
	case GET_DATA:
		return ret_part(s, ip.header, SIZE_MAX);
	case GET_HDR:
		return ret_part(s, 0, ip.header);
	case GET_DST:
		return ret_addr(s, ip_addr(s->str, &ip, true));
	case GET_SRC:
		return ret_addr(s, ip_addr(s->str, &ip, false));
	case GET_DF:
		return ret_int(s, ip_df(s->str, &ip));
	case GET_PROTO:
		return ret_int(s, ip.proto);
	case GET_TOS:
		return ret_int(s, ip_tos(s->str, &ip));
	case GET_TTL:
		return ret_int(s, ip_ttl(s->str, &ip));
	case GET_VER:
		return ret_int(s, ip.version);
	}
	return false;
}

/* ---- TCP ---- */

#define TCP_HEADER 20
#define OPT_MSS	   2
#define OPT_WSCALE 3
#define OPT_SACK   4
#define OPT_TS	   8

#define OPT_KINDS_MAX 40 /* of one byte each behind the longest header */

/* What the options say. */
struct tcp {
	size_t header;
	bool wsopt, sack, tsopt;
	unsigned mss, wscale;
	uint32_t tsval;
	unsigned kinds_n;
	uint8_t kinds[OPT_KINDS_MAX];
};

static void tcp_option(struct tcp *t, unsigned kind, struct slice body)
{
	switch (kind) {
	case OPT_MSS:
		t->mss = body.len == 2 ? be16(body, 0) : 0;
		break;
	case OPT_WSCALE:
		t->wsopt = body.len == 1;
		t->wscale = body.len == 1 ? byte_at(body, 0) : 0;
		break;
	case OPT_SACK:
		t->sack = true;
		break;
	case OPT_TS:
		t->tsopt = body.len == 8;
		t->tsval = body.len == 8 ? be32(body, 0) : 0;
		break;
	}
}

static bool tcp_parse(struct slice s, struct tcp *t)
{
	memset(t, 0, sizeof(*t));
	if (s.len < TCP_HEADER)
		return false;
	t->header = (size_t)(byte_at(s, 12) >> 4) * 4;
	if (t->header < TCP_HEADER || t->header > s.len)
		return false;
	for (size_t at = TCP_HEADER; at < t->header;) {
		unsigned kind = byte_at(s, at);
		if (kind == 0)
			break;
		t->kinds[t->kinds_n++] = (uint8_t)kind;
		if (kind == 1) {
			at++;
			continue;
		}
		size_t len = at + 1 < t->header ? byte_at(s, at + 1) : 0;
		if (len < 2 || len > t->header - at)
			return false;
		tcp_option(t, kind, slice_sub(s, at + 2, len - 2));
		at += len;
	}
	return true;
}

enum tcp_what {
	TCP_DST,
	TCP_FLAGS,
	TCP_MSS,
	TCP_SACK,
	TCP_TSOPT,
	TCP_TSVAL,
	TCP_WSCALE,
	TCP_WSOPT,
	TCP_LIST,
	TCP_SEQ,
	TCP_SRC,
	TCP_WIN,
};

static bool ret_kinds(struct rule_ctx *cx, struct sample *s, const struct tcp *t)
{
	return ret_bin(s, arena_slice(cx->arena, slice_make((const char *)t->kinds, t->kinds_n)));
}

static bool conv_tcp(struct rule_ctx *cx, const struct args *args, uintptr_t what, struct sample *s)
{
	struct tcp t;
	if (!tcp_parse(s->str, &t))
		return false;
	switch ((enum tcp_what)what) {
	case TCP_SRC:
		return ret_int(s, be16(s->str, 0));
	case TCP_DST:
		return ret_int(s, be16(s->str, 2));
	case TCP_SEQ:
		return ret_int(s, be32(s->str, 4));
	case TCP_FLAGS:
		return ret_int(s, byte_at(s->str, 13));
	case TCP_WIN:
		return ret_int(s, be16(s->str, 14));
	case TCP_MSS:
		return ret_int(s, t.mss);
	case TCP_SACK:
		return ret_int(s, t.sack);
	case TCP_TSOPT:
		return ret_int(s, t.tsopt);
	case TCP_TSVAL:
		return t.tsopt && ret_int(s, t.tsval);
	case TCP_WSCALE:
		return ret_int(s, t.wscale);
	case TCP_WSOPT:
		return ret_int(s, t.wsopt);
	case TCP_LIST:
		return ret_kinds(cx, s, &t);
	}
	return false;
}

/* ---- fingerprint ---- */

#define FP_BASE 8
#define FP_TTL	1
#define FP_LIST 2
#define FP_SRC	4

/* One bit for each of the options 2 to 8, the last one for all others above. */
static uint8_t option_bits(const struct tcp *t)
{
	unsigned bits = 0;
	for (unsigned i = 0; i < t->kinds_n; i++) {
		if (t->kinds[i] >= 2)
			bits |= 1u << (t->kinds[i] <= 8 ? t->kinds[i] - 2 : 7);
	}
	return (uint8_t)bits;
}

static size_t fingerprint(struct slice packet, const struct ip *ip, const struct tcp *t,
    unsigned mode, uint8_t out[FP_BASE + 1 + OPT_KINDS_MAX + 16])
{
	struct slice tcp = slice_sub(packet, ip->header, SIZE_MAX);
	unsigned ttl = ip_ttl(packet, ip), flags = byte_at(tcp, 13);
	unsigned hops = ttl <= 32 ? 0 : ttl <= 64 ? 1 : ttl <= 128 ? 2 : 3;
	unsigned wscale = t->wsopt ? MIN(t->wscale, 14u) + 1 : 0;
	size_t n = FP_BASE;
	out[0] = (uint8_t)ip_tos(packet, ip);
	out[1] = (uint8_t)((ip->version == 6) << 7 | (ip_df(packet, ip) != 0) << 6 | hops << 4 |
			   ip->options << 3 | (tcp.len > t->header) << 2 | (flags >> 7 & 1) << 1 |
			   (flags >> 6 & 1));
	out[2] = (uint8_t)(t->header / 4 << 4 | wscale);
	memcpy(out + 3, tcp.ptr + 14, 2);
	out[5] = (uint8_t)(t->mss >> 8);
	out[6] = (uint8_t)t->mss;
	out[7] = option_bits(t);
	if (mode & FP_TTL)
		out[n++] = (uint8_t)ttl;
	if (mode & FP_LIST) {
		memcpy(out + n, t->kinds, t->kinds_n);
		n += t->kinds_n;
	}
	if (mode & FP_SRC) {
		struct slice src = ip_addr(packet, ip, false);
		memcpy(out + n, src.ptr, src.len);
		n += src.len;
	}
	return n;
}

static bool conv_fp(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint8_t out[FP_BASE + 1 + OPT_KINDS_MAX + 16];
	struct ip ip;
	struct tcp t;
	if (!ip_parse(s->str, &ip) || !tcp_parse(slice_sub(s->str, ip.header, SIZE_MAX), &t))
		return false;
	unsigned mode = args_has(args, 0) ? (unsigned)args->v[0].num : 0;
	/* A short frame is padded behind the packet. */
	size_t len = ip.version == 4 ? be16(s->str, 2) : IP6_HEADER + be16(s->str, 4);
	if (len >= ip.header + t.header)
		s->str = slice_sub(s->str, 0, len);
	size_t n = fingerprint(s->str, &ip, &t, mode, out);
	return ret_bin(s, arena_slice(cx->arena, slice_make((const char *)out, n)));
}

static int check_fp(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 0) || args->v[0].num <= (FP_TTL | FP_LIST | FP_SRC))
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: the mode is a sum of 1, 2 and 4", at->what);
	return -1;
}

#define PACKET(keyword, type, fn, number, text)                                                    \
	{                                                                                          \
		.name = keyword, .in = SMP_BIN, .out = type, .eval = fn, .data = number,           \
		.help = text                                                                       \
	}

/* The type of an address is known at run time only: IPv4 and IPv6 convert into each other. */
const struct conv_row conv_packet_rows[] = {
	PACKET("eth.data", SMP_BIN, conv_eth, ETH_DATA, "what follows the Ethernet header"),
	PACKET("eth.dst", SMP_BIN, conv_eth, ETH_DST, "destination of the Ethernet frame"),
	PACKET("eth.hdr", SMP_BIN, conv_eth, ETH_HDR, "Ethernet header with its VLAN tags"),
	PACKET("eth.proto", SMP_SINT, conv_eth, ETH_PROTO, "protocol of the Ethernet frame"),
	PACKET("eth.src", SMP_BIN, conv_eth, ETH_SRC, "source of the Ethernet frame"),
	PACKET("eth.vlan", SMP_SINT, conv_eth, ETH_LAST_VLAN, "last VLAN of the Ethernet frame"),
	PACKET("ip.data", SMP_BIN, conv_ip, GET_DATA, "what follows the IP headers"),
	PACKET("ip.df", SMP_SINT, conv_ip, GET_DF, "1 when the packet may not be fragmented"),
	PACKET("ip.dst", SMP_IPV4, conv_ip, GET_DST, "destination of the IP packet"),
	PACKET("ip.hdr", SMP_BIN, conv_ip, GET_HDR, "IP header with options and extensions"),
	PACKET("ip.proto", SMP_SINT, conv_ip, GET_PROTO, "transport protocol of the IP packet"),
	PACKET("ip.src", SMP_IPV4, conv_ip, GET_SRC, "source of the IP packet"),
	PACKET("ip.tos", SMP_SINT, conv_ip, GET_TOS, "type of service or traffic class"),
	PACKET("ip.ttl", SMP_SINT, conv_ip, GET_TTL, "time to live or hop limit"),
	PACKET("ip.ver", SMP_SINT, conv_ip, GET_VER, "version of the IP packet, 4 or 6"),
	{ .name = "ip.fp",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args = { ARG_UINT },
	    .eval = conv_fp,
	    .check = check_fp,
	    .usage = "[<mode>]",
	    .help = "fingerprint of IP and TCP headers; with TTL (1), options (2), source (4)" },
	PACKET("tcp.dst", SMP_SINT, conv_tcp, TCP_DST, "destination port of the TCP header"),
	PACKET("tcp.flags", SMP_SINT, conv_tcp, TCP_FLAGS, "eight flags of the TCP header"),
	PACKET("tcp.options.mss", SMP_SINT, conv_tcp, TCP_MSS, "maximum segment size, or 0"),
	PACKET("tcp.options.sack", SMP_SINT, conv_tcp, TCP_SACK, "1 when SACK is permitted"),
	PACKET("tcp.options.tsopt", SMP_SINT, conv_tcp, TCP_TSOPT, "1 with a timestamp"),
	PACKET("tcp.options.tsval", SMP_SINT, conv_tcp, TCP_TSVAL, "timestamp of the peer"),
	PACKET("tcp.options.wscale", SMP_SINT, conv_tcp, TCP_WSCALE, "window scale, or 0"),
	PACKET("tcp.options.wsopt", SMP_SINT, conv_tcp, TCP_WSOPT, "1 with a window scale"),
	PACKET("tcp.options_list", SMP_BIN, conv_tcp, TCP_LIST, "kinds of all TCP options"),
	PACKET("tcp.seq", SMP_SINT, conv_tcp, TCP_SEQ, "sequence number of the TCP header"),
	PACKET("tcp.src", SMP_SINT, conv_tcp, TCP_SRC, "source port of the TCP header"),
	PACKET("tcp.win", SMP_SINT, conv_tcp, TCP_WIN, "window of the TCP header, not scaled"),
	{ .name = NULL },
};
