/* SPDX-License-Identifier: MIT */
/*
 * The aliases of log formats (configuration manual 8.2.6): one row each, reading the session's log record.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <unistd.h>

#include "logfmt.h"

#define ALIAS(fn)                                                                                  \
	static void fn(struct logfmt_out *o, unsigned opts, struct rule_ctx *cx,                   \
	    const struct log_record *r, uintptr_t data)

/* ---- numbers and strings that lie in the record ---- */

static const char *field_at(const struct log_record *r, uintptr_t offset)
{
	return (const char *)r + offset;
}

ALIAS(put_unsigned)
{
	unsigned value;
	memcpy(&value, field_at(r, data), sizeof(value));
	logfmt_int(o, value);
}

ALIAS(put_string)
{
	struct slice value;
	memcpy(&value, field_at(r, data), sizeof(value));
	logfmt_value(o, opts, value, MAP_ALL);
}

static void put_hex_number(struct logfmt_out *o, unsigned opts, uint64_t v)
{
	char text[24];
	if (!(opts & OPT_HEX)) {
		logfmt_int(o, (int64_t)v);
		return;
	}
	int n = snprintf(text, sizeof(text), "%04llX", (unsigned long long)v);
	logfmt_raw(o, slice_make(text, (size_t)n));
}

/* ---- addresses ---- */

#define END_CLIENT   0u
#define END_FRONTEND 1u
#define END_BACKEND  2u
#define END_SERVER   3u

static const struct sockaddr *end_of(
    struct rule_ctx *cx, const struct log_record *r, uintptr_t which)
{
	const struct net_peer *dst;
	switch (which) {
	case END_CLIENT:
		return cx->src ? &cx->src->sa : NULL;
	case END_FRONTEND:
		dst = cx->host && cx->host->dst ? cx->host->dst(cx->stream) : NULL;
		return dst ? &dst->sa : NULL;
	case END_BACKEND:
		return r->server_src;
	default:
		return r->server_addr;
	}
}

static void put_hex_bytes(struct logfmt_out *o, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *b = bytes;
	for (size_t i = 0; i < n; i++) {
		logfmt_char(o, digits[b[i] >> 4]);
		logfmt_char(o, digits[b[i] & 15]);
	}
}

/* data: which end. */
ALIAS(put_ip)
{
	const struct sockaddr *sa = end_of(cx, r, data);
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
		put_hex_bytes(o, bytes, size);
		return;
	}
	char text[INET6_ADDRSTRLEN];
	inet_ntop(sa->sa_family, bytes, text, sizeof(text));
	logfmt_value(o, opts, slice_str(text), MAP_ALL);
}

ALIAS(put_port)
{
	const struct sockaddr *sa = end_of(cx, r, data);
	if (sa && sa->sa_family == AF_INET)
		put_hex_number(
		    o, opts, ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port));
	else if (sa && sa->sa_family == AF_INET6)
		put_hex_number(
		    o, opts, ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port));
	else if (sa && sa->sa_family == AF_UNIX)
		logfmt_int(o, r->listener_id);
	else
		logfmt_value(o, opts, SLICE_NULL, MAP_ALL);
}

/* ---- dates ---- */

enum date_form { DATE_MS, DATE_GMT, DATE_LOCAL };
#define OF_REQUEST 0x100u

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };

/* One form of one second: many lines of a thread fall into the same one. */
struct date_memo {
	int64_t second;
	size_t len;
	char text[32];
};

