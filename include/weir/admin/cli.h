/* SPDX-License-Identifier: MIT */
/*
 * The admin socket: reads command lines, finds the row, checks the level, writes the answer (management manual
 * 9.3). Knows no command itself; modules bring tables. Everything runs on worker 0; a command that changes
 * what other workers read takes the way that its module offers (mail, retire, pause).
 */
#ifndef WEIR_ADMIN_CLI_H
#define WEIR_ADMIN_CLI_H

#include "weir/base/strbuf.h"
#include "weir/event/worker.h"

enum cli_level {
	CLI_USER,
	CLI_OPERATOR,
	CLI_ADMIN,
};

enum cli_severity_output {
	CLI_SEVERITY_NONE,
	CLI_SEVERITY_NUMBER,
	CLI_SEVERITY_STRING,
};

/* What a command gets. Lives for the call only. */
struct cli_call {
	struct worker *worker;
	void *user; /* given to cli_new(): the process */
	enum cli_level level;
	int argc;	      /* all words, those of the row's name included */
	char **argv;	      /* argv[argc] is "" and so are a few behind it */
	struct slice payload; /* lines behind "<<", each with its newline; .ptr NULL without one */
	struct strbuf *out;   /* the answer */
	struct cli *cli;
	struct cli_conn *conn;
};

/*
 * One command. The row whose name has the most words in common with the line is taken. name holds its fixed words: "show servers state". run writes to call->out; messages to the
 * operator end in a newline and go through cli_ok() and cli_err(), data is written as it is.
 */
struct cli_command {
	const char *name;
	enum cli_level level;
	void (*run)(struct cli_call *call);
	const char *usage; /* arguments behind the name */
	const char *help;  /* one line */
};

/* This module's own: about the connection and the process; and those that "help" lists behind all others. */
extern const struct cli_command cli_builtin_rows[], cli_last_rows[];

struct cli;
struct conn;

struct cli_setup {
	const struct cli_command *const
	    *tables; /* NULL-terminated list; a table ends with a row without name */
	void *user;
	struct worker *worker;	 /* worker 0 */
	unsigned maxconn;	 /* stats maxconn; 0: 10 */
	unsigned timeout_ms;	 /* stats timeout; 0: none */
	size_t max_payload;	 /* tune.cli.max-payload-size; 0: 128 kB */
	const char *prompt_name; /* in front of the prompt's ">"; NULL: none */
	uint32_t pid;
};

/* Keeps setup->tables and prompt_name. NULL when memory is short. */
struct cli *cli_new(const struct cli_setup *setup);
/* Closes listeners and connections. Not from inside a command. */
void cli_free(struct cli *cli);
/* Of the connections of one listening descriptor. */
struct cli_listen_opts {
	enum cli_level level;
	enum cli_severity_output severity;
	/* puts another transport, TLS, over an accepted connection; 0 or -errno. NULL: none. Worker 0. */
	int (*secure)(struct conn *c, void *arg);
	void *arg;
};
/* Serves a listening descriptor, which cli owns from now on. 0 or -errno (fd stays the caller's). */
int cli_listen(struct cli *cli, int fd, const struct cli_listen_opts *opts);
/* Takes over one connected stream socket, which maxconn does not count. 0 or -errno (fd stays the caller's). */
int cli_adopt(struct cli *cli, int fd, enum cli_level level);
void cli_stop_listening(struct cli *cli);

/*
 * Runs one line, with its payload if it has one, as if it came from a connection of that level: out gets what
 * the connection would, the empty line behind each answer included. For tests and the master.
 */
void cli_run(struct cli *cli, enum cli_level level, const char *line, struct strbuf *out);

/*
 * An answer that goes on: made piece by piece, and perhaps waiting for more, after the command has returned.
 * Embedded in what the command allocated; worker 0 only.
 */
enum cli_stream_state {
	CLI_STREAM_MORE, /* to be called again when the piece is sent */
	CLI_STREAM_WAIT, /* nothing for now: cli_stream_wake() will tell */
	CLI_STREAM_END,	 /* that was all */
};
struct cli_stream {
	/* Adds the next piece to out. */
	enum cli_stream_state (*next)(struct cli_stream *s, struct strbuf *out);
	/* Called once, after the end or when the connection goes: frees it. */
	void (*done)(struct cli_stream *s);
	bool any_key;	       /* input of the client ends it, and is thrown away */
	struct cli_conn *conn; /* set by cli_stream_start() */
};
/* Called by a command, last. For cli_run() it is run to its first wait, and ended. */
void cli_stream_start(struct cli_call *call, struct cli_stream *s);
void cli_stream_wake(struct cli_stream *s);

/* One-line messages; severity (RFC 5424 number) is shown as the connection wants it. */
void cli_msg(struct cli_call *call, int severity, const char *fmt, ...) WEIR_PRINTF(3, 4);
#define cli_ok(call, ...)  cli_msg((call), 6, __VA_ARGS__)
#define cli_err(call, ...) cli_msg((call), 3, __VA_ARGS__)

/* True when the call's level suffices; else the usual refusal was written. */
bool cli_need(struct cli_call *call, enum cli_level level);
/* True after "experimental-mode on"; else the refusal was written. */
bool cli_need_experimental(struct cli_call *call);

#endif
