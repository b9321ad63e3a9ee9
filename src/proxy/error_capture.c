/* SPDX-License-Identifier: MIT */
/*
 * Keeps the last broken message of each proxy and side, and writes them out in the form of the management
 * manual: 79 columns, every byte readable, the offset in front of each line. Any worker writes, worker 0 reads,
 * both under the store's lock.
 */
#include "weir/proxy/error_capture.h"

#include "weir/proxy/proxy.h"

#define NAME_MAX_LEN 64
/* Columns for bytes behind "  00000  ". */
#define DUMP_COLUMNS 70

struct party {
	char name[NAME_MAX_LEN];
	int id;
};

struct error_entry {
	struct error_entry *next;
	struct party px, other, server;
	bool response;
	unsigned serial;
	int64_t wall_us;
	char src[NET_ADDR_TEXT];
	unsigned src_port;
	const char *reason;
	size_t at, room;
	size_t len; /* of the message as received */
	size_t kept;
	char bytes[];
};

/* ---- keeping ---- */

static struct party party_of(const char *name, unsigned id)
{
	struct party p = { .id = name ? (int)id : -1 };
	snprintf(p.name, sizeof(p.name), "%s", name ? name : "<NONE>");
	return p;
}

static struct error_entry *entry_new(const struct error_event *ev)
{
	size_t kept = MIN(ev->bytes.len, ERROR_CAPTURE_BYTES);
	struct error_entry *e = calloc(1, sizeof(*e) + kept);
	if (!e)
		return NULL;
	e->px = party_of(ev->px->name, ev->px->id);
	e->other = party_of(ev->other ? ev->other->name : NULL, ev->other ? ev->other->id : 0);
	e->server = party_of(ev->server ? ev->server->name : NULL, ev->server ? ev->server->id : 0);
	e->response = ev->response;
	e->wall_us = ev->wall_us;
	snprintf(e->src, sizeof(e->src), "unknown");
	if (ev->src) {
		net_peer_text(ev->src, e->src);
		e->src_port = net_peer_port(ev->src);
	}
	e->reason = ev->reason;
	e->at = ev->at;
	e->room = ev->room;
	e->len = ev->bytes.len;
	e->kept = kept;
	if (kept)
		memcpy(e->bytes, ev->bytes.ptr, kept);
	return e;
}

static bool replaces(const struct error_entry *e, const struct error_entry *old)
{
	return e->response == old->response && strcmp(e->px.name, old->px.name) == 0;
}

/* Puts e in front; what it replaces, or the oldest of too many, is returned for free(). Under the lock. */
static struct error_entry *insert(struct error_store *store, struct error_entry *e)
{
	struct error_entry **at = &store->entries, *gone = NULL;
	while (*at && !replaces(e, *at) && (store->n < ERROR_CAPTURE_MAX || (*at)->next))
		at = &(*at)->next;
	if (*at) {
		gone = *at;
		*at = gone->next;
		store->n--;
	}
	e->next = store->entries;
	store->entries = e;
	store->n++;
	return gone;
}

void error_capture(struct error_store *store, const struct error_event *ev)
{
	struct error_entry *e = entry_new(ev), *gone = NULL;
	pthread_mutex_lock(&store->lock);
	unsigned serial = store->total++;
	if (e) {
		e->serial = serial;
		gone = insert(store, e);
	}
	pthread_mutex_unlock(&store->lock);
	free(gone);
}

void error_store_done(struct error_store *store)
{
	while (store->entries) {
		struct error_entry *e = store->entries;
		store->entries = e->next;
		free(e);
	}
	store->n = 0;
}

/* ---- showing ---- */

/* "[04/Mar/2009:15:46:56.081]", local time. */
static void add_date(struct strbuf *out, int64_t wall_us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t s = (time_t)(wall_us / 1000000);
	struct tm tm;
	localtime_r(&s, &tm);
	strbuf_addf(out, "[%02d/%.3s/%04d:%02d:%02d:%02d.%03d]", tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_us / 1000 % 1000));
}

/* One byte as it is shown, NUL-terminated; returns its width. */
static unsigned show_byte(unsigned char c, char out[5])
{
	static const char plain[] = "\t\n\r\033\\", letter[] = "tnre\\";
	const char *at = c ? strchr(plain, c) : NULL;
	if (at)
		return (unsigned)snprintf(out, 5, "\\%c", letter[at - plain]);
	if (c < 0x20 || c >= 0x7f)
		return (unsigned)snprintf(out, 5, "\\x%02X", c);
	return (unsigned)snprintf(out, 5, "%c", c);
}

static void add_dump(struct strbuf *out, const char *bytes, size_t len)
{
	size_t i = 0;
	bool continued = false;
	while (i < len) {
		unsigned width = 0;
		bool ended = false;
		strbuf_addf(out, "  %05zu%c ", i, continued ? '+' : ' ');
		while (i < len && !ended) {
			char text[5];
			unsigned w = show_byte((unsigned char)bytes[i], text);
			if (width + w > DUMP_COLUMNS)
				break;
			strbuf_adds(out, text);
			width += w;
			ended = bytes[i++] == '\n';
		}
		continued = !ended;
		strbuf_addc(out, '\n');
	}
}

static void add_entry(struct strbuf *out, const struct error_entry *e)
{
	strbuf_adds(out, " \n");
	add_date(out, e->wall_us);
	strbuf_addf(out, " %s %s (#%d): invalid %s\n", e->response ? "backend" : "frontend",
	    e->px.name, e->px.id, e->response ? "response" : "request");
	strbuf_addf(out, "  %s %s (#%d), server %s (#%d), event #%u, src %s:%u\n",
	    e->response ? "frontend" : "backend", e->other.name, e->other.id, e->server.name,
	    e->server.id, e->serial, e->src, e->src_port);
	strbuf_addf(out, "  buffer starts at 0 (including 0 out), %zu free,\n", e->room);
	strbuf_addf(out, "  len %zu, wraps at %zu, error at position %zu\n", e->len,
	    e->len + e->room, e->at);
	strbuf_addf(out, "  H1 error: %s:\n  \n", e->reason ? e->reason : "unknown");
	add_dump(out, e->bytes, e->kept);
}

void error_store_show(
    struct error_store *store, int id, unsigned which, int64_t now_wall_us, struct strbuf *out)
{
	pthread_mutex_lock(&store->lock);
	strbuf_adds(out, "Total events captured on ");
	add_date(out, now_wall_us);
	strbuf_addf(out, " : %u\n", store->total);
	for (const struct error_entry *e = store->entries; e; e = e->next) {
		unsigned side = e->response ? ERROR_SHOW_RESPONSES : ERROR_SHOW_REQUESTS;
		if ((which & side) && (id < 0 || id == e->px.id || id == e->other.id))
			add_entry(out, e);
	}
	pthread_mutex_unlock(&store->lock);
}
