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

/* A response has to fit into a buffer; this bounds what is read before the buffers' size is known. */
#define ERROR_FILE_MAX (1u << 20)

static struct error_reply *find_reply(const struct conf_call *call, int arg)
{
	struct proxy *p = call->object;
	int64_t status;
	if (conf_int(call->conf, call->line, arg, 200, 599, &status) < 0)
		return NULL;
	int i = error_reply_index((unsigned)status);
	if (i >= 0)
		return &p->errors[i];
	struct strbuf list = STRBUF_INIT;
	for (i = 0; i < ERROR_REPLY_N; i++)
		strbuf_addf(&list, "%s%u", i ? ", " : "", error_reply_status[i]);
	conf_error(call->conf, call->line, arg, "status %d cannot be customised: only %s",
	    (int)status, strbuf_str(&list));
	strbuf_done(&list);
	return NULL;
}

static int read_file(const struct conf_call *call, int arg, struct slice *ret)
{
	const char *path = call->line->argv[arg];
	struct proxy *p = call->object;
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
	char *text = arena_bytes(p->arena, (size_t)st.st_size + 1);
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
	conf_error(call->conf, call->line, arg, "cannot read file '%s' : %s", path, why);
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

static int set_raw_file(const struct conf_call *call, int arg, struct error_reply *r)
{
	struct proxy *p = call->object;
	struct slice raw;
	if (read_file(call, arg, &raw) < 0)
		return -1;
	if (!looks_like_response(raw)) {
		conf_error(call->conf, call->line, arg,
		    "file '%s' is no HTTP response: it must begin with a line such as 'HTTP/1.0 "
		    "503 "
		    "Service Unavailable', headers, and an empty line",
		    call->line->argv[arg]);
		return -1;
	}
	raw = fix_head(p->arena, raw);
	if (!raw.ptr)
		return no_memory(call->conf, call->line);
	r->raw = raw;
	return 0;
}

static int set_errorfile(const struct conf_call *call)
{
	struct error_reply *r = find_reply(call, call->arg);
	return r ? set_raw_file(call, call->arg + 1, r) : -1;
}

/* data: 302 or 303 */
static int set_errorloc(const struct conf_call *call)
{
	struct proxy *p = call->object;
	struct error_reply *r = find_reply(call, call->arg);
	if (!r)
		return -1;
	unsigned code = (unsigned)call->row->data;
	char *text = arena_printf(p->arena,
	    "HTTP/1.1 %u %.*s\r\ncache-control: no-cache\r\ncontent-length: 0\r\nlocation: "
	    "%s\r\n\r\n",
	    code, SLICE_ARG(http_reason(code)), call->line->argv[call->arg + 1]);
	if (!text)
		return no_memory(call->conf, call->line);
	r->raw = slice_str(text);
	return 0;
}

/* ---- http-error ---- */

struct http_error {
	struct error_reply *reply;
	unsigned status;
	const char *content_type;
	struct slice body;
	bool has_body;
	bool has_file; /* a complete response */
	bool reset;    /* default-errorfiles */
	struct strbuf headers;
};

static int error_status(const struct conf_call *call, int arg, struct http_error *e)
{
	e->reply = find_reply(call, arg);
	if (!e->reply)
		return -1;
	e->status = error_reply_status[e->reply - ((struct proxy *)call->object)->errors];
	return 0;
}

static int error_content_type(const struct conf_call *call, int arg, struct http_error *e)
{
	e->content_type = call->line->argv[arg];
	return 0;
}

static int error_string(const struct conf_call *call, int arg, struct http_error *e)
{
	e->body = slice_str(call->line->argv[arg]);
	e->has_body = true;
	return 0;
}

static int error_file(const struct conf_call *call, int arg, struct http_error *e)
{
	e->has_body = true;
	return read_file(call, arg, &e->body);
}

static int error_errorfile(const struct conf_call *call, int arg, struct http_error *e)
{
	if (!e->reply) {
		conf_error(call->conf, call->line, arg - 1, "'status <code>' must come first");
		return -1;
	}
	e->has_file = true;
	return set_raw_file(call, arg, e->reply);
}

static int error_reset(const struct conf_call *call, int arg, struct http_error *e)
{
	e->reset = true;
	return 0;
}

static int error_header(const struct conf_call *call, int arg, struct http_error *e)
{
	const char *value = call->line->argv[arg + 1];
	if (strchr(value, '%')) {
		conf_error(call->conf, call->line, arg + 1,
		    "variables in 'hdr' of 'http-error' are not supported by this version of weir");
		return -1;
	}
	strbuf_addf(&e->headers, "%s: %s\r\n", call->line->argv[arg], value);
	return 0;
}

static const struct error_word {
	const char *name;
	int args;
	int (*set)(const struct conf_call *call, int arg, struct http_error *e);
} error_words[] = {
	{ "status", 1, error_status },
	{ "content-type", 1, error_content_type },
	{ "string", 1, error_string },
	{ "file", 1, error_file },
	{ "errorfile", 1, error_errorfile },
	{ "default-errorfiles", 0, error_reset },
	{ "hdr", 2, error_header },
	{ "lf-string", 1, NULL },
	{ "lf-file", 1, NULL },
	{ "errorfiles", 1, NULL },
};

static const char *next_error_word(const void *names, size_t i)
{
	(void)names;
	return i < ARRAY_SIZE(error_words) ? error_words[i].name : NULL;
}

static const struct error_word *find_error_word(const struct conf_call *call, int arg)
{
	const char *word = call->line->argv[arg];
	for (size_t i = 0; i < ARRAY_SIZE(error_words); i++)
		if (strcmp(error_words[i].name, word) == 0)
			return &error_words[i];
	const char *near = conf_nearest(word, next_error_word, NULL);
	conf_error(call->conf, call->line, arg, "'http-error' does not know '%s'%s%s%s", word,
	    near ? "; did you mean '" : "", near ? near : "", near ? "' ?" : "");
	return NULL;
}

static int parse_error_words(const struct conf_call *call, struct http_error *e)
{
	const struct conf_line *line = call->line;
	for (int i = call->arg; i < line->argc;) {
		const struct error_word *w = find_error_word(call, i);
		if (!w)
			return -1;
		if (i + w->args >= line->argc) {
			conf_error(call->conf, line, i, "'%s' expects %d argument%s", w->name,
			    w->args, w->args == 1 ? "" : "s");
			return -1;
		}
		if (!w->set) {
			conf_error(call->conf, line, i,
			    "'%s' of 'http-error' is not supported by this version of weir",
			    w->name);
			return -1;
		}
		if (w->set(call, i + 1, e) < 0)
			return -1;
		i += 1 + w->args;
	}
	return 0;
}

static int build_error(const struct conf_call *call, struct http_error *e)
{
	struct proxy *p = call->object;
	if (e->body.len && !e->content_type) {
		conf_error(call->conf, call->line, -1,
		    "'http-error' with a payload expects 'content-type <type>'");
		return -1;
	}
	struct strbuf raw = STRBUF_INIT;
	strbuf_addf(&raw, "HTTP/1.1 %u %.*s\r\ncontent-length: %zu\r\n", e->status,
	    SLICE_ARG(http_reason(e->status)), e->body.len);
	if (e->body.len)
		strbuf_addf(&raw, "content-type: %s\r\n", e->content_type);
	strbuf_addslice(&raw, strbuf_slice(&e->headers));
	strbuf_adds(&raw, "\r\n");
	strbuf_addslice(&raw, e->body);
	struct slice copy = raw.failed || e->headers.failed
				? SLICE_NULL
				: arena_slice(p->arena, strbuf_slice(&raw));
	strbuf_done(&raw);
	if (!copy.ptr)
		return no_memory(call->conf, call->line);
	e->reply->raw = copy;
	return 0;
}

static int set_http_error(const struct conf_call *call)
{
	struct http_error e = { .headers = STRBUF_INIT };
	int r = parse_error_words(call, &e);
	if (r == 0 && !e.reply) {
		conf_error(call->conf, call->line, -1, "'http-error' expects 'status <code>'");
		r = -1;
	}
	if (r == 0 && e.reset)
		e.reply->raw = SLICE_NULL;
	else if (r == 0 && !e.has_file)
		r = build_error(call, &e);
	strbuf_done(&e.headers);
	return r;
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
	{ "http-error", CONF_PROXY, 0, 2, -1, set_http_error, 0,
	    "status <code> [content-type <type>] [ default-errorfiles | errorfile <file> | file "
	    "<file> "
	    "| string <text> ] [ hdr <name> <value> ]...",
	    "the answer for a status" },
	{ .name = NULL },
};
