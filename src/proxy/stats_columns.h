/* SPDX-License-Identifier: MIT */
/*
 * The columns of "show stat" in the order of the management manual 9.1: one row each. X(enum, name, the three
 * letters of the typed form, what it says). "-" marks the end of the columns whose place is fixed: the others are to be
 * found by their names.
 */
#ifndef WEIR_SRC_PROXY_STATS_COLUMNS_H
#define WEIR_SRC_PROXY_STATS_COLUMNS_H

/* clang-format off */
#define STAT_COLUMNS(X) \
	X(PXNAME, "pxname", "KNS", "Name of the proxy") \
	X(SVNAME, "svname", "KNS", "FRONTEND, BACKEND, or the name of the server or listener") \
	X(QCUR, "qcur", "MGP", "Requests waiting in the queue now") \
	X(QMAX, "qmax", "MMP", "Most requests that waited at a time") \
	X(SCUR, "scur", "MGP", "Sessions now") \
	X(SMAX, "smax", "MMP", "Most sessions at a time") \
	X(SLIM, "slim", "CLP", "Limit of sessions: maxconn, for a backend fullconn") \
	X(STOT, "stot", "MCP", "Sessions since start") \
	X(BIN, "bin", "MCP", "Bytes of requests since start") \
	X(BOUT, "bout", "MCP", "Bytes of responses since start") \
	X(DREQ, "dreq", "MCP", "Requests denied by rules") \
	X(DRESP, "dresp", "MCP", "Responses denied by rules") \
	X(EREQ, "ereq", "MCP", "Invalid, aborted or late requests") \
	X(ECON, "econ", "MCP", "Requests for which connecting to a server failed") \
	X(ERESP, "eresp", "MCP", "Invalid or incomplete responses") \
	X(WRETR, "wretr", "MCP", "Connection attempts repeated") \
	X(WREDIS, "wredis", "MCP", "Requests sent to another server after a failure") \
	X(STATUS, "status", "SGP", "Frontend: OPEN, PAUSED, STOP; backend: UP, DOWN; server: its state") \
	X(WEIGHT, "weight", "MaP", "Effective weight, for a backend the sum of its usable servers") \
	X(ACT, "act", "MGP", "Usable active servers, or 1 for an active server") \
	X(BCK, "bck", "MGP", "Usable backup servers, or 1 for a backup server") \
	X(CHKFAIL, "chkfail", "MCP", "Checks that failed while the server was up") \
	X(CHKDOWN, "chkdown", "MCP", "Times it went from up to down") \
	X(LASTCHG, "lastchg", "MAP", "Seconds since it last went up or down") \
	X(DOWNTIME, "downtime", "MCP", "Seconds spent down") \
	X(QLIMIT, "qlimit", "CGS", "Limit of the server's queue (maxqueue)") \
	X(PID, "pid", "KGP", "Number of the process, always 1") \
	X(IID, "iid", "KGS", "Number of the proxy (id)") \
	X(SID, "sid", "KGS", "Number of the server or listener within its proxy (id)") \
	X(THROTTLE, "throttle", "MGP", "Percentage of its weight that a server in slow start gets") \
	X(LBTOT, "lbtot", "MCP", "Times that balancing chose it") \
	X(TRACKED, "tracked", "CNS", "Server whose health this one follows (track)") \
	X(TYPE, "type", "CGS", "0 frontend, 1 backend, 2 server, 3 listener") \
	X(RATE, "rate", "MRP", "Sessions over the last second") \
	X(RATE_LIM, "rate_lim", "CLP", "Limit of new sessions a second (rate-limit sessions)") \
	X(RATE_MAX, "rate_max", "MMP", "Most sessions in one second") \
	X(CHECK_STATUS, "check_status", "MOP", "Result of the last health check; '* ' in front while one runs") \
	X(CHECK_CODE, "check_code", "MOP", "Status code of the last health check") \
	X(CHECK_DURATION, "check_duration", "MDP", "Milliseconds the last health check took") \
	X(HRSP_1XX, "hrsp_1xx", "MCP", "Responses with status 100 to 199") \
	X(HRSP_2XX, "hrsp_2xx", "MCP", "Responses with status 200 to 299") \
	X(HRSP_3XX, "hrsp_3xx", "MCP", "Responses with status 300 to 399") \
	X(HRSP_4XX, "hrsp_4xx", "MCP", "Responses with status 400 to 499") \
	X(HRSP_5XX, "hrsp_5xx", "MCP", "Responses with status 500 to 599") \
	X(HRSP_OTHER, "hrsp_other", "MCP", "Responses with any other status") \
	X(HANAFAIL, "hanafail", "MOP", "Details of failed health analysis") \
	X(REQ_RATE, "req_rate", "MRP", "HTTP requests over the last second") \
	X(REQ_RATE_MAX, "req_rate_max", "MMP", "Most HTTP requests in one second") \
	X(REQ_TOT, "req_tot", "MCP", "HTTP requests since start") \
	X(CLI_ABRT, "cli_abrt", "MCP", "Transfers the client aborted") \
	X(SRV_ABRT, "srv_abrt", "MCP", "Transfers the server aborted") \
	X(COMP_IN, "comp_in", "MCP", "Bytes given to the compressor") \
	X(COMP_OUT, "comp_out", "MCP", "Bytes the compressor wrote") \
	X(COMP_BYP, "comp_byp", "MCP", "Bytes that went past the compressor") \
	X(COMP_RSP, "comp_rsp", "MCP", "Responses that were compressed") \
	X(LASTSESS, "lastsess", "MAP", "Seconds since the last session, -1 when there was none") \
	X(LAST_CHK, "last_chk", "MOP", "What the last health check said") \
	X(LAST_AGT, "last_agt", "MOP", "What the last agent check said") \
	X(QTIME, "qtime", "MaP", "Average milliseconds in the queue, last 1024 requests") \
	X(CTIME, "ctime", "MaP", "Average milliseconds to connect, last 1024 requests") \
	X(RTIME, "rtime", "MaP", "Average milliseconds to the response, last 1024 requests") \
	X(TTIME, "ttime", "MaP", "Average milliseconds in all, last 1024 requests") \
	X(AGENT_STATUS, "agent_status", "MOP", "Result of the last agent check") \
	X(AGENT_CODE, "agent_code", "MOP", "Code of the last agent check") \
	X(AGENT_DURATION, "agent_duration", "MDP", "Milliseconds the last agent check took") \
	X(CHECK_DESC, "check_desc", "MOP", "The result of the last health check in words") \
	X(AGENT_DESC, "agent_desc", "MOP", "The result of the last agent check in words") \
	X(CHECK_RISE, "check_rise", "CGS", "Good checks that bring the server up (rise)") \
	X(CHECK_FALL, "check_fall", "CGS", "Failed checks that take the server down (fall)") \
	X(CHECK_HEALTH, "check_health", "CGS", "Health counter, 0 to rise + fall - 1; up from rise on") \
	X(AGENT_RISE, "agent_rise", "CGS", "Good agent checks that bring the server up") \
	X(AGENT_FALL, "agent_fall", "CGS", "Failed agent checks that take the server down") \
	X(AGENT_HEALTH, "agent_health", "CGS", "Health counter of the agent check") \
	X(ADDR, "addr", "CGS", "Address and port; at levels operator and admin") \
	X(COOKIE, "cookie", "CNS", "Persistence cookie: name of the backend's, value of the server's; at levels operator and admin") \
	X(MODE, "mode", "CGS", "tcp or http") \
	X(ALGO, "algo", "CGS", "Balance algorithm; at levels operator and admin") \
	X(CONN_RATE, "conn_rate", "MRP", "Connections over the last second") \
	X(CONN_RATE_MAX, "conn_rate_max", "MMP", "Most connections in one second") \
	X(CONN_TOT, "conn_tot", "MCP", "Connections since start") \
	X(INTERCEPTED, "intercepted", "MCP", "Requests answered without a server") \
	X(DCON, "dcon", "MCP", "Connections refused by 'tcp-request connection' rules") \
	X(DSES, "dses", "MCP", "Sessions refused by 'tcp-request session' rules") \
	X(WREW, "wrew", "MCP", "Header changes that failed") \
	X(CONNECT, "connect", "MCP", "Connections opened to servers") \
	X(REUSE, "reuse", "MCP", "Requests sent on a connection that had served before") \
	X(CACHE_LOOKUPS, "cache_lookups", "MCP", "Requests looked up in a cache") \
	X(CACHE_HITS, "cache_hits", "MCP", "Requests answered from a cache") \
	X(SRV_ICUR, "srv_icur", "MGP", "Idle connections to the server now") \
	X(SRC_ILIM, "src_ilim", "CLP", "Limit of idle connections (pool-max-conn)") \
	X(QTIME_MAX, "qtime_max", "MMP", "Longest time in the queue, milliseconds") \
	X(CTIME_MAX, "ctime_max", "MMP", "Longest time to connect, milliseconds") \
	X(RTIME_MAX, "rtime_max", "MMP", "Longest time to the response, milliseconds") \
	X(TTIME_MAX, "ttime_max", "MMP", "Longest time in all, milliseconds") \
	X(EINT, "eint", "MCP", "Internal errors") \
	X(IDLE_CONN_CUR, "idle_conn_cur", "MGP", "Idle connections that have not served twice yet") \
	X(SAFE_CONN_CUR, "safe_conn_cur", "MGP", "Idle connections that have proved to be reusable") \
	X(USED_CONN_CUR, "used_conn_cur", "MGP", "Connections in use now") \
	X(NEED_CONN_EST, "need_conn_est", "MGP", "Estimate of the connections needed") \
	X(UWEIGHT, "uweight", "MaP", "Weight as set, for a backend the sum of its usable servers") \
	X(AGG_SERVER_STATUS, "agg_server_status", "MGP", "For exporters; always 0") \
	X(AGG_SERVER_CHECK_STATUS, "agg_server_check_status", "MGP", "For exporters; always 0") \
	X(AGG_CHECK_STATUS, "agg_check_status", "MGP", "For exporters; always 0") \
	X(SRID, "srid", "MGP", "Revision of the server's number") \
	X(SESS_OTHER, "sess_other", "MCP", "Sessions other than HTTP") \
	X(H1_SESS, "h1_sess", "MCP", "HTTP/1 sessions") \
	X(H2_SESS, "h2_sess", "MCP", "HTTP/2 sessions") \
	X(H3_SESS, "h3_sess", "MCP", "HTTP/3 sessions") \
	X(REQ_OTHER, "req_other", "MCP", "Requests of other protocols than HTTP") \
	X(H1REQ, "h1req", "MCP", "HTTP/1 requests") \
	X(H2REQ, "h2req", "MCP", "HTTP/2 requests") \
	X(H3REQ, "h3req", "MCP", "HTTP/3 requests") \
	X(PROTO, "proto", "CGS", "Protocol of the listener's address") \
	X(PRIV_IDLE_CUR, "priv_idle_cur", "MGP", "Private idle connections") \
	X(REQBIN, "reqbin", "MCP", "Request bytes received") \
	X(REQBOUT, "reqbout", "MCP", "Request bytes sent") \
	X(RESBIN, "resbin", "MCP", "Response bytes received") \
	X(RESBOUT, "resbout", "MCP", "Response bytes sent") \
	X(CACHE_HINT_HITS, "cache_hint_hits", "MCP", "Cache hits that served early hints") \
	X(END, "-", "MOP", "End of the columns with a fixed place") \
	X(SSL_SESS, "ssl_sess", "MCP", "TLS handshakes that were completed") \
	X(SSL_REUSED_SESS, "ssl_reused_sess", "MCP", "Handshakes that went on with an earlier session") \
	X(SSL_FAILED_HANDSHAKE, "ssl_failed_handshake", "MCP", "Handshakes that failed") \
	X(H2_HEADERS_RCVD, "h2_headers_rcvd", "MCP", "HEADERS frames received") \
	X(H2_DATA_RCVD, "h2_data_rcvd", "MCP", "DATA frames received") \
	X(H2_SETTINGS_RCVD, "h2_settings_rcvd", "MCP", "SETTINGS frames received") \
	X(H2_RST_STREAM_RCVD, "h2_rst_stream_rcvd", "MCP", "RST_STREAM frames received") \
	X(H2_GOAWAY_RCVD, "h2_goaway_rcvd", "MCP", "GOAWAY frames received") \
	X(H2_CONN_ERRORS, "h2_detected_conn_protocol_errors", "MCP", "HTTP/2 connections ended for what the peer sent") \
	X(H2_STREAM_ERRORS, "h2_detected_strm_protocol_errors", "MCP", "HTTP/2 streams reset for what the peer sent") \
	X(H2_RST_STREAM_RESP, "h2_rst_stream_resp", "MCP", "RST_STREAM frames sent") \
	X(H2_GOAWAY_RESP, "h2_goaway_resp", "MCP", "GOAWAY frames sent") \
	X(H2_OPEN_CONNS, "h2_open_connections", "MGP", "HTTP/2 connections now") \
	X(H2_OPEN_STREAMS, "h2_backend_open_streams", "MGP", "HTTP/2 streams now") \
	X(H2_TOTAL_CONNS, "h2_total_connections", "MCP", "HTTP/2 connections since start") \
	X(H2_TOTAL_STREAMS, "h2_backend_total_streams", "MCP", "HTTP/2 streams since start") \
	X(H2_GLITCHES, "h2_glitches", "MCP", "Oddities of HTTP/2 peers that are no error each") \
	X(H2_LIMIT_RESETS, "h2_limit_resets", "MCP", "HTTP/2 connections ended for too many resets") \
	X(H2_LIMIT_CONTINUATIONS, "h2_limit_continuations", "MCP", "HTTP/2 connections ended for too many CONTINUATION frames") \
	X(H2_LIMIT_FLOODS, "h2_limit_floods", "MCP", "HTTP/2 connections ended for a flood of frames without use") \
	X(H2_LIMIT_HEADER_LISTS, "h2_limit_header_lists", "MCP", "Header lists of HTTP/2 that were too large") \
	X(H2_LIMIT_GLITCHES, "h2_limit_glitches", "MCP", "HTTP/2 connections ended at the threshold of glitches") \
	X(H2_LIMIT_STREAMS, "h2_limit_streams", "MCP", "HTTP/2 connections that reached their number of streams")
/* clang-format on */

enum stat_column {
#define X(id, name, tags, help) STAT_##id,
	STAT_COLUMNS(X)
#undef X
	    STAT_N
};

#endif
