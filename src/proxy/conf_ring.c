/* SPDX-License-Identifier: MIT */
/*
 * "ring" sections, and the rings that targets with stream addresses have without a section. A target is tied to
 * its ring when all is read; the ring's format and length count then, not the target's.
 */
#include "ring_conf.h"

/* tune.bufsize is known only when all is read */
#define SIZE_UNSET 0
/* of the ring that every configuration may name without a section */
#define BUF0	  "buf0"
#define BUF0_SIZE (1024 * 1024)

static struct ring_conf *ring_add(struct config *c, const char *name, struct conf_pos pos)
{
	struct ring_conf *rc = arena_new(&c->arena, struct ring_conf);
	if (!rc)
		return NULL;
	rc->name = rc->description = name;
	rc->pos = pos;
	rc->size = SIZE_UNSET;
	rc->maxlen = RING_MAXLEN_DEFAULT;
	rc->header = LOG_HEADER_RAW;
	*c->rings_last = rc;
	c->rings_last = &rc->next;
	return rc;
}

struct ring_conf *ring_conf_find(const struct config *c, const char *name)
{
	struct ring_conf *rc = c->rings;
	while (rc && strcmp(rc->name, name) != 0)
		rc = rc->next;
	return rc;
}

struct ring_conf *ring_conf_own(
    struct config *c, const char *name, const char *description, struct conf_pos pos)
{
	struct ring_conf *rc = ring_add(c, name, pos);
	if (!rc)
		return NULL;
	rc->description = description;
	rc->is_own = true;
	rc->connect_ms = RING_CONNECT_MS_DEFAULT;
	rc->server_ms = RING_SERVER_MS_DEFAULT;
	return rc;
}

int log_ref_add(struct conf *conf, const struct conf_line *line, struct log_target *t,
    const char *name, bool is_backend)
{
	struct config *c = conf_user(conf);
	struct log_ref *ref = arena_new(conf_arena(conf), struct log_ref);
	if (!ref)
		return no_memory(conf, line);
	ref->name = arena_strdup(conf_arena(conf), name);
	if (!ref->name)
		return no_memory(conf, line);
	ref->target = t;
	ref->is_backend = is_backend;
	ref->pos = line->pos;
	ref->next = c->log_refs;
	c->log_refs = ref;
	return 0;
}

/* ---- the section ---- */

static void *open_ring(const struct conf_call *call)
{
	struct config *c = build_config(call);
	const struct conf_line *line = call->line;
	const char *name;
	if (line->argc < 2) {
		conf_error(call->conf, line, 0, "'ring' expects a name");
		return NULL;
	}
	if (!no_more_words(call->conf, line, 2) || conf_name(call->conf, line, 1, &name) < 0)
		return NULL;
	const struct ring_conf *other = ring_conf_find(c, name);
	if (other) {
		conf_error(call->conf, line, 1, "ring '%s' exists already, declared at %s:%u.",
		    name, other->pos.file ? other->pos.file : "", other->pos.line);
		return NULL;
	}
	struct ring_conf *rc = ring_add(c, name, line->pos);
	if (rc)
		rc->server_defaults = server_defaults_new(&c->arena, NULL);
	if (!rc || !rc->server_defaults) {
		(void)no_memory(call->conf, line);
		return NULL;
	}
	return rc;
}

static int set_text(const struct conf_call *call)
{
	const char *text = join_words(call->conf, call->line, call->arg);
	if (!text)
		return -1;
	memcpy((char *)call->object + call->row->data, &text, sizeof(text));
	return 0;
}

static int set_format(const struct conf_call *call)
{
	struct ring_conf *rc = call->object;
	static const char *const words[] = { "rfc3164", "rfc5424", "local", "priority", "short",
		"timed", "iso", "raw", NULL };
	int format;
	if (conf_enum(call->conf, call->line, call->arg, words, &format) < 0)
		return -1;
	rc->header = (enum log_header)log_header_parse(words[format]);
	return 0;
}

static int set_maxlen(const struct conf_call *call)
{
	struct ring_conf *rc = call->object;
	int64_t n;
	if (conf_int(call->conf, call->line, call->arg, 1, LOG_LEN_MAX, &n) < 0)
		return -1;
	rc->maxlen = (unsigned)n;
	return 0;
}

static int set_size(const struct conf_call *call)
{
	struct ring_conf *rc = call->object;
	uint64_t n;
	if (conf_size(call->conf, call->line, call->arg, 1, 1ull << 40, &n) < 0)
		return -1;
	rc->size = n;
	return 0;
}

static int set_timeout(const struct conf_call *call)
{
	return conf_time_ms(call->conf, call->line, call->arg,
	    (unsigned *)((char *)call->object + call->row->data));
}

