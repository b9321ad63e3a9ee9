/* SPDX-License-Identifier: MIT */
/*
 * One parser for each kind of value: times, sizes, integers, switches, words of a list, names. The
 * conf_parse_ ones take text alone; the others take a word of a line and tell their errors.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit time_units[] = {
	{ "us", 1 },
	{ "ms", 1000 },
	{ "s", 1000000 },
	{ "m", 60 * 1000000ULL },
	{ "h", 3600 * 1000000ULL },
	{ "d", 86400 * 1000000ULL },
	{ NULL, 0 },
};

static const struct unit size_units[] = {
	{ "k", 1ULL << 10 },
	{ "m", 1ULL << 20 },
	{ "g", 1ULL << 30 },
	{ NULL, 0 },
};

/* Digits, then one of the units or nothing. */
static int parse_with_unit(
    const char *text, const struct unit *units, bool fold, uint64_t default_factor, uint64_t *ret)
{
	uint64_t value;
	size_t digits = strspn(text, "0123456789");
	struct slice unit = slice_str(text + digits);
	int r = slice_to_u64(slice_make(text, digits), UINT64_MAX, &value);
	if (r < 0)
		return r;
	uint64_t factor = unit.len ? 0 : default_factor;
	for (; unit.len && units->name && !factor; units++) {
		struct slice name = slice_str(units->name);
		if (fold ? slice_ieq(name, unit) : slice_eq(name, unit))
			factor = units->factor;
	}
	if (!factor)
		return -EINVAL;
	if (__builtin_mul_overflow(value, factor, ret))
		return -ERANGE;
	return 0;
}

int conf_parse_time_us(const char *text, uint64_t default_unit_us, uint64_t *ret_us)
{
	uint64_t value;
	int r = parse_with_unit(text, time_units, false, default_unit_us, &value);
	if (r == 0)
		*ret_us = value;
	return r;
}

int conf_parse_size(const char *text, uint64_t *ret)
{
	uint64_t value;
	int r = parse_with_unit(text, size_units, true, 1, &value);
	if (r == 0)
		*ret = value;
	return r;
}

int conf_parse_int(const char *text, int64_t *ret)
{
	uint64_t value;
	bool negative = *text == '-';
	struct slice digits = slice_str(text + (negative || *text == '+' ? 1 : 0));
	int r = slice_to_u64(digits, (uint64_t)INT64_MAX + (negative ? 1 : 0), &value);
	if (r < 0)
		return r;
	*ret = negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

/* The word at arg; NULL when the line has none there, which is told. */
static const char *word_at(
    struct conf *conf, const struct conf_line *line, int arg, const char *what)
{
	if (arg < line->argc && line->argv[arg][0])
		return line->argv[arg];
	int before = arg < line->argc ? arg : line->argc;
	conf_error(conf, line, arg, "%s expected%s%s%s", what, before > 0 ? " behind '" : "",
	    before > 0 ? line->argv[before - 1] : "", before > 0 ? "'" : "");
	return NULL;
}

/* What the value at arg is the value of: the word before it, if that is one. */
static struct slice keyword_before(const struct conf_line *line, int arg)
{
	const char *word = arg > 0 ? line->argv[arg - 1] : "";
	char first = ascii_lower(*word);
	return first >= 'a' && first <= 'z' ? slice_str(word) : slice_str("");
}

/* Tells what is wrong with the value at arg, the name of its keyword first: "'maxconn': 'x' is not ...". */
static void value_error(struct conf *conf, const struct conf_line *line, int arg, const char *fmt,
    ...) WEIR_PRINTF(4, 5);
static void value_error(
    struct conf *conf, const struct conf_line *line, int arg, const char *fmt, ...)
{
	struct slice name = keyword_before(line, arg);
	struct strbuf what = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&what, fmt, ap);
	va_end(ap);
	conf_error(conf, line, arg, "%s%.*s%s'%s' %s", name.len ? "'" : "", SLICE_ARG(name),
	    name.len ? "': " : "", line->argv[arg], strbuf_str(&what));
	strbuf_done(&what);
}

/* A time for messages, in the largest unit that is exact; none for 0. */
static void format_time(uint64_t us, char *buf, size_t size)
{
	const struct unit *best = time_units;
	for (const struct unit *u = time_units; u->name; u++)
		if (us && us % u->factor == 0)
			best = u;
	snprintf(buf, size, "%" PRIu64 "%s", us / best->factor, us ? best->name : "");
}

