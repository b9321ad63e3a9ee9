/* SPDX-License-Identifier: MIT */
/*
 * Fetches of connections: addresses before and after rules, what the kernel measures, TLVs of the PROXY protocol,
 * timers of the record.
 */
#include "fixture.h"

#include <netinet/tcp.h>

struct row {
	const char *expr, *value;
};

static void check_rows(struct fixture *f, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = fx_eval(f, rows[i].expr);
		if (strcmp(got, rows[i].value) != 0)
			fail_msg("%s gives %s, not %s", rows[i].expr, got, rows[i].value);
	}
}

/* A connection over the loopback interface: the client's end in pair[0], ours in pair[1]. */
static void connect_pair(int pair[2], bool save_syn)
{
	struct net_peer addr;
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	fx_peer(&addr, "127.0.0.1", 0);
	if (save_syn)
		assert_int_equal(
		    setsockopt(listener, IPPROTO_TCP, TCP_SAVE_SYN, &(int){ 1 }, sizeof(int)), 0);
	assert_int_equal(bind(listener, &addr.sa, sizeof(addr.in)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, &addr.sa, &len), 0);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(pair[0], &addr.sa, len), 0);
	pair[1] = accept(listener, NULL, NULL);
	assert_true(pair[1] >= 0);
	close(listener);
}

static void addresses_are_told_apart(void **state)
{
	struct fixture f;
	fx_new(&f);
	static const struct row rows[] = {
		{ "src", "10.1.2.3" },
		{ "src_port", "40000" },
		{ "dst", "10.9.9.9" },
		{ "dst_port", "80" },
		{ "fc_src", "10.1.2.4" },
		{ "fc_src_port", "40001" },
		{ "fc_dst", "10.9.9.8" },
		{ "fc_dst_port", "81" },
	};
	check_rows(&f, rows, ARRAY_SIZE(rows));
	fx_free(&f);
}

static void local_addresses_are_known(void **state)
{
	struct fixture f;
	static const struct row here[] = { { "src_is_local", "1" }, { "dst_is_local", "0" },
		{ "fc_src_is_local", "1" }, { "fc_dst_is_local", "0" } };
	static const struct row there[] = { { "src_is_local", "0" }, { "dst_is_local", "1" },
		{ "fc_src_is_local", "0" }, { "fc_dst_is_local", "1" } };
	fx_new(&f);
	fx_peer(&f.src, "127.0.0.1", 1);
	fx_peer(&f.fc_src, "127.200.0.9", 1);
	fx_peer(&f.dst, "198.51.100.77", 1);
	fx_peer(&f.fc_dst, "2001:db8::1", 1);
	check_rows(&f, here, ARRAY_SIZE(here));
	fx_peer(&f.src, "198.51.100.77", 1);
	fx_peer(&f.fc_src, "203.0.113.77", 1);
	fx_peer(&f.dst, "127.0.0.1", 1);
	fx_peer(&f.fc_dst, "127.0.0.2", 1);
	check_rows(&f, there, ARRAY_SIZE(there));
	fx_free(&f);
}

static void the_servers_ends_are_asked_of_the_kernel(void **state)
{
	struct fixture f;
	struct net_peer own, other;
	socklen_t len = sizeof(own);
	int pair[2];
	static const struct row nothing[] = { { "bc_src", "<none>" }, { "bc_dst", "<none>" },
		{ "bc_src_port", "<none>" }, { "bc_dst_port", "<none>" }, { "bc_rtt", "<none>" },
		{ "fc_rtt", "<none>" }, { "fc_saved_syn", "<none>" } };
	fx_new(&f);
	f.where = f.cx.at = RULE_AT_RES_HTTP;
	check_rows(&f, nothing, ARRAY_SIZE(nothing));
	connect_pair(pair, false);
	f.server_fd = pair[0];
	assert_int_equal(getsockname(pair[0], &own.sa, &len), 0);
	assert_int_equal(getpeername(pair[0], &other.sa, &len), 0);
	assert_string_equal(fx_eval(&f, "bc_src"), "127.0.0.1");
	assert_string_equal(fx_eval(&f, "bc_dst"), "127.0.0.1");
	assert_int_equal(strtoll(fx_eval(&f, "bc_src_port"), NULL, 10), net_peer_port(&own));
	assert_int_equal(strtoll(fx_eval(&f, "bc_dst_port"), NULL, 10), net_peer_port(&other));
	close(pair[0]);
	close(pair[1]);
	fx_free(&f);
}

