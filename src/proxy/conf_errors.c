/* SPDX-License-Identifier: MIT */
/*
 * Answers of weir's own that the configuration replaces: "errorfile", "errorloc", "http-error". Files are read
 * here, once; what is kept is a complete response, ready to send.
 */
#include "conf_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/strbuf.h"
#include "weir/h1/h1.h"

/* A response has to fit into a buffer; this bounds what is read before the buffers' size is known. */
#define ERROR_FILE_MAX (1u << 20)

int error_index(struct conf *conf, const struct conf_line *line, int arg)
{
	int64_t status;
	if (conf_int(conf, line, arg, 200, 599, &status) < 0)
		return -1;
	int i = error_reply_index((unsigned)status);
	if (i >= 0)
		return i;
	struct strbuf list = STRBUF_INIT;
	for (i = 0; i < ERROR_REPLY_N; i++)
		strbuf_addf(&list, "%s%u", i ? ", " : "", error_reply_status[i]);
	conf_error(conf, line, arg, "status %d cannot be customised: only %s", (int)status,
	    strbuf_str(&list));
	strbuf_done(&list);
	return -1;
}

static int read_file(struct conf *conf, const struct conf_line *line, int arg, struct arena *arena,
    struct slice *ret)
{
	const char *path = line->argv[arg];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = NULL;
	size_t got = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		why = strerror(errno);
		goto out;
	}
	if (S_ISDIR(st.st_mode) || st.st_size > (off_t)ERROR_FILE_MAX) {
		why = S_ISDIR(st.st_mode) ? "is a directory" : "larger than 1 MiB";
		goto out;
	}
	char *text = arena_bytes(arena, (size_t)st.st_size + 1);
	if (!text) {
		why = "out of memory";
		goto out;
	}
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, text + got, (size_t)st.st_size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	*ret = slice_make(text, got);
out:
	if (fd >= 0)
		close(fd);
	if (!why)
		return 0;
	conf_error(conf, line, arg, "cannot read file '%s' : %s", path, why);
	return -1;
}

/* A file is either empty (the connection is closed without a word) or begins as a response. */
static bool looks_like_response(struct slice raw)
{
	if (raw.len == 0)
		return true;
	size_t end = slice_search(raw, SLICE("\n"));
	return slice_has_prefix(raw, SLICE("HTTP/1.")) && end >= sizeof("HTTP/1.1 200") - 1 &&
	       end < raw.len;
}

/* Bare line feeds become CRLF in the head, so that files written by hand are right on the wire. */
static struct slice fix_head(struct arena *a, struct slice raw)
{
	char *out = arena_bytes(a, raw.len * 2 + 1);
	size_t n = 0;
	if (!out)
		return SLICE_NULL;
	for (size_t i = 0; i < raw.len; i++) {
		bool bare = raw.ptr[i] == '\n' && (i == 0 || raw.ptr[i - 1] != '\r');
		if (bare)
			out[n++] = '\r';
		out[n++] = raw.ptr[i];
		if (raw.ptr[i] == '\n' && n >= 4 && memcmp(out + n - 4, "\r\n\r\n", 4) == 0) {
			memcpy(out + n, raw.ptr + i + 1, raw.len - i - 1);
			n += raw.len - i - 1;
			break;
		}
	}
	return slice_make(out, n);
}

/* A length that is not that of the payload would shift all that follows on the connection. */
static bool length_is_right(
    struct conf *conf, const struct conf_line *line, int arg, struct arena *arena, struct slice raw)
{
	struct http_hdr hdrs[64];
	struct http_msg m;
	struct h1_parsed parsed;
	char *copy = arena_slice_dup(arena, raw);
	http_msg_init(&m, hdrs, ARRAY_SIZE(hdrs));
	if (!copy || h1_parse_response(copy, raw.len, H1_ACCEPT_UNSAFE, &m, &parsed) != H1_COMPLETE)
		return true; /* found when it is sent */
	uint64_t payload = raw.len - parsed.consumed;
	if (m.framing != HTTP_BODY_LENGTH || m.content_length == payload)
		return true;
	conf_error(conf, line, arg,
	    "file '%s': payload size does not match the announced content-length (%llu != %llu)",
	    line->argv[arg], (unsigned long long)payload, (unsigned long long)m.content_length);
	return false;
}

