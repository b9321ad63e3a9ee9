/* SPDX-License-Identifier: MIT */
/*
 * One connection of the admin socket: reads a line with its payload, runs its commands one after another, and
 * sends each answer before the next command runs, so that memory never holds more than one answer. drive() is
 * the only place that moves a connection on; it returns when it has to wait. Worker 0 only.
 *
 * A connection that is done shuts its sending side and waits a moment for the peer's end: closing with unread
 * input would make the kernel reset the connection and cost the peer the tail of the answer.
 */
#include <errno.h>

#include "cli_impl.h"

#define READ_SIZE 4096
#define LINGER_MS 2000
/* Commands a turn: the worker has traffic to serve beside a client that pipelines a thousand. */
#define COMMANDS_PER_TURN 8

enum step {
	STEP_AGAIN,
	STEP_WAIT,
	STEP_FREE,
};

static void touch(struct cli_conn *c)
{
	c->deadline_ms = worker_now_ms(c->cli->setup.worker) + c->timeout_ms;
}

/* Room of this size in an empty buffer is not worth giving back. */
static void shrink(struct strbuf *b)
{
	if (b->len == 0)
		strbuf_done(b);
}

static enum step flush(struct cli_conn *c)
{
	if (c->out.failed) /* memory was short: a cut answer would look like a whole one */
		return STEP_FREE;
	while (c->out_at < c->out.len) {
		struct iovec rest = { c->out.ptr + c->out_at, c->out.len - c->out_at };
		if (c->conn.flags & CONN_UNSENT)
			return STEP_WAIT;
		ssize_t n = conn_send(&c->conn, &rest, 1, false);
		if (n < 0)
			return n == -EAGAIN ? STEP_WAIT : STEP_FREE;
		c->out_at += (size_t)n;
		touch(c);
	}
	c->out_at = 0;
	strbuf_done(&c->out);
	return STEP_AGAIN;
}

/* Reads and throws away, until the peer's end. */
static enum step linger(struct cli_conn *c)
{
	char waste[READ_SIZE];
	for (;;) {
		ssize_t n = conn_recv(&c->conn, waste, sizeof(waste));
		if (n <= 0)
			return n == -EAGAIN ? STEP_WAIT : STEP_FREE;
	}
}

static enum step begin_linger(struct cli_conn *c)
{
	struct worker *w = c->cli->setup.worker;
	strbuf_done(&c->in);
	if (c->eof)
		return STEP_FREE;
	conn_shut_write(&c->conn);
	c->lingering = true;
	c->timeout_ms = LINGER_MS;
	touch(c);
	timer_arm_sooner(&w->wheel, &c->timer, c->deadline_ms);
	return STEP_AGAIN;
}

/* Says why before it closes: the line or payload passes its bound. */
static void refuse(struct cli_conn *c, const char *why)
{
	struct cli_call call = { .conn = c, .out = &c->out };
	cli_err(&call, "%s", why);
	strbuf_addc(&c->out, '\n');
	c->quit = true;
}

static void finish_line(struct cli_conn *c)
{
	strbuf_consume(&c->in, c->scan.used);
	c->scan = (struct cli_scan){ .at = 0 };
	c->line_ready = false;
	c->command_at = 0;
	c->prompted_lines = 0;
	if (c->mode == CLI_MODE_ONCE)
		c->quit = true;
}

/* The payload belongs to the last command of its line. */
static void run_next(struct cli_conn *c)
{
	struct slice line = slice_make(c->in.ptr, c->scan.line_len);
	struct slice command, payload = SLICE_NULL;
	if (!cli_next_command(line, &c->command_at, &command)) {
		finish_line(c);
		return;
	}
	if (c->scan.in_payload && c->command_at > line.len)
		payload = slice_make(c->in.ptr + c->scan.payload_at, c->scan.payload_len);
	cli_execute(c, command, payload, &c->out);
}

