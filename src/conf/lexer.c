/* SPDX-License-Identifier: MIT */
/*
 * The lexer: bytes of a file to words of one logical line. It resolves quotes, escapes, comments, continued
 * lines and (through variables.c) variables. Words are collected in one text buffer, by offset, because the
 * buffer moves while it grows; pointers are made at the end of the line.
 *
 * After an error the rest of the logical line is passed over, so that each line tells one error.
 */
#include "internal.h"

void lexer_init(struct lexer *lx, lex_var_fn *var, void *ctx)
{
	*lx = (struct lexer){ .var = var, .var_ctx = ctx, .text = STRBUF_INIT };
}

void lexer_done(struct lexer *lx)
{
	strbuf_done(&lx->text);
	free(lx->words);
	free(lx->argv);
	free(lx->cols);
	free(lx->lines);
	*lx = (struct lexer){ .text = STRBUF_INIT };
}

void lexer_start(struct lexer *lx, struct slice text, bool comments)
{
	/* an empty slice may have no pointer at all */
	lx->pos = text.len ? text.ptr : "";
	lx->end = lx->pos + text.len;
	lx->bol = lx->pos;
	lx->line_no = 1;
	lx->comments = comments;
}

void lex_fail(struct lexer *lx, enum lex_error error, const char *at)
{
	if (lx->error)
		return;
	lx->error = error;
	lx->error_at = at;
	lx->error_bol = lx->bol;
	lx->error_line = lx->line_no;
}

void lex_add(struct lexer *lx, const char *bytes, size_t len)
{
	if (lx->text.len + len > CONF_LINE_MAX) {
		lex_fail(lx, LEX_LONG, lx->pos);
		return;
	}
	strbuf_add(&lx->text, bytes, len);
	if (lx->text.failed)
		lex_fail(lx, LEX_MEMORY, lx->pos);
}

void lex_word_begin(struct lexer *lx, const char *at)
{
	if (lx->in_word)
		return;
	if (lx->word_n == lx->word_cap) {
		size_t cap = MAX(lx->word_cap * 2, 32);
		struct lex_word *words = reallocarray(lx->words, cap, sizeof(*words));
		if (!words) {
			lex_fail(lx, LEX_MEMORY, at);
			return;
		}
		lx->words = words;
		lx->word_cap = cap;
	}
	lx->words[lx->word_n++] = (struct lex_word){
		.offset = lx->text.len,
		.line = lx->line_no,
		.col = (unsigned)(at - lx->bol) + 1,
	};
	lx->in_word = true;
	lx->split = false;
}

void lex_word_end(struct lexer *lx)
{
	if (!lx->in_word)
		return;
	lx->in_word = false;
	if (lx->split && lx->words[lx->word_n - 1].offset == lx->text.len)
		lx->word_n--;
	else
		lex_add(lx, "", 1);
}

/* pos is at a line feed. */
static void next_physical_line(struct lexer *lx)
{
	lx->pos++;
	lx->bol = lx->pos;
	lx->line_no++;
}

/* Length of a line's end at p ("\n", "\r\n", also with more "\r"), or 0. */
static size_t line_end_len(const struct lexer *lx, const char *p)
{
	const char *q = p;
	while (q < lx->end && *q == '\r')
		q++;
	if (q < lx->end && *q == '\n')
		return (size_t)(q - p) + 1;
	return q == lx->end ? (size_t)(q - p) : 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* pos is at the backslash of \xHH. */
static void lex_hex(struct lexer *lx)
{
	const char *p = lx->pos;
	int high = lx->end - p > 2 ? hex_value(p[2]) : -1;
	int low = high >= 0 && lx->end - p > 3 ? hex_value(p[3]) : -1;
	if (low < 0) {
		lex_fail(lx, LEX_HEX, p);
		return;
	}
	char byte = (char)(high << 4 | low);
	if (!byte) { /* words are C strings */
		lex_fail(lx, LEX_NUL, p);
		return;
	}
	lex_add(lx, &byte, 1);
	lx->pos += 4;
}

/* The byte that backslash and c stand for, or 0 when the backslash has no meaning there. */
static char escaped(char c, bool weak)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case ' ':
	case '\t':
	case '#':
	case '\\':
	case '\'':
	case '"':
		return c;
	case '$': /* outside quotes "\$" stays whole: regular expressions are written that way */
		return weak ? c : 0;
	default:
		return 0;
	}
}

