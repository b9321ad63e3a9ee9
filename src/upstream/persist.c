/* SPDX-License-Identifier: MIT */
/*
 * Cookie persistence (configuration manual: "cookie"). The request's cookie names a server; the response's
 * Set-Cookie is inserted, rewritten, prefixed or removed. Runs on the stream's worker; what it writes lies in
 * the stream's arena.
 */
#include "weir/upstream/persist.h"

#include <endian.h>
#include <errno.h>

#include "persist_value.h"
#include "upstream_internal.h"

/* Dates further in the future than this are wrong: a clock was set. */
#define FUTURE_MAX_S (24 * 3600)
/* Set-Cookie value: name, server, two dates, attributes. */
#define PREFIX_DELIMITER '~'

/* Without insert, rewrite or prefix the cookie is only read, and nothing is said about it. */
static bool is_active(const struct cookie_conf *c)
{
	return c->insert || c->rewrite || c->prefix;
}

struct slice server_cookie(const struct server *s)
{
	const struct cookie_conf *c = s->be->cookie;
	if (s->cookie)
		return slice_str(s->cookie);
	if (!c || !c->dynamic)
		return SLICE_NULL;
	const struct server_dest *d = atomic_load_explicit(&s->rt->dest, memory_order_acquire);
	return slice_str(d->cookie);
}

/* ---- request ---- */

static bool too_old(int64_t date_s, unsigned max_s, int64_t now_s)
{
	return max_s && date_s && (date_s > now_s + FUTURE_MAX_S || now_s - date_s > max_s);
}

/* Judges one value of the cookie. */
static void judge(
    const struct backend *be, struct slice value, int64_t now_s, struct persist_state *st)
{
	const struct cookie_conf *c = be->cookie;
	struct slice name = value;
	st->found = true;
	st->first_s = st->last_s = 0;
	if (c->prefix)
		name = slice_sub(value, 0, slice_find(value, PREFIX_DELIMITER));
	else /* dates are of "insert", and may be there still after a change of mode */
		name = persist_value_split(value, &st->last_s, &st->first_s);
	st->expired = too_old(st->last_s, c->maxidle_s, now_s);
	st->too_old = !st->expired && too_old(st->first_s, c->maxlife_s, now_s);
	st->server = NULL;
	st->invalid = st->down = false;
	if (st->expired || st->too_old) {
		st->first_s = st->last_s = 0;
		return;
	}
	st->server = backend_server_by_cookie(be, name);
	st->invalid = !st->server;
	st->down = st->server && !server_is_usable(st->server);
}

static char in_letter(const struct persist_state *st)
{
	if (!st->found)
		return 'N';
	if (st->expired)
		return 'E';
	if (st->too_old)
		return 'O';
	if (st->invalid)
		return 'I';
	return st->down ? 'D' : 'V';
}

/* "name = value" of one element; false when it has no '='. */
static bool split_pair(struct slice element, struct slice *ret_name, struct slice *ret_value)
{
	struct slice value = element;
	struct slice name = slice_cut(&value, '=');
	if (!value.ptr)
		return false;
	*ret_name = slice_trim_ows(name);
	*ret_value = slice_trim_ows(value);
	return true;
}

struct edit {
	char *out; /* NULL while nothing was changed */
	size_t len;
};

static void edit_add(struct edit *e, struct slice s)
{
	if (s.len)
		memcpy(e->out + e->len, s.ptr, s.len);
	e->len += s.len;
}

/* Takes the cookie out of a Cookie field, or its prefix off. False when memory is short. */
static bool edit_field(const struct cookie_conf *c, struct http_hdr *h, struct arena *arena)
{
	struct slice rest = http_hdr_value_of(h);
	struct edit e = { .out = arena_bytes(arena, rest.len + 2 * (rest.len / 2 + 1)) };
	bool removed_before = false;
	if (!e.out)
		return false;
	while (rest.ptr) {
		struct slice element = slice_cut(&rest, ';'), name, value;
		bool ours = split_pair(element, &name, &value) && slice_eq(name, c->name);
		if (ours && c->insert) {
			removed_before = true;
			continue;
		}
		if (e.len)
			edit_add(&e, removed_before ? SLICE("; ") : SLICE(";"));
		if (removed_before || !e.len)
			while (element.len && (*element.ptr == ' ' || *element.ptr == '\t'))
				element = slice_sub(element, 1, element.len);
		removed_before = false;
		size_t cut = ours ? slice_find(value, PREFIX_DELIMITER) : 0;
		if (ours && cut < value.len) {
			edit_add(&e, slice_make(element.ptr, (size_t)(value.ptr - element.ptr)));
			value = slice_make(value.ptr + cut + 1,
			    (size_t)(element.ptr + element.len - value.ptr) - cut - 1);
			edit_add(&e, value);
		} else {
			edit_add(&e, element);
		}
	}
	if (slice_trim_ows(slice_make(e.out, e.len)).len == 0)
		http_hdr_del(h);
	else
		http_hdr_set_value(h, slice_make(e.out, e.len));
	return true;
}

