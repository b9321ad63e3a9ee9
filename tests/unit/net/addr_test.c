/* SPDX-License-Identifier: MIT */
/* Unit tests of addresses: every form of the configuration's syntax, texts, comparison and networks. */
#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <errno.h>

#include <cmocka.h>

#include "weir/net/addr.h"

#define BIND   (NET_ALLOW_NAME | NET_ALLOW_PORT_RANGE | NET_ALLOW_FD | NET_NEED_PORT | NET_ALLOW_UNIX)
#define SERVER (NET_ALLOW_NAME | NET_ALLOW_PORT_OFFSET | NET_ALLOW_UNIX)
#define LOG    (NET_ALLOW_NAME | NET_ALLOW_DATAGRAM | NET_ALLOW_FD | NET_ALLOW_UNIX)
#define PLAIN  NET_NO_PORT

/* The spec as a line: kind, flags, address or name, port mode and ports. */
static void describe(const struct net_spec *s, char *out, size_t size)
{
	static const char *const kinds[] = { "ip", "unix", "abstract", "fd", "sockpair" };
	static const char *const modes[] = { "", " fixed", " range", " plus", " minus" };
	char addr[NET_ADDR_TEXT] = "";
	if (s->addr.len)
		net_addr_text_port(&s->addr, addr);
	int len =
	    snprintf(out, size, "%s%s%s%s%s%s %s%.*s%s", kinds[s->kind], s->stream ? " stream" : "",
		s->datagram ? " dgram" : "", s->quic ? " quic" : "", s->mptcp ? " mptcp" : "",
		s->family == AF_INET	? " v4"
		: s->family == AF_INET6 ? " v6"
					: "",
		addr, SLICE_ARG(s->name), modes[s->port_mode]);
	if (s->port_mode == NET_PORT_RANGE)
		snprintf(out + len, size - (size_t)len, " %u-%u", s->port, s->port_high);
	else if (s->port_mode != NET_PORT_NONE)
		snprintf(out + len, size - (size_t)len, " %u", s->port);
	else if (s->fd >= 0)
		snprintf(out + len, size - (size_t)len, "%d", s->fd);
}