int conf_time_us(struct conf *conf, const struct conf_line *line, int arg, uint64_t default_unit_us,
    uint64_t min_us, uint64_t max_us, uint64_t *ret_us)
{
	char low[32], high[32];
	uint64_t value = 0;
	const char *text = word_at(conf, line, arg, "a time");
	if (!text)
		return -1;
	int r = conf_parse_time_us(text, default_unit_us, &value);
	if (r == -EINVAL) {
		value_error(conf, line, arg,
		    "is not a time: digits and one of us, ms, s, m, h, d expected");
		return -1;
	}
	if (r < 0 || value < min_us || value > max_us) {
		format_time(min_us, low, sizeof(low));
		format_time(max_us, high, sizeof(high));
		value_error(conf, line, arg, "is not between %s and %s", low, high);
		return -1;
	}
	*ret_us = value;
	return 0;
}

int conf_time_ms(struct conf *conf, const struct conf_line *line, int arg, unsigned *ret_ms)
{
	uint64_t us;
	if (conf_time_us(conf, line, arg, 1000, 0, (uint64_t)INT32_MAX * 1000, &us) < 0)
		return -1;
	*ret_ms = (unsigned)((us + 999) / 1000); /* up: a short time must not become none */
	return 0;
}

int conf_size(struct conf *conf, const struct conf_line *line, int arg, uint64_t min, uint64_t max,
    uint64_t *ret)
{
	uint64_t value = 0;
	const char *text = word_at(conf, line, arg, "a size");
	if (!text)
		return -1;
	int r = conf_parse_size(text, &value);
	if (r == -EINVAL) {
		value_error(
		    conf, line, arg, "is not a size: digits and at most one of k, m, g expected");
		return -1;
	}
	if (r < 0 || value < min || value > max) {
		value_error(
		    conf, line, arg, "is not between %" PRIu64 " and %" PRIu64 " bytes", min, max);
		return -1;
	}
	*ret = value;
	return 0;
}

int conf_int(struct conf *conf, const struct conf_line *line, int arg, int64_t min, int64_t max,
    int64_t *ret)
{
	int64_t value = 0;
	const char *text = word_at(conf, line, arg, "an integer");
	if (!text)
		return -1;
	int r = conf_parse_int(text, &value);
	if (r == -EINVAL) {
		value_error(conf, line, arg, "is not an integer");
		return -1;
	}
	if (r < 0 || value < min || value > max) {
		value_error(conf, line, arg, "is not between %" PRId64 " and %" PRId64, min, max);
		return -1;
	}
	*ret = value;
	return 0;
}

int conf_on_off(struct conf *conf, const struct conf_line *line, int arg, bool *ret)
{
	const char *text = word_at(conf, line, arg, "'on' or 'off'");
	if (!text)
		return -1;
	bool on = strcmp(text, "on") == 0;
	if (!on && strcmp(text, "off") != 0) {
		conf_error(conf, line, arg, "'on' or 'off' expected, not '%s'", text);
		return -1;
	}
	*ret = on;
	return 0;
}

static const char *next_word(const void *names, size_t i)
{
	return ((const char *const *)names)[i];
}

int conf_enum(
    struct conf *conf, const struct conf_line *line, int arg, const char *const *words, int *ret)
{
	struct strbuf list = STRBUF_INIT;
	const char *text = arg < line->argc ? line->argv[arg] : "";
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0) {
			*ret = i;
			strbuf_done(&list);
			return 0;
		}
		strbuf_addf(&list, "%s'%s'", !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
	}
	const char *near = conf_nearest(text, next_word, words);
	conf_error(conf, line, arg, "%s expected, not '%s'%s%s%s", strbuf_str(&list), text,
	    near ? "; did you mean '" : "", near ? near : "", near ? "' ?" : "");
	strbuf_done(&list);
	return -1;
}

int conf_name(struct conf *conf, const struct conf_line *line, int arg, const char **ret_in_arena)
{
	const char *text = word_at(conf, line, arg, "a name");
	if (!text)
		return -1;
	for (const char *p = text; *p; p++) {
		char c = ascii_lower(*p);
		if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'z') && !strchr("-_.:", c)) {
			conf_error(conf, line, arg,
			    "character '%c' is not permitted in the name '%s': only letters, "
			    "digits and '-_.:'",
			    *p, text);
			return -1;
		}
	}
	char *copy = arena_strdup(conf_arena(conf), text);
	if (!copy) {
		conf_error(conf, line, arg, "out of memory");
		return -1;
	}
	*ret_in_arena = copy;
	return 0;
}
