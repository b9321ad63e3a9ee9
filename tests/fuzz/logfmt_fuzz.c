/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of log formats: the first byte says what the format is for, the rest is its text. What compiles is
 * written at many lengths. JSON and CBOR have to be decodable at each, a header value never holds a control byte,
 * and a shorter line is the beginning of a longer one.
 */
#include <jansson.h>

#include "rule_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE_MAX_ 2048

struct run {
	struct world w;
	struct logfmt *fmt;
	unsigned flags;
	const char *text;
};

/* The text as it is, so that quoting of the configuration language does not stand in the way. */
static int set_fmt(const struct conf_call *call)
{
	struct run *r = conf_user(call->conf);
	r->fmt = logfmt_parse(call->conf, call->line, call->arg, r->text, 0, r->flags);
	return r->fmt ? 0 : -1;
}

static const struct conf_keyword rows[] = {
	{ "fmt", CONF_FRONTEND, 0, 0, -1, set_fmt, 0, "", "" },
	{ .name = NULL },
};
static const struct conf_keyword *const tables[] = { rows, NULL };

/* ---- CBOR (RFC 8949), as far as it is written ---- */

static const uint8_t *cbor_skip(const uint8_t *at, const uint8_t *end);

static const uint8_t *cbor_map(const uint8_t *at, const uint8_t *end)
{
	while (require(at < end), *at != 0xff)
		at = cbor_skip(cbor_skip(at, end), end);
	return at + 1;
}

static const uint8_t *cbor_skip(const uint8_t *at, const uint8_t *end)
{
	require(at < end);
	uint8_t first = *at++, major = first >> 5, info = first & 31;
	if (first == 0xbf)
		return cbor_map(at, end);
	if (major == 7) {
		require(info >= 20 && info <= 22);
		return at;
	}
	require(info < 28 && major <= 4);
	uint64_t v = info;
	if (info >= 24) {
		size_t size = (size_t)1 << (info - 24);
		require((size_t)(end - at) >= size);
		for (v = 0; size; size--)
			v = v << 8 | *at++;
	}
	if (major == 2 || major == 3) {
		require(v <= (uint64_t)(end - at));
		return at + v;
	}
	for (; major == 4 && v; v--)
		at = cbor_skip(at, end);
	return at;
}

/* ---- what holds for every line ---- */

static void check_json(const char *line, size_t n)
{
	json_t *o = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
	require(o && json_is_object(o));
	json_decref(o);
}

static void check_http(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		require(((unsigned char)line[i] >= 32 && line[i] != 127) || line[i] == '\t');
}

/* Flags that are set for the whole, as far as the text alone tells. */
static bool begins_with(const char *text, const char *flags)
{
	return strncmp(text, flags, strlen(flags)) == 0 && !strstr(text + strlen(flags), "}o");
}

static bool has_control_bytes(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < 32 && *text != '\t') || *text == 127)
			return true;
	}
	return false;
}

static void check_line(const struct run *r, const char *line, size_t n)
{
	if (n && begins_with(r->text, "%{+json}o"))
		check_json(line, n);
	if (n && begins_with(r->text, "%{+cbor,+bin}o"))
		require(cbor_skip((const uint8_t *)line, (const uint8_t *)line + n) ==
			(const uint8_t *)line + n);
	if ((r->flags & LOGFMT_HTTP) && !has_control_bytes(r->text) && !strstr(r->text, "bin"))
		check_http(line, n);
}

static void write_lines(struct run *r)
{
	static char line[LINE_MAX_];
	for (size_t cap = 0; cap <= sizeof(line); cap += cap < 64 ? 1 : 97) {
		size_t n = logfmt_write(r->fmt, &r->w.cx, line, cap);
		require(n <= cap);
		check_line(r, line, n);
	}
	(void)logfmt_constant(r->fmt);
	(void)logfmt_needs(r->fmt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned kinds[] = { LOGFMT_LOG, LOGFMT_HTTP, LOGFMT_LOG | LOGFMT_TCP, 0 };
	static struct run r;
	if (size < 2 || size > 1024)
		return 0;
	memset(&r, 0, sizeof(r));
	world_fill(&r.w);
	r.flags = kinds[data[0] % ARRAY_SIZE(kinds)];
	r.text = arena_slice_dup(&r.w.conf_mem, slice_make((const char *)data + 1, size - 1));
	if (r.text && !names_a_file(r.text)) {
		world_read(&r.w, tables, &r, "frontend f\nfmt x\n");
		if (r.fmt)
			write_lines(&r);
	}
	world_done(&r.w);
	return 0;
}
