/* SPDX-License-Identifier: MIT */
/*
 * What is known of one session when it is logged: filled by the stream, read by log-format aliases
 * (configuration manual 8.2.6) and by the fetches of the same names. Plain data; strings live until the line
 * is written.
 */
#ifndef WEIR_TELEMETRY_RECORD_H
#define WEIR_TELEMETRY_RECORD_H

#include <sys/socket.h>

#include "weir/base/slice.h"

/* Points in time, microseconds of the worker's monotonic clock; 0: not reached. */
struct record_times {
	uint64_t accept;      /* connection accepted, or request's idle time began */
	uint64_t handshake;   /* PROXY header and TLS done (%Th ends) */
	uint64_t idle_end;    /* first byte of the request (%Ti ends) */
	uint64_t request;     /* whole request head received (%TR ends) */
	uint64_t queue;	      /* left the queue (%Tw ends) */
	uint64_t connected;   /* connection to the server established (%Tc ends) */
	uint64_t response;    /* whole response head received (%Tr ends) */
	uint64_t close;	      /* last byte (%Tt, %Ta, %Td end) */
	int64_t accept_wall;  /* microseconds since the epoch: %t, %T, %Ts ... */
	int64_t request_wall; /* %tr: first byte of the request */
};

/* Termination state, manual 8.5: each is the letter as logged, '-' for none. */
struct record_flags {
	char cause;	 /* C S P L R I D U K c s - */
	char phase;	 /* R Q C H D L T - */
	char cookie_in;	 /* N I D V E O U - */
	char cookie_out; /* N I U P R D - */
};

struct log_record {
	struct record_times t;
	struct record_flags flags;
	bool http;  /* an HTTP session: %ST and the request line mean something */
	int status; /* sent to the client; -1: none */
	unsigned retries;
	bool redispatched;				/* %rc gets a '+' */
	uint64_t bytes_up;				/* %U: client to server */
	uint64_t bytes_down;				/* %B */
	unsigned act_conn, fe_conn, be_conn, srv_conn;	/* %ac %fc %bc %sc */
	unsigned srv_queue, be_queue;			/* %sq %bq: how many were ahead */
	uint64_t request_counter;			/* %rt */
	struct slice frontend, backend, server;		/* server "<NOSRV>", "<STATS>" */
	struct slice method, uri, path, query, version; /* of the request as received */
	bool bad_request;				/* logs <BADREQ> */
	const struct slice *req_captures;		/* .ptr NULL: nothing captured */
	unsigned req_captures_n;
	const struct slice *res_captures;
	unsigned res_captures_n;
	struct slice cookie_req, cookie_res; /* capture cookie */
	struct slice unique_id;
	const struct sockaddr *server_addr;   /* %si %sp: the server's end; NULL: not connected */
	const struct sockaddr *server_src;    /* %bi %bp: this end of that connection */
	unsigned listener_id;		      /* %cp, %fp of a unix socket */
	uint64_t log_counter;		      /* %lc: lines of this frontend so far */
	struct slice origin;		      /* %OG: "txn_close" ...; empty: "unspec" */
	struct slice error;		      /* %er: why the session failed before it began */
	struct slice tls_version, tls_cipher; /* of the client's connection; empty: no TLS */
	bool frontend_tls;		      /* %ft gets a '~' */
	bool asap; /* written before the end: times and sizes that grow get a '+' */
};

#endif
