/* SPDX-License-Identifier: MIT */
/*
 * Expressions, conditions, rules and log formats: compiled when the configuration is read, evaluated without
 * malloc against a struct rule_ctx, which the layer above fills. This module decides; it never touches a
 * connection: what a rule wants done comes back as a verdict and a reply.
 */
#ifndef WEIR_RULE_RULE_H
#define WEIR_RULE_RULE_H

#include "weir/base/arena.h"
#include "weir/conf/conf.h"
#include "weir/event/worker.h"
#include "weir/http/http.h"
#include "weir/net/addr.h"
#include "weir/rule/host.h"
#include "weir/rule/sample.h"
#include "weir/rule/var.h"
#include "weir/telemetry/record.h"

/* ---- evaluation ---- */

/* Where an expression may be evaluated: a fetch's row says where it is valid (manual 7.3). */
#define RULE_AT_CONN	 0x0001u /* tcp-request connection: addresses */
#define RULE_AT_SESS	 0x0002u /* tcp-request session: PROXY header and TLS done */
#define RULE_AT_REQ_BUF	 0x0004u /* raw request bytes: tcp-request content */
#define RULE_AT_REQ_HTTP 0x0008u /* request head */
#define RULE_AT_RES_BUF	 0x0010u
#define RULE_AT_RES_HTTP 0x0020u
#define RULE_AT_LOG	 0x0040u
#define RULE_AT_BACKEND	 0x0080u /* together with others: a backend is known */
#define RULE_AT_CLI	 0x0100u
#define RULE_AT_CHECK	 0x0200u /* a health check */
#define RULE_AT_REQ	 (RULE_AT_REQ_BUF | RULE_AT_REQ_HTTP)

struct rule_reply;

/* One evaluation's surroundings; lives in the stream (or the connection for the first two phases). */
struct rule_ctx {
	const struct rule_host *host;
	void *stream; /* handed to host */
	struct worker *worker;
	struct arena *arena; /* results live here: until the stream ends */
	const struct net_peer *src;
	struct http_msg *req; /* NULL before the head is there and in TCP mode */
	struct http_msg *res;
	struct slice req_buf; /* raw bytes, in content rules; the body in HTTP once waited for */
	struct slice res_buf;
	unsigned at; /* RULE_AT_* of this moment */
	bool
	    req_final; /* no more bytes will come or be waited for: inspect-delay over, buffer full */
	bool res_final;
	struct rule_reply *reply; /* what a rule wants sent, with RULES_REPLY and RULES_DENY */
	unsigned tarpit_status;
	uint64_t wait_ms;	  /* RULES_WAIT: longest wait, 0: as long as the phase allows */
	bool proxy_auth;	  /* the request is to a proxy: Proxy-Authorization and 407 */
	bool wait_body;		  /* RULES_WAIT is for more of the body */
	bool expect_proxy;	  /* a rule wants a PROXY header in front of the client's bytes */
	unsigned value_max;	  /* bytes of a text that converters made longer; 0: VALUE_MAX */
	unsigned failed_rewrites; /* header tables that were full */
	unsigned
	    rewrite_room; /* bytes by which rules may still make the head longer; 0: no bound */
	unsigned rst_ttl; /* RULES_DROP: reset with this TTL; 0: without a word */
	bool lax;	  /* strict-mode off: a failed rewrite is no error; of this list */
	struct http_msg *hints; /* 103 that early-hint rules are making; NULL: none */
	struct var_stores vars;

	/* Private to this module; zero to start. */
	struct http_target target; /* parts of target_of, as long as the request's target is that */
	const char *target_of;
	size_t sniffed;	  /* bytes of a TCP connection that were looked at for a request */
	bool sniffed_bad; /* they are none */
	const struct http_hdr *host_hdr; /* first Host field; NULL: none in host_seen entries */
	unsigned host_seen;
	bool host_alone;			 /* there is no second one among them */
	void *regex_scratch;			 /* of the regex library, from arena */
	const struct rule *last_final, *waiting; /* for last_entity, waiting_entity */
	unsigned acl_depth;			 /* ACLs that name ACLs */
	struct rule_memo *memo;			 /* during a run of conditions, else NULL */
};

