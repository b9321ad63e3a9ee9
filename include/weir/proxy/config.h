/* SPDX-License-Identifier: MIT */
/*
 * A whole configuration: built by one thread, then immutable and reference-counted. Workers hold the present
 * one, streams the one they started with; the last reference frees it.
 */
#ifndef WEIR_PROXY_CONFIG_H
#define WEIR_PROXY_CONFIG_H

#include "weir/base/htab.h"
#include "weir/conf/conf.h"
#include "weir/mux/mux2.h"
#include "weir/proxy/global_h2.h"
#include "weir/proxy/global_tls.h"
#include "weir/proxy/ocsp_update.h"
#include "weir/proxy/proxy.h"
#include "weir/rule/patterns.h"
#include "weir/tls/transport.h"
#include "weir/upstream/server_tls.h"

/* The global section's values. */
struct global_conf {
	unsigned nbthread; /* 0: as many as CPUs */
	unsigned maxconn;  /* 0: computed from the descriptor limit */
	unsigned ulimit_n;
	unsigned fd_hard_limit;
	bool daemon, master_worker, quiet, zero_warning, debug;
	const char *user_name, *group_name;
	int uid, gid; /* -1: unchanged */
	const char *chroot;
	const char *pidfile;
	const char *node, *description;
	const char *setcap;
	const char *unix_bind_prefix;
	unsigned unix_bind_mode;
	int unix_bind_uid, unix_bind_gid;
	struct log_set logs;
	bool log_send_hostname;
	const char *log_hostname; /* NULL: the system's */
	const char *log_tag;
	struct bind_conf *stats_sockets, **stats_sockets_last;
	unsigned stats_maxconn;
	unsigned stats_timeout_ms;
	unsigned hard_stop_after_ms;
	unsigned grace_ms;
	unsigned close_spread_ms;
	const char *localpeer;
	const char *server_state_base, *server_state_file;
	unsigned spread_checks; /* percent */
	unsigned max_spread_checks_ms;
	unsigned maxconnrate, maxsessrate;
	unsigned maxpipes;
	bool nosplice, noreuseport, noepoll, strict_limits;
	bool busy_polling;
	struct cpu_map {
		struct cpu_map *next;
		uint64_t threads; /* mask of workers */
		bool automatic;
		uint64_t cpus[16];
	} * cpu_maps;

	/* tune.* */
	unsigned bufsize, maxrewrite, maxhdr, maxpollevents, maxaccept, logurilen, cookielen;
	unsigned pipesize, runqueue_depth, cli_payload;
	unsigned rcvbuf_client, rcvbuf_server, sndbuf_client, sndbuf_server;
	unsigned fail_alloc;	/* percent */
	unsigned buffers_limit; /* per process; 0: none */
	unsigned idletimer_ms;
	unsigned pool_low_conn, pool_high_fd_ratio, pool_low_fd_ratio;
	bool h1_zero_copy;
	bool profiling_tasks;	/* profiling.tasks on */
	struct var_limits vars; /* tune.vars.* */
	struct tls_tune tls;
	struct ocsp_update_conf ocsp;
	struct mux2_conf h2_fe, h2_be; /* tune.h2.* */

	/* more of the process */
	unsigned thread_hard_limit; /* 0: none */
	unsigned mworker_max_reloads;
	bool no_exit_on_failure;
	bool dumpable, insecure_setuid;

	struct global_tls ssl;
	struct global_h2 h2;
};

struct config {
	atomic_uint refs;
	struct arena arena;
	struct global_conf global;
	struct proxy *proxies, **proxies_last; /* in the order of the files */
	struct htab frontends, backends;       /* by name */
	unsigned proxies_n;
	unsigned workers; /* threads that will run it */
	int64_t loaded_wall_s;
	struct server_tls_env server_tls; /* of the global section, for all servers */
	struct http_errors *http_errors;  /* linked by next */
	struct log_profile *log_profiles; /* linked by next */
	struct proxy *defaults; /* sections read so far, the last one first; linked by next */
	bool attached;		/* config_attach() was called */
	struct pattern_store *patterns; /* of its ACLs and maps; NULL: there are none */
	struct ring_conf *rings, **rings_last;
	struct log_ref *log_refs; /* targets that name a ring or a log backend */
	struct log_forward *log_forwards, **log_forwards_last;
	unsigned own_rings; /* targets that got a ring of their own: its number */
	struct tls_parts tls;
};

struct config *config_new(void);
struct config *config_ref(struct config *c);
/* w: the calling worker, or worker 0 while none runs; NULL for one that was never attached. */
void config_unref(struct worker *w, struct config *c);

/*
 * Ties a finished configuration to what runs: finds or makes the runtime objects of its frontends, backends and
 * servers, which are given back when its last reference goes. Main thread at start, worker 0 in a reload. 0, or
 * -errno, told to diag.
 */
int config_attach(struct worker_group *g, struct config *c, struct diag *diag);

struct proxy *config_frontend(const struct config *c, const char *name);
struct proxy *config_backend(const struct config *c, const char *name);
/* Frontend or backend by name or "#id". */
struct proxy *config_proxy(const struct config *c, const char *name, unsigned caps);

/* Sections and keyword tables of this module, for struct conf_setup. conf_user() must be the struct config. */
extern const struct conf_section section_defaults, section_frontend, section_backend,
    section_listen, section_http_errors, section_crt_store;
extern const struct conf_keyword *const proxy_keyword_tables[];

/*
 * After conf_read(): resolves names between proxies, checks what belongs together, warns, compiles log
 * formats, sorts servers. 0 or -1, told.
 */
int config_finish(struct conf *conf, struct config *c);

/* "bind" and "stats socket" words: addresses at line->argv[arg]; options behind. Appends to *last. 0 or -1. */
int bind_parse(struct conf *conf, const struct conf_line *line, int arg, struct proxy *fe,
    struct bind_conf ***last);
extern const struct conf_option bind_options[], bind_ssl_options[];

/* "log ..." of a proxy or the global section. 0 or -1. */
int log_conf_parse(struct conf *conf, const struct conf_line *line, int arg, struct log_set *set,
    bool *ret_global, bool is_global);

/* Defaults that the manual gives. */
void global_conf_init(struct global_conf *g);

#endif