static struct slice date_text(enum date_form form, int64_t second)
{
	static _Thread_local struct date_memo memos[3]; /* of this thread alone */
	struct date_memo *m = &memos[form];
	if (m->len && m->second == second)
		return slice_make(m->text, m->len);
	struct tm tm;
	time_t t = (time_t)second;
	if (form == DATE_GMT)
		gmtime_r(&t, &tm);
	else
		localtime_r(&t, &tm);
	int n = snprintf(m->text, sizeof(m->text), "%02d/%s/%04d:%02d:%02d:%02d", tm.tm_mday,
	    month_names[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (form != DATE_MS && n > 0 && (size_t)n < sizeof(m->text)) {
		long minutes = form == DATE_GMT ? 0 : tm.tm_gmtoff / 60;
		long away = minutes < 0 ? -minutes : minutes;
		n += snprintf(m->text + n, sizeof(m->text) - (size_t)n, " %c%02ld%02ld",
		    minutes < 0 ? '-' : '+', away / 60, away % 60);
	}
	m->second = second;
	m->len = MIN((size_t)n, sizeof(m->text) - 1);
	return slice_make(m->text, m->len);
}

/* data: the form, and OF_REQUEST. */
ALIAS(put_date)
{
	int64_t us = data & OF_REQUEST && r->t.request_wall ? r->t.request_wall : r->t.accept_wall;
	enum date_form form = (enum date_form)(data & 0xff);
	char text[64];
	struct slice day = date_text(form, us / 1000000);
	memcpy(text, day.ptr, day.len);
	size_t len = day.len;
	if (form == DATE_MS)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, ".%03d", (int)(us / 1000 % 1000));
	logfmt_raw(o, slice_make(text, len));
}

ALIAS(put_timestamp)
{
	int64_t second = r->t.accept_wall / 1000000;
	char text[24];
	if (!(opts & OPT_HEX)) {
		logfmt_int(o, second);
		return;
	}
	int n = snprintf(text, sizeof(text), "%04llX", (unsigned long long)second);
	logfmt_raw(o, slice_make(text, (size_t)n));
}

ALIAS(put_ms)
{
	unsigned ms = (unsigned)(r->t.accept_wall / 1000 % 1000);
	char text[12];
	int n = opts & OPT_HEX ? snprintf(text, sizeof(text), "%02X", ms)
			       : snprintf(text, sizeof(text), "%03u", ms);
	logfmt_raw(o, slice_make(text, (size_t)n));
}

/* ---- timers ---- */

static int64_t between(uint64_t from, uint64_t to)
{
	return to ? (int64_t)(to > from ? to - from : 0) / 1000 : -1;
}

static uint64_t first_of(uint64_t a, uint64_t b, uint64_t c)
{
	return a ? a : b ? b : c;
}

/* When handing over to the backend began: the request was there, or in TCP the session. */
static uint64_t began(const struct record_times *t)
{
	return first_of(t->request, t->handshake, t->accept);
}

int64_t record_timer(const struct log_record *r, char which)
{
	const struct record_times *t = &r->t;
	uint64_t idle_end = first_of(t->idle_end, t->handshake, t->accept);
	switch (which) {
	case 'h':
		return between(t->accept, t->handshake ? t->handshake : t->accept);
	case 'i':
		return t->idle_end ? between(first_of(t->handshake, t->accept, 0), t->idle_end)
				   : -1;
	case 'R':
		return between(idle_end, t->request);
	case 'q':
		return between(t->accept, t->request);
	case 'w':
		return between(began(t), t->queue);
	case 'c':
		return between(first_of(t->queue, began(t), 0), t->connected);
	case 'r':
		return between(first_of(t->connected, t->queue, began(t)), t->response);
	case 'd':
		return t->response
			   ? between(t->response, t->close)
			   : (r->http ? -1 : between(t->connected, t->connected ? t->close : 0));
	case 'a':
		return between(idle_end, t->close);
	case 'u':
		return between(t->accept, t->close) -
		       (t->idle_end ? between(first_of(t->handshake, t->accept, 0), t->idle_end)
				    : 0);
	default:
		return between(t->accept, t->close);
	}
}

/* data: the letter behind the 'T'. Times that end with the session may still grow. */
ALIAS(put_timer)
{
	char which = (char)data;
	if (r->asap && (which == 'd' || which == 'a' || which == 'u' || which == 't'))
		logfmt_char(o, '+');
	logfmt_int(o, record_timer(r, which));
}

ALIAS(put_bytes)
{
	uint64_t value;
	memcpy(&value, field_at(r, data), sizeof(value));
	if (r->asap && data == offsetof(struct log_record, bytes_down))
		logfmt_char(o, '+');
	logfmt_int(o, (int64_t)value);
}

/* ---- the request ---- */

ALIAS(put_request)
{
	char line[8192];
	if (r->bad_request || !r->method.len) {
		logfmt_value(o, opts, SLICE("<BADREQ>"), MAP_ALL);
		return;
	}
	/* Bounded by the buffer that the line was received into; a longer one is cut. */
	struct logfmt_out l = { .at = line, .end = line + sizeof(line) };
	logfmt_raw(&l, r->method);
	logfmt_char(&l, ' ');
	logfmt_raw(&l, r->uri);
	if (r->version.len) {
		logfmt_char(&l, ' ');
		logfmt_raw(&l, r->version);
	}
	logfmt_value(o, opts, slice_make(line, (size_t)(l.at - line)), MAP_URL);
}

/* Parts that are missing show as nothing, not as "-". */
static void put_url(
    struct logfmt_out *o, unsigned opts, const struct log_record *r, struct slice part)
{
	logfmt_value(o, opts & ~OPT_MANDATORY, r->bad_request ? SLICE("<BADREQ>") : part, MAP_URL);
}

/* data: where the part lies in the record. */
ALIAS(put_part)
{
	struct slice part;
	memcpy(&part, field_at(r, data), sizeof(part));
	put_url(o, opts, r, part);
}

/* "*" is no path. */
ALIAS(put_path)
{
	bool slash = r->path.len && r->path.ptr[0] == '/';
	put_url(o, opts, r, slash ? r->path : SLICE_NULL);
}

/* The target up to its query. */
ALIAS(put_uri_path)
{
	struct slice part = slice_sub(r->uri, 0, slice_find(r->uri, '?'));
	put_url(o, opts, r, part);
}

/* The query with its question mark. */
ALIAS(put_uri_query)
{
	struct slice part = slice_sub(r->uri, slice_find(r->uri, '?'), r->uri.len);
	put_url(o, opts, r, part);
}

/* ---- captures; data: of the response ---- */

static const struct slice *captures(const struct log_record *r, uintptr_t response, unsigned *ret_n)
{
	*ret_n = r->bad_request ? 0 : response ? r->res_captures_n : r->req_captures_n;
	return response ? r->res_captures : r->req_captures;
}

ALIAS(put_captures)
{
	unsigned n;
	const struct slice *values = captures(r, data, &n);
	if (n == 0)
		return;
	if (opts & OPT_QUOTE)
		logfmt_char(o, '"');
	logfmt_char(o, '{');
	for (unsigned i = 0; i < n; i++) {
		if (i)
			logfmt_char(o, '|');
		logfmt_value(o, opts & OPT_ESCAPE, values[i], MAP_HDR);
	}
	logfmt_char(o, '}');
	if (opts & OPT_QUOTE)
		logfmt_char(o, '"');
}

ALIAS(put_capture_list)
{
	unsigned n;
	const struct slice *values = captures(r, data, &n);
	for (unsigned i = 0; i < n; i++) {
		if (i)
			logfmt_char(o, ' ');
		logfmt_value(o, opts | OPT_MANDATORY, values[i], MAP_HDR);
	}
}

/* ---- the rest ---- */

ALIAS(put_frontend)
{
	char text[256];
	size_t n = MIN(r->frontend.len, sizeof(text) - 1);
	if (n)
		memcpy(text, r->frontend.ptr, n);
	if (r->frontend_tls)
		text[n++] = '~';
	logfmt_value(o, opts, slice_make(text, n), MAP_ALL);
}

ALIAS(put_server)
{
	logfmt_value(o, opts, r->server.len ? r->server : SLICE("<NOSRV>"), MAP_ALL);
}

ALIAS(put_status)
{
	logfmt_int(o, r->status);
}

ALIAS(put_retries)
{
	if (r->redispatched)
		logfmt_char(o, '+');
	logfmt_int(o, r->retries);
}

ALIAS(put_counter)
{
	put_hex_number(o, opts, r->request_counter);
}

ALIAS(put_pid)
{
	put_hex_number(o, opts, (uint64_t)getpid());
}

ALIAS(put_hostname)
{
	static _Thread_local char name[256]; /* asked once a thread */
	if (!name[0] && gethostname(name, sizeof(name) - 1) < 0)
		name[0] = '-';
	logfmt_value(o, opts, slice_str(name), MAP_ALL);
}

/* data: 2 letters, or all 4. */
ALIAS(put_state)
{
	const struct record_flags *f = &r->flags;
	const char letters[4] = { f->cause, f->phase, f->cookie_in, f->cookie_out };
	char text[4];
	for (uintptr_t i = 0; i < data; i++)
		text[i] = letters[i] ? letters[i] : '-';
	logfmt_raw(o, slice_make(text, data));
}

ALIAS(put_origin)
{
	logfmt_value(o, opts, r->origin.len ? r->origin : SLICE("unspec"), MAP_ALL);
}

ALIAS(put_mode)
{
	logfmt_value(o, opts, r->http ? SLICE("HTTP") : SLICE("TCP"), MAP_ALL);
}

#define AT(field) offsetof(struct log_record, field)

const struct log_alias log_aliases[] = {
	{ "B", put_bytes, AT(bytes_down), "bytes sent to the client" },
	{ "CC", put_string, AT(cookie_req), "captured cookie of the request" },
	{ "CS", put_string, AT(cookie_res), "captured cookie of the response" },
	{ "H", put_hostname, 0, "name of this host" },
	{ "HM", put_part, AT(method), "method" },
	{ "HP", put_uri_path, 0, "request target without its query" },
	{ "HPO", put_path, 0, "path alone, without host and query" },
	{ "HQ", put_uri_query, 0, "query with its question mark" },
	{ "HU", put_part, AT(uri), "request target" },
	{ "HV", put_part, AT(version), "HTTP version" },
	{ "ID", put_string, AT(unique_id), "unique identifier" },
	{ "OG", put_origin, 0, "what the line was written for" },
	{ "ST", put_status, 0, "status" },
	{ "T", put_date, DATE_GMT, "date of the connection, UTC" },
	{ "TR", put_timer, 'R', "time to receive the request" },
	{ "Ta", put_timer, 'a', "active time of the request" },
	{ "Tc", put_timer, 'c', "time to connect to the server" },
	{ "Td", put_timer, 'd', "time to send the response" },
	{ "Th", put_timer, 'h', "time of PROXY and TLS handshakes" },
	{ "Ti", put_timer, 'i', "idle time in front of the request" },
	{ "Tl", put_date, DATE_LOCAL, "date of the connection, local" },
	{ "Tq", put_timer, 'q', "Th + Ti + TR" },
	{ "Tr", put_timer, 'r', "time until the response head was there" },
	{ "Ts", put_timestamp, 0, "date of the connection in seconds since 1970" },
	{ "Tt", put_timer, 't', "total time" },
	{ "Tu", put_timer, 'u', "total time as the user sees it, without Ti" },
	{ "Tw", put_timer, 'w', "time in queues" },
	{ "U", put_bytes, AT(bytes_up), "bytes received from the client" },
	{ "ac", put_unsigned, AT(act_conn), "connections of the process" },
	{ "b", put_string, AT(backend), "name of the backend" },
	{ "bc", put_unsigned, AT(be_conn), "connections of the backend" },
	{ "bi", put_ip, END_BACKEND, "own address of the connection to the server" },
	{ "bp", put_port, END_BACKEND, "own port of the connection to the server" },
	{ "bq", put_unsigned, AT(be_queue), "requests ahead in the backend's queue" },
	{ "ci", put_ip, END_CLIENT, "address of the client" },
	{ "cp", put_port, END_CLIENT, "port of the client" },
	{ "er", put_string, AT(error), "why the session failed before it began" },
	{ "f", put_string, AT(frontend), "name of the frontend" },
	{ "fc", put_unsigned, AT(fe_conn), "connections of the frontend" },
	{ "fi", put_ip, END_FRONTEND, "address the client connected to" },
	{ "fm", put_mode, 0, "HTTP or TCP" },
	{ "fp", put_port, END_FRONTEND, "port the client connected to" },
	{ "ft", put_frontend, 0, "name of the frontend, with '~' for TLS" },
	{ "hr", put_captures, 0, "captured request headers, in braces" },
	{ "hrl", put_capture_list, 0, "captured request headers, as a list" },
	{ "hs", put_captures, 1, "captured response headers, in braces" },
	{ "hsl", put_capture_list, 1, "captured response headers, as a list" },
	{ "lc", put_bytes, AT(log_counter), "lines logged by the frontend" },
	{ "ms", put_ms, 0, "milliseconds of the date of the connection" },
	{ "pid", put_pid, 0, "process number" },
	{ "r", put_request, 0, "request line" },
	{ "rc", put_retries, 0, "connections tried again, with '+' when redispatched" },
	{ "rt", put_counter, 0, "counter of requests" },
	{ "s", put_server, 0, "name of the server" },
	{ "sc", put_unsigned, AT(srv_conn), "connections of the server" },
	{ "si", put_ip, END_SERVER, "address of the server" },
	{ "sp", put_port, END_SERVER, "port of the server" },
	{ "sq", put_unsigned, AT(srv_queue), "requests ahead in the server's queue" },
	{ "t", put_date, DATE_MS, "date of the connection, local, with milliseconds" },
	{ "tr", put_date, DATE_MS | OF_REQUEST, "date of the request, local, with milliseconds" },
	{ "trg", put_date, DATE_GMT | OF_REQUEST, "date of the request, UTC" },
	{ "trl", put_date, DATE_LOCAL | OF_REQUEST, "date of the request, local" },
	{ "ts", put_state, 2, "termination state" },
	{ "tsc", put_state, 4, "termination state with cookies" },
	{ .name = NULL },
};

const char logfmt_text_tcp[] =
    "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";
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
