/* SPDX-License-Identifier: MIT */
/* Unit tests of the PROXY protocol: reading at every split point, writing, TLVs and the checksum. */
#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "weir/net/proxy_proto.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_BODY	  "\x01\x02\x03\x04\x05\x06\x07\x08\x03\xe8\x07\xd0" /* 1.2.3.4:1000 5.6.7.8:2000 */
#define ZERO_16	  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZERO_108  ZERO_16 ZERO_16 ZERO_16 ZERO_16 ZERO_16 ZERO_16 "\0\0\0\0\0\0\0\0\0\0\0\0"
#define BYTES(s)  s, sizeof(s) - 1

static struct net_peer peer(const char *ip, unsigned port)
{
	struct net_addr a;
	struct net_peer p;
	if (net_ip_parse(slice_str(ip), &a) < 0)
		fail_msg("%s", ip);
	net_addr_set_port(&a, port);
	net_peer_from_addr(&p, &a);
	return p;
}

static void assert_peer(const struct net_peer *p, const char *ip, unsigned port)
{
	char text[NET_ADDR_TEXT];
	assert_string_equal(net_peer_text(p, text), ip);
	assert_int_equal(net_peer_port(p), port);
}

/* A copy of exactly its size, so that a read behind it is seen by the sanitizer. */
static enum pp_result parse_exact(const char *in, size_t len, struct pp_header *ret)
{
	char *copy = malloc(len + !len);
	memcpy(copy, in, len);
	enum pp_result r = pp_parse(copy, len, ret);
	free(copy);
	return r;
}

struct row {
	const char *name;
	const char *in;
	size_t len;
	bool local;
	const char *src, *dst;
	unsigned src_port, dst_port;
};

static const struct row valid[] = {
	{ "v1 tcp4", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 10 20\r\n"), false, "1.2.3.4", "5.6.7.8", 10,
	    20 },
	{ "v1 tcp4 longest", BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
	    false, "255.255.255.255", "255.255.255.255", 65535, 65535 },
	{ "v1 port 0", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n"), false, "1.2.3.4", "5.6.7.8", 0,
	    0 },
	{ "v1 tcp6", BYTES("PROXY TCP6 ::1 2001:DB8::2 1 2\r\n"), false, "::1", "2001:db8::2", 1,
	    2 },
	{ "v1 tcp6 longest",
	    BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n"),
	    false, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 65535, 65535 },
	{ "v1 unknown", BYTES("PROXY UNKNOWN\r\n"), true, NULL, NULL, 0, 0 },
	{ "v1 unknown, rest ignored", BYTES("PROXY UNKNOWN whatever  stands here\r\n"), true, NULL,
	    NULL, 0, 0 },
	{ "v1 unknown longest",
	    BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    true, NULL, NULL, 0, 0 },
	{ "v2 tcp4", BYTES(SIGNATURE "\x21\x11\0\x0c" V4_BODY), false, "1.2.3.4", "5.6.7.8", 1000,
	    2000 },
	{ "v2 tcp6",
	    BYTES(SIGNATURE "\x21\x21\0\x24" ZERO_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2"),
	    false, "::", "::1", 1, 2 },
	{ "v2 tcp4 with a TLV",
	    BYTES(SIGNATURE "\x21\x11\0\x12" V4_BODY "\x02\0\x03"
			    "foo"),
	    false, "1.2.3.4", "5.6.7.8", 1000, 2000 },
	{ "v2 local", BYTES(SIGNATURE "\x20\0\0\0"), true, NULL, NULL, 0, 0 },
	{ "v2 local, block skipped", BYTES(SIGNATURE "\x20\xff\0\x03\x01\x02\x03"), true, NULL,
	    NULL, 0, 0 },
	{ "v2 unspec", BYTES(SIGNATURE "\x21\0\0\0"), true, NULL, NULL, 0, 0 },
	{ "v2 unspec with addresses", BYTES(SIGNATURE "\x21\0\0\x0c" V4_BODY), true, NULL, NULL, 0,
	    0 },
	{ "v2 udp4", BYTES(SIGNATURE "\x21\x12\0\x0c" V4_BODY), true, NULL, NULL, 0, 0 },
	{ "v2 inet, unspecified protocol", BYTES(SIGNATURE "\x21\x10\0\x0c" V4_BODY), true, NULL,
	    NULL, 0, 0 },
	{ "v2 unix", BYTES(SIGNATURE "\x21\x31\0\xd8" ZERO_108 ZERO_108), true, NULL, NULL, 0, 0 },
};

static void valid_headers_are_read_and_their_beginnings_are_incomplete(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		const struct row *row = &valid[i];
		struct pp_header h;
		for (size_t split = 0; split < row->len; split++) {
			if (parse_exact(row->in, split, &h) != PP_INCOMPLETE)
				fail_msg(
				    "%s: not incomplete at %zu: %s", row->name, split, h.error);
		}
		if (parse_exact(row->in, row->len, &h) != PP_COMPLETE)
			fail_msg("%s: %s", row->name, h.error);
		assert_int_equal(h.consumed, row->len);
		assert_int_equal(h.local, row->local);
		if (row->src) {
			assert_peer(&h.src, row->src, row->src_port);
			assert_peer(&h.dst, row->dst, row->dst_port);
		}
	}
}

