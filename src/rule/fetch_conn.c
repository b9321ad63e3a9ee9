/* SPDX-License-Identifier: MIT */
/*
 * Fetches of the connections with the client and the server: addresses, what the kernel measures, what a PROXY header
 * brought, errors (configuration manual 7.3.3).
 */
#include <arpa/inet.h>

#include "tables.h"
#include "weir/net/proxy_proto.h"
#include "weir/net/socket.h"

#define SAVED_SYN_MAX 1024 /* headers of Ethernet, IPv6 and TCP with all options need far less */
#define PP_TLV_MAX    1024 /* longer values are no values, as the manual says */

/* Which peer a row is about. */
enum peer {
	PEER_SRC, /* as rules may have changed it */
	PEER_DST,
	PEER_FC_SRC, /* as it came in */
	PEER_FC_DST,
	PEER_BC_SRC, /* our end towards the server */
	PEER_BC_DST,
};

static int conn_fd(const struct rule_ctx *cx, bool server)
{
	return cx->host && cx->host->fd ? cx->host->fd(cx->stream, server) : -1;
}

/* room: for addresses that the kernel is asked for. NULL: unknown. */
static const struct net_peer *peer_of(
    const struct rule_ctx *cx, uintptr_t which, struct net_peer *room)
{
	const struct rule_host *host = cx->host;
	int fd;
	switch ((enum peer)which) {
	case PEER_SRC:
		return cx->src;
	case PEER_DST:
		return host && host->dst ? host->dst(cx->stream) : NULL;
	case PEER_FC_SRC:
	case PEER_FC_DST:
		return host && host->fc_peer ? host->fc_peer(cx->stream, which == PEER_FC_DST)
					     : NULL;
	case PEER_BC_SRC:
		fd = conn_fd(cx, true);
		return fd >= 0 && net_local_peer(fd, room) == 0 ? room : NULL;
	case PEER_BC_DST:
		fd = conn_fd(cx, true);
		return fd >= 0 && net_remote_peer(fd, room) == 0 ? room : NULL;
	}
	return NULL;
}

static bool fetch_addr(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct net_peer room;
	return ret_peer_ip(ret, peer_of(cx, data, &room));
}

static bool fetch_port(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct net_peer room;
	const struct net_peer *peer = peer_of(cx, data, &room);
	unsigned port = peer ? net_peer_port(peer) : 0;
	return port && ret_int(ret, port);
}

static bool fetch_is_local(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct net_peer room;
	const struct net_peer *peer = peer_of(cx, data, &room);
	return peer && ret_bool(ret, net_is_local(peer));
}

/* ---- what the kernel measures ---- */

#define OF_SERVER  0x100u
#define FIELD_MASK 0xffu

static bool tcp_info(struct rule_ctx *cx, uintptr_t data, unsigned *ret)
{
	struct net_tcp_info info;
	int fd = conn_fd(cx, data & OF_SERVER);
	if (fd < 0 || net_tcp_info(fd, &info) < 0)
		return false;
	memcpy(ret, (const char *)&info + (data & FIELD_MASK), sizeof(*ret));
	return true;
}

static bool fetch_info(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned value;
	return tcp_info(cx, data, &value) && ret_int(ret, value);
}

static int check_rtt(const struct arg_place *at, struct args *args)
{
	const char *unit = args_has(args, 0) ? args->v[0].str.ptr : "ms";
	if (strcmp(unit, "ms") == 0 || strcmp(unit, "us") == 0)
		return 0;
	conf_error(
	    at->conf, at->line, at->arg, "%s: unit '%s' is neither 'ms' nor 'us'", at->what, unit);
	return -1;
}

/* The kernel counts microseconds. */
static bool fetch_rtt(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned us;
	bool micro = args_has(args, 0) && args->v[0].str.ptr[0] == 'u';
	return tcp_info(cx, data, &us) && ret_int(ret, micro ? us : us / 1000);
}