static void the_kernel_measures_round_trips(void **state)
{
	struct fixture f;
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int pair[2];
	fx_new(&f);
	f.where = f.cx.at = RULE_AT_RES_HTTP;
	connect_pair(pair, false);
	f.client_fd = f.server_fd = pair[1];
	assert_int_equal(getsockopt(pair[1], IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	const struct {
		const char *expr;
		unsigned value;
	} rows[] = {
		{ "fc_rtt(us)", info.tcpi_rtt },
		{ "fc_rtt(ms)", info.tcpi_rtt / 1000 },
		{ "fc_rtt", info.tcpi_rtt / 1000 },
		{ "fc_rttvar(us)", info.tcpi_rttvar },
		{ "bc_rtt(us)", info.tcpi_rtt },
		{ "bc_rttvar(us)", info.tcpi_rttvar },
		{ "fc_unacked", info.tcpi_unacked },
		{ "fc_sacked", info.tcpi_sacked },
		{ "fc_lost", info.tcpi_lost },
		{ "fc_retrans", info.tcpi_retrans },
		{ "fc_fackets", info.tcpi_fackets },
		{ "fc_reordering", info.tcpi_reordering },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(strtoll(fx_eval(&f, rows[i].expr), NULL, 10), rows[i].value);
	assert_true(info.tcpi_reordering > 0);
	assert_non_null(strstr(fx_read(&f, "expr fc_rtt(s)"), "neither 'ms' nor 'us'"));
	close(pair[0]);
	close(pair[1]);
	fx_free(&f);
}

static void a_saved_syn_is_read_once(void **state)
{
	struct fixture f;
	int pair[2];
	fx_new(&f);
	connect_pair(pair, true);
	f.client_fd = pair[1];
	const char *syn = fx_eval(&f, "fc_saved_syn,hex");
	assert_int_equal(syn[0], '4');			  /* IPv4 */
	assert_non_null(strstr(syn, "7F0000017F000001")); /* addresses */
	assert_string_equal(fx_eval(&f, "fc_saved_syn,hex"), "<none>");
	close(pair[0]);
	close(pair[1]);
	fx_free(&f);
}

static void values_of_a_proxy_header(void **state)
{
	struct fixture f;
	static const struct row rows[] = {
		{ "fc_pp_authority", "a.example" },
		{ "fc_pp_unique_id", "id-1" },
		{ "fc_pp_tlv(AUTHORITY)", "a.example" },
		{ "fc_pp_tlv(2)", "a.example" },
		{ "fc_pp_tlv(0x05)", "id-1" },
		{ "fc_pp_tlv(UNIQUE_ID)", "id-1" },
		{ "fc_pp_tlv(224)", "x" },
		{ "fc_pp_tlv(ALPN)", "<none>" },
		{ "fc_pp_tlv(255)", "" },
	};
	fx_new(&f);
	f.tlvs = SLICE("\x02\x00\x09"
		       "a.example"
		       "\x05\x00\x04id-1\xe0\x00\x01x\xe0\x00\x01y\xff\x00\x00");
	check_rows(&f, rows, ARRAY_SIZE(rows));
	assert_int_equal(fx_test(&f, "if { fc_pp_tlv(224) y }"), 1);
	assert_int_equal(fx_test(&f, "if { fc_pp_tlv(224) z }"), 0);
	assert_non_null(strstr(fx_read(&f, "expr fc_pp_tlv(256)"), "neither a number"));
	assert_non_null(strstr(fx_read(&f, "expr fc_pp_tlv(NAME)"), "neither a number"));
	fx_free(&f);
}

/* Longer values are refused by the manual. */
static void long_values_of_a_proxy_header_are_none(void **state)
{
	static char tlv[3 + 1025] = "\xe0\x04\x01";
	struct fixture f;
	fx_new(&f);
	f.tlvs = slice_make(tlv, sizeof(tlv));
	assert_string_equal(fx_eval(&f, "fc_pp_tlv(224)"), "<none>");
	tlv[2] = 0;
	f.tlvs.len--;
	assert_string_equal(fx_eval(&f, "fc_pp_tlv(224),length"), "1024");
	fx_free(&f);
}

static void timers_are_those_of_the_log(void **state)
{
	struct fixture f;
	static const struct row rows[] = {
		{ "fc.timer.handshake", "1" },
		{ "req.timer.idle", "2" },
		{ "req.timer.hdr", "4" },
		{ "req.timer.tq", "7" },
		{ "req.timer.queue", "8" },
		{ "bc.timer.connect", "16" },
		{ "res.timer.hdr", "32" },
		{ "res.timer.data", "64" },
		{ "txn.timer.total", "124" },
		{ "txn.timer.user", "125" },
		{ "fc.timer.total", "127" },
	};
	fx_new(&f);
	f.where = f.cx.at = RULE_AT_LOG;
	f.record.http = true;
	f.record.t = (struct record_times){ .accept = 1000000,
		.handshake = 1001000,
		.idle_end = 1003000,
		.request = 1007000,
		.queue = 1015000,
		.connected = 1031000,
		.response = 1063000,
		.close = 1127000 };
	check_rows(&f, rows, ARRAY_SIZE(rows));
	f.record.t.response = 0;
	assert_string_equal(fx_eval(&f, "res.timer.hdr"), "-1");
	fx_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_told_apart),
		cmocka_unit_test(local_addresses_are_known),
		cmocka_unit_test(the_servers_ends_are_asked_of_the_kernel),
		cmocka_unit_test(the_kernel_measures_round_trips),
		cmocka_unit_test(a_saved_syn_is_read_once),
		cmocka_unit_test(values_of_a_proxy_header),
		cmocka_unit_test(long_values_of_a_proxy_header_are_none),
		cmocka_unit_test(timers_are_those_of_the_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