void persist_request(const struct backend *be, struct http_msg *req, struct arena *arena,
    int64_t now_s, struct persist_state *st, struct record_flags *flags)
{
	const struct cookie_conf *c = be->cookie;
	*st = (struct persist_state){ .server = NULL };
	if (!c)
		return;
	struct http_hdr *h = NULL;
	while ((h = http_hdr_find_id(req, HDR_COOKIE, h))) {
		struct slice rest = http_hdr_value_of(h);
		bool here = false;
		while (rest.ptr) {
			struct slice element = slice_cut(&rest, ';'), name, value;
			if (!split_pair(element, &name, &value) || !slice_eq(name, c->name))
				continue;
			here = true;
			/* the first one that names a server that works decides */
			if (!st->server || st->down)
				judge(be, value, now_s, st);
		}
		if (here && ((c->insert && c->indirect) || c->prefix) && edit_field(c, h, arena))
			st->removed = c->insert;
	}
	if (!is_active(c))
		return;
	flags->cookie_in = in_letter(st);
	flags->cookie_out = 'N';
}

void persist_ignore(struct persist_state *st, struct record_flags *flags)
{
	st->ignored = true;
	st->server = NULL;
	if (st->found && flags->cookie_in != '-')
		flags->cookie_in = 'U';
}

/* ---- response ---- */

/* A cache may keep the response for others, going by its fields (RFC 9111 3). */
static bool may_be_cached(const struct http_msg *res, bool is_post)
{
	static const uint16_t by_default[] = { 200, 203, 204, 206, 300, 301, 404, 405, 410, 414,
		501 };
	struct http_list_walk walk = { .started = false };
	struct slice directive;
	bool status_ok = false;
	for (size_t i = 0; i < ARRAY_SIZE(by_default); i++)
		status_ok |= res->status == by_default[i];
	if (is_post || !status_ok)
		return false;
	bool lasting = http_hdr_find_id(res, HDR_ETAG, NULL) ||
		       http_hdr_find_id(res, HDR_LAST_MODIFIED, NULL) ||
		       http_hdr_find(res, SLICE("expires"), NULL);
	while (http_list_next(res, SLICE("cache-control"), &walk, &directive)) {
		struct slice age = directive;
		struct slice word = slice_cut(&age, '=');
		bool is_age =
		    slice_ieq(word, SLICE("max-age")) || slice_ieq(word, SLICE("s-maxage"));
		if (slice_ieq(word, SLICE("no-cache")) || slice_ieq(word, SLICE("no-store")) ||
		    slice_ieq(word, SLICE("private")) || (is_age && slice_eq(age, SLICE("0"))))
			return false;
		lasting |= is_age || slice_ieq(word, SLICE("public"));
	}
	return lasting;
}

/* Whether the client's valid cookie is to be sent again with new dates. */
static bool needs_refresh(
    const struct cookie_conf *c, const struct persist_state *st, int64_t now_s)
{
	if (c->maxidle_s && !st->last_s)
		return true;
	if (st->last_s && st->last_s < now_s)
		return true;
	return !c->maxlife_s != !st->first_s;
}

/* "name=server|last|first; path=/; domain=...; HttpOnly; Secure; attr". */
static int insert(const struct cookie_conf *c, struct http_msg *res, struct arena *arena,
    int64_t now_s, struct slice server, int64_t first_s)
{
	char dates[2 * (PERSIST_DATE_LEN + 1)];
	size_t dates_len = 0;
	if (c->maxidle_s || c->maxlife_s) {
		dates[0] = '|';
		persist_date_write(now_s, dates + 1);
		dates_len = PERSIST_DATE_LEN + 1;
	}
	if (c->maxlife_s) {
		dates[dates_len] = '|';
		persist_date_write(first_s ? first_s : now_s, dates + dates_len + 1);
		dates_len += PERSIST_DATE_LEN + 1;
	}
	char *value = arena_printf(arena, "%.*s=%.*s%.*s; path=/%.*s%s%s%.*s", SLICE_ARG(c->name),
	    SLICE_ARG(server), (int)dates_len, dates, SLICE_ARG(c->domains),
	    c->httponly ? "; HttpOnly" : "", c->secure ? "; Secure" : "", SLICE_ARG(c->attrs));
	if (!value)
		return -ENOMEM;
	return http_hdr_add(res, SLICE("set-cookie"), slice_str(value));
}