/* The kernel gives it away once. */
static bool fetch_syn(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	char syn[SAVED_SYN_MAX];
	int fd = conn_fd(cx, false);
	size_t len = fd >= 0 ? net_saved_syn(fd, syn, sizeof(syn)) : 0;
	return len && ret_bin(ret, arena_slice(cx->arena, slice_make(syn, len)));
}

/* ---- PROXY protocol ---- */

static const struct {
	const char *name;
	unsigned type;
} tlv_names[] = {
	{ "ALPN", PP2_TYPE_ALPN },
	{ "AUTHORITY", PP2_TYPE_AUTHORITY },
	{ "CRC32", PP2_TYPE_CRC32C },
	{ "NOOP", PP2_TYPE_NOOP },
	{ "UNIQUE_ID", PP2_TYPE_UNIQUE_ID },
	{ "SSL", PP2_TYPE_SSL },
	{ "SSL_VERSION", 0x21 },
	{ "SSL_CN", 0x22 },
	{ "SSL_CIPHER", 0x23 },
	{ "SSL_SIG_ALG", 0x24 },
	{ "SSL_KEY_ALG", 0x25 },
	{ "NETNS", PP2_TYPE_NETNS },
};

static int check_tlv(const struct arg_place *at, struct args *args)
{
	const char *word = args->v[0].str.ptr;
	char *end;
	for (size_t i = 0; i < ARRAY_SIZE(tlv_names); i++) {
		if (strcmp(word, tlv_names[i].name) == 0) {
			args->v[0].num = tlv_names[i].type;
			return 0;
		}
	}
	unsigned long type = strtoul(word, &end, 0);
	if (ascii_is_digit(*word) && !*end && type <= 255) {
		args->v[0].num = (int64_t)type;
		return 0;
	}
	conf_error(at->conf, at->line, at->arg,
	    "%s: '%s' is neither a number from 0 to 255 nor the name of a TLV such as AUTHORITY",
	    at->what, word);
	return -1;
}

static bool next_tlv(struct slice *rest, unsigned type, struct slice *ret)
{
	if (!rest->ptr || !pp_tlv_find(*rest, type, ret))
		return false;
	*rest =
	    slice_make(ret->ptr + ret->len, (size_t)(rest->ptr + rest->len - ret->ptr) - ret->len);
	return ret->len <= PP_TLV_MAX;
}

static bool fetch_tlv(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice rest = walk && walk->at ? walk->rest : ctx_name(cx, "fc_pp_tlvs"), value;
	if (!next_tlv(&rest, (unsigned)args->v[0].num, &value))
		return false;
	if (walk) {
		walk->at = 1;
		walk->rest = rest;
		walk->more = rest.len > 0;
	}
	return ret_str(ret, value);
}

/* data: the type. The first one counts. */
static bool fetch_one_tlv(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	struct slice rest = ctx_name(cx, "fc_pp_tlvs"), value;
	return next_tlv(&rest, (unsigned)data, &value) && ret_str(ret, value);
}

/* ---- what the layer above knows; data: the name ---- */

static bool gauge(const struct rule_ctx *cx, uintptr_t data, int64_t *ret)
{
	if (!cx->host || !cx->host->gauge)
		return false;
	*ret = cx->host->gauge(cx->stream, (const char *)data, "");
	return *ret != RULE_GAUGE_NONE;
}

static bool fetch_gauge(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	int64_t value;
	return gauge(cx, data, &value) && ret_int(ret, value);
}

static bool fetch_flag(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	int64_t value;
	return gauge(cx, data, &value) && ret_bool(ret, value != 0);
}

static bool fetch_text(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_str(ret, ctx_name(cx, (const char *)data));
}

#define AT_SERVER   (AT_RES | RULE_AT_LOG)
#define INFO(field) offsetof(struct net_tcp_info, field)

#define ROW(keyword, type, where, fn, number, text)                                                \
	{                                                                                          \
		.name = keyword, .out = type, .at = where, .eval = fn,                             \
		.data = (uintptr_t)(number), .help = text                                          \
	}