static const struct {
	unsigned allow;
	const char *text;
	const char *want;
} good[] = {
	{ BIND, "127.0.0.1:80", "ip 127.0.0.1:80 fixed 80" },
	{ BIND, ":80", "ip 0.0.0.0:80 fixed 80" },
	{ BIND, "*:80", "ip 0.0.0.0:80 fixed 80" },
	{ BIND, "*:80-82", "ip 0.0.0.0:80 range 80-82" },
	{ BIND, "*:80-80", "ip 0.0.0.0:80 range 80-80" },
	{ BIND, ":::80", "ip [::]:80 fixed 80" },
	{ BIND, "[::]:80", "ip [::]:80 fixed 80" },
	{ BIND, "::1:80", "ip [::1]:80 fixed 80" },
	{ BIND, "[::1]:80", "ip [::1]:80 fixed 80" },
	{ BIND, "2001:db8::1:443", "ip [2001:db8::1]:443 fixed 443" },
	{ BIND, "::ffff:1.2.3.4:80", "ip [::ffff:1.2.3.4]:80 fixed 80" },
	{ BIND, "ip@127.0.0.1:80", "ip 127.0.0.1:80 fixed 80" },
	{ BIND, "ipv4@*:80", "ip v4 0.0.0.0:80 fixed 80" },
	{ BIND, "ipv6@:80", "ip v6 [::]:80 fixed 80" },
	{ BIND, "ipv6@*:80", "ip v6 [::]:80 fixed 80" },
	{ BIND, "ipv6@[::1]:80", "ip v6 [::1]:80 fixed 80" },
	{ BIND, "ipv4@public_ssl:443", "ip v4 public_ssl fixed 443" },
	{ BIND, "localhost:80", "ip localhost fixed 80" },
	{ BIND, "tcp@1.2.3.4:80", "ip stream 1.2.3.4:80 fixed 80" },
	{ BIND, "tcp4@1.2.3.4:80", "ip stream v4 1.2.3.4:80 fixed 80" },
	{ BIND, "tcp6@:::80", "ip stream v6 [::]:80 fixed 80" },
	{ BIND, "mptcp@1.2.3.4:80", "ip stream mptcp 1.2.3.4:80 fixed 80" },
	{ BIND, "mptcp4@1.2.3.4:80", "ip stream mptcp v4 1.2.3.4:80 fixed 80" },
	{ BIND, "mptcp6@::1:80-90", "ip stream mptcp v6 [::1]:80 range 80-90" },
	{ BIND, "quic4@10.0.0.1:8888", "ip quic v4 10.0.0.1:8888 fixed 8888" },
	{ BIND, "quic6@::1:8888", "ip quic v6 [::1]:8888 fixed 8888" },
	{ BIND, "quic+ipv4@10.0.0.1:8888", "ip quic v4 10.0.0.1:8888 fixed 8888" },
	{ BIND, "stream+ipv4@1.2.3.4:80", "ip stream v4 1.2.3.4:80 fixed 80" },
	{ BIND, "stream+tcp4@1.2.3.4:80", "ip stream v4 1.2.3.4:80 fixed 80" },
	{ BIND, "stream+fd@7", "fd stream 7" },
	{ BIND, "fd@3", "fd 3" },
	{ BIND, "sockpair@9", "sockpair stream 9" },
	{ BIND, "/run/weir.sock", "unix /run/weir.sock" },
	{ BIND, "/run/a@b:80", "unix /run/a@b:80" },
	{ BIND, "unix@ssl-frontend.sock", "unix ssl-frontend.sock" },
	{ BIND, "uxst@/run/x", "unix stream /run/x" },
	{ BIND, "stream+unix@/run/x", "unix stream /run/x" },
	{ BIND, "abns@name", "abstract abns@name" },
	{ BIND, "abnsz@name", "abstract abnsz@name" },
	{ SERVER, "127.0.0.1", "ip 127.0.0.1:0" },
	{ SERVER, "127.0.0.1:", "ip 127.0.0.1:0" },
	{ SERVER, "127.0.0.1:0", "ip 127.0.0.1:0" },
	{ SERVER, "127.0.0.1:080", "ip 127.0.0.1:80 fixed 80" },
	{ SERVER, "127.0.0.1:+80", "ip 127.0.0.1:0 plus 80" },
	{ SERVER, "127.0.0.1:-80", "ip 127.0.0.1:0 minus 80" },
	{ SERVER, "127.0.0.1:+0", "ip 127.0.0.1:0 plus 0" },
	{ SERVER, "[::1]", "ip [::1]:0" },
	{ SERVER, "[1.2.3.4]:80", "ip 1.2.3.4:80 fixed 80" },
	{ SERVER, "*", "ip 0.0.0.0:0" },
	{ SERVER, "*:+1", "ip 0.0.0.0:0 plus 1" },
	{ SERVER, "ipv4@", "ip v4 0.0.0.0:0" },
	{ SERVER, "ipv6@", "ip v6 [::]:0" },
	{ SERVER, "www.example.com", "ip www.example.com" },
	{ SERVER, "www.example.com:+8", "ip www.example.com plus 8" },
	{ SERVER, "ipv6@www.example.com:80", "ip v6 www.example.com fixed 80" },
	{ SERVER, "127.1:80", "ip 127.1 fixed 80" },
	{ LOG, "udp@127.0.0.1:514", "ip dgram 127.0.0.1:514 fixed 514" },
	{ LOG, "udp4@127.0.0.1:514", "ip dgram v4 127.0.0.1:514 fixed 514" },
	{ LOG, "udp6@::1:514", "ip dgram v6 [::1]:514 fixed 514" },
	{ LOG, "dgram+ip@127.0.0.1", "ip dgram 127.0.0.1:0" },
	{ LOG, "uxdg@/dev/log", "unix dgram /dev/log" },
	{ LOG, "dgram+fd@1", "fd dgram 1" },
	{ PLAIN, "1.2.3.4", "ip 1.2.3.4:0" },
	{ PLAIN, "2001:db8::80", "ip [2001:db8::80]:0" },
	{ PLAIN, "[::1]", "ip [::1]:0" },
};

static void every_documented_form_is_understood(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct net_spec spec;
		char err[256] = "", got[256];
		if (net_spec_parse(slice_str(good[i].text), good[i].allow, &spec, err, sizeof(err)))
			fail_msg("%s: %s", good[i].text, err);
		describe(&spec, got, sizeof(got));
		if (strcmp(got, good[i].want) != 0)
			fail_msg("%s: got '%s', want '%s'", good[i].text, got, good[i].want);
	}
}

