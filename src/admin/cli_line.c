/* SPDX-License-Identifier: MIT */
/*
 * Cutting the input of the admin socket into lines, payloads, commands and words. Works at every split of the
 * input and looks at each byte once, so that a payload of many reads costs no more than one of one read.
 */
#include "cli_line.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes without the line end's carriage return. */
static size_t chomp(const char *bytes, size_t len)
{
	return len && bytes[len - 1] == '\r' ? len - 1 : len;
}

/* A last word "<<" or "<<pattern" announces a payload. */
static void take_line(struct cli_scan *s, const char *bytes, size_t len)
{
	size_t end = chomp(bytes, len);
	s->line_len = end;
	while (end && is_blank(bytes[end - 1]))
		end--;
	size_t word = end;
	while (word && !is_blank(bytes[word - 1]))
		word--;
	if (end - word < 2 || memcmp(bytes + word, "<<", 2) != 0)
		return;
	if (end - word - 2 > CLI_PATTERN_MAX)
		return;
	s->in_payload = true;
	s->line_len = word;
	s->pattern_at = word + 2;
	s->pattern_len = end - word - 2;
	s->payload_at = len + 1;
}

static bool ends_payload(const struct cli_scan *s, const char *bytes, size_t from, size_t len)
{
	return slice_eq(slice_make(bytes + from, chomp(bytes + from, len)),
	    slice_make(bytes + s->pattern_at, s->pattern_len));
}

bool cli_scan(struct cli_scan *s, const char *bytes, size_t len)
{
	/* of the line that is being looked at; a payload's earlier lines are behind it */
	size_t from = s->in_payload ? s->payload_at + s->payload_len : 0;
	for (; s->at < len; s->at++) {
		if (bytes[s->at] != '\n')
			continue;
		if (!s->in_payload)
			take_line(s, bytes, s->at);
		else if (ends_payload(s, bytes, from, s->at - from))
			break;
		else
			s->payload_len = s->at + 1 - s->payload_at;
		if (!s->in_payload)
			break;
		s->payload_lines++;
		from = s->at + 1;
	}
	if (s->at >= len)
		return false;
	s->used = s->at + 1;
	return true;
}

bool cli_next_command(struct slice line, size_t *pos, struct slice *ret_command)
{
	size_t from = *pos, at = from;
	if (from > line.len)
		return false;
	while (at < line.len && line.ptr[at] != ';')
		at += line.ptr[at] == '\\' ? 2 : 1;
	at = MIN(at, line.len);
	*ret_command = slice_make(line.ptr + from, at - from);
	*pos = at + 1;
	return true;
}

int cli_split(struct slice command, char *text, char **argv)
{
	const char *in = command.ptr, *end = in + command.len;
	int argc = 0;
	for (;;) {
		while (in < end && is_blank(*in))
			in++;
		if (in == end)
			return argc;
		argv[argc++] = text;
		while (in < end && !is_blank(*in)) {
			if (*in == '\\' && ++in == end)
				break;
			*text++ = *in++;
		}
		*text++ = '\0';
	}
}
