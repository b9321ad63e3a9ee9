/* SPDX-License-Identifier: MIT */
/*
 * Reading what log senders send: messages out of a stream, and the headers of RFC 3164 and RFC 5424. A header is
 * taken when it is whole; else all behind the priority is text. Pure.
 */
#include "weir/telemetry/syslog.h"

/* ---- streams (RFC 6587) ---- */

/* "<length> <message>" */
static enum syslog_frame next_counted(
    struct slice in, size_t max, struct slice *ret_message, size_t *ret_consumed)
{
	size_t n = 0, len = 0;
	if (in.ptr[0] == '0')
		return SYSLOG_BROKEN;
	for (; n < in.len && ascii_is_digit(in.ptr[n]); n++) {
		len = len * 10 + (size_t)(in.ptr[n] - '0');
		if (len > max)
			return SYSLOG_BROKEN;
	}
	if (n == in.len)
		return SYSLOG_INCOMPLETE;
	if (in.ptr[n] != ' ')
		return SYSLOG_BROKEN;
	n++;
	if (in.len - n < len)
		return SYSLOG_INCOMPLETE;
	*ret_message = slice_make(in.ptr + n, len);
	*ret_consumed = n + len;
	return SYSLOG_MESSAGE;
}

static enum syslog_frame next_line(
    struct slice in, size_t max, struct slice *ret_message, size_t *ret_consumed)
{
	size_t len = slice_find(in, '\n');
	if (len > max)
		return SYSLOG_BROKEN;
	if (len == in.len)
		return SYSLOG_INCOMPLETE;
	*ret_consumed = len + 1;
	if (len && in.ptr[len - 1] == '\r')
		len--;
	*ret_message = slice_make(in.ptr, len);
	return SYSLOG_MESSAGE;
}

enum syslog_frame syslog_frame_next(
    struct slice in, bool always_lf, size_t max, struct slice *ret_message, size_t *ret_consumed)
{
	if (in.len == 0)
		return SYSLOG_INCOMPLETE;
	if (always_lf || in.ptr[0] == '<')
		return next_line(in, max, ret_message, ret_consumed);
	if (ascii_is_digit(in.ptr[0]))
		return next_counted(in, max, ret_message, ret_consumed);
	return SYSLOG_BROKEN;
}

/* ---- headers ---- */

/* '9': a digit, '_': a digit or a space, 'A': anything; all else stands for itself. */
static bool has_form(struct slice s, const char *form)
{
	for (; *form; form++, s.ptr++, s.len--) {
		if (s.len == 0)
			return false;
		bool fits = *form == '9'   ? ascii_is_digit(*s.ptr)
			    : *form == '_' ? ascii_is_digit(*s.ptr) || *s.ptr == ' '
			    : *form == 'A' ? true
					   : *s.ptr == *form;
		if (!fits)
			return false;
	}
	return true;
}

static bool is_month(const char *s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	for (const char *m = months; *m; m += 3)
		if (memcmp(m, s, 3) == 0)
			return true;
	return false;
}

/* The word in front of the next space, which has to be there, and not at once. */
static bool cut_word(struct slice *s, struct slice *ret)
{
	size_t n = slice_find(*s, ' ');
	if (n == 0 || n == s->len)
		return false;
	*ret = slice_make(s->ptr, n);
	*s = slice_sub(*s, n + 1, s->len);
	return true;
}

/* The same for RFC 5424, where "-" means nothing. */
static bool cut_field(struct slice *s, struct slice *ret)
{
	if (!cut_word(s, ret))
		return false;
	if (slice_eq(*ret, SLICE("-")))
		*ret = SLICE_NULL;
	return true;
}

