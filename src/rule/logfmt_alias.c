/* SPDX-License-Identifier: MIT */
/*
 * The aliases of log formats (configuration manual 8.2.6): one row each, reading the session's log record.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <unistd.h>

#include "logfmt.h"
#include "weir/net/socket.h"

/* ---- numbers and strings that lie in the record ---- */

static const char *field_at(const struct log_record *r, uintptr_t offset)
{
	return (const char *)r + offset;
}

static ALIAS(put_unsigned)
{
	unsigned value;
	memcpy(&value, field_at(r, data), sizeof(value));
	logfmt_number(o, opts, value);
}

static ALIAS(put_string)
{
	struct slice value;
	memcpy(&value, field_at(r, data), sizeof(value));
	logfmt_value(o, opts, value, MAP_ALL);
}

static void put_hex_number(struct logfmt_out *o, unsigned opts, uint64_t v)
{
	char text[24];
	if (!(opts & OPT_HEX)) {
		logfmt_number(o, opts, (int64_t)v);
		return;
	}
	int n = snprintf(text, sizeof(text), "%04llX", (unsigned long long)v);
	logfmt_plain(o, opts, slice_make(text, (size_t)n));
}

/* ---- addresses ---- */

#define END_CLIENT   0u
#define END_FRONTEND 1u
#define END_BACKEND  2u
#define END_SERVER   3u

/* An end of the connection to the server while it is open; the record has what a log line needs later. */
static const struct sockaddr *open_end(struct rule_ctx *cx, bool own, struct net_peer *room)
{
	int fd = cx->host && cx->host->fd ? cx->host->fd(cx->stream, true) : -1;
	if (fd < 0 || (own ? net_local_peer(fd, room) : net_remote_peer(fd, room)) < 0)
		return NULL;
	return &room->sa;
}

/* room: for addresses that the kernel is asked for. */
static const struct sockaddr *end_of(
    struct rule_ctx *cx, const struct log_record *r, uintptr_t which, struct net_peer *room)
{
	const struct net_peer *dst;
	switch (which) {
	case END_CLIENT:
		return cx->src ? &cx->src->sa : NULL;
	case END_FRONTEND:
		dst = cx->host && cx->host->dst ? cx->host->dst(cx->stream) : NULL;
		return dst ? &dst->sa : NULL;
	case END_BACKEND:
		return r->server_src ? r->server_src : open_end(cx, true, room);
	default:
		return r->server_addr ? r->server_addr : open_end(cx, false, room);
	}
}

/* n: 4 or 16 */
static void put_hex_bytes(struct logfmt_out *o, unsigned opts, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *b = bytes;
	char text[32];
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[b[i] >> 4];
		text[2 * i + 1] = digits[b[i] & 15];
	}
	logfmt_plain(o, opts, slice_make(text, 2 * n));
}

/* data: which end. */
static ALIAS(put_ip)
{
	struct net_peer room;
	const struct sockaddr *sa = end_of(cx, r, data, &room);
	const void *bytes = NULL;
	size_t size = 0;
	if (sa && sa->sa_family == AF_INET) {
		bytes = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
		size = 4;
	} else if (sa && sa->sa_family == AF_INET6) {
		bytes = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
		size = 16;
	}
	if (!bytes) {
		bool unix_socket = sa && sa->sa_family == AF_UNIX;
		logfmt_value(o, opts, unix_socket ? SLICE("unix") : SLICE_NULL, MAP_ALL);
		return;
	}
	if (opts & OPT_HEX) {
		put_hex_bytes(o, opts, bytes, size);
		return;
	}
	char text[INET6_ADDRSTRLEN];
	inet_ntop(sa->sa_family, bytes, text, sizeof(text));
	logfmt_value(o, opts, slice_str(text), MAP_ALL);
}

static ALIAS(put_port)
{
	struct net_peer room;
	const struct sockaddr *sa = end_of(cx, r, data, &room);
	if (sa && sa->sa_family == AF_INET)
		put_hex_number(
		    o, opts, ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port));
	else if (sa && sa->sa_family == AF_INET6)
		put_hex_number(
		    o, opts, ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port));
	else if (sa && sa->sa_family == AF_UNIX)
		logfmt_number(o, opts, r->listener_id);
	else
		logfmt_value(o, opts, SLICE_NULL, MAP_ALL);
}

static ALIAS(put_bytes)
{
	uint64_t value;
	memcpy(&value, field_at(r, data), sizeof(value));
	if (r->asap && data == offsetof(struct log_record, bytes_down))
		logfmt_number_so_far(o, opts, (int64_t)value);
	else
		logfmt_number(o, opts, (int64_t)value);
}