#define RTT(keyword, where, number, text)                                                          \
	{                                                                                          \
		.name = keyword, .out = SMP_SINT, .args = { ARG_STR }, .at = where,                \
		.eval = fetch_rtt, .data = number, .check = check_rtt, .usage = "[<unit>]",        \
		.help = text                                                                       \
	}

const struct fetch_row fetch_conn_rows[] = {
	ROW("src", SMP_IPV4, AT_STREAM, fetch_addr, PEER_SRC, "address of the client"),
	ROW("src_port", SMP_SINT, AT_STREAM, fetch_port, PEER_SRC, "port of the client"),
	ROW("src_is_local", SMP_BOOL, AT_STREAM, fetch_is_local, PEER_SRC,
	    "whether this host has the client's address"),
	ROW("fc_src", SMP_IPV4, AT_STREAM, fetch_addr, PEER_FC_SRC,
	    "address of the client as it came in"),
	ROW("fc_src_port", SMP_SINT, AT_STREAM, fetch_port, PEER_FC_SRC,
	    "port of the client as it came in"),
	ROW("fc_src_is_local", SMP_BOOL, AT_STREAM, fetch_is_local, PEER_FC_SRC,
	    "whether this host has the address fc_src"),
	ROW("dst", SMP_IPV4, AT_STREAM, fetch_addr, PEER_DST, "address the client connected to"),
	ROW("dst_port", SMP_SINT, AT_STREAM, fetch_port, PEER_DST, "port the client connected to"),
	ROW("dst_is_local", SMP_BOOL, AT_STREAM, fetch_is_local, PEER_DST,
	    "whether this host has the address the client connected to"),
	ROW("fc_dst", SMP_IPV4, AT_STREAM, fetch_addr, PEER_FC_DST,
	    "address the client connected to, as it came in"),
	ROW("fc_dst_port", SMP_SINT, AT_STREAM, fetch_port, PEER_FC_DST,
	    "port the client connected to, as it came in"),
	ROW("fc_dst_is_local", SMP_BOOL, AT_STREAM, fetch_is_local, PEER_FC_DST,
	    "whether this host has the address fc_dst"),
	ROW("bc_src", SMP_IPV4, AT_SERVER, fetch_addr, PEER_BC_SRC,
	    "own address of the connection to the server"),
	ROW("bc_src_port", SMP_SINT, AT_SERVER, fetch_port, PEER_BC_SRC,
	    "own port of the connection to the server"),
	ROW("bc_dst", SMP_IPV4, AT_SERVER, fetch_addr, PEER_BC_DST,
	    "address that was connected to for the server"),
	ROW("bc_dst_port", SMP_SINT, AT_SERVER, fetch_port, PEER_BC_DST,
	    "port that was connected to for the server"),
	RTT("fc_rtt", AT_STREAM, INFO(rtt_us), "round trip time of the client in ms, or us"),
	RTT("fc_rttvar", AT_STREAM, INFO(rttvar_us), "its variance in ms, or us"),
	ROW("fc_unacked", SMP_SINT, AT_STREAM, fetch_info, INFO(unacked),
	    "segments that the client has not acknowledged"),
	ROW("fc_sacked", SMP_SINT, AT_STREAM, fetch_info, INFO(sacked),
	    "segments that the client acknowledged out of order"),
	ROW("fc_retrans", SMP_SINT, AT_STREAM, fetch_info, INFO(retrans),
	    "segments that are being sent to the client again"),
	ROW("fc_fackets", SMP_SINT, AT_STREAM, fetch_info, INFO(fackets),
	    "the kernel's fack counter of the client's connection"),
	ROW("fc_lost", SMP_SINT, AT_STREAM, fetch_info, INFO(lost),
	    "segments to the client that are taken for lost"),
	ROW("fc_reordering", SMP_SINT, AT_STREAM, fetch_info, INFO(reordering),
	    "the kernel's reordering metric of the client's connection"),
	RTT("bc_rtt", AT_SERVER, OF_SERVER | INFO(rtt_us),
	    "round trip time of the server in ms, or us"),
	RTT("bc_rttvar", AT_SERVER, OF_SERVER | INFO(rttvar_us), "its variance in ms, or us"),
	ROW("fc_saved_syn", SMP_BIN, AT_STREAM, fetch_syn, 0,
	    "the client's SYN packet, once, with the bind option tcp-ss"),
	ROW("fc_rcvd_proxy", SMP_BOOL, AT_STREAM, fetch_flag, "fc_rcvd_proxy",
	    "whether the connection began with a PROXY header"),
	ROW("fc_pp_authority", SMP_STR, AT_STREAM, fetch_one_tlv, PP2_TYPE_AUTHORITY,
	    "authority in the PROXY header"),
	ROW("fc_pp_unique_id", SMP_STR, AT_STREAM, fetch_one_tlv, PP2_TYPE_UNIQUE_ID,
	    "unique identifier in the PROXY header"),
	{ .name = "fc_pp_tlv",
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .at = AT_STREAM,
	    .eval = fetch_tlv,
	    .check = check_tlv,
	    .usage = "<id>",
	    .help = "value of that type in the PROXY header; conditions look at each" },
	ROW("fc_err", SMP_SINT, AT_STREAM, fetch_gauge, "fc_err",
	    "number of the error of the client's connection, 0 without"),
	ROW("fc_err_name", SMP_STR, AT_STREAM, fetch_text, "fc_err_name", "its name"),
	ROW("fc_err_str", SMP_STR, AT_STREAM, fetch_text, "fc_err_str", "its text"),
	ROW("bc_err", SMP_SINT, AT_SERVER, fetch_gauge, "bc_err",
	    "number of the error of the last connection to a server, 0 without"),
	ROW("bc_err_name", SMP_STR, AT_SERVER, fetch_text, "bc_err_name", "its name"),
	ROW("bc_err_str", SMP_STR, AT_SERVER, fetch_text, "bc_err_str", "its text"),
	ROW("fc_http_major", SMP_SINT, AT_STREAM, fetch_gauge, "fc_http_major",
	    "major HTTP version of the client's connection"),
	ROW("bc_http_major", SMP_SINT, AT_SERVER, fetch_gauge, "bc_http_major",
	    "major HTTP version of the connection to the server"),
	ROW("fc_nb_streams", SMP_SINT, AT_STREAM, fetch_gauge, "fc_nb_streams",
	    "requests under way on the client's connection"),
	ROW("bc_nb_streams", SMP_SINT, AT_SERVER, fetch_gauge, "bc_nb_streams",
	    "requests under way on the connection to the server"),
	ROW("fc_settings_streams_limit", SMP_SINT, AT_STREAM, fetch_gauge,
	    "fc_settings_streams_limit", "how many requests it may carry at a time"),
	ROW("bc_settings_streams_limit", SMP_SINT, AT_SERVER, fetch_gauge,
	    "bc_settings_streams_limit", "how many requests it may carry at a time"),
	ROW("fc_glitches", SMP_SINT, AT_STREAM, fetch_gauge, "fc_glitches",
	    "oddities of the client's HTTP/2 connection, 0 with others"),
	ROW("bc_glitches", SMP_SINT, AT_SERVER, fetch_gauge, "bc_glitches",
	    "oddities of the server's HTTP/2 connection, 0 with others"),
	ROW("bc_reused", SMP_BOOL, AT_SERVER, fetch_flag, "bc_reused",
	    "whether the connection to the server had served before"),
	ROW("bc_be_queue", SMP_SINT, AT_SERVER, fetch_gauge, "bc_be_queue",
	    "requests ahead in the backend's queue"),
	ROW("bc_srv_queue", SMP_SINT, AT_SERVER, fetch_gauge, "bc_srv_queue",
	    "requests ahead in the server's queue"),
	{ .name = NULL },
};
