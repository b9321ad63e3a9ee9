/* SPDX-License-Identifier: MIT */
/*
 * Sending on what others sent: for each target the header in its format, made of the parts that the message has,
 * and of our own date where a format needs one that is missing. A field that does not fit into the target's length
 * ends the line; text is cut.
 */
#include "log_header.h"
#include "log_out.h"
#include "weir/telemetry/syslog.h"

/* Texts that are made here, beside the parts that lie in the message. */
struct scratch {
	char priority[16];
	char stamp[48];
};

struct line {
	struct iovec iov[LOG_PARTS_MAX];
	unsigned n;
	size_t room;
	bool full;
};

struct relay {
	const struct syslog_message *m;
	const struct log_dates *dates;
	int64_t wall_us;
	enum syslog_host host_mode;
	struct slice sender;
	struct scratch made;
};

/* ---- parts ---- */

static void add(struct line *l, struct slice s)
{
	if (s.len > l->room)
		l->full = true;
	if (l->full || s.len == 0 || l->n == LOG_PARTS_MAX)
		return;
	l->iov[l->n++] = (struct iovec){ .iov_base = (void *)(uintptr_t)s.ptr, .iov_len = s.len };
	l->room -= s.len;
}

static void add_text(struct line *l, struct slice s)
{
	s.len = MIN(s.len, l->room);
	add(l, s);
}

static struct slice or_dash(struct slice s)
{
	return s.ptr ? s : SLICE("-");
}

static void add_priority(struct line *l, struct relay *r, unsigned priority, bool rfc5424)
{
	int n = snprintf(
	    r->made.priority, sizeof(r->made.priority), "<%u>%s", priority, rfc5424 ? "1 " : "");
	add(l, slice_make(r->made.priority, (size_t)n));
}

/* ---- dates ---- */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* "Oct 11 22:14:15" gets the present year, and "-00:00": a time of unknown zone (RFC 3339 4.3). */
static struct slice iso_from_rfc3164(struct relay *r, struct slice s)
{
	unsigned month = 0;
	while (month < 11 && memcmp(months + (size_t)3 * month, s.ptr, 3) != 0)
		month++;
	int n = snprintf(r->made.stamp, sizeof(r->made.stamp), "%.4s-%02u-%c%cT%.8s-00:00",
	    r->dates->iso, month + 1, s.ptr[4] == ' ' ? '0' : s.ptr[4], s.ptr[5], s.ptr + 7);
	return slice_make(r->made.stamp, (size_t)n);
}

static struct slice iso_now(struct relay *r)
{
	int n = snprintf(r->made.stamp, sizeof(r->made.stamp), "%s.%06u%s", r->dates->iso,
	    (unsigned)(r->wall_us - r->dates->second * 1000000), r->dates->offset);
	return slice_make(r->made.stamp, (size_t)n);
}

static struct slice iso_stamp(struct relay *r)
{
	if (!r->m->stamp.ptr)
		return iso_now(r);
	return r->m->is_rfc5424 ? r->m->stamp : iso_from_rfc3164(r, r->m->stamp);
}

/* Zone and fractions are lost. */
static struct slice short_stamp(struct relay *r)
{
	const char *s = r->m->stamp.ptr;
	if (!s)
		return slice_str(r->dates->rfc3164);
	if (!r->m->is_rfc5424)
		return r->m->stamp;
	unsigned month = (unsigned)(s[5] - '0') * 10 + (unsigned)(s[6] - '0');
	month = month >= 1 && month <= 12 ? month - 1 : 0;
	int n = snprintf(r->made.stamp, sizeof(r->made.stamp), "%.3s %c%c %.8s",
	    months + (size_t)3 * month, s[8] == '0' ? ' ' : s[8], s[9], s + 11);
	return slice_make(r->made.stamp, (size_t)n);
}

/* ---- formats ---- */