static const struct {
	unsigned allow;
	const char *text;
	const char *err;
} bad[] = {
	{ BIND, "127.0.0.1", "missing port specification in '127.0.0.1'" },
	{ BIND, "127.0.0.1:", "missing port specification in '127.0.0.1:'" },
	{ BIND, "*", "missing port specification in '*'" },
	{ BIND, "", "missing port specification in ''" },
	{ BIND, "[::1]", "missing port specification in '[::1]'" },
	{ BIND, "127.0.0.1:0", "invalid port '0' in '127.0.0.1:0'" },
	{ BIND, "127.0.0.1:65536", "invalid port '65536' in '127.0.0.1:65536'" },
	{ BIND, "127.0.0.1:99999999999999999999",
	    "invalid port '99999999999999999999' in '127.0.0.1:99999999999999999999'" },
	{ BIND, "127.0.0.1:8x", "invalid character 'x' in port number '8x' in '127.0.0.1:8x'" },
	{ BIND, "127.0.0.1: 80", "invalid character ' ' in port number ' 80' in '127.0.0.1: 80'" },
	{ BIND, "*:90-80", "invalid port range '90-80' in '*:90-80'" },
	{ BIND, "*:0-80", "invalid port range '0-80' in '*:0-80'" },
	{ BIND, "*:80-", "invalid port '' in '*:80-'" },
	{ BIND, "*:80-90-100", "invalid character '-' in port number '90-100' in '*:80-90-100'" },
	{ BIND, "*:+80", "port offset not permitted here in '*:+80'" },
	{ BIND, "*:-80", "port offset not permitted here in '*:-80'" },
	{ BIND, "::1",
	    "invalid address: ':' (an IPv6 address without port needs brackets) in '::1'" },
	{ BIND, "[::1]80", "invalid character ']' in port number '1]80' in '[::1]80'" },
	{ BIND, "[::1:80", "invalid address: '[::1' in '[::1:80'" },
	{ BIND, "[]:80", "invalid address: '[]' in '[]:80'" },
	{ BIND, "1.2.3.4.5!:80", "invalid address: '1.2.3.4.5!' in '1.2.3.4.5!:80'" },
	{ BIND, "ipv4@::1:80", "'::1' is not an IPv4 address in 'ipv4@::1:80'" },
	{ BIND, "ipv6@127.0.0.1:80", "'127.0.0.1' is not an IPv6 address in 'ipv6@127.0.0.1:80'" },
	{ BIND, "udp@127.0.0.1:80", "dgram-type address not acceptable in 'udp@127.0.0.1:80'" },
	{ BIND, "uxdg@/run/x", "dgram-type address not acceptable in 'uxdg@/run/x'" },
	{ BIND, "foo@127.0.0.1:80", "unknown address prefix 'foo@' in 'foo@127.0.0.1:80'" },
	{ BIND, "IPV4@127.0.0.1:80", "unknown address prefix 'IPV4@' in 'IPV4@127.0.0.1:80'" },
	{ BIND, "fd@", "file descriptor '' is not a valid integer in 'fd@'" },
	{ BIND, "fd@-1", "file descriptor '-1' is not a valid integer in 'fd@-1'" },
	{ BIND, "fd@99999999999",
	    "file descriptor '99999999999' is not a valid integer in 'fd@99999999999'" },
	{ BIND, "unix@", "missing socket path in 'unix@'" },
	{ BIND, "abns@", "missing abstract socket name in 'abns@'" },
	{ LOG, "stream+udp@1.2.3.4", "contradictory socket types in 'stream+udp@1.2.3.4'" },
	{ LOG, "dgram+tcp@1.2.3.4", "contradictory socket types in 'dgram+tcp@1.2.3.4'" },
	{ LOG, "dgram+quic4@1.2.3.4", "contradictory socket types in 'dgram+quic4@1.2.3.4'" },
	{ SERVER, "127.0.0.1:80-82", "port range not permitted here in '127.0.0.1:80-82'" },
	{ SERVER, "127.0.0.1:+70000", "invalid port '70000' in '127.0.0.1:+70000'" },
	{ SERVER, "127.0.0.1:+", "invalid port '' in '127.0.0.1:+'" },
	{ SERVER, "fd@3", "a file descriptor is not acceptable here in 'fd@3'" },
	{ SERVER, "fe80::1",
	    "invalid address: 'fe80:' (an IPv6 address without port needs brackets) in 'fe80::1'" },
	{ PLAIN, "1.2.3.4:80", "port specification not permitted here in '1.2.3.4:80'" },
	{ PLAIN, "www.example.com", "invalid address: 'www.example.com' in 'www.example.com'" },
	{ PLAIN, "/run/x", "a unix socket is not acceptable here in '/run/x'" },
};

static void every_error_names_what_is_wrong(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct net_spec spec;
		char err[256] = "";
		int r =
		    net_spec_parse(slice_str(bad[i].text), bad[i].allow, &spec, err, sizeof(err));
		if (r != -EINVAL || strcmp(err, bad[i].err) != 0)
			fail_msg("%s: %d '%s', want '%s'", bad[i].text, r, err, bad[i].err);
	}
}

