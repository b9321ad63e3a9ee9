/* SPDX-License-Identifier: MIT */
/*
 * A proxy as configured: frontend, backend, or both (listen). Immutable once the configuration is loaded; what
 * runs and is counted hangs off struct proxy_rt and struct backend_rt, which live on through reloads.
 */
#ifndef WEIR_PROXY_PROXY_H
#define WEIR_PROXY_PROXY_H

#include "weir/base/htab.h"
#include "weir/mux/mux2.h"
#include "weir/net/socket.h"
#include "weir/proxy/error_reply.h"
#include "weir/proxy/options.h"
#include "weir/rule/rule.h"
#include "weir/telemetry/counters.h"
#include "weir/telemetry/log.h"
#include "weir/upstream/backend.h"
#include "weir/upstream/persist.h"
#include "weir/upstream/upstream_conf.h"

struct config;
struct proxy;
struct proxy_build;
struct listener;
struct bind_ssl;
struct ssl_use;
struct tls_bind;

#define PROXY_FE 0x1u /* has a frontend side */
#define PROXY_BE 0x2u

enum proxy_mode {
	PROXY_TCP,
	PROXY_HTTP,
	PROXY_CLI,    /* the admin frontend "GLOBAL" */
	PROXY_LOG,    /* a backend of log servers */
	PROXY_SYSLOG, /* what a log-forward section listens with */
};

/* Milliseconds; 0: not set (no limit). */
struct proxy_timeouts {
	unsigned client, server, connect, queue, check, tunnel, client_fin, server_fin;
	unsigned http_request, http_keep_alive, tarpit, client_hs;
};

/* X-Forwarded-For and X-Original-To. */
struct forward_header {
	struct slice name; /* lower case */
	bool if_none;
	const struct net_cidr *except; /* NULL: none */
};

/* "option forwarded": which parameters and from what (RFC 7239). */
struct forwarded_conf {
	bool proto;
	bool host, by, by_port, for_, for_port; /* whether it is written at all */
	struct expr *host_expr, *by_expr, *by_port_expr, *for_expr,
	    *for_port_expr; /* NULL: the default */
};

/* "capture request header" and the like. */
struct capture_conf {
	struct capture_conf *next;
	struct slice name; /* lower case; empty: "declare capture" slot */
	unsigned len;
	unsigned slot;
};

/* "use_backend X if ...", "use-server X if ...", "force-persist if ...", "monitor fail if ...": in order. */
struct switch_rule {
	struct switch_rule *next;
	struct cond *cond;
	const char *name;	/* as written */
	struct logfmt *dynamic; /* name with variables, or NULL */
	struct proxy *backend;	/* resolved use_backend */
	struct server *server;	/* resolved use-server */
	struct conf_pos pos;
};

/* What is counted of one listener, with "option socket-stats". */
struct bind_stats {
	struct gauges g;
	struct counters *counters; /* one a worker */
};

enum bind_proto {
	BIND_PROTO_AUTO, /* HTTP: as ALPN or the first bytes say */
	BIND_PROTO_H1,
	BIND_PROTO_H2,
	BIND_PROTO_NONE, /* of mode tcp, where it is the same as auto */
};

/* One "bind" address. */
struct bind_conf {
	struct bind_conf *next;
	struct proxy *fe;
	const char *name; /* "name" option, or NULL */
	unsigned id;
	struct net_addr addr; /* one address, one port: ranges were expanded */
	int fd;		      /* inherited descriptor, or -1 */
	bool datagram;	      /* log-forward: dgram-bind, udp@ */
	struct net_listen_opts listen;
	unsigned maxconn;
	unsigned idle_ping_ms; /* of HTTP/2 connections; 0: never */
	int nice;	       /* -1024..1024 */
	bool accept_proxy;
	uint8_t proto;	      /* enum bind_proto */
	struct tls_bind *tls; /* "ssl"; or NULL */
	uint64_t threads;     /* mask of workers that serve it; 0: all */
	unsigned shards;      /* 0: one a worker */
	uint8_t cli_level;    /* stats socket: enum cli_level, */
	uint8_t cli_severity;
	struct bind_ssl *ssl; /* the TLS options of its line, or NULL; while the files are read */
	struct conf_pos pos;
	struct listener *listener; /* what runs */
	struct bind_stats *stats;  /* its counters, or NULL */
};

struct proxy {
	const char *name;
	unsigned id;
	bool id_set;
	unsigned caps; /* PROXY_FE | PROXY_BE */
	bool is_listen;
	enum proxy_mode mode;
	uint64_t options;
	struct proxy *next; /* in the order of the files */
	struct config *config;
	struct conf_pos pos;
	struct htab_node node;	  /* by name, among the frontends of the config */
	struct htab_node be_node; /* among the backends */
	const char *description;
	struct arena *arena;