static void look_for_line(struct cli_conn *c)
{
	size_t payload;
	c->line_ready = cli_scan(&c->scan, c->in.ptr, c->in.len);
	if (c->mode == CLI_MODE_PROMPT) {
		for (; c->prompted_lines < c->scan.payload_lines; c->prompted_lines++)
			strbuf_adds(&c->out, "+ ");
	}
	payload = c->scan.in_payload ? c->in.len - c->scan.payload_at : 0;
	if (c->line_ready && c->scan.in_payload)
		payload = c->scan.used - c->scan.payload_at;
	if (payload > c->cli->setup.max_payload)
		refuse(c, "The payload is too large, see tune.cli.max-payload-size.");
	else if (c->scan.in_payload || c->line_ready ? c->scan.line_len > CLI_LINE_MAX
						     : c->in.len > CLI_LINE_MAX)
		refuse(c, "The command line is too long.");
}

static enum step read_more(struct cli_conn *c)
{
	ssize_t n;
	if (c->eof)
		return STEP_FREE;
	if (!strbuf_reserve(&c->in, READ_SIZE))
		return STEP_FREE;
	n = conn_recv(&c->conn, c->in.ptr + c->in.len, c->in.cap - c->in.len - 1);
	if (n == -EAGAIN) {
		shrink(&c->in);
		return STEP_WAIT;
	}
	if (n < 0)
		return STEP_FREE;
	if (n == 0) {
		c->eof = true;
		/* a last line may lack its newline; an unfinished payload is not run */
		if (c->in.len == 0 || c->scan.in_payload)
			return STEP_FREE;
		strbuf_addc(&c->in, '\n');
	} else {
		c->in.len += (size_t)n;
		c->in.ptr[c->in.len] = '\0';
	}
	touch(c);
	look_for_line(c);
	return STEP_AGAIN;
}

/* ---- answers that go on ---- */

static void end_stream(struct cli_conn *c)
{
	struct cli_stream *s = c->stream;
	c->stream = NULL;
	s->done(s);
}

/* Any input: the client has seen enough. */
static bool has_input(struct cli_conn *c)
{
	char waste[READ_SIZE];
	if (c->in.len > c->scan.used) { /* came with the command's own line */
		strbuf_clear(&c->in);
		c->scan.used = 0;
		return true;
	}
	ssize_t n = conn_recv(&c->conn, waste, sizeof(waste));
	if (n == 0)
		c->eof = true;
	return n != -EAGAIN;
}

/* Behind a stream that waited, the client's time begins anew. */
static enum step continue_stream(struct cli_conn *c)
{
	enum cli_stream_state state = CLI_STREAM_END;
	touch(c);
	if (!c->stream->any_key || !has_input(c))
		state = c->stream->next(c->stream, &c->out);
	if (state == CLI_STREAM_WAIT)
		return c->out.len ? STEP_AGAIN : STEP_WAIT;
	if (state == CLI_STREAM_END) {
		end_stream(c);
		cli_end_answer(c, &c->out, c->out.len);
	}
	return STEP_AGAIN;
}

void cli_stream_start(struct cli_call *call, struct cli_stream *s)
{
	struct cli_conn *c = call->conn;
	s->conn = c;
	c->stream = s;
	if (conn_is_open(&c->conn))
		return;
	while (s->next(s, call->out) == CLI_STREAM_MORE)
		;
	end_stream(c);
}

void cli_stream_wake(struct cli_stream *s)
{
	task_wake(s->conn->cli->setup.worker, &s->conn->task);
}

static enum step step(struct cli_conn *c, unsigned *commands)
{
	enum step s = flush(c);
	if (s != STEP_AGAIN)
		return s;
	if (c->stream)
		return continue_stream(c);
	if (c->lingering)
		return linger(c);
	if (c->quit)
		return begin_linger(c);
	if (!c->line_ready && c->in.len > c->scan.at) { /* pipelined behind the line that ran */
		look_for_line(c);
		return STEP_AGAIN;
	}
	if (!c->line_ready)
		return read_more(c);
	if (*commands == COMMANDS_PER_TURN) {
		task_wake(c->cli->setup.worker, &c->task);
		return STEP_WAIT;
	}
	(*commands)++;
	run_next(c);
	return STEP_AGAIN;
}