/* none: what stands where nothing is known */
static void add_host(struct line *l, struct relay *r, struct slice none)
{
	struct slice host = r->m->host;
	enum syslog_host mode = r->sender.len ? r->host_mode : SYSLOG_HOST_KEEP;
	bool sender_first = mode == SYSLOG_HOST_REPLACE || (mode != SYSLOG_HOST_KEEP && !host.ptr);
	if (sender_first)
		host = r->sender;
	add(l, host.ptr ? host : none);
	if (mode == SYSLOG_HOST_APPEND && !sender_first) {
		add(l, SLICE(","));
		add(l, r->sender);
	}
	add(l, SLICE(" "));
}

static void add_tag(struct line *l, const struct syslog_message *m)
{
	if (m->tag.len == 0)
		return;
	add(l, m->tag);
	if (m->pid.len) {
		add(l, SLICE("["));
		add(l, m->pid);
		add(l, SLICE("]"));
	}
	add(l, SLICE(": "));
}

static void add_rfc5424(struct line *l, struct relay *r)
{
	const struct syslog_message *m = r->m;
	bool no_date = m->is_rfc5424 && !m->stamp.ptr; /* it came so */
	add(l, no_date ? SLICE("-") : iso_stamp(r));
	add(l, SLICE(" "));
	add_host(l, r, SLICE("-"));
	const struct slice fields[] = { m->tag, m->pid, m->msgid, m->sd };
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		add(l, or_dash(fields[i].len ? fields[i] : SLICE_NULL));
		add(l, SLICE(" "));
	}
}

static void add_header(struct line *l, struct relay *r, enum log_header header, unsigned priority)
{
	if (header == LOG_HEADER_SHORT || header == LOG_HEADER_TIMED)
		add_priority(l, r, priority & 7, false);
	else if (header != LOG_HEADER_ISO && header != LOG_HEADER_RAW)
		add_priority(l, r, priority, header == LOG_HEADER_RFC5424);
	if (header == LOG_HEADER_RFC5424) {
		add_rfc5424(l, r);
	} else if (header == LOG_HEADER_TIMED || header == LOG_HEADER_ISO) {
		add(l, iso_stamp(r));
		add(l, SLICE(" "));
	} else if (header == LOG_HEADER_RFC3164 || header == LOG_HEADER_LOCAL) {
		add(l, short_stamp(r));
		add(l, SLICE(" "));
		if (header == LOG_HEADER_RFC3164)
			add_host(l, r, SLICE("localhost"));
		add_tag(l, r->m);
	}
}

/* What a message came with, as far as it was filled in. */
static enum log_header own_header(const struct syslog_message *m)
{
	if (m->host.ptr)
		return m->is_rfc5424 ? LOG_HEADER_RFC5424 : LOG_HEADER_RFC3164;
	if (m->stamp.ptr)
		return LOG_HEADER_LOCAL;
	return m->priority >= 0 ? LOG_HEADER_PRIORITY : LOG_HEADER_RAW;
}

static void relay_to(struct worker *w, struct log_target *t, struct relay *r, enum log_level level)
{
	enum log_header header = t->header_set ? t->header : own_header(r->m);
	unsigned base = r->m->priority >= 0 ? (unsigned)r->m->priority & ~7u : t->facility * 8u;
	struct line l = { .room = t->len };
	add_header(&l, r, header, base | MAX(level, t->min_level));
	add_text(&l, r->m->text);
	log_put(w, t, l.iov, l.n);
}

void syslog_relay(struct worker *w, const struct log_set *set, const struct syslog_message *m,
    enum syslog_host host, struct slice sender)
{
	/* one without a priority is as urgent as can be: no level keeps it out */
	enum log_level level = m->priority >= 0 ? (enum log_level)(m->priority & 7) : LOG_LV_EMERG;
	struct relay r = { .m = m,
		.dates = log_dates_now(w),
		.wall_us = w->clock.wall_us,
		.host_mode = host,
		.sender = sender };
	if (!r.dates)
		return;
	for (unsigned i = 0; i < set->targets_n; i++) {
		struct log_target *t = set->targets[i];
		if (level <= t->max_level && log_is_sampled(t))
			relay_to(w, t, &r, level);
	}
}