static void unix_paths_reach_the_kernels_limit_and_not_beyond(void **state)
{
	char path[110], err[256];
	struct net_spec spec;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_int_equal(net_spec_parse(slice_make(path, 107), BIND, &spec, err, sizeof(err)), 0);
	assert_int_equal(spec.addr.len, sizeof(struct sockaddr_un));
	assert_int_equal(
	    net_spec_parse(slice_make(path, 108), BIND, &spec, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "socket path too long (max 107)"));
}

static void abstract_names_are_padded_only_for_abns(void **state)
{
	struct net_spec padded, tight;
	char err[64];
	assert_int_equal(net_spec_parse(SLICE("abns@ab"), BIND, &padded, err, sizeof(err)), 0);
	assert_int_equal(net_spec_parse(SLICE("abnsz@ab"), BIND, &tight, err, sizeof(err)), 0);
	assert_int_equal(padded.addr.len, sizeof(struct sockaddr_un));
	assert_int_equal(tight.addr.len, offsetof(struct sockaddr_un, sun_path) + 3);
	assert_memory_equal(tight.addr.un.sun_path, "\0ab", 4);
	assert_false(net_addr_eq(&padded.addr, &tight.addr));
}

static struct net_addr ip(const char *text, unsigned port)
{
	struct net_addr a;
	if (net_ip_parse(slice_str(text), &a) < 0)
		fail_msg("%s", text);
	net_addr_set_port(&a, port);
	return a;
}

static void numeric_addresses_are_strict(void **state)
{
	static const char *const wrong[] = { "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1",
		"[::1]", "::1:", ":::", "1.2.3.4%lo", "::1%", "::1%nosuchif0", "g::", "1.2.3.4 " };
	struct net_addr a;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (net_ip_parse(slice_str(wrong[i]), &a) != -EINVAL)
			fail_msg("'%s' was taken", wrong[i]);
	}
	assert_int_equal(net_ip_parse(slice_make("1.2.3.4\0", 8), &a), -EINVAL);
	assert_int_equal(net_ip_parse(SLICE("fe80::1%lo"), &a), 0);
	assert_int_equal(a.in6.sin6_scope_id, 1);
}

