/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: syslog messages out of a stream, their headers, and every format they go out in. The first byte
 * chooses the framing, the host strategy and the length of lines. What is cut must not depend on how the stream
 * arrived, and what goes out must fit.
 */
#include <stdlib.h>

#include "weir/telemetry/log_ring.h"
#include "weir/telemetry/syslog.h"

static struct worker_group *group;
static struct log_ring *ring;
static char record[LOG_RING_RECORD_MAX];

static void set_up(void)
{
	if (group)
		return;
	group = worker_group_new(1, 8);
	if (!group || log_worker_start(worker_get(group, 0)) < 0 ||
	    log_ring_new(1 << 18, NULL, &ring) < 0)
		abort();
}

static void check_inside(struct slice part, struct slice whole)
{
	if (part.ptr && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
		abort();
}

static void relay(struct slice line, uint8_t choice)
{
	struct log_target t = {
		.fd = -1,
		.deliver = log_deliver_ring,
		.deliver_to = ring,
		.max_level = LOG_LV_DEBUG,
		.len = choice & 1 ? 80 : 1024,
	};
	struct log_target *targets[] = { &t };
	struct log_set set = { .targets = targets, .targets_n = 1 };
	struct syslog_message m;
	syslog_parse(line, &m);
	const struct slice parts[] = { m.stamp, m.host, m.tag, m.pid, m.msgid, m.sd, m.text };
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		check_inside(parts[i], line);
	for (int header = -1; header <= LOG_HEADER_RAW; header++) {
		struct log_ring_cursor c = log_ring_end(ring);
		uint64_t lost = 0;
		size_t len;
		t.header_set = header >= 0;
		t.header = header >= 0 ? (enum log_header)header : LOG_HEADER_LOCAL;
		syslog_relay(worker_get(group, 0), &set, &m, (enum syslog_host)(choice >> 1 & 3),
		    choice & 8 ? SLICE("192.0.2.1") : SLICE_NULL);
		if (!log_ring_read(ring, &c, record, &len, &lost) || len > t.len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	set_up();
	uint8_t choice = data[0];
	struct slice in = slice_make((const char *)data + 1, size - 1);
	enum { MAX_MESSAGE = 4096 };
	for (;;) {
		struct slice message, again;
		size_t used, used_again;
		bool lf = choice & 16;
		if (syslog_frame_next(in, lf, MAX_MESSAGE, &message, &used) != SYSLOG_MESSAGE)
			break;
		if (used > in.len || message.len > MAX_MESSAGE)
			abort();
		check_inside(message, in);
		/* no byte less would do, and none more changes it */
		if (syslog_frame_next(slice_sub(in, 0, used - 1), lf, MAX_MESSAGE, &again,
			&used_again) != SYSLOG_INCOMPLETE)
			abort();
		if (syslog_frame_next(slice_sub(in, 0, used), lf, MAX_MESSAGE, &again,
			&used_again) != SYSLOG_MESSAGE ||
		    used_again != used || again.len != message.len)
			abort();
		relay(message, choice);
		in = slice_sub(in, used, in.len);
	}
	relay(in, choice);
	return 0;
}