static void drive(struct cli_conn *c)
{
	unsigned commands = 0;
	enum step s;
	do
		s = step(c, &commands);
	while (s == STEP_AGAIN);
	if (s == STEP_FREE)
		cli_conn_free(c);
}

static void on_event(struct conn *conn)
{
	struct cli_conn *c = container_of(conn, struct cli_conn, conn);
	if (conn->flags & CONN_ERROR)
		cli_conn_free(c);
	else
		drive(c);
}

static void on_task(struct worker *w, struct task *task)
{
	(void)w;
	drive(container_of(task, struct cli_conn, task));
}

/* Fires once a timeout at most, however often the deadline moved. */
static void on_timer(struct worker *w, struct timer *t)
{
	struct cli_conn *c = container_of(t, struct cli_conn, timer);
	if (c->stream && c->out_at == c->out.len)
		touch(c); /* it is us who have nothing to say */
	if (c->timeout_ms && c->deadline_ms <= worker_now_ms(w))
		cli_conn_free(c);
	else if (c->timeout_ms)
		timer_arm(&w->wheel, t, c->deadline_ms);
}

/* On error fd is the caller's still. */
static int open_conn(
    struct cli_conn *c, struct worker *w, int fd, const struct cli_listen_opts *opts)
{
	int r = conn_start(&c->conn, w, fd, on_event);
	if (r < 0 || !opts->secure)
		return r;
	r = opts->secure(&c->conn, opts->arg);
	if (r < 0)
		io_del(w, &c->conn.io);
	return r;
}

int cli_conn_start(struct cli *cli, int fd, const struct cli_listen_opts *opts, bool counted)
{
	struct worker *w = cli->setup.worker;
	struct cli_conn *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->conn.io.fd = -1;
	c->cli = cli;
	c->timeout_ms = cli->setup.timeout_ms;
	c->level = (uint8_t)opts->level;
	c->severity = (uint8_t)opts->severity;
	c->counted = counted;
	timer_init(&c->timer, on_timer);
	task_init(&c->task, on_task);
	int r = open_conn(c, w, fd, opts);
	if (r < 0) {
		free(c);
		return r;
	}
	cli->conns_n += counted;
	list_add_tail(&cli->conns, &c->link);
	touch(c);
	if (c->timeout_ms)
		timer_arm(&w->wheel, &c->timer, c->deadline_ms);
	return 0;
}

void cli_conn_free(struct cli_conn *c)
{
	struct worker *w = c->cli->setup.worker;
	if (c->stream)
		end_stream(c);
	list_del(&c->link);
	worker_timer_cancel(w, &c->timer);
	task_cancel(&c->task);
	conn_close(&c->conn);
	strbuf_done(&c->in);
	strbuf_done(&c->out);
	cli_conn_gone(c->cli, c);
	free(c);
}

void cli_run(struct cli *cli, enum cli_level level, const char *line, struct strbuf *out)
{
	struct cli_conn c = {
		.conn = { .io = { .fd = -1 } },
		.cli = cli,
		.level = (uint8_t)level,
	};
	timer_init(&c.timer, on_timer);
	strbuf_adds(&c.in, line);
	if (!strchr(line, '\n'))
		strbuf_addc(&c.in, '\n');
	if (!c.in.failed && cli_scan(&c.scan, c.in.ptr, c.in.len)) {
		while (!c.quit)
			run_next(&c);
	}
	strbuf_addslice(out, strbuf_slice(&c.out));
	strbuf_done(&c.in);
	strbuf_done(&c.out);
}