struct rule_reply_hdr {
	struct slice name, value;
};

/* What the client shall get; memory of the stream's arena or the configuration. */
struct rule_reply {
	unsigned status;
	bool plain;	    /* only the status counts: errorfile or generated page of that status */
	const void *errors; /* with plain: of this http-errors section, if it has one */
	struct slice content_type; /* empty: none */
	struct slice body;
	const char *file_raw; /* a complete raw response (errorfile), instead of the fields above */
	size_t file_raw_len;
	const struct rule_reply_hdr *hdrs;
	unsigned hdrs_n;
	bool hdrs_first; /* in front of content-length and content-type; else behind them */
	bool close;	 /* the connection shall not be kept */
};

/* ---- expressions ---- */

struct expr;

/*
 * Compiles words starting at line->argv[*arg] ("src", "hdr(host),lower"); *arg moves behind them. where: the
 * moments at which it will be evaluated; a fetch that is valid at none of them is an error. NULL after
 * conf_error().
 */
struct expr *expr_parse(struct conf *conf, const struct conf_line *line, int *arg, unsigned where);
/* From one string. */
struct expr *expr_parse_text(
    struct conf *conf, const struct conf_line *line, int arg, const char *text, unsigned where);
/* False: no value (or not yet: ret->may_change). Result is cast to `to` unless SMP_ANY. */
bool expr_eval(const struct expr *e, struct rule_ctx *cx, enum sample_type to, struct sample *ret);

/* The converters of e alone, applied to *ret instead of what its fetch would give. */
bool expr_convert(
    const struct expr *e, struct rule_ctx *cx, enum sample_type to, struct sample *ret);

/* ---- conditions ---- */

/* Named ACLs of one proxy; those of a defaults section are found through parent. */
struct acl_scope;
struct acl_scope *acl_scope_new(struct arena *arena, const struct acl_scope *parent);
/*
 * How "capture ... len N" gets a slot: add() returns its number, or -1. Scopes without it refuse such rules.
 * Call before rules are added.
 */
void acl_scope_on_capture(
    struct acl_scope *scope, int (*add)(void *proxy, bool response, unsigned len), void *proxy);
/* How "errorfiles <section>" gets that section, which may stand further down; what it returns is a reply's errors. */
typedef const void *errors_find_fn(
    void *user, struct conf *conf, const struct conf_line *line, int arg);
void acl_scope_on_errors(struct acl_scope *scope, errors_find_fn *find, void *user);
/*
 * Expressions that name ACLs (fetch "acl", converter "when") look them up here from now on. Rules and ACLs that are
 * added do this by themselves.
 */
void acl_scope_use(struct conf *conf, struct acl_scope *scope);
/* How "do-log profile" gets its profile: find() returns what do_log() of the host is given; NULL: no memory. */
void acl_scope_on_log_profile(struct acl_scope *scope,
    void *(*find)(void *owner, const char *name, struct conf_pos pos), void *owner);
/* "acl NAME expr ..." from line->argv[arg] on. 0 or -1, told. */
int acl_add(struct conf *conf, const struct conf_line *line, int arg, struct acl_scope *scope);

struct cond;

/*
 * "if ..." or "unless ..." at line->argv[arg] to the end of the line. NULL with *ret_ok true when the line ends
 * there (no condition). ACLs stand in front of the conditions that name them.
 */
struct cond *cond_parse(struct conf *conf, const struct conf_line *line, int arg,
    struct acl_scope *scope, unsigned where, bool *ret_ok);
/* 1 true, 0 false, -1 not known yet (bytes are missing). A NULL condition is true. */
int cond_eval(const struct cond *c, struct rule_ctx *cx);

/* ---- userlists ---- */

extern const struct conf_section section_userlist;
/* When all is read: lists that are named and not there, groups and users that name each other. 0 or -1, told. */
int userlists_finish(struct conf *conf);

/* ---- rules ---- */

/* A list of rules of one kind, in order. Zeroed is empty. */
struct ruleset {
	struct rule *first;
	struct rule **last; /* NULL while empty */
	unsigned count;
};

