/* SPDX-License-Identifier: MIT */
/*
 * Keywords of the global section about HTTP/2 (configuration manual 3.2): windows, streams, buffers, and the limits
 * that keep peers from doing harm. Those of one side have precedence over the common ones; what nobody says is the
 * mux's own default.
 */
#include "conf_global.h"

#define H2_NUMBER(field, low, high) GLOBAL_NUMBER(h2.field, low, high)
#define FE			    side[H2_FE]
#define BE			    side[H2_BE]

/* "<number> [rq-load { <number> | auto | ignore }] [min <number>]" */
static int set_fe_streams(const struct conf_call *call)
{
	static const char *const loads[] = { "auto", "ignore", NULL };
	struct global_conf *g = call->object;
	const struct conf_line *line = call->line;
	int64_t n, ignored;
	int word;
	if (conf_int(call->conf, line, call->arg, 0, INT32_MAX, &n) < 0)
		return -1;
	for (int i = call->arg + 1; i < line->argc; i += 2) {
		bool load = strcmp(line->argv[i], "rq-load") == 0;
		bool number = ascii_is_digit(*line->argv[i + 1]);
		if (!load && strcmp(line->argv[i], "min") != 0) {
			conf_error(call->conf, line, i,
			    "'%s' : 'rq-load' or 'min' is expected, not '%s'", call->row->name,
			    line->argv[i]);
			return -1;
		}
		if (load && !number && conf_enum(call->conf, line, i + 1, loads, &word) < 0)
			return -1;
		if ((!load || number) &&
		    conf_int(call->conf, line, i + 1, 1, INT32_MAX, &ignored) < 0)
			return -1;
		if (load && (number || word == 0))
			conf_notice(call->conf, line, i,
			    "'rq-load' has no effect: the number of streams does not vary");
	}
	g->h2.FE.streams = (unsigned)n;
	return 0;
}

static int set_log_errors(const struct conf_call *call)
{
	static const char *const words[] = { "none", "connection", "stream", NULL };
	struct global_conf *g = call->object;
	int word;
	if (conf_enum(call->conf, call->line, call->arg, words, &word) < 0)
		return -1;
	g->h2.log = (enum h2_log)word;
	return 0;
}

#define NUMBER(word, field, low, high, help)                                                       \
	{                                                                                          \
		"tune.h2." word, CONF_GLOBAL, 0, 1, 1, global_set_number,                          \
		    H2_NUMBER(field, low, high), "<number>", help                                  \
	}
#define SIZE(word, field, low, high, help)                                                         \
	{                                                                                          \
		"tune.h2." word, CONF_GLOBAL, 0, 1, 1, global_set_size,                            \
		    H2_NUMBER(field, low, high), "<size>", help                                    \
	}

const struct conf_keyword global_h2_keywords[] = {
	NUMBER("be.glitches-threshold", BE.glitches, 0, INT32_MAX,
	    "oddities of a server after which its connection is closed; default 0, never"),
	SIZE("be.initial-window-size", BE.window, 0, INT32_MAX,
	    "bytes that a server may send unasked on a stream"),
	NUMBER("be.max-concurrent-streams", BE.streams, 0, INT32_MAX,
	    "streams at a time on a connection to a server"),
	NUMBER("be.max-frames-at-once", BE.frames_at_once, 0, INT32_MAX,
	    "frames of a server's connection handled in a turn; default 0, all"),
	SIZE("be.rxbuf", BE.rxbuf, 0, INT32_MAX,
	    "bytes of payload kept for all streams of a connection to a server"),
	NUMBER("continuation-limit", continuations, 0, INT32_MAX,
	    "CONTINUATION frames that a head may have, 0 for any number; default 32"),
	NUMBER("fe.glitches-threshold", FE.glitches, 0, INT32_MAX,
	    "oddities of a client after which its connection is closed; default 0, never"),
	SIZE("fe.initial-window-size", FE.window, 0, INT32_MAX,
	    "bytes that a client may send unasked on a stream"),
	{ "tune.h2.fe.max-concurrent-streams", CONF_GLOBAL, 0, 1, 5, set_fe_streams, 0,
	    "<number> [rq-load { <number> | auto | ignore }] [min <number>]",
	    "streams at a time on a connection of a client" },
	NUMBER("fe.max-frames-at-once", FE.frames_at_once, 0, INT32_MAX,
	    "frames of a client's connection handled in a turn; default 0, all"),
	NUMBER("fe.max-rst-at-once", FE.resets_at_once, 0, INT32_MAX,
	    "RST_STREAM frames of a client's connection handled in a turn; default 10, 0: all"),
	NUMBER("fe.max-total-streams", FE.total, 0, 1 << 30,
	    "streams after which a client's connection ends in good order; default 0, never"),
	SIZE("fe.rxbuf", FE.rxbuf, 0, INT32_MAX,
	    "bytes of payload kept for all streams of a connection of a client"),
	NUMBER("flood-rate-limit", floods, 0, INT32_MAX,
	    "frames of no use (PING, SETTINGS, empty DATA ...) a second, 0 for any number; default "
	    "10000"),
	SIZE("header-list-size", header_list, 0, INT32_MAX,
	    "bytes of a head, uncompressed; what a buffer holds unless set"),
	NUMBER("header-table-size", table_size, 4096, 65536,
	    "bytes of the table that heads are decompressed with; default 4096"),
	SIZE("initial-window-size", window, 0, INT32_MAX,
	    "bytes that a peer may send unasked on a stream; default 65535"),
	{ "tune.h2.log-errors", CONF_GLOBAL, 0, 1, 1, set_log_errors, 0,
	    "{ none | connection | stream }",
	    "which errors of clients are logged; default stream" },
	NUMBER("max-concurrent-streams", streams, 0, INT32_MAX,
	    "streams at a time on a connection; default 100"),
	SIZE("max-frame-size", max_frame, 16384, 16777215,
	    "bytes of payload in a frame that weir takes; default 16384"),
	NUMBER("reset-rate-limit", resets, 0, INT32_MAX,
	    "streams a second that a client may open and reset, 0 for any number; default 500"),
	{ .name = NULL },
};
