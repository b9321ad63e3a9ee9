/* SPDX-License-Identifier: MIT */
/*
 * Cookie persistence (configuration manual: "cookie", "ignore-persist", "force-persist"): which server a
 * request's cookie names, and what the response's Set-Cookie becomes.
 */
#ifndef WEIR_UPSTREAM_PERSIST_H
#define WEIR_UPSTREAM_PERSIST_H

#include "weir/http/http.h"
#include "weir/telemetry/record.h"
#include "weir/upstream/backend.h"

struct cookie_conf {
	struct slice name;
	bool rewrite, insert, prefix, indirect, nocache, postonly, preserve, httponly, secure,
	    dynamic;
	struct slice domains; /* "; domain=a; domain=b", ready to append */
	struct slice attrs;   /* "attr" words, ready to append */
	unsigned maxidle_s, maxlife_s;
};

/* What a request's cookie said. */
struct persist_state {
	struct server *server;		      /* named by the cookie; may be down */
	bool found;			      /* the cookie was there */
	bool removed;			      /* it was taken out of the request (indirect) */
	bool ignored;			      /* ignore-persist: none is set either */
	bool expired, too_old, invalid, down; /* for the termination flag */
	int64_t first_s, last_s;	      /* dates in the cookie, 0 without */
};

/*
 * Looks the persistence cookie up in req; fills *st and st->flags' cookie letter; edits the Cookie header for
 * prefix and indirect modes (in arena). now_s is wall time.
 */
void persist_request(const struct backend *be, struct http_msg *req, struct arena *arena,
    int64_t now_s, struct persist_state *st, struct record_flags *flags);
/* ignore-persist: what the request's cookie said does not count. */
void persist_ignore(struct persist_state *st, struct record_flags *flags);
/*
 * Adds, rewrites or removes Set-Cookie in res for the server that served; sets the cookie_out letter. is_post:
 * for postonly. 0 or -ENOMEM/-ENOBUFS.
 */
int persist_response(const struct backend *be, struct http_msg *res, struct arena *arena,
    int64_t now_s, const struct server *served_by, bool is_post, const struct persist_state *st,
    struct record_flags *flags);
/* TCP: the server an RDP cookie names (persist rdp-cookie), or NULL. */
struct server *persist_rdp(const struct backend *be, struct slice value);

#endif
