/* SPDX-License-Identifier: MIT */
/*
 * Casts between sample types (configuration manual 7.1.2 ff): one function for each pair that exists, in a
 * table. Strings that a cast has to make are written to the stream's arena; everything else is in place.
 */
#include "weir/rule/sample.h"

#include <arpa/inet.h>

#include "rule_int.h"

typedef bool cast_fn(struct sample *s, struct arena *arena);

static bool put_text(struct sample *s, struct arena *arena, const char *text, size_t len)
{
	s->str = arena_slice(arena, slice_make(text, len));
	s->type = SMP_STR;
	return s->str.ptr != NULL;
}

static bool same(struct sample *s, struct arena *arena)
{
	return true;
}

static bool bool_to_int(struct sample *s, struct arena *arena)
{
	s->sint = s->boolean;
	s->type = SMP_SINT;
	return true;
}

static bool int_to_bool(struct sample *s, struct arena *arena)
{
	s->boolean = s->sint != 0;
	s->type = SMP_BOOL;
	return true;
}

static bool bool_to_str(struct sample *s, struct arena *arena)
{
	s->str = s->boolean ? SLICE("1") : SLICE("0");
	s->type = SMP_STR;
	return true;
}

static bool int_to_str(struct sample *s, struct arena *arena)
{
	char text[RULE_INT_TEXT];
	return put_text(s, arena, text, rule_int_text(text, s->sint));
}

static bool int_to_bin(struct sample *s, struct arena *arena)
{
	unsigned char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)((uint64_t)s->sint >> (56 - 8 * i));
	bool done = put_text(s, arena, (const char *)bytes, sizeof(bytes));
	s->type = SMP_BIN;
	return done;
}

static bool int_to_ip4(struct sample *s, struct arena *arena)
{
	s->ipv4.s_addr = htonl((uint32_t)s->sint);
	s->type = SMP_IPV4;
	return true;
}

static bool ip4_to_int(struct sample *s, struct arena *arena)
{
	s->sint = ntohl(s->ipv4.s_addr);
	s->type = SMP_SINT;
	return true;
}

static bool ip4_to_ip6(struct sample *s, struct arena *arena)
{
	struct in_addr v4 = s->ipv4;
	memset(&s->ipv6, 0, sizeof(s->ipv6));
	s->ipv6.s6_addr[10] = 0xff;
	s->ipv6.s6_addr[11] = 0xff;
	memcpy(&s->ipv6.s6_addr[12], &v4, 4);
	s->type = SMP_IPV6;
	return true;
}

static bool int_to_ip6(struct sample *s, struct arena *arena)
{
	return int_to_ip4(s, arena) && ip4_to_ip6(s, arena);
}

static bool ip6_to_ip4(struct sample *s, struct arena *arena)
{
	struct in_addr v4;
	if (!rule_ip6_embedded(&s->ipv6, &v4))
		return false;
	s->ipv4 = v4;
	s->type = SMP_IPV4;
	return true;
}

static bool ip_to_str(struct sample *s, struct arena *arena)
{
	char text[INET6_ADDRSTRLEN];
	int family = s->type == SMP_IPV4 ? AF_INET : AF_INET6;
	if (!inet_ntop(family, &s->ipv4, text, sizeof(text)))
		return false;
	return put_text(s, arena, text, strlen(text));
}

static bool ip_to_bin(struct sample *s, struct arena *arena)
{
	struct in6_addr bytes = s->ipv6;
	size_t len = s->type == SMP_IPV4 ? 4 : 16;
	bool done = put_text(s, arena, (const char *)&bytes, len);
	s->type = SMP_BIN;
	return done;
}

static bool str_to_int(struct sample *s, struct arena *arena)
{
	int64_t value;
	if (s->str.len == 0)
		return false;
	rule_int_parse(s->str, &value);
	s->sint = value;
	s->type = SMP_SINT;
	return true;
}

static bool str_to_bool(struct sample *s, struct arena *arena)
{
	return str_to_int(s, arena) && int_to_bool(s, arena);
}

static bool str_to_ip4(struct sample *s, struct arena *arena)
{
	struct sample ip;
	if (!rule_ip_parse(s->str, &ip) || ip.type != SMP_IPV4)
		return false;
	s->ipv4 = ip.ipv4;
	s->type = SMP_IPV4;
	return true;
}