/* ---- the rest ---- */

static ALIAS(put_frontend)
{
	char text[256];
	size_t n = MIN(r->frontend.len, sizeof(text) - 1);
	if (n)
		memcpy(text, r->frontend.ptr, n);
	if (r->frontend_tls)
		text[n++] = '~';
	logfmt_value(o, opts, slice_make(text, n), MAP_ALL);
}

static ALIAS(put_server)
{
	logfmt_value(o, opts, r->server.len ? r->server : SLICE("<NOSRV>"), MAP_ALL);
}

static ALIAS(put_status)
{
	int status = r->status < 0 && cx->res ? cx->res->status : r->status;
	logfmt_number(o, opts, r->http ? status : 0);
}

static ALIAS(put_retries)
{
	if (r->redispatched)
		logfmt_number_so_far(o, opts, r->retries);
	else
		logfmt_number(o, opts, r->retries);
}

/* data: where it lies in the record. */
static ALIAS(put_counter)
{
	uint64_t value;
	memcpy(&value, field_at(r, data), sizeof(value));
	put_hex_number(o, opts, value);
}

static ALIAS(put_pid)
{
	put_hex_number(o, opts, (uint64_t)getpid());
}

static ALIAS(put_hostname)
{
	static _Thread_local char name[256]; /* asked once a thread */
	if (!name[0] && gethostname(name, sizeof(name) - 1) < 0)
		name[0] = '-';
	logfmt_value(o, opts, slice_str(name), MAP_ALL);
}

/* data: 2 letters, or all 4. */
static ALIAS(put_state)
{
	const struct record_flags *f = &r->flags;
	const char letters[4] = { f->cause, f->phase, f->cookie_in, f->cookie_out };
	char text[4];
	for (uintptr_t i = 0; i < data; i++)
		text[i] = letters[i] ? letters[i] : '-';
	logfmt_plain(o, opts, slice_make(text, data));
}

static ALIAS(put_origin)
{
	logfmt_value(o, opts, r->origin.len ? r->origin : SLICE("unspec"), MAP_ALL);
}

static ALIAS(put_mode)
{
	logfmt_value(o, opts, r->http ? SLICE("HTTP") : SLICE("TCP"), MAP_ALL);
}

#define AT(field) offsetof(struct log_record, field)

