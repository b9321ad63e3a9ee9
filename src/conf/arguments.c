/* SPDX-License-Identifier: MIT */
/*
 * Arguments in parentheses, as predicates, fetches and converters take them: a second level of quotes inside
 * a word whose first level the lexer resolved. No comments, no variables, no \xHH here.
 */
#include "internal.h"

#include <errno.h>

static char escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case ' ':
	case '\\':
	case '\'':
	case '"':
		return c;
	default:
		return 0;
	}
}

ssize_t conf_parse_arg(const char *text, struct strbuf *out)
{
	char quote = 0;
	const char *p = text;
	for (; *p; p++) {
		if (!quote && (*p == ',' || *p == ')'))
			break;
		if (*p == quote) {
			quote = 0;
		} else if (!quote && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else if (*p == '\\' && quote != '\'' && escaped(p[1])) {
			p++;
			strbuf_addc(out, escaped(*p));
		} else {
			strbuf_addc(out, *p);
		}
	}
	return quote ? -EINVAL : p - text;
}