static int add_server(const struct conf_call *call)
{
	struct ring_conf *rc = call->object;
	if (call->row->data)
		return server_defaults_parse(
		    call->conf, call->line, call->arg, rc->server_defaults);
	return server_parse(call->conf, call->line, call->arg, rc->server_defaults, &rc->servers);
}

#define FIELD(name) offsetof(struct ring_conf, name)

static const struct conf_keyword ring_keywords[] = {
	{ "backing-file", CONF_OTHER, 0, 1, 1, set_text, FIELD(file), "<path>",
	    "file that the ring's records lie in" },
	{ "default-server", CONF_OTHER, 0, 1, -1, add_server, 1, "[options...]",
	    "options of all servers below" },
	{ "description", CONF_OTHER, 0, 1, -1, set_text, FIELD(description), "<text>",
	    "text shown by 'show events'" },
	{ "format", CONF_OTHER, 0, 1, 1, set_format, 0, "<format>",
	    "header of the lines in the ring; raw unless set" },
	{ "maxlen", CONF_OTHER, 0, 1, 1, set_maxlen, 0, "<length>",
	    "bytes of the longest line, header included; 1024 unless set" },
	{ "server", CONF_OTHER, 0, 2, -1, add_server, 0, "<name> <address>[:<port>] [options...]",
	    "a log server that gets everything the ring gets, over TCP" },
	{ "size", CONF_OTHER, 0, 1, 1, set_size, 0, "<size>",
	    "bytes the ring holds; tune.bufsize unless set" },
	{ "timeout connect", CONF_OTHER, 0, 1, 1, set_timeout, FIELD(connect_ms), "<timeout>",
	    "longest wait for a connection to a server" },
	{ "timeout server", CONF_OTHER, 0, 1, 1, set_timeout, FIELD(server_ms), "<timeout>",
	    "longest time that a server may take nothing while lines wait for it" },
	{ .name = NULL },
};

static const struct conf_keyword *const ring_keyword_tables[] = { ring_keywords, NULL };

const struct conf_section section_ring = {
	.name = "ring",
	.scope = CONF_OTHER,
	.open = open_ring,
	.tables = ring_keyword_tables,
};

/* ---- finishing ---- */

/* A target of a section's ring gets that one's format; one with a ring of its own has said it itself. */
static void tie_to_ring(struct conf *conf, struct config *c, struct log_ref *ref)
{
	struct log_target *t = ref->target;
	struct ring_conf *rc = ring_conf_find(c, ref->name);
	if (!rc && strcmp(ref->name, BUF0) == 0) {
		rc = ring_conf_own(c, BUF0, "in-memory ring buffer", ref->pos);
		if (rc)
			rc->size = BUF0_SIZE;
	}
	if (!rc) {
		diag_add(conf_diag(conf), DIAG_ERROR, ref->pos,
		    "log target 'ring@%s' : there is no ring of that name", ref->name);
		return;
	}
	ref->ring = rc;
	t->deliver = log_deliver_ring;
	if (rc->is_own && rc->to.len)
		return;
	t->header = rc->header;
	t->header_set = true;
	t->len = rc->maxlen;
}

static void check_ring(struct conf *conf, const struct config *c, struct ring_conf *rc)
{
	if (rc->size == SIZE_UNSET)
		rc->size = c->global.bufsize;
	if (rc->maxlen > rc->size) {
		diag_add(conf_diag(conf), DIAG_WARNING, rc->pos,
		    "ring '%s' : 'maxlen' %u is more than its size, %zu bytes count", rc->name,
		    rc->maxlen, rc->size);
		rc->maxlen = (unsigned)rc->size;
	}
	for (struct server *s = rc->servers; s; s = s->next) {
		s->connect.rcvbuf = c->global.rcvbuf_server;
		s->connect.sndbuf = c->global.sndbuf_server;
		if (s->datagram)
			diag_add(conf_diag(conf), DIAG_ERROR,
			    (struct conf_pos){ .file = s->pos.file, .line = s->pos.line },
			    "ring '%s' : server '%s' must have a stream address", rc->name,
			    s->name);
		else
			(void)server_tls_finish(conf, s, &c->server_tls, false);
		if (s->check)
			diag_add(conf_diag(conf), DIAG_NOTICE,
			    (struct conf_pos){ .file = s->pos.file, .line = s->pos.line },
			    "ring '%s' : 'check' of server '%s' is without effect: the connection "
			    "itself tells whether it is there",
			    rc->name, s->name);
	}
}

void finish_rings(struct conf *conf, struct config *c)
{
	for (struct ring_conf *rc = c->rings; rc; rc = rc->next)
		check_ring(conf, c, rc);
	for (struct log_ref *ref = c->log_refs; ref; ref = ref->next)
		if (!ref->is_backend)
			tie_to_ring(conf, c, ref);
}
