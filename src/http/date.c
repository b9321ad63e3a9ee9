/* SPDX-License-Identifier: MIT */
/*
 * HTTP dates (RFC 9110 5.6.7): IMF-fixdate out; IMF-fixdate, RFC 850 and asctime in. By hand, because the libc's
 * way depends on the locale and takes locks.
 */
#include <errno.h>

#include "weir/http/http.h"

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };

struct civil {
	int64_t year;
	unsigned month; /* 1..12 */
	unsigned day;	/* 1..31 */
	unsigned hour;
	unsigned minute;
	unsigned second;
};

/*
 * Days since the epoch of a proleptic Gregorian date and back. Years start in March, so that the leap day is
 * the last one of its year; 400 years have 146097 days.
 */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	unsigned year_of_era = (unsigned)(y - era * 400);
	unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + (int64_t)day_of_era - 719468;
}

static void civil_of(int64_t days, struct civil *ret)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned doe = (unsigned)(days - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned shifted = (5 * doy + 2) / 153;
	ret->day = doy - (153 * shifted + 2) / 5 + 1;
	ret->month = shifted < 10 ? shifted + 3 : shifted - 9;
	ret->year = (int64_t)yoe + era * 400 + (ret->month <= 2);
}

static char *put_digits(char *out, unsigned value, unsigned digits)
{
	for (unsigned i = digits; i > 0; i--) {
		out[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + digits;
}

static char *put_text(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

size_t http_date(char *out, int64_t unix_seconds)
{
	/* Years 0 to 9999 are what four digits hold. */
	int64_t lowest = -62167219200;
	int64_t highest = 253402300799;
	int64_t t = MIN(MAX(unix_seconds, lowest), highest);
	int64_t days = t / 86400;
	int64_t second = t % 86400;
	if (second < 0) {
		second += 86400;
		days--;
	}
	struct civil c;
	civil_of(days, &c);
	int64_t weekday = (days % 7 + 11) % 7; /* the epoch was a Thursday */

	char *p = out;
	p = put_text(p, day_names[weekday], 3);
	p = put_text(p, ", ", 2);
	p = put_digits(p, c.day, 2);
	*p++ = ' ';
	p = put_text(p, month_names[c.month - 1], 3);
	*p++ = ' ';
	p = put_digits(p, (unsigned)c.year, 4);
	*p++ = ' ';
	p = put_digits(p, (unsigned)(second / 3600), 2);
	*p++ = ':';
	p = put_digits(p, (unsigned)(second / 60 % 60), 2);
	*p++ = ':';
	p = put_digits(p, (unsigned)(second % 60), 2);
	p = put_text(p, " GMT", 5);
	return (size_t)(p - out) - 1;
}

/* Reading: each step takes its piece from the front of *s, false when it is not there. */

static bool take(struct slice *s, struct slice text)
{
	if (!slice_has_prefix(*s, text))
		return false;
	*s = slice_sub(*s, text.len, s->len);
	return true;
}

static bool take_number(struct slice *s, unsigned digits, unsigned *ret)
{
	uint64_t value;
	if (s->len < digits || slice_to_u64(slice_sub(*s, 0, digits), 9999, &value) < 0)
		return false;
	*ret = (unsigned)value;
	*s = slice_sub(*s, digits, s->len);
	return true;
}

static bool take_month(struct slice *s, unsigned *ret)
{
	for (unsigned i = 0; i < ARRAY_SIZE(month_names); i++) {
		if (take(s, slice_make(month_names[i], 3))) {
			*ret = i + 1;
			return true;
		}
	}
	return false;
}

static bool take_time(struct slice *s, struct civil *c)
{
	return take_number(s, 2, &c->hour) && take(s, SLICE(":")) &&
	       take_number(s, 2, &c->minute) && take(s, SLICE(":")) &&
	       take_number(s, 2, &c->second);
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool parse_fixdate(struct slice s, struct civil *c)
{
	unsigned year = 0;
	bool ok = take_number(&s, 2, &c->day) && take(&s, SLICE(" ")) &&
		  take_month(&s, &c->month) && take(&s, SLICE(" ")) && take_number(&s, 4, &year) &&
		  take(&s, SLICE(" ")) && take_time(&s, c) && take(&s, SLICE(" GMT")) && s.len == 0;
	c->year = year;
	return ok;
}

/* "06-Nov-94 08:49:37 GMT": years 70 to 99 are of the last century, the others of this one. */
static bool parse_rfc850(struct slice s, struct civil *c)
{
	unsigned year = 0;
	bool ok = take_number(&s, 2, &c->day) && take(&s, SLICE("-")) &&
		  take_month(&s, &c->month) && take(&s, SLICE("-")) && take_number(&s, 2, &year) &&
		  take(&s, SLICE(" ")) && take_time(&s, c) && take(&s, SLICE(" GMT")) && s.len == 0;
	c->year = year + (year >= 70 ? 1900 : 2000);
	return ok;
}

/* "Nov  6 08:49:37 1994" */
static bool parse_asctime(struct slice s, struct civil *c)
{
	unsigned year = 0;
	bool ok =
	    take_month(&s, &c->month) && take(&s, SLICE(" ")) &&
	    (take(&s, SLICE(" ")) ? take_number(&s, 1, &c->day) : take_number(&s, 2, &c->day)) &&
	    take(&s, SLICE(" ")) && take_time(&s, c) && take(&s, SLICE(" ")) &&
	    take_number(&s, 4, &year) && s.len == 0;
	c->year = year;
	return ok;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

/* The day's name is looked at only to tell the formats apart; whether it fits the date is not checked. */
static bool take_day(struct slice *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(day_names); i++) {
		if (take(s, slice_make(day_names[i], 3)))
			return true;
	}
	return false;
}

static bool parse_any(struct slice s, struct civil *c)
{
	if (!take_day(&s))
		return false;
	if (take(&s, SLICE(", ")))
		return parse_fixdate(s, c);
	if (take(&s, SLICE(" ")))
		return parse_asctime(s, c);
	while (s.len && s.ptr[0] >= 'a' && s.ptr[0] <= 'z')
		s = slice_sub(s, 1, s.len);
	return take(&s, SLICE(", ")) && parse_rfc850(s, c);
}

int http_date_parse(struct slice text, int64_t *ret_seconds)
{
	struct civil c = { .year = 0 };
	if (!parse_any(text, &c) || c.day < 1 || c.day > days_in_month(c.year, c.month) ||
	    c.hour > 23 || c.minute > 59 || c.second > 60)
		return -EINVAL;
	*ret_seconds =
	    days_of(c.year, c.month, c.day) * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
	return 0;
}