/* Sides of the proxy that rules belong to. */
#define RULES_FRONTEND 0x1u
#define RULES_BACKEND  0x2u

/*
 * Compiles one rule: line->argv[arg] is the action ("deny", "set-header" ...), and appends it. 0 or -1, told.
 */
int rule_add(struct conf *conf, const struct conf_line *line, int arg, enum rules_kind kind,
    struct ruleset *set, struct acl_scope *scope, unsigned sides);
/* "redirect ..." as a keyword of its own (same as http-request redirect). */
int rule_add_redirect(struct conf *conf, const struct conf_line *line, int arg, struct ruleset *set,
    struct acl_scope *scope);

/* Whether a rule of the set has that action. */
bool ruleset_has(const struct ruleset *set, const char *action);

enum rule_verdict {
	RULES_NEXT,	    /* all done or accepted: go on */
	RULES_WAIT,	    /* call again with the same cursor when something changed */
	RULES_REPLY,	    /* send cx->reply (return, redirect); the request is answered */
	RULES_DENY,	    /* refuse: cx->reply says with what */
	RULES_TARPIT,	    /* hold for timeout tarpit, then cx->reply */
	RULES_CLOSE,	    /* reject: close without an answer */
	RULES_DROP,	    /* silent-drop: close without a word to the client */
	RULES_ERROR,	    /* internal error, out of memory: 500 */
	RULES_INVALID,	    /* the request is bad: 400 */
	RULES_TIMEOUT,	    /* what was waited for did not come: 408, or 504 for a response */
	RULES_CLOSE_SERVER, /* what has come goes on to the client, then both connections end */
	RULES_HTTP,	    /* switch-mode: the connection goes on as HTTP */
};

/* Where a list was left; zero to start. */
struct rule_cursor {
	const struct rule *rule;
	bool started;
	uint64_t since_ms; /* when the present rule began to wait */
	uintptr_t state;   /* of the action that waits; not 0 then */
};

/* ---- replies that the configuration makes ---- */

struct reply_spec;

/*
 * The words of "http-error" from line->argv[arg] to the end of the line. *ret_reset: "default-errorfiles". NULL after
 * conf_error().
 */
struct reply_spec *reply_spec_parse(struct conf *conf, const struct conf_line *line, int arg,
    struct acl_scope *scope, unsigned where, bool *ret_reset);
unsigned reply_spec_status(const struct reply_spec *spec);
/* In cx->arena; NULL when memory is short. */
struct rule_reply *reply_make(const struct reply_spec *spec, struct rule_ctx *cx);

/* Runs the rules from the cursor on. Worker thread; no malloc but cx->arena. */
enum rule_verdict rules_run(const struct ruleset *set, struct rule_ctx *cx, struct rule_cursor *at);

/* ---- log formats ---- */

struct logfmt;

#define LOGFMT_LOG                                                                                 \
	0x01u /* for a log line: aliases of the record, values quoted and escaped for logs */
#define LOGFMT_HTTP 0x02u /* for a header value or body: no truncation marks */
#define LOGFMT_TCP  0x04u /* of a proxy in TCP mode: aliases about HTTP are refused */

struct logfmt *logfmt_parse(struct conf *conf, const struct conf_line *line, int arg,
    const char *text, unsigned where, unsigned flags);
/* Writes at most cap bytes, no NUL; returns the length. */
size_t logfmt_write(const struct logfmt *f, struct rule_ctx *cx, char *out, size_t cap);
/* What a record has to hold for it; 0 for NULL. */
#define LOGFMT_NEEDS_SERVER_ENDS 0x1u /* server_addr, server_src */
#define LOGFMT_NEEDS_END	 0x2u /* what is only known when the session has ended */
unsigned logfmt_needs(const struct logfmt *f);
/* The constant text when the format has no variable part; .ptr NULL otherwise. */
struct slice logfmt_constant(const struct logfmt *f);

/* The formats of "option tcplog [clf]", "option httplog [clf]" and so on, as log-format texts. */
extern const char logfmt_text_tcp[], logfmt_text_tcp_clf[], logfmt_text_http[], logfmt_text_clf[],
    logfmt_text_https[], logfmt_text_connect[], logfmt_text_error[];

#endif