	struct proxy_timeouts timeout;
	struct proxy_build *build; /* while the files are read, then NULL */

	/* frontend */
	struct bind_conf *binds, **binds_last;
	struct ssl_use *ssl_uses, **ssl_uses_last;
	unsigned maxconn;
	unsigned backlog;
	unsigned rate_limit; /* sessions a second; 0: none */
	struct switch_rule *use_backend, **use_backend_last;
	struct switch_rule *force_be_switch, **force_be_switch_last;
	const char *default_backend_name;
	struct proxy *default_backend;
	struct slice monitor_uri;
	struct switch_rule *monitor_fail, **monitor_fail_last;
	struct capture_conf *req_captures, *res_captures;
	unsigned req_captures_n, res_captures_n;
	struct slice capture_cookie;
	unsigned capture_cookie_len;
	struct logfmt *unique_id_format;
	struct slice unique_id_header;

	/* rules of either side */
	struct acl_scope *acls;
	struct ruleset rules[RULES_KIND_N];
	unsigned inspect_delay_ms;     /* tcp-request inspect-delay */
	unsigned res_inspect_delay_ms; /* tcp-response inspect-delay */

	/* logs */
	struct log_set logs;
	bool logs_global; /* "log global" */
	struct logfmt *log_format, *error_log_format, *log_format_sd;
	struct logfmt *session_error_format; /* of connections that failed before their session */
	const char
	    *log_format_text; /* one of logfmt_text_* or the user's; compiled when all is read */
	const char *error_log_format_text, *log_format_sd_text;
	struct conf_pos log_format_pos, error_log_format_pos, log_format_sd_pos;
	const char *log_tag;
	unsigned
	    log_steps; /* bit an enum log_step at which lines are written; 0: one line, at its time */

	/* headers */
	struct forward_header forwardfor, originalto;
	struct forwarded_conf forwarded;
	struct error_reply errors[ERROR_REPLY_N];

	/* backend */
	struct backend be;
	struct server *servers; /* being read, linked by next */
	struct server_defaults *server_defaults;
	int retries; /* default 3 */
	unsigned retry_on;
	int redispatch_interval; /* 0: last retry only; manual of option redispatch */
	enum reuse_mode reuse;
	enum header_names header_names;
	struct httpchk_conf *httpchk, *tcpchk; /* being read; be.httpchk when finished */
	unsigned max_keep_alive_queue;
	struct switch_rule *use_server, **use_server_last;
	struct switch_rule *force_persist, **force_persist_last;
	atomic_bool
	    unpublished; /* be-unpublished, or by command: other proxies do not switch to it */
	struct switch_rule *ignore_persist, **ignore_persist_last;
	struct net_connect_opts source; /* "source" of the backend, for servers without their own */
	bool has_source;
	struct net_addr source_addr; /* source.source points here when set */
	enum source_use source_use;
	const char *source_hdr;
	int source_hdr_occ;
	const char *rdp_persist;       /* persist rdp-cookie(name) */
	struct expr *rdp_persist_expr; /* the same, compiled by config_finish() */
	bool has_dispatch;
	struct net_addr dispatch;
	struct slice send_name_header; /* http-send-name-header */
	unsigned clitcpka_cnt, clitcpka_idle_s, clitcpka_intvl_s;
	unsigned srvtcpka_cnt, srvtcpka_idle_s, srvtcpka_intvl_s;

	struct log_backend *log_backend; /* of mode log */

	struct proxy_rt *rt;
	/* hot: derived when the configuration is finished */
	bool needs_dst; /* somebody wants the local address */
	bool logs_anything;
	bool logs_early;       /* the one line of a session needs not wait for its end */
	bool logs_server_ends; /* a log format has %si, %sp, %bi or %bp */
	bool has_req_rules, has_res_rules;
};

/* Lives on through reloads; found by name and side. */
struct proxy_rt {
	char *name;
	atomic_uint refs;
	atomic_uint fe_conns WEIR_CACHE_ALIGNED; /* present connections, against maxconn */
	atomic_uint maxconn;			 /* "set maxconn frontend" */
	struct gauges g;
	struct counters *counters; /* of the frontend, one a worker */
	struct mux2_counters *h2;  /* of its clients' HTTP/2 connections, one a worker */
	atomic_ullong rate_word;   /* rate-limit sessions: second << 32 | sessions in it */
	atomic_int state;	   /* enum proxy_state */
	atomic_uint paused;	   /* listeners that wait for a free connection */
	atomic_ullong log_lines;   /* %lc */
};

enum proxy_state {
	PROXY_RUNNING,
	PROXY_PAUSED,  /* "disable frontend" */
	PROXY_STOPPED, /* "shutdown frontend", soft stop */
};

static inline struct counters *frontend_counters(const struct proxy *fe, const struct worker *w)
{
	return &fe->rt->counters[w->id];
}

#endif
