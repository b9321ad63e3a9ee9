/* SPDX-License-Identifier: MIT */
/*
 * The grammar of the admin socket's input (management manual 9.3): lines, payloads, commands, words. Pure: bytes
 * in, positions out.
 */
#ifndef WEIR_ADMIN_CLI_LINE_H
#define WEIR_ADMIN_CLI_LINE_H

#include "weir/base/slice.h"

/* Bytes behind "<<" that may name the end of a payload. */
#define CLI_PATTERN_MAX 64

/*
 * Progress over one line and its payload. Zeroed to begin; the buffer may grow and move between two calls, but
 * its bytes stay.
 */
struct cli_scan {
	size_t at; /* looked at so far */
	bool in_payload;
	size_t line_len;   /* bytes of commands: no line end, no "<<pattern" */
	size_t pattern_at; /* behind "<<" */
	size_t pattern_len;
	size_t payload_at;
	size_t payload_len; /* once complete; newlines included, the end mark not */
	unsigned payload_lines;
	size_t used; /* bytes of line, payload and end mark, once complete */
};

/* True when the line with its payload is complete; false: more bytes are needed. */
bool cli_scan(struct cli_scan *s, const char *bytes, size_t len);

/* The next command of a line, cut at an unescaped ";"; false at the end. *pos starts at 0. */
bool cli_next_command(struct slice line, size_t *pos, struct slice *ret_command);

/* Most words that a command of that many bytes can have. */
static inline size_t cli_words_max(size_t len)
{
	return (len + 1) / 2;
}

/*
 * Splits a command into NUL-terminated words: text needs len + 1 bytes, argv cli_words_max() places. A
 * backslash makes the next byte an ordinary one. Returns the number of words.
 */
int cli_split(struct slice command, char *text, char **argv);

#endif
