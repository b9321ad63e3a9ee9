/* SPDX-License-Identifier: MIT */
/*
 * Health checks (configuration manual: "check", "option httpchk"): their configuration and what they found
 * last. A check's sockets and timers live on one worker and are nobody else's business; its findings are under
 * the server's lock and live on through reloads.
 */
#ifndef WEIR_UPSTREAM_CHECK_H
#define WEIR_UPSTREAM_CHECK_H

#include "weir/upstream/backend.h"

struct httpchk_conf;

/* The "check_status" column (management manual 9.1, field 36); the order is srv_check_status. */
enum check_status {
	CHECK_UNKNOWN,
	CHECK_INI = 1, /* not checked yet */
	CHECK_START,
	CHECK_HANA, /* failed by what traffic showed */
	CHECK_SOCKERR,
	CHECK_L4OK = 6,
	CHECK_L4TOUT,
	CHECK_L4CON,
	CHECK_L6OK,
	CHECK_L6TOUT,
	CHECK_L6RSP,
	CHECK_L7TOUT,
	CHECK_L7RSP,
	CHECK_L7OK = 15,
	CHECK_L7OKC,
	CHECK_L7STS,
	CHECK_PROCERR,
	CHECK_PROCTOUT,
	CHECK_PROCOK,
	CHECK_STATUS_N,
};

/* srv_check_result of "show servers state". */
enum check_result {
	CHECK_RES_UNKNOWN,
	CHECK_RES_NEUTRAL,
	CHECK_RES_FAILED,
	CHECK_RES_PASSED,
	CHECK_RES_CONDPASS, /* 404 with disable-on-404 */
};

struct check_conf {
	unsigned inter_ms, fast_ms, down_ms; /* fast, down 0: as inter */
	unsigned rise, fall;
	unsigned port;	      /* 0: the server's */
	struct net_addr addr; /* len 0: the server's */
	bool send_proxy;      /* check-send-proxy */
	bool via_socks4;
	bool tls;			 /* "check-ssl", or as the server's own connections */
	bool no_sni_auto;		 /* "no-check-sni-auto" */
	const char *sni;		 /* "check-sni", or NULL */
	struct slice alpn;		 /* "check-alpn", as on the wire */
	uint8_t proto;			 /* enum server_proto: HTTP/1 or none */
	const struct httpchk_conf *http; /* its steps */
};

/* Under the server's lock. */
struct check {
	unsigned rise, fall;
	unsigned health; /* 0 .. rise + fall - 1; up from rise on */
	bool paused;	 /* "disable health" */
	bool running;	 /* one is under way */
	enum check_status status;
	enum check_result result;
	unsigned code;	      /* HTTP status; 0: none */
	unsigned duration_ms; /* of the last one */
	uint64_t last_change_ms;
	char desc[128]; /* what went wrong, for logs and "last_chk" */
	/* set by commands over the configuration */
	unsigned port;
	struct net_addr addr;
};

/* "L4OK", "L7STS" ... and "Layer4 check passed" ... */
const char *check_status_name(enum check_status status);
const char *check_status_text(enum check_status status);

/*
 * What a check found: counts rise and fall, changes the state of the server and logs. The check's worker, or
 * tests.
 */
void check_report(struct worker *w, struct server *s, enum check_status status,
    enum check_result result, unsigned code, unsigned duration_ms, const char *desc);
/* Delay until the next check in the present state, ms. */
unsigned check_interval_ms(const struct server *s);
/* "set server health": as if checks had brought it there. */
void check_force(struct worker *w, struct server *s, enum server_oper to);

#endif
