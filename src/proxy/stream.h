/* SPDX-License-Identifier: MIT */
/*
 * The stream: one request and its response (HTTP mode), or one connection (TCP mode), from the client's
 * endpoint to a server's. Shared by the stream_*.c files only.
 *
 * A state machine of small steps. stream_run() calls the step of the present state until one says wait or
 * done; steps change s->state and never call the driver. Everything runs on the client's worker.
 */
#ifndef WEIR_SRC_PROXY_STREAM_H
#define WEIR_SRC_PROXY_STREAM_H

#include "client.h"
#include "stream_state.h"
#include "weir/mux/bulk.h"
#include "weir/proxy/log_profile.h"
#include "weir/proxy/process.h"
#include "weir/upstream/idle.h"
#include "weir/upstream/queue.h"

struct stream {
	struct list all; /* proxy_local.stream_list */
	struct worker *worker;
	struct client *cli;
	struct endpoint *ce; /* towards the client */
	struct endpoint *se; /* towards the server, or NULL */
	struct server_conn *sc;
	struct server_conn
	    *sc_left; /* the one before, for what rules and logs ask of its TLS; or NULL */
	struct proxy *fe;
	struct proxy *be; /* NULL until routed */
	struct server *srv;
	struct server *srv_failed; /* avoid it in a redispatch */
	struct queue_ticket *ticket;
	struct server_wait wait; /* of ST_AWAIT */
	struct list on_server;	 /* server_local.streams */
	uint32_t flags;
	uint8_t state;
	uint8_t resume_state;	/* behind ST_REQ_BODY */
	uint64_t since_ms;	/* when the present state was entered */
	uint64_t rule_until_ms; /* how long rules may wait; 0: as long as the client timeout */
	uint64_t client_ms, server_ms; /* last activity of each side */
	struct timer timer;
	struct task again; /* to go on in the next turn */
	struct arena arena;
	struct bulk up_bulk, down_bulk;
	struct http_msg req, res;
	struct http_msg up_trailers, down_trailers;
	struct rule_ctx cx;
	struct rule_cursor cursor;
	struct var_list txn_vars, req_vars, res_vars;
	unsigned calls;			       /* of stream_run() */
	uint64_t cpu_ns, lat_ns, run_start_ns; /* profiling.tasks; start 0: not running */
	uint32_t se_flags, se_requests;	       /* of the server's endpoint when it was left */
	struct rule_reply reply;
	struct persist_state persist;
	struct log_record rec;
	struct slice *captures; /* request slots, then response slots */
	uint64_t id;
	uint64_t head_up, head_down; /* bytes of heads, for the counts */
	unsigned conn_tries;	     /* left */
	struct slice joined;	     /* payload of several pieces, for rules */
	unsigned interims;	     /* heads of status 1xx that have come */
	unsigned body_wait_bytes;
	uint64_t body_wait_ms;
	struct proxy_timeouts timeout; /* of fe and be, as rules changed them */
	int log_level;		       /* -1: by outcome */
	int prio_class, prio_offset_ms;
	int retries; /* set-retries; -1: the backend's */
	int bc_tos;  /* of the connection to the server; -1: none */
	uint32_t bc_mark;
	struct net_peer dst;		/* as the kernel says; AF_UNSPEC: not asked yet */
	const struct net_peer *dst_set; /* by a rule; the source is cx.src */
	uint16_t bc_error;		/* errno of the last failed connection to a server */
	bool has_waited;		/* for a connection that another stream opened */
	bool early;			/* the request was sent as early data */
	bool no_early;			/* it was refused as such */
	bool early_marked;		/* it has our Early-Data field */
	uint8_t bc_fault;		/* enum tls_fault of that connection */
	struct http_hdr *hdrs;		/* both tables: 2 * maxhdr entries behind the struct */
	struct inflow up, down; /* payload towards the server, the client; last: not zeroed */
};

typedef enum step stream_step(struct stream *s);

/* A stream for ep of cli, which has bytes of a request (HTTP) or was accepted (TCP). NULL: no memory. */
struct stream *stream_new(struct client *cli, struct endpoint *ep);
/* Runs it as far as it goes; s may be gone afterwards. */
void stream_run(struct stream *s);
/* Ends one that has not begun: the connection failed before its session. Logged with why (static text). */
void stream_refused(struct stream *s, const char *why);
void stream_wake(struct endpoint *ep);
/* Ends a stream from outside (admin, server down): an answer if the client can still get one. */
void stream_abort(struct stream *s, char cause);
/* The same without a word: the worker is ending. */
void stream_kill(struct stream *s, char cause);

/* ---- steps, by file ---- */
stream_step step_req_head, step_fe_rules, step_be_rules, step_req_body,
    step_tarpit;						/* stream_request.c */
