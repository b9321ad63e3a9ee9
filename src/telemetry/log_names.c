/* SPDX-License-Identifier: MIT */
/*
 * The words of the "log" keyword: facilities, levels, header formats, sampling. Pure; used by the
 * configuration only.
 */
#include <errno.h>

#include "weir/telemetry/log.h"

static const char *const facilities[] = { "kern", "user", "mail", "daemon", "auth", "syslog", "lpr",
	"news", "uucp", "cron", "auth2", "ftp", "ntp", "audit", "alert", "cron2", "local0",
	"local1", "local2", "local3", "local4", "local5", "local6", "local7" };

static const char *const levels[] = {
	[LOG_LV_EMERG] = "emerg",
	[LOG_LV_ALERT] = "alert",
	[LOG_LV_CRIT] = "crit",
	[LOG_LV_ERR] = "err",
	[LOG_LV_WARNING] = "warning",
	[LOG_LV_NOTICE] = "notice",
	[LOG_LV_INFO] = "info",
	[LOG_LV_DEBUG] = "debug",
};

static const char *const headers[] = {
	[LOG_HEADER_RFC3164] = "rfc3164",
	[LOG_HEADER_RFC5424] = "rfc5424",
	[LOG_HEADER_LOCAL] = "local",
	[LOG_HEADER_PRIORITY] = "priority",
	[LOG_HEADER_SHORT] = "short",
	[LOG_HEADER_TIMED] = "timed",
	[LOG_HEADER_ISO] = "iso",
	[LOG_HEADER_RAW] = "raw",
};

static int find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

int log_facility_parse(const char *name)
{
	return find(facilities, ARRAY_SIZE(facilities), name);
}

int log_level_parse(const char *name)
{
	return find(levels, ARRAY_SIZE(levels), name);
}

int log_header_parse(const char *name)
{
	return find(headers, ARRAY_SIZE(headers), name);
}

const char *log_facility_name(int facility)
{
	return facility >= 0 && (size_t)facility < ARRAY_SIZE(facilities) ? facilities[facility]
									  : "?";
}

const char *log_level_name(enum log_level level)
{
	return (size_t)level < ARRAY_SIZE(levels) ? levels[level] : "silent";
}

static int parse_range(struct slice s, struct log_range *ret)
{
	struct slice high = s;
	struct slice low = slice_cut(&high, '-');
	uint64_t a, b;
	if (slice_to_u64(low, UINT32_MAX, &a) < 0)
		return -EINVAL;
	b = a;
	if (high.ptr && slice_to_u64(high, UINT32_MAX, &b) < 0)
		return -EINVAL;
	if (a == 0 || b < a)
		return -EINVAL;
	*ret = (struct log_range){ .low = (unsigned)a, .high = (unsigned)b };
	return 0;
}

int log_sample_parse(struct log_target *t, struct slice arg, struct arena *a)
{
	struct slice size_text = arg;
	struct slice ranges = slice_cut(&size_text, ':');
	struct log_range first, *more;
	unsigned more_n = 0;
	uint64_t size;

	if (slice_to_u64(size_text, UINT32_MAX, &size) < 0 || size == 0)
		return -EINVAL;
	if (parse_range(slice_cut(&ranges, ','), &first) < 0 || first.high > size)
		return -EINVAL;
	more = ranges.ptr ? arena_array(a, struct log_range, ranges.len / 2 + 1) : NULL;
	if (ranges.ptr && !more)
		return -ENOMEM;
	while (ranges.ptr) {
		struct log_range *r = &more[more_n++];
		if (parse_range(slice_cut(&ranges, ','), r) < 0 || r->high > size)
			return -EINVAL;
	}
	t->sample_low = first.low;
	t->sample_high = first.high;
	t->sample_size = (unsigned)size;
	t->sample_more = more;
	t->sample_more_n = more_n;
	return 0;
}