static bool str_to_ip6(struct sample *s, struct arena *arena)
{
	struct sample ip;
	if (!rule_ip_parse(s->str, &ip))
		return false;
	if (ip.type == SMP_IPV4)
		ip4_to_ip6(&ip, arena);
	s->ipv6 = ip.ipv6;
	s->type = SMP_IPV6;
	return true;
}

static bool str_to_bin(struct sample *s, struct arena *arena)
{
	s->type = SMP_BIN;
	return true;
}

static bool str_to_meth(struct sample *s, struct arena *arena)
{
	s->method = http_method_of(s->str);
	s->type = SMP_METH;
	return true;
}

static bool meth_to_str(struct sample *s, struct arena *arena)
{
	s->type = SMP_STR;
	return true;
}

static bool bin_to_int(struct sample *s, struct arena *arena)
{
	uint64_t value = 0;
	for (size_t i = 0; i < s->str.len && i < 8; i++)
		value = value << 8 | (unsigned char)s->str.ptr[i];
	s->sint = (int64_t)value;
	s->type = SMP_SINT;
	return true;
}

/* The bytes as they are. */
static bool bin_to_str(struct sample *s, struct arena *arena)
{
	s->type = SMP_STR;
	return true;
}

static cast_fn *const casts[SMP_N][SMP_N] = {
	[SMP_BOOL] = {
		[SMP_BOOL] = same,
		[SMP_SINT] = bool_to_int,
		[SMP_STR] = bool_to_str,
	},
	[SMP_SINT] = {
		[SMP_BOOL] = int_to_bool,
		[SMP_SINT] = same,
		[SMP_IPV4] = int_to_ip4,
		[SMP_IPV6] = int_to_ip6,
		[SMP_STR] = int_to_str,
		[SMP_BIN] = int_to_bin,
	},
	[SMP_IPV4] = {
		[SMP_SINT] = ip4_to_int,
		[SMP_IPV4] = same,
		[SMP_IPV6] = ip4_to_ip6,
		[SMP_STR] = ip_to_str,
		[SMP_BIN] = ip_to_bin,
	},
	[SMP_IPV6] = {
		[SMP_IPV4] = ip6_to_ip4,
		[SMP_IPV6] = same,
		[SMP_STR] = ip_to_str,
		[SMP_BIN] = ip_to_bin,
	},
	[SMP_STR] = {
		[SMP_BOOL] = str_to_bool,
		[SMP_SINT] = str_to_int,
		[SMP_IPV4] = str_to_ip4,
		[SMP_IPV6] = str_to_ip6,
		[SMP_STR] = same,
		[SMP_BIN] = str_to_bin,
		[SMP_METH] = str_to_meth,
	},
	[SMP_BIN] = {
		[SMP_SINT] = bin_to_int,
		[SMP_STR] = bin_to_str,
		[SMP_BIN] = same,
	},
	[SMP_METH] = {
		[SMP_STR] = meth_to_str,
		[SMP_BIN] = str_to_bin,
		[SMP_METH] = same,
	},
};

bool sample_can_cast(enum sample_type from, enum sample_type to)
{
	return from == SMP_ANY || to == SMP_ANY || casts[from][to] != NULL;
}

bool sample_cast(struct sample *s, enum sample_type to, struct arena *arena)
{
	if (to == SMP_ANY || s->type == to)
		return true;
	cast_fn *fn = casts[s->type][to];
	return fn && fn(s, arena);
}

const char *sample_type_name(enum sample_type type)
{
	static const char *const names[SMP_N] = {
		[SMP_ANY] = "any",
		[SMP_BOOL] = "boolean",
		[SMP_SINT] = "integer",
		[SMP_IPV4] = "ipv4",
		[SMP_IPV6] = "ipv6",
		[SMP_STR] = "string",
		[SMP_BIN] = "binary",
		[SMP_METH] = "method",
	};
	return type < SMP_N ? names[type] : "?";
}

const char *sample_type_short(enum sample_type type)
{
	static const char *const names[SMP_N] = {
		[SMP_ANY] = "any",
		[SMP_BOOL] = "bool",
		[SMP_SINT] = "sint",
		[SMP_IPV4] = "ipv4",
		[SMP_IPV6] = "ipv6",
		[SMP_STR] = "str",
		[SMP_BIN] = "bin",
		[SMP_METH] = "meth",
	};
	return type < SMP_N ? names[type] : "?";
}