stream_step step_fe_content, step_be_content, step_res_content; /* stream_content.c */
stream_step step_route;						/* stream_route.c */
stream_step step_assign, step_queue, step_pause;		/* stream_assign.c */
stream_step step_await, step_connect, step_connecting;		/* stream_server.c */
stream_step step_res_head, step_res_rules;			/* stream_response.c */
stream_step step_forward, step_tunnel;				/* stream_forward.c */
stream_step step_reply;						/* stream_reply.c */

/* ---- what they share ---- */
void stream_enter(struct stream *s, enum stream_state state);
/* Gives the session its number for %rt. */
void stream_number(struct stream *s);
/* Sets cause and phase of the termination state unless they are set: the first event is the reason. */
void stream_flag(struct stream *s, char cause, char phase);

/* Answers with an error of weir's own: status 0 closes without one. Returns what the step returns. */
enum step stream_error(struct stream *s, unsigned status, char cause, char phase);
/* Sends the reply that rules made (cx.reply). */
enum step stream_rule_reply(struct stream *s, char cause, char phase);
/* A verdict other than RULES_NEXT and RULES_WAIT, turned into the next state. */
enum step stream_verdict(struct stream *s, enum rule_verdict v, bool response);
/* The request head, as weir adds to it on its way out (forwardfor and the like). 0 or -ENOMEM. */
int stream_finish_request(struct stream *s);

/* Whether the client is gone for good; a mere FIN counts only under option abortonclose. */
bool stream_client_gone(const struct stream *s);
/* Ends the stream of such a client. */
enum step stream_client_aborted(struct stream *s, char phase);

/* Waits for the body, as far as the buffer goes, then enters next. */
enum step stream_wait_body(struct stream *s, enum stream_state next);
/* Payload that was received, in one piece: of several a copy, which *joined keeps until there is more. */
struct slice stream_payload(struct stream *s, const struct inflow *in, struct slice *joined);
/* Gives what is there of the body to rules and balancing. */
void stream_show_body(struct stream *s);

/* Bytes by which rules may make the head longer. */
struct slice stream_unique_id(struct stream *s);
unsigned stream_rewrite_room(const struct stream *s, const struct http_msg *m);
/* stream_cacheable.c: "option checkcache": whether the response has a cookie that a cache may give to others. */
bool stream_leaks_cookie(const struct stream *s);
/* Gives what is there of the response's payload to rules. */
void stream_show_response(struct stream *s);
/* TCP: whether "tcp-response content" lets the response pass; else returns what the step returns. */
bool stream_inspect_response(struct stream *s, enum step *ret);
/* The client's connection goes on as HTTP, with state as the next one. */
enum step stream_switch_to_http(struct stream *s);
/* The client is gone while the server is at work. */
enum step stream_client_left(struct stream *s, char cause);

/* Moves payload one way; false when the sink failed. */
bool stream_push_up(struct stream *s);
bool stream_push_down(struct stream *s);

/* How often this stream may be tried again. */
static inline int stream_retries(const struct stream *s)
{
	return s->retries >= 0 ? s->retries : MAX(s->be->retries, 0);
}

bool stream_wants_redispatch(const struct stream *s);
/* Leaves the server: connection back or closed, slot released. keep: if the protocol allows it. */
void stream_leave_server(struct stream *s, bool keep);
/* The connection will be left while rules and logs may still ask of its TLS. */
void stream_hold_connection(struct stream *s);
/* Counts s as on be (gauges, fullconn). */
void stream_count_backend(struct stream *s);
/* How many there are for the log line; a stream that ends counts itself no more where it leaves. */
void stream_note_gauges(struct stream *s, bool ending);
/*
 * stream_preface.c: what a new connection starts with (PROXY header, SOCKS4 request for `to`). 0, -ENOMEM, or
 * -EAFNOSUPPORT where SOCKS4 knows no such address.
 */
/* What it wants of its connection to s->srv; texts are in its arena. 0 or -errno. */
int stream_wish(struct stream *s, struct server_wish *ret);
int stream_make_preface(struct stream *s, struct server_conn *sc, const struct net_addr *to);
/* Sends it on the connection that has come about. 1: the request may follow, 0: wait, -errno: refused. */
int stream_preface_step(struct stream *s);

/* ---- stream_logline.c ---- */

/* The log line of a step, if there is one at that step. */
void stream_log(struct stream *s, enum log_step step);
void stream_do_log(struct stream *s, enum rules_kind kind, const struct log_profile *profile);

void stream_count_end(struct stream *s);
/* The client's message, or the server's, broke the protocol: kept for "show errors". */
void stream_capture_error(struct stream *s, bool response);

static inline uint64_t stream_now_us(const struct stream *s)
{
	return s->worker->clock.mono_us;
}

/* Bytes of its request have come already. */
static inline bool stream_has_input(const struct stream *s)
{
	return s->ce != &s->cli->m.ep || mux1_has_bytes(&s->cli->m);
}

static inline bool stream_is_http(const struct stream *s)
{
	return s->cli->http;
}

static inline struct counters *fe_counters(const struct stream *s)
{
	return frontend_counters(s->fe, s->worker);
}

#endif
