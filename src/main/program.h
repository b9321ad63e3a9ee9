/* SPDX-License-Identifier: MIT */
/*
 * One run of the program: what main.c, lifecycle.c, signals.c and the others share. Made and freed by main();
 * workers reach it only through struct process, but for worker 0's signals and timers.
 */
#ifndef WEIR_SRC_MAIN_PROGRAM_H
#define WEIR_SRC_MAIN_PROGRAM_H

#include "cmdline.h"
#include "weir/proxy/process.h"

/* A worker process gets from its master the number of the pipe on which it says that it serves. */
#define PROGRAM_READY_ENV "WEIR_READY_FD"
/* ... and in a reload the process numbers of the workers that shall finish. */
#define PROGRAM_OLD_ENV "WEIR_OLD_PIDS"
/* ... and of the memory in which it finds what the one before it knew, and leaves it to the next one. */
#define PROGRAM_KEEP_ENV "WEIR_KEEP_FD"

struct program {
	struct cmdline args;
	char **argv;
	struct diag *diag;
	struct config *config;
	struct process process;
	char **environment; /* the process's own, while the configuration's is in place */
	const char *node;   /* host name */
	unsigned pipes;	    /* for splice(), of the process; 0: none */
	int ready_fd;	    /* to the master, or -1 */
	int keep_fd;	    /* memory that outlives workers (tls/ticket_keys.h), or -1 */
	bool reloads;	    /* takes the place of a worker that runs */
	int exit_signal;    /* that ended the process, or 0 */

	struct upstream_dir dir; /* how admin commands find backends */

	/* worker 0's: signals.c */
	struct io signal_io;
	struct timer grace_timer, drain_timer, hard_timer;
};

/* load.c: reads the configuration into p->config. 0, or -1 with messages in p->diag. */
int program_load(struct program *p);
/* Shows p->diag as -q, -V and -dW want it. 0, or -1 when the configuration must not be used. */
int program_judge(struct program *p);
/* Shows messages that came after the last judgement. */
void program_complain(struct program *p);

/* limits.c: descriptors and memory for p->process.workers to be. 0 or -1, told to p->diag. */
int program_limits(struct program *p);

/* admin.c: the admin socket. 0 or -1, told to p->diag. */
int admin_open(struct program *p);
void admin_close(struct program *p);

/*
 * lifecycle.c: whether the loaded configuration can be tied to what runs: names resolve, state files are read.
 * For -c. Takes the configuration. 0 or -1, told on stderr.
 */
int program_try(struct program *p);
/* From a loaded configuration to the end of the process. Returns the exit status. */
int program_serve(struct program *p);

/* master.c: supervises a worker process. Returns the exit status. */
int program_master(struct program *p);

/* signals.c: blocks the signals that are handled, before any thread is made. */
void signals_block(void);
/* Undoes signals_block() in a child that will exec. */
void signals_unblock(void);
/* Blocks them and makes p ready for the two calls below. */
void signals_init(struct program *p);
/* Handles them on worker 0. 0 or -errno. */
int signals_start(struct program *p, struct worker *w);
void signals_stop(struct program *p, struct worker *w);

#endif
