/* SPDX-License-Identifier: MIT */
/*
 * "status 200 content-type text/plain string ... hdr name value": what "return" and the refusing actions send.
 */
#include "reply.h"
#include "acl.h"

enum payload {
	PAYLOAD_NONE,	/* status alone */
	PAYLOAD_PLAIN,	/* the proxy's error files */
	PAYLOAD_ERRORS, /* of an http-errors section, else the proxy's */
	PAYLOAD_RAW,	/* a complete response: errorfile */
	PAYLOAD_TEXT,
	PAYLOAD_FORMAT,
};

struct hdr_spec {
	struct hdr_spec *next;
	struct slice name;
	struct logfmt *fmt;
};

struct reply_spec {
	unsigned status;
	enum payload payload;
	struct slice content_type;
	struct slice text;
	struct logfmt *fmt;
	const void *errors;
	struct hdr_spec *hdrs;
	struct hdr_spec **hdrs_last;
	unsigned hdrs_n;
	bool has_payload; /* a word named it */
};

static bool status_has_page(unsigned status)
{
	static const uint16_t pages[] = { 200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 414,
		421, 422, 425, 429, 431, 500, 501, 502, 503, 504 };
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (pages[i] == status)
			return true;
	}
	return false;
}

/* ---- words ---- */

struct reply_word {
	const char *name;
	int (*parse)(struct action_parse *p, struct reply_spec *spec);
};

static int word_status(struct action_parse *p, struct reply_spec *spec)
{
	int64_t status;
	if (!action_word(p, "a status") ||
	    conf_int(p->conf, p->line, p->arg - 1, 200, 599, &status) < 0)
		return -1;
	spec->status = (unsigned)status;
	return 0;
}

static int word_type(struct action_parse *p, struct reply_spec *spec)
{
	const char *type = action_word(p, "a content type");
	if (!type)
		return -1;
	spec->content_type = slice_str(arena_strdup(conf_arena(p->conf), type));
	return spec->content_type.ptr ? 0 : -1;
}

static int payload_once(struct action_parse *p, struct reply_spec *spec, enum payload payload)
{
	if (spec->has_payload) {
		conf_error(p->conf, p->line, p->arg - 1, "'%s': the reply's content is given twice",
		    p->row->name);
		return -1;
	}
	spec->has_payload = true;
	spec->payload = payload;
	return 0;
}

static int word_default(struct action_parse *p, struct reply_spec *spec)
{
	return payload_once(p, spec, PAYLOAD_PLAIN);
}

static int read_file(struct action_parse *p, struct slice *ret)
{
	const char *path = action_word(p, "a file name");
	size_t len;
	char *text = path ? rule_file_read(p->conf, p->line, p->arg - 1, path, &len) : NULL;
	if (text)
		*ret = slice_make(text, len);
	return text ? 0 : -1;
}

static int word_errorfile(struct action_parse *p, struct reply_spec *spec)
{
	if (payload_once(p, spec, PAYLOAD_RAW) < 0 || read_file(p, &spec->text) < 0)
		return -1;
	if (slice_has_prefix(spec->text, SLICE("HTTP/")))
		return 0;
	conf_error(p->conf, p->line, p->arg - 1, "'%s' does not hold an HTTP response",
	    p->line->argv[p->arg - 1]);
	return -1;
}

static int word_file(struct action_parse *p, struct reply_spec *spec)
{
	return payload_once(p, spec, PAYLOAD_TEXT) < 0 ? -1 : read_file(p, &spec->text);
}

static int word_lf_file(struct action_parse *p, struct reply_spec *spec)
{
	if (payload_once(p, spec, PAYLOAD_FORMAT) < 0 || read_file(p, &spec->text) < 0)
		return -1;
	spec->fmt = action_fmt_text(p, spec->text.ptr);
	return spec->fmt ? 0 : -1;
}

static int word_string(struct action_parse *p, struct reply_spec *spec)
{
	const char *text = action_word(p, "a string");
	if (!text || payload_once(p, spec, PAYLOAD_TEXT) < 0)
		return -1;
	spec->text = slice_str(arena_strdup(conf_arena(p->conf), text));
	return spec->text.ptr ? 0 : -1;
}

static int word_lf_string(struct action_parse *p, struct reply_spec *spec)
{
	if (payload_once(p, spec, PAYLOAD_FORMAT) < 0)
		return -1;
	spec->fmt = action_fmt(p, "a format");
	return spec->fmt ? 0 : -1;
}

static int word_errorfiles(struct action_parse *p, struct reply_spec *spec)
{
	if (!action_word(p, "the name of an http-errors section") ||
	    payload_once(p, spec, PAYLOAD_ERRORS) < 0)
		return -1;
	spec->errors = acl_scope_errors(p->scope, p->conf, p->line, p->arg - 1);
	return spec->errors ? 0 : -1;
}

static int word_hdr(struct action_parse *p, struct reply_spec *spec)
{
	struct hdr_spec *h = arena_new(conf_arena(p->conf), struct hdr_spec);
	const char *name = action_word(p, "a header name");
	if (!h || !name)
		return -1;
	if (strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0) {
		conf_error(p->conf, p->line, p->arg - 1,
		    "'%s': header '%s' is made by the content and may not be set", p->row->name,
		    name);
		return -1;
	}
	char *copy = arena_strdup(conf_arena(p->conf), name);
	for (char *c = copy; c && *c; c++)
		*c = ascii_lower(*c);
	h->name = slice_str(copy);
	h->fmt = action_fmt(p, "a header value");
	if (!copy || !h->fmt)
		return -1;
	*spec->hdrs_last = h;
	spec->hdrs_last = &h->next;
	spec->hdrs_n++;
	return 0;
}

