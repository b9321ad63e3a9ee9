/* SPDX-License-Identifier: MIT */
/*
 * What the files of the admin socket share: the cli with its listeners and connections, and the calls between
 * them. All of it belongs to worker 0.
 */
#ifndef WEIR_ADMIN_CLI_IMPL_H
#define WEIR_ADMIN_CLI_IMPL_H

#include "cli_line.h"
#include "weir/admin/cli.h"
#include "weir/net/conn.h"

/* Bytes of a line without its payload. */
#define CLI_LINE_MAX 16384

enum cli_mode { /* "prompt" n, i, p */
	CLI_MODE_ONCE,
	CLI_MODE_INTERACTIVE,
	CLI_MODE_PROMPT,
};

struct cli {
	struct cli_setup setup;
	const struct cli_command **rows; /* sorted by name; the last three of help apart */
	size_t rows_n;
	uint64_t start_ms;
	struct list listeners;
	struct list conns;
	unsigned conns_n; /* accepted ones */
	bool accepting;
	struct timer retry; /* accept() failed for want of descriptors or memory */
};

struct cli_listener {
	struct list link;
	struct io io;
	struct cli *cli;
	int fd;
	struct cli_listen_opts opts;
};

/* Buffers are freed whenever nothing is in them: an idle connection costs this struct. */
struct cli_conn {
	struct list link;
	struct conn conn; /* closed: not a connection, cli_run() */
	struct timer timer;
	struct task task; /* goes on in the next turn */
	struct cli *cli;
	uint64_t deadline_ms; /* moved by activity; the timer catches up */
	uint32_t timeout_ms;  /* 0: none */
	uint8_t level;	      /* enum cli_level */
	uint8_t severity;     /* enum cli_severity_output */
	uint8_t mode;	      /* enum cli_mode */
	bool timed;	      /* uptime in the prompt */
	bool experimental;    /* "experimental-mode on" */
	bool counted;	      /* in conns_n */
	bool eof;	      /* the peer sends no more */
	bool quit;	      /* nothing more is to be run */
	bool lingering;	      /* all is sent, waiting for the peer's end */
	bool line_ready;      /* scan is complete, commands are being run */
	struct cli_scan scan;
	unsigned prompted_lines; /* of the payload, that got their "+ " */
	size_t command_at;	 /* next command of the line */
	struct strbuf in;
	struct strbuf out;
	size_t out_at;		   /* sent of out */
	struct cli_stream *stream; /* an answer that goes on, or NULL */
};

/* cli.c */
void cli_conn_gone(struct cli *cli, struct cli_conn *c);

/* cli_conn.c: on error the caller keeps fd. */
int cli_conn_start(struct cli *cli, int fd, const struct cli_listen_opts *opts, bool counted);
void cli_conn_free(struct cli_conn *c);

/* cli_command.c: runs one command and writes its answer, the empty line and the prompt to out. */
void cli_execute(
    struct cli_conn *c, struct slice command, struct slice payload, struct strbuf *out);
/* What stands behind every answer; out holds at least its last byte from start on. */
void cli_end_answer(struct cli_conn *c, struct strbuf *out, size_t start);
/* "help": rows whose names resemble the words of filter, all of them for "". */
void cli_help(struct cli_call *call, const char *filter);
int cli_rows_collect(struct cli *cli);

#endif