/* pos is at a backslash, outside quotes or in weak ones. */
static void lex_escape(struct lexer *lx, bool weak)
{
	const char *next = lx->pos + 1;
	size_t eol = next < lx->end ? line_end_len(lx, next) : 0;
	if (eol && next[eol - 1] == '\n') { /* the line goes on */
		lx->pos = next + eol - 1;
		next_physical_line(lx);
		return;
	}
	lex_word_begin(lx, lx->pos);
	if (next < lx->end && *next == 'x') {
		lex_hex(lx);
		return;
	}
	char c = next < lx->end ? escaped(*next, weak) : 0;
	if (c)
		lex_add(lx, &c, 1);
	else
		lex_add(lx, lx->pos, 1);
	lx->pos += c ? 2 : 1;
}

/* True when the byte at pos cannot stand inside quotes: the error is set. */
static bool bad_in_quotes(struct lexer *lx)
{
	if (*lx->pos == '\0')
		lex_fail(lx, LEX_NUL, lx->pos);
	else if (*lx->pos == '\r' && !line_end_len(lx, lx->pos))
		lex_fail(lx, LEX_CR, lx->pos);
	return lx->error != LEX_OK;
}

/* pos is at the opening '. */
static void lex_strong(struct lexer *lx)
{
	const char *open = lx->pos;
	lex_word_begin(lx, open);
	lx->pos++;
	const char *from = lx->pos;
	while (lx->pos < lx->end && *lx->pos != '\'' && *lx->pos != '\n') {
		if (bad_in_quotes(lx))
			return;
		lx->pos++;
	}
	if (lx->pos == lx->end || *lx->pos == '\n') {
		lex_fail(lx, LEX_QUOTE, open);
		return;
	}
	lex_add(lx, from, (size_t)(lx->pos - from));
	lx->pos++;
}

static bool is_plain_in_weak(char c)
{
	return c != '"' && c != '\\' && c != '$' && c != '\n' && c != '\r' && c != '\0';
}

/* pos is at the opening ". */
static void lex_weak(struct lexer *lx)
{
	const char *open = lx->pos;
	const char *open_bol = lx->bol;
	unsigned open_line = lx->line_no;

	lex_word_begin(lx, open);
	lx->pos++;
	while (!lx->error && lx->pos < lx->end && *lx->pos != '"' && *lx->pos != '\n') {
		const char *from = lx->pos;
		if (bad_in_quotes(lx))
			return;
		if (*from == '\\') {
			lex_escape(lx, true);
		} else if (*from == '$') {
			lex_variable(lx);
		} else {
			lx->pos++;
			while (lx->pos < lx->end && is_plain_in_weak(*lx->pos))
				lx->pos++;
			lex_add(lx, from, (size_t)(lx->pos - from));
		}
	}
	if (lx->error)
		return;
	if (lx->pos == lx->end || *lx->pos == '\n') {
		lex_fail(lx, LEX_QUOTE, open);
		/* the quote may have been opened some continued lines above */
		lx->error_bol = open_bol;
		lx->error_line = open_line;
		return;
	}
	lx->pos++;
}

static void lex_comment(struct lexer *lx)
{
	const char *lf = memchr(lx->pos, '\n', (size_t)(lx->end - lx->pos));
	const char *stop = lf ? lf : lx->end;
	const char *nul = memchr(lx->pos, '\0', (size_t)(stop - lx->pos));
	if (nul)
		lex_fail(lx, LEX_NUL, nul);
	lx->pos = stop;
}

static bool is_plain(char c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\n':
	case '\r':
	case '\0':
	case '#':
	case '\\':
	case '\'':
	case '"':
		return false;
	default:
		return true;
	}
}

/* One token or delimiter; the line feed is left to the caller. */
static void lex_step(struct lexer *lx)
{
	const char *from = lx->pos;
	switch (*from) {
	case ' ':
	case '\t':
		lex_word_end(lx);
		lx->pos++;
		return;
	case '\r':
		if (line_end_len(lx, from))
			lx->pos++;
		else
			lex_fail(lx, LEX_CR, from);
		return;
	case '\0':
		lex_fail(lx, LEX_NUL, from);
		return;
	case '\\':
		lex_escape(lx, false);
		return;
	case '\'':
		lex_strong(lx);
		return;
	case '"':
		lex_weak(lx);
		return;
	case '#':
		if (lx->comments) {
			lex_word_end(lx);
			lex_comment(lx);
			return;
		}
		break;
	}
	lex_word_begin(lx, from);
	lx->pos++;
	while (lx->pos < lx->end && is_plain(*lx->pos))
		lx->pos++;
	lex_add(lx, from, (size_t)(lx->pos - from));
}