static const struct reply_word words[] = {
	{ "status", word_status },
	{ "deny_status", word_status },
	{ "content-type", word_type },
	{ "default-errorfiles", word_default },
	{ "errorfile", word_errorfile },
	{ "errorfiles", word_errorfiles },
	{ "file", word_file },
	{ "lf-file", word_lf_file },
	{ "string", word_string },
	{ "lf-string", word_lf_string },
	{ "hdr", word_hdr },
};

static int parse_word(struct action_parse *p, struct reply_spec *spec)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!action_take(p, words[i].name))
			continue;
		/* "deny_status" alone leaves it at the error files; any other word asks for a reply of its own */
		if (!spec->has_payload && strcmp(words[i].name, "deny_status") != 0)
			spec->payload = PAYLOAD_NONE;
		return words[i].parse(p, spec);
	}
	conf_error(p->conf, p->line, p->arg,
	    "'%s': unexpected '%s'; known are status, content-type, default-errorfiles, errorfile, "
	    "errorfiles, file, lf-file, string, lf-string, hdr",
	    p->row->name, p->line->argv[p->arg]);
	return -1;
}

static int validate(struct action_parse *p, struct reply_spec *spec)
{
	bool text =
	    spec->payload == PAYLOAD_FORMAT || (spec->payload == PAYLOAD_TEXT && spec->text.len);
	if (text && !spec->content_type.len) {
		conf_error(p->conf, p->line, p->arg - 1,
		    "'%s': a 'content-type' is needed for this content", p->row->name);
		return -1;
	}
	if (!text && spec->content_type.len) {
		conf_warning(p->conf, p->line, p->arg - 1,
		    "'%s': 'content-type' is ignored: there is no content", p->row->name);
		spec->content_type = SLICE_NULL;
	}
	bool page = spec->payload == PAYLOAD_PLAIN || spec->payload == PAYLOAD_RAW ||
		    spec->payload == PAYLOAD_ERRORS;
	if (page && !status_has_page(spec->status)) {
		conf_error(p->conf, p->line, p->arg - 1, "'%s': status %u has no error file",
		    p->row->name, spec->status);
		return -1;
	}
	if (page && spec->hdrs_n)
		conf_warning(p->conf, p->line, p->arg - 1,
		    "'%s': 'hdr' is ignored with an error file", p->row->name);
	return 0;
}

struct reply_spec *reply_parse(struct action_parse *p, unsigned status, bool plain_by_default)
{
	struct reply_spec *spec = arena_new(conf_arena(p->conf), struct reply_spec);
	if (!spec) {
		conf_error(p->conf, p->line, p->arg, "out of memory");
		return NULL;
	}
	spec->status = status;
	spec->payload = plain_by_default ? PAYLOAD_PLAIN : PAYLOAD_NONE;
	spec->hdrs_last = &spec->hdrs;
	while (!action_at_end(p)) {
		if (parse_word(p, spec) < 0)
			return NULL;
	}
	return validate(p, spec) < 0 ? NULL : spec;
}

struct reply_spec *reply_spec_parse(struct conf *conf, const struct conf_line *line, int arg,
    struct acl_scope *scope, unsigned where, bool *ret_reset)
{
	static const struct action_row row = { .name = "http-error" };
	struct action_parse p = { .conf = conf,
		.line = line,
		.arg = arg,
		.kind = RULES_KIND_N,
		.where = where,
		.scope = scope,
		.row = &row };
	struct reply_spec *spec = reply_parse(&p, 0, false);
	if (spec && p.arg < line->argc) {
		conf_error(conf, line, p.arg, "'http-error' takes no condition");
		return NULL;
	}
	if (spec && !spec->status) {
		conf_error(conf, line, -1, "'http-error' expects 'status <code>'");
		return NULL;
	}
	*ret_reset = spec && spec->payload == PAYLOAD_PLAIN;
	return spec;
}

unsigned reply_spec_status(const struct reply_spec *spec)
{
	return spec->status;
}

/* ---- making ---- */

static bool make_hdrs(const struct reply_spec *spec, struct rule_ctx *cx, struct rule_reply *r)
{
	struct rule_reply_hdr *hdrs = arena_array(cx->arena, struct rule_reply_hdr, spec->hdrs_n);
	if (!hdrs)
		return false;
	for (const struct hdr_spec *h = spec->hdrs; h; h = h->next) {
		struct slice value = action_text(h->fmt, cx);
		if (!value.ptr)
			return false;
		hdrs[r->hdrs_n++] = (struct rule_reply_hdr){ h->name, value };
	}
	r->hdrs = hdrs;
	r->hdrs_first = true;
	return true;
}

struct rule_reply *reply_make(const struct reply_spec *spec, struct rule_ctx *cx)
{
	struct rule_reply *r = arena_new(cx->arena, struct rule_reply);
	if (!r)
		return NULL;
	r->status = spec->status;
	if (spec->payload == PAYLOAD_PLAIN || spec->payload == PAYLOAD_ERRORS) {
		r->plain = true;
		r->errors = spec->errors;
		return r;
	}
	if (spec->payload == PAYLOAD_RAW) {
		r->file_raw = spec->text.ptr;
		r->file_raw_len = spec->text.len;
		return r;
	}
	r->body = spec->text;
	if (spec->payload == PAYLOAD_FORMAT)
		r->body = action_text(spec->fmt, cx);
	if (spec->payload == PAYLOAD_FORMAT && !r->body.ptr)
		return NULL;
	r->content_type = spec->content_type;
	return spec->hdrs_n && !make_hdrs(spec, cx, r) ? NULL : r;
}
