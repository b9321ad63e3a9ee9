/* SPDX-License-Identifier: MIT */
/*
 * Converters of dates and addresses, and those that ask the layer above.
 */
#include "tables.h"

/* Units of http_date: index in the table of divisors. */
static int check_http_date(const struct arg_place *at, struct args *args)
{
	static const char *const units[] = { "s", "ms", "us" };
	if (!args_has(args, 1))
		return 0;
	for (int u = 0; u < 3; u++) {
		if (strcmp(args->v[1].str.ptr, units[u]) == 0) {
			args->v[1].num = u;
			return 0;
		}
	}
	conf_error(at->conf, at->line, at->arg, "%s: unit '%s' is none of 's', 'ms', 'us'",
	    at->what, args->v[1].str.ptr);
	return -1;
}

static bool conv_http_date(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	static const int64_t divisor[] = { 1, 1000, 1000000 };
	int unit = args_has(args, 1) ? (int)args->v[1].num : 0;
	int64_t value = s->sint;
	if (args_has(args, 0) && __builtin_add_overflow(value, args->v[0].num, &value))
		return false;
	int64_t seconds = value / divisor[unit];
	/* Years of four digits. */
	if (value < 0 || seconds > 253402300799)
		return false;
	static const char gmt[] = " GMT";
	char text[48];
	size_t len = http_date(text, seconds);
	/* Units below the second show their digits. */
	if (unit) {
		len -= sizeof(gmt) - 1;
		len += (size_t)snprintf(text + len, sizeof(text) - len, ".%0*d%s", 3 * unit,
		    (int)(value % divisor[unit]), gmt);
	}
	return ret_str(s, arena_slice(cx->arena, slice_make(text, len)));
}

/* Copies a strftime format with "%N", "%3N" replaced by digits of the fraction. */
static bool expand_fraction(struct slice fmt, int64_t fraction_us, char *out, size_t cap)
{
	size_t n = 0;
	for (size_t i = 0; i < fmt.len; i++) {
		if (n + 16 > cap)
			return false;
		unsigned digits = 0;
		if (fmt.ptr[i] == '%' && i + 1 < fmt.len && fmt.ptr[i + 1] == 'N')
			digits = 9, i += 1;
		else if (fmt.ptr[i] == '%' && i + 2 < fmt.len && ascii_is_digit(fmt.ptr[i + 1]) &&
			 fmt.ptr[i + 2] == 'N')
			digits = (unsigned)(fmt.ptr[i + 1] - '0'), i += 2;
		if (!digits) {
			out[n++] = fmt.ptr[i];
			if (fmt.ptr[i] == '%' && i + 1 < fmt.len)
				out[n++] = fmt.ptr[++i];
			continue;
		}
		char text[16];
		snprintf(text, sizeof(text), "%06u000", (unsigned)fraction_us);
		memcpy(out + n, text, digits);
		n += digits;
	}
	out[n] = '\0';
	return true;
}

#define TIME_LOCAL 0x1u
#define TIME_MS	   0x2u
#define TIME_US	   0x4u

static bool conv_time(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	int64_t per_s = data & TIME_MS ? 1000 : data & TIME_US ? 1000000 : 1;
	int64_t value = s->sint;
	if (args_has(args, 1) && __builtin_add_overflow(value, args->v[1].num, &value))
		return false;
	if (value < 0)
		return false;
	time_t seconds = (time_t)(value / per_s);
	char fmt[512], text[512];
	struct tm tm;
	if (!expand_fraction(args->v[0].str, value % per_s * (1000000 / per_s), fmt, sizeof(fmt)))
		return false;
	if (!(data & TIME_LOCAL ? localtime_r(&seconds, &tm) : gmtime_r(&seconds, &tm)))
		return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	size_t len = strftime(text, sizeof(text), fmt, &tm);
#pragma GCC diagnostic pop
	return ret_str(s, arena_slice(cx->arena, slice_make(text, len)));
}

/* Text as RFC 9110 writes dates, to seconds. */
static bool conv_date(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	int64_t seconds;
	return http_date_parse(s->str, &seconds) == 0 && ret_int(s, seconds);
}

