/* SPDX-License-Identifier: MIT */
/*
 * "show events" and "show ring": which rings there are, what is in one, and what comes into it. The answer is made
 * a piece at a time, so that a large ring costs no memory; with -w it goes on until the client sends something or
 * leaves. Worker 0.
 */
#include "ring_conf.h"

#include <errno.h>

#include "weir/admin/cli.h"

/* Bytes made at once. */
#define PIECE 16384

struct show_events {
	struct cli_stream stream;
	struct log_ring_waiter waiter;
	struct config *config; /* keeps the ring */
	struct worker *worker;
	struct log_ring_cursor cursor;
	struct log_ring_cursor end; /* without -w: what was there when it began */
	uint64_t lost;
	char separator;
	bool wait;
	char record[LOG_RING_RECORD_MAX];
};

static void list_sink(struct strbuf *out, const char *name, const char *type, uint64_t dropped,
    const char *description)
{
	strbuf_addf(out, "    %-10s : type=%s, %llu dropped, %s\n", name, type,
	    (unsigned long long)dropped, description);
}

static void list_rings(struct cli_call *call)
{
	const struct process *p = call->user;
	strbuf_adds(call->out, "Supported events sinks are listed below. Add -0(zero), -w(wait), "
			       "-n(new). Any key to stop\n");
	list_sink(call->out, "stdout", "fd", 0, "standard output (fd#1)");
	list_sink(call->out, "stderr", "fd", 0, "standard output (fd#2)");
	for (const struct ring_conf *rc = p->config->rings; rc; rc = rc->next)
		list_sink(
		    call->out, rc->name, "buffer", log_ring_dropped(rc->ring), rc->description);
}

/* ---- one ring ---- */

static bool is_before_end(const struct show_events *s)
{
	uint64_t left = log_ring_distance(s->cursor, s->end);
	return s->wait || (left > 0 && left < LOG_RING_DISTANCE_MAX / 2);
}

static enum cli_stream_state next_piece(struct cli_stream *stream, struct strbuf *out)
{
	struct show_events *s = container_of(stream, struct show_events, stream);
	size_t start = out->len, len;
	while (is_before_end(s)) {
		if (!log_ring_read(s->waiter.ring, &s->cursor, s->record, &len, &s->lost)) {
			if (!s->wait)
				break;
			if (log_ring_waiter_sleep(&s->waiter, s->cursor))
				return CLI_STREAM_WAIT;
			continue;
		}
		strbuf_add(out, s->record, len);
		strbuf_addc(out, s->separator);
		if (out->len - start >= PIECE)
			return CLI_STREAM_MORE;
	}
	return CLI_STREAM_END;
}

static void on_wake(struct log_ring_waiter *rw)
{
	cli_stream_wake(&container_of(rw, struct show_events, waiter)->stream);
}

static void on_gone(struct log_ring_waiter *rw)
{
	struct show_events *s = container_of(rw, struct show_events, waiter);
	config_unref(s->worker, s->config);
	free(s);
}

static void end_show(struct cli_stream *stream)
{
	struct show_events *s = container_of(stream, struct show_events, stream);
	if (!s->wait || log_ring_waiter_del(&s->waiter))
		on_gone(&s->waiter);
}

struct show_options {
	bool wait, new_only, zero;
};

/* "-w -n -0", also as one word. */
static bool parse_options(char **argv, struct show_options *ret)
{
	for (; **argv; argv++) {
		const char *letter = *argv;
		if (*letter++ != '-' || !*letter)
			return false;
		for (; *letter; letter++) {
			if (*letter == 'w')
				ret->wait = true;
			else if (*letter == 'n')
				ret->new_only = true;
			else if (*letter == '0')
				ret->zero = true;
			else
				return false;
		}
	}
	return true;
}

static void show_ring(
    struct cli_call *call, const struct ring_conf *rc, const struct show_options *o)
{
	struct process *p = call->user;
	struct show_events *s = malloc(sizeof(*s));
	if (!s) {
		cli_err(call, "Out of memory.\n");
		return;
	}
	memset(s, 0, offsetof(struct show_events, record));
	s->stream = (struct cli_stream){ .next = next_piece, .done = end_show, .any_key = o->wait };
	s->waiter = (struct log_ring_waiter){
		.ring = rc->ring, .worker = call->worker, .wake = on_wake, .gone = on_gone
	};
	s->end = log_ring_end(rc->ring);
	s->cursor = o->new_only ? s->end : log_ring_oldest(rc->ring);
	s->separator = o->zero ? '\0' : '\n';
	s->wait = o->wait;
	if (s->wait && log_ring_waiter_add(&s->waiter) < 0) {
		cli_err(call, "Too many are waiting for this sink already.\n");
		free(s);
		return;
	}
	s->worker = call->worker;
	s->config = config_ref(p->config);
	cli_stream_start(call, &s->stream);
}

static void run_show_events(struct cli_call *call)
{
	const struct process *p = call->user;
	const char *name = call->argv[2];
	struct show_options o = { .wait = false };
	if (!*name) {
		list_rings(call);
		return;
	}
	if (strcmp(name, "stdout") == 0 || strcmp(name, "stderr") == 0) {
		cli_err(call, "Nothing to report for this sink\n");
		return;
	}
	const struct ring_conf *rc = ring_conf_find(p->config, name);
	if (!rc) {
		cli_err(call, "No such event sink\n");
		return;
	}
	if (!parse_options(call->argv + 3, &o)) {
		cli_err(call, "unknown option\n");
		return;
	}
	show_ring(call, rc, &o);
}

const struct cli_command proxy_ring_commands[] = {
	{ "show events", CLI_OPERATOR, run_show_events, "[<sink>] [-w] [-n] [-0]",
	    "show event sink state" },
	{ "show ring", CLI_OPERATOR, run_show_events, "[<ring>] [-w] [-n] [-0]",
	    "the same as 'show events'" },
	{ .name = NULL },
};