/* "tag[pid]: text" or "tag: text"; else it is text as it stands. */
static void parse_tag(struct slice s, struct syslog_message *m)
{
	size_t n = 0;
	m->text = s;
	while (n < s.len && s.ptr[n] != ':' && s.ptr[n] != ' ')
		n++;
	if (n + 1 >= s.len || s.ptr[n] != ':' || s.ptr[n + 1] != ' ')
		return;
	struct slice tag = slice_make(s.ptr, n), pid = SLICE_NULL;
	if (n && tag.ptr[n - 1] == ']') {
		size_t open = n - 1;
		while (open && tag.ptr[open] != '[')
			open--;
		if (open == 0)
			return;
		pid = slice_make(tag.ptr + open + 1, n - open - 2);
		tag.len = open;
	}
	m->tag = tag;
	m->pid = pid;
	m->text = slice_sub(s, n + 2, s.len);
}

/* RFC 3164 4.1: "Mmm dd hh:mm:ss host " and what is behind it. */
static bool parse_rfc3164(struct slice s, struct syslog_message *m)
{
	static const char form[] = "AAA _9 99:99:99 ";
	struct slice host, stamp = slice_sub(s, 0, 15);
	if (!has_form(s, form) || !is_month(s.ptr))
		return false;
	s = slice_sub(s, strlen(form), s.len);
	if (!cut_word(&s, &host))
		return false;
	m->stamp = stamp;
	m->host = host;
	parse_tag(s, m);
	return true;
}

/* RFC 5424 6.3: "-" or elements in brackets. Bytes, or 0 when it is none. */
static size_t sd_length(struct slice s)
{
	bool quoted = false, inside = false;
	size_t n = 0;
	if (s.len && s.ptr[0] == '-')
		return 1;
	for (; n < s.len; n++) {
		char c = s.ptr[n];
		if (quoted) {
			if (c == '\\')
				n++;
			else if (c == '"')
				quoted = false;
		} else if (inside) {
			quoted = c == '"';
			inside = c != ']';
		} else if (c == '[') {
			inside = true;
		} else {
			break;
		}
	}
	return inside || quoted ? 0 : MIN(n, s.len);
}

/* RFC 5424 6: "1 stamp host tag pid msgid sd[ text]" */
static bool parse_rfc5424(struct slice s, struct syslog_message *m)
{
	struct syslog_message r = *m;
	if (!has_form(s, "1 "))
		return false;
	s = slice_sub(s, 2, s.len);
	if (!cut_field(&s, &r.stamp) || !cut_field(&s, &r.host) || !cut_field(&s, &r.tag) ||
	    !cut_field(&s, &r.pid) || !cut_field(&s, &r.msgid))
		return false;
	if (r.stamp.ptr && !has_form(r.stamp, "9999-99-99T99:99:99"))
		return false;
	size_t n = sd_length(s);
	if (n == 0 || (n < s.len && s.ptr[n] != ' '))
		return false;
	r.sd = s.ptr[0] == '-' ? SLICE_NULL : slice_make(s.ptr, n);
	r.text = slice_sub(s, n + 1, s.len);
	r.is_rfc5424 = true;
	*m = r;
	return true;
}

/* "<n>", at most three digits. */
static struct slice parse_priority(struct slice s, struct syslog_message *m)
{
	int priority = 0;
	size_t n = 1;
	if (s.len == 0 || s.ptr[0] != '<')
		return s;
	for (; n < s.len && n < 4 && ascii_is_digit(s.ptr[n]); n++)
		priority = priority * 10 + (s.ptr[n] - '0');
	if (n == s.len || s.ptr[n] != '>')
		return s;
	m->priority = priority;
	return slice_sub(s, n + 1, s.len);
}

void syslog_leave(struct slice in, struct syslog_message *ret)
{
	*ret = (struct syslog_message){ .priority = -1 };
	while (in.len && in.ptr[in.len - 1] == '\n')
		in.len--;
	ret->text = in;
}

void syslog_parse(struct slice in, struct syslog_message *ret)
{
	syslog_leave(in, ret);
	struct slice rest = parse_priority(ret->text, ret);
	if (ret->priority < 0 || parse_rfc5424(rest, ret) || parse_rfc3164(rest, ret))
		return;
	ret->text = rest;
}
