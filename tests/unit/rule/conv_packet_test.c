/* SPDX-License-Identifier: MIT */
/* Unit tests of the packet converters: SYN packets as Linux sends them, over IPv4 and IPv6, and cut short. */
/* covers: conv eth.data, conv eth.dst, conv eth.hdr, conv eth.proto, conv eth.src, conv eth.vlan */
/* covers: conv ip.data, conv ip.df, conv ip.dst, conv ip.fp, conv ip.hdr, conv ip.proto */
/* covers: conv ip.src, conv ip.tos, conv ip.ttl, conv ip.ver, conv tcp.dst, conv tcp.flags */
/* covers: conv tcp.options.mss, conv tcp.options.sack, conv tcp.options.tsopt, conv tcp.options.tsval, conv tcp.options.wscale, conv tcp.options.wsopt */
/* covers: conv tcp.options_list, conv tcp.seq, conv tcp.src, conv tcp.win */
#include "fixture.h"

struct want {
	const char *expr, *value;
};

static void expect(struct fixture *f, const struct want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = fx_eval(f, wants[i].expr);
		if (strcmp(got, wants[i].value) != 0)
			fail_msg(
			    "%s gives '%s' instead of '%s'", wants[i].expr, got, wants[i].value);
	}
}

#define EXPECT(f, ...)                                                                             \
	do {                                                                                       \
		static const struct want wants_[] = { __VA_ARGS__ };                               \
		expect(f, wants_, ARRAY_SIZE(wants_));                                             \
	} while (0)

/* 127.0.0.1:40000 to 127.0.0.2:443, options MSS 65495, SACK, timestamp 0x01020304, NOP, window scale 7. */
#define TCP                                                                                        \
	"9c4001bb1122334400000000a0c2ffd7fe300000"                                                 \
	"0204ffd7"                                                                                 \
	"0402"                                                                                     \
	"080a0102030400000000"                                                                     \
	"01"                                                                                       \
	"030307"
#define IP4 "4510003c12344000400600007f0000017f000002"

static const char frame[] = "bin(0a0b0c0d0e0f010203040506" /* addresses */
			    "8100606481000005"		   /* two VLANs: 100, 5 */
			    "0800" IP4 TCP ")";

static void expect_of(struct fixture *f, const char *packet, const struct want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = fx_eval(f, arena_printf(&f->mem, "%s,%s", packet, wants[i].expr));
		if (strcmp(got, wants[i].value) != 0)
			fail_msg(
			    "%s gives '%s' instead of '%s'", wants[i].expr, got, wants[i].value);
	}
}

#define EXPECT_OF(f, packet, ...)                                                                  \
	do {                                                                                       \
		static const struct want wants_[] = { __VA_ARGS__ };                               \
		expect_of(f, packet, wants_, ARRAY_SIZE(wants_));                                  \
	} while (0)

static void ethernet_ipv4_and_tcp(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT_OF(&f, frame, { "eth.dst,hex", "0A0B0C0D0E0F" }, { "eth.src,hex", "010203040506" },
	    { "eth.hdr,length", "22" }, { "eth.proto", "2048" }, { "eth.vlan", "5" },
	    { "eth.data,length", "60" }, { "eth.data,ip.ver", "4" }, { "eth.data,ip.tos", "16" },
	    { "eth.data,ip.df", "1" }, { "eth.data,ip.ttl", "64" }, { "eth.data,ip.proto", "6" },
	    { "eth.data,ip.src", "127.0.0.1" }, { "eth.data,ip.dst", "127.0.0.2" },
	    { "eth.data,ip.hdr,length", "20" }, { "eth.data,ip.data,length", "40" },
	    { "eth.data,ip.data,tcp.src", "40000" }, { "eth.data,ip.data,tcp.dst", "443" },
	    { "eth.data,ip.data,tcp.seq", "287454020" }, { "eth.data,ip.data,tcp.flags", "194" },
	    { "eth.data,ip.data,tcp.win", "65495" },
	    { "eth.data,ip.data,tcp.options.mss", "65495" },
	    { "eth.data,ip.data,tcp.options.sack", "1" },
	    { "eth.data,ip.data,tcp.options.tsopt", "1" },
	    { "eth.data,ip.data,tcp.options.tsval", "16909060" },
	    { "eth.data,ip.data,tcp.options.wsopt", "1" },
	    { "eth.data,ip.data,tcp.options.wscale", "7" },
	    { "eth.data,ip.data,tcp.options_list,hex", "0204080103" },
	    /* TOS, v4 df ttl<=64 CWR ECE, length 10 scale 8, window, MSS, options 2 3 4 8 */
	    { "eth.data,ip.fp,hex", "1053A8FFD7FFD747" },
	    { "eth.data,ip.fp(1),hex", "1053A8FFD7FFD74740" },
	    { "eth.data,ip.fp(7),hex", "1053A8FFD7FFD7474002040801037F000001" },
	    { "eth.data,ip.fp(4),hex", "1053A8FFD7FFD7477F000001" });
	fx_free(&f);
}

