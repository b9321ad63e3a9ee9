/* SPDX-License-Identifier: MIT */
/*
 * Flags and modes of a proxy as its lines set them: "option ...", "http-reuse", "retry-on".
 */
#ifndef WEIR_PROXY_OPTIONS_H
#define WEIR_PROXY_OPTIONS_H

/* "option ..." words that are just on or off; proxy.options */
#define PR_O_HTTPCLOSE		 (1ull << 0)
#define PR_O_SERVER_CLOSE	 (1ull << 1)
#define PR_O_KEEP_ALIVE		 (1ull << 2) /* written out; the default anyway */
#define PR_O_FORWARDFOR		 (1ull << 3)
#define PR_O_ORIGINALTO		 (1ull << 4)
#define PR_O_FORWARDED		 (1ull << 5)
#define PR_O_BUFFER_REQUEST	 (1ull << 6)
#define PR_O_ABORTONCLOSE	 (1ull << 7)
#define PR_O_PRETEND_KEEPALIVE	 (1ull << 9)
#define PR_O_IGNORE_PROBES	 (1ull << 10)
#define PR_O_DONTLOGNULL	 (1ull << 11)
#define PR_O_DONTLOG_NORMAL	 (1ull << 12)
#define PR_O_LOGASAP		 (1ull << 13)
#define PR_O_LOG_SEPARATE_ERRORS (1ull << 14)
#define PR_O_REDISPATCH		 (1ull << 15)
#define PR_O_PERSIST		 (1ull << 16)
#define PR_O_NOLINGER		 (1ull << 17)
#define PR_O_USE_PROXY_HEADER	 (1ull << 18)
#define PR_O_TCP_SMART_CONNECT	 (1ull << 19)
#define PR_O_CLITCPKA		 (1ull << 20)
#define PR_O_SRVTCPKA		 (1ull << 21)
#define PR_O_ALLBACKUPS		 (1ull << 25)
#define PR_O_UNSAFE_REQ		 (1ull << 26) /* accept-unsafe-violations-in-http-request */
#define PR_O_UNSAFE_RES		 (1ull << 27)
#define PR_O_SOCKET_STATS	 (1ull << 28)
#define PR_O_TRANSPARENT	 (1ull << 32)
#define PR_O_LOG_HEALTH		 (1ull << 33)
#define PR_O_PREFER_LAST_SERVER	 (1ull << 34)
#define PR_O_DROP_REQ_TRAILERS	 (1ull << 35)
#define PR_O_DROP_RES_TRAILERS	 (1ull << 36)
#define PR_O_CHECKCACHE		 (1ull << 37)
#define PR_O_DISABLED		 (1ull << 38)
#define PR_O_NO_H2_UPGRADE	 (1ull << 39)

enum reuse_mode {
	REUSE_SAFE, /* the default */
	REUSE_NEVER,
	REUSE_AGGRESSIVE,
	REUSE_ALWAYS,
};

/* option http-restrict-req-hdr-names: header names with other than letters, digits and "-" */
enum header_names {
	HEADER_NAMES_PRESERVE, /* the default */
	HEADER_NAMES_DELETE,
	HEADER_NAMES_REJECT,
};

/* retry-on */
#define RETRY_CONN_FAILURE     0x0001u
#define RETRY_EMPTY_RESPONSE   0x0002u
#define RETRY_JUNK_RESPONSE    0x0004u
#define RETRY_RESPONSE_TIMEOUT 0x0008u
#define RETRY_0RTT_REJECTED    0x0010u
#define RETRY_STATUS	       0x0020u /* any of the bits below */
#define RETRY_401	       0x0100u
#define RETRY_403	       0x0200u
#define RETRY_404	       0x0400u
#define RETRY_408	       0x0800u
#define RETRY_421	       0x1000u
#define RETRY_425	       0x2000u
#define RETRY_429	       0x4000u
#define RETRY_500	       0x8000u
#define RETRY_501	       0x10000u
#define RETRY_502	       0x20000u
#define RETRY_503	       0x40000u
#define RETRY_504	       0x80000u
/* all-retryable-errors */
#define RETRY_ALL_RETRYABLE                                                                        \
	(RETRY_CONN_FAILURE | RETRY_EMPTY_RESPONSE | RETRY_JUNK_RESPONSE |                         \
	    RETRY_RESPONSE_TIMEOUT | RETRY_0RTT_REJECTED | RETRY_STATUS | RETRY_500 | RETRY_502 |  \
	    RETRY_503 | RETRY_504)

#endif