static void bytes_behind_the_header_are_left_alone(void **state)
{
	static const char after[] = "GET / HTTP/1.1\r\n\r\nPROXY \r\n";
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		struct pp_header h;
		char in[512];
		memcpy(in, valid[i].in, valid[i].len);
		memcpy(in + valid[i].len, after, sizeof(after));
		assert_int_equal(parse_exact(in, valid[i].len + sizeof(after), &h), PP_COMPLETE);
		assert_int_equal(h.consumed, valid[i].len);
	}
}

static const struct {
	const char *name;
	const char *in;
	size_t len;
	size_t at; /* bytes after which it must be known to be wrong */
} wrong[] = {
	{ "http", BYTES("GET / HTTP/1.1\r\n\r\n"), 1 },
	{ "tls", BYTES("\x16\x03\x01"), 1 },
	{ "v1 lower case", BYTES("proxy TCP4 1.2.3.4 5.6.7.8 10 20\r\n"), 1 },
	{ "v1 tab", BYTES("PROXY\tTCP4 1.2.3.4 5.6.7.8 10 20\r\n"), 6 },
	{ "v1 bare line feed", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 10 20\n"), 33 },
	{ "v1 bare carriage return", BYTES("PROXY UNKNOWN\rx\r\n"), 15 },
	{ "v1 udp", BYTES("PROXY UDP4 1.2.3.4 5.6.7.8 10 20\r\n"), 34 },
	{ "v1 unknown with a tail", BYTES("PROXY UNKNOWNx\r\n"), 16 },
	{ "v1 nothing", BYTES("PROXY \r\n"), 8 },
	{ "v1 three fields", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 10\r\n"), 31 },
	{ "v1 five fields", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 10 20 30\r\n"), 37 },
	{ "v1 two spaces", BYTES("PROXY TCP4 1.2.3.4  5.6.7.8 10 20\r\n"), 35 },
	{ "v1 trailing space", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 10 20 \r\n"), 35 },
	{ "v1 leading zero in an octet", BYTES("PROXY TCP4 01.2.3.4 5.6.7.8 10 20\r\n"), 35 },
	{ "v1 leading zero in a port", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 010 20\r\n"), 35 },
	{ "v1 port too big", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 10 65536\r\n"), 37 },
	{ "v1 ipv6 in tcp4", BYTES("PROXY TCP4 ::1 5.6.7.8 10 20\r\n"), 30 },
	{ "v1 ipv4 in tcp6", BYTES("PROXY TCP6 1.2.3.4 ::1 10 20\r\n"), 30 },
	{ "v1 too long",
	    BYTES("PROXY UNKNOWN 12345678901234567890123456789012345678901234567890"
		  "123456789012345678901234567890123456789012\r\n"),
	    107 },
	{ "v2 signature broken", BYTES("\r\n\r\n\0\r\nQUIT\r"), 12 },
	{ "v2 version 1", BYTES(SIGNATURE "\x11\x11\0\x0c" V4_BODY), 13 },
	{ "v2 command 2", BYTES(SIGNATURE "\x22\x11\0\x0c" V4_BODY), 13 },
	{ "v2 family 4", BYTES(SIGNATURE "\x21\x41\0\x0c" V4_BODY), 14 },
	{ "v2 protocol 3", BYTES(SIGNATURE "\x21\x13\0\x0c" V4_BODY), 14 },
	{ "v2 too short for tcp4", BYTES(SIGNATURE "\x21\x11\0\x0b\1\2\3\4\5\6\7\x08\1\2\3"), 27 },
	{ "v2 too long", BYTES(SIGNATURE "\x21\x11\x0f\xf1"), 16 },
	{ "v2 TLV runs over the end",
	    BYTES(SIGNATURE "\x21\x11\0\x12" V4_BODY "\x02\0\x04"
			    "foo"),
	    34 },
	{ "v2 half a TLV", BYTES(SIGNATURE "\x21\x11\0\x0e" V4_BODY "\x02\0"), 30 },
	{ "v2 wrong checksum", BYTES(SIGNATURE "\x21\x11\0\x13" V4_BODY "\x03\0\x04\1\2\3\4"), 35 },
	{ "v2 short checksum", BYTES(SIGNATURE "\x21\x11\0\x12" V4_BODY "\x03\0\x03\1\2\3"), 34 },
};

static void wrong_headers_are_refused_as_soon_as_it_shows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct pp_header h;
		for (size_t split = 0; split <= wrong[i].len; split++) {
			enum pp_result want = split < wrong[i].at ? PP_INCOMPLETE : PP_ERROR;
			if (parse_exact(wrong[i].in, split, &h) != want)
				fail_msg("%s: not %d at %zu", wrong[i].name, want, split);
		}
		assert_non_null(h.error);
	}
}

static void checksum_matches_the_published_values(void **state)
{
	char bytes[32];
	static const struct {
		int first, step;
		uint32_t want;
	} rfc3720[] = { { 0x00, 0, 0x8a9136aa }, { 0xff, 0, 0x62a8ab43 }, { 0x00, 1, 0x46dd794e },
		{ 0x1f, -1, 0x113fdb5c } };
	for (size_t i = 0; i < ARRAY_SIZE(rfc3720); i++) {
		for (int k = 0; k < 32; k++)
			bytes[k] = (char)(rfc3720[i].first + k * rfc3720[i].step);
		assert_int_equal(pp_crc32c(bytes, sizeof(bytes)), rfc3720[i].want);
		assert_int_equal(pp_crc32c_portable(bytes, sizeof(bytes)), rfc3720[i].want);
	}
	assert_int_equal(pp_crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(pp_crc32c_portable("123456789", 9), 0xe3069283);
	assert_int_equal(pp_crc32c("", 0), 0);
}

/* Sent by HAProxy 2.6 for 127.0.0.1:21150 to 127.0.0.1:21192 with send-proxy-v2 and option crc32c. */
static const char foreign_header[] = SIGNATURE "\x21\x11\0\x13"
					       "\x7f\0\0\1\x7f\0\0\1"
					       "\x52\x9e\x52\xc8\x03\0\x04"
					       "\x91\x36\xc0\x16";

static void checksum_of_another_implementation_is_accepted(void **state)
{
	struct pp_header h;
	assert_int_equal(pp_parse(foreign_header, sizeof(foreign_header) - 1, &h), PP_COMPLETE);
	assert_peer(&h.src, "127.0.0.1", 21150);
	assert_peer(&h.dst, "127.0.0.1", 21192);
}

static void any_flipped_bit_breaks_the_checksum(void **state)
{
	struct net_peer src = peer("10.0.0.1", 1234), dst = peer("10.0.0.2", 443);
	struct pp_tlv tlv = { PP2_TYPE_AUTHORITY, SLICE("example.org") };
	struct pp_header h;
	char out[256];
	size_t len = pp_write_v2(&src, &dst, false, &tlv, 1, true, out, sizeof(out));
	assert_int_equal(pp_parse(out, len, &h), PP_COMPLETE);
	for (size_t bit = 16 * 8; bit < len * 8; bit++) {
		/* the type of the checksum's TLV says whether there is one */
		if (bit / 8 == len - 7)
			continue;
		out[bit / 8] ^= (char)(1 << bit % 8);
		if (pp_parse(out, len, &h) != PP_ERROR)
			fail_msg("bit %zu", bit);
		out[bit / 8] ^= (char)(1 << bit % 8);
	}
}

static void assert_v1(const struct net_peer *src, const struct net_peer *dst, const char *want)
{
	char out[PP_V1_MAX];
	size_t len = pp_write_v1(src, dst, out);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(out, want, len);
}

static void version_1_is_written_as_specified(void **state)
{
	struct net_peer a = peer("1.2.3.4", 1000), b = peer("5.6.7.8", 80),
			c = peer("2001:db8::1", 443);
	struct net_peer full = peer("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);
	struct net_peer local = { .sa.sa_family = AF_UNIX };
	assert_v1(&a, &b, "PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n");
	assert_v1(&c, &c, "PROXY TCP6 2001:db8::1 2001:db8::1 443 443\r\n");
	assert_v1(&a, &c, "PROXY TCP6 ::ffff:1.2.3.4 2001:db8::1 1000 443\r\n");
	assert_v1(&local, &b, "PROXY UNKNOWN\r\n");
	assert_v1(&b, &local, "PROXY UNKNOWN\r\n");
	assert_v1(&full, &full,
	    "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
}

static void what_is_written_is_read_back(void **state)
{
	static const char *const ips[] = { "1.2.3.4", "255.255.255.255", "::", "2001:db8::1" };
	for (size_t i = 0; i < ARRAY_SIZE(ips) * ARRAY_SIZE(ips) * 2; i++) {
		struct net_peer src = peer(ips[i % 4], 1), dst = peer(ips[i / 4 % 4], 65535);
		struct pp_header h;
		char out[PP_V1_MAX + 64];
		size_t len = i < 16
				 ? pp_write_v1(&src, &dst, out)
				 : pp_write_v2(&src, &dst, false, NULL, 0, i & 1, out, sizeof(out));
		assert_int_equal(parse_exact(out, len, &h), PP_COMPLETE);
		assert_int_equal(h.consumed, len);
		assert_false(h.local);
		assert_int_equal(net_peer_port(&h.src), 1);
		assert_int_equal(net_peer_port(&h.dst), 65535);
		if (src.sa.sa_family == dst.sa.sa_family) {
			assert_peer(&h.src, ips[i % 4], 1);
			assert_peer(&h.dst, ips[i / 4 % 4], 65535);
		}
	}
}

static void tlvs_are_written_and_found(void **state)
{
	static const struct pp_tlv tlvs[] = {
		{ PP2_TYPE_ALPN, SLICE("h2") },
		{ PP2_TYPE_NOOP, SLICE("") },
		{ PP2_TYPE_UNIQUE_ID, SLICE("0123456789") },
		{ PP2_TYPE_UNIQUE_ID, SLICE("second") },
	};
	struct net_peer src = peer("::1", 1), dst = peer("::2", 2);
	struct pp_header h;
	struct slice value;
	char out[256];
	size_t len = pp_write_v2(&src, &dst, false, tlvs, ARRAY_SIZE(tlvs), true, out, sizeof(out));
	assert_int_equal(len, 16 + 36 + (3 + 2) + 3 + (3 + 10) + (3 + 6) + 7);
	for (size_t split = 0; split < len; split++)
		assert_int_equal(parse_exact(out, split, &h), PP_INCOMPLETE);
	assert_int_equal(pp_parse(out, len, &h), PP_COMPLETE);
	assert_true(pp_tlv_find(h.tlvs, PP2_TYPE_ALPN, &value));
	assert_true(slice_eq(value, SLICE("h2")));
	assert_true(pp_tlv_find(h.tlvs, PP2_TYPE_NOOP, &value));
	assert_int_equal(value.len, 0);
	assert_true(pp_tlv_find(h.tlvs, PP2_TYPE_UNIQUE_ID, &value));
	assert_true(slice_eq(value, SLICE("0123456789")));
	assert_false(pp_tlv_find(h.tlvs, PP2_TYPE_NETNS, &value));
	assert_false(pp_tlv_find(SLICE_NULL, PP2_TYPE_ALPN, &value));
}

static void checks_and_local_sockets_send_no_addresses(void **state)
{
	struct net_peer src = peer("1.2.3.4", 1), local = { .sa.sa_family = AF_UNIX };
	struct pp_header h;
	char out[64];
	assert_int_equal(pp_write_v2(&src, &src, true, NULL, 0, false, out, sizeof(out)), 16);
	assert_memory_equal(out, SIGNATURE "\x20\0\0\0", 16);
	assert_int_equal(pp_write_v2(&local, &src, false, NULL, 0, false, out, sizeof(out)), 16);
	assert_memory_equal(out, SIGNATURE "\x21\0\0\0", 16);
	assert_int_equal(pp_parse(out, 16, &h), PP_COMPLETE);
	assert_true(h.local);
}

static void too_little_room_writes_nothing(void **state)
{
	struct net_peer src = peer("1.2.3.4", 1);
	static char huge[70000];
	struct pp_tlv tlv = { PP2_TYPE_AUTHORITY, slice_make(huge, sizeof(huge)) };
	char out[28 + 7];
	for (size_t cap = 0; cap < sizeof(out); cap++)
		assert_int_equal(pp_write_v2(&src, &src, false, NULL, 0, true, out, cap), 0);
	assert_int_equal(
	    pp_write_v2(&src, &src, false, NULL, 0, true, out, sizeof(out)), sizeof(out));
	assert_int_equal(pp_write_v2(&src, &src, false, &tlv, 1, false, huge, sizeof(huge)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_headers_are_read_and_their_beginnings_are_incomplete),
		cmocka_unit_test(bytes_behind_the_header_are_left_alone),
		cmocka_unit_test(wrong_headers_are_refused_as_soon_as_it_shows),
		cmocka_unit_test(checksum_matches_the_published_values),
		cmocka_unit_test(checksum_of_another_implementation_is_accepted),
		cmocka_unit_test(any_flipped_bit_breaks_the_checksum),
		cmocka_unit_test(version_1_is_written_as_specified),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(tlvs_are_written_and_found),
		cmocka_unit_test(checks_and_local_sockets_send_no_addresses),
		cmocka_unit_test(too_little_room_writes_nothing),
	};
	return cmocka_run_group_tests_name("net/proxy_proto", tests, NULL, NULL);
}
