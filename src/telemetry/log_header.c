/* SPDX-License-Identifier: MIT */
/*
 * Headers of log lines, one writer a format (configuration manual "log", <format>), and the dates they share.
 * Runs on the hot path of every logged request: no printf, no allocation.
 */
#include "log_header.h"

struct cursor {
	char *at;
	char *end;
};

struct line {
	const struct log_target *target;
	const struct log_set *set;
	const struct log_dates *dates;
	int64_t wall_us;
	pid_t pid;
	unsigned level;
};

static void put(struct cursor *c, const char *bytes, size_t len)
{
	len = MIN(len, (size_t)(c->end - c->at));
	memcpy(c->at, bytes, len);
	c->at += len;
}

static void puts_(struct cursor *c, const char *str)
{
	put(c, str, strlen(str));
}

/* Zero-padded to at least width digits. */
static void put_number(struct cursor *c, uint64_t value, unsigned width)
{
	char digits[20];
	unsigned n = 0;
	do {
		digits[sizeof(digits) - ++n] = (char)('0' + value % 10);
		value /= 10;
	} while (value || n < width);
	put(c, digits + sizeof(digits) - n, n);
}

static void put_priority(struct cursor *c, unsigned priority)
{
	puts_(c, "<");
	put_number(c, priority, 1);
	puts_(c, ">");
}

static void put_iso(struct cursor *c, const struct line *l)
{
	puts_(c, l->dates->iso);
	puts_(c, ".");
	put_number(c, (uint64_t)(l->wall_us - l->dates->second * 1000000), 6);
	puts_(c, l->dates->offset);
}

static void put_full_priority(struct cursor *c, const struct line *l)
{
	put_priority(c, l->target->facility * 8U + l->level);
}

static void put_tag(struct cursor *c, const struct line *l)
{
	puts_(c, l->set->tag);
	puts_(c, "[");
	put_number(c, (uint64_t)l->pid, 1);
	puts_(c, "]: ");
}

static void write_rfc3164(struct cursor *c, const struct line *l)
{
	put_full_priority(c, l);
	puts_(c, l->dates->rfc3164);
	puts_(c, " ");
	puts_(c, l->set->hostname ? l->set->hostname : "localhost");
	puts_(c, " ");
	put_tag(c, l);
}

static void write_local(struct cursor *c, const struct line *l)
{
	put_full_priority(c, l);
	puts_(c, l->dates->rfc3164);
	puts_(c, " ");
	put_tag(c, l);
}

static void write_rfc5424(struct cursor *c, const struct line *l)
{
	put_full_priority(c, l);
	puts_(c, "1 ");
	put_iso(c, l);
	puts_(c, " ");
	puts_(c, l->set->hostname ? l->set->hostname : "-");
	puts_(c, " ");
	puts_(c, l->set->tag);
	puts_(c, " ");
	put_number(c, (uint64_t)l->pid, 1);
	puts_(c, " - ");
}

static void write_short(struct cursor *c, const struct line *l)
{
	put_priority(c, l->level);
}

static void write_timed(struct cursor *c, const struct line *l)
{
	put_priority(c, l->level);
	put_iso(c, l);
	puts_(c, " ");
}

static void write_iso(struct cursor *c, const struct line *l)
{
	put_iso(c, l);
	puts_(c, " ");
}

static void write_raw(struct cursor *c, const struct line *l)
{
	(void)c;
	(void)l;
}

static void (*const writers[])(struct cursor *c, const struct line *l) = {
	[LOG_HEADER_RFC3164] = write_rfc3164,
	[LOG_HEADER_RFC5424] = write_rfc5424,
	[LOG_HEADER_LOCAL] = write_local,
	[LOG_HEADER_PRIORITY] = put_full_priority,
	[LOG_HEADER_SHORT] = write_short,
	[LOG_HEADER_TIMED] = write_timed,
	[LOG_HEADER_ISO] = write_iso,
	[LOG_HEADER_RAW] = write_raw,
};

size_t log_header_write(char *out, const struct log_target *t, const struct log_set *set,
    enum log_level level, const struct log_dates *d, int64_t wall_us, pid_t pid)
{
	struct cursor c = { .at = out, .end = out + LOG_HEADER_MAX };
	struct line l = {
		.target = t,
		.set = set,
		.dates = d,
		.wall_us = wall_us,
		.pid = pid,
		.level = level,
	};
	writers[t->header](&c, &l);
	return (size_t)(c.at - out);
}

void log_dates_update(struct log_dates *d, int64_t wall_us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t second = wall_us / 1000000;
	struct tm tm;
	time_t t = (time_t)second;
	if (likely(d->second == second && d->iso[0]))
		return;
	d->second = second;
	localtime_r(&t, &tm);
	snprintf(d->rfc3164, sizeof(d->rfc3164), "%.3s %2u %02u:%02u:%02u", months + 3 * tm.tm_mon,
	    (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100);
	strftime(d->iso, sizeof(d->iso), "%Y-%m-%dT%H:%M:%S", &tm);
	unsigned east_min = (unsigned)labs(tm.tm_gmtoff) / 60;
	snprintf(d->offset, sizeof(d->offset), "%c%02u:%02u", tm.tm_gmtoff < 0 ? '-' : '+',
	    east_min / 60 % 100, east_min % 60);
}
