/* SPDX-License-Identifier: MIT */
/*
 * What all answers have in common when they are judged: patterns in bytes, and the words of a verdict. Pure but for
 * cx->arena.
 */
#include "check_internal.h"

struct slice check_text_of(const struct check_text *t, struct rule_ctx *cx)
{
	char text[CHECK_TEXT_MAX];
	if (!t->fmt)
		return t->text;
	return arena_slice(
	    cx->arena, slice_make(text, logfmt_write(t->fmt, cx, text, sizeof(text))));
}

/* ---- patterns in bytes ---- */

bool check_bytes_short(const struct check_expect *e, struct slice bytes, bool over)
{
	bool literal = e->kind == EXPECT_STRING || e->kind == EXPECT_BINARY;
	size_t least = e->min_recv > 0 ? (size_t)e->min_recv : 0;
	if (over)
		return false;
	if (literal)
		least = e->min_recv > 0 ? MIN(least, e->text.text.len) : e->text.text.len;
	return bytes.len < least;
}

/* Regular expressions see binary bytes as hex digits. From malloc: a slow server makes this happen often. */
static bool match_hex(const struct check_regex *re, struct slice bytes)
{
	static const char digits[] = "0123456789ABCDEF";
	char *text = malloc(bytes.len * 2 + 1);
	if (!text)
		return false;
	for (size_t i = 0; i < bytes.len; i++) {
		text[2 * i] = digits[(unsigned char)bytes.ptr[i] >> 4];
		text[2 * i + 1] = digits[(unsigned char)bytes.ptr[i] & 15];
	}
	bool found = check_regex_match(re, slice_make(text, bytes.len * 2));
	free(text);
	return found;
}

int check_bytes_match(const struct check_expect *e, struct slice bytes, struct rule_ctx *cx)
{
	struct slice text = e->text.text;
	switch (e->kind) {
	case EXPECT_RSTRING:
		return check_regex_match(e->regex, bytes);
	case EXPECT_RBINARY:
		return match_hex(e->regex, bytes);
	case EXPECT_STRING_LF:
	case EXPECT_BINARY_LF:
		text = check_text_of(&e->text, cx);
		if (e->kind == EXPECT_BINARY_LF && text.ptr)
			text = check_unhex(text, cx->arena);
		if (text.len == 0)
			return -1;
		break;
	default:
		break;
	}
	return slice_search(bytes, text) <= bytes.len && bytes.len >= text.len;
}

/* ---- verdicts ---- */

static enum check_result result_of(enum check_status status, bool good)
{
	if (status == CHECK_L7OKC)
		return CHECK_RES_CONDPASS;
	return good ? CHECK_RES_PASSED : CHECK_RES_FAILED;
}

static enum check_status status_of(const struct check_expect *e, bool good)
{
	if (good)
		return e->ok_status ? e->ok_status : CHECK_L7OK;
	if (e->error_status)
		return e->error_status;
	return e->kind < EXPECT_STRING ? CHECK_L7STS : CHECK_L7RSP;
}

void check_verdict_set(const struct check_step *step, bool good, const char *text,
    struct rule_ctx *cx, struct check_verdict *ret)
{
	const struct check_expect *e = &step->expect;
	const struct logfmt *fmt = good ? e->on_success : e->on_error;
	struct sample code;
	size_t len;
	ret->status = status_of(e, good);
	ret->result = result_of(ret->status, good);
	if (e->status_code && expr_eval(e->status_code, cx, SMP_SINT, &code))
		ret->code = (unsigned)code.sint;
	if (fmt) {
		len = logfmt_write(fmt, cx, ret->desc, sizeof(ret->desc) - 1);
		ret->desc[len] = 0;
	} else {
		snprintf(ret->desc, sizeof(ret->desc), "%s", text);
	}
	len = strlen(ret->desc);
	if (!good && step->comment)
		snprintf(ret->desc + len, sizeof(ret->desc) - len, "%scomment: %s", len ? " " : "",
		    step->comment);
}

/* ---- tcp-check ---- */

static void tcp_failure(
    const struct check_step *step, bool empty, bool nothing, char *out, size_t size)
{
	static const char *const what[] = {
		[EXPECT_STRING] = "",
		[EXPECT_RSTRING] = " (regex)",
		[EXPECT_STRING_LF] = " (log-format string)",
		[EXPECT_BINARY] = " (binary)",
		[EXPECT_RBINARY] = " (binary regex)",
		[EXPECT_BINARY_LF] = " (log-format binary)",
	};
	const struct check_expect *e = &step->expect;
	const char *outcome = e->negate ? "matched unwanted content" : "did not match content";
	if (empty)
		snprintf(out, size, "TCPCHK got an empty response at step %u", step->number);
	else if (nothing)
		snprintf(out, size, "log-format string evaluated to an empty string");
	else if (e->kind == EXPECT_STRING)
		snprintf(out, size, "TCPCHK %s '%.*s' at step %u", outcome, SLICE_ARG(e->text.text),
		    step->number);
	else
		snprintf(out, size, "TCPCHK %s%s at step %u", outcome, what[e->kind], step->number);
}

bool check_tcp_judge(const struct check_step *step, const struct check_response *in,
    struct rule_ctx *cx, struct check_verdict *ret)
{
	const struct check_expect *e = &step->expect;
	struct slice bytes = slice_make(in->in, in->len);
	bool over = check_response_over(in), empty = bytes.len == 0;
	char text[128] = "(tcp-check)";
	if ((empty && !over) || check_bytes_short(e, bytes, over))
		return false;
	cx->res_buf = bytes;
	int found = empty ? 0 : check_bytes_match(e, bytes, cx);
	if (found == 0 && !over && e->min_recv < 0)
		return false; /* it may be in what is still to come */
	bool good = !empty && found >= 0 && (found != 0) != e->negate;
	ret->code = 0;
	if (!good)
		tcp_failure(step, empty, found < 0, text, sizeof(text));
	check_verdict_set(step, good, text, cx, ret);
	return true;
}

static void connect_words(const struct check_connect *c, char *out, size_t size)
{
	if (c->port)
		snprintf(out, size, "(connect port %u)", c->port);
	else
		snprintf(out, size, "(connect)");
}

static void expect_words(const struct check_expect *e, char *out, size_t size)
{
	static const char *const what[] = {
		[EXPECT_STRING] = "string",
		[EXPECT_RSTRING] = "regex",
		[EXPECT_STRING_LF] = "log-format string",
		[EXPECT_BINARY] = "binary",
		[EXPECT_RBINARY] = "binary regex",
		[EXPECT_BINARY_LF] = "log-format binary",
	};
	if (e->kind == EXPECT_STRING)
		snprintf(out, size, "(expect string '%.*s')", SLICE_ARG(e->text.text));
	else
		snprintf(out, size, "(expect %s)", what[e->kind]);
}

void check_where(
    const struct httpchk_conf *h, const struct check_step *step, char *out, size_t size)
{
	char words[96] = "(send)";
	*out = 0;
	if (h->http || !h->lines_n || !step)
		return;
	if (step->number == 0) {
		snprintf(out, size, " at initial connection step of tcp-check");
		return;
	}
	if (step->kind == STEP_CONNECT)
		connect_words(&step->connect, words, sizeof(words));
	else if (step->kind == STEP_EXPECT)
		expect_words(&step->expect, words, sizeof(words));
	snprintf(out, size, " at step %u of tcp-check %s", step->number, words);
	size_t len = strlen(out);
	if (step->comment)
		snprintf(out + len, size - len, " comment: '%s'", step->comment);
}
