/* SPDX-License-Identifier: MIT */
/*
 * The command line (management manual 3), read into data; nothing is done here.
 */
#ifndef WEIR_SRC_MAIN_CMDLINE_H
#define WEIR_SRC_MAIN_CMDLINE_H

#include <stdio.h>
#include <sys/types.h>

#include "weir/base/strbuf.h"

struct cmdline {
	const char **paths; /* configuration files and directories, in order */
	size_t paths_n;
	const char *chdir;
	const char *pidfile;
	const char *localpeer;
	const char *master_cli;
	const char *condition;	  /* -cc */
	const char *list_classes; /* -dK */
	unsigned maxconn;	  /* -n; 0: not given */
	unsigned proxy_maxconn;	  /* -N; 0: not given */
	unsigned memory_mb;	  /* -m; 0: not given */
	int poison;		  /* -dM: byte, or -1 */
	bool show_version, show_build;
	bool check;
	bool daemon, debug, foreground; /* -D, -d, -db */
	bool master, notify;		/* -W or -Ws; -Ws */
	bool verbose, quiet;
	bool diagnostics, zero_warning, dump_config, dump_libs, show_cpus;
	bool no_reuseport, no_splice, ignore_unresolved;
	pid_t *old_pids; /* -sf, -st */
	size_t old_pids_n;
	int old_signal;	       /* SIGUSR1 or SIGTERM; 0: neither was given */
	struct strbuf notices; /* what is understood and not done yet, a line each */
};

/* Reads argv; strings stay argv's. 0, or -1 with a text in err (empty: there were no arguments). */
int cmdline_parse(struct cmdline *a, int argc, char **argv, char *err, size_t err_size);
void cmdline_done(struct cmdline *a);
void cmdline_usage(FILE *out);

/* True when the process must not fork: -d and -db. */
static inline bool cmdline_stay(const struct cmdline *a)
{
	return a->debug || a->foreground;
}

#endif