static void texts_match_the_libc_for_all_octets(void **state)
{
	char ours[NET_ADDR_TEXT], theirs[INET_ADDRSTRLEN];
	for (unsigned octet = 0; octet < 256; octet++) {
		struct net_addr a = ip("0.0.0.0", 0);
		uint8_t bytes[4] = { (uint8_t)octet, 10, (uint8_t)(255 - octet), (uint8_t)octet };
		memcpy(&a.in.sin_addr, bytes, 4);
		inet_ntop(AF_INET, bytes, theirs, sizeof(theirs));
		assert_string_equal(net_addr_text(&a, ours), theirs);
	}
	struct net_addr longest = ip("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535);
	assert_string_equal(
	    net_addr_text_port(&longest, ours), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void local_and_missing_addresses_have_texts(void **state)
{
	char out[NET_ADDR_TEXT];
	struct net_addr none = { .len = 0 };
	struct net_addr local = { .len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX };
	struct net_peer peer;
	assert_string_equal(net_addr_text(&none, out), "-");
	assert_string_equal(net_addr_text_port(&none, out), "-");
	assert_string_equal(net_addr_text(&local, out), "unix");
	assert_string_equal(net_addr_text_port(&local, out), "unix");
	net_peer_from_addr(&peer, &local);
	assert_string_equal(net_peer_text(&peer, out), "unix");
	assert_int_equal(net_peer_port(&peer), 0);
}

static void an_end_survives_the_way_through_its_small_form(void **state)
{
	static const char *const texts[] = { "1.2.3.4", "2001:db8::1" };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct net_addr a = ip(texts[i], 4711), b;
		struct net_peer p;
		net_peer_from_addr(&p, &a);
		assert_int_equal(net_peer_port(&p), 4711);
		net_addr_from_peer(&b, &p);
		assert_true(net_addr_eq(&a, &b));
		assert_int_equal(a.len, b.len);
		net_addr_set_port(&b, 4712);
		assert_false(net_addr_eq(&a, &b));
	}
}

static void any_is_told_from_addresses(void **state)
{
	struct net_addr any4 = ip("0.0.0.0", 80), any6 = ip("::", 80), lo = ip("127.0.0.1", 80);
	assert_true(net_addr_is_any(&any4));
	assert_true(net_addr_is_any(&any6));
	assert_false(net_addr_is_any(&lo));
	assert_false(net_addr_eq(&any4, &any6));
}

static void names_resolve_and_keep_the_port(void **state)
{
	struct net_spec spec;
	struct net_addr a;
	char err[64];
	assert_int_equal(
	    net_spec_parse(SLICE("ipv4@localhost:81"), SERVER, &spec, err, sizeof(err)), 0);
	assert_int_equal(net_resolve(&spec, &a), 0);
	assert_int_equal(a.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(net_addr_port(&a), 81);
	assert_int_equal(net_spec_parse(SLICE("127.0.0.1:82"), SERVER, &spec, err, sizeof(err)), 0);
	assert_int_equal(net_resolve(&spec, &a), 0);
	assert_int_equal(net_addr_port(&a), 82);
	assert_int_equal(net_spec_parse(SLICE("-.invalid:82"), SERVER, &spec, err, sizeof(err)), 0);
	assert_int_equal(net_resolve(&spec, &a), -ENOENT);
}

static const struct {
	const char *net, *ip;
	bool has;
} networks[] = {
	{ "10.0.0.0/8", "10.255.0.1", true },
	{ "10.0.0.0/8", "11.0.0.1", false },
	{ "10.0.0.12/8", "10.1.1.1", true },
	{ "10.0.0.0/255.0.0.0", "10.1.1.1", true },
	{ "10.0.0.0/255.0.0.0", "11.1.1.1", false },
	{ "192.168.1.128/25", "192.168.1.127", false },
	{ "192.168.1.128/25", "192.168.1.255", true },
	{ "1.2.3.4", "1.2.3.4", true },
	{ "1.2.3.4", "1.2.3.5", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "192.168.1", "192.168.0.1", true },
	{ "10.12/8", "10.200.0.0", true },
	{ "127.1/32", "127.0.0.1", true },
	{ "::1", "::1", true },
	{ "::1", "::2", false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "10.0.0.0/8", "::ffff:10.0.0.1", true },
	{ "10.0.0.0/8", "::10.0.0.1", true },
	{ "10.0.0.0/8", "2002:a00:1::5", true },
	{ "10.0.0.0/8", "64:ff9b::10.0.0.1", false },
	{ "0.0.0.1", "::1", true },
	{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
	{ "::ffff:10.0.0.0/104", "11.1.2.3", false },
	{ "::/96", "10.1.2.3", false },
};

static void networks_match_across_the_families(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(networks); i++) {
		struct net_cidr c;
		struct net_peer p;
		struct net_addr a = ip(networks[i].ip, 0);
		net_peer_from_addr(&p, &a);
		assert_int_equal(net_cidr_parse(slice_str(networks[i].net), &c), 0);
		if (net_cidr_has(&c, &p) != networks[i].has)
			fail_msg("%s in %s", networks[i].ip, networks[i].net);
	}
	struct net_cidr all;
	struct net_peer local = { .sa.sa_family = AF_UNIX };
	assert_int_equal(net_cidr_parse(SLICE("0.0.0.0/0"), &all), 0);
	assert_false(net_cidr_has(&all, &local));
	assert_int_equal(net_cidr_parse(SLICE("::/0"), &all), 0);
	assert_false(net_cidr_has(&all, &local));
}

static void bad_networks_are_refused(void **state)
{
	static const char *const wrong[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129",
		"10.0.0.0/8/9", "10.0.0.0/255.0.255.0", "::/255.0.0.0", "010.0.0.1", "10.0.0.0.0",
		"10..1", "10.256", "host", "10.0.0.0/-1", "10.", ".1" };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct net_cidr c;
		if (net_cidr_parse(slice_str(wrong[i]), &c) != -EINVAL)
			fail_msg("'%s' was taken", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_documented_form_is_understood),
		cmocka_unit_test(every_error_names_what_is_wrong),
		cmocka_unit_test(unix_paths_reach_the_kernels_limit_and_not_beyond),
		cmocka_unit_test(abstract_names_are_padded_only_for_abns),
		cmocka_unit_test(numeric_addresses_are_strict),
		cmocka_unit_test(texts_match_the_libc_for_all_octets),
		cmocka_unit_test(local_and_missing_addresses_have_texts),
		cmocka_unit_test(an_end_survives_the_way_through_its_small_form),
		cmocka_unit_test(any_is_told_from_addresses),
		cmocka_unit_test(names_resolve_and_keep_the_port),
		cmocka_unit_test(networks_match_across_the_families),
		cmocka_unit_test(bad_networks_are_refused),
	};
	return cmocka_run_group_tests_name("net/addr", tests, NULL, NULL);
}
