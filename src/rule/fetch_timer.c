/* SPDX-License-Identifier: MIT */
/*
 * Fetches of the times that log lines have, in milliseconds (configuration manual 8.4). As there, -1 is a point that
 * was not reached, or not yet.
 */
#include "logfmt.h"
#include "tables.h"

/* data: the letter behind the "T" of the alias. */
static bool fetch_timer(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct log_record *r = ctx_record(cx);
	return r && ret_int(ret, record_timer(r, (char)data));
}

#define AT_SERVER (AT_RES | RULE_AT_LOG)

#define ROW(keyword, where, letter, text)                                                          \
	{                                                                                          \
		.name = keyword, .out = SMP_SINT, .at = where, .eval = fetch_timer,                \
		.data = letter, .help = text                                                       \
	}

const struct fetch_row fetch_timer_rows[] = {
	ROW("fc.timer.handshake", AT_HTTP, 'h', "time of PROXY and TLS handshakes, %Th"),
	ROW("fc.timer.total", RULE_AT_LOG, 't', "time from the connection to its end, %Tt"),
	ROW("req.timer.idle", AT_HTTP, 'i', "idle time in front of the request, %Ti"),
	ROW("req.timer.hdr", AT_HTTP, 'R', "time to receive the request head, %TR"),
	ROW("req.timer.tq", AT_HTTP, 'q', "%Th + %Ti + %TR, %Tq"),
	ROW("req.timer.queue", AT_SERVER, 'w', "time in queues, %Tw"),
	ROW("bc.timer.connect", AT_SERVER, 'c', "time to connect to the server, %Tc"),
	ROW("res.timer.hdr", AT_SERVER, 'r', "time until the response head was there, %Tr"),
	ROW("res.timer.data", RULE_AT_LOG, 'd', "time to send the response, %Td"),
	ROW("txn.timer.total", RULE_AT_LOG, 'a', "active time of the request, %Ta"),
	ROW("txn.timer.user", RULE_AT_LOG, 'u', "total time as the user sees it, %Tu"),
	{ .name = NULL },
};
