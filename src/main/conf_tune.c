/* SPDX-License-Identifier: MIT */
/*
 * Keywords of the global section about limits and tuning that mean something in weir (configuration manual
 * 3.2). Values that need others to be right are checked when all is read, in limits.c.
 */
#include "conf_global.h"

const struct conf_keyword global_limit_keywords[] = {
	{ "maxconn", CONF_GLOBAL, 0, 1, 1, global_set_number, GLOBAL_NUMBER(maxconn, 0, INT32_MAX),
	    "<number>",
	    "most client connections of the process; from the descriptor limit unless set" },
	{ "ulimit-n", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(ulimit_n, 0, INT32_MAX), "<number>",
	    "descriptor limit; computed unless set" },
	{ "fd-hard-limit", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(fd_hard_limit, 1, INT32_MAX), "<number>",
	    "most descriptors that computed limits use; default 1048576" },
	{ "strict-limits", CONF_GLOBAL, CONF_MAY_NEGATE, 0, 0, global_set_flag,
	    GLOBAL_FIELD(strict_limits), "",
	    "a limit that cannot be raised is an error; the default" },
	{ "maxconnrate", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(maxconnrate, 0, INT32_MAX), "<number>",
	    "most new connections a second of the process" },
	{ "maxsessrate", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(maxsessrate, 0, INT32_MAX), "<number>",
	    "most new sessions a second of the process" },
	{ "maxpipes", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(maxpipes, 0, INT32_MAX), "<number>",
	    "most pipes for splice(); a quarter of maxconn, at most 64 a thread, unless set" },
	{ "spread-checks", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(spread_checks, 0, 50), "<0..50>",
	    "percent by which check intervals vary" },
	{ "nosplice", CONF_GLOBAL, 0, 0, 0, global_set_flag, GLOBAL_FIELD(nosplice), "",
	    "no splice(), as -dS" },
	{ "noreuseport", CONF_GLOBAL, 0, 0, 0, global_set_flag, GLOBAL_FIELD(noreuseport), "",
	    "no SO_REUSEPORT, as -dR" },
	{ .name = NULL },
};

#define VARS(scope, field, what)                                                                   \
	{                                                                                          \
		"tune.vars." scope "-max-size", CONF_GLOBAL, 0, 1, 1, global_set_size,             \
		    GLOBAL_NUMBER(vars.field, 0, 1 << 30), "<size>",                               \
		    "most bytes of " what "; no limit unless set"                                  \
	}

/* "on" or one of the words that ask for more than weir measures; "auto" and "off" cost nothing. */
static int set_profiling(const struct conf_call *call)
{
	static const char *const words[] = { "off", "auto", "on", "lock", "no-lock", "memory",
		"no-memory", NULL };
	struct global_conf *g = call->object;
	for (int i = call->arg; i < call->line->argc; i++) {
		int word;
		if (conf_enum(call->conf, call->line, i, words, &word) < 0)
			return -1;
		if (word <= 2)
			g->profiling_tasks = word == 2;
	}
	return 0;
}

const struct conf_keyword global_tune_keywords[] = {
	{ "profiling.tasks", CONF_GLOBAL, 0, 1, -1, set_profiling, 0,
	    "{ auto | on | off } [lock|no-lock|memory|no-memory]...",
	    "on: measures the CPU time and latency of each request; default off" },
	{ "tune.bufsize", CONF_GLOBAL, 0, 1, 1, global_set_size,
	    GLOBAL_NUMBER(bufsize, 4096, 1 << 30), "<size>",
	    "bytes of a buffer, which bounds a message's head; default 16384" },
	{ "tune.maxrewrite", CONF_GLOBAL, 0, 1, 1, global_set_size,
	    GLOBAL_NUMBER(maxrewrite, 0, 1 << 30), "<size>",
	    "bytes of a buffer kept for added headers; default 1024, at most half a buffer" },
	{ "tune.http.maxhdr", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(maxhdr, 1, 32767), "<number>",
	    "most header fields of a message; default 101" },
	{ "tune.idletimer", CONF_GLOBAL, 0, 1, 1, global_set_time, GLOBAL_FIELD(idletimer_ms),
	    "<time>",
	    "pause after which a TLS connection begins with short records again; default 1s" },
	{ "tune.maxpollevents", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(maxpollevents, 1, 65536), "<number>",
	    "events that a worker takes from the kernel at once; default 200" },
	{ "tune.pipesize", CONF_GLOBAL, 0, 1, 1, global_set_size,
	    GLOBAL_NUMBER(pipesize, 0, 1 << 30), "<size>",
	    "bytes of a pipe for splice(); the kernel's unless set" },
	{ "tune.rcvbuf.client", CONF_GLOBAL, 0, 1, 1, global_set_size,
	    GLOBAL_NUMBER(rcvbuf_client, 0, 1 << 30), "<size>",
	    "receive buffer of client sockets; the kernel's unless set" },
	{ "tune.rcvbuf.server", CONF_GLOBAL, 0, 1, 1, global_set_size,
	    GLOBAL_NUMBER(rcvbuf_server, 0, 1 << 30), "<size>",
	    "receive buffer of server sockets; the kernel's unless set" },
	{ "tune.sndbuf.client", CONF_GLOBAL, 0, 1, 1, global_set_size,
	    GLOBAL_NUMBER(sndbuf_client, 0, 1 << 30), "<size>",
	    "send buffer of client sockets; the kernel's unless set" },
	{ "tune.sndbuf.server", CONF_GLOBAL, 0, 1, 1, global_set_size,
	    GLOBAL_NUMBER(sndbuf_server, 0, 1 << 30), "<size>",
	    "send buffer of server sockets; the kernel's unless set" },
	{ "tune.fail-alloc", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(fail_alloc, 0, 100), "<percent>",
	    "allocations from pools that fail, for tests" },
	{ "tune.buffers.limit", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(buffers_limit, 0, INT32_MAX), "<number>",
	    "most buffers of the process; no limit unless set" },
	{ "tune.cli.max-payload-size", CONF_GLOBAL, 0, 1, 1, global_set_size,
	    GLOBAL_NUMBER(cli_payload, 1, 1 << 30), "<size>",
	    "bytes of a payload on the admin socket; default 128k" },
	VARS("global", global, "all variables of the process"),
	VARS("proc", proc, "all variables of the process, as tune.vars.global-max-size"),
	VARS("reqres", reqres, "the variables of a request or response"),
	VARS("sess", sess, "the variables of a session and its streams"),
	VARS("txn", txn, "the variables of a stream"),
	{ "tune.disable-fast-forward", CONF_GLOBAL, 0, 0, 0, global_set_flag,
	    GLOBAL_FIELD(nosplice), "", "no splice(), as -dF" },
	{ "tune.disable-zero-copy-forwarding", CONF_GLOBAL, 0, 0, 0, global_set_flag,
	    GLOBAL_FIELD(nosplice), "", "no splice(), as -dZ" },
	{ .name = NULL },
};