int set_error_file(struct conf *conf, const struct conf_line *line, int arg, struct arena *arena,
    struct error_reply *errors)
{
	struct slice raw;
	int i = error_index(conf, line, arg);
	if (i < 0 || read_file(conf, line, arg + 1, arena, &raw) < 0)
		return -1;
	if (!looks_like_response(raw)) {
		conf_error(conf, line, arg + 1,
		    "file '%s' is no HTTP response: it must begin with a line such as 'HTTP/1.0 "
		    "503 "
		    "Service Unavailable', headers, and an empty line",
		    line->argv[arg + 1]);
		return -1;
	}
	raw = fix_head(arena, raw);
	if (!raw.ptr)
		return no_memory(conf, line);
	if (raw.len && !length_is_right(conf, line, arg + 1, arena, raw))
		return -1;
	errors[i] = (struct error_reply){ .raw = raw };
	return 0;
}

static int set_errorfile(const struct conf_call *call)
{
	struct proxy *p = call->object;
	return set_error_file(call->conf, call->line, call->arg, p->arena, p->errors);
}

/* data: 302 or 303 */
static int set_errorloc(const struct conf_call *call)
{
	struct proxy *p = call->object;
	int i = error_index(call->conf, call->line, call->arg);
	if (i < 0)
		return -1;
	unsigned code = (unsigned)call->row->data;
	char *text = arena_printf(p->arena,
	    "HTTP/1.1 %u %.*s\r\ncache-control: no-cache\r\ncontent-length: 0\r\nlocation: "
	    "%s\r\n\r\n",
	    code, SLICE_ARG(http_reason(code)), call->line->argv[call->arg + 1]);
	if (!text)
		return no_memory(call->conf, call->line);
	p->errors[i] = (struct error_reply){ .raw = slice_str(text) };
	return 0;
}

/* ---- http-error, errorfiles ---- */

static int set_http_error(const struct conf_call *call)
{
	struct proxy *p = call->object;
	unsigned where = RULE_AT_CONN | RULE_AT_SESS | RULE_AT_REQ;
	bool reset;
	const struct reply_spec *spec =
	    reply_spec_parse(call->conf, call->line, call->arg, p->acls, where, &reset);
	if (!spec)
		return -1;
	int i = error_reply_index(reply_spec_status(spec));
	if (i < 0) {
		conf_error(call->conf, call->line, -1,
		    "'http-error': status %u cannot be customised", reply_spec_status(spec));
		return -1;
	}
	p->errors[i] = (struct error_reply){ .spec = reset ? NULL : spec };
	return 0;
}

/* The section may stand further down: what it has is known when all is read. */
static int import_error(
    const struct conf_call *call, struct proxy *p, int i, const struct http_errors *from)
{
	struct error_reply *otherwise = arena_new(p->arena, struct error_reply);
	if (!otherwise)
		return no_memory(call->conf, call->line);
	*otherwise = p->errors[i];
	p->errors[i] = (struct error_reply){ .from = from, .otherwise = otherwise };
	return 0;
}

static int set_errorfiles(const struct conf_call *call)
{
	struct proxy *p = call->object;
	const struct conf_line *line = call->line;
	const struct http_errors *from = find_http_errors(p->config, call->conf, line, call->arg);
	if (!from)
		return -1;
	for (int i = 0; call->arg + 1 >= line->argc && i < ERROR_REPLY_N; i++) {
		if (import_error(call, p, i, from) < 0)
			return -1;
	}
	for (int arg = call->arg + 1; arg < line->argc; arg++) {
		int i = error_index(call->conf, line, arg);
		if (i < 0 || import_error(call, p, i, from) < 0)
			return -1;
	}
	return 0;
}

const struct conf_keyword proxy_error_keywords[] = {
	{ "errorfile", CONF_PROXY, 0, 2, 2, set_errorfile, 0, "<status> <file>",
	    "file with the complete answer for a status" },
	{ "errorloc", CONF_PROXY, 0, 2, 2, set_errorloc, 302, "<status> <url>",
	    "redirects (302) instead of the answer for a status" },
	{ "errorloc302", CONF_PROXY, 0, 2, 2, set_errorloc, 302, "<status> <url>",
	    "the same as errorloc" },
	{ "errorloc303", CONF_PROXY, 0, 2, 2, set_errorloc, 303, "<status> <url>",
	    "the same with 303: the client follows with GET" },
	{ "errorfiles", CONF_PROXY, 0, 1, -1, set_errorfiles, 0, "<section> [ <status> ]...",
	    "takes the answers of an http-errors section, or some of them" },
	{ "http-error", CONF_PROXY, 0, 2, -1, set_http_error, 0,
	    "status <code> [content-type <type>] [ default-errorfiles | errorfile <file> | "
	    "errorfiles <section> | file <file> | lf-file <file> | string <text> | "
	    "lf-string <fmt> ] [ hdr <name> <fmt> ]...",
	    "the answer for a status" },
	{ .name = NULL },
};