/* To the end of the logical line: a line feed behind an odd number of backslashes does not end it. */
static void skip_rest(struct lexer *lx)
{
	while (lx->pos < lx->end) {
		const char *lf = memchr(lx->pos, '\n', (size_t)(lx->end - lx->pos));
		if (!lf) {
			lx->pos = lx->end;
			return;
		}
		const char *p = lf;
		while (p > lx->bol && p[-1] == '\r')
			p--;
		const char *first = p;
		while (first > lx->bol && first[-1] == '\\')
			first--;
		lx->pos = lf;
		if ((p - first) % 2 == 0)
			return;
		next_physical_line(lx);
	}
}

/* Makes the arrays that struct conf_line points to. */
static void finish_words(struct lexer *lx)
{
	size_t n = lx->word_n + CONF_ARGV_PAD;
	if (n > lx->argv_cap) {
		size_t cap = MAX(n, lx->argv_cap * 2);
		char **argv = reallocarray(lx->argv, cap, sizeof(*argv));
		unsigned *cols = argv ? reallocarray(lx->cols, cap, sizeof(*cols)) : NULL;
		unsigned *lines = cols ? reallocarray(lx->lines, cap, sizeof(*lines)) : NULL;
		lx->argv = argv ? argv : lx->argv;
		lx->cols = cols ? cols : lx->cols;
		lx->lines = lines ? lines : lx->lines;
		if (!lines) {
			lex_fail(lx, LEX_MEMORY, lx->bol);
			return;
		}
		lx->argv_cap = cap;
	}
	strbuf_reserve(&lx->text, 1); /* even a line without a byte has a "" to point to */
	if (lx->text.failed) {
		lex_fail(lx, LEX_MEMORY, lx->bol);
		return;
	}
	lx->text.ptr[lx->text.len] = '\0';
	for (size_t i = 0; i < n; i++) {
		bool real = i < lx->word_n;
		lx->argv[i] = lx->text.ptr + (real ? lx->words[i].offset : lx->text.len);
		lx->cols[i] = real ? lx->words[i].col : 0;
		lx->lines[i] = real ? lx->words[i].line : lx->first_line;
	}
}

bool lexer_next(struct lexer *lx)
{
	if (lx->pos == lx->end)
		return false;
	strbuf_clear(&lx->text);
	lx->text.failed = false;
	lx->word_n = 0;
	lx->in_word = false;
	lx->error = LEX_OK;
	lx->first_line = lx->line_no;

	while (!lx->error && lx->pos < lx->end && *lx->pos != '\n')
		lex_step(lx);
	lex_word_end(lx);
	if (!lx->error)
		finish_words(lx);
	if (lx->error) {
		skip_rest(lx);
		lx->word_n = 0;
	}
	lx->cut = lx->pos == lx->end;
	if (!lx->cut)
		next_physical_line(lx);
	return true;
}

const char *lexer_error_text(enum lex_error error)
{
	switch (error) {
	case LEX_OK:
		break;
	case LEX_QUOTE:
		return "unmatched quote";
	case LEX_BRACE:
		return "unmatched brace in environment variable name";
	case LEX_NAME:
		return "not the name of an environment variable";
	case LEX_EXPANSION:
		return "truncated or invalid word expansion sequence, \"[*]\" expected";
	case LEX_HEX:
		return "truncated or invalid hexadecimal sequence";
	case LEX_NUL:
		return "a NUL byte cannot stand in a configuration";
	case LEX_CR:
		return "carriage return in the middle of a line; write \\r for the character";
	case LEX_LONG:
		return "the line is longer than 2 MiB";
	case LEX_MEMORY:
		return "out of memory";
	}
	return "no error";
}

void lexer_show_error(const struct lexer *lx, struct strbuf *out)
{
	enum { BEFORE = 50, AFTER = 30 };
	const char *lf = memchr(lx->error_at, '\n', (size_t)(lx->end - lx->error_at));
	const char *stop = lf ? lf : lx->end;
	const char *from = lx->error_bol;
	bool cut_left = lx->error_at - from > BEFORE;
	bool cut_right = stop - lx->error_at > AFTER;

	if (cut_left)
		from = lx->error_at - BEFORE;
	if (cut_right)
		stop = lx->error_at + AFTER;
	strbuf_adds(out, cut_left ? "\n  ..." : "\n  ");
	for (const char *p = from; p < stop; p++) /* one column a byte, for the caret's sake */
		strbuf_addc(out, (unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p);
	strbuf_adds(out, cut_right ? "...\n" : "\n");
	strbuf_addf(out, "%*s^", (int)(lx->error_at - from) + (cut_left ? 5 : 2), "");
}