const struct log_alias log_aliases[] = {
	{ "B", put_bytes, AT(bytes_down), "bytes sent to the client", ALIAS_END },
	{ "CC", put_string, AT(cookie_req), "captured cookie of the request", ALIAS_HTTP },
	{ "CS", put_string, AT(cookie_res), "captured cookie of the response", ALIAS_HTTP },
	{ "H", put_hostname, 0, "name of this host" },
	{ "HM", logalias_part, AT(method), "method", ALIAS_HTTP },
	{ "HP", logalias_uri_path, 0, "request target without its query", ALIAS_HTTP },
	{ "HPO", logalias_path, 0, "path alone, without host and query", ALIAS_HTTP },
	{ "HQ", logalias_uri_query, 0, "query with its question mark", ALIAS_HTTP },
	{ "HU", logalias_part, AT(uri), "request target", ALIAS_HTTP },
	{ "HV", logalias_part, AT(version), "HTTP version", ALIAS_HTTP },
	{ "ID", put_string, AT(unique_id), "unique identifier", ALIAS_END },
	{ "OG", put_origin, 0, "what the line was written for" },
	{ "ST", put_status, 0, "status" },
	{ "T", logalias_date, DATE_GMT, "date of the connection, UTC" },
	{ "TR", logalias_timer, 'R', "time to receive the request", ALIAS_HTTP | ALIAS_END },
	{ "Ta", logalias_timer, 'a', "active time of the request", ALIAS_HTTP | ALIAS_END },
	{ "Tc", logalias_timer, 'c', "time to connect to the server", ALIAS_END },
	{ "Td", logalias_timer, 'd', "time to send the response", ALIAS_END },
	{ "Th", logalias_timer, 'h', "time of PROXY and TLS handshakes", ALIAS_END },
	{ "Ti", logalias_timer, 'i', "idle time in front of the request", ALIAS_HTTP | ALIAS_END },
	{ "Tl", logalias_date, DATE_LOCAL, "date of the connection, local" },
	{ "Tq", logalias_timer, 'q', "Th + Ti + TR", ALIAS_HTTP | ALIAS_END },
	{ "Tr", logalias_timer, 'r', "time until the response head was there",
	    ALIAS_HTTP | ALIAS_END },
	{ "Ts", logalias_timestamp, 0, "date of the connection in seconds since 1970" },
	{ "Tt", logalias_timer, 't', "total time", ALIAS_END },
	{ "Tu", logalias_timer, 'u', "total time as the user sees it, without Ti", ALIAS_END },
	{ "Tw", logalias_timer, 'w', "time in queues", ALIAS_END },
	{ "U", put_bytes, AT(bytes_up), "bytes received from the client", ALIAS_END },
	{ "ac", put_unsigned, AT(act_conn), "connections of the process", ALIAS_END },
	{ "b", put_string, AT(backend), "name of the backend" },
	{ "bc", put_unsigned, AT(be_conn), "connections of the backend", ALIAS_END },
	{ "bi", put_ip, END_BACKEND, "own address of the connection to the server",
	    ALIAS_SERVER_ENDS },
	{ "bp", put_port, END_BACKEND, "own port of the connection to the server",
	    ALIAS_SERVER_ENDS },
	{ "bq", put_unsigned, AT(be_queue), "requests ahead in the backend's queue", ALIAS_END },
	{ "ci", put_ip, END_CLIENT, "address of the client" },
	{ "cp", put_port, END_CLIENT, "port of the client" },
	{ "er", put_string, AT(error), "why the session failed before it began" },
	{ "f", put_string, AT(frontend), "name of the frontend" },
	{ "fc", put_unsigned, AT(fe_conn), "connections of the frontend", ALIAS_END },
	{ "fi", put_ip, END_FRONTEND, "address the client connected to" },
	{ "fm", put_mode, 0, "HTTP or TCP" },
	{ "fp", put_port, END_FRONTEND, "port the client connected to" },
	{ "ft", put_frontend, 0, "name of the frontend, with '~' for TLS" },
	{ "hr", logalias_captures, 0, "captured request headers, in braces" },
	{ "hrl", logalias_capture_list, 0, "captured request headers, as a list" },
	{ "hs", logalias_captures, 1, "captured response headers, in braces" },
	{ "hsl", logalias_capture_list, 1, "captured response headers, as a list" },
	{ "lc", put_counter, AT(log_counter), "lines logged by the frontend" },
	{ "ms", logalias_ms, 0, "milliseconds of the date of the connection" },
	{ "pid", put_pid, 0, "process number" },
	{ "r", logalias_request, 0, "request line", ALIAS_HTTP },
	{ "rc", put_retries, 0, "connections tried again, with '+' when redispatched", ALIAS_END },
	{ "rt", put_counter, AT(request_counter), "counter of requests" },
	{ "s", put_server, 0, "name of the server" },
	{ "sc", put_unsigned, AT(srv_conn), "connections of the server", ALIAS_END },
	{ "si", put_ip, END_SERVER, "address of the server", ALIAS_SERVER_ENDS },
	{ "sp", put_port, END_SERVER, "port of the server", ALIAS_SERVER_ENDS },
	{ "sq", put_unsigned, AT(srv_queue), "requests ahead in the server's queue", ALIAS_END },
	{ "sslc", put_string, AT(tls_cipher), "cipher of the client's TLS connection" },
	{ "sslv", put_string, AT(tls_version), "version of the client's TLS connection" },
	{ "t", logalias_date, DATE_MS, "date of the connection, local, with milliseconds" },
	{ "tr", logalias_date, DATE_MS | OF_REQUEST,
	    "date of the request, local, with milliseconds", ALIAS_HTTP },
	{ "trg", logalias_date, DATE_GMT | OF_REQUEST, "date of the request, UTC", ALIAS_HTTP },
	{ "trl", logalias_date, DATE_LOCAL | OF_REQUEST, "date of the request, local", ALIAS_HTTP },
	{ "ts", put_state, 2, "termination state", ALIAS_END },
	{ "tsc", put_state, 4, "termination state with cookies" },
	{ .name = NULL },
};

const char logfmt_text_tcp[] =
    "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";
const char logfmt_text_tcp_clf[] = "%{+Q}o %{-Q}ci - - [%T] \"TCP \" 000 %B \"\" \"\" %cp %ms %ft "
				   "%b %s %Th %Tw %Tc %Tt %U %ts-- %ac "
				   "%fc %bc %sc %rc %sq %bq \"\" \"\" ";
const char logfmt_text_http[] = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc "
				"%ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
const char logfmt_text_clf[] =
    "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac "
    "%fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";
const char logfmt_text_https[] =
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq "
    "%hr %hs %{+Q}r %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/"
    "%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc";
const char logfmt_text_connect[] = "Connect from %ci:%cp to %fi:%fp (%f/%fm)";
const char logfmt_text_error[] = "%ci:%cp [%t] %f/%[so_name]: %er";