/* The value of our cookie in a Set-Cookie field; false when it sets another. */
static bool our_set_cookie(const struct cookie_conf *c, struct slice field, struct slice *ret_value)
{
	struct slice name;
	struct slice pair = slice_sub(field, 0, slice_find(field, ';'));
	return split_pair(pair, &name, ret_value) && slice_eq(name, c->name);
}

/* Puts the server's value in the place of ours, or in front of it. */
static int rewrite(const struct cookie_conf *c, struct http_hdr *h, struct arena *arena,
    struct slice value, struct slice server)
{
	struct slice field = http_hdr_value_of(h);
	size_t before = (size_t)(value.ptr - field.ptr);
	struct slice after = slice_sub(field, before + (c->prefix ? 0 : value.len), field.len);
	char *text = arena_printf(arena, "%.*s%.*s%s%.*s", (int)before, field.ptr,
	    SLICE_ARG(server), c->prefix ? "~" : "", SLICE_ARG(after));
	if (!text)
		return -ENOMEM;
	http_hdr_set_value(h, slice_str(text));
	return 0;
}

/* What the server's own Set-Cookie of that name becomes. 0 or -errno. */
static int edit_set_cookies(const struct cookie_conf *c, struct http_msg *res, struct arena *arena,
    struct slice server, bool client_has_it, char *letter)
{
	struct http_hdr *h = NULL;
	while ((h = http_hdr_find_id(res, HDR_SET_COOKIE, h))) {
		struct slice value;
		int r;
		if (!our_set_cookie(c, http_hdr_value_of(h), &value))
			continue;
		if (c->preserve) {
			*letter = 'P';
		} else if (c->insert || (c->indirect && client_has_it)) {
			http_hdr_del(h);
			*letter = 'D';
		} else if (server.len && (c->rewrite || c->prefix)) {
			if ((r = rewrite(c, h, arena, value, server)) < 0)
				return r;
			*letter = 'R';
		}
	}
	return 0;
}

int persist_response(const struct backend *be, struct http_msg *res, struct arena *arena,
    int64_t now_s, const struct server *served_by, bool is_post, const struct persist_state *st,
    struct record_flags *flags)
{
	const struct cookie_conf *c = be->cookie;
	char letter = 'N';
	if (!c || !is_active(c))
		return 0;
	struct slice server = served_by ? server_cookie(served_by) : SLICE_NULL;
	/* down and yet served by it: force-persist */
	bool client_has_it = st->server && st->server == served_by;
	int r = edit_set_cookies(c, res, arena, server, client_has_it, &letter);
	if (r < 0)
		return r;
	bool refresh = client_has_it && needs_refresh(c, st, now_s);
	if (c->insert && server.len && letter != 'P' && !st->ignored && (!c->postonly || is_post) &&
	    (!client_has_it || refresh)) {
		r = insert(c, res, arena, now_s, server, client_has_it ? st->first_s : 0);
		if (r < 0)
			return r;
		letter = refresh ? 'U' : 'I';
		if (c->nocache && may_be_cached(res, is_post) &&
		    (r = http_hdr_add(res, SLICE("cache-control"), SLICE("private"))) < 0)
			return r;
	}
	flags->cookie_out = letter;
	return 0;
}

/* ---- RDP ---- */

/* "3232235777.15629.0000": address and port of the server as little-endian numbers. */
struct server *persist_rdp(const struct backend *be, struct slice value)
{
	struct slice rest = value;
	uint64_t address, port;
	struct slice first = slice_cut(&rest, '.');
	if (!rest.ptr || slice_to_u64(first, UINT32_MAX, &address) < 0)
		return NULL;
	if (slice_to_u64(slice_cut(&rest, '.'), UINT16_MAX, &port) < 0)
		return NULL;
	for (unsigned i = 0; i < be->servers_n; i++) {
		struct server *s = be->servers[i];
		const struct server_dest *d =
		    atomic_load_explicit(&s->rt->dest, memory_order_acquire);
		if (d->addr.sa.sa_family == AF_INET &&
		    le32toh(d->addr.in.sin_addr.s_addr) == (uint32_t)address &&
		    le16toh(htobe16((uint16_t)d->port)) == (uint16_t)port)
			return s;
	}
	return NULL;
}
