/* SPDX-License-Identifier: MIT */
/*
 * A check that runs: check_run.c takes it from step to step, check_connect.c makes its connections.
 */
#ifndef WEIR_UPSTREAM_CHECK_RUN_H
#define WEIR_UPSTREAM_CHECK_RUN_H

#include "check_internal.h"
#include "weir/net/conn.h"

enum run_state {
	RUN_IDLE,
	RUN_CONNECTING,
	RUN_PREFACE,   /* the SOCKS4 proxy is to answer */
	RUN_HANDSHAKE, /* of TLS */
	RUN_SENDING,
	RUN_RECEIVING,
};

struct check_run {
	struct server *s;
	struct worker *worker;
	enum run_state state;
	struct timer next;     /* start of the next check */
	struct timer deadline; /* of the one under way */
	struct conn conn;
	struct check_h2 *h2; /* over conn, while it speaks HTTP/2 */
	uint64_t started_us;
	uint32_t random;	       /* for spread-checks */
	const struct check_step *step; /* the one under way; NULL: the check is over */
	struct strbuf out;
	size_t sent;
	struct check_response *in;  /* while there is an answer to read */
	struct check_verdict found; /* by the last step that found something */
	bool to_proxy;		    /* the connection goes to the SOCKS4 proxy */
	struct net_addr target;
	/* of the formats and variables of one check */
	struct arena arena;
	struct var_list sess_vars, check_vars;
	struct rule_ctx cx;
};

/* ---- check_run.c ---- */

/* Ends the check as failed, at the present step. */
void check_fail(struct worker *w, struct check_run *r, enum check_status status, const char *text);
void check_fail_errno(struct worker *w, struct check_run *r, int error);
/* Closes the connection and frees what belongs to it. */
void check_drop_connection(struct check_run *r);
/* True: all of r->out was sent. False: wait for an event, or it failed, which was told. */
bool check_send_out(struct worker *w, struct check_run *r);
/* From the present step, which is done, to the next one that has to wait, or to the end. */
void check_take_steps(struct worker *w, struct check_run *r);
/* Something happened on the connection, which is established. */
void check_on_event(struct conn *c);

/* ---- check_h2.c ---- */

/* Whether the connection of the present step, which is there, speaks HTTP/2. */
bool check_speaks_h2(const struct check_run *r);
/* Puts HTTP/2 over it. 0 or -ENOMEM. */
int check_h2_start(struct check_run *r);
/* Takes it away; conn is closed. Harmless without it. */
void check_h2_drop(struct check_run *r);
/* Sends the request in r->out. 0: done; -EAGAIN: wait; or -errno, -EINVAL: it is none. */
int check_h2_send(struct check_run *r);
/* What has come of the answer goes to r->in, as HTTP/1. 0 or -errno, if nothing has. */
int check_h2_read(struct check_run *r);

/* ---- check_connect.c ---- */

/* The step "connect". */
void check_connect(struct worker *w, struct check_run *r);

#endif