static void ipv6_with_extensions_and_bare_tcp(void **state)
{
	/* class 0x12, hop-by-hop of 8 bytes, then TCP without options and one byte of data */
	static const char packet[] = "bin(61200000001d00ff"
				     "20010db8000000000000000000000001"
				     "20010db8000000000000000000000002"
				     "0600010400000000"
				     "0050c350000000010000000050020400000000"
				     "00"
				     "ab)";
	struct fixture f;
	fx_new(&f);
	EXPECT_OF(&f, packet, { "ip.ver", "6" }, { "ip.tos", "18" }, { "ip.df", "1" },
	    { "ip.ttl", "255" }, { "ip.proto", "6" }, { "ip.src", "2001:db8::1" },
	    { "ip.dst", "2001:db8::2" }, { "ip.hdr,length", "48" }, { "ip.data,length", "21" },
	    { "ip.data,tcp.src", "80" }, { "ip.data,tcp.dst", "50000" },
	    { "ip.data,tcp.options.mss", "0" }, { "ip.data,tcp.options.sack", "0" },
	    { "ip.data,tcp.options.tsopt", "0" }, { "ip.data,tcp.options.tsval", "<none>" },
	    { "ip.data,tcp.options.wsopt", "0" }, { "ip.data,tcp.options.wscale", "0" },
	    { "ip.data,tcp.options_list,length", "0" },
	    /* v6 df ttl<=255 options data */
	    { "ip.fp,hex", "12FC500400000000" },
	    { "ip.fp(4),hex", "12FC50040000000020010DB8000000000000000000000001" });
	fx_free(&f);
}

static void short_packets_have_no_value(void **state)
{
	static const char whole[] = IP4 TCP;
	struct fixture f;
	fx_new(&f);
	for (size_t n = 2; n < sizeof(whole) - 1; n += 2) {
		const char *got =
		    fx_eval(&f, arena_printf(&f.mem, "bin(%.*s),ip.fp,length", (int)n, whole));
		assert_string_equal(got, "<none>");
	}
	EXPECT(&f, { "bin(0a0b0c0d0e0f01020304050608),eth.src", "<none>" },
	    { "bin(0a0b0c0d0e0f0102030405060800),eth.vlan", "<none>" },
	    { "bin(0a0b0c0d0e0f0102030405060800),eth.data,length", "0" },
	    { "bin(0a0b0c0d0e0f0102030405068100),eth.proto", "<none>" },
	    { "bin(00),ip.ver", "<none>" }, { "bin(50),ip.ver", "<none>" },
	    { "bin(4310003c12344000400600007f0000017f000002),ip.ver", "<none>" },
	    /* an option that is longer than the header */
	    { "bin(9c4001bb1122334400000000600200000000000002080000),tcp.win", "<none>" },
	    /* one without its length at the very end */
	    { "bin(9c4001bb1122334400000000600200000000000001010102),tcp.win", "<none>" });
	assert_non_null(strstr(fx_read(&f, "expr bin(00),ip.fp(8)"), "sum of 1, 2 and 4"));
	fx_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethernet_ipv4_and_tcp),
		cmocka_unit_test(ipv6_with_extensions_and_bare_tcp),
		cmocka_unit_test(short_packets_have_no_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
