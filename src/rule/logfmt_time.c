/* SPDX-License-Identifier: MIT */
/*
 * Aliases of log formats that show dates and timers (configuration manual 8.2.6, 8.4).
 */
#include "logfmt.h"

/* ---- dates ---- */

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };

/* One form of one second: many lines of a thread fall into the same one. */
struct date_memo {
	int64_t second;
	size_t len;
	char text[32];
};

static struct slice date_text(enum date_form form, int64_t second)
{
	static _Thread_local struct date_memo memos[3]; /* of this thread alone */
	struct date_memo *m = &memos[form];
	if (m->len && m->second == second)
		return slice_make(m->text, m->len);
	struct tm tm;
	time_t t = (time_t)second;
	if (form == DATE_GMT)
		gmtime_r(&t, &tm);
	else
		localtime_r(&t, &tm);
	int n = snprintf(m->text, sizeof(m->text), "%02d/%s/%04d:%02d:%02d:%02d", tm.tm_mday,
	    month_names[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (form != DATE_MS && n > 0 && (size_t)n < sizeof(m->text)) {
		long minutes = form == DATE_GMT ? 0 : tm.tm_gmtoff / 60;
		long away = minutes < 0 ? -minutes : minutes;
		n += snprintf(m->text + n, sizeof(m->text) - (size_t)n, " %c%02ld%02ld",
		    minutes < 0 ? '-' : '+', away / 60, away % 60);
	}
	m->second = second;
	m->len = MIN((size_t)n, sizeof(m->text) - 1);
	return slice_make(m->text, m->len);
}

/* data: the form, and OF_REQUEST. */
ALIAS(logalias_date)
{
	int64_t us = data & OF_REQUEST && r->t.request_wall ? r->t.request_wall : r->t.accept_wall;
	enum date_form form = (enum date_form)(data & 0xff);
	char text[64];
	struct slice day = date_text(form, us / 1000000);
	memcpy(text, day.ptr, day.len);
	size_t len = day.len;
	if (form == DATE_MS)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, ".%03d", (int)(us / 1000 % 1000));
	logfmt_plain(o, opts, slice_make(text, len));
}

ALIAS(logalias_timestamp)
{
	int64_t second = r->t.accept_wall / 1000000;
	char text[24];
	if (!(opts & OPT_HEX)) {
		logfmt_number(o, opts, second);
		return;
	}
	int n = snprintf(text, sizeof(text), "%04llX", (unsigned long long)second);
	logfmt_plain(o, opts, slice_make(text, (size_t)n));
}

ALIAS(logalias_ms)
{
	unsigned ms = (unsigned)(r->t.accept_wall / 1000 % 1000);
	char text[12];
	if ((opts & OPT_ENCODED) && !(opts & OPT_HEX)) {
		logfmt_number(o, opts, ms);
		return;
	}
	int n = opts & OPT_HEX ? snprintf(text, sizeof(text), "%02X", ms)
			       : snprintf(text, sizeof(text), "%03u", ms);
	logfmt_plain(o, opts, slice_make(text, (size_t)n));
}

/* ---- timers ---- */

static int64_t between(uint64_t from, uint64_t to)
{
	return to ? (int64_t)(to > from ? to - from : 0) / 1000 : -1;
}

static uint64_t first_of(uint64_t a, uint64_t b, uint64_t c)
{
	return a ? a : b ? b : c;
}

/* When handing over to the backend began: the request was there, or in TCP the session. */
static uint64_t began(const struct record_times *t)
{
	return first_of(t->request, t->handshake, t->accept);
}

int64_t record_timer(const struct log_record *r, char which)
{
	const struct record_times *t = &r->t;
	uint64_t idle_end = first_of(t->idle_end, t->handshake, t->accept);
	switch (which) {
	case 'h':
		return between(t->accept, t->handshake ? t->handshake : t->accept);
	case 'i':
		return t->idle_end ? between(first_of(t->handshake, t->accept, 0), t->idle_end)
				   : -1;
	case 'R':
		return between(idle_end, t->request);
	case 'q':
		return between(t->accept, t->request);
	case 'w':
		return between(began(t), t->queue);
	case 'c':
		return between(first_of(t->queue, began(t), 0), t->connected);
	case 'r':
		return between(first_of(t->connected, t->queue, began(t)), t->response);
	case 'd':
		return t->response
			   ? between(t->response, t->close)
			   : (r->http ? -1 : between(t->connected, t->connected ? t->close : 0));
	case 'a':
		return between(idle_end, t->close);
	case 'u':
		return between(t->accept, t->close) -
		       (t->idle_end ? between(first_of(t->handshake, t->accept, 0), t->idle_end)
				    : 0);
	default:
		return between(t->accept, t->close);
	}
}

/* data: the letter behind the 'T'. Times that end with the session may still grow. */
ALIAS(logalias_timer)
{
	char which = (char)data;
	bool open = r->asap && (which == 'd' || which == 'a' || which == 'u' || which == 't');
	if (open)
		logfmt_number_so_far(o, opts, record_timer(r, which));
	else
		logfmt_number(o, opts, record_timer(r, which));
}