static bool conv_ipmask(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct in6_addr mask = { 0 };
	if (s->type == SMP_SINT && !sample_cast(s, SMP_IPV4, cx->arena))
		return false;
	if (s->type == SMP_STR || s->type == SMP_BIN) {
		struct sample ip = { .may_change = s->may_change };
		if (!rule_ip_parse(s->str, &ip))
			return false;
		*s = ip;
		if (s->type == SMP_IPV6)
			sample_cast(s, SMP_IPV4, cx->arena);
	}
	if (s->type == SMP_IPV4) {
		s->ipv4.s_addr &= args->v[0].ipv4.s_addr;
		return true;
	}
	if (s->type != SMP_IPV6 || !args_has(args, 1))
		return false;
	mask = args->v[1].ipv6;
	for (int i = 0; i < 16; i++)
		s->ipv6.s6_addr[i] &= mask.s6_addr[i];
	return true;
}

/* Number or answer about an object that the value names; data: the fetch of that name. */
static bool conv_gauge(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	char name[256];
	if (!cx->host || !cx->host->gauge || s->str.len >= sizeof(name))
		return false;
	if (s->str.len)
		memcpy(name, s->str.ptr, s->str.len);
	name[s->str.len] = '\0';
	int64_t value = cx->host->gauge(cx->stream, (const char *)data, name);
	return value >= 0 && ret_int(s, value);
}

static bool conv_srv_up(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	return conv_gauge(cx, args, (uintptr_t) "srv_is_up", s) && ret_bool(s, s->sint != 0);
}

/* data: a response capture. */
static bool conv_capture(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	if (!cx->host || !cx->host->capture)
		return false;
	cx->host->capture(cx->stream, data != 0, (unsigned)args->v[0].num, s->str);
	return true;
}

#define TIME(keyword, bits, text)                                                                  \
	{                                                                                          \
		.name = keyword, .in = SMP_SINT, .out = SMP_STR, .args_min = 1,                    \
		.args = { ARG_STR, ARG_SINT }, .eval = conv_time, .data = bits,                    \
		.usage = "<format>[,<offset>]", .help = text                                       \
	}
#define CAPTURE(keyword, response, text)                                                           \
	{                                                                                          \
		.name = keyword, .in = SMP_STR, .out = SMP_STR, .args_min = 1,                     \
		.args = { ARG_UINT }, .eval = conv_capture, .data = response, .usage = "<id>",     \
		.help = text                                                                       \
	}

const struct conv_row conv_misc_rows[] = {
	{ .name = "http_date",
	    .in = SMP_SINT,
	    .out = SMP_STR,
	    .args = { ARG_SINT, ARG_STR },
	    .eval = conv_http_date,
	    .check = check_http_date,
	    .usage = "[<offset>[,<unit>]]",
	    .help = "date as HTTP headers write it" },
	{ .name = "date",
	    .in = SMP_STR,
	    .out = SMP_SINT,
	    .eval = conv_date,
	    .help = "seconds of a date as HTTP headers write it" },
	TIME("ltime", TIME_LOCAL, "local time by a strftime format"),
	TIME("utime", 0, "UTC by a strftime format"),
	TIME("ms_ltime", TIME_LOCAL | TIME_MS, "ltime of milliseconds; %3N are their digits"),
	TIME("ms_utime", TIME_MS, "utime of milliseconds"),
	TIME("us_ltime", TIME_LOCAL | TIME_US, "ltime of microseconds; %6N are their digits"),
	TIME("us_utime", TIME_US, "utime of microseconds"),
	{ .name = "ipmask",
	    .in = SMP_ANY,
	    .out = SMP_IPV4,
	    .args_min = 1,
	    .args = { ARG_MASK4, ARG_MASK6 },
	    .eval = conv_ipmask,
	    .usage = "<mask4>[,<mask6>]",
	    .help = "network of the address" },
	{ .name = "nbsrv",
	    .in = SMP_STR,
	    .out = SMP_SINT,
	    .eval = conv_gauge,
	    .data = (uintptr_t) "nbsrv",
	    .help = "usable servers of the backend of that name" },
	{ .name = "srv_queue",
	    .in = SMP_STR,
	    .out = SMP_SINT,
	    .eval = conv_gauge,
	    .data = (uintptr_t) "srv_queue",
	    .help = "requests waiting for the server named" },
	{ .name = "srv_is_up",
	    .in = SMP_STR,
	    .out = SMP_BOOL,
	    .eval = conv_srv_up,
	    .help = "whether the server named is usable" },
	CAPTURE("capture-req", 0, "keeps the text in a request capture slot"),
	CAPTURE("capture-res", 1, "keeps the text in a response capture slot"),
	{ .name = NULL },
};
