/* SPDX-License-Identifier: MIT */
/*
 * Aliases of log formats that show the request line and what was captured (configuration manual 8.2.6, 8.8).
 */
#include "logfmt.h"

/* ---- the request ---- */

ALIAS(logalias_request)
{
	char line[8192];
	if (r->bad_request || !r->method.len) {
		logfmt_value(o, opts, SLICE("<BADREQ>"), MAP_ALL);
		return;
	}
	/* Bounded by the buffer that the line was received into; a longer one is cut. */
	struct logfmt_out l = { .at = line, .end = line + sizeof(line) };
	logfmt_raw(&l, r->method);
	logfmt_char(&l, ' ');
	logfmt_raw(&l, r->uri);
	if (r->version.len) {
		logfmt_char(&l, ' ');
		logfmt_raw(&l, r->version);
	}
	logfmt_value(o, opts, slice_make(line, (size_t)(l.at - line)), MAP_URL);
}

/* Parts that are missing show as nothing, not as "-". */
static void put_url(
    struct logfmt_out *o, unsigned opts, const struct log_record *r, struct slice part)
{
	logfmt_value(o, opts & ~OPT_MANDATORY, r->bad_request ? SLICE("<BADREQ>") : part, MAP_URL);
}

/* data: where the part lies in the record. */
ALIAS(logalias_part)
{
	struct slice part;
	memcpy(&part, (const char *)r + data, sizeof(part));
	put_url(o, opts, r, part);
}

/* "*" is no path. */
ALIAS(logalias_path)
{
	bool slash = r->path.len && r->path.ptr[0] == '/';
	put_url(o, opts, r, slash ? r->path : SLICE_NULL);
}

/* The target up to its query. */
ALIAS(logalias_uri_path)
{
	struct slice part = slice_sub(r->uri, 0, slice_find(r->uri, '?'));
	put_url(o, opts, r, part);
}

/* The query with its question mark. */
ALIAS(logalias_uri_query)
{
	struct slice part = slice_sub(r->uri, slice_find(r->uri, '?'), r->uri.len);
	put_url(o, opts, r, part);
}

/* ---- captures; data: of the response ---- */

static const struct slice *captures(const struct log_record *r, uintptr_t response, unsigned *ret_n)
{
	*ret_n = r->bad_request ? 0 : response ? r->res_captures_n : r->req_captures_n;
	return response ? r->res_captures : r->req_captures;
}

static void put_in_braces(
    struct logfmt_out *o, unsigned opts, const struct slice *values, unsigned n)
{
	logfmt_char(o, '{');
	for (unsigned i = 0; i < n; i++) {
		if (i)
			logfmt_char(o, '|');
		logfmt_value(o, opts & OPT_ESCAPE, values[i], MAP_HDR);
	}
	logfmt_char(o, '}');
}

ALIAS(logalias_captures)
{
	unsigned n;
	const struct slice *values = captures(r, data, &n);
	char text[8192];
	if (opts & OPT_ENCODED) {
		struct logfmt_out t = { .at = text, .end = text + sizeof(text) };
		put_in_braces(&t, 0, values, n);
		struct slice all = slice_make(text, (size_t)(t.at - text));
		logfmt_value(o, opts, n ? all : SLICE_NULL, MAP_ALL);
		return;
	}
	if (n == 0)
		return;
	if (opts & OPT_QUOTE)
		logfmt_char(o, '"');
	put_in_braces(o, opts, values, n);
	if (opts & OPT_QUOTE)
		logfmt_char(o, '"');
}

ALIAS(logalias_capture_list)
{
	unsigned n;
	const struct slice *values = captures(r, data, &n);
	logfmt_list(o, opts, values, n, MAP_HDR);
}
